"""Slips that are made with the number itself: its digits, its rounding, a difference in place of a derivative."""

from __future__ import annotations

import numpy as np

from ..engine.reference import forward
from ..errors import BackhandError
from ..explain.ledger import DELTA, TOTAL
from .book import Book
from .marking import Cause, Mark
from .numbers import Typed
from .slips import SLIPS
from .target import Candidate, Target

STEPS = (0.1, 0.01, 1e-3, 1e-4, 1e-5)  # of finite differences


def difference(book: Book, one: Mark, target: Target) -> list[Candidate]:
    """(C(w + h) - C(w))/h in place of ∂C/∂w, with the h that gives the number."""
    ledger, quantity = book.ledger, book.ledger[one.key]
    parameters = dict(ledger.step.tape.parameters)
    if quantity.kind not in (TOTAL, DELTA) or quantity.ref.name not in parameters or one.typed.figures < 4:
        return []
    columns = {n.name: ledger.step.tape.values[n.name] for n in (*ledger.network.inputs, *ledger.network.targets)}
    columns = {name: values for name, values in columns.items() if len(values) == ledger.count}
    found = []
    for h in STEPS:
        moved = {name: np.array(value, np.float64) for name, value in parameters.items()}
        moved[quantity.ref.name][quantity.ref.place] += h
        try:
            tape = forward(ledger.network, moved, columns or None)
            if quantity.kind == TOTAL:
                number = (tape.cost - ledger.step.tape.cost) / h
            else:
                number = float(tape.own[one.position] - ledger.step.tape.own[one.position]) / h
        except BackhandError:
            continue
        if target.meets((number, 0.0)):
            cause = Cause(
                "finite difference",
                f"the difference of costs for a step of {h:g} is given",
                target.shown((number, 0.0)),
            )
            found.append(Candidate(cause, {}, SLIPS["finite difference"].prior, 0))
            break
    return found


def by_digits(one: Mark, target: Target) -> list[Candidate]:
    """Slips that are made with the number itself."""
    typed, right = one.typed, target.expected / one.scale
    name = one.name
    found = []

    def add(slip: str, text: str, gives: float) -> None:
        found.append(Candidate(Cause(slip, text, gives, name), {}, SLIPS[slip].prior, 0))

    if typed.figures >= 8 and 0 < abs(typed.value - right) <= 2e-6 * abs(right):
        add("float32", "worked in float32", float(np.float32(right)))
    if typed.unit and typed.figures < 16 and typed.value:
        cut = np.floor(abs(right) / typed.unit + 1e-9) * typed.unit
        if abs(cut - abs(typed.value)) < 1e-6 * typed.unit and typed.value * right >= 0:
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
            if not found and ratio > 0 and typed.figures > 1:
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
