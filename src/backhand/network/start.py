"""Starting values for parameters that have none."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..errors import Place, SheetError
from ..notation.expr import Call, Expr, Ref, names
from ..sheet.model import Start
from .graph import Network, Shape

SCHEMES = ("he", "xavier", "uniform", "normal", "zeros")


def check_scheme(start: Start, place: Place | None) -> None:
    """Refuses an unknown scheme."""
    if start.scheme not in (*SCHEMES, "fixed"):
        raise SheetError(
            f"`start` does not know `{start.scheme}`",
            place=place,
            expected=", ".join(SCHEMES) + ", or weights and biases",
            hint="start he seed 7   or   start weights 0.5, biases 0",
        )


def fill(
    start: Start, wanted: Sequence[tuple[str, Shape]], formulas: Sequence[Expr], parameters: set[str]
) -> dict[str, np.ndarray]:
    """Values for the wanted parameters, in the order given (that of their appearance in the sheet).

    he: normal, sd √(2/fan_in) (He et al. 2015). xavier: uniform ±√(6/(fan_in + fan_out)) (Glorot & Bengio 2010).
    uniform: ±0.5. normal: sd 0.1. Biases, which are only ever added and never multiplied, are 0.
    """
    weights = {name for formula in formulas for name in _multiplied(formula)} & parameters
    generator = np.random.default_rng(start.seed)
    filled: dict[str, np.ndarray] = {}
    for name, shape in wanted:
        bias = name not in weights
        if start.scheme == "fixed":
            given = start.biases if bias else start.weights
            if given is not None:
                filled[name] = np.full(shape, given)
        elif bias or start.scheme == "zeros":
            filled[name] = np.zeros(shape)
        else:
            filled[name] = np.asarray(_draw(start.scheme, generator, shape, *_fans(name, shape, formulas, weights)))
    return filled


def _draw(scheme: str, generator: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> np.ndarray | float:
    size = shape or None
    match scheme:
        case "he":
            return generator.normal(0.0, math.sqrt(2 / fan_in), size)
        case "xavier":
            limit = math.sqrt(6 / (fan_in + fan_out))
            return generator.uniform(-limit, limit, size)
        case "uniform":
            return generator.uniform(-0.5, 0.5, size)
    return generator.normal(0.0, 0.1, size)


def _multiplied(formula: Expr) -> set[str]:
    """The names that stand in a product, a quotient, a power or a function, not merely in a sum."""
    found: set[str] = set()

    def walk(expr: Expr, multiplied: bool) -> None:
        if type(expr) is Ref and multiplied:
            found.add(expr.name)
        elif type(expr) is Call:
            for arg in expr.args:
                walk(arg, multiplied or expr.op in ("mul", "div", "matmul", "pow"))

    walk(formula, False)
    return found


def _fans(name: str, shape: Shape, formulas: Sequence[Expr], weights: set[str]) -> tuple[int, int]:
    """How many weighted values a weight's unit adds up, and how many units its source feeds."""
    if len(shape) == 2:
        return shape[1], shape[0]
    formula = next(f for f in formulas if name in names(f))
    if shape:
        return shape[0], 1
    sources = set(_partners(name, formula))
    fed = sum(1 for f in formulas if any(sources & set(_partners(w, f)) for w in weights & set(names(f))))
    return max(1, len(weights & set(names(formula)))), max(1, fed)


def _partners(name: str, formula: Expr) -> list[str]:
    """What a weight is multiplied with."""
    found: list[str] = []

    def walk(expr: Expr) -> None:
        if type(expr) is Call:
            if expr.op in ("mul", "matmul") and any(type(a) is Ref and a.name == name for a in expr.args):
                found.extend(n for a in expr.args for n in names(a) if n != name)
            for arg in expr.args:
                walk(arg)

    walk(formula)
    return found


def weights_of(network: Network) -> set[str]:
    """The parameters that are weights: those that multiply something. The others are biases."""
    multiplied = {name for node in network.equations if node.formula for name in _multiplied(node.formula)}
    return {p.name for p in network.parameters} & multiplied
