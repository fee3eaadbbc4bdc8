"""Other libraries' models: the same predictions, and gradients that differences of their own costs agree with."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeRegressor

import backhand as bh
from backhand.engine.reference import forward, starting_values
from backhand.errors import DataError, UsageError

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(40, 3)) * [1, 5, 0.2] + [0, 3, -1]
Y = X @ [1.0, -0.5, 2.0] + np.sin(X[:, 0])
TWO = (np.median(Y) < Y).astype(int)
THREE = np.array(["low", "mid", "high"])[np.digitize(Y, np.quantile(Y, [0.3, 0.7]))]


def fitted(model, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


MODELS = {
    "one hidden layer": fitted(MLPRegressor(hidden_layer_sizes=(5,), activation="tanh", max_iter=40), Y),
    "two hidden layers": fitted(MLPRegressor(hidden_layer_sizes=(6, 4), activation="relu", max_iter=40), Y),
    "two outputs": fitted(MLPRegressor(hidden_layer_sizes=(4,), activation="logistic", max_iter=30), np.c_[Y, -Y]),
    "no activation": fitted(MLPRegressor(hidden_layer_sizes=(4,), activation="identity", max_iter=30), Y),
    "two classes": fitted(MLPClassifier(hidden_layer_sizes=(5,), max_iter=40), TWO),
    "three classes": fitted(MLPClassifier(hidden_layer_sizes=(5, 3), activation="tanh", max_iter=40), THREE),
    "scaled": fitted(make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(4,), max_iter=40)), Y),
    "scaled by the mean": fitted(make_pipeline(StandardScaler(with_std=False), LinearRegression()), Y),
    "linear": fitted(LinearRegression(), Y),
    "linear, two outputs": fitted(Ridge(), np.c_[Y, Y**2]),
    "logistic, two classes": fitted(LogisticRegression(), TWO),
    "logistic, three classes": fitted(LogisticRegression(), THREE),
}
TARGETS = {
    "two outputs": np.c_[Y, -Y], "linear, two outputs": np.c_[Y, Y**2], "two classes": TWO, "three classes": THREE,
    "logistic, two classes": TWO, "logistic, three classes": THREE,
}  # fmt: skip


def given(model):
    """What a model gives for each row, as a table."""
    if hasattr(model, "predict_proba"):
        shares = model.predict_proba(X)
        return shares if shares.shape[1] > 2 else shares[:, 1:]
    return np.asarray(model.predict(X)).reshape(len(X), -1)


@pytest.mark.parametrize("name", MODELS)
def test_an_estimator_gives_the_same(name):
    sheet = bh.from_sklearn(MODELS[name], X)
    tape = forward(sheet.network, starting_values(sheet.network), sheet.problem.table.columns)
    (output,) = sheet.network.outputs
    assert tape.values[output.name] == pytest.approx(given(MODELS[name]), rel=1e-12, abs=1e-12)
    again = bh.read(sheet.write())  # and written down
    assert {n.name: n.shape for n in again.network.parameters} == {n.name: n.shape for n in sheet.network.parameters}


@pytest.mark.parametrize("name", MODELS)
def test_an_estimators_cost_and_gradients(name):
    """The cost beside what the estimator's own predictions give; the gradients beside differences."""
    model, y = MODELS[name], TARGETS.get(name, Y)
    y = y if hasattr(model, "classes_") else y + 0.5  # at a least square every gradient would be 0
    sheet = bh.from_sklearn(model, X, y)
    found = given(model)
    if hasattr(model, "classes_"):
        codes = np.searchsorted(model.classes_, y)
        shares = found if found.shape[1] > 1 else np.c_[1 - found, found]
        cost = -np.mean(np.log(shares[np.arange(len(X)), codes]))
    else:
        half = 2 if "MLP" in repr(model) else 1
        cost = np.mean((found - np.asarray(y).reshape(found.shape)) ** 2) / half
    assert sheet.show().cost == pytest.approx(cost, rel=1e-12)
    assert sheet.gradcheck().agrees


def test_names_are_those_of_the_model():
    sheet = bh.from_sklearn(MODELS["scaled"], X[:2], Y[:2], rate=0.1)
    text = sheet.write()
    assert "const m_standardscaler" in text
    assert sheet.title == "MLPRegressor"
    assert sheet.problem.plan.rate == 0.1
    assert "\u2202C/\u2202W_1[2,3]" in str(sheet.why("W_1[2,3]"))
    assert "# W_1 is coefs_[0], transposed" in sheet.statements.text


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: bh.from_sklearn(fitted(DecisionTreeRegressor(), Y)), "DecisionTreeRegressor cannot be carried"),
        (lambda: bh.from_sklearn(MLPRegressor()), "this MLPRegressor is not fitted"),
        (lambda: bh.from_sklearn(fitted(make_pipeline(MinMaxScaler(), LinearRegression()), Y)), "step `minmaxscaler`"),
        (lambda: bh.from_torch(LinearRegression()), "is no module of PyTorch"),
        (lambda: bh.from_sklearn(MODELS["linear"], None, Y), "targets without inputs"),
    ],
)
def test_what_cannot_be_carried_is_named(make, said):
    with pytest.raises(UsageError, match=said):
        make()


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (X[:, :2], Y, "the rows of x are 40 \u00d7 2"),
        (X[:4], Y, "4 rows of inputs, and 40 of targets"),
        (np.where(X > 3, np.nan, X), Y, "not finite"),
    ],
)
def test_rows_that_do_not_fit(x, y, said):
    with pytest.raises(DataError, match=said):
        bh.from_sklearn(MODELS["linear"], x, y)
    with pytest.raises(DataError, match="'blue' is no class"):
        bh.from_sklearn(MODELS["three classes"], X[:1], ["blue"])
