"""The fast engines against the reference engine and each other: gradients, updates, threads, instruction sets."""

import platform
import signal
import threading
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

import backhand as bh
from backhand.engine import choice
from backhand.engine.choice import open_engine
from backhand.engine.compiled import ACTIVATIONS, CompiledNet, instruction_sets, library
from backhand.engine.compiled import RULES as RULE_NUMBERS
from backhand.engine.dense import COSTS, DenseLayer, DensePlan
from backhand.engine.dense_numpy import NumpyNet
from backhand.engine.fast import dense_problem
from backhand.engine.reference import starting_values
from backhand.engine.run import run
from backhand.engine.training import NO_STATE, update, whole_data
from backhand.errors import NumberError, UsageError
from backhand.network.costs import NAMED
from backhand.ops.updates import RULES
from backhand.ops.vocabulary import ACTIVATION_NAMES

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}  # of a tensor's largest entry
ROUNDING = {"float64": 1e-15, "float32": 1e-6}  # of numbers near 1 that cancel
HIDDEN = [name for name in ACTIVATIONS if name != "softmax"]
ENDS = {  # activations that a cost can stand behind without running into log(0)
    "binary_cross_entropy": ["sigmoid"],
    "cross_entropy": ["softmax", "sigmoid"],
    "poisson": ["softplus", "sigmoid"],
    "softmax_cross_entropy": ["linear", "tanh"],
}


def engines(plan, dtype):
    """Every engine that there is: NumPy, and the compiled one with each instruction set."""
    yield NumpyNet(plan, dtype)
    for name in instruction_sets():
        yield CompiledNet(plan, dtype, instruction_set=name)


def apart(found, expected):
    """The largest difference, in parts of each tensor's largest entry."""
    scale = {id(e): max(np.abs(e).max(), 1e-300) for _, e in zip(found, expected, strict=True)}
    return max(float(np.abs(f - e).max()) / scale[id(e)] for f, e in zip(found, expected, strict=True))


def flat(parameters):
    return [np.asarray(array, np.float64) for pair in parameters for array in pair]


def random_parameters(plan, random):
    sizes = zip(plan.sizes[:-1], plan.sizes[1:], strict=True)
    return [(random.normal(size=(n, k)) / np.sqrt(k), random.normal(size=n) * 0.3) for k, n in sizes]


def test_the_compiled_engine_is_here():
    assert library() is not None, "the tests need it: ./dev setup compiles it where there is a C++ compiler"
    assert instruction_sets()[-1] == {"x86_64": "sse2", "aarch64": "neon", "arm64": "neon"}[platform.machine()]


def test_the_fast_engines_know_the_whole_vocabulary():
    assert set(ACTIVATIONS) == set(ACTIVATION_NAMES)
    assert set(COSTS) == set(NAMED)
    assert ("gradient", *RULES) == RULE_NUMBERS


# --- against the reference engine, by way of sheets ---------------------------------------------------------


@st.composite
def sheets(draw):
    """A sheet of layers with any activations, a named cost, an update rule and some rows."""
    sizes = draw(st.lists(st.sampled_from([1, 2, 3, 5, 8, 9, 17]), min_size=2, max_size=4))
    cost = draw(st.sampled_from(COSTS))
    if cost == "softmax_cross_entropy":
        sizes[-1] = max(2, sizes[-1])
    chain = [draw(st.sampled_from(HIDDEN)) for _ in sizes[1:-1]]
    end = draw(st.sampled_from(ENDS.get(cost, [*HIDDEN, "softmax"])))
    layers = " -> ".join(f"{n} {a}" for n, a in zip(sizes[1:], [*chain, end], strict=True))
    extra = ", 0.7" if cost == "huber" else ""
    rule = draw(st.sampled_from(list(RULES)))
    seed = draw(st.integers(0, 10_000))
    random = np.random.default_rng(seed)
    rows = draw(st.integers(1, 7))
    heads = [f"x[{i + 1}]" for i in range(sizes[0])] + [f"t[{i + 1}]" for i in range(sizes[-1])]
    data = np.hstack([random.normal(size=(rows, sizes[0])), random.uniform(0.1, 0.9, size=(rows, sizes[-1]))])
    lines = [
        f"input x[{sizes[0]}]; target t[{sizes[-1]}]",
        f"layers x -> {layers} as y",
        f"start xavier seed {seed}",
        f"cost C = {draw(st.sampled_from(['', '0.5*', '3*']))}{cost}(y, t{extra})",
        f"rate 0.01; update {rule}",
        "data",
        ", ".join(heads),
        *(", ".join(repr(float(v)) for v in row) for row in data),
    ]
    return "\n".join(lines)


@given(sheets())
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_gradients_and_one_update_are_the_reference_engines(text):
    note(text)
    problem = bh.read(text).problem
    dense = dense_problem(problem)
    start = starting_values(problem.network)
    tape, gradients = whole_data(problem, start)
    names = [p.name for p in problem.network.parameters]
    # Sums that cancel leave less than they were made of: the scale is that of the rows' own gradients.
    scale = {n: max(np.abs(gradients.rows(n)).max(), 1e-300) for n in names}
    for dtype, tolerance in TOLERANCE.items():
        for engine in engines(dense.plan, dtype):
            engine.put(dense.parameters)
            found, cost = engine.gradients(dense.inputs, dense.targets)
            named = dense.named(found)
            assert cost == pytest.approx(tape.cost, rel=10 * tolerance, abs=10 * tolerance), engine.name
            for name in names:
                off = np.abs(named[name] - gradients.totals[name]).max()
                assert off <= tolerance * scale[name] + ROUNDING[dtype], (engine.name, name, off)
            # The update by the reference's own formulas, of this gradient: rules that divide by its size make steps of
            # what differs by rounding alone.
            before = dense.named(engine.get())
            after = update(problem.plan, before, named, NO_STATE, 1).after
            engine.train(dense.inputs, dense.targets)
            moved = dense.named(engine.get())
            for name in names:
                off = np.abs(moved[name] - after[name]).max()
                assert off <= tolerance * max(1, np.abs(after[name]).max()), (engine.name, name, off)


@pytest.mark.parametrize("rule", list(RULES))
def test_a_hundred_steps_of_each_rule(rule):
    """Rules that divide by the gradient's size would blow up the last digit of a 0: these rows have none."""
    text = (
        "input x[3]; target t\nlayers x -> 5 tanh -> 1 linear as y\nstart xavier seed 4\ncost C = mse(y, t)\n"
        f"rate 0.02; update {rule}; mode batches of 4\ndata\nx[1], x[2], x[3], t\n"
    )
    rows = np.random.default_rng(3).normal(size=(10, 4))
    text += "\n".join(", ".join(repr(float(v)) for v in row) for row in rows)
    problem = bh.read(text).problem
    dense = dense_problem(problem)
    expected = run(problem, 34)
    for engine in engines(dense.plan, "float64"):
        engine.put(dense.parameters)
        costs = engine.train(dense.inputs, dense.targets, batch=dense.batch, epochs=34)
        named = dense.named(engine.get())
        for name, value in expected.parameters.items():
            assert np.allclose(named[name], value, rtol=1e-9, atol=1e-11), (engine.name, name)
        first = [cost for epoch, _, cost in expected.history if epoch == 1]
        assert costs[0] == pytest.approx((4 * first[0] + 4 * first[1] + 2 * first[2]) / 10)


@pytest.mark.parametrize("name", ["price", "penguins", "two-three-one", "cache"])
def test_shipped_sheets(name):
    problem = bh.read(f"{bh.__path__[0]}/examples/{name}.bh").problem
    dense = dense_problem(problem)
    _, gradients = whole_data(problem, starting_values(problem.network))
    engine = open_engine(dense.plan, "float64")
    engine.put(dense.parameters)
    assert dense.named(engine.get()).keys() == gradients.totals.keys()
    found = dense.named(engine.gradients(dense.inputs, dense.targets)[0])
    assert apart(list(found.values()), list(gradients.totals.values())) < 1e-12


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("input x; target t\ny = w*x + v*x^2\ncost C = mse(y, t)\ndata\nx, t\n1, 2\nw = 1", None),
        (
            "w = 1; v = 2; b = 0\ninput x; target t\ny = w*x + b\ncost C = mse(y, t) + v^2\ndata\nx, t\n1, 2",
            "belong to no",
        ),
        ("w = 1; b = 0\ninput x; target t\ny = w*x + b\ncost C = mse(y, t) + w^2\ndata\nx, t\n1, 2", "has a penalty"),
        ("w = 1; b = 0\ninput x; target t\ny = w*x + b\ncost C = mean((y - t)^4)\ndata\nx, t\n1, 2", "none of sse"),
        ("w = 1\ninput x; target t\ny = w*x\ncost C = mse(y, t)\ndata\nx, t\n1, 2", "without a bias"),
    ],
)
def test_what_the_fast_engine_does_not_take(text, reason):
    if reason is None:
        text = text.replace("\nw = 1", "").replace("input x", "w = 1; v = 1\ninput x")
    with pytest.raises(UsageError, match=reason or "layer"):
        dense_problem(bh.read(text).problem)


# --- engines against each other -------------------------------------------------------------------------------


def large(rule="adam", dropout=0.0, cost="softmax_cross_entropy"):
    layers = (DenseLayer(130, "relu"), DenseLayer(70, "gelu", dropout=dropout), DenseLayer(10))
    return DensePlan(100, layers, cost, rule=rule, rate=1e-3, seed=5)


def rows_for(plan, count, seed=1):
    random = np.random.default_rng(seed)
    return random.normal(size=(count, plan.inputs)), random.integers(0, plan.sizes[-1], count)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bits_for_any_number_of_threads(dtype):
    plan = large(dropout=0.2)
    x, classes = rows_for(plan, 900)
    seen = set()
    for threads in (1, 2, 3):
        engine = CompiledNet(plan, dtype, threads)
        engine.put(random_parameters(plan, np.random.default_rng(2)))
        costs = engine.train(x, classes, batch=290, epochs=3, order=np.random.default_rng(3).permutation(900))
        parts = [costs, engine.predict(x), *(a for pair in engine.get() for a in pair)]
        seen.add(b"".join(part.tobytes() for part in parts))
    assert len(seen) == 1


@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_dropout_row_weights_decay_and_classes(rule):
    """Both engines draw the same masks: trained weights are equal to rounding."""
    plan = replace(large(rule, dropout=0.3), decay=0.01)
    x, classes = rows_for(plan, 40)
    counts, order = np.random.default_rng(4).uniform(0.5, 2, 40), np.random.default_rng(5).permutation(40)
    start, ends = random_parameters(plan, np.random.default_rng(2)), []
    for engine in engines(plan, "float64"):
        engine.put(start)
        cost = engine.train(x, classes, batch=16, epochs=5, order=order, row_weights=counts)
        ends.append((flat(engine.get()), cost))
    for found, cost in ends[1:]:
        assert apart(found, ends[0][0]) < 1e-9
        assert np.allclose(cost, ends[0][1])
    plain = NumpyNet(replace(plan, layers=tuple(replace(y, dropout=0.0) for y in plan.layers)), "float64")
    plain.put(start)
    plain.train(x, classes, batch=16, epochs=5, order=order, row_weights=counts)
    assert apart(flat(plain.get()), ends[0][0]) > 1e-3  # dropout did something


def test_classes_are_one_hot_targets():
    plan = large()
    x, classes = rows_for(plan, 30)
    engine = CompiledNet(plan, "float64")
    engine.put(random_parameters(plan, np.random.default_rng(2)))
    by_class, by_row = engine.gradients(x, classes), engine.gradients(x, np.eye(10)[classes])
    assert by_class[1] == by_row[1]
    assert all(np.array_equal(a, b) for a, b in zip(flat(by_class[0]), flat(by_row[0]), strict=True))


@pytest.mark.parametrize("make", [NumpyNet, CompiledNet])
def test_a_run_goes_on_from_its_state_bit_for_bit(make):
    plan = large("adamw")
    x, classes = rows_for(plan, 64)
    start = random_parameters(plan, np.random.default_rng(2))
    whole, first, second = make(plan), make(plan), make(plan)
    for engine in (whole, first):
        engine.put(start)
    whole.train(x, classes, batch=16, epochs=4)
    first.train(x, classes, batch=16, epochs=2)
    state, count = first.get_state()
    second.put(first.get())
    second.put_state(state, count)
    second.train(x, classes, batch=16, epochs=2)
    assert all(np.array_equal(a, b) for a, b in zip(flat(whole.get()), flat(second.get()), strict=True))
    assert second.get_state()[1] == 16


def test_predictions_of_many_rows_are_those_of_few():
    plan = large()
    x, _ = rows_for(plan, 1000)
    engine = CompiledNet(plan, "float32", 2)
    engine.put(random_parameters(plan, np.random.default_rng(2)))
    assert np.array_equal(engine.predict(x)[431:440], engine.predict(x[431:440]))


# --- errors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [NumpyNet, CompiledNet])
def test_bad_requests(make):
    plan = DensePlan(2, (DenseLayer(3, "tanh"), DenseLayer(1)), rate=0.1)
    engine = make(plan)
    x, t = np.zeros((4, 2)), np.zeros(4)
    for bad in ((np.zeros((4, 3)), t), (x, np.zeros(3)), (x, np.zeros((4, 2)))):
        with pytest.raises(UsageError):
            engine.train(*bad)
    with pytest.raises(UsageError):
        engine.put([(np.zeros((2, 3)), np.zeros(3)), (np.zeros((1, 3)), np.zeros(1))])
    engine.put([(np.ones((3, 2)), np.zeros(3)), (np.ones((1, 3)), np.zeros(1))])
    with pytest.raises(NumberError, match="in epoch"):
        engine.train(np.ones((4, 2)), t + 1e300, epochs=3)
    assert engine.train(x[:0], t[:0], epochs=0).shape == (0,)


@pytest.mark.parametrize(
    "bad",
    [
        {"cost": "hinge"}, {"rule": "lion"}, {"layers": ()}, {"inputs": 0}, {"settings": (1.0,)},
        {"layers": (DenseLayer(2, "swish"),)}, {"layers": (DenseLayer(2, "softmax"), DenseLayer(1))},
        {"layers": (DenseLayer(2, dropout=1.0), DenseLayer(1))},
    ],
)  # fmt: skip
def test_bad_plans(bad):
    with pytest.raises(UsageError):
        replace(DensePlan(2, (DenseLayer(1),)), **bad)


def test_without_a_library_numpy_takes_over_and_says_so_once(monkeypatch):
    monkeypatch.setattr(choice, "library", lambda: None)
    choice._say_once.cache_clear()
    with pytest.warns(UserWarning, match="builds it"):
        first = open_engine(large())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = open_engine(large())
    assert isinstance(first, NumpyNet)
    assert isinstance(second, NumpyNet)


def test_ctrl_c_is_answered_within_a_second():
    plan = large()
    x, classes = rows_for(plan, 2000)
    engine = CompiledNet(plan)
    engine.put(random_parameters(plan, np.random.default_rng(2)))
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    start = time.monotonic()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        engine.train(x, classes, batch=100, epochs=100_000)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_rows_own_gradients(dtype):
    """Written out for all rows, looked up for one, added up: all the gradient of the batch."""
    for plan in (large(), DensePlan(7, (DenseLayer(20, "tanh"), DenseLayer(1)), "sse")):
        x, classes = rows_for(plan, 101)
        targets = classes if plan.cost == "softmax_cross_entropy" else np.sin(classes.astype(float))
        for name in instruction_sets():
            engine = CompiledNet(plan, dtype, 2, name)
            engine.put(random_parameters(plan, np.random.default_rng(2)))
            rows = engine.row_gradients(x, targets)
            written = rows.write()
            assert written.shape == (len(rows), plan.weight_count)
            alone, _ = engine.gradients(x[40:41], targets[40:41])
            for (w, b), (own_w, own_b) in zip(rows[40], alone, strict=True):
                assert np.allclose(w, own_w, atol=TOLERANCE[dtype])
                assert np.allclose(b, own_b, atol=TOLERANCE[dtype])
            together = np.concatenate([a.ravel() for pair in engine.gradients(x, targets)[0] for a in pair])
            added = written.astype(float).sum(axis=0) / (101 if plan.mean else 1)
            assert np.abs(added - together).max() < 10 * TOLERANCE[dtype] * np.abs(together).max()
            again = written.copy()
            written[...] = 0
            assert rows.write(written) is written
            assert np.array_equal(written, again)
            with pytest.raises(UsageError):
                rows.write(np.empty((101, 3), dtype))


@pytest.mark.parametrize("make", [CompiledNet, NumpyNet])
@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"order": np.array([0, 3])}, "rows that are not there"),
        ({"order": np.array([[0]])}, "rows that are not there"),
        ({"row_weights": np.ones(2)}, "a weight for each row"),
        ({"batch": 0}, "at least one row"),
        ({"epochs": -1}, "no such epochs"),
    ],
)
def test_what_does_not_fit_the_rows(make, given, reason):
    net = make(DensePlan(2, (DenseLayer(1),)))
    with pytest.raises(UsageError, match=reason):
        net.train(np.ones((3, 2)), np.ones((3, 1)), **given)


@pytest.mark.parametrize("activation", [name for name in HIDDEN if name != "step"])
def test_what_is_no_number_stays_none(activation):
    plan = DensePlan(3, (DenseLayer(20, activation), DenseLayer(5, activation), DenseLayer(1)))
    for engine in engines(plan, "float32"):
        engine.put(random_parameters(plan, np.random.default_rng(0)))
        assert np.isnan(engine.predict(np.array([[np.nan, 1, 2]]))).all(), engine.name
        with pytest.raises(NumberError):
            engine.train(np.array([[np.nan, 1, 2], [1, 2, 3]]), np.ones((2, 1)))


@pytest.mark.parametrize(
    ("rule", "settings"), [("adam", (0.9, 0.999, 0.0)), ("adagrad", (0.0,)), ("rmsprop", (0.9, 0.0))]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_epsilon_of_0_where_blocks_are_not_full(rule, settings, dtype):
    plan = DensePlan(3, (DenseLayer(25, "sigmoid"), DenseLayer(1)), rule=rule, rate=0.01, settings=settings)
    random = np.random.default_rng(0)
    x, y, start = random.normal(size=(20, 3)), random.normal(size=(20, 1)), random_parameters(plan, random)
    found = []
    for engine in engines(plan, dtype):
        engine.put(start)
        engine.train(x, y, batch=5, epochs=3)
        found.append(engine.predict(x))
    for other in found[1:]:
        assert np.allclose(found[0], other, rtol=0, atol=1e-9 if dtype == "float64" else 1e-3)


def test_wide_layers_and_one_unit_behind_a_part_of_a_block():
    """Products in several pieces, blocks in part empty, row weights before a single output."""
    random = np.random.default_rng(1)
    for sizes in ((700, 3), (300, 310, 1), (5, 33, 1)):
        layers = (*(DenseLayer(n, "sigmoid") for n in sizes[1:-1]), DenseLayer(sizes[-1]))
        plan = DensePlan(sizes[0], layers, rule="momentum", rate=0.001)
        x, y = random.normal(size=(40, sizes[0])), random.normal(size=(40, sizes[-1]))
        start, weights = random_parameters(plan, random), random.uniform(0.5, 2, 40)
        numpy_net = NumpyNet(plan, "float64")
        numpy_net.put(start)
        numpy_net.train(x, y, batch=16, epochs=4, row_weights=weights)
        for name in instruction_sets():
            net = CompiledNet(plan, "float64", instruction_set=name)
            net.put(start)
            net.train(x, y, batch=16, epochs=4, row_weights=weights)
            assert apart(flat(net.get()), flat(numpy_net.get())) < 1e-11, (name, sizes)


def test_choices_that_cannot_be_had():
    plan = DensePlan(2, (DenseLayer(1),), rule="adam")
    wrong = [{"dtype": "int32"}, {"dtype": "float16"}, {"threads": -1}, {"threads": 10**6}, {"instruction_set": "mmx"}]
    for choices in wrong:
        with pytest.raises(UsageError):
            CompiledNet(plan, **choices)
    net = CompiledNet(plan)
    with pytest.raises(UsageError, match="keeps 2 letters"):
        net.put_state([net.get()] * 9, 0)
    with pytest.raises(UsageError, match="none of them is dropped"):
        DensePlan(2, (DenseLayer(1, dropout=0.5),))


def test_gradients_of_no_rows_and_an_interrupted_call():
    plan = DensePlan(2, (DenseLayer(1),))
    net = CompiledNet(plan)
    net.put(random_parameters(plan, np.random.default_rng(0)))
    net.gradients(np.ones((3, 2)), np.ones((3, 1)))
    assert all((a == 0).all() for a in flat(net.gradients(np.ones((0, 2)), np.ones((0, 1)))[0]))

    def interrupted(*_):
        raise KeyboardInterrupt

    net._some, some = interrupted, net._some
    with pytest.raises(KeyboardInterrupt):
        net.gradients(np.ones((3, 2)), np.ones((3, 1)))
    net._some = some
    before = flat(net.get())
    net.train(np.ones((3, 2)), np.full((3, 1), 9.0))
    assert apart(flat(net.get()), before) > 0  # it still trains


@pytest.mark.parametrize(
    ("cost", "used", "reason"),
    [
        ("huber(y, t, d)", 2, "no plain number"),
        ("mse(y, h)", 2, "depends on its parameters"),
        ("mse(y, t)", 3, "belong to no layer"),  # the third row of W is in no layer
    ],
)
def test_what_would_be_another_network(cost, used, reason):
    rows = "[[1, 2], [3, 4], [5, 6]]" if used == 3 else "[[1, 2], [3, 4]]"
    text = (
        f"const d = 0.3\ninput x[2]; target t\nW = {rows}; b = [0.1, 0.2]; V = [[1, 2]]; c = [0]\n"
        "h1 = tanh(W[1,1]*x[1] + W[1,2]*x[2] + b[1])\nh2 = tanh(W[2,1]*x[1] + W[2,2]*x[2] + b[2])\n"
        f"y = V[1,1]*h1 + V[1,2]*h2 + c[1]\ncost C = {cost.replace('h)', 'h1)')}\nrate 0.1\n"
        "data\nx[1], x[2], t\n1, 2, 3"
    )
    with pytest.raises(UsageError, match=reason):
        dense_problem(bh.read(text).problem)


@pytest.mark.parametrize(("activation", "cost"), [("sigmoid", "binary_cross_entropy"), ("softmax", "cross_entropy")])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cross_entropies_of_probabilities_that_are_rounded_to_0_or_1(activation, cost, dtype):
    """Against the logarithms worked from z: log σ(z) = -log(1 + e^-z)."""
    plan = DensePlan(1, (DenseLayer(2, activation),), cost, rate=0.1)
    z = np.array([[200.0, -200.0], [-90.0, 90.0], [3.0, -3.0]])
    targets = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    logs = -np.logaddexp(0, -z) if activation == "sigmoid" else z - np.logaddexp.reduce(z, 1)[:, None]
    others = -np.logaddexp(0, z) if activation == "sigmoid" else np.zeros_like(z)
    expected = -(targets * logs + (1 - targets) * others).sum(1)
    for engine in engines(plan, dtype):
        for row, own in enumerate(expected):
            engine.put([(z[row][:, None], np.zeros(2))])
            one, t = np.ones((1, 1)), targets[row][None]
            assert engine.costs(one, t) == pytest.approx([own], rel=1e-6), engine.name
            gradients, cost_found = engine.gradients(one, t)
            assert cost_found == pytest.approx(own, rel=1e-6)
            assert gradients[0][1] == pytest.approx(np.exp(logs[row]) - targets[row], abs=1e-6)
            assert engine.predict(one)[0] == pytest.approx(np.exp(logs[row]), abs=1e-6)


@pytest.mark.parametrize("cost", ["mse", "softmax_cross_entropy", "binary_cross_entropy", "poisson"])
def test_each_rows_own_cost(cost):
    """All at once, in another order, and as the sum that a gradient comes with; nothing dropped."""
    random = np.random.default_rng(0)
    last = {"mse": "linear", "poisson": "softplus", "binary_cross_entropy": "sigmoid"}.get(cost, "linear")
    plan = DensePlan(5, (DenseLayer(20, "tanh", dropout=0.5), DenseLayer(3, last)), cost, cost_factor=2.5)
    plain = replace(plan, layers=(DenseLayer(20, "tanh"), plan.layers[1]))
    x, y = random.normal(size=(300, 5)), random.uniform(0.1, 0.9, size=(300, 3))
    order, start = random.permutation(300)[:77], random_parameters(plan, random)
    for engine, undropped in zip(engines(plan, "float64"), engines(plain, "float64"), strict=True):
        engine.put(start)
        undropped.put(start)
        own = engine.costs(x, y)
        assert apart([engine.costs(x, y, order)], [own[order]]) < 1e-14
        assert own.mean() == pytest.approx(undropped.gradients(x, y)[1], rel=1e-12)
        assert own[7] == pytest.approx(undropped.gradients(x[7:8], y[7:8])[1], rel=1e-12)


def test_the_variable_chooses_the_instruction_set(monkeypatch):
    plan = DensePlan(2, (DenseLayer(1),))
    monkeypatch.setenv("BACKHAND_SET", instruction_sets()[-1])
    assert CompiledNet(plan).instruction_set == instruction_sets()[-1]
    monkeypatch.setenv("BACKHAND_SET", "mmx")
    with pytest.raises(UsageError, match="lacks an instruction set"):
        CompiledNet(plan)


def test_two_threads_of_one_network_take_turns():
    plan = large()
    x, classes = rows_for(plan, 400)
    engine = CompiledNet(plan)
    engine.put(random_parameters(plan, np.random.default_rng(2)))
    both = [threading.Thread(target=engine.train, args=(x, classes), kwargs={"batch": n, "epochs": 3}) for n in (7, 97)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    steps = 3 * (-(-400 // 7) + -(-400 // 97))
    assert engine.get_state()[1] == steps
    assert all(np.isfinite(array).all() for array in flat(engine.get()))


def test_ctrl_c_gives_up_a_step_that_takes_long():
    """The weights, the state and the count stay as they were before it, but where its update had begun: that ends."""
    plan = DensePlan(300, (DenseLayer(600, "relu"), DenseLayer(600, "relu"), DenseLayer(3)), rule="adam", rate=1e-3)
    random = np.random.default_rng(0)
    x, y = random.standard_normal((20_000, 300), np.float32), random.standard_normal((20_000, 3), np.float32)
    engine = CompiledNet(plan, instruction_set=instruction_sets()[-1])  # the slowest
    engine.put(random_parameters(plan, random))
    engine.train(x[:300], y[:300])
    before, count = flat(engine.get()), engine.get_state()[1]
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    start = time.monotonic()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        engine.train(x, y)
    assert time.monotonic() - start < 5
    same = all((a == b).all() for a, b in zip(flat(engine.get()), before, strict=True))
    assert (engine.get_state()[1], same) in ((count, True), (count + 1, False))
