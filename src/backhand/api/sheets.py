"""Sheets: read, worked out, derived, checked, and made of sizes alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..document.parts import Document
from ..engine.run import MAX_EPOCHS, Progress, Run, run
from ..engine.training import Point, Step, has_rows, steps
from ..errors import SheetError, UsageError, nearest
from ..network.build import Problem, build
from ..network.graph import Network
from ..sheet.model import SheetText
from ..sheet.parse import parse
from ..sheet.source import text_of
from ..sheet.write import write
from .results import Check, SheetPage, SweepResult, Why, Work, derive_why

if TYPE_CHECKING:
    from ..studio.widget import StudioWidget
    from .drawing import Drawing
    from .marking import Checked, CheckedGroup, ProofreadDocument
    from .quiz import Quiz

GRAINS = ("neurons", "layers", "inner")
LARGEST_SHEET = 20_000_000


@dataclass(frozen=True)
class Sheet:
    """A sheet: its text, and the network it means.

    Attributes:
        statements: as read.
        problem: the network with its plan and data.
    """

    statements: SheetText
    problem: Problem = field(compare=False, repr=False)

    @property
    def network(self) -> Network:
        return self.problem.network

    @property
    def title(self) -> str:
        return self.network.title

    @property
    def warnings(self) -> tuple[str, ...]:
        return self.problem.warnings

    def document(self) -> Document:
        """The sheet as a page: its equations, its cost, its network drawn."""
        from ..explain.show import Choices, show_document

        return show_document(self.problem, Run((), (), {}, None, 0), Choices(plain=True))

    def __rich_console__(self, console: Any, options: Any) -> Any:
        yield from self._page().__rich_console__(console, options)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return self._page()._repr_mimebundle_()

    def _mime_(self) -> tuple[str, str]:
        return self._page()._mime_()

    def _page(self) -> SheetPage:
        return SheetPage(self)

    def __repr__(self) -> str:
        return f"<Sheet: {self.title or 'without a title'}, {self.network.parameter_count} parameters>"

    def write(self) -> str:
        """The sheet's text; reading it gives the same network."""
        return write(self.statements)

    def show(
        self,
        epochs: int = 1,
        *,
        view: str = "own",
        names: str = "own",
        rows: Sequence[int] = (),
        until_gradient: float | None = None,
        questions: bool = False,
        every: int = 1,
        epoch: int = 1,
        fast: bool = False,
        surface: str | None = None,
    ) -> Work:
        """Works the sheet out.

        Args:
            epochs: how many; with `until_gradient` the most there may be.
            epoch: the first one to work out; those before are trained only.
            fast: train them by the fast engine, in float64: the same numbers but for the last digits.
            view: own, neurons, vectors, matrices or batch.
            names: own, indexed (w_jk^(l)), fromto (W<to><from>_<layer>) or numbered.
            rows: which rows are written out in full, counted from 1.
            until_gradient: stop when no |∂C/∂w| is above this.
            every: keep every so many-th step only.
            surface: two parameters, `w,b` or `w=-1..2,b=0..3`: the cost over them is drawn, with the descent's path.
        Raises:
            BackhandError: a request that does not fit, or a number that stopped being finite.
        """
        from ..explain.show import Choices

        _one_of("view", view, _views())
        _one_of("names", names, _schemes())
        count = self.problem.table.rows if self.problem.table else 1
        wrong = next((row for row in rows if not 1 <= row <= count), None)
        if wrong is not None:
            raise UsageError(f"there is no row {wrong}", expected=f"1 to {count}")
        if every < 1:
            raise UsageError(f"every {every} steps cannot be kept", expected="1 or more")
        if until_gradient is not None and not until_gradient > 0:
            raise UsageError(
                f"a gradient cannot be below {until_gradient:g}", expected="a number above 0, such as 1e-6"
            )
        choices = Choices(view, names, tuple(rows), questions=questions, surface=surface)  # type: ignore[arg-type]
        if until_gradient is not None and epochs == 1:
            epochs = MAX_EPOCHS
        done = self.run(epochs, until=until_gradient, every=every, epoch=epoch, fast=fast)
        return Work(self.problem, done, choices)

    def run(
        self,
        epochs: int = 1,
        *,
        until: float | None = None,
        every: int = 1,
        progress: Any = None,
        keep: Any = None,
        epoch: int = 1,
        fast: bool = False,
    ) -> Run:
        """The numbers alone; in letters there are none."""
        if self.network.in_letters:
            return Run((), (), {}, None, 0)
        if epochs < 1:
            raise UsageError(f"{epochs} epochs cannot be worked", expected="1 or more")
        start = self._point(epoch, fast, progress)
        chosen = keep or (lambda count, epoch: (count - 1) % every == 0)
        return run(self.problem, epochs, until=until, keep=chosen, progress=progress, start=start)

    def studio(self, height: int = 820) -> StudioWidget:
        """The studio's page in a notebook, on this sheet; `.text` of it is the sheet as it was changed there.

        Raises:
            UsageError: anywidget is not installed.
        """
        from ..studio.text import whole_text

        try:
            from ..studio.widget import StudioWidget
        except ImportError:
            raise UsageError(
                "the studio in a notebook needs anywidget", hint='pip install "backhand[notebook]"'
            ) from None
        return StudioWidget(whole_text(self.statements, self.problem)[0], height)

    def why(
        self,
        name: str,
        row: int | None = None,
        *,
        of: str | None = None,
        epoch: int = 1,
        grain: str = "neurons",
        fast: bool = False,
        progress: Progress | None = None,
    ) -> Why:
        """The derivation of ∂cost/∂name (or ∂of/∂name) in some epoch.

        Args:
            row: one row's own cost; None is the whole cost.
            grain: neurons, layers or inner (down to the cost's inner difference).
            fast: train the epochs before by the fast engine, in float64.
        Raises:
            NameProblem, UsageError: no such name, entry or row.
        """
        _one_of("grain", grain, GRAINS)
        problem = self.problem
        if grain == "inner":
            from ..network.inner import with_inner

            problem = with_inner(problem)
        if problem.network.in_letters:
            return derive_why(problem, None, name, row, of, grain)
        plan = problem.plan if problem.plan.rate is not None else replace(problem.plan, mode="batch")
        from ..explain.derivation import refuse_row

        refuse_row(problem, row)
        start = self._point(epoch, fast, progress)
        holds = _holding(replace(problem, plan=plan), start, row)
        return derive_why(problem, holds, name, row, of, grain)

    def _point(self, epoch: int, fast: bool, progress: Progress | None) -> Point | None:
        """Where the training stands before an epoch; None at the starting values."""
        if epoch < 1:
            raise UsageError(f"there is no epoch {epoch}", expected="1 or more")
        if epoch > 1 and self.problem.plan.rate is None:
            raise UsageError("without a rate there is only epoch 1", hint="add `rate 0.1` to the sheet")
        if epoch > 1 and not has_rows(self.problem):
            raise _no_rows()
        if epoch > 1 and not self.network.parameters:
            raise UsageError("without parameters every epoch is the same", hint="leave out --epoch")
        if epoch == 1:
            if fast:
                raise UsageError("there is nothing to do fast before epoch 1", hint="--epoch 1000 --fast")
            return None
        from ..engine.replay import point_after

        return point_after(self.problem, epoch - 1, fast, progress)

    def sweep(
        self, seeds: int = 1000, steps: int = 1000, *, first: int = 1, below: float = 0.01,
        progress: Progress | None = None,
    ) -> SweepResult:  # fmt: skip
        """Trains the network from many starting values at once, in float32, each step over all rows.

        Args:
            seeds: how many; the first is `first`.
            below: the cost below which a network counts as having learnt it.
        Raises:
            UsageError: no `start` line that draws, no rate, no compiled engine, or a network its tape does not take.
        """
        from ..engine.sweep import sweep

        return SweepResult(sweep(self.problem, range(first, first + seeds), steps, progress=progress), below)

    def check(
        self, answers: str | Path | dict[str, Any], *, relative: float | None = None, absolute: float | None = None,
        figures: int | None = None, decimals: int | None = None,
    ) -> Checked:  # fmt: skip
        """Marks what a person worked out: lines `name = value`, a file of them, or a dict.

        Args:
            relative, absolute, figures, decimals: how far a number may be off; half of its last digit without them.
        Raises:
            BackhandError: no answers, or a sheet without numbers.
        """
        from ..check.answers import read_answers
        from ..check.marking import mark
        from ..check.tolerance import Tolerance
        from .marking import Checked

        tolerance = Tolerance(relative, absolute, figures, decimals)
        return Checked(mark(self.problem, read_answers(answers, self.problem), tolerance))

    def check_all(self, folder: str | Path, **tolerance: Any) -> CheckedGroup:
        """Marks a folder with a file of answers for each person.

        Args:
            tolerance: as of `check`.
        """
        from ..check.group import answer_files, mark_group
        from ..check.tolerance import Tolerance
        from .marking import CheckedGroup

        return CheckedGroup(mark_group(self.problem, answer_files(Path(folder)), Tolerance(**tolerance)))

    def proofread(self, document: str | Path) -> ProofreadDocument:
        """Proofreads a worked document (Markdown, LaTeX, text) that is about this sheet; its path or its text."""
        from ..check.proofread import proofread
        from .marking import ProofreadDocument

        inside = isinstance(document, str) and ("\n" in document or "=" in document)
        text = str(document) if inside else read_text(Path(document))
        title = "the document" if inside else Path(document).name
        return ProofreadDocument(proofread(text, self.problem, title))

    def draw(
        self, what: str = "network", *, surface: str | None = None, row: int = 1, epochs: int = 1, biases: bool = False,
        progress: Any = None,
    ) -> Drawing:  # fmt: skip
        """A picture: network, backward, surface (with `surface="w,b"`), curves or histograms; `.save("net.svg")`.

        Args:
            biases: of a network, as the weights of a unit that is always 1.
        """
        from .drawing import drawing

        return drawing(self, what, surface, row, epochs, progress, biases)

    def quiz(self, level: str = "partials", variants: int = 1, *, seed: int = 1, **choices: Any) -> Quiz:
        """Exercises from this sheet: its numbers are drawn anew; `choices` as of `bh.exercises`."""
        from .quiz import exercises

        return exercises(self, level=level, variants=variants, seed=seed, **choices)

    def gradcheck(self, epsilon: float = 1e-6, *, prices: bool = False) -> Check:
        """Back-propagation beside one-sided and central differences, for every partial.

        Raises:
            UsageError: no cost, no data, no parameters, or a sheet in letters.
        """
        from ..explain.gradcheck import check_gradients

        return Check(check_gradients(self.problem, epsilon, prices))


def _no_rows() -> UsageError:
    return UsageError("the sheet has inputs and no data, so no partial has a value", hint="add `data` and its rows")


def _holding(problem: Problem, start: Point | None, row: int | None) -> Run:
    """The step of the next epoch that holds a row (its first step, if none is asked for)."""
    if not has_rows(problem):
        raise _no_rows()
    last: Step | None = None
    for step in steps(problem, 1, start):
        last = step
        if row is None or row in step.tape.rows:
            break
    return Run((last,) if last else (), (), {}, None, last.epoch if last else 0, start=start)


def _views() -> tuple[str, ...]:
    from ..explain.views import VIEWS

    return VIEWS


def _schemes() -> tuple[str, ...]:
    from ..explain.names import SCHEMES

    return SCHEMES


def _one_of(what: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        near = nearest(value, tuple(known))
        raise UsageError(
            f"there is no {what} `{value}`",
            expected=", ".join(known),
            hint=f"did you mean `{near}`?" if near else None,
        )
    return value


def read(source: str | Path) -> Sheet:
    """Reads a sheet from a file, or from its own text (anything with a line break or an `=`).

    Raises:
        SheetError, DataError: with line, column, what was expected and what to try.
        UsageError: there is no such file.
    """
    if isinstance(source, str) and ("\n" in source or "=" in source):
        return _sheet(source, "sheet", None)
    path = Path(source)
    return _sheet(read_text(path), path.name, path.parent)


def read_text(path: Path) -> str:
    """A sheet file's text.

    Raises:
        UsageError: it cannot be read; SheetError: it is not UTF-8 text, or far too large.
    """
    large = path.is_file() and path.stat().st_size > LARGEST_SHEET
    hint = 'move the rows out: `data from "rows.csv"`' if large else "`backhand examples` lists the examples"
    return text_of(path, LARGEST_SHEET, SheetError, "a sheet file, the name of an example, or - for stdin", hint)


def from_text(text: str, source: str = "sheet", folder: Path | None = None) -> Sheet:
    """A sheet from its text; `folder` is where `data from` looks."""
    return _sheet(text, source, folder)


def _sheet(text: str, source: str, folder: Path | None) -> Sheet:
    statements = parse(text, source)
    return Sheet(statements, build(statements, folder))


def layers(*sizes: int, activation: str = "sigmoid", output: str = "linear", start: str = "he", seed: int = 0) -> Sheet:
    """A network of dense layers without any text: `bh.layers(2, 3, 1)`.

    Args:
        sizes: inputs, hidden units layer by layer, outputs.
        activation, output: of the hidden layers and of the last one.
        start: he, xavier, uniform, normal or zeros, drawn with `seed`.
    Raises:
        UsageError: fewer than two sizes, or a size below 1.
    """
    if len(sizes) < 2 or any(type(s) is not int or s < 1 for s in sizes):
        raise UsageError(
            f"layers{sizes!r} is no network", expected="at least two whole numbers, such as layers(2, 3, 1)"
        )
    chain = "".join(f" -> {s} {output if i == len(sizes) - 1 else activation}" for i, s in enumerate(sizes[1:], 1))
    names = f'title "{"-".join(map(str, sizes))}"\ninput x[{sizes[0]}]\ntarget yd[{sizes[-1]}]'
    text = f"{names}\nlayers x{chain} as y\ncost C = mse(y, yd)\nstart {start} seed {seed}\n"
    return _sheet(text, "layers", None)
