"""What is written can be read: statements, formulas, and the networks of sheets written and read again."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_sheets import Layered, Scalars

from backhand.network.build import build
from backhand.notation.expr import Ref
from backhand.notation.names import is_name
from backhand.notation.text import SHEET_TEXT
from backhand.sheet.model import (
    Assign,
    Const,
    CostLine,
    DataFrom,
    Declared,
    InlineData,
    Inputs,
    Layer,
    Layers,
    Mode,
    Rate,
    SheetText,
    Start,
    Targets,
    Title,
    Update,
)
from backhand.sheet.parse import parse
from backhand.sheet.statements import constant
from backhand.sheet.write import write

SHEETS = sorted(Path(__file__).parent.parent.glob("src/backhand/examples/*.bh"))

NAMES = st.sampled_from(
    [
        "x",
        "w1",
        "w_1",
        "W11_2",
        "W1~_1",
        "w_{11}^{(2)}",
        "ŷ",
        "σ",
        "max",
        "rate",
        "data",
        "e",
        "N",
        "as",
        "seed",
    ]
) | st.from_regex(r"[a-zα-ω][a-z0-9_]{0,3}", fullmatch=True).filter(is_name)
FUNCTIONS = st.sampled_from(["sigmoid", "σ", "relu", "tanh", "max", "mse", "g", "add", "total", "print", "sum_k"])
NUMBERS = st.floats(0, allow_infinity=False, allow_nan=False) | st.integers(0, 10**6).map(float)
SIGNED = st.floats(allow_infinity=False, allow_nan=False)
TEXTS = st.text(st.characters(exclude_characters='"\n', exclude_categories=("Cc", "Cs", "Cn")), max_size=12)
COUNTS = st.integers(1, 1000)


def grown(formulas):
    """Larger formulas from smaller ones, as a person may write them, with brackets around each part."""
    lists = st.lists(formulas, min_size=1, max_size=3)
    return st.one_of(
        st.tuples(formulas, st.sampled_from("+-*/^@"), formulas).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        st.tuples(formulas, st.sampled_from(["+", "-", "*", "·", "/", "^", "**", "@", "- -", "*-"]), formulas).map(
            lambda t: f"{t[0]} {t[1]} {t[2]}"
        ),
        formulas.map(lambda f: f"-({f})"),
        formulas.map(lambda f: f"-{f}"),
        formulas.map(lambda f: f"({f})²"),
        lists.map(lambda parts: f"[{', '.join(parts)}]"),
        st.tuples(FUNCTIONS, lists).map(lambda t: f"{t[0]}({', '.join(t[1])})"),
    )


ATOMS = st.one_of(
    NAMES,
    NUMBERS.map(repr),
    st.tuples(NAMES, COUNTS).map(lambda t: f"{t[0]}[{t[1]}]"),
    st.tuples(NAMES, COUNTS, COUNTS).map(lambda t: f"{t[0]}[{t[1]},{t[2]}]"),
)
FORMULAS = st.recursive(ATOMS, grown, max_leaves=12)


@given(FORMULAS)
def test_formulas(text):
    tree = parse(f"y = {text}").statements[0].value
    again = SHEET_TEXT(tree)
    assert parse(f"y = {again}").statements[0].value == tree
    assert SHEET_TEXT(parse(f"y = {again}").statements[0].value) == again


@pytest.mark.parametrize(
    "text",
    [
        "-(x*y)", "(-x)*y", "-x*y", "x - (-y)", "x - -y", "x - (y - z)", "x - (y + z)", "(x - y) - z",
        "-(x + y)", "a/(b*c)", "a/b*c", "a*(b*c)", "a*b/c", "a*(b/c)", "(a*b) @ c", "a @ (b*c)",
        "a @ b @ c", "a @ (b @ c)", "-a @ b", "(-a) @ b", "-(a @ b)", "x^-y", "x^(-y)", "(x^y)^z",
        "x^(-y/2)", "x^(-y*z)", "x^y^z", "(-x)^2", "-x^2", "2^-1", "(-2)^2", "-2^2", "-(2^2)", "2*-3", "-3*x", "(-3)*x",
        "x + -3*y", "x - -3", "-(-3)", "- - x", "-(-x*y)", "x*-y^2", "-1/2*x", "(x/2)^2", "x/2^2",
        "σ(x)²", "-σ(x)", "[-1, -x, x - 1]", "[[1], [-2]]", "1e300*x", "1e-300 + x", "5e-324",
        "0.1 + 0.2", "1e22 + x", "123456789012345680000*x", "-0.0*x", "0 - x",
    ],
)  # fmt: skip
def test_brackets_and_signs(text):
    tree = parse(f"y = {text}").statements[0].value
    assert parse(f"y = {SHEET_TEXT(tree)}").statements[0].value == tree


# --- statements -----------------------------------------------------------------------------------------

EXPRESSIONS = FORMULAS.map(lambda text: parse(f"y = {text}").statements[0].value)
DECLARED = st.builds(Declared, NAMES, TEXTS, st.integers(0, 50))
LAYER = st.builds(
    Layer,
    COUNTS,
    st.sampled_from(["sigmoid", "leaky", "linear", "foo"]),
    st.lists(SIGNED, max_size=2).map(tuple),
) | st.builds(Layer, COUNTS)
SCHEMES = ["he", "xavier", "zeros", "foo"]
STARTS = st.one_of(
    st.builds(Start, st.sampled_from(SCHEMES), st.none() | st.integers(0, 10**18)),
    st.builds(Start, st.just("fixed"), st.none(), SIGNED, SIGNED | st.none()),
    st.builds(Start, st.just("fixed"), st.none(), st.none(), SIGNED),
)
STATEMENTS = st.one_of(
    st.builds(Title, TEXTS),
    st.builds(Inputs, st.lists(DECLARED, min_size=1, max_size=3).map(tuple)),
    st.builds(Targets, st.lists(DECLARED, min_size=1, max_size=3).map(tuple)),
    st.builds(Const, NAMES, EXPRESSIONS),
    st.builds(Assign, NAMES, EXPRESSIONS),
    st.builds(CostLine, NAMES, EXPRESSIONS),
    st.builds(
        Layers,
        st.lists(NAMES.map(Ref), min_size=1, max_size=3).map(tuple),
        st.lists(LAYER, min_size=1, max_size=3).map(tuple),
        st.just("") | NAMES,
    ),
    STARTS,
    st.builds(Rate, SIGNED),
    st.builds(Update, st.sampled_from(["sgd", "adam", "foo"]), st.lists(SIGNED, max_size=4).map(tuple)),
    st.builds(Mode, st.sampled_from(["batch", "online", "foo"])),
    st.builds(Mode, st.just("batches"), COUNTS),
    st.builds(DataFrom, TEXTS),
)
ROWS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")) | st.just("\n"), max_size=30)


@given(st.lists(STATEMENTS, max_size=5), st.none() | ROWS)
def test_statements(statements, rows):
    if rows is not None:
        statements = [*statements, InlineData(rows)]
    sheet = SheetText(tuple(statements))
    assert parse(write(sheet)).statements == sheet.statements
    assert write(parse(write(sheet))) == write(sheet)


def test_quotes_and_line_ends_inside_a_text_cannot_break_a_sheet():
    assert write(SheetText((Title('a "b"\nc\u2028d'),))) == "title \"a 'b' c\u2028d\"\n"


@given(SIGNED, SIGNED)
def test_the_number_of_a_rate_is_what_was_written(a, b):
    assert constant(parse(f"y = {a!r}").statements[0].value) == a
    if abs(a + b) < float("inf"):
        assert constant(parse(f"y = {a!r} + ({b!r})").statements[0].value) == a + b


# --- networks -------------------------------------------------------------------------------------------


def same_network(one, two):
    """Whether two problems say the same."""
    a, b = one.network, two.network
    assert list(a.nodes) == list(b.nodes)
    for name, node in a.nodes.items():
        other = b.nodes[name]
        assert (node.role, node.shape, node.formula, node.label, node.made) == (
            other.role, other.shape, other.formula, other.label, other.made,
        )  # fmt: skip
        assert (node.value is None) == (other.value is None)
        assert node.value is None or np.array_equal(node.value, other.value)
    assert a.cost == b.cost
    assert (a.title, a.in_letters, a.unknown_functions) == (b.title, b.in_letters, b.unknown_functions)
    assert one.plan == two.plan
    assert (one.table is None) == (two.table is None)
    if one.table:
        assert all(np.array_equal(one.table.columns[n], two.table.columns[n]) for n in one.table.columns)


@pytest.mark.parametrize("path", SHEETS, ids=lambda p: p.stem)
def test_shipped_sheets(path):
    sheet = parse(path.read_text("utf-8"), path.name)
    again = parse(write(sheet))
    assert again.statements == sheet.statements
    same_network(build(sheet, path.parent), build(again, path.parent))


@pytest.mark.parametrize("kind", [Scalars, Layered])
@given(st.integers(0, 10**6))
def test_random_networks(kind, seed):
    sheet = parse(kind(random.Random(seed)).sheet())
    again = parse(write(sheet))
    assert again.statements == sheet.statements
    same_network(build(sheet), build(again))
