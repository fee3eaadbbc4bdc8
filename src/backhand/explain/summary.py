"""A run in short: the cost falling, and where a few rows stand at the end."""

from __future__ import annotations

from ..document.parts import Cell, Document, Formula, Page, Table
from ..engine.run import Run
from ..network.build import Problem
from ..network.graph import Node
from ..notation.expr import Ref
from .course import fallen
from .scene import Scene
from .tables import history_table

ROWS = 6


def summary_document(problem: Problem, run: Run) -> Document:
    """The equations, the cost by epochs, and the outputs beside the targets of the first rows.

    Raises:
        NumberError: the numbers run away after the last epoch.
    """
    network = problem.network
    cost = network.cost
    assert cost is not None
    if run.failure is not None:
        raise run.failure
    assert run.after is not None
    tape, _ = run.after
    page = Page(network.title)
    page.heading(network.title, 2)
    for node in network.equations:
        if node.formula is not None:
            page.add(Formula(Ref(node.name), node.formula))
    page.add(Formula(Ref(cost.name), cost.written))
    page.text(
        f"{tape.count} rows, {network.parameter_count} parameters, {problem.plan.rule} with rate ",
        problem.plan.rate or 0.0, f", {run.epochs} epochs.",
    )  # fmt: skip
    page.add(history_table(run, cost.name, 12))
    page.add(fallen(problem, run, tape.cost))
    scene = Scene(tape, None, 0, {})
    shown = [*network.inputs, *network.targets, *network.outputs, *_compared(problem)]
    refs = list(dict.fromkeys(ref for node in shown for ref in node.entries(8)))
    rows: list[tuple[Cell, ...]] = [
        (str(tape.rows[i]), *(float(tape.value(r, i)) for r in refs)) for i in range(min(ROWS, tape.count))
    ]
    page.add(Table(("row", *(scene.named(r) for r in refs)), tuple(rows), "The first rows at the last weights"))
    return page.done()


def _compared(problem: Problem) -> list[Node]:
    """Targets as the cost sees them, where an equation scales them."""
    from ..notation.expr import names

    cost = problem.network.cost
    assert cost is not None
    targets = {t.name for t in problem.network.targets}
    return [
        n
        for n in problem.network.equations
        if n.name in names(cost.own) and n.formula is not None and targets & set(names(n.formula))
    ]
