"""The library of slips: what people get wrong in one step, each as an edit of the step's formula.

A formula over keys is edited as a tree: a term or a factor left out, a sign, another number in place of one, a
derivative that was not taken. Which slips fit which kind of step stands in `library.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..notation.expr import Call, Expr, Ref, rewrite
from ..ops.vocabulary import VOCABULARY


@dataclass(frozen=True)
class Slip:
    """A kind of slip.

    Attributes:
        prior: how common it is; the larger the commoner.
        everywhere: one who makes it in one layer may make it in all.
    """

    name: str
    prior: float
    everywhere: bool = False


SLIPS = {
    slip.name: slip
    for slip in (
        Slip("activation derivative left out", 10, True),
        Slip("derivative at a instead of z", 7, True),
        Slip("activation in place of its derivative", 6, True),
        Slip("another activation derivative", 6, True),
        Slip("mask of relu turned round", 4, True),
        Slip("activation left out", 8, True),
        Slip("another activation", 5, True),
        Slip("sign of the exponent", 5, True),
        Slip("cost without the square", 7),
        Slip("factor 2 left out", 8),
        Slip("factor 2 too many", 6),
        Slip("sum for mean", 7),
        Slip("mean for sum", 7),
        Slip("divided by N twice", 4),
        Slip("sign", 8),
        Slip("sign of the error", 8),
        Slip("sign of the update", 9),
        Slip("sign of a term", 7),
        Slip("bias sign", 6),
        Slip("bias forgotten", 8),
        Slip("term left out", 6),
        Slip("path left out", 8),
        Slip("path that does not exist", 4),
        Slip("output left out", 6),
        Slip("factor left out", 6),
        Slip("weight left out", 7),
        Slip("input left out", 6),
        Slip("wrong weight", 7),
        Slip("W for its transpose", 7, True),
        Slip("wrong input", 6),
        Slip("z for a", 6),
        Slip("a of another unit", 5),
        Slip("weight in place of the input", 5),
        Slip("another row's number", 6),
        Slip("another column's number", 5),
        Slip("target misread", 5),
        Slip("updated weights used", 7, True),
        Slip("number of the epoch before", 6, True),
        Slip("added for multiplied", 3),
        Slip("divided for multiplied", 4),
        Slip("learning rate left out", 7),
        Slip("learning rate doubled", 3),
        Slip("not updated", 8),
        Slip("bias not updated", 8),
        Slip("gradient as the new weight", 6),
        Slip("step as the new weight", 5),
        Slip("new weight as the gradient", 5),
        Slip("another weight's gradient", 4),
        Slip("gradient of one row", 5),
        Slip("row left out", 5),
        Slip("softmax by the diagonal alone", 8, True),
        Slip("softmax applied twice", 4),
        Slip("cost not differentiated", 4),
        Slip("finite difference", 7),
        Slip("rounded on the way", 3),
        Slip("doubled", 2),
        Slip("halved", 2),
        Slip("squared", 2),
        Slip("square root", 1),
        Slip("upside down", 1),
        Slip("float32", 6),
        Slip("digits cut", 8),
        Slip("two digits swapped", 6),
        Slip("decimal point moved", 6),
        Slip("digit miscopied", 1),
    )
}


@dataclass(frozen=True)
class Variant:
    """A slip at one quantity: its formula as it would have been worked."""

    slip: str
    text: str
    flat: Expr
    general: bool = False  # fits any number: it is looked for in what was written down alone


def each_call(flat: Expr, op: str) -> Iterator[Call]:
    stack = [flat]
    while stack:
        part = stack.pop()
        if type(part) is Call:
            if part.op == op and not part.prime:
                yield part
            stack.extend(part.args)


def put(flat: Expr, old: Expr, new: Expr) -> Expr:
    """The formula with one of its parts replaced, that very one."""
    return rewrite(flat, lambda part: new if part is old else None)


def without(part: Call, at: int) -> Expr:
    kept = (*part.args[:at], *part.args[at + 1 :])
    return kept[0] if len(kept) == 1 else Call(part.op, kept)


def swapped(part: Call, at: int, new: Expr) -> Expr:
    return Call(part.op, (*part.args[:at], new, *part.args[at + 1 :]), part.prime, part.index)


def kind(formula: Expr | None) -> str:
    return formula.op if type(formula) is Call else ""


def primes(flat: Expr) -> Iterator[Call]:
    stack = [flat]
    while stack:
        part = stack.pop()
        if type(part) is Call:
            if part.prime and VOCABULARY.get(part.op) and VOCABULARY[part.op].activation:
                yield part
            stack.extend(part.args)


def put_key(flat: Expr, key: str, other: str) -> Expr:
    return put_expr(flat, key, Ref(other))


def put_expr(flat: Expr, key: str, other: Expr) -> Expr:
    return rewrite(flat, lambda part: other if type(part) is Ref and part.name == key else None)
