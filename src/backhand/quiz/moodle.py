"""Moodle XML: numerical questions, one per number, or cloze questions with all numbers of an exercise; and GIFT.

Tolerances are absolute, as both formats have no others (question/format/xml and question/format/gift of Moodle).
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .exercise import Exercise
from .page import key_lines
from .statement import Statement, latex_maths, numbered, plain

_GIFT = ("\\", "#", "=", "~", "{", "}", ":")


def moodle_numerical(exercises: Sequence[Exercise], title: str) -> str:
    """A question for each number; the task stands in each."""
    statement = Statement(latex_maths)
    questions = []
    for exercise in exercises:
        task = statement.task(exercise)
        for name, field in numbered(exercise):
            answer = (
                f'<answer fraction="100" format="moodle_auto_format"><text>{plain(field.value)}</text>'
                '<feedback format="html"><text></text></feedback>'
                f"<tolerance>{plain(field.tolerance, 3)}</tolerance></answer>"
            )
            text = f"{task}<p>{statement.label(field)} = ?</p>"
            head = f"{exercise.title} ({name}): {field.name}"
            units = "<unitgradingtype>0</unitgradingtype><unitpenalty>0.1</unitpenalty><showunits>3</showunits>"
            questions.append(
                question("numerical", head, text, f"{answer}{units}<unitsleft>0</unitsleft>", worked(exercise))
            )
    return quiz(questions, title)


def moodle_cloze(exercises: Sequence[Exercise], title: str) -> str:
    """A question for each exercise, with a gap for every number."""
    statement = Statement(latex_maths)
    questions = []
    for exercise in exercises:
        gaps = "".join(
            f"<li>{statement.label(field)} = {{1:NUMERICAL:={plain(field.value)}:{plain(field.tolerance, 3)}}}</li>"
            for _, field in numbered(exercise)
        )
        questions.append(
            question("cloze", exercise.title, f"{statement.task(exercise)}<ul>{gaps}</ul>", "", worked(exercise))
        )
    return quiz(questions, title)


def worked(exercise: Exercise) -> str:
    """The answers, for the feedback after the attempt."""
    return (
        f"<pre>{escape(key_lines(exercise), quote=False)}</pre>"
        if exercise.plant is None
        else escape(exercise.plant.text)
    )


def quiz(questions: Sequence[str], title: str) -> str:
    category = (
        f'<question type="category"><category><text>$course$/top/{cdata(_category(title))}</text></category>'
        '<info format="html"><text></text></info></question>'
    )
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', "<quiz>", category, *questions, "</quiz>", ""])


def _category(title: str) -> str:
    """A slash would begin a category within."""
    return title.replace("/", "//")


def question(kind: str, name: str, text: str, rest: str, feedback: str) -> str:
    return (
        f'<question type="{kind}">\n<name><text>{cdata(name)}</text></name>\n'
        f'<questiontext format="html"><text>{cdata(text)}</text></questiontext>\n'
        f'<generalfeedback format="html"><text>{cdata(feedback)}</text></generalfeedback>\n'
        f"<penalty>0.3333333</penalty><hidden>0</hidden>\n{rest}\n</question>"
    )


def cdata(text: str) -> str:
    """As Moodle itself writes text."""
    if not any(sign in text for sign in "<>&\"'"):
        return text
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def gift(exercises: Sequence[Exercise], title: str) -> str:
    """GIFT: a numerical question for each number."""
    statement = Statement(latex_maths)
    blocks = [f"$CATEGORY: $course$/top/{_escaped(_category(title))}"]
    for exercise in exercises:
        task = statement.task(exercise)
        for name, field in numbered(exercise):
            text = _escaped(f"{task}<p>{statement.label(field)} = ?</p>")
            head = _escaped(f"{exercise.title} ({name}) {field.name}")
            blocks.append(f"::{head}::[html]{text}{{#{plain(field.value)}:{plain(field.tolerance, 3)}}}")
    return "\n\n".join(blocks) + "\n"


def _escaped(text: str) -> str:
    for sign in _GIFT:
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\r", "").replace("\n", "\\n")
