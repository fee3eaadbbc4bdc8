"""Fitting: epochs until the cost of the rows held out no longer falls, the best weights kept.

The order of an epoch's rows depends on the seed and its number alone, and all else is in the engine's state: a run can
be gone on with, or worked again, from any epoch, to the same bits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..engine.choice import open_engine
from ..engine.dense import DenseEngine, DenseLayer, DensePlan, Parameters
from ..errors import NumberError, UsageError
from .diagnose import Finding, diagnose
from .divergence import Divergence, locate
from .prepare import CLASSIFICATION, REGRESSION, Preparation

Array = np.ndarray[Any, Any]
EXPLODED = 1e4  # times the cost at the starting values
FAN_IN, HE, GLOROT = "fan-in", "he", "glorot"
STARTS = (FAN_IN, HE, GLOROT)
NUMPY = "NumPy"  # what stands for the instruction set where there is no compiled engine
SAMPLE = 512  # rows that are looked at closely
SNAPSHOT = 20  # a snapshot may take one part in so many of the time


@dataclass(frozen=True)
class Settings:
    """How a network is made and trained; None lets the data decide.

    Attributes:
        layers, activation: of the hidden layers; one activation for all of them, or one for each.
        cost_setting: where huber goes from square to line, in the target's standard deviations.
        cost: a named cost; mse for numbers, softmax_cross_entropy for classes by default.
        batch: rows of a step; None for all of them.
        held_out: the share of the rows that is for validation.
        patience: epochs without a lower validation cost (or cost, where no rows are held out) after which it stops.
        tolerance: by how much it must be lower.
        decay: L2, decay·w added to the gradient of every weight.
        start: how the first weights are drawn, see `starting_parameters`.
        until: the cost of the rows held out at which it ends.
        keep_best: the weights of the best epoch are kept; otherwise those of the last.
    """

    layers: tuple[int, ...] = (64, 64)
    activation: str | tuple[str, ...] = "relu"
    cost: str | None = None
    cost_setting: float = 1.0
    rule: str = "adam"
    numbers: tuple[float, ...] = ()
    rate: float = 1e-3
    batch: int | None = 32
    epochs: int = 200
    patience: int = 20
    tolerance: float = 0.0
    held_out: float = 0.2
    decay: float = 0.0
    dropout: float = 0.0
    seed: int = 0
    shuffle: bool = True
    keep_best: bool = True
    until: float | None = None
    start: str = FAN_IN

    @property
    def activations(self) -> tuple[str, ...]:
        """Of each hidden layer.

        Raises:
            UsageError: not one for each.
        """
        if isinstance(self.activation, str):
            return (self.activation,) * len(self.layers)
        if len(self.activation) != len(self.layers):
            counts = f"{len(self.activation)} activations for {len(self.layers)} hidden layers"
            raise UsageError(counts, expected="one, or one for each")
        return self.activation


@dataclass(frozen=True)
class Epoch:
    """One epoch: the cost of the rows for training at the weights of their steps, and that of the rows held out (or
    None)."""

    number: int
    cost: float
    validation: float | None

    @property
    def judged(self) -> float:
        """By which epochs are told better from worse."""
        return self.cost if self.validation is None else self.validation


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a fit gave.

    Attributes:
        parameters: those of the best epoch (or the last, if so set).
        best: the number of the best epoch.
        stopped: why it ended.
        findings: what was noticed on the way.
        divergence: where the numbers ran away, if they did.
    """

    plan: DensePlan
    parameters: Parameters
    epochs: tuple[Epoch, ...]
    best: int
    stopped: str
    seconds: float
    engine: str
    instruction_set: str
    findings: tuple[Finding, ...] = ()
    divergence: Divergence | None = None


Report = Callable[["Fitting"], object]  # called after each epoch; True stops


COSTS = {
    CLASSIFICATION: ("softmax_cross_entropy",),
    REGRESSION: ("mse", "sse", "mae", "huber", "poisson"),
}  # the first is taken where none is given


def check_cost(cost: str | None, task: str) -> None:
    """
    Raises:
        UsageError: a cost of something else.
    """
    if cost is not None and cost not in COSTS[task]:
        raise UsageError(f"`{cost}` is no cost of a {task}", expected=", ".join(COSTS[task]), got=f"`{cost}`")


def plan_for(preparation: Preparation, settings: Settings) -> DensePlan:
    """The network for a table."""
    classes = preparation.target.task == CLASSIFICATION
    cost = settings.cost or COSTS[preparation.target.task][0]
    outputs = len(preparation.target.classes) if classes else 1
    last = {"poisson": "softplus"}.get(cost, "linear")
    return dense_plan(len(preparation.inputs), outputs, cost, last, settings)


def dense_plan(inputs: int, outputs: int, cost: str, last: str, settings: Settings) -> DensePlan:
    """A network with the hidden layers of some settings."""
    hidden = (
        DenseLayer(n, activation, dropout=settings.dropout)
        for n, activation in zip(settings.layers, settings.activations, strict=True)
    )
    return DensePlan(
        inputs, (*hidden, DenseLayer(outputs, last)), cost, settings.cost_setting, rule=settings.rule,
        rate=settings.rate, settings=settings.numbers, decay=settings.decay, seed=settings.seed,
    )  # fmt: skip


def starting_parameters(plan: DensePlan, random: np.random.Generator, start: str = FAN_IN) -> Parameters:
    """The weights that training begins with.

    Args:
        start: `fan-in`: weights and biases drawn evenly from ±1/√k, k being the units that a layer takes (LeCun et al.,
            Efficient BackProp, 1998, a little smaller; PyTorch's as well). `he`: weights normal with variance 2/k (He
            et al., 2015). `glorot`: normal with variance 2/(k + n), n being the layer's own units (Glorot & Bengio,
            2010). Biases of the last two are 0.
    Raises:
        UsageError: another word.
    """
    if start not in STARTS:
        raise UsageError(f"there is no start `{start}`", expected=", ".join(STARTS))
    found = []
    for k, n in pairwise(plan.sizes):
        if start == FAN_IN:
            edge = 1 / np.sqrt(k)
            found.append((random.uniform(-edge, edge, (n, k)), random.uniform(-edge, edge, n)))
        else:
            spread = np.sqrt(2 / k if start == HE else 2 / (k + n))
            found.append((random.standard_normal((n, k)) * spread, np.zeros(n)))
    return found


class Fitting:
    """A network that is being fitted.

    Args:
        x, y: all rows, as `Preparation` makes them.
        training, held_out: which rows are for what; held_out may be empty.
        weights: what each row counts; their mean over the rows for training should be 1.
        start: the first parameters; drawn by the seed where there are none.
        dtype, threads, instruction_set: as for `open_engine`.
    """

    def __init__(
        self, plan: DensePlan, settings: Settings, x: Array, y: Array, training: Array, held_out: Array, *,
        weights: Array | None = None, start: Parameters | None = None, dtype: str = "float32",
        threads: int | None = None, instruction_set: str | None = None,
    ) -> None:  # fmt: skip
        self.plan, self.settings = plan, settings
        self.x, self.y, self.training, self.held_out, self.weights = x, y, training, held_out, weights
        self.engine: DenseEngine = open_engine(plan, dtype, threads, instruction_set)
        self.engine.put(start if start is not None else starting_parameters(plan, self._random(0), settings.start))
        self.epochs = list[Epoch]()
        self.best, self.kept = 0, self.engine.get()
        self.seconds = 0.0
        self.findings = list[Finding]()
        self.sample = self._random(1 << 32).permutation(training)[:SAMPLE]
        self.highest = EXPLODED * max(self.cost_of(self.sample), 1.0)
        self.snapshot = 0, self.kept, self.engine.get_state()
        self._snapped, self._snapshot_took = time.perf_counter(), 0.0

    def _random(self, number: int) -> np.random.Generator:
        return np.random.default_rng([self.settings.seed, number])

    @property
    def number(self) -> int:
        """How many epochs are done."""
        return len(self.epochs)

    @property
    def rows(self) -> int:
        return len(self.training)

    def order(self, epoch: int) -> Array:
        """The rows of an epoch (from 1), in its order."""
        return self._random(epoch).permutation(self.training) if self.settings.shuffle else self.training

    def cost_of(self, rows: Array) -> float:
        """The cost of some rows now, nothing dropped."""
        own = self.engine.costs(self.x, self.y, rows)
        with np.errstate(invalid="ignore"):
            return float((own if self.weights is None else own * self.weights[rows]).mean())

    def train(self, rows: Array) -> float:
        """Steps over some rows, in batches as they stand."""
        batch = self.settings.batch
        return float(self.engine.train(self.x, self.y, batch=batch, order=rows, row_weights=self.weights)[0])

    def work_epoch(self) -> Epoch:
        """One more epoch.

        Raises:
            NumberError: the numbers ran away; `locate` finds where.
        """
        began = time.perf_counter()
        number, order = self.number + 1, self.order(self.number + 1)
        looked = self._looks_closely(number) and len(order) > (self.settings.batch or len(order))
        last = len(order) % (self.settings.batch or 1) or (self.settings.batch or 1)
        if looked:  # the last step by itself, to see what it does to the weights
            cost = self.train(order[:-last]) * (len(order) - last)
            before = self.engine.get()
            cost = (cost + self.train(order[-last:]) * last) / len(order)
        else:
            cost = self.train(order)
        validation = self.cost_of(self.held_out) if len(self.held_out) else None
        if not (cost <= self.highest and (validation is None or np.isfinite(validation))):
            raise NumberError(f"the cost is {cost:.6g} in epoch {number}")
        if looked:
            told = {finding.key for finding in self.findings}
            found = diagnose(self.plan, before, self.engine, self.x[self.sample], self.y[self.sample])
            self.findings += [finding for finding in found if finding.key not in told]
        self.epochs.append(Epoch(number, cost, validation))
        self._keep()
        self.seconds += time.perf_counter() - began
        return self.epochs[-1]

    @staticmethod
    def _looks_closely(number: int) -> bool:
        """Epochs 1, 2, 5, 10, 20, 50, …"""
        return str(number).rstrip("0") in ("1", "2", "5")

    def _keep(self) -> None:
        now = self.epochs[-1]
        best = self.epochs[self.best - 1].judged if self.best else np.inf
        if now.judged < best - self.settings.tolerance:
            self.best, self.kept = now.number, self.engine.get()
        start = time.perf_counter()
        if start - self._snapped > SNAPSHOT * self._snapshot_took:
            parameters = self.engine.get()
            if all(np.isfinite(a).all() for pair in parameters for a in pair):
                self.snapshot = now.number, parameters, self.engine.get_state()
            self._snapped = time.perf_counter()
            self._snapshot_took = self._snapped - start

    def rewind(self) -> None:
        """Brings the engine, wherever it stands, to the end of the last epoch that was done."""
        done, parameters, (letters, count) = self.snapshot
        self.engine.put(parameters)
        self.engine.put_state(letters, count)
        for number in range(done + 1, self.number + 1):
            self.train(self.order(number))

    @property
    def waited(self) -> int:
        """Epochs since the best."""
        return self.number - self.best

    def result(self, stopped: str, divergence: Divergence | None = None) -> Fitted:
        whole = self.kept if self.settings.keep_best or divergence else self.engine.get()
        name = getattr(self.engine, "instruction_set", NUMPY)
        return Fitted(
            self.plan, whole, tuple(self.epochs), self.best, stopped, self.seconds, self.engine.name, name,
            tuple(self.findings), divergence,
        )  # fmt: skip


def fit(fitting: Fitting, report: Report | None = None) -> Fitted:
    """Trains until the epochs are done, patience ends, or the numbers run away.

    Raises:
        NumberError: they run away in the first epoch, with the step, the layer and the row; later, the best weights are
            kept and it is said.
    """
    settings = fitting.settings
    while fitting.number < settings.epochs:
        if fitting.best and fitting.waited >= settings.patience:
            what = "validation cost" if len(fitting.held_out) else "cost"
            return fitting.result(f"{settings.patience} epochs without a lower {what}")
        try:
            fitting.work_epoch()
        except NumberError:
            found = locate(fitting)
            if not fitting.best:
                raise NumberError(found.said(), hint="a smaller rate, or --rate find") from None
            return fitting.result(found.said(), found)
        if report and report(fitting) is True:
            return fitting.result("stopped")
        if settings.until is not None and fitting.epochs[-1].judged <= settings.until:
            return fitting.result(f"the cost is at most {settings.until:g}")
    return fitting.result(f"after {settings.epochs} epochs")
