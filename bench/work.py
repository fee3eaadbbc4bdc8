"""The works that are timed: networks, data, starting values. The same numbers for every side."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Work:
    """One work.

    Attributes:
        sizes: units of each layer, the inputs first; relu between them.
        cost: mse or softmax cross entropy.
        check: after so many steps every side's weights must agree.
        apart: as far as they may be apart then; a sign that rounding turns counts a whole step of Adam.
        kind: `train` is timed by the epoch, `steps` by many full-batch steps, `predict` and `rows` (each row's own
            gradients) by one pass over all rows.
        networks: how many of the network at once.
        fresh: whether each pass writes to new memory.
    """

    name: str
    said: str
    sizes: tuple[int, ...]
    rows: int
    batch: int
    cost: str = "mse"
    rule: str = "adam"
    rate: float = 1e-3
    threads: int = 1
    check: int = 40
    apart: float = 1e-3
    kind: str = "train"
    networks: int = 1
    fresh: bool = False


WORKS = {
    work.name: work
    for work in (
        Work("W1", "2-2-2-1, 3 rows, sgd", (2, 2, 2, 1), 3, 3, rule="sgd", rate=0.01, check=200, kind="steps"),
        Work("W1-1024", "1,024 networks 2-2-2-1 at once", (2, 2, 2, 1), 3, 3, rule="sgd", rate=0.01, check=200,
             kind="steps", networks=1024),
        Work("W2", "8-64-64-1, 20,000 rows, batch 32, Adam, one thread", (8, 64, 64, 1), 20_000, 32, check=60),
        Work("W2b", "8-64-64-1, 20,000 rows, batch 256, Adam", (8, 64, 64, 1), 20_000, 256, threads=2),
        Work("W3", "784-256-128-10, 60,000 rows, batch 128, Adam", (784, 256, 128, 10), 60_000, 128,
             "softmax_cross_entropy", threads=2, check=20, apart=5e-3),
        Work("W4", "1024-2048-2048-10, batch 512", (1024, 2048, 2048, 10), 4096, 512, "softmax_cross_entropy", "sgd",
             0.01, threads=2, check=2),
        Work("W5", "8-64-64-1, each row's own gradients, 10,000 rows, memory reused", (8, 64, 64, 1), 10_000, 10_000,
             threads=2, check=0, kind="rows"),
        Work("W5-fresh", "the same into new memory each time", (8, 64, 64, 1), 10_000, 10_000, threads=2, check=0,
             kind="rows", fresh=True),
        Work("W6", "8-64-64-1, inference of 1,000,000 rows", (8, 64, 64, 1), 1_000_000, 1_000_000, threads=2, check=0,
             kind="predict"),
    )
}  # fmt: skip

# Times faster than a side, by the best times, that Backhand is to be.
GOALS = {
    ("W1", "jax"): 8, ("W1", "torch eager"): 8000, ("W1-1024", "jax"): 15,
    ("W2", "jax"): 2.0, ("W2", "torch eager"): 70, ("W2", "scikit-learn"): 35, ("W2b", "jax"): 2.4,
    ("W3", "jax"): 1.6, ("W3", "torch fused"): 2.1, ("W4", "jax"): 1.35, ("W4", "torch eager"): 1.2,
    ("W5", "jax"): 6, ("W5-fresh", "jax"): 3, ("W6", "torch eager"): 8, ("W6", "torch fused"): 2.5,
    ("digits", "scikit-learn"): 3, ("digits", "torch"): 10, ("diamonds", "scikit-learn"): 3, ("diamonds", "torch"): 10,
    ("flights", "scikit-learn"): 3, ("flights", "torch"): 10,
}  # fmt: skip


def made(work: Work) -> tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
    """Inputs, targets (or classes), starting values [to, from] with biases, and the order of the rows."""
    random, sizes = np.random.default_rng(0), work.sizes
    x = random.standard_normal((work.rows, sizes[0]), dtype=np.float32)
    if work.name.startswith("W1"):
        x = np.array([[1.0, 0.5], [0.3, 2.0], [0.8, 1.1]], np.float32)
        y = np.array([[1.0], [0.5], [0.2]], np.float32)
    elif work.cost == "mse":
        y = (np.sin(x[:, :1]) + 0.5 * x[:, 1:2] * x[:, 2:3]).astype(np.float32)
    else:
        x = np.maximum(x, 0) * np.float32(0.5)
        y = (x @ random.standard_normal((sizes[0], sizes[-1])).astype(np.float32)).argmax(1).astype(np.int32)
    parameters = []
    for k, n in pairwise(sizes):
        w = (random.standard_normal((n, k)) * np.sqrt(2 / k)).astype(np.float32)
        parameters.append((np.abs(w) * np.float32(0.7) if work.name.startswith("W1") else w,
                           (0.01 * random.standard_normal(n)).astype(np.float32)))  # fmt: skip
    return x, y, parameters, random.permutation(work.rows)


def operations(work: Work) -> float:
    """Multiply-adds count as two; of one timed unit: an epoch, or a pass."""
    pairs = list(pairwise(work.sizes))
    weights = sum(a * b for a, b in pairs)
    if work.kind == "predict":
        return 2.0 * work.rows * weights
    return work.rows * (6.0 * weights - 2.0 * pairs[0][0] * pairs[0][1])
