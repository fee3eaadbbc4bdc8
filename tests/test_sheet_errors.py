"""What is said of sheets that are wrong: some texts word by word; every bad end is a good error, in time."""

import re
import time
from pathlib import Path

import fuzz_sheets
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhand.errors import (
    BackhandError,
    DataError,
    MissingValues,
    NameProblem,
    Place,
    ShapeProblem,
    SheetError,
    SyntaxProblem,
    nearest,
    printable,
)
from backhand.network.build import build
from backhand.sheet.parse import parse, parse_name
from backhand.sheet.tokens import LONGEST_SHEET

HERE = Path(__file__).parent
PARTS = re.split(r"^=== ", (HERE / "sheet_errors.txt").read_text("utf-8"), flags=re.MULTILINE)[1:]
STAND_INS = {"␀": "\0", "␣": "\u200b"}


def built(text, folder=None):
    return build(parse(text, "sheet.bh"), folder)


def error(text, folder=None):
    """The error that a sheet ends in."""
    with pytest.raises(BackhandError) as caught:
        built(text, folder)
    return caught.value


# --- word by word ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.partition("\n")[0])
def test_texts(part):
    head, _, said = part.partition("\n--- ")
    kind, _, said = said.partition("\n")
    for shown, meant in STAND_INS.items():
        head, said = head.replace(shown, meant), said.replace(shown, meant)
    found = error(head.partition("\n")[2])
    assert (type(found).__name__, str(found)) == (kind, said.rstrip("\n"))


def test_there_are_texts():
    assert len(PARTS) > 75


# --- where and what -------------------------------------------------------------------------------------

P = "input x\ntarget t\n"
Y = P + "y = w*x\nw = 1\n"


@pytest.mark.parametrize(
    ("text", "kind", "place", "hint"),
    [
        # what cannot be read
        ("rate", SyntaxProblem, (1, 5), "rate 0.1"),
        ("rate 0.1 0.2", SyntaxProblem, (1, 10), "operator"),
        ("rate 1/0", SyntaxProblem, (1, 6), "rate 0.1"),
        ("rate (-8)^(1/3)", SyntaxProblem, (1, 6), "rate 0.1"),
        ("y = 2(x + 1)", SyntaxProblem, (1, 6), "`2*(…`"),
        ("y = (x)(x)", SyntaxProblem, (1, 8), "`…)*(…`"),
        ("y = x 2", SyntaxProblem, (1, 7), "operator"),
        ("w = 1_000", SyntaxProblem, (1, 6), "without `_`"),
        ("y := x", SyntaxProblem, (1, 3), "leave the `:` out"),
        ("y <- x", SyntaxProblem, (1, 3), "name = expression"),
        ("3 = x", SyntaxProblem, (1, 1), "begins with a name"),
        ("f(x) = x^2", SyntaxProblem, (1, 2), "`f = …`"),
        ("a, b = x", SyntaxProblem, (1, 2), "one name left"),
        ("w1 + w2 = x", SyntaxProblem, (1, 4), "name = expression"),
        ("y = x, z = x", SyntaxProblem, (1, 6), "`;`"),
        ('y = "x"', SyntaxProblem, (1, 5), "quotes"),
        ("y = x % 2", SyntaxProblem, (1, 7), None),
        ("y = ½*x", SyntaxProblem, (1, 5), "1/2"),
        ("y = np.exp(x)", SyntaxProblem, (1, 7), "`exp(…)`"),
        ("y = []", SyntaxProblem, (1, 6), None),
        ("y = max(x,)", SyntaxProblem, (1, 11), None),
        ("y = (x\n ; b = 2)", SyntaxProblem, (1, 5), None),
        ("y = (x\n ; b)", SyntaxProblem, (2, 2), "close the bracket"),
        ("y = (x = 2)", SyntaxProblem, (1, 8), "brackets"),
        ("y = [x\nz = 2", SyntaxProblem, (1, 5), None),
        ("y = \x1b[31mx", SyntaxProblem, (1, 5), "UTF-8"),
        ("y = x\ud800", SyntaxProblem, (1, 6), "UTF-8"),
        ("y = x\x85", SyntaxProblem, (1, 6), "UTF-8"),
        ("y = \u202ex", SyntaxProblem, (1, 5), "copied"),
        ("y = x\ufeff", SyntaxProblem, (1, 6), "copied"),
        ("titel 'a'", SyntaxProblem, (1, 7), "quotes"),
        ("titel 3", SyntaxProblem, (1, 1), "`title …`"),
        ('input x "a" "b"', SyntaxProblem, (1, 13), "input"),
        ("input x,", SyntaxProblem, (1, 9), "input"),
        ("input x[2,3]", SyntaxProblem, (1, 10), "input"),
        ("input x[0]", SyntaxProblem, (1, 9), None),
        ("target y z", SyntaxProblem, (1, 10), "target"),
        ("const k", SyntaxProblem, (1, 8), "const k = 3"),
        ("layers x", SyntaxProblem, (1, 9), "layers x -> 3"),
        ("layers x -> 2.5", SyntaxProblem, (1, 13), "layers x -> 3"),
        ("layers x -> 0", SyntaxProblem, (1, 13), None),
        ("layers x -> 99999999999999999999", SyntaxProblem, (1, 13), None),
        ("layers x -> 3 as", SyntaxProblem, (1, 17), "layers x -> 3"),
        ("start he seed 7.5", SyntaxProblem, (1, 15), "start he seed 7"),
        (f"start he seed {'9' * 150}", SyntaxProblem, (1, 15), None),
        ("start weight 0.5", SyntaxProblem, (1, 7), "`weights`"),
        ("start weights 0.5, weights 1", SyntaxProblem, (1, 20), "start"),
        ("update momentum, 0.9", SyntaxProblem, (1, 16), "update"),
        ("mode batches 32", SyntaxProblem, (1, 14), "batches of 32"),
        ("mode batches of 0", SyntaxProblem, (1, 17), None),
        ("data, x", SyntaxProblem, (1, 5), "data"),
        ("data from x.csv", SyntaxProblem, (1, 11), "data from"),
        # names
        ("input x\ninput x", NameProblem, (2, 7), "rename"),
        (P + "y = w*x\nw = 1\nw = 2", NameProblem, (5, 1), "rename"),
        (P + "y = w*x\ny = 2", NameProblem, (4, 1), "rename"),
        (Y + "cost y = mean((x - t)^2)", NameProblem, (5, 6), "rename"),
        (Y + "start hex", NameProblem, (5, 7), "`he`"),
        (P + "layers xx -> 3", NameProblem, (3, 8), "`x`"),
        (P + "layers x -> 3\na1 = 2*x", NameProblem, (4, 1), "rename"),
        ("input x, W1\nlayers x -> 3", NameProblem, (1, 10), "rename"),
        (Y + "mode minibatch of 16", NameProblem, (5, 6), "`mode batches of 16`"),
        (Y + "mode online of 3", NameProblem, (5, 6), "`mode batches of 3`"),
        (P + "y = foo(w*x, 2)", NameProblem, (3, 5), None),
        (P + "y = add(w, x)", NameProblem, (3, 5), None),
        (P + "y = foo(x)\ndata\nx, t\n1, 2", NameProblem, (3, 5), None),
        (Y + "cost C = foo(y)", NameProblem, (5, 10), None),
        # sizes
        ("input x\ny = W @ x\nW = 3", ShapeProblem, (2, 5), None),
        ("input x\ny = w*x[1]\nw = 3", ShapeProblem, (2, 7), None),
        ("input x[2], v[3]\ny = x + v", ShapeProblem, (2, 9), None),
        ("input x\ny = softmax(x)", ShapeProblem, (2, 5), None),
        ("input x\nW = [[[1]]]\ny = W*x", ShapeProblem, (2, 5), None),
        ("input x\ny = [x, [x, x]]", ShapeProblem, (2, 9), None),
        (P + "layers x -> 2 as y\ncost C = mse(y, t)", ShapeProblem, (4, 10), "`target y[2]`"),
        (P + "layers x -> 2 as y\ncost C = mean(y*t - t)", ShapeProblem, (4, 21), "`target y[2]`"),
        (Y + "cost C = softmax_cross_entropy(y, t)", ShapeProblem, (5, 10), None),
        ("input x[100000]\nlayers x -> 100000", ShapeProblem, (2, 13), "smaller"),
        # costs
        (Y + "cost C = mse(y)", SheetError, (5, 10), None),
        (Y + "cost C = mean(y, t)", SheetError, (5, 10), None),
        (Y + "cost C = 1/mean(y)", SheetError, (5, 10), "comes last"),
        (Y + "cost C = mean(mse(y, t))", SheetError, (5, 15), "leave one of them out"),
        (Y + "cost C = mse(y, t) + mae(y, t)", SheetError, (5, 22), "inside one"),
        (Y + "cost C = y\ncost D = y", SheetError, (6, 6), "add the costs up"),
        # values
        (P + "y = w*x + b\nb = 2", MissingValues, (3, 5), "w = 0.5"),
        (P + "y = w*x + N\nw = 2", MissingValues, (3, 11), "rows"),
        (P + "y = w*X\nw = 2", MissingValues, (3, 7), "`x`"),
        (P + "y = w_1*x\nw1 = 2", MissingValues, (3, 5), "`w1`"),
        (Y + "v = foo(3)", NameProblem, (5, 5), None),
        (Y + "v = log(-1)", SheetError, (5, 5), None),
        # data
        (Y + "data\nx, t\n1", DataError, (7, 1), None),
        (Y + "data\nx\tt\n1\t2", DataError, (6, 1), "tabs"),
        (Y + "data\n1, 2\n3, 4", DataError, (6, 1), "names of the columns"),
        (Y + "data\nx, t\n1, 2 # two", DataError, (7, 4), "line of its own"),
        (Y + 'data\nx, t\n"1,5", 2', DataError, (7, 2), "1.5"),
        (Y + "data\nx, t\n1_0, 2", DataError, (7, 1), None),
        (Y + "data\nx, t\n0x1F, 2", DataError, (7, 1), None),
        (Y + "data\nx, t\n11, 1\n1, 1e999", DataError, (8, 4), None),
        ('input x "A", y "A"\nz = x + y\ndata\nA\n1', DataError, (4, 1), "different labels"),
        (Y + 'data from "a.csv"\ndata from "b.csv"', SheetError, (6, 11), None),
        (Y + 'data from "a.csv"\ndata\nx, t\n1, 2', SheetError, (5, 11), "delete"),
        (Y + 'data from "/dev/zero"', DataError, (5, 11), None),
        (Y + f'data from "{"a" * 5000}"', DataError, (5, 11), None),
    ],
)
def test_where_and_what(text, kind, place, hint):
    found = error(text)
    assert type(found) is kind
    assert (found.place.line, found.place.column) == place
    assert hint is None or hint in found.hint
    assert found.expected
    assert found.got
    assert found.hint
    assert "\n" not in found.message


def test_every_missing_value_is_listed():
    found = error(P + "y = " + " + ".join(f"w{i}*x" for i in range(60)) + "\nw3 = 1")
    assert found.exit_code == 1
    assert found.got == "no value for " + ", ".join(f"w{i}" for i in range(60) if i != 3)


def test_a_circle_names_its_members_once():
    found = error("input x\na1 = relu(w*a2 + b)\na2 = tanh(a3 + x)\na3 = a1*x\na4 = 2*x\n")
    assert found.got == "a1 needs a2 needs a3 needs a1"


def test_a_long_circle_is_shortened():
    found = error("".join(f"a{i} = a{(i + 1) % 3000}*x\n" for i in range(3000)) + "input x")
    assert "… (3000 equations)" in found.got


def test_a_header_that_is_missing_proposes_from_what_is_free():
    found = error('input R "Rating", D\ny = R + D\ndata\nRatings, D\n1, 2')
    assert found.hint == "did you mean `Ratings`?"


# --- files ----------------------------------------------------------------------------------------------

F = "input x\ny = x\n"


@pytest.mark.parametrize(
    ("name", "raw", "said", "hint"),
    [
        ("binary.csv", b"\x89PNG\r\n\x1a\n\xff\xfe", "the data file binary.csv is no text", "save it as CSV"),
        ("null.csv", b"x\n1\x00\n", "the data file null.csv is no text", "save it as CSV"),
        ("latin.csv", "größe,x\n1,2".encode("latin-1"), "the data file latin.csv is no text", "UTF-8"),
        ("empty.csv", b"", "there is no data here", "leave the `data` line out"),
        ("blank.csv", b"\n\n# only\n", "there is no data here", "leave the `data` line out"),
        ("head.csv", b"x\n", "the data has a header and no rows", None),
        ("other.csv", b"X;y\n1;2\n", "the data has no column `x`", "the cells are separated by `;`"),
        ("late.csv", b"x\n" + b"1\n" * 5000 + b"a\n", "row 5001, column `x`: `a` is not a number", None),
    ],
)
def test_bad_files(tmp_path, name, raw, said, hint):
    (tmp_path / name).write_bytes(raw)
    found = error(f'{F}data from "{name}"', tmp_path)
    assert type(found) is DataError
    assert found.message == said
    assert hint is None or hint in found.hint
    assert str(found)


def test_a_missing_file_proposes_its_neighbour(tmp_path):
    (tmp_path / "houses.csv").write_text("x\n1\n")
    assert error(f'{F}data from "house.csv"', tmp_path).hint == "did you mean `houses.csv`?"


def test_places_in_a_file_are_the_files(tmp_path):
    (tmp_path / "rows.csv").write_text("a,x\n1,2\n3,four\n")
    place = error(f'{F}data from "rows.csv"', tmp_path).place
    assert (place.source, place.line, place.column, place.width) == ("rows.csv", 3, 3, 4)


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "rows").mkdir()
    assert error(f'{F}data from "rows"', tmp_path).message == "cannot read the data file rows: Is a directory"


# --- large and deep -------------------------------------------------------------------------------------

MANY = 10_000_000
LARGE = {
    "brackets": "y = " + "(" * MANY,
    "closing brackets": "y = " + "]" * MANY,
    "a name": "y = " + "x" * MANY,
    "a number": "y = " + "1" * MANY,
    "a line of ones": "y = x" + "+1" * (MANY // 2),
    "an open quote": 'title "' + "x" * MANY,
    "a comment": "#" * MANY,
    "newlines": "\n" * MANY,
    "semicolons": ";" * MANY,
    "short comments": "#\n" * (MANY // 2),
    "too much": "#" * (LONGEST_SHEET + 1),
    "minus signs": "input x\ny = " + "-" * 100_000 + "x",
    "a power tower": "input x\ny = " + "^".join(["x"] * 50_000),
    "quotients": "input x\ny = " + "/".join(["x"] * 50_000),
    "products of matrices": "input x\ny = " + "@".join(["x"] * 50_000),
    "functions": "input x\ny = " + "tanh(" * 50_000,
    "lists": "y = " + "[" * 50_000,
    "an open bracket before data": "input x\ny = (x\ndata\nx\n" + "1\n" * 1_000_000,
    "equals signs": "y = (" + "=" * 1_000_000,
    "braces": "y = w_{" + "1" * 1_000_000 + "}",
    "layers of braces": "y = w" + "^{1}" * 1_000_000,
    "a circle": "".join(f"a{i} = a{(i + 1) % 5000}*x\n" for i in range(5000)) + "input x",
    "missing values": P + "k = 1\ny = k" + "".join(f" + w{i}*x" for i in range(20_000)),
    "unknown names": Y + "cost C = " + " + ".join(f"q{i}" for i in range(20_000)),
    "a name twice": "rate = 1\n" * 50_000,
    "wide inputs": "input x[100000]\nlayers x -> 100000",
    "a ragged row": Y + "data\nx, t\n" + "1, 2\n" * 200_000 + "1\n",
    "an infinite cell": Y + "data\nx, t\n" + "1, 2\n" * 200_000 + "1, inf\n",
    "a long header": Y + "data\n" + "x" * 1_000_000 + ", t\n1, 2\n",
}


@pytest.mark.parametrize("name", LARGE)
def test_large_and_deep_input_ends_in_an_error_in_time(name):
    start = time.process_time()
    found = error(LARGE[name])
    said = str(found)
    assert time.process_time() - start < 5  # within a second on an idle machine; here, that nothing hangs
    assert len(said) < 5000
    assert type(found) is not SheetError or name in ("a comment", "newlines", "semicolons", "short comments")


@pytest.mark.parametrize(
    "text",
    [
        "input x\ny = " + "+" * 100_000 + "x",
        "input x\ny = " + "*".join(["x"] * 20_000),
        "input x\ny = " + "-" * 40 + "x",
        "input x\ny = " + "(" * 60 + "x" + ")" * 60,
        "input x\ny = " + "^".join(["x"] * 41),
        "input x\ny = " + "tanh(" * 40 + "x" + ")" * 40,
        "input x\ny = " + "2^(" * 40 + "x" + ")" * 40,
        "input x\ny = x" + " " * MANY,
        "input x\ny = " + "/".join(["x"] * 41),
    ],
    ids=lambda text: text[8:40],
)
def test_what_is_large_but_not_too_deep_is_read(text):
    assert built(text).network.nodes["y"]


@pytest.mark.parametrize(
    "text",
    [
        "-" * 41 + "x",
        "^".join(["x"] * 42),
        "tanh(" * 41 + "x" + ")" * 41,
        "/".join(["x"] * 42),
        "a/b*" * 21 + "x",
        "x^(" * 60 + "x" + ")" * 60,
    ],
)
def test_one_operation_more_is_too_deep(text):
    found = error(f"input x\ny = {text}")
    assert found.message == "more than 40 operations are nested in one another"
    assert found.place.line == 2


# --- anything ------------------------------------------------------------------------------------------------


@given(st.text() | st.lists(st.sampled_from([*fuzz_sheets.DIRT, *fuzz_sheets.NAMES, *fuzz_sheets.WORDS])).map(" ".join))
def test_any_text_ends_in_a_network_or_an_error(text):
    assert fuzz_sheets.outcome(text)


def test_broken_sheets_end_in_a_network_or_an_error():
    """A small run of tests/fuzz_sheets.py."""
    maker = fuzz_sheets.Maker(5)
    ends = {fuzz_sheets.outcome(maker.sheet()) for _ in range(400)}
    assert {"one step", "in letters", "SyntaxProblem", "NameProblem", "DataError", "MissingValues"} <= ends


# --- the texts themselves -------------------------------------------------------------------------------


def test_a_long_line_is_cut_around_the_place():
    picture = Place.of("s", "a" * 300 + "!" + "b" * 300, 300).picture()
    line, caret = picture.split("\n")
    assert line[caret.index("^")] == "!"
    assert line.startswith("    …")
    assert line.endswith("…")
    assert len(line) < 110


@pytest.mark.parametrize(("before", "cells"), [("abc", 3), ("名前", 4), ("y\u0302", 1), ("\t\t", 2)])
def test_the_caret_stands_under_the_place(before, cells):
    picture = Place.of("s", before + "!", len(before)).picture()
    assert picture.split("\n")[1] == "    " + " " * cells + "^"


def test_nothing_unprintable_is_printed():
    assert str(BackhandError("a\x1bb")) == "a\ufffdb"
    found = BackhandError("a\x1b[31m\ud800\u202e", place=Place.of("s\udcff", "\x07x", 0), got="\x00", hint="\x9b")
    assert str(found).encode("utf-8")
    assert printable(str(found).replace("\n", "")) == str(found).replace("\n", "")


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("w33", ["w3", "x"], "w3"),
        ("X", ["x", "y"], "x"),
        ("z_1", ["a1", "z1"], "z1"),
        ("w11", ["w_{11}", "w12"], "w_{11}"),
        ("q", ["x", "y"], None),
        ("x" * 100_000, ["x" * 99_999], None),
        ("sigmod", ["sigmoid", "softmax"], "sigmoid"),
    ],
)
def test_proposals(word, known, near):
    assert nearest(word, known) == near


@pytest.mark.parametrize("text", ["", "w 5", "5", "w[", "w[0x1]", "w1 w2", "x" * 100_000, "w[9999999999]", "z("])
def test_bad_names_on_the_command_line(text):
    with pytest.raises(SyntaxProblem) as caught:
        parse_name(text)
    assert len(str(caught.value)) < 500
