"""`./dev bench marking`: sheets with planted slips are marked, and what was found is counted; into docs/marking.md.

The sheets come from `planted.py`, which works them with NumPy and plain Python and imports nothing of Backhand.
"""

from __future__ import annotations

import argparse
import collections
import time
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import planted
from planted import KNOWN, UNKNOWN

import backhand as bh
from backhand.check.answers import Answer
from backhand.check.marking import Marking, mark

# What the library calls a planted slip, where that is another name: the same number by another way of saying it.
SAME = {
    "factor 2": {"factor 2 left out", "factor 2 too many"},
    "wrong input": {"another column's number", "a of another unit", "wrong input"},
    "wrong input of a gradient": {"another column's number", "a of another unit", "wrong input"},
    "row left out": {"row left out", "gradient of one row"},
    "not updated": {"not updated", "bias not updated"},
    "weight left out": {"weight left out", "factor left out"},
    "input left out": {"input left out", "factor left out"},
    "sign": {"sign", "sign of the error"},
    "sign of the error": {"sign of the error", "sign"},
    "term left out": {"term left out"},
    "softmax left out": {"activation left out"},
}
RIGHT = ("right", "right but rounded")


def marked(person: planted.Person, share: float = 1.0, seed: int = 0) -> Marking:
    """A person's answers marked; with a share below 1 only some were handed in, those with slips among them."""
    random = np.random.default_rng(seed)
    slips = {name for name, _ in person.made}
    handed = [(n, t) for n, t, _ in person.written if n in slips or share >= 1 or random.random() < share]
    return mark(bh.read(person.net.sheet()).problem, [Answer(n, t) for n, t in handed])


def honest(job: tuple[int, int, bool, float]) -> tuple[int, int]:
    """Numbers without a slip, and how many of them are called wrong."""
    seed, figures, full, share = job
    person = planted.planted(seed, (), figures, full)
    if person is None:
        return 0, 0
    found = marked(person, share, seed)
    return len(found.marks), sum(one.verdict not in RIGHT for one in found.marks) + len(found.problems)


def slipped(job: tuple[tuple[str, ...], int, int, float]) -> dict | None:
    """What was found of the slips in one sheet."""
    slips, seed, figures, share = job
    person = planted.planted(seed, slips, figures)
    if person is None:
        return None
    found = marked(person, share, seed)
    marks = {one.name: one for one in found.marks}
    planted_at = [marks[name] for name, _ in person.made]
    first = found.first is not None and found.first in planted_at
    one = planted_at[0]
    names = [cause.slip for cause in one.causes]
    same = SAME.get(slips[0], {slips[0]})
    return {
        "slip": slips[0], "first": first, "all": all(m.verdict == "wrong" for m in planted_at),
        "named": bool(names) and names[0] in same, "inside": one.ambiguous and any(n in same for n in names),
        "any": bool(names), "hidden": any(m.verdict in RIGHT for m in planted_at),
        "others": sum(m.verdict == "wrong" and m not in planted_at for m in found.marks), "numbers": len(found.marks),
    }  # fmt: skip


def percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--sheets", type=int, default=60, help="of each slip and number of figures")
    asked.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "docs" / "marking.md")
    given = asked.parse_args()
    start = time.perf_counter()
    with Pool(2) as pool:
        roundings = {
            (figures, full, share): np.sum(
                pool.map(honest, [(s, figures, full, share) for s in range(4 * given.sheets)], chunksize=8), axis=0
            )
            for figures in (2, 3, 4, 5, 6) for full in (False, True) for share in (1.0, 0.4)
        }  # fmt: skip
        known = {
            figures: _all(pool, [((slip,), seed, figures, 1.0) for slip in KNOWN for seed in range(given.sheets)])
            for figures in (2, 3, 4, 5, 6)
        }
        part = _all(pool, [((slip,), seed, 5, 0.5) for slip in KNOWN for seed in range(given.sheets)])
        unknown = _all(pool, [((slip,), seed, 4, 1.0) for slip in UNKNOWN for seed in range(given.sheets)])
        draw = np.random.default_rng(0)
        pairs = [tuple(map(str, draw.choice(KNOWN, 2, replace=False))) for _ in range(30 * given.sheets)]
        two = _all(pool, [(pair, seed, 5, 1.0) for seed, pair in enumerate(pairs)])
    text = page(roundings, known, part, unknown, two, time.perf_counter() - start)
    given.out.write_text(text)
    print(text)


def _all(pool, jobs: list) -> list[dict]:
    return [one for one in pool.map(slipped, jobs, chunksize=8) if one]


def page(roundings: dict, known: dict, part: list, unknown: list, two: list, seconds: float) -> str:
    """The counts as Markdown."""
    lines = [
        "# Marking: planted slips", "",
        "`./dev bench marking`. Random networks (chains, layers, skips, shared weights; relu, sigmoid, tanh, softmax;"
        " six conventions of the cost; one to three rows) are worked out by a program of its own, each number written"
        f" to some figures and the work gone on with what was written. {seconds:.0f} s on two cores.", "",
        "## Right numbers", "",
        "No slip was planted. *Carried* goes on with the rounded numbers, *full* with all digits; *some* hands in two"
        " fifths of the numbers.", "",
        "| figures | work | numbers | called wrong | share |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for (figures, full, share), (count, wrong) in roundings.items():
        work = ("full" if full else "carried") + (", some" if share < 1 else "")
        lines.append(f"| {figures} | {work} | {count:,} | {wrong} | {percent(wrong, count)} |")
    count, wrong = np.sum(list(roundings.values()), axis=0)
    lines += [f"| all | | {count:,} | {wrong} | {percent(wrong, count)} |", "", "## One slip", ""]
    heads = "| figures | sheets | first wrong step found | named first, or among those as likely | named first"
    lines += [f"{heads} | right but rounded | numbers beside it called wrong |", "|---|---|---|---|---|---|---|"]
    for figures, found in [*known.items(), ("5, half of the numbers handed in", part)]:
        n = len(found)
        named = sum(f["named"] or f["inside"] for f in found)
        lines.append(
            f"| {figures} | {n:,} | {percent(sum(f['first'] for f in found), n)} | {percent(named, n)} |"
            f" {percent(sum(f['named'] for f in found), n)} | {percent(sum(f['hidden'] for f in found), n)} |"
            f" {sum(f['others'] for f in found)} of {sum(f['numbers'] for f in found):,} |"
        )
    lines += ["", "By slip, at 5 figures:", "", "| slip | sheets | first wrong step | named |", "|---|---|---|---|"]
    by_slip = collections.defaultdict(list)
    for found in known[5]:
        by_slip[found["slip"]].append(found)
    for slip, found in by_slip.items():
        named = sum(f["named"] or f["inside"] for f in found)
        lines.append(
            f"| {slip} | {len(found)} | {percent(sum(f['first'] for f in found), len(found))} |"
            f" {percent(named, len(found))} |"
        )
    n, m = len(unknown), len(two)
    lines += [
        "", "## Slips that the library does not know", "",
        f"Thirty of them, {n:,} sheets, 4 figures: the first wrong step is found in"
        f" {percent(sum(f['first'] for f in unknown), n)}, and a cause is named, falsely, in"
        f" {percent(sum(f['any'] for f in unknown), n)}.",
        "", "## Two slips in one sheet", "",
        f"{m:,} sheets, 5 figures: both are found in {percent(sum(f['all'] for f in two), m)}.",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
