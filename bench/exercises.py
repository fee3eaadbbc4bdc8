"""A thousand variants: each solved by the engine from its own text, and no slip may give the right answers.

`./dev bench exercises` writes docs/exercises.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from pathlib import Path

import backhand as bh
from backhand.quiz.page import key_lines

PLACE = Path(__file__).parent.parent / "docs" / "exercises.md"
FORMS = {
    "2-2-1 sigmoid, all partials": {"level": "partials"},
    "2-2-1 sigmoid, one partial": {"level": "partial"},
    "2-2-1 sigmoid, forward": {"level": "forward"},
    "2-2-1 sigmoid, batch of 3": {"level": "batch"},
    "2-2-1 tanh, half the squared error, all partials": {"level": "partials", "activations": ("tanh",), "cost": "half"},
    "2-2-1 ReLU, all partials": {"level": "partials", "activations": ("relu",)},
}


ABOUT = """\
{variants:,} variants by `./dev bench exercises`. Each is read from its own text, and its key marked by `check`. A slip
is an edit of the marking library in one step (in the formula of one weight, of one unit), followed through to the
answers; it is told where an answer moves by more than twice what it may be off (half a percent). With a seed of its
own each variant also finds out anew which edits are no slips in its form; within one set that is done once."""
SILENT = """\
Who leaves out a row or a path whose share is exactly 0, as that of a silent unit, makes no slip and is not counted."""
HEADS = (
    "| form | variants | keys right | slips told | without effect | telling every slip | seconds: median, worst |",
    "|---|---:|---:|---:|---:|---:|---:|",
)


def made(job: tuple[str, int]) -> tuple[str, float, bool, int, int]:
    """One variant: its seconds, whether its key is right, slips told, slips without effect."""
    name, seed = job
    begun = time.perf_counter()
    (exercise,) = bh.exercises(seed=seed, **FORMS[name]).exercises
    seconds = time.perf_counter() - begun
    right = set(bh.read(exercise.text).check(key_lines(exercise)).verdicts.values()) == {"right"}
    return name, seconds, right, exercise.slips, exercise.vacuous


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, default=1000)
    variants = parser.parse_args().variants
    jobs = [(list(FORMS)[k % len(FORMS)], k) for k in range(variants)]
    with multiprocessing.get_context("fork").Pool() as pool:
        found = list(pool.imap_unordered(made, jobs, chunksize=4))
    lines = ["# Exercises", "", ABOUT.format(variants=variants), "", *HEADS]
    for name in FORMS:
        of = [f for f in found if f[0] == name]
        seconds = [f[1] for f in of]
        told, none = sum(f[3] for f in of), sum(f[4] for f in of)
        every = sum(f[4] == 0 for f in of)
        lines.append(
            f"| {name} | {len(of)} | {sum(f[2] for f in of)} | {told:,} | {none:,} | {every} |"
            f" {statistics.median(seconds):.2f}, {max(seconds):.1f} |"
        )
    lines += ["", SILENT, ""]
    PLACE.write_text("\n".join(lines), "utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
