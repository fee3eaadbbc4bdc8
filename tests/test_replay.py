"""A training taken up after many epochs: the fast engines bring it to where the reference engine would."""

import json
import subprocess
import sys

import numpy as np
import pytest
from test_cli import environment, good

import backhand as bh
from backhand.cli.examples import example_names
from backhand.engine import choice, graph, replay
from backhand.engine.replay import open_sheet, point_after
from backhand.engine.run import run
from backhand.errors import NumberError, UsageError

TRAINED = [name for name in example_names() if bh.read(f"{bh.__path__[0]}/examples/{name}.bh").problem.plan.rate]
RULES = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"]
MODES = ["batch", "online", "batches of 3"]
LAYERS = (
    "input x[2]; target t\nlayers x -> {} tanh -> 1 as y\ncost C = mse(y, t)\nstart he seed 2\nrate 0.01; update {}\n"
    "mode {}\ndata\nx[1], x[2], t\n0.1, -0.4, 0.3\n0.7, 1.1, 0.9\n1.3, 0.2, 0.7\n-0.6, 0.8, -0.4\n0.4, 0.4, 0.1"
)


def sheet(name):
    return bh.read(f"{bh.__path__[0]}/examples/{name}.bh")


def equal(found, expected, tolerance=1e-9):
    assert (found.epochs, found.updates) == (expected.epochs, expected.updates)
    for name, value in expected.parameters.items():
        assert np.allclose(found.parameters[name], value, rtol=tolerance, atol=tolerance), name
    for letter, kept in expected.state.items():
        for name, value in kept.items():
            assert np.allclose(found.state[letter][name], value, rtol=tolerance, atol=tolerance), (letter, name)


@pytest.mark.parametrize("name", TRAINED)
def test_shipped_sheets(name):
    problem = sheet(name).problem
    if name == "curve":  # its biases' gradients are 0 but for rounding, and adam divides that by its own size
        problem = bh.read(sheet(name).write().replace("update adam", "update sgd")).problem
    equal(point_after(problem, 20, fast=True), point_after(problem, 20))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("units", [3, 40])  # on the tape, in blocks
def test_each_rule_and_mode(rule, mode, units):
    problem = bh.read(LAYERS.format(units, rule, mode)).problem
    equal(point_after(problem, 25, fast=True), point_after(problem, 25), 1e-7)  # adam's first steps go by a sign


def test_which_engine_a_sheet_gets():
    assert "tape" in open_sheet(bh.read(LAYERS.format(3, "sgd", "batch")).problem).name
    assert "tape" not in open_sheet(bh.read(LAYERS.format(40, "sgd", "batch")).problem).name
    skip = LAYERS.format(40, "sgd", "batch").replace("mse(y, t)", "mse(y + x[1], t)")
    assert "tape" in open_sheet(bh.read(skip).problem).name


@pytest.mark.parametrize("mode", MODES)
def test_a_run_taken_up_is_the_same_run(mode):
    opened = bh.read(LAYERS.format(3, "adam", mode))
    whole = run(opened.problem, 6)
    taken_up = run(opened.problem, 2, start=point_after(opened.problem, 4))
    assert taken_up.history == whole.history[-len(taken_up.history) :]
    assert all(np.array_equal(taken_up.parameters[n], v) for n, v in whole.parameters.items())
    assert [s.epoch for s in taken_up.steps] == [s.epoch for s in whole.steps if s.epoch > 4]


def test_show_from_an_epoch_on():
    found = json.loads(good("show", "price", "--epoch", "300", "--epochs", "2", "--fast", "--json"))
    assert found["start"]["epochs"] == 299
    assert found["start"]["engine"].startswith("fast engine (compiled")
    slow = json.loads(good("show", "price", "--epochs", "301", "--json"))
    assert [s["epoch"] for s in found["steps"]] == [300, 301]
    for ours, theirs in zip(found["steps"], slow["steps"][-2:], strict=True):
        assert ours["cost"] == pytest.approx(theirs["cost"], rel=1e-10)
        for name, value in theirs["gradients"].items():
            assert ours["gradients"][name] == pytest.approx(value, rel=1e-8)
    page = good("show", "price", "--epoch", "300", "--fast")
    assert "Epochs 1 to 299 were worked before this page begins: 299 updates by the fast engine (compiled" in page
    assert "\nEpoch 300\n" in page
    assert "After epoch 300: forward again" in page
    assert "by the reference engine" in good("show", "price", "--epoch", "3")


@pytest.mark.parametrize("row", [None, 2])
@pytest.mark.parametrize("mode", MODES)
def test_why_in_a_late_epoch(mode, row):
    opened = bh.read(LAYERS.format(3, "momentum", mode))
    fast, slow = (opened.why("W1[2,1]", row, epoch=40, fast=chosen) for chosen in (True, False))
    assert fast.value == pytest.approx(slow.value, rel=1e-9)
    assert "Epochs 1 to 39 were worked before this page begins" in str(fast)
    assert "this page begins" not in str(slow)


def test_rows_of_the_first_epoch_that_is_worked():
    text = LAYERS.format(3, "sgd", "online")
    page = good("show", "-", "--epoch", "7", "--row", "4", "--fast", stdin=text)
    assert "Epoch 7, step 4 (row 4)" in page
    assert "`--row R` writes out the step of epoch 7 that holds row R" in page


def test_what_cannot_be_taken_up():
    with pytest.raises(UsageError, match="only epoch 1"):
        bh.read("w = 1\ny = w*2\ncost C = y^2").show(epoch=2, fast=True)
    with pytest.raises(UsageError, match="no epoch 0"):
        sheet("price").show(epoch=0)
    runs_away = "input x; target t\ny = w*x\nw = 1\ncost C = mse(y, t)\nrate 100\ndata\nx, t\n1, 2"
    with pytest.raises(UsageError, match="nothing to do fast"):
        sheet("price").show(fast=True)
    with pytest.raises(UsageError, match="every epoch is the same"):
        bh.read("input x\ny = x*2\ncost C = y^2\nrate 0.1\ndata\nx\n1").show(epoch=4)
    power = "input x; target t\na = 2; c = 0.5\nh = x^c*a\ncost C = mse(h, t)\nrate 0.1\ndata\nx, t\n0, 1\n1, 2"
    with pytest.raises(NumberError, match=r"is no longer finite after 1 epochs|cost is"):
        bh.read(power).show(epoch=2, fast=True)
    with pytest.raises(NumberError, match="after"):
        bh.read(runs_away).show(epoch=9000, fast=True)


def test_without_a_compiled_engine_the_command_says_so_once(tmp_path):
    (tmp_path / "wide.bh").write_text(LAYERS.format(40, "adam", "batch"))
    done = subprocess.run(
        [sys.executable, "-m", "backhand", "show", str(tmp_path / "wide.bh"), "--epoch", "5", "--fast"],
        env=environment(BACKHAND_ENGINE="numpy"), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr.startswith("warning: the compiled engine is not here, so training is slower, in NumPy;")
    assert done.stderr.count("\n") == 1
    assert "by the fast engine (NumPy, float64)" in done.stdout


def test_without_a_compiled_engine(monkeypatch):
    for module in (choice, graph, replay):
        monkeypatch.setattr(module, "library", lambda: None)
    choice._say_once.cache_clear()
    problem = bh.read(LAYERS.format(40, "adam", "batch")).problem
    with pytest.warns(UserWarning, match="is not here"):
        equal(point_after(problem, 5, fast=True), point_after(problem, 5), 1e-7)
    skip = LAYERS.format(3, "adam", "batch").replace("mse(y, t)", "mse(y + x[1], t)")
    with pytest.raises(UsageError, match=r"the fast engine does not take this network.*which is not here") as caught:
        point_after(bh.read(skip).problem, 5, fast=True)
    assert "compiler" in caught.value.hint
