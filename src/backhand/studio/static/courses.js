// Courses of the cost side by side, and what the network gives over its inputs, beside the data.
import { useEffect, useState } from "preact/hooks";
import { html } from "./html.js";
import { TEXTS } from "./texts.js";
import * as s from "./state.js";
import { Frame, points, short } from "./chart.js";
import { Train } from "./panels.js";

const INKS = ["#2f6396", "#b5541c", "#3f7d4e", "#7b5aa6", "#8a6d00", "#555"];

export function Compare() {
  const what = s.comparing.value;
  const [found, put] = useState(null);
  const epochs = Math.max(20, Math.min(s.epochs.value, 500));
  useEffect(() => {
    s.ask("compare", { text: s.text.value, what, epochs }).then((next) => next && put(next));
  }, [what, s.text.value, epochs]);
  const courses = found?.courses ?? [];
  const all = courses.flatMap((one) => one.history);
  const first = Math.max(...courses.map((one) => one.history[0]?.[3] ?? 0)) * 1.5; // what runs away is cut
  return html`<div class="compare">
    <div class="chips">${["rates", "starts"].map((one) => html`<button type="button" aria-pressed=${what === one} onClick=${() => { s.comparing.value = one; }}>${TEXTS[one]}</button>`)}</div>
    ${found?.error && html`<p class="warning">${found.error.message}</p>`}
    ${all.length > 0 && html`<${Frame} xs=${all.map((one) => one[0])} ys=${all.map((one) => Math.min(one[3], first))} log across=${TEXTS.updates} up=${s.stage.value?.plan.cost} label=${TEXTS[what]}>
      ${({ x, y }) => courses.map((one, i) => html`<polyline fill="none" stroke=${INKS[i]} stroke-width="2" stroke-dasharray=${i ? `${3 * i + 3} 3` : ""}
        points=${points(one.history.map(([step, , , cost]) => [x(step), y(Math.min(cost, first))]))}><title>${one.name}</title></polyline>`)}
    <//>
    <ul class="legend">${courses.map((one, i) => html`<li><svg width="34" height="10" aria-hidden="true"><line x1="0" x2="34" y1="5" y2="5" stroke=${INKS[i]} stroke-width="2.5"
      stroke-dasharray=${i ? `${3 * i + 3} 3` : ""} /></svg> ${one.name}${one.history.length > 0 && html`: ${short(one.history[0][3])} → ${short(one.history.at(-1)[3])}`}
      ${one.ended && html` <span class="warning">${TEXTS.ranAway} ${one.ended}</span>`}</li>`)}</ul>
    <p class="note">${s.stage.value?.plan.cost} ${TEXTS.over(epochs)}</p>`}
  </div>`;
}

function Plane({ found }) {
  const [across, up] = found.axes;
  const values = found.values;
  const known = values.filter((one) => one !== null);
  const [low, top] = [Math.min(...known, ...(found.told ?? [])), Math.max(...known, ...(found.told ?? []))];
  const ink = (value) => `color-mix(in oklab, #2f6396 ${Math.round((100 * (value - low)) / (top - low || 1))}%, #f3d9b8)`;
  return html`<${Frame} xs=${across} ys=${up} across=${found.inputs[0]} up=${found.inputs[1]} label=${TEXTS.fitOf(found.output, found.inputs)}>${({ x, y }) => {
    const [wide, high] = [x(across[1]) - x(across[0]) + 0.6, y(up[0]) - y(up[1]) + 0.6];
    return html`${up.map((b, j) => across.map((a, i) => values[j * across.length + i] !== null && html`<rect x=${x(a) - wide / 2} y=${y(b) - high / 2}
        width=${wide} height=${high} fill=${ink(values[j * across.length + i])} />`))}
      ${found.data.map(([a, b], i) => html`<circle cx=${x(a)} cy=${y(b)} r="5" fill=${found.told ? ink(found.told[i]) : "none"} stroke="#111" stroke-width="1.4">
        <title>${found.told?.[i]}</title></circle>`)}`;
  }}<//>`;
}

export function Fit() {
  const [found, put] = useState(null);
  useEffect(() => {
    s.ask("fit", s.moment()).then((next) => next && put(next));
  }, [s.stage.value]);
  if (!found) return null;
  if (found.error) return html`<p class="note">${found.error.message}</p>`;
  const told = found.told ?? [];
  return html`<div class="fit">
    <${Train} />
    ${found.inputs.length === 2 ? html`<${Plane} found=${found} />`
      : html`<${Frame} xs=${found.axes[0]} ys=${[...found.values.filter((one) => one !== null), ...told]} across=${found.inputs[0]} up=${found.output} label=${TEXTS.fitOf(found.output, found.inputs)}>
        ${({ x, y }) => html`<polyline fill="none" class="edge more" stroke-width="2.2" points=${points(found.axes[0].map((a, i) => [x(a), found.values[i] === null ? NaN : y(found.values[i])]))} />
          ${found.data.map(([a], i) => told[i] !== undefined && html`<circle cx=${x(a)} cy=${y(told[i])} r="4" class="datum"><title>${a}, ${told[i]}</title></circle>`)}`}<//>`}
    <p class="note">${TEXTS.fitOf(found.output, found.inputs)}; ${TEXTS.dataPoints}.</p>
  </div>`;
}
