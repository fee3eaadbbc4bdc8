"""The compiled tape against the reference engine: any graph, one network or many, each rule."""

from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st
from random_sheets import Layered, Scalars

import backhand as bh
from backhand.engine.compiled import instruction_sets
from backhand.engine.graph import GraphNet
from backhand.engine.reference import starting_values
from backhand.engine.run import run
from backhand.engine.training import NO_STATE, update, whole_data
from backhand.errors import BackhandError, NumberError, UsageError
from backhand.notation.expr import calls
from backhand.ops.updates import RULES

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}  # of the largest a row's own gradient is; sums may cancel
ROUNDING = {"float64": 1e-14, "float32": 1e-6}  # of the largest number on the way, which may cancel too
NETWORK = (
    "input x1, x2; target t\nh1 = tanh(a*x1 + b*x2 + c)\nh2 = tanh(d*x1 + e*x2 + f)\ny = g*h1 + h*h2 + i\n"
    "start uniform seed 3\ncost C = mse(y, t)\nrate 0.1; update {}\n"
    "data\nx1, x2, t\n0.1, -0.4, 0.3\n0.7, 1.1, 0.9\n1.3, 0.2, 0.7\n-0.6, 0.8, -0.4"
)


def compare(problem, count=1):
    """Gradients with every instruction set, in both types, of one network and of many."""
    tape, expected = whole_data(problem, starting_values(problem.network))
    largest = max(1.0, *(float(np.abs(v).max()) for v in (*tape.values.values(), *expected.totals.values()) if v.size))
    for dtype, tolerance in TOLERANCE.items():
        if dtype == "float32" and logarithm_of_rounded(problem, tape):
            continue
        for name in instruction_sets():
            net = GraphNet(problem, count, dtype, instruction_set=name)
            for which in {0, count - 1}:
                for parameter, found in net.gradients(which).items():
                    scale = max(np.abs(expected.rows(parameter)).max(), 1e-30 if dtype == "float32" else 1e-300)
                    off = np.abs(found - expected.totals[parameter]).max()
                    assert off <= max(tolerance * scale, ROUNDING[dtype] * largest), (name, dtype, parameter)
                assert net.cost[which] == pytest.approx(tape.cost, rel=10 * tolerance, abs=1e-5)
                check_update(problem, net, which, tolerance)


def logarithm_of_rounded(problem, tape):
    """Whether the cost may take log p or log(1 - p) of a p that is 0 or 1 in float32."""
    if not any(call.op == "log" for call in calls(problem.network.cost.own)):
        return False
    return any((np.minimum(np.abs(v), np.abs(1 - v)) < 1e-6).any() for v in tape.values.values())


def check_update(problem, net, which, tolerance):
    """One update, by the reference's own formulas of the same gradient."""
    if problem.plan.rate is None:
        return
    expected = update(problem.plan, net.get(which), net.gradients(which), NO_STATE, 1).after
    net.put(starting_values(problem.network))
    net.train(1)
    for name, value in net.get(which).items():
        assert np.abs(value - expected[name]).max() <= tolerance * max(1, np.abs(expected[name]).max()), name
    net.put(starting_values(problem.network))


@pytest.mark.parametrize("count", [1, 19])
@pytest.mark.parametrize("name", ["price", "penguins", "two-three-one", "bias-neurons", "two-outputs", "cache", "line"])
def test_shipped_sheets(name, count):
    compare(bh.read(f"{bh.__path__[0]}/examples/{name}.bh").problem, count)


@given(st.integers(0, 2**32), st.sampled_from([Scalars, Layered]), st.sampled_from([1, 5]))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)
def test_random_graphs(seed, kind, count):
    """Skips, products, shared weights, several outputs, vectors, costs of one's own."""
    text = kind(Random(seed)).sheet()
    note(text)
    try:
        problem = bh.read(text).problem
        GraphNet(problem)
        _, expected = whole_data(problem, starting_values(problem.network))
        assume(all(np.abs(expected.rows(p.name)).max() < 1e30 for p in problem.network.parameters))
    except BackhandError:
        assume(False)
    compare(problem, count)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("rule", list(RULES))
def test_steps_of_each_rule(rule, count):
    problem = bh.read(NETWORK.format(rule)).problem
    expected = run(problem, 60)
    for name in instruction_sets():
        net = GraphNet(problem, count, "float64", instruction_set=name)
        net.train(25)
        cost = net.train(35)  # it goes on where it stood
        assert net.count == 60
        for parameter, value in expected.parameters.items():
            assert np.allclose(net.get(count - 1)[parameter], value, rtol=1e-6), (
                name,
                parameter,
            )  # early steps go by a sign
        assert cost[0] == pytest.approx(expected.history[-1][2])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", ["3 tanh -> 2 relu", "4 sigmoid -> 4 elu", "1 relu", "2 selu -> 3 tanh -> 1 silu"])
def test_a_chain_whose_rows_stand_in_one_register(shape, dtype):
    text = (
        f"input x[2]; target t\nlayers x -> {shape} -> 1 as y\ncost C = mse(y, t)\nstart he seed 3\nrate 0.05\n"
        "data\nx[1], x[2], t\n0.1, -0.4, 0.3\n0.7, 1.1, 0.9"
    )
    problem = bh.read(text).problem
    expected = run(problem, 15)
    for name in instruction_sets():
        net = GraphNet(problem, 1, dtype, instruction_set=name)
        cost = net.train(15)
        for parameter, value in expected.parameters.items():
            assert np.allclose(net.get()[parameter], value, rtol=0, atol=1e-12 if dtype == "float64" else 1e-5), name
        assert cost[0] == pytest.approx(expected.history[-1][2], rel=1e-10 if dtype == "float64" else 1e-4)


def test_more_rows_than_lanes():
    rows = "\n".join(f"{a / 7}, {b / 5}, {(a * b) % 3}" for a in range(6) for b in range(5))
    problem = bh.read(NETWORK.format("sgd").partition("0.1, -0.4")[0] + rows).problem
    expected = run(problem, 20)
    for name in instruction_sets():
        net = GraphNet(problem, 1, "float64", instruction_set=name)
        net.train(20)
        for parameter, value in expected.parameters.items():
            assert np.allclose(net.get()[parameter], value, rtol=1e-10, atol=1e-12)


def test_many_networks_are_each_their_own():
    problem = bh.read(NETWORK.format("adam")).problem
    many = GraphNet(problem, 50, "float64", threads=2)
    many.parameters += np.random.default_rng(0).normal(size=many.parameters.shape)
    start = many.parameters.copy()
    many.train(40)
    for which in (0, 17, 49):
        alone = GraphNet(problem, 1, "float64")
        alone.parameters[:, 0] = start[:, which]
        alone.train(40)
        assert np.allclose(alone.parameters[:, 0], many.parameters[:, which], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    "lines",
    [
        "y = x^w\ncost C = mse(y, t)",
        "y = w^x*v\ncost C = mse(y, t)",
        "y = w*x + v\ncost C = mse(y, t) + 0.1*(w^2 + abs(v))",
        "y = w*x + v\ncost C = sse(y, t) + 0.1*(w^2 + v^2)",
        "y = w*x + v\ncost C = (sse(y, t) + v^2)/(2*N)",
        "y = leaky(x - v, w)\ncost C = mse(y, t)",
        "y = elu(x - v, w)\ncost C = mse(y, t)",
        "y = v*x\ncost C = huber(y, t, w)",
    ],
)
def test_penalties_and_numbers_that_are_learnt(lines, count):
    text = f"w = 0.5; v = 1.2\ninput x; target t\n{lines}\ndata\nx, t\n1, 2\n0.3, -1\n2.5, 0.4\n1.2, 0.7\n1.7, -2"
    compare(bh.read(text).problem, count)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("penalty", ["", " + 0.1*(a^2 + g^2)"])
def test_batches_as_the_reference_works_them(penalty, count):
    rows = "\n".join(f"{a / 7}, {b / 5}, {(a * b) % 3}" for a in range(5) for b in range(5))
    head = NETWORK.format("momentum").partition("0.1, -0.4")[0].replace("mse(y, t)", f"mse(y, t){penalty}")
    problem = bh.read(head.replace("data", "mode batches of 4\ndata") + rows).problem
    expected = run(problem, 3)
    for name in instruction_sets():
        net = GraphNet(problem, count, "float64", instruction_set=name, batch=4)
        net.train(10)  # 7 steps are an epoch: it goes on in the middle of one
        net.train(11)
        for parameter, value in expected.parameters.items():
            assert np.allclose(net.get(count - 1)[parameter], value, rtol=1e-9, atol=1e-12)


def test_a_cost_that_holds_the_number_of_rows():
    text = "w = 0.5\ninput x; target t\ny = w*x\ncost C = sum((y - t)^2)/(N + 1)\nrate 0.01\n"
    text += "{}data\nx, t\n1, 2\n3, 4\n5, 6"
    problem = bh.read(text.format("")).problem
    expected = run(problem).steps[0].gradients.totals["w"]
    assert GraphNet(problem, dtype="float64").gradients()["w"] == pytest.approx(expected)
    with pytest.raises(UsageError, match="holds how many a step has"):
        GraphNet(bh.read(text.format("mode batches of 2\n")).problem, batch=2)


def test_networks_in_parts_are_the_same_networks(monkeypatch):
    """Few are worked in one call where a step of all would take long."""
    problem = bh.read(NETWORK.format("adam")).problem

    def trained():
        net = GraphNet(problem, 700)
        net.parameters[:] = np.random.default_rng(1).normal(size=net.parameters.shape)
        for _ in range(3):
            net.train(5)
        return net.parameters, net.cost

    whole = trained()
    monkeypatch.setattr("backhand.engine.graph.PART", 16)
    for found, expected in zip(trained(), whole, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_choices_that_cannot_be_had():
    problem = bh.read(NETWORK.format("sgd")).problem
    for choices in ({"dtype": "int32"}, {"threads": -1}, {"networks": 0}, {"instruction_set": "mmx"}):
        with pytest.raises(UsageError):
            GraphNet(problem, **choices)


def test_an_order_of_rows():
    problem = bh.read(NETWORK.format("sgd")).problem
    order = np.array([2, 0, 3])
    net = GraphNet(problem, 1, "float64", batch=2)
    net.train(4, order=order)
    lines = NETWORK.format("sgd").splitlines()
    other = bh.read("\n".join([*lines[:-4], *(lines[-4 + i] for i in order)])).problem
    same = GraphNet(other, 1, "float64", batch=2)
    same.train(4)
    assert all(np.array_equal(net.get()[name], same.get()[name]) for name in net.get())
    with pytest.raises(UsageError, match="rows that are not there"):
        net.train(1, order=np.array([0, 4]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictions(dtype):
    rows = "\n".join(f"{a / 7}, {b / 5}, {(a * b) % 3}" for a in range(90) for b in range(60))
    problem = bh.read(NETWORK.format("sgd").partition("0.1, -0.4")[0] + rows).problem
    tape, _ = whole_data(problem, starting_values(problem.network))
    for name in instruction_sets():
        net = GraphNet(problem, 1, dtype, instruction_set=name)
        for wanted in ("h1", "y"):
            assert np.allclose(net.predict(wanted), tape.values[wanted], rtol=1e-5 if dtype == "float32" else 1e-12)
        columns = {key: value[5:7] for key, value in problem.table.columns.items() if key != "t"}
        assert np.allclose(net.predict("y", columns), tape.values["y"][5:7], rtol=1e-5)
    assert net.predict("y", {"x1": np.zeros(0), "x2": np.zeros(0)}).shape == (0,)
    many = GraphNet(problem, 3, dtype)
    many.parameters[:, 1] *= 2
    alone = GraphNet(problem, 1, dtype)
    alone.parameters[:, 0] *= 2
    assert (many.predict("y", network=1) == alone.predict("y")).all()
    with pytest.raises(UsageError, match="no data for `x2`"):
        net.predict("y", {"x1": np.zeros(3)})
    with pytest.raises(UsageError, match="keeps no `q`"):
        net.predict("q")


def test_a_network_without_a_cost_is_not_taken():
    with pytest.raises(UsageError, match="has no cost"):
        GraphNet(bh.read("w = 0.5\ninput x\ny = w*x\ndata\nx\n1").problem)


def test_a_penalty_that_needs_even_batches():
    text = "w = 0.5\ninput x; target t\ny = w*x\ncost C = sse(y, t) + w^2\ndata\nx, t\n1, 2\n3, 4\n5, 6"
    with pytest.raises(UsageError, match="no whole number of batches of 2"):
        GraphNet(bh.read(text).problem, batch=2)
    with pytest.raises(UsageError, match="at least one row"):
        GraphNet(bh.read(text).problem, batch=-1)


def test_numbers_that_run_away_are_said():
    problem = bh.read("input x; target t\ny = w*x\nw = 1\ncost C = mse(y, t)\nrate 100\ndata\nx, t\n1, 2").problem
    with pytest.raises(NumberError, match="after"):
        GraphNet(problem).train(10_000)
