"""Dense networks as plain data: what the fast engines take, and what a sheet's network is as such.

A plan is everything a fast engine must know to train: the layers, the cost, the update rule. Both fast engines, the
compiled one and the one in NumPy, have the same few methods (`DenseEngine`), so whatever trains does not care which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..errors import UsageError
from ..network.costs import NAMED
from ..ops.updates import RULES
from ..ops.vocabulary import ACTIVATION_NAMES

Matrix = np.ndarray[Any, Any]
Parameters = list[tuple[Matrix, Matrix]]  # a layer's weights [to, from], as in W @ x + b, and its biases [to]
Progress = Callable[[int, int, float], None]  # epochs done, epochs wanted, cost

COSTS = ("sse", "mse", "mae", "huber", "poisson", "binary_cross_entropy", "cross_entropy", "softmax_cross_entropy")
SETTINGS = {"leaky": 0.01, "elu": 1.0}  # what an activation's number is where none is given
MOST_UNITS = 1 << 24


@dataclass(frozen=True)
class DenseLayer:
    """One layer: a = f(W a_before + b).

    Attributes:
        units: how many.
        activation: its name in the vocabulary; softmax only in the last layer.
        setting: the number of leaky and elu.
        dropout: the share of its values that is dropped while training; the others are divided by what is left.
    """

    units: int
    activation: str = "linear"
    setting: float | None = None
    dropout: float = 0.0


@dataclass(frozen=True)
class DensePlan:
    """A dense network and how it is trained.

    Attributes:
        inputs: how many numbers come in.
        cost: a named cost of the sheet language, on the last layer's values.
        cost_setting: delta of huber.
        cost_factor: a constant before the cost.
        rule, rate, settings: the update, its numbers in the order of the sheet language; defaults fill up.
        decay: L2, decay·w is added to the gradient of every weight (not of biases).
        seed: of dropout.
    """

    inputs: int
    layers: tuple[DenseLayer, ...]
    cost: str = "mse"
    cost_setting: float = 1.0
    cost_factor: float = 1.0
    rule: str = "sgd"
    rate: float = 0.01
    settings: tuple[float, ...] = ()
    decay: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuses what no engine can work.

        Raises:
            UsageError: unknown names, numbers out of range.
        """
        known = {"activation": ACTIVATION_NAMES, "cost": COSTS, "rule": tuple(RULES)}
        for what, name in (
            ("cost", self.cost),
            ("rule", self.rule),
            *(("activation", y.activation) for y in self.layers),
        ):
            if name not in known[what]:
                raise UsageError(f"there is no {what} `{name}`", expected=", ".join(known[what]), got=f"`{name}`")
        if not self.layers:
            raise UsageError("a dense network has at least one layer", hint="DensePlan(2, (DenseLayer(1),))")
        for units in (self.inputs, *(y.units for y in self.layers)):
            if not 1 <= units <= MOST_UNITS:
                raise UsageError(f"a layer has {units} units", expected=f"1 to {MOST_UNITS:,}", got=str(units))
        for layer in self.layers[:-1]:
            if layer.activation == "softmax":
                raise UsageError("softmax stands in the last layer", hint="the reference engine takes it anywhere")
        if self.layers[-1].dropout:
            raise UsageError("the last layer's values are the network's own: none of them is dropped")
        for layer in self.layers:
            if not 0 <= layer.dropout < 1:
                raise UsageError(f"dropout is {layer.dropout:g}", expected="0 to below 1", got=f"{layer.dropout:g}")
        if len(self.settings) > len(RULES[self.rule].settings):
            raise UsageError(
                f"`{self.rule}` takes {len(RULES[self.rule].settings)} numbers", got=str(len(self.settings))
            )

    @property
    def sizes(self) -> tuple[int, ...]:
        return (self.inputs, *(layer.units for layer in self.layers))

    @property
    def end(self) -> tuple[str, str]:
        """The last activation and the cost as the engines train them. The cross entropies of sigmoid and softmax are
        worked from z: a probability that is rounded to 0 or 1 has no logarithm to go by."""
        named = self.layers[-1].activation, self.cost
        return {
            ("sigmoid", "binary_cross_entropy"): ("linear", "sigmoid_cross_entropy"),
            ("softmax", "cross_entropy"): ("linear", "softmax_cross_entropy"),
        }.get(named, named)

    @property
    def mean(self) -> bool:
        """Whether the cost is a mean over the rows of a batch, not their sum."""
        return NAMED[self.cost].reduction == "rowmean"

    @property
    def numbers(self) -> tuple[float, ...]:
        """All numbers of the update rule, defaults filled in."""
        named = RULES[self.rule].settings
        return (*self.settings, *(default for _, default in named[len(self.settings) :]))

    def setting(self, layer: DenseLayer) -> float:
        """The number of a layer's activation."""
        return layer.setting if layer.setting is not None else SETTINGS.get(layer.activation, 0.0)

    @property
    def states(self) -> int:
        """How many numbers the rule keeps for each parameter."""
        return len(RULES[self.rule].state)

    @property
    def weight_count(self) -> int:
        return sum(a * b + b for a, b in zip(self.sizes[:-1], self.sizes[1:], strict=True))


def numbers_of(rule: str, settings: Sequence[float], dtype: np.dtype[Any]) -> list[float]:
    """A rule's numbers for an engine. An ε of 0 becomes the smallest normal number, so that what has no gradient, as
    the empty places of a block have none, stays as it is instead of 0/0."""
    tiny = float(np.finfo(dtype).tiny)
    named = zip(RULES[rule].settings, settings, strict=False)
    return [tiny if letter == "ε" and value == 0 else value for (letter, _), value in named]


class DenseEngine(Protocol):
    """What a fast engine does. Rows are rows of matrices; targets are numbers, or classes as whole numbers from 0."""

    plan: DensePlan
    name: str

    def put(self, parameters: Parameters) -> None:
        """Sets the parameters; the state of the update rule begins anew."""

    def get(self) -> Parameters:
        """The parameters, as copies."""

    def get_state(self) -> tuple[list[Parameters], int]:
        """What the update rule keeps, each letter shaped like the parameters, and the updates so far."""

    def put_state(self, state: Sequence[Parameters], count: int) -> None:
        """Goes on with a state that was got before."""

    def train(
        self,
        inputs: Matrix,
        targets: Matrix,
        *,
        batch: int | None = None,
        epochs: int = 1,
        order: Matrix | None = None,
        row_weights: Matrix | None = None,
        progress: Progress | None = None,
    ) -> Matrix:
        """Trains; gives each epoch's cost, of each row at the weights of its step.

        Args:
            batch: rows of a step; None for all of them.
            order: the order in which rows are taken, the same in each epoch; None as they stand.
            row_weights: what each row counts.
        Raises:
            NumberError: a cost that is no longer finite.
        """

    def gradients(self, inputs: Matrix, targets: Matrix, row_weights: Matrix | None = None) -> tuple[Parameters, float]:
        """∂C/∂(every parameter) of these rows as one batch, and C (without the decay's part)."""

    def costs(self, inputs: Matrix, targets: Matrix, order: Matrix | None = None) -> Matrix:
        """Each row's own cost in float64, nothing dropped; `order` says which rows are meant."""

    def predict(self, inputs: Matrix) -> Matrix:
        """The last layer's values for each row."""


def checked_rows(
    plan: DensePlan, inputs: Matrix, targets: Matrix | None, dtype: np.dtype[Any]
) -> tuple[Matrix, Matrix]:
    """Inputs and targets as the engines take them: contiguous, of one type; classes as int32.

    Raises:
        UsageError: wrong shapes, classes out of range.
    """
    x = _of_type(inputs, dtype)
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or x.shape[1] != plan.inputs:
        raise UsageError("the inputs do not fit the network", expected=f"rows of {plan.inputs}", got=f"{inputs.shape}")
    if targets is None:
        return x, np.empty(0, dtype)
    t, units = np.asarray(targets), plan.sizes[-1]
    if t.ndim == 1 and t.dtype.kind in "iu" and plan.cost in ("softmax_cross_entropy", "cross_entropy"):
        if len(t) and not 0 <= t.min() <= t.max() < units:
            raise UsageError("a class has no output", expected=f"0 to {units - 1}", got=f"{t.min()} to {t.max()}")
        y = np.ascontiguousarray(t, np.int32)
    else:
        y = _of_type(t, dtype)
        y = y[:, None] if y.ndim == 1 else y
        if y.ndim != 2 or y.shape[1] != units:
            raise UsageError("the targets do not fit the network", expected=f"rows of {units}", got=f"{t.shape}")
    if len(y) != len(x):
        raise UsageError("there is not a target for each row", expected=f"{len(x)}", got=f"{len(y)}")
    return x, y


def checked_order(order: Matrix | None, rows: int) -> Matrix | None:
    """The order in which rows are taken, as int64.

    Raises:
        UsageError: it names rows that are not there.
    """
    if order is None:
        return None
    taken = np.ascontiguousarray(order, np.int64)
    if taken.ndim != 1 or (len(taken) and not 0 <= taken.min() <= taken.max() < rows):
        raise UsageError("the order names rows that are not there", expected=f"numbers from 0 to {rows - 1}")
    return taken


def checked_weights(weights: Matrix | None, rows: int, dtype: np.dtype[Any]) -> Matrix | None:
    """What each row counts.

    Raises:
        UsageError: there is not a number for each row.
    """
    if weights is None:
        return None
    found = _of_type(weights, dtype)
    if found.shape != (rows,):
        raise UsageError("there is not a weight for each row", expected=f"({rows},)", got=f"{found.shape}")
    return found


def check_steps(batch: int | None, epochs: int) -> None:
    """
    Raises:
        UsageError: a batch without rows, or fewer than no epochs.
    """
    if batch is not None and batch < 1:
        raise UsageError("a batch has at least one row", expected="1 or more", got=str(batch))
    if epochs < 0:
        raise UsageError("there are no such epochs", expected="0 or more", got=str(epochs))


def _of_type(values: Matrix, dtype: np.dtype[Any]) -> Matrix:
    with np.errstate(over="ignore"):  # too large for float32 is inf, which the cost will name
        return np.ascontiguousarray(values, dtype)


def checked_parameters(plan: DensePlan, parameters: Parameters, dtype: np.dtype[Any]) -> Parameters:
    """Copies of one type.

    Raises:
        UsageError: wrong shapes.
    """
    found = []
    shapes = [(n, k) for k, n in zip(plan.sizes[:-1], plan.sizes[1:], strict=True)]
    if len(parameters) != len(shapes):
        raise UsageError("there are not weights for each layer", expected=str(len(shapes)), got=str(len(parameters)))
    for (weights, biases), shape in zip(parameters, shapes, strict=True):
        w, b = np.array(weights, dtype, order="C"), np.array(biases, dtype, order="C")
        if w.shape != shape or b.shape != shape[:1]:
            raise UsageError(
                "weights of another size", expected=f"{shape} and {shape[:1]}", got=f"{w.shape} and {b.shape}"
            )
        found.append((w, b))
    return found
