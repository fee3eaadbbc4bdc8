"""The reference engine: rows, order, conventions of the cost, results, and numbers that are none."""

import math
from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np
import pytest

from backhand.cli.examples import example_names, example_text
from backhand.engine import reference
from backhand.engine.plane import cost_over
from backhand.engine.program import Program
from backhand.engine.reference import backward, forward, starting_values
from backhand.engine.run import run
from backhand.engine.training import steps, whole_data
from backhand.errors import NumberError, UsageError
from backhand.network.build import build
from backhand.network.graph import Plan
from backhand.notation.expr import Ref
from backhand.notation.text import PLAIN
from backhand.sheet.parse import parse


def problem(text):
    return build(parse(text))


def worked(text):
    found = problem(text)
    return whole_data(found, starting_values(found.network))


# --- what a row's own cost is, and its share --------------------------------------------------------------

X, T, W = np.array([1.0, -2.0, 0.5, 3.0]), np.array([0.5, 1.0, -1.0, 2.0]), 1.5
E = W * X - T  # y = w·x, e = y - t
N = len(X)
LINE = "input x\ntarget t\ny = w*x\ne = y - t\nw = 1.5\nconst k = 3\n{}\ncost C = {}\ndata\nx, t\n" + "\n".join(
    f"{x}, {t}" for x, t in zip(X, T, strict=True)
)
SQUARE = (E**2, 2 * E)
HALF = (E**2 / 2, E)

# the cost as written: (each row's own cost L, ∂L/∂e), whether the rows' costs are averaged
OWN = {
    "sum(e^2)": (SQUARE, False),
    "mean(e^2)": (SQUARE, True),
    "e^2": (SQUARE, True),
    "sum(e^2)/N": (SQUARE, True),
    "1/N*sum(e^2)": (SQUARE, True),
    "sum(e^2)*(1/N)": (SQUARE, True),
    "sum(e^2/N)": (SQUARE, True),
    "sum(1/N*e^2)": (SQUARE, True),
    "sum(e^2)/(2*N)": (HALF, True),
    "1/(2*N)*sum(e^2)": (HALF, True),
    "sum(e^2/(2*N))": (HALF, True),
    "sum(e^2)/2/N": (HALF, True),
    "mean(e^2)/2": (HALF, True),
    "1/2*mean(e^2)": (HALF, True),
    "mean(0.5*e^2)": (HALF, True),
    "e^2/2": (HALF, True),
    "sum(e^2)/2": (HALF, False),
    "0.5*sum(e^2)": (HALF, False),
    "sum(e^2/2)": (HALF, False),
    "N*mean(e^2)": (SQUARE, False),
    "N*sum(e^2)/N": (SQUARE, False),
    "sum(e^2)*N": ((N * E**2, 2 * N * E), False),
    "mean(e^2)/N": ((E**2 / N, 2 * E / N), True),
    "-mean(e^2)": ((-(E**2), -2 * E), True),
    "-sum(e^2)/2": ((-(E**2) / 2, -E), False),
    "k*mean(e^2)": ((3 * E**2, 6 * E), True),
    "sum(e^2)/k": ((E**2 / 3, 2 * E / 3), False),
    "mean(3*e^2 + 1)": ((3 * E**2 + 1, 6 * E), True),
    "sum(e)": ((E, np.ones(N)), False),
    "sse(y, t)": (SQUARE, False),
    "mse(y, t)": (SQUARE, True),
    "mse(y, t)/2": (HALF, True),
    "mae(y, t)": ((abs(E), np.sign(E)), True),
    "huber(y, t, 1.2)": (
        (
            np.where(abs(E) <= 1.2, E**2 / 2, 1.2 * (abs(E) - 0.6)),
            np.where(abs(E) <= 1.2, E, 1.2 * np.sign(E)),
        ),
        True,
    ),
}


ALL = [(cost, penalty) for cost in OWN for penalty in (False, True) if not (penalty and cost[0] == "e")]


@pytest.mark.parametrize(("cost", "penalty"), ALL)
def test_own_cost_and_share(cost, penalty):
    """C is the sum (or mean) of the rows' L and, once, the penalty; rows give ∂L, shares and totals ∂C."""
    (own, slope), mean = OWN[cost]
    tape, gradients = worked(LINE.format("", f"{cost} + 0.25*w^2" if penalty else cost))
    divisor = N if mean else 1
    close = {"rtol": 1e-14, "atol": 1e-15}
    assert np.allclose(tape.own, own, **close)
    assert math.isclose(tape.penalty, 0.25 * W**2 if penalty else 0.0)
    assert math.isclose(tape.cost, own.sum() / divisor + tape.penalty, rel_tol=1e-14)
    for node in ("e", "y") if "e^2" in cost or "(e" in cost else ("y",):
        assert np.allclose(gradients.rows(node), slope, **close)
        assert np.allclose(gradients.shares(node), slope / divisor, **close)
    assert np.allclose(gradients.rows("x"), slope * W, **close)
    assert np.allclose(gradients.rows("w"), slope * X, **close)
    assert math.isclose(gradients.totals["w"], (slope * X).sum() / divisor + (0.5 * W if penalty else 0), rel_tol=1e-13)
    cost_found = tape.network.cost
    assert cost_found.mean is mean
    assert (cost_found.penalty is not None) is penalty


def test_a_penalty_inside_the_bracket_is_divided_with_it():
    tape, gradients = worked(LINE.format("", "(sum(e^2) + 0.5*w^2)/(2*N)"))
    assert np.allclose(tape.own, E**2 / 2)
    assert math.isclose(tape.penalty, 0.5 * W**2 / (2 * N))
    assert math.isclose(gradients.totals["w"], (E * X).sum() / N + 0.5 * W / N)


def test_a_sheets_own_n_wins():
    tape, gradients = worked(LINE.format("const N = 10", "sum(e^2)/N"))
    assert np.allclose(tape.own, E**2 / 10)
    assert not tape.network.cost.mean
    assert math.isclose(gradients.totals["w"], (2 * E * X).sum() / 10)


def test_n_is_the_number_of_rows_of_the_step():
    text = LINE.format("rate 0\nmode batches of 3", "sum(N*e^2) + N*w")
    first, second = steps(problem(text))
    assert np.allclose(first.tape.own, 3 * E[:3] ** 2)
    assert np.allclose(second.tape.own, E[3:] ** 2)
    assert (first.tape.penalty, second.tape.penalty) == (3 * W, W)
    assert math.isclose(second.gradients.totals["w"], 2 * E[3] * X[3] + 1)


def test_the_penalty_belongs_to_no_row_and_is_added_once_a_step():
    text = LINE.format("rate 0\nmode online", "mean(e^2) + 0.1*w^2")
    for i, step in enumerate(steps(problem(text))):
        assert math.isclose(step.tape.cost, E[i] ** 2 + 0.1 * W**2)
        assert math.isclose(step.gradients.rows("w")[0], 2 * E[i] * X[i])
        assert math.isclose(step.gradients.totals["w"], 2 * E[i] * X[i] + 0.2 * W)


VECTOR = """input x[2]
target t[2]
y = c*x
c = 2
cost C = {}
data
x[1], x[2], t[1], t[2]
1, 2, 3, 1
0.5, 0.25, 1, 0
"""
Y2, T2 = np.array([[2.0, 4.0], [1.0, 0.5]]), np.array([[3.0, 1.0], [1.0, 0.0]])
P2 = np.exp(Y2) / np.exp(Y2).sum(1, keepdims=True)
D2 = Y2 - T2


@pytest.mark.parametrize(
    ("cost", "own", "slope", "mean"),
    [
        ("sum((y - t)^2)", (D2**2).sum(1), 2 * D2, False),
        ("mean((y - t)^2)", (D2**2).sum(1), 2 * D2, True),  # a vector is summed over its components
        ("(y - t)^2", (D2**2).sum(1), 2 * D2, True),
        ("sse(y, t)", (D2**2).sum(1), 2 * D2, False),
        ("mse(y, t)", (D2**2).mean(1), D2, True),  # the mean over rows and components
        ("mae(y, t)", abs(D2).mean(1), np.sign(D2) / 2, True),
        (
            "huber(y, t, 1)",
            np.where(abs(D2) <= 1, D2**2 / 2, abs(D2) - 0.5).mean(1),
            np.clip(D2, -1, 1) / 2,
            True,
        ),
        ("poisson(y, t)", (Y2 - T2 * np.log(Y2)).mean(1), (1 - T2 / Y2) / 2, True),
        ("cross_entropy(y, t)", -(T2 * np.log(Y2)).sum(1), -T2 / Y2, True),
        (
            "binary_cross_entropy(y/5, t)",
            -(T2 * np.log(Y2 / 5) + (1 - T2) * np.log(1 - Y2 / 5)).sum(1),
            -T2 / Y2 + (1 - T2) / (5 - Y2),
            True,
        ),
        (
            "softmax_cross_entropy(y, t)",
            -(T2 * np.log(P2)).sum(1),
            T2.sum(1, keepdims=True) * P2 - T2,
            True,
        ),
    ],
)
def test_vectors_in_a_cost(cost, own, slope, mean):
    tape, gradients = worked(VECTOR.format(cost))
    divisor = 2 if mean else 1
    assert np.allclose(tape.own, own, rtol=1e-14)
    assert math.isclose(tape.cost, own.sum() / divisor, rel_tol=1e-14)
    assert np.allclose(gradients.rows("y"), slope, rtol=1e-13, atol=1e-15)
    assert np.allclose(gradients.shares("y"), slope / divisor, rtol=1e-13, atol=1e-15)
    assert math.isclose(gradients.totals["c"], (slope * Y2 / 2).sum() / divisor, rel_tol=1e-13)


# --- rows and order ---------------------------------------------------------------------------------------


def test_rows_are_those_of_the_sheet():
    given = problem(LINE.format("", "sum(e^2)"))
    tape = forward(given.network, starting_values(given.network), given.table.columns, range(1, 3))
    assert tape.rows == (2, 3)
    assert tape.count == 2
    assert tape.values["y"].tolist() == [-3.0, 0.75]
    assert [float(tape.value(Ref("y"), row)) for row in (0, 1)] == [-3.0, 0.75]
    assert [float(tape.value(Ref("w"), row)) for row in (0, 1)] == [1.5, 1.5]


def test_the_order_of_statements_does_not_matter():
    text = "cost C = sum(y)\ny = w*a\na = x + v[2]\nv = [1, 2]\nw = 3\ninput x\ndata\nx\n4\n"
    tape, gradients = worked(text)
    assert list(tape.network.nodes) == ["x", "v", "w", "a", "y"]
    assert (tape.cost, gradients.totals["v"].tolist()) == (18, [0, 3])


def test_what_no_row_changes_has_a_value_in_every_row():
    tape, gradients = worked("input x\nu = w^2\ncost C = mean(u*x)\nw = 3\ndata\nx\n1\n2\n6\n")
    assert tape.values["u"].tolist() == [9, 9, 9]
    assert gradients.rows("u").tolist() == [1, 2, 6]
    assert gradients.totals["w"] == 6 * 3


UNREACHED = """input x[2]
target t
y = c*x[1]
z = M @ x
c = 2; M = [[1, 2], [3, 4]]; u = [1, 2]
cost C = sum((y - t)^2)
data
x[1], x[2], t
1, 2, 3
"""


def test_what_the_cost_does_not_reach_has_the_gradient_0():
    tape, gradients = worked(UNREACHED)
    assert gradients.totals["M"].tolist() == [[0, 0], [0, 0]]
    assert gradients.totals["u"].tolist() == [0, 0]
    assert gradients.rows("z").tolist() == [[0, 0]]
    assert gradients.rows("x").tolist() == [[2 * -1 * 2, 0]]
    assert set(gradients.totals) == {p.name for p in tape.network.parameters}


def test_sums_run_from_left_to_right_as_a_person_adds():
    """Products and sums are those of plain Python in the written order, to the last bit."""
    generator = np.random.default_rng(5)
    rows, width = 300, 9
    x, w = generator.normal(size=(rows, width)), generator.normal(size=(3, width))
    b = generator.normal(size=3)
    names = [f"x[{i + 1}]" for i in range(width)]
    table = "\n".join([", ".join(names), *(", ".join(map(repr, row)) for row in x.tolist())])
    lines = f"input x[{width}]\ny = W @ x + b\nW = {w.tolist()}\nb = {b.tolist()}\nc = 1\ncost C = mean(c*(y @ y))\n"
    tape, gradients = worked(lines + "data\n" + table + "\n")
    units = list(zip(w.tolist(), b.tolist(), strict=True))
    y = [[reduce(add, map(float.__mul__, u, row)) + c for u, c in units] for row in x.tolist()]
    assert tape.values["y"].tolist() == y
    own = [reduce(add, (v * v for v in r)) for r in y]
    assert tape.own.tolist() == own
    assert tape.cost == reduce(add, own) / rows
    slopes = gradients.rows("W")[:, 1, 2].tolist()
    assert gradients.totals["W"][1, 2] == reduce(add, slopes) / rows
    assert gradients.totals["c"] == tape.cost


@pytest.mark.parametrize("chunk", [1, 5, 17, 60, 100_000])
def test_large_gradients_in_pieces_are_the_same_bits(monkeypatch, chunk):
    generator = np.random.default_rng(6)
    rows = "\n".join(", ".join(map(repr, row)) for row in generator.normal(size=(23, 3)).tolist())
    lines = "input x[3]\nlayers x -> 4 tanh -> 1 linear as y\nstart he seed 3\n"
    given = problem(f"{lines}cost C = mean(y^2) + 0.1*(b1 @ b1)\ndata\nx[1], x[2], x[3]\n{rows}\n")
    _, gradients = whole_data(given, starting_values(given.network))
    whole = {name: total.tolist() for name, total in gradients.totals.items()}
    monkeypatch.setattr(reference, "CHUNK", chunk)
    _, gradients = whole_data(given, starting_values(given.network))
    assert {name: total.tolist() for name, total in gradients.totals.items()} == whole


def test_results_are_read_only():
    given = problem(VECTOR.format("mean((y - t)^2) + 0.1*c^2"))
    parameters = {"c": np.array(2.0)}
    tape, gradients = whole_data(given, parameters)
    kept = [*tape.values.values(), tape.own, *gradients.adjoints.values(), *gradients.totals.values()]
    kept += [
        gradients.rows("c"),
        gradients.rows("x"),
        gradients.shares("y"),
        *starting_values(given.network).values(),
    ]
    assert len(kept) > 10
    assert not any(array.flags.writeable for array in kept)
    parameters["c"][...] = 7  # the caller's own arrays stay the caller's
    assert parameters["c"].flags.writeable


def test_in_letters_there_is_nothing_to_calculate():
    given = problem("input x\ny = w*x + b\ncost C = y^2\ndata\nx\n1\n")
    with pytest.raises(UsageError, match="in letters"):
        starting_values(given.network)


# --- back-propagation in letters --------------------------------------------------------------------------

PRICE = """input R, D
target Price
a1 = relu(w1*R + w2*D + b1)
a2 = relu(w3*R + w4*D + b2)
a3 = relu(w5*a1 + w6*a2 + b3)
cost C = {}
"""


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("a3", "2·(a3 - Price)"),
        ("z3", "∂C/∂a3·relu'(z3)"),
        ("a1", "∂C/∂z3·w5"),
        ("w5", "∂C/∂z3·a1"),
        ("b3", "∂C/∂z3"),
        ("R", "∂C/∂z1·w1 + ∂C/∂z2·w3"),
    ],
)
def test_the_rules_in_letters(name, formula):
    program = Program(problem(PRICE.format("sum((a3 - Price)^2)")).network)
    assert PLAIN(program.formula(Ref(name))) == formula


LAYER = """input x[2]
target t[2]
y = W @ x + b
W = [[1, 2], [3, 4]]; b = [5, 6]
cost C = sum({})
"""


@pytest.mark.parametrize(
    ("cost", "ref", "formula"),
    [
        ("(y - t)^2", Ref("y"), "2·(y - t)"),
        ("(y - t)^2", Ref("b"), "∂C/∂y"),
        ("(y - t)^2", Ref("W"), "∂C/∂y ⊗ x"),
        ("(y - t)^2", Ref("W", (2, 1)), "∂C/∂y[2]·x[1]"),
        ("(y - t)^2", Ref("x"), "Wᵀ @ ∂C/∂y"),
        ("(y - t)^2", Ref("x", (1,)), "W[1,1]·∂C/∂y[1] + W[2,1]·∂C/∂y[2]"),
        ("(y - t) @ (y - t) + b[1]*b[2]", Ref("b", (2,)), "∂C/∂y[2] + b[1]"),  # as a whole, and alone
        ("y[1] + W[2] @ x", Ref("W", (1, 2)), "∂C/∂y[1]·x[2]"),
        ("y[1] + W[2] @ x", Ref("W", (2, 2)), "∂C/∂y[2]·x[2] + x[2]"),
        ("y[1]", Ref("y", (1,)), "1"),
    ],
)
def test_the_rules_of_a_layer_in_letters(cost, ref, formula):
    program = Program(problem(LAYER.format(cost)).network)
    assert PLAIN(program.formula(ref)) == formula


def test_functions_are_printed_as_they_were_typed():
    """σ stays σ, and an unknown g of a sheet in letters has the derivative g'."""
    program = Program(problem("input x\na = σ(w*x)\ny = g(a)\ncost C = y\n").network)
    assert PLAIN(program.formula(Ref("a"))) == "∂C/∂y·g'(a)"
    assert PLAIN(program.formula(Ref("z"))) == "∂C/∂a·σ'(z)"


def test_what_is_not_reached_has_no_formula():
    program = Program(problem("input x\ny = w*x\nz = u*x\ncost C = sum(y)\nw = 1; u = 2\n").network)
    assert program.formula(Ref("u")) is None
    assert program.formula(Ref("z")) is None
    assert [n.name for n in program.order] == ["y"]


# --- numbers that are none --------------------------------------------------------------------------------

ROWS = "\ndata\nx\n1\n2\n-3\n0\n"


@pytest.mark.parametrize(
    ("lines", "message", "got"),
    [
        ("y = exp(400*x)", "`y` is ∞ in row 2", "y = exp(400·x)"),
        ("y = log(x)", "`y` is nan in row 3", "y = log(x)"),
        ("y = log(x + 3)", "`y` is −∞ in row 3", "y = log(x + 3)"),
        ("y = 1/(x + 3)", "`y` is ∞ in row 3", "y = 1/(x + 3)"),
        ("y = (x - 2)/(x - 2)", "`y` is nan in row 2", "y = (x - 2)/(x - 2)"),
        ("y = w - 1/x", "`y` needs 1/x, which is ∞ in row 4", "y = w - 1/x"),
        ("y = x^-1", "`y` is ∞ in row 4", "y = x^-1"),
        ("y = x^0.5", "`y` is nan in row 3", "y = x^0.5"),
        ("y = sqrt(x)", "`y` is nan in row 3", "y = sqrt(x)"),
        ("y = 1e200*x*1e200", "`y` is ∞ in row 1", "y = 1e200·x·1e200"),
        ("v = [1, 0]\ny = v/x", "`y[1]` is ∞ in row 4", "y = v/x"),
        ("v = [0, 1]\ny = 1/v + x", "`y` needs 1/v[1], which is ∞ in row 1", "y = 1/v + x"),
        ("a = sigmoid(1/x)\ny = a", "`z` is ∞ in row 4", "z = 1/x"),
    ],
)
def test_the_first_number_that_is_none_names_node_and_row(lines, message, got):
    with pytest.raises(NumberError) as caught:
        worked(f"input x\nw = 1\n{lines}\ncost C = sum(y)" + ROWS)
    assert caught.value.message == message
    assert caught.value.got == got
    assert caught.value.expected == "a finite number"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("right", "part", "number"),
    [
        ("relu(log(x)) + w", "log(x)", "nan in row 3"),
        ("max(0, log(x))", "log(x)", "nan in row 3"),
        ("min(0, sqrt(x))", "sqrt(x)", "nan in row 3"),
        ("1/(1 + exp(-400*x))", "exp(-400·x)", "∞ in row 3"),
        ("w + tanh(exp(400*x))", "exp(400·x)", "∞ in row 2"),
        ("w*step(1/x)", "1/x", "∞ in row 4"),
        ("2 + 1/(w/x)", "w/x", "∞ in row 4"),
    ],
)
def test_numbers_on_the_way_are_looked_at(right, part, number):
    """max(0, NaN) is 0 and 1/inf is 0, and neither may hide what came before."""
    with pytest.raises(NumberError) as caught:
        worked(f"input x\nw = 1\ny = {right}\ncost C = sum(y)" + ROWS)
    assert caught.value.message == f"`y` needs {part}, which is {number}"


@pytest.mark.parametrize(
    ("cost", "message"),
    [
        ("sum(log(y))", "the cost C is nan in row 3"),
        ("mean(y*log(y))", "the cost C needs log(y), which is nan in row 3"),
        ("sum(y) + 1/(w - 1)", "the penalty of C is ∞ in row 1"),
        ("sum(y) + (1e200*w)^2", "the penalty of C is ∞ in row 1"),
        ("sum(1e308*y^2)", "the cost C is ∞ in row 2"),
        ("sum(1e154*y*1e154*y)", "the cost C is ∞ in row 2"),
        ("sum(1.5e307*y^2)", "the cost C, added up over the rows, is ∞"),
        ("cross_entropy(y, x)", "the cost C needs log(y), which is nan in row 3"),
    ],
)
def test_a_cost_that_is_no_number(cost, message):
    with pytest.raises(NumberError) as caught:
        worked("input x\nw = 1\ny = w*x\ncost C = " + cost + ROWS)
    assert caught.value.message == message
    assert caught.value.expected == "a finite number"


@pytest.mark.parametrize(
    ("lines", "rows", "what"),
    [
        ("y = w*sqrt(v*x + 3); v = 1", "5, 2, -3", "v is not finite in row 3"),
        ("y = x*sqrt(w - 1)", "5, 2", "w is not finite in row 1"),
        ("y = w*x^k; k = 2", "5, 2, 0", "k is not finite in row 3"),  # 0^k·log(0)
        ("a = w*x - 2; b = sqrt(a); y = b^2", "5, 2", "a is not finite in row 2"),
    ],
)
def test_a_slope_that_is_no_number_names_what_and_row(lines, rows, what):
    given = problem(f"input x\nw = 1\n{lines}\ncost C = sum(y)\ndata\nx\n" + rows.replace(", ", "\n"))
    with pytest.raises(NumberError) as caught:
        list(steps(replace(given, plan=Plan(rate=0.1))))
    assert caught.value.message == f"∂C/∂{what}"
    assert caught.value.hint


def test_training_needs_no_slope_of_what_no_parameter_leads_to():
    _, gradients = worked("input x\nw = 3\na = x - 2; b = sqrt(a); y = w*b\ncost C = sum(y)\ndata\nx\n6\n2")
    assert gradients.totals["w"] == 2
    for name in ("a", "x"):
        with pytest.raises(NumberError, match="∂C/∂a is not finite in row 2"):
            gradients.rows(name)


def test_the_row_in_an_error_is_the_sheets_row_whatever_the_batch():
    for mode in ("mode online", "mode batches of 2", "mode batch"):
        with pytest.raises(NumberError, match="in row 4"):
            list(steps(problem(f"input x\ny = w/x; w = 1\ncost C = sum(y)\nrate 0\n{mode}" + ROWS)))


# --- runs -------------------------------------------------------------------------------------------------


def test_a_run_keeps_what_it_is_asked_to_keep():
    given = problem(LINE.format("rate 0.01\nmode batches of 3", "mean(e^2)"))
    every = list(steps(given, 5))
    found = run(given, 5, keep=lambda count, epoch: epoch == 2)
    assert [(s.epoch, s.batch) for s in found.steps] == [(2, 1), (2, 2), (5, 2)]  # and the last one
    assert found.history == tuple((s.epoch, s.batch, s.tape.cost) for s in every)
    assert found.parameters == every[-1].change.after
    assert found.after[0].count == N


def test_a_descent_ends_where_the_gradient_is_as_good_as_0():
    given = problem(LINE.format("rate 0.1", "mean(e^2)"))
    found = run(given, 1000, until=1e-6)
    assert found.stopped
    assert found.reached <= 1e-6
    assert 3 < found.epochs < 1000
    assert math.isclose(found.parameters["w"], (X @ T) / (X @ X), rel_tol=1e-6)  # the least squares, by hand
    short = run(given, 3, until=1e-6)
    assert not short.stopped
    assert short.reached > 1e-6


def test_one_program_serves_all_tapes_of_a_network():
    given = problem(LINE.format("", "mean(e^2)"))
    program = Program(given.network)
    for value in (1.5, -2.0):
        tape = forward(given.network, {"w": np.array(value)}, given.table.columns)
        total = backward(tape, program).totals["w"]
        assert math.isclose(total, (2 * (value * X - T) * X).mean(), rel_tol=1e-14)


# --- the cost over a plane is the cost of the reference engine at every point of it -------------------------------


PENALTY = (
    "input x[2]\ntarget t[2]\nlayers x -> 3 tanh -> 2 softmax as p\ncost C = cross_entropy(p, t) + 0.1*W1^2\n"
    "start normal seed 2\ndata\nx[1], x[2], t[1], t[2]\n1, 2, 0, 1\n-1, 0.5, 1, 0\n0.3, 0.2, 0, 1"
)


OTHERS = {"three-neurons", "penguins", "line"}  # letters, rows in a file, one parameter


@pytest.mark.parametrize("name", ["with a penalty", *sorted({*example_names()} - OTHERS)])
def test_the_cost_over_a_plane(name):
    found = problem(PENALTY if name == "with a penalty" else example_text(name)[0])
    refs = [ref for node in found.network.parameters for ref in node.entries()]
    across, up = refs[0], refs[-1]
    assert across != up
    values = starting_values(found.network)
    xs, ys = [-0.3, 0.2, 1.7], [0.4, -1.1]
    heights = cost_over(found, values, across, up, xs, ys)
    for i, y in enumerate(ys):
        for j, x in enumerate(xs):
            moved = {key: np.array(value) for key, value in values.items()}
            moved[across.name][across.place] = x
            moved[up.name][up.place] = y
            tape, _ = whole_data(found, moved)
            assert heights[i, j] == pytest.approx(tape.cost, rel=1e-13)
