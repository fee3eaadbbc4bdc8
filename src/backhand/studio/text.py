"""A sheet as a text that needs nothing else: what the page opens with."""

from __future__ import annotations

from ..network.build import Problem
from ..notation.expr import names
from ..sheet.edit import written
from ..sheet.model import Assign, DataFrom, InlineData, SheetText, Start
from ..sheet.write import rows_text, write

MOST_ROWS = 200


def whole_text(sheet: SheetText, problem: Problem) -> tuple[str, str]:
    """The sheet's text, with the values and rows that stand elsewhere written into it; and what was left out."""
    statements = sheet.statements
    drawn = any(isinstance(s, Start) for s in statements)
    valued = {s.name for s in statements if isinstance(s, Assign) and not names(s.value)}
    told = [n for n in problem.network.parameters if n.value is not None and n.name not in valued]
    table = problem.table
    outside = any(isinstance(s, DataFrom) for s in statements) or (
        table is not None and not any(isinstance(s, InlineData) for s in statements)
    )
    if sheet.text and not outside and (drawn or not told):
        return sheet.text, ""
    text = write(SheetText(tuple(s for s in statements if not isinstance(s, DataFrom | InlineData))))
    if not drawn:
        text += "".join(f"{node.name} = {written(node.value)}\n" for node in told if node.value is not None)
    if table is None:
        return text, ""
    left = f"the page has the first {MOST_ROWS} of {table.rows:,} rows" if table.rows > MOST_ROWS else ""
    return f"{text}data\n{rows_text(table.columns, min(table.rows, MOST_ROWS))}", left
