// Where answers come from: the server of this page, the notebook around it, or the file that it stands in.
import { fromBase64, unpack } from "./packing.js";
import { TEXTS } from "./texts.js";

const place = document.getElementById("begin");
const begun = place && JSON.parse(place.textContent);
export const kept = Boolean(begun?.answers); // in a file: what was not written into it is not known
export const framed = Boolean(begun?.framed); // in a notebook, whose Python answers
export const begin = async () => begun ?? (await fetch("/begin")).json();

async function served(question, body, signal) {
  const response = await fetch(`/ask/${question}`, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal,
  });
  return response.json();
}

const waiting = new Map();
let count = 0;
if (framed) {
  addEventListener("message", (event) => {
    if (event.source !== parent || !event.data) return;
    waiting.get(event.data.id)?.(event.data.answer);
    waiting.delete(event.data.id);
  });
}

function posted(question, body, signal) {
  count += 1;
  const id = count;
  return new Promise((resolve, reject) => {
    waiting.set(id, resolve);
    signal.addEventListener("abort", () => {
      waiting.delete(id);
      reject(new DOMException("given up", "AbortError"));
    });
    parent.postMessage({ id, question, body }, "*");
  });
}

// A file's answers, each kept once; which one a question has is found by the question and all that it says.
const known = kept && unpack(fromBase64(begun.answers)).then((bytes) => JSON.parse(new TextDecoder().decode(bytes)));

async function written(question, body) {
  const { answers, which } = await known;
  const said = Object.entries(body).filter(([name, value]) => name !== "text" && value !== undefined && value !== null);
  const found = which[JSON.stringify([question, ...said.sort(([a], [b]) => (a < b ? -1 : 1))])];
  return found === undefined ? { error: { message: TEXTS.notKept, hint: TEXTS.openStudio } } : answers[found];
}

export const answer = kept ? written : framed ? posted : served;
