"""Verdicts: each answer against the right number, and against what the person's own numbers before it give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.training import Step, steps
from ..errors import BackhandError, DataError, NumberError, UsageError
from ..explain.ledger import COST, PHASES, Ledger, Quantity
from ..network.build import Problem
from ..network.derive import indices
from ..notation.expr import Ref
from .answers import Answer
from .book import NOISE, Book, Working
from .names import Asked, asked
from .numbers import NotANumber, Typed, read_list, read_number
from .tolerance import Tolerance

RIGHT, ROUNDED, FOLLOWS, WRONG, BLANK, INVALID = "right", "right but rounded", "follows", "wrong", "blank", "invalid"
VERDICTS = (RIGHT, ROUNDED, FOLLOWS, WRONG, BLANK, INVALID)
MOST_EPOCHS, MOST_ENTRIES = 10_000, 200_000


@dataclass(eq=False)
class Mark:
    """One number that was handed in, and what is to be said of it.

    Attributes:
        answer: which answer it belongs to; an answer that is a list has several.
        scale: what one of it counts in the ledger: N for a share of a mean.
        right: the right number, in the answer's own terms.
        own: what follows from the person's own numbers, where that is another one.
        degenerate: it follows from a number that makes it 0, and shows nothing.
        again: it is the slip of an earlier step once more.
        hidden: the slip was made before it, in a step that was not written down.
    """

    answer: int
    step: int
    key: str
    position: int
    typed: Typed
    scale: float
    name: str
    verdict: str = ""
    right: float = float("nan")
    own: float | None = None
    degenerate: bool = False
    again: bool = False
    hidden: bool = False
    causes: tuple[Cause, ...] = ()
    ambiguous: bool = False


@dataclass(frozen=True)
class Cause:
    """What explains a wrong number.

    Attributes:
        slip: its name in the library.
        text: in words.
        gives: the number that it would give.
        at: the name of the step where it happened.
    """

    slip: str
    text: str
    gives: float
    at: str = ""


@dataclass(eq=False)
class Marking:
    """A marked sheet.

    Attributes:
        marks: the numbers that could be marked, in the order given.
        problems: answers that are blank or invalid: index to verdict and what is wrong.
        first: the first wrong mark in the order of the work.
    """

    problem: Problem
    answers: Sequence[Answer]
    tolerance: Tolerance
    working: Working
    marks: list[Mark]
    problems: dict[int, tuple[str, str]]
    ledgers: list[Ledger]
    books: list[Book] = field(default_factory=list)
    clean: list[Book] = field(default_factory=list)
    first: Mark | None = None

    def verdict(self, answer: int) -> str:
        """Of a whole answer: of a list the worst of its entries."""
        if answer in self.problems:
            return self.problems[answer][0]
        found = [mark.verdict for mark in self.marks if mark.answer == answer]
        return max(found, key=VERDICTS.index) if found else INVALID

    def plain(self, step: int) -> Book:
        """The person's own numbers, worked on by the right formulas whatever slips were found."""
        found = self.books[step]
        before = self.plain(step - 1) if step and found.before is not None and found.before.touched else found.before
        return Book(found.ledger, found.working, before, found.written) if found.edits or before else found

    def quantity(self, mark: Mark) -> Quantity:
        return self.ledgers[mark.step][mark.key]

    def order(self) -> list[Mark]:
        """The marks in the order of the work."""
        return sorted(self.marks, key=self._place)

    def _place(self, mark: Mark) -> tuple[Any, ...]:
        """Forward row by row; then the whole cost, back through the network, the updates."""
        place = self.quantity(mark).place
        forward = place[0] < PHASES[COST]
        return mark.step, not forward, mark.position if forward else 0, place, mark.position

    @property
    def all_right(self) -> bool:
        return not self.problems_of(INVALID) and all(m.verdict in (RIGHT, ROUNDED) for m in self.marks)

    def problems_of(self, verdict: str) -> list[int]:
        return [index for index, (found, _) in self.problems.items() if found == verdict]


class Desk:
    """What the marking of many sheets to one network shares: the meaning of names, and the right numbers."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._names: dict[str, Asked | BackhandError] = {}
        self._ledgers: dict[int, list[Ledger]] = {}

    def asked(self, name: str) -> Asked:
        """
        Raises:
            BackhandError: a name that means nothing.
        """
        if name not in self._names:
            try:
                self._names[name] = asked(name, self.problem.network)
            except BackhandError as refusal:
                self._names[name] = refusal
        found = self._names[name]
        if isinstance(found, BackhandError):
            raise found
        return found

    def ledgers(self, epochs: int) -> list[Ledger]:
        if epochs not in self._ledgers:
            self._ledgers[epochs] = [Ledger(self.problem, step) for step in _steps(self.problem, epochs)]
        return self._ledgers[epochs]


def mark(
    problem: Problem,
    answers: Sequence[Answer],
    tolerance: Tolerance | None = None,
    causes: bool = True,
    desk: Desk | None = None,
) -> Marking:
    """Marks answers.

    Raises:
        UsageError, DataError: a sheet without numbers, or far too much to mark.
        NumberError: the sheet itself runs away.
    """
    if problem.network.in_letters:
        raise UsageError("the sheet is in letters, so no number is right or wrong", hint="give its parameters values")
    tolerance, desk = tolerance or Tolerance(), desk or Desk(problem)
    found: list[tuple[int, Answer, Asked]] = []
    problems: dict[int, tuple[str, str]] = {}
    for index, answer in enumerate(answers):
        try:
            what = desk.asked(answer.name)
            if not 1 <= what.epoch <= MOST_EPOCHS:
                raise UsageError(f"epoch {what.epoch} cannot be marked", expected=f"1 to {MOST_EPOCHS:,}")
        except (BackhandError, RecursionError) as refusal:
            problems[index] = (INVALID, getattr(refusal, "message", str(refusal)))
            continue
        if answer.blank:
            problems[index] = (BLANK, "")
        else:
            found.append((index, answer, what))
    last = max((what.epoch for _, _, what in found), default=1)
    ledgers = desk.ledgers(last)
    marks: list[Mark] = []
    for index, answer, what in found:
        try:
            marks += _marks(index, answer, what, ledgers)
        except (BackhandError, NotANumber) as refusal:
            problems[index] = (INVALID, getattr(refusal, "message", str(refusal)))
        if len(marks) > MOST_ENTRIES:
            raise DataError(f"more than {MOST_ENTRIES:,} numbers cannot be marked at once")
    marking = Marking(problem, answers, tolerance, working_of(marks, ledgers), marks, problems, ledgers)
    judge(marking)
    if causes:
        from .causes import explain

        explain(marking)
    return marking


def _steps(problem: Problem, epochs: int) -> list[Step]:
    found = list(steps(problem, epochs))
    if not found:
        raise UsageError(
            "the sheet has inputs and no data, so there is nothing to mark", hint="add `data` and its rows"
        )
    return found


def _step_of(what: Asked, ledgers: Sequence[Ledger]) -> int:
    """Which step an answer is about: the one of its epoch that holds its row; an update is the epoch's last."""
    those = [k for k, ledger in enumerate(ledgers) if ledger.step.epoch == what.epoch]
    if not those:
        raise UsageError(f"there is no epoch {what.epoch}", hint="without a rate there is only epoch 1")
    if what.row is None:
        return those[-1] if what.kind == "new" else those[0]
    for k in those:
        if what.row in ledgers[k].rows:
            return k
    raise UsageError(f"there is no row {what.row}", expected=f"1 to {max(ledgers[those[-1]].rows)}")


def _marks(index: int, answer: Answer, what: Asked, ledgers: Sequence[Ledger]) -> list[Mark]:
    """The numbers of one answer.

    Raises:
        BackhandError, NotANumber: what cannot be marked, and why.
    """
    at = _step_of(what, ledgers)
    ledger = ledgers[at]
    network = ledger.network
    if what.kind in ("own", "cost", "delta", "share", "total", "new") and network.cost is None:
        raise UsageError("the sheet has no cost", hint="add a line such as `cost C = mean((y - yd)^2)`")
    if what.kind == "new" and ledger.step.change is None:
        raise UsageError("nothing is updated: the sheet has no rate", hint="add `rate 0.1`")
    position = ledger.rows.index(what.row) if what.row is not None else 0
    mean = network.cost is not None and network.cost.mean
    scale = float(ledger.count) if what.kind == "share" and mean else 1.0
    shape = () if what.kind in ("own", "cost") else network.shape_of(what.ref.name)[len(what.ref.index) :]
    said = answer.given.strip()
    places: list[tuple[tuple[int, ...], str]] = [((), said)]
    single = bool(shape) and max(shape) == 1
    if shape and not (single and not said.startswith(("[", "("))):
        places = read_list(said)
        if shape[:1] == (1,) and len(shape) == 2 and places and len(places[0][0]) == 1:
            places = [((1, *place), cell) for place, cell in places]
        elif shape[1:] == (1,) and places and len(places[0][0]) == 1:  # a column typed as a list
            places = [((*place, 1), cell) for place, cell in places]
        elif len(shape) == 1 and places and len(places[0][0]) == 2:  # a column typed as a matrix
            places = [((max(place),), cell) for place, cell in places if min(place) == 1]
        if [place for place, _ in places] != indices(shape):
            size = " × ".join(map(str, shape))
            raise UsageError(f"`{what.ref.name}` has {size} entries, and {len(places)} are given")
    elif shape:
        places = [((1,) * len(shape), said)]
    elif said.startswith("["):
        places = read_list(said)
        if len(places) != 1:
            raise UsageError(f"`{what.ref.name}` is one number, and {len(places)} are given")
        places = [((), places[0][1])]
    made = []
    for place, cell in places:
        ref = Ref(what.ref.name, (*what.ref.index, *place))
        key = _key(what, ref, ledger)
        by_row = ledger[key].by_row
        name = f"{answer.name}[{','.join(map(str, place))}]" if len(places) > 1 else answer.name
        made.append(Mark(index, at, key, position if by_row else 0, read_number(cell), scale, name))
    return made


def _key(what: Asked, ref: Ref, ledger: Ledger) -> str:
    match what.kind:
        case "value":
            return ledger.value(ref)
        case "own":
            return ledger.own()
        case "cost":
            return ledger.cost()
        case "delta" | "share":
            return ledger.delta(ref)
        case "total":
            return ledger.total(ref)
        case "new":
            return ledger.new(ref)
    of = what.of
    assert of is not None
    if ledger.shapes(of.name)[len(of.index) :]:
        raise UsageError(f"`{of.name}` has several entries", hint=f"d{of.name}[1]/d…")
    if not ledger.network.nodes[of.name].is_equation:
        raise UsageError(f"`{of.name}` has no formula, so it has no derivative")
    return ledger.local(of, ref)


def working_of(marks: Sequence[Mark], ledgers: Sequence[Ledger]) -> Working:
    """To what the person rounds, found from the numbers that needed rounding."""
    shown, close = [], []
    for one in marks:
        right = float(_at(ledgers[one.step].exact(one.key), one.position)) / one.scale
        off = abs(one.typed.value - right)
        if one.typed.unit > 0 and off > NOISE * abs(right):
            shown.append(one.typed)
            if off <= 0.51 * one.typed.unit:
                close.append(one.typed)
    if not shown:
        return Working()
    if not close:  # all of them are wrong: the one with the most figures says the most
        return Working(max(2, *(typed.figures for typed in shown)))
    shown = close
    figures = sorted(typed.figures for typed in shown)
    decimals = Counter(typed.decimals for typed in shown)
    common, times = decimals.most_common(1)[0]
    spread = {len(str(int(abs(typed.value)))) if abs(typed.value) >= 1 else 0 for typed in shown}
    if common is not None and len(shown) > 3 and times > 0.7 * len(shown) and len(spread) > 1:
        return Working(figures[len(figures) // 2], common)
    return Working(max(2, figures[len(figures) // 2]))


def _at(numbers: np.ndarray, position: int) -> float:
    return float(numbers[min(position, len(numbers) - 1)])


def judge(marking: Marking, edits: dict[int, dict[str, object]] | None = None) -> None:
    """Gives every mark its verdict, in the order of the work.

    Args:
        edits: slips that were found: for each step, formulas in place of the right ones.
    """
    own: list[Book] = []
    clean: list[Book] = []
    for k, ledger in enumerate(marking.ledgers):
        own.append(Book(ledger, marking.working, own[-1] if own else None, edits=dict((edits or {}).get(k, {}))))  # type: ignore[arg-type]
        clean.append(Book(ledger, marking.working, clean[-1] if clean else None))
    marking.books, marking.clean, marking.first = own, clean, None
    # all rows of a number before what is worked from it
    for one in sorted(marking.marks, key=lambda m: (m.step, marking.quantity(m).place, m.position)):
        _judge(marking, one)
    marking.first = next((one for one in marking.order() if one.verdict == WRONG), None)


def _judge(marking: Marking, one: Mark) -> None:
    own, clean, scale = marking.books[one.step], marking.clean[one.step], one.scale
    right = _at(own.ledger.exact(one.key), one.position)
    one.right, one.own, one.degenerate = right / scale, None, False
    given = one.typed.value * scale
    half = marking.tolerance.half(one.typed, one.right) * scale
    off = abs(given - right)
    if off <= half:
        one.verdict = RIGHT
    else:
        found = own.predicted(one.key)
        expected, spread = _at(found.numbers, one.position), _at(found.spread, one.position)
        tainted = bool(_at(found.tainted, one.position))
        near = abs(given - expected) <= spread + half + NOISE * abs(expected)
        one.verdict = WRONG
        if near:
            one.verdict = FOLLOWS if tainted else ROUNDED
            off = abs(given - expected)
        if tainted:
            one.own = expected / scale
            straight = clean.predicted(one.key)
            expected, spread = _at(straight.numbers, one.position), _at(straight.spread, one.position)
            aside = abs(given - expected)
            if aside <= spread + half + NOISE * abs(expected) and not (near and off <= aside):
                one.verdict, off = ROUNDED, aside
            elif near and given == 0 and right != 0:
                one.degenerate = True
    if abs(given - right) <= NOISE * abs(right):  # to the last digit: nothing was rounded
        half = off = 0.0
    wrong = one.verdict in (WRONG, FOLLOWS)
    own.write(one.key, one.position, given, half if wrong else half + off, wrong)
    if not wrong:
        clean.write(one.key, one.position, given, half + off, False)


__all__ = ["Cause", "Mark", "Marking", "NumberError", "Tolerance", "judge", "mark"]
