"""A marked sheet as a page and as plain data (`backhand.check/1`)."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from ..document.parts import Document, Inline, Page, Step, Table
from ..explain.ledger import SUM
from ..notation.expr import Call, Expr, Num, Ref, leaves, rewrite
from ..notation.numbers import FULL, Digits
from ..notation.text import TextPrinter
from .book import _special
from .marking import BLANK, FOLLOWS, INVALID, RIGHT, ROUNDED, VERDICTS, WRONG, Mark, Marking
from .points import points as points_of_all
from .points import summary
from .slips import put_expr

SHOWN = {
    RIGHT: "✓ right",
    ROUNDED: "✓ right but rounded",
    FOLLOWS: "→ follows",
    WRONG: "✗ wrong",
    BLANK: "– blank",
    INVALID: "? invalid",
}
MOST_ROWS = 12  # of a sum that is written out
MOST_TOLD = 12  # wrong numbers with their working


def counts(marking: Marking) -> dict[str, int]:
    """How many numbers have each verdict."""
    found = Counter(mark.verdict for mark in marking.marks)
    found.update(verdict for verdict, _ in marking.problems.values())
    return {verdict: found[verdict] for verdict in VERDICTS}


def marking_document(marking: Marking, title: str = "", points: bool = False) -> Document:
    """The page: what is right, the first wrong step with the working that should have been there, every answer."""
    network = marking.problem.network
    page = Page(title or f"Marking: {network.title or 'a network'}")
    page.heading(page.title, 1)
    found = {verdict: n for verdict, n in counts(marking).items() if n}
    page.text(", ".join(f"{n} {verdict}" for verdict, n in found.items()) + ".")
    page.note(
        f"{marking.tolerance.said[0].upper()}{marking.tolerance.said[1:]}; {_rounding(marking)}."
        " `follows` is the right method on an earlier wrong number."
    )
    if network.cost is not None:
        page.note(f"The cost is {network.cost.convention}.")
    wrong = [mark for mark in marking.order() if mark.verdict == WRONG]
    if marking.first is not None:
        page.heading("The first wrong step")
        _told(page, marking, marking.first)
    elif marking.answers and all(answer.blank for answer in marking.answers):
        page.text("Nothing is filled in.", kind="warning")
    elif marking.all_right:
        page.text("Everything that was handed in is right.", kind="good")
    rest = [mark for mark in wrong if mark is not marking.first]
    if rest:
        page.heading("Other wrong steps")
        for mark in rest[:MOST_TOLD]:
            _told(page, marking, mark)
        if len(rest) > MOST_TOLD:
            page.note(f"and {len(rest) - MOST_TOLD} more")
    if points:
        page.heading("Points")
        page.text(summary(marking))
        worth = points_of_all(marking)
        rows = tuple((p.name, f"{p.got:g} of {p.of:g}", p.why) for p in worth)
        page.add(Table(("", "points", "for"), rows))
    page.heading("Every answer")
    page.add(_table(marking))
    return page.done()


def _rounding(marking: Marking) -> str:
    working = marking.working
    if working.decimals is not None:
        digits = f"{working.decimals} decimals or {working.figures} figures"
        return f"what was not written down may have been rounded to {digits}"
    if working.figures is not None:
        return f"what was not written down may have been rounded to {working.figures} figures"
    return "nothing needed rounding"


def _told(page: Page, marking: Marking, mark: Mark) -> None:
    row = marking.ledgers[mark.step].rows[mark.position] if marking.quantity(mark).by_row else None
    where = f" (row {row})" if row is not None and "@" not in mark.name else ""
    runs: list[Inline] = [f"{mark.name} = {mark.typed.text}{where} is wrong"]
    if mark.own is not None and not math.isclose(mark.own, mark.right, rel_tol=1e-12):
        runs += [": from the numbers before it ", float(mark.own), " would follow; right is ", float(mark.right), "."]
    else:
        runs += ["; right is ", float(mark.right), "."]
    page.text(*runs, kind="warning")
    page.add(working_step(marking, mark))
    if mark.again:
        page.note(f"The same slip once more: {mark.causes[0].text}.")
        return
    for position, cause in enumerate(mark.causes):
        lead = (
            "Either"
            if mark.ambiguous and not position
            else "or"
            if mark.ambiguous
            else "Cause"
            if not position
            else "less likely"
        )
        page.text(f"{lead}: {cause.text}; this gives ", float(cause.gives), ".")
    if not mark.causes:
        page.note("No slip of the library gives this number.")


def working_step(marking: Marking, mark: Mark) -> Step:
    """The line of working that should have been there, from the person's own numbers."""
    quantity = marking.quantity(mark)
    book = marking.plain(mark.step) if mark.hidden else marking.books[mark.step]
    at = mark.position

    def number(key: str) -> float:
        found = book.number(key).numbers
        return float(found[min(at, len(found) - 1)])

    def fill(part: Expr) -> Expr | None:
        if type(part) is not Ref:
            return None
        special = _special(part.name)
        if special and special[0] == SUM:
            rows = book.number(special[2]).numbers
            if len(rows) <= MOST_ROWS:
                return Num(float(rows[0])) if len(rows) == 1 else Call("add", tuple(Num(float(v)) for v in rows))
        return Num(number(part.name))

    ledger = marking.ledgers[mark.step]
    flat = quantity.flat
    if flat is None:
        return Step(quantity.left, None, (Num(mark.right),), mark.right, "given")
    for leaf in [leaf.name for leaf in leaves(flat) if type(leaf) is Ref]:
        if leaf.startswith("∂") and ledger[leaf].of is None and leaf not in book.written:  # of the cost: written out
            inner = ledger[leaf].flat
            assert inner is not None
            flat = put_expr(flat, leaf, inner)
    found = book.predicted(mark.key).numbers
    value = float(found[min(at, len(found) - 1)])
    filled = rewrite(flat, fill)
    left = quantity.left
    if quantity.kind == "new":
        left = Ref(f"{mark.key.removeprefix('new ')}'")
    return Step(left, quantity.letters, (filled,), value)


def _table(marking: Marking) -> Table:
    show = TextPrinter(Digits())
    rows: list[tuple[Any, ...]] = []
    for index, answer in enumerate(marking.answers):
        marks = [mark for mark in marking.marks if mark.answer == index]
        if not marks:
            verdict, why = marking.problems.get(index, (INVALID, ""))
            rows.append((answer.name, answer.given or "", SHOWN[verdict], "", why))
        for mark in marks:
            said = f"here {show.number(mark.own)}" if mark.own is not None and mark.verdict == FOLLOWS else ""
            if mark.verdict == WRONG and mark.causes:
                said = mark.causes[0].text + (" (or another slip)" if mark.ambiguous else "")
            said = said + (", which shows nothing" if mark.degenerate else "")
            first = "◂ first" if mark is marking.first else ""
            rows.append((mark.name, mark.typed.text, SHOWN[mark.verdict], float(mark.right), f"{first} {said}".strip()))
    return Table(("name", "given", "verdict", "right", ""), tuple(rows))


def marking_json(marking: Marking) -> dict[str, Any]:
    """The marking as `backhand.check/1`."""
    text = TextPrinter(FULL)
    answers = []
    for index, answer in enumerate(marking.answers):
        marks = [mark for mark in marking.marks if mark.answer == index]
        verdict = marking.verdict(index)
        one: dict[str, Any] = {"name": answer.name, "given": answer.given, "verdict": verdict}
        if index in marking.problems:
            answers.append(
                one | {"expected": None, "step": None, "causes": [], "reason": marking.problems[index][1] or None}
            )
            continue
        first = max(marks, key=lambda mark: VERDICTS.index(mark.verdict))
        one |= {
            "expected": first.right if len(marks) == 1 else [mark.right for mark in marks],
            "follows": first.own if len(marks) == 1 else [mark.own for mark in marks],
            "step": _said_step(marking, first, text),
            "causes": [_cause(cause) for cause in first.causes],
            "ambiguous": first.ambiguous, "again": first.again, "degenerate": first.degenerate,
        }  # fmt: skip
        if len(marks) > 1:
            one["entries"] = [
                {"name": m.name, "given": m.typed.text, "verdict": m.verdict, "expected": m.right,
                 "causes": [_cause(c) for c in m.causes]} for m in marks
            ]  # fmt: skip
        answers.append(one)
    first_wrong = marking.first
    network = marking.problem.network
    return {
        "schema": "backhand.check/1",
        "title": network.title or None,
        "convention": network.cost.convention if network.cost else None,
        "tolerance": marking.tolerance.said,
        "rounding": _rounding(marking),
        "counts": counts(marking),
        "points": [{"name": p.name, "got": p.got, "of": p.of, "for": p.why} for p in points_of_all(marking)],
        "summary": summary(marking),
        "first_wrong": None if first_wrong is None else {
            "name": first_wrong.name, "given": first_wrong.typed.text, "expected": first_wrong.right,
            "step": _said_step(marking, first_wrong, text), "causes": [_cause(c) for c in first_wrong.causes],
        },
        "answers": answers,
    }  # fmt: skip


def _cause(cause: Any) -> dict[str, Any]:
    gives = float(cause.gives)
    return {"slip": cause.slip, "text": cause.text, "gives": gives if np.isfinite(gives) else None, "at": cause.at}


def _said_step(marking: Marking, mark: Mark, text: TextPrinter) -> str:
    printed = working_step(marking, mark).printed(Digits())
    return text(printed.left) + "".join(f" {sign} {text(expr)}" for sign, expr in printed.links)
