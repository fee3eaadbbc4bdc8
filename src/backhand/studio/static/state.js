// What the page knows: one sheet, one moment of its training, one number that is looked at. All of it is in the address.
import { batch, computed, effect, signal } from "@preact/signals";
import { answer, kept } from "./asking.js";
import { base64 } from "./packing.js";

export const MOST_EPOCHS = 1_000_000;
export const text = signal("");
export const epochs = signal(1); // how many are worked
export const step = signal(1); // the moment, counted over the whole run
export const row = signal(1);
export const at = signal(null); // how many lines are worked; null is all of them
export const chosen = signal(null); // the key of a number
export const paths = signal(null); // the paths of the chosen partial, and which one is lit
export const panel = signal("working");
export const hidden = signal(false); // exercise: numbers are asked for, not shown
export const biases = signal(false); // drawn as weights of a unit that is always 1
export const wide = signal(false); // the drawing over the whole width, for a projector
export const locked = signal([]); // panels that a teacher's link leaves out
export const stage = signal(null);
export const error = signal(null);
export const busy = signal(0);
export const examples = signal([]);
const past = signal([]);
const future = signal([]);

export const canUndo = computed(() => past.value.length > 0);
export const canRedo = computed(() => future.value.length > 0);
export const lines = computed(() => stage.value?.lines ?? []);
export const worked = computed(() => (at.value === null ? lines.value.length : Math.min(at.value, lines.value.length)));
export const byKey = computed(() => new Map(lines.value.map((line, i) => [line.key, { ...line, i }])));
export const now = computed(() => (at.value ? lines.value[worked.value - 1] : null));
export const shown = computed(() => byKey.value.get(chosen.value) ?? now.value ?? null);

// Asks the server; a question that is asked again before its answer came is given up.
const asking = new Map();
export async function ask(question, body, lane = question) {
  asking.get(lane)?.abort();
  const control = new AbortController();
  asking.set(lane, control);
  busy.value = busy.peek() + 1; // not read: an effect that asks would follow it
  try {
    return await answer(question, body, control.signal);
  } catch (problem) {
    if (problem.name === "AbortError") return null;
    return { error: { message: String(problem.message ?? problem) } };
  } finally {
    busy.value = busy.peek() - 1;
    if (asking.get(lane) === control) asking.delete(lane);
  }
}

export function stop() {
  for (const control of asking.values()) control.abort();
}

export const moment = () => ({ text: text.value, epochs: epochs.value, step: step.value, row: row.value });

export async function load() {
  const found = await ask("stage", { ...moment(), biases: biases.value || undefined });
  if (found === null) return;
  batch(() => {
    error.value = found.error ?? null;
    if (found.error) return;
    stage.value = found;
    if (found.moment && step.value !== found.moment.step) step.value = found.moment.step;
    if (chosen.value && !byKey.value.has(chosen.value) && !(chosen.value in found.values)) chosen.value = null;
  });
}

let last = Promise.resolve(); // the question whose answer the page waits for
effect(() => {
  if (text.value && epochs.value && step.value && row.value) last = load();
});

// More epochs, some at a time, so that everything drawn of them grows while it goes on.
export const training = signal(false);
export async function train(more, pace = 50) {
  training.value = true;
  const perEpoch = () => Math.max(1, Math.round((stage.value?.moment?.steps ?? 1) / epochs.peek()));
  const wanted = Math.min(MOST_EPOCHS, epochs.peek() + more);
  while (training.value && epochs.peek() < wanted && !error.value) {
    const next = Math.min(wanted, Math.max(epochs.peek() + pace, Math.round(epochs.peek() * 1.4)));
    batch(() => {
      step.value = next * perEpoch();
      epochs.value = next;
    });
    await last;
    if (stage.value?.ended) break;
  }
  training.value = false;
}

export function halt() {
  training.value = false;
  stop();
}

// Everything that changes the sheet goes through here, so that all of it can be undone.
export function change(next, { keep = true } = {}) {
  if (next === text.value) return;
  batch(() => {
    if (keep) past.value = [...past.value.slice(-199), text.value];
    future.value = [];
    text.value = next;
    paths.value = null;
  });
}

export function undo() {
  if (!canUndo.value) return;
  batch(() => {
    future.value = [text.value, ...future.value];
    text.value = past.value.at(-1);
    past.value = past.value.slice(0, -1);
  });
}

export function redo() {
  if (!canRedo.value) return;
  batch(() => {
    past.value = [...past.value, text.value];
    text.value = future.value[0];
    future.value = future.value.slice(1);
  });
}

export async function edit(what, value, name = "", place = 1) {
  const found = await ask("edit", { text: text.value, what, value, name, row: place });
  if (found?.error) error.value = found.error;
  else if (found) change(found.text);
}

// A number of a network too large to have a line for each.
export async function find(name) {
  const found = await ask("line", { ...moment(), name });
  if (found?.error) error.value = found.error;
  if (!found || found.error || !found.lines) return;
  const known = new Set(lines.value.map((line) => line.key));
  batch(() => {
    error.value = null;
    const more = found.lines.filter((line) => !known.has(line.key));
    stage.value = { ...stage.value, lines: [...stage.value.lines, ...more], values: { ...stage.value.values, ...found.values } };
    chosen.value = found.lines[0]?.key ?? `v:${name}`;
  });
}

// A sheet, a table or a model that becomes one.
let model = null; // one that waits for its table
export async function take(files) {
  const named = (ending) => [...files].find((one) => ending.test(one.name));
  const [ofModel, ofTable] = [named(/\.bhm$/i), named(/\.(csv|tsv)$/i)];
  if (!ofModel && !ofTable) {
    change(await files[0].text());
    return;
  }
  if (ofModel) model = await base64(ofModel);
  const table = ofTable ? await base64(ofTable) : undefined;
  const found = model ? await ask("model", { model, table })
    : await ask("table", { table, title: ofTable.name.replace(/\.\w+$/, "") });
  if (ofTable || !found?.error) model = null;
  if (found?.error) error.value = found.error;
  else if (found) batch(() => {
    epochs.value = 1;
    step.value = 1;
    row.value = 1;
    at.value = null;
    chosen.value = null;
    panel.value = "epochs";
    change(found.text);
  });
}

export function goTo(where) {
  batch(() => {
    step.value = Math.max(1, Math.min(where, stage.value?.moment?.steps ?? 1));
    paths.value = null;
  });
}

// Looks at a number; what has neither a line nor a value, such as a whole matrix, is not looked at.
export function choose(key, ofRow) {
  if (ofRow) row.value = Number(ofRow);
  if (!byKey.value.has(key) && !(key in (stage.value?.values ?? {}))) return;
  batch(() => {
    paths.value = null;
    chosen.value = key;
  });
}

// Step by step -----------------------------------------------------------------------------------------------------

export function move(by) {
  const next = Math.max(0, Math.min(worked.value + by, lines.value.length));
  batch(() => {
    at.value = next;
    chosen.value = null;
    paths.value = null;
  });
}

export function moveGroup(by) {
  const all = lines.value;
  let i = worked.value;
  if (by > 0) {
    if (i >= all.length) return;
    const group = all[i].group;
    while (i < all.length && all[i].group === group) i += 1;
  } else {
    if (i === 0) return;
    const group = all[i - 1].group;
    while (i > 0 && all[i - 1].group === group) i -= 1;
  }
  move(i - worked.value);
}

export function nextEpoch(by) {
  const steps = stage.value?.moment?.steps ?? 1;
  if (kept && step.value + by > steps) return;
  if (step.value + by > steps && by > 0) epochs.value += 1;
  step.value = Math.max(1, step.value + by);
}
