"""Finds the shape of every node and of parameters without a value, in the order of the work."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from ..errors import ShapeProblem
from ..notation.expr import Call, Expr, Ref, Span, calls, leaves, names
from ..sheet.model import SheetText
from .desugar import Equation
from .graph import Role
from .shapes import Shape, ShapeConflict, describe, shape_of
from .symbols import Symbols

LARGEST = 20_000_000  # numbers in one vector or matrix
_LIKE_NEIGHBOURS = ("add", "neg", "mul", "div")


def infer_shapes(order: Sequence[str], equations: Mapping[str, Equation], symbols: Symbols) -> None:
    """Fills `symbols.shapes`.

    A parameter without a value takes the size that its equation leaves open: added to a vector or multiplied
    with one, it is a vector; left of `@` to give a vector, a matrix; otherwise a number.

    Raises:
        ShapeProblem: sizes that do not go together, or a matrix whose number of units nothing says.
    """
    sheet, shapes, roles = symbols.sheet, symbols.shapes, symbols.roles
    single = {n for n, role in roles.items() if role is Role.TARGET and not shapes[n]}
    for name in order:
        equation = equations[name]
        formula, shown = equation.formula, equation.owner or name
        unknown = None
        if any(n not in shapes for n in equation.uses):
            _Gaps(shapes).fill(formula)
            unknown = next((ref for ref in equation.refs if ref.name not in shapes), None)
        if unknown is not None:
            raise ShapeProblem(
                f"nothing says how large `{unknown.name}` is",
                place=sheet.place(unknown.span or equation.span),
                expected="a value, or a `layers` line with the number of units",
                got=f"`{unknown.name}` without either",
                hint=f"`{unknown.name} = [[0.1, 0.2], [0.3, 0.4]]`   or   `layers x -> 2 sigmoid`",
            )
        try:
            shapes[name] = shape_of(formula, shapes.__getitem__)
            if not single.isdisjoint(equation.uses):
                refuse_scalar_target(formula, shapes.__getitem__, roles.get)
            large = None
            if any(len(shapes[n]) == 2 for n in equation.uses):
                products = (c for c in calls(formula) if c.op == "matmul")
                large = next((c for c in products if _size(c, shapes) > LARGEST), None)
        except ShapeConflict as conflict:
            raise conflict_at(conflict, f"`{shown}`", sheet, equation.span) from None
        if large is not None:
            refuse_large(shown, shape_of(large, shapes.__getitem__), sheet, large.span or equation.span)
    for name in roles:
        refuse_large(name, shapes.setdefault(name, ()), sheet, symbols.spans.get(name))


_HINTS = {
    "sizes do not go together": "give both sides one size, or take an entry such as `x[1]`",
    "no such entry": "entries are counted from 1",
    "parts of a list differ": "the rows of a matrix are equally long",
    "nested too deeply": "a matrix is a list of rows: `[[1, 2], [3, 4]]`",
    "left of `@`": "numbers are multiplied with `*`",
    "works on a vector": "make a vector of numbers: `[z1, z2]`",
}


def conflict_at(conflict: ShapeConflict, where: str, sheet: SheetText, otherwise: Span) -> ShapeProblem:
    """A conflict of sizes as the error that the user sees."""
    expr = conflict.expr
    hint = next((h for said, h in _HINTS.items() if said in conflict.said), None)
    if type(expr) is Call and expr.op == "matmul":
        hint = "a matrix has a row for each unit and a column for each number that comes in"
    elif conflict.said == SCALAR_TARGET or (type(expr) is Call and conflict.got == "a number" and len(expr.args) > 1):
        hint = "declare the target as a vector (`target y[2]`), or compare one entry (`y[1]`)"
    return ShapeProblem(
        f"{where}: {conflict.said}",
        place=sheet.place(expr.span or otherwise),
        expected="no index: it is a number" if conflict.expected == "an entry of a number" else conflict.expected,
        got=conflict.got,
        hint=hint,
    )


def refuse_large(name: str, shape: Shape, sheet: SheetText, span: Span) -> None:
    """Refuses a matrix that no memory would hold."""
    if math.prod(shape) > LARGEST:
        raise ShapeProblem(
            f"`{name}` would have {math.prod(shape):,} entries",
            place=sheet.place(span),
            expected=f"at most {LARGEST:,}",
            got=describe(shape),
            hint="smaller layers, or more of them",
        )


def _size(expr: Expr, shapes: Mapping[str, Shape]) -> int:
    return math.prod(shape_of(expr, shapes.__getitem__))


SCALAR_TARGET = "a single target stands against a longer vector"


def refuse_scalar_target(expr: Expr, shapes: Callable[[str], Shape], role_of: Callable[[str], Role | None]) -> None:
    """A scalar goes with every entry of a vector, but a single target for many outputs is a mistake.

    Raises:
        ShapeConflict: where one does.
    """

    def is_single(name: str) -> bool:
        return role_of(name) is Role.TARGET and not shapes(name)

    if not any(type(leaf) is Ref and is_single(leaf.name) for leaf in leaves(expr)):
        return
    for call in calls(expr):
        if call.op not in ("add", "max", "min"):  # as in y - yd; t·x scales a vector
            continue
        sizes = [shape_of(arg, shapes) for arg in call.args]
        wide = next((s for s in sizes if math.prod(s) > 1), None)
        for arg, size in zip(call.args, sizes, strict=True):
            if wide and not size and any(is_single(n) for n in names(arg)):
                raise ShapeConflict(arg, SCALAR_TARGET, f"{describe(wide)}, like the other side", "a number")


class _Gaps:
    """Finds the sizes of names that have none yet, from what stands around them in one formula.

    `up` gives the shape of each part, None where it hangs on an unknown name; `down` hands each part the
    shape that it must have.
    """

    def __init__(self, shapes: dict[str, Shape]) -> None:
        self.shapes = shapes
        self.seen: dict[int, Shape | None] = {}
        self.left_of_product: set[str] = set()

    def fill(self, formula: Expr) -> None:
        self.up(formula)
        self.down(formula, None)
        for leaf in leaves(formula):  # no vector near: a number, if it is not a matrix
            if type(leaf) is Ref and leaf.name not in self.left_of_product and not leaf.index:
                self.shapes.setdefault(leaf.name, ())

    def up(self, expr: Expr) -> Shape | None:
        found = self._up(expr)
        self.seen[id(expr)] = found
        return found

    def _up(self, expr: Expr) -> Shape | None:
        if type(expr) is Ref:
            shape = self.shapes.get(expr.name)
            return shape[len(expr.index) :] if shape is not None else None
        if type(expr) is not Call:
            return ()
        parts = [self.up(arg) for arg in expr.args]
        if expr.op == "matmul":
            left, right = parts
            if left is None:
                self.left_of_product.update(names(expr.args[0]))
            if left is None or (right is None and len(left) != 2):
                return None
            return (*left[:-1], *(right or ())[1:])
        if expr.op == "stack":
            inner = next((p for p in parts if p is not None), None)
            return (len(parts), *inner) if inner is not None else None
        wide = next((p for p in parts if p), None)
        return wide if wide else None if None in parts else ()

    def down(self, expr: Expr, wanted: Shape | None) -> None:
        if self.seen.get(id(expr)) is not None and not self._has_gap(expr):
            return
        if type(expr) is Ref:
            if wanted is not None and not expr.index and expr.name not in self.shapes:
                self.shapes[expr.name] = wanted
            return
        if type(expr) is not Call:
            return
        known = [self.seen[id(arg)] for arg in expr.args]
        if expr.op == "matmul":
            self._factors(expr, known, wanted)
        elif expr.op == "stack":
            inner = next((p for p in known if p is not None), None)
            for arg in expr.args:
                self.down(arg, inner if inner is not None else wanted[1:] if wanted else None)
        else:
            near = () if () in known or wanted == () else None
            wide = next((p for p in known if p), wanted or near)
            for number, arg in enumerate(expr.args):
                like = expr.op in _LIKE_NEIGHBOURS or number == 0
                self.down(arg, wide if like else () if wide is not None else None)

    def _factors(self, expr: Call, known: list[Shape | None], wanted: Shape | None) -> None:
        """W @ x: a matrix with a row for each entry of the result, and a column for each of x."""
        left, right = expr.args
        if known[0] is None and known[1] is not None and wanted is not None:
            width = known[1][0] if known[1] else 1
            self.down(left, (*wanted[:1], width) if wanted else (width,))
        else:
            self.down(left, None)
        if known[1] is None and known[0]:
            self.down(right, (known[0][-1], *(wanted or ())[1:]))
        else:
            self.down(right, None)

    def _has_gap(self, expr: Expr) -> bool:
        return any(type(leaf) is Ref and leaf.name not in self.shapes for leaf in leaves(expr))
