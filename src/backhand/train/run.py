"""From a table to a model: prepare, split, fit, judge; and the page that says how it went."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..document.parts import Document, Page
from ..document.parts import Table as PageTable
from ..errors import DataError, UsageError
from .fit import Fitted, Report, Settings, fit, plan_for
from .judge import Score, scores
from .model import Model
from .prepare import CLASSIFICATION, DROP, MISSING, REFUSE, REGRESSION, find_task, prepare, refuse_missing
from .split import split
from .table import DATE, NUMBER, Table, read_table, without_gaps

TASKS = (REGRESSION, CLASSIFICATION)


@dataclass(frozen=True, eq=False)
class Trained:
    """A model, and how it came about."""

    model: Model
    table: Table
    settings: Settings
    fitted: Fitted
    scores: tuple[Score, ...]
    training: int
    held_out: int

    def document(self) -> Document:
        """The page: columns, network, course, and the model beside the baselines."""
        target, fitted = self.model.preparation.target, self.fitted
        page = Page(f"{target.name} from {self.table.source}")
        page.heading(page.title, 1)
        page.heading("The table")
        page.text(
            f"{self.table.rows:,} rows; {self.training:,} for training, {self.held_out:,} held out."
            f" {target.name} is {_target_said(self.model)}."
        )
        rows = []
        for column in self.model.preparation.columns:
            said = column.kind + (f": {len(column.categories)} inputs" if column.categories else "")
            said += f", missing ones become {column.fill:g}" if column.fill is not None else ""
            rows.append((column.name, said, self.table.column(column.name).missing or ""))
        page.add(PageTable(("column", "goes in as", "missing"), tuple(map(_cells, rows))))
        page.heading("The network")
        sizes = " → ".join(map(str, fitted.plan.sizes))
        page.text(
            f"{sizes}, {self.settings.activation}, {fitted.plan.weight_count:,} parameters; cost {fitted.plan.cost},"
            f" {fitted.plan.rule}, rate {fitted.plan.rate:g}, batches of {self.settings.batch}."
        )
        page.heading("The course")
        best = fitted.epochs[fitted.best - 1]
        page.text(
            f"{len(fitted.epochs)} epochs in {fitted.seconds:.2f} s, by the engine {fitted.engine}; ended:"
            f" {fitted.stopped}. The weights are those of epoch {fitted.best}."
        )
        every = max(1, len(fitted.epochs) // 10)
        chosen = sorted({*range(0, len(fitted.epochs), every), fitted.best - 1, len(fitted.epochs) - 1})
        page.add(PageTable(
            ("epoch", "cost", "cost of the rows held out"),
            tuple((str(fitted.epochs[i].number), fitted.epochs[i].cost, fitted.epochs[i].validation) for i in chosen),
            f"lowest on the rows held out: {best.validation:.6g} in epoch {best.number}",
        ))  # fmt: skip
        page.heading("On the rows held out")
        page.note("They chose the epoch too, so the network's own figures are a little too good.")
        heads = tuple(name for name, _ in self.scores[0].figures)
        page.add(PageTable(("", *heads), tuple((s.name, *(value for _, value in s.figures)) for s in self.scores)))
        return page.done()

    def to_dict(self) -> dict[str, Any]:
        """`backhand.train/1`."""
        return {
            "schema": "backhand.train/1",
            "preparation": self.model.preparation.to_dict(),
            "record": self.model.record,
            "scores": {score.name: dict(score.figures) for score in self.scores},
        }


def _cells(row: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(str(cell) for cell in row)


def _target_said(model: Model) -> str:
    target = model.preparation.target
    if target.task == CLASSIFICATION:
        return (
            f"one of {len(target.classes)} classes: "
            + ", ".join(target.classes[:10])
            + (", …" if len(target.classes) > 10 else "")
        )
    return f"a number, {target.mean:.6g} on average, standard deviation {target.spread:.6g}"


def train_table(
    source: Any, target: str, settings: Settings | None = None, *, task: str | None = None, missing: str = REFUSE,
    ignore: Sequence[str] = (), by_time: str | None = None, report: Report | None = None,
) -> Trained:  # fmt: skip
    """Trains a network to predict a column of a table from its others.

    Args:
        source: a file, a frame or an array (see `read_table`).
        task: regression or classification; None finds it from the target.
        missing: refuse, drop (rows), mean, median or indicator.
        ignore: columns that are left out.
        by_time: a column of dates or numbers; its latest rows are held out, instead of rows by chance.
        report: called after each epoch, with how many are wanted.
    Raises:
        DataError: a table that cannot be trained on; UsageError: wrong choices; NumberError: numbers that run away in
            the first epoch.
    """
    settings = settings or Settings()
    _check(settings, task, missing)
    table = source if isinstance(source, Table) else read_table(source)
    names = [c.name for c in table.columns if c.name not in ignore]
    table.column(target)
    if missing == DROP:
        table = without_gaps(table, names)
    refuse_missing(table, [target])
    random = np.random.default_rng(settings.seed)
    kind = task or find_task(table.column(target), table)
    classes = np.unique(np.array(table.texts(target)), return_inverse=True)[1] if kind == CLASSIFICATION else None
    training, held_out = split(table.rows, settings.held_out, random, classes, _times(table, by_time))
    preparation = prepare(table, target, training, kind, missing, ignore)
    x, y = preparation.matrix(table), preparation.targets(table)
    fitted = fit(plan_for(preparation, settings), settings, x, y, training, held_out, report)
    record = {
        "source": table.source, "rows": table.rows, "training": len(training), "held_out": len(held_out),
        "settings": asdict(settings), "engine": fitted.engine, "seconds": fitted.seconds, "best": fitted.best,
        "stopped": fitted.stopped, "epochs": [[e.cost, e.validation] for e in fitted.epochs],
        "python": platform.python_version(), "numpy": np.__version__,
    }  # fmt: skip
    model = Model(preparation, fitted.plan, fitted.parameters, record)
    found = tuple(scores(model, x, y, training, held_out))
    return Trained(model, table, settings, fitted, found, len(training), len(held_out))


def _check(settings: Settings, task: str | None, missing: str) -> None:
    if task is not None and task not in TASKS:
        raise UsageError(f"there is no task `{task}`", expected=", ".join(TASKS))
    if missing not in MISSING:
        raise UsageError(f"missing values cannot be treated by `{missing}`", expected=", ".join(MISSING))
    if not 0 < settings.held_out < 1:
        raise UsageError("the share of rows held out lies between 0 and 1", got=f"{settings.held_out:g}")


def _times(table: Table, name: str | None) -> np.ndarray[Any, Any] | None:
    if name is None:
        return None
    if table.column(name).kind not in (DATE, NUMBER):
        raise DataError(f"`{name}` is no time", expected="a column of dates or numbers")
    refuse_missing(table, [name])
    return table.numbers(name)
