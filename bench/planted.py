"""Sheets with answers as a person would hand them in, slips planted: worked by NumPy and plain Python alone.

Nothing of Backhand is imported here. A network is a list of units over scalars; the person works it out forward and
back, writes each number down to some figures and goes on with what was written. A slip is made in one step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

ACTS = {
    "relu": (lambda z: max(z, 0.0), lambda z: float(z > 0)),
    "sigmoid": (lambda z: 1 / (1 + math.exp(-z)), lambda z: math.exp(-z) / (1 + math.exp(-z)) ** 2),
    "tanh": (math.tanh, lambda z: 1 - math.tanh(z) ** 2),
    "linear": (lambda z: z, lambda z: 1.0),
    "softmax": (lambda z: z, lambda z: 1.0),  # the z of an output; what follows is worked for all of them at once
}
COSTS = {  # text, own cost's factor, mean over rows
    "sum((o - y)^2)": (1.0, False), "mean((o - y)^2)": (1.0, True), "sum((o - y)^2)/2": (0.5, False),
    "sum((o - y)^2)/(2*N)": (0.5, True), "mean(-(y @ log(p)))": (1.0, True), "sum(-(y @ log(p)))": (1.0, False),
}  # fmt: skip


@dataclass
class Unit:
    """z = Σ weight·input + bias, a = act(z); `inputs` are pairs of a weight's name and what it multiplies."""

    name: str
    inputs: list[tuple[str, str]]
    bias: str | None
    act: str


@dataclass
class Net:
    units: list[Unit]
    values: dict[str, float]
    rows: list[dict[str, float]]
    cost: str
    rate: float

    @property
    def soft(self) -> list[Unit]:
        """The outputs whose z go into a softmax."""
        return [u for u in self.units if u.act == "softmax"]

    def sheet(self) -> str:
        inputs = [k for k in self.rows[0] if k[0] == "x"]
        lines = ["input " + ", ".join(inputs), f"target y[{len(self.soft)}]" if self.soft else "target y"]
        for u in self.units:
            terms = [f"{w}*{x}" for w, x in u.inputs] + ([u.bias] if u.bias else [])
            inner = " + ".join(terms)
            if u.act == "linear":
                lines.append(
                    f"z_{u.name} = {inner}\n{u.name} = 1*z_{u.name}" if False else f"{u.name} = linear({inner})"
                )
            else:
                lines.append(f"z{u.name[1:]} = {inner}" if u.act == "softmax" else f"{u.name} = {u.act}({inner})")
        if self.soft:
            lines.append("p = softmax([" + ", ".join(f"z{u.name[1:]}" for u in self.soft) + "])")
        lines += [f"cost C = {self.cost.replace('o - y', self.units[-1].name + ' - y')}"]
        lines += [f"{k} = {v!r}" for k, v in self.values.items()]
        lines += [f"rate {self.rate!r}", "data", ", ".join(self.rows[0])]
        lines += [", ".join(repr(v) for v in row.values()) for row in self.rows]
        return "\n".join(lines) + "\n"


def random_net(r: np.random.Generator) -> Net:
    """A chain, layers, skips or shared weights; 1 to 3 rows."""
    inputs = [f"x{i + 1}" for i in range(r.integers(1, 4))]
    kind = r.choice(["chain", "layers", "skips", "shared"])
    widths = [1] * r.integers(1, 4) if kind == "chain" else [int(r.integers(2, 4)) for _ in range(r.integers(1, 3))]
    units: list[Unit] = []
    values: dict[str, float] = {}
    before, k, w = inputs, 0, 0
    act = r.choice(["relu", "sigmoid", "tanh"])
    for depth, width in enumerate([*widths, 1]):
        layer = []
        for _ in range(width):
            k += 1
            last = depth == len(widths)
            pairs = []
            for x in before:
                w += 1
                pairs.append((f"w{w}", x))
            if kind == "skips" and depth and r.random() < 0.6:
                w += 1
                pairs.append((f"w{w}", str(r.choice(inputs))))
            bias = f"b{k}" if r.random() < 0.8 else None
            units.append(Unit(f"a{k}", pairs, bias, str(r.choice(["linear", act])) if last else str(act)))
            layer.append(f"a{k}")
        before = layer
    if kind == "shared" and len(units) > 1:
        units[-1].inputs[0] = (units[0].inputs[0][0], units[-1].inputs[0][1])
    for u in units:
        for name in [w for w, _ in u.inputs] + ([u.bias] if u.bias else []):
            values.setdefault(name, round(float(r.uniform(0.2, 1.8) * (1 if r.random() < 0.75 else -1)), 1) or 0.3)
    rows = [
        {**{x: round(float(r.uniform(0.2, 3)), 1) for x in inputs}, "y": round(float(r.uniform(-1, 4)), 1)}
        for _ in range(r.integers(1, 4))
    ]
    return Net(units, values, rows, str(r.choice(list(COSTS)[:4])), float(r.choice([0.1, 0.05, 0.2, 0.01])))


def random_softmax(r: np.random.Generator) -> Net:
    """One hidden layer, two or three classes, a softmax and its cross entropy."""
    inputs = [f"x{i + 1}" for i in range(r.integers(1, 3))]
    hidden, classes, act = int(r.integers(1, 3)), int(r.integers(2, 4)), str(r.choice(["relu", "sigmoid", "tanh"]))
    units, w = [], 0
    for k in range(1, hidden + classes + 1):
        from_ = inputs if k <= hidden else [f"a{i + 1}" for i in range(hidden)]
        pairs = [(f"w{w + i + 1}", x) for i, x in enumerate(from_)]
        w += len(from_)
        units.append(Unit(f"a{k}", pairs, f"b{k}", act if k <= hidden else "softmax"))
    values = {}
    for u in units:
        for name in [*(w for w, _ in u.inputs), u.bias]:
            values[name] = round(float(r.uniform(0.2, 1.5) * (1 if r.random() < 0.7 else -1)), 1)
    rows = []
    for _ in range(r.integers(1, 4)):
        right = int(r.integers(classes))
        rows.append(
            {x: round(float(r.uniform(0.2, 2)), 1) for x in inputs}
            | {f"y[{j + 1}]": float(j == right) for j in range(classes)}
        )
    return Net(units, values, rows, str(r.choice(list(COSTS)[4:])), float(r.choice([0.1, 0.5, 0.2])))


def rounded(value: float, figures: int) -> tuple[str, float]:
    """A number as it is written to some figures, and what is written."""
    if value == 0 or not math.isfinite(value):
        return "0", 0.0
    decimals = max(0, figures - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{min(decimals, 25)}f}"
    if float(text) != 0 and abs(value) >= 10.0**figures and decimals == 0:
        text = f"{value:.{figures - 1}e}"
    return text, float(text)


class Refused(Exception):
    """The slip does not fit here, or would not show."""


@dataclass
class Person:
    """Works a network out; `slip` is called once, at the step `at`.

    Attributes:
        full: goes on with all digits, and rounds only what is written.
    """

    net: Net
    figures: int
    slips: dict[str, str] = field(default_factory=dict)  # the step, and which slip
    full: bool = False
    seed: int = 0
    written: list[tuple[str, str, float]] = field(default_factory=list)  # name, text, what would have been right here
    made: list[tuple[str, str]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    def put(self, name: str, value: float, **context) -> float:
        """Writes a step's number down, with a slip if it is time for one; gives what the work goes on with."""
        self.steps.append(name)
        if name in self.slips:
            wrong = altered(self.slips[name], value, np.random.default_rng(self.seed), self, context)
            text, shown = rounded(wrong, self.figures) if not isinstance(wrong, str) else (wrong, float(wrong))
            right_text, _ = rounded(value, self.figures)
            unit = 10.0 ** (math.floor(math.log10(abs(value) or 1e-9)) - self.figures + 1)
            if (
                not math.isfinite(shown)
                or text == right_text
                or (not isinstance(wrong, str) and abs(shown - value) < 3 * unit)
            ):
                raise Refused
            self.made.append((name, self.slips[name]))
            self.written.append((name, text, value))
            return shown if not self.full or isinstance(wrong, str) else wrong
        text, shown = rounded(value, self.figures)
        self.written.append((name, text, value))
        return value if self.full else shown

    def work(self) -> None:
        net, v = self.net, self.net.values
        factor, mean = COSTS[net.cost]
        n = len(net.rows)
        grads = {name: [0.0] * n for name in v}
        owns = []
        kept = []
        for i, row in enumerate(net.rows, 1):
            x = dict(row)
            zs = {}
            for u in net.units:
                terms = [(v[w], x[s], w, s) for w, s in u.inputs]
                z = sum(a * b for a, b, _, _ in terms) + (v[u.bias] if u.bias else 0.0)
                z = self.put(
                    f"z{u.name[1:]}@{i}", z, kind="z", unit=u, terms=terms, x=x, zs=dict(zs), bias=u.bias and v[u.bias]
                )
                zs[u.name] = z
                if u.act == "softmax":
                    continue
                x[u.name] = self.put(f"{u.name}@{i}", ACTS[u.act][0](z), kind="a", unit=u, z=z)
            if net.soft:
                out = self.softmax(i, [zs[u.name] for u in net.soft])
                right = next(j for j in range(len(out)) if row[f"y[{j + 1}]"])
                owns.append(self.put(f"{'L' if mean else 'C'}@{i}", -math.log(out[right]), kind="own soft"))
                kept.append((x, zs, out))
                continue
            out = x[net.units[-1].name]
            e = out - row["y"]
            owns.append(self.put(f"{'L' if mean else 'C'}@{i}", factor * e**2, kind="own", e=e, factor=factor))
            kept.append((x, zs, out))
        self.put("C", sum(owns) / (n if mean else 1), kind="cost", owns=owns, mean=mean)
        for i, (row, (x, zs, out)) in enumerate(zip(net.rows, kept, strict=True), 1):
            delta: dict[str, float] = {}
            for u in reversed(net.units):
                if u.act == "softmax":
                    j = net.soft.index(u)
                    y = row[f"y[{j + 1}]"]
                    delta[u.name] = self.put(f"dL/dz{u.name[1:]}@{i}", out[j] - y, kind="dz soft", p=out[j], y=y)
                    continue
                if u is net.units[-1]:
                    da = 2 * factor * (out - row["y"])
                    da = self.put(f"dL/d{u.name}@{i}", da, kind="da out", factor=factor, own=owns[i - 1], n=n)
                else:
                    paths = [(delta[t.name], v[w], w, t) for t in net.units for w, s in t.inputs if s == u.name]
                    da = sum(d * w for d, w, _, _ in paths)
                    da = self.put(f"dL/d{u.name}@{i}", da, kind="da", paths=paths)
                z = zs[u.name]
                delta[u.name] = self.put(
                    f"dL/dz{u.name[1:]}@{i}", da * ACTS[u.act][1](z), kind="dz", unit=u, z=z, a=x[u.name], da=da
                )
            for name in v:
                uses = [(delta[u.name], x[s], s) for u in net.units for w, s in u.inputs if w == name]
                uses += [(delta[u.name], 1.0, None) for u in net.units if u.bias == name]
                g = sum(d * s for d, s, _ in uses)
                grads[name][i - 1] = self.put(f"dL/d{name}@{i}", g, kind="dw", uses=uses, x=x, zs=zs)
        for name, rows in grads.items():
            g = self.put(f"dC/d{name}", sum(rows) / (n if mean else 1), kind="total", rows=rows, mean=mean)
            self.put(f"{name}'", v[name] - net.rate * g, kind="new", w=v[name], g=g, rate=net.rate)

    def softmax(self, row: int, zs: list[float]) -> list[float]:
        """The shares of the classes."""
        largest = max(zs)
        raised = [math.exp(z - largest) for z in zs]
        exact = [e / sum(raised) for e in raised]
        return [self.put(f"p[{j + 1}]@{row}", p, kind="p", all=exact, j=j, z=zs[j]) for j, p in enumerate(exact)]


def altered(slip: str, value: float, r: np.random.Generator, person: Person, c: dict):
    """What a slip makes of a step's number.

    Raises:
        Refused: it does not fit.
    """
    kind, v = c["kind"], person.net.values

    def need(test) -> None:
        if not test:
            raise Refused

    def pick(found):
        need(len(found))
        return found[int(r.integers(len(found)))]

    match slip:
        case "bias forgotten":
            need(kind == "z" and c["bias"])
            return value - c["bias"]
        case "bias sign":
            need(kind == "z" and c["bias"])
            return value - 2 * c["bias"]
        case "term left out":
            need(kind == "z" and len(c["terms"]) > 1)
            w, x, *_ = pick(c["terms"])
            return value - w * x
        case "wrong weight":
            if kind == "z":
                w, x, name, _ = pick(c["terms"])
                others = [o for o, _ in c["unit"].inputs if o != name and v[o] != w]
                return value - w * x + v[pick(others)] * x
            need(kind == "da")
            d, w, name, t = pick(c["paths"])
            return value - d * w + d * v[pick([o for o, _ in t.inputs if o != name and v[o] != w])]
        case "wrong input":
            need(kind == "z")
            w, x, _, s = pick(c["terms"])
            return value - w * x + w * c["x"][pick([o for _, o in c["unit"].inputs if o != s and c["x"][o] != x])]
        case "z for a":
            if kind == "z":
                w, x, _, s = pick([t for t in c["terms"] if t[3] in c["zs"] and c["zs"][t[3]] != t[1]])
                return value - w * x + w * c["zs"][s]
            need(kind == "dw" and len(c["uses"]) == 1 and c["uses"][0][2] in c["zs"])
            return c["uses"][0][0] * c["zs"][c["uses"][0][2]]
        case "added for multiplied":
            need(kind == "z")
            w, x, *_ = pick(c["terms"])
            return value - w * x + w + x
        case "activation left out":
            need(kind == "a" and c["unit"].act != "linear")
            return c["z"]
        case "sign of the exponent":
            need(kind == "a" and c["unit"].act == "sigmoid")
            return 1 - value
        case "another activation":
            need(kind == "a" and c["unit"].act != "linear")
            return ACTS[pick([a for a in ("relu", "sigmoid", "tanh") if a != c["unit"].act])][0](c["z"])
        case "cost without the square":
            need(kind == "own")
            return c["factor"] * c["e"]
        case "factor 2":
            if kind == "own":
                return value * pick([0.5, 2.0])
            need(kind == "da out")
            return value * pick([0.5, 2.0])
        case "sum for mean":
            need(kind in ("cost", "total") and c["mean"] and len(person.net.rows) > 1)
            return value * len(person.net.rows)
        case "mean for sum":
            need(kind in ("cost", "total") and not c["mean"] and len(person.net.rows) > 1)
            return value / len(person.net.rows)
        case "row left out":
            rows = c.get("owns") or c.get("rows")
            need(kind in ("cost", "total") and len(rows) > 1)
            return value - pick(rows) / (len(rows) if c["mean"] else 1)
        case "sign of the error":
            need(kind == "da out")
            return -value
        case "activation derivative left out":
            need(kind == "dz" and c["unit"].act != "linear")
            return c["da"]
        case "derivative at a instead of z":
            need(kind == "dz" and c["unit"].act in ("sigmoid", "tanh"))
            return c["da"] * ACTS[c["unit"].act][1](c["a"])
        case "activation in place of its derivative":
            need(kind == "dz" and c["unit"].act in ("sigmoid", "tanh"))
            return c["da"] * c["a"]
        case "another activation derivative":
            need(kind == "dz" and c["unit"].act in ("sigmoid", "tanh"))
            return c["da"] * (1 - c["a"])
        case "mask of relu turned round":
            need(kind == "dz" and c["unit"].act == "relu")
            return c["da"] * (1 - ACTS["relu"][1](c["z"]))
        case "path left out":
            need(kind == "da" and len(c["paths"]) > 1)
            d, w, *_ = pick(c["paths"])
            return value - d * w
        case "weight left out":
            need(kind == "da")
            d, w, *_ = pick(c["paths"])
            return value - d * w + d
        case "input left out":
            need(kind == "dw" and len(c["uses"]) == 1 and c["uses"][0][2])
            return c["uses"][0][0]
        case "wrong input of a gradient":
            need(kind == "dw" and len(c["uses"]) == 1 and c["uses"][0][2])
            s = c["uses"][0][2]
            unit = next(u for u in person.net.units if any(x == s for _, x in u.inputs))
            return c["uses"][0][0] * c["x"][pick([x for _, x in unit.inputs if x != s])]
        case "softmax applied twice":
            need(kind == "p")
            return math.exp(value) / sum(math.exp(p) for p in c["all"])
        case "softmax by the diagonal alone":
            need(kind == "dz soft" and not c["y"])
            return 0.0  # the right class's share of it passes through the other entries, which are left out
        case "softmax left out":
            need(kind == "p")
            return c["z"]
        case "sign":
            need(kind in ("dw", "dz", "dz soft", "total"))
            return -value
        case "sign of the update":
            need(kind == "new")
            return c["w"] + c["rate"] * c["g"]
        case "learning rate left out":
            need(kind == "new")
            return c["w"] - c["g"]
        case "not updated":
            need(kind == "new")
            return c["w"]
        case "gradient as the new weight":
            need(kind == "new")
            return c["g"]
        case "two digits swapped":
            text = rounded(value, person.figures)[0]
            at = pick(
                [
                    k
                    for k in range(len(text) - 1)
                    if text[k : k + 2].isdigit() and text[k] != text[k + 1] and text[:k].strip("-0.")
                ]
            )
            return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        case "digit miscopied":
            text = rounded(value, person.figures)[0]
            at = pick([k for k in range(len(text)) if text[k].isdigit() and (text[:k].strip("-0.") or text[k] != "0")])
            return text[:at] + str((int(text[at]) + int(r.integers(1, 9))) % 10) + text[at + 1 :]
        case "decimal point moved":
            return value * pick([0.1, 10.0])
    return unknown(slip, value, r, person, c)


def unknown(slip: str, value: float, r: np.random.Generator, person: Person, c: dict):
    """Slips that no library knows: thirty ways to a wrong number, `unknown 1` to `unknown 30`."""
    number = int(slip.removeprefix("unknown "))
    ways = [
        lambda: value * 1.37,
        lambda: value + 0.731,
        lambda: value - 1.119,
        lambda: value * 0.61,
        lambda: value + value**2 / 7,
        lambda: 3 * value + 1.3,
        lambda: value / 3.7,
        lambda: math.sin(value) * 1.9,
        lambda: value * 1.0713,
        lambda: value * 0.93,
        lambda: value + 0.0917 * (1 + abs(value)),
        lambda: -1.31 * value,
        lambda: value * math.e,
        lambda: value * math.pi,
        lambda: math.sqrt(abs(value)) * 1.7,
        lambda: value**3 * 0.77 + 0.1,
        lambda: value + person.net.rate * 1.7 + 0.33,
        lambda: value * 1.21 - 0.17,
        lambda: (value + 5) / 6.1,
        lambda: value * 0.343,
        lambda: value * 1.44,
        lambda: value - 0.37 * abs(value) - 0.11,
        lambda: value * 2.19,
        lambda: value * 0.117,
        lambda: value + 2.91,
        lambda: value * 5.3,
        lambda: value / 1.9,
        lambda: value * 1.83 + 0.05,
        lambda: abs(value) ** 1.3 + 0.2,
        lambda: value * 0.72 - 0.4,
    ]
    return ways[number - 1]()


KNOWN = (
    "bias forgotten", "bias sign", "term left out", "wrong weight", "wrong input", "z for a",
    "added for multiplied", "activation left out", "sign of the exponent", "another activation",
    "cost without the square", "factor 2", "sum for mean", "mean for sum", "row left out", "sign of the error",
    "activation derivative left out", "derivative at a instead of z", "activation in place of its derivative",
    "another activation derivative", "mask of relu turned round", "path left out", "weight left out",
    "input left out", "wrong input of a gradient", "sign", "softmax applied twice", "softmax left out",
    "softmax by the diagonal alone", "sign of the update", "learning rate left out", "not updated",
    "gradient as the new weight", "two digits swapped", "digit miscopied", "decimal point moved",
)  # fmt: skip
UNKNOWN = tuple(f"unknown {k}" for k in range(1, 31))


def planted(seed: int, slips: tuple[str, ...], figures: int, full: bool = False) -> Person | None:
    """A person's work on a random network with slips of these kinds; None where they do not fit this network."""
    r = np.random.default_rng([seed, figures, *(sum(map(ord, s)) for s in slips)])
    net = random_softmax(r) if seed % 5 == 4 or any("softmax" in slip for slip in slips) else random_net(r)
    plain = Person(net, figures, full=full)
    plain.work()
    if any(abs(x) > 1e6 or (x != 0 and abs(x) < 1e-6) for _, _, x in plain.written):
        return None
    if not slips:
        return plain
    names = plain.steps
    for _ in range(60):
        at = [names[int(k)] for k in r.choice(len(names), len(slips), replace=False)]
        person = Person(net, figures, dict(zip(at, slips, strict=True)), full, seed)
        try:
            person.work()
        except (Refused, OverflowError, ZeroDivisionError, ValueError):
            continue
        if len(person.made) == len(slips):
            return person
    return None
