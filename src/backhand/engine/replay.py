"""A training taken up after many epochs: the epochs before are worked fast, or as the reference engine works them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from ..errors import NumberError, UsageError
from ..network.build import Problem
from ..ops.updates import RULES
from .choice import open_engine
from .compiled import library, missing_library
from .dense import Parameters
from .fast import dense_problem
from .graph import GraphNet
from .reference import Array
from .training import REFERENCE, Point, steps

SMALL = 100  # weights up to which the tape is faster than the dense engine
Progress = Callable[[int, int, float], None]


class SheetNet(Protocol):
    """A sheet's network in a fast engine."""

    name: str

    def train(self, epochs: int, progress: Progress | None = None) -> None:
        """As the sheet's plan says.

        Raises:
            NumberError: a cost that is no longer finite.
        """

    def parameters(self) -> Mapping[str, Array]:
        """By the sheet's names."""

    def state(self) -> Mapping[str, Mapping[str, Array]]:
        """What the update rule keeps: {"v": {"w1": …}}."""

    @property
    def updates(self) -> int: ...


class _Dense:
    def __init__(self, problem: Problem, dtype: str, threads: int | None) -> None:
        self._problem, self._letters = dense_problem(problem), RULES[problem.plan.rule].state
        self._net = open_engine(self._problem.plan, dtype, threads)
        self._net.put(self._problem.parameters)
        self.name = self._net.name

    def train(self, epochs: int, progress: Progress | None = None) -> None:
        found = self._problem
        self._net.train(found.inputs, found.targets, batch=found.batch, epochs=epochs, progress=progress)

    def parameters(self) -> Mapping[str, Array]:
        return self._named(self._net.get())

    def _named(self, parameters: Parameters) -> Mapping[str, Array]:
        return self._problem.named(parameters)

    def state(self) -> Mapping[str, Mapping[str, Array]]:
        kept, _ = self._net.get_state()
        return {letter: self._named(values) for letter, values in zip(self._letters, kept, strict=True)}

    @property
    def updates(self) -> int:
        return self._net.get_state()[1]


class _Tape:
    def __init__(self, problem: Problem, dtype: str, threads: int | None) -> None:
        rows = problem.table.rows if problem.table is not None else 1
        sizes = [len(rows_of_step) for rows_of_step in problem.plan.batches(rows)]
        self._net, self._steps = GraphNet(problem, 1, dtype, threads, batch=sizes[0]), len(sizes)
        self.name = f"compiled tape, {self._net.instruction_set}, {dtype}"

    def train(self, epochs: int, progress: Progress | None = None) -> None:
        each = self._steps
        self._net.train(
            epochs * each, (lambda done, of, cost: progress(done // each, of // each, cost)) if progress else None
        )

    def parameters(self) -> Mapping[str, Array]:
        return self._net.get()

    def state(self) -> Mapping[str, Mapping[str, Array]]:
        return self._net.state()

    @property
    def updates(self) -> int:
        return self._net.count


def open_sheet(problem: Problem, dtype: str = "float64", threads: int | None = None) -> SheetNet:
    """A sheet's network in the engine that is fastest for it: dense layers in blocks, anything else on the tape.

    Raises:
        UsageError: no data, no cost or no rate; or no compiled engine, and layers that are no plain dense ones.
    """
    if problem.plan.rate is None:
        raise UsageError("nothing is trained: the sheet has no rate", hint="add `rate 0.1` to the sheet")
    small = sum(len(list(node.entries())) for node in problem.network.parameters) <= SMALL
    if small and library() is not None:
        return _Tape(problem, dtype, threads)
    try:
        return _Dense(problem, dtype, threads)
    except UsageError as refusal:
        if library() is None:
            raise missing_library(f"{refusal.message}; only the compiled engine takes it, which is not here") from None
        return _Tape(problem, dtype, threads)


def course(
    problem: Problem, epochs: int, wanted: int, window: tuple[int, int], most: int
) -> tuple[list[tuple[int, float]], Point | None]:
    """The cost in some epochs of a training, and where it stands before one of them, by a fast engine in one go.

    Args:
        epochs: how many are trained.
        wanted: the epoch before which it is told where the training stands; None before the first.
        window: the first and the last epoch whose cost is told.
        most: so many costs at most, and the last one.
    Returns:
        (epoch, cost of its last step before the update), and the point.
    Raises:
        UsageError: the fast engines do not take the sheet, or only with the mean cost of an epoch's batches.
        NumberError: numbers that run away.
    """
    net = open_sheet(problem)
    if isinstance(net, _Dense) and problem.plan.mode != "batch":
        raise UsageError("the engine for dense layers tells the cost of an epoch, not of a step")
    first, last = window
    told = {*range(first, last, max(1, -(-(last - first) // most))), last}
    costs: list[float] = []
    found: list[tuple[int, float]] = []
    point: Point | None = None
    done = 0
    for stop in sorted({*told, wanted - 1, epochs} - {0}):
        net.train(stop - done, lambda count, of, cost: costs.append(cost))
        done = stop
        if stop in told:
            found.append((stop, costs[-1]))
        if stop == wanted - 1:
            point = _standing(net, stop)
    return found, point


def _standing(net: SheetNet, epochs: int) -> Point:
    """Where a fast engine's training stands.

    Raises:
        NumberError: a parameter that is no longer finite.
    """
    found = net.parameters()
    away = [name for name, value in found.items() if not np.isfinite(value).all()]
    if away:
        raise NumberError(
            f"`{away[0]}` is no longer finite after {epochs:,} epochs", expected="a finite number",
            hint="a smaller rate; without --fast the epoch and the row are named",
        )  # fmt: skip
    return Point(epochs, net.updates, found, net.state(), f"fast engine ({net.name})")


def point_after(problem: Problem, epochs: int, fast: bool = False, progress: Progress | None = None) -> Point | None:
    """Where a sheet's training stands after some epochs; None after none of them.

    Args:
        fast: by a fast engine in float64, whose numbers are the reference engine's but for rounding. Rules that divide
            a gradient by its own size (adam, adamw, rmsprop, adagrad) make steps of it where a gradient would be 0.
    Raises:
        UsageError: there is nothing to train, or the fast engines do not take the sheet.
        NumberError: numbers that run away.
    """
    if epochs < 1:
        return None
    if problem.plan.rate is None:
        raise UsageError("without a rate there is only epoch 1", hint="add `rate 0.1` to the sheet")
    if fast:
        net = open_sheet(problem)
        net.train(epochs, progress)
        return _standing(net, epochs)
    last: Point | None = None
    done = 0
    for step in steps(problem, epochs):
        if step.change is not None:
            change = step.change
            last = Point(epochs, change.t, change.after, change.state, REFERENCE)
        if progress and step.epoch != done:
            done = step.epoch
            progress(done, epochs, step.tape.cost)
    return last
