"""The stage: the drawing of a moment, and every line of its work."""

from __future__ import annotations

import numpy as np

from ..document.parts import Diagram, Step
from ..engine.program import own_letter
from ..engine.training import Step as Moment
from ..errors import UsageError
from ..explain.diagram import diagram
from ..explain.ledger import key_of
from ..explain.scene import Scene
from ..explain.stage import StageLine
from ..explain.stage import stage as lines_of
from ..network.build import Problem
from ..notation.expr import Expr, Ref
from ..notation.latex import LatexPrinter
from ..notation.numbers import Digits
from ..notation.text import TextPrinter
from ..ops.vocabulary import LATEX
from ..render.html import data_key
from ..render.pictures import picture_svg
from ..sheet.model import CostLine, SheetText
from ..sheet.parse import parse_name
from .asked import (
    SCHEMA,
    Answer,
    Asked,
    digits_of,
    opened,
    row_of,
    sheet_text,
    told,
    whole,
)
from .moments import WHOLE, Worked, worked

LARGE = 2000  # numbers in a network; of a larger one only what is drawn gets lines


def stage_answer(asked: Asked) -> Answer:
    """A moment of the run: the drawing, every line of work, the history of the cost.

    Args:
        asked: text; epochs (how many are worked), step (the moment, from 1), row (of the sheet, from 1), digits,
            biases (drawn as units).
    """
    sheet, problem = opened(sheet_text(asked))
    network, digits = problem.network, digits_of(asked)
    done = worked(asked)
    moment = done.moment
    row = row_of(problem, moment, asked)
    scene = Scene(moment.tape, moment.gradients, row, {}) if moment is not None else None
    biases = asked.get("biases") is True
    drawings = {"forward": diagram(network, scene, biases=biases)}
    if network.cost is not None and (moment is None or moment.gradients is not None):
        drawings["backward"] = diagram(network, scene, backward=True, biases=biases)
    size = sum(int(np.prod(node.shape)) for node in network.nodes.values())
    found = lines_of(network, moment, row, _drawn(drawings["forward"]) if size > LARGE else None)
    pictures = {name: picture_svg(drawing, digits, name, brief=True) for name, drawing in drawings.items()}
    return {
        "schema": SCHEMA,
        "title": network.title or "A network",
        "warnings": list(problem.warnings),
        "letters": network.in_letters,
        "rows": problem.table.rows if problem.table else 1,
        "row": moment.tape.rows[row] if moment is not None else 1,
        "moment": _moment(done, whole(asked, "step", 1, WHOLE)),
        "history": done.history,
        "ended": told(done.failure) if done.failure is not None else None,
        "plan": _plan(sheet, problem),
        "pictures": pictures,
        "lines": [_line(line, digits) | {"answer": _answer_name(line, problem, moment, row)} for line in found.lines],
        "cut": found.cut,
        "values": dict(found.values),
        "given": {name: LatexPrinter(digits)(ref) for name, ref in found.given.items()},
    }


def _drawn(drawing: Diagram) -> list[Ref]:
    """What stands in a drawing by name: of a large network nothing else gets a line without being asked for."""
    labels = [label for dot in drawing.dots for label in dot.inside] + [arrow.label for arrow in drawing.arrows]
    named = [name for name, _ in labels] + [run for dot in drawing.dots for run in dot.below]
    return [name for name in named if type(name) is Ref]


def line_answer(asked: Asked) -> Answer:
    """The lines of one name, for networks too large to have them all.

    Args:
        asked: as for the stage, and name.
    """
    _sheet, problem = opened(sheet_text(asked))
    node, index = problem.network.find(parse_name(str(asked.get("name", ""))))
    if len(index) != len(node.shape):
        last = ",".join(map(str, node.shape))
        said = f"`{node.name}` has {last.replace(',', ' × ')} entries"
        raise UsageError(said, expected="one of them", hint=f"{node.name}[{last}] is the last one")
    moment = worked(asked).moment
    row, digits = row_of(problem, moment, asked), digits_of(asked)
    found = lines_of(problem.network, moment, row, [Ref(node.name, index)])
    name = key_of(Ref(node.name, index))
    lines = [
        _line(line, digits) | {"answer": _answer_name(line, problem, moment, row)}
        for line in found.lines
        if line.key[2:] == name
    ]
    return {"schema": SCHEMA, "lines": lines, "values": dict(found.values)}


def _moment(done: Worked, count: int) -> Answer | None:
    moment = done.moment
    if moment is None:
        return None
    return {
        "epoch": moment.epoch, "batch": moment.batch, "each": done.each, "step": min(count, done.steps),
        "steps": done.steps, "epochs": done.epochs, "engine": done.engine, "rows": list(moment.tape.rows[:200]),
        "cost": moment.tape.cost if moment.tape.network.cost is not None else None,
        "updated": moment.change is not None,
    }  # fmt: skip


def _cost_typed(sheet: SheetText) -> str | None:
    """The cost's formula as it stands in the sheet."""
    line = next((s for s in sheet.statements if isinstance(s, CostLine)), None)
    return sheet.text[slice(*line.value.span)] if line is not None and line.value.span is not None else None


def _plan(sheet: SheetText, problem: Problem) -> Answer:
    network, plan = problem.network, problem.plan
    cost = network.cost
    return {
        "rate": plan.rate,
        "rule": plan.rule,
        "mode": plan.mode if plan.mode != "batches" else f"batches of {plan.batch_size}",
        "cost": cost.name if cost is not None else None,
        "formula": _cost_typed(sheet),
        "convention": cost.convention if cost is not None else None,
        "parameters": [key_of(ref) for node in network.parameters for ref in node.entries(400)],
        "inputs": [node.name for node in network.inputs],
        "targets": [node.name for node in network.targets],
    }


def _answer_name(line: StageLine, problem: Problem, moment: Moment | None, row: int) -> str | None:
    """As which answer `check` takes a line's number; steps that share an epoch have no names there."""
    cost = problem.network.cost
    if moment is None or cost is None or problem.plan.mode != "batch":
        return None
    tape, name = moment.tape, line.key[2:]
    epoch = f"#{moment.epoch}" if moment.epoch > 1 else ""
    of_row = f"@{tape.rows[row]}" if tape.count > 1 else ""
    letter = own_letter(problem.network, tape.count)
    if line.key in ("own", "cost"):
        return f"{letter}{of_row}{epoch}" if line.key == "own" else f"{cost.name}{epoch}"
    return {
        "v": f"{name}{of_row}{epoch}",
        "d": f"d{letter}/d{name}{of_row}{epoch}",
        "t": f"d{cost.name}/d{name}{epoch}",
        "u": f"{name}'{epoch}",
    }[line.key[0]]


def _line(line: StageLine, digits: Digits) -> Answer:
    """A line of working in LaTeX, and in words for who cannot see it."""

    whole = line.key[0] == "t" or any(key.startswith("t:") for key in line.takes)

    def keyed(name: Expr) -> str:
        """Over several rows a partial without a row is that of the whole cost."""
        found = data_key(name)
        return f"k=t:{found[4:]}" if whole and found.startswith("k=d:") and ",row=" not in found else found

    latex, text = LatexPrinter(digits, LATEX, keyed=keyed), TextPrinter(digits, limit=12)
    parts = []
    for part in line.parts:
        if isinstance(part, Step):
            printed = part.printed(digits)
            left, links, remark = printed.left, printed.links, printed.remark
        else:
            assert part.left is not None
            left, links, remark = part.left, (("=", part.right),), part.remark
        parts.append(
            {
                "left": latex(left),
                "links": [[sign, latex(expr)] for sign, expr in links],
                "said": f"{text(left)} " + " ".join(f"{sign} {text(expr)}" for sign, expr in links),
                "remark": remark,
            }
        )
    return {"key": line.key, "phase": line.phase, "group": line.group, "takes": list(line.takes), "parts": parts}
