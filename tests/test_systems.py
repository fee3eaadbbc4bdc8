"""The sixteen systems of the seeds (shared/seeds/README.md), worked by hand here, compared to full precision.

What is right is worked out in this file, in exact fractions or with mpmath at 40 digits, without Backhand.
The slips that the seeds contain are not copied: where a seed prints something wrong, the right is asserted.
"""

import json
import re
from collections.abc import Iterable
from fractions import Fraction
from functools import cache, reduce
from itertools import pairwise

import numpy as np
import pytest
from click.testing import CliRunner
from mpmath import mp, mpf

import backhand as bh
from backhand.cli.examples import example_text
from backhand.cli.main import backhand
from backhand.document.parts import Formula, Step
from backhand.explain.general import general_document
from backhand.notation.expr import Call, Expr, Partial, Ref
from backhand.notation.text import PLAIN

mp.dps = 40
F = Fraction


# --- reading -------------------------------------------------------------------------------------------


@cache
def sheet(name):
    text, _ = example_text(name)
    return bh.read(text)


def changed(name, *swaps):
    """An example with some of its lines exchanged."""
    text, _ = example_text(name)
    for old, new in swaps:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return bh.read(text)


@cache
def run(*words):
    """What a command prints."""
    result = CliRunner().invoke(backhand, list(words))
    assert result.exception is None, (result.output, result.exception)
    return result.stdout


@cache
def show_json(name, *options):
    return json.loads(run("show", name, "--json", *options))


def paths(name, partial, **options):
    """The products of a derivation: [("∂C/∂a·∂a/∂z", "2·(a - y)·g'(z)"), …]."""
    data = sheet(name).why(partial, **options).to_dict()
    return [tuple("·".join(f[key] for f in p["factors"]) for key in ("symbol", "formula")) for p in data["paths"]]


def lines(page):
    """The formulas of a page in letters, as text."""
    return [f"{PLAIN(p.left)} = {PLAIN(p.right)}" for p in page.parts if isinstance(p, Formula) and p.left]


def steps(page):
    """Every line of working: what is worked out, as text, and its value."""
    return {PLAIN(s.left): s.value for s in page.steps()}


def row_of(text, start):
    """The cells of a table's line that begins so."""
    found = [line.split() for line in text.splitlines() if line.split()[: len(start)] == start]
    assert len(found) == 1, (start, found)
    return found[0][len(start) :]


def same(got, exact, scale=0, digits=15):
    """Equal to full precision: a few units of the last digit, of the number or of what it came from."""
    if isinstance(exact, list | tuple):
        assert len(got) == len(exact), (got, exact)
        for one, other in zip(got, exact, strict=True):
            same(one, other, scale, digits)
        return
    value = np.asarray(got, dtype=float)
    assert value.size == 1, got
    exact = mpf(exact.numerator) / exact.denominator if isinstance(exact, F) else mpf(exact)
    allowed = max(abs(exact), mpf(scale)) * mpf(10) ** -digits * 4
    assert abs(mpf(float(value.reshape(-1)[0])) - exact) <= allowed, (got, exact)


def all_same(got, exact, **options):
    assert set(exact) <= set(got)
    for name, value in exact.items():
        same(got[name], value, **options)


def numbers(text):
    """The numbers of a text as exact fractions, as written."""
    return [F(word) for word in text.split()]


def sigma(z):
    return 1 / (1 + mp.exp(-mpf(z)))


def slope(z):
    return sigma(z) * (1 - sigma(z))


def dot(a, b):
    return reduce(lambda total, pair: total + pair[0] * pair[1], zip(a, b, strict=True), 0)


# --- S1: the price of a stay ---------------------------------------------------------------------------

PRICE_W = dict(zip(range(1, 11), numbers("0.3 0.4 0.5 2 0.8 4 0.1 0.4 0.9 3"), strict=True))
PRICE_B = dict(zip(range(1, 6), numbers("2 6 0 0.5 1"), strict=True))
PRICE_ROWS = [numbers("3.5 0.2 157"), numbers("2.4 6.5 92"), numbers("3.6 19.8 207")]
PRICE_NAMES = [f"w{i}" for i in range(1, 11)] + [f"b{i}" for i in range(1, 6)]


def price_by_hand(w, b, row):
    """One row, forward and back; every z is above 0, so every ReLU passes its z on and every slope is 1."""
    r, d, price = row
    z = {1: w[1] * r + w[2] * d + b[1], 2: w[3] * r + w[4] * d + b[2]}
    z[3] = w[5] * z[1] + w[6] * z[2] + b[3]
    z[4] = w[7] * z[1] + w[8] * z[2] + b[4]
    z[5] = w[9] * z[3] + w[10] * z[4] + b[5]
    assert min(z.values()) > 0
    e5 = 2 * (z[5] - price)
    e = {5: e5, 4: e5 * w[10], 3: e5 * w[9]}
    e[2] = e[3] * w[6] + e[4] * w[8]
    e[1] = e[3] * w[5] + e[4] * w[7]
    g = {"w1": e[1] * r, "w2": e[1] * d, "w3": e[2] * r, "w4": e[2] * d, "w5": e[3] * z[1], "w6": e[3] * z[2]}
    g |= {"w7": e[4] * z[1], "w8": e[4] * z[2], "w9": e[5] * z[3], "w10": e[5] * z[4]}
    g |= {f"b{i}": e[i] for i in range(1, 6)} | {f"{letter}{i}": e[i] for letter in "za" for i in e}
    g |= {"R": e[1] * w[1] + e[2] * w[3], "D": e[1] * w[2] + e[2] * w[4]}
    values = {f"{letter}{i}": z[i] for letter in "za" for i in z}
    return values, (z[5] - price) ** 2, g


def price_epoch(w, b):
    worked = [price_by_hand(w, b, row) for row in PRICE_ROWS]
    total = {name: sum(g[name] for _, _, g in worked) for name in PRICE_NAMES}
    return worked, total


def test_s1_the_numbers_on_the_page():
    """The seed's own table: its last digits wrap into a second line there."""
    (first, cost, _), *_ = price_epoch(PRICE_W, PRICE_B)[0]
    assert [first[f"z{i}"] for i in range(1, 6)] == numbers("3.13 8.15 35.104 4.073 44.8126")
    assert cost == F("12586.01271876")
    work = sheet("price").show()
    assert work.rows[0].values["z3"] == 35.104
    text = run("show", "price")
    on_paper = "3.5 0.2 157 3.13 3.13 8.15 8.15 35.104 35.104 4.073 4.073 44.8126 44.8126 12586.0127"
    assert on_paper.split() in [line.split()[1:] for line in text.splitlines() if line.split()[:1] == ["1"]]
    heads = "row R D Price z1 a1 z2 a2 z3 a3 z4 a4 z5 a5 C"
    assert heads.split() in [line.split() for line in text.splitlines()]
    assert "z3 = w5·a1 + w6·a2 + b3 = 0.8·3.13 + 4·8.15 + 0 = 35.104" in text
    assert "C = (a5 - Price)² = (44.8126 - 157)² ≈ 12586.0127" in text
    assert "Convention: C is the sum over the rows of (a5 - Price)²; no factor ½." in text


def test_s1_every_row_and_every_weight_by_epoch():
    w, b = dict(PRICE_W), dict(PRICE_B)
    data = show_json("price", "--epochs", "3")
    assert [s["epoch"] for s in data["steps"]] == [1, 2, 3]
    for step in data["steps"]:
        worked, total = price_epoch(w, b)
        for row, (values, cost, gradients) in zip(step["rows"], worked, strict=True):
            all_same(row["values"], values)
            same(row["cost"], cost, scale=600)
            all_same(row["gradients"], gradients, scale=2000, digits=14)
        same(step["cost"], sum(cost for _, cost, _ in worked), digits=14)
        all_same(step["gradients"], total, scale=14000, digits=14)
        same(step["gradients"]["z3"], [g["z3"] for *_, g in worked], scale=1000, digits=14)
        for i in w:
            w[i] -= F("0.000001") * total[f"w{i}"]
        for i in b:
            b[i] -= F("0.000001") * total[f"b{i}"]
        all_same(step["update"]["after"], {f"w{i}": w[i] for i in w} | {f"b{i}": b[i] for i in b}, scale=0.01)
    costs = [s["cost"] for s in data["steps"]]
    assert costs == sorted(costs, reverse=True)


def test_s1_gradients_of_each_row_as_a_table():
    worked, total = price_epoch(PRICE_W, PRICE_B)
    text = run("show", "price", "--digits", "12")
    table = text[text.index("Gradients, a row per example") :]
    table = table[: table.index("\n\n")]
    assert row_of(table, ["row"]) == [f"∂C/∂{name}" for name in PRICE_NAMES]
    for number, (_, _, gradients) in enumerate(worked, 1):
        cells = row_of(table, [str(number)])
        assert [float(c) for c in cells] == pytest.approx([float(gradients[n]) for n in PRICE_NAMES], rel=1e-11)
    cells = row_of(table, ["∂C/∂"])
    assert [float(c) for c in cells] == pytest.approx([float(total[n]) for n in PRICE_NAMES], rel=1e-11)


def test_s1_schema_of_show():
    """The keys of DESIGN.md, each where it says; what stands there besides is named here."""
    data = show_json("price")
    besides = {"equations", "warnings"}
    assert set(data) - besides == {"schema", "title", "cost", "parameters", "steps"}
    assert data["schema"] == "backhand.show/1"
    assert data["title"] == "Price of a stay from its rating and its distance"
    assert set(data["cost"]) - {"own"} == {"name", "formula", "convention"}
    assert data["cost"]["name"] == "C"
    assert data["cost"]["formula"] == "sum((a5 - Price)^2)"
    assert data["cost"]["convention"] == "the sum over the rows of (a5 - Price)²; no factor ½"
    assert data["parameters"] == {f"w{i}": float(v) for i, v in PRICE_W.items()} | {
        f"b{i}": float(v) for i, v in PRICE_B.items()
    }
    (step,) = data["steps"]
    assert set(step) == {"epoch", "batch", "rows", "cost", "gradients", "update"}
    assert (step["epoch"], step["batch"]) == (1, 1)
    for number, row in enumerate(step["rows"], 1):
        assert set(row) == {"row", "inputs", "values", "cost", "gradients"}
        assert row["row"] == number
        assert row["inputs"] == dict(zip(["R", "D", "Price"], map(float, PRICE_ROWS[number - 1]), strict=True))
        assert list(row["values"]) == [f"{x}{i}" for i in range(1, 6) for x in "za"]  # the order of the work
        assert set(row["gradients"]) == {*PRICE_NAMES, *row["values"], "R", "D"}  # targets have none
    update = step["update"]
    assert set(update) - {"settings"} == {"rule", "rate", "state", "before", "after"}
    assert (update["rule"], update["rate"], update["state"]) == ("sgd", 1e-6, {})
    assert update["before"] == data["parameters"]


def test_s1_slips_of_the_seed():
    """000 writes N2(D) once, but z2 needs R and D."""
    assert data_formula("price", "z2") == "w3·R + w4·D + b2"
    same(sheet("price").why("R", row=1, of="z2").value, F("0.5"))


def data_formula(name, node):
    return show_json(name)["equations"][node]


# --- S2: three neurons, in letters ---------------------------------------------------------------------

THROUGH_1 = ("∂C/∂a3·∂a3/∂z3·∂z3/∂a1·∂a1/∂z1·∂z1/∂{}", "2·(a3 - y)·g'(z3)·w5·g'(z1)·{}")
THROUGH_2 = ("∂C/∂a3·∂a3/∂z3·∂z3/∂a2·∂a2/∂z2·∂z2/∂{}", "2·(a3 - y)·g'(z3)·w6·g'(z2)·{}")
STRAIGHT = ("∂C/∂a3·∂a3/∂z3·∂z3/∂{}", "2·(a3 - y)·g'(z3)·{}")
IN_LETTERS = {
    "w1": (THROUGH_1, "x1"), "w2": (THROUGH_1, "x2"), "b1": (THROUGH_1, "1"),
    "w3": (THROUGH_2, "x1"), "w4": (THROUGH_2, "x2"), "b2": (THROUGH_2, "1"),
    "w5": (STRAIGHT, "a1"), "w6": (STRAIGHT, "a2"), "b3": (STRAIGHT, "1"),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_LETTERS)
def test_s2_every_partial_as_a_product(name):
    """w4 does not reach z1 as 000 has it: a weight of the first layer has one path, by its own neuron."""
    (symbols, formulas), last = IN_LETTERS[name]
    symbols, formulas = symbols.format(name), formulas.format(last)
    assert paths("three-neurons", name) == [(symbols, formulas)]
    text = run("why", "three-neurons", name)
    assert f"There is one path from {name} to C" in text
    assert f"  {symbols} = {formulas}\n" in text
    assert f"  ∂C/∂{name} = {formulas}\n" in text


def test_s2_sums_over_paths():
    for x, first, second in [("x1", "w1", "w3"), ("x2", "w2", "w4")]:
        one = THROUGH_1[0].format(x), THROUGH_1[1].format(first)
        two = THROUGH_2[0].format(x), THROUGH_2[1].format(second)
        assert paths("three-neurons", x) == [one, two]
        text = run("why", "three-neurons", x)
        assert f"  ∂C/∂{x} = {one[1]} + {two[1]}\n" in text
        assert f"  ∂C/∂{x} = 2·(a3 - y)·g'(z3)·(w5·g'(z1)·{first} + w6·g'(z2)·{second})\n" in text
        data = json.loads(run("why", "three-neurons", x, "--json"))
        assert data["collected"]["factored"] == f"2·(a3 - y)·g'(z3)·(w5·g'(z1)·{first} + w6·g'(z2)·{second})"


def test_s2_slips_of_the_seed():
    """000 gives ∂z3/∂w5 as w5·a1·w6·a2 + b3, ∂a1/∂z2 for ∂a2/∂z2, and z1 itself for ∂z1/∂w2."""
    local = {
        ("z3", "w5"): "a1",
        ("z3", "w6"): "a2",
        ("z3", "b3"): "1",
        ("a2", "z2"): "g'(z2)",
        ("z1", "w2"): "x2",
    }
    for (of, by), formula in local.items():
        assert paths("three-neurons", by, of=of) == [(f"∂{of}/∂{by}", formula)]
    assert paths("three-neurons", "z2", of="a1") == []
    assert "the partial is 0" in run("why", "three-neurons", "w4", "--of", "z1")
    assert show_json("three-neurons")["steps"] == []
    assert show_json("three-neurons")["parameters"] == dict.fromkeys(IN_LETTERS)


def test_s2_the_page_in_letters():
    page = lines(sheet("three-neurons").show().document())
    assert page[:7] == [
        "z1 = w1·x1 + w2·x2 + b1", "a1 = g(z1)", "z2 = w3·x1 + w4·x2 + b2", "a2 = g(z2)",
        "z3 = w5·a1 + w6·a2 + b3", "a3 = g(z3)", "C = (a3 - y)²",
    ]  # fmt: skip
    assert page[7:] == [
        "∂C/∂a3 = 2·(a3 - y)", "∂C/∂z3 = ∂C/∂a3·g'(z3)", "∂C/∂a2 = ∂C/∂z3·w6", "∂C/∂z2 = ∂C/∂a2·g'(z2)",
        "∂C/∂a1 = ∂C/∂z3·w5", "∂C/∂z1 = ∂C/∂a1·g'(z1)", "∂C/∂w1 = ∂C/∂z1·x1", "∂C/∂w2 = ∂C/∂z1·x2",
        "∂C/∂b1 = ∂C/∂z1", "∂C/∂w3 = ∂C/∂z2·x1", "∂C/∂w4 = ∂C/∂z2·x2", "∂C/∂b2 = ∂C/∂z2",
        "∂C/∂w5 = ∂C/∂z3·a1", "∂C/∂w6 = ∂C/∂z3·a2", "∂C/∂b3 = ∂C/∂z3",
    ]  # fmt: skip


# --- S3: the rule for any layer ------------------------------------------------------------------------

GENERAL = {
    "L": [
        "∂C/∂a^(L) = 2·(a^(L) - y)", "∂a^(L)/∂z^(L) = g'(z^(L))", "∂z^(L)/∂w^(L) = a^(L-1)",
        "∂z^(L)/∂b^(L) = 1",
        "∂C/∂w^(L) = ∂C/∂a^(L)·∂a^(L)/∂z^(L)·∂z^(L)/∂w^(L)",
        "∂C/∂w^(L) = 2·(a^(L) - y)·g'(z^(L))·a^(L-1)",
        "∂C/∂b^(L) = 2·(a^(L) - y)·g'(z^(L))",
        "δ_j^(L) = 2·(a_j^(L) - y_j)·g'(z_j^(L))", "∂C/∂w_jk^(L) = δ_j^(L)·a_k^(L-1)",
        "∂C/∂b_j^(L) = δ_j^(L)",
        "∂C/∂W^(L) = δ^(L) ⊗ a^(L-1)",
    ],
    "L-1": [
        "z^(L-1) = w^(L-1)·a^(L-2) + b^(L-1)", "a^(L-1) = g(z^(L-1))", "∂z^(L)/∂a^(L-1) = w^(L)",
        "∂C/∂w^(L-1) = ∂C/∂a^(L)·∂a^(L)/∂z^(L)·∂z^(L)/∂a^(L-1)·∂a^(L-1)/∂z^(L-1)·∂z^(L-1)/∂w^(L-1)",
        "∂C/∂w^(L-1) = 2·(a^(L) - y)·g'(z^(L))·w^(L)·g'(z^(L-1))·a^(L-2)",
        "∂C/∂b^(L-1) = 2·(a^(L) - y)·g'(z^(L))·w^(L)·g'(z^(L-1))",
        "δ_j^(L-1) = Σ_m(δ_m^(L)·w_mj^(L))·g'(z_j^(L-1))", "∂C/∂w_jk^(L-1) = δ_j^(L-1)·a_k^(L-2)",
        "δ^(L-1) = (W^(L)ᵀ @ δ^(L)) ⊙ g'(z^(L-1))",
    ],
    "L-2": [
        "∂C/∂w^(L-2) = 2·(a^(L) - y)·g'(z^(L))·w^(L)·g'(z^(L-1))·w^(L-1)·g'(z^(L-2))·a^(L-3)",
        "∂C/∂b^(L-2) = 2·(a^(L) - y)·g'(z^(L))·w^(L)·g'(z^(L-1))·w^(L-1)·g'(z^(L-2))",
        "δ_j^(L-2) = Σ_m(δ_m^(L-1)·w_mj^(L-1))·g'(z_j^(L-2))",
        "δ^(L-2) = (W^(L-1)ᵀ @ δ^(L-1)) ⊙ g'(z^(L-2))", "∂C/∂W^(L-2) = δ^(L-2) ⊗ a^(L-3)",
    ],
}  # fmt: skip


@pytest.mark.parametrize("layer", GENERAL)
def test_s3_the_general_rule(layer):
    worked = lines(general_document(layer))
    assert [line for line in GENERAL[layer] if line not in worked] == []
    text = run("why", "--general", layer)
    assert all(f"  {line}\n" in text for line in GENERAL[layer])
    data = json.loads(run("why", "--general", layer, "--json"))
    assert data["schema"] == "backhand.why/1"
    assert data["general"] == layer
    assert [f"{f['left']} = {f['right']}" for f in data["formulas"]] == worked


# --- S4, S5: one neuron, a line; descend until ∇J = 0 --------------------------------------------------

NEURON = [(mpf(x), mpf(y)) for x, y in [("-2", "0.1"), ("-1", "0.3"), ("1", "0.6"), ("3", "0.9")]]


def neuron_gradient(w, b):
    each = [2 * (sigma(w * x + b) - y) * slope(w * x + b) for x, y in NEURON]
    return [e * x for e, (x, _) in zip(each, NEURON, strict=True)], each


def neuron_cost(w, b):
    return sum((sigma(w * x + b) - y) ** 2 for x, y in NEURON) / 4


def test_s4_one_example_and_the_full_data_set():
    (step,) = show_json("one-neuron")["steps"]
    by_w, by_b = neuron_gradient(mpf("0.5"), mpf(0))
    for row, (x, y), w, b in zip(step["rows"], NEURON, by_w, by_b, strict=True):
        same(row["values"]["y"], sigma(x / 2))
        same(row["cost"], (sigma(x / 2) - y) ** 2, scale=0.3)
        all_same(row["gradients"], {"w": w, "b": b}, scale=1)
    same(step["cost"], neuron_cost(mpf("0.5"), 0))
    all_same(step["gradients"], {"w": sum(by_w) / 4, "b": sum(by_b) / 4}, scale=0.1)
    same(step["gradients"]["z(y)"], [b / 4 for b in by_b], scale=0.1)  # of nodes: the shares
    after = {"w": mpf("0.5") - sum(by_w) / 8, "b": -sum(by_b) / 8}
    all_same(step["update"]["after"], after, scale=0.1)
    one = sheet("one-neuron").why("w", row=2)
    assert paths("one-neuron", "w", row=2) == [("∂L/∂y·∂y/∂z(y)·∂z(y)/∂w", "2·(y - yd)·sigmoid'(z(y))·x")]
    same(one.value, by_w[1], scale=0.1)
    whole = sheet("one-neuron").why("w")
    assert PLAIN(whole.paths[0].factors[0].symbol) == "∂J/∂L"
    assert [f.value for f in (p.factors[0] for p in whole.paths)] == [0.25] * 4
    same(whole.value, sum(by_w) / 4, scale=0.1)


def test_s4_descends_until_the_gradient_is_0():
    work = sheet("one-neuron").show(until_gradient=1e-9)
    lowest = mp.findroot(lambda w, b: [sum(g) for g in neuron_gradient(w, b)], (mpf("0.9"), mpf(0)))
    end = work.run.parameters
    assert work.run.stopped
    assert max(abs(sum(g)) / 4 for g in neuron_gradient(float(end["w"]), float(end["b"]))) <= 1e-9 * 1.001
    assert abs(end["w"] - float(lowest[0])) < 1e-6
    assert abs(end["b"] - float(lowest[1])) < 1e-6
    costs = [cost for _, _, cost in work.run.history]
    assert all(later <= earlier * (1 + 1e-14) for earlier, later in pairwise(costs))
    text = run("show", "one-neuron", "--until-gradient", "1e-6")
    found = re.search(r"∇J is as good as 0 after (\d+) epochs: the largest \|∂J/∂w\| is (\S+), not above 1e-6", text)
    assert found
    assert float(found[2]) <= 1e-6
    before = json.loads(run("show", "one-neuron", "--until-gradient", "1e-6", "--json"))["steps"][-1]
    largest = max(abs(before["gradients"][n]) for n in "wb")  # at the last step it was still above
    assert before["epoch"] == int(found[1])
    assert largest > 1e-6


def test_s4_says_so_when_it_does_not_get_there():
    text = run("show", "one-neuron", "--until-gradient", "1e-6", "--max-epochs", "50")
    w, b = mpf("0.5"), mpf(0)
    for _ in range(50):
        by_w, by_b = neuron_gradient(w, b)
        w, b = w - sum(by_w) / 8, b - sum(by_b) / 8
    largest = max(abs(sum(g)) / 4 for g in neuron_gradient(w, b))
    found = re.search(r"Not there yet: after 50 epochs the largest \|∂J/∂w\| is (\S+), still above 1e-6\.", text)
    assert found
    assert float(found[1]) == pytest.approx(float(largest), rel=1e-5)
    work = sheet("one-neuron").show(50, until_gradient=1e-6)
    assert not work.run.stopped
    same(work.run.reached, largest, scale=0.1)


def test_s5_a_line():
    x, y = numbers("1 2 3"), numbers("2.1 3.9 6.2")
    (step,) = show_json("line")["steps"]
    for row, one, target in zip(step["rows"], x, y, strict=True):
        same(row["cost"], target**2)
        same(row["gradients"]["w"], -2 * target * one)
    same(step["cost"], sum(t**2 for t in y) / 3)
    same(step["gradients"]["w"], F(-19))
    same(step["update"]["after"]["w"], F("0.95"))
    assert paths("line", "w", row=3) == [("∂L/∂y·∂y/∂w", "2·(y - yd)·x")]
    work = sheet("line").show(until_gradient=1e-9)
    same(work.run.parameters["w"], dot(x, y) / dot(x, x), digits=9)  # Σxy/Σx² = 28.5/14
    assert work.run.stopped
    assert "∇J is as good as 0" in run("show", "line", "--until-gradient", "1e-9")


# --- S6: the surface -----------------------------------------------------------------------------------

TEN_TO_ONE = """\
input x
target yd
y = w*x + b
cost J = (y - yd)^2
w = 0.1; b = 0
rate 0.001
data
x, yd
10, 0.5
"""


def test_s6_w_reduces_j_ten_times_faster_than_b():
    """001: −∇J(w0, b0) = −(10, 1), "changing w reduces J 10 times faster than changing b"."""
    work = bh.read(TEN_TO_ONE).show()
    assert (work.gradients["w"], work.gradients["b"]) == (10.0, 1.0)
    text = str(work)
    assert "Changing w reduces J 10 times faster than changing b." in text
    assert "−∇J is the steepest way down" in text
    assert "Ranked by size: ∂J/∂w = 10, ∂J/∂b = 1." in text


def test_s6_ranking_of_a_real_network():
    _, total = price_epoch(PRICE_W, PRICE_B)
    ranked = sorted(PRICE_NAMES, key=lambda name: -abs(total[name]))
    text = run("show", "price")
    listed = re.search(r"Ranked by size: (.*)", text)
    assert listed
    assert re.findall(r"∂C/∂(\w+) = ", listed[1]) == ranked[:8]
    times = float(abs(total[ranked[0]] / total[ranked[1]]))
    found = re.search(rf"Changing {ranked[0]} reduces C (\S+) times faster than changing {ranked[1]}\.", text)
    assert found
    assert float(found[1]) == pytest.approx(times, rel=1e-5)


def test_s6_the_path_on_the_surface():
    """Each point of the way, (w, b, J), and each step along −∇J."""
    w, b = mpf("0.5"), mpf(0)
    for step in show_json("one-neuron", "--epochs", "20")["steps"]:
        all_same(step["update"]["before"], {"w": w, "b": b}, scale=0.1, digits=14)
        same(step["cost"], neuron_cost(w, b), digits=14)
        by_w, by_b = neuron_gradient(w, b)
        w, b = w - sum(by_w) / 8, b - sum(by_b) / 8
        all_same(step["update"]["after"], {"w": w, "b": b}, scale=0.1, digits=14)


# --- S7: 2-3-1 in three views --------------------------------------------------------------------------

W1 = [[mpf("0.1"), mpf("-0.2")], [mpf("0.4"), mpf("0.3")], [mpf("-0.5"), mpf("0.2")]]
W2 = [mpf("0.3"), mpf("-0.1"), mpf("0.2")]
POINTS = [((0, 1), 1), ((1, 0), 1), ((1, 1), 0)]


def two_three_one(x, target):
    z = [dot(row, x) for row in W1]
    a = [sigma(v) for v in z]
    y = dot(W2, a)
    dy = 2 * (y - target)
    dz = [dy * w * slope(v) for w, v in zip(W2, z, strict=True)]
    return {"z1": z, "a1": a, "y": [y]}, (y - target) ** 2, {
        "y": [dy], "a1": [dy * w for w in W2], "z1": dz, "W1": [[d * v for v in x] for d in dz], "b1": dz,
        "W2": [[dy * v for v in a]], "b2": [dy],
    }  # fmt: skip


def test_s7_numbers():
    (step,) = show_json("two-three-one")["steps"]
    worked = [two_three_one(*point) for point in POINTS]
    for row, (values, cost, gradients) in zip(step["rows"], worked, strict=True):
        all_same(row["values"], values, scale=0.1)
        same(row["cost"], cost)
        all_same(row["gradients"], gradients, scale=0.1)
    same(step["cost"], sum(cost for _, cost, _ in worked) / 3)
    mean = np.mean([np.array(g["W1"], dtype=object) for *_, g in worked], axis=0)
    same(step["gradients"]["W1"], mean.tolist(), scale=0.1)
    same(step["gradients"]["b2"], [sum(g["b2"][0] for *_, g in worked) / 3])


@pytest.mark.parametrize("name", ["two-three-one", "price", "symmetric", "hidden-units", "bias-neurons", "cache"])
def test_s7_the_views_give_the_same_numbers(name):
    """Whatever the view, every entry has the value of the JSON; sheets written either way have all views."""
    record = sheet(name).show().steps[0]
    expected = {}
    for node, value in record.rows[0].values.items():
        expected |= entries(node, value)
    cost = sheet(name).network.cost
    letter = "L" if cost.mean and len(record.rows) > 1 else cost.name
    for node, value in record.rows[0].gradients.items():
        expected |= {f"∂{letter}/∂{entry}": v for entry, v in entries(node, value).items()}
    seen = {}
    for view in ("own", "neurons", "vectors", "matrices"):
        page = sheet(name).show(view=view).document()
        found = {}
        for step in page.steps():
            if step.sign == "=" and step.letters is not None:
                found = left_entries(step) | found  # below, the same letters may stand for all rows
        checked = {key: value for key, value in found.items() if key in expected}
        for key, value in checked.items():
            same(value, expected[key], scale=1e-9, digits=14)
        seen[view] = set(checked)
    nodes = {key for key in expected if not key.startswith("∂")}
    assert nodes <= seen["neurons"] | {"u_cost"}
    inputs = {
        f"∂{letter}/∂{e}" for n in sheet(name).network.inputs for e in entries(n.name, np.zeros(n.shape).tolist())
    }
    missing = {view: set(expected) - found - inputs for view, found in seen.items()}
    assert not any(missing.values()), missing


def entries(name, value, index=()):
    """{"W1[2,1]": …} of nested values."""
    if isinstance(value, list | tuple):
        return {k: v for i, part in enumerate(value, 1) for k, v in entries(name, part, (*index, i)).items()}
    return {name + (f"[{','.join(map(str, index))}]" if index else ""): value}


def left_entries(step: Step):
    """What a line of working gives, entry by entry, whether its left side is a name or a list of names."""

    def flat(expr):
        return [leaf for arg in expr.args for leaf in flat(arg)] if isinstance(expr, Call) else [PLAIN(expr)]

    value = np.asarray(step.value)
    if isinstance(step.left, Call):
        return dict(zip(flat(step.left), value.reshape(-1).tolist(), strict=True))
    found = step.left.by if isinstance(step.left, Partial) else step.left
    index = found.index if isinstance(found, Ref) else ()
    return entries(PLAIN(step.left).removesuffix(f"[{','.join(map(str, index))}]"), value.tolist(), index)


def test_s7_the_views_name_each_others_parts():
    text = run("show", "two-three-one", "--view", "matrices")
    assert "z1 = W1 @ x + b1 = [[0.1, -0.2], [0.4, 0.3], [-0.5, 0.2]] @ [0, 1] + [0, 0, 0] = [-0.2, 0.3, 0.2]" in text
    names = "W1[3,2] w_32^(1) W32_1 w6 row 3, column 2 of W^(1) from x[2] to z1[3]"
    assert names.split() in [line.split() for line in text.splitlines()]
    names = "b2[1] b_1^(2) W1~_2 b4 entry 1 of b^(2) to y[1]"
    assert names.split() in [line.split() for line in text.splitlines()]
    sums = run("show", "two-three-one", "--view", "neurons")
    assert "z1[2] = W1[2,1]·x[1] + W1[2,2]·x[2] + b1[2] = 0.4·0 + 0.3·1 + 0 = 0.3" in sums
    vectors = run("show", "two-three-one", "--view", "vectors")
    assert "z1[2] = W1[2] @ x + b1[2] = [0.4, 0.3] @ [0, 1] + 0 = 0.3" in vectors
    indexed = run("show", "two-three-one", "--view", "neurons", "--names", "indexed")
    assert "z_2^(1) = w_21^(1)·a_1^(0) + w_22^(1)·a_2^(0) + b_2^(1)" in indexed


def test_s7_a_network_written_out_is_recognised_as_layers():
    text = run("show", "price", "--view", "matrices")
    assert "[z3, z4] = [[w5, w6], [w7, w8]] @ [a1, a2] + [b3, b4] = [[0.8, 4], [0.1, 0.4]] @ [3.13, 8.15]" in text
    names = "w7 w_21^(2) W21_2 w7 row 2, column 1 of W^(2) from a1 to z4"
    assert names.split() in [line.split() for line in text.splitlines()]


# --- S8: a symmetric start -----------------------------------------------------------------------------


def test_s8_equal_units_are_named_and_stay_equal():
    """The three units are one and the same for ever: the seed's W1 with equal rows, W2 = [w3 w3 w3]."""
    work = sheet("symmetric").show(epochs=50)
    assert "a1[1], a1[2] and a1[3] are identical and stay so" in str(sheet("symmetric").show())
    for record in work.steps:
        for row in record.rows:
            assert len(set(row.values["a1"])) == 1
        assert len(set(record.gradients["W1"])) == 1
        assert len(set(record.gradients["W2"][0])) == 1
    after = work.run.parameters
    assert np.all(after["W1"] == after["W1"][0])
    assert np.all(after["W2"] == after["W2"][0, 0])
    # one hidden unit with weight 3·w does the same work
    w, v, c, d = [mpf("0.5")] * 2, mpf("0.5"), mpf(0), mpf(0)
    for record in work.steps[:3]:
        a = [sigma(dot(w, x) + c) for x, _ in POINTS]
        e = [2 * (3 * v * one + d - t) / 3 for one, (_, t) in zip(a, POINTS, strict=True)]
        same(
            record.cost,
            sum((3 * v * one + d - t) ** 2 for one, (_, t) in zip(a, POINTS, strict=True)) / 3,
            digits=14,
        )
        dz = [one * v * s * (1 - s) for one, s in zip(e, a, strict=True)]
        same(record.gradients["W1"][0], [dot(dz, [x[k] for x, _ in POINTS]) for k in (0, 1)], scale=0.1)
        w = [one - dot(dz, [x[k] for x, _ in POINTS]) / 10 for k, one in enumerate(w)]
        c, v, d = c - sum(dz) / 10, v - dot(e, a) / 10, d - sum(e) / 10


def test_s8_random_weights_part_them_even_with_biases_0():
    random = changed("symmetric", ("start weights 0.5, biases 0", "start xavier seed 1"))
    work = random.show(epochs=50)
    assert "identical" not in str(random.show())
    assert len(set(work.rows[0].values["a1"])) == 3
    assert len(set(work.steps[-1].rows[0].values["a1"])) == 3
    assert work.steps[0].to_dict()["update"]["before"]["b1"] == [0, 0, 0]


TWINS = """\
input x
target yd
a1 = sigmoid(v1*x + b1)
a2 = sigmoid(v2*x + b2)
y = w1*a1 + w2*a2 + c
cost J = mean((y - yd)^2)
v1 = 0.5; v2 = 0.5; b1 = 0; b2 = 0; w1 = 0.3; w2 = 0.3; c = 0
rate 0.1
data
x, yd
1, 1
2, 0
"""


@pytest.mark.parametrize(
    ("swaps", "alike"),
    [
        ([], True),
        ([("rate 0.1", "rate 0.1; update adam")], True),
        ([("^2)\n", "^2) + 0.1*(v1^2 + v2^2)\n")], True),  # the same for both
        ([("mean((y - yd)^2)", "(y - yd)^2 + 0.1*v1^2 + 0.1*v2^2")], True),
        ([("^2)\n", "^2) + 0.1*v1^2\n")], False),
        ([("^2)\n", "^2) + 0.1*w1^2 + 0.2*w2^2\n")], False),
        ([("^2)\n", "^2) + 0.1*v1*w2\n")], False),
        ([("(y - yd)", "(y - yd + v1)")], False),
        ([("(y - yd)", "(y - yd + a1)")], False),
        ([("c\n", "c\nq = 2*v1\n"), ("(y - yd)", "(y - yd + q)")], False),
        ([("v2 = 0.5", "v2 = 0.4")], False),
        ([("b2 = 0", "b2 = 0.1")], False),
        ([("w2 = 0.3", "w2 = -0.3")], False),
        ([("sigmoid(v1*x + b1)", "leaky(v1*x + b1, 0.1)"), ("sigmoid(v2*x + b2)", "leaky(v2*x + b2, 0.2)")], False),
    ],
)
def test_s8_nothing_is_called_identical_that_will_part(swaps, alike):
    text = TWINS
    for old, new in swaps:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    work = bh.read(text).show(epochs=30)
    after = work.run.parameters
    stay = after["v1"] == after["v2"] and after["w1"] == after["w2"]
    said = "a1 and a2 are identical and stay so" in str(work)
    assert said == alike
    assert stay or not said


def test_s8_part_of_a_layer():
    text, _ = example_text("symmetric")
    one_apart = bh.read(text.replace("(y - yd)^2)", "(y - yd)^2) + 0.1*W1[1,1]^2")).show(epochs=50)
    assert "a1[2] and a1[3] are identical and stay so" in str(one_apart)
    first, second, third = one_apart.steps[-1].rows[2].values["a1"]
    assert first != second == third


# --- S9: slow and fast ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["line", "price", "two-three-one", "bias-neurons", "curve", "two-outputs"])
def test_s9_differences_agree(name):
    check = sheet(name).gradcheck()
    assert check.agrees
    gradients = sheet(name).show().gradients
    flat = {k: v for n, g in gradients.items() for k, v in entries(n, g).items()}
    for one in check.to_dict()["partials"]:
        assert one["backprop"] == flat[one["name"]]
        assert one["central"] == pytest.approx(one["backprop"], rel=1e-5, abs=1e-9)
        assert one["one_sided"] == pytest.approx(one["backprop"], rel=2e-3, abs=2e-5)


def test_s9_what_each_way_costs():
    """One-sided differences need N + 1 forward passes, central ones 2N, back-propagation one each way."""
    output = run("gradcheck", "two-weights", "--json")
    data = json.loads(output)
    assert data["schema"] == "backhand.gradcheck/1"
    assert data["agrees"] is True
    assert [p["copies"] for p in data["price"]] == [1, 10, 100]
    for price in data["price"]:
        n = price["weights"]
        assert n == 2 * price["copies"]
        assert price["one_sided_passes"] == n + 1
        assert price["central_passes"] == 2 * n
        assert price["seconds_per_pass"] > 0
        assert price["backprop_seconds"] > 0
    text = run("gradcheck", "price", "--no-price")
    assert "All agree: the worst is ∂C/∂" in text
    assert row_of(text, ["w5"])[:3] == ["169.2885", "169.2884", "169.2884"]


# --- S10: a chain of any depth -------------------------------------------------------------------------


def chain_by_hand(weights, biases, x, target):
    """a of every layer, and ∂J/∂w, ∂J/∂b of every layer, from the last one back."""
    a, z = [mpf(x)], []
    for w, b in zip(weights, biases, strict=True):
        z.append(w * a[-1] + b)
        a.append(sigma(z[-1]))
    back, by_w, by_b = 2 * (a[-1] - target), [], []
    for k in reversed(range(len(weights))):
        back *= slope(z[k])
        by_w.insert(0, back * a[k])
        by_b.insert(0, back)
        back *= weights[k]
    return a, by_w, by_b


def test_s10_two_neurons_in_a_row():
    a, by_w, by_b = chain_by_hand([mpf("0.5"), mpf("-0.8")], [mpf(0), mpf("0.1")], "1.5", 1)
    (step,) = show_json("chain")["steps"]
    all_same(step["rows"][0]["values"], {"a1": a[1], "a2": a[2]})
    same(step["cost"], (a[2] - 1) ** 2)
    all_same(step["gradients"], dict(zip(["w1", "w2", "b1", "b2"], by_w + by_b, strict=True)), scale=0.1)
    assert paths("chain", "w2") == [("∂J/∂a2·∂a2/∂z2·∂z2/∂w2", "2·(a2 - yd)·sigmoid'(z2)·a1")]
    assert paths("chain", "w1") == [
        ("∂J/∂a2·∂a2/∂z2·∂z2/∂a1·∂a1/∂z1·∂z1/∂w1", "2·(a2 - yd)·sigmoid'(z2)·w2·sigmoid'(z1)·x")
    ]
    assert paths("chain", "w1", grain="layers") == [
        ("∂J/∂a2·∂a2/∂a1·∂a1/∂w1", "2·(a2 - yd)·sigmoid'(z2)·w2·sigmoid'(z1)·x")
    ]
    # how important is w2 for changing J? it stands in the ranking
    assert "∂J/∂w2 = " in run("show", "chain")


@pytest.mark.parametrize("depth", [1, 3, 7])
def test_s10_any_depth(depth):
    weights = [mpf(3 + k) / (4 + 2 * k) * (-1) ** k for k in range(depth)]
    biases = [mpf(k) / 8 for k in range(depth)]
    a = ["x", *(f"a{k}" for k in range(1, depth + 1))]
    text = ["input x; target yd", *(f"a{k} = sigmoid(w{k}*{a[k - 1]} + b{k})" for k in range(1, depth + 1))]
    text += [f"cost J = (a{depth} - yd)^2"]
    text += [
        f"w{k} = {mp.nstr(w, 17)}; b{k} = {mp.nstr(b, 17)}"
        for k, (w, b) in enumerate(zip(weights, biases, strict=True), 1)
    ]
    work = bh.read("\n".join([*text, "data", "x, yd", "1.25, 0.75"])).show()
    _, by_w, by_b = chain_by_hand(weights, biases, "1.25", mpf("0.75"))
    for k in range(depth):
        same(work.gradients[f"w{k + 1}"], by_w[k], scale=1e-5, digits=14)
        same(work.gradients[f"b{k + 1}"], by_b[k], scale=1e-5, digits=14)
    back = [f"2·(a{depth} - yd)"]
    for k in range(depth, 0, -1):
        back += [f"sigmoid'(z{k})", f"w{k}" if k > 1 else "x"]
    (path,) = work.why("w1").paths
    assert "·".join(PLAIN(f.edge.slope) for f in path.factors) == "·".join(back)
    same(work.why("w1").value, by_w[0], scale=1e-5, digits=14)


# --- S11, S12: hidden units, several outputs -----------------------------------------------------------


def hidden_by_hand():
    v, w, x, target = (
        [mpf(s) for s in ("0.2", "-0.3", "0.5")],
        [mpf(s) for s in ("0.4", "0.6", "-0.7")],
        mpf("1.2"),
        1,
    )
    a = [sigma(k * x) for k in v]
    z = dot(w, a)
    back = 2 * (sigma(z) - target) * slope(z)
    gradients = {f"w{k + 1}": back * a[k] for k in range(3)} | {"c": back}
    gradients |= {f"v{k + 1}": back * w[k] * slope(v[k] * x) * x for k in range(3)}
    return (sigma(z) - target) ** 2, gradients | {f"b{k + 1}": back * w[k] * slope(v[k] * x) for k in range(3)}


def test_s11_every_hidden_unit():
    cost, gradients = hidden_by_hand()
    (step,) = show_json("hidden-units")["steps"]
    same(step["cost"], cost)
    all_same(step["gradients"], gradients, scale=0.01)
    for k in "123":
        assert paths("hidden-units", f"w{k}") == [("∂J/∂y·∂y/∂z(y)·∂z(y)/∂w" + k, f"2·(y - yd)·sigmoid'(z(y))·a{k}")]
        symbols = f"∂J/∂y·∂y/∂z(y)·∂z(y)/∂a{k}·∂a{k}/∂z{k}·∂z{k}/∂v{k}"
        assert paths("hidden-units", f"v{k}") == [(symbols, f"2·(y - yd)·sigmoid'(z(y))·w{k}·sigmoid'(z{k})·x")]


@pytest.mark.parametrize("name", ["v1", "w1", "b2", "c"])
def test_s11_what_a_partial_depends_on(name):
    """fn(x, y_d, w_k^(1), w_k^(2), b_k^(1), b^(2)): all of them, for every weight."""
    everything = ["x", "yd", "v1", "v2", "v3", "b1", "b2", "b3", "w1", "w2", "w3", "c"]
    data = json.loads(run("why", "hidden-units", name, "--json"))
    assert data["depends_on"] == everything
    assert f"∂J/∂{name} = fn({', '.join(everything)})" in run("why", "hidden-units", name)


def outputs_by_hand():
    x = mpf(2)
    first = [mpf(s) for s in ("0.1", "0.2", "-0.3")]
    second = [[mpf(s) for s in row.split()] for row in ("0.4 -0.1 0.2", "-0.3 0.5 0.1")]
    a = [sigma(w * x) for w in first]
    z = [dot(row, a) for row in second]
    back = [2 * (sigma(v) - t) * slope(v) for v, t in zip(z, (1, 0), strict=True)]
    g = {f"w{j + 1}{k + 1}": back[j] * a[k] for j in range(2) for k in range(3)} | {
        "c1": back[0],
        "c2": back[1],
    }
    for k in range(3):
        g[f"b{k + 1}"] = sum(back[j] * second[j][k] for j in range(2)) * slope(first[k] * x)
        g[f"w{k + 1}"] = g[f"b{k + 1}"] * x
    cost = sum((sigma(v) - t) ** 2 for v, t in zip(z, (1, 0), strict=True))
    return cost, g, [back[j] * second[j][1] * slope(first[1] * x) * x for j in range(2)]


def test_s12_a_sum_over_the_outputs():
    cost, gradients, both = outputs_by_hand()
    (step,) = show_json("two-outputs")["steps"]
    same(step["cost"], cost)
    all_same(step["gradients"], gradients, scale=0.1)
    assert paths("two-outputs", "w12") == [("∂J/∂y1·∂y1/∂z(y1)·∂z(y1)/∂w12", "2·(y1 - yd1)·sigmoid'(z(y1))·a2")]
    assert paths("two-outputs", "w2") == [
        (
            f"∂J/∂y{j}·∂y{j}/∂z(y{j})·∂z(y{j})/∂a2·∂a2/∂z2·∂z2/∂w2",
            f"2·(y{j} - yd{j})·sigmoid'(z(y{j}))·w{j}2·sigmoid'(z2)·x",
        )
        for j in (1, 2)
    ]
    same([p.value for p in sheet("two-outputs").why("w2").paths], both, scale=0.01)
    data = json.loads(run("why", "two-outputs", "w12", "--json"))
    assert data["depends_on"] == ["x", "yd1", "w1", "w2", "w3", "b1", "b2", "b3", "w11", "w12", "w13", "c1"]


# --- S13: training -------------------------------------------------------------------------------------

CURVE = [
    (-3.0, -0.141),
    (-2.5, -0.598),
    (-2.0, -0.909),
    (-1.5, -0.997),
    (-1.0, -0.841),
    (-0.5, -0.479),
    (0.0, 0.0),
]
CURVE += [(-x, -y) for x, y in reversed(CURVE[:-1])]


def curve_by_hand(epochs):
    """1-8-1, tanh, mean of squares, adam at 0.02: at 40 digits, from the same random numbers."""
    random = np.random.default_rng(7)
    limit = (6 / 9) ** 0.5
    w = [mpf(v) for v in random.uniform(-limit, limit, (8, 1))[:, 0].tolist()]
    u = [mpf(v) for v in random.uniform(-limit, limit, (1, 8))[0].tolist()]
    weights = [*w, *[mpf(0)] * 8, *u, mpf(0)]
    m, s, costs = [mpf(0)] * 25, [mpf(0)] * 25, []
    for t in range(1, epochs + 1):
        w, b, u, c = weights[:8], weights[8:16], weights[16:24], weights[24]
        g, cost = [mpf(0)] * 25, mpf(0)
        for x, y in ((mpf(str(x)), mpf(str(y))) for x, y in CURVE):
            a = [mp.tanh(k * x + d) for k, d in zip(w, b, strict=True)]
            e = dot(u, a) + c - y
            cost += e**2 / 13
            for k in range(8):
                d = 2 * e / 13 * u[k] * (1 - a[k] ** 2)
                g[k], g[8 + k], g[16 + k] = g[k] + d * x, g[8 + k] + d, g[16 + k] + 2 * e / 13 * a[k]
            g[24] += 2 * e / 13
        costs.append((cost, g))
        m = [mpf("0.9") * old + mpf("0.1") * new for old, new in zip(m, g, strict=True)]
        s = [mpf("0.999") * old + mpf("0.001") * new**2 for old, new in zip(s, g, strict=True)]
        for k in range(25):
            mhat, shat = m[k] / (1 - mpf("0.9") ** t), s[k] / (1 - mpf("0.999") ** t)
            weights[k] -= mpf("0.02") * mhat / (mp.sqrt(shat) + mpf("1e-8"))
    return costs


def test_s13_forward_cost_gradients_update_again_and_again():
    """Two steps; later ones follow the noise in b1's gradient, 0 by symmetry and 1e-17 in doubles."""
    data = show_json("curve", "--epochs", "2")
    for step, (cost, g) in zip(data["steps"], curve_by_hand(2), strict=True):
        same(step["cost"], cost)
        same([row[0] for row in step["gradients"]["W1"]], g[:8], scale=1)
        same(step["gradients"]["W2"][0], g[16:24], scale=1)
    assert [step["update"]["state"]["t"] for step in data["steps"]] == [1, 2]


def test_s13_a_curve_is_learned():
    work = sheet("curve").show(epochs=1000, every=100)
    costs = [record.cost for record in work.steps]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < 1e-4 < costs[0]
    after, _ = work.run.after
    values = after.values["y"][:, 0]
    assert np.max(np.abs(values - np.array([y for _, y in CURVE]))) < 0.03
    text = run("show", "curve", "--epochs", "400")
    assert "J before each update" in text
    assert re.search(r"J falls from 0\.23009 to 0\.0000\d+|J falls from 0\.23009 to \d\S*e-\d", text)


# --- S14: two weights ----------------------------------------------------------------------------------


def test_s14_numbers():
    """002 prints 0.6922 where 0.692·x is meant, and 1.91 for 1.90992."""
    (first, second) = show_json("two-weights", "--epochs", "2")["steps"]
    row = first["rows"][0]
    all_same(row["values"], {"z1": F("1.5"), "a1": F("1.5"), "z2": F("1.2"), "yhat": F("1.2")})
    same(first["cost"], F("0.32"), scale=1)
    gradients = {
        "yhat": F("-0.8"),
        "z2": F("-0.8"),
        "a1": F("-0.64"),
        "z1": F("-0.64"),
        "w2": F("-1.2"),
        "w1": F("-1.92"),
    }
    all_same(row["gradients"], gradients)
    all_same(first["gradients"], {"w1": F("-1.92"), "w2": F("-1.2")})
    all_same(first["update"]["after"], {"w1": F("0.692"), "w2": F("0.92")})
    all_same(second["rows"][0]["values"], {"z1": F("2.076"), "z2": F("1.90992"), "yhat": F("1.90992")})
    same(second["cost"], F("0.0040572032"), scale=0.1)
    assert F("0.0040572032") == (2 - F("1.90992")) ** 2 / 2
    text = run("show", "two-weights")
    assert "w1 ← w1 - η·∂J/∂w1 = 0.5 - 0.1·(-1.92) = 0.692" in text
    assert "w2 ← w2 - η·∂J/∂w2 = 0.8 - 0.1·(-1.2) = 0.92" in text
    assert "J falls from 0.32 to 0.0040572." in text
    # half the mean of the squared errors, which is not the MSE: said, not assumed
    assert "Convention: J is the mean over the N rows of (y - yhat)²/2; with the factor ½." in text


def test_s14_function_derivative_value():
    """The six derivatives and their values as the seed orders them: −0.8, 1, 0.8, 1.5, 1, 3."""
    text = run("show", "two-weights")
    table = text[text.index("Function, derivative, value") :].split("\n\n")[0].splitlines()[2:]
    cells = [re.split(r"\s{2,}", line.strip()) for line in table]
    assert cells == [
        ["J", "(y - yhat)²/2", "∂J/∂yhat", "-(y - yhat)", "-0.8"],
        ["yhat", "relu(z2)", "∂yhat/∂z2", "{1 if z2 > 0; else 0}", "1"],
        ["z2", "w2·a1", "∂z2/∂a1", "w2", "0.8"],
        ["z2", "w2·a1", "∂z2/∂w2", "a1", "1.5"],
        ["a1", "relu(z1)", "∂a1/∂z1", "{1 if z1 > 0; else 0}", "1"],
        ["z1", "w1·x", "∂z1/∂w1", "x", "3"],
    ]


def test_s14_n_divides():
    """002 forgets the N in dJ/dŷ = −(y − ŷ)/N, which does not show with one row: here are two."""
    two = changed("two-weights", ("3, 2", "3, 2\n1, 5")).show()
    (record,) = two.steps
    same(record.rows[0].gradients["yhat"], F("-0.8"))  # of its own cost
    same(record.gradients["yhat"], [F("-0.4"), F("-2.3")])  # of the whole one
    same(record.gradients["w2"], (F("-0.8") * F("1.5") + F("-4.6") * F("0.5")) / 2)
    same(record.cost, (F("0.32") + F("4.6") ** 2 / 2) / 2)


def test_s14_questions():
    text = run("show", "two-weights", "--questions")
    answers = dict(re.findall(r"^(How many .*\?|Which .*\?|What .*\?)\n(.*)$", text, re.MULTILINE))
    assert answers["How many functions are involved?"] == "5: z1, a1, z2, yhat, J."
    assert answers["How many weights are involved?"] == "2: w1, w2; no biases."
    assert answers["Which one is the prediction ŷ?"].startswith("yhat: ")
    assert "  yhat = relu(z2) = relu(1.2) = 1.2" in text
    assert "J = sum((y - yhat)²)/(2·N) = 0.32" in text
    backwards = answers["What is being propagated backwards?"]
    assert "∂J/∂yhat, ∂J/∂z2, ∂J/∂a1, ∂J/∂z1" in backwards
    assert "∂J/∂yhat = -0.8, ∂J/∂z2 = -0.8, ∂J/∂a1 = -0.64, ∂J/∂z1 = -0.64" in text


# --- S15: bias neurons ---------------------------------------------------------------------------------

BIASED = {
    name: mpf(value)
    for name, value in re.findall(
        r"(\S+) = (\S+)",
        "W1~_1 = 0.1 W11_1 = 0.5 W12_1 = -0.4 W2~_1 = -0.2 W21_1 = 0.3 W22_1 = 0.8"
        " W1~_2 = 0.2 W11_2 = -0.6 W12_2 = 0.9",
    )
}
XOR = [((0, 0), 0), ((0, 1), 1), ((1, 0), 1), ((1, 1), 0)]


def biased_by_hand(w, x, y):
    u1 = w["W1~_1"] + x[0] * w["W11_1"] + x[1] * w["W12_1"]
    u2 = w["W2~_1"] + x[0] * w["W21_1"] + x[1] * w["W22_1"]
    h1, h2 = sigma(u1), sigma(u2)
    u = w["W1~_2"] + h1 * w["W11_2"] + h2 * w["W12_2"]
    u_cost = sigma(u) - y
    out = 2 * u_cost * slope(u)  # two different u: 003 writes one letter for both
    first, second = out * w["W11_2"] * slope(u1), out * w["W12_2"] * slope(u2)
    gradients = {"W1~_2": out, "W11_2": out * h1, "W12_2": out * h2}
    gradients |= {"W1~_1": first, "W11_1": first * x[0], "W12_1": first * x[1]}
    gradients |= {"W2~_1": second, "W21_1": second * x[0], "W22_1": second * x[1]}
    values = {"u_H1": u1, "H1": h1, "u_H2": u2, "H2": h2, "u_A1": u, "A1": sigma(u), "u_cost": u_cost}
    return values, u_cost**2, gradients


def test_s15_nine_gradients_and_nine_updates():
    w = dict(BIASED)
    for step in show_json("bias-neurons", "--epochs", "2")["steps"]:
        worked = [biased_by_hand(w, *row) for row in XOR]
        for row, (values, cost, gradients) in zip(step["rows"], worked, strict=True):
            all_same(row["values"], values)  # H1 is σ of its sum; 003 forgets the σ once
            same(row["cost"], cost)
            assert len(gradients) == 9
            all_same(row["gradients"], gradients, scale=0.1)
        same(step["cost"], sum(cost for _, cost, _ in worked) / 4)
        mean = {name: sum(g[name] for *_, g in worked) / 4 for name in w}
        all_same(step["gradients"], mean, scale=0.1)
        w = {name: value - mean[name] / 2 for name, value in w.items()}
        all_same(step["update"]["after"], w, scale=0.1)


def test_s15_how_much_each_path_contributed():
    inner = {
        "W1~_2": "∂A1/∂u_A1·∂u_A1/∂W1~_2", "W11_2": "∂A1/∂u_A1·∂u_A1/∂W11_2",
        "W12_2": "∂A1/∂u_A1·∂u_A1/∂W12_2",
        **{n: f"∂A1/∂u_A1·∂u_A1/∂H1·∂H1/∂u_H1·∂u_H1/∂{n}" for n in ("W1~_1", "W11_1", "W12_1")},
        **{n: f"∂A1/∂u_A1·∂u_A1/∂H2·∂H2/∂u_H2·∂u_H2/∂{n}" for n in ("W2~_1", "W21_1", "W22_1")},
    }  # fmt: skip
    last = {"W1~_2": "1", "W11_2": "H1", "W12_2": "H2"}
    for layer, unit in (("W11_2", "1"), ("W12_2", "2")):
        for name, x in ((f"W{unit}~_1", "1"), (f"W{unit}1_1", "X1"), (f"W{unit}2_1", "X2")):
            last[name] = f"{layer}·sigmoid'(u_H{unit})·{x}"
    for name, way in inner.items():
        expected = (f"∂L/∂u_cost·∂u_cost/∂A1·{way}", f"2·u_cost·1·sigmoid'(u_A1)·{last[name]}")
        assert paths("bias-neurons", name, row=4, grain="inner") == [expected]
    # the same for a cost that is written without a name for the inner difference
    plain = "input x; target y\na1 = sigmoid(w1*x)\ncost C = (a1 - y)^2\nw1 = 1\ndata\nx, y\n1, 0"
    derived = bh.read(plain).why("w1", grain="inner").to_dict()["paths"][0]["factors"]
    assert [f["symbol"] for f in derived] == ["∂C/∂u", "∂u/∂a1", "∂a1/∂z1", "∂z1/∂w1"]
    assert [f["formula"] for f in derived] == ["2·u", "1", "sigmoid'(z1)", "x"]


def test_s15_the_batch_form():
    """A row per example: (N×1) times W without its bias column, times (N×2), with X's (N×3), averaged."""
    page = sheet("bias-neurons").show(view="batch").document()
    worked = steps(page)
    by_hand = [biased_by_hand(BIASED, *row) for row in XOR]
    first = [[g["W1~_1"], g["W2~_1"]] for *_, g in by_hand]  # a bias's partial is its unit's δ
    same(np.asarray(worked["D^(2)"]).tolist(), [[g["W1~_2"]] for *_, g in by_hand], scale=0.1)
    same(np.asarray(worked["D^(1)"]).tolist(), first, scale=0.1)
    mean = {name: sum(g[name] for *_, g in by_hand) / 4 for name in BIASED}
    rows = [[mean[n] for n in names.split()] for names in ("W11_1 W12_1 W1~_1", "W21_1 W22_1 W2~_1")]
    same(np.asarray(worked["∂C/∂W_+^(1)"]).tolist(), rows, scale=0.1)
    same(np.asarray(worked["∂C/∂W_+^(2)"]).tolist(), [[mean[n] for n in ("W11_2", "W12_2", "W1~_2")]], scale=0.1)
    text = run("show", "bias-neurons", "--view", "batch")
    for shape in ("4×1", "4×2", "4×3", "without the bias column"):
        assert shape in text
    assert "D^(1) = (D^(2) @ W^(2)) ⊙ sigmoid'(Z^(1))" in text
    assert "∂C/∂W_+^(1) = (D^(1)ᵀ @ X_+)/N" in text
    assert "[[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]]" in text  # X with the column of ones
    assert "2·u_cost" in text
    sums = sheet("bias-neurons").show().gradients
    all_same(sums, mean, scale=0.1)


def test_s15_threshold_units_cannot_learn_this_way():
    text, _ = example_text("bias-neurons")
    threshold = bh.read(text.replace("sigmoid", "step")).show()
    assert all(threshold.gradients[name] == 0 for name in BIASED)
    said = str(threshold)
    for words in (
        "H1, H2, A1 are threshold units (TLU)",
        "step'(z) = 0",
        "cannot learn this way",
        "`sigmoid`",
    ):
        assert words in said


def test_dead_units_are_named():
    text = "input x\na = relu(W @ x + b)\ny = V @ a\ncost C = y^2\nW = [[1], [-1], [1]]; b = [0, 0, -9]\n"
    text += "V = [[1, 1, 1]]\nrate 0.1\ndata\nx\n1\n2\n"
    work = bh.read(text).show()
    assert "Dead units: a[2], a[3]. Its z is not above 0 in any of the 2 rows" in str(work)
    assert [g[0] for g in work.gradients["W"]][1:] == [0, 0]
    alive = str(bh.read(text.replace("-1", "-0.5").replace("\n2\n", "\n-2\n")).show())
    assert "Dead unit: a[3]." in alive


# --- S16: every δ is looked up -------------------------------------------------------------------------


def test_s16_every_number():
    """004 prints 22 in W3, 3989 for a3 and 283243 for ∂C/∂w11: its later numbers need 27, 3939 and 283248."""
    (step,) = show_json("cache")["steps"]
    assert step["rows"][0]["values"] == {
        "z1": [5], "a1": [5], "z2": [36, 48, 62], "a2": [36, 48, 62], "z3": [3939], "a3": [3939],
    }  # fmt: skip
    assert step["cost"] == 3934**2
    assert step["rows"][0]["gradients"] == {
        "W1": [[4429684]], "b1": [4429684],
        "W2": [[747460], [1062180], [1219540]], "b2": [149492, 212436, 243908],
        "W3": [[283248, 377664, 487816]], "b3": [7868],
        "z1": [4429684], "a1": [4429684], "z2": [149492, 212436, 243908], "a2": [149492, 212436, 243908],
        "z3": [7868], "a3": [7868], "x": 8859368,
    }  # fmt: skip
    assert 149492 * 5 + 212436 * 7 + 243908 * 9 == 4429684
    after = step["update"]["after"]
    same(after["W2"], [[5 - F("0.0747460")], [7 - F("0.1062180")], [9 - F("0.1219540")]])
    same(after["b1"], [3 - F("0.4429684")])


def test_s16_the_deltas_are_looked_up():
    text = run("why", "cache", "W1[1,1]")
    looked_up = text[text.index("The same with every δ looked up") :]
    for line in [
        "∂C/∂a3[1] = 2·(a3[1] - y) = 2·(3939 - 5) = 7868",
        "∂C/∂a2[1] = W3[1,1]·∂C/∂z3[1] = 19·7868 = 149492",
        "∂C/∂a2[2] = W3[1,2]·∂C/∂z3[1] = 27·7868 = 212436",
        "∂C/∂a2[3] = W3[1,3]·∂C/∂z3[1] = 31·7868 = 243908",
        "∂C/∂a1[1] = W2[1,1]·∂C/∂z2[1] + W2[2,1]·∂C/∂z2[2] + W2[3,1]·∂C/∂z2[3]"
        " = 5·149492 + 7·212436 + 9·243908 = 4429684",
        "∂C/∂W1[1,1] = ∂C/∂z1[1]·x = 4429684·1 = 4429684   looked up",
    ]:
        assert f"  {line}\n" in looked_up
    data = json.loads(run("why", "cache", "W2[3,1]", "--json"))
    assert data["collected"]["lookups"] == [{"symbol": "∂C/∂z2[3]", "value": 243908.0}]
    assert data["value"] == data["collected"]["value"] == 1219540.0
    assert [p.value for p in sheet("cache").why("W1[1,1]").paths] == [747460, 1487052, 2195172]
    whole = run("why", "cache", "W3")
    assert "∂C/∂W3 = ∂C/∂z3 ⊗ a2 = [7868] ⊗ [36, 48, 62] = [[283248, 377664, 487816]]" in whole


# --- all of them ---------------------------------------------------------------------------------------


def walk(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        for part in value.values():
            yield from walk(part)
    elif isinstance(value, list):
        for part in value:
            yield from walk(part)
    else:
        yield value


@pytest.mark.parametrize(
    "name",
    ["bias-neurons", "cache", "chain", "curve", "hidden-units", "line", "one-neuron", "price", "symmetric",
     "three-neurons", "two-outputs", "two-three-one", "two-weights"],
)  # fmt: skip
def test_numbers_are_full_doubles_whatever_the_digits(name):
    full = show_json(name)
    assert show_json(name, "--digits", "3") == full
    assert all(isinstance(v, str | int | float | bool | None) for v in walk(full))
    assert show_json(name, "--digits", "full") == full
    assert isinstance(sheet(name).network.equations[0].formula, Expr)
