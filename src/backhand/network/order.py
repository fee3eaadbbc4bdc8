"""The order of the work: each equation after those that it uses."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from ..errors import NameProblem
from .desugar import Equation
from .symbols import Symbols


def order_of_work(equations: Mapping[str, Equation], symbols: Symbols) -> list[str]:
    """Equations so that each comes after those it uses; otherwise as they stand in the sheet.

    Raises:
        NameProblem: equations that need each other in a circle.
    """
    position = {name: i for i, name in enumerate(equations)}
    needs = {n: {m for m in e.uses if m in position} for n, e in equations.items()}
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
        raise _in_a_circle({n: needs[n] for n in position if waiting[n]}, position, equations, symbols)
    return order


def _in_a_circle(
    needs: Mapping[str, set[str]],
    position: Mapping[str, int],
    equations: Mapping[str, Equation],
    symbols: Symbols,
) -> NameProblem:
    """The error for one circle among equations that wait for each other."""
    name = next(iter(needs))
    path: dict[str, int] = {}
    walk: list[str] = []
    while name not in path:
        path[name] = len(walk)
        walk.append(name)
        name = min((n for n in needs[name] if n in needs), key=position.__getitem__)
    circle = walk[path[name] :]
    users = [equations[n].owner or n for n in circle]
    shown = list(dict.fromkeys(users))
    first = circle[0]
    following = circle[1] if len(circle) > 1 else first
    span = next((ref.span for ref in equations[first].refs if ref.name in (following, first)), None)
    chain = [*shown, shown[0]] if len(shown) < 12 else [*shown[:10], f"… ({len(shown)} equations)", shown[0]]
    return NameProblem(
        f"`{shown[0]}` needs itself",
        place=symbols.sheet.place(span or equations[first].span),
        expected="equations that can be worked one after the other",
        got=" needs ".join(chain),
        hint="a network works forward; give one of them another right side"
        if len(shown) > 1
        else "give the new quantity a name of its own; weights change by `rate` and `update`",
    )
