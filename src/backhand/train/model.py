"""Models in files: safetensors weights with everything else as readable JSON in the header. Nothing in them is run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.dense import DenseLayer, DensePlan, Parameters
from ..engine.fast import open_engine
from ..errors import BackhandError, DataError, UsageError
from ..render.files import write_whole
from .prepare import CLASSIFICATION, Preparation
from .table import Table

Array = np.ndarray[Any, Any]
SCHEMA = "backhand.model/1"
LARGEST = 8 << 30


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network with all that goes before and behind it.

    Attributes:
        record: how it was trained: rows, epochs, costs, engine, versions.
    """

    preparation: Preparation
    plan: DensePlan
    parameters: Parameters
    record: dict[str, Any]

    def outputs_of(self, x: Array) -> Array:
        """What the network gives, [row, output]: standardised numbers, or the share of each class (softmax)."""
        engine = open_engine(self.plan)
        engine.put(self.parameters)
        found = engine.predict(x)
        if self.plan.cost != "softmax_cross_entropy":
            return np.asarray(found)
        raised = np.exp(found - found.max(1, keepdims=True))
        return np.asarray(raised / raised.sum(1, keepdims=True))

    def predict(self, table: Table) -> Array:
        """A number or a class for each row, in the order of the rows."""
        found, target = self.outputs_of(self.preparation.matrix(table)), self.preparation.target
        if target.task == CLASSIFICATION:
            return np.asarray(np.array(target.classes)[found.argmax(1)])
        return found[:, 0].astype(np.float64) * target.spread + target.mean

    def save(self, path: Path) -> None:
        """
        Raises:
            UsageError: the file cannot be written, or safetensors is missing. A file that was there stays whole.
        """
        head = {
            "schema": SCHEMA, "preparation": self.preparation.to_dict(), "plan": asdict(self.plan),
            "record": self.record,
        }  # fmt: skip
        tensors = {}
        for number, (weights, biases) in enumerate(self.parameters, 1):
            tensors[f"W{number}"], tensors[f"b{number}"] = np.ascontiguousarray(weights), np.ascontiguousarray(biases)
        write_whole(path, _safetensors().save(tensors, {"backhand": json.dumps(head, ensure_ascii=False)}))


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise UsageError("model files need safetensors", hint='pip install "backhand[train]"') from None
    return safetensors.numpy


def load_model(path: Path) -> Model:
    """A model from its file.

    Raises:
        UsageError: it cannot be read; DataError: it is damaged or no model, with the reason.
    """
    tools = _safetensors()
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path} is larger than {LARGEST >> 30} GB")
        content = path.read_bytes()
    except OSError as problem:
        raise UsageError(f"cannot read {path}: {problem.strerror}", expected="a model file, .bhm") from None
    try:
        tensors = tools.load(content)
        size = int.from_bytes(content[:8], "little")
        head = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["backhand"])
        if head["schema"] != SCHEMA:
            raise DataError(f"{path} is a model of another version", expected=SCHEMA, got=str(head["schema"]))
        preparation, plan = Preparation.from_dict(head["preparation"]), _plan(head["plan"])
        parameters = [(tensors[f"W{k}"], tensors[f"b{k}"]) for k in range(1, len(plan.layers) + 1)]
    except BackhandError:
        raise
    except Exception as problem:  # whatever a damaged or hostile file brings about is one thing: it is no model
        raise DataError(f"{path} is no model, or damaged: {type(problem).__name__}: {problem}") from None
    if len(preparation.inputs) != plan.inputs:
        raise DataError(f"{path} is damaged: {len(preparation.inputs)} inputs prepared, {plan.inputs} taken")
    for (weights, biases), (k, n) in zip(parameters, zip(plan.sizes[:-1], plan.sizes[1:], strict=True), strict=True):
        if weights.shape != (n, k) or biases.shape != (n,):
            size_found = f"{weights.shape} and {biases.shape}"
            raise DataError(f"{path} is damaged: weights of another size", expected=f"({n}, {k})", got=size_found)
        if not (np.isfinite(weights).all() and np.isfinite(biases).all()):
            raise DataError(f"{path} is damaged: it holds weights that are not finite")
    return Model(preparation, plan, parameters, head["record"])


def _plan(given: dict[str, Any]) -> DensePlan:
    layers = tuple(DenseLayer(**layer) for layer in given["layers"])
    return DensePlan(**{**given, "layers": layers, "settings": tuple(given["settings"])})
