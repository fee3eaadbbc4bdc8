// Formulas by KaTeX, each drawn once; a piece of a page that the server made gets its own drawn in place.
import { useLayoutEffect, useRef } from "preact/hooks";
import { html } from "./html.js";
import * as s from "./state.js";

// Names and numbers carry the keys of what they are: nothing else of LaTeX's commands for pages is trusted.
function tex(latex, display, output) {
  const options = { output, strict: "ignore", trust: ({ command }) => command === "\\htmlData", throwOnError: false };
  return window.katex.renderToString((display ? "\\displaystyle " : "") + latex, options)
    .replace(/data-k="[^"]*"/g, (found) => found.replaceAll("|", ","))
    .replace(/(<annotation[^>]*>)[^<]*/, (found, tag) => tag + plain(latex).replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]));
}

// The formula without its keys, for whoever copies it.
function plain(latex) {
  const ends = []; // how deep the braces are that go with a key
  let [out, depth] = ["", 0];
  for (let i = 0; i < latex.length; i += 1) {
    const key = latex.startsWith("\\htmlData{", i) && latex.indexOf("}{", i);
    if (key) {
      ends.push(depth);
      i = key + 1;
    } else if (latex[i] === "\\") {
      out += latex.slice(i, i + 2);
      i += 1;
    } else if (latex[i] === "}" && ends.at(-1) === depth) {
      ends.pop();
    } else {
      depth += (latex[i] === "{") - (latex[i] === "}");
      out += latex[i];
    }
  }
  return out;
}

const drawn = new Map();
export function katexHtml(latex, display = false) {
  const key = (display ? "D" : "i") + latex;
  if (!drawn.has(key)) {
    if (drawn.size > 5000) drawn.clear();
    drawn.set(key, tex(latex, display, "htmlAndMathml"));
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
      picture.innerHTML = tex(one.dataset.t, wide, "html");
      one.append(picture);
      one.classList.add("drawn");
    }
  }, [page]);
  const choose = (event) => {
    const one = event.target.closest("[data-k]");
    if (one) s.choose(one.dataset.k, one.dataset.row);
  };
  return html`<div class="piece" ref=${place} onClick=${choose} dangerouslySetInnerHTML=${{ __html: page }}></div>`;
}
