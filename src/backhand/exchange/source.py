"""A sheet as source that a person can read and run: NumPy forward and backward, or JAX and PyTorch, whose own gradients
are then taken."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

import numpy as np

from ..engine.program import Program, Received
from ..errors import UsageError
from ..explain.views import passed_back
from ..network.build import Problem
from ..network.graph import Node
from ..network.shapes import Shape, shape_of
from ..notation.expr import Arr, Call, Expr, Num, Partial, Ref, names
from ..notation.numbers import FULL
from ..notation.text import PLAIN, without_sign
from ..ops.vocabulary import VOCABULARY

SUM, PRODUCT, SIGN, POWER, ATOM = range(5)
LIBRARIES = {"numpy": "np", "jax": "jnp", "torch": "torch"}
IMPORTS = {
    "numpy": "import numpy as np",
    "jax": 'import jax\nimport jax.numpy as jnp\n\njax.config.update("jax_enable_x64", True)',
    "torch": "import torch",
}
_COMPARE = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_ELEMENTWISE = {"exp": "exp", "log": "log", "sqrt": "sqrt", "abs": "abs", "tanh": "tanh"}
_HELPERS = {
    "softmax": "grown = {xp}.exp(z - {xp}.max(z))\n    return grown / {xp}.sum(grown)",
    "logsumexp": "most = {xp}.max(z)\n    return most + {xp}.log({xp}.sum({xp}.exp(z - most)))",
}
_NORMAL = {
    "numpy": "from math import erf\n\nnormal_cdf = np.vectorize(lambda x: 0.5 * (1 + erf(x / 2**0.5)))",
    "jax": "normal_cdf = jax.scipy.stats.norm.cdf",
    "torch": "normal_cdf = torch.special.ndtr",
}


@dataclass
class _Writer:
    """Prints formulas in the words of a library, and keeps what functions they take."""

    problem: Problem
    library: str
    names: dict[str, str] = field(default_factory=dict)
    helpers: dict[str, str] = field(default_factory=dict)

    @property
    def xp(self) -> str:
        return LIBRARIES[self.library]

    def ident(self, name: str) -> str:
        """A name of the sheet as one of Python's."""
        if name not in self.names:
            plain = re.sub(r"\W+", "_", name).strip("_") or "x"
            plain = f"v_{plain}" if not plain.isidentifier() or plain in _TAKEN or keyword.iskeyword(plain) else plain
            taken = set(self.names.values())
            tried = chain([plain], (f"{plain}_{k}" for k in count(2)))
            self.names[name] = next(one for one in tried if one not in taken)
        return self.names[name]

    def partial(self, name: str) -> str:
        return self.ident(f"dL_d{name}")

    def shape(self, expr: Expr) -> Shape:
        return shape_of(expr, self.problem.network.shape_of)

    def __call__(self, expr: Expr, least: int = SUM) -> str:
        text, level = self.printed(expr)
        return f"({text})" if level < least else text

    def printed(self, expr: Expr) -> tuple[str, int]:
        match expr:
            case Num(value=value):
                text = FULL.text(value)
                return text, SIGN if text.startswith("-") else ATOM
            case Arr(value=value):
                return self.array(value), ATOM
            case Ref(name=name, index=index):
                return self.ident(name) + "".join(f"[{i - 1}]" for i in index), ATOM
            case Partial(by=by):
                return self.partial(by.name) + "".join(f"[{i - 1}]" for i in by.index), ATOM
            case Call():
                return self.called(expr)
        raise TypeError(f"no source for {expr!r}")

    def array(self, value: np.ndarray) -> str:
        made = {"numpy": "np.array", "jax": "jnp.array", "torch": "torch.tensor"}[self.library]
        kind = ", dtype=torch.float64" if self.library == "torch" else ""
        return f"{made}({_listed(value)}{kind})"

    def called(self, expr: Call) -> tuple[str, int]:
        op, args, xp = expr.op, expr.args, self.xp
        if expr.prime:
            return f"{self.slope(op, expr.prime)}({', '.join(map(self, args))})", ATOM
        if op == "add":
            text = self(args[0])
            for term in args[1:]:
                positive = without_sign(term)
                text += f" - {self(positive, PRODUCT)}" if positive is not None else f" + {self(term, PRODUCT)}"
            return text, SUM
        if op == "neg":
            return f"-{self(args[0], PRODUCT)}", SIGN
        if op in ("mul", "hadamard"):
            return " * ".join(self(arg, PRODUCT if k == 0 else SIGN) for k, arg in enumerate(args)), PRODUCT
        if op == "div":
            return f"{self(args[0], PRODUCT)} / {self(args[1], SIGN)}", PRODUCT
        if op == "pow":
            return f"{self(args[0], ATOM)} ** {self(args[1], ATOM)}", POWER
        if op == "matmul":
            left, right = (self(arg, SIGN) for arg in args)
            return f"{left} @ {right if self.shape(args[1]) else self.vector(args[1])}", PRODUCT
        if op == "outer":
            left, right = (self(arg) if self.shape(arg) else self.vector(arg) for arg in args)
            return f"{xp}.outer({left}, {right})", ATOM
        if op == "transpose":
            return f"{self(args[0], ATOM)}.T", ATOM
        if op == "entry":
            return self(args[0], ATOM) + "".join(f"[{i - 1}]" for i in expr.index), ATOM
        if op == "stack":
            inner = ", ".join(map(self.wrapped, args))
            return (f"torch.stack([{inner}])" if self.library == "torch" else f"{xp}.array([{inner}])"), ATOM
        if op == "total":
            return f"{xp}.sum({self(args[0])})", ATOM
        if op in _COMPARE:
            return f"{self(args[0], PRODUCT)} {_COMPARE[op]} {self(args[1], PRODUCT)}", SUM
        if op == "cases":
            *pairs, text = map(self, args)
            for value, test in reversed(list(zip(pairs[::2], pairs[1::2], strict=True))):
                text = f"{xp}.where({test}, {value}, {text})"
            return text, ATOM
        if op in ("max", "min"):
            return f"{xp}.{op}imum({', '.join(map(self.wrapped, args))})", ATOM
        if op == "linear":
            return self.printed(args[0])
        return f"{self.function(op)}({', '.join(map(self, args))})", ATOM

    def wrapped(self, expr: Expr) -> str:
        """A number as PyTorch's functions of two take it."""
        alone = self.library == "torch" and type(expr) is Num
        return f"torch.tensor({self(expr)}, dtype=torch.float64)" if alone else self(expr)

    def vector(self, expr: Expr) -> str:
        """A single number as a vector of one."""
        kind = "torch.atleast_1d" if self.library == "torch" else f"{self.xp}.atleast_1d"
        return f"{kind}({self.wrapped(expr)})"

    def function(self, op: str) -> str:
        """The function's name; its definition goes before, where the library has none."""
        if op in _ELEMENTWISE:
            return f"{self.xp}.{_ELEMENTWISE[op]}"
        if op in self.helpers:
            return op
        if op == "normal_cdf":
            self.helpers[op] = _NORMAL[self.library]
            return op
        if op in _HELPERS:
            self.helpers[op] = f"def {op}(z):\n    {_HELPERS[op].format(xp=self.xp)}"
            return op
        entry = VOCABULARY.get(op)
        if entry is None or entry.formula is None:
            raise UsageError(f"`{op}` has no form as source here", expected="the functions of the sheet language")
        self.define(op, entry.letters, entry.formula)
        return op

    def slope(self, op: str, k: int) -> str:
        name = f"{op}_slope" if k == 1 else f"{op}_slope_{k}"
        entry = VOCABULARY.get(op)
        if entry is None or len(entry.derivative) < k:
            raise UsageError(f"the derivative of `{op}` has no form as source here")
        if name not in self.helpers:
            self.define(name, entry.letters, entry.derivative[k - 1])
        return name

    def define(self, name: str, letters: tuple[str, ...], formula: Expr) -> None:
        """A function by its formula in letters: that which is printed for people."""
        inner = _Writer(self.problem, self.library, {"π": f"{self.xp}.pi"} | {x: x for x in letters}, self.helpers)
        body = inner(formula)
        self.helpers[name] = f"def {name}({', '.join(letters)}):\n    return {body}"


_TAKEN = {
    "np", "jnp", "jax", "torch", "erf", "p", "row", "rows", "v", "forward", "own_cost", "backward", "gradients", "step",
    "cost", "found", "total", "slopes", "asked", "ROWS", "PARAMETERS", "RATE", "normal_cdf", *VOCABULARY,
}  # fmt: skip
MOST = 20_000  # numbers that stand in a source


def _listed(value: Any) -> str:
    array = np.asarray(value)
    return FULL.text(float(array)) if array.ndim == 0 else "[" + ", ".join(map(_listed, array)) + "]"


def to_source(problem: Problem, library: str) -> str:
    """The source: what is given, forward, the cost, backward (or the library's own gradients), and a step.

    Args:
        library: numpy, jax or torch.
    Raises:
        UsageError: a sheet in letters, or what has no form as source, by name.
    """
    network = problem.network
    if network.in_letters:
        raise UsageError("the sheet is in letters: source needs values", hint="give the parameters values")
    if network.parameter_count > MOST:
        said = f"the network has {network.parameter_count:,} numbers"
        raise UsageError(said, expected=f"{MOST:,} at most in a source", hint="-o net.onnx")
    writer = _Writer(problem, library)
    for node in network.nodes.values():
        writer.ident(node.name)
    forward = _forward(writer)
    parts = [f"def forward(p, row):\n{forward}"]
    if network.cost is not None:
        parts += [_own_cost(writer), *(_by_hand(writer) if library == "numpy" else _by_library(writer))]
    helpers = list(writer.helpers.values())
    gradient = "backward" if library == "numpy" else "its gradients by the library"
    title = (network.title or "A network").replace('"""', "'''").replace("\\", "/")
    head = f'"""{title}: forward, cost and {gradient}, a row at a time. Written by Backhand."""'
    return "\n\n\n".join([f"{head}\n\n{IMPORTS[library]}\n\n{_given(writer)}", *helpers, *parts, _main(writer)]) + "\n"


def _given(writer: _Writer) -> str:
    """Parameters, rows and the rate as they stand in the sheet."""
    problem = writer.problem
    network, table = problem.network, problem.table

    def one(value: Any) -> str:
        return writer.array(np.asarray(value)) if np.ndim(value) or writer.library == "torch" else _listed(value)

    parameters = [f'    "{writer.ident(n.name)}": {one(n.value)},' for n in network.parameters]
    lines = ["PARAMETERS = {", *parameters, "}"]
    for node in network.nodes.values():
        if node.role.value == "const":
            lines.append(f"{writer.ident(node.name)} = {one(node.value)}")
    given = [*network.inputs, *network.targets]
    if table is not None:
        lines.append("ROWS = [")
        for i in range(table.rows):
            cells = ", ".join(f'"{writer.ident(n.name)}": {one(table.columns[n.name][i])}' for n in given)
            lines.append(f"    {{{cells}}},")
        lines.append("]")
    else:
        lines.append("ROWS = []")
    if problem.plan.rate is not None:
        lines.append(f"RATE = {FULL.text(problem.plan.rate)}")
    return "\n".join(lines)


def _unpacked(writer: _Writer, nodes: Iterable[Node], held: Iterable[str], source: str) -> list[str]:
    """Names taken out of a mapping, those that are used, some in a line."""
    used = set(held)
    names = [writer.ident(node.name) for node in nodes if node.name in used]
    groups = [names[at : at + 6] for at in range(0, len(names), 6)]
    return [f"    {', '.join(g)} = {', '.join(f'{source}[{name!r}]' for name in g)}".replace("'", '"') for g in groups]


def _returned(made: Mapping[str, str]) -> list[str]:
    """A mapping given back, a line for some of its entries."""
    entries = [f'"{name}": {value},' for name, value in made.items()]
    groups = [" ".join(entries[at : at + 4]) for at in range(0, len(entries), 4)]
    return ["    return {", *(f"        {group}" for group in groups), "    }"]


def _forward(writer: _Writer) -> str:
    network = writer.problem.network
    used = {name for node in network.equations if node.formula is not None for name in names(node.formula)}
    lines = ['    """Every value of a row, by name."""', *_unpacked(writer, network.parameters, used, "p")]
    lines += _unpacked(writer, [*network.inputs, *network.targets], used, "row")
    for node in network.equations:
        assert node.formula is not None
        name = writer.ident(node.name)
        told = "" if name == node.name else f"  # {PLAIN(Ref(node.name))}"
        lines.append(f"    {name} = {writer(node.formula)}{told}")
    return "\n".join([*lines, *_returned({name: name for name in (writer.ident(n.name) for n in network.equations)})])


def _own_cost(writer: _Writer) -> str:
    network = writer.problem.network
    assert network.cost is not None
    held = names(network.cost.own)
    lines = ["def own_cost(p, row, v):", f'    """L = {PLAIN(network.cost.own)}, of one row."""']
    lines += _unpacked(writer, network.parameters, held, "p")
    lines += _unpacked(writer, [*network.inputs, *network.targets], held, "row")
    lines += _unpacked(writer, network.equations, held, "v")
    text = writer(network.cost.own)
    alone = f"({text})[0]" if writer.shape(network.cost.own) else text  # a cost is a number, not a list of one
    return "\n".join([*lines, f"    return {alone}"])


def _by_hand(writer: _Writer) -> list[str]:
    """Backward in the formulas that Backhand prints, and the gradient of the whole cost."""
    network = writer.problem.network
    program = Program(network, rows=2)
    nodes = [*(node for node in passed_back(program) if node.is_equation), *network.parameters]
    received = {node.name: program.received.get(node.name) for node in nodes}
    held = {
        name
        for found in received.values()
        if found is not None
        for share in (found.whole, *found.entries.values())
        if share is not None
        for name in names(share)
    }
    lines = ["def backward(p, row, v):", '    """Every partial of a row\'s own cost L, last first: dL_dz is ∂L/∂z."""']
    lines += _unpacked(writer, network.parameters, held, "p")
    lines += _unpacked(writer, [*network.inputs, *network.targets], held, "row")
    lines += _unpacked(writer, network.equations, held, "v")
    for node in nodes:
        lines += _partial(writer, node, received[node.name])
    lines += _returned({writer.ident(n.name): writer.partial(n.name) for n in network.parameters})
    cost = network.cost
    assert cost is not None
    told = f'    """∂{cost.name}/∂(every parameter): {_reduced(cost.mean)} over the rows."""'
    total = ["def gradients(p, rows):", told]
    total += ["    found = [backward(p, row, forward(p, row)) for row in rows]"]
    share = " / len(rows)" if cost.mean else ""
    total.append(f"    total = {{name: sum(one[name] for one in found){share} for name in p}}")
    if program.penalty:
        assert cost.penalty is not None
        total += _unpacked(writer, network.parameters, names(cost.penalty), "p")
        for node in network.parameters:
            if node.name in program.penalty:
                total += _partial(writer, node, program.penalty[node.name])
                name, share = writer.ident(node.name), writer.partial(node.name)
                total.append(f'    total["{name}"] = total["{name}"] + {share}  # of the penalty, once')
    return ["\n".join(lines), "\n".join([*total, "    return total"])]


def _partial(writer: _Writer, node: Node, received: Received | None) -> list[str]:
    name = writer.partial(node.name)
    zeros = f"np.zeros({node.shape})" if node.shape else "0.0"
    if received is None:
        return [f"    {name} = {zeros}"]
    whole = received.whole
    text = writer(whole) if whole is not None else zeros
    if whole is not None and node.shape and writer.shape(whole) != node.shape:
        text = f"{text} * np.ones({node.shape})"
    if not received.entries:
        return [f"    {name} = {text}"]
    lines = [f"    {name} = {zeros} + {text}" if whole is not None else f"    {name} = {zeros}"]
    for index, share in received.entries.items():
        place = ", ".join(str(i - 1) for i in index)
        lines.append(f"    {name}[{place}] += {writer(share)}")
    return lines


def _by_library(writer: _Writer) -> list[str]:
    cost = writer.problem.network.cost
    assert cost is not None
    share = " / len(rows)" if cost.mean else ""
    lines = ["def cost(p, rows):", f'    """{cost.name}: {_reduced(cost.mean)} over the rows."""']
    if cost.penalty is not None:
        lines += _unpacked(writer, writer.problem.network.parameters, names(cost.penalty), "p")
    added = f" + {writer(cost.penalty, PRODUCT)}" if cost.penalty is not None else ""
    lines.append(f"    return sum(own_cost(p, row, forward(p, row)) for row in rows){share}{added}")
    if writer.library == "jax":
        return ["\n".join(lines), "gradients = jax.grad(cost)"]
    own = [
        "def gradients(p, rows):",
        "    asked = {name: value.clone().requires_grad_() for name, value in p.items()}",
        "    found = torch.autograd.grad(cost(asked, rows), list(asked.values()), allow_unused=True)",
        "    return {n: torch.zeros_like(p[n]) if g is None else g for n, g in zip(asked, found)}",
    ]
    return ["\n".join(lines), "\n".join(own)]


def _reduced(mean: bool) -> str:
    return "the mean" if mean else "the sum"


def _main(writer: _Writer) -> str:
    network, plan = writer.problem.network, writer.problem.plan
    lines = ['if __name__ == "__main__":', "    for row in ROWS:", "        print(forward(PARAMETERS, row))"]
    if network.cost is not None:
        lines.append("    for name, value in gradients(PARAMETERS, ROWS).items():")
        lines.append(f'        print("∂{network.cost.name}/∂" + name, value)')
    main = "\n".join(lines)
    if network.cost is None or plan.rate is None or plan.rule != "sgd":
        return main
    step = (
        'def step(p, rows):\n    """All parameters one step down, each at the old weights."""\n'
        "    slopes = gradients(p, rows)\n    return {name: value - RATE * slopes[name] for name, value in p.items()}"
    )
    return f"{step}\n\n\n{main}"
