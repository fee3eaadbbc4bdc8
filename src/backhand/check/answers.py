"""Answers as people hand them in: lines, CSV, JSON or a worksheet, read into names and what was typed for them."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DataError
from ..network.build import Problem
from ..sheet.source import text_of

MOST_BYTES, MOST_ANSWERS = 20_000_000, 100_000
_LINE = re.compile(r"\s*(?:[-*•]\s+)?(?P<name>[^=≈:<>]+?)\s*(?:=|≈|:=|:)\s*(?P<value>.*?)\s*$")
_BLANK = {"", "?", "-", "…", "...", "_", "__", "___"}


@dataclass(frozen=True)
class Answer:
    """One answer as typed.

    Attributes:
        name, given: what stands left and right of the `=`.
        line: where it stands, counted from 1.
    """

    name: str
    given: str
    line: int = 0

    @property
    def blank(self) -> bool:
        return self.given.strip() in _BLANK


def read_answers(source: str | Path | dict[str, Any], problem: Problem | None = None) -> list[Answer]:
    """Answers from a file, from text, or from a dict of names.

    Args:
        problem: the sheet they are marked with; a worksheet of another one is refused.
    Raises:
        UsageError: there is no such file; DataError: it holds no answers, or is far too large.
    """
    if isinstance(source, dict):
        return _of_json(source)
    if isinstance(source, str) and ("\n" in source or "=" in source):
        return _of_text(source, "the answers", "")
    path = Path(source)
    if path.suffix.lower() == ".xlsx":
        from .worksheet import worksheet_answers

        return worksheet_answers(path, problem)
    text = text_of(path, MOST_BYTES, DataError, "a file of answers")
    return _of_text(text, path.name, path.suffix.lower())


def _of_text(text: str, source: str, suffix: str) -> list[Answer]:
    if suffix == ".json" or (not suffix and text.lstrip()[:1] in ("{", "[")):
        try:
            found = _of_json(json.loads(text, parse_float=str, parse_int=str, parse_constant=str))
        except (ValueError, RecursionError) as problem:
            raise DataError(f"{source} is no JSON: {problem}", expected='{"z1": 3.13, …}') from None
    elif suffix in (".csv", ".tsv"):
        found = _of_csv(text, source)
    else:
        found = _of_lines(text)
    if not found:
        raise DataError(f"{source} holds no answers", expected="lines such as `z1 = 3.13`")
    if len(found) > MOST_ANSWERS:
        raise DataError(f"{source} holds more than {MOST_ANSWERS:,} answers")
    return found


def _of_lines(text: str) -> list[Answer]:
    """Lines `name = value`; several between semicolons, brackets may go over lines. `#` after a space is a remark."""
    found: list[Answer] = []
    waiting, began = "", 0
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        line = re.sub(r"(^|\s)#(?!\s*\d+\s*[@'=]).*$", "", line)
        if waiting and "=" in line:  # a bracket that was never closed spoils nothing but its own answer
            found += _split(waiting, began)
            waiting = ""
        waiting, began = (waiting + " " + line, began) if waiting else (line, number)
        if waiting.count("[") > waiting.count("]") and len(waiting) < 100_000 and number - began < 1000:
            continue
        found += _split(waiting, began)
        waiting = ""
    return found + (_split(waiting, began) if waiting.strip() else [])


def _split(text: str, line: int) -> list[Answer]:
    """The answers of a line."""
    found = []
    for part in _parts(text):
        match = _LINE.fullmatch(part)
        if match:
            found.append(Answer(match["name"].strip(), match["value"], line))
        elif part.strip():
            found.append(Answer(part.strip(), "", line))
    return found


def _parts(line: str) -> list[str]:
    """What stands between semicolons outside brackets, where every part has an `=` of its own."""
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(line):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == ";" and depth <= 0:
            parts.append(line[start:at])
            start = at + 1
    parts.append(line[start:])
    return parts if all("=" in part or not part.strip() for part in parts) else [line]


def _of_json(found: Any) -> list[Answer]:
    if isinstance(found, dict) and isinstance(found.get("answers"), list | dict):
        found = found["answers"]
    if isinstance(found, dict):
        return [Answer(str(name), _typed(value), k) for k, (name, value) in enumerate(found.items(), 1)]
    if isinstance(found, list) and all(isinstance(one, dict) and "name" in one for one in found):
        return [
            Answer(str(one["name"]), _typed(one.get("given", one.get("value"))), k) for k, one in enumerate(found, 1)
        ]
    raise DataError("this JSON holds no answers", expected='{"z1": 3.13, …} or [{"name": "z1", "value": 3.13}, …]')


def _typed(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "[" + ", ".join(map(_typed, value)) + "]"
    return str(value)


def _of_csv(text: str, source: str) -> list[Answer]:
    """Columns `name` and `value`, or a column for each name and a line for each row."""
    head = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t|", key=head.count)
    try:
        lines = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(cell.strip() for cell in row)]
    except csv.Error as problem:
        raise DataError(f"{source} is no CSV: {problem}") from None
    if len(lines) < 2:
        return []
    heads = [cell.strip() for cell in lines[0]]
    low = [head.lower() for head in heads]
    values = next((low.index(word) for word in ("value", "answer", "given") if word in low), None)
    if "name" in low and values is not None:
        name = low.index("name")
        return [
            Answer(row[name].strip(), row[values].strip() if len(row) > values else "", k)
            for k, row in enumerate(lines[1:], 2)
            if len(row) > name
        ]
    row_at = low.index("row") if "row" in low else None
    found = []
    for k, row in enumerate(lines[1:], 1):
        number = row[row_at].strip() if row_at is not None and len(row) > row_at else str(k)
        for at, (head, cell) in enumerate(zip(heads, row, strict=False)):
            if at != row_at and head:
                found.append(Answer(f"{head}@{number}", cell.strip(), k + 1))
    return found
