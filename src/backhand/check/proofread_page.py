"""A proofread document as a page and as plain data (`backhand.proofread/1`)."""

from __future__ import annotations

from typing import Any

from ..document.parts import Document, Page, Table
from .proofread import Proofread


def proofread_document(found: Proofread) -> Document:
    """What does not hold, with its line; what holds is counted, what cannot be read is counted and listed."""
    page = Page(f"Proofread: {found.title}")
    page.heading(page.title, 1)
    lines = {line for line, *_ in found.unread}
    page.text(
        f"{found.held} statements hold, {len(found.slips)} do not; of {len(lines)} lines something could not be read or"
        " tied to the sheet."
    )
    if not found.slips and not found.held:
        page.text("No statement of the document could be tied to the sheet.", kind="warning")
    elif not found.slips:
        page.text("Nothing that could be read is wrong.", kind="good")
    for slip in found.slips:
        page.text(f"line {slip.line}: {slip.why}.", kind="warning")
        page.note(f"it says {slip.text[:200]}")
    if found.unread:
        page.heading("Not read")
        rows = tuple((str(line), side[:70], why[:60]) for line, side, why in found.unread[:40])
        page.add(Table(("line", "what", "why"), rows))
        if len(found.unread) > 40:
            page.note(f"and {len(found.unread) - 40} more")
    return page.done()


def proofread_json(found: Proofread) -> dict[str, Any]:
    """As `backhand.proofread/1`."""
    return {
        "schema": "backhand.proofread/1",
        "title": found.title,
        "held": found.held,
        "slips": [
            {"line": s.line, "statement": s.text, "wrong": s.number, "right": s.right, "why": s.why}
            for s in found.slips
        ],
        "unread": [{"line": line, "text": side, "why": why} for line, side, why in found.unread],
    }
