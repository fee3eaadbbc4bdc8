// Exercise mode: fields instead of numbers, marked as by `check`, with hints one step at a time.
import { signal } from "@preact/signals";
import { html } from "./html.js";
import { TEXTS } from "./texts.js";
import { Maths, Piece } from "./maths.js";
import * as s from "./state.js";

const DONE = ["right", "right but rounded", "follows"];
const SIGNS = { right: "✓", "right but rounded": "✓", follows: "→", wrong: "✗", invalid: "?", blank: "" };

// What stands here while another panel is looked at.
const hinted = signal(0);
const phase = signal("forward");

export function Exercise() {
  const [answers, marking, hints, only] = [s.answers.value, s.marking.value, hinted.value, phase.value];
  const [type, put, hint, choose] = [s.answers, s.marking, hinted, phase].map((one) => (next) => { one.value = next; });
  const found = s.stage.value;
  if (!found?.moment) return html`<p class="note">${TEXTS.nothing}</p>`;
  const named = s.lines.value.filter((line) => line.answer).slice(0, 400);
  const phases = [...new Set(named.map((line) => line.phase))];
  const part = phases.includes(only) ? only : phases[0];
  const asked = named.filter((line) => line.phase === part);
  const mark = async () => {
    const given = named.filter((line) => (answers[line.answer] ?? "").trim());
    const next = await s.ask("check", { text: s.text.value, answers: given.map((line) => `${line.answer} = ${answers[line.answer].replaceAll("\n", " ")}`).join("\n") });
    hint(0);
    if (next?.error) s.error.value = next.error;
    else if (next) put(next);
  };
  const verdicts = Object.fromEntries((marking?.marking.answers ?? []).map((one) => [one.name, one]));
  const first = named.find((line) => verdicts[line.answer]?.verdict === "wrong");
  const next = first ?? named.find((line) => !DONE.includes(verdicts[line.answer]?.verdict));
  const given = Object.values(verdicts);
  return html`<div class="exercise">
    <p><label class="field"><input type="checkbox" checked=${s.hidden.value} disabled=${s.locked.value.includes("numbers")} onChange=${(e) => { s.hidden.value = e.target.checked; s.paths.value = null; }} /> ${TEXTS.hide}</label>
      <button type="button" onClick=${mark}>${TEXTS.check}</button>
      <button type="button" disabled=${!next} onClick=${() => hint(hints + 1)}>${TEXTS.hint}</button></p>
    ${hints > 0 && next && html`<div class="hint" role="status">
      <p>${first ? TEXTS.firstWrong : TEXTS.comesNext} <b><${Maths} latex=${next.parts[0].left} /></b>.</p>
      ${hints > 1 && html`<p>${TEXTS.itsFormula} <${Maths} latex=${`${next.parts[0].left} = ${next.parts[0].links[0][1]}`} /></p>`}
      ${hints > 2 && next.parts[0].links.length > 2 && html`<p>${TEXTS.itsNumbers} <${Maths} latex=${next.parts[0].links[1][1]} /></p>`}
      ${hints > 3 && !s.locked.value.includes("numbers") && html`<p>${TEXTS.itsResult} <${Maths} latex=${next.parts[0].links.at(-1)[1]} /></p>`}
    </div>`}
    ${marking && html`<div class="verdict" role="status">
      <p>${given.length && given.every((one) => one.verdict.startsWith("right")) ? TEXTS.allRight : ""}
        ${first ? html`${TEXTS.firstWrong} <b>${first.answer}</b>. ${(verdicts[first.answer].causes ?? []).slice(0, 3).map((one) => one.text).join(TEXTS.or)}` : ""}</p></div>`}
    <div class="chips" role="group">${phases.map((one) => html`<button type="button" aria-pressed=${one === part} onClick=${() => choose(one)}>${TEXTS.phases[one]}</button>`)}</div>
    <table class="fields"><tbody>${asked.map((line) => html`<tr class=${`v-${(verdicts[line.answer]?.verdict ?? "none").split(" ")[0]}`}>
      <th scope="row"><label for=${`f-${line.key}`}><${Maths} latex=${line.parts.at(-1).left} /> <code>${line.answer}</code></label></th>
      <td><input id=${`f-${line.key}`} type="text" inputmode="decimal" autocomplete="off" value=${answers[line.answer] ?? ""}
        onInput=${(e) => type({ ...answers, [line.answer]: e.target.value })} onKeyDown=${(e) => e.key === "Enter" && mark()} /></td>
      <td>${SIGNS[verdicts[line.answer]?.verdict] ?? ""} ${verdicts[line.answer]?.verdict ?? ""}</td></tr>`)}</tbody></table>
    ${marking && html`<details><summary>${TEXTS.wholeMarking}</summary><${Piece} page=${marking.page} /></details>`}
  </div>`;
}
