"""Holds printed pages against themselves and against the JSON of the same run. Works on text alone.

Each line of working on a page, `left = letters = numbers = result`, is cut at its signs. Parts without a name
in them are numeric: each is worked out by tests/evaluator.py and compared with the next one. Parts in letters
are worked out with the numbers that the JSON has for their names.
"""

import itertools
import math
import re
from dataclasses import dataclass, field

from evaluator import Unreadable, difference, entrywise, evaluate, is_numeric, parts_of

SIGN = re.compile(r" [=≈←] ")
EXACT, NOISE = 1e-12, 1e-15


@dataclass
class Tally:
    """What was looked at, and what was wrong."""

    steps: int = 0
    links: int = 0  # numeric parts held against the next one
    letters: int = 0  # parts in letters worked out from the JSON
    looked_up: int = 0  # numbers in tables and in the text, held against the JSON
    cut: int = 0  # lines with … in them
    complaints: list[str] = field(default_factory=list)

    def complain(self, what, line):
        self.complaints.append(f"{what}: {line.strip()[:400]}")

    def add(self, other):
        self.steps += other.steps
        self.links += other.links
        self.letters += other.letters
        self.looked_up += other.looked_up
        self.cut += other.cut
        self.complaints += other.complaints


def working(text):
    """The lines of a page that are work: two spaces, then something with a sign in it."""
    return [line for line in text.splitlines() if line.startswith("  ") and SIGN.search(line)]


def uncut(part):
    return part.replace(", …", "").replace(" + …", "")


def certify(text, steps, digits=None, may_cut=False):
    """Every line of working of a page at some digits (None: all of them).

    Args:
        steps: how many lines of working the page should have.
        may_cut: whether arrays are too large to be printed in full.
    """
    tally = Tally()
    for line in working(text):
        left, parts = parts_of(line)
        numeric = [is_numeric(uncut(part)) for _, part in parts]
        if not any(numeric):
            continue  # a formula in letters
        tally.steps += 1
        written = [left, *(part for _, part in parts)]
        if is_numeric(left) or numeric != sorted(numeric):
            tally.complain("letters after numbers", line)
        if any(a == b for a, b in itertools.pairwise(written)):
            tally.complain("the same twice", line)
        if [sign for sign, _ in parts][1:].count("←") or (parts[0][0] == "≈"):
            tally.complain("a strange sign", line)
        if "…" in line:
            tally.cut += 1
            if digits is None and not may_cut:
                tally.complain("cut at full digits", line)
            continue
        try:
            compare(tally, line, parts[numeric.index(True) :], digits)
        except (Unreadable, ArithmeticError, ValueError, TypeError, IndexError) as problem:
            tally.complain(f"unreadable ({problem!r})", line)
    if tally.steps != steps:
        tally.complain(f"{tally.steps} lines of working and {steps} steps", text[:80])
    return tally


def compare(tally, line, parts, digits):
    values = [valued(part, digits) for _, part in parts]
    for (sign, _), before, after in zip(parts[1:], values, values[1:], strict=False):
        tally.links += 1
        if digits is None:
            if before != after:
                tally.complain(f"worth {before}, not {after}", line)
            if sign != "=":
                tally.complain(f"{sign} at full digits", line)
            continue
        apart = difference(before, after)
        if sign == "=" and not apart <= EXACT:
            tally.complain(f"= between {before} and {after}", line)
        if sign == "≈" and apart <= NOISE:
            tally.complain(f"≈ between {before} and {after}", line)


def valued(part, digits):
    """What a part is worth; nan where rounding has made a divisor or a logarithm's number 0."""
    try:
        return evaluate(part)
    except (ArithmeticError, ValueError):
        if digits is None:
            raise
        return math.nan


# --- letters and JSON ---------------------------------------------------------------------------------------


class Run:
    """The numbers of a run by name, from its JSON alone.

    Args:
        data: what `--json` gives.
        letters: of a row's own cost, where it is the only row of its step and where it is not.
        constants: what the sheet's `const` lines say.
    """

    def __init__(self, data, letters, constants):
        self.data, self.constants, self.letters = data, constants, letters
        self.cost = data["cost"]["name"]

    def own(self, step):
        return self.letters[len(step["rows"]) > 1]

    def parameters(self, step):
        return step["update"]["before"] if step["update"] else self.data["parameters"]

    def row(self, step, row):
        """The names of one row: inputs, values, parameters, and the partials of its own cost."""
        own, names = self.own(step), {"N": float(len(step["rows"]))} | self.constants | self.parameters(step)
        names |= row["inputs"] | row["values"] | {own: row["cost"]}
        return names | {f"∂{own}/∂{name}": g for name, g in row["gradients"].items()}

    def rows(self, step):
        return [self.row(step, row) for row in step["rows"]]

    def whole(self, step):
        """The names of a whole step: C, ∂C/∂w, and C@2 and ∂L/∂w@2 of each row."""
        names = {"N": float(len(step["rows"])), self.cost: step["cost"]} | self.constants | self.parameters(step)
        own = self.own(step)
        for row in step["rows"]:
            names[f"{own}@{row['row']}"] = row["cost"]
            names |= {f"∂{own}/∂{name}@{row['row']}": g for name, g in row["gradients"].items()}
        return names | {f"∂{self.cost}/∂{name}": step["gradients"][name] for name in self.parameters(step)}

    def update(self, step, before):
        """The names of an update: η, t, and the rule's own numbers; `before` is the step before this one."""
        update = step["update"]
        state = (before["update"]["state"] if before else None) or {}
        names = self.whole(step) | {"η": update["rate"], "t": float(update["state"].get("t", 0))}
        return names | update.get("settings", {}), state


EPOCH = re.compile(r"Epoch (\d+)(?:, step (\d+) .*)?$")
ROW = re.compile(r"(Forward|Backward), row (\d+)$")
KEPT = re.compile(r"(v|s|m|m̂|ŝ)\((.*)\)$")


def substitution(text, run, last_digit=0.0):
    """Every line of a page of `show` in letters, worked out with the numbers of the JSON; at full digits.

    Args:
        last_digit: how far a left side's number may be from the line's, where a view adds up in an order of its own.
    """
    tally, names, rows, step, state, updating = Tally(), None, (), None, {}, False
    steps = {(s["epoch"], s["batch"]): s for s in run.data["steps"]}
    ordered = list(steps.values())
    for line in text.splitlines():
        if found := EPOCH.match(line):
            step = steps[int(found[1]), int(found[2] or 1)]
        elif found := ROW.match(line):
            names = run.row(step, next(r for r in step["rows"] if r["row"] == int(found[2])))
        elif line in ("The whole cost", "The gradient of the whole cost"):
            names, rows = run.whole(step), run.rows(step)
        elif line == "The update":
            before = ordered[ordered.index(step) - 1] if step is not ordered[0] else None
            names, state = run.update(step, before)
        elif line.startswith(("After epoch", "The batch form", "Function, derivative")):
            names = None
        elif line.startswith("Questions"):
            names = run.row(ordered[0], ordered[0]["rows"][0]) if ordered else None
        if line == "The update" or line.startswith(("After epoch", "Questions", "Epoch", "Function, derivative")):
            updating = line == "The update"
        if names is None or not line.startswith("  ") or not SIGN.search(line):
            continue
        if updating:
            names = names | remembered(line, state, step, run)
        worked_out(tally, line, names, rows, left_too=not updating, last_digit=last_digit)
        if updating and KEPT.match(parts_of(line)[0]):
            names = names | {parts_of(line)[0]: evaluate(parts_of(line)[1][-1][1])}
    return tally


def remembered(line, state, step, run):
    """What is kept from the step before, v(b), for the parameter that an update's line is about; 0 at first."""
    left, _ = parts_of(line)
    found = KEPT.match(left)
    if found is None or found[1] not in ("v", "s", "m"):
        return {}
    if found[1] not in state:
        return {left: entrywise(lambda _: 0.0, evaluate(found[2], run.parameters(step)))}
    return {left: evaluate(found[2], state[found[1]])}


def worked_out(tally, line, names, rows, left_too, last_digit=0.0):
    """One line: everything in it that is in letters is worth its result."""
    left, parts = parts_of(line)
    result = evaluate(parts[-1][1])
    for part in [*([left] if left_too else []), *(p for _, p in parts)]:
        if is_numeric(part):
            continue
        tally.letters += 1
        try:
            value = evaluate(part, names, rows)
        except (Unreadable, ArithmeticError, ValueError, TypeError, IndexError) as problem:
            tally.complain(f"{part} has no value ({problem!r})", line)
            continue
        if value != result and (part != left or difference(value, result) > last_digit):
            tally.complain(f"{part} is {value}, not {result}", line)


# --- tables and text ------------------------------------------------------------------------------------------


SAID = re.compile(r"(?<![·+@] )(\S+) = (-?\d+(?:\.\d+)?(?:e-?\d+)?|\[[-\d., e\[\]]*\])(?=[,;.]? |[,;.]?$)")


def lookups(text, run):
    """Every number of the tables, and every `name = number` in the text, against the JSON; at full digits."""
    tally, step, row = Tally(), None, None
    steps = {(s["epoch"], s["batch"]): s for s in run.data["steps"]}
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if found := EPOCH.match(line):
            step = steps[int(found[1]), int(found[2] or 1)]
        elif line.startswith("After epoch"):
            return tally
        elif found := ROW.match(line):
            row = next(r for r in step["rows"] if r["row"] == int(found[2]))
        if step and line.startswith(("Forward, a row", "Gradients, a row")):
            table(tally, lines[at + 1 :], run, step)
        elif line.startswith("Row ") and row:
            said(tally, line, run.row(step, row))
        elif line.startswith(("Starting values", "Parameters")):
            said(tally, line, run.data["parameters"])
    return tally


def said(tally, line, names):
    for found in SAID.finditer(line):
        same(tally, line, evaluate(found[1], names), evaluate(found[2].strip()))


def table(tally, lines, run, step):
    """A row per example; the last line of the gradients may be of the whole cost."""
    heads = re.split(r"  +", lines[0].strip())[1:]
    rows = {str(row["row"]): run.row(step, row) for row in step["rows"]}
    whole = run.whole(step)
    for line in lines[1:]:
        name, *cells = re.split(r"  +", line.strip())
        if not line.startswith("  ") or len(cells) != len(heads):
            return
        for head, cell in zip(heads, cells, strict=True):
            if name in rows:
                same(tally, line, evaluate(head, rows[name]), evaluate(cell))
            else:
                same(tally, line, evaluate(head.replace(f"∂{run.own(step)}/", f"∂{run.cost}/"), whole), evaluate(cell))


def same(tally, line, known, written):
    tally.looked_up += 1
    if known != written:
        tally.complain(f"{written} is written for {known}", line)


def substitution_of_why(text, why, run, row):
    """Every line of a page of `why` in letters, with the numbers of the JSON of `show` and of its own factors.

    Args:
        row: the first row that the page is about.
    """
    tally, step = Tally(), run.data["steps"][0]
    by_row = {r["row"]: run.row(step, r) for r in step["rows"]}
    factors = {}
    for path in why["paths"]:
        of_row = factors.setdefault(path["row"], {})
        of_row |= {f["symbol"]: f["value"] for f in path["factors"]}
    section = ""
    for line in text.splitlines():
        if line and not line.startswith(" "):
            section = line
        if not line.startswith("  ") or not SIGN.search(line):
            continue
        remark = re.search(r"   row (\d+)$", line)
        on_path = section.startswith(("Path by path", "There "))
        here = int(remark[1]) if remark else row
        names = run.whole(step) | by_row[here]
        if on_path:
            names |= factors.get(None if line.endswith("the penalty") else here, {})
        left = parts_of(line)[0]
        if any(is_numeric(part) for _, part in parts_of(line)[1]):
            worked_out(tally, line, names, run.rows(step), left_too=on_path and "·" in left)
    return tally
