"""Documents as LaTeX: a whole file that pdflatex or lualatex sets, with amsmath alone."""

from __future__ import annotations

from itertools import groupby

from ..document.parts import (
    Chart,
    Diagram,
    Document,
    Formula,
    Grid,
    Heading,
    Histogram,
    Items,
    Part,
    Step,
    Surface,
    Table,
    Text,
)
from ..notation.expr import Expr
from ..notation.latex import LatexPrinter
from ..notation.numbers import Digits
from ..ops.vocabulary import LATEX
from .chart import chart_latex
from .columns import columns_of
from .lines import LEFT, Line, left_width, working
from .width import width
from .words import by_number, words

ALIKE = 4.0  # em by which left sides below one another may differ
LINE = 44.0  # em of a line
SURE = 38.0  # em that surely fit on it, for widths are estimates
SHORT = 40  # rows of a table that is not parted by the end of a page
BESIDE = "\\hspace*{0.6em}"
TITLE_END = "\\\\*[2pt]\n"
PREAMBLE = r"""\documentclass[a4paper,11pt,fleqn]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[margin=20mm]{geometry}
\usepackage{amsmath,amssymb}
\usepackage{array,longtable}
\usepackage{graphicx}
\setcounter{MaxMatrixCols}{64}
\setlength{\parindent}{0pt}
\setlength{\parskip}{5pt}
\setlength{\mathindent}{1em}
\setlength{\tabcolsep}{0.4em}
\setlength{\LTleft}{0.6em}
\setlength{\LTpre}{3pt}
\setlength{\LTpost}{3pt}
\setcounter{LTchunksize}{500}
\renewcommand{\arraystretch}{1.15}
\allowdisplaybreaks
\raggedright
% a formula that no break makes narrow enough is made smaller
\newsavebox{\fitbox}
\newcommand{\fit}[2]{\sbox{\fitbox}{$\displaystyle {}#2$}%
  \ifdim\wd\fitbox>#1\linewidth\resizebox{#1\linewidth}{!}{\usebox{\fitbox}}\else\usebox{\fitbox}\fi}
\begin{document}
"""


def to_latex(document: Document, digits: Digits) -> str:
    """The document as one LaTeX file."""
    return by_number(PREAMBLE + "\n\n".join(_blocks(document, digits)) + "\n\\end{document}\n")


def to_latex_piece(document: Document, digits: Digits) -> str:
    """The document as a piece of a LaTeX file, such as a notebook's."""
    return "\n\n".join(_blocks(document, digits)) + "\n"


def _blocks(document: Document, digits: Digits) -> list[str]:
    printer, inline = LatexPrinter(digits, LATEX), LatexPrinter(digits, LATEX, inline=True)
    blocks: list[str] = []
    for together, parts in groupby(document.parts, lambda part: isinstance(part, Formula | Step)):
        if together:
            blocks += displays([part for part in parts if isinstance(part, Formula | Step)], printer)
        else:
            blocks += [_block(part, inline) for part in parts]
    return [block for block in blocks if block]


def _block(part: Part, printer: LatexPrinter) -> str:
    match part:
        case Heading(text=text, level=level):
            command = {1: "section*", 2: "subsection*"}.get(level, "paragraph*")
            return f"\\{command}{{{words(text)}}}" + ("\\mbox{}\\nopagebreak" if level > 2 else "")
        case Text(kind=kind):
            body = _runs(part, printer)
            before = {"note": "\\emph{", "good": "\\textbf{", "warning": "\\textbf{Note.} "}.get(kind, "")
            return (before + body + ("}" if kind in ("note", "good") else "")) if body else ""
        case Table():
            return _table(part, printer)
        case Grid():
            return _table(part.table(), printer)
        case Chart():
            return chart_latex(part)
        case Diagram():
            return ""  # all its numbers stand in the lines
        case Surface(words=said):
            return _runs(Text(said), printer)
        case Histogram(edges=edges, counts=counts, title=title, x_label=label):
            bins = zip(edges, edges[1:], counts, strict=False)
            return _table(
                Table((f"{label} from", "to", "count"), tuple((a, b, str(n)) for a, b, n in bins), title), printer
            )
        case Items(lines=lines, ordered=ordered):
            kind = "enumerate" if ordered else "itemize"
            items = "\n".join(f"\\item {_runs(line, printer)}" for line in lines)
            return f"\\begin{{{kind}}}\n{items}\n\\end{{{kind}}}"
    raise TypeError(f"no LaTeX for {part!r}")


def displays(parts: list[Formula | Step], printer: LatexPrinter) -> list[str]:
    """Lines of working, one display for all that can stand below one another at the same relation."""
    out = []
    while parts:
        sizes = [left_width(part, printer) for part in parts]
        count = 1
        while sizes[0] <= LEFT and count < len(parts) and abs(sizes[count] - sizes[0]) <= ALIKE:
            count += 1
        beside = max(sizes[:count]) if sizes[0] <= LEFT else 0.0
        out.append(_display([working(part, printer, beside) for part in parts[:count]]))
        parts = parts[count:]
    return out


def _display(works: list[list[Line]]) -> str:
    """One display; no page ends between the lines of one step."""
    beside = max(width(left) for steps in works for left, _ in steps)
    lines = []
    for steps in works:
        *upper, last = [f"{left} &{_fitted(rest, beside)}" for left, rest in steps]
        lines += [*(f"{line} \\\\*" for line in upper), f"{last} \\\\"]
    lines[-1] = lines[-1].removesuffix(" \\\\")
    return "\\begin{align*}\n" + "\n".join(lines) + "\n\\end{align*}"


def _fitted(formula: str, beside: float = 0.0) -> str:
    """A formula that is likely to be too wide, made to fit."""
    if beside + width(formula) <= SURE:
        return formula
    return f"\\fit{{{0.96 - beside / LINE:.2f}}}{{{formula}}}"


def _runs(text: Text, printer: LatexPrinter) -> str:
    out = []
    for run in text.runs:
        if isinstance(run, str):
            out.append(words(run))
        else:
            maths = printer(run) if isinstance(run, Expr) else printer.number(run)
            out.append(_fitted(maths) if "\\begin" in maths and width(maths) > SURE else f"${maths}$")
    return "".join(out)


def _table(table: Table, printer: LatexPrinter) -> str:
    """A table; one that is too wide for the page is split, its first columns repeated."""
    columns = columns_of(table, printer)
    heads, rows, groups = columns.heads, columns.rows, columns.groups
    kinds = ["r" if n else "l" for n in columns.numeric]
    for i, wide in columns.broken.items():
        kinds[i] = f">{{\\raggedright\\arraybackslash}}p{{{wide:.1f}em}}"
    blocks = []
    for number, group in enumerate(groups, 1):
        part = f" (part {number} of {len(groups)})" if len(groups) > 1 else ""
        title = f"\\textit{{{words(table.title)}{part}}}" if table.title else ""
        lines = [" & ".join(cells[i] for i in group) + " \\\\" for cells in [heads, *rows]]
        long = len(rows) > SHORT
        lines[0] += "*\n\\hline\n\\endhead" if long else "\n\\hline"
        body = "\n".join(lines)
        shape = "".join(kinds[i] for i in group)
        kind = "longtable" if long else "tabular"
        drawn = f"\\begin{{{kind}}}{{{shape}}}\n{body}\n\\end{{{kind}}}"
        if long:
            blocks += [title, f"{{\\small\n{drawn}}}"]
        else:  # in one paragraph with its title, so that no page ends between them
            blocks.append(f"{title}{TITLE_END if title else ''}{{\\small\n{BESIDE}{drawn}}}")
    return "\n\n".join(blocks)
