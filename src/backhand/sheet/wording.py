"""What is said of a statement that cannot be read: where it breaks, what fits there, and what was meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence

from ..errors import Place, SyntaxProblem, nearest
from ..notation.names import is_name
from .formula import shorten
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
COUNTED = {  # what a whole number counts, by the statement
    "": "the number of an entry",
    "input": "the number of entries",
    "target": "the number of entries",
    "layers": "the number of units",
    "start": "the seed, a whole number",
    "mode": "the number of rows in a batch",
}
_NAMED = {  # what a name names
    "start": "he, xavier, uniform, normal, zeros, or weights and biases",
    "update": "sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw",
    "mode": "batch, online or batches",
}
_QUOTED = {"title": "a text in quotes", "data": "a file name in quotes"}
_PLAIN = {  # the other signs and words of the grammar, in the order in which they are listed
    "_EQUAL": "`=`",
    "_ARROW": "`->`",
    "AS": "`as`",
    "_SEED": "`seed` and a whole number",
    "_OF": "`of` and a number of rows",
    "_FROM": "the end of the line and the rows below it, or `from` and a file name",
    "_COMMA": "`,`",
    "RPAR": "`)`",
    "RSQB": "`]`",
    "_STOP": "the end of the statement",
}
_CLOSING = ("_COMMA", "RPAR", "RSQB", "_STOP")
OPERATOR, OPERAND = "an operator", "a number, a name, `(` or `[`"  # what formulas expect
_NUMBER = ("WHOLE", "NUMBER")
_OPERAND = ("NAME", "WHOLE", "NUMBER", "LPAR", "LSQB", "TEXT")
_AFTER_OPERAND = ("NAME", "WHOLE", "NUMBER", "RPAR", "RSQB", "RAISED")
_BEFORE_OPERAND = ("PLUS", "MINUS", "STAR", "SLASH", "AT", "_CARET", "LPAR", "LSQB", "_COMMA", "_EQUAL")
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


def expected(accepted: Collection[str], word: str) -> str:
    """In words, what the grammar would take.

    Args:
        accepted: the types of tokens that fit.
        word: the statement word, "" for an equation.
    """
    if "STAR" in accepted:
        return _either([OPERATOR, *(_PLAIN[sign] for sign in _CLOSING if sign in accepted)])
    if "NAME" in accepted and "LSQB" in accepted:
        return OPERAND
    found = []
    if "NAME" in accepted:
        found.append("an activation" if "_ARROW" in accepted else _NAMED.get(word, "a name"))
    if "NUMBER" in accepted:
        found.append("a number")
    elif "WHOLE" in accepted:
        found.append(COUNTED.get(word, COUNTED[""]))
    if "TEXT" in accepted:
        found.append(_QUOTED.get(word, "a label in quotes"))
    hidden = ("AS",) if "_ARROW" not in accepted else ()
    found += [said for sign, said in _PLAIN.items() if sign in accepted and sign not in hidden]
    return _either(found)


def _either(parts: Sequence[str]) -> str:
    last = ", or " if parts[-1] == _PLAIN["_STOP"] else " or "
    return last.join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def misplaced(tokens: Sequence[Token], at: int, fits: str, word: str, text: str, source: str) -> SyntaxProblem:
    """The error for token `at` of a statement.

    Args:
        fits: what could have stood there, in words.
        word: the statement word before these tokens, "" for an equation.
    """
    token, before = tokens[at], tokens[at - 1] if at else None
    end = token.end if token.type != "BAD" else token.start + 1
    return SyntaxProblem(
        _said(token, before, word, fits),
        place=Place.of(source, text, token.start, end),
        expected=fits,
        got=_got(token),
        hint=_hint(tokens, at, word, fits),
    )


def _got(token: Token) -> str:
    if token.type == "_STOP":
        return "the end of the statement"
    if token.type == "BAD" and not token.text.isprintable():
        return f"U+{ord(token.text):04X}, a character that cannot be seen"
    return f"`{shorten(token.text)}`"


def _said(token: Token, before: Token | None, word: str, fits: str) -> str:
    where = f" in this `{word}` statement" if word else ""
    if token.type == "BAD":
        if token.text == ";":
            return "a statement ends inside brackets"
        if token.text in "'′’‘`":
            return "a quotation mark or prime stands here"
        if not token.text.isprintable():
            return "a character that cannot be seen stands here"
        return f"`{token.text}` means nothing in a sheet"
    if before is not None and before.type in _BEFORE_OPERAND:
        after = f"something is missing after `{before.text}`"
        if token.type == "_STOP":
            return after + where
        if fits == OPERAND and token.type not in _OPERAND:
            return f"{after} and before `{token.text}`{where}"
    if before is not None and fits.startswith(OPERATOR) and token.type in _OPERAND:
        return f"`{shorten(before.text)}` and `{shorten(token.text)}` stand side by side{where}"
    if fits == "`=`":
        return f"there is no `=` after `{before.text if before else word}`{where}"
    if token.type == "_STOP":
        return f"this `{word}` statement ends too early" if word else "this line ends too early"
    return f"`{shorten(token.text)}` does not fit here{where}"


def _hint(tokens: Sequence[Token], at: int, word: str, fits: str) -> str | None:
    token, before = tokens[at], tokens[at - 1] if at else None
    after = tokens[at + 1] if at + 1 < len(tokens) else token
    form = FORMS.get(word)
    if token.type == "BAD":
        return _bad_hint(token, before, after) or form or "formulas are made of names, numbers and + - * / ^ @ ( ) [ ]"
    if fits == COUNTED[""]:
        return "entries are counted from 1"
    if before is None or not fits.startswith((OPERATOR, OPERAND)):
        return form
    types = (before.type, token.type, after.type)
    if types == ("WHOLE", "_COMMA", "WHOLE"):
        return f"a decimal point is a point: `{before.text}.{after.text}`"
    if types[1:] in (("_COMMA", "NAME"), ("NAME", "_EQUAL")) and word != "rate":
        return "write `;` or a new line between two statements"
    if types[0] in _AFTER_OPERAND and types[1] in _OPERAND:
        if types[0] in _NUMBER and types[1] == "NAME" and token.text.startswith("_"):
            return "a number is written without `_`"
        left = before.text if types[0] in ("NAME", *_NUMBER) else "…" + before.text
        if token.type in ("NAME", "LPAR") and types[0] != "TEXT":
            right = token.text + ("…" if token.type == "LPAR" else "")
            return f"a product needs its sign: `{left}*{right}`"
        return "put an operator between them: + - * / ^ @"
    if token.type == "_EQUAL":
        if before.type == "_EQUAL":
            return "one `=` is enough"
        return "one `=` in a statement; write `;` or a new line between two statements"
    if token.type == "TEXT":
        return "only titles, labels and file names stand in quotes"
    if form is None and before.type in _BEFORE_OPERAND:
        return f"write a value after `{before.text}`, or delete it"
    return form or "an equation is written `name = expression`"


def _bad_hint(token: Token, before: Token | None, after: Token) -> str | None:
    if token.text in "'′’‘`":
        if before is not None and before.type == "NAME" and before.end == token.start:
            return f"a name has no prime; call it `{before.text}_new` or `{before.text}2`"
        return 'quotes are straight and double: "…"'
    if token.text == ":" and after.type == "_EQUAL":
        return "leave the `:` out"
    if token.text in "<>!" and (after.type in ("MINUS", "_EQUAL") or after.text in "->="):
        return "an equation is written `name = expression`"
    if token.text == "." and before is not None and before.type == "NAME" and after.type == "NAME":
        return f"a name has no point; functions stand alone: `{after.text}(…)`"
    if not token.text.isprintable():
        return "delete it; it often comes along when text is copied"
    return _CHARACTERS.get(token.text)


def _braced(name: str, above: str) -> str | None:
    """w_11 and (2), typed as a power, as the one name that may be meant: w_{11}^{(2)}."""
    stem, below, index = name.partition("_")
    if below and len(index) > 1 and "{" not in index:
        name = f"{stem}_{{{index}}}"
    braced = f"{name}^{{{above.strip()}}}"
    return braced if is_name(braced) else None


def no_equation(tokens: Sequence[Token], text: str, source: str) -> SyntaxProblem:
    """The error for a statement that is neither `name = …` nor begins with a statement word."""
    first, second = tokens[0], tokens[1]
    if first.type != "NAME":
        problem = misplaced(tokens, 0, "a name or a statement word", "", text, source)
        if first.type != "BAD":
            problem.hint = "a statement begins with a name: `name = expression`"
        return problem
    if second.type == "BAD":
        return misplaced(tokens, 1, "`=`", "", text, source)
    name = unicodedata.normalize("NFC", first.text)
    near = name.lower() if name.lower() in WORDS else nearest(name, WORDS) if second.type != "LSQB" else None
    equals = next((t for t in tokens if t.type == "_EQUAL"), None)
    hint = "an equation is written `name = expression`"
    token, said, fits = second, f"there is no `=` after `{shorten(name)}`", "`=`"
    if equals is not None and second.type == "LSQB":
        said, fits = f"an entry of `{name}` cannot be set by itself", "`=` after the name"
        hint = f"give all entries at once: `{name} = [0.1, 0.2]`"
    elif equals is not None and second.type == "LPAR":
        hint = f"a name stands alone left of `=`: `{name} = …`"
    elif equals is not None and second.type == "_CARET" and (braced := _braced(name, text[second.end : equals.start])):
        hint = f"an index above a name stands in braces: `{braced} = …`"
    elif near and near != name:
        token, said = first, f"`{shorten(name)}` begins neither an equation nor a statement"
        fits, hint = "`name = expression`, or one of " + ", ".join(WORDS), f"did you mean `{near} …`?"
    elif equals is not None and second.type == "_COMMA":
        hint = "one name left of `=`, one statement for each"
    place = Place.of(source, text, token.start, token.end)
    return SyntaxProblem(said, place=place, expected=fits, got=_got(token), hint=hint)
