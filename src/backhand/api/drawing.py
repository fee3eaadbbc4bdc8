"""Pictures of a sheet in Python."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..document.parts import Document, Heading, Picture
from ..errors import UsageError
from .results import Result

if TYPE_CHECKING:
    from .sheets import Sheet


@dataclass(frozen=True, eq=False, repr=False)
class Drawing(Result):
    """Pictures below one another."""

    pictures: tuple[Picture, ...]
    title: str

    def document(self) -> Document:
        return Document((Heading(self.title, 1), *self.pictures), self.title)

    def to_dict(self) -> dict[str, Any]:
        return {"schema": "backhand.draw/1", "title": self.title, "pictures": [p.title for p in self.pictures]}

    def to_svg(self) -> str:
        from ..render.pictures import pictures_svg

        return pictures_svg(self.pictures, self.digits)

    def to_png(self) -> bytes:
        from ..render.typst import to_png

        return to_png(list(self.pictures), self.digits)

    def save(self, path: str | Path, digits: int | None = 6, paper: str = "a4") -> None:
        """Writes a .svg or .png picture; other endings make a page of it.

        Raises:
            UsageError: a place that cannot be written to.
        """
        from ..render.files import write_whole

        ending = Path(path).suffix.lower()
        if ending in (".svg", ".png"):
            write_whole(Path(path), self.to_svg() if ending == ".svg" else self.to_png())
        else:
            super().save(path, digits, paper)


def drawing(
    sheet: Sheet,
    what: str = "network",
    surface: str | None = None,
    row: int = 1,
    epochs: int = 1,
    progress: Any = None,
    biases: bool = False,
) -> Drawing:
    """The pictures of a kind.

    Raises:
        UsageError: a kind that is none, or a sheet that cannot be drawn so.
    """
    from ..engine.training import has_rows
    from ..explain.diagram import diagram
    from ..explain.histograms import histograms
    from ..explain.plane import surface as cost_surface
    from ..explain.scene import Scene
    from ..explain.tables import history_chart

    problem, network = sheet.problem, sheet.network
    title = network.title or "A network"
    if what == "surface":
        if surface is None:
            raise UsageError("a surface needs two parameters", hint="--surface w,b")
        return Drawing((cost_surface(problem, surface, epochs),), title)
    numbers = not network.in_letters and has_rows(problem)
    count = problem.table.rows if problem.table else 1
    if not 1 <= row <= count:
        raise UsageError(f"there is no row {row}", expected=f"1 to {count}")
    if what == "network" and not numbers:
        return Drawing((diagram(network, title=title, biases=biases),), title)
    if not numbers:
        raise UsageError(f"the sheet has no numbers, so there are no {what} to draw", hint="--what network")
    if what in ("network", "backward"):
        step = sheet.show(rows=[row]).run.steps
        moment = next(s for s in step if row in s.tape.rows)
        if what == "backward" and moment.gradients is None:
            raise UsageError("the sheet has no cost, so nothing goes back")
        scene = Scene(moment.tape, moment.gradients, moment.tape.rows.index(row), {})
        return Drawing((diagram(network, scene, what == "backward", title, biases),), title)
    if what == "curves":
        if network.cost is None or problem.plan.rate is None:
            raise UsageError("curves need a cost and a rate", hint="add `rate 0.1` to the sheet")
        done = sheet.run(epochs, keep=lambda count, epoch: False, progress=progress)
        return Drawing((history_chart(done, network.cost.name),), title)
    if what == "histograms":
        done = sheet.run(epochs, keep=lambda count, epoch: count == 1, progress=progress)
        tape, gradients = done.after if epochs > 1 and done.after else (done.steps[0].tape, done.steps[0].gradients)
        return Drawing(tuple(histograms(tape, gradients)), title)
    raise UsageError(f"there is no picture `{what}`", expected="network, backward, surface, curves, histograms")
