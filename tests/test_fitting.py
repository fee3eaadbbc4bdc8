"""Fits that go on from a file, that run away, that learn badly; rates found by trying; models worked by hand."""

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error, r2_score
from test_cli import command, environment, good

import backhand as bh
from backhand.api import Sheet
from backhand.document.parts import Chart, Grid, Series
from backhand.engine.compiled import CompiledNet
from backhand.engine.dense import DenseLayer, DensePlan
from backhand.engine.fast import dense_problem
from backhand.errors import DataError, NumberError, UsageError
from backhand.render.chart import chart_lines
from backhand.render.grid import grid_lines
from backhand.render.pictures import pictures_svg
from backhand.sheet.parse import parse
from backhand.train import run as run_module
from backhand.train.by_hand import model_problem
from backhand.train.checkpoint import fingerprint, resume, save_checkpoint
from backhand.train.diagnose import Finding, by_kind, diagnose
from backhand.train.fit import Fitting, Settings, fit, starting_parameters
from backhand.train.model import load_model
from backhand.train.rate import RATES, find_rate
from backhand.train.run import Checkpoints, train_table

PENGUINS = Path(bh.__path__[0]) / "examples" / "penguins.csv"


def rows_of(count=300, inputs=4, seed=0):
    random = np.random.default_rng(seed)
    x = random.standard_normal((count, inputs)).astype(np.float32)
    return x, (np.sin(x[:, :1]) + x[:, 1:2] * x[:, 2:3]).astype(np.float32)


def fitting_of(settings, x, y, **more):
    sizes = zip(settings.layers, settings.activations, strict=True)
    layers = [DenseLayer(n, a, dropout=settings.dropout) for n, a in sizes]
    plan = DensePlan(x.shape[1], (*layers, DenseLayer(1)), rule=settings.rule, rate=settings.rate, seed=settings.seed)
    rows = np.arange(len(x))
    return Fitting(plan, settings, x, y, rows[len(x) // 5 :], rows[: len(x) // 5], **more)


def ended(*words):
    """How a command that fails ends: its code, and what it says."""
    found = command(*words)
    return found.code, found.err


def bits(parameters):
    return [array.tobytes() for pair in parameters for array in pair]


@pytest.mark.parametrize("settings", [
    Settings(layers=(16, 8), epochs=30), Settings(layers=(8,), epochs=30, rule="nesterov", dropout=0.3, batch=None),
])  # fmt: skip
@pytest.mark.parametrize("at", [1, 7, 29])
def test_what_goes_on_from_a_file_ends_in_the_same_bits(settings, at, tmp_path):
    x, y = rows_of()
    whole = fit(fitting_of(settings, x, y))
    begun = fitting_of(settings, x, y)
    for _ in range(at):
        begun.work_epoch()
    save_checkpoint(tmp_path / "c", begun, fingerprint(begun))
    gone_on = fitting_of(settings, x, y, threads=2)
    resume(tmp_path / "c", gone_on, fingerprint(gone_on))
    found = fit(gone_on)
    assert bits(found.parameters) == bits(whole.parameters)
    assert found.epochs == whole.epochs
    assert found.best == whole.best


def test_an_interrupted_fit_leaves_a_file_to_go_on_from(tmp_path):
    settings, place = Settings(layers=(8,), epochs=40, patience=40), tmp_path / "c"

    def interrupt(now):
        if now.number == 23:
            raise KeyboardInterrupt

    whole = train_table(PENGUINS, "species", settings)
    with pytest.raises(KeyboardInterrupt):
        train_table(PENGUINS, "species", settings, report=interrupt, checkpoints=Checkpoints(place, 1e9))
    gone_on = train_table(PENGUINS, "species", settings, checkpoints=Checkpoints(place, resume=True))
    assert bits(gone_on.fitted.parameters) == bits(whole.fitted.parameters)
    with pytest.raises(DataError, match="of another run"):
        train_table(PENGUINS, "species", replace(settings, rate=0.1), checkpoints=Checkpoints(place, resume=True))
    with pytest.raises(DataError, match="of another run"):
        train_table(PENGUINS, "island", settings, checkpoints=Checkpoints(place, resume=True))


def test_bad_checkpoints(tmp_path, monkeypatch):
    place = tmp_path / "c"
    with pytest.raises(UsageError, match="nothing to go on from"):
        train_table(PENGUINS, "species", checkpoints=Checkpoints(place, resume=True))
    place.write_bytes(b"nothing" * 50)
    with pytest.raises(DataError, match="is not a checkpoint, or damaged"):
        train_table(PENGUINS, "species", checkpoints=Checkpoints(place, resume=True))
    x, y = rows_of(60)
    fitting = fitting_of(Settings(layers=(4,)), x, y)
    fitting.work_epoch()
    save_checkpoint(place, fitting, "mark")
    whole = place.read_bytes()
    for cut in (10, len(whole) // 2, len(whole) - 3):
        place.write_bytes(whole[:cut])
        with pytest.raises(DataError):
            resume(place, fitting, "mark")
    place.write_bytes(whole)
    for name in ("mmx", "NumPy"):  # the compiled engine would go on to other bits
        monkeypatch.setattr(run_module, "recorded_set", lambda _, name=name: name)
        with pytest.raises(DataError, match=f"instruction set {name}, which this machine lacks"):
            train_table(PENGUINS, "species", checkpoints=Checkpoints(place, resume=True))


def test_killed_at_any_moment_it_goes_on_to_the_same_bits(tmp_path):
    x, y = rows_of(2000)
    lines = "\n".join(",".join(f"{v!r}" for v in row) for row in np.column_stack([x, y]).astype(float).tolist())
    (tmp_path / "t.csv").write_text("a,b,c,d,y\n" + lines + "\n")
    words = [sys.executable, "-m", "backhand", "train", "t.csv", "--target", "y", "--epochs", "150", "--patience",
             "150", "--layers", "16,16", "--checkpoint-every", "0"]  # fmt: skip
    options = {"cwd": tmp_path, "env": environment(), "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    subprocess.run([*words, "--model", "whole.bhm"], check=True, **options)
    expected = load_file(tmp_path / "whole.bhm")
    for wait in (0.0, 0.15, 0.3):
        child = subprocess.Popen([*words, "--model", "m.bhm"], **options)
        while not (tmp_path / "m.checkpoint").exists() and child.poll() is None:
            time.sleep(0.005)
        time.sleep(wait)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        resumed = ["--resume"] if (tmp_path / "m.checkpoint").exists() else []
        subprocess.run([*words, "--model", "m.bhm", *resumed], check=True, **options)
        found = load_file(tmp_path / "m.bhm")
        assert all(found[name].tobytes() == expected[name].tobytes() for name in expected)
        os.unlink(tmp_path / "m.bhm")
        assert sorted(p.name for p in tmp_path.iterdir()) == ["t.csv", "whole.bhm"]


def test_where_numbers_run_away():
    x, y = rows_of()
    far = x.copy()
    far[222, 1] = 1e30
    with pytest.raises(NumberError, match=r"epoch 1, step \d+ .*: a partial is not finite in layer 1, row 223"):
        fit(fitting_of(Settings(layers=(8,), rule="sgd"), far, y))
    far[222, 1] = 3e38
    with pytest.raises(NumberError, match=r"epoch 1, step \d+ \(update \d+\): .* in layer [12], row 223"):
        fit(fitting_of(Settings(layers=(8,), rule="sgd"), far, y))


@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_the_step_that_is_named_is_the_first_that_runs_away(rule):
    """Worked again step by step: all before it are fine, it is not."""
    x, y = rows_of()
    settings = Settings(layers=(8,), rule=rule, rate=1e8 if rule == "adam" else 5.0, batch=16)
    with pytest.raises(NumberError) as caught:
        fit(fitting_of(settings, x, y))
    words = caught.value.message.replace(",", "").split()
    epoch, step = int(words[words.index("epoch") + 1]), int(words[words.index("step") + 1])
    assert epoch == 1
    again = fitting_of(settings, x, y)
    order = again.order(1)
    for number in range(1, step + 1):
        rows = order[(number - 1) * 16 : number * 16]
        try:
            cost = again.train(rows)
        except NumberError:
            cost = np.inf
        finite = all(np.isfinite(a).all() for pair in again.engine.get() for a in pair)
        assert (cost <= again.highest and finite) == (number < step)


def test_the_last_good_weights_are_kept():
    x, y = rows_of()
    fitting = fitting_of(Settings(layers=(8,), rule="sgd", rate=0.05, epochs=50), x, y)

    def spoil(now):
        if now.number == 5:  # the data change, so that earlier epochs cannot be worked again
            now.snapshot = 5, now.engine.get(), now.engine.get_state()
            now.x[250] = 1e25

    found = fit(fitting, spoil)
    assert found.divergence is not None
    assert (found.divergence.epoch, found.divergence.row) == (6, 251)
    assert len(found.epochs) == 5
    assert all(np.isfinite(a).all() for pair in found.parameters for a in pair)
    assert "row 251" in found.stopped


def kinds_found(plan, parameters, x, y, before=None):
    engine = CompiledNet(plan)
    engine.put(parameters)
    return {(finding.kind, finding.layer) for finding in diagnose(plan, before or engine.get(), engine, x, y)}


def test_what_hinders_learning_is_noticed():
    x, y = rows_of()
    random = np.random.default_rng(0)
    deep = DensePlan(4, (DenseLayer(6, "sigmoid"), DenseLayer(6, "sigmoid"), DenseLayer(1)))
    good_start = starting_parameters(deep, random, "glorot")
    assert kinds_found(deep, good_start, x, y) == set()
    far = [(w * 60, b) for w, b in good_start]
    assert ("saturated units", 1) in kinds_found(deep, far, x, y)
    same = [(np.full_like(w, 0.1), b) for w, b in good_start]
    assert {("identical units", 1), ("identical units", 2)} <= kinds_found(deep, same, x, y)
    ramp = DensePlan(4, (DenseLayer(6, "relu"), DenseLayer(1)))
    dead = starting_parameters(ramp, random, "he")
    dead[0][1][:3] = -100
    assert kinds_found(ramp, dead, x, y) == {("dead units", 1)}
    long = DensePlan(4, (*(DenseLayer(6, "sigmoid") for _ in range(9)), DenseLayer(1)))
    assert ("vanishing gradients", 1) in kinds_found(long, starting_parameters(long, random), x, y)
    steep = DensePlan(4, (*(DenseLayer(6) for _ in range(9)), DenseLayer(1)))
    grown = [(w * (1e-6 if k == 0 else 5), b) for k, (w, b) in enumerate(starting_parameters(steep, random, "glorot"))]
    assert ("exploding gradients", 1) in kinds_found(steep, grown, x, y)
    moved = [(w * 3, b) for w, b in good_start]
    assert ("large updates", 2) in kinds_found(deep, moved, x, y, good_start)
    hardly = [(w.astype(np.float32), b) for w, b in good_start]
    hardly[1][0][0, 0] = np.nextafter(hardly[1][0][0, 0], np.float32(9))
    assert kinds_found(deep, good_start, x, y, hardly) == {("small updates", 2)}


def test_it_is_told_once_and_changes_nothing():
    x, y = rows_of()
    settings = Settings(layers=(8,), epochs=12, patience=12)
    fitting = fitting_of(settings, x, y)
    fitting.engine.put([(np.full_like(w, 0.1), np.zeros_like(b)) for w, b in fitting.engine.get()])
    fit(fitting)
    assert [finding.kind for finding in fitting.findings].count("identical units") == 1
    plain = fitting_of(settings, x, y)
    plain._looks_closely = lambda number: False
    assert bits(fit(plain).parameters) == bits(fit(fitting_of(settings, x, y)).parameters)


def test_the_smallest_rate_that_does_nearly_as_well_is_found():
    x, y = rows_of(600)
    fitting = fitting_of(Settings(layers=(16,)), x, y)
    before = bits(fitting.engine.get())
    search = find_rate(fitting)
    assert bits(fitting.engine.get()) == before
    assert search.rates == RATES
    fall = search.start - min(search.costs)
    falls = {rate: search.start - cost for rate, cost in zip(RATES, search.costs, strict=True)}
    assert falls[search.best] >= 0.98 * fall
    assert all(falls[rate] < 0.98 * fall for rate in RATES if rate < search.best)
    assert 1e-4 < search.best < 0.5
    assert min(search.costs) < 0.5 * search.start
    slow = find_rate(fitting_of(Settings(layers=(16,), rule="sgd"), x, y))
    assert slow.costs[-1] > slow.costs[int(np.argmin(slow.costs))]


def test_weights_are_rows_that_count_more(tmp_path):
    """A weight of 3 is a row that stands there three times; steps over all rows, so that batches are the same."""
    random = np.random.default_rng(3)
    x, count = random.standard_normal((60, 3)), random.integers(1, 4, 60)
    y = x[:, :1] * x[:, 1:2]
    settings = Settings(layers=(5,), batch=None, epochs=20)
    plan = DensePlan(3, (DenseLayer(5, "tanh"), DenseLayer(1)), rule="momentum", rate=0.1)

    def fitted(x, y, weights):
        rows = np.arange(len(x))
        made = Fitting(plan, settings, x, y, rows, rows[:0], weights=weights, dtype="float64")
        return fit(made)

    one = fitted(x, y, count / count.mean())
    other = fitted(np.repeat(x, count, 0), np.repeat(y, count, 0), None)
    for a, b in zip(one.parameters, other.parameters, strict=True):
        assert np.allclose(a[0], b[0], atol=1e-12)
    assert [e.cost for e in one.epochs] == pytest.approx([e.cost for e in other.epochs], rel=1e-12)


def test_classes_that_count_the_same():
    random = np.random.default_rng(0)
    rare = np.r_[np.ones(20), np.zeros(380)]
    x = random.standard_normal((400, 2)) + 0.8 * rare[:, None]
    table = np.column_stack([x, rare])
    settings = Settings(layers=(4,), epochs=60, held_out=0.3)
    plain = train_table(table, "x3", settings, task="classification")
    even = train_table(table, "x3", settings, task="classification", class_weight="balanced")

    def found_rare(trained):
        is_rare = trained.true == 1
        return (trained.found.argmax(1)[is_rare] == 1).mean()

    assert plain.model.preparation.target.classes == ("0", "1")
    assert found_rare(even) > found_rare(plain)
    with pytest.raises(UsageError, match="class weights are for classes"):
        train_table(table, "x1", settings, class_weight="balanced")
    with pytest.raises(DataError, match="weights below 0"):
        train_table(table, "x3", settings, task="classification", weights="x1")


@pytest.mark.parametrize("target", ["species", "body_mass_g"])
def test_a_model_worked_by_hand_has_the_engines_partials(target, tmp_path):
    settings = Settings(layers=(6, 5), activation=("tanh", "relu"), epochs=8)
    trained = train_table(PENGUINS, target, settings)
    trained.model.save(tmp_path / "m.bhm")
    text, problem, said = model_problem(tmp_path / "m.bhm")
    assert any("is island=Biscoe" in line for line in said)
    plan = dense_problem(problem).plan
    assert (plan.layers, plan.cost, plan.sizes) == (
        tuple(replace(y, setting=plan.layers[k].setting) for k, y in enumerate(trained.model.plan.layers)),
        trained.model.plan.cost, trained.model.plan.sizes,
    )  # fmt: skip
    engine = CompiledNet(trained.model.plan, "float64")
    engine.put(trained.model.parameters)
    table = trained.table
    gradients = engine.row_gradients(trained.model.preparation.matrix(table), trained.model.preparation.targets(table))
    sheet = Sheet(parse(text, "m"), problem)
    for layer, name in ((0, "W1[2,3]"), (1, "W2[1,3]"), (2, "b3[1]")):
        work = sheet.why(name, row=17).to_dict()
        weights, biases = gradients[16][layer]
        entry = biases[0] if name[0] == "b" else weights[int(name[3]) - 1, int(name[5]) - 1]
        assert work["value"] == pytest.approx(float(entry), rel=1e-6, abs=1e-12)


def test_models_on_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("p.csv").write_text(PENGUINS.read_text("utf-8"), "utf-8")
    found = good("train", "p.csv", "--target", "species", "--layers", "3", "--epochs", "4", "--picture", "c.svg")
    assert "The course of the cost" in found
    assert "Confusion of the classes" in found
    assert "1 Adelie" in found
    assert "<polyline" in Path("c.svg").read_text("utf-8")
    assert "Path by path" in good("why", "species.bhm", "W2[1,3]", "--row", "17")
    assert "row 1" in good("show", "species.bhm")
    code, err = ended("why", "species.bhm", "W2[1,3]", "--data", "none.csv")
    assert (code, "is not there" in err) == (2, True)
    Path("p.csv").unlink()
    code, err = ended("show", "species.bhm")
    assert (code, "the data that species.bhm was trained on is not there: p.csv" in err) == (2, True)
    code, err = ended("show", "xor", "--data", "p.csv")
    assert (code, "--data gives rows to a model" in err) == (2, True)


def test_rates_and_ends_on_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = json.loads(
        good("train", str(PENGUINS), "--target", "body_mass_g", "--rate", "find", "--until", "0.3", "--json")
    )
    assert shown["record"]["settings"]["rate"] in RATES
    assert shown["record"]["stopped"] == "the cost is at most 0.3"
    assert shown["record"]["epochs"][-1][1] <= 0.3
    for words, said in (
        (["--rate", "0"], "is no rate"), (["--activation", "relu,tanh,relu"], "activation"),
        (["--picture", "c.png"], "no format of pictures"), (["--model", "m.pt"], "no model format"),
    ):  # fmt: skip
        code, err = ended("train", str(PENGUINS), "--target", "species", *words)
        assert (code, said in err) == (2, True), (words, err)


def test_a_model_of_yes_and_no_is_worked_by_hand(tmp_path):
    rows = "".join(f"{k},{'yes' if k % 3 else 'no'}\n" for k in range(12))
    (tmp_path / "rows.csv").write_text("size,sold\n" + rows)
    bh.train_table(tmp_path / "rows.csv", target="sold", layers=(3,), epochs=2).model.save(tmp_path / "sold.bhm")
    _text, problem, said = model_problem(tmp_path / "sold.bhm", tmp_path / "rows.csv")
    assert "y: y[1] is no, y[2] is yes" in said
    assert problem.table.columns["y"][:, 1].tolist() == [float(k % 3 > 0) for k in range(12)]


def test_sheets_are_trained_as_they_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("xor.bh").write_text(good("examples", "xor"), "utf-8")
    assert "300 epochs" in good("train", "xor.bh", "--epochs", "300")
    model = load_model(Path("xor.bhm"))
    expected = bh.read("xor.bh").show(epoch=301).to_dict()["steps"][0]
    problem = model.by_hand()
    assert {n.name: n.value.tolist() for n in problem.network.parameters} == {
        name: pytest.approx(np.array(value), rel=1e-9) for name, value in expected["update"]["before"].items()
    }
    Path("q.csv").write_text("x2,x1\n0,1\n1,1\n")
    lines = good("predict", "xor.bhm", "q.csv").splitlines()
    assert lines[0] == "p"
    assert [round(float(v)) for v in lines[1:]] == [1, 0]
    assert "row 1" in good("show", "xor.bhm")
    code, err = ended("train", "xor.bh", "--rate", "0.1")
    assert (code, "a sheet says itself how it is trained: --rate" in err) == (2, True)
    code, err = ended("train", "p.csv")
    assert (code, "what is to be predicted?" in err) == (2, True)
    Path("n.bh").write_text("input x; target y\ny2 = w*x\nw = 1\ncost C = mse(y2, y)\nrate 0.1\n")
    code, err = ended("train", "n.bh")
    assert (code, "no data" in err) == (2, True)


def test_a_model_of_another_instruction_set_says_so():
    trained = train_table(PENGUINS, "species", Settings(layers=(4,), epochs=2))
    x = trained.model.preparation.matrix(trained.table)
    expected = trained.model.outputs_of(x)
    other = replace(trained.model, record={**trained.model.record, "instruction_set": "mmx"})
    with pytest.warns(UserWarning, match="trained with the instruction set mmx, which this machine lacks"):
        assert np.allclose(other.outputs_of(x), expected, atol=1e-5)


def test_a_model_trained_with_numpy_says_so_where_the_engine_is_compiled():
    trained = train_table(PENGUINS, "species", Settings(layers=(4,), epochs=2))
    other = replace(trained.model, record={**trained.model.record, "instruction_set": "NumPy"})
    with pytest.warns(UserWarning, match="trained with NumPy: its predictions by .* may differ in the last digits"):
        other.outputs_of(trained.model.preparation.matrix(trained.table))


def test_weights_of_rows_enter_the_scores(tmp_path):
    random = np.random.default_rng(3)
    x, y, w = random.standard_normal(300), random.standard_normal(300), random.uniform(0, 3, 300)
    place = tmp_path / "t.csv"
    place.write_text("x,y,w\n" + "".join(f"{a},{a * a + b},{c}\n" for a, b, c in zip(x, y, w, strict=True)))
    trained = train_table(place, "y", Settings(layers=(4,), epochs=5), weights="w")
    true, found = (trained.model.preparation.target.back(a[:, 0]) for a in (trained.true, trained.found))
    counted = w[trained.held_out]
    figures = dict(trained.scores[0].figures)
    assert figures["R²"] == pytest.approx(r2_score(true, found, sample_weight=counted))
    assert figures["MAE"] == pytest.approx(mean_absolute_error(true, found, sample_weight=counted))
    linear = LinearRegression().fit(x[trained.training, None], (x * x + y)[trained.training], w[trained.training])
    expected = r2_score(true, linear.predict(x[trained.held_out, None]), sample_weight=counted)
    assert dict(trained.scores[2].figures)["R²"] == pytest.approx(expected, abs=1e-4)


def test_findings_of_one_kind_are_told_together():
    found = [Finding("saturated units", k, f"{90 + k}% saturated", "relu") for k in (3, 1, 2)]
    assert by_kind([*found, Finding("large updates", 4, "a step", "a smaller rate")]) == [
        "layer 1: 91% saturated (likewise in layers 2, 3); try relu", "layer 4: a step; try a smaller rate",
    ]  # fmt: skip


def test_charts():
    line = Series("a & b", (1.0, 10.0, 100.0), (5.0, float("nan"), 0.5))
    chart = Chart("title <1>", "epoch", "cost", (line, Series("c", (1.0, 50.0), (3.0, 2.0), line=False)), True, True)
    root = ElementTree.fromstring(pictures_svg([chart, chart]))
    tags = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert (tags.count("polyline"), tags.count("circle")) == (2, 4)
    texts = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert {"title <1>", "a & b", "epoch", "cost", "10", "100"} <= set(texts)
    lines = chart_lines(chart, width=60)
    assert max(map(len, lines)) <= 60
    assert lines[0] == "title <1> (cost)"
    assert sum(line.count("○") for line in lines[1:-1]) == 2
    flat = Chart("flat", "x", "y", (Series("s", (1.0,), (2.0,)),))
    assert chart_lines(flat)
    ElementTree.fromstring(pictures_svg([flat]))


def test_the_confusion_of_classes_is_drawn():
    grid = Grid("Who <is> who", "is", "taken for", ("a & b", "c"), ("a & b", "c"), ((9, 1), (0, 4)))
    root = ElementTree.fromstring(pictures_svg([Chart("t", "x", "y", ()), grid]))
    squares = [e for e in root.iter() if e.tag.endswith("rect") and e.get("stroke")]
    told = ["".join(square.itertext()) for square in squares]
    assert told == [f"is {i}, taken for {j}: {n}" for i, j, n in
                    (("a & b", "a & b", 9), ("a & b", "c", 1), ("c", "a & b", 0), ("c", "c", 4))]  # fmt: skip
    assert squares[3].get("fill") == "#3b6ea5"  # the whole of its row
    assert squares[2].get("fill") == "#ffffff"
    tall = float(root.get("height"))
    assert all(float(s.get("y")) + float(s.get("height")) + 360 <= tall for s in squares)
    head, numbers, *lines = grid_lines(grid, 60)
    assert (head, numbers.split()) == ("Who <is> who (line: is, column: taken for)", ["1", "2"])
    assert [line.split() for line in lines] == [["1", "a", "&", "b", "█9", "░1"], ["2", "c", "·", "█4"]]
    assert max(map(len, grid_lines(grid, 12)[1:])) <= 12


def test_a_trained_classifier_draws_its_confusion(tmp_path):
    trained = train_table(PENGUINS, "species", Settings(layers=(4,), epochs=30))
    grid = trained.document().pictures()[-1]
    assert grid.rows == ("Adelie", "Chinstrap", "Gentoo")
    assert sum(map(sum, grid.counts)) == len(trained.held_out)
    right = np.trace(np.array(grid.counts)) / len(trained.held_out)
    assert right == pytest.approx(dict(trained.scores[0].figures)["accuracy"])
