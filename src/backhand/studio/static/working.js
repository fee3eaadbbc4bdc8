// The line of working that belongs to a number, its paths, and the fields that change it.
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.js";
import { TEXTS } from "./texts.js";
import { Maths, Piece } from "./maths.js";
import * as s from "./state.js";

export function Line({ line, large }) {
  return html`<div class=${large ? "line large" : "line"} data-line=${line.key}>
    ${line.parts.map((part) => html`<div class="part">
      <${Maths} latex=${part.left} display=${large} />
      ${part.links.map(([sign, latex], i) => html` <span class=${i === part.links.length - 1 ? "result" : ""}>
        <${Maths} latex=${`${{ "=": "=", "≈": "\\approx", "←": "\\leftarrow" }[sign]} ${latex}`} display=${large} /></span>`)}
      ${part.remark && html` <span class="remark">${part.remark}</span>`}
    </div>`)}
  </div>`;
}

// The paths of the row that is looked at; all of them, where they are of no row.
function pathsHere() {
  const found = s.paths.value;
  const own = found.paths.filter((path) => path.row === null || path.row === s.stage.value.row);
  return own.length ? own : found.paths;
}

async function findPaths(name, row) {
  const found = await s.ask("why", { ...s.moment(), name, row });
  if (found?.error) s.error.value = found.error;
  else if (found) s.paths.value = { ...found, name, lit: null, at: null };
}

function light(k) {
  const [found, all] = [s.paths.value, pathsHere()];
  const lit = k === null ? null : k === "all" ? all.flatMap((path) => path.factors) : all[k].factors;
  s.paths.value = { ...found, lit, at: k };
}

function Paths() {
  const found = s.paths.value;
  const [page, open] = useState(false);
  const all = pathsHere();
  return html`<section class="paths">
    <h2>${TEXTS.paths(all.length)}</h2>
    <div class="chips">
      ${all.length > 1 && html`<button type="button" aria-pressed=${found.at === "all"} onClick=${() => light(found.at === "all" ? null : "all")}>${TEXTS.everyPath}</button>`}
      ${all.slice(0, 40).map((path, k) => html`<button type="button" aria-pressed=${found.at === k}
        onClick=${() => light(found.at === k ? null : k)}>${TEXTS.onePath(k + 1)}</button>`)}
    </div>
    <ol>${all.slice(0, 40).map((path, k) => html`<li class=${found.at === k ? "lit" : ""}>
      <${Maths} latex=${path.factors.map((f) => f.symbol).join(" \\cdot ")} display=${true} />${" "}
      <${Maths} latex=${`= ${path.factors.map((f) => f.slope).join(" \\cdot ")}`} />${" "}
      ${path.value !== null && html`<${Maths} latex=${`= ${path.factors.map((f, k) => (k && f.value < 0 ? `\\left(${number(f.value)}\\right)` : number(f.value))).join(" \\cdot ")} = ${number(path.value)}`} />`}
    </li>`)}</ol>
    ${all.length > 1 && all[0].value !== null && html`<p>${TEXTS.sumOfPaths}: <${Maths}
      latex=${`${all.map((path, k) => (k && path.value >= 0 ? `+ ${number(path.value)}` : number(path.value))).join(" ")} = ${number(all.reduce((sum, path) => sum + path.value, 0))}`} /></p>`}
    <button type="button" aria-expanded=${page} onClick=${() => open(!page)}>${TEXTS.whyPage}</button>
    ${page && html`<${Piece} page=${found.page} />`}
  </section>`;
}

export function number(value) {
  const said = String(Number(value.toPrecision(6)));
  const [digits, power] = said.split("e");
  return power ? `${digits} \\cdot 10^{${Number(power)}}` : said;
}

const ACTIVATIONS = ["linear", "sigmoid", "tanh", "relu", "leaky", "elu", "selu", "gelu", "silu", "softplus"];

function Change({ name, value }) {
  const plan = s.stage.value.plan;
  const data = [...plan.inputs, ...plan.targets].some((one) => name === one || name.startsWith(`${one}[`));
  const learnt = plan.parameters.includes(name);
  const [typed, type] = useState(String(Number(value.toPrecision(12))));
  useEffect(() => type(String(Number(value.toPrecision(12)))), [name, value]);
  const set = (next, keep = true) => {
    if (next.trim() === "") return;
    if (data) s.edit("cell", next, name, s.stage.value.row, keep);
    else s.edit("value", next, name, 1, keep);
  };
  const [[low, high], reach] = useState([0, 1]); // of the slider; it stays while it is moved
  const around = (middle) => reach([middle - Math.max(1, 2 * Math.abs(middle)), middle + Math.max(1, 2 * Math.abs(middle))]);
  useEffect(() => around(value), [name]);
  const sliding = useRef(false);
  const slide = (event) => { // the whole way is one change
    set(event.target.value, !sliding.current);
    sliding.current = true;
  };
  const line = s.byKey.value.get(`v:${name}`);
  if (!data && !learnt) {
    if (!line || s.locked.value.includes("sheet")) return null;
    return html`<label class="field">${TEXTS.activation} <select value="" onChange=${(e) => e.target.value && s.edit("activation", e.target.value, name)}>
      <option value="">…</option>${ACTIVATIONS.map((one) => html`<option>${one}</option>`)}</select></label>`;
  }
  if (s.locked.value.includes("sheet")) return null;
  return html`<div class="field">
    <label>${TEXTS.change} <b>${name}</b> <input type="text" inputmode="decimal" value=${typed} onInput=${(e) => type(e.target.value)}
      onChange=${(e) => set(e.target.value)} /></label>
    <input type="range" aria-label=${`${TEXTS.change} ${name}`} min=${low} max=${high} step=${(high - low) / 200} value=${value}
      onInput=${slide} onChange=${() => { sliding.current = false; around(value); }} />
  </div>`;
}

// The line that belongs to the number that is looked at, or to the step; it stands below the drawing.
export function Now() {
  const found = s.stage.value;
  if (!found) return null;
  const line = s.shown.value;
  const key = s.chosen.value ?? line?.key ?? "";
  const value = s.valueOf(key);
  const open = isOpen(line);
  const word = found.given?.[key] ?? `\\text{${key.slice(2).replaceAll(/[_^\\{}$%#&]/g, "\\$&")}}`;
  return html`<div class="now-line" aria-live="polite">
    ${!key && html`<p class="note">${s.at.value === 0 ? TEXTS.start : TEXTS.choose}</p>`}
    ${line && !open && html`<${Line} line=${line} large=${true} />`}
    ${line && open && html`<p class="line large"><${Maths} latex=${line.parts.at(-1).left} /> <span class="note">${TEXTS.hidden}</span></p>`}
    ${!line && key && (value !== undefined || found.letters) && html`<p class="line large"><${Maths} latex=${value === undefined ? word : `${word} = ${number(value)}`} /></p>`}
  </div>`;
}

const isOpen = (line) => Boolean(line) && (s.hidden.value || line.i >= s.worked.value);

export function Working() {
  const found = s.stage.value;
  if (!found) return null;
  const line = s.shown.value;
  const key = s.chosen.value ?? line?.key ?? "";
  const name = key.slice(2);
  const value = s.valueOf(key);
  const open = isOpen(line);
  const partial = (key.startsWith("d:") || key.startsWith("t:") || (key.startsWith("v:") && found.plan.parameters.includes(name))) && found.plan.cost;
  return html`<div class="working">
    ${key.startsWith("v:") && value !== undefined && html`<${Change} name=${name} value=${value} />`}
    ${partial && !open && !s.hidden.value && html`<p><button type="button" onClick=${() => findPaths(name, key.startsWith("t:") ? null : found.row)}>
      ${TEXTS.everyPath}: ∂${found.plan.cost}/∂${name}</button></p>`}
    ${s.paths.value && html`<${Paths} />`}
    ${found.cut && html`<${Find} />`}
    <${Listing} />
  </div>`;
}

function Find() {
  const [name, type] = useState("");
  return html`<form class="field" onSubmit=${(e) => { e.preventDefault(); s.find(name); }}>
    <label>${TEXTS.find} <input type="text" value=${name} placeholder="W1[3,5]" onInput=${(e) => type(e.target.value)} /></label>
    <button type="submit">${TEXTS.ask}</button><p class="note">${TEXTS.cut}</p></form>`;
}

const FIRST = 120; // lines of the listing, before more are asked for
const SOME = 30; // at a time, so that the drawing does not wait for them

// A line is drawn once: what is the same object is left alone when something else changes.
const drawn = new WeakMap();
function once(line) {
  if (!drawn.has(line)) drawn.set(line, html`<${Line} line=${line} />`);
  return drawn.get(line);
}

function Listing() {
  const [most, more] = useState(SOME);
  const all = s.lines.value.slice(0, s.worked.value);
  useEffect(() => {
    if (most >= FIRST || all.length <= most) return undefined;
    const timer = setTimeout(() => more(most + SOME), 20);
    return () => clearTimeout(timer);
  }, [most, all.length]);
  const groups = [];
  all.slice(0, most).forEach((line) => {
    if (groups.at(-1)?.phase !== line.phase) groups.push({ phase: line.phase, lines: [] });
    groups.at(-1).lines.push(line);
  });
  if (s.hidden.value) return null;
  return html`<div class="listing">${groups.map((group) => html`<section>
    <h2>${TEXTS.phases[group.phase]}</h2>
    ${group.lines.map((line) => html`<button type="button" key=${line.key} class=${`pick ${s.shown.value?.key === line.key ? "on" : ""}`}
      onClick=${() => s.choose(line.key)} title=${line.parts[0].said}>${once(line)}</button>`)}
  </section>`)}
  ${most >= FIRST && all.length > most && html`<button type="button" onClick=${() => more(most + 400)}>${TEXTS.more(all.length - most)}</button>`}</div>`;
}
