"""The studio measured: how soon a click is answered, how soon a large network is there, and a class on one server.

`./dev bench studio` writes docs/studio.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from backhand.cli.examples import example_text

PLACE = Path(__file__).parent.parent / "docs" / "studio.md"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
CLICK = """async (key) => {
  const one = document.querySelector(`.drawing text[data-k="${CSS.escape(key)}"]`);
  const line = document.querySelector(".now-line");
  const begun = performance.now();
  const changed = new Promise((done) => new MutationObserver((_, watch) => { watch.disconnect(); done(); })
    .observe(line, { childList: true, subtree: true, characterData: true }));
  one.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  await changed;
  const there = performance.now() - begun;
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return [there, performance.now() - begun];
}"""
ABOUT = """\
# The studio, measured

By `./dev bench studio`, on {cores} cores, in Debian's Chromium without a graphics card.

**A click on a number**, until its line of working stands on the page, and until that frame is drawn; milliseconds,
median and worst of {clicks} clicks. Nothing is asked of the server for it.

| network | weights | line there: median, worst | frame drawn: median, worst |
|---|---:|---:|---:|
{answers}

**784-256-128-10** (235,146 weights): {large:.2f} s from the address to the drawing with its numbers; one of its weights
by name, {named:.2f} s.

**A class of {users}**: each asks once a second for {seconds} s, on one server with {processes} processes; the asking
itself runs on the same {cores} cores. Stepping from line to line asks nothing; a question is another epoch or row.

| each asks for | questions | errors | milliseconds: median | 95th percentile | worst |
|---|---:|---:|---:|---:|---:|
{load}
"""


def layered(*sizes: int, rows: int = 1) -> str:
    """A sheet of dense layers with drawn weights and data."""
    rng = random.Random(1)
    heads = [f"x[{k + 1}]" for k in range(sizes[0])] + [f"t[{k + 1}]" for k in range(sizes[-1])]
    chain = "".join(f" -> {size} tanh" for size in sizes[1:-1]) + f" -> {sizes[-1]} linear as y"
    lines = [
        f'title "{"-".join(map(str, sizes))}"', f"input x[{sizes[0]}]; target t[{sizes[-1]}]", f"layers x{chain}",
        "cost C = mse(y, t)", "rate 0.1", "start he seed 1", "data", ", ".join(heads),
        *(", ".join(f"{rng.uniform(-1, 1):.2f}" for _ in heads) for _ in range(rows)),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


@contextmanager
def server(sheet: str, processes: int) -> Iterator[str]:
    command = [sys.executable, "-m", "backhand.cli.main", "studio", "-", "--port", "0", "--no-browser"]
    command += ["--processes", str(processes)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        assert running.stderr is not None
        running.stdin.write(sheet)
        running.stdin.close()
        yield running.stderr.readline().split()[2]
        running.terminate()


def warmed(address: str) -> None:
    """A first question, so that a process has begun."""
    asked = json.dumps({"text": example_text("line")[0]}).encode()
    request = urllib.request.Request(address + "ask/stage", asked, {"content-type": "application/json"})
    urllib.request.urlopen(request, timeout=60).read()


def opened(page: Page, address: str) -> float:
    begun = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(".drawing svg text[data-k]")
    return time.perf_counter() - begun


def clicks(page: Page, address: str, count: int) -> tuple[list[float], list[float]]:
    opened(page, address)
    keys = page.eval_on_selector_all(".drawing text[data-k]", "all => all.map((one) => one.dataset.k)")
    rng, last = random.Random(1), ""
    there, drawn = [], []
    for _ in range(count):
        last = rng.choice([key for key in keys if key != last])
        one, two = page.evaluate(CLICK, last)
        there.append(one)
        drawn.append(two)
    return there, drawn


async def asker(address: str, bodies: Iterator[bytes], seconds: int, begin: float, took: list[float]) -> int:
    """One user: a question a second; the number of those that failed."""
    host, _, port = address.removeprefix("http://").rstrip("/").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    wrong = 0
    for k in range(seconds):
        await asyncio.sleep(max(0.0, begin + k - time.perf_counter()))
        body = next(bodies)
        head = f"POST /ask/stage HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        begun = time.perf_counter()
        writer.write(head.encode() + body)
        status = await reader.readline()
        length = 0
        while (line := await reader.readline()).strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        answer = await reader.readexactly(length)
        took.append(time.perf_counter() - begun)
        wrong += b" 200 " not in status or answer.startswith(b'{"error"')
    writer.close()
    return wrong


async def loaded(address: str, users: int, seconds: int, own: bool) -> tuple[list[float], int]:
    """Every user steps through the epochs of a sheet: all of the same one, or each with weights of their own."""
    price = example_text("price")[0]

    def bodies(user: int) -> Iterator[bytes]:
        text = price.replace("w1 = 0.3", f"w1 = {0.3 + user / 1000:.3f}") if own else price
        for k in range(10**6):
            asked: dict[str, Any] = {"text": text, "epochs": 60, "step": k % 60 + 1, "row": k % 3 + 1}
            yield json.dumps(asked).encode()

    took: list[float] = []
    rng, begin = random.Random(2), time.perf_counter() + 1
    wrong = await asyncio.gather(
        *(asker(address, bodies(u), seconds, begin + rng.random(), took) for u in range(users))
    )  # fmt: skip
    return took, sum(wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--clicks", type=int, default=200)
    chosen = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    answers, load = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for name, weights, sheet in (
            ("price", 15, example_text("price")[0]),
            ("4-8-8-2", 130, layered(4, 8, 8, 2)),
            ("6-10-10-1", 191, layered(6, 10, 10, 1)),
        ):
            with server(sheet, cores) as address:
                there, drawn = clicks(browser.new_page(), address, chosen.clicks)
            numbers = [statistics.median(there), max(there), statistics.median(drawn), max(drawn)]
            answers.append("| {} | {} | {:.1f}, {:.1f} | {:.1f}, {:.1f} |".format(name, weights, *numbers))
        with server(layered(784, 256, 128, 10), cores) as address:
            page = browser.new_page()
            warmed(address)
            large = opened(page, address)
            page.fill("form input", "W1[100,300]")
            begun = time.perf_counter()
            page.click("form button")
            page.wait_for_selector("[data-line='d:W1[100,300]']")
            named = time.perf_counter() - begun
        browser.close()
    with server(example_text("price")[0], cores) as address:
        for own, said in ((False, "a moment of the same sheet"), (True, "a moment of a sheet of their own")):
            took, wrong = asyncio.run(loaded(address, chosen.users, chosen.seconds, own))
            times = sorted(1000 * one for one in took)
            middle, tail = statistics.median(times), times[int(0.95 * len(times))]
            load.append(f"| {said} | {len(took):,} | {wrong} | {middle:.0f} | {tail:.0f} | {times[-1]:.0f} |")
    text = ABOUT.format(
        cores=cores, clicks=chosen.clicks, answers="\n".join(answers), large=large, named=named, users=chosen.users,
        seconds=chosen.seconds, processes=cores, load="\n".join(load),
    )  # fmt: skip
    PLACE.write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
