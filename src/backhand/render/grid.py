"""Grids of counts: as SVG, and as lines of characters for a terminal."""

from __future__ import annotations

import math
from html import escape

from rich.cells import cell_len, set_cell_size

from ..document.parts import Grid

SHADES = " ░▒▓█"
SIZE, TOP, BELOW, WIDTH = 34, 78, 26, 720  # of an SVG, in pixels
NAME = 16  # characters of a name in an SVG


def grid_height(grid: Grid) -> int:
    """Of its SVG, in pixels."""
    return TOP + SIZE * len(grid.rows) + BELOW


def grid_svg(grid: Grid, top: int = 0) -> str:
    """A grid as an SVG element `g`, its upper edge at `top`."""
    left = 8 * min(NAME, max(map(cell_len, grid.rows))) + 30
    wide = max(SIZE, min(72, (WIDTH - left - 10) // len(grid.columns)))
    parts = [
        f'<g transform="translate(0 {top})">',
        f'<text x="{left}" y="22" font-size="15">{escape(grid.title)}</text>',
        f'<text x="{left}" y="42" fill="#555">{escape(grid.column_label)} →</text>',
        f'<text x="{left - 8}" y="{TOP - 8}" text-anchor="end" fill="#555">{escape(grid.row_label)} ↓</text>',
    ]
    for column, name in enumerate(grid.columns):
        said, at = cut(name, max(2, wide // 8)), left + wide * (column + 0.5)
        told = f"{escape(said)}<title>{escape(name)}</title>"
        parts.append(f'<text x="{at:.1f}" y="{TOP - 8}" text-anchor="middle">{told}</text>')
    for row, name in enumerate(grid.rows):
        y = TOP + SIZE * row
        middle = y + SIZE / 2 + 4
        parts.append(f'<text x="{left - 8}" y="{middle:.1f}" text-anchor="end">{escape(cut(name, NAME))}</text>')
        for column, count in enumerate(grid.counts[row]):
            share, x = grid.share(row, column), left + wide * column
            told = escape(f"{grid.row_label} {name}, {grid.column_label} {grid.columns[column]}: {count}")
            place = f'x="{x}" y="{y}" width="{wide}" height="{SIZE}"'
            parts.append(f'<rect {place} stroke="#ddd" fill="{_blue(share)}"><title>{told}</title></rect>')
            color = "#fff" if share > 0.55 else "#222" if count else "#bbb"
            place = f'x="{x + wide / 2:.1f}" y="{middle:.1f}" text-anchor="middle"'
            parts.append(f'<text class="count" {place} fill="{color}">{count}</text>')
    return "\n".join([*parts, "</g>"])


def _blue(share: float) -> str:
    """White to the blue of the charts."""
    return "#" + "".join(f"{round(255 + (full - 255) * share):02x}" for full in (0x3B, 0x6E, 0xA5))


def grid_lines(grid: Grid, width: int = 78) -> list[str]:
    """A grid in characters: each count with a shade for its share of the row; the shades alone where there is no room.
    Columns are headed by the numbers of their names."""
    numbered = [f"{k} {name}" for k, name in enumerate(grid.rows, 1)]
    stub = min(24, max(map(cell_len, numbered)))
    digits = max(len(str(count)) for line in grid.counts for count in line)
    room = max(digits, len(str(len(grid.columns)))) + 2
    bare = stub + 2 + room * len(grid.columns) > width
    if bare:
        room = len(str(len(grid.columns))) + 1
        stub = max(4, min(stub, width - 2 - room * len(grid.columns)))
    lines = [f"{grid.title} (line: {grid.row_label}, column: {grid.column_label})"]
    lines.append(" " * (stub + 2) + "".join(f"{k:>{room}}" for k in range(1, len(grid.columns) + 1)))
    for row, name in enumerate(numbered):
        cells = []
        for column, count in enumerate(grid.counts[row]):
            shade = SHADES[math.ceil(grid.share(row, column) * (len(SHADES) - 1))] if count else "·"
            cells.append(shade.rjust(room) if bare or not count else f"{shade}{count}".rjust(room))
        said = cut(name, stub)
        lines.append(said + " " * (stub - cell_len(said) + 2) + "".join(cells))
    return lines


def cut(text: str, room: int) -> str:
    """A name in so many characters at most."""
    return text if cell_len(text) <= room else set_cell_size(text, room - 1) + "…"
