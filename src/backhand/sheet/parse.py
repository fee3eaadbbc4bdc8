"""Reads the text of a sheet into statements."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args
from lark.tree import Meta

from ..errors import Place, SyntaxProblem, nearest
from ..notation.expr import Call, Expr, Num, Ref, nary
from ..notation.names import NAME_PATTERN, SUPERSCRIPT_DIGITS, canonical
from .lines import Piece, cut
from .model import (
    Assign,
    Const,
    CostLine,
    DataFrom,
    Declared,
    InlineData,
    Inputs,
    Layer,
    Layers,
    Mode,
    Rate,
    SheetText,
    Start,
    Statement,
    Targets,
    Title,
    Update,
)

WORDS = ("title", "input", "target", "const", "layers", "start", "cost", "rate", "update", "mode", "data")
_FIRST = re.compile(rf"\s*({NAME_PATTERN})(\s*)(.?)", re.DOTALL)
DEEPEST = 150  # operations inside operations, in one formula


def parse(text: str, source: str = "sheet") -> SheetText:
    """The statements of a sheet.

    Args:
        text: the sheet.
        source: what errors call it (a file's name).
    Raises:
        SyntaxProblem: with line, column, what was expected and what was got.
    """
    text = text.removeprefix("\ufeff")
    pieces, rows = cut(text, source)
    reader = _Reader(text, source)
    statements = [reader.statement(piece) for piece in pieces]
    if rows is not None:
        statements.append(InlineData(rows.text, rows.start, (max(0, rows.start - 1), rows.start)))
    return SheetText(tuple(statements), text, source, tuple(reader.warnings))


def parse_name(text: str) -> Ref:
    """A name with an optional index, as on the command line: `w5`, `W1[2,1]`, `z(y)`."""
    found = re.fullmatch(rf"\s*(z\(.+\)|{NAME_PATTERN})\s*(?:\[\s*(\d+(?:\s*,\s*\d+)*)\s*\])?\s*", text)
    if not found:
        raise SyntaxProblem(
            f"`{text}` is not a name", expected="a name such as `w5`, `a1[2]` or `W1[2,1]`", hint="one name at a time"
        )
    return Ref(found[1], tuple(int(i) for i in found[2].split(",")) if found[2] else ())


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    text = resources.files(__package__).joinpath("grammar.lark").read_text("utf-8")
    starts = ["assign" if word == "start" else word for word in WORDS] + ["start"]
    return Lark(
        text.replace("@NAME@", NAME_PATTERN),
        parser="lalr",
        start=starts,
        propagate_positions=True,
        maybe_placeholders=False,
    )


class _Reader:
    def __init__(self, text: str, source: str) -> None:
        self.text, self.source = text, source
        self.warnings: list[str] = []

    def place(self, start: int, end: int | None = None) -> Place:
        return Place.of(self.source, self.text, start, end)

    def statement(self, piece: Piece) -> Statement:
        first = _FIRST.match(piece.text)
        word = first[1] if first else ""
        if first and word in WORDS and first[3] != "=":
            begin, rule = first.end(1), word
        else:
            begin, rule, word = 0, "assign", ""
        if first and word == "data" and first[3] not in ("f",):
            raise SyntaxProblem(
                "`data` stands alone on its line, and the rows follow it",
                place=self.place(piece.start + first.start(1), piece.start + first.end(1)),
                expected='a line with only `data`, or `data from "file.csv"`',
                got=piece.text.strip()[:40],
            )
        try:
            tree = _grammar().parse(piece.text[begin:], start=rule)
        except UnexpectedInput as problem:
            raise self._syntax(problem, piece, begin, word, first) from None
        built = _Build(self, piece.start + begin)
        try:
            statement: Statement = built.transform(tree)
        except Exception as problem:
            cause = getattr(problem, "orig_exc", problem)
            raise cause from None
        if isinstance(statement, Assign) and statement.name in ("rate", "cost", "mode", "update", "title"):
            self.warn(
                f"`{statement.name} = …` gives a value to the name `{statement.name}`;"
                f" the statement is written `{statement.name} …` without `=`",
                piece.start + begin,
            )
        return statement

    def warn(self, message: str, position: int) -> None:
        place = self.place(position)
        self.warnings.append(f"{place.source}:{place.line}: {message}")

    def _syntax(self, problem: UnexpectedInput, piece: Piece, begin: int, word: str, first: Any) -> SyntaxProblem:
        rest = piece.text[begin:]
        at = problem.pos_in_stream
        token = problem.token if isinstance(problem, UnexpectedToken) else None
        if at is None or (token is not None and token.type == "$END"):
            at = len(rest.rstrip())
            got = "the end of the statement"
        else:
            got = f"`{token}`" if token is not None else f"`{rest[at]}`"
        start = piece.start + begin + at
        known = getattr(problem, "accepts", None) or getattr(problem, "expected", None) or getattr(problem, "allowed", None)
        expected = _in_words(set(known or ()))
        hint = self._hint(rest, at, word, first, token)
        whole = f"this `{word}` statement cannot be read" if word else "this line cannot be read"
        end = start + (len(token) if token is not None and token.type != "$END" else 1)
        return SyntaxProblem(whole, place=self.place(start, end), expected=expected, got=got, hint=hint)

    def _hint(self, rest: str, at: int, word: str, first: Any, token: Token | None) -> str:
        before = rest[:at].rstrip()
        if not word and first and "=" not in rest:
            near = nearest(first[1], WORDS)
            return f"did you mean `{near} …`?" if near else "an equation is written `name = expression`"
        if token is not None and token.type == "NAME" and re.search(r"[\d.)\]]$", before):
            left = re.split(r"[^\w.)]", before)[-1]
            return f"a product needs its sign: `{left}*{token}`"
        if token is not None and token.type in ("NUMBER", "INT", "NAME") and re.search(r"\w$", before):
            return "put an operator between them: + - * / ^ @"
        if at < len(rest) and rest[at] == "'":
            return "a name takes no prime here; call it `y2` or `y_new`"
        if at < len(rest) and rest[at] in "{}":
            return "braces belong to a name, right behind `_` or `^`: `w_{11}^{(2)}`; formulas use ( )"
        return _FORMS.get(word, "`name = expression`, for example `z1 = w1*x + b1`")


_FORMS = {
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
    "data": 'data from "houses.csv"',
}
_TOKENS = {
    "NAME": "a name", "NUMBER": "a number", "INT": "a whole number", "STRING": "a text in quotes", "EQUAL": "`=`",
    "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`", "RSQB": "`]`", "COMMA": "`,`", "SUM_SIGN": "+ or -",
    "PRODUCT_SIGN": "* / or @", "POWER": "^", "SUPERSCRIPT": "", "$END": "the end of the statement",
    "AS": "`as`", "SEED": "`seed`", "OF": "`of`", "FROM": "`from`", "WS": "",
}  # fmt: skip


def _in_words(tokens: set[str]) -> str:
    order = list(_TOKENS)
    words = [_TOKENS.get(t, "`->`" if "MORE" in t or "__ANON" in t else t.lower()) for t in tokens]
    known = sorted({w for w in words if w}, key=lambda w: next((i for i, t in enumerate(order) if _TOKENS[t] == w), 99))
    return ", ".join(known[:-1]) + (" or " if len(known) > 1 else "") + known[-1] if known else ""


_PRODUCTS = {"*": "mul", "·": "mul", "×": "mul", "⋅": "mul", "/": "div", "@": "matmul"}


@v_args(meta=True)
class _Build(Transformer[Token, Any]):
    """Turns a parse tree into statements and expressions, with spans into the whole sheet."""

    def __init__(self, reader: _Reader, offset: int) -> None:
        super().__init__()
        self.reader, self.offset = reader, offset

    def _span(self, meta: Meta) -> tuple[int, int]:
        if meta.empty:
            return (self.offset, self.offset + 1)
        return (self.offset + meta.start_pos, self.offset + meta.end_pos)

    def _at(self, token: Token) -> tuple[int, int]:
        return (self.offset + (token.start_pos or 0), self.offset + (token.end_pos or 1))

    # expressions ---------------------------------------------------------------------------------------------

    def _checked(self, expr: Expr, span: tuple[int, int]) -> Expr:
        if type(expr) is Call and expr.depth > DEEPEST:
            raise SyntaxProblem(
                f"more than {DEEPEST} operations are nested in one another",
                place=self.reader.place(*span),
                expected=f"at most {DEEPEST}",
                hint="give the inner part a name of its own, on a line of its own",
            )
        return expr

    def number(self, meta: Meta, parts: list[Token]) -> Expr:
        return Num(self._number(parts[0]), self._span(meta))

    def _number(self, token: Token) -> float:
        value = float(token)
        if value in (float("inf"), float("-inf")):
            raise SyntaxProblem(
                f"`{str(token)[:30]}` is too large for a number",
                place=self.reader.place(*self._at(token)),
                expected="a number below 1.8e308",
            )
        return value

    def name(self, meta: Meta, parts: list[Token]) -> Expr:
        return Ref(str(parts[0]), (), self._span(meta))

    def entry(self, meta: Meta, parts: list[Token]) -> Expr:
        return Ref(str(parts[0]), self._indices(parts[1:]), self._span(meta))

    def _indices(self, tokens: list[Token]) -> tuple[int, ...]:
        for token in tokens:
            if len(token) > 9 or int(token) < 1:
                raise SyntaxProblem(
                    "entries are counted from 1",
                    place=self.reader.place(*self._at(token)),
                    expected="1, 2, 3, …",
                    got=str(token)[:30],
                )
        return tuple(map(int, tokens))

    def call(self, meta: Meta, parts: list[Any]) -> Expr:
        name, *args = parts
        key = "sigmoid" if canonical(name) == "σ" else str(name)
        shown = str(name) if key != name else ""
        return self._checked(Call(key, tuple(args), shown=shown, span=self._span(meta)), self._span(meta))

    def list(self, meta: Meta, parts: list[Expr]) -> Expr:
        return Call("stack", tuple(parts), span=self._span(meta))

    def bracket(self, meta: Meta, parts: list[Expr]) -> Expr:
        return parts[0]

    def raised(self, meta: Meta, parts: list[Any]) -> Expr:
        if len(parts) == 1:
            return parts[0]  # type: ignore[no-any-return]
        exponent = Num(float(str(parts[1]).translate(SUPERSCRIPT_DIGITS)))
        return self._checked(Call("pow", (parts[0], exponent), span=self._span(meta)), self._span(meta))

    def power(self, meta: Meta, parts: list[Any]) -> Expr:
        base, sign, exponent = parts
        start = self.offset + sign.end_pos
        written = self.reader.text[start : start + 40].lstrip()
        layer = re.match(r"\(\d+\)", written)
        if type(base) is Ref and re.search(r"_\w+$", base.name) and layer:
            self.reader.warn(
                f"`{base.name}^{layer[0]}` is a power;"
                f" one name for a layer is written with braces: `w_{{11}}^{{(2)}}`",
                start,
            )
        return self._checked(Call("pow", (base, exponent), span=self._span(meta)), self._span(meta))

    def unary(self, meta: Meta, parts: list[Any]) -> Expr:
        sign, value = parts
        if sign == "+":
            return value  # type: ignore[no-any-return]
        if type(value) is Num:
            return Num(-value.value, self._span(meta))
        return self._checked(Call("neg", (value,), span=self._span(meta)), self._span(meta))

    def sum(self, meta: Meta, parts: list[Any]) -> Expr:
        terms = [parts[0]]
        for sign, term in zip(parts[1::2], parts[2::2], strict=True):
            minus = sign != "+"
            if minus and type(term) is Num:
                term = Num(-term.value, term.span)
            elif minus:
                term = Call("neg", (term,), span=term.span)
            terms.append(term)
        return self._checked(nary("add", terms, self._span(meta)), self._span(meta))

    def product(self, meta: Meta, parts: list[Any]) -> Expr:
        built: Expr = parts[0]
        for sign, factor in zip(parts[1::2], parts[2::2], strict=True):
            op = _PRODUCTS[str(sign)]
            if op == "mul":
                built = nary("mul", [built, factor], self._span(meta))
            else:
                built = Call(op, (built, factor), span=self._span(meta))
        return self._checked(built, self._span(meta))

    # statements ----------------------------------------------------------------------------------------------

    def title(self, meta: Meta, parts: list[Token]) -> Title:
        return Title(str(parts[0])[1:-1])

    def size(self, meta: Meta, parts: list[Token]) -> int:
        return self._indices(parts)[0]

    def declared(self, meta: Meta, parts: list[Any]) -> Declared:
        label = next((str(p)[1:-1] for p in parts[1:] if isinstance(p, Token)), "")
        size = next((p for p in parts[1:] if type(p) is int), 0)
        if size > 1_000_000:
            raise SyntaxProblem(
                f"`{parts[0]}` has {size:,} entries",
                place=self.reader.place(*self._span(meta)),
                expected="at most 1,000,000",
            )
        return Declared(str(parts[0]), label, size, self._at(parts[0]))

    def input(self, meta: Meta, parts: list[Declared]) -> Inputs:
        return Inputs(tuple(parts))

    def target(self, meta: Meta, parts: list[Declared]) -> Targets:
        return Targets(tuple(parts))

    def const(self, meta: Meta, parts: list[Any]) -> Const:
        return Const(str(parts[0]), parts[1], self._at(parts[0]))

    def assign(self, meta: Meta, parts: list[Any]) -> Assign:
        return Assign(str(parts[0]), parts[1], self._at(parts[0]))

    def cost(self, meta: Meta, parts: list[Any]) -> CostLine:
        return CostLine(str(parts[0]), parts[1], self._at(parts[0]))

    def source(self, meta: Meta, parts: list[Token]) -> Ref:
        return Ref(str(parts[0]), (), self._at(parts[0]))

    def activation(self, meta: Meta, parts: list[Any]) -> tuple[Any, ...]:
        return tuple(parts)

    def layer(self, meta: Meta, parts: list[Any]) -> Layer:
        size = self._indices(parts[:1])[0]
        if size > 1_000_000:
            raise SyntaxProblem(
                f"a layer of {size:,} units", place=self.reader.place(*self._span(meta)), expected="at most 1,000,000"
            )
        name, *settings = parts[1] if len(parts) > 1 else ("",)
        name = "sigmoid" if canonical(str(name)) == "σ" else str(name)
        return Layer(size, name, tuple(settings), self._span(meta))

    def layers(self, meta: Meta, parts: list[Any]) -> Layers:
        sources = tuple(p for p in parts if isinstance(p, Ref))
        made = tuple(p for p in parts if isinstance(p, Layer))
        output = str(parts[-1]) if isinstance(parts[-1], Token) else ""
        return Layers(sources, made, output, self._span(meta))

    def signed(self, meta: Meta, parts: list[Token]) -> float:
        return -self._number(parts[1]) if parts[0] in ("-", "−") else self._number(parts[-1])

    def fill(self, meta: Meta, parts: list[Any]) -> tuple[str, float, tuple[int, int]]:
        return str(parts[0]), parts[1], self._at(parts[0])

    def start_scheme(self, meta: Meta, parts: list[Any]) -> Start:
        return Start(str(parts[0]), int(parts[1]) if len(parts) > 1 else None, span=self._at(parts[0]))

    def start_fill(self, meta: Meta, parts: list[Any]) -> Start:
        given: dict[str, float] = {}
        for word, value, span in parts:
            if word not in ("weights", "biases") or word in given:
                raise SyntaxProblem(
                    f"`start` does not know `{word}`" if word not in given else f"`{word}` is given twice",
                    place=self.reader.place(*span),
                    expected="weights, biases",
                    hint=_FORMS["start"],
                )
            given[word] = value
        return Start("fixed", None, given.get("weights"), given.get("biases"), span=self._span(meta))

    def rate(self, meta: Meta, parts: list[Expr]) -> Statement:
        return Rate(constant(parts[0], self.reader.place(*self._span(meta))), self._span(meta))

    def update(self, meta: Meta, parts: list[Any]) -> Update:
        return Update(str(parts[0]), tuple(parts[1:]), self._at(parts[0]))

    def mode_named(self, meta: Meta, parts: list[Token]) -> Mode:
        return Mode(str(parts[0]), 0, self._at(parts[0]))

    def mode_sized(self, meta: Meta, parts: list[Token]) -> Mode:
        return Mode(str(parts[0]), self._indices(parts[1:])[0], self._at(parts[0]))

    def data(self, meta: Meta, parts: list[Token]) -> DataFrom:
        return DataFrom(str(parts[-1])[1:-1], self._span(meta))


def constant(expr: Expr, place: Place) -> float:
    """The value of a rate: a number, a quotient or product of numbers (`1/3`, `-0.1`, `10^-3`)."""
    match expr:
        case Num(value=value):
            return value
        case Call(op="neg", args=(inner,)):
            return -constant(inner, place)
        case Call(op="div", args=(top, bottom)) if (below := constant(bottom, place)) != 0:
            return constant(top, place) / below
        case Call(op="mul", args=args):
            product = 1.0
            for arg in args:
                product *= constant(arg, place)
            return product
        case Call(op="pow", args=(base, exponent)):
            try:
                value = constant(base, place) ** constant(exponent, place)
            except (OverflowError, ZeroDivisionError):
                value = float("inf")
            if isinstance(value, float) and abs(value) != float("inf"):
                return value
    raise SyntaxProblem("the rate is not a number", place=place, expected="a number such as 0.1 or 1/3", hint="rate 0.1")
