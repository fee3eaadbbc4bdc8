"""Tables as on paper: a row per example; function, derivative, value; epochs and costs."""

from __future__ import annotations

import numpy as np

from ..document.parts import Cell, Chart, Series, Table
from ..engine.reference import Gradients, Tape
from ..engine.run import Run
from ..network.derive import entry_partial
from ..network.graph import Network, Node, Role
from ..notation.expr import ONE, ZERO, Call, Expr, Num, Partial, Ref, is_number, substitute
from ..ops.evaluate import value_of
from ..ops.vocabulary import VOCABULARY
from .scene import Scene

WIDEST = 60  # columns: more are left out, and said
ROWS = 12  # rows shown of longer data, unless all are asked for


def _picked(count: int, most: int) -> list[int]:
    """Which rows of long data are shown: the first ones and the last two."""
    return list(range(count)) if count <= most else [*range(most - 2), count - 2, count - 1]


def _columns(nodes: list[Node]) -> tuple[list[Ref], int]:
    refs = [ref for node in nodes for ref in node.entries(WIDEST + 1)]
    return refs[:WIDEST], sum(int(np.prod(n.shape)) for n in nodes)


def forward_table(tape: Tape, scene: Scene, most: int = ROWS) -> Table:
    """A row per example: inputs, targets, z and a of every neuron, and the row's own cost."""
    network = tape.network
    refs, total = _columns([*network.inputs, *network.targets, *network.equations])
    letter = _own(tape)
    heads: list[Cell] = ["row", *(scene.named(r) for r in refs)]
    rows = []
    for row in _picked(tape.count, most):
        cells: list[Cell] = [str(tape.rows[row]), *(float(tape.value(r, row)) for r in refs)]
        if network.cost:
            cells.append(float(tape.own[row]))
        rows.append(tuple(cells))
    if network.cost:
        heads.append(Ref(letter))
    return Table(tuple(heads), tuple(rows), _title("Forward, a row per example", tape.count, most, len(refs), total))


def _own(tape: Tape) -> str:
    from ..engine.program import own_letter

    return own_letter(tape.network, tape.count)


def _title(text: str, count: int, most: int, shown: int, total: int) -> str:
    left = []
    if count > most:
        left.append(f"{most} of {count} rows")
    if total > shown:
        left.append(f"{shown} of {total} columns")
    return text + (f" ({', '.join(left)} shown)" if left else "")


def gradient_table(gradients: Gradients, scene: Scene, most: int = ROWS) -> Table:
    """A row per example: the partial of its own cost by each parameter; below, that of the whole cost."""
    tape = gradients.tape
    refs, total = _columns(tape.network.parameters)
    symbol = gradients.program.symbol
    heads: list[Cell] = [
        "row",
        *(Partial(symbol, r) for r in (scene.named(r) for r in refs) if isinstance(r, Ref)),
    ]
    values = {name: gradients.rows(name) for name in dict.fromkeys(r.name for r in refs)}
    rows: list[tuple[Cell, ...]] = []
    for row in _picked(tape.count, most):
        rows.append((str(tape.rows[row]), *(float(values[r.name][(row, *r.place)]) for r in refs)))
    cost = tape.network.cost
    assert cost is not None
    if tape.count > 1 or cost.penalty is not None:
        totals = [float(gradients.totals[r.name][r.place]) for r in refs]
        rows.append((f"∂{cost.name}/∂", *totals))
    text = "Gradients, a row per example" + (
        f"; the last line is of the whole {cost.name}" if len(rows) > tape.count else ""
    )
    return Table(tuple(heads), tuple(rows), _title(text, tape.count, most, len(refs), total))


def derivative_table(scene: Scene) -> Table | None:
    """Function, derivative, value: each formula beside its derivative by each thing it uses (as in S14)."""
    tape, network = scene.tape, scene.tape.network
    gradients = scene.gradients
    if gradients is None or network.cost is None:
        return None
    rows: list[tuple[Cell, ...]] = []
    items: list[tuple[Ref, Expr]] = [(gradients.program.symbol, network.cost.own)]
    items += [(Ref(n.name), n.formula) for n in reversed(network.equations) if n.formula is not None]
    if any(n.shape not in ((), (1,)) for n in network.equations) or network.parameter_count > 40:
        return None
    for left, formula in items:
        out = (1,) if left.name in network.nodes and network.nodes[left.name].shape == (1,) else ()
        for leaf in _uses(formula, network):
            at = (1,) * len(network.nodes[leaf].shape)
            slope = entry_partial(formula, out or _cost_out(formula, network), leaf, at, network.shape_of)
            if is_number(slope, 0.0):
                continue
            by = Ref(leaf, at)
            value = float(np.asarray(value_of(scene.fill(slope))).reshape(-1)[0])
            function, partial = scene.named(formula), scene.named(Partial(left, by))
            rows.append((scene.named(left), function, partial, spelt(scene.named(slope)), value))
    return Table(
        ("function", "formula", "derivative", "formula", "value"),
        tuple(rows),
        f"Function, derivative, value, in row {tape.rows[scene.row]}",
    )


def _cost_out(formula: Expr, network: Network) -> tuple[int, ...]:
    from ..network.shapes import shape_of

    return (1,) if shape_of(formula, network.shape_of) == (1,) else ()


def _uses(formula: Expr, network: Network) -> list[str]:
    from ..notation.expr import names

    known = [network.nodes[n] for n in names(formula) if n in network.nodes]
    return [node.name for role in (Role.EQUATION, Role.PARAMETER) for node in known if node.role is role]


def spelt(slope: Expr) -> Expr:
    """σ'(z) with its meaning where it is a matter of cases: relu'(z) is 1 if z > 0, else 0."""
    if type(slope) is Call and slope.prime and slope.op in VOCABULARY:
        if slope.op in ("max", "min"):
            return taken(slope)
        meaning = VOCABULARY[slope.op].derivative[slope.prime - 1]
        if type(meaning) is Call and meaning.op == "cases":
            letters = VOCABULARY[slope.op].letters
            return substitute(meaning, dict(zip(letters, slope.args, strict=False)))
    return slope


def taken(slope: Call) -> Expr:
    """When max or min takes an argument: it beats those before it, for a tie goes to the first, and no later one
    beats it."""
    k = slope.prime - 1
    own, before, after = slope.args[k], slope.args[:k], slope.args[k + 1 :]
    larger = slope.op == "max"

    def best(of: tuple[Expr, ...]) -> Expr:
        return of[0] if len(of) == 1 else Call(slope.op, of)

    if not before:
        return Call("cases", (ONE, Call("ge" if larger else "le", (own, best(after))), ZERO))
    if not after:
        return Call("cases", (ONE, Call("gt" if larger else "lt", (own, best(before))), ZERO))
    loses = Call("le" if larger else "ge", (own, best(before)))
    beaten = Call("lt" if larger else "gt", (own, best(after)))
    return Call("cases", (ZERO, loses, ZERO, beaten, ONE))


def history_table(run: Run, cost_name: str, most: int = 20) -> Table:
    """Epochs and costs of a longer run, thinned out evenly."""
    history = run.history
    per_epoch = max((step for _, step, _ in history), default=1)
    stride = max(1, -(-len(history) // most))
    chosen = sorted({*range(0, len(history), stride), len(history) - 1})
    rows: list[tuple[Cell, ...]] = []
    for i in chosen:
        epoch, step, cost = history[i]
        rows.append((str(epoch), *((str(step),) if per_epoch > 1 else ()), cost))
    heads: tuple[Cell, ...] = ("epoch", *(("step",) if per_epoch > 1 else ()), Ref(cost_name))
    return Table(heads, tuple(rows), f"{cost_name} before each update" + (f", every {stride}th" if stride > 1 else ""))


def history_chart(run: Run, cost_name: str, most: int = 500) -> Chart:
    """The same as a curve; logarithmic where the costs span more than a factor of a hundred."""
    stride = max(1, -(-len(run.history) // most))
    chosen = sorted({*range(0, len(run.history), stride), len(run.history) - 1})
    ys = tuple(run.history[i][2] for i in chosen)
    per_epoch = max(step for _, step, _ in run.history)
    xs = tuple(float(run.history[i][0]) if per_epoch == 1 else float(i + 1) for i in chosen)
    wide = min(ys) > 0 and max(ys) > 100 * min(ys)
    series = (Series(cost_name, xs, ys),)
    return Chart(
        f"{cost_name} before each update", "epoch" if per_epoch == 1 else "step", cost_name, series, log_y=wide
    )


__all__ = ["Num", "derivative_table", "forward_table", "gradient_table", "history_chart", "history_table"]
