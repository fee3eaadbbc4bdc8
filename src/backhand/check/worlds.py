"""What the names and partials of a document are worth: in the sheet's own rows, and in random networks of its form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from ..engine.program import Program
from ..engine.reference import Gradients, Tape, backward, forward, starting_values
from ..engine.training import has_rows, steps
from ..errors import BackhandError
from ..network.build import Problem
from ..network.graph import Network, Role
from ..notation.expr import Call, Expr, Partial, Ref, calls, rewrite
from ..ops.evaluate import evaluate

RANDOM_WORLDS, MOST_ROWS, EPOCHS = 6, 50, 2
COST = Ref("the cost")
KINKED = ("relu", "leaky", "abs", "max", "min")


@dataclass(eq=False)
class World:
    """One row of a network with all its numbers.

    Attributes:
        totals: ∂C/∂w over all rows, where it has several.
    """

    tape: Tape
    row: int
    totals: dict[str, Any] = field(default_factory=dict)
    whole_cost: float | None = None
    _back: dict[Ref, Gradients] = field(default_factory=dict)

    def value(self, leaf: Ref | Partial) -> float:
        """The number behind a name or a partial; a partial is taken through all paths."""
        if isinstance(leaf, Ref):
            if leaf == COST:
                return float(self.tape.own[self.row])
            found = self.tape.values[leaf.name]
            return float(np.asarray(found[min(self.row, len(found) - 1)])[leaf.place])
        if leaf.of not in self._back:
            of = None if leaf.of == COST else leaf.of
            self._back[leaf.of] = backward(self.tape, Program(self.tape.network, of=of, rows=self.tape.count))
        return float(self._back[leaf.of].rows(leaf.by.name)[self.row][leaf.by.place])

    def work(self, expr: Expr) -> float:
        """A formula's number; nan where it has none."""

        def lookup(leaf: Ref | Partial) -> np.ndarray[Any, Any]:
            return np.array([self.value(leaf)])

        bare = rewrite(expr, lambda part: _scalar(part))
        with np.errstate(all="ignore"):
            try:
                return float(np.asarray(evaluate(bare, lambda leaf: lookup(_full(leaf)))).reshape(-1)[0])
            except (BackhandError, KeyError, ValueError, IndexError, OverflowError):
                return float("nan")


def _scalar(part: Expr) -> Expr | None:
    """A leaf with its entry folded into its name, since here each leaf is one number."""
    if type(part) is Ref:
        return Ref(_packed(part))
    if type(part) is Partial:
        return Ref(f"{_packed(part.of)}|{_packed(part.by)}")
    return None


def _packed(ref: Ref) -> str:
    return f"{ref.name}@{','.join(map(str, ref.index))}"


def _unpacked(text: str) -> Ref:
    name, _, index = text.rpartition("@")
    return Ref(name, tuple(int(i) for i in index.split(",")) if index else ())


def _full(leaf: Ref | Partial) -> Ref | Partial:
    assert isinstance(leaf, Ref)
    of, bar, by = leaf.name.partition("|")
    return Partial(_unpacked(of), _unpacked(by)) if bar else _unpacked(leaf.name)


def own_worlds(problem: Problem) -> list[World]:
    """The rows of the sheet, in its first epochs; none where it has no numbers."""
    if problem.network.in_letters or not has_rows(problem):
        return []
    found = []
    try:
        for step in steps(problem, EPOCHS if problem.plan.rate is not None else 1):
            totals = dict(step.gradients.totals) if step.gradients is not None else {}
            whole = step.tape.cost if step.gradients is not None else None
            found += [World(step.tape, row, totals, whole) for row in range(min(step.tape.count, MOST_ROWS))]
    except BackhandError:
        pass
    return found[: 4 * MOST_ROWS]


def random_worlds(problem: Problem) -> Iterator[World]:
    """Networks of the same form with random weights and inputs, one row each. Functions without a name of their own are
    taken as tanh, for what holds for any of them holds for it; in the first ones all weights are above 0."""
    network = _named(problem.network)
    kinked = any(c.op in KINKED for n in network.equations if n.formula is not None for c in calls(n.formula))
    for seed in range(RANDOM_WORLDS):
        random = np.random.default_rng(seed)
        low = 0.2 if seed < 2 or kinked else -1.0  # where relu' = 1, as those who leave it out have it
        parameters = {n.name: random.uniform(low, 1.0, n.shape) for n in network.parameters}
        columns = {n.name: random.uniform(0.3, 1.5, (1, *n.shape)) for n in (*network.inputs, *network.targets)}
        try:
            yield World(forward(network, parameters, columns or None), 0)
        except BackhandError:
            continue


def _named(network: Network) -> Network:
    """The network with its unknown functions taken as tanh."""
    if not network.unknown_functions:
        return network

    def change(part: Expr) -> Expr | None:
        if type(part) is Call and part.op in network.unknown_functions:
            return Call("tanh", tuple(rewrite(a, change) for a in part.args), part.prime)
        return None

    nodes = {
        name: replace(node, formula=rewrite(node.formula, change)) if node.formula is not None else node
        for name, node in network.nodes.items()
    }
    return replace(network, nodes=MappingProxyType(nodes), unknown_functions=())


__all__ = ["COST", "Role", "World", "own_worlds", "random_worlds", "starting_values"]
