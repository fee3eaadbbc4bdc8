// Formulas by KaTeX, each drawn once; a piece of a page that the server made gets its own drawn in place.
import { useLayoutEffect, useRef } from "preact/hooks";
import { html } from "./html.js";

const drawn = new Map();
export function katexHtml(latex, display = false) {
  const key = (display ? "D" : "i") + latex;
  if (!drawn.has(key)) {
    if (drawn.size > 5000) drawn.clear();
    const options = { output: "htmlAndMathml", strict: "ignore", trust: false, throwOnError: false };
    drawn.set(key, window.katex.renderToString((display ? "\\displaystyle " : "") + latex, options));
  }
  return drawn.get(key);
}

export const Maths = ({ latex, display }) =>
  html`<span dangerouslySetInnerHTML=${{ __html: katexHtml(latex, display) }}></span>`;

export function Piece({ page }) {
  const place = useRef(null);
  useLayoutEffect(() => {
    for (const one of place.current.querySelectorAll(".m[data-t]")) {
      const picture = document.createElement("span");
      picture.setAttribute("aria-hidden", "true");
      const wide = one.firstElementChild?.getAttribute("displaystyle") === "true";
      picture.innerHTML = window.katex.renderToString((wide ? "\\displaystyle " : "") + one.dataset.t,
        { output: "html", strict: "ignore", trust: false, throwOnError: false });
      one.append(picture);
      one.classList.add("drawn");
    }
  }, [page]);
  return html`<div class="piece" ref=${place} dangerouslySetInnerHTML=${{ __html: page }}></div>`;
}
