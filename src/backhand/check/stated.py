"""The sheet that a document states: its equations, its weights and its data, put together."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field

from ..notation.expr import Call, Expr, Ref, calls, names, rewrite
from ..notation.text import SHEET_TEXT
from .mathematics import Unread, prepared, read_side, written_name
from .numbers import NotANumber, read_number
from .statements import statements, text_lines

COSTS = ("C", "J", "E", "L", "cost", "loss", "Cost", "Loss")
_FENCED = re.compile(r"```[a-z]*\n(.*?)```", re.DOTALL)
_RATE = re.compile(r"(?:learning rate|\\alpha|\\eta|[αη])\s*(?:is|of|=|:)?\s*\$?\s*([\d.]+(?:e-?\d+)?)", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_][\u0300-\u036f]?\w*")
_WEIGHT = re.compile(r"[wWbBθβv]")


def sheet_inside(text: str) -> str | None:
    """The sheet that a document holds in a fenced block, which begins as a sheet does (`title`, `input`, `layers`)."""
    for block in _FENCED.findall(text):
        if re.search(r"^\s*(?:input|target|layers|title)\s", block, re.MULTILINE):
            return str(block)
    return None


@dataclass
class _Stated:
    equations: dict[str, Expr] = field(default_factory=dict)
    costs: dict[str, Expr] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    tables: list[tuple[list[str], list[list[str]]]] = field(default_factory=list)


def stated_sheet(text: str) -> str | None:
    """A sheet from what a document states: equations down from its cost, a number for every weight, and a row of data
    (numbers of its inputs, or a table with their names); None where something of it is missing."""
    found = _collected(text)
    for name, cost in found.costs.items():
        needed: dict[str, Expr] = {}
        waiting = [n for n in names(cost) if n != "N"]
        loose: list[str] = []
        while waiting:
            one = waiting.pop(0)
            if one in needed or one in loose:
                continue
            if one in found.equations:
                needed[one] = found.equations[one]
                waiting += names(found.equations[one])
            else:
                loose.append(one)
        weights = [n for n in loose if _WEIGHT.match(n)]
        columns = [n for n in loose if n not in weights]
        rows = _rows(found, columns)
        if not needed or not weights or not columns or not rows or any(w not in found.values for w in weights):
            continue
        targets = [n for n in columns if n in names(cost)]
        inputs = [n for n in columns if n not in targets]
        if not targets or not inputs:
            continue
        rate = _RATE.search(text)
        lines = [
            "input " + ", ".join(inputs), "target " + ", ".join(targets),
            *(f"{n} = {SHEET_TEXT(e)}" for n, e in needed.items()), f"cost {name} = {_cost(cost)}",
            *(f"{w} = {found.values[w]}" for w in weights), *([f"rate {rate[1].rstrip('.')}"] if rate else []),
            "data", ", ".join(columns), *(", ".join(row) for row in rows),
        ]  # fmt: skip
        return "\n".join(lines) + "\n"
    return None


def _cost(expr: Expr) -> str:
    """A cost; one that is divided by N is a sum."""
    if type(expr) is Call and expr.op == "div" and "N" in names(expr.args[1]):
        return f"sum({SHEET_TEXT(expr.args[0])})/({SHEET_TEXT(expr.args[1])})"
    return SHEET_TEXT(expr)


def _collected(text: str) -> _Stated:
    found = _Stated()
    heads = _tables(text, found)
    usual = "relu" if re.search(r"relu", text, re.IGNORECASE) else "sigmoid"
    for statement in statements(text):
        left = re.sub(r"\(.*\)$", "", prepared(statement.sides[0])).strip()
        name = _plain_name(left)
        if name is None:
            continue
        for side in statement.sides[1:]:
            try:
                expr = _named(read_side(prepared(side), heads), usual)
            except Unread:
                continue
            held = names(expr)
            if not held:
                _value(found, name, side)
            elif name in COSTS:
                found.costs.setdefault(name, expr)
            elif name not in held:
                found.equations.setdefault(name, expr)
    return found


def _value(found: _Stated, name: str, side: str) -> None:
    with contextlib.suppress(NotANumber):
        found.values.setdefault(name, repr(read_number(prepared(side)).value))


def _plain_name(left: str) -> str | None:
    name = re.sub(r"[_{}()^\s]", "", written_name(left))
    return name if _NAME.fullmatch(name) and "⟦" not in left and len(name) < 40 else None


def _named(expr: Expr, usual: str) -> Expr:
    """A formula by plain names, its `g` the activation that the document speaks of.

    Raises:
        Unread: it holds partials.
    """

    def change(part: Expr) -> Expr | None:
        if type(part) is Ref:
            return Ref(re.sub(r"[_{}()^\s]", "", part.name))
        if type(part) is Call and part.op == "general":
            if part.prime:
                raise Unread("a derivative")
            return Call("sigmoid" if part.shown == "σ" else usual, (rewrite(part.args[0], change),))
        return None

    made = rewrite(expr, change)
    if any(call.prime for call in calls(made)) or "Partial(" in repr(made):
        raise Unread("a derivative")
    return made


def _tables(text: str, found: _Stated) -> tuple[str, ...]:
    """Collects tables of numbers; gives the words of their heads."""
    words: list[str] = []
    heads: list[str] = []
    for _, line in text_lines(text):
        parts = line.strip().strip("|").split("|") if "|" in line else re.split(r"\t+", line.strip())
        cells = [cell.strip(" $") for cell in parts]
        if len(cells) < 2:
            heads = []
        elif all(_NAME.fullmatch(re.sub(r"[_{}\\]", "", cell)) for cell in cells):
            heads = [re.sub(r"[_{}\\]", "", cell) for cell in cells]
            found.tables.append((heads, []))
            words += [head for head in heads if len(head) > 1 and head.isalpha()]
        elif heads and len(cells) == len(heads):
            try:
                found.tables[-1][1].append([repr(read_number(cell).value) for cell in cells])
            except NotANumber:
                continue
    return tuple(dict.fromkeys(words))


def _rows(found: _Stated, columns: list[str]) -> list[list[str]]:
    """The data: a table that has all of the columns, or one row of numbers that are stated."""
    for heads, rows in found.tables:
        if rows and all(name in heads for name in columns):
            return [[row[heads.index(name)] for name in columns] for row in rows]
    if all(name in found.values for name in columns):
        return [[found.values[name] for name in columns]]
    return []
