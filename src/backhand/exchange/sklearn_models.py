"""scikit-learn's multilayer perceptrons and linear models, alone or behind a StandardScaler in a pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DataError, UsageError
from .foreign import Vector, Writer, one_hot

Array = np.ndarray[Any, Any]
ACTIVATIONS = {
    "identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu", "softmax": "softmax", "exp": "exp",
}  # fmt: skip
PERCEPTRONS = ("MLPRegressor", "MLPClassifier")
LINEAR = ("LinearRegression", "Ridge", "Lasso", "ElasticNet")
CARRIED = ", ".join((*PERCEPTRONS, *LINEAR, "LogisticRegression", "a Pipeline of StandardScaler and one of them"))


def write_sklearn(model: Any) -> tuple[Writer, Vector]:
    """An estimator's network, with what makes shares of a classifier's results.

    Raises:
        UsageError: what cannot be carried, by name; or an estimator that is not fitted.
    """
    scalers, final = _parts(model)
    kind = type(final).__name__
    fitted = getattr(final, "coefs_", None) if kind in PERCEPTRONS else getattr(final, "coef_", None)
    if kind not in (*PERCEPTRONS, *LINEAR, "LogisticRegression"):
        raise UsageError(f"{kind} cannot be carried", expected=CARRIED)
    if fitted is None:
        raise UsageError(f"this {kind} is not fitted", hint=".fit(X, y) first")
    writer = Writer(kind, int(model.n_features_in_))
    vector = writer.input()
    for path, scaler in scalers:
        vector = _scaled(writer, vector, path, scaler)
    if kind in PERCEPTRONS:
        return writer, _perceptron(writer, vector, final)
    weights = np.atleast_2d(np.asarray(final.coef_, np.float64))
    bias = np.broadcast_to(np.asarray(final.intercept_, np.float64), (len(weights),))
    vector = writer.dense(vector, weights, bias, "1", ("coef_", "intercept_"))
    if kind == "LogisticRegression":
        if len(weights) > 1 and getattr(final, "multi_class", "auto") == "ovr":
            raise UsageError("LogisticRegression with multi_class='ovr' is several networks", expected="multinomial")
        vector = writer.activation(vector, "softmax" if len(weights) > 1 else "sigmoid")
    return writer, vector


def _perceptron(writer: Writer, vector: Vector, model: Any) -> Vector:
    last = len(model.coefs_)
    for k, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True), 1):
        names = (f"coefs_[{k - 1}], transposed", f"intercepts_[{k - 1}]")
        vector = writer.dense(vector, np.asarray(weights).T, np.asarray(bias), str(k), names)
        vector = writer.activation(vector, ACTIVATIONS[model.activation if k < last else model.out_activation_])
    return vector


def _parts(model: Any) -> tuple[list[tuple[str, Any]], Any]:
    """The scalers before an estimator, and the estimator."""
    if type(model).__name__ != "Pipeline":
        return [], model
    *before, (_, final) = model.steps
    for path, step in before:
        if step != "passthrough" and type(step).__name__ != "StandardScaler":
            raise UsageError(f"step `{path}` ({type(step).__name__}) cannot be carried", expected=CARRIED)
    return [(path, step) for path, step in before if step != "passthrough"], final


def _scaled(writer: Writer, source: Vector, path: str, scaler: Any) -> Vector:
    if getattr(scaler, "n_features_in_", None) is None:
        raise UsageError("this StandardScaler is not fitted", hint=".fit(X, y) first")
    zero, one = np.zeros(source.size), np.ones(source.size)
    mean = scaler.mean_ if scaler.with_mean else zero
    spread = scaler.scale_ if scaler.with_std else one
    return writer.standardised(source, np.asarray(mean), np.asarray(spread), path, ("mean_", "scale_"))


def sklearn_cost(model: Any, output: Vector) -> str:
    """What the estimator is fitted to, without its penalty."""
    _, final = _parts(model)
    if not hasattr(final, "classes_"):
        if getattr(final, "loss", "") == "poisson":
            return "poisson({y}, t)"
        return "mse({y}, t)/2" if type(final).__name__ == "MLPRegressor" else "mse({y}, t)"
    return "cross_entropy({y}, t)" if output.size > 1 else "binary_cross_entropy({y}, t)"


def sklearn_targets(model: Any, y: Any, output: Vector) -> Array:
    """The targets as rows of numbers; classes as the estimator orders them.

    Raises:
        DataError: a class that it does not know.
    """
    _, final = _parts(model)
    found = np.asarray(y)
    if not hasattr(final, "classes_"):
        return found.reshape(len(found), -1).astype(np.float64)
    classes = np.asarray(final.classes_)
    places = {value: k for k, value in enumerate(classes.tolist())}
    unknown = [value for value in found.tolist() if value not in places]
    if unknown:
        raise DataError(f"{unknown[0]!r} is no class of the model", expected=", ".join(map(str, classes.tolist()[:12])))
    codes = np.array([places[value] for value in found.tolist()], dtype=np.int64)
    return one_hot(codes, len(classes)) if output.size > 1 else codes[:, None].astype(np.float64)
