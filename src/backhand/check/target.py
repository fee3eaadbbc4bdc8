"""A wrong number that is to be explained, and what would give it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..notation.expr import Expr
from .book import NOISE
from .marking import Cause, Mark, Marking


@dataclass(frozen=True, eq=False)
class Candidate:
    """A slip that would give the number."""

    cause: Cause
    edits: dict[str, Expr]
    score: float
    away: int


class Target:
    """A wrong number, and how near another one must come to be taken for it."""

    def __init__(self, marking: Marking, one: Mark) -> None:
        self.one, self.given = one, one.typed.value * one.scale
        self.half = marking.tolerance.half(one.typed, one.right) * one.scale if one.typed.value else 0.0
        self.right = marking.books[one.step].predicted(one.key)
        at = min(one.position, len(self.right.numbers) - 1)
        self.expected, self.spread = float(self.right.numbers[at]), float(self.right.spread[at])
        size = max(abs(self.given - self.expected), 1e-300)
        self.window = min(1.0, (self.half + self.spread) / size)  # how likely a number of that size meets it

    def meets(self, value: tuple[float, float]) -> bool:
        number, spread = value
        if not np.isfinite(number):
            return False
        grown = max(1.0, min(4.0, abs(number) / max(abs(self.expected), 1e-300)))
        apart = self.half + max(self.spread * grown, min(spread, 4 * self.spread + self.half))
        if abs(number - self.expected) <= apart:  # no slip at all
            return False
        return abs(number - self.given) <= apart + NOISE * abs(number)

    def loose(self, value: tuple[float, float]) -> float:
        """How far a number that meets it is off, in parts of what is allowed."""
        return min(1.0, abs(value[0] - self.given) / (self.half + max(value[1], self.spread) + 1e-300))

    def shown(self, value: tuple[float, float]) -> float:
        return value[0] / self.one.scale
