"""A backward pass written by hand: called with what it asks for, and its gradients by the sheet's names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..errors import DataError, UsageError
from ..network.build import Problem
from ..network.graph import Network
from ..notation.names import canonical

Array = np.ndarray[Any, Any]
PARAMETERS = ("parameters", "params", "weights", "theta", "p")
INPUTS, TARGETS = ("x", "X", "inputs", "features"), ("y", "Y", "yd", "t", "targets", "target")
BEFORE = ("dC/d", "dL/d", "dJ/d", "∂C/∂", "grad_", "grad ", "d_", "d", "g_", "∇", "∂")


def known_values(problem: Problem) -> dict[str, Array]:
    """What a function can ask for by name: every parameter, constant, input and target."""
    network = problem.network
    found = {n.name: np.asarray(n.value) for n in network.nodes.values() if n.value is not None}
    if problem.table is not None:
        found |= {name: np.asarray(values) for name, values in problem.table.columns.items()}
    return found


def call(function: Callable[..., Any], problem: Problem) -> Any:
    """Calls a function with what its arguments are called: `parameters` (a dict by name), `x` and `y` (an array with a
    row for each row of the sheet), the sheet's own names, `N`.

    Raises:
        UsageError: an argument that means nothing here.
    """
    network, values = problem.network, known_values(problem)
    parameters = {node.name: values[node.name].copy() for node in network.parameters}
    count = problem.table.rows if problem.table is not None else 1
    given: dict[str, Any] = {}
    positional = []
    try:
        asked = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise UsageError("this is no function that can be called", got=type(function).__name__) from None
    for argument in asked:
        name = argument.name
        if argument.kind is argument.VAR_POSITIONAL:
            continue
        if argument.kind is argument.VAR_KEYWORD:
            given |= {k: v.copy() for k, v in parameters.items() if k not in given and k.isidentifier()}
            continue
        if name in values:
            value: Any = values[name].copy()
        elif name in PARAMETERS:
            value = parameters
        elif name in INPUTS:
            value = _columns(network.inputs, values, count)
        elif name in TARGETS:
            value = _columns(network.targets, values, count)
        elif name in ("N", "n", "batch_size"):
            value = count
        elif argument.default is not argument.empty:
            continue
        else:
            raise UsageError(
                f"the function asks for `{name}`, which the sheet does not have",
                expected="parameters, x, y, N, or names of the sheet: " + ", ".join(list(values)[:12]),
            )
        if argument.kind is argument.POSITIONAL_ONLY:
            positional.append(value)
        else:
            given[name] = value
    return function(*positional, **given)


def _columns(nodes: list[Any], values: Mapping[str, Array], count: int) -> Array:
    """Inputs or targets beside one another, [row, column]; a single number in each row is [row]."""
    parts = [values[n.name].reshape(count, -1) for n in nodes if n.name in values]
    if not parts:
        return np.zeros((count, 0))
    whole = np.concatenate(parts, axis=1)
    return whole[:, 0] if len(nodes) == 1 and not nodes[0].shape else whole


def named_gradients(found: Any, network: Network) -> dict[str, Array]:
    """What a function gave, by the names of parameters: a dict (`W1`, `dW1`, `grad_W1`), pairs by layer, or a list in
    the order of the parameters.

    Raises:
        DataError: it cannot be told which gradient is which, or something is no number.
    """
    names = [node.name for node in network.parameters]
    if isinstance(found, Mapping):
        made: dict[str, Array] = {}
        for key, value in found.items():
            name = _meant(str(key), names)
            if name is None:
                if _meant(str(key), list(network.nodes)) is None:
                    raise DataError(
                        f"`{key}` is no gradient of this sheet", expected=", ".join(f"d{n}" for n in names[:12])
                    )
                continue
            if value is not None:
                made[name] = _array(value, name)
        return made
    if not isinstance(found, list | tuple):
        if len(names) == 1:
            return {names[0]: _array(found, names[0])}
        raise DataError(
            f"the function gave {_kind(found)}",
            expected="a dict of gradients by name, or a list in the order of the parameters",
        )
    flat: list[Any] = []
    for one in found:
        flat += list(one) if isinstance(one, list | tuple) and len(found) < len(names) else [one]
    if len(flat) != len(names):
        raise DataError(f"the function gave {len(flat)} gradients", expected=f"{len(names)}: {', '.join(names[:12])}")
    return {name: _array(value, name) for name, value in zip(names, flat, strict=True)}


def _meant(key: str, names: list[str]) -> str | None:
    known = {canonical(name): name for name in names}
    if canonical(key) in known:
        return known[canonical(key)]
    for before in BEFORE:
        rest = canonical(key.removeprefix(before))
        if key.startswith(before) and rest in known:
            return known[rest]
    return None


def _array(value: Any, name: str) -> Array:
    if hasattr(value, "detach"):  # a tensor of PyTorch
        value = value.detach().cpu().numpy()
    try:
        found = np.asarray(value)
        return found if found.dtype == np.float32 else np.asarray(found, np.float64)
    except (TypeError, ValueError):
        raise DataError(f"the gradient of `{name}` is no array of numbers", got=_kind(value)) from None


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
