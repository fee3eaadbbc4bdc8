"""What a page says beside its numbers: what stands out and at which weights, what is left out, where a run fails."""

import re

import pytest
from click.testing import CliRunner

import backhand as bh
from backhand.cli.examples import example_text
from backhand.cli.main import backhand

DYING = "input x\ntarget t\nh = relu(w*x); y = v*h\ncost C = mean((y - t)^2)\nw = 2; v = 1\nrate 1\n"
DYING += "data\nx, t\n1, 0\n2, 0\n"
LAYERS = "input x\ntarget t\nlayers x -> 2 relu -> 1 linear as y\ncost C = mse(y, t)\nW1 = [[-1], [-2]]; b1 = [0, 0]\n"
LAYERS += "W2 = [[1, 1]]; b2 = [0]\nrate 0.1\ndata\nx, t\n1, 3\n2, 5\n"
PART = "input x\ntarget t\ny = relu(w*x) + v*x\ncost C = mean((y - t)^2)\nw = -1; v = 1\nrate 0.1\n"
PART += "data\nx, t\n1, 3\n2, 5\n"
ONLINE = "input x\ntarget t\ny = w*x\ncost C = mean((y - t)^2)\nw = 1\nrate 0.001\nmode online\ndata\nx, t\n"
ONLINE += "".join(f"{i}, {2 * i}\n" for i in range(1, 11))
LOG = "input x\ny = log(w)\ncost C = mean(y + x*w)\nw = 1\nrate 2\ndata\nx\n0\n"


def page(text, **how):
    return str(bh.read(text).show(**how))


def example(name, **how):
    return page(example_text(name)[0], **how)


def standing_out(text):
    heading, *lines = text[text.index("What stands out") :].splitlines()
    return heading, "\n".join(lines)


def line(text, start):
    """The one line of the page that begins so."""
    (found,) = [x for x in text.splitlines() if x.lstrip("• ").startswith(start)]
    return found


def show(*words, stdin=None):
    """`backhand show` in a process of its own kind: exit code, error and output."""
    ended = CliRunner().invoke(backhand, ["show", *words], input=stdin)
    return ended.exit_code, ended.exception, ended.stdout


# --- at which weights ----------------------------------------------------------------------------------------


def test_one_epoch_is_judged_at_its_starting_values():
    heading, said = standing_out(example("one-neuron"))
    assert heading == "What stands out, at the starting values"
    assert "∂J/∂w = -0.0581283" in said


@pytest.mark.parametrize("how", [{"until_gradient": 1e-6}, {"epochs": 40}, {"until_gradient": 1e-2, "epochs": 400}])
def test_a_longer_run_is_judged_at_its_end(how):
    work = bh.read(example_text("one-neuron")[0]).show(**how)
    heading, said = standing_out(str(work))
    assert heading == f"What stands out, at the weights after epoch {work.run.epochs}"
    _, gradients = work.run.after
    for name in "wb":
        (number,) = re.findall(rf"∂J/∂{name} = (-?[\d.e-]+\d)", said)
        assert float(number) == pytest.approx(float(gradients.totals[name]), rel=1e-5)


def test_descending_from_where_the_gradient_is_0_already():
    text = example("one-neuron", until_gradient=1.0)
    assert "∇J is as good as 0 at the starting values already" in text
    assert "nothing to calculate" not in text


def test_a_unit_that_dies_is_named():
    heading, said = standing_out(page(DYING, epochs=3))
    assert heading == "What stands out, at the weights after epoch 3"
    assert "Dead unit: h. Its z is not above 0 in any of the 2 rows" in said
    assert "Still alive at the starting values: h" in said
    first = line(page(DYING), "Dead after epoch 1: h.")
    assert "A smaller rate may keep it alive." in first
    assert "Dead" not in page(DYING.replace("rate 1", "rate 0.001"), epochs=3)
    assert "Still alive" not in page(DYING.replace("w = 2", "w = -2"), epochs=3)


# --- units wherever they stand -------------------------------------------------------------------------------


def test_dead_units_and_thresholds_inside_a_larger_formula():
    assert "Dead unit: relu(w·x) in y." in page(PART)
    inside = PART.replace("y = relu(w*x) + v*x", "h = w*x\ny = relu(h) + v*x + step(h)")
    assert "Dead unit: relu(h) in y." in page(inside)
    assert "Threshold: step(h) in y is a threshold unit (TLU)." in page(inside)
    assert "Dead" not in page(PART.replace("w = -1", "w = 1"))
    vector = "input x\ny = V @ relu(W*x)\ncost C = y^2\nW = [1, -1, -2]; V = [1, 1, 1]\nrate 0.1\ndata\nx\n1\n2\n"
    said = page(vector)
    assert "Dead units: entries 2, 3 of relu(W·x) in y." in said
    assert "The gradient of W[2], W[3] is 0 in every row" in said


def test_a_flat_cost_is_no_dead_unit():
    hinge = "input x\ntarget t\ny = w*x\ncost C = mean(relu(1 - t*y))\nw = 2\nrate 0.1\ndata\nx, t\n1, 1\n-1, -1\n"
    assert "Flat: relu(1 - t·y) in the cost C is 0 in every row" in page(hinge)
    assert "Dead" not in page(hinge)


def test_a_threshold_without_weights_before_it_takes_nothing_away():
    text = "input x\ntarget t\nk = step(t - 1)\ny = w*x\ncost C = mean((y - k)^2)\nw = 2\nrate 0.1\ndata\nx, t\n1, 1\n"
    assert "no weight before it" in line(page(text), "Threshold: k is a threshold")


SHARED = "input x\ntarget t\nh1 = sigmoid(w*x)\nh2 = sigmoid(x*w)\ny = v1*h1 + v2*h2\ncost C = mean((y - t)^2)\n"
SHARED += "w = 0.5; v1 = 1; v2 = 2\nrate 0.1\ndata\nx, t\n1, 3\n2, 5\n"


def test_units_that_share_their_weights_are_twins_for_another_reason():
    said = line(page(SHARED), "Symmetry: h1 and h2 are identical and stay so")
    assert "one formula of the same shared weights" in said
    for record in bh.read(SHARED).show(epochs=20).steps:
        assert all(row.values["h1"] == row.values["h2"] for row in record.rows)
    assert "equal weights from the same sources" in line(example("symmetric"), "Symmetry: a1[1]")


@pytest.mark.parametrize(
    ("old", "new"), [("x*w", "u*x"), ("sigmoid(x*w)", "tanh(x*w)"), ("x*w", "2*w*x"), ("x*w", "w*x + b")]
)
def test_units_that_differ_are_no_twins(old, new):
    text = SHARED.replace(old, new).replace(
        "w = 0.5", "w = 0.5" + "; u = 0.5" * ("u" in new) + "; b = 0" * ("b" in new)
    )
    assert "identical" not in page(text)


def test_twins_of_twins():
    deep = SHARED.replace("y = v1*h1 + v2*h2", "g1 = tanh(k*h1)\ng2 = tanh(k*h2)\ny = v1*g1 + v2*g2") + ""
    deep = deep.replace("w = 0.5", "w = 0.5; k = 2")
    said = page(deep)
    assert "h1 and h2 are identical" in said
    assert "g1 and g2 are identical" in said
    assert "z(h1)" not in said[said.index("Symmetry") :]


# --- what cannot change --------------------------------------------------------------------------------------


def frozen(text):
    """The parameters that the page says cannot change, and whether one more epoch leaves them."""
    said = [x for x in page(text).splitlines() if x.startswith(("• Dead unit", "• Threshold"))]
    named = {
        n for x in said for m in re.findall(r"The gradient of ([^.]*?) is 0 in every row, so", x) for n in m.split(", ")
    }
    work = bh.read(text).show()
    before = {p.name: p.value for p in work.problem.network.parameters}
    same = {n for n in before if (work.run.parameters[n] == before[n]).all()}
    return said, named, same


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (PART, {"w"}),
        (LAYERS, {"W1", "b1"}),
        (LAYERS.replace("mse(y, t)", "mse(y, t) + 0.1*W1^2"), {"b1"}),  # the penalty moves W1
        (LAYERS.replace("rate 0.1", "rate 0.1; update momentum"), {"W1", "b1"}),  # nothing is kept yet
        (LAYERS.replace("rate 0.1", "rate 0.1; update adamw"), {"b1"}),  # λ moves W1; b1 is 0
        (PART.replace("v*x", "v*x + w"), set()),  # w is used elsewhere too
        (PART.replace("relu(w*x)", "step(w*x)"), {"w"}),
        (PART.replace("relu(w*x) + v*x", "step(w*x) + w*x + v*x"), set()),
        (PART.replace("mean((y - t)^2)", "mean((y - t)^2) + w^2"), set()),
    ],
)
def test_only_what_stays_is_said_to_stay(text, named):
    said, found, same = frozen(text)
    assert said
    assert found == named
    assert found <= same
    assert ("another way" in "".join(said)) == (not named)


def test_what_a_rule_keeps_moves_a_weight_without_gradient():
    for rule, moves in (("sgd", False), ("momentum", True), ("adam", True)):
        _, said = standing_out(page(DYING.replace("rate 1", f"rate 1; update {rule}"), epochs=3))
        dead = line(said, "Dead unit: h.")
        assert ("the update rule moves it all the same" in dead) == moves
        assert ("cannot change" in dead) != moves


def test_a_forward_feed_alone_promises_nothing_of_gradients():
    said = page("input x\ny = relu(w*x)\nw = -1\ndata\nx\n1\n")
    assert "Dead unit: y." in said
    assert "cannot change" not in said


# --- what is left out ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("epochs", [5, 8, 50])
def test_a_long_run_says_what_is_left_out(epochs):
    text = example("price", epochs=epochs)
    assert re.findall(r"^Epoch (\d+)", text, re.MULTILINE) == ["1"]
    said = line(text, f"Of {epochs} epochs only epoch 1 is written out.")
    for way in ("`--epochs 4` or fewer", "--epoch K", "`--json`"):
        assert way in said


def test_a_short_run_leaves_nothing_out():
    for epochs in (1, 3, 4):
        text = example("price", epochs=epochs)
        assert len(re.findall(r"^Epoch (\d+)", text, re.MULTILINE)) == epochs
        assert " only " not in text[text.index("Epoch 1") : text.index("What stands out")]


@pytest.mark.parametrize(
    ("words", "steps"),
    [
        ((), ["1"]),
        (("--row", "3"), ["3"]),
        (("--row", "7", "--row", "3", "--epochs", "3"), ["3", "7"]),
        (("--row", "10"), ["10"]),
        (("--all-rows",), [str(i) for i in range(1, 11)]),
    ],
)
def test_a_row_is_written_out_in_its_own_step(words, steps):
    code, _, text = show("-", *words, stdin=ONLINE)
    assert code == 0
    assert re.findall(r"^Forward, row (\d+)$", text, re.MULTILINE) == steps
    assert re.findall(r"^Backward, row (\d+)$", text, re.MULTILINE) == steps
    assert re.findall(r"^Epoch 1, step (\d+)", text, re.MULTILINE) == steps
    if len(steps) < 10:
        assert "written out. `--row R` writes out the step of epoch 1 that holds row R" in text


def test_rows_of_batches():
    text = page(ONLINE.replace("online", "batches of 2"), rows=[8])
    assert "Epoch 1, step 4 (rows 7 to 8)\nForward, row 8\n" in text
    assert "Of 5 steps only step 4 of epoch 1 is written out." in text
    thinned = page(ONLINE, rows=[4], every=5)
    assert "Row 4 is in none of the steps that were kept." in thinned


# --- a run that fails behind its last epoch ------------------------------------------------------------------


def test_the_page_of_a_good_epoch_is_printed_even_if_the_next_one_fails():
    code, error, text = show("-", stdin=LOG)
    assert isinstance(error, bh.errors.NumberError)
    assert error.exit_code == 1
    assert code == 1
    assert "w ← w - η·∂C/∂w = 1 - 2·1 = -1" in text
    after = text[text.index("After epoch 1: forward again") :]
    assert "This cannot be worked any more: `y` is nan in row 1 (after epoch 1)" in after
    assert "log needs numbers above 0" in after
    work = bh.read(LOG).show()
    assert work.run.after is None
    assert work.to_dict()["steps"][0]["update"]["after"] == {"w": -1}
    with pytest.raises(bh.errors.NumberError):
        bh.read(LOG).show(epochs=2)


# --- questions -----------------------------------------------------------------------------------------------


def test_targets_are_no_functions_of_the_network():
    _, _, text = show("penguins", "--questions")
    asked = text[text.index("Questions and answers") :]
    assert "5: x, z1, a1, y, J (as vectors; 17 counted entry by entry)." in asked
    assert "∂L/∂target_mass" not in asked
    assert "∂L/∂y, ∂L/∂a1, ∂L/∂z1. Where" in asked
