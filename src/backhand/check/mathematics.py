"""Formulas as they stand in notes, in LaTeX or plain text, read into expressions over names as they were written."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from lark import Lark, Transformer, UnexpectedInput, v_args

from ..notation.expr import Call, Expr, Num, Partial, Ref, add, call, div, mul, neg
from ..ops.vocabulary import VOCABULARY
from .numbers import NotANumber, read_number

MOST_LETTERS = 2000
_GREEK = {"\\sigma": "σ", "\\alpha": "α", "\\eta": "η", "\\delta": "δ", "\\phi": "φ", "\\mathcal{L}": "L"}
_PLAIN = [
    (r"\\(?:left|right|bigl|bigr|Big|big|displaystyle|,|;|!|:)", " "), (r"\\boxed", ""), (r"\\[ ]", " "), (r"~", " "),
    (r"\\(?:cdot|times|odot)", "*"), ("[·×⋅]", "*"), ("[−–]", "-"), (r"\\tilde|\\bar|\\overrightarrow|\\vec", ""),
    (r"\\hat\{?y\}?", "ŷ"), (r"\\(?:text|mathrm|mathit|operatorname|mathbf|textbf)\{([^{}]*)\}", r" \1"),
    (r"\^\{?\\top\}?", ""),
    (r"\\approx|≈|:=|\\leftarrow|←", "="), (r"\\partial", "∂"), (r"&", " "),
]  # fmt: skip
_GRAMMAR = r"""
    start: sum
    ?sum: signed | sum "+" product -> plus | sum "-" product -> minus
    ?signed: product | "-" product -> negative | "+" product
    ?product: powered | product powered -> times | product "*" factor -> times | product "/" factor -> over
    ?factor: powered | "-" powered -> negative
    ?powered: atom | atom "^" exponent -> raised | atom "^" exponent "(" sum ")" -> raised_times
    ?exponent: NUMBER -> number | NAME -> name | "{" sum "}" | "(" sum ")"
    ?atom: NUMBER -> number
         | NAME -> name
         | PARTIAL -> partial
         | FUNCTION "(" sum ")" -> applied
         | "(" sum ")" | "[" sum "]" | "{" sum "}"
    PARTIAL: /⟦[^⟦⟧|]+\|[^⟦⟧|]+⟧/
    FUNCTION.3: /(?:FUNCTIONS)'?(?=\s*[({])/
    NUMBER.2: /(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?/
    NAME: /[^\W\d_][\u0300-\u036f]?\d*(?:_(?:\{[^{}]*\}|\w))?(?:\^\{?\([^()]*\)\}?)?/
    %ignore /\s+/
"""
_KNOWN = {"ReLU": "relu", "ReLu": "relu", "Relu": "relu", "relu": "relu", "σ": "sigmoid", "sigmoid": "sigmoid",
          "tanh": "tanh",
          "exp": "exp", "log": "log", "ln": "log", "sqrt": "sqrt", "softmax": "softmax"}  # fmt: skip
GENERAL = ("g", "f", "φ", "σ")  # letters for whatever the activation is


class Unread(ValueError):
    """A statement that cannot be read; it is counted and listed, never guessed."""


def prepared(text: str) -> str:
    """LaTeX without its typography: fractions as brackets, partials as one sign each."""
    for old, new in _GREEK.items():
        text = text.replace(old, new)
    for pattern, new in _PLAIN:
        text = re.sub(pattern, new, text)
    return re.sub(r"\s+", " ", _fractions(text)).strip()


def _group(text: str, at: int) -> tuple[str, int]:
    """What stands in the braces that open at a place, and where they end."""
    while at < len(text) and text[at] == " ":
        at += 1
    if at >= len(text) or text[at] != "{":
        raise Unread("a fraction without its two parts")
    depth = 0
    for end in range(at, len(text)):
        depth += (text[end] == "{") - (text[end] == "}")
        if depth == 0:
            return text[at + 1 : end], end + 1
    raise Unread("braces that do not close")


def _fractions(text: str) -> str:
    out = []
    while (at := re.search(r"\\[dt]?frac", text)) is not None:
        top, end = _group(text, at.end())
        bottom, end = _group(text, end)
        out.append(text[: at.start()])
        partial = re.fullmatch(r"\s*[∂d]\s*([^\s].*)", top), re.fullmatch(r"\s*[∂d]\s*([^\s].*)", bottom)
        if partial[0] and partial[1]:
            out.append(f" ⟦{partial[0][1].strip()}|{partial[1][1].strip()}⟧ ")
        else:
            out.append(f"(({_fractions(top)})/({_fractions(bottom)}))")
        text = text[end:]
    out.append(text)
    plain = "".join(out)
    return re.sub(r"[∂d]([^\W\d][\w^{}()]*)\s*/\s*[∂d]([^\W\d][\w^{}()]*)", r"⟦\1|\2⟧", plain)


@v_args(inline=True)
class _Build(Transformer[Any, Expr]):
    def start(self, whole: Expr) -> Expr:
        return whole

    def plus(self, left: Expr, right: Expr) -> Expr:
        return add(left, right)

    def minus(self, left: Expr, right: Expr) -> Expr:
        return add(left, neg(right))

    def negative(self, inner: Expr) -> Expr:
        return neg(inner)

    def times(self, left: Expr, right: Expr) -> Expr:
        return mul(left, right)

    def over(self, left: Expr, right: Expr) -> Expr:
        return div(left, right)

    def raised(self, base: Expr, exponent: Expr) -> Expr:
        return Call("pow", (base, exponent))  # as it is written: a^1 may be a layer

    def raised_times(self, base: Expr, exponent: Expr, inner: Expr) -> Expr:
        return mul(Call("pow", (base, exponent)), inner)

    def number(self, token: str) -> Expr:
        return Num(float(token))

    def name(self, token: str) -> Expr:
        return Ref(written_name(str(token)))

    def partial(self, token: str) -> Expr:
        of, by = str(token).strip("⟦⟧").split("|")
        return Partial(Ref(written_name(of)), Ref(written_name(by)))

    def applied(self, function: str, inner: Expr) -> Expr:
        name, prime = str(function).rstrip("'"), 1 if str(function).endswith("'") else 0
        if name in GENERAL:
            return Call("general", (inner,), prime, shown=name)
        known = _KNOWN[name]
        return Call(known, (inner,), prime) if known in VOCABULARY else call(known, inner)


def written_name(text: str) -> str:
    """A name without braces and spaces: w_{11}^{2} is w_11^2, \\vec{a}_1 is a_1."""
    return re.sub(r"[{}\s()]", "", text)


@cache
def _grammar(names: tuple[str, ...]) -> Lark:
    words = sorted({*_KNOWN, *GENERAL}, key=len, reverse=True)
    own = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    rules = _GRAMMAR.replace("FUNCTIONS", "|".join(words)).replace(
        "NAME: /", f"NAME: /(?:{own})(?!\\w)|" if own else "NAME: /"
    )
    return Lark(rules, parser="lalr", transformer=_Build())


def read_side(text: str, names: tuple[str, ...] = ()) -> Expr:
    """One side of a statement.

    Args:
        names: those of the sheet that have several letters.

    Raises:
        Unread: it is no formula that can be read.
    """
    if len(text) > MOST_LETTERS:
        raise Unread("too long")
    try:
        number = read_number(text)
        return Num(number.value)
    except NotANumber:
        pass
    try:
        return _grammar(names).parse(text)  # type: ignore[return-value]
    except (UnexpectedInput, RecursionError, KeyError, ValueError) as problem:
        raise Unread(str(problem).splitlines()[0][:80]) from None
