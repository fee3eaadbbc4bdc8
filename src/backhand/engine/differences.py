"""Gradients by differences: slow, independent of the chain rule, and therefore a check on it (S9)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from ..network.build import Problem
from ..network.graph import Network
from ..notation.expr import Ref
from .reference import Array, forward, starting_values
from .training import has_rows, whole_data

ONE_SIDED = 1e-6


@dataclass(frozen=True)
class Compared:
    """One partial, three ways: one-sided (J(w + ε) - J(w))/ε, central differences, and back-propagation."""

    name: Ref
    one_sided: float
    central: float
    step: float
    backprop: float


def central_step(value: float) -> float:
    """A step that balances rounding against curvature: ∛(machine ε)·max(1, |w|), made exact in binary."""
    step = float(np.finfo(float).eps ** (1 / 3)) * max(1.0, abs(value))
    return (value + step) - value


class Costs:
    """The whole cost as a function of the parameters."""

    def __init__(self, problem: Problem) -> None:
        self.network: Network = problem.network
        self.columns = problem.table.columns if problem.table else None
        self.rows = range(problem.table.rows) if problem.table else None
        self.passes = 0

    def __call__(self, parameters: Mapping[str, Array]) -> float:
        self.passes += 1
        return forward(self.network, parameters, self.columns, self.rows).cost


def moved(parameters: Mapping[str, Array], ref: Ref, by: float) -> dict[str, Array]:
    """The parameters with one entry changed."""
    changed = dict(parameters)
    array = np.array(changed[ref.name])
    array[ref.place] += by
    changed[ref.name] = array
    return changed


def compare(problem: Problem, epsilon: float = ONE_SIDED, chosen: list[Ref] | None = None) -> Iterator[Compared]:
    """Every partial (or the chosen ones) three ways.

    Raises:
        UsageError: no cost, no data, no parameters, or a sheet in letters.
    """
    network = problem.network
    if network.cost is None or not has_rows(problem) or not network.parameters:
        missing = "a cost" if network.cost is None else "data" if network.parameters else "parameters"
        lacks = missing.removeprefix("a ")
        raise UsageError(f"there is no gradient to check: the sheet has no {lacks}", expected=missing)
    parameters = starting_values(network)
    _, gradients = whole_data(problem, parameters)
    assert gradients is not None
    cost = Costs(problem)
    base = cost(parameters)
    for ref in chosen if chosen is not None else [r for p in network.parameters for r in p.entries()]:
        at = ref.place
        value = float(parameters[ref.name][at])
        step = central_step(value)
        above, below = cost(moved(parameters, ref, step)), cost(moved(parameters, ref, -step))
        one_sided = (cost(moved(parameters, ref, epsilon)) - base) / epsilon
        central, ours = (above - below) / (2 * step), float(gradients.totals[ref.name][at])
        yield Compared(ref, one_sided, central, step, ours)


@dataclass(frozen=True)
class Price:
    """What a gradient costs for a network of some size, by differences and by back-propagation.

    `measured` forward passes were run; the time of all is their mean times the number needed.
    """

    factor: int
    weights: int
    one_sided_passes: int
    central_passes: int
    seconds_per_pass: float
    backprop_seconds: float
    measured: int


def price(problem: Problem, factor: int, budget: float = 0.6) -> Price:
    """Times forward passes and one back-propagation of a problem, within a time budget in seconds."""
    parameters = starting_values(problem.network)
    cost = Costs(problem)
    count = problem.network.parameter_count
    cost(parameters)
    started, measured = time.perf_counter(), 0
    while measured < 3 or (measured < count + 1 and time.perf_counter() - started < budget / 2):
        cost(parameters)
        measured += 1
    per_pass = (time.perf_counter() - started) / measured
    best = float("inf")
    begun = time.perf_counter()
    for _ in range(20):
        start = time.perf_counter()
        _, gradients = whole_data(problem, parameters)
        assert gradients is not None
        _ = gradients.totals
        best = min(best, time.perf_counter() - start)
        if time.perf_counter() - begun > budget / 2:
            break
    return Price(factor, count, count + 1, 2 * count, per_pass, best, measured)
