"""A network as SVG: units in columns, arrows between them, numbers where there is room for them."""

from __future__ import annotations

from collections import Counter
from html import escape

from ..document.parts import Arrow, Diagram, Dot, Inline, Label
from ..explain import stage
from ..notation.expr import Expr, Partial, Ref
from ..notation.latex import LatexPrinter
from ..notation.numbers import Digits
from ..notation.text import TextPrinter
from ..ops.vocabulary import LATEX
from .labels import label_width, svg_text

FONT = 12
ROW, GAP, TOP, EDGE = 84, 128, 34, 16  # pixels: from unit to unit, between columns, above, at the sides
TALL, SMALL = 46, 30  # of a shape with two lines, with one
CROWDED = 26  # arrows between two columns that still have numbers on them
FAINT = 400  # more arrows in all than this are drawn thin
SHOWN = 5  # digits in a picture
_SPOTS = (0.34, 0.5, 0.66, 0.26, 0.42, 0.58, 0.74, 0.2, 0.8)  # along an arrow, where its number may stand


def diagram_svg(diagram: Diagram, digits: Digits, top: int = 0, brief: bool = False) -> tuple[str, int, int]:
    """The diagram as an SVG element `g` with its upper edge at `top`; and its width and height.

    Args:
        brief: without its title, and with partials on arrows as numbers alone: whatever draws it tells them.
    """
    drawing = _Drawing(diagram, digits, brief)
    body = drawing.drawn()
    if brief:
        above = TOP - 14 if drawing.skips else ROW // 2 - 12
        head = f'<g transform="translate(0 {top - above})">'
        return "\n".join([head, *body, "</g>"]), drawing.wide, drawing.high - above
    head = f'<g transform="translate(0 {top})"><text x="{EDGE}" y="22" font-size="15">{escape(diagram.title)}</text>'
    return "\n".join([head, *body, "</g>"]), drawing.wide, drawing.high


def described(diagram: Diagram, digits: Digits) -> str:
    """The diagram in words."""
    return " ".join("".join(_plain(run, digits) for run in line) for line in diagram.words)


def _plain(run: Inline, digits: Digits) -> str:
    if isinstance(run, str):
        return run
    return TextPrinter(digits)(run) if isinstance(run, Expr) else digits.text(run)


Frame = tuple[float, float, float, float]  # left, top, right, bottom


class _Drawing:
    def __init__(self, diagram: Diagram, digits: Digits, brief: bool = False) -> None:
        self.diagram, self.exact, self.brief = diagram, TextPrinter(digits), brief
        self.digits = digits if digits.count is not None and digits.count <= SHOWN else Digits(SHOWN)
        self.printer = LatexPrinter(self.digits, LATEX, inline=True)
        self.dots = {dot.key: dot for dot in diagram.dots}
        self.leaving = Counter(self.dots[a.start].column for a in diagram.arrows)
        self.lines = {dot.key: [self.latex(label) for label in dot.inside] for dot in diagram.dots}  # as wide as drawn
        self.below = {dot.key: self.runs(dot.below) for dot in diagram.dots}
        self.sizes = {dot.key: self.size(dot) for dot in diagram.dots}
        self.taken: list[Frame] = []
        self.place()

    def latex(self, label: Label) -> str:
        name, value = label
        said = self.printer(name) if name is not None else ""
        if value is None:
            return said
        return f"{said} = {self.printer.number(value)}" if said else self.printer.number(value)

    def label(self, label: Label) -> str:
        """The inside of a text: a name, and its number as a part of its own."""
        name, value = label
        if value is None:
            return svg_text(self.latex(label))
        if name is None:
            return svg_text("", self.printer.number(value))
        return svg_text(self.printer(name), f"= {self.printer.number(value)}")

    def on_arrow(self, arrow: Arrow) -> Label:
        """What stands on an arrow."""
        name, value = arrow.label
        return (None, value) if self.brief and isinstance(name, Partial) and value is not None else arrow.label

    def runs(self, runs: tuple[Inline, ...]) -> str:
        """Words and formulas below a unit, as LaTeX."""
        out = []
        for run in runs:
            if isinstance(run, str):
                out.append(LATEX.get(run, f"\\text{{{run}}}"))
            else:
                out.append(self.printer(run) if isinstance(run, Expr) else self.printer.number(run))
        return " ".join(out)

    def size(self, dot: Dot) -> tuple[float, float]:
        if dot.kind == "gap":
            return (label_width(self.below[dot.key], FONT), SMALL)
        wide = max((label_width(line, FONT) for line in self.lines[dot.key]), default=20) + 22
        return (max(wide, 46), TALL if len(dot.inside) > 1 else SMALL)

    def place(self) -> None:
        """The middle of every dot; columns are centred on one another."""
        columns: dict[int, list[Dot]] = {}
        for dot in self.diagram.dots:
            columns.setdefault(dot.column, []).append(dot)
        tallest = max((len(dots) for dots in columns.values()), default=1)
        self.middles: dict[str, tuple[float, float]] = {}
        left = float(EDGE)
        for column in sorted(columns):
            dots = columns[column]
            wide = max(max(self.sizes[d.key][0], label_width(self.below[d.key], FONT - 1)) for d in dots)
            first = TOP + ROW / 2 + (tallest - len(dots)) * ROW / 2
            for i, dot in enumerate(dots):
                self.middles[dot.key] = (left + wide / 2, first + i * ROW)
            left += wide + self.gap(column)
        self.wide = round(left - self.gap(max(columns, default=0)) + EDGE)
        self.high = TOP + tallest * ROW + 10
        self.skips = any(self.span(a) > 1 for a in self.diagram.arrows)
        if self.skips:
            self.high += 20
        for key, (x, y) in self.middles.items():
            wide, tall = self.sizes[key]
            self.taken.append((x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2))
            if self.dots[key].kind != "gap" and self.below[key]:
                half = label_width(self.below[key], FONT - 1) / 2
                self.taken.append((x - half, y + tall / 2, x + half, y + tall / 2 + 16))

    def gap(self, column: int) -> float:
        """Room behind a column: for the numbers on the arrows that leave it, where they are drawn."""
        leaving = [a for a in self.diagram.arrows if self.dots[a.start].column == column]
        wide = max((label_width(self.latex(self.on_arrow(a)), FONT - 1) for a in leaving), default=0.0)
        if not self.labelled(column) or not wide:
            return GAP if len(leaving) > CROWDED else GAP * 0.6
        return max(GAP, wide * (1.6 if len(leaving) > 2 else 1.2) + 30)

    def span(self, arrow: Arrow) -> int:
        return self.dots[arrow.end].column - self.dots[arrow.start].column

    def labelled(self, column: int) -> bool:
        return self.leaving[column] <= CROWDED

    def drawn(self) -> list[str]:
        thin = len(self.diagram.arrows) > FAINT
        lines = [self.arrow(arrow, thin) for arrow in self.diagram.arrows]
        labels = [self.number(arrow) for arrow in self.diagram.arrows if self.labelled(self.dots[arrow.start].column)]
        return [*lines, *map(self.dot, self.diagram.dots), *filter(None, labels)]

    # arrows ---------------------------------------------------------------------------------------------------

    def course(self, arrow: Arrow) -> tuple[tuple[float, float], ...]:
        """The ends of a straight arrow; with two points between them where it goes round other columns."""
        (x1, y1), (x2, y2) = self.middles[arrow.start], self.middles[arrow.end]
        start, end = (x1 + self.sizes[arrow.start][0] / 2, y1), (x2 - self.sizes[arrow.end][0] / 2 - 3, y2)
        if self.span(arrow) <= 1:
            return start, end
        over = y1 <= (TOP + self.high) / 2
        bow = (TOP - 4) if over else (self.high + 6)
        reach = (end[0] - start[0]) * 0.3
        return start, (start[0] + reach, bow), (end[0] - reach, bow), end

    def arrow(self, arrow: Arrow, thin: bool) -> str:
        points = self.course(arrow)
        said = [f"{x:.1f} {y:.1f}" for x, y in points]
        path = f"M {said[0]} L {said[1]}" if len(said) == 2 else f"M {said[0]} C {' '.join(said[1:])}"
        value = arrow.label[1]
        kind = "edge" if value is None else "edge less" if value < 0 else "edge none" if value == 0 else "edge more"
        color = {"edge less": "#b5541c", "edge more": "#2f6396"}.get(kind, "#8a8a8a")
        stroke = f'stroke="{color}" stroke-width="{0.5 if thin else 1.3}"' + (' stroke-opacity="0.5"' if thin else "")
        told = f"<title>{escape(self.told(arrow.label))}</title>" if arrow.label != (None, None) else ""
        head = "" if thin else self.head(points, color, kind)
        ends = f' data-start="{escape(arrow.start)}" data-end="{escape(arrow.end)}"'
        return f'<path class="{kind}" d="{path}" fill="none" {stroke}{_key(arrow.label[0])}{ends}>{told}</path>{head}'

    def told(self, label: Label) -> str:
        name, value = label
        said = self.exact(name) if name is not None else ""
        return said + (f" = {self.exact.number(value)}" if value is not None else "")

    @staticmethod
    def head(points: tuple[tuple[float, float], ...], color: str, kind: str) -> str:
        (x1, y1), (x2, y2) = points[-2], points[-1]
        size = max(((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5, 1e-9)
        dx, dy = (x2 - x1) / size, (y2 - y1) / size
        at = [(x2 + 3 * dx, y2 + 3 * dy)]
        at += [(x2 - 5 * dx + s * 3.2 * dy, y2 - 5 * dy - s * 3.2 * dx) for s in (1, -1)]
        return f'<path class="{kind} head" d="M {" L ".join(f"{x:.1f} {y:.1f}" for x, y in at)} Z" fill="{color}"/>'

    def number(self, arrow: Arrow) -> str:
        """An arrow's label where nothing else stands; where there is no such spot, only pointing at it tells it."""
        latex = self.latex(self.on_arrow(arrow))
        if not latex:
            return ""
        half, points = label_width(latex, FONT - 1) / 2 + 2, self.course(arrow)
        for t in _SPOTS:
            x, y = _along(points, t)
            frame = (x - half, y - 8, x + half, y + 8)
            if any(overlap(frame, other) for other in self.taken):
                continue
            self.taken.append(frame)
            place = f'x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" font-size="{FONT - 1}"'
            box = f'<rect class="paper" x="{frame[0]:.1f}" y="{y - 7:.1f}" width="{2 * half:.1f}" height="14" rx="3"'
            box += _key(arrow.label[0])
            shown = self.label(self.on_arrow(arrow))
            return f'{box} fill="#fff" fill-opacity="0.85"/><text {place}{_key(arrow.label[0])}>{shown}</text>'
        return ""

    # dots -----------------------------------------------------------------------------------------------------

    def dot(self, dot: Dot) -> str:
        (x, y), (wide, tall) = self.middles[dot.key], self.sizes[dot.key]
        if dot.kind == "gap":
            return f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">{svg_text(self.below[dot.key])}</text>'
        fill = {"input": "#f3f3f3", "bias": "#f3f3f3", "cost": "#fbf0e0"}.get(dot.kind, "#e9f1f8")
        radius = tall / 2 if dot.kind in ("unit", "bias") else 5
        said = "; ".join(map(self.told, dot.inside))
        place = f'x="{x - wide / 2:.1f}" y="{y - tall / 2:.1f}" width="{wide:.1f}" height="{tall}" rx="{radius}"'
        group = f'<g class="dot {dot.kind}" data-dot="{escape(dot.key)}">'
        parts = [f'{group}<rect {place} fill="{fill}" stroke="#555"><title>{escape(said)}</title></rect>']
        for i, label in enumerate(dot.inside):
            at = y + 4 + (i - (len(dot.inside) - 1) / 2) * 17
            asked = ' data-k="own"' if dot.kind == "cost" else _key(label[0])
            parts.append(f'<text x="{x:.1f}" y="{at:.1f}" text-anchor="middle"{asked}>{self.label(label)}</text>')
        if self.below[dot.key]:
            at = y + tall / 2 + 13
            bias = next((_key(run) for run in dot.below if isinstance(run, Ref | Partial)), "")
            small = f'text-anchor="middle" font-size="{FONT - 1}" class="small"{bias if dot.kind == "unit" else ""}'
            *named, sign, value = dot.below if len(dot.below) > 1 else ("", *dot.below)
            told = svg_text(self.below[dot.key])
            if sign == " = " and isinstance(value, float):
                told = svg_text(self.runs(tuple(named)), f"= {self.printer.number(value)}")
            parts.append(f'<text x="{x:.1f}" y="{at:.1f}" {small}>{told}</text>')
        return "".join([*parts, "</g>"])


def _key(name: Expr | None) -> str:
    """Which number of the stage a drawn name is."""
    return f' data-k="{escape(stage.key(name))}"' if isinstance(name, Ref | Partial) else ""


def _along(points: tuple[tuple[float, float], ...], t: float) -> tuple[float, float]:
    """A point on a straight line, or on a cubic Bézier curve."""
    if len(points) == 2:
        (x1, y1), (x2, y2) = points
        return x1 + t * (x2 - x1), y1 + t * (y2 - y1)
    shares = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    return (
        sum(s * x for s, (x, _) in zip(shares, points, strict=True)),
        sum(s * y for s, (_, y) in zip(shares, points, strict=True)),
    )


def overlap(a: Frame, b: Frame) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
