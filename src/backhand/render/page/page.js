"use strict";
// The page is whole without this: formulas are MathML already. Here KaTeX draws them alike in every browser.
document.body.classList.add("live");

function draw(place) {
  const picture = document.createElement("span");
  picture.setAttribute("aria-hidden", "true"); // the MathML stays, for screen readers
  const wide = place.firstElementChild.getAttribute("displaystyle") === "true";
  try {
    katex.render((wide ? "\\displaystyle " : "") + place.dataset.t, picture, { output: "html", strict: "ignore", trust: false });
  } catch (problem) {
    return; // the browser's own drawing stays
  }
  place.append(picture);
  place.classList.add("drawn");
}

// What can be scrolled can be reached by the keyboard.
function reach() {
  document.querySelectorAll(".step, p").forEach((line) => {
    if (line.scrollWidth > line.clientWidth + 1) line.tabIndex = 0;
    else line.removeAttribute("tabindex");
  });
}
addEventListener("resize", reach);

const waiting = Array.from(document.querySelectorAll(".m"));
function some() {
  waiting.splice(0, 300).forEach(draw);
  if (waiting.length) requestAnimationFrame(some);
  else reach();
}
some();

function unfold(which, open) {
  document.querySelectorAll(which).forEach((one) => { one.open = open; });
}
document.querySelectorAll("button[data-which]").forEach((button) => {
  button.addEventListener("click", () => unfold(button.dataset.which, button.dataset.open === "true"));
});
let folded = [];
addEventListener("beforeprint", () => {
  folded = Array.from(document.querySelectorAll("details:not([open])"));
  folded.forEach((one) => { one.open = true; });
});
addEventListener("afterprint", () => folded.forEach((one) => { one.open = false; }));
