"""Files that were dropped on the page: a table becomes a sheet that learns it, a model a sheet at its weights."""

from __future__ import annotations

import re
import tempfile
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BackhandError, DataError, UsageError
from ..sheet.model import DataFrom, SheetText
from ..sheet.parse import parse
from ..sheet.write import rows_text, write
from .asked import SCHEMA, Answer, Asked, opened
from .text import MOST_ROWS, whole_text

if TYPE_CHECKING:
    from ..train.prepare import Preparation
    from ..train.table import Table

MOST_INPUTS = 24
MOST_CATEGORIES = 12  # of a column of words; one with more is left out, such as names
HIDDEN = 6


def table_answer(asked: Asked) -> Answer:
    """A sheet for a table: its last column from the others, prepared as `train` prepares them.

    Args:
        asked: table (a CSV file in base 64), title.
    Raises:
        DataError: no table, or one from which nothing can be learnt.
    """
    from ..train.prepare import CLASSIFICATION, prepare
    from ..train.table import CATEGORY, read_table

    with _file(asked, "table") as path:
        table = read_table(path)
        *others, target = table.columns
        words = [c.name for c in others if c.kind == CATEGORY and len(c.categories) > MOST_CATEGORIES]
        same = [c.name for c in others if c.name not in words and table.frame[c.name].n_unique() < 2]
        kept = [c.name for c in others if c.name not in (*words, *same)]
        if not kept:
            raise DataError("the table has no columns to learn from", expected="inputs, and the target last")
        whole = table.without_gaps([*kept, target.name])
        preparation = prepare(whole, target.name, np.arange(whole.rows), ignore=[*words, *same])
        if len(preparation.inputs) > MOST_INPUTS:
            said = f"the table gives {len(preparation.inputs)} inputs"
            raise DataError(said, expected=f"{MOST_INPUTS} at most", hint="backhand train TABLE")
        shares = preparation.target.task == CLASSIFICATION
        if shares and len(preparation.target.classes) > MOST_CATEGORIES:
            said = f"`{target.name}` has {len(preparation.target.classes)} classes"
            raise DataError(said, expected=f"{MOST_CATEGORIES} at most", hint="another last column")
        text = _sheet(preparation, whole, str(asked.get("title", "")) or "A table", [*words, *same], table.rows)
    opened(text)
    return {"schema": SCHEMA, "text": text}


def _sheet(preparation: Preparation, table: Table, title: str, left: list[str], all_rows: int) -> str:
    """The sheet of a prepared table: so many rows of it, evenly over the whole."""
    target = preparation.target
    rows = np.unique(np.linspace(0, table.rows - 1, min(table.rows, MOST_ROWS)).astype(int))
    x, y = preparation.matrix(table)[rows], preparation.targets(table)[rows]
    names = _names([*preparation.inputs, target.name])
    *inputs, t = names
    notes = [
        f"# {_plain(c.name)}: less {c.mean:.6g}, through {c.spread:.6g}"
        for c in preparation.columns
        if not c.categories
    ]
    columns = {name: np.asarray(x[:, k], np.float64).round(4) for k, name in enumerate(inputs)}
    count, own = len(target.classes), _plain(target.name)
    if count > 2:
        notes.append(f"# {own}: " + ", ".join(f"{k} {_plain(c)}" for k, c in enumerate(target.classes, 1)))
        end, cost, declared = f"{count} softmax as p", f"cross_entropy(p, {t})", f"{t}[{count}]"
        columns[t] = np.eye(count)[y]
    elif count:
        notes.append(f"# {t} is 1 for {_plain(target.classes[1])}")
        end, cost, declared = "1 sigmoid as p", f"binary_cross_entropy(p, {t})", t
        columns[t] = np.asarray(y, np.float64).reshape(-1)
    else:
        notes.append(f"# {own}: less {target.mean:.6g}, through {target.spread:.6g}")
        end, cost, declared = "1 linear as y", f"mse(y, {t})", t
        columns[t] = np.asarray(y, np.float64).reshape(-1).round(4)
    shown = ", ".join(f'{name} "{_quoted(said)}"' for name, said in zip(inputs, preparation.inputs, strict=True))
    gaps = all_rows - table.rows
    lines = [
        f'title "{_quoted(title)}"',
        *notes,
        *([f"# Left out: {_plain(', '.join(left))}"] if left else []),
        *([f"# {gaps:,} rows lack values and are left out"] if gaps else []),
        *([f"# {len(rows):,} of {table.rows:,} rows, evenly"] if len(rows) < table.rows else []),
        f"input {shown}",
        f'target {declared} "{_quoted(target.name)}"',
        f"layers {', '.join(inputs)} -> {HIDDEN} tanh -> {end}",
        f"cost C = {cost}",
        "start xavier seed 1",
        "rate 0.1",
        "",
        "data",
    ]
    return "\n".join(lines) + "\n" + rows_text(columns, len(rows))


def model_answer(asked: Asked) -> Answer:
    """A model's network at its weights, as a sheet.

    Args:
        asked: model (a .bhm file in base 64); table (in base 64) where the model is of a table: its rows are not in it.
    Raises:
        DataError: no model, or a table that does not fit it; UsageError: the table is needed.
    """
    from ..train.by_hand import model_problem
    from ..train.model import Model, load_model

    with _file(asked, "model") as path:
        model = load_model(path)
        if isinstance(model, Model):
            if "table" not in asked:
                raise UsageError("a model of a table does not hold its rows", hint="drop the table that it is of, too")
            with _file(asked, "table") as table:
                text, problem, _said = model_problem(path, table)
            found, _left = whole_text(SheetText(parse(text, "model").statements), problem)
        else:
            sheet = parse(model.text, "model")
            own = replace(sheet, statements=tuple(s for s in sheet.statements if not isinstance(s, DataFrom)))
            problem = replace(model, text=write(own)).by_hand()
            found, _left = whole_text(SheetText(own.statements), problem)
    opened(found)
    return {"schema": SCHEMA, "text": found}


@contextmanager
def _file(asked: Asked, name: str) -> Iterator[Path]:
    """What was sent as a file of its own, for as long as it is read; messages call it what it is."""
    try:
        content = b64decode(str(asked.get(name, "")), validate=True)
    except ValueError:
        raise UsageError(f"the {name} did not arrive whole", hint="drop it again") from None
    if not content.strip():
        raise DataError(f"the {name} is empty")
    if name == "table" and (b"\0" in content or not _is_text(content)):  # polars would unpack it, however large
        raise DataError("the table is no text", expected="CSV in UTF-8", hint="save it as CSV")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path = path.with_suffix(".csv" if name == "table" else ".bhm")
        path.write_bytes(content)
        try:
            yield path
        except BackhandError as problem:
            problem.message = problem.message.replace(str(path), f"the {name}").replace(path.name, f"the {name}")
            raise


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True


def _names(heads: list[str]) -> list[str]:
    """A name of the sheet's language for each column, no two alike."""
    found: list[str] = []
    for k, head in enumerate(heads, 1):
        plain = re.sub(r"\W+", "_", head).strip("_")
        good = re.fullmatch(r"[A-Za-z]\w*", plain) and not re.fullmatch(r"[aAzZWb]\d*", plain)
        name = f"{plain}_in" if good and plain.lower() in _WORDS else plain if good else f"x_{k}"
        taken = {*found, "y", "p", "C", "N"}
        tried = chain([name], (f"x_{n}" for n in count(k)))
        found.append(next(one for one in tried if one not in taken))
    return found


_WORDS = {
    "title", "input", "target", "const", "layers", "start", "cost", "rate", "update", "mode", "data", "exp", "log",
    "abs", "max", "min", "sum", "mean", "step", "linear", "sqrt",
}  # fmt: skip


def _quoted(text: str) -> str:
    return _plain(text).replace('"', "'")[:60]


def _plain(text: str) -> str:
    return " ".join(text.split())[:200]
