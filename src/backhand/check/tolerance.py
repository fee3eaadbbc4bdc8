"""How far an answer may be off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from .book import NOISE
from .numbers import Typed

WHOLE = 0.05  # a whole number may stand for another one this close, in parts of it


@dataclass(frozen=True)
class Tolerance:
    """How far an answer may be off; without any of these, half of its last digit.

    Attributes:
        relative: in parts of the right number.
        absolute: as it is.
        figures: significant figures that must be right.
        decimals: decimals that must be right.
    """

    relative: float | None = None
    absolute: float | None = None
    figures: int | None = None
    decimals: int | None = None

    def __post_init__(self) -> None:
        for name in ("relative", "absolute"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise UsageError(f"a tolerance of {value} cannot be kept", expected="0 or more")
        if self.figures is not None and not 1 <= self.figures <= 17:
            raise UsageError(f"{self.figures} significant figures cannot be asked for", expected="1 to 17")

    @property
    def said(self) -> str:
        """In words."""
        parts = []
        if self.relative is not None:
            parts.append(f"{self.relative:g} of the right number")
        if self.absolute is not None:
            parts.append(f"{self.absolute:g}")
        if self.figures is not None:
            parts.append(f"half of the {_nth(self.figures)} significant figure")
        if self.decimals is not None:
            parts.append(f"half of the {_nth(self.decimals)} decimal")
        return "a number may be off by " + (" or ".join(parts) if parts else "half of its last digit")

    def half(self, typed: Typed, right: float) -> float:
        """How far a typed number may be from the right one."""
        found = [NOISE * abs(right)]
        if self.relative is not None:
            found.append(self.relative * abs(right))
        if self.absolute is not None:
            found.append(self.absolute)
        if self.decimals is not None:
            found.append(0.5 * 10.0**-self.decimals)
        if self.figures is not None and right:
            found.append(0.5 * 10.0 ** (np.floor(np.log10(abs(right))) - self.figures + 1))
        if len(found) == 1:
            half = typed.unit / 2
            if typed.decimals is None and typed.unit >= 1 and not float(right).is_integer():
                half = min(half, WHOLE * abs(right))
            found.append(half * (1 + 1e-9))
        return float(max(found))


def _nth(number: int) -> str:
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number if number < 20 else number % 10, 'th') }"
