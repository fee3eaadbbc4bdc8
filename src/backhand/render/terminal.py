"""Documents in a terminal, by rich: colours, widths, narrow windows, `NO_COLOR`. Diagrams are not drawn here: all their
numbers stand in the lines."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text as RichText

from ..document.parts import Chart, Document, Formula, Grid, Heading, Histogram, Items, Step, Surface, Table, Text
from ..notation.expr import Arr, Expr, Num
from ..notation.numbers import Digits
from ..notation.text import TextPrinter
from .chart import chart_lines
from .grid import grid_lines
from .histogram import histogram_lines
from .surface import surface_lines

STYLES = {"plain": "", "note": "dim", "warning": "yellow", "good": "green"}
RESULT = "bold"
LETTERS = "cyan"


def draw(document: Document, console: Console, digits: Digits) -> None:
    """Prints a document to a console."""
    printer = TextPrinter(digits, limit=12)
    after_heading = True
    for part in document.parts:
        match part:
            case Heading(text=text, level=level):
                if not after_heading or level < 3:
                    console.print()
                style = {1: "bold underline", 2: "bold"}.get(level, "italic")
                _line(console, RichText(text, style=style))
                after_heading = True
                continue
            case Text():
                _line(console, _paragraph(part, printer), wrap=True)
            case Formula():
                _line(console, _formula(part, printer), indent=2)
            case Step():
                _line(console, _step(part, printer), indent=2)
            case Table():
                _table(console, part, printer)
            case Chart():
                for row in chart_lines(part, console.width):
                    _line(console, RichText(row))
            case Grid():
                for row in grid_lines(part, console.width):
                    _line(console, RichText(row))
            case Surface():
                for row in surface_lines(part, console.width):
                    _line(console, RichText(row))
            case Histogram():
                for row in histogram_lines(part, console.width):
                    _line(console, RichText(row))
            case Items():
                for number, line in enumerate(part.lines, 1):
                    mark = f"{number}. " if part.ordered else "• "
                    _line(console, RichText(mark) + _paragraph(line, printer), wrap=True)
        after_heading = False


def _line(console: Console, text: RichText, indent: int = 0, wrap: bool = False) -> None:
    """One line; where there is no terminal it is never broken, so that it can be searched."""
    if not console.is_terminal:
        console.print(RichText(" " * indent) + text, soft_wrap=True)
    elif wrap or not indent:
        console.print(text)
    else:
        console.print(Padding(_hanging(text, console.width - indent), (0, 0, 0, indent)))


def _hanging(text: RichText, width: int) -> RichText:
    """A long line of working broken before its `=`, so that the parts stand below one another."""
    if text.cell_len <= width:
        return text
    plain, cuts = text.plain, []
    start = 0
    for at in range(1, len(plain) - 1):
        if plain[at] in "=≈" and plain[at - 1] == " " and plain[at + 1] == " ":
            cuts.append(at)
    if len(cuts) < 2:
        return text
    out = RichText()
    for at in cuts[1:]:
        out.append_text(text[start:at].copy())
        out.rstrip()
        out.append("\n    ")
        start = at
    out.append_text(text[start:])
    return out


def _paragraph(text: Text, printer: TextPrinter) -> RichText:
    out = RichText(style=STYLES.get(text.kind, ""))
    for run in text.runs:
        if isinstance(run, str):
            out.append(run)
        elif isinstance(run, Expr):
            out.append(printer(run), style=RESULT if isinstance(run, Num | Arr) else LETTERS)
        else:
            out.append(printer.number(run), style=RESULT)
    return out


def _formula(formula: Formula, printer: TextPrinter) -> RichText:
    out = RichText()
    if formula.left is not None:
        out.append(printer(formula.left), style=LETTERS)
        out.append(" = ")
    out.append(printer(formula.right))
    if formula.remark:
        out.append(f"   {formula.remark}", style="dim")
    return out


def _step(step: Step, printer: TextPrinter) -> RichText:
    printed = step.printed(printer.digits)
    out = RichText(printer(printed.left), style="")
    out.stylize(LETTERS)
    last = len(printed.links) - 1
    for position, (sign, expr) in enumerate(printed.links):
        out.append(f" {sign} ")
        style = RESULT if position == last else "" if position or step.letters is None else "dim"
        out.append(printer(expr), style=style)
    if printed.remark:
        out.append(f"   {printed.remark}", style="dim")
    return out


def _table(console: Console, table: Table, printer: TextPrinter) -> None:
    """A table; in a window that is too narrow for it, it is split into several with the first columns repeated."""
    cells = [[_cell(c, printer) for c in row] for row in table.rows]
    heads = [_cell(c, printer) for c in table.columns]
    widths = [max([cell_len(h), *(cell_len(row[i]) for row in cells)]) for i, h in enumerate(heads)]
    right = [
        bool(table.rows) and all(not isinstance(row[i], str | Expr) for row in table.rows) for i in range(len(heads))
    ]
    groups = _groups(widths, table.stub, console.width - 2 if console.is_terminal else None)
    for number, group in enumerate(groups):
        part = f" (part {number + 1} of {len(groups)})" if len(groups) > 1 else ""
        if table.title:
            console.print(RichText(table.title + part, style="italic"), soft_wrap=not console.is_terminal)
        columns = [*range(table.stub), *group]
        if not console.is_terminal:
            for line in [heads, *cells]:
                padded = [line[i].rjust(widths[i]) if right[i] else line[i].ljust(widths[i]) for i in columns]
                console.print(RichText(("  " + "  ".join(padded)).rstrip()), soft_wrap=True)
            continue
        drawn = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
        for i in columns:
            drawn.add_column(RichText(heads[i]), justify="right" if right[i] else "left", overflow="fold")
        for row in cells:
            drawn.add_row(*(RichText(row[i]) for i in columns))
        console.print(Padding(drawn, (0, 0, 0, 2)))


def _groups(widths: list[int], stub: int, room: int | None) -> list[list[int]]:
    """Which columns stand together in the width there is."""
    groups: list[list[int]] = [[]]
    start = used = sum(widths[:stub]) + 2 * stub
    for i in range(stub, len(widths)):
        if room is not None and groups[-1] and used + widths[i] + 2 > room:
            groups.append([])
            used = start
        groups[-1].append(i)
        used += widths[i] + 2
    return groups


def _cell(cell: str | float | Expr | None, printer: TextPrinter) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    return printer(cell) if isinstance(cell, Expr) else printer.number(cell)
