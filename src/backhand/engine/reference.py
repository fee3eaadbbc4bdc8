"""The reference engine: one pass forward and one back over some rows, every number kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..errors import NumberError, UsageError
from ..network.costs import instead
from ..network.graph import Network, Role
from ..notation.expr import Call, Expr, Index, Partial, Ref
from ..notation.text import PLAIN
from ..ops.arithmetic import align, in_order
from ..ops.evaluate import evaluate
from ..ops.evaluate import said as called
from .program import Program, Received

Array = np.ndarray
CHUNK = 4_000_000  # numbers: per-row gradients of a parameter are worked in pieces of about this size
KEPT = 2_000_000  # numbers of gradients by row that are kept


def frozen(array: Array) -> Array:
    """The array, made read-only."""
    array = np.ascontiguousarray(array) if array.ndim else np.asarray(array)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Tape:
    """Every number of one pass forward.

    Attributes:
        rows: which rows of the sheet these are, counted from 1.
        parameters: the weights that were used.
        values: name to array of shape (rows, *shape); for constants and parameters (1, *shape).
    """

    network: Network
    rows: tuple[int, ...]
    parameters: Mapping[str, Array]
    values: Mapping[str, Array]

    @property
    def count(self) -> int:
        """N, the number of rows."""
        return len(self.rows)

    def lookup(self, leaf: Ref | Partial) -> Array:
        if type(leaf) is Ref:
            found = self.values.get(leaf.name)
            return found if found is not None else np.array([float(self.count)])  # N
        raise KeyError(leaf)

    def work(self, expr: Expr) -> Array:
        """The value of a formula in each row, shape (rows or 1, *shape)."""
        with np.errstate(all="ignore"):
            return evaluate(expr, self.lookup)

    def checked(self, formula: Expr, said: str) -> Array:
        """The same, for the formula of `said`, and every number on the way is looked at.

        Raises:
            NumberError: the first operation that is not finite, naming `said` and the row.
        """

        def watch(part: Expr, found: Array) -> None:
            if np.isfinite(found).all():
                return
            row, *spot = (int(i) for i in np.argwhere(~np.isfinite(found))[0])
            entry = f"[{','.join(str(i + 1) for i in spot)}]" if spot else ""
            number = float(found[(row, *spot)])
            value = f"{called(number)} in row {self.rows[row]}"
            whole = f"{said[:-1]}{entry}`" if entry and said.endswith("`") else said
            inner = f"{said} needs {PLAIN(part)}{entry}, which is {value}"
            cost = self.network.cost
            in_place = instead(cost.written, number, self.network.nodes) if cost and formula is cost.own else None
            raise NumberError(
                f"{whole} is {value}" if part is formula else inner,
                expected="a finite number",
                got=f"{said.strip('`')} = {PLAIN(formula)}",
                hint=in_place if in_place and type(part) is Call and part.op == "log" else _advice(part, number),
            )

        with np.errstate(all="ignore"):
            return evaluate(formula, self.lookup, watch)

    def value(self, ref: Ref, row: int) -> Array:
        """A name's value in one row (counted from 0 within this tape), or one entry of it."""
        found = self.values[ref.name]
        inner = found[min(row, len(found) - 1)]
        return np.asarray(inner[ref.place] if ref.index else inner)

    @cached_property
    def own(self) -> Array:
        """Each row's own cost L, shape (rows,).

        Raises:
            NumberError: the first row whose cost is not finite.
        """
        cost = self.network.cost
        if cost is None:
            raise UsageError("the sheet has no cost", hint="add a line such as `cost C = mean((y - yd)^2)`")
        own = self.checked(cost.own, f"the cost {cost.name}")
        return frozen(np.broadcast_to(own.reshape(own.shape[0]), (self.count,)))

    @cached_property
    def penalty(self) -> float:
        """What stands outside the reduction, once a step."""
        cost = self.network.cost
        if cost is None or cost.penalty is None:
            return 0.0
        return float(self.checked(cost.penalty, f"the penalty of {cost.name}").reshape(-1)[0])

    @cached_property
    def cost(self) -> float:
        """The whole cost: the rows' own costs added up in order, divided by N for a mean, plus the penalty.

        Raises:
            NumberError: one of them, or their sum, is not finite.
        """
        with np.errstate(all="ignore"):
            total = float(in_order(self.own, 0))
        cost = self.network.cost
        assert cost is not None
        if cost.mean:
            total = total / self.count
        if cost.penalty is not None:
            total = total + self.penalty
        if not np.isfinite(total):
            raise NumberError(
                f"the cost {cost.name}, added up over the rows, is {called(total)}",
                expected="a finite number",
                hint="smaller weights or scaled inputs",
            )
        return total


def forward(
    network: Network,
    parameters: Mapping[str, Array],
    columns: Mapping[str, Array] | None,
    rows: range | None = None,
) -> Tape:
    """Works every equation, in the order of the work, for the rows given.

    Args:
        parameters: name to array of the parameter's shape.
        columns: input and target values, (rows, *shape); None for a sheet without data, which has one row.
        rows: which of them, counted from 0; None is all.
    Raises:
        NumberError: at the first number that is not finite, naming node and row.
    """
    values: dict[str, Array] = {}
    chosen = rows if rows is not None else range(len(next(iter(columns.values()))) if columns else 1)
    for node in network.nodes.values():
        if node.role is Role.CONST:
            assert node.value is not None
            values[node.name] = frozen(node.value[None])
        elif node.role is Role.PARAMETER:
            values[node.name] = frozen(np.asarray(parameters[node.name])[None])
        elif node.role in (Role.INPUT, Role.TARGET) and columns is not None:
            values[node.name] = frozen(columns[node.name][chosen.start : chosen.stop])
    tape = Tape(network, tuple(r + 1 for r in chosen), parameters, values)
    for node in network.equations:
        assert node.formula is not None
        found = tape.checked(node.formula, f"`{node.name}`")
        if len(found) != len(chosen):
            found = np.broadcast_to(found, (len(chosen), *found.shape[1:]))
        values[node.name] = frozen(found)
    return tape


def _advice(part: Expr, value: float) -> str:
    """What to try where an operation has given this value."""
    op = part.op if type(part) is Call else ""
    if op == "log":
        return "log needs numbers above 0"
    if op == "sqrt":
        return "a root needs a number that is not below 0"
    if op == "pow" and np.isnan(value):
        return "a number below 0 has powers with whole exponents only; a root needs one that is not below 0"
    if op == "div" or (op == "pow" and "^-" in PLAIN(part)):
        return "a division by 0, perhaps; look at the numbers of this row"
    return "smaller starting values, a smaller rate, or scaled inputs"


@dataclass(frozen=True, eq=False)
class Gradients:
    """Everything one pass back gives, for the rows of a tape.

    Attributes:
        adjoints: node to ∂of/∂it for each row, (rows, *shape), for the nodes that parameters lead to. `of` is a
            row's own cost L, or the node that the program was made for. The others are worked when they are asked
            for: training needs none of them, and one that has no slope (sqrt(x) at 0) is in nobody's way.
    """

    program: Program
    tape: Tape
    adjoints: Mapping[str, Array] = field(repr=False)
    _kept: dict[str, Array] = field(default_factory=dict, repr=False)  # explaining asks for the same ones again

    def lookup(self, leaf: Ref | Partial) -> Array:
        return self.rows(leaf.by.name) if type(leaf) is Partial else self.tape.lookup(leaf)

    def work(self, expr: Expr) -> Array:
        with np.errstate(all="ignore"):
            return evaluate(expr, self.lookup)

    def rows(self, name: str) -> Array:
        """∂of/∂name for each row, (rows, *shape): of a node, an input or a parameter; 0 if not reached."""
        if name in self.adjoints:
            return self.adjoints[name]
        if name in self._kept:
            return self._kept[name]
        found = self._worked(name, 0, self.tape.count)
        if not np.isfinite(found).all():
            raise self._no_slope(name, found)
        found = frozen(found)
        if found.size + sum(kept.size for kept in self._kept.values()) <= KEPT:
            self._kept[name] = found
        return found

    def _worked(self, name: str, start: int, stop: int) -> Array:
        shape = self.tape.network.shape_of(name)
        received = self.program.received.get(name)
        if received is None:
            return np.zeros((stop - start, *shape))

        def part(leaf: Ref | Partial) -> Array:
            found = self.lookup(leaf)
            return found[start:stop] if len(found) == self.tape.count and self.tape.count > 1 else found

        with np.errstate(all="ignore"):
            return gather(received, lambda e: evaluate(e, part), stop - start, shape)

    @cached_property
    def totals(self) -> Mapping[str, Array]:
        """∂C/∂parameter: the rows' own gradients added in order, over N for a mean, and the penalty's."""
        return {node.name: self.total(node.name) for node in self.tape.network.parameters}

    def total(self, name: str) -> Array:
        """∂C/∂(one parameter)."""
        shape = self.tape.network.shape_of(name)
        size = max(1, int(np.prod(shape)))
        step = max(1, CHUNK // size)
        total: Array | None = None
        for start in range(0, self.tape.count, step):
            piece = self._worked(name, start, min(start + step, self.tape.count))
            if not np.isfinite(piece).all():
                raise self._no_slope(name, piece, start)
            if total is not None:
                piece = np.concatenate([total[None], piece])
            with np.errstate(all="ignore"):
                total = in_order(piece, 0)
        assert total is not None
        cost = self.tape.network.cost
        if self.program.of is None and cost is not None:
            if cost.mean:
                total = total / self.tape.count
            if name in self.program.penalty:
                with np.errstate(all="ignore"):
                    extra = gather(self.program.penalty[name], self.tape.work, 1, shape)[0]
                total = total + extra
        if not np.isfinite(total).all():
            raise self._no_slope(name)
        return frozen(total)

    def _no_slope(self, name: str, found: Array | None = None, start: int = 0) -> NumberError:
        """The error for a derivative whose rows, from `start` on, are these; without them, for the sum of all."""
        row = start + int(np.argwhere(~np.isfinite(found))[0][0]) if found is not None else 0
        where = f" in row {self.tape.rows[row]}" if found is not None else ""
        received = self.program.received.get(name)
        return NumberError(
            f"∂{self.program.symbol.name}/∂{name} is not finite{where}",
            expected="a finite number",
            got=PLAIN(received.whole) if received is not None and received.whole is not None else "",
            hint="smaller weights or scaled inputs; a root, logarithm or power at 0 has no finite slope",
        )

    def shares(self, name: str) -> Array:
        """For a node: ∂C/∂it for each row, of the row's share of the whole cost (L/N for a mean)."""
        cost = self.tape.network.cost
        rows = self.rows(name)
        return frozen(rows / self.tape.count) if cost is not None and cost.mean else rows


def gather(received: Received, work: Callable[[Expr], Array], rows: int, shape: tuple[int, ...]) -> Array:
    """What a name receives, as a whole and entry by entry, put together."""
    out = np.zeros((rows, *shape))
    if received.whole is not None:
        out = np.array(np.broadcast_to(align(work(received.whole), out)[0], out.shape))
    for index, share in received.entries.items():
        at: tuple[slice | int, ...] = (slice(None), *(i - 1 for i in index))
        found, there = align(work(share), out[at])
        out[at] = there + found
    return out


def backward(tape: Tape, program: Program) -> Gradients:
    """Works ∂of/∂(every node that parameters lead to), last first, each from those that use it.

    Raises:
        NumberError: a cost or a derivative that is not finite, naming node and row.
    """
    if program.of is None:
        _ = tape.cost  # a cost that is no number is said before its derivatives are
    adjoints: dict[str, Array] = {}
    gradients = Gradients(program, tape, adjoints)
    trained = tape.network.trained
    for node in program.order:
        if node.name in trained:
            adjoints[node.name] = gradients.rows(node.name)
    return gradients


def starting_values(network: Network) -> dict[str, Array]:
    """The parameters' starting values.

    Raises:
        UsageError: the sheet is in letters.
    """
    missing = [p.name for p in network.parameters if p.value is None]
    if missing:
        raise UsageError(
            "the sheet is in letters: no parameter has a value, so there is nothing to calculate",
            expected="a value for every parameter",
            hint=f"`{missing[0]} = 0.5`, … or one line `start he seed 7`",
        )
    return {p.name: p.value for p in network.parameters if p.value is not None}


__all__ = ["Gradients", "Index", "Tape", "backward", "forward", "starting_values"]
