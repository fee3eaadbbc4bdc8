"""Where a fit stands, in a file: enough to go on to the same bits. It is written whole or not at all, and never run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BackhandError, DataError, UsageError
from ..render.files import write_whole
from .diagnose import Finding
from .files import read_tensors, written_tensors
from .fit import NUMPY, Epoch, Fitting

SCHEMA = "backhand.checkpoint/1"
Array = np.ndarray[Any, Any]


def fingerprint(fitting: Fitting) -> str:
    """What a fit depends on, in short: its data, rows, settings and plan (how many epochs are wanted may change)."""
    whole = hashlib.blake2b(digest_size=16)
    settings = {**asdict(fitting.settings), "epochs": 0, "patience": 0}
    whole.update(json.dumps([settings, asdict(fitting.plan)], default=list).encode())
    for array in (fitting.x, fitting.y, fitting.training, fitting.held_out, fitting.weights):
        if array is not None:
            whole.update(str((array.shape, array.dtype)).encode())
            whole.update(np.ascontiguousarray(array).data)
    return whole.hexdigest()


def save_checkpoint(path: Path, fitting: Fitting, mark: str) -> None:
    """
    Args:
        mark: the fit's `fingerprint`.
    Raises:
        UsageError: it cannot be written.
    """
    letters, count = fitting.engine.get_state()
    parts = {"now": fitting.engine.get(), "best": fitting.kept, **{f"state{k}": s for k, s in enumerate(letters)}}
    tensors = {
        f"{name}.{letter}{layer}": pair[i]
        for name, parameters in parts.items()
        for layer, pair in enumerate(parameters, 1)
        for i, letter in enumerate("Wb")
    }
    head = {
        "schema": SCHEMA, "fingerprint": mark, "count": count, "best": fitting.best, "seconds": fitting.seconds,
        "instruction_set": getattr(fitting.engine, "instruction_set", NUMPY),
        "epochs": [[e.cost, e.validation] for e in fitting.epochs],
        "findings": [asdict(finding) for finding in fitting.findings],
    }  # fmt: skip
    write_whole(path, written_tensors(tensors, {**head, "digest": _digest(tensors, head)}))


def _digest(tensors: Mapping[str, Array], head: Mapping[str, Any]) -> str:
    """Of all that a checkpoint holds: what was changed by hand would go on to other bits."""
    whole = hashlib.blake2b(digest_size=16)
    whole.update(json.dumps({k: v for k, v in head.items() if k != "digest"}, sort_keys=True).encode())
    for name in sorted(tensors):
        whole.update(f"{name} {tensors[name].shape} {tensors[name].dtype}".encode())
        whole.update(np.ascontiguousarray(tensors[name]).data)
    return whole.hexdigest()


def recorded_set(path: Path) -> str:
    """The instruction set of a checkpoint's run."""
    return str(_read(path)[1]["instruction_set"])


def resume(path: Path, fitting: Fitting, mark: str) -> None:
    """Brings a new fit to where a checkpoint stands.

    Raises:
        UsageError: it cannot be read; DataError: it is damaged, or of other data or settings.
    """
    tensors, head = _read(path)
    if head["fingerprint"] != mark:
        raise DataError(
            f"{path} is of another run: its data or settings are not these",
            expected="the same data and options as when it was begun",
            hint=f"leave out --resume, or delete {path}",
        )
    try:
        layers = range(1, len(fitting.plan.layers) + 1)

        def part(name: str) -> list[tuple[Array, Array]]:
            return [(tensors[f"{name}.W{k}"], tensors[f"{name}.b{k}"]) for k in layers]

        fitting.engine.put(part("now"))
        fitting.engine.put_state([part(f"state{k}") for k in range(fitting.plan.states)], int(head["count"]))
        fitting.kept, fitting.best, fitting.seconds = part("best"), int(head["best"]), float(head["seconds"])
        fitting.epochs = [Epoch(k, cost, validation) for k, (cost, validation) in enumerate(head["epochs"], 1)]
        fitting.findings = [Finding(**finding) for finding in head["findings"]]
        fitting.snapshot = fitting.number, part("now"), fitting.engine.get_state()
    except (KeyError, TypeError, ValueError, BackhandError) as problem:
        raise DataError(f"{path} is damaged: {type(problem).__name__}: {problem}") from None


def _read(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    if not path.exists():
        raise UsageError(f"there is nothing to go on from: no {path}", hint="leave out --resume")
    tensors, head = read_tensors(path, "a checkpoint", SCHEMA)
    missing = {"fingerprint", "count", "best", "seconds", "instruction_set", "epochs", "findings"} - set(head)
    if missing:
        raise DataError(f"{path} is damaged: it lacks {', '.join(sorted(missing))}")
    if head.get("digest") != _digest(tensors, head):
        raise DataError(f"{path} is damaged, or was changed: its sum is another", hint="leave out --resume")
    return tensors, head
