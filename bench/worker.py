"""One side in a process of its own: says when it is ready, then times itself whenever it is told to.

worker.py WORK SIDE REFERENCE (or nothing, and nothing is compared)
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable

warnings.filterwarnings("ignore")


def main() -> None:
    from work import WORKS

    work, side_name, reference = WORKS[sys.argv[1]], sys.argv[2], sys.argv[3]
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(work.threads)
    import numpy as np
    from sides import SIDES

    side = SIDES[side_name](work)
    off = float("nan")
    if side_name != "scikit-learn" and reference:
        if work.check:
            side.steps(work.check)
            found = np.concatenate([a.ravel() for a in side.parameters()])
        else:
            found = side.pass_over()[:2000, :500].ravel()
        if side_name == "backhand":
            np.save(reference, found)
        off = float(np.abs(found - np.load(reference)).max())
    run, unit = timed(side, work, side_name)
    run()
    start = time.perf_counter()
    run()
    repeat = max(1, round(0.3 / (time.perf_counter() - start)))
    print("ready", off, flush=True)
    for _ in sys.stdin:
        times = []
        for _ in range(repeat):
            start = time.perf_counter()
            run()
            times.append((time.perf_counter() - start) / unit)
        print(min(times), sorted(times)[len(times) // 2], flush=True)


def timed(side: object, work: object, name: str) -> tuple[Callable[[], object], int]:
    """What is timed, and how many units it does."""
    if work.kind in ("predict", "rows"):  # type: ignore[attr-defined]
        return side.pass_over, 1  # type: ignore[attr-defined]
    if work.kind == "train":  # type: ignore[attr-defined]
        return side.epoch, 1  # type: ignore[attr-defined]
    count = {"backhand": 200_000, "jax": 50_000, "numpy": 2_000, "micrograd": 50}.get(name, 300)
    if work.networks > 1:  # type: ignore[attr-defined]
        count = 1000
    return lambda: side.steps(count), count  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
