"""The three views of one network, and the batch form: the same numbers as sums, as vectors and as matrices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..document.parts import Page, Step, as_expr
from ..engine.program import Program
from ..engine.reference import Gradients, Tape
from ..errors import UsageError
from ..network.derive import entry
from ..network.graph import Network, Node
from ..network.layers import Layer, LayerView, layer_view
from ..notation.expr import Arr, Call, Expr, Num, Partial, Ref, add, div
from ..ops.evaluate import value_of
from .scene import Scene

View = Literal["own", "neurons", "vectors", "matrices", "batch"]
VIEWS: tuple[View, ...] = ("own", "neurons", "vectors", "matrices", "batch")


@dataclass(frozen=True)
class Line:
    """One equation of a view: what is worked out, and its formula."""

    left: Expr
    letters: Expr


def forward_lines(network: Network, view: View) -> Iterator[Line]:
    """The forward feed in a view, in the order of the work."""
    if view == "own":
        for node in network.equations:
            assert node.formula is not None
            yield Line(Ref(node.name), node.formula)
    elif view == "neurons":
        for node in network.equations:
            yield from _entries(node, network)
    else:
        layers = layer_view(network)
        for layer in layers.layers:
            yield from _layer_forward(layer, view)
        for node in layers.rest:
            assert node.formula is not None
            yield Line(Ref(node.name), node.formula)


def _entries(node: Node, network: Network) -> Iterator[Line]:
    assert node.formula is not None
    for ref in node.entries():
        yield Line(ref, entry(node.formula, ref.index, network.shape_of))


def stacked(refs: list[Expr]) -> Expr:
    return Call("stack", tuple(refs))


def source_vector(layer: Layer) -> Expr:
    """What comes into a layer, as one vector."""
    if layer.whole:
        return layer.whole[4]
    return stacked(list(layer.sources))


def weight_matrix(layer: Layer) -> Expr:
    return layer.whole[0] if layer.whole else stacked(layer.rows())


def bias_vector(layer: Layer) -> Expr | None:
    if layer.whole:
        return layer.whole[1]
    if not layer.has_bias:
        return None
    return stacked([u.bias if u.bias is not None else Num(0.0) for u in layer.units])


def _layer_forward(layer: Layer, view: View) -> Iterator[Line]:
    activation = layer.activation
    if view == "vectors":
        source = source_vector(layer)
        rows = layer.rows()
        for j, unit in enumerate(layer.units):
            weights: Expr = Ref(layer.whole[0].name, (j + 1,)) if layer.whole else rows[j]
            product = Call("matmul", (weights, source))
            yield Line(unit.z, add(product, unit.bias) if unit.bias is not None else product)
            if activation is not None:
                yield Line(unit.a, Call(activation.op, (unit.z, *activation.args[1:]), shown=activation.shown))
        return
    product = Call("matmul", (weight_matrix(layer), source_vector(layer)))
    bias = bias_vector(layer)
    z = layer.whole[2] if layer.whole else stacked([u.z for u in layer.units])
    a = layer.whole[3] if layer.whole else stacked([u.a for u in layer.units])
    yield Line(z, add(product, bias) if bias is not None else product)
    if activation is not None:
        yield Line(a, Call(activation.op, (z, *activation.args[1:]), shown=activation.shown))


def backward_lines(program: Program, view: View) -> Iterator[Line]:
    """∂C/∂(each node), last first, then ∂C/∂(each parameter), in a view."""
    network = program.network
    nodes = [n.name for n in program.order]
    parameters = [p.name for p in network.parameters]
    if view == "own":
        for name in [*nodes, *parameters]:
            received = program.received.get(name)
            if received is None:
                continue
            if received.entries:
                yield from _entry_lines(program, name)
            elif received.whole is not None:
                yield Line(program.partial(name), received.whole)
    elif view in ("neurons", "vectors"):
        for name in [*nodes, *parameters]:
            yield from _entry_lines(program, name)
    else:
        yield from _matrix_backward(program, layer_view(network))


def _entry_lines(program: Program, name: str) -> Iterator[Line]:
    for ref in program.network.nodes[name].entries():
        formula = program.formula(ref)
        if formula is not None:
            yield Line(Partial(program.symbol, ref), formula)


def _matrix_backward(program: Program, view: LayerView) -> Iterator[Line]:
    """δ of each layer as a vector, and the gradients as outer products."""

    def of(ref: Expr) -> Expr:
        if type(ref) is Ref:
            return Partial(program.symbol, ref)
        assert type(ref) is Call
        return stacked([of(part) for part in ref.args])

    for node in reversed(view.rest):
        received = program.received.get(node.name)
        if received is not None and received.whole is not None:
            yield Line(program.partial(node.name), received.whole)
    following: Layer | None = None
    for layer in reversed(view.layers):
        z: Expr = layer.whole[2] if layer.whole else stacked([u.z for u in layer.units])
        a: Expr = layer.whole[3] if layer.whole else stacked([u.a for u in layer.units])
        if following is None:
            yield from (line for unit in layer.units if (line := _entry_line(program, unit.a)) is not None)
        else:
            next_z: Expr = following.whole[2] if following.whole else stacked([u.z for u in following.units])
            weights = weight_matrix(following)
            yield Line(of(a), Call("matmul", (Call("transpose", (weights,)), of(next_z))))
        activation = layer.activation
        if activation is not None and activation.op == "softmax":
            inner = add(of(a), Call("neg", (Call("matmul", (a, of(a))),)))
            yield Line(of(z), Call("hadamard", (a, inner)))
        elif activation is not None:
            slope = Call(activation.op, (z, *activation.args[1:]), prime=1, shown=activation.shown)
            yield Line(of(z), Call("hadamard", (of(a), slope)))
        following = layer
    for layer in view.layers:
        z = layer.whole[2] if layer.whole else stacked([u.z for u in layer.units])
        outer = Call("outer", (of(z), source_vector(layer)))
        if layer.whole:
            yield Line(Partial(program.symbol, layer.whole[0]), outer)
            if layer.whole[1] is not None:
                yield Line(Partial(program.symbol, layer.whole[1]), of(z))
        else:
            rows = [stacked([of(w) if isinstance(w, Ref) else w for w in r.args]) for r in layer.rows()]  # type: ignore[attr-defined]
            yield Line(stacked(list(rows)), outer)
            bias = bias_vector(layer)
            if bias is not None:
                yield Line(of(bias), of(z))


def _entry_line(program: Program, ref: Ref) -> Line | None:
    formula = program.formula(ref)
    return Line(Partial(program.symbol, ref), formula) if formula is not None else None


def line_step(scene: Scene, line: Line) -> Step:
    """A line of a view with its numbers; what is on the tape is looked up there."""
    if isinstance(line.left, Ref | Partial):
        return scene.quantity(line.left, line.letters)
    return scene.step(line.left, line.letters)


# the batch form -------------------------------------------------------------------------------------------------


def batch_form(page: Page, network: Network, tape: Tape, gradients: Gradients) -> None:
    """A row per example, each factor of the chain as a matrix, with their shapes (S15)."""
    view = layer_view(network)
    count = tape.count
    page.heading("The batch form: a row per example", 2)
    page.text(
        f"N = {count} rows. A bias is the weight of a neuron that is always 1, so a column of ones stands beside what"
        " comes in: X_+ is X with that column. ⊙ multiplies entry by entry."
    )
    inputs: dict[int, np.ndarray] = {}
    for layer in view.layers:
        name = "X" if layer.number == 1 else f"A^({layer.number - 1})"
        come = columns(tape.values, layer.sources)
        if layer.has_bias:
            come = np.concatenate([come, np.ones((count, 1))], axis=1)
        inputs[layer.number] = come
        weights = _weights_with_bias(layer, tape)
        left = Ref(f"Z^({layer.number})")
        numbers = Call("matmul", (Arr(come), Call("transpose", (Arr(weights),))))
        w = Ref(f"W^({layer.number})")
        letters = Call("matmul", (Ref(name + _with_ones(layer)), Call("transpose", (w,))))
        page.text(f"Layer {layer.number}: ", _size(come), " times ", _size(weights.T), " gives ", f"{count}×{len(layer.units)}.")
        page.add(Step(left, letters, (numbers,), value_of(numbers)))
        if layer.activation is not None:
            act = layer.activation
            after = Call(act.op, (Arr(value_of(numbers)), *act.args[1:]), shown=act.shown)
            page.add(
                Step(
                    Ref(f"A^({layer.number})"),
                    Call(act.op, (left, *act.args[1:]), shown=act.shown),
                    (after,) if act.op != "softmax" else (),
                    columns(tape.values, tuple(u.a for u in layer.units)),
                )
            )
    _batch_backward(page, view, tape, gradients, inputs)


def _batch_backward(
    page: Page, view: LayerView, tape: Tape, gradients: Gradients, inputs: Mapping[int, np.ndarray]
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
        if activation is not None and activation.op != "softmax":
            slope_letters = [Call(activation.op, (Ref(f"Z^({layer.number})"), *activation.args[1:]), 1, shown=activation.shown)]
            slope_numbers = [Arr(value_of(Call(activation.op, (Arr(z), *activation.args[1:]), 1)))]
        if delta is None or (activation is not None and activation.op == "softmax"):
            came: Expr = Arr(columns({u.a.name: gradients.rows(u.a.name) for u in layer.units}, tuple(u.a for u in layer.units)))
            letters: Expr = Partial(symbol, Ref(f"A^({layer.number})" if activation is not None else f"Z^({layer.number})"))
            detail = gradients.program.formula(layer.units[0].a)
            if delta is None and detail is not None and len(layer.units) == 1:
                page.text("Each row's ", Partial(symbol, layer.units[0].a), " = ", through(gradients.program, detail), " is one entry.")
            if activation is not None and activation.op == "softmax":
                delta = columns({u.z.name: gradients.rows(u.z.name) for u in layer.units}, tuple(u.z for u in layer.units))
                page.add(Step(name, Partial(symbol, Ref(f"Z^({layer.number})")), (), delta))
                deltas[layer.number] = delta
                continue
            sizes = [f"{count}×{len(layer.units)}"] * (1 + len(slope_letters))
        else:
            following = view.layers[layer.number]
            weights = np.array([[_weight(w, tape) for w in row] for row in following.weights()])
            came = Call("matmul", (Arr(delta), Arr(weights)))
            letters = Call("matmul", (Ref(f"D^({following.number})"), Ref(f"W^({following.number})")))
            sizes = [_size(delta), f"{_size(weights)} (without the bias column: a neuron that is always 1 passes nothing back)"]
            sizes += [f"{count}×{len(layer.units)}"] * len(slope_letters)
        whole_letters = Call("hadamard", (letters, *slope_letters)) if slope_letters else letters
        whole_numbers = Call("hadamard", (came, *slope_numbers)) if slope_numbers else came
        page.text("Shapes: " + ", ".join(sizes) + ".")
        delta = value_of(whole_numbers)
        deltas[layer.number] = delta
        page.add(Step(name, whole_letters, () if isinstance(whole_numbers, Arr) else (whole_numbers,), delta))
    page.heading("The gradients: per row an outer product with what came in, then added up" + (" and averaged" if cost.mean else ""), 3)
    for layer in view.layers:
        come, back = inputs[layer.number], deltas[layer.number]
        w = Ref(f"W^({layer.number})")
        source = Ref(("X" if layer.number == 1 else f"A^({layer.number - 1})") + _with_ones(layer))
        product: Expr = Call("matmul", (Call("transpose", (Ref(f"D^({layer.number})"),)), source))
        numbers: Expr = Call("matmul", (Call("transpose", (Arr(back),)), Arr(come)))
        if cost.mean:
            product, numbers = div(product, Ref("N")), Call("div", (numbers, Num(float(count))))
        page.text(f"{_size(back.T)} times {_size(come)} gives {back.shape[1]}×{come.shape[1]}; row 1 alone gives ", _outer_of(back, come))
        page.add(Step(Partial(Ref(cost.name), w), product, (numbers,), value_of(numbers)))
        if cost.penalty is not None:
            page.note("The penalty's own derivative is added to this once a step.")


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
    parts = [values[r.name][(slice(None), *(i - 1 for i in r.index))] for r in refs]
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


def check_view(network: Network, view: View) -> None:
    """Refuses a view that this network does not have.

    Raises:
        UsageError: with the reason.
    """
    if view not in VIEWS:
        raise UsageError(f"there is no view `{view}`", expected=", ".join(VIEWS))
    if view in ("vectors", "matrices", "batch"):
        for layer in layer_view(network).layers:
            _ = layer.activation
