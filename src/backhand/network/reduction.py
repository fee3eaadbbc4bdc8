"""The sum or mean over the rows inside a cost: what it adds up, the constants around it, the penalties."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import Place, SheetError
from ..notation.expr import ONE, Call, Expr, Num, Ref, calls, div, mul, names
from ..notation.text import PLAIN
from .graph import Role

ROWS = "N"
REDUCTIONS = ("sum", "mean")
_IN_WORDS = {"pow": "a power", "div": "the lower side of a fraction", "matmul": "`@`", "stack": "a list"}

Factors = tuple[list[Expr], list[Expr]]  # above and below the fraction line


class Parts:
    """Takes a cost apart.

    Attributes:
        body: what the reduction adds up.
        mean: the cost is the mean of the rows' own costs, so that a factor 1/N has been taken out.
        above, below: the constant factors around the reduction, but for that 1/N.
        penalties: the terms beside the reduction, with the factors before their bracket.
    """

    def __init__(self, role_of: Callable[[str], Role | None], place: Callable[[Expr], Place | None]) -> None:
        self.role_of, self.place = role_of, place
        self.body: Expr | None = None
        self.mean = False
        self.above: list[Expr] = []
        self.below: list[Expr] = []
        self.penalties: list[Expr] = []

    def take(self, expr: Expr) -> None:
        """Fills the attributes from a cost with at most one reduction; without one the mean is taken."""
        if _reduces(expr):
            self._walk(expr, [], [])
        else:
            self.body, self.mean = expr, True

    def varies(self, expr: Expr) -> bool:
        """Whether a formula differs from row to row."""
        return any(self.role_of(n) not in (Role.PARAMETER, Role.CONST) and n != ROWS for n in names(expr))

    def _walk(self, expr: Expr, above: list[Expr], below: list[Expr]) -> None:
        """Goes down to the reduction; `above` and `below` are the factors met on the way."""
        assert type(expr) is Call
        match expr.op:
            case "sum" | "mean":
                if len(expr.args) != 1:
                    raise SheetError(
                        f"`{expr.op}` takes one argument",
                        place=self.place(expr),
                        expected=f"{expr.op}(…)",
                        got=f"{len(expr.args)} arguments",
                        hint=f"{expr.op}(… + …)",
                    )
                self._finish(expr, above, below)
            case "add":
                for term in expr.args:
                    if not _reduces(term):
                        self._only_parameters(term)
                        self.penalties.append(div(mul(*above, term), mul(*below) if below else ONE))
                self._walk(next(t for t in expr.args if _reduces(t)), above, below)
            case "neg":
                self._walk(expr.args[0], [*above, Num(-1.0)], below)
            case "mul":
                for factor in expr.args:
                    if not _reduces(factor):
                        self._only_constants(factor)
                        more_above, more_below = _factors(factor)
                        above, below = above + more_above, below + more_below
                self._walk(next(f for f in expr.args if _reduces(f)), above, below)
            case "div" if _reduces(expr.args[0]):
                self._only_constants(expr.args[1])
                more_below, more_above = _factors(expr.args[1])
                self._walk(expr.args[0], above + more_above, below + more_below)
            case _:
                inside = _IN_WORDS.get(expr.op, f"`{expr.shown or expr.op}`")
                word = next(c.op for c in calls(expr) if c.op in REDUCTIONS)
                raise SheetError(
                    f"the {word} over the rows stands in {inside}",
                    place=self.place(expr),
                    expected="a cost that is a sum or mean over the rows, times constants, plus a penalty",
                    got=PLAIN(expr)[:60],
                    hint="the sum or mean comes last: mean(…)",
                )

    def _finish(self, reduction: Call, above: list[Expr], below: list[Expr]) -> None:
        body = reduction.args[0]
        inner_above, inner_below, body = self._constants_with_rows(body)
        self.above, self.below, self.body = above + inner_above, below + inner_below, body
        if reduction.op == "mean":
            self.below.append(Ref(ROWS))
        if self.role_of(ROWS) is not None:  # the sheet's own N is a constant like others
            self.mean = reduction.op == "mean"
            if self.mean:
                self.below.pop()
            return
        rows = Ref(ROWS)
        while rows in self.above and rows in self.below:
            self.above.remove(rows)
            self.below.remove(rows)
        if rows in self.below:  # one factor 1/N is the mean; anything else stays with the row
            self.below.remove(rows)
            self.mean = True

    def _constants_with_rows(self, body: Expr) -> tuple[list[Expr], list[Expr], Expr]:
        """Takes the constant factors out of a body if N is among them: sum(e^2/N) is sum(e^2)/N."""
        above: list[Expr] = []
        below: list[Expr] = []
        inner = body
        while type(inner) is Call:
            if inner.op == "neg":
                above.append(Num(-1.0))
                inner = inner.args[0]
            elif inner.op == "div" and self._is_constant(inner.args[1]):
                more_below, more_above = _factors(inner.args[1])
                above, below, inner = above + more_above, below + more_below, inner.args[0]
            elif inner.op == "mul" and any(self._is_constant(f) for f in inner.args):
                rest = [f for f in inner.args if not self._is_constant(f)]
                for factor in inner.args:
                    if self._is_constant(factor):
                        more_above, more_below = _factors(factor)
                        above, below = above + more_above, below + more_below
                if not rest:
                    inner = ONE
                else:
                    inner = rest[0] if len(rest) == 1 else Call("mul", tuple(rest), span=inner.span)
            else:
                break
        if self.role_of(ROWS) is None and Ref(ROWS) in (*above, *below):
            return above, below, inner
        return [], [], body

    def _is_constant(self, expr: Expr) -> bool:
        return not _reduces(expr) and all(
            self.role_of(n) is Role.CONST or (n == ROWS and self.role_of(n) is None) for n in names(expr)
        )

    def _only_constants(self, expr: Expr) -> None:
        if not self._is_constant(expr):
            raise SheetError(
                "the factor of a sum or mean over the rows is a constant",
                place=self.place(expr),
                expected="numbers, constants and N",
                got=PLAIN(expr)[:60],
                hint="put it inside the sum or mean, or declare it with `const`",
            )

    def _only_parameters(self, expr: Expr) -> None:
        for name in names(expr):
            role = self.role_of(name)
            if role not in (Role.PARAMETER, Role.CONST) and not (name == ROWS and role is None):
                raise SheetError(
                    f"`{name}` differs from row to row and stands outside the sum or mean",
                    place=self.place(expr),
                    expected="parameters and constants only (a penalty such as 0.05*w1^2)",
                    got=PLAIN(expr)[:60],
                    hint="put this term inside the sum or mean",
                )


def _reduces(expr: Expr) -> bool:
    return any(c.op in REDUCTIONS for c in calls(expr))


def _factors(expr: Expr) -> Factors:
    """A constant as factors above and below the fraction line: 1/(2*N) is 1 above, 2 and N below."""
    if type(expr) is Call and expr.op == "neg":
        above, below = _factors(expr.args[0])
        return [Num(-1.0), *above], below
    if type(expr) is Call and expr.op == "mul":
        parts = [_factors(f) for f in expr.args]
        return [f for above, _ in parts for f in above], [f for _, below in parts for f in below]
    if type(expr) is Call and expr.op == "div":
        above, below = _factors(expr.args[0])
        more_below, more_above = _factors(expr.args[1])
        return above + more_above, below + more_below
    if type(expr) is Call and expr.op == "pow" and expr.args[1] == Num(-1.0):
        above, below = _factors(expr.args[0])
        return below, above
    return [expr], []
