"""The one rounding place: how many digits of a number are shown is decided here and nowhere else."""

from __future__ import annotations

import math
from dataclasses import dataclass

DEFAULT_DIGITS = 6


@dataclass(frozen=True)
class Digits:
    """How numbers are shown.

    `count` significant digits, but an integer part is never rounded away and large numbers keep
    `count - 2` decimals, as people write them: with 6, 44.8126 and 12586.0127. `None` is all digits:
    the shortest text that reads back as the same double.
    """

    count: int | None = DEFAULT_DIGITS

    def text(self, number: float) -> str:
        """The number as text; `-0.0` is shown as 0."""
        if number == 0:
            return "0"
        if not math.isfinite(number):
            return str(number)
        if self.count is None:
            return _plain(repr(float(number)))
        size = math.floor(math.log10(abs(number)))
        if size >= 15 or size < -4:
            return _plain(f"{number:.{self.count - 1}e}")
        decimals = max(self.count - 2, self.count - 1 - size, 0)
        shown = f"{number:.{decimals}f}"
        return _plain(shown) if float(shown) else _plain(f"{number:.{self.count - 1}e}")

    def rounded(self, number: float) -> float:
        """The number that `text` shows."""
        return float(self.text(number))


FULL = Digits(None)


def _plain(text: str) -> str:
    """Without trailing zeros, and with exponents as people write them: 1e-6, 2.5e+20 becomes 2.5e20."""
    mantissa, _, exponent = text.partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    if mantissa in ("-0", ""):
        mantissa = "0"
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa
