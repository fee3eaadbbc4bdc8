"""Networks as NumPy source: what is written runs by itself and gives the engine's numbers."""

import subprocess
import sys

import numpy as np
import pytest
from sources import SOURCES
from test_cli import command, good

import backhand as bh
from backhand.cli.examples import example_text
from backhand.engine.run import run
from backhand.engine.training import whole_data
from backhand.errors import UsageError
from backhand.exchange.source import to_source


@pytest.mark.parametrize("name", SOURCES)
def test_numpy_source_gives_the_engines_numbers(name):
    problem = bh.read(SOURCES[name]).problem
    found = {"__name__": "read"}
    exec(to_source(problem, "numpy"), found)  # what we wrote ourselves
    step = run(problem, 1).steps[0]
    tape, gradients = whole_data(problem, step.tape.parameters)
    parameters, rows = found["PARAMETERS"], found["ROWS"]
    assert len(rows) == problem.table.rows
    for i, row in enumerate(rows):
        values = found["forward"](parameters, row)
        for node, value in zip(problem.network.equations, values.values(), strict=True):
            assert np.asarray(value) == pytest.approx(tape.values[node.name][i], rel=1e-12, abs=1e-14), node.name
        assert found["own_cost"](parameters, row, values) == pytest.approx(tape.own[i], rel=1e-12, abs=1e-14)
    totals = found["gradients"](parameters, rows)
    for node, value in zip(problem.network.parameters, totals.values(), strict=True):
        assert np.asarray(value) == pytest.approx(gradients.totals[node.name], rel=1e-11, abs=1e-14), node.name


def test_a_step_is_the_sheets():
    problem = bh.read(example_text("price")[0]).problem
    found = {"__name__": "read"}
    exec(to_source(problem, "numpy"), found)
    after = run(problem, 1).steps[0].change.after
    stepped = found["step"](found["PARAMETERS"], found["ROWS"])
    assert {name: pytest.approx(float(value)) for name, value in after.items()} == stepped
    assert "def step" not in to_source(bh.read(example_text("curve")[0]).problem, "numpy")  # adam is no step of this


def test_it_runs_by_itself(tmp_path):
    good("export", "price", "-o", str(tmp_path / "price.py"))
    ended = subprocess.run(
        [sys.executable, "price.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "∂C/∂w5 169.2" in ended.stdout


def test_it_reads_as_a_person_writes():
    source = good("export", "price", "-o", "-")
    for line in (
        "    z3 = w5 * a1 + w6 * a2 + b3",
        "    dL_da2 = dL_dz3 * w6 + dL_dz4 * w8",
        "    dL_dz2 = dL_da2 * relu_slope(z2)",
        "    return (a5 - Price) ** 2",
    ):
        assert line in source.splitlines()
    assert max(map(len, source.splitlines())) < 130


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("three-neurons", "-o", "net.py"), "the sheet is in letters"),
        (("price", "-o", "net.c"), "a name ending in .onnx or .py"),
        (("price", "-o", "net.onnx", "--for", "jax"), "--for is of source"),
    ],
)
def test_what_is_refused(words, said):
    ended = command("export", *words)
    assert ended.code == 2
    assert said in ended.err


def test_a_title_ends_no_docstring():
    for title in ("a back\\slash \\", "'quoted'", "ends in \\"):
        sheet = bh.read(f'title "{title}"\ninput x\nw = 2\ny = w*x\n')
        compile(to_source(sheet.problem, "numpy"), "source", "exec")
    with pytest.raises(UsageError, match="in a source"):
        to_source(bh.layers(200, 200, 1).problem, "numpy")
