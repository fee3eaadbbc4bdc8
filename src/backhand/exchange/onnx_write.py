"""A sheet's network as an ONNX file: forward, in float32, a row per example, under the sheet's own names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import UsageError
from ..network.build import Problem
from ..network.graph import Network, Role
from ..notation.expr import Arr, Call, Expr, Num, Ref, names
from ..notation.text import PLAIN
from .onnx_read import the_onnx

OPSET, IR = 17, 10  # what current runtimes load
ELEMENTWISE = {"add": "Add", "mul": "Mul", "hadamard": "Mul", "div": "Div", "pow": "Pow", "max": "Max", "min": "Min"}
PLAIN_FUNCTIONS = {
    "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "selu": "Selu", "softplus": "Softplus", "exp": "Exp",
    "log": "Log", "sqrt": "Sqrt", "abs": "Abs", "linear": "Identity", "neg": "Neg",
}  # fmt: skip


def to_onnx(problem: Problem) -> bytes:
    """The file: inputs and outputs are rows × numbers, called as in the sheet.

    Raises:
        UsageError: a sheet in letters, or an operation that ONNX has no form for, by name.
    """
    network = problem.network
    if network.in_letters:
        raise UsageError("the sheet is in letters: a model needs values", hint="give the parameters values")
    return _Graph(network).written()


class _Graph:
    """Every quantity of a row is a column block [rows, k]; a parameter has no rows."""

    def __init__(self, network: Network) -> None:
        self.onnx, self.network = the_onnx(), network
        self.nodes: list[Any] = []
        self.weights: dict[str, np.ndarray] = {}
        self.known_places: set[str] = set()
        self.count = 0
        self.node = ""

    def written(self) -> bytes:
        helper, real = self.onnx.helper, self.onnx.TensorProto.FLOAT
        needed = self.needed()
        for node in (n for n in self.network.equations if n.name in needed):
            assert node.formula is not None
            self.node = node.name
            if self.fixed(node.formula) is not None:
                raise self.refusal(node.formula)
            made = self.value(node.formula)
            self.add("Identity", [made], node.name)

        def told(node: Any) -> Any:
            return helper.make_tensor_value_info(node.name, real, ["rows", math.prod(node.shape)])

        outputs = [told(node) for node in self.network.outputs]
        inputs = [told(node) for node in self.network.inputs]
        array = self.onnx.numpy_helper.from_array
        kept = [array(value.astype(np.float32), name) for name, value in self.weights.items()]
        graph = helper.make_graph(self.nodes, self.network.title or "network", inputs, outputs, kept)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
        model.producer_name = "backhand"
        self.onnx.checker.check_model(model)
        return bytes(model.SerializeToString())

    def needed(self) -> set[str]:
        """What the results are made of: not what brings targets to another scale, or belongs to the cost."""
        found: set[str] = set()
        waiting = [node.name for node in self.network.outputs]
        while waiting:
            name = waiting.pop()
            formula = self.network.nodes[name].formula
            if name not in found and formula is not None:
                waiting += [one for one in names(formula) if one in self.network.nodes]
            found.add(name)
        targets = [name for name in found if self.network.nodes[name].role is Role.TARGET]
        if targets:
            raise UsageError(f"the results take the target `{targets[0]}`", expected="results of inputs and parameters")
        return found

    def add(self, kind: str, given: list[str], made: str = "", **settings: Any) -> str:
        if not made:
            self.count += 1
            made = f"{self.node}/{self.count}"
        self.nodes.append(self.onnx.helper.make_node(kind, given, [made], name=f"{made}/{kind}", **settings))
        return made

    def weight(self, value: np.ndarray, name: str = "") -> str:
        if not name:
            self.count += 1
            name = f"{self.node}/number {self.count}"
        self.weights.setdefault(name, np.atleast_1d(value))
        return name

    def fixed(self, expr: Expr) -> np.ndarray | None:
        """The value of what no row changes: a number, a parameter, or an entry of one."""
        if type(expr) is Num:
            return np.asarray(expr.value)
        if type(expr) is Arr:
            return expr.value
        if type(expr) is Ref and expr.name in self.network.nodes:
            node = self.network.nodes[expr.name]
            if node.role in (Role.PARAMETER, Role.CONST):
                return np.asarray(np.asarray(node.value)[expr.place])
        if type(expr) is Call and expr.op == "transpose":
            inner = self.fixed(expr.args[0])
            return inner.T if inner is not None else None
        if type(expr) is Call and expr.op == "stack":
            parts = [self.fixed(arg) for arg in expr.args]
            return np.array(parts) if all(part is not None for part in parts) else None
        return None

    def value(self, expr: Expr) -> str:
        known = self.fixed(expr)
        if known is not None:
            if known.ndim > 1:
                raise self.refusal(expr)
            return self.weight(known, PLAIN(expr) if type(expr) is Ref else "")
        if type(expr) is Ref:
            if not expr.index:
                return expr.name
            return self.add("Gather", [expr.name, self.places(expr.index[0] - 1)], axis=1)
        if type(expr) is not Call or expr.prime:
            raise self.refusal(expr)
        return self.called(expr)

    def places(self, place: int) -> str:
        """A place, or an axis, as a constant of whole numbers."""
        name = f"place {place}"
        if name not in self.known_places:
            self.known_places.add(name)
            value = self.onnx.numpy_helper.from_array(np.array([place], np.int64))
            self.nodes.append(self.onnx.helper.make_node("Constant", [], [name], value=value))
        return name

    def called(self, expr: Call) -> str:
        op, args = expr.op, expr.args
        if op == "matmul":
            return self.product(expr)
        if op in ELEMENTWISE:
            made = self.value(args[0])
            for arg in args[1:]:
                made = self.add(ELEMENTWISE[op], [made, self.value(arg)])
            return made
        if op in PLAIN_FUNCTIONS:
            return self.add(PLAIN_FUNCTIONS[op], [self.value(args[0])])
        if op in ("leaky", "elu"):
            setting = self.fixed(args[1])
            if setting is not None:
                kind = "LeakyRelu" if op == "leaky" else "Elu"
                return self.add(kind, [self.value(args[0])], alpha=float(setting))
        if op == "softmax":
            return self.add("Softmax", [self.value(args[0])], axis=1)
        if op == "silu":
            inner = self.value(args[0])
            return self.add("Mul", [inner, self.add("Sigmoid", [inner])])
        if op == "gelu":
            inner = self.value(args[0])
            erf = self.add("Erf", [self.add("Mul", [inner, self.weight(np.asarray(math.sqrt(0.5)))])])
            half = self.add("Mul", [inner, self.weight(np.asarray(0.5))])
            return self.add("Mul", [half, self.add("Add", [erf, self.weight(np.asarray(1.0))])])
        if op == "stack":
            return self.add("Concat", [self.rowwise(arg) for arg in args], axis=1)
        if op == "entry" and len(expr.index) == 1:
            return self.add("Gather", [self.value(args[0]), self.places(expr.index[0] - 1)], axis=1)
        if op == "total":
            return self.total(self.value(args[0]))
        raise self.refusal(expr)

    def rowwise(self, expr: Expr) -> str:
        """An entry of a list; a parameter among them has no rows, and would need some."""
        if self.fixed(expr) is not None:
            raise self.refusal(expr)
        return self.value(expr)

    def total(self, name: str) -> str:
        return self.add("ReduceSum", [name, self.places(1)], keepdims=1)

    def product(self, expr: Call) -> str:
        left, right = (self.fixed(arg) for arg in expr.args)
        if left is not None and right is None and left.ndim == 2:
            name = f"{PLAIN(expr.args[0])}, transposed"
            return self.add("MatMul", [self.value(expr.args[1]), self.weight(left.T, name)])
        if (left is None or left.ndim == 1) and (right is None or right.ndim == 1):
            return self.total(self.add("Mul", [self.value(arg) for arg in expr.args]))
        raise self.refusal(expr)

    def refusal(self, expr: Expr) -> UsageError:
        return UsageError(
            f"`{PLAIN(expr)[:60]}` in `{self.node}` has no form in ONNX here",
            expected="W @ x + b, activations, sums and products",
        )
