// What the page knows: one sheet, one moment of its training, one number that is looked at. All of it is in the address.
import { batch, computed, effect, signal } from "@preact/signals";
import { answer, kept } from "./asking.js";
import { base64 } from "./packing.js";
import { TEXTS } from "./texts.js";

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
export const side = signal(null); // which drawing, forward or backward; null follows the work
export const view = signal("matrices");
export const pair = signal(null); // two parameters, over which the cost is drawn
export const comparing = signal("rates");
export const part = signal(null); // of a run, that is looked at closely: its first and last step
export const answers = signal({}); // of the exercise
export const marking = signal(null);
export const locked = signal([]); // panels that a teacher's link leaves out
export const stage = signal(null);
export const error = signal(null);
export const busy = signal(0);
export const examples = signal([]);
export const flush = signal(null); // takes over what is being typed into the sheet's text
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

// Loads the moment; gives whether it is there. Where the numbers run away before, what is there is the last one.
export async function load() {
  const found = await ask("stage", { ...moment(), biases: biases.value || undefined });
  if (found === null) return false;
  batch(() => {
    error.value = found.error ?? null;
    if (found.error) return;
    stage.value = found;
    if (found.moment) {
      step.value = found.moment.step;
      epochs.value = Math.min(epochs.value, found.moment.epochs);
    }
    if (chosen.value && !known(chosen.value)) chosen.value = null;
  });
  return !found.error;
}

const known = (key) => byKey.value.has(key) || Object.hasOwn(stage.value?.values ?? {}, key);
export const valueOf = (key) => (Object.hasOwn(stage.value?.values ?? {}, key) ? stage.value.values[key] : undefined);

let last = Promise.resolve(true); // the moment that the page waits for
effect(() => {
  if (stage.peek() && !text.value.trim()) error.value = { message: TEXTS.noSheet, hint: TEXTS.anExample };
  if (text.value.trim() && epochs.value && step.value && row.value) last = load();
});

// More epochs, some at a time, so that everything drawn of them grows while it goes on.
export const training = signal(false);
export async function train(more, pace = 50) {
  training.value = true;
  const wanted = Math.min(MOST_EPOCHS, epochs.peek() + more);
  while (training.value && epochs.peek() < wanted) {
    const next = Math.min(wanted, Math.max(epochs.peek() + pace, Math.round(epochs.peek() * 1.4)));
    batch(() => {
      step.value = next * (stage.value?.moment?.each ?? 1);
      epochs.value = next;
    });
    if (!(await last) || stage.value?.ended) break;
  }
  training.value = false;
}

// Ends a training, at the moment that is there.
export function halt() {
  if (!training.value) return;
  training.value = false;
  stop();
  const there = stage.value?.moment;
  if (there) batch(() => {
    epochs.value = there.epochs;
    step.value = there.step;
  });
}

// Everything that changes the sheet goes through here, so that all of it can be undone.
export function change(next, { keep = true } = {}) {
  if (next === text.value) return;
  halt();
  batch(() => {
    if (keep) past.value = [...past.value.slice(-199), text.value];
    future.value = [];
    text.value = next;
    paths.value = null;
    part.value = null;
  });
}

// The same sheet from other weights: at its first step.
export function restart(next) {
  batch(() => {
    step.value = 1;
    change(next);
  });
}

// A sheet of its own, from its first epoch on.
export function open(next, where = panel.value) {
  halt();
  batch(() => {
    epochs.value = 1;
    step.value = 1;
    row.value = 1;
    at.value = null;
    chosen.value = null;
    panel.value = where;
    pair.value = null;
    answers.value = {};
    marking.value = null;
    change(next);
  });
}

export function undo() {
  flush.peek()?.();
  halt();
  if (!canUndo.value) return;
  batch(() => {
    future.value = [text.value, ...future.value];
    text.value = past.value.at(-1);
    past.value = past.value.slice(0, -1);
  });
}

export function redo() {
  flush.peek()?.();
  halt();
  if (!canRedo.value) return;
  batch(() => {
    past.value = [...past.value, text.value];
    text.value = future.value[0];
    future.value = future.value.slice(1);
  });
}

export async function edit(what, value, name = "", place = 1, keep = true) {
  flush.peek()?.();
  error.value = null;
  const found = await ask("edit", { text: text.value, what, value, name, row: place });
  if (found?.error) error.value = found.error;
  else if (found) change(found.text, { keep });
}

// A number of a network too large to have a line for each.
export async function find(name) {
  error.value = null;
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
const MOST_BYTES = 1_400_000; // of a file: what is sent of it is a third longer
let model = null; // one that waits for its table
export async function take(files) {
  error.value = null;
  const named = (ending) => [...files].find((one) => ending.test(one.name));
  const [ofModel, ofTable] = [named(/\.bhm$/i), named(/\.(csv|tsv)$/i)];
  const large = [...files].find((one) => one.size > MOST_BYTES);
  if (large) {
    error.value = { message: TEXTS.tooLarge(large.name, MOST_BYTES / 1e6), hint: TEXTS.trainIt };
    return;
  }
  if (!ofModel && !ofTable) {
    open(await files[0].text());
    return;
  }
  if (ofModel) model = await base64(ofModel);
  const table = ofTable ? await base64(ofTable) : undefined;
  const found = model ? await ask("model", { model, table })
    : await ask("table", { table, title: ofTable.name.replace(/\.\w+$/, "") });
  if (ofTable || !found?.error) model = null;
  if (found?.error) error.value = found.error;
  else if (found) open(found.text, "epochs");
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
  if (!known(key) && !stage.value?.letters) return;
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
  const { steps = 1, each = 1 } = stage.value?.moment ?? {};
  const next = Math.max(1, step.value + by * each);
  if (next > steps && (kept || !stage.value?.moment?.updated)) return;
  batch(() => {
    if (next > steps) epochs.value += 1;
    step.value = next;
  });
}

// A row of the sheet; where a step has only some rows, the step of the same epoch that has it.
export function goToRow(wanted) {
  const { rows = [], each = 1, epoch = 1, steps = 1 } = stage.value?.moment ?? {};
  const next = Math.max(1, Math.min(Math.round(wanted) || 1, stage.value?.rows ?? 1));
  batch(() => {
    row.value = next;
    if (each > 1 && !rows.includes(next)) {
      const size = Math.ceil((stage.value?.rows ?? 1) / each);
      step.value = Math.min(steps, (epoch - 1) * each + Math.ceil(next / size));
    }
  });
}
