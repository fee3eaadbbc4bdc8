"""How activations and gradients are spread, layer by layer: a histogram for each node that parameters lead to."""

from __future__ import annotations

import numpy as np

from ..document.parts import Histogram
from ..engine.reference import Gradients, Tape

BINS = 24
MOST = 24  # histograms


def histograms(tape: Tape, gradients: Gradients | None) -> list[Histogram]:
    """Of every activation over all rows and units, then of what comes back to each, then of ∂C/∂(each parameter)."""
    network = tape.network
    nodes = [node for node in network.equations if node.name in network.trained and not node.made]
    found = [_of(f"Values of {node.name}", node.name, tape.values[node.name]) for node in nodes]
    if gradients is not None:
        symbol = gradients.program.symbol.name
        found += [
            _of(f"∂{symbol}/∂{node.name} in every row", f"∂{symbol}/∂{node.name}", gradients.rows(node.name))
            for node in nodes
        ]
        cost = network.cost
        assert cost is not None
        found += [
            _of(f"∂{cost.name}/∂{node.name}", f"∂{cost.name}/∂{node.name}", gradients.totals[node.name])
            for node in network.parameters
            if node.shape
        ]
    return found[:MOST]


def _of(title: str, label: str, values: np.ndarray) -> Histogram:
    flat = np.ravel(values)
    counts, edges = np.histogram(flat, bins=min(BINS, max(1, int(np.sqrt(flat.size)) + 1)))
    return Histogram(title, label, tuple(map(float, edges)), tuple(map(int, counts)))
