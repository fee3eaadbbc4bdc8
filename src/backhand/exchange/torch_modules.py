"""PyTorch's modules: traced by torch.fx, so that what is carried is what `forward` does, in evaluation."""

from __future__ import annotations

import operator
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from ..errors import UsageError
from .foreign import Vector, Writer

Array = np.ndarray[Any, Any]
ACTIVATIONS = {
    "ReLU": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "SELU": "selu", "GELU": "gelu", "SiLU": "silu",
    "Softplus": "softplus", "Softmax": "softmax", "LeakyReLU": "leaky", "ELU": "elu", "Identity": "linear",
    "Dropout": "linear", "AlphaDropout": "linear", "Flatten": "linear",
}  # fmt: skip
FUNCTIONS = {
    "relu": "relu", "sigmoid": "sigmoid", "tanh": "tanh", "selu": "selu", "silu": "silu", "gelu": "gelu", "exp": "exp",
    "softplus": "softplus", "softmax": "softmax", "dropout": "linear", "flatten": "linear", "leaky_relu": "leaky",
    "elu": "elu",
}  # fmt: skip
SIGNS: dict[Callable[..., Any], str] = {operator.add: "+", operator.sub: "-", operator.mul: "*"}
CARRIED = "Linear, activations, Softmax, Dropout, BatchNorm1d, Flatten, Identity, and + - * of what they give"


def write_torch(module: Any, inputs: int | None = None) -> tuple[Writer, Vector]:
    """A module's network.

    Args:
        inputs: how many numbers go in; found from the first linear layer.
    Raises:
        UsageError: what cannot be carried, by name.
    """
    if not any(kind.__module__.startswith("torch.nn") for kind in type(module).__mro__):
        kind = type(module).__name__
        raise UsageError(f"this {kind} is no module of PyTorch, and no estimator of scikit-learn", expected=CARRIED)
    if type(module).__module__.startswith("torch.nn.modules") and not list(module.children()):  # a layer by itself
        writer = Writer(type(module).__name__, inputs or getattr(module, "in_features", None) or _unknown())
        return writer, _module(writer, module, "", writer.input())
    try:
        graph = import_module("torch.fx").symbolic_trace(module).graph
    except Exception as problem:  # whatever stands in somebody's forward
        said = f"`forward` of {type(module).__name__} cannot be followed: {str(problem).splitlines()[0][:200]}"
        raise UsageError(said, expected=CARRIED, hint="no choices by value in `forward`") from None
    modules = dict(module.named_modules())
    if inputs is None:
        inputs = next((m.in_features for m in modules.values() if type(m).__name__ == "Linear"), None)
    writer = Writer(type(module).__name__, inputs or _unknown())
    done: dict[Any, Vector] = {}
    output: Vector | None = None
    for node in graph.nodes:
        if node.op == "placeholder":
            if done:
                raise UsageError("the module takes more than one input", expected="one table of rows")
            done[node] = writer.input()
        elif node.op == "call_module":
            done[node] = _module(writer, modules[node.target], node.target, done[node.args[0]])
        elif node.op in ("call_function", "call_method"):
            done[node] = _function(writer, node, done)
        elif node.op == "output":
            output = done.get(node.args[0])
        else:
            raise UsageError(f"`{node.target}` is used outside of a layer", expected=CARRIED)
    if output is None:
        raise UsageError("the module gives more than one result", expected="one")
    return writer, output


def _unknown() -> int:
    raise UsageError("the module has no linear layer, so the number of its inputs is not known", hint="inputs=…")


def _module(writer: Writer, layer: Any, path: str, source: Vector) -> Vector:
    kind = type(layer).__name__
    if kind == "Linear":
        bias = _array(layer.bias) if layer.bias is not None else None
        return writer.dense(source, _array(layer.weight), bias, path, (_in(path, "weight"), _in(path, "bias")))
    if kind == "BatchNorm1d" and layer.running_mean is not None:
        names = (_in(path, "weight"), _in(path, "bias"), _in(path, "running_mean"), _in(path, "running_var"))
        mean, spread = _array(layer.running_mean), np.sqrt(_array(layer.running_var) + layer.eps)
        g = _array(layer.weight) if layer.affine else np.ones(len(mean))
        h = _array(layer.bias) if layer.affine else np.zeros(len(mean))
        return writer.scaled(source, g, h, mean, spread, path, names)
    setting = {"LeakyReLU": "negative_slope", "ELU": "alpha"}.get(kind)
    wrong = (
        (kind == "GELU" and layer.approximate != "none")
        or (kind == "Softplus" and layer.beta != 1)
        or (kind == "Softmax" and layer.dim not in (1, -1))
        or (kind == "Flatten" and layer.start_dim != 1)
    )
    if kind not in ACTIVATIONS or wrong:
        raise UsageError(f"layer `{path}` ({layer}) cannot be carried", expected=CARRIED)
    return writer.activation(source, ACTIVATIONS[kind], float(getattr(layer, setting)) if setting else None)


def _function(writer: Writer, node: Any, done: dict[Any, Vector]) -> Vector:
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
    given = [done.get(arg) for arg in node.args]
    sign = SIGNS.get(node.target) or {"add": "+", "sub": "-", "mul": "*"}.get(name)
    if sign and len(given) == 2 and given[0] is not None and given[1] is not None and not node.kwargs:
        return writer.combined(given[0], sign, given[1], str(node.name))
    if name in FUNCTIONS and given and given[0] is not None:
        more = {**({"setting": node.args[1]} if len(node.args) > 1 else {}), **node.kwargs}
        if name in ("leaky_relu", "elu"):
            default = 0.01 if name == "leaky_relu" else 1.0
            setting = more.get("setting", more.get("negative_slope", more.get("alpha", default)))
            return writer.activation(given[0], FUNCTIONS[name], float(setting))
        dim = more.get("dim", more.get("setting"))
        fits = name in ("dropout", "flatten") or (dim in (1, -1) if name == "softmax" else not more)
        if fits:
            return writer.activation(given[0], FUNCTIONS[name])
    raise UsageError(f"`{node.format_node() or name}` in `forward` cannot be carried", expected=CARRIED)


def _in(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _array(tensor: Any) -> Array:
    return np.asarray(tensor.detach().cpu().double().numpy())


def torch_cost(loss: Any, output: Vector) -> tuple[str, bool]:
    """A loss as a cost of the sheet; and whether its targets are classes.

    Raises:
        UsageError: a loss, or a setting of it, that cannot be carried.
    """
    kind, reduction = type(loss).__name__, getattr(loss, "reduction", "mean")
    count = output.size
    weighted = getattr(loss, "weight", None) is not None or getattr(loss, "pos_weight", None) is not None
    smooth = getattr(loss, "label_smoothing", 0.0)
    if reduction not in ("mean", "sum") or weighted or smooth:
        raise UsageError(f"{loss} cannot be carried", expected="reduction mean or sum, without weights or smoothing")
    whole = reduction == "sum"
    share = "" if count == 1 else f"/{count}"
    costs = {
        "MSELoss": ("sum(({y} - t)^2)" if whole else "mse({y}, t)", False),
        "L1Loss": ("sum(abs({y} - t))" if whole else "mae({y}, t)", False),
        "CrossEntropyLoss": ("sum(-(t*log(softmax({y}))))" if whole else "softmax_cross_entropy({y}, t)", True),
        "BCELoss": (_binary("{y}", whole, share), False),
        "BCEWithLogitsLoss": (_binary("sigmoid({y})", whole, share), False),
        "HuberLoss": (f"huber({{y}}, t, {getattr(loss, 'delta', 1.0)!r})", False),
    }
    if kind not in costs or (kind == "HuberLoss" and whole):
        known = ", ".join(costs)
        raise UsageError(f"the loss {kind} cannot be carried", expected=known)
    return costs[kind]


def _binary(p: str, whole: bool, share: str) -> str:
    own = f"-(t*log({p}) + (1 - t)*log(1 - {p}))"
    return f"sum({own})" if whole else f"mean({own}){share}"
