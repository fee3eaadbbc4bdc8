"""One moment of a training as a list of lines in the order of the work, each with what it takes: to be gone through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from ..document.parts import Formula, Step
from ..engine.program import Program, own_letter
from ..engine.reference import Tape
from ..engine.training import Step as Moment
from ..network.derive import entry
from ..network.graph import Network, Node
from ..network.shapes import shape_of
from ..notation.expr import Call, Expr, Partial, Ref, leaves
from .diagram import columns
from .ledger import key_of
from .paths import cost_entry
from .scene import Scene
from .steps import cost_step, total_steps, update_steps
from .views import passed_back

Index = tuple[int, ...]

MOST = 1500  # lines of a stage; what a larger network does not have there can be asked for by name
TERMS = 12  # a longer sum is written as a product of vectors


@dataclass(frozen=True)
class StageLine:
    """One number of the work, or one that is looked up.

    Attributes:
        key: `v:` a value, `d:` a partial of the row's own cost, `t:` of the whole cost, `u:` an update, each with the
            name behind it; `own` and `cost`.
        phase: forward, cost, backward, gradient, update.
        group: lines of one layer have the same.
        parts: the line of working; more than one where a rule keeps something from step to step.
        takes: the keys of what stands in it.
    """

    key: str
    phase: str
    group: int
    parts: tuple[Step | Formula, ...]
    takes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """A row of a moment.

    Attributes:
        lines: in the order of the work.
        cut: whether there are others.
        values: the number behind every key.
        given: the names behind the keys that no line works: parameters, inputs, targets.
    """

    lines: tuple[StageLine, ...]
    cut: bool = False
    values: Mapping[str, float] = field(default_factory=dict)
    given: Mapping[str, Ref] = field(default_factory=dict)


def stage(network: Network, moment: Moment | None, row: int = 0, wanted: Sequence[Ref] | None = None) -> Stage:
    """The lines of a row (from 0, within the moment); in letters where there is no moment.

    Args:
        wanted: the entries that get lines; all of them, where there are not very many.
    """
    chosen = _Wanted(wanted)
    lines = list(islice(_lines(network, moment, row, chosen), MOST + 1))
    values = _values(moment, row, chosen, lines) if moment is not None else {}
    refs = (ref for node in network.nodes.values() if not node.is_equation for ref in chosen.of(node))
    given = {name: ref for ref in refs if (name := f"v:{key_of(ref)}") in values}
    return Stage(tuple(lines[:MOST]), len(lines) > MOST or wanted is not None, values, given)


class _Wanted:
    """Which entries of a node are asked for."""

    def __init__(self, refs: Sequence[Ref] | None) -> None:
        self.by_name: dict[str, list[Ref]] | None = None
        if refs is not None:
            self.by_name = {}
            for ref in dict.fromkeys(refs):
                self.by_name.setdefault(ref.name, []).append(ref)

    def of(self, node: Node) -> list[Ref]:
        return node.entries(MOST) if self.by_name is None else self.by_name.get(node.name, [])


def key(leaf: Expr) -> str:
    """The key of a name or of a looked-up partial in a formula; a row's `@2` belongs to no key."""
    if type(leaf) is Partial:
        by = Ref(leaf.by.name.partition("@")[0], leaf.by.index)
        return f"d:{key_of(by)}"
    assert type(leaf) is Ref
    return f"v:{key_of(Ref(leaf.name.partition('@')[0], leaf.index))}"


def _lines(network: Network, moment: Moment | None, row: int, wanted: _Wanted) -> Iterator[StageLine]:
    tape = moment.tape if moment is not None else None
    gradients = moment.gradients if moment is not None else None
    scene = Scene(tape, gradients, row, {}) if tape is not None else None
    places = columns(network)
    last = max(places.values(), default=0)

    def line(left: Ref | Partial, letters: Expr, phase: str, group: int) -> StageLine:
        made = scene.quantity(left, letters) if scene is not None else Formula(left, letters)
        return StageLine(key(left), phase, group, (made,), _takes(letters))

    for node in network.equations:
        assert node.formula is not None
        for ref in wanted.of(node):
            yield line(ref, short_entry(node.formula, ref.index, network), "forward", places.get(node.name, last))
    if network.cost is None:
        return
    yield from _cost(network, tape, scene, last + 1)
    if moment is not None and gradients is None:
        return
    program = gradients.program if gradients is not None else Program(network)
    for node in [*passed_back(program), *network.parameters]:
        group = last + 2 + (last - places.get(node.name, 0)) if node.is_equation else 2 * last + 3
        for ref in wanted.of(node):
            if (letters := _slope(program, ref, network)) is not None:
                yield line(Partial(program.symbol, ref), letters, "backward", group)
    if moment is not None and gradients is not None:
        yield from _whole(network, moment, wanted, 2 * last + 4)


def _slope(program: Program, ref: Ref, network: Network) -> Expr | None:
    """∂C/∂ref in letters, long products as such."""
    received = program.received.get(ref.name)
    if received is None or received.whole is None or received.entries or not ref.index:
        return program.formula(ref)
    return short_entry(received.whole, ref.index, network)


def short_entry(expr: Expr, index: Index, network: Network) -> Expr:
    """One entry of a formula; what would be a long sum stays the product of a row of the matrix with the vector."""
    shapes = network.shape_of
    if type(expr) is Call and expr.op == "matmul" and len(index) == 1:
        left, right = expr.args
        size = shape_of(left, shapes)
        if len(size) == 2 and size[1] > TERMS and len(shape_of(right, shapes)) == 1:
            if type(left) is Ref:
                return Call("matmul", (Ref(left.name, (*left.index, *index)), right))
            if type(left) is Call and left.op == "transpose" and type(left.args[0]) is Ref:
                column = tuple(Ref(left.args[0].name, (k, *index)) for k in range(1, size[1] + 1))
                return Call("matmul", (Call("stack", column), right))
    if type(expr) is Call and expr.op in ("add", "neg", "mul", "hadamard") and not expr.prime:
        args = tuple(short_entry(a, index if shape_of(a, shapes) else (), network) for a in expr.args)
        return Call("mul" if expr.op == "hadamard" else expr.op, args, expr.prime, expr.index, expr.shown)
    return entry(expr, index, shapes)


def _cost(network: Network, tape: Tape | None, scene: Scene | None, group: int) -> Iterator[StageLine]:
    """The row's own cost, and the whole one where it is another number."""
    cost = network.cost
    assert cost is not None
    own = entry(cost.own, cost_entry(network), network.shape_of)
    if scene is None or tape is None:
        yield StageLine("own", "cost", group, (Formula(Ref(cost.name), own),), _takes(own))
        return
    letter = Ref(own_letter(network, tape.count))
    yield StageLine("own", "cost", group, (scene.step(letter, own, float(tape.own[scene.row])),), _takes(own))
    if tape.count > 1 or cost.penalty is not None:
        yield StageLine("cost", "cost", group + 1, (cost_step(tape, scene.gradients, {}),), ("own",))


def _whole(network: Network, moment: Moment, wanted: _Wanted, group: int) -> Iterator[StageLine]:
    """The gradient of the whole cost where it is another number, and the update."""
    gradients, cost = moment.gradients, network.cost
    assert gradients is not None
    assert cost is not None
    refs = [ref for node in network.parameters for ref in wanted.of(node)]
    single = moment.tape.count == 1 and cost.penalty is None
    for ref in refs if not single else ():
        if ref.name in gradients.program.needed or ref.name in gradients.program.penalty:
            for step in total_steps(gradients, [ref], {}):
                yield StageLine(f"t:{key_of(ref)}", "gradient", group, (step,), (f"d:{key_of(ref)}",))
    if moment.change is None:
        return
    for ref in refs:
        steps = tuple(update_steps(moment.change, gradients, ref, {}))
        came = f"{'d' if single else 't'}:{key_of(ref)}"
        yield StageLine(f"u:{key_of(ref)}", "update", group + 1, steps, (f"v:{key_of(ref)}", came))


def _takes(letters: Expr) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key(leaf) for leaf in leaves(letters) if type(leaf) in (Ref, Partial)))


def _values(moment: Moment, row: int, wanted: _Wanted, lines: Iterable[StageLine]) -> dict[str, float]:
    """The number behind every key of the lines, and of what is given."""
    tape, gradients = moment.tape, moment.gradients
    found: dict[str, float] = {}
    for node in tape.network.nodes.values():
        for ref in wanted.of(node):
            if node.name in tape.values or node.name in tape.parameters:
                found[f"v:{key_of(ref)}"] = float(tape.value(ref, row))
            if gradients is not None and node.name in gradients.program.needed:
                found[f"d:{key_of(ref)}"] = float(gradients.rows(node.name)[(row, *ref.place)])
    for line in lines:
        part = line.parts[-1]
        if line.key[:1] in "tu" or line.key in ("own", "cost"):
            assert isinstance(part, Step)
            found[line.key] = float(part.value)
    return found
