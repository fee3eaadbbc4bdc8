"""What is said of a statement that cannot be read: where it breaks, what fits there, and what was meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from ..errors import Place, SyntaxProblem, nearest
from .tokens import Token

FORMS = {
    "title": 'title "My network"',
    "input": 'input R "Rating", D   or   input x[2]',
    "target": "target y",
    "const": "const k = 3",
    "layers": "layers x -> 3 sigmoid -> 1 linear as y",
    "start": "start he seed 7   or   start weights 0.5, biases 0",
    "cost": "cost C = mean((y - yd)^2)",
    "rate": "rate 0.1",
    "update": "update sgd   or   update momentum 0.9",
    "mode": "mode batch, mode online   or   mode batches of 32",
    "data": 'data   on a line of its own, or   data from "houses.csv"',
}
WORDS = tuple(FORMS)
OPERATOR, OPERAND = "an operator", "a number, a name, `(` or `[`"  # what formulas expect
_OPERAND = ("name", "number", "(", "[", "text")
_AFTER_OPERAND = ("name", "number", ")", "]", "raised")
_BEFORE_OPERAND = ("+", "-", "*", "/", "@", "^", "(", "[", ",", "=")
_CHARACTERS = {
    ";": "close the bracket first",
    "“": 'quotes are straight: "…"',
    "”": 'quotes are straight: "…"',
    "„": 'quotes are straight: "…"',
    "«": 'quotes are straight: "…"',
    "{": "braces belong to a name, behind `_` or `^` and without spaces: `w_{11}^{(2)}`; formulas use ( )",
    "}": "braces belong to a name, behind `_` or `^` and without spaces: `w_{11}^{(2)}`; formulas use ( )",
    "–": "this is a dash; a minus is written `-`",
    "—": "this is a dash; a minus is written `-`",
    "÷": "a division is written `/`",
    "∕": "a division is written `/`",
    "√": "a root is written `sqrt(x)`",
    "½": "write 1/2 or 0.5",
    "¼": "write 1/4 or 0.25",
    "¾": "write 3/4 or 0.75",
    "∞": "a number is finite",
    ":": "an equation is written `name = expression`",
    "|": "the size of x is written `abs(x)`",
    "~": "`~` stands inside a name, as in `W1~_1`",
    "∑": "a sum over the rows is written `sum(…)`, in the cost",
    "<": "there are no comparisons; see `step`, `max` and `min`",
    ">": "there are no comparisons; see `step`, `max` and `min`",
}


def misplaced(tokens: Sequence[Token], at: int, expected: str, word: str, text: str, source: str) -> SyntaxProblem:
    """The error for token `at` of a statement.

    Args:
        expected: what could have stood there, in words.
        word: the statement word before these tokens, "" for an equation.
    """
    token, before = tokens[at], tokens[at - 1] if at else None
    end = token.end if token.kind != "bad" else token.start + 1
    return SyntaxProblem(
        _said(token, before, word, expected),
        place=Place.of(source, text, token.start, end),
        expected=expected,
        got=_got(token),
        hint=_hint(tokens, at, word, expected),
    )


def shorten(text: str, width: int = 40) -> str:
    """One line of at most so many characters."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"


def _got(token: Token) -> str:
    if token.kind == "end":
        return "the end of the statement"
    if token.kind == "bad" and not token.text.isprintable():
        return f"U+{ord(token.text):04X}, a character that cannot be seen"
    return f"`{shorten(token.text)}`"


def _said(token: Token, before: Token | None, word: str, expected: str) -> str:
    where = f" in this `{word}` statement" if word else ""
    if token.kind == "bad":
        if token.text == ";":
            return "a statement ends inside brackets"
        if token.text in "'′’‘`":
            return "a quotation mark or prime stands here"
        if not token.text.isprintable():
            return "a character that cannot be seen stands here"
        return f"`{token.text}` means nothing in a sheet"
    if before is not None and before.kind in _BEFORE_OPERAND:
        after = f"something is missing after `{before.text}`"
        if token.kind == "end":
            return after + where
        if expected == OPERAND and token.kind not in _OPERAND:
            return f"{after} and before `{token.text}`{where}"
    if before is not None and expected.startswith(OPERATOR) and token.kind in _OPERAND:
        return f"`{shorten(before.text)}` and `{shorten(token.text)}` stand side by side{where}"
    if expected == "`=`":
        return f"there is no `=` after `{before.text if before else word}`{where}"
    if token.kind == "end":
        return f"this `{word}` statement ends too early" if word else "this line ends too early"
    return f"`{shorten(token.text)}` does not fit here{where}"


def _hint(tokens: Sequence[Token], at: int, word: str, expected: str) -> str | None:
    token, before = tokens[at], tokens[at - 1] if at else None
    after = tokens[at + 1] if at + 1 < len(tokens) else token
    form = FORMS.get(word)
    if token.kind == "bad":
        return _bad_hint(token, before, after) or form or "formulas are made of names, numbers and + - * / ^ @ ( ) [ ]"
    if before is None or not expected.startswith((OPERATOR, OPERAND)):
        return form
    kinds = (before.kind, token.kind, after.kind)
    if kinds == ("number", ",", "number") and before.text.isdigit() and after.text.isdigit():
        return f"a decimal point is a point: `{before.text}.{after.text}`"
    if kinds[1:] in ((",", "name"), ("name", "=")) and word != "rate":
        return "write `;` or a new line between two statements"
    if kinds[0] in _AFTER_OPERAND and kinds[1] in _OPERAND:
        if kinds[:2] == ("number", "name") and token.text.startswith("_"):
            return "a number is written without `_`"
        left = before.text if kinds[0] in ("number", "name") else "…" + before.text
        if token.kind in ("name", "(") and kinds[0] != "text":
            right = token.text + ("…" if token.kind == "(" else "")
            return f"a product needs its sign: `{left}*{right}`"
        return "put an operator between them: + - * / ^ @"
    if token.kind == "=":
        if before.kind == "=":
            return "one `=` is enough"
        return "one `=` in a statement; write `;` or a new line between two statements"
    if token.kind == "text":
        return "only titles, labels and file names stand in quotes"
    if form is None and before.kind in _BEFORE_OPERAND:
        return f"write a value after `{before.text}`, or delete it"
    return form or "an equation is written `name = expression`"


def _bad_hint(token: Token, before: Token | None, after: Token) -> str | None:
    if token.text in "'′’‘`":
        if before is not None and before.kind == "name" and before.end == token.start:
            return f"a name has no prime; call it `{before.text}_new` or `{before.text}2`"
        return 'quotes are straight and double: "…"'
    if token.text == ":" and after.kind == "=":
        return "leave the `:` out"
    if token.text in "<>!" and (after.kind in ("-", "=") or after.text in "->="):
        return "an equation is written `name = expression`"
    if token.text == "." and before is not None and before.kind == "name" and after.kind == "name":
        return f"a name has no point; functions stand alone: `{after.text}(…)`"
    if not token.text.isprintable():
        return "delete it; it often comes along when text is copied"
    return _CHARACTERS.get(token.text)


def no_equation(tokens: Sequence[Token], text: str, source: str) -> SyntaxProblem:
    """The error for a statement that is neither `name = …` nor begins with a statement word."""
    first, second = tokens[0], tokens[1]
    if first.kind != "name":
        problem = misplaced(tokens, 0, "a name or a statement word", "", text, source)
        if first.kind != "bad":
            problem.hint = "a statement begins with a name: `name = expression`"
        return problem
    if second.kind == "bad":
        return misplaced(tokens, 1, "`=`", "", text, source)
    name = unicodedata.normalize("NFC", first.text)
    near = name.lower() if name.lower() in WORDS else nearest(name, WORDS) if second.kind != "[" else None
    equals = next((t for t in tokens if t.kind == "="), None)
    hint = "an equation is written `name = expression`"
    token, said, expected = second, f"there is no `=` after `{shorten(name)}`", "`=`"
    if equals is not None and second.kind == "[":
        said, expected = f"an entry of `{name}` cannot be set by itself", "`=` after the name"
        hint = f"give all entries at once: `{name} = [0.1, 0.2]`"
    elif equals is not None and second.kind == "(":
        hint = f"a name stands alone left of `=`: `{name} = …`"
    elif near and near != name:
        token, said = first, f"`{shorten(name)}` begins neither an equation nor a statement"
        expected, hint = "`name = expression`, or one of " + ", ".join(WORDS), f"did you mean `{near} …`?"
    elif equals is not None and second.kind == ",":
        hint = "one name left of `=`, one statement for each"
    place = Place.of(source, text, token.start, token.end)
    return SyntaxProblem(said, place=place, expected=expected, got=_got(token), hint=hint)
