"""Lines of working in LaTeX: what does not fit on a line is broken before a relation or a sign."""

from __future__ import annotations

from collections.abc import Callable

from ..document.parts import Formula, Step
from ..notation.expr import Expr
from ..notation.latex import LatexPrinter
from .width import text_width, width

SIGNS = {"=": "=", "≈": "\\approx", "←": "\\leftarrow"}
ROOM = 42.0  # em on a line of A4, and about what GitHub shows
LEFT = 12.0  # a left side wider than this stands on a line of its own
INDENT = "\\quad {}"


Line = tuple[str, str]  # what stands left of the first relation, or nothing; and the rest


def working(part: Formula | Step, printer: LatexPrinter, escape: Callable[[str], str]) -> list[Line]:
    """A formula or a step as lines; they hang together, and belong below one another."""
    links: tuple[tuple[str, Expr], ...]
    if isinstance(part, Formula):
        left, links, remark = part.left, (("=", part.right),), part.remark
    else:
        printed = part.printed(printer.digits)
        left, links, remark = printed.left, printed.links, printed.remark
    if left is None:
        left, links = links[0][1], ()
    head = printer(left)
    lines: list[Line] = []
    if links and (size := width(head)) <= LEFT:
        for line in _relations(links, printer, ROOM - size):
            lines.append((head, line))
            head = ""
    else:
        lines += [("", line) for line in packed(printer.pieces(left), ROOM)]
        lines += [("", f"\\quad {line}") for line in _relations(links, printer, ROOM - 1)]
    if remark:
        side, last = lines[-1]
        note = f"\\text{{{escape(remark)}}}"
        if width(side + last) + 2 + text_width(remark) < ROOM:
            lines[-1] = (side, f"{last} \\qquad {note}")
        else:
            lines.append(("", f"{INDENT} {note}"))
    return lines


def _relations(links: tuple[tuple[str, Expr], ...], printer: LatexPrinter, room: float) -> list[str]:
    """`= letters = numbers = result` on as few lines as hold them."""
    lines: list[str] = []
    line, used = "", 0.0
    for sign, expr in links:
        text = f"{SIGNS[sign]} {printer(expr)}"
        size = width(text)
        if line and used + size <= room:
            line, used = f"{line} {text}", used + size
            continue
        if line:
            lines.append(line)
        if size <= room:
            line, used = text, size
            continue
        *full, line = packed(printer.pieces(expr), room - 1.5)
        lines += [f"{SIGNS[sign]} {full[0]}", *full[1:]] if full else []
        line = line if full else f"{SIGNS[sign]} {line}"
        used = width(line)
    return [*lines, line] if line else lines


def packed(pieces: list[str], room: float) -> list[str]:
    """The pieces on as few lines as hold them; all but the first are indented."""
    lines = [pieces[0]]
    used = width(pieces[0])
    for piece in pieces[1:]:
        size = width(piece)
        if used + size > room:
            lines.append(f"{INDENT} {piece}")
            used = 1.5 + size
        else:
            lines[-1] += f" {piece}"
            used += size
    return lines
