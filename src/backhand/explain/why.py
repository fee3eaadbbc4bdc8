"""The page that `backhand why` makes, and its JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..document.parts import Document, Formula, Page, Step, Table, as_expr
from ..engine.training import REFERENCE
from ..notation.expr import Call, Expr, Num, Partial, Ref
from ..notation.numbers import Digits
from ..notation.text import TextPrinter
from ..ops.evaluate import value_of
from .conventions import symbols
from .course import beginning
from .derivation import PAGE_PATHS, Derivation, Path, inner_nodes, lookups, whole_letters, whole_steps
from .paths import TOP, chain, factored
from .scene import at_row
from .views import line_step, lines_of, own_lines


def _symbols(path: Path) -> Expr:
    return chain([f.symbol for f in path.factors])


def _slopes(path: Path) -> Expr:
    return chain([f.edge.slope for f in path.factors])


def path_step(d: Derivation, path: Path) -> Step | Formula:
    """One path: the product of its partials in letters, then their formulas, then with numbers, then the result."""
    symbols, slopes = _symbols(path), _slopes(path)
    label = d.left
    if path.value is None:
        return Formula(symbols if path.factors else label, slopes)
    filled = chain([f.filled for f in path.factors if f.filled is not None])
    values = chain([Num(f.value) for f in path.factors if f.value is not None])
    numbers = (filled, values) if len(path.factors) > 1 else (filled,)
    remark = "" if path.row is None or d.for_row or len(d.rows) == 1 else f"row {path.row}"
    if path.row is None:
        remark = "the penalty"
    if not path.factors:
        return Step(label, None, (), path.value, remark)
    if len(d.paths) == 1:
        letters = slopes if symbols == label else symbols
        return Step(label, letters, numbers, path.value, remark, spelled=slopes)
    return Step(symbols, slopes, numbers, path.value, remark)


def why_document(d: Derivation) -> Document:
    """The derivation as a page."""
    page = Page()
    left = d.left
    text = TextPrinter()
    where = f", row {d.rows[0]}" if d.for_row and d.rows else ""
    page.title = f"Why {text(left)} is what it is{where}" if d.tape else f"{text(left)} in letters"
    page.heading(page.title, 1)
    _which_step(page, d)
    if not d.reaches:
        page.text(f"{text(d.name)} does not reach {text(left.of)}: no path leads from it, so the partial is 0.")
        return page.done()
    if d.whole:
        _matrix(page, d, left)
    else:
        _by_paths(page, d, left)
        if d.tape is not None or lookups(d.program.formula(d.name)):
            _by_lookup(page, d, left)
    _dependence(page, d)
    symbols(page)
    return page.done()


def _which_step(page: Page, d: Derivation) -> None:
    """Which step of a run the numbers are from, where there is more than one."""
    if d.moment is None or d.tape is None:
        return
    if d.start is not None and d.start.engine != REFERENCE:
        beginning(page, d.start)
    plan, rows = d.problem.plan, d.tape.rows
    count = d.problem.table.rows if d.problem.table else 1
    steps = len(plan.batches(count)) if plan.rate is not None else 1
    if steps == 1:
        if d.moment.epoch > 1:
            page.note(f"Epoch {d.moment.epoch}: the weights are those before its update.")
        return
    which = f"row {rows[0]}" if len(rows) == 1 else f"rows {rows[0]} to {rows[-1]}"
    this = f"poch {d.moment.epoch}, step {d.moment.batch} of {steps} ({which})"
    start = f"Row {d.rows[0]} belongs to e{this}" if d.for_row else f"E{this}"
    alone = "" if d.for_row or d.of != TOP else f", and {d.left.of.name} is of {which} alone"
    page.note(f"{start}: the weights are those before this step{alone}. `mode batch` takes all {count} rows at once.")


def _inner(page: Page, d: Derivation, every_row: bool) -> None:
    """What u is in the cost's inner grain, before it is used: in the rows that are worked on the page."""
    nodes = inner_nodes(d.problem.network)
    if not d.on_a_path or (d.of != TOP and d.of.name not in {n.name for n in nodes}):
        return
    for node in nodes:
        assert node.formula is not None
        if d.tape is None:
            page.add(Formula(Ref(node.name), node.formula))
        for row in d.rows if every_row else d.rows[:1]:
            remark = f"row {row}" if len(d.rows) > 1 else ""
            page.add(d.scene(row).quantity(Ref(node.name), node.formula, remark))


def _by_paths(page: Page, d: Derivation, left: Partial) -> None:
    assert d.graph is not None
    count, rows = d.path_count, len(d.rows)
    each = " in each row" if rows > 1 else ""
    page.heading("Path by path")
    ways = "There is one path" if count == 1 else f"There are {count:,} paths"
    page.text(
        f"{ways} from {TextPrinter()(d.name)} to {d.symbol.name}{each}, over {d.graph.edge_count:,} edges of the"
        " network. Along a path the partials are multiplied; paths are added."
    )
    _inner(page, d, every_row=d.complete and count * rows <= PAGE_PATHS)
    if not d.complete or count > PAGE_PATHS:
        _largest(page, d, left)
        return
    in_letters = _letters(d)
    if d.tape is None:
        for path in in_letters:
            page.add(path_step(d, path))
        _sum_in_letters(page, d, left, in_letters)
        return
    if rows > 1 and (count * rows > PAGE_PATHS):
        for path in in_letters:
            page.add(Formula(_symbols(path), _slopes(path)))
        _rows_table(page, d)
        for path in d.paths:
            if path.row is None:  # the penalty's, which belongs to no row
                page.add(path_step(d, path))
    else:
        for path in d.paths:
            page.add(path_step(d, path))
    _sum(page, d, left)
    _factored(page, d)


def _letters(d: Derivation) -> list[Path]:
    """The paths of one row, which stand for those of every row."""
    first = d.paths[0].row if d.paths else None
    return [p for p in d.paths if p.row == first]


def _sum_in_letters(page: Page, d: Derivation, left: Partial, paths: list[Path]) -> None:
    if len(paths) > 1:
        page.text("The sum over the paths:")
        page.add(Formula(left, Call("add", tuple(_slopes(p) for p in paths))))
    expr = factored([d.own_walk(p) for p in paths])
    if expr is not None:
        page.text("Common factors taken out:")
        page.add(Formula(left, expr))
    elif len(paths) == 1:
        page.add(Formula(left, _slopes(paths[0])))


def _factored(page: Page, d: Derivation) -> None:
    """The paths of the first row with what they share taken out: its own ∂L, of which the whole takes a share."""
    paths = _letters(d)
    expr = factored([d.own_walk(p) for p in paths])
    if expr is None:
        return
    row, several = d.rows[0], len(d.rows) > 1
    numbers = d.scene(row).fill(expr)
    page.text("Common factors taken out" + (f", row {row}'s own:" if several else ":"))
    page.add(Step(at_row(d.own, row) if several else d.own, expr, (numbers,), value_of(numbers)))


def _sum(page: Page, d: Derivation, left: Partial) -> None:
    """The sum over the paths (and rows)."""
    if len(d.paths) < 2 or d.value is None:
        return
    page.text("The sum over the paths" + (" and rows:" if len(d.rows) > 1 else ":"))
    if len(d.paths) <= 24:
        numbers = Call("add", tuple(Num(p.value) for p in d.paths if p.value is not None))
        page.add(Step(left, None, (numbers,), d.value))
    else:
        page.text(left, " = ", as_expr(d.value))


def _rows_table(page: Page, d: Derivation) -> None:
    rows = []
    for row in d.rows[:60]:
        mine = [p for p in d.paths if p.row == row]
        rows.append((str(row), *(p.value for p in mine), sum(p.value or 0.0 for p in mine)))
    heads = ["row", *(f"path {i + 1}" for i in range(len(rows[0]) - 2)), "together"]
    more = f" ({len(rows)} of {len(d.rows)} rows shown)" if len(rows) < len(d.rows) else ""
    page.add(Table(tuple(heads), tuple(rows), f"The paths' products, row by row{more}"))


def _largest(page: Page, d: Derivation, left: Partial) -> None:
    """More paths than a page holds: the largest, and the rest as one sum."""
    if d.tape is None or not d.paths:
        page.text("They are too many to write out; the δ road below does the same work once for each edge.")
        return
    assert d.gradients is not None
    assert d.graph is not None
    row = d.paths[0].row
    shown = sorted((p for p in d.paths if p.row == row), key=lambda p: -abs(p.value or 0.0))[:8]
    several = len(d.rows) > 1
    others = d.graph.count - len(shown)
    all_of = f"In {len(d.rows)} rows they are too many for a page. Those"
    lead = "They are too many for a page. The largest" if others else all_of
    page.text(lead + (f", in row {row}:" if several else ":"))
    rows = []
    for path in shown:
        rows.append((_symbols(path), _filled_values(path), path.value))
    page.add(Table(("path", "its factors", "product"), tuple(rows)))
    at = d.name.place
    total = float(np.asarray(d.gradients.rows(d.name.name)[(d.tape.rows.index(row or 1), *at)]))
    if d.averaged:
        total = total / d.tape.count
    known = 0.0
    for path in shown:
        known = known + (path.value or 0.0)
    if others:
        page.text(f"The other {others:,} paths{f' of row {row}' if several else ''} together: ", total - known, ".")
    if several:
        page.text(f"All paths of row {row} together, its share of ", left, ": ", total, ". The other rows add theirs.")
    else:
        page.text("All of them: ", total, ".")


def _filled_values(path: Path) -> Expr:
    return chain([Num(f.value) for f in path.factors if f.value is not None])


def _by_lookup(page: Page, d: Derivation, left: Partial) -> None:
    """The same through the δ's: each is worked once, from later ones, and looked up (S16)."""
    formula = d.program.formula(d.name)
    if formula is None:
        return
    page.heading("The same with every δ looked up")
    needed = _needed(d)
    steps_left = 16
    row = d.rows[0] if d.rows else 1
    several = len(d.rows) > 1
    if d.tape is None:
        for partial in needed[:steps_left]:
            page.add(*(Formula(line.left, line.letters) for line in lines_of(d.program, partial.by)))
        page.add(Formula(Partial(d.symbol, d.name), formula, "each ∂ on the right is known"))
        return
    scene = d.scene(row)
    if several:
        page.text(f"Row {row}; the other rows go the same way.")
    if len(needed) > steps_left:
        page.text(f"{len(needed)} δ's are worked on the way, each once; the last {steps_left} before the end:")
    for partial in needed[-steps_left:]:
        if partial.by != d.of:
            page.add(*(line_step(scene, line) for line in lines_of(d.program, partial.by)))
    looked = lookups(formula)
    page.add(scene.quantity(Partial(d.symbol, d.name), formula, "looked up" if looked else ""))
    _answer(page, d)


def _answer(page: Page, d: Derivation) -> None:
    """The last line: what was asked for from the rows' own partials, where a row's own is not yet the answer."""
    if d.for_row or d.tape is None or (len(d.rows) == 1 and d.left == d.own):
        return
    steps = whole_steps(d)
    if steps:
        page.add(*steps)
        return
    how = f"The {'mean' if d.averaged else 'sum'} of {len(d.rows)} rows" if len(d.rows) > 1 else "The row's own"
    penalty = " and the penalty" if d.of == TOP and d.name.name in d.program.penalty else ""
    worth = as_expr(d.engine if d.engine is not None else 0.0)
    page.text(f"{how}{penalty}: ", d.left, " = ", whole_letters(d), " = ", worth)


def _needed(d: Derivation) -> list[Partial]:
    """The δ's on the way from the cost to the name, in the order in which they are worked."""
    found: dict[Partial, None] = {}
    stack = lookups(d.program.formula(d.name))
    order: list[Partial] = []
    while stack:
        partial = stack.pop(0)
        if partial in found:
            continue
        found[partial] = None
        order.append(partial)
        if len(order) > 400:
            break
        stack += [p for line in lines_of(d.program, partial.by) for p in lookups(line.letters)]
    position = {n.name: i for i, n in enumerate(d.problem.network.nodes.values())}
    return sorted(order, key=lambda p: (-position.get(p.by.name, 0), p.by.index))


def _matrix(page: Page, d: Derivation, left: Partial) -> None:
    """A whole vector or matrix, in matrix form."""
    page.heading("In matrix form")
    received = d.program.received.get(d.name.name)
    entry = f"{d.name.name}[{','.join('1' for _ in d.problem.network.nodes[d.name.name].shape)}]"
    page.text(f'All entries at once; `backhand why SHEET "{entry}"` derives one of them path by path.')
    _inner(page, d, every_row=False)
    stack, seen = [received] if received is not None else [], set[str]()
    while stack:
        shares = stack.pop()
        for partial in (p for share in (shares.whole, *shares.entries.values()) for p in lookups(share)):
            following = d.program.received.get(partial.by.name)
            if partial.by.name not in seen and following is not None:
                seen.add(partial.by.name)
                stack.append(following)
    ordered = [n.name for n in d.program.order if n.name in seen and n.name != d.name.name]
    for line in own_lines(d.program, [*ordered, d.name.name]):
        if d.tape is None:
            page.add(Formula(line.left, line.letters))
        else:
            page.add(line_step(d.scene(d.rows[0]), line))
    if len(d.rows) > 1 and received is not None:
        page.text(f"That is row {d.rows[0]}; the other rows go the same way.")
    _answer(page, d)


def _dependence(page: Page, d: Derivation) -> None:
    if not d.depends_on:
        return
    page.heading("What it depends on")
    runs: list[str | Expr | float] = [d.left, " = fn("]
    for i, name in enumerate(d.depends_on[:40]):
        runs += [", " if i else "", Ref(name)]
    page.text(*runs, f", … {len(d.depends_on)} in all)" if len(d.depends_on) > 40 else ")")


def why_json(d: Derivation, digits: Digits) -> dict[str, Any]:
    """The derivation as `backhand.why/1`."""
    text = TextPrinter(digits, limit=12)
    formula = d.program.formula(d.name) if not d.whole else None
    received = d.program.received.get(d.name.name)
    if d.whole and received is not None:
        formula = received.whole
    collected: dict[str, Any] = {"formula": text(formula) if formula is not None else "0"}
    scene = d.scene(d.rows[0]) if d.tape is not None and d.rows else None
    if scene is not None and formula is not None:
        collected["substituted"] = text(scene.fill(formula))
    factored_form = factored([d.own_walk(p) for p in _letters(d)]) if not d.whole and d.complete else None
    collected["factored"] = text(factored_form) if factored_form is not None else None
    collected["lookups"] = [
        {"symbol": text(p), "value": _plain(scene.value(p)) if scene else None} for p in lookups(formula)
    ]
    collected["value"] = _plain(d.engine)
    left = d.left
    return {
        "schema": "backhand.why/1",
        "symbol": text(left),
        "name": text(d.name),
        "of": text(left.of),
        "row": d.rows[0] if d.for_row and d.rows else None,
        "epoch": d.moment.epoch if d.moment else None,
        "batch": d.moment.batch if d.moment else None,
        "paths": [_path_json(p, text) for p in d.paths] if d.complete else [],
        "path_count": d.path_count,
        "value": _plain(d.value),
        "collected": collected,
        "depends_on": list(d.depends_on),
    }


def _path_json(path: Path, text: TextPrinter) -> dict[str, Any]:
    factors = [
        {
            "symbol": text(f.symbol),
            "formula": text(f.edge.slope),
            "substituted": text(f.filled) if f.filled is not None else None,
            "value": f.value,
        }
        for f in path.factors
    ]
    return {"row": path.row, "factors": factors, "value": path.value}


def _plain(value: object) -> Any:
    if value is None:
        return None
    return np.asarray(value).tolist()
