"""Charts: as SVG, and as lines of characters for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape
from itertools import pairwise

from ..document.parts import Chart, Series
from ..notation.numbers import Digits
from .words import words

WIDTH, HEIGHT = 720, 360  # of an SVG, in pixels
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 50
COLORS = ("#3b6ea5", "#c0612b", "#4b8a57", "#7a5195")
MARKS = "●○▲△"
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of braille, [row][column]


class Scale:
    """Numbers of one axis as shares of its length, 0 to 1."""

    def __init__(self, values: Iterable[float], logarithmic: bool) -> None:
        found = [v for v in values if math.isfinite(v) and (v > 0 or not logarithmic)]
        self.logarithmic = logarithmic and bool(found)
        low, high = (min(found), max(found)) if found else (0.0, 1.0)
        if low == high:
            low, high = (low / 2, high * 2) if self.logarithmic else (low - 0.5, high + 0.5)
        self.low, self.high = low, high

    def at(self, value: float) -> float | None:
        """Where a number stands; None where it has no place."""
        if not math.isfinite(value) or (self.logarithmic and value <= 0):
            return None
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self, most: int = 6) -> list[float]:
        """Round numbers within the axis."""
        if self.logarithmic:
            first, last = math.floor(math.log10(self.low)), math.floor(math.log10(self.high) + 1e-9)
            every = max(1, -(-(last - first + 1) // most))
            for factors in ((1,), (1, 3), (1, 2, 5)):
                found = [f * 10.0**k for k in range(first, last + 1, every) for f in factors]
                found = [value for value in found if self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)]
                if len(found) > 2:
                    return found
            return [self.low, *found, self.high] if len(found) < 2 else found
        step = 10.0 ** math.floor(math.log10((self.high - self.low) / most))
        step *= next(k for k in (1, 2, 5, 10) if (self.high - self.low) / (step * k) <= most)
        first = math.ceil(self.low / step - 1e-9)
        return [k * step for k in range(first, math.floor(self.high / step + 1e-9) + 1)]


def scales(chart: Chart) -> tuple[Scale, Scale]:
    """The axes of a chart."""
    x = Scale((v for s in chart.series for v in s.xs), chart.log_x)
    return x, Scale((v for s in chart.series for v in s.ys), chart.log_y)


def tick(value: float) -> str:
    return Digits(4).text(0.0 if abs(value) < 1e-12 else value)


def chart_svg(chart: Chart, top: int = 0) -> str:
    """A chart as an SVG element `g`, its upper edge at `top`."""
    x, y = scales(chart)
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    parts = [f'<g transform="translate(0 {top})">']
    parts.append(f'<text x="{LEFT}" y="22" font-size="15">{escape(chart.title)}</text>')

    def place(px: float | None, py: float | None) -> tuple[float, float] | None:
        return None if px is None or py is None else (LEFT + px * wide, TOP + (1 - py) * high)

    for value in x.ticks():
        at = LEFT + (x.at(value) or 0) * wide
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{TOP + high}" class="grid" stroke="#e4e4e4"/>')
        parts.append(f'<text x="{at:.1f}" y="{TOP + high + 17}" text-anchor="middle">{tick(value)}</text>')
    for value in y.ticks():
        at = TOP + (1 - (y.at(value) or 0)) * high
        parts.append(
            f'<line x1="{LEFT}" x2="{LEFT + wide}" y1="{at:.1f}" y2="{at:.1f}" class="grid" stroke="#e4e4e4"/>'
        )
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{tick(value)}</text>')
    parts.append(f'<text x="{LEFT + wide / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(chart.x_label)}</text>')
    turned = f'transform="translate(16 {TOP + high / 2}) rotate(-90)" text-anchor="middle"'
    parts.append(f"<text {turned}>{escape(chart.y_label)}</text>")
    for number, series in enumerate(chart.series):
        color = COLORS[number % len(COLORS)]
        points = [place(x.at(a), y.at(b)) for a, b in zip(series.xs, series.ys, strict=True)]
        known = [p for p in points if p is not None]
        if series.line:
            said = " ".join(f"{a:.1f},{b:.1f}" for a, b in known)
            parts.append(f'<polyline points="{said}" fill="none" stroke="{color}" stroke-width="1.8"/>')
        if not series.line or len(known) == 1:
            dot = f'r="2.5" fill="{color}" fill-opacity="0.6"'
            parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" {dot}/>' for a, b in known]
        at = LEFT + wide - 170
        parts.append(f'<rect x="{at}" y="{TOP + 6 + 18 * number}" width="12" height="4" fill="{color}"/>')
        parts.append(f'<text x="{at + 18}" y="{TOP + 12 + 18 * number}">{escape(series.name)}</text>')
    return "\n".join([*parts, "</g>"])


def chart_lines(chart: Chart, width: int = 78, height: int = 14) -> list[str]:
    """A chart in characters: lines as dots of braille, points as marks."""
    x, y = scales(chart)
    low, high = tick(y.low), tick(y.high)
    stub = max(len(low), len(high))
    columns = max(10, min(width, 100) - stub - 3)
    dots = [[0] * columns for _ in range(height)]
    marks: list[list[str]] = [[""] * columns for _ in range(height)]
    for number, series in enumerate(chart.series):
        for px, py in _dots_of(series, x, y, columns):
            row, column = (1 - py) * (height * 4 - 1), px * (columns * 2 - 1)
            if series.line and number == 0:
                dots[round(row) // 4][round(column) // 2] |= _DOTS[round(row) % 4][round(column) % 2]
            else:
                marks[round(row) // 4][round(column) // 2] = MARKS[number % len(MARKS)] if not series.line else "·"
    lines = []
    for k in range(height):
        label = high if k == 0 else low if k == height - 1 else ""
        cells = [m or (chr(0x2800 + d) if d else " ") for m, d in zip(marks[k], dots[k], strict=True)]
        lines.append(f"{label:>{stub}} ┤{''.join(cells)}".rstrip())
    left, right = tick(x.low), tick(x.high)
    middle = chart.x_label.center(columns - len(left) - len(right))
    lines.append(" " * stub + " └" + "─" * columns)
    lines.append(" " * (stub + 2) + left + middle + right)
    names = [
        f"{'⠤⠤' if s.line and k == 0 else '··' if s.line else MARKS[k % len(MARKS)]} {s.name}"
        for k, s in enumerate(chart.series)
    ]
    return [f"{chart.title} ({chart.y_label})", *lines, " " * (stub + 2) + "   ".join(names)]


def _dots_of(series: Series, x: Scale, y: Scale, columns: int) -> Iterable[tuple[float, float]]:
    """The points of a series, and, where it is a line, those between them."""
    known = [
        (px, py)
        for a, b in zip(series.xs, series.ys, strict=True)
        if (px := x.at(a)) is not None and (py := y.at(b)) is not None
    ]
    yield from known
    if not series.line:
        return
    for (ax, ay), (bx, by) in pairwise(known):
        between = max(1, round(abs(bx - ax) * columns * 2), round(abs(by - ay) * 60))
        for k in range(1, between):
            yield ax + (bx - ax) * k / between, ay + (by - ay) * k / between


def chart_latex(chart: Chart) -> str:
    """A chart as LaTeX's own `picture`, which needs no package: joined points as straight Bézier curves."""
    x, y = scales(chart)
    wide, high, unit = 120, 55, 1  # millimetres
    parts = [
        f"\\setlength{{\\unitlength}}{{{unit}mm}}", f"\\begin{{picture}}({wide + 22},{high + 22})(-16,-12)",
        f"\\put(0,0){{\\line(1,0){{{wide}}}}}", f"\\put(0,0){{\\line(0,1){{{high}}}}}",
        f"\\put(0,{high + 4}){{{words(chart.title)} ({words(chart.y_label)})}}",
        f"\\put({wide / 2},-9){{\\makebox(0,0){{{words(chart.x_label)}}}}}",
    ]  # fmt: skip
    for value in x.ticks():
        parts.append(f"\\put({(x.at(value) or 0) * wide:.1f},-4){{\\makebox(0,0){{\\small {tick(value)}}}}}")
    for value in y.ticks():
        parts.append(f"\\put(-2,{(y.at(value) or 0) * high:.1f}){{\\makebox(0,0)[r]{{\\small {tick(value)}}}}}")
    for number, series in enumerate(chart.series):
        parts.append(f"\\linethickness{{{0.5 if number == 0 else 0.2}mm}}")
        every = -(-len(series.xs) // 150)
        points = [
            (px * wide, py * high)
            for a, b in zip(series.xs[::every], series.ys[::every], strict=True)
            if (px := x.at(a)) is not None and (py := y.at(b)) is not None
        ]
        if series.line:
            for (ax, ay), (bx, by) in pairwise(points):
                middle = f"({(ax + bx) / 2:.1f},{(ay + by) / 2:.1f})"
                parts.append(f"\\qbezier({ax:.1f},{ay:.1f}){middle}({bx:.1f},{by:.1f})")
        else:
            parts += [f"\\put({ax:.1f},{ay:.1f}){{\\circle*{{0.8}}}}" for ax, ay in points]
        weight = "thick" if number == 0 else "thin"
        said = f"{weight}: {series.name}" if series.line else series.name
        parts.append(f"\\put({wide - 45},{high - 5 * number}){{\\small {words(said)}}}")
    return "\n".join([*parts, "\\end{picture}"])
