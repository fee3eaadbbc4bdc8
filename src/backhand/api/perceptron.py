"""What scikit-learn's estimators on Backhand's engine share: fitting, predicting, model files."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..engine.choice import open_engine
from ..engine.dense import DenseLayer, DensePlan, Parameters
from ..errors import BackhandError, UsageError
from ..ops.updates import RULES
from ..train.fit import Fitting, Settings, fit, starting_parameters
from ..train.model import Model, load_model, versions
from ..train.prepare import Encoding, Preparation, Target
from ..train.split import split
from ..train.table import NUMBER

try:
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError:
    raise UsageError("the estimators need scikit-learn", hint='pip install "backhand[sklearn]"') from None

Array = np.ndarray[Any, Any]
ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid"}  # scikit-learn's names of ours
OUT = {"linear": "identity", "sigmoid": "logistic"}
LARGEST_BATCH = 200  # of batch_size="auto"
_TINY, _BELOW_1 = 5e-324, 1 - 2**-53
_RANGES: dict[str, tuple[type, float, float]] = {
    "alpha": (float, 0, 1e300), "learning_rate_init": (float, _TINY, 1e300), "max_iter": (int, 1, 1e12),
    "tol": (float, 0, 1e300), "momentum": (float, 0, 1), "beta_1": (float, 0, _BELOW_1), "beta_2": (float, 0, _BELOW_1),
    "epsilon": (float, 0, 1e300), "n_iter_no_change": (int, 1, 1e12), "dropout": (float, 0, _BELOW_1),
    "huber_delta": (float, _TINY, 1e300), "validation_fraction": (float, _TINY, _BELOW_1),
}  # fmt: skip


class Perceptron(BaseEstimator, ABC):  # type: ignore[misc]
    """What both estimators have in common; see `MLPRegressor` for the parameters."""

    coefs_: list[Array]
    intercepts_: list[Array]
    loss_curve_: list[float]
    validation_loss_curve_: list[float]
    classes_: Array
    _state: tuple[list[Parameters], int]

    _losses: dict[str, str]

    def __init__(
        self, hidden_layer_sizes: Any, activation: Any, loss: str, solver: str, alpha: float, batch_size: Any,
        learning_rate_init: float, max_iter: int, shuffle: bool, random_state: Any, tol: float, verbose: bool,
        warm_start: bool, momentum: float, nesterovs_momentum: bool, early_stopping: bool, validation_fraction: float,
        beta_1: float, beta_2: float, epsilon: float, n_iter_no_change: int, dropout: float, huber_delta: float,
        initial_coefs: Any, initial_intercepts: Any, callbacks: Any, dtype: Any, n_jobs: Any,
    ) -> None:  # fmt: skip
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.dropout = dropout
        self.huber_delta = huber_delta
        self.initial_coefs = initial_coefs
        self.initial_intercepts = initial_intercepts
        self.callbacks = callbacks
        self.dtype = dtype
        self.n_jobs = n_jobs

    # What differs: the targets, and the network's end.

    @abstractmethod
    def _targets(self, y: Array, reset: bool) -> Array:
        """What the network is to give for y; `reset`: whether y says anew which classes there are."""

    @abstractmethod
    def _end(self, y: Array) -> tuple[int, str, str, float]:
        """Outputs, last activation, cost, a factor before it."""

    def _sample_weights(self, y: Array, weights: Array | None) -> Array | None:
        return weights

    # Fitting

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains from the start (or, with warm_start, from where it stands).

        Args:
            X: [row, feature]. y: what is to be predicted. sample_weight: what each row counts.
        """
        return self._fit(X, y, sample_weight, partial=False)

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One epoch over these rows, going on from where it stands."""
        return self._fit(X, y, sample_weight, partial=True)

    def _fit(self, X: Any, y: Any, sample_weight: Any, partial: bool) -> Self:
        self._check_parameters()
        goes_on = hasattr(self, "coefs_") and (partial or self.warm_start)
        reset = not (goes_on and partial)
        x, y = validate_data(
            self, X, y, multi_output=True, y_numeric=isinstance(self, RegressorMixin), reset=reset,
            dtype=(np.float64, np.float32), ensure_min_samples=1, accept_sparse=False,
        )  # fmt: skip
        kind = np.dtype(self.dtype if self.dtype is not None else x.dtype)
        x = x.astype(kind, copy=False)
        targets = self._targets(y, reset and not goes_on)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, x, ensure_non_negative=True)
        weights = self._sample_weights(y, weights)
        if weights is not None and (weights == 0).any():  # rows that count nothing are as if they were not there
            counted = weights > 0
            if not counted.any():
                raise ValueError("The sample weights are all zero.")
            x, targets, weights = x[counted], targets[counted], weights[counted]
        try:
            self._train(x, targets, weights, goes_on, partial)
        except BackhandError as problem:
            raise ValueError(str(problem)) from problem
        return self

    def _train(self, x: Array, targets: Array, weights: Array | None, goes_on: bool, partial: bool) -> None:
        random = check_random_state(self.random_state)
        seed = int(random.randint(2**31 - 1))
        middle = 1.0 if weights is None else float(weights.mean())
        settings = self._settings(len(x), seed, middle, partial)
        held = np.arange(0)
        training = np.arange(len(x))
        if self.early_stopping and not partial:
            stratify = targets if targets.ndim == 1 else None
            training, held = split(len(x), self.validation_fraction, np.random.default_rng(seed), stratify)
        plan = self._plan(x.shape[1], targets, settings)
        fitting = Fitting(
            plan, settings, x, targets, training, held, weights=None if weights is None else weights / middle,
            start=self._start(plan, seed, goes_on), dtype=str(x.dtype), threads=self._threads(),
        )  # fmt: skip
        if goes_on and partial and getattr(self, "_state", None) and len(self._state[0]) == plan.states:
            fitting.engine.put_state(*self._state)
        earlier = (self.loss_curve_, self.validation_loss_curve_) if goes_on else ([], [])
        if not goes_on:
            self.t_, self.n_iter_ = 0, 0

        def reported(now: Fitting) -> bool:
            last = now.epochs[-1]
            self.loss_curve_ = [*earlier[0], *(e.cost for e in now.epochs)]
            self.loss_ = last.cost
            if self.verbose:
                held_out = "" if last.validation is None else f", validation {last.validation:.8f}"
                print(f"Iteration {last.number}, loss = {last.cost:.8f}{held_out}")
            if not self.callbacks:
                return False
            self._keep(plan, now.engine.get())
            each = [self.callbacks] if callable(self.callbacks) else self.callbacks
            said = [bool(callback(self, last.number, last.cost, last.validation)) for callback in each]
            return any(said)

        try:
            fitted = fit(fitting, reported)
            parameters, stopped = fitted.parameters, fitted.stopped
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=3)
            fitting.rewind()
            parameters, stopped = fitting.engine.get(), "interrupted"
        self._keep(plan, parameters)
        self._state = fitting.engine.get_state()
        self._plan_ = plan
        epochs = fitting.epochs
        self.loss_curve_ = [*earlier[0], *(e.cost for e in epochs)]
        self.loss_ = self.loss_curve_[-1]
        self.best_loss_ = None if len(held) else min(self.loss_curve_)
        self.validation_loss_curve_ = [*earlier[1], *(e.validation for e in epochs if e.validation is not None)]
        self.n_iter_ = (self.n_iter_ if partial else 0) + len(epochs)
        self.t_ += len(epochs) * len(training)
        self.stopped_ = stopped
        self.findings_ = [str(finding) for finding in fitting.findings]
        self.n_layers_ = len(plan.layers) + 1
        self.n_outputs_ = plan.layers[-1].units
        last = plan.layers[-1].activation
        self.out_activation_ = OUT.get(last, last)
        if not partial and stopped.startswith("after"):  # all the epochs, and not patience
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization hasn't"
                " converged yet.",
                ConvergenceWarning, stacklevel=3,
            )  # fmt: skip

    def _check_parameters(self) -> None:
        """
        Raises:
            ValueError: numbers that are none, or out of range.
        """
        for name, (kind, low, high) in _RANGES.items():
            value = getattr(self, name)
            whole = isinstance(value, Integral) and not isinstance(value, bool)
            if not (whole or (kind is float and isinstance(value, Real))) or not low <= float(value) <= high:
                wanted = "a whole number" if kind is int else "a number"
                raise ValueError(f"{name}={value!r} is out of range: it is {wanted} from {low:g} to {high:g}.")
        if self.batch_size != "auto" and not (isinstance(self.batch_size, Integral) and int(self.batch_size) >= 1):
            raise ValueError(f"batch_size={self.batch_size!r} is neither auto nor a whole number from 1 on.")
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes if np.size(self.hidden_layer_sizes) else (), object))
        if not all(isinstance(n, Integral) and int(n) >= 1 for n in sizes.tolist()):
            raise ValueError(f"hidden_layer_sizes={self.hidden_layer_sizes!r} must be whole numbers > 0.")
        for values, name in ((self.initial_coefs, "initial_coefs"), (self.initial_intercepts, "initial_intercepts")):
            if values is not None and len(values) != sizes.size + 1:
                raise ValueError(f"{name} has {len(values)} arrays for {sizes.size + 1} layers.")
            if values is not None and not all(np.isfinite(np.asarray(v, float)).all() for v in values):
                raise ValueError(f"{name} has a value that is not finite.")

    def _settings(self, rows: int, seed: int, middle: float, partial: bool) -> Settings:
        sizes = self.hidden_layer_sizes
        layers = (int(sizes),) if isinstance(sizes, Integral) else tuple(int(n) for n in sizes)
        given = self.activation
        names = (given,) * len(layers) if isinstance(given, str) else tuple(given)
        if len(names) != len(layers):
            raise ValueError(f"There are {len(layers)} hidden layers and {len(names)} activations.")
        if self.batch_size == "auto":
            batch = min(LARGEST_BATCH, rows)
        else:
            batch = min(int(self.batch_size), rows)
        rule, numbers = self._rule()
        return Settings(
            layers=layers, activation=tuple(ACTIVATIONS.get(name, name) for name in names), rule=rule, numbers=numbers,
            rate=float(self.learning_rate_init), batch=batch, epochs=1 if partial else int(self.max_iter),
            patience=int(self.n_iter_no_change) + 1, tolerance=float(self.tol),
            decay=0.0 if rule == "adamw" else float(self.alpha) / batch / middle, dropout=float(self.dropout),
            seed=seed, shuffle=bool(self.shuffle), keep_best=bool(self.early_stopping),
        )  # fmt: skip

    def _rule(self) -> tuple[str, tuple[float, ...]]:
        """scikit-learn's solvers, and every other update rule with its own numbers."""
        if self.solver == "sgd":
            if not self.momentum:
                return "sgd", ()
            return "nesterov" if self.nesterovs_momentum else "momentum", (float(self.momentum),)
        moments = float(self.beta_1), float(self.beta_2), float(self.epsilon)
        if self.solver == "adam":
            return "adam", moments
        if self.solver == "adamw":  # which takes alpha off the weights themselves
            return "adamw", (float(self.alpha), *moments)
        if self.solver not in RULES:
            raise ValueError(f"There is no solver {self.solver!r}; there are {', '.join(RULES)}.")
        return self.solver, ()

    def _plan(self, features: int, targets: Array, settings: Settings) -> DensePlan:
        outputs, last, cost, factor = self._end(targets)
        hidden = (
            DenseLayer(n, a, dropout=settings.dropout)
            for n, a in zip(settings.layers, settings.activations, strict=True)
        )
        rule = settings.rule
        numbers = settings.numbers[: len(RULES[rule].settings)]
        return DensePlan(
            features, (*hidden, DenseLayer(outputs, last)), cost, float(self.huber_delta), factor, rule, settings.rate,
            numbers, settings.decay, settings.seed,
        )  # fmt: skip

    def _start(self, plan: DensePlan, seed: int, goes_on: bool) -> Parameters:
        if goes_on:
            coefs, intercepts = self.coefs_, self.intercepts_
        elif self.initial_coefs is not None or self.initial_intercepts is not None:
            drawn = starting_parameters(plan, np.random.default_rng([seed, 0]))
            coefs = [w.T for w, _ in drawn] if self.initial_coefs is None else list(self.initial_coefs)
            intercepts = [b for _, b in drawn] if self.initial_intercepts is None else list(self.initial_intercepts)
        else:
            return starting_parameters(plan, np.random.default_rng([seed, 0]))
        return [(np.asarray(w).T, np.asarray(b)) for w, b in zip(coefs, intercepts, strict=True)]

    def _threads(self) -> int | None:
        return None if self.n_jobs is None or int(self.n_jobs) < 1 else int(self.n_jobs)

    def _keep(self, plan: DensePlan, parameters: Parameters) -> None:
        self._plan_ = plan
        self.coefs_ = [np.ascontiguousarray(w.T) for w, _ in parameters]
        self.intercepts_ = [b for _, b in parameters]

    # Predicting

    @property
    def _parameters(self) -> Parameters:
        return [(np.ascontiguousarray(w.T), b) for w, b in zip(self.coefs_, self.intercepts_, strict=True)]

    def _outputs(self, X: Any) -> Array:
        check_is_fitted(self, "coefs_")
        x = validate_data(self, X, reset=False, dtype=(np.float64, np.float32), accept_sparse=False)
        engine = open_engine(self._plan_, str(self.coefs_[0].dtype), self._threads())
        engine.put(self._parameters)
        return np.asarray(engine.predict(x.astype(self.coefs_[0].dtype, copy=False)))

    # Model files

    @abstractmethod
    def _target(self) -> Target:
        """What a model file says of what is predicted."""

    def save(self, path: str | Path) -> None:
        """Writes a model file: `load` brings the estimator back, `backhand predict` works with it. No pickle.

        Raises:
            UsageError: the file cannot be written, or the estimator predicts several labels at once.
        """
        check_is_fitted(self, "coefs_")
        names = getattr(self, "feature_names_in_", [f"x{k}" for k in range(1, self.n_features_in_ + 1)])
        columns = tuple(Encoding(str(name), NUMBER) for name in names)
        plain = {
            name: _plain(value)
            for name, value in self.get_params(deep=False).items()
            if name not in ("callbacks", "initial_coefs", "initial_intercepts", "class_weight")
        }
        record = {
            "estimator": {
                "class": type(self).__name__, "parameters": plain, "named": hasattr(self, "feature_names_in_"),
                "classes": str(self.classes_.dtype) if hasattr(self, "classes_") else None,
                "losses": self.loss_curve_, "validation": self.validation_loss_curve_, "epochs": self.n_iter_,
            },
            "settings": {"batch": None}, "versions": versions(),
        }  # fmt: skip
        Model(Preparation(columns, self._target()), self._plan_, self._parameters, record).save(Path(path))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """An estimator from its model file.

        Raises:
            UsageError: it cannot be read, or is of something else; DataError: it is damaged.
        """
        model = load_model(Path(path))
        told = model.record.get("estimator", {})
        if not isinstance(model, Model) or told.get("class") != cls.__name__:
            raise UsageError(f"{path} is no model of {cls.__name__}", got=str(told.get("class", "another model")))
        known = cls._get_param_names()
        given = {name: value for name, value in told["parameters"].items() if name in known}
        for name in ("hidden_layer_sizes", "activation"):
            if isinstance(given.get(name), list):
                given[name] = tuple(given[name])
        made = cls(**given)
        made._keep(model.plan, model.parameters)
        names = [column.name for column in model.preparation.columns]
        made.n_features_in_ = len(names)
        if told["named"]:
            made.feature_names_in_ = np.array(names, dtype=object)
        made.loss_curve_, made.validation_loss_curve_ = list(told["losses"]), list(told["validation"])
        made.loss_ = made.loss_curve_[-1] if made.loss_curve_ else np.nan
        made.n_iter_, made.t_ = int(told["epochs"]), 0
        made.n_layers_, made.n_outputs_ = len(model.plan.layers) + 1, model.plan.layers[-1].units
        last = model.plan.layers[-1].activation
        made.out_activation_ = OUT.get(last, last)
        made._take_classes(model.preparation.target, told["classes"])
        return made

    def _take_classes(self, target: Target, dtype: str | None) -> None:
        """The classes of a classifier that is loaded."""


def _plain(value: Any) -> Any:
    """A parameter as JSON has it; what JSON has no word for, such as a random generator, is left to its default."""
    if isinstance(value, (tuple, list, np.ndarray)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (type, np.dtype)):
        return np.dtype(value).name
    return value if isinstance(value, (bool, int, float, str)) else None
