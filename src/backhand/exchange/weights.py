"""Weights alone: lists of arrays, state dicts, parameter trees of JAX, and files of them. What is between the layers
they do not say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, UsageError
from ..ops.vocabulary import ACTIVATION_NAMES
from .foreign import Vector, Writer

Array = np.ndarray[Any, Any]
ROWS_PER_UNIT, COLUMN_PER_UNIT = ("weight", "weights", "W", "w"), ("kernel",)  # what weights are called
BIASES = ("bias", "biases", "b")
LARGEST = 1 << 30  # bytes of a file
MOST_ORDERS = 7  # layers whose order is looked for by their sizes


def write_weights(source: Any, activation: str | Sequence[str], output: str) -> tuple[Writer, Vector]:
    """A chain of dense layers.

    Args:
        source: (weights, biases) of each layer, a row per unit, biases or None; a flat or nested mapping with
            `weight` (a row per unit) or `kernel` (a column per unit) and `bias` of each layer, in order; or a
            .safetensors or .npz file.
        activation: of every hidden layer, or one for each. output: of the last one.
    Raises:
        UsageError, DataError: what is no chain of dense layers, with the reason.
    """
    title, layers = _layers(source)
    if not layers:
        raise DataError("there are no layers", expected="weights and biases of each")
    inner = [activation] * (len(layers) - 1) if isinstance(activation, str) else list(activation)
    if len(inner) != len(layers) - 1:
        said = f"{len(inner)} activations for {len(layers) - 1} hidden layers"
        raise UsageError(said, expected="one, or one for each")
    unknown = next((one for one in (*inner, output) if one not in ACTIVATION_NAMES), None)
    if unknown is not None:
        raise UsageError(f"there is no activation `{unknown}`", expected=", ".join(ACTIVATION_NAMES))
    writer = Writer(title, layers[0][1].shape[1])
    vector = writer.input()
    for (path, weights, bias, names), op in zip(layers, (*inner, output), strict=True):
        setting = {"leaky": 0.01, "elu": 1.0}.get(op)
        vector = writer.activation(writer.dense(vector, weights, bias, path, names), op, setting)
    return writer, vector


Layer = tuple[str, Array, Array | None, tuple[str, str]]


def _layers(source: Any) -> tuple[str, list[Layer]]:
    if isinstance(source, (str, Path)):
        path = Path(source)
        return path.stem, _in_order(list(_of_mapping(_read(path))), told=False)
    if isinstance(source, Mapping):
        return "Weights", _in_order(list(_of_mapping(dict(_flat(source)))), told=True)
    found: list[Layer] = []
    for k, pair in enumerate(source, 1):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise UsageError(f"layer {k} is {type(pair).__name__}", expected="(weights, biases)")
        names = (f"weights of layer {k}", f"biases of layer {k}")
        found.append((str(k), *_checked(f"layer {k}", pair[0], pair[1]), names))
    return "Weights", found


def _in_order(layers: list[Layer], told: bool) -> list[Layer]:
    """Layers that are numbered by their numbers (trees and files sort 10 before 2); others as they were given.

    Args:
        told: whether the order given means anything; in a file it does not, and sizes have to tell it.
    Raises:
        UsageError: nothing tells it.
    """
    layers = layers if told else sorted(layers, key=lambda layer: layer[0])
    forms = {re.sub(r"\d+", "#", path) for path, *_ in layers}
    if len(forms) == 1:
        return sorted(layers, key=lambda layer: [int(n) for n in re.findall(r"\d+", layer[0])])
    if told:
        return layers
    fitting = [
        order
        for order in (permutations(layers) if len(layers) <= MOST_ORDERS else ())
        if all(one[1].shape[0] == two[1].shape[1] for one, two in pairwise(order))
    ]
    if len(fitting) != 1:
        names = ", ".join(path for path, *_ in layers[:8])
        said = f"the file does not tell the order of its layers: {names}"
        raise UsageError(said, hint="give them as a mapping in order")
    return list(fitting[0])


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        path = f"{above}.{name}" if above else str(name)
        if isinstance(value, Mapping):
            yield from _flat(value, path)
        else:
            yield path, value


def _of_mapping(arrays: Mapping[str, Any]) -> Iterator[Layer]:
    """Each layer: its weights, and its biases where it has some, both below one path; else it is refused by name."""
    groups: dict[str, dict[str, Any]] = {}
    for name, value in arrays.items():
        path, _, last = name.rpartition(".")
        numbered = re.fullmatch(r"(W|w|b|weight|bias|kernel)_?(\d+)", last)
        if numbered:  # W1, b1
            path, last = f"{path}.{numbered[2]}".strip("."), numbered[1]
        if last not in (*ROWS_PER_UNIT, *COLUMN_PER_UNIT, *BIASES):
            said = f"`{name}` is neither weights nor biases of a dense layer"
            raise UsageError(said, expected="weight, kernel, bias")
        groups.setdefault(path, {})[last] = (name, value)
    for path, parts in groups.items():
        weights = next(((n, *parts[n]) for n in (*ROWS_PER_UNIT, *COLUMN_PER_UNIT) if n in parts), None)
        bias = next((parts[n] for n in BIASES if n in parts), (f"{path}.bias", None))
        if weights is None:
            raise UsageError(f"layer `{path}` has no weights", expected="weight or kernel beside its bias")
        kind, name, value = weights
        lies = np.asarray(value)
        turned = lies.T if kind in COLUMN_PER_UNIT else lies
        yield path or "1", *_checked(f"layer `{path}`", turned, bias[1]), (name, bias[0])


def _checked(said: str, weights: Any, bias: Any) -> tuple[Array, Array | None]:
    found = _numbers(said, weights)
    if found.ndim != 2:
        raise DataError(f"the weights of {said} have {found.ndim} axes", expected="2: units and what comes in")
    if bias is None:
        return found, None
    added = _numbers(said, bias)
    if added.shape != found.shape[:1]:
        shape = " × ".join(map(str, added.shape))
        raise DataError(f"the biases of {said} are {shape}", expected=f"{found.shape[0]}, one for each unit")
    return found, added


def _numbers(said: str, values: Any) -> Array:
    try:
        return np.asarray(values.detach().cpu().numpy() if hasattr(values, "detach") else values, np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{said} holds what are no numbers") from None


def _read(path: Path) -> dict[str, Array]:
    """The arrays of a .safetensors or an .npz file; nothing in it is run.

    Raises:
        UsageError: it cannot be read; DataError: it is damaged, or holds something else.
    """
    kind = path.suffix.lower()
    if kind not in (".safetensors", ".npz"):
        raise UsageError(f"{path.name} is no file of weights", expected="a name ending in .safetensors or .npz")
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path} is larger than {LARGEST >> 30} GB")
        if kind == ".npz":
            with np.load(path, allow_pickle=False) as found:
                return {name: found[name] for name in found.files}
        from safetensors.numpy import load

        return dict(load(path.read_bytes()))
    except ImportError:
        raise UsageError("safetensors files need safetensors", hint='pip install "backhand[train]"') from None
    except OSError as problem:
        raise UsageError(f"cannot read {path}: {problem.strerror or problem}", expected="a file of weights") from None
    except DataError:
        raise
    except Exception as problem:  # whatever a damaged or hostile file brings about is one thing: it is none
        raise DataError(f"{path} is damaged, or no file of weights: {type(problem).__name__}: {problem}") from None
