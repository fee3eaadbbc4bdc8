"""Notebooks: the cell magic `%%backhand`, which reads the sheet in its cell and shows it worked."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import Any

from ..errors import BackhandError


class _Parser(argparse.ArgumentParser):
    """Says what is wrong, and does not end the kernel."""

    def error(self, message: str) -> Any:
        raise BackhandError(f"%%backhand: {message}", hint=self.format_usage().strip())


def _parser() -> _Parser:
    parser = _Parser(prog="%%backhand", add_help=False)
    parser.add_argument("name", nargs="?", help="keep the sheet under this name")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--view", default="own")
    parser.add_argument("--names", default="own")
    parser.add_argument("--row", type=int, action="append", default=[], dest="rows")
    parser.add_argument("--surface")
    parser.add_argument("--digits", type=int, default=6)
    return parser


def backhand_magic(line: str, cell: str, names: dict[str, Any]) -> Any:
    """Works the sheet in a cell; the sheet itself is kept under the name on the magic's line, if there is one.

    Returns:
        the working, which the notebook shows; nothing where the sheet is wrong, which is said.
    """
    from ..notation.numbers import Digits
    from .sheets import from_text

    try:
        chosen = _parser().parse_args(shlex.split(line))
        sheet = from_text(cell, "the cell")
        work = sheet.show(
            chosen.epochs, view=chosen.view, names=chosen.names, rows=chosen.rows, surface=chosen.surface
        )  # fmt: skip
        object.__setattr__(work, "digits", Digits(chosen.digits))
        work.document()  # what is wrong with the choices is said here, in words
    except BackhandError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return None
    if chosen.name:
        names[chosen.name] = sheet
    return work


def load(ipython: Any) -> None:
    """Registers the magic: `%load_ext backhand`."""

    def magic(line: str, cell: str) -> Any:
        return backhand_magic(line, cell, ipython.user_ns)

    ipython.register_magic_function(magic, "cell", "backhand")
