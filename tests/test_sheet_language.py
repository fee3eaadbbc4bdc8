"""The sheet language, sentence by sentence of the design. Numbers are worked by hand or by NumPy."""

import math
import time
from pathlib import Path

import numpy as np
import pytest

from backhand.engine.training import steps
from backhand.errors import MissingValues, NameProblem, ShapeProblem
from backhand.network.build import build
from backhand.network.graph import Role
from backhand.notation.expr import Call, Num, Ref
from backhand.notation.latex import LatexPrinter
from backhand.notation.text import PLAIN, TextPrinter
from backhand.ops.vocabulary import VOCABULARY
from backhand.sheet.formula import OPERATIONS
from backhand.sheet.model import (
    Const,
    DataFrom,
    InlineData,
    Inputs,
    Layer,
    Layers,
    Mode,
    Rate,
    Start,
    Targets,
    Title,
    Update,
)
from backhand.sheet.parse import parse, parse_name

SHEETS = sorted(Path(__file__).parent.parent.glob("src/backhand/examples/*.bh"))


def problem(text, folder=None):
    return build(parse(text, "t.bh"), folder)


def network(text):
    return problem(text).network


def first_step(text):
    return next(iter(steps(problem(text))))


def worked(text, name="y", row=1):
    """The value of a node in one row."""
    return first_step(text).tape.values[name][row - 1].tolist()


def formula(text):
    """The tree of a right side."""
    return parse(f"y = {text}").statements[0].value


def result(text, x=2.0):
    return worked(f"input x\ny = {text}\ndata\nx\n{x}\n")


def shown(text):
    return PLAIN(formula(text))


# --- words ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SHEETS, ids=lambda p: p.stem)
def test_shipped_sheets_build_without_warnings(path):
    built = build(parse(path.read_text("utf-8"), path.name), path.parent)
    assert built.network.equations
    assert built.network.cost
    assert built.warnings == ()
    assert built.network.in_letters == (path.stem == "three-neurons")


def test_statements_end_with_lines_and_semicolons():
    sheet = parse("w1 = 1; w2 = 2\n\n ; # nothing; here\nw3 = 3 ;; w4 = 4 # last; w5 = 5")
    assert [s.name for s in sheet.statements] == ["w1", "w2", "w3", "w4"]


def test_comments_and_semicolons_inside_quotes_are_text():
    sheet = parse('title "a # b; c" # d\ninput x "x; # 1"')
    assert sheet.statements == (Title("a # b; c"), parse('input x "x; # 1"').statements[0])
    assert sheet.statements[1].items[0].label == "x; # 1"


def test_an_open_bracket_continues_the_line():
    text = "y = relu(w1*x  # first; weight\n   + b1\n)\nW = [[1, 2],\n  [3, 4]]\ninput x[\n2\n]"
    assert parse(text) == parse("y = relu(w1*x + b1)\nW = [[1, 2], [3, 4]]\ninput x[2]")


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_end_in_every_way(ending):
    text = "input x\ny = w*x\nw = 2\ndata\nx\n1\n3\n"
    built = problem(text.replace("\n", ending))
    assert built.table.columns["x"].tolist() == [1, 3]


def test_a_byte_order_mark_is_no_part_of_the_sheet():
    assert parse('\ufefftitle "a"').statements == (Title("a"),)


def test_order_is_free():
    lines = [
        "y = w*a1",
        "a1 = tanh(v*x)",
        "w = 2",
        "input x",
        "cost C = (y - t)^2",
        "v = 0.5",
        "target t",
        "rate 1",
    ]
    there, back = ("\n".join([*order, "data\nx, t\n1, 2"]) for order in (lines, lines[::-1]))
    assert first_step(there).tape.cost == first_step(back).tape.cost
    assert [n.name for n in network(there).equations] == ["z1", "a1", "y"]


def test_equations_are_worked_as_they_stand_where_nothing_else_decides():
    nodes = network("input x\nb = a^2\na = x*w\nc = a^3\nd = x\ne = b*d\nw = 1")
    assert [n.name for n in nodes.equations] == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    "word", ["title", "input", "target", "const", "layers", "start", "cost", "rate", "update", "mode", "data"]
)
def test_statement_words_are_ordinary_names_before_an_equals_sign_and_inside_formulas(word):
    built = problem(f"input x\n{word} = 3\ny = {word}*x\ndata\nx\n2")
    assert built.network.nodes[word].role is Role.PARAMETER
    assert first_step(f"input x\n{word} = 3\ny = {word}*x\ndata\nx\n2").tape.values["y"].tolist() == [6]
    assert worked(f"input x\n{word} = 2*x + 1\ny = {word}^2\ndata\nx\n2") == 25
    assert worked(f"input q\n{word} = sigmoid(0*q)\ny = {word}\ndata\nq\n2") == 0.5


@pytest.mark.parametrize(
    "name",
    [
        "e",
        "pi",
        "in",
        "var",
        "as",
        "seed",
        "of",
        "from",
        "weights",
        "batch",
        "sum",
        "max",
        "relu",
        "σ",
        "mse",
    ],
)
def test_functions_and_other_words_are_ordinary_names(name):
    assert worked(f"input x\n{name} = 3\ny = {name}*x + max(x, 0)\ndata\nx\n2") == 8


def test_a_functions_name_is_one_only_before_a_bracket():
    assert worked("input x\nmax = 5\ny = max (max, x) - max\ndata\nx\n9") == 4


@pytest.mark.parametrize("word", ["rate", "cost", "update", "mode", "start"])
def test_a_value_for_a_statement_word_draws_a_warning(word):
    built = problem(f"input x\ny = x^2\n{word} = 0.1")
    assert [w for w in built.warnings if f"`{word} = …`" in w and w.startswith("t.bh:3: ")]


def test_rate_with_an_equals_sign_is_no_rate():
    built = problem("input x\ny = w*x\nw = 1\nrate = 0.1")
    assert built.plan.rate is None
    assert len(built.warnings) == 1


# --- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "w1",
        "w_1",
        "w₁",
        "W11_2",
        "W1~_1",
        "w_{11}^{(2)}",
        "w^{(2)}_{11}",
        "ŷ",
        "σ",
        "δ",
        "x⃗",
        "_w",
        "Größe",
        "名前",
        "z",
    ],
)
def test_names_stay_as_they_were_typed(name):
    nodes = network(f"input x\n{name} = x*w\nw = 1").nodes
    assert name in nodes


def test_names_are_composed():
    assert list(network("input x\ny\u0302 = x*w\nq = \u0177^2").nodes) == ["x", "w", "\u0177", "q"]


def test_subscript_digits_are_digits_and_the_first_spelling_is_kept():
    nodes = network("input x\nz₁ = x*w₁₂\ny = z1^2\nw12 = 3").nodes
    assert list(nodes) == ["x", "w₁₂", "z₁", "y"]
    assert PLAIN(nodes["y"].formula) == "z₁²"


def test_an_underscore_makes_another_name():
    assert {"w1", "w_1"} <= set(network("input x\ny = w1*x + w_1\nw1 = 1; w_1 = 2").nodes)


@pytest.mark.parametrize(("typed", "meant"), [("w_11^(2)", "w_{11}^{(2)}"), ("w_{11}^(2)", "w_{11}^{(2)}")])
def test_a_layer_without_braces_is_a_power_and_draws_a_warning(typed, meant):
    built = problem(f"input x\ny = {typed}*x")
    assert formula(typed) == Call("pow", (Ref(typed.partition("^")[0]), Num(2)))
    assert built.warnings == (f"t.bh:2: `{typed}` is a power; one name for a weight of a layer is `{meant}`",)


def test_an_exponent_in_braces_is_a_name_and_draws_a_warning_if_its_base_is_one():
    built = problem("input x\ny = w*x^{2}")
    assert "x^{2}" in built.network.nodes
    assert built.warnings == ("t.bh:2: `x^{2}` is one name, not a power; a power is written `x^2`",)
    assert problem("input x\ny = w^{(2)}*x").warnings == ()


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("w5", Ref("w5")),
        (" W1[2, 1] ", Ref("W1", (2, 1))),
        ("z(y)", Ref("z(y)")),
        ("w_{11}^{(2)}", Ref("w_{11}^{(2)}")),
        ("y\u0302[1]", Ref("ŷ", (1,))),
    ],
)
def test_names_on_the_command_line(text, ref):
    assert parse_name(text) == ref


# --- statements -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ('title "A net"', Title("A net")),
        ('title ""', Title("")),
        ("const k = 3", Const("k", Num(3))),
        ("rate 0.1", Rate(0.1)),
        ("rate -2", Rate(-2)),
        ("rate 1/3", Rate(1 / 3)),
        ("rate 10^-3", Rate(10**-3)),
        ("rate 2*(0.1 + 0.2)", Rate(2 * (0.1 + 0.2))),
        ("update sgd", Update("sgd")),
        ("update momentum 0.9", Update("momentum", (0.9,))),
        ("update adam 0.9 0.99 1e-8", Update("adam", (0.9, 0.99, 1e-8))),
        ("mode batch", Mode("batch")),
        ("mode online", Mode("online")),
        ("mode batches of 32", Mode("batches", 32)),
        ("start he seed 7", Start("he", 7)),
        ("start xavier", Start("xavier")),
        ("start weights 0.5, biases 0", Start("fixed", None, 0.5, 0)),
        ("start biases -1", Start("fixed", None, None, -1)),
        ('data from "a b.csv"', DataFrom("a b.csv")),
        ("layers x -> 3", Layers((Ref("x"),), (Layer(3),))),
        (
            "layers R, D -> 3 leaky 0.1 -> 2 elu(0.5) -> 1 σ as y",
            Layers(
                (Ref("R"), Ref("D")),
                (Layer(3, "leaky", (0.1,)), Layer(2, "elu", (0.5,)), Layer(1, "sigmoid")),
                "y",
            ),
        ),
    ],
)
def test_statements(text, statement):
    assert parse(text).statements == (statement,)


def test_inputs_and_targets_have_labels_and_sizes():
    inputs, targets = parse('input R "Rating", x[2], y[3] "Why"\ntarget Price').statements
    assert isinstance(inputs, Inputs)
    assert isinstance(targets, Targets)
    assert [(i.name, i.label, i.size) for i in inputs.items] == [
        ("R", "Rating", 0),
        ("x", "", 2),
        ("y", "Why", 3),
    ]
    assert [(i.name, i.label, i.size) for i in targets.items] == [("Price", "", 0)]


def test_an_equation_mentions_a_name_and_a_starting_value_does_not():
    nodes = network("input x\ny = w*x + v @ [x, 1] + b\nw = 1/2; b = -exp(0); v = [1, 2*3]").nodes
    assert [n for n, node in nodes.items() if node.role is Role.PARAMETER] == ["w", "b", "v"]
    assert [nodes[n].value.tolist() for n in ("w", "b", "v")] == [0.5, -1, [1, 6]]


def test_values_are_numbers_vectors_and_matrices():
    nodes = network("input x\ny = W @ [x, x] + b\nW = [[1, 2], [3, 4]]; b = [.5, 1e-3]").nodes
    assert nodes["W"].value.tolist() == [[1, 2], [3, 4]]
    assert nodes["b"].value.tolist() == [0.5, 0.001]
    assert not nodes["W"].value.flags.writeable


def test_constants_may_be_vectors():
    assert worked("const v = [1, 2]\nconst k = 3\ny = k*v", "y") == [3, 6]


def test_a_name_that_nothing_defines_is_a_parameter():
    roles = {n: node.role for n, node in network("input x\ntarget t\nconst k = 1\ny = w*x + k").nodes.items()}
    assert roles == {
        "x": Role.INPUT,
        "t": Role.TARGET,
        "k": Role.CONST,
        "w": Role.PARAMETER,
        "y": Role.EQUATION,
    }


def test_a_name_in_the_cost_is_a_parameter_if_it_has_a_value():
    nodes = network("input x\ntarget t\ny = x\ncost C = mean((y - t)^2) + 0.1*w^2\nw = 3").nodes
    assert nodes["w"].role is Role.PARAMETER


def test_a_cost_alone_is_a_sheet():
    step = first_step("cost C = (w - 3)^2\nw = 1\nrate 0.25")
    assert step.tape.cost == 4
    assert step.change.after["w"].tolist() == 2


def test_a_value_that_nothing_uses_draws_a_warning():
    assert problem("input x\ny = w*x\nw = 1\nv = 2").warnings == ("t.bh:4: `v` has a value, but no equation uses it",)


def test_in_letters_an_unknown_function_is_any_function_of_one_argument():
    built = problem("input x\na1 = g(w*x + b)\ny = h(a1)")
    assert built.network.in_letters
    assert built.network.unknown_functions == ("g", "h")
    assert [n.name for n in built.network.equations] == ["z1", "a1", "y"]
    assert built.warnings == ()


def test_in_letters_a_misspelt_function_draws_a_warning():
    said = "t.bh:2: `sigmod` is taken as any function of one argument; did you mean `sigmoid`?"
    assert problem("input x\na1 = sigmod(w*x + b)").warnings == (said,)


@pytest.mark.parametrize("word", sorted(OPERATIONS))
def test_words_of_the_tree_and_the_printers_are_free_for_functions(word):
    built = network(f"input x\na1 = {word}(w*x + b)\ny = 2*{word}(a1) + 1")
    assert built.unknown_functions == (word,)
    assert PLAIN(built.nodes["y"].formula) == f"2·{word}(a1) + 1"


def test_no_word_of_the_tree_or_the_printers_is_forgotten():
    printers = {n[1:] for p in (TextPrinter, LatexPrinter) for n in dir(p) if n.startswith("_") and n[1] != "_"}
    own = {name for name, op in VOCABULARY.items() if not op.written}
    known = {name for name, op in VOCABULARY.items() if op.written} | {"sum", "mean"}
    assert (printers | own) - known <= OPERATIONS
    assert not OPERATIONS & known


# --- layers ---------------------------------------------------------------------------------------------


def formulas(text):
    return {n.name: PLAIN(n.formula) for n in network(text).equations}


def test_layers_stand_for_their_equations():
    layered = network("input x[2]\nlayers x -> 3 sigmoid -> 1 linear as y\nstart he seed 1")
    written = network(
        "input x[2]\na1 = sigmoid(W1 @ x + b1)\ny = W2 @ a1 + b2\nstart zeros\n"
        "W1 = [[0, 0], [0, 0], [0, 0]]; b1 = [0, 0, 0]; W2 = [[0, 0, 0]]; b2 = [0]"
    )
    assert {n: (v.shape, PLAIN(v.formula) if v.formula else "") for n, v in layered.nodes.items()} == {
        n: (v.shape, PLAIN(v.formula) if v.formula else "") for n, v in written.nodes.items()
    }


def test_the_last_layer_is_called_as_the_others_are():
    assert formulas("input x\nlayers x -> 3 relu -> 2") == {
        "z1": "W1 @ x + b1",
        "a1": "relu(z1)",
        "a2": "W2 @ a1 + b2",
    }


def test_layers_take_several_numbers():
    assert formulas("input R, D\nlayers R, D -> 2 tanh") == {"z1": "W1 @ [R, D] + b1", "a1": "tanh(z1)"}
    assert network("input R, D\nlayers R, D -> 2 tanh").nodes["W1"].shape == (2, 2)


def test_activations_take_their_number():
    assert formulas("input x\nlayers x -> 2 leaky 0.1 -> 2 elu -> 1 leaky as y")["a1"] == "leaky(z1, 0.1)"
    assert formulas("input x\nlayers x -> 2 leaky 0.1 -> 2 elu -> 1 leaky as y")["a2"] == "elu(z2, 1)"
    assert formulas("input x\nlayers x -> 2 leaky 0.1 -> 2 elu -> 1 leaky as y")["y"] == "leaky(z(y), 0.01)"


def test_a_second_layers_line_goes_on_counting():
    turned = formulas("input x\nlayers a2 -> 1 as y\nlayers x -> 2 relu")  # order is free
    assert turned == {"z2": "W2 @ x + b2", "a2": "relu(z2)", "y": "W1 @ a2 + b1"}
    text = "input x\nlayers x -> 2 relu\nh = a1[1]*a1[2]\nlayers h -> 3 tanh as q"
    assert formulas(text) == {
        "z1": "W1 @ x + b1", "a1": "relu(z1)", "h": "a1[1]·a1[2]", "z(q)": "W2 @ h + b2", "q": "tanh(z(q))",
    }  # fmt: skip
    assert network(text).nodes["W2"].shape == (3, 1)


def test_layers_may_start_from_an_equation_that_is_a_vector():
    nodes = network("input x\nh = tanh([x, x^2])\nlayers h -> 3 relu as y\nstart he seed 1").nodes
    assert nodes["W1"].shape == (3, 2)


# --- start ----------------------------------------------------------------------------------------------

WRITTEN = (  # a 2-3-1 network, neuron by neuron
    "input x1, x2\n"
    "h1 = tanh(w11*x1 + w12*x2 + c1)\nh2 = tanh(w21*x1 + w22*x2 + c2)\nh3 = tanh(w31*x1 + w32*x2 + c3)\n"
    "y = v1*h1 + v2*h2 + v3*h3 + d\n"
)
LAYERED = "input x[2]\nlayers x -> 3 tanh -> 1 as y\n"


def starting(text):
    return {p.name: p.value.tolist() for p in network(text).parameters}


def drawn(scheme, seed):
    """What the design says, for 2-3-1 in order of appearance; biases take nothing from the stream."""
    rng = np.random.default_rng(seed)
    match scheme:
        case "he":
            return rng.normal(0, math.sqrt(2 / 2), (3, 2)), rng.normal(0, math.sqrt(2 / 3), (1, 3))
        case "xavier":
            first, second = math.sqrt(6 / (2 + 3)), math.sqrt(6 / (3 + 1))
            return rng.uniform(-first, first, (3, 2)), rng.uniform(-second, second, (1, 3))
        case "uniform":
            return rng.uniform(-0.5, 0.5, (3, 2)), rng.uniform(-0.5, 0.5, (1, 3))
        case "normal":
            return rng.normal(0, 0.1, (3, 2)), rng.normal(0, 0.1, (1, 3))
    return np.zeros((3, 2)), np.zeros((1, 3))


@pytest.mark.parametrize("scheme", ["he", "xavier", "uniform", "normal", "zeros"])
@pytest.mark.parametrize("seed", [0, 7])
def test_start_draws_exactly_these_numbers(scheme, seed):
    W1, W2 = drawn(scheme, seed)
    assert starting(f"{LAYERED}start {scheme} seed {seed}") == {
        "W1": W1.tolist(), "b1": [0, 0, 0], "W2": W2.tolist(), "b2": [0],
    }  # fmt: skip


@pytest.mark.parametrize("scheme", ["he", "xavier", "uniform", "normal", "zeros"])
def test_a_network_written_out_starts_as_the_same_network_in_layers(scheme):
    W1, W2 = drawn(scheme, 7)
    expected = dict(zip(["w11", "w12", "w21", "w22", "w31", "w32"], W1.ravel().tolist(), strict=True))
    expected |= dict(zip(["v1", "v2", "v3"], W2.ravel().tolist(), strict=True))
    found = starting(f"{WRITTEN}start {scheme} seed 7")
    assert {n: found[n] for n in expected} == expected
    assert {found[n] for n in ("c1", "c2", "c3", "d")} == {0}


def test_start_goes_by_appearance_in_the_sheet_not_by_the_order_of_work():
    rng = np.random.default_rng(3)
    expected = {name: rng.uniform(-0.5, 0.5) for name in ("late", "early")}
    found = starting("input x\ny = late*a1\na1 = tanh(early*x)\nstart uniform seed 3")
    assert found == expected


def test_start_fills_only_what_has_no_value():
    rng = np.random.default_rng(7)
    found = starting("input x, D\ny = w1*x + w2*D + b\nw1 = 0.25\nstart normal seed 7")
    assert found == {"w1": 0.25, "w2": rng.normal(0, 0.1), "b": 0}


def test_start_with_fixed_numbers():
    found = starting(f"{LAYERED}start weights 0.5, biases -1")
    assert found == {"W1": [[0.5] * 2] * 3, "b1": [-1] * 3, "W2": [[0.5] * 3], "b2": [-1]}


def test_start_with_weights_only_leaves_the_biases_without_a_value():
    with pytest.raises(MissingValues, match="no value for b1, b2"):
        network(f"{LAYERED}start weights 0.5")


def test_a_bias_is_only_ever_added():
    found = starting("input x\ny = v*sigmoid(w*x + b) + c - 2*q\nstart weights 1, biases 0")
    assert found == {"v": 1, "w": 1, "b": 0, "c": 0, "q": 1}


def test_start_without_a_seed_says_which_one_it_takes():
    built = problem(f"{LAYERED}start he")
    assert built.warnings == ("t.bh:3: `start he` names no seed; 0 is taken",)
    assert starting(f"{LAYERED}start he") == starting(f"{LAYERED}start he seed 0")


# --- rate, update, mode ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("", (None, "sgd", (), "batch", 0)),
        ("rate -0.5\nmode online", (-0.5, "sgd", (), "online", 0)),
        ("rate 1/3\nupdate adam", (1 / 3, "adam", (), "batch", 0)),
        ("rate 1\nupdate adamw 0.1\nmode batches of 2", (1, "adamw", (0.1,), "batches", 2)),
    ],
)
def test_the_plan(lines, expected):
    plan = problem(f"input x\ny = w*x\nw = 1\n{lines}").plan
    assert (plan.rate, plan.rule, plan.settings, plan.mode, plan.batch_size) == expected


def test_batches_go_in_sheet_order_and_the_last_may_be_short():
    plan = problem("input x\ny = x\nrate 1\nmode batches of 2").plan
    assert plan.batches(5) == [range(2), range(2, 4), range(4, 5)]


# --- data -----------------------------------------------------------------------------------------------

FIT = 'input R "Rating", D\ntarget y[2]\nz = [R, D]\n'


def columns(rows, head=FIT):
    table = problem(f"{head}data\n{rows}").table
    return {name: values.tolist() for name, values in table.columns.items()}


def test_the_header_names_columns_by_name_or_label_and_extra_ones_are_ignored():
    found = columns("y[2], more, Rating, y[1], D\n1, text, 2, 3, 4\n\n# a comment\n5, , 6, 7, 8\n")
    assert found == {"R": [2, 6], "D": [4, 8], "y": [[3, 1], [7, 5]]}


def test_a_name_goes_before_a_label():
    assert columns("a, b\n1, 2\n", 'input a "b", b\nz = a + b\n') == {"a": [1], "b": [2]}


def test_cells_may_stand_in_quotes():
    assert columns('"R", "D", y[1], "y[2]"\n"1", 2, "-3", 4\n') == {"R": [1], "D": [2], "y": [[-3, 4]]}


def test_numbers_in_cells():
    assert columns("R,D,y[1],y[2]\n1e-3,.5,-2.,−7\n")["y"] == [[-2, -7]]


def test_subscripts_name_columns_too():
    assert columns("x1, x_1\n1, 2\n", "input x₁, x_1\nz = x1 + x_1\n") == {"x₁": [1], "x_1": [2]}


def test_data_ends_the_statements():
    sheet = parse("y = x\ndata   # rows follow\nx\n1; 2 # not a statement\n")
    assert sheet.statements[-1] == InlineData("x\n1; 2 # not a statement\n")


def test_data_may_follow_a_semicolon():
    assert parse("y = x; data\nx\n1").statements[-1] == InlineData("x\n1")


def test_data_from_a_file_beside_the_sheet(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "rows.csv").write_bytes("\ufeffx,t\r\n1,2\r\n\r\n3,4\r\n".encode())
    built = problem('input x\ntarget t\ny = x\ndata from "deep/rows.csv"', tmp_path)
    assert built.table.columns["t"].tolist() == [2, 4]
    absolute = problem(f'input x\ntarget t\ny = x\ndata from "{tmp_path}/deep/rows.csv"')
    assert absolute.table.columns["x"].tolist() == [1, 3]


def test_no_inputs_and_no_data_are_one_row():
    assert first_step("y = w^2\nw = 3").tape.values["y"].tolist() == [9]


def test_inputs_without_data_are_no_row():
    assert list(steps(problem("input x\ny = w*x\nw = 1"))) == []


# --- expressions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [  # x is 2
        ("1 + x*3", 7), ("(1 + x)*3", 9), ("x - 1 - 1", 0), ("x/2/2", 0.5), ("6/x*3", 9), ("2*x/4", 1),
        ("x·3", 6), ("x×3", 6), ("x⋅3", 6), ("x−3", -1), ("x**3", 8), ("x^3", 8),
        ("x²", 4), ("x³²/x³⁰", 4), ("x⁻¹", 0.5), ("(x + 1)²", 9), ("abs(x)²", 4), ("3²·x", 18),
        ("-x²", -4), ("-x^2", -4), ("(-x)^2", 4), ("2^-1*x", 1), ("2^-x", 0.25), ("x^3^2", 512),
        ("(x^3)^2", 64),
        ("x*-3", -6), ("x - -3", 5), ("--x", 2), ("-+-x", 2), ("+x", 2), ("-x*3", -6), ("-2^x", -4),
        ("1e-3*x", 0.002), (".5*x", 1), ("5.*x", 10), ("1E3*x", 2000), ("1e−1*x", 0.2), ("0.25e+2*x", 50),
        ("max(x, 3, 1)", 3), ("min(x, 3)", 2), ("[x, 1] @ [3, 4]", 10),
        ("[[1, x], [3, 4]] @ [x, 1]", [4, 10]),
        ("[x, 5] + 1", [3, 6]), ("x*[1, 2]^[2, 1]", [2, 4]), ("[4] @ x", 8),
        ("[1, 2] @ [[1, 0, x], [0, 1, 1]]", [1, 2, 4]),
    ],
)  # fmt: skip
def test_expressions(text, value):
    assert result(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("sigmoid(x)", 1 / (1 + math.exp(-2))), ("σ(x)", 1 / (1 + math.exp(-2))), ("relu(x - 5)", 0),
        ("leaky(-x, 0.1)", -0.2), ("elu(-x, 3)", 3 * (math.exp(-2) - 1)), ("tanh(x)", math.tanh(2)),
        ("selu(x)", 1.0507009873554805 * 2), ("gelu(x)", math.erfc(-math.sqrt(2))),
        ("silu(x)", 2 / (1 + math.exp(-2))),
        ("softplus(x)", math.log(1 + math.exp(2))), ("step(x)", 1), ("step(0*x)", 0), ("linear(x)", 2),
        ("exp(x)", math.exp(2)), ("log(x)", math.log(2)), ("sqrt(x)", math.sqrt(2)), ("abs(-x)", 2),
        ("softmax([x, x])", [0.5, 0.5]),
    ],
)  # fmt: skip
def test_functions(text, value):
    assert result(text) == pytest.approx(value, rel=1e-15)


def test_signs_bind_as_on_paper():
    assert formula("-x*y") == formula("-(x*y)") == Call("neg", (Call("mul", (Ref("x"), Ref("y"))),))
    assert formula("a - b*c") == formula("a + (-b)*c")
    assert formula("2*-x^2") == Call("mul", (Num(2), Call("neg", (Call("pow", (Ref("x"), Num(2))),))))


def test_entries_are_counted_from_1():
    text = "input x[3]\ny = x[1] + 10*W[2,1]*x[3]\nW = [[1, 2], [3, 4]]\ndata\nx[1], x[2], x[3]\n1, 2, 3"
    assert worked(text) == 91


def test_rows_of_a_matrix_are_entries_too():
    assert worked("y = W[2]\nW = [[1, 2], [3, 4]]") == [3, 4]


def test_length_one_stays_a_list():
    assert worked("input x\ny = W @ x\nW = [[3]]\ndata\nx\n2") == [6]


def test_a_single_target_goes_with_a_vector_of_one_and_with_no_longer_one():
    text = "input x\ntarget t\ny = W @ x\ncost C = mean((y - t)^2)\ndata\nx, t\n1, 3\n"
    assert first_step(f"W = [[1]]\n{text}").tape.cost == 4
    with pytest.raises(ShapeProblem, match="a single target stands against a longer vector"):
        problem(f"W = [[1], [2]]\n{text}")


# --- the z of a neuron ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "z"),
    [
        ("a", "z"), ("a1", "z1"), ("a₁₂", "z₁₂"), ("a_3", "z_3"), ("a_{11}", "z_{11}"),
        ("a^{(2)}", "z^{(2)}"),
        ("a_h^{(2)}", "z_h^{(2)}"), ("y", "z(y)"), ("H1", "z(H1)"), ("ab", "z(ab)"), ("A1", "z(A1)"),
        ("ŷ", "z(ŷ)"),
    ],
)  # fmt: skip
def test_what_an_activation_is_taken_of_is_a_node(name, z):
    nodes = network(f"input x\n{name} = relu(w*x + b)").nodes
    assert (nodes[z].made, PLAIN(nodes[z].formula)) == (True, "w·x + b")
    assert PLAIN(nodes[name].formula) == f"relu({z})"


@pytest.mark.parametrize("taken", ["input z1", "z1 = 3*x", "z1 = 3", "v = z1*x", "cost z1 = mean(a1^2)", "z₁ = 3*x"])
def test_a_taken_name_is_not_given_to_the_z(taken):
    nodes = network(f"input x\na1 = relu(w*x + b)\n{taken}\nstart zeros").nodes
    assert PLAIN(nodes["a1"].formula) == "relu(z(a1))"


@pytest.mark.parametrize("right", ["relu(x)", "2*relu(w*x)", "relu(w*x) + 1", "relu(x)^2", "exp(w*x)"])
def test_other_right_sides_have_no_z(right):
    assert [n.name for n in network(f"input x\na1 = {right}").equations] == ["a1"]


def test_the_z_may_stand_in_the_cost():
    text = "input x\ntarget t[2]\nlayers x -> 2 softmax{}\ncost C = softmax_cross_entropy({}, t)\nstart zeros"
    assert PLAIN(network(text.format("", "z1")).cost.written) == "softmax_cross_entropy(z1, t)"
    assert PLAIN(network(text.format(" as y", "z(y)")).cost.written) == "softmax_cross_entropy(z(y), t)"


# --- cost -----------------------------------------------------------------------------------------------

ROWS = "\ndata\nx, t\n1, 3\n2, 4\n3, 1\n"  # with y = x: errors -2, -2, 2
POINTS = "input x\ntarget t\ny = w*x\nw = 1\n"


def cost_of(text, head=POINTS, rows=ROWS):
    step = first_step(f"{head}cost C = {text}{rows}")
    return step.tape.network.cost, step.tape.cost


@pytest.mark.parametrize(
    ("text", "value", "own"),
    [
        ("(y - t)^2", 4, "(y - t)²"),
        ("mean((y - t)^2)", 4, "(y - t)²"),
        ("sum((y - t)^2)", 12, "(y - t)²"),
        ("sum((y - t)^2)/2", 6, "(y - t)²/2"),
        ("1/2*sum((y - t)^2)", 6, "(y - t)²/2"),
        ("sum((y - t)^2)/(2*N)", 2, "(y - t)²/2"),
        ("1/(2*N)*sum((y - t)^2)", 2, "(y - t)²/2"),
        ("1/N*sum((y - t)^2)", 4, "(y - t)²"),
        ("N^-1*sum((y - t)^2)", 4, "(y - t)²"),
        ("sum((y - t)^2/N)", 4, "(y - t)²"),
        ("sum(1/(2*N)*(y - t)^2)", 2, "(y - t)²/2"),
        ("mean((y - t)^2)*N", 12, "(y - t)²"),
        ("mean((y - t)^2)*3/2", 6, "3·(y - t)²/2"),
        ("-mean(y*t)", -(3 + 8 + 3) / 3, "-y·t"),
        ("sum((y - t)^2)/(N - 1)", 6, "(y - t)²/(N - 1)"),
        ("k*mean((y - t)^2)", 8, "k·(y - t)²"),
        ("sse(y, t)", 12, "(y - t)²"),
        ("mse(y, t)", 4, "(y - t)²"),
        ("0.5*mse(y, t)", 2, "0.5·(y - t)²"),
        ("mae(y, t)", 2, "abs(y - t)"),
        ("huber(y, t, 1)", 1.5, "huber_of(y - t, 1)"),
        ("huber(y, t, 3)", 2, "huber_of(y - t, 3)"),
    ],
)
def test_costs(text, value, own):
    cost, found = cost_of(text, f"const k = 2\n{POINTS}")
    assert found == pytest.approx(value, rel=1e-15)
    assert PLAIN(cost.own) == own


def test_a_cost_without_sum_or_mean_is_a_mean_and_says_so():
    cost, _ = cost_of("(y - t)^2")
    assert cost.mean
    assert cost.assumed_mean
    assert cost.convention == (
        "the mean over the N rows of (y - t)²; the sheet names no sum or mean, so the mean is taken; no factor ½"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sum((y - t)^2)", "the sum over the rows of (y - t)²; no factor ½"),
        ("sum((y - t)^2)/(2*N)", "the mean over the N rows of (y - t)²/2; with the factor ½"),
        ("mean((y - t)^2) + w^2", "the mean over the N rows of (y - t)²; plus w², once a step; no factor ½"),
    ],
)
def test_the_convention_is_said(text, said):
    assert cost_of(text)[0].convention == said


def test_a_named_cost_says_its_exact_formula():
    said = cost_of("mse(y, t)")[0].convention
    assert said.startswith(
        "mse: the squared errors, mean over rows and components, without a ½; the mean over the N rows"
    )


def test_a_penalty_is_added_once_a_step():
    assert cost_of("mean((y - t)^2) + 0.5*w^2")[1] == 4.5
    assert cost_of("sum((y - t)^2) - w^2")[1] == 11
    assert cost_of("(sum((y - t)^2) + 6*w^2)/(2*N)")[1] == 3
    assert PLAIN(cost_of("(sum((y - t)^2) + 6*w^2)/(2*N)")[0].penalty) == "6·w²/(2·N)"


def test_a_vector_in_a_cost_is_summed_over_its_components():
    head = "input x\ntarget t[2]\ny = v*x\nv = [1, 2]\n"
    rows = "\ndata\nx, t[1], t[2]\n1, 0, 0\n2, 1, 1\n"
    # row 1: 1 + 4, row 2: 1 + 9
    assert cost_of("mean((y - t)^2)", head, rows)[1] == 7.5
    assert cost_of("sse(y, t)", head, rows)[1] == 15
    assert cost_of("mse(y, t)", head, rows)[1] == 3.75
    assert cost_of("mean((y - t)^2) + v^2 + 1", head, rows)[1] == 13.5
    assert "2 components are added up" in cost_of("mean((y - t)^2)", head, rows)[0].convention


def test_cross_entropies():
    head = "input x\ntarget t[2]\nz = v*x\np = softmax(z)\nv = [0, 1]\n"
    rows = "\ndata\nx, t[1], t[2]\n0, 1, 0\n1, 0, 1\n"
    expected = (math.log(2) + math.log((1 + math.e) / math.e)) / 2
    assert cost_of("cross_entropy(p, t)", head, rows)[1] == pytest.approx(expected, rel=1e-14)
    assert cost_of("softmax_cross_entropy(z, t)", head, rows)[1] == pytest.approx(expected, rel=1e-14)
    head, rows = "input x\ntarget t\np = sigmoid(w*x)\nw = 0\n", "\ndata\nx, t\n1, 1\n2, 0\n"
    assert cost_of("binary_cross_entropy(p, t)", head, rows)[1] == pytest.approx(math.log(2), rel=1e-15)
    assert cost_of("poisson(p, t)", head, rows)[1] == pytest.approx(0.5 + math.log(2) / 2, rel=1e-15)


def test_n_is_the_number_of_rows_unless_the_sheet_has_its_own():
    assert cost_of("sum((y - t)^2)/N")[1] == 4
    assert cost_of("sum((y - t)^2)/N", f"const N = 2\n{POINTS}")[1] == 6


def test_a_rows_own_cost_is_called_something_free():
    assert cost_of("mean((y - t)^2)")[0].own_name == "L"
    assert cost_of("mean((y - t)^2)", f"{POINTS}L = 2*x\n")[0].own_name == "ℓ"
    assert cost_of("sum((y - t)^2)")[0].own_name == "C"


def test_no_cost_is_forward_only():
    step = first_step("input x\ny = w*x\nw = 1\nrate 1\ndata\nx\n1")
    assert step.gradients is None
    assert step.change is None


# --- sizes of what has no value -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("input x\ny = w*x + b", {"w": (), "b": ()}),
        ("input x[3]\ny = g*x + b", {"g": (3,), "b": (3,)}),
        ("input x[3]\ny = W @ x + b\nb = [1, 2]", {"W": (2, 3), "b": (2,)}),
        ("input x[3]\ny = w @ x + b\nb = 1", {"w": (3,), "b": ()}),
        ("input x\ny = leaky([x, x], s)", {"s": ()}),
        ("input x\ny = W @ v\nW = [[1, 2], [3, 4]]", {"W": (2, 2), "v": (2,)}),
        ("input x[2]\ny = x^p", {"p": ()}),
    ],
)
def test_sizes_are_found(text, shapes):
    nodes = network(f"{text}\nstart zeros").nodes
    assert {n: nodes[n].shape for n in shapes} == shapes


def test_a_layer_that_already_has_a_user_of_its_name_is_refused():
    with pytest.raises(NameProblem):
        network("input x, b1\nlayers x -> 3")


# --- speed ----------------------------------------------------------------------------------------------


def seconds(text):
    took = []
    while len(took) < 3 and min(took, default=9) >= 8:  # the machine may be busy with other things
        start = time.process_time()
        problem(text)
        took.append(time.process_time() - start)
    return min(took)


def test_large_sheets_are_built_in_time():
    width, units = 10, 3000
    lines, values, sources = [], [], [f"x{i}" for i in range(width)]
    for layer in range(units // width):
        new = [f"a{layer}_{u}" for u in range(width)]
        for unit in new:
            terms = [f"w{unit}{k}*{source}" for k, source in enumerate(sources)]
            lines.append(f"{unit} = tanh({' + '.join(terms)} + b{unit})")
            values += [f"w{unit}{k} = 0.5" for k in range(width)]
            values.append(f"b{unit} = 0")
        sources = new
    text = "\n".join(["input " + ", ".join(f"x{i}" for i in range(width)), *lines, *values])
    assert seconds(text) < 15  # about 2 s on a free machine; a quadratic step takes minutes


def test_long_sums_and_chains_are_built_in_time():
    assert seconds("input x\ny = " + " + ".join(f"w{i}*x" for i in range(20_000)) + "\nstart he seed 1") < 8
    chain = "".join(f"a{i + 1} = tanh(w{i}*a{i} + b{i})\n" for i in range(5000))
    assert seconds(f"input x\na0 = x\n{chain}start he seed 1") < 8
