"""The moment of a training that the page asks for, and the cost on the way there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from ..engine.replay import course
from ..engine.run import Run, run
from ..engine.training import REFERENCE, Point, has_rows, steps
from ..engine.training import Step as Moment
from ..errors import NumberError, UsageError
from ..network.build import Problem
from .asked import MOST_EPOCHS, SCHEMA, Answer, Asked, opened, sheet_text, whole

MOST_POINTS = 600  # of a curve
KEPT = 20_000  # numbers of a run, with no more of which the reference engine works it all
PLACES = 128  # from which such a run can be taken up again
WHOLE = 10**7  # so many steps at most

Costs = list[tuple[int, int, int, float]]  # step, epoch, batch, cost
Window = tuple[int, int] | None  # the first and the last step of a history; None is all of them


@dataclass(frozen=True, eq=False)
class Worked:
    """What was worked of a training.

    Attributes:
        run: with the one step that is asked for; none of a sheet in letters or without rows.
        history: the cost at some steps.
        steps: how many steps the whole training has.
        epochs: how many epochs it has: fewer than were asked for, where the numbers run away.
        failure: why it ends there.
        engine: what brought it to the moment's epoch, where that was a fast engine.
    """

    run: Run
    history: Costs
    steps: int
    epochs: int = 1
    failure: NumberError | None = None
    engine: str | None = None

    @property
    def each(self) -> int:
        """Steps of an epoch."""
        return max(1, self.steps // self.epochs)

    @property
    def moment(self) -> Moment | None:
        return self.run.steps[0] if self.run.steps else None


def worked(asked: Asked, window: Window = None) -> Worked:
    """The training of as many epochs as are asked for, and of its steps the one that is asked for.

    Raises:
        NumberError: numbers that run away in the first epoch.
    """
    text = sheet_text(asked)
    _sheet, problem = opened(text)
    network, plan = problem.network, problem.plan
    if network.in_letters or not has_rows(problem):
        return Worked(Run((), (), {}, None, 0), [], 0)
    epochs, wanted = whole(asked, "epochs", 1, MOST_EPOCHS), whole(asked, "step", 1, WHOLE)
    large = epochs * _size(problem) > KEPT
    if plan.rate is None or network.cost is None or not network.parameters or (large and epochs == 1):
        done = run(problem)
        at = min(wanted, len(done.steps)) - 1
        chosen = replace(done, steps=done.steps[at : at + 1])
        return Worked(chosen, thinned(done.history, window), len(done.history), failure=done.failure)
    if large:
        try:
            return _fast(text, epochs, wanted, window)
        except UsageError:  # the reference engine takes everything
            return _Course(problem).moment(epochs, wanted, window)
    return _course_of(text).moment(epochs, wanted, window)


def _size(problem: Problem) -> int:
    """Numbers worked in an epoch."""
    return problem.network.parameter_count + _rows(problem) * len(problem.network.nodes)


def _rows(problem: Problem) -> int:
    return problem.table.rows if problem.table else 1


@lru_cache(maxsize=256)
def _course_of(text: str) -> _Course:
    return _Course(opened(text)[1])


class _Course:
    """A training as far as it was asked for: whoever looks at one moment of it looks at others, and goes on."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.each = len(problem.plan.batches(_rows(problem)))
        self.history: list[tuple[int, int, float]] = []  # of whole epochs
        self.last: Point | None = None
        self.places: dict[int, Point | None] = {0: None}  # after so many epochs
        self.every = 1
        self.failure: NumberError | None = None

    def moment(self, epochs: int, wanted: int, window: Window) -> Worked:
        """One step of it, and the costs up to so many epochs, or up to where the numbers run away."""
        self.go_on(epochs)
        known = len(self.history) // self.each
        if not known and self.failure is not None:
            raise self.failure
        epochs, failure = min(epochs, known), self.failure if epochs > known else None
        count = epochs * self.each
        epoch, batch = divmod(min(wanted, count) - 1, self.each)
        done = _epoch(self, epoch)
        if epoch + 1 == epochs:
            failure = failure or done.failure
        chosen = replace(done, steps=done.steps[batch : batch + 1])
        return Worked(chosen, thinned(tuple(self.history[:count]), window), count, epochs, failure)

    def go_on(self, epochs: int) -> None:
        """So many epochs in all; what of an epoch is worked before the numbers run away in it does not count."""
        more = epochs - len(self.history) // self.each
        if more < 1 or self.failure is not None:
            return
        costs: list[tuple[int, int, float]] = []
        try:
            for step in steps(self.problem, more, self.last):
                costs.append((step.epoch, step.batch, step.tape.cost))
                if step.batch == self.each and step.change is not None:
                    change = step.change
                    self.history += costs
                    costs = []
                    self.keep(Point(step.epoch, change.t, change.after, change.state, REFERENCE))
        except NumberError as failure:
            self.failure = failure

    def keep(self, point: Point) -> None:
        self.last = point
        if point.epochs % self.every == 0:
            self.places[point.epochs] = point
        if len(self.places) > PLACES:
            self.every *= 2
            self.places = {k: found for k, found in self.places.items() if k % self.every == 0}


@lru_cache(maxsize=8)
def _epoch(training: _Course, epoch: int) -> Run:
    """One epoch with all its numbers: a page asks for more than one thing of it."""
    place = max(k for k in training.places if k <= epoch)
    return run(
        training.problem, epoch - place + 1, start=training.places[place], keep=lambda _, at: at == epoch + 1
    )  # fmt: skip


@lru_cache(maxsize=16)
def _fast(text: str, epochs: int, wanted: int, window: Window) -> Worked:
    """The same, brought to the moment's epoch by a fast engine; the moment itself is the reference engine's.

    Raises:
        UsageError: no fast engine takes the sheet.
    """
    _sheet, problem = opened(text)
    try:
        return _brought(problem, epochs, wanted, window)
    except NumberError as problem_found:
        epochs, failure = _last_good(problem, epochs), problem_found
    if not epochs:
        return _course_of(text).moment(1, wanted, window)
    _, point = course(problem, epochs, epochs, (epochs, epochs), 1)
    try:
        run(problem, 10, start=point)
    except NumberError as named:  # the reference engine says where
        failure = named
    return replace(_brought(problem, epochs, wanted, window), failure=failure)


def _brought(problem: Problem, epochs: int, wanted: int, window: Window) -> Worked:
    """
    Raises:
        NumberError: numbers that run away; UsageError: no fast engine takes the sheet.
    """
    each = len(problem.plan.batches(_rows(problem)))
    count = epochs * each
    epoch, batch = divmod(min(wanted, count) - 1, each)
    first, last = (min(step, count) for step in window or (1, count))
    part = ((first - 1) // each + 1, (last - 1) // each + 1)
    costs, point = course(problem, epochs, epoch + 1, part, MOST_POINTS)
    done = run(problem, 1, start=point)
    history = [(found * each, found, each, cost) for found, cost in costs]
    engine = point.engine if point else None
    return Worked(replace(done, steps=done.steps[batch : batch + 1]), history, count, epochs, engine=engine)


def _last_good(problem: Problem, epochs: int) -> int:
    """After how many epochs all numbers are still finite; 0 where they never are."""
    good, bad = 0, epochs
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            _, point = course(problem, middle, middle, (middle, middle), 1)
            run(problem, 1, start=point)
            good = middle
        except NumberError:
            bad = middle
    return good


def thinned(history: tuple[tuple[int, int, float], ...], window: Window = None) -> Costs:
    """Step, epoch, batch and cost; of many steps some, the last one among them."""
    first, last = window or (1, len(history))
    some = history[max(first, 1) - 1 : last]
    size = max(1, len(some) // MOST_POINTS)
    return [(max(first, 1) + k, *one) for k, one in enumerate(some) if k % size == 0 or k == len(some) - 1]


def history_answer(asked: Asked) -> Answer:
    """The cost over a part of a training.

    Args:
        asked: text, epochs; from and to, in steps.
    """
    window = (whole(asked, "from", 1, WHOLE), whole(asked, "to", 1, WHOLE))
    if window[0] >= window[1]:
        raise UsageError(f"from step {window[0]} to step {window[1]}", expected="a first step, then a later one")
    return {"schema": SCHEMA, "history": worked(asked, window).history}
