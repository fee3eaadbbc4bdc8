"""`backhand studio`: the page where a network is worked, step by step."""

from __future__ import annotations

import os

import click

from .common import open_sheet


@click.command()
@click.argument("sheet", required=False)
@click.option("--port", type=click.IntRange(0, 65535), help="8700 or the next free one; 0 is any free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address; this machine alone, unless told.")
@click.option("--allow-host", "hosts", multiple=True, help="A name that others call it by.")
@click.option("--processes", type=click.IntRange(1, 256), help="Questions worked at once; by default as many as cores.")
@click.option("--no-browser", is_flag=True, help="Open no browser.")
@click.option("--seed", type=click.IntRange(0), help="The seed for the sheet's `start` line.")
def studio(
    sheet: str | None, port: int | None, host: str, hosts: tuple[str, ...], processes: int | None, no_browser: bool,
    seed: int | None,
) -> None:  # fmt: skip
    """Open the page where SHEET is worked step by step; a file, an example's name, - for stdin, or a model.

    Nothing leaves this machine. Ctrl-C ends it.
    """
    from ..studio.serve import serve
    from ..studio.text import whole_text
    from .examples import example_lines, example_text

    text, left = example_text("price")[0], ""
    if sheet is not None:
        opened = open_sheet(sheet, seed)
        text, left = whole_text(opened.statements, opened.problem)
    if left:
        click.echo(f"note: {left}", err=True)
    examples = [(name, title, example_text(name)[0]) for name, title, _ in example_lines() if name != "penguins"]

    def ready(address: str) -> None:
        click.echo(f"Backhand's studio: {address} (Ctrl-C ends it)", err=True)
        if not no_browser:
            click.launch(address)

    serve(
        text, examples, host=host, port=port, hosts=hosts, ready=ready,
        processes=processes or max(2, os.cpu_count() or 1),
    )  # fmt: skip
