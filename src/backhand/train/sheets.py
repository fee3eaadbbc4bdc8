"""Sheets trained by the fast engines, and models of them: any network of the sheet language."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..document.parts import Chart, Document, Page, Series, Table
from ..engine.reference import forward, starting_values
from ..engine.replay import open_sheet
from ..engine.training import has_rows
from ..errors import BackhandError, DataError, NumberError, UsageError
from ..network.build import Problem, build
from ..notation.expr import names
from ..notation.text import PLAIN
from ..render.files import write_whole
from ..sheet.model import CostLine, DataFrom, InlineData, Mode, Rate, SheetText, Start, Targets, Update
from ..sheet.parse import parse
from .files import written_tensors
from .model import SCHEMA, versions

if TYPE_CHECKING:
    from ..engine.run import Progress

Array = np.ndarray[Any, Any]
POINTS = 60  # of the cost's course
_TRAINING = (CostLine, Targets, Rate, Update, Mode, InlineData, DataFrom, Start)


@dataclass(frozen=True, eq=False)
class SheetModel:
    """A sheet's network at trained weights.

    Attributes:
        text: the sheet.
        values: its parameters by name, float64.
        record: how it was trained.
        folder: where `data from` looks for files.
    """

    text: str
    values: dict[str, Array]
    record: dict[str, Any]
    folder: Path = Path()

    def save(self, path: str | Path) -> None:
        """
        Raises:
            UsageError: the file cannot be written. A file that was there stays whole.
        """
        head = {"schema": SCHEMA, "sheet": self.text, "preparation": None, "plan": None, "record": self.record}
        write_whole(Path(path), written_tensors(self.values, head))

    def by_hand(self) -> Problem:
        """The sheet at the trained weights, without a further update."""
        problem = build(parse(self.text, "the model"), self.folder)
        return replace(at_values(problem, self.values), plan=replace(problem.plan, rate=None))

    def predict(self, data: Path) -> dict[str, Array]:
        """What the last equations give for each row of a CSV file, by name.

        Raises:
            DataError: columns are missing.
        """
        statements = parse(self.text, "the model")
        kept = [s for s in statements.statements if not isinstance(s, _TRAINING)]
        source = DataFrom(str(data.resolve()), None)
        problem = build(replace(statements, statements=(*kept, source)), None)
        network = problem.network
        assert problem.table is not None
        tape = forward(network, self.values, problem.table.columns)
        used = {name for node in network.equations if node.formula is not None for name in names(node.formula)}
        found = dict[str, Array]()
        for node in network.equations:
            if node.name not in used and not node.made:
                whole = tape.values[node.name].reshape(problem.table.rows, -1)
                entries = node.entries()
                found |= {PLAIN(ref) if len(entries) > 1 else node.name: whole[:, k] for k, ref in enumerate(entries)}
        return found


def at_values(problem: Problem, values: Mapping[str, Array]) -> Problem:
    """A problem with other starting values.

    Raises:
        DataError: values are missing, or of another shape.
    """
    nodes = dict(problem.network.nodes)
    for node in problem.network.parameters:
        value = values.get(node.name)
        if value is None or value.shape != node.shape or not np.isfinite(value).all():
            raise DataError(f"the model is damaged: `{node.name}` is missing, or has another shape than its sheet says")
        nodes[node.name] = replace(node, value=np.asarray(value, np.float64))
    return replace(problem, network=replace(problem.network, nodes=MappingProxyType(nodes)))


@dataclass(frozen=True, eq=False)
class TrainedSheet:
    """A sheet's model and its course: (epochs done, cost then)."""

    model: SheetModel
    title: str
    course: tuple[tuple[int, float], ...]

    def document(self) -> Document:
        """The course of the cost, and the parameters before and after."""
        page = Page(self.title or "A trained sheet")
        page.heading(page.title, 1)
        record = self.model.record
        page.text(f"{record['epochs']:,} epochs in {record['seconds']:.2f} s, by the engine {record['engine']}.")
        xs, ys = zip(*((float(n), c) for n, c in self.course), strict=True)
        log = min(ys) > 0
        page.add(Chart("The course of the cost", "epochs done", "cost", (Series("cost", xs, ys),), log_y=log))
        rows = tuple((str(n), c) for n, c in self.course[:: max(1, len(self.course) // 10)])
        page.add(Table(("epochs done", "cost"), (*rows, (str(self.course[-1][0]), self.course[-1][1]))))
        page.heading("The parameters")
        few = [(n, v) for n, v in self.model.values.items() if v.size <= 100]
        page.add(
            Table(
                ("", "value"),
                tuple(
                    (f"{name}{''.join(f'[{i + 1}]' for i in at)}", float(value[at]))
                    for name, value in few
                    for at in np.ndindex(*value.shape)
                ),
            )
        )
        for name, value in self.model.values.items():
            if value.size > 100:
                page.text(f"`{name}` has {value.size:,} entries; they stand in the model file.")
        return page.done()

    def to_dict(self) -> dict[str, Any]:
        """`backhand.train/1`."""
        return {
            "schema": "backhand.train/1", "sheet": self.model.text, "record": self.model.record,
            "parameters": {name: value.tolist() for name, value in self.model.values.items()},
        }  # fmt: skip


def train_sheet(
    problem: Problem, text: str, epochs: int, threads: int | None = None, progress: Progress | None = None,
    folder: Path = Path(),
) -> TrainedSheet:  # fmt: skip
    """Trains a sheet's network on its own data as it says itself, by a fast engine in float64.

    Args:
        text: the sheet.
        folder: where its `data from` looks for files.

    Raises:
        UsageError: no data, no rate, or a network that no fast engine takes; NumberError: numbers that run away.
    """
    if not has_rows(problem):
        raise UsageError("the sheet has no data to train on", hint="add `data` and its rows, or `data from FILE`")
    began, net, done = time.perf_counter(), open_sheet(problem, threads=threads), 0

    def report(now: int, _: int, cost: float) -> None:
        if progress:
            progress(done + now, epochs, cost)

    course = [(0, _cost(problem, starting_values(problem.network)))]
    for stop in sorted({round(epochs * k / POINTS) for k in range(1, POINTS + 1)} - {0}):
        net.train(stop - done, report)
        done = stop
        course.append((done, _cost(problem, net.parameters())))
    values = {name: np.asarray(value, np.float64) for name, value in net.parameters().items()}
    record = {
        "title": problem.network.title, "epochs": epochs, "updates": net.updates, "engine": net.name,
        "seconds": time.perf_counter() - began, "costs": [list(pair) for pair in course], "versions": versions(),
    }  # fmt: skip
    return TrainedSheet(SheetModel(text, values, record, folder), problem.network.title, tuple(course))


def _cost(problem: Problem, values: Mapping[str, Array]) -> float:
    """The cost of all rows.

    Raises:
        NumberError: it is not finite, naming node and row.
    """
    assert problem.table is not None
    cost = forward(problem.network, values, problem.table.columns).cost
    if not np.isfinite(cost):
        raise NumberError(f"the cost is {cost}", hint="a smaller rate, or scaled inputs")
    return float(cost)


def sheet_model(path: Path, text: str, tensors: dict[str, Array], record: dict[str, Any]) -> SheetModel:
    """A sheet's model from its file's parts.

    Raises:
        DataError: the sheet is none, or its parameters are not those of the file.
    """
    try:
        model = SheetModel(text, {k: np.asarray(v, np.float64) for k, v in tensors.items()}, record, path.parent)
        statements: SheetText = parse(text, path.name)
        plain = [s for s in statements.statements if not isinstance(s, (InlineData, DataFrom))]
        at_values(build(replace(statements, statements=tuple(plain)), None), model.values)
    except BackhandError as problem:
        raise DataError(f"{path} is damaged: {problem.message}") from None
    return model
