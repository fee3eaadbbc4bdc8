"""What stands out in a network: which weight matters most, which units are twins, dead, or cannot learn."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..document.parts import Inline, Text
from ..engine.reference import Gradients, Tape
from ..engine.run import Run
from ..engine.training import whole_data
from ..network.build import Problem
from ..network.graph import Network
from ..notation.expr import Call, Partial, Ref
from .scene import renamed
from .symmetry import identical_units

RANKED = 8


def insights(problem: Problem, run: Run, rename: Mapping[Ref, Ref]) -> list[Text]:
    """Everything worth a line, at the weights of the first step."""
    tape, gradients = run.steps[0].tape, run.steps[0].gradients
    if problem.table is not None and tape.count < problem.table.rows:  # a batch is not the whole data
        tape, gradients = whole_data(problem, tape.parameters)
    lines: list[Text] = []
    if gradients is not None:
        lines += sensitivity(gradients, rename)
        lines += symmetry(problem.network, tape, gradients)
    lines += dead_units(tape, rename)
    lines += thresholds(problem.network)
    return lines


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


def symmetry(network: Network, tape: Tape, gradients: Gradients) -> list[Text]:
    """Units that are and will stay identical, with the reason (S8)."""
    out = []
    for group in identical_units(network, tape.parameters):
        runs: list[Inline] = ["Symmetry: "]
        for i, ref in enumerate(group[:12]):
            runs += [" and " if i == len(group) - 1 and i else ", " if i else "", ref]
        if len(group) > 12:
            runs.append(f" and {len(group) - 12} more")
        runs.append(
            " are identical and stay so: they take the same weights from the same sources and pass the same weights on,"
            " so"
            " their gradients are equal and every update leaves them equal. Together they do the work of one unit."
            " Random starting weights (biases may be 0) part them: `start xavier seed 1`."
        )
        out.append(Text(tuple(runs), "warning"))
    return out


def dead_units(tape: Tape, rename: Mapping[Ref, Ref]) -> list[Text]:
    """ReLU units whose z is above 0 in no row: nothing passes through them, forward or back."""
    dead: list[Ref] = []
    for node in tape.network.equations:
        formula = node.formula
        if type(formula) is Call and formula.op == "relu" and type(formula.args[0]) is Ref:
            z = tape.values[formula.args[0].name]
            if formula.args[0].index or z.shape[1:] != node.shape:
                continue
            silent = np.all(z <= 0, axis=0)
            dead += [ref for ref in node.entries() if bool(silent[tuple(i - 1 for i in ref.index)])]
    if not dead:
        return []
    runs: list[Inline] = ["Dead unit: " if len(dead) == 1 else "Dead units: "]
    for i, ref in enumerate(dead[:12]):
        runs += [", " if i else "", renamed(ref, rename) if rename else ref]
    more = f" and {len(dead) - 12} more" if len(dead) > 12 else ""
    rows = "the row" if tape.count == 1 else f"any of the {tape.count} rows"
    runs.append(
        f"{more}. Its z is not above 0 in {rows}, so ReLU gives 0, ReLU' is 0, and no gradient reaches the weights"
        " before it: they cannot change. Another start, or `leaky(z, 0.01)`, brings it back."
    )
    return [Text(tuple(runs), "warning")]


def thresholds(network: Network) -> list[Text]:
    """Threshold logic units pass no gradient (S15)."""
    units = [n.name for n in network.equations if type(n.formula) is Call and n.formula.op == "step"]
    if not units:
        return []
    runs: list[Inline] = ["Threshold: "]
    for i, name in enumerate(units[:12]):
        runs += [", " if i else "", Ref(name)]
    runs.append(
        (" is a threshold unit" if len(units) == 1 else " are threshold units")
        + " (TLU). step(z) is flat on both sides of 0, so step'(z) = 0: every product of partials that"
        " runs through it is 0, the weights before it get no gradient and cannot learn this way. `sigmoid` takes its"
        " place:"
        " it also goes from 0 to 1, and its slope is nowhere 0."
    )
    return [Text(tuple(runs), "warning")]
