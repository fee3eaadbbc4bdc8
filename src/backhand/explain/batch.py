"""The batch form: the same network with a row per example, each factor of the chain as one matrix (S15)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..document.parts import Page, Step, as_expr
from ..engine.program import Program
from ..engine.reference import Gradients, Tape
from ..network.graph import Network
from ..network.layers import Layer, LayerView, layer_view
from ..notation.expr import Arr, Call, Expr, Num, Partial, Ref, div
from ..ops.evaluate import value_of
from .scene import renamed
from .views import goes_only_into, shares_weights, where_weights_are


def batch_form(page: Page, network: Network, tape: Tape, gradients: Gradients, rename: Mapping[Ref, Ref]) -> None:
    """A row per example, each factor of the chain as a matrix, with their shapes (S15)."""
    view = layer_view(network)
    count = tape.count
    page.heading("The batch form: a row per example", 2)
    page.text(
        f"N = {count} rows. A bias is the weight of a neuron that is always 1, so a column of ones stands beside what"
        " comes in: X_+ is X with that column. ⊙ multiplies entry by entry."
    )
    inputs: dict[int, np.ndarray] = {}
    after = columns(tape.values, view.layers[0].sources)  # what the line above gave is what the next one works with
    for layer in view.layers:
        name = "X" if layer.number == 1 else f"A^({layer.number - 1})"
        come = after
        if layer.has_bias:
            come = np.concatenate([come, np.ones((count, 1))], axis=1)
        inputs[layer.number] = come
        weights = _weights_with_bias(layer, tape)
        left = Ref(f"Z^({layer.number})")
        numbers = Call("matmul", (Arr(come), Call("transpose", (Arr(weights),))))
        w = Ref(f"W^({layer.number})")
        letters = Call("matmul", (Ref(name + _with_ones(layer)), Call("transpose", (w,))))
        page.text(
            f"Layer {layer.number}: ",
            _size(come),
            " times ",
            _size(weights.T),
            " gives ",
            f"{count}×{len(layer.units)}.",
        )
        z = value_of(numbers)
        page.add(Step(left, letters, (numbers,), z))
        act, a = layer.activation, Ref(f"A^({layer.number})")
        if act is None:
            after = z
            if layer is not view.layers[-1]:
                page.add(Step(a, left, (), after))
            continue
        filled = Call(act.op, (Arr(z), *act.args[1:]), shown=act.shown)
        rowwise = act.op == "softmax"
        after = columns(tape.values, tuple(u.a for u in layer.units)) if rowwise else value_of(filled)
        page.add(Step(a, Call(act.op, (left, *act.args[1:]), shown=act.shown), () if rowwise else (filled,), after))
    _batch_backward(page, view, tape, gradients, inputs, rename)


def _batch_backward(
    page: Page,
    view: LayerView,
    tape: Tape,
    gradients: Gradients,
    inputs: Mapping[int, np.ndarray],
    rename: Mapping[Ref, Ref],
) -> None:
    network, count = tape.network, tape.count
    cost = network.cost
    assert cost is not None
    symbol = gradients.program.symbol
    page.heading("Backward, all rows at once", 3)
    delta: np.ndarray | None = None
    deltas: dict[int, np.ndarray] = {}
    for layer in reversed(view.layers):
        name = Ref(f"D^({layer.number})")
        z = columns(tape.values, tuple(u.z for u in layer.units))
        activation = layer.activation
        slope_letters: list[Expr] = []
        slope_numbers: list[Expr] = []
        following = view.layers[layer.number] if delta is not None else None
        passed = following is not None and goes_only_into(gradients.program, layer, following)
        known = activation is not None and (
            activation.op == "softmax" or not goes_only_into(gradients.program, layer, None)
        )
        if activation is not None and not known and activation.op != "linear":
            slope_letters = [
                Call(
                    activation.op,
                    (Ref(f"Z^({layer.number})"), *activation.args[1:]),
                    1,
                    shown=activation.shown,
                )
            ]
            slope_numbers = [Arr(value_of(Call(activation.op, (Arr(z), *activation.args[1:]), 1)))]
        if delta is None or known or not passed:
            came: Expr = Arr(
                columns({u.a.name: gradients.rows(u.a.name) for u in layer.units}, tuple(u.a for u in layer.units))
            )
            letters: Expr = Partial(
                symbol, Ref(f"A^({layer.number})" if activation is not None else f"Z^({layer.number})")
            )
            detail = gradients.program.formula(layer.units[0].a)
            if delta is None and detail is not None and len(layer.units) == 1:
                page.text(
                    "Each row's ",
                    renamed(Partial(symbol, layer.units[0].a), rename),
                    " = ",
                    renamed(through(gradients.program, detail), rename),
                    " is one entry.",
                )
            if known:
                delta = columns(
                    {u.z.name: gradients.rows(u.z.name) for u in layer.units}, tuple(u.z for u in layer.units)
                )
                page.add(Step(name, Partial(symbol, Ref(f"Z^({layer.number})")), (), delta))
                deltas[layer.number] = delta
                continue
            sizes = [f"{count}×{len(layer.units)}"] * (1 + len(slope_letters))
        else:
            assert following is not None
            weights = np.array([[_weight(w, tape) for w in row] for row in following.weights()])
            came = Call("matmul", (Arr(delta), Arr(weights)))
            letters = Call("matmul", (Ref(f"D^({following.number})"), Ref(f"W^({following.number})")))
            sizes = [
                _size(delta),
                f"{_size(weights)} (without the bias column: a neuron that is always 1 passes nothing back)",
            ]
            sizes += [f"{count}×{len(layer.units)}"] * len(slope_letters)
        whole_letters = Call("hadamard", (letters, *slope_letters)) if slope_letters else letters
        whole_numbers = Call("hadamard", (came, *slope_numbers)) if slope_numbers else came
        page.text("Shapes: " + ", ".join(sizes) + ".")
        delta = value_of(whole_numbers)
        deltas[layer.number] = delta
        page.add(Step(name, whole_letters, () if isinstance(whole_numbers, Arr) else (whole_numbers,), delta))
    page.heading(
        "The gradients: per row an outer product with what came in, then added up"
        + (" and averaged" if cost.mean else ""),
        3,
    )
    for layer in view.layers:
        come, back = inputs[layer.number], deltas[layer.number]
        w = Ref(f"W^({layer.number})")
        source = Ref(("X" if layer.number == 1 else f"A^({layer.number - 1})") + _with_ones(layer))
        product: Expr = Call("matmul", (Call("transpose", (Ref(f"D^({layer.number})"),)), source))
        numbers: Expr = Call("matmul", (Call("transpose", (Arr(back),)), Arr(come)))
        if cost.mean:
            product, numbers = div(product, Ref("N")), Call("div", (numbers, Num(float(count))))
        there = [[*row, u.bias] if layer.has_bias else row for row, u in zip(layer.weights(), layer.units, strict=True)]
        product, numbers = where_weights_are(product, there), where_weights_are(numbers, there)
        page.text(
            f"{_size(back.T)} times {_size(come)} gives {back.shape[1]}×{come.shape[1]}; row 1 alone gives ",
            _outer_of(back, come),
        )
        shared = shares_weights(layer, view, gradients.program)
        remark = "this layer's part" if shared else "without the penalty" if cost.penalty is not None else ""
        page.add(Step(Partial(Ref(cost.name), w), product, (numbers,), value_of(numbers), remark))
        if cost.penalty is not None:
            page.note("The penalty's own derivative is added to this once a step.")
        if shared:
            page.note("A weight that stands in several places has the sum of their entries as its partial.")


def through(program: Program, formula: Expr) -> Expr:
    """A ∂ in letters with plain differences looked through: ∂C/∂A1 = ∂C/∂u·1 shown as 2·u."""
    while isinstance(formula, Partial):
        inner = program.formula(formula.by)
        if inner is None:
            break
        formula = inner
    return formula


def columns(values: Mapping[str, np.ndarray], refs: tuple[Ref, ...]) -> np.ndarray:
    """Entries side by side, a row per example."""
    parts = []
    for ref in refs:
        at: tuple[slice | int, ...] = (slice(None), *(i - 1 for i in ref.index))
        parts.append(values[ref.name][at])
    return np.stack(parts, axis=1)


def _weight(ref: Ref | None, tape: Tape) -> float:
    return 0.0 if ref is None else float(tape.value(ref, 0))


def _weights_with_bias(layer: Layer, tape: Tape) -> np.ndarray:
    rows = [[_weight(w, tape) for w in row] for row in layer.weights()]
    if layer.has_bias:
        rows = [[*row, _weight(u.bias, tape)] for row, u in zip(rows, layer.units, strict=True)]
    return np.array(rows)


def _with_ones(layer: Layer) -> str:
    return "_+" if layer.has_bias else ""


def _size(array: np.ndarray) -> str:
    return "×".join(map(str, array.shape))


def _outer_of(back: np.ndarray, come: np.ndarray) -> Expr:
    return Call("outer", (as_expr(back[0]), as_expr(come[0])))
