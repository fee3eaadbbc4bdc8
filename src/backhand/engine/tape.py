"""A network written as steps on slots, which the compiled tape works (`native/graph.h`)."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import UsageError
from ..network.derive import entry
from ..network.graph import Network, Node, Role
from ..network.reduction import ROWS
from ..network.shapes import shape_of
from ..notation.expr import Call, Expr, Num, Ref, add, mul, names
from ..notation.text import PLAIN
from .compiled import ACTIVATIONS

SUM, QUOTIENT, POWER, LARGER, SMALLER, LOG_SUM_EXP, SQUARED, HUBER, RAISED = range(9)
FUNCTIONS = {"exp": 100, "log": 101, "sqrt": 102, "abs": 103, **{name: i for i, name in enumerate(ACTIVATIONS[:-1])}}
LINEAR = FUNCTIONS["linear"]
MOST_STEPS = 200_000
_STEP = np.dtype([(name, "i4") for name in ("operation", "a", "b", "first", "end", "function")]
                 + [("number", "f8")])  # fmt: skip
_EDGE = np.dtype([("x", "i4"), ("y", "i4")])


class Graph(ctypes.Structure):
    """`Graph` of native/graph.h."""

    _fields_ = (
        *((name, ctypes.c_int32) for name in ("parameters", "columns", "constants", "steps", "edges")),
        *((name, ctypes.c_void_p) for name in ("numbers", "step", "edge", "needed")),
    )
    arrays: tuple[np.ndarray[Any, Any], ...]


class Steps:
    """Writes a network as steps on slots; a formula that was written already is looked up."""

    def __init__(self, network: Network, count: int) -> None:
        """count: N, the rows of a step."""
        self.network, self._count = network, count
        self.holds_count = False  # whether a step with other rows would need other numbers
        self.parameters = [ref for node in network.parameters for ref in node.entries()]
        self.columns = [ref for node in (*network.inputs, *network.targets) for ref in node.entries()]
        self.constants = dict[float, int]()
        self.steps = list[dict[str, Any]]()
        self.edges = list[tuple[int, int]]()
        self.slots = dict[Expr, int]()  # of names and formulas; parameters and columns count from 0, steps are below 0
        for number, ref in enumerate((*self.parameters, *self.columns)):
            self.slots[ref] = number
        for node in network.nodes.values():
            if node.role is Role.CONST and node.value is not None:
                for ref in node.entries():
                    self.slots[ref] = self.constant(float(node.value[ref.place]))
        hidden = self._fused()
        for node in network.equations:
            if node.name in hidden:
                continue
            for ref in node.entries():
                assert node.formula is not None
                self.slots[ref] = self.slot(self.scalar(node.formula, ref.index))
        assert network.cost is not None
        own = self.slot(self._own_cost())
        if own != -len(self.steps):
            self.step(SUM, edges=[(own, _ALONE)])

    def _own_cost(self) -> Expr:
        """A row's own cost, with its part of the penalty."""
        cost = self.network.cost
        assert cost is not None
        own = self.scalar(cost.own, ())
        if cost.penalty is None:
            return own
        penalty = self.scalar(cost.penalty, ())
        self.holds_count = not cost.mean
        return add(own, penalty if cost.mean else mul(1.0 / self._count, penalty))

    def slot_of(self, mark: int) -> int:
        """The number of a slot: parameters, columns, constants, steps."""
        before = len(self.parameters) + len(self.columns)
        if mark == _ALONE:
            return -1
        if mark >= _CONSTANTS:
            return before + mark - _CONSTANTS
        return before + len(self.constants) - 1 - mark if mark < 0 else mark

    def graph(self) -> Graph:
        """All of it as the library takes it."""
        first = self.slot_of(-1)
        steps = np.zeros(len(self.steps), _STEP)
        needed = np.zeros(first + len(steps), np.uint8)
        needed[: len(self.parameters)] = 1
        edges = np.array([(self.slot_of(x), self.slot_of(y)) for x, y in self.edges] or [(0, 0)], _EDGE)
        for k, step in enumerate(self.steps):
            a, b = self.slot_of(step["a"]), self.slot_of(step["b"])
            used = [a] if step["operation"] in (POWER, HUBER) else [a, b]
            if step["operation"] in (SUM, LOG_SUM_EXP):
                used = [int(s) for pair in edges[step["first"] : step["end"]] for s in pair.tolist() if s >= 0]
            needed[first + k] = any(needed[s] for s in used)
            kept = (step[name] for name in ("first", "end", "function", "number"))
            steps[k] = (step["operation"], a, b, *kept)
        constants = np.array(list(self.constants) or [0.0])
        graph = Graph(
            len(self.parameters), len(self.columns), len(self.constants), len(steps), len(self.edges),
            constants.ctypes.data, steps.ctypes.data, edges.ctypes.data, needed.ctypes.data,
        )  # fmt: skip
        graph.arrays = constants, steps, edges, needed  # which live as long
        return graph

    def _fused(self) -> set[str]:
        """The z that go into one activation and nowhere else: they need no slot of their own."""
        network = self.network
        assert network.cost is not None
        shown = set(names(network.cost.own))
        alone = set()
        for node in network.equations:
            users = network.consumers.get(node.name, ())
            if len(users) == 1 and node.name not in shown and _is_function_of(users[0], node):
                alone.add(node.name)
        return alone

    def scalar(self, formula: Expr, index: tuple[int, ...]) -> Expr:
        """An entry of a formula; of a list of one, which stands for its number, that one."""
        shape = shape_of(formula, self.network.shape_of)
        return entry(formula, (index or (1,) * len(shape)) if shape else (), self.network.shape_of)

    def constant(self, value: float) -> int:
        return _CONSTANTS + self.constants.setdefault(value, len(self.constants))

    def step(
        self, operation: int, a: int = 0, b: int = 0, edges: Sequence[tuple[int, int]] = (), function: int = LINEAR,
        number: float = 0.0,
    ) -> int:  # fmt: skip
        """Writes a step; gives its slot."""
        first = len(self.edges)
        self.edges += edges
        if len(self.steps) >= MOST_STEPS:
            raise refused(f"it has more than {MOST_STEPS:,} operations")
        self.steps.append({"operation": operation, "a": a, "b": b, "first": first, "end": len(self.edges),
                           "function": function, "number": number})  # fmt: skip
        return -len(self.steps)

    def slot(self, expr: Expr) -> int:
        """Where the value of a scalar formula stands, its steps written."""
        known = self.slots.get(expr)
        if known is not None:
            return known
        self.slots[expr] = found = self._write(expr)
        return found

    def _write(self, expr: Expr, function: int = LINEAR, number: float = 0.0) -> int:
        match expr:
            case Num(value=value):
                return self.constant(value)
            case Ref():
                return self._name(expr)
            case Call(op="add"):
                edges = [self._edge(t) for t in self._terms(expr)]
                return self.step(SUM, edges=edges, function=function, number=number)
            case Call(op="mul" | "hadamard" | "neg"):
                return self.step(SUM, edges=[self._edge(expr)], function=function, number=number)
            case Call(op="div", args=(top, Num(value=below))) if below:
                return self.step(SUM, edges=[(self.constant(1 / below), self.slot(top))])
            case Call(op="div", args=(top, below)):
                return self.step(QUOTIENT, self.slot(top), self.slot(below))
            case Call(op="pow", args=(Call(op="add", args=(one, Call(op="neg", args=(other,)))), Num(value=2.0))):
                return self.step(SQUARED, self.slot(one), self.slot(other))
            case Call(op="pow", args=(base, Num(value=exponent))):
                return self.step(POWER, self.slot(base), number=exponent)
            case Call(op="pow", args=(base, power)):
                return self.step(RAISED, self.slot(base), self.slot(power))
            case Call(op="max" | "min" as op, args=(first, *others), prime=0):
                found = self.slot(first)
                for other in others:
                    found = self.step(LARGER if op == "max" else SMALLER, found, self.slot(other))
                return found
            case Call(op="huber_of", args=(error, Num(value=edge)), prime=0):
                return self.step(HUBER, self.slot(error), number=edge)
            case Call(op="huber_of", args=(error, edge), prime=0):  # m·(|e| - m/2) with m = min(|e|, edge)
                size = Call("abs", (error,))
                small = Call("min", (size, edge))
                return self.slot(mul(small, size - 0.5 * small))
            case Call(op="logsumexp", args=(vector,)):
                return self.step(LOG_SUM_EXP, edges=[(s, _ALONE) for s in self._entries(vector)])
            case Call(op="total", args=(inner,)):
                return self.step(SUM, edges=[(s, _ALONE) for s in self._entries(inner)])
            case Call(op="entry", args=(Call(op="softmax", args=(vector,)),), index=(k,)):
                logs = self.slot(Call("logsumexp", (vector,)))
                edges = [(self._entries(vector)[k - 1], _ALONE), (self.constant(-1.0), logs)]
                return self.step(SUM, edges=edges, function=FUNCTIONS["exp"])
            case Call(op=op, args=(inner, *settings), prime=0) if op in FUNCTIONS and len(settings) <= 1:
                return self._function(op, inner, settings)
        raise refused(f"`{PLAIN(expr)}` has no step on the tape")

    def _function(self, op: str, inner: Expr, settings: Sequence[Expr]) -> int:
        setting = settings[0] if settings else Num(0.0)
        if type(setting) is not Num:  # leaky, elu: what is above 0, and the number times what is below
            above, below = Call("max", (Num(0.0), inner)), Call("min", (inner, Num(0.0)))
            return self.slot(add(above, mul(setting, below if op == "leaky" else Call("exp", (below,)) - 1.0)))
        inside = self._formula_of(inner) if inner not in self.slots else None
        if type(inside) is Call and inside.op in ("add", "mul", "neg"):
            return self._write(inside, FUNCTIONS[op], setting.value)
        edges = [(self.slot(inner), _ALONE)]
        return self.step(SUM, edges=edges, function=FUNCTIONS[op], number=setting.value)

    def _name(self, ref: Ref) -> int:
        if ref.name == ROWS and ROWS not in self.network.nodes:
            self.holds_count = True
            return self.constant(float(self._count))
        return self.slot(self._formula_of(ref))

    def _formula_of(self, expr: Expr) -> Expr:
        """A z that has no slot of its own as its formula; anything else as it is."""
        if type(expr) is not Ref:
            return expr
        formula = self.network.nodes[expr.name].formula
        if formula is None:
            raise refused(f"`{PLAIN(expr)}` has no value")
        return self.scalar(formula, expr.index)

    def _entries(self, vector: Expr) -> list[int]:
        shape = shape_of(vector, self.network.shape_of)
        indices = [tuple(i + 1 for i in at) for at in np.ndindex(*shape)] if shape else [()]
        return [self.slot(self.scalar(vector, index)) for index in indices]

    def _terms(self, expr: Expr) -> list[Expr]:
        """The terms of a sum, those of sums inside it included where they have no slot yet."""
        if type(expr) is Call and expr.op == "add" and expr not in self.slots:
            return [term for part in expr.args for term in self._terms(part)]
        return [expr]

    def _edge(self, term: Expr) -> tuple[int, int]:
        """A term as a product of two slots, or as one alone."""
        if type(term) is Call and term.op == "neg":
            return self.constant(-1.0), self.slot(term.args[0])
        if type(term) is Call and term.op in ("mul", "hadamard"):
            *others, last = term.args
            first = self.slot(others[0]) if len(others) == 1 else self.slot(Call("mul", tuple(others)))
            return first, self.slot(last)
        return self.slot(term), _ALONE


_ALONE, _CONSTANTS = -(1 << 30), 1 << 29  # marks until the slots are numbered


def _is_function_of(user: Node, node: Node) -> bool:
    formula = user.formula
    return (
        type(formula) is Call and formula.op in FUNCTIONS and not formula.prime and formula.args[0] == Ref(node.name)
        and not any(names(a) for a in formula.args[1:])
    )  # fmt: skip


def refused(reason: str) -> UsageError:
    return UsageError(f"the tape does not take this network: {reason}", hint="the reference engine works every sheet")
