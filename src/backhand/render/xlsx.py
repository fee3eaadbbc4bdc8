"""The planned workbook as an .xlsx file, by xlsxwriter: to calculate with, or to fill in."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ..document.parts import Diagram, Dot
from ..engine.run import Run
from ..errors import UsageError
from ..explain.diagram import diagram
from ..explain.ledger import key_of
from ..explain.scene import Scene
from ..network.build import Problem
from ..notation.expr import Ref
from ..notation.spreadsheet import Cell, cell_name
from .cells import DATA, DIAGRAM, NAMES_SHEET, NETWORK, Entry, Plan, fingerprint, questions
from .workbook import plan_workbook

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

CREATED = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)  # the same bytes for the same sheet
DRAWN = 60  # units that a diagram in a workbook holds at most
_LETTERS = {
    "italic": True, "font_color": "#555555", "text_wrap": True, "valign": "top", "align": "right", "font_size": 9,
}  # fmt: skip
_STYLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 14},
    "head": {"bold": True, "bottom": 1},
    "head right": {"bold": True, "bottom": 1, "align": "right"},
    "letters": _LETTERS,
    "words": {},
    "hint": _LETTERS,
    "note": {"font_color": "#555555"},
    "input": {"bg_color": "#DCE9F7", "border": 1, "border_color": "#9DB7D5", "locked": False},
    "given": {"font_color": "#555555"},
    "number": {},
    "fill": {"bg_color": "#FFF6D6", "border": 1, "border_color": "#D8C27A", "locked": False},
}


def to_xlsx(problem: Problem, run: Run, blank: bool = False) -> bytes:
    """The workbook of a run.

    Args:
        blank: a worksheet to fill in: no formula and no result stands in it.
    Raises:
        UsageError: what `plan_workbook` says; xlsxwriter is not installed; a worksheet with nothing to ask.
    """
    try:
        from xlsxwriter import Workbook
    except ImportError:
        raise UsageError("workbooks need xlsxwriter", hint='pip install "backhand[pages]"') from None

    plan = plan_workbook(problem, run)
    file = BytesIO()
    book = Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": plan.title, "created": CREATED})
    book.set_calc_mode("auto")
    writer = _Writer(book, plan, problem, blank)
    writer.write()
    if not blank:
        writer.cost_curve()
        writer.draw(run)
    book.close()
    return file.getvalue()


class _Writer:
    def __init__(self, book: Workbook, plan: Plan, problem: Problem, blank: bool) -> None:
        self.book, self.plan, self.problem, self.blank = book, plan, problem, blank
        self.styles = {name: book.add_format(style) for name, style in _STYLES.items()}
        self.pages: dict[str, Worksheet] = {}

    def write(self) -> None:
        asked = {(sheet, row, column) for sheet, row, column, _ in questions(self.plan)}
        for name, cells in self.plan.sheets.items():
            if self.blank and name == "After":
                continue
            page = self.pages[name] = self.book.add_worksheet(name)
            self.shape(page, name)
            for (row, column), entry in cells.items():
                if self.blank and entry.kind == "hint":
                    continue
                if self.blank and (name, row, column) in asked:
                    page.write_blank(row, column, None, self.styles["fill"])
                else:
                    self.cell(page, row, column, entry)
            page.protect("", {"format_columns": True, "format_rows": True, "select_locked_cells": True})
        if self.blank:
            self.names()

    def shape(self, page: Worksheet, name: str) -> None:
        wide = 26 if name == NETWORK else 20
        page.set_column(0, 0, wide)
        page.set_column(1, 300, 13)
        page.set_landscape()
        page.fit_to_pages(1, 0)
        if name not in (NETWORK, DIAGRAM):
            page.freeze_panes(1 if name == DATA else 0, 1)
        for (row, _), entry in self.plan.sheets[name].items():
            if entry.kind in ("letters", "hint") and entry.text and name != NETWORK:
                page.set_row(row, 40)

    def cell(self, page: Worksheet, row: int, column: int, entry: Entry) -> None:
        style = self.styles["head right" if entry.kind == "head" and column and page.name != NETWORK else entry.kind]
        if self.blank and entry.kind == "input":
            style = self.styles["given"]  # what is given stays as it is
        if entry.formula is not None:
            if self.blank and entry.kind == "number":
                return  # a number that comes of others, and is asked for nowhere
            if self.blank:
                self.given(page, row, column, entry)
            else:
                page.write_formula(row, column, f"={entry.formula}", style, entry.value)
        elif entry.value is not None and not isinstance(entry.value, str):
            page.write_number(row, column, entry.value, style)
        else:
            page.write_string(row, column, entry.text, style)

    def given(self, page: Worksheet, row: int, column: int, entry: Entry) -> None:
        """Inputs and weights stand on a worksheet as numbers; weights of later epochs are asked for before."""
        first = next(name for name in self.plan.sheets if name not in (NETWORK, DATA))
        source = entry.formula or ""
        if page.name == first or source.startswith((f"'{DATA}'", f"'{NETWORK}'")):
            assert isinstance(entry.value, float)
            page.write_number(row, column, entry.value, self.styles["given"])

    def names(self) -> None:
        """Which cell asks for which number, on a hidden sheet; reading the worksheet back needs it."""
        page = self.book.add_worksheet(NAMES_SHEET)
        page.write_row(0, 0, ["sheet", "row", "column", "name", fingerprint(self.problem), self.plan.title])
        for k, (sheet, row, column, name) in enumerate(questions(self.plan), 1):
            page.write_string(k, 0, sheet)
            page.write_number(k, 1, row)
            page.write_number(k, 2, column)
            page.write_string(k, 3, name)
        page.protect()
        page.very_hidden()

    # --- pictures ---------------------------------------------------------------------------------------------

    def cost_curve(self) -> None:
        if not self.plan.costs:
            return
        (first, last), (top, bottom) = self.plan.costs
        if first == last:
            return
        chart = self.book.add_chart({"type": "scatter", "subtype": "straight_with_markers"})
        head = self.plan.sheets[NETWORK][top[1] - 1, top[2]].text
        chart.add_series(
            {
                "name": head,
                "categories": [NETWORK, first[1], first[2], last[1], last[2]],
                "values": [NETWORK, top[1], top[2], bottom[1], bottom[2]],
            }
        )
        chart.set_title({"name": f"{head} before each update", "name_font": {"size": 11}})
        chart.set_legend({"none": True})
        chart.set_x_axis({"num_format": "0", "min": 1})
        self.pages[NETWORK].insert_chart(3, 7, chart)

    def draw(self, run: Run) -> None:
        """The network as a chart whose labels are live, and the table that it is drawn from."""
        step = run.steps[0]
        drawn = diagram(self.problem.network, Scene(step.tape, step.gradients, 0, {}))
        dots = [dot for dot in drawn.dots if dot.kind != "gap"]
        if len(dots) > DRAWN:
            return
        page = self.pages[DIAGRAM] = self.book.add_worksheet(DIAGRAM)
        places = _places(dots)
        page.write_row(0, 30, ["unit", "x", "y", "", "arrow", "x", "y", "", "weight", "x", "y"])
        for k, dot in enumerate(dots, 1):
            self.said(page, k, 30, [(name, value) for name, value in dot.inside if isinstance(name, Ref)])
            page.write_row(k, 31, places[dot.key])
        row, labels = 1, []
        arrows = [arrow for arrow in drawn.arrows if arrow.start in places and arrow.end in places]
        for k, arrow in enumerate([*arrows, *arrows[-1:]]):  # LibreOffice leaves the last piece of a line out
            (x1, y1), (x2, y2) = places[arrow.start], places[arrow.end]
            page.write_row(row, 35, (x1, y1))
            page.write_row(row + 1, 35, (x2, y2))
            row += 3  # an empty line parts the arrows
            name, value = arrow.label
            if isinstance(name, Ref) and value is not None and k < len(arrows):
                labels.append((name, value, (x1 + 0.35 * (x2 - x1), y1 + 0.35 * (y2 - y1))))
        for k, (name, value, place) in enumerate(labels, 1):
            self.said(page, k, 38, [(name, value)])
            page.write_row(k, 39, place)
        page.insert_chart(1, 0, self.chart(drawn, len(dots), row - 2, len(labels)), {"x_scale": 2.6, "y_scale": 1.9})
        page.write_string(0, 0, f"{self.plan.title}: row 1, at the starting values", self.styles["title"])
        page.print_area(0, 0, 32, 26)
        page.set_landscape()
        page.fit_to_pages(1, 1)
        page.protect()

    def said(self, page: Worksheet, row: int, column: int, labels: list[tuple[Ref, float | None]]) -> None:
        """A cell that says `z1 = 3.13` of the number where it stands."""
        parts, shown = [], []
        for name, value in labels:
            cell = self.cell_of(name)
            if cell is None or value is None:
                continue
            parts.append(f'"{key_of(name)} = "&ROUND({cell_name(cell)},4)'.replace('""', '"'))
            shown.append(f"{key_of(name)} = {_rounded(value)}")
        page.write_formula(row, column, "=" + '&"; "&'.join(parts) if parts else '=""', None, "; ".join(shown))

    def cell_of(self, name: Ref) -> Cell | None:
        found = self.plan.first.get(key_of(name))
        return found or self.plan.first.get("L of a row")

    def chart(self, drawn: Diagram, units: int, arrow_rows: int, labels: int) -> Any:
        chart = self.book.add_chart({"type": "scatter", "subtype": "straight"})
        grey, blue = "#999999", "#2F6396"
        chart.add_series(
            {
                "categories": [DIAGRAM, 1, 35, arrow_rows, 35],
                "values": [DIAGRAM, 1, 36, arrow_rows, 36],
                "line": {"color": grey, "width": 1},
                "marker": {"type": "none"},
            }
        )
        for column, count, marker, position in ((30, units, "circle", "above"), (38, labels, "none", "center")):
            for k in range(1, count + 1):  # a series each: its name is a cell, which every program shows
                chart.add_series(
                    {
                        "name": [DIAGRAM, k, column],
                        "categories": [DIAGRAM, k, column + 1, k, column + 1],
                        "values": [DIAGRAM, k, column + 2, k, column + 2],
                        "line": {"none": True},
                        "marker": {"type": marker, "size": 12, "fill": {"color": blue}, "border": {"color": blue}},
                        "data_labels": {"series_name": True, "value": False, "position": position, "font": {"size": 9}},
                    }
                )
        columns = max(dot.column for dot in drawn.dots)
        tallest = max(y for _, y in _places(drawn.dots).values())
        hidden = {"visible": False, "major_gridlines": {"visible": False}}
        chart.set_x_axis({**hidden, "min": -0.4, "max": columns + 0.5})
        chart.set_y_axis({**hidden, "min": 0, "max": tallest + 0.8})
        chart.set_legend({"none": True})
        chart.show_blanks_as("gap")
        return chart


def _places(dots: tuple[Dot, ...] | list[Dot]) -> dict[str, tuple[float, float]]:
    """Where units stand: columns from the left, each centred on the tallest, everything above 0."""
    columns: dict[int, list[Dot]] = {}
    for dot in dots:
        columns.setdefault(dot.column, []).append(dot)
    middle = max(map(len, columns.values())) / 2
    return {
        dot.key: (float(column), middle + len(found) / 2 - i)
        for column, found in columns.items()
        for i, dot in enumerate(found)
    }


def _rounded(value: float) -> str:
    """As a spreadsheet joins ROUND(value, 4) to a text."""
    return f"{round(value, 4):.10g}".replace("-0", "0") if round(value, 4) == 0 else f"{round(value, 4):.10g}"
