"""Finds the shape of every node and of parameters without a value, in the order of the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import ShapeProblem
from ..notation.expr import Call, Expr, Ref, names
from ..sheet.model import SheetText
from .desugar import Equation
from .graph import Role
from .shapes import Shape, ShapeConflict, shape_of


class _Unknown(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def infer_shapes(
    sheet: SheetText,
    order: Sequence[str],
    equations: Mapping[str, Equation],
    shapes: dict[str, Shape],
    roles: Mapping[str, Role],
    in_letters: bool,
) -> None:
    """Fills `shapes`. A parameter without a value takes the size that its equation leaves open:
    added to a vector it is a vector, left of `@` a matrix, otherwise a number.

    Raises:
        ShapeProblem: sizes that do not go together, or a matrix whose number of units nothing says.
    """

    def known(name: str) -> Shape:
        if name not in shapes:
            raise _Unknown(name)
        return shapes[name]

    for name in order:
        equation = equations[name]
        for _ in range(len(names(equation.formula)) + 1):
            try:
                shapes[name] = shape_of(equation.formula, known)
                break
            except _Unknown as missing:
                guess = _guess(equation.formula, missing.name, shapes)
                if guess is None:
                    raise ShapeProblem(
                        f"nothing says how large `{missing.name}` is",
                        place=sheet.place(_span_of(equation.formula, missing.name) or equation.span),
                        expected="a value, or a `layers` line with the number of units",
                        hint=f"`{missing.name} = [[0.1, 0.2], [0.3, 0.4]]`   or   `layers x -> 2 sigmoid`",
                    ) from None
                shapes[missing.name] = guess
            except ShapeConflict as conflict:
                raise ShapeProblem(
                    f"`{name}`: {conflict.said}",
                    place=sheet.place(conflict.expr.span or equation.span),
                    expected=conflict.expected,
                    got=conflict.got,
                    hint="the rows of a matrix are units, its columns what comes in" if _is_product(conflict.expr) else None,
                ) from None
    for name in roles:
        shapes.setdefault(name, ())


def _is_product(expr: Expr) -> bool:
    return type(expr) is Call and expr.op == "matmul"


def _span_of(formula: Expr, name: str) -> tuple[int, int] | None:
    from ..notation.expr import leaves

    return next((leaf.span for leaf in leaves(formula) if type(leaf) is Ref and leaf.name == name), None)


def _guess(formula: Expr, name: str, shapes: Mapping[str, Shape]) -> Shape | None:
    """The shape an unknown parameter must have, from its surroundings; None where nothing tells."""

    def known(n: str) -> Shape:
        if n not in shapes:
            raise _Unknown(n)
        return shapes[n]

    def attempt(expr: Expr) -> Shape | None:
        try:
            return shape_of(expr, known)
        except (_Unknown, ShapeConflict):
            return None

    def walk(expr: Expr, wanted: Shape | None) -> tuple[bool, Shape | None]:
        """Whether the name was met, and the shape found for it; `wanted` is the shape that expr must have."""
        if type(expr) is Ref:
            return (expr.name == name), (wanted if not expr.index else None)
        if type(expr) is not Call or name not in names(expr):
            return False, None
        if expr.op == "matmul":
            left, right = expr.args
            if type(left) is Ref and left.name == name:
                inner = attempt(right)
                if inner is None or wanted is None:
                    return True, None
                width = inner[0] if inner else 1
                return True, (*wanted[:1], width) if wanted else (width,)
            if type(right) is Ref and right.name == name and (shape := attempt(left)):
                return True, (shape[-1],)
            met, found = walk(left, None)
            return (met, found) if met else walk(right, None)
        if expr.op == "stack":
            inner_shape = next((s for a in expr.args if (s := attempt(a)) is not None), ())
            for arg in expr.args:
                met, found = walk(arg, inner_shape)
                if met:
                    return met, found
        siblings = [s for a in expr.args if (s := attempt(a)) is not None]
        wide = next((s for s in siblings if s), wanted if wanted else ((() if siblings or wanted == () else None)))
        for arg in expr.args:
            met, found = walk(arg, wide if expr.op in ("add", "neg") else wide or ())
            if met:
                return met, found
        return False, None

    met, found = walk(formula, None)
    if met and found is None and not _left_of_product(formula, name):
        return ()
    return found


def _left_of_product(formula: Expr, name: str) -> bool:
    from ..notation.expr import calls

    return any(c.op == "matmul" and name in names(c) for c in calls(formula))
