"""Other libraries' models in Python: `bh.from_torch(module, x, y, loss).show()`, `bh.from_sklearn(model, x, y)`."""

from __future__ import annotations

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
