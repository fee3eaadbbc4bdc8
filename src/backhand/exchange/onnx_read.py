"""ONNX files read: graphs of dense layers, activations, skips, and norms as they are in evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BackhandError, DataError, UsageError
from .foreign import Vector, Writer

Array = np.ndarray[Any, Any]
LARGEST = 1 << 30  # bytes of a file
ACTIVATIONS = {
    "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "LeakyRelu": "leaky", "Elu": "elu", "Selu": "selu",
    "Gelu": "gelu", "Softplus": "softplus", "Softmax": "softmax", "Identity": "linear", "Dropout": "linear",
    "Flatten": "linear", "Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Abs": "abs",
}  # fmt: skip
SIGNS = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}
CARRIED = ", ".join(("Gemm", "MatMul", *SIGNS, "BatchNormalization", *ACTIVATIONS))


def the_onnx() -> Any:
    """
    Raises:
        UsageError: it is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise UsageError("ONNX files need onnx", hint='pip install "backhand[exchange]"') from None
    return onnx


def write_onnx(path: Path) -> tuple[Writer, Vector]:
    """A file's network.

    Raises:
        UsageError: it cannot be read, or holds what cannot be carried, by name; DataError: it is damaged.
    """
    onnx = the_onnx()
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path} is larger than {LARGEST >> 30} GB")
        model = onnx.load_model_from_string(path.read_bytes())
        graph = model.graph
        outside = [one.name for one in graph.initializer if one.external_data]
        if outside:
            raise UsageError(f"the weights of {path.name} lie in other files", expected="one file with its weights")
        weights = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
        taken = [one for one in graph.input if one.name not in weights]
        sizes = [dim.dim_value for one in taken for dim in one.type.tensor_type.shape.dim]
    except OSError as problem:
        raise UsageError(f"cannot read {path}: {problem.strerror or problem}", expected="an ONNX file") from None
    except BackhandError:
        raise
    except Exception as problem:  # whatever a damaged or hostile file brings about is one thing: it is none
        raise DataError(f"{path} is no ONNX file, or damaged: {type(problem).__name__}: {problem}") from None
    if len(taken) != 1 or len(sizes) != 2 or sizes[1] < 1 or len(graph.output) != 1:
        raise UsageError(
            f"{path.name} takes {len(taken)} inputs and gives {len(graph.output)} results",
            expected="a table of rows × numbers, of a size that is known, and one result",
        )
    reader = _Reader(onnx, Writer(graph.name or path.stem, sizes[1]), weights)
    reader.values[taken[0].name] = reader.writer.input()
    for node in graph.node:
        reader.take(node)
    return reader.writer, reader.value(graph.output[0].name)


class _Reader:
    def __init__(self, onnx: Any, writer: Writer, weights: dict[str, Array]) -> None:
        self.onnx, self.writer, self.weights = onnx, writer, weights
        self.values: dict[str, Vector] = {}

    def value(self, name: str) -> Vector:
        if name not in self.values:
            raise DataError(f"`{name}` is used and never made")
        return self.values[name]

    def take(self, node: Any) -> None:
        settings = {one.name: self.onnx.helper.get_attribute_value(one) for one in node.attribute}
        kind, given, made = node.op_type, list(node.input), node.output[0]
        if kind == "Constant" and "value" in settings:
            self.weights[made] = self.onnx.numpy_helper.to_array(settings["value"])
        elif kind in ("Gemm", "MatMul"):
            self.values[made] = self.dense(kind, given, settings)
        elif kind in SIGNS:
            self.values[made] = self.combined(kind, given, node.name or made)
        elif kind == "BatchNormalization":
            scale, shift, mean, variance = (np.asarray(self.weight(name), np.float64) for name in given[1:5])
            spread = np.sqrt(variance + settings.get("epsilon", 1e-5))
            names = (given[1], given[2], given[3], given[4])
            source = self.value(given[0])
            self.values[made] = self.writer.scaled(source, scale, shift, mean, spread, _path(given[1]), names)
        elif kind in ACTIVATIONS and self.fits(kind, settings):
            setting = {"LeakyRelu": 0.01, "Elu": 1.0}.get(kind)
            setting = float(settings.get("alpha", setting)) if setting is not None else None
            self.values[made] = self.writer.activation(self.value(given[0]), ACTIVATIONS[kind], setting)
        else:
            raise UsageError(f"node `{node.name or made}` ({kind}) cannot be carried", expected=CARRIED)

    @staticmethod
    def fits(kind: str, settings: Mapping[str, Any]) -> bool:
        if kind in ("Softmax", "Flatten"):
            return settings.get("axis", -1 if kind == "Softmax" else 1) in (1, -1)
        return kind != "Gelu" or settings.get("approximate", b"none") == b"none"

    def weight(self, name: str) -> Array:
        if name not in self.weights:
            raise UsageError(f"`{name}` is worked out, not given", expected="weights that stand in the file")
        return self.weights[name]

    def dense(self, kind: str, given: list[str], settings: Mapping[str, Any]) -> Vector:
        found = np.asarray(self.weight(given[1]), np.float64)
        plain = settings.get("alpha", 1.0) == settings.get("beta", 1.0) == 1.0 and not settings.get("transA", 0)
        if found.ndim != 2 or not plain:
            raise UsageError(f"{kind} with `{given[1]}` is no dense layer", expected="x·W + b")
        weights = found if settings.get("transB", 0) else found.T
        bias = None
        if kind == "Gemm" and len(given) > 2 and given[2]:
            bias = np.broadcast_to(np.asarray(self.weight(given[2]), np.float64).ravel(), (len(weights),))
        names = (given[1] + ("" if settings.get("transB", 0) else ", transposed"), given[2] if bias is not None else "")
        return self.writer.dense(self.value(given[0]), weights, bias, _path(given[1]), names)

    def combined(self, kind: str, given: list[str], path: str) -> Vector:
        fixed = [name in self.weights for name in given]
        if not any(fixed):
            return self.writer.combined(self.value(given[0]), SIGNS[kind], self.value(given[1]), path)
        if all(fixed):
            raise UsageError(f"node `{path}` works with weights alone", expected="weights that stand in the file")
        name, other = (given[0], given[1]) if fixed[0] else (given[1], given[0])
        return self.writer.with_weights(self.value(other), SIGNS[kind], self.weight(name), name, first=fixed[0])


def _path(name: str) -> str:
    """What a layer is called, from the name of its weights: fc1.weight is of fc1."""
    before, _, last = name.rpartition(".")
    return before if before and last in ("weight", "kernel", "W", "gamma", "scale") else name
