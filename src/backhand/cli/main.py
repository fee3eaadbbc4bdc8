"""`backhand`: the command group, and how errors end."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

import click

from ..errors import BackhandError, UsageError
from ..notation.numbers import Digits
from .checking import check
from .common import MOST_EPOCHS, Output, Progress, deliver, open_sheet, output_options
from .drawing import draw
from .exporting import export
from .quizzing import quiz
from .showing import show
from .studio import studio
from .training import predict, train

EPILOG = "Exit codes: 0 done, 1 failed, 2 wrong usage or a bad sheet, 3 the answers are wrong."


def _version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if not asked:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        click.echo(f"backhand, version {version('backhand')}")
    except PackageNotFoundError:
        click.echo("backhand, from a source tree that is not installed")
    context.exit()


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Print the version."
)
def backhand() -> None:
    """Works neural networks out by hand: every step in letters, in numbers and as a result."""


@backhand.command()
@click.argument("sheet", required=False)
@click.argument("name", required=False)
@click.option("--row", type=click.IntRange(1), help="One row's own cost; otherwise the whole cost.")
@click.option("--of", help="Derive this node instead of the cost.")
@click.option(
    "--epoch", type=click.IntRange(1, MOST_EPOCHS), default=1, show_default=True, help="At the weights of this epoch."
)
@click.option("--fast", is_flag=True, help="Train the epochs before by the fast engine.")
@click.option(
    "--grain",
    type=click.Choice(["neurons", "layers", "inner"]),
    default="neurons",
    show_default=True,
    help="∂a/∂z·∂z/∂w, ∂a2/∂a1, or down to the cost's inner difference.",
)
@click.option("--general", metavar="LAYER", help="The rule for layer L, L-1, … in letters, for no sheet in particular.")
@click.option("--data", type=click.Path(path_type=Path), help="Of a model: rows instead of those it was trained on.")
@click.option("--seed", type=click.IntRange(0), help="The seed for the sheet's `start` line.")
@output_options
def why(
    sheet: str | None,
    name: str | None,
    row: int | None,
    of: str | None,
    epoch: int,
    fast: bool,
    grain: str,
    general: str | None,
    data: Path | None,
    seed: int | None,
    to: Output,
) -> None:
    """Derive the partial of the cost by NAME: every path, their sum, and the same with the δ's looked up.

    NAME is a parameter, a node or an input, or an entry of one: w5, a1, "W1[2,1]".
    """
    if general is not None:
        from ..api.results import GeneralRule

        if sheet is not None:
            raise UsageError("--general is a rule for no sheet in particular", hint="backhand why --general L")
        deliver(GeneralRule(general), to)
        return
    if sheet is None or name is None:
        raise click.UsageError("Give a sheet and a name: backhand why price w5 (or --general L).")
    with Progress(epoch - 1) as bar:
        found = open_sheet(sheet, seed, data).why(
            name, row, of=of, epoch=epoch, grain=grain, fast=fast, progress=bar.epochs
        )  # fmt: skip
    object.__setattr__(found, "digits", to.digits)
    deliver(found, to)


@backhand.command()
@click.argument("sheet")
@click.option(
    "--epsilon",
    type=click.FloatRange(0, min_open=True),
    default=1e-6,
    show_default=True,
    help="ε of the one-sided difference.",
)
@click.option("--no-price", is_flag=True, help="Leave out the measured cost of each way.")
@click.option("--seed", type=click.IntRange(0), help="The seed for the sheet's `start` line.")
@output_options
def gradcheck(
    sheet: str,
    epsilon: float,
    no_price: bool,
    seed: int | None,
    to: Output,
) -> None:
    """Hold back-propagation against differences, for every partial, and show what each way costs."""
    from ..api import Check
    from ..explain.gradcheck import check_gradients

    opened = open_sheet(sheet, seed)
    with Progress(opened.network.parameter_count) as bar:
        check = Check(check_gradients(opened.problem, epsilon, not no_price, bar.count))
    deliver(check, to)
    if not check.agrees:
        raise SystemExit(1)


@backhand.command()
@click.argument("sheet")
@click.option("--seeds", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="How many networks.")
@click.option("--from", "first", type=click.IntRange(0), default=1, show_default=True, help="The first seed.")
@click.option(
    "--steps", type=click.IntRange(1), default=1000, show_default=True, help="Updates of each, over all rows."
)
@click.option("--below", type=float, default=0.01, show_default=True, help="The cost below which it counts as learnt.")
@output_options
def sweep(
    sheet: str,
    seeds: int,
    first: int,
    steps: int,
    below: float,
    to: Output,
) -> None:
    """Train SHEET's small network from many starting values at once, and tell how many of them learn it."""
    opened = open_sheet(sheet)
    with Progress(steps) as bar:
        found = opened.sweep(seeds, steps, first=first, below=below, progress=bar.epochs)
    deliver(found, to)


@backhand.command()
@click.argument("name", required=False)
def examples(name: str | None) -> None:
    """List the sheets that come with Backhand, or print the text of one."""
    from ..errors import nearest
    from .examples import example_lines, example_names, example_text

    if name is not None:
        name = name.removesuffix(".bh")
        if name not in example_names():
            near = nearest(name, example_names())
            raise UsageError(
                f"there is no example `{name}`",
                expected=", ".join(example_names()),
                hint=f"did you mean `{near}`?" if near else None,
            )
        click.echo(example_text(name)[0], nl=False)
        return
    from ..document.parts import Page, Table

    page = Page("Examples")
    page.add(Table(("name", "what it is", ""), tuple(example_lines())))
    page.text("`backhand show NAME` works one out; `backhand examples NAME` prints its text.")
    from .common import print_document

    print_document(page.done(), Digits())


backhand.add_command(show)
backhand.add_command(check)
backhand.add_command(draw)
backhand.add_command(export)
backhand.add_command(quiz)
backhand.add_command(studio)
backhand.add_command(train)
backhand.add_command(predict)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command and ends the process with its exit code; errors end in words, never in a traceback."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warned
            code = backhand.main(arguments, prog_name="backhand", standalone_mode=False)
        sys.stdout.flush()
    except BackhandError as error:
        _say("error: " + str(error))
        code = error.exit_code
    except click.exceptions.Abort:
        _say("interrupted")
        code = 130
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except KeyboardInterrupt:
        _say("interrupted")
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader went away
        code = 1
    except OSError as error:  # a full disk, say
        _say(f"error: {error.strerror or error}" + (f": {error.filename}" if error.filename else ""))
        code = 1
    except MemoryError:
        _say("error: the memory of this machine is not enough\n  try      fewer epochs or rows, or --every 100")
        code = 1
    except Exception as error:  # a bug of ours; the person gets words, and we get what we need
        if os.environ.get("BACKHAND_DEBUG"):
            raise
        _say(
            f"error: this is a bug in Backhand: {type(error).__name__}: {error}\n"
            "  try      the same with BACKHAND_DEBUG=1, and report what it prints"
        )
        code = 1
    raise SystemExit(code if isinstance(code, int) else 0)


def _warned(message: Warning | str, *_: object, **__: object) -> None:
    _say(f"warning: {message}")


def _say(text: str) -> None:
    click.echo(text.encode("utf-8", "replace").decode("utf-8"), err=True)


if __name__ == "__main__":
    main()
