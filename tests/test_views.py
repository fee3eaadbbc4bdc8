"""The views of a network and its names: every view shows every partial, and a thing has one name on a page."""

import json
import re

import numpy as np
import pytest
from certify import Run, certify, substitution
from evaluator import evaluate, parts_of

import backhand as bh
from backhand.cli.examples import example_text
from backhand.document.parts import Formula, Items, Step, Table, Text
from backhand.errors import UsageError
from backhand.explain.names import scheme_names
from backhand.notation.expr import Expr, Partial, Ref, leaves
from backhand.notation.numbers import Digits
from backhand.notation.text import PLAIN
from backhand.render.files import as_text

WITH_A_SUM_BESIDE = """input x[2]; target t[2]
h = sigmoid(W @ x + b)
h2 = sigmoid(W @ h + b) + x
y = V @ h2 + U @ x
cost C = mse(y, t)
W = [[0.1, 0.2], [0.3, 0.4]]; b = [0.1, 0.2]; V = [[0.5, 0.1], [0.2, 0.3]]; U = [[0.1, 0], [0.2, 0.3]]
rate 0.1
data
x[1],x[2],t[1],t[2]
1,2,0.5,1
0.5,-1,1,0
"""
TANGLED = """input x1, x2; target t1, t2
h1 = tanh(w*x1 + v*x2)
h2 = relu(w*h1 + v*x1 - 5)
h3 = step(u*x2 + h1)
y1 = p*h1 + q*h2 + x1
y2 = p*h2*h1 + r*h3
w = 0.1; v = 0.2; u = 0.3; p = 0.4; q = 0.5; r = 0.6
cost C = mean((y1 - t1)^2 + (y2 - t2)^2)
rate 0.1
data
x1,x2,t1,t2
1,2,0.5,1
20,30,1,2
"""
SKIP = """input x1, x2; target t
h1 = sigmoid(a*x1 + b*x2 + c); h2 = sigmoid(d*x1 + e*x2 + f); y = g1*h1 + g2*h2 + s*x1
a = 0.1; b = 0.2; c = 0.3; d = 0.4; e = 0.5; f = 0.6; g1 = 0.7; g2 = 0.8; s = 0.9
cost C = mean((y - t)^2)
rate 0.1
data
x1,x2,t
1,2,0.5
2,-3,1
"""
MIXED = """input x[2]; target t[2]
h1 = tanh(W[1,1]*x[1] + b1); h2 = sigmoid(W[2,2]*x[2] + x[1]*W[2,1] + b2)
y1 = v1*h1 + v2*h2; y2 = v3*h1 + v4*h2
z3 = u*y1 + c; y3 = z3^2 + relu(z3)
W = [[0.1, 0.2], [0.3, 0.4]]; b1 = 0.1; b2 = 0.2; v1 = 1; v2 = 2; v3 = 3; v4 = 4; u = 0.5; c = 0.25
cost C = mean((y1 - t[1])^2 + (y2 - t[2])^2 + (y3 - W[1,2])^2)
rate 0.1
data
x[1],x[2],t[1],t[2]
1,2,0.5,1
"""
PARTLY = {"beside": WITH_A_SUM_BESIDE, "tangled": TANGLED, "skip": SKIP, "mixed": MIXED}
SOFTMAX = """input x[2]; target y[3]
layers x -> 2 tanh -> 3 softmax as p
start uniform seed 3
cost C = cross_entropy(p, y)
rate 0.1
data
x[1],x[2],y[1],y[2],y[3]
1,2,1,0,0
0.5,-1,0,0,1
"""


def example(name):
    return example_text(name)[0]


def page(sheet, digits=6, **choices):
    return as_text(bh.read(sheet).show(**choices).document(), None, "text", Digits(digits))


def section(text, first, last):
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(first))
    stop = next(i for i, line in enumerate(lines) if i > start and line.startswith(last))
    return lines[start + 1 : stop]


def backward(text):
    return [line.strip() for line in section(text, "Backward, row 1", "Gradients")]


def flat(name, value, index=()):
    """{"W[2,1]": …} of nested values."""
    if isinstance(value, (list, tuple)):
        return {k: v for i, part in enumerate(value, 1) for k, v in flat(name, part, (*index, i)).items()}
    return {name + (f"[{','.join(map(str, index))}]" if index else ""): value}


def left_entries(left, value):
    """What a line gives, entry by entry: of a list of names, of a name, or of a row of a matrix."""
    names = re.findall(r"[^\s,\[\]]+(?:\[[\d,]+\])?", left)
    if left.startswith("["):
        return dict(zip(names, np.asarray(value).reshape(-1).tolist(), strict=True))
    name, index = re.fullmatch(r"(.*?)(?:\[([\d,]+)\])?", left).groups()
    return flat(name, value, tuple(map(int, index.split(","))) if index else ())


# --- every partial in every view ---------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["own", "neurons", "vectors", "matrices"])
@pytest.mark.parametrize("name", PARTLY)
def test_every_view_shows_every_value_and_partial(name, view):
    work = bh.read(PARTLY[name]).show(view=view)
    text = as_text(work.document(), None, "text", Digits(None))
    data = json.loads(as_text(work.document(), work.to_dict(), "json", Digits(None)))
    row = data["steps"][0]["rows"][0]
    letter = "L" if len(data["steps"][0]["rows"]) > 1 else "C"
    found = {}
    first = section(text, "Forward, row 1", "Forward, a row" if letter == "L" else "Backward")
    for line in [*first, *section(text, "Backward, row 1", "Gradients")]:
        if line.startswith("  "):
            left, parts = parts_of(line)
            found |= left_entries(left, evaluate(parts[-1][1]))
    inputs = {n.name for n in bh.read(PARTLY[name]).network.inputs}
    expected = {k: v for node, value in row["values"].items() for k, v in flat(node, value).items()}
    for node, value in row["gradients"].items():
        if node not in inputs:
            expected |= flat(f"∂{letter}/∂{node}", value)
    for key, value in expected.items():
        assert key in found, f"{key} is missing in the view {view}"
        assert found[key] == pytest.approx(value, rel=1e-12, abs=1e-15)
    assert certify(text, sum(1 for _ in work.document().steps())).complaints == []
    sheet = bh.read(PARTLY[name])
    run = Run(data, ("C", sheet.network.cost.own_name), {})
    assert substitution(text, run, 1e-12).complaints == []


def test_parameters_outside_of_a_layer_have_their_own_line():
    lines = backward(page(WITH_A_SUM_BESIDE, view="matrices"))
    assert [line.split(" = ")[0] for line in lines][-4:] == ["∂L/∂W", "∂L/∂b", "∂L/∂V", "∂L/∂U"]
    assert "∂L/∂V = ∂L/∂y ⊗ h2 = [0.65687, 0.916939] ⊗ [1.57975, 2.66997]" in "\n".join(lines)
    tangled = "\n".join(backward(page(TANGLED, view="matrices")))
    assert "∂L/∂p = ∂L/∂y1·h1 + ∂L/∂y2·h2·h1" in tangled
    assert "∂L/∂u = ∂L/∂z(h3)·x2 = 0·2 = 0" in tangled


# --- layers where there are layers ----------------------------------------------------------------------------


def test_neurons_are_layers_where_they_form_layers():
    text = page(SKIP, view="matrices")
    assert "[z(h1), z(h2)] = [[a, b], [d, e]] @ [x1, x2] + [c, f]" in text
    assert "  y = g1·h1 + g2·h2 + s·x1 = " in text
    assert "[[∂L/∂a, ∂L/∂b], [∂L/∂d, ∂L/∂e]] = [∂L/∂z(h1), ∂L/∂z(h2)] ⊗ [x1, x2]" in text
    assert "  ∂L/∂s = ∂L/∂y·x1 = " in text
    assert "z(h2) = [d, e] @ [x1, x2] + f" in page(SKIP, view="vectors")


def test_units_of_a_layer_may_have_their_own_activations():
    text = page(MIXED, view="matrices")
    assert "[z(h1), z(h2)] = [[W[1,1], 0], [W[2,1], W[2,2]]] @ [x[1], x[2]] + [b1, b2]" in text
    assert "  h1 = tanh(z(h1)) = " in text
    assert "  h2 = sigmoid(z(h2)) = " in text


@pytest.mark.parametrize(("name", "held"), [("beside", "W"), ("skip", "g1"), ("tangled", "w")])
def test_the_batch_view_refuses_what_is_no_chain_of_layers(name, held):
    with pytest.raises(UsageError, match=f"belongs to none, and `{held}` stands in it"):
        bh.read(PARTLY[name]).show(view="batch").document()


def test_units_that_something_beside_the_layers_tells_apart_are_no_twins():
    alike = SKIP.replace("d = 0.4; e = 0.5; f = 0.6", "d = 0.1; e = 0.2; f = 0.3")
    assert "identical" not in str(bh.read(alike).show())


# --- vectors: one vector a unit -------------------------------------------------------------------------------


def test_vectors_have_one_gradient_a_unit_and_a_dot_product_for_what_comes_back():
    text = "\n".join(backward(page(example("price"), view="vectors")))
    assert "∂C/∂a1 = [w5, w7] @ [∂C/∂z3, ∂C/∂z4] = [0.8, 0.1] @ [-201.9373, -673.1244] ≈ -228.8623" in text
    assert "[∂C/∂w5, ∂C/∂w6] = ∂C/∂z3·[a1, a2] = -201.9373·[3.13, 8.15] ≈ [-632.0638, -1645.7892]" in text
    assert "∂C/∂w9 = " not in text  # one vector, not entry by entry
    whole = "\n".join(backward(page(SOFTMAX.replace("softmax as p", "sigmoid as p"), view="vectors")))
    assert "∂L/∂a1[1] = [W2[1,1], W2[2,1], W2[3,1]] @ ∂L/∂z(p) = " in whole
    assert "∂L/∂W2[3] = ∂L/∂z(p)[3]·a1 = " in whole


# --- names: one for a thing on one page -----------------------------------------------------------------------


def refs(expr):
    for leaf in leaves(expr):
        yield from (*refs(leaf.of), *refs(leaf.by)) if isinstance(leaf, Partial) else (leaf,)


def formulas(part):
    """Every formula of a part of a page; the tables of names and the rule of the update aside."""
    match part:
        case Text(runs=("Update: sgd, ", *_)):
            return
        case Text(runs=runs):
            yield from (run for run in runs if isinstance(run, Expr))
        case Items(lines=lines):
            yield from (f for line in lines for f in formulas(line))
        case Table(title=title, columns=columns, rows=rows) if not title.startswith("One "):
            yield from (cell for row in (columns, *rows) for cell in row if isinstance(cell, Expr))
        case Formula() | Step():
            sides = (part.left, part.right) if isinstance(part, Formula) else (part.left, part.letters, part.spelled)
            yield from (side for side in sides if side is not None)


@pytest.mark.parametrize("view", ["own", "neurons", "vectors", "matrices", "batch"])
@pytest.mark.parametrize("scheme", ["indexed", "fromto", "numbered"])
@pytest.mark.parametrize("name", ["two-three-one", "cache", "price", "bias-neurons", "hidden-units", "symmetric"])
def test_a_thing_has_one_name_on_a_page(name, scheme, view):
    sheet = bh.read(example(name))
    table = scheme_names(sheet.network, scheme)
    assert len({new.name for new in table.values()}) >= len({old.name for old in table})
    new = {ref.name for ref in table.values()}
    for part in sheet.show(view=view, names=scheme, questions=True).document().parts:
        for formula in formulas(part):
            for ref in refs(formula):
                own = Ref(ref.name.partition("@")[0], ref.index)
                assert own.name in new or (own not in table and Ref(own.name) not in table), PLAIN(formula)


def test_the_convention_and_the_questions_use_the_names_of_the_page():
    text = page(example("two-three-one"), names="numbered", questions=True)
    for line in (
        "  z4 = W^(2) @ a^(1) + b4",
        "  J = mean((z4 - yd)²)",
        "Convention: J is the mean over the N rows of (z4 - yd)²; no factor ½.",
        "  L = (z4 - yd)² = (0.187572 - 1)² ≈ 0.660039",
        "z4: what the cost J compares with the target.",
        "J = mean((z4 - yd)²) = 0.456535",
    ):
        assert line in text
    fromto = page(example("cache"), names="fromto")
    assert "  H1_3 = relu(u_1_3)\n" in fromto
    assert "  C = (H1_3 - y)² = " in fromto
    penalty = example("price").replace("(a5 - Price)^2)", "(a5 - Price)^2) + 0.1*w9^2")
    assert "plus 0.1·w_11^(3)², once a step" in page(penalty, names="indexed")


def test_a_table_ties_the_names_of_nodes():
    lines = [" ".join(line.split()) for line in page(example("two-three-one"), names="fromto").splitlines()]
    assert "y[1] z_1^(2) u_1_2 z4 entry 1 of z^(2)" in lines
    assert "x[2] a_2^(0) X2 x2 entry 2 of a^(0)" in lines
    assert "W1 W^(1) W_1 W^(1) the weights of layer 1" in lines


def test_names_of_a_scheme_that_the_sheet_has_are_not_given_again():
    sheet = "input x2, x1; target t\na2 = tanh(w5*x1)\nw1 = a2^2*x2\ny = w1 + v*x2\nv = 1; w5 = 2\ncost C = (y - t)^2\n"
    table = scheme_names(bh.read(sheet + "data\nx1,x2,t\n1,2,3").network, "numbered")
    assert {old.name: new.name for old, new in table.items()} == {"x1": "x1", "w5": "w2", "z2": "z1", "a2": "a1"}


def test_a_weight_in_several_places_keeps_its_name():
    text = page(TANGLED, view="neurons", names="indexed")
    assert "  z_1^(1) = w·a_1^(0) + v·a_2^(0)" in text
    assert "  z(h2) = w·a_1^(1) + v·a_1^(0) - 5" in text
    matrix = page(WITH_A_SUM_BESIDE, names="indexed")
    assert "  z^(1) = W @ a^(0) + b\n" in matrix
    assert "W^(1)" not in [line.split()[0] for line in matrix.splitlines() if line.strip()]


# --- the batch form ---------------------------------------------------------------------------------------------


def batch(text):
    return "\n".join(section(text, "The batch form", "The whole cost"))


def test_a_matrix_with_the_column_of_the_biases_has_its_own_symbol():
    text = batch(page(example("bias-neurons"), view="batch"))
    assert "  Z^(2) = A_+^(1) @ W_+^(2)ᵀ = " in text
    assert "  D^(1) = (D^(2) @ W^(2)) ⊙ sigmoid'(Z^(1)) = " in text
    assert "  ∂C/∂W_+^(2) = (D^(2)ᵀ @ A_+^(1))/N = " in text
    assert "W_+ is W with the biases as its last column" in text


def test_softmax_with_cross_entropy_has_its_formula_and_its_numbers():
    text = batch(page(SOFTMAX, view="batch"))
    assert "  A^(2) = softmax(Z^(2)) = [softmax([0.269476, " in text
    assert "  D^(2) = A^(2) - Y = [[0.451999, 0.302391, 0.24561], [" in text
    on_z = SOFTMAX.replace("softmax as p", "linear as p").replace("cross_entropy", "softmax_cross_entropy")
    assert "  D^(2) = softmax(Z^(2)) - Y = [softmax(" in batch(page(on_z, view="batch"))
    squares = SOFTMAX.replace("cross_entropy", "mse")
    assert "  ∂L/∂z(p) = p ⊙ (∂L/∂p - p @ ∂L/∂p) = [0.451999, " in batch(page(squares, view="batch"))
    smooth = SOFTMAX.replace("1,2,1,0,0", "1,2,1,0.5,0")  # this row of the target does not add up to 1
    assert "A^(2) - Y" not in page(smooth, view="batch")


@pytest.mark.parametrize("count", [2, 15])
def test_the_batch_form_of_a_softmax_certifies_itself(count):
    rows = "".join(f"{i},{i % 3 - 1},1,0,0\n" for i in range(count))
    for cost in ("softmax as p\nX", "linear as p\nsoftmax_X"):
        kind, _, name = cost.partition("\n")
        sheet = SOFTMAX.replace("softmax as p", kind).replace("cost C = ", "cost C = " + name[:-1]) + rows
        steps = bh.read(sheet).show(view="batch")
        for digits in (None, 3, 6):
            text = as_text(steps.document(), None, "text", Digits(digits))
            assert certify(text, sum(1 for _ in steps.document().steps()), digits).complaints == []
        found = {PLAIN(step.left): step.value for step in steps.document().steps()}
        expected = [[*row, b] for row, b in zip(steps.gradients["W2"], steps.gradients["b2"], strict=True)]
        assert np.allclose(found["∂C/∂W_+^(2)"], expected, rtol=1e-12, atol=1e-15)


def test_only_a_layer_with_a_penalty_speaks_of_one():
    text = batch(page(SOFTMAX.replace("cross_entropy(p, y)", "mse(p, y) + 0.1*W1[1,1]^2"), view="batch"))
    lines = {line.split(" = ")[0].strip(): line for line in text.splitlines()}
    assert lines["∂C/∂W_+^(1)"].endswith("without the penalty")
    assert "penalty" not in lines["∂C/∂W_+^(2)"]
    assert text.count("The penalty's own derivative is added to this once a step.") == 1


def test_what_one_row_gives_is_shown_as_a_matrix():
    text = batch(page(SOFTMAX, view="batch"))
    assert "  ∂L/∂W_+^(2)@1 = D^(2)@1 ⊗ A_+^(1)@1 = [-0.548001, 0.302391, 0.24561] ⊗ " in text
    assert " ⊗ [-0.735557, 0.434636, 1] ≈ [[0.403087, -0.238181, -0.548001], [" in text


def test_the_batch_form_in_letters():
    text = page(example("three-neurons"), view="batch")
    for line in (
        "Layer 1: N×3 times 3×2 gives N×2.",
        "  Z^(1) = X_+ @ W_+^(1)ᵀ",
        "  D^(1) = (D^(2) @ W^(2)) ⊙ g'(Z^(1))",
        "  D^(2) = ∂L/∂A^(2) ⊙ g'(Z^(2))",
        "  ∂C/∂W_+^(1) = (D^(1)ᵀ @ X_+)/N",
    ):
        assert line in text


@pytest.mark.parametrize("view", ["vectors", "matrices"])
def test_nothing_is_looked_up_that_no_line_gives(view):
    beside = SKIP.replace("y = g1", "h3 = tanh(k*x1); y = g1").replace("s = 0.9", "s = 0.9; k = 1")  # h3 goes nowhere
    text = page(beside, view=view)
    assert "∂L/∂z(h3)" not in "\n".join(backward(text))
    assert "k does not reach the cost: its partial is 0." in text
