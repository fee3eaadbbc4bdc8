"""Documents as LaTeX: a whole file that pdflatex or lualatex sets, with amsmath alone."""

from __future__ import annotations

from ..document.parts import Cell, Document, Formula, Heading, Items, Step, Table, Text
from ..notation.expr import Expr
from ..notation.latex import LatexPrinter
from ..notation.numbers import Digits
from ..ops.vocabulary import LATEX

SIGNS = {"=": "=", "≈": "\\approx", "←": "\\leftarrow"}
_SPECIAL = str.maketrans(
    {
        "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "$": "\\$", "&": "\\&", "#": "\\#", "%": "\\%", "_": "\\_",
        "^": "\\^{}", "~": "\\textasciitilde{}", "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}",
        "∂": "$\\partial$", "∇": "$\\nabla$", "−": "$-$", "δ": "$\\delta$", "ε": "$\\varepsilon$", "η": "$\\eta$",
        "σ": "$\\sigma$", "Σ": "$\\Sigma$", "½": "$\\frac{1}{2}$", "·": "$\\cdot$", "≈": "$\\approx$", "←": "$\\leftarrow$",
        "⊙": "$\\odot$", "ŷ": "$\\hat{y}$", "×": "$\\times$", "ᵀ": "$^{\\top}$", "²": "$^2$", "∛": "$\\sqrt[3]{\\cdot}$",
        "√": "$\\sqrt{\\cdot}$", "…": "\\ldots{}", "φ": "$\\varphi$", "μ": "$\\mu$", "λ": "$\\lambda$", "β": "$\\beta$",
        "α": "$\\alpha$", "ρ": "$\\rho$", "ℓ": "$\\ell$", "≤": "$\\le$", "≥": "$\\ge$", "⊗": "$\\otimes$", "ŝ": "$\\hat{s}$",
    }
)  # fmt: skip
WIDEST_COLUMNS = 8
PREAMBLE = r"""\documentclass[a4paper,11pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[margin=20mm]{geometry}
\usepackage{amsmath,amssymb}
\usepackage{longtable}
\setcounter{MaxMatrixCols}{64}
\setlength{\parindent}{0pt}
\setlength{\parskip}{5pt}
\allowdisplaybreaks
\raggedright
\begin{document}
"""


def formula_latex(formula: Formula, printer: LatexPrinter) -> str:
    """A formula in letters for a display."""
    left = f"{printer(formula.left)} = " if formula.left is not None else ""
    remark = f"\\qquad\\text{{{_escape(formula.remark)}}}" if formula.remark else ""
    return left + printer(formula.right) + remark


def step_latex(step: Step, printer: LatexPrinter) -> str:
    """A line of working for a display; its parts below one another when they are many."""
    printed = step.printed(printer.digits)
    left = printer(printed.left)
    links = [f"{SIGNS[sign]} {printer(expr)}" for sign, expr in printed.links]
    remark = f"\\qquad\\text{{{_escape(printed.remark)}}}" if printed.remark else ""
    if len(left) + sum(map(len, links)) < 110 or len(links) < 2:
        return f"{left} {' '.join(links)}{remark}"
    lines = [f"{left} &{links[0]}", *(f"&{link}" for link in links[1:])]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + remark + "\n\\end{aligned}"


def to_latex(document: Document, digits: Digits) -> str:
    """The document as one LaTeX file."""
    printer = LatexPrinter(digits, LATEX)
    blocks: list[str] = []
    for part in document.parts:
        match part:
            case Heading(text=text, level=level):
                command = {1: "section*", 2: "subsection*"}.get(level, "paragraph*")
                blocks.append(f"\\{command}{{{_escape(text)}}}" + ("\\mbox{}" if level > 2 else ""))
            case Text(kind=kind):
                body = _runs(part, printer)
                blocks.append(f"\\emph{{{body}}}" if kind == "note" else body)
            case Formula():
                blocks.append(f"\\[\n{formula_latex(part, printer)}\n\\]")
            case Step():
                blocks.append(f"\\[\n{step_latex(part, printer)}\n\\]")
            case Table():
                blocks.append(_table(part, printer))
            case Items(lines=lines, ordered=ordered):
                kind = "enumerate" if ordered else "itemize"
                items = "\n".join(f"\\item {_runs(line, printer)}" for line in lines)
                blocks.append(f"\\begin{{{kind}}}\n{items}\n\\end{{{kind}}}")
    return PREAMBLE + "\n\n".join(b for b in blocks if b) + "\n\\end{document}\n"


def _escape(text: str) -> str:
    return "".join(c if ord(c) < 0x250 else f"\\texttt{{U+{ord(c):04X}}}" for c in _kept(text))


def _kept(text: str) -> str:
    return text.translate(_SPECIAL)


def _runs(text: Text, printer: LatexPrinter) -> str:
    out = []
    for run in text.runs:
        if isinstance(run, str):
            out.append(_escape(run))
        else:
            out.append(f"${printer(run) if isinstance(run, Expr) else printer.number(run)}$")
    return "".join(out)


def _table(table: Table, printer: LatexPrinter) -> str:
    """A table; one with many columns is split, its first columns repeated."""
    rest = list(range(table.stub, len(table.columns)))
    groups = [rest[i : i + WIDEST_COLUMNS] for i in range(0, len(rest), WIDEST_COLUMNS)] or [[]]
    blocks = [f"\\textit{{{_escape(table.title)}}}"] if table.title else []
    for group in groups:
        chosen = [*range(table.stub), *group]
        heads = " & ".join(_cell(table.columns[i], printer) for i in chosen)
        rows = [" & ".join(_cell(row[i], printer) for i in chosen) for row in table.rows]
        body = " \\\\\n".join([heads + " \\\\\n\\hline\n" + rows[0] if rows else heads, *rows[1:]])
        blocks.append(f"\\begin{{longtable}}{{{'l' * len(chosen)}}}\n{body} \\\\\n\\end{{longtable}}")
    return "\n\n".join(blocks)


def _cell(cell: Cell, printer: LatexPrinter) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return _escape(cell)
    return f"${printer(cell) if isinstance(cell, Expr) else printer.number(cell)}$"
