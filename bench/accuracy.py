"""Validation error of the same network beside scikit-learn's and PyTorch's, on five real tables, over ten seeds.

    ./dev accuracy

Each seed splits a table anew (a quarter is held out) and is the seed of all three. 64-64 relu, Adam, rate 0.001,
batches of 32, 60 epochs; inputs (and numbers to be predicted) standardised by the rows for training.
"""

from __future__ import annotations

import csv
import time
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor

import backhand as bh

warnings.filterwarnings("ignore")
SEEDS, EPOCHS, HIDDEN, BATCH, RATE = 10, 60, (64, 64), 32, 1e-3
PENGUINS = Path(bh.__path__[0]) / "examples" / "penguins.csv"
SIDES = ("Backhand", "scikit-learn", "PyTorch")


def penguins() -> tuple[np.ndarray, np.ndarray]:
    """A penguin's weight from its bill, flipper, species and sex."""
    rows = list(csv.DictReader(PENGUINS.open()))
    kinds = sorted({row["species"] for row in rows})
    names = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm")
    x = [[*(float(r[n]) for n in names), *(r["species"] == k for k in kinds), r["sex"] == "male"] for r in rows]
    return np.array(x, float), np.array([float(r["body_mass_g"]) for r in rows])


TABLES = {
    "diabetes": (lambda: load_diabetes(return_X_y=True), "RMSE"),
    "penguins": (penguins, "RMSE"),
    "breast cancer": (lambda: load_breast_cancer(return_X_y=True), "log loss"),
    "wine": (lambda: load_wine(return_X_y=True), "log loss"),
    "digits": (lambda: load_digits(return_X_y=True), "log loss"),
}


def with_estimators(
    module: object, x: np.ndarray, y: np.ndarray, held: np.ndarray, seed: int, classes: bool
) -> np.ndarray:
    given = {"hidden_layer_sizes": HIDDEN, "batch_size": BATCH, "learning_rate_init": RATE, "max_iter": EPOCHS,
             "random_state": seed, "n_iter_no_change": EPOCHS}  # fmt: skip
    kind = module.MLPClassifier if classes else module.MLPRegressor  # type: ignore[attr-defined]
    model = kind(**given).fit(x, y)
    return model.predict_proba(held) if classes else model.predict(held)


class Theirs:
    MLPClassifier, MLPRegressor = MLPClassifier, MLPRegressor


def with_torch(x: np.ndarray, y: np.ndarray, held: np.ndarray, seed: int, classes: bool) -> np.ndarray:
    torch.manual_seed(seed)
    outputs = int(y.max()) + 1 if classes else 1
    sizes = (x.shape[1], *HIDDEN, outputs)
    layers: list[torch.nn.Module] = []
    for k, n in pairwise(sizes):
        layers += [torch.nn.Linear(k, n), torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1])
    rule = torch.optim.Adam(net.parameters(), lr=RATE)
    cost = torch.nn.CrossEntropyLoss() if classes else torch.nn.MSELoss()
    tx = torch.tensor(x, dtype=torch.float32)
    ty = torch.tensor(y) if classes else torch.tensor(y, dtype=torch.float32)[:, None]
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(tx)).split(BATCH):
            rule.zero_grad()
            cost(net(tx[rows]), ty[rows]).backward()
            rule.step()
    with torch.inference_mode():
        found = net(torch.tensor(held, dtype=torch.float32))
        return torch.softmax(found, 1).numpy() if classes else found[:, 0].numpy()


def main() -> None:
    torch.set_num_threads(2)
    lines = ["# Validation error beside scikit-learn and PyTorch", "", (__doc__ or "").split("\n\n")[2].strip(), "",
             "| table | error | " + " | ".join(SIDES) + " | seeds in which Backhand is better than each |",
             "|---|---|" + "---|" * (len(SIDES) + 1)]  # fmt: skip
    for name, (load, figure) in TABLES.items():
        x, y = load()
        classes = figure == "log loss"
        found: dict[str, list[float]] = {side: [] for side in SIDES}
        took = dict.fromkeys(SIDES, 0.0)
        for seed in range(SEEDS):
            a, b, ya, yb = train_test_split(x, y, test_size=0.25, random_state=seed, stratify=y if classes else None)
            mean, spread = a.mean(0), a.std(0)
            spread[spread == 0] = 1
            a, b = (a - mean) / spread, (b - mean) / spread
            middle, wide = (0.0, 1.0) if classes else (ya.mean(), ya.std())
            target = ya if classes else (ya - middle) / wide
            for side in SIDES:
                start = time.perf_counter()
                if side == "PyTorch":
                    out = with_torch(a, target, b, seed, classes)
                else:
                    out = with_estimators(bh if side == "Backhand" else Theirs, a, target, b, seed, classes)
                took[side] += time.perf_counter() - start
                if classes:
                    error = float(-np.log(np.clip(out[np.arange(len(yb)), yb], 1e-12, 1)).mean())
                else:
                    error = float(np.sqrt(((out * wide + middle - yb) ** 2).mean()))
                found[side].append(error)
        cells = []
        for side in SIDES:
            values = np.array(found[side])
            cells.append(f"{values.mean():.4g} ± {values.std(ddof=1) / np.sqrt(SEEDS):.2g}, {took[side]:.2f} s")
        mine = np.array(found["Backhand"])
        better = [f"{int((mine < np.array(found[side])).sum())} of {SEEDS}" for side in SIDES[1:]]
        lines.append(f"| {name} | {figure} | {' | '.join(cells)} | {', '.join(better)} |")
        print(lines[-1], flush=True)
    lines += ["", "Means over the seeds ± their standard error, and the seconds that all fits took together.", ""]
    (Path(__file__).parent.parent / "docs" / "accuracy.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
