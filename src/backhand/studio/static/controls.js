// Step by step: forward and back by a line, a layer or an epoch, played, or jumped.
import { useEffect } from "preact/hooks";
import { signal } from "@preact/signals";
import { html } from "./html.js";
import { TEXTS } from "./texts.js";
import { kept } from "./asking.js";
import * as s from "./state.js";
import { picture } from "./stage.js";

export const playing = signal(false);
const pace = signal(900); // milliseconds a line

// Drawn, as fonts do not have these signs everywhere.
const BAR = "M2 2h2v12H2z", LEFT = "M14 2v12L5 8z", RIGHT = "M2 2v12l9-6z";
const SIGNS = {
  first: `${BAR} ${LEFT}`, layerBack: "M8 2v12L1 8z M15 2v12L8 8z", back: LEFT, play: RIGHT, pause: "M3 2h4v12H3z M9 2h4v12H9z",
  next: RIGHT, layer: "M1 2v12l7-6z M8 2v12l7-6z", last: "M12 2h2v12h-2z M2 2v12l9-6z",
};

const Button = ({ name, label = TEXTS[name], onClick, off, children }) =>
  html`<button type="button" title=${label} aria-label=${label} disabled=${off} onClick=${onClick}>
    ${SIGNS[name] ? html`<svg class="sign" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><path d=${SIGNS[name]} fill="currentColor" /></svg>` : children}</button>`;

export function toggle() {
  if (!playing.value && s.worked.value >= s.lines.value.length) s.move(-s.lines.value.length);
  playing.value = !playing.value;
}

const typing = (event) => event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");

function onKey(event) {
  if (typing(event) || event.altKey || (kept && !event.target.closest(".studio"))) return;
  if (event.ctrlKey || event.metaKey) {
    if (event.key === "z") { event.shiftKey ? s.redo() : s.undo(); event.preventDefault(); }
    if (event.key === "y") { s.redo(); event.preventDefault(); }
    return;
  }
  const onButton = event.target.closest("button, summary, a, input, [role=button]");
  const act = {
    ArrowRight: () => s.move(1), ArrowLeft: () => s.move(-1), ArrowDown: () => s.moveGroup(1), ArrowUp: () => s.moveGroup(-1),
    Home: () => s.move(-s.lines.value.length), End: () => s.move(s.lines.value.length), e: () => s.nextEpoch(1),
    E: () => s.nextEpoch(-1),
  }[event.key] ?? (event.key === " " && !onButton ? toggle : null);
  if (!act || event.target.closest("[role=tablist]")) return;
  act();
  event.preventDefault();
}

export function Controls() {
  const { stage, worked, lines } = s;
  useEffect(() => {
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  useEffect(() => {
    if (!playing.value) return undefined;
    const timer = setInterval(() => {
      if (s.worked.value >= s.lines.value.length) playing.value = false;
      else s.move(1);
    }, pace.value);
    return () => clearInterval(timer);
  }, [playing.value, pace.value]);
  const found = stage.value;
  if (!found) return null;
  const moment = found.moment;
  const many = moment && moment.steps > found.history.at(-1)[1];
  const phase = s.now.value ? TEXTS.phases[s.now.value.phase] : "";
  return html`<div class="controls" role="toolbar" aria-label=${TEXTS.steps}>
    <${Button} name="first" onClick=${() => s.move(-lines.value.length)} off=${worked.value === 0} />
    <${Button} name="layerBack" onClick=${() => s.moveGroup(-1)} off=${worked.value === 0} />
    <${Button} name="back" onClick=${() => s.move(-1)} off=${worked.value === 0} />
    <${Button} name=${playing.value ? "pause" : "play"} onClick=${toggle} />
    <${Button} name="next" onClick=${() => s.move(1)} off=${worked.value >= lines.value.length} />
    <${Button} name="layer" onClick=${() => s.moveGroup(1)} off=${worked.value >= lines.value.length} />
    <${Button} name="last" onClick=${() => s.move(lines.value.length)} off=${worked.value >= lines.value.length} />
    <label><span class="told">${TEXTS.pace}</span><select value=${pace.value} onChange=${(e) => { pace.value = Number(e.target.value); e.target.blur(); }}>
      ${Object.entries(TEXTS.paces).map(([time, said]) => html`<option value=${time}>${said}</option>`)}</select></label>
    <span class="where" aria-live="polite">${phase} ${TEXTS.stepOf(worked.value, lines.value.length)}</span>
    ${moment && html`<label>${TEXTS.row}${" "}
      <input type="number" min="1" max=${found.rows} value=${found.row}
        onChange=${(e) => s.goToRow(Number(e.target.value))} />
    </label>
    <span class="epoch">${many && html`<${Button} name="lastStep" onClick=${() => s.goTo(moment.step - 1)} off=${moment.step <= 1}>‹<//>
      <${Button} name="nextStep" onClick=${() => s.goTo(moment.step + 1)} off=${moment.step >= moment.steps}>›<//>`}<${Button} name="lastEpoch" onClick=${() => s.nextEpoch(-1)} off=${moment.epoch <= 1}>«<//>
      ${TEXTS.goTo(moment.epoch, many ? moment.batch : null)}
      <${Button} name="nextEpoch" onClick=${() => s.nextEpoch(1)} off=${!moment.updated || (kept && moment.step + moment.each > moment.steps)}>»<//></span>`}
    <span class="sides" role="group">
      ${["forward", "backward"].map((one) => found.pictures[one] && html`<button type="button" aria-pressed=${picture() === one}
        onClick=${() => { s.side.value = s.side.value === one ? null : one; }}>${TEXTS.phases[one]}</button>`)}
    </span>
    <label><input type="checkbox" checked=${s.biases.value} onChange=${(e) => { s.biases.value = e.target.checked; }} /> ${TEXTS.biases}</label>
    ${!kept && html`<label><input type="checkbox" checked=${s.wide.value} onChange=${(e) => { s.wide.value = e.target.checked; }} /> ${TEXTS.wide}</label>`}
  </div>`;
}
