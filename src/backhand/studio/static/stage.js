// The drawing: every number in it can be chosen; what is not worked yet is hidden, what is looked at is lit.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { html } from "./html.js";
import { TEXTS } from "./texts.js";
import * as s from "./state.js";

const BACK = new Set(["backward", "gradient", "update"]);
export function picture() {
  const pictures = s.stage.value?.pictures;
  if (!pictures) return null;
  const wanted = s.side.value ?? (s.shown.value && BACK.has(s.shown.value.phase) ? "backward" : "forward");
  return wanted in pictures ? wanted : "forward";
}

function said(key) {
  const value = s.valueOf(key);
  const name = key.slice(2);
  const left = key.startsWith("d:") ? `∂/∂${name}` : key === "own" ? (s.stage.value.plan.cost ?? "cost") : name;
  return value === undefined ? left : `${left} = ${Number(value.toPrecision(6))}`;
}

// A number without a name beside it leaves a question mark where it is hidden.
function asked(one, open) {
  const mark = one.querySelector(".q");
  if (open && !mark) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", "tspan");
    made.setAttribute("class", "q");
    made.setAttribute("x", one.getAttribute("x"));
    made.textContent = "?";
    one.prepend(made);
  } else if (!open) mark?.remove();
}

function marked(place) {
  const later = new Set(s.lines.value.slice(s.worked.value).map((line) => line.key));
  const line = s.shown.value;
  const takes = new Set(line?.takes ?? []);
  const lit = s.paths.value?.lit ?? null;
  for (const one of place.querySelectorAll("[data-k]")) {
    const key = one.dataset.k;
    const aside = key.startsWith("d:") && !s.byKey.value.has(key) && later.size > 0; // of an input: nobody works it
    const open = aside || later.has(key) || (s.hidden.value && s.byKey.value.has(key));
    one.classList.toggle("later", open);
    one.classList.toggle("chosen", key === (s.chosen.value ?? line?.key));
    one.classList.toggle("taken", takes.has(key));
    if (one.tagName === "text" && !one.querySelector("tspan:not(.n, .n *, .q)")) asked(one, open);
    if (one.tagName === "text") one.setAttribute("aria-label", open ? `${said(key).split(" = ")[0]}, ${TEXTS.hidden}` : said(key));
  }
  for (const title of place.querySelectorAll("title")) { // what pointing tells is hidden, too
    const of = title.parentNode;
    title.dataset.said ??= title.textContent;
    title.textContent = of.classList.contains("later") || of.closest(".dot")?.querySelector(".later") ? "" : title.dataset.said;
  }
  place.querySelectorAll(".factor").forEach((one) => one.remove());
  for (const one of place.querySelectorAll(".onpath")) one.classList.remove("onpath");
  place.firstElementChild?.classList.toggle("dimmed", lit !== null);
  const seen = new Map((lit ?? []).map((factor) => [`${factor.of} ${factor.by} ${factor.value}`, factor])); // paths share factors
  for (const factor of seen.values()) onPath(place, factor);
}

// A factor of a path: the arrow between its two units, with its number on it.
function onPath(place, factor) {
  const dot = (key) => {
    const name = key.slice(2);
    for (const kind of ["v:", "d:"]) {
      const found = place.querySelector(`.dot text[data-k="${CSS.escape(kind + name)}"]`);
      if (found) return found.closest(".dot");
    }
    return place.querySelector(".dot.cost");
  };
  const by = factor.by.slice(2);
  const weight = place.querySelector(`path[data-k="${CSS.escape(`v:${by}`)}"], path[data-k="${CSS.escape(`d:${by}`)}"]`);
  const from = weight ? null : dot(factor.by);
  const to = dot(factor.of);
  to?.classList.add("onpath");
  from?.classList.add("onpath");
  const arrow = weight ?? (from && to && place.querySelector(
    `path[data-start="${CSS.escape(from.dataset.dot)}"][data-end="${CSS.escape(to.dataset.dot)}"]`));
  const inside = from && from === to; // from z to a: the slope of the activation
  if (!arrow && !inside) return;
  arrow?.classList.add("onpath");
  if (factor.value === null) return;
  const label = document.createElementNS("http://www.w3.org/2000/svg", "text");
  label.setAttribute("class", "factor");
  label.setAttribute("text-anchor", "middle");
  label.textContent = `×${Number(factor.value.toPrecision(4))}`.replace("-", "−");
  (arrow ?? from).parentNode.append(label);
  const shape = inside && from.querySelector("rect").getBBox();
  put(label, place, inside ? [{ x: shape.x + shape.width - 6, y: shape.y - 4 }] : spots(arrow));
}

// Where a number may stand beside an arrow, the best places first.
function spots(arrow) {
  const size = arrow.getTotalLength();
  return [0.72, 0.6, 0.82, 0.5, 0.4, 0.3, 0.2].flatMap((share) => {
    const { x, y } = arrow.getPointAtLength(size * share);
    return [{ x, y: y - 5 }, { x, y: y + 14 }];
  });
}

// The first place where it lies over no other number and no unit; the first one, where there is none.
function put(label, place, places) {
  const others = [...place.querySelectorAll("text, .dot rect")].filter((one) => one !== label).map((one) => one.getBBox());
  const free = ({ x, y }) => {
    label.setAttribute("x", x);
    label.setAttribute("y", y);
    const own = label.getBBox();
    return others.every((one) => own.x > one.x + one.width || one.x > own.x + own.width || own.y > one.y + one.height || one.y > own.y + own.height);
  };
  if (!places.some(free)) free(places[0]);
}

export function Stage() {
  const place = useRef(null);
  const which = picture();
  const drawing = which ? s.stage.value.pictures[which] : "";
  useLayoutEffect(() => {
    for (const one of place.current.querySelectorAll("text[data-k]")) {
      one.setAttribute("tabindex", "0");
      one.setAttribute("role", "button");
    }
    const svg = place.current.querySelector("svg");
    svg?.setAttribute("role", "group");
    if (svg) svg.style.minWidth = `${0.62 * Number(svg.getAttribute("width"))}px`; // smaller it could not be read
  }, [drawing]);
  // after every change of what is looked at
  useLayoutEffect(() => marked(place.current), [
    drawing, s.worked.value, s.chosen.value, s.shown.value, s.paths.value, s.hidden.value, s.stage.value,
  ]);
  useEffect(() => {
    const arrows = place.current.querySelectorAll("path.edge[data-k]:not(.head)");
    const values = [...arrows].map((one) => Math.abs(s.stage.value.values[one.dataset.k] ?? 0));
    const most = Math.max(...values, 1e-12);
    arrows.forEach((one, i) => { one.style.strokeWidth = (0.8 + 3 * (values[i] / most)).toFixed(2); });
  }, [drawing]);
  const choose = (event) => {
    const one = event.target.closest("[data-k]");
    if (!one) return;
    s.choose(one.dataset.k);
    if (s.panel.value === "epochs") s.panel.value = "working";
    event.preventDefault();
  };
  const key = (event) => { if (event.key === "Enter" || event.key === " ") choose(event); };
  return html`<div class="drawing" ref=${place} onClick=${choose} onKeyDown=${key} role="group" aria-label=${TEXTS.drawing}
    dangerouslySetInnerHTML=${{ __html: drawing }}></div>`;
}
