"""Answers marked: `sheet.check("z1 = 3.13")`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..document.parts import Document
from .results import Result

if TYPE_CHECKING:
    from ..check.gradients import Finding, GradientsChecked
    from ..check.group import Group
    from ..check.marking import Mark, Marking
    from ..check.proofread import Proofread
    from .sheets import Sheet


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


@dataclass(frozen=True, eq=False, repr=False)
class GradientsGiven(Result):
    """Gradients that someone's own code gave, checked."""

    found: GradientsChecked

    @property
    def all_right(self) -> bool:
        return self.found.all_right

    @property
    def first_wrong(self) -> Finding | None:
        """The first wrong one, the last layer first."""
        return self.found.first_wrong

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.found.findings

    def document(self) -> Document:
        from ..check.gradients import gradients_document

        return gradients_document(self.found)

    def to_dict(self) -> dict[str, Any]:
        from ..check.gradients import gradients_json

        return gradients_json(self.found)

    def __repr__(self) -> str:
        first = self.first_wrong
        return f"<GradientsGiven: {f'd{first.name} is {first.verdict} first' if first else 'all right'}>"


@dataclass(frozen=True, eq=False, repr=False)
class ProofreadDocument(Result):
    """A worked document proofread."""

    found: Proofread

    @property
    def all_right(self) -> bool:
        return not self.found.slips

    def document(self) -> Document:
        from ..check.proofread_page import proofread_document

        return proofread_document(self.found)

    def to_dict(self) -> dict[str, Any]:
        from ..check.proofread_page import proofread_json

        return proofread_json(self.found)

    def __repr__(self) -> str:
        return f"<ProofreadDocument: {self.found.held} statements hold, {len(self.found.slips)} do not>"


def check_gradients(
    function: Callable[..., Any] | Mapping[str, Any], sheet: Sheet | str, *, tolerance: float | None = None
) -> GradientsGiven:
    """Checks a backward pass written by hand: which gradient is wrong first, by how much, and which slip gives it.

    Args:
        function: called with what its arguments are called: `parameters` (a dict by name), `x`, `y` (a row for each row
            of the sheet), the sheet's own names, `N`. It returns gradients of the whole cost by name (`W1`, `dW1`),
            pairs by layer, or a list in the order of the parameters; NumPy, lists or tensors. Or these gradients.
        sheet: the network with its data, a path, or a sheet's text.
        tolerance: in parts of the largest right entry; 1e-6 (1e-3 for float32) without it.
    Raises:
        BackhandError: the function asks for what is not there, or gives no gradients.
    """
    from ..check.called import named_gradients
    from ..check.gradients import check_function, check_given
    from .sheets import Sheet, read

    problem = (sheet if isinstance(sheet, Sheet) else read(sheet)).problem
    if callable(function):
        return GradientsGiven(check_function(function, problem, tolerance))
    return GradientsGiven(check_given(named_gradients(function, problem.network), problem, tolerance))
