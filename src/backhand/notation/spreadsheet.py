"""Formulas as a spreadsheet writes them: cells instead of names, and only functions that every spreadsheet has."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from .expr import Call, Expr, Num, Ref, substitute

LONGEST = 8000  # characters; a spreadsheet takes 8192
_COMPARE = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_PLAIN = {"exp": "EXP", "log": "LN", "sqrt": "SQRT", "abs": "ABS", "tanh": "TANH", "max": "MAX", "min": "MIN",
          "normal_cdf": "NORMSDIST", "total": "SUM"}  # fmt: skip
SUM, PRODUCT, SIGN, POWER, ATOM = range(5)

Cell = tuple[str, int, int]  # sheet (or nothing for this one), row and column from 0
Range = tuple[Cell, Cell]


def column_name(column: int) -> str:
    """A, B, …, Z, AA: a column counted from 0."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def cell_name(cell: Cell) -> str:
    """'Epoch 1'!C4."""
    sheet, row, column = cell
    place = f"{column_name(column)}{row + 1}"
    return f"'{sheet}'!{place}" if sheet else place


def range_name(cells: Range) -> str:
    (sheet, row, column), (_, last_row, last_column) = cells
    return f"{cell_name((sheet, row, column))}:{cell_name(('', last_row, last_column))}"


@dataclass(frozen=True)
class SpreadsheetPrinter:
    """Prints formulas for a cell.

    Args:
        place: the cell of a name, or the range of cells that a name of a sum means.
        spelt: what a function that spreadsheets do not have, or a slope, is made of; None if it is unknown.
    """

    place: Callable[[Ref], Cell | Range]
    spelt: Callable[[Call], Expr | None]

    def __call__(self, expr: Expr) -> str:
        """The formula behind `=`. A spreadsheet binds -x^2 as (-x)^2 and 2^3^2 from the left: all of that is
        bracketed.

        Raises:
            ValueError: longer than a cell can hold, or nothing a spreadsheet can work.
        """
        text = self.part(expr, SUM)
        if len(text) > LONGEST:
            raise ValueError(f"a formula of {len(text):,} characters")
        return text

    def part(self, expr: Expr, least: int) -> str:
        """A formula that stands where one of this strength is wanted."""
        text, strength = self.made(expr)
        return text if strength >= least else f"({text})"

    def made(self, expr: Expr) -> tuple[str, int]:
        match expr:
            case Num(value=value):
                return (repr(value) if value != int(value) or abs(value) > 1e15 else str(int(value))), (
                    SIGN if value < 0 else ATOM
                )
            case Ref():
                return self.cells(self.place(expr)), ATOM
            case Call(op="add", args=args, prime=0):
                return self.sum(args), SUM
            case Call(op="mul" | "hadamard" | "matmul", args=args, prime=0):
                first, *others = args
                return "*".join([self.part(first, PRODUCT), *(self.part(a, POWER) for a in others)]), PRODUCT
            case Call(op="div", args=(top, bottom), prime=0):
                return f"{self.part(top, PRODUCT)}/{self.part(bottom, POWER)}", PRODUCT
            case Call(op="neg", args=(inner,), prime=0):
                text, strength = self.made(inner)
                if strength == ATOM:
                    return f"-{text}", SIGN
                return f"-1*{self.part(inner, POWER)}", PRODUCT  # -(x^2) is not read alike everywhere
            case Call(op="pow", args=(base, exponent), prime=0):
                return f"{self.part(base, ATOM)}^{self.part(exponent, ATOM)}", POWER
            case Call(op="linear", args=(inner,), prime=0):
                return self.made(inner)
            case Call(prime=0):
                return self.called(expr), ATOM
            case Call():
                return self.by_meaning(expr)
        raise ValueError(f"no spreadsheet formula for {expr!r}")

    def cells(self, found: Cell | Range) -> str:
        return f"SUM({range_name(found)})" if isinstance(found[0], tuple) else cell_name(found)

    def by_meaning(self, expr: Call) -> tuple[str, int]:
        meaning = self.spelt(expr)
        if meaning is None:
            raise ValueError(f"spreadsheets have no {expr.shown or expr.op}")
        return self.made(meaning)

    def called(self, expr: Call) -> str:
        op, args = expr.op, expr.args
        one = args[0]
        match op:
            case "sigmoid":
                return f"(1/(1+EXP(-{self.part(one, ATOM)})))"
            case "softplus":
                return f"(MAX({self.part(one, SUM)},0)+LN(1+EXP(-ABS({self.part(one, SUM)}))))"
            case "logsumexp":
                most, parts = self.raised(one)
                return f"({most}+LN({'+'.join(parts)}))"
            case "entry" if type(one) is Call and one.op == "softmax" and len(expr.index) == 1:
                _, parts = self.raised(one.args[0])
                return f"({parts[expr.index[0] - 1]}/({'+'.join(parts)}))"
            case "cases":
                *pairs, otherwise = args
                text = self.part(otherwise, SUM)
                for test, value in reversed(list(zip(pairs[1::2], pairs[::2], strict=True))):
                    text = f"IF({self.part(test, SUM)},{self.part(value, SUM)},{text})"
                return text
            case "stack":
                return ",".join(self.part(a, SUM) for a in args)
        if op in _COMPARE:
            return f"{self.part(args[0], SUM)}{_COMPARE[op]}{self.part(args[1], SUM)}"
        if op in _PLAIN:
            return f"{_PLAIN[op]}({','.join(self.part(a, SUM) for a in args)})"
        text, strength = self.by_meaning(expr)
        return text if strength == ATOM else f"({text})"

    def raised(self, vector: Expr) -> tuple[str, list[str]]:
        """The largest entry of a list, and e to the power of each entry less that one."""
        if type(vector) is not Call or vector.op != "stack":
            raise ValueError("a list whose entries have no cells")
        entries = [self.part(a, ATOM) for a in vector.args]
        most = f"MAX({','.join(entries)})"
        return most, [f"EXP({entry}-{most})" for entry in entries]

    def sum(self, args: tuple[Expr, ...]) -> str:
        """A sum; products of cells that stand side by side become a SUMPRODUCT."""
        out, at = "", 0
        flat = self.opened(args)
        while at < len(flat):
            count = self.run_of_products(flat, at)
            if count > 2:
                left, right = (self.run(flat[at : at + count], k) for k in (0, 1))
                text, sign = f"SUMPRODUCT({range_name(left)},{range_name(right)})", "+"
            else:
                count, term, sign = 1, flat[at], "+"
                while type(term) is Call and term.op == "neg" and not term.prime:
                    sign, term = "+" if sign == "-" else "-", term.args[0]
                text = self.part(term, PRODUCT)
                if text.startswith("-"):  # 3--2 is read in more than one way
                    sign, text = "+" if sign == "-" else "-", text[1:]
            out += (sign if out or sign == "-" else "") + text
            at += count
        return out

    @staticmethod
    def opened(args: tuple[Expr, ...]) -> list[Expr]:
        first = args[0]
        if type(first) is Call and first.op == "add" and not first.prime:
            return [*SpreadsheetPrinter.opened(first.args), *args[1:]]
        return list(args)

    def pair(self, term: Expr) -> tuple[Cell, Cell] | None:
        """The cells of a product of two names."""
        if type(term) is not Call or term.op != "mul" or len(term.args) != 2 or term.prime:
            return None
        found = [self.place(a) if type(a) is Ref else None for a in term.args]
        if any(f is None or isinstance(f[0], tuple) for f in found):
            return None
        return found[0], found[1]  # type: ignore[return-value]

    def run_of_products(self, terms: list[Expr], at: int) -> int:
        """How many products from here on go one column on, in both factors."""
        first = self.pair(terms[at])
        count = 0
        while first is not None and at + count < len(terms):
            here = self.pair(terms[at + count])
            if here is None or any(
                (one[0], one[1], one[2] + count) != other for one, other in zip(first, here, strict=True)
            ):
                break
            count += 1
        return count

    def run(self, terms: list[Expr], k: int) -> Range:
        first, last = self.pair(terms[0]), self.pair(terms[-1])
        assert first is not None
        assert last is not None
        return first[k], last[k]


def with_letters(meaning: Expr, letters: tuple[str, ...], args: tuple[Expr, ...]) -> Expr:
    """A definition in letters at some arguments."""
    known: dict[Ref, Expr] = {Ref("π"): Num(math.pi)}
    return substitute(meaning, known | {Ref(letter): arg for letter, arg in zip(letters, args, strict=False)})
