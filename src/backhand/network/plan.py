"""How a sheet wants its network trained, and the rows it brings along."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..errors import NameProblem, SheetError, nearest
from ..ops.updates import RULES
from ..sheet.model import DataFrom, InlineData, Mode, Rate, SheetText, Statement, Update
from ..sheet.table import Column, Table, read_file, read_rows
from .graph import Network, Plan

Found = TypeVar("Found")


def only(statements: Sequence[Statement], kind: type[Found], sheet: SheetText) -> Found | None:
    """The one statement of a kind; a second one is an error."""
    found = [s for s in statements if isinstance(s, kind)]
    if len(found) > 1:
        word = {"CostLine": "cost", "DataFrom": "data"}.get(kind.__name__, kind.__name__.lower())
        first = sheet.place(getattr(found[0], "span", None))
        raise SheetError(
            f"a sheet has one `{word}`, and this one has {len(found)}",
            place=sheet.place(getattr(found[1], "span", None)),
            expected="one of them",
            got=f"a second one; the first is in line {first.line}" if first else "a second one",
            hint=_MERGED.get(word, f"delete one of the `{word}` lines"),
        )
    return found[0] if found else None


_MERGED = {"cost": "add the costs up in one: cost C = mean((y1 - t1)^2 + (y2 - t2)^2)"}
_FRACTIONS = ("μ", "ρ", "β1", "β2")  # settings that lie from 0 to below 1


def read_plan(statements: Sequence[Statement], sheet: SheetText) -> Plan:
    """Rate, update rule and mode.

    Raises:
        SheetError: unknown rule or mode, a wrong number of settings, numbers outside their range.
    """
    rate, update, mode = (
        only(statements, Rate, sheet),
        only(statements, Update, sheet),
        only(statements, Mode, sheet),
    )
    rule, settings = "sgd", tuple[float, ...]()
    if update:
        rule, settings = update.rule, update.settings
        check_rule(rule, settings, sheet, update)
    if mode:
        check_mode(mode, sheet)
    if rate and not math.isfinite(rate.value):
        raise SheetError(
            "the rate is not a finite number",
            place=sheet.place(rate.span),
            got=str(rate.value),
            hint="rate 0.1",
        )
    return Plan(rate.value if rate else None, rule, settings, mode.kind if mode else "batch", mode.size if mode else 0)


def check_mode(mode: Mode, sheet: SheetText) -> None:
    """Refuses an unknown mode, and a size where none belongs."""
    if (mode.kind, bool(mode.size)) in (("batch", False), ("online", False), ("batches", True)):
        return
    near = nearest(mode.kind, ("batch", "online", "batches"))
    said, hint = f"there is no mode `{mode.kind}`", f"did you mean `mode {near}`?" if near else "mode batch"
    if mode.kind == "batches":
        said, hint = "`mode batches` needs a size", "mode batches of 32"
    elif mode.kind in ("batch", "online"):
        said = f"`mode {mode.kind}` has no size"
        hint = f"did you mean `mode batches of {mode.size}`?"
    elif near == "batches" or (near and mode.size):
        hint = f"did you mean `mode batches of {mode.size or 32}`?"
    raise NameProblem(
        said,
        place=sheet.place(mode.span),
        expected="mode batch, mode online or mode batches of 32",
        got=f"{mode.kind} of {mode.size}" if mode.size else mode.kind,
        hint=hint,
    )


def check_rule(rule: str, settings: tuple[float, ...], sheet: SheetText, update: Update) -> None:
    """Refuses an unknown update rule and numbers that make no sense for it."""
    if rule not in RULES:
        near = nearest(rule, tuple(RULES))
        raise NameProblem(
            f"there is no update rule `{rule}`",
            place=sheet.place(update.span),
            expected=", ".join(RULES),
            got=rule,
            hint=f"did you mean `update {near}`?" if near else "update sgd",
        )
    known = [name for name, _ in RULES[rule].settings]
    if len(settings) > len(known):
        raise SheetError(
            f"`update {rule}` takes {len(known) or 'no'} number{'s' if len(known) != 1 else ''}",
            place=sheet.place(update.span),
            expected=f"update {rule} {' '.join(known)}".strip(),
            got=f"{len(settings)} number{'s' if len(settings) != 1 else ''}",
            hint="the step size is set by `rate`" if not known else "leave the others out",
        )
    for name, value in zip(known, settings, strict=False):
        if not (0 <= value < 1 if name in _FRACTIONS else value >= 0):
            raise SheetError(
                f"{name} of `update {rule}` is {value:g}",
                place=sheet.place(update.span),
                expected="a number from 0 to below 1" if name in _FRACTIONS else "0 or more",
                got=f"{value:g}",
                hint=f"`update {rule}` alone takes {name} = {dict(RULES[rule].settings)[name]:g}",
            )


def read_table(
    statements: Sequence[Statement], network: Network, sheet: SheetText, folder: Path | None
) -> Table | None:
    """The columns of all inputs and targets; vectors are put together from x[1], x[2], …"""
    inline, file = only(statements, InlineData, sheet), only(statements, DataFrom, sheet)
    if inline and file:
        raise SheetError(
            "the sheet has data twice",
            place=sheet.place(file.span),
            expected="`data` or `data from`",
            got="both",
            hint="delete one of them",
        )
    if not inline and not file:
        return None
    wanted: list[Column] = []
    for node in (*network.inputs, *network.targets):
        if node.shape:
            for i in range(1, node.shape[0] + 1):
                wanted.append(Column(f"{node.name}[{i}]", f"{node.label}[{i}]" if node.label else ""))
        else:
            wanted.append(Column(node.name, node.label))
    if inline:
        table = read_rows(inline.text, wanted, sheet.source, inline.offset, sheet.text)
    else:
        assert file is not None
        table = read_file(Path(file.path), wanted, folder, sheet.place(file.span))
    columns: dict[str, np.ndarray] = {}
    for node in (*network.inputs, *network.targets):
        if node.shape:
            parts = [table.columns[f"{node.name}[{i + 1}]"] for i in range(node.shape[0])]
            values = np.stack(parts, axis=1)
            values.setflags(write=False)
            columns[node.name] = values
        else:
            columns[node.name] = table.columns[node.name]
    return Table(columns, table.rows, table.source)
