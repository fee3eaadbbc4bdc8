"""Units that are and will stay identical.

Two units of a layer are alike when they take the same weights from alike sources and pass the same weights to alike
targets. That is an equitable partition: alike units then have equal z, a and δ, so that weights between alike units get
equal gradients, and after any update they are alike again. It is found by splitting classes until nothing splits
(colour refinement), beginning with all units of a layer in one class.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import UsageError
from ..network.graph import Network
from ..network.layers import LayerView, layer_view
from ..notation.expr import Ref

MOST_WEIGHTS = 2_000_000


def identical_units(network: Network, parameters: Mapping[str, np.ndarray]) -> list[list[Ref]]:
    """Groups of hidden units (by their a) that are alike now and for ever, under any update of this vocabulary."""
    try:
        view = layer_view(network)
    except UsageError:
        return []
    if network.parameter_count > MOST_WEIGHTS or _shares_weights(view):
        return []
    layers = [_matrix(layer, parameters) for layer in view.layers]
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


def _names(formula: object) -> list[str]:
    from ..notation.expr import Expr, names

    return names(formula) if isinstance(formula, Expr) else []


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


def _matrix(layer: object, parameters: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Weights (a row per unit; NaN where nothing connects) and biases of a layer."""
    from ..network.layers import Layer

    assert isinstance(layer, Layer)

    def number(ref: Ref | None) -> float:
        return np.nan if ref is None else float(parameters[ref.name][tuple(i - 1 for i in ref.index)])

    if layer.whole:
        weights = parameters[layer.whole[0].name]
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
        activations = [str(u.activation.op if u.activation else "") for u in view.layers[number].units]
        keys = [(int(own[j]), taken[j], passed[j], biases[j].tobytes(), activations[j]) for j in range(len(own))]
        labels = {key: i for i, key in enumerate(dict.fromkeys(keys))}
        out.append(np.array([labels[k] for k in keys]))
    return out


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
