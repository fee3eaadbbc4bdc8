"""Which number of the work a typed name means: `z1`, `a5@2`, `dC/dw5@1`, `∂L/∂w5@1`, `delta3`, `w5'`, `J#2`."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from ..errors import BackhandError, NameProblem
from ..network.graph import Network, Role
from ..notation.expr import Ref
from ..notation.names import canonical
from ..sheet.parse import parse_name

_SUFFIX = re.compile(r"(?:\s*@\s*(?P<row>\d{1,9})|\s*#\s*(?P<epoch>\d{1,9})|(?P<new>\s*['′’]|\s+new|_new))$")
_PARTIAL = re.compile(r"[d∂](?P<of>.+?)\s*/\s*[d∂](?P<by>.+)", re.DOTALL)
_GRADIENT = re.compile(r"(?:grad(?:ient)?(?:\s+of)?|∇)\s*_?\(?(?P<by>[^()]+?)\)?", re.IGNORECASE)
_DELTA = re.compile(r"(?:delta|δ)[\s_]*(?:\((?P<of>.+)\)|(?P<rest>.*))", re.IGNORECASE | re.DOTALL)
COSTS = ("C", "J", "E", "cost", "loss", "Cost", "Loss")


@dataclass(frozen=True)
class Asked:
    """What a name means.

    Attributes:
        kind: value, own, cost, local, delta (of a row's own cost), share (of the whole), total or new.
        ref: the node and entry, or the node as a whole.
        of: for a local derivative, what is differentiated.
    """

    kind: str
    ref: Ref
    row: int | None
    epoch: int
    of: Ref | None = None


def asked(name: str, network: Network) -> Asked:
    """What a typed name means in a network.

    Raises:
        BackhandError: it means nothing there.
    """
    rest, row, epoch, new = name.strip(), None, 1, False
    while found := _SUFFIX.search(rest):
        if found["row"]:
            row = int(found["row"])
        elif found["epoch"]:
            epoch = int(found["epoch"])
        else:
            new = True
        rest = rest[: found.start()].rstrip()
    if rest.startswith("new ") and not _is_node(rest, network):
        rest, new = rest[4:], True
    if not _is_node(rest, network):
        if partial := _PARTIAL.fullmatch(rest):
            return _partial(partial["of"].strip(), partial["by"].strip(), row, epoch, network)
        if gradient := _GRADIENT.fullmatch(rest):
            return _partial(network.cost.name if network.cost else "C", gradient["by"].strip(), row, epoch, network)
        if delta := _DELTA.fullmatch(rest):
            return _delta((delta["of"] or delta["rest"]).strip(), row, epoch, network)
        if _is_cost(rest, network):
            own = row is not None or (rest == "L" and network.cost is not None and network.cost.name != "L")
            return Asked("own" if own else "cost", Ref(rest), row if row is not None else 1 if own else None, epoch)
    ref = _found(rest, network)
    if new:
        if network.nodes[ref.name].role is not Role.PARAMETER:
            raise NameProblem(f"`{ref.name}` is not updated", expected="a parameter before the '")
        return Asked("new", ref, row, epoch)
    return Asked("value", ref, row, epoch)


def _is_node(name: str, network: Network) -> bool:
    try:
        ref = parse_name(name)
        known = ref.name in network.nodes or canonical(ref.name) in network.aliases
        return known and bool(network.find(ref))
    except BackhandError:
        return False


def _found(name: str, network: Network) -> Ref:
    node, index = network.find(parse_name(name))
    return Ref(node.name, index)


def _is_cost(name: str, network: Network) -> bool:
    if network.cost is None:
        return False
    return canonical(unicodedata.normalize("NFC", name)) == canonical(network.cost.name) or name in (*COSTS, "L")


def _partial(of: str, by: str, row: int | None, epoch: int, network: Network) -> Asked:
    ref = _found(by, network)
    if _is_node(of, network):
        return Asked("local", ref, row if row is not None else 1, epoch, _found(of, network))
    if not _is_cost(of, network):
        raise NameProblem(f"the network has no `{of}`", expected="the cost or a node above the line")
    if network.cost is not None and of == "L" and network.cost.name != "L":
        return Asked("delta", ref, row if row is not None else 1, epoch)
    if network.nodes[ref.name].role is Role.PARAMETER and row is None:
        return Asked("total", ref, None, epoch)
    return Asked("share", ref, row if row is not None else 1, epoch)


def _delta(rest: str, row: int | None, epoch: int, network: Network) -> Asked:
    """δ of a unit is ∂C/∂z: `delta3` of z3, `delta z3` of z3, `delta(y)` of z(y)."""
    for name in (f"z{rest}", f"z_{rest}", rest, f"z({rest})"):
        if rest and _is_node(name, network):
            if name == rest and _is_node(f"z({rest})", network):
                name = f"z({rest})"
            return Asked("share", _found(name, network), row if row is not None else 1, epoch)
    raise NameProblem(f"there is no z for `delta{rest}`", expected="delta3 where the network has z3")
