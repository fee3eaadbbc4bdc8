"""The fast engine where no compiled one is at hand: the same formulas on whole matrices, one row an example."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..errors import NumberError
from ..ops.functions import SELU_ALPHA, SELU_SCALE
from .dense import (
    DenseLayer,
    DensePlan,
    Matrix,
    Parameters,
    Progress,
    check_steps,
    checked_order,
    checked_parameters,
    checked_rows,
    checked_weights,
)

_GOLDEN, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def _erfc(x: Matrix) -> Matrix:
    return np.asarray(np.vectorize(math.erfc, otypes=[np.float64])(x))


def activate(name: str, setting: float, z: Matrix) -> tuple[Matrix, Matrix]:
    """f(z) and f'(z). Formulas and conventions as in ops/functions.py."""
    one, below = np.ones_like(z), np.minimum(z, 0)
    match name:
        case "sigmoid":
            e = np.exp(-np.abs(z))
            a = np.where(z > 0, 1, e) / (1 + e)
            return a, a * (1 - a)
        case "tanh":
            a = np.tanh(z)
            return a, 1 - a * a
        case "relu":
            return np.maximum(z, 0), (z > 0).astype(z.dtype)
        case "leaky":
            slope = np.where(z > 0, one, z.dtype.type(setting))
            return z * slope, slope
        case "elu" | "selu":
            outer, inner = (SELU_SCALE, SELU_ALPHA) if name == "selu" else (1.0, setting)
            a = outer * np.where(z > 0, z, inner * np.expm1(below))
            return a, outer * np.where(z > 0, one, inner * np.exp(below))
        case "gelu":
            phi = (0.5 * _erfc(-z / np.sqrt(2))).astype(z.dtype)
            return z * phi, phi + z * np.exp(-z * z / 2) / z.dtype.type(np.sqrt(2 * np.pi))
        case "silu":
            s, _ = activate("sigmoid", 0, z)
            return z * s, s * (1 + z * (1 - s))
        case "softplus":
            return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))), activate("sigmoid", 0, z)[0]
        case "step":
            return (z > 0).astype(z.dtype), np.zeros_like(z)
    return z, one


def _mixed(x: Matrix) -> Matrix:
    """splitmix64, as in native/activation.h."""
    x = x + _GOLDEN
    x = (x ^ (x >> np.uint64(30))) * _FIRST
    x = (x ^ (x >> np.uint64(27))) * _SECOND
    return np.asarray(x ^ (x >> np.uint64(31)))


def kept(seed: int, step: int, layer: int, rows: Matrix, units: int, dropout: float) -> Matrix:
    """1/(1 - dropout) where a value stays, 0 where it is dropped, [rows, units]: the masks of the compiled engine."""
    with np.errstate(over="ignore"):
        place = np.uint64(layer) << np.uint64(32) ^ np.arange(units, dtype=np.uint64)
        x = _mixed(place[None] ^ _mixed(rows.astype(np.uint64))[:, None])
        x = _mixed(np.uint64(seed) ^ _mixed(np.uint64(step) ^ x))
    return np.where((x >> np.uint64(11)) * 2.0**-53 < dropout, 0.0, 1 / (1 - dropout))


def _forward(plan: DensePlan, layer: DenseLayer, z: Matrix) -> tuple[Matrix, Matrix]:
    """f(z) and f'(z) of a layer, in z's type."""
    with np.errstate(all="ignore"):
        if layer.activation == "softmax":
            raised = np.exp(z - z.max(axis=1, keepdims=True))
            return raised / raised.sum(axis=1, keepdims=True), np.ones_like(z)
        a, slope = activate(layer.activation, plan.setting(layer), z)
    return a.astype(z.dtype, copy=False), slope.astype(z.dtype, copy=False)


@np.errstate(all="ignore")
def layer_values(plan: DensePlan, parameters: Parameters, x: Matrix) -> list[Matrix]:
    """The values of each layer for some rows, [row, unit], nothing dropped."""
    found = []
    for (weights, biases), layer in zip(parameters, plan.layers, strict=True):
        x = _forward(plan, layer, x @ weights.T + biases)[0]
        found.append(x)
    return found


class NumpyNet:
    """A dense network in NumPy; see `DenseEngine`."""

    def __init__(self, plan: DensePlan, dtype: str = "float32") -> None:
        self.plan, self.dtype = plan, np.dtype(dtype)
        self.name = f"NumPy, {self.dtype}"
        shapes = [(n, k) for k, n in zip(plan.sizes[:-1], plan.sizes[1:], strict=True)]
        self.put([(np.zeros(shape, dtype), np.zeros(shape[0], dtype)) for shape in shapes])

    def put(self, parameters: Parameters) -> None:
        self._parameters = checked_parameters(self.plan, parameters, self.dtype)
        self._state = [
            [(np.zeros_like(w), np.zeros_like(b)) for w, b in self._parameters] for _ in range(self.plan.states)
        ]
        self._count = 0

    def get(self) -> Parameters:
        return [(w.copy(), b.copy()) for w, b in self._parameters]

    def get_state(self) -> tuple[list[Parameters], int]:
        return [[(w.copy(), b.copy()) for w, b in letter] for letter in self._state], self._count

    def put_state(self, state: Sequence[Parameters], count: int) -> None:
        self._state = [checked_parameters(self.plan, letter, self.dtype) for letter in state]
        self._count = count

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
        x, y = checked_rows(self.plan, inputs, targets, self.dtype)
        check_steps(batch, epochs)
        given = checked_order(order, len(x))
        row_weights = checked_weights(row_weights, len(x), self.dtype)
        taken = given if given is not None else np.arange(len(x))
        costs, size = np.zeros(epochs), batch or max(len(taken), 1)
        for epoch in range(epochs):
            for start in range(0, len(taken), size):
                rows = taken[start : start + size]
                weights = row_weights[rows] if row_weights is not None else None
                self._count += 1
                found, cost = self._pass(x[rows], y[rows], weights, rows)
                self._update(found)
                costs[epoch] += cost
            if not np.isfinite(costs[epoch]):
                raise NumberError(
                    f"the cost is {costs[epoch]} in epoch {epoch + 1}", hint="a smaller rate, or scaled inputs"
                )
            if progress:
                progress(epoch + 1, epochs, float(costs[epoch]) / (len(taken) if self.plan.mean else 1))
        return costs / len(taken) if self.plan.mean and len(taken) else costs

    def gradients(self, inputs: Matrix, targets: Matrix, row_weights: Matrix | None = None) -> tuple[Parameters, float]:
        x, y = checked_rows(self.plan, inputs, targets, self.dtype)
        found, cost = self._pass(x, y, checked_weights(row_weights, len(x), self.dtype), None)
        return found, cost / (max(len(x), 1) if self.plan.mean else 1)

    @np.errstate(all="ignore")
    def costs(self, inputs: Matrix, targets: Matrix, order: Matrix | None = None) -> Matrix:
        x, y = checked_rows(self.plan, inputs, targets, self.dtype)
        taken = checked_order(order, len(x))
        x, y = (x, y) if taken is None else (x[taken], y[taken])
        last, cost = self.plan.end
        for (w, b), layer in zip(self._parameters, self._layers(last), strict=True):
            x, slope = _forward(self.plan, layer, x @ w.T + b)
        return np.asarray(self._cost(cost, last, x, slope, y)[0] * self.plan.cost_factor)

    def _layers(self, last: str) -> list[DenseLayer]:
        """The layers, the last one with another activation."""
        return [*self.plan.layers[:-1], replace(self.plan.layers[-1], activation=last)]

    def predict(self, inputs: Matrix) -> Matrix:
        x, _ = checked_rows(self.plan, inputs, None, self.dtype)
        return layer_values(self.plan, self._parameters, x)[-1]

    @np.errstate(all="ignore")  # a cost that is not finite says so itself
    def _pass(self, x: Matrix, y: Matrix, weights: Matrix | None, rows: Matrix | None) -> tuple[Parameters, float]:
        """The gradients of a batch and the sum of its rows' own costs. `rows`, where dropout is on: which they are."""
        values, slopes = [x], []
        last, cost = self.plan.end
        for number, ((w, b), layer) in enumerate(zip(self._parameters, self._layers(last), strict=True)):
            a, slope = _forward(self.plan, layer, values[-1] @ w.T + b)
            if rows is not None and layer.dropout:
                mask = kept(self.plan.seed, self._count, number, rows, layer.units, layer.dropout).astype(self.dtype)
                a, slope = a * mask, slope * mask
            values.append(a)
            slopes.append(slope)
        own, delta = self._cost(cost, last, values[-1], slopes[-1], y)
        scale = np.full(len(x), self.plan.cost_factor) if weights is None else weights * self.plan.cost_factor
        delta = delta * (scale / (len(x) if self.plan.mean else 1)).astype(self.dtype)[:, None]
        found: Parameters = []
        for number in range(len(values) - 1, 0, -1):
            w, _ = self._parameters[number - 1]
            gradient = delta.T @ values[number - 1]
            if self.plan.decay:
                gradient = gradient + self.dtype.type(self.plan.decay) * w
            found.append((gradient, delta.sum(axis=0)))
            if number > 1:
                delta = (delta @ w) * slopes[number - 2]
        return found[::-1], float((own * scale).sum())

    def _cost(self, cost: str, activation: str, a: Matrix, slope: Matrix, y: Matrix) -> tuple[Matrix, Matrix]:
        """Each row's own cost and ∂/∂z of it."""
        t = np.eye(a.shape[1], dtype=self.dtype)[y] if y.ndim == 1 else y
        if cost == "softmax_cross_entropy":
            shifted = a - a.max(axis=1, keepdims=True)
            p = np.exp(shifted)
            total = p.sum(axis=1, keepdims=True, dtype=np.float64)
            own = -np.where(t != 0, t * (shifted - np.log(total)), 0).sum(axis=1)
            return own, (p / total * t.sum(axis=1, keepdims=True) - t).astype(self.dtype) * slope
        if cost == "sigmoid_cross_entropy":
            z = a.astype(np.float64)
            small = np.exp(-np.abs(z))  # which never overflows
            own = np.maximum(z, 0) - t * z + np.log1p(small)
            return own.sum(axis=1), (np.where(z >= 0, 1, small) / (1 + small) - t).astype(self.dtype)
        own, delta = _COSTS[cost](a, t, self.plan.cost_setting)
        own = own.astype(np.float64).sum(axis=1)
        if cost in ("mse", "mae", "huber", "poisson"):
            own, delta = own / a.shape[1], delta / a.shape[1]
        if activation == "softmax":
            return own, (a * (delta - (a * delta).sum(axis=1, keepdims=True))).astype(self.dtype)
        return own, (delta * slope).astype(self.dtype)

    def _update(self, gradients: Parameters) -> None:
        """One update; formulas as in ops/updates.py."""
        plan, t = self.plan, self._count
        rate, numbers = plan.rate, plan.numbers
        for k, pair in enumerate(self._parameters):
            for i, w in enumerate(pair):
                g, state = gradients[k][i], [letter[k][i] for letter in self._state]
                match plan.rule:
                    case "sgd":
                        w -= rate * g
                    case "momentum" | "nesterov":
                        state[0][...] = numbers[0] * state[0] - rate * g
                        w += state[0] if plan.rule == "momentum" else numbers[0] * state[0] - rate * g
                    case "adagrad":
                        state[0] += g * g
                        w -= rate * g / (np.sqrt(state[0]) + numbers[0])
                    case "rmsprop":
                        state[0][...] = numbers[0] * state[0] + (1 - numbers[0]) * g * g
                        w -= rate * g / (np.sqrt(state[0]) + numbers[1])
                    case "adam" | "adamw":
                        shrink, beta1, beta2, eps = numbers if plan.rule == "adamw" else (0.0, *numbers)
                        state[0][...] = beta1 * state[0] + (1 - beta1) * g
                        state[1][...] = beta2 * state[1] + (1 - beta2) * g * g
                        step = rate * (state[0] / (1 - beta1**t)) / (np.sqrt(state[1] / (1 - beta2**t)) + eps)
                        w -= step + rate * shrink * w


def _huber(a: Matrix, t: Matrix, edge: float) -> tuple[Matrix, Matrix]:
    e = a - t
    size = np.abs(e)
    return np.where(size <= edge, e * e / 2, edge * (size - edge / 2)), np.where(size <= edge, e, edge * np.sign(e))


_COSTS: dict[str, Callable[[Matrix, Matrix, float], tuple[Matrix, Matrix]]] = {
    "sse": lambda a, t, s: ((a - t) ** 2, 2 * (a - t)),
    "mse": lambda a, t, s: ((a - t) ** 2, 2 * (a - t)),
    "mae": lambda a, t, s: (np.abs(a - t), np.sign(a - t)),
    "huber": _huber,
    "poisson": lambda a, t, s: (a - t * np.log(a), 1 - t / a),
    "binary_cross_entropy": lambda a, t, s: (-t * np.log(a) - (1 - t) * np.log1p(-a), (1 - t) / (1 - a) - t / a),
    "cross_entropy": lambda a, t, s: (-t * np.log(a), -t / a),
}
