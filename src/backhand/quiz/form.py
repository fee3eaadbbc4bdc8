"""The form of an exercise: a network without its numbers, which are drawn anew for every variant."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import UsageError
from ..network.build import Problem, build
from ..network.graph import Network
from ..notation.numbers import FULL
from ..ops.vocabulary import ACTIVATION_NAMES
from ..sheet.edit import written
from ..sheet.model import Assign, DataFrom, InlineData, Rate, SheetText, Start, Statement, Title
from ..sheet.parse import parse
from ..sheet.table import Table
from ..sheet.write import rows_text, write
from .names import COSTS, DIFFICULTIES

Array = np.ndarray
_COSTS = {"mse": "mean({})", "sse": "sum({})", "half": "sum({})/2", "half-mean": "sum({})/(2*N)"}
MOST_UNITS = 200
_TENTHS = {"easy": (5, 25, 5), "normal": (2, 19, 1), "hard": (11, 195, 1)}  # from, to, step
_UNIT = {"easy": 10, "normal": 10, "hard": 100}


@dataclass(frozen=True)
class Wish:
    """What a teacher asks for: "2-2-1, ReLU, friendly numbers".

    Attributes:
        sizes: inputs, hidden units layer by layer, outputs.
        activations: of the hidden layers; one stands for all. `output` is that of the last one.
    """

    sizes: tuple[int, ...] = (2, 2, 1)
    activations: tuple[str, ...] = ("sigmoid",)
    output: str = "linear"
    cost: str = "mse"
    rows: int = 0
    biases: bool = True
    rate: float = 0.5
    difficulty: str = "normal"


@dataclass(frozen=True)
class Form:
    """A network whose numbers are open.

    Attributes:
        statements: the sheet without starting values and data.
        problem: the same with numbers that stand for others.
        rows: how many rows of data.
        given: the sheet's own numbers, where it is made from one; their size is kept.
    """

    statements: tuple[Statement, ...]
    problem: Problem
    rows: int
    difficulty: str = "normal"
    given: Mapping[str, Array] | None = None

    @property
    def network(self) -> Network:
        return self.problem.network

    def drawn(self, rng: random.Random) -> Numbers:
        """Numbers for all weights and data, none twice where there are enough."""
        weights = self._weights(rng)
        return Numbers(weights, self._data(rng))

    def changed(self, numbers: Numbers, rng: random.Random) -> Numbers:
        """The same with one number drawn anew."""
        other = self.drawn(rng)
        parts = [dict(numbers.weights), dict(numbers.data)]
        places = [
            (part, name, place)
            for part, found in zip(parts, (other.weights, other.data), strict=True)
            for name in found
            for place in np.ndindex(*np.shape(found[name]))
        ]
        part, name, place = rng.choice(places)
        changed = np.array(part[name])
        changed[place] = (other.weights if part is parts[0] else other.data)[name][place]
        part[name] = changed
        return Numbers(*parts)

    def _weights(self, rng: random.Random) -> dict[str, Array]:
        nodes = self.network.parameters
        if self.given is not None:
            return {node.name: _like(self.given[node.name], rng) for node in nodes}
        count = sum(int(np.prod(node.shape)) for node in nodes)
        pool = _pool(self.difficulty, count, rng)
        out, at = {}, 0
        for node in nodes:
            size = int(np.prod(node.shape))
            out[node.name] = np.array(pool[at : at + size]).reshape(node.shape)
            at += size
        return out

    def _data(self, rng: random.Random) -> dict[str, Array]:
        out = {}
        kept = self.given
        for node in (*self.network.inputs, *self.network.targets):
            shape = (self.rows, *node.shape)
            if kept is not None:
                out[node.name] = _column_like(kept[node.name], rng)
            elif node in self.network.inputs:
                out[node.name] = np.array(_pool(self.difficulty, int(np.prod(shape)), rng, 2.0)).reshape(shape)
            else:
                out[node.name] = self._targets(rng, shape)
        return out

    def _targets(self, rng: random.Random, shape: tuple[int, ...]) -> Array:
        outputs = {
            node.formula.op for node in self.network.outputs if node.formula is not None and hasattr(node.formula, "op")
        }
        if "softmax" in outputs and len(shape) == 2:
            found = np.zeros(shape)
            for row in range(shape[0]):
                found[row, rng.randrange(shape[1])] = 1.0
            return found
        if outputs & {"sigmoid"}:
            return np.array([float(rng.randrange(2)) for _ in range(int(np.prod(shape)))]).reshape(shape)
        if outputs & {"tanh"}:
            return np.array([rng.choice((-8, -6, -4, 4, 6, 8)) / 10 for _ in range(int(np.prod(shape)))]).reshape(shape)
        return np.array(_pool(self.difficulty, int(np.prod(shape)), rng, 2.0)).reshape(shape)

    def with_numbers(self, numbers: Numbers) -> Problem:
        """The problem at these numbers."""
        nodes = {
            name: replace(node, value=numbers.weights[name]) if name in numbers.weights else node
            for name, node in self.network.nodes.items()
        }
        table = Table(dict(numbers.data), self.rows, "data") if numbers.data else None
        return replace(self.problem, network=replace(self.network, nodes=nodes), table=table)

    def text(self, numbers: Numbers | None, title: str) -> str:
        """The sheet with these numbers; None leaves it in letters."""
        kept = [s for s in self.statements if not isinstance(s, Title)]
        lines = write(SheetText((Title(title), *kept)))
        if numbers is None:
            return lines
        for name, value in numbers.weights.items():
            lines += f"{name} = {written(value)}\n"
        if not numbers.data:
            return lines
        return f"{lines}data\n{rows_text(numbers.data, self.rows)}"


@dataclass(frozen=True)
class Numbers:
    """The numbers of a variant: weights by name, columns of data by name."""

    weights: Mapping[str, Array]
    data: Mapping[str, Array]


def _pool(difficulty: str, count: int, rng: random.Random, stretch: float = 1.0) -> list[float]:
    """Friendly numbers of either sign, no size twice where there are enough."""
    low, high, step = _TENTHS[difficulty]
    sizes = list(range(low, round(high * stretch) + 1, step))
    chosen = rng.sample(sizes, count) if count <= len(sizes) else [rng.choice(sizes) for _ in range(count)]
    return [rng.choice((-1, 1)) * size / _UNIT[difficulty] for size in chosen]


def _decimals(value: float) -> int:
    """With how many decimals a number like this one is written: as many as it has, for no more than two figures."""
    typed = FULL.text(value)
    two_figures = max(0, 1 - math.floor(math.log10(abs(value))))
    decimals = two_figures if "e" in typed else min(len(typed.partition(".")[2]), two_figures)
    return max(decimals, 1) if abs(value) < 10 else decimals


def _like(values: Array, rng: random.Random) -> Array:
    """Other numbers of the same size; 0 becomes a small one."""

    def one(value: float) -> float:
        if value == 0:
            return rng.choice((-1, 1)) * rng.randrange(1, 10) / 10
        decimals = _decimals(value)
        unit = 10.0**-decimals
        size = max(abs(value), 3 * unit)
        steps = rng.randrange(max(1, math.ceil(0.5 * size / unit)), max(2, math.floor(1.6 * size / unit)) + 1)
        return round(math.copysign(steps * unit, value), decimals)

    flat = [one(float(v)) for v in np.ravel(values)]
    return np.array(flat).reshape(np.shape(values))


def _column_like(values: Array, rng: random.Random) -> Array:
    """A column of other numbers; zeros and ones stay, as they are classes or switches."""
    return np.array(values) if np.isin(values, (0.0, 1.0)).all() else _like(values, rng)


def form_of_sheet(statements: SheetText, problem: Problem, letters: bool = False, rate: float | None = None) -> Form:
    """The form of a sheet: its equations, cost and rate; its numbers are drawn anew.

    Args:
        letters: without numbers.
        rate: in place of its own.
    Raises:
        UsageError: a sheet without cost, with rows in a file or many of them, or with a rate that is none.
    """
    network = problem.network
    if network.cost is None:
        raise UsageError("an exercise needs a cost", hint="add a line such as `cost C = mean((y - yd)^2)`")
    known = {node.name for node in network.parameters}
    given: dict[str, Array] = {
        node.name: np.asarray(node.value) for node in network.parameters if node.value is not None
    }
    kept = tuple(
        s
        for s in statements.statements
        if not isinstance(s, Start | InlineData | DataFrom) and not (isinstance(s, Assign) and s.name in known)
    )
    if rate is not None:
        if not (math.isfinite(rate) and rate > 0):
            raise UsageError(f"the rate {rate:g} is no rate to learn with", expected="a number above 0")
        kept = (*(s for s in kept if not isinstance(s, Rate)), Rate(rate))
        problem = replace(problem, plan=replace(problem.plan, rate=rate))
    if letters:
        return Form(kept, problem, 1, given=given)
    if any(isinstance(s, DataFrom) for s in statements.statements) or (problem.table and problem.table.rows > 20):
        raise UsageError(
            "an exercise is worked by hand, and this sheet has many rows", expected="at most 20 in the sheet"
        )
    if network.unknown_functions:
        unknown = ", ".join(sorted(network.unknown_functions))
        raise UsageError(f"nothing says what `{unknown}` does, so there are no numbers", expected="--level letters")
    if network.in_letters or any(node.value is None for node in network.parameters):
        return Form(kept, problem, problem.table.rows if problem.table else 1)
    if problem.table is None and network.inputs:
        raise UsageError("the sheet has inputs and no data", hint="add `data` and a row")
    columns = dict(problem.table.columns) if problem.table else {}
    rows = problem.table.rows if problem.table else 1
    return Form(kept, problem, rows, given={**given, **columns})


def form_of_wish(wish: Wish) -> Form:
    """The form of a network of layers, neuron by neuron, as on paper.

    Raises:
        UsageError: sizes, activations or a cost that make no exercise.
    """
    if len(wish.sizes) < 2 or any(size < 1 for size in wish.sizes) or sum(wish.sizes) > MOST_UNITS:
        raise UsageError(f"{'-'.join(map(str, wish.sizes))} is no network for an exercise", expected="such as 2-2-1")
    layers = len(wish.sizes) - 2
    activations = wish.activations * layers if len(wish.activations) == 1 else wish.activations
    if len(activations) != layers and layers:
        raise UsageError(f"{len(activations)} activations for {layers} hidden layers", expected="one, or one for each")
    for name in (*activations[:layers], wish.output):
        if name not in ACTIVATION_NAMES or name == "step":
            raise UsageError(
                f"there is no activation `{name}` to learn with",
                expected=", ".join(a for a in ACTIVATION_NAMES if a != "step"),
            )
    if wish.difficulty not in DIFFICULTIES:
        raise UsageError(f"there is no difficulty `{wish.difficulty}`", expected=", ".join(DIFFICULTIES))
    if wish.cost not in COSTS:
        raise UsageError(f"there is no cost `{wish.cost}`", expected=", ".join(COSTS))
    text = _text_of_wish(wish, (*activations[:layers], wish.output))
    statements = parse(text, "the exercise")
    rows = wish.rows or _rows_for(wish.sizes, {*activations[:layers], wish.output})
    heads = [s for s in statements.statements if not isinstance(s, Start)]
    return Form(tuple(heads), build(statements), rows, wish.difficulty)


def _rows_for(sizes: Sequence[int], activations: set[str]) -> int:
    """One row; for units that can be silent three or more, so that each can be silent in rows of its own."""
    if activations.isdisjoint(("relu", "leaky", "elu", "selu")):
        return 1
    return 3 if sum(sizes[1:-1]) <= 3 else 4


def _text_of_wish(wish: Wish, activations: Sequence[str]) -> str:
    inputs = [f"x{i}" if wish.sizes[0] > 1 else "x" for i in range(1, wish.sizes[0] + 1)]
    outputs = [f"y{i}" if wish.sizes[-1] > 1 else "y" for i in range(1, wish.sizes[-1] + 1)]
    targets = [f"t{name[1:]}" for name in outputs]
    lines = [f"input {', '.join(inputs)}", f"target {', '.join(targets)}"]
    if "softmax" in activations or wish.cost not in _COSTS:
        return _matrix_text(wish, activations)
    before, weight, bias, unit = inputs, 0, 0, 0
    for layer, (size, activation) in enumerate(zip(wish.sizes[1:], activations, strict=True), 1):
        last = layer == len(wish.sizes) - 1
        made = []
        for k in range(size):
            terms = []
            for source in before:
                weight += 1
                terms.append(f"w{weight}*{source}")
            if wish.biases:
                bias += 1
                terms.append(f"b{bias}")
            unit += 0 if last else 1
            name = outputs[k] if last else f"a{unit}"
            made.append(name)
            inner = " + ".join(terms)
            extra = {"leaky": ", 0.1", "elu": ", 1"}.get(activation, "")
            lines.append(f"{name} = {inner}" if activation == "linear" else f"{name} = {activation}({inner}{extra})")
        before = made
    error = " + ".join(f"({y} - {t})^2" for y, t in zip(outputs, targets, strict=True))
    lines.append(f"cost C = {_COSTS[wish.cost].format(error)}")
    return "\n".join([*lines, f"rate {FULL.text(wish.rate)}", "start normal seed 1"]) + "\n"


def _matrix_text(wish: Wish, activations: Sequence[str]) -> str:
    """Layers as matrices: softmax works on a whole layer."""
    if wish.cost in _COSTS:
        raise UsageError("softmax belongs with --cost cross-entropy")
    last = activations[-1]
    if last not in ("softmax", "sigmoid"):
        raise UsageError(
            "--cost cross-entropy needs probabilities", hint="--output-activation softmax, or sigmoid for one unit"
        )
    cost = "cross_entropy" if last == "softmax" else "binary_cross_entropy"
    extra = {"leaky": " 0.1", "elu": " 1"}
    chain = "".join(
        f" -> {size} {activation}{extra.get(activation, '')}"
        for size, activation in zip(wish.sizes[1:], activations, strict=True)
    )
    return (
        f"input x[{wish.sizes[0]}]\ntarget t[{wish.sizes[-1]}]\nlayers x{chain} as p\ncost C = {cost}(p, t)\n"
        f"rate {FULL.text(wish.rate)}\nstart normal seed 1\n"
    )
