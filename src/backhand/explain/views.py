"""The views of one network: the same numbers as sums, as vectors and as matrices; the batch form is in batch.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..document.parts import Step
from ..engine.program import Program
from ..errors import UsageError
from ..network.derive import entry
from ..network.graph import Network, Node
from ..network.layers import Layer, LayerView, layer_view
from ..notation.expr import Arr, Call, Expr, Num, Partial, Ref, add, names
from .scene import Scene

View = Literal["own", "neurons", "vectors", "matrices", "batch"]
VIEWS: tuple[View, ...] = ("own", "neurons", "vectors", "matrices", "batch")


@dataclass(frozen=True)
class Line:
    """One equation of a view: what is worked out, and its formula.

    Attributes:
        in_order: its sum is worked in the sheet's order. In another one the last digit may differ, and the result
            is that of the line itself.
    """

    left: Expr
    letters: Expr
    in_order: bool = True


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
        found = layer_view(network)
        yield from _as_they_are(found.before)
        for layer in found.layers:
            yield from _layer_forward(layer, view)
        yield from _as_they_are(found.rest)


def _as_they_are(nodes: Iterable[Node]) -> Iterator[Line]:
    for node in nodes:
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
            z = add(product, unit.bias) if unit.bias is not None else product
            yield Line(unit.z, z, layer.whole is not None)
            if activation is not None and activation.op != "softmax":
                yield Line(unit.a, Call(activation.op, (unit.z, *activation.args[1:]), shown=activation.shown))
        if activation is not None and activation.op == "softmax":  # each entry takes all of z
            for unit in layer.units:
                whole = Call("softmax", (Ref(unit.z.name),), shown=activation.shown)
                yield Line(unit.a, Call("entry", (whole,), index=unit.a.index))
        return
    product = Call("matmul", (weight_matrix(layer), source_vector(layer)))
    bias = bias_vector(layer)
    z = layer.whole[2] if layer.whole else stacked([u.z for u in layer.units])
    a = layer.whole[3] if layer.whole else stacked([u.a for u in layer.units])
    yield Line(z, add(product, bias) if bias is not None else product)
    if activation is not None:
        yield Line(a, Call(activation.op, (z, *activation.args[1:]), shown=activation.shown))


def backward_lines(program: Program, view: View) -> Iterator[Line]:
    """∂C/∂(each node that parameters lead to), last first, then ∂C/∂(each parameter), in a view."""
    network = program.network
    trained = network.trained
    nodes = [n.name for n in program.order if n.name in trained or not n.is_equation or not trained]
    parameters = [p.name for p in network.parameters]
    if view == "own":
        yield from own_lines(program, [*nodes, *parameters])
    elif view in ("neurons", "vectors"):
        for name in [*nodes, *parameters]:
            yield from _entry_lines(program, name)
    else:
        yield from _matrix_backward(program, layer_view(network))


def own_lines(program: Program, wanted: Iterable[str]) -> Iterator[Line]:
    """∂C/∂(each name, once)."""
    for name in dict.fromkeys(wanted):
        yield from lines_of(program, Ref(name))


def lines_of(program: Program, ref: Ref) -> Iterator[Line]:
    """∂C/∂ref in one line, or a line an entry where single entries receive something of their own."""
    received = program.received.get(ref.name)
    if received is not None and received.entries and not ref.index:
        yield from _entry_lines(program, ref.name)
    elif (line := _entry_line(program, ref)) is not None:
        yield line


def _entry_lines(program: Program, name: str) -> Iterator[Line]:
    for ref in program.network.nodes[name].entries():
        formula = program.formula(ref)
        if formula is not None:
            yield Line(Partial(program.symbol, ref), formula)


def _matrix_backward(program: Program, view: LayerView) -> Iterator[Line]:
    """δ of each layer as a vector, and the gradients as outer products; as they are where that is not all of it."""

    def of(ref: Expr) -> Expr:
        if type(ref) is Ref:
            return Partial(program.symbol, ref)
        return stacked([of(part) for part in ref.args]) if type(ref) is Call else ref  # 0 where no weight stands

    for node in reversed(view.rest):
        received = program.received.get(node.name)
        if received is not None and received.whole is not None and node.name in program.network.trained:
            yield Line(program.partial(node.name), received.whole)
    following: Layer | None = None
    for layer in reversed(view.layers):
        z: Expr = layer.whole[2] if layer.whole else stacked([u.z for u in layer.units])
        a: Expr = layer.whole[3] if layer.whole else stacked([u.a for u in layer.units])
        if following is None:
            yield from (line for unit in layer.units if (line := _entry_line(program, unit.a)) is not None)
        elif not goes_only_into(program, layer, following):
            yield from own_lines(program, (u.a.name for u in layer.units))
        else:
            next_z: Expr = following.whole[2] if following.whole else stacked([u.z for u in following.units])
            weights = weight_matrix(following)
            yield Line(of(a), Call("matmul", (Call("transpose", (weights,)), of(next_z))))
        activation = layer.activation
        if activation is not None and not goes_only_into(program, layer, None):
            yield from own_lines(program, (u.z.name for u in layer.units))
        elif activation is not None and activation.op == "softmax":
            inner = add(of(a), Call("neg", (Call("matmul", (a, of(a))),)))
            yield Line(of(z), Call("hadamard", (a, inner)))
        elif activation is not None and activation.op == "linear":
            yield Line(of(z), of(a))
        elif activation is not None:
            slope = Call(activation.op, (z, *activation.args[1:]), prime=1, shown=activation.shown)
            yield Line(of(z), Call("hadamard", (of(a), slope)))
        following = layer
    shared: list[str] = []
    for layer in view.layers:
        z = layer.whole[2] if layer.whole else stacked([u.z for u in layer.units])
        outer = Call("outer", (of(z), source_vector(layer)))
        if shares_weights(layer, view, program):
            shared += [ref.name for ref in layer.parameters()]
        elif layer.whole:
            yield Line(Partial(program.symbol, layer.whole[0]), outer)
            if layer.whole[1] is not None:
                yield Line(Partial(program.symbol, layer.whole[1]), of(z))
        else:
            rows = [stacked([of(w) if isinstance(w, Ref) else w for w in r.args]) for r in layer.rows()]  # type: ignore[attr-defined]
            yield Line(stacked(list(rows)), where_weights_are(outer, layer.weights()))
            bias = bias_vector(layer)
            if bias is not None:
                yield Line(of(bias), where_weights_are(of(z), [u.bias for u in layer.units]))
    yield from own_lines(program, shared)


def where_weights_are(whole: Expr, weights: Sequence[object]) -> Expr:
    """A gradient times 1 where a weight stands and 0 where none does; as it is, where all are there."""
    there = (np.array(weights, dtype=object) != None).astype(float)  # noqa: E711
    return whole if there.all() else Call("hadamard", (whole, Arr(there)))


def goes_only_into(program: Program, layer: Layer, following: Layer | None) -> bool:
    """Whether what a layer gives goes into the following one and nowhere else; without one, z into a alone."""
    network = program.network
    assert network.cost is not None
    users = {u.z.name for u in following.units} if following else {u.a.name for u in layer.units}
    given = {u.a.name if following else u.z.name for u in layer.units}
    consumers = {user.name for name in given for user in network.consumers.get(name, ())}
    reached = following is not None or {u.a.name for u in layer.units} <= program.needed
    return reached and consumers <= users and not given & set(names(network.cost.own))


def shares_weights(layer: Layer, view: LayerView, program: Program) -> bool:
    """Whether a weight of this layer stands in another place too."""
    cost = program.network.cost
    assert cost is not None
    here = list(layer.parameters())
    elsewhere = {r.name for other in view.layers if other is not layer for r in other.parameters()}
    elsewhere |= set(names(cost.own)) | {n for node in view.rest if node.formula for n in names(node.formula)}
    return len(set(here)) < len(here) or bool({r.name for r in here} & elsewhere)


def _entry_line(program: Program, ref: Ref) -> Line | None:
    formula = program.formula(ref)
    return Line(Partial(program.symbol, ref), formula) if formula is not None else None


def line_step(scene: Scene, line: Line) -> Step:
    """A line of a view with its numbers; what is on the tape is looked up there."""
    if isinstance(line.left, Ref | Partial) and line.in_order:
        return scene.quantity(line.left, line.letters)
    return scene.step(line.left, line.letters)


def check_view(network: Network, view: View) -> None:
    """Refuses a view that this network does not have.

    Raises:
        UsageError: with the reason.
    """
    if view not in VIEWS:
        raise UsageError(f"there is no view `{view}`", expected=", ".join(VIEWS))
    if view in ("vectors", "matrices", "batch"):
        for layer in layer_view(network).layers:
            activation = layer.activation
            if activation is not None and activation.op == "softmax" and layer.whole is None:
                raise UsageError(f"layer {layer.number} has more than one softmax", hint="--view neurons")
