// The page: the drawing with its steps on one side, a panel on the other.
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { effect } from "@preact/signals";
import { html } from "./html.js";
import { TEXTS } from "./texts.js";
import * as s from "./state.js";
import { begin, framed, kept } from "./asking.js";
import { keep, restore, unpacked } from "./address.js";
import { lighting } from "./lighting.js";
import { Stage } from "./stage.js";
import { Controls } from "./controls.js";
import { Now, Working } from "./working.js";
import { Epochs, Fault, Share, Sheet, Views } from "./panels.js";
import { Surface } from "./surface.js";
import { Compare, Fit } from "./courses.js";
import { Exercise } from "./exercise.js";

const PANELS = { working: Working, sheet: Sheet, views: Views, epochs: Epochs, surface: Surface, fit: Fit, compare: Compare, exercise: Exercise, share: Share };

function Tabs() {
  const open = Object.keys(PANELS).filter((one) => !s.locked.value.includes(one));
  const at = open.includes(s.panel.value) ? s.panel.value : open[0];
  const key = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const next = open[(open.indexOf(at) + by + open.length) % open.length];
    s.panel.value = next;
    document.getElementById(`tab-${next}`)?.focus();
    event.preventDefault();
    event.stopPropagation();
  };
  const Panel = PANELS[at];
  return html`<section class="side">
    <div role="tablist" onKeyDown=${key}>${open.map((one) => html`<button type="button" role="tab" id=${`tab-${one}`} aria-controls="panel"
      aria-selected=${at === one} tabindex=${at === one ? 0 : -1} onClick=${() => { s.panel.value = one; }}>${TEXTS[one]}</button>`)}</div>
    <div role="tabpanel" id="panel" aria-labelledby=${`tab-${at}`}><${Panel} /></div>
  </section>`;
}

function Top() {
  const choose = (event) => {
    const found = s.examples.value.find((one) => one.name === event.target.value);
    if (!found) return;
    s.open(found.text);
    event.target.value = "";
    event.target.blur(); // arrows step from here on
  };
  return html`<header>
    <h1>${s.stage.value?.title ?? "Backhand"}</h1>
    ${!s.locked.value.includes("sheet") && html`<span class="tools">
      ${s.examples.value.length > 0 && html`<label><span class="told">${TEXTS.examples}</span><select onChange=${choose}><option value="">${TEXTS.examples} …</option>
        ${s.examples.value.map((one) => html`<option value=${one.name}>${one.title || one.name}</option>`)}</select></label>`}
      <button type="button" onClick=${s.undo} disabled=${!s.canUndo.value}>↶ ${TEXTS.undo}</button>
      <button type="button" onClick=${s.redo} disabled=${!s.canRedo.value}>↷ ${TEXTS.redo}</button></span>`}
    <span class="busy" aria-live="polite">${s.busy.value > 0 ? TEXTS.busy : ""}</span>
  </header>`;
}

function App() {
  useEffect(() => { // a file that is dropped anywhere
    if (kept) return undefined;
    const over = (event) => event.preventDefault();
    const drop = (event) => {
      event.preventDefault();
      if (event.dataTransfer.files[0] && !s.locked.value.includes("sheet")) s.take(event.dataTransfer.files);
    };
    addEventListener("dragover", over);
    addEventListener("drop", drop);
    return () => { removeEventListener("dragover", over); removeEventListener("drop", drop); };
  }, []);
  useEffect(() => {
    if (!kept) document.title = `${s.stage.value?.title ?? "Backhand"} · Backhand studio`;
  }, [s.stage.value?.title]);
  return html`${!kept && html`<${Top} />`}
    <div class=${s.wide.value ? "desk wide" : "desk"}>
      <section class="scene" aria-label=${TEXTS.drawing}>
        <${Stage} />
        <${Controls} />
        <${Now} />
        ${s.panel.value !== "sheet" && html`<${Fault} error=${s.error.value} />`}
        <p class="note keys">${TEXTS.help}</p>
      </section>
      <${Tabs} />
    </div>`;
}

// A page of its own has its state in its address; in a notebook or in a file it has none.
const began = await begin();
const own = !framed && !kept;
s.examples.value = began.examples ?? [];
const known = own && location.hash ? await unpacked(location.hash) : null;
restore(known ?? began);
const page = document.getElementById("app");
render(html`<${App} />`, page);
lighting(page);
if (own) keep();
if (framed) effect(() => parent.postMessage({ text: s.text.value }, "*"));
