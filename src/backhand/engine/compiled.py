"""The compiled engine: its library, and a network in it. The C interface is `native/engine.h`."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import numpy as np

from ..errors import NumberError, UsageError
from .dense import (
    COSTS,
    DensePlan,
    Matrix,
    Parameters,
    Progress,
    check_steps,
    checked_order,
    checked_parameters,
    checked_rows,
    checked_weights,
    numbers_of,
)

INTERFACE = 7
ACTIVATIONS = (
    "linear", "sigmoid", "tanh", "relu", "leaky", "elu", "selu", "gelu", "silu", "softplus", "step", "softmax",
)  # fmt: skip
_COSTS = (*COSTS, "sigmoid_cross_entropy")
RULES = ("gradient", "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")
MOST_THREADS = 256
LONG_STEP = 1e9  # weights times rows of a step, above which it may take longer than a second
SLICE = 0.2  # seconds at a time in the library, so that Ctrl-C is answered
_NAMES = ("libbackhand.so", "libbackhand.dylib", "backhand.dll")
_V, _I, _I64, _D = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_double
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "backhand_interface": (_I, []),
    "backhand_sets": (ctypes.c_char_p, []),
    "backhand_limit": (_D, [_I, ctypes.c_char_p, _I]),
    "backhand_new": (_V, [_I, ctypes.c_char_p, _I, _V, _V, _I, _V, _V, _I, _D, _D, ctypes.c_uint64]),
    "backhand_free": (None, [_V]),
    "backhand_rule": (None, [_V, _I, _D, _V, _D, _I64]),
    "backhand_count": (_I64, [_V]),
    "backhand_put": (None, [_V, _I, _I, _V, _V]),
    "backhand_get": (None, [_V, _I, _I, _V, _V]),
    "backhand_train": (_I64, [_V, _V, _V, _V, _V, _V, _I64, _I64, _I, _I64, _I64, _D, _I, _V, _V]),
    "backhand_predict": (_I, [_V, _V, _I64, _I64, _I, _V]),
    "backhand_costs": (_I, [_V, _V, _V, _V, _V, _I64, _I64, _I, _V]),
    "backhand_row_gradients": (_I, [_V, _V, _V, _V, _I64, _I64, _I, _I64, _V]),
    "backhand_graph_train": (_I, [_I, ctypes.c_char_p, _V, _V]),
    "backhand_graph_predict": (_I, [_I, ctypes.c_char_p, _V, _V, _V, _I, _V]),
}


class Work(ctypes.Structure):
    """`backhand_work` of native/engine.h."""

    _fields_ = (
        ("data", _V), ("order", _V), ("rows", _I64), ("batch", _I64), ("mean", ctypes.c_int32),
        ("rule", ctypes.c_int32), ("rate", _D), ("numbers", _D * 4), ("count", _I64), ("first", _I64),
        ("steps", _I64), ("networks", _I64), ("parameters", _V), ("state", _V * 2), ("costs", _V), ("gradients", _V),
        ("threads", ctypes.c_int32), ("from_", _I64), ("to", _I64),
    )  # fmt: skip


@cache
def library() -> ctypes.CDLL | None:
    """The compiled library; None where it was not built, or is another version's.

    The variable BACKHAND_ENGINE names another file to take (a build with sanitizers), or `numpy` for none.
    """
    folder, wish = Path(__file__).with_name("native"), os.environ.get("BACKHAND_ENGINE", "")
    for path in [Path(wish)] if wish else [folder / name for name in _NAMES]:
        if not path.is_file():
            continue
        try:
            found = ctypes.CDLL(str(path.resolve()))
            for function, (result, arguments) in _FUNCTIONS.items():
                getattr(found, function).restype, getattr(found, function).argtypes = result, arguments
        except (OSError, AttributeError):
            return None
        return found if found.backhand_interface() == INTERFACE else None
    return None


def instruction_sets() -> tuple[str, ...]:
    """The instruction sets that the library and this machine have, the best first."""
    found = library()
    return tuple(found.backhand_sets().decode().split()) if found else ()


def limit(dtype: str = "float32", threads: int = 1, instruction_set: str | None = None) -> float:
    """Operations a second that this machine can do at most, measured: a multiply-add counts as two."""
    found = library()
    if found is None:
        return 0.0
    kind, count, name = checked_choices(dtype, threads, instruction_set)
    return float(found.backhand_limit(kind.itemsize, name.encode(), count))


MEND = (
    "with a C++ compiler at hand (Debian: apt install g++)"
    " `pip install --force-reinstall --no-deps --no-binary backhand backhand` builds it"
)


def missing_library(what: str) -> UsageError:
    """What is said where only the compiled engine would do."""
    return UsageError(what, hint=MEND)


def checked_choices(dtype: str, threads: int | None, instruction_set: str | None) -> tuple[np.dtype[Any], int, str]:
    """The type of the numbers, how many threads, which instruction set: the variable BACKHAND_SET's or the best.

    Raises:
        UsageError: what this machine or the engine does not have.
    """
    sets = instruction_sets()
    chosen = instruction_set or os.environ.get("BACKHAND_SET") or sets[0]
    if chosen not in sets:
        raise UsageError("this machine lacks an instruction set", expected=", ".join(sets), got=chosen)
    if dtype not in ("float32", "float64", np.float32, np.float64, np.dtype("float32"), np.dtype("float64")):
        raise UsageError("numbers are float32 or float64", expected="float32, float64", got=str(dtype))
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        raise UsageError("so many threads cannot be had", expected=f"1 to {MOST_THREADS}", got=str(threads))
    return np.dtype(dtype), threads or min(cores(), MOST_THREADS), chosen


def cores() -> int:
    """How many cores this process may use: a container may give it a share of them only."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return found if quota == "max" else max(1, min(found, int(quota) // int(period)))
    except (OSError, ValueError):
        return found


class CompiledNet:
    """A dense network in the compiled engine.

    Args:
        dtype: float32 or float64.
        threads: at most so many; results are the same bits for any number.
        instruction_set: one of `instruction_sets()`; the best by default. Bits are promised for each.
    Raises:
        UsageError: no library, an unknown set or type.
        MemoryError: there is not enough memory.
    """

    def __init__(
        self, plan: DensePlan, dtype: str = "float32", threads: int | None = None, instruction_set: str | None = None
    ) -> None:
        found = library()
        if found is None:
            raise missing_library("the compiled engine is not here")
        self.dtype, self.threads, self.instruction_set = checked_choices(dtype, threads, instruction_set)
        self.plan = plan
        self.name = f"compiled, {self.instruction_set}, {self.dtype}"
        self._library, self._lock = found, Lock()
        sizes = np.array(plan.sizes, np.int32)
        last, cost = plan.end
        names = [*(y.activation for y in plan.layers[:-1]), last]
        activations = np.array([ACTIVATIONS.index(name) for name in names], np.int32)
        settings = np.array([plan.setting(y) for y in plan.layers])
        dropouts = np.array([y.dropout for y in plan.layers])
        self._net = found.backhand_new(
            self.dtype.itemsize, self.instruction_set.encode(), len(plan.layers), _at(sizes), _at(activations),
            ACTIVATIONS.index(plan.layers[-1].activation), _at(settings), _at(dropouts), _COSTS.index(cost),
            plan.cost_setting, plan.cost_factor, plan.seed,
        )  # fmt: skip
        if not self._net:
            raise MemoryError(f"no room for a network of {plan.weight_count:,} weights")
        self._rule(0)

    def __del__(self) -> None:
        if getattr(self, "_net", None):
            self._library.backhand_free(self._net)

    def _rule(self, count: int, rule: str | None = None) -> None:
        numbers = np.zeros(4)
        numbers[: len(self.plan.numbers)] = numbers_of(self.plan.rule, self.plan.numbers, self.dtype)
        number = RULES.index(rule or self.plan.rule)
        self._library.backhand_rule(self._net, number, self.plan.rate, _at(numbers), self.plan.decay, count)

    def _put(self, what: int, parameters: Parameters) -> None:
        for layer, (weights, biases) in enumerate(checked_parameters(self.plan, parameters, self.dtype)):
            self._library.backhand_put(self._net, what, layer, _at(weights), _at(biases))

    def _get(self, what: int) -> Parameters:
        found = []
        for layer, (k, n) in enumerate(zip(self.plan.sizes[:-1], self.plan.sizes[1:], strict=True)):
            weights, biases = np.empty((n, k), self.dtype), np.empty(n, self.dtype)
            self._library.backhand_get(self._net, what, layer, _at(weights), _at(biases))
            found.append((weights, biases))
        return found

    def put(self, parameters: Parameters) -> None:
        self._put(0, parameters)
        nothing = [(np.zeros_like(w), np.zeros_like(b)) for w, b in self._get(0)]
        self.put_state([nothing] * self.plan.states, 0)

    def get(self) -> Parameters:
        return self._get(0)

    def get_state(self) -> tuple[list[Parameters], int]:
        return [self._get(1 + k) for k in range(self.plan.states)], self._library.backhand_count(self._net)

    def put_state(self, state: Sequence[Parameters], count: int) -> None:
        if len(state) != self.plan.states:
            raise UsageError(f"`{self.plan.rule}` keeps {self.plan.states} letters", got=str(len(state)))
        self._rule(count)
        for k, parameters in enumerate(state):
            self._put(1 + k, parameters)

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
        taken = checked_order(order, len(x))
        check_steps(batch, epochs)
        rows = len(taken) if taken is not None else len(x)
        counted = checked_weights(row_weights, len(x), self.dtype)
        if not rows or not epochs:
            return np.zeros(epochs)
        costs = np.zeros(epochs)
        steps, step, reported = -(-rows // (batch or rows)), 0, 0
        while step < epochs * steps:
            step = self._some(x, y, counted, taken, batch or rows, epochs, step, costs)
            done = step // steps
            if not np.isfinite(costs[: done + 1]).all():
                at = int(np.flatnonzero(~np.isfinite(costs))[0])
                raise NumberError(f"the cost is {costs[at]} in epoch {at + 1}", hint="a smaller rate, or scaled inputs")
            if progress and done > reported:
                reported = done
                progress(done, epochs, float(costs[done - 1]) / (rows if self.plan.mean else 1))
        return costs / rows if self.plan.mean else costs

    def _some(
        self, x: Matrix, y: Matrix, weights: Matrix | None, order: Matrix | None, batch: int, epochs: int, step: int,
        costs: Matrix,
    ) -> int:  # fmt: skip
        """Trains for a while from a step on; gives the step to go on with."""
        classes = y.dtype == np.int32 and y.ndim == 1
        rows = len(order) if order is not None else len(x)
        stop = ctypes.c_int32(0)

        def work() -> int:
            return int(self._library.backhand_train(
                self._net, _at(x), None if classes else _at(y), _at(y) if classes else None, _at(weights), _at(order),
                rows, batch, self.plan.mean, epochs, step, SLICE, self.threads, _at(costs), ctypes.addressof(stop),
            ))  # fmt: skip

        with self._lock:  # the interpreter's own is not held meanwhile
            long = self.plan.weight_count * min(batch, rows) > LONG_STEP
            done = _interruptible(work, stop) if long else work()
        if done < 0:
            raise MemoryError(f"no room for {batch:,} rows at a time")
        return int(done)

    def gradients(self, inputs: Matrix, targets: Matrix, row_weights: Matrix | None = None) -> tuple[Parameters, float]:
        x, y = checked_rows(self.plan, inputs, targets, self.dtype)
        count, costs = self._library.backhand_count(self._net), np.zeros(1)
        counted = checked_weights(row_weights, len(x), self.dtype)
        if not len(x):
            return [(np.zeros_like(w), np.zeros_like(b)) for w, b in self.get()], 0.0
        self._rule(count, "gradient")
        try:
            self._some(x, y, counted, None, len(x), 1, 0, costs)
        finally:
            self._rule(count)
        return self._get(3), float(costs[0]) / (max(len(x), 1) if self.plan.mean else 1)

    def costs(self, inputs: Matrix, targets: Matrix, order: Matrix | None = None) -> Matrix:
        x, y = checked_rows(self.plan, inputs, targets, self.dtype)
        taken = checked_order(order, len(x))
        classes = y.dtype == np.int32 and y.ndim == 1
        out = np.empty(len(taken) if taken is not None else len(x))

        def some(start: int, stop: int) -> int:
            return int(self._library.backhand_costs(
                self._net, _at(x), None if classes else _at(y), _at(y) if classes else None, _at(taken), start, stop,
                self.threads, out[start:].ctypes.data,
            ))  # fmt: skip

        _in_parts(len(out), some)
        return out

    def row_gradients(self, inputs: Matrix, targets: Matrix) -> RowGradients:
        """Each row's own ∂L/∂(every parameter); nothing is worked before it is asked for."""
        return RowGradients(self, *checked_rows(self.plan, inputs, targets, self.dtype))

    def predict(self, inputs: Matrix) -> Matrix:
        x, _ = checked_rows(self.plan, inputs, None, self.dtype)
        out = np.empty((len(x), self.plan.sizes[-1]), self.dtype)
        predict = self._library.backhand_predict
        _in_parts(len(x), lambda start, stop: int(predict(self._net, _at(x), start, stop, self.threads, _at(out))))
        return out


def _interruptible(work: Callable[[], int], stop: ctypes.c_int32) -> int:
    """What takes long in one piece, in a thread of its own, so that Ctrl-C is answered: it is told to stop, and waited
    for."""
    found, over = list[int](), Event()

    def run() -> None:
        try:
            found.append(work())
        finally:
            over.set()

    thread = Thread(target=run)
    try:
        thread.start()
        while not over.wait(SLICE):
            pass
    except BaseException:
        stop.value = 1
        while thread.is_alive() and not over.wait(SLICE):  # no join: an interrupted one forgets a thread that lives
            pass
        raise
    return found[0]


def _in_parts(rows: int, work: Callable[[int, int], int]) -> None:
    """Rows `start` … `stop` - 1 at a time, in parts that take a while, so that Ctrl-C is answered."""
    start, size = 0, 1 << 16
    while start < rows:
        began, stop = time.monotonic(), min(rows, start + size)
        if work(start, stop):
            raise MemoryError(f"no room for the values of {stop - start:,} rows")
        start, size = stop, size * 4 if time.monotonic() - began < SLICE / 8 else size


class RowGradients:
    """The gradients of single rows at a network's present parameters, worked when they are asked for.

    Each layer's is an outer product δ aᵀ: many rows of them are much more to write than to know.
    """

    def __init__(self, net: CompiledNet, x: Matrix, y: Matrix) -> None:
        self.net, self.x, self.y = net, x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, row: int) -> Parameters:
        """One row's, layer by layer: ([to, from], [to])."""
        written = self.write(row=range(len(self))[row])[0]
        found, at = [], 0
        for k, n in zip(self.net.plan.sizes[:-1], self.net.plan.sizes[1:], strict=True):
            found.append((written[at : at + n * k].reshape(n, k), written[at + n * k : at + n * k + n]))
            at += n * k + n
        return found

    def write(self, out: Matrix | None = None, row: int | None = None) -> Matrix:
        """All rows' (or one's), [rows, parameters]: layer after layer the weights [to, from], then the biases.

        Args:
            out: what an earlier call gave, to be written over; new memory takes longer to get than to fill.
        """
        count, size = 1 if row is not None else len(self), self.net.plan.weight_count
        first = row or 0
        if out is None:  # rows begin on a boundary of 64 bytes, so that they may pass the cache by
            padded = -(-size // 16) * 16
            whole = np.empty(count * padded + 16, self.net.dtype)
            start = -(whole.ctypes.data // whole.itemsize) % 16
            out = whole[start : start + count * padded].reshape(count, padded)[:, :size]
        if out.shape != (count, size) or out.dtype != self.net.dtype or out.strides[1] != out.itemsize:
            raise UsageError("the gradients do not fit", expected=f"({count}, {size})", got=f"{out.shape}")
        classes = self.y.dtype == np.int32 and self.y.ndim == 1
        failed = self.net._library.backhand_row_gradients(
            self.net._net, _at(self.x), None if classes else _at(self.y), _at(self.y) if classes else None, first,
            first + count, self.net.threads, out.strides[0] // out.itemsize, _at(out),
        )  # fmt: skip
        if failed:
            raise MemoryError("no room for the rows of the gradients")
        return out


def _at(array: Matrix | None) -> int | None:
    return array.ctypes.data if array is not None else None
