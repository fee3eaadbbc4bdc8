"""`layers x -> 3 sigmoid -> 1 linear as y` written out: a1 = sigmoid(W1 @ x + b1) and y = W2 @ a1 + b2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..errors import NameProblem, SheetError, did_you_mean
from ..notation.expr import Call, Expr, Num, Ref, Span, leaves
from ..notation.names import canonical
from ..ops.vocabulary import ACTIVATION_NAMES, VOCABULARY
from ..sheet.model import Assign, Layers, SheetText, Statement
from .shapes import Shape


@dataclass(frozen=True)
class Equation:
    """One equation before it is a node.

    Attributes:
        made: it is the z inside an activation, not written by the user.
        owner: the equation that the user wrote, for errors; its own name unless `made`.
        shapes: those of parameters that a `layers` line fixes.
    """

    name: str
    formula: Expr
    span: Span = None
    made: bool = False
    owner: str = ""
    shapes: Mapping[str, Shape] = field(default_factory=dict)

    @cached_property
    def refs(self) -> tuple[Ref, ...]:
        """The names in the formula, from left to right, repeats included."""
        return tuple(leaf for leaf in leaves(self.formula) if type(leaf) is Ref)

    @cached_property
    def uses(self) -> tuple[str, ...]:
        """The different names in the formula, in order of appearance."""
        return tuple(dict.fromkeys(ref.name for ref in self.refs))


def open_layers(
    statements: Sequence[Statement], sheet: SheetText, declared: Mapping[str, Shape]
) -> dict[int, list[Equation]]:
    """The equations that the `layers` lines stand for; a second line goes on counting.

    Args:
        declared: the shapes of inputs, targets and constants, by canonical name.
    Returns:
        by the number of the statement, from 0.
    """
    lines = [(position, s) for position, s in enumerate(statements) if isinstance(s, Layers)]
    if not lines:
        return {}
    sizes: dict[str, Shape | None] = {canonical(s.name): None for s in statements if isinstance(s, Assign)}
    sizes |= declared
    outputs: dict[int, list[str]] = {}
    number = 0
    for position, line in lines:
        first, number = number + 1, number + len(line.layers)
        outputs[position] = [f"a{n}" for n in range(first, number + 1)]
        if line.output:
            outputs[position][-1] = line.output
        sizes |= {canonical(n): (u.size,) for n, u in zip(outputs[position], line.layers, strict=True)}
    number = 0
    opened: dict[int, list[Equation]] = {}
    for position, line in lines:
        source, width = _source(line, sheet, sizes)
        opened[position] = []
        for name, layer in zip(outputs[position], line.layers, strict=True):
            number += 1
            weights, biases = Ref(f"W{number}"), Ref(f"b{number}")
            z: Expr = Call("add", (Call("matmul", (weights, source)), biases))
            formula = _activated(z, layer.activation, layer.settings, layer.span, sheet)
            shapes: dict[str, Shape] = {biases.name: (layer.size,)}
            if width is not None:
                shapes[weights.name] = (layer.size, width)
            opened[position].append(Equation(name, formula, layer.span or line.span, shapes=shapes))
            source, width = Ref(name), layer.size
    return opened


def _source(line: Layers, sheet: SheetText, sizes: Mapping[str, Shape | None]) -> tuple[Expr, int | None]:
    """What goes into the first layer, and its width: one name, or several numbers side by side.

    The width of a name with an equation of its own is found later, with all other sizes: None.
    """
    for ref in line.inputs:
        if canonical(ref.name) not in sizes:
            raise NameProblem(
                f"`layers` starts from `{ref.name}`, which nothing defines",
                place=sheet.place(ref.span),
                expected="an input, an equation, or the output of another `layers` line",
                got=ref.name,
                hint=did_you_mean(ref.name, sizes) or f"`input {ref.name}`",
            )
    shapes = [sizes[canonical(ref.name)] for ref in line.inputs]
    if len(shapes) == 1:
        only = shapes[0]
        width = None if only is None else (only or (1,))[0]
        return Ref(line.inputs[0].name, (), line.inputs[0].span), width
    wide = next((r for r, s in zip(line.inputs, shapes, strict=True) if s), None)
    if wide is not None:
        raise SheetError(
            f"`{wide.name}` is a vector; `layers` takes one vector or several numbers",
            place=sheet.place(wide.span),
            expected="`layers x -> …` or `layers R, D -> …`",
            got=f"{wide.name} beside {next(r.name for r in line.inputs if r is not wide)}",
            hint="name the entries one by one in an equation, or make all inputs one vector: `input x[3]`",
        )
    return Call("stack", tuple(Ref(r.name, (), r.span) for r in line.inputs)), len(shapes)


def _activated(z: Expr, name: str, settings: tuple[float, ...], span: Span, sheet: SheetText) -> Expr:
    if name == "":
        return z
    if name not in ACTIVATION_NAMES:
        raise NameProblem(
            f"there is no activation `{name}`",
            place=sheet.place(span),
            expected=", ".join(ACTIVATION_NAMES),
            got=name,
            hint=did_you_mean(name.lower(), ACTIVATION_NAMES) or "-> 3 sigmoid",
        )
    wanted = VOCABULARY[name].arguments[1] - 1
    if wanted and not settings:
        settings = (0.01,) if name == "leaky" else (1.0,)
    if len(settings) != wanted:
        raise SheetError(
            f"`{name}` takes {wanted or 'no'} number{'s' if wanted > 1 else ''} in a `layers` line",
            place=sheet.place(span),
            expected=f"`{name} 0.1`" if wanted else f"`{name}` alone",
            got=f"{len(settings)} numbers" if len(settings) != 1 else "a number",
            hint=f"-> 3 {name} 0.1" if wanted else f"-> 3 {name}",
        )
    return z if name == "linear" else Call(name, (z, *map(Num, settings)))
