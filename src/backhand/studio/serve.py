"""Runs the page on this machine, until Ctrl-C."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Sequence
from ipaddress import ip_address

from ..errors import UsageError

PORT = 8700


def serve(
    text: str, examples: Sequence[tuple[str, str, str]], *, host: str = "127.0.0.1", port: int | None = None,
    hosts: Sequence[str] = (), processes: int = 2, ready: Callable[[str], None] = print,
) -> None:  # fmt: skip
    """Serves the page.

    Args:
        text: the sheet it opens with.
        host: the address it is reached at; this machine alone, unless told otherwise.
        port: 8700 or the next free one; 0 is any free one.
        hosts: names that others call it by; needed where `host` is not this machine.
        ready: called with the address, once it answers.
    Raises:
        UsageError: starlette or uvicorn is not installed, or the port is taken.
    """
    try:
        import uvicorn

        from .app import studio
    except ImportError:
        raise UsageError("the studio needs starlette and uvicorn", hint='pip install "backhand[studio]"') from None
    if not _loopback(host) and not hosts:
        raise UsageError(
            f"{host} can be reached by others", hint="name what they call it by: --allow-host class.example.org"
        )
    listening = _bound(host, port)
    shown = host if ":" not in host else f"[{host}]"
    address = f"http://{shown}:{listening.getsockname()[1]}/"
    app = studio(text, examples, hosts, processes)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready(address)

    vars(sys.modules["__main__"]).pop("__file__", None)  # or each process that answers would run the command's own file
    config = uvicorn.Config(app, log_level="warning", server_header=False, timeout_graceful_shutdown=1)
    Server(config).run([listening])


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bound(host: str, port: int | None) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    tried = [port] if port is not None else [*range(PORT, PORT + 20), 0]
    for one in tried:
        found = socket.socket(family)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, one))
        except OSError as problem:
            found.close()
            if one == tried[-1]:
                said = problem.strerror or str(problem)
                raise UsageError(f"cannot listen at {host}, port {one}: {said}", hint="another --port") from None
            continue
        return found
    raise AssertionError("one of them is tried last")
