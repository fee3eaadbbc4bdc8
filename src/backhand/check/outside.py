"""A backward pass from a file, run in a process of its own with a time limit; only numbers come back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from ..errors import DataError, UsageError
from .called import Array

SECONDS = 30.0
MOST_BYTES = 200_000_000


def gradients_of_file(
    path: Path, function: str, sheet: str, folder: Path, seconds: float = SECONDS
) -> dict[str, Array]:
    """What a function of a Python file gives for a sheet, by the names of parameters.

    Args:
        sheet: the sheet's text; `folder` is where its data lies.
        seconds: how long it may take.
    Raises:
        UsageError: there is no such file or function; DataError: it fails, takes too long, or gives no gradients.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}", expected="FILE.py:FUNCTION")
    with tempfile.TemporaryDirectory() as place:
        text, answer = Path(place, "sheet.bh"), Path(place, "gradients.npz")
        text.write_text(sheet, "utf-8")
        words = [sys.executable, "-m", "backhand.check.inside", str(path.resolve()), function, str(text),
                 str(folder.resolve()),
                 str(answer)]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        try:
            ended = subprocess.run(
                words, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL, env=environment,
                cwd=path.resolve().parent, errors="replace",
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise DataError(f"{path.name}:{function} takes longer than {seconds:g} s", hint="a smaller sheet") from None
        if ended.returncode or not answer.is_file():
            said = (ended.stderr.strip().splitlines() or ["it ended without a word"])[-1]
            raise DataError(
                f"{path.name}:{function} failed: {said[:300]}", expected="a function that returns gradients"
            )
        if answer.stat().st_size > MOST_BYTES:
            raise DataError(f"{path.name}:{function} gave far too much")
        with np.load(answer, allow_pickle=False) as found:
            names = json.loads(str(found["names"]))
            return {name: np.asarray(found[f"g{k}"]) for k, name in enumerate(names)}
