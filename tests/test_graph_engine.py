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
from backhand.engine.training import whole_data
from backhand.errors import BackhandError, NumberError, UsageError
from backhand.ops.updates import RULES

TOLERANCE = {"float64": 1e-11, "float32": 1e-4}  # of the largest a row's own gradient is; sums may cancel
NETWORK = (
    "input x1, x2; target t\nh1 = tanh(a*x1 + b*x2 + c)\nh2 = tanh(d*x1 + e*x2 + f)\ny = g*h1 + h*h2 + i\n"
    "start uniform seed 3\ncost C = mse(y, t)\nrate 0.1; update {}\n"
    "data\nx1, x2, t\n0.1, -0.4, 0.3\n0.7, 1.1, 0.9\n1.3, 0.2, 0.7\n-0.6, 0.8, -0.4"
)


def compare(problem, count=1):
    """Gradients with every instruction set, in both types, of one network and of many."""
    tape, expected = whole_data(problem, starting_values(problem.network))
    for dtype, tolerance in TOLERANCE.items():
        for name in instruction_sets():
            net = GraphNet(problem, count, dtype, instruction_set=name)
            for which in {0, count - 1}:
                for parameter, found in net.gradients(which).items():
                    scale = max(np.abs(expected.rows(parameter)).max(), 1e-30 if dtype == "float32" else 1e-300)
                    small = 1e-14 if dtype == "float64" else 1e-6  # of sums that are 0 but for rounding
                    off = np.abs(found - expected.totals[parameter]).max()
                    assert off <= max(tolerance * scale, small), (name, dtype, parameter)
                assert net.cost[which] == pytest.approx(tape.cost, rel=10 * tolerance, abs=1e-5)


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


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("y = w^x\ncost C = mse(y, t)", "no step on the tape"),
        ("y = w*x\ncost C = mse(y, t) + w^2", "has a penalty"),
        ("y = w*x", "has no cost"),
        ("y = leaky(x, w)\ncost C = mse(y, t)", "is no constant"),
    ],
)
def test_what_the_tape_does_not_take(lines, reason):
    with pytest.raises(UsageError, match=reason):
        GraphNet(bh.read(f"w = 0.5\ninput x; target t\n{lines}\ndata\nx, t\n1, 2").problem)


def test_numbers_that_run_away_are_said():
    problem = bh.read("input x; target t\ny = w*x\nw = 1\ncost C = mse(y, t)\nrate 100\ndata\nx, t\n1, 2").problem
    with pytest.raises(NumberError, match="after"):
        GraphNet(problem).train(10_000)
