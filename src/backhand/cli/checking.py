"""`backhand check`: marks what people worked out."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..errors import UsageError
from ..notation.numbers import Digits
from .common import deliver, open_sheet, output_options

WRONG_ANSWERS = 3


@click.command()
@click.argument("sheet")
@click.argument("answers")
@click.option("--relative", type=float, help="How far a number may be off, in parts of the right one.")
@click.option("--absolute", type=float, help="How far a number may be off.")
@click.option("--figures", type=int, help="Significant figures that must be right.")
@click.option("--decimals", type=int, help="Decimals that must be right.")
@click.option("--seed", type=click.IntRange(0), help="The seed for the sheet's `start` line.")
@output_options
def check(
    sheet: str,
    answers: str,
    relative: float | None,
    absolute: float | None,
    figures: int | None,
    decimals: int | None,
    seed: int | None,
    output: Path | None,
    form: str | None,
    as_json: bool,
    digits: Digits,
) -> None:
    """Mark ANSWERS to SHEET: which step went wrong first, and why.

    ANSWERS is a file of lines `name = value`, CSV or JSON, or - for stdin. Exit code 0: all right; 3: something is
    wrong; 2: the sheet or the answers cannot be used.
    """
    from ..api.marking import Checked
    from ..check.answers import read_answers
    from ..check.marking import mark
    from ..check.tolerance import Tolerance

    if sheet == "-" and answers == "-":
        raise UsageError("the sheet and the answers cannot both come from stdin", expected="a file for one of them")
    opened = open_sheet(sheet, seed)
    text: str = answers
    if answers == "-":
        text = sys.stdin.buffer.read().decode("utf-8", "replace") + "\n"
    found = Checked(mark(opened.problem, read_answers(text), Tolerance(relative, absolute, figures, decimals)))
    deliver(found, output, form, as_json, digits)
    if not found.all_right:
        click.get_current_context().exit(WRONG_ANSWERS)
