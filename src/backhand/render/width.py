"""How wide a formula will be when LaTeX sets it: an estimate in em, to choose where a line is broken."""

from __future__ import annotations

import re
from functools import lru_cache

_TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|\s+|.", re.DOTALL)
_COMMANDS = {
    "\\cdot": 0.75, "\\odot": 1.25, "\\times": 1.25, "\\approx": 1.35, "\\leftarrow": 1.6, "\\le": 1.35,
    "\\ge": 1.35, "\\,": 0.2, "\\;": 0.3, "\\ ": 0.3, "\\quad": 1.0, "\\qquad": 2.0, "\\sum": 1.6,
    "\\top": 0.8, "\\cdots": 1.3, "\\sim": 0.8, "\\text": 0.0, "\\mathit": 0.0, "\\mathrm": 0.0,
    "\\operatorname": 0.2, "\\left": 0.2, "\\right": 0.2, "\\bigl": 0.2, "\\bigr": 0.2, "\\Biggl": 0.5,
    "\\Biggr": 0.5, "\\sqrt": 0.9, "\\log": 1.3, "\\exp": 1.5, "\\tanh": 2.0, "\\max": 1.9, "\\min": 1.7,
}  # fmt: skip
_ACCENTS = {
    "\\hat", "\\tilde", "\\bar", "\\dot", "\\ddot", "\\vec", "\\acute", "\\grave", "\\check", "\\breve",
    "\\mathring",
}  # fmt: skip
_CHARACTERS = {
    "=": 1.35, "+": 1.25, "-": 1.0, "<": 1.35, ">": 1.35, ".": 0.28, ",": 0.45, "(": 0.4, ")": 0.4, "[": 0.3,
    "]": 0.3, "|": 0.3, "'": 0.3, "m": 0.9, "w": 0.75, "i": 0.35, "j": 0.4, "l": 0.32, "M": 1.0, "W": 1.0,
    "/": 0.5, "@": 0.8,
}  # fmt: skip
SCRIPT = 0.75
GAP = 1.0  # between the columns of a matrix


@lru_cache(maxsize=4096)
def width(latex: str) -> float:
    """The width of a formula in em."""
    return _Reader(latex).sequence()


def text_width(text: str) -> float:
    """The width of plain words in em; what has a command of its own is one character."""
    return 0.52 * len(_TOKEN.findall(re.sub(r"[{}$]", "", text)))


class _Reader:
    """Walks over LaTeX once and adds widths up; a fraction is as wide as its wider half."""

    def __init__(self, latex: str) -> None:
        self.tokens = _TOKEN.findall(latex)
        self.at = 0

    def next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ""

    def argument(self) -> float:
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        if self.at < len(self.tokens) and self.tokens[self.at] != "{":
            return self.one(self.next())
        self.at += 1
        return self.sequence("}")

    def sequence(self, end: str = "") -> float:
        total = 0.0
        while self.at < len(self.tokens):
            token = self.next()
            if token == end:
                break
            total += self.one(token)
        return total

    def one(self, token: str) -> float:
        match token:
            case "{":
                return self.sequence("}")
            case "_" | "^":
                first = SCRIPT * self.argument()
                if self.at < len(self.tokens) and self.tokens[self.at] in "_^":
                    self.at += 1
                    return max(first, SCRIPT * self.argument())
                return first
            case "\\frac":
                return max(self.argument(), self.argument()) + 0.3
            case "\\begin":
                return self.table()
        if token.isspace() or token == "&" or token in _ACCENTS:
            return 0.0
        if token.startswith("\\"):
            return _COMMANDS.get(token, 0.6)
        return _CHARACTERS.get(token, 0.78 if token.isupper() else 0.52)

    def table(self) -> float:
        """A matrix, or cases: the widest cell of each column, and the gaps between them."""
        self.argument()
        columns = [0.0]
        column, cell = 0, 0.0
        while self.at < len(self.tokens):
            token = self.next()
            if token not in ("&", "\\\\", "\\end"):
                cell += self.one(token)
                continue
            columns[column] = max(columns[column], cell)
            cell, column = 0.0, column + 1 if token == "&" else 0
            if token == "\\end":
                self.argument()
                break
            if column == len(columns):
                columns.append(0.0)
        return sum(columns) + GAP * len(columns)
