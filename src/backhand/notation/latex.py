"""Formulas in LaTeX, from the same tree and the same table of brackets as the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .expr import Arr, Call, Expr, Num, Partial, Ref
from .names import latex_name
from .numbers import Digits
from .precedence import ATOM, binding, needs_brackets
from .text import without_sign

_SUMS = ("rowsum", "rowmean", "sum", "mean", "total")
_PRODUCTS = {"mul": "\\cdot", "hadamard": "\\odot", "matmul": "\\,"}
_COMPARE = {"gt": ">", "ge": "\\ge", "lt": "<", "le": "\\le"}


@dataclass(frozen=True)
class LatexPrinter:
    """Prints formulas for a LaTeX maths environment.

    Args:
        digits: how numbers are rounded.
        functions: the LaTeX of function names, by operation (`sigmoid` is `\\sigma`).
        limit: lists longer than this are cut in the middle; None never cuts.
        inline: for a line of text or a table: ∂C/∂w with a slash.
        keyed: what a page calls a name; it stands at the name, and at the numbers put in its place, as `\\htmlData`.
    """

    digits: Digits = field(default_factory=Digits)
    functions: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = 10
    inline: bool = False
    keyed: Callable[[Expr], str] | None = None

    def __call__(self, expr: Expr) -> str:
        return self._print(expr)

    def number(self, value: float) -> str:
        mantissa, _, exponent = self.digits.text(value).partition("e")
        if exponent:
            power = f"10^{{{exponent}}}"
            return {"1": power, "-1": f"-{power}"}.get(mantissa, f"{mantissa}\\cdot {power}")
        return mantissa

    def array(self, value: np.ndarray, of: Expr | np.ndarray | None = None) -> str:
        if value.ndim == 0:
            return self.number(float(value))
        lines = []
        for i in self._cut(len(value)):
            places = [(i,)] if value.ndim == 1 or i is None else [(i, j) for j in self._cut(value.shape[1])]
            cells = ["\\cdots" if None in at else self.entry(value, at, of) for at in places]
            lines.append(" & ".join(cells))
        return "\\begin{bmatrix} " + " \\\\ ".join(lines) + " \\end{bmatrix}"

    def _cut(self, count: int) -> list[int | None]:
        """The places that are printed, None where some are left out."""
        if self.limit is None or count <= self.limit:
            return list(range(count))
        return [*range(self.limit - 3), None, count - 2, count - 1]

    def entry(self, value: np.ndarray, at: tuple[Any, ...], of: Expr | np.ndarray | None) -> str:
        """An entry's number with its key."""
        text = self.number(float(value[at]))
        if self.keyed is None or of is None:
            return text
        return self.with_key(of[at] if isinstance(of, np.ndarray) else _entry_of(of, at), text)

    def with_key(self, name: Expr | None, text: str) -> str:
        return f"\\htmlData{{{self.keyed(name)}}}{{{text}}}" if self.keyed is not None and name is not None else text

    def ref(self, ref: Ref) -> str:
        name, at, row = ref.name.partition("@")
        return latex_name(name) + (f"[{','.join(map(str, ref.index))}]" if ref.index else "") + at + row

    def _print(self, expr: Expr) -> str:
        match expr:
            case Num(value=value, of=of):
                return self.with_key(of, self.number(value))
            case Arr(value=value, of=of):
                return self.array(value, of)
            case Ref():
                return self.with_key(expr, self.ref(expr))
            case Partial(of=of, by=by) if self.inline:
                return self.with_key(expr, f"\\partial {self.ref(of)}/\\partial {self.ref(by)}")
            case Partial(of=of, by=by):
                return self.with_key(expr, f"\\frac{{\\partial {self.ref(of)}}}{{\\partial {self.ref(by)}}}")
            case Call():
                return self._call(expr)
        raise TypeError(f"no LaTeX for {expr!r}")

    def _part(self, parent: str, child: Expr, position: int, last: bool = True) -> str:
        text = self._print(child)
        needed = needs_brackets(parent, child, position)
        if parent == "mul" and type(child) is Call and child.op == "div":
            needed = False  # a fraction needs none
        elif parent == "pow" and position == 0:
            needed = needed or self._has_exponent(child)
        elif not last:  # a Σ takes everything behind it, as far as the next plus
            needed = needed or _is_sum(child)
        return f"\\left({text}\\right)" if needed else text

    def _has_exponent(self, expr: Expr) -> bool:
        """Whether an atom would take another exponent as its own: w^{(1)}, e^{x}, 5·10³, ∂C/∂w, Σ x."""
        match expr:
            case Num(value=value):
                return "e" in self.digits.text(value)
            case Ref():
                return "^" in self.ref(expr)
            case Partial():
                return True
        return _is_sum(expr) or (type(expr) is Call and expr.op == "exp")

    def pieces(self, expr: Expr) -> list[str]:
        """The formula in parts between which a line may be broken; all but the first begin with a sign."""
        match expr:
            case Call(op="add" | "mul" | "hadamard" | "matmul" as op, args=(first, _, *_), prime=0):
                opened = type(first) is Call and first.op == op and not needs_brackets(op, first, 0)
                if op == "add":
                    head, *others = self._terms(expr.args)
                else:
                    sign = "\\times" if op == "matmul" else _PRODUCTS[op]
                    head, *others = self._factors(op, expr.args)
                    others = [f"{sign} {text}" for text in others]
                return [*(self.pieces(first) if opened else [head]), *others]
            case Call(op="div", args=(Call(op="add", args=(_, _, *_), prime=0) as top, bottom)):
                head, *others, last = self.pieces(top)
                size = "Biggl" if "\\begin" in head else "bigl"
                below = self._part("div", bottom, 1)
                return [f"\\{size}({head}", *others, f"{last}\\{size[:-1]}r) / {below}"]
        return [self._print(expr)]

    def _call(self, expr: Call) -> str:
        op, args = expr.op, expr.args
        name = self.functions.get(op) or _function_name(expr.shown or op)
        if expr.prime:
            mark = "'" if expr.prime == 1 else f"'_{{{expr.prime}}}"
            return f"{name}{mark}\\left({self.listed(args)}\\right)"
        writer = getattr(self, f"_{op}", None)
        if writer is not None:
            return str(writer(args, expr))
        if op.startswith("sum_"):
            return f"\\sum_{{{op[4:]}}} {self._part('mul', args[0], 1)}"
        if op in _COMPARE:
            return f"{self._part(op, args[0], 0)} {_COMPARE[op]} {self._part(op, args[1], 1)}"
        return f"{name}\\left({self.listed(args)}\\right)"

    def listed(self, args: tuple[Expr, ...]) -> str:
        return ", ".join(map(self._print, args))

    def _terms(self, args: tuple[Expr, ...]) -> list[str]:
        """The terms of a sum, all but the first with their sign; a long sum is cut."""
        out = [self._part("add", args[0], 0)]
        long = self.limit is not None and len(args) > 2 * self.limit
        shown = (*args[: self.limit], *args[-2:]) if long else args
        for position, term in enumerate(shown[1:], 1):
            if long and position == self.limit:
                out.append("+ \\cdots")
            positive = without_sign(term)
            text = self._part("add", positive if positive is not None else term, position)
            if positive is None:
                out.append(f"+ {text}")
            else:
                out.append(f"- \\left({text}\\right)" if text.startswith("-") else f"- {text}")
        return out

    def _add(self, args: tuple[Expr, ...], expr: Call) -> str:
        return " ".join(self._terms(args))

    def _neg(self, args: tuple[Expr, ...], expr: Call) -> str:
        inner = self._part("neg", args[0], 0)
        return f"-\\left({inner}\\right)" if inner.startswith("-") else f"-{inner}"

    def _factors(self, op: str, args: tuple[Expr, ...]) -> list[str]:
        parts = [self._part(op, arg, i, last=i == len(args) - 1) for i, arg in enumerate(args)]
        if op == "matmul" and _is_list(args[0]):  # a list from the left is a row
            parts[0] = parts[0].replace(" \\\\ ", " & ").replace("\\vdots", "\\cdots")
        return parts

    def _mul(self, args: tuple[Expr, ...], expr: Call) -> str:
        return f" {_PRODUCTS[expr.op]} ".join(self._factors(expr.op, args))

    _hadamard = _matmul = _mul

    def _outer(self, args: tuple[Expr, ...], expr: Call) -> str:
        left, right = (self._part("outer", arg, i) for i, arg in enumerate(args))
        return f"{left} \\cdot {right}" if type(args[1]) is Num else f"{left} {{{right}}}^{{\\top}}"

    def _div(self, args: tuple[Expr, ...], expr: Call) -> str:
        return f"\\frac{{{self._print(args[0])}}}{{{self._print(args[1])}}}"

    def _pow(self, args: tuple[Expr, ...], expr: Call) -> str:
        return f"{self._part('pow', args[0], 0)}^{{{self._print(args[1])}}}"

    def _transpose(self, args: tuple[Expr, ...], expr: Call) -> str:
        inner = self._part("transpose", args[0], 0)
        return f"{{{inner}}}^{{\\top}}"

    def _stack(self, args: tuple[Expr, ...], expr: Call) -> str:
        if any(type(arg) is Call and arg.op == "stack" for arg in args):
            rows = [" & ".join(map(self._print, arg.args if type(arg) is Call else (arg,))) for arg in args]
        else:
            rows = list(map(self._print, args))
        return "\\begin{bmatrix} " + " \\\\ ".join(rows) + " \\end{bmatrix}"

    def _entry(self, args: tuple[Expr, ...], expr: Call) -> str:
        inner = self._print(args[0])
        whole = inner if binding(args[0]) == ATOM else f"\\left({inner}\\right)"
        return f"{{{whole}}}_{{[{','.join(map(str, expr.index))}]}}"

    def _cases(self, args: tuple[Expr, ...], expr: Call) -> str:
        *pairs, otherwise = map(self._print, args)
        chosen = zip(pairs[::2], pairs[1::2], strict=True)
        rows = [f"{value} & \\text{{if }} {test}" for value, test in chosen]
        rows.append(f"{otherwise} & \\text{{otherwise}}")
        return "\\begin{cases} " + " \\\\ ".join(rows) + " \\end{cases}"

    def _sum(self, args: tuple[Expr, ...], expr: Call) -> str:
        return f"\\sum_{{i=1}}^{{N}} {self._part('mul', args[0], 1)}"

    def _mean(self, args: tuple[Expr, ...], expr: Call) -> str:
        return f"\\frac{{1}}{{N}}\\sum_{{i=1}}^{{N}} {self._part('mul', args[0], 1)}"

    _rowsum, _rowmean = _sum, _mean

    def _total(self, args: tuple[Expr, ...], expr: Call) -> str:
        return f"\\sum_{{j}} {self._part('mul', args[0], 1)}"

    def _sqrt(self, args: tuple[Expr, ...], expr: Call) -> str:
        return f"\\sqrt{{{self._print(args[0])}}}"

    def _abs(self, args: tuple[Expr, ...], expr: Call) -> str:
        return f"\\left|{self._print(args[0])}\\right|"

    def _exp(self, args: tuple[Expr, ...], expr: Call) -> str:
        return f"e^{{{self._print(args[0])}}}"


def _function_name(name: str) -> str:
    """Several letters stand upright; one letter, with what is below or above it, is printed like a name."""
    if re.fullmatch(r"[a-z]{2,}(_[a-z]{2,})+", name):  # cross_entropy is one word
        return f"\\operatorname{{{name.replace('_', chr(92) + '_')}}}"
    letters = re.match(r"[^\W\d_]*", name)
    if letters is None or letters.end() < 2 or not name.isascii():
        return latex_name(name)
    return f"\\operatorname{{{letters[0]}}}{latex_name('x' + name[letters.end() :])[1:]}"


def _entry_of(name: Expr, at: tuple[int, ...]) -> Expr | None:
    """One entry of a name, or of a partial by one; counted from 1."""
    match name:
        case Ref(name=own, index=index):
            return Ref(own, (*index, *(k + 1 for k in at)))
        case Partial(of=of, by=by):
            return Partial(of, Ref(by.name, (*by.index, *(k + 1 for k in at))))
    return None


def _is_list(expr: Expr) -> bool:
    """Numbers or names in one list, which stands as a column."""
    match expr:
        case Arr(value=value):
            return value.ndim == 1
        case Call(op="stack", args=args, prime=0):
            return not any(type(arg) is Call and arg.op == "stack" for arg in args)
    return False


def _is_sum(expr: Expr) -> bool:
    return type(expr) is Call and not expr.prime and (expr.op in _SUMS or expr.op.startswith("sum_"))
