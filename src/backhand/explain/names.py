"""Naming schemes for layers: w_jk^(l), W<to><from>_<layer>, or w1 … wn; and the table that ties them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..document.parts import Cell, Table
from ..network.graph import Cost, Network
from ..network.layers import Layer, LayerView, layer_view
from ..notation.expr import Call, Expr, Num, Ref, names
from ..notation.text import PLAIN
from .scene import renamed

Scheme = Literal["own", "indexed", "fromto", "numbered"]
SCHEMES: tuple[Scheme, ...] = ("own", "indexed", "fromto", "numbered")


def scheme_names(network: Network, scheme: Scheme) -> Mapping[Ref, Ref]:
    """For each entry of the network's layers, and each whole vector and matrix of them, its name in a scheme.

    `own` changes nothing. What stands in several places, such as a shared weight, keeps the name of the sheet.

    Raises:
        UsageError: the network does not form layers.
    """
    if scheme == "own":
        return {}
    view = layer_view(network)
    kept = _kept(network, view)
    moved = {ref.name for layer in view.layers for ref in _refs_of(layer)} - kept
    cost = network.cost
    taken = (network.nodes.keys() - moved) | {"N", *((cost.name, cost.own_name) if cost else ())}
    naming = _Naming(scheme, kept, taken)
    for layer in view.layers:
        naming.layer(layer)
    return naming.table


def _refs_of(layer: Layer) -> Iterator[Ref]:
    yield from layer.sources
    yield from layer.parameters()
    for unit in layer.units:
        yield from (unit.z, unit.a)


def _kept(network: Network, view: LayerView) -> set[str]:
    """What has no name of its own in a layer: a weight in several places, a vector that is a part of a layer."""
    parameters = Counter(ref for layer in view.layers for ref in layer.parameters())
    kept = {ref.name for ref, count in parameters.items() if count > 1}
    beside = [node.formula for node in view.rest] + ([network.cost.own] if network.cost else [])
    used = {name for formula in beside if formula is not None for name in names(formula)}
    kept |= {p.name for p in network.parameters} & used
    for layer in view.layers:
        if not layer.whole:
            kept |= {ref.name for ref in (*layer.parameters(), *(u.z for u in layer.units)) if ref.index}
            kept |= {unit.a.name for unit in layer.units if unit.a.index}
    sources = view.layers[0].sources
    alone = bool(sources) and list(sources) == network.nodes[sources[0].name].entries()
    return kept | {ref.name for ref in sources if ref.index and not alone}


@dataclass
class _Naming:
    """Gives the names of one scheme, each once.

    Attributes:
        kept: the nodes that keep the sheet's name.
        taken: the names that stand for something already.
    """

    scheme: Scheme
    kept: set[str]
    taken: set[str]
    table: dict[Ref, Ref] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def give(self, ref: Ref, name: str) -> None:
        if ref.name not in self.kept and ref not in self.table:
            while name in self.taken:
                name += "~"
            self.taken.add(name)
            self.table[ref] = Ref(name)

    def number(self, *letters: str) -> int:
        """The next number that is free behind each of the letters."""
        self.counts[letters[0]] += 1
        while any(f"{letter}{self.counts[letters[0]]}" in self.taken for letter in letters):
            self.counts[letters[0]] += 1
        return self.counts[letters[0]]

    def layer(self, layer: Layer) -> None:
        numbered, number = self.scheme == "numbered", layer.number
        if number == 1:
            for k, source in enumerate(layer.sources, 1):
                if source.name not in self.kept:
                    self.give(source, _input(self.scheme, self.number("x") if numbered else k))
            self.whole(Ref(layer.sources[0].name), layer.sources, _whole(self.scheme, "x", 0))
        position = {s: k for k, s in enumerate(layer.sources, 1)}
        for j, unit in enumerate(layer.units, 1):
            for weight, source in unit.terms:
                if weight.name not in self.kept:
                    count = self.number("w") if numbered else 0
                    self.give(weight, _weight(self.scheme, j, position[source], number, count))
            if unit.bias is not None and unit.bias.name not in self.kept:
                self.give(unit.bias, _bias(self.scheme, j, number, self.number("b") if numbered else 0))
            if unit.z.name not in self.kept:
                z, a = _unit(self.scheme, j, number, self.number("z", "a") if numbered else 0)
                self.give(unit.z, z)
                self.give(unit.a, a)
        if layer.whole:
            weights, bias, z_whole, a_whole, _ = layer.whole
            own_biases = [u.bias for u in layer.units if u.bias is not None]
            self.whole(weights, list(layer.parameters()), _whole(self.scheme, "w", number))
            self.whole(z_whole, [u.z for u in layer.units], _whole(self.scheme, "z", number))
            self.whole(a_whole, [u.a for u in layer.units], _whole(self.scheme, "a", number))
            if bias is not None:
                self.whole(bias, own_biases, _whole(self.scheme, "b", number))

    def whole(self, ref: Ref, entries: Sequence[Ref], name: str) -> None:
        """A vector or a matrix; a vector of one entry is called what its entry is called."""
        found = [entry for entry in entries if entry.name == ref.name]
        if len(found) == 1 and found[0] in self.table and len(found[0].index) < 2:
            self.table[ref] = self.table[found[0]]
        elif found and found[0].index:
            self.give(ref, name)


def _whole(scheme: Scheme, letter: str, layer: int) -> str:
    """The name of a layer's whole vector or matrix."""
    if scheme == "fromto":
        return {"x": "X_0", "w": f"W_{layer}", "b": f"W~_{layer}", "z": f"u_{layer}", "a": f"H_{layer}"}[letter]
    if letter == "x":
        return "a^(0)" if scheme == "indexed" else "x"
    return f"{letter.upper() if letter == 'w' else letter}^({layer})"


def _pair(j: int, k: int) -> str:
    return f"{j}{k}" if j < 10 and k < 10 else f"{j},{k}"


def _weight(scheme: Scheme, j: int, k: int, layer: int, count: int) -> str:
    return {
        "indexed": f"w_{_pair(j, k)}^({layer})",
        "fromto": f"W{_pair(j, k)}_{layer}",
        "numbered": f"w{count}",
    }[scheme]


def _bias(scheme: Scheme, j: int, layer: int, count: int) -> str:
    return {"indexed": f"b_{j}^({layer})", "fromto": f"W{j}~_{layer}", "numbered": f"b{count}"}[scheme]


def _unit(scheme: Scheme, j: int, layer: int, count: int) -> tuple[str, str]:
    if scheme == "indexed":
        return f"z_{j}^({layer})", f"a_{j}^({layer})"
    if scheme == "fromto":
        return f"u_{j}_{layer}", f"H{j}_{layer}"
    return f"z{count}", f"a{count}"


def _input(scheme: Scheme, k: int) -> str:
    return {"indexed": f"a_{k}^(0)", "fromto": f"X{k}", "numbered": f"x{k}"}[scheme]


def biases_of(network: Network) -> set[Ref]:
    """The biases of all units."""
    return {u.bias for layer in layer_view(network).layers for u in layer.units if u.bias is not None}


def times_one(formula: Expr, biases: set[Ref]) -> Expr:
    """A weighted sum with its bias as a weight: ... + b becomes ... + b·1, the same double."""
    if not isinstance(formula, Call) or formula.op != "add":
        return formula
    terms = (Call("mul", (t, Num(1.0))) if isinstance(t, Ref) and t in biases else t for t in formula.args)
    return Call("add", tuple(terms))


def convention_text(cost: Cost, rename: Mapping[Ref, Ref]) -> str:
    """The cost's convention, the formulas in it in a naming scheme."""
    text = cost.convention
    for before, formula, behind in (
        ("rows of ", cost.own, ""),
        ("plus ", cost.penalty, ", once a step"),
        *((", and ", term, " is counted") for term in _parts(cost.own)),
    ):
        if formula is not None:
            said = f"{before}{PLAIN(formula)}{behind}"
            text = text.replace(said, f"{before}{PLAIN(renamed(formula, rename))}{behind}", 1)
    return text


def _parts(expr: Expr) -> Iterator[Expr]:
    yield expr
    for arg in expr.args if isinstance(expr, Call) else ():
        yield from _parts(arg)


def names_table(network: Network) -> Table:
    """Every parameter under all its names: the sheet's own, w_jk^(l), W<to><from>_<layer>, and its place in W^(l)."""
    view = layer_view(network)
    schemes = _schemes(network)
    rows: list[tuple[Cell, ...]] = []
    for layer in view.layers:
        position = {s: k for k, s in enumerate(layer.sources, 1)}
        for j, unit in enumerate(layer.units, 1):
            for weight, source in unit.terms:
                place = f"row {j}, column {position[source]} of W^({layer.number})"
                rows.append((*_called(weight, schemes), place, f"from {_text(source)} to {_text(unit.z)}"))
            if unit.bias is not None:
                place = f"entry {j} of b^({layer.number})"
                rows.append((*_called(unit.bias, schemes), place, f"to {_text(unit.z)}"))
    columns = ("in the sheet", "w_jk^(l)", "W<to><from>_<layer>", "numbered", "in the matrix", "its way")
    return Table(columns, tuple(rows), "One weight, its names")


def nodes_table(network: Network) -> Table:
    """Every input of the layers, z and a under all its names, and every whole vector and matrix."""
    view = layer_view(network)
    schemes = _schemes(network)
    rows: list[tuple[Cell, ...]] = []
    first = view.layers[0].sources
    if first[0].index and Ref(first[0].name) in schemes[0] and len(first) > 1:
        rows.append((*_called(Ref(first[0].name), schemes), "what comes in"))
    rows += [(*_called(ref, schemes), f"entry {k} of a^(0)") for k, ref in enumerate(first, 1)]
    for layer in view.layers:
        if layer.whole:
            weights, bias, z, a, _ = layer.whole
            said = {weights: "the weights", bias: "the biases", z: "every z", a: "every a"}
            said[z] = "every z"
            for ref in (weights, bias, z, *((a,) if a != z else ())):
                if ref is not None and (ref == weights or len(layer.units) > 1):
                    rows.append((*_called(ref, schemes), f"{said[ref]} of layer {layer.number}"))
        for j, unit in enumerate(layer.units, 1):
            rows.append((*_called(unit.z, schemes), f"entry {j} of z^({layer.number})"))
            if unit.a != unit.z:
                rows.append((*_called(unit.a, schemes), f"entry {j} of a^({layer.number})"))
    columns = ("in the sheet", "z_j^(l), a_j^(l)", "u_<unit>_<layer>, H<unit>_<layer>", "numbered", "what it is")
    return Table(columns, tuple(rows), "One node, its names")


def _schemes(network: Network) -> list[Mapping[Ref, Ref]]:
    return [scheme_names(network, s) for s in ("indexed", "fromto", "numbered")]


def _called(ref: Ref, schemes: Sequence[Mapping[Ref, Ref]]) -> tuple[Ref, ...]:
    """The sheet's own name and that in each scheme."""
    return ref, *(scheme.get(ref, ref) for scheme in schemes)


def _text(ref: Ref) -> str:
    return ref.name + (f"[{','.join(map(str, ref.index))}]" if ref.index else "")
