"""One partial, derived: every path with its factors, their sum, and the same through the δ's that are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..document.parts import Step, as_expr
from ..engine.program import Program, own_letter
from ..engine.reference import Gradients, Tape, backward
from ..engine.run import Run
from ..engine.training import Point
from ..engine.training import Step as Moment
from ..errors import UsageError
from ..network.build import Problem
from ..network.graph import Network, Node
from ..notation.expr import Call, Expr, Num, Partial, Ref, div, leaves, names
from ..ops.evaluate import value_of
from .paths import TOP, Edge, PathGraph, merged, only_entry
from .scene import Scene, over_rows
from .steps import total_steps

MOST_PATHS = 1_000
PAGE_PATHS = 12  # paths written out on a page
LARGEST = 8
ADDENDS = 16  # a sum over more rows than this is told in words
NUMBERS = 64  # and so is one with more numbers in it


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
        averaged: the paths are of the rows' shares of a mean, and begin with ∂C/∂L = 1/N.
        moment: the step that the numbers are from; None in letters.
        start: where the run of that step took up the training.
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
    averaged: bool
    moment: Moment | None
    start: Point | None = None

    @property
    def own(self) -> Partial:
        """∂L/∂name of a row's own cost (or of a node), as a symbol."""
        return Partial(self.symbol, self.name)

    @property
    def left(self) -> Partial:
        """What is derived, as a symbol: of the whole cost, or of one row's own."""
        cost = self.problem.network.cost
        if self.of != TOP or self.for_row or self.tape is None or cost is None:
            return self.own
        return Partial(Ref(cost.name), self.name)

    @property
    def reaches(self) -> bool:
        """Whether the name is used in what is differentiated: on a path, or in the penalty of the whole."""
        if self.for_row or self.tape is None or self.name.name not in self.program.penalty:
            return self.on_a_path
        return self.on_a_path or not self.name.index or self.program.penalty_formula(self.name) is not None

    @property
    def on_a_path(self) -> bool:
        """Whether a path leads from the name to what is differentiated."""
        if self.name.index:
            return self.program.formula(self.name) is not None
        return self.name.name in self.program.received

    def own_walk(self, path: Path) -> tuple[Edge, ...]:
        """A path to the row's own cost, without what takes that cost into the whole."""
        return tuple(f.edge for f in path.factors[1 if self.averaged else 0 :])

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
    step = _moment(problem, run, row) if run and run.steps else None
    start = run.start if run else None
    tape = step.tape if step else None
    symbol = of_symbol(network, tape, top)
    program, gradients = _program(network, tape, top, step.gradients if step else None)
    rows = tape.rows if tape else ()
    if row is not None and tape is not None:
        rows = (row,)
    chosen = Ref(node.name, entry if entry is not None else ())
    whole_cost = row is None and top == TOP and tape is not None
    averaged = whole_cost and network.cost is not None and network.cost.mean and len(rows) > 1
    engine = _engine_value(gradients, chosen, row, top, tape)
    if entry is None:
        return Derivation(
            problem, top, chosen, symbol, program, None, (), 0, False, engine, engine, True, rows,
            row is not None, tape,
            gradients, tuple(depends(program, chosen)), averaged, step, start,
        )  # fmt: skip
    graph = PathGraph(network, chosen, top, symbol.name)
    paths, value, complete = _paths(problem, graph, tape, gradients, rows, grain, whole_cost, averaged)
    if not complete and engine is not None:
        value = float(engine)
    return Derivation(
        problem, top, chosen, symbol, program, graph, tuple(paths), graph.count, complete, value, engine, False, rows,
        row is not None, tape, gradients, tuple(depends(program, chosen)), averaged, step, start,
    )  # fmt: skip


def refuse_row(problem: Problem, row: int | None) -> None:
    """Refuses a row that the sheet does not have.

    Raises:
        UsageError: with the rows that there are.
    """
    count = problem.table.rows if problem.table else 1
    if row is not None and not 1 <= row <= count:
        raise UsageError(f"there is no row {row}", expected=f"1 to {count}")


def _moment(problem: Problem, run: Run, row: int | None) -> Moment:
    """The last step of a run, or the last one that holds a row."""
    refuse_row(problem, row)
    holding = [s for s in run.steps if row is None or row in s.tape.rows]
    if not holding:
        raise UsageError(
            f"no step that was kept holds row {row}", hint="`sheet.why(…)` takes the step that holds a row"
        )
    return holding[-1]


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
    at = ref.place
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
    averaged: bool,
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
    for row, walk in walks:
        factors = [_factor(e, scenes[row]) for e in _grained(walk, network, grain)]
        if averaged:
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


def inner_nodes(network: Network) -> list[Node]:
    """The differences inside the cost that only its inner grain names: u = a - y."""
    cost = network.cost
    if cost is None:
        return []
    written = set(names(cost.written))
    return [network.nodes[n] for n in dict.fromkeys(names(cost.own)) if n in network.nodes and n not in written]


def whole_letters(d: Derivation) -> Expr:
    """What is asked for from the rows' own partials, in letters: their sum or mean, and the penalty's own."""
    assert d.tape is not None
    letters: Expr = over_rows(d.own, d.tape.rows)
    if d.averaged:
        letters = div(letters, Ref("N"))
    penalty = d.program.penalty_formula(d.name)
    return Call("add", (letters, penalty)) if penalty is not None else letters


def whole_steps(d: Derivation) -> list[Step]:
    """The same with numbers; none where they are too many for a line."""
    assert d.tape is not None
    assert d.gradients is not None
    assert d.engine is not None
    count = d.tape.count
    if count > ADDENDS or count * d.engine.size > NUMBERS:
        return []
    if d.of == TOP and d.name.name in d.gradients.totals:
        return total_steps(d.gradients, [d.name], {})
    rows, at = d.gradients.rows(d.name.name), d.name.place
    parts = tuple(as_expr(rows[(i, *at)]) for i in range(count))
    numbers: Expr = Call("add", parts) if count > 1 else parts[0]
    if d.averaged:
        numbers = Call("div", (numbers, Num(float(count))))
    return [Step(d.left, whole_letters(d), (numbers,), value_of(numbers))]
