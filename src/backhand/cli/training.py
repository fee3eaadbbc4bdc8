"""`backhand train` and `backhand predict`: from a table to a model, and from a model to predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..errors import UsageError
from ..notation.numbers import Digits
from .common import Progress, deliver, output_options


class _Sizes(click.ParamType[tuple[int, ...]]):
    """`64,64` as sizes of hidden layers; `none` for no hidden layer."""

    name = "sizes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        if value == "none":
            return ()
        try:
            found = tuple(int(word) for word in str(value).split(","))
        except ValueError:
            found = ()
        if not found or min(found) < 1:
            self.fail(f"{value!r} are no sizes of layers; expected whole numbers such as 64,64, or none", param, ctx)
        return found


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--target", required=True, help="The column to be predicted.")
@click.option("--model", type=click.Path(path_type=Path), help="Where the model goes; TARGET.bhm by default.")
@click.option("--task", type=click.Choice(["regression", "classification"]), help="Found from the target by default.")
@click.option("--ignore", multiple=True, metavar="COLUMN", help="Leave a column out (may be repeated).")
@click.option(
    "--missing",
    type=click.Choice(["refuse", "drop", "mean", "median", "indicator"]),
    default="refuse",
    show_default=True,
    help="Rows that lack a value: refuse, drop, or fill; indicator fills and says so in one more input.",
)
@click.option("--by-time", metavar="COLUMN", help="Hold out the latest rows by this column, not rows by chance.")
@click.option("--held-out", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.2, show_default=True,
              help="The share of the rows held out for validation.")  # fmt: skip
@click.option("--layers", type=_Sizes(), default="64,64", show_default=True, help="Units of the hidden layers.")
@click.option("--activation", default="relu", show_default=True, help="Of the hidden layers.")
@click.option("--cost", help="A named cost; mse for numbers, softmax_cross_entropy for classes by default.")
@click.option("--update", "rule", default="adam", show_default=True, help="The update rule.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), default=1e-3, show_default=True)
@click.option("--batch", type=click.IntRange(1), default=32, show_default=True, help="Rows of a step.")
@click.option("--epochs", type=click.IntRange(1), default=200, show_default=True, help="At most so many.")
@click.option("--patience", type=click.IntRange(1), default=20, show_default=True,
              help="Epochs without a lower validation cost, after which it ends.")  # fmt: skip
@click.option("--weight-decay", "decay", type=click.FloatRange(0), default=0.0, help="L2: decay·w joins ∂C/∂w.")
@click.option("--dropout", type=click.FloatRange(0, 1, max_open=True), default=0.0, help="Of the hidden layers.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@output_options
def train(
    data: Path,
    target: str,
    model: Path | None,
    task: str | None,
    ignore: tuple[str, ...],
    missing: str,
    by_time: str | None,
    output: Path | None,
    form: str | None,
    as_json: bool,
    digits: Digits,
    **chosen: Any,
) -> None:
    """Train a network on the table DATA (CSV, also gzipped, or Parquet) to predict --target; write a model file."""
    from ..train.fit import Settings
    from ..train.run import train_table

    place = model or Path(f"{target}.bhm")
    if place.suffix.lower() != ".bhm":
        raise UsageError(f"{place} says no model format", expected="a name ending in .bhm")
    settings = Settings(**chosen)
    with Progress(settings.epochs, least=1) as bar:
        found = train_table(
            data, target, settings, task=task, missing=missing, ignore=ignore, by_time=by_time, report=bar.fitting
        )
    found.model.save(place)
    click.echo(f"written: {place}", err=True)
    deliver(found, output, form, as_json, digits)


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to FILE instead of stdout.")
def predict(model: Path, data: Path, output: Path | None) -> None:
    """Predict each row of the table DATA by a MODEL file; CSV with a column named after the target, rows in order."""
    from ..render.files import write_whole
    from ..train.model import load_model
    from ..train.table import read_table, written_csv

    trained = load_model(model)
    text = written_csv(trained.preparation.target.name, trained.predict(read_table(data)))
    if output is None or str(output) == "-":
        click.echo(text, nl=False)
        return
    write_whole(output, text)
    click.echo(f"written: {output}", err=True)
