"""Random and broken sheets against the reader: each must end in a network or in an error that helps, in time.

    python tests/fuzz_sheets.py --inputs 100000 --seed 1 --minutes 10

Sheets come from the shipped ones: bytes flipped, words swapped, doubled and dropped, lines of two sheets
spliced, numbers made extreme, odd Unicode put in; and from a small grammar of random lines. What can be read
must be the same when it is written and read again; what builds, is not in letters and is small takes one step
forward and back. Every input may end in a BackhandError with a text; anything else, and anything that takes
longer than --seconds, is an offender: it is written to --keep, and the exit code is 1.
"""

import argparse
import contextlib
import random
import re
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

from backhand.engine.training import steps
from backhand.errors import BackhandError
from backhand.network.build import Problem, build
from backhand.sheet.model import DataFrom
from backhand.sheet.parse import parse
from backhand.sheet.write import write

SHEETS = sorted(Path(__file__).parent.parent.glob("src/backhand/examples/*.bh"))
WORDS = re.findall(
    r"\S+", "title input target const layers start cost rate update mode data from seed of as weights biases"
)
NAMES = [
    "x", "x1", "x_1", "x₁", "w", "w1", "w2", "W1", "W11_2", "W1~_1", "w_{11}^{(2)}", "ŷ", "y\u0302",
    "y", "yd", "a1", "a", "z1", "b1", "σ", "δ", "e", "pi", "N", "C", "L", "max", "rate", "data",
    "input", "in", "var", "µ", "μ", "x^{2}", "名前", "a_{}", "print", "call", "total", "add", "entry",
    "part", "stack", "cut", "z(y)", "number", "array", "ref",
]  # fmt: skip
FUNCTIONS = re.findall(
    r"\S+",
    "sigmoid σ relu leaky elu selu gelu silu tanh softplus softmax step linear exp log sqrt abs max min"
    " sum mean"
    " mse sse mae huber poisson binary_cross_entropy cross_entropy softmax_cross_entropy"
    " g f foo sin total add print",
)
NUMBERS = [
    "0", "1", "2", "-1", "0.5", ".5", "5.", "1e-3", "1e308", "1e-308", "1e309", "5e-324", "-0", "1/3",
    "0/0", "1/0", "3,5", "1_000", "0x10", "nan", "inf", "1e3e3", "٣", "½",
    "999999999999999999999999999999", "0.00000000000000000000000000000001", "1e-400", "−2", "2²", "x²",
]  # fmt: skip
CHARACTERS = "\"';:#()[]{}=+-*/^@,.~_<>|&%$!?\\`·×−⋅⁻²³₁₂→’“”–…∂\t\r\n\x00\x1b\x7f\u200b\u202e"
CHARACTERS += "\ufeff\u2028\ud800éŷσ½名🙂"
DIRT = [
    "\n", ";", "#", '"', "(", ")", "[", "]", "[[", "]]", "->", "**", "^", "data\n", "\ndata\n", "((((",
    "))))", "\r\n", "\r", "\ufeff", " = ", "==", "\n\n", ",", "@", "x[2]", "[1]", "[0]", "[2,1]",
    "[99999999999]", "'", "^(2)", "^{2}",
]  # fmt: skip


class Maker:
    """Makes sheets from random numbers."""

    def __init__(self, seed: int) -> None:
        self.rnd = random.Random(seed)
        self.sheets = [p.read_text("utf-8") for p in SHEETS]
        self.words = sorted({w for s in self.sheets for w in s.replace(",", " , ").split()})

    def sheet(self) -> str:
        """One input."""
        rnd = self.rnd
        kind = rnd.random()
        if kind < 0.25:
            text = self.grammar()
        elif kind < 0.35:
            text = self.splice(rnd.choice(self.sheets), rnd.choice(self.sheets))
        else:
            text = rnd.choice(self.sheets)
        if kind < 0.05 or rnd.random() < 0.1:
            return text
        for _ in range(rnd.choice([1, 1, 1, 2, 3, 8])):
            text = rnd.choice(self.mutations)(self, text)
        return text[:200_000]

    def somewhere(self, text: str) -> int:
        return self.rnd.randint(0, len(text))

    def flip(self, text: str) -> str:
        """A bit of a byte turned over; what is no UTF-8 any more becomes a lone surrogate."""
        raw = bytearray(text.encode("utf-8", "surrogatepass"))
        for _ in range(self.rnd.choice([1, 1, 2, 5])):
            if raw:
                raw[self.rnd.randrange(len(raw))] ^= 1 << self.rnd.randrange(8)
        return raw.decode("utf-8", self.rnd.choice(["surrogateescape", "replace"]))

    def insert(self, text: str) -> str:
        at, rnd = self.somewhere(text), self.rnd
        pool = rnd.choice([DIRT, WORDS, NAMES, FUNCTIONS, NUMBERS, self.words, list(CHARACTERS)])
        piece = rnd.choice(pool) * rnd.choice([1, 1, 1, 2, 70, 500])
        return text[:at] + piece + text[at:]

    def delete(self, text: str) -> str:
        at = self.somewhere(text)
        return text[:at] + text[at + self.rnd.choice([1, 1, 2, 5, 30]) :]

    def tokens(self, text: str) -> str:
        """A word swapped, doubled, dropped or replaced."""
        rnd = self.rnd
        parts = self.cut(text)
        if len(parts) < 2:
            return text
        i, j = rnd.randrange(len(parts)), rnd.randrange(len(parts))
        match rnd.randrange(5):
            case 0:
                parts[i], parts[j] = parts[j], parts[i]
            case 1:
                parts.insert(i, parts[j])
            case 2:
                del parts[i]
            case 3:
                parts[i] = rnd.choice(rnd.choice([WORDS, NAMES, FUNCTIONS, NUMBERS]))
            case 4:
                parts[i] = parts[i] * rnd.choice([2, 3, 100])
        return "".join(parts)

    @staticmethod
    def cut(text: str) -> list[str]:
        parts, word = [], ""
        for char in text:
            if char.isalnum() or char in "_.~":
                word += char
                continue
            if word:
                parts.append(word)
                word = ""
            parts.append(char)
        return [*parts, word]

    def lines(self, text: str) -> str:
        """A line moved, doubled, dropped, joined with the next, or taken from another sheet."""
        rnd, lines = self.rnd, text.split("\n")
        i, j = rnd.randrange(len(lines)), rnd.randrange(len(lines))
        match rnd.randrange(5):
            case 0:
                lines.insert(j, lines.pop(i))
            case 1:
                lines.insert(j, lines[i])
            case 2:
                del lines[i]
            case 3:
                lines[i : i + 2] = [rnd.choice([";", " ", ""]).join(lines[i : i + 2])]
            case 4:
                lines.insert(i, rnd.choice(rnd.choice(self.sheets).split("\n")))
        return "\n".join(lines)

    def splice(self, text: str, other: str = "") -> str:
        other = other or self.rnd.choice(self.sheets)
        return text[: self.somewhere(text)] + other[self.somewhere(other) :]

    def numbers(self, text: str) -> str:
        """Numbers made extreme."""
        parts = self.cut(text)
        places = [i for i, p in enumerate(parts) if p[:1].isdigit()]
        for i in self.rnd.sample(places, min(len(places), self.rnd.choice([1, 2, 10]))):
            parts[i] = self.rnd.choice(NUMBERS)
        return "".join(parts)

    def ends(self, text: str) -> str:
        """Line ends and marks of other systems."""
        return self.rnd.choice(
            [
                text.replace("\n", "\r\n"),
                text.replace("\n", "\r"),
                "\ufeff" + text,
                text.replace(" ", "\u00a0"),
            ]
        )

    mutations = (flip, insert, insert, delete, tokens, tokens, lines, lines, splice, numbers, ends)

    # random lines --------------------------------------------------------------------------------

    def grammar(self) -> str:
        lines = [self.line() for _ in range(self.rnd.choice([1, 3, 6, 12]))]
        if self.rnd.random() < 0.7:
            lines = ["input x, x1", "target yd", *lines]
        if self.rnd.random() < 0.5:
            lines.append(f"start {self.rnd.choice(['he', 'xavier', 'normal', 'zeros', 'uniform'])} seed 1")
        if self.rnd.random() < 0.4:
            lines.append("data\nx, x1, yd\n" + "\n".join(self.row() for _ in range(self.rnd.choice([0, 1, 3]))))
        return "\n".join(lines) + "\n"

    def row(self) -> str:
        return ", ".join(self.rnd.choice(NUMBERS[:12]) for _ in range(3))

    def line(self) -> str:
        rnd = self.rnd
        name, number = rnd.choice(NAMES), rnd.choice(NUMBERS)
        return rnd.choice(
            [
                lambda: f"{name} = {self.formula(3)}",
                lambda: f"{name} = {self.formula(3)}",
                lambda: f"{name} = {rnd.choice(FUNCTIONS)}({self.formula(2)})",
                lambda: f"{name} = {number}",
                lambda: f"{name} = [{number}, {rnd.choice(NUMBERS)}]",
                lambda: f"{name} = [[{number}, 1], [2, 3]]",
                lambda: f"cost {name} = {rnd.choice(FUNCTIONS[21:29])}({self.formula(2)}, {self.formula(1)})",
                lambda: f"cost {name} = {rnd.choice(['mean', 'sum'])}({self.formula(2)}){self.tail()}",
                lambda: f"input {name}[{rnd.choice([1, 2, 3])}]",
                lambda: f'input {name} "{rnd.choice(NAMES)}"',
                lambda: f"target {name}",
                lambda: f"const {name} = {number}",
                lambda: f"layers {name} -> {rnd.choice([number, '2', '3'])} {rnd.choice(FUNCTIONS)} -> 1",
                lambda: f"rate {number}",
                lambda: f"update {rnd.choice(['sgd', 'adam', 'momentum', 'nesterov', 'adamw', name])} {number}",
                lambda: f"mode {rnd.choice(['batch', 'online', 'batches of 2', name])}",
                lambda: f'data from "{rnd.choice(NAMES)}.csv"',
            ]
        )()

    def tail(self) -> str:
        return self.rnd.choice(["", "/2", "/(2*N)", " + 0.1*w^2", "*N", " - w1*w2", f"*{self.formula(1)}"])

    def formula(self, deep: int) -> str:
        rnd = self.rnd
        kind = rnd.random()
        if deep <= 0 or kind < 0.3:
            return rnd.choice(NAMES) if rnd.random() < 0.7 else rnd.choice(NUMBERS)
        if kind < 0.7:
            sign = rnd.choice(["+", "-", "*", "/", "^", "@", "·", " ", "**"])
            return f"{self.formula(deep - 1)} {sign} {self.formula(deep - 1)}"
        if kind < 0.85:
            args = ", ".join(self.formula(deep - 1) for _ in range(rnd.choice([1, 1, 1, 2, 3])))
            return f"{rnd.choice(FUNCTIONS)}({args})"
        if kind < 0.92:
            return f"({self.formula(deep - 1)})"
        if kind < 0.96:
            return f"[{self.formula(deep - 1)}, {self.formula(deep - 1)}]"
        return rnd.choice(["-", "--", "+"]) + self.formula(deep - 1)


def small(problem: Problem) -> bool:
    """Whether one step is quick."""
    network = problem.network
    size = sum(int(np.prod(n.shape)) for n in network.nodes.values())
    rows = problem.table.rows if problem.table else 1
    return len(network.nodes) < 300 and size * rows < 100_000


def outcome(text: str) -> str:
    """What becomes of one input: the name of its end.

    Raises:
        Exception: anything but a BackhandError with a text is an offence.
    """
    try:
        sheet = parse(text, "fuzz.bh")
        if not any(isinstance(s, DataFrom) for s in sheet.statements):
            again = parse(write(sheet), "again.bh")
            assert again.statements == sheet.statements, "written and read again, the sheet says something else"
        problem = build(sheet)
        if problem.network.in_letters:
            return "in letters"
        if not small(problem):
            return "built, large"
        for _ in steps(problem):
            return "one step"
        return "built, no rows"
    except BackhandError as error:
        said = str(error)
        if not error.message or len(said.encode("utf-8")) > 30_000:
            raise ValueError("an error without a text, or with too much of it") from error
        return type(error).__name__


class TooSlow(Exception):
    """An input took longer than it may; raised from outside, so that nothing hangs."""


def _ring(signum: int, frame: object) -> None:
    raise TooSlow


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--inputs", type=int, default=20_000, help="how many sheets")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--minutes", type=float, default=10.0, help="stop after so long, whatever is done")
    options.add_argument("--seconds", type=float, default=1.0, help="how long one sheet may take")
    options.add_argument("--keep", type=Path, default=Path("fuzz-offenders"), help="folder for offenders")
    given = options.parse_args()
    maker = Maker(given.seed)
    counts: Counter[str] = Counter()
    offenders, slowest, slowest_text = [], 0.0, ""
    signal.signal(signal.SIGALRM, _ring)
    begin = time.monotonic()
    for number in range(given.inputs):
        if time.monotonic() - begin > given.minutes * 60:
            break
        text = maker.sheet()
        start = time.perf_counter()
        try:
            signal.setitimer(signal.ITIMER_REAL, 20 * given.seconds)
            end = outcome(text)
        except Exception as error:
            end = f"OFFENCE {type(error).__name__}: {str(error).splitlines()[0][:80] if str(error) else ''}"
            offenders.append((number, end, text))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        took = time.perf_counter() - start
        if took > given.seconds:  # a busy machine is no offence: once more
            start = time.perf_counter()
            with contextlib.suppress(Exception):
                outcome(text)
            took = min(took, time.perf_counter() - start)
            if took > given.seconds:
                offenders.append((number, f"OFFENCE slow: {took:.2f} s", text))
        if took > slowest:
            slowest, slowest_text = took, text
        counts[end] += 1
    if offenders:
        given.keep.mkdir(parents=True, exist_ok=True)
        for number, end, text in offenders[:200]:
            head = f"# {end}\n"
            (given.keep / f"{given.seed}-{number}.bh").write_bytes((head + text).encode("utf-8", "surrogatepass"))
    for end, count in counts.most_common():
        print(f"{count:>8}  {end}")
    line = slowest_text.split("\n")[0][:60]
    print(f"slowest: {slowest:.3f} s, {len(slowest_text):,} characters, begins {line!a}")
    print(
        f"{sum(counts.values()):,} inputs, seed {given.seed}, {time.monotonic() - begin:.0f} s:"
        f" {len(offenders)} offenders{f' in {given.keep}' if offenders else ''}"
    )
    return 1 if offenders else 0


if __name__ == "__main__":
    sys.exit(main())
