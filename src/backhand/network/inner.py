"""The cost through its inner difference: C = (a - y)² becomes C = u² with u = a - y (the grain of S15)."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from ..notation.expr import Call, Expr, Ref, names, rewrite
from .build import Problem
from .graph import Node, Role
from .shapes import shape_of


def with_inner(problem: Problem) -> Problem:
    """The same problem with the difference inside each power of the cost as a node of its own.

    A cost that already is a function of a named difference stays as it is.
    """
    network = problem.network
    if network.cost is None:
        return problem
    nodes = dict(network.nodes)
    made: list[Node] = []

    def name() -> str:
        wish = "u" if not made else f"u{len(made) + 1}"
        taken = {*nodes, *(n.name for n in made), network.cost.name if network.cost else ""}
        return (
            wish
            if wish not in taken
            else f"u({network.cost.name if network.cost else ''}{len(made) + 1 if made else ''})"
        )

    def one(part: Expr) -> Expr | None:
        if type(part) is Call and part.op in ("pow", "abs", "huber_of") and type(part.args[0]) is Call:
            inner = part.args[0]
            if any(nodes[n].role is Role.EQUATION for n in names(inner) if n in nodes):
                node = Node(name(), Role.EQUATION, shape_of(inner, network.shape_of), inner, made=True)
                made.append(node)
                return replace(part, args=(Ref(node.name), *part.args[1:]))
        return None

    own = rewrite(network.cost.own, one)
    if not made:
        return problem
    for node in made:
        nodes[node.name] = node
    cost = replace(network.cost, own=own)
    return replace(problem, network=replace(network, nodes=MappingProxyType(nodes), cost=cost))
