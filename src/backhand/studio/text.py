"""A sheet as a text that needs nothing else: what the page opens with."""

from __future__ import annotations

import numpy as np

from ..network.build import Problem, build
from ..network.graph import Node
from ..sheet.edit import written
from ..sheet.model import Assign, DataFrom, InlineData, SheetText
from ..sheet.parse import parse
from ..sheet.write import rows_text, write

MOST_ROWS = 200


def whole_text(sheet: SheetText, problem: Problem) -> tuple[str, str]:
    """The sheet's text, with the values and rows that stand elsewhere written into it; and what was left out."""
    table = problem.table
    elsewhere = any(isinstance(s, DataFrom) for s in sheet.statements) or (
        table is not None and not any(isinstance(s, InlineData) for s in sheet.statements)
    )
    if sheet.text and not elsewhere and not _other_values(problem, build(parse(sheet.text, "the sheet"))):
        return sheet.text, ""
    kept = [s for s in sheet.statements if not isinstance(s, DataFrom | InlineData)]
    others = _other_values(problem, build(SheetText(tuple(kept))))
    told = {node.name for node in others}
    text = write(SheetText(tuple(s for s in kept if not (isinstance(s, Assign) and s.name in told))))
    text += "".join(f"{node.name} = {written(node.value)}\n" for node in others if node.value is not None)
    if table is None:
        return text, ""
    left = f"the page has the first {MOST_ROWS} of {table.rows:,} rows" if table.rows > MOST_ROWS else ""
    return f"{text}data\n{rows_text(table.columns, min(table.rows, MOST_ROWS))}", left


def _other_values(problem: Problem, read: Problem) -> list[Node]:
    """The parameters whose values are not those that the text gives."""

    def same(one: object, other: object) -> bool:
        return (one is None) == (other is None) and (one is None or np.array_equal(np.asarray(one), np.asarray(other)))

    nodes = read.network.nodes
    return [n for n in problem.network.parameters if n.value is not None and not same(n.value, nodes[n.name].value)]
