"""Files of text: read whole, or refused in words."""

from __future__ import annotations

from pathlib import Path

from ..errors import BackhandError, UsageError


def text_of(path: Path, most: int, refusal: type[BackhandError], expected: str, hint: str | None = None) -> str:
    """A file's text, UTF-8 with or without a mark.

    Args:
        most: bytes that it may have.
        refusal: the error for a file that is too large or no text.
        expected, hint: what should have been there, and what to try where it cannot be read or is too large.
    Raises:
        UsageError: it cannot be read.
    """
    try:
        if path.stat().st_size > most:
            raise refusal(f"{path} is larger than {most // 10**6} MB", expected=expected, hint=hint)
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        said = f"{path} is not UTF-8 text (byte {problem.start})"
        raise refusal(said, hint="save it as plain text, UTF-8") from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise UsageError(f"cannot read {path}: {reason}", expected=expected, hint=hint) from None
