"""What a person's work gives at each step: their own numbers where they wrote one, worked on from these where not.

Every number has a spread beside it: how far honest rounding on the way may have carried it. A formula is worked once
more with each of its numbers moved by its spread; what it moves by is added up. (Moore, Interval Analysis, 1966, with
the dependence on each number taken alone.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..explain.ledger import GIVEN, SUM, Array, Ledger, Quantity, key_of, worked
from ..notation.expr import Expr, Ref, leaves

OTHER_ROW, STALE, WITHOUT_ROW, ONLY_ROW = "row ", "before ", "without row ", "only row "  # before a key
SLACK = 1.02  # for what two moves together do beyond the sum of both
NOISE = 1e-12  # doubles this close, in parts of the number, are the same


class Circular(ValueError):
    """A slip that would need a number before it is worked."""


@dataclass(frozen=True)
class Working:
    """How the numbers that were not written down may have been rounded: to figures or decimals, the coarser of them."""

    figures: int | None = None
    decimals: int | None = None

    def unit(self, numbers: Array) -> Array:
        """What the last digit kept counts."""
        least = 10.0**-self.decimals if self.decimals is not None else 0.0
        if self.figures is None:
            return np.full(numbers.shape, least)
        size = np.floor(np.log10(np.maximum(np.abs(numbers), 1e-300)))
        return np.where(numbers == 0, 0.0, np.maximum(least, 10.0 ** (np.clip(size, -290, 290) - self.figures + 1)))

    def lost(self, numbers: Array, spread: Array) -> Array:
        """The most that rounding takes from numbers; what it takes, where they are known exactly."""
        unit = self.unit(numbers)
        with np.errstate(all="ignore"):
            rounded = np.where(unit > 0, np.round(numbers / np.where(unit > 0, unit, 1)) * unit, numbers)
            known = np.abs(rounded - numbers)
        return np.where(spread > 0, unit / 2, np.where(known > NOISE * np.abs(numbers), known, 0.0))


@dataclass(frozen=True, eq=False)
class Known:
    """Numbers with their spreads, and whether they come from a wrong one; (rows,) or (1,)."""

    numbers: Array
    spread: Array
    tainted: Array

    @staticmethod
    def exactly(numbers: Array) -> Known:
        return Known(numbers, np.zeros(numbers.shape), np.zeros(numbers.shape, bool))


@dataclass(eq=False)
class Written:
    """What was written for a quantity, row by row; `mask` says where."""

    numbers: Array
    spread: Array
    tainted: Array
    mask: Array


@dataclass(eq=False)
class Book:
    """One step's numbers as a person has them.

    Attributes:
        before: the step before, from which the weights come.
        edits: formulas in place of the right ones: slips that were found, or are tried.
        sharp: numbers alone, without spreads: for what is tried many times.
    """

    ledger: Ledger
    working: Working
    before: Book | None = None
    written: dict[str, Written] = field(default_factory=dict)
    edits: Mapping[str, Expr] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)
    sharp: bool = False

    @property
    def touched(self) -> bool:
        """Whether anything in it, or before it, may differ from the right numbers."""
        return bool(self.written or self.edits) or (self.before is not None and self.before.touched)

    def write(self, key: str, position: int, number: float, spread: float, tainted: bool) -> None:
        """A number of the person's own."""
        count = self.ledger.count if self.ledger[key].by_row else 1
        found = self.written.get(key)
        if found is None:
            found = Written(np.zeros(count), np.zeros(count), np.zeros(count, bool), np.zeros(count, bool))
            self.written[key] = found
        found.numbers[position], found.spread[position] = number, spread
        found.tainted[position], found.mask[position] = tainted, True

    def with_edits(self, edits: Mapping[str, Expr]) -> Book:
        """The same with other formulas; what has been worked without them is forgotten."""
        return Book(self.ledger, self.working, self.before, self.written, {**self.edits, **edits})

    def number(self, key: str) -> Known:
        """A quantity as the person has it: written, or worked from what is."""
        stack, begun = [key], set[str]()
        while stack:
            now = stack[-1]
            if now in self.known:
                stack.pop()
                continue
            missing = [parent for parent in self._needs(now) if parent not in self.known]
            if missing:
                begun.add(now)
                if not begun.isdisjoint(missing):
                    raise Circular(now)
                stack.extend(missing)
            else:
                self.known[now] = self._settled(now)
                stack.pop()
        return self.known[key]

    def _needs(self, key: str) -> Sequence[str]:
        if key.startswith(STALE):
            return ()
        if special := _special(key):
            return (special[2],)
        written = self.written.get(key)
        if written is not None and written.mask.all() and key not in self.edits:
            return ()
        return self.parents(key)

    def parents(self, key: str) -> Sequence[str]:
        """The keys that a quantity's formula needs, as it is edited."""
        if key in self.edits:
            return tuple(dict.fromkeys(leaf.name for leaf in leaves(self.edits[key]) if type(leaf) is Ref))
        return self.ledger[key].parents

    def _settled(self, key: str) -> Known:
        if key.startswith(STALE):
            assert self.before is not None
            return self.before.number(key.removeprefix(STALE))
        if special := _special(key):
            return _gathered(special[0], special[1], self.known[special[2]])
        quantity, written = self.ledger[key], self.written.get(key)
        if written is not None and written.mask.all():
            return Known(written.numbers, written.spread, written.tainted)
        if quantity.kind == GIVEN:
            found = self._given(quantity)
        else:
            found = self.predicted(key)
            if self.sharp and written is None:
                return found
            same = np.zeros(found.numbers.shape, bool)  # what is passed on as it is, is not rounded once more
            for parent in (parent for parent in self.parents(key) if not _special(parent)):
                same = same | (np.abs(found.numbers) == np.abs(self.known[parent].numbers))
            spread = found.spread + np.where(same, 0.0, self.working.lost(found.numbers, found.spread))
            found = Known(found.numbers, spread, found.tainted)
        if written is None:
            return found
        return Known(
            np.where(written.mask, written.numbers, found.numbers),
            np.where(written.mask, written.spread, found.spread),
            np.where(written.mask, written.tainted, found.tainted),
        )  # fmt: skip

    def _given(self, quantity: Quantity) -> Known:
        if self.before is not None and self.before.touched and not quantity.by_row:
            parameters = {node.name for node in self.ledger.network.parameters}
            if quantity.ref.name in parameters:
                return self.before.number(self.before.ledger.new(quantity.ref))
        return Known.exactly(self.ledger.exact(quantity.key))

    def predicted(self, key: str, flat: Expr | None = None) -> Known:
        """What a quantity's formula (or another) gives from the person's own numbers, its own number aside."""
        formula = flat if flat is not None else self.edits.get(key, self.ledger[key].flat)
        if formula is None:
            return self._given(self.ledger[key])
        names = tuple(dict.fromkeys(leaf.name for leaf in leaves(formula) if type(leaf) is Ref))
        parents = {name: self.number(name) for name in names}
        count = self.ledger.count if self.ledger[key].by_row else 1
        if self.sharp:
            numbers = worked(formula, {name: parent.numbers for name, parent in parents.items()}, count)
            return Known.exactly(numbers if len(numbers) == count else np.full(count, numbers[0]))
        loose = [name for name in names if parents[name].spread.any()]
        cases = 1 + 2 * len(loose)
        stacked: dict[str, Array] = {}
        for name, parent in parents.items():
            whole = np.repeat(np.broadcast_to(parent.numbers, (1, count)), cases, 0)
            if parent.spread.any():
                at = 1 + 2 * loose.index(name)
                whole[at] += parent.spread
                whole[at + 1] -= parent.spread
            stacked[name] = whole.reshape(-1)
        found = np.broadcast_to(worked(formula, stacked, count), (cases * count,)).reshape(cases, count)
        with np.errstate(all="ignore"):
            moved = np.nan_to_num(np.abs(found[1:] - found[0]), nan=0.0, posinf=1e300)
        spread = np.maximum(moved[0::2], moved[1::2]).sum(0) * SLACK if loose else np.zeros(count)
        tainted = np.zeros(count, bool)
        for parent in parents.values():
            tainted = tainted | parent.tainted
        if key in self.edits:
            tainted = np.ones(count, bool)
        return Known(found[0], spread, tainted)


def _special(key: str) -> tuple[str, int, str] | None:
    """A key that stands for rows of another one: the prefix, the row from 0, and that key."""
    for prefix in (SUM, OTHER_ROW, WITHOUT_ROW, ONLY_ROW):
        if key.startswith(prefix):
            rest = key.removeprefix(prefix)
            row, _, inner = ("0", "", rest) if prefix == SUM else rest.partition(" ")
            return prefix, int(row), inner
    return None


def _gathered(prefix: str, row: int, inner: Known) -> Known:
    if prefix == OTHER_ROW:
        here = np.full(len(inner.numbers), row)
        return Known(inner.numbers[here], inner.spread[here], inner.tainted[here])
    taken = np.arange(len(inner.numbers))
    taken = taken[taken == row] if prefix == ONLY_ROW else taken[taken != row] if prefix == WITHOUT_ROW else taken
    with np.errstate(all="ignore"):
        total = np.array([float(np.add.accumulate(inner.numbers[taken])[-1]) if len(taken) else 0.0])
    return Known(total, np.array([inner.spread[taken].sum()]), np.array([bool(inner.tainted[taken].any())]))


__all__ = ["NOISE", "Book", "Known", "Working", "key_of"]
