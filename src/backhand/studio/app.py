"""The server of the page: static files, and questions answered by processes of their own that can be stopped.

It keeps nothing of anybody: no cookies, no sessions, no files. A question that takes too long, or whose asker has gone,
is stopped with its process. Only hosts that were named are answered, so that no other site can ask through a browser.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

import anyio
from anyio import to_process
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..render.html import PAGE, katex_css
from . import STATIC
from .answers import ANSWERS, written_answer

SECONDS = 20.0  # a question that takes longer is stopped
MOST_BYTES = 2_000_000  # of a question
KEPT_BYTES = 64_000_000  # of answers that may be asked for again
PATIENCE = 60.0  # seconds until a question that waits is told so
GRACE = 0.5  # seconds that a question may still take when its asker has gone
REMEMBERED, MOST_REFUSED = 60.0, 1000  # seconds for which what took too long is refused at once; how many
LONG = ("surface", "fit", "compare", "check", "export", "table", "model")  # they leave a process for the others
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Kept:
    """The latest answers by their questions: a class that opens one sheet asks the same."""

    def __init__(self, most: int = KEPT_BYTES) -> None:
        self.most, self.size = most, 0
        self.found: OrderedDict[bytes, bytes] = OrderedDict()

    def get(self, key: bytes) -> bytes | None:
        if key in self.found:
            self.found.move_to_end(key)
        return self.found.get(key)

    def put(self, key: bytes, body: bytes) -> None:
        if len(body) > self.most // 8 or key in self.found:
            return
        self.found[key] = body
        self.size += len(body)
        while self.size > self.most:
            _, old = self.found.popitem(last=False)
            self.size -= len(old)


def answered(question: str, body: bytes) -> bytes:
    """In a process of its own: the answer to a question as JSON."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        asked = None
    return written_answer(question, asked).encode()


def studio(
    text: str = "", examples: Sequence[tuple[str, str, str]] = (), hosts: Sequence[str] = (), processes: int = 2,
    seconds: float = SECONDS,
) -> Starlette:  # fmt: skip
    """The application.

    Args:
        text: the sheet that the page opens with.
        examples: sheets that it offers: name, title, text.
        hosts: names that it may be called by, beside those of this machine.
        processes: how many questions are worked at once.
        seconds: how long one may take.
    """
    beginning = {"text": text, "examples": [dict(zip(("name", "title", "text"), e, strict=True)) for e in examples]}
    page = (STATIC / "index.html").read_text("utf-8")
    return Starlette(
        routes=[
            Route("/", _fixed(page.encode(), "text/html")),
            Route("/begin", _fixed(json.dumps(beginning).encode(), "application/json")),
            Route("/ask/{question}", _Desk(processes, seconds).ask, methods=["POST"]),
            Route("/katex.css", _fixed(katex_css().encode(), "text/css")),
            Route("/katex.js", _fixed((PAGE / "katex" / "katex.min.js").read_bytes(), "text/javascript")),
            Route("/page.css", _fixed((PAGE / "page.css").read_bytes(), "text/css")),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK, *hosts], www_redirect=False),
            Middleware(_Guarded, policy=_policy(page)),
        ],
    )


@dataclass
class _Work:
    """A question that is being worked, for everybody who asks the same."""

    ended: anyio.Event = field(default_factory=anyio.Event)
    found: bytes | None = None
    refusal: Response | None = None


class _Desk:
    """Takes questions, and has them answered by processes."""

    def __init__(self, processes: int, seconds: float) -> None:
        self.processes, self.seconds = processes, seconds
        self.kept = Kept()
        self.asked: dict[bytes, _Work] = {}
        self.refused: OrderedDict[bytes, tuple[float, Response]] = OrderedDict()
        self.slots: anyio.CapacityLimiter | None = None  # made within the loop that it belongs to
        self.long_slots: anyio.CapacityLimiter | None = None

    async def ask(self, request: Request) -> Response:
        question = request.path_params["question"]
        if question not in ANSWERS:
            return _refused(404, f"there is no question `{question}`", expected=", ".join(ANSWERS))
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return _refused(415, "a question is JSON", expected="content-type: application/json")
        body = await _body(request)
        if body is None:
            said = f"what was sent has more than {MOST_BYTES // 10**6} MB"
            return _refused(413, said, hint="fewer rows; large tables are for `backhand train`")
        key = sha256(question.encode() + b"\n" + body).digest()
        while True:
            found = self.kept.get(key)
            if found is not None:
                return Response(found, media_type="application/json")  # a refusal in words is an answer, too
            until, refusal = self.refused.get(key, (0.0, None))
            if refusal is not None and anyio.current_time() < until:
                return refusal
            work = self.asked.get(key)
            if work is None:
                return await self.answer(request, question, body, key)
            await work.ended.wait()
            if work.refusal is not None:
                return work.refusal
            if work.found is not None:
                return Response(work.found, media_type="application/json")

    async def answer(self, request: Request, question: str, body: bytes, key: bytes) -> Response:
        """The answer; for everybody who asks the same meanwhile."""
        self.asked[key] = work = _Work()
        try:
            found = await _unless_gone(request, partial(self.worked, question, body))
            if found is None:
                return Response(status_code=499)
            self.kept.put(key, found)
            work.found = found
            return Response(found, media_type="application/json")
        except _Busy:
            return _refused(503, "many are asking, and it is not your turn yet", hint="again in a moment")
        except TimeoutError:
            said = f"this took more than {self.seconds:g} seconds and was stopped"
            work.refusal = _refused(503, said, hint="fewer epochs, rows or units")
        except anyio.BrokenWorkerProcess:
            work.refusal = _refused(503, "the work ended before its answer", hint="fewer epochs, rows or units")
        finally:
            self.asked.pop(key, None)
            work.ended.set()
        self.refused[key] = (anyio.current_time() + REMEMBERED, work.refusal)
        while len(self.refused) > MOST_REFUSED:
            self.refused.popitem(last=False)
        return work.refusal

    async def worked(self, question: str, body: bytes) -> bytes:
        """In a process, once it is its turn: the clock starts then. What may take long leaves one for the others."""
        if self.slots is None:
            self.slots = anyio.CapacityLimiter(self.processes)
            self.long_slots = anyio.CapacityLimiter(max(1, self.processes - 1))
        async with AsyncExitStack() as taken:
            with anyio.move_on_after(PATIENCE) as waiting:
                for slots in (self.long_slots, self.slots) if question in LONG else (self.slots,):
                    assert slots is not None
                    await taken.enter_async_context(slots)
            if waiting.cancelled_caught:
                raise _Busy
            alone = anyio.CapacityLimiter(1)  # the slot is taken already
            with anyio.fail_after(self.seconds):
                return await to_process.run_sync(answered, question, body, cancellable=True, limiter=alone)


class _Busy(Exception):
    """It was not this question's turn for long."""


async def _body(request: Request) -> bytes | None:
    """What was sent; None where it is too much."""
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > MOST_BYTES:
            return None
    return bytes(found)


async def _unless_gone(request: Request, work: Callable[[], Awaitable[bytes]]) -> bytes | None:
    """The work's result; None where the asker goes away before, and then the work is stopped."""
    found: list[bytes] = []
    failed: list[Exception] = []
    async with anyio.create_task_group() as group:

        async def watch() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            await anyio.sleep(GRACE)  # what ends soon does: to stop it costs a process
            group.cancel_scope.cancel()

        group.start_soon(watch)
        try:
            found.append(await work())
        except Exception as problem:  # out of the group as it is, not as one of several
            failed.append(problem)
        group.cancel_scope.cancel()
    if failed:
        raise failed[0]
    return found[0] if found else None


def _refused(status: int, message: str, **more: str) -> Response:
    return JSONResponse({"error": {"message": message, **more}}, status)


def _fixed(body: bytes, kind: str) -> Callable[[Request], Response]:
    return lambda request: Response(body, media_type=kind)


def _policy(page: str) -> list[tuple[bytes, bytes]]:
    """What the page may load: its own files. Its one script that stands in it, the import map, is named by its hash."""
    inside = re.search(r'<script type="importmap">(.*?)</script>', page, re.DOTALL)
    assert inside is not None
    named = b64encode(sha256(inside[1].encode()).digest()).decode()
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'sha256-{named}'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        )
    )
    return [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-cache"),
    ]


class _Guarded:
    """Sends the policy with every answer."""

    def __init__(self, app: ASGIApp, policy: list[tuple[bytes, bytes]]) -> None:
        self.app, self.policy = app, policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self.policy]
            await send(message)

        await self.app(scope, receive, sent if scope["type"] == "http" else send)
