"""`backhand quiz`: exercises in variants, with keys, for paper and for learning platforms."""

from __future__ import annotations

import re
from typing import Any

import click
from click.core import ParameterSource

from ..errors import UsageError
from ..quiz.names import COSTS, DIFFICULTIES, LEVELS, PAPER, TARGETS
from .common import Output, Progress, deliver, open_sheet, output_options

MOST_VARIANTS = 100_000
OF_LAYERS = ("layers", "activation", "last", "cost", "rows", "no_biases", "difficulty")


@click.command()
@click.argument("sheet", required=False)
@click.option("--layers", default=None, metavar="2-2-1", help="Inputs, hidden units layer by layer, outputs.")
@click.option(
    "--activation", default="sigmoid", show_default=True, help="Of the hidden layers, or one for each: relu,tanh."
)
@click.option("--output-activation", "last", default="linear", show_default=True, help="Of the last layer.")
@click.option("--cost", type=click.Choice(COSTS), default="mse", show_default=True)
@click.option("--rows", type=click.IntRange(1, 50), help="Rows of data; 1, or 3 and more for relu and for a batch.")
@click.option("--rate", type=float, help="The learning rate; 0.5, or the sheet's own.")
@click.option("--no-biases", is_flag=True, help="Neurons without biases.")
@click.option("--level", type=click.Choice(LEVELS), default="partials", show_default=True, help="What is asked for.")
@click.option(
    "--difficulty", type=click.Choice(DIFFICULTIES), default="normal", show_default=True, help="Of the numbers."
)
@click.option(
    "--variants", type=click.IntRange(1, MOST_VARIANTS), default=1, show_default=True, help="How many exercises."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Another seed, other exercises.")
@click.option("--title", default="", help="What they are called.")
@click.option("--allow", default="", metavar="dead,saturated", help="Units that an exercise otherwise does not have.")
@click.option("--key", is_flag=True, help="Show answers and working, too.")
@click.option("--for", "targets", metavar="TARGETS", help=f"Write a folder of files (-o FOLDER): {', '.join(TARGETS)}.")
@output_options
def quiz(
    sheet: str | None, layers: str | None, activation: str, last: str, cost: str, rows: int | None, rate: float | None,
    no_biases: bool, level: str, difficulty: str, variants: int, seed: int, title: str, allow: str, key: bool,
    targets: str | None, to: Output,
) -> None:  # fmt: skip
    """Make exercises: from SHEET, whose numbers are drawn anew, or from a network of --layers.

    Numbers are friendly, and every slip of the marking library gives another answer. With -o tasks.pdf the keys
    go to tasks-key.pdf.
    """
    from dataclasses import replace

    from ..api.quiz import exercises as make

    context = click.get_current_context()
    given = [o for o in OF_LAYERS if context.get_parameter_source(o) is not ParameterSource.DEFAULT]
    if sheet is not None and given:
        option = {"last": "output-activation"}.get(given[0], given[0].replace("_", "-"))
        raise UsageError(f"--{option} makes a network, and a sheet is one", expected="a sheet or --layers")
    allowed = {word.strip() for word in allow.split(",") if word.strip()}
    if unknown := allowed - {"dead", "saturated"}:
        raise UsageError(f"--allow {', '.join(sorted(unknown))} is unknown", expected="dead, saturated")
    wish: dict[str, Any] = {"rate": rate} if rate is not None else {}
    if sheet is None:
        activations = tuple(word.strip() for word in activation.split(","))
        wish |= {"sizes": _sizes(layers or "2-2-1"), "activations": activations, "output": last, "cost": cost}
        wish |= {"rows": rows or 0, "biases": not no_biases, "difficulty": difficulty}
    opened = open_sheet(sheet) if sheet is not None else None
    with Progress(variants, least=3) as bar:
        found = make(
            opened, level=level, variants=variants, seed=seed, title=title, dead="dead" in allowed,
            saturated="saturated" in allowed, progress=bar.made, **wish,
        )  # fmt: skip
    if targets is not None:
        if to.path is None or to.form or to.as_json:
            raise UsageError("--for writes files into a folder", hint="-o FOLDER")
        written = found.write(to.path, [word.strip() for word in targets.split(",")], to.digits.count, to.paper)
        click.echo(f"written: {len(written)} files in {to.path}", err=True)
        return
    form = to.format
    if to.to_file and form in PAPER and not key and to.path is not None:
        deliver(found, to)
        name = to.path.with_name(f"{to.path.stem}-key{to.path.suffix}")
        deliver(found.keys, replace(to, path=name))
        return
    deliver(replace(found, key=key), to)


def _sizes(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d{1,4}(\s*-\s*\d{1,4})+", text.strip()):
        raise UsageError(f"`{text}` says no layers", expected="sizes with a dash between, such as 2-2-1")
    return tuple(int(part) for part in text.split("-"))
