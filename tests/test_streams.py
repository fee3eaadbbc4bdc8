"""Tables that stay in their file: the same columns, numbers and predictions as of tables that are read whole."""

import datetime
import gzip

import numpy as np
import polars as pl
import pytest
from test_cli import command, good

from backhand.errors import DataError
from backhand.train import stream
from backhand.train.fit import Settings
from backhand.train.prepare import prepare
from backhand.train.run import train_table
from backhand.train.stream import batches, open_table
from backhand.train.table import read_table


def mixed(count=3000, gaps=False):
    random = np.random.default_rng(0)
    day = datetime.date(2020, 1, 1)
    frame = pl.DataFrame({
        "number": random.normal(1e4, 3, count), "whole": random.integers(0, 9, count),
        "place": [f'p "{k}", line\nbreak' for k in random.integers(0, 4, count)],
        "yes": [("yes", "no")[k] for k in random.integers(0, 2, count)],
        "day": [day + datetime.timedelta(int(k)) for k in random.integers(0, 900, count)],
        "y": random.normal(size=count),
    })  # fmt: skip
    if gaps:
        holes = random.random((count, 3)) < 0.1
        frame = frame.with_columns(
            pl.when(pl.Series(~holes[:, k])).then(pl.col(name)).otherwise(None).alias(name)
            for k, name in enumerate(("number", "place", "yes"))
        )
    return frame


def written(frame, form, path):
    if form == "parquet":
        frame.write_parquet(path / "t.parquet")
        return path / "t.parquet"
    text = frame.write_csv(separator=";" if form == "semicolon" else ",")
    place = path / ("t.csv.gz" if form == "gzip" else "t.csv")
    place.write_bytes(gzip.compress(text.encode()) if form == "gzip" else text.encode())
    return place


@pytest.mark.parametrize("form", ["csv", "semicolon", "gzip", "parquet"])
@pytest.mark.parametrize("missing", ["refuse", "mean", "median", "indicator", "drop"])
def test_a_table_in_its_file_is_the_same_table(form, missing, tmp_path, monkeypatch):
    place = written(mixed(gaps=missing != "refuse"), form, tmp_path)
    whole = read_table(place)
    monkeypatch.setattr(stream, "LARGE", 0)
    monkeypatch.setattr(stream, "LARGE_PACKED", 0)
    monkeypatch.setattr(stream, "BYTES", 5000)
    monkeypatch.setattr(stream, "ROWS", 170)
    large = open_table(place)
    assert large.columns == whole.columns
    if missing == "drop":
        names = [column.name for column in whole.columns]
        whole, large = whole.without_gaps(names), large.without_gaps(names)
        assert large.columns == whole.columns
    rows = np.arange(0, whole.rows, 2)
    one, other = (prepare(table, "y", rows, None, missing) for table in (whole, large))
    assert other.inputs == one.inputs
    for a, b in zip(one.columns, other.columns, strict=True):
        assert (a.name, a.kind, a.categories, a.indicator) == (b.name, b.kind, b.categories, b.indicator)
        assert (b.mean, b.spread, b.fill or 0) == pytest.approx((a.mean, a.spread, a.fill or 0), rel=1e-6)
    assert np.allclose(other.matrix(large), one.matrix(whole), atol=1e-5)
    assert (other.targets(large) == one.targets(whole)).all()


def test_text_that_comes_late_makes_a_column_text(tmp_path, monkeypatch):
    place = tmp_path / "t.csv"
    place.write_text("a,b\n" + "".join(f"{k},{k % 2}\n" for k in range(20_000)) + "none,1\n")
    monkeypatch.setattr(stream, "LARGE", 0)
    monkeypatch.setattr(stream, "BYTES", 5000)
    table = open_table(place)
    assert (table.column("a").kind, len(table.column("a").categories), table.rows) == ("category", 20_001, 20_001)
    assert table.column("b").kind == "number"


@pytest.mark.parametrize("form", ["csv", "gzip", "parquet"])
def test_predictions_some_rows_at_a_time(form, tmp_path, monkeypatch):
    trained = train_table(written(mixed(), "csv", tmp_path), "y", Settings(layers=(4,), epochs=2))
    trained.model.save(tmp_path / "m.bhm")
    frame = mixed().sample(fraction=1, shuffle=True, seed=3).drop("y").select(pl.all().reverse())
    place = written(frame.select(sorted(frame.columns)), form, tmp_path)
    expected = trained.model.predict(read_table(place))
    monkeypatch.setattr(stream, "BYTES", 5000)
    monkeypatch.setattr(stream, "ROWS", 170)
    good("predict", str(tmp_path / "m.bhm"), str(place), "-o", str(tmp_path / "out.csv"))
    found = pl.read_csv(tmp_path / "out.csv")
    assert found.columns == ["y"]
    assert found["y"].to_numpy() == pytest.approx(expected, abs=1e-6)


def test_what_cannot_be_predicted(tmp_path):
    trained = train_table(written(mixed(), "csv", tmp_path), "y", Settings(layers=(4,), epochs=2))
    trained.model.save(tmp_path / "m.bhm")
    place, model = tmp_path / "q.csv", str(tmp_path / "m.bhm")

    def said(frame):
        frame.write_csv(place)
        ended = command("predict", model, str(place), "-o", str(tmp_path / "out.csv"))
        assert ended.code in (1, 2)
        assert not (tmp_path / "out.csv").exists()
        return ended.err

    frame = mixed(50)
    assert "q.csv lacks the columns `place`, `day`" in said(frame.drop("place", "day"))
    text = frame.with_columns(pl.col("number").cast(pl.String))
    text[30, "number"] = "twelve"
    assert "`number` has 'twelve' in row 31 of q.csv" in said(text)
    text[30, "number"] = None
    assert "`number` has no value in 1 row of q.csv, the first is row 31" in said(text)
    text[30, "number"] = "1e999"
    assert "`number` is not finite in row 31 of q.csv" in said(text)
    place.write_bytes(b"\x00\xff" * 100)
    assert command("predict", model, str(place)).code == 2
    assert command("predict", model, str(tmp_path / "none.csv")).code == 2
    empty = mixed(1).clear()
    empty.write_csv(place)
    assert good("predict", model, str(place)) == "y\n"


def test_decimal_commas_and_classes(tmp_path):
    (tmp_path / "t.csv").write_text("a;b;c\n" + "".join(f"{k},5;{k % 3};{'xyz'[k % 3]}\n" for k in range(60)))
    good("train", str(tmp_path / "t.csv"), "--target", "c", "--model", str(tmp_path / "m.bhm"), "--layers", "4")
    lines = good("predict", str(tmp_path / "m.bhm"), str(tmp_path / "t.csv"), "--shares").splitlines()
    assert lines[0] == "c,share of x,share of y,share of z"
    assert len(lines) == 61
    shares = np.array([[float(v) for v in line.split(",")[1:]] for line in lines[1:]])
    assert shares.sum(1) == pytest.approx(np.ones(60), abs=1e-6)


def test_a_file_that_ends_within_quotes(tmp_path):
    (tmp_path / "t.csv").write_text('a,b\n1,"x\n2,y\n')
    with pytest.raises(DataError):
        list(batches(tmp_path / "t.csv", {"a": "number", "b": "category"}))
