"""Results as immutable values: they draw themselves in a terminal and a notebook, and become plain data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..document.parts import Document
from ..engine.run import Run
from ..errors import UsageError
from ..network.build import Problem
from ..notation.expr import Ref
from ..notation.numbers import Digits
from ..sheet.parse import parse_name

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

    from ..engine.sweep import Sweep
    from ..explain.derivation import Derivation
    from ..explain.gradcheck import GradientCheck
    from ..explain.record import Row, StepRecord
    from ..explain.show import Choices
    from .sheets import Sheet


class Result(ABC):
    """What every result can do: draw itself in a terminal and a notebook, and become plain data."""

    digits: Digits = Digits()

    @abstractmethod
    def document(self) -> Document:
        """The result as a page."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, with full doubles."""

    def to_markdown(self, digits: int | None = 6) -> str:
        from ..render.markdown import to_markdown

        return to_markdown(self.document(), Digits(digits))

    def to_latex(self, digits: int | None = 6) -> str:
        from ..render.latex import to_latex

        return to_latex(self.document(), Digits(digits))

    def to_html(self, digits: int | None = 6) -> str:
        """A page in one file that needs no network."""
        from ..render.html import to_html

        return to_html(self.document(), Digits(digits))

    def to_pdf(self, digits: int | None = 6, paper: str = "a4") -> bytes:
        """A PDF, for paper a4 or letter; the same bytes for the same result."""
        from ..render.typst import to_pdf

        return to_pdf(self.document(), Digits(digits), paper)

    def to_xlsx(self) -> bytes:
        """A workbook of live formulas.

        Raises:
            UsageError: only a worked sheet can be one.
        """
        raise UsageError("only the working of a sheet can be a workbook", hint="backhand show SHEET -o FILE.xlsx")

    def save(self, path: str | Path, digits: int | None = 6, paper: str = "a4") -> None:
        """Writes the result; the ending chooses the format: .txt, .md, .tex, .html, .typ, .pdf, .json; .xlsx for a
        worked sheet.

        Args:
            paper: a4 or letter, for .pdf and .typ.
        Raises:
            UsageError: an unknown ending, or a place that cannot be written to.
        """
        from ..render.files import format_of, rendered, to_json, write_whole

        path = Path(path)
        form = format_of(path)
        if form == "json":
            write_whole(path, to_json(self.to_dict()))
        elif form == "xlsx":
            write_whole(path, self.to_xlsx())
        else:
            write_whole(path, rendered(self.document(), form, Digits(digits), paper))

    def __str__(self) -> str:
        from ..render.files import as_text

        return as_text(self.document(), None, "text", self.digits)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        from ..render.terminal import draw

        with console.capture() as captured:
            draw(self.document(), console, self.digits)
        yield Text.from_ansi(captured.get())

    def _mime_(self) -> tuple[str, str]:
        """For marimo, which shows one kind."""
        return "text/html", self._repr_mimebundle_()["text/html"]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """The result for a notebook: text, HTML that needs no scripts, LaTeX."""
        from ..render.html import to_fragment
        from ..render.latex import to_latex_piece

        document = self.document()
        return {
            "text/plain": str(self),
            "text/html": to_fragment(document, self.digits),
            "text/latex": to_latex_piece(document, self.digits),
        }


@dataclass(frozen=True, eq=False, repr=False)
class SheetPage(Result):
    """A sheet as a page, before it is worked."""

    sheet: Sheet

    def document(self) -> Document:
        return self.sheet.document()

    def to_dict(self) -> dict[str, Any]:
        return {"title": self.sheet.title, "sheet": self.sheet.write()}


@dataclass(frozen=True, eq=False, repr=False)
class Work(Result):
    """A sheet worked out: forward, cost, backward, update, for every step of the run."""

    problem: Problem
    run: Run
    choices: Choices

    @cached_property
    def steps(self) -> tuple[StepRecord, ...]:
        from ..explain.record import StepRecord

        return tuple(StepRecord(s) for s in self.run.steps)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the first step."""
        return self.steps[0].rows if self.steps else ()

    @property
    def cost(self) -> float | None:
        """The whole cost of the first step, before the update."""
        return self.steps[0].cost if self.steps else None

    @property
    def gradients(self) -> Mapping[str, Any]:
        """∂C/∂… of the first step."""
        return self.steps[0].gradients if self.steps else {}

    def why(self, name: str, row: int | None = None, of: str | None = None, grain: str = "neurons") -> Why:
        """The derivation of ∂cost/∂name at the last step kept (that holds the row, if one is asked for)."""
        return derive_why(self.problem, self.run, name, row, of, grain)

    def to_xlsx(self, blank: bool = False) -> bytes:
        """A workbook: change a weight, and everything follows.

        Args:
            blank: a worksheet to fill in, with no results in it; `check` reads it back.
        """
        from ..render.xlsx import to_xlsx

        return to_xlsx(self.problem, self.run, blank)

    def document(self) -> Document:
        from ..explain.show import show_document

        return show_document(self.problem, self.run, self.choices)

    def to_dict(self, only: set[str] | None = None) -> dict[str, Any]:
        from ..explain.record import show_json

        found, start = show_json(self.problem, self.run.steps, self.problem.warnings, only), self.run.start
        if start is not None:
            found["start"] = {"epochs": start.epochs, "updates": start.updates, "engine": start.engine}
        return found

    def __repr__(self) -> str:
        return f"<Work: {len(self.run.steps)} steps, cost {self.cost}>"


@dataclass(frozen=True, eq=False, repr=False)
class Why(Result):
    """The derivation of one partial."""

    derivation: Derivation

    @property
    def value(self) -> Any:
        return self.derivation.value

    @property
    def paths(self) -> Any:
        return self.derivation.paths

    @property
    def path_count(self) -> int:
        return self.derivation.path_count

    def document(self) -> Document:
        from ..explain.why import why_document

        return why_document(self.derivation)

    def to_dict(self) -> dict[str, Any]:
        from ..explain.why import why_json

        return why_json(self.derivation, self.digits)

    def __repr__(self) -> str:
        return f"<Why: {self.derivation.name.name}, {self.path_count} paths, {self.value}>"


@dataclass(frozen=True)
class GeneralRule(Result):
    """The rule for any layer, in letters."""

    layer: str

    def document(self) -> Document:
        from ..explain.general import general_document

        return general_document(self.layer)

    def to_dict(self) -> dict[str, Any]:
        from ..explain.general import general_json

        return general_json(self.layer)


@dataclass(frozen=True, eq=False, repr=False)
class Check(Result):
    """Back-propagation beside differences."""

    check: GradientCheck

    @property
    def agrees(self) -> bool:
        return self.check.agrees

    def document(self) -> Document:
        from ..explain.gradcheck import gradcheck_document

        return gradcheck_document(self.check)

    def to_dict(self) -> dict[str, Any]:
        from ..explain.gradcheck import gradcheck_json

        return gradcheck_json(self.check)

    def __repr__(self) -> str:
        return f"<Gradient check: {'agrees' if self.agrees else 'disagrees'}>"


def derive_why(problem: Problem, done: Run | None, name: str, row: int | None, of: str | None, grain: str) -> Why:
    from ..explain.derivation import derive

    top: Ref | None = parse_name(of) if of else None
    return Why(derive(problem, done, parse_name(name), row=row, of=top, grain=grain))


@dataclass(frozen=True, eq=False, repr=False)
class SweepResult(Result):
    """What a sweep over the starting values gave; a network with a cost below `below` has learnt it."""

    found: Sweep
    below: float

    def document(self) -> Document:
        from ..explain.sweep import sweep_document

        return sweep_document(self.found, self.below)

    def to_dict(self) -> dict[str, Any]:
        from ..explain.sweep import sweep_json

        return sweep_json(self.found, self.below)
