"""What a sheet's network is to the fast engines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from ..network.build import Problem
from ..network.costs import NAMED
from ..network.graph import Network
from ..network.layers import Layer, layer_view
from ..notation.expr import Call, Expr, Num, Ref, calls, mul, names
from .dense import SETTINGS, DenseLayer, DensePlan, Matrix, Parameters
from .reference import Array, forward, starting_values


@dataclass(frozen=True, eq=False)
class DenseProblem:
    """A sheet's network as the fast engines take it.

    Attributes:
        plan: the layers, the cost, the update.
        inputs, targets: the rows of the data.
        parameters: the starting values.
        layers: the layers, for the way back to the sheet's own names.
    """

    plan: DensePlan
    inputs: Matrix
    targets: Matrix
    parameters: Parameters
    network: Network
    layers: tuple[Layer, ...]
    batch: int | None

    def named(self, parameters: Parameters) -> dict[str, Array]:
        """Parameters of an engine by the sheet's names, shaped as there."""
        found = {p.name: np.zeros(p.shape) for p in self.network.parameters}
        for layer, (weights, biases) in zip(self.layers, parameters, strict=True):
            if layer.whole:
                found[layer.whole[0].name][...] = weights
                if layer.whole[1] is not None:
                    found[layer.whole[1].name][...] = biases
                continue
            for j, row in enumerate(layer.weights()):
                for k, ref in enumerate(row):
                    assert ref is not None
                    found[ref.name][ref.place] = weights[j, k]
                bias = layer.units[j].bias
                if bias is not None:
                    found[bias.name][bias.place] = biases[j]
        return found


def dense_problem(problem: Problem) -> DenseProblem:
    """A sheet as a plan for the fast engines.

    Raises:
        UsageError: it is no chain of full layers with a named cost, with the reason.
    """
    network, table = problem.network, problem.table
    view = layer_view(network)
    if table is None or network.cost is None:
        raise _no("it has no data" if table is None else "it has no cost")
    used = [ref for layer in view.layers for ref in layer.parameters()]
    if len(set(used)) < len(used):
        raise _no("its layers share weights")
    if {ref for p in network.parameters for ref in p.entries()} != set(used):
        raise _no("some of its parameters belong to no layer")
    for layer in view.layers:
        if not layer.whole and any(ref is None for row in layer.weights() for ref in row):
            raise _no(f"layer {layer.number} is not full: some weights are missing")
        if not layer.has_bias or any(unit.bias is None for unit in layer.units):
            raise _no(f"layer {layer.number} has units without a bias")
    for before, layer in zip(view.layers, view.layers[1:], strict=False):
        if tuple(unit.a for unit in before.units) != layer.sources:
            raise _no(f"layer {layer.number} takes something else than layer {before.number}")
    dense = tuple(_layer(layer) for layer in view.layers)
    name, setting, factor, target = _cost(network, view.layers[-1])
    if network.cost.penalty is not None:
        raise _no("its cost has a penalty")
    values = _prepared(problem)
    first = view.layers[0].sources
    inputs = np.stack([_column(values, ref) for ref in first], axis=1)
    targets = _matrix(values[target.name]) if not target.index else _column(values, target)[:, None]
    plan, start = problem.plan, starting_values(network)
    return DenseProblem(
        DensePlan(len(first), dense, name, setting, factor, plan.rule, plan.rate or 0.0, plan.settings),
        inputs, targets, [_parameters(layer, start) for layer in view.layers], network, view.layers,
        {"batch": None, "online": 1}.get(plan.mode, plan.batch_size),
    )  # fmt: skip


def _no(reason: str) -> UsageError:
    return UsageError(
        f"the fast engine does not take this network: {reason}",
        expected="full layers with biases, each into the next, a named cost such as mse(y, target), and data",
        hint="the reference engine works every sheet",
    )


def _layer(layer: Layer) -> DenseLayer:
    activation = layer.activation
    if activation is None:
        return DenseLayer(len(layer.units))
    setting = activation.args[1] if len(activation.args) > 1 else None
    if setting is not None and type(setting) is not Num:
        raise _no(f"the number of {activation.op} in layer {layer.number} is no constant")
    if activation.op == "softmax" and layer.whole is None:
        raise _no(f"layer {layer.number} has more than one softmax")
    number = setting.value if isinstance(setting, Num) else SETTINGS.get(activation.op)
    return DenseLayer(len(layer.units), activation.op, number)


def _cost(network: Network, last: Layer) -> tuple[str, float, float, Ref]:
    """The named cost that the network's is, its number, a constant before it, and what the output is compared with."""
    assert network.cost is not None
    own, factor = _without_factor(network.cost.own)
    outputs = [Ref(u.a.name) for u in last.units[:1]] if last.whole else [u.a for u in last.units]
    if len(outputs) > 1:
        raise _no("its outputs are not one vector")
    output = outputs[0]
    shape = network.shape_of(output.name)
    edges = [c.args[1] for c in calls(own) if c.op == "huber_of"]
    for target in (Ref(name) for name in names(own) if name != output.name):
        for name, named in NAMED.items():
            extra = edges[: len(named.arguments) - 2]
            if (named.reduction == "rowmean") != network.cost.mean or len(named.arguments) != 2 + len(extra):
                continue
            if name == "softmax_cross_entropy" and not shape:
                continue
            plain, its_factor = _without_factor(named.own(output, target, *extra, shape))
            if plain == own:
                setting = 1.0
                if extra:
                    if type(extra[0]) is not Num:
                        raise _no(f"the number of {name} is no plain number")
                    setting = extra[0].value
                if target.name in network.trained:
                    raise _no(f"`{target.name}`, what its output is compared with, depends on its parameters")
                return name, setting, factor / its_factor, target
    raise _no("its cost is none of " + ", ".join(NAMED))


def _without_factor(own: Expr) -> tuple[Expr, float]:
    """A constant factor or sign taken off the front, or a divisor off the end."""
    if type(own) is Call and own.op == "neg":
        inner, factor = _without_factor(own.args[0])
        return inner, -factor
    if type(own) is Call and own.op == "div" and type(own.args[1]) is Num:
        inner, factor = _without_factor(own.args[0])
        return inner, factor / own.args[1].value
    if type(own) is Call and own.op == "mul" and type(own.args[0]) is Num:
        inner, factor = _without_factor(mul(*own.args[1:]))
        return inner, factor * own.args[0].value
    return own, 1.0


def _prepared(problem: Problem) -> Mapping[str, Array]:
    """The data, and what the sheet makes of inputs and targets before the first layer and for the cost."""
    assert problem.table is not None
    tape = forward(problem.network, starting_values(problem.network), problem.table.columns)
    return tape.values


def _matrix(values: Array) -> Matrix:
    return values if values.ndim == 2 else values[:, None]


def _column(values: Mapping[str, Array], ref: Ref) -> Matrix:
    found = values[ref.name]
    at: tuple[slice | int, ...] = (slice(None), *ref.place)
    return np.asarray(found[at])


def _parameters(layer: Layer, start: Mapping[str, Array]) -> tuple[Matrix, Matrix]:
    if layer.whole:
        weights, biases = layer.whole[0], layer.whole[1]
        assert biases is not None
        shape = (len(layer.units),)
        return np.array(start[weights.name]), np.array(np.broadcast_to(start[biases.name], shape))

    def number(ref: Ref | None) -> float:
        assert ref is not None
        return float(start[ref.name][ref.place])

    rows = [[number(ref) for ref in row] for row in layer.weights()]
    return np.array(rows), np.array([number(unit.bias) for unit in layer.units])
