"""Variants of an exercise: numbers are drawn until they are friendly and tell every slip apart."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..check.book import Book, Circular, Working
from ..check.library import Library
from ..check.slips import SLIPS
from ..engine.reference import Tape
from ..engine.training import Step, steps
from ..errors import NumberError, ShapeProblem, UsageError
from ..explain.ledger import GIVEN, Ledger
from ..network.build import Problem, build
from ..notation.expr import calls, leaves
from ..sheet.parse import parse
from .exercise import LEAST, Exercise, Item, Plant, items_of, tolerance
from .form import Form, Numbers
from .names import LEVELS
from .telling import Asked, Slip, Telling

SATURATED = {"sigmoid": 3.0, "tanh": 1.8, "softplus": 5.0, "gelu": 3.0, "silu": 5.0, "selu": 6.0, "elu": 6.0}
KINKED = ("relu", "leaky", "elu", "selu", "abs")
NEAR = 0.02  # so close to a kink rounding decides on which side a number is
LARGEST = 1e5
MIXED = 500  # draws that are looked through for units that differ in where they are silent
DRAWS = 3000  # of numbers that are friendly at all, before a form is given up
TRIES = 30  # of friendly numbers, before many slips that make no difference in single places are let pass
FEW = 8  # with no more of them the search goes on, 16 times as long; where a kind is lost everywhere, twice
SMALL = 850  # slips of a form that is searched so long; with more of them a try takes long, too
GENERIC = 8  # draws that tell what is no slip at all
_WIDER = "more rows (--rows 3), another level, or --allow dead,saturated"
COMMON = 5.0  # the prior of slips that are planted


@dataclass(frozen=True)
class Allowed:
    """What an exercise may hold that it otherwise does not."""

    dead: bool = False
    saturated: bool = False


def exercises(
    form: Form, level: str, count: int = 1, seed: int = 1, title: str = "", allowed: Allowed | None = None
) -> Iterator[Exercise]:
    """Variants, numbered from 1; each depends on the seed and its number alone.

    Raises:
        UsageError: no such level, or no numbers were found that make an exercise of this form.
    """
    if level not in LEVELS:
        raise UsageError(f"there is no level `{level}`", expected=", ".join(LEVELS))
    maker = _Maker(form, level, seed, title or "Exercise", allowed or Allowed())
    for number in range(1, count + 1):
        yield maker.made(number)


@dataclass(frozen=True)
class _Draw:
    """Numbers, and how well they tell slips apart.

    Attributes:
        lost: kinds of slips that make no difference anywhere.
        missed: how many single slips make none; `slips` is how many there are.
    """

    numbers: Numbers
    lost: tuple[str, ...]
    missed: int
    slips: int


class _Maker:
    def __init__(self, form: Form, level: str, seed: int, title: str, allowed: Allowed) -> None:
        self.form, self.level, self.seed, self.title, self.allowed = form, level, seed, title, allowed
        if level != "letters" and form.problem.plan.mode != "batch":
            raise UsageError("exercises work all rows at once", hint="leave `mode` out of the sheet")
        if level == "update" and form.problem.plan.rate is None:
            raise UsageError("an update needs a rate", hint="add `rate 0.1` to the sheet")
        self._none: dict[tuple[str, ...], frozenset[Slip]] = {}

    def rng(self, number: int) -> random.Random:
        return random.Random(f"{self.seed} {number}")

    def made(self, number: int) -> Exercise:
        rng = self.rng(number)
        chosen = rng.randrange(10_000)
        title = f"{self.title} {number}"
        if self.level == "letters":
            return self.in_letters(number, title, chosen)
        best: _Draw | None = None
        reason, tries = "", 0
        for drawn in range(DRAWS):
            # from the best so far on, one number at a time; now and then all anew
            numbers = self.form.drawn(rng) if best is None or tries % 12 == 0 else self.form.changed(best.numbers, rng)
            found = self.friendly(numbers, chosen)
            if isinstance(found, str):
                reason = found
                continue
            _, ledgers, items = found
            if drawn < MIXED and not self.allowed.dead and not _mixed(ledgers[0].step.tape):
                continue
            draw = self.missed(numbers, ledgers, items, chosen)
            tries += 1
            if best is None or (len(draw.lost), draw.missed) < (len(best.lost), best.missed):
                best = draw
            few = best.missed <= FEW and best.slips <= SMALL
            most = 2 * TRIES if best.lost else 16 * TRIES if few else TRIES
            if best.missed == 0 or tries >= most:
                break
        if best is None or best.lost:
            lost = f"the slip `{best.lost[0]}` makes no difference" if best else reason
            raise UsageError(
                f"no numbers make an exercise of this form: {lost}",
                hint=self.hint(),
            )
        return self.finished(number, title, best, chosen, rng)

    def finished(self, number: int, title: str, draw: _Draw, chosen: int, rng: random.Random) -> Exercise:
        """The exercise, its key worked from its own text."""
        text = self.form.text(draw.numbers, title)
        problem = build(parse(text, "the exercise"))
        items = items_of(self.level, self.ledgers(problem), chosen)
        plant = self.planted(problem, rng) if self.level == "mistake" else None
        told = draw.slips - draw.missed
        return Exercise(
            number, self.level, self.seed, title, text, problem, tuple(items), plant, None, told, draw.missed
        )

    def hint(self) -> str:
        """What to try where no numbers were found."""
        if self.level == "update":
            return "another --rate, mostly a larger one, or another level"
        if self.form.given is not None:
            return "other numbers or more rows in the sheet, another level, or --allow dead,saturated"
        return _WIDER

    def in_letters(self, number: int, title: str, chosen: int) -> Exercise:
        refs = [ref for node in self.form.network.parameters for ref in node.entries()]
        text = self.form.text(None, title)
        try:
            problem = build(parse(text, "the exercise"))
        except ShapeProblem:  # how large its matrices are is said by their values alone
            text = self.form.text(Numbers(self.form.given or {}, {}), title)
            problem = build(parse(text, "the exercise"))
        ref = refs[(chosen + number) % len(refs)]
        return Exercise(number, self.level, self.seed, title, text, problem, derive=ref)

    # numbers that are friendly --------------------------------------------------------------------------------

    def ledgers(self, problem: Problem) -> list[Ledger]:
        """The ledgers of the first step, and of the second where the level asks for it."""
        epochs = 2 if self.level == "update" else 1
        found: list[Step] = []
        for step in steps(problem, epochs):
            if step.batch == 1:
                found.append(step)
            if len(found) == epochs:
                break
        return [Ledger(problem, step) for step in found]

    def friendly(self, numbers: Numbers, chosen: int) -> tuple[Problem, list[Ledger], list[Item]] | str:
        """The problem at these numbers, or why nobody would like to work it."""
        problem = self.form.with_numbers(numbers)
        try:
            ledgers = self.ledgers(problem)
            tape = ledgers[0].step.tape
            if not self.allowed.dead and _dead(tape):
                return "units that are silent in every row"
            if not self.allowed.saturated and _saturated(tape):
                return "saturated units"
            if _near_a_kink(tape):
                return "numbers too near a kink"
            items = items_of(self.level, ledgers, chosen)
        except NumberError as problem_found:
            return problem_found.message
        if not any(item.value for item in items):
            return "every answer is 0"
        if any(item.value and abs(item.value) < LEAST for item in items):
            return f"answers below {LEAST:g}"
        if self.form.given is None and any(abs(item.value) > LARGEST for item in items):
            return f"answers above {LARGEST:g}"
        return problem, ledgers, items

    # slips ----------------------------------------------------------------------------------------------------

    def missed(self, numbers: Numbers, ledgers: list[Ledger], items: list[Item], chosen: int) -> _Draw:
        """Which slips make no difference with these numbers."""
        same: Counter[tuple[str, str]] = Counter()
        kinds: Counter[tuple[str, str]] = Counter()
        for at, ledger in enumerate(ledgers):
            asked = _asked(ledger, items, at)
            if asked:
                telling = Telling(ledger, Book(ledgers[0], Working()) if at else None, asked, tolerance)
                none = self.none(chosen)
                same += Counter((ledger[key].kind, slip) for key, slip, _ in telling.untold(none))
                kinds += telling.kinds(none)
        lost = tuple(slip for (kind, slip), count in same.items() if count >= kinds[kind, slip])
        return _Draw(numbers, lost, same.total(), kinds.total())

    def none(self, chosen: int) -> frozenset[Slip]:
        """What is no slip at all in this form: it makes no difference whatever the numbers are."""
        name = (self.wanted(chosen),)
        if name not in self._none:
            rng = random.Random(f"generic {self.seed}")
            common: frozenset[Slip] | None = None
            found = 0
            for _ in range(20 * GENERIC):
                try:
                    ledgers = self.ledgers(self.form.with_numbers(self.form.drawn(rng)))
                    same: dict[Slip, object] = {}
                    for at, ledger in enumerate(ledgers):
                        asked = _asked(ledger, items_of(self.level, ledgers, chosen), at)
                        before = Book(ledgers[0], Working()) if at else None
                        if asked:
                            exactly = Telling(ledger, before, asked, lambda value: 1e-9 * abs(value))
                            same |= exactly.untold(frozenset())
                except NumberError:
                    continue
                common = frozenset(same) if common is None else common & frozenset(same)
                found += 1
                if found == GENERIC:
                    break
            self._none[name] = common or frozenset()
        return self._none[name]

    def wanted(self, chosen: int) -> str:
        """Which partial is asked for, where it is one."""
        return str(chosen % max(1, self.form.network.parameter_count)) if self.level == "partial" else ""

    # the mistake ----------------------------------------------------------------------------------------------

    def planted(self, problem: Problem, rng: random.Random) -> Plant:
        """A worked solution with one slip in it, followed through."""
        ledger = self.ledgers(problem)[0]
        items = items_of(self.level, [ledger])
        book = Book(ledger, Working(), sharp=True)
        library = Library(book)
        keys = list(dict.fromkeys(item.key for item in items))
        keys += [p for key in keys for p in ledger[key].parents if p.startswith("∂")]
        for _ in range(400):
            key = rng.choice(keys)
            if ledger[key].kind == GIVEN or not (variants := library.variants(key)):
                continue
            likely = [v for v in variants if not v.general and SLIPS[v.slip].prior >= COMMON]
            if not likely:
                continue
            variant = rng.choice(likely)
            wrong = book.with_edits({key: variant.flat})
            try:
                shown = [(item, _at(wrong.number(item.key).numbers, item, ledger)) for item in items]
            except Circular:
                continue
            different = [
                k for k, (item, value) in enumerate(shown) if not abs(value - item.value) <= 4 * tolerance(item.value)
            ]
            most = 100 * max(1.0, *(abs(item.value) for item in items))
            sensible = all(np.isfinite(value) and abs(value) <= most for _, value in shown)
            if (
                sensible
                and different
                and different[0] > 1
                and ledger[key].by_row == (items[different[0]].row is not None)
            ):
                cost = problem.network.cost
                assert cost is not None
                text = variant.text if ledger.count > 1 and cost.mean else variant.text.replace("∂L/", f"∂{cost.name}/")
                return Plant(tuple(shown), different[0] + 1, variant.slip, text)
        raise UsageError("no slip can be planted in this exercise", hint="a larger network")


def _at(numbers: np.ndarray, item: Item, ledger: Ledger) -> float:
    row = ledger.rows.index(item.row) if item.row is not None else 0
    return float(numbers[row if len(numbers) > 1 else 0])


def _asked(ledger: Ledger, items: list[Item], step: int) -> list[Asked]:
    return [Asked(i.key, ledger.rows.index(i.row) if i.row is not None else 0) for i in items if i.step == step]


def _each(tape: Tape, wanted: Callable[[str], bool]) -> Iterator[tuple[str, np.ndarray]]:
    """The z of every function of some kind, in every row."""
    for node in tape.network.equations:
        assert node.formula is not None
        for call in calls(node.formula):
            if wanted(call.op) and not call.prime and any(True for _ in leaves(call)):
                yield call.op, tape.work(call.args[0])


def _dead(tape: Tape) -> bool:
    return any((np.all(z <= 0, axis=0)).any() for _, z in _each(tape, lambda op: op == "relu"))


def _mixed(tape: Tape) -> bool:
    """Whether each ReLU is on in two rows or more and off in one, no two of a layer alike.

    A unit that is on everywhere tells nobody who forgot its slope, one that is on once has the gradient of that row.
    Fewer than three rows cannot have it; there it is not asked for.
    """
    on = [column > 0 for _, z in _each(tape, lambda op: op == "relu") for column in np.reshape(z, (len(z), -1)).T]
    if not on or tape.count < 3:
        return True
    patterns = {column.tobytes() for column in on}
    possible = 2**tape.count - tape.count - 2
    return all(column.sum() > 1 and not column.all() for column in on) and len(patterns) == min(len(on), possible)


def _saturated(tape: Tape) -> bool:
    return any((np.abs(z) > SATURATED[op]).any() for op, z in _each(tape, lambda op: op in SATURATED))


def _near_a_kink(tape: Tape) -> bool:
    return any((np.abs(z) < NEAR).any() for _, z in _each(tape, lambda op: op in KINKED))
