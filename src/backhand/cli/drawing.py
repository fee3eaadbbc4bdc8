"""`backhand draw`: the network, the cost as a surface, curves and histograms as pictures."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import UsageError
from .common import Progress, open_sheet

WHAT = ("network", "backward", "surface", "curves", "histograms")


@click.command()
@click.argument("sheet")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="A .svg or .png file, or - for SVG."
)
@click.option("--what", type=click.Choice(WHAT), help="What is drawn; the network, or the surface with --surface.")
@click.option("--surface", metavar="P,Q", help="The cost over two parameters: w,b or w=-1..2,b=0..3.")
@click.option("--row", type=click.IntRange(1), default=1, show_default=True, help="Whose numbers stand in the network.")
@click.option("--epochs", type=click.IntRange(1, 100_000), default=1, show_default=True, help="For surface and curves.")
@click.option("--biases", is_flag=True, help="Draw the biases as weights of a unit that is always 1.")
@click.option("--seed", type=click.IntRange(0), help="The seed for the sheet's `start` line.")
def draw(
    sheet: str, output: Path, what: str | None, surface: str | None, row: int, epochs: int, biases: bool,
    seed: int | None,
) -> None:  # fmt: skip
    """Draw SHEET: its network with the numbers of a row, its cost over two parameters, curves, histograms."""
    from ..render.files import write_whole

    if output.suffix.lower() not in (".svg", ".png") and str(output) != "-":
        raise UsageError(f"{output.name} says no format of pictures", expected="a name ending in .svg or .png")
    what = what or ("surface" if surface else "network")
    opened = open_sheet(sheet, seed)
    with Progress(epochs) as bar:
        drawn = opened.draw(what, surface=surface, row=row, epochs=epochs, biases=biases, progress=bar.epochs)
    if str(output) == "-":
        click.echo(drawn.to_svg(), nl=False)
        return
    write_whole(output, drawn.to_png() if output.suffix.lower() == ".png" else drawn.to_svg())
    click.echo(f"written: {output}", err=True)
