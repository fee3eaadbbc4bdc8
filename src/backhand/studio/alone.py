"""The page in one file, and as a part of a report: its modules stand in it, and so do its answers."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64encode
from functools import cache
from graphlib import TopologicalSorter
from typing import Any

from ..render.html import LIVE_POLICY, PAGE, Live, katex_css
from . import STATIC
from .answers import answer
from .asked import Answer

MOST = 400  # answers in a file
MOST_MOMENTS = 60  # rows of steps
VIEWS = ("own", "neurons", "vectors", "matrices", "batch")
LOCKED = ("sheet", "exercise", "share")  # what needs somebody who answers


def live_part(text: str, epochs: int) -> Live:
    """The page as the first part of a report, with the answers to what can be asked there.

    Args:
        text: the sheet; it reads no files.
        epochs: how many are worked.
    """
    begin = {"text": text, "epochs": epochs, "at": None, "locked": LOCKED, "answers": _packed(_answers(text, epochs))}
    body = '<h2 id="steps">Step by step</h2><section class="studio" id="app" aria-labelledby="steps"></section>'
    return Live(body, _file("studio.css"), _scripts(begin))


def framed_page(text: str) -> str:
    """The page as a document of its own that asks the page around it: for a notebook."""
    styles = katex_css() + (PAGE / "page.css").read_text("utf-8") + _file("studio.css")
    scripts = _scripts({"text": text, "framed": True})
    katex = (PAGE / "katex" / "katex.min.js").read_text("utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{LIVE_POLICY}">\n'
        f'<title>Backhand studio</title>\n<style>{styles}</style>\n</head>\n<body class="backhand studio">\n'
        f'<main id="app"></main>\n<script>{katex}</script>{scripts}'
        "\n</body>\n</html>\n"
    )


def _scripts(begin: dict[str, Any]) -> str:
    """What it begins with, its modules, and what loads them."""
    return (
        f'<script type="application/json" id="begin">{_json(begin)}</script>\n'
        f'<script type="application/json" id="modules">{_json(_modules())}</script>\n'
        f"<script>{_file('loader.js')}</script>"
    )


def _json(found: object) -> str:
    """JSON within a page: nothing in it ends the script that it stands in."""
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


@cache
def _file(name: str) -> str:
    return (STATIC / name).read_text("utf-8")


@cache
def _modules() -> list[tuple[str, str]]:
    """Every module by the name that others take it by, each after those that it takes."""
    page = _file("index.html")
    named = re.search(r'<script type="importmap">(.*?)</script>', page, re.DOTALL)
    assert named is not None
    sources = {name: _file(path.removeprefix("/static/")) for name, path in json.loads(named[1])["imports"].items()}
    waiting = ["./main.js"]
    takes: dict[str, list[str]] = {}
    while waiting:
        name = waiting.pop()
        source = sources.setdefault(name, _file(name.removeprefix("./")) if name.startswith("./") else "")
        takes[name] = re.findall(r'\bfrom\s*"([^"]+)"', source)
        waiting += [taken for taken in takes[name] if taken not in takes]
    return [(name, sources[name]) for name in TopologicalSorter(takes).static_order()]


def _packed(found: object) -> str:
    packer = zlib.compressobj(9, wbits=-15)
    raw = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
    return b64encode(packer.compress(raw) + packer.flush()).decode()


def _answers(text: str, epochs: int) -> Answer:
    """The answers to what the page asks, the first ones first: which question has which one, each kept once."""
    kept = _Kept(text)
    first = kept.put("stage", epochs=epochs, step=1, row=1)
    steps = first["moment"]["steps"] if first.get("moment") else 1
    rows = first.get("rows", 1)
    found = [(step, row) for step in range(1, steps + 1) for row in range(1, rows + 1)]
    moments = {pair: kept.put("stage", epochs=epochs, step=pair[0], row=pair[1]) for pair in found[:MOST_MOMENTS]}
    moments |= {pair: kept.put("stage", epochs=epochs, step=pair[0], row=pair[1]) for pair in found[-rows:][:20]}
    parameters = first.get("plan", {}).get("parameters", [])
    for step, row in list(moments)[:10]:
        kept.put("stage", epochs=epochs, step=step, row=row, biases=True)
    for step in dict.fromkeys(step for step, _ in moments):
        kept.put("surface", surface=",".join(parameters[:2]), epochs=epochs, step=step)
    for what in ("rates", "starts"):
        kept.put("compare", what=what, epochs=max(20, min(epochs, 500)))
    for (step, row), stage in moments.items():
        here = {"epochs": epochs, "step": step}
        for view in VIEWS:
            kept.put("view", **here, row=row, view=view)
        kept.put("fit", **here, row=row)
        if stage.get("cut"):
            continue
        lines = [line["key"] for line in stage.get("lines", ())]
        for name in dict.fromkeys([*(key[2:] for key in lines if key.startswith("d:")), *parameters]):
            kept.put("why", **here, row=row, name=name)
        for key in lines:
            if key.startswith("t:"):
                kept.put("why", **here, name=key[2:])
    return {"answers": kept.answers, "which": kept.which}


class _Kept:
    def __init__(self, text: str) -> None:
        self.text = text
        self.answers: list[Answer] = []
        self.which: dict[str, int] = {}
        self.places: dict[str, int] = {}  # of an answer, by all that it says

    def put(self, question: str, **said: Any) -> Answer:
        """A question's answer; none of it, where the file has enough."""
        asked = [question, *sorted([name, value] for name, value in said.items())]
        key = json.dumps(asked, ensure_ascii=False, separators=(",", ":"))
        if key in self.which:
            return self.answers[self.which[key]]
        if len(self.answers) >= MOST:
            return {}
        found = answer(question, {"text": self.text, **said})
        written = json.dumps(found)
        self.which[key] = self.places.setdefault(written, len(self.answers))
        if self.which[key] == len(self.answers):  # and no other question had the same, as rows of a step without them
            self.answers.append(found)
        return found
