"""The kinds of parts. A renderer knows these and nothing else; a new result is made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ..notation.expr import Arr, Call, Expr, Num, Partial, Ref, rewrite
from ..notation.numbers import Digits
from ..notation.text import LARGE
from ..ops.evaluate import value_of

Value = float | np.ndarray
Inline = str | Expr | float  # a run of text, a formula or a number inside a line


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the page's title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph: words, formulas and numbers in one line. `kind` is plain, note, warning or good."""

    runs: tuple[Inline, ...]
    kind: str = "plain"


@dataclass(frozen=True)
class Formula:
    """A formula in letters that stands by itself: left = right, with an optional remark."""

    left: Expr | None
    right: Expr
    remark: str = ""


@dataclass(frozen=True, eq=False)
class Step:
    """One line of working: left = letters = numbers = result.

    Attributes:
        left: what is worked out.
        letters: its formula; None where there is only a substitution.
        numbers: the formula with numbers in it, then simpler forms of the same, each worth exactly `value`.
        value: the result, exact.
        remark: a few words behind the line ("looked up").
        sign: `=` or, for an update, `←`.
        spelled: the letters once more, written out (a product of ∂ as a product of their formulas).
        names: of a result with several entries, what each is called, where the left side does not say it.
    """

    left: Expr
    letters: Expr | None
    numbers: tuple[Expr, ...]
    value: Value
    remark: str = ""
    sign: str = "="
    spelled: Expr | None = None
    names: np.ndarray | None = None

    def printed(self, digits: Digits) -> PrintedStep:
        """The step at some digits: every number rounded as it will be shown, and `=` or `≈` between the parts.

        `=` stands only where the printed operands give the printed result; `≈` where rounding shows.
        """
        shown = [_rounded(n, digits) for n in self.numbers]
        names = self.names if self.names is not None else _names_of(self.left)
        result = _rounded(as_expr(self.value, names), digits)
        links: list[tuple[str, Expr]] = []
        if self.letters is not None:
            links.append((self.sign, self.letters))
        if self.spelled is not None and self.spelled != self.letters:
            links.append(("=" if links else self.sign, self.spelled))
        for position, part in enumerate([*shown, result]):
            relation = self.sign if not links else "="
            if position:
                relation = "=" if _agree(shown[position - 1], part, digits) else "≈"
            if links and _same(_rounded(links[-1][1], digits), part):
                continue
            links.append((relation, part))
        return PrintedStep(self.left, tuple(links), self.remark)


@dataclass(frozen=True)
class PrintedStep:
    """A step ready to be drawn: its left side, then each `=` or `≈` with what follows it."""

    left: Expr
    links: tuple[tuple[str, Expr], ...]
    remark: str = ""


Cell = str | float | Expr | None


@dataclass(frozen=True)
class Table:
    """A table; the first `stub` columns name the row and are repeated where a table is split to fit. A ruled one is
    to be written into."""

    columns: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    stub: int = 1
    ruled: bool = False


@dataclass(frozen=True)
class Items:
    """A list of lines."""

    lines: tuple[Text, ...]
    ordered: bool = False


@dataclass(frozen=True)
class Series:
    """Points of a chart, joined by a line or not."""

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    line: bool = True


@dataclass(frozen=True)
class Chart:
    """Series over the same axes, either of which may be logarithmic."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class Grid:
    """Counts over two lists of names, to be drawn as squares, the darker the larger their share of the row."""

    title: str
    row_label: str
    column_label: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def share(self, row: int, column: int) -> float:
        """What part of its row a count is."""
        return self.counts[row][column] / (sum(self.counts[row]) or 1)

    def table(self) -> Table:
        """The same as a table."""
        heads = (f"{self.row_label} ↓ {self.column_label} →", *self.columns)
        rows = tuple((name, *map(str, line)) for name, line in zip(self.rows, self.counts, strict=True))
        return Table(heads, rows, self.title)


Label = tuple[Expr | None, float | None]  # a name and its number, either of which may be missing


@dataclass(frozen=True)
class Dot:
    """What a diagram draws as a shape of its own.

    Attributes:
        key: what arrows refer to.
        column: from 0, on the left.
        kind: input, unit, cost, bias (a unit that is always 1), or gap (for so many that are left out).
        inside: its names and numbers, one below another.
        below: a word or two under it: the activation, the bias.
    """

    key: str
    column: int
    kind: str
    inside: tuple[Label, ...]
    below: tuple[Inline, ...] = ()


@dataclass(frozen=True)
class Arrow:
    """From a dot to another, with what stands on it: a weight and its number."""

    start: str
    end: str
    label: Label = (None, None)


@dataclass(frozen=True)
class Diagram:
    """A network as it is drawn: dots in columns, arrows between them, and the same in words."""

    title: str
    dots: tuple[Dot, ...]
    arrows: tuple[Arrow, ...]
    words: tuple[tuple[Inline, ...], ...] = ()


@dataclass(frozen=True, eq=False)
class Surface:
    """Heights over a plane, drawn as contours, with a path of points (x, y) on it."""

    title: str
    x_label: Expr
    y_label: Expr
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    heights: np.ndarray  # a row for each y
    path: tuple[tuple[float, float], ...] = ()
    words: tuple[Inline, ...] = ()


@dataclass(frozen=True)
class Histogram:
    """How often numbers fall between edges; `counts` has one number less than `edges`."""

    title: str
    x_label: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]


Picture = Chart | Grid | Diagram | Surface | Histogram
Part = Heading | Text | Formula | Step | Table | Items | Picture


@dataclass(frozen=True)
class Document:
    """A page: its parts in order."""

    parts: tuple[Part, ...]
    title: str = ""

    def pictures(self) -> list[Picture]:
        """Every picture on the page."""
        return [part for part in self.parts if isinstance(part, Picture)]

    def steps(self) -> Iterator[Step]:
        """Every line of working on the page."""
        return (part for part in self.parts if isinstance(part, Step))


@dataclass
class Page:
    """Collects parts; `done` gives the finished document."""

    title: str = ""
    parts: list[Part] = field(default_factory=list)

    def heading(self, text: str, level: int = 2) -> None:
        self.parts.append(Heading(text, level))

    def text(self, *runs: Inline, kind: str = "plain") -> None:
        self.parts.append(Text(runs, kind))

    def note(self, *runs: Inline) -> None:
        self.parts.append(Text(runs, "note"))

    def add(self, *parts: Part) -> None:
        self.parts.extend(parts)

    def done(self) -> Document:
        return Document(tuple(self.parts), self.title)


def as_expr(value: Value, of: Expr | np.ndarray | None = None) -> Expr:
    """A value as a leaf of an expression, in the place of a name."""
    array = np.asarray(value)
    return Num(float(array), of=of if isinstance(of, Expr) else None) if array.ndim == 0 else Arr(array, of=of)


def _names_of(left: Expr) -> Expr | np.ndarray | None:
    """Whose numbers the result of a line is: a name's, or those of the names in a list."""
    if isinstance(left, Ref | Partial):
        return left
    if type(left) is not Call or left.op != "stack":
        return None
    rows = [list(part.args) if type(part) is Call and part.op == "stack" else part for part in left.args]
    wide = {len(row) if isinstance(row, list) else 0 for row in rows}
    if len(wide) > 1:
        return None
    found = np.empty((len(rows), *wide) if wide != {0} else len(rows), dtype=object)
    for place in np.ndindex(*found.shape):
        row = rows[place[0]]
        one = row[place[1]] if isinstance(row, list) else row
        found[place] = one if isinstance(one, Ref | Partial) else None
    return found


def _rounded(expr: Expr, digits: Digits) -> Expr:
    """The formula with every number as it will be printed; the negative of 5 is the number -5."""

    def one(part: Expr) -> Expr | None:
        if type(part) is Call and part.op == "neg" and type(part.args[0]) is Num and part.args[0].value > 0:
            return Num(digits.rounded(-part.args[0].value), of=part.args[0].of)
        if type(part) is Num:
            return Num(digits.rounded(part.value), of=part.of)
        if type(part) is Arr and part.value.size > LARGE:
            return part  # it is cut when it is printed, and rounded there
        if type(part) is Arr:
            flat = [digits.rounded(v) for v in part.value.ravel().tolist()]
            return Arr(np.array(flat).reshape(part.value.shape), of=part.of)
        return None

    return rewrite(expr, one)


NOISE = 1e-13  # two doubles this close are the same number, worked in two ways


def _agree(left: Expr, right: Expr, digits: Digits) -> bool:
    """Whether two printed parts are worth the same."""
    if digits.count is None:
        return True  # exact by construction; a test holds it
    if _is_large(left) or _is_large(right):
        return False
    a, b = value_of(left), value_of(right)
    if a.shape != b.shape or not np.isfinite(a).all():  # a rounded divisor may be 0
        return False
    return bool(np.all(np.abs(a - b) <= NOISE * np.maximum(np.abs(a), np.abs(b))))


def _is_large(expr: Expr) -> bool:
    if type(expr) is Arr:
        return expr.value.size > LARGE
    return type(expr) is Call and any(map(_is_large, expr.args))


def _same(left: Expr, right: Expr) -> bool:
    """Whether two parts read the same: 5 and 5, 1/2 and 1/2."""
    if type(left) is Arr and type(right) is Arr:
        return left.value.shape == right.value.shape and bool(np.all(left.value == right.value))
    if type(left) is Call and type(right) is Call:
        alike = (left.op, left.prime, left.index, len(left.args)) == (
            right.op,
            right.prime,
            right.index,
            len(right.args),
        )
        return alike and all(map(_same, left.args, right.args))
    return left == right
