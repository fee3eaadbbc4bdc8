"""The README cannot drift: its sheets are read, its commands are run, its output is compared."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

import backhand as bh
from backhand.cli.main import main

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
CONSOLE = [body for kind, body in BLOCKS if kind == "console"]
SHEETS = [body for kind, body in BLOCKS if not kind and "cost " in body]


def run(command: str) -> list[str]:
    import click

    @click.command(context_settings={"ignore_unknown_options": True})
    @click.argument("words", nargs=-1, type=click.UNPROCESSED)
    def whole(words: tuple[str, ...]) -> None:
        main(list(words))

    result = CliRunner().invoke(whole, shlex.split(command))
    return [line.rstrip() for line in result.output.strip("\n").split("\n")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the README's sheets under the names its commands use."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "neuron.bh").write_text(SHEETS[0], "utf-8")
    (tmp_path / "wrong.bh").write_text(SHEETS[1], "utf-8")
    (tmp_path / "answers.txt").write_text(
        next(body for kind, body in BLOCKS if kind == "text" and "z1 =" in body), "utf-8"
    )
    (tmp_path / "penguins.csv").write_bytes((Path(bh.__path__[0]) / "examples" / "penguins.csv").read_bytes())
    return tmp_path


@pytest.mark.parametrize("block", CONSOLE, ids=[b.split("\n")[0][2:] for b in CONSOLE])
def test_every_command_prints_what_the_readme_shows(block: str, folder: Path) -> None:
    command, *shown = block.rstrip("\n").split("\n")
    assert command.startswith("$ backhand ")
    printed = run(command.removeprefix("$ backhand "))
    position = 0
    for line in shown:
        if line == "…":  # anything may stand here
            continue
        assert line in printed[position:], f"{line!r} is not printed (in this order) by {command!r}"
        position += printed[position:].index(line) + 1


def test_the_long_sheet_is_a_sheet() -> None:
    work = bh.read(SHEETS[2]).show(epochs=2)
    assert work.steps[1].cost < work.steps[0].cost


def test_the_example_of_tables_runs(folder: Path) -> None:
    code = next(body for kind, body in BLOCKS if kind == "python" and "bh.train_table" in body)
    names: dict[str, object] = {}
    exec(code, names)
    assert (folder / "species.bhm").exists()
    assert isinstance(names["net"], bh.MLPClassifier)
    with pytest.raises(bh.BackhandError, match="training takes no `layer`") as caught:
        bh.train_table("penguins.csv", target="species", layer=(16,))
    assert caught.value.hint == "did you mean `layers`?"


def test_the_example_of_others_models_runs() -> None:
    code = next(body for kind, body in BLOCKS if kind == "python" and "bh.from_sklearn" in body)
    names: dict[str, object] = {"bh": bh}
    exec(code, names)
    found = names["sheet"]
    assert isinstance(found, bh.Sheet)
    assert "# W_1 is coefs_[0], transposed" in found.statements.text
    assert found.gradcheck().agrees


def test_the_example_of_pages_runs(folder: Path) -> None:
    from backhand.cli.examples import example_text

    (folder / "price.bh").write_text(example_text("price")[0], "utf-8")
    code = next(body for kind, body in BLOCKS if kind == "python" and "bh.exercises" in body)
    names: dict[str, object] = {}
    exec(code, names)
    for name in ("work.html", "partials.svg", "exercises/tasks.html", "exercises/moodle.xml"):
        assert (folder / name).exists(), name
    assert len(list((folder / "exercises" / "sheets").iterdir())) == 3


def test_the_python_example_runs_and_says_what_it_shows(folder: Path) -> None:
    from backhand.cli.examples import example_text

    (folder / "price.bh").write_text(example_text("price")[0], "utf-8")
    code = next(body for kind, body in BLOCKS if kind == "python")
    names: dict[str, object] = {}
    for line in code.strip().split("\n"):
        expression, _, said = line.partition("#")
        if re.fullmatch(r"\s*[\d.-]+\s*", said):
            assert repr(eval(expression, names)) == said.strip()  # the README's own lines
        else:
            exec(expression, names)
    assert (folder / "work.md").exists()


def test_every_command_and_option_is_documented() -> None:
    from backhand.cli.main import backhand

    for name in backhand.commands:
        assert f"backhand {name}" in README, name
    for option in (
        "--view",
        "--names",
        "--epochs",
        "--until-gradient",
        "--digits",
        "--json",
        "--questions",
        "--of",
        "--grain",
        "--surface",
        "--blank",
        "--paper",
        "--level",
        "--variants",
        "--for",
        "--what",
    ):
        assert option in README, option
