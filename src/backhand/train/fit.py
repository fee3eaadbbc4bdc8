"""Fitting: epochs until the cost of the rows held out no longer falls, the best weights kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.dense import DenseLayer, DensePlan, Parameters
from ..engine.fast import open_engine
from ..errors import NumberError
from .prepare import CLASSIFICATION, Preparation

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Settings:
    """How a network is made and trained; None lets the data decide.

    Attributes:
        layers, activation: of the hidden layers.
        cost: a named cost; mse for numbers, softmax_cross_entropy for classes by default.
        held_out: the share of the rows that is for validation.
        patience: epochs without a lower validation cost after which training stops.
        decay: L2, decay·w added to the gradient of every weight.
    """

    layers: tuple[int, ...] = (64, 64)
    activation: str = "relu"
    cost: str | None = None
    rule: str = "adam"
    rate: float = 1e-3
    batch: int = 32
    epochs: int = 200
    patience: int = 20
    held_out: float = 0.2
    decay: float = 0.0
    dropout: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Epoch:
    """One epoch: the cost of the rows for training at the weights of their steps, and that of the rows held out."""

    number: int
    cost: float
    validation: float


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a fit gave.

    Attributes:
        parameters: those of the best epoch.
        best: its number.
        stopped: why it ended.
    """

    plan: DensePlan
    parameters: Parameters
    epochs: tuple[Epoch, ...]
    best: int
    stopped: str
    seconds: float
    engine: str


Report = Callable[[Epoch, int], None]


def plan_for(preparation: Preparation, settings: Settings) -> DensePlan:
    """The network for a table."""
    classes = preparation.target.task == CLASSIFICATION
    cost = settings.cost or ("softmax_cross_entropy" if classes else "mse")
    hidden = (DenseLayer(n, settings.activation, dropout=settings.dropout) for n in settings.layers)
    last = DenseLayer(len(preparation.target.classes) if classes else 1)
    return DensePlan(
        len(preparation.inputs), (*hidden, last), cost, rule=settings.rule, rate=settings.rate, decay=settings.decay,
        seed=settings.seed,
    )  # fmt: skip


def starting_parameters(plan: DensePlan, random: np.random.Generator) -> Parameters:
    """He's normal values before relu and its like, Glorot's before the others; biases 0."""
    found = []
    for (k, n), layer in zip(zip(plan.sizes[:-1], plan.sizes[1:], strict=True), plan.layers, strict=True):
        ramp = layer.activation in ("relu", "leaky", "elu", "selu", "gelu", "silu", "softplus")
        spread = np.sqrt(2 / k if ramp else 2 / (k + n))
        found.append((random.standard_normal((n, k)) * spread, np.zeros(n)))
    return found


def fit(
    plan: DensePlan, settings: Settings, x: Array, y: Array, training: Array, held_out: Array,
    report: Report | None = None, dtype: str = "float32", threads: int | None = None,
) -> Fitted:  # fmt: skip
    """Trains a network.

    Args:
        x, y: all rows, as `Preparation` makes them.
        training, held_out: which rows are for what.
        report: called after each epoch, with the epochs wanted.
    Raises:
        NumberError: the numbers ran away in the first epoch; later, the best weights are kept and it is said.
    """
    random = np.random.default_rng(settings.seed)
    engine = open_engine(plan, dtype, threads)
    engine.put(starting_parameters(plan, random))
    began, epochs = time.perf_counter(), list[Epoch]()
    best, kept, stopped = 0, engine.get(), f"after {settings.epochs} epochs"
    for number in range(1, settings.epochs + 1):
        try:
            cost = float(engine.train(x, y, batch=settings.batch, order=random.permutation(training))[0])
        except NumberError as problem:
            if not epochs:
                raise
            stopped = f"the numbers ran away in epoch {number} ({problem.message})"
            break
        epochs.append(Epoch(number, cost, float(engine.costs(x, y, held_out).mean())))
        if report:
            report(epochs[-1], settings.epochs)
        if best == 0 or epochs[-1].validation < epochs[best - 1].validation:
            best, kept = number, engine.get()
        elif number - best >= settings.patience:
            stopped = f"{settings.patience} epochs without a lower validation cost"
            break
    return Fitted(plan, kept, tuple(epochs), best, stopped, time.perf_counter() - began, engine.name)
