"""Many networks from many starting values: each is what a run of its own gives."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import backhand as bh
from backhand.cli.main import backhand
from backhand.errors import UsageError

XOR = """title "XOR"
input x1, x2
target t
layers x1, x2 -> 3 tanh -> 1 sigmoid as p
cost C = mse(p, t)
start xavier seed 1
rate 2
data
x1, x2, t
0, 0, 0
0, 1, 1
1, 0, 1
1, 1, 0
"""


def test_each_network_is_a_run_of_its_own_seed():
    found = bh.read(XOR).sweep(20, 60).found
    assert found.seeds == tuple(range(1, 21))
    for place in (0, 7, 19):
        alone = bh.read(XOR.replace("seed 1", f"seed {found.seeds[place]}")).run(60)
        assert found.costs[place] == pytest.approx(alone.history[-1][2], rel=1e-4)
    assert found.costs[found.best] == found.costs.min()
    alone = bh.read(XOR.replace("seed 1", f"seed {found.seeds[found.best]}")).run(60)
    for name, value in alone.parameters.items():
        assert np.allclose(found.parameters[name], value, atol=1e-3)


def test_most_networks_learn_xor():
    result = bh.read(XOR).sweep(200, 3000, below=0.01)
    data = result.to_dict()
    assert data["learnt"] == sum(cost < 0.01 for cost in data["costs"]) > 150
    assert f"{data['learnt']} of 200 learn it" in result.to_markdown()


def test_the_command(tmp_path):
    sheet = tmp_path / "xor.bh"
    sheet.write_text(XOR)
    shown = CliRunner().invoke(backhand, ["sweep", str(sheet), "--seeds", "30", "--steps", "200", "--from", "5"])
    assert shown.exit_code == 0
    assert "30 networks, seeds 5 to 34, 200 steps each" in shown.output
    plain = CliRunner().invoke(backhand, ["sweep", str(sheet), "--seeds", "3", "--json"])
    assert len(json.loads(plain.output)["costs"]) == 3


def test_what_runs_away_is_counted_and_not_the_best():
    text = XOR.replace("mse", "sse").replace("sigmoid", "linear").replace("rate 2", "rate 0.14")
    result = bh.read(text).sweep(9, 200)
    assert "ran away" in result.to_markdown()
    found = result.to_dict()
    assert None in found["costs"]
    assert found["best"]["cost"] == min(c for c in found["costs"] if c is not None)
    assert np.isfinite(found["best"]["parameters"]["W1"]).all()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("start xavier seed 1", "start weights 0.5, biases 0", "nothing to draw"),
        ("rate 2", "", "no rate"),
        ("cost C = mse(p, t)", "", "no cost"),
    ],
)
def test_what_cannot_be_swept(old, new, reason):
    with pytest.raises(UsageError, match=reason):
        bh.read(XOR.replace(old, new)).sweep(3, 3)
