"""One row of one step: looks up the number behind every name and every ∂, and makes lines of working from formulas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..document.parts import Step, Value, as_expr
from ..engine.reference import Gradients, Tape
from ..network.derive import entry
from ..network.graph import Network
from ..network.shapes import Shape, shape_of
from ..notation.expr import Arr, Call, Expr, Num, Partial, Ref, is_number, leaves, nary, rewrite
from ..ops.evaluate import value_of

Names = Mapping[str, str] | Mapping[Ref, Ref]


@dataclass(frozen=True)
class Scene:
    """A row of a tape, with the gradients that belong to it.

    Attributes:
        row: its position within the tape, from 0.
        rename: other names for entries, where a naming scheme is chosen.
    """

    tape: Tape
    gradients: Gradients | None
    row: int
    rename: Mapping[Ref, Ref]

    def value(self, leaf: Ref | Partial) -> np.ndarray:
        """The number (or array) behind a leaf in this row."""
        if isinstance(leaf, Partial):
            assert self.gradients is not None
            found = self.gradients.rows(leaf.by.name)[self.row]
            return np.asarray(found[leaf.by.place])
        if leaf.name not in self.tape.values:
            return np.asarray(float(self.tape.count))  # N
        return np.asarray(self.tape.value(leaf, self.row))

    def fill(self, expr: Expr) -> Expr:
        """The formula with every name replaced by its number."""

        def one(part: Expr) -> Expr | None:
            return as_expr(self.value(part), part) if isinstance(part, Ref | Partial) else None

        return rewrite(expr, one)

    def named(self, expr: Expr) -> Expr:
        """The formula in the chosen naming scheme."""
        return renamed(expr, self.rename) if self.rename else expr

    def step(self, left: Expr, letters: Expr, value: Value | None = None, remark: str = "") -> Step:
        """A line of working: left = letters = numbers = result. The result is the engine's, if given."""
        filled = self.fill(letters)
        forms = [filled]
        slopes = _slopes_worked(filled)
        if slopes is not filled:
            forms.append(slopes)
        if _only_numbers(filled):
            forms = []
        if value is None:
            value = value_of(filled)
        return Step(self.named(left), self.named(letters), tuple(forms), value, remark)

    def quantity(self, leaf: Ref | Partial, letters: Expr, remark: str = "") -> Step:
        """The line of working for a node or a ∂; its result is looked up on the tape."""
        value = self.value(leaf)
        return self.step(leaf, _as_large(letters, value.shape, self.tape.network), value, remark)


def _as_large(letters: Expr, shape: Shape, network: Network) -> Expr:
    """A formula as large as its result: a number goes with every entry of a vector, a vector of one is a number."""
    given = shape_of(letters, network.shape_of)
    if shape and not given:
        ones = Arr(np.ones(shape))
        return ones if is_number(letters, 1.0) else nary("mul", [letters, ones])
    return entry(letters, (1,) * len(given), network.shape_of) if given and not shape else letters


def _only_numbers(expr: Expr) -> bool:
    """A number, a vector or a matrix with nothing left to work out."""
    return isinstance(expr, Num | Arr) or (
        type(expr) is Call and expr.op == "stack" and all(map(_only_numbers, expr.args))
    )


def at_row(expr: Partial | Ref, row: int) -> Expr:
    """A quantity of one row, as answers are written: C@2, ∂C/∂w5@2."""
    if isinstance(expr, Partial):
        return Partial(expr.of, Ref(f"{expr.by.name}@{row}", expr.by.index))
    return Ref(f"{expr.name}@{row}", expr.index)


def over_rows(expr: Partial | Ref, rows: tuple[int, ...], most: int = 4) -> Expr:
    """The sum of a quantity over rows, in letters: written out for a few, Σ for many."""
    if len(rows) > most:
        return Call("rowsum", (expr,))
    parts = tuple(at_row(expr, row) for row in rows)
    return Call("add", parts) if len(parts) > 1 else parts[0]


def renamed(expr: Expr, names: Mapping[Ref, Ref]) -> Expr:
    """A formula in another naming scheme, looked-up partials included."""

    def plain(ref: Ref) -> Ref:
        name, at, row = ref.name.partition("@")
        if at:
            inner = plain(Ref(name, ref.index))
            return Ref(f"{inner.name}@{row}", inner.index)
        key = Ref(ref.name, ref.index)
        if key in names:
            return names[key]
        whole = names.get(Ref(ref.name)) if ref.index else None
        return Ref(whole.name, ref.index) if whole is not None else ref

    def one(part: Expr) -> Expr | None:
        if type(part) is Ref:
            return plain(part)
        if type(part) is Partial:
            return Partial(plain(part.of), plain(part.by))
        return None

    return rewrite(expr, one)


def _slopes_worked(expr: Expr) -> Expr:
    """σ'(0.5) replaced by its number; the very same object if there is none."""

    def one(part: Expr) -> Expr | None:
        if type(part) is Call and part.prime:
            return as_expr(value_of(part))
        return None

    if isinstance(expr, Call) and expr.prime:
        return expr
    return rewrite(expr, one)


def depends_on(expr: Expr) -> list[Ref]:
    """The names in a formula, in order, each once."""
    return list(dict.fromkeys(replace(leaf, span=None) for leaf in leaves(expr) if type(leaf) is Ref))
