"""Tables read some rows at a time, into columns whose kinds are known before."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError
from .table import (
    _FALSE,
    _TRUE,
    BOOLEAN,
    CATEGORY,
    DATE,
    MISSING,
    Column,
    Form,
    Table,
    _as_text,
    _first_line,
    _polars,
    _unreadable,
    form_of,
)  # fmt: skip

if TYPE_CHECKING:
    from polars import DataFrame, Series

BYTES = 8 << 20  # of a CSV file at a time
ROWS = 1 << 16  # of a Parquet file at a time


def batches(path: Path, kinds: Mapping[str, str]) -> Iterator[Table]:
    """Some rows of a file at a time, in order, the named columns alone.

    Args:
        kinds: name to number, boolean, category or date.
    Raises:
        DataError: columns are missing, or values are not of their kind; UsageError: the file cannot be read.
    """
    first = 1
    frames = _parquet(path) if path.suffix.lower() in (".parquet", ".pq") else _csv(path, form_of(path))
    for frame in frames:
        absent = [name for name in kinds if name not in frame.columns]
        if absent:
            names = ", ".join(f"`{name}`" for name in absent)
            more = "s" if len(absent) > 1 else ""
            raise DataError(f"{path.name} lacks the column{more} {names}", expected=", ".join(kinds))
        made = [_of_kind(frame[name], kind, first, path.name) for name, kind in kinds.items()]
        columns = [
            Column(name, kind, series.null_count()) for (name, kind), series in zip(kinds.items(), made, strict=True)
        ]
        yield Table(tuple(columns), _polars().DataFrame(made), path.name, first)
        first += frame.height


def _parquet(path: Path) -> Iterator[DataFrame]:
    pl = _polars()
    try:
        whole = pl.scan_parquet(path)
        count = whole.select(pl.len()).collect().item()
        for start in range(0, max(count, 1), ROWS):
            yield whole.slice(start, ROWS).collect()
    except FileNotFoundError:
        raise _unreadable(path, "there is no such file") from None
    except (OSError, pl.exceptions.PolarsError) as problem:
        raise DataError(f"{path} is no Parquet file: {_first_line(problem)}") from None


def _csv(path: Path, form: Form) -> Iterator[DataFrame]:
    """Every value as text, null where it is missing; commas of numbers left as they are."""
    pl = _polars()
    names: list[str] | None = None
    try:
        with gzip.open(path) if form.packed else path.open("rb") as file:
            for block in _blocks(file):
                frame = pl.read_csv(
                    io.BytesIO(block), separator=form.delimiter, has_header=names is None, infer_schema=False,
                    new_columns=names, null_values=list(MISSING),
                )  # fmt: skip
                names = frame.columns
                yield frame
    except (pl.exceptions.PolarsError, OSError, EOFError, ValueError) as problem:
        raise DataError(
            f"{path} is no table that can be read: {_first_line(problem)}",
            expected=f"a line of names, then rows of as many values, with {form.delimiter!r} between them",
        ) from None


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
        ends = np.flatnonzero(np.frombuffer(whole, np.uint8) == ord("\n"))
        if b'"' in whole:
            marks = np.cumsum(np.frombuffer(whole, np.uint8) == ord('"'), dtype=np.int32)
            ends = ends[marks[ends] % 2 == 0]
        end = int(ends[-1]) + 1 if len(ends) else 0
        if end:
            yield whole[:end]
        rest = whole[end:]


def _of_kind(series: Series, kind: str, first: int, source: str) -> Series:
    """
    Raises:
        DataError: a value that is not of the kind, with its row.
    """
    pl = _polars()
    text = series.dtype == pl.String
    if text:
        series = series.str.strip_chars()
        series = series.set(series == "", None) if (series == "").any() else series
    if kind == CATEGORY:
        return _as_text(series)
    if kind == BOOLEAN and not text:
        return series.cast(pl.Boolean)
    if kind == BOOLEAN:
        low = series.str.to_lowercase()
        made = low.replace_strict(
            [*_TRUE, "1", *_FALSE, "0"], [True] * (len(_TRUE) + 1) + [False] * (len(_FALSE) + 1), default=None,
            return_dtype=pl.Boolean,
        )  # fmt: skip
    elif kind == DATE:
        dates = series.str.to_datetime(strict=False, time_unit="us") if text else series.cast(pl.Datetime("us"))
        made = (dates.cast(pl.Float64) / 86_400e6).alias(series.name)  # days since 1970
    else:
        made = series.cast(pl.Float64, strict=False)
        if text and made.null_count() > series.null_count():  # a decimal comma, it may be
            with_point = series.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
            made = with_point if with_point.null_count() == series.null_count() else made
        made = made.fill_nan(None)
    wrong = made.is_null() & series.is_not_null()
    if text and wrong.any():
        row = int(wrong.arg_max() or 0)
        raise DataError(
            f"`{series.name}` has {series[row]!r} in row {first + row} of {source}",
            expected=f"a {kind}, as in training",
        )
    found: Series = made
    return found
