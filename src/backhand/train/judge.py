"""How good a model is, beside what anyone could have said: the mean, the commonest class, a linear model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .fit import Settings, fit, plan_for
from .model import Model
from .prepare import CLASSIFICATION, Preparation

Array = np.ndarray[Any, Any]


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
    """The model's score on the rows held out, then those of the baselines."""
    found, target = model.outputs_of(x[held_out]), model.preparation.target
    if target.task == CLASSIFICATION:
        counts = np.bincount(y[training], minlength=len(target.classes)) / len(training)
        plain = _linear(model.preparation, x, y, training, held_out)
        return [
            _classes("the network", found, y[held_out]),
            _classes("the commonest class", np.repeat(counts[None], len(held_out), 0), y[held_out]),
            _classes("a logistic model", plain, y[held_out]),
        ]
    true = y[held_out, 0].astype(np.float64) * target.spread + target.mean

    def back(values: Array) -> Array:
        return values.astype(np.float64) * target.spread + target.mean

    with_one = np.column_stack([x, np.ones(len(x))]).astype(np.float64)
    factors = np.linalg.lstsq(with_one[training], y[training, 0].astype(np.float64), rcond=None)[0]
    return [
        _regression("the network", back(found[:, 0]), true),
        _regression("the mean", np.full(len(true), back(y[training, 0]).mean()), true),
        _regression("a linear model", back(with_one[held_out] @ factors), true),
    ]


def _linear(preparation: Preparation, x: Array, y: Array, training: Array, held_out: Array) -> Array:
    settings = Settings(layers=(), rate=1e-2, epochs=100, patience=10)
    fitted = fit(plan_for(preparation, settings), settings, x, y, training, held_out)
    return Model(preparation, fitted.plan, fitted.parameters, {}).outputs_of(x[held_out])
