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
from ..network.graph import Network, Node, Role
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
            yield from _units_forward(layer) if view == "vectors" else _layer_forward(layer, network)
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


def z_of(layer: Layer) -> Expr:
    return layer.whole[2] if layer.whole else stacked([u.z for u in layer.units])


def a_of(layer: Layer) -> Expr:
    return layer.whole[3] if layer.whole else stacked([u.a for u in layer.units])


def _units_forward(layer: Layer) -> Iterator[Line]:
    """z of each unit as the product of its weights and what comes in, and its a."""
    source, rows = source_vector(layer), layer.rows()
    wide = [u for u in layer.units if u.activation and u.activation.op == "softmax"]  # each entry takes all of z
    for j, unit in enumerate(layer.units):
        weights: Expr = Ref(layer.whole[0].name, (j + 1,)) if layer.whole else rows[j]
        product = Call("matmul", (weights, source))
        z = add(product, unit.bias) if unit.bias is not None else product
        yield Line(unit.z, z, layer.whole is not None)
        if unit.activation is not None and unit not in wide:
            yield Line(unit.a, _applied(unit.activation, unit.z))
    for unit in wide:
        assert unit.activation is not None
        whole = _applied(unit.activation, Ref(unit.z.name))
        yield Line(unit.a, Call("entry", (whole,), index=unit.a.index) if unit.a.index else whole)


def _layer_forward(layer: Layer, network: Network) -> Iterator[Line]:
    """z of a layer as one product, and a at once where one function works on all of z."""
    product = Call("matmul", (weight_matrix(layer), source_vector(layer)))
    bias = bias_vector(layer)
    yield Line(z_of(layer), add(product, bias) if bias is not None else product)
    if not layer.applied_together:
        yield from _as_they_are(network.nodes[n] for n in dict.fromkeys(u.a.name for u in layer.units if u.activation))
    elif layer.activation is not None:
        yield Line(a_of(layer), _applied(layer.activation, z_of(layer)))


def _applied(activation: Call, z: Expr) -> Call:
    return Call(activation.op, (z, *activation.args[1:]), shown=activation.shown)


def backward_lines(program: Program, view: View) -> Iterator[Line]:
    """∂C/∂(each node that parameters lead to), last first, then ∂C/∂(each parameter), in a view."""
    network = program.network
    nodes = [node.name for node in passed_back(program)]
    parameters = [p.name for p in network.parameters]
    if view == "own":
        yield from own_lines(program, [*nodes, *parameters])
    elif view == "neurons":
        for name in [*nodes, *parameters]:
            yield from _entry_lines(program, name)
    else:
        yield from _layers_backward(program, view, nodes)


def passed_back(program: Program) -> list[Node]:
    """The nodes whose δ is worked, last first: those that parameters lead to."""
    trained = program.network.trained
    return [n for n in program.order if n.name in trained or not n.is_equation or not trained]


def own_lines(program: Program, wanted: Iterable[str]) -> Iterator[Line]:
    """∂C/∂(each name, once)."""
    for name in dict.fromkeys(wanted):
        yield from lines_of(program, Ref(name))


def lines_of(program: Program, ref: Ref) -> Iterator[Line]:
    """∂C/∂ref in one line, or a line an entry where single entries receive something of their own."""
    received = program.received.get(ref.name)
    if received is not None and received.entries and not ref.index:
        yield from _entry_lines(program, ref.name)
    else:
        yield from _entry_line(program, ref)


def _entry_lines(program: Program, name: str) -> Iterator[Line]:
    for ref in program.network.nodes[name].entries():
        yield from _entry_line(program, ref)


def _each_entry(program: Program, wanted: Iterable[str]) -> Iterator[Line]:
    for name in dict.fromkeys(wanted):
        yield from _entry_lines(program, name)


def _layers_backward(program: Program, view: View, nodes: list[str]) -> Iterator[Line]:
    """δ of each layer, last first, then the gradients of its weights; what is in no layer as it is."""
    found = layer_view(program.network)
    rest = {n.name for n in found.rest}
    yield from own_lines(program, (n for n in nodes if n in rest))
    for layer, following in reversed(list(zip(found.layers, (*found.layers[1:], None), strict=True))):
        yield from (_vector_deltas if view == "vectors" else _matrix_deltas)(program, layer, following)
    given: set[str] = set()
    for layer in found.layers:
        reached = all(unit.z.name in program.received for unit in layer.units)
        if reached and not shares_weights(layer, found, program):
            given |= {ref.name for ref in layer.parameters()}
            yield from (_vector_gradients if view == "vectors" else _matrix_gradients)(program, layer)
    yield from own_lines(program, (p.name for p in program.network.parameters if p.name not in given))


def _of(program: Program, ref: Expr) -> Expr:
    """∂C/∂(a name, or a list of names); 0 where no weight stands."""
    if type(ref) is Ref:
        return Partial(program.symbol, ref)
    return stacked([_of(program, part) for part in ref.args]) if type(ref) is Call else ref


def _matrix_deltas(program: Program, layer: Layer, following: Layer | None) -> Iterator[Line]:
    z, a, activation = z_of(layer), a_of(layer), layer.units[0].activation
    if following is None or not goes_only_into(program, layer, following):
        yield from own_lines(program, (u.a.name for u in layer.units))
    else:
        weights = Call("transpose", (weight_matrix(following),))
        yield Line(_of(program, a), Call("matmul", (weights, _of(program, z_of(following)))))
    if not layer.applied_together or (activation is not None and not goes_only_into(program, layer, None)):
        yield from own_lines(program, (u.z.name for u in layer.units if u.activation))
    elif activation is not None and activation.op == "softmax":
        inner = add(_of(program, a), Call("neg", (Call("matmul", (a, _of(program, a))),)))
        yield Line(_of(program, z), Call("hadamard", (a, inner)))
    elif activation is not None and activation.op == "linear":
        yield Line(_of(program, z), _of(program, a))
    elif activation is not None:
        slope = Call(activation.op, (z, *activation.args[1:]), prime=1, shown=activation.shown)
        yield Line(_of(program, z), Call("hadamard", (_of(program, a), slope)))


def _vector_deltas(program: Program, layer: Layer, following: Layer | None) -> Iterator[Line]:
    """∂C/∂a of each unit as the product of the weights it passes on and the δ's behind it; then its ∂C/∂z."""
    if following is None or len(following.units) == 1 or not goes_only_into(program, layer, following):
        yield from _each_entry(program, (u.a.name for u in layer.units))
    else:
        columns = list(zip(*following.weights(), strict=True))
        for unit, column in zip(layer.units, columns, strict=True):
            taken = [(w, u.z) for w, u in zip(column, following.units, strict=True) if w is not None]
            if len(taken) < 2:
                yield from _entry_line(program, unit.a)
                continue
            every = following.whole is not None and len(taken) == len(following.units)
            behind = _of(program, z_of(following) if every else stacked([z for _, z in taken]))
            product = Call("matmul", (stacked([w for w, _ in taken]), behind))
            yield Line(_of(program, unit.a), product, following.whole is not None)
    yield from _each_entry(program, (u.z.name for u in layer.units if u.activation))


def _vector_gradients(program: Program, layer: Layer) -> Iterator[Line]:
    """Of each unit the gradient of its weights as one vector, δ times what came in, and that of its bias."""
    for j, unit in enumerate(layer.units, 1):
        delta = _of(program, unit.z)
        if len(unit.terms) == 1:
            yield from _entry_line(program, unit.terms[0][0])
        elif layer.whole:
            weights: Expr = _of(program, Ref(layer.whole[0].name, (j,)))
            yield Line(weights, Call("mul", (delta, source_vector(layer))))
        else:
            weights = stacked([_of(program, w) for w, _ in unit.terms])
            yield Line(weights, Call("mul", (delta, stacked([s for _, s in unit.terms]))))
        if unit.bias is not None:
            yield Line(_of(program, unit.bias), delta)


def _matrix_gradients(program: Program, layer: Layer) -> Iterator[Line]:
    """The gradients of a layer's weights as an outer product, of its biases as δ itself."""
    delta = _of(program, z_of(layer))
    outer = Call("outer", (delta, source_vector(layer)))
    if layer.whole:
        yield Line(_of(program, layer.whole[0]), outer)
        if layer.whole[1] is not None:
            yield Line(_of(program, layer.whole[1]), delta)
        return
    rows = [_of(program, row) for row in layer.rows()]
    yield Line(stacked(rows), where_weights_are(outer, layer.weights()))
    bias = bias_vector(layer)
    if bias is not None:
        yield Line(_of(program, bias), where_weights_are(delta, [u.bias for u in layer.units]))


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
    reached = following is not None or {u.a.name for u in layer.units} <= {n.name for n in program.order}
    return reached and consumers <= users and not given & set(names(network.cost.own))


def shares_weights(layer: Layer, view: LayerView, program: Program) -> bool:
    """Whether a weight of this layer stands in another place too."""
    cost = program.network.cost
    assert cost is not None
    here = list(layer.parameters())
    elsewhere = {r.name for other in view.layers if other is not layer for r in other.parameters()}
    elsewhere |= set(names(cost.own)) | {n for node in view.rest if node.formula for n in names(node.formula)}
    return len(set(here)) < len(here) or bool({r.name for r in here} & elsewhere)


def _entry_line(program: Program, ref: Ref) -> Iterator[Line]:
    formula = program.formula(ref)
    if formula is not None:
        yield Line(Partial(program.symbol, ref), formula)


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
    if view in ("vectors", "matrices"):
        layer_view(network)
    elif view == "batch":
        _check_chain(network, layer_view(network))


def _check_chain(network: Network, found: LayerView) -> None:
    """The batch form is of a chain of layers, each as one matrix.

    Raises:
        UsageError: something else holds a weight, or a layer has not one activation.
    """
    for layer in found.layers:
        if layer.activation is not None and not layer.applied_together:
            raise UsageError(f"layer {layer.number} has more than one softmax", hint="--view neurons")
    for node in found.rest:
        held = [n for n in names(node.formula) if network.nodes[n].role is Role.PARAMETER] if node.formula else []
        if held:
            raise UsageError(
                f"the batch form is of layers alone: `{node.name}` belongs to none, and `{held[0]}` stands in it",
                expected="a chain of layers, each taking what the one before gives, and no other",
                hint="--view matrices shows the layers, and beside them what belongs to none",
            )
