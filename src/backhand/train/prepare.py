"""What a table's columns become for a network, and back: one-hot categories, standardised numbers, filled gaps.

Everything here is found from the rows for training alone, is kept in the model, and is undone in its predictions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import DataError
from .table import BOOLEAN, CATEGORY, KINDS, Column, Table

Array = np.ndarray[Any, Any]
REFUSE, DROP, MEAN, MEDIAN, INDICATOR = "refuse", "drop", "mean", "median", "indicator"
MISSING = (REFUSE, DROP, MEAN, MEDIAN, INDICATOR)
REGRESSION, CLASSIFICATION = "regression", "classification"


@dataclass(frozen=True)
class Encoding:
    """How a column goes into the network.

    Attributes:
        mean, spread: a number x goes in as (x - mean)/spread; the spread is the standard deviation, 1 where that is 0.
        fill: what stands for a missing number, before it is standardised.
        indicator: whether a further input says that the value was missing.
        categories: of a category: an input each, 1 where the row has it; a category never seen before has none.
    """

    name: str
    kind: str
    mean: float = 0.0
    spread: float = 1.0
    fill: float | None = None
    indicator: bool = False
    categories: tuple[str, ...] = ()

    def check(self) -> None:
        """
        Raises:
            ValueError: what no preparation can have made, as a file that was damaged or changed may say.
        """
        _check(isinstance(self.name, str) and self.kind in KINDS and isinstance(self.indicator, bool), self)
        _check(_finite(self.mean) and _finite(self.spread) and self.spread > 0, self)
        _check(self.fill is None or _finite(self.fill), self)
        _check_names(self.categories, self)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs it becomes."""
        own = tuple(f"{self.name}={c}" for c in self.categories) if self.kind == CATEGORY else (self.name,)
        return (*own, f"{self.name} missing") if self.indicator else own


@dataclass(frozen=True)
class Target:
    """What is predicted: a number (or several), standardised, or one of some classes; `kind` is its column's."""

    name: str
    task: str
    kind: str = CATEGORY
    mean: float = 0.0
    spread: float = 1.0
    classes: tuple[str, ...] = ()
    outputs: int = 1

    def check(self) -> None:
        """
        Raises:
            ValueError: what no preparation can have made.
        """
        _check(isinstance(self.name, str) and self.kind in KINDS and self.task in (REGRESSION, CLASSIFICATION), self)
        _check(_finite(self.mean) and _finite(self.spread) and self.spread > 0, self)
        _check(isinstance(self.outputs, int) and self.outputs >= 1, self)
        _check_names(self.classes, self)

    def back(self, values: Array) -> Array:
        """Standardised numbers as they were, float64."""
        return np.asarray(values, np.float64) * self.spread + self.mean


@dataclass(frozen=True)
class Preparation:
    """A table's way into a network and back."""

    columns: tuple[Encoding, ...]
    target: Target

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(name for column in self.columns for name in column.inputs)

    def matrix(self, table: Table) -> Array:
        """A table's rows as inputs, [row, input], float32.

        Raises:
            DataError: columns are missing, or values in columns that had none missing.
        """
        absent = [c.name for c in self.columns if c.name not in {t.name for t in table.columns}]
        if absent:
            raise DataError(
                f"{table.source} lacks the column{'s' if len(absent) > 1 else ''} "
                + ", ".join(f"`{name}`" for name in absent),
                expected=", ".join(column.name for column in self.columns),
            )
        found = np.zeros((table.rows, len(self.inputs)), np.float32)
        for part in table.parts([column.name for column in self.columns]):
            at, start = 0, part.first - table.first
            for column in self.columns:
                at = self._put(column, part, found[start : start + part.rows], at)
        return found

    def _put(self, column: Encoding, table: Table, found: Array, at: int) -> int:
        if column.kind == CATEGORY:
            codes = table.codes(column.name, column.categories)
            rows = np.flatnonzero(codes >= 0)
            found[rows, at + codes[rows]] = 1
            missing = table.gaps(column.name)
            at += len(column.categories)
        else:
            if table.column(column.name).kind == CATEGORY:
                raise DataError(f"`{column.name}` was a {column.kind} in training and has text in {table.source}")
            numbers = table.numbers(column.name)
            missing = np.isnan(numbers)
            if column.fill is not None:
                numbers = np.where(missing, column.fill, numbers)
            elif missing.any():
                raise DataError(
                    f"`{column.name}` has no value in {missing.sum():,} row{'s' if missing.sum() > 1 else ''} of"
                    f" {table.source}, the first is row {int(np.argmax(missing)) + table.first}",
                    hint="fill them, or train with --missing mean, median or indicator",
                )
            with np.errstate(over="ignore"):
                found[:, at] = (numbers - column.mean) / column.spread
            if not np.isfinite(found[:, at]).all():
                row = int(np.argmin(np.isfinite(found[:, at])))
                raise DataError(
                    f"`{column.name}` is not finite in row {row + table.first} of {table.source}",
                    expected="finite numbers", got=f"{numbers[row]:g}",
                )  # fmt: skip
            at += 1
        if column.indicator:
            found[:, at] = missing
            at += 1
        return at

    def targets(self, table: Table) -> Array:
        """The targets: standardised numbers [row, 1] in float32, or the numbers of classes [row].

        Raises:
            DataError: no such column, missing values, or a class that was not in training.
        """
        target = self.target
        table.column(target.name)
        refuse_missing(table, [target.name])
        if target.task == REGRESSION:
            if table.column(target.name).kind == CATEGORY:
                raise DataError(f"`{target.name}` was a number in training and has text in {table.source}")
            numbers = table.numbers(target.name) - target.mean
            numbers /= target.spread
            return numbers.astype(np.float32)[:, None]
        codes = table.codes(target.name, target.classes)
        if (codes < 0).any():
            texts = table.texts(target.name)
            unknown = sorted({str(texts[row]) for row in np.flatnonzero(codes < 0)[:1000].tolist()})
            raise DataError(
                f"`{target.name}` has classes that were not in training: " + ", ".join(unknown[:5]),
                expected=", ".join(target.classes),
            )
        return codes.astype(np.int32)

    def to_dict(self) -> dict[str, Any]:
        return {"columns": [asdict(column) for column in self.columns], "target": asdict(self.target)}

    @staticmethod
    def from_dict(given: dict[str, Any]) -> Preparation:
        columns = [Encoding(**{**c, "categories": tuple(c["categories"])}) for c in given["columns"]]
        target = Target(**{**given["target"], "classes": tuple(given["target"]["classes"])})
        for column in columns:
            column.check()
        target.check()
        names = [column.name for column in columns]
        _check(len(set(names)) == len(names), names)
        return Preparation(tuple(columns), target)


def _finite(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300


def _check(right: bool, what: object) -> None:
    if not right:
        raise ValueError(f"{what!r}"[:200])


def _check_names(names: tuple[str, ...], what: object) -> None:
    _check(all(isinstance(name, str) for name in names) and len(set(names)) == len(names), what)


def find_task(column: Column, table: Table) -> str:
    """Whether a target is a number or a class: text and booleans are classes, numbers are numbers."""
    return CLASSIFICATION if column.kind in (CATEGORY, BOOLEAN) else REGRESSION


def refuse_missing(table: Table, names: Sequence[str], hint: str = "--missing drop, mean, median or indicator") -> None:
    """
    Raises:
        DataError: values are missing, with a count and what can be done.
    """
    gaps = [f"`{n}` {table.column(n).missing:,}" for n in names if table.column(n).missing]
    if gaps:
        raise DataError(
            f"values are missing in {table.source}: " + ", ".join(gaps) + f" of {table.rows:,} rows",
            expected="a choice of what is done with them", hint=hint,
        )  # fmt: skip


def prepare(table: Table, target: str, rows: Array, task: str | None = None, missing: str = REFUSE,
            ignore: Sequence[str] = (), positive: bool = False) -> Preparation:  # fmt: skip
    """Finds how a table goes into a network.

    Args:
        rows: the rows for training; nothing is learnt from others.
        task: regression or classification; None finds it.
        missing: refuse, mean, median or indicator (drop has been done before).
        ignore: columns that are left out.
        positive: whether the target, counts, is only divided by its mean: numbers of 0 and more stay such.
    Raises:
        DataError: no such column, missing values, a target with a single class, or no columns left.
    """
    names = [c.name for c in table.columns if c.name != target and c.name not in ignore]
    for name in (target, *ignore):
        table.column(name)
    if not names:
        raise DataError(f"{table.source} has no columns besides `{target}`")
    if missing == REFUSE:
        refuse_missing(table, names)
    summaries = {name: Summary(table.column(name), missing == MEDIAN) for name in names}
    for_training = np.zeros(table.rows, bool)
    for_training[rows] = True
    for part in table.parts(names):
        start = part.first - table.first
        for summary in summaries.values():
            summary.add(part, for_training[start : start + part.rows])
    columns = tuple(_encoding(summary, missing) for summary in summaries.values())
    return Preparation(columns, _target(table, table.column(target), rows, task, positive))


class Summary:
    """What a preparation needs to know of a column, from some rows at a time.

    Attributes:
        count, mean, squares: of the known numbers; squares are the sum of (x - mean)².
        seen: which categories there are.
    """

    def __init__(self, column: Column, keep: bool) -> None:
        """keep: all the numbers, for their median."""
        self.column, self.count, self.mean, self.squares = column, 0, 0.0, 0.0
        self.seen = set[int]()
        self._kept: list[Array] | None = [] if keep and column.kind != CATEGORY else None

    def add(self, part: Table, rows: Array) -> None:
        """Some rows of a part. Means are put together as Chan, Golub and LeVeque do (1979).

        Raises:
            DataError: a number that is not finite.
        """
        name = self.column.name
        if self.column.kind == CATEGORY:
            self.seen |= set(np.unique(part.codes(name, self.column.categories)[rows]).tolist())
            return
        numbers = part.numbers(name)[rows]
        known = numbers[~np.isnan(numbers)]
        if not np.isfinite(known).all():
            row = part.first + int(np.flatnonzero(rows)[np.argmax(np.isinf(numbers))])
            raise DataError(f"`{name}` is not finite in row {row} of {part.source}", expected="finite numbers")
        if not len(known):
            return
        if self._kept is not None:
            self._kept.append(known.astype(np.float32))
        with np.errstate(over="ignore"):
            mean, squares = float(known.mean()), float(((known - known.mean()) ** 2).sum())
        apart, whole = mean - self.mean, self.count + len(known)
        self.squares += squares + apart * apart * self.count * len(known) / whole
        self.mean += apart * len(known) / whole
        self.count = whole

    @property
    def spread(self) -> float:
        """The standard deviation; 1 where it is 0."""
        found = float(np.sqrt(self.squares / self.count))
        return found if found > 1e-12 * abs(self.mean) else 1.0

    @property
    def median(self) -> float:
        return float(np.median(np.concatenate(self._kept or [])))


def _encoding(summary: Summary, missing: str) -> Encoding:
    column = summary.column
    indicator = missing == INDICATOR and column.missing > 0
    if column.kind == CATEGORY:
        seen = tuple(column.categories[code] for code in sorted(summary.seen - {-1}))
        if not seen:
            raise DataError(f"`{column.name}` has no value in any row for training", hint=f"--ignore {column.name}")
        return Encoding(column.name, CATEGORY, indicator=indicator, categories=seen)
    if not math.isfinite(summary.squares) or not math.isfinite(summary.mean):
        raise DataError(f"`{column.name}` has numbers too large to be standardised", expected="below 1e150 or so")
    if not summary.count:
        raise DataError(f"`{column.name}` has no value in any row for training", hint=f"--ignore {column.name}")
    fill = None
    if missing in (MEAN, MEDIAN, INDICATOR):
        fill = summary.median if missing == MEDIAN else summary.mean
    if column.kind == BOOLEAN:
        return Encoding(column.name, BOOLEAN, fill=fill, indicator=indicator)
    return Encoding(column.name, column.kind, summary.mean, summary.spread, fill, indicator)


def _target(table: Table, column: Column, rows: Array, task: str | None, positive: bool) -> Target:
    task = task or find_task(column, table)
    if task == CLASSIFICATION:
        classes = table.values(column.name)
        if len(classes) < 2:
            raise DataError(f"`{column.name}` has a single class, {classes[0]}", expected="two or more")
        return Target(column.name, task, column.kind, classes=classes)
    if column.kind == CATEGORY:
        raise DataError(f"`{column.name}` is text and cannot be a regression's target", hint="--task classification")
    numbers = table.numbers(column.name)
    if not np.isfinite(numbers).all():
        raise DataError(f"`{column.name}` has a value that is not finite", expected="finite numbers")
    if positive:
        if (numbers < 0).any():
            raise DataError(f"`{column.name}` has values below 0, which poisson cannot have", expected="counts")
        return Target(column.name, task, column.kind, 0.0, float(numbers[rows].mean()) or 1.0)
    numbers = numbers[rows]
    with np.errstate(over="ignore"):
        mean, spread = float(numbers.mean()), float(numbers.std())
    if not math.isfinite(spread):
        raise DataError(f"`{column.name}` has numbers too large to be standardised", expected="below 1e150 or so")
    if not spread > 0:
        raise DataError(f"`{column.name}` is {mean:g} in every row for training", expected="a target that differs")
    return Target(column.name, task, column.kind, mean, spread)
