"""Documents as LaTeX: a whole file that pdflatex or lualatex sets, with amsmath alone."""

from __future__ import annotations

from itertools import groupby

from ..document.parts import Cell, Document, Formula, Heading, Items, Part, Step, Table, Text
from ..notation.expr import Expr
from ..notation.latex import LatexPrinter
from ..notation.names import latex_name
from ..notation.numbers import Digits
from ..ops.vocabulary import LATEX
from .lines import ROOM, Line, working
from .width import text_width, width

# What plain words may hold beside letters; Greek and accents come from the names.
_SPECIAL = {
    "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "$": "\\$", "&": "\\&", "#": "\\#", "%": "\\%",
    "_": "\\_", "^": "\\^{}", "~": "\\textasciitilde{}", "<": "\\textless{}", ">": "\\textgreater{}",
    "|": "\\textbar{}", "−": "$-$", "½": "$\\frac{1}{2}$", "·": "$\\cdot$", "≈": "$\\approx$",
    "←": "$\\leftarrow$", "→": "$\\to$", "⊙": "$\\odot$", "⊗": "$\\otimes$", "×": "$\\times$", "≤": "$\\le$",
    "≥": "$\\ge$", "ᵀ": "$^{\\top}$", "²": "$^2$", "³": "$^3$", "⁻": "$^{-}$", "√": "$\\sqrt{}$",
    "∛": "$\\sqrt[3]{}$", "…": "\\ldots{}", "’": "'", "–": "--",
}  # fmt: skip
PAGE = 44.0  # em of a line in a table, whose type is small
COLUMN = 0.9  # em between two columns
WIDEST = 20.0  # a wider column is broken into lines
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
\newcommand{\fit}[1]{\sbox{\fitbox}{$\displaystyle {}#1$}%
  \ifdim\wd\fitbox>0.93\linewidth\resizebox{0.93\linewidth}{!}{\usebox{\fitbox}}\else\usebox{\fitbox}\fi}
\begin{document}
"""


def to_latex(document: Document, digits: Digits) -> str:
    """The document as one LaTeX file."""
    printer = LatexPrinter(digits, LATEX)
    blocks: list[str] = []
    for kind, parts in groupby(document.parts, lambda part: isinstance(part, Formula | Step)):
        if kind:
            lines = [working(part, printer, _escape) for part in parts if isinstance(part, Formula | Step)]
            blocks += _displays(lines)
        else:
            blocks += [_block(part, printer) for part in parts]
    return _plain(PREAMBLE + "\n\n".join(b for b in blocks if b) + "\n\\end{document}\n")


def _block(part: Part, printer: LatexPrinter) -> str:
    match part:
        case Heading(text=text, level=level):
            command = {1: "section*", 2: "subsection*"}.get(level, "paragraph*")
            return f"\\{command}{{{_escape(text)}}}" + ("\\mbox{}" if level > 2 else "")
        case Text(kind=kind):
            body = _runs(part, printer)
            before = {"note": "\\emph{", "good": "\\textbf{", "warning": "\\textbf{Note.} "}.get(kind, "")
            return (before + body + ("}" if kind in ("note", "good") else "")) if body else ""
        case Table():
            return _table(part, printer)
        case Items(lines=lines, ordered=ordered):
            kind = "enumerate" if ordered else "itemize"
            items = "\n".join(f"\\item {_runs(line, printer)}" for line in lines)
            return f"\\begin{{{kind}}}\n{items}\n\\end{{{kind}}}"
    raise TypeError(f"no LaTeX for {part!r}")


def _displays(works: list[list[Line]]) -> list[str]:
    """Lines of working, one display for all that can stand below one another at the same relation."""
    out = []
    for together, group in groupby(works, lambda lines: bool(lines[0][0])):
        if together:
            out.append(_display([line for lines in group for line in _joined(lines)]))
        else:
            out += [_display(_joined(lines)) for lines in group]
    return out


def _joined(lines: list[Line]) -> list[str]:
    """The lines of one step, which no page end parts."""
    return [f"{left} &{_fitted(left, rest)} \\\\*" for left, rest in lines[:-1]] + [
        f"{left} &{_fitted(left, rest)} \\\\" for left, rest in lines[-1:]
    ]


def _fitted(left: str, rest: str) -> str:
    return f"\\fit{{{rest}}}" if width(left + rest) > ROOM + 1 else rest


def _display(lines: list[str]) -> str:
    lines[-1] = lines[-1].removesuffix(" \\\\")
    return "\\begin{align*}\n" + "\n".join(lines) + "\n\\end{align*}"


def _plain(text: str) -> str:
    """Characters that pdflatex has no letter for, by their number."""
    return "".join(c if ord(c) < 0x180 else f"\\texttt{{U+{ord(c):04X}}}" for c in text)


def _escape(text: str) -> str:
    """Plain words; what stands between `…` is typewriter."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return _words(text)
    return "".join(f"\\texttt{{{_words(p)}}}" if i % 2 else _words(p) for i, p in enumerate(parts))


def _words(text: str) -> str:
    return "".join(_SPECIAL.get(c) or (c if ord(c) < 0x180 else _letter(c)) for c in text)


def _letter(char: str) -> str:
    maths = latex_name(char)
    return char if "\\text" in maths or not maths.isascii() else f"${maths}$"


def _runs(text: Text, printer: LatexPrinter) -> str:
    out = []
    for run in text.runs:
        if isinstance(run, str):
            out.append(_escape(run))
        else:
            out.append(f"${printer(run) if isinstance(run, Expr) else printer.number(run)}$")
    return "".join(out)


def _table(table: Table, printer: LatexPrinter) -> str:
    """A table; one that is too wide for the page is split, its first columns repeated."""
    columns = range(len(table.columns))
    heads = [_cell(c, printer) for c in table.columns]
    rows = [[_cell(c, printer) for c in row] for row in table.rows]
    sizes = [max(map(_cell_width, [heads[i], *(row[i] for row in rows)])) + COLUMN for i in columns]
    numeric = [bool(table.rows) and all(isinstance(r[i], float | int) for r in table.rows) for i in columns]
    kinds = ["r" if n else "l" for n in numeric]
    wide = [i for i in columns if sizes[i] > WIDEST and not numeric[i]]
    if wide:
        left = max(PAGE - sum(sizes[i] for i in columns if i not in wide), 12.0 * len(wide))
        for i in wide:
            sizes[i] = min(sizes[i], left / len(wide))
            kinds[i] = f">{{\\raggedright\\arraybackslash}}p{{{sizes[i] - COLUMN:.1f}em}}"
    groups = _groups(sizes, table.stub)
    blocks = []
    for number, group in enumerate(groups, 1):
        part = f" (part {number} of {len(groups)})" if len(groups) > 1 else ""
        if table.title:
            blocks.append(f"\\textit{{{_escape(table.title)}{part}}}")
        lines = [" & ".join(cells[i] for i in group) + " \\\\" for cells in [heads, *rows]]
        lines[0] += "*\n\\hline\n\\endhead"
        body = "\n".join(lines)
        shape = "".join(kinds[i] for i in group)
        blocks.append(f"{{\\small\n\\begin{{longtable}}{{{shape}}}\n{body}\n\\end{{longtable}}}}")
    return "\n\n".join(blocks)


def _groups(sizes: list[float], stub: int) -> list[list[int]]:
    """Which columns stand together on the width of a page."""
    first = list(range(stub))
    start = sum(sizes[:stub])
    groups, used = [[*first]], start
    for i in range(stub, len(sizes)):
        if len(groups[-1]) > stub and used + sizes[i] > PAGE:
            groups.append([*first])
            used = start
        groups[-1].append(i)
        used += sizes[i]
    return groups


def _cell(cell: Cell, printer: LatexPrinter) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return _escape(cell)
    return f"${printer(cell) if isinstance(cell, Expr) else printer.number(cell)}$"


def _cell_width(cell: str) -> float:
    """Formulas inside a line have small fractions."""
    if cell.startswith("$") and "\\frac" in cell and "\\begin" not in cell:
        return 0.75 * width(cell.strip("$"))
    return width(cell.strip("$")) if cell.startswith("$") else text_width(cell)
