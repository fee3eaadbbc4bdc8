"""The page of a trained model: columns, network, course, and the model beside the baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..document.parts import Chart, Document, Grid, Page, Series, Table
from .diagnose import by_kind
from .prepare import CLASSIFICATION, Target
from .table import DATE

if TYPE_CHECKING:
    from .run import Trained

POINTS = 400  # of a chart
CLASSES = 20  # of a confusion matrix


def trained_page(trained: Trained) -> Document:
    """All of it."""
    target = trained.model.preparation.target
    page = Page(f"{target.name} from {trained.table.source}")
    page.heading(page.title, 1)
    _table(page, trained)
    _network(page, trained)
    if trained.search is not None:
        _search(page, trained)
    _course(page, trained)
    page.heading("On the rows held out")
    page.note("They chose the epoch too, so the network's own figures are a little too good.")
    heads = tuple(name for name, _ in trained.scores[0].figures)
    rows = tuple((s.name, *(_known(value) for _, value in s.figures)) for s in trained.scores)
    page.add(Table(("", *heads), rows))
    page.add(_confusion(trained) if target.task == CLASSIFICATION else _against(trained))
    return page.done()


def _table(page: Page, trained: Trained) -> None:
    page.heading("The table")
    preparation, table = trained.model.preparation, trained.table
    page.text(
        f"{table.rows:,} rows; {len(trained.training):,} for training, {len(trained.held_out):,} held out."
        f" {preparation.target.name} is {_said(preparation.target)}."
    )
    rows = []
    for column in preparation.columns:
        said = column.kind + (f": {len(column.categories)} inputs" if column.categories else "")
        said += f", missing ones become {column.fill:g}" if column.fill is not None else ""
        note = table.column(column.name).note
        rows.append((column.name, said + (f" ({note})" if note else ""), str(table.column(column.name).missing or "")))
    page.add(Table(("column", "goes in as", "missing"), tuple(rows)))


def _said(target: Target) -> str:
    if target.kind == DATE:
        middle = np.datetime64(round(target.mean), "D")
        return f"a date, {middle} on average, standard deviation {target.spread:.6g} days"
    if target.task != CLASSIFICATION:
        return f"a number, {target.mean:.6g} on average, standard deviation {target.spread:.6g}"
    more = ", …" if len(target.classes) > 10 else ""
    return f"one of {len(target.classes)} classes: {', '.join(target.classes[:10])}{more}"


def _network(page: Page, trained: Trained) -> None:
    fitted, settings = trained.fitted, trained.settings
    page.heading("The network")
    sizes = " → ".join(map(str, fitted.plan.sizes))
    activations = ", ".join(dict.fromkeys(settings.activations)) or "no hidden layer"
    batch = f"batches of {settings.batch}" if settings.batch else "all rows at once"
    page.text(
        f"{sizes}, {activations}, {fitted.plan.weight_count:,} parameters; cost {fitted.plan.cost},"
        f" {fitted.plan.rule}, rate {fitted.plan.rate:g}, {batch}."
    )


def _search(page: Page, trained: Trained) -> None:
    search = trained.search
    assert search is not None
    lowest = search.rates[int(np.argmin(search.costs))]
    page.heading("The rate")
    page.text(
        f"{len(search.rates)} rates, {search.steps} steps at each from the same start. The cost falls from"
        f" {search.start:.6g} to {min(search.costs):.6g} at {lowest:g}; {search.best:g}, the smallest rate that does"
        " nearly as well, was taken."
    )
    known = [(r, c) for r, c in zip(search.rates, search.costs, strict=True) if c <= 3 * search.start]
    costs = Series("cost", tuple(r for r, _ in known), tuple(c for _, c in known))
    page.add(Chart(f"after {search.steps} steps", "rate", "cost", (costs,), log_x=True))


def _course(page: Page, trained: Trained) -> None:
    fitted = trained.fitted
    page.heading("The course")
    page.text(
        f"{len(fitted.epochs)} epochs in {fitted.seconds:.2f} s, by the engine {fitted.engine}; ended:"
        f" {fitted.stopped}. The weights are those of epoch {fitted.best}."
    )
    for said in by_kind(fitted.findings):
        page.text(said, kind="warning")
    best = fitted.epochs[fitted.best - 1]
    numbers = tuple(float(e.number) for e in fitted.epochs)
    chosen = _some(len(numbers), always=(0, best.number - 1, len(numbers) - 1))
    page.add(
        Chart(
            "The course of the cost", "epoch", "cost",
            (
                Series("rows held out", _picked(numbers, chosen), _picked([e.judged for e in fitted.epochs], chosen)),
                Series("rows for training", _picked(numbers, chosen), _picked([e.cost for e in fitted.epochs], chosen)),
            ), log_y=True,
        )
    )  # fmt: skip
    few = _some(len(numbers), 10, (0, best.number - 1, len(numbers) - 1))
    rows = tuple((str(e.number), e.cost, e.validation) for e in (fitted.epochs[i] for i in few))
    said = f"lowest on the rows held out: {best.judged:.6g} in epoch {best.number}"
    page.add(Table(("epoch", "cost", "cost of the rows held out"), rows, said))


def _known(value: float) -> float | str:
    """A figure; nothing where it has no value, as R² of a single row."""
    return value if np.isfinite(value) else "–"


def _some(count: int, most: int = POINTS, always: tuple[int, ...] = ()) -> list[int]:
    """At most so many numbers below `count`, evenly, and some always."""
    return sorted({*range(0, count, max(1, -(-count // most))), *always})


def _picked(values: Any, chosen: list[int]) -> tuple[float, ...]:
    return tuple(float(values[i]) for i in chosen)


def _against(trained: Trained) -> Chart:
    target = trained.model.preparation.target
    true, found = target.back(trained.true[:, 0]), target.back(trained.found[:, 0])
    chosen = _some(len(true))
    low, high = float(min(true.min(), found.min())), float(max(true.max(), found.max()))
    line = Series("predicted = true", (low, high), (low, high))
    points = Series(f"{target.name}, {len(chosen)} rows", _picked(true, chosen), _picked(found, chosen), line=False)
    return Chart("Predicted against true", "true", "predicted", (line, points))


def _confusion(trained: Trained) -> Grid | Table:
    """How many rows of each class (a line) were taken for each class (a column)."""
    classes = trained.model.preparation.target.classes
    taken = trained.found.argmax(1)
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (trained.true, taken), 1)
    if len(classes) > CLASSES:
        wrong = counts.copy()
        np.fill_diagonal(wrong, 0)
        worst = np.argsort(-wrong, axis=None, kind="stable")[:10]
        pairs = [divmod(int(place), len(classes)) for place in worst]
        mistakes = tuple((classes[i], classes[j], str(wrong[i, j])) for i, j in pairs if wrong[i, j])
        return Table(("is", "was taken for", "rows"), mistakes, "the commonest mistakes", stub=2)
    return Grid("Confusion of the classes", "is", "taken for", classes, classes, tuple(map(tuple, counts.tolist())))
