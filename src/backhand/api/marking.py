"""Answers marked: `sheet.check("z1 = 3.13")`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..document.parts import Document
from .results import Result

if TYPE_CHECKING:
    from ..check.group import Group
    from ..check.marking import Mark, Marking


@dataclass(frozen=True, eq=False, repr=False)
class Checked(Result):
    """Answers with their verdicts."""

    marking: Marking
    points: bool = False

    @property
    def summary(self) -> str:
        """Points, the first wrong step and its slip in a sentence or two."""
        from ..check.points import summary

        return summary(self.marking)

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

        return marking_document(self.marking, points=self.points)

    def to_dict(self) -> dict[str, Any]:
        from ..check.page import marking_json

        return marking_json(self.marking)

    def __repr__(self) -> str:
        first = self.first_wrong
        return f"<Checked: {len(self.marking.answers)} answers, " + (
            f"{first.name} is wrong first>" if first else "nothing wrong>"
        )


@dataclass(frozen=True, eq=False, repr=False)
class CheckedGroup(Result):
    """The answers of a class with their verdicts."""

    group: Group

    @property
    def all_right(self) -> bool:
        return self.group.all_right

    def document(self) -> Document:
        from ..check.group import group_document

        return group_document(self.group)

    def to_dict(self) -> dict[str, Any]:
        from ..check.group import group_json

        return group_json(self.group)

    def __repr__(self) -> str:
        return f"<CheckedGroup: {len(self.group.persons)} sheets>"
