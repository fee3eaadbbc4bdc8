"""A surface as SVG, by contours (traced by contourpy), and as shades in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from ..document.parts import Surface
from ..errors import UsageError
from ..notation.expr import Expr
from ..notation.latex import LatexPrinter
from ..notation.numbers import Digits
from ..notation.text import PLAIN
from .chart import LEFT, Scale, tick
from .diagram import Frame, overlap
from .labels import svg_text

WIDE, HIGH, TOP, BOTTOM, RIGHT = 720, 460, 40, 52, 30
LEVELS = 13
SHADES = "█▓▒░ "
PATH = "#b5541c"


def surface_svg(surface: Surface, top: int = 0) -> tuple[str, int, int]:
    """A surface as an SVG element `g` with its upper edge at `top`; and its width and height."""
    x, y = Scale(surface.xs, False), Scale(surface.ys, False)
    wide, high = WIDE - LEFT - RIGHT, HIGH - TOP - BOTTOM

    def place(a: float, b: float) -> tuple[float, float]:
        return LEFT + (x.at(a) or 0) * wide, TOP + (1 - (y.at(b) or 0)) * high

    parts = [f'<g transform="translate(0 {top})">']
    parts.append(f'<text x="{LEFT}" y="22" font-size="15">{escape(surface.title)}</text>')
    taken = [(a - 12, b - 12, a + 12, b + 12) for a, b in (place(a, b) for a, b in surface.path[:200])]
    numbers: list[str] = []
    for number, (level, lines) in enumerate(contours(surface)):
        share = number / LEVELS
        for line in lines:
            points = [place(float(a), float(b)) for a, b in line]
            said = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
            stroke = f'class="edge more" stroke="#2f6396" stroke-opacity="{1 - 0.75 * share:.2f}"'
            told = f"<title>{tick(level)}</title>"
            parts.append(f'<polyline points="{said}" fill="none" {stroke} stroke-width="1.2">{told}</polyline>')
            if len(points) > 8:
                numbers += _number(points, tick(level), taken)
    parts += numbers
    frame = f'x="{LEFT}" y="{TOP}" width="{wide}" height="{high}" fill="none" stroke="#888"'
    parts.append(f"<rect {frame}/>")
    for value in x.ticks():
        at = place(value, surface.ys[0])[0]
        parts.append(f'<text x="{at:.1f}" y="{TOP + high + 17}" text-anchor="middle">{tick(value)}</text>')
    for value in y.ticks():
        at = place(surface.xs[0], value)[1]
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{tick(value)}</text>')
    middle = f'x="{LEFT + wide / 2}" y="{HIGH - 10}" text-anchor="middle"'
    parts.append(f"<text {middle}>{_name(surface.x_label)}</text>")
    turned = f'transform="translate(16 {TOP + high / 2}) rotate(-90)" text-anchor="middle"'
    parts.append(f"<text {turned}>{_name(surface.y_label)}</text>")
    parts += _path([place(a, b) for a, b in surface.path])
    return "\n".join([*parts, "</g>"]), WIDE, HIGH


def _number(points: Sequence[tuple[float, float]], said: str, taken: list[Frame]) -> list[str]:
    """The level of a line, on it, where nothing else stands."""
    half = 3.2 * len(said) + 2
    for share in (0.5, 0.3, 0.7, 0.15, 0.85):
        x, y = points[int(share * (len(points) - 1))]
        frame = (x - half - 6, y - 9, x + half + 6, y + 9)
        inside = frame[0] > LEFT and frame[2] < WIDE - RIGHT and frame[1] > TOP + 2 and frame[3] < HIGH - BOTTOM - 2
        if not inside or any(overlap(frame, other) for other in taken):
            continue
        taken.append(frame)
        box = f'<rect class="paper" x="{x - half:.1f}" y="{y - 7:.1f}" width="{2 * half:.1f}" height="13" fill="#fff"/>'
        return [f'{box}<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" font-size="10">{said}</text>']
    return []


def _path(points: Sequence[tuple[float, float]]) -> list[str]:
    if not points:
        return []
    said = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
    parts = [f'<polyline class="edge less" points="{said}" fill="none" stroke="{PATH}" stroke-width="1.8"/>']
    for a, b in points if len(points) <= 200 else (points[0], points[-1]):
        parts.append(f'<circle class="less head" cx="{a:.1f}" cy="{b:.1f}" r="2.4" fill="{PATH}"/>')
    near = abs(points[0][0] - points[-1][0]) + abs(points[0][1] - points[-1][1]) < 40
    for (a, b), word in ((points[0], "start"), (points[-1], "end"))[: 1 if near else 2]:
        parts.append(f'<text x="{a + 6:.1f}" y="{b - 6:.1f}" font-size="11">{word}</text>')
    return parts


def _name(expr: Expr) -> str:
    return svg_text(LatexPrinter(inline=True)(expr))


def levels(heights: np.ndarray) -> list[float]:
    """Heights of the lines: closer to one another near the lowest point, as costs are flat there."""
    low, high = float(np.nanmin(heights)), float(np.nanmax(heights))
    found = [low + (high - low) * ((k + 0.5) / LEVELS) ** 2 for k in range(LEVELS)] if high > low else []
    if low >= 0 and low < (high - low) * 1e-3:  # round numbers, where that moves nothing far
        found = [float(f"{level:.2g}") for level in found]
    return sorted({float(f"{level:.4g}") for level in found} if found else [])


def contours(surface: Surface) -> list[tuple[float, list[np.ndarray]]]:
    """For each level its lines, each an array of points (x, y).

    Raises:
        UsageError: contourpy is not installed.
    """
    try:
        from contourpy import contour_generator
    except ImportError:
        raise UsageError("contours need contourpy", hint='pip install "backhand[pages]"') from None

    if not np.isfinite(surface.heights).any():
        return []
    masked = np.ma.masked_invalid(surface.heights)
    generator = contour_generator(np.array(surface.xs), np.array(surface.ys), masked)
    return [(level, [np.asarray(line) for line in generator.lines(level)]) for level in levels(surface.heights)]


def described_surface(surface: Surface, digits: Digits) -> str:
    """The surface in words."""
    found = ["".join(_plain(run, digits) for run in surface.words)]
    if np.isfinite(surface.heights).any():
        at = np.unravel_index(int(np.nanargmin(surface.heights)), surface.heights.shape)
        text = digits.text
        low = text(float(surface.heights[at]))
        found.append(f" The lowest point drawn is {low} at ({text(surface.xs[at[1]])}, {text(surface.ys[at[0]])}).")
    return "".join(found)


def _plain(run: str | Expr | float, digits: Digits) -> str:
    if isinstance(run, str):
        return run
    return PLAIN(run) if isinstance(run, Expr) else digits.text(run)


def surface_lines(surface: Surface, width: int = 78, height: int = 16) -> list[str]:
    """A surface in characters: the darker the lower; `●` and `·` are the path, `○` its end."""
    columns = max(10, min(width - 12, 60))
    bounds = [*levels(surface.heights)[2::3][: len(SHADES) - 1]]
    lines = []
    for k in range(height):
        row = round((1 - k / (height - 1)) * (len(surface.ys) - 1))
        heights = [surface.heights[row, round(c / (columns - 1) * (len(surface.xs) - 1))] for c in range(columns)]
        lines.append([SHADES[sum(h > b for b in bounds)] if np.isfinite(h) else "?" for h in heights])
    x, y = Scale(surface.xs, False), Scale(surface.ys, False)
    for mark, points in (("·", surface.path), ("●", surface.path[:1]), ("○", surface.path[1:][-1:])):
        for a, b in points:
            px, py = x.at(a), y.at(b)
            if px is not None and py is not None and 0 <= px <= 1 and 0 <= py <= 1:
                lines[round((1 - py) * (height - 1))][round(px * (columns - 1))] = mark
    low, high = tick(surface.ys[0]), tick(surface.ys[-1])
    stub = max(len(low), len(high))
    heads = [high, *[""] * (height - 2), low]
    out = [f"{surface.title} ({PLAIN(surface.y_label)} up, {PLAIN(surface.x_label)} across; the darker, the lower)"]
    out += [f"{head:>{stub}} │{''.join(line)}│" for head, line in zip(heads, lines, strict=True)]
    left, right = tick(surface.xs[0]), tick(surface.xs[-1])
    return [*out, " " * (stub + 2) + left + " " * max(1, columns - len(left) - len(right)) + right]
