"""Backhand in Python: `bh.read("price.bh").show()`. Results are immutable values and display themselves."""

from .results import Check, Result, Why, Work
from .sheets import Sheet, from_text, layers, read, read_text

__all__ = ["Check", "Result", "Sheet", "Why", "Work", "from_text", "layers", "read", "read_text"]
