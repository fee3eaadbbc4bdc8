"""A second reading of sheets, for tests: from the text to sympy. Nothing of Backhand is imported here.

Vectors and matrices become nested lists of single expressions. sympy differentiates every equation, and a
change of one number is carried forward through them, from the inputs to the cost: no back-propagation here.
The kinks are written with one function J (1 above 0, else 0, its derivative 0), which says the conventions:
relu(x) = x·J(x), so relu'(0) = 0.
"""

import math
import re
from dataclasses import dataclass, field
from functools import cached_property

import sympy

NAME = r"[^\W\d](?:(?![²³])\w)*"
NUMBER = r"\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+"
TOKEN = re.compile(rf"\s*(?:{NUMBER}|{NAME}|\*\*|[-+−*·×/@^()\[\],²³])")


class NearKink(ArithmeticError):
    """An argument so near a kink that rounding decides the side."""


class J(sympy.Function):
    """1 above 0, else 0."""

    nargs = 1

    def fdiff(self, argindex=1):
        return sympy.Integer(0)


# --- functions of numbers, from the books -----------------------------------------------------------------


def sigmoid(x):
    return 1 / (1 + sympy.exp(-x))


def size(x):
    return x * (J(x) - J(-x))


def elu(x, a):
    return x * J(x) + a * (sympy.exp(x) - 1) * (1 - J(x))


def larger(*values):
    best = values[0]
    for other in values[1:]:
        best = best + (other - best) * J(other - best)
    return best


def smaller(*values):
    best = values[0]
    for other in values[1:]:
        best = best + (other - best) * J(best - other)
    return best


def huber(e, d):
    outside = J(size(e) - d)
    return (1 - outside) * e**2 / 2 + outside * d * (size(e) - d / 2)


FUNCTIONS = {
    "sigmoid": sigmoid,
    "σ": sigmoid,
    "relu": lambda x: x * J(x),
    "leaky": lambda x, a: x * J(x) + a * x * (1 - J(x)),
    "elu": elu,
    "selu": lambda x: sympy.Float("1.0507009873554805", 30) * elu(x, sympy.Float("1.6732632423543772", 30)),
    "gelu": lambda x: x * (1 + sympy.erf(x / sympy.sqrt(2))) / 2,
    "silu": lambda x: x * sigmoid(x),
    "tanh": lambda x: (1 - sympy.exp(-2 * x)) / (1 + sympy.exp(-2 * x)),
    "softplus": lambda x: sympy.log(1 + sympy.exp(x)),
    "step": J,
    "linear": lambda x: x,
    "exp": sympy.exp,
    "log": sympy.log,
    "sqrt": sympy.sqrt,
    "abs": size,
    "max": larger,
    "min": smaller,
}
ACTIVATIONS = {
    "sigmoid", "σ", "relu", "leaky", "elu", "selu", "gelu", "silu", "tanh", "softplus", "step", "linear",
    "softmax",
}  # fmt: skip


def each(function, *args):
    """Entry by entry; a number goes with every entry."""
    lists = [a for a in args if isinstance(a, list)]
    if not lists:
        return function(*args)
    rows = range(len(lists[0]))
    assert all(len(a) == len(lists[0]) for a in lists), "lists of unequal length"
    return [each(function, *(a[i] if isinstance(a, list) else a for a in args)) for i in rows]


def flat(value):
    """All entries, row by row."""
    return [e for part in value for e in flat(part)] if isinstance(value, list) else [value]


def pairs(left, right):
    return (left, right), (right, left)


def depth(value):
    return 1 + depth(value[0]) if isinstance(value, list) else 0


def product(left, right):
    """The matrix product by its definition; a number on the right is a vector of one."""
    right = right if isinstance(right, list) else [right]
    if depth(left) == 2:
        return [product(row, right) for row in left]
    assert len(left) == len(right), "unequal lengths at @"
    if depth(right) == 2:
        return [product(left, [row[j] for row in right]) for j in range(len(right[0]))]
    return sum((a * b for a, b in zip(left, right, strict=True)), sympy.Integer(0))


def softmax(z):
    grown = [sympy.exp(v) for v in z]
    return [g / sum(grown) for g in grown]


def squares(y, t):
    return each(lambda a, b: (a - b) ** 2, y, t)


def classes(z, t):
    """The cross entropy of softmax(z): -Σ t·log softmax(z)."""
    return each(lambda p, b: -b * sympy.log(p), softmax(z), t)


# name: (entry by entry, over the rows, over the components)
COSTS = {
    "sse": (squares, "sum", "sum"),
    "mse": (squares, "mean", "mean"),
    "mae": (lambda y, t: each(lambda a, b: size(a - b), y, t), "mean", "mean"),
    "huber": (lambda y, t, d: each(lambda a, b: huber(a - b, d), y, t), "mean", "mean"),
    "poisson": (lambda y, t: each(lambda a, b: a - b * sympy.log(a), y, t), "mean", "mean"),
    "binary_cross_entropy": (
        lambda p, t: each(lambda a, b: -b * sympy.log(a) - (1 - b) * sympy.log(1 - a), p, t), "mean", "sum",
    ),
    "cross_entropy": (lambda p, t: each(lambda a, b: -b * sympy.log(a), p, t), "mean", "sum"),
    "softmax_cross_entropy": (classes, "mean", "sum"),
}  # fmt: skip


# --- reading ----------------------------------------------------------------------------------------------


def tokens(text):
    found, position = [], 0
    text = text.strip()
    while position < len(text):
        match = TOKEN.match(text, position)
        assert match, f"cannot read {text[position:]!r}"
        found.append(match.group().strip())
        position = match.end()
    return found


@dataclass
class Formula:
    """Works a formula while reading it, from left to right.

    Args:
        look: the value of a name.
        cost: for a cost, the reader that takes care of sum, mean and the named costs.
    """

    text: str
    look: object
    cost: object = None
    at: int = 0
    words: list = field(default_factory=list)

    def value(self):
        self.words = tokens(self.text)
        found = self.sum()
        assert self.at == len(self.words), f"{self.words[self.at :]} is left of {self.text!r}"
        return found

    def next(self):
        return self.words[self.at] if self.at < len(self.words) else ""

    def take(self, *wanted):
        if self.next() in wanted:
            self.at += 1
            return self.words[self.at - 1]
        return ""

    def sum(self):
        total = self.product()
        while sign := self.take("+", "-", "−"):
            term = self.product()
            if self.cost and any(depth(a) and not depth(b) and b.has(self.cost.S) for a, b in pairs(total, term)):
                total, term = sum(flat(total)), sum(flat(term))  # a penalty that is a vector
            total = each((lambda a, b: a + b) if sign == "+" else (lambda a, b: a - b), total, term)
        return total

    def product(self):
        total = self.unary()
        while sign := self.take("*", "·", "×", "/", "@"):
            factor = self.unary()
            if sign == "@":
                total = product(total, factor)
            else:
                total = each((lambda a, b: a / b) if sign == "/" else (lambda a, b: a * b), total, factor)
        return total

    def unary(self):
        if sign := self.take("+", "-", "−"):
            inner = self.unary()
            return inner if sign == "+" else each(lambda a: -a, inner)
        return self.power()

    def power(self):
        base = self.atom()
        if digit := self.take("²", "³"):
            base = each(lambda a: a ** (2 if digit == "²" else 3), base)
        if self.take("^", "**"):
            return each(lambda a, b: a**b, base, self.unary())
        return base

    def several(self, close):
        found = [self.sum()]
        while self.take(","):
            found.append(self.sum())
        assert self.take(close)
        return found

    def atom(self):
        word = self.next()
        self.at += 1
        if word == "(":
            return self.several(")")[0]
        if word == "[":
            return self.several("]")
        if word[0].isdigit() or word[0] == ".":
            return sympy.Integer(int(word)) if word.isdigit() else sympy.Float(word, 30)
        if self.take("("):
            if self.cost and (word in COSTS or word in ("sum", "mean")):
                return self.cost.reduce(word, self.several(")"))
            args = self.several(")")
            return softmax(*args) if word == "softmax" else each(FUNCTIONS[word], *args)
        found = self.look(word)
        if self.take("["):
            for index in self.several("]"):
                found = found[int(index) - 1]
        return found


class Sheet:
    """A sheet, read a second time.

    Attributes:
        values: parameter (or constant) to numbers, nested lists.
        entries: symbol to what it stands for: ("parameter", "input", "target" or "node", name, index from 1).
        formulas_of: a node's symbol to its formula, in the order of the work.
        body, outer: a row's part of the cost, and the cost as a function of S = the sum of the rows' bodies.
    """

    def __init__(self, text):
        self.inputs, self.targets, self.constants = {}, {}, set()
        self.values, self.formulas, self.entries = {}, {}, {}
        self.rows, self.cost_text, self.number_of_layers = [], None, 0
        head, _, data = text.partition("\ndata\n")
        for line in head.replace(";", "\n").splitlines():
            if line.partition("#")[0].strip():
                self.statement(line.partition("#")[0].strip())
        header, *rows = [line for line in data.splitlines() if line.strip()]
        columns = [c.strip() for c in header.split(",")]
        self.rows = [dict(zip(columns, map(float, row.split(",")), strict=True)) for row in rows]
        self.nodes, self.formulas_of = {}, {}
        self.S, self.N = sympy.Symbol("S"), sympy.Integer(len(self.rows))
        for name in (*self.inputs, *self.formulas):
            self.look(name)
        self.cost()

    def statement(self, line):
        word, _, rest = line.partition(" ")
        if word in ("input", "target"):
            place = self.inputs if word == "input" else self.targets
            for name, length in re.findall(r"(\w+)(?:\[(\d+)\])?", rest):
                place[name] = int(length or 0)
        elif word == "const":
            self.statement(rest)
            self.constants.add(rest.partition("=")[0].strip())
        elif word == "cost":
            self.cost_text = rest.partition("=")[2]
        elif word == "layers":
            self.layers(rest)
        elif word not in ("title", "rate", "update", "mode"):
            name, _, right = line.partition("=")
            if re.search(r"[^\W\d]\w*", re.sub(r"\d[eE]", "", right)):
                self.formulas[name.strip()] = right
            else:
                self.values[name.strip()] = Formula(right, None).value()

    def layers(self, rest):
        source, *made = [part.strip() for part in rest.split("->")]
        source = f"[{source}]" if "," in source else source
        for layer in made:
            self.number_of_layers += 1
            n = self.number_of_layers
            layer, _, name = layer.partition(" as ")
            _, *activation = layer.split()
            z = f"W{n} @ {source} + b{n}"
            source = name.strip() or f"a{n}"
            if activation in ([], ["linear"]):
                self.formulas[source] = z
            else:
                self.formulas[source] = f"{activation[0]}({', '.join([z, *activation[1:]])})"

    def symbols(self, kind, name, lengths):
        def build(lengths, index):
            if lengths:
                return [build(lengths[1:], (*index, i + 1)) for i in range(lengths[0])]
            symbol = sympy.Symbol(f"{kind} {name}{list(index)}")
            self.entries[symbol] = (kind, name, index)
            return symbol

        return build(lengths, ())

    def node(self, name, value):
        lengths, part = [], value
        while isinstance(part, list):
            lengths.append(len(part))
            part = part[0]
        self.nodes[name] = self.symbols("node", name, lengths)
        self.formulas_of |= dict(zip(flat(self.nodes[name]), flat(value), strict=True))
        return self.nodes[name]

    def look(self, name):
        if name in self.nodes:
            return self.nodes[name]
        if name == "N":
            return self.N
        if name in self.constants:
            return self.values[name]
        if name in self.formulas:
            text = self.formulas[name].strip()
            words = tokens(text)
            while words[0] == "(" and closes(words, "(") == len(words) - 1:  # brackets around it all
                words = words[1:-1]
            if words[0] in ACTIVATIONS and closes(words, words[1]) == len(words) - 1:
                call = Formula(text, self.look)
                call.words, call.at = words, 2
                inner, *others = call.several(")")
                lone = "".join(words[2 : closes(words, ",")]).strip("()")
                if not re.fullmatch(rf"{NAME}(\[[\d,]+\])?", lone):
                    z = "z" + name[1:] if re.fullmatch(r"a\d*", name) else f"z({name})"
                    inner = self.node(z, inner)
                found = softmax(inner) if words[0] == "softmax" else each(FUNCTIONS[words[0]], inner, *others)
            else:
                found = Formula(text, self.look).value()
            return self.node(name, found)
        if name in self.inputs or name in self.targets:
            kind, length = ("input", self.inputs[name]) if name in self.inputs else ("target", self.targets[name])
            self.nodes[name] = self.symbols(kind, name, [length] if length else [])
            return self.nodes[name]
        value, lengths = self.values[name], []
        while isinstance(value, list):
            lengths.append(len(value))
            value = value[0]
        self.nodes[name] = self.symbols("parameter", name, lengths)
        return self.nodes[name]

    # the cost: outer(S), where S is the sum of `body` over the rows

    def cost(self):
        self.body = None
        outer = Formula(self.cost_text, self.look, self).value()
        if self.body is None:
            self.body, outer = sum(flat(outer)), self.S / self.N
        self.outer = sum(flat(outer))

    def reduce(self, word, args):
        assert self.body is None, "two reductions"
        if word in COSTS:
            entrywise, over_rows, over_components = COSTS[word]
            parts = flat(entrywise(*args))
            self.body = sum(parts) / (len(parts) if over_components == "mean" else 1)
        else:
            over_rows, self.body = word, sum(flat(args[0]))
        return self.S / self.N if over_rows == "mean" else self.S

    def worked(self, row):
        """Every symbol's number in one row, and the memory of what was worked on the way."""
        known, memo = {}, {}
        for symbol, (kind, name, index) in self.entries.items():
            if kind == "parameter":
                value = self.values[name]
                for i in index:
                    value = value[i - 1]
                known[symbol] = float(value)
            elif kind != "node":
                known[symbol] = row[f"{name}[{index[0]}]" if index else name]
        for symbol, formula in self.formulas_of.items():
            known[symbol] = number(formula, known, memo)
        return known, memo

    @cached_property
    def work(self):
        """For each row: the numbers, and for every node and the body its derivatives by what stands in it."""
        formulas = {**self.formulas_of, self.S: self.body}
        by_sympy = {n: {s: sympy.diff(f, s) for s in sympy.sympify(f).free_symbols} for n, f in formulas.items()}
        worked = [self.worked(row) for row in self.rows]
        slopes = [{n: {s: number(d, *row) for s, d in by.items()} for n, by in by_sympy.items()} for row in worked]
        return worked, slopes

    def gradients(self):
        """C, and what moves it.

        Returns:
            C; {(kind, name, index): ∂C/∂it}, for parameters a number, for inputs and nodes one for each row.
        """
        rows, slopes = self.work
        S = math.fsum(number(self.body, known, memo) for known, memo in rows)
        outside, found = {**rows[0][0], self.S: S}, {}
        by_sum = number(sympy.diff(self.outer, self.S), outside, {})
        for symbol, key in self.entries.items():
            shares = [by_sum * carried(numbers, symbol).get(self.S, 0.0) for numbers in slopes]
            if key[0] == "parameter":
                found[key] = math.fsum(shares) + number(sympy.diff(self.outer, symbol), outside, {})
            elif key[0] != "target":
                found[key] = shares
        return number(self.outer, outside, {}), found

    def partials(self, name, index):
        """{(kind, name, index): ∂name[index]/∂it for each row}."""
        of = next(s for s, key in self.entries.items() if key == ("node", name, index))
        return {
            key: [carried(numbers, symbol).get(of, 0.0) for numbers in self.work[1]]
            for symbol, key in self.entries.items()
        }


def carried(slopes, moved):
    """How every later number changes when one symbol does, in the order of the work."""
    change = {moved: 1.0}
    for name, by in slopes.items():
        if name is not moved and not change.keys().isdisjoint(by):
            change[name] = math.fsum(slope * change[s] for s, slope in by.items() if s in change)
    return change


def closes(words, stop):
    """Where the call that these words begin with ends, or with the stop "," its first argument."""
    level = 0
    for i, word in enumerate(words):
        level += (word in "([") - (word in ")]")
        if i and (not level or (level == 1 and word == stop == ",")):
            return i
    return -1


# --- numbers ----------------------------------------------------------------------------------------------


def number(expr, known, memo):
    """The value of a sympy expression in plain floats; equal parts are worked once."""
    if expr in memo:
        return memo[expr]
    if expr.is_Symbol:
        return known[expr]
    if expr.is_Number or expr.is_NumberSymbol:
        found = float(expr)
    else:
        args = [number(a, known, memo) for a in expr.args]
        if expr.is_Add:
            found = math.fsum(args)
        elif expr.is_Mul:
            found = math.prod(args)
        elif expr.is_Pow:
            found = args[0] ** (int(args[1]) if expr.args[1].is_Integer else args[1])
        elif isinstance(expr, J):
            if 0 < abs(args[0]) < 1e-9:
                raise NearKink(str(args[0]))
            found = 1.0 if args[0] > 0 else 0.0
        else:
            found = {"exp": math.exp, "log": math.log, "erf": math.erf}[type(expr).__name__](*args)
    memo[expr] = found
    return found
