// What is pointed at is lit wherever else it stands: in the drawing, in a line, in a vector, a matrix or the batch form.
import * as s from "./state.js";

const whole = (one, other) => one === other || one.startsWith(`${other}[`) || other.startsWith(`${one}[`);

export function lighting(page) {
  let lit = [];
  const light = (event) => {
    const one = event.target.closest?.("[data-k]");
    for (const other of lit) other.classList.remove("same");
    lit = [];
    if (!one) return;
    const row = (place) => place.dataset.row ?? String(s.stage.value?.row);
    lit = [...page.querySelectorAll("[data-k]")].filter((other) => whole(other.dataset.k, one.dataset.k) && row(other) === row(one));
    for (const other of lit) other.classList.add("same");
  };
  page.addEventListener("pointerover", light);
  page.addEventListener("focusin", light);
  page.addEventListener("pointerleave", light);
}
