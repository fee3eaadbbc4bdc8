"""What explains a wrong number: slips of its step, of steps before it that were not written down, and of digits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..explain.ledger import GIVEN, SUM
from ..notation.expr import Expr
from .book import Book, Circular, Known
from .library import Library
from .marking import WRONG, Cause, Mark, Marking, judge
from .numeric import by_digits, difference
from .slips import SLIPS, Slip
from .target import Candidate, Target

MOST_HIDDEN = 40  # steps before a wrong one that are looked at
MOST_ADOPTED = 12  # slips that are followed through one sheet
MOST_CAUSES = 4
MOST_SHARED = 5  # slips before a wrong number that are tried on the others
MOST_PAIRS = 600
MOST_WORK = 60_000  # numbers looked up while one wrong number is explained
MOST_EXPLAINED = 60  # wrong numbers of one sheet
AS_LIKELY = 4  # a slip this common may be meant where it fits
UNCOMMON = Slip("", 0)
CHANCE = 0.2  # a match is said to be one only where fewer than so many would happen by chance


def explain(marking: Marking) -> None:
    """Finds causes for the wrong marks, the first ones first; a slip in a step that was not written down is followed
    through, so that what comes of it is not counted again."""
    edits: dict[int, dict[str, Expr]] = {}
    charged: dict[int, tuple[Mark, dict[str, Any]]] = {}
    seen: set[int] = set()
    for _ in range(MOST_ADOPTED):
        adopted = False
        for one in marking.order():
            if one.verdict != WRONG or id(one) in seen:
                continue
            if len(seen) >= MOST_EXPLAINED:
                break
            seen.add(id(one))
            found = search(marking, one)
            found = _shared(marking, one, found, edits, charged)
            one.causes, one.ambiguous = _told(found)
            if not found or not found[0].edits:
                continue
            said = {
                "causes": one.causes,
                "ambiguous": one.ambiguous,
                "own": one.own,
                "degenerate": False,
                "hidden": True,
            }
            before = _wrong(marking, charged)
            trial = {**edits, one.step: {**edits.get(one.step, {}), **found[0].edits}}
            if _fewer(marking, trial, charged, before):
                edits, adopted = trial, True
                charged[id(one)] = one, {"verdict": WRONG, **said}
                break
            judge(marking, edits)  # type: ignore[arg-type]
        _charge(marking, charged)
        if not adopted:
            break
    _repeated(marking)


def _shared(
    marking: Marking,
    one: Mark,
    found: list[Candidate],
    edits: dict[int, dict[str, Expr]],
    charged: dict[int, tuple[Mark, dict[str, Any]]],
) -> list[Candidate]:
    """The slips with one at the front that explains other wrong numbers too: a slip in a step that was not written
    down is likelier than the same slip in each of several."""
    others = [c for c in found if c.edits][:MOST_SHARED]
    before = _wrong(marking, charged)
    if before < 2 or not others:
        return found
    counts: dict[int, int] = {}
    for candidate in others:
        trial = {**edits, one.step: {**edits.get(one.step, {}), **candidate.edits}}
        try:
            judge(marking, trial)  # type: ignore[arg-type]
            counts[id(candidate)] = _wrong(marking, charged)
        except Circular:
            continue
    judge(marking, edits)  # type: ignore[arg-type]
    _restore(charged)
    best = min(others, key=lambda c: counts.get(id(c), before))
    if counts.get(id(best), before) > before - 2:
        return found
    return [best, *(c for c in found if c is not best)]


def _restore(charged: dict[int, tuple[Mark, dict[str, Any]]]) -> None:
    for one, said in charged.values():
        for name, value in said.items():
            setattr(one, name, value)


def _fewer(marking: Marking, trial: dict[int, dict[str, Expr]], charged: Mapping[int, Any], before: int) -> bool:
    """Whether less is wrong when a slip is followed through."""
    try:
        judge(marking, trial)  # type: ignore[arg-type]
    except Circular:
        return False
    return _wrong(marking, charged) < before


def _wrong(marking: Marking, charged: Mapping[int, Any]) -> int:
    return sum(one.verdict == WRONG and id(one) not in charged for one in marking.marks)


def _charge(marking: Marking, charged: dict[int, tuple[Mark, dict[str, Any]]]) -> None:
    """The mark by which a hidden slip was found stays wrong."""
    _restore(charged)
    marking.first = next((one for one in marking.order() if one.verdict == WRONG), None)


def _repeated(marking: Marking) -> None:
    """The same slip in another row or entry of the same number is said to be the same."""
    told: set[tuple[int, str, str]] = set()  # the step, the kind of number, the slip
    for one in marking.order():
        if one.verdict == WRONG and one.causes:
            quantity = marking.quantity(one)
            of = quantity.of.name if quantity.of else ""
            mark = (one.step, f"{quantity.kind} {quantity.ref.name} {of}", one.causes[0].slip)
            one.again = mark in told
            told.add(mark)


def _told(found: list[Candidate]) -> tuple[tuple[Cause, ...], bool]:
    """The causes to be named, each number and slip once; whether several are as likely."""
    causes: dict[str, Candidate] = {}
    for one in found:
        causes.setdefault(one.cause.slip, one)
    ranked = list(causes.values())
    likely = [one for one in ranked if SLIPS.get(one.cause.slip, UNCOMMON).prior >= AS_LIKELY]
    ambiguous = len(likely) > 1
    ranked = (likely or ranked)[:MOST_CAUSES]
    return tuple(one.cause for one in ranked), ambiguous


def search(marking: Marking, one: Mark) -> list[Candidate]:
    """The slips that give a wrong number, the likeliest first."""
    book, library = marking.books[one.step], Library(marking.books[one.step])
    target = Target(marking, one)
    found: list[Candidate] = []
    tried = work = 0
    for away, (key, chain) in enumerate(hidden(book, one)):
        fresh = Book(book.ledger, book.working, book.before, book.written, book.edits, sharp=True)
        fresh.known = {k: v for k, v in book.known.items() if k not in chain}
        effort = sum(len(book.parents(k)) for k in chain if not k.startswith(SUM)) or 1
        if work > MOST_WORK:
            break
        for variant in library.variants(key):
            if away and variant.general:
                continue
            tried += 1
            work += effort
            if work > MOST_WORK:
                break
            value = _value(fresh, one, key, variant.flat, chain)
            if value is None or not target.meets(value):
                continue
            edits = {} if key == one.key else {key: variant.flat}
            cause = Cause(variant.slip, variant.text, target.shown(value), library.said(key))
            score = SLIPS[variant.slip].prior - 0.4 * min(away, 12) - target.loose(value)
            found.append(Candidate(cause, edits, score, away))
    found += _everywhere(marking, one, library, target)
    found += _rounded_parents(book, one, target, library)
    likely = tried * target.window
    found.sort(key=lambda c: -c.score)
    if likely > CHANCE:  # of so many numbers some would have met it by chance: only what is common is named
        least = 6 if likely < 2 else 8
        found = [c for c in found if SLIPS[c.cause.slip].prior >= least and c.away < 2]
    found = sorted(found + difference(book, one, target) + by_digits(one, target), key=lambda c: -c.score)
    if not found and one.typed.figures >= 4:
        found = _pairs(book, one, library, target)
    return found


def hidden(book: Book, one: Mark) -> Iterator[tuple[str, set[str]]]:
    """The steps behind a number that were not written down, the nearest first, its own the first of all; with each the
    keys from it to the number."""
    users: dict[str, set[str]] = {one.key: set()}
    order = [one.key]
    for key in order:
        if len(order) > MOST_HIDDEN:
            break
        for parent in book.parents(key):
            links = {key, parent} if parent.startswith(SUM) else {key}
            inner = parent.removeprefix(SUM)
            quantity = book.ledger[inner]
            written = book.written.get(inner)
            if quantity.kind == GIVEN or (written is not None and written.mask.all()):
                continue
            if written is not None and quantity.by_row and not parent.startswith(SUM) and written.mask[one.position]:
                continue
            if inner not in users:
                users[inner] = set()
                order.append(inner)
            users[inner] |= links
    for key in order[:MOST_HIDDEN]:
        chain, waiting = set[str](), [key]
        while waiting:
            now = waiting.pop()
            if now not in chain:
                chain.add(now)
                waiting.extend(users.get(now, ()))
        yield key, chain


def _value(book: Book, one: Mark, key: str, flat: Expr, chain: set[str]) -> tuple[float, float] | None:
    """What a number becomes when one step before it is worked otherwise."""
    try:
        if key == one.key:
            found = book.predicted(key, flat)
        else:
            other = Book(book.ledger, book.working, book.before, book.written, {**book.edits, key: flat}, sharp=True)
            other.known = {k: v for k, v in book.known.items() if k not in chain}
            found = other.predicted(one.key)
            book.known.update({k: v for k, v in other.known.items() if k not in chain})
    except (Circular, KeyError, OverflowError):
        return None
    return _entry(found, one.position)


def _entry(found: Known, position: int) -> tuple[float, float]:
    at = min(position, len(found.numbers) - 1)
    return float(found.numbers[at]), float(found.spread[at])


def _everywhere(marking: Marking, one: Mark, library: Library, target: Target) -> list[Candidate]:
    """A slip made in every step that was not written down."""
    book = marking.books[one.step]
    groups: dict[str, dict[str, Expr]] = {}
    for key, _ in hidden(book, one):
        counts: dict[str, int] = {}
        for variant in library.variants(key):
            if variant.general or not SLIPS[variant.slip].everywhere:
                continue
            counts[variant.slip] = counts.get(variant.slip, 0) + 1
            groups.setdefault(f"{variant.slip} {counts[variant.slip]}", {})[key] = variant.flat
    found = []
    for name, edits in groups.items():
        if len(edits) < 2 or len(edits) > MOST_HIDDEN // 2:
            continue
        slip = name.rpartition(" ")[0]
        try:
            other = book.with_edits({k: v for k, v in edits.items() if k != one.key})
            value = _entry(other.predicted(one.key, edits.get(one.key)), one.position)
        except (Circular, KeyError):
            continue
        if target.meets(value):
            cause = Cause(slip, f"{slip}, in {len(edits)} steps", target.shown(value), "every layer")
            hidden_edits = {k: v for k, v in edits.items() if k != one.key}
            found.append(Candidate(cause, hidden_edits, SLIPS[slip].prior - 1 - target.loose(value), 1))
    return found


def _pairs(book: Book, one: Mark, library: Library, target: Target) -> list[Candidate]:
    """Two slips at once, among the commoner ones of the nearest steps."""
    near = []
    for key, chain in list(hidden(book, one))[:5]:
        common = [v for v in library.variants(key) if SLIPS[v.slip].prior >= 6 and not v.general]
        near += [(key, chain, variant) for variant in common[:14]]
    found: list[Candidate] = []
    tried = 0
    for i, (key, chain, first) in enumerate(near):
        for other_key, other_chain, second in near[i + 1 :]:
            if key == other_key or tried >= MOST_PAIRS:
                continue
            tried += 1
            edits = {key: first.flat, other_key: second.flat}
            trial = Book(book.ledger, book.working, book.before, book.written, {**book.edits, **edits}, sharp=True)
            trial.known = {k: v for k, v in book.known.items() if k not in chain | other_chain}
            try:
                value = _entry(trial.predicted(one.key), one.position)
            except (Circular, KeyError):
                continue
            if target.meets(value):
                text = f"{first.text}, and {second.text}"
                cause = Cause(f"{first.slip} and {second.slip}", text, target.shown(value), library.said(key))
                hidden_edits = {k: v for k, v in edits.items() if k != one.key}
                score = (SLIPS[first.slip].prior + SLIPS[second.slip].prior) / 2 - 3 - target.loose(value)
                found.append(Candidate(cause, hidden_edits, score, 1))
    if tried * target.window > CHANCE:
        return []
    return sorted(found, key=lambda c: -c.score)


def _rounded_parents(book: Book, one: Mark, target: Target, library: Library) -> list[Candidate]:
    """A number that went in rounded to fewer digits than were written down."""
    found = []
    at = one.position
    for parent in book.parents(one.key):
        if parent.startswith(SUM) or book.ledger[parent].kind == GIVEN:
            continue
        known = book.number(parent)
        number = float(known.numbers[min(at, len(known.numbers) - 1)])
        for figures in (1, 2, 3, 4):
            rounded = float(f"{number:.{figures - 1}e}")
            if rounded == number:
                break
            other = Book(book.ledger, book.working, book.before, book.written, book.edits)
            other.known = dict(book.known)
            numbers = known.numbers.copy()
            numbers[min(at, len(numbers) - 1)] = rounded
            other.known[parent] = Known(numbers, np.zeros(len(numbers)), known.tainted)
            value = _entry(other.predicted(one.key), at)
            if target.meets(value):
                many = "s" if figures > 1 else ""
                text = f"{library.said(parent)} was rounded to {figures} figure{many} before it went in"
                cause = Cause("rounded on the way", text, target.shown(value), library.said(parent))
                found.append(Candidate(cause, {}, SLIPS["rounded on the way"].prior + 1 - target.loose(value), 0))
                break
    return found
