"""Times Backhand beside its peers: interleaved, in one run, the results checked for equality first.

    ./dev bench [WORK …] [--rounds N] [--sides a,b]

Each side works in a process of its own; in every round each is told to time itself once, one after the other. Peers'
best ÷ Backhand's best, and the medians, go to docs/bench.json and docs/bench.md.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from beside import BESIDE, beside_lines, timed_beside
from whole import WHOLE, timed_whole
from work import GOALS, WORKS, operations

from backhand.engine.compiled import limit

HERE = Path(__file__).parent
SKIPPED = {  # what a side cannot do, or what would only repeat another
    "W1": ("torch fused", "scikit-learn", "torch compiled"),
    "W1-1024": ("torch eager", "torch fused", "torch compiled", "torch whole step", "scikit-learn", "numpy"),
    "W5": ("torch fused", "torch whole step", "scikit-learn", "numpy"),
    "W5-fresh": ("torch fused", "torch whole step", "scikit-learn", "numpy"),
    "W6": ("torch compiled", "torch whole step"),
    "W4": ("scikit-learn",),
}
LABELS = {("W6", "torch fused"): "torch eager, 4,096 rows at a time"}
SIDES = (
    "backhand", "jax", "torch eager", "torch fused", "torch compiled", "torch whole step", "scikit-learn", "numpy",
    "micrograd",
)  # fmt: skip


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("works", nargs="*", default=[*WORKS, *BESIDE, *WHOLE])
    asked.add_argument("--rounds", type=int, default=7)
    asked.add_argument("--sides", default=",".join(SIDES))
    asked.add_argument("--peers", default=sys.executable, help="the Python that has the peers")
    asked.add_argument("--out", type=Path, default=HERE.parent / "docs")
    given = asked.parse_args()
    timers = {**dict.fromkeys(WORKS, timed), **dict.fromkeys(WHOLE, timed_whole), **dict.fromkeys(BESIDE, timed_beside)}
    found = {name: timers[name](name, given) for name in given.works}
    given.out.mkdir(exist_ok=True)
    path = given.out / "bench.json"
    old = json.loads(path.read_text()) if path.exists() else {"works": {}}
    limits = {threads: limit(threads=threads) for threads in (1, 2)}
    works = {name: {**old["works"], **found}[name] for name in timers if name in {**old["works"], **found}}
    whole = {"machine": machine(), "rounds": given.rounds, "limits": limits, "works": works}
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    (given.out / "bench.md").write_text(page(whole))
    (given.out / "bench.svg").write_text(picture(whole))
    print(page(whole))


def timed(name: str, given: argparse.Namespace) -> dict:
    """Every side's best and median seconds, round by round."""
    skipped, workers, found = SKIPPED.get(name, ()), {}, {}
    skipped = skipped if name == "W1" else (*skipped, "micrograd")
    with tempfile.TemporaryDirectory() as folder:
        for side in given.sides.split(","):
            if side in skipped:
                continue
            python = sys.executable if side in ("backhand", "numpy") else given.peers
            worker = subprocess.Popen(
                [python, str(HERE / "worker.py"), name, side, f"{folder}/reference.npy"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            said = worker.stdout.readline().split()
            if said[:1] != ["ready"]:
                print(f"{name}: {side} is not here: {worker.stderr.read().strip().splitlines()[-1:]}", file=sys.stderr)
                continue
            if not (side == "scikit-learn" or float(said[1]) <= WORKS[name].apart):
                print(f"{name}: {side} is {said[1]} from Backhand's numbers: not timed", file=sys.stderr)
                worker.kill()
                continue
            workers[side], found[side] = worker, {"apart": float(said[1]), "best": [], "median": []}
            print(f"{name}: {side} is ready, {float(said[1]):.1e} from Backhand's numbers", file=sys.stderr)
        for _ in range(given.rounds):
            for side, worker in workers.items():
                worker.stdin.write("go\n")
                worker.stdin.flush()
                best, median = map(float, worker.stdout.readline().split())
                found[side]["best"].append(best)
                found[side]["median"].append(median)
        for worker in workers.values():
            worker.stdin.close()
            worker.wait()
    return {
        side: {"apart": f["apart"], "best": min(f["best"]), "median": sorted(f["median"])[len(f["median"]) // 2]}
        for side, f in found.items()
    }


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (
        f"{names[0] if names else platform.processor()}, {len(names) or '?'} cores, Python {platform.python_version()}"
    )


def page(whole: dict) -> str:
    """The ratios as Markdown."""
    limits = {int(threads): speed for threads, speed in whole["limits"].items()}
    lines = [
        "# Benchmarks", "",
        f"{whole['machine']}. Each side in a process of its own; the sides of a work take turns in one run, over"
        f" {whole['rounds']} rounds in the last one. Works may be from different runs. Before that every side's weights"
        " (or predictions) are compared with Backhand's: `apart` is the largest difference. `numpy` is Backhand's own"
        " engine for machines without a compiler. The goals are for the best times.", "",
        "The most multiply-adds that this machine does, measured in the last run and counted as two operations:"
        f" {limits[1] / 1e9:.0f} GFLOP/s on one core, {limits[2] / 1e9:.0f} on two.", "",
        "![Each side's time in Backhand's, on a logarithmic scale](bench.svg)", "",
    ]  # fmt: skip
    for name, sides in whole["works"].items():
        if name in BESIDE:
            lines += [*beside_lines(name, sides), ""]
            continue
        lines += _whole_lines(name, sides) if name in WHOLE else _work_lines(name, sides, limits)
        for side, f in sides.items():
            if side != "backhand":
                mine = sides["backhand"]
                best, median = f["best"] / mine["best"], f["median"] / mine["median"]
                last = f["said"] if name in WHOLE else f"{f['apart']:.1e}"
                goal = GOALS.get((name, side))
                aim = f"{goal:,}" if goal else ""
                row = (LABELS.get((name, side), side), f"{best:.3g}", f"{median:.3g}", aim, last)
                lines.append(f"| {' | '.join(row)} |")
        lines.append("")
    return "\n".join([*lines, (HERE / "reasons.md").read_text()])


def _work_lines(name: str, sides: dict, limits: dict[int, float]) -> list[str]:
    work, mine = WORKS[name], sides["backhand"]
    unit = {"train": "an epoch", "steps": "a step", "predict": "a pass", "rows": "a pass"}[work.kind]
    per, speed = mine["best"] / work.networks, ""
    if work.kind in ("train", "predict"):
        reached = operations(work) / mine["best"]
        speed = f", {reached / 1e9:.0f} GFLOP/s, {reached / limits[work.threads]:.2f} of the limit"
    shown = f"{per * 1e3:.3g} ms" if per > 1e-3 else f"{per * 1e9:.3g} ns"
    head = "| side | times slower (best) | times slower (median) | goal | apart |"
    return [f"## {name}: {work.said}", "",
            f"Backhand: {shown} {unit}{' of one network' if work.networks > 1 else ''} at best{speed}.", "",
            head, "|---|---|---|---|---|"]  # fmt: skip


def _whole_lines(name: str, sides: dict) -> list[str]:
    mine = sides["backhand"]
    said = f" ({mine['said']})" if mine["said"] else ""
    return [f"## {name}: {WHOLE[name]}", "",
            f"Backhand: {mine['best']:.2f} s at best, {mine['median']:.2f} s in the middle{said}.", "",
            "| side | times slower (best) | times slower (median) | goal | |", "|---|---|---|---|---|"]  # fmt: skip


def picture(whole: dict) -> str:
    """A bar for each side of each work: how many times longer it takes, on a logarithmic scale."""
    parts, y, wide = [], 30, 560

    def at(ratio: float) -> float:
        return 130 + wide * math.log10(max(ratio, 0.1) * 10) / 5  # from 0.1 to 10,000 times

    for name, sides in whole["works"].items():
        if name in BESIDE:
            continue
        parts.append(f'<text x="8" y="{y + 4}" font-weight="bold">{name}</text>')
        for side, f in sides.items():
            if side == "backhand":
                continue
            ratio = f["best"] / sides["backhand"]["best"]
            left, right = sorted((at(1), at(ratio)))
            color = "#3b6ea5" if ratio >= 1 else "#b0413e"
            parts.append(f'<text x="122" y="{y + 4}" text-anchor="end">{side}</text>')
            parts.append(
                f'<rect x="{left:.1f}" y="{y - 6}" width="{max(right - left, 1):.1f}" height="11" fill="{color}"/>'
            )
            parts.append(f'<text x="{right + 4:.1f}" y="{y + 4}">{ratio:.3g}</text>')
            y += 16
        y += 12
    lines = [
        f'<line x1="{at(r):.1f}" x2="{at(r):.1f}" y1="16" y2="{y}" stroke="#ccc"/><text x="{at(r):.1f}" y="12"'
        f' text-anchor="middle">{r:,}</text>'
        for r in (1, 10, 100, 1000, 10_000)
    ]
    font = 'font-family="sans-serif" font-size="11"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{y + 10}" {font}>'
    title = "<title>How many times longer than Backhand each side takes, by its best</title>"
    return "\n".join([head, title, '<rect width="100%" height="100%" fill="#fff"/>', *lines, *parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
