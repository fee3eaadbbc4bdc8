"""Chromium for the tests of pages: Debian's, with a fresh profile, every request out of a page blocked and counted."""

from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-quic",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


class Opened:
    """A page as a person has it open, with what it asked for and what went wrong in it."""

    def __init__(self, page, path):
        self.page, self.asked, self.wrong = page, [], []
        page.on("console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        own = path.as_uri()

        def answer(route):
            if route.request.url.partition("#")[0] == own:
                route.continue_()
            else:
                self.asked.append(route.request.url[:200])
                route.abort()

        page.route("**/*", answer)
        page.goto(own)
        page.wait_for_timeout(150)

    def axe(self):
        """Violations of the rules as (impact, rule, where); KaTeX's picture is no part of what is read."""
        self.page.evaluate(AXE)
        run = "async () => (await axe.run({exclude: [['.katex']]}, {resultTypes: ['violations']})).violations"
        found = self.page.evaluate(run)
        return [(v["impact"], v["id"], v["nodes"][0]["html"][:120]) for v in found]

    def overflows(self):
        """How many pixels the page is wider than its window."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.fixture
def opened(chromium, tmp_path):
    contexts = []

    def open_page(text, width=1100, dark=False, scripts=True):
        path = tmp_path / f"page{len(contexts)}.html"
        path.write_text(text, "utf-8")
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light",
            java_script_enabled=scripts, bypass_csp=False,
        )  # fmt: skip
        contexts.append(context)
        return Opened(context.new_page(), path)

    yield open_page
    for context in contexts:
        context.close()
