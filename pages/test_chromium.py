"""Pages as people see them: in Chromium, light and dark, on a phone, without scripts, printed, by a reader's rules."""

import re
from pathlib import Path

import pytest

import backhand as bh
from backhand.cli.examples import example_names

EXAMPLES = Path(bh.__file__).parent / "examples"


def sheet(name):
    return bh.read(EXAMPLES / f"{name}.bh")


PAGES = {
    **{name: lambda name=name: sheet(name).show() for name in example_names()},
    "price, 5 epochs and a surface": lambda: sheet("price").show(epochs=5, surface="w9,b5"),
    "price as matrices": lambda: sheet("price").show(view="matrices"),
    "why": lambda: sheet("price").why("w1"),
    "marking": lambda: sheet("price").check("z1 = 3.13\nz3 = 36\na3 = 36\nC = 1"),
    "exercises": lambda: bh.exercises(level="update", variants=2),
    "keys": lambda: bh.exercises(level="mistake").keys,
    "histograms": lambda: sheet("penguins").draw("histograms"),
    "gradient check": lambda: sheet("price").gradcheck(),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_for_nothing_and_is_readable(name, opened):
    text = PAGES[name]().to_html()
    page = opened(text)
    assert page.asked == []
    assert page.wrong == []
    assert page.axe() == []
    page.page.wait_for_function("!document.querySelector('.m:not(.drawn)')")  # KaTeX drew every formula
    assert page.page.locator(".katex-error").count() == 0


@pytest.mark.parametrize("name", ["price", "penguins", "why", "exercises", "marking"])
def test_on_a_phone(name, opened):
    page = opened(PAGES[name]().to_html(), width=390)
    assert page.overflows() <= 0
    assert page.axe() == []


def luminance(color):
    parts = [int(v) / 255 for v in re.findall(r"\d+", color)[:3]]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first, second):
    """As WCAG 2 defines it."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_contrast(dark, opened):
    """Of every text that has a colour, formulas and pictures too, on the page's own paper."""
    page = opened(
        sheet("price").check("z1 = 3.13\nz3 = 36").to_html() + sheet("price").show().to_html(), dark=dark
    ).page
    pairs = page.evaluate(
        """() => Array.from(document.querySelectorAll(
            ".katex, p, li, td, th, h1, h2, h3, a, summary, button, .remark, svg text"))
        .map(one => { let back = one;
            while (back && getComputedStyle(back).backgroundColor.startsWith("rgba(0, 0, 0, 0"))
                back = back.parentElement;
            const style = getComputedStyle(one);
            return [one instanceof SVGElement ? style.fill : style.color,
                    back ? getComputedStyle(back).backgroundColor : "rgb(255, 255, 255)"]; })"""
    )
    worst = min(contrast(*pair) for pair in pairs)
    assert len(pairs) > 500
    assert worst >= 4.5


def test_without_scripts_everything_is_there(opened):
    page = opened(sheet("price").show().to_html(), scripts=False)
    assert page.asked == []
    maths = page.page.locator("math")
    assert maths.count() > 300
    assert maths.first.is_visible()
    assert page.page.get_by_text("Unfold all").is_hidden()
    box = maths.nth(5).bounding_box()
    assert box["width"] > 10
    assert box["height"] > 8


def test_steps_fold_and_unfold(opened):
    page = opened(sheet("price").show().to_html()).page
    step = page.locator("details.step").first
    assert step.locator("div .result").is_visible()
    page.get_by_text("Results only").click()
    assert not step.locator("div .result").is_visible()
    assert step.locator(".folded").is_visible()
    page.get_by_text("Show the working").click()
    assert step.locator("div .result").is_visible()
    page.get_by_role("button", name="Fold all", exact=True).click()
    assert not page.get_by_role("heading", name="Forward, row 1").locator("xpath=../..").get_attribute("open")


def test_printed_it_is_whole(opened):
    page = opened(sheet("price").show(epochs=4).to_html()).page
    page.emulate_media(media="print")
    last = page.locator("details.part").last
    assert last.get_attribute("open") is None
    assert last.locator(".m").last.bounding_box()["height"] > 5
    assert page.locator(".tools").is_hidden()


def test_the_keyboard_reaches_what_scrolls(opened):
    page = opened(sheet("price").show(view="batch").to_html(), width=500).page
    found = page.evaluate(
        "Array.from(document.querySelectorAll('.wide, .step')).filter(e => e.scrollWidth > e.clientWidth + 1)"
        ".every(e => e.tabIndex === 0)"
    )
    assert found


def test_a_piece_in_somebody_elses_page(opened):
    piece = sheet("price").show()._repr_mimebundle_()["text/html"]
    host = f"<!DOCTYPE html><html lang=en><title>host</title><main><h1>A notebook</h1>{piece}</main></html>"
    page = opened(host)
    assert page.asked == []
    assert page.wrong == []
    assert [v for v in page.axe() if v[0] in ("serious", "critical")] == []


def test_the_policy_forbids_what_a_page_could_ask_for(opened):
    text = sheet("line").show().to_html()
    asking = text.replace("</body>", '<img src="http://example.invalid/x.png" alt=""></body>')
    assert re.search("Content Security Policy", " ".join(opened(asking).wrong))
