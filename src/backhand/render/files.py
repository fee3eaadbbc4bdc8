"""Results into files, whole or not at all; the ending of the name chooses the format."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ..document.parts import Document
from ..errors import UsageError
from ..notation.numbers import Digits

FORMATS = ("text", "markdown", "latex", "html", "typst", "pdf", "xlsx", "json")
BINARY = ("pdf", "xlsx")
ENDINGS = {
    ".txt": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".tex": "latex",
    ".html": "html",
    ".htm": "html",
    ".typ": "typst",
    ".pdf": "pdf",
    ".xlsx": "xlsx",
    ".json": "json",
}
WIDTH = 100


def format_of(path: Path) -> str:
    """The format that a file's ending asks for.

    Raises:
        UsageError: an ending that Backhand does not write.
    """
    found = ENDINGS.get(path.suffix.lower())
    if found is None:
        raise UsageError(
            f"cannot tell the format of `{path.name}` from its ending",
            expected=", ".join(ENDINGS),
            hint="choose one with --format",
        )
    return found


def rendered(document: Document, form: str, digits: Digits, paper: str = "a4") -> str | bytes:
    """A page in one of the formats.

    Args:
        paper: a4 or letter, for what is printed.
    """
    if form == "pdf":
        from .typst import to_pdf

        return to_pdf(document, digits, paper)
    return as_text(document, None, form, digits, paper)


def as_text(document: Document, data: dict[str, Any] | None, form: str, digits: Digits, paper: str = "a4") -> str:
    """A result in one of the formats that are text."""
    if form == "json":
        return to_json(data or {})
    if form == "markdown":
        from .markdown import to_markdown

        return to_markdown(document, digits)
    if form == "html":
        from .html import to_html

        return to_html(document, digits)
    if form == "typst":
        from .typst import to_typst

        return to_typst(document, digits, paper)
    if form == "latex":
        from .latex import to_latex

        return to_latex(document, digits)
    from io import StringIO

    from rich.console import Console

    from .terminal import draw

    out = StringIO()
    draw(document, Console(file=out, width=WIDTH, color_system=None, force_terminal=False), digits)
    return out.getvalue()


def to_json(data: dict[str, Any]) -> str:
    """Full doubles; a number that is not finite would be no JSON and is refused by the engine before it comes here."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def write_whole(path: Path, content: str | bytes | Iterator[str]) -> None:
    """Writes a file whole or not at all: beside its place first, then put there in one move.

    Args:
        content: all of it, or parts that are made while it is written.

    Raises:
        UsageError: the place cannot be written to.
    """
    temporary: str | None = None
    try:
        path = path.resolve()  # what a link leads to is written, not the link
        if path.exists() and not path.is_file() and not path.is_dir():  # a pipe or a device is written into
            with path.open("wb") as file:
                _write(file, content)
            return
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            _write(file, content)
            file.flush()
            os.fsync(file.fileno())  # so that it is whole after a crash, too
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        os.chmod(temporary, mode)
        os.replace(temporary, path)
        temporary = None
    except OSError as problem:
        raise UsageError(
            f"cannot write {path}: {problem.strerror or problem}", hint="choose another place with -o"
        ) from None
    finally:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _write(file: BinaryIO, content: str | bytes | Iterator[str]) -> None:
    for part in [content] if isinstance(content, (str, bytes)) else content:
        file.write(part.encode() if isinstance(part, str) else part)


def check_place(path: Path, hint: str) -> None:
    """Whether a file can be written there, before the work that fills it.

    Raises:
        UsageError: it cannot.
    """
    folder = path.resolve().parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        reason = "it is a folder" if path.is_dir() else f"there is no folder {path.parent} to write to"
        raise UsageError(f"cannot write {path}: {reason}", hint=hint)


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current
