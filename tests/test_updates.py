"""Update rules against the published formulas in plain NumPy; the order of rows; the old weights."""

import math

import numpy as np
import pytest

from backhand.engine.reference import starting_values
from backhand.engine.training import NO_STATE, settings_of, steps, update, whole_data
from backhand.errors import NumberError
from backhand.network.build import build
from backhand.network.graph import Plan
from backhand.notation.text import PLAIN
from backhand.ops.updates import RULES
from backhand.sheet.parse import parse

# --- the rules, written down once more --------------------------------------------------------------------


def sgd(w, g, t, s, rate):
    """Robbins & Monro 1951: w ← w - ηg."""
    return w - rate * g


def momentum(w, g, t, s, rate, mu=0.9):
    """Polyak 1964: v ← μv - ηg, w ← w + v."""
    s["v"] = mu * s.get("v", 0) - rate * g
    return w + s["v"]


def nesterov(w, g, t, s, rate, mu=0.9):
    """Sutskever et al. 2013, in the form of Bengio et al. 2013: w ← w + μv - ηg with the new v."""
    s["v"] = mu * s.get("v", 0) - rate * g
    return w + mu * s["v"] - rate * g


def adagrad(w, g, t, s, rate, eps=1e-10):
    """Duchi, Hazan & Singer 2011: the squares added up."""
    s["s"] = s.get("s", 0) + g**2
    return w - rate * g / (np.sqrt(s["s"]) + eps)


def rmsprop(w, g, t, s, rate, rho=0.9, eps=1e-8):
    """Tieleman & Hinton 2012: their running mean."""
    s["s"] = rho * s.get("s", 0) + (1 - rho) * g**2
    return w - rate * g / (np.sqrt(s["s"]) + eps)


def adam(w, g, t, s, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    """Kingma & Ba 2015, algorithm 1."""
    s["m"] = beta1 * s.get("m", 0) + (1 - beta1) * g
    s["s"] = beta2 * s.get("s", 0) + (1 - beta2) * g**2
    m_hat, s_hat = s["m"] / (1 - beta1**t), s["s"] / (1 - beta2**t)
    return w - rate * m_hat / (np.sqrt(s_hat) + eps)


def adamw(w, g, t, s, rate, decay=0.01, beta1=0.9, beta2=0.999, eps=1e-8):
    """Loshchilov & Hutter 2019, algorithm 2: the decay is taken off beside the gradient's step."""
    return adam(w, g, t, s, rate, beta1, beta2, eps) - rate * decay * w


PUBLISHED = {f.__name__: f for f in (sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw)}
CASES = [
    ("sgd", ()), ("momentum", ()), ("momentum", (0.5,)), ("momentum", (0.0,)), ("nesterov", ()),
    ("nesterov", (0.7,)), ("adagrad", ()), ("adagrad", (0.1,)), ("rmsprop", ()), ("rmsprop", (0.5,)),
    ("rmsprop", (0.99, 0.01)), ("adam", ()), ("adam", (0.5,)), ("adam", (0.5, 0.9)),
    ("adam", (0.8, 0.9, 0.1)), ("adam", (0.0, 0.0, 1.0)), ("adamw", ()), ("adamw", (0.2,)),
    ("adamw", (0.1, 0.5, 0.9, 0.01)), ("adamw", (0.0,)),
]  # fmt: skip


# --- a network whose gradients are worked by hand here: y = W @ x + b, C = Σ(y - t)² or its mean ----------

X = np.array([[0.5, -1.0], [1.5, 0.3], [-0.7, 0.8], [0.2, 0.9], [1.1, -0.4]])
T = np.array([1.0, -0.5, 0.3, 0.8, -1.2])
W, B = np.array([[0.4, -0.6]]), np.array([0.1])


SHEET = """input x[2]
target t
y = W @ x + b
W = [[0.4, -0.6]]; b = [0.1]
cost C = {}
{}
data
x[1], x[2], t
"""


def sheet(lines="", cost="sum((y - t)^2)"):
    rows = [f"{a}, {b}, {t}\n" for (a, b), t in zip(X, T, strict=True)]
    return SHEET.format(cost, lines) + "".join(rows)


def problem(lines="", cost="sum((y - t)^2)"):
    return build(parse(sheet(lines, cost)))


def by_hand(weights, rows, mean=False):
    """∂C/∂W and ∂C/∂b of some rows: 2(y - t)·x and 2(y - t)."""
    delta = 2 * (X[rows] @ weights["W"][0] + weights["b"][0] - T[rows])
    n = len(rows) if mean else 1
    return {"W": (delta @ X[rows])[None] / n, "b": np.array([delta.sum()]) / n}


def train_by_hand(rule, settings, rate, batches, epochs, mean=False):
    """The weights before and after every step."""
    weights, state, t = {"W": W, "b": B}, {"W": {}, "b": {}}, 0
    for _ in range(epochs):
        for rows in batches:
            t += 1
            gradients = by_hand(weights, rows, mean)  # all at the old weights
            after = {n: PUBLISHED[rule](weights[n], gradients[n], t, state[n], rate, *settings) for n in weights}
            yield weights, gradients, after, {n: dict(state[n]) for n in state}
            weights = after


def same(ours, theirs):
    return np.allclose(ours, theirs, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(("rule", "settings"), CASES, ids=str)
@pytest.mark.parametrize("rate", [0.03, -0.02])
def test_every_rule_with_all_its_settings(rule, settings, rate):
    words = " ".join(map(str, settings))
    trained = list(steps(problem(f"rate {rate}; update {rule} {words}; mode batches of 2"), epochs=3))
    batches = [[0, 1], [2, 3], [4]]
    expected = list(train_by_hand(rule, settings, rate, batches, 3))
    assert len(trained) == len(expected) == 9
    for t, (step, (before, gradients, after, state)) in enumerate(zip(trained, expected, strict=True), 1):
        change = step.change
        assert change.t == t
        for name in ("W", "b"):
            assert same(step.gradients.totals[name], gradients[name])
            assert same(change.before[name], before[name])
            assert same(change.after[name], after[name])
            assert change.after[name].shape == before[name].shape
            for letter in RULES[rule].state:
                assert same(change.state[letter][name], state[name][letter])
                assert (change.lines[name][letter] == change.state[letter][name]).all()
        assert set(change.state) == set(RULES[rule].state)


def test_every_rule_is_tested():
    assert set(PUBLISHED) == set(RULES)
    for name, rule in RULES.items():
        most = max((s for r, s in CASES if r == name), key=len)
        assert len(most) == len(rule.settings) or name == "sgd"
        assert rule.source


def test_defaults_are_those_of_the_design():
    assert settings_of(Plan(rule="momentum")) == {"μ": 0.9}
    assert settings_of(Plan(rule="nesterov")) == {"μ": 0.9}
    assert settings_of(Plan(rule="adagrad")) == {"ε": 1e-10}
    assert settings_of(Plan(rule="rmsprop")) == {"ρ": 0.9, "ε": 1e-8}
    assert settings_of(Plan(rule="adam")) == {"β1": 0.9, "β2": 0.999, "ε": 1e-8}
    assert settings_of(Plan(rule="adamw")) == {"λ": 0.01, "β1": 0.9, "β2": 0.999, "ε": 1e-8}
    assert settings_of(Plan(rule="adam", settings=(0.8,))) == {"β1": 0.8, "β2": 0.999, "ε": 1e-8}


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("sgd", "w - η·g"),
        ("momentum", "w + v"),
        ("nesterov", "w + μ·v - η·g"),
        ("adagrad", "w - η·g/(sqrt(s) + ε)"),
        ("rmsprop", "w - η·g/(sqrt(s) + ε)"),
        ("adam", "w - η·m̂/(sqrt(ŝ) + ε)"),
        ("adamw", "w - η·m̂/(sqrt(ŝ) + ε) - η·λ·w"),
    ],
)
def test_what_is_printed_is_the_rule(rule, line):
    name, formula = RULES[rule].lines[-1]
    assert (name, PLAIN(formula)) == ("w", line)


# --- rows and batches -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "batches"),
    [
        ("mode batch", [[0, 1, 2, 3, 4]]),
        ("", [[0, 1, 2, 3, 4]]),
        ("mode online", [[0], [1], [2], [3], [4]]),
        ("mode batches of 2", [[0, 1], [2, 3], [4]]),
        ("mode batches of 3", [[0, 1, 2], [3, 4]]),
        ("mode batches of 5", [[0, 1, 2, 3, 4]]),
        ("mode batches of 32", [[0, 1, 2, 3, 4]]),
        ("mode batches of 1", [[0], [1], [2], [3], [4]]),
    ],
)
@pytest.mark.parametrize("mean", [False, True])
def test_rows_go_in_sheet_order_and_the_last_batch_may_be_short(mode, batches, mean):
    """A mean is over the rows of the step, not of the sheet."""
    cost = "mean((y - t)^2)" if mean else "sum((y - t)^2)"
    trained = list(steps(problem(f"rate 0.1\n{mode}", cost), epochs=2))
    expected = list(train_by_hand("sgd", (), 0.1, batches, 2, mean))
    places = [(epoch, batch) for epoch in (1, 2) for batch in range(1, len(batches) + 1)]
    assert [(s.epoch, s.batch) for s in trained] == places
    assert [s.tape.rows for s in trained] == [tuple(r + 1 for r in rows) for rows in batches * 2]
    for step, (before, gradients, after, _) in zip(trained, expected, strict=True):
        rows = [r - 1 for r in step.tape.rows]
        errors = X[rows] @ before["W"][0] + before["b"][0] - T[rows]
        assert same(step.tape.own, errors**2)
        assert same(step.tape.cost, (errors**2).sum() / (len(rows) if mean else 1))
        for name in ("W", "b"):
            assert same(step.gradients.totals[name], gradients[name])
            assert same(step.change.after[name], after[name])


def test_all_weights_change_together_at_the_old_weights():
    """w1 = 0.5, w2 = 0.8, x = 3, y = 2 (two-weights.bh), by hand: both gradients with the old w1 and w2."""
    text = """input x; target y
a = w1*x
yhat = w2*a
cost J = sum((y - yhat)^2)/(2*N)
w1 = 0.5; w2 = 0.8
rate 0.1
data
x, y
3, 2
"""
    first, second = steps(build(parse(text)), epochs=2)
    e = 0.8 * 0.5 * 3 - 2
    assert math.isclose(first.change.after["w1"], 0.5 - 0.1 * e * 0.8 * 3)
    assert math.isclose(first.change.after["w2"], 0.8 - 0.1 * e * 0.5 * 3)
    assert second.change.before == first.change.after
    assert second.tape.parameters == first.change.after


def test_a_negative_rate_goes_uphill():
    trained = list(steps(problem("rate -0.01"), epochs=4))
    costs = [s.tape.cost for s in trained]
    assert costs == sorted(costs)
    assert costs[0] < costs[-1]
    down = [s.tape.cost for s in steps(problem("rate 0.01"), epochs=4)]
    assert down == sorted(down, reverse=True)


@pytest.mark.parametrize("mode", ["", "mode online", "mode batches of 2", "update adam"])
def test_without_a_rate_there_is_one_step_and_no_update(mode):
    (step,) = steps(problem(mode), epochs=7)
    assert step.change is None
    assert (step.epoch, step.batch, step.tape.count) == (1, 1, 5)
    assert step.gradients is not None


def test_a_rate_of_0_changes_nothing_but_is_a_step():
    trained = list(steps(problem("rate 0; update adam"), epochs=2))
    assert [s.change.t for s in trained] == [1, 2]
    assert (trained[1].change.after["W"] == W).all()


def test_without_a_cost_there_is_forward_only():
    text = "input x\ny = w*x; w = 2; rate 0.1\ndata\nx\n1\n2\n"
    trained = list(steps(build(parse(text)), epochs=2))
    assert all(s.gradients is None and s.change is None for s in trained)
    assert trained[0].tape.values["y"].tolist() == [2.0, 4.0]


def test_inputs_but_no_data_is_no_step_at_all():
    assert list(steps(build(parse("input x\ny = w*x; w = 2\ncost C = y\nrate 0.1")))) == []


def test_penalties_and_unreached_weights_are_updated_by_the_same_rule():
    """w is in the penalty too, u in nothing that the cost sees: it moves only under weight decay."""
    text = "input x\ny = w*x; z = u*x; w = 2; u = 3\ncost C = sum(y) + 0.5*w^2\nrate 0.1\n{}\ndata\nx\n1\n2\n"
    (step,) = steps(build(parse(text.format("update sgd"))))
    assert step.gradients.totals["w"] == 1 + 2 + 2  # Σx + w
    assert math.isclose(step.change.after["w"], 2 - 0.1 * 5)
    assert step.change.after["u"] == 3
    (step,) = steps(build(parse(text.format("update adamw 0.2"))))
    assert math.isclose(step.change.after["u"], 3 - 0.1 * 0.2 * 3)


# --- the machinery ----------------------------------------------------------------------------------------


def test_results_are_read_only_and_the_sheet_keeps_its_values():
    given = problem("rate 0.1; update momentum")
    before = starting_values(given.network)["W"].copy()
    for step in steps(given, epochs=2):
        for kept in (step.change.after["W"], step.change.state["v"]["W"], step.change.lines["W"]["v"]):
            with pytest.raises(ValueError, match="read-only"):
                kept[...] = 0
    assert (starting_values(given.network)["W"] == before).all()


def test_the_same_sheet_gives_the_same_bits():
    one, two = (list(steps(problem("rate 0.1; update adam; mode online"), epochs=3)) for _ in range(2))
    for a, b in zip(one, two, strict=True):
        assert a.tape.cost == b.tape.cost
        assert all((a.change.after[n] == b.change.after[n]).all() for n in ("W", "b"))


def test_a_step_goes_on_where_the_last_one_ended():
    """Two epochs at once are one epoch and one more with its weights, state and count."""
    given = problem("rate 0.1; update adam")
    first, second = steps(given, epochs=2)
    _, gradients = whole_data(given, first.change.after)
    again = update(given.plan, first.change.after, gradients.totals, first.change.state, 2)
    assert all((again.after[n] == second.change.after[n]).all() for n in ("W", "b"))


def test_weights_that_run_away_say_so():
    with pytest.raises(NumberError) as caught:
        list(steps(problem("rate 1e200"), epochs=9))
    text = str(caught.value)
    assert "epoch 2" in text
    assert "expected a finite number" in text


def test_a_weight_that_is_no_longer_finite_is_named():
    plan = Plan(rate=1e308)
    with pytest.raises(NumberError, match="`w1` is no longer finite after update 3") as caught:
        update(
            plan,
            {"w0": np.array(0.0), "w1": np.array(1.0)},
            {"w0": np.array(0.0), "w1": np.array(1e9)},
            NO_STATE,
            3,
        )
    assert "1e+308" in str(caught.value)


@pytest.mark.parametrize("rule", ["adagrad", "rmsprop", "adam", "adamw"])
def test_without_epsilon_a_gradient_of_0_is_0_divided_by_0(rule):
    settings = {"adagrad": (0.0,), "rmsprop": (0.9, 0.0), "adam": (0.9, 0.99, 0.0)}.get(rule, (0.1, 0.9, 0.99, 0.0))
    plan = Plan(rate=0.1, rule=rule, settings=settings)
    with pytest.raises(NumberError, match="no longer finite") as caught:
        update(plan, {"w": np.array(1.0)}, {"w": np.array(0.0)}, NO_STATE, 1)
    assert "ε is 0" in caught.value.hint
    assert update(plan, {"w": np.array(1.0)}, {"w": np.array(2.0)}, NO_STATE, 1).after["w"] < 1
