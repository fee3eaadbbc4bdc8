"""Derivatives in letters: the rules of the vocabulary, chained through a formula.

`pull` goes backward through a whole formula at once (this is what back-propagation works with);
`entry_partial` gives one entry by one entry (this is what a path is made of).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from ..notation.expr import ONE, ZERO, Arr, Call, Expr, Index, Num, Partial, Ref, add, is_number, mul, neg
from ..ops.vocabulary import VOCABULARY
from .shapes import Shape, shape_of

Shapes = Callable[[str], Shape]


def _partial(call: Call, args: tuple[Expr, ...], k: int) -> Expr:
    """The derivative of an operation by its k-th argument; an unknown function g has g'."""
    entry = VOCABULARY.get(call.op)
    if entry is None:
        found: Expr = Call(call.op, args, prime=k + 1)
    else:
        found = entry.partial(args, k) if entry.partial else ZERO
    if type(found) is Call and found.prime and call.shown:
        return Call(found.op, found.args, found.prime, shown=call.shown)
    return found


def pull(formula: Expr, seed: Expr, shapes: Shapes, itself: Ref | None = None) -> dict[Ref, Expr]:
    """What each name in a formula receives when ∂C/∂formula is `seed`.

    Args:
        formula: the right side of an equation.
        seed: ∂C/∂(the equation), or 1 for the local derivative of a number.
        shapes: the shape of each name.
        itself: the equation's own name, so that softmax' can be written with its own result.
    Returns:
        for each name (or entry of one) its share of ∂C/∂name, the terms in order of appearance.
    """
    found: dict[Ref, list[Expr]] = {}

    def times(left: Expr, right: Expr) -> Expr:
        if is_number(left, 1.0) or is_number(right, 1.0):
            return mul(left, right)
        if shape_of(left, shapes) and shape_of(right, shapes):
            return _hadamard(left, right)
        if type(right) is Call and right.op == "mul":
            return mul(left, *right.args)
        return mul(left, right)

    def visit(expr: Expr, seed: Expr) -> None:
        if is_number(seed, 0.0):
            return
        if type(expr) is Ref:
            found.setdefault(Ref(expr.name, expr.index), []).append(seed)
        elif type(expr) is Call:
            shape = shape_of(expr, shapes)
            if VOCABULARY.get(expr.op) and VOCABULARY[expr.op].structural:
                if expr.op in ("matmul", "softmax") and shape and not shape_of(seed, shapes):
                    seed = times(seed, Arr(np.ones(shape)))  # every entry has the same seed
                structural(expr, seed)
                return
            for k, arg in enumerate(expr.args):
                passed = times(seed, _partial(expr, expr.args, k))
                if shape and not shape_of(arg, shapes):  # a number that goes with every entry
                    if shape_of(passed, shapes):
                        passed = Call("total", (passed,))
                    else:
                        passed = times(Num(float(np.prod(shape))), passed)
                visit(arg, passed)

    def structural(expr: Call, seed: Expr) -> None:
        args = expr.args
        match expr.op:
            case "matmul":
                left, right = args
                rank = len(shape_of(left, shapes)), len(shape_of(right, shapes))
                if rank == (1, 1) or rank == (1, 0):
                    visit(left, times(seed, right))
                    visit(right, times(seed, left if rank == (1, 1) else entry(left, (1,), shapes)))
                elif rank == (1, 2):
                    visit(left, Call("matmul", (right, seed)))
                    visit(right, Call("outer", (left, seed)))
                elif rank == (2, 2):
                    visit(left, Call("matmul", (seed, _transposed(right))))
                    visit(right, Call("matmul", (_transposed(left), seed)))
                else:
                    visit(left, Call("outer", (seed, right)))
                    back = Call("matmul", (_transposed(left), seed))
                    visit(right, Call("total", (back,)) if rank == (2, 0) else back)
            case "stack":
                for position, arg in enumerate(args, 1):
                    visit(arg, _row(seed, position, shapes))
            case "total":
                visit(args[0], seed)
            case "softmax":
                p = itself if itself is not None and expr is formula else expr
                inner = add(seed, neg(Call("matmul", (p, seed))))
                visit(args[0], _hadamard(p, inner))
            case "logsumexp":
                visit(args[0], times(seed, Call("softmax", args)))

    visit(formula, seed)
    return {leaf: add(*terms) for leaf, terms in found.items()}


def _hadamard(left: Expr, right: Expr) -> Expr:
    first = left.args if type(left) is Call and left.op == "hadamard" else (left,)
    return Call("hadamard", (*first, right))


def _transposed(expr: Expr) -> Expr:
    return expr.args[0] if type(expr) is Call and expr.op == "transpose" else Call("transpose", (expr,))


def _row(seed: Expr, position: int, shapes: Shapes) -> Expr:
    """Entry (or row) `position` of a seed."""
    if type(seed) is Partial:
        return Partial(seed.of, Ref(seed.by.name, (*seed.by.index, position)))
    return seed if not shape_of(seed, shapes) else Call("entry", (seed,), index=(position,))


def entry(expr: Expr, index: Index, shapes: Shapes) -> Expr:
    """One entry of a formula, in entries of its names: (W @ x)[2] is W[2,1]·x[1] + W[2,2]·x[2]."""
    if not shape_of(expr, shapes) and not (type(expr) is Call and _has_vector(expr, shapes)):
        return expr
    match expr:
        case Ref(name=name, index=inner):
            return Ref(name, inner + index)
        case Partial(of=of, by=by):
            return Partial(of, Ref(by.name, by.index + index))
        case Arr(value=value):
            return Num(float(value[tuple(i - 1 for i in index)]))
        case Call(op="matmul", args=(left, right)):
            rank_left, rank_right = len(shape_of(left, shapes)), len(shape_of(right, shapes))
            row, column = index[: rank_left - 1], index[rank_left - 1 :]
            terms = []
            for k in range(1, shape_of(left, shapes)[-1] + 1):
                other = entry(right, (k, *column) if rank_right else (), shapes)
                terms.append(_times(entry(left, (*row, k), shapes), other))
            return _sum(terms)
        case Call(op="stack", args=args):
            return entry(args[index[0] - 1], index[1:], shapes)
        case Call(op="outer", args=(left, right)):
            ends = index if shape_of(right, shapes) else (*index[:1], 0)
            return _times(entry(left, ends[:1], shapes), entry(right, ends[1:], shapes) if ends[1] else right)
        case Call(op="transpose", args=(inner_expr,)):
            return entry(inner_expr, index[::-1], shapes)
        case Call(op="entry", args=(inner_expr,), index=first):
            return entry(inner_expr, first + index, shapes)
        case Call(op="total", args=(inner_expr,)):
            return _sum([entry(inner_expr, i, shapes) for i in indices(shape_of(inner_expr, shapes))])
        case Call(op="softmax", prime=0):
            return Call("entry", (expr,), index=index)
        case Call(op="logsumexp"):
            return expr
        case Call():
            args = tuple(entry(a, index if shape_of(a, shapes) else (), shapes) for a in expr.args)
            return Call("mul" if expr.op == "hadamard" else expr.op, args, expr.prime, expr.index, expr.shown)
    return expr


def _has_vector(expr: Call, shapes: Shapes) -> bool:
    return any(shape_of(a, shapes) or (type(a) is Call and _has_vector(a, shapes)) for a in expr.args)


def _times(left: Expr, right: Expr) -> Expr:
    """A product in a written-out matrix product; nothing is simplified, so it is the same arithmetic."""
    return Call("mul", (left, right))


def _sum(terms: list[Expr]) -> Expr:
    return terms[0] if len(terms) == 1 else Call("add", tuple(terms))


def indices(shape: Shape) -> list[Index]:
    """All entries of a shape, counted from 1, row by row."""
    return list(itertools.product(*(range(1, n + 1) for n in shape)))


def entry_partial(formula: Expr, out: Index, leaf: str, at: Index, shapes: Shapes, itself: Ref | None = None) -> Expr:
    """∂formula[out]/∂leaf[at] in letters; 0 where the one does not reach the other."""

    def go(expr: Expr, out: Index) -> Expr:
        match expr:
            case Ref(name=name, index=index):
                return ONE if name == leaf and index + out == at else ZERO
            case Call(op="matmul", args=(left, right)):
                return product(left, right, out)
            case Call(op="stack", args=args):
                return go(args[out[0] - 1], out[1:])
            case Call(op="total", args=(inner,)):
                return add(*(go(inner, i) for i in indices(shape_of(inner, shapes))))
            case Call(op="softmax", args=(inner,)):
                p = itself if itself is not None and expr is formula else expr
                terms = []
                for k in indices(shape_of(inner, shapes)):
                    slope = go(inner, k)
                    if not is_number(slope, 0.0):
                        here, there = _entry_of(p, out), _entry_of(p, k)
                        step = mul(here, add(ONE, neg(there))) if k == out else neg(mul(here, there))
                        terms.append(mul(step, slope))
                return add(*terms)
            case Call(op="logsumexp", args=(inner,)):
                soft = Call("softmax", (inner,))
                slopes = [(k, go(inner, k)) for k in indices(shape_of(inner, shapes))]
                return add(*(mul(_entry_of(soft, k), s) for k, s in slopes if not is_number(s, 0.0)))
            case Call(args=args):
                parts = [out if shape_of(a, shapes) else () for a in args]
                terms = []
                written: tuple[Expr, ...] | None = None
                for position, (arg, part) in enumerate(zip(args, parts, strict=True)):
                    slope = go(arg, part)
                    if is_number(slope, 0.0):
                        continue
                    if expr.op in ("add", "neg"):
                        terms.append(slope if expr.op == "add" else neg(slope))
                        continue
                    if written is None:
                        written = tuple(entry(a, p, shapes) for a, p in zip(args, parts, strict=True))
                    terms.append(mul(_partial(expr, written, position), slope))
                return add(*terms)
        return ZERO

    def product(left: Expr, right: Expr, out: Index) -> Expr:
        rank_left, rank_right = len(shape_of(left, shapes)), len(shape_of(right, shapes))
        row, column = out[: rank_left - 1], out[rank_left - 1 :]
        width = shape_of(left, shapes)[-1]
        along_left: range | tuple[int, ...] = range(1, width + 1)
        along_right: range | tuple[int, ...] = along_left
        if type(left) is Ref:  # only the matching entry of a plain name can matter
            mine = left.name == leaf and (left.index + row == at[:-1])
            along_left = (at[-1],) if mine else ()
        if type(right) is Ref:
            mine = right.name == leaf and right.index == at[: len(right.index)]
            spot = at[len(right.index) :] if mine else ()
            ok = mine and spot[1:] == column
            along_right = ((spot[0] if spot else 1),) if ok else ()
        terms: list[tuple[int, Expr]] = []
        for k in along_left:
            slope = go(left, (*row, k))
            if not is_number(slope, 0.0):
                terms.append((k, mul(slope, entry(right, (k, *column) if rank_right else (), shapes))))
        for k in along_right:
            slope = go(right, (k, *column) if rank_right else ())
            if not is_number(slope, 0.0):
                terms.append((k, mul(entry(left, (*row, k), shapes), slope)))
        return add(*(t for _, t in sorted(terms, key=lambda pair: pair[0])))

    return go(formula, out)


def _entry_of(expr: Expr, index: Index) -> Expr:
    return Ref(expr.name, expr.index + index) if type(expr) is Ref else Call("entry", (expr,), index=index)


def reached(formula: Expr, leaf: str, at: Index, shapes: Shapes) -> set[Index]:
    """Which entries of a formula depend on one entry of a name; from shapes, without differentiating."""

    def go(expr: Expr) -> set[Index]:
        match expr:
            case Ref(name=name, index=index):
                if name != leaf or index != at[: len(index)]:
                    return set()
                return {at[len(index) :]}
            case Call(op="matmul", args=(left, right)):
                rank_left = len(shape_of(left, shapes))
                out = set()
                rows = indices(shape_of(left, shapes)[:-1])
                columns = indices(shape_of(right, shapes)[1:])
                for index in go(left):
                    out |= {(*index[: rank_left - 1], *c) for c in columns}
                for index in go(right):
                    out |= {(*r, *index[1:]) for r in rows}
                return out
            case Call(op="stack", args=args):
                return {(position, *i) for position, arg in enumerate(args, 1) for i in go(arg)}
            case Call(op="total" | "logsumexp", args=(inner,)):
                return {()} if go(inner) else set()
            case Call(op="softmax", args=(inner,)):
                return set(indices(shape_of(inner, shapes))) if go(inner) else set()
            case Call(args=args):
                shape = shape_of(expr, shapes)
                out = set()
                for arg in args:
                    found = go(arg)
                    out |= set(indices(shape)) if found and shape and not shape_of(arg, shapes) else found
                return out
        return set()

    return go(formula)
