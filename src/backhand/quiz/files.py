"""A set of exercises as files: worksheets and keys, sheets and answer templates, what learning platforms take in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..errors import UsageError, nearest
from ..notation.numbers import Digits
from ..render.files import rendered
from .exercise import Exercise
from .names import PAPER, TARGETS
from .page import key_document, key_lines, task_document, template, together

Content = str | bytes


def quiz_files(
    exercises: Sequence[Exercise], title: str, targets: Sequence[str], digits: Digits | None = None, paper: str = "a4"
) -> Iterator[tuple[Path, Content]]:
    """The files of a set by their places within its folder.

    Raises:
        UsageError: a target that is none, or exercises in letters for a platform.
    """
    for target in targets:
        if target not in TARGETS:
            near = nearest(target, TARGETS)
            raise UsageError(
                f"exercises cannot be written for `{target}`",
                expected=", ".join(TARGETS),
                hint=f"did you mean `{near}`?" if near else None,
            )
    for target in dict.fromkeys(targets):
        if target in PAPER:
            ending = PAPER[target]
            for name, page in (("tasks", task_document), ("keys", key_document)):
                whole = together([page(exercise) for exercise in exercises], title)
                yield Path(f"{name}{ending}"), rendered(whole, target, digits or Digits(), paper)
        elif target == "sheets":
            yield from _sheets(exercises)
        elif target == "xlsx":
            yield from _worksheets(exercises)
        else:
            yield from _platform(exercises, title, target)


def _sheets(exercises: Sequence[Exercise]) -> Iterator[tuple[Path, Content]]:
    for exercise in exercises:
        name = f"exercise-{exercise.number:03d}"
        yield Path("sheets") / f"{name}.bh", exercise.text
        yield Path("templates") / f"{name}.txt", template(exercise)
        if exercise.items and exercise.plant is None:
            yield Path("keys") / f"{name}.txt", key_lines(exercise)


def _worksheets(exercises: Sequence[Exercise]) -> Iterator[tuple[Path, Content]]:
    """A worksheet to fill in for each exercise, and the workbook that works it."""
    from ..engine.run import run
    from ..render.xlsx import to_xlsx

    if any(exercise.plant is not None for exercise in exercises):
        raise UsageError("a mistake is found on paper, not on a worksheet", expected="another target than xlsx")
    for exercise in exercises:
        if exercise.derive is None:
            name = f"exercise-{exercise.number:03d}"
            done = run(exercise.problem, 2 if exercise.level == "update" else 1)
            yield Path("worksheets") / f"{name}.xlsx", to_xlsx(exercise.problem, done, blank=True)
            yield Path("workbooks") / f"{name}.xlsx", to_xlsx(exercise.problem, done)


def _platform(exercises: Sequence[Exercise], title: str, target: str) -> Iterator[tuple[Path, Content]]:
    from .moodle import gift, moodle_cloze, moodle_numerical
    from .prairielearn import prairielearn
    from .qti import qti12, qti21
    from .stack import stack
    from .table import variants_csv

    if target == "prairielearn":
        for place, text in prairielearn(exercises, title).items():
            yield Path("prairielearn") / "questions" / place, text
        return
    if target == "csv":
        yield Path("variants.csv"), variants_csv(exercises)
        return
    made: dict[str, tuple[str, Callable[[Sequence[Exercise], str], Content]]] = {
        "moodle": ("moodle.xml", moodle_numerical), "cloze": ("moodle-cloze.xml", moodle_cloze),
        "gift": ("questions.gift", gift), "qti21": ("qti21.zip", qti21), "qti12": ("qti12.zip", qti12),
        "stack": ("stack.xml", stack),
    }  # fmt: skip
    name, make = made[target]
    yield Path(name), make(exercises, title)
