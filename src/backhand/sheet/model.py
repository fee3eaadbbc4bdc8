"""What a sheet says, statement by statement, before any of it means a network."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import Place
from ..notation.expr import Expr, Ref, Span


@dataclass(frozen=True)
class Declared:
    """One name of an `input` or `target` statement; `size` 0 is a scalar."""

    name: str
    label: str = ""
    size: int = 0
    span: Span = field(default=None, compare=False)


@dataclass(frozen=True)
class Title:
    text: str
    span: Span = field(default=None, compare=False)


@dataclass(frozen=True)
class Inputs:
    items: tuple[Declared, ...]


@dataclass(frozen=True)
class Targets:
    items: tuple[Declared, ...]


@dataclass(frozen=True)
class Const:
    name: str
    value: Expr
    span: Span = field(default=None, compare=False)


@dataclass(frozen=True)
class Assign:
    """`name = expression`: an equation, or a starting value when the right side mentions no name."""

    name: str
    value: Expr
    span: Span = field(default=None, compare=False)


@dataclass(frozen=True)
class Layer:
    """One `-> 3 sigmoid` of a `layers` statement; extra numbers are the activation's (`leaky 0.1`)."""

    size: int
    activation: str = ""
    settings: tuple[float, ...] = ()
    span: Span = field(default=None, compare=False)


@dataclass(frozen=True)
class Layers:
    inputs: tuple[Ref, ...]
    layers: tuple[Layer, ...]
    output: str = ""
    span: Span = field(default=None, compare=False)


SCHEMES = ("he", "xavier", "uniform", "normal", "zeros")


@dataclass(frozen=True)
class Start:
    """How parameters without a value are filled: a scheme with a seed, or fixed weights and biases."""

    scheme: str
    seed: int | None = None
    weights: float | None = None
    biases: float | None = None
    span: Span = field(default=None, compare=False)


@dataclass(frozen=True)
class CostLine:
    name: str
    value: Expr
    span: Span = field(default=None, compare=False)


@dataclass(frozen=True)
class Rate:
    value: float
    span: Span = field(default=None, compare=False)


@dataclass(frozen=True)
class Update:
    rule: str
    settings: tuple[float, ...] = ()
    span: Span = field(default=None, compare=False)


@dataclass(frozen=True)
class Mode:
    """`batch`, `online`, or `batches` of a size."""

    kind: str
    size: int = 0
    span: Span = field(default=None, compare=False)


@dataclass(frozen=True)
class InlineData:
    """CSV lines inside the sheet, from this offset to the end."""

    text: str
    offset: int = field(default=0, compare=False)
    span: Span = field(default=None, compare=False)


@dataclass(frozen=True)
class DataFrom:
    path: str
    span: Span = field(default=None, compare=False)


Statement = (
    Title | Inputs | Targets | Const | Assign | Layers | Start | CostLine | Rate | Update | Mode | InlineData | DataFrom
)


@dataclass(frozen=True)
class SheetText:
    """A sheet as read: its statements in order, and the text they came from."""

    statements: tuple[Statement, ...]
    text: str = field(default="", compare=False)
    source: str = field(default="sheet", compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)

    def place(self, span: Span) -> Place | None:
        """Where in the sheet a span of characters stands."""
        return Place.of(self.source, self.text, *span) if span and self.text else None
