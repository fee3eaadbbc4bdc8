"""What the page asks, answered: each a plain dict in and a plain dict out, so that a process of its own can do it.

Nothing is kept between two questions but sheets that were read already: each brings the sheet's whole text.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from ..errors import BackhandError
from .asked import Answer, Asked, told
from .changes import edit_answer
from .courses import compare_answer, fit_answer, surface_answer
from .moments import history_answer
from .pages import check_answer, export_answer, view_answer, why_answer
from .stage import line_answer, stage_answer
from .tables import model_answer, table_answer

ANSWERS: dict[str, Callable[[Asked], Answer]] = {
    "stage": stage_answer,
    "line": line_answer,
    "history": history_answer,
    "why": why_answer,
    "view": view_answer,
    "check": check_answer,
    "edit": edit_answer,
    "export": export_answer,
    "surface": surface_answer,
    "fit": fit_answer,
    "compare": compare_answer,
    "table": table_answer,
    "model": model_answer,
}


def answer(question: str, asked: Asked) -> Answer:
    """The answer to a question, or what is wrong with it in words."""
    try:
        return ANSWERS[question](asked)
    except BackhandError as problem:
        return {"error": told(problem)}


def written_answer(question: str, asked: object) -> str:
    """The same as JSON, and words where Backhand itself is wrong: nobody sees a traceback or waits for ever."""
    if not isinstance(asked, dict):
        return _json({"error": {"message": "the question is no JSON object"}})
    try:
        return _json(answer(question, asked))
    except Exception as problem:
        said = f"this is a bug in Backhand: {type(problem).__name__}: {problem}"
        return _json({"error": {"message": said[:300], "hint": "another sheet, and report this one"}})


def _json(found: Answer) -> str:
    return json.dumps(found, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
