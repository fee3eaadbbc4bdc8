"""Starting values and constants as a sheet gives them, and what is said where they are missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..errors import MissingValues, SheetError, nearest
from ..notation.expr import Call, Expr, Num, Span
from ..notation.names import canonical
from ..notation.text import PLAIN
from ..ops.evaluate import said, value_of
from ..sheet.model import Assign, InlineData, Statement
from ..sheet.parse import LIKELY_STATEMENTS
from ..sheet.table import header_of
from ..sheet.wording import FORMS
from .functions import check_known
from .shapes import ShapeConflict, shape_of
from .sizes import conflict_at, refuse_large
from .symbols import Symbols

MOST_LISTED = 90
_CONSTANTS = {
    "e": "`const e = 2.718281828459045`, or exp(x) for e^x",
    "pi": "`const pi = 3.141592653589793`",
    "π": "`const π = 3.141592653589793`",
}


def value(name: str, expr: Expr, span: Span, symbols: Symbols) -> np.ndarray:
    """The value of a right side without names: a number, a list, a matrix.

    Raises:
        SheetError: an unknown function, sizes that do not go together, a number that is not finite.
    """
    if type(expr) is Num:
        return _frozen(np.array(expr.value))
    check_known(expr, symbols)
    try:
        refuse_large(name, shape_of(expr, lambda n: ()), symbols.sheet, expr.span or span)
    except ShapeConflict as conflict:
        raise conflict_at(conflict, f"the value of `{name}`", symbols.sheet, span) from None
    plain = _literal(expr)
    found = np.array(value_of(expr) if plain is None else plain, dtype=np.float64)
    if not np.isfinite(found).all():
        raise symbols.error(
            SheetError,
            f"the value of `{name}` is not a finite number",
            expr.span or span,
            expected="a number such as 0.3 or 1/2",
            hint=f"`{name} = 0.5`",
            got=f"{PLAIN(expr)[:60]} = {said(found[~np.isfinite(found)][0])}",
        )
    return _frozen(found)


def _frozen(found: np.ndarray) -> np.ndarray:
    found.setflags(write=False)
    return found


def _literal(expr: Expr) -> float | list[object] | None:
    """A number or nested lists of numbers as they are; None where something is to be worked out."""
    if type(expr) is Num:
        return expr.value
    if type(expr) is not Call or expr.op != "stack":
        return None
    parts: list[object] = []
    for arg in expr.args:
        part = _literal(arg)
        if part is None:
            return None
        parts.append(part)
    return parts


def missing_values(
    missing: Sequence[str],
    first_use: Mapping[str, tuple[str, Span]],
    symbols: Symbols,
    statements: Sequence[Statement],
) -> MissingValues:
    """The error for parameters without a value, the first one in place and all of them listed."""
    first = missing[0]
    user, span = first_use[first]
    listed = ", ".join(missing[:MOST_LISTED])
    if len(missing) > MOST_LISTED:
        listed += f", … ({len(missing):,} in all)"
    return MissingValues(
        f"`{user}` uses `{first}`, which has no value",
        place=symbols.sheet.place(span),
        expected="a value for every parameter, or for none (then the sheet is worked in letters)",
        got=f"no value for {listed}",
        hint=_meant(first, set(missing), symbols, statements),
    )


def _meant(name: str, missing: set[str], symbols: Symbols, statements: Sequence[Statement]) -> str:
    """What a name without a value was probably meant to be."""
    known = [n for n in symbols.roles if n not in missing]
    spelt = {canonical(n): n for n in known}
    valued = {s.name: s for s in statements if isinstance(s, Assign) and s.name in symbols.values}
    if valued and all(n in LIKELY_STATEMENTS for n in valued):  # `rate = 0.1` is the only value
        word, found = next(iter(valued.items()))
        place = symbols.sheet.place(found.span)
        where = f" in line {place.line}" if place else ""
        return f"`{word} = …`{where} is a value; the statement has no `=`: {FORMS[word]}"
    data = next((s.text for s in statements if isinstance(s, InlineData)), "")
    if canonical(name) in header_of(data):
        return f"`input {name}`, for the data has a column of that name"
    if name == "N":
        return "N is the number of rows in the cost only; write `const N = …` for a number of your own"
    for cut in range(1, len(name)):  # w1x1 is often meant as w1*x1
        left, right = spelt.get(canonical(name[:cut])), spelt.get(canonical(name[cut:]))
        if left and right:
            return f"did you mean `{left}*{right}`?"
    stem, brace, exponent = name.partition("^{")
    if brace and canonical(stem) in spelt:
        return f"`{name}` is one name; a power is written `{power_of(stem, exponent)}`"
    if name in _CONSTANTS:
        return _CONSTANTS[name]
    near = nearest(name, known)
    if near:
        return f"did you mean `{near}`?"
    return f"`{name} = 0.5`, or `start he seed 7` for all of them"


def power_of(stem: str, exponent: str) -> str:
    """What `x^{2}` would be as a power: `x^2`."""
    inside = exponent.rstrip("}").strip("()")
    return f"{stem}^{inside}" if len(inside) == 1 else f"{stem}^({inside})"


def unused_values(unused: Sequence[str], symbols: Symbols) -> Iterator[tuple[str, Span]]:
    """Warnings for values that nothing uses."""
    for name in unused[:MOST_LISTED]:
        yield f"`{name}` has a value, but no equation uses it", symbols.spans.get(name)
    if len(unused) > MOST_LISTED:
        more = len(unused) - MOST_LISTED
        yield f"{more:,} more names have a value that nothing uses", symbols.spans.get(unused[-1])
