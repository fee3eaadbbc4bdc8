"""Files of numbers with a readable head: safetensors, the head as JSON in its metadata. Nothing in them is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BackhandError, DataError, UsageError

Array = np.ndarray[Any, Any]
LARGEST = 8 << 30


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise UsageError("model files need safetensors", hint='pip install "backhand[train]"') from None
    return safetensors.numpy


def written_tensors(tensors: dict[str, Array], head: dict[str, Any]) -> bytes:
    """The content of a file."""
    # a single number stays one: ascontiguousarray alone would make it a vector
    whole = {name: np.ascontiguousarray(array).reshape(np.shape(array)) for name, array in tensors.items()}
    return bytes(_safetensors().save(whole, {"backhand": json.dumps(head, ensure_ascii=False)}))


def read_tensors(path: Path, what: str, schema: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays of a file and its head.

    Args:
        what: what it should be, for messages: "a model".
    Raises:
        UsageError: it cannot be read; DataError: it is damaged or something else, with the reason.
    """
    tools = _safetensors()
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path} is larger than {LARGEST >> 30} GB")
        content = path.read_bytes()
    except OSError as problem:
        raise UsageError(f"cannot read {path}: {problem.strerror}", expected=f"{what}'s file") from None
    try:
        tensors = tools.load(content)
        size = int.from_bytes(content[:8], "little")
        head = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["backhand"])
        found = head["schema"]
    except BackhandError:
        raise
    except Exception as problem:  # whatever a damaged or hostile file brings about is one thing: it is none
        raise DataError(f"{path} is not {what}, or damaged: {type(problem).__name__}: {problem}") from None
    if found != schema:
        raise DataError(f"{path} is not {what} of this version", expected=schema, got=str(found)[:100])
    return tensors, head
