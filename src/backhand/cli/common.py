"""What all commands share: where a sheet comes from, and where a result goes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import SheetError, UsageError, nearest
from ..notation.numbers import Digits
from ..render.files import FORMATS

if TYPE_CHECKING:
    from ..api import Sheet
    from ..api.results import Result
    from ..train.fit import Fitting

MOST_EPOCHS = 10**12
Command = TypeVar("Command", bound=Callable[..., Any])


class DigitsType(click.ParamType):  # type: ignore[type-arg]
    """A number of significant digits, or `full`."""

    name = "N|full"

    def convert(self, value: Any, param: Any, ctx: Any) -> Digits:
        if isinstance(value, Digits):
            return value
        if str(value) == "full":
            return Digits(None)
        if str(value).isdigit() and 1 <= int(value) <= 17:
            return Digits(None if int(value) == 17 else int(value))
        return self.fail(f"{value} is no number of digits; give 1 to 17, or `full` for every digit", param, ctx)


@dataclass(frozen=True)
class Output:
    """Where a result goes, and how it looks there."""

    path: Path | None
    form: str | None
    as_json: bool
    digits: Digits
    paper: str

    @property
    def to_file(self) -> bool:
        return self.path is not None and str(self.path) != "-"

    @property
    def format(self) -> str | None:
        """The format: asked for, or told by the ending of the file; None is as a terminal shows it.

        Raises:
            UsageError: two that contradict each other, or an ending that Backhand does not write.
        """
        from ..render.files import format_of

        if self.as_json and self.form not in (None, "json"):
            raise UsageError(f"--json and --format {self.form} contradict each other", expected="one of them")
        if self.as_json or self.form:
            return "json" if self.as_json else self.form
        return format_of(self.path) if self.path is not None and self.to_file else None


def output_options(command: Command) -> Command:
    """-o, --format, --json, --digits, --paper, which the command is given as one: `to`."""

    @wraps(command)
    def with_output(
        *args: Any, output: Path | None, form: str | None, as_json: bool, digits: Digits, paper: str, **others: Any
    ) -> Any:
        return command(*args, to=Output(output, form, as_json, digits, paper), **others)

    options = [
        click.option(
            "-o",
            "--output",
            type=click.Path(dir_okay=True, path_type=Path),
            help="Write to FILE; its ending chooses the format (.html .pdf .xlsx .md .tex .typ .json .txt).",
        ),
        click.option("--format", "form", type=click.Choice(FORMATS), help="The format, whatever the file is called."),
        click.option("--json", "as_json", is_flag=True, help="One JSON document with every number as a full double."),
        click.option(
            "--digits",
            type=DigitsType(),
            default="6",
            show_default=True,
            help="Significant digits shown; `full` for all.",
        ),
        click.option("--paper", type=click.Choice(["a4", "letter"]), default="a4", show_default=True, help="Of a PDF."),
    ]
    made: Any = with_output
    for option in reversed(options):
        made = option(made)
    return made  # type: ignore[no-any-return]


def open_sheet(source: str, seed: int | None = None, data: Path | None = None) -> Sheet:
    """The sheet behind a word of the command line: a file, - for stdin, the name of an example, or a model file.

    Args:
        data: rows for a model, instead of those it was trained on.

    Raises:
        BackhandError: it cannot be read, or what it says is wrong.
    """
    from ..api import read_text
    from .examples import example_names, example_text

    if source.lower().endswith(".bhm") and _exists(source):
        return _of_model(Path(source), data)
    if source.lower().endswith(".onnx"):
        return _of_onnx(Path(source), data)
    if data is not None:
        raise UsageError("--data gives rows to a model, and this is a sheet", hint="a sheet says `data from FILE`")
    if source == "-":
        try:
            text = sys.stdin.buffer.read().decode("utf-8-sig")
        except UnicodeDecodeError as problem:
            said = f"stdin is not UTF-8 text (byte {problem.start})"
            raise SheetError(said, hint="save it as plain text, UTF-8") from None
        sheet = _seeded(text, "stdin", Path(), seed)
    elif not _exists(source) and source.removesuffix(".bh") in example_names() and "/" not in source:
        name = source.removesuffix(".bh")
        text, folder = example_text(name)
        sheet = _seeded(text, f"{name}.bh", folder, seed)
    else:
        path = Path(source)
        if not _exists(source):
            near = nearest(source, example_names())
            raise UsageError(
                f"there is no sheet `{source}`",
                expected="a sheet file, - for stdin, or the name of an example",
                hint=f"did you mean `{near}`?" if near else "`backhand examples` lists the examples",
            )
        sheet = _seeded(read_text(path), path.name, path.parent, seed)
    for warning in sheet.warnings:
        click.echo(f"warning: {warning}", err=True)
    return sheet


def _of_model(path: Path, data: Path | None) -> Sheet:
    """A trained model as a sheet at its weights."""
    from ..api import Sheet
    from ..sheet.parse import parse
    from ..train.by_hand import model_problem

    text, problem, said = model_problem(path, data)
    for line in said:
        click.echo(f"note: {line}", err=True)
    return Sheet(parse(text, path.name), problem)


def _of_onnx(path: Path, data: Path | None) -> Sheet:
    """Another program's model as a sheet, with the rows of a table."""
    from ..api.exchange import from_onnx

    if data is None:
        return from_onnx(path)
    from ..train.table import NUMBER, read_table

    table = read_table(data)
    numbers = [column.name for column in table.columns if column.kind == NUMBER]
    sheet = from_onnx(path, table.without_gaps(numbers).frame.select(numbers).to_numpy())
    click.echo(f"note: x is {', '.join(numbers[:12])}{', …' if len(numbers) > 12 else ''}", err=True)
    return sheet


def _exists(source: str) -> bool:
    try:
        return Path(source).exists()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _seeded(text: str, name: str, folder: Path, seed: int | None) -> Sheet:
    """A sheet; `--seed` takes the place of the seed in its `start` line."""
    from ..api import Sheet, from_text
    from ..network.build import build
    from ..sheet.model import Start
    from ..sheet.parse import parse

    if seed is None:
        return from_text(text, name, folder)
    statements = parse(text, name)
    changed = tuple(replace(s, seed=seed) if isinstance(s, Start) else s for s in statements.statements)
    if changed == statements.statements and not any(isinstance(s, Start) for s in changed):
        raise UsageError("--seed has nothing to draw: the sheet has no `start` line", hint="add `start he`")
    statements = replace(statements, statements=changed)
    return Sheet(statements, build(statements, folder))


def deliver(
    result: Result,
    to: Output,
    data: dict[str, Any] | None = None,
    made: Mapping[str, Callable[[], str | bytes]] | None = None,
) -> None:
    """Prints a result, or writes it to a file whole.

    Args:
        data: the result as JSON, where it is not all of it.
        made: what makes a format, where it is not the usual one.
    Raises:
        UsageError: an ending that says no format, or a place that cannot be written to.
    """
    from ..render.files import BINARY, rendered, to_json, write_whole

    form = to.format
    if form is None or (form == "text" and not to.to_file):
        print_document(result.document(), to.digits)
        return
    if form in BINARY and not to.to_file and sys.stdout.isatty():
        raise UsageError(f"a terminal cannot show {form}", hint=f"-o FILE.{form}")
    if form == "json":
        content: str | bytes = to_json(data if data is not None else result.to_dict())
    elif form in (made or {}):
        content = (made or {})[form]()
    elif form == "xlsx":
        content = result.to_xlsx()
    else:
        content = rendered(result.document(), form, to.digits, to.paper)
    if to.path is not None and to.to_file:
        write_whole(to.path, content)
        click.echo(f"written: {to.path}", err=True)
    else:
        click.echo(content, nl=False)


def print_document(document: Any, digits: Digits) -> None:
    """Draws a document on stdout: with colours and widths in a terminal, plainly elsewhere."""
    from rich.console import Console

    from ..render.terminal import draw

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=100_000, color_system=None)
    draw(document, console, digits)


class Progress:
    """Epochs on stderr while a run of at least so many goes on; silent where stderr is no terminal."""

    def __init__(self, total: int, least: int = 200) -> None:
        self.bar: Any = None
        self.task: Any = None
        self.total, self.least, self.shown = total, least, 0
        self.told, self.drawn = 0, 0.0

    def __enter__(self) -> Progress:
        if sys.stderr.isatty() and self.total >= self.least:
            from rich.console import Console
            from rich.progress import Progress as Bar

            self.bar = Bar(console=Console(stderr=True), transient=True)
            self.bar.start()
            self.task = self.bar.add_task("epochs", total=self.total)
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()

    def epochs(self, done: int, total: int, cost: float) -> None:
        if self.bar and done - self.shown >= 20:
            self.shown = done
            self.bar.update(self.task, completed=done, description=f"epoch {done:,}, cost {cost:.6g}")

    def fitting(self, now: Fitting) -> None:
        """After an epoch of a fit; what was noticed in it is told."""
        from ..train.diagnose import by_kind

        for said in by_kind(now.findings[self.told :]):
            (self.bar.console.print if self.bar else _say)(f"note: {said}")
        self.told = len(now.findings)
        if self.bar and now.seconds - self.drawn > 0.1:
            self.drawn, last = now.seconds, now.epochs[-1]
            held_out = "" if last.validation is None else f", held out {last.validation:.4g}"
            speed = f"{now.rows * now.number / max(now.seconds, 1e-9):,.0f} rows/s"
            said = f"epoch {last.number}, cost {last.cost:.4g}{held_out}, {speed}"
            self.bar.update(self.task, completed=last.number, description=said)

    def sheets(self, done: int, total: int) -> None:
        if self.bar:
            self.bar.update(self.task, completed=done, total=total, description="sheets marked")

    def made(self, done: int, total: int) -> None:
        if self.bar:
            self.bar.update(self.task, completed=done, total=total, description="exercises made")

    def count(self, done: int, total: int) -> None:
        if self.bar and done % 20 == 0:
            self.bar.update(self.task, completed=done, total=total, description="partials")


def _say(text: str) -> None:
    click.echo(text, err=True)
