"""Pages beside the stage: a derivation, the other views, a marking, and the working as a file."""

from __future__ import annotations

import base64

from ..document.parts import Document, Formula, Page
from ..engine.program import Program
from ..engine.run import Run, run
from ..errors import UsageError
from ..explain.scene import Scene
from ..explain.stage import key
from ..notation.latex import LatexPrinter
from ..notation.numbers import Digits
from ..ops.vocabulary import LATEX
from ..sheet.parse import parse_name
from .asked import MOST_EPOCHS, SCHEMA, Answer, Asked, digits_of, opened, row_of, sheet_text, whole
from .moments import worked

MOST = 200  # lines of a view


def why_answer(asked: Asked) -> Answer:
    """The derivation of a partial: the page of `why`, and each path as the keys along it.

    Args:
        asked: text, name; row, or none for the whole cost; epochs and step as for the stage.
    """
    from ..explain.derivation import derive
    from ..explain.why import why_document

    _sheet, problem = opened(sheet_text(asked))
    done = worked(asked).run
    row = whole(asked, "row", 1, 10**9) if asked.get("row") is not None and done.steps else None
    found = derive(
        problem, done if done.steps else None, parse_name(str(asked.get("name", ""))), row=row, of=None, grain="neurons"
    )
    latex, digits = LatexPrinter(digits_of(asked), LATEX), digits_of(asked)
    paths = [
        {
            "row": path.row,
            "value": path.value,
            "factors": [
                {
                    "symbol": latex(factor.symbol),
                    "slope": latex(factor.edge.slope),
                    "value": factor.value,
                    "of": key(factor.edge.of),
                    "by": key(factor.edge.by),
                }
                for factor in path.factors
            ],
        }
        for path in found.paths[:200]
    ]
    value = found.value if isinstance(found.value, float | type(None)) else None
    return {"schema": SCHEMA, "paths": paths, "value": value, "page": page_of(why_document(found), digits)}


def view_answer(asked: Asked) -> Answer:
    """A row of a moment in a view: own, neurons, vectors, matrices, or batch (all rows at once).

    Args:
        asked: as for the stage, and view; letters, for none of its numbers.
    """
    from ..explain.batch import batch_form
    from ..explain.views import backward_lines, check_view, forward_lines, line_step

    _sheet, problem = opened(sheet_text(asked))
    network, view = problem.network, str(asked.get("view", "own"))
    check_view(network, view)  # type: ignore[arg-type]
    moment = worked(asked).moment if asked.get("letters") is not True else None
    page = Page()
    if view == "batch":
        tape, gradients = (moment.tape, moment.gradients) if moment is not None else (None, None)
        batch_form(page, network, tape, gradients, {})
        return {"schema": SCHEMA, "page": page_of(page.done(), digits_of(asked))}
    row = row_of(problem, moment, asked)
    scene = Scene(moment.tape, moment.gradients, row, {}) if moment is not None else None
    blocks = [("Forward", list(forward_lines(network, view)))]  # type: ignore[arg-type]
    if network.cost is not None and (moment is None or moment.gradients is not None):
        program = moment.gradients.program if moment is not None and moment.gradients is not None else Program(network)
        blocks.append(("Backward", list(backward_lines(program, view))))  # type: ignore[arg-type]
    for title, lines in blocks:
        page.heading(title)
        page.add(*(line_step(scene, li) if scene is not None else Formula(li.left, li.letters) for li in lines[:MOST]))
        if len(lines) > MOST:
            page.note(f"… and {len(lines) - MOST:,} more lines")
    return {"schema": SCHEMA, "page": page_of(page.done(), digits_of(asked))}


def check_answer(asked: Asked) -> Answer:
    """Answers marked, as by `check`: the page, and of each answer its verdict, its cause and what it should be.

    Args:
        asked: text, answers (lines `name = value`).
    """
    from ..check.answers import read_answers
    from ..check.marking import mark
    from ..check.page import marking_document, marking_json

    _sheet, problem = opened(sheet_text(asked))
    marking = mark(problem, read_answers(str(asked.get("answers", "")) + "\n", problem))
    page = page_of(marking_document(marking), digits_of(asked))
    return {"schema": SCHEMA, "marking": marking_json(marking), "page": page}


def export_answer(asked: Asked) -> Answer:
    """The working as a file of a format of `show -o`, in base 64.

    Args:
        asked: text, format, epochs, blank (a worksheet, for xlsx).
    """
    from ..explain.show import Choices, show_document
    from ..render.files import FORMATS, rendered

    _sheet, problem = opened(sheet_text(asked))
    form = str(asked.get("format"))
    if form not in FORMATS or form == "json":
        raise UsageError(f"there is no format `{form}`", expected=", ".join(f for f in FORMATS if f != "json"))
    epochs = whole(asked, "epochs", 1, 200 if form == "xlsx" else MOST_EPOCHS)
    if form == "xlsx":
        from ..render.xlsx import to_xlsx

        content: str | bytes = to_xlsx(problem, run(problem, epochs), bool(asked.get("blank")))
    else:
        done = run(problem, epochs, keep=lambda count, epoch: count <= 4) if not problem.network.in_letters else None
        document = show_document(problem, done or Run((), (), {}, None, 0), Choices())
        content = rendered(document, form, digits_of(asked))
    raw = content.encode() if isinstance(content, str) else content
    return {"schema": SCHEMA, "content": base64.b64encode(raw).decode()}


def page_of(document: Document, digits: Digits) -> str:
    from ..render.html import to_piece

    return to_piece(document, digits)
