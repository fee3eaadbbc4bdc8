"""Starting values for parameters that have none."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import NameProblem, Place, did_you_mean
from ..notation.expr import Call, Expr, Ref, leaves
from ..sheet.model import SCHEMES, Start
from .graph import Network, Shape

SEED = 0  # where the sheet gives none
_MULTIPLIES = ("mul", "div", "matmul", "pow")
_PASSES_ON = ("neg", "add", "stack")  # a factor reaches what stands inside


def check_scheme(start: Start, place: Place | None) -> None:
    """Refuses an unknown scheme."""
    if start.scheme not in (*SCHEMES, "fixed"):
        raise NameProblem(
            f"`start` does not know `{start.scheme}`",
            place=place,
            expected=", ".join(SCHEMES) + ", or weights and biases",
            got=start.scheme,
            hint=did_you_mean(start.scheme, (*SCHEMES, "weights", "biases"))
            or "start he seed 7   or   start weights 0.5, biases 0",
        )


def fill(
    start: Start, wanted: Sequence[tuple[str, Shape]], formulas: Sequence[Expr], parameters: set[str]
) -> dict[str, np.ndarray]:
    """Values for the wanted parameters, in the order given (that of their appearance in the sheet).

    he: normal, sd √(2/fan_in) (He et al. 2015). xavier: uniform ±√(6/(fan_in + fan_out)) (Glorot & Bengio
    2010). uniform: ±0.5. normal: sd 0.1. Biases, which are only ever added and never multiplied, are 0.
    """
    weights = _weights(formulas) & parameters
    fans = _Fans(formulas, weights) if start.scheme in ("he", "xavier") else None
    generator = np.random.default_rng(SEED if start.seed is None else start.seed)
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
            fan_in, fan_out = fans.of(name, shape) if fans else (1, 1)
            filled[name] = np.asarray(_draw(start.scheme, generator, shape, fan_in, fan_out))
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


def weights_of(network: Network) -> set[str]:
    """The parameters that are weights: those that multiply something. The others are biases."""
    formulas = [node.formula for node in network.equations if node.formula is not None]
    return {p.name for p in network.parameters} & _weights(formulas)


def _weights(formulas: Iterable[Expr]) -> set[str]:
    """The names that stand in a product, a quotient or a power. A function closes what is inside it off: in
    v·σ(w·x + b) the b is only added."""
    found: set[str] = set()

    def walk(expr: Expr, multiplied: bool) -> None:
        if type(expr) is Ref and multiplied:
            found.add(expr.name)
        elif type(expr) is Call:
            inside = expr.op in _MULTIPLIES or (multiplied and expr.op in _PASSES_ON)
            for arg in expr.args:
                walk(arg, inside)

    for formula in formulas:
        walk(formula, False)
    return found


@dataclass
class _Unit:
    """One sum of weighted values: how many there are, and which values go in."""

    weighted: int = 0
    sources: set[Ref] = field(default_factory=set)


class _Fans:
    """For each weight how many weighted values its unit adds up, and how many units its source feeds.

    A neuron that is written out has the fans of the same neuron in a matrix.
    """

    def __init__(self, formulas: Sequence[Expr], weights: set[str]) -> None:
        self.weights = weights
        self.unit: dict[str, _Unit] = {}
        self.sources: dict[str, set[Ref]] = {}
        self.feeds: dict[Ref, int] = {}
        self.turned: set[str] = set()  # matrices that stand right of `@`: a row for each value that comes in
        self.in_products: set[str] = set()
        for formula in formulas:
            self._sum(formula)

    def of(self, name: str, shape: Shape) -> tuple[int, int]:
        if len(shape) == 2:
            return (shape[0], shape[1]) if name in self.turned else (shape[1], shape[0])
        if shape and name in self.in_products:
            return shape[0], 1
        unit = self.unit.get(name)
        fan_out = max((self.feeds[s] for s in self.sources.get(name, ())), default=1)
        return max(1, unit.weighted if unit else 1), max(1, fan_out)

    def _sum(self, expr: Expr) -> None:
        """One sum, or one term where a sum could be."""
        unit = _Unit()
        terms = expr.args if type(expr) is Call and expr.op == "add" else (expr,)
        for term in terms:
            factors = list(_factors(term))
            mine = [f.name for f in factors if type(f) is Ref and f.name in self.weights]
            unit.weighted += bool(mine)
            for name in mine:
                refs = (leaf for f in factors for leaf in leaves(f) if type(leaf) is Ref)
                others = {ref for ref in refs if ref.name != name}
                self.unit.setdefault(name, unit)
                self.sources.setdefault(name, set()).update(others)
                unit.sources |= others
            for factor in factors:
                if type(factor) is Call:
                    self._inside(factor)
        for source in unit.sources:
            self.feeds[source] = self.feeds.get(source, 0) + 1

    def _inside(self, expr: Call) -> None:
        if expr.op == "matmul":
            left, right = expr.args
            if type(left) is Ref:
                self.in_products.add(left.name)
            if type(right) is Ref:
                self.in_products.add(right.name)
                self.turned.add(right.name)
        if expr.op == "add":
            self._sum(expr)
            return
        for arg in expr.args:
            self._sum(arg)


def _factors(term: Expr) -> Iterable[Expr]:
    """The factors of a product, whatever its signs and divisions."""
    if type(term) is Call and term.op in ("mul", "div", "neg"):
        for arg in term.args:
            yield from _factors(arg)
    else:
        yield term
