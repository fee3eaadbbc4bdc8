"""From a table to a model: columns told apart, nothing of the rows held out leaking, models whole in their files."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from test_cli import command, good

import backhand as bh
from backhand.errors import DataError, UsageError
from backhand.train.fit import Settings
from backhand.train.model import load_model
from backhand.train.prepare import prepare
from backhand.train.run import train_table
from backhand.train.split import split
from backhand.train.table import read_table

PENGUINS = Path(bh.__path__[0]) / "examples" / "penguins.csv"
SHORT = Settings(layers=(8,), epochs=5)


def kinds(table):
    return {c.name: c.kind for c in table.columns}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("a,b\n1.5,x\n2.5,y\n", [1.5, 2.5]),
        ("a;b\n1,5;x\n2,5;y\n", [1.5, 2.5]),
        ("a\tb\n1.5\tx\n2.5\ty\n", [1.5, 2.5]),
        ('a|b\n"1.5"|"x"\n2.5|"y|z"\n', [1.5, 2.5]),
        ('"a";"b"\n"1.234,5";"x"\n'.replace("1.234,5", "1234,5") + '"2,5";"y"\n', [1234.5, 2.5]),
    ],
)
def test_delimiters_and_decimal_commas(text, numbers, packed, tmp_path):
    path = tmp_path / ("data.csv.gz" if packed else "data.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    table = read_table(path)
    assert kinds(table) == {"a": "number", "b": "category"}
    assert table.numbers("a").tolist() == numbers


def test_kinds_of_columns(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("n,yes,day,word,gap\n1,yes,2020-01-02,a,1\n2,no,2020-01-03,b,\n3,yes,2020-01-05,a,NA\n")
    table = read_table(path)
    assert kinds(table) == {"n": "number", "yes": "boolean", "day": "date", "word": "category", "gap": "number"}
    assert table.column("gap").missing == 2
    assert table.column("word").categories == ("a", "b")
    assert np.diff(table.numbers("day")).tolist() == [1, 2]


def test_frames_and_arrays_are_tables_too():
    frame = pl.read_csv(PENGUINS)
    assert kinds(read_table(frame)) == kinds(read_table(PENGUINS))
    assert kinds(read_table(np.ones((3, 2)))) == {"x1": "number", "x2": "number"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"a,b\n", "no rows"),
        (b"a,b\n1,2\n1,2,3\n", "no table that can be read"),
        (b"\x1f\x8bnot gzip", "cannot read"),
        (b"PAR1 and more", "no rows|no table"),
    ],
)
def test_files_that_are_no_tables(content, said, tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    with pytest.raises((DataError, UsageError), match=said):
        read_table(path)


def test_nothing_is_learnt_from_the_rows_held_out():
    frame = pl.DataFrame({"x": [1.0, 2.0, 3.0, 1000.0], "c": ["a", "b", "a", "z"], "t": [1.0, 2.0, 3.0, 900.0]})
    table = read_table(frame)
    found = prepare(table, "t", np.array([0, 1, 2]))
    assert found.columns[0].mean == 2.0
    assert found.columns[0].spread == pytest.approx(np.std([1, 2, 3]))
    assert found.columns[1].categories == ("a", "b")
    assert found.target.mean == 2.0
    assert found.matrix(table)[3, 1:].tolist() == [0, 0]  # a category never seen before


@pytest.mark.parametrize(("how", "filled"), [("mean", 2.0), ("median", 1.0)])
def test_missing_values(how, filled):
    table = read_table(pl.DataFrame({"x": [1.0, None, 1.0, 4.0], "t": [1.0, 2.0, 3.0, 4.0]}))
    with pytest.raises(DataError, match="`x` 1 of 4 rows"):
        train_table(table, "t", SHORT)
    found = prepare(table, "t", np.arange(4), missing=how)
    assert found.matrix(table)[1, 0] == pytest.approx((filled - 2.0) / np.std([1, 1, 4]))
    shown = prepare(table, "t", np.arange(4), missing="indicator")
    assert shown.inputs == ("x", "x missing")
    assert shown.matrix(table)[:, 1].tolist() == [0, 1, 0, 0]
    assert train_table(table, "t", SHORT, missing="drop").table.rows == 3


def test_splits():
    random, classes = np.random.default_rng(0), np.repeat([0, 1], [90, 10])
    training, held_out = split(100, 0.2, random, classes)
    assert np.bincount(classes[held_out]).tolist() == [18, 2]
    assert sorted([*training, *held_out]) == list(range(100))
    late = split(10, 0.3, random, by=np.arange(10)[::-1])[1]
    assert late.tolist() == [0, 1, 2]
    with pytest.raises(DataError, match="cannot be split"):
        split(1, 0.2, random)


@pytest.mark.parametrize(("target", "figure", "least"), [("species", "accuracy", 0.97), ("body_mass_g", "R²", 0.8)])
def test_real_penguins(target, figure, least, tmp_path):
    found = train_table(PENGUINS, target)
    network, plain, *_ = (dict(score.figures) for score in found.scores)
    assert network[figure] > least > plain[figure]
    place = tmp_path / "m.bhm"
    found.model.save(place)
    again = load_model(place)
    table = read_table(PENGUINS)
    assert (again.predict(table) == found.model.predict(table)).all()
    assert again.record["rows"] == 333


def test_the_same_seed_gives_the_same_bits():
    one, two = (train_table(PENGUINS, "species", SHORT).model.parameters for _ in range(2))
    assert all(np.array_equal(a, b) for p, q in zip(one, two, strict=True) for a, b in zip(p, q, strict=True))
    other = train_table(PENGUINS, "species", replace(SHORT, seed=1)).model.parameters
    assert not np.array_equal(one[0][0], other[0][0])


def test_the_best_epoch_is_kept():
    found = train_table(PENGUINS, "body_mass_g", Settings(layers=(64,), rate=0.03, epochs=60, patience=5))
    costs = [e.validation for e in found.fitted.epochs]
    assert found.fitted.best == 1 + int(np.argmin(costs)) <= len(costs) - 5
    held = dict(found.scores[0].figures)["RMSE"] / found.model.preparation.target.spread
    assert held**2 == pytest.approx(min(costs), rel=1e-4)


def test_damaged_and_hostile_models(tmp_path):
    place = tmp_path / "m.bhm"
    train_table(PENGUINS, "species", SHORT).model.save(place)
    whole = place.read_bytes()
    size = int.from_bytes(whole[:8], "little")
    head = json.loads(whole[8 : 8 + size])
    inner = json.loads(head["__metadata__"]["backhand"])
    inner["plan"]["inputs"] = 1 << 40
    head["__metadata__"]["backhand"] = json.dumps(inner)
    told = json.dumps(head).encode()
    other = whole.replace(b"backhand.model/1", b"backhand.model/9")
    huge = len(told).to_bytes(8, "little") + told + whole[8 + size :]
    for content in (b"", whole[:100], whole[:-10], b"\xff" * 64, other, huge):
        place.write_bytes(content)
        with pytest.raises((DataError, UsageError)):
            load_model(place)


def test_train_and_predict_from_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = good("train", str(PENGUINS), "--target", "species", "--epochs", "5", "--layers", "8")
    assert "333 rows; 266 for training, 67 held out. species is one of 3 classes" in page
    assert "10 → 8 → 3" in page
    lines = good("predict", "species.bhm", str(PENGUINS)).splitlines()
    assert lines[0] == "species"
    assert len(lines) == 334
    good("predict", "species.bhm", str(PENGUINS), "-o", "out.csv")
    assert Path("out.csv").read_text().splitlines() == lines
    Path("less.csv").write_text("island,year\nDream,2007\n")
    ended = command("predict", "species.bhm", "less.csv")
    assert ended.code == 2
    assert "lacks the columns `bill_length_mm`" in ended.err
    assert command("train", str(PENGUINS), "--target", "specie").code == 2
    assert "did you mean `species`?" in command("train", str(PENGUINS), "--target", "specie").err


def test_costs_of_their_task():
    with pytest.raises(UsageError, match="`mse` is no cost of a classification"):
        train_table(PENGUINS, "species", replace(SHORT, cost="mse"))
    with pytest.raises(UsageError, match="`cross_entropy` is no cost of a regression"):
        train_table(PENGUINS, "body_mass_g", replace(SHORT, cost="cross_entropy"))
    for cost in ("mse", "sse", "mae", "huber", "poisson"):
        trained = train_table(PENGUINS, "body_mass_g", Settings(layers=(16,), cost=cost, epochs=60))
        assert dict(trained.scores[0].figures)["R²"] > 0.7, cost
    assert (trained.model.preparation.target.back(trained.found) > 0).all()
    with pytest.raises(DataError, match="below 0, which poisson cannot have"):
        train_table(np.array([[1.0, -1.0], [2.0, 3.0], [0.0, 1.0]]), "x2", replace(SHORT, cost="poisson"))
