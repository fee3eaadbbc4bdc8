"""Which rows are for training and which are held out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DataError

Array = np.ndarray[Any, Any]


def split(rows: int, share: float, random: np.random.Generator, classes: Array | None = None,
          by: Array | None = None) -> tuple[Array, Array]:  # fmt: skip
    """Rows for training and rows held out, each in rising order.

    Args:
        share: held out; at least one row on each side.
        classes: where given, each class is split by itself, so that both sides have its share of it.
        by: where given, a time for each row: the latest are held out, and nothing is shuffled.
    Raises:
        DataError: fewer than two rows.
    """
    if rows < 2:
        raise DataError(f"{rows} row cannot be split into rows for training and rows held out", expected="two or more")
    count = min(max(1, round(share * rows)), rows - 1)
    if by is not None:
        order = np.argsort(by, kind="stable")
        return np.sort(order[: rows - count]), np.sort(order[rows - count :])
    if classes is None:
        order = random.permutation(rows)
        return np.sort(order[count:]), np.sort(order[:count])
    held: list[Array] = []
    for number in np.unique(classes):
        members = random.permutation(np.flatnonzero(classes == number))
        held.append(members[: min(round(share * len(members)), len(members) - 1)])
    out = np.sort(np.concatenate(held))
    if not len(out):
        return split(rows, share, random)
    return np.setdiff1d(np.arange(rows), out), out
