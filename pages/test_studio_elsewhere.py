"""The studio's page where there is no server: in a report that is one file, and in a notebook."""

import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from backhand.cli.main import backhand


def report(tmp_path, *words):
    path = tmp_path / "work.html"
    done = CliRunner().invoke(backhand, ["show", *words, "--studio", "-o", str(path)])
    assert done.exit_code == 0, done.output
    return path.read_text("utf-8")


@pytest.mark.parametrize("dark", [False, True])
def test_a_report_is_gone_through_without_a_server(opened, tmp_path, dark):
    found = opened(report(tmp_path, "price", "--epochs", "3"), dark=dark)
    page = found.page
    page.wait_for_selector("#app .drawing svg")
    tabs = page.locator("#app [role=tab]").all_inner_texts()
    assert tabs == ["Working", "Views", "Epochs", "Surface", "Fit", "Compare"]
    page.click("#app .drawing text[data-k='v:z3']")
    assert "35.104" in page.inner_text("#app .now-line")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert "step 1 of" in page.inner_text("#app .where")
    page.fill("#app input[type=number]", "2")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('#app .drawing').textContent.includes('104.886')")
    page.click("#app .drawing text[data-k='v:w1']")
    page.keyboard.press("End")
    page.click("#app .drawing text[data-k='d:w1'] >> nth=0")
    page.click("#app .working p button")
    page.wait_for_selector("#app .paths li")
    for name, shows in (("views", ".mtable"), ("surface", ".point"), ("compare", "polyline"), ("epochs", ".curve")):
        page.click(f"#tab-{name}")
        page.wait_for_selector(f"#panel {shows}")
    page.click("#app .epochs tbody tr:nth-child(3) button")
    page.wait_for_function("() => document.querySelector('#app .epoch').textContent.includes('Epoch 3')")
    assert page.locator("#app .epoch button >> nth=1").is_disabled()  # what comes behind is not in the file
    assert page.locator("#app .fault").count() == 0
    assert found.axe() == []
    assert found.overflows() <= 0
    assert (found.asked, found.wrong) == ([], [])


def test_arrows_scroll_a_report_until_its_steps_are_looked_at(opened, tmp_path):
    found = opened(report(tmp_path, "chain"))
    found.page.wait_for_selector("#app .drawing svg")
    before = found.page.inner_text("#app .where")
    found.page.keyboard.press("ArrowLeft")
    assert found.page.inner_text("#app .where") == before
    found.page.focus("#app .controls button >> nth=2")
    found.page.keyboard.press("ArrowLeft")
    assert found.page.inner_text("#app .where") != before


def test_a_report_in_letters(opened, tmp_path):
    found = opened(report(tmp_path, "three-neurons"))
    found.page.wait_for_selector("#app .drawing svg")
    assert (found.asked, found.wrong) == ([], [])


APP = """
import marimo

app = marimo.App()


@app.cell
def _():
    import backhand as bh
    import marimo as mo

    widget = bh.read({text!r}).studio(height=700)
    shown = mo.ui.anywidget(widget)
    shown
    return shown, widget


if __name__ == "__main__":
    app.run()
"""


def test_the_page_in_a_notebook(chromium, tmp_path):
    """marimo, as a browser shows it; the cell's frame asks the notebook's Python."""
    from backhand.cli.examples import example_text

    (tmp_path / "app.py").write_text(APP.format(text=example_text("price")[0]), "utf-8")
    port = 27190
    command = [sys.executable, "-m", "marimo", "-q", "run", "app.py", "--headless", "--no-token", "--port", str(port)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            page = chromium.new_page(viewport={"width": 1300, "height": 1000})
            for _ in range(60):
                try:
                    page.goto(f"http://127.0.0.1:{port}/")
                    break
                except Exception:
                    time.sleep(0.5)
            frame = page.frame_locator("iframe[title='Backhand studio']")
            frame.locator(".drawing svg").first.wait_for(timeout=60_000)
            frame.locator(".drawing text[data-k='v:w1']").first.click()
            frame.locator(".working .field input[type=text]").fill("0.5")
            frame.locator(".working .field input[type=text]").press("Enter")
            changed = frame.locator(".drawing text[data-k='v:w1']", has_text="0.5")
            changed.first.wait_for(timeout=15_000)
            frame.locator("#tab-views").click()
            frame.locator(".views .piece .mtable").first.wait_for(timeout=15_000)
            page.close()
        finally:
            server.terminate()
