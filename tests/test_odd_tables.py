"""Tables, models and checkpoints as people have them, and as nobody should: what is said of each."""

import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save
from test_cli import command, good

import backhand as bh
from backhand.errors import DataError, UsageError
from backhand.train import run as run_module
from backhand.train.fit import Settings
from backhand.train.model import load_model
from backhand.train.run import Checkpoints, train_table
from backhand.train.table import read_table

PENGUINS = Path(bh.__path__[0]) / "examples" / "penguins.csv"
SHORT = Settings(layers=(4,), epochs=3)


def table_of(text, tmp_path):
    place = tmp_path / "t.csv"
    place.write_bytes(text if isinstance(text, bytes) else text.encode())
    return place


def test_columns_whose_first_thousand_rows_say_too_little(tmp_path):
    lines = [
        f"{'' if k < 1200 else k / 4},{k},{k if k < 1500 else k + 0.5},{'7' if k < 1100 else 'x'}" for k in range(2000)
    ]
    table = read_table(table_of("late,whole,then,text\n" + "\n".join(lines) + "\n", tmp_path))
    assert [column.kind for column in table.columns] == ["number", "number", "number", "category"]
    assert table.numbers("late")[1200:].tolist() == [k / 4 for k in range(1200, 2000)]
    assert table.column("late").missing == 1200
    assert table.numbers("then")[1999] == 1999.5
    assert table.column("text").categories == ("7", "x")


def rows(line, count=40):
    return "".join(line(k) + "\n" for k in range(count))


@pytest.mark.parametrize(
    ("text", "target", "said"),
    [
        ("a,a,y\n" + rows(lambda k: f"{k},1,{k}"), "y", "two columns called `a`"),
        ("a,y\n1,2\n3,4,5\n", "y", "line 3 has 3 values"),
        ("a,y\n\n\n", "y", "has no rows"),
        ("a,y\r1,2\r3,4\r", "y", "by CR"),
        ("a,y\n1,2\n".encode("utf-16"), "y", "UTF-16"),
        ("a,y\nä,2\n".encode("latin-1"), "y", "is not UTF-8"),
        ("a,y\n" + rows(lambda k: f"{k},7"), "y", "`y` is 7 in every row"),
        ("a,y\n" + rows(lambda k: f"{(-1) ** k}e300,{k}"), "y", "too large to be standardised"),
        ("a,y\n" + rows(lambda k: f"{k},{k}") + "inf,3\n", "y", "is not finite in row 41"),
        ("a,b,y\n" + rows(lambda k: f"{k},,{k}"), "y", "values are missing in t.csv: `b` 40 of 40 rows"),
        ("a,y\n" + rows(lambda k: f"{k},{k if k else ''}"), "y", "--missing drop leaves such rows out"),
        ("a,y\n1,2\n", "y", "1 row cannot be split"),
        ("y\n" + rows(str), "y", "no columns besides `y`"),
    ],
)
def test_tables_that_cannot_be_trained_on(text, target, said, tmp_path):
    ended = command("train", str(table_of(text, tmp_path)), "--target", target, "--model", str(tmp_path / "m.bhm"))
    assert ended.code in (1, 2)
    assert said in ended.err
    assert "bug" not in ended.err
    assert not (tmp_path / "m.bhm").exists()


def test_a_column_without_a_name_and_empty_lines(tmp_path):
    """As `to_csv` of pandas writes them: the number of the row stands first, without a name."""
    text = ",b,y\n" + rows(lambda k: f"{k},{k % 7},{k % 5}\n")
    trained = train_table(table_of(text, tmp_path), "y", SHORT)
    assert [column.name for column in trained.table.columns] == ["column 1", "b", "y"]
    assert trained.table.rows == 40
    trained.model.save(tmp_path / "m.bhm")
    assert len(good("predict", str(tmp_path / "m.bhm"), str(tmp_path / "t.csv")).splitlines()) == 41


def test_what_is_nearly_numbers_is_told(tmp_path):
    text = "a,id,y\n" + rows(lambda k: f"{'$3.10' if k == 30 else k},x{k},{k % 4}.5")
    shown = str(bh.train_table(table_of(text, tmp_path), "y", layers=(4,), epochs=2))
    assert "nearly all numbers, and text because of '$3.10' in row 31" in shown
    assert "nearly every row has a text of its own" in shown


def test_a_thousands_separator_is_no_decimal_comma(tmp_path):
    model = str(tmp_path / "m.bhm")
    train_table(table_of("a,y\n" + rows(lambda k: f"{k},{k % 5}"), tmp_path), "y", SHORT).model.save(model)
    ended = command("predict", model, str(table_of('a\n"1,500"\n', tmp_path)))
    assert ended.code == 2
    assert "`a` has '1,500' in row 1 of t.csv" in ended.err


@pytest.mark.parametrize("words", [("no", "yes"), ("False", "True"), ("N", "Y")])
def test_labels_come_back_as_they_were_spelled(words, tmp_path):
    text = "a,y\n" + rows(lambda k: f"{k},{words[k > 19]}")
    trained = train_table(table_of(text, tmp_path), "y", Settings(layers=(8,), epochs=100, rate=0.05))
    assert set(trained.model.predict(tmp_path / "t.csv").tolist()) == set(words)
    trained.model.save(tmp_path / "m.bhm")
    said = good("predict", str(tmp_path / "m.bhm"), str(tmp_path / "t.csv")).split()
    assert set(said[1:]) == set(words)


def test_a_date_that_is_predicted_is_a_date(tmp_path):
    text = "a,y\n" + rows(lambda k: f"{k},2021-{k % 12 + 1:02}-{k % 28 + 1:02}")
    trained = train_table(table_of(text, tmp_path), "y", SHORT)
    trained.model.save(tmp_path / "m.bhm")
    lines = good("predict", str(tmp_path / "m.bhm"), str(tmp_path / "t.csv")).splitlines()
    assert all(line.startswith(("2021-", "2020-", "2022-")) for line in lines[1:])
    assert "a date, 2021-" in str(trained.document().parts)


def edited(place, path, value):
    """A model file with another value in its head."""
    content = place.read_bytes()
    size = int.from_bytes(content[:8], "little")
    head = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["backhand"])
    inner = head
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return save(load(content), {"backhand": json.dumps(head)})


@pytest.mark.parametrize("value", ["x", None, 10**400, float("nan"), float("inf"), -1, [1], {}, True])
@pytest.mark.parametrize("path", [
    ("preparation", "columns", 1, "mean"), ("preparation", "columns", 1, "spread"),
    ("preparation", "columns", 1, "name"), ("preparation", "columns", 0, "categories"),
    ("preparation", "target", "kind"), ("preparation", "target", "spread"),
    ("preparation", "target", "classes"), ("preparation", "target", "task"), ("plan", "rate"), ("plan", "inputs"),
    ("plan", "layers"), ("record", "choices"), ("record", "settings"), ("plan", "cost"), ("sheet",),
])  # fmt: skip
def test_models_that_were_changed(path, value, tmp_path):
    place = tmp_path / "m.bhm"
    train_table(PENGUINS, "species", SHORT).model.save(place)
    place.write_bytes(edited(place, path, value))
    if (path[-1], value) in (("mean", -1), ("name", "x"), ("choices", {})):
        assert load_model(place)  # which may be so
        return
    with pytest.raises((DataError, UsageError)):
        load_model(place)


def test_checkpoints_that_were_changed(tmp_path):
    place, given = tmp_path / "c", {"checkpoints": Checkpoints(tmp_path / "c", 0)}
    train_table(PENGUINS, "species", SHORT, **given)
    content = place.read_bytes()
    for path, value in (("best", 99), ("epochs", []), ("count", 3), ("seconds", 1), ("instruction_set", "sse2")):
        place.write_bytes(content)
        place.write_bytes(edited(place, (path,), value))
        with pytest.raises(DataError, match="its sum is another"):
            train_table(PENGUINS, "species", SHORT, checkpoints=Checkpoints(place, resume=True))


def test_ctrl_c_while_the_model_is_judged_loses_nothing(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, "scores", interrupted)
    place = tmp_path / "c"
    with pytest.raises(KeyboardInterrupt):
        train_table(PENGUINS, "species", SHORT, checkpoints=Checkpoints(place, 1e9))
    monkeypatch.undo()
    found = train_table(PENGUINS, "species", SHORT, checkpoints=Checkpoints(place, resume=True))
    whole = train_table(PENGUINS, "species", SHORT)
    for a, b in zip(found.model.parameters, whole.model.parameters, strict=True):
        assert (a[0] == b[0]).all()


def test_places_are_tried_before_the_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words in (["--model", "none/m.bhm"], ["--picture", "none/p.svg"], ["-o", "none/p.md"]):
        ended = command("train", str(PENGUINS), "--target", "species", *words)
        assert ended.code == 2
        assert "there is no folder none" in ended.err
        assert list(tmp_path.iterdir()) == []


def test_pipes_are_written_into_and_links_followed(tmp_path):
    train_table(PENGUINS, "species", SHORT).model.save(tmp_path / "m.bhm")
    pipe, link, target = tmp_path / "pipe", tmp_path / "link.csv", tmp_path / "target.csv"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    good("predict", str(tmp_path / "m.bhm"), str(PENGUINS), "-o", str(pipe))
    reader.join()
    assert len(read[0].splitlines()) == 334
    target.write_text("old")
    link.symlink_to(target)
    good("predict", str(tmp_path / "m.bhm"), str(PENGUINS), "-o", str(link))
    assert link.is_symlink()
    assert target.read_text() == read[0]


def test_one_row_held_out_has_no_r2(tmp_path):
    text = "a,y\n" + rows(lambda k: f"{k},{k * 2}", 4)
    words = ["train", str(table_of(text, tmp_path)), "--target", "y", "--model", str(tmp_path / "m.bhm")]
    words += ["--epochs", "2"]
    assert json.loads(good(*words, "--json"))["scores"]["the network"]["R²"] is None
    assert "–" in good(*words)


def test_numbers_of_updates_and_costs(tmp_path):
    words = ["train", str(PENGUINS), "--target", "body_mass_g", "--model", str(tmp_path / "m.bhm"), "--epochs", "2"]
    shown = json.loads(good(*words, "--update", "momentum 0.8", "--cost", "huber 2", "--json"))
    settings = shown["record"]["settings"]
    assert (settings["rule"], settings["numbers"], settings["cost"], settings["cost_setting"]) == (
        "momentum", [0.8], "huber", 2.0,
    )  # fmt: skip
    plan = load_model(tmp_path / "m.bhm").plan
    assert (plan.numbers, plan.cost_setting) == ((0.8,), 2.0)
    for wrong in (["--update", "momentum x"], ["--cost", "mse 3"], ["--update", "adam 1 2 3 4"], ["--until", "nan"]):
        assert command(*words, *wrong).code == 2
    with pytest.raises(UsageError, match="both the target and left out"):
        train_table(PENGUINS, "species", replace(SHORT), ignore=("species",))
    assert np.isfinite(plan.rate)
