"""Writes statements back as the text of a sheet; `parse(write(s)) == s`."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from ..notation.numbers import FULL
from ..notation.text import SHEET_TEXT
from .model import (
    Assign,
    Const,
    CostLine,
    DataFrom,
    Declared,
    InlineData,
    Inputs,
    Layers,
    Mode,
    Rate,
    SheetText,
    Start,
    Statement,
    Targets,
    Title,
    Update,
)


def write(sheet: SheetText) -> str:
    """The sheet's text: one statement a line, data at the end as it stood."""
    rows = [s for s in sheet.statements if isinstance(s, InlineData)]
    lines = [_line(s) for s in sheet.statements if not isinstance(s, InlineData)]
    text = "\n".join(lines) + "\n"
    return text + f"data\n{rows[0].text}" if rows else text


def rows_text(columns: Mapping[str, np.ndarray], count: int) -> str:
    """The first rows of a table as they stand behind `data`: a head, then a line for each."""
    heads, flat = [], []
    for name, values in columns.items():
        entries = values.reshape(len(values), -1).T
        heads += [name] if values.ndim == 1 else [f"{name}[{k}]" for k in range(1, len(entries) + 1)]
        flat += list(entries)
    lines = [", ".join(FULL.text(float(column[i])) for column in flat) for i in range(count)]
    return "\n".join([", ".join(heads), *lines]) + "\n"


def _declared(word: str, items: tuple[Declared, ...]) -> str:
    def one(item: Declared) -> str:
        size = f"[{item.size}]" if item.size else ""
        return item.name + size + (f" {_quoted(item.label)}" if item.label else "")

    return f"{word} {', '.join(map(one, items))}"


def _quoted(text: str) -> str:
    """A text in quotes. The language has no way to write a quote or a line end inside; they become ' and a space."""
    return '"' + re.sub(r"[\r\n]+", " ", text.replace('"', "'")) + '"'


def _numbers(values: tuple[float, ...]) -> str:
    return "".join(f" {FULL.text(v)}" for v in values)


def _line(statement: Statement) -> str:
    match statement:
        case Title(text=text):
            return f"title {_quoted(text)}"
        case Inputs(items=items):
            return _declared("input", items)
        case Targets(items=items):
            return _declared("target", items)
        case Const(name=name, value=value):
            return f"const {name} = {SHEET_TEXT(value)}"
        case Assign(name=name, value=value):
            return f"{name} = {SHEET_TEXT(value)}"
        case CostLine(name=name, value=value):
            return f"cost {name} = {SHEET_TEXT(value)}"
        case Layers(inputs=inputs, layers=layers, output=output):
            parts = [", ".join(i.name for i in inputs)]
            for layer in layers:
                parts.append(f"-> {layer.size} {layer.activation}".rstrip() + _numbers(layer.settings))
            return " ".join(["layers", *parts]) + (f" as {output}" if output else "")
        case Start(scheme="fixed", weights=weights, biases=biases):
            given = (("weights", weights), ("biases", biases))
            return "start " + ", ".join(f"{word} {FULL.text(v)}" for word, v in given if v is not None)
        case Start(scheme=scheme, seed=seed):
            return f"start {scheme}" + ("" if seed is None else f" seed {seed}")
        case Rate(value=number):
            return f"rate {FULL.text(number)}"
        case Update(rule=rule, settings=settings):
            return f"update {rule}{_numbers(settings)}"
        case Mode(kind=kind, size=size):
            return f"mode {kind}" + (f" of {size}" if size else "")
        case DataFrom(path=path):
            return f"data from {_quoted(path)}"
    raise TypeError(f"no text for {statement!r}")
