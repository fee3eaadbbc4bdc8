"""What stands near a number, and may be taken for it: other weights, other units, other rows, the step before."""

from __future__ import annotations

from collections.abc import Iterator

from ..explain.ledger import GIVEN, LOCAL, NEW, SUM, VALUE, Quantity
from ..network.graph import Role
from ..notation.expr import Call, Expr, Ref, leaves, rewrite
from ..notation.text import PLAIN
from ..ops.vocabulary import VOCABULARY
from .book import ONLY_ROW, OTHER_ROW, STALE, WITHOUT_ROW, Book
from .slips import Variant, kind

MOST_OTHERS = 12  # of siblings that may be taken in place of a number


class Nearby:
    """The numbers of one step, in the words of its network."""

    def __init__(self, book: Book) -> None:
        self.book, self.ledger = book, book.ledger
        self.network = book.ledger.network
        self._made: dict[str, list[Variant]] = {}

    def said(self, key: str) -> str:
        """A quantity's name for people."""
        if key.startswith(SUM):
            return f"the sum of {self.said(key.removeprefix(SUM))}"
        quantity = self.ledger[key]
        return PLAIN(quantity.left) + ("'" if quantity.kind == NEW else "")

    def _beside(self, quantity: Quantity, held: list[str]) -> list[str]:
        """What else goes into the same unit, and may be taken for one of its inputs."""
        if quantity.kind == LOCAL and quantity.of is not None:
            unit = self.ledger[self.ledger.value(quantity.of)]
            held = [part.name for part in leaves(unit.flat) if type(part) is Ref] if unit.flat is not None else []
        return [key for key in dict.fromkeys(held) if self._role(key) in (Role.INPUT, Role.EQUATION)][:MOST_OTHERS]

    def _instead(self, leaf: str) -> Iterator[tuple[str, str]]:
        """Keys that may be taken in place of one, and what that slip is called."""
        quantity, nodes = self.ledger[leaf], self.network.nodes
        if quantity.kind not in (GIVEN, VALUE):
            return
        ref, node = quantity.ref, nodes[quantity.ref.name]
        shape = node.shape
        if len(ref.index) == 2 and ref.index[0] != ref.index[1]:
            turned = ref.index[::-1]
            if all(i <= n for i, n in zip(turned, shape, strict=True)):
                yield "W for its transpose", self.ledger.value(Ref(ref.name, turned))
        for other in self._siblings(ref):
            key = self.ledger.value(other)
            if node.role is Role.PARAMETER:
                yield "wrong weight", key
            elif node.role is Role.INPUT:
                yield "another column's number", key
            elif node.role is Role.TARGET:
                yield "target misread", key
            elif node.role is Role.EQUATION:
                yield "a of another unit", key
        if node.role is Role.EQUATION and node.formula is not None:
            inner = node.formula
            if (
                type(inner) is Call
                and VOCABULARY.get(inner.op)
                and VOCABULARY[inner.op].activation
                and type(inner.args[0]) is Ref
            ):
                yield "z for a", self.ledger.value(Ref(inner.args[0].name, ref.index))
        if quantity.by_row and self.ledger.count > 1:
            slip = "target misread" if node.role is Role.TARGET else "another row's number"
            for row in range(min(self.ledger.count, MOST_OTHERS)):
                yield slip, f"{OTHER_ROW}{row} {leaf}"
        before = self.book.before
        worked = node.role in (Role.PARAMETER, Role.EQUATION)
        if before is not None and worked and (self.ledger.rows == before.ledger.rows or not quantity.by_row):
            before.ledger.value(ref)  # so that it is there
            yield "number of the epoch before", f"{STALE}{leaf}"

    def _siblings(self, ref: Ref) -> list[Ref]:
        """Numbers of the same kind: entries of the same node, then nodes of the same role and shape beside it."""
        nodes, node = self.network.nodes, self.network.nodes[ref.name]
        same = (
            [r for r in self.ledger.entries(ref.name) if r != ref]
            if node.shape and len(list(node.entries(400))) < 400
            else []
        )
        near: list[Ref] = []
        if len(node.shape) == 2:
            same = [r for r in same if r.index[0] == ref.index[0] or r.index[1] == ref.index[1]]
        elif not node.shape:
            every = list(nodes.values())
            at = every.index(node)
            alike = [n for n in every if n is not node and n.role is node.role and n.shape == node.shape]
            if node.role is Role.EQUATION:
                alike = [n for n in alike if kind(n.formula) == kind(node.formula)]
            near = [Ref(n.name) for n in sorted(alike, key=lambda n: abs(every.index(n) - at))]
        return [*same, *near][:MOST_OTHERS]

    def _role(self, key: str) -> Role | None:
        if key.startswith(SUM) or self.ledger[key].kind not in (GIVEN, VALUE):
            return None
        return self.network.nodes[self.ledger[key].ref.name].role

    def _shown(self, expr: Expr) -> str:
        """A part of a formula over keys, for people."""

        def change(part: Expr) -> Expr | None:
            return Ref(self._called(part.name)) if type(part) is Ref else None

        return PLAIN(rewrite(expr, change))

    def _called(self, key: str) -> str:
        for prefix in (OTHER_ROW, WITHOUT_ROW, ONLY_ROW):
            if key.startswith(prefix):
                row, _, rest = key.removeprefix(prefix).partition(" ")
                return f"{self.said(rest)} of row {self.ledger.rows[int(row)]}"
        if key.startswith(STALE):
            return f"{self.said(key.removeprefix(STALE))} of the step before"
        if key.startswith("new "):
            return f"the updated {self.said(key).removesuffix(chr(39))}"
        return self.said(key)
