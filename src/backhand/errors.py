"""The exception tree. Every error says where, what was expected, what was got and what to try.

BackhandError
├── SheetError          the text of a sheet is wrong                     exit 2
│   ├── SyntaxProblem   it cannot be read
│   ├── NameProblem     a name is unknown, defined twice or in a circle
│   └── ShapeProblem    sizes do not go together
├── DataError           a table or a cell is wrong                       exit 2
├── UsageError          a request does not fit the network               exit 2
├── MissingValues       some parameters have a value and some have not   exit 1
└── NumberError         a number stopped being finite                    exit 1
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

# What must not reach a terminal: control characters, lone surrogates, characters that turn the text around.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")


def printable(text: str) -> str:
    """The text, with � for each character that would upset a terminal or a file."""
    return _UNPRINTABLE.sub("\ufffd", text)


@dataclass(frozen=True)
class Place:
    """A place in a text: 1-based line and column, the line itself, and how many characters are meant."""

    source: str
    line: int
    column: int
    text: str
    width: int = 1

    @staticmethod
    def of(source: str, text: str, start: int, end: int | None = None) -> Place:
        """The place of the characters `start` to `end` of `text`."""
        start = max(0, min(start, len(text)))
        line = text.count("\n", 0, start) + 1
        line_start = text.rfind("\n", 0, start) + 1
        line_end = text.find("\n", start)
        line_end = len(text) if line_end < 0 else line_end
        width = max(1, min(end if end is not None else start + 1, line_end) - start)
        return Place(source, line, start - line_start + 1, text[line_start:line_end].rstrip("\r"), width)

    def picture(self, widest: int = 96) -> str:
        """The line with a caret under the place; a long line is cut around it."""
        first = max(0, self.column - 1 - widest // 2) if len(self.text) > widest else 0
        shown = self.text[first : first + widest]
        before, after = "…" if first else "", "…" if len(self.text) > first + widest else ""
        at = self.column - 1 - first
        indent = _cells(before + shown[:at])
        carets = max(1, min(_cells(shown[at : at + self.width]), widest // 2))
        line = printable(before + shown.replace("\t", " ") + after)
        return f"    {line}\n    {' ' * indent}{'^' * carets}"


def _cells(text: str) -> int:
    """How many columns of a terminal a text takes: wide letters two, accents of their own none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class BackhandError(Exception):
    """The root of all errors that a user can cause.

    Args:
        message: one sentence that names the smallest guilty part.
        place: where in a text, if it came from one.
        expected, got, hint: the rest of the story; each may be left out.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        place: Place | None = None,
        expected: str | None = None,
        got: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.place = message, place
        self.expected, self.got, self.hint = expected, got, hint

    def __str__(self) -> str:
        lines = [printable(self.message)]
        if self.place:
            where = f"{self.place.source}:{self.place.line}:{self.place.column}: "
            lines = [printable(where + self.message), self.place.picture()]
        for word, said in (("expected", self.expected), ("got", self.got), ("try", self.hint)):
            if said:
                lines.append(f"  {word:<9}{printable(said)}")
        return "\n".join(lines)


class SheetError(BackhandError):
    """The sheet is wrong."""

    exit_code = 2


class SyntaxProblem(SheetError):
    """The sheet cannot be read."""


class NameProblem(SheetError):
    """A name is unknown, defined twice, or needs itself."""


class ShapeProblem(SheetError):
    """Sizes do not go together."""


class DataError(BackhandError):
    """A table or one of its cells is wrong."""

    exit_code = 2


class UsageError(BackhandError):
    """A request that does not fit this network."""

    exit_code = 2


class MissingValues(BackhandError):
    """Some parameters have a value and some have not."""


class NumberError(BackhandError):
    """A number stopped being finite."""


LONGEST_GUESS = 60  # longer words are not compared: it would take long and say little


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, if one is close enough to propose."""
    import difflib

    if len(word) > LONGEST_GUESS:
        return None
    candidates = [k for k in known if len(k) <= LONGEST_GUESS and k != word][:5000]
    plain = _plain(word)
    for candidate in candidates:  # `Sigmoid`, `z_1` and `w11` are meant as `sigmoid`, `z1`, `w_{11}`
        if _plain(candidate) == plain:
            return candidate
    found = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    return found[0] if found else None


def _plain(word: str) -> str:
    return re.sub(r"[_{}^~\s]", "", word).casefold()


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The proposal as a hint: did you mean `w3`?"""
    near = nearest(word, known)
    return f"did you mean `{near}`?" if near else None
