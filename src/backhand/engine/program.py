"""Back-propagation in letters: for every name of a network, what it receives from those that use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ..network.derive import entry, pull
from ..network.graph import Network, Node
from ..network.shapes import shape_of
from ..notation.expr import ONE, Expr, Index, Partial, Ref, add, names


@dataclass(frozen=True)
class Received:
    """∂of/∂name in letters.

    Attributes:
        whole: the sum of what the name receives as a whole; None if nothing.
        entries: what single entries receive beside that (where a formula uses `b1[2]` by itself).
    """

    whole: Expr | None
    entries: Mapping[Index, Expr]


def own_letter(network: Network, rows: int) -> str:
    """What a row's own cost is called: C where it is the row's share of C, else L; 0 rows is in letters."""
    cost = network.cost
    if cost is None:
        return "L"
    return cost.name if rows <= 1 and cost.penalty is None else cost.own_name


class Program:
    """The backward formulas of one network for ∂of/∂(everything).

    Args:
        network: the graph.
        of: what is differentiated: a node's entry, or None for a row's own cost L.
        rows: N, the number of rows of a step. The cost of a single row without a penalty is its own cost, so
            both are called by the cost's own letter.
    """

    def __init__(self, network: Network, of: Ref | None = None, rows: int = 0) -> None:
        self.network, self.of = network, of
        self.symbol = of if of is not None else Ref(own_letter(network, rows))

    def partial(self, name: str) -> Partial:
        """∂of/∂name as a symbol."""
        return Partial(self.symbol, Ref(name))

    def shapes(self, name: str) -> tuple[int, ...]:
        return self.network.shape_of(name)

    @cached_property
    def top(self) -> Expr:
        """The formula where the backward pass begins."""
        if self.of is not None:
            return self.of
        assert self.network.cost is not None
        return self.network.cost.own

    @cached_property
    def order(self) -> list[Node]:
        """The equations that the target reaches, last first; the others have the derivative 0."""
        needed: set[str] = set(names(self.top))
        order = []
        for node in reversed(self.network.equations):
            if node.name in needed:
                order.append(node)
                assert node.formula is not None
                needed |= set(names(node.formula))
        self.needed = needed
        return order

    @cached_property
    def received(self) -> Mapping[str, Received]:
        """For every name that the target depends on, what it receives, from its users in their order."""
        shares: dict[str, list[tuple[Index, Expr]]] = {}

        def give(leaf: Ref, share: Expr) -> None:
            shares.setdefault(leaf.name, []).append((leaf.index, share))

        for node in reversed(self.order):
            assert node.formula is not None
            seed, itself = self.partial(node.name), Ref(node.name)
            for leaf, share in pull(node.formula, seed, self.shapes, itself).items():
                give(leaf, share)
        for leaf, share in pull(self.top, ONE, self.shapes).items():
            give(leaf, share)
        return {name: self._collect(parts) for name, parts in shares.items()}

    def _collect(self, parts: list[tuple[Index, Expr]]) -> Received:
        whole = [share for index, share in parts if not index]
        entries: dict[Index, list[Expr]] = {}
        for index, share in parts:
            if index:
                entries.setdefault(index, []).append(share)
        summed = {index: add(*shares) for index, shares in entries.items()}
        return Received(add(*whole) if whole else None, summed)

    def formula(self, ref: Ref) -> Expr | None:
        """∂of/∂ref in letters, looked-up partials included; None where the target does not depend on it."""
        return self._at(self.received.get(ref.name), ref)

    def penalty_formula(self, ref: Ref) -> Expr | None:
        """∂(penalty)/∂ref in letters; None where the penalty does not hold it."""
        return self._at(self.penalty.get(ref.name), ref)

    def _at(self, received: Received | None, ref: Ref) -> Expr | None:
        if received is None:
            return None
        if not ref.index:
            return received.whole
        parts = []
        for index, share in (((), received.whole), *received.entries.items()):
            if share is not None and index == ref.index[: len(index)]:
                rest = ref.index[len(index) :] if shape_of(share, self.shapes) else ()
                parts.append(entry(share, rest, self.shapes) if rest or not index else share)
        return add(*parts) if parts else None

    @cached_property
    def penalty(self) -> Mapping[str, Received]:
        """∂(penalty)/∂parameter, added once a step."""
        cost = self.network.cost
        if self.of is not None or cost is None or cost.penalty is None:
            return {}
        shares: dict[str, list[tuple[Index, Expr]]] = {}
        for leaf, share in pull(cost.penalty, ONE, self.shapes).items():
            shares.setdefault(leaf.name, []).append((leaf.index, share))
        return {name: self._collect(parts) for name, parts in shares.items()}
