"""Cuts a sheet into statements: comments, quotes, `;`, and brackets that continue a line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import Place, SyntaxProblem

DEEPEST = 60
LONGEST = 20_000_000
_INTERESTING = re.compile(r"[\n;#\"()\[\]]")
_DATA = re.compile(r"[ \t]*data[ \t]*(?:#[^\n]*)?(?:\r?\n|$)")
_CLOSES = {")": "(", "]": "["}


@dataclass(frozen=True)
class Piece:
    """The text of one statement, with comments blanked out, and where it begins in the sheet."""

    text: str
    start: int


def cut(text: str, source: str) -> tuple[list[Piece], Piece | None]:
    """The statements of a sheet, and the lines that follow `data`, if there are any.

    Raises:
        SyntaxProblem: unclosed quotes or brackets, brackets nested too deeply, control characters.
    """
    if len(text) > LONGEST:
        raise SyntaxProblem(
            f"{source} has {len(text):,} characters",
            expected=f"at most {LONGEST:,}",
            hint="move the rows to a file and say `data from \"rows.csv\"`",
        )
    bad = re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]", text)
    if bad:
        raise SyntaxProblem(
            "a control character stands in the sheet",
            place=Place.of(source, text, bad.start()),
            got=f"U+{ord(bad.group()):04X}",
            hint="save the sheet as plain UTF-8 text",
        )
    pieces: list[Piece] = []
    open_brackets: list[int] = []
    begin = position = 0
    chunks: list[str] = []  # the current statement, comments blanked

    def finish(end: int) -> None:
        nonlocal begin, chunks
        statement = "".join(chunks) + text[begin_chunk:end]
        if statement.strip():
            pieces.append(Piece(statement, begin))
        chunks = []
        begin = end + 1

    begin_chunk = 0
    at_line_start = True
    while True:
        if at_line_start and not open_brackets and (data := _DATA.match(text, position)):
            return pieces, Piece(text[data.end() :], data.end())
        at_line_start = False
        found = _INTERESTING.search(text, position)
        if not found:
            break
        char, here = found.group(), found.start()
        position = here + 1
        if char == '"':
            close = re.compile(r'["\n]').search(text, position)
            if not close or close.group() == "\n":
                raise SyntaxProblem(
                    "this quote is never closed on its line",
                    place=Place.of(source, text, here),
                    expected='a closing "',
                )
            position = close.end()
        elif char == "#":
            end = text.find("\n", here)
            end = len(text) if end < 0 else end
            chunks.append(text[begin_chunk:here] + " " * (end - here))
            begin_chunk = position = end
        elif char in "([":
            open_brackets.append(here)
            if len(open_brackets) > DEEPEST:
                raise SyntaxProblem(
                    f"brackets are nested more than {DEEPEST} deep",
                    place=Place.of(source, text, here),
                    expected=f"at most {DEEPEST} open brackets",
                    hint="give the inner part a name of its own, on a line of its own",
                )
        elif char in ")]":
            if not open_brackets or text[open_brackets[-1]] != _CLOSES[char]:
                raise SyntaxProblem(
                    f"`{char}` closes nothing",
                    place=Place.of(source, text, here),
                    expected=f"a `{_CLOSES[char]}` before it" if not open_brackets else "the other kind of bracket",
                    got=f"`{char}`",
                )
            open_brackets.pop()
        elif not open_brackets:  # a newline or `;` outside brackets ends the statement
            finish(here)
            begin_chunk = here + 1
            at_line_start = char == "\n"
    if open_brackets:
        raise SyntaxProblem(
            "this bracket is never closed",
            place=Place.of(source, text, open_brackets[-1]),
            expected="a closing " + {"(": "`)`", "[": "`]`"}[text[open_brackets[-1]]],
        )
    finish(len(text))
    return pieces, None
