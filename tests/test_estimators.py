"""scikit-learn's rules, all of them, and what its users ask for beside."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import backhand as bh
from backhand.errors import UsageError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([bh.MLPRegressor(), bh.MLPClassifier()])
def test_every_rule_of_scikit_learn(estimator, check):
    check(estimator)


def scaled(x):
    return (x - x.mean(0)) / x.std(0)


def start_of(theirs):
    return {"initial_coefs": theirs.coefs_, "initial_intercepts": theirs.intercepts_}


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("kind", ["regression", "two classes", "three classes", "labels"])
def test_one_step_after_another_as_scikit_learn_does_them(kind, solver):
    """From its starting weights, over all rows in order: the same weights after 15 steps."""
    x, y = {
        "regression": lambda: load_diabetes(return_X_y=True),
        "two classes": lambda: load_breast_cancer(return_X_y=True),
        "three classes": lambda: load_iris(return_X_y=True),
        "labels": lambda: make_multilabel_classification(120, 6, n_classes=3, random_state=0),
    }[kind]()  # fmt: skip
    x = scaled(x)
    ours, theirs = (bh.MLPRegressor, TheirRegressor) if kind == "regression" else (bh.MLPClassifier, TheirClassifier)
    y = scaled(y) if kind == "regression" else y
    given = {
        "hidden_layer_sizes": (7, 5), "activation": "tanh", "solver": solver, "batch_size": len(x), "shuffle": False,
        "alpha": 0.3, "random_state": 0, "learning_rate_init": 0.05, "tol": 0,
        "epsilon": 1e-15,  # which scikit-learn adds before the correction of s, and we behind it, as Kingma and Ba
    }  # fmt: skip
    begun = theirs(**given, max_iter=1).fit(x, y)
    other = theirs(**given, max_iter=16).fit(x, y)
    start = theirs(**{**given, "learning_rate_init": 1e-300}, max_iter=1).fit(x, y)
    found = ours(**given, max_iter=16, **start_of(start)).fit(x, y)
    assert len(begun.coefs_) == len(found.coefs_)
    for a, b in zip(found.coefs_ + found.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        assert a == pytest.approx(b, rel=1e-5, abs=1e-6)
    if kind == "regression":
        assert found.predict(x) == pytest.approx(other.predict(x), rel=1e-4, abs=1e-5)
    else:
        assert found.predict_proba(x) == pytest.approx(other.predict_proba(x), abs=1e-5)
    assert found.out_activation_ == other.out_activation_
    assert (found.n_iter_, found.n_layers_, found.n_outputs_) == (other.n_iter_, other.n_layers_, other.n_outputs_)


def test_costs_by_name():
    x, y = load_diabetes(return_X_y=True)
    x, y = scaled(x), y / 100
    far = y.copy()
    far[::10] += 50  # a few that are far off
    errors = {}
    for loss in ("squared_error", "absolute_error", "huber"):
        model = bh.MLPRegressor(loss, (16,), random_state=0, max_iter=300, learning_rate_init=0.01).fit(x, far)
        errors[loss] = mean_absolute_error(y, model.predict(x))
    assert errors["absolute_error"] < 0.5 * errors["squared_error"]
    assert errors["huber"] < 0.5 * errors["squared_error"]
    counts = bh.MLPRegressor("poisson", (16,), random_state=0).fit(x, np.round(y * 3))
    assert (counts.predict(x) > 0).all()
    for wrong, words in ((bh.MLPRegressor("log"), "no loss 'log'"), (bh.MLPClassifier(solver="lbfgs"), "no solver")):
        with pytest.raises(ValueError, match=words):
            wrong.fit(x, y > 1 if "Class" in type(wrong).__name__ else y)
    with pytest.raises(ValueError, match="negative"):
        bh.MLPRegressor("poisson").fit(x, -y)


def test_layers_of_their_own_activation_dropout_and_every_rule():
    x, y = load_iris(return_X_y=True)
    for solver in ("adam", "sgd", "adamw", "rmsprop", "adagrad", "nesterov", "momentum"):
        model = bh.MLPClassifier(
            (8, 6), ("gelu", "logistic"), solver=solver, dropout=0.1, random_state=1, learning_rate_init=0.02
        ).fit(scaled(x), y)
        assert model.score(scaled(x), y) > 0.85, solver
    with pytest.raises(ValueError, match="2 hidden layers and 3 activations"):
        bh.MLPClassifier((8, 6), ("relu", "relu", "relu")).fit(x, y)


def test_the_course_of_validation_callbacks_and_early_stopping():
    x, y = load_breast_cancer(return_X_y=True)
    seen = []

    def watch(estimator, epoch, loss, validation):
        seen.append((epoch, loss, validation, [w.shape for w in estimator.coefs_]))
        return epoch == 12

    model = bh.MLPClassifier((5,), early_stopping=True, random_state=0, callbacks=watch, n_iter_no_change=50)
    model.fit(scaled(x), y)
    assert len(model.validation_loss_curve_) == len(model.loss_curve_) == model.n_iter_ == 12
    assert [s[0] for s in seen] == list(range(1, 13))
    assert [s[2] for s in seen] == model.validation_loss_curve_
    assert seen[0][3] == [(30, 5), (5, 1)]
    patient = bh.MLPClassifier((5,), early_stopping=True, random_state=0, learning_rate_init=0.05).fit(scaled(x), y)
    curve = patient.validation_loss_curve_
    assert len(curve) < 200
    assert min(curve) == pytest.approx(min(curve[:-11]), abs=1e-4)


def test_class_weights():
    random = np.random.default_rng(0)
    y = np.array(["rare"] * 15 + ["often"] * 385)
    x = random.standard_normal((400, 2)) + (y == "rare")[:, None]
    plain = bh.MLPClassifier((4,), random_state=0).fit(x, y)
    even = bh.MLPClassifier((4,), random_state=0, class_weight="balanced").fit(x, y)
    named = bh.MLPClassifier((4,), random_state=0, class_weight={"rare": 400 / 30, "often": 400 / 770}).fit(x, y)
    assert (even.predict(x) == "rare").sum() > (plain.predict(x) == "rare").sum()
    assert even.predict_proba(x) == pytest.approx(named.predict_proba(x), abs=1e-6)


def test_partial_fit_goes_on_with_its_momentum():
    """Two calls over the same rows in order are two epochs of one fit."""
    x, y = load_diabetes(return_X_y=True)
    x, y = scaled(x), scaled(y)
    given = {"hidden_layer_sizes": (6,), "shuffle": False, "random_state": 0, "batch_size": 50}
    whole = bh.MLPRegressor(**given, max_iter=3).fit(x, y)
    parts = bh.MLPRegressor(**given)
    for _ in range(3):
        parts.partial_fit(x, y)
    for a, b in zip(whole.coefs_, parts.coefs_, strict=True):
        assert (a == b).all()
    assert parts.n_iter_ == 3
    assert parts.loss_curve_ == whole.loss_curve_
    labels = bh.MLPClassifier((4,), random_state=0).partial_fit(x[:20], np.zeros(20, int), classes=[0, 1, 2])
    assert labels.predict_proba(x).shape == (len(x), 3)
    with pytest.raises(ValueError, match=r"not in `self.classes_`"):
        labels.partial_fit(x[:20], np.full(20, 7))


def test_warm_start_grid_search_and_pipelines():
    x, y = load_iris(return_X_y=True)
    model = bh.MLPClassifier((8,), warm_start=True, max_iter=5, random_state=0)
    curve = [model.fit(scaled(x), y).loss_ for _ in range(6)]
    assert curve[-1] < curve[0]
    assert len(model.loss_curve_) == 30
    pipe = make_pipeline(StandardScaler(), bh.MLPClassifier((8,), max_iter=60, batch_size=16, random_state=0))
    search = GridSearchCV(pipe, {"mlpclassifier__alpha": [1e-4, 1e-2], "mlpclassifier__activation": ["relu", "tanh"]})
    assert search.fit(x, y).best_score_ > 0.9
    assert clone(search.best_estimator_[-1]).get_params() == search.best_estimator_[-1].get_params()


def test_several_outputs():
    x, _ = load_diabetes(return_X_y=True)
    x = scaled(x)
    y = np.column_stack([x[:, 0] * x[:, 1], x[:, 2], np.sin(x[:, 3])])
    model = bh.MLPRegressor(hidden_layer_sizes=(40,), random_state=0, learning_rate_init=0.01).fit(x, y)
    assert model.predict(x).shape == y.shape
    assert model.score(x, y) > 0.9


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_type_of_the_data_is_kept_and_threads_change_no_bit(kind):
    x, y = load_diabetes(return_X_y=True)
    x = np.tile(scaled(x), (9, 1)).astype(kind)
    y = np.tile(scaled(y), 9).astype(kind)
    one, two = (
        bh.MLPRegressor(hidden_layer_sizes=(90, 90), random_state=3, max_iter=3, batch_size=900, n_jobs=n).fit(x, y)
        for n in (1, 2)
    )
    assert one.predict(x).dtype == kind
    assert all((a == b).all() for a, b in zip(one.coefs_, two.coefs_, strict=True))


@pytest.mark.parametrize("labels", [[0, 1, 2], ["a", "b", "c"], [3, 5, 9], [False, True]])
def test_estimators_in_model_files(labels, tmp_path):
    x, y = load_iris(return_X_y=True)
    x, y = scaled(x)[: 50 * len(labels)], np.array(labels)[y[: 50 * len(labels)]]
    model = bh.MLPClassifier((6, 4), ("relu", "tanh"), random_state=0, max_iter=40).fit(x, y)
    model.save(tmp_path / "m.bhm")
    again = bh.MLPClassifier.load(tmp_path / "m.bhm")
    assert (again.predict(x) == model.predict(x)).all()
    assert again.classes_.dtype == model.classes_.dtype
    assert (again.predict_proba(x) == model.predict_proba(x)).all()
    assert again.hidden_layer_sizes == (6, 4)
    with pytest.raises(UsageError, match="no model of MLPRegressor"):
        bh.MLPRegressor.load(tmp_path / "m.bhm")
    numbers = bh.MLPRegressor(hidden_layer_sizes=(4,), random_state=0, max_iter=5).fit(x, np.column_stack([x, x]))
    numbers.save(tmp_path / "n.bhm")
    assert (bh.MLPRegressor.load(tmp_path / "n.bhm").predict(x) == numbers.predict(x)).all()


def test_what_it_warns_of():
    x, y = load_diabetes(return_X_y=True)
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\) reached"):
        bh.MLPRegressor(max_iter=2).fit(x, y)
    with pytest.raises(ValueError, match="run away"):
        bh.MLPRegressor(solver="sgd", momentum=0, learning_rate_init=1e6).fit(x, y)


@pytest.mark.parametrize("wrong", [
    {"huber_delta": -1}, {"learning_rate_init": 0}, {"alpha": -1}, {"momentum": 2}, {"beta_1": 1},
    {"tol": float("nan")}, {"max_iter": 0}, {"max_iter": 1.5}, {"batch_size": 0}, {"batch_size": 1.5},
    {"hidden_layer_sizes": (2.5,)}, {"hidden_layer_sizes": (0,)}, {"hidden_layer_sizes": None},
    {"n_iter_no_change": 0}, {"validation_fraction": 1.0},
    {"initial_coefs": [np.ones((2, 2))]}, {"initial_intercepts": [np.ones(100), np.array([np.nan])]},
])  # fmt: skip
def test_parameters_out_of_range(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        bh.MLPRegressor(**wrong).fit(np.ones((20, 2)), np.arange(20.0))


def test_parameters_of_numpy_go_into_model_files(tmp_path):
    x, y = load_iris(return_X_y=True)
    model = bh.MLPClassifier(
        np.array([5, 4]), learning_rate_init=np.float32(0.01), dtype=np.float32, random_state=7, max_iter=np.int64(3),
        class_weight={0: 1, 1: 2, 2: 1},
    ).fit(x, y)  # fmt: skip
    model.save(tmp_path / "m.bhm")
    again = bh.MLPClassifier.load(tmp_path / "m.bhm")
    assert (again.predict_proba(x) == model.predict_proba(x)).all()
    assert (again.hidden_layer_sizes, again.random_state, again.dtype, again.max_iter) == ((5, 4), 7, "float32", 3)


def test_one_class_and_another_solver_later():
    x, y = load_iris(return_X_y=True)
    only = bh.MLPClassifier((4,), max_iter=2).fit(x[:50], y[:50])
    assert (only.predict_proba(x[:5]) == 1).all()
    later = bh.MLPClassifier((4,), random_state=0).partial_fit(x, y)
    later.set_params(solver="sgd").partial_fit(x, y)
    assert later.n_iter_ == 2
