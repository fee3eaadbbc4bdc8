"""The questions of S14, each with its answer worked from the network."""

from __future__ import annotations

from collections.abc import Mapping

from ..document.parts import Inline, Page
from ..engine.program import Program
from ..engine.run import Run
from ..network.build import Problem
from ..network.graph import Network, Node, Role
from ..notation.expr import Partial, Ref, names
from .names import convention_text
from .scene import Scene, renamed


def questions(page: Page, problem: Problem, run: Run, rename: Mapping[Ref, Ref]) -> None:
    """How many functions, how many weights, which is ŷ, what is the cost, what is propagated backwards."""
    network = problem.network
    cost = network.cost
    assert cost is not None
    page.heading("Questions and answers")

    involved = [n for n in network.equations if not _of_targets_alone(n, network)]
    functions = [Ref(n.name) for n in involved] + [Ref(cost.name)]
    _ask(page, "How many functions are involved?")
    entries = sum(len(n.entries()) for n in involved)
    single = "" if entries == len(functions) - 1 else f" (as vectors; {entries + 1} counted entry by entry)"
    page.text(f"{len(functions)}: ", *_listed([*functions], rename), f"{single}.")

    from ..network.start import weights_of

    weights = weights_of(network)
    biases = [p for p in network.parameters if p.name not in weights]
    count = sum(len(p.entries()) for p in network.parameters if p.name in weights)
    _ask(page, "How many weights are involved?")
    runs: list[Inline] = [
        f"{count}: ",
        *_listed([Ref(p.name) for p in network.parameters if p.name in weights], rename),
    ]
    more = sum(len(p.entries()) for p in biases)
    runs += [f"; and {more} biases: ", *_listed([Ref(p.name) for p in biases], rename)] if biases else ["; no biases"]
    page.text(*runs, ".")

    _ask(page, "Which one is the prediction ŷ?")
    outputs = network.outputs
    page.text(
        *_listed([Ref(n.name) for n in outputs], rename), f": what the cost {cost.name} compares with the target."
    )
    if run.steps:
        scene = Scene(run.steps[0].tape, run.steps[0].gradients, 0, rename)
        for node in outputs:
            if node.formula is not None:
                page.add(scene.quantity(Ref(node.name), node.formula, f"row {scene.tape.rows[0]}"))

    _ask(page, f"What is the cost {cost.name}?")
    page.text(f"{cost.name} is {convention_text(cost, rename)}.")
    if run.steps:
        tape = run.steps[0].tape
        page.text(Ref(cost.name), " = ", renamed(cost.written, rename), " = ", tape.cost)

    _ask(page, "What is being propagated backwards?")
    program = Program(network, rows=run.steps[0].tape.count if run.steps else 0)
    reached = [n for n in program.order if n.name in network.trained]
    chain = [program.partial(n.name) for n in reached]
    page.text(
        f"The change of the cost: ∂{program.symbol.name}/∂(each function that weights lead to), from the"
        " cost back towards the inputs, each from those after it: ",
        *_listed(list(chain), rename),
        ". Where it meets a weight it is multiplied by what the weight was multiplied with; that gives the"
        " weight's partial.",
    )
    if run.steps and run.steps[0].gradients is not None:
        scene = Scene(run.steps[0].tape, run.steps[0].gradients, 0, rename)
        values: list[Inline] = [f"In row {scene.tape.rows[0]}: "]
        for i, node in enumerate(reached[:20]):
            by = Partial(program.symbol, Ref(node.name))
            values += [", " if i else "", renamed(by, rename), " = ", scene.fill(by)]
        page.text(*values, ".")


def _of_targets_alone(node: Node, network: Network) -> bool:
    """Whether an equation only brings targets to another scale: it is no function of the network."""
    roles = set[Role]()
    seen = {node.name}
    for other in reversed(network.equations):
        if other.name in seen and other.formula is not None:
            seen.update(names(other.formula))
    for name in seen & network.nodes.keys():
        roles.add(network.nodes[name].role)
    return Role.TARGET in roles and not roles & {Role.PARAMETER, Role.INPUT}


def _ask(page: Page, question: str) -> None:
    page.heading(question, 3)


def _listed(items: list[Ref | Partial], rename: Mapping[Ref, Ref], most: int = 24) -> list[Inline]:
    runs: list[Inline] = []
    for i, item in enumerate(items[:most]):
        runs += [", " if i else "", renamed(item, rename)]
    if len(items) > most:
        runs.append(f", … ({len(items)} in all)")
    return runs
