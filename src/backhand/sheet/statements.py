"""Builds statements from what the grammar has found: one method for each of its rules, of the same name."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from lark import v_args

from ..errors import did_you_mean
from ..notation.expr import Call, Expr, Num, Ref
from ..notation.names import canonical
from .formula import Formulas, Refused, composed, number, shorten, whole
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
from .wording import COUNTED, FORMS

FIXED = ("weights", "biases")
MOST_UNITS = 100_000


class Statements(Formulas):
    """The methods take what a rule has found, each part as an argument; an optional part may be None."""

    def sheet(self, statements: list[Statement]) -> list[Statement]:
        return statements

    @v_args(inline=True)
    def assign(self, name: Token, value: Expr) -> Assign:
        return Assign(composed(name.text), value, _span(name))

    @v_args(inline=True)
    def const(self, name: Token, value: Expr) -> Const:
        return Const(composed(name.text), value, _span(name))

    @v_args(inline=True)
    def cost(self, name: Token, value: Expr) -> CostLine:
        return CostLine(composed(name.text), value, _span(name))

    @v_args(inline=True)
    def title(self, word: Token, text: Token) -> Title:
        return Title(text.text[1:-1], (word.start, text.end))

    @v_args(inline=True)
    def declared(self, name: Token, opened: None, size: Token | None, closed: None, label: Token | None) -> Declared:
        entries = whole(size, COUNTED["input"], MOST_UNITS, hint=FORMS["input"]) if size else 0
        return Declared(composed(name.text), label.text[1:-1] if label else "", entries, _span(name))

    def input(self, items: list[Declared]) -> Inputs:
        return Inputs(tuple(items))

    def target(self, items: list[Declared]) -> Targets:
        return Targets(tuple(items))

    def layers(self, parts: list[Any]) -> Layers:
        word, *parts, output = parts  # with `as` before the output, or None in its place
        names = takewhile(lambda part: isinstance(part, Token), parts)
        sources = tuple(Ref(composed(name.text), (), _span(name)) for name in names)
        layers = tuple(p for p in parts if isinstance(p, Layer))
        if output is not None:
            return Layers(sources, layers, composed(output.text), (word.start, output.end))
        return Layers(sources, layers, "", (word.start, (layers[-1].span or (0, 0))[1]))

    def layer(self, parts: list[Any]) -> Layer:
        size, activation, *rest = parts
        units = whole(size, COUNTED["layers"], MOST_UNITS, hint=FORMS["layers"])
        if activation is None:
            return Layer(units, "", (), _span(size))
        name = composed(activation.text)
        name = "sigmoid" if canonical(name) == "σ" else name
        settings = tuple(part.value for part in rest if isinstance(part, Num))
        end = max([activation.end, *(p.end if isinstance(p, Token) else p.span[1] for p in rest)])
        return Layer(units, name, settings, (activation.start, end))

    def signed_number(self, parts: list[Token]) -> Num:
        *signs, digits = parts
        minus = sum(sign.type == "MINUS" for sign in signs) % 2
        value = number(digits).value
        return Num(-value if minus else value, (parts[0].start, digits.end))

    @v_args(inline=True)
    def start(self, name: Token, seed: Token | None) -> Start:
        if name.text in FIXED:
            said = f"there is no number after `{name.text}`"
            raise Refused(said, name.start, name.end, f"`{name.text}` and a number", FORMS["start"])
        found = whole(seed, COUNTED["start"], 10**18, 0, FORMS["start"]) if seed else None
        return Start(composed(name.text), found, span=_span(name))

    @v_args(inline=True)
    def fixed(self, name: Token, value: Num) -> tuple[Token, Num]:
        return name, value

    def start_fixed(self, parts: list[tuple[Token, Num]]) -> Start:
        given = dict[str, float]()
        for name, value in parts:
            if name.text in SCHEMES:
                said, seed = f"the seed of `{name.text}` is not called one", f"`seed {value.value:g}`"
                raise Refused(said, *(value.span or _span(name)), seed, f"start {name.text} {seed.strip('`')}")
            if name.text not in FIXED or name.text in given:
                word = shorten(name.text)
                said = f"`{word}` is given twice" if name.text in given else f"`start` does not know `{word}`"
                hint = did_you_mean(name.text, FIXED) or FORMS["start"]
                raise Refused(said, name.start, name.end, ", ".join(FIXED), hint, word)
            given[name.text] = value.value
        end = (parts[-1][1].span or (0, 0))[1]
        return Start("fixed", None, given.get("weights"), given.get("biases"), span=(parts[0][0].start, end))

    @v_args(inline=True)
    def rate(self, formula: Expr) -> Rate:
        value = constant(formula)
        if value is None:
            said = "the rate is not a finite number"
            raise Refused(said, *(formula.span or (0, 0)), "a number such as 0.1 or 1/3", "rate 0.1")
        return Rate(value, formula.span)

    @v_args(inline=True)
    def update(self, rule: Token, *numbers: Num) -> Update:
        end = numbers[-1].span if numbers else _span(rule)
        return Update(composed(rule.text), tuple(n.value for n in numbers), (rule.start, end[1] if end else rule.end))

    @v_args(inline=True)
    def mode(self, kind: Token, size: Token | None) -> Mode:
        rows = whole(size, COUNTED["mode"], 999_999_999, hint=FORMS["mode"]) if size else 0
        return Mode(composed(kind.text), rows, (kind.start, size.end if size else kind.end))

    @v_args(inline=True)
    def data(self, path: Token) -> DataFrom:
        return DataFrom(path.text[1:-1], _span(path))


def _span(token: Token) -> tuple[int, int]:
    return token.start, token.end


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
