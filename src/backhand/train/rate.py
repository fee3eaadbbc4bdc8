"""A learning rate found by trying: a few steps at each of many rates, all from the same start.

After Smith, Cyclical Learning Rates for Training Neural Networks (2017), section 3.3; here each rate has its own short
run instead of one run whose rate rises.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import NumberError
from .fit import Fitting

RATES = tuple(float(f"{10 ** (k / 5):.2g}") for k in range(-25, 1))  # 1e-5 to 1, five for each power of ten
STEPS = 200
NEARLY = 0.98  # of the farthest fall
ROWS = 2000  # whose cost is compared


@dataclass(frozen=True)
class RateSearch:
    """The cost after some steps at each rate.

    Attributes:
        costs: infinite where the numbers ran away.
        steps: how many.
        start: the cost before.
    """

    rates: tuple[float, ...]
    costs: tuple[float, ...]
    steps: int
    start: float

    @property
    def best(self) -> float:
        """The smallest rate whose cost falls nearly as far as the lowest: larger ones are noisier and gain nothing."""
        enough = self.start - NEARLY * (self.start - min(self.costs))
        found = [rate for rate, cost in zip(self.rates, self.costs, strict=True) if cost <= enough]
        return found[0] if min(self.costs) < self.start else self.rates[int(np.argmin(self.costs))]


def find_rate(fitting: Fitting) -> RateSearch:
    """Tries the rates from the weights and on the rows that a fit is about to begin with; the fit is left alone.

    Raises:
        NumberError: the numbers run away at every rate.
    """
    start, size = fitting.engine.get(), fitting.settings.batch or fitting.rows
    rows = fitting.order(1)[: STEPS * size]
    judged = np.sort(fitting.order(1)[:ROWS])
    costs, repeats = [], max(1, STEPS // -(-len(rows) // size))
    for rate in RATES:
        plan = replace(fitting.plan, rate=rate)
        tried = Fitting(
            plan, fitting.settings, fitting.x, fitting.y, fitting.training, judged[:0], weights=fitting.weights,
            start=start, dtype=str(fitting.x.dtype) if fitting.x.dtype == np.float64 else "float32",
        )  # fmt: skip
        try:
            for _ in range(repeats):
                tried.train(rows)
            cost = tried.cost_of(judged)
        except NumberError:
            cost = np.inf
        costs.append(cost if np.isfinite(cost) else float("inf"))
    if not np.isfinite(costs).any():
        raise NumberError("the numbers run away at every rate tried", expected=f"{RATES[0]:g} to {RATES[-1]:g}")
    return RateSearch(RATES, tuple(costs), repeats * -(-len(rows) // size), fitting.cost_of(judged))
