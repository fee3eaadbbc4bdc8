"""A dense network as a sheet: what a model file says of it, and what is worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.dense import DensePlan, Parameters

if TYPE_CHECKING:
    from ..network.build import Problem

Array = np.ndarray[Any, Any]


def sheet_of(plan: DensePlan, title: str, batch: int | None) -> str:
    """The sheet of a dense network, without numbers: inputs x, outputs o, targets y.

    Args:
        batch: rows of a step; None for all.
    """
    units = plan.layers[-1].units
    chain = " -> ".join(f"{y.units} {y.activation}" for y in plan.layers)
    number = f", {plan.cost_setting:.17g}" if plan.cost == "huber" else ""
    update = " ".join([plan.rule, *(f"{n:.17g}" for n in plan.settings)])
    lines = [
        'title "' + " ".join(title.split()).replace('"', "'") + '"',
        f"input x[{plan.inputs}]",
        f"target y[{units}]" if units > 1 else "target y",
        f"layers x -> {chain} as o",
        f"cost C = {plan.cost}(o, y{number})",
        f"rate {plan.rate:.17g}",
        f"update {update}",
        "mode batch" if batch is None else f"mode batches of {batch}",
    ]
    return "\n".join(lines) + "\n"


def named(parameters: Parameters) -> dict[str, Array]:
    """Parameters by the names that a sheet's `layers` line gives them: W1, b1, …"""
    return {f"{letter}{k}": pair[i] for k, pair in enumerate(parameters, 1) for i, letter in enumerate("Wb")}


def worked_by_hand(text: str, values: Mapping[str, Array], x: Array, y: Array) -> Problem:
    """The network of a sheet at some weights, with data and no update: what `show` and `why` take.

    Args:
        values: the parameters by name.
        x, y: [row, input], and the targets: numbers [row, output], or classes [row].
    """
    from ..network.build import build  # late: what only trains and predicts never reads a sheet
    from ..network.graph import Plan
    from ..sheet.parse import parse
    from ..sheet.table import Table

    problem = build(parse(text + "start zeros\n", "the model"))
    nodes = dict(problem.network.nodes)
    for name, value in values.items():
        nodes[name] = replace(nodes[name], value=np.asarray(value, np.float64))
    target = problem.network.targets[0]
    wide = np.eye(target.shape[0])[y] if y.ndim == 1 else np.asarray(y, np.float64)
    columns = {"x": np.asarray(x, np.float64), target.name: wide if target.shape else wide[:, 0]}
    return replace(
        problem, plan=Plan(), table=Table(columns, len(x), "the model's data"),
        network=replace(problem.network, nodes=MappingProxyType(nodes)),
    )  # fmt: skip
