"""The cost over two parameters as a surface, with the path that the descent takes on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..document.parts import Inline, Surface
from ..engine.plane import cost_over
from ..engine.reference import Array, starting_values
from ..engine.training import Point, has_rows, steps
from ..errors import NumberError, UsageError
from ..network.build import Problem
from ..network.graph import Role
from ..notation.expr import Ref
from ..sheet.parse import parse_name

SIDE = 61  # points along each axis
FARTHEST = 1e100  # limits beyond make no picture
MOST = 3_000_000  # numbers worked at most; data of many rows have fewer points
_AXIS = re.compile(r"(?P<name>[^=]+?)\s*(?:=\s*(?P<low>[^.][^=]*?|\.\d[^=]*?)\s*\.\.\s*(?P<high>.+))?")


@dataclass(frozen=True)
class Axis:
    """A parameter, or an entry of one, and from where to where it goes; None is chosen from the path."""

    ref: Ref
    limits: tuple[float, float] | None


def axes(problem: Problem, text: str) -> tuple[Axis, Axis]:
    """`w,b`, or with limits `w=-1..2,b=0..3`.

    Raises:
        UsageError: no two parameters, or limits that are none.
    """
    parts = [part for part in re.split(r",(?![^\[]*\])", text) if part.strip()]
    found = [_axis(problem, part.strip()) for part in parts]
    if len(found) != 2 or found[0].ref == found[1].ref:
        raise UsageError(
            f"`{text}` does not name two parameters",
            expected="two different parameters, or entries of them",
            hint=f"--surface {_proposal(problem)}",
        )
    return found[0], found[1]


def _axis(problem: Problem, text: str) -> Axis:
    match = _AXIS.fullmatch(text)
    if match is None:
        raise UsageError(f"`{text}` gives no limits", expected="from the smaller to the larger number, w=-1..2")
    node, index = problem.network.find(parse_name(match["name"].strip()))
    if node.role is not Role.PARAMETER or len(index) != len(node.shape):
        kind = (
            f"all of a {' × '.join(map(str, node.shape))} parameter" if node.role is Role.PARAMETER else "no parameter"
        )
        raise UsageError(
            f"`{text}` is {kind}", expected="one number that is learnt", hint=f"--surface {_proposal(problem)}"
        )
    if match["low"] is None:
        return Axis(Ref(node.name, index), None)
    try:
        low, high = float(match["low"]), float(match["high"])
    except ValueError:
        low = high = 0.0
    if not (low < high and abs(low) <= FARTHEST and abs(high) <= FARTHEST):
        raise UsageError(f"`{text}` gives no limits", expected="from the smaller to the larger number, w=-1..2")
    return Axis(Ref(node.name, index), (low, high))


def _proposal(problem: Problem) -> str:
    refs = [ref for node in problem.network.parameters for ref in node.entries(2)][:2]
    return '"' + ",".join(f"{r.name}{list(r.index) if r.index else ''}".replace(" ", "") for r in refs) + '"'


def surface(
    problem: Problem,
    text: str,
    epochs: int = 1,
    start: Point | None = None,
    there: Mapping[str, Array] | None = None,
) -> Surface:
    """The cost over two parameters, and the descent's path of some epochs.

    Args:
        there: the values of all others; those that the path begins with, where none are given.
    Raises:
        UsageError: a sheet without cost, numbers or data; names that are no two parameters.
    """
    network = problem.network
    if network.cost is None or network.in_letters or not has_rows(problem):
        reason = "no cost" if network.cost is None else "no numbers" if network.in_letters else "no data"
        raise UsageError(f"the sheet has {reason}, so there is no surface")
    if len([ref for node in network.parameters for ref in node.entries(2)]) < 2:
        raise UsageError("the sheet has no two parameters, so there is no surface")
    across, up = axes(problem, text)
    values = start.parameters if start else starting_values(network)
    path = _path(problem, values, across.ref, up.ref, epochs, start)
    sizes = sum(int(np.prod(node.shape)) for node in network.equations)
    work = max(1, sizes, network.parameter_count) * (problem.table.rows if problem.table else 1)
    side = int(np.clip((MOST / work) ** 0.5, 13, SIDE))
    others = there or values
    seen = [*path, *([_at(others, across.ref, up.ref)] if there else [])]
    xs, ys = (_points(axis, [p[k] for p in seen], side) for k, axis in enumerate((across, up)))
    heights = cost_over(problem, others, across.ref, up.ref, xs, ys)
    words: list[Inline] = [Ref(network.cost.name), " over ", across.ref, " and ", up.ref]
    if network.parameter_count > 2:
        which = "the value that it has at this moment" if there else "its first value"
        words.append(f"; every other parameter stays at {which}, and the path is looked at from above")
    if len(path) > 1:
        words += ["; the path goes from (", path[0][0], ", ", path[0][1], ") to (", path[-1][0], ", ", path[-1][1], ")"]
        words.append(f" in {len(path) - 1} step{'s' if len(path) > 2 else ''}")
    else:
        words += ["; the dot is at (", path[0][0], ", ", path[0][1], ")"]
    rest = ", the others as they are" if network.parameter_count > 2 else ""
    title = f"{network.cost.name} over two parameters{rest}"
    return Surface(title, across.ref, up.ref, tuple(xs), tuple(ys), heights, tuple(path), (*words, "."))


def _path(
    problem: Problem, values: Mapping[str, Array], across: Ref, up: Ref, epochs: int, start: Point | None
) -> list[tuple[float, float]]:
    path = [_at(values, across, up)]
    try:
        for step in steps(problem, epochs, start):
            if step.change:
                path.append(_at(step.change.after, across, up))
    except NumberError:
        pass  # the path ends where the numbers run away; the page beside it says so
    return path


def _at(parameters: Mapping[str, Array], across: Ref, up: Ref) -> tuple[float, float]:
    return float(parameters[across.name][across.place]), float(parameters[up.name][up.place])


def _points(axis: Axis, taken: list[float], side: int) -> list[float]:
    """From where to where: the path with as much room around it, or half of the number to either side."""
    if axis.limits is not None:
        low, high = axis.limits
    else:
        low, high = min(taken), max(taken)
        room = max((high - low) * 0.6, 0.5 * max(abs(low), abs(high)), 0.1)
        low, high = low - room, high + room
    return [float(v) for v in np.linspace(low, high, side)]
