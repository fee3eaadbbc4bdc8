"""Whole processes timed: from the command line to the first step, and to a model of a real table that errs little.

The table is scikit-learn's copy of the UCI digits (1,797 pictures of 8×8 pixels, ten classes), written as CSV. Each
program reads it, trains a network 64-64-10 with Adam and batches of 32 on the first 1,437 rows, and ends after the
epoch in which at most 3 % of the other 360 are misread.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAMS = Path(__file__).with_name("programs")
WHOLE = {
    "start": "process start to the end of the first step of W2",
    "real": "process start to at most 3 % misread of a real table (digits, 360 rows held out)",
}
SIDES = ("backhand", "jax", "torch", "scikit-learn")
_TABLE = """
import sys, numpy as np
from sklearn.datasets import load_digits
x, y = load_digits(return_X_y=True)
order = np.random.default_rng(0).permutation(len(x))
np.savetxt(sys.argv[1], np.column_stack([x, y])[order], "%d", ",")
"""


def timed_whole(name: str, given: argparse.Namespace) -> dict:
    """Every side's best and median seconds, and what its program said last."""
    found: dict[str, dict] = {}
    with tempfile.TemporaryDirectory() as folder:
        table = f"{folder}/digits.csv"
        subprocess.run([given.peers, "-c", _TABLE, table], check=True)
        sides = [s for s in SIDES if (PROGRAMS / f"{name}_{s.replace('-', '')}.py").exists()]
        for round_number in range(given.rounds + 1):
            for side in sides:
                python = sys.executable if side == "backhand" else given.peers
                program = PROGRAMS / f"{name}_{side.replace('-', '')}.py"
                start = time.perf_counter()
                done = subprocess.run([python, str(program), table], capture_output=True, text=True)
                took = time.perf_counter() - start
                if done.returncode:
                    print(f"{name}: {side} is not here: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
                elif round_number:  # the first is to fill the caches of files
                    found.setdefault(side, {"said": done.stdout.strip(), "times": []})["times"].append(took)
    return {
        side: {"said": f["said"], "best": min(f["times"]), "median": sorted(f["times"])[len(f["times"]) // 2]}
        for side, f in found.items()
    }
