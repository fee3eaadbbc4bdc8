"""From the statements of a sheet to the one network."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ..errors import MissingValues, NameProblem, ShapeProblem, SheetError, nearest
from ..notation.expr import Call, Expr, Ref, Span, calls, names, rewrite
from ..notation.names import canonical, preactivation_name
from ..notation.text import PLAIN
from ..ops.evaluate import value_of
from ..ops.vocabulary import ACTIVATION_NAMES, FUNCTION_NAMES, VOCABULARY
from ..sheet.model import Assign, Const, CostLine, SheetText, Start, Statement
from ..sheet.table import Table
from .costs import NAMED, ROWS, build_cost
from .desugar import Equation, open_layers
from .graph import Cost, Network, Node, Plan, Role, Shape
from .plan import only, read_plan, read_table
from .sizes import infer_shapes
from .start import check_scheme, fill


@dataclass(frozen=True)
class Problem:
    """A network with what it is to be worked on: its data, and how it is updated."""

    network: Network
    plan: Plan
    table: Table | None
    warnings: tuple[str, ...] = ()


def build(sheet: SheetText, folder: Path | None = None) -> Problem:
    """The network of a sheet.

    Args:
        sheet: as read by `sheet.parse`.
        folder: where `data from` looks for files.
    Raises:
        SheetError, DataError, MissingValues: each with its place in the sheet.
    """
    return _Builder(sheet).build(folder)


class _Builder:
    def __init__(self, sheet: SheetText) -> None:
        self.sheet = sheet
        self.statements: list[Statement] = list(sheet.statements)
        self.warnings: list[str] = list(sheet.warnings)
        self.spelling: dict[str, str] = {}  # canonical to the user's own
        self.spans: dict[str, Span] = {}
        self.roles: dict[str, Role] = {}
        self.shapes: dict[str, Shape] = {}
        self.values: dict[str, np.ndarray] = {}
        self.labels: dict[str, str] = {}
        self.equations: dict[str, Equation] = {}

    def error(self, kind: type[SheetError], message: str, span: Span, **more: str | None) -> SheetError:
        return kind(message, place=self.sheet.place(span), **more)

    def build(self, folder: Path | None) -> Problem:
        self.declare()
        self.define()
        self.check_functions()
        self.name_preactivations()
        self.collect_parameters()
        cost_line = only(self.statements, CostLine, self.sheet)
        cost_expr = self.resolve_cost(cost_line) if cost_line else None
        start = only(self.statements, Start, self.sheet)
        if start:
            check_scheme(start, self.sheet.place(start.span))
        parameters = [n for n, role in self.roles.items() if role is Role.PARAMETER]
        in_letters = bool(parameters) and not start and not any(n in self.values for n in parameters)
        unknown = self.unknown_functions(cost_expr)
        if unknown and not in_letters:
            raise unknown[0]
        order = self.order_of_work()
        infer_shapes(self.sheet, order, self.equations, self.shapes, self.roles, in_letters)
        if start:
            wanted = [(n, self.shapes[n]) for n in self.by_appearance(parameters) if n not in self.values]
            self.values |= fill(start, wanted, [self.equations[n].formula for n in order], set(parameters))
        if not in_letters:
            self.require_values(parameters)
        cost = self.make_cost(cost_line, cost_expr) if cost_line and cost_expr is not None else None
        network = self.assemble(order, parameters, cost, in_letters, tuple(u.got or "" for u in unknown))
        table = read_table(self.statements, network, self.sheet, folder)
        return Problem(network, read_plan(self.statements, self.sheet), table, tuple(self.warnings))

    # names -----------------------------------------------------------------------------------------------------

    def own(self, name: str) -> str:
        """The user's first spelling of a name."""
        return self.spelling.setdefault(canonical(name), name)

    def take(self, name: str, role: Role, span: Span) -> str:
        """Gives a name its role; a second one is an error."""
        name = self.own(name)
        if name in self.roles:
            first = self.sheet.place(self.spans.get(name))
            raise self.error(
                NameProblem,
                f"`{name}` is defined twice",
                span,
                expected="each name once",
                got=f"a second definition; the first is in line {first.line}" if first else "a second definition",
                hint="rename one of them",
            )
        self.roles[name], self.spans[name] = role, span
        return name

    def declare(self) -> None:
        """Inputs, targets and constants."""
        from ..sheet.model import Inputs, Targets

        for statement in self.statements:
            if isinstance(statement, Inputs | Targets):
                role = Role.INPUT if isinstance(statement, Inputs) else Role.TARGET
                for item in statement.items:
                    name = self.take(item.name, role, item.span)
                    self.shapes[name] = (item.size,) if item.size else ()
                    self.labels[name] = item.label
            elif isinstance(statement, Const):
                name = self.take(statement.name, Role.CONST, statement.span)
                self.values[name] = self.number(name, statement.value, statement.span)
                self.shapes[name] = self.values[name].shape

    def define(self) -> None:
        """Equations and starting values."""
        layer_equations = open_layers(self.statements, self.sheet, self.shapes_declared())
        for equation in layer_equations:
            self.add_equation(equation)
        given: dict[str, Span] = {}
        for statement in self.statements:
            if not isinstance(statement, Assign):
                continue
            if names(statement.value) or self.is_constant_of_unknown(statement.value):
                self.add_equation(Equation(statement.name, statement.value, statement.span))
                continue
            name = self.own(statement.name)
            if name in given or (name in self.roles and self.roles[name] is not Role.PARAMETER):
                self.spans.setdefault(name, given.get(name))
                self.roles.setdefault(name, Role.PARAMETER)
                self.take(name, Role.PARAMETER, statement.span)
            given[name] = statement.span
            value = self.number(name, statement.value, statement.span)
            known = self.shapes.get(name)
            if known is not None and value.shape != known and name in self.layer_shapes:
                raise self.error(
                    ShapeProblem, f"`{name}` has the wrong size", statement.span,
                    expected=" × ".join(map(str, known)) + ", as the `layers` line says",
                    got=" × ".join(map(str, value.shape)) or "a single number",
                )  # fmt: skip
            self.values[name], self.shapes[name] = value, value.shape
            self.spans[name] = statement.span
        for equation in self.equations.values():
            self.no_clash(equation, given)
        self.given = given

    def no_clash(self, equation: Equation, given: dict[str, Span]) -> None:
        if equation.name in given:
            del self.roles[equation.name]
            self.take(equation.name, Role.EQUATION, equation.span)
            self.take(equation.name, Role.PARAMETER, given[equation.name])

    def shapes_declared(self) -> dict[str, Shape]:
        return {canonical(n): s for n, s in self.shapes.items()}

    @property
    def layer_shapes(self) -> set[str]:
        return {n for e in self.equations.values() for n in e.shapes}

    def is_constant_of_unknown(self, expr: Expr) -> bool:
        """Whether a right side without names calls a function that does not exist (`w = foo(3)`)."""
        return any(c.op not in VOCABULARY for c in calls(expr))

    def add_equation(self, equation: Equation) -> None:
        name = self.take(equation.name, Role.EQUATION, equation.span)
        self.equations[name] = replace(equation, name=name, formula=self.resolve(equation.formula))
        for parameter, shape in equation.shapes.items():
            self.shapes[self.own(parameter)] = shape

    def resolve(self, expr: Expr) -> Expr:
        """Every name in its one spelling."""

        def one(part: Expr) -> Expr | None:
            return Ref(self.own(part.name), part.index, part.span) if type(part) is Ref else None

        return rewrite(expr, one)

    def number(self, name: str, expr: Expr, span: Span) -> np.ndarray:
        """The value of a right side without names: a number, a list, a matrix."""
        if names(expr):
            raise self.error(
                SheetError, f"the constant `{name}` mentions `{names(expr)[0]}`", expr.span or span,
                expected="numbers only", hint=f"write an equation: `{name} = …` without `const`",
            )  # fmt: skip
        for call in calls(expr):
            if call.op in ("stack",):
                continue
            self.known_function(call)
        self.check_list(name, expr, span)
        value = value_of(expr)
        if not np.isfinite(value).all():
            raise self.error(SheetError, f"`{name}` is not a finite number", expr.span or span, got=PLAIN(expr)[:60])
        value = np.array(value, dtype=np.float64)
        value.setflags(write=False)
        return value

    def check_list(self, name: str, expr: Expr, span: Span) -> None:
        from .shapes import ShapeConflict, shape_of

        try:
            shape_of(expr, lambda n: ())
        except ShapeConflict as conflict:
            raise self.error(
                ShapeProblem, f"the value of `{name}`: {conflict.said}", conflict.expr.span or span,
                expected=conflict.expected, got=conflict.got,
            ) from None  # fmt: skip

    # functions -------------------------------------------------------------------------------------------------

    def known_function(self, call: Call) -> None:
        """Refuses an unknown function, or the wrong number of arguments."""
        entry = VOCABULARY.get(call.op)
        if entry is None or (not entry.written and _typed(call)):
            raise self.unknown_function(call)
        least, most = entry.arguments
        if _typed(call) and not least <= len(call.args) <= most:
            expected = f"{least}" if least == most else f"{least} to {most}"
            raise self.error(
                SheetError, f"`{call.shown or call.op}` takes {expected} argument{'s' if most > 1 else ''}", call.span,
                expected=f"{call.op}({', '.join(entry.letters)})" if most < 4 else f"{expected} arguments",
                got=str(len(call.args)),
            )  # fmt: skip

    def unknown_function(self, call: Call) -> SheetError:
        name = call.op
        if name in (*NAMED, "sum", "mean"):
            return self.error(
                SheetError, f"`{name}` stands only in the cost", call.span,
                expected="an equation for one row", hint=f"cost C = {name}(…)",
            )  # fmt: skip
        if self.own(name) in self.roles or self.own(name) in self.values:
            return self.error(
                NameProblem, f"`{name}` is a name, not a function", call.span,
                expected="an operator before the bracket", hint=f"`{name}*(…)`",
            )  # fmt: skip
        near = nearest(name.lower(), (*FUNCTION_NAMES, "σ"))
        return self.error(
            NameProblem, f"there is no function `{name}`", call.span,
            expected=", ".join(FUNCTION_NAMES), got=name, hint=f"did you mean `{near}`?" if near else None,
        )  # fmt: skip

    def check_functions(self) -> None:
        for equation in self.equations.values():
            for call in calls(equation.formula):
                if call.op in VOCABULARY and VOCABULARY[call.op].written:
                    self.known_function(call)

    def unknown_functions(self, cost: Expr | None) -> list[SheetError]:
        """Functions that the vocabulary lacks; in letters each is any function of one argument."""
        found: dict[str, SheetError] = {}
        formulas = [e.formula for e in self.equations.values()] + ([cost] if cost is not None else [])
        for formula in formulas:
            for call in calls(formula):
                entry = VOCABULARY.get(call.op)
                in_cost = formula is cost and call.op in (*NAMED, "sum", "mean")
                if in_cost or (entry is not None and (entry.written or not _typed(call))):
                    continue
                problem = self.unknown_function(call)
                if call.op in (*NAMED, "sum", "mean") or len(call.args) != 1 or self.own(call.op) in self.roles:
                    raise problem
                found.setdefault(call.op, problem)
        return list(found.values())

    # the graph -------------------------------------------------------------------------------------------------

    def name_preactivations(self) -> None:
        """a1 = relu(w1*x + b1) becomes z1 = w1*x + b1 and a1 = relu(z1)."""
        taken = {canonical(n) for n in self.roles} | {canonical(n) for n in self.values}
        for e in self.equations.values():
            taken |= {canonical(n) for n in names(e.formula)}
        split: dict[str, Equation] = {}
        for name, equation in self.equations.items():
            formula = equation.formula
            known = VOCABULARY.get(formula.op) if type(formula) is Call else None
            if type(formula) is Call and (formula.op in ACTIVATION_NAMES or (known is None and len(formula.args) == 1)):
                inner = formula.args[0]
                if type(inner) is not Ref and names(inner):
                    z = preactivation_name(name)
                    if canonical(z) in taken:
                        z = f"z({name})"
                    taken.add(canonical(z))
                    self.roles[z] = Role.EQUATION
                    self.spelling[canonical(z)] = z
                    split[z] = Equation(z, inner, equation.span, made=True)
                    formula = replace(formula, args=(Ref(z), *formula.args[1:]))
            split[name] = replace(equation, formula=formula)
        self.equations = split

    def collect_parameters(self) -> None:
        """Names that nothing defines are parameters."""
        self.first_use: dict[str, tuple[str, Span]] = {}
        for name, equation in self.equations.items():
            for part in _refs(equation.formula):
                self.first_use.setdefault(part.name, (name, part.span))
        named = [n for n in self.first_use if n not in self.roles]
        for name in [*self.given, *(n for n in named if n not in self.given)]:
            self.roles[name] = Role.PARAMETER
            self.spans.setdefault(name, self.first_use.get(name, ("", None))[1])

    def by_appearance(self, parameters: list[str]) -> list[str]:
        return sorted(parameters, key=lambda n: list(self.first_use).index(n) if n in self.first_use else 10**9)

    def require_values(self, parameters: list[str]) -> None:
        missing = [n for n in self.by_appearance(parameters) if n not in self.values]
        if not missing:
            unused = [n for n in parameters if n not in self.first_use and n not in self.cost_names]
            for name in unused:
                place = self.sheet.place(self.spans.get(name))
                where = f"{place.source}:{place.line}: " if place else ""
                if not any(f"`{name} = …`" in w for w in self.warnings):
                    self.warnings.append(f"{where}`{name}` has a value, but no equation uses it")
            return
        user, span = self.first_use[missing[0]]
        known = [n for n in self.roles if n not in missing]
        near = nearest(missing[0], known)
        hint = f"did you mean `{near}`?" if near else None
        for cut in range(1, len(missing[0])):  # w1x1 is often meant as w1*x1
            if self.own(missing[0][:cut]) in known and self.own(missing[0][cut:]) in known:
                hint = f"did you mean `{missing[0][:cut]}*{missing[0][cut:]}`?"
        raise MissingValues(
            f"`{user}` uses `{missing[0]}`, which has no value",
            place=self.sheet.place(span),
            expected="a value for every parameter, or for none (then the sheet is worked in letters)",
            got="no value for " + ", ".join(missing[:30]) + (" …" if len(missing) > 30 else ""),
            hint=hint or f"`{missing[0]} = 0.5`, or `start he seed 7` for all of them",
        )

    def order_of_work(self) -> list[str]:
        """Equations so that each comes after those it uses; otherwise as they stand in the sheet."""
        position = {name: i for i, name in enumerate(self.equations)}
        needs = {n: {m for m in names(e.formula) if m in position} for n, e in self.equations.items()}
        users: dict[str, list[str]] = {n: [] for n in position}
        for name, needed in needs.items():
            for other in needed:
                users[other].append(name)
        waiting = {n: len(needed) for n, needed in needs.items()}
        ready = [position[n] for n, count in waiting.items() if not count]
        heapq.heapify(ready)
        by_position = list(position)
        order: list[str] = []
        while ready:
            name = by_position[heapq.heappop(ready)]
            order.append(name)
            for user in users[name]:
                waiting[user] -= 1
                if not waiting[user]:
                    heapq.heappush(ready, position[user])
        if len(order) < len(position):
            circle = self.circle({n: needs[n] for n in position if waiting[n]}, position)
            span = self.equations[circle[0]].span
            raise self.error(
                NameProblem, f"`{circle[0]}` needs itself", span,
                expected="equations that can be worked one after the other",
                got=" needs ".join([*circle, circle[0]]) if len(circle) < 12 else f"a circle of {len(circle)} equations",
                hint="a network works forward; give one of them another right side",
            )  # fmt: skip
        return order

    def circle(self, needs: dict[str, set[str]], position: dict[str, int]) -> list[str]:
        """One circle among equations that wait for each other."""
        name = next(iter(needs))
        path: dict[str, int] = {}
        walk: list[str] = []
        while name not in path:
            path[name] = len(walk)
            walk.append(name)
            name = min((n for n in needs[name] if n in needs), key=position.__getitem__)
        found = walk[path[name] :]
        shown = [n for n in found if not self.equations[n].made] or found
        return shown

    # cost and assembly -------------------------------------------------------------------------------------------

    cost_names: frozenset[str] = frozenset()

    def resolve_cost(self, line: CostLine) -> Expr:
        """The cost with its names checked: a name is a parameter only if it has a value or stands in an equation."""
        expr = self.resolve(line.value)
        name = self.own(line.name)
        if name in self.roles:
            self.take(name, Role.EQUATION, line.span)
        self.cost_name = name
        for part in _refs(expr):
            if part.name in self.roles or part.name == ROWS:
                continue
            near = nearest(part.name, list(self.roles))
            raise self.error(
                NameProblem, f"the cost {name} uses `{part.name}`, which nothing defines", part.span,
                expected="a node, an input, a target, a constant, or a parameter that stands in an equation or has a value",
                got=part.name, hint=f"did you mean `{near}`?" if near else f"`target {part.name}`, if the data has it",
            )  # fmt: skip
        self.cost_names = frozenset(names(expr))
        for call in calls(expr):
            if call.op in VOCABULARY and VOCABULARY[call.op].written:
                self.known_function(call)
        return expr

    def make_cost(self, line: CostLine, expr: Expr) -> Cost:
        def place(part: Expr) -> object:
            return self.sheet.place(part.span or line.span)

        cost = build_cost(self.cost_name, expr, lambda n: self.shapes.get(n, ()), self.roles.get, place)  # type: ignore[arg-type]
        if cost.own_name != cost.name and "L" in self.roles:
            cost = replace(cost, own_name="ℓ")
        return cost

    def assemble(
        self, order: list[str], parameters: list[str], cost: Cost | None, in_letters: bool, unknown: tuple[str, ...]
    ) -> Network:
        nodes: dict[str, Node] = {}
        for role in (Role.INPUT, Role.TARGET, Role.CONST):
            for name in (n for n, r in self.roles.items() if r is role):
                nodes[name] = Node(
                    name, role, self.shapes[name], None, self.values.get(name), self.labels.get(name, ""), False,
                    self.spans.get(name),
                )  # fmt: skip
        for name in parameters:
            value = self.values.get(name)
            if value is not None:
                value.setflags(write=False)
            nodes[name] = Node(name, Role.PARAMETER, self.shapes[name], None, value, span=self.spans.get(name))
        for name in order:
            e = self.equations[name]
            nodes[name] = Node(name, Role.EQUATION, self.shapes[name], e.formula, None, made=e.made, span=e.span)
        from ..sheet.model import Title

        title = only(self.statements, Title, self.sheet)
        return Network(
            MappingProxyType(nodes), cost, title.text if title else "", in_letters, unknown,
            MappingProxyType(dict(self.spelling)),
        )  # fmt: skip


def _refs(expr: Expr) -> list[Ref]:
    from ..notation.expr import leaves

    return [leaf for leaf in leaves(expr) if type(leaf) is Ref]


_OPERATORS = {"add", "neg", "mul", "div", "pow", "matmul", "stack"}


def _typed(call: Call) -> bool:
    """Whether a call was written as a function, with a name and brackets."""
    return call.op not in _OPERATORS


Lookup = Callable[[str], Shape]
