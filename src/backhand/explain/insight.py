"""What stands out in a network: which weight matters most, which units are twins, dead, or cannot learn."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..document.parts import Inline, Items, Page, Text
from ..engine.reference import Gradients, Tape
from ..engine.run import Run
from ..engine.training import NO_STATE, update, whole_data
from ..errors import NumberError
from ..network.build import Problem
from ..network.graph import Network
from ..notation.expr import Partial, Ref
from .flat import dead_lines, died_lines, threshold_lines
from .scene import renamed
from .symmetry import identical_units, same_formulas

RANKED = 8
EQUAL_WEIGHTS = (
    "they take equal weights from the same sources and pass equal weights on, so their gradients are equal and every"
    " update leaves them equal. Together they do the work of one unit. Random starting weights (biases may be 0) part"
    " them: `start xavier seed 1`."
)
ONE_FORMULA = (
    "they are one formula of the same shared weights and sources, so they are equal whatever these weights become."
    " Together they do the work of one unit. No other start parts them; weights of their own do."
)


def what_stands_out(page: Page, problem: Problem, run: Run, rename: Mapping[Ref, Ref]) -> None:
    """Everything worth a line: for one epoch at the starting values, for a longer run at the weights of its end."""
    first, network = run.steps[0], problem.network
    lines = symmetry(network, first.tape.parameters, rename)
    worked: tuple[Tape, Gradients | None] | None = first.tape, first.gradients
    try:
        if problem.table is not None and first.tape.count < problem.table.rows:  # a batch is not the whole data
            worked = whole_data(problem, first.tape.parameters)
    except NumberError as found:
        worked = None
        if not _at_end(run):
            lines.append(Text((f"Over all rows the starting values give no numbers: {found.message}.",), "warning"))
    start = worked
    if _at_end(run):
        worked = run.after
    if worked is not None:
        lines = [*_lines(problem, run, worked, start, rename), *lines]
    if lines:
        where = f"at the weights after epoch {run.epochs}" if _at_end(run) else "at the starting values"
        page.heading("What stands out" + (f", {where}" if network.parameters else ""))
        page.add(Items(tuple(lines)))


def _at_end(run: Run) -> bool:
    return run.after is not None and (run.epochs > 1 or run.tolerance is not None)


def _lines(
    problem: Problem,
    run: Run,
    worked: tuple[Tape, Gradients | None],
    start: tuple[Tape, Gradients | None] | None,
    rename: Mapping[Ref, Ref],
) -> list[Text]:
    """What is worth a line at some weights, `start` being the first ones."""
    tape, gradients = worked
    lines: list[Text] = []
    coming: Mapping[str, np.ndarray] | None = None
    if gradients is not None:
        try:
            lines += sensitivity(gradients, rename)
            coming = _next_weights(problem, run, gradients)
        except NumberError as found:
            lines.append(Text((f"There is no sensitivity: {found.message}.",), "warning"))
            gradients = None
    lines += dead_lines(tape, gradients, coming, rename, start[0] if start is not None and _at_end(run) else None)
    if run.after is not None and start is not None and not _at_end(run):
        lines += died_lines(tape, run.after[0], run.epochs, rename)
    return [*lines, *threshold_lines(problem.network, gradients, coming, rename)]


def _next_weights(problem: Problem, run: Run, gradients: Gradients) -> Mapping[str, np.ndarray] | None:
    """The parameters after one more update with all rows, from what the rule keeps; None where there is none."""
    if problem.plan.rate is None:
        return None
    last = run.steps[-1].change if _at_end(run) else None
    state, t = (last.state, last.t + 1) if last is not None else (NO_STATE, 1)
    try:
        return update(problem.plan, gradients.tape.parameters, gradients.totals, state, t).after
    except NumberError:
        return None


def sensitivity(gradients: Gradients, rename: Mapping[Ref, Ref]) -> list[Text]:
    """Which parameter changes the cost fastest, ranked by |∂C/∂w| (S6: "w reduces J 10 times faster than b")."""
    cost = gradients.tape.network.cost
    assert cost is not None
    ranked = []
    for node in gradients.tape.network.parameters:
        slopes = gradients.totals[node.name]
        flat = np.abs(slopes).ravel()
        for at in np.argsort(-flat, kind="stable")[: RANKED + 1]:  # the largest of each are enough
            index = np.unravel_index(at, slopes.shape) if slopes.shape else ()
            ranked.append((float(slopes[index]), Ref(node.name, tuple(int(i) + 1 for i in index))))
    total = tape_size(gradients)
    ranked.sort(key=lambda pair: -abs(pair[0]))
    if len(ranked) < 2 or ranked[0][0] == 0:
        return []
    (top, first), (second, other) = ranked[0], ranked[1]

    def name(ref: Ref) -> Inline:
        return renamed(ref, rename) if rename else ref

    runs: list[Inline] = [f"Sensitivity: −∇{cost.name} is the steepest way down. "]
    if second == 0:
        runs += ["Only changing ", name(first), f" reduces {cost.name}."]
    elif abs(top) > abs(second) * 1.0000001:
        runs += [
            "Changing ",
            name(first),
            f" reduces {cost.name} ",
            abs(top / second),
            " times faster than changing ",
            name(other),
            ".",
        ]
    else:
        runs += [
            "Changing ",
            name(first),
            " and changing ",
            name(other),
            f" reduce {cost.name} equally fast.",
        ]
    out = [Text(tuple(runs))]
    listed: list[Inline] = ["Ranked by size: "]
    for i, (slope, ref) in enumerate(ranked[:RANKED]):
        by = renamed(Partial(Ref(cost.name), ref), rename) if rename else Partial(Ref(cost.name), ref)
        listed += [", " if i else "", by, " = ", slope]
    listed.append(f"; {total - RANKED:,} smaller." if total > RANKED else ".")
    return [*out, Text(tuple(listed))]


def tape_size(gradients: Gradients) -> int:
    """How many partials there are."""
    return gradients.tape.network.parameter_count


def symmetry(network: Network, parameters: Mapping[str, np.ndarray], rename: Mapping[Ref, Ref]) -> list[Text]:
    """Units that are and will stay identical, with the reason (S8)."""
    out = []
    for group, reason in (
        *((group, EQUAL_WEIGHTS) for group in identical_units(network, parameters)),
        *((group, ONE_FORMULA) for group in same_formulas(network)),
    ):
        runs: list[Inline] = ["Symmetry: "]
        for i, ref in enumerate(group[:12]):
            runs += [" and " if i == len(group) - 1 and i else ", " if i else "", renamed(ref, rename)]
        if len(group) > 12:
            runs.append(f" and {len(group) - 12} more")
        out.append(Text((*runs, f" are identical and stay so: {reason}"), "warning"))
    return out
