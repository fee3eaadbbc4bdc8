"""How a table goes on a page: how wide its columns are, which are broken into lines, which stand together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..document.parts import Cell, Table
from ..notation.expr import Expr
from ..notation.latex import LatexPrinter
from .width import text_width, width
from .words import words

PAGE = 44.0  # em of a line in a table, whose type is small
COLUMN = 0.9  # em between two columns
WIDEST = 20.0  # a wider column is broken into lines


@dataclass(frozen=True)
class Columns:
    """The columns of a table on a page.

    Attributes:
        heads, rows: the cells in LaTeX.
        numeric: which columns hold numbers alone.
        broken: the width, in em, of the columns that are broken into lines.
        groups: which columns stand together; a table that is too wide is split, its first columns repeated.
    """

    heads: list[str]
    rows: list[list[str]]
    numeric: list[bool]
    broken: dict[int, float]
    groups: list[list[int]]


def columns_of(table: Table, printer: LatexPrinter) -> Columns:
    """The columns of a table on a page of A4 or letter."""
    columns = range(len(table.columns))
    heads = [cell_latex(c, printer) for c in table.columns]
    rows = [[cell_latex(c, printer) for c in row] for row in table.rows]
    sizes = [max(map(_cell_width, [heads[i], *(row[i] for row in rows)])) + COLUMN for i in columns]
    numeric = [bool(table.rows) and all(isinstance(r[i], float | int) for r in table.rows) for i in columns]
    wide = [i for i in columns if sizes[i] > WIDEST and not numeric[i]]
    if wide:
        left = max(PAGE - sum(sizes[i] for i in columns if i not in wide), 12.0 * len(wide))
        for i in wide:
            sizes[i] = min(sizes[i], left / len(wide))
    return Columns(heads, rows, numeric, {i: sizes[i] - COLUMN for i in wide}, _groups(sizes, table.stub))


def _groups(sizes: Sequence[float], stub: int) -> list[list[int]]:
    first = list(range(stub))
    start = sum(sizes[:stub])
    groups, used = [[*first]], start
    for i in range(stub, len(sizes)):
        if len(groups[-1]) > stub and used + sizes[i] > PAGE:
            groups.append([*first])
            used = start
        groups[-1].append(i)
        used += sizes[i]
    return groups


def cell_latex(cell: Cell, printer: LatexPrinter) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return words(cell)
    return f"${printer(cell) if isinstance(cell, Expr) else printer.number(cell)}$"


def _cell_width(cell: str) -> float:
    """Formulas inside a line have small fractions."""
    if cell.startswith("$") and "\\frac" in cell and "\\begin" not in cell:
        return 0.75 * width(cell.strip("$"))
    return width(cell.strip("$")) if cell.startswith("$") else text_width(cell)
