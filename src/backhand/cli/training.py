"""`backhand train` and `backhand predict`: from a table to a model, and from a model to predictions."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..errors import UsageError
from .common import Output, Progress, deliver, open_sheet, output_options


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


class _Rate(click.ParamType[float | None]):
    """A number above 0, or `find` (None)."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        if isinstance(value, float) or value == "find":
            return value if isinstance(value, float) else None
        try:
            found = float(value)
        except ValueError:
            found = 0.0
        if not 0 < found < float("inf"):
            self.fail(f"{value!r} is no rate; expected a number above 0, or find", param, ctx)
        return found


class _Activations(click.ParamType[str | tuple[str, ...]]):
    """One name for all hidden layers, or one for each with commas between."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | tuple[str, ...]:
        names = tuple(value.split(",")) if isinstance(value, str) else value
        return names[0] if len(names) == 1 else names


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--target", help="The column to be predicted; of a table always needed.")
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
@click.option("--weights", metavar="COLUMN", help="A column that says what each row counts.")
@click.option("--class-weight", type=click.Choice(["balanced"]), help="Each class counts as much as any other.")
@click.option("--layers", type=_Sizes(), default="64,64", show_default=True, help="Units of the hidden layers.")
@click.option("--activation", type=_Activations(), default="relu", show_default=True,
              help="Of the hidden layers: one, or one for each (tanh,relu).")  # fmt: skip
@click.option("--cost", help='A named cost, as mae or "huber 2"; mse or softmax_cross_entropy by default.')
@click.option("--update", "rule", default="adam", show_default=True,
              help="The update rule, with its numbers as in a sheet: \"momentum 0.9\".")  # fmt: skip
@click.option("--rate", type=_Rate(), default="1e-3", show_default=True, help="The learning rate; `find` tries many.")
@click.option("--batch", type=click.IntRange(1), default=32, show_default=True, help="Rows of a step.")
@click.option("--epochs", type=click.IntRange(1), default=200, show_default=True, help="At most so many.")
@click.option("--patience", type=click.IntRange(1), default=20, show_default=True,
              help="Epochs without a lower validation cost, after which it ends.")  # fmt: skip
@click.option("--until", type=float, metavar="COST", help="End when the cost of the rows held out is at most this.")
@click.option("--weight-decay", "decay", type=click.FloatRange(0), default=0.0, help="L2: decay·w joins ∂C/∂w.")
@click.option("--dropout", type=click.FloatRange(0, 1, max_open=True), default=0.0, help="Of the hidden layers.")
@click.option("--start", type=click.Choice(["fan-in", "he", "glorot"]), default="fan-in", show_default=True,
              help="How the first weights are drawn.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--threads", type=click.IntRange(1, 256), help="At most so many; the numbers do not depend on it.")
@click.option("--checkpoint-every", type=click.FloatRange(0), default=10.0, show_default=True, metavar="SECONDS",
              help="Write down where the training stands, beside the model; 0 after each epoch.")  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on from what was written down.")
@click.option("--picture", type=click.Path(path_type=Path), metavar="FILE.svg", help="Write the charts as SVG.")
@output_options
@click.pass_context
def train(
    context: click.Context,
    /,
    data: Path,
    target: str | None,
    model: Path | None,
    picture: Path | None,
    to: Output,
    **given: Any,
) -> None:
    """Train a network on the table DATA to predict --target, and write a model file.

    DATA is a CSV file (also gzipped) or Parquet; or a sheet (.bh), whose own network, data and update are used.
    """
    place = model or Path(f"{target or data.stem}.bhm")
    if place.suffix.lower() != ".bhm":
        raise UsageError(f"{place} says no model format", expected="a name ending in .bhm")
    if picture is not None and picture.suffix.lower() != ".svg":
        raise UsageError(f"{picture} says no format of pictures", expected="a name ending in .svg")
    from ..render.files import check_place

    check_place(place, "choose another place with --model")
    for written, option in ((picture, "--picture"), (to.path if to.to_file else None, "-o")):
        if written is not None and str(written) != "-":
            check_place(written, f"choose another place with {option}")
    for name in ("until", "decay", "rate"):
        if given[name] is not None and not math.isfinite(given[name]):
            raise UsageError(f"{given[name]} is no number to train with", expected="a finite number")
    if data.suffix.lower() == ".bh":
        found = _train_sheet(context, data, place, given)
    elif target is None:
        raise UsageError("what is to be predicted?", expected="--target and the name of a column")
    else:
        found = _train_table(data, target, place, given)
    click.echo(f"written: {place}", err=True)
    if picture is not None:
        from ..render.files import write_whole
        from ..render.pictures import pictures_svg

        write_whole(picture, pictures_svg(found.document().pictures()))
        click.echo(f"written: {picture}", err=True)
    deliver(found, to)


_CHOICES = ("task", "missing", "ignore", "by_time", "weights", "class_weight", "threads")
_SETTINGS = (
    "held_out", "layers", "activation", "cost", "rule", "batch", "epochs", "patience", "until", "decay", "dropout",
    "start", "seed",
)  # fmt: skip


def _train_table(data: Path, target: str, place: Path, given: dict[str, Any]) -> Any:
    from ..train.fit import Settings
    from ..train.run import Checkpoints, train_table

    rate = given["rate"]
    given["rule"], numbers = _with_numbers("--update", given["rule"])
    settings = Settings(**{name: given[name] for name in _SETTINGS}, **({} if rate is None else {"rate": rate}))
    settings = replace(settings, numbers=numbers)
    if given["cost"]:
        name, edge = _with_numbers("--cost", given["cost"])
        settings = replace(settings, cost=name, cost_setting=edge[0] if edge else 1.0)
        if len(edge) > (name == "huber"):
            raise UsageError(f"--cost {given['cost']}: only huber takes a number, and one", expected='as in "huber 2"')
    checkpoints = Checkpoints(place.with_suffix(".checkpoint"), given["checkpoint_every"], given["resume"])
    choices = {name: given[name] for name in _CHOICES}
    with Progress(settings.epochs, least=1) as bar:
        try:
            found = train_table(
                data, target, settings, report=bar.fitting, checkpoints=checkpoints, find_rate=rate is None, **choices
            )
        except KeyboardInterrupt:
            if checkpoints.path.exists():
                click.echo(f"written: {checkpoints.path}; --resume goes on from there", err=True)
            raise
    found.model.save(place)
    checkpoints.clear()
    return found


def _with_numbers(option: str, text: str) -> tuple[str, tuple[float, ...]]:
    """A name and the numbers behind it, as in `momentum 0.9`."""
    name, *words = text.replace(",", " ").split() or [""]
    try:
        return name, tuple(float(word) for word in words)
    except ValueError:
        raise UsageError(f"{option} {text}: a name, and numbers behind it", expected='as in "momentum 0.9"') from None


def _train_sheet(context: click.Context, data: Path, place: Path, given: dict[str, Any]) -> Any:
    """A sheet says itself how it is trained; only --epochs joins in."""
    from ..train.sheets import train_sheet

    others = [
        option.opts[0]
        for option in context.command.params
        if option.name in given
        and option.name not in ("epochs", "threads")
        and context.get_parameter_source(option.name) is click.core.ParameterSource.COMMANDLINE
    ]
    if others:
        raise UsageError(f"a sheet says itself how it is trained: {others[0]} does not go with it", expected="--epochs")
    sheet = open_sheet(str(data))
    with Progress(given["epochs"], least=1) as bar:
        found = train_sheet(sheet.problem, sheet.write(), given["epochs"], given["threads"], bar.epochs, data.parent)
    found.model.save(place)
    return found


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to FILE instead of stdout.")
@click.option("--shares", is_flag=True, help="Of classes: the share of each class as well.")
def predict(model: Path, data: Path, output: Path | None, shares: bool) -> None:
    """Predict each row of the table DATA by a MODEL file; CSV with a column named after the target, rows in order.

    DATA is read and written some rows at a time, so it may be larger than memory.
    """
    from ..render.files import write_whole
    from ..train.model import load_model
    from ..train.predict import predicted

    parts = predicted(load_model(model), data, shares)
    if output is None or str(output) == "-":
        for part in parts:
            click.echo(part, nl=False)
        return
    write_whole(output, parts)
    click.echo(f"written: {output}", err=True)
