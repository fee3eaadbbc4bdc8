"""Random sheets for tests: every operation and function, in numbers small enough to compare many digits."""

import re
from random import Random

ONE_ARGUMENT = (
    "sigmoid", "σ", "relu", "selu", "gelu", "silu", "tanh", "softplus", "step", "linear", "abs",
)  # fmt: skip
OUTPUTS = ("sigmoid", "σ", "relu", "leaky", "elu", "tanh", "linear", "softplus", "gelu", "silu", "selu", "")


def around(reduce: Random, body: str, penalties: list[str]) -> str:
    """A cost over the rows in one of the ways in which people write it."""
    reduced = reduce.choice(
        [
            f"sum({body})", f"mean({body})", f"sum({body})/(2*N)", f"sum({body})/N", f"mean({body})/2",
            f"0.5*mean({body})", f"sum(({body})/(2*N))", f"1/2*sum({body})", f"1/(2*N)*sum({body})",
            f"-mean({body})", f"2·sum({body})/3", f"sum({body}/N)", f"sum(0.5*({body}))", f"N*mean({body})",
        ]
    )  # fmt: skip
    form = reduce.random()
    if form < 0.25 or not penalties:
        return reduced
    if form < 0.5:
        return body  # neither sum nor mean: the mean is taken
    if form < 0.6:
        return f"(sum({body}) + {penalties[0]})/(2*N)"
    if form < 0.8:
        return f"{reduced} + 0.05*({' + '.join(penalties)})"
    return f"{reduced} - {reduce.choice(penalties)}"


class Writer:
    """What both kinds of sheets need."""

    def __init__(self, rnd: Random) -> None:
        self.rnd = rnd
        self.values: dict[str, str] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.constants: dict[str, str] = {}

    def numeral(self, low: float = -1.5, high: float = 1.5) -> str:
        value = round(self.rnd.uniform(low, high), self.rnd.choice([1, 2, 3])) or 0.25
        return str(value)

    def written(self) -> str:
        """A number inside a formula."""
        return self.rnd.choice(["2", ".5", "1.5", "3e-1", "0.75", "3", "2.", "1"])

    def fill(self, shape: tuple[int, ...]) -> str:
        if not shape:
            return self.numeral()
        return "[" + ", ".join(self.fill(shape[1:]) for _ in range(shape[0])) + "]"

    def parameter(self, shape: tuple[int, ...] = ()) -> str:
        """A new parameter, or one that is used already."""
        known = [n for n, s in self.shapes.items() if s == shape and n in self.values]
        if known and self.rnd.random() < (0.35 if len(self.values) < 9 else 1.0):
            return self.rnd.choice(known)
        name = f"{'w' if not shape else 'v' if len(shape) == 1 else 'M'}{len(self.values) + 1}"
        self.values[name], self.shapes[name] = self.fill(shape), shape
        return name

    def constant(self) -> str:
        self.constants.setdefault("k", "0.3")
        return "k"

    def statements(self, head: list[str], equations: list[str], cost: str, rows: str) -> str:
        """The sheet: statements in any order, data last."""
        lines = [*head, *equations, f"cost C = {cost}"]
        lines += [f"const {n} = {v}" for n, v in self.constants.items()]
        used = set(re.findall(r"[^\W\d](?:(?![²³])\w)*", "\n".join(lines)))
        used |= {n for n in self.values if n[0] in "Wb"} | set(list(self.values)[:1])
        lines += [f"{n} = {v}" for n, v in self.values.items() if n in used]
        if self.rnd.random() < 0.3:
            self.rnd.shuffle(lines)
        return "\n".join(lines) + "\ndata\n" + rows

    def table(self, columns: list[str], positive: bool = False) -> str:
        low = 0.1 if positive else -1.5
        rows = [
            [self.numeral(low, 0.9 if positive else 1.5) for _ in columns] for _ in range(self.rnd.choice([1, 2, 3]))
        ]
        return "\n".join([", ".join(columns), *(", ".join(r) for r in rows)]) + "\n"


class Scalars(Writer):
    """Equations over numbers, written out: skips, fan-out, shared weights, several outputs."""

    def atom(self) -> str:
        kind = self.rnd.random()
        if kind < 0.6:
            return self.rnd.choice(self.known)
        if kind < 0.85:
            return self.parameter()
        return self.constant() if kind < 0.9 else self.written()

    def positive(self, deep: int) -> str:
        """Something well above 0."""
        inner = self.sum(deep - 1) if deep > 1 else self.atom()
        return self.rnd.choice(
            [
                f"(1.5 + ({inner})^2)",
                f"exp(tanh({inner}))",
                f"(0.5 + sigmoid({inner}))",
                f"sqrt(1 + ({inner})²)",
            ]
        )

    def function(self, deep: int) -> str:
        inner = self.sum(deep - 1)
        return self.rnd.choice(
            [
                *(f"{name}({inner})" for name in ONE_ARGUMENT),
                f"leaky({inner}, {self.rnd.choice(['0.1', self.atom()])})",
                f"elu({inner}, {self.rnd.choice(['1', '0.5', self.parameter()])})",
                f"exp(-({inner})^2)", f"exp({self.atom()})",
                f"log({self.positive(deep - 1)})", f"sqrt({self.positive(deep - 1)})",
                f"max({inner}, {self.atom()})", f"min({self.atom()}, {inner})",
                f"max({self.atom()}, {inner}, {self.written()})",
            ]
        )  # fmt: skip

    def factor(self, deep: int) -> str:
        kind = self.rnd.random()
        if deep <= 0 or kind < 0.5:
            return self.atom()
        if kind < 0.6:
            return f"({self.sum(deep - 1)})"
        if kind < 0.8:
            return self.function(deep)
        return self.rnd.choice(
            [
                f"{self.atom()}^2", f"{self.atom()}²", f"{self.atom()}**3", f"-{self.atom()}^2",
                f"{self.positive(deep - 1)}^{self.atom()}", f"2^{self.atom()}", f"2^{self.atom()}^2",
                f"{self.positive(deep - 1)}^-1", f"{self.positive(deep - 1)}^0.5", f"-{self.atom()}",
            ]
        )  # fmt: skip

    def product(self, deep: int) -> str:
        text = self.factor(deep)
        for _ in range(self.rnd.choice([0, 1, 1, 2])):
            sign = self.rnd.choice(["*", "*", "·", "×", "/"])
            text += sign + (self.positive(deep - 1) if sign == "/" else self.factor(deep - 1))
        return text

    def sum(self, deep: int) -> str:
        text = self.product(deep)
        for _ in range(self.rnd.choice([0, 0, 1, 2])):
            text += self.rnd.choice([" + ", " - "]) + self.product(deep - 1)
        return text

    def neuron(self, activation: str) -> str:
        sources = self.rnd.sample(self.known, min(len(self.known), self.rnd.choice([1, 2, 3])))
        z = " + ".join([*(f"{self.parameter()}*{s}" for s in sources), self.parameter()])
        if activation in ("leaky", "elu"):
            return f"{activation}({z}, {self.rnd.choice(['0.1', '0.5'])})"
        return f"{activation}({z})" if activation else z

    def sheet(self) -> str:
        rnd = self.rnd
        inputs = rnd.choice([["x"], ["x", "D"], ["x1", "x2", "x3"]])
        self.known = list(inputs)
        equations = []
        for i in range(1, rnd.choice([2, 3, 4]) + 1):
            if rnd.random() < 0.6:
                right = self.neuron(rnd.choice(OUTPUTS))
            else:
                right = self.sum(2)
                if not any(name in right for name in (*self.known, *self.values)):
                    right += f" + {self.parameter()}"
            equations.append(f"a{i} = {right}")
            self.known.append(f"a{i}")
        cost, targets, positive = self.cost(equations)
        head = ["input " + ", ".join(inputs), "target " + ", ".join(targets)]
        return self.statements(head, equations, cost, self.table(inputs + targets, positive))

    def cost(self, equations: list[str]) -> tuple[str, list[str], bool]:
        """The cost, its targets, and whether they must lie between 0 and 1."""
        rnd, last = self.rnd, self.known[-1]
        penalties = [f"{n}^2" for n in self.values] + [f"abs({n})" for n in list(self.values)[:2]]
        kind = rnd.random()
        if kind < 0.3:
            names = ["sse", "mse", "mae"]
            return rnd.choice([*(f"{n}({last}, t)" for n in names), f"huber({last}, t, 0.5)"]), ["t"], False
        if kind < 0.4:
            equations.append(f"p = {rnd.choice(['sigmoid', 'σ'])}({self.parameter()}*{last})")
            return (
                rnd.choice(["binary_cross_entropy(p, t)", "poisson(p, t) + 0.1*" + self.parameter()]),
                ["t"],
                True,
            )
        if kind < 0.6 and len(self.known) > 2:
            other = rnd.choice(self.known[:-1])
            return around(rnd, f"(({last} - t)^2 + ({other} - u)^2)", penalties), ["t", "u"], False
        body = rnd.choice([f"({last} - t)^2", f"{last}*t", f"abs({last} - t)", f"log(cosh_{last})"])
        if body.startswith("log"):
            body = f"log(1 + ({last} - t)^2)"
        return around(rnd, body, penalties), ["t"], False


class Layered(Writer):
    """Vectors and matrices: layers, products, stacked inputs, single entries, softmax."""

    def of(self, shape: tuple[int, ...]) -> list[str]:
        """Names and entries of names of that shape."""
        found = [n for n, s in self.shapes.items() if s == shape and n not in self.values]
        for name, s in self.shapes.items():
            if len(s) > len(shape) and s[len(s) - len(shape) :] == shape:
                found.append(f"{name}[{','.join(str(self.rnd.randint(1, n)) for n in s[: len(s) - len(shape)])}]")
        return found

    def number(self, deep: int) -> str:
        kind = self.rnd.random()
        known = self.of(())
        if known and (deep <= 0 or kind < 0.4):
            return self.rnd.choice(known)
        if deep <= 0 or kind < 0.55:
            return self.parameter()
        if kind < 0.75:
            n = self.rnd.choice([1, 2, 3])
            return f"({self.vector(n, deep - 1)}) @ ({self.vector(n, deep - 1)})"
        if kind < 0.8:
            return f"{self.parameter((1,))} @ ({self.number(deep - 1)})"
        return self.rnd.choice(
            [
                f"tanh({self.number(deep - 1)})",
                f"({self.number(deep - 1)})^2",
                f"sigmoid({self.number(deep - 1)})",
            ]
        )

    def matrix(self, m: int, n: int) -> str:
        kind = self.rnd.random()
        if kind < 0.6:
            return self.parameter((m, n))
        if kind < 0.7:
            rows = ("[" + ", ".join(self.number(0) for _ in range(n)) + "]" for _ in range(m))
            return "[" + ", ".join(rows) + "]"
        if kind < 0.8:
            return f"({self.parameter((m, 2))} @ {self.parameter((2, n))})"
        if kind < 0.85:
            return f"tanh({self.parameter((m, n))})"
        if kind < 0.9:
            return f"({self.number(0)}*{self.parameter((m, n))})"
        if kind < 0.95:
            return f"[{', '.join(self.vector(n, 0) for _ in range(m))}]"
        return f"({self.parameter((m, n))}*{self.parameter((m, n))} - {self.parameter((m, n))})"

    def vector(self, n: int, deep: int) -> str:
        rnd, kind = self.rnd, self.rnd.random()
        known = self.of((n,))
        if known and (deep <= 0 or kind < 0.3):
            return rnd.choice(known)
        if deep <= 0 or kind < 0.35:
            return self.parameter((n,)) if rnd.random() < 0.5 else f"[{', '.join(self.number(0) for _ in range(n))}]"
        if kind < 0.6:
            m = rnd.choice([1, 2, 3])
            if m == 1 and rnd.random() < 0.5:
                return f"{self.matrix(n, 1)} @ ({self.number(deep - 1)})"
            if rnd.random() < 0.2:
                return f"({self.vector(m, deep - 1)}) @ {self.matrix(m, n)}"
            return f"{self.matrix(n, m)} @ ({self.vector(m, deep - 1)})"
        v, u = self.vector(n, deep - 1), self.vector(n, deep - 1)
        s = self.number(deep - 1)
        return rnd.choice(
            [
                f"({v}) + ({u})", f"({v}) - ({s})", f"({v})*({u})", f"({s})*({v})", f"({v})/(1.5 + ({u})^2)",
                f"({v})²", f"max({v}, {s})", f"min({v}, {u})", f"leaky({v}, {s})", f"elu({v}, 0.5)",
                f"-({v})",
                f"softmax({v})", f"2^({v})", f"(1.5 + tanh({v}))^({s})", f"log(1.5 + ({v})^2)", f"abs({v})",
                f"{rnd.choice(ONE_ARGUMENT)}({v})", f"exp(-({v})^2)", f"sqrt(2 + tanh({v}))",
                f"({s}) + ({v})*({u})",
            ]
        )  # fmt: skip

    def sheet(self) -> str:
        rnd = self.rnd
        size = rnd.choice([0, 1, 2, 3])
        inputs = [f"x[{size}]"] if size else rnd.choice([["x"], ["x1", "x2"]])
        columns = [f"x[{i + 1}]" for i in range(size)] if size else inputs
        sources = ["x"] if size else inputs
        for name in sources:
            self.shapes[name] = (size,) if size else ()
        equations, width = [], rnd.choice([1, 2, 3])
        if rnd.random() < 0.5:
            equations.append(self.layers(sources, size or len(sources), width))
        else:
            for i in range(1, rnd.choice([2, 3]) + 1):
                n = rnd.choice([1, 2, 3])
                shape = (n,) if rnd.random() < 0.85 else ()
                equations.append(f"h{i} = {self.vector(n, 2) if shape else self.number(2)}")
                self.shapes[f"h{i}"] = shape
            right = f"{self.matrix(width, n if shape else 1)} @ h{i} + {self.parameter((width,))}"
            kind = rnd.choice(["sigmoid", "relu", "softmax", "tanh", ""])
            equations.append(f"y = {kind}({right})" if kind else f"y = {right}")
        self.shapes["y"] = (width,)
        cost, target, positive = self.cost(equations, width)
        targets = [f"t[{i + 1}]" for i in range(width)] if target != "t" else ["t"]
        head = ["input " + ", ".join(inputs), f"target {target}"]
        return self.statements(head, equations, cost, self.table(columns + targets, positive))

    def layers(self, sources: list[str], size: int, width: int) -> str:
        rnd = self.rnd
        hidden = [rnd.choice([1, 2, 3]) for _ in range(rnd.choice([0, 1, 1, 2]))]
        text = f"layers {', '.join(sources)}"
        for number, n in enumerate([*hidden, width], 1):
            activation = rnd.choice(["sigmoid", "tanh", "relu", "leaky 0.1", "elu 0.5", "softmax", "linear", "", "σ"])
            text += f" -> {n} {activation}".rstrip()
            self.values[f"W{number}"], self.values[f"b{number}"] = self.fill((n, size)), self.fill((n,))
            self.shapes[f"W{number}"], self.shapes[f"b{number}"] = (n, size), (n,)
            size = n
        return text + " as y"

    def cost(self, equations: list[str], width: int) -> tuple[str, str, bool]:
        rnd, target = self.rnd, f"t[{width}]"
        penalties = [f"{n} @ {n}" for n in self.values if len(self.shapes[n]) == 1]
        penalties += [f"{n}^2" for n in self.values if not self.shapes[n]]
        if not penalties or rnd.random() < 0.3:  # terms of one size: a vector is added up last
            penalties = [rnd.choice([f"{n}^2", f"abs({n})"]) for n in list(self.values)[:1]]
        if width == 1 and rnd.random() < 0.5:
            target = "t"
        kind = rnd.random()
        if kind < 0.3:
            return (
                rnd.choice([*(f"{n}(y, t)" for n in ("sse", "mse", "mae")), "huber(y, t, 0.5)"]),
                target,
                False,
            )
        if kind < 0.4:
            return "softmax_cross_entropy(y, t)", target, True
        if kind < 0.5:
            equations.append(f"p = {rnd.choice(['softmax', 'sigmoid'])}({self.number(0)}*y)")
            return rnd.choice(["cross_entropy(p, t)", "binary_cross_entropy(0.1 + 0.8*p, t)"]), target, True
        others = [
            "(y - t) @ (y - t)",
            "y*t",
            "log(2 + y*t/(1 + t^2 + y^2))",
            self.number(2),
            self.vector(2, 2),
        ]
        body = rnd.choice(["(y - t)^2", "y", "(y - t)^2", rnd.choice(others)])
        if "@ (y - t)" in body and target == "t":
            body = "(y - t)^2"
        return around(rnd, f"({body})", penalties), target, False
