"""What explains a wrong number: slips of its step, of steps before it that were not written down, and of digits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..notation.expr import Expr
from .book import NOISE, Book, Circular, Known
from .ledger import GIVEN, SUM
from .library import Library
from .marking import FOLLOWS, ROUNDED, WRONG, Cause, Mark, Marking, judge
from .numbers import Typed
from .slips import SLIPS, Slip

MOST_HIDDEN = 40  # steps before a wrong one that are looked at
MOST_ADOPTED = 12  # slips that are followed through one sheet
MOST_CAUSES = 4
MOST_PAIRS = 600
AS_LIKELY = 4  # a slip this common may be meant where it fits
UNCOMMON = Slip("", 0)
CHANCE = 0.2  # a match is said to be one only where fewer than so many would happen by chance


@dataclass(frozen=True, eq=False)
class Candidate:
    """A slip that would give the number."""

    cause: Cause
    edits: dict[str, Expr]
    score: float
    away: int


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
            seen.add(id(one))
            found = search(marking, one)
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
    for one, said in charged.values():
        for name, value in said.items():
            setattr(one, name, value)
    marking.first = next((one for one in marking.order() if one.verdict == WRONG), None)


def _repeated(marking: Marking) -> None:
    """The same slip in the same step of another row is said to be the same."""
    told: set[tuple[int, str, str]] = set()
    for one in marking.order():
        if one.verdict == WRONG and one.causes:
            mark = (one.step, one.key, one.causes[0].slip)
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
    tried = 0
    for away, (key, chain) in enumerate(hidden(book, one)):
        fresh = Book(book.ledger, book.working, book.before, book.written, book.edits)
        fresh.known = {k: v for k, v in book.known.items() if k not in chain}
        for variant in library.variants(key):
            if away and variant.general:
                continue
            tried += 1
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
    if (
        likely > CHANCE
    ):  # so many numbers were tried that some would have met it by chance: only what is common is named
        least = 6 if likely < 2 else 8
        found = [c for c in found if SLIPS[c.cause.slip].prior >= least and c.away < 2]
    found = sorted(found + _by_digits(one, target), key=lambda c: -c.score)
    if not found and one.typed.figures >= 4:
        found = _pairs(book, one, library, target)
    return found


class Target:
    """A wrong number, and how near another one must come to be taken for it."""

    def __init__(self, marking: Marking, one: Mark) -> None:
        self.one, self.given = one, one.typed.value * one.scale
        self.half = marking.tolerance.half(one.typed, one.right) * one.scale if one.typed.value else 0.0
        self.right = marking.books[one.step].predicted(one.key)
        at = min(one.position, len(self.right.numbers) - 1)
        self.expected, self.spread = float(self.right.numbers[at]), float(self.right.spread[at])
        size = max(abs(self.given - self.expected), 1e-300)
        self.window = min(1.0, (self.half + self.spread) / size)  # how likely a number of that size meets it

    def meets(self, value: tuple[float, float]) -> bool:
        number, spread = value
        if not np.isfinite(number):
            return False
        apart = self.half + min(spread, 4 * self.spread + self.half)
        if abs(number - self.expected) <= apart:  # no slip at all
            return False
        return abs(number - self.given) <= apart + NOISE * abs(number)

    def loose(self, value: tuple[float, float]) -> float:
        """How far a number that meets it is off, in parts of what is allowed."""
        return abs(value[0] - self.given) / (self.half + value[1] + 1e-300)

    def shown(self, value: tuple[float, float]) -> float:
        return value[0] / self.one.scale


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
            other = Book(book.ledger, book.working, book.before, book.written, {**book.edits, key: flat})
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
        if len(edits) < 2:
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
            trial = Book(book.ledger, book.working, book.before, book.written, {**book.edits, **edits})
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


# --- slips of digits ------------------------------------------------------------------------------------------


def _by_digits(one: Mark, target: Target) -> list[Candidate]:
    """Slips that are made with the number itself."""
    typed, right = one.typed, target.expected / one.scale
    name = one.name
    found = []

    def add(slip: str, text: str, gives: float) -> None:
        found.append(Candidate(Cause(slip, text, gives, name), {}, SLIPS[slip].prior, 0))

    if typed.figures >= 8 and 0 < abs(typed.value - right) <= 2e-6 * abs(right):
        add("float32", "worked in float32", float(np.float32(right)))
    if typed.unit and typed.figures < 16 and typed.value:
        if 0 <= (abs(right) - abs(typed.value)) < typed.unit * (1 + 1e-9) and typed.value * right >= 0:
            add("digits cut", f"the digits of {name} are cut, not rounded", typed.value)
        shown = _as_shown(right, typed)
        given = _digits(typed.text)
        if shown and given and (typed.value < 0) == (right < 0):
            expected = _digits(shown)
            if len(given) == len(expected):
                apart = [k for k, (a, b) in enumerate(zip(given, expected, strict=True)) if a != b]
                point_same = _point(typed.text) == _point(shown)
                if not point_same and not apart:
                    add("decimal point moved", f"the decimal point of {name} has moved", right)
                elif (
                    point_same
                    and len(apart) == 2
                    and apart[1] == apart[0] + 1
                    and given[apart[0]] == expected[apart[1]]
                    and given[apart[1]] == expected[apart[0]]
                ):
                    add("two digits swapped", f"two digits of {name} are swapped: {shown}", right)
                elif point_same and len(apart) == 1 and len(given) > 2:
                    add("digit miscopied", f"one digit of {name} is another one: {shown}", right)
            ratio = typed.value / right if right else 0.0
            if not found and ratio > 0:
                power = round(np.log10(ratio))
                if (
                    power
                    and abs(typed.value / 10.0**power - right)
                    <= typed.unit / 2 * 10.0**-power * (1 + 1e-6) + target.spread
                ):
                    add("decimal point moved", f"the decimal point of {name} has moved", right)
    return found


def _as_shown(number: float, typed: Typed) -> str:
    """A number with as many digits as another one was typed with."""
    if "e" in typed.text.lower() or "/" in typed.text:
        return ""
    text = typed.text.lstrip("+-−")
    decimals = len(text.replace(",", ".").partition(".")[2])
    return f"{abs(number):.{decimals}f}"


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit()).lstrip("0")


def _point(text: str) -> int:
    """How many digits stand behind the point."""
    return len(text.replace(",", ".").partition(".")[2])


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


__all__ = ["FOLLOWS", "ROUNDED", "explain"]
