"""Reads the text of a sheet into statements: words and signs to the grammar, what it finds to its builder."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path

from lark import Lark, UnexpectedToken
from lark.parsers.lalr_interactive_parser import InteractiveParser

from ..errors import Place, SyntaxProblem
from ..notation.expr import Expr, Ref, calls
from ..notation.names import NAME_PATTERN
from .formula import Refused, shorten
from .model import Assign, Const, CostLine, InlineData, SheetText, Statement
from .statements import Statements
from .tokens import Rows, Token, statements
from .wording import FORMS, expected, misplaced, no_equation

MOST_WARNINGS = 100
LIKELY_STATEMENTS = ("start", "cost", "rate", "update", "mode")  # `rate = 0.1` may be meant as `rate 0.1`
_STATEMENT_WORDS = {word: word.upper() if word in ("title", "layers") else f"_{word.upper()}" for word in FORMS}
_INNER_WORDS = {("layers", "as"): "AS", ("start", "seed"): "_SEED", ("mode", "of"): "_OF", ("data", "from"): "_FROM"}
_NAME_WITH_INDEX = re.compile(
    rf"\s*(z\({NAME_PATTERN}\)|{NAME_PATTERN})\s*(?:\[\s*([0-9]{{1,9}}(?:\s*,\s*[0-9]{{1,9}})*)\s*\])?\s*"
)
_POWER_OF_LAYER = re.compile(r"_(\w+|\{[^{}]*\})$")


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
    reader = _grammar().parse_interactive()
    rows: list[Statement] = []
    for piece in statements(text, source):
        if isinstance(piece, Rows):
            rows.append(InlineData(piece.text, piece.start, piece.word))
        else:
            _read(piece, reader, text, source)
    found: list[Statement] = [*reader.feed_eof(), *rows]  # type: ignore[no-untyped-call]
    warnings = list(islice(_warnings(found, text), MOST_WARNINGS))
    places = [Place.of(source, text, start) for start, _ in warnings]
    said = tuple(f"{source}:{place.line}: {message}" for place, (_, message) in zip(places, warnings, strict=True))
    return SheetText(tuple(found), text, source, said)


def _read(tokens: list[Token], reader: InteractiveParser, text: str, source: str) -> None:
    """Hands one statement to the grammar."""
    first, second = tokens[0], tokens[1]
    word = ""
    if first.type != "NAME" or second.type != "_EQUAL":
        if first.type != "NAME" or first.text not in FORMS:
            raise no_equation(tokens, text, source)
        word = first.text
        tokens = [_called(token, word, at) for at, token in enumerate(tokens)]
    elif len(tokens) == 4 and tokens[2].type in ("WHOLE", "NUMBER"):
        tokens[1] = second._replace(type="_GIVEN")
    at = -1
    try:
        for token in tokens:
            at += 1
            reader.feed_token(token)  # type: ignore[arg-type]  # it looks at nothing but the type
    except UnexpectedToken:
        raise misplaced(tokens, at, expected(_accepted(tokens[:at]), word), word, text, source) from None
    except Refused as refused:
        place = Place.of(source, text, refused.start, refused.end)
        got = refused.got or f"`{shorten(text[refused.start : refused.end])}`"
        said = str(refused)
        raise SyntaxProblem(said, place=place, expected=refused.expected, got=got, hint=refused.hint) from None


def _called(token: Token, word: str, at: int) -> Token:
    """A token as the grammar calls it in a statement of this kind."""
    if token.type != "NAME":
        return token
    return token._replace(type=_INNER_WORDS.get((word, token.text), "NAME") if at else _STATEMENT_WORDS[word])


def _accepted(tokens: list[Token]) -> Collection[str]:
    """What may follow these tokens. The reader that failed has worked on too far to say it."""
    reader = _grammar().parse_interactive()
    for token in tokens:
        reader.feed_token(token)  # type: ignore[arg-type]
    return reader.accepts()  # type: ignore[no-any-return,no-untyped-call]


@cache
def _grammar() -> Lark:
    rules = Path(__file__).with_name("grammar.lark").read_text("utf-8")
    return Lark(rules, parser="lalr", lexer="basic", start="sheet", transformer=Statements())


def _warnings(found: Iterable[Statement], text: str) -> Iterator[tuple[int, str]]:
    """What may be meant otherwise, and where it stands."""
    for statement in found:
        if not isinstance(statement, Assign | Const | CostLine):
            continue
        name, start = statement.name, statement.span[0] if statement.span else 0
        if isinstance(statement, Assign) and name in LIKELY_STATEMENTS:
            meant = f"the statement has no `=`: {FORMS[name]}"
            yield start, f"`{name} = …` is about a quantity called `{name}`; {meant}"
        for call in calls(statement.value):
            if call.op == "pow":
                base, exponent = call.args
                yield from _power_of_layer(base, exponent, text)


def _power_of_layer(base: Expr, exponent: Expr, text: str) -> Iterator[tuple[int, str]]:
    """`w_11^(2)` is a power, and perhaps meant as the name `w_{11}^{(2)}`."""
    layer = re.fullmatch(r"\(([0-9]+)\)", text[slice(*exponent.span)]) if exponent.span else None
    if layer and type(base) is Ref and not base.index and (found := _POWER_OF_LAYER.search(base.name)):
        meant = f"{base.name[: found.start()]}_{{{found[1].strip('{}')}}}^{{({layer[1]})}}"
        said = f"`{base.name}^({layer[1]})` is a power; one name for a weight of a layer is `{meant}`"
        yield base.span[0] if base.span else 0, said


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
