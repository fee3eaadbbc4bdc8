"""Predictions for tables of any length: some rows at a time, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .model import Model
from .prepare import CLASSIFICATION
from .sheets import SheetModel
from .stream import batches
from .table import written_csv


def predicted(model: Model | SheetModel, data: Path, shares: bool = False) -> Iterator[str]:
    """CSV in parts: a line of names, then a line for each row of the data.

    Args:
        shares: of classes: a column with each class's share as well.
    Raises:
        DataError: columns are missing, or values are not as in training; UsageError: the file cannot be read.
    """
    if isinstance(model, SheetModel):
        yield written_csv(model.predict(data))
        return
    kinds = {column.name: column.kind for column in model.preparation.columns}
    named = True
    for table in batches(data, kinds):
        yield written_csv(_columns(model, model.outputs_of(model.preparation.matrix(table)), shares), named)
        named = False
    if named:
        none = np.zeros((0, model.plan.layers[-1].units), np.float32)
        yield written_csv(_columns(model, none, shares))


def _columns(model: Model, outputs: np.ndarray[Any, Any], shares: bool) -> dict[str, np.ndarray[Any, Any]]:
    target, answers = model.preparation.target, model.answers(outputs)
    if answers.ndim == 2:
        return {f"{target.name}{k}": answers[:, k - 1] for k in range(1, answers.shape[1] + 1)}
    found = {target.name: answers}
    if shares and target.task == CLASSIFICATION:
        found |= {f"share of {name}": outputs[:, k].astype(np.float64) for k, name in enumerate(target.classes)}
    return found
