"""Formulas as MathML, which browsers draw and screen readers read without any script."""

from __future__ import annotations

from functools import lru_cache
from html import escape

from .boxes import ACCENTS, Accented, Box, Fenced, Fraction, Lines, Root, Row, Scripted, Sign, Space, boxes

_MARKS = {"vec": "→", "hat": "^", "bar": "‾", "tilde": "~"}
_FENCES = "()[]{}|"
_LEFT = ' style="text-align:left"'


@lru_cache(maxsize=8192)
def mathml(latex: str) -> str:
    """A formula of our LaTeX as a `math` element for a line of text."""
    return f"<math>{_row(boxes(latex))}</math>"


def _row(box: Box) -> str:
    return "".join(map(_element, box.parts)) if isinstance(box, Row) else _element(box)


def _element(box: Box | None) -> str:
    match box:
        case None:
            return "<mrow></mrow>"
        case Sign():
            return _sign(box)
        case Space(em=em):
            return f'<mspace width="{em:.3g}em"></mspace>'
        case Row():
            return f"<mrow>{_row(box)}</mrow>"
        case Scripted(base=base, sub=sub, sup=None):
            return f"<msub>{_element(base)}{_element(sub)}</msub>"
        case Scripted(base=base, sub=None, sup=sup):
            return f"<msup>{_element(base)}{_element(sup)}</msup>"
        case Scripted(base=base, sub=sub, sup=sup):
            return f"<msubsup>{_element(base)}{_element(sub)}{_element(sup)}</msubsup>"
        case Fraction(top=top, bottom=bottom):
            return f"<mfrac>{_element(top)}{_element(bottom)}</mfrac>"
        case Root(inner=inner, degree=None):
            return f"<msqrt>{_row(inner)}</msqrt>"
        case Root(inner=inner, degree=degree):
            return f"<mroot>{_element(inner)}{_element(degree)}</mroot>"
        case Accented(inner=inner, accent=accent):
            mark = _MARKS.get(accent) or escape(ACCENTS[accent])
            return f'<mover accent="true">{_element(inner)}<mo stretchy="false">{mark}</mo></mover>'
        case Fenced(left=left, inner=inner, right=right):
            return f"<mrow>{_fence(left)}{_row(inner)}{_fence(right)}</mrow>"
        case Lines():
            return _lines(box)
    raise TypeError(f"no MathML for {box!r}")


def _fence(sign: str) -> str:
    return f"<mo>{escape(sign)}</mo>"


def _sign(sign: Sign) -> str:
    text = escape(sign.text, quote=False)
    match sign.kind:
        case "number":
            return f"<mn>{text}</mn>"
        case "letter":
            return f"<mi>{text}</mi>"
        case "italic":
            return f'<mi style="font-style:italic">{text}</mi>'
        case "upright" if len(sign.text) == 1:
            return f'<mi mathvariant="normal">{text}</mi>'
        case "upright":
            return f"<mi>{text}</mi>"
        case "text":
            return f"<mtext>{text.replace(' ', chr(160))}</mtext>"
    return f'<mo stretchy="false">{text}</mo>' if sign.text in _FENCES else f"<mo>{text}</mo>"


def _lines(lines: Lines) -> str:
    rows = "".join(
        "<mtr>" + "".join(f"<mtd{_LEFT if lines.kind == 'cases' else ''}>{_row(cell)}</mtd>" for cell in row) + "</mtr>"
        for row in lines.rows
    )
    table = f"<mtable>{rows}</mtable>"
    return f"<mrow><mo>{{</mo>{table}</mrow>" if lines.kind == "cases" else f"<mrow><mo>[</mo>{table}<mo>]</mo></mrow>"
