"""The course of a run on a page: which steps are written out, what is left out, and where the run ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from ..document.parts import Inline, Page, Text
from ..engine.run import Run
from ..engine.training import Point, Step
from ..network.build import Problem
from ..notation.expr import Ref
from .scene import Scene
from .tables import forward_table

NAMED = 8  # more steps than these are counted, not listed


def holding(problem: Problem, rows: Sequence[int], all_rows: bool, first: int = 1) -> Callable[[int, int], bool]:
    """Whether a step, by its number in the run and its epoch, is one of the first epoch that holds a row asked for."""
    count = problem.table.rows if problem.table else 1
    batches = problem.plan.batches(count) if problem.plan.rate is not None else [range(count)]

    def holds(number: int, epoch: int) -> bool:
        return epoch == first and (all_rows or any(row - 1 in batches[number - 1] for row in rows))

    return holds


def written(run: Run, detail: int, rows: Sequence[int], all_rows: bool) -> list[Step]:
    """The steps to write out: each of a short run; of a long one the first, or those of its first epoch with the rows
    asked for."""
    if len(run.history) <= detail:
        return list(run.steps)
    first = [step for step in run.steps if step.epoch == run.first_epoch]
    held = [step for step in first if all_rows or any(row in step.tape.rows for row in rows)]
    return held or list(run.steps[:1])


def left_out(problem: Problem, run: Run, shown: Sequence[Step], detail: int, rows: Sequence[int]) -> Text:
    """What of a run is not written out, and how it can be seen."""
    per_epoch = max(step for _, step, _ in run.history)
    first = run.first_epoch
    said = f"Of {len(run.history):,} {'steps' if per_epoch > 1 else 'epochs'} only {_which(shown, per_epoch, first)}"
    said += f" {'is' if len(shown) == 1 or _one_epoch(shown, per_epoch, first) else 'are'} written out. "
    ways = []
    if per_epoch > 1:
        ways.append(
            f"`--row R` writes out the step of epoch {first} that holds row R, `--all-rows` the whole epoch {first}"
        )
    if detail // per_epoch:
        ways.append(f"`--epochs {detail // per_epoch}` or fewer writes out every step")
    if problem.network.cost is not None:
        ways.append("`backhand why SHEET NAME --epoch K` derives a partial in epoch K")
    ways.append("`--json` has every number of every step")
    said += "; ".join(ways) + "."
    for row in rows:
        if not any(row in step.tape.rows for step in shown):
            said += f" Row {row} is in none of the steps that were kept."
    return Text((said,), "note")


def _one_epoch(shown: Sequence[Step], per_epoch: int, first: int) -> bool:
    return len(shown) == per_epoch and all(step.epoch == first for step in shown)


def _which(shown: Sequence[Step], per_epoch: int, first: int) -> str:
    """The steps by number: epoch 1; steps 3 and 7 of epoch 1."""
    if _one_epoch(shown, per_epoch, first):
        return f"epoch {first}"
    if per_epoch == 1:
        return _numbered("epoch", [step.epoch for step in shown])
    parts = groupby(shown, key=lambda step: step.epoch)
    return ", ".join(f"{_numbered('step', [s.batch for s in found])} of epoch {epoch}" for epoch, found in parts)


def _numbered(word: str, numbers: list[int]) -> str:
    if len(numbers) > NAMED:
        return f"{len(numbers)} {word}s"
    *first, last = map(str, numbers)
    return f"{word}s {', '.join(first)} and {last}" if first else f"{word} {last}"


def beginning(page: Page, start: Point | None) -> None:
    """By which engine the epochs before the page's first one were worked, if there are any."""
    if start is None:
        return
    before = f"Epochs 1 to {start.epochs:,} were" if start.epochs > 1 else "Epoch 1 was"
    updates = f"{start.updates:,} update{'s' if start.updates > 1 else ''}"
    page.text(f"{before} worked before this page begins: {updates} by the {start.engine}.", kind="note")


def ending(page: Page, problem: Problem, run: Run, rename: Mapping[Ref, Ref], most: int) -> None:
    """Forward again at the weights of the end, or why there are no numbers; then how a descent went."""
    if run.after is not None:
        page.heading(f"After epoch {run.epochs}: forward again")
        tape, _ = run.after
        page.add(forward_table(tape, Scene(tape, None, 0, rename), most))
        page.add(fallen(problem, run, tape.cost))
    elif run.failure is not None:
        page.heading(f"After epoch {run.epochs}: forward again")
        found = run.failure
        wanted = f"; expected {found.expected}, got {found.got}" if found.expected and found.got else ""
        tried = f". Try: {found.hint}" if found.hint else ""
        page.text(f"This cannot be worked any more: {found.message}{wanted}{tried}.", kind="warning")
        return
    if run.tolerance is not None:
        page.add(_descended(problem, run))


def fallen(problem: Problem, run: Run, now: float) -> Text:
    """The cost at the end beside the first one."""
    cost = problem.network.cost
    assert cost is not None
    first = run.history[0][2]
    runs: list[Inline] = [Ref(cost.name)]
    if len(run.history) > 1 and problem.plan.mode != "batch":
        return Text((Ref(cost.name), " over all rows is now ", now, "."), "good")
    if now == first:
        runs += [" stays at ", first, "."]
    else:
        runs += [" falls from " if now < first else " rises from ", first, " to ", now, "."]
    if now > first:
        runs.append(" The rate may be too large." if (problem.plan.rate or 0) > 0 else " The rate is negative: uphill.")
    return Text(tuple(runs), "good" if now <= first else "warning")


def _descended(problem: Problem, run: Run) -> Text:
    """Whether the gradient came down to the tolerance."""
    cost, limit = problem.network.cost, run.tolerance or 0.0
    assert cost is not None
    epochs = f"{run.epochs} epoch{'' if run.epochs == 1 else 's'}"
    if run.stopped:
        when = f"after {epochs}" if run.history else "at the starting values already, and nothing is updated"
        return Text(
            (f"∇{cost.name} is as good as 0 {when}: the largest |∂{cost.name}/∂w| is ", run.reached,
             ", not above ", limit, "."), "good",
        )  # fmt: skip
    return Text(
        (f"Not there yet: after {epochs} the largest |∂{cost.name}/∂w| is ", run.reached, ", still above ", limit,
         ". Try more epochs (--max-epochs) or another rate; a cost without a lowest point never gets there."),
        "warning",
    )  # fmt: skip
