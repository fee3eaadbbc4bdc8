"""What tables and lines of a page say is true, and what an error says fits what has happened."""

import itertools
import re
import time

import pytest
from click.testing import CliRunner

import backhand as bh
from backhand.cli.main import main
from backhand.engine.differences import Compared, Price
from backhand.errors import BackhandError
from backhand.explain.gradcheck import GradientCheck, gradcheck_document
from backhand.notation.expr import Ref
from backhand.notation.numbers import Digits
from backhand.render.files import as_text


def page(sheet, digits=6, form="text", **choices):
    return as_text(bh.read(sheet).show(**choices).document(), None, form, Digits(digits))


def rows_of(text, title):
    """The rows of a table, cut at its columns."""
    lines = text.split(f"\n{title}")[1].split("\n\n")[0].splitlines()[1:]
    return [re.split(r"  +", line.strip()) for line in lines]


# --- function, derivative, value ------------------------------------------------------------------------------


def worth(cases, names):
    """{1 if w1 ≥ w2; else 0}: every case that holds gives the same, else the last one counts."""
    *pairs, otherwise = cases.strip("{}").split("; ")
    known = {"max": max, "min": min} | names
    tests = [pair.split(" if ") for pair in pairs]
    plain = [(value, test.replace("≥", ">=").replace("≤", "<=")) for value, test in tests]
    found = {float(value) for value, test in plain if eval(test, {}, known)}
    assert len(found) < 2
    return found.pop() if found else float(otherwise.removeprefix("else "))


@pytest.mark.parametrize("op", ["max", "min"])
@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_table_says_when_an_argument_is_taken(op, count):
    """In all orders of the numbers, ties included, the words and the value are 1 for the one that is taken."""
    names = [f"w{k}" for k in range(1, count + 1)]
    for numbers in itertools.product([1, 2, 3][: 5 - count], repeat=count):
        values = "; ".join(f"{n} = {v}" for n, v in zip(names, numbers, strict=True))
        text = page(f"b = {op}({', '.join(names)})\n{values}\ncost C = b\n")
        first = numbers.index(max(numbers) if op == "max" else min(numbers))
        found = {row[2]: row[3:] for row in rows_of(text, "Function, derivative") if row[0] == "b"}
        for k, name in enumerate(names):
            said, value = found[f"∂b/∂{name}"]
            assert float(value) == (k == first), (numbers, name)
            assert worth(said, dict(zip(names, numbers, strict=True))) == (k == first), (numbers, name, said)


def test_numbers_among_the_arguments_count():
    sheet = "b = max(w1, w2, 9)\nw1 = 1; w2 = 3\ncost C = b\n"
    text = page(sheet)
    assert ["b", "max(w1, w2, 9)", "∂b/∂w2", "{0 if w2 ≤ w1; 0 if w2 < 9; else 1}", "0"] in rows_of(text, "Function")
    assert "0 & \\text{if } w_{2} < 9" in page(sheet, form="latex")


# --- updates --------------------------------------------------------------------------------------------------

LINE = "input x; target y\nyh = w*x + b\nw = 0.2; b = 0.1\ncost C = {}\nrate 0.1\n{}\ndata\nx, y\n1, 2\n2, 3\n"


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        ("sgd", ["b ← b - η·∂C/∂b"]),
        ("momentum", ["v(b) ← μ·v(b) - η·∂C/∂b", "b ← b + v(b)"]),
        ("nesterov", ["v(b) ← μ·v(b) - η·∂C/∂b", "b ← b + μ·v(b) - η·∂C/∂b"]),
        ("adagrad", ["s(b) ← s(b) + (∂C/∂b)²", "b ← b - (η·∂C/∂b)/(sqrt(s(b)) + ε)"]),
        ("rmsprop", ["s(b) ← ρ·s(b) + (1 - ρ)·(∂C/∂b)²", "b ← b - (η·∂C/∂b)/(sqrt(s(b)) + ε)"]),
        (
            "adam",
            [
                "m(b) ← β1·m(b) + (1 - β1)·∂C/∂b", "s(b) ← β2·s(b) + (1 - β2)·(∂C/∂b)²", "m̂(b) ← m(b)/(1 - β1^t)",
                "ŝ(b) ← s(b)/(1 - β2^t)", "b ← b - η·m̂(b)/(sqrt(ŝ(b)) + ε)",
            ],
        ),
        ("adamw", ["b ← b - η·m̂(b)/(sqrt(ŝ(b)) + ε) - η·λ·b"]),
    ],
)  # fmt: skip
def test_an_update_is_in_the_parameters_own_letters(rule, lines):
    text = page(LINE.format("mse(yh, y)", f"update {rule}"))
    for line in lines:
        assert f"\n  {line} = " in text
    assert "Update: " + rule in text


# --- gradients by differences ---------------------------------------------------------------------------------


def checked(prices=(), backprop=1.0):
    """The page of a comparison of one partial."""
    check = GradientCheck((Compared(Ref("w"), 1.0, 1.0, 1e-5, backprop),), 1, tuple(prices), 1e-6, "C")
    return as_text(gradcheck_document(check), None, "text", Digits(6))


def price(factor, weights, per_pass, back):
    return Price(factor, weights, weights + 1, 2 * weights, per_pass, back, weights + 1)


def test_prices_are_said_as_they_were_measured():
    """Differences take N + 1 passes forward, back-propagation as long as 8 of them here, whatever N is."""
    text = checked([price(1, 15, 1e-3, 8e-3), price(10, 159, 2e-3, 16e-3), price(100, 1599, 3e-3, 24e-3)])
    assert [row[-1] for row in rows_of(text, "Measured now")[1:4]] == ["2.0", "20.0", "200.0"]
    assert "Back-propagation needs one pass forward and one back, whatever N is." in text
    assert "took as long as 8.0, 8.0, 8.0 forward passes, not as N + 1 of them" in text
    assert "about N times" not in text
    assert "left out" not in text


def test_copies_that_are_not_built_are_named():
    text = checked([price(1, 235146, 1e-3, 8e-3)])
    assert "10 and 100 copies side by side are left out: they would have more than 400,000 weights" in text
    text = checked([price(1, 15000, 1e-3, 8e-3), price(10, 150000, 1e-3, 8e-3)])
    assert "\n100 copies side by side are left out" in text


def test_a_jump_is_among_the_causes_of_disagreement():
    assert "the jump of step" in checked(backprop=2.0)


# --- conventions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        ("sse(yh, y)/N", "the mean over the N rows of (yh - y)²; no factor ½"),
        ("sse(yh, y)/2", "the sum over the rows of (yh - y)²/2; with the factor ½"),
        ("mse(yh, y)*N", "the sum over the rows of (yh - y)²"),
        ("0.5*mse(yh, y) + w^2", "the mean over the N rows of 0.5·(yh - y)²; plus w², once a step"),
        (
            "sse(yh, y)",
            "sse: the squared errors, summed over rows and components; the sum over the rows of (yh - y)²",
        ),
        (
            "mae(yh, y) + w^2",
            "mae: the absolute errors, mean over rows and components; the mean over the N rows of abs(yh - y);"
            " plus w², once a step",
        ),
    ],
)
def test_a_convention_is_one_true_sentence(cost, said):
    assert f"\nConvention: C is {said}.\n" in page(LINE.format(cost, ""))


# --- numbers that are none ------------------------------------------------------------------------------------

SOFT = """input x[2]; target t[2]
p = softmax(W @ x)
W = [[1000, 0], [0, 0]]
cost C = {}
rate .1
data
x[1], x[2], t[1], t[2]
1, 0, 1, 0
"""
SURE = "input x; target t\np = {}\nw = {}\ncost C = {}\nrate .1\ndata\nx, t\n1, 1\n"


def refused(sheet):
    """The error that a sheet ends in, as a person reads it."""
    with pytest.raises(BackhandError) as caught:
        bh.read(sheet).show().document()
    return str(caught.value)


def proposed(error):
    """The formula between `…` in the last line."""
    return re.search(r"try +`([^`]+)`", error)[1]


def test_a_saturated_softmax_is_told_of_the_cost_that_fits():
    error = refused(SOFT.format("cross_entropy(p, t)"))
    assert "log(p)[2], which is −∞ in row 1" in error
    assert proposed(error) == "softmax_cross_entropy(z(p), t)"
    assert "·[1000, 0]) = 0\n" in page(SOFT.format(proposed(error)))


def test_a_saturated_sigmoid_is_told_of_the_cost_that_fits():
    """log(1 + e^z) - t·z is the cross entropy of sigmoid(z), worked from z."""
    error = refused(SURE.format("sigmoid(w*x)", "1000", "binary_cross_entropy(p, t)"))
    assert "log(1 - p), which is −∞ in row 1" in error
    assert "softmax" not in error
    assert proposed(error) == "mean(softplus(z(p)) - t*z(p))"
    for w in ("0.7", "-2"):
        costs = ("binary_cross_entropy(p, t)", proposed(error))
        one, other = (bh.read(SURE.format("sigmoid(w*x)", w, cost)).show().to_dict() for cost in costs)
        assert one["steps"][0]["cost"] == pytest.approx(other["steps"][0]["cost"], rel=1e-12)
    assert "\n  C = softplus(z(p)) - t·z(p) = softplus(1000) - 1·1000 = 0\n" in page(
        SURE.format("sigmoid(w*x)", "1000", proposed(error))
    )


@pytest.mark.parametrize(
    ("p", "w", "cost", "said"),
    [
        ("w*x", "2", "binary_cross_entropy(p, t)", "works on probabilities"),
        ("w*x", "1", "binary_cross_entropy(p, t)", "a probability has come out as 0, or as 1"),
        ("log(w)", "0", "p", "`p` is −∞ in row 1"),
        ("log(w)", "-1", "p", "`p` is nan in row 1"),
        ("log(w)", "0", "p", "log needs numbers above 0\n"),
        ("sqrt(w)", "-1", "p", "a root needs a number that is not below 0"),
        ("(-2)^0.5 + w", "1", "p", "a root needs one that is not below 0"),
        ("1/w", "0", "p", "a division by 0"),
        ("exp(w)", "1000", "p", "smaller starting values"),
    ],
)
def test_the_advice_fits_the_operation(p, w, cost, said):
    assert said in refused(SURE.format(p, w, cost)) + "\n"


def test_log_of_0_as_a_value():
    assert "got      log(0) = −∞" in refused("y = w\nw = log(0)\n")


# --- proposals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        ("input x; target yd\ny = w*x + b\nw = 1; b = 1\ncost C = (y - yb)^2\n", "did you mean `yd`?"),
        ("input x; target t\nyhat = w*x\nw = 1\ncost C = (yhta - t)^2\n", "did you mean `yhat`?"),
        ("input x; target t\ny = w1*x + w2\nw1 = 1; w2 = 1\ncost C = (y - t)^2 + w_1^2\n", "did you mean `w1`?"),
        ("y = w_{11}^{(2)}*3\nw_11^(2) = 0.5\n", "`w_{11}^{(2)} = …`"),
        ("y = w^{(2)}*3\nw^(2) = 0.5\n", "`w^{(2)} = …`"),
        ("y = w_1^{2}*3\nw_1^2 = 0.5\n", "`w_1^{2} = …`"),
    ],
)
def test_proposals(sheet, said):
    assert said in refused(sheet)


def test_stdin_that_is_not_utf_8(tmp_path):
    """As a file: the byte is named, and nothing is said of characters that nobody has written."""
    raw = b'title "caf\xe9"\ny = w\nw = 1\n'
    (tmp_path / "m.bh").write_bytes(raw)
    for word, source in (("-", "stdin"), (str(tmp_path / "m.bh"), str(tmp_path / "m.bh"))):
        with CliRunner().isolation(input=raw) as (_, err, _), pytest.raises(SystemExit) as ended:
            main(["show", word])
        assert ended.value.code == 2
        assert err.getvalue().decode().startswith(f"error: {source} is not UTF-8 text (byte 10)\n")


@pytest.mark.parametrize("signs", ["-" * 300_000, "- " * 150_000, "+-" * 150_000, "-" * 41, "−" * 100])
def test_signs_in_a_row_are_refused_at_once(signs):
    """While the words are cut: before the reader looks at each of them."""
    started = time.process_time()
    error = refused(f"y = {signs}w")
    assert time.process_time() - started < 0.5
    assert error.startswith("sheet:1:5: more than 40 operations are nested in one another\n")
    assert "expected at most 40" in error
    assert len(signs) < 42 or "more than 40" in refused(f"w = 1\n{signs}")


def test_some_signs_are_read():
    assert "\n  C = y = 2\n" in page(f"y = 1 - {'-' * 37}w\nw = 1\ncost C = y\n")


# --- what a symbol means --------------------------------------------------------------------------------------

SYMBOLS = {
    "gelu": "gelu'(z) = Φ(z) + z·exp(-z²/2)/sqrt(2·π); Φ(z) is the share of the normal distribution below z.",
    "max": "max'2(z1, z2, z3) is 1 where z2 is the one that is taken, else 0, and so for each argument;"
    " a tie goes to the first.",
    "min": "min'(z, a) = {1 if z ≤ a; else 0}; min'2(z, a) = {1 if a < z; else 0}; a tie goes to the first.",
    "leaky": "leaky'(z, a) = {1 if z > 0; else a}; leaky'2(z, a) = {0 if z > 0; else z}; at 0 the left slope.",
    "huber_of": "huber_of(z, a) = {z²/2 if abs(z) ≤ a; else a·(abs(z) - a/2)};"
    " huber_of'(z, a) = {z if abs(z) ≤ a; else a·(z/abs(z))}.",
}
ALL = """y = gelu(w) + max(v, w, 0) + min(w, v) + leaky(w, a)
w = .3; v = .2; a = .1
const t = 1
cost C = huber(y, t, 1)
"""


@pytest.mark.parametrize("name", SYMBOLS)
def test_every_symbol_is_said_once(name):
    """On the page of the work, and on that of one derivation."""
    assert page(ALL).count(f"\n{SYMBOLS[name]}\n") == 1
    why = as_text(bh.read(ALL).why("w").document(), None, "text", Digits(6))
    assert why.count(f"\n{name}") == 1


def test_a_derivation_says_what_it_uses_and_no_more():
    why = as_text(bh.read(ALL).why("v").document(), None, "text", Digits(6))
    assert "min'2(z, a) = {1 if a < z; else 0}" in why
    assert "gelu'" not in why.split("What it depends on")[1]


def test_roots_of_pi_are_roots_of_pi_in_latex():
    assert "\\sqrt{2 \\cdot \\pi}" in page(ALL, form="latex")


def test_sums_of_exponentials_are_said():
    text = page(SOFT.format("softmax_cross_entropy(z(p), t)"))
    assert "\ntotal(z) is the sum of the entries of z.\nlogsumexp(z) = log(total(exp(z))).\n" in text
