"""The statements of a worked document: formulas between dollar signs, lines with an `=`, rows of tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MATHS = re.compile(
    r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\begin\{(?:equation|align|gather)\*?\}(.+?)\\end\{(?:equation|align|gather)\*?\}"
    r"|\$([^$\n]+)\$",
    re.DOTALL,
)
_LAYER = re.compile(r"^[#*\s]*layer\s+(\d+)\b[\s*:.]*$", re.IGNORECASE)
_PLAIN = re.compile(r"^\s*(?:[-*•]\s+|\d+[.)]\s+)?([^\s=|][^=|]{0,60}=[^=].*)$")


@dataclass(frozen=True)
class Statement:
    """One statement: its sides as written, the line, and the layer whose heading it stands under."""

    sides: tuple[str, ...]
    line: int
    layer: int | None = None

    @property
    def text(self) -> str:
        return " = ".join(self.sides)


def statements(text: str) -> Iterator[Statement]:
    """The statements of a document in order: formulas between dollar signs, and lines with an `=`."""
    layer, last = None, ""
    layers = {at: int(found[1]) for at, line in text_lines(text) if (found := _LAYER.match(line))}
    taken: list[tuple[int, int]] = []
    pieces: list[tuple[int, str]] = []
    for found in _MATHS.finditer(text):
        taken.append(found.span())
        pieces.append((found.start(), next(part for part in found.groups() if part is not None)))
    for at, line in text_lines(text):
        inside = any(start < at + len(line) and at < end for start, end in taken)
        if not inside and (plain := _PLAIN.match(line)):
            pieces.append((at, plain[1]))
    for at, piece in sorted(pieces):
        passed = [k for k in layers if k < at]
        layer = layers[max(passed)] if passed else None
        number = text.count("\n", 0, at) + 1
        for part in _parts(piece):
            sides = [side.strip() for side in _split(part)]
            if len(sides) < 2:
                continue
            if not sides[0] and last:
                sides[0] = last
            last = sides[0]
            yield Statement(tuple(side for side in sides if side), number, layer)


def text_lines(text: str) -> Iterator[tuple[int, str]]:
    at = 0
    for line in text.split("\n"):
        yield at, line
        at += len(line) + 1


def _parts(piece: str) -> list[str]:
    """The statements of one formula: its rows, and what `\\quad` or columns part."""
    if re.search(r"\\begin\{(?:b|p|v)?matrix\}|\\begin\{cases\}|\\begin\{array\}", piece):
        return [re.sub(r"\s+", " ", piece)]
    piece = re.sub(r"\\(?:begin|end)\{[a-z]*\*?\}", " ", piece)
    rows = re.split(r"\\\\|\\qquad|\\quad|\n\s*\n", piece)
    found = []
    for row in rows:
        columns = re.split(r"&\s*(?!=)(?=\S)", re.sub(r"&\s*=", "=", row))
        found += columns if all("=" in column for column in columns if column.strip()) else [row.replace("&", " ")]
    return [re.sub(r"\s+", " ", part).strip(" ,.;") for part in found]


def _split(part: str) -> list[str]:
    """The sides of a statement: `=` outside braces."""
    sides, depth, start = [], 0, 0
    part = re.sub(r"\\approx|≈|:=|\\leftarrow|←", "=", part)
    for at, letter in enumerate(part):
        depth += (letter == "{") - (letter == "}")
        if letter == "=" and depth == 0:
            sides.append(part[start:at])
            start = at + 1
    sides.append(part[start:])
    return sides
