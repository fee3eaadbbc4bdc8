"""What an entry of the vocabulary says about an operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..notation.expr import Call, Expr, Ref

Array = np.ndarray
X, A = Ref("x"), Ref("a")  # the letters that stand for the arguments in formulas


@dataclass(frozen=True)
class Op:
    """One operation.

    Attributes:
        name: its key, and how it is called in a sheet.
        value: arrays to array. Entry by entry unless `structural`; rows are the leading axis.
        partial: (arguments, k) to the derivative by argument k, in letters; entry by entry.
            None for structural operations, whose rules stand in network/derive.py.
        slope: for functions written f'(x): the numbers of that derivative, one function per argument.
        formula: the value in letters, for people: 1/(1 + exp(-x)).
        derivative: f' in letters, one per argument that has one.
        arguments: the smallest and largest number of arguments.
        latex: how the function's name is written in LaTeX.
        activation: whether it can be the activation of a neuron (its argument is then the neuron's z).
        summary, source: one line for people, and where formula and convention come from.
    """

    name: str
    value: Callable[..., Array]
    partial: Callable[[tuple[Expr, ...], int], Expr] | None = None
    slope: tuple[Callable[..., Array], ...] = ()
    formula: Expr | None = None
    derivative: tuple[Expr, ...] = ()
    arguments: tuple[int, int] = (1, 1)
    latex: str = ""
    activation: bool = False
    structural: bool = False
    written: bool = True  # may be written as a function in a sheet
    summary: str = ""
    source: str = ""
    letters: tuple[str, ...] = field(default=("x",))


def prime(name: str) -> Callable[[tuple[Expr, ...], int], Expr]:
    """The derivative as a symbol: σ'(z), worked out by the entry's `slope`."""

    def rule(args: tuple[Expr, ...], k: int) -> Expr:
        return Call(name, args, prime=k + 1)

    return rule
