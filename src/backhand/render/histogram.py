"""Histograms as SVG, and as lines of characters for a terminal."""

from __future__ import annotations

from html import escape

from ..document.parts import Histogram
from .chart import COLORS, LEFT, RIGHT, Scale, tick

WIDE, HIGH, TOP, BOTTOM = 720, 200, 36, 36
BLOCKS = " ▁▂▃▄▅▆▇█"


def histogram_svg(histogram: Histogram, top: int = 0) -> tuple[str, int, int]:
    """A histogram as an SVG element `g` with its upper edge at `top`; and its width and height."""
    wide, high = WIDE - LEFT - RIGHT, HIGH - TOP - BOTTOM
    scale, most = Scale(histogram.edges, False), max(histogram.counts, default=0) or 1
    parts = [
        f'<g transform="translate(0 {top})">',
        f'<text x="{LEFT}" y="22" font-size="15">{escape(histogram.title)}</text>',
        f'<text x="{LEFT - 6}" y="{TOP + 10}" text-anchor="end">{most:,}</text>',
    ]
    for left, right, count in zip(histogram.edges, histogram.edges[1:], histogram.counts, strict=False):
        x, end = LEFT + (scale.at(left) or 0) * wide, LEFT + (scale.at(right) or 0) * wide
        tall = high * count / most
        place = f'x="{x:.1f}" y="{TOP + high - tall:.1f}" width="{max(end - x - 1, 0.5):.1f}" height="{tall:.1f}"'
        told = f"{tick(left)} to {tick(right)}: {count:,}"
        parts.append(f'<rect {place} fill="{COLORS[0]}"><title>{told}</title></rect>')
    said = f"how many of {sum(histogram.counts):,} numbers, over {histogram.x_label}"
    base = TOP + high
    parts.append(f'<line class="grid" x1="{LEFT}" x2="{LEFT + wide}" y1="{base}" y2="{base}" stroke="#888"/>')
    for value in scale.ticks():
        x = LEFT + (scale.at(value) or 0) * wide
        parts.append(f'<text x="{x:.1f}" y="{base + 16}" text-anchor="middle">{tick(value)}</text>')
    parts.append(f'<text x="{LEFT + wide}" y="22" text-anchor="end" class="small">{escape(said)}</text>')
    return "\n".join([*parts, "</g>"]), WIDE, HIGH


def histogram_lines(histogram: Histogram, width: int = 78) -> list[str]:
    """A histogram in characters: a bar for each bin."""
    most = max(histogram.counts, default=0) or 1
    bars = "".join(BLOCKS[-(-count * (len(BLOCKS) - 1) // most)] for count in histogram.counts)
    low, high = tick(histogram.edges[0]), tick(histogram.edges[-1])
    return [f"{histogram.title} (most: {most:,})", f"  {low} ┤{bars}├ {high}  {histogram.x_label}"]
