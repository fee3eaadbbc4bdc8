"""What is taken for granted, said: each function's derivative, the choice at its kink, the order of the indices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..document.parts import Formula, Inline, Page, Step
from ..network.graph import Network, Role
from ..notation.expr import Call, Expr, Ref, calls, names, substitute
from ..ops.vocabulary import VOCABULARY

KINKS = {
    "relu": "relu'(0) = 0",
    "abs": "abs'(0) = 0",
    "leaky": "at 0 the left slope",
    "elu": "at 0 the left slope",
    "step": "step' = 0 everywhere",
    "max": "a tie goes to the first",
    "min": "a tie goes to the first",
}


def conventions(page: Page, network: Network) -> None:
    """A line for each function in use with its derivative, and one for the order of a matrix's indices."""
    formulas = [n.formula for n in network.equations] + ([network.cost.own] if network.cost else [])
    constants = {n.name for n in network.nodes.values() if n.role is Role.CONST}
    used: dict[str, list[tuple[Call, set[int]]]] = {}
    for formula in formulas:
        for call in calls(formula) if formula is not None else ():
            later = {k for k, arg in enumerate(call.args, 1) if set(names(arg)) - constants}
            used.setdefault(call.op, []).append((call, later | {1}))
    _lines(page, used)
    if any(len(p.shape) == 2 for p in network.parameters):
        page.note(
            "A matrix W has a row for each unit it leads to and a column for each it comes from:"
            " W[2,1] goes to 2, from 1."
        )


def symbols(page: Page) -> None:
    """A line for each function whose derivative stands on the page, and for those that no sheet can write."""
    used: dict[str, list[tuple[Call, set[int]]]] = {}
    for part in page.parts:
        shown: tuple[Expr, ...] = (part.right,) if isinstance(part, Formula) else ()
        if isinstance(part, Step):
            shown = tuple(e for e in (part.letters, part.spelled) if e is not None)
        for call in (c for formula in shown for c in calls(formula)):
            if call.prime or (call.op in VOCABULARY and not VOCABULARY[call.op].written):
                used.setdefault(call.op, []).append((call, {call.prime} - {0}))
    _lines(page, used)


def _lines(page: Page, used: Mapping[str, Sequence[tuple[Call, set[int]]]]) -> None:
    for name, found in used.items():
        derivatives = sorted(set().union(*(ks for _, ks in found)))
        runs = _meaning(name, max((c for c, _ in found), key=lambda c: len(c.args)), derivatives)
        if runs:
            page.text(*runs, ".", kind="note")


def _meaning(name: str, call: Call, derivatives: Sequence[int]) -> list[Inline]:
    """What a function and its derivatives by these arguments are."""
    entry, z = VOCABULARY.get(name), Ref("z")
    if name == "total":
        return [Call(name, (z,)), " is the sum of the entries of ", z]
    if entry is None or not (entry.derivative or name in KINKS or name == "logsumexp"):
        return []
    if name in ("max", "min") and len(call.args) > 2:
        several = tuple(Ref(f"z{k}") for k in range(1, len(call.args) + 1))
        said = " is the one that is taken, else 0, and so for each argument; a tie goes to the first"
        return [Call(name, several, 2, shown=call.shown), " is 1 where ", Ref("z2"), said]
    letters: dict[str, Expr] = {"x": z}
    arguments = (z, *(Ref(letter) for letter in entry.letters[1:]))
    runs: list[Inline] = []
    if not entry.written and entry.formula is not None:
        runs = [Call(name, arguments), " = ", substitute(entry.formula, letters)]
    for k in derivatives if name != "linear" else ():
        if k <= len(entry.derivative):
            slope = Call(name, arguments, k, shown=call.shown)
            runs += ["; " if runs else "", slope, " = ", substitute(entry.derivative[k - 1], letters)]
    if name in KINKS:
        runs.append(("; " if runs else f"{name}: ") + KINKS[name])
    if name == "gelu":
        runs += ["; ", Call("normal_cdf", (z,), shown="Φ"), " is the share of the normal distribution below ", z]
    return runs
