// The frame of a chart: axes with their ends, and what its children draw in it.
import { html } from "./html.js";

export const short = (value) => String(Number(value.toPrecision(4)));
export const WIDE = 560;
const [EDGE, FOOT] = [58, 24];
const clean = (values) => values.filter((one) => Number.isFinite(one));

// A cost that falls through many sizes is drawn over their powers of ten.
const manySizes = (ys) => Math.min(...ys) > 0 && Math.max(...ys) / Math.min(...ys) > 50;

export function scales(xs, ys, high, log = false) {
  const [left, right] = [Math.min(...clean(xs)), Math.max(...clean(xs))];
  const heights = clean(ys);
  const power = log && manySizes(heights) ? Math.log : (value) => value;
  const [low, top] = [Math.min(...heights), Math.max(...heights)];
  const x = (value) => EDGE + ((value - left) / (right - left || 1)) * (WIDE - EDGE - 10);
  const y = (value) => high - FOOT - ((power(value) - power(low)) / (power(top) - power(low) || 1)) * (high - FOOT - 12);
  const back = (place) => left + ((place - EDGE) / (WIDE - EDGE - 10)) * (right - left);
  return { x, y, back, left, right, low, top };
}

export function Frame({ xs, ys, label, across, up, high = 300, log, children, ...more }) {
  const at = scales(xs, ys, high, log);
  const { x, y, left, right, low, top } = at;
  return html`<svg class="curve fits" viewBox="0 0 ${WIDE} ${high}" role="img" aria-label=${label} ...${more}>
    <text x=${EDGE - 5} y=${y(top) + 4} text-anchor="end" font-size="11">${short(top)}</text>
    <text x=${EDGE - 5} y=${y(low) + 4} text-anchor="end" font-size="11">${short(low)}</text>
    <text x=${EDGE} y=${high - 6} font-size="11">${short(left)}</text>
    <text x=${WIDE - 10} y=${high - 6} text-anchor="end" font-size="11">${short(right)}</text>
    ${across && html`<text x=${(EDGE + WIDE) / 2} y=${high - 6} text-anchor="middle" font-size="11">${across}</text>`}
    ${up && html`<text x=${EDGE - 5} y=${(y(top) + y(low)) / 2} text-anchor="end" font-size="11">${up}</text>`}
    <line class="grid" x1=${EDGE} x2=${WIDE - 10} y1=${y(low)} y2=${y(low)} stroke="currentColor" />
    ${children(at)}
  </svg>`;
}

export const points = (pairs) => pairs.filter((pair) => pair.every(Number.isFinite)).map((pair) => pair.map((one) => one.toFixed(1)).join(",")).join(" ");
