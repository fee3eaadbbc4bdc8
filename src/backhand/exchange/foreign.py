"""Another library's network as a sheet: its equations in the order of the work, its weights, and their names there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import DataError, UsageError
from ..network.build import Problem, build
from ..sheet.edit import written
from ..sheet.model import SheetText
from ..sheet.parse import parse
from ..sheet.table import Table
from ..train.sheets import at_values

Array = np.ndarray[Any, Any]
MOST_WRITTEN = 20_000  # numbers that stand in the sheet's text; those of a larger network are only known to it


@dataclass(frozen=True)
class Vector:
    """What a part of a network gives.

    Attributes:
        formula: in the sheet's language; a lone name, once it has one.
        suffix: what is made of it is called so: `fc1` gives W_fc1, z_fc1, a_fc1.
    """

    formula: str
    size: int
    suffix: str = ""

    @property
    def named(self) -> bool:
        return re.fullmatch(r"\w+", self.formula) is not None


@dataclass
class Writer:
    """Writes a sheet, a part of a network at a time.

    Attributes:
        origins: what a name of the sheet is called in the model.
    """

    title: str
    inputs: int
    lines: list[str] = field(default_factory=list)
    values: dict[str, Array] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=lambda: {"x", "t", "C", "N"})

    def input(self) -> Vector:
        return Vector("x", self.inputs)

    def dense(self, source: Vector, weights: Array, bias: Array | None, path: str, names: tuple[str, str]) -> Vector:
        """A linear layer; `weights` has a row per unit.

        Args:
            path: where the layer stands in the model; names: what its weights and biases are called there.
        """
        units, width = weights.shape
        if width != source.size:
            raise UsageError(f"layer `{path}` takes {width} numbers, and {source.size} come in")
        source, suffix = self.name(source), self.suffix(path)
        formula = f"{self.parameter('W', suffix, weights, names[0])}@{source.formula}"
        if bias is not None:
            formula += f" + {self.parameter('b', suffix, bias, names[1])}"
        return Vector(formula, units, suffix)

    def activation(self, source: Vector, op: str, setting: float | None = None) -> Vector:
        """A function of every entry, or softmax of all."""
        if op == "linear":
            return source
        suffix = source.suffix or "x"
        name = self.free(f"a_{suffix}")
        told = f", {setting!r}" if setting is not None else ""
        self.lines.append(f"{name} = {op}({source.formula}{told})")
        return Vector(name, source.size, suffix)

    def standardised(self, source: Vector, mean: Array, spread: Array, path: str, names: tuple[str, str]) -> Vector:
        """Entries less a mean, through a spread, neither of which is learnt."""
        source, suffix = self.name(source), self.suffix(path)
        m, s = self.constant("m", suffix, mean, names[0]), self.constant("s", suffix, spread, names[1])
        return Vector(f"({source.formula} - {m})/{s}", source.size, suffix)

    def scaled(self, source: Vector, weights: Array, shift: Array, mean: Array, spread: Array, path: str,
               names: tuple[str, str, str, str]) -> Vector:  # fmt: skip
        """Entries less a mean, through a spread, then weighed and shifted: batch norm once it is trained."""
        inner = self.standardised(source, mean, spread, path, (names[2], f"√({names[3]} + ε)"))
        suffix = inner.suffix
        g, h = self.parameter("g", suffix, weights, names[0]), self.parameter("h", suffix, shift, names[1])
        return Vector(f"{g}*({inner.formula}) + {h}", source.size, suffix)

    def combined(self, one: Vector, sign: str, other: Vector, path: str) -> Vector:
        """Two vectors added, subtracted or multiplied, entry by entry."""
        if one.size != other.size:
            raise UsageError(f"`{path}` puts {one.size} and {other.size} numbers together")
        one, other = self.name(one), self.name(other)
        return Vector(f"{one.formula} {sign} {other.formula}", one.size, self.suffix(path))

    def with_weights(self, source: Vector, sign: str, value: Array, origin: str, first: bool) -> Vector:
        """A vector with given numbers added, taken, multiplied or divided: a bias, where it is added to a product.

        Args:
            first: whether the numbers stand first.
        """
        numbers = np.asarray(value, np.float64)
        if numbers.size not in (1, source.size):
            raise UsageError(f"`{origin}` has {numbers.size} numbers, and goes with {source.size}")
        wide = np.broadcast_to(numbers.ravel(), (source.size,))
        product = sign == "+" and re.fullmatch(r"\w+@\w+", source.formula)
        if not product:
            source = self.name(source)
        suffix = source.suffix or self.suffix(origin)
        name = self.parameter("b" if sign == "+" else "k", suffix, wide, origin)
        one, other = (name, source.formula) if first and not product else (source.formula, name)
        return Vector(f"{one} {sign} {other}", source.size, suffix)

    def name(self, vector: Vector) -> Vector:
        """The same with a name of its own."""
        if vector.named:
            return vector
        name = self.free(f"z_{vector.suffix}")
        self.lines.append(f"{name} = {vector.formula}")
        return replace(vector, formula=name)

    def parameter(self, letter: str, suffix: str, value: Array, origin: str) -> str:
        found = np.asarray(value, np.float64)
        if not np.isfinite(found).all():
            raise DataError(f"`{origin}` holds numbers that are not finite")
        name = self.free(f"{letter}_{suffix}")
        self.values[name], self.origins[name] = found, origin
        return name

    def constant(self, letter: str, suffix: str, value: Array, origin: str) -> str:
        name = self.free(f"{letter}_{suffix}")
        self.lines.append(f"const {name} = {written(np.asarray(value, np.float64))}")
        self.origins[name] = origin
        return name

    def suffix(self, path: str) -> str:
        """A path in the model as the end of a name: net.fc1 is net_fc1."""
        return re.sub(r"\W+", "_", path).strip("_") or "layer"

    def free(self, name: str) -> str:
        found, count = name, 1
        while found in self.taken:
            count += 1
            found = f"{name}_{count}"
        self.taken.add(found)
        return found

    def sheet(self, output: Vector, cost: str | None, rate: float | None = None) -> tuple[SheetText, Problem]:
        """The sheet, and its network at the model's weights.

        Args:
            cost: with {y} for what the model gives, and t for the target, of as many numbers.
        """
        output = self.name(output)
        quoted = " ".join(self.title.split()).replace('"', "'")
        head = [f'title "{quoted}"']
        head += [f"# {name} is {origin}" for name, origin in self.origins.items() if name != origin]
        head += [f"input x[{self.inputs}]", *([f"target t[{output.size}]"] if cost else [])]
        text = "\n".join([*head, *self.lines])
        text += f"\ncost C = {cost.format(y=output.formula)}\n" if cost else "\n"
        text += f"rate {rate!r}\n" if rate is not None else ""
        if sum(value.size for value in self.values.values()) <= MOST_WRITTEN:
            text += "".join(f"{name} = {written(value)}\n" for name, value in self.values.items())
            statements = parse(text, "the model")
            return statements, build(statements)
        shapes = "".join(f"{name} = {_empty(value)}\n" for name, value in self.values.items())
        return parse(text, "the model"), at_values(build(parse(text + shapes, "the model")), self.values)


def _empty(value: Array) -> str:
    return written(np.zeros(value.shape))


def with_rows(problem: Problem, x: Array, t: Array | None) -> Problem:
    """A network with data: x is [row, input], t [row, output].

    Raises:
        DataError: of other sizes, or numbers that are not finite.
    """
    columns = {"x": np.asarray(x, np.float64)}
    if t is not None:
        columns["t"] = np.asarray(t, np.float64)
    for name, values in columns.items():
        wanted = problem.network.nodes[name].shape
        if values.ndim != 2 or values.shape[1:] != wanted:
            said = " × ".join(map(str, values.shape))
            raise DataError(f"the rows of {name} are {said}", expected=f"rows × {wanted[0]}")
        if not np.isfinite(values).all():
            raise DataError(f"the rows of {name} hold numbers that are not finite")
    if len({len(values) for values in columns.values()}) > 1:
        raise DataError(f"{len(columns['x'])} rows of inputs, and {len(columns['t'])} of targets")
    return replace(problem, table=Table(columns, len(columns["x"]), "the rows"))


def one_hot(classes: Sequence[int] | Array, count: int) -> Array:
    """Classes from 0 as rows of one 1 each.

    Raises:
        DataError: a class that is none.
    """
    found = np.asarray(classes)
    whole = found.ndim == 1 and found.dtype.kind in "iu"
    if not whole or (len(found) and not (found.min() >= 0 and found.max() < count)):
        raise DataError("these are no classes", expected=f"whole numbers from 0 to {count - 1}")
    return np.asarray(np.eye(count)[found])
