// The cost as a surface in space, turned by dragging or by the arrow keys; drawn on a canvas, the farthest squares first.
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.js";
import { TEXTS } from "./texts.js";

const [WIDE, HIGH] = [560, 420];

// Where a point of the cube (-1 to 1 in each direction) is seen.
function seen(turn, tilt) {
  const [ct, st, cv, sv] = [Math.cos(turn), Math.sin(turn), Math.cos(tilt), Math.sin(tilt)];
  return (x, y, z) => {
    const [across, far] = [x * ct - y * st, x * st + y * ct];
    return [WIDE / 2 + 170 * across, HIGH / 2 - 150 * (z * cv - far * sv) + 20, far * cv + z * sv];
  };
}

function draw(canvas, solid, path, turn, tilt) {
  const style = getComputedStyle(canvas);
  const ink = (name) => style.getPropertyValue(name);
  const sharp = devicePixelRatio || 1;
  canvas.width = WIDE * sharp;
  canvas.height = HIGH * sharp;
  const pen = canvas.getContext("2d");
  pen.scale(sharp, sharp);
  const { xs, ys, heights } = solid;
  const known = heights.flat().filter((one) => one !== null);
  const [low, top] = [Math.min(...known), Math.max(...known)];
  const size = (value, first, last) => (2 * (value - first)) / (last - first || 1) - 1;
  const place = seen(turn, tilt);
  const at = (i, j) => (heights[j][i] === null ? null : place(size(xs[i], xs[0], xs.at(-1)), size(ys[j], ys[0], ys.at(-1)), size(heights[j][i], low, top)));
  const squares = [];
  for (let j = 0; j + 1 < ys.length; j += 1) {
    for (let i = 0; i + 1 < xs.length; i += 1) {
      const corners = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)];
      if (corners.every(Boolean)) squares.push({ corners, far: corners.reduce((sum, one) => sum + one[2], 0), share: (heights[j][i] - low) / (top - low || 1) });
    }
  }
  squares.sort((a, b) => b.far - a.far);
  for (const { corners, share } of squares) {
    pen.beginPath();
    corners.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.closePath();
    pen.fillStyle = `hsl(${210 - 185 * Math.sqrt(share)} 45% ${45 + 25 * share}%)`;
    pen.fill();
    pen.strokeStyle = "rgb(0 0 0 / 18%)";
    pen.stroke();
  }
  const above = ([x, y]) => { // on the surface, by the nearest point of the grid
    const i = Math.round(((x - xs[0]) / (xs.at(-1) - xs[0])) * (xs.length - 1));
    const j = Math.round(((y - ys[0]) / (ys.at(-1) - ys[0])) * (ys.length - 1));
    const height = heights[j]?.[i];
    return height === undefined || height === null ? null : place(size(x, xs[0], xs.at(-1)), size(y, ys[0], ys.at(-1)), size(height, low, top) + 0.03);
  };
  const points = path.map(above).filter(Boolean);
  pen.beginPath();
  points.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.strokeStyle = ink("--less");
  pen.lineWidth = 2.5;
  pen.stroke();
  if (points.length) {
    pen.beginPath();
    pen.arc(points.at(-1)[0], points.at(-1)[1], 5, 0, 2 * Math.PI);
    pen.fillStyle = ink("--less");
    pen.fill();
  }
}

export function Solid({ solid, path, across, up, cost }) {
  const canvas = useRef(null);
  const [[turn, tilt], set] = useState([0.7, 0.5]);
  useEffect(() => draw(canvas.current, solid, path, turn, tilt), [solid, path, turn, tilt]);
  const grab = (event) => {
    const start = [event.clientX, event.clientY];
    const move = (next) => set([turn + (next.clientX - start[0]) / 120, Math.max(0.05, Math.min(1.5, tilt + (next.clientY - start[1]) / 160))]);
    addEventListener("pointermove", move);
    addEventListener("pointerup", () => removeEventListener("pointermove", move), { once: true });
  };
  const key = (event) => {
    const by = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] }[event.key];
    if (!by) return;
    set([turn + by[0], Math.max(0.05, Math.min(1.5, tilt + by[1]))]);
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<canvas ref=${canvas} class="solid" style=${`max-width: ${WIDE}px`} tabindex="0" role="img" onPointerDown=${grab} onKeyDown=${key}
    aria-label=${TEXTS.inSpace(cost, across, up)}></canvas>`;
}
