"""Other libraries' models: the same predictions, and gradients that differences of their own costs agree with."""

import warnings

import numpy as np
import pytest
from safetensors.numpy import save_file
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


LAYERS = [(RANDOM.normal(size=(4, 3)), RANDOM.normal(size=4)), (RANDOM.normal(size=(2, 4)), None)]


def outputs(sheet):
    tape = forward(sheet.network, starting_values(sheet.network), sheet.problem.table.columns)
    (output,) = sheet.network.outputs
    return tape.values[output.name]


def test_weights_alone(tmp_path):
    (w1, b1), (w2, _) = LAYERS
    right = np.tanh(X @ w1.T + b1) @ w2.T
    tree = {"params": {"Dense_0": {"kernel": w1.T, "bias": b1}, "Dense_1": {"kernel": w2.T}}}
    state = {"0.weight": w1, "0.bias": b1, "2.weight": w2}
    np.savez(tmp_path / "net.npz", W1=w1, b1=b1, W2=w2)
    save_file({name: np.ascontiguousarray(value) for name, value in state.items()}, tmp_path / "net.safetensors")
    for source in (LAYERS, tree, state, tmp_path / "net.npz", str(tmp_path / "net.safetensors")):
        sheet = bh.from_weights(source, "tanh", x=X)
        assert outputs(sheet) == pytest.approx(right, rel=1e-12)
    assert "# W_params_Dense_0 is params.Dense_0.kernel" in bh.from_weights(tree).statements.text
    worked = bh.from_weights(state, ["tanh"], "softmax", X, np.digitize(Y, [0]), "cross_entropy", rate=0.1)
    assert worked.gradcheck().agrees
    assert worked.problem.plan.rate == 0.1


@pytest.mark.parametrize(
    ("source", "more", "said"),
    [
        ([], {}, "there are no layers"),
        ([(np.ones((2, 3)), np.ones(3))], {}, "the biases of layer 1 are 3"),
        ([(np.ones(3), None)], {}, "the weights of layer 1 have 1 axes"),
        ([(np.ones((2, 3)), None), (np.ones((1, 4)), None)], {}, "layer `2` takes 4 numbers, and 2 come in"),
        ([(np.full((1, 1), np.nan), None)], {}, "not finite"),
        ([(np.array([["a"]]), None)], {}, "holds what are no numbers"),
        ([np.ones((2, 3))], {}, "layer 1 is ndarray"),
        ({"conv.weight": np.ones((2, 3, 3))}, {}, "the weights of layer `conv` have 3 axes"),
        ({"norm.running_mean": np.ones(3)}, {}, "`norm.running_mean` is neither weights nor biases"),
        ({"0.bias": np.ones(3)}, {}, "layer `0` has no weights"),
        (LAYERS, {"activation": ["tanh", "tanh"]}, "2 activations for 1 hidden layers"),
        (LAYERS, {"activation": "cube"}, "there is no activation `cube`"),
        (LAYERS, {"x": X, "y": Y, "cost": "cubic"}, "there is no cost `cubic`"),
        (LAYERS, {"x": X, "y": Y}, "targets and a cost go together"),
        ("net.pkl", {}, "net.pkl is no file of weights"),
        ("nowhere.npz", {}, "cannot read nowhere.npz"),
    ],
)
def test_weights_that_are_no_network(source, more, said):
    with pytest.raises((UsageError, DataError), match=said):
        bh.from_weights(source, **more)


def test_the_order_of_layers(tmp_path):
    many = {f"Dense_{k}": {"kernel": np.full((2, 2), float(k))} for k in (0, 1, 10, 11, 2, 3)}
    sheet = bh.from_weights(many, "linear")
    assert list(sheet.network.nodes["W_Dense_10"].value.ravel()) == [10.0] * 4
    assert [n.name for n in sheet.network.parameters] == [f"W_Dense_{k}" for k in (0, 1, 2, 3, 10, 11)]
    named = {"hidden.weight": np.ones((4, 3)), "entry.weight": np.ones((3, 2)), "out.weight": np.ones((1, 4))}
    save_file(named, tmp_path / "net.safetensors")
    found = [n.name for n in bh.from_weights(tmp_path / "net.safetensors").network.parameters]
    assert found == ["W_entry", "W_hidden", "W_out"]
    save_file({"first.weight": np.ones((2, 2)), "last.weight": np.ones((2, 2))}, tmp_path / "square.safetensors")
    with pytest.raises(UsageError, match="does not tell the order of its layers: first, last"):
        bh.from_weights(tmp_path / "square.safetensors")


def test_files_of_weights_are_never_run(tmp_path):
    np.savez(tmp_path / "evil.npz", W1=np.array([{"a": 1}], dtype=object))
    (tmp_path / "broken.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      nonsense")
    (tmp_path / "broken.npz").write_bytes(b"PK nonsense")
    for name in ("evil.npz", "broken.safetensors", "broken.npz"):
        with pytest.raises((UsageError, DataError), match=name):
            bh.from_weights(tmp_path / name)


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
