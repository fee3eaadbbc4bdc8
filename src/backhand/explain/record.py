"""A run as plain data: the JSON of `backhand show`, and what `sheet.show()` gives in Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from ..engine.training import Step
from ..network.build import Problem
from ..network.graph import Role
from ..notation.numbers import FULL
from ..notation.text import SHEET_TEXT, TextPrinter

Value = float | tuple[Any, ...]


def plain(array: np.ndarray) -> Any:
    """A number, or nested lists of numbers."""
    return np.asarray(array).tolist()


def immutable(array: np.ndarray) -> Value:
    """A number, or nested tuples of numbers."""

    def deep(value: Any) -> Any:
        return tuple(map(deep, value)) if isinstance(value, list) else value

    return deep(plain(array))  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class Row:
    """One row of one step: what went in, every node's value, its own cost, and that cost's gradients."""

    step: Step
    position: int

    @property
    def row(self) -> int:
        return self.step.tape.rows[self.position]

    def _of(self, *roles: Role) -> Iterator[str]:
        return (n.name for n in self.step.tape.network.of(*roles) if n.name in self.step.tape.values)

    def _value(self, name: str) -> np.ndarray:
        found = self.step.tape.values[name]
        return np.asarray(found[min(self.position, len(found) - 1)])

    @cached_property
    def inputs(self) -> Mapping[str, Value]:
        return MappingProxyType({n: immutable(self._value(n)) for n in self._of(Role.INPUT, Role.TARGET)})

    @cached_property
    def values(self) -> Mapping[str, Value]:
        return MappingProxyType({n: immutable(self._value(n)) for n in self._of(Role.EQUATION)})

    @property
    def cost(self) -> float | None:
        return float(self.step.tape.own[self.position]) if self.step.gradients is not None else None

    @cached_property
    def gradients(self) -> Mapping[str, Value]:
        found = self.step.gradients
        if found is None:
            return MappingProxyType({})
        names = self._of(Role.PARAMETER, Role.EQUATION, Role.INPUT)
        return MappingProxyType({n: immutable(found.rows(n)[self.position]) for n in names})

    def to_dict(self, only: set[str] | None = None) -> dict[str, Any]:
        def kept(values: Mapping[str, Value]) -> dict[str, Value]:
            return {n: v for n, v in values.items() if only is None or n in only}

        out: dict[str, Any] = {"row": self.row, "inputs": kept(self.inputs), "values": kept(self.values)}
        if only is None or "cost" in only:
            out["cost"] = self.cost
        out["gradients"] = kept(self.gradients)
        return out


@dataclass(frozen=True, eq=False)
class StepRecord:
    """One update: its rows, the cost before it, the gradients of that cost, and the update."""

    step: Step

    @property
    def epoch(self) -> int:
        return self.step.epoch

    @property
    def batch(self) -> int:
        return self.step.batch

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return tuple(Row(self.step, i) for i in range(self.step.tape.count))

    @property
    def cost(self) -> float | None:
        return self.step.tape.cost if self.step.gradients is not None else None

    @cached_property
    def gradients(self) -> Mapping[str, Value]:
        """∂C/∂parameter; of a node or an input a tuple, one per row, of the row's share."""
        found = self.step.gradients
        if found is None:
            return MappingProxyType({})
        network = self.step.tape.network
        out = {n: immutable(g) for n, g in found.totals.items()}
        for node in (*network.equations, *network.inputs):
            if node.is_equation or node.name in self.step.tape.values:
                out[node.name] = immutable(found.shares(node.name))
        return MappingProxyType(out)

    def update_dict(self, only: set[str] | None = None) -> dict[str, Any] | None:
        change = self.step.change
        if change is None:
            return None

        def kept(values: Mapping[str, np.ndarray]) -> dict[str, Any]:
            return {n: plain(v) for n, v in values.items() if only is None or n in only}

        state: dict[str, Any] = {letter: kept(values) for letter, values in change.state.items()}
        if change.rule.counts:
            state["t"] = change.t
        return {
            "rule": change.rule.name,
            "rate": change.rate,
            **({"settings": dict(change.settings)} if change.settings else {}),
            "state": state,
            "before": kept(change.before),
            "after": kept(change.after),
        }

    def to_dict(self, only: set[str] | None = None) -> dict[str, Any]:
        out: dict[str, Any] = {"epoch": self.epoch, "batch": self.batch}
        out["rows"] = [r.to_dict(only) for r in self.rows]
        if only is None or "cost" in only:
            out["cost"] = self.cost
        out["gradients"] = {n: _lists(v) for n, v in self.gradients.items() if only is None or n in only}
        out["update"] = self.update_dict(only)
        return out


def _lists(value: Value) -> Any:
    return [_lists(v) for v in value] if isinstance(value, tuple) else value


def show_json(
    problem: Problem, steps: tuple[Step, ...], warnings: tuple[str, ...] = (), only: set[str] | None = None
) -> dict[str, Any]:
    """A run as `backhand.show/1`."""
    network = problem.network
    cost = network.cost
    text = TextPrinter(FULL)
    about = None
    if cost is not None:
        about = {
            "name": cost.name,
            "formula": SHEET_TEXT(cost.written),
            "own": text(cost.own),
            "convention": cost.convention,
        }
    parameters = {p.name: (plain(p.value) if p.value is not None else None) for p in network.parameters}
    if only is not None:
        parameters = {n: v for n, v in parameters.items() if n in only}
    return {
        "schema": "backhand.show/1",
        "title": network.title or None,
        "cost": about,
        "equations": {n.name: text(n.formula) for n in network.equations if n.formula is not None},
        "parameters": parameters,
        "warnings": list(warnings),
        "steps": [StepRecord(s).to_dict(only) for s in steps],
    }
