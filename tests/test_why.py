"""What a reader of `backhand why` relies on: each line is of what its label says, and the last one is the answer."""

import re
import time

import numpy as np
import pytest
from certify import certify
from evaluator import evaluate

import backhand as bh
from backhand.errors import UsageError
from backhand.notation.numbers import Digits
from backhand.render.files import as_text

PENALTY = """
input x
target t
a = w*x + b
y = w*a
w = 1.5; b = 0.2
cost C = mean((y-t)^2) + 0.1*w^2
data
x, t
1, 2
2, 1
"""
MATRIX = """
input x[2]
target t[1]
h = W @ x
y = V @ h
W = [[1, 2], [3, 4]]
V = [[0.5, -1]]
Q = [1, 2]
cost C = mean((y-t)^2) + 0.1*W^2 + 0.5*Q^2
data
x[1], x[2], t[1]
1, 2, 3
2, 1, 0
"""
ONLINE = """
input x
target t
y = w1*x
w1 = 1
cost C = mean((y-t)^2)
rate 0.1
mode online
data
x, t
1, 2
2, 1
"""
BATCHES = ONLINE.replace("mode online", "mode batches of 2") + "3, 3\n"


def sheet(text):
    return bh.read(f"{bh.__path__[0]}/examples/{text}.bh") if "\n" not in text else bh.read(text)


def page(why, digits=6):
    return as_text(why.document(), None, "text", Digits(digits))


def certified(why):
    """Every line of working is worth its result, at all digits and at three."""
    document = why.document()
    for digits in (None, 3):
        assert certify(page(why, digits), sum(1 for _ in document.steps()), digits).complaints == []


def working(text):
    return [line.strip() for line in text.splitlines() if line.startswith("  ") and " = " in line]


def last(text):
    """The last line of working: its left side and its result."""
    line = working(text)[-1]
    return line.split(" = ")[0], worth(line)


def worth(line):
    return evaluate(re.split(" [=≈] ", line)[-1].split("   ")[0])


# --- common factors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "of"), [("bias-neurons", "X1", "∂L/∂X1"), (PENALTY, "w", "∂L/∂w"), ("price", "w1", "∂C/∂w1")]
)
def test_the_collected_line_of_a_row_is_its_own_partial(text, name, of):
    why = sheet(text).why(name)
    lines = working(page(why, None))
    (collected,) = (line for line in lines if line.startswith(f"{of}@1 = "))
    (looked_up,) = (line for line in lines if line.startswith(f"{of} = ") and line.endswith("looked up"))
    own = sheet(text).show().rows[0].gradients[name]
    assert [worth(collected), worth(looked_up)] == [pytest.approx(own, rel=1e-14)] * 2
    assert "1/N" not in collected
    certified(why)


def test_one_row_with_a_penalty_keeps_own_and_whole_apart():
    text = PENALTY.replace("2, 1\n", "")
    out = page(sheet(text).why("w"))
    assert "  ∂L/∂w = 2·(y - t)·(a + w·x) = 2·(2.55 - 2)·(1.7 + 1.5·1) = 3.52\n" in out
    assert "  ∂C/∂w = (∂L/∂w@1)/N + 2·0.1·w = 3.52/1 + 2·0.1·1.5 = 3.82\n" in out
    assert sheet(text).why("w").value == pytest.approx(3.82)


@pytest.mark.parametrize("row", [1, 3])
def test_layers_take_every_common_factor_out(row):
    why = sheet("price").why("w1", row=row, grain="layers")
    (line,) = (line for line in working(page(why)) if "+ w10" in line)
    assert " = 2·(a5 - Price)·relu'(z5)·(w9·relu'(z3)·w5 + w10·relu'(z4)·w7)·relu'(z1)·R = " in line
    assert why.to_dict()["collected"]["factored"].count("relu'(z5)") == 1
    certified(why)


def test_layers_leave_a_slope_of_1_out():
    text = """
input x; target t
m = w*x
h = relu(p*m); g = relu(q*m)
y = linear(u*h + v*g)
w = 2; p = 1; q = 3; u = 3; v = 1
cost C = (y-t)^2
data
x, t
1, 2
"""
    why = sheet(text).why("w", grain="layers")
    assert "  ∂C/∂w = 2·(y - t)·(u·relu'(z(h))·p + v·relu'(z(g))·q)·x = " in page(why)
    certified(why)


# --- the inner grain ------------------------------------------------------------------------------------------


def test_the_inner_difference_is_defined_before_it_is_used():
    lines = working(page(sheet("price").why("w1", row=1, grain="inner")))
    assert lines[0] == "u = a5 - Price = 44.8126 - 157 = -112.1874"
    rows = working(page(sheet("price").why("w1", grain="inner")))
    assert [line.split(" = ")[-1] for line in rows[:3]] == [
        "-112.1874   row 1", "12.8864   row 2", "34.24   row 3",
    ]  # fmt: skip
    letters = working(page(sheet("three-neurons").why("w1", grain="inner")))
    assert letters[0] == "u = a3 - y"
    matrix = working(page(sheet(MATRIX).why("W", grain="inner")))
    assert matrix[0] == "u = y - t = [-8.5] - [3] = [-11.5]   row 1"


def test_a_difference_that_has_a_name_is_not_defined_again():
    for grain in ("inner", "neurons"):
        assert not [x for x in working(page(sheet("bias-neurons").why("X1", grain=grain))) if x.startswith("u")]
    assert "u = " not in page(sheet("price").why("w1", grain="neurons"))
    assert "u = " not in page(sheet("price").why("w1", of="a5", grain="inner"))


# --- the last line is the answer --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        (PENALTY, "w", "∂C/∂w = (∂L/∂w@1 + ∂L/∂w@2)/N + 2·0.1·w = (3.52 + 47.12)/2 + 2·0.1·1.5 = 25.62"),
        (PENALTY, "b", "∂C/∂b = (∂L/∂b@1 + ∂L/∂b@2)/N = (1.65 + 11.4)/2 = 6.525"),
        (PENALTY, "a", "∂C/∂a = (∂L/∂a@1 + ∂L/∂a@2)/N = (1.65 + 11.4)/2 = 6.525"),
        (
            MATRIX,
            "W",
            "∂C/∂W = (∂L/∂W@1 + ∂L/∂W@2)/N + 2·0.1·W = ([[-11.5, -23], [23, 46]] + [[-16, -8], [32, 16]])/2"
            " + 2·0.1·[[1, 2], [3, 4]] = [[-13.55, -15.1], [28.1, 31.8]]",
        ),
        (MATRIX, "h", "∂C/∂h = (∂L/∂h@1 + ∂L/∂h@2)/N = ([-11.5, 23] + [-8, 16])/2 = [-9.75, 19.5]"),
        (MATRIX, "Q", "∂C/∂Q = (∂L/∂Q@1 + ∂L/∂Q@2)/N + 2·0.5·Q = ([0, 0] + [0, 0])/2 + 2·0.5·[1, 2] = [1, 2]"),
        (MATRIX, "Q[2]", "∂C/∂Q[2] = 2·0.5·Q[2] = 2·0.5·2 = 2   the penalty"),
        (MATRIX.replace("W^2", "W[1,2]^2"), "W", "∂C/∂W[2,2] = (∂L/∂W@1[2,2] + ∂L/∂W@2[2,2])/N = (46 + 16)/2 = 31"),
    ],
)
def test_the_whole_is_worked_from_the_rows_and_the_penalty(text, name, line):
    why = sheet(text).why(name)
    assert working(page(why))[-1] == line
    certified(why)


@pytest.mark.parametrize("text", ["price", "bias-neurons", "one-neuron", "two-outputs", "two-three-one", PENALTY])
@pytest.mark.parametrize("grain", ["neurons", "layers", "inner"])
def test_the_last_line_is_what_was_asked_for(text, grain):
    network = sheet(text).network
    for node in (*network.parameters, *network.equations):
        for row in (None, 1):
            why = sheet(text).why(node.name, row=row, grain=grain)
            left, answer = last(page(why, None))
            assert left == why.to_dict()["symbol"]
            np.testing.assert_allclose(answer, why.value, rtol=1e-12, atol=1e-15)


def test_what_only_the_penalty_holds_reaches_the_whole_and_no_row():
    for name in ("Q", "Q[1]"):
        assert "Q does not reach L" in page(sheet(MATRIX).why(name, row=1)).replace("[1]", "")
        assert "does not reach" not in page(sheet(MATRIX).why(name))
    entry = sheet(MATRIX.replace("Q^2", "Q[1]^2")).why("Q[2]", grain="inner")
    assert "Q[2] does not reach C: no path leads from it" in page(entry)
    assert working(page(entry)) == []


def test_many_rows_are_named():
    why = sheet("penguins").why("W1[1,1]")
    assert re.search(r"^The mean of 333 rows: ∂J/∂W1\[1,1\] = sum\(∂L/∂W1\[1,1\]\)/N = -0\.97652", page(why), re.M)
    rows = "".join(f"{k}, 1\n" for k in range(1, 21))
    out = page(sheet(PENALTY.replace("1, 2\n2, 1\n", rows)).why("w"))
    assert "The mean of 20 rows and the penalty: ∂C/∂w = sum(∂L/∂w)/N + 2·0.1·w = " in out
    assert "  ∂C/∂w = 2·0.1·w = 2·0.1·1.5 = 0.3   the penalty\n" in out


def test_too_many_paths_say_whose_they_are(tmp_path):
    random = np.random.default_rng(1)
    heads = [f"x[{i}]" for i in range(1, 785)] + [f"yd[{i}]" for i in range(1, 11)]
    values = np.hstack([random.random((3, 784)), np.eye(3, 10)])
    lines = [",".join(heads), *(",".join(f"{v:.3f}" for v in row) for row in values)]
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n", "utf-8")
    (tmp_path / "big.bh").write_text(
        "input x[784]\ntarget yd[10]\nlayers x -> 256 relu -> 128 relu -> 10 linear as y\n"
        'cost C = mse(y, yd)\nstart he seed 7\ndata from "rows.csv"\n',
        "utf-8",
    )
    big = bh.read(tmp_path / "big.bh")
    started = time.perf_counter()
    why = big.why("b1[2]")
    out = page(why)
    assert time.perf_counter() - started < 5
    share = big.why("b1[2]", row=1).value / 3
    found = re.search(r"All paths of row 1 together, its share of ∂C/∂b1\[2\]: ([-\d.e]+?)\. ", out)
    assert "The other 1,272 paths of row 1 together: " in out
    assert float(found[1]) == pytest.approx(share, rel=1e-5)
    left, answer = last(out)
    assert left == "∂C/∂b1[2]"
    assert answer == pytest.approx(float(why.value), rel=1e-5)
    assert answer != pytest.approx(share, rel=1e-3)
    assert "The mean of 3 rows: ∂C/∂b1 = (∂L/∂b1@1 + ∂L/∂b1@2 + ∂L/∂b1@3)/N = [" in page(big.why("b1"))


# --- steps ------------------------------------------------------------------------------------------------------


def test_a_page_says_which_step_its_numbers_are_from():
    out = page(sheet(ONLINE).why("w1"))
    assert "Why ∂C/∂w1 is what it is\nEpoch 1, step 1 of 2 (row 1): the weights are those before this step" in out
    assert "C is of row 1 alone" in out
    assert "`mode batch` takes all 2 rows at once" in out
    out = page(sheet(BATCHES).why("w1"))
    assert "Epoch 1, step 1 of 2 (rows 1 to 2)" in out
    assert last(out) == ("∂C/∂w1", 1.0)
    why = sheet(BATCHES).why("w1", epoch=2)
    assert "Epoch 2, step 1 of 2 (rows 1 to 2)" in page(why)
    data = why.to_dict()
    assert (data["epoch"], data["batch"]) == (2, 1)
    assert "Epoch 3: the weights are those before its update." in page(sheet("price").why("w5", epoch=3))
    for text in (ONLINE.replace("mode online", "mode batch"), ONLINE.replace("rate 0.1\n", "")):
        assert "poch" not in page(sheet(text).why("w1"))


@pytest.mark.parametrize("row", [1, 2, 3])
def test_a_row_takes_the_step_that_holds_it(row):
    why = sheet(BATCHES).why("w1", row=row)
    step, which = (1, "rows 1 to 2") if row < 3 else (2, "row 3")
    assert f"Row {row} belongs to epoch 1, step {step} of 2 ({which}): the weights are those before" in page(why)
    rows = {r.row: r for s in sheet(BATCHES).show().steps for r in s.rows}
    assert why.value == rows[row].gradients["w1"]
    assert sheet(BATCHES).show().why("w1", row=row).value == why.value


def test_an_unknown_row_is_refused_with_the_rows_there_are():
    for text, count in ((ONLINE, 2), (BATCHES, 3), (PENALTY, 2)):
        for ask in (sheet(text).why, sheet(text).show().why):
            with pytest.raises(UsageError, match=f"there is no row {count + 1}") as found:
                ask("w1" if "w1" in text else "w", count + 1)
            assert f"1 to {count}" in str(found.value)
    with pytest.raises(UsageError, match="no step that was kept holds row 2"):
        sheet(ONLINE + "3, 3\n").show(every=2).why("w1", row=2)
