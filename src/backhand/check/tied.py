"""Ties what is written in a document to the entries of a sheet."""

from __future__ import annotations

import re
from functools import cached_property

from ..network.build import Problem
from ..notation.expr import Call, Expr, Num, Partial, Ref, rewrite
from ..notation.names import canonical
from ..ops.vocabulary import VOCABULARY
from .mathematics import Unread, written_name
from .worlds import COST, World, own_worlds, random_worlds

COSTS = ("C", "J", "E", "L", "cost", "loss")


class Reader:
    """Ties what is written to a sheet."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.network = problem, problem.network
        self.spellings: dict[str, str] = {}
        for name, node in self.network.nodes.items():
            for spelled in (name, node.label):
                if spelled:
                    self.spellings.setdefault(squeezed(spelled), name)
        self.long = tuple(
            n
            for n in (*self.network.nodes, *(x.label for x in self.network.nodes.values()))
            if len(n) > 1 and n.isalpha()
        )
        self.flat = not any(node.shape for node in self.network.equations)

    @cached_property
    def own(self) -> list[World]:
        return own_worlds(self.problem)

    @cached_property
    def random(self) -> list[World]:
        return list(random_worlds(self.problem))

    @cached_property
    def activation(self) -> str:
        """What `g` stands for where its argument does not say."""
        for node in self.network.equations:
            if type(node.formula) is Call and node.formula.op in VOCABULARY and VOCABULARY[node.formula.op].activation:
                return node.formula.op
        return "tanh"

    def refs(self, written: str, layer: int | None) -> list[Ref]:
        """The entries that a written name may mean; none where it means nothing here.

        Args:
            layer: the layer whose heading it stands under, for vectors.
        """
        if self.network.cost is not None and canonical(written) == canonical(self.network.cost.name):
            return [COST]
        exact = self.spellings.get(squeezed(written))
        if exact is not None:
            node = self.network.nodes[exact]
            if not node.shape:
                return [Ref(exact)]
            if node.shape in ((1,), (1, 1)) and not re.search(r"\d$", written.partition("_")[0]) and "_" not in written:
                return [Ref(exact, (1,) * len(node.shape))]
        found = re.fullmatch(r"([^\W\d_]+[\u0300-\u036f]?)_?(\d*)(?:\^(\d+))?", written)
        if not found:
            return []
        base, sub, sup = found[1], found[2], found[3]
        if base == "ŷ" and not sub and len(self.network.outputs) == 1 and not self.network.outputs[0].shape:
            return [Ref(self.network.outputs[0].name)]
        levels = [sup] if sup else [str(layer)] if layer is not None else [str(k) for k in range(1, 30)]
        made = []
        for level in levels:
            for letter in (base, base.upper()):
                node = self.network.nodes.get(f"{letter}{level}")  # type: ignore[assignment]
                if node is None or len(node.shape) != (
                    len(sub) if letter != base or (node.shape and len(node.shape) == 2) else 1
                ):
                    continue
                index = tuple(int(c) for c in sub) if len(node.shape) == 2 else (int(sub),) if sub else (1,)
                if len(index) == len(node.shape) and all(1 <= i <= n for i, n in zip(index, node.shape, strict=True)):
                    made.append(Ref(node.name, index))
        for node in (*self.network.inputs, *self.network.targets):
            if (
                node.name == base
                and sub
                and ((not node.shape and sub == "1") or (node.shape and 1 <= int(sub) <= node.shape[0]))
            ):
                made.append(Ref(node.name, (int(sub),) if node.shape else ()))
        return list(dict.fromkeys(made))

    def tied(self, expr: Expr, layer: int | None) -> Expr:
        """A formula over entries of the sheet.

        Raises:
            Unread: a name that means nothing, or several things.
        """

        def one(written: str) -> Ref:
            refs = self.refs(written, layer)
            if len(refs) != 1:
                raise Unread(f"`{written}` means {'several things' if refs else 'nothing'} in this sheet")
            return refs[0]

        def change(part: Expr) -> Expr | None:
            if type(part) is Call and part.op == "pow" and type(part.args[0]) is Ref and type(part.args[1]) is Num:
                raised = f"{part.args[0].name}^{part.args[1].value:g}"
                if (not self.flat or not self.refs(part.args[0].name, layer)) and self.refs(raised, layer):
                    return one(raised)
            if type(part) is Call and part.op == "general":
                inner = rewrite(part.args[0], change)
                return Call(self._activation_of(inner), (inner,), part.prime)
            if type(part) is Partial:
                return Partial(COST if self.is_cost(part.of.name) else one(part.of.name), one(part.by.name))
            if type(part) is Call and self.network.unknown_functions and self._is_activation(part.op):
                return Call("tanh", (rewrite(part.args[0], change),), part.prime)
            if type(part) is Ref:
                return Num(1.0) if part.name == "N" and "N" not in self.network.nodes else one(part.name)
            return None

        return rewrite(expr, change)

    def is_cost(self, written: str) -> bool:
        return self.network.cost is not None and written in COSTS and squeezed(written) not in self.spellings

    @staticmethod
    def _is_activation(op: str) -> bool:
        return op in VOCABULARY and VOCABULARY[op].activation

    def without_arguments(self, side: str) -> str:
        """J(ŷ) as J, z_2(a_1) as z_2: a name with what it depends on."""
        found = re.fullmatch(r"([^\s()+*/]+)\s*\(([^()]*)\)", side)
        if found and re.fullmatch(r"[^\d\s+*/-][^+*/-]*", found[2].strip()):
            name = written_name(found[1])
            refs = self.refs(name, None)
            if refs == [COST] or (refs and self.network.nodes[refs[0].name].is_equation):
                return found[1]
        return side

    def _activation_of(self, inner: Expr) -> str:
        if type(inner) is Ref:
            for node in self.network.consumers.get(inner.name, ()):
                if type(node.formula) is Call and node.formula.args and node.formula.args[0] == Ref(inner.name):
                    return node.formula.op if node.formula.op in VOCABULARY else "tanh"
        return self.activation


def squeezed(name: str) -> str:
    return re.sub(r"[_{}()^\s]", "", canonical(name))
