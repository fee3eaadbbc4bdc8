"""The cost over a plane: two parameters take every pair of values, the others stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..network.build import Problem
from ..network.graph import Role
from ..notation.expr import Partial, Ref
from ..ops.arithmetic import in_order
from ..ops.evaluate import evaluate
from .reference import Array

CHUNK = 200_000  # rows worked together


def cost_over(
    problem: Problem, parameters: Mapping[str, Array], across: Ref, up: Ref, xs: Sequence[float], ys: Sequence[float]
) -> Array:
    """The whole cost at each point, a row for each y; NaN where it is not finite.

    Args:
        across, up: a parameter each, or an entry of one.
    """
    points = [(x, y) for y in ys for x in xs]
    count = problem.table.rows if problem.table else 1
    size = max(1, CHUNK // count)
    found = [_costs(problem, parameters, across, up, points[at : at + size]) for at in range(0, len(points), size)]
    return np.concatenate(found).reshape(len(ys), len(xs))


def _costs(
    problem: Problem, parameters: Mapping[str, Array], across: Ref, up: Ref, points: Sequence[tuple[float, float]]
) -> Array:
    network, table, many = problem.network, problem.table, len(points)
    cost, count = network.cost, table.rows if table else 1
    assert cost is not None
    values: dict[str, Array] = {}
    for node in network.nodes.values():
        if node.role is Role.CONST and node.value is not None:
            values[node.name] = node.value[None]
        elif node.role is Role.PARAMETER:
            values[node.name] = np.asarray(parameters[node.name])[None]
        elif table is not None and node.name in table.columns:
            column = table.columns[node.name]
            values[node.name] = np.tile(column, (many, *([1] * (column.ndim - 1))))
    for ref, numbers in ((across, [x for x, _ in points]), (up, [y for _, y in points])):
        whole = np.repeat(values[ref.name], many * count, 0) if len(values[ref.name]) == 1 else values[ref.name]
        at: tuple[slice | int, ...] = (slice(None), *ref.place)
        whole[at] = np.repeat(np.array(numbers), count)
        values[ref.name] = whole

    def lookup(leaf: Ref | Partial) -> Array:
        assert type(leaf) is Ref
        return values[leaf.name] if leaf.name in values else np.array([float(count)])  # N

    with np.errstate(all="ignore"):
        for node in network.equations:
            assert node.formula is not None
            values[node.name] = evaluate(node.formula, lookup)
        own = evaluate(cost.own, lookup)
        own = np.broadcast_to(own.reshape(len(own)), (many * count,)).reshape(many, count)
        total = in_order(np.ascontiguousarray(own.T), 0)
        total = total / count if cost.mean else total
        if cost.penalty is not None:
            extra = evaluate(cost.penalty, lookup)
            extra = extra.reshape(len(extra))
            total = total + (extra[::count] if len(extra) > 1 else extra)
    return np.where(np.isfinite(total), total, np.nan)
