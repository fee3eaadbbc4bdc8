"""The paths from one quantity to another through the graph, entry by entry, each step with its local derivative."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..network.derive import entry_partial, indices, reached
from ..network.graph import Network, Node
from ..network.shapes import shape_of
from ..notation.expr import Call, Expr, Index, Num, Ref, is_number, mul, names, nary
from ..ops.vocabulary import ACTIVATION_NAMES, VOCABULARY

TOP = Ref("")  # stands for the cost, which is no node


@dataclass(frozen=True)
class Edge:
    """∂of/∂by, one factor of a chain: its formula in letters.

    Attributes:
        parts: the edges it was joined from, without those whose slope is 1; none for an edge of the graph itself.
    """

    of: Ref
    by: Ref
    slope: Expr
    parts: tuple[Edge, ...] = ()


@dataclass
class PathGraph:
    """All edges on the way from `start` to `top`, and what can be counted on them without walking every path.

    Args:
        top: the entry that is differentiated; TOP is a row's own cost.
        start: the entry by which it is differentiated.
    """

    network: Network
    start: Ref
    top: Ref
    cost_name: str
    into: dict[Ref, list[Edge]] = field(default_factory=dict)  # of -> edges that lead into it
    order: list[Ref] = field(default_factory=list)  # in the order of the work, from start to top

    def __post_init__(self) -> None:
        found: dict[str, set[Index]] = {self.start.name: {self.start.index}}
        self.order = [self.start]
        edges: dict[Ref, list[tuple[Ref, Expr, Index]]] = {}
        for node in self._nodes():
            formula = self._formula(node)
            outs: dict[Index, list[Ref]] = {}
            for leaf in names(formula):
                for at in sorted(found.get(leaf, ())):
                    for out in reached(formula, leaf, at, self.network.shape_of):
                        outs.setdefault(out, []).append(Ref(leaf, at))
            for out in sorted(outs):
                ref = TOP if node is None else Ref(node.name, out)
                edges[ref] = [(source, formula, out) for source in outs[out]]
                self.order.append(ref)
            if node is not None and outs:
                found.setdefault(node.name, set()).update(outs)
        self._prune(edges)

    def _nodes(self) -> Iterator[Node | None]:
        for node in self.network.equations:
            if node.name != self.start.name:
                yield node
            if node.name == self.top.name:
                return
        if self.top == TOP:
            yield None

    def _formula(self, node: Node | None) -> Expr:
        if node is None:
            assert self.network.cost is not None
            return self.network.cost.own
        assert node.formula is not None
        return node.formula

    def _prune(self, edges: Mapping[Ref, list[tuple[Ref, Expr, Index]]]) -> None:
        """Keeps what leads to the top, and writes its local derivatives down."""
        wanted, stack = set[Ref](), [self.top]
        while stack:
            ref = stack.pop()
            if ref in wanted:
                continue
            wanted.add(ref)
            kept = []
            for source, formula, out in edges.get(ref, ()):
                itself = Ref(ref.name) if ref != TOP else None
                slope = entry_partial(formula, out, source.name, source.index, self.network.shape_of, itself)
                if not is_number(slope, 0.0):
                    kept.append(Edge(Ref(self.cost_name) if ref == TOP else ref, source, slope))
                    stack.append(source)
            self.into[ref] = kept
        self.order = [r for r in self.order if r in wanted]

    @cached_property
    def out_of(self) -> Mapping[Ref, list[Edge]]:
        table: dict[Ref, list[Edge]] = {}
        for ref in self.order:
            for edge in self.into.get(ref, ()):
                table.setdefault(edge.by, []).append(edge)
        return table

    def node_of(self, edge: Edge) -> Ref:
        """The graph's own node that an edge leads into."""
        return (
            TOP
            if self.top == TOP and edge.of == Ref(self.cost_name) and edge.of.name not in self.network.nodes
            else edge.of
        )

    @cached_property
    def count(self) -> int:
        """How many paths there are; counted node by node, not path by path."""
        ways: dict[Ref, int] = {self.start: 1}
        for ref in self.order:
            if ref != self.start:
                ways[ref] = sum(ways.get(e.by, 0) for e in self.into.get(ref, ()))
        return ways.get(self.top, 0)

    @property
    def edge_count(self) -> int:
        return sum(len(e) for e in self.into.values())

    def paths(self) -> Iterator[tuple[Edge, ...]]:
        """Every path, from the top down to the start."""
        if self.count == 0:
            return
        stack: list[tuple[Ref, tuple[Edge, ...]]] = [(self.top, ())]
        while stack:
            ref, walked = stack.pop()
            if ref == self.start:
                yield walked
                continue
            for edge in reversed(self.into[ref]):
                stack.append((edge.by, (*walked, edge)))

    def largest(self, value: Callable[[Edge], float], most: int) -> list[tuple[float, tuple[Edge, ...]]]:
        """The `most` paths with the largest products, by size; work grows with the edges, not with the paths."""
        best: dict[Ref, list[tuple[float, tuple[Edge, ...]]]] = {self.top: [(1.0, ())]}
        for ref in reversed(self.order):
            if ref == self.top:
                continue
            found = []
            for edge in self.out_of.get(ref, ()):
                slope = value(edge)
                for product, path in best.get(self.node_of(edge), ()):
                    found.append((product * slope, (*path, edge)))
            found.sort(key=lambda pair: -abs(pair[0]))
            best[ref] = found[:most]
        return best.get(self.start, [])


def merged(path: tuple[Edge, ...], network: Network) -> tuple[Edge, ...]:
    """A path by layers: ∂a/∂z·∂z/∂x becomes ∂a/∂x wherever z is only the inside of an activation."""
    out: list[Edge] = []
    for edge in path:
        before = out[-1] if out else None
        if before is not None and edge.of == before.by and _is_activation(before, network):
            parts = tuple(e for e in (*(before.parts or (before,)), edge) if not is_number(e.slope, 1.0))
            out[-1] = Edge(before.of, edge.by, mul(before.slope, edge.slope), parts)
        else:
            out.append(edge)
    return tuple(out)


def _is_activation(edge: Edge, network: Network) -> bool:
    node = network.nodes.get(edge.of.name)
    formula = node.formula if node else None
    if type(formula) is not Call or not formula.args or formula.args[0] != Ref(edge.by.name):
        return False
    if formula.op == "softmax":
        return False  # a[1] takes every z: there is a path through each, and ∂a[1]/∂x would name them all
    return formula.op in ACTIVATION_NAMES or formula.op not in VOCABULARY


def chain(parts: Sequence[Expr]) -> Expr:
    """A product of factors, each kept whole."""
    return nary("mul", list(parts)) if len(parts) > 1 else parts[0] if parts else Num(1.0)


def factored(paths: Sequence[tuple[Edge, ...]]) -> Expr | None:
    """The sum over paths with what they share at either end taken out; None if they share nothing."""
    if len(paths) < 2:
        return None
    head, middles, tail = _common([[part for edge in path for part in edge.parts or (edge,)] for path in paths])
    if not head and not tail:
        return None
    middle = Call("add", tuple(chain([e.slope for e in m]) for m in middles))
    return chain([*(e.slope for e in head), middle, *(e.slope for e in tail)])


def _common(paths: list[list[Edge]]) -> tuple[list[Edge], list[list[Edge]], list[Edge]]:
    """What all paths share at the cost's end, where they differ, and what they share at the weight's end."""
    first = paths[0]
    head = 0
    while head < len(first) and all(len(p) > head and _alike(p[head], first[head]) for p in paths):
        head += 1
    tail = 0
    while all(len(p) - tail > head and _alike(p[len(p) - 1 - tail], first[len(first) - 1 - tail]) for p in paths):
        tail += 1
    middles = [p[head : len(p) - tail] for p in paths]
    return first[:head], middles, first[len(first) - tail :] if tail else []


def _alike(a: Edge, b: Edge) -> bool:
    return a.of == b.of and a.by == b.by


def only_entry(node: Node, index: Index) -> Index | None:
    """The index of a node's entry, if one is named or there is only one."""
    if index or not node.shape:
        return index
    return (1,) * len(node.shape) if int(np.prod(node.shape)) == 1 else None


def cost_entry(network: Network) -> Index:
    """Where a row's own cost stands in its formula: a vector of one is a number."""
    assert network.cost is not None
    return (1,) if shape_of(network.cost.own, network.shape_of) == (1,) else ()


__all__ = ["TOP", "Edge", "PathGraph", "chain", "cost_entry", "factored", "indices", "merged", "only_entry"]
