"""The network as a diagram: a column per layer, weights on the arrows, values in the units; or δ and ∂C/∂w."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..document.parts import Arrow, Diagram, Dot, Inline, Label
from ..engine.program import own_letter
from ..network.derive import entry
from ..network.graph import Network, Node, Role
from ..notation.expr import Call, Expr, Partial, Ref, leaves
from ..ops.vocabulary import ACTIVATION_NAMES
from .scene import Scene

TALLEST = 10  # units in a column; of more the first ones and the last two are drawn
WIDEST = 14  # columns
MOST_WORDS = 60  # lines of the description


def diagram(
    network: Network, scene: Scene | None = None, backward: bool = False, title: str = "", biases: bool = False
) -> Diagram:
    """The network drawn, in letters or with the numbers of one row.

    Args:
        scene: where the numbers come from; None draws letters, and weights where they have values.
        backward: δ in the units and ∂C/∂w on the arrows, instead of values and weights.
        biases: as weights of a unit that is always 1, instead of below the units.
    """
    return _Drawing(network, scene, backward and network.cost is not None, biases).made(title)


def columns(network: Network) -> dict[str, int]:
    """In which column of the diagram each input, z and activation stands, from 0."""
    drawing = _Drawing(network, None, False)
    drawing.arranged()
    return {**drawing.columns, **{z: drawing.columns[a] for z, a in drawing.inner.items() if a in drawing.columns}}


@dataclass(frozen=True)
class _Unit:
    """An entry of a node, with its z where it is an activation of one."""

    a: Ref
    z: Ref | None
    node: Node
    formula: Expr | None  # of the z, or of the a where there is none

    @property
    def key(self) -> str:
        return f"{self.a.name}{list(self.a.index)}" if self.a.index else self.a.name


@dataclass
class _Drawing:
    network: Network
    scene: Scene | None
    backward: bool
    biases: bool = False
    inner: dict[str, str] = field(default_factory=dict)  # the z inside an activation → the activation's name
    kept: dict[str, _Unit] = field(default_factory=dict)
    by_name: dict[str, list[str]] = field(default_factory=dict)
    columns: dict[str, int] = field(default_factory=dict)

    def arranged(self) -> list[Node]:
        """The nodes that are drawn, each with its column; an activation stands where its z does."""
        network = self.network
        for node in network.equations:
            formula = node.formula
            activates = type(formula) is Call and (
                formula.op in ACTIVATION_NAMES or formula.op in network.unknown_functions
            )
            if activates and type(formula.args[0]) is Ref and not formula.args[0].index:  # type: ignore[union-attr]
                z = network.nodes[formula.args[0].name]  # type: ignore[union-attr]
                if z.is_equation and z.name not in self.inner and z.shape == node.shape:
                    self.inner[z.name] = node.name
        units = [n for n in network.equations if n.name not in self.inner and network.learns(n)]
        drawn = [*network.inputs, *units]
        for node in drawn:
            self.columns[node.name] = self.column(node)
        return drawn

    def made(self, title: str) -> Diagram:
        network, drawn = self.network, self.arranged()
        last = max(self.columns.values(), default=0)
        members: dict[int, list[Node]] = {}
        for node in drawn:
            members.setdefault(self.columns[node.name], []).append(node)
        dots: list[Dot] = []
        hidden = self.hidden_columns(last)
        shift = 0
        for column in range(last + 1):
            if column in hidden:
                if column == min(hidden):
                    dots.append(Dot("gap of columns", column, "gap", (), (f"{len(hidden)} more layers",)))
                else:
                    shift += 1
                continue
            dots += self.column_dots(members.get(column, []), column - shift)
        arrows = [arrow for unit in self.kept.values() for arrow in self.arrows_to(unit)]
        if self.biases:
            ones, from_ones = self.bias_units(dots)
            dots, arrows = [*ones, *dots], [*arrows, *from_ones]
        if network.cost is not None:
            dots.append(self.cost_dot(last + 1 - shift))
            arrows += self.arrows_to_cost()
        words = self.words(arrows)
        return Diagram(title or network.title or "The network", tuple(dots), tuple(arrows), tuple(words))

    def hidden_columns(self, last: int) -> range:
        return range(WIDEST - 5, last - 4) if last >= WIDEST else range(0)

    def column(self, node: Node) -> int:
        """One further than the furthest of what it takes."""
        if not node.is_equation:
            return 0
        inside = [node, *(self.network.nodes[z] for z, a in self.inner.items() if a == node.name)]
        taken = {leaf.name for n in inside if n.formula for leaf in leaves(n.formula) if type(leaf) is Ref}
        return 1 + max((self.columns.get(self.inner.get(name, name), 0) for name in taken), default=0)

    # dots -----------------------------------------------------------------------------------------------------

    def column_dots(self, nodes: Sequence[Node], column: int) -> list[Dot]:
        """The entries of a column's nodes; where there are too many, the first ones and the last two."""
        total = sum(int(np.prod(n.shape)) for n in nodes)
        first: list[tuple[Node, Ref]] = []
        last: list[tuple[Node, Ref]] = []
        for node in nodes:
            first += [(node, ref) for ref in node.entries(TALLEST + 1 - len(first))]
        if total > TALLEST:
            first = first[: TALLEST - 3]
            for node in reversed(nodes):
                if len(last) < 2:
                    last = [(node, ref) for ref in _last_entries(node, 2 - len(last))] + last
        dots = [self.dot(node, ref, column) for node, ref in first]
        if last:
            more = f"⋮ {total - len(first) - len(last):,} more"
            dots.append(Dot(f"gap {column}", column, "gap", (), (more,)))
            dots += [self.dot(node, ref, column) for node, ref in last]
        return dots

    def dot(self, node: Node, a: Ref, column: int) -> Dot:
        z = next((z for z, name in self.inner.items() if name == node.name), None)
        z_ref = Ref(z, a.index) if z else None
        formula = (self.network.nodes[z] if z else node).formula
        unit = _Unit(a, z_ref, node, entry(formula, a.index, self.network.shape_of) if formula is not None else None)
        self.kept[unit.key] = unit
        self.by_name.setdefault(a.name, []).append(unit.key)
        refs = [ref for ref in (z_ref, a) if ref is not None]
        if not node.is_equation:
            return Dot(unit.key, column, "input", tuple(self.label(ref) for ref in refs if not self.backward or ref))
        below: list[Inline] = []
        if z is not None and type(node.formula) is Call:
            below.append(node.formula.shown or node.formula.op)
        bias = self.bias_of(unit)
        if bias is not None and not (self.biases and column):
            below += [", " if below else "", *self.runs(self.weight(bias))]
        return Dot(unit.key, column, "unit", tuple(map(self.label, refs)), tuple(below))

    def bias_of(self, unit: _Unit) -> Ref | None:
        """A parameter that is a term by itself."""
        return next((t for t in _terms(unit.formula) if type(t) is Ref and self.is_parameter(t)), None)

    def bias_units(self, dots: Sequence[Dot]) -> tuple[list[Dot], list[Arrow]]:
        """A unit that is always 1 before each column that has biases, and the biases as its weights."""
        ones: dict[str, Dot] = {}
        arrows = []
        for dot in dots:
            bias = self.bias_of(self.kept[dot.key]) if dot.kind == "unit" else None
            if bias is None or not dot.column:
                continue
            key = f"bias {dot.column}"
            ones[key] = Dot(key, dot.column - 1, "bias", ((None, 1.0),))
            arrows.append(Arrow(key, dot.key, self.weight(bias)))
        return list(ones.values()), arrows

    def label(self, ref: Ref) -> Label:
        """A node's name and number; δ going backward."""
        scene = self.scene
        if scene is None:
            return (self.partial(ref) if self.backward else ref, None)
        if self.backward:
            assert scene.gradients is not None
            named = scene.named(Partial(scene.gradients.program.symbol, ref))
            return (named, float(scene.gradients.rows(ref.name)[(scene.row, *ref.place)]))
        return (scene.named(ref), float(scene.tape.value(ref, scene.row)))

    def partial(self, ref: Ref) -> Partial:
        assert self.network.cost is not None
        return Partial(Ref(self.network.cost.name), ref)

    def cost_dot(self, column: int) -> Dot:
        cost, scene = self.network.cost, self.scene
        assert cost is not None
        if scene is None:
            return Dot("the cost", column, "cost", ((Ref(cost.name), None),))
        letter = Ref(own_letter(self.network, scene.tape.count))
        below: list[Inline] = []
        for node in self.network.targets[:3]:
            for ref in node.entries(4):
                below += [", " if below else "", *self.runs((ref, float(scene.tape.value(ref, scene.row))))]
        more = sum(int(np.prod(n.shape)) for n in self.network.targets) > 4
        value = float(scene.tape.own[scene.row])
        return Dot("the cost", column, "cost", ((letter, value),), (*below, *((", …",) if more else ())))

    # arrows ---------------------------------------------------------------------------------------------------

    def arrows_to(self, unit: _Unit) -> list[Arrow]:
        found: dict[str, Label] = {}
        for term in _terms(unit.formula):
            weight, sources = None, []
            for leaf in leaves(term):
                assert type(leaf) is Ref
                if self.is_parameter(leaf):
                    weight = leaf if weight is None else weight
                else:
                    sources += [key for key in self.sources(leaf) if key != unit.key]
            alone = type(term) is Call and term.op == "mul" and len(term.args) == 2 and len(sources) == 1
            for key in sources:
                label = self.weight(weight) if alone and weight is not None else (None, None)
                found.setdefault(key, label)
        return [Arrow(key, unit.key, label) for key, label in found.items()]

    def sources(self, leaf: Ref) -> list[str]:
        """The drawn units that a name in a formula means: an entry, or all of a vector."""
        name = self.inner.get(leaf.name, leaf.name)
        if leaf.index:
            key = f"{name}{list(leaf.index)}"
            return [key] if key in self.kept else []
        return self.by_name.get(name, [])

    def is_parameter(self, expr: Expr) -> bool:
        found = self.network.nodes.get(expr.name) if type(expr) is Ref else None
        return found is not None and found.role is Role.PARAMETER

    def weight(self, ref: Ref) -> Label:
        """A parameter and its number; its partial going backward."""
        scene, node = self.scene, self.network.nodes[ref.name]
        ref = Ref(ref.name, ref.index)
        if scene is None and self.backward:
            return (self.partial(ref), None)
        if scene is None:
            return (ref, float(node.value[ref.place]) if node.value is not None else None)
        if self.backward:
            assert scene.gradients is not None
            value = scene.gradients.rows(ref.name)[(scene.row, *ref.place)]
            return (scene.named(Partial(scene.gradients.program.symbol, ref)), float(value))
        return (scene.named(ref), float(scene.tape.parameters[ref.name][ref.place]))

    def arrows_to_cost(self) -> list[Arrow]:
        """From what the cost looks at, entry by entry."""
        assert self.network.cost is not None
        held = {leaf.name: leaf for leaf in leaves(self.network.cost.own) if type(leaf) is Ref}
        found = []
        for unit in self.kept.values():
            seen = unit.a.name in held or (unit.z is not None and unit.z.name in held)
            if seen and unit.node.is_equation:
                found.append(Arrow(unit.key, "the cost"))
        return found

    # words ----------------------------------------------------------------------------------------------------

    def words(self, arrows: Sequence[Arrow]) -> list[tuple[Inline, ...]]:
        """The same for who cannot see it: a line for each unit, with what leads to it."""
        lines: list[tuple[Inline, ...]] = []
        for unit in self.kept.values():
            runs: list[Inline] = ["Input " if not unit.node.is_equation else "Unit "]
            for i, ref in enumerate(r for r in (unit.z, unit.a) if r is not None):
                runs += [", " if i else "", *self.runs(self.label(ref))]
            leading = [arrow for arrow in arrows if arrow.end == unit.key]
            for i, arrow in enumerate(leading):
                start = self.kept.get(arrow.start)
                runs += ["; from " if not i else ", ", start.a if start is not None else "1"]
                if arrow.label[0] is not None:
                    runs += [" by ", *self.runs(arrow.label)]
            lines.append((*runs, "."))
        if len(lines) > MOST_WORDS:
            left = len(lines) - MOST_WORDS
            lines = [*lines[:MOST_WORDS], (f"And {left} more units.",)]
        return lines

    @staticmethod
    def runs(label: Label) -> list[Inline]:
        name, value = label
        said: list[Inline] = [name] if name is not None else []
        return said if value is None else [*said, " = ", value]


def _terms(formula: Expr | None) -> Sequence[Expr]:
    if formula is None:
        return ()
    if type(formula) is not Call or formula.op != "add":
        return (formula,)
    return [*_terms(formula.args[0]), *formula.args[1:]]


def _last_entries(node: Node, count: int) -> list[Ref]:
    size = int(np.prod(node.shape))
    places = [np.unravel_index(k, node.shape) for k in range(max(0, size - count), size)]
    return [Ref(node.name, tuple(int(i) + 1 for i in place)) for place in places]
