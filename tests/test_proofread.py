"""Worked documents proofread: the seeds' own slips, documents that are generated, and what cannot be read."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from test_cli import command

import backhand as bh
from backhand.api import from_text
from backhand.check.mathematics import Unread, prepared, read_side
from backhand.check.proofread import proofread
from backhand.cli.examples import example_text

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))
import planted

DOCUMENTS = Path(__file__).parent / "documents"


def problem_of(name):
    text, folder = example_text(name)
    return from_text(text, name, folder).problem


def slips(document, sheet):
    found = proofread((DOCUMENTS / f"{document}.md").read_text("utf-8"), problem_of(sheet))
    return found, {(slip.line, slip.right) for slip in found.slips}


def test_the_slips_of_seed_000():
    found, told = slips("000", "three-neurons")
    assert told == {(75, "a1"), (77, "a2"), (93, "0"), (95, "x2"), (101, "∂C/∂z2·x2"), (103, "∂C/∂z2·x2")}
    assert found.held >= 15
    found, told = slips("000", "price")
    assert {line for line, _ in told} == {75, 77, 93, 101}
    assert found.held >= 32


def test_the_slips_of_seed_004():
    _, told = slips("004", "cache")
    assert {(42, "27"), (48, "3699"), (56, "283248"), (72, "149492"), (76, "747460"), (90, "3029180.1")} <= told
    assert {line for line, _ in told} == {42, 48, 56, 72, 76, 90}


@pytest.mark.parametrize(
    ("document", "sheet", "lines"),
    [("001", "two-three-one", set()), ("002", "two-weights", {109}), ("003", "bias-neurons", {187})],
)
def test_nothing_right_is_called_wrong(document, sheet, lines):
    """Line 109 of 002 prints 0.6922 for 0.692·x; line 187 of 003 ∂u_H2/∂u_H2 for ∂u_H2/∂W22_1."""
    found, _ = slips(document, sheet)
    assert {slip.line for slip in found.slips} == lines
    assert found.unread


def written(net, figures, random, wrong=None):
    """A document about a network in varied wording; `wrong` is the place of the statement that does not hold."""
    person = planted.Person(net, 12, full=True)
    person.work()
    first = [(name, value) for name, _, value in person.written if name.endswith("@1") or "@" not in name]
    lines, count, slip = ["# Worked by hand", ""], 0, None
    for name, value in first:
        bare = name.removesuffix("@1")
        if bare.endswith("'") or bare == "L" or (bare.startswith("dL/d") and len(net.rows) > 1):
            continue
        bare = bare.replace("dL/", "dC/")
        text, _ = planted.rounded(value, figures)
        if count == wrong:
            text, _ = planted.rounded(value * 1.31 + 0.3, figures)
            slip = len(lines) + 1
        count += 1
        latex = bare
        if bare.startswith("dC/d"):
            latex = f"\\frac{{\\partial C}}{{\\partial {spelled(bare[4:])}}}"
        else:
            latex = spelled(bare)
        lines.append(
            str(
                random.choice(
                    [f"$${latex} = {text}$$", f"{bare} = {text}", f"- {bare} = {text}", f"so ${latex} = {text}$."]
                )
            )
        )
        lines.append(str(random.choice(["", "We go on with the next neuron.", "which follows at once"])))
    return "\n".join(lines), count, slip


def spelled(name):
    return f"{name[0]}_{{{name[1:]}}}" if name[1:].isdigit() else name


@pytest.mark.parametrize("seed", range(12))
def test_generated_documents(seed):
    random = np.random.default_rng(seed)
    net = planted.random_net(random)
    net.rows = net.rows[:1]
    problem = bh.read(net.sheet()).problem
    text, count, _ = written(net, 5, random)
    found = proofread(text, problem)
    assert found.slips == []
    assert found.held == count
    wrong = int(random.integers(count))
    text, _, line = written(net, 5, random, wrong)
    found = proofread(text, problem)
    assert [slip.line for slip in found.slips] == [line]


def test_letters_in_generated_documents():
    """Right partials in letters hold; with another input or weight they do not."""
    problem = problem_of("price")
    right = [
        r"$$\frac{\partial C}{\partial w_9} = 2(a_5 - Price) \cdot a_3$$",
        r"$$\frac{\partial z_5}{\partial a_3} = w_9$$",
        r"$$\frac{\partial C}{\partial w_5} = \frac{\partial C}{\partial a_3}\frac{\partial a_3}{\partial z_3} a_1$$",
        "dC/db5 = 2(a5 - Price)",
        r"$z_3 = w_5 a_1 + w_6 a_2 + b_3$",
    ]
    found = proofread("\n\n".join(right), problem)
    assert (found.slips, found.held) == ([], len(right))
    wrong = [
        r"$$\frac{\partial C}{\partial w_9} = 2(a_5 - Price) \cdot a_4$$",
        r"$$\frac{\partial z_5}{\partial a_3} = w_{10}$$",
        r"$$\frac{\partial C}{\partial w_5} = \frac{\partial C}{\partial a_3} a_2$$",
        "dC/db5 = (a5 - Price)",
        r"$z_3 = w_5 a_1 - w_6 a_2 + b_3$",
    ]
    assert [slip.line for slip in proofread("\n\n".join(wrong), problem).slips] == [1, 3, 5, 7, 9]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "a = = b",
        "\\frac{",
        "$$\\frac{\\partial}{x} = 3$$",
        "((((",
        "x" * 10_000,
        "{" * 5000,
        "a^{^{^{",
        "\\begin{cases} 1 & 2",
    ],
)
def test_nothing_breaks_it(text):
    found = proofread(f"$${text} = 1$$\n{text} = 2\n", problem_of("price"))
    assert found.slips == [] or found.held >= 0
    with pytest.raises(Unread):
        read_side(prepared("\\sum_{i} x_i"))


def test_tables():
    problem = problem_of("price")
    table = "| z1 | a1 | z3 |\n|---|---|---|\n| 3.13 | 3.13 | 35.104 |\n| 5.32 | 5.32 | 85.65 |\n"
    found = proofread(table, problem)
    assert [(slip.line, slip.number) for slip in found.slips] == [(4, "85.65")]
    assert found.held == 5


def test_the_command(tmp_path):
    sheet = example_text("price")[0]
    place = tmp_path / "notes.md"
    place.write_text(f"# Notes\n\n```backhand\n{sheet}```\n\n$z_1 = 3.13$ and $z_3 = 36.104$\n")
    ended = command("check", str(place))
    assert ended.code == 3
    assert "z_3 is 35.104" in ended.out
    found = json.loads(command("check", "price", str(place), "--json").out)
    assert (found["schema"], found["slips"][0]["right"]) == ("backhand.proofread/1", "35.104")
    place.write_text("$z_1 = 3.13$\n")
    assert command("check", "price", str(place)).code == 0
    assert "does not state a network" in command("check", str(place)).err
    assert command("check", "price").code == 2


NOTES = r"""# My notes
A network of two neurons: $z_1 = w_1 x + b_1$, $a_1 = \sigma(z_1)$ and

$$z_2 = w_2 \cdot a_1 + b_2$$
$$a_2 = \text{ReLU}(z_2)$$
$$C = (a_2 - y)^2$$

with $w_1 = 0.5$, $b_1 = 0.1$, $w_2 = 2$, $b_2 = -0.3$ and one row, $x = 1.5$ and $y = 1$. The learning rate is 0.1.

$$z_1 = 0.85$$
$$a_1 = 0.7006$$
$$\frac{\partial C}{\partial w_2} = 2(a_2 - y) \cdot a_1 = 0.1416$$
"""


def test_a_document_that_states_its_network(tmp_path):
    place = tmp_path / "notes.md"
    place.write_text(NOTES)
    ended = command("check", str(place))
    assert (ended.code, ended.err) == (0, "")
    place.write_text(NOTES.replace("0.7006", "0.7106"))
    ended = command("check", str(place))
    assert ended.code == 3
    assert "line 11: a_1 is 0.7005671425" in ended.out
    place.write_text(NOTES.replace("= 0.1416", "= 0.2832"))
    assert "line 12" in command("check", str(place)).out
    place.write_text((DOCUMENTS / "002.md").read_text("utf-8"))
    assert "1 do not" in command("check", str(place)).out
