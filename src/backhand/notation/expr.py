"""The expression tree: what is read from a sheet, differentiated, evaluated and printed. One tree for all of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

Index = tuple[int, ...]  # entries are counted from 1, as on paper; () is the whole
Span = tuple[int, int] | None  # where in the sheet's text, for errors


class Expr:
    """A formula. Immutable; `+ - * /` and `**` build larger ones."""

    __slots__ = ()
    span: Span = None

    def __add__(self, other: Expr | float) -> Expr:
        return add(self, other)

    def __radd__(self, other: Expr | float) -> Expr:
        return add(other, self)

    def __sub__(self, other: Expr | float) -> Expr:
        return add(self, neg(other))

    def __rsub__(self, other: Expr | float) -> Expr:
        return add(other, neg(self))

    def __mul__(self, other: Expr | float) -> Expr:
        return mul(self, other)

    def __rmul__(self, other: Expr | float) -> Expr:
        return mul(other, self)

    def __truediv__(self, other: Expr | float) -> Expr:
        return div(self, other)

    def __rtruediv__(self, other: Expr | float) -> Expr:
        return div(other, self)

    def __pow__(self, other: Expr | float) -> Expr:
        return power(self, other)

    def __neg__(self) -> Expr:
        return neg(self)


@dataclass(frozen=True, slots=True)
class Num(Expr):
    """A number.

    Attributes:
        of: the name in whose place it stands.
    """

    value: float
    span: Span = field(default=None, compare=False, repr=False)
    of: Expr | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Arr(Expr):
    """A vector or matrix of numbers, put in place of a name.

    Attributes:
        of: that name; or an array of them, where each entry has its own.
    """

    value: np.ndarray
    span: Span = field(default=None, compare=False, repr=False)
    of: Expr | np.ndarray | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Ref(Expr):
    """A name, or one entry of it."""

    name: str
    index: Index = ()
    span: Span = field(default=None, compare=False, repr=False)

    @property
    def place(self) -> tuple[int, ...]:
        """The index as arrays count, from 0."""
        return tuple(i - 1 for i in self.index)


@dataclass(frozen=True, slots=True)
class Partial(Expr):
    """∂of/∂by as a quantity with a name of its own: a δ that is looked up, not worked again."""

    of: Ref
    by: Ref
    span: Span = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """An operation on expressions.

    Attributes:
        op: its key in the vocabulary.
        prime: 0 for the value, k for the derivative by the k-th argument, σ'(z).
        index: for `entry`, which entry is taken.
        shown: the function's name as it was typed (`σ`), if it differs from `op`.
    """

    op: str
    args: tuple[Expr, ...]
    prime: int = 0
    index: Index = ()
    shown: str = field(default="", compare=False)
    span: Span = field(default=None, compare=False, repr=False)
    depth: int = field(default=0, compare=False, repr=False)

    def __post_init__(self) -> None:
        deepest = 0
        for arg in self.args:
            if type(arg) is Call and arg.depth > deepest:
                deepest = arg.depth
        object.__setattr__(self, "depth", deepest + 1)


ZERO, ONE = Num(0.0), Num(1.0)


def lift(value: Expr | float) -> Expr:
    """A number as an expression; an expression as it is."""
    return value if isinstance(value, Expr) else Num(float(value))


def is_number(expr: Expr, value: float) -> bool:
    """Whether the expression is this very number."""
    return type(expr) is Num and expr.value == value


def add(*terms: Expr | float) -> Expr:
    """A sum, worked from left to right. Zeros are left out; a sum that comes first is opened up (same order)."""
    kept = [t for t in map(lift, terms) if not is_number(t, 0.0)]
    if not kept:
        return ZERO
    if len(kept) == 1:
        return kept[0]
    return nary("add", kept)


def nary(op: str, parts: list[Expr], span: Span = None) -> Expr:
    """`add` or `mul` of the parts as they are; the first is opened up where it is the same operation."""
    first = parts[0]
    if type(first) is Call and first.op == op and not first.prime:
        parts = [*first.args, *parts[1:]]
    return Call(op, tuple(parts), span=span)


def neg(value: Expr | float) -> Expr:
    """−value."""
    value = lift(value)
    if type(value) is Num:
        return Num(-value.value) if value.value else ZERO
    if type(value) is Call and value.op == "neg":
        return value.args[0]
    return Call("neg", (value,))


def mul(*factors: Expr | float) -> Expr:
    """A product, worked from left to right. Ones are left out, a zero makes it 0, signs come to the front, and whole
    numbers are multiplied out and cancelled: 1/2·2·(y - ŷ) is y - ŷ."""
    kept: list[Expr] = []
    top = bottom = 1.0
    waiting = [lift(f) for f in reversed(factors)]
    while waiting:
        factor = waiting.pop()
        if type(factor) is Call and factor.op == "neg":
            top, factor = -top, factor.args[0]
        if type(factor) is Call and factor.op == "mul":
            waiting.extend(reversed(factor.args))
            continue
        if type(factor) is Call and factor.op == "div" and _whole(factor.args[1]):
            factor, below = factor.args
            bottom *= below.value  # type: ignore[attr-defined]
            if type(factor) is Call and factor.op == "mul":
                waiting.extend(reversed(factor.args))
                continue
        if _whole(factor):
            top *= factor.value  # type: ignore[attr-defined]
        else:
            kept.append(factor)
    if top == 0:
        return ZERO
    common = math.gcd(int(top), int(bottom))
    top, bottom = top / common, bottom / common
    if bottom < 0:
        top, bottom = -top, -bottom
    if abs(top) != 1:
        kept.insert(0, Num(abs(top)))
    product = div(ONE if not kept else kept[0] if len(kept) == 1 else nary("mul", kept), bottom)
    return neg(product) if top < 0 else product


def _whole(expr: Expr) -> bool:
    """A whole number that is not 0, or 0 itself; small enough to be exact."""
    return type(expr) is Num and abs(expr.value) < 1e6 and expr.value == int(expr.value)


def div(top: Expr | float, bottom: Expr | float) -> Expr:
    """A quotient; dividing by 1 leaves the top, and a sign of the top comes to the front."""
    top, bottom = lift(top), lift(bottom)
    if is_number(bottom, 1.0) or is_number(top, 0.0):
        return top
    if type(top) is Call and top.op == "neg":
        return neg(div(top.args[0], bottom))
    return Call("div", (top, bottom))


def power(base: Expr | float, exponent: Expr | float) -> Expr:
    """base^exponent; ^1 leaves the base, ^0 is 1."""
    base, exponent = lift(base), lift(exponent)
    if is_number(exponent, 1.0):
        return base
    if is_number(exponent, 0.0):
        return ONE
    return Call("pow", (base, exponent))


def call(op: str, *args: Expr | float, prime: int = 0, shown: str = "") -> Expr:
    """A function of the arguments."""
    return Call(op, tuple(map(lift, args)), prime, shown=shown)


def leaves(expr: Expr) -> Iterator[Ref | Partial]:
    """Every name (and every looked-up partial) in the formula, from left to right, repeats included."""
    stack = [expr]
    while stack:
        found = stack.pop()
        if isinstance(found, Ref | Partial):
            yield found
        elif type(found) is Call:
            stack.extend(reversed(found.args))


def names(expr: Expr) -> list[str]:
    """The different names in a formula, in order of appearance."""
    return list(dict.fromkeys(leaf.name for leaf in leaves(expr) if type(leaf) is Ref))


def calls(expr: Expr) -> Iterator[Call]:
    """Every operation in the formula."""
    stack = [expr]
    while stack:
        found = stack.pop()
        if type(found) is Call:
            yield found
            stack.extend(reversed(found.args))


def rewrite(expr: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """The formula with every part for which `change` gives another one replaced, from the outside in."""
    changed = change(expr)
    if changed is not None:
        return changed
    if type(expr) is Call:
        args = tuple(rewrite(arg, change) for arg in expr.args)
        if any(new is not old for new, old in zip(args, expr.args, strict=True)):
            return replace(expr, args=args)
    return expr


def substitute(expr: Expr, mapping: Mapping[Any, Expr]) -> Expr:
    """The formula with leaves (`Ref`, `Partial`, or a whole name as a string) replaced."""

    def change(part: Expr) -> Expr | None:
        if isinstance(part, Ref | Partial):
            found = mapping.get(part)
            if found is None and type(part) is Ref and not part.index:
                found = mapping.get(part.name)
            return found if found is not None else part
        return None

    return rewrite(expr, change)
