"""Marking: verdicts, follow-through, roundings, causes; and answers as people type them."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from test_cli import command

import backhand as bh
from backhand.api import from_text
from backhand.check.answers import Answer, read_answers
from backhand.check.marking import mark
from backhand.check.names import asked
from backhand.check.numbers import NotANumber, read_list, read_number
from backhand.check.tolerance import Tolerance
from backhand.cli.examples import example_names, example_text
from backhand.errors import BackhandError
from backhand.explain.ledger import Ledger, worked

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))
import planted

PRICE = bh.read(example_text("price")[0])


def sheet_of(name):
    text, folder = example_text(name)
    return from_text(text, name, folder)


def verdicts(text, sheet=PRICE, **tolerance):
    found = sheet.check(text, **tolerance)
    return found, {one.name: one.verdict for one in found.marking.marks}


def in_full(sheet, digits):
    """Every number of a sheet's first epoch under its name, printed to some digits."""
    done = sheet.show().to_dict()["steps"]
    lines = []

    def shown(value):
        if isinstance(value, list | tuple):
            return "[" + ", ".join(map(shown, value)) + "]"
        return f"{value:.{digits - 1}e}"

    def put(name, value):
        lines.append(f"{name} = {shown(value)}")

    step = done[0]
    for row in step["rows"]:
        for name, value in row["values"].items():
            put(f"{name}@{row['row']}", value)
        for name, value in row["gradients"].items():
            put(f"dL/d{name}@{row['row']}", value)
    if step["cost"] is not None:
        put(sheet.network.cost.name, step["cost"])
    if step["update"]:
        for name, value in step["update"]["after"].items():
            put(f"{name}'@{step['rows'][-1]['row']}", value)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", example_names())
@pytest.mark.parametrize("digits", [3, 6, 17])
def test_a_sheet_answered_in_full_is_all_right(name, digits):
    sheet = sheet_of(name)
    if sheet.network.in_letters:
        with pytest.raises(BackhandError, match="in letters"):
            sheet.check("z1 = 1")
        return
    found = sheet.check(in_full(sheet, digits))
    assert len(found.marking.marks) > 3
    assert set(found.verdicts.values()) <= {"right", "right but rounded"}, [
        (a, v) for a, v in found.verdicts.items() if "right" not in v
    ]


@pytest.mark.parametrize("name", example_names())
def test_the_ledger_is_the_reference_engine(name):
    """Each quantity's formula over other quantities gives the engine's own number."""
    sheet = sheet_of(name)
    if sheet.network.in_letters or sheet.network.cost is None:
        return
    ledger = Ledger(sheet.problem, sheet.run(1).steps[0])
    for node in sheet.network.equations:
        for ref in ledger.entries(node.name):
            ledger.delta(ref)
            ledger.value(ref)
    for node in sheet.network.parameters:
        for ref in ledger.entries(node.name):
            ledger.total(ref)
            if ledger.step.change is not None:
                ledger.new(ref)
    ledger.cost()
    for key in list(ledger._quantities):
        quantity = ledger[key]
        if quantity.flat is not None:
            found = worked(quantity.flat, {parent: ledger.exact(parent) for parent in quantity.parents}, ledger.count)
            assert np.allclose(found, ledger.exact(key), rtol=1e-11, atol=1e-13), key


def test_one_slip_costs_one_step():
    found, said = verdicts(
        "z1 = 3.13; a1 = 3.13; z2 = 8.15; a2 = 8.15\nz3 = 31.6; a3 = 31.6\nz4 = 4.073; a4 = 4.073\n"
        "z5 = 41.659; a5 = 41.659\nC@1 = 13303.55\ndC/da5@1 = -230.682\ndC/dw9@1 = -7289.55\n"
    )
    assert [name for name, verdict in said.items() if verdict == "wrong"] == ["z3"]
    assert {said[name] for name in ("a3", "z5", "a5", "C@1", "dC/da5@1", "dC/dw9@1")} == {"follows"}
    assert found.first_wrong.name == "z3"
    assert "35.104" in str(found)


@pytest.mark.parametrize(
    ("text", "slip"),
    [
        ("z3 = 34.92", None),
        ("z1 = 1.13", "bias forgotten"),
        ("z2 = 6.40", "term left out"),
        ("dC/da5@1 = -112.1874", "factor 2 left out"),
        ("dC/da5@1 = 224.3748", "sign of the error"),
        ("C@1 = -112.1874", "cost without the square"),
        ("dC/dw5@1 = 632.0638116", "sign"),
        ("w5' = 0.8001692883548", "sign of the update"),
        ("w5' = -168.4883548", "learning rate left out"),
        ("w5' = 169.2883548", "gradient as the new weight"),
        ("b5' = 1.00000", "bias not updated"),
        ("z3 = 35.804", "digit miscopied"),
        ("z3 = 35.014", "two digits swapped"),
        ("z3 = 351.04", "decimal point moved"),
        ("z3@2 = 85.05", "digits cut"),
        ("dC/dw5 = 56.4294516", "mean for sum"),
        ("z1@2 = 2.80", "another row's number"),
    ],
)
def test_causes(text, slip):
    found, said = verdicts(text)
    assert list(said.values()) == ["wrong"]
    if slip:
        assert slip in [cause.slip for cause in found.first_wrong.causes][:3]


def test_a_path_that_does_not_exist_is_named():
    row = PRICE.show().rows[0].gradients
    found, _ = verdicts(f"dC/dw4@1 = {0.2 * (row['z1'] + row['z2']):.6f}")
    assert found.first_wrong.causes[0].slip == "path that does not exist"


def test_a_hidden_slip_is_followed_through():
    """∂C/∂a5 was not written down, and lacks its 2: the weights behind it follow."""
    found, said = verdicts("dC/dw9@1 = -3938.226; dC/dw10@1 = -456.9393; dC/dw5@1 = -316.0319; dC/dw7@1 = -1053.440")
    assert list(said.values()).count("wrong") == 1
    assert list(said.values()).count("follows") == 3
    assert found.first_wrong.causes[0].slip == "factor 2 left out"


def test_a_zero_that_follows_shows_nothing():
    found, _ = verdicts("z5 = -3; a5 = 0; dC/da5@1 = -314; dC/dz5@1 = 0; dC/dw9@1 = 0")
    by_name = {one.name: one for one in found.marking.marks}
    assert by_name["dC/dw9@1"].verdict == "follows"
    assert by_name["dC/dw9@1"].degenerate


def test_blank_and_invalid_answers_spoil_nothing():
    found, said = verdicts("z1 = 3.13\nz2 =\nq = 3\nz3 = many\nz4 = 1e999\na5@9 = 3\nw5'#0 = 2\na1 = 3.13\n")
    assert list(found.verdicts.values()) == [
        "right",
        "blank",
        "invalid",
        "invalid",
        "invalid",
        "invalid",
        "invalid",
        "right",
    ]
    assert said == {"z1": "right", "a1": "right"}
    assert not found.all_right


def test_epochs_and_steps():
    work = PRICE.show(2).steps
    later = work[1].rows[1].values["a5"]
    after = work[1].update_dict()["after"]["w5"]
    _, said = verdicts(f"a5@2#2 = {later!r}\nw5'#2 = {after!r}\nJ#2 = {work[1].cost!r}\n")
    assert set(said.values()) == {"right"}
    online = bh.read(example_text("price")[0].replace("rate 0.000001", "rate 0.000001\nmode online"))
    steps = online.show(1).steps
    second, last = (step.update_dict()["after"]["w5"] for step in steps[1:])
    _, said = verdicts(f"w5'@2 = {second!r}\nw5' = {last!r}\nC@2 = {steps[1].cost!r}\n", online)
    assert set(said.values()) == {"right"}


def test_tolerances():
    assert verdicts("z3 = 35.2")[1]["z3"] == "wrong"
    assert verdicts("z3 = 35.2", relative=0.01)[1]["z3"] == "right"
    assert verdicts("z3 = 35.2", absolute=0.1)[1]["z3"] == "right"
    assert verdicts("z3 = 35.2", figures=2)[1]["z3"] == "right"
    assert verdicts("z3 = 35.2", decimals=0)[1]["z3"] == "right"
    assert "0.01 of the right number" in str(verdicts("z3 = 35.2", relative=0.01)[0])
    with pytest.raises(BackhandError):
        Tolerance(relative=-1)


@pytest.mark.parametrize(
    ("typed", "value", "unit"),
    [
        ("3.130", 3.13, 0.001), ("3,13", 3.13, 0.01), ("−0.5", -0.5, 0.1), ("1.2e-3", 0.0012, 1e-4), ("3/4", 0.75, 0),
        ("1.2·10^-3", 0.0012, 1e-4), ("1.2*10**-3", 0.0012, 1e-4), (".5", 0.5, 0.1), ("12590", 12590, 10), ("7", 7, 1),
        ("-1,5/2", -0.75, 0), ("+2.0", 2, 0.1),
    ],
)  # fmt: skip
def test_numbers_as_people_type_them(typed, value, unit):
    found = read_number(typed)
    assert (found.value, found.text) == (pytest.approx(value, rel=1e-15), typed)
    assert found.unit == pytest.approx(unit)


@pytest.mark.parametrize(
    "typed", ["", "x", "1..2", "1/0", "1e999", "--3", "nan", "inf", "3 4", "1" * 500, "__import__('os')"]
)
def test_what_is_no_number(typed):
    with pytest.raises(NotANumber):
        read_number(typed)


@pytest.mark.parametrize(
    ("typed", "cells"),
    [
        ("[1, 2]", ["1", "2"]), ("[[1,2],[3,4]]", ["1", "2", "3", "4"]), ("[1,5; 2,5]", ["1,5", "2,5"]),
        ("(1 2 3)", ["1", "2", "3"]),
        ("[1, 2; 3, 4]", ["1", "2", "3", "4"]),
    ],
)  # fmt: skip
def test_lists(typed, cells):
    assert [cell for _, cell in read_list(typed)] == cells


@pytest.mark.parametrize(
    ("name", "kind", "row", "epoch"),
    [
        ("z₁", "value", None, 1), ("a5@2", "value", 2, 1), ("dC/dw5", "total", None, 1), ("∂C/∂w5@1", "share", 1, 1),
        ("dL/dw5@1", "delta", 1, 1),
        ("grad w5", "total", None, 1), ("delta3", "share", 1, 1), ("w5'#2", "new", None, 2),
        ("J", "cost", None, 1), ("C@2", "own", 2, 1), ("da5/dz5", "local", 1, 1), ("∂C/∂a5@3#2", "share", 3, 2),
    ],
)  # fmt: skip
def test_names_of_answers(name, kind, row, epoch):
    found = asked(name, PRICE.network)
    assert (found.kind, found.row, found.epoch) == (kind, row, epoch)


def test_vectors_and_matrices():
    sheet = sheet_of("cache")
    found = sheet.check(
        "W1' = [[1.55703]]\na2@1 = [36, 48, 62]\nz2 = [36, 48]\ndC/dW2 = [[747460],[1062180],[1219541]]"
    )
    assert list(found.verdicts.values()) == ["right", "right", "invalid", "wrong"]
    wrong = [one for one in found.marking.marks if one.verdict == "wrong"]
    assert [one.name for one in wrong] == ["dC/dW2[3,1]"]


def test_answer_files(tmp_path):
    (tmp_path / "a.csv").write_text("name;value\nz1;3,13\nz3;35,104\n")
    (tmp_path / "b.csv").write_text("row,z1,a1\n1,3.13,3.13\n2,5.32,5.32\n")
    (tmp_path / "c.json").write_text('{"z1": 3.130, "dC/dw5": 169.29, "a3": null}')
    (tmp_path / "d.json").write_text('[{"name": "z1", "value": "3,13"}]')
    assert [a.given for a in read_answers(tmp_path / "c.json")] == ["3.130", "169.29", ""]
    for name, expected in (("a.csv", 2), ("b.csv", 4), ("c.json", 2), ("d.json", 1)):
        found = PRICE.check(tmp_path / name)
        assert [one.verdict for one in found.marking.marks] == ["right"] * expected, name
    (tmp_path / "e.json").write_text("[" * 100_000)
    (tmp_path / "f.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "g.txt").write_text("\n")
    for name in ("e.json", "f.txt", "g.txt", "none.txt"):
        with pytest.raises(BackhandError):
            PRICE.check(tmp_path / name)


def test_the_command(tmp_path):
    place = tmp_path / "answers.txt"
    place.write_text("z1 = 3.13\nz3 = 36\na3 = 36\n")
    ended = command("check", "price", str(place))
    assert (ended.code, ended.err) == (3, "")
    assert "z3 = 36 (row 1) is wrong; right is 35.104." in ended.out
    found = json.loads(command("check", "price", str(place), "--json").out)
    assert found["schema"] == "backhand.check/1"
    assert [one["verdict"] for one in found["answers"]] == ["right", "wrong", "follows"]
    assert found["first_wrong"]["name"] == "z3"
    assert found["answers"][1]["step"].startswith("z3 = w5·a1 + w6·a2 + b3 = 0.8·3.13 + 4·8.15")
    place.write_text("z1 = 3.13\n")
    assert command("check", "price", str(place)).code == 0
    assert command("check", "price", str(tmp_path / "no.txt")).code == 2
    assert command("check", "price", "-", stdin="z1 = 4\n").code == 3


def test_honest_roundings_are_never_wrong():
    for figures in (2, 3, 5):
        for seed in range(12):
            person = planted.planted(seed, (), figures, full=seed % 2 == 0)
            if person is not None:
                found = mark(bh.read(person.net.sheet()).problem, [Answer(n, t) for n, t, _ in person.written])
                assert {one.verdict for one in found.marks} <= {"right", "right but rounded"}


@pytest.mark.parametrize("slip", planted.KNOWN)
def test_planted_slips_are_found_first(slip):
    tried = 0
    for seed in range(8):
        person = planted.planted(seed, (slip,), 5)
        if person is None:
            continue
        tried += 1
        found = mark(bh.read(person.net.sheet()).problem, [Answer(n, t) for n, t, _ in person.written])
        wrong = [one.name for one in found.marks if one.verdict == "wrong"]
        assert wrong == [person.made[0][0]], seed
        assert found.first.name == person.made[0][0]
    assert tried


def test_a_class(tmp_path):
    folder = tmp_path / "class"
    folder.mkdir()
    for k in range(30):
        wrong = k % 3 == 0
        (folder / f"p{k:02}.txt").write_text(f"z1 = {1.13 if wrong else 3.13}\na1 = {1.13 if wrong else 3.13}\nz3 =\n")
    (folder / "q.txt").write_bytes(b"\xff\xfe")
    found = PRICE.check_all(folder)
    group = found.group
    assert [p.name for p in group.persons] == [f"p{k:02}" for k in range(30)] + ["q"]
    assert group.slips() == [("bias forgotten", 10, ["z1"])]
    assert dict(group.steps())["a1"] == {"right": 20, "follows": 10}
    assert (group.persons[0].got, group.persons[1].got, group.persons[1].of) == (1, 2, 3)
    assert "not UTF-8" in group.persons[-1].problem
    ended = command("check", "price", str(folder), "--json")
    assert ended.code == 3
    assert json.loads(ended.out)["slips"] == [{"slip": "bias forgotten", "persons": 10, "at": ["z1"]}]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert command("check", "price", str(empty)).code == 2


def test_points(tmp_path):
    place = tmp_path / "a.txt"
    place.write_text("z1 = 3.13\nz3 = 35.014\na3 = 35.014\nz4 =\nz5 = 1\n")
    said = command("check", "price", str(place), "--marks").out
    assert "2.5 of 5 points." in said
    assert "method: two digits swapped" in said
    assert "method: follows from an earlier slip" in said


SOFT = bh.read(
    "input x[2]\ntarget y[3]\nz1 = W1 @ x + b1\na1 = tanh(z1)\nz2 = W2 @ a1 + b2\np = softmax(z2)\n"
    "cost C = mean(-(y @ log(p)))\nW1 = [[0.5,-0.3],[0.8,0.2],[-0.6,0.9]]; b1 = [0.1,-0.2,0.3]\n"
    "W2 = [[0.4,-0.7,0.2],[0.3,0.6,-0.5],[-0.8,0.1,0.9]]; b2 = [0,0.1,-0.1]\nrate 0.5\n"
    "data\nx[1],x[2],y[1],y[2],y[3]\n1.5,0.5,1,0,0\n-0.7,1.2,0,0,1\n"
)


def planted_in_vectors():
    """Names and numbers of a softmax network with one slip each, worked with NumPy."""
    w1, b1 = np.array([[0.5, -0.3], [0.8, 0.2], [-0.6, 0.9]]), np.array([0.1, -0.2, 0.3])
    w2, b2 = np.array([[0.4, -0.7, 0.2], [0.3, 0.6, -0.5], [-0.8, 0.1, 0.9]]), np.array([0, 0.1, -0.1])
    xs, ys = np.array([[1.5, 0.5], [-0.7, 1.2]]), np.array([[1.0, 0, 0], [0, 0, 1]])

    def forward(w1, b1, w2, b2):
        a1 = np.tanh(xs @ w1.T + b1)
        z2 = a1 @ w2.T + b2
        e = np.exp(z2)
        return a1, z2, e / e.sum(1, keepdims=True)

    def cost(b):
        return -np.mean(np.log((forward(w1, b, w2, b2)[2] * ys).sum(1)))

    a1, z2, p = forward(w1, b1, w2, b2)
    d2 = p - ys
    d1 = d2 @ w2 * (1 - a1**2)
    new2 = w2 - 0.5 * (d2.T @ a1) / 2
    new1, newb = w1 - 0.5 * (d1.T @ xs) / 2, b1 - 0.5 * d1.mean(0)
    newb2 = b2 - 0.5 * d2.mean(0)
    twice = np.exp(p[0]) / np.exp(p[0]).sum()
    step = b1 + np.array([0.01, 0, 0])
    given = {"dL/dz2@1": d2[0]}
    return {
        "W for its transpose": given | {"dL/da1@1": w2 @ d2[0]},
        "updated weights used": given | {"dL/da1@1": d2[0] @ new2},
        "softmax applied twice": {"p@1": twice},
        "activation left out": {"p@1": z2[0]},
        "softmax by the diagonal alone": {"dL/dz2@1": -ys[0] / p[0] * p[0] * (1 - p[0])},
        "activation derivative left out": {"dL/dW1@1": np.outer(d2[0] @ w2, xs[0])},
        "number of the epoch before": {"z1@1#2": xs[0] @ new1.T + newb, "z2@1#2": new2 @ a1[0] + newb2},
        "finite difference": {"dC/db1[1]": (cost(step) - cost(b1)) / 0.01},
        "another row's number": {"z1@1": xs[1] @ w1.T + b1},
    }


@pytest.mark.parametrize("slip", planted_in_vectors())
def test_slips_in_vectors(slip):
    def shown(value):
        return "[" + ", ".join(map(shown, value)) + "]" if np.ndim(value) else f"{value:.7f}"

    found = SOFT.check(
        "\n".join(f"{name} = {shown(value)}" for name, value in planted_in_vectors()[slip].items()) + "\n"
    )
    assert slip in [cause.slip for cause in found.first_wrong.causes]
    wrong = [one for one in found.marking.marks if one.verdict == "wrong"]
    assert all(one.again for one in wrong if one is not found.first_wrong and one.causes)


def test_long_chains_and_wide_layers():
    chain = "\n".join(f"a{k} = tanh(w{k}*{'x' if k == 1 else f'a{k - 1}'} + b{k})" for k in range(1, 301))
    values = "\n".join(f"w{k} = 0.9; b{k} = 0.1" for k in range(1, 301))
    deep = bh.read(f"input x; target y\n{chain}\ncost C = (a300 - y)^2\n{values}\nrate 0.1\ndata\nx,y\n1,2\n")
    step = deep.show().steps[0]
    found = deep.check(
        f"dC/dw300 = {step.gradients['w300']!r}\na300 = 3.5\nw1' = {step.update_dict()['after']['w1']!r}\n"
    )
    assert list(found.verdicts.values()) == ["right", "wrong", "right"]


@pytest.mark.parametrize(
    "text",
    ["= = =", "'''= 3", "@@@=3", "z1@0 = 3", "z1#99999999 = 1", "dC/d = 3", "delta = 3", "z1 = [[", "z1 = 0/0",
     "da5/da5=1", "C'=3", "R' = 3", "z1 = " + "(" * 5000, "\x00=\x00", "__import__('os').abort() = 3"],
)  # fmt: skip
def test_hostile_answers(text):
    found = PRICE.check(text + "\nz1 = 3.13\n")
    assert found.verdicts["z1"] == "right"
    assert not found.all_right
    assert str(found)
    assert json.dumps(found.to_dict())
