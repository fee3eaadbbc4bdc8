"""Models: a network with all that goes before and behind it, in one file that anyone can read and nothing runs."""

from __future__ import annotations

import platform
import warnings
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.choice import open_engine
from ..engine.compiled import instruction_sets
from ..engine.dense import DenseEngine, DenseLayer, DensePlan, Parameters
from ..errors import BackhandError, DataError
from ..render.files import write_whole
from .files import read_tensors, written_tensors
from .fit import NUMPY
from .network import named, sheet_of, worked_by_hand
from .prepare import CLASSIFICATION, Preparation
from .stream import open_table
from .table import DATE, Table

if TYPE_CHECKING:
    from ..network.build import Problem
    from .sheets import SheetModel

Array = np.ndarray[Any, Any]
SCHEMA = "backhand.model/1"
ROWS = 8192  # at a time


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network with all that goes before and behind it.

    Attributes:
        record: how it was trained: rows, epochs, costs, engine, instruction set, versions.
    """

    preparation: Preparation
    plan: DensePlan
    parameters: Parameters
    record: dict[str, Any]

    @cached_property
    def _engine(self) -> DenseEngine:
        """The engine, of the instruction set that the model was trained with if this machine has it: the same bits."""
        recorded = self.record.get("instruction_set")
        here = instruction_sets() or (NUMPY,)
        if recorded is None or recorded in here:
            engine = open_engine(self.plan, instruction_set=recorded if recorded != NUMPY else None)
        else:
            engine = open_engine(self.plan)
            by = "NumPy" if recorded == NUMPY else f"the instruction set {recorded}, which this machine lacks"
            warnings.warn(
                f"the model was trained with {by}: its predictions by {engine.name} may differ in the last digits",
                stacklevel=2,
            )
        engine.put(self.parameters)
        return engine

    def outputs_of(self, x: Array) -> Array:
        """What the network gives, [row, output]: standardised numbers, or the share of each class (softmax)."""
        found = self._engine.predict(x)
        if self.preparation.target.task == CLASSIFICATION and found.shape[1] == 1:  # the share of the second class
            return np.column_stack([1 - found[:, 0], found[:, 0]])
        if self.plan.cost != "softmax_cross_entropy":
            return np.asarray(found)
        raised = np.exp(found - found.max(1, keepdims=True, initial=-np.inf))
        return np.asarray(raised / raised.sum(1, keepdims=True))

    def outputs_for(self, x: Array, rows: Array) -> Array:
        """The same for some rows of x, a few of them at a time, so that no copy of x is made."""
        parts = [self.outputs_of(x[rows[at : at + ROWS]]) for at in range(0, len(rows), ROWS)]
        return np.concatenate(parts)

    def predict(self, source: Any) -> Array:
        """A number or a class for each row of a table, a file, a frame or an array, in the order of the rows.

        Raises:
            DataError: columns are missing, or values are not as in training.
        """
        table = source if isinstance(source, Table) else open_table(source)
        return self.answers(self.outputs_of(self.preparation.matrix(table)))

    def answers(self, outputs: Array) -> Array:
        """Numbers, dates, or the classes with the largest share, from the network's outputs."""
        target = self.preparation.target
        if target.task == CLASSIFICATION:
            return np.asarray(np.array(target.classes)[outputs.argmax(1)])
        found = target.back(outputs[:, 0] if target.outputs == 1 else outputs)
        if target.kind == DATE:  # days since 1970
            return np.asarray((np.clip(found, -1e6, 1e6) * 86_400e3).astype("datetime64[ms]"))
        return found

    @property
    def sheet(self) -> str:
        """The network as a sheet, without its numbers."""
        settings = self.record.get("settings", {})
        return sheet_of(self.plan, f"{self.preparation.target.name}, a trained model", settings.get("batch"))

    def by_hand(self, table: Table) -> Problem:
        """The network at its weights on a table's rows, for `show` and `why`.

        Raises:
            DataError: columns or values are missing.
        """
        x, y = self.preparation.matrix(table), self.preparation.targets(table)
        return worked_by_hand(self.sheet, named(self.parameters), x, y)

    def save(self, path: str | Path) -> None:
        """
        Raises:
            UsageError: the file cannot be written, or safetensors is missing. A file that was there stays whole.
        """
        head = {
            "schema": SCHEMA, "sheet": self.sheet, "preparation": self.preparation.to_dict(),
            "plan": asdict(self.plan), "record": self.record,
        }  # fmt: skip
        write_whole(Path(path), written_tensors(named(self.parameters), head))


def versions() -> dict[str, str]:
    """What a record says of the software."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        own = version("backhand")
    except PackageNotFoundError:
        own = "from a source tree"
    return {"backhand": own, "python": platform.python_version(), "numpy": np.__version__}


def load_model(path: Path) -> Model | SheetModel:
    """A model from its file: of a table, or of a sheet.

    Raises:
        UsageError: it cannot be read; DataError: it is damaged or no model, with the reason.
    """
    tensors, head = read_tensors(path, "a model", SCHEMA)
    if head.get("preparation", "") is None and isinstance(head.get("sheet"), str):
        from .sheets import sheet_model

        return sheet_model(path, head["sheet"], tensors, dict(head.get("record") or {}))
    try:
        preparation, plan = Preparation.from_dict(head["preparation"]), _plan(head["plan"])
        parameters = [(tensors[f"W{k}"], tensors[f"b{k}"]) for k in range(1, len(plan.layers) + 1)]
        record = dict(head["record"])
        if not isinstance(record.get("choices", {}), dict) or not isinstance(record.get("settings", {}), dict):
            raise ValueError("its record")
        model = Model(preparation, plan, parameters, record)
        same = model.sheet == head["sheet"]
    except BackhandError:
        raise
    except Exception as problem:  # whatever a damaged or hostile file brings about is one thing: it is no model
        raise DataError(f"{path} is no model, or damaged: {type(problem).__name__}: {problem}") from None
    if not same:
        raise DataError(f"{path} is damaged: its sheet is not that of its network", expected=model.sheet)
    if len(preparation.inputs) != plan.inputs:
        raise DataError(f"{path} is damaged: {len(preparation.inputs)} inputs prepared, {plan.inputs} taken")
    target, units = preparation.target, plan.layers[-1].units
    shared = plan.layers[-1].activation == "sigmoid" and len(target.classes) == 2
    outputs = target.outputs if target.task != CLASSIFICATION else 1 if shared else len(target.classes)
    if outputs != units:
        raise DataError(f"{path} is damaged: its network has {units} outputs", expected=str(outputs))
    for (weights, biases), (k, n) in zip(parameters, zip(plan.sizes[:-1], plan.sizes[1:], strict=True), strict=True):
        if weights.shape != (n, k) or biases.shape != (n,):
            size_found = f"{weights.shape} and {biases.shape}"
            raise DataError(f"{path} is damaged: weights of another size", expected=f"({n}, {k})", got=size_found)
        if weights.dtype.kind != "f" or biases.dtype.kind != "f":
            raise DataError(f"{path} is damaged: its weights are {weights.dtype}", expected="float32 or float64")
        if not (np.isfinite(weights).all() and np.isfinite(biases).all()):
            raise DataError(f"{path} is damaged: it holds weights that are not finite")
    return model


def _plan(given: dict[str, Any]) -> DensePlan:
    layers = tuple(DenseLayer(**layer) for layer in given["layers"])
    for number in (given["inputs"], *(layer.units for layer in layers)):
        if type(number) is not int:
            raise TypeError(f"{number!r} units")
    for value in (given["rate"], given["cost_factor"], given["cost_setting"], *given["settings"]):
        if not (isinstance(value, (int, float)) and abs(value) < 1e300):
            raise ValueError(f"{value!r}")
    return DensePlan(**{**given, "layers": layers, "settings": tuple(given["settings"])})
