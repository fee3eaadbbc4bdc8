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

from dataclasses import dataclass


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
        text, column = self.text.replace("\t", " "), self.column
        if len(text) > widest:
            start = max(0, column - 1 - widest // 2)
            text = ("…" if start else "") + text[start : start + widest] + "…"
            column = column - start + (1 if start else 0)
        return f"    {text}\n    {' ' * (column - 1)}{'^' * max(1, min(self.width, widest // 2))}"


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
        lines = []
        if self.place:
            where = f"{self.place.source}:{self.place.line}:{self.place.column}: "
            lines += [where + self.message, self.place.picture()]
        else:
            lines.append(self.message)
        for word, said in (("expected", self.expected), ("got", self.got), ("try", self.hint)):
            if said:
                lines.append(f"  {word:<9}{said}")
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


def nearest(word: str, known: list[str] | tuple[str, ...]) -> str | None:
    """The known word most like `word`, if one is close enough to propose."""
    import difflib

    if len(known) > 5000:
        known = known[:5000]
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return found[0] if found else None
