// The whole state in the page's address: JSON, compressed, with the version of its form before it.
import { batch, effect } from "@preact/signals";
import * as s from "./state.js";
import { fromBase64, pack, unpack } from "./packing.js";

const VERSION = "1";
export const MOST = 200_000; // letters of an address

export async function packed(state) {
  const bytes = await pack(new TextEncoder().encode(JSON.stringify(state)));
  let said = "";
  for (const byte of bytes) said += String.fromCharCode(byte);
  return `${VERSION}.${btoa(said).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

export async function unpacked(hash) {
  const [version, body] = hash.replace(/^#/, "").split(".");
  if (version !== VERSION || !body || body.length > MOST) return null;
  try {
    const found = await unpack(fromBase64(body.replaceAll("-", "+").replaceAll("_", "/")), 2_000_000);
    const state = JSON.parse(new TextDecoder().decode(found));
    return typeof state.text === "string" ? state : null;
  } catch {
    return null;
  }
}

export const state = () => ({
  text: s.text.value, epochs: s.epochs.value, step: s.step.value, row: s.row.value, at: s.at.value, chosen: s.chosen.value,
  panel: s.panel.value, side: s.side.value, view: s.view.value, pair: s.pair.value, comparing: s.comparing.value, part: s.part.value,
  answers: s.answers.value, hidden: s.hidden.value, biases: s.biases.value, wide: s.wide.value, locked: s.locked.value,
});

const whole = (value, least) => (Number.isInteger(value) && value >= least ? value : least);

const one = (value, among, otherwise) => (among.includes(value) ? value : otherwise);
const answersOf = (value) => Object.fromEntries(Object.entries(value && typeof value === "object" ? value : {})
  .filter(([, typed]) => typeof typed === "string").slice(0, 400));

export function restore(found) {
  s.halt();
  batch(() => {
    s.epochs.value = whole(found.epochs, 1);
    s.step.value = whole(found.step, 1);
    s.row.value = whole(found.row, 1);
    s.at.value = Number.isInteger(found.at) ? found.at : null;
    s.chosen.value = typeof found.chosen === "string" ? found.chosen : null;
    s.panel.value = typeof found.panel === "string" ? found.panel : "working";
    s.hidden.value = found.hidden === true;
    s.side.value = one(found.side, ["forward", "backward"], null);
    s.view.value = one(found.view, ["own", "neurons", "vectors", "matrices", "batch"], "matrices");
    s.pair.value = typeof found.pair === "string" ? found.pair : null;
    s.comparing.value = one(found.comparing, ["rates", "starts"], "rates");
    s.answers.value = answersOf(found.answers);
    s.biases.value = found.biases === true;
    s.wide.value = found.wide === true;
    s.locked.value = Array.isArray(found.locked) ? found.locked.filter((one) => typeof one === "string") : [];
    s.text.value = found.text;
    s.part.value = Array.isArray(found.part) && found.part.length === 2 && found.part.every(Number.isInteger) ? found.part : null;
  });
}

let written = "";
let waiting = 0;
export function keep() {
  effect(() => {
    const now = state();
    if (!now.text) return;
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      written = `#${await packed(now)}`;
      if (written.length <= MOST && written !== location.hash) history.replaceState(null, "", written);
    }, 150);
  });
  addEventListener("hashchange", async () => {
    if (location.hash === written) return;
    const found = await unpacked(location.hash);
    if (found) restore(found);
  });
}
