"""Any graph of operations on the compiled tape: single numbers, several rows or several networks at a time.

Very small networks, skips, products, shared weights and costs of one's own go here; below about a hundred weights it
is faster than the dense engine. The same tape with a network to a lane trains thousands of networks at once. The
tape's operations are described in `native/graph.h`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import NumberError, UsageError
from ..network.build import Problem
from ..network.derive import entry
from ..network.graph import Network, Node, Role
from ..network.shapes import shape_of
from ..notation.expr import Call, Expr, Num, Ref, names
from ..notation.text import PLAIN
from ..ops.updates import RULES
from .compiled import ACTIVATIONS, SLICE, cores, instruction_sets, library
from .compiled import RULES as RULE_NUMBERS
from .dense import Matrix, Progress
from .reference import Array, starting_values
from .training import settings_of

SUM, QUOTIENT, POWER, LARGER, SMALLER, LOG_SUM_EXP, SQUARED, HUBER = range(8)
FUNCTIONS = {"exp": 100, "log": 101, "sqrt": 102, "abs": 103, **{name: i for i, name in enumerate(ACTIVATIONS[:-1])}}
LINEAR = FUNCTIONS["linear"]
MOST_STEPS = 200_000
_STEP = np.dtype([(name, "i4") for name in ("operation", "out", "a", "b", "first", "end", "function")] + [("_", "i4")]
                 + [("number", "f8")])  # fmt: skip
_EDGE = np.dtype([("x", "i4"), ("y", "i4")])


class _Steps:
    """Writes a network as steps on slots; a formula that was written already is looked up."""

    def __init__(self, network: Network) -> None:
        self.network = network
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
                    at = tuple(i - 1 for i in ref.index)
                    self.slots[ref] = self.constant(float(node.value[at]))
        hidden = self._fused()
        for node in network.equations:
            if node.name in hidden:
                continue
            for ref in node.entries():
                assert node.formula is not None
                self.slots[ref] = self.slot(self.scalar(node.formula, ref.index))
        assert network.cost is not None
        own = self.slot(self.scalar(network.cost.own, ()))
        if own != -len(self.steps):
            self.step(SUM, edges=[(own, _ALONE)])

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
            raise _no(f"it has more than {MOST_STEPS:,} operations")
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
            case Call(op="max" | "min" as op, args=(first, *others), prime=0):
                found = self.slot(first)
                for other in others:
                    found = self.step(LARGER if op == "max" else SMALLER, found, self.slot(other))
                return found
            case Call(op="huber_of", args=(error, Num(value=edge)), prime=0):
                return self.step(HUBER, self.slot(error), number=edge)
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
        raise _no(f"`{PLAIN(expr)}` has no step on the tape")

    def _function(self, op: str, inner: Expr, settings: Sequence[Expr]) -> int:
        setting = settings[0] if settings else Num(0.0)
        if type(setting) is not Num:
            raise _no(f"the number of `{op}` is no constant")
        inside = self._formula_of(inner) if inner not in self.slots else None
        if type(inside) is Call and inside.op in ("add", "mul", "neg"):
            return self._write(inside, FUNCTIONS[op], setting.value)
        edges = [(self.slot(inner), _ALONE)]
        return self.step(SUM, edges=edges, function=FUNCTIONS[op], number=setting.value)

    def _name(self, ref: Ref) -> int:
        return self.slot(self._formula_of(ref))

    def _formula_of(self, expr: Expr) -> Expr:
        """A z that has no slot of its own as its formula; anything else as it is."""
        if type(expr) is not Ref:
            return expr
        formula = self.network.nodes[expr.name].formula
        if formula is None:
            raise _no(f"`{PLAIN(expr)}` has no value")
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


def _no(reason: str) -> UsageError:
    return UsageError(f"the tape does not take this network: {reason}", hint="the reference engine works every sheet")


class GraphNet:
    """One network, or many of one graph, on the compiled tape.

    Args:
        problem: the sheet's network, data and plan; its mode is taken as `batch`.
        networks: how many; each with its own parameters, all beginning with the sheet's.
        dtype, threads, instruction_set: as for `CompiledNet`.
    Raises:
        UsageError: no library, or a network with something that the tape has no step for.
    """

    def __init__(
        self, problem: Problem, networks: int = 1, dtype: str = "float32", threads: int | None = None,
        instruction_set: str | None = None,
    ) -> None:  # fmt: skip
        network, found = problem.network, library()
        if found is None:
            raise UsageError("the compiled engine is not here", hint="pip install --force-reinstall backhand")
        if network.cost is None:
            raise _no("it has no cost")
        if network.cost.penalty is not None:
            raise _no("its cost has a penalty")
        self.problem, self.plan, self.network = problem, problem.plan, network
        self.dtype, self.threads, self.networks = np.dtype(dtype), threads or cores(), networks
        self.instruction_set = instruction_set or instruction_sets()[0]
        self._library, written = found, _Steps(network)
        self.parameters_in_order = written.parameters
        self._number(written)
        self._data = self._rows(problem, written.columns)
        self._letters = [np.zeros((len(written.parameters), networks), self.dtype) for _ in RULES[self.plan.rule].state]
        self.count, self.cost = 0, np.zeros(networks, self.dtype)
        self.put(starting_values(network))

    def _number(self, written: _Steps) -> None:
        """Gives every slot its number: parameters, columns, constants, steps."""
        before = len(written.parameters) + len(written.columns)
        first = before + len(written.constants)

        def slot(mark: int) -> int:
            if mark == _ALONE:
                return -1
            if mark >= _CONSTANTS:
                return before + mark - _CONSTANTS
            return first - 1 - mark if mark < 0 else mark

        self._steps = np.zeros(len(written.steps), _STEP)
        needed = np.zeros(first + len(written.steps), np.uint8)
        needed[: len(written.parameters)] = 1
        self._edges = np.array([(slot(x), slot(y)) for x, y in written.edges] or [(0, 0)], _EDGE)
        for k, step in enumerate(written.steps):
            a, b = slot(step["a"]), slot(step["b"])
            edges = self._edges[step["first"] : step["end"]]
            used = [a] if step["operation"] in (POWER, HUBER) else [a, b]
            if step["operation"] in (SUM, LOG_SUM_EXP):
                used = [int(s) for pair in edges for s in (pair["x"], pair["y"]) if s >= 0]
            needed[first + k] = any(needed[s] for s in used)
            self._steps[k] = (step["operation"], first + k, a, b, step["first"], step["end"], step["function"], 0,
                              step["number"])  # fmt: skip
        self._needed, self._constants = needed, np.array(list(written.constants) or [0.0])
        self._counts = np.array([len(written.parameters), len(written.columns), len(written.constants),
                                 len(written.steps), len(written.edges)], np.int32)  # fmt: skip

    def _rows(self, problem: Problem, columns: Sequence[Ref]) -> Matrix:
        if problem.table is None:
            if columns:
                raise _no("it has no data")
            return np.zeros((1, 0), self.dtype)
        found = []
        for ref in columns:
            at: tuple[slice | int, ...] = (slice(None), *(i - 1 for i in ref.index))
            found.append(problem.table.columns[ref.name][at])
        return np.ascontiguousarray(np.stack(found, axis=1) if found else np.zeros((problem.table.rows, 0)), self.dtype)

    def put(self, parameters: Mapping[str, Array]) -> None:
        """Sets the parameters of all networks; the state of the rule begins anew."""
        values = [parameters[r.name][tuple(i - 1 for i in r.index)] for r in self.parameters_in_order]
        self.parameters = np.repeat(np.array(values, self.dtype)[:, None], self.networks, axis=1)
        self.count = 0
        for letter in self._letters:
            letter[...] = 0

    def get(self, network: int = 0) -> dict[str, Array]:
        """The parameters of one network, by name."""
        return self._named(self.parameters[:, network])

    def _named(self, values: Matrix) -> dict[str, Array]:
        found = {p.name: np.zeros(p.shape) for p in self.network.parameters}
        for ref, value in zip(self.parameters_in_order, values, strict=True):
            found[ref.name][tuple(i - 1 for i in ref.index)] = value
        return found

    def train(self, steps: int, progress: Progress | None = None) -> Matrix:
        """Full-batch steps; gives each network's cost before the last of them.

        Raises:
            NumberError: no network's cost is finite any more.
        """
        done, size = 0, 64
        while done < steps:
            size = min(size, steps - done)
            began = time.monotonic()
            self._work(size, None)
            done, took = done + size, time.monotonic() - began
            self.count += size
            size = max(1, size * 2 if took < SLICE / 2 else int(size * SLICE / took) if took > SLICE else size)
            if not np.isfinite(self.cost).any():
                raise NumberError(
                    f"the cost is {self.cost[0]} after {done:,} steps", hint="a smaller rate, or scaled inputs"
                )
            if progress:
                progress(done, steps, float(np.nanmean(self.cost)))
        return self.cost

    def gradients(self, network: int = 0) -> dict[str, Array]:
        """∂C/∂(every parameter) of one network, by name."""
        found = np.zeros_like(self.parameters)
        self._work(1, found)
        return self._named(found[:, network])

    def _work(self, steps: int, gradients: Matrix | None) -> None:
        numbers = np.zeros(4)
        given = list(settings_of(self.plan).values())
        numbers[: len(given)] = given
        letters = [letter.ctypes.data for letter in self._letters] + [None, None]
        assert self.network.cost is not None
        failed = self._library.backhand_graph(
            self.dtype.itemsize, self.instruction_set.encode(), self._counts.ctypes.data, self._constants.ctypes.data,
            self._steps.ctypes.data, self._edges.ctypes.data, self._needed.ctypes.data, self._data.ctypes.data,
            len(self._data), self.network.cost.mean, RULE_NUMBERS.index(self.plan.rule), self.plan.rate or 0.0,
            numbers.ctypes.data, self.count, steps, self.networks, self.threads, self.parameters.ctypes.data,
            letters[0], letters[1], self.cost.ctypes.data, gradients.ctypes.data if gradients is not None else None,
        )  # fmt: skip
        if failed:
            raise MemoryError("no room for the tape") if failed == -1 else UsageError("no such instruction set")
