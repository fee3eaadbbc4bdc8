"""Where nothing passes: ReLUs whose z is above 0 in no row, and thresholds; and which weights get no gradient there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..document.parts import Inline, Text
from ..engine.reference import Array, Gradients, Tape, gather
from ..network.derive import entry
from ..network.graph import Network, Role
from ..notation.expr import Call, Expr, Index, Ref, calls, leaves, names
from .scene import renamed

LISTED = 12  # names in one line; the others are counted
LARGE = 20_000_000  # numbers: gradients of more rows times weights than this are not looked through
ENTRIES = 10_000  # parameters: in a larger network the weights before a unit are not told apart entry by entry


@dataclass(frozen=True)
class Flat:
    """A relu(…) or step(…), wherever it stands: in the equation `owner`, as all of it or as a part, or in the cost."""

    call: Call
    owner: str
    whole: bool
    in_cost: bool = False

    def said(self, entries: Sequence[Index], all_entries: bool, rename: Mapping[Ref, Ref]) -> list[list[Inline]]:
        """Its entries by name: a[2] where it is all of an equation, else relu(w·x) in y."""
        if self.whole:
            return [[renamed(Ref(self.owner, index), rename)] for index in entries]
        which = ", ".join(",".join(map(str, index)) for index in entries)
        part = "" if all_entries else f"entr{'y' if len(entries) == 1 else 'ies'} {which} of "
        owner = renamed(Ref(self.owner), rename)
        return [[part, renamed(self.call, rename), " in the cost " if self.in_cost else " in ", owner]]


def flat_calls(network: Network, op: str) -> list[Flat]:
    """Every call of a function, in the order of the work; the cost comes last."""
    found = []
    for node in network.equations:
        assert node.formula is not None
        for call in dict.fromkeys(c for c in calls(node.formula) if c.op == op and not c.prime):
            found.append(Flat(call, node.name, call is node.formula))
    cost = network.cost
    for formula in (cost.own, cost.penalty) if cost is not None else ():
        for call in dict.fromkeys(c for c in calls(formula) if c.op == op) if formula is not None else ():
            found.append(Flat(call, cost.name if cost else "", False, True))
    return found


def dead_entries(tape: Tape, flat: Flat) -> tuple[Index, ...]:
    """The entries of a ReLU whose z is above 0 in no row."""
    silent = np.all(tape.work(flat.call.args[0]) <= 0, axis=0)
    return tuple(tuple(int(i) + 1 for i in index) for index in np.argwhere(silent))


def weights_before(network: Network, flat: Flat, entries: Iterable[Index]) -> dict[str, Array]:
    """Which entries of which parameters lead to the z of a call: those in its own formula entry by entry, those
    further back as a whole."""
    marks: dict[str, Array] = {}
    further: set[str] = set()
    for index in entries:
        z: Expr = flat.call.args[0]
        while type(z) is Ref and network.nodes[z.name].formula is not None:
            index, z = z.index or index, network.nodes[z.name].formula or z
        if network.parameter_count <= ENTRIES:
            z = entry(z, index, network.shape_of)
        for leaf in leaves(z):
            assert type(leaf) is Ref
            if leaf.name in network.nodes and network.nodes[leaf.name].role is Role.PARAMETER:
                mark = marks.setdefault(leaf.name, np.zeros(network.shape_of(leaf.name), dtype=bool))
                mark[leaf.place] = True
            else:
                further.add(leaf.name)
    for node in reversed(network.equations):
        if node.name in further and node.formula is not None:
            further |= set(names(node.formula))
    for name in further:
        if name in network.nodes and network.nodes[name].role is Role.PARAMETER:
            marks[name] = np.ones(network.shape_of(name), dtype=bool)
    return {p.name: marks[p.name] for p in network.parameters if p.name in marks}


def no_gradient(gradients: Gradients, name: str) -> Array:
    """Which entries of a parameter have the partial 0 in every row, and 0 from the penalty."""
    found = np.all(gradients.rows(name) == 0, axis=0)
    if name in gradients.program.penalty:
        shape = gradients.tape.network.shape_of(name)
        found &= gather(gradients.program.penalty[name], gradients.tape.work, 1, shape)[0] == 0
    return np.asarray(found)


def stuck(
    gradients: Gradients,
    next_weights: Mapping[str, Array] | None,
    before: Mapping[str, Array],
    rename: Mapping[Ref, Ref],
) -> list[Inline]:
    """Which of the weights before a unit get no gradient at all, and whether the next update moves them all the same.

    Args:
        next_weights: the parameters after one more update; None where there is none.
        before: the entries of the parameters to look at.
    """
    network, tape = gradients.tape.network, gradients.tape
    if not before or network.parameter_count * tape.count > LARGE:
        return []
    still: list[Expr] = []
    moved: list[Expr] = []
    unknown: list[Expr] = []
    for name, mark in before.items():
        zero = mark & no_gradient(gradients, name)
        if next_weights is None:
            unknown += _entries(name, zero)
            continue
        same = next_weights[name] == tape.parameters[name]
        still += _entries(name, zero & same)
        moved += _entries(name, zero & ~same)
    runs: list[Inline] = []
    for found, one, many in (
        (unknown, ".", "."),
        (still, ", so it cannot change at these weights.", ", so they cannot change at these weights."),
        (moved, ": it gets no gradient, and the update rule moves it all the same.",
         ": they get no gradient, and the update rule moves them all the same."),
    ):  # fmt: skip
        if found:
            runs += [" The gradient of ", *listed([[renamed(e, rename)] for e in found[: LISTED + 1]], len(found))]
            runs += [" is 0 in every row", one if len(found) == 1 else many]
    return runs or [" The weights before it still get a gradient another way."]


def _entries(name: str, mark: Array) -> list[Expr]:
    """The marked entries; the parameter's own name where all are."""
    if mark.all():
        return [Ref(name)]
    return [Ref(name, tuple(int(i) + 1 for i in index)) for index in np.argwhere(mark)]


def listed(items: Sequence[Sequence[Inline]], count: int | None = None) -> list[Inline]:
    """The items with commas between them; of many the first ones, and how many more there are of `count`."""
    count = len(items) if count is None else count
    runs: list[Inline] = []
    for i, item in enumerate(items[:LISTED]):
        runs += [", " if i else "", *item]
    if count > LISTED:
        runs.append(f" and {count - LISTED} more")
    return runs


def dead_lines(
    tape: Tape,
    gradients: Gradients | None,
    next_weights: Mapping[str, Array] | None,
    rename: Mapping[Ref, Ref],
    alive_at_first: Tape | None = None,
) -> list[Text]:
    """ReLUs whose z is above 0 in no row; `alive_at_first` tells those apart that died on the way."""
    units: list[list[Inline]] = []
    died: list[list[Inline]] = []
    before: dict[str, Array] = {}
    lines: list[Text] = []
    count = 0
    where = _rows(tape)
    for flat in flat_calls(tape.network, "relu"):
        dead = dead_entries(tape, flat)
        if not dead:
            continue
        found = flat.said(dead, len(dead) == _size(tape, flat), rename)
        if flat.in_cost:
            said = f" is 0 in every row: its z is not above 0 in {where}, so no gradient passes through it."
            lines.append(Text(("Flat: ", *listed(found), said)))
            continue
        units += found
        count += len(dead)
        for name, mark in weights_before(tape.network, flat, dead).items():
            before[name] = before[name] | mark if name in before else mark
        if alive_at_first is not None:
            new = tuple(e for e in dead if e not in dead_entries(alive_at_first, flat))
            died += flat.said(new, len(new) == _size(tape, flat), rename) if new else []
    if not units:
        return lines
    runs: list[Inline] = ["Dead unit: " if count == 1 else "Dead units: ", *listed(units)]
    runs.append(
        f". Its z is not above 0 in {where}, so ReLU gives 0, ReLU' is 0, and no gradient passes through this unit."
    )
    if gradients is not None:
        runs += stuck(gradients, next_weights, before, rename)
    if died:
        runs += [" Still alive at the starting values: ", *listed(died), "; a smaller rate may keep it so."]
    if before:
        runs.append(" Another start, or `leaky(z, 0.01)`, brings it back.")
    return [Text(tuple(runs), "warning"), *lines]


def died_lines(start: Tape, end: Tape, epochs: int, rename: Mapping[Ref, Ref]) -> list[Text]:
    """ReLUs that are alive at the starting values and dead at the weights of the end."""
    units: list[list[Inline]] = []
    for flat in flat_calls(end.network, "relu"):
        gone = dead_entries(start, flat)
        new = tuple(e for e in dead_entries(end, flat) if e not in gone)
        if new and not flat.in_cost:
            units += flat.said(new, len(new) == _size(end, flat), rename)
    if not units:
        return []
    runs: list[Inline] = [f"Dead after epoch {epochs}: ", *listed(units)]
    runs.append(
        f". At the new weights its z is not above 0 in {_rows(end)}, and no gradient passes through this unit."
        " A smaller rate may keep it alive."
    )
    return [Text(tuple(runs), "warning")]


def _rows(tape: Tape) -> str:
    return "the row" if tape.count == 1 else f"any of the {tape.count} rows"


def _size(tape: Tape, flat: Flat) -> int:
    """How many entries a call has."""
    return int(np.prod(tape.work(flat.call.args[0]).shape[1:]))


def threshold_lines(
    network: Network,
    gradients: Gradients | None,
    next_weights: Mapping[str, Array] | None,
    rename: Mapping[Ref, Ref],
) -> list[Text]:
    """Threshold logic units pass no gradient (S15)."""
    units: list[list[Inline]] = []
    idle: list[list[Inline]] = []
    before: dict[str, Array] = {}
    for flat in flat_calls(network, "step"):
        found = flat.said([()], True, rename)
        if not network.trained.isdisjoint(names(flat.call.args[0])):
            units += found
            for name in _leading(network, flat):
                before[name] = np.ones(network.shape_of(name), dtype=bool)
        else:
            idle += found
    lines = []
    if units:
        runs: list[Inline] = ["Threshold: ", *listed(units)]
        runs.append(
            (" is a threshold unit" if len(units) == 1 else " are threshold units")
            + " (TLU). step(z) is flat on both sides of 0, so step'(z) = 0: every product of partials that runs through"
            " it is 0, and no gradient passes through it. A weight whose every way to the cost leads through such a"
            " unit cannot learn this way."
        )
        if gradients is not None:
            runs += stuck(gradients, next_weights, before, rename)
        runs.append(" `sigmoid` takes its place: it also goes from 0 to 1, and its slope is nowhere 0.")
        lines.append(Text(tuple(runs), "warning"))
    if idle:
        said = " is a threshold" if len(idle) == 1 else " are thresholds"
        said += " (step'(z) = 0) with no weight before it, so nothing that could learn is cut off."
        lines.append(Text(("Threshold: ", *listed(idle), said)))
    return lines


def _leading(network: Network, flat: Flat) -> list[str]:
    """The parameters that lead to a call."""
    found = set(names(flat.call.args[0]))
    for node in reversed(network.equations):
        if node.name in found and node.formula is not None:
            found |= set(names(node.formula))
    return [p.name for p in network.parameters if p.name in found]
