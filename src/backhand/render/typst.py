"""Documents as Typst, and by it as PDF: the same bytes for the same document."""

from __future__ import annotations

from ..document.parts import (
    Chart,
    Diagram,
    Document,
    Formula,
    Grid,
    Heading,
    Histogram,
    Inline,
    Items,
    Part,
    Picture,
    Step,
    Surface,
    Table,
    Text,
)
from ..errors import UsageError
from ..notation.expr import Expr
from ..notation.latex import LatexPrinter
from ..notation.numbers import Digits
from ..ops.vocabulary import LATEX
from .columns import columns_of
from .lines import working
from .pictures import pictures_svg
from .typst_maths import quoted, typst_maths

LONG = 25  # rows of a table that may go over pages
PAPERS = {"a4": "a4", "letter": "us-letter"}
PREAMBLE = """\
#set page(paper: {paper}, margin: 20mm, numbering: "1 / 1")
#set text(font: ("Libertinus Serif", "New Computer Modern", "DejaVu Sans Mono"), size: 10.5pt, lang: "en")
#set par(justify: false)
#set heading(numbering: none)
#show heading.where(level: 1): set text(size: 17pt)
#show heading: set block(above: 1.3em, below: 0.8em)
#show math.equation: set block(breakable: true)
#show math.equation.where(block: true): it => pad(left: 1em, align(left, it))
#show math.equation: set text(size: 10.5pt)
#show table: set text(size: 9.5pt)
#set table(stroke: none, inset: (x: 0.45em, y: 0.3em))
#let fit(body) = layout(size => {{
  let wide = measure(body).width
  if wide > size.width {{ scale(size.width / wide * 100%, origin: top + left, reflow: true, body) }} else {{ body }}
}})
#let soft(body) = text(fill: rgb("#4b5059"), body)
"""


def to_pdf(document: Document, digits: Digits, paper: str = "a4") -> bytes:
    """The document as a PDF.

    Raises:
        UsageError: typst is not installed, or there is no such paper.
    """
    try:
        import typst
    except ImportError:
        raise UsageError("PDFs need typst", hint='pip install "backhand[pdf]"') from None
    source = to_typst(document, digits, paper).encode()
    made = typst.compile(source, format="pdf", timestamp=0, ignore_system_fonts=True)
    assert isinstance(made, bytes)
    return made


def to_png(pictures: list[Picture], digits: Digits) -> bytes:
    """Pictures as a PNG, twice as fine as an SVG's pixels.

    Raises:
        UsageError: typst is not installed.
    """
    try:
        import typst
    except ImportError:
        raise UsageError("PNG pictures need typst", hint='pip install "backhand[pdf]"; .svg needs nothing') from None
    svg = pictures_svg(pictures, digits)
    source = f'#set page(width: auto, height: auto, margin: 0pt)\n#image(bytes({quoted(svg)}), format: "svg")\n'
    made = typst.compile(source.encode(), format="png", ppi=192.0, ignore_system_fonts=True)
    assert isinstance(made, bytes)
    return made


def to_typst(document: Document, digits: Digits, paper: str = "a4") -> str:
    """The document as a Typst file."""
    if paper not in PAPERS:
        raise UsageError(f"there is no paper `{paper}`", expected=" or ".join(PAPERS))
    writer = _Writer(digits)
    blocks = [writer.block(part) for part in document.parts]
    title = f"#set document(title: {quoted(document.title or 'Backhand')}, date: none)\n"
    return PREAMBLE.format(paper=quoted(PAPERS[paper])) + title + "\n" + "\n\n".join(b for b in blocks if b) + "\n"


class _Writer:
    def __init__(self, digits: Digits) -> None:
        self.digits = digits
        self.printer = LatexPrinter(digits, LATEX)
        self.inline = LatexPrinter(digits, LATEX, inline=True)

    def block(self, part: Part) -> str:
        match part:
            case Heading(text=text, level=level):
                new = "#pagebreak(weak: true)\n" if level == 1 else ""  # each page of several begins a new one
                return f"{new}#heading(level: {level}, {_content(text)})"
            case Text(kind=kind):
                body = self.runs(part.runs)
                if not body:
                    return ""
                if kind == "good":
                    return f"#strong[{body}]"
                before = "#strong[Note.] " if kind == "warning" else ""
                return f"#soft[{body}]" if kind == "note" else before + body
            case Formula() | Step():
                return self.display(part)
            case Table():
                return self.table(part)
            case Items(lines=lines, ordered=ordered):
                items = ", ".join(f"[{self.runs(line.runs)}]" for line in lines)
                return f"#{'enum' if ordered else 'list'}({items})"
            case Chart() | Grid() | Diagram() | Surface() | Histogram():
                return self.picture(part)
        raise TypeError(f"no Typst for {part!r}")

    def display(self, part: Formula | Step) -> str:
        lines = working(part, self.printer)
        joined = " \\\n  ".join(f"{typst_maths(left) if left else ''} & {typst_maths(rest)}" for left, rest in lines)
        return f"#fit($ {joined} $)"

    def runs(self, runs: tuple[Inline, ...]) -> str:
        out = []
        for run in runs:
            if isinstance(run, str):
                out.append(_words(run))
            else:
                out.append(f"${typst_maths(self.inline(run) if isinstance(run, Expr) else self.inline.number(run))}$")
        return "".join(out)

    def table(self, table: Table) -> str:
        columns = columns_of(table, self.inline)
        blocks = []
        for number, group in enumerate(columns.groups, 1):
            part = f" (part {number} of {len(columns.groups)})" if len(columns.groups) > 1 else ""
            title = f"#emph({_content(table.title + part)})\n" if table.title else ""
            widths = ", ".join(f"{columns.broken[i]:.1f}em" if i in columns.broken else "auto" for i in group)
            sides = ", ".join("right" if columns.numeric[i] else "left" for i in group)
            heads = ", ".join(f"[{self.cell(table.columns[i])}]" for i in group)
            lines = [", ".join(f"[{self.cell(row[i])}]" for i in group) + "," for row in table.rows]
            body = "\n  ".join([f"table.header({heads}, table.hline()),", *lines])
            ruled = " stroke: 0.5pt, inset: (x: 0.6em, y: 0.6em)," if table.ruled else ""
            if table.ruled:
                widths = widths.removesuffix("auto") + "14em"
            made = f"table(columns: ({widths},), align: ({sides},),{ruled}\n  {body}\n)"
            long = len(table.rows) > LONG
            drawn = made if long else f"fit({made})"
            blocks.append(f"#block(breakable: {'true' if long else 'false'})[{title}#{drawn}]")
        return "\n\n".join(blocks)

    def cell(self, cell: str | float | Expr | None) -> str:
        if cell is None:
            return ""
        if isinstance(cell, str):
            return _words(cell)
        return f"${typst_maths(self.inline(cell))}$" if isinstance(cell, Expr) else _words(self.digits.text(cell))

    def picture(self, picture: Picture) -> str:
        svg = pictures_svg([picture], self.digits)
        image = f'image(bytes({quoted(svg)}), format: "svg", alt: {quoted(picture.title)})'
        return f"#block(breakable: false, fit({image}))"


def _content(text: str) -> str:
    return f"[{_words(text)}]"


def _words(text: str) -> str:
    """Plain words as strings, so that nothing in them is markup; what stands between `…` is code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return f"#{quoted(text)}" if text else ""
    return "".join(f"#raw({quoted(p)})" if i % 2 else f"#{quoted(p)}" for i, p in enumerate(parts) if p)
