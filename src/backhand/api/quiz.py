"""Exercises in Python: made of a wish or of a sheet, shown, and written for paper and for platforms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..document.parts import Document
from ..notation.numbers import Digits
from .results import Result

if TYPE_CHECKING:
    from ..quiz.exercise import Exercise
    from .sheets import Sheet


@dataclass(frozen=True, eq=False, repr=False)
class Quiz(Result):
    """A set of exercises.

    Attributes:
        key: show the answers and the working, too.
    """

    exercises: tuple[Exercise, ...]
    title: str
    key: bool = False

    def document(self) -> Document:
        from ..quiz.page import key_document, task_document, together

        pages = [task_document(exercise) for exercise in self.exercises]
        if self.key:
            pages = [page for exercise in self.exercises for page in (task_document(exercise), key_document(exercise))]
        return together(pages, self.title)

    @property
    def keys(self) -> QuizKeys:
        """The keys alone, with the working."""
        return QuizKeys(self)

    def to_dict(self) -> dict[str, Any]:
        from ..quiz.page import fields

        return {
            "schema": "backhand.quiz/1",
            "title": self.title,
            "exercises": [
                {
                    "number": one.number,
                    "title": one.title,
                    "level": one.level,
                    "seed": one.seed,
                    "sheet": one.text,
                    "asked": [{"name": f.name, "value": f.value, "tolerance": f.tolerance} for f in fields(one)],
                    "derive": one.derive.name if one.derive is not None else None,
                    "slip": {"line": one.plant.line, "slip": one.plant.slip, "text": one.plant.text}
                    if one.plant
                    else None,
                    "slips_told": one.slips,
                    "slips_without_effect": one.vacuous,
                }
                for one in self.exercises
            ],
        }

    def write(
        self, folder: str | Path, targets: Sequence[str], digits: int | None = 6, paper: str = "a4"
    ) -> list[Path]:
        """Writes the set into a folder.

        Args:
            targets: html, pdf, markdown, latex, typst, text (tasks, and keys as a second file); sheets (with answer
                templates), xlsx (worksheets), csv; moodle, cloze, gift, qti21, qti12, prairielearn, stack.
        Returns:
            the files.
        Raises:
            UsageError: a target that is none, or a place that cannot be written to.
        """
        from ..quiz.files import quiz_files
        from ..render.files import write_whole

        written = []
        for place, content in quiz_files(self.exercises, self.title, targets, Digits(digits), paper):
            path = Path(folder) / place
            _folder(path.parent)
            write_whole(path, content)
            written.append(path)
        return written

    def to_xlsx(self) -> bytes:
        from ..errors import UsageError

        raise UsageError("exercises are a folder of worksheets", hint="--for xlsx -o FOLDER")

    def __repr__(self) -> str:
        return f"<Quiz: {len(self.exercises)} exercises>"


@dataclass(frozen=True, eq=False, repr=False)
class QuizKeys(Result):
    """The keys of a set: answers and working."""

    quiz: Quiz

    def document(self) -> Document:
        from ..quiz.page import key_document, together

        pages = [key_document(exercise) for exercise in self.quiz.exercises]
        return together(pages, f"{self.quiz.title}: keys")

    def to_dict(self) -> dict[str, Any]:
        return self.quiz.to_dict()


def _folder(place: Path) -> None:
    from ..errors import UsageError

    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UsageError(f"cannot make the folder {place}: {problem.strerror or problem}") from None


def worksheet(sheet: Sheet) -> Quiz:
    """A sheet with its own numbers as one exercise: every number of its first step is to be worked.

    Raises:
        UsageError: a sheet without cost, rows or numbers.
    """
    from ..engine.training import has_rows, steps
    from ..errors import UsageError
    from ..explain.ledger import Ledger
    from ..quiz.exercise import Exercise, items_of

    network = sheet.network
    if network.cost is None or network.in_letters or not has_rows(sheet.problem):
        reason = "no cost" if network.cost is None else "no numbers" if network.in_letters else "no rows"
        raise UsageError(f"the sheet has {reason}, so there is nothing to fill in")
    ledger = Ledger(sheet.problem, next(steps(sheet.problem, 1)))
    items = tuple(items_of("sheet", [ledger]))
    title = sheet.title or "Worksheet"
    return Quiz((Exercise(1, "sheet", 0, title, sheet.write(), sheet.problem, items),), title)


def exercises(
    sheet: Sheet | None = None, *, level: str = "partials", variants: int = 1, seed: int = 1, title: str = "",
    dead: bool = False, saturated: bool = False, progress: Any = None, **wish: Any,
) -> Quiz:  # fmt: skip
    """Exercises from a sheet, whose numbers are drawn anew, or from a wish.

    Args:
        level: forward, partial, partials, update, batch, letters or mistake.
        dead, saturated: whether units may be so.
        wish: sizes=(2, 2, 1), activations=("sigmoid",), output="linear", cost="mse", rows, biases, rate, difficulty;
            for a sheet only rate, in place of its own.
        progress: called with how many exercises there are and how many are wanted.
    Raises:
        UsageError: a wish that is no network, or for which no numbers make an exercise.
    """
    from dataclasses import replace

    from ..errors import UsageError
    from ..quiz.form import Wish, form_of_sheet, form_of_wish
    from ..quiz.generate import Allowed
    from ..quiz.generate import exercises as made

    if sheet is not None:
        if other := wish.keys() - {"rate"}:
            raise UsageError(
                f"a sheet has its own {', '.join(sorted(other))}", expected="a sheet, or a wish without one"
            )
        form = form_of_sheet(sheet.statements, sheet.problem, level == "letters", wish.get("rate"))
        name = " ".join(title.split()) or sheet.title or "Exercise"
    else:
        if level == "batch" and not wish.get("rows"):
            wish["rows"] = 3
        form = form_of_wish(replace(Wish(), **wish))
        name = " ".join(title.split()) or "Exercise"
    found = []
    for exercise in made(form, level, variants, seed, name, Allowed(dead, saturated)):
        found.append(exercise)
        if progress:
            progress(len(found), variants)
    return Quiz(tuple(found), name)
