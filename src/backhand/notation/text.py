"""Formulas as plain text: for the terminal, for messages, and in the sheet language itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from .expr import Arr, Call, Expr, Num, Partial, Ref
from .numbers import FULL, Digits
from .precedence import ATOM, binding, needs_brackets

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_COMPARE = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
LARGE = 2_000  # entries: larger arrays are cut in print even at full digits; smaller ones never are


@dataclass(frozen=True)
class TextPrinter:
    """Prints formulas on one line.

    Args:
        digits: how numbers are rounded.
        sheet: print in the sheet language (`*`, `^`, `@`), so that it can be read back.
        limit: lists longer than this are cut; None never cuts. At full digits only huge ones are: every
            line can be worked again from its text.
    """

    digits: Digits = field(default_factory=Digits)
    sheet: bool = False
    limit: int | None = None

    def __call__(self, expr: Expr) -> str:
        return self._print(expr)

    def number(self, value: float) -> str:
        return self.digits.text(value)

    def array(self, value: np.ndarray) -> str:
        if value.ndim == 0:
            return self.number(float(value))
        limit = self._limit(value.size)
        cut = limit is not None and len(value) > limit
        shown = [*value[: limit - 3], *value[-2:]] if limit is not None and cut else list(value)
        parts = [self.array(v) if value.ndim > 1 else self.number(float(v)) for v in shown]
        if cut:
            parts.insert(len(parts) - 2, "…")
        return "[" + ", ".join(parts) + "]"

    def _limit(self, size: int) -> int | None:
        return None if self.digits.count is None and size <= LARGE else self.limit

    def ref(self, ref: Ref) -> str:
        return ref.name + (f"[{','.join(map(str, ref.index))}]" if ref.index else "")

    def _print(self, expr: Expr) -> str:
        match expr:
            case Num(value=value):
                return self.number(value)
            case Arr(value=value):
                return self.array(value)
            case Ref():
                return self.ref(expr)
            case Partial(of=of, by=by):
                return f"∂{self.ref(of)}/∂{self.ref(by)}"
            case Call():
                return self._call(expr)
        raise TypeError(f"no text for {expr!r}")

    def _part(self, parent: str, child: Expr, position: int) -> str:
        text = self._print(child)
        return f"({text})" if needs_brackets(parent, child, position) else text

    def _call(self, expr: Call) -> str:
        op, args = expr.op, expr.args
        if expr.prime:
            mark = "'" if expr.prime == 1 else f"'{expr.prime}"
            return f"{expr.shown or op}{mark}({', '.join(map(self._print, args))})"
        writer = getattr(self, f"_{op}", None)
        if writer is not None:
            return str(writer(args, expr))
        if op.startswith("sum_"):
            return f"Σ_{op[4:]}({self._print(args[0])})"
        if op in _COMPARE:
            return f"{self._part(op, args[0], 0)} {_COMPARE[op]} {self._part(op, args[1], 1)}"
        return f"{expr.shown or op}({', '.join(map(self._print, args))})"

    def _add(self, args: tuple[Expr, ...], expr: Call) -> str:
        out = self._part("add", args[0], 0)
        limit = self._limit(len(args))
        shown = args if limit is None or len(args) <= 2 * limit else (*args[:limit], *args[-2:])
        for position, term in enumerate(shown[1:], 1):
            if len(shown) < len(args) and position == limit:
                out += " + …"
            positive = without_sign(term)
            if positive is not None:
                text = self._part("add", positive, position)
                out += f" - ({text})" if text.startswith("-") else f" - {text}"
            else:
                out += " + " + self._part("add", term, position)
        return out

    def _neg(self, args: tuple[Expr, ...], expr: Call) -> str:
        inner = self._part("neg", args[0], 0)
        return f"-({inner})" if inner.startswith("-") else f"-{inner}"

    def _product(self, sign: str, parent: str, args: tuple[Expr, ...]) -> str:
        return sign.join(self._part(parent, arg, i) for i, arg in enumerate(args))

    def _mul(self, args: tuple[Expr, ...], expr: Call) -> str:
        return self._product("*" if self.sheet else "·", "mul", args)

    def _hadamard(self, args: tuple[Expr, ...], expr: Call) -> str:
        return self._product("*" if self.sheet else " ⊙ ", "hadamard", args)

    def _matmul(self, args: tuple[Expr, ...], expr: Call) -> str:
        return self._product(" @ ", "matmul", args)

    def _outer(self, args: tuple[Expr, ...], expr: Call) -> str:
        return self._product(" ⊗ ", "outer", args)

    def _div(self, args: tuple[Expr, ...], expr: Call) -> str:
        text = self._product("/", "div", args)
        last = args[0].args[-1] if type(args[0]) is Call and args[0].op in ("mul", "hadamard") else args[0]
        if type(last) is Partial:  # ∂C/∂w/2 would be read in two ways
            text = f"({self._print(args[0])})/{self._part('div', args[1], 1)}"
        return text

    def _pow(self, args: tuple[Expr, ...], expr: Call) -> str:
        base, exponent = self._part("pow", args[0], 0), args[1]
        if type(args[0]) is Partial:
            base = f"({base})"  # ∂C/∂w² would be another thing
        if not self.sheet and type(exponent) is Num and exponent.value in range(2, 10):
            return base + str(int(exponent.value)).translate(_RAISED)
        return f"{base}^{self._part('pow', exponent, 1)}"

    def _transpose(self, args: tuple[Expr, ...], expr: Call) -> str:
        return self._part("transpose", args[0], 0) + "ᵀ"

    def _stack(self, args: tuple[Expr, ...], expr: Call) -> str:
        return "[" + ", ".join(map(self._print, args)) + "]"

    def _entry(self, args: tuple[Expr, ...], expr: Call) -> str:
        inner = self._print(args[0])
        plain = binding(args[0]) == ATOM and not isinstance(args[0], Ref)
        return f"{inner if plain else f'({inner})'}[{','.join(map(str, expr.index))}]"

    def _cases(self, args: tuple[Expr, ...], expr: Call) -> str:
        *pairs, otherwise = map(self._print, args)
        said = [f"{value} if {test}" for value, test in zip(pairs[::2], pairs[1::2], strict=True)]
        return "{" + "; ".join([*said, f"else {otherwise}"]) + "}"

    def _rowsum(self, args: tuple[Expr, ...], expr: Call) -> str:
        return f"sum({self._print(args[0])})"

    def _rowmean(self, args: tuple[Expr, ...], expr: Call) -> str:
        return f"mean({self._print(args[0])})"


def without_sign(term: Expr) -> Expr | None:
    """A term that begins with a minus, without it; None if it has none. a + (-b·c) and a - b·c are the same double."""
    if type(term) is Num and term.value < 0:
        return Num(-term.value, of=term.of)
    if type(term) is Call and not term.prime:
        if term.op == "neg":
            return term.args[0]
        if term.op in ("mul", "div"):
            first = without_sign(term.args[0])
            return replace(term, args=(first, *term.args[1:])) if first is not None else None
    return None


SHEET_TEXT = TextPrinter(FULL, sheet=True)
PLAIN = TextPrinter()
