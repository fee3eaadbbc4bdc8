"""Gradients that someone's own code gives: which is the first wrong one, by how much, and which slip gives it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..document.parts import Document, Page, Table
from ..engine.reference import starting_values
from ..engine.training import Step, whole_data
from ..errors import UsageError
from ..explain.ledger import GIVEN, LOCAL, SUM, Ledger
from ..network.build import Problem
from ..notation.expr import Expr, Ref
from .book import Book, Circular, Working
from .called import Array, call, named_gradients
from .library import Library
from .slips import SLIPS

CLOSE, CLOSE_SINGLE = 1e-6, 1e-3  # of the largest entry, as gradients in float64 and float32 agree
SAMPLE = 8  # entries of a gradient that a slip is tried on first
MOST_ENTRIES = 5000  # of parameters
MOST_HIDDEN = 1500  # quantities behind the sample
RIGHT, WRONG, MISSING, SHAPE, FOLLOWS = "right", "wrong", "missing", "wrong shape", "follows"


@dataclass(frozen=True)
class Finding:
    """One parameter's gradient.

    Attributes:
        error: the largest difference, in parts of the largest right entry.
        where: the worst entry; given and right there.
        cause, slip: what explains it, in words and by the name of the slip.
    """

    name: str
    verdict: str
    error: float = 0.0
    where: str = ""
    given: float = 0.0
    right: float = 0.0
    cause: str = ""
    slip: str = ""


@dataclass(frozen=True)
class GradientsChecked:
    """All of them, in the order of the work: the last layer first."""

    title: str
    findings: tuple[Finding, ...]
    convention: str
    tolerance: float

    @property
    def all_right(self) -> bool:
        return all(finding.verdict == RIGHT for finding in self.findings)

    @property
    def first_wrong(self) -> Finding | None:
        return next((finding for finding in self.findings if finding.verdict != RIGHT), None)


def check_function(function: Callable[..., Any], problem: Problem, tolerance: float | None = None) -> GradientsChecked:
    """Calls a backward pass and checks what it gives.

    Raises:
        UsageError, DataError: it cannot be called, or gives no gradients; whatever it raises itself.
    """
    return check_given(named_gradients(call(function, problem), problem.network), problem, tolerance)


def check_given(given: Mapping[str, Array], problem: Problem, tolerance: float | None = None) -> GradientsChecked:
    """Checks gradients by name.

    Args:
        tolerance: in parts of the largest right entry; 1e-6, or 1e-3 where all of them are float32's.
    """
    network = problem.network
    if network.cost is None or network.in_letters:
        raise UsageError("gradients need a cost and values", hint="add `cost C = …`, and values or a `start` line")
    if network.parameter_count > MOST_ENTRIES:
        raise UsageError(f"more than {MOST_ENTRIES:,} weights cannot be looked at one by one", hint="a smaller network")
    tape, gradients = whole_data(problem, starting_values(network))
    assert gradients is not None
    single = bool(given) and all(g.dtype == np.float32 for g in given.values())
    given = {name: np.asarray(g, np.float64) for name, g in given.items()}
    close = tolerance if tolerance is not None else CLOSE_SINGLE if single else CLOSE
    searcher = _Searcher(Ledger(problem, Step(1, 1, tape, gradients, None)), close)
    order = {name: place for place, name in enumerate(network.nodes)}
    used = {p.name: max((order[n.name] for n in network.consumers[p.name]), default=-1) for p in network.parameters}
    findings = []
    for node in sorted(network.parameters, key=lambda p: (-used[p.name], order[p.name])):
        right = gradients.totals[node.name]
        found = given.get(node.name)
        findings.append(_finding(node.name, found, np.asarray(right), searcher))
    everything = _all_alike(findings, given, gradients.totals, tape.count, close)
    return GradientsChecked(network.title, tuple(everything), network.cost.convention, close)


def _finding(name: str, found: Array | None, right: Array, searcher: _Searcher) -> Finding:
    if found is None:
        return Finding(name, MISSING, cause="no gradient is given")
    if found.shape != right.shape:
        turned = found.T if found.T.shape == right.shape else None
        if turned is not None and _apart(turned, right) <= searcher.close:
            return Finding(name, WRONG, cause="it is transposed", slip="W for its transpose")
        if found.size == right.size and found.squeeze().shape == right.squeeze().shape:
            found = found.reshape(right.shape)
        else:
            said = f"its shape is {found.shape}, and that of `{name}` {right.shape}"
            count = searcher.ledger.count
            if found.shape == (count, *right.shape) and count > 1:
                said += ": the rows are not added up"
            return Finding(name, SHAPE, cause=said)
    error = _apart(found, right)
    if error <= searcher.close:
        return Finding(name, RIGHT, error)
    size = np.abs(np.nan_to_num(found, nan=np.inf) - right)
    spot = np.unravel_index(int(np.argmax(size)), right.shape) if right.shape else ()
    where = f"{name}[{','.join(str(int(i) + 1) for i in spot)}]" if right.shape else name
    cause, slip, follows = searcher.cause(name, found, right)
    verdict = FOLLOWS if follows else WRONG
    return Finding(name, verdict, error, where, float(found[spot]), float(right[spot]), cause, slip)


def _apart(found: Array, right: Array) -> float:
    """The largest difference in parts of the largest right entry."""
    if not np.isfinite(found).all():
        return float("inf")
    size = float(np.max(np.abs(right), initial=0.0))
    return float(np.max(np.abs(found - right), initial=0.0)) / (size or 1.0)


def _factor(found: Array, right: Array, close: float) -> float | None:
    """k where found = k·right."""
    at = np.unravel_index(int(np.argmax(np.abs(right))), right.shape)
    if not right[at]:
        return None
    k = float(found[at] / right[at])
    return k if k and np.isfinite(k) and _apart(found, k * right) <= close * max(1.0, abs(k)) else None


def _all_alike(
    findings: list[Finding], given: Mapping[str, Array], right: Mapping[str, Array], count: int, close: float
) -> list[Finding]:
    """Where every gradient is off by the same factor, that is said instead."""
    wrong = [
        f for f in findings if f.verdict in (WRONG, FOLLOWS) and np.shape(given[f.name]) == np.shape(right[f.name])
    ]
    zero = [f for f in findings if f.verdict == RIGHT and np.any(right[f.name])]
    if not wrong or zero or len(wrong) < 2:
        return findings
    factors = [
        _factor(np.asarray(given[f.name]), np.asarray(right[f.name]), close) for f in wrong if np.any(right[f.name])
    ]
    if (
        not factors
        or factors[0] is None
        or any(k is None or abs(k - factors[0]) > 1e-4 * abs(factors[0]) for k in factors)
    ):
        return findings
    said, slip = _said_factor(factors[0], count)
    return [
        Finding(f.name, f.verdict, f.error, f.where, f.given, f.right, f"every gradient is {said}", slip)
        if f in wrong
        else f
        for f in findings
    ]


def _said_factor(k: float, count: int) -> tuple[str, str]:
    """A factor in words, and the slip that it is."""
    close = 1e-4
    size, sign = abs(k), "of the wrong sign and " if k < 0 else ""
    if abs(k + 1) < close:
        return "of the wrong sign", "sign"
    if count > 1 and abs(size - count) < close * count:
        return f"{sign}{count} times too large: the batch size N, by which the sum is to be divided", "sum for mean"
    if count > 1 and abs(size * count - 1) < close:
        return f"{sign}{count} times too small: it is divided by the batch size N", "mean for sum"
    if abs(size - 2) < close:
        return f"{sign}2 times too large: the factor 2 of the cost, or a ½", "factor 2 too many"
    if abs(size - 0.5) < close:
        return f"{sign}half of what it should be: the factor 2 of the cost", "factor 2 left out"
    return f"{sign}{size:.6g} times what it should be", "a factor"


class _Searcher:
    """Tries slips on whole gradients; a slip that was found is kept, so that what comes of it follows."""

    def __init__(self, ledger: Ledger, close: float) -> None:
        self.ledger, self.close = ledger, close
        self.book = Book(ledger, Working())
        self.library = Library(self.book)
        self.factors: list[float] = []
        self.kept: list[tuple[str, str, str, str, int]] = []  # families of edits that were found

    def cause(self, name: str, found: Array, right: Array) -> tuple[str, str, bool]:
        """What explains a gradient, the slip's name, and whether it is the slip of an earlier gradient."""
        if (
            found.shape == right.shape
            and found.ndim == 2
            and found.shape[0] == found.shape[1]
            and _apart(found.T, right) <= self.close
        ):
            return "it is transposed", "W for its transpose", False
        if not np.isfinite(found).all():
            return "it is not a number" if np.isnan(found).any() else "it is infinite", "not finite", False
        if not np.any(found):
            return "it is 0", "not worked", False
        entries = self._sample(name, right)
        groups = self._groups(entries)
        for family in self.kept:
            if self._fits(self._edits([family], groups), entries, found):
                return "it follows from the slip before", SLIPS[family[3]].name, True
        k = _factor(found, right, self.close)
        if k is not None and (found.size > 1 or self._usual(k)):
            said, slip = _said_factor(k, self.ledger.count)
            again = any(abs(k - other) <= 1e-4 * abs(other) for other in self.factors)
            self.factors.append(k)
            return ("it follows: it is " if again else "it is ") + said, slip, again
        off = np.abs(found - right) > self.close * float(np.max(np.abs(right), initial=0.0))
        if not off.all() and not np.any(found[off]):
            return (
                "some of its entries are 0, and the others right: a path or an output is left out",
                "output left out",
                False,
            )
        if found.size > 1 and _apart(np.sort(found, axis=None), np.sort(right, axis=None)) <= self.close:
            return "its entries are right, and stand in another order", "another order", False
        rows = self.ledger.step.gradients
        assert rows is not None
        for row, one in enumerate(rows.rows(name)):
            if self.ledger.count > 1 and self._of_row(found, np.asarray(one)):
                return f"it is of row {self.ledger.rows[row]} alone", "gradient of one row", False
        tried = []
        for (kind, ref, of), keys in groups.items():
            counts: dict[str, int] = {}
            for variant in self.library.variants(keys[0]):
                counts[variant.slip] = counts.get(variant.slip, 0) + 1
                if not variant.general:
                    tried.append((kind, ref, of, variant.slip, counts[variant.slip] - 1))
        tried.sort(key=lambda family: -SLIPS[family[3]].prior)
        for family in tried:
            edits = self._edits([family], groups)
            if self._fits(edits, entries, found):
                self.kept.append(family)
                return self._said(family, groups), family[3], False
        return (
            (f"it is {_said_factor(k, self.ledger.count)[0]}", "a factor", False) if k is not None else ("", "", False)
        )

    def _usual(self, k: float) -> bool:
        """A factor that is a slip by itself, even of a single number."""
        count = self.ledger.count
        return any(abs(abs(k) - usual) < 1e-6 * usual for usual in (1.0, 2.0, 0.5, float(count), 1.0 / count))

    def _of_row(self, found: Array, one: Array) -> bool:
        """Whether a gradient is that of a single row, as it is or divided by N."""
        k = _factor(found, one, self.close)
        return k is not None and any(abs(k - usual) < 1e-6 for usual in (1.0, 1.0 / self.ledger.count))

    def _sample(self, name: str, right: Array) -> list[Ref]:
        """Entries to try slips on: the largest ones, and some others."""
        entries = self.ledger.entries(name)
        order = np.argsort(-np.abs(right).reshape(-1), kind="stable")
        half = SAMPLE // 2
        chosen = dict.fromkeys([*order[:half].tolist(), *order[:: max(1, len(order) // half)].tolist()])
        return [entries[k] for k in list(chosen)[:SAMPLE]]

    def _groups(self, entries: list[Ref]) -> dict[tuple[str, str, str], list[str]]:
        """The quantities behind some entries, those of one node together."""
        order = [self.ledger.total(ref) for ref in entries]
        seen = set(order)
        for key in order:
            if len(order) > MOST_HIDDEN:
                break
            for parent in self.book.parents(key):
                inner = parent.removeprefix(SUM)
                if inner not in seen and self.ledger[inner].kind != GIVEN:
                    seen.add(inner)
                    order.append(inner)
        groups: dict[tuple[str, str, str], list[str]] = {}
        for key in order:
            quantity = self.ledger[key]
            if quantity.kind in ("value", "own", "cost"):
                continue  # the way forward is taken to be right: gradients are checked at its numbers
            groups.setdefault((quantity.kind, quantity.ref.name, quantity.of.name if quantity.of else ""), []).append(
                key
            )
        return groups

    def _edits(
        self, families: list[tuple[str, str, str, str, int]], groups: Mapping[tuple[str, str, str], list[str]]
    ) -> dict[str, Expr]:
        edits = {}
        for kind, ref, of, slip, number in families:
            for key in groups.get((kind, ref, of), ()):
                same = [v for v in self.library.variants(key) if v.slip == slip]
                if number < len(same):
                    edits[key] = same[number].flat
        return edits

    def _fits(self, edits: dict[str, Expr], entries: list[Ref], found: Array) -> bool:
        if not edits:
            return False
        book = self.book.with_edits(edits)
        size = float(np.max(np.abs(found), initial=0.0))
        exact = True
        try:
            for ref in entries:
                value = float(book.number(self.ledger.total(ref)).numbers[0])
                exact = exact and abs(value - float(self.ledger.exact(self.ledger.total(ref))[0])) <= self.close * size
                if not np.isfinite(value) or abs(value - float(found[ref.place])) > self.close * size:
                    return False
        except (Circular, KeyError):
            return False
        return not exact

    def _said(self, family: tuple[str, str, str, str, int], groups: Mapping[tuple[str, str, str], list[str]]) -> str:
        """A slip of a whole layer in words."""
        kind, ref, of, slip, number = family
        keys = groups[(kind, ref, of)]
        same = [v for v in self.library.variants(keys[0]) if v.slip == slip]
        text = same[number].text
        if len(keys) > 1:  # of a whole layer: without the numbers of its units
            text = re.sub(r"\[[\d,]+\]", "", text)
        if slip.startswith(("activation", "mask", "derivative", "another activation")):
            unit = of if kind == LOCAL else self._unit(keys[0])
            return f"it is right up to the derivative ∂{unit}/∂{ref} of this layer: {text}"
        return text

    def _unit(self, key: str) -> str:
        """The node through which a δ comes."""
        users = self.ledger.users(self.ledger[key].ref)
        return users[0].name if users and users[0] is not None else "the cost"


def gradients_document(found: GradientsChecked) -> Document:
    page = Page(f"Gradients of {found.title or 'a network'}, given by a function")
    page.heading(page.title, 1)
    page.note(f"The cost is {found.convention}. Close enough is {found.tolerance:g} of the largest entry.")
    first = found.first_wrong
    if first is None:
        page.text(f"All {len(found.findings)} gradients are right.", kind="good")
    else:
        page.heading("The first wrong gradient")
        page.text(
            f"d{first.name} is {first.verdict}: {first.cause or 'no slip of the library gives it'}.", kind="warning"
        )
        if first.where:
            page.text(
                f"At {first.where} it is ", first.given, "; right is ", first.right, f" (off by {first.error:.2g})."
            )
    rows = tuple((f"d{f.name}", f.verdict, f"{f.error:.2g}" if f.error else "", f.cause) for f in found.findings)
    page.heading("Every gradient")
    page.add(Table(("", "", "off by", ""), rows))
    return page.done()


def gradients_json(found: GradientsChecked) -> dict[str, Any]:
    """As `backhand.check-gradients/1`."""
    first = found.first_wrong
    return {
        "schema": "backhand.check-gradients/1",
        "title": found.title or None,
        "tolerance": found.tolerance,
        "first_wrong": first.name if first else None,
        "gradients": [
            {"name": f.name, "verdict": f.verdict, "error": f.error if np.isfinite(f.error) else None,
             "where": f.where or None,
             "given": f.given if np.isfinite(f.given) else None, "expected": f.right, "cause": f.cause or None,
             "slip": f.slip or None}
            for f in found.findings
        ],
    }  # fmt: skip
