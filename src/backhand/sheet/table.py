"""Rows of numbers from CSV lines: only numbers pass, and every fault names its line and column."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DataError, Place, nearest
from ..notation.names import canonical

LARGEST_FILE = 1_000_000_000


@dataclass(frozen=True)
class Table:
    """Columns of equal length, in float64.

    Attributes:
        columns: name to values, shape (rows,); read-only.
        rows: how many rows there are.
        source: where they came from.
    """

    columns: dict[str, np.ndarray]
    rows: int
    source: str = "data"


@dataclass(frozen=True)
class Column:
    """A column that a sheet asks for, by its name or its label."""

    name: str
    label: str = ""


def read_file(path: Path, wanted: list[Column], base: Path | None, place: Place | None) -> Table:
    """The wanted columns of a CSV file; `path` is relative to `base`.

    Raises:
        DataError: no such file, not text, or anything that `read_rows` refuses.
    """
    full = path if path.is_absolute() or base is None else base / path
    try:
        if full.stat().st_size > LARGEST_FILE:
            raise DataError(f"{path} is larger than {LARGEST_FILE // 10**9} GB", place=place)
        text = full.read_text("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise DataError(f"{path} is not UTF-8 text (byte {problem.start})", place=place, hint="save it as CSV, UTF-8") from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise DataError(
            f"cannot read the data file {path}: {reason}",
            place=place,
            expected="a CSV file, its path relative to the sheet",
        ) from None
    return read_rows(text, wanted, str(path), 0, text)


def read_rows(rows_text: str, wanted: list[Column], source: str, offset: int, whole: str) -> Table:
    """The wanted columns of CSV lines with a header.

    Args:
        rows_text: the lines; blank ones and those that begin with `#` are skipped.
        wanted: the columns to take; others are ignored.
        source, offset, whole: where the lines stand, for errors.
    Raises:
        DataError: no header, no rows, a ragged row, a missing or double column, a cell that is no finite number.
    """
    lines = list(_lines(rows_text, offset))
    if not lines:
        raise DataError(
            "there is no data here",
            place=Place.of(source, whole, max(0, offset - 1)),
            expected="a line of column names, then a row a line",
            hint="leave the `data` line out for a sheet without data",
        )
    header = [_clean(cell) for cell in _cells(lines[0][1])]
    taken = _match(header, wanted, Place.of(source, whole, lines[0][0], lines[0][0] + len(lines[0][1])))
    if len(lines) == 1:
        raise DataError(
            "the data has a header and no rows",
            place=Place.of(source, whole, lines[0][0], lines[0][0] + len(lines[0][1])),
            expected="at least one row of numbers below it",
        )
    values = np.empty((len(lines) - 1, len(wanted)))
    for number, (start, line) in enumerate(lines[1:]):
        cells = _cells(line)
        if len(cells) != len(header):
            raise DataError(
                f"row {number + 1} has {len(cells)} cell{'s' if len(cells) != 1 else ''}",
                place=Place.of(source, whole, start, start + len(line)),
                expected=f"{len(header)}, one for each column: {_shorten(', '.join(header))}",
                got=str(len(cells)),
                hint="a decimal comma would split a number in two: write 3.5, not 3,5" if len(cells) > len(header) else None,
            )
        for column, position in enumerate(taken):
            values[number, column] = _number(cells[position], header[position], number + 1, source, whole, start, line)
    columns = {}
    for i, want in enumerate(wanted):
        column_values = np.ascontiguousarray(values[:, i])
        column_values.setflags(write=False)
        columns[want.name] = column_values
    return Table(columns, len(values), source)


def _lines(text: str, offset: int) -> Iterable[tuple[int, str]]:
    for found in re.finditer(r"[^\n]+", text):
        line = found.group().rstrip("\r")
        bare = line.strip()
        if bare and not bare.startswith("#"):
            yield offset + found.start(), line


def _cells(line: str) -> list[str]:
    """The cells of one line. Commas inside brackets, as in a column `x[1,2]`, need no quotes."""
    try:
        return next(csv.reader([line], skipinitialspace=True), [])
    except csv.Error:
        return line.split(",")


def _clean(cell: str) -> str:
    return canonical(cell.strip())


def _match(header: list[str], wanted: list[Column], place: Place) -> list[int]:
    """For each wanted column its position in the header."""
    positions = []
    for want in wanted:
        spellings = {canonical(want.name), canonical(want.label.strip())} - {""}
        found = [i for i, cell in enumerate(header) if cell in spellings]
        by_name = [i for i in found if header[i] == canonical(want.name)]
        found = by_name or found
        if len(found) > 1:
            raise DataError(f"two columns are called `{header[found[0]]}`", place=place, expected="each name once")
        if not found:
            near = nearest(want.name, header)
            semicolon = len(header) == 1 and (";" in header[0] or "\t" in header[0])
            hint = "separate the cells by commas" if semicolon else f"did you mean `{near}`?" if near else None
            label = f" or `{want.label}`" if want.label else ""
            raise DataError(
                f"the data has no column `{want.name}`{label}",
                place=place,
                expected=f"a column for each input and target: {_shorten(', '.join(w.name for w in wanted))}",
                got=_shorten(", ".join(header)),
                hint=hint,
            )
        positions.append(found[0])
    return positions


def _number(cell: str, column: str, row: int, source: str, whole: str, start: int, line: str) -> float:
    text = cell.strip().replace("−", "-")
    try:
        if "_" in text:
            raise ValueError(text)
        value = float(text)
        if math.isfinite(value):
            return value
        said = f"row {row}, column `{column}`: {text} is not a finite number"
    except ValueError:
        said = f"row {row}, column `{column}`: " + (f"`{_shorten(text, 30)}` is not a number" if text else "the cell is empty")
    at = line.find(cell.strip()) if cell.strip() else 0
    raise DataError(
        said,
        place=Place.of(source, whole, start + max(at, 0), start + max(at, 0) + max(1, len(cell.strip()))),
        expected="a number such as 3.5 or -1e-3",
        got=f"`{_shorten(text, 30)}`" if text else "nothing",
        hint="leave incomplete rows out, or put them behind a #" if not text or "nan" in text.lower() else None,
    )


def _shorten(text: str, width: int = 70) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
