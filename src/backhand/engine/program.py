"""What back-propagation works out for a network, in letters: for every name, what it receives from those that use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ..notation.expr import ONE, Expr, Index, Partial, Ref, add
from ..network.derive import entry, pull
from ..network.graph import Network, Node
from ..network.shapes import shape_of


@dataclass(frozen=True)
class Received:
    """∂of/∂name in letters.

    Attributes:
        whole: the sum of what the name receives as a whole; None if nothing.
        entries: what single entries receive beside that (where a formula uses `b1[2]` by itself).
    """

    whole: Expr | None
    entries: Mapping[Index, Expr]


class Program:
    """The backward formulas of one network for ∂of/∂(everything).

    Args:
        network: the graph.
        of: what is differentiated: a node's entry, or None for a row's own cost L.
    """

    def __init__(self, network: Network, of: Ref | None = None) -> None:
        self.network, self.of = network, of
        cost = network.cost
        self.symbol = of if of is not None else Ref(cost.own_name if cost else "L")

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
        from ..notation.expr import names

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
        """For every name that the target depends on, what it receives, from its users in the order of the work."""
        shares: dict[str, list[tuple[Index, Expr]]] = {}

        def give(leaf: Ref, share: Expr) -> None:
            shares.setdefault(leaf.name, []).append((leaf.index, share))

        for node in reversed(self.order):
            assert node.formula is not None
            for leaf, share in pull(node.formula, self.partial(node.name), self.shapes, Ref(node.name)).items():
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
        return Received(add(*whole) if whole else None, {index: add(*shares) for index, shares in entries.items()})

    def formula(self, ref: Ref) -> Expr | None:
        """∂of/∂ref in letters, looked-up partials included; None where the target does not depend on it."""
        received = self.received.get(ref.name)
        if received is None:
            return None
        if not ref.index:
            return received.whole
        parts = []
        if received.whole is not None:
            shape = shape_of(received.whole, self.shapes)
            parts.append(entry(received.whole, ref.index if shape else (), self.shapes))
        if ref.index in received.entries:
            parts.append(received.entries[ref.index])
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
