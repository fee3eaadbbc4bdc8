"""Curves and surfaces: the cost over two parameters, what the network gives over its inputs, courses side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..document.parts import Surface
from ..engine.reference import forward
from ..engine.training import Step as Moment
from ..engine.training import has_rows, steps
from ..errors import NumberError, UsageError
from ..explain.ledger import key_of
from ..network.build import Problem
from ..network.graph import Network
from ..notation.expr import Ref
from ..render.pictures import picture_svg
from .asked import MOST_EPOCHS, SCHEMA, Answer, Asked, digits_of, number, opened, sheet_text, whole
from .moments import thinned, worked

MOST_PATH = 2000  # epochs of a path on a surface
MOST_DATA = 2000  # points drawn beside a fit
CURVE, PLANE = 241, 41  # points along each axis of a fit
SOLID = 30  # squares along each axis of a surface in space


def surface_answer(asked: Asked) -> Answer:
    """The cost over two parameters: a picture, where its axes go, the path, and the slope at the moment.

    Args:
        asked: text, surface (`w,b`), epochs and step as for the stage: the other parameters are those of that moment.
    """
    from ..explain.plane import surface

    _sheet, problem = opened(sheet_text(asked))
    epochs, done = whole(asked, "epochs", 1, MOST_EPOCHS), worked(asked)
    there = done.moment.tape.parameters if done.moment is not None else None
    path = min(epochs, done.epochs, MOST_PATH)
    found = surface(problem, str(asked.get("surface", "")), path, there=there)
    return {
        "schema": SCHEMA,
        "picture": picture_svg(found, digits_of(asked), "surface"),
        "frame": {"left": found.xs[0], "right": found.xs[-1], "low": found.ys[0], "high": found.ys[-1]},
        "path": list(found.path)[:2000],
        "solid": _solid(found),
        "cut": path if path < epochs else None,
    }


def _solid(found: Surface) -> Answer:
    """The same as heights over a coarser grid, to be drawn in space."""
    step = max(1, (len(found.xs) - 1) // SOLID)
    heights = found.heights[::step, ::step]
    return {
        "xs": list(found.xs[::step]),
        "ys": list(found.ys[::step]),
        "heights": [[float(h) if np.isfinite(h) else None for h in row] for row in heights],
    }


def fit_answer(asked: Asked) -> Answer:
    """What the network gives over its one input, or over its two, beside the data: a curve or a plane.

    Args:
        asked: text; epochs and step as for the stage.
    """
    _sheet, problem = opened(sheet_text(asked))
    network, table = problem.network, problem.table
    inputs = [ref for node in network.inputs for ref in node.entries()]
    outputs = [ref for node in network.outputs for ref in node.entries()]
    if table is None or not outputs or len(inputs) not in (1, 2) or network.in_letters:
        raise UsageError("a fit is drawn of networks with one input or two, numbers and data")
    moment = worked(asked).moment
    assert moment is not None
    given = {ref: table.columns[ref.name][_entry(ref)] for ref in inputs}
    axes = [np.linspace(*_wider(values), CURVE if len(inputs) == 1 else PLANE) for values in given.values()]
    grid = [axis.ravel() for axis in np.meshgrid(*axes)]
    found = _outputs(problem, moment, inputs, grid, outputs[0])
    target = next((ref for node in network.targets for ref in node.entries()), None)
    told = table.columns[target.name][_entry(target)] if target is not None else None
    return {
        "schema": SCHEMA,
        "inputs": [key_of(ref) for ref in inputs],
        "output": key_of(outputs[0]),
        "target": key_of(target) if target is not None else None,
        "axes": [axis.tolist() for axis in axes],
        "values": [value if np.isfinite(value) else None for value in found.tolist()],
        "data": [[*map(float, row)] for row in zip(*given.values(), strict=True)][:MOST_DATA],
        "told": told[:MOST_DATA].tolist() if told is not None else None,
    }


def _entry(ref: Ref) -> tuple[slice | int, ...]:
    """Where an entry's numbers stand in a column of rows."""
    return (slice(None), *ref.place)


def _wider(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    room = 0.1 * (high - low) or 0.5
    return low - room, high + room


def _outputs(problem: Problem, moment: Moment, inputs: list[Ref], grid: list[np.ndarray], output: Ref) -> np.ndarray:
    """What the network gives at the points of a grid, with the weights of a moment."""
    network, count = problem.network, len(grid[0])
    columns = {node.name: np.zeros((count, *node.shape)) for node in (*network.inputs, *network.targets)}
    for ref, values in zip(inputs, grid, strict=True):
        columns[ref.name][_entry(ref)] = values
    tape = forward(network, moment.tape.parameters, columns)
    return tape.values[output.name][_entry(output)]


def compare_answer(asked: Asked) -> Answer:
    """Courses of the cost side by side: with other rates, or with equal starting values beside random ones.

    Args:
        asked: text, epochs, what (rates or starts), values (the rates).
    """
    _sheet, problem = opened(sheet_text(asked))
    epochs = whole(asked, "epochs", 1, 2000)
    if problem.network.cost is None or problem.plan.rate is None or not has_rows(problem) or problem.network.in_letters:
        raise UsageError("courses of the cost need numbers, rows, a cost and a rate")
    tried: list[tuple[str, Problem]] = []
    if asked.get("what") == "starts":
        tried = [(name, _started(problem, values)) for name, values in _starts(problem.network)]
    else:
        rates = asked.get("values") or [problem.plan.rate * factor for factor in (0.1, 1, 10)]
        if not isinstance(rates, list):
            raise UsageError("rates are a list of numbers", expected="[0.01, 0.1]")
        for rate in rates[:6]:
            chosen = number(rate)
            tried.append((f"η = {chosen:.6g}", replace(problem, plan=replace(problem.plan, rate=chosen))))
    courses = []
    for name, one in tried:
        history, ended = _course(one, epochs)
        courses.append({"name": name, "history": thinned(tuple(history)), "ended": ended})
    return {"schema": SCHEMA, "courses": courses}


def _starts(network: Network) -> list[tuple[str, dict[str, np.ndarray]]]:
    rng = np.random.default_rng(1)
    nodes = network.parameters
    found = [
        ("as in the sheet", {n.name: np.asarray(n.value) for n in nodes}),
        ("all equal, 0.5", {n.name: np.full(n.shape, 0.5) for n in nodes}),
    ]
    for k in (1, 2):
        found.append((f"random {k}", {n.name: np.asarray(rng.normal(0, 0.5, n.shape)) for n in nodes}))
    return found


def _started(problem: Problem, values: Mapping[str, np.ndarray]) -> Problem:
    network = problem.network
    nodes = {name: replace(node, value=values.get(name, node.value)) for name, node in network.nodes.items()}
    return replace(problem, network=replace(network, nodes=nodes))


def _course(problem: Problem, epochs: int) -> tuple[list[tuple[int, int, float]], str | None]:
    """The cost of each step, up to where the numbers run away."""
    history: list[tuple[int, int, float]] = []
    try:
        for step in steps(problem, epochs):
            history.append((step.epoch, step.batch, step.tape.cost))
    except NumberError as problem_found:
        return history, problem_found.message
    return history, None
