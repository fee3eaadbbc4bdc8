"""Which sizes go together. Per example: () a number, (n,) a vector, (m, n) a matrix."""

from __future__ import annotations

from collections.abc import Callable

from ..notation.expr import Arr, Call, Expr, Num, Partial, Ref
from ..ops.vocabulary import VOCABULARY

Shape = tuple[int, ...]


class ShapeConflict(Exception):
    """Two sizes that do not go together, at a part of a formula; the builder turns it into a ShapeProblem."""

    def __init__(self, expr: Expr, said: str, expected: str, got: str) -> None:
        super().__init__(said)
        self.expr, self.said, self.expected, self.got = expr, said, expected, got


def describe(shape: Shape) -> str:
    """A shape in words."""
    if not shape:
        return "a number"
    return f"a vector of {shape[0]}" if len(shape) == 1 else f"a {' × '.join(map(str, shape))} matrix"


def shape_of(expr: Expr, names: Callable[[str], Shape]) -> Shape:
    """The shape of a formula.

    Raises:
        ShapeConflict: where sizes do not go together.
        KeyError: from `names`, for a name whose shape is not known.
    """
    match expr:
        case Num():
            return ()
        case Arr(value=value):
            return value.shape
        case Ref(name=name, index=index) | Partial(by=Ref(name=name, index=index)):
            return _indexed(expr, names(name), index)
        case Call(op="entry", args=(inner,), index=index):
            return shape_of(inner, names)[len(index) :]
        case Call(op=op, args=args):
            entry = VOCABULARY.get(op)
            shapes = [shape_of(arg, names) for arg in args]
            if entry is None or not entry.structural:
                return _entrywise(expr, shapes)
            return _structural(expr, shapes)
    raise TypeError(f"no shape for {expr!r}")


def _indexed(expr: Expr, shape: Shape, index: tuple[int, ...]) -> Shape:
    if not index:
        return shape
    if len(index) > len(shape) or any(i > n for i, n in zip(index, shape, strict=False)):
        raise ShapeConflict(
            expr, "there is no such entry", f"an entry of {describe(shape)}", f"[{','.join(map(str, index))}]"
        )
    return shape[len(index) :]


def _entrywise(expr: Call, shapes: list[Shape]) -> Shape:
    wide = [s for s in shapes if s]
    for shape, arg in zip(shapes, expr.args, strict=True):
        if shape and shape != wide[0]:
            wanted = f"{describe(wide[0])}, like what stands before it, or a number"
            raise ShapeConflict(arg, "these sizes do not go together", wanted, describe(shape))
    return wide[0] if wide else ()


def _structural(expr: Call, shapes: list[Shape]) -> Shape:
    first = shapes[0]
    match expr.op:
        case "matmul":
            return _matmul(expr, *shapes)
        case "outer":
            return (*first, *(shapes[1] or (1,)))
        case "transpose":
            return first[::-1]
        case "stack":
            for shape, arg in zip(shapes, expr.args, strict=True):
                if shape != first:
                    raise ShapeConflict(arg, "the parts of a list differ in size", describe(first), describe(shape))
            if len(first) > 1:
                raise ShapeConflict(expr, "lists are nested too deeply", "a vector or a matrix", "three dimensions")
            return (len(shapes), *first)
        case "total":
            return ()
        case "softmax" | "logsumexp":
            if len(first) != 1:
                raise ShapeConflict(expr, f"{expr.op} works on a vector", "a vector", describe(first))
            return first if expr.op == "softmax" else ()
    raise TypeError(f"no shape for {expr!r}")


def _matmul(expr: Call, left: Shape, right: Shape) -> Shape:
    right = right or (1,)
    if not left:
        raise ShapeConflict(expr.args[0], "left of `@` stands a matrix or a vector", "a matrix or a vector", "a number")
    if left[-1] != right[0]:
        wanted = f"on the right {'rows' if len(right) > 1 else 'a vector'} of length {left[-1]}"
        said = f"{describe(left)} @ {describe(right)} does not fit"
        raise ShapeConflict(expr, said, wanted, f"length {right[0]}")
    return (*left[:-1], *right[1:])
