"""From a table to a model: prepare, split, fit, judge."""

from __future__ import annotations

import glob
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..document.parts import Document
from ..errors import DataError, UsageError
from .checkpoint import fingerprint, recorded_set, resume, save_checkpoint
from .fit import NUMPY, Fitted, Fitting, Report, Settings, check_cost, fit, plan_for
from .judge import Score, scores
from .model import Model, versions
from .prepare import CLASSIFICATION, DROP, MISSING, REFUSE, REGRESSION, find_task, prepare, refuse_missing
from .rate import RateSearch, find_rate
from .split import split
from .stream import open_table
from .table import DATE, NUMBER, Table

Array = np.ndarray[Any, Any]
TASKS = (REGRESSION, CLASSIFICATION)
BALANCED = "balanced"


@dataclass(frozen=True)
class Choices:
    """How a table is taken.

    Attributes:
        task: regression or classification; None finds it from the target.
        missing: refuse, drop (rows), mean, median or indicator.
        ignore: columns that are left out.
        by_time: a column of dates or numbers; its latest rows are held out, instead of rows by chance.
        weights: a column that says what each row counts.
        class_weight: balanced, where each class is to count as much as any other.
        find_rate: whether the rate is found by trying.
        threads: at most so many; the bits are the same for any number.
    """

    task: str | None = None
    missing: str = REFUSE
    ignore: tuple[str, ...] = ()
    by_time: str | None = None
    weights: str | None = None
    class_weight: str | None = None
    find_rate: bool = False
    threads: int | None = None

    def check(self, settings: Settings) -> None:
        """
        Raises:
            UsageError: what there is not.
        """
        if self.task is not None and self.task not in TASKS:
            raise UsageError(f"there is no task `{self.task}`", expected=", ".join(TASKS))
        if self.missing not in MISSING:
            raise UsageError(f"missing values cannot be treated by `{self.missing}`", expected=", ".join(MISSING))
        if self.class_weight not in (None, BALANCED):
            raise UsageError(f"there is no class weight `{self.class_weight}`", expected=BALANCED)
        if not 0 < settings.held_out < 1:
            raise UsageError("the share of rows held out lies between 0 and 1", got=f"{settings.held_out:g}")


@dataclass(frozen=True)
class Checkpoints:
    """Where and how often a fit is written down while it goes on.

    Attributes:
        seconds: between two of them; 0 after every epoch.
        resume: whether to go on from the one that is there.
    """

    path: Path
    seconds: float = 10.0
    resume: bool = False

    def clear(self) -> None:
        """Takes away what was written, also the beginnings of a process that was killed: the model is in its file."""
        for beginning in self.path.parent.glob(f".{glob.escape(self.path.name)}.*"):
            beginning.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, eq=False)
class Trained:
    """A model, and how it came about.

    Attributes:
        found, true: what the model gives for the rows held out, and what they are.
        search: the rates that were tried, if the rate was to be found.
    """

    model: Model
    table: Table
    settings: Settings
    fitted: Fitted
    scores: tuple[Score, ...]
    training: Array
    held_out: Array
    found: Array
    true: Array
    search: RateSearch | None = None

    def document(self) -> Document:
        """The page: columns, network, course, and the model beside the baselines."""
        from .page import trained_page

        return trained_page(self)

    def to_dict(self) -> dict[str, Any]:
        """`backhand.train/1`."""
        return {
            "schema": "backhand.train/1",
            "preparation": self.model.preparation.to_dict(),
            "record": self.model.record,
            "scores": {
                score.name: {name: value if np.isfinite(value) else None for name, value in score.figures}
                for score in self.scores
            },
        }


def train_table(
    source: Any, target: str, settings: Settings | None = None, *, report: Report | None = None,
    checkpoints: Checkpoints | None = None, **choices: Any,
) -> Trained:  # fmt: skip
    """Trains a network to predict a column of a table from its others.

    Args:
        source: a file, a frame or an array (see `read_table`).
        choices: those of `Choices`.
        report: called after each epoch.
        checkpoints: None for none.
    Raises:
        DataError: a table that cannot be trained on; UsageError: wrong choices; NumberError: numbers that run away in
            the first epoch.
    """
    settings, chosen = settings or Settings(), Choices(**choices)
    chosen.check(settings)
    if target in chosen.ignore:
        raise UsageError(f"`{target}` is both the target and left out", hint=f"no --ignore {target}")
    table = open_table(source)
    for name in (target, *chosen.ignore):
        table.column(name)
    ignore = (*chosen.ignore, *([chosen.weights] if chosen.weights else []))
    if chosen.missing == DROP:
        table = table.without_gaps([c.name for c in table.columns if c.name not in chosen.ignore])
    refuse_missing(table, [target], "--missing drop leaves such rows out")
    task = chosen.task or find_task(table.column(target), table)
    classes = table.codes(target, table.values(target)) if task == CLASSIFICATION else None
    random = np.random.default_rng(settings.seed)
    training, held_out = split(table.rows, settings.held_out, random, classes, _times(table, chosen.by_time))
    check_cost(settings.cost, task)
    preparation = prepare(table, target, training, task, chosen.missing, ignore, settings.cost == "poisson")
    y = preparation.targets(table)  # first, for it passes through float64 while the inputs need no room yet
    x = preparation.matrix(table)
    weights = _weights(table, chosen, y, training)
    begun = recorded_set(checkpoints.path) if checkpoints and checkpoints.resume else None
    search = None
    if chosen.find_rate:
        trial = Fitting(plan_for(preparation, settings), settings, x, y, training, held_out, weights=weights)
        search = find_rate(trial)
        settings = replace(settings, rate=search.best)
    fitting = Fitting(
        plan_for(preparation, settings), settings, x, y, training, held_out, weights=weights,
        instruction_set=_same_set(begun), threads=chosen.threads,
    )  # fmt: skip
    fitted = _fit(fitting, report, checkpoints)
    record = {
        "source": table.source, "path": str(source) if isinstance(source, (str, Path)) else None, "target": target,
        "rows": table.rows, "training": len(training),
        "held_out": len(held_out), "settings": asdict(settings), "choices": asdict(chosen), "engine": fitted.engine,
        "instruction_set": fitted.instruction_set, "seconds": fitted.seconds, "best": fitted.best,
        "stopped": fitted.stopped, "epochs": [[e.cost, e.validation] for e in fitted.epochs],
        "findings": [str(finding) for finding in fitted.findings], "versions": versions(),
    }  # fmt: skip
    model = Model(preparation, fitted.plan, fitted.parameters, record)
    try:
        found = model.outputs_for(x, held_out)
        counted = table.numbers(chosen.weights) if chosen.weights else None
        judged = tuple(scores(model, x, y, training, held_out, counted))
    except KeyboardInterrupt:  # what was trained is not lost
        if checkpoints is not None:
            save_checkpoint(checkpoints.path, fitting, fingerprint(fitting))
        raise
    return Trained(model, table, settings, fitted, judged, training, held_out, found, y[held_out], search)


def _same_set(recorded: str | None) -> str | None:
    """The instruction set of the run that is gone on with.

    Raises:
        DataError: this machine lacks it, so that the bits would be others.
    """
    from ..engine.compiled import instruction_sets

    here = instruction_sets() or (NUMPY,)
    if recorded is not None and recorded not in here:
        raise DataError(
            f"the run was begun with the instruction set {recorded}, which this machine lacks: the bits would differ",
            expected=", ".join(here), hint="begin anew, without --resume",
        )  # fmt: skip
    return None if recorded == NUMPY else recorded


def _fit(fitting: Fitting, report: Report | None, checkpoints: Checkpoints | None) -> Fitted:
    """Fits, and writes down where it stands now and then, and when it is interrupted."""
    if checkpoints is None:
        return fit(fitting, report)
    mark = fingerprint(fitting)
    if checkpoints.resume:
        resume(checkpoints.path, fitting, mark)
    written = time.monotonic()

    def reported(now: Fitting) -> bool:
        nonlocal written
        stop = report(now) is True if report else False
        if time.monotonic() - written >= checkpoints.seconds:
            save_checkpoint(checkpoints.path, now, mark)
            written = time.monotonic()
        return stop

    try:
        return fit(fitting, reported)
    except KeyboardInterrupt:
        fitting.rewind()
        save_checkpoint(checkpoints.path, fitting, mark)
        raise


def _weights(table: Table, chosen: Choices, y: Array, training: Array) -> Array | None:
    """What each row counts, 1 on average over the rows for training; None where all count the same.

    Raises:
        DataError: weights below 0 or none above it; UsageError: class weights of numbers.
    """
    if chosen.weights is None and chosen.class_weight is None:
        return None
    found = np.ones(table.rows)
    if chosen.weights is not None:
        if table.column(chosen.weights).kind != NUMBER:
            raise DataError(f"`{chosen.weights}` holds no weights", expected="a column of numbers")
        refuse_missing(table, [chosen.weights])
        found = table.numbers(chosen.weights).copy()
        if not (np.isfinite(found).all() and (found >= 0).all()):
            raise DataError(f"`{chosen.weights}` has weights below 0 or not finite", expected="0 or more")
    if chosen.class_weight is not None:
        if y.ndim != 1:
            raise UsageError("class weights are for classes", hint="--task classification")
        sums = np.bincount(y[training], found[training])
        found = found / np.maximum(sums, 1e-300)[y]
    middle = found[training].mean()
    if not middle > 0:
        raise DataError("the rows for training count nothing: all their weights are 0")
    return np.asarray(found / middle)


def _times(table: Table, name: str | None) -> Array | None:
    if name is None:
        return None
    if table.column(name).kind not in (DATE, NUMBER):
        raise DataError(f"`{name}` is no time", expected="a column of dates or numbers")
    refuse_missing(table, [name])
    return table.numbers(name)
