"""Updates, step by step: every number of a step can be kept, and a long run costs no more than it must."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ..errors import NumberError
from ..network.build import Problem
from ..network.graph import Network, Plan
from ..notation.expr import Partial, Ref
from ..ops.evaluate import evaluate
from ..ops.updates import RULES, Rule
from .program import Program
from .reference import Array, Gradients, Tape, backward, forward, frozen, starting_values

REFERENCE = "reference engine"
NO_STATE: Mapping[str, Mapping[str, Array]] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Change:
    """One update of all parameters, at the old weights.

    Attributes:
        lines: for each parameter, what each line of the rule gave (v, m̂, w …), in the order of work.
        state: what is kept for the next step: {"v": {"w1": …}}; `t` counts the updates.
        before, after: the parameters.
    """

    rule: Rule
    rate: float
    settings: Mapping[str, float]
    old_state: Mapping[str, Mapping[str, Array]]
    state: Mapping[str, Mapping[str, Array]]
    t: int
    lines: Mapping[str, Mapping[str, Array]]
    before: Mapping[str, Array]
    after: Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class Point:
    """Where a training stands between two epochs.

    Attributes:
        epochs, updates: so far.
        state: what the rule keeps: {"v": {"w1": …}}.
        engine: which one worked them.
    """

    epochs: int
    updates: int
    parameters: Mapping[str, Array]
    state: Mapping[str, Mapping[str, Array]]
    engine: str


@dataclass(frozen=True, eq=False)
class Step:
    """One step: forward, cost, backward, update, for the rows of one batch."""

    epoch: int
    batch: int
    tape: Tape
    gradients: Gradients | None
    change: Change | None


def settings_of(plan: Plan) -> dict[str, float]:
    """The numbers of the update rule: those given, then the rule's defaults."""
    named = RULES[plan.rule].settings
    given = list(plan.settings) + [default for _, default in named[len(plan.settings) :]]
    return {name: float(value or 0.0) for (name, _), value in zip(named, given, strict=True)}


def update(
    plan: Plan,
    parameters: Mapping[str, Array],
    totals: Mapping[str, Array],
    state: Mapping[str, Mapping[str, Array]],
    t: int,
) -> Change:
    """One update by the plan's rule; `t` is the number of this update, from 1.

    Raises:
        NumberError: a weight that is no longer finite.
    """
    assert plan.rate is not None
    rule, settings = RULES[plan.rule], settings_of(plan)
    numbers = {"η": plan.rate, "t": float(t), **settings}
    lines: dict[str, dict[str, Array]] = {}
    for name, weights in parameters.items():
        known: dict[str, Array] = {key: np.array([value]) for key, value in numbers.items()}
        known["w"], known["g"] = weights[None], totals[name][None]
        for letter in rule.state:
            kept = state.get(letter, {}).get(name)
            known[letter] = (kept if kept is not None else np.zeros(weights.shape))[None]
        worked: dict[str, Array] = {}

        def lookup(leaf: Ref | Partial, known: dict[str, Array] = known) -> Array:
            assert type(leaf) is Ref
            return known[leaf.name]

        with np.errstate(all="ignore"):
            for letter, formula in rule.lines:
                known[letter] = evaluate(formula, lookup)
                worked[letter] = frozen(known[letter][0])
        if not np.isfinite(worked["w"]).all():
            raise NumberError(
                f"`{name}` is no longer finite after update {t}",
                expected="a finite number",
                hint="ε is 0, and where the gradients are 0 the rule divides 0 by 0; try 1e-8"
                if settings.get("ε") == 0 and np.isnan(worked["w"]).any()
                else f"the rate {plan.rate:g} is too large for these gradients; try {plan.rate / 10:g}",
            )
        lines[name] = worked
    new_state = {letter: {name: lines[name][letter] for name in parameters} for letter in rule.state}
    after = {name: lines[name]["w"] for name in parameters}
    return Change(rule, plan.rate, settings, state, new_state, t, lines, parameters, after)


def steps(problem: Problem, epochs: int = 1, start: Point | None = None) -> Iterator[Step]:
    """All steps of some epochs, one after the other, each with every number.

    Without a rate there is one step and nothing is updated. Inputs but no data: no step at all.

    Args:
        start: where to go on; the sheet's starting values where there is none.
    """
    network, plan = problem.network, problem.plan
    parameters: Mapping[str, Array] = frozen_values(start.parameters) if start else starting_values(network)
    columns = problem.table.columns if problem.table else None
    if columns is None and (network.inputs or network.targets):
        return
    count = problem.table.rows if problem.table else 1
    programs: dict[int, Program] = {}
    state = start.state if start else NO_STATE
    t, first = (start.updates, start.epochs + 1) if start else (0, 1)
    for epoch in range(first, first + (epochs if plan.rate is not None else 1)):
        batches = plan.batches(count) if plan.rate is not None else [range(count)]
        for number, rows in enumerate(batches, 1):
            try:
                tape = forward(network, parameters, columns, rows)
                program = programs.setdefault(len(rows), Program(network, rows=len(rows)))
                gradients = backward(tape, program) if network.cost else None
                change = None
                if gradients is not None and plan.rate is not None and network.parameters:
                    t += 1
                    change = update(plan, parameters, gradients.totals, state, t)
            except NumberError as problem_found:
                if t > 1 or epoch > 1:
                    problem_found.message += f" (epoch {epoch}, step {number})"
                raise
            yield Step(epoch, number, tape, gradients, change)
            if change:
                parameters, state = change.after, change.state


def frozen_values(values: Mapping[str, Array]) -> Mapping[str, Array]:
    return {name: frozen(np.asarray(value, np.float64)) for name, value in values.items()}


def whole_data(problem: Problem, parameters: Mapping[str, Array]) -> tuple[Tape, Gradients | None]:
    """Forward and back over all rows at given weights."""
    table = problem.table
    rows = range(table.rows) if table else None
    tape = forward(problem.network, parameters, table.columns if table else None, rows)
    return tape, backward(tape, Program(problem.network, rows=tape.count)) if problem.network.cost else None


def has_rows(problem: Problem) -> bool:
    """Whether there is anything to calculate on: data, or a sheet that needs none."""
    return problem.table is not None or not (problem.network.inputs or problem.network.targets)


def largest(gradients: Mapping[str, Array]) -> float:
    """The largest entry of a gradient, by size: the measure of `--until-gradient`."""
    return max((float(np.max(np.abs(g))) for g in gradients.values() if g.size), default=0.0)


__all__ = ["Change", "Network", "Step", "has_rows", "largest", "settings_of", "steps", "update", "whole_data"]
