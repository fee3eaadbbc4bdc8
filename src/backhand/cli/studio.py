"""`backhand studio`: the page where a network is worked, step by step."""

from __future__ import annotations

import os
from typing import Any

import click

from .common import open_sheet

MOST_ROWS = 200


@click.command()
@click.argument("sheet", required=False)
@click.option("--port", type=click.IntRange(0, 65535), help="8700 or the next free one; 0 is any free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address; this machine alone, unless told.")
@click.option("--allow-host", "hosts", multiple=True, help="A name that others call it by.")
@click.option("--processes", type=click.IntRange(1, 256), help="Questions worked at once; one for each core.")
@click.option("--no-browser", is_flag=True, help="Open no browser.")
@click.option("--seed", type=click.IntRange(0), help="The seed for the sheet's `start` line.")
def studio(
    sheet: str | None, port: int | None, host: str, hosts: tuple[str, ...], processes: int | None, no_browser: bool,
    seed: int | None,
) -> None:  # fmt: skip
    """Open the page where SHEET is worked step by step; a file, an example's name, - for stdin, or a model (.bhm).

    Nothing leaves this machine. Ctrl-C ends it.
    """
    from ..studio.serve import serve
    from .examples import example_lines, example_text

    text = _text(open_sheet(sheet, seed)) if sheet is not None else example_text("price")[0]
    examples = [(name, title, example_text(name)[0]) for name, title, _ in example_lines() if name != "penguins"]

    def ready(address: str) -> None:
        click.echo(f"Backhand's studio: {address} (Ctrl-C ends it)", err=True)
        if not no_browser:
            click.launch(address)

    serve(
        text, examples, host=host, port=port, hosts=hosts, processes=processes or os.cpu_count() or 1, ready=ready
    )  # fmt: skip


def _text(sheet: Any) -> str:
    """The sheet's text as the page can have it: values and rows that stand elsewhere are written into it."""
    from ..notation.expr import names
    from ..sheet.edit import written
    from ..sheet.model import Assign, DataFrom, InlineData, SheetText, Start
    from ..sheet.write import rows_text, write

    statements, problem = sheet.statements, sheet.problem
    drawn = any(isinstance(s, Start) for s in statements.statements)
    valued = {s.name for s in statements.statements if isinstance(s, Assign) and not names(s.value)}
    told = [n for n in problem.network.parameters if n.value is not None and n.name not in valued]
    outside = any(isinstance(s, DataFrom) for s in statements.statements) or (
        problem.table is not None and not any(isinstance(s, InlineData) for s in statements.statements)
    )
    if statements.text and not outside and (drawn or not told):
        return str(statements.text)
    kept = tuple(s for s in statements.statements if not isinstance(s, DataFrom | InlineData))
    text = write(SheetText(kept))
    if not drawn:
        text += "".join(f"{node.name} = {written(node.value)}\n" for node in told)
    table = problem.table
    if table is None:
        return text
    if table.rows > MOST_ROWS:
        click.echo(f"note: the page has the first {MOST_ROWS} of {table.rows:,} rows", err=True)
    return f"{text}data\n{rows_text(table.columns, min(table.rows, MOST_ROWS))}"
