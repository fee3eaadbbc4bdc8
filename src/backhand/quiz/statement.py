"""The task of an exercise as plain XHTML, for platforms that have a page of their own."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from html import escape

from ..document.parts import Cell, Formula, Heading, Inline, Items, Step, Table, Text
from ..notation.expr import Expr
from ..notation.latex import LatexPrinter
from ..notation.numbers import FULL, Digits
from ..ops.vocabulary import LATEX
from ..render.mathml import mathml
from .exercise import Exercise
from .page import Field, fields, task_parts

FIGURES = 10  # of a right answer: more than anybody types
Maths = Callable[[str], str]


def latex_maths(latex: str) -> str:
    r"""For MathJax: \( … \)."""
    return f"\\({escape(latex, quote=False)}\\)"


def mathml_maths(latex: str) -> str:
    """For platforms without LaTeX."""
    return mathml(latex).replace("<math>", '<math xmlns="http://www.w3.org/1998/Math/MathML">', 1)


class Statement:
    """Writes tasks with formulas in one way."""

    def __init__(self, maths: Maths, digits: Digits = FULL) -> None:
        self.maths, self.digits = maths, digits
        self.printer = LatexPrinter(digits, LATEX)
        self.inline = LatexPrinter(Digits(), LATEX, inline=True)

    def task(self, exercise: Exercise) -> str:
        """The network, its numbers and what is to be found."""
        return "".join(self.part(part) for part in task_parts(exercise, drawn=False))

    def part(self, part: object) -> str:
        match part:
            case Text(runs=runs):
                return f"<p>{self.runs(runs)}</p>"
            case Formula(left=left, right=right):
                head = f"{self.printer(left)} = " if left is not None else ""
                return f"<p>{self.maths(head + self.printer(right))}</p>"
            case Table():
                return self.table(part)
            case Heading(text=text):
                return f"<p><strong>{escape(text, quote=False)}</strong></p>"
            case Items(lines=lines):
                return "<ul>" + "".join(f"<li>{self.runs(line.runs)}</li>" for line in lines) + "</ul>"
            case Step():
                raise TypeError("a task shows no working")
        return ""

    def runs(self, runs: tuple[Inline, ...]) -> str:
        out = []
        for run in runs:
            if isinstance(run, str):
                out.append(escape(run, quote=False))
            elif isinstance(run, Expr):
                out.append(self.maths(self.printer(run) if "bmatrix" in self.printer(run) else self.inline(run)))
            else:
                out.append(self.maths(self.printer.number(run)))
        return "".join(out)

    def label(self, field: Field) -> str:
        return self.runs(field.label)

    def table(self, table: Table) -> str:
        heads = "".join(f"<th>{self.cell(cell)}</th>" for cell in table.columns)
        rows = "".join("<tr>" + "".join(f"<td>{self.cell(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
        return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"

    def cell(self, cell: Cell) -> str:
        if cell is None:
            return ""
        if isinstance(cell, str):
            return escape(cell, quote=False)
        if isinstance(cell, Expr):
            return self.maths(self.inline(cell))
        return escape(Digits().text(cell))


def plain(value: float, figures: int = FIGURES) -> str:
    """A number as every platform reads it: no exponent, a digit before the point."""
    return format(Decimal(f"{value:.{figures}g}") + 0, "f")


def letters_of(count: int) -> list[str]:
    """a, b, …, z, aa, ab: names of fields."""
    names = []
    for k in range(count):
        name, k = "", k + 1
        while k:
            k, rest = divmod(k - 1, 26)
            name = chr(97 + rest) + name
        names.append(name)
    return names


def numbered(exercise: Exercise) -> list[tuple[str, Field]]:
    """The fields of an exercise with a short name each.

    Raises:
        UsageError: the answer is in letters, which no platform marks.
    """
    from ..errors import UsageError

    found = fields(exercise, scale=True)
    if not found:
        raise UsageError("answers in letters are for paper", expected="another level for a learning platform")
    return list(zip(letters_of(len(found)), found, strict=True))
