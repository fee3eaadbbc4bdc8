"""Lines of working in LaTeX: what does not fit on a line is broken before a relation or a sign."""

from __future__ import annotations

from ..document.parts import Formula, Step
from ..notation.expr import Expr
from ..notation.latex import LatexPrinter
from .width import text_width, width
from .words import words_in_maths

SIGNS = {"=": "=", "≈": "\\approx", "←": "\\leftarrow"}
ROOM = 42.0  # em on a line of A4, and about what GitHub shows
LEFT = 12.0  # a left side wider than this stands on a line of its own
INDENT = "\\quad {}"


Links = tuple[tuple[str, Expr], ...]
Line = tuple[str, str]  # what stands left of the first relation, or nothing; and the rest


def working(part: Formula | Step, printer: LatexPrinter, beside: float = 0.0) -> list[Line]:
    """A formula or a step as lines that hang together.

    Args:
        beside: the widest left side (in em) of the lines that it will stand below, at the same relation.
    """
    left, links, remark = _parts(part, printer)
    lines: list[Line] = []
    if links and (size := width(head := printer(left))) <= LEFT:
        for line in _relations(links, printer, ROOM - max(size, beside)):
            lines.append((head, line))
            head = ""
    else:
        lines += [("", line) for line in packed(printer.pieces(left), ROOM)]
        lines += [("", f"\\quad {line}") for line in _relations(links, printer, ROOM - 1)]
    if remark:
        side, last = lines[-1]
        if max(width(side), beside) + width(last) + 2 + text_width(remark) <= ROOM:
            lines[-1] = (side, f"{last} \\qquad {words_in_maths(remark)}")
        else:
            lines.append(("", f"{INDENT} {words_in_maths(remark)}"))
    return lines


def left_width(part: Formula | Step, printer: LatexPrinter) -> float:
    """How much room the left side takes; more than there is where nothing stands behind it."""
    return width(printer(part.left)) if part.left is not None else LEFT + 1


def _parts(part: Formula | Step, printer: LatexPrinter) -> tuple[Expr, Links, str]:
    if isinstance(part, Step):
        printed = part.printed(printer.digits)
        return printed.left, printed.links, printed.remark
    if part.left is None:
        return part.right, (), part.remark
    return part.left, (("=", part.right),), part.remark


def _relations(links: Links, printer: LatexPrinter, room: float) -> list[str]:
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
