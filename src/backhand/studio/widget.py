"""The page in a notebook: a frame in the output of a cell, answered by the notebook's own Python."""

from __future__ import annotations

import json
from typing import Any

import anywidget
import traitlets

from . import STATIC
from .alone import framed_page
from .answers import ANSWERS, written_answer


class StudioWidget(anywidget.AnyWidget):
    """The studio on one sheet.

    Attributes:
        text: the sheet as it stands in the page, with what was changed there.
        height: of the frame, in pixels.
    """

    _esm = STATIC / "widget.js"
    page = traitlets.Unicode().tag(sync=True)
    height = traitlets.Int(820).tag(sync=True)

    def __init__(self, text: str, height: int) -> None:
        super().__init__(page=framed_page(text), height=height)
        self.text = text
        self.on_msg(self._asked)

    def _asked(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """What the page sends: a question, or the sheet's text after a change."""
        if not isinstance(content, dict):
            return
        if isinstance(content.get("text"), str):
            self.text = content["text"]
            return
        question, body = content.get("question"), content.get("body")
        if question in ANSWERS and isinstance(body, dict):
            self.send({"id": content.get("id"), "answer": json.loads(written_answer(question, body))})
