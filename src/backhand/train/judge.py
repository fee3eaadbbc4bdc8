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


def _regression(name: str, found: Array, true: Array, weights: Array) -> Score:
    off = found - true
    whole = float(weights @ (true - np.average(true, weights=weights)) ** 2)
    r2 = 1 - float(weights @ off**2) / whole if whole else float("nan")
    return Score(
        name,
        (
            ("R²", r2), ("MAE", float(np.average(np.abs(off), weights=weights))),
            ("RMSE", float(np.sqrt(np.average(off**2, weights=weights)))),
        ),
    )  # fmt: skip


def _classes(name: str, shares: Array, true: Array, weights: Array) -> Score:
    likely = np.clip(shares[np.arange(len(true)), true].astype(np.float64), 1e-15, 1.0)
    right = shares.argmax(1) == true
    accuracy, loss = (float(np.average(values, weights=weights)) for values in (right, -np.log(likely)))
    return Score(name, (("accuracy", accuracy), ("log loss", loss)))


def scores(
    model: Model, x: Array, y: Array, training: Array, held_out: Array, weights: Array | None = None
) -> list[Score]:
    """The model's score on the rows held out, then those of the baselines, which know the rows for training alone.

    Args:
        weights: what each row counts, in the figures and in the baselines; None where all count the same.
    """
    found, target = model.outputs_for(x, held_out), model.preparation.target
    weights = np.ones(len(x)) if weights is None or not weights[held_out].any() else weights
    counted = weights[held_out]
    if target.task == CLASSIFICATION:
        counts = np.bincount(y[training], weights[training], len(target.classes)) / weights[training].sum()
        named = {
            "the network": found,
            "the commonest class": np.repeat(counts[None], len(held_out), 0),
            "a logistic model": _logistic(model, x, y, training, held_out, weights),
        }
        return [_classes(name, shares, y[held_out], counted) for name, shares in named.items()]
    true = target.back(y[held_out, 0])
    middle = np.average(target.back(y[training, 0]), weights=weights[training])
    named = {
        "the network": target.back(found[:, 0]),
        "the mean": np.full(len(true), middle),
        "a linear model": target.back(_linear(x, y, training, held_out, weights)),
    }
    return [_regression(name, values, true, counted) for name, values in named.items()]


def _linear(x: Array, y: Array, training: Array, held_out: Array, weights: Array) -> Array:
    """Least squares by the normal equations XᵀWX w = XᵀWy, some rows at a time: no copy of the table is made."""
    width = x.shape[1] + 1
    gram, right = np.zeros((width, width)), np.zeros(width)
    for at in range(0, len(training), BLOCK):
        rows = training[at : at + BLOCK]
        part = np.column_stack([x[rows], np.ones(len(rows))]).astype(np.float64)
        weighted = part.T * weights[rows]
        gram += weighted @ part
        right += weighted @ y[rows, 0]
    factors = np.linalg.lstsq(gram, right, rcond=1e-10)[0]
    parts = [held_out[at : at + BLOCK] for at in range(0, len(held_out), BLOCK)]
    return np.concatenate([x[rows].astype(np.float64) @ factors[:-1] + factors[-1] for rows in parts])


def _logistic(model: Model, x: Array, y: Array, training: Array, held_out: Array, weights: Array) -> Array:
    plan = plan_for(model.preparation, SIMPLE)
    some = training[:: -(-len(training) // SIMPLE_ROWS)]
    fitted = fit(Fitting(plan, SIMPLE, x, y, some, held_out, weights=weights / weights[some].mean()))
    return replace(model, plan=plan, parameters=fitted.parameters).outputs_for(x, held_out)
