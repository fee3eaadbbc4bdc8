"""Costs: the named ones written out, and any cost taken apart into a row's own cost, the reduction and a penalty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import Place, ShapeProblem, SheetError
from ..notation.expr import ONE, Call, Expr, Num, Ref, add, call, calls, div, mul, names, neg, power, rewrite
from ..notation.text import PLAIN
from .graph import Cost, Role
from .shapes import Shape, ShapeConflict, describe, shape_of

ROWS = "N"


def _total(body: Expr, shape: Shape) -> Expr:
    return Call("total", (body,)) if shape not in ((), (1,)) else body


def _mean_of_entries(body: Expr, shape: Shape) -> Expr:
    count = 1
    for n in shape:
        count *= n
    return div(_total(body, shape), float(count)) if shape and count > 1 else _total(body, shape)


@dataclass(frozen=True)
class NamedCost:
    """A cost that has a name: its arguments and its exact formula for one row, by (y, target, shape)."""

    arguments: tuple[str, ...]
    own: Callable[..., Expr]
    reduction: str
    said: str
    source: str = ""


def _squared(y: Expr, t: Expr) -> Expr:
    return power(y - t, 2)


def _binary(p: Expr, t: Expr) -> Expr:
    return neg(t * call("log", p) + (1.0 - t) * call("log", 1.0 - p))


def _softmax_ce(z: Expr, t: Expr, shape: Shape) -> Expr:
    return mul(_total(t, shape), call("logsumexp", z)) - _total(t * z, shape)


NAMED = {
    "sse": NamedCost(("y", "target"), lambda y, t, s: _total(_squared(y, t), s), "rowsum",
                     "the squared errors, summed over rows and components"),
    "mse": NamedCost(("y", "target"), lambda y, t, s: _mean_of_entries(_squared(y, t), s), "rowmean",
                     "the squared errors, mean over rows and components, without a ½"),
    "mae": NamedCost(("y", "target"), lambda y, t, s: _mean_of_entries(call("abs", y - t), s), "rowmean",
                     "the absolute errors, mean over rows and components"),
    "huber": NamedCost(("y", "target", "delta"),
                       lambda y, t, d, s: _mean_of_entries(call("huber_of", y - t, d), s), "rowmean",
                       "Huber's cost, e²/2 up to |e| = delta and delta·(|e| - delta/2) beyond, mean over rows and components",
                       "Huber 1964"),
    "poisson": NamedCost(("y", "target"), lambda y, t, s: _mean_of_entries(y - t * call("log", y), s), "rowmean",
                         "y - target·log y, mean over rows and components (the constant log(target!) left out)"),
    "binary_cross_entropy": NamedCost(("p", "target"), lambda p, t, s: _total(_binary(p, t), s), "rowmean",
                                      "-(t·log p + (1 - t)·log(1 - p)) on probabilities, summed over components, mean over rows"),
    "cross_entropy": NamedCost(("p", "target"), lambda p, t, s: neg(_total(t * call("log", p), s)), "rowmean",
                               "-Σ t·log p on probabilities, summed over classes, mean over rows"),
    "softmax_cross_entropy": NamedCost(("z", "target"), _softmax_ce, "rowmean",
                                       "the cross entropy of softmax(z), worked from z itself, summed over classes, mean over rows"),
}  # fmt: skip


def build_cost(
    name: str,
    written: Expr,
    shapes: Callable[[str], Shape],
    role_of: Callable[[str], Role | None],
    place: Callable[[Expr], Place | None],
) -> Cost:
    """Takes a cost apart.

    Args:
        name, written: as in the sheet, with names resolved.
        shapes, role_of: the shape and role of each name; N has no role unless the sheet has its own.
        place: where a part stands in the sheet.
    Raises:
        SheetError: more than one reduction, something with rows outside it, a factor that is no constant.
    """
    try:
        opened, said = _open_named(written, shapes, place)
        parts = _Parts(role_of, place)
        reduction = [c for c in calls(opened) if c.op in ("sum", "mean")]
        if len(reduction) > 1:
            raise SheetError(
                "a cost has one sum or mean over the rows, and this one has more",
                place=place(reduction[1]),
                expected="at most one of sum(…) and mean(…)",
                hint="put the terms inside one: mean(… + …)",
            )
        if reduction:
            parts.take_apart(opened, [], [])
        else:
            parts.body, parts.mean = opened, True
        assert parts.body is not None
        body = parts.body
        own = div(mul(*parts.above, body) if parts.above else body, mul(*parts.below) if parts.below else ONE)
        shape = shape_of(own, shapes)
        if shape not in ((), (1,)):
            own = Call("total", (own,))
        penalty = add(*parts.penalties) if parts.penalties else None
        if penalty is not None and shape_of(penalty, shapes):
            penalty = Call("total", (penalty,))
    except ShapeConflict as conflict:
        raise ShapeProblem(
            f"the cost {name}: {conflict.said}",
            place=place(conflict.expr) or place(written),
            expected=conflict.expected,
            got=conflict.got,
        ) from None
    assumed = not reduction
    convention = said or (
        f"the mean over the N rows of {PLAIN(own)}" if parts.mean else f"the sum over the rows of {PLAIN(own)}"
    )
    if assumed:
        convention += "; the sheet names no sum or mean, so the mean is taken"
    if shape not in ((), (1,)):
        convention += f"; the {shape[0]} components are added up"
    if penalty is not None:
        convention += f"; plus {PLAIN(penalty)}, once a step"
    if not said:
        convention += _half(own)
    return Cost(name, written, own, "L" if parts.mean or penalty is not None else name, parts.mean, penalty, convention, assumed)


def _half(own: Expr) -> str:
    """Says whether a squared error carries a ½."""
    if not any(c.op == "pow" and c.args[1] == Num(2.0) for c in calls(own)):
        return ""
    halved = type(own) is Call and own.op == "div" and own.args[1] == Num(2.0)
    halved = halved or (type(own) is Call and own.op == "mul" and own.args[0] == Num(0.5))
    return "; with the factor ½" if halved else "; no factor ½"


def _open_named(
    written: Expr, shapes: Callable[[str], Shape], place: Callable[[Expr], Place | None]
) -> tuple[Expr, str]:
    """The cost with mse(y, yd) and its like written out, and what they say of themselves."""
    said: list[str] = []

    def open_one(part: Expr) -> Expr | None:
        if type(part) is not Call or part.op not in NAMED:
            return None
        named = NAMED[part.op]
        if len(part.args) != len(named.arguments):
            raise SheetError(
                f"`{part.op}` takes {len(named.arguments)} arguments",
                place=place(part),
                expected=f"{part.op}({', '.join(named.arguments)})",
                got=str(len(part.args)),
            )
        first, second = (shape_of(a, shapes) for a in part.args[:2])
        if len(second) > len(first) or (first and not second and first != (1,)):
            raise ShapeConflict(part, f"`{part.op}` compares like with like", describe(first), describe(second))
        if part.op == "softmax_cross_entropy" and not first:
            raise ShapeConflict(part, "softmax_cross_entropy works on a vector", "a vector", describe(first))
        shape = shape_of(part.args[0] - part.args[1], shapes)
        said.append(f"{part.op}: {named.said}")
        inner = "sum" if named.reduction == "rowsum" else "mean"
        return Call(inner, (named.own(*part.args, shape),), span=part.span)

    return rewrite(written, open_one), "; ".join(said)


class _Parts:
    """Collects the body of the reduction, the constants around it, and the penalties beside it."""

    def __init__(self, role_of: Callable[[str], Role | None], place: Callable[[Expr], Place | None]) -> None:
        self.role_of, self.place = role_of, place
        self.body: Expr | None = None
        self.mean = False
        self.above: list[Expr] = []
        self.below: list[Expr] = []
        self.penalties: list[Expr] = []

    def take_apart(self, expr: Expr, above: list[Expr], below: list[Expr]) -> None:
        """Walks down to the reduction; `above` and `below` are the factors met on the way."""
        assert type(expr) is Call
        match expr.op:
            case "sum" | "mean":
                if len(expr.args) != 1:
                    raise SheetError(f"`{expr.op}` takes one argument", place=self.place(expr), got=str(len(expr.args)))
                self._finish(expr, above, below)
            case "add":
                for term in expr.args:
                    if not _reduces(term):
                        self._only_parameters(term)
                        self.penalties.append(div(mul(*above, term), mul(*below) if below else ONE))
                for term in expr.args:
                    if _reduces(term):
                        self.take_apart(term, above, below)
            case "neg":
                self.take_apart(expr.args[0], [*above, Num(-1.0)], below)
            case "mul":
                others = [f for f in expr.args if not _reduces(f)]
                for factor in others:
                    self._only_constants(factor)
                self.take_apart(next(f for f in expr.args if _reduces(f)), [*above, *others], below)
            case "div" if _reduces(expr.args[0]):
                self._only_constants(expr.args[1])
                self.take_apart(expr.args[0], above, [*below, *_factors(expr.args[1])])
            case _:
                raise SheetError(
                    f"the {'sum' if any(c.op == 'sum' for c in calls(expr)) else 'mean'} over the rows stands inside `{expr.op}`",
                    place=self.place(expr),
                    expected="a cost that is a sum or mean over the rows, times constants, plus a penalty",
                    hint="move it to the outside: mean(…)",
                )

    def _finish(self, reduction: Call, above: list[Expr], below: list[Expr]) -> None:
        body = reduction.args[0]
        inner_above, inner_below, body = _constants_of(body, self._is_constant)
        above, below = above + inner_above, below + inner_below
        if reduction.op == "mean":
            below = [*below, Ref(ROWS)]
        counts = [f for f in below if f == Ref(ROWS) and self.role_of(ROWS) is None]
        if counts:  # one factor 1/N is the mean; anything else stays with the row
            self.mean = True
            below = list(below)
            below.remove(counts[0])
        if self.mean and Ref(ROWS) in above and self.role_of(ROWS) is None:
            above.remove(Ref(ROWS))
            self.mean = False
        self.body, self.above, self.below = body, above, below

    def _is_constant(self, expr: Expr) -> bool:
        return not any(c.op in ("sum", "mean") for c in calls(expr)) and all(
            self.role_of(n) is Role.CONST or (n == ROWS and self.role_of(n) is None) for n in names(expr)
        )

    def _only_constants(self, expr: Expr) -> None:
        if not self._is_constant(expr):
            raise SheetError(
                "the factor of a sum or mean over the rows is a constant",
                place=self.place(expr),
                expected="numbers, constants and N",
                got=PLAIN(expr),
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
                    hint="put this term inside the sum or mean",
                )


def _reduces(expr: Expr) -> bool:
    return any(c.op in ("sum", "mean") for c in calls(expr))


def _factors(expr: Expr) -> list[Expr]:
    return list(expr.args) if type(expr) is Call and expr.op == "mul" else [expr]


def _constants_of(body: Expr, constant: Callable[[Expr], bool]) -> tuple[list[Expr], list[Expr], Expr]:
    """Constant factors with N in a body (`sum(e^2/N)`) are taken out, so that 1/N is found wherever it stands."""
    if type(body) is Call and body.op == "div" and constant(body.args[1]) and Ref(ROWS) in _factors(body.args[1]):
        above, below, inner = _constants_of(body.args[0], constant)
        return above, [*below, *_factors(body.args[1])], inner
    if type(body) is Call and body.op == "mul":
        with_rows = [f for f in body.args if ROWS in names(f) and constant(f)]
        rest = [f for f in body.args if f not in with_rows]
        if with_rows and rest:
            above, below = [], []
            for factor in with_rows:
                if type(factor) is Call and factor.op == "div":
                    above.append(factor.args[0])
                    below.extend(_factors(factor.args[1]))
                else:
                    above.append(factor)
            return above, below, rest[0] if len(rest) == 1 else Call("mul", tuple(rest))
    return [], [], body
