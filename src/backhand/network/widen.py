"""The same network with many times the weights: copies of it side by side, their costs averaged."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from ..notation.expr import Call, Expr, Num, Partial, Ref, rewrite
from .build import Problem
from .graph import Node, Role


def widened(problem: Problem, factor: int) -> Problem:
    """A problem with `factor` times the parameters: each copy has its own, inputs and targets are shared.

    The cost of a row is the mean of the copies' costs, so that the whole is again one cost over one graph.
    """
    network = problem.network
    if factor == 1 or network.cost is None:
        return problem
    own = {n.name for n in network.nodes.values() if n.role in (Role.PARAMETER, Role.EQUATION)}
    nodes: dict[str, Node] = {n.name: n for n in network.nodes.values() if n.name not in own}

    def copied(expr: Expr, number: int) -> Expr:
        def one(part: Expr) -> Expr | None:
            if type(part) is Ref and part.name in own:
                return Ref(f"{part.name}·{number}", part.index)
            return part if isinstance(part, Ref | Partial) else None

        return rewrite(expr, one)

    costs: list[Expr] = []
    penalties: list[Expr] = []
    for number in range(1, factor + 1):
        for node in network.nodes.values():
            if node.name in own:
                name = f"{node.name}·{number}"
                formula = copied(node.formula, number) if node.formula is not None else None
                nodes[name] = replace(node, name=name, formula=formula)
        costs.append(copied(network.cost.own, number))
        if network.cost.penalty is not None:
            penalties.append(copied(network.cost.penalty, number))

    def mean(parts: list[Expr]) -> Expr:
        return Call("div", (Call("add", tuple(parts)), Num(float(factor))))

    cost = replace(network.cost, own=mean(costs), penalty=mean(penalties) if penalties else None)
    return replace(problem, network=replace(network, nodes=MappingProxyType(nodes), cost=cost))
