"""Answers marked: `sheet.check("z1 = 3.13")`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..document.parts import Document
from .results import Result

if TYPE_CHECKING:
    from ..check.marking import Mark, Marking


@dataclass(frozen=True, eq=False, repr=False)
class Checked(Result):
    """Answers with their verdicts."""

    marking: Marking

    @property
    def all_right(self) -> bool:
        """Whether nothing is wrong and nothing could not be read."""
        return self.marking.all_right

    @property
    def first_wrong(self) -> Mark | None:
        """The first step that breaks, in the order of the work."""
        return self.marking.first

    @property
    def verdicts(self) -> dict[str, str]:
        """Of each answer, by the name it was given."""
        return {answer.name: self.marking.verdict(k) for k, answer in enumerate(self.marking.answers)}

    def document(self) -> Document:
        from ..check.page import marking_document

        return marking_document(self.marking)

    def to_dict(self) -> dict[str, Any]:
        from ..check.page import marking_json

        return marking_json(self.marking)

    def __repr__(self) -> str:
        first = self.first_wrong
        return f"<Checked: {len(self.marking.answers)} answers, " + (
            f"{first.name} is wrong first>" if first else "nothing wrong>"
        )
