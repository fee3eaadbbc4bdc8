"""The sheet of one step in a workbook: parameters, forward, cost, backward, update."""

from __future__ import annotations

from ..engine.training import Step
from ..errors import UsageError
from ..explain.ledger import OWN, SUM, VALUE, Ledger, Quantity, key_of
from ..explain.tables import taken
from ..notation.expr import Call, Expr, Num, Ref, rewrite, substitute
from ..notation.spreadsheet import Cell, Range, SpreadsheetPrinter, cell_name, with_letters
from ..ops.updates import RULES
from ..ops.vocabulary import VOCABULARY
from .cells import AFTER, Entry, Whole


class StepPlanner:
    """The sheet of one step: parameters, forward, cost, backward, update."""

    def __init__(self, whole: Whole, name: str, step: Step, before: StepPlanner | None) -> None:
        self.whole, self.name, self.step, self.before = whole, name, step, before
        self.plan, self.network = whole.plan, whole.problem.network
        self.ledger = Ledger(whole.problem, step)
        self.count = step.tape.count
        self.cells: dict[tuple[str, int], Cell] = {}  # key and row (0 where there is one for all)
        self.stands: dict[str, Cell] = {}  # cells that are no quantities
        self.states: dict[tuple[str, str], Cell] = {}  # letter of a rule's line, and parameter
        self.parameters = [ref for node in self.network.parameters for ref in node.entries()]
        self.by_name = {key_of(ref): ref for ref in self.parameters}
        self.row = 0
        cost = self.network.cost
        sums = cost is not None and not cost.mean
        self.own = cost.name if cost is not None and sums else "L" if "L" not in self.network.nodes else "L of the row"
        self.askable = sums or "L" not in self.network.nodes

    def write(self) -> None:
        rows = self.step.tape.rows
        title = "Forward again, at the last weights" if self.name == AFTER else self.name
        if self.whole.per_epoch > 1 and self.name != AFTER:
            title += f", row {rows[0]}" if self.count == 1 else f", rows {rows[0]} to {rows[-1]}"
        self.plan.put((self.name, 0, 0), Entry("title", title))
        self.row = 2
        self.parameter_block()
        self.row += 1
        self.forward()
        if self.network.cost is not None:
            self.cost()
        if self.step.gradients is not None:
            self.backward()
            self.totals()
            if self.step.change is not None:
                self.update()
        if self.before is None:
            self.plan.first = {key: cell for (key, row), cell in self.cells.items() if row == 0}

    # --- blocks -----------------------------------------------------------------------------------------------

    def parameter_block(self) -> None:
        """Names and values; the rows for ∂C/∂w and the update are filled at the end."""
        top = self.row
        self.put(top, 0, Entry("head", "parameter"))
        self.put(top + 1, 0, Entry("words", "value"))
        for column, ref in enumerate(self.parameters, 1):
            self.put(top, column, Entry("head", key_of(ref)))
            source = self.whole.values[key_of(ref)] if self.before is None else self.before.states["w", key_of(ref)]
            value = float(self.step.tape.parameters[ref.name][ref.place])
            cell = self.put(top + 1, column, Entry("given", formula=self.name_of(source), value=value))
            self.cells[key_of(ref), 0] = cell
        self.top = top
        rule = RULES[self.whole.problem.plan.rule]
        self.row = top + 2 + (1 + len(rule.lines) if self.step.change is not None else 1 if self.step.gradients else 0)

    def forward(self) -> None:
        self.block("Forward, a row per example")
        refs = [(ref, node) for node in (*self.network.inputs, *self.network.targets) for ref in node.entries()]
        column = 1
        for ref, _ in refs:
            self.column(column, self.ledger.value(ref), key_of(ref), "")
            column += 1
        for node in self.network.equations:
            for ref in node.entries():
                self.column(column, self.ledger.value(ref), key_of(ref), key_of(ref))
                column += 1
        if self.network.cost is not None:
            head = f"{self.network.cost.name} of the row" if self.own == self.network.cost.name else "L"
            self.column(column, self.ledger.own(), head, self.network.cost.name)
        self.row += self.count + 2

    def cost(self) -> None:
        cost = self.network.cost
        assert cost is not None
        key = self.ledger.cost()
        self.put(self.row, 0, Entry("head", cost.name))
        asks = f"{cost.name}{self.at_epoch}" if self.whole.per_epoch == 1 and self.name != AFTER else ""
        self.cells[key, 0] = self.put(self.row, 1, self.entry(self.ledger[key], 0, asks))
        letters = self.whole.letters(cost.written)
        self.put(self.row, 2, Entry("note", f"{cost.name} = {letters}"))
        self.row += 2

    def backward(self) -> None:
        reached = {node.name for node in self.step.gradients.program.order} if self.step.gradients else set()
        nodes = [node for node in reversed(self.network.equations) if node.name in reached]
        for title, refs in (
            ("Backward, a row per example", [ref for node in nodes for ref in node.entries()]),
            ("The partials of the parameters, a row per example", self.parameters),
        ):
            self.block(title)
            for column, ref in enumerate(refs, 1):
                said = f"∂{self.own}/∂{key_of(ref)}"
                self.column(column, self.ledger.delta(ref), said, f"d{self.own}/d{key_of(ref)}" if self.askable else "")
            self.row += self.count + 3

    def totals(self) -> None:
        cost = self.network.cost
        assert cost is not None
        row = self.top + 2
        self.put(row, 0, Entry("words", f"∂{cost.name}/∂"))
        for column, ref in enumerate(self.parameters, 1):
            key = self.ledger.total(ref)
            asks = f"d{cost.name}/d{key_of(ref)}"
            if self.whole.per_epoch > 1:
                asks = f"{asks}@{self.step.tape.rows[0]}" if self.count == 1 else ""
            cell = self.put(row, column, self.entry(self.ledger[key], 0, asks + self.at_epoch if asks else ""))
            self.cells[key, 0] = cell

    def update(self) -> None:
        """Each line of the rule for each parameter; state comes from the step before."""
        change = self.step.change
        assert change is not None
        for number, (letter, formula) in enumerate(change.rule.lines):
            row = self.top + 3 + number
            said = self.whole.letters(substitute(formula, {Ref("g"): Ref(f"∂{self.ledger.cost_name}/∂w")}))
            self.put(row, 0, Entry("words", f"{'new ' if letter == 'w' else ''}{letter} ← {said}"))
            for column, ref in enumerate(self.parameters, 1):
                name = key_of(ref)
                flat = self.with_state(formula, letter, name, number, change.rule.state)
                value = float(change.lines[ref.name][letter][ref.place])
                at = f"@{self.step.tape.rows[-1]}" if self.whole.per_epoch > 1 else ""
                asks = f"{name}'{at}{self.at_epoch}" if letter == "w" else ""
                entry = Entry("number", formula=self.printed(flat), value=value, asks=asks)
                self.states[letter, name] = self.put(row, column, entry)

    def with_state(self, formula: Expr, letter: str, name: str, number: int, state: tuple[str, ...]) -> Expr:
        """A rule's line over cells: what the line before gave, or what was kept."""
        rule_lines = [known for known, _ in RULES[self.whole.problem.plan.rule].lines[:number]]

        def one(part: Expr) -> Expr | None:
            if type(part) is not Ref:
                return None
            if part.name == "w":
                return Ref(name)
            if part.name == "g":
                return Ref(self.ledger.total(self.ref_of(name)))
            if part.name == "t":
                assert self.step.change is not None
                return Num(float(self.step.change.t))
            if part.name in rule_lines:
                return self.standing(self.states[part.name, name])
            if part.name in state:
                return self.standing(self.before.states[part.name, name]) if self.before is not None else Num(0.0)
            return self.standing(self.whole.values[part.name])

        return rewrite(formula, one)

    def ref_of(self, name: str) -> Ref:
        return self.by_name[name]

    def standing(self, cell: Cell) -> Ref:
        """A cell that is no quantity of the ledger, as a name that nobody else has."""
        name = f"\0{cell_name(cell)}"
        self.stands[name] = cell
        return Ref(name)

    # --- cells ------------------------------------------------------------------------------------------------

    @property
    def at_epoch(self) -> str:
        return f"#{self.step.epoch}" if self.step.epoch > 1 else ""

    def put(self, row: int, column: int, entry: Entry) -> Cell:
        return self.plan.put((self.name, row, column), entry)

    def block(self, title: str) -> None:
        """A head, and the numbers of the rows."""
        self.put(self.row, 0, Entry("head", title))
        self.row += 1
        self.put(self.row, 0, Entry("head", "row"))
        self.put(self.row + 1, 0, Entry("letters", "in letters"))
        for i, row in enumerate(self.step.tape.rows):
            self.put(self.row + 2 + i, 0, Entry("words", str(row)))

    def column(self, column: int, key: str, head: str, asks: str) -> None:
        """A quantity in every row: its name, its letters, its numbers."""
        quantity = self.ledger[key]
        self.put(self.row, column, Entry("head", head))
        if quantity.letters is not None:
            kind = "letters" if quantity.kind in (VALUE, OWN) else "hint"  # how to differentiate is the task
            self.put(self.row + 1, column, Entry(kind, self.shown(quantity.letters)))
        for i in range(self.count):
            place = (self.name, self.row + 2 + i, column)
            self.cells[key, i] = place
        for i, row in enumerate(self.step.tape.rows):
            said = f"{asks}@{row}{self.at_epoch}" if asks and self.name != AFTER else ""
            self.put(self.row + 2 + i, column, self.entry(quantity, i, said))

    def shown(self, letters: Expr) -> str:
        text = self.whole.letters(letters)
        return text if len(text) <= 300 else text[:299] + "…"

    def entry(self, quantity: Quantity, row: int, asks: str) -> Entry:
        """A quantity's formula and number in a row."""
        exact = self.ledger.exact(quantity.key)
        value = float(exact[row if len(exact) > 1 else 0])
        if quantity.flat is None:
            source = self.whole.inputs.get((quantity.key, self.step.tape.rows[row]))
            return Entry("given", formula=self.name_of(source) if source else None, value=value)
        return Entry("number", formula=self.printed(self.spread(quantity.flat), row), value=value, asks=asks)

    def spread(self, flat: Expr) -> Expr:
        """A formula with local derivatives written out: they have no cells."""

        def one(part: Expr) -> Expr | None:
            if type(part) is Ref and part.name.startswith("∂"):
                local = self.ledger[part.name]
                assert local.flat is not None
                return self.spread(local.flat)
            return None

        return _times(rewrite(flat, one))

    def printed(self, flat: Expr, row: int = 0) -> str:
        try:
            return SpreadsheetPrinter(lambda ref: self.place(ref, row), spelt_for_cells)(flat)
        except ValueError as problem:
            raise UsageError(f"a workbook cannot hold this network: {problem}", hint="-o work.html takes it") from None

    def place(self, ref: Ref, row: int) -> Cell | Range:
        if ref.name.startswith(SUM):
            key = ref.name.removeprefix(SUM)
            first, last = self.local(self.cells[key, 0]), self.local(self.cells[key, self.count - 1])
            return (first, last) if self.count > 1 else first
        if ref.name in self.stands:
            return self.local(self.stands[ref.name])
        if ref.name in self.whole.values and (ref.name, 0) not in self.cells:
            return self.whole.values[ref.name]  # a constant
        return self.local(self.cells.get((ref.name, row)) or self.cells[ref.name, 0])

    def local(self, cell: Cell) -> Cell:
        return ("" if cell[0] == self.name else cell[0], cell[1], cell[2])

    def name_of(self, cell: Cell) -> str:
        return cell_name(self.local(cell))


def _times(expr: Expr) -> Expr:
    """δ·1 is δ: most local derivatives are that simple."""
    if type(expr) is not Call:
        return expr
    if expr.op == "mul" and not expr.prime:
        kept = [f for f in map(_times, expr.args) if f != Num(1.0)]
        return Num(1.0) if not kept else kept[0] if len(kept) == 1 else Call("mul", tuple(kept))
    return Call(expr.op, tuple(map(_times, expr.args)), expr.prime, expr.index)


def spelt_for_cells(call: Call) -> Expr | None:
    """What a function or a slope is made of; None if that is not known."""
    if call.op in ("max", "min") and call.prime:
        return taken(call)
    entry = VOCABULARY.get(call.op)
    if entry is None:
        return None
    if not call.prime:
        return with_letters(entry.formula, entry.letters, call.args) if entry.formula is not None else None
    if len(entry.derivative) < call.prime:
        return None
    return with_letters(entry.derivative[call.prime - 1], entry.letters, call.args)
