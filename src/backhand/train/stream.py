"""Tables read some rows at a time, into columns whose kinds are known before."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError
from .csv_text import MISSING, Form, csv_frame, first_line, first_row, form_of, no_table, the_polars, unreadable
from .table import (
    BOOLEAN,
    CATEGORY,
    DATE,
    FALSE,
    NUMBER,
    TRUE,
    Column,
    Table,
    all_gaps,
    as_text,
    read_table,
    since_1970,
    typed,
)

if TYPE_CHECKING:
    from polars import DataFrame, Series

BYTES = 2 << 20  # of a CSV file at a time
ROWS = 1 << 16  # of a Parquet file at a time
_EMPTY = re.compile(rb"(?:\r?\n)(?:\r?\n)+")
LARGE, LARGE_PACKED = 32 << 20, 4 << 20  # bytes of a file that is not read whole
PACKED = (".gz", ".parquet", ".pq")


@dataclass(frozen=True, eq=False)
class LargeTable(Table):
    """A table that stays in its file, and is read some rows at a time.

    Attributes:
        count: its rows.
        needed: columns that must have a value; rows that lack one are left out.
    """

    path: Path = Path()
    count: int = 0
    needed: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return self.count

    def parts(self, names: Sequence[str]) -> Iterator[Table]:
        kinds = {c.name: c.kind for c in self.columns if c.name in names or c.name in self.needed}
        for part in _whole_rows(batches(self.path, kinds), self.needed):
            columns = tuple(replace(c, spelled=self.column(c.name).spelled) for c in part.columns)
            yield replace(part, columns=columns)

    def numbers(self, name: str) -> np.ndarray[Any, Any]:
        found = np.empty(self.rows)
        for part in self.parts([name]):
            found[part.first - 1 : part.first - 1 + part.rows] = part.numbers(name)
        return found

    def gaps(self, name: str) -> np.ndarray[Any, Any]:
        return np.concatenate([part.gaps(name) for part in self.parts([name])])

    def values(self, name: str) -> tuple[str, ...]:
        return tuple(sorted({value for part in self.parts([name]) for value in part.values(name)}))

    def codes(self, name: str, values: Sequence[str]) -> np.ndarray[Any, Any]:
        return np.concatenate([part.codes(name, values) for part in self.parts([name])])

    def texts(self, name: str) -> list[str | None]:
        return [text for part in self.parts([name]) for text in part.texts(name)]

    def without_gaps(self, names: Sequence[str]) -> Table:
        spelled = {c.name: c.spelled for c in self.columns}
        found = _looked_through(self.path, {c.name: c.kind for c in self.columns}, spelled, tuple(names))
        if not found.count:
            raise all_gaps(self)
        return found


def open_table(source: Any) -> Table:
    """A table from a file, a frame or an array; a large file is left where it is.

    Raises:
        DataError: no table, or an empty one; UsageError: it cannot be read.
    """
    if not isinstance(source, (str, Path)):
        return source if isinstance(source, Table) else read_table(source)
    path = Path(source)
    if not path.is_file() or path.stat().st_size < (LARGE_PACKED if path.suffix.lower() in PACKED else LARGE):
        return read_table(path)
    first = _beginning(path)
    return _looked_through(path, {c.name: c.kind for c in first.columns}, {c.name: c.spelled for c in first.columns})


def _beginning(path: Path) -> Table:
    """The first rows of a file, to tell its columns by."""
    pl = the_polars()
    if path.suffix.lower() in (".parquet", ".pq"):
        try:
            return typed(pl.read_parquet(path, n_rows=ROWS), path.name)
        except (OSError, pl.exceptions.PolarsError) as problem:
            raise DataError(f"{path} is no Parquet file: {first_line(problem)}") from None
    with gzip.open(path) if form_of(path).packed else path.open("rb") as file:
        return typed(csv_frame(path, next(_blocks(file), b"")), path.name)


def _whole_rows(parts: Iterator[Table], needed: Sequence[str]) -> Iterator[Table]:
    """The parts without the rows that lack a value in some columns; the others are counted anew."""
    first = 1
    for part in parts:
        frame = part.frame.drop_nulls(list(needed)) if needed else part.frame
        yield Table(part.columns, frame, part.source, first)
        first += frame.height


def _looked_through(
    path: Path, kinds: dict[str, str], spelled: Mapping[str, tuple[str, str]], needed: tuple[str, ...] = ()
) -> LargeTable:
    """A file's columns, found by reading all of it once.

    Args:
        kinds: of its first rows, and of all until a value says otherwise: then a column is text.
    """
    while True:
        missing, rows = dict.fromkeys(kinds, 0), 0
        seen = {name: set[str]() for name, kind in kinds.items() if kind == CATEGORY}
        try:
            for part in _whole_rows(batches(path, kinds), needed):
                rows += part.rows
                for name in kinds:
                    missing[name] += part.frame[name].null_count()
                for name, values in seen.items():
                    values.update(part.values(name))
        except WrongKind as problem:
            kinds[problem.column] = CATEGORY
            continue
        columns = tuple(
            Column(n, k, missing[n], tuple(sorted(seen.get(n, ()))), spelled.get(n, ("false", "true")))
            for n, k in kinds.items()
        )
        return LargeTable(columns, the_polars().DataFrame(), path.name, 1, path, rows, needed)


class WrongKind(DataError):
    """A value that is not of its column's kind."""

    column = ""


def batches(path: Path, kinds: Mapping[str, str]) -> Iterator[Table]:
    """Some rows of a file at a time, in order, the named columns alone.

    Args:
        kinds: name to number, boolean, category or date.
    Raises:
        DataError: columns are missing, or values are not of their kind; UsageError: the file cannot be read.
    """
    pl, first = the_polars(), 1
    packed = path.suffix.lower() in (".parquet", ".pq")
    frames = _parquet(path, list(kinds)) if packed else _csv(path, form_of(path), kinds)
    for frame in frames:
        absent = [name for name in kinds if name not in frame.columns]
        if absent:
            names = ", ".join(f"`{name}`" for name in absent)
            more = "s" if len(absent) > 1 else ""
            raise DataError(f"{path.name} lacks the column{more} {names}", expected=", ".join(kinds))
        numbers = [name for name in kinds if frame.schema[name].is_float()]
        frame = frame.with_columns(pl.col(numbers).cast(pl.Float64).fill_nan(None)) if numbers else frame
        made = [
            frame[name] if name in numbers and kind == NUMBER else _of_kind(frame[name], kind, first, path.name)
            for name, kind in kinds.items()
        ]
        columns = [
            Column(name, kind, series.null_count()) for (name, kind), series in zip(kinds.items(), made, strict=True)
        ]
        yield Table(tuple(columns), pl.DataFrame(made), path.name, first)
        first += frame.height


def _parquet(path: Path, names: list[str]) -> Iterator[DataFrame]:
    pl = the_polars()
    try:
        whole = pl.scan_parquet(path)
        columns = whole.collect_schema().names()
        count = whole.select(pl.len()).collect().item()
        for start in range(0, max(count, 1), ROWS):
            yield whole.slice(start, ROWS).select([name for name in names if name in columns]).collect()
    except FileNotFoundError:
        raise unreadable(path, "there is no such file") from None
    except (OSError, pl.exceptions.PolarsError) as problem:
        raise DataError(f"{path} is no Parquet file: {first_line(problem)}") from None


def _csv(path: Path, form: Form, kinds: Mapping[str, str]) -> Iterator[DataFrame]:
    """The columns that are there: numbers as such where all of a block are, everything else as text."""
    pl = the_polars()
    at_start = True
    try:
        with gzip.open(path) if form.packed else path.open("rb") as file:
            for block in _blocks(file):
                if at_start:
                    at_start, block = False, block[first_row(block) :]
                if len(form.names) > 1 and b'"' not in block and _has_empty_lines(block):
                    block = _EMPTY.sub(b"\n", block).lstrip(b"\r\n")
                try:
                    yield _parsed(block, form, kinds, pl.Float64)
                except pl.exceptions.PolarsError:
                    yield _parsed(block, form, kinds, pl.String)
    except (pl.exceptions.PolarsError, OSError, EOFError, ValueError) as problem:
        raise no_table(path, form, problem) from None


def _has_empty_lines(block: bytes) -> bool:
    return block[:1] in (b"\n", b"\r") or b"\n\n" in block or b"\n\r\n" in block


def _parsed(block: bytes, form: Form, kinds: Mapping[str, str], numbers: Any) -> DataFrame:
    """The wanted columns of some lines, those of numbers as the type `numbers`."""
    pl, names = the_polars(), form.names
    types = {name: numbers if kinds.get(name) == NUMBER else pl.String for name in names}
    found: DataFrame
    if not block.strip():
        found = pl.DataFrame(schema=types).select([name for name in names if name in kinds])
    else:
        found = pl.read_csv(
            io.BytesIO(block), separator=form.delimiter, has_header=False, null_values=list(MISSING), schema=types,
            decimal_comma=form.decimal_comma and numbers == pl.Float64,
            columns=[k for k, name in enumerate(names) if name in kinds],
        )  # fmt: skip
    if form.decimal_comma and numbers == pl.String:
        texts = [name for name in found.columns if kinds[name] == NUMBER]
        found = found.with_columns(pl.col(texts).str.replace(",", ".", literal=True))
    return found


def _blocks(file: Any) -> Iterator[bytes]:
    """Parts of a CSV file that end with the end of a row: a line's end outside quotation marks."""
    rest = b""
    while True:
        read = file.read(BYTES)
        if not read:
            if rest.strip():
                yield rest
            return
        whole = rest + read
        end = _last_row(whole)
        if end:
            yield whole[:end]
        rest = whole[end:]


def _last_row(text: bytes) -> int:
    """Where the last whole row of a text that begins with a row ends."""
    end = text.rfind(b"\n") + 1
    if b'"' not in text:
        return end
    letters = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(letters == ord("\n"))
    even = np.cumsum(letters == ord('"'), dtype=np.int32)[ends] % 2 == 0
    return int(ends[even][-1]) + 1 if even.any() else 0


def _of_kind(series: Series, kind: str, first: int, source: str) -> Series:
    """
    Raises:
        DataError: a value that is not of the kind, with its row.
    """
    pl = the_polars()
    text = series.dtype == pl.String
    if text:
        series = series.str.strip_chars()
        series = series.set(series == "", None) if (series == "").any() else series
    if kind == CATEGORY:
        return as_text(series)
    if kind == BOOLEAN and not text:
        return series.cast(pl.Boolean)
    if kind == BOOLEAN:
        low = series.str.to_lowercase()
        made = low.replace_strict(
            [*TRUE, "1", *FALSE, "0"], [True] * (len(TRUE) + 1) + [False] * (len(FALSE) + 1), default=None,
            return_dtype=pl.Boolean,
        )  # fmt: skip
    elif kind == DATE:
        known = text and series.null_count() < len(series)
        dates = series.str.to_datetime(strict=False, time_unit="us") if known else series
        made = since_1970(dates)
    else:
        made = series.cast(pl.Float64, strict=False)
        made = made.fill_nan(None)
    wrong = made.is_null() & series.is_not_null()
    if text and wrong.any():
        row = int(wrong.arg_max() or 0)
        problem = WrongKind(
            f"`{series.name}` has {series[row]!r} in row {first + row} of {source}",
            expected=f"a {kind}, as in training",
        )
        problem.column = series.name
        raise problem
    found: Series = made
    return found
