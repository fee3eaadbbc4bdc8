"""The layer view: which neurons form layers, whether the network was written out or as matrices.

The other view, neuron by neuron, is `derive.entry` of each equation. Both keep the user's names: a weight of
the layer view is the very `Ref` of the sheet, `w6` or `W2[2,2]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from ..errors import UsageError
from ..notation.expr import Call, Expr, Num, Ref, names
from ..ops.vocabulary import ACTIVATION_NAMES, VOCABULARY
from .graph import Network, Node, Role


@dataclass(frozen=True)
class Unit:
    """A neuron: z = Σ weight·source + bias, a = activation(z). For a linear neuron a is z."""

    z: Ref
    a: Ref
    terms: Sequence[tuple[Ref, Ref]]  # (weight, source), in the order of the sum
    bias: Ref | None
    activation: Call | None


@dataclass(frozen=True)
class MatrixRow(Sequence[tuple[Ref, Ref]]):
    """The terms of one row of W @ x, made when they are looked at: a large layer has too many to keep."""

    matrix: str
    row: int
    sources: list[Ref]

    def __len__(self) -> int:
        return len(self.sources)

    @overload
    def __getitem__(self, k: int) -> tuple[Ref, Ref]: ...
    @overload
    def __getitem__(self, k: slice) -> Sequence[tuple[Ref, Ref]]: ...
    def __getitem__(self, k: int | slice) -> tuple[Ref, Ref] | Sequence[tuple[Ref, Ref]]:
        if isinstance(k, slice):
            return [self[i] for i in range(*k.indices(len(self)))]
        return Ref(self.matrix, (self.row, range(1, len(self) + 1)[k])), self.sources[k]


@dataclass(frozen=True)
class Layer:
    """One layer. `whole` holds the nodes (W, b, z, a, source) where the sheet has it as matrices."""

    number: int
    sources: tuple[Ref, ...]
    units: tuple[Unit, ...]
    whole: tuple[Ref, Ref | None, Ref, Ref, Expr] | None = None

    def weight(self, j: int, k: int) -> Ref | None:
        """The weight to unit j from source k (from 0); None where they are not connected."""
        source = self.sources[k]
        return next((w for w, s in self.units[j].terms if s == source), None)

    def weights(self) -> list[list[Ref | None]]:
        """A row per unit, a column per source."""
        out = []
        for unit in self.units:
            by_source = {s: w for w, s in unit.terms}
            out.append([by_source.get(s) for s in self.sources])
        return out

    def rows(self) -> list[Expr]:
        """The weights of each unit as a vector; 0 where nothing connects."""
        return [Call("stack", tuple(w if w is not None else Num(0.0) for w in row)) for row in self.weights()]

    @property
    def activation(self) -> Call | None:
        """The activation that all units share.

        Raises:
            UsageError: the units of the layer have different ones.
        """
        kinds = {(u.activation.op, u.activation.args[1:]) if u.activation else None for u in self.units}
        if len(kinds) > 1:
            raise UsageError(f"the units of layer {self.number} have different activations", hint="--view neurons")
        return self.units[0].activation

    @property
    def applied_together(self) -> bool:
        """Whether one activation works on the whole of z: the same for every unit, and one softmax at most."""
        kinds = {(u.activation.op, u.activation.args[1:]) if u.activation else None for u in self.units}
        op = self.units[0].activation.op if self.units[0].activation else ""
        return len(kinds) == 1 and (op != "softmax" or self.whole is not None)

    @property
    def has_bias(self) -> bool:
        return any(u.bias is not None for u in self.units)

    def parameters(self) -> Iterator[Ref]:
        for unit in self.units:
            yield from (w for w, _ in unit.terms)
            if unit.bias is not None:
                yield unit.bias


@dataclass(frozen=True)
class LayerView:
    """A network read as layers.

    Attributes:
        before: the equations that bring the inputs to the first layer, such as x = [(bill - 44)/5.5, …].
        rest: the equations that belong to no layer, such as u = A1 - y or a neuron that a skip connection reaches.
            A layer takes nothing of them: in the order of the work they may all come behind the layers.
    """

    layers: tuple[Layer, ...]
    rest: tuple[Node, ...]
    before: tuple[Node, ...] = ()


class _NoLayers(Exception):
    pass


def layer_view(network: Network) -> LayerView:
    """The network as layers.

    Raises:
        UsageError: it has none, with the reason.
    """
    try:
        return _recognise(network)
    except _NoLayers as reason:
        raise UsageError(
            f"this network does not form layers: {reason}",
            expected="a neuron that takes weighted values of the inputs, and no other",
            hint="--view neurons works for every network",
        ) from None


def _recognise(network: Network) -> LayerView:
    units, wholes, refused = _candidates(network)
    taken = {name: _sources(made, name in wholes) for name, made in units.items()}
    before = _prepared(network, {s for sources in taken.values() for s in sources})
    depth: dict[str, int] = {n.name: 0 for n in (*network.inputs, *before)}
    for name, made in list(units.items()):
        strange = next((s for s in taken[name] if s not in depth), None)
        deepest = max(depth.get(s, 0) for s in taken[name])
        skipped = next((s for s in taken[name] if depth.get(s, deepest) < deepest), None)
        if strange is None and skipped is None:
            depth[name] = depth[made[0].a.name] = deepest + 1
            continue
        del units[name]
        refused.append(
            f"`{name}` takes `{skipped}` past the layer between (a skip connection)"
            if strange is None
            else f"`{name}` takes `{strange}`, which is no neuron of an earlier layer"
        )
    if not units:
        raise _NoLayers(refused[0] if refused else "it has no neuron of the form w·x + b")
    layers: list[Layer] = []
    for number in range(1, max(depth[n] for n in units) + 1):
        members = [n for n in units if depth[n] == number]
        layers.append(_layer(number, members, units, wholes, layers, (*network.inputs, *before)))
    known = {*units, *(made[0].a.name for made in units.values()), *(n.name for n in before)}
    return LayerView(tuple(layers), tuple(n for n in network.equations if n.name not in known), before)


_Whole = tuple[Ref, Ref | None, Ref, Ref, Expr]


def _candidates(network: Network) -> tuple[dict[str, list[Unit]], dict[str, _Whole], list[str]]:
    """Every neuron of the form w·x + b by the name of its z, those that are matrices, and why others are none."""
    units: dict[str, list[Unit]] = {}
    wholes: dict[str, _Whole] = {}
    refused: list[str] = []
    for node in network.equations:
        affine = _affine(node, network)
        if affine is None:
            continue
        users = network.consumers[node.name]
        applied = [u for u in users if _activates(u, node)]
        if applied and len(users) > 1:
            refused.append(f"`{node.name}` goes into more than its activation")
            continue
        output = applied[0] if applied else node
        activation = output.formula if applied else None
        assert activation is None or type(activation) is Call
        units[node.name] = [Unit(z, Ref(output.name, z.index), terms, b, activation) for z, terms, b in affine.units]
        if affine.whole:
            matrix, bias, source = affine.whole
            wholes[node.name] = (matrix, bias, Ref(node.name), Ref(output.name), source)
    return units, wholes, refused


def _sources(made: Sequence[Unit], alike: bool) -> list[str]:
    """What units take, each once; all rows of one matrix take the same."""
    return list(dict.fromkeys(s.name for u in (made[:1] if alike else made) for _, s in u.terms))


def _prepared(network: Network, taken: set[str]) -> tuple[Node, ...]:
    """The equations without any parameter that stand between the inputs and what is taken of them, in order."""
    given = {n.name for n in network.nodes.values() if n.role in (Role.INPUT, Role.CONST)}
    prepared = dict[str, Node]()
    for node in network.equations:
        if node.formula is not None and set(names(node.formula)) <= given | prepared.keys():
            prepared[node.name] = node
    needed = taken & prepared.keys()
    for node in reversed(prepared.values()):
        if node.name in needed and node.formula is not None:
            needed |= set(names(node.formula)) & prepared.keys()
    return tuple(node for node in prepared.values() if node.name in needed)


def _layer(
    number: int,
    members: list[str],
    units: dict[str, list[Unit]],
    wholes: dict[str, _Whole],
    layers: list[Layer],
    inputs: Sequence[Node],
) -> Layer:
    made = tuple(u for n in members for u in units[n])
    whole = wholes.get(members[0]) if len(members) == 1 else None
    if layers:
        return Layer(number, tuple(u.a for u in layers[-1].units), made, whole)
    taken = {s for u in (made[:1] if whole else made) for _, s in u.terms}
    return Layer(number, tuple(r for n in inputs for r in n.entries() if r in taken), made, whole)


@dataclass(frozen=True)
class _Affine:
    units: Sequence[tuple[Ref, Sequence[tuple[Ref, Ref]], Ref | None]]
    whole: tuple[Ref, Ref | None, Expr] | None = None


def _affine(node: Node, network: Network) -> _Affine | None:
    """The node as weighted sums, if it is: W @ x + b, or w1*x1 + w2*x2 + b in any order."""
    formula = node.formula
    terms = list(formula.args) if type(formula) is Call and formula.op == "add" else [formula]

    def is_parameter(expr: Expr | None) -> bool:
        return type(expr) is Ref and network.nodes[expr.name].role is Role.PARAMETER

    def is_value(expr: Expr | None) -> bool:
        return type(expr) is Ref and network.nodes[expr.name].role in (Role.INPUT, Role.EQUATION)

    products = [t for t in terms if type(t) is Call and t.op == "matmul"]
    if len(products) == 1 and len(terms) <= 2:
        matrix, source = products[0].args
        others = [t for t in terms if t is not products[0]]
        bias = others[0] if others else None
        parts = source.args if type(source) is Call and source.op == "stack" else (source,)
        plain = all(type(p) is Ref and is_value(p) and not p.index for p in parts)
        if not is_parameter(matrix) or not plain or (others and not is_parameter(bias)) or len(node.shape) != 1:
            return None
        if len(network.nodes[matrix.name].shape) != 2 or matrix.index:  # type: ignore[attr-defined]
            return None
        return _matrix_units(node, matrix, parts, bias, source, network)  # type: ignore[arg-type]
    if node.shape:
        return None
    weighted: list[tuple[Ref, Ref]] = []
    bias_ref: Ref | None = None
    for term in terms:
        if is_parameter(term) and bias_ref is None:
            bias_ref = term  # type: ignore[assignment]
            continue
        if type(term) is not Call or term.op != "mul" or len(term.args) != 2:
            return None
        first, second = term.args
        weight, source = (first, second) if is_parameter(first) else (second, first)
        if is_parameter(weight) and source == Num(1.0) and bias_ref is None:
            bias_ref = weight  # type: ignore[assignment]
        elif is_parameter(weight) and is_value(source):
            weighted.append((Ref(weight.name, weight.index), Ref(source.name, source.index)))  # type: ignore[attr-defined]
        else:
            return None
    if not weighted or len({s for _, s in weighted}) < len(weighted):
        return None
    if bias_ref is not None:
        bias_ref = Ref(bias_ref.name, bias_ref.index)
    return _Affine([(Ref(node.name), tuple(weighted), bias_ref)])


def _matrix_units(
    node: Node, matrix: Ref, parts: tuple[Ref, ...], bias: Ref | None, source: Expr, network: Network
) -> _Affine:
    """The units of W @ x + b, row by row."""
    entries = [r for p in parts for r in network.nodes[p.name].entries()]
    rows, _ = network.nodes[matrix.name].shape
    bias_shape = network.nodes[bias.name].shape if bias is not None else ()
    units = []
    for j in range(1, rows + 1):
        terms = MatrixRow(matrix.name, j, entries)
        own = None if bias is None else Ref(bias.name, (j,) if bias_shape else ())
        units.append((Ref(node.name, (j,)), terms, own))
    plain_bias = Ref(bias.name) if bias is not None else None
    plain_source: Expr = Ref(source.name) if type(source) is Ref else source
    return _Affine(units, (Ref(matrix.name), plain_bias, plain_source))


def _activates(user: Node, z: Node) -> bool:
    """Whether a node is one activation of z and nothing else."""
    formula = user.formula
    if type(formula) is not Call or not formula.args or formula.args[0] != Ref(z.name):
        return False
    if any(names(a) for a in formula.args[1:]):
        return False
    return formula.op in ACTIVATION_NAMES or formula.op not in VOCABULARY
