"""PrairieLearn: a question folder for each exercise, with fixed numbers and no code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from uuid import NAMESPACE_URL, uuid5

from .exercise import Exercise
from .moodle import worked
from .page import Field
from .statement import Statement, latex_maths, numbered, plain


def prairielearn(exercises: Sequence[Exercise], title: str) -> dict[str, str]:
    """The files by their paths within `questions/`."""
    files = {}
    for k, exercise in enumerate(exercises, 1):
        folder = f"exercise{k:03d}"
        name = str(uuid5(NAMESPACE_URL, f"backhand {exercise.text} {exercise.level}"))  # the same for the same exercise
        about = {
            "uuid": name, "title": exercise.title, "topic": title, "tags": ["numeric", exercise.level], "type": "v3",
            "singleVariant": True,
        }  # fmt: skip
        files[f"{folder}/info.json"] = json.dumps(about, ensure_ascii=False, indent=2) + "\n"
        files[f"{folder}/question.html"] = _question(exercise)
    return files


def _question(exercise: Exercise) -> str:
    statement = Statement(latex_maths)
    inputs = "\n".join(_input(key, field, statement) for key, field in numbered(exercise))
    answer = f"<pl-answer-panel>{worked(exercise)}</pl-answer-panel>"
    panel = f"<pl-question-panel>{statement.task(exercise)}</pl-question-panel>"
    # the file is a template: two braces would begin a variable
    return f"{panel}\n{inputs}\n{answer}\n".replace("{{", "{ {").replace("}}", "} }")


def _input(key: str, field: Field, statement: Statement) -> str:
    relative = plain(field.tolerance / abs(field.value), 3) if field.value else "0"
    absolute = "0" if field.value else plain(field.tolerance, 3)
    return (
        f'<p>{statement.label(field)} = <pl-number-input answers-name="{key}" label="({escape(key)})"'
        f' correct-answer="{plain(field.value)}" comparison="relabs" rtol="{relative}" atol="{absolute}">'
        "</pl-number-input></p>"
    )
