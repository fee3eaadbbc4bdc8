"""How good a model is, beside what anyone could have said: the mean, the commonest class, a linear model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .fit import Fitting, Settings, fit, plan_for
from .model import Model
from .prepare import CLASSIFICATION

Array = np.ndarray[Any, Any]
BLOCK = 8192  # rows at a time
SIMPLE = Settings(layers=(), rate=1e-2, epochs=100, patience=10)  # of the logistic model
SIMPLE_ROWS = 50_000  # at most so many rows train it


@dataclass(frozen=True)
class Score:
    """A model's figures on the rows held out: of a regression R², MAE and RMSE, of classes accuracy and log loss."""

    name: str
    figures: tuple[tuple[str, float], ...]


def _regression(name: str, found: Array, true: Array) -> Score:
    off = found - true
    whole = float(((true - true.mean()) ** 2).sum())
    r2 = 1 - float((off**2).sum()) / whole if whole else float("nan")
    return Score(name, (("R²", r2), ("MAE", float(np.abs(off).mean())), ("RMSE", float(np.sqrt((off**2).mean())))))


def _classes(name: str, shares: Array, true: Array) -> Score:
    likely = np.clip(shares[np.arange(len(true)), true].astype(np.float64), 1e-15, 1.0)
    return Score(
        name, (("accuracy", float((shares.argmax(1) == true).mean())), ("log loss", float(-np.log(likely).mean())))
    )


def scores(model: Model, x: Array, y: Array, training: Array, held_out: Array) -> list[Score]:
    """The model's score on the rows held out, then those of the baselines, which know the rows for training alone."""
    found, target = model.outputs_for(x, held_out), model.preparation.target
    if target.task == CLASSIFICATION:
        counts = np.bincount(y[training], minlength=len(target.classes)) / len(training)
        return [
            _classes("the network", found, y[held_out]),
            _classes("the commonest class", np.repeat(counts[None], len(held_out), 0), y[held_out]),
            _classes("a logistic model", _logistic(model, x, y, training, held_out), y[held_out]),
        ]
    true = target.back(y[held_out, 0])
    return [
        _regression("the network", target.back(found[:, 0]), true),
        _regression("the mean", np.full(len(true), target.back(y[training, 0]).mean()), true),
        _regression("a linear model", target.back(_linear(x, y, training, held_out)), true),
    ]


def _linear(x: Array, y: Array, training: Array, held_out: Array) -> Array:
    """Least squares by the normal equations XᵀX w = Xᵀy, some rows at a time: no copy of the table is made."""
    width = x.shape[1] + 1
    gram, right = np.zeros((width, width)), np.zeros(width)
    for at in range(0, len(training), BLOCK):
        rows = training[at : at + BLOCK]
        part = np.column_stack([x[rows], np.ones(len(rows))]).astype(np.float64)
        gram += part.T @ part
        right += part.T @ y[rows, 0]
    factors = np.linalg.lstsq(gram, right, rcond=1e-10)[0]
    parts = [held_out[at : at + BLOCK] for at in range(0, len(held_out), BLOCK)]
    return np.concatenate([x[rows].astype(np.float64) @ factors[:-1] + factors[-1] for rows in parts])


def _logistic(model: Model, x: Array, y: Array, training: Array, held_out: Array) -> Array:
    plan = plan_for(model.preparation, SIMPLE)
    some = training[:: -(-len(training) // SIMPLE_ROWS)]
    fitted = fit(Fitting(plan, SIMPLE, x, y, some, held_out))
    return replace(model, plan=plan, parameters=fitted.parameters).outputs_for(x, held_out)
