"""What the page sent, read with care: its sheet, its numbers, the moment that it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ..engine.training import Step as Moment
from ..errors import BackhandError, UsageError
from ..network.build import Problem, build
from ..notation.numbers import Digits
from ..sheet.model import DataFrom, SheetText
from ..sheet.parse import parse

Asked = Mapping[str, Any]
Answer = dict[str, Any]
SCHEMA = "backhand.studio/1"
MOST_TEXT = 400_000  # letters of a sheet
MOST_EPOCHS = 1_000_000


@lru_cache(maxsize=64)
def opened(text: str) -> tuple[SheetText, Problem]:
    """The sheet that the page sent. It reads no file: whoever opened the page is not asked for theirs.

    Raises:
        BackhandError: as for every sheet; UsageError: rows in a file, or a text far too long.
    """
    if len(text) > MOST_TEXT:
        raise UsageError(f"the sheet has more than {MOST_TEXT:,} letters", expected="a sheet to work by hand")
    sheet = parse(text, "sheet")
    if any(isinstance(s, DataFrom) for s in sheet.statements):
        raise UsageError("on this page a sheet reads no files", hint="put the rows behind `data`")
    return sheet, build(sheet)


def told(problem: BackhandError) -> Answer:
    place = problem.place
    where = {"line": place.line, "column": place.column, "width": place.width} if place is not None else None
    return {
        "message": problem.message, "place": where, "expected": problem.expected, "got": problem.got,
        "hint": problem.hint,
    }  # fmt: skip


def row_of(problem: Problem, moment: Moment | None, asked: Asked) -> int:
    """The row's place within the moment; the first one, where the moment does not hold it."""
    wanted = whole(asked, "row", 1, 10**9)
    if moment is None:
        return 0
    return moment.tape.rows.index(wanted) if wanted in moment.tape.rows else 0


def sheet_text(asked: Asked) -> str:
    text = asked.get("text")
    if not isinstance(text, str) or not text.strip():
        raise UsageError("there is no sheet", expected="a sheet's text", hint="open an example")
    return text


def whole(asked: Asked, name: str, least: int, most: int) -> int:
    value = asked.get(name, least)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UsageError(f"{name} is {str(value)[:40]}", expected=f"a whole number from {least:,} to {most:,}")
    return value


def number(value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = float("nan")
    if not abs(number) < 1e300:
        raise UsageError(f"`{str(value)[:40]}` is no number", expected="a number such as 0.5")
    return number


def digits_of(asked: Asked) -> Digits:
    digits = asked.get("digits", 6)
    return Digits(digits if isinstance(digits, int) and 1 <= digits <= 16 else 6)
