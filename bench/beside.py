"""Beside a process that burns a core: how much longer a step takes than alone.

Alone and beside it take turns, so that a machine that is slow for a while is slow for both.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from work import WORKS

BESIDE = {"W2b-busy": "W2b", "W3-busy": "W3"}
SIDES = ("backhand", "jax", "torch fused")
_BURNER = "while True: pass"


def timed_beside(name: str, given: argparse.Namespace) -> dict:
    """Every side's median seconds of an epoch, alone and beside the other process."""
    found = {}
    for side in SIDES:
        python = sys.executable if side == "backhand" else given.peers
        worker = subprocess.Popen(
            [python, str(Path(__file__).with_name("worker.py")), BESIDE[name], side, ""],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        if worker.stdout.readline().split()[:1] != ["ready"]:
            print(f"{name}: {side} is not here: {worker.stderr.read().strip().splitlines()[-1:]}", file=sys.stderr)
            continue

        def medians(worker: subprocess.Popen = worker) -> float:
            worker.stdin.write("go\n")
            worker.stdin.flush()
            return float(worker.stdout.readline().split()[1])

        alone, busy = [], []
        for _ in range(given.rounds):
            alone.append(medians())
            burner = subprocess.Popen([sys.executable, "-c", _BURNER])
            try:
                busy.append(medians())
            finally:
                burner.kill()
                burner.wait()
        worker.stdin.close()
        worker.wait()
        middle = given.rounds // 2
        found[side] = {"alone": sorted(alone)[middle], "busy": sorted(busy)[middle]}
        print(f"{name}: {side} {found[side]}", file=sys.stderr)
    return found


def beside_lines(name: str, sides: dict) -> list[str]:
    work = WORKS[BESIDE[name]]
    rows = [
        f"| {side} | {f['alone'] * 1e3:.3g} ms | {f['busy'] * 1e3:.3g} ms | {f['busy'] / f['alone']:.2f} |"
        for side, f in sides.items()
    ]
    return [f"## {name}: {work.said}, beside a process that burns a core", "",
            "An epoch, medians. Backhand is to take at most twice as long as alone.", "",
            "| side | alone | beside it | times longer |", "|---|---|---|---|", *rows]  # fmt: skip
