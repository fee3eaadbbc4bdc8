"""What stands in the cells of a workbook, before any of it is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from ..engine.run import Run
from ..errors import UsageError
from ..network.build import Problem
from ..notation.numbers import FULL
from ..notation.spreadsheet import Cell
from ..notation.text import TextPrinter

MOST_COLUMNS = 16_000
NAMES_SHEET = "backhand"
NETWORK, DATA, AFTER, DIAGRAM = "Network", "Data", "After", "Diagram"


@dataclass(frozen=True)
class Entry:
    """What stands in a cell.

    Attributes:
        kind: title, head, letters, hint (letters that a worksheet leaves out), words, note, input (may be changed),
            given (is copied), number.
        text: for words, or what `formula` says in letters.
        formula: behind the `=`; none for inputs and words.
        value: the number, or the text that a formula gives.
        asks: as which answer a worksheet asks for it.
    """

    kind: str
    text: str = ""
    formula: str | None = None
    value: float | str | None = None
    asks: str = ""


@dataclass
class Plan:
    """The cells of a workbook, sheet by sheet in order, and what its pictures refer to."""

    title: str
    sheets: dict[str, dict[tuple[int, int], Entry]] = field(default_factory=dict)
    costs: tuple[tuple[Cell, Cell], ...] = ()  # epochs, costs: first and last cell
    first: dict[str, Cell] = field(default_factory=dict)  # of the first step's first row, by key

    def put(self, cell: Cell, entry: Entry) -> Cell:
        sheet, row, column = cell
        if column > MOST_COLUMNS:
            raise UsageError(
                f"this network needs more than {MOST_COLUMNS:,} columns, and a workbook has no more",
                hint="-o work.html or --json take it",
            )
        self.sheets.setdefault(sheet, {})[row, column] = entry
        return cell

    @property
    def size(self) -> int:
        return sum(map(len, self.sheets.values()))


@dataclass
class Whole:
    """What all sheets of a workbook share.

    Attributes:
        values: the cells of what stands still (constants, starting values, settings), by name.
        inputs: the cells of the data, by name and row.
        per_epoch: how many steps an epoch has.
    """

    problem: Problem
    run: Run
    plan: Plan
    per_epoch: int
    values: dict[str, Cell] = field(default_factory=dict)
    inputs: dict[tuple[str, int], Cell] = field(default_factory=dict)
    letters: TextPrinter = field(default_factory=lambda: TextPrinter(FULL, limit=12))


def fingerprint(problem: Problem) -> str:
    """Letters that tell a sheet from every other: by its equations, its numbers and how it is updated."""
    network, printed = problem.network, TextPrinter(FULL)
    formulas = [f"{node.name} = {printed(node.formula)}" for node in network.equations if node.formula is not None]
    cost = printed(network.cost.written) if network.cost is not None else ""
    found = sha256("\n".join([*formulas, cost, repr(problem.plan)]).encode())
    columns = problem.table.columns if problem.table else {}
    for name, values in ({n.name: n.value for n in network.nodes.values() if n.value is not None} | columns).items():
        found.update(name.encode() + values.tobytes())
    return found.hexdigest()[:16]


def questions(plan: Plan) -> Iterator[tuple[str, int, int, str]]:
    """Every cell that a worksheet asks for: sheet, row, column (from 0) and the answer's name."""
    for sheet, cells in plan.sheets.items():
        for (row, column), entry in cells.items():
            if entry.asks:
                yield sheet, row, column, entry.asks
