"""A table that was dropped on the page as a sheet that learns it: its last column from the others."""

from __future__ import annotations

import csv
import io
import math
import re
import statistics

from ..errors import DataError
from ..notation.numbers import FULL
from .asked import SCHEMA, Answer, Asked, opened

MOST_ROWS, MOST_COLUMNS = 200, 24
HIDDEN = 6


def table_answer(asked: Asked) -> Answer:
    """A sheet for a table; columns of numbers alone are taken, standardised, as hand work needs numbers of one size.

    Args:
        asked: table (CSV with a head, separated by commas, semicolons or tabs), title.
    Raises:
        DataError: fewer than two columns of numbers, or no rows.
    """
    heads, rows = _read(str(asked.get("table", "")))
    columns = {head: _numbers([row[k] for row in rows]) for k, head in enumerate(heads)}
    kept = {head: values for head, values in columns.items() if values is not None and max(values) > min(values)}
    left = [head for head in heads if head not in kept]
    if len(kept) < 2:
        raise DataError("the table has fewer than two columns of numbers", expected="inputs, and the target last")
    *inputs, target = list(kept)[-MOST_COLUMNS:]
    names = _names([*inputs, target])
    lines = [
        f'title "{_quoted(str(asked.get("title", "")) or "A table")}"',
        "# Standardised: less its mean, through its deviation.",
        *(f"# {_plain(head)}: mean {_short(kept[head])}" for head in (*inputs, target)),
        *([f"# Left out: {_plain(', '.join(left))}"] if left else []),
        "input " + ", ".join(f'{names[head]} "{_quoted(head)}"' for head in inputs),
        f'target {names[target]} "{_quoted(target)}"',
        f"layers {', '.join(names[head] for head in inputs)} -> {HIDDEN} tanh -> 1 linear as y",
        f"cost C = mse(y, {names[target]})",
        "start xavier seed 1",
        "rate 0.1",
        "",
        "data",
        ", ".join(names[head] for head in (*inputs, target)),
    ]
    standard = [_standard(kept[head]) for head in (*inputs, target)]
    lines += [", ".join(FULL.text(column[i]) for column in standard) for i in range(len(rows))]
    text = "\n".join(lines) + "\n"
    opened(text)
    return {"schema": SCHEMA, "text": text}


def _read(text: str) -> tuple[list[str], list[list[str]]]:
    first = text.lstrip("\ufeff").split("\n", 1)[0]
    divider = max(",;\t", key=first.count)
    try:
        found = [row for row in csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=divider) if any(row)]
    except csv.Error as problem:
        raise DataError(f"the table cannot be read: {problem}", expected="CSV with a head") from None
    if len(found) < 2:
        raise DataError("the table has no rows", expected="a head, and rows of numbers")
    heads = [head.strip() or f"column {k}" for k, head in enumerate(found[0], 1)]
    if len(set(heads)) < len(heads):
        raise DataError("two columns have the same name", expected="a name of its own for each")
    rows = found[1 : MOST_ROWS + 1]
    wrong = next((k for k, row in enumerate(rows, 2) if len(row) != len(heads)), None)
    if wrong is not None:
        raise DataError(f"line {wrong} of the table has {len(rows[wrong - 2])} cells", expected=f"{len(heads)}")
    return heads, rows


def _numbers(cells: list[str]) -> list[float] | None:
    """A column's numbers; None where a cell is none."""
    try:
        found = [float(cell.strip().replace(",", ".")) for cell in cells]
    except ValueError:
        return None
    return found if all(abs(value) < 1e100 for value in found) else None


def _standard(values: list[float]) -> list[float]:
    mean, spread = statistics.fmean(values), statistics.pstdev(values)
    return [round((value - mean) / spread, 4) for value in values] if math.isfinite(spread) and spread else values


def _short(values: list[float]) -> str:
    return f"{statistics.fmean(values):.5g}, deviation {statistics.pstdev(values):.5g}"


def _names(heads: list[str]) -> dict[str, str]:
    """A name of the sheet's language for each column."""
    found: dict[str, str] = {}
    for k, head in enumerate(heads, 1):
        plain = re.sub(r"\W+", "_", head).strip("_")
        taken = {*found.values(), "y", "C", "N"}
        good = re.fullmatch(r"[A-Za-z]\w*", plain) and plain not in taken and not re.fullmatch(r"[aAzZWb]\d*", plain)
        found[head] = f"{plain}_in" if good and plain.lower() in _WORDS else plain if good else f"x_{k}"
    return found


_WORDS = {
    "title", "input", "target", "const", "layers", "start", "cost", "rate", "update", "mode", "data", "exp", "log",
    "abs", "max", "min", "sum", "mean", "step", "linear", "sqrt",
}  # fmt: skip


def _quoted(text: str) -> str:
    return _plain(text).replace('"', "'")[:60]


def _plain(text: str) -> str:
    return " ".join(text.split())[:200]
