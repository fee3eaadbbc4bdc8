"""The one evaluator: a formula with numbers looked up for its names. Engine and explainer use it alike."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..notation.expr import Arr, Call, Expr, Index, Num, Partial, Ref
from .entry import Array
from .vocabulary import VOCABULARY

Lookup = Callable[[Ref | Partial], Array]
Watch = Callable[[Expr, Array], None]


def evaluate(expr: Expr, lookup: Lookup, watch: Watch | None = None) -> Array:
    """The value of a formula, worked as it is written.

    Args:
        expr: the formula.
        lookup: gives each name's values, shape (rows or 1, *shape); the index of an entry is taken here.
        watch: is shown every operation with its value, from the inside out.
    Returns:
        shape (rows or 1, *shape of the formula), float64.
    """
    match expr:
        case Num(value=value):
            return np.array([value])
        case Ref(index=index) | Partial(by=Ref(index=index)):
            found = lookup(expr)
            return _entry(found, index) if index else found
        case Call(op="entry", args=(inner,), index=index):
            return _entry(evaluate(inner, lookup, watch), index)
        case Call(op=op, args=args, prime=prime):
            entry = VOCABULARY[op]
            values = [evaluate(arg, lookup, watch) for arg in args]
            result = entry.slope[prime - 1](*values) if prime else entry.value(*values)
            if watch is not None:
                watch(expr, result)
            return result
        case Arr(value=array):
            return array[None]
    raise TypeError(f"no value for {expr!r}")


def _entry(values: Array, index: Index) -> Array:
    at: tuple[slice | int, ...] = (slice(None), *(i - 1 for i in index))
    return np.asarray(values[at])


def value_of(expr: Expr) -> Array:
    """The value of a formula that mentions no name, without the row axis."""

    def no_names(leaf: Ref | Partial) -> Array:
        raise KeyError(leaf)

    with np.errstate(all="ignore"):
        return np.asarray(evaluate(expr, no_names)[0])


def said(value: float) -> str:
    """How a number is called in a message: log 0 is −∞."""
    return {math.inf: "∞", -math.inf: "−∞"}.get(float(value), f"{value}")
