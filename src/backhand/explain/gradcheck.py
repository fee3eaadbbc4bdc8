"""The page of `backhand gradcheck`: every partial three ways, and what each way costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..document.parts import Document, Page, Table
from ..engine.differences import Compared, Costs, Price, compare, price
from ..engine.reference import starting_values
from ..errors import UsageError
from ..network.build import Problem
from ..network.widen import widened
from ..notation.expr import Partial, Ref
from ..notation.numbers import FULL

TOLERANCE = 1e-5
ROUNDING = 4 * float(np.finfo(float).eps)  # of the cost, relative
SMALLEST = 1e-8  # smaller gradients are compared with this, so that 0 against 0 agrees
MOST_ROWS = 60
COPIES = (1, 10, 100)  # of the network, side by side, whose prices are measured
LARGEST_WIDENED = 400_000  # nodes and weights together: larger copies are not built


@dataclass(frozen=True)
class GradientCheck:
    """The three gradients, and the prices; `agrees` when the worst disagreement is within the tolerance.

    Attributes:
        value: the cost at these weights. It is rounded, so that differences of it are off by some
            eps·|cost|/h even where the gradient is right: for a gradient near 0 that is no disagreement.
    """

    compared: tuple[Compared, ...]
    total: int
    prices: tuple[Price, ...]
    epsilon: float
    cost: str
    value: float = 0.0

    def disagreement(self, one: Compared) -> float:
        """|central - backprop| over the larger of the two, or over the least that differences can see."""
        unseen = max(SMALLEST, ROUNDING * abs(self.value) / one.step / TOLERANCE)
        return abs(one.central - one.backprop) / max(abs(one.central), abs(one.backprop), unseen)

    @property
    def worst(self) -> Compared:
        return max(self.compared, key=self.disagreement)

    @property
    def agrees(self) -> bool:
        return self.disagreement(self.worst) <= TOLERANCE


def check_gradients(
    problem: Problem,
    epsilon: float,
    prices: bool = True,
    progress: Callable[[int, int], None] | None = None,
    most: int = 2_000,
) -> GradientCheck:
    """Compares every partial, up to `most` of them evenly spread, and measures the prices."""
    if not epsilon > 0:
        raise UsageError(
            f"ε = {epsilon:g} makes no difference", expected="a number above 0", hint="1e-6 suits most sheets"
        )
    refs = [r for p in problem.network.parameters for r in p.entries()]
    stride = max(1, -(-len(refs) // most))
    chosen = refs[::stride]
    found = []
    for done, one in enumerate(compare(problem, epsilon, chosen), 1):
        found.append(one)
        if progress:
            progress(done, len(chosen))
    measured = []
    if prices:
        size = len(problem.network.nodes) + problem.network.parameter_count
        measured = [price(widened(problem, f), f) for f in COPIES if f == 1 or size * f <= LARGEST_WIDENED]
    assert problem.network.cost is not None
    value = Costs(problem)(starting_values(problem.network))
    return GradientCheck(tuple(found), len(refs), tuple(measured), epsilon, problem.network.cost.name, value)


def gradcheck_document(check: GradientCheck) -> Document:
    """The comparison as a page."""
    page = Page("Gradient check")
    page.heading(page.title, 1)
    c = check.cost
    page.text(
        f"Each partial of {c} by back-propagation, beside the slow ways: one-sided ({c}(w + ε) − {c}(w))/ε with",
        " ε = ", check.epsilon, f", and central ({c}(w + h) − {c}(w − h))/2h with h = eps^(1/3)·max(1,",
        " |w|) for each parameter, eps = 2^(-52).",
    )  # fmt: skip
    shown = check.compared
    if len(shown) > MOST_ROWS:
        shown = tuple(sorted(shown, key=lambda x: -check.disagreement(x))[:MOST_ROWS])
        page.note(
            f"{len(check.compared):,} of {check.total:,} partials compared;"
            f" the {MOST_ROWS} that disagree most are shown."
        )
    rows = [(x.name, x.one_sided, x.central, x.backprop, _relative(check.disagreement(x))) for x in shown]
    page.add(Table(("by", "one-sided", "central", "back-propagation", "disagreement"), tuple(rows)))
    worst = check.worst
    words = "All agree" if check.agrees else "They do not agree"
    page.text(
        f"{words}: the worst is ", Partial(Ref(c), worst.name), ", central against back-propagation, "
        f"{_relative(check.disagreement(worst))} relative (allowed {FULL.text(TOLERANCE)}).",
        kind="good" if check.agrees else "warning",
    )  # fmt: skip
    if not check.agrees:
        page.note(
            "A kink (the corner of relu, leaky, abs, max, min, huber; the jump of step) near a weight also makes"
            " differences disagree; look at that weight's z."
        )
    if check.prices:
        _prices(page, check.prices)
    return page.done()


def _relative(disagreement: float) -> str:
    return FULL.text(float(f"{disagreement:.1e}"))


def _prices(page: Page, prices: tuple[Price, ...]) -> None:
    page.heading("What each way costs")
    page.text(
        "Differences need a forward pass for every weight: N + 1 one-sided, 2N central."
        " Back-propagation needs one pass forward and one back, whatever N is."
    )
    rows = []
    for p in prices:
        slow, slower = p.one_sided_passes * p.seconds_per_pass, p.central_passes * p.seconds_per_pass
        rows.append(
            (
                "this network" if p.factor == 1 else f"{p.factor} copies side by side",
                f"{p.weights:,}", f"{p.one_sided_passes:,}", _seconds(slow), f"{p.central_passes:,}",
                _seconds(slower), "1 + 1", _seconds(p.backprop_seconds), f"{slow / p.backprop_seconds:,.1f}",
            )
        )  # fmt: skip
    heads = (
        "network", "weights N", "one-sided passes", "time", "central passes", "time", "back-propagation",
        "time", "one-sided / back-propagation",
    )  # fmt: skip
    page.add(Table(heads, tuple(rows), "Measured now, on this machine"))
    left_out = [f"{f}" for f in COPIES if f not in {p.factor for p in prices}]
    if left_out:
        page.note(
            f"{' and '.join(left_out)} copies side by side are left out: they would have more than"
            f" {LARGEST_WIDENED:,} weights and other names, and are not built."
        )
    page.note(
        "Forward passes measured: " + ", ".join(f"{p.measured:,}" for p in prices)
        + "; where that is fewer than needed, the time is their mean times the number needed."
        " Back-propagation, forward and back, took as long as "
        + ", ".join(f"{p.backprop_seconds / p.seconds_per_pass:.1f}" for p in prices)
        + " forward passes, not as N + 1 of them: the last column is N + 1 divided by that."
        " A wider network makes every pass longer, either way, so that the last column grows about in proportion to N."
    )  # fmt: skip


def _seconds(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def gradcheck_json(check: GradientCheck) -> dict[str, Any]:
    """The comparison as `backhand.gradcheck/1`."""
    from ..notation.text import PLAIN

    return {
        "schema": "backhand.gradcheck/1",
        "epsilon": check.epsilon,
        "tolerance": TOLERANCE,
        "agrees": check.agrees,
        "worst": {"name": PLAIN(check.worst.name), "disagreement": check.disagreement(check.worst)},
        "partials": [
            {
                "name": PLAIN(x.name), "one_sided": x.one_sided, "central": x.central, "step": x.step,
                "backprop": x.backprop,
            }
            for x in check.compared
        ],
        "price": [
            {
                "copies": p.factor, "weights": p.weights, "one_sided_passes": p.one_sided_passes,
                "central_passes": p.central_passes, "seconds_per_pass": p.seconds_per_pass,
                "backprop_seconds": p.backprop_seconds, "passes_measured": p.measured,
            }
            for p in check.prices
        ],
    }  # fmt: skip
