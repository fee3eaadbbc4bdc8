"""Changes a sheet's text where one thing in it stands, and leaves the rest as it was typed, remarks included."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Mapping

import numpy as np

from ..errors import UsageError
from ..notation.expr import Call, names
from ..notation.numbers import FULL
from .model import Assign, Const, CostLine, InlineData, Layers, Mode, Rate, SheetText, Start, Update

Values = Mapping[str, np.ndarray]


def with_value(sheet: SheetText, values: Values, name: str, place: tuple[int, ...], value: float) -> str:
    """The sheet with another number for a parameter or a constant, or for an entry of one.

    Args:
        values: what every parameter starts with, for those that a `start` line fills.
        place: of the entry, from 0.
    """
    stands = next(
        (s for s in sheet.statements if isinstance(s, Assign | Const) and s.name == name and not names(s.value)), None
    )
    whole = np.array(values[name] if place else value, dtype=float)
    if place:
        whole[place] = value
    new = written(whole)
    if stands is None:
        return _before_data(sheet, f"{name} = {new}")
    assert stands.value.span is not None
    return _put(sheet.text, stands.value.span, new)


def with_rate(sheet: SheetText, rate: float) -> str:
    return _statement(sheet, Rate, f"rate {FULL.text(rate)}", "rate", FULL.text(rate))


def with_rule(sheet: SheetText, rule: str) -> str:
    """With another rule of update; `adam`, `momentum 0.9`."""
    return _statement(sheet, Update, f"update {rule}", "update", rule)


def with_mode(sheet: SheetText, mode: str) -> str:
    return _statement(sheet, Mode, f"mode {mode}", "mode", mode)


def with_start(sheet: SheetText, start: str) -> str:
    """With another `start` line; what has a value of its own keeps it."""
    return _statement(sheet, Start, f"start {start}", "start", start)


def with_cost(sheet: SheetText, formula: str) -> str:
    """With another formula behind the cost's name."""
    line = next((s for s in sheet.statements if isinstance(s, CostLine)), None)
    if line is None:
        return _before_data(sheet, f"cost C = {formula}")
    assert line.value.span is not None
    return _put(sheet.text, line.value.span, formula)


def with_activation(sheet: SheetText, name: str, activation: str, known: Collection[str]) -> str:
    """With another activation around an equation, or in the `layers` line that gives a name.

    Args:
        known: the activations there are; another function is no activation, and stays.
    Raises:
        UsageError: no equation of that name stands in the sheet.
    """
    number = 0
    for made in (s for s in sheet.statements if isinstance(s, Layers)):
        for layer in made.layers:
            number += 1
            if name == (made.output if layer is made.layers[-1] and made.output else f"a{number}"):
                assert layer.span is not None
                said = activation + {"leaky": " 0.1", "elu": " 1"}.get(activation, "")
                if layer.activation:
                    return _put(sheet.text, layer.span, said)
                return _put(sheet.text, (layer.span[1], layer.span[1]), f" {said}")
    line = next((s for s in sheet.statements if isinstance(s, Assign) and s.name == name and names(s.value)), None)
    if line is None or line.value.span is None:
        raise UsageError(f"no equation for `{name}` stands in the sheet", hint="change it in the sheet's text")
    start, end = line.value.span
    text = sheet.text[start:end]
    called = re.match(r"\w+\s*\(", text)
    inner = text
    if called and isinstance(line.value, Call) and line.value.op in known:
        inner = text[called.end() : -1].strip()
        if len(line.value.args) > 1:  # leaky(z, 0.1): the number goes
            inner = inner.rpartition(",")[0].strip()
    extra = {"leaky": ", 0.1", "elu": ", 1"}.get(activation, "")
    return _put(sheet.text, line.value.span, inner if activation == "linear" else f"{activation}({inner}{extra})")


def with_cell(sheet: SheetText, row: int, column: str, value: float) -> str:
    """With another number in a row (from 1) of the sheet's data.

    Raises:
        UsageError: the rows do not stand in the sheet, or have no such column.
    """
    data = next((s for s in sheet.statements if isinstance(s, InlineData)), None)
    if data is None:
        raise UsageError("the rows do not stand in the sheet, so they cannot be changed here")
    lines = data.text.splitlines(keepends=True)
    told = [k for k, line in enumerate(lines) if line.strip() and not line.strip().startswith("#")]
    heads = [head.strip() for head in next(csv.reader([lines[told[0]]]))]
    if column not in heads or not 1 <= row < len(told):
        raise UsageError(f"there is no {column} in row {row}", expected=f"rows 1 to {len(told) - 1}")
    cells = next(csv.reader([lines[told[row]]], skipinitialspace=True))
    cells[heads.index(column)] = FULL.text(value)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    lines[told[row]] = out.getvalue()
    at = sheet.text.rindex(data.text)
    return sheet.text[:at] + "".join(lines) + sheet.text[at + len(data.text) :]


def written(value: np.ndarray) -> str:
    """A number, a vector or a matrix as it is typed in a sheet."""
    if value.ndim == 0:
        return FULL.text(float(value))
    return "[" + ", ".join(map(written, value)) + "]"


def _put(text: str, span: tuple[int, int], new: str) -> str:
    return text[: span[0]] + new + text[span[1] :]


Once = Rate | Update | Mode | Start


def _statement(sheet: SheetText, kind: type[Once], line: str, word: str, behind: str) -> str:
    """With another statement of a kind that is there once at most."""
    old = next((s for s in sheet.statements if isinstance(s, Once) and isinstance(s, kind)), None)
    if old is None or old.span is None:
        return _before_data(sheet, line)
    start, end = old.span
    ends = re.compile(r"[;#\n]|$").search(sheet.text, end)
    assert ends is not None
    begins = sheet.text.rindex(word, 0, start + len(word))
    rest = sheet.text[ends.start() :]
    return f"{sheet.text[:begins]}{word} {behind}{' ' if rest[:1] == '#' else ''}{rest}"


def _before_data(sheet: SheetText, line: str) -> str:
    data = next((s for s in sheet.statements if isinstance(s, InlineData)), None)
    if data is None or data.span is None:
        return f"{sheet.text.rstrip()}\n{line}\n"
    at = data.span[0]
    return f"{sheet.text[:at].rstrip()}\n{line}\n\n{sheet.text[at:]}"
