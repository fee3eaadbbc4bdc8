"""scikit-learn's multi-layer perceptrons, on Backhand's engine: its spelling and rules, and what its users ask for.

Beside scikit-learn's own parameters: costs by name, an activation for each layer, dropout, class weights, every update
rule, starting weights, callbacks, the course of the validation cost, `partial_fit` of both, model files.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ..errors import UsageError
from ..train.prepare import CLASSIFICATION, REGRESSION, Target
from ..train.table import CATEGORY, NUMBER
from .perceptron import Perceptron

try:
    from sklearn.base import ClassifierMixin, RegressorMixin
    from sklearn.utils import column_or_1d
    from sklearn.utils.class_weight import compute_sample_weight
    from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
except ImportError:
    raise UsageError("the estimators need scikit-learn", hint='pip install "backhand[sklearn]"') from None

Array = np.ndarray[Any, Any]


class MLPRegressor(RegressorMixin, Perceptron):  # type: ignore[misc]
    """Predicts numbers, one or several for each row.

    Args:
        hidden_layer_sizes: units of the hidden layers.
        activation: identity, logistic, tanh, relu or any activation of the sheet language; one, or one for each layer.
        loss: squared_error (half of it, as in scikit-learn), absolute_error, huber, poisson.
        solver: adam, sgd (with momentum), or any update rule: momentum, nesterov, adagrad, rmsprop, adamw.
        alpha: L2, divided by the rows of a batch.
        batch_size: rows of a step; auto is min(200, rows).
        learning_rate_init, max_iter, shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum,
            early_stopping, validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change: as in scikit-learn.
        dropout: the share of each hidden layer's values dropped while training.
        huber_delta: where huber goes from square to line.
        initial_coefs, initial_intercepts: shaped as `coefs_` and `intercepts_`.
        callbacks: one or several functions of (estimator, epoch, loss, validation loss or None), called after each
            epoch; True stops.
        dtype: float32 or float64; that of the data by default.
        n_jobs: threads at most; all cores by default. The numbers do not depend on it.
    """

    _losses = {"squared_error": "mse", "absolute_error": "mae", "huber": "huber", "poisson": "poisson"}  # noqa: RUF012

    def __init__(
        self, loss: str = "squared_error", hidden_layer_sizes: Any = (100,), activation: Any = "relu", *,
        solver: str = "adam", alpha: float = 0.0001, batch_size: Any = "auto", learning_rate_init: float = 0.001,
        max_iter: int = 200, shuffle: bool = True, random_state: Any = None, tol: float = 1e-4, verbose: bool = False,
        warm_start: bool = False, momentum: float = 0.9, nesterovs_momentum: bool = True, early_stopping: bool = False,
        validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
        n_iter_no_change: int = 10, dropout: float = 0.0, huber_delta: float = 1.0, initial_coefs: Any = None,
        initial_intercepts: Any = None, callbacks: Any = None, dtype: Any = None, n_jobs: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            hidden_layer_sizes, activation, loss, solver, alpha, batch_size, learning_rate_init, max_iter, shuffle,
            random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, validation_fraction,
            beta_1, beta_2, epsilon, n_iter_no_change, dropout, huber_delta, initial_coefs, initial_intercepts,
            callbacks, dtype, n_jobs,
        )  # fmt: skip

    partial_fit = Perceptron._partial_fit

    def _targets(self, y: Array, reset: bool) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError("Some values of y are negative, which is not possible for the poisson loss.")
        return np.asarray(y[:, None] if y.ndim == 1 else y)

    def _end(self, y: Array) -> tuple[int, str, str, float]:
        if self.loss not in self._losses:
            raise ValueError(f"There is no loss {self.loss!r}; there are {', '.join(self._losses)}.")
        cost = self._losses[self.loss]
        return y.shape[1], "softplus" if cost == "poisson" else "linear", cost, 0.5 if cost == "mse" else 1.0

    def predict(self, X: Any) -> Array:
        """A number for each row; [row, output] where there are several."""
        found = self._outputs(X)
        return found[:, 0] if found.shape[1] == 1 else found

    def _target(self) -> Target:
        return Target("y", REGRESSION, NUMBER, outputs=self.n_outputs_)


class MLPClassifier(ClassifierMixin, Perceptron):  # type: ignore[misc]
    """Predicts classes, or several labels for each row.

    Args:
        class_weight: what each class counts: a dict, or balanced.
        loss: log_loss.
    The others are those of `MLPRegressor`.
    """

    _losses = {"log_loss": "cross_entropy"}  # noqa: RUF012

    def __init__(
        self, hidden_layer_sizes: Any = (100,), activation: Any = "relu", *, loss: str = "log_loss",
        solver: str = "adam", alpha: float = 0.0001, batch_size: Any = "auto", learning_rate_init: float = 0.001,
        max_iter: int = 200, shuffle: bool = True, random_state: Any = None, tol: float = 1e-4, verbose: bool = False,
        warm_start: bool = False, momentum: float = 0.9, nesterovs_momentum: bool = True, early_stopping: bool = False,
        validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
        n_iter_no_change: int = 10, dropout: float = 0.0, class_weight: Any = None, initial_coefs: Any = None,
        initial_intercepts: Any = None, callbacks: Any = None, dtype: Any = None, n_jobs: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            hidden_layer_sizes, activation, loss, solver, alpha, batch_size, learning_rate_init, max_iter, shuffle,
            random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, validation_fraction,
            beta_1, beta_2, epsilon, n_iter_no_change, dropout, 1.0, initial_coefs, initial_intercepts, callbacks,
            dtype, n_jobs,
        )  # fmt: skip
        self.class_weight = class_weight

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """One epoch over these rows, going on from where it stands.

        Args:
            classes: all there are, in the first call; those of y by default.
        """
        self._coming = None if classes is None or hasattr(self, "coefs_") else unique_labels(classes)
        return self._partial_fit(X, y, sample_weight)

    def _targets(self, y: Array, reset: bool) -> Array:
        check_classification_targets(y)
        labels = type_of_target(y).startswith("multilabel")
        if not labels and y.ndim == 2:
            y = column_or_1d(y, warn=True)
        if reset:
            self.multilabel_ = labels
            coming = getattr(self, "_coming", None)
            self.classes_ = np.arange(y.shape[1]) if labels else np.unique(y) if coming is None else coming
        if labels != self.multilabel_:
            raise ValueError("y holds several labels for each row in one call, and single classes in another.")
        if labels:
            return np.asarray(y, np.float64)
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"`y` has classes not in `self.classes_`: {unknown.tolist()} not in {self.classes_}.")
        codes = np.searchsorted(self.classes_, y)
        return codes.astype(np.float64)[:, None] if len(self.classes_) <= 2 else codes.astype(np.int32)

    def _end(self, y: Array) -> tuple[int, str, str, float]:
        if self.loss not in self._losses:
            raise ValueError(f"There is no loss {self.loss!r}; there are {', '.join(self._losses)}.")
        if self.multilabel_ or len(self.classes_) <= 2:
            return y.shape[1], "sigmoid", "binary_cross_entropy", 1.0
        return len(self.classes_), "softmax", "cross_entropy", 1.0

    def _sample_weights(self, y: Array, weights: Array | None) -> Array | None:
        if self.class_weight is None:
            return weights
        own = np.asarray(compute_sample_weight(self.class_weight, y))
        return own if weights is None else own * weights

    def predict(self, X: Any) -> Array:
        """The likeliest class of each row, or a 0 or 1 for each label."""
        found = self._outputs(X)
        if self.multilabel_:
            return (found > 0.5).astype(int)
        chosen = (found[:, 0] > 0.5).astype(int) if found.shape[1] == 1 else found.argmax(1)
        return np.asarray(self.classes_[np.minimum(chosen, len(self.classes_) - 1)])

    def predict_proba(self, X: Any) -> Array:
        """The share of each class (or label) for each row, [row, class]."""
        found = self._outputs(X)
        if self.multilabel_ or found.shape[1] > 1:
            return found
        if len(self.classes_) == 1:
            return np.ones((len(found), 1), found.dtype)
        return np.column_stack([1 - found[:, 0], found[:, 0]])

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithms of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    def _target(self) -> Target:
        if self.multilabel_:
            raise UsageError("several labels for each row do not go into a model file", hint="one classifier for each")
        if len(self.classes_) < 2:
            raise UsageError("a single class does not go into a model file", hint="train on two or more")
        return Target("y", CLASSIFICATION, CATEGORY, classes=tuple(str(c) for c in self.classes_.tolist()))

    def _take_classes(self, target: Target, dtype: str | None) -> None:
        self.multilabel_ = False
        kind = np.dtype(str(dtype))
        names: list[Any] = list(target.classes)
        if kind.kind == "b":
            names = [name == "True" for name in names]
        elif kind.kind in "iuf":
            names = [kind.type(name) for name in names]
        self.classes_ = np.array(names, dtype=kind)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
