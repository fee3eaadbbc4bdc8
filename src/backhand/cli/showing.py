"""`backhand show`: a sheet worked out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..errors import UsageError
from .common import MOST_EPOCHS, Output, Progress, deliver, open_sheet, output_options

DETAIL = 4  # steps worked out in full
MOST_STEPPED = 200  # epochs of a page that can be gone through


@click.command()
@click.argument("sheet")
@click.option("--epochs", type=click.IntRange(1), default=1, show_default=True, help="How many epochs to work.")
@click.option(
    "--epoch", type=click.IntRange(1, MOST_EPOCHS), default=1, show_default=True, help="The first epoch to work out."
)
@click.option("--fast", is_flag=True, help="Train the epochs before --epoch by the fast engine.")
@click.option(
    "--until-gradient",
    type=click.FloatRange(0, min_open=True),
    metavar="TOL",
    help="Descend until no |∂C/∂w| is above TOL.",
)
@click.option(
    "--max-epochs",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="Where --until-gradient gives up.",
)
@click.option(
    "--view",
    type=click.Choice(["own", "neurons", "vectors", "matrices", "batch"]),
    default="own",
    help="As sums, vectors, matrices, or a row per example; own is as the sheet is written.",
)
@click.option(
    "--names",
    type=click.Choice(["own", "indexed", "fromto", "numbered"]),
    default="own",
    help="w_jk^(l), W<to><from>_<layer>, or w1 to wn; own are the sheet's.",
)
@click.option(
    "--row",
    "rows",
    type=click.IntRange(1),
    multiple=True,
    help="Write this row out in full (may be repeated).",
)
@click.option("--all-rows", is_flag=True, help="Write every row out in full.")
@click.option("--surface", metavar="P,Q", help="Draw the cost over two parameters: w,b or w=-1..2,b=0..3.")
@click.option(
    "--blank",
    is_flag=True,
    help="With -o: a worksheet to fill in. `check` reads an .xlsx back; of others the key is a second file.",
)
@click.option("--studio", is_flag=True, help="With -o FILE.html: the page can be gone through step by step.")
@click.option("--questions", is_flag=True, help="Questions about the network, with their answers.")
@click.option("--only", metavar="NAMES", help="JSON: keep these names only, such as w1,cost.")
@click.option("--every", type=click.IntRange(1), default=1, help="JSON: keep every so many-th step only.")
@click.option("--data", type=click.Path(path_type=Path), help="Of a model: rows instead of those it was trained on.")
@click.option("--seed", type=click.IntRange(0), help="The seed for the sheet's `start` line.")
@output_options
def show(
    sheet: str,
    epochs: int,
    epoch: int,
    fast: bool,
    until_gradient: float | None,
    max_epochs: int,
    view: str,
    names: str,
    rows: tuple[int, ...],
    all_rows: bool,
    surface: str | None,
    blank: bool,
    studio: bool,
    questions: bool,
    only: str | None,
    every: int,
    data: Path | None,
    seed: int | None,
    to: Output,
) -> None:
    """Work SHEET out: forward feed, cost, every partial, update, and the epoch after.

    SHEET is a file, the name of an example, - for stdin, or a model (.bhm, .onnx).
    """
    from ..api import Work
    from ..explain.course import holding
    from ..explain.show import Choices

    opened = open_sheet(sheet, seed, data)
    form = to.format
    if surface is not None and form == "xlsx":
        raise UsageError("a surface is not drawn in a workbook", expected="-o FILE.html or another page")
    if studio and form != "html":
        raise UsageError("--studio is a part of a page in HTML", hint="-o FILE.html")
    if blank and form != "xlsx":
        _worksheet(opened, to)
        return
    machine = form == "json"
    chosen = _names(opened, only)
    total = max_epochs if until_gradient is not None else epochs

    in_full = holding(opened.problem, rows, all_rows, epoch)

    def keep(count: int, at: int) -> bool:
        return (count - 1) % every == 0 if machine else form == "xlsx" or count <= DETAIL or in_full(count, at)

    with Progress(total + epoch - 1) as bar:
        run = opened.run(total, until=until_gradient, progress=bar.epochs, keep=keep, epoch=epoch, fast=fast)
    _known_rows(opened, rows)
    choices = Choices(view, names, rows, DETAIL, questions, all_rows, surface)  # type: ignore[arg-type]
    work = Work(opened.problem, run, choices)
    made: dict[str, Callable[[], str | bytes]] = {"xlsx": lambda: work.to_xlsx(blank)}
    if studio:
        made["html"] = lambda: _with_studio(opened, work, run, to)
    deliver(work, to, work.to_dict(chosen) if machine else None, made)
    if run.failure is not None:
        raise run.failure


def _with_studio(opened: Any, work: Any, run: Any, to: Output) -> str:
    """The working as a page, with the studio's before it: the same steps, to be gone through."""
    from ..render.html import to_html
    from ..studio.alone import live_part
    from ..studio.text import whole_text

    text, left = whole_text(opened.statements, opened.problem)
    if run.epochs > MOST_STEPPED:
        left = f"{left}{'; ' if left else ''}its steps end at epoch {MOST_STEPPED}"
    if left:
        click.echo(f"note: {left}", err=True)
    return to_html(work.document(), to.digits, live_part(text, max(1, min(run.epochs, MOST_STEPPED))))


def _worksheet(opened: Any, to: Output) -> None:
    """A page with a table to fill in, and the key as a second file."""
    from ..api.quiz import worksheet
    from ..quiz.names import PAPER

    if to.format not in PAPER or to.path is None or not to.to_file:
        raise UsageError("--blank makes a worksheet to fill in", hint="-o work.xlsx, or -o work.pdf")
    found = worksheet(opened)
    deliver(found, to)
    deliver(found.keys, replace(to, path=to.path.with_name(f"{to.path.stem}-key{to.path.suffix}")))


def _known_rows(opened: Any, rows: tuple[int, ...]) -> None:
    count = opened.problem.table.rows if opened.problem.table else 1
    for row in rows:
        if row > count:
            raise UsageError(f"there is no row {row}", expected=f"1 to {count}")


def _names(opened: Any, only: str | None) -> set[str] | None:
    """The names of --only, checked."""
    if only is None:
        return None
    from ..sheet.parse import parse_name

    chosen = set()
    for word in filter(None, (w.strip() for w in only.split(","))):
        cost = opened.network.cost
        if word == "cost" or (cost and word == cost.name):
            chosen.add("cost")
        else:
            chosen.add(opened.network.find(parse_name(word))[0].name)
    return chosen
