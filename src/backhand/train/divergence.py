"""Where numbers run away: the step in which it begins, the layer and the row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.dense_numpy import layer_values
from ..errors import NumberError

if TYPE_CHECKING:
    from .fit import Fitting

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Divergence:
    """Where it begins.

    Attributes:
        epoch, step: counted from 1, the step within its epoch.
        update: the step's number since the start.
        layer: counted from 1.
        row: of the table, counted from 1.
        what: what happens there.
    """

    epoch: int
    step: int
    update: int
    layer: int
    row: int
    what: str

    def said(self) -> str:
        return (
            f"the numbers run away in epoch {self.epoch}, step {self.step} (update {self.update:,}):"
            f" {self.what} in layer {self.layer}, row {self.row}"
        )


def locate(fitting: Fitting) -> Divergence:
    """Works the epoch that failed again, halving its steps until the one is found that runs away."""
    engine, size, epoch = fitting.engine, fitting.settings.batch or fitting.rows, fitting.number + 1
    fitting.rewind()
    order = fitting.order(epoch)
    low, high = 0, -(-len(order) // size)  # the engine stands before step `low`; it has run away before step `high`
    while high - low > 1:
        middle = (low + high) // 2
        before, state = engine.get(), engine.get_state()
        if _fine(fitting, order[low * size : middle * size]):
            low = middle
        else:
            high = middle
            engine.put(before)
            engine.put_state(*state)
    batch, update = order[low * size : (low + 1) * size], engine.get_state()[1] + 1
    layer, row, what = _guilty(fitting, batch)
    return Divergence(epoch, low + 1, update, layer, int(row) + 1, what)


def _fine(fitting: Fitting, rows: Array) -> bool:
    try:
        cost = fitting.train(rows)
    except NumberError:
        return False
    finite = all(np.isfinite(a).all() for pair in fitting.engine.get() for a in pair)
    return finite and cost <= fitting.highest


def _guilty(fitting: Fitting, batch: Array) -> tuple[int, int, str]:
    """The layer (from 1), the row (from 0) and what happens, in the step over a batch from the present weights."""
    engine, plan = fitting.engine, fitting.plan
    before = engine.get()
    for number, values in enumerate(layer_values(plan, before, fitting.x[batch]), 1):
        bad = ~np.isfinite(values).all(axis=1)
        if bad.any():
            return number, batch[int(np.argmax(bad))], "a value is not finite"
    own = engine.costs(fitting.x, fitting.y, batch)
    if not np.isfinite(own).all():
        return len(plan.layers), batch[int(np.argmax(~np.isfinite(own)))], "the cost is not finite"
    row = batch[int(np.argmax(own))]
    gradients, cost = engine.gradients(fitting.x[batch], fitting.y[batch])
    sizes = [float(np.abs(g[0]).max(initial=0)) for g in gradients]
    for number, size in enumerate(sizes, 1):
        if not np.isfinite(size):
            return number, row, "a partial is not finite"
    if cost > fitting.highest:
        return len(plan.layers), row, f"the cost is {cost:.3g}"
    ratios = [size / max(float(np.abs(w).max(initial=0)), 1e-30) for size, (w, _) in zip(sizes, before, strict=True)]
    layer = int(np.argmax(ratios))
    return layer + 1, row, f"a partial is as large as {sizes[layer]:.3g}"
