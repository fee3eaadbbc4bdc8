"""Tables of real data: read from files and frames, their columns told apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError, UsageError, nearest
from .csv_text import csv_frame, first_line, the_polars, unreadable

if TYPE_CHECKING:
    from polars import DataFrame, Series

PART = 1 << 16  # rows at a time
NUMBER, BOOLEAN, CATEGORY, DATE = "number", "boolean", "category", "date"
KINDS = (NUMBER, BOOLEAN, CATEGORY, DATE)
TRUE, FALSE = ("true", "yes", "y"), ("false", "no", "n")


@dataclass(frozen=True)
class Column:
    """What a column is.

    Attributes:
        kind: number, boolean, category or date.
        missing: how many of its rows have no value.
        categories: of a category, in order; else none.
        spelled: of a boolean: how no and yes are spelled.
        note: what is strange about it, if anything.
    """

    name: str
    kind: str
    missing: int
    categories: tuple[str, ...] = ()
    spelled: tuple[str, str] = ("false", "true")
    note: str = ""


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of named columns.

    Attributes:
        frame: the values; categories as text, the others as numbers, null where missing.
        source: where they were read.
        first: the number of the first row, where these are not all.
    """

    columns: tuple[Column, ...]
    frame: DataFrame
    source: str
    first: int = 1

    @property
    def rows(self) -> int:
        return self.frame.height

    def without_gaps(self, names: Sequence[str]) -> Table:
        """The rows in which none of some columns lacks a value.

        Raises:
            DataError: no row is left.
        """
        frame = self.frame.drop_nulls(list(names))
        if not frame.height:
            raise all_gaps(self)
        columns = []
        for column in self.columns:
            left = set(frame[column.name].drop_nulls().unique().to_list()) if column.categories else ()
            kept = tuple(c for c in column.categories if c in left)
            columns.append(replace(column, missing=frame[column.name].null_count(), categories=kept))
        return Table(tuple(columns), frame, self.source, self.first)

    def parts(self, names: Sequence[str]) -> Iterator[Table]:
        """Some rows at a time, in order, of some columns at least."""
        for start in range(0, self.rows, PART):
            yield Table(self.columns, self.frame.slice(start, PART), self.source, self.first + start)

    def head(self, count: int) -> Table:
        """The first rows."""
        return Table(self.columns, self.frame.head(count), self.source, self.first)

    def column(self, name: str) -> Column:
        """
        Raises:
            DataError: there is no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        names = [column.name for column in self.columns]
        near = nearest(name, tuple(names))
        raise DataError(
            f"{self.source} has no column `{name}`",
            expected="one of " + ", ".join(names[:20]) + (", …" if len(names) > 20 else ""),
            hint=f"did you mean `{near}`?" if near else None,
        )

    def numbers(self, name: str) -> np.ndarray[Any, Any]:
        """A column that is no category as float64, NaN where a value is missing."""
        return self.frame[name].cast(the_polars().Float64).fill_null(float("nan")).to_numpy()

    def gaps(self, name: str) -> np.ndarray[Any, Any]:
        """Which rows of a column lack a value."""
        return np.asarray(self.frame[name].is_null().to_numpy())

    def values(self, name: str) -> tuple[str, ...]:
        """The different values of a column as text, in order."""
        return tuple(sorted(as_text(self.frame[name].drop_nulls().unique(), self.column(name).spelled).to_list()))

    def codes(self, name: str, values: Sequence[str]) -> np.ndarray[Any, Any]:
        """A column as numbers of some values, -1 where it has none of them."""
        pl = the_polars()
        column = as_text(self.frame[name], self.column(name).spelled)
        codes = column.replace_strict(list(values), range(len(values)), default=-1, return_dtype=pl.Int64)
        return np.asarray(codes.fill_null(-1).to_numpy())

    def texts(self, name: str) -> list[str | None]:
        """A column as text, None where a value is missing."""
        return list(as_text(self.frame[name], self.column(name).spelled).to_list())


def as_text(series: Series, spelled: tuple[str, str] = ("false", "true")) -> Series:
    """Values as text; whole numbers without a point, no and yes as they are spelled."""
    pl = the_polars()
    if series.dtype == pl.Boolean:
        return series.replace_strict([False, True], list(spelled), default=None, return_dtype=pl.String)
    if series.dtype.is_float() and ((series % 1 == 0) & (series.abs() < 1e15)).all():
        series = series.cast(pl.Int64)
    return series.cast(pl.String)


def read_table(source: Any) -> Table:
    """A table from a CSV file (also gzipped), a Parquet file, a polars or pandas frame, or an array.

    Raises:
        DataError: a file that is no table, or is empty; UsageError: it cannot be read, or polars is missing.
    """
    pl = the_polars()
    if isinstance(source, (str, Path)):
        path = Path(source)
        if path.suffix.lower() in (".parquet", ".pq"):
            return typed(_parquet(path), path.name)
        return typed(csv_frame(path), path.name)
    if isinstance(source, np.ndarray):
        two = source[:, None] if source.ndim == 1 else source
        if two.ndim != 2:
            raise DataError("an array is a table where it has rows and columns", got=f"{source.ndim} axes")
        return typed(pl.DataFrame({f"x{i + 1}": two[:, i] for i in range(two.shape[1])}), "the array")
    if isinstance(source, pl.DataFrame):
        return typed(source, "the frame")
    if hasattr(source, "columns") and hasattr(source, "to_numpy"):  # pandas
        columns = {str(name): source[name] for name in source.columns}
        return typed(pl.DataFrame({name: _of_pandas(values) for name, values in columns.items()}), "the frame")
    raise UsageError(
        "this is no table", expected="a CSV or Parquet file, a frame or an array", got=type(source).__name__
    )


def _of_pandas(values: Any) -> Any:
    pl = the_polars()
    if values.dtype.kind in "OSUV" or str(values.dtype) in ("category", "string", "str"):
        return pl.Series([None if v is None or v != v else str(v) for v in values.tolist()], dtype=pl.String)
    return pl.Series(values.to_numpy())


def _parquet(path: Path) -> DataFrame:
    pl = the_polars()
    try:
        found: DataFrame = pl.read_parquet(path)
    except FileNotFoundError:
        raise unreadable(path, "there is no such file") from None
    except (OSError, pl.exceptions.PolarsError) as problem:
        raise DataError(f"{path} is no Parquet file: {first_line(problem)}") from None
    return found


def all_gaps(table: Table) -> DataError:
    """What is said where no row is left."""
    return DataError(f"every row of {table.source} lacks a value", hint="--missing mean or median")


def since_1970(series: Series) -> Series:
    """Dates and times as days since 1970."""
    pl = the_polars()
    days: Series = (series.cast(pl.Datetime("us")).cast(pl.Float64) / 86_400e6).alias(series.name)
    return days


def as_days(texts: Series) -> Series | None:
    """Texts that are dates or times, as days since 1970; None where some are not. A few are looked at first: to guess
    the form of all costs much more."""
    pl = the_polars()
    known = texts.drop_nulls()
    if not len(known) or not all(any(c.isdigit() for c in text) for text in known.head(20).to_list()):
        return None
    for some in (known.head(20), texts):
        try:
            days = since_1970(some.str.to_datetime(strict=False, time_unit="us"))
        except pl.exceptions.PolarsError:
            return None
        if days.null_count() > some.null_count():
            return None
    return days


def _spelled(texts: Series) -> tuple[str, str]:
    """How no and yes are spelled; `false` and `true` where one does not occur."""
    found = {text.lower(): text for text in texts.drop_nulls().unique().sort().to_list()}
    words = [next((found[low] for low in lows if low in found), None) for lows in (FALSE, TRUE)]
    return words[0] or "false", words[1] or "true"


def _strange(texts: Series) -> str:
    """What makes one wonder whether a column of text is meant as such."""
    pl, known = the_polars(), texts.drop_nulls()
    if not len(known):
        return ""
    numbers = texts.cast(pl.Float64, strict=False)
    if numbers.drop_nulls().len() > len(known) / 2:
        row = int((numbers.is_null() & texts.is_not_null()).arg_max() or 0)
        return f"nearly all numbers, and text because of {texts[row]!r} in row {row + 1}"
    if len(known) > 20 and known.n_unique() > 0.9 * len(known):
        return "nearly every row has a text of its own, from which nothing can be learnt"
    return ""


def typed(frame: DataFrame, source: str) -> Table:
    """Tells the columns apart, and makes numbers of all but categories."""
    pl = the_polars()
    if frame.width == 0 or frame.height == 0:
        raise DataError(f"{source} has no rows", expected="a line of names, then rows")
    made, columns = [], []
    for series in frame:
        name, kind, note = series.name, CATEGORY, ""
        spelled = ("false", "true")
        if series.dtype == pl.Boolean:
            kind = BOOLEAN
        elif series.dtype.is_numeric() or series.dtype == pl.Null:
            kind, series = NUMBER, series.cast(pl.Float64).fill_nan(None)
        elif series.dtype.is_temporal():
            kind, series = DATE, since_1970(series)
        elif (days := as_days(series.cast(pl.String).str.strip_chars())) is not None:
            kind, series = DATE, days
        else:
            series = series.cast(pl.String).str.strip_chars()
            found = series.drop_nulls().str.to_lowercase().unique()
            if 0 < len(found) <= 2 and set(found) <= {*TRUE, *FALSE}:
                kind, spelled = BOOLEAN, _spelled(series)
                series = series.str.to_lowercase().is_in(TRUE)
            else:
                note = _strange(series)
        categories = tuple(sorted(series.drop_nulls().unique().to_list())) if kind == CATEGORY else ()
        made.append(series.alias(name))
        columns.append(Column(name, kind, series.null_count(), categories, spelled, note))
    return Table(tuple(columns), pl.DataFrame(made), source)


def written_csv(columns: Mapping[str, np.ndarray[Any, Any]], names: bool = True) -> str:
    """Columns as CSV, numbers as full doubles; with a line of names or without."""
    return str(the_polars().DataFrame(dict(columns)).write_csv(include_header=names))
