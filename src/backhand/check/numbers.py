"""Numbers as people type them; what was typed is kept, for its digits say how it was rounded."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_SIGNS = str.maketrans({"−": "-", "–": "-", "—": "-", "·": "*", "×": "*", "⋅": "*", "\u00a0": " ", "\u202f": " "})
_NUMBER = re.compile(
    r"([-+]?)(\d+(?:[.,]\d*)?|[.,]\d+)(?:(?:[eE]|\s*\*\s*10\s*(?:\^|\*\*)\s*[({]?)\s*([-+]?\d+)[)}]?)?"
)
_FRACTION = re.compile(r"([-+]?\s*[^/]+)/([^/]+)")
MOST_LETTERS = 100_000


@dataclass(frozen=True)
class Typed:
    """A number that was typed.

    Attributes:
        text: as it was typed.
        unit: what the last digit counts: 0.01 in 3.13; 0 where the number is exact (a fraction).
        figures: significant ones, trailing zeros with them.
        decimals: digits behind the point, an exponent taken off; None without a point.
    """

    text: str
    value: float
    unit: float = 0.0
    figures: int = 17
    decimals: int | None = None


class NotANumber(ValueError):
    """What was typed is no number; the message says what is wrong with it."""


def read_number(text: str) -> Typed:
    """A number: `3.13`, `3,13`, `1.2e-3`, `1.2·10^-3`, `3/4`, `−0.5`.

    Raises:
        NotANumber: none of these, or not finite.
    """
    said = text.strip().translate(_SIGNS)
    fraction = _FRACTION.fullmatch(said)
    if fraction:
        top, bottom = read_number(fraction[1]), read_number(fraction[2])
        if bottom.value == 0:
            raise NotANumber("divides by 0")
        return Typed(text.strip(), top.value / bottom.value)
    found = _NUMBER.fullmatch(said.replace("- ", "-"))
    if not found or len(said) > 400:
        raise NotANumber(f"`{said[:40]}` is no number")
    sign, digits, exponent = (
        found[1],
        found[2].replace(",", "."),
        int(found[3] or 0) if len(found[3] or "") < 6 else 9999,
    )
    value = float(f"{sign}{digits}e{exponent}")
    if not math.isfinite(value):
        raise NotANumber(f"`{said[:40]}` is too large")
    whole, point, behind = digits.partition(".")
    decimals = len(behind)
    figures = len((whole + behind).lstrip("0")) or 1
    unit = 10.0 ** max(-320, min(300, exponent - decimals))
    if not point:  # the zeros at the end of 12590 may be places that were not worked out
        zeros = len(whole) - len(whole.rstrip("0")) if whole.strip("0") else 0
        if zeros and len(whole) - zeros >= 3:
            unit *= 10.0**zeros
    return Typed(text.strip(), value, unit, figures, decimals - exponent if point else None)


def read_list(text: str) -> list[tuple[tuple[int, ...], str]]:
    """The entries of `[1, 2]`, `[[1, 2], [3, 4]]`, `[1; 2]` or `(1 2)` as typed, with their places from 1.

    Raises:
        NotANumber: brackets that do not match, or rows of different lengths.
    """
    said = text.strip().translate(str.maketrans("({)}", "[[]]"))
    if len(said) > MOST_LETTERS:
        raise NotANumber("the list is too long")
    if not (said.startswith("[") and said.endswith("]")):
        raise NotANumber(f"`{text.strip()[:40]}` is no list")
    inside = said[1:-1].strip()
    if "[" in inside:
        rows = re.findall(r"\[([^\[\]]*)\]", inside)
        if re.sub(r"\[[^\[\]]*\]", "", inside).strip(" ,;\n\t"):
            raise NotANumber("the brackets of the list do not match")
        found = [_cells(row) for row in rows]
        if len({len(row) for row in found}) != 1:
            raise NotANumber("the rows of the matrix have different lengths")
        return [((i, j), cell) for i, row in enumerate(found, 1) for j, cell in enumerate(row, 1)]
    rows_of_lists = ";" in inside and all(len(_cells(row)) > 1 for row in inside.split(";"))
    if rows_of_lists and not re.search(r"\d,\d", inside):
        return read_list("[" + ",".join(f"[{row}]" for row in inside.split(";")) + "]")
    return [((i,), cell) for i, cell in enumerate(_cells(inside), 1)]


def _cells(row: str) -> list[str]:
    """What stands between commas; between semicolons or spaces where a comma is a decimal point."""
    if ";" in row:
        parts = row.split(";")
    elif re.search(r",\s", row) or ("," in row and not re.search(r"\d,\d+\s", row)):
        parts = row.split(",")
    else:
        parts = row.split()
    return [part.strip() for part in parts]
