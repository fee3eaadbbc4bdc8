"""A trained model on rows of data, for `show` and `why`: the same working as on paper."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..errors import DataError, UsageError
from ..network.build import Problem
from .model import Model, load_model
from .prepare import CLASSIFICATION, DROP
from .stream import batches
from .table import BOOLEAN, CATEGORY, NUMBER

ROWS = 10_000  # at most so many are worked by hand


def model_problem(path: Path, data: Path | None = None) -> tuple[str, Problem, list[str]]:
    """A model's sheet, its network at the trained weights with rows of data, and what should be said of them.

    Args:
        data: a table with the target; None for the one that the model was trained on.
    Raises:
        UsageError: no model, or its data is not there; DataError: a damaged model, or data that does not fit it.
    """
    model = load_model(path)
    if not isinstance(model, Model):
        if data is not None:
            raise UsageError("this model is of a sheet, which has its own data", hint="leave out --data")
        return model.text, model.by_hand(), []
    recorded = model.record.get("path")
    source = data or (Path(str(recorded)) if recorded else None)
    if source is not None and not source.is_file() and (path.parent / source.name).is_file() and data is None:
        source = path.parent / source.name  # beside the model
    if source is None or not source.is_file():
        raise UsageError(
            f"the data that {path} was trained on is not there" + (f": {recorded}" if recorded else ""),
            expected="rows to work out", hint="--data FILE",
        )  # fmt: skip
    target = model.preparation.target
    kinds = {column.name: column.kind for column in model.preparation.columns}
    kinds[target.name] = target.kind if target.task == CLASSIFICATION else NUMBER
    table = next(batches(source, kinds), None)
    if table is None:
        raise DataError(f"{source} has no rows", expected="a line of names, then rows")
    if target.kind == BOOLEAN and len(target.classes) == 2:  # no and yes as they were spelled in training
        no, yes = target.classes
        own = replace(table.column(target.name), spelled=(no, yes))
        table = replace(table, columns=tuple(own if c.name == own.name else c for c in table.columns))
    said = []
    if table.rows > ROWS:
        said.append(f"the first {ROWS:,} rows are worked")
        table = table.head(ROWS)
    gaps = table.rows
    if model.record.get("choices", {}).get("missing") == DROP:
        table = table.without_gaps(list(kinds))
    if table.rows < gaps:
        said.append(f"{gaps - table.rows:,} rows that lack values are left out, and not counted")
    names = [f"x[{k}] is {name}" for k, name in enumerate(model.preparation.inputs, 1)]
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    numbers = [c for c in model.preparation.columns if c.kind != CATEGORY]
    said.append(shown + ("; numbers are standardised" if numbers else ""))
    if target.task == CLASSIFICATION:
        said.append("y: " + ", ".join(f"y[{k}] is {name}" for k, name in enumerate(target.classes[:12], 1)))
    else:
        said.append(f"y is ({target.name} - {target.mean:.6g})/{target.spread:.6g}")
    return model.sheet, model.by_hand(table), said
