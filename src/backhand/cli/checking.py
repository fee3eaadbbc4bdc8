"""`backhand check`: marks what people worked out."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import UsageError
from .common import Output, Progress, deliver, open_sheet, output_options

if TYPE_CHECKING:
    from ..api import Sheet
    from ..check.tolerance import Tolerance

WRONG_ANSWERS = 3
DOCUMENTS = (".md", ".markdown", ".tex", ".rst")


@click.command()
@click.argument("sheet")
@click.argument("answers", required=False)
@click.option("--relative", type=float, help="How far a number may be off, in parts of the right one.")
@click.option("--absolute", type=float, help="How far a number may be off.")
@click.option("--figures", type=int, help="Significant figures that must be right.")
@click.option("--decimals", type=int, help="Decimals that must be right.")
@click.option("--marks", "points", is_flag=True, help="Points for each answer, with method marks, and a summary.")
@click.option(
    "--seconds", type=click.FloatRange(0.1, 3600), default=30.0, show_default=True, help="For FILE.py:FUNCTION."
)
@click.option("--seed", type=click.IntRange(0), help="The seed for the sheet's `start` line.")
@output_options
def check(
    sheet: str,
    answers: str | None,
    relative: float | None,
    absolute: float | None,
    figures: int | None,
    decimals: int | None,
    points: bool,
    seconds: float,
    seed: int | None,
    to: Output,
) -> None:
    """Mark ANSWERS to SHEET: which step went wrong first, and why.

    ANSWERS is a file of lines `name = value`, CSV or JSON, - for stdin, or a folder with a file for each person.
    A document (.md, .tex) with worked numbers is proofread; by itself, if it states its network, weights and data.
    FILE.py:FUNCTION is a backward pass of your own, run in a process of its own; its gradients are checked.
    Exit code 0: all right; 3: something is wrong; 2: the sheet or the answers cannot be used.
    """
    from ..api.marking import Checked
    from ..check.answers import read_answers
    from ..check.marking import mark
    from ..check.tolerance import Tolerance

    if answers is None or answers.lower().endswith(DOCUMENTS) or _is_document(answers):
        _document(sheet, answers, seed, to)
        return
    if answers != "-" and Path(answers).is_dir():
        tolerance = Tolerance(relative, absolute, figures, decimals)
        _class(open_sheet(sheet, seed), Path(answers), tolerance, to)
        return
    code = re.fullmatch(r"(.+\.py):([A-Za-z_]\w*)", answers)
    if code or answers.endswith(".py"):
        if not code:
            raise UsageError(f"which function of {answers}?", hint=f"{answers}:backward")
        _function(sheet, seed, Path(code[1]), code[2], relative, to, seconds)
        return
    if sheet == "-" and answers == "-":
        raise UsageError("the sheet and the answers cannot both come from stdin", expected="a file for one of them")
    opened = open_sheet(sheet, seed)
    text: str = answers
    if answers == "-":
        text = sys.stdin.buffer.read().decode("utf-8", "replace") + "\n"
    tolerance = Tolerance(relative, absolute, figures, decimals)
    found = Checked(mark(opened.problem, read_answers(text, opened.problem), tolerance), points)
    deliver(found, to)
    if not found.all_right:
        click.get_current_context().exit(WRONG_ANSWERS)


def _is_document(answers: str) -> bool:
    """A text file with formulas in LaTeX is no list of answers."""
    place = Path(answers)
    if not answers.lower().endswith(".txt") or not place.is_file():
        return False
    with place.open("rb") as file:
        beginning = file.read(100_000)
    return b"$$" in beginning or b"\\frac" in beginning


def _document(
    sheet: str,
    document: str | None,
    seed: int | None,
    to: Output,
) -> None:
    """A worked document."""
    from ..api import from_text, read_text
    from ..api.marking import ProofreadDocument
    from ..check.proofread import proofread
    from ..check.stated import sheet_inside, stated_sheet

    if document is None and not sheet.lower().endswith(DOCUMENTS):
        raise UsageError(
            "what is to be checked?", expected="SHEET and ANSWERS", hint=f"backhand check {sheet} answers.txt"
        )
    place = Path(document or sheet)
    text = read_text(place)
    inside = sheet_inside(text)
    if inside is not None:  # what it says of itself is no working
        text = text.replace(inside, "\n" * inside.count("\n"))
    if document is None:
        inside = inside or stated_sheet(text)
        if inside is None:
            raise UsageError(
                f"{place} does not state a network with its weights and data",
                expected="equations, weights, a row of data",
                hint=f"backhand check SHEET {place}, or the sheet in a fenced block",
            )  # fmt: skip
        opened: Sheet = from_text(inside, place.name, place.parent)
    else:
        opened = open_sheet(sheet, seed)
    found = ProofreadDocument(proofread(text, opened.problem, place.name))
    deliver(found, to)
    if not found.all_right:
        click.get_current_context().exit(WRONG_ANSWERS)


def _function(
    sheet: str, seed: int | None, file: Path, function: str, relative: float | None, to: Output,
    seconds: float,
) -> None:  # fmt: skip
    """A backward pass of someone's own."""
    from ..api.marking import GradientsGiven
    from ..check.gradients import check_given
    from ..check.outside import gradients_of_file

    opened = open_sheet(sheet, seed)
    folder = Path(sheet).parent if Path(sheet).exists() else Path()
    given = gradients_of_file(file, function, opened.write(), folder, seconds)
    found = GradientsGiven(check_given(given, opened.problem, relative))
    deliver(found, to)
    if not found.all_right:
        click.get_current_context().exit(WRONG_ANSWERS)


def _class(
    sheet: Sheet,
    folder: Path,
    tolerance: Tolerance,
    to: Output,
) -> None:
    """A folder with a file for each person."""
    from ..api.marking import CheckedGroup
    from ..check.group import answer_files, mark_group

    files = answer_files(folder)
    with Progress(len(files), least=20) as bar:
        found = CheckedGroup(mark_group(sheet.problem, files, tolerance, bar.sheets))
    deliver(found, to)
    if not found.all_right:
        click.get_current_context().exit(WRONG_ANSWERS)
