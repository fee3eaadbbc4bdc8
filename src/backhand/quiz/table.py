"""Variants as a table for mail merge: a line for each, its numbers, questions and answers in columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from .exercise import Exercise
from .page import fields
from .statement import plain


def variants_csv(exercises: Sequence[Exercise]) -> str:
    """CSV with a head: number, title, level, sheet, every given number, every answer and its tolerance."""
    lines: list[dict[str, str]] = []
    heads: dict[str, None] = dict.fromkeys(("number", "title", "level", "seed"))
    for exercise in exercises:
        line = {
            "number": str(exercise.number),
            "title": _words(exercise.title),
            "level": exercise.level,
            "seed": str(exercise.seed),
        }
        if exercise.derive is None:
            for node in exercise.problem.network.parameters:
                for ref in node.entries():
                    assert node.value is not None
                    line[_named(ref.name, ref.index)] = plain(float(node.value[ref.place]))
            table = exercise.problem.table
            for name, column in (table.columns if table else {}).items():
                for row in range(table.rows if table else 0):
                    values = column[row].ravel()
                    for k, value in enumerate(values, 1):
                        line[f"{_named(name, (k,) if column.ndim > 1 else ())}@{row + 1}"] = plain(float(value))
        for field in fields(exercise, scale=True):
            line[f"answer {field.name}"] = plain(field.value)
            line[f"tolerance {field.name}"] = plain(field.tolerance, 3)
        line["sheet"] = exercise.text
        heads |= dict.fromkeys(line)
        lines.append(line)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(heads), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def _named(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{','.join(map(str, index))}]" if index else name


def _words(text: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
