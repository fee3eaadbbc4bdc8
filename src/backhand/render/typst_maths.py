"""Formulas as Typst's mathematics."""

from __future__ import annotations

from functools import lru_cache

from .boxes import Accented, Box, Fenced, Fraction, Lines, Root, Row, Scripted, Sign, Space, boxes

_SPECIAL = set("\\/#$_^&\"'()[]{}|,;:.!~`@*-<>=+?")
_PLAIN = set("=+<>.:!*-?~@")  # of these, what needs no backslash in mathematics
_ACCENTS = {
    "grave": "grave", "acute": "acute", "hat": "hat", "tilde": "tilde", "bar": "macron", "breve": "breve",
    "dot": "dot", "ddot": "dot.double", "mathring": "circle", "check": "caron", "vec": "arrow",
}  # fmt: skip


def quoted(text: str) -> str:
    """A string of Typst."""
    out = "".join(f"\\u{{{ord(c):x}}}" if ord(c) < 32 else f"\\{c}" if c in '"\\' else c for c in text)
    return f'"{out}"'


@lru_cache(maxsize=8192)
def typst_maths(latex: str) -> str:
    """A formula of our LaTeX, without the `$`."""
    return _text(boxes(latex))


def _text(box: Box | None) -> str:
    match box:
        case None:
            return '""'
        case Sign():
            return _sign(box)
        case Space(em=em):
            return f"#h({em:.3g}em)"
        case Row(parts=parts):
            return " ".join(map(_text, parts)) or '""'
        case Scripted(base=base, sub=sub, sup=sup):
            low = f", b: {_text(sub)}" if sub is not None else ""
            high = f", t: {_primes(sup)}" if sup is not None else ""
            return f"attach({_text(base)}{low}{high})"
        case Fraction(top=top, bottom=bottom):
            return f"frac({_text(top)}, {_text(bottom)})"
        case Root(inner=inner, degree=None):
            return f"sqrt({_text(inner)})"
        case Root(inner=inner, degree=degree):
            return f"root({_text(degree)}, {_text(inner)})"
        case Accented(inner=inner, accent=accent):
            return f"accent({_text(inner)}, {_ACCENTS[accent]})"
        case Fenced(left=left, inner=inner, right=right):
            return f"lr(\\{left} {_text(inner)} \\{right})"
        case Lines(kind="cases", rows=rows):
            return f"cases({', '.join(' & '.join(map(_text, row)) for row in rows)})"
        case Lines(rows=rows):
            return f'mat(delim: "[", {"; ".join(", ".join(map(_text, row)) for row in rows)})'
    raise TypeError(f"no Typst for {box!r}")


def _primes(box: Box) -> str:
    """σ′ has its mark where Typst puts marks."""
    marks = box.parts if isinstance(box, Row) else (box,)
    if all(isinstance(mark, Sign) and mark.text == "′" for mark in marks):
        return f"primes(#{len(marks)})"
    return _text(box)


def _sign(sign: Sign) -> str:
    match sign.kind:
        case "number" | "letter":
            return sign.text
        case "italic":
            return f"italic({quoted(sign.text)})"
        case "upright":
            return f"op({quoted(sign.text)})" if len(sign.text) > 1 else f"upright({quoted(sign.text)})"
        case "text":
            return quoted(sign.text)
    return "".join(f"\\{c}" if c in _SPECIAL - _PLAIN else c for c in sign.text)
