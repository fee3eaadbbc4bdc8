"""Lines of working that belong to a whole step: the cost from the rows' own, its gradient, and the update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..document.parts import Step, as_expr
from ..engine.program import own_letter
from ..engine.reference import Gradients, Tape
from ..engine.training import Change
from ..notation.expr import Call, Expr, Num, Partial, Ref, div, rewrite
from ..notation.text import PLAIN
from ..ops.evaluate import value_of
from .scene import Scene, over_rows, renamed

Names = Mapping[Ref, Ref]


def cost_step(tape: Tape, gradients: Gradients | None, rename: Names) -> Step:
    """C from the rows' own costs: their sum or mean, and the penalty."""
    cost = tape.network.cost
    assert cost is not None
    letter = own_letter(tape.network, tape.count)
    letters: Expr = over_rows(Ref(letter), tape.rows)
    parts = tuple(Num(float(v)) for v in tape.own)
    numbers: Expr = Call("add", parts) if tape.count > 1 else parts[0]
    if cost.mean:
        letters, numbers = div(letters, Ref("N")), Call("div", (numbers, Num(float(tape.count))))
    if cost.penalty is not None:
        letters = Call("add", (letters, renamed(cost.penalty, rename)))
        filled = Scene(tape, gradients, 0, {}).fill(cost.penalty)
        numbers = _and(numbers, filled)
    return Step(Ref(cost.name), letters, (numbers,), tape.cost)


def _and(numbers: Expr, more: Expr) -> Expr:
    """A sum with one more term."""
    first = numbers.args if isinstance(numbers, Call) and numbers.op == "add" else (numbers,)
    return Call("add", (*first, more))


def total_steps(gradients: Gradients, refs: Sequence[Ref], rename: Names) -> list[Step]:
    """∂C/∂w of the whole cost from the rows' own, for a parameter as a whole or its entries."""
    tape = gradients.tape
    cost, name = tape.network.cost, refs[0].name
    assert cost is not None
    rows, extra = gradients.rows(name), gradients.program.penalty.get(name)
    if extra is not None and extra.entries:
        refs = tape.network.nodes[name].entries()  # the penalty holds single entries: each has a line of its own
    out = []
    for ref in refs:
        at = ref.place
        left = Partial(Ref(cost.name), ref)
        letters: Expr = over_rows(Partial(gradients.program.symbol, ref), tape.rows)
        parts = tuple(as_expr(rows[(i, *at)]) for i in range(tape.count))
        numbers: Expr = Call("add", parts) if len(parts) > 1 else parts[0]
        if cost.mean:
            letters, numbers = div(letters, Ref("N")), Call("div", (numbers, Num(float(tape.count))))
        formula = gradients.program.penalty_formula(ref)
        if formula is not None:
            letters = Call("add", (letters, formula))
            numbers = _and(numbers, Scene(tape, gradients, 0, {}).fill(formula))
        value = gradients.totals[name][at] if at else gradients.totals[name]
        out.append(Step(renamed(left, rename), renamed(letters, rename), (numbers,), np.asarray(value)))
    return out


def update_steps(change: Change, gradients: Gradients, ref: Ref, rename: Names) -> list[Step]:
    """The update of one parameter (or entry), each line of the rule with its numbers, state before and after."""
    cost, rule = gradients.tape.network.cost, change.rule
    assert cost is not None
    at = ref.place
    name = ref.name
    numbers: dict[str, Expr] = {"η": Num(change.rate), "t": Num(float(change.t))}
    numbers |= {k: Num(v) for k, v in change.settings.items()}
    numbers["w"] = as_expr(change.before[name][at])
    numbers["g"] = as_expr(gradients.totals[name][at])
    for letter in rule.state:
        old = change.old_state.get(letter, {}).get(name)
        nothing = np.zeros(np.shape(change.before[name][at]))
        numbers[letter] = as_expr(np.asarray(old[at] if old is not None else nothing))
    own = renamed(ref, rename)
    assert isinstance(own, Ref)
    kept = {letter: Ref(f"{letter}({PLAIN(own)})") for letter, _ in rule.lines}  # v(b): each parameter has its own
    names: dict[str, Expr] = {**kept, "w": own, "g": Partial(Ref(cost.name), own)}
    out = []
    for letter, formula in rule.lines:
        filled = _filled(formula, numbers)
        worked = _worked_brackets(filled)
        value = change.lines[name][letter][at]
        numbers[letter] = as_expr(value)
        forms = (filled,) if worked is filled else (filled, worked)
        out.append(Step(names[letter], _filled(formula, names), forms, value, sign="←"))
    return out


def _filled(formula: Expr, numbers: dict[str, Expr]) -> Expr:
    def one(part: Expr) -> Expr | None:
        return numbers.get(part.name) if type(part) is Ref else None

    return rewrite(formula, one)


def _worked_brackets(expr: Expr) -> Expr:
    """(1 - 0.9) and √ worked out, so that a long update is easier to follow; the very same object if none."""

    def one(part: Expr) -> Expr | None:
        if type(part) is Call and part.op in ("sqrt",):
            return as_expr(value_of(part))
        return None

    return rewrite(expr, one)
