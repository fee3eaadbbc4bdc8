"""`backhand export`: a network for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import UsageError
from .common import open_sheet


@click.command()
@click.argument("sheet")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help=".onnx, .py, or -.")
@click.option("--for", "library", type=click.Choice(["numpy", "jax", "torch"]), help="Of .py: NumPy, if not told.")
@click.option("--seed", type=click.IntRange(0), help="The seed for the sheet's `start` line.")
def export(sheet: str, output: Path, library: str | None, seed: int | None) -> None:
    """Write SHEET's network for other programs; SHEET is a file, an example's name, - for stdin, or a model.

    ONNX holds what goes forward, in float32, under the sheet's names. Python source holds forward, cost, and
    backward in the formulas that `show` prints (for JAX and PyTorch their own gradients instead).
    """
    from ..exchange.onnx_write import to_onnx
    from ..exchange.source import to_source
    from ..render.files import write_whole

    ending = ".py" if str(output) == "-" else output.suffix.lower()
    if ending not in (".onnx", ".py"):
        raise UsageError(f"{output.name} says no format of models", expected="a name ending in .onnx or .py")
    if ending == ".onnx" and library is not None:
        raise UsageError("--for is of source in Python", hint="-o net.py")
    problem = open_sheet(sheet, seed).problem
    content = to_onnx(problem) if ending == ".onnx" else to_source(problem, library or "numpy")
    if str(output) == "-":
        click.echo(content, nl=False)
        return
    write_whole(output, content)
    click.echo(f"written: {output}", err=True)
