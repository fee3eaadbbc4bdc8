"""The page that `backhand show` makes: the network, its cost, and every step worked out."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..document.parts import Document, Formula, Inline, Page, Text, as_expr
from ..engine.program import Program, own_letter
from ..engine.reference import Gradients
from ..engine.run import Run
from ..engine.training import Change
from ..engine.training import Step as Moment
from ..network.build import Problem
from ..network.derive import entry
from ..network.graph import Network, Node
from ..notation.expr import Expr, Ref
from ..ops.updates import RULES
from .batch import batch_form
from .conventions import conventions
from .course import beginning, ending, left_out, written
from .diagram import diagram
from .insight import what_stands_out
from .names import Scheme, biases_of, convention_text, names_table, nodes_table, scheme_names, times_one
from .paths import cost_entry
from .plane import surface
from .questions import questions
from .scene import Scene
from .steps import cost_step, total_steps, update_steps
from .tables import derivative_table, forward_table, gradient_table, history_chart, history_table
from .views import Line, View, backward_lines, check_view, forward_lines, line_step

MOST_LINES = 120  # lines of working in one section; what is left out is counted and said
ADDENDS = 16  # a sum over more rows than this is told in words


@dataclass(frozen=True)
class Choices:
    """What to show.

    Attributes:
        rows: which rows are worked out in full (numbers of the sheet); empty is the first one of each step.
        detail: how many steps are worked out in full; later ones are in the table of costs.
    """

    view: View = "own"
    names: Scheme = "own"
    rows: tuple[int, ...] = ()
    detail: int = 4
    questions: bool = False
    all_rows: bool = False
    surface: str | None = None  # two parameters over which the cost is drawn
    plain: bool = False  # the network alone, nothing worked


@dataclass
class _Shower:
    problem: Problem
    run: Run
    choices: Choices
    page: Page = field(default_factory=Page)

    @property
    def network(self) -> Network:
        return self.problem.network

    def document(self) -> Document:
        network, page = self.network, self.page
        check_view(network, self.choices.view)
        self.rename = scheme_names(network, self.choices.names)
        page.title = network.title or "A network"
        page.heading(page.title, 1)
        self.about()
        if self.choices.plain:
            return page.done()
        if network.in_letters:
            self.letters()
        elif not self.run.steps and self.run.tolerance is not None:
            ending(page, self.problem, self.run, self.rename, 0)
        elif not self.run.steps:
            page.note("The sheet has inputs and no data, so there is nothing to calculate: add `data` and its rows.")
        else:
            self.moments()
        if self.choices.questions and network.cost:
            questions(page, self.problem, self.run, self.rename)
        return page.done()

    def forward_lines(self, view: View) -> list[Line]:
        """The forward feed; where the scheme calls a bias W1~_1, it is multiplied by its neuron, which is always 1."""
        lines = list(forward_lines(self.network, view))
        if self.choices.names != "fromto":
            return lines
        return [Line(line.left, times_one(line.letters, biases_of(self.network))) for line in lines]

    # what the network is ------------------------------------------------------------------------------------

    def about(self) -> None:
        network, page = self.network, self.page
        page.heading("The network")
        lines = [Formula(line.left, line.letters) for line in self.forward_lines("own")]
        page.add(
            *self.cut([Formula(self.renamed(f.left or Ref("")), self.renamed(f.right)) for f in lines], "equations")
        )
        if (self.choices.view, self.choices.names) != ("own", "own"):
            self.names()
        if network.parameters and not network.in_letters:
            page.text(*self.parameter_runs())
        conventions(page, network)
        if network.in_letters or not self.run.steps:
            page.add(diagram(network))
        cost = network.cost
        if cost is None:
            page.note("The sheet has no cost, so there is only the forward feed.")
            return
        page.heading("The cost")
        page.add(Formula(Ref(cost.name), self.renamed(cost.written)))
        page.text(f"Convention: {cost.name} is {convention_text(cost, self.rename)}.", kind="note")
        if not network.in_letters:
            self.plan_lines()

    def names(self) -> None:
        """The table that ties a weight's names together, for a network that forms layers and is not too large."""
        if self.network.parameter_count <= 60 and self.layered():
            self.page.add(names_table(self.network), nodes_table(self.network))

    def plan_lines(self) -> None:
        plan = self.problem.plan
        if plan.rate is None:
            self.page.note("The sheet has no rate: one step, and nothing is updated.")
            return
        rule = RULES[plan.rule]
        order = {"batch": "all rows at once", "online": "a row at a time, in sheet order"}.get(
            plan.mode, f"{plan.batch_size} rows at a time, in sheet order"
        )
        runs: list[Inline] = [f"Update: {plan.rule}, "]
        for name, formula in rule.lines:
            runs += [Ref(name), " ← ", formula, "; "]
        runs += [
            "η = ",
            plan.rate,
            f"; {order}. All partials are taken at the old weights, and all weights change together.",
        ]
        self.page.text(*runs, kind="note")

    def parameter_runs(self) -> list[Inline]:
        runs: list[Inline] = ["Starting values: " if self.problem.plan.rate is not None else "Parameters: "]
        for i, node in enumerate(self.network.parameters[:60]):
            assert node.value is not None
            runs += [", " if i else "", self.renamed(Ref(node.name)), " = ", as_expr(node.value)]
        more = len(self.network.parameters) - 60
        return [*runs, f", and {more} more." if more > 0 else "."]

    def layered(self) -> bool:
        from ..errors import UsageError
        from ..network.layers import layer_view

        try:
            layer_view(self.network)
        except UsageError:
            return False
        return True

    def renamed(self, expr: Expr) -> Expr:
        from .scene import renamed

        return renamed(expr, self.rename) if self.rename else expr

    def cut(self, parts: list, what: str) -> list:  # type: ignore[type-arg]
        """At most MOST_LINES of a kind of line; the rest is counted and said."""
        if len(parts) <= MOST_LINES:
            return parts
        left = len(parts) - MOST_LINES
        return [
            *parts[:MOST_LINES],
            Text((f"… and {left} more {what}; `--view matrices` shows whole layers.",), "note"),
        ]

    # in letters ----------------------------------------------------------------------------------------------

    def letters(self) -> None:
        network, page = self.network, self.page
        page.heading("In letters")
        unknown = network.unknown_functions
        said = f" {' and '.join(unknown)} may be any function; its derivative is {unknown[0]}'." if unknown else ""
        page.text("No parameter has a value, so the working stays in letters: one row, without the reduction." + said)
        if self.choices.view not in ("own",):
            page.heading("Forward", 3)
            page.add(
                *self.cut(
                    [
                        Formula(self.renamed(li.left), self.renamed(li.letters))
                        for li in self.forward_lines(self.choices.view)
                    ],
                    "lines",
                )
            )
        if network.cost is None:
            return
        page.heading("Backward", 3)
        view: View = "own" if self.choices.view == "batch" else self.choices.view
        program = Program(network)
        lines = [Formula(self.renamed(li.left), self.renamed(li.letters)) for li in backward_lines(program, view)]
        page.add(*self.cut(lines, "partials"))
        page.text(
            "Each ∂ on the right is worked in a line above and looked up. `backhand why SHEET NAME` multiplies one out."
        )
        if self.choices.view == "batch":
            batch_form(page, network, None, None, self.rename)

    # with numbers --------------------------------------------------------------------------------------------

    def moments(self) -> None:
        run, page, choices = self.run, self.page, self.choices
        shown = written(run, choices.detail, choices.rows, choices.all_rows)
        beginning(page, run.start)
        for moment in shown:
            self.moment(moment, moment is shown[0])
        cost = self.network.cost
        if len(run.history) > len(shown):
            if cost:
                page.heading("All steps")
            page.add(left_out(self.problem, run, shown, choices.detail, choices.rows))
            if cost:
                page.add(history_table(run, cost.name))
        if cost and len(run.history) > 2:
            page.add(history_chart(run, cost.name))
        if cost and choices.surface is not None:
            page.heading("The cost as a surface")
            drawn = surface(self.problem, choices.surface, max(run.epochs - run.first_epoch + 1, 1), run.start)
            page.add(drawn, Text(drawn.words, "note"))
        if cost:
            ending(page, self.problem, run, self.rename, 10**9 if choices.all_rows else 12)
        what_stands_out(page, self.problem, run, self.rename)

    def moment(self, moment: Moment, first: bool) -> None:
        page, tape = self.page, moment.tape
        per_epoch = max(step for _, step, _ in self.run.history)
        rows = f"row{'s' if tape.count > 1 else ''} {tape.rows[0]}" + (f" to {tape.rows[-1]}" if tape.count > 1 else "")
        page.heading(f"Epoch {moment.epoch}" + (f", step {moment.batch} ({rows})" if per_epoch > 1 else ""))
        wanted = [i for i, r in enumerate(tape.rows) if self.choices.all_rows or r in self.choices.rows]
        if not wanted and not self.choices.rows:
            wanted = [0]
        scenes = [Scene(tape, moment.gradients, i, self.rename) for i in wanted]
        plain = Scene(tape, moment.gradients, 0, self.rename)
        if self.choices.view == "batch":
            page.add(forward_table(tape, plain, 10**9 if self.choices.all_rows else 12))
        if self.choices.view == "batch" and moment.gradients is not None:
            batch_form(page, self.network, tape, moment.gradients, self.rename)
        else:
            for scene in scenes:
                self.forward(scene)
                if first and self.choices.names == "own":
                    self.draw(scene)
        if (tape.count > 1 or not scenes) and self.choices.view != "batch":
            page.add(forward_table(tape, plain, 10**9 if self.choices.all_rows else 12))
        if moment.gradients is None:
            return
        self.whole_cost(moment)
        if self.choices.view != "batch":
            for scene in scenes:
                self.backward(scene)
                if first and self.choices.names == "own":
                    self.draw(scene, backward=True)
        page.add(gradient_table(moment.gradients, plain, 10**9 if self.choices.all_rows else 12))
        self.whole_gradient(moment)
        if moment.change:
            self.update(moment.change, moment.gradients)
        if first:
            table = derivative_table(scenes[0] if scenes else plain)
            if table:
                page.add(table)

    def where(self, scene: Scene) -> list[Inline]:
        """ "row 2: R = 2.4, D = 6.5", or nothing for a sheet without data."""
        given = [*self.network.inputs, *self.network.targets]
        runs: list[Inline] = []
        for i, node in enumerate(given[:30]):
            runs += [
                ", " if i else "",
                scene.named(Ref(node.name)),
                " = ",
                as_expr(scene.tape.value(Ref(node.name), scene.row)),
            ]
        return (
            [f"Row {scene.tape.rows[scene.row]}: ", *runs, ", …" if len(given) > 30 else ""] if runs else ["One row."]
        )

    def forward(self, scene: Scene) -> None:
        page, cost = self.page, self.network.cost
        page.heading(f"Forward, row {scene.tape.rows[scene.row]}", 3)
        page.text(*self.where(scene))
        view: View = "own" if self.choices.view == "batch" else self.choices.view
        page.add(*self.cut([line_step(scene, line) for line in self.forward_lines(view)], "lines"))
        if cost:
            letter = own_letter(self.network, scene.tape.count)
            own = entry(cost.own, cost_entry(self.network), self.network.shape_of)  # a vector of one is a number
            own = own if view in ("neurons", "vectors") or cost_entry(self.network) else cost.own
            page.add(scene.step(Ref(letter), own, float(scene.tape.own[scene.row])))

    def draw(self, scene: Scene, backward: bool = False) -> None:
        """The network with the row's numbers, or its partials."""
        what = "Back" if backward else "Forward"
        self.page.add(diagram(self.network, scene, backward, f"{what} in row {scene.tape.rows[scene.row]}"))

    def whole_cost(self, moment: Moment) -> None:
        tape, cost, page = moment.tape, self.network.cost, self.page
        assert cost is not None
        if tape.count == 1 and cost.penalty is None:
            return
        page.heading("The whole cost", 3)
        if 1 < tape.count <= 4:
            page.note("@2 behind a name is row 2.")
        line = cost_step(tape, moment.gradients, self.rename)
        if tape.count <= ADDENDS:
            page.add(line)
        else:
            assert line.letters is not None
            page.text(Ref(cost.name), " = ", line.letters, f" over {tape.count} rows", " = ", tape.cost)

    def backward(self, scene: Scene) -> None:
        page, gradients = self.page, scene.gradients
        assert gradients is not None
        page.heading(f"Backward, row {scene.tape.rows[scene.row]}", 3)
        steps = [line_step(scene, line) for line in backward_lines(gradients.program, self.choices.view)]
        page.add(*self.cut(steps, "partials"))
        reached = gradients.program.needed
        for node in self.network.parameters:
            if node.name not in reached:
                page.note(self.renamed(Ref(node.name)), " does not reach the cost: its partial is 0.")

    def whole_gradient(self, moment: Moment) -> None:
        """∂C/∂w of the whole cost, from the rows' own."""
        gradients, cost, page = moment.gradients, self.network.cost, self.page
        assert gradients is not None
        assert cost is not None
        tape = moment.tape
        if tape.count == 1 and cost.penalty is None:
            return
        page.heading("The gradient of the whole cost", 3)
        if tape.count > ADDENDS:
            how = "The mean" if cost.mean else "The sum"
            page.text(f"{how} of {tape.count} rows is taken for each parameter; the last line of the table shows it.")
            return
        steps = []
        for node in self.network.parameters:
            if node.name not in gradients.program.needed and node.name not in gradients.program.penalty:
                continue
            steps += total_steps(gradients, self.refs(node), self.rename)
        page.add(*self.cut(steps, "partials"))

    def update(self, change: Change, gradients: Gradients) -> None:
        """Every parameter's update, each line of the rule with its numbers."""
        page, cost = self.page, self.network.cost
        assert cost is not None
        page.heading("The update", 3)
        if change.rule.state:
            kept = ", ".join(change.rule.state)
            page.note(
                f"{kept} {'start' if len(change.rule.state) > 1 else 'starts'} at 0 and"
                f" {'are' if len(change.rule.state) > 1 else 'is'} kept from step to step"
                + (f"; this is update t = {change.t}." if change.rule.counts else ".")
            )
        steps = []
        for node in self.network.parameters:
            for ref in self.refs(node):
                steps += update_steps(change, gradients, ref, self.rename)
        page.add(*self.cut(steps, "lines"))

    def refs(self, node: Node) -> list[Ref]:
        """A node entry by entry, or as a whole, as the view has it."""
        return node.entries() if self.choices.view in ("neurons", "vectors") else [Ref(node.name)]


def show_document(problem: Problem, run: Run, choices: Choices) -> Document:
    """The whole page for a run.

    Raises:
        UsageError: a view or a naming scheme that the network does not have.
    """
    return _Shower(problem, run, choices).document()
