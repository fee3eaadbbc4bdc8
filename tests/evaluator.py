"""Works out printed lines, as a person would who has nothing but the page. Imports nothing of Backhand.

A line of working reads `left = letters = numbers = result`. Everything here starts from that text: numbers are float64,
work goes from left to right, functions are those of Python's `math`, and sums and matrix products are added in order.
A vector is a list of numbers, a matrix a list of its rows.

    sum     = term (("+" | "-") term)*
    term    = signed (("·" | "/" | "@" | "⊙" | "⊗") signed)*          all of one strength, from left to right
    signed  = "-" signed | power
    power   = after [("^" | raised digit) …]                         ^ binds to the right and takes -x as exponent
    after   = atom ("ᵀ" | "[" numbers "]")*
    atom    = number | name | function ["'" [k]] "(" arguments ")" | "(" sum ")" | "[" entries "]"
"""

import math
import re

RAISED = {mark: k for k, mark in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
NUMBER = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?")
FUNCTION = re.compile(r"([^\W\d]\w*)(?:('\d*))?\(")
LONGEST = 60  # letters in a name
SIGNS = set("+-·/@⊙⊗^()[],ᵀ") | set(RAISED)


class Unreadable(Exception):
    """The text is no formula, or holds a name that nobody gave."""


# --- functions of one number --------------------------------------------------------------------------------


def sigmoid(x):
    """1/(1 + e^-x); for x below 0 as e^x/(1 + e^x), which cannot overflow."""
    if x < 0:
        return math.exp(x) / (1 + math.exp(x))
    return 1 / (1 + math.exp(-x))


def softplus(x):
    """log(1 + e^x), worked as max(x, 0) + log(1 + e^-|x|)."""
    return (x if x > 0 else 0.0) + math.log1p(math.exp(-abs(x)))


def normal(x):
    """Φ(x), the share of a normal distribution below x."""
    return 0.5 * math.erfc(-x / math.sqrt(2))


def silu_slope(x):
    return sigmoid(x) * (1 + x * (1 - sigmoid(x)))


def gelu_slope(x):
    return normal(x) + x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def tanh_slope(x):
    return 1 - math.tanh(x) * math.tanh(x)


LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543772  # of selu, Klambauer et al. 2017


def selu(x):
    return LAMBDA * x if x > 0 else LAMBDA * (ALPHA * math.expm1(x))


def selu_slope(x):
    return LAMBDA if x > 0 else LAMBDA * (ALPHA * math.exp(x))


def sign(x):
    return float((x > 0) - (x < 0))


# --- functions of two numbers -------------------------------------------------------------------------------


def leaky(x, a):
    return x if x > 0 else a * x


def elu(x, a):
    return x if x > 0 else a * math.expm1(x)


def huber(e, d):
    return e * e / 2 if abs(e) <= d else d * (abs(e) - d / 2)


SINGLE = {  # name and primes: the function of numbers, taken entry by entry
    "linear": lambda x: x, "linear'": lambda x: 1.0,
    "sigmoid": sigmoid, "sigmoid'": lambda x: sigmoid(x) * (1 - sigmoid(x)),
    "relu": lambda x: x if x > 0 else 0.0, "relu'": lambda x: 1.0 if x > 0 else 0.0,
    "leaky": leaky, "leaky'": lambda x, a: 1.0 if x > 0 else a, "leaky'2": lambda x, a: 0.0 if x > 0 else x,
    "elu": elu, "elu'": lambda x, a: 1.0 if x > 0 else a * math.exp(x),
    "elu'2": lambda x, a: 0.0 if x > 0 else math.expm1(x),
    "selu": selu, "selu'": selu_slope,
    "gelu": lambda x: x * normal(x), "gelu'": gelu_slope,
    "silu": lambda x: x * sigmoid(x), "silu'": silu_slope,
    "tanh": math.tanh, "tanh'": tanh_slope,
    "softplus": softplus, "softplus'": sigmoid,
    "step": lambda x: 1.0 if x > 0 else 0.0, "step'": lambda x: 0.0,
    "exp": math.exp, "log": math.log, "sqrt": math.sqrt,
    "abs": abs, "abs'": sign,
    "huber_of": huber,
    "huber_of'": lambda e, d: e if abs(e) <= d else d * sign(e),
    "huber_of'2": lambda e, d: 0.0 if abs(e) <= d else abs(e) - d,
}  # fmt: skip


def first_best(better, *numbers):
    """Where the best number stands; of equals the first."""
    best = 0
    for k, number in enumerate(numbers):
        if better(number, numbers[best]):
            best = k
    return best


def larger(a, b):
    return a > b


def smaller(a, b):
    return a < b


# --- vectors and matrices -----------------------------------------------------------------------------------


def shape(value):
    return (len(value), *shape(value[0])) if isinstance(value, list) else ()


def entrywise(function, *values):
    """A function of numbers, entry by entry; a number goes with every entry."""
    sizes = {len(v) for v in values if isinstance(v, list)}
    if not sizes:
        return float(function(*values))
    if len(sizes) > 1:
        raise Unreadable(f"entries do not match: {[shape(v) for v in values]}")
    if len({len(shape(v)) for v in values if isinstance(v, list)}) > 1:
        raise Unreadable(f"shapes do not match: {[shape(v) for v in values]}")
    return [entrywise(function, *(v[i] if isinstance(v, list) else v for v in values)) for i in range(sizes.pop())]


def added(numbers):
    """A sum from left to right."""
    total, *rest = numbers
    for number in rest:
        total = total + number
    return total


def dot(left, right):
    return added([a * b for a, b in zip(left, right, strict=True)])


def transposed(value):
    return [list(column) for column in zip(*value, strict=True)] if len(shape(value)) == 2 else value


def product(left, right):
    """left @ right; a number on the right counts as a vector of one."""
    right = right if isinstance(right, list) else [right]
    if not isinstance(left, list):
        raise Unreadable("a number stands left of @")
    if len(shape(left)) == 1:
        return dot(left, right) if len(shape(right)) == 1 else [dot(left, c) for c in transposed(right)]
    return [product(row, right) for row in left]


def outer(left, right):
    left = left if isinstance(left, list) else [left]
    right = right if isinstance(right, list) else [right]
    return [[a * b for b in right] for a in left]


def flat(value):
    return [x for part in value for x in flat(part)] if isinstance(value, list) else [value]


def softmax(z):
    """e^z_j / Σ e^z_k, with the largest z taken off first."""
    raised = [math.exp(x - max(z)) for x in z]
    below = added(raised)
    return [r / below for r in raised]


def logsumexp(z):
    return max(z) + math.log(added([math.exp(x - max(z)) for x in z]))


WHOLE = {"softmax": softmax, "logsumexp": logsumexp, "total": lambda v: added(flat(v))}


def called(name, args):
    """The value of a function, or of its derivative: name' is by the first argument, name'2 by the second."""
    name = {"σ": "sigmoid"}.get(name.partition("'")[0], name.partition("'")[0]) + "".join(name.partition("'")[1:])
    if name in WHOLE and len(args) == 1:
        return WHOLE[name](*args)
    if name in SINGLE:
        return entrywise(SINGLE[name], *args)
    plain, prime, k = name.partition("'")
    better = {"max": larger, "min": smaller}.get(plain)
    if better is None:
        raise Unreadable(f"no function {name}")
    if prime:
        return entrywise(lambda *xs: float(first_best(better, *xs) == int(k or 1) - 1), *args)
    return entrywise(lambda *xs: xs[first_best(better, *xs)], *args)


FUNCTIONS = {n.partition("'")[0] for n in (*SINGLE, *WHOLE)} | {"max", "min", "σ"}


# --- from text to value -------------------------------------------------------------------------------------


def name_at(text, at, names):
    """The longest name that stands here: no letter or digit may go on behind it, a raised digit may."""
    for end in range(min(len(text), at + LONGEST), at, -1):
        goes_on = text[end : end + 1]
        if (goes_on.isalnum() and goes_on not in RAISED and goes_on != "ᵀ") or goes_on in ("_", "~", "{", "@"):
            continue
        if any(text[at:end] in known for known in names):
            return text[at:end]
    return None


def tokens(text, names=()):
    """(kind, text) of everything in a formula; `names` are mappings or sets of names.

    Raises:
        Unreadable: at a name that is in none of `names`, or at a strange sign.
    """
    found, at = [], 0
    while at < len(text):
        if text[at] == " ":
            at += 1
            continue
        name = name_at(text, at, names) if names and not text[at].isdigit() else None
        function, number = FUNCTION.match(text, at), NUMBER.match(text, at)
        if name:
            found.append(("name", name))
            at += len(name)
        elif function and (function[1] in FUNCTIONS or function[1] in ("sum", "mean")):
            found.append(("function", function[0][:-1]))
            at = function.end() - 1
        elif number:
            found.append(("number", number[0]))
            at = number.end()
        elif text[at] in SIGNS:
            found.append(("sign", text[at]))
            at += 1
        else:
            raise Unreadable(f"{text[at : at + 12]!r} in {text[:80]!r}")
    return [*found, ("end", "")]


class Reader:
    """One formula. `rows` are the names' values in each row, for sum(…) and mean(…) over rows."""

    def __init__(self, text, names=None, rows=()):
        self.names, self.rows = names or {}, rows
        self.tokens = tokens(text, [self.names, *self.rows[:1]])
        self.text, self.at = text, 0

    def value(self):
        found = self.sum()
        if self.tokens[self.at][0] != "end":
            raise Unreadable(f"{self.tokens[self.at]} is left over in {self.text[:120]!r}")
        return found

    def next(self, *signs):
        """The sign that comes next, if it is one of these."""
        kind, text = self.tokens[self.at]
        if kind == "sign" and text in signs:
            self.at += 1
            return text
        return None

    def need(self, sign):
        if not self.next(sign):
            raise Unreadable(f"{sign} expected, not {self.tokens[self.at]} in {self.text[:120]!r}")

    def sum(self):
        total = self.term()
        while sign := self.next("+", "-"):
            other = self.term()
            total = entrywise(lambda a, b: a + b if sign == "+" else a - b, total, other)
        return total

    def term(self):
        value = self.signed()
        while sign := self.next("·", "/", "@", "⊙", "⊗"):
            other = self.signed()
            if sign == "@":
                value = product(value, other)
            elif sign == "⊗":
                value = outer(value, other)
            else:
                value = entrywise((lambda a, b: a / b) if sign == "/" else (lambda a, b: a * b), value, other)
        return value

    def signed(self):
        if self.next("-"):
            return entrywise(lambda x: -x, self.signed())
        return self.power()

    def power(self):
        base = self.after()
        if mark := self.next(*RAISED):
            base = entrywise(math.pow, base, float(RAISED[mark]))
            if self.next("^", *RAISED):
                raise Unreadable(f"a power of a power without brackets in {self.text[:120]!r}")
            return base
        if self.next("^"):
            return entrywise(math.pow, base, self.signed())
        return base

    def after(self):
        value = self.atom()
        while mark := self.next("ᵀ", "["):
            if mark == "ᵀ":
                value = transposed(value)
                continue
            for position in self.listed("]"):
                value = value[int(position) - 1]
        return value

    def listed(self, end):
        found = [self.sum()]
        while self.next(","):
            found.append(self.sum())
        self.need(end)
        return found

    def atom(self):
        kind, text = self.tokens[self.at]
        if self.next("("):
            value = self.sum()
            self.need(")")
            return value
        if self.next("["):
            return self.listed("]")
        self.at += 1
        if kind == "number":
            return float(text)
        if kind == "name":
            return self.names[text]
        if kind == "function" and text in ("sum", "mean"):
            return self.over_rows(text)
        if kind == "function":
            self.need("(")
            return called(text, self.listed(")"))
        raise Unreadable(f"{text or 'the end'} is out of place in {self.text[:120]!r}")

    def over_rows(self, which):
        """sum(…) and mean(…) over the rows, from the first to the last."""
        start, found = self.at, []
        kept = self.names
        for row in self.rows:
            self.at, self.names = start, {**kept, **row}
            self.need("(")
            found.append(self.sum())
            self.need(")")
        self.names = kept
        if not found:
            raise Unreadable(f"{which} over no rows")
        total = entrywise(lambda *row_by_row: added(row_by_row), *found)
        return total if which == "sum" else entrywise(lambda a: a / len(found), total)


def evaluate(text, names=None, rows=()):
    """What a formula is worth: a number, a list, or a list of lists."""
    return Reader(text, names, rows).value()


def is_numeric(text):
    """Whether a formula holds no name: only numbers, signs and functions that everybody knows."""
    try:
        tokens(text)
    except Unreadable:
        return False
    return True


# --- comparing ----------------------------------------------------------------------------------------------


def difference(one, other):
    """The largest relative difference between two values, entry by entry; infinite for different shapes."""
    if shape(one) != shape(other):
        return math.inf
    pairs = zip(flat(one), flat(other), strict=True)
    return max((0.0 if a == b else abs(a - b) / max(abs(a), abs(b)) for a, b in pairs), default=0.0)


def parts_of(line):
    """A line of working: the left side, then (sign, text) of each part; the remark behind it is left out."""
    body = line.strip().split("   ")[0]
    left, *rest = re.split(r" ([=≈←]) ", body)
    return left, list(zip(rest[::2], rest[1::2], strict=True))
