"""CSV files: their delimiter, decimal comma and names, and what is wrong with them."""

from __future__ import annotations

import csv
import gzip
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DataError, UsageError

if TYPE_CHECKING:
    from polars import DataFrame

SAMPLE = 1 << 16  # bytes looked at to find the delimiter
LOOKED = 1000  # rows from which the columns' kinds are guessed at first
DELIMITERS = ",;\t|"
MISSING = (
    "", "NA", "N/A", "na", "n/a", "#N/A", "NaN", "nan", "NAN", "null", "NULL", "Null", "None", "?",
)  # fmt: skip
_WITH_COMMA, _WITH_POINT = re.compile(r"[-+]?\d+,\d+"), re.compile(r"[-+]?\d*\.\d+")


def the_polars() -> Any:
    """
    Raises:
        UsageError: it is not installed.
    """
    try:
        import polars
    except ImportError:
        raise UsageError("reading tables needs polars", hint='pip install "backhand[train]"') from None
    return polars


@dataclass(frozen=True)
class Form:
    """How a CSV file is written."""

    packed: bool
    delimiter: str
    decimal_comma: bool
    names: tuple[str, ...]


def form_of(path: Path) -> Form:
    """Found from the file's beginning.

    Raises:
        UsageError: it cannot be read; DataError: it is empty.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as opened:
            sample = opened.read(SAMPLE)
    except (OSError, EOFError) as problem:
        raise unreadable(path, getattr(problem, "strerror", None) or str(problem)) from None
    if sample[:2] in (b"\xff\xfe", b"\xfe\xff") or sample[:4].count(0) > 1:
        raise DataError(f"{path} is UTF-16 or no text", expected="UTF-8 text", hint="save it as CSV UTF-8")
    text = sample.decode("utf-8-sig", errors="replace")
    if not text.strip():
        raise DataError(f"{path} is empty", expected="a line of names, then rows")
    if "\n" not in text and "\r" in text:
        raise DataError(f"the lines of {path} end as on very old machines, by CR", hint="save it with LF or CRLF")
    delimiter = _delimiter(text, len(sample) == SAMPLE)
    return Form(packed, delimiter, _decimal_comma(text, delimiter), header_names(path, sample, delimiter))


def header_names(path: Path, sample: bytes, delimiter: str) -> tuple[str, ...]:
    """The names in a file's first row; a column without one is called by its number, as in `column 1`.

    Raises:
        DataError: a name stands twice.
    """
    head = sample[: first_row(sample)].decode("utf-8-sig", errors="replace")
    row = next(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), [])
    names = tuple(name.strip() or f"column {k}" for k, name in enumerate(row, 1))
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise DataError(f"{path} has two columns called `{twice[0]}`", expected="a name for each column")
    return names


def first_row(text: bytes) -> int:
    """Where the first row ends."""
    end = text.find(b"\n") + 1
    while end and text.count(b'"', 0, end) % 2:
        end = text.find(b"\n", end) + 1
    return end or len(text)


def csv_frame(path: Path, beginning: bytes | None = None) -> DataFrame:
    """A CSV file, or its first lines alone where they are given; rows without any value are none."""
    pl = the_polars()
    form = form_of(path)
    source = path if beginning is None else beginning
    found: DataFrame | None = None
    for looked in (LOOKED, None):  # to guess the columns' kinds from all rows takes six times as long as to read them
        try:
            found = pl.read_csv(
                source, separator=form.delimiter, decimal_comma=form.decimal_comma, null_values=list(MISSING),
                infer_schema_length=looked, truncate_ragged_lines=False, new_columns=list(form.names),
            )  # fmt: skip
        except (pl.exceptions.PolarsError, OSError, ValueError) as problem:
            if looked is None:
                raise no_table(path, form, problem) from None
            continue
        if not any(s.dtype == pl.String and s.head(LOOKED).is_null().all() for s in found):
            break  # else such a column may be of numbers
    assert found is not None
    booleans = [k for k, kind in enumerate(found.dtypes) if kind == pl.Boolean]
    if booleans:  # once more as text, so that their spelling is known
        texts = pl.read_csv(
            source, separator=form.delimiter, null_values=list(MISSING),
            infer_schema=False, columns=booleans,
        )  # fmt: skip
        found = found.with_columns(s.alias(found.columns[k]) for k, s in zip(booleans, texts, strict=True))
    if found.width != len(form.names):
        raise no_table(path, form, ValueError("rows of different lengths"))
    return found.filter(~pl.all_horizontal(pl.all().is_null())) if found.width > 1 else found


def no_table(path: Path, form: Form, problem: Exception) -> DataError:
    """Why a file cannot be read: the first row of another length, if there is one."""
    said = first_line(problem)
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8-sig", newline="")
            if form.packed
            else path.open(encoding="utf-8-sig", newline="") as file
        ):
            reader = csv.reader(file, delimiter=form.delimiter)
            for row in reader:
                if row and len(row) != len(form.names):
                    said = f"line {reader.line_num} has {len(row)} values"
                    break
    except UnicodeDecodeError as wrong:
        said = f"it is not UTF-8 (byte {wrong.start + 1})"
    except (OSError, EOFError, csv.Error):
        pass
    return DataError(
        f"{path} is no table that can be read: {said}",
        expected=f"a line of names, then rows of {len(form.names)} values, with {form.delimiter!r} between them",
    )


def _delimiter(text: str, cut: bool) -> str:
    """The one that splits all lines of the sample into the same number of cells, the largest."""
    lines = text.splitlines()[: -1 if cut else None][:200] or text.splitlines()[:1]
    best, cells = ",", 1
    for delimiter in DELIMITERS:
        counts = {len(row) for row in csv.reader(lines, delimiter=delimiter) if row}
        if len(counts) == 1 and (count := counts.pop()) > cells:
            best, cells = delimiter, count
    if cells == 1:  # rows of different lengths: what stands in the first line most often
        best = max(DELIMITERS, key=lines[0].count) if any(d in lines[0] for d in DELIMITERS) else ","
    return best


def _decimal_comma(text: str, delimiter: str) -> bool:
    if delimiter == ",":
        return False
    cells = [cell.strip() for row in csv.reader(text.splitlines()[1:200], delimiter=delimiter) for cell in row]
    commas, points = (sum(bool(p.fullmatch(c)) for c in cells) for p in (_WITH_COMMA, _WITH_POINT))
    return commas > points


def unreadable(path: Path, reason: str) -> UsageError:
    """What is said of a file that cannot be read."""
    return UsageError(f"cannot read {path}: {reason}", expected="a CSV or Parquet file")


def first_line(problem: Exception) -> str:
    """A library's message, its first line."""
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0][:200]
