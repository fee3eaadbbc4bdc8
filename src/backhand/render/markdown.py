"""Documents in Markdown with LaTeX formulas; GitHub, notebooks and pandoc draw it. Diagrams are not drawn."""

from __future__ import annotations

import re

from ..document.parts import Cell, Chart, Document, Formula, Grid, Heading, Histogram, Items, Step, Surface, Table, Text
from ..notation.expr import Expr
from ..notation.latex import LatexPrinter
from ..notation.numbers import Digits
from ..ops.vocabulary import LATEX
from .chart import chart_lines
from .histogram import histogram_lines
from .lines import working
from .surface import surface_lines

MARKS = {"warning": "> **Note.** ", "note": "*", "good": "**", "plain": ""}
ENDS = {"warning": "", "note": "*", "good": "**", "plain": ""}
_SPECIAL = str.maketrans({c: "\\" + c for c in "\\`*_[]<>|#$~&"})


def to_markdown(document: Document, digits: Digits) -> str:
    """The document as one Markdown text."""
    printer, inline = LatexPrinter(digits, LATEX), LatexPrinter(digits, LATEX, inline=True)
    blocks: list[str] = []
    for part in document.parts:
        match part:
            case Heading(text=text, level=level):
                blocks.append(f"{'#' * level} {_escape(text)}")
            case Text():
                blocks.append(_paragraph(part, inline))
            case Formula() | Step():
                blocks.append(_display(part, printer))
            case Table():
                blocks.append(_table(part, inline))
            case Grid():
                blocks.append(_table(part.table(), inline))
            case Chart():
                blocks.append("\n".join(["```text", *chart_lines(part), "```"]))
            case Surface():
                blocks.append("\n".join(["```text", *surface_lines(part), "```"]))
            case Histogram():
                blocks.append("\n".join(["```text", *histogram_lines(part), "```"]))
            case Items(lines=lines, ordered=ordered):
                marks = [f"{i}." if ordered else "-" for i in range(1, len(lines) + 1)]
                items = [f"{mark} {_runs(line, inline)}" for mark, line in zip(marks, lines, strict=True)]
                blocks.append("\n".join(items))
    return "\n\n".join(b for b in blocks if b) + "\n"


def _escape(text: str) -> str:
    """Plain words; what stands between `…` stays code."""
    parts = text.split("`")
    if len(parts) % 2 == 0 or "" in parts[1::2]:
        return text.translate(_SPECIAL)
    return "`".join(part if i % 2 else part.translate(_SPECIAL) for i, part in enumerate(parts))


def _display(part: Formula | Step, printer: LatexPrinter) -> str:
    """A line of working by itself, its parts below one another where it is long."""
    lines = working(part, printer)
    if len(lines) == 1:
        body = " ".join(lines[0]).strip()
    else:
        joined = " \\\\\n".join(f"{left} &{rest}" for left, rest in lines)
        body = f"\\begin{{aligned}}\n{joined}\n\\end{{aligned}}"
    return f"$$\n{body}\n$$"


def _inline(latex: str) -> str:
    """Inline mathematics between `$` and backticks, which Markdown leaves alone."""
    return f"$`{latex}`$"


def _runs(text: Text, printer: LatexPrinter) -> str:
    out = []
    for run in text.runs:
        if isinstance(run, str):
            out.append(_escape(run))
        elif isinstance(run, Expr):
            out.append(_inline(printer(run)))
        else:
            out.append(_inline(printer.number(run)))
    return "".join(out)


def _paragraph(text: Text, printer: LatexPrinter) -> str:
    body = _runs(text, printer)
    if text.kind in ("note", "good"):  # emphasis must not begin or end with a space
        body = body.strip()
    body = re.sub(r"^(\d+)([.)]\s)", r"\1\\\2", body)  # no list was meant
    body = re.sub(r"^([-+]\s)", r"\\\1", body)
    return f"{MARKS[text.kind]}{body}{ENDS[text.kind]}" if body else ""


def _table(table: Table, printer: LatexPrinter) -> str:
    lines = [f"*{_escape(table.title)}*", ""] if table.title else []
    lines.append("| " + " | ".join(_cell(c, printer) for c in table.columns) + " |")
    columns = range(len(table.columns))
    numeric = [bool(table.rows) and all(isinstance(r[i], float | int) for r in table.rows) for i in columns]
    lines.append("|" + "|".join("---:" if n else "---" for n in numeric) + "|")
    lines += ["| " + " | ".join(_cell(c, printer) for c in row) + " |" for row in table.rows]
    return "\n".join(lines)


def _cell(cell: Cell, printer: LatexPrinter) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return _escape(cell)
    if isinstance(cell, Expr):
        return _inline(printer(cell)).replace("|", "\\vert ")
    return printer.digits.text(cell)
