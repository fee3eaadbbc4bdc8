"""`backhand export`: a network for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import UsageError
from .common import open_sheet


@click.command()
@click.argument("sheet")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="A .onnx file.")
@click.option("--seed", type=click.IntRange(0), help="The seed for the sheet's `start` line.")
def export(sheet: str, output: Path, seed: int | None) -> None:
    """Write the network of SHEET for other programs: a file, an example's name, - for stdin, or a model (.bhm, .onnx).

    ONNX holds what goes forward, in float32, under the sheet's names.
    """
    from ..exchange.onnx_write import to_onnx
    from ..render.files import write_whole

    if output.suffix.lower() != ".onnx":
        raise UsageError(f"{output.name} says no format of models", expected="a name ending in .onnx")
    write_whole(output, to_onnx(open_sheet(sheet, seed).problem))
    click.echo(f"written: {output}", err=True)
