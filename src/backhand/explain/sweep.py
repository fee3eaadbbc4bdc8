"""The page of a sweep: how many of the networks learnt it, how their costs lie, how long it took."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..document.parts import Document, Page, Table
from ..engine.sweep import Sweep


def sweep_document(found: Sweep, below: float) -> Document:
    """The page.

    Args:
        below: a network has learnt it where its cost ends below this.
    """
    network, costs, seeds = found.problem.network, found.costs, found.seeds
    assert network.cost is not None
    page = Page(network.title or "A sweep")
    page.heading(page.title, 1)
    page.heading("A sweep over the starting values")
    count, learnt = len(seeds), int((costs < below).sum())
    rate = count * found.steps / max(found.seconds, 1e-9)
    page.text(
        f"{count:,} networks, seeds {seeds[0]} to {seeds[-1]}, {found.steps:,} steps each over all rows:"
        f" {found.seconds:.2f} s, {rate / 1e6:.3g} million steps a second."
    )
    page.text(
        f"{learnt:,} of {count:,} learn it ({learnt / count:.1%}): their {network.cost.name} ends below {below:g}."
    )
    lost = int((~np.isfinite(costs)).sum())
    if lost:
        page.text(f"The numbers of {lost:,} ran away; a smaller rate keeps them.", kind="note")
    order = np.argsort(np.where(np.isfinite(costs), costs, np.inf), kind="stable")
    places = {"the best": 0, "a tenth below": count // 10, "a quarter below": count // 4, "the middle one": count // 2,
              "a quarter above": count - 1 - count // 4, "a tenth above": count - 1 - count // 10,
              "the worst": count - 1}  # fmt: skip
    rows = [(name, float(costs[order[at]]), seeds[order[at]]) for name, at in places.items()]
    shown = [row if np.isfinite(row[1]) else (row[0], "ran away", row[2]) for row in rows]
    page.add(Table(("", f"{network.cost.name} at the end", "seed"), tuple(shown)))
    page.text(f"One of them in full: backhand show SHEET --seed {seeds[found.best]}, the best.")
    return page.done()


def sweep_json(found: Sweep, below: float) -> dict[str, Any]:
    """The sweep as plain data; null where the numbers ran away."""
    costs = [float(c) if np.isfinite(c) else None for c in found.costs]
    return {
        "seeds": list(found.seeds),
        "costs": costs,
        "steps": found.steps,
        "seconds": found.seconds,
        "below": below,
        "learnt": int((found.costs < below).sum()),
        "best": {
            "seed": found.seeds[found.best],
            "cost": costs[found.best],
            "parameters": {name: value.tolist() for name, value in found.parameters.items()},
        },
    }
