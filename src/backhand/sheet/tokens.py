"""Cuts a sheet into statements of tokens: comments, quotes, `;`, and brackets that continue a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..errors import Place, SyntaxProblem
from ..notation.names import NAME_PATTERN

DEEPEST = 60  # open brackets
LONGEST_SHEET = 20_000_000  # characters, with the data
MOST_SIGNS = 41  # minus signs in a row: one between two terms, and the 40 operations of a formula (see formula.py)
LONGEST_WORD = 200  # characters of a name or a number
MOST_TOKENS = 320_000  # in one statement; a matrix of 128 × 784 numbers with signs fits
MOST_IN_ALL = 1_000_000

_SPACE = r" \t\f\r\u00a0\u2000-\u200a\u202f\u205f\u3000"
_TOKEN = re.compile(
    rf"""[{_SPACE}]*+(?:
    (?P<name>{NAME_PATTERN})
    |(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+−]?[0-9]+)?)
    |(?P<sign>->|→|\*\*|[-+−*/·×⋅∗@^()\[\],=])
    |(?P<stop>[\n;](?:[{_SPACE}\n;]++|\#[^\n]*+)*+)  # ends of statements, empty statements and comments
    |(?P<comment>\#[^\n]*+)
    |(?P<text>"[^"\n]*")
    |(?P<raised>⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)
    |(?P<bad>.)
    |\Z)""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"#[^\n]*")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")
_SIGNS = {
    "+": "PLUS", "-": "MINUS", "−": "MINUS", "*": "STAR", "·": "STAR", "×": "STAR", "⋅": "STAR", "∗": "STAR",
    "/": "SLASH", "@": "AT", "^": "_CARET", "**": "_CARET", "(": "LPAR", ")": "RPAR", "[": "LSQB", "]": "RSQB",
    ",": "_COMMA", "=": "_EQUAL", "->": "_ARROW", "→": "_ARROW",
}  # fmt: skip
_PAIRS = {"(": ")", "[": "]"}


class Token(NamedTuple):
    """A word or sign of the sheet.

    `type` is what the grammar calls it, `BAD` for a character that means nothing in a sheet, or `_STOP`.
    """

    type: str
    text: str
    start: int
    end: int


class Rows(NamedTuple):
    """What follows `data`: the text to the end, where it begins, and where the word `data` stands."""

    text: str
    start: int
    word: tuple[int, int]


def statements(text: str, source: str) -> Iterator[list[Token] | Rows]:
    """The statements of a sheet, each ended by a `_STOP` token; `Rows`, if there are any, come last.

    Raises:
        SyntaxProblem: a control character, brackets that do not match, something too deep or too long.
    """
    _refuse_control_characters(text, source)
    brackets = _Brackets(text, source)
    tokens: list[Token] = []
    count = signs = 0  # signs: how many minus signs stand in a row
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup
        if kind is None or kind == "comment":
            continue
        word = found[kind]
        end = found.end()
        start = end - len(word)
        if kind == "stop":
            if not brackets.open:
                if word[0] == "\n" and _is_data(tokens):
                    yield Rows(text[start + 1 :], start + 1, tokens[0][2:])
                    return
                if tokens:
                    yield _ended(tokens)
                    tokens = []
                continue
            if _is_data(tokens[-1:]) and _stands_alone(tokens[-1], text):
                brackets.refuse_open("the rows of data")
            if ";" not in _COMMENT.sub("", word):
                continue  # an open bracket continues the line
            kind, word, start = "bad", ";", text.index(";", start)
        elif kind == "sign":
            if word in "()[]=":
                brackets.follow(word, start)
        elif len(word) > LONGEST_WORD and kind != "text":
            raise _too_long(f"a {kind}", LONGEST_WORD, "characters", Place.of(source, text, start))
        elif word == '"':
            raise SyntaxProblem(
                "this quote is never closed on its line",
                place=Place.of(source, text, start),
                expected='a closing "',
                got="the end of the line",
                hint="close the quote on its own line",
            )
        type_ = _SIGNS[word] if kind == "sign" else "WHOLE" if kind == "number" and word.isdigit() else kind.upper()
        tokens.append(Token(type_, word, start, end))
        signs = signs + 1 if type_ == "MINUS" else signs if type_ == "PLUS" else 0
        if signs > MOST_SIGNS:
            raise _too_many_signs(tokens, text, source)
        count += 1
        if len(tokens) > MOST_TOKENS or count > MOST_IN_ALL:
            brackets.refuse_open_line(start)
            most, what = (MOST_TOKENS, "a statement") if count <= MOST_IN_ALL else (MOST_IN_ALL, "a sheet")
            raise _too_long(what, most, "words and signs", Place.of(source, text, start))
    brackets.refuse_open()
    if _is_data(tokens):
        yield Rows("", len(text), tokens[0][2:])
    elif tokens:
        yield _ended(tokens)


def _is_data(tokens: list[Token]) -> bool:
    return len(tokens) == 1 and tokens[0].text == "data"


def _stands_alone(token: Token, text: str) -> bool:
    """Whether a token is the first of its line."""
    return not text[text.rfind("\n", 0, token.start) + 1 : token.start].strip()


def _ended(tokens: list[Token]) -> list[Token]:
    end = tokens[-1].end
    return [*tokens, Token("_STOP", "", end, end)]


def _refuse_control_characters(text: str, source: str) -> None:
    if len(text) > LONGEST_SHEET:
        raise SyntaxProblem(
            f"{source} has {len(text):,} characters",
            place=Place.of(source, text, 0),
            expected=f"at most {LONGEST_SHEET:,}",
            got=f"{len(text):,}",
            hint='move the rows to a file and say `data from "rows.csv"`',
        )
    bad = _CONTROL.search(text)
    if bad:
        raise SyntaxProblem(
            "a control character stands in the sheet",
            place=Place.of(source, text, bad.start()),
            expected="plain UTF-8 text",
            got=f"U+{ord(bad.group()):04X}",
            hint="delete it, or save the sheet again as plain UTF-8 text",
        )


def _too_long(what: str, most: int, of: str, place: Place) -> SyntaxProblem:
    hint = "give its parts names of their own, or use matrices or a `layers` line"
    said = f"{what} is longer than {most:,} {of}"
    return SyntaxProblem(said, place=place, expected=f"at most {most:,}", got="more", hint=hint)


def _too_many_signs(tokens: list[Token], text: str, source: str) -> SyntaxProblem:
    """The error for the row of signs that the tokens end with."""
    first = len(tokens)
    while first and tokens[first - 1].type in ("PLUS", "MINUS"):
        first -= 1
    most = MOST_SIGNS - 1
    said = f"more than {most} operations are nested in one another"
    hint = "give the inner part a name of its own, on a line of its own"
    place = Place.of(source, text, tokens[first].start)
    return SyntaxProblem(said, place=place, expected=f"at most {most}", got="more", hint=hint)


class _Brackets:
    """The open brackets of a statement, by where they stand."""

    def __init__(self, text: str, source: str) -> None:
        self.text, self.source = text, source
        self.open: list[int] = []

    def follow(self, sign: str, at: int) -> None:
        """Takes an opening or closing bracket, or an `=`, which never stands inside brackets."""
        place = Place.of
        if sign in _PAIRS:
            self.open.append(at)
            if len(self.open) > DEEPEST:
                raise SyntaxProblem(
                    f"brackets are nested more than {DEEPEST} deep",
                    place=place(self.source, self.text, at),
                    expected=f"at most {DEEPEST} open brackets",
                    got="one more",
                    hint="give the inner part a name of its own, on a line of its own",
                )
        elif sign == "=":
            if self.open:
                self.refuse_open_line(at, "the next statement")
                raise SyntaxProblem(
                    "`=` stands inside brackets",
                    place=place(self.source, self.text, at),
                    expected=f"a closing `{self._closing()}` before it",
                    got="`=`",
                    hint="brackets hold formulas; an equation is a statement of its own",
                )
        elif not self.open:
            raise SyntaxProblem(
                f"this `{sign}` closes nothing",
                place=place(self.source, self.text, at),
                expected=f"a `{'(' if sign == ')' else '['}` before it",
                got=f"`{sign}`",
                hint="delete it, or open a bracket",
            )
        elif self._closing() != sign:
            opened = self.text[self.open[-1]]
            raise SyntaxProblem(
                f"a `{opened}` is closed by `{sign}`",
                place=place(self.source, self.text, at),
                expected=f"`{self._closing()}`",
                got=f"`{sign}`",
                hint=f"write `{self._closing()}`, or open with `{'(' if sign == ')' else '['}`",
            )
        else:
            self.open.pop()

    def refuse_open(self, got: str = "the end of the sheet") -> None:
        if self.open:
            raise SyntaxProblem(
                f"this `{self.text[self.open[-1]]}` is never closed",
                place=Place.of(self.source, self.text, self.open[-1]),
                expected=f"a closing `{self._closing()}`",
                got=got,
                hint=f"write `{self._closing()}` where the bracket ends",
            )

    def refuse_open_line(self, at: int, got: str = "very much text") -> None:
        """Like `refuse_open`, if the bracket's line has ended before `at`."""
        if self.open and self.text.find("\n", self.open[-1], at) >= 0:
            self.refuse_open(got)

    def _closing(self) -> str:
        return _PAIRS[self.text[self.open[-1]]]
