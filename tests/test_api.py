"""Backhand in Python: DESIGN.md's snippet, immutable results, and errors that say what to do."""

import dataclasses
import io
import json
import pickle
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import backhand as bh
from backhand.errors import (
    BackhandError,
    DataError,
    MissingValues,
    NameProblem,
    NumberError,
    ShapeProblem,
    SheetError,
    SyntaxProblem,
    UsageError,
)

EXAMPLES = Path(bh.__file__).parent / "examples"
PRICE = EXAMPLES / "price.bh"
LINE = "input x\ntarget yd\ny = w*x\ncost J = mean((y - yd)^2)\nw = 1\nrate 0.1\ndata\nx, yd\n1, 2\n2, 5\n"


@pytest.fixture(scope="module")
def work():
    return bh.read(PRICE).show(epochs=2)


# --- reading -------------------------------------------------------------------------------------------


def test_the_snippet_of_the_design(work):
    sheet = bh.read(str(PRICE))
    work = sheet.show()
    assert work.rows[0].values["z3"] == 35.104
    found = work.why("w5", row=1)
    assert found.value == pytest.approx(-224.3748 * 0.9 * 3.13, rel=1e-14)
    assert bh.layers(2, 3, 1, activation="sigmoid").network.parameter_count == 13


def test_read_takes_a_path_or_the_text_itself(tmp_path):
    text = PRICE.read_text("utf-8")
    from_path, from_name, from_text = bh.read(PRICE), bh.read(str(PRICE)), bh.read(text)
    assert from_path.write() == from_name.write() == from_text.write()
    assert from_path.title == "Price of a stay from its rating and its distance"
    one_line = bh.read("y = w^2; cost C = y; w = 3; rate 0.1")  # an `=` makes it a text
    assert one_line.show().cost == 9
    (tmp_path / "bom.bh").write_bytes(b"\xef\xbb\xbf" + LINE.encode())
    assert bh.read(tmp_path / "bom.bh").show().cost == 5
    with pytest.raises(UsageError, match="cannot read"):
        bh.read(tmp_path / "none.bh")
    with pytest.raises(UsageError):
        bh.read("none.bh")


def test_data_from_is_looked_for_beside_the_sheet(tmp_path):
    (tmp_path / "rows.csv").write_text("x,yd\n1,2\n2,5\n")
    (tmp_path / "line.bh").write_text(LINE.split("data\n")[0] + 'data from "rows.csv"\n')
    assert bh.read(tmp_path / "line.bh").show().cost == bh.read(LINE).show().cost == 5


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.bh")), ids=lambda p: p.stem)
def test_what_is_written_reads_as_the_same_network(path):
    from backhand.api import from_text

    sheet = bh.read(path)
    again = from_text(sheet.write(), folder=path.parent)
    assert again.write() == sheet.write()
    assert again == sheet
    assert hash(again) == hash(sheet)
    assert again.show().to_dict() == sheet.show().to_dict()


def test_layers_without_any_text():
    sheet = bh.layers(4, 8, 8, 2, activation="tanh", output="softmax", start="xavier", seed=3)
    assert [p.shape for p in sheet.network.parameters] == [(8, 4), (8,), (8, 8), (8,), (2, 8), (2,)]
    assert sheet.network.parameter_count == 40 + 72 + 18
    same = bh.layers(4, 8, 8, 2, activation="tanh", output="softmax", start="xavier", seed=3)
    assert same == sheet
    assert same.show().to_dict()["parameters"] == sheet.show().to_dict()["parameters"]
    assert sheet.show().steps == ()  # no data: nothing to calculate
    assert sheet.show().cost is None
    for sizes in ((), (3,), (3, 0), (3, -1), (3, 2.0), (3, True), ("3", 1)):
        with pytest.raises(UsageError):
            bh.layers(*sizes)
    with pytest.raises(BackhandError):
        bh.layers(2, 2, 1, activation="sigmoyd")


def test_importing_costs_nothing():
    program = "import sys, backhand; print(sorted({'numpy', 'lark', 'rich', 'click'} & set(sys.modules)))"
    code = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert code.stdout == "[]\n"
    with pytest.raises(AttributeError, match="nonsense"):
        _ = bh.nonsense
    assert set(bh.__all__) <= {*dir(bh), *bh.__all__}
    assert all(getattr(bh, name) for name in bh.__all__)


# --- results -------------------------------------------------------------------------------------------


def test_what_a_run_gives(work):
    assert [s.epoch for s in work.steps] == [1, 2]
    assert work.cost == work.steps[0].cost == pytest.approx(13924.44962372, rel=1e-14)
    assert [r.row for r in work.rows] == [1, 2, 3]
    assert work.rows[0].inputs == {"R": 3.5, "D": 0.2, "Price": 157}
    assert work.gradients["w5"] == work.steps[0].gradients["w5"]
    assert len(work.gradients["z1"]) == 3
    assert repr(work) == f"<Work: 2 steps, cost {work.cost}>"
    vectors = bh.read(EXAMPLES / "two-three-one.bh").show()
    assert vectors.rows[0].values["z1"] == pytest.approx((-0.2, 0.3, 0.2))
    assert isinstance(vectors.rows[0].gradients["W1"][2], tuple)


def assignments(work):
    why = work.why("w5")
    check = bh.read(LINE).gradcheck()
    sheet = bh.read(LINE)
    return [
        (sheet, "statements"), (sheet, "problem"), (sheet.network, "title"), (sheet.problem, "plan"), (work, "run"),
        (work, "problem"), (work.run, "steps"), (work.steps[0], "step"), (work.rows[0], "position"),
        (why, "derivation"), (why.derivation, "value"), (why.paths[0], "value"), (why.paths[0].factors[0], "value"),
        (check, "check"), (check.check, "cost"), (work.document(), "parts"), (work.document().parts[0], "text"),
    ]  # fmt: skip


def test_nothing_can_be_assigned(work):
    for thing, name in assignments(work):
        with pytest.raises((dataclasses.FrozenInstanceError, AttributeError)):
            setattr(thing, name, None)


def mappings(value, depth=0):
    """Every mapping inside of a result."""
    if isinstance(value, Mapping):
        yield value
    if dataclasses.is_dataclass(value) and depth < 6:
        for field in dataclasses.fields(value):
            yield from mappings(getattr(value, field.name), depth + 1)
    elif isinstance(value, Mapping | tuple) and depth < 6:
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from mappings(part, depth + 1)


def arrays(value, depth=0):
    """Every array inside of a result."""
    if isinstance(value, np.ndarray):
        yield value
    elif dataclasses.is_dataclass(value) and depth < 8:
        for field in dataclasses.fields(value):
            yield from arrays(getattr(value, field.name), depth + 1)
    elif isinstance(value, Mapping | tuple) and depth < 8:
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from arrays(part, depth + 1)


def test_mappings_are_read_only(work):
    row, step = work.rows[0], work.steps[0]
    for mapping in (row.values, row.inputs, row.gradients, step.gradients, work.gradients, work.problem.network.nodes):
        with pytest.raises(TypeError):
            mapping["z1"] = 0.0
        with pytest.raises((TypeError, AttributeError)):
            mapping.clear()


@pytest.mark.parametrize("name", ["price", "cache", "curve", "bias-neurons"])
def test_arrays_are_read_only(name):
    found = list(arrays(bh.read(EXAMPLES / f"{name}.bh").show(epochs=2)))
    assert found
    for array in found:
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_changing_plain_data_changes_nothing(work):
    data = work.to_dict()
    before = json.dumps(data)
    data["steps"][0]["rows"][0]["values"]["z1"] = None
    data["parameters"].clear()
    assert json.dumps(work.to_dict()) == before


def test_why_gives_what_the_run_gives():
    for path in sorted(EXAMPLES.glob("*.bh")):
        sheet = bh.read(path)
        if sheet.network.in_letters or path.stem == "penguins":
            continue
        work = sheet.show()
        for node in sheet.network.parameters:
            whole = np.asarray(work.gradients[node.name])
            close(work.why(node.name).value, whole)
            for row in work.rows[:2]:
                close(work.why(node.name, row=row.row).value, row.gradients[node.name])
            for ref in node.entries()[:3]:
                index = tuple(i - 1 for i in ref.index)
                name = f"{node.name}[{','.join(map(str, ref.index))}]" if ref.index else node.name
                close(work.why(name).value, whole[index])


def close(got, expected):
    expected = np.asarray(expected)
    assert np.reshape(got, expected.shape) == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_why_at_an_epoch_and_of_a_node():
    sheet = bh.read(PRICE)
    work = sheet.show(epochs=3)
    for epoch in (1, 2, 3):
        expected = work.steps[epoch - 1].gradients["w5"]
        assert sheet.why("w5", epoch=epoch).value == pytest.approx(expected, rel=1e-12)
    assert work.why("w5").value == sheet.why("w5", epoch=3).value  # the last step kept
    assert sheet.why("w5", row=1, of="z5").value == pytest.approx(0.9 * 3.13, rel=1e-14)
    assert sheet.why("w1", row=1).path_count == 2
    assert repr(sheet.why("w5", row=1)).startswith("<Why: w5, 1 paths, -632.06")


def test_results_draw_themselves(work):
    text = str(work)
    assert "z3 = w5·a1 + w6·a2 + b3 = 0.8·3.13 + 4·8.15 + 0 = 35.104" in text
    assert "\x1b" not in text
    trained = bh.train_table(EXAMPLES / "penguins.csv", target="species", missing="drop", epochs=2)
    for result in (work, work.why("w5"), bh.read(LINE).gradcheck(), trained):
        bundle = result._repr_mimebundle_()
        assert bundle["text/plain"] == str(result)
        assert bundle.keys() == {"text/plain", "text/html", "text/latex"}
        assert "<script" not in bundle["text/html"]
        assert bundle["text/latex"].startswith("\\section*{")
        assert result.to_latex().startswith("\\documentclass")
        json.dumps(result.to_dict(), allow_nan=False)
        out = io.StringIO()
        Console(file=out, width=60, force_terminal=True, color_system=None).print(result)
        drawn = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
        assert max(map(len, drawn.splitlines())) <= 60
        assert str(result).split()[0] in drawn


def test_results_are_saved(tmp_path, work):
    for ending, start in ((".md", "# Price"), (".tex", "\\documentclass"), (".json", "{"), (".txt", "\nPrice")):
        work.save(tmp_path / f"price{ending}")
        assert (tmp_path / f"price{ending}").read_text("utf-8").lstrip("\n").startswith(start.lstrip("\n"))
    work.save(str(tmp_path / "three.md"), digits=3)
    assert "35.104" not in (tmp_path / "three.md").read_text("utf-8")
    assert json.loads((tmp_path / "price.json").read_text("utf-8")) == work.to_dict()
    with pytest.raises(UsageError, match="ending"):
        work.save(tmp_path / "price.docx")
    with pytest.raises(UsageError, match="cannot write"):
        work.save(tmp_path / "none" / "price.md")


def test_show_takes_its_choices():
    sheet = bh.read(EXAMPLES / "one-neuron.bh")
    kept = sheet.show(epochs=300, every=100)
    assert [s.epoch for s in kept.steps] == [1, 101, 201, 300]
    down = sheet.show(until_gradient=1e-6)
    assert down.run.stopped
    assert down.run.reached <= 1e-6
    assert not sheet.show(5, until_gradient=1e-6).run.stopped
    assert "Forward, row 2" in str(sheet.show(rows=[2]))
    assert "Questions and answers" in str(sheet.show(questions=True))
    assert "w_11^(1)" in str(bh.read(PRICE).show(names="indexed"))


# --- errors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "kind", "said"),
    [
        (lambda: bh.read("y = w*(x"), SyntaxProblem, ["expected"]),
        (
            lambda: bh.read("input x\na2 = w3*x + b*w33\nw3 = 1\nb = 2\ncost C = a2\ndata\nx\n1").show(),
            BackhandError,
            ["w33"],
        ),
        (lambda: bh.read("input x\na = relu(a)\ndata\nx\n1"), NameProblem, ["a"]),
        (lambda: bh.read("input x[2]\ny = W @ x\nW = [[1, 2, 3]]\ndata\nx[1], x[2]\n1, 2"), ShapeProblem, ["W"]),
        (lambda: bh.read("input x\ny = w*x\nw = 1\ndata\nx\none"), DataError, ["one"]),
        (lambda: bh.read("input x\ny = w*x + b\ncost C = y\nw = 1\ndata\nx\n1").show(), MissingValues, ["b"]),
        (
            lambda: bh.read("input x\ny = exp(w*x)\ncost C = y\nw = 1000\ndata\nx\n1\n2").show(),
            NumberError,
            ["y", "row 1"],
        ),
        (lambda: bh.read(PRICE).why("w55"), NameProblem, ["w55", "w5"]),
        (lambda: bh.read(PRICE).why("w5", row=4), UsageError, ["row 4", "1 to 3"]),
        (lambda: bh.read(PRICE).why("w5", epoch=0), UsageError, ["epoch 0"]),
        (lambda: bh.read(PRICE).why("w5", grain="layer"), UsageError, ["did you mean `layers`?"]),
        (lambda: bh.read(PRICE).show(view="matrix"), UsageError, ["matrix", "matrices"]),
        (lambda: bh.read(PRICE).show(names="w"), UsageError, ["indexed"]),
        (lambda: bh.read(PRICE).show(epochs=0), UsageError, ["0 epochs"]),
        (lambda: bh.read(EXAMPLES / "three-neurons.bh").gradcheck(), UsageError, ["data"]),
        (lambda: bh.read(PRICE).gradcheck(epsilon=0), UsageError, ["ε = 0"]),
        (lambda: bh.layers(3), UsageError, ["layers"]),
    ],
)
def test_errors_are_backhands_own_and_say_what_to_do(wrong, kind, said):
    with pytest.raises(kind) as caught:
        wrong()
    error = caught.value
    assert isinstance(error, BackhandError)
    assert isinstance(error, bh.BackhandError)
    assert all(word in str(error) for word in said), str(error)
    assert error.expected or error.hint, str(error)
    assert error.exit_code in (1, 2)
    assert str(error).splitlines()[0].strip()


def test_the_tree_of_errors():
    assert issubclass(SyntaxProblem, SheetError)
    assert issubclass(NameProblem, SheetError)
    assert issubclass(ShapeProblem, SheetError)
    for kind in (SheetError, DataError, UsageError, MissingValues, NumberError):
        assert issubclass(kind, BackhandError)
    assert {SheetError.exit_code, DataError.exit_code, UsageError.exit_code} == {2}
    assert {MissingValues.exit_code, NumberError.exit_code} == {1}


def test_an_error_in_a_text_shows_the_place():
    with pytest.raises(SheetError) as caught:
        bh.read("input x\ny = w*x + q(x)\nw = 1\ndata\nx\n1")
    error = caught.value
    assert (error.place.line, error.place.text) == (2, "y = w*x + q(x)")
    assert error.place.text[error.place.column - 1 :].startswith("q")
    lines = str(error).splitlines()
    assert "y = w*x + q(x)" in lines[1]
    assert lines[2].index("^") == lines[1].index("q(x)")


def test_an_error_can_be_pickled():
    """Workers of a test run and of a pool hand errors over this way."""
    with pytest.raises(SheetError) as caught:
        bh.read("y = w*(x")
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is type(caught.value)
    assert again.message == caught.value.message
