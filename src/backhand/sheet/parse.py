"""Reads the text of a sheet into statements."""

from __future__ import annotations

import re
import unicodedata

from ..errors import Place, SyntaxProblem
from ..notation.expr import Ref
from ..notation.names import NAME_PATTERN
from .model import Assign, InlineData, SheetText, Statement
from .statements import StatementReader, plain_value
from .tokens import Rows, statements
from .wording import FORMS, shorten

MOST_WARNINGS = 100
LIKELY_STATEMENTS = ("start", "cost", "rate", "update", "mode")  # `rate = 0.1` may be meant as `rate 0.1`
_NAME_WITH_INDEX = re.compile(
    rf"\s*(z\({NAME_PATTERN}\)|{NAME_PATTERN})\s*(?:\[\s*([0-9]{{1,9}}(?:\s*,\s*[0-9]{{1,9}})*)\s*\])?\s*"
)


def parse(text: str, source: str = "sheet") -> SheetText:
    """The statements of a sheet.

    Args:
        text: the sheet.
        source: what errors call it (a file's name).
    Raises:
        SyntaxProblem: with line, column, what was expected and what was got.
    """
    text = text.removeprefix("\ufeff")
    if "\r" in text:  # lines may end in the way of old Macintoshes
        text = re.sub("\r(?!\n)", "\n", text)
    found: list[Statement] = []
    warnings: list[str] = []

    def warn(start: int, message: str) -> None:
        if len(warnings) < MOST_WARNINGS:
            place = Place.of(source, text, start)
            warnings.append(f"{place.source}:{place.line}: {message}")

    for piece in statements(text, source):
        if isinstance(piece, Rows):
            found.append(InlineData(piece.text, piece.start, piece.word))
            break
        reader = None
        statement: Statement | None = plain_value(piece)
        if statement is None:
            reader = StatementReader(piece, text, source)
            statement = reader.statement()
        found.append(statement)
        if isinstance(statement, Assign) and statement.name in LIKELY_STATEMENTS:
            name = statement.name
            said = f"`{name} = …` is about a quantity called `{name}`; the statement has no `=`: {FORMS[name]}"
            warn(piece[0].start, said)
        for start, message in reader.warnings if reader else ():
            warn(start, message)
    return SheetText(tuple(found), text, source, tuple(warnings))


def parse_name(text: str) -> Ref:
    """A name with an optional index, as on the command line: `w5`, `W1[2,1]`, `z(y)`."""
    found = _NAME_WITH_INDEX.fullmatch(text)
    if not found:
        raise SyntaxProblem(
            f"`{shorten(text)}` is not a name",
            expected="a name such as `w5`, `a1[2]` or `W1[2,1]`",
            got=f"`{shorten(text)}`",
            hint="one name at a time",
        )
    name = unicodedata.normalize("NFC", found[1])
    return Ref(name, tuple(int(i) for i in found[2].split(",")) if found[2] else ())
