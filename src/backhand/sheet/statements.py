"""Reads one statement from its tokens."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import SyntaxProblem, did_you_mean
from ..notation.expr import Call, Expr, Num, Ref
from ..notation.names import canonical
from .formula import FormulaReader, composed
from .model import (
    SCHEMES,
    Assign,
    Const,
    CostLine,
    DataFrom,
    Declared,
    Inputs,
    Layer,
    Layers,
    Mode,
    Rate,
    Start,
    Statement,
    Targets,
    Title,
    Update,
)
from .tokens import Token
from .wording import FORMS, OPERATOR, no_equation, shorten

MOST_UNITS = 100_000


def plain_value(tokens: list[Token]) -> Assign | None:
    """`w1 = 0.3`, of which a sheet may have thousands; None for anything else."""
    if len(tokens) != 4 or tokens[1].kind != "=" or tokens[2].kind != "number" or tokens[0].kind != "name":
        return None
    name, _, number, _ = tokens
    value = float(number.text.replace("−", "-"))
    if value == float("inf"):
        return None
    return Assign(composed(name.text), Num(value, number[2:]), name[2:])


class StatementReader(FormulaReader):
    """Reads the tokens of one statement, behind its statement word if there is one."""

    def statement(self) -> Statement:
        """The statement; nothing may be left over."""
        first, second = self.tokens[0], self.tokens[1]
        if first.kind == "name" and first.text in FORMS and second.kind != "=":
            self.word = first.text
            self.at = 1
            found = _READERS[first.text](self)
        elif first.kind == "name" and second.kind == "=":
            found = self.assign()
        else:
            raise no_equation(self.tokens, self.text, self.source)
        if self.next.kind != "end":
            end = f"{OPERATOR}, or the end of the statement"
            raise self.misplaced(end if self.word in _FORMULAS else "the end of the statement")
        return found

    def assign(self) -> Assign:
        return Assign(*self.definition())

    def definition(self) -> tuple[str, Expr, tuple[int, int]]:
        """`name = formula`."""
        name, span = self.name()
        self.expect("=", "`=`")
        return name, self.formula(), span

    def title(self) -> Title:
        text = self.quoted("a text in quotes")
        return Title(text, (self.tokens[0].start, self.tokens[self.at - 1].end))

    def quoted(self, expected: str) -> str:
        return self.expect("text", expected).text[1:-1]

    def declared(self) -> tuple[Declared, ...]:
        """`R "Rating", x[2]`."""
        items = []
        while True:
            name, span = self.name()
            size = 0
            if self.skip("["):
                size = self.whole("the number of entries", most=MOST_UNITS)
                self.expect("]", "`]`")
            label = self.quoted("a label in quotes") if self.next.kind == "text" else ""
            items.append(Declared(name, label, size, span))
            if not self.skip(","):
                break
        if self.next.kind != "end":
            raise self.misplaced("`,`, a label in quotes, or the end")
        return tuple(items)

    def input(self) -> Inputs:
        return Inputs(self.declared())

    def target(self) -> Targets:
        return Targets(self.declared())

    def const(self) -> Const:
        return Const(*self.definition())

    def cost(self) -> CostLine:
        return CostLine(*self.definition())

    def layers(self) -> Layers:
        start = self.tokens[0].start
        sources = []
        while True:
            name, span = self.name("the name of an input")
            sources.append(Ref(name, (), span))
            if not self.skip(","):
                break
        made = []
        while self.skip("->"):
            made.append(self.layer())
        if not made:
            raise self.misplaced("`->` and the number of units")
        output = ""
        if self.next.text == "as":
            self.take()
            output, _ = self.name("a name for the output")
        elif self.next.kind != "end":
            raise self.misplaced("`->`, `as`, or the end")
        return Layers(tuple(sources), tuple(made), output, (start, self.tokens[self.at - 1].end))

    def layer(self) -> Layer:
        """`3 leaky 0.1`, behind its arrow."""
        start = self.next.start
        size = self.whole("the number of units", most=MOST_UNITS)
        activation, settings = "", list[float]()
        if self.next.kind == "name" and self.next.text != "as":
            start = self.next.start
            activation, _ = self.name()
            activation = "sigmoid" if canonical(activation) == "σ" else activation
            if self.skip("("):
                settings.append(self.signed_number())
                while self.skip(","):
                    settings.append(self.signed_number())
                self.expect(")", "`,` or `)`")
            else:
                settings = self.numbers()
        return Layer(size, activation, tuple(settings), (start, self.tokens[self.at - 1].end))

    def signed_number(self) -> float:
        """A number with its sign."""
        minus = self.signs()
        token = self.expect("number", "a number")
        value = self.finite(Num(float(token.text.replace("−", "-")), (token.start, token.end))).value
        return -value if minus % 2 else value

    def numbers(self) -> list[float]:
        """All numbers that follow."""
        found = []
        while self.next.kind in ("number", "-", "+"):
            found.append(self.signed_number())
        return found

    def start(self) -> Start:
        name, span = self.name(f"{', '.join(SCHEMES)}, or weights and biases")
        numbered = self.next.kind in ("number", "-", "+") and name not in SCHEMES
        if numbered or name in _FIXED:
            return self.fixed(name, span)
        seed = None
        if self.next.text == "seed":
            self.take()
            seed = self.whole("the seed, a whole number", least=0, most=10**18)
        elif self.next.kind != "end":
            raise self.misplaced("`seed` and a whole number, or the end")
        return Start(name, seed, span=span)

    def fixed(self, name: str, span: tuple[int, int]) -> Start:
        """`weights 0.5, biases 0`; the first name is read."""
        first, given = span[0], dict[str, float]()
        while True:
            if name not in _FIXED or name in given:
                twice = f"`{name}` is given twice"
                raise SyntaxProblem(
                    twice if name in given else f"`start` does not know `{shorten(name)}`",
                    place=self.place(*span),
                    expected="weights, biases",
                    got=shorten(name),
                    hint=did_you_mean(name, _FIXED) or FORMS["start"],
                )
            given[name] = self.signed_number()
            if not self.skip(","):
                break
            name, span = self.name("weights or biases")
        end = self.tokens[self.at - 1].end
        return Start("fixed", None, given.get("weights"), given.get("biases"), span=(first, end))

    def rate(self) -> Rate:
        start = self.next.start
        expr = self.formula()
        span = (start, self.tokens[self.at - 1].end)
        value = constant(expr)
        if value is None:
            raise SyntaxProblem(
                "the rate is not a finite number",
                place=self.place(*span),
                expected="a number such as 0.1 or 1/3",
                got=f"`{shorten(self.text[slice(*span)])}`",
                hint="rate 0.1",
            )
        return Rate(value, span)

    def update(self) -> Update:
        rule, (start, _) = self.name("sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw")
        numbers = tuple(self.numbers())
        return Update(rule, numbers, (start, self.tokens[self.at - 1].end))

    def mode(self) -> Mode:
        kind, span = self.name("batch, online or batches")
        if self.next.text != "of":
            return Mode(kind, 0, span)
        self.take()
        size = self.whole("the number of rows in a batch")
        return Mode(kind, size, (span[0], self.tokens[self.at - 1].end))

    def data(self) -> DataFrom:
        if self.next.text != "from":
            raise self.misplaced("the end of the line and the rows below it, or `from` and a file name")
        self.take()
        path = self.quoted("a file name in quotes")
        return DataFrom(path, self.tokens[self.at - 1][2:])


_FIXED = ("weights", "biases")
_FORMULAS = ("", "const", "cost", "rate")
_READERS: dict[str, Callable[[StatementReader], Statement]] = {word: getattr(StatementReader, word) for word in FORMS}


def constant(expr: Expr) -> float | None:
    """The value of a formula of numbers (`1/3`, `-0.1`, `10^-3`); None where it is none, or not finite."""
    value: float | None = None
    match expr:
        case Num(value=number):
            value = number
        case Call(op="neg" | "add" | "mul" | "div" | "pow", args=args):
            parts = [constant(arg) for arg in args]
            known = [p for p in parts if p is not None]
            if len(known) == len(parts):
                value = _worked(expr.op, known)
    return value if value is not None and abs(value) < float("inf") else None


def _worked(op: str, parts: list[float]) -> float | None:
    first, *rest = parts
    try:
        for part in rest:
            match op:
                case "add":
                    first += part
                case "mul":
                    first *= part
                case "div":
                    first /= part
                case _:
                    first **= part
    except (OverflowError, ZeroDivisionError):
        return None
    return (-first if op == "neg" else first) if isinstance(first, float) else None
