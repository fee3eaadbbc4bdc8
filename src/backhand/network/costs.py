"""Costs: the named ones written out, and any cost taken apart into a row's own cost and a penalty."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import Place, SheetError
from ..notation.expr import ONE, Call, Expr, Num, Ref, add, call, calls, div, mul, neg, power, rewrite
from ..notation.text import PLAIN, SHEET_TEXT
from .graph import Cost, Node, Role
from .reduction import REDUCTIONS, Parts
from .shapes import Shape, ShapeConflict, describe, shape_of
from .sizes import refuse_scalar_target


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


SUM, MEAN = "rowsum", "rowmean"


def _squared(y: Expr, t: Expr) -> Expr:
    return power(y - t, 2)


def _binary(p: Expr, t: Expr) -> Expr:
    return neg(t * call("log", p) + (1.0 - t) * call("log", 1.0 - p))


def _softmax_ce(z: Expr, t: Expr, shape: Shape) -> Expr:
    return mul(_total(t, shape), call("logsumexp", z)) - _total(t * z, shape)


NAMED = {
    "sse": NamedCost(("y", "target"), lambda y, t, s: _total(_squared(y, t), s), SUM,
                     "the squared errors, summed over rows and components"),
    "mse": NamedCost(("y", "target"), lambda y, t, s: _mean_of_entries(_squared(y, t), s), MEAN,
                     "the squared errors, mean over rows and components, without a ½"),
    "mae": NamedCost(("y", "target"), lambda y, t, s: _mean_of_entries(call("abs", y - t), s), MEAN,
                     "the absolute errors, mean over rows and components"),
    "huber": NamedCost(("y", "target", "delta"),
                       lambda y, t, d, s: _mean_of_entries(call("huber_of", y - t, d), s), MEAN,
                       "Huber's cost, e²/2 up to |e| = delta and delta·(|e| - delta/2) beyond,"
                       " mean over rows and components",
                       "Huber 1964"),
    "poisson": NamedCost(("y", "target"),
                         lambda y, t, s: _mean_of_entries(y - t * call("log", y), s), MEAN,
                         "y - target·log y, mean over rows and components"
                         " (the constant log(target!) left out)"),
    "binary_cross_entropy": NamedCost(("p", "target"), lambda p, t, s: _total(_binary(p, t), s), MEAN,
                                      "-(t·log p + (1 - t)·log(1 - p)) on probabilities,"
                                      " summed over components, mean over rows"),
    "cross_entropy": NamedCost(("p", "target"), lambda p, t, s: neg(_total(t * call("log", p), s)), MEAN,
                               "-Σ t·log p on probabilities, summed over classes, mean over rows"),
    "softmax_cross_entropy": NamedCost(("z", "target"), _softmax_ce, MEAN,
                                       "the cross entropy of softmax(z), worked from z itself,"
                                       " summed over classes, mean over rows"),
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
        ShapeConflict: sizes that do not go together.
    """
    refuse_scalar_target(written, shapes, role_of)
    opened, named = _open_named(written, shapes, place)
    parts = Parts(role_of, place)
    reductions = [c for c in calls(opened) if c.op in REDUCTIONS]
    if len(reductions) > 1:
        raise _too_many(reductions, parts, place)
    parts.take(opened)
    body = parts.body
    assert body is not None
    own = div(
        mul(*parts.above, body) if parts.above else body,
        mul(*parts.below) if parts.below else ONE,
    )
    shape = shape_of(own, shapes)
    mixed = _mixed(own, shapes) if shape else None
    if shape not in ((), (1,)):
        own = Call("total", (own,))
    penalties = [Call("total", (p,)) if shape_of(p, shapes) else p for p in parts.penalties]
    penalty = add(*penalties) if penalties else None
    reduced = f"the {'mean over the N' if parts.mean else 'sum over the'} rows of {PLAIN(own)}"
    # what a named cost says of itself is true of it as it is: not of sse(y, yd)/N, nor of mse(y, yd)/2
    as_it_is = not parts.above and not parts.below and all(parts.mean == (NAMED[n].reduction == MEAN) for n in named)
    said = "; ".join(f"{n}: {NAMED[n].said}" for n in named) if as_it_is else ""
    convention = f"{said}; {reduced}" if said else reduced
    if not reductions:
        convention += "; the sheet names no sum or mean, so the mean is taken"
    if shape not in ((), (1,)):
        convention += f"; its {' × '.join(map(str, shape))} components are added up"
    if mixed is not None:
        convention += f", and {PLAIN(mixed)} is counted with each of them"
    if penalty is not None:
        convention += f"; plus {PLAIN(penalty)}, once a step"
    if not said and not any(NAMED[n].reduction == MEAN for n in named):
        convention += _half(own)
    own_name = "L" if parts.mean or penalty is not None else name
    return Cost(name, written, own, own_name, parts.mean, penalty, convention, not reductions)


def _too_many(reductions: list[Call], parts: Parts, place: Callable[[Expr], Place | None]) -> SheetError:
    """The error for a second sum or mean; a sum over the entries of a weight is often meant and needs none"""
    entries = next((c for c in reductions if len(c.args) == 1 and not parts.varies(c.args[0])), None)
    second = entries or reductions[1]
    hint = "put the terms inside one: mean(… + …)"
    if entries is not None:
        said = PLAIN(entries.args[0])[:60]
        hint = f"a penalty needs none, and a vector is summed over its entries by itself: `{said}`"
    elif second in calls(reductions[0]):
        hint = "one inside the other: leave one of them out"
    return SheetError(
        "a cost has one sum or mean over the rows, and this one has more",
        place=place(second),
        expected="at most one of sum(…), mean(…) and the named costs",
        got=f"{len(reductions)} of them",
        hint=hint,
    )


def _mixed(own: Expr, shapes: Callable[[str], Shape]) -> Expr | None:
    """A term that is a number beside terms that are vectors."""
    while type(own) is Call and own.op in ("div", "neg"):
        own = own.args[0]
    if type(own) is not Call or own.op != "add":
        return None
    return next((term for term in own.args if not shape_of(term, shapes)), None)


def _half(own: Expr) -> str:
    """Says whether a squared error carries a ½."""
    if not any(c.op == "pow" and c.args[1] == Num(2.0) for c in calls(own)):
        return ""
    halved = type(own) is Call and own.op == "div" and own.args[1] == Num(2.0)
    halved = halved or (type(own) is Call and own.op == "mul" and own.args[0] == Num(0.5))
    return "; with the factor ½" if halved else "; no factor ½"


def _open_named(
    written: Expr, shapes: Callable[[str], Shape], place: Callable[[Expr], Place | None]
) -> tuple[Expr, list[str]]:
    """The cost with mse(y, yd) and its like written out, and which these were."""
    found: list[str] = []

    def open_one(part: Expr) -> Expr | None:
        if type(part) is not Call or part.op not in NAMED:
            return None
        named = NAMED[part.op]
        if len(part.args) != len(named.arguments):
            raise SheetError(
                f"`{part.op}` takes {len(named.arguments)} arguments",
                place=place(part),
                expected=f"{part.op}({', '.join(named.arguments)})",
                got=f"{len(part.args)} argument{'s' if len(part.args) != 1 else ''}",
                hint=f"cost C = {part.op}(y, yd{', 1' if len(named.arguments) > 2 else ''})",
            )
        first, second = (shape_of(a, shapes) for a in part.args[:2])
        if first != second and {first, second} != {(), (1,)}:
            said_so = f"`{part.op}` compares like with like"
            raise ShapeConflict(part, said_so, describe(first), describe(second))
        if part.op == "softmax_cross_entropy" and not first:
            raise ShapeConflict(part, "softmax_cross_entropy works on a vector", "a vector", describe(first))
        shape = shape_of(part.args[0] - part.args[1], shapes)
        found.append(part.op)
        inner = "sum" if named.reduction == SUM else "mean"
        return Call(inner, (named.own(*part.args, shape),), span=part.span)

    return rewrite(written, open_one), found


_FROM_Z = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}  # where the probabilities come from


def instead(written: Expr, value: float, nodes: Mapping[str, Node]) -> str | None:
    """What to try where a cross entropy has taken the logarithm of 0, or of a number below it: `value` is −∞ or no
    number. None for other costs."""
    found = next((c for c in calls(written) if c.op in _FROM_Z), None)
    if found is None:
        return None
    p, target = found.args
    if value != -math.inf:
        return f"{found.op} works on probabilities: numbers from 0 to 1, as {_FROM_Z[found.op]} gives them"
    made = nodes[p.name].formula if type(p) is Ref and not p.index and p.name in nodes else p
    if type(made) is not Call or made.op != _FROM_Z[found.op]:
        return "a probability has come out as 0, or as 1 where 1 - p is needed: smaller weights or scaled inputs"
    z = made.args[0]
    same: Expr = Call("softmax_cross_entropy", (z, target))
    if found.op == "binary_cross_entropy":
        same = Call("mean", (call("softplus", z) - target * z,))
    return f"`{SHEET_TEXT(same)}` in place of {found.op}: the same cost, worked from z, and never a log of 0"
