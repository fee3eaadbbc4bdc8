"""The operations of arithmetic and of vectors and matrices. All run from left to right, as written."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..notation.expr import ONE, Call, Expr, Num, add, call, div, mul, neg, power
from .entry import A, Array, Op, X, prime

Scalar = Callable[[float], float]


def each(function: Scalar, at_overflow: float = math.inf) -> Callable[[Array], Array]:
    """A function of one number, applied entry by entry.

    Python's own `math` does the work, so that a printed line, typed into any Python, gives the same double.
    """

    def safe(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return at_overflow
        except (ValueError, ZeroDivisionError):
            return math.nan

    def apply(x: Array) -> Array:
        return np.array([safe(v) for v in x.ravel().tolist()], dtype=np.float64).reshape(x.shape)

    return apply


def align(*arrays: Array) -> list[Array]:
    """Arrays with rows in front, given as many axes: a scalar of a row goes with every entry of it."""
    rank = max(a.ndim for a in arrays)
    return [a if a.ndim == rank else a.reshape(a.shape + (1,) * (rank - a.ndim)) for a in arrays]


def _sum(*terms: Array) -> Array:
    first, *rest = align(*terms)
    for term in rest:
        first = first + term
    return first


def _product(*factors: Array) -> Array:
    first, *rest = align(*factors)
    for factor in rest:
        first = first * factor
    return first


def _quotient(top: Array, bottom: Array) -> Array:
    top, bottom = align(top, bottom)
    return np.asarray(top / bottom)


def _pow(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.inf if base == 0 else math.nan


def _power(base: Array, exponent: Array) -> Array:
    base, exponent = np.broadcast_arrays(*align(base, exponent))
    pairs = zip(base.ravel().tolist(), exponent.ravel().tolist(), strict=True)
    return np.array([_pow(b, e) for b, e in pairs], dtype=np.float64).reshape(base.shape)


def in_order(values: Array, axis: int) -> Array:
    """The sum along an axis, added up in order (NumPy's own sums go in pairs)."""
    if values.shape[axis] == 1:
        return np.asarray(np.take(values, 0, axis))
    return np.asarray(np.take(np.add.accumulate(values, axis=axis), -1, axis))


def matmul(left: Array, right: Array) -> Array:
    """left @ right for each row, its products added up in order, as a person adds them.

    Shapes: (m, k) @ (k) -> (m); (m, k) @ (k, n) -> (m, n); (k) @ (k) -> (); (k) @ (k, n) -> (n).
    A scalar on the right counts as a vector of one.
    """
    if right.ndim == 1:
        right = right[:, None]
    a = left[:, None, :] if left.ndim == 2 else left  # rows, m, k
    b = right[:, :, None] if right.ndim == 2 else right  # rows, k, n
    total = a[:, :, 0, None] * b[:, 0, None, :]
    for k in range(1, a.shape[2]):
        total = total + a[:, :, k, None] * b[:, k, None, :]
    if right.ndim == 2:
        total = total[:, :, 0]
    if left.ndim == 2:
        total = total[:, 0]
    return np.asarray(total)


def _stack(*parts: Array) -> Array:
    rows = max(p.shape[0] for p in parts)
    return np.stack([np.broadcast_to(p, (rows, *p.shape[1:])) for p in parts], axis=1)


def _outer(left: Array, right: Array) -> Array:
    right = right[:, None] if right.ndim == 1 else right
    left = left[:, None] if left.ndim == 1 else left
    return np.asarray(left[:, :, None] * right[:, None, :])


def _total(values: Array) -> Array:
    return values if values.ndim == 1 else in_order(values.reshape(values.shape[0], -1), 1)


def _transposed(values: Array) -> Array:
    return np.swapaxes(values, 1, 2) if values.ndim == 3 else values


def _cases(*args: Array) -> Array:
    *pairs, otherwise = np.broadcast_arrays(*align(*args))
    out = otherwise
    for value, test in reversed(list(zip(pairs[::2], pairs[1::2], strict=True))):
        out = np.where(test != 0, value, out)
    return out


def _choose(larger: bool) -> Callable[..., Array]:
    def choose(*args: Array) -> Array:
        out, *rest = np.broadcast_arrays(*align(*args))
        for other in rest:
            out = np.where(other > out if larger else other < out, other, out)
        return out

    return choose


def _chosen(larger: bool, k: int) -> Callable[..., Array]:
    """1 where argument k is the one that max or min takes; a tie goes to the first."""

    def slope(*args: Array) -> Array:
        spread = np.stack(np.broadcast_arrays(*align(*args)))
        winner = np.argmax(spread, axis=0) if larger else np.argmin(spread, axis=0)
        return np.asarray(winner == k, dtype=np.float64)

    return slope


def _mul_partial(args: tuple[Expr, ...], k: int) -> Expr:
    return mul(*args[:k], *args[k + 1 :])


def _div_partial(args: tuple[Expr, ...], k: int) -> Expr:
    top, bottom = args
    return div(ONE, bottom) if k == 0 else neg(div(top, power(bottom, 2)))


def _pow_partial(args: tuple[Expr, ...], k: int) -> Expr:
    base, exponent = args
    if k == 1:
        return mul(power(base, exponent), call("log", base))
    lower = Num(exponent.value - 1) if type(exponent) is Num else add(exponent, Num(-1.0))
    return mul(exponent, power(base, lower))


MOST_CHOICES = 8
ANY = (1, 10**9)


def _compare(name: str, test: Callable[[Array, Array], Array]) -> Op:
    def value(left: Array, right: Array) -> Array:
        return test(*align(left, right)).astype(np.float64)

    said = f"a comparison, {name}"
    return Op(name, value, lambda args, k: Num(0.0), arguments=(2, 2), written=False, summary=said)


def _pick(name: str, larger: bool) -> Op:
    first, second = ("ge", "gt") if larger else ("le", "lt")
    takes_x, takes_a = call(first, X, A), call(second, A, X)
    return Op(
        name, _choose(larger), prime(name), tuple(_chosen(larger, k) for k in range(MOST_CHOICES)),
        Call("cases", (X, takes_x, A)), tuple(Call("cases", (ONE, t, Num(0.0))) for t in (takes_x, takes_a)),
        (2, MOST_CHOICES), latex=f"\\{name}", letters=("x", "a"),
        summary=f"the {'largest' if larger else 'smallest'} argument, entry by entry; of equals the first",
        source="convention: the derivative is 1 for the argument taken, 0 for the others",
    )  # fmt: skip


ARITHMETIC = (
    Op("add", _sum, lambda args, k: ONE, arguments=ANY, written=False, summary="sum, from left to right"),
    Op("neg", np.negative, lambda args, k: Num(-1.0), written=False, summary="sign change"),
    Op("mul", _product, _mul_partial, arguments=ANY, written=False, summary="product, from left to right"),
    Op("hadamard", _product, _mul_partial, arguments=ANY, written=False, summary="product entry by entry"),
    Op("div", _quotient, _div_partial, arguments=(2, 2), written=False, summary="quotient"),
    Op("pow", _power, _pow_partial, arguments=(2, 2), written=False, summary="power"),
    _compare("gt", np.greater),
    _compare("ge", np.greater_equal),
    _compare("lt", np.less),
    _compare("le", np.less_equal),
    _pick("max", True),
    _pick("min", False),
    Op("cases", _cases, None, arguments=(3, 99), written=False, summary="a value for each case"),
    Op("matmul", matmul, None, arguments=(2, 2), structural=True, written=False, summary="matrix product"),
    Op("outer", _outer, None, arguments=(2, 2), structural=True, written=False, summary="u times v^T"),
    Op("transpose", _transposed, None, structural=True, written=False, summary="rows and columns swapped"),
    Op("stack", _stack, None, arguments=ANY, structural=True, written=False, summary="a vector of its parts"),
    Op("total", _total, None, structural=True, written=False, latex="\\operatorname{total}",
       summary="the sum over all entries"),
    Op("entry", lambda x: x, None, structural=True, written=False, summary="one entry"),
)  # fmt: skip
