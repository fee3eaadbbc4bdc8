"""Tables trained on and predicted from: `bh.train_table("houses.csv", target="Price")`, `bh.load("Price.bhm")`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..document.parts import Document
from ..errors import UsageError, nearest
from ..train import run
from ..train.fit import Report, Settings
from ..train.model import Model, load_model
from ..train.run import Checkpoints, Choices, Trained
from ..train.sheets import SheetModel
from .results import Result


@dataclass(frozen=True, eq=False)
class TrainedTable(Result):
    """A trained model with its page.

    Attributes:
        model: predicts, and is saved.
        trained: the course, the rows of each kind, the scores.
    """

    trained: Trained

    @property
    def model(self) -> Model:
        return self.trained.model

    def document(self) -> Document:
        return self.trained.document()

    def to_dict(self) -> dict[str, Any]:
        return self.trained.to_dict()


def train_table(
    source: Any, target: str, *, report: Report | None = None, checkpoints: Checkpoints | None = None, **given: Any
) -> TrainedTable:
    """Trains a network to predict a column of a table from its others.

    Args:
        source: a CSV or Parquet file, a polars or pandas frame, or an array.
        target: the column to be predicted.
        report: called after each epoch; True stops.
        checkpoints: where and how often the fit is written down.
        given: what `Settings` (layers, rate, epochs, …) and `Choices` (missing, ignore, weights, …) take.
    Raises:
        UsageError: no such choice; DataError: a table that cannot be trained on; NumberError: numbers that run away.
    """
    settings, choices = ({field.name for field in fields(kind)} for kind in (Settings, Choices))
    for name in given:
        if name not in settings | choices:
            near = nearest(name, tuple(settings | choices))
            raise UsageError(f"training takes no `{name}`", hint=f"did you mean `{near}`?" if near else None)
    made = Settings(**{name: value for name, value in given.items() if name in settings})
    rest = {name: value for name, value in given.items() if name in choices}
    return TrainedTable(run.train_table(source, target, made, report=report, checkpoints=checkpoints, **rest))


def load(path: str | Path) -> Model | SheetModel:
    """A model from its file. Nothing in it is run.

    Raises:
        UsageError: it cannot be read; DataError: it is damaged or no model.
    """
    return load_model(Path(path))
