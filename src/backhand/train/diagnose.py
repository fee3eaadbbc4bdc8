"""What a teacher would notice while a network is trained, with the remedy: told once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.dense import DenseEngine, DensePlan, Parameters
from ..engine.dense_numpy import layer_values

Array = np.ndarray[Any, Any]
DEAD_SHARE, SATURATED_SHARE = 0.25, 0.5
VANISHING, LARGE_UPDATE, SMALL_UPDATE = 1e-4, 0.5, 1e-7


@dataclass(frozen=True)
class Finding:
    """Something in a layer (from 1) that hinders learning."""

    kind: str
    layer: int
    said: str
    remedy: str

    @property
    def key(self) -> tuple[str, int]:
        return self.kind, self.layer

    def __str__(self) -> str:
        return f"layer {self.layer}: {self.said}; try {self.remedy}"


def by_kind(findings: Iterable[Finding]) -> list[str]:
    """Findings as sentences, one for each kind: what is said of its first layer, and in which others it is so."""
    kinds: dict[str, list[Finding]] = {}
    for finding in findings:
        kinds.setdefault(finding.kind, []).append(finding)
    said = []
    for same in kinds.values():
        layers = [str(finding.layer) for finding in sorted(same, key=lambda f: f.layer)]
        first = min(same, key=lambda f: f.layer)
        others = f" (likewise in layer{'s' if len(layers) > 2 else ''} {', '.join(layers[1:])})" if layers[1:] else ""
        said.append(f"layer {first.layer}: {first.said}{others}; try {first.remedy}")
    return said


def diagnose(plan: DensePlan, before: Parameters, engine: DenseEngine, x: Array, y: Array) -> list[Finding]:
    """Looks at some rows with the present weights, and at the step that led to them.

    Args:
        before: the weights before the last step.
    """
    after = engine.get()
    values = layer_values(plan, after, x)
    gradients = engine.gradients(x, y)[0]
    return [
        *_dead(plan, values), *_saturated(plan, values), *_identical(plan, after), *_flow(plan, gradients),
        *_updates(before, after),
    ]  # fmt: skip


def _dead(plan: DensePlan, values: list[Array]) -> list[Finding]:
    found = []
    for number, (layer, a) in enumerate(zip(plan.layers, values, strict=True), 1):
        dead = int((a == 0).all(axis=0).sum()) if layer.activation == "relu" else 0
        if dead >= max(1, DEAD_SHARE * layer.units):
            said = f"{dead} of {layer.units} units are dead: relu gives 0 for every row, so they learn nothing"
            found.append(Finding("dead units", number, said, "a smaller rate, or leaky relu"))
    return found


def _saturated(plan: DensePlan, values: list[Array]) -> list[Finding]:
    found = []
    for number, (layer, a) in enumerate(zip(plan.layers, values, strict=True), 1):
        if layer.activation not in ("sigmoid", "tanh") or number == len(plan.layers):
            continue
        slope = a * (1 - a) * 4 if layer.activation == "sigmoid" else 1 - a**2
        share = float((slope < 0.02).mean())
        if share > SATURATED_SHARE:
            said = f"{share:.0%} of the values of {layer.activation} are saturated: its slope there is almost 0"
            found.append(Finding("saturated units", number, said, "smaller starting weights, or relu"))
    return found


def _identical(plan: DensePlan, parameters: Parameters) -> list[Finding]:
    found = []
    for number, (w, b) in enumerate(parameters[:-1], 1):
        units = np.column_stack([w, b])
        distinct = len(np.unique(units, axis=0))
        same = len(units) - distinct
        if same:
            said = f"{same + 1} of {len(units)} units are identical, and stay so: they get the same partials"
            found.append(Finding("identical units", number, said, "starting weights drawn at random"))
    return found


def _flow(plan: DensePlan, gradients: Parameters) -> list[Finding]:
    """Partials that shrink or grow on their way back through the layers."""
    sizes = [float(np.sqrt(np.mean(np.square(g, dtype=np.float64)))) for g, _ in gradients]
    found = []
    for number, size in enumerate(sizes[:-1], 1):
        ratio = size / sizes[-1] if sizes[-1] > 0 else 1.0
        if 0 < ratio < VANISHING:
            said = f"its partials are {ratio:.0e} of the last layer's: they vanish on the way back"
            found.append(Finding("vanishing gradients", number, said, "relu, fewer layers, or --start he"))
        elif ratio > 1 / VANISHING:
            said = f"its partials are {ratio:.0e} times the last layer's: they grow on the way back"
            found.append(Finding("exploding gradients", number, said, "smaller starting weights"))
    return found


def _updates(before: Parameters, after: Parameters) -> list[Finding]:
    """How much a step changes the weights of a layer, in parts of them."""
    found = []
    for number, ((old, _), (new, _)) in enumerate(zip(before, after, strict=True), 1):
        size = float(np.linalg.norm(old))
        ratio = float(np.linalg.norm(new - old)) / size if size else 0.0
        if ratio > LARGE_UPDATE:
            said = f"a step changes the weights by {ratio:.0%} of their size"
            found.append(Finding("large updates", number, said, "a smaller rate"))
        elif 0 < ratio < SMALL_UPDATE:
            said = f"a step changes the weights by {ratio:.0e} of their size: they hardly move"
            found.append(Finding("small updates", number, said, "a larger rate"))
    return found
