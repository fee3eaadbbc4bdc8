"""Whole runs: K epochs, or down until the gradient is as good as 0; what is kept of them is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import NumberError, UsageError
from ..network.build import Problem
from .reference import Array, Gradients, Tape, starting_values
from .training import Point, Step, has_rows, largest, steps, whole_data

Progress = Callable[[int, int, float], None]  # epochs done, epochs wanted, cost
MAX_EPOCHS = 10_000


@dataclass(frozen=True, eq=False)
class Run:
    """What a run gave.

    Attributes:
        steps: the kept steps, in order.
        history: (epoch, step in the epoch, cost before the update) of every step.
        after: forward (and back) over all rows at the last weights; None where nothing was updated.
        reached: for a descent, the largest |∂C/∂w| at the end.
        stopped: for a descent, whether it got below the tolerance.
        failure: why there is no `after`, where the numbers run away only there: every step of the run is good.
        start: where the run took up the training; None at the sheet's starting values.
    """

    steps: tuple[Step, ...]
    history: tuple[tuple[int, int, float], ...]
    parameters: Mapping[str, Array]
    after: tuple[Tape, Gradients | None] | None
    epochs: int
    tolerance: float | None = None
    reached: float = 0.0
    stopped: bool = True
    failure: NumberError | None = None
    start: Point | None = None

    @property
    def first_epoch(self) -> int:
        return self.start.epochs + 1 if self.start else 1


def run(
    problem: Problem,
    epochs: int = 1,
    *,
    until: float | None = None,
    keep: Callable[[int, int], bool] = lambda count, epoch: True,
    progress: Progress | None = None,
    start: Point | None = None,
) -> Run:
    """Works a problem for some epochs.

    Args:
        epochs: how many; with `until`, the most there may be.
        until: stop before the epoch in which no |∂C/∂parameter| of the whole data is above this.
        keep: given the number of the step (from 1) and its epoch, whether every number of it is kept.
        progress: called after each epoch.
        start: where to go on.
    Raises:
        UsageError: a descent without rate or cost.
        NumberError: numbers that run away, naming node, row, epoch and step.
    """
    if until is not None and (problem.plan.rate is None or problem.network.cost is None):
        hint = "add `rate 0.1` to the sheet" if problem.plan.rate is None else None
        raise UsageError("descending needs a cost and a rate", hint=hint)
    if not has_rows(problem):
        return Run((), (), starting_values(problem.network), None, 0)
    kept: list[Step] = []
    history: list[tuple[int, int, float]] = []
    parameters: Mapping[str, Array] = start.parameters if start else starting_values(problem.network)
    last_epoch, size, stopped = 0, float("inf"), until is None
    whole_step = problem.plan.mode == "batch"
    last: Step | None = None
    for count, step in enumerate(steps(problem, epochs, start), 1):
        if until is not None and step.batch == 1:
            gradients = step.gradients if whole_step else whole_data(problem, step.tape.parameters)[1]
            assert gradients is not None
            size = largest(gradients.totals)
            if size <= until:
                stopped = True
                break
        history.append((step.epoch, step.batch, step.tape.cost if problem.network.cost else 0.0))
        if keep(count, step.epoch):
            kept.append(step)
        last = step
        if step.change:
            parameters = step.change.after
        if progress and step.epoch != last_epoch:
            progress(step.epoch, epochs, history[-1][2])
        last_epoch = step.epoch
    if last is not None and kept and kept[-1] is not last:
        kept.append(last)
    after, failure = None, None
    if last is not None and last.change:
        try:
            after = whole_data(problem, parameters)
            if until is not None and not stopped and after[1] is not None:
                size = largest(after[1].totals)
                stopped = size <= until
        except NumberError as found:
            found.message += f" (after epoch {last_epoch})"
            after, failure = None, found
    return Run(tuple(kept), tuple(history), parameters, after, last_epoch, until, size, stopped, failure, start)
