"""`layers x -> 3 sigmoid -> 1 linear as y` written out: a1 = sigmoid(W1 @ x + b1) and y = W2 @ a1 + b2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import NameProblem, SheetError, nearest
from ..notation.expr import Call, Expr, Num, Ref, Span, names
from ..notation.names import canonical
from ..ops.vocabulary import ACTIVATION_NAMES, VOCABULARY
from ..sheet.model import Assign, Layers, SheetText, Statement
from .shapes import Shape


@dataclass(frozen=True)
class Equation:
    """One equation before it is a node; `shapes` are those of parameters that a `layers` line fixes."""

    name: str
    formula: Expr
    span: Span = None
    made: bool = False
    shapes: Mapping[str, Shape] = field(default_factory=dict)


def open_layers(statements: Sequence[Statement], sheet: SheetText, declared: Mapping[str, Shape]) -> list[Equation]:
    """The equations that the `layers` lines stand for; a second line goes on counting."""
    equations: list[Equation] = []
    sizes: dict[str, Shape] = dict(declared)
    written = {canonical(s.name) for s in statements if isinstance(s, Assign) and names(s.value)}
    number = 0
    for statement in statements:
        if not isinstance(statement, Layers):
            continue
        source, width = _source(statement, sheet, sizes, written)
        for position, layer in enumerate(statement.layers):
            number += 1
            last = position == len(statement.layers) - 1
            name = statement.output if last and statement.output else f"a{number}"
            weights, biases = Ref(f"W{number}"), Ref(f"b{number}")
            z: Expr = Call("add", (Call("matmul", (weights, source)), biases))
            formula = _activated(z, layer.activation, layer.settings, layer.span, sheet)
            shapes: dict[str, Shape] = {biases.name: (layer.size,)}
            if width is not None:
                shapes[weights.name] = (layer.size, width)
            equations.append(Equation(name, formula, statement.span, shapes=shapes))
            source, width = Ref(name), layer.size
            sizes[canonical(name)] = (width,)
    return equations


def _source(
    statement: Layers, sheet: SheetText, sizes: Mapping[str, Shape], written: set[str]
) -> tuple[Expr, int | None]:
    """What goes into the first layer, and its width: one name, or several numbers side by side.

    The width of a name with an equation of its own is found later, with all other sizes: None.
    """
    if len(statement.inputs) == 1 and canonical(statement.inputs[0].name) in written - set(sizes):
        return Ref(statement.inputs[0].name), None
    shapes = []
    for ref in statement.inputs:
        shape = () if canonical(ref.name) in written - set(sizes) else sizes.get(canonical(ref.name))
        if shape is None:
            near = nearest(ref.name, list(sizes))
            raise NameProblem(
                f"`layers` starts from `{ref.name}`, which is no input",
                place=sheet.place(ref.span),
                expected="an input, an equation, or the output of an earlier `layers` line",
                hint=f"did you mean `{near}`?" if near else f"`input {ref.name}`",
            )
        shapes.append(shape)
    if len(shapes) == 1:
        return Ref(statement.inputs[0].name), shapes[0][0] if shapes[0] else 1
    wide = next((r for r, s in zip(statement.inputs, shapes, strict=True) if s), None)
    if wide is not None:
        raise SheetError(
            f"`{wide.name}` is a vector; `layers` takes one vector or several numbers",
            place=sheet.place(wide.span),
            expected="`layers x -> …` or `layers R, D -> …`",
        )
    return Call("stack", tuple(Ref(r.name) for r in statement.inputs)), len(shapes)


def _activated(z: Expr, name: str, settings: tuple[float, ...], span: Span, sheet: SheetText) -> Expr:
    if name in ("", "linear"):
        return z
    if name not in ACTIVATION_NAMES:
        near = nearest(name.lower(), ACTIVATION_NAMES)
        raise NameProblem(
            f"there is no activation `{name}`",
            place=sheet.place(span),
            expected=", ".join(ACTIVATION_NAMES),
            got=name,
            hint=f"did you mean `{near}`?" if near else None,
        )
    wanted = VOCABULARY[name].arguments[1] - 1
    if wanted and not settings:
        settings = (0.01,) if name == "leaky" else (1.0,)
    if len(settings) != wanted:
        raise SheetError(
            f"`{name}` takes {wanted} number{'s' if wanted != 1 else ''} in a `layers` line",
            place=sheet.place(span),
            expected="`leaky 0.1`" if wanted else f"`{name}` alone",
            got=str(len(settings)),
        )
    return Call(name, (z, *map(Num, settings)))
