"""An exercise: a sheet with numbers, what is asked of it, and the slip that is planted in it, if one is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..errors import UsageError
from ..explain.ledger import Ledger, key_of
from ..explain.names import biases_of
from ..network.build import Problem
from ..notation.expr import Expr, Partial, Ref

RELATIVE = 0.005  # how far an answer may be off, in parts of it: people carry four or five figures
LEAST = 1e-4  # an answer below this would be rounded away somewhere
SMALL = 0.01  # smaller answers are asked for in thousandths


@dataclass(frozen=True)
class Item:
    """A number that is asked for.

    Attributes:
        name: as an answer file calls it: `z1@2`, `dC/dw5`, `w5'`.
        left: the same as a formula.
        value: the right number.
        row: of the sheet, where it belongs to one.
        step: from 0.
        when: in words, where it is not of the first pass: "after the update".
    """

    name: str
    left: Expr
    value: float
    key: str
    row: int | None = None
    step: int = 0
    when: str = ""

    @property
    def scale(self) -> float:
        """What it is multiplied by where it is asked for: small numbers are asked for in thousandths."""
        return 1000.0 if 0 < abs(self.value) < SMALL else 1.0

    @property
    def asked(self) -> float:
        """The number to type in."""
        return self.value * self.scale

    @property
    def tolerance(self) -> float:
        """How far the number typed in may be off."""
        return tolerance(self.asked)


def tolerance(value: float) -> float:
    """Half a percent, and no less than half of the last place of four decimals."""
    return max(RELATIVE * abs(value), 5e-5)


@dataclass(frozen=True)
class Plant:
    """A slip in a worked solution.

    Attributes:
        shown: every line of it, the slip followed through: name, formula, number.
        line: the first wrong one, from 1.
        slip, text: what was done wrong.
    """

    shown: tuple[tuple[Item, float], ...]
    line: int
    slip: str
    text: str


@dataclass(frozen=True, eq=False)
class Exercise:
    """One variant.

    Attributes:
        text: the whole sheet; reading it gives the problem.
        items: what is asked for; nothing where the answer is in letters.
        derive: the parameter whose partial is asked for in letters.
        slips: how many slips of the marking library give another answer.
        vacuous: how many single slips make no difference with these numbers; the same slip does elsewhere.
    """

    number: int
    level: str
    seed: int
    title: str
    text: str
    problem: Problem
    items: tuple[Item, ...] = ()
    plant: Plant | None = None
    derive: Ref | None = None
    slips: int = 0
    vacuous: int = 0

    @property
    def rows(self) -> int:
        return self.problem.table.rows if self.problem.table else 1


def at(row: int | None, count: int) -> str:
    """The suffix of a row's number; a single row needs none."""
    return f"@{row}" if row is not None and count > 1 else ""


def items_of(level: str, ledgers: list[Ledger], chosen: int = 0) -> list[Item]:
    """What a level asks for."""
    ledger = ledgers[0]
    network = ledger.network
    cost = network.cost
    assert cost is not None
    found: list[Item] = []
    parameters = [ref for node in network.parameters for ref in node.entries()]
    if level in ("forward", "mistake", "sheet"):
        for node in network.equations:
            if node.name in network.nodes:
                for ref in node.entries():
                    found += _rows(ledger, ledger.value(ref), ref, key_of(ref))
        if level in ("forward", "sheet") and ledger.count > 1:
            found += _rows(ledger, ledger.own(), Ref("L" if cost.mean else cost.name), cost.name)
        found.append(_one(ledger, ledger.cost(), Ref(cost.name), cost.name))
    if level in ("mistake", "sheet"):
        letter = "L" if cost.mean and ledger.count > 1 else cost.name
        for node in reversed(network.equations):
            for ref in node.entries():
                name = f"d{letter}/d{key_of(ref)}"
                found += _rows(ledger, ledger.delta(ref), Partial(Ref(letter), ref), name)
    if level == "batch":
        found.append(_one(ledger, ledger.cost(), Ref(cost.name), cost.name))
    totals = [
        _one(ledger, ledger.total(ref), Partial(Ref(cost.name), ref), f"d{cost.name}/d{key_of(ref)}")
        for ref in parameters
    ]
    if level == "partial":
        found.append(totals[_deep(ledger, chosen)])
    if level in ("partials", "batch", "mistake", "update", "sheet"):
        found += totals
    if level == "update":
        for ref in parameters:
            new = _one(ledger, ledger.new(ref), ref, f"{key_of(ref)}'")
            found.append(replace(new, when="after the update"))
        second = ledgers[1]
        for node in network.outputs:
            for ref in node.entries():
                found += [
                    replace(item, name=f"{item.name}#2", step=1, when="in epoch 2")
                    for item in _rows(second, second.value(ref), ref, key_of(ref))
                ]
        whole = _one(second, second.cost(), Ref(cost.name), f"{cost.name}#2", 1)
        found.append(replace(whole, when="in epoch 2"))
    return [item for item in found if math.isfinite(item.value)]


def _deep(ledger: Ledger, chosen: int) -> int:
    """Which partial is asked for, where it is one: of a weight in the first layer, from where the way is longest."""
    parameters = [ref for node in ledger.network.parameters for ref in node.entries()]
    try:
        biases = biases_of(ledger.network)
    except UsageError:  # it has no layers
        biases = set()
    ways = {}
    for k, ref in enumerate(parameters):
        if ref not in biases and Ref(ref.name) not in biases:
            ways[k] = _length(ledger, ref)
    longest = [k for k, way in ways.items() if way == max(ways.values())] or list(range(len(parameters)))
    return longest[chosen % len(longest)]


def _length(ledger: Ledger, ref: Ref) -> int:
    """How many steps lead from a quantity to the cost."""
    users = [user for user in ledger.users(ref) if user is not None]
    return 1 + max((_length(ledger, user) for user in users), default=0)


def _one(ledger: Ledger, key: str, left: Expr, name: str, step: int = 0) -> Item:
    return Item(name, left, float(ledger.exact(key)[0]), key, None, step)


def _rows(ledger: Ledger, key: str, left: Expr, name: str) -> list[Item]:
    exact = ledger.exact(key)
    out = []
    for i, row in enumerate(ledger.rows):
        shown = left
        if ledger.count > 1:
            shown = Ref(f"{left.name}@{row}", left.index) if isinstance(left, Ref) else left
            if isinstance(left, Partial):
                shown = Partial(left.of, Ref(f"{left.by.name}@{row}", left.by.index))
        value = float(exact[i if len(exact) > 1 else 0])
        out.append(Item(f"{name}{at(row, ledger.count)}", shown, value, key, row))
    return out
