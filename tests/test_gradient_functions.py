"""Backward passes written by hand with a fault in them: which gradient is wrong first, and what is named."""

import json
from pathlib import Path

import numpy as np
import pytest
from test_cli import command

import backhand as bh
from backhand.errors import BackhandError

ROWS = "\n".join(",".join(f"{v:.2f}" for v in np.random.default_rng(k).standard_normal(5)) for k in range(6))
TEXT = f"""input x[3]
target y[2]
layers x -> 5 relu -> 4 tanh -> 2 linear as o
cost C = mse(o, y)
start he seed 3
data
x[1], x[2], x[3], y[1], y[2]
{ROWS}
"""
SHEET = bh.read(TEXT)


def backward(fault=""):
    """A backward pass in NumPy with one fault."""

    def gradients(parameters, x, y):
        p, n = parameters, len(x)
        z1 = x @ p["W1"].T + p["b1"]
        a1 = np.maximum(z1, 0)
        z2 = a1 @ p["W2"].T + p["b2"]
        a2 = np.tanh(z2)
        o = a2 @ p["W3"].T + p["b3"]
        d3 = (o - y) / n
        d3 = {"sum": d3 * n, "factor 2": 2 * d3, "half": d3 / 2, "sign": -d3, "n twice": d3 / n}.get(fault, d3)
        d3 = np.stack([d3[:, 0], 0 * d3[:, 1]], 1) if fault == "one output" else d3
        da2 = d3 @ (p["W3"] * 0 + 1 if fault == "no weight 3" else p["W3"])
        da2 = {"sign 2": -da2, "double 2": 2 * da2}.get(fault, da2)
        slope = {
            "no tanh'": 1 + 0 * a2, "tanh' of z": 1 - z2**2, "tanh' at a": 1 - np.tanh(a2) ** 2, "1 - a": 1 - a2,
            "sigmoid'": a2 * (1 - a2), "tanh for tanh'": a2, "a squared": a2**2, "1 + a": 1 + a2,
        }.get(fault, 1 - a2**2)  # fmt: skip
        d2 = da2 * slope
        da1 = d2 @ p["W2"]
        mask = {"no mask": 1.0, "mask turned": z1 <= 0, "mask 0": 0.0}.get(fault, z1 > 0)
        d1 = da1 * mask
        g = {"W3": d3.T @ a2, "b3": d3.sum(0), "W2": d2.T @ a1, "b2": d2.sum(0), "W1": d1.T @ x, "b1": d1.sum(0)}
        changes = {
            "transposed": {"W2": g["W2"].T}, "bias mean": {"b2": d2.mean(0)}, "bias rows": {"b1": d1},
            "z for a": {"W2": d2.T @ z1}, "z for a 3": {"W3": d3.T @ z2}, "no input": {"W1": d1.T @ (0 * x + 1)},
            "last row": {"W2": d2[-1:].T @ a1[-1:]}, "zero": {"b3": 0 * g["b3"]}, "order": {"b1": g["b1"][::-1]},
            "sign of one": {"W1": -g["W1"]}, "rate": {k: 0.1 * v for k, v in g.items()},
        }  # fmt: skip
        g |= changes.get(fault, {})
        if fault == "missing":
            del g["b2"]
        return {f"d{name}": value for name, value in g.items()}

    return gradients


# The fault, the gradient that is wrong first, and a word of what is to be named.
FAULTS = {
    "sum": ("W3", "batch size"), "n twice": ("W3", "batch size"), "factor 2": ("W3", "2 times too large"),
    "half": ("W3", "half"), "sign": ("W3", "wrong sign"), "one output": ("W3", "output"),
    "no weight 3": ("W2", "∂o/∂a2"), "sign 2": ("W2", "wrong sign"), "double 2": ("W2", "2 times"),
    "no tanh'": ("W2", "∂a2/∂z2"), "tanh' of z": ("W2", "1 - z²"), "tanh' at a": ("W2", "at a, not at z"),
    "1 - a": ("W2", "1 - a"), "sigmoid'": ("W2", "a(1 - a)"), "tanh for tanh'": ("W2", "tanh is taken for tanh'"),
    "a squared": ("W2", "a²"), "1 + a": ("W2", "1 + a"), "no mask": ("W1", "∂a1/∂z1"), "mask turned": ("W1", "mask"),
    "mask 0": ("W1", "it is 0"), "transposed": ("W2", "transposed"), "bias mean": ("b2", "batch size"),
    "bias rows": ("b1", "rows are not added up"), "z for a": ("W2", "z1 is taken for a1"),
    "z for a 3": ("W3", "z2 is taken for a2"), "no input": ("W1", "left out"), "last row": ("W2", "row 6 alone"),
    "zero": ("b3", "it is 0"), "order": ("b1", "another order"), "sign of one": ("W1", "wrong sign"),
    "rate": ("W3", "0.1 times"), "missing": ("b2", "no gradient"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named(fault):
    first, word = FAULTS[fault]
    found = bh.check_gradients(backward(fault), SHEET)
    assert found.first_wrong.name == first
    assert word in found.first_wrong.cause
    assert f"d{first}" in str(found)


def test_a_right_backward_pass():
    found = bh.check_gradients(backward(), SHEET)
    assert found.all_right
    assert {f.verdict for f in found.findings} == {"right"}
    assert [f.name for f in found.findings][:2] == ["W3", "b3"]
    single = bh.check_gradients({k: v.astype(np.float32) for k, v in right().items()}, SHEET)
    assert single.all_right


def right():
    step = SHEET.show().steps[0]
    return {name: np.array(step.gradients[name]) for name in ("W1", "b1", "W2", "b2", "W3", "b3")}


def test_what_follows_from_a_slip_is_not_a_slip_of_its_own():
    found = bh.check_gradients(backward("no tanh'"), SHEET)
    assert {f.name: f.verdict for f in found.findings} == {
        "W3": "right", "b3": "right", "W2": "wrong", "b2": "follows", "W1": "follows", "b1": "follows",
    }  # fmt: skip


def test_the_ways_of_giving_gradients():
    g = right()
    for given in (
        list(g.values()),
        [(g["W1"], g["b1"]), (g["W2"], g["b2"]), (g["W3"], g["b3"])],
        {f"grad_{k}": v.tolist() for k, v in g.items()},
        {f"∂C/∂{k}": v for k, v in g.items()},
    ):
        assert bh.check_gradients(lambda given=given: given, TEXT).all_right
    price = bh.read("a = w*x\ninput x\ntarget y\ncost C = sum((a - y)^2)\nw = 2\ndata\nx,y\n1,3\n2,3\n")
    assert bh.check_gradients(lambda w, x, y: (2 * (w * x - y) * x).sum(), price).all_right
    assert not bh.check_gradients(lambda w, x, y: ((w * x - y) * x).sum(), price).all_right


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda q: q, "asks for `q`"),
        (lambda: None, "gave nothing"),
        (lambda: {"dQ": 1}, "is no gradient of this sheet"),
        (lambda: [1, 2], "gave 2 gradients"),
        (lambda: {"W1": "many"}, "is no array of numbers"),
    ],
)
def test_what_is_no_backward_pass(function, said):
    with pytest.raises(BackhandError, match=said):
        bh.check_gradients(function, SHEET)


def test_the_command(tmp_path):
    (tmp_path / "net.bh").write_text(TEXT)
    code = tmp_path / "mine.py"
    code.write_text(
        "import numpy as np\nprint('hello')\n"
        "def backward(parameters, x, y):\n"
        "    p, n = parameters, len(x)\n"
        "    z1 = x @ p['W1'].T + p['b1']; a1 = np.maximum(z1, 0); z2 = a1 @ p['W2'].T + p['b2']; a2 = np.tanh(z2)\n"
        "    d3 = (a2 @ p['W3'].T + p['b3'] - y) / n\n"
        "    d2 = d3 @ p['W3'] * (1 - a2**2)\n"
        "    d1 = d2 @ p['W2']\n"
        "    return [(d1.T @ x, d1.sum(0)), (d2.T @ a1, d2.sum(0)), (d3.T @ a2, d3.sum(0))]\n"
        "def slow():\n    import time; time.sleep(60)\n"
        "def broken():\n    raise ValueError('no idea')\n"
    )
    sheet = str(tmp_path / "net.bh")
    ended = command("check", sheet, f"{code}:backward")
    assert ended.code == 3
    assert "dW1 is wrong: it is right up to the derivative ∂a1/∂z1" in ended.out
    found = json.loads(command("check", sheet, f"{code}:backward", "--json").out)
    assert (found["schema"], found["first_wrong"]) == ("backhand.check-gradients/1", "W1")
    for words, said in (
        ([f"{code}:slow", "--seconds", "2"], "takes longer than 2 s"),
        ([f"{code}:broken"], "no idea"),
        ([f"{code}:none"], "there is no `none`"),
        ([str(code)], "which function"),
        ([f"{tmp_path}/no.py:f"], "there is no file"),
    ):
        ended = command("check", sheet, *words)
        assert ended.code in (1, 2)
        assert said in ended.err
    assert Path(sheet).read_text() == TEXT
