"""Naming schemes for layers: w_jk^(l), W<to><from>_<layer>, or w1 … wn; and the table that ties them together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ..document.parts import Cell, Table
from ..network.graph import Network
from ..network.layers import Layer, layer_view
from ..notation.expr import Call, Expr, Num, Ref

Scheme = Literal["own", "indexed", "fromto", "numbered"]
SCHEMES: tuple[Scheme, ...] = ("own", "indexed", "fromto", "numbered")


def scheme_names(network: Network, scheme: Scheme) -> Mapping[Ref, Ref]:
    """For each entry of the network's layers its name in a scheme; `own` changes nothing.

    Raises:
        UsageError: the network does not form layers.
    """
    if scheme == "own":
        return {}
    view = layer_view(network)
    table: dict[Ref, Ref] = {}
    counts = {"w": 0, "b": 0, "z": 0}
    for layer in view.layers:
        for k, source in enumerate(layer.sources, 1):
            if layer.number == 1:
                table[source] = Ref(_input(source, k, scheme))
        if scheme in ("indexed", "numbered") and layer.whole:
            _whole_names(table, layer, scheme)
        for j, unit in enumerate(layer.units, 1):
            position = {s: k for k, s in enumerate(layer.sources, 1)}
            for weight, source in unit.terms:
                counts["w"] += 1
                table[weight] = Ref(_weight(scheme, j, position[source], layer.number, counts["w"]))
            if unit.bias is not None:
                counts["b"] += 1
                table[unit.bias] = Ref(_bias(scheme, j, layer.number, counts["b"]))
            counts["z"] += 1
            z, a = _unit(scheme, j, layer.number, counts["z"])
            table[unit.z] = Ref(z)
            if unit.a != unit.z:
                table[unit.a] = Ref(a)
    return table


def _whole_names(table: dict[Ref, Ref], layer: Layer, scheme: Scheme) -> None:
    assert layer.whole is not None
    weights, bias, z, a, source = layer.whole
    number = f"^({layer.number})"
    for ref, letter in ((weights, "W"), (bias, "b"), (a, "a"), (z, "z")):
        if ref is not None:
            table[ref] = Ref(letter + number)
    if layer.number == 1 and isinstance(source, Ref) and source.index == ():
        table[source] = Ref("a^(0)")


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


def _input(source: Ref, k: int, scheme: Scheme) -> str:
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


def names_table(network: Network) -> Table:
    """Every parameter under all its names: the sheet's own, w_jk^(l), W<to><from>_<layer>, and its place in W^(l)."""
    view = layer_view(network)
    schemes = [scheme_names(network, s) for s in ("indexed", "fromto", "numbered")]
    rows: list[tuple[Cell, ...]] = []
    for layer in view.layers:
        position = {s: k for k, s in enumerate(layer.sources, 1)}
        for j, unit in enumerate(layer.units, 1):
            for weight, source in unit.terms:
                place = f"row {j}, column {position[source]} of W^({layer.number})"
                rows.append((weight, *(s[weight] for s in schemes), place, f"from {_text(source)} to {_text(unit.z)}"))
            if unit.bias is not None:
                rows.append(
                    (
                        unit.bias,
                        *(s[unit.bias] for s in schemes),
                        f"entry {j} of b^({layer.number})",
                        f"to {_text(unit.z)}",
                    )
                )
    columns = ("in the sheet", "w_jk^(l)", "W<to><from>_<layer>", "numbered", "in the matrix", "its way")
    return Table(columns, tuple(rows), "One weight, its names")


def _text(ref: Ref) -> str:
    return ref.name + (f"[{','.join(map(str, ref.index))}]" if ref.index else "")
