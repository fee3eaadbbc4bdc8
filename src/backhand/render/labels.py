"""Formulas as the text of an SVG: letters slanted, what stands low or high moved there."""

from __future__ import annotations

from html import escape

from .boxes import ACCENTS, Accented, Box, Fenced, Fraction, Lines, Root, Row, Scripted, Sign, Space, boxes
from .width import SCRIPT, width

LOW, HIGH = 0.28, -0.42  # em
NARROW = "\u00a0"  # a space that is not dropped
_COMBINING = {
    "grave": "\u0300", "acute": "\u0301", "hat": "\u0302", "tilde": "\u0303", "bar": "\u0304", "breve": "\u0306",
    "dot": "\u0307", "ddot": "\u0308", "mathring": "\u030a", "check": "\u030c", "vec": "\u20d7",
}  # fmt: skip
assert _COMBINING.keys() == ACCENTS.keys()


def svg_text(latex: str, number: str = "") -> str:
    """The inside of a `text` element.

    Args:
        number: what follows and may be hidden by itself: the number behind a name.
    """
    runs = _Runs()
    named, counted = (_spans(runs.of(boxes(part))) if part else "" for part in (latex, number))
    return named + (f'<tspan class="n">{counted}</tspan>' if counted else "")


def _spans(runs: list[_Run]) -> str:
    return "".join(
        f"<tspan{_attributes(style, move, size)}>{escape(text, quote=False)}</tspan>"
        for text, style, move, size in _joined(runs)
    )


def label_width(latex: str, size: float) -> float:
    """About how wide it will be, in pixels at a font size."""
    return 1.08 * size * width(latex)


_Run = tuple[str, str, float, float]  # text, style, how far down it moves before it (em of the text), size


def _attributes(style: str, move: float, size: float) -> str:
    out = ' font-style="italic"' if style else ""
    if move:
        out += f' dy="{move:.2f}em"'
    return out + (f' font-size="{size * 100:.0f}%"' if size != 1 else "")


def _joined(runs: list[_Run]) -> list[_Run]:
    out: list[_Run] = []
    for text, style, move, size in runs:
        if out and not move and out[-1][1] == style and out[-1][3] == size:
            out[-1] = (out[-1][0] + text, style, out[-1][2], size)
        else:
            out.append((text, style, move, size))
    return out


class _Runs:
    """Walks over a formula and keeps where the line stands."""

    def __init__(self) -> None:
        self.level = 0.0  # how far below the line we are, in em of the whole text
        self.drawn = 0.0  # where the last run was drawn
        self.size = 1.0

    def of(self, box: Box | None) -> list[_Run]:
        match box:
            case None:
                return []
            case Sign(text=text, kind=kind):
                text = f"{NARROW}{text}{NARROW}" if text in "=≈+<>≤≥←→" else text.replace(" ", "\u00a0")
                return self.run(text, "i" if kind in ("letter", "italic") else "")
            case Space():
                return self.run(NARROW, "")
            case Row(parts=parts):
                return [run for part in parts for run in self.of(part)]
            case Scripted(base=base, sub=sub, sup=sup):
                return [*self.of(base), *self.moved(sub, LOW), *self.moved(sup, HIGH)]
            case Fraction(top=top, bottom=bottom):
                return [*self.of(top), *self.run("/", ""), *self.of(bottom)]
            case Root(inner=inner, degree=degree):
                return [*self.moved(degree, HIGH), *self.run("√(", ""), *self.of(inner), *self.run(")", "")]
            case Accented(inner=inner, accent=accent):
                found = self.of(inner)
                *rest, (text, style, move, size) = found
                return [*rest, (text + _COMBINING[accent], style, move, size)]
            case Fenced(left=left, inner=inner, right=right):
                return [*self.run(left, ""), *self.of(inner), *self.run(right, "")]
            case Lines(rows=rows):
                cells = [run for row in rows for cell in row for run in [*self.of(cell), *self.run(" ", "")]]
                return [*self.run("[", ""), *cells[:-1], *self.run("]", "")]
        raise TypeError(f"no SVG text for {box!r}")

    def run(self, text: str, style: str) -> list[_Run]:
        # dy is in em of the run's own size
        move, self.drawn = (self.level - self.drawn) / self.size, self.level
        return [(text, style, move, self.size)]

    def moved(self, box: Box | None, by: float) -> list[_Run]:
        if box is None:
            return []
        level, size = self.level, self.size
        self.level, self.size = level + by * size, size * SCRIPT
        found = self.of(box)
        self.level, self.size = level, size
        return found
