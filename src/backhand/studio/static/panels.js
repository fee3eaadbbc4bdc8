// What stands beside the drawing: the sheet's text, other views, the epochs, the surface, the exercise, sharing.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.js";
import { TEXTS } from "./texts.js";
import { Piece } from "./maths.js";
import { Frame, WIDE, points, scales } from "./chart.js";
import { framed, kept } from "./asking.js";
import * as s from "./state.js";
import { MOST, packed, state } from "./address.js";

// The sheet's text ---------------------------------------------------------------------------------------------------

const WORDS = ["title", "input", "target", "const", "layers", "start", "cost", "rate", "update", "mode", "data", "sigmoid", "relu",
  "leaky", "elu", "selu", "gelu", "silu", "tanh", "softplus", "softmax", "linear", "exp", "log", "sqrt", "abs", "max", "min",
  "sum", "mean", "mse", "sse", "mae", "huber", "cross_entropy", "binary_cross_entropy", "momentum", "nesterov", "adagrad",
  "rmsprop", "adam", "adamw", "online", "batches of 32"];

function proposals(text, end) {
  const begun = /[\p{L}_][\p{L}\p{N}_]*$/u.exec(text.slice(0, end))?.[0] ?? "";
  if (begun.length < 2) return { begun, words: [] };
  const names = new Set([...WORDS, ...(text.match(/[\p{L}_][\p{L}\p{N}_]*/gu) ?? [])]);
  names.delete(begun);
  return { begun, words: [...names].filter((one) => one.startsWith(begun)).slice(0, 8) };
}

export function Fault({ error }) {
  if (!error) return null;
  return html`<div class="fault" role="alert">
    <b>${TEXTS.wrong}${error.place ? ` (${TEXTS.line} ${error.place.line})` : ""}:</b> ${error.message}
    ${error.expected && html`<div>${TEXTS.expected} ${error.expected}</div>`}
    ${error.got && html`<div>${TEXTS.got} ${error.got}</div>`}
    ${error.hint && html`<div>${TEXTS.tryThis} ${error.hint}</div>`}
  </div>`;
}

export function Sheet() {
  const place = useRef(null);
  const [found, propose] = useState({ begun: "", words: [] });
  const [at, point] = useState(0);
  const timer = useRef(0);
  const begun = useRef(null);
  const value = s.text.value;
  const numbers = value.split("\n");
  const bad = s.error.value?.place?.line;
  const settle = () => { // what is being typed is the sheet's text from now on
    clearTimeout(timer.current);
    const [first, next] = [begun.current, place.current?.value];
    begun.current = null;
    if (first !== null && next !== undefined && first !== next) s.change(next);
  };
  const write = () => {
    if (begun.current === null) begun.current = s.text.value;
    clearTimeout(timer.current);
    timer.current = setTimeout(settle, 350);
  };
  useLayoutEffect(() => {
    s.flush.value = settle;
    return () => { settle(); s.flush.value = null; };
  }, []);
  const input = (event) => {
    propose(proposals(event.target.value, event.target.selectionEnd));
    point(0);
    write();
  };
  const take = (word) => {
    const area = place.current;
    area.setRangeText(word.slice(found.begun.length), area.selectionEnd, area.selectionEnd, "end");
    propose({ begun: "", words: [] });
    write();
    area.focus();
  };
  const key = (event) => {
    if (!found.words.length) return;
    if (event.key === "ArrowDown") point((at + 1) % found.words.length);
    else if (event.key === "ArrowUp") point((at + found.words.length - 1) % found.words.length);
    else if (event.key === "Tab" || event.key === "Enter") take(found.words[at]);
    else if (event.key === "Escape") propose({ begun: "", words: [] });
    else return;
    event.preventDefault();
  };
  useEffect(() => { if (place.current.value !== value) place.current.value = value; }, [value]);
  return html`<div class="sheet">
    <div class="editor">
      <pre class="gutter" aria-hidden="true">${numbers.map((_, i) => html`<span class=${bad === i + 1 ? "bad" : ""}>${i + 1}</span>`)}</pre>
      <textarea ref=${place} spellcheck="false" autocapitalize="off" autocomplete="off" aria-label=${TEXTS.sheet} wrap="off"
        rows=${Math.max(16, numbers.length + 1)} onInput=${input} onKeyDown=${key} onBlur=${() => propose({ begun: "", words: [] })}
        aria-invalid=${bad !== undefined} defaultValue=${value}></textarea>
    </div>
    ${found.words.length > 0 && html`<ul class="proposals" role="listbox">${found.words.map((word, i) => html`<li role="option"
      aria-selected=${i === at} onMouseDown=${(e) => { e.preventDefault(); take(word); }}>${word}</li>`)}</ul>`}
    <${Fault} error=${s.error.value} />
    ${(s.stage.value?.warnings ?? []).map((one) => html`<p class="warning">${one}</p>`)}
    <${Plan} />
  </div>`;
}

function Plan() {
  const plan = s.stage.value?.plan;
  if (!plan?.cost) return null;
  const rules = ["sgd", "momentum 0.9", "nesterov 0.9", "adagrad", "rmsprop", "adam", "adamw"];
  return html`<div class="plan">
    <label class="field">${TEXTS.rate} <input type="text" inputmode="decimal" value=${plan.rate ?? ""}
      onChange=${(e) => e.target.value.trim() && s.edit("rate", e.target.value)} /></label>
    <label class="field">${TEXTS.rule} <select value=${rules.find((r) => r.split(" ")[0] === plan.rule)} onChange=${(e) => s.edit("rule", e.target.value)}>
      ${rules.map((one) => html`<option>${one}</option>`)}</select></label>
    ${plan.formula && html`<label class="field">${plan.cost} = <input type="text" class="wide-field" value=${plan.formula}
      onChange=${(e) => e.target.value.trim() && s.edit("cost", e.target.value)} /></label>`}
    <p class="note">${TEXTS.convention(plan.cost, plan.convention)}</p>
  </div>`;
}

// Other views of the same moment -----------------------------------------------------------------------------------

export function Views() {
  const view = s.view.value;
  const [page, put] = useState("");
  const place = useRef(null);
  useEffect(() => {
    s.ask("view", { ...s.moment(), view, letters: s.hidden.value || undefined }).then((found) => found && put(found.error ? `<p class="warning">${escaped(found.error.message)}</p>` : found.page));
  }, [view, s.stage.value, s.hidden.value]);
  return html`<div class="views" ref=${place}>
    <div class="chips" role="group">${["own", "neurons", "vectors", "matrices", "batch"].map((one) => html`<button type="button"
      aria-pressed=${view === one} onClick=${() => { s.view.value = one; }}>${TEXTS[one]}</button>`)}</div>
    <${Piece} page=${page} />
  </div>`;
}

const escaped = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);

// Epochs -----------------------------------------------------------------------------------------------------------

export function Train() {
  const [many, type] = useState("200");
  if (kept) return null;
  const go = () => s.train(Math.max(1, Math.min(s.MOST_EPOCHS, Number(many) || 1)));
  return html`<p class="train"><label>${TEXTS.howMany} <input type="number" min="1" max=${s.MOST_EPOCHS} value=${many} onInput=${(e) => type(e.target.value)} /></label>${" "}
    ${s.training.value ? html`<button type="button" onClick=${s.halt}>${TEXTS.stop}</button>`
      : html`<button type="button" onClick=${go}>${TEXTS.run}</button>`}</p>`;
}

function Curve({ history, now, zoom }) {
  const [from, hold] = useState(null);
  const [to, reach] = useState(null);
  const high = 190;
  const [xs, ys] = [history.map((one) => one[0]), history.map((one) => one[3])];
  const { x, back } = scales(xs, ys, high, true);
  const at = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    const step = Math.round(back(((event.clientX - box.left) / box.width) * WIDE));
    return Math.max(xs[0], Math.min(xs.at(-1), step));
  };
  const down = (event) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    hold(at(event));
    reach(null);
  };
  const lost = () => { hold(null); reach(null); };
  const move = (event) => { if (from !== null) reach(at(event)); };
  const up = (event) => { // a click goes to a moment, a part that is drawn over is looked at closely
    const end = at(event);
    if (from !== null && Math.abs(x(end) - x(from)) > 12) zoom([Math.min(from, end), Math.max(from, end)]);
    else s.goTo(end);
    hold(null);
    reach(null);
  };
  return html`<${Frame} xs=${xs} ys=${ys} high=${high} log across=${TEXTS.updates} up=${s.stage.value.plan.cost} label=${TEXTS.costOver(s.stage.value.plan.cost)} onPointerDown=${down} onPointerMove=${move} onPointerUp=${up} onPointerCancel=${lost}>${({ y }) => html`
    ${to !== null && html`<rect class="span" x=${Math.min(x(from), x(to))} y="8" width=${Math.abs(x(to) - x(from))} height=${high - 32} />`}
    <polyline class="edge more" fill="none" stroke-width="1.8" points=${points(history.map(([step, , , cost]) => [x(step), y(cost)]))} />
    ${now >= xs[0] && now <= xs.at(-1) && html`<line class="now" x1=${x(now)} x2=${x(now)} y1="8" y2=${high - 24} />`}`}<//>`;
}

// A part of the run that is looked at closely: by drawing over the curve, or by its first and last step.
function Part({ part, zoom, steps }) {
  const [[from, to], type] = useState([1, steps]);
  useEffect(() => type(part ?? [1, steps]), [part, steps]);
  const set = (a, b) => {
    type([a, b]); // what is typed stays, until both together are a part
    if (Number.isInteger(a) && Number.isInteger(b) && a >= 1 && b > a) zoom([a, Math.min(b, steps)]);
  };
  return html`<p class="field">${TEXTS.part} <input type="number" aria-label=${TEXTS.firstStep} min="1" max=${steps} value=${from} onChange=${(e) => set(Number(e.target.value), to)} />
    – <input type="number" aria-label=${TEXTS.lastStep} min="2" max=${steps} value=${to} onChange=${(e) => set(from, Number(e.target.value))} />
    <button type="button" disabled=${part === null} onClick=${() => zoom(null)}>${TEXTS.wholeRun}</button></p>`;
}

export function Epochs() {
  const found = s.stage.value;
  const part = s.part.value;
  const zoom = (next) => { s.part.value = next; };
  const [near, put] = useState(null);
  useEffect(() => {
    put(null);
    if (part) s.ask("history", { text: s.text.value, epochs: s.epochs.value, from: part[0], to: part[1] }).then((next) => next?.history && put(next.history));
  }, [part, s.text.value, s.epochs.value]);
  if (!found?.plan.cost || !found.moment) return html`<p class="note">${TEXTS.nothing}</p>`;
  const history = (part && near) || found.history;
  const some = history.length > 120 ? history.filter((_, i) => i % Math.ceil(history.length / 120) === 0 || i === history.length - 1) : history;
  const perEpoch = history.some((one) => one[2] > 1);
  return html`<div class="epochs">
    <${Train} />
    ${history.length > 1 && html`<${Curve} history=${history} now=${found.moment.step} zoom=${kept ? () => {} : zoom} />`}
    ${found.moment.steps > 2 && !kept && html`<${Part} part=${part} zoom=${zoom} steps=${found.moment.steps} />`}
    ${found.moment.engine && html`<p class="note">${TEXTS.broughtBy(found.moment.engine)}</p>`}
    ${found.ended && html`<${Fault} error=${found.ended} />`}
    <div class="wide"><table><thead><tr><th>${TEXTS.epoch}</th><th class="number">${found.plan.cost}</th></tr></thead>
      <tbody>${some.map(([step, epoch, batch, cost]) => html`<tr class=${step === found.moment.step ? "on" : ""}>
        <td><button type="button" class="plain" onClick=${() => s.goTo(step)}>${TEXTS.goTo(epoch, perEpoch ? batch : null)}</button></td>
        <td class="number">${Number(cost.toPrecision(8))}</td></tr>`)}</tbody></table></div>
  </div>`;
}

// Sharing ----------------------------------------------------------------------------------------------------------

const KINDS = { pdf: "application/pdf", html: "text/html", markdown: "text/markdown", latex: "text/plain", typst: "text/plain", text: "text/plain",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" };
const ENDINGS = { pdf: "pdf", html: "html", markdown: "md", latex: "tex", typst: "typ", text: "txt", xlsx: "xlsx" };

function hand(name, content, kind) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type: kind }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const called = () => (s.stage.value?.title ?? "sheet").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 40) || "sheet";

export function Share() {
  const [told, tell] = useState("");
  const [lock, choose] = useState(["numbers", "sheet", "epochs", "surface", "compare"]); // what tells numbers
  const copy = async (more = {}) => {
    const address = `${location.origin}${location.pathname}#${await packed({ ...state(), ...more })}`;
    if (address.length > MOST) {
      tell(TEXTS.tooLong);
      return;
    }
    try {
      await navigator.clipboard.writeText(address);
      tell(TEXTS.copied);
    } catch {
      tell(address);
    }
  };
  const exported = async (format, blank) => {
    const found = await s.ask("export", { text: s.text.value, epochs: Math.min(s.epochs.value, format === "xlsx" ? 50 : 1000), format, blank: blank || undefined });
    if (found?.error) s.error.value = found.error;
    else if (found) hand(`${called()}${blank ? "-worksheet" : ""}.${ENDINGS[format]}`, Uint8Array.from(atob(found.content), (c) => c.charCodeAt(0)), KINDS[format]);
  };
  const locks = ["numbers", "sheet", "working", "views", "epochs", "surface", "fit", "compare", "share"];
  return html`<div class="share">
    <p>${!framed && html`<button type="button" onClick=${() => copy()}>${TEXTS.link}</button>${" "}`}<button type="button"
      onClick=${() => hand(`${called()}.bh`, s.text.value, "text/plain")}>${TEXTS.save}</button>
      ${!s.locked.value.includes("sheet") && html`<label class="button">${TEXTS.loadFile} <input type="file" multiple accept=".bh,.txt,.csv,.tsv,.bhm" onChange=${(e) => e.target.files[0] && s.take(e.target.files)} /></label>`}</p>
    <p aria-live="polite" class="told-link">${told}</p>
    <h2>${TEXTS.exportAs}</h2>
    <div class="chips">${Object.keys(KINDS).map((one) => html`<button type="button" onClick=${() => exported(one)}>${ENDINGS[one]}</button>`)}
      <button type="button" onClick=${() => exported("xlsx", true)}>${TEXTS.worksheet}</button></div>
    ${!framed && html`<h2>${TEXTS.forStudents}</h2>
    <p class="note">${TEXTS.studentsNote}</p>
    ${locks.map((one) => html`<label class="field"><input type="checkbox" checked=${lock.includes(one)}
      onChange=${() => choose(lock.includes(one) ? lock.filter((o) => o !== one) : [...lock, one])} /> ${TEXTS[one]}</label>`)}
    <p><button type="button" onClick=${() => copy({ hidden: true, locked: lock, panel: "exercise", at: null, chosen: null, answers: {} })}>${TEXTS.link}</button></p>`}
  </div>`;
}
