"""The graph: named nodes, each with a formula over others, and the cost over them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

import numpy as np

from ..errors import NameProblem, nearest
from ..notation.expr import Expr, Index, Ref, Span, names
from ..notation.names import canonical

Shape = tuple[int, ...]


class Role(Enum):
    """What a node is for."""

    INPUT = "input"
    TARGET = "target"
    CONST = "const"
    PARAMETER = "parameter"
    EQUATION = "equation"


@dataclass(frozen=True, eq=False)
class Node:
    """One named quantity.

    Attributes:
        name: the user's name for it.
        shape: per example: () a number, (n,) a vector, (m, n) a matrix.
        formula: for an equation, the operation on other nodes that gives it.
        value: for a constant its number; for a parameter its starting value, None in letters.
        label: what a column of data may also be called.
        made: it was not written by the user but is the z inside an activation.
    """

    name: str
    role: Role
    shape: Shape = ()
    formula: Expr | None = None
    value: np.ndarray | None = None
    label: str = ""
    made: bool = False
    span: Span = None

    @property
    def is_equation(self) -> bool:
        return self.role is Role.EQUATION

    def entries(self, most: int | None = None) -> list[Ref]:
        """The node's entries (the first `most` of them), row by row; a number has one, itself."""
        chosen = itertools.islice(np.ndindex(*self.shape), most)
        return [Ref(self.name, tuple(i + 1 for i in index)) for index in chosen]


@dataclass(frozen=True)
class Cost:
    """The cost C = Σ (or mean) of each row's own cost L, plus a penalty on the parameters.

    Attributes:
        written: the formula as the user wrote it.
        own: a row's own cost L in letters: what the reduction adds up, with any constant factor but 1/N.
        own_name: the letter for it: the cost's own name where one row's L is its share of C, else L.
        mean: C is the mean of the rows' L (each row's share is L/N), not their sum.
        penalty: what stands outside the reduction; parameters only, added once a step.
        convention: in words, what is summed, what it is divided by, and what was taken for granted.
    """

    name: str
    written: Expr
    own: Expr
    own_name: str
    mean: bool
    penalty: Expr | None
    convention: str
    assumed_mean: bool = False


@dataclass(frozen=True)
class Network:
    """The frozen graph. `nodes` are in the order of the work; each formula uses only nodes before it."""

    nodes: Mapping[str, Node]
    cost: Cost | None
    title: str = ""
    in_letters: bool = False
    unknown_functions: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)

    def of(self, *roles: Role) -> list[Node]:
        return [n for n in self.nodes.values() if n.role in roles]

    @cached_property
    def inputs(self) -> list[Node]:
        return self.of(Role.INPUT)

    @cached_property
    def targets(self) -> list[Node]:
        return self.of(Role.TARGET)

    @cached_property
    def parameters(self) -> list[Node]:
        return self.of(Role.PARAMETER)

    @cached_property
    def equations(self) -> list[Node]:
        return self.of(Role.EQUATION)

    @cached_property
    def parameter_count(self) -> int:
        return sum(int(np.prod(p.shape)) for p in self.parameters)

    @cached_property
    def trained(self) -> frozenset[str]:
        """The equations that parameters lead to; the others bring inputs and targets to another scale."""
        led = {p.name for p in self.parameters}
        for node in self.equations:
            if node.formula is not None and not led.isdisjoint(names(node.formula)):
                led.add(node.name)
        return frozenset(led)

    @cached_property
    def outputs(self) -> list[Node]:
        """The nodes that the cost looks at, or, without a cost, those that nothing else uses."""
        if self.cost:
            seen = names(self.cost.own)
            direct = [n for n in self.equations if n.name in seen and self.learns(n)]
            return [self._before_inner(n) for n in direct]
        used = {name for n in self.equations for name in names(n.formula or Ref(n.name))}
        return [n for n in self.equations if n.name not in used]

    def learns(self, node: Node) -> bool:
        """Whether a node is more than a target brought to another scale: parameters or inputs go into it."""
        seen, stack, targets = set[str](), [node.name], False
        while stack:
            found = self.nodes[stack.pop()]
            if found.role in (Role.PARAMETER, Role.INPUT):
                return True
            targets = targets or found.role is Role.TARGET
            new = [n for n in (names(found.formula) if found.formula else ()) if n not in seen]
            seen.update(new)
            stack += new
        return not targets

    def _before_inner(self, node: Node) -> Node:
        """For a difference such as u = A1 - y the node that is compared, A1."""
        assert node.formula is not None
        inside = [self.nodes[n] for n in names(node.formula)]
        compared = [n for n in inside if n.is_equation]
        if any(n.role is Role.TARGET for n in inside) and len(compared) == 1:
            return compared[0]
        return node

    @cached_property
    def consumers(self) -> Mapping[str, list[Node]]:
        """For each node, the equations that use it, in the order of the work."""
        table: dict[str, list[Node]] = {name: [] for name in self.nodes}
        for node in self.equations:
            for name in names(node.formula) if node.formula else ():
                table[name].append(node)
        return table

    def shape_of(self, name: str) -> Shape:
        """The shape of a node; N, the number of rows, is a number."""
        found = self.nodes.get(name)
        return found.shape if found else ()

    def find(self, ref: Ref) -> tuple[Node, Index]:
        """The node (and entry) that a typed name means.

        Raises:
            NameProblem: no such node, or no such entry.
        """
        node = self.nodes.get(ref.name) or self.nodes.get(self.aliases.get(canonical(ref.name), ""))
        if node is None:
            near = nearest(ref.name, list(self.nodes))
            raise NameProblem(
                f"the network has no `{ref.name}`",
                expected="one of " + _some(list(self.nodes)),
                hint=f"did you mean `{near}`?" if near else None,
            )
        same = len(ref.index) == len(node.shape)
        if ref.index and not (same and all(i <= n for i, n in zip(ref.index, node.shape, strict=True))):
            shape = " × ".join(map(str, node.shape)) or "a single number"
            last = ",".join(map(str, node.shape))
            raise NameProblem(
                f"`{node.name}` has no entry [{','.join(map(str, ref.index))}]",
                expected=f"entries of {shape}, counted from 1",
                hint=f"`{node.name}[{last}]` is the last one" if node.shape else f"`{node.name}`",
            )
        return node, ref.index


@dataclass(frozen=True)
class Plan:
    """How the network is trained: rate, rule and order of the rows. Without a rate nothing is updated."""

    rate: float | None = None
    rule: str = "sgd"
    settings: tuple[float, ...] = ()
    mode: str = "batch"
    batch_size: int = 0

    def batches(self, rows: int) -> list[range]:
        """Which rows (from 0) make each step of one epoch, in sheet order; the last batch may be short."""
        size = {"batch": rows, "online": 1}.get(self.mode, self.batch_size) or 1
        return [range(i, min(i + size, rows)) for i in range(0, max(rows, 1), size)]


def _some(words: list[str], most: int = 24) -> str:
    return ", ".join(words[:most]) + (f", … ({len(words)} in all)" if len(words) > most else "")
