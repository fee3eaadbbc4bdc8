"""From the statements of a sheet to the one network."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ..errors import NameProblem, Place, ShapeProblem, SheetError, nearest
from ..notation.expr import Call, Expr, Ref, Span, calls, leaves, names, rewrite
from ..notation.names import canonical, preactivation_name
from ..ops.vocabulary import ACTIVATION_NAMES, VOCABULARY
from ..sheet.model import (
    Assign,
    Const,
    CostLine,
    DataFrom,
    InlineData,
    Inputs,
    SheetText,
    Start,
    Statement,
    Targets,
    Title,
)
from ..sheet.parse import LIKELY_STATEMENTS
from ..sheet.table import Table
from .costs import build_cost
from .desugar import Equation, open_layers
from .functions import doubts, is_known, unknown_function, unknown_functions
from .graph import Cost, Network, Node, Plan, Role, Shape
from .order import order_of_work
from .plan import only, read_plan, read_table
from .reduction import ROWS
from .shapes import ShapeConflict
from .sizes import conflict_at, infer_shapes
from .start import SEED, check_scheme, fill
from .symbols import Symbols
from .values import missing_values, power_of, unused_values, value


@dataclass(frozen=True)
class Problem:
    """A network with what it is to be worked on: its data, and how it is updated.

    Attributes:
        draw: the starting values that the sheet's `start` line draws with another seed, of the parameters that have
            no value of their own; None where it draws none.
    """

    network: Network
    plan: Plan
    table: Table | None
    warnings: tuple[str, ...] = ()
    draw: Callable[[int], Mapping[str, np.ndarray]] | None = None


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
        self.statements = sheet.statements
        self.others: list[Statement] = [s for s in sheet.statements if not isinstance(s, Assign)]
        self.warnings: list[str] = list(sheet.warnings)
        self.symbols = Symbols(sheet)
        self.equations: dict[str, Equation] = {}
        self.layer_shapes: dict[str, Shape] = {}
        self.given: dict[str, Span] = {}  # starting values
        self.draw: Callable[[int], Mapping[str, np.ndarray]] | None = None
        self.in_letters = False
        self.unknown: tuple[str, ...] = ()  # functions that are any function, in letters
        self.first_use: dict[str, tuple[str, Span]] = {}  # in which equation a name stands first, and where

    def build(self, folder: Path | None) -> Problem:
        self.declare()
        self.define()
        cost_line = only(self.others, CostLine, self.sheet)
        if not self.equations and not cost_line:
            raise self.nothing()
        self.find_first_uses()
        self.name_preactivations(cost_line)
        parameters = self.collect_parameters()
        cost_expr = self.resolve_cost(cost_line) if cost_line else None
        start = only(self.others, Start, self.sheet)
        if start:
            check_scheme(start, self.sheet.place(start.span))
        self.read_functions(parameters, start, cost_expr)
        order = order_of_work(self.equations, self.symbols)
        if not start and not self.in_letters:
            self.require_values(parameters)
        infer_shapes(order, self.equations, self.symbols)
        self.check_layer_shapes()
        if start:
            self.fill(start, order, parameters)
            self.require_values(parameters)
        if not self.in_letters:
            self.warn_of_unused(parameters, cost_expr)
        cost = self.make_cost(cost_line, cost_expr) if cost_line and cost_expr is not None else None
        self.warn_of_braces()
        network = self.assemble(order, parameters, cost)
        table = read_table(self.others, network, self.sheet, folder)
        return Problem(network, read_plan(self.others, self.sheet), table, tuple(self.warnings), self.draw)

    def warn(self, message: str, span: Span) -> None:
        place = self.sheet.place(span)
        self.warnings.append(f"{place.source}:{place.line}: {message}" if place else message)

    # what the statements say ------------------------------------------------------------------------------

    def declare(self) -> None:
        """Inputs, targets and constants."""
        symbols = self.symbols
        for statement in self.others:
            if isinstance(statement, Inputs | Targets):
                role = Role.INPUT if isinstance(statement, Inputs) else Role.TARGET
                for item in statement.items:
                    name = symbols.take(item.name, role, item.span)
                    symbols.shapes[name] = (item.size,) if item.size else ()
                    symbols.labels[name] = item.label
            elif isinstance(statement, Const):
                mentioned = next(_refs(statement.value), None)
                if mentioned is not None:
                    raise symbols.error(
                        SheetError, f"the constant `{statement.name}` mentions `{mentioned.name}`",
                        mentioned.span or statement.span, expected="numbers only", got=mentioned.name,
                        hint=f"write an equation: `{statement.name} = …` without `const`",
                    )  # fmt: skip
                name = symbols.take(statement.name, Role.CONST, statement.span)
                symbols.values[name] = value(name, statement.value, statement.span, symbols)
                symbols.shapes[name] = symbols.values[name].shape

    def define(self) -> None:
        """Equations and starting values, in the order of the sheet."""
        symbols = self.symbols
        declared = {canonical(n): s for n, s in symbols.shapes.items()}
        opened = open_layers(self.statements, self.sheet, declared)
        values: list[Assign] = []
        for position, statement in enumerate(self.statements):
            for equation in opened.get(position, ()):
                self.add_layer(equation)
            if isinstance(statement, Assign):
                named = next(_refs(statement.value), None) is not None
                if named or not all(map(is_known, calls(statement.value))):
                    self.add_equation(Equation(statement.name, statement.value, statement.span))
                else:
                    values.append(statement)
        for statement in values:
            self.give(statement)

    def add_equation(self, equation: Equation) -> None:
        name = self.symbols.take(equation.name, Role.EQUATION, equation.span)
        self.equations[name] = replace(equation, name=name, formula=self.symbols.resolve(equation.formula))

    def add_layer(self, equation: Equation) -> None:
        self.add_equation(equation)
        for name, shape in equation.shapes.items():
            own = self.symbols.own(name)
            self.layer_shapes[own] = shape
            if own not in self.symbols.roles:
                self.symbols.shapes[own] = shape
            elif self.symbols.roles[own] in (Role.INPUT, Role.TARGET):
                raise self.symbols.error(
                    NameProblem, f"`{own}` is a weight of the `layers` line and declared as well",
                    self.symbols.spans[own], expected="each name once",
                    got=f"an {self.symbols.roles[own].value} of that name", hint="rename it",
                )  # fmt: skip

    def give(self, statement: Assign) -> None:
        """A starting value."""
        symbols = self.symbols
        name = symbols.own(statement.name)
        if name in self.given:
            symbols.roles[name], symbols.spans[name] = Role.PARAMETER, self.given[name]
        if name in symbols.roles:
            raise symbols.twice(statement.name, Role.PARAMETER, statement.span)
        found = value(name, statement.value, statement.span, symbols)
        known = self.layer_shapes.get(name)
        if known is not None and found.shape != known:
            raise self.wrong_size(name, known, found.shape, statement.value.span or statement.span)
        self.given[name] = symbols.spans[name] = statement.span
        symbols.values[name], symbols.shapes[name] = found, found.shape

    def wrong_size(self, name: str, wanted: Shape, got: Shape, span: Span) -> SheetError:
        return self.symbols.error(
            ShapeProblem, f"`{name}` has the wrong size", span,
            expected=(" × ".join(map(str, wanted)) or "a single number") + ", as the `layers` line says",
            got=" × ".join(map(str, got)) or "a single number",
            hint="a matrix has a row for each unit and a column for each number that comes in",
        )  # fmt: skip

    def check_layer_shapes(self) -> None:
        """What a `layers` line calls W1 has the size that it says, also where W1 has an equation."""
        for name, shape in self.layer_shapes.items():
            if self.symbols.shapes[name] != shape:
                raise self.wrong_size(name, shape, self.symbols.shapes[name], self.symbols.spans.get(name))

    def nothing(self) -> SheetError:
        """The error for a sheet without any equation."""
        given, text = next(iter(self.given), ""), self.sheet.text.rstrip()
        return SheetError(
            "the sheet has no equation" if self.statements else "the sheet is empty",
            place=self.sheet.place(self.given[given]) if given else Place.of(self.sheet.source, text, len(text)),
            expected="an equation such as `a1 = relu(w1*x + b1)`, or a `layers` line",
            got=f"`{given} = …` is a starting value: its right side mentions no name" if given else "none",
            hint="layers x -> 3 sigmoid -> 1 linear as y",
        )

    # names ------------------------------------------------------------------------------------------------

    def find_first_uses(self) -> None:
        for name, equation in self.equations.items():
            for part in equation.refs:
                self.first_use.setdefault(part.name, (name, part.span or equation.span))

    def name_preactivations(self, cost_line: CostLine | None) -> None:
        """a1 = relu(w1*x + b1) becomes z1 = w1*x + b1 and a1 = relu(z1)."""
        symbols = self.symbols
        taken = {canonical(n) for n in (*symbols.roles, *symbols.values, *self.first_use)}
        if cost_line:
            taken.add(canonical(cost_line.name))
        split: dict[str, Equation] = {}
        for name, equation in self.equations.items():
            formula = equation.formula
            if type(formula) is Call and _is_activation(formula):
                inner = formula.args[0]
                if type(inner) is not Ref and names(inner):
                    z = preactivation_name(name)
                    if canonical(z) in taken:
                        z = f"z({name})"
                    taken.add(canonical(z))
                    symbols.roles[z] = Role.EQUATION
                    symbols.spelling[canonical(z)] = z
                    split[z] = Equation(z, inner, equation.span, made=True, owner=name)
                    formula = replace(formula, args=(Ref(z), *formula.args[1:]))
            split[name] = replace(equation, formula=formula)
        self.equations = split

    def collect_parameters(self) -> list[str]:
        """Names that nothing defines are parameters: those with a value, then the others, as they appear."""
        symbols = self.symbols
        named = [n for n in self.first_use if n not in symbols.roles and n not in self.given]
        for name in (*self.given, *named):
            symbols.roles[name] = Role.PARAMETER
            symbols.spans.setdefault(name, self.first_use.get(name, ("", None))[1])
        return [*self.given, *named]

    def resolve_cost(self, line: CostLine) -> Expr:
        """The cost with its names checked: one that nothing else mentions is an error."""
        symbols = self.symbols
        name = symbols.own(line.name)
        if name in symbols.roles:
            raise symbols.twice(line.name, Role.EQUATION, line.span)

        def of_a_neuron(part: Expr) -> Expr | None:  # z(y), as the z of y is called
            if type(part) is Call and part.op == "z" and len(part.args) == 1 and type(part.args[0]) is Ref:
                made = f"z({symbols.own(part.args[0].name)})"
                return Ref(made, (), part.span) if made in symbols.roles else None
            return None

        expr = rewrite(symbols.resolve(line.value), of_a_neuron)
        for part in _refs(expr):
            if part.name not in symbols.roles and part.name != ROWS:
                raise symbols.error(
                    NameProblem, f"the cost {name} uses `{part.name}`, which nothing defines", part.span,
                    expected="a node, an input, a target, a constant, or a parameter that has a value"
                    " or stands in an equation",
                    got=part.name,
                    hint=_meant(part.name, symbols.roles, names(expr)) or f"`target {part.name}`, if it is data",
                )  # fmt: skip
        return expr

    def read_functions(self, parameters: list[str], start: Start | None, cost: Expr | None) -> None:
        """Finds out whether the sheet is in letters, and which unknown functions it has then."""
        unknown = unknown_functions([e.formula for e in self.equations.values()], cost, self.symbols)
        has_data = any(isinstance(s, InlineData | DataFrom) for s in self.others)
        self.in_letters = not start and not self.given and bool(parameters or (unknown and not has_data))
        if unknown and not self.in_letters:
            raise unknown_function(next(iter(unknown.values())), self.symbols)
        for call, said in doubts(unknown):
            self.warn(said, call.span)
        self.unknown = tuple(unknown)

    def warn_of_braces(self) -> None:
        """`x^{2}` is one name, and may be meant as a power."""
        for name in self.symbols.roles:
            stem, brace, inside = name.partition("^{")
            if brace and stem and (canonical(stem) in self.symbols.spelling or set(inside) & set("+-*/−·")):
                power = power_of(stem, inside)
                said = f"`{name}` is one name, not a power; a power is written `{power}`"
                self.warn(said, self.symbols.spans.get(name))

    # values -----------------------------------------------------------------------------------------------

    def fill(self, start: Start, order: list[str], parameters: list[str]) -> None:
        """Starting values for what has none, in order of appearance."""
        symbols = self.symbols
        empty = {n for n in parameters if n not in symbols.values}
        wanted = [(n, symbols.shapes[n]) for n in self.first_use if n in empty]
        formulas = [self.equations[n].formula for n in order]
        symbols.values |= fill(start, wanted, formulas, set(parameters))
        if wanted and start.scheme not in ("fixed", "zeros"):
            self.draw = lambda seed: fill(replace(start, seed=seed), wanted, formulas, set(parameters))
        if wanted and start.seed is None and start.scheme in ("he", "xavier", "uniform", "normal"):
            self.warn(f"`start {start.scheme}` names no seed; {SEED} is taken", start.span)

    def require_values(self, parameters: list[str]) -> None:
        missing = [n for n in parameters if n not in self.symbols.values]
        if missing:
            raise missing_values(missing, self.first_use, self.symbols, self.statements)

    def warn_of_unused(self, parameters: list[str], cost: Expr | None) -> None:
        used = {*self.first_use, *(names(cost) if cost is not None else ())}
        unused = [n for n in parameters if n not in used and n not in LIKELY_STATEMENTS]
        for said, span in unused_values(unused, self.symbols):
            self.warn(said, span)

    # the graph --------------------------------------------------------------------------------------------

    def make_cost(self, line: CostLine, expr: Expr) -> Cost:
        symbols = self.symbols
        try:
            cost = build_cost(
                symbols.own(line.name), expr, lambda n: symbols.shapes.get(n, ()), symbols.roles.get,
                lambda part: self.sheet.place(part.span or line.span),
            )  # fmt: skip
        except ShapeConflict as conflict:
            raise conflict_at(conflict, f"the cost {line.name}", self.sheet, line.span) from None
        if cost.own_name != cost.name:
            free = (n for n in ("L", "ℓ", f"L({cost.name})") if n not in symbols.roles and n != cost.name)
            cost = replace(cost, own_name=next(free))
        return cost

    def assemble(self, order: list[str], parameters: list[str], cost: Cost | None) -> Network:
        symbols = self.symbols
        nodes: dict[str, Node] = {}
        given = [(n, r) for n, r in symbols.roles.items() if r not in (Role.PARAMETER, Role.EQUATION)]
        for role in (Role.INPUT, Role.TARGET, Role.CONST):
            for name in (n for n, r in given if r is role):
                label, found = symbols.labels.get(name, ""), symbols.values.get(name)
                nodes[name] = Node(name, role, symbols.shapes[name], None, found, label, False, symbols.spans.get(name))
        for name in parameters:
            found = symbols.values.get(name)
            if found is not None:
                found.setflags(write=False)
            nodes[name] = Node(name, Role.PARAMETER, symbols.shapes[name], None, found, span=symbols.spans.get(name))
        for name in order:
            e = self.equations[name]
            shape = symbols.shapes[name]
            nodes[name] = Node(name, Role.EQUATION, shape, e.formula, None, made=e.made, span=e.span)
        title = only(self.others, Title, self.sheet)
        return Network(
            MappingProxyType(nodes),
            cost,
            title.text if title else "",
            self.in_letters,
            self.unknown,
            MappingProxyType(dict(symbols.spelling)),
        )


def _meant(name: str, known: Iterable[str], used: Collection[str]) -> str | None:
    """The proposal for a name that nothing defines: one that differs in one letter and does not stand in the formula
    yet, before all others that are near."""
    near = nearest(name, known)
    if near is None or near.casefold().replace("_", "") != name.casefold().replace("_", ""):
        free = [n for n in known if n not in used]
        as_long = [n for n in free if len(n) == len(name) > 1 and n[0] == name[0]]
        one_off = (n for n in as_long if sum(a != b for a, b in zip(n, name, strict=True)) == 1)
        near = next(one_off, None) or nearest(name, free) or near
    return f"did you mean `{near}`?" if near else None


def _refs(expr: Expr) -> Iterator[Ref]:
    return (leaf for leaf in leaves(expr) if type(leaf) is Ref)


def _is_activation(call: Call) -> bool:
    """Whether a function makes a neuron: an activation, or any function of one argument."""
    return call.op in ACTIVATION_NAMES or (call.op not in VOCABULARY and len(call.args) == 1)
