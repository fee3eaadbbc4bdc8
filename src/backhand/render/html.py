"""Documents as HTML: a page in one file that needs no network, or a piece of one for a notebook.

Formulas are MathML, so that nothing has to run; on a page, KaTeX (in the file, with its fonts) draws them alike
in every browser. A Content-Security-Policy forbids the page to ask for anything.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from ..document.parts import (
    Cell,
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
from ..explain import stage
from ..notation.expr import Expr, Partial
from ..notation.latex import LatexPrinter
from ..notation.numbers import Digits
from ..notation.text import TextPrinter
from ..ops.vocabulary import LATEX
from .lines import SIGNS
from .mathml import mathml
from .pictures import picture_svg
from .words import words_in_maths

PAGE = Path(__file__).parent / "page"
OPEN = 12  # parts that stand open at first; the page unfolds the others
FOLDED = 2  # a step with more relations than this can be folded
LONG = 60  # letters of a cell that is broken into lines
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; font-src data:; img-src data:"
LIVE_POLICY = POLICY.replace("script-src", "script-src blob:")  # for modules that stand in the page itself


@dataclass(frozen=True)
class Live:
    """What runs on a page: its place, its style, and its scripts."""

    body: str
    styles: str
    scripts: str


def to_html(document: Document, digits: Digits, live: Live | None = None) -> str:
    """The document as a page of its own.

    Args:
        live: what stands before the working, and runs.
    """
    writer = _Writer(digits, live=True)
    body = writer.body(document)
    title = escape(document.title or "Backhand")
    contents = "".join(f'<li><a href="#{key}">{said}</a></li>' for key, said in writer.contents)
    nav = f'<nav class="contents" aria-label="Contents"><ol>{contents}</ol></nav>' if len(writer.contents) > 2 else ""
    buttons = "".join(
        f'<button type="button" data-which="{which}" data-open="{opens}">{said}</button>'
        for present, which, opens, said in (
            (writer.parts > 1, "details.part", "true", "Unfold all"),
            (writer.parts > 1, "details.part", "false", "Fold all"),
            (writer.folds > 1, "details.step", "false", "Results only"),
            (writer.folds > 1, "details.step", "true", "Show the working"),
        )
        if present
    )
    tools = f'<div class="tools">{buttons}</div>' if buttons else ""
    maths = writer.formulas > 0 or live is not None
    styles = (katex_css() if maths else "") + _file("page.css") + (live.styles if live else "")
    scripts = (
        f"<script>{_file('katex/katex.min.js')}</script>" if maths else ""
    ) + f"<script>{_file('page.js')}</script>"
    policy, runs = POLICY, ""
    if live is not None:
        policy, runs, scripts = LIVE_POLICY, live.body, scripts + live.scripts
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>{title}</title>\n<style>{styles}</style>\n</head>\n"
        f'<body class="backhand">\n<a class="skip" href="#main">To the working</a>\n<main id="main">\n'
        + body.replace(CONTENTS, nav + runs + tools, 1).replace(CONTENTS, "")
        + f"\n</main>\n{scripts}\n</body>\n</html>\n"
    )


def to_fragment(document: Document, digits: Digits) -> str:
    """The document as a piece of HTML that needs no script, for a page that is somebody else's."""
    body = _Writer(digits, live=False).body(document).replace(CONTENTS, "")
    return f'<div class="backhand-page"><style>{_fragment_css()}</style>{body}</div>\n'


def to_piece(document: Document, digits: Digits) -> str:
    """The document as a piece of a page that has our style, draws formulas itself, and lights equal names."""
    return _Writer(digits, live=True, titled=False, keyed=True).body(document).replace(CONTENTS, "")


def data_key(name: Expr) -> str:
    """A name's key for `\\htmlData`, in whose arguments a comma divides; and its row, where it is told."""
    row = (name.by if isinstance(name, Partial) else name).name.partition("@")[2]  # type: ignore[attr-defined]
    return f"k={stage.key(name).replace(',', '|')}" + (f",row={row}" if row else "")


CONTENTS = "<!--contents-->"


class _Writer:
    def __init__(self, digits: Digits, live: bool, titled: bool = True, keyed: bool = False) -> None:
        self.digits, self.live, self.titled = digits, live, titled
        self.printer = LatexPrinter(digits, LATEX, keyed=data_key if keyed else None)
        self.plain = TextPrinter(digits, limit=12)
        self.inline = LatexPrinter(digits, LATEX, inline=True)
        self.contents: list[tuple[str, str]] = []
        self.parts = self.folds = self.formulas = self.pictures = 0

    def body(self, document: Document) -> str:
        """Headings of level 2 make sections, those of level 3 parts of them that fold."""
        out: list[str] = []
        section = part = False
        if not any(isinstance(p, Heading) and p.level == 1 for p in document.parts):
            if self.live and self.titled:
                out.append(f"<h1>{escape(document.title or 'Backhand')}</h1>")
            out.append(CONTENTS)
        for one in document.parts:
            if not isinstance(one, Heading):
                out.append(self.block(one))
                continue
            if part:
                out.append("</details>")
                part = False
            if one.level < 3 and section:
                out.append("</section>")
                section = False
            out.append(self.heading(one))
            section = section or one.level == 2
            part = one.level > 2
        out += (["</details>"] if part else []) + (["</section>"] if section else [])
        return "\n".join(out)

    def heading(self, heading: Heading) -> str:
        said = _words(heading.text)
        if heading.level == 1:
            return f"<h1>{said}</h1>{CONTENTS}" if self.live else f"<h2>{said}</h2>{CONTENTS}"
        if heading.level == 2:
            key = f"s{len(self.contents) + 1}"
            self.contents.append((key, said))
            return f'<section id="{key}"><h2>{said}</h2>' if self.live else f"<section><h3>{said}</h3>"
        self.parts += 1
        opened = " open" if self.parts <= OPEN else ""
        level = "h3" if self.live else "h4"
        return f'<details class="part"{opened}><summary><{level}>{said}</{level}></summary>'

    def block(self, part: Part) -> str:
        match part:
            case Text():
                return self.paragraph(part)
            case Formula(left=left, right=right, remark=remark):
                links = (("", right),) if left is None else (("=", right),)
                return self.line(left, links, remark)
            case Step():
                printed = part.printed(self.digits)
                return self.step(printed.left, printed.links, printed.remark)
            case Table():
                return self.table(part)
            case Items(lines=lines, ordered=ordered):
                kind = "ol" if ordered else "ul"
                return f"<{kind}>" + "".join(f"<li>{self.runs(line.runs)}</li>" for line in lines) + f"</{kind}>"
            case Chart() | Grid() | Diagram() | Surface() | Histogram():
                return self.picture(part)
        raise TypeError(f"no HTML for {part!r}")

    # formulas -------------------------------------------------------------------------------------------------

    def maths(self, latex: str, kind: str = "", large: bool = False) -> str:
        self.formulas += 1
        drawn = mathml(latex)
        if large:
            drawn = drawn.replace("<math>", '<math displaystyle="true">', 1)
        if not self.live:
            return f'<span class="m{kind}">{drawn}</span>' if kind else drawn
        return f'<span class="m{kind}" data-t="{escape(latex)}">{drawn}</span>'

    def link(self, sign: str, expr: Expr, kind: str = "") -> str:
        return self.maths(f"{SIGNS[sign]} {self.printer(expr)}" if sign else self.printer(expr), kind, large=True)

    def line(self, left: Expr | None, links: tuple[tuple[str, Expr], ...], remark: str) -> str:
        head = self.maths(self.printer(left), large=True) + " " if left is not None else ""
        body = " ".join(self.link(sign, expr) for sign, expr in links)
        return f'<div class="step">{head}{body}{self.remark(remark)}</div>'

    def step(self, left: Expr, links: tuple[tuple[str, Expr], ...], remark: str) -> str:
        *before, (sign, result) = links
        if len(links) <= FOLDED:
            head = self.maths(self.printer(left), large=True)
            body = " ".join([*(self.link(s, e) for s, e in before), self.link(sign, result, " result")])
            return f'<div class="step">{head} {body}{self.remark(remark)}</div>'
        self.folds += 1
        first, *middle = before
        head = f"{self.maths(self.printer(left), large=True)} {self.link(*first)}"
        folded = self.link(sign, result, " result folded")
        body = " ".join([*(self.link(s, e) for s, e in middle), self.link(sign, result, " result")])
        inner = f"<div>{body}{self.remark(remark)}</div>"
        said = escape(f"{self.plain(left)} {first[0]} {self.plain(first[1])}")
        return f'<details class="step" open><summary aria-label="{said}">{head} {folded}</summary>{inner}</details>'

    def remark(self, text: str) -> str:
        return f' <span class="remark">{self.mixed(text)}</span>' if text else ""

    def mixed(self, text: str) -> str:
        """A remark; one with signs of mathematics in it is set as such."""
        return _words(text) if text.isascii() else self.maths(words_in_maths(text))

    def runs(self, runs: tuple[Inline, ...]) -> str:
        out = []
        for run in runs:
            if isinstance(run, str):
                out.append(_words(run))
            else:
                out.append(self.maths(self.inline(run) if isinstance(run, Expr) else self.inline.number(run)))
        return "".join(out)

    def paragraph(self, text: Text) -> str:
        body = self.runs(text.runs)
        if not body:
            return ""
        before = "<strong>Note.</strong> " if text.kind == "warning" else ""
        kind = f' class="{text.kind}"' if text.kind != "plain" else ""
        return f"<p{kind}>{before}{body}</p>"

    # tables and pictures --------------------------------------------------------------------------------------

    def table(self, table: Table) -> str:
        columns = range(len(table.columns))
        numeric = [bool(table.rows) and all(isinstance(r[i], float | int) for r in table.rows) for i in columns]
        kinds = [' class="number"' if n else "" for n in numeric]
        heads = "".join(
            f'<th scope="col"{kind}>{self.head(cell)}</th>' if cell not in ("", None) else "<td></td>"
            for cell, kind in zip(table.columns, kinds, strict=True)
        )
        lines = []
        for row in table.rows:
            cells = []
            for i, cell in enumerate(row):
                long = isinstance(cell, str) and len(cell) > LONG
                kind = ' class="long"' if long else kinds[i]
                tag = 'th scope="row"' if i < table.stub and cell not in ("", None) else "td"
                body = self.cell(cell) if tag == "td" else self.head(cell)
                cells.append(f"<{tag}{kind}>{body}</{tag.split()[0]}>")
            lines.append(f"<tr>{''.join(cells)}</tr>")
        caption = f"<caption>{_words(table.title)}</caption>" if table.title else ""
        ruled = ' class="ruled"' if table.ruled else ""
        body = f"<table{ruled}>{caption}<thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
        return f'<div class="wide" role="group" tabindex="0" aria-label="{escape(table.title or "Table")}">{body}</div>'

    def head(self, cell: Cell) -> str:
        """A head; one that is a formula stands there as text too: not every reader reads MathML in heads."""
        if not isinstance(cell, Expr):
            return self.cell(cell)
        text = escape(self.plain(cell), quote=False)
        return f'<span class="told">{text}</span><span aria-hidden="true">{self.cell(cell)}</span>'

    def cell(self, cell: Cell) -> str:
        if cell is None:
            return ""
        if isinstance(cell, str):
            return _words(cell)
        return self.maths(self.inline(cell)) if isinstance(cell, Expr) else escape(self.digits.text(cell))

    def picture(self, picture: Picture) -> str:
        self.pictures += 1
        key = f"p{self.pictures}"
        drawn = picture_svg(picture, self.digits, key)
        wide = f'<div class="wide" role="group" tabindex="0" aria-label="{escape(picture.title)}">{drawn}</div>'
        if isinstance(picture, Diagram) and picture.words:
            words = "".join(f"<li>{self.runs(line)}</li>" for line in picture.words)
            wide += f"<details><summary>The diagram in words</summary><ul>{words}</ul></details>"
        elif isinstance(picture, Grid):
            wide += f"<details><summary>The picture as a table</summary>{self.table(picture.table())}</details>"
        return f"<figure>{wide}</figure>"


def _words(text: str) -> str:
    """Plain words; what stands between `…` is code."""
    parts = escape(text, quote=False).split("`")
    if len(parts) % 2 == 0:
        return "`".join(parts)
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


@cache
def _file(name: str) -> str:
    return (PAGE / name).read_text("utf-8")


@cache
def katex_css() -> str:
    """KaTeX's style with the fonts that lie here inlined, and the others left out."""

    def face(found: re.Match[str]) -> str:
        name = re.search(r"fonts/(KaTeX_[\w-]+)\.woff2", found[0])
        assert name is not None
        path = PAGE / "katex" / "fonts" / f"{name[1]}.woff2"
        if not path.exists():
            return ""
        data = b64encode(path.read_bytes()).decode("ascii")
        return re.sub(r"src:[^}]*", f'src:url(data:font/woff2;base64,{data}) format("woff2")', found[0])

    return re.sub(r"@font-face\{[^}]*\}", face, _file("katex/katex.min.css"))


@cache
def _fragment_css() -> str:
    """The page's style for a piece of somebody else's page: no colours of its own but where they mean something."""
    found = _file("page.css").split("body.backhand", 1)[0]
    rules = [line for line in _file("page.css").splitlines() if line.startswith(".backhand ")]
    kept = [
        r for r in rules if not r.startswith((".backhand h", ".backhand a ", ".backhand button", ".backhand .skip"))
    ]
    scoped = "\n".join(kept).replace(".backhand ", ".backhand-page ")
    return found.replace(":root", ".backhand-page") + scoped
