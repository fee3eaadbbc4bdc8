"""Networks as source for JAX and PyTorch: their own gradients of what is written are the engine's. `./dev parity` runs
this."""

import sys
from pathlib import Path

import numpy as np
import pytest

import backhand as bh
from backhand.engine.reference import starting_values
from backhand.engine.training import whole_data
from backhand.exchange.source import to_source

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from sources import SOURCES


@pytest.mark.parametrize("library", ["jax", "torch"])
@pytest.mark.parametrize("name", SOURCES)
def test_the_librarys_own_gradients(name, library):
    problem = bh.read(SOURCES[name]).problem
    found = {"__name__": "read"}
    exec(to_source(problem, library), found)  # what we wrote ourselves
    tape, gradients = whole_data(problem, starting_values(problem.network))
    parameters = found["PARAMETERS"]
    if library == "jax":
        import jax.numpy as jnp

        parameters = {name: jnp.asarray(value, dtype=float) for name, value in parameters.items()}
    assert float(found["cost"](parameters, found["ROWS"])) == pytest.approx(tape.cost, rel=1e-12)
    totals = found["gradients"](parameters, found["ROWS"])
    for node, value in zip(problem.network.parameters, (totals[n] for n in parameters), strict=True):
        assert np.asarray(value) == pytest.approx(gradients.totals[node.name], rel=1e-10, abs=1e-13), node.name
