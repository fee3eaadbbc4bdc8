"""A sheet as a workbook of live formulas: change a weight, and everything follows.

The workbook is planned from the ledger (which cell holds which number), and then written. Every formula stands with the
engine's number beside it, for programs that show a workbook without calculating. Where it is a worksheet to fill in,
neither stands there, and a hidden sheet says which cell asks for which number.
"""

from __future__ import annotations

import numpy as np

from ..engine.run import Run
from ..engine.training import Step, settings_of
from ..errors import UsageError
from ..explain.ledger import RATE, key_of
from ..network.build import Problem
from ..network.graph import Role
from ..notation.spreadsheet import cell_name
from .cells import AFTER, DATA, NETWORK, Entry, Plan, Whole
from .workbook_step import StepPlanner

MOST_CELLS = 400_000
MOST_STEPS = 200


def plan_workbook(problem: Problem, run: Run) -> Plan:
    """Every cell of the workbook of a run.

    Raises:
        UsageError: a sheet in letters or without rows, a run too long or a network too large for a workbook.
    """
    return _Planner(problem, run).planned()


class _Planner:
    def __init__(self, problem: Problem, run: Run) -> None:
        if problem.network.in_letters or not run.steps:
            reason = "is in letters" if problem.network.in_letters else "has no rows"
            raise UsageError(f"the sheet {reason}, so there is nothing to calculate in a workbook")
        if len(run.steps) > MOST_STEPS or len(run.steps) < len(run.history):
            raise UsageError(f"a workbook takes at most {MOST_STEPS} steps", hint="fewer epochs")
        if run.start is not None:
            raise UsageError("a workbook begins at the sheet's own values", hint="leave out --epoch")
        self.problem, self.run, self.network = problem, run, problem.network
        per_epoch = max(step.batch for step in run.steps)
        self.whole = Whole(problem, run, Plan(problem.network.title or "A network"), per_epoch)
        self.plan, self.values, self.letters = self.whole.plan, self.whole.values, self.whole.letters
        self.names = [f"Epoch {s.epoch}" + (f" step {s.batch}" if per_epoch > 1 else "") for s in run.steps]

    def planned(self) -> Plan:
        self.check_size()
        self.plan.sheets[NETWORK] = {}
        self.network_sheet()
        self.data_sheet()
        before: StepPlanner | None = None
        steps: list[StepPlanner] = []
        for name, step in zip(self.names, self.run.steps, strict=True):
            before = StepPlanner(self.whole, name, step, before)
            before.write()
            steps.append(before)
        if self.run.after is not None and self.network.cost is not None:
            tape, _ = self.run.after
            last = Step(self.run.epochs + 1, 1, tape, None, None)
            StepPlanner(self.whole, AFTER, last, before).write()
        self.summary(steps)
        return self.plan

    def check_size(self) -> None:
        """Refuses before the work what no workbook holds."""
        entries = sum(int(np.prod(n.shape)) for n in (*self.network.parameters, *self.network.equations))
        if sum(entries * (step.tape.count + 4) for step in self.run.steps) > MOST_CELLS:
            raise UsageError(
                f"the workbook would have more than {MOST_CELLS:,} cells",
                hint="fewer epochs or rows; -o work.html or --json take it",
            )

    # what stands still ----------------------------------------------------------------------------------------

    def network_sheet(self) -> None:
        plan, network = self.plan, self.network
        plan.put((NETWORK, 0, 0), Entry("title", plan.title))
        plan.put((NETWORK, 1, 0), Entry("note", "Blue cells may be changed; everything else follows."))
        row = 3
        plan.put((NETWORK, row, 0), Entry("head", "Equations"))
        for node in network.equations[:60]:
            row += 1
            assert node.formula is not None
            plan.put((NETWORK, row, 0), Entry("words", f"{node.name} = {self.letters(node.formula)}"))
        cost = network.cost
        if cost is not None:
            row += 2
            plan.put((NETWORK, row, 0), Entry("head", "Cost"))
            plan.put((NETWORK, row + 1, 0), Entry("words", f"{cost.name} = {self.letters(cost.written)}"))
            plan.put((NETWORK, row + 2, 0), Entry("note", f"{cost.name} is {cost.convention}."))
            row += 2
        row += 2
        settings: list[tuple[str, float]] = []
        if self.problem.plan.rate is not None:
            settings = [(RATE, self.problem.plan.rate), *settings_of(self.problem.plan).items()]
        consts = [(node, ref) for node in network.of(Role.CONST) for ref in node.entries()]
        fixed = [(key_of(ref), float(node.value[ref.place])) for node, ref in consts if node.value is not None]
        for title, pairs in (("Settings", settings), ("Constants", fixed)):
            if not pairs:
                continue
            plan.put((NETWORK, row, 0), Entry("head", title))
            for name, value in pairs:
                row += 1
                plan.put((NETWORK, row, 0), Entry("words", name))
                self.values[name] = plan.put((NETWORK, row, 1), Entry("input", value=value))
            row += 2
        plan.put((NETWORK, row, 0), Entry("head", "Starting values"))
        for node in network.parameters:
            for ref in node.entries():
                row += 1
                assert node.value is not None
                plan.put((NETWORK, row, 0), Entry("words", key_of(ref)))
                cell = (NETWORK, row, 1)
                self.values[key_of(ref)] = plan.put(cell, Entry("input", value=float(node.value[ref.place])))

    def data_sheet(self) -> None:
        table = self.problem.table
        if table is None:
            return
        column = 1
        self.plan.put((DATA, 0, 0), Entry("head", "row"))
        for row in range(table.rows):
            self.plan.put((DATA, row + 1, 0), Entry("words", str(row + 1)))
        for node in (*self.network.inputs, *self.network.targets):
            for ref in node.entries():
                label = f" ({node.label})" if node.label else ""
                self.plan.put((DATA, 0, column), Entry("head", f"{key_of(ref)}{label}"))
                for row in range(table.rows):
                    value = float(table.columns[node.name][(row, *ref.place)])
                    cell = self.plan.put((DATA, row + 1, column), Entry("input", value=value))
                    self.whole.inputs[key_of(ref), row + 1] = cell
                column += 1

    def summary(self, steps: list[StepPlanner]) -> None:
        """The cost of each step, beside the parameters."""
        if self.network.cost is None:
            return
        plan, column = self.plan, 4
        plan.put((NETWORK, 3, column), Entry("head", "epoch" if self.whole.per_epoch == 1 else "step"))
        plan.put((NETWORK, 3, column + 1), Entry("head", self.network.cost.name))
        row = 3
        for number, step in enumerate(steps, 1):
            row += 1
            plan.put((NETWORK, row, column), Entry("given", value=float(number)))
            cost = step.cells[step.ledger.cost(), 0]
            value = step.step.tape.cost
            plan.put((NETWORK, row, column + 1), Entry("number", formula=cell_name(cost), value=value))
        plan.costs = tuple(((NETWORK, 4, c), (NETWORK, row, c)) for c in (column, column + 1))
