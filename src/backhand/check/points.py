"""Points for a marked sheet: one for each number, and method marks where the method was right."""

from __future__ import annotations

from dataclasses import dataclass

from .marking import FOLLOWS, RIGHT, ROUNDED, WRONG, Mark, Marking

DIGITS = ("digits cut", "two digits swapped", "digit miscopied", "decimal point moved", "float32", "rounded on the way")
HALF = 0.5  # for a wrong number whose method was right


@dataclass(frozen=True)
class Points:
    """What an answer is worth: `got` of `of`, and why."""

    name: str
    got: float
    of: float
    why: str


def points_of(mark: Mark) -> tuple[float, str]:
    """The points of one number."""
    if mark.verdict in (RIGHT, ROUNDED):
        return 1.0, mark.verdict
    if mark.verdict == FOLLOWS:
        return (0.0, "follows, and shows nothing") if mark.degenerate else (1.0, "method: follows from an earlier slip")
    if mark.verdict == WRONG and mark.again:
        return 1.0, f"method: {mark.causes[0].slip} once more, which counted already"
    if mark.verdict == WRONG and mark.causes and mark.causes[0].slip in DIGITS and not mark.ambiguous:
        return HALF, f"method: {mark.causes[0].slip}"
    return 0.0, mark.causes[0].slip if mark.causes else "wrong"


def points(marking: Marking) -> list[Points]:
    """The points of every answer; a list is worth one, shared among its entries."""
    found = []
    for index, answer in enumerate(marking.answers):
        marks = [mark for mark in marking.marks if mark.answer == index]
        if not marks:
            found.append(Points(answer.name, 0.0, 1.0, marking.problems[index][0]))
            continue
        each = [points_of(mark) for mark in marks]
        worst = min(each, key=lambda pair: pair[0])
        found.append(Points(answer.name, sum(got for got, _ in each) / len(each), 1.0, worst[1]))
    return found


def summary(marking: Marking) -> str:
    """A sentence that a teacher can paste."""
    all_points = points(marking)
    got, of = sum(p.got for p in all_points), sum(p.of for p in all_points)
    said = f"{got:g} of {of:g} points."
    method = [p for p in all_points if p.why.startswith("method") and p.got]
    if method:
        said += f" {len(method)} of them for the method, on numbers that follow or were miscopied."
    first = marking.first
    if first is not None:
        slip = f": {first.causes[0].text}" if first.causes else ""
        either = " (or another slip with the same result)" if first.ambiguous else ""
        said += f" The first wrong step is {first.name} = {first.typed.text}, right is {first.right:.6g}{slip}{either}."
    blank = [p.name for p in all_points if p.why in ("blank", "invalid")]
    if blank:
        said += f" Not marked: {', '.join(blank[:8])}{', …' if len(blank) > 8 else ''}."
    return said


__all__ = ["RIGHT", "Points", "points", "summary"]
