"""Worked documents proofread: statements `name = expression = number` in Markdown, LaTeX or text, tied to a sheet.

A statement in letters holds if its sides are the same number in random networks of the sheet's form; a number holds if
it is what its name or formula is worth in some row of the sheet. What cannot be read is listed, not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from ..engine.program import Program
from ..errors import DataError
from ..network.build import Problem
from ..notation.expr import Call, Expr, Num, Partial, Ref, leaves, mul, rewrite
from ..notation.text import PLAIN
from ..ops.evaluate import value_of
from .mathematics import Unread, prepared, read_side, written_name
from .numbers import NotANumber, Typed, read_list, read_number
from .statements import Statement, statements, text_lines
from .tied import Reader, squeezed
from .worlds import COST

SMALL = (0.0, 0.5, 1.0, 2.0, 3.0, 4.0)  # numbers that stand in formulas in letters
CLOSE = 1e-7
CARRIED = 2.5
LABELS = ("row", "rows", "example", "index", "epoch", "#", "i", "n", "no", "")  # heads of columns that count


@dataclass(frozen=True)
class Slip:
    """A statement that does not hold.

    Attributes:
        number: what is wrong: a number or a side as written.
        right: what it should be.
        why: in words.
    """

    line: int
    text: str
    number: str
    right: str
    why: str


@dataclass
class Proofread:
    """What was found in a document."""

    title: str
    held: int = 0
    slips: list[Slip] = field(default_factory=list)
    unread: list[tuple[int, str, str]] = field(default_factory=list)


def proofread(text: str, problem: Problem, title: str = "the document") -> Proofread:
    """Looks at every statement of a document.

    Raises:
        DataError: it is far too long.
    """
    if len(text) > 5_000_000:
        raise DataError(f"{title} is longer than 5 MB")
    reader, found = Reader(problem), Proofread(title)
    for statement in statements(text):
        _look(statement, reader, found)
    for line, cells in _tables(text, reader):
        for name, cell in cells:
            _look(Statement((name, cell), line), reader, found)
    found.slips.sort(key=lambda slip: slip.line)
    return found


def _tables(text: str, reader: Reader) -> Iterator[tuple[int, list[tuple[str, str]]]]:
    """Rows of tables whose heads are names of the sheet: (name, number) of each cell."""
    heads: list[str] = []
    for number, (_, line) in enumerate(text_lines(text), 1):
        cells = [
            cell.strip(" $")
            for cell in (line.strip().strip("|").split("|") if "|" in line else re.split(r"\t+", line.strip()))
        ]
        if len(cells) < 2:
            heads = []
            continue
        names = [_head(cell, reader) for cell in cells]
        known = [bool(reader.refs(name, None)) for name in names]
        if (
            len(set(names)) == len(names)
            and any(known)
            and all(k or n.lower() in LABELS for k, n in zip(known, names, strict=True))
        ):
            heads = names
        elif heads and len(cells) == len(heads):
            pairs = []
            for name, cell in zip(heads, cells, strict=True):
                if not reader.refs(name, None):
                    continue
                try:
                    read_number(cell)
                except NotANumber:
                    continue
                ref = reader.refs(name, None)[0]
                if ref == COST or reader.network.nodes[ref.name].is_equation:
                    pairs.append((name, cell))
            yield number, pairs


def _head(cell: str, reader: Reader) -> str:
    """The head of a column as a name: `$J(y, \\hat{y})$` is J, `Z1` is z1 where there is no Z1."""
    try:
        name = written_name(reader.without_arguments(prepared(cell)))
    except Unread:
        return cell
    return name if reader.refs(name, None) or not reader.refs(name.lower(), None) else name.lower()


def _look(statement: Statement, reader: Reader, found: Proofread) -> None:
    """One statement: its numbers with each other, with its letters, and its letters with each other."""
    if _as_list(statement, reader, found):
        return
    numeric: list[tuple[str, Expr, Typed | None]] = []
    letters: list[tuple[str, Expr]] = []
    for side in statement.sides:
        try:
            text = reader.without_arguments(prepared(side))
            expr = read_side(text, reader.long)
            if not any(True for _ in leaves(expr)):
                numeric.append((side, _plain_functions(expr, reader), _typed(text)))
            else:
                letters.append((side, expr))
        except Unread as problem:
            found.unread.append((statement.line, side, str(problem)))
    if len(numeric) + len(letters) < 2:
        return
    before = len(found.slips)
    checked = _numbers(statement, numeric, found)
    tied = _tie(statement, letters, reader, found)
    if reader.own and (numeric or any(_mixed(expr) for _, expr in letters)):
        checked |= _against_sheet(statement, letters, tied, numeric, reader, found)
    checked |= _in_letters(statement, tied, reader, found)
    if checked and len(found.slips) == before:
        found.held += 1


def in_words(side: str) -> str:
    """A side as plain text."""
    try:
        return PLAIN(read_side(prepared(side)))
    except Unread:
        return side.strip()


def _typed(text: str) -> Typed | None:
    try:
        return read_number(text)
    except NotANumber:
        return None


def _plain_functions(expr: Expr, reader: Reader) -> Expr:
    return rewrite(
        expr, lambda p: Call(reader.activation, p.args, p.prime) if type(p) is Call and p.op == "general" else None
    )


def _worth(expr: Expr) -> float:
    try:
        return float(np.asarray(value_of(expr)).reshape(-1)[0])
    except (KeyError, ValueError, OverflowError, TypeError):
        return float("nan")


def _agrees(typed: Typed | None, given: float, right: float, carried: float = 1.0) -> bool:
    """Whether a number is another one as it may be printed: half of its last digit, or one cut off.

    Args:
        carried: last digits that roundings on the way may have cost.
    """
    unit = typed.unit * (carried if typed.decimals is not None else 1.0) if typed is not None else 0.0
    return abs(given - right) <= unit * (1 + 1e-9) + CLOSE * max(abs(given), abs(right), 1e-12)


def _numbers(statement: Statement, numeric: Sequence[tuple[str, Expr, Typed | None]], found: Proofread) -> bool:
    """Sums worked out: each numeric side against the next."""
    for (side, expr, typed), (other, next_expr, next_typed) in pairwise(numeric):
        given, right = _worth(next_expr), _worth(expr)
        if not (np.isfinite(given) and np.isfinite(right)):
            continue
        if not (_agrees(next_typed, given, right) or _agrees(typed, right, given)):
            why = f"{in_words(side)} is {right:.10g}"
            found.slips.append(Slip(statement.line, statement.text, other.strip(), f"{right:.10g}", why))
    return len(numeric) > 1


def _tie(
    statement: Statement, letters: Sequence[tuple[str, Expr]], reader: Reader, found: Proofread
) -> list[tuple[str, Expr, bool]]:
    """The sides in letters over the sheet's entries; whether the names mean one thing without any heading."""
    tied = []
    for side, expr in letters:
        try:
            tied.append((side, reader.tied(expr, None), True))
        except Unread as problem:
            try:
                tied.append((side, reader.tied(expr, statement.layer), False))
            except Unread:
                found.unread.append((statement.line, side, str(problem)))
    return tied


def _mixed(expr: Expr) -> bool:
    """Whether numbers of an example stand in a formula."""
    stack = [expr]
    while stack:
        part = stack.pop()
        if type(part) is Num and abs(part.value) not in SMALL:
            return True
        stack.extend(part.args if type(part) is Call else ())
    return False


def _values(expr: Expr, reader: Reader) -> list[float]:
    """What a formula is worth in the sheet's rows, and over all of them."""
    made = [world.work(expr) for world in reader.own]
    for world in reader.own:
        if expr == COST and world.whole_cost is not None:
            made.append(world.whole_cost)
        if type(expr) is Partial and expr.of == COST and expr.by.name in world.totals:
            made.append(float(np.asarray(world.totals[expr.by.name])[expr.by.place]))
    return [value for value in made if np.isfinite(value)]


def _against_sheet(
    statement: Statement, letters: Sequence[tuple[str, Expr]], tied: Sequence[tuple[str, Expr, bool]],
    numeric: Sequence[tuple[str, Expr, Typed | None]], reader: Reader, found: Proofread,
) -> bool:  # fmt: skip
    """The numbers of a statement against what its letters are worth in the sheet."""
    checked = False
    told = {slip.number for slip in found.slips if slip.line == statement.line}
    for position, (side, expr) in enumerate(letters):
        candidates = [
            e for s, e, alone in tied if s == side and (alone or (position == 0 and isinstance(e, Ref | Partial)))
        ]
        if not candidates and position == 0 and isinstance(expr, Ref | Partial):
            candidates = _meanings(expr, statement.layer, reader)
        values = [value for candidate in candidates for value in _values(candidate, reader)]
        if not values:
            continue
        for other, number, typed in numeric:
            given = _worth(number)
            if not np.isfinite(given) or other.strip() in told:
                continue
            checked = True
            if not any(_agrees(typed, given, value, CARRIED) for value in values):
                right = values[0]
                why = f"{in_words(side)} is {right:.10g}" + (f" in layer {statement.layer}" if statement.layer else "")
                found.slips.append(Slip(statement.line, statement.text, other.strip(), f"{right:.10g}", why))
                told.add(other.strip())
        first = next((e for s, e, _ in tied if tied and s == tied[0][0]), None)
        if position and first is not None and _mixed(expr) and candidates and not told:
            wanted = _values(first, reader)
            if wanted and not any(_agrees(None, v, w) for v in values for w in wanted):
                checked = True
                right = wanted[0]
                why = f"{in_words(tied[0][0])} is {right:.10g}, and this is {values[0]:.10g}"
                found.slips.append(Slip(statement.line, statement.text, side.strip(), f"{right:.10g}", why))
    return checked


def _meanings(expr: Ref | Partial, layer: int | None, reader: Reader) -> list[Expr]:
    """All that a name or a partial may mean."""
    if isinstance(expr, Ref):
        return list(reader.refs(expr.name, layer))
    of_refs = [COST] if reader.is_cost(expr.of.name) else reader.refs(expr.of.name, layer)
    return [Partial(of, by) for of in of_refs for by in reader.refs(expr.by.name, layer)]


def _in_letters(statement: Statement, tied: Sequence[tuple[str, Expr, bool]], reader: Reader, found: Proofread) -> bool:
    """The sides in letters against the first: the same number in every random network."""
    sure = [(side, expr) for side, expr, alone in tied if alone and not _mixed(expr)]
    if len(sure) < 2:
        return False
    first_side, first = sure[0]
    if type(first) is Ref and reader.network.nodes.get(first.name) in reader.network.parameters:
        return False  # an update, or a value
    for side, expr in sure[1:]:
        if type(first) is Ref and (type(expr) is Ref or first in leaves(expr)):
            continue  # names that are equal are so in some example
        for world in reader.random:
            a, b = world.work(first), world.work(expr)
            if np.isfinite(a) and np.isfinite(b) and abs(a - b) > CLOSE * max(abs(a), abs(b), 1e-6):
                right = _said_right(first, reader)
                why = (
                    f"{first_side.strip()} is {right}"
                    if right
                    else f"{first_side.strip()} is another number in general"
                )
                found.slips.append(Slip(statement.line, statement.text, side.strip(), right, why))
                break
    return True


def _said_right(expr: Expr, reader: Reader) -> str:
    """A partial or a name in letters as it should be."""
    if type(expr) is Ref and expr.name in reader.network.nodes:
        formula = reader.network.nodes[expr.name].formula
        return PLAIN(formula) if formula is not None else ""
    if type(expr) is not Partial:
        return ""
    found = Program(reader.network, of=None if expr.of == COST else expr.of).formula(expr.by)
    if found is None:
        return "0"
    itself = Partial(expr.of, expr.of)

    def change(part: Expr) -> Expr | None:
        if part == itself:
            return Num(1.0)
        return mul(*(rewrite(a, change) for a in part.args)) if type(part) is Call and part.op == "mul" else None

    return PLAIN(rewrite(found, change))


def _as_list(statement: Statement, reader: Reader, found: Proofread) -> bool:
    """`W = [[1, 2], [3, 4]]`, `b = [1 2 3]`, also as a matrix of LaTeX: against the sheet's own values."""
    if len(statement.sides) != 2:
        return False
    name, value = (prepared(side) for side in statement.sides)
    matrix = re.search(r"\\begin\{(?:b|p)matrix\}(.*?)\\end\{(?:b|p)matrix\}", statement.sides[1], re.DOTALL)
    if matrix:
        rows = [row.strip() for row in re.split(r"\\\\", matrix[1]) if row.strip()]
        value = "[" + ", ".join("[" + ", ".join(row.split("&")) + "]" for row in rows) + "]"
    if not value.startswith("["):
        return False
    written = re.sub(r"[{}\s]", "", name).replace("^", "")
    node = reader.network.nodes.get(reader.spellings.get(squeezed(written), ""))
    if node is None or not reader.own:
        return False
    try:
        typed = [read_number(cell).value for _, cell in read_list(value)]
    except NotANumber as problem:
        found.unread.append((statement.line, statement.text, str(problem)))
        return True
    held = [
        np.asarray(w.tape.values[node.name][min(w.row, len(w.tape.values[node.name]) - 1)]).reshape(-1)
        for w in reader.own
    ]
    if not typed or len(typed) != len(held[0]):
        return False
    if any(np.allclose(values, typed, rtol=1e-6) for values in held):
        found.held += 1
        return True
    for k, (given, right) in enumerate(zip(typed, held[0].tolist(), strict=True)):
        if abs(given - right) > 1e-6 * max(abs(right), 1):
            at = node.entries()[k]
            where = f"{at.name}[{','.join(map(str, at.index))}]" if at.index else at.name
            why = f"{where} is {right:.10g} in the sheet"
            found.slips.append(Slip(statement.line, statement.text, f"{given:.10g}", f"{right:.10g}", why))
    return True
