"""Gradients of random networks against sympy, central differences and the sum over paths."""

from dataclasses import replace
from random import Random
from types import MappingProxyType

import mpmath
import numpy as np
import pytest
from by_sympy import NearKink, Sheet
from hypothesis import HealthCheck, given, note, reject, settings
from hypothesis import strategies as st
from random_sheets import Layered, Scalars

from backhand.engine.program import Program
from backhand.engine.reference import backward, forward, starting_values
from backhand.engine.training import steps, whole_data
from backhand.errors import NumberError
from backhand.network.build import build
from backhand.network.costs import NAMED
from backhand.network.derive import entry, entry_partial, indices, reached
from backhand.network.graph import Node, Role
from backhand.network.shapes import shape_of
from backhand.notation.expr import Call, Expr, Num, Ref, calls
from backhand.ops.vocabulary import VOCABULARY
from backhand.sheet.parse import parse

SIDES = ("relu", "leaky", "elu", "selu", "step", "abs")  # kinks at 0
LARGEST = 1e5


def problem_of(text):
    return build(parse(text))


def near(ours, theirs, scale=1.0, relative=1e-9):
    """Whether two numbers agree; `scale` is the size of the numbers they were worked from."""
    return abs(ours - theirs) <= relative * max(abs(ours), abs(theirs), scale)


# --- by sympy ---------------------------------------------------------------------------------------------


def compare_with_sympy(sheet, tape, gradients):
    C, found = sheet.gradients()
    network = tape.network
    assert near(tape.cost, C)
    names = {p.name for p in (*network.parameters, *network.inputs, *network.equations)}
    assert {n for _, n, _ in found} | {p.name for p in network.parameters} == names
    for (kind, name, index), expected in found.items():
        at = tuple(i - 1 for i in index)
        if kind == "parameter":
            ours = gradients.totals[name][at]
            assert near(ours, expected), f"∂C/∂{name}{list(index)}: {ours}, by sympy {expected}"
            continue
        for row, (one, other) in enumerate(zip(gradients.shares(name), expected, strict=True), 1):
            assert near(one[at], other), f"∂C/∂{name}{list(index)} in row {row}: {one[at]}, by sympy {other}"


def compare_one_node(sheet, tape, rnd):
    """∂(an entry of some node)/∂(everything), which the explainer asks for."""
    if not tape.network.equations:
        return
    node = rnd.choice(tape.network.equations)
    of = rnd.choice(indices(node.shape))
    gradients = backward(tape, Program(tape.network, Ref(node.name, of)))
    for (kind, name, index), expected in sheet.partials(node.name, of).items():
        if kind != "target":
            ours = gradients.rows(name)[(slice(None), *(i - 1 for i in index))]
            assert np.allclose(ours, expected, rtol=1e-9, atol=1e-9), f"∂{node.name}{of}/∂{name}{index}"


# --- central differences ----------------------------------------------------------------------------------


def sides(tape):
    """On which side of its kink every function with one stands, in every row."""
    found = []
    formulas = [n.formula for n in tape.network.equations]
    formulas += [tape.network.cost.own, tape.network.cost.penalty or Num(0.0)]
    for formula in formulas:
        for call in calls(formula):
            if call.op in SIDES:
                found.append(np.sign(tape.work(call.args[0])))
            elif call.op in ("max", "min", "huber_of"):
                args = [tape.work(a) for a in call.args]
                rank = max(a.ndim for a in args)
                args = [a.reshape(a.shape + (1,) * (rank - a.ndim)) for a in args]
                if call.op == "huber_of":
                    args[0] = abs(args[0])
                found += [np.sign(a - b) for i, a in enumerate(args) for b in args[:i]]
    return [side.ravel().tolist() for side in found]


def bumped(network):
    """The network with something added to each equation: an input ε(name) that is 0 unless it is moved."""
    nodes = {}
    for node in network.equations:
        nodes[f"ε {node.name}"] = Node(f"ε {node.name}", Role.INPUT, node.shape)
    for node in network.nodes.values():
        if node.is_equation:
            node = replace(node, formula=Call("add", (node.formula, Ref(f"ε {node.name}"))))
        nodes[node.name] = node
    return replace(network, nodes=MappingProxyType(nodes))


class Moved:
    """The network with one number moved a little; forward only."""

    def __init__(self, problem):
        self.network = bumped(problem.network)
        self.parameters = starting_values(problem.network)
        self.columns = dict(problem.table.columns)
        for node in problem.network.equations:
            self.columns[f"ε {node.name}"] = np.zeros((problem.table.rows, *node.shape))

    def tape(self, kind, name, index, by):
        parameters, columns = dict(self.parameters), dict(self.columns)
        at = tuple(i - 1 for i in index)
        if kind == "parameter":
            parameters[name] = np.array(parameters[name])
            parameters[name][at] += by
        else:
            column = name if kind == "input" else f"ε {name}"
            columns[column] = np.array(columns[column])
            columns[column][(slice(None), *at)] += by
        return forward(self.network, parameters, columns)

    def slope(self, kind, name, index, here):
        """∂C and each row's ∂L by one number, by differences of the fourth order, and what rounding costs.

        The step is the largest of a few that stays on this side of all kinks and for which differences of the
        second order nearly agree; None if there is no such step.
        """
        for h in (2e-4, 4e-5, 4e-6):
            try:
                tapes = [self.tape(kind, name, index, by) for by in (-2 * h, -h, h, 2 * h)]
                costs = np.array([[tape.cost, *tape.own] for tape in tapes])
            except NumberError:  # a logarithm left its half of the line
                continue
            if any(sides(tape) != here for tape in tapes):
                continue
            second = np.array([0, -1, 1, 0]) @ costs / (2 * h)
            fourth = np.array([1, -8, 8, -1]) @ costs / (12 * h)
            if (np.abs(fourth - second) <= 1e-4 * np.maximum(1, np.abs(fourth))).all():
                return fourth[0], fourth[1:], 1e-12 / h
        return None


def compare_with_differences(problem, tape, gradients, rnd):
    """Every parameter, and some of the nodes and inputs."""
    moved = Moved(problem)
    here = sides(tape)
    places = [("parameter", p) for p in tape.network.parameters]
    places += [("input", n) for n in tape.network.inputs]
    places += [("node", n) for n in tape.network.equations]
    scale = 1 + abs(tape.cost) + float(np.max(np.abs(tape.own)))
    for kind, node in places:
        spots = indices(node.shape)
        for index in spots if len(spots) <= 3 else rnd.sample(spots, 3):
            at = tuple(i - 1 for i in index)
            found = moved.slope(kind, node.name, index, here)
            if found is None:
                continue
            whole, own, loss = found
            ours = gradients.rows(node.name)[(slice(None), *at)]
            error = 1e-6 * max(1.0, float(np.max(np.abs(ours)))) + scale * loss * 10
            assert np.allclose(ours, own, rtol=0, atol=error), f"∂L/∂{node.name}{list(index)}: {ours}, {own}"
            if kind == "parameter":
                total = gradients.totals[node.name][at]
                error = 1e-6 * max(1.0, abs(total)) + scale * loss * 10 * tape.count
                assert abs(total - whole) <= error, f"∂C/∂{node.name}{list(index)}: {total}, {whole}"


# --- by paths ---------------------------------------------------------------------------------------------


class Paths:
    """All paths from an entry to a row's own cost; each is the product of entry-by-entry partials."""

    def __init__(self, tape):
        self.tape, self.network = tape, tape.network
        self.shapes = self.network.shape_of
        self.found = {}

    def number(self, expr):
        return np.broadcast_to(self.tape.work(expr), (self.tape.count,))

    def step(self, formula, out, name, at, itself=None):
        """∂formula[out]/∂name[at] in every row; None if the one does not depend on the other."""
        partial = entry_partial(formula, out, name, at, self.shapes, itself)
        if out not in reached(formula, name, at, self.shapes):
            assert partial == Num(0.0), f"{name}{at} should not reach {out}"
            return None
        return self.number(partial)

    def of(self, name, at):
        """The products of all paths that begin at name[at]."""
        if (name, at) not in self.found:
            products = []
            for node in self.network.consumers.get(name, []):
                for out in indices(node.shape):
                    step = self.step(node.formula, out, name, at, Ref(node.name))
                    if step is not None:
                        products += [step * rest for rest in self.of(node.name, out)]
            own = self.network.cost.own
            top = self.step(own, indices(shape_of(own, self.shapes))[0], name, at)
            if top is not None:
                products.append(top)
            if len(products) > 2000:
                products = [sum(products)]
            self.found[name, at] = products
        return self.found[name, at]


def compare_with_paths(tape, gradients):
    network, paths = tape.network, Paths(tape)
    program = gradients.program
    for node in (*network.inputs, *network.parameters, *network.equations):
        for at in indices(node.shape):
            products = paths.of(node.name, at)
            ours = gradients.rows(node.name)[(slice(None), *(i - 1 for i in at))]
            total = sum(products, np.zeros(tape.count))
            scale = float(sum((abs(p) for p in products), np.ones(tape.count)).max())
            assert np.allclose(ours, total, rtol=1e-9, atol=1e-12 * scale), f"{node.name}{at}: {ours}, {total}"
            formula = program.formula(Ref(node.name, at))
            worked = gradients.work(formula) if formula is not None else np.zeros(1)
            worked = np.broadcast_to(worked.reshape(len(worked)), ours.shape)
            assert np.allclose(ours, worked, rtol=1e-9, atol=1e-12 * scale), f"{node.name}{at} in letters"


def compare_entries(tape):
    """Every equation, entry by entry in letters, gives the very number that the engine has for it."""
    for node in tape.network.equations:
        for at in indices(node.shape):
            written = entry(node.formula, at, tape.network.shape_of)
            ours = tape.values[node.name][(slice(None), *(i - 1 for i in at))]
            assert (np.broadcast_to(tape.work(written), ours.shape) == ours).all(), f"{node.name}{at}"


# --- random networks --------------------------------------------------------------------------------------


class Unfit(Exception):
    """Numbers so large, or so near a kink, that two ways of working need not agree."""


def check(text, rnd):
    problem = problem_of(text)
    tape, gradients = whole_data(problem, starting_values(problem.network))
    numbers = [*tape.values.values(), *gradients.adjoints.values(), *gradients.totals.values()]
    if any(np.max(np.abs(n), initial=0) > LARGEST for n in numbers) or abs(tape.cost) > LARGEST:
        raise Unfit
    try:
        sheet = Sheet(text)
        compare_with_sympy(sheet, tape, gradients)
        compare_one_node(sheet, tape, rnd)
    except NearKink:
        raise Unfit from None
    compare_with_differences(problem, tape, gradients, rnd)
    compare_with_paths(tape, gradients)
    compare_entries(tape)
    check_rows(problem, gradients)


def check_random(kind, rnd):
    text = kind(rnd).sheet()
    note(text)
    try:
        check(text, rnd)
    except Unfit:
        reject()


def check_rows(problem, gradients):
    """The rows' own gradients add up to the step's, and `steps` begins with the same numbers."""
    tape, network = gradients.tape, problem.network
    divisor = tape.count if network.cost.mean else 1
    step = next(iter(steps(problem)))
    assert step.tape.cost == tape.cost
    for node in network.parameters:
        total = np.add.accumulate(gradients.rows(node.name))[-1] / divisor
        assert (step.gradients.totals[node.name] == gradients.totals[node.name]).all()
        if node.name not in gradients.program.penalty:
            assert (total == gradients.totals[node.name]).all()
    for node in (*network.inputs, *network.equations):
        assert (gradients.shares(node.name) == gradients.rows(node.name) / divisor).all()


RANDOM = st.one_of(st.randoms(use_true_random=False), st.integers(0, 2**32).map(Random))
SLOW = settings(suppress_health_check=list(HealthCheck))


@SLOW
@given(RANDOM)
def test_networks_written_out(rnd):
    check_random(Scalars, rnd)


@SLOW
@given(RANDOM)
def test_networks_of_vectors_and_matrices(rnd):
    check_random(Layered, rnd)


def test_the_random_sheets_use_every_operation():
    used = set()
    for seed in range(120):
        for kind in (Scalars, Layered):
            for statement in parse(kind(Random(seed)).sheet()).statements:
                value = getattr(statement, "value", None)
                used |= {call.op for call in calls(value)} if isinstance(value, Expr) else set()
    written = {op.name for op in VOCABULARY.values() if op.written}
    assert written | {"add", "neg", "mul", "div", "pow", "matmul", "stack", "sum", "mean"} <= used
    assert set(NAMED) <= used


# --- sheets that were wrong once, or that chance would rarely make ----------------------------------------

ROWS = "x[1], x[2], t\n1.5, -0.5, 0.3\n-0.7, 0.9, 1.2\n"
MATRIX = "input x[2]\ntarget t\nW = [[0.3, -0.8], [1.1, 0.4]]\nv = [0.5, -1.5]\nc = 0.7\nw = [0.6]\n"


@pytest.mark.parametrize(
    "lines",
    [
        "y = c*x\ncost C = sum(y - c)",  # one number goes with every entry, and nothing is multiplied
        "y = c*x\ncost C = sum(y/3 + c/2 - 1)",
        "y = W @ x + c\ncost C = mean(y)",
        "y = c*x\ncost C = sum(W @ y)",  # a product right under the sum
        "y = c*x\ncost C = sum(y @ W)",
        "y = c*x\ncost C = sum(softmax(W @ y)*v) + sigmoid(c)",
        "y = c*x\ncost C = mean(-softmax(W @ y))",
        "y = c*x\ncost C = sum(2^(-y) + max(y, c))",
        "y = c*x\ncost C = sum([c, y[1], c*c])",
        "y = c*x\ncost C = sum([c, c] + y)",
        "y = w @ c\ncost C = sum(y*x[1] - t)",  # a vector of one and a number
        "y = W[2] @ x + W[2,1]\ncost C = sum(y)",  # a row, and an entry of that row
        "y = W[2] + c*W[1]\ncost C = sum(W[2]*y) + W[1,1]^2",
        "y = (W @ W) @ x\ncost C = sum(y*y) + 0.1*W^2",
        "y = W @ [c, x[1]] + v[2]\ncost C = mean((y - t*x)^2) + v[1]*v[2]",
        "a = relu(c - c)\ny = leaky(a, 0.3) + elu(a, 0.5) + abs(a)\ncost C = sum(y*c + t*c)",  # on the kinks
        "a = relu(0*c)\ny = max(a, 2*a, 3*a) + min(3*a, a)\ncost C = sum(y + x)",
        "y = selu(0*c) + step(0*c) + step(x)\ncost C = huber(y, x, 0.5)",
        "a = x - x\ny = max(a, -a)\ncost C = sum(y + y^2)",
        "cost C = c^2",
        "y = t*x\ncost C = sum(c) + v @ v",
    ],
)
def test_special_sheets(lines):
    check(MATRIX + lines + "\ndata\n" + ROWS, Random(1))


def test_a_sheet_without_data_has_one_row():
    problem = problem_of("w = 3\ny = w^2\ncost C = y*w")
    tape, gradients = whole_data(problem, starting_values(problem.network))
    assert (tape.cost, gradients.totals["w"], gradients.rows("y").tolist()) == (27, 27, [3])


# --- large numbers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("z", [-1000.0, -745.0, -40.0, -1.0, 0.0, 1.0, 40.0, 745.0, 1000.0])
@pytest.mark.parametrize("name", ["sigmoid", "softplus", "silu", "tanh", "gelu", "selu", "elu", "softmax"])
def test_activations_of_large_numbers_have_gradients(name, z):
    """The gradient of a neuron against mpmath's derivative with 60 digits."""
    call = {"elu": "elu(w*x, 0.5)", "softmax": "softmax([w*x, 1])"}.get(name, f"{name}(w*x)")
    pick = "y[1]" if name == "softmax" else "y"
    problem = problem_of(f"input x\nw = {z}\ny = {call}\ncost C = sum({pick})\ndata\nx\n1\n")
    _, gradients = whole_data(problem, starting_values(problem.network))
    with mpmath.workdps(60):
        exact = mpmath.diff(EXACT[name], mpmath.mpf(z), direction=-1)
        assert abs(gradients.totals["w"] - exact) <= 4e-16 * max(1, abs(exact))


SELU = mpmath.mpf("1.0507009873554805"), mpmath.mpf("1.6732632423543772")
EXACT = {
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
    "silu": lambda z: z / (1 + mpmath.exp(-z)),
    "tanh": mpmath.tanh,
    "gelu": lambda z: z * mpmath.erfc(-z / mpmath.sqrt(2)) / 2,
    "selu": lambda z: SELU[0] * (z if z > 0 else SELU[1] * (mpmath.exp(z) - 1)),
    "elu": lambda z: z if z > 0 else (mpmath.exp(z) - 1) / 2,
    "softmax": lambda z: mpmath.exp(z) / (mpmath.exp(z) + mpmath.exp(1)),
}


@pytest.mark.parametrize("largest", [1.0, 50.0, 800.0, 1e8])
def test_softmax_cross_entropy_of_large_numbers(largest):
    """C = log Σ e^z - z of the right class, and ∂C/∂z = softmax(z) - t."""
    z = [largest, 0.0, -largest, largest - 1]
    for right in range(4):
        t = [float(i == right) for i in range(4)]
        columns = [f"{n}[{i}]" for n in "xt" for i in range(1, 5)]
        problem = problem_of(
            "input x[4]\ntarget t[4]\nz = c*x\nc = 1\ncost C = softmax_cross_entropy(z, t)\n"
            f"data\n{','.join(columns)}\n{','.join(map(str, z + t))}\n"
        )
        tape, gradients = whole_data(problem, starting_values(problem.network))
        with mpmath.workdps(50):
            exact = [mpmath.mpf(v) for v in z]
            grown = [mpmath.exp(v - largest) for v in exact]
            log_sum = largest + mpmath.log(sum(grown))
            assert near(tape.cost, float(log_sum - exact[right]), scale=largest, relative=1e-15)
            for i, slope in enumerate(gradients.rows("z")[0]):
                assert near(slope, float(grown[i] / sum(grown) - t[i]), relative=4e-16)
