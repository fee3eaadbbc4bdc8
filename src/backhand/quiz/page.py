"""Exercises as pages: the task with a table to fill in, the key, the worked solution, the answer template."""

from __future__ import annotations

from dataclasses import dataclass

from ..document.parts import Cell, Document, Formula, Heading, Inline, Page, Part, Table, Text, as_expr
from ..engine.run import run
from ..engine.training import settings_of
from ..explain.derivation import derive
from ..explain.diagram import diagram
from ..explain.names import convention_text
from ..explain.show import Choices, show_document
from ..explain.why import why_document
from ..network.graph import Network
from ..notation.expr import Call, Expr, Num, Partial, Ref
from ..notation.text import PLAIN
from ..ops.updates import RULES
from .exercise import Exercise

MOST_WEIGHTS = 60
ACCURACY = "Carry five significant figures; an answer may be off by half a percent."


@dataclass(frozen=True)
class Field:
    """What is to be typed in: said in words or as a formula, the number, how far it may be off."""

    label: tuple[Inline, ...]
    value: float
    tolerance: float
    name: str


def fields(exercise: Exercise, scale: bool = False) -> list[Field]:
    """The numbers an exercise asks for; none where the answer is in letters.

    Args:
        scale: small numbers in thousandths, for platforms that round.
    """
    if exercise.plant is not None:
        item, _ = exercise.plant.shown[exercise.plant.line - 1]
        return [
            Field(("the number of the first wrong line",), float(exercise.plant.line), 0.1, "line"),
            Field(("the right number there",), item.value, max(item.tolerance / item.scale, 1e-9), "right"),
        ]
    found = []
    for item in exercise.items:
        size = item.scale if scale else 1.0
        label: tuple[Inline, ...] = (item.left if size == 1.0 else Call("mul", (Num(size), item.left)),)
        if item.when:
            label = (*label, f" {item.when}")
        found.append(Field(label, item.value * size, item.tolerance * size / item.scale, item.name))
    return found


def _head(field: Field) -> Cell:
    """What is asked for, for a cell: a formula by itself, or words."""
    first, *rest = field.label
    if rest:
        return "".join(PLAIN(run) if isinstance(run, Expr) else str(run) for run in field.label)
    return first


def task_parts(exercise: Exercise, drawn: bool = True) -> list[Part]:
    """The task without its title: the network, its numbers, what is to be found."""
    page, network, cost = Page(), exercise.problem.network, exercise.problem.network.cost
    assert cost is not None
    page.add(*(Formula(Ref(node.name), node.formula) for node in network.equations if node.formula is not None))
    page.add(Formula(Ref(cost.name), cost.written))
    page.note(f"{cost.name} is {convention_text(cost, {})}.")
    if exercise.derive is not None:
        page.note(*_sizes(network))
    else:
        page.text(*_weights(network))
        if table := _data(exercise):
            page.add(table)
        if drawn:
            page.add(diagram(network, title="The network"))
    page.text(*_order(exercise))
    if exercise.rows > 1 and any(item.row is not None for item in exercise.items):
        partials = exercise.level in ("mistake", "sheet")
        page.note("@2 behind a name is row 2." + (" A partial with @2 is of row 2's own cost." if partials else ""))
        if cost.mean:
            page.add(Formula(Ref("L"), cost.own, "one row's own cost"))
    if exercise.plant is not None:
        page.add(_shown(exercise))
    return page.parts


def _weights(network: Network) -> list[Inline]:
    runs: list[Inline] = []
    for node in network.parameters[:MOST_WEIGHTS]:
        assert node.value is not None
        runs += [", " if runs else "", Ref(node.name), " = ", as_expr(node.value)]
    return [*runs, "."]


def _sizes(network: Network) -> list[Inline]:
    runs: list[Inline] = []
    for node in network.parameters:
        if node.shape:
            size = f" is {node.shape[0]} × {node.shape[1]}" if len(node.shape) == 2 else f" has {node.shape[0]} entries"
            runs += [", " if runs else "", Ref(node.name), size]
    return [*runs, "."] if runs else []


def _data(exercise: Exercise) -> Table | None:
    table, network = exercise.problem.table, exercise.problem.network
    if table is None:
        return None
    refs = [ref for node in (*network.inputs, *network.targets) for ref in node.entries()]
    rows: list[tuple[Cell, ...]] = []
    for row in range(table.rows):
        rows.append((str(row + 1), *(float(table.columns[r.name][(row, *r.place)]) for r in refs)))
    return Table(("row", *refs), tuple(rows))


def _order(exercise: Exercise) -> list[Inline]:
    """What is to be done."""
    network = exercise.problem.network
    cost, rate = network.cost, exercise.problem.plan.rate
    assert cost is not None
    whole = f" of the whole {cost.name}" if exercise.rows > 1 else ""
    match exercise.level:
        case "sheet":
            return ["Work the network forward, then back, and fill in the table. ", ACCURACY]
        case "forward":
            return ["Work the network forward" + (", row by row" if exercise.rows > 1 else "") + ". ", ACCURACY]
        case "partial":
            return ["Work out ", exercise.items[0].left, f"{whole} at these weights. ", ACCURACY]
        case "partials":
            return [f"Work out every partial{whole} at these weights. ", ACCURACY]
        case "update":
            assert rate is not None
            plan = exercise.problem.plan
            runs: list[Inline] = [f"Work out every partial{whole}, update all weights once by {plan.rule} ("]
            for name, formula in RULES[plan.rule].lines:
                runs += [Ref(name), " ← ", formula, "; "]
            runs += ["g is the partial, η = ", rate]
            for name, value in settings_of(plan).items():
                runs += [f", {name} = ", value]
            said = "; what is kept from step to step starts at 0" if RULES[plan.rule].state else ""
            said += "), all at the old weights, and work the network forward again with the new ones (#2). "
            return [*runs, said, ACCURACY]
        case "batch":
            return [f"Work all {exercise.rows} rows as one batch: {cost.name}, and every partial{whole}. ", ACCURACY]
        case "letters":
            assert exercise.derive is not None
            partial = Partial(Ref(cost.name), exercise.derive)
            return ["Derive ", partial, " in letters, for one row: every path to the cost as a product of partials."]
    return [
        "Somebody worked this network. One step is wrong, and what comes after it follows from the wrong number."
        " Which is the first wrong line, what should stand there, and what was done wrong?"
    ]


def _shown(exercise: Exercise) -> Table:
    """The worked solution with its slip."""
    assert exercise.plant is not None
    rows = [(str(k), item.left, value) for k, (item, value) in enumerate(exercise.plant.shown, 1)]
    return Table(("line", "", "number"), tuple(rows), "The worked solution", stub=1)


def task_document(exercise: Exercise) -> Document:
    """The task, with a table to fill in."""
    parts: list[Part] = [Heading(exercise.title, 1), *task_parts(exercise)]
    if exercise.derive is None:
        rows: list[tuple[Cell, ...]] = []
        for field in fields(exercise):
            rows.append((_head(field), ""))
        parts.append(Table(("asked for", "answer"), tuple(rows), "To fill in", ruled=True))
    return Document(tuple(parts), exercise.title)


def key_document(exercise: Exercise) -> Document:
    """The answers, and the working behind them."""
    parts: list[Part] = [Heading(f"{exercise.title}: key", 1)]
    if exercise.derive is None:
        rows: list[tuple[Cell, ...]] = []
        for field in fields(exercise):
            rows.append((_head(field), field.value, field.tolerance))
        parts.append(Table(("asked for", "answer", "may be off by"), tuple(rows), "Answers"))
    if exercise.plant is not None:
        item, value = exercise.plant.shown[exercise.plant.line - 1]
        said = f"The slip: {exercise.plant.text}. Line {exercise.plant.line} has "
        parts.append(Text((said, item.left, " = ", value, "; right is ", item.value, ".")))
    return Document((*parts, *_without_title(solution_document(exercise))), f"{exercise.title}: key")


def solution_document(exercise: Exercise) -> Document:
    """The worked solution: the way to the partial that is asked for, or every step of the network."""
    problem, cost = exercise.problem, exercise.problem.network.cost
    assert cost is not None
    asked = exercise.derive
    worked = None if asked else run(problem, 2 if exercise.level == "update" else 1)
    if exercise.level == "partial":
        partial = exercise.items[0].left
        assert isinstance(partial, Partial)
        asked = partial.by
    if asked is not None:
        return why_document(derive(problem, worked, asked, row=None, of=None, grain="neurons"))
    assert worked is not None
    return show_document(problem, worked, Choices(all_rows=True))


def _without_title(document: Document) -> tuple[Part, ...]:
    return tuple(p for p in document.parts if not (isinstance(p, Heading) and p.level == 1))


def template(exercise: Exercise) -> str:
    """The answer file to fill in, which `backhand check` marks."""
    lines = [f"# {exercise.title}: write your numbers behind the equals signs."]
    if exercise.derive is not None:
        cost = exercise.problem.network.cost
        assert cost is not None
        return f"# {exercise.title}: derive d{cost.name}/d{exercise.derive.name} in letters.\n"
    if exercise.plant is not None:
        return "\n".join([*lines, "# the number of the first wrong line:", "# what should stand there:", ""])
    return "\n".join([*lines, *(f"{item.name} = " for item in exercise.items), ""])


def key_lines(exercise: Exercise) -> str:
    """The same with the right numbers, all digits."""
    return "".join(f"{item.name} = {item.value!r}\n" for item in exercise.items)


def together(documents: list[Document], title: str) -> Document:
    """Several pages as one."""
    return Document(tuple(part for document in documents for part in document.parts), title)
