"""What is taken for granted, said: each function's derivative, the choice at its kink, the order of the indices."""

from __future__ import annotations

from ..document.parts import Inline, Page
from ..network.graph import Network
from ..notation.expr import Call, Expr, Ref, calls, substitute
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
    used: dict[str, Call] = {}
    formulas = [n.formula for n in network.equations] + ([network.cost.own] if network.cost else [])
    for formula in formulas:
        for call in calls(formula) if formula is not None else ():
            used.setdefault(call.op, call)
    for name, call in used.items():
        entry = VOCABULARY.get(name)
        if entry is None or not entry.written or not (entry.derivative or name in KINKS):
            continue
        runs: list[Inline] = []
        if entry.derivative and name != "linear":
            letters: dict[str, Expr] = {"x": Ref("z")}
            arguments = (Ref("z"), *(Ref(letter) for letter in entry.letters[1:]))
            slope = Call(name, arguments, 1, shown=call.shown)
            runs = [slope, " = ", substitute(entry.derivative[0], letters)]
        if name in KINKS:
            runs.append(("; " if runs else f"{name}: ") + KINKS[name])
        if runs:
            page.text(*runs, ".", kind="note")
    if any(len(p.shape) == 2 for p in network.parameters):
        page.note(
            "A matrix W has a row for each unit it leads to and a column for each it comes from:"
            " W[2,1] goes to 2, from 1."
        )
