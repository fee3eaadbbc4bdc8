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
KEPT = 20_000  # numbers of a run, with no more of which all its steps are kept
WHOLE = 10**7  # so many steps at most

Costs = list[tuple[int, int, int, float]]  # step, epoch, batch, cost


@dataclass(frozen=True, eq=False)
class Worked:
    """What was worked of a training.

    Attributes:
        run: with the one step that is asked for; none of a sheet in letters or without rows.
        history: the cost at some steps.
        steps: how many steps the whole training has.
        engine: what brought it to the moment's epoch, where that was a fast engine.
    """

    run: Run
    history: Costs
    steps: int
    engine: str | None = None

    @property
    def moment(self) -> Moment | None:
        return self.run.steps[0] if self.run.steps else None


def worked(asked: Asked, window: tuple[int, int] | None = None) -> Worked:
    """The training of as many epochs as are asked for, and of its steps the one that is asked for.

    Args:
        window: the first and the last step of the history; all of them.
    Raises:
        NumberError: numbers that run away before that.
    """
    _sheet, problem = opened(sheet_text(asked))
    if problem.network.in_letters or not has_rows(problem):
        return Worked(Run((), (), {}, None, 0), [], 0)
    epochs, wanted = whole(asked, "epochs", 1, MOST_EPOCHS), whole(asked, "step", 1, WHOLE)
    rows = problem.table.rows if problem.table else 1
    size = problem.network.parameter_count + rows * len(problem.network.nodes)
    if epochs * size <= KEPT:
        return _Course.of(sheet_text(asked)).moment(epochs, wanted, window)
    if epochs > 1 and problem.plan.rate is not None:
        try:
            return _fast(sheet_text(asked), epochs, wanted, window)
        except (UsageError, NumberError):
            pass  # the reference engine takes everything, and names the row where numbers run away
    done = run(problem, epochs, keep=lambda count, epoch: count == wanted)
    # the last step is kept beside the one that is wanted
    return Worked(replace(done, steps=done.steps[:1]), thinned(done.history, window), len(done.history))


class _Course:
    """A training as far as it was asked for: whoever looks at one moment of it looks at others, and goes on."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.each = len(problem.plan.batches(problem.table.rows if problem.table else 1)) if problem.plan.rate else 1
        self.points: list[Point | None] = [None]  # before each epoch
        self.history: list[tuple[int, int, float]] = []

    @staticmethod
    @lru_cache(maxsize=512)
    def of(text: str) -> _Course:
        return _Course(opened(text)[1])

    def moment(self, epochs: int, wanted: int, window: tuple[int, int] | None) -> Worked:
        """One step of it, and the costs up to so many epochs."""
        network, plan = self.problem.network, self.problem.plan
        if plan.rate is None or network.cost is None or not network.parameters:
            done = run(self.problem)
            at = min(wanted, len(done.steps)) - 1
            return Worked(replace(done, steps=done.steps[at : at + 1]), thinned(done.history), len(done.history))
        more = epochs - len(self.history) // self.each
        for step in steps(self.problem, more, self.points[-1]) if more > 0 else ():
            self.history.append((step.epoch, step.batch, step.tape.cost))
            if step.change is not None and step.batch == self.each:
                change = step.change
                self.points.append(Point(step.epoch, change.t, change.after, change.state, REFERENCE))
        count = epochs * self.each
        epoch, batch = divmod(min(wanted, count) - 1, self.each)
        done = run(self.problem, 1, start=self.points[epoch])
        last = replace(done, steps=done.steps[batch : batch + 1], failure=done.failure if epoch + 1 == epochs else None)
        return Worked(last, thinned(tuple(self.history[:count]), window), count)


@lru_cache(maxsize=16)
def _fast(text: str, epochs: int, wanted: int, window: tuple[int, int] | None) -> Worked:
    """The same, brought to the moment's epoch by a fast engine; the moment itself is the reference engine's."""
    _sheet, problem = opened(text)
    each = len(problem.plan.batches(problem.table.rows if problem.table else 1))
    steps = epochs * each
    at = min(wanted, steps)
    epoch, batch = divmod(at - 1, each)
    first, last = window or (1, steps)
    part = (_epoch_of(min(first, steps), each), _epoch_of(min(last, steps), each))
    costs, point = course(problem, epochs, epoch + 1, part, MOST_POINTS)
    done = run(problem, 1, start=point)
    history = [(found * each, found, each, cost) for found, cost in costs]
    return Worked(replace(done, steps=done.steps[batch : batch + 1]), history, steps, point.engine if point else None)


def _epoch_of(step: int, each: int) -> int:
    return (max(step, 1) - 1) // each + 1


def thinned(history: tuple[tuple[int, int, float], ...], window: tuple[int, int] | None = None) -> Costs:
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
