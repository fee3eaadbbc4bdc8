"""One partial, derived: every path with its factors, their sum, and the same through the δ's that are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..engine.program import Program, own_letter
from ..engine.reference import Gradients, Tape, backward
from ..engine.run import Run
from ..errors import UsageError
from ..network.build import Problem
from ..network.graph import Network, Node
from ..notation.expr import Call, Expr, Index, Num, Partial, Ref, leaves, nary
from ..ops.evaluate import value_of
from .paths import TOP, Edge, PathGraph, merged, only_entry
from .scene import Scene

MOST_PATHS = 1_000
PAGE_PATHS = 12  # paths written out on a page
LARGEST = 8


@dataclass(frozen=True)
class Factor:
    """One factor of a path, ∂of/∂by: in letters, with numbers, and its value (None in letters)."""

    edge: Edge
    filled: Expr | None
    value: float | None

    @property
    def symbol(self) -> Partial:
        return Partial(self.edge.of, self.edge.by)


@dataclass(frozen=True)
class Path:
    """A product of partials. `row` is the row it belongs to; None in letters and for a penalty."""

    row: int | None
    factors: tuple[Factor, ...]
    value: float | None


@dataclass(frozen=True)
class Derivation:
    """∂of/∂name.

    Attributes:
        paths: every path of every row, if there are at most 1,000; else the largest ones.
        path_count: how many paths one row has.
        value: the sum over all paths, in all rows asked for; None in letters.
        whole: a vector or matrix was asked for; then there are no paths, and `value` is an array.
        rows: the rows it was derived for, counted from 1.
        depends_on: every input, target, parameter and constant in its formula.
        engine: what back-propagation gave for the same partial.
    """

    problem: Problem
    of: Ref
    name: Ref
    symbol: Ref
    program: Program
    graph: PathGraph | None
    paths: tuple[Path, ...]
    path_count: int
    complete: bool
    value: float | np.ndarray | None
    engine: np.ndarray | None
    whole: bool
    rows: tuple[int, ...]
    for_row: bool
    tape: Tape | None
    gradients: Gradients | None
    depends_on: tuple[str, ...]

    def scene(self, row: int = 1) -> Scene:
        assert self.tape is not None
        return Scene(self.tape, self.gradients, self.tape.rows.index(row), {})


def derive(problem: Problem, run: Run | None, name: Ref, *, row: int | None, of: Ref | None, grain: str) -> Derivation:
    """Derives ∂cost/∂name, or ∂of/∂name.

    Args:
        run: the numbers (its last step is used); None in letters.
        row: a row of the sheet, counted from 1; None is the whole cost.
        grain: `neurons`, `layers` or `inner`.
    Raises:
        NameProblem, UsageError: no such node, entry or row.
    """
    network = problem.network
    node, index = network.find(name)
    if node in network.targets or (node.value is not None and not node.is_equation and node not in network.parameters):
        raise UsageError(f"`{node.name}` is given and stays as it is", expected="a parameter, a node or an input")
    top, _top_node = _top(network, of)
    entry = only_entry(node, index)
    step = run.steps[-1] if run and run.steps else None
    tape = step.tape if step else None
    symbol = of_symbol(network, tape, top)
    program, gradients = _program(network, tape, top, step.gradients if step else None)
    rows = tape.rows if tape else ()
    if row is not None and tape is not None:
        if row not in rows:
            raise UsageError(f"there is no row {row} in this step", expected=f"{rows[0]} to {rows[-1]}", got=str(row))
        rows = (row,)
    chosen = Ref(node.name, entry if entry is not None else ())
    whole_cost = row is None and top == TOP and tape is not None
    engine = _engine_value(gradients, chosen, row, top, tape)
    if entry is None:
        return Derivation(
            problem, top, chosen, symbol, program, None, (), 0, False, engine, engine, True, rows,
            row is not None, tape,
            gradients, tuple(depends(program, chosen)),
        )  # fmt: skip
    graph = PathGraph(network, chosen, top, symbol.name)
    paths, value, complete = _paths(problem, graph, tape, gradients, rows, grain, whole_cost)
    if not complete and engine is not None:
        value = float(engine)
    return Derivation(
        problem, top, chosen, symbol, program, graph, tuple(paths), graph.count, complete, value, engine, False, rows,
        row is not None, tape, gradients, tuple(depends(program, chosen)),
    )  # fmt: skip


def _top(network: Network, of: Ref | None) -> tuple[Ref, Node | None]:
    if of is None:
        if network.cost is None:
            raise UsageError("the sheet has no cost", hint="`--of a3` derives a node instead")
        return TOP, None
    if network.cost is not None and of.name == network.cost.name and not of.index:
        return TOP, None
    node, index = network.find(of)
    entry = only_entry(node, index)
    if entry is None:
        raise UsageError(
            f"`{node.name}` is a vector; one entry can be derived at a time", hint=f"--of '{node.name}[1]'"
        )
    if not node.is_equation:
        raise UsageError(
            f"`{node.name}` is not worked out from anything",
            expected="a node, such as " + network.equations[-1].name,
        )
    return Ref(node.name, entry), node


def of_symbol(network: Network, tape: Tape | None, top: Ref) -> Ref:
    """The letter of what is differentiated."""
    return top if top != TOP else Ref(own_letter(network, tape.count if tape else 0))


def _program(
    network: Network, tape: Tape | None, top: Ref, known: Gradients | None
) -> tuple[Program, Gradients | None]:
    if top == TOP:
        program = known.program if known else Program(network)
        return program, known
    program = Program(network, top)
    return program, backward(tape, program) if tape else None


def _engine_value(
    gradients: Gradients | None, ref: Ref, row: int | None, top: Ref, tape: Tape | None
) -> np.ndarray | None:
    if gradients is None or tape is None:
        return None
    at = tuple(i - 1 for i in ref.index)
    node = tape.network.nodes[ref.name]
    if row is not None:
        return np.asarray(gradients.rows(ref.name)[(tape.rows.index(row), *at)])
    if top == TOP and node in tape.network.parameters:
        return np.asarray(gradients.totals[ref.name][at])
    shares = gradients.shares(ref.name) if top == TOP else gradients.rows(ref.name)
    return np.asarray(shares.sum(axis=0)[at])


def _paths(
    problem: Problem,
    graph: PathGraph,
    tape: Tape | None,
    gradients: Gradients | None,
    rows: tuple[int, ...],
    grain: str,
    whole_cost: bool,
) -> tuple[list[Path], float | None, bool]:
    network = problem.network
    count = graph.count * max(1, len(rows))
    complete = count <= MOST_PATHS
    if tape is None:
        walked = list(graph.paths()) if complete else []
        return (
            [Path(None, tuple(Factor(e, None, None) for e in _grained(p, network, grain)), None) for p in walked],
            None,
            complete,
        )
    out: list[Path] = []
    assert gradients is not None
    scenes = {row: Scene(tape, gradients, tape.rows.index(row), {}) for row in rows}
    if complete:
        walks: list[tuple[int, tuple[Edge, ...]]] = [(row, p) for row in rows for p in graph.paths()]
    else:
        walks = []
        for row in rows[:1]:
            values: dict[int, float] = {}

            def value(edge: Edge, row: int = row, values: dict[int, float] = values) -> float:
                if id(edge) not in values:
                    values[id(edge)] = float(np.asarray(value_of(scenes[row].fill(edge.slope))).reshape(-1)[0])
                return values[id(edge)]

            walks += [(row, p) for _, p in graph.largest(value, LARGEST)]
    cost = network.cost
    mean = whole_cost and cost is not None and cost.mean and (tape.count > 1)
    for row, walk in walks:
        factors = [_factor(e, scenes[row]) for e in _grained(walk, network, grain)]
        if mean:
            assert cost is not None
            share = Edge(Ref(cost.name), graph_symbol(graph), Call("div", (Num(1.0), Ref("N"))))
            factors.insert(0, _factor(share, scenes[row]))
        out.append(Path(row, tuple(factors), product([f.value for f in factors if f.value is not None])))
    if whole_cost and graph.start.name in (gradients.program.penalty or {}):
        slope = gradients.program.penalty_formula(graph.start)
        if slope is not None:
            assert cost is not None
            factor = _factor(Edge(Ref(cost.name), graph.start, slope), next(iter(scenes.values())))
            out.append(Path(None, (factor,), factor.value))
    total = 0.0
    for position, path in enumerate(out):
        assert path.value is not None
        total = path.value if not position else total + path.value
    return out, total, complete


def graph_symbol(graph: PathGraph) -> Ref:
    return Ref(graph.cost_name)


def _grained(path: tuple[Edge, ...], network: Network, grain: str) -> tuple[Edge, ...]:
    return merged(path, network) if grain == "layers" else path


def _factor(edge: Edge, scene: Scene) -> Factor:
    filled = scene.fill(edge.slope)
    return Factor(edge, filled, float(np.asarray(value_of(filled)).reshape(-1)[0]))


def product(values: list[float]) -> float:
    """Factors multiplied from left to right, as they are printed."""
    total = values[0] if values else 1.0
    for value in values[1:]:
        total = total * value
    return total


def chain(parts: list[Expr]) -> Expr:
    """A product of factors, each kept whole."""
    return nary("mul", parts) if len(parts) > 1 else parts[0] if parts else Num(1.0)


def depends(program: Program, ref: Ref) -> list[str]:
    """Every given quantity in the partial's formula: inputs, targets, parameters and constants (S11)."""
    network = program.network
    formula = program.formula(ref)
    if formula is None:
        return []
    found: set[str] = set()
    seen: set[str] = set()
    stack: list[Expr] = [formula]
    looked: set[Partial] = set()
    while stack:
        for leaf in leaves(stack.pop()):
            if isinstance(leaf, Partial):
                whole = Partial(leaf.of, Ref(leaf.by.name))
                if whole not in looked:
                    looked.add(whole)
                    received = program.received.get(leaf.by.name)
                    if received is not None:
                        stack += [e for e in (received.whole, *received.entries.values()) if e is not None]
            elif leaf.name in network.nodes and leaf.name not in seen:
                seen.add(leaf.name)
                node = network.nodes[leaf.name]
                if node.is_equation:
                    assert node.formula is not None
                    stack.append(node.formula)
                else:
                    found.add(leaf.name)
    return [n for n in network.nodes if n in found]


def lookups(formula: Expr | None) -> list[Partial]:
    """The δ's that a formula looks up."""
    if formula is None:
        return []
    return list(dict.fromkeys(leaf for leaf in leaves(formula) if type(leaf) is Partial))


def common_factors(paths: list[tuple[Edge, ...]]) -> tuple[list[Edge], list[list[Edge]], list[Edge]]:
    """What all paths share at the cost's end, where they differ, and what they share at the weight's end."""
    first = paths[0]
    head = 0
    while head < len(first) and all(len(p) > head and _alike(p[head], first[head]) for p in paths):
        head += 1
    tail = 0
    while all(len(p) - tail > head and _alike(p[len(p) - 1 - tail], first[len(first) - 1 - tail]) for p in paths):
        tail += 1
    middles = [list(p[head : len(p) - tail]) for p in paths]
    return list(first[:head]), middles, list(first[len(first) - tail :]) if tail else []


def _alike(a: Edge, b: Edge) -> bool:
    return a.of == b.of and a.by == b.by


Entries = Mapping[str, Index]
