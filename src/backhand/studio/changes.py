"""One thing in the sheet changed, the rest of its text as it was."""

from __future__ import annotations

from ..errors import UsageError
from ..network.build import Problem
from ..notation.expr import Call, Ref
from ..ops.vocabulary import ACTIVATION_NAMES
from ..sheet import edit
from ..sheet.parse import parse_name
from .asked import SCHEMA, Answer, Asked, number, opened, sheet_text, whole


def edit_answer(asked: Asked) -> Answer:
    """The sheet's text with one thing in it changed.

    Args:
        asked: text; what (value, cell, rate, rule, mode, start, cost, activation), name, row, value.
    """
    sheet, problem = opened(sheet_text(asked))
    what, name, value = str(asked.get("what")), str(asked.get("name", "")), asked.get("value")
    if what == "value":
        node, index = problem.network.find(parse_name(name))
        values = {n.name: n.value for n in problem.network.parameters if n.value is not None}
        new = edit.with_value(sheet, values, node.name, tuple(i - 1 for i in index), number(value))
    elif what == "cell":
        new = edit.with_cell(sheet, whole(asked, "row", 1, 10**9), name, number(value))
    elif what == "rate":
        new = edit.with_rate(sheet, number(value))
    elif what == "activation":
        if value not in ACTIVATION_NAMES:
            raise UsageError(f"there is no activation `{value}`", expected=", ".join(ACTIVATION_NAMES))
        new = edit.with_activation(sheet, _activated(problem, name), str(value), ACTIVATION_NAMES)
    elif what in ("rule", "mode", "start", "cost"):
        change = {"rule": edit.with_rule, "mode": edit.with_mode, "start": edit.with_start, "cost": edit.with_cost}
        new = change[what](sheet, str(value))
    else:
        raise UsageError(f"there is nothing called `{what}` to change")
    opened(new)  # what would be no sheet is not given back
    return {"schema": SCHEMA, "text": new}


def _activated(problem: Problem, name: str) -> str:
    """The node whose activation is meant: a z stands within the one that is made of it."""
    node, _ = problem.network.find(parse_name(name))
    for other in problem.network.equations:
        formula = other.formula
        inner = formula.args[0] if type(formula) is Call and formula.op in ACTIVATION_NAMES else None
        if type(inner) is Ref and inner.name == node.name:
            return other.name
    return node.name
