"""Which slips an exercise tells apart: every slip of the marking library, made in one step and worked on to the end.

A slip that leaves every number that is asked for as it is (within what a platform lets pass) cannot be told from the
right method. All slips of one step are followed through at once, a lane for each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..check.book import Book, Circular, Working
from ..check.library import Library
from ..check.slips import Variant
from ..explain.ledger import GIVEN, SUM, Array, Ledger, worked

Tolerance = Callable[[float], float]
Slip = tuple[str, str, str]  # the step, the kind of slip, the formula it makes of the step
OMISSIONS = ("row left out", "path left out", "term left out", "output left out")


@dataclass(frozen=True)
class Asked:
    """A number that is asked for: a quantity of a step, in one row (from 0)."""

    key: str
    row: int = 0


class Telling:
    """The slips on the way to some numbers, and which of them those numbers tell.

    Args:
        before: the step before.
        tolerance: how far a number may be off and is still taken for right.
    """

    def __init__(self, ledger: Ledger, before: Book | None, asked: Sequence[Asked], tolerance: Tolerance) -> None:
        self.ledger = ledger
        self.book = Book(ledger, Working(), before, sharp=True)
        self.library = Library(self.book)
        self.right = {a: self.at(ledger.exact(a.key), a.row) for a in asked}
        self.allowed = {a: tolerance(value) for a, value in self.right.items()}
        self.known: dict[str, dict[Slip, Variant]] = {}
        self.order: list[str] = []  # what the answers come of, each behind what it is made of
        self.users: dict[str, list[str]] = {}
        for one in asked:
            self.visit(one.key)

    @staticmethod
    def at(numbers: Array, row: int) -> float:
        return float(numbers[row if len(numbers) > 1 else 0])

    def visit(self, key: str) -> None:
        stack = [(key, False)]
        known = set(self.order)
        while stack:
            now, ready = stack.pop()
            if ready:
                if now not in known:
                    known.add(now)
                    self.order.append(now)
                continue
            if now in known:
                continue
            stack.append((now, True))
            for parent in self.parents(now):
                if now not in self.users.setdefault(parent, []):
                    self.users[parent].append(now)
                stack.append((parent, False))

    def parents(self, key: str) -> list[str]:
        return [name.removeprefix(SUM) for name in self.ledger[key].parents]

    def slips(self, key: str, none: frozenset[Slip]) -> dict[Slip, Variant]:
        """The slips that can be made in a step, without those that are none."""
        if key not in self.known:
            given = self.ledger[key].kind == GIVEN
            variants = () if given else (v for v in self.library.variants(key) if not self.idle(key, v))
            self.known[key] = {(key, v.slip, repr(v.flat)): v for v in variants}
        return {slip: variant for slip, variant in self.known[key].items() if slip not in none}

    def idle(self, key: str, variant: Variant) -> bool:
        """Who leaves out what is exactly 0, such as the row of a silent unit, makes no slip."""
        if variant.slip not in OMISSIONS:
            return False
        try:
            return np.array_equal(self.book.predicted(key, variant.flat).numbers, self.ledger.exact(key))
        except Circular:
            return False

    def kinds(self, none: frozenset[Slip]) -> Counter[tuple[str, str]]:
        """How many slips of each kind there are, by the kind of step."""
        return Counter((self.ledger[key].kind, slip) for at in self.order for key, slip, _ in self.slips(at, none))

    def untold(self, none: frozenset[Slip]) -> dict[Slip, Variant]:
        """The slips that give every number asked for, within the tolerance.

        Args:
            none: what is no slip at all in this network, such as a factor 1 that is left out.
        """
        found: dict[Slip, Variant] = {}
        for key in self.order:
            lanes, numbers = self.worked(key, self.slips(key, none))
            if lanes:
                told = self.told(self.followed(key, np.stack(numbers)))
                found |= {slip: v for (slip, v), seen in zip(lanes.items(), told, strict=True) if not seen}
        return found

    def worked(self, key: str, slips: Mapping[Slip, Variant]) -> tuple[dict[Slip, Variant], list[Array]]:
        """What each slip gives in its own step; those that need what is not there yet are left out."""
        count = self.ledger.count if self.ledger[key].by_row else 1
        lanes: dict[Slip, Variant] = {}
        numbers = []
        for slip, variant in slips.items():
            try:
                value = self.book.predicted(key, variant.flat).numbers
            except Circular:
                continue
            lanes[slip] = variant
            numbers.append(np.broadcast_to(value, (count,)))
        return lanes, numbers

    def followed(self, key: str, numbers: Array) -> Mapping[str, Array]:
        """Every number that comes of a step, (slips, rows or 1), for all its slips at once."""
        moved = {key: numbers}
        slips, count = len(numbers), self.ledger.count
        for now in self.order:
            quantity = self.ledger[now]
            if now == key or quantity.flat is None or moved.keys().isdisjoint(self.parents(now)):
                continue
            stacked: dict[str, Array] = {}
            for name in quantity.parents:
                inner = name.removeprefix(SUM)
                value = moved.get(inner)
                if value is None:
                    value = self.ledger.exact(inner)[None]
                if name.startswith(SUM):
                    with np.errstate(all="ignore"):
                        value = value.sum(axis=1, keepdims=True)
                stacked[name] = np.broadcast_to(value, (slips, count)).ravel()
            found = np.broadcast_to(worked(quantity.flat, stacked, slips * count), (slips * count,))
            whole = found.reshape(slips, count)
            moved[now] = whole if quantity.by_row else whole[:, :1]
        return moved

    def told(self, moved: Mapping[str, Array]) -> list[bool]:
        slips = len(next(iter(moved.values())))
        told = np.zeros(slips, bool)
        for one, right in self.right.items():
            if one.key in moved:
                numbers = moved[one.key]
                column = numbers[:, min(one.row, numbers.shape[1] - 1)]
                with np.errstate(all="ignore"):
                    told |= ~(np.abs(column - right) <= 2 * self.allowed[one])  # what is not finite is told
        return [bool(t) for t in told]
