"""Every number of one step of a sheet as a quantity by itself, with its formula over others: what marking works on.

A quantity is one entry: of a node (in each row), of a local derivative ∂c/∂p, of δ = ∂L/∂p of a row's own cost, of the
whole cost C, of ∂C/∂w, or of a weight after the update. Quantities are made when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..engine.program import Program
from ..engine.training import Step
from ..network.build import Problem
from ..network.derive import entry, entry_partial, indices, reached
from ..network.graph import Role
from ..network.shapes import shape_of
from ..notation.expr import Call, Expr, Num, Partial, Ref, add, div, leaves, mul, rewrite, substitute
from ..ops.evaluate import evaluate
from ..ops.updates import RULES

Array = np.ndarray[Any, Any]
GIVEN, VALUE, OWN, COST, LOCAL, DELTA, TOTAL, NEW = "given", "value", "own", "cost", "local", "delta", "total", "new"
PHASES = {GIVEN: 0, VALUE: 1, OWN: 2, COST: 3, LOCAL: 4, DELTA: 4, TOTAL: 5, NEW: 6}
SUM = "Σ "  # before a key: its sum over the rows of the step
COUNT, RATE = "N", "η"


@dataclass(frozen=True, eq=False)
class Quantity:
    """One number of the work, or one in each row.

    Attributes:
        key: its name among the quantities of a step.
        left: what stands on the left of its line of working.
        letters: its formula as people write it; None where it is given.
        flat: the same formula over the keys of other quantities.
        parents: these keys, a sum over the rows as its own key.
        by_row: whether every row has one.
        place: where it comes in the order of the work.
    """

    key: str
    kind: str
    ref: Ref
    left: Expr
    letters: Expr | None
    flat: Expr | None
    parents: tuple[str, ...]
    by_row: bool
    place: tuple[int, ...]
    of: Ref | None = None


def key_of(ref: Ref) -> str:
    """The key of an entry of a node."""
    return f"{ref.name}[{','.join(map(str, ref.index))}]" if ref.index else ref.name


class Ledger:
    """The quantities of one step."""

    def __init__(self, problem: Problem, step: Step) -> None:
        self.problem, self.step, self.network = problem, step, problem.network
        self.rows, self.count = step.tape.rows, step.tape.count
        cost = self.network.cost
        self.cost_name = cost.name if cost else "C"
        self.own_ref = Ref("L" if cost is not None and cost.mean else self.cost_name)
        self._quantities: dict[str, Quantity] = {}
        self._exact: dict[str, Array] = {}
        self._users: dict[Ref, list[Ref | None]] = {}
        self._order = {name: i for i, name in enumerate(self.network.nodes)}

    # --- keys -----------------------------------------------------------------------------------------------

    def value(self, ref: Ref) -> str:
        if key_of(ref) not in self._quantities:
            self._in_order(ref, self._before, lambda one: self._made(key_of(one), self._value, one))
        return key_of(ref)

    def own(self) -> str:
        """A row's own cost L."""
        return self._made("L of a row", self._own)

    def cost(self) -> str:
        return self._made("the cost", self._cost)

    def local(self, of: Ref | None, by: Ref) -> str:
        """∂of/∂by of one formula; of a row's own cost where `of` is None."""
        return self._made(f"∂{key_of(of) if of else 'L of a row'}/∂{key_of(by)}", self._local, of, by)

    def delta(self, ref: Ref) -> str:
        """∂L/∂ref in each row."""
        if f"δ {key_of(ref)}" not in self._quantities:
            self._in_order(ref, self._behind, lambda one: self._made(f"δ {key_of(one)}", self._delta, one))
        return f"δ {key_of(ref)}"

    def total(self, ref: Ref) -> str:
        """∂C/∂ref of a parameter."""
        return self._made(f"total {key_of(ref)}", self._total, ref)

    def new(self, ref: Ref) -> str:
        """A parameter after the update."""
        return self._made(f"new {key_of(ref)}", self._new, ref)

    def _before(self, ref: Ref) -> list[Ref]:
        """The entries that an entry's formula holds and that are not made yet."""
        formula = self.network.nodes[ref.name].formula
        held = [leaf for leaf in leaves(formula) if type(leaf) is Ref] if formula is not None else []
        entries = [
            Ref(leaf.name, (*leaf.index, *rest))
            for leaf in dict.fromkeys(held)
            if leaf.name in self.network.nodes and self.network.nodes[leaf.name].formula is not None
            for rest in indices(self.shapes(leaf.name)[len(leaf.index) :])
        ]
        return [entry for entry in entries if key_of(entry) not in self._quantities]

    def _behind(self, ref: Ref) -> list[Ref]:
        """The entries that use an entry, lead to the cost, and whose δ is not made yet."""
        users = [user for user in self.users(ref) if user is not None and user.name in self._leading]
        return [user for user in users if f"δ {key_of(user)}" not in self._quantities]

    @staticmethod
    def _in_order(ref: Ref, needs: Callable[[Ref], list[Ref]], make: Callable[[Ref], str]) -> None:
        """Makes what an entry needs before it, however long the chain is."""
        stack = [ref]
        while stack:
            missing = needs(stack[-1])
            if missing:
                stack.extend(missing)
            else:
                make(stack.pop())

    def __getitem__(self, key: str) -> Quantity:
        return self._quantities[key.removeprefix(SUM)]

    def _made(self, key: str, make: Callable[..., Quantity], *args: Ref | None) -> str:
        if key not in self._quantities:
            self._quantities[key] = make(key, *args)
        return key

    # --- formulas -------------------------------------------------------------------------------------------

    def shapes(self, name: str) -> tuple[int, ...]:
        return self.network.shape_of(name)

    def entries(self, name: str) -> list[Ref]:
        return [Ref(name, index) for index in indices(self.shapes(name))]

    def flat(self, expr: Expr) -> Expr:
        """A formula over entries as one over keys; a whole vector becomes a list of its entries."""

        def change(part: Expr) -> Expr | None:
            if type(part) is Partial:
                if (part.of == self.own_ref and part.of.name not in self.network.nodes) or part.of == OWN_REF:
                    return Ref(self.delta(part.by))
                return Ref(self.local(part.of, part.by))
            if type(part) is not Ref:
                return None
            if part.name not in self.network.nodes:
                return Num(float(self.count)) if part.name == COUNT else part
            shape = self.shapes(part.name)[len(part.index) :]
            if not shape:
                return Ref(self.value(Ref(part.name, part.index)))
            return self._listed(part.name, part.index, shape)

        return rewrite(expr, change)

    def _listed(self, name: str, index: tuple[int, ...], shape: tuple[int, ...]) -> Expr:
        if not shape:
            return Ref(self.value(Ref(name, index)))
        return Call("stack", tuple(self._listed(name, (*index, i), shape[1:]) for i in range(1, shape[0] + 1)))

    def _quantity(
        self, key: str, kind: str, ref: Ref, left: Expr, letters: Expr | None, flat: Expr | None, by_row: bool,
        position: tuple[int, ...], of: Ref | None = None,
    ) -> Quantity:  # fmt: skip
        parents = tuple(dict.fromkeys(leaf.name for leaf in leaves(flat) if type(leaf) is Ref)) if flat else ()
        return Quantity(key, kind, ref, left, letters, flat, parents, by_row, (PHASES[kind], *position), of)

    def _value(self, key: str, ref: Ref) -> Quantity:
        node = self.network.nodes[ref.name]
        place = (self._order[ref.name], *ref.index)
        if node.formula is None:
            by_row = node.role in (Role.INPUT, Role.TARGET)
            return self._quantity(key, GIVEN, ref, ref, None, None, by_row, place)
        letters = entry(node.formula, ref.index, self.shapes)
        return self._quantity(key, VALUE, ref, ref, letters, self.flat(letters), True, place)

    def _own(self, key: str) -> Quantity:
        cost = self.network.cost
        assert cost is not None
        letters = entry(cost.own, self._own_index, self.shapes)
        return self._quantity(key, OWN, self.own_ref, self.own_ref, letters, self.flat(letters), True, ())

    def _cost(self, key: str) -> Quantity:
        cost = self.network.cost
        assert cost is not None
        total: Expr = Ref(SUM + self.own())
        flat = div(total, float(self.count)) if cost.mean else total
        if cost.penalty is not None:
            flat = add(flat, self.flat(entry(cost.penalty, (), self.shapes)))
        name = Ref(cost.name)
        return self._quantity(key, COST, name, name, cost.written, flat, False, ())

    def _local(self, key: str, of: Ref | None, by: Ref) -> Quantity:
        if of is None:
            assert self.network.cost is not None
            letters = entry_partial(self.network.cost.own, self._own_index, by.name, by.index, self.shapes)
            left: Expr = Partial(self.own_ref, by)
            place = (-len(self._order), -self._order[by.name], 0)
        else:
            node = self.network.nodes[of.name]
            assert node.formula is not None
            itself = Ref(of.name)
            letters = entry_partial(node.formula, of.index, by.name, by.index, self.shapes, itself)
            left = Partial(of, by)
            place = (-self._order[of.name], 1, -self._order[by.name])
        return self._quantity(key, LOCAL, by, left, letters, self.flat(letters), True, place, of)

    def users(self, ref: Ref) -> list[Ref | None]:
        """The entries whose formulas hold an entry, in the order of the work; None is a row's own cost."""
        if ref in self._users:
            return self._users[ref]
        found: list[Ref | None] = []
        for node in self.network.consumers[ref.name]:
            assert node.formula is not None
            found += [Ref(node.name, out) for out in sorted(reached(node.formula, ref.name, ref.index, self.shapes))]
        cost = self.network.cost
        if cost is not None and reached(cost.own, ref.name, ref.index, self.shapes):
            found.append(None)
        self._users[ref] = found
        return found

    def _delta(self, key: str, ref: Ref) -> Quantity:
        letters: list[Expr] = []
        flat: list[Expr] = []
        for user in self.users(ref):
            if user is None:
                local = self[self.local(None, ref)].letters
                assert local is not None
                letters.append(local)
                flat.append(Ref(self.local(None, ref)))
            elif user.name in self._leading:
                letters.append(mul(Partial(self.own_ref, user), Partial(user, ref)))
                flat.append(Call("mul", (Ref(self.delta(user)), Ref(self.local(user, ref)))))
        place = (-self._order[ref.name], 2, *ref.index)
        whole = flat[0] if len(flat) == 1 else Call("add", tuple(flat)) if flat else Num(0.0)
        return self._quantity(key, DELTA, ref, Partial(self.own_ref, ref), add(*letters), whole, True, place)

    @cached_property
    def _own_index(self) -> tuple[int, ...]:
        """A row's own cost may be a list of one."""
        assert self.network.cost is not None
        return (1,) if shape_of(self.network.cost.own, self.shapes) else ()

    @cached_property
    def _leading(self) -> frozenset[str]:
        """The equations that lead to the cost."""
        return frozenset(node.name for node in Program(self.network).order)

    def _total(self, key: str, ref: Ref) -> Quantity:
        cost = self.network.cost
        assert cost is not None
        flat: Expr = Ref(SUM + self.delta(ref))
        if cost.mean:
            flat = div(flat, float(self.count))
        if cost.penalty is not None:
            extra = entry_partial(cost.penalty, (), ref.name, ref.index, self.shapes)
            flat = add(flat, self.flat(extra))
        left = Partial(Ref(cost.name), ref)
        inner: Expr = call_sum(Partial(self.own_ref, ref))
        letters = div(inner, float(self.count)) if cost.mean else inner
        place = (self._order[ref.name], *ref.index)
        return self._quantity(key, TOTAL, ref, left, letters, flat, False, place)

    def _new(self, key: str, ref: Ref) -> Quantity:
        change, place = self.step.change, (self._order[ref.name], *ref.index)
        assert change is not None
        rule = RULES[change.rule.name]
        known: dict[str, Expr] = {name: Num(value) for name, value in change.settings.items()}
        known |= {"t": Num(float(change.t)), RATE: Num(change.rate), "w": Ref("w"), "g": Ref("g")}
        for letter in rule.state:
            kept = change.old_state.get(letter, {}).get(ref.name)
            known[letter] = Num(0.0 if kept is None else float(kept[ref.place]))
        made: Expr = Ref("w")
        for letter, formula in rule.lines:
            made = substitute(formula, {Ref(name): value for name, value in known.items()})
            known[letter] = made
        flat = substitute(made, {Ref("w"): Ref(self.value(ref)), Ref("g"): Ref(self.total(ref))})
        letters = substitute(made, {Ref("w"): ref, Ref("g"): Partial(Ref(self.cost_name), ref)})
        return self._quantity(key, NEW, ref, ref, letters, flat, False, place)

    # --- the right numbers ----------------------------------------------------------------------------------

    def exact(self, key: str) -> Array:
        """The right number, from the reference engine: one in each row, or one."""
        if key not in self._exact:
            self._exact[key] = self._worked(key)
        return self._exact[key]

    def _worked(self, key: str) -> Array:
        if key.startswith(SUM):
            return np.array([float(np.add.accumulate(self.exact(key.removeprefix(SUM)))[-1])])
        quantity, tape, gradients = self[key], self.step.tape, self.step.gradients
        ref = quantity.ref
        at: tuple[slice | int, ...] = (slice(None), *ref.place)
        match quantity.kind:
            case "given" | "value":
                found = tape.values[ref.name][at]
                return np.asarray(np.broadcast_to(found, (self.count,)) if quantity.by_row else found)
            case "own":
                return np.asarray(tape.own)
            case "cost":
                return np.array([tape.cost])
            case "delta":
                assert gradients is not None
                return np.asarray(gradients.rows(ref.name)[at])
            case "total":
                assert gradients is not None
                return np.array([float(gradients.totals[ref.name][ref.place])])
            case "new":
                assert self.step.change is not None
                return np.array([float(self.step.change.after[ref.name][ref.place])])
        assert quantity.flat is not None  # a local derivative
        found = worked(quantity.flat, {parent: self.exact(parent) for parent in quantity.parents}, self.count)
        return np.asarray(np.broadcast_to(found, (self.count,)))


OWN_REF = Ref("L of a row")


def call_sum(expr: Expr) -> Expr:
    return Call("sum", (expr,))


def worked(flat: Expr, numbers: Mapping[str, Array], count: int) -> Array:
    """A formula over keys at some numbers, (count,) or (1,)."""

    def lookup(leaf: Ref | Partial) -> Array:
        assert type(leaf) is Ref
        return numbers[leaf.name]

    with np.errstate(all="ignore"):
        found = evaluate(flat, lookup)
    return np.asarray(found.reshape(len(found)))
