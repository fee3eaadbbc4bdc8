"""The same network from many starting values, all trained at once."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from ..network.build import Problem
from .dense import Progress
from .graph import GraphNet
from .reference import Array, starting_values


@dataclass(frozen=True, eq=False)
class Sweep:
    """What a sweep gave.

    Attributes:
        seeds: of the starting values, in order.
        costs: each network's cost before its last update; nan or inf where its numbers ran away.
        steps: updates of each network, each over all rows.
        seconds: how long the training took.
        parameters: the best network's, by name.
    """

    problem: Problem
    seeds: tuple[int, ...]
    costs: Array
    steps: int
    seconds: float
    parameters: dict[str, Array]

    @property
    def best(self) -> int:
        """The place of the network with the smallest cost."""
        return int(np.argmin(np.where(np.isfinite(self.costs), self.costs, np.inf)))


def sweep(
    problem: Problem, seeds: range, steps: int, dtype: str = "float32", threads: int | None = None,
    progress: Progress | None = None,
) -> Sweep:  # fmt: skip
    """Trains the sheet's network once for each seed of its `start` line, with full batches.

    Raises:
        UsageError: no `start` line that draws, no rate, or a network that the tape does not take.
    """
    if problem.draw is None:
        raise UsageError(
            "there is nothing to draw: the sheet has no `start` line with a seed", hint="start xavier seed 1"
        )
    if problem.plan.rate is None:
        raise UsageError("a sweep trains, and the sheet has no rate", hint="rate 0.1")
    nets = GraphNet(problem, len(seeds), dtype, threads)
    start = dict(starting_values(problem.network))
    for number, seed in enumerate(seeds):
        drawn = {**start, **problem.draw(seed)}
        nets.parameters[:, number] = [drawn[r.name][r.place] for r in nets.parameters_in_order]
    began = time.perf_counter()
    costs = nets.train(steps, progress)
    seconds = time.perf_counter() - began
    costs = np.where(np.isfinite(nets.parameters).all(axis=0), costs, np.nan)  # the last update may run away too
    found = Sweep(problem, tuple(seeds), np.asarray(costs, np.float64), steps, seconds, {})
    found.parameters.update(nets.get(found.best))
    return found
