"""Builds formulas from what the grammar has found: one method for each of its rules, of the same name."""

from __future__ import annotations

import unicodedata
from typing import Any

from lark import Transformer

from ..notation.expr import Call, Expr, Num, Ref, Span, nary
from ..notation.names import SUPERSCRIPT_DIGITS
from .tokens import Token

DEEPEST = 40  # operations inside operations, in one formula: their derivatives are to be read

# What the tree and its printers call their own. A sheet may use these words for functions of its own.
OPERATIONS = frozenset(
    {
        "add", "neg", "mul", "hadamard", "div", "pow", "gt", "ge", "lt", "le", "cases", "matmul", "outer",
        "transpose", "stack", "total", "entry", "rowsum", "rowmean", "logsumexp", "huber_of", "normal_cdf",
        "print", "part", "call", "cut", "product", "terms", "factors", "limit", "has_exponent",
    }
)  # fmt: skip


class Refused(Exception):
    """What the grammar lets pass and the language does not.

    Args:
        message, expected, hint: as in `SyntaxProblem`.
        start, end: the characters of the sheet that are meant; what stands there is what was got.
        got: what was got, where it is something else.
    """

    def __init__(self, message: str, start: int, end: int, expected: str, hint: str, got: str = "") -> None:
        super().__init__(message)
        self.start, self.end, self.expected, self.hint, self.got = start, end, expected, hint, got


def composed(name: str) -> str:
    """A name in NFC."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def number(token: Token) -> Num:
    """The number of a token. Refuses what is too large for one."""
    value = float(token.text.replace("−", "-"))
    if value == float("inf"):
        said = f"`{shorten(token.text, 30)}` is too large for a number"
        raise Refused(
            said, token.start, token.end, "a number below 1.8e308", "write a smaller number", shorten(token.text)
        )
    return Num(value, (token.start, token.end))


def whole(token: Token, expected: str, most: int, least: int = 1, hint: str = "") -> int:
    """A whole number within bounds."""
    digits = token.text.lstrip("0") or "0"
    value = int(digits) if len(digits) < 20 else most + 1
    if not least <= value <= most:
        said = f"{shorten(digits, 30)} is too {'small' if value < least else 'large'} here"
        raise Refused(said, token.start, token.end, f"{expected}, from {least} to {most:,}", hint, shorten(digits, 30))
    return value


def shorten(text: str, width: int = 40) -> str:
    """One line of at most so many characters."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"


class Formulas(Transformer[Any, Any]):
    """The methods take what a rule has found: tokens, and formulas that are built already.

    A formula's span is where it stands in the sheet, brackets around it included.
    """

    def value(self, parts: list[Token]) -> Expr:
        return number(parts[0])

    def name(self, parts: list[Token]) -> Expr:
        return Ref(composed(parts[0].text), (), (parts[0].start, parts[0].end))

    def entry(self, parts: list[Token]) -> Expr:
        name, _, *index, close = parts
        counted = "the number of an entry"
        found = tuple(whole(token, counted, 999_999_999, hint="entries are counted from 1") for token in index)
        return Ref(composed(name.text), found, (name.start, close.end))

    def call(self, parts: list[Any]) -> Expr:
        name, _, *args, close = parts
        shown = composed(name.text)
        own = shown in OPERATIONS or shown.startswith("sum_")
        op = "sigmoid" if shown == "σ" else f"({shown})" if own else shown
        given = tuple(arg for arg in args if arg is not None)
        return _checked(Call(op, given, shown=shown if op != shown else "", span=(name.start, close.end)))

    def vector(self, parts: list[Any]) -> Expr:
        opened, *items, close = parts
        return _checked(Call("stack", tuple(items), span=(opened.start, close.end)))

    def bracket(self, parts: list[Any]) -> Expr:
        opened, inner, close = parts
        return _spanning(inner, (opened.start, close.end))

    def power(self, parts: list[Any]) -> Expr:
        base, exponent = parts
        if isinstance(exponent, Token):
            plain = exponent.text.translate(SUPERSCRIPT_DIGITS)
            exponent = number(exponent._replace(text=plain))
        return _checked(Call("pow", (base, exponent), span=_from_to(base, exponent)))

    def signed(self, parts: list[Any]) -> Expr:
        *signs, value = parts
        return _signed(value, sum(sign.type == "MINUS" for sign in signs), (signs[0].start, _end(value)))

    def product(self, parts: list[Any]) -> Expr:
        """Factors with * / and @ between them, from left to right."""
        first, whole_span = parts[0], _from_to(parts[0], parts[-1])
        minus = 0  # of a first factor in brackets: (-x)·y is the same number as -(x·y)
        while type(first) is Call and first.op == "neg":
            first, minus = first.args[0], minus + 1
        if type(first) is Num and first.value < 0:
            first, minus = Num(-first.value, first.span), minus + 1
        factors = [first]
        for sign, factor in zip(parts[1::2], parts[2::2], strict=True):
            if sign.type == "STAR":
                factors.append(factor)
                continue
            span = _from_to(parts[0], factor)
            built = factors[0] if len(factors) == 1 else nary("mul", factors, span)
            factors = [_checked(Call("div" if sign.type == "SLASH" else "matmul", (built, factor), span=span))]
        product = factors[0] if len(factors) == 1 else _checked(nary("mul", factors, whole_span))
        return _signed(product, minus, whole_span)

    def sum(self, parts: list[Any]) -> Expr:
        """Terms with + and - between them."""
        terms = [parts[0]]
        for sign, term in zip(parts[1::2], parts[2::2], strict=True):
            terms.append(_negative(term, term.span) if sign.type == "MINUS" else term)
        return _checked(nary("add", terms, _from_to(parts[0], parts[-1])))


def _from_to(first: Expr, last: Expr) -> Span:
    return (first.span[0] if first.span else 0, _end(last))


def _end(expr: Expr) -> int:
    return expr.span[1] if expr.span else 0


def _spanning(expr: Expr, span: Span) -> Expr:
    match expr:
        case Num():
            return Num(expr.value, span)
        case Ref():
            return Ref(expr.name, expr.index, span)
        case Call():
            return Call(expr.op, expr.args, shown=expr.shown, span=span)
    return expr


def _negative(term: Expr, span: Span) -> Expr:
    """What a term is behind a minus."""
    return Num(-term.value, span) if type(term) is Num else Call("neg", (term,), span=span)


def _signed(value: Expr, minus: int, span: Span) -> Expr:
    if minus > DEEPEST:
        raise _too_deep(span)
    for _ in range(minus):
        value = _negative(value, span)
    return _checked(value)


def _checked(expr: Expr) -> Expr:
    if type(expr) is Call and expr.depth > DEEPEST:
        raise _too_deep(expr.span)
    return expr


def _too_deep(span: Span) -> Refused:
    said = f"more than {DEEPEST} operations are nested in one another"
    start = span[0] if span else 0
    hint = "give the inner part a name of its own, on a line of its own"
    return Refused(said, start, start + 1, f"at most {DEEPEST}", hint, "more")
