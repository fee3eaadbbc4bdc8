"""Answers out of a worksheet that Backhand made and a person filled in, by calamine: values alone, nothing is run."""

from __future__ import annotations

import math
import re
import zipfile
from pathlib import Path
from typing import Any

from ..errors import DataError, UsageError
from ..network.build import Problem
from ..render.cells import NAMES_SHEET, fingerprint
from .answers import Answer

MOST_BYTES, MOST_UNPACKED = 20_000_000, 200_000_000
MOST_AREA = 8_000_000  # cells of one sheet, empty ones included
_PLACE = re.compile(rb'<c[^>]*?\sr="([A-Z]{1,4})(\d{1,8})"')


def worksheet_answers(path: Path, problem: Problem | None = None) -> list[Answer]:
    """What was filled in, with the names that the worksheet's hidden sheet has for its cells.

    Args:
        problem: the sheet it is marked with.
    Raises:
        UsageError: it cannot be read, or calamine is not installed; DataError: it is no worksheet of Backhand's, or
            one of another sheet.
    """
    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        raise UsageError("reading worksheets needs calamine", hint='pip install "backhand[pages]"') from None
    expected = "a worksheet made by `backhand show SHEET --blank -o FILE.xlsx`"
    try:
        _looked_over(path)
        book = CalamineWorkbook.from_path(str(path))
        sheets = {name: _cells(book, name) for name in book.sheet_names}
    except DataError:
        raise
    except OSError as failure:
        raise UsageError(f"cannot read {path}: {failure.strerror or failure}", expected=expected) from None
    except Exception as failure:  # calamine has many errors for files that are no workbooks
        raise DataError(f"{path} is no workbook that can be read: {failure}", expected=expected) from None
    if NAMES_SHEET not in sheets:
        raise DataError(f"{path} is no worksheet of Backhand's", expected=expected)
    names = sheets[NAMES_SHEET]
    head = names[0] if names else []
    if problem is not None and len(head) > 5 and head[4] != fingerprint(problem):
        raise DataError(
            f"{path} is a worksheet of another sheet, called {str(head[5])[:80]}",
            expected="one of this sheet as it stands, with its numbers and its rate",
        )
    found = []
    for number, line in enumerate(names[1:], 2):
        if len(line) < 4 or not all(isinstance(value, float) and math.isfinite(value) for value in line[1:3]):
            raise DataError(f"{path}: line {number} of its sheet `{NAMES_SHEET}` was changed", expected=expected)
        sheet, row, column, name = str(line[0]), int(line[1]), int(line[2]), str(line[3])
        cells = sheets.get(sheet, [])
        value = cells[row][column] if 0 <= row < len(cells) and 0 <= column < len(cells[row]) else ""
        found.append(Answer(name, _typed(value), number))
    if not found:
        raise DataError(f"{path} asks for nothing", expected=expected)
    return found


def _looked_over(path: Path) -> None:
    """Refuses what would unpack to far more than it is, or spans far more cells than it has."""
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{path} is larger than {MOST_BYTES // 10**6} MB", expected="a worksheet")
    with zipfile.ZipFile(path) as parts:
        if sum(part.file_size for part in parts.infolist()) > MOST_UNPACKED:
            raise DataError(f"{path} unpacks to more than {MOST_UNPACKED // 10**6} MB", expected="a worksheet")
        for part in parts.infolist():
            if not part.filename.startswith("xl/worksheets/"):
                continue
            wide = tall = 0
            with parts.open(part) as file:
                for letters, row in _PLACE.findall(file.read(MOST_UNPACKED)):
                    column = 0
                    for letter in letters:
                        column = column * 26 + letter - 64
                    wide, tall = max(wide, column), max(tall, int(row))
            if wide * tall > MOST_AREA:
                raise DataError(f"{path} has a sheet of {tall:,} × {wide:,} cells", expected="a worksheet")


def _cells(book: Any, name: str) -> list[list[Any]]:
    return list(book.get_sheet_by_name(name).to_python(skip_empty_area=False))


def _typed(value: Any) -> str:
    """A cell as it would have been typed; 5.0 is 5."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    return str(value).strip()
