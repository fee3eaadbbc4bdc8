// The cost over two parameters: drawn by the server, with a point that can be dragged and the way down from it.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.js";
import { TEXTS } from "./texts.js";
import { kept } from "./asking.js";
import * as s from "./state.js";
import { Solid } from "./solid.js";

const SVG = "http://www.w3.org/2000/svg";

function slope(name) {
  return s.valueOf(`t:${name}`) ?? s.valueOf(`d:${name}`);
}

export function Surface() {
  const plan = s.stage.value?.plan;
  const first = (plan?.parameters ?? []).slice(0, 2).join(",");
  const which = s.pair.value ?? first;
  const [found, put] = useState(null);
  const [space, turnTo] = useState(false);
  const place = useRef(null);
  const [across, up] = which.split(/,(?![^[]*\])/).map((one) => one.split("=")[0].trim());
  useEffect(() => {
    if (!which) return;
    s.ask("surface", { text: s.text.value, surface: which, epochs: s.epochs.value, step: s.step.value }).then((next) => next && put(next));
  }, [which, s.text.value, s.epochs.value, s.step.value]);
  useLayoutEffect(() => {
    const svg = place.current?.querySelector("svg");
    if (!svg || !found?.frame) return undefined;
    svg.setAttribute("role", "group"); // a picture holds nothing that can be moved
    const plot = [...svg.querySelectorAll("rect")].find((one) => one.getAttribute("fill") === "none");
    if (!plot) return undefined;
    const box = Object.fromEntries(["x", "y", "width", "height"].map((one) => [one, Number(plot.getAttribute(one))]));
    const { left, right, low, high } = found.frame;
    const toPlace = (x, y) => [box.x + ((x - left) / (right - left)) * box.width, box.y + (1 - (y - low) / (high - low)) * box.height];
    const toValue = (x, y) => [left + ((x - box.x) / box.width) * (right - left), low + (1 - (y - box.y) / box.height) * (high - low)];
    const start = [s.valueOf(`v:${across}`), s.valueOf(`v:${up}`)];
    if (start.some((one) => one === undefined)) return undefined;
    const group = document.createElementNS(SVG, "g");
    const [dx, dy] = [slope(across), slope(up)];
    const [px, py] = toPlace(...start);
    if (Number.isFinite(dx) && Number.isFinite(dy) && (dx || dy)) {
      const [ex, ey] = [(-dx / (right - left)) * box.width, (dy / (high - low)) * box.height];
      const size = Math.hypot(ex, ey) || 1;
      const [tx, ty] = [px + (ex / size) * 60, py + (ey / size) * 60];
      const line = document.createElementNS(SVG, "line");
      for (const [name, value] of Object.entries({ x1: px, y1: py, x2: tx, y2: ty, class: "down" })) line.setAttribute(name, value);
      const word = document.createElementNS(SVG, "text");
      word.setAttribute("x", tx + 4);
      word.setAttribute("y", ty);
      word.textContent = `−∇${plan.cost}, |∇${plan.cost}| = ${Number(Math.hypot(dx, dy).toPrecision(3))}`;
      group.append(line, word);
    }
    const locked = s.locked.value.includes("sheet");
    const point = document.createElementNS(SVG, "circle");
    for (const [name, value] of Object.entries({ cx: px, cy: py, r: 8, class: "point", ...(locked ? { role: "img" } : { tabindex: 0, role: "slider" }),
      "aria-label": `${across}, ${up}`, "aria-valuetext": `${across} = ${start[0]}, ${up} = ${start[1]}`, "aria-valuenow": start[0] })) point.setAttribute(name, value);
    group.append(point);
    plot.parentNode.append(group);
    if (locked) return () => group.remove();
    const set = async (x, y) => {
      const neat = (value, span) => Number(value.toPrecision(Math.max(2, Math.ceil(Math.log10(Math.abs(value) / span + 1)) + 3)));
      const one = await s.ask("edit", { text: s.text.value, what: "value", name: across, value: neat(x, right - left) }, "drag");
      const both = one && !one.error && await s.ask("edit", { text: one.text, what: "value", name: up, value: neat(y, high - low) }, "drag");
      if (both && !both.error) s.restart(both.text);
    };
    const drag = (event) => {
      const matrix = plot.getScreenCTM().inverse();
      const where = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix);
      point.setAttribute("cx", Math.max(box.x, Math.min(box.x + box.width, where.x)));
      point.setAttribute("cy", Math.max(box.y, Math.min(box.y + box.height, where.y)));
    };
    const drop = () => {
      removeEventListener("pointermove", drag);
      set(...toValue(Number(point.getAttribute("cx")), Number(point.getAttribute("cy"))));
    };
    point.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      addEventListener("pointermove", drag);
      addEventListener("pointerup", drop, { once: true });
    });
    point.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!move) return;
      event.preventDefault();
      event.stopPropagation();
      set(start[0] + (move[0] * (right - left)) / 40, start[1] + (move[1] * (high - low)) / 40);
    });
    return () => group.remove();
  }, [found, s.stage.value, which]);
  if (!plan?.cost || !first) return html`<p class="note">${TEXTS.nothing}</p>`;
  const [dx, dy] = [slope(across), slope(up)];
  const faster = Number.isFinite(dx) && Number.isFinite(dy) && dx && dy
    ? (Math.abs(dx) >= Math.abs(dy) ? [across, up, Math.abs(dx / dy)] : [up, across, Math.abs(dy / dx)]) : null;
  return html`<div class="surface">
    <label class="field">${TEXTS.overWhich} <input type="text" value=${which} disabled=${kept} onChange=${(e) => { s.pair.value = e.target.value; }} /></label>
    ${found?.error && html`<p class="warning">${found.error.message}${found.error.hint ? `; ${TEXTS.tryThis} ${found.error.hint.replace(/^--surface /, "")}` : ""}</p>`}
    ${found?.picture && html`<div class="drawing" ref=${place} dangerouslySetInnerHTML=${{ __html: found.picture }}></div>
      ${!s.locked.value.includes("sheet") && html`<p class="note">${TEXTS.drag}</p>`}
      <details open=${space} onToggle=${(e) => turnTo(e.target.open)}><summary>${TEXTS.space}</summary>
        ${space && html`<${Solid} solid=${found.solid} path=${found.path} across=${across} up=${up} cost=${plan.cost} />`}</details>
      ${found.cut && html`<p class="note">${TEXTS.pathCut(found.cut)}</p>`}
      ${faster && html`<p>${TEXTS.fasterThan(faster[0], faster[2], faster[1], plan.cost)}</p>`}`}
  </div>`;
}
