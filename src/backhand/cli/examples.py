"""The systems that ship inside the package."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path


def _folder() -> Path:
    return Path(__file__).parent.parent / "examples"


@lru_cache(maxsize=1)
def example_names() -> tuple[str, ...]:
    """The names of all examples."""
    return tuple(sorted(p.stem for p in _folder().glob("*.bh")))


def example_text(name: str) -> tuple[str, Path]:
    """An example's sheet, and the folder its data lie in."""
    return (_folder() / f"{name}.bh").read_text("utf-8"), _folder()


def example_lines() -> list[tuple[str, str, str]]:
    """(name, title, first remark) of every example."""
    out = []
    for name in example_names():
        text, _ = example_text(name)
        title = re.search(r'^title "([^"]*)"', text, re.MULTILINE)
        remark = re.search(r"^#\s*(.*)", text, re.MULTILINE)
        out.append((name, title[1] if title else "", remark[1] if remark else ""))
    return out
