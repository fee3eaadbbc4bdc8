"""The command: what it prints where, how it ends, and that it never leaves half a file or a traceback."""

import contextlib
import fcntl
import io
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.cells import cell_len
from rich.console import Console

import backhand as bh
from backhand import __version__
from backhand.cli.examples import example_names, example_text
from backhand.cli.main import main
from backhand.document.parts import Table
from backhand.notation.numbers import Digits
from backhand.render import files
from backhand.render.terminal import draw

SOURCE = str(Path(__file__).parent.parent / "src")
EXAMPLES = Path(SOURCE) / "backhand" / "examples"

LINE = "input x\ntarget yd\ny = w*x\ncost J = mean((y - yd)^2)\nw = 1\nrate 0.1\ndata\nx, yd\n1, 2\n2, 5\n"
MISSING = "input x\ny = w*x + b\ncost J = y^2\nw = 1\ndata\nx\n1\n"
NOT_FINITE = "input x\ny = log(w*x)\ncost J = y^2\nw = 1\nrate 0.1\ndata\nx\n1\n-2\n"
KINK = "input x\ny = relu(w*x)\ncost J = y\nw = 0\nrate 0.1\ndata\nx\n1\n"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def command(*words, stdin=None, env=None):
    """Runs the command in this process, as `python -m backhand` does."""
    with CliRunner().isolation(input=stdin, env=env) as (out, err, _):
        try:
            main(list(words))
        except SystemExit as ended:
            code = ended.code
    return Ended(code, out.getvalue().decode(), err.getvalue().decode())


def good(*words, **options):
    ended = command(*words, **options)
    assert ended.code == 0, ended
    return ended.out


def environment(**more):
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "FORCE_COLOR", "TERM")}
    return kept | {"PYTHONPATH": SOURCE, "PYTHONDONTWRITEBYTECODE": "1", "TERM": "xterm-256color"} | more


def process(*words, **options):
    """Runs a real one."""
    return subprocess.run(
        [sys.executable, "-m", "backhand", *words],
        env=environment(), capture_output=True, text=True, timeout=60, check=False, **options,
    )  # fmt: skip


def in_terminal(*words, columns=80, both=True, **env):
    """What a command prints into a terminal of its own; with `both` stderr is that terminal too."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen(
        [sys.executable, "-m", "backhand", *words], env=environment(**env), stdin=subprocess.DEVNULL,
        stdout=theirs if both else subprocess.DEVNULL, stderr=theirs, close_fds=True,
    )  # fmt: skip
    os.close(theirs)
    received = b""
    with contextlib.suppress(OSError):  # the terminal goes away with the child
        while part := os.read(ours, 65536):
            received += part
    os.close(ours)
    assert child.wait(timeout=60) == 0, received[-400:]
    return received.decode()


PLAIN_TEXT = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\r")


# --- exit codes ----------------------------------------------------------------------------------------


def test_done_is_0():
    ended = command("show", "price")
    assert (ended.code, ended.err) == (0, "")
    assert "z3 = w5·a1 + w6·a2 + b3" in ended.out


@pytest.mark.parametrize(
    ("sheet", "said"),
    [(MISSING, "`b`"), (NOT_FINITE, "row 2")],
)
def test_failed_is_1(sheet, said):
    ended = command("show", "-", stdin=sheet)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: ")
    assert said in ended.err


def test_gradients_that_disagree_are_1():
    ended = command("gradcheck", "-", "--no-price", stdin=KINK)
    assert ended.code == 1
    assert "They do not agree: the worst is ∂J/∂w" in ended.out
    assert "A kink" in ended.out
    ended = command("gradcheck", "-", "--no-price", "--json", stdin=KINK)
    assert ended.code == 1
    assert json.loads(ended.out)["agrees"] is False
    assert command("gradcheck", "line", "--no-price").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["show"], ["show", "price", "--nonsense"], ["nonsense"], ["show", "price", "--epochs", "0"],
        ["show", "price", "--epochs", "1.5"], ["show", "price", "--every", "0"],
        ["show", "price", "--row", "0"],
        ["show", "price", "--row", "9"], ["show", "price", "--view", "sideways"],
        ["show", "price", "--format", "docx"], ["show", "price", "--json", "--format", "latex"],
        ["show", "price", "--digits", "0"], ["show", "price", "--digits", "x"],
        ["show", "price", "--digits", "18"],
        ["show", "price", "--digits", "-3"], ["show", "price", "--seed", "3"],
        ["show", "price", "--only", "w33"], ["show", "nosuch.bh"], ["show", "price", "extra"],
        ["show", "price", "--until-gradient", "0"], ["show", "three-neurons", "--until-gradient", "x"],
        ["why", "price"], ["why", "price", "w33"], ["why", "price", "w5", "--row", "9"],
        ["why", "price", "w5", "--grain", "fine"], ["why", "price", "Price"],
        ["why", "price", "w5", "--of", "w1"],
        ["why", "--general", "M"], ["why", "price", "w5", "--general", "L"],
        ["gradcheck", "three-neurons"], ["gradcheck", "price", "--epsilon", "0"], ["examples", "prise"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_is_2(words):
    ended = command(*words)
    assert (ended.code, ended.out) == (2, "")
    assert "rror: " in ended.err
    assert "Traceback" not in ended.err
    assert "this is a bug" not in ended.err


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        ("y = w*(x", "1:"),
        ("input x\ny = w33*x\ncost C = y^2 + w3\nw33 = 1", "w3"),
        ("input x\ny = q*q(x)\nq = 1\ndata\nx\n1", "error: "),
        ("input x\ny = w*x\nw = 1\ndata\nx\none", "one"),
        ("a = b*x\nb = a*x\nw = 1", "error: "),
        ("", "error: "),
    ],
)
def test_a_bad_sheet_is_2(sheet, said):
    ended = command("show", "-", stdin=sheet)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_a_bug_of_ours_ends_in_words(monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("a wheel came off")

    monkeypatch.setattr("backhand.api.sheets.run", broken)
    ended = command("show", "price")
    assert (ended.code, ended.out) == (1, "")
    assert "this is a bug in Backhand: RuntimeError: a wheel came off" in ended.err
    assert "BACKHAND_DEBUG=1" in ended.err
    with pytest.raises(RuntimeError):
        command("show", "price", env={"BACKHAND_DEBUG": "1"})


def test_help_and_version():
    assert __version__ in good("--version")
    assert "Exit codes: 0 done, 1 failed, 2 wrong usage or a bad sheet" in good("--help")
    for name in ("show", "why", "gradcheck", "examples"):
        assert good(name, "-h") == good(name, "--help")
        assert name in good("--help")
    assert "--json" in good("show", "-h")


# --- where a sheet comes from --------------------------------------------------------------------------


def test_stdin():
    text, _ = example_text("price")
    assert good("show", "-", stdin=text) == good("show", "price")
    assert good("why", "-", "w5", stdin="\ufeff" + text) == good("why", "price", "w5")
    assert good("show", "-", stdin=text.replace("\n", "\r\n")) == good("show", "price")


def test_a_file_and_the_name_of_an_example(tmp_path, monkeypatch):
    expected = good("show", "price")
    assert good("show", "price.bh") == expected
    assert good("show", str(EXAMPLES / "price.bh")) == expected
    monkeypatch.chdir(tmp_path)
    (tmp_path / "price").write_text(LINE)  # a file goes before an example
    assert "y = w·x" in good("show", "price")


def test_data_from_lies_beside_the_sheet(tmp_path):
    (tmp_path / "rows.csv").write_text("x, yd\n1, 2\n2, 5\n")
    head, _ = LINE.split("data\n")
    (tmp_path / "sheet.bh").write_text(f'{head}data from "rows.csv"\n')
    (tmp_path / "plain.bh").write_text(LINE)
    both = [json.loads(good("show", str(tmp_path / name), "--json")) for name in ("sheet.bh", "plain.bh")]
    assert both[0] == both[1]


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "picture.bh").write_bytes(b"\x89PNG\r\n\xff\xfe")
    for place in (tmp_path, tmp_path / "none.bh", tmp_path / "picture.bh"):
        ended = command("show", str(place))
        assert (ended.code, ended.out) == (2, "")
        assert "this is a bug" not in ended.err


def test_warnings_go_to_stderr():
    ended = command("show", "-", "--json", stdin=LINE.replace("rate 0.1", "rate = 0.1"))
    assert ended.code == 0
    assert "warning: " in ended.err
    assert json.loads(ended.out)["warnings"]


def test_examples_are_listed_and_printed():
    listing = good("examples")
    assert set(example_names()) >= {
        "bias-neurons", "cache", "chain", "curve", "hidden-units", "line", "one-neuron", "price", "symmetric",
        "three-neurons", "two-outputs", "two-three-one", "two-weights",
    }  # fmt: skip
    for name in example_names():
        line = next(line for line in listing.splitlines() if line.split()[:1] == [name])
        assert bh.read(EXAMPLES / f"{name}.bh").title in line
        assert good("examples", name) == (EXAMPLES / f"{name}.bh").read_text("utf-8")
    assert good("examples", "price.bh") == good("examples", "price")


@pytest.mark.parametrize("words", [["examples", "prise"], ["show", "prise"]], ids=" ".join)
def test_a_name_close_by_is_proposed(words):
    assert "did you mean `price`?" in command(*words).err
    assert "did you mean" not in command(words[0], "zzzzzz").err


# --- formats, digits, and where the result goes --------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "form"),
    [(".txt", "text"), (".md", "markdown"), (".markdown", "markdown"), (".tex", "latex"), (".json", "json")],
)
@pytest.mark.parametrize(
    "words", [["show", "line"], ["why", "line", "w"], ["gradcheck", "line", "--no-price"]], ids=" ".join
)
def test_the_ending_chooses_the_format(tmp_path, ending, form, words):
    target = tmp_path / f"result{ending}"
    ended = command(*words, "-o", str(target))
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == f"written: {target}\n"
    assert target.read_text("utf-8") == good(*words, "--format", form)
    assert [p.name for p in tmp_path.iterdir()] == [target.name]
    assert command(*words, "-o", str(tmp_path / "any.thing"), "--format", form).code == 0
    assert (tmp_path / "any.thing").read_text("utf-8") == target.read_text("utf-8")


def test_formats_look_like_themselves():
    assert good("show", "price", "--format", "markdown").startswith("# Price of a stay")
    assert good("show", "price", "--format", "latex").startswith("\\documentclass")
    assert good("show", "price", "--format", "text") == good("show", "price")
    assert json.loads(good("show", "price", "--json")) == json.loads(good("show", "price", "--format", "json"))
    assert good("why", "--general", "L-1", "--format", "markdown").startswith("# The rule for layer L-1")


@pytest.mark.parametrize("name", ["result", "result.docx", "result."])
def test_an_unknown_ending_writes_nothing(tmp_path, name):
    ended = command("show", "line", "-o", str(tmp_path / name))
    assert (ended.code, ended.out) == (2, "")
    assert "--format" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "folder.md").mkdir()
    for place in ("none/result.md", "file/result.md", "folder.md"):
        ended = command("show", "line", "-o", str(tmp_path / place))
        assert (ended.code, ended.out) == (2, ""), place
        assert "cannot write" in ended.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.md"]
    assert list((tmp_path / "folder.md").iterdir()) == []


def test_an_existing_file_stays_whole(tmp_path, monkeypatch):
    target = tmp_path / "result.md"
    target.write_text("what was here before")
    assert command("show", "-", "-o", str(target), stdin=MISSING).code == 1
    assert command("show", "line", "--row", "9", "-o", str(target)).code == 2
    with monkeypatch.context() as patch:
        for broken in ("replace", "fdopen", "chmod"):

            def full(*_, **__):
                raise OSError(28, "No space left on device")

            patch.setattr(files.os, broken, full)
            ended = command("show", "line", "-o", str(target))
            assert ended.code == 2
            assert "No space left on device" in ended.err
            patch.undo()
    assert target.read_text() == "what was here before"
    assert [p.name for p in tmp_path.iterdir()] == ["result.md"]
    target.chmod(0o640)
    assert command("show", "line", "-o", str(target)).code == 0
    assert target.read_text() != "what was here before"
    assert target.stat().st_mode & 0o777 == 0o640


def test_digits():
    def first(*options):
        return re.search(r"y = sigmoid\(z\(y\)\) = sigmoid\(-1\) [=≈] (\S+)", good("show", "one-neuron", *options))[1]

    assert first() == "0.268941"
    assert first("--digits", "3") == "0.269"
    assert first("--digits", "12") == "0.268941421370"[:14].rstrip("0")
    full = re.search(r"y = sigmoid\(z\(y\)\) = sigmoid\(-1\) = (\S+)", good("show", "one-neuron", "--digits", "full"))
    assert full
    assert float(full[1]) == bh.read(EXAMPLES / "one-neuron.bh").show().rows[0].values["y"]
    assert good("show", "one-neuron", "--digits", "17") == good("show", "one-neuron", "--digits", "full")
    assert "0.269" in good("show", "one-neuron", "--digits", "3", "--format", "latex")


# --- what is kept, and which rows ----------------------------------------------------------------------


def test_only_and_every():
    words = ["show", "one-neuron", "--json", "--epochs", "300", "--every", "100"]
    data = json.loads(good(*words, "--only", "w,cost"))
    assert [s["epoch"] for s in data["steps"]] == [1, 101, 201, 300]  # and the last one
    whole = json.loads(good("show", "one-neuron", "--json", "--epochs", "300"))
    assert [s["epoch"] for s in whole["steps"]] == list(range(1, 301))
    for step in data["steps"]:
        same = whole["steps"][step["epoch"] - 1]
        assert step["cost"] == same["cost"]
        assert step["gradients"] == {"w": same["gradients"]["w"]}
        assert step["update"]["after"] == {"w": same["update"]["after"]["w"]}
        for row, other in zip(step["rows"], same["rows"], strict=True):
            assert row["cost"] == other["cost"]
            assert row["gradients"] == {"w": other["gradients"]["w"]}
            assert (row["inputs"], row["values"]) == ({}, {})
    assert data["parameters"] == {"w": 0.5}
    assert json.loads(good(*words, "--only", " w , J ")) == data  # the cost by its own name
    nodes = json.loads(good("show", "price", "--json", "--only", "z3,R"))["steps"][0]
    assert nodes["rows"][0]["values"] == {"z3": 35.104}
    assert nodes["rows"][0]["inputs"] == {"R": 3.5}
    assert "cost" not in nodes


def test_epochs_modes_and_descent():
    online = LINE.replace("rate 0.1", "rate 0.1\nmode online")
    steps = json.loads(good("show", "-", "--json", "--epochs", "2", stdin=online))["steps"]
    assert [(s["epoch"], s["batch"], [r["row"] for r in s["rows"]]) for s in steps] == [
        (1, 1, [1]), (1, 2, [2]), (2, 1, [1]), (2, 2, [2]),
    ]  # fmt: skip
    text = good("show", "line", "--until-gradient", "1e-6")
    assert "∇J is as good as 0 after" in text
    assert "Not there yet" in good("show", "line", "--until-gradient", "1e-6", "--max-epochs", "2")
    ended = command("show", "-", "--until-gradient", "1e-6", stdin=LINE.replace("rate 0.1\n", ""))
    assert ended.code == 2
    assert "rate" in ended.err


def test_rows():
    text = good("show", "price", "--row", "2", "--row", "3")
    assert "Forward, row 2" in text
    assert "Backward, row 3" in text
    assert "Forward, row 1\n" not in text
    assert good("show", "price", "--all-rows").count("Forward, row ") == 3
    ended = command("show", "price", "--row", "4")
    assert "there is no row 4" in ended.err
    assert "1 to 3" in ended.err
    assert "row 2" in good("why", "price", "w5", "--row", "2")


def test_seed():
    def weights(*options):
        return json.loads(good("show", "curve", "--json", *options))["parameters"]["W1"]

    assert weights() == weights("--seed", "7")
    assert weights() != weights("--seed", "8")
    assert weights("--seed", "8") == weights("--seed", "8")
    ended = command("show", "price", "--seed", "1")
    assert ended.code == 2
    assert "start" in ended.err


# --- a terminal ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 60, 80])
@pytest.mark.parametrize("name", ["price", "two-weights", "bias-neurons", "cache", "curve", "one-neuron"])
def test_nothing_is_wider_than_the_terminal(name, width):
    work = bh.read(EXAMPLES / f"{name}.bh").show(questions=True)
    for result in (work, work.why(bh.read(EXAMPLES / f"{name}.bh").network.parameters[0].name)):
        out = io.StringIO()
        console = Console(file=out, width=width, force_terminal=True, color_system=None)
        draw(result.document(), console, Digits())
        widest = max(out.getvalue().splitlines(), key=cell_len)
        assert cell_len(PLAIN_TEXT.sub("", widest)) <= width, widest


def test_a_table_that_is_too_wide_is_split_and_loses_nothing():
    document = bh.read(EXAMPLES / "price.bh").show().document()
    out = io.StringIO()
    draw(document, Console(file=out, width=40, force_terminal=True, color_system=None), Digits())
    text = PLAIN_TEXT.sub("", out.getvalue())
    assert "Forward, a row per example (part 1 of " in text
    table = next(p for p in document.parts if isinstance(p, Table))
    for row in table.rows:
        for cell in row[1:]:
            assert Digits().text(cell) in text


def test_a_real_narrow_terminal():
    text = PLAIN_TEXT.sub("", in_terminal("show", "price", columns=40))
    assert max(map(cell_len, text.splitlines())) <= 40
    assert "12586.0127" in text


def test_colours_and_no_color():
    coloured = re.compile(r"\x1b\[[0-9;]*3[0-7]")
    assert coloured.search(in_terminal("show", "line"))
    assert not coloured.search(in_terminal("show", "line", NO_COLOR="1"))
    assert "\x1b" not in process("show", "line").stdout  # a pipe is no terminal


def test_a_pipe_gets_unbroken_lines():
    wide = process("show", "price").stdout
    assert max(map(len, wide.splitlines())) > 150
    assert wide == good("show", "price")


def test_progress_only_where_stderr_is_a_terminal():
    words = ["show", "one-neuron", "--epochs", "800", "--json", "--every", "400"]
    ended = process(*words)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["steps"]
    assert "epoch" in in_terminal(*words, both=False)


# --- interruptions -------------------------------------------------------------------------------------


def test_a_closed_pipe_is_no_accident():
    child = subprocess.Popen(
        [sys.executable, "-m", "backhand", "show", "one-neuron", "--epochs", "400", "--json"],
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout.readline() == "{\n"
    child.stdout.close()
    err = child.stderr.read()
    child.stderr.close()
    child.wait(timeout=60)
    assert err == ""
    assert child.returncode in (0, 1, -signal.SIGPIPE)


def test_ctrl_c_ends_with_130_and_a_word(tmp_path):
    target = tmp_path / "result.json"
    words = ["show", "one-neuron", "--epochs", "100000000", "--every", "1000000", "-o", str(target)]
    program = f"from backhand.cli.main import main; print('ready', flush=True); main({words!r})"
    child = subprocess.Popen(
        [sys.executable, "-c", program], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.7)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err.strip()) == (130, "", "interrupted")
    assert list(tmp_path.iterdir()) == []


def test_the_module_runs():
    ended = process("show", "two-weights")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == good("show", "two-weights")
    ended = process("show", "-", input="input x\ny = w*x +", encoding="utf-8")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "^" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_model_of_a_sheet_is_shown_at_its_weights(tmp_path, monkeypatch):
    """Weights that are single numbers come back as such."""
    monkeypatch.chdir(tmp_path)
    sheet = "input x; target t\ny = w·x\ncost C = mse(y, t)\nw = 1\nrate 0.1\ndata\nx, t\n1, 3\n"
    (tmp_path / "line.bh").write_text(sheet, "utf-8")
    good("train", "line.bh", "--epochs", "1", "--model", "line.bhm")
    assert "y = w·x = 1.4·1 = 1.4" in good("show", "line.bhm")
