"""Other libraries' models in Python: `bh.from_torch(module, x, y, loss).show()`, `bh.from_sklearn(model, x, y)`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UsageError
from ..exchange.foreign import Vector, Writer, one_hot, with_rows
from .sheets import Sheet

Array = np.ndarray[Any, Any]


def from_torch(
    module: Any, x: Any = None, y: Any = None, loss: Any = None, *, rate: float | None = None, inputs: int | None = None
) -> Sheet:
    """A PyTorch module in evaluation as a sheet, in the module's own names: any whose `forward` torch.fx can follow.

    Args:
        x, y: rows to work it on: [row, input], and [row, output] or classes; both or neither.
        loss: of PyTorch, such as `nn.MSELoss()`; with y.
        rate: of a step of gradient descent; without one nothing is updated.
        inputs: how many numbers go in, where neither rows nor a linear layer tell it.
    Raises:
        UsageError: what cannot be carried, by name; DataError: rows that do not fit.
    """
    from ..exchange.torch_modules import torch_cost, write_torch

    if (y is None) != (loss is None):
        raise UsageError("targets and a loss go together", expected="from_torch(module, x, y, torch.nn.MSELoss())")
    rows = _array(x) if x is not None else None
    writer, output = write_torch(module, inputs if rows is None else rows.shape[-1])
    if y is None:
        return _sheet(writer, output, None, rows, None, rate)
    cost, of_classes = torch_cost(loss, output)
    found = _array(y)
    classes = of_classes and found.ndim == 1 and found.dtype.kind in "iu"
    targets = one_hot(found, output.size) if classes else found.reshape(len(found), -1)
    return _sheet(writer, output, cost, rows, targets, rate)


def from_sklearn(model: Any, x: Any = None, y: Any = None, *, rate: float | None = None) -> Sheet:
    """A fitted estimator of scikit-learn as a sheet: multilayer perceptrons, linear models, a scaler before them.

    Args:
        x, y: rows to work it on; the cost is the estimator's own, without its penalty.
        rate: of a step of gradient descent; without one nothing is updated.
    Raises:
        UsageError: what cannot be carried, by name; DataError: rows that do not fit.
    """
    from ..exchange.sklearn_models import sklearn_cost, sklearn_targets, write_sklearn

    writer, output = write_sklearn(model)
    rows = _array(x) if x is not None else None
    if y is None:
        return _sheet(writer, output, None, rows, None, rate)
    return _sheet(writer, output, sklearn_cost(model, output), rows, sklearn_targets(model, y, output), rate)


def from_onnx(
    path: str | Path, x: Any = None, y: Any = None, cost: str | None = None, *, rate: float | None = None
) -> Sheet:
    """An ONNX file as a sheet: a graph of dense layers, activations, sums and products, in its own names.

    Args:
        x, y: rows to work it on. cost: its name, such as "mse"; with y.
        rate: of a step of gradient descent; without one nothing is updated.
    Raises:
        UsageError: what cannot be carried, by name; DataError: a damaged file, or rows that do not fit.
    """
    from ..exchange.onnx_read import write_onnx

    return _with_cost(*write_onnx(Path(path)), x, y, cost, rate)


def to_onnx(sheet: Sheet) -> bytes:
    """A sheet's network as an ONNX file, forward in float32, under the sheet's names.

    Raises:
        UsageError: what has no form in ONNX, by name.
    """
    from ..exchange import onnx_write

    return onnx_write.to_onnx(sheet.problem)


def from_weights(
    source: Any,
    activation: str | Sequence[str] = "relu",
    output: str = "linear",
    x: Any = None,
    y: Any = None,
    cost: str | None = None,
    *,
    rate: float | None = None,
) -> Sheet:
    """A chain of dense layers from its weights alone: arrays, a state dict, a parameter tree of JAX, or a file.

    Args:
        source: (weights, biases) of each layer, a row per unit; or a flat or nested mapping with `weight` (a row per
            unit) or `kernel` (a column per unit) and `bias` of each layer, in order; or a .safetensors or .npz file.
        activation: of every hidden layer, or one for each. output: of the last one.
        x, y: rows to work it on. cost: its name, such as "mse"; with y.
        rate: of a step of gradient descent; without one nothing is updated.
    Raises:
        UsageError, DataError: what is no chain of dense layers, or rows that do not fit, with the reason.
    """
    from ..exchange.weights import write_weights

    return _with_cost(*write_weights(source, activation, output), x, y, cost, rate)


def _with_cost(writer: Writer, vector: Vector, x: Any, y: Any, cost: str | None, rate: float | None) -> Sheet:
    """With rows, and a cost by its name."""
    from ..network.costs import NAMED

    if (y is None) != (cost is None):
        raise UsageError("targets and a cost go together", expected='y, and cost="mse"')
    if cost is not None and (cost not in NAMED or len(NAMED[cost].arguments) > 2):
        known = ", ".join(name for name, one in NAMED.items() if len(one.arguments) == 2)
        raise UsageError(f"there is no cost `{cost}`", expected=known)
    rows, targets = (None if given is None else _array(given) for given in (x, y))
    if targets is not None:
        classes = targets.ndim == 1 and targets.dtype.kind in "iu" and vector.size > 1
        targets = one_hot(targets, vector.size) if classes else targets.reshape(len(targets), -1)
    return _sheet(writer, vector, f"{cost}({{y}}, t)" if cost else None, rows, targets, rate)


def _sheet(
    writer: Writer, output: Vector, cost: str | None, rows: Array | None, targets: Array | None, rate: float | None
) -> Sheet:
    if targets is not None and rows is None:
        raise UsageError("targets without inputs", expected="rows of both")
    statements, problem = writer.sheet(output, cost, float(rate) if rate is not None else None)
    return Sheet(statements, with_rows(problem, rows, targets) if rows is not None else problem)


def _array(values: Any) -> Array:
    """Numbers of NumPy, of PyTorch, or of a frame."""
    return np.asarray(values.detach().cpu().numpy() if hasattr(values, "detach") else values)
