"""Units that are and will stay identical.

Two units of a layer are alike when they take the same weights from alike sources and pass the same weights to
alike targets. That is an equitable partition: alike units then have equal z, a and δ, so that weights between alike
units get equal gradients, and after any update they are alike again. It is found by splitting classes until nothing
splits (colour refinement), beginning with all units of a layer in one class. A weight that also stands elsewhere, in a
penalty or in an equation that is no layer, carries a mark for what it does there, and marks are compared like weights.

Units that share their weights are alike for another reason, whatever follows them: they are one formula.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from ..errors import UsageError
from ..network.graph import Network, Node, Role
from ..network.layers import Layer, LayerView, layer_view
from ..notation.expr import Call, Expr, Ref, calls, leaves, names, rewrite, substitute
from ..notation.text import PLAIN
from ..ops.vocabulary import ACTIVATION_NAMES, VOCABULARY

MOST_WEIGHTS = 2_000_000


def identical_units(network: Network, parameters: Mapping[str, np.ndarray]) -> list[list[Ref]]:
    """Groups of hidden units (by their a) that are alike now and for ever, whatever the update rule."""
    try:
        view = layer_view(network)
    except UsageError:
        return []
    if network.parameter_count > MOST_WEIGHTS or _shares_weights(view):
        return []
    marks = _marks(network, view)
    if marks is None:
        return []
    layers = [_matrix(layer, parameters, marks) for layer in view.layers]
    classes = [np.zeros(len(layer.units), dtype=int) for layer in view.layers]
    classes[-1] = np.arange(len(view.layers[-1].units))  # an output is told apart by its target
    watched = {name for node in view.rest for name in _names(node.formula)}
    for number, layer in enumerate(view.layers[:-1]):
        for j, unit in enumerate(layer.units):
            if unit.a.name in watched or unit.z.name in watched or _in_cost(network, unit.a.name):
                classes[number][j] = j + 1
    while True:
        split = _refine(layers, classes, view)
        if all(np.array_equal(a, b) for a, b in zip(split, classes, strict=True)):
            break
        classes = split
    groups = []
    for layer, found in zip(view.layers[:-1], classes[:-1], strict=True):
        for label in dict.fromkeys(found.tolist()):
            members = [layer.units[j].a for j in np.flatnonzero(found == label)]
            if len(members) > 1:
                groups.append(members)
    return groups


def same_formulas(network: Network) -> list[list[Ref]]:
    """Groups of units that are one formula: the same function of the same weights and of the same or equal sources."""
    stands_for: dict[str, str] = {}
    groups: dict[Expr, list[Node]] = {}

    def equal(part: Expr) -> Expr | None:
        return Ref(stands_for.get(part.name, part.name), part.index) if type(part) is Ref else None

    for node in network.equations:
        if type(node.formula) is Call and node.name in network.trained:
            group = groups.setdefault(_in_one_order(rewrite(node.formula, equal)), [])
            group.append(node)
            stands_for[node.name] = group[0].name
    found = [group for group in groups.values() if len(group) > 1 and _weighs(group[0], network)]
    sums = {_activated(node) for node in network.equations}  # a z is half a unit: its activation is named
    return [[Ref(n.name) for n in group] for group in found if not all(n.name in sums for n in group)]


def _weighs(node: Node, network: Network) -> bool:
    """Whether a node is a unit: it has weights of its own or is an activation."""
    assert node.formula is not None
    weights = any(_is_parameter(Ref(name), network) for name in names(node.formula))
    return weights or _activated(node) is not None


def _activated(node: Node) -> str | None:
    """The z whose activation a node is."""
    match node.formula:
        case Call(op=op, args=(Ref(name=z), *_)) if op in ACTIVATION_NAMES:
            return z
    return None


def _in_one_order(formula: Expr) -> Expr:
    """The formula with sums and products of two in one order: w·x and x·w are the same double."""
    if type(formula) is not Call:
        return formula
    args = tuple(map(_in_one_order, formula.args))
    if formula.op in ("add", "mul") and len(args) == 2:
        args = tuple(sorted(args, key=PLAIN))
    return replace(formula, args=args)


def _names(formula: Expr | None) -> list[str]:
    return names(formula) if formula is not None else []


def _in_cost(network: Network, name: str) -> bool:
    return network.cost is not None and name in _names(network.cost.own)


def _shares_weights(view: LayerView) -> bool:
    seen: set[Ref] = set()
    for layer in view.layers:
        whole = [r for r in layer.whole[:2] if r is not None] if layer.whole else None
        for ref in whole if whole is not None else layer.parameters():
            if ref in seen:
                return True
            seen.add(ref)
    return False


def _marks(network: Network, view: LayerView) -> dict[Ref, int] | None:
    """A number for each weight (or entry of one) that also stands outside of the layers: equal ones do the same.

    None where a whole matrix does something that is not the same for each of its entries.
    """
    said: dict[Ref, list[str]] = {}
    cost = network.cost
    outside = [(node.formula, False) for node in view.rest]
    outside += [(cost.own, True), (cost.penalty, True)] if cost else []
    for formula, added in outside:
        for term, around in _terms(formula, network) if formula is not None else ():
            found = set(leaves(term))
            weights = [leaf for leaf in found if type(leaf) is Ref and _is_parameter(leaf, network)]
            alone = added and len(found) == len(weights) == 1 and _entrywise(term)
            for ref in weights:
                if ref.index or not network.nodes[ref.name].shape:
                    text = PLAIN(substitute(term, {ref: Ref("_")})) if alone else PLAIN(ref)
                    said.setdefault(ref, []).append(around + text)
                elif not alone:
                    return None
    numbers: dict[str, int] = {}
    return {ref: numbers.setdefault(" ".join(sorted(texts)), len(numbers) + 1) for ref, texts in said.items()}


def _terms(expr: Expr, network: Network, around: str = "") -> Iterator[tuple[Expr, str]]:
    """The terms that are added up, each with what stands around it: its sign and its constant factors."""
    match expr:
        case Call(op="add" | "total", prime=0):
            for arg in expr.args:
                yield from _terms(arg, network, around)
        case Call(op="neg", prime=0):
            yield from _terms(expr.args[0], network, f"-{around}")
        case Call(op="mul" | "div", prime=0):
            moving = [i for i, arg in enumerate(expr.args) if _moves(arg, network)]
            if len(moving) == 1 and (expr.op == "mul" or moving == [0]):
                still = [PLAIN(arg) for i, arg in enumerate(expr.args) if i != moving[0]]
                yield from _terms(expr.args[moving[0]], network, f"{around}{expr.op} {still} ")
            else:
                yield expr, around
        case _:
            yield expr, around


def _moves(expr: Expr, network: Network) -> bool:
    """Whether a formula holds anything that is not constant."""
    nodes = [network.nodes[name] for name in names(expr) if name in network.nodes]
    return any(node.role is not Role.CONST for node in nodes)


def _is_parameter(ref: Ref, network: Network) -> bool:
    return ref.name in network.nodes and network.nodes[ref.name].role is Role.PARAMETER


def _entrywise(expr: Expr) -> bool:
    return all(found.op in VOCABULARY and not VOCABULARY[found.op].structural for found in calls(expr))


def _matrix(
    layer: Layer, parameters: Mapping[str, np.ndarray], marks: Mapping[Ref, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (a row per unit; NaN where nothing connects) and biases of a layer, their marks as imaginary parts."""

    def number(ref: Ref | None) -> complex:
        if ref is None:
            return complex(np.nan)
        return complex(parameters[ref.name][ref.place], marks.get(ref, 0))

    if layer.whole and not any(ref.name == layer.whole[0].name for ref in marks):
        weights = parameters[layer.whole[0].name].astype(complex)
    else:
        weights = np.array([[number(w) for w in row] for row in layer.weights()])
    return weights, np.array([number(u.bias) for u in layer.units])


def _refine(
    layers: list[tuple[np.ndarray, np.ndarray]], classes: list[np.ndarray], view: LayerView
) -> list[np.ndarray]:
    """One round: units of a class that differ in what they take or pass get classes of their own."""
    out = []
    for number, ((weights, biases), own) in enumerate(zip(layers, classes, strict=True)):
        sources = classes[number - 1] if number else np.arange(weights.shape[1])
        taken = _profile(weights, sources)
        passed = (
            _profile(layers[number + 1][0].T, classes[number + 1]) if number + 1 < len(layers) else [b""] * len(own)
        )
        activations = [_activation(u.activation) for u in view.layers[number].units]
        keys = [(int(own[j]), taken[j], passed[j], biases[j].tobytes(), activations[j]) for j in range(len(own))]
        labels = {key: i for i, key in enumerate(dict.fromkeys(keys))}
        out.append(np.array([labels[k] for k in keys]))
    return out


def _activation(found: Call | None) -> str:
    """The function, with its settings: leaky(z, 0.1) is another one than leaky(z, 0.2)."""
    return " ".join([found.op, *map(PLAIN, found.args[1:])]) if found is not None else ""


def _profile(weights: np.ndarray, classes: np.ndarray) -> list[bytes]:
    """For each row, its weights sorted within each class of columns, as bytes to compare."""
    order = np.argsort(classes, kind="stable")
    rows = weights[:, order].copy()
    sorted_classes = classes[order]
    start = 0
    for stop in [*(np.flatnonzero(np.diff(sorted_classes)) + 1), len(order)]:
        rows[:, start:stop] = np.sort(rows[:, start:stop], axis=1)
        start = stop
    rows = np.ascontiguousarray(rows + 0.0)
    return [row.tobytes() for row in rows]
