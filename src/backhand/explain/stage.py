"""One moment of a training as a list of lines in the order of the work, each with what it takes: to be gone through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ..document.parts import Formula, Step
from ..engine.program import Program, own_letter
from ..engine.reference import Tape
from ..engine.training import Step as Moment
from ..network.derive import entry
from ..network.graph import Network
from ..notation.expr import Expr, Partial, Ref, leaves
from .diagram import columns
from .ledger import key_of
from .paths import cost_entry
from .scene import Scene
from .steps import cost_step, total_steps, update_steps
from .views import Line, backward_lines, forward_lines, line_step

MOST = 1500  # lines of a stage; what a larger network does not have there can be asked for by name
Wanted = Callable[[str], bool]


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
        left_out: how many lines there are beside them.
    """

    lines: tuple[StageLine, ...]
    left_out: int = 0
    values: Mapping[str, float] = field(default_factory=dict)


def stage(network: Network, moment: Moment | None, row: int = 0, wanted: Wanted | None = None) -> Stage:
    """The lines of a row (from 0, within the moment); in letters where there is no moment.

    Args:
        wanted: which entries of nodes get lines; all, unless there are very many.
    """
    found: list[StageLine] = []
    left_out = 0
    for line in _lines(network, moment, row, wanted or (lambda key: True)):
        if len(found) < MOST:
            found.append(line)
        else:
            left_out += 1
    return Stage(tuple(found), left_out, _values(network, moment, row, found) if moment is not None else {})


def key(leaf: Expr) -> str:
    """The key of a name or of a looked-up partial in a formula; a row's `@2` belongs to no key."""
    if type(leaf) is Partial:
        by = Ref(leaf.by.name.partition("@")[0], leaf.by.index)
        return f"d:{key_of(by)}"
    assert type(leaf) is Ref
    return f"v:{key_of(Ref(leaf.name.partition('@')[0], leaf.index))}"


def _lines(network: Network, moment: Moment | None, row: int, wanted: Wanted) -> Iterator[StageLine]:
    tape = moment.tape if moment is not None else None
    gradients = moment.gradients if moment is not None else None
    scene = Scene(tape, gradients, row, {}) if tape is not None else None
    places = columns(network)
    last = max(places.values(), default=0)

    def line(of: Line, phase: str, group: int) -> StageLine:
        made = line_step(scene, of) if scene is not None else Formula(of.left, of.letters)
        return StageLine(key(of.left), phase, group, (made,), _takes(of.letters))

    for of in forward_lines(network, "neurons"):
        assert type(of.left) is Ref
        if wanted(key_of(of.left)):
            yield line(of, "forward", places.get(of.left.name, last))
    if network.cost is None:
        return
    yield from _cost(network, tape, scene, last + 1)
    program = gradients.program if gradients is not None else Program(network)
    backward = list(backward_lines(program, "neurons")) if network.parameters or moment is None else []
    parameters = {node.name for node in network.parameters}
    for of in backward:
        assert type(of.left) is Partial
        by = of.left.by
        if wanted(key_of(by)):
            group = last + 2 + (last - places.get(by.name, 0)) if by.name not in parameters else 2 * last + 3
            yield line(of, "backward", group)
    if moment is not None and gradients is not None:
        yield from _whole(network, moment, wanted, 2 * last + 4)


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


def _whole(network: Network, moment: Moment, wanted: Wanted, group: int) -> Iterator[StageLine]:
    """The gradient of the whole cost where it is another number, and the update."""
    gradients, cost = moment.gradients, network.cost
    assert gradients is not None
    assert cost is not None
    refs = [ref for node in network.parameters for ref in node.entries() if wanted(key_of(ref))]
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


def _values(network: Network, moment: Moment, row: int, lines: Iterable[StageLine]) -> dict[str, float]:
    """The number behind every key of the lines and of what they take."""
    tape, gradients = moment.tape, moment.gradients
    found: dict[str, float] = {}
    refs = [ref for node in network.nodes.values() for ref in node.entries(MOST)]
    for ref in refs:
        if ref.name in tape.values or ref.name in tape.parameters:
            found[f"v:{key_of(ref)}"] = float(tape.value(ref, row))
        if gradients is not None and ref.name in gradients.program.needed:
            found[f"d:{key_of(ref)}"] = float(gradients.rows(ref.name)[(row, *ref.place)])
    for line in lines:
        part = line.parts[-1]
        if line.key[:1] in "tu" or line.key in ("own", "cost"):
            assert isinstance(part, Step)
            found[line.key] = float(part.value)
    return found
