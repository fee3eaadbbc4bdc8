"""Rows of numbers from CSV lines: only numbers pass, and every fault names its line and column."""

from __future__ import annotations

import csv
import math
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from ..errors import DataError, Place, did_you_mean
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
    shown = _shorten(str(path))
    try:
        if not full.is_file() and full.exists() and not full.is_dir():
            raise OSError(0, "it is no ordinary file")
        if full.stat().st_size > LARGEST_FILE:
            raise DataError(
                f"the data file {shown} is larger than {LARGEST_FILE // 10**9} GB",
                place=place,
                expected=f"at most {LARGEST_FILE // 10**9} GB",
                got=f"{full.stat().st_size / 1e9:.1f} GB",
                hint="take fewer rows",
            )
        text = full.read_text("utf-8-sig")
        if "\0" in text:
            raise UnicodeDecodeError("utf-8", b"", text.index("\0"), text.index("\0") + 1, "null byte")
    except UnicodeDecodeError as problem:
        raise DataError(
            f"the data file {shown} is no text",
            place=place,
            expected="a CSV file in UTF-8",
            got=f"byte {problem.start} is not UTF-8 text",
            hint="save it as CSV, UTF-8",
        ) from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise DataError(
            f"cannot read the data file {shown}: {reason}",
            place=place,
            expected="a CSV file, its path relative to the sheet",
            got=_shorten(str(full), 200),
            hint=_neighbour(full) or "check the name and the folder",
        ) from None
    return read_rows(text, wanted, str(path), 0, text)


def _word_data(source: str, offset: int, whole: str) -> Place | None:
    """Where `data` stands, above the rows that begin at `offset`; None for a file of its own."""
    start = whole.rfind("data", 0, offset)
    return Place.of(source, whole, start, start + 4) if start >= 0 else None


def _neighbour(path: Path) -> str | None:
    """A file of a similar name in the same folder."""
    try:
        return did_you_mean(path.name, sorted(p.name for p in path.parent.iterdir() if p.is_file())[:1000])
    except (OSError, ValueError):
        return None


def read_rows(rows_text: str, wanted: list[Column], source: str, offset: int, whole: str) -> Table:
    """The wanted columns of CSV lines with a header.

    Args:
        rows_text: the lines; blank ones and those that begin with `#` are skipped.
        wanted: the columns to take; others are ignored.
        source, offset, whole: where the lines stand, for errors.
    Raises:
        DataError: no header, no rows, a ragged row, a missing or double column, a cell that is no number.
    """
    lines = _lines(rows_text, offset)
    start, line = next(lines, (0, ""))
    if not line:
        raise DataError(
            "there is no data here",
            place=_word_data(source, offset, whole),
            expected="a line of column names, then a row a line",
            got="nothing" if not rows_text.strip() else "only comments",
            hint="leave the `data` line out for a sheet without data",
        )
    header = [_clean(cell) for cell in _cells(line)]
    head = Place.of(source, whole, start, start + len(line))
    taken = _match(header, wanted, head, line)
    numbers = array("d")
    rows = 0
    for start, line in lines:
        rows += 1
        cells = line.split(",") if '"' not in line else _cells(line)
        try:
            if len(cells) != len(header) or "_" in line:
                raise ValueError(line)
            numbers.extend([float(cells[i]) for i in taken])
        except ValueError:
            row = _Row(_cells(line), header, rows, start, line, source, whole)
            numbers.extend([row.number(i) for i in taken])
    if not rows:
        raise DataError(
            "the data has a header and no rows",
            place=head,
            expected="at least one row of numbers below it",
            got="only the column names",
            hint="write the rows below the names",
        )
    values = np.array(numbers, dtype=np.float64).reshape(rows, len(wanted))
    if not np.isfinite(values).all():
        number, column = np.argwhere(~np.isfinite(values))[0]
        start, line = next(islice(_lines(rows_text, offset), int(number) + 1, None))
        _Row(_cells(line), header, int(number) + 1, start, line, source, whole).number(taken[column])
    columns = {}
    for i, want in enumerate(wanted):
        column_values = np.ascontiguousarray(values[:, i])
        column_values.setflags(write=False)
        columns[want.name] = column_values
    return Table(columns, rows, source)


def header_of(rows_text: str) -> set[str]:
    """The columns that CSV lines have, in canonical spelling."""
    _, line = next(_lines(rows_text, 0), (0, ""))
    return {_clean(cell) for cell in _cells(line)} - {""}


def _lines(text: str, offset: int) -> Iterator[tuple[int, str]]:
    for found in re.finditer(r"[^\n]+", text):
        line = found.group().rstrip("\r")
        bare = line.strip()
        if bare and not bare.startswith("#"):
            yield offset + found.start(), line


def _cells(line: str) -> list[str]:
    """The cells of one line."""
    try:
        return next(csv.reader([line], skipinitialspace=True), [])
    except csv.Error:
        return line.split(",")


def _clean(cell: str) -> str:
    return canonical(" ".join(cell.split()))


def _match(header: list[str], wanted: list[Column], place: Place, line: str) -> list[int]:
    """For each wanted column its position in the header."""
    positions: dict[str, list[int]] = {}
    for i, cell in enumerate(header):
        positions.setdefault(cell, []).append(i)
    taken: dict[int, str] = {}
    for want in wanted:
        found = positions.get(canonical(want.name)) or positions.get(_clean(want.label) or "\n")
        if not found:
            raise _missing_column(want, header, wanted, place, line)
        if len(found) > 1:
            raise DataError(
                f"two columns are called `{header[found[0]]}`",
                place=place,
                expected="each name once",
                got=f"columns {found[0] + 1} and {found[1] + 1}",
                hint="rename one of them",
            )
        if found[0] in taken:
            raise DataError(
                f"the column `{header[found[0]]}` would be both `{taken[found[0]]}` and `{want.name}`",
                place=place,
                expected="a column for each input and target",
                got=_shorten(", ".join(header)),
                hint="give them different labels, or name the columns by their names",
            )
        taken[found[0]] = want.name
    return list(taken)


def _missing_column(want: Column, header: list[str], wanted: list[Column], place: Place, line: str) -> DataError:
    label = f" or `{want.label}`" if want.label else ""
    separator = next((s for s in (";", "\t", "|") if len(header) == 1 and s in line), "")
    free = [h for h in header if h not in {canonical(w.name) for w in wanted}]
    hint = did_you_mean(want.name, free) or (did_you_mean(want.label, free) if want.label else None)
    if separator:
        name = {"\t": "tabs"}.get(separator, f"`{separator}`")
        hint = f"the cells are separated by {name}: write commas, and points in numbers"
    elif all(_is_number(cell) for cell in header):
        hint = "the first line holds the names of the columns"
    elif hint is None:
        hint = f"add a column `{want.name}`"
        if free and free[0] and "[" not in want.name:
            hint += f', or give the column that is meant as a label: `{want.name} "{_shorten(free[0], 20)}"`'
    return DataError(
        f"the data has no column `{want.name}`{label}",
        place=place,
        expected=f"a column for each input and target: {_shorten(', '.join(w.name for w in wanted))}",
        got=_shorten(", ".join(header)),
        hint=hint,
    )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


@dataclass(frozen=True)
class _Row:
    """One line of data, read with care for its errors."""

    cells: list[str]
    header: list[str]
    row: int
    start: int
    line: str
    source: str
    whole: str

    def place(self, start: int, width: int) -> Place:
        return Place.of(self.source, self.whole, self.start + start, self.start + start + width)

    def number(self, column: int) -> float:
        """The number of one cell.

        Raises:
            DataError: a ragged row, a cell that is no finite number.
        """
        count = len(self.cells)
        if count != len(self.header):
            more = count > len(self.header)
            raise DataError(
                f"row {self.row} has {count} cell{'s' if count != 1 else ''}",
                place=self.place(0, len(self.line)),
                expected=f"{len(self.header)}, one for each column: {_shorten(', '.join(self.header))}",
                got=str(count),
                hint="a decimal comma would split a number in two: write 3.5, not 3,5"
                if more
                else "fill the row up, or put it behind a #",
            )
        cell = self.cells[column].strip()
        text = cell.replace("−", "-")
        said = f"`{_shorten(cell, 30)}` is not a number" if cell else "the cell is empty"
        if "_" not in text and _is_number(text):
            return float(text)
        try:
            float(text)
            said = said if "_" in text else f"`{_shorten(cell, 30)}` is not a finite number"
        except ValueError:
            pass
        hint = "only columns that the sheet does not use may hold other things than numbers"
        if not cell or cell.lower() in ("na", "n/a", "nan", "null", "none", "-", "?", "."):
            hint = "leave incomplete rows out, or put them behind a #"
        elif "#" in cell:
            hint = "a comment needs a line of its own"
        elif re.fullmatch(r"[-+]?[0-9]+,[0-9]+", cell):
            hint = f"a decimal point is a point: {cell.replace(',', '.')}"
        at = max(self.line.find(cell), 0)
        if self.line.count(cell) > 1 and '"' not in self.line:
            before = ",".join(self.line.split(",")[:column])
            at = self.line.find(cell, len(before))
        raise DataError(
            f"row {self.row}, column `{_shorten(self.header[column], 30)}`: {said}",
            place=self.place(at, max(1, len(cell))),
            expected="a number such as 3.5 or -1e-3",
            got=f"`{_shorten(cell, 30)}`" if cell else "nothing",
            hint=hint,
        )


def _shorten(text: str, width: int = 70) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
