"""The studio in Chromium: what each part of the page does for a person, with nothing let out of it."""

import json
import subprocess
import sys
import urllib.request

import pytest

import backhand as bh
from backhand.cli.examples import example_text

PRICE = example_text("price")[0]


@pytest.fixture(scope="module")
def address():
    command = [sys.executable, "-m", "backhand.cli.main", "studio", "price", "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        line = server.stderr.readline()
        assert "studio: http://127.0.0.1:" in line
        yield line.split()[2]
        server.terminate()
        server.stderr.close()


class Studio:
    """The page as a person has it open; what it asked of others, and what went wrong in it."""

    def __init__(self, page, address):
        self.page, self.address, self.asked, self.wrong = page, address, [], []
        page.on("console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))

        def answer(route):
            if route.request.url.startswith((address, "data:", "blob:")):
                route.continue_()
            else:
                self.asked.append(route.request.url[:200])
                route.abort()

        page.route("**/*", answer)

    def open(self, hash_=""):
        self.page.goto("about:blank")
        self.page.goto(self.address + hash_)
        self.page.wait_for_selector(".drawing svg")
        return self

    def shows(self, selector, words):
        """Waits until it does."""
        check = "([one, words]) => document.querySelector(one)?.textContent.replace(/\\s+/g, ' ').includes(words)"
        self.page.wait_for_function(check, arg=[selector, words], timeout=15_000)

    def tab(self, name):
        self.page.click(f"#tab-{name}")

    def text(self, selector):
        return " ".join(self.page.inner_text(selector).split())

    def formula(self):
        """The line below the drawing in LaTeX."""
        return " ".join(self.page.eval_on_selector_all(".now-line annotation", "all => all.map((a) => a.textContent)"))

    def number(self, key):
        """What the drawing says of a key; None where its number is hidden."""
        one = self.page.locator(f'.drawing text[data-k="{key}"]').first
        if "later" in (one.get_attribute("class") or ""):
            return None
        return float(one.text_content().replace("−", "-").split("=")[-1])


@pytest.fixture
def studio(chromium, address):
    contexts = []

    def open_studio(hash_="", width=1400, height=900, dark=False):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light",
            accept_downloads=True, permissions=["clipboard-read", "clipboard-write"],
        )  # fmt: skip
        contexts.append(context)
        return Studio(context.new_page(), address).open(hash_)

    opened = []

    def kept(*args, **kwargs):
        opened.append(open_studio(*args, **kwargs))
        return opened[-1]

    yield kept
    for one in opened:
        assert one.asked == []
        assert one.wrong == []
    for context in contexts:
        context.close()


def test_a_click_on_a_number_shows_how_it_came(studio):
    s = studio()
    assert s.text("h1") == "Price of a stay from its rating and its distance"
    s.page.click('.drawing text[data-k="v:z3"]')
    assert "35.104" in s.formula()
    assert "w_{5} \\cdot a_{1} + w_{6} \\cdot a_{2} + b_{3}" in s.formula()
    taken = s.page.eval_on_selector_all(".drawing text.taken", "all => all.map((one) => one.dataset.k)")
    assert {"v:w5", "v:w6", "v:a1", "v:a2"} <= set(taken)


def test_step_by_step_by_the_keyboard(studio):
    s = studio()
    s.page.keyboard.press("Home")
    assert s.number("v:z1") is None
    assert s.number("v:w1") == 0.3  # what is given stands there
    s.page.keyboard.press("ArrowRight")
    assert s.number("v:z1") == 3.13
    assert s.number("v:a1") is None
    assert "z_{1}" in s.formula()
    s.page.keyboard.press("ArrowLeft")
    assert s.number("v:z1") is None
    s.page.keyboard.press("ArrowDown")  # a layer
    assert s.number("v:a2") == 8.15
    assert s.number("v:z3") is None
    s.page.keyboard.press("ArrowUp")
    assert s.number("v:a2") is None
    s.page.keyboard.press("End")
    assert "step 67 of 67" in s.text(".where")
    s.page.keyboard.press("Home")
    s.page.keyboard.press(" ")  # it plays
    s.shows(".where", "step 2 of")
    s.page.keyboard.press(" ")


def test_the_paths_of_a_weight(studio):
    s = studio()
    s.page.click('.drawing text[data-k="v:w1"]')
    s.page.click(".working p button")
    s.page.wait_for_selector(".paths")
    assert s.text(".paths h2") == "2 paths to the cost"
    s.page.click(".paths .chips button >> nth=1")
    lit = s.page.eval_on_selector_all(".drawing .dot.onpath", "all => all.map((one) => one.dataset.dot)")
    assert {"a1", "a3", "a5"} <= set(lit)
    assert "a4" not in lit
    assert s.page.locator(".drawing .factor").count() == 7  # from w1 to C, each beside its arrow or its unit
    s.page.click("text=All paths >> nth=-1")
    assert s.page.locator(".drawing .factor").count() == 10  # those that both share stand once
    s.page.click("text=The whole derivation")
    assert "looked up" in s.text(".paths .piece")


def test_epochs_and_the_way_back_to_a_moment(studio):
    s = studio()
    s.tab("epochs")
    s.page.fill(".epochs input", "59")
    s.page.click(".epochs .train button")
    s.shows(".controls .epoch", "Epoch 60")
    assert s.page.locator(".curve polyline").count() == 1
    s.page.click(".epochs tbody tr:nth-child(2) button")
    s.shows(".controls .epoch", "Epoch 2")
    s.page.keyboard.press("e")
    s.shows(".controls .epoch", "Epoch 3")


def test_a_weight_is_changed_undone_and_redone(studio):
    s = studio()
    s.page.click('.drawing text[data-k="v:w1"]')
    s.page.fill(".field input[type=text]", "0.5")
    s.page.keyboard.press("Enter")
    s.shows('.drawing text[data-k="v:w1"]', "= 0.5")
    assert s.number("v:z1") == pytest.approx(0.5 * 3.5 + 0.4 * 0.2 + 2)
    s.page.click("text=Undo")
    s.shows('.drawing text[data-k="v:w1"]', "= 0.3")
    s.page.click("text=Redo")
    s.shows('.drawing text[data-k="v:w1"]', "= 0.5")


def test_the_sheets_text_with_its_faults_and_proposals(studio):
    s = studio()
    s.tab("sheet")
    area = s.page.locator("textarea")
    area.fill(PRICE.replace("a5 = relu(w9*a3", "a5 = relu(w9*a33"))
    s.page.wait_for_selector(".fault")
    assert "a33" in s.text(".fault")
    assert s.text(".gutter .bad") == "10"
    area.fill(PRICE.replace("relu(w9", "tanh(w9"))
    s.page.wait_for_selector(".fault", state="detached")
    area.focus()
    s.page.keyboard.press("Control+End")
    s.page.keyboard.type("# sig")
    assert s.text(".proposals li >> nth=0") == "sigmoid"
    s.page.keyboard.press("Tab")
    assert area.input_value().endswith("# sigmoid")


def test_views_fit_surface_and_comparison(studio):
    s = studio()
    s.tab("views")
    s.page.wait_for_selector(".views .piece .mtable")
    assert "a row per example" not in s.text(".views .piece")
    s.page.click("text=batch")
    s.shows(".views .piece", "The batch form: a row per example")
    s.tab("compare")
    s.page.wait_for_selector(".compare polyline")
    assert s.page.locator(".compare polyline").count() == 3
    s.tab("fit")
    s.page.wait_for_selector(".fit circle")
    s.page.fill(".fit input", "30")
    s.page.click(".fit .train button")
    s.shows(".controls .epoch", "Epoch 31")
    s.page.click(".tools select")
    s.page.select_option(".tools select", "price")
    s.shows(".controls .epoch", "Epoch 1")
    s.tab("surface")
    s.page.wait_for_selector(".surface .point")
    assert "times faster than" in s.text(".surface")
    s.page.click(".surface summary")
    s.page.wait_for_selector("canvas.solid")
    inked = "(one) => one.getContext('2d').getImageData(0, 0, one.width, one.height).data.filter((b) => b > 0).length"
    assert s.page.eval_on_selector("canvas.solid", inked) > 10_000
    flat = s.page.eval_on_selector("canvas.solid", "one => one.toDataURL()")
    s.page.focus("canvas.solid")
    s.page.keyboard.press("ArrowRight")
    s.page.wait_for_timeout(200)
    assert s.page.eval_on_selector("canvas.solid", "one => one.toDataURL()") != flat
    s.page.click(".surface summary")
    box = s.page.locator("circle.point").bounding_box()
    s.page.mouse.move(box["x"] + 5, box["y"] + 5)
    s.page.mouse.down()
    s.page.mouse.move(box["x"] + 65, box["y"] - 25, steps=4)
    s.page.mouse.up()
    moved = "([key]) => Number(document.querySelector(key).textContent.split('=').at(-1)) > 0.31"
    s.page.wait_for_function(moved, arg=['.drawing text[data-k="v:w1"]'])


def lit(s):
    return set(s.page.eval_on_selector_all(".drawing .same", "all => all.map((one) => one.dataset.k)"))


def test_what_is_pointed_at_is_lit_in_every_view(studio):
    s = studio()
    for view in ("as in the sheet", "sums", "vectors", "matrices", "batch"):
        s.tab("views")
        s.page.click(f".views .chips >> text={view}")
        s.page.wait_for_function(
            "([name]) => document.querySelector('.views [aria-pressed=true]').textContent === name", arg=[view]
        )
        s.page.wait_for_timeout(400)
        s.page.hover(".views .katex [data-k='v:w5'] >> nth=-1")
        assert lit(s) == {"v:w5"}, view
        s.page.hover(".drawing text[data-k='v:z3']")
        assert s.page.locator(".views .katex .same[data-k='v:z3']").count() >= 1, view
    second = s.page.locator(".views .katex [data-k='v:z3'][data-row='2'] >> visible=true").first
    second.hover()
    assert lit(s) == set()  # the drawing has row 1
    second.click()
    s.shows('.drawing text[data-k="v:z3"]', "= 85.056")
    s.page.focus(".drawing text[data-k='v:w5']")  # by the keyboard as well
    assert s.page.locator(".views .katex .same[data-k='v:w5']").count() >= 1


def test_biases_as_units(studio):
    s = studio()
    assert s.page.locator(".dot.bias").count() == 0
    s.page.check("text=biases as units")
    s.page.wait_for_selector(".dot.bias")
    assert s.page.locator(".dot.bias").count() == 3
    s.page.click('.drawing text[data-k="v:b5"]')  # the output's own
    s.page.click(".working p button")
    s.page.click(".paths .chips button >> nth=0")
    assert "bias 3" in s.page.eval_on_selector_all("path.onpath", "all => all.map((one) => one.dataset.start)")


def test_a_part_of_a_long_run_is_looked_at_closely(studio):
    s = studio()
    s.tab("epochs")
    s.page.fill(".epochs input", "50000")
    s.page.click(".epochs .train button")
    s.shows(".controls .epoch", "Epoch 50001")
    assert "trained by the fast engine" in s.text(".epochs")
    box = s.page.locator("svg.curve").bounding_box()
    s.page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 60)
    s.page.mouse.down()
    s.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60, steps=4)
    s.page.mouse.up()
    s.page.wait_for_selector("text=the whole run >> visible=true")
    s.page.wait_for_timeout(600)
    first = int(s.page.locator(".epochs tbody button >> nth=0").inner_text().split()[1])
    assert 5_000 < first < 25_000
    s.page.fill("[aria-label='first step']", "40000")
    s.page.keyboard.press("Tab")
    s.page.fill("[aria-label='last step']", "40010")
    s.page.keyboard.press("Tab")
    s.shows(".epochs tbody tr:last-child", "Epoch 40010")
    s.page.click("text=Epoch 40005")
    s.shows(".controls .epoch", "Epoch 40005")


AWAY = "input x; target t\ny = w*x + b\ncost C = mse(y, t)\nw = 1; b = 0\nrate 5\ndata\nx, t\n1, 2\n2, 3\n3, 5\n"


def typed(s, text):
    s.tab("sheet")
    s.page.fill("textarea", text)
    s.page.wait_for_timeout(600)


def test_a_run_that_runs_away_ends_and_goes_back(studio):
    s = studio()
    typed(s, AWAY)
    s.tab("epochs")
    s.page.click(".epochs .train button")
    s.shows(".epochs .fault", "(epoch 90, step 1)")
    s.shows(".controls .epoch", "Epoch 89")
    s.page.click(".epochs tbody tr:nth-child(2) button")
    s.shows(".controls .epoch", "Epoch 2")
    typed(s, AWAY.replace("rate 5", "rate five"))
    assert "five" in s.text(".sheet .fault")
    typed(s, AWAY.replace("rate 5", "rate 0.01"))
    s.tab("epochs")
    s.page.click(".epochs .train button")  # what was wrong is forgotten
    s.shows(".controls .epoch", "Epoch 289")


def test_updates_and_rows_of_a_sheet_worked_online(studio):
    s = studio()
    typed(s, AWAY.replace("rate 5", "rate 0.01\nmode online"))
    s.page.keyboard.press("Escape")
    s.page.click(".controls button[title='Next epoch']")
    s.shows(".controls .epoch", "Epoch 2, step 1")
    s.page.click(".controls button[title='Next update']")
    s.shows(".controls .epoch", "Epoch 2, step 2")
    s.page.fill(".controls input[type=number]", "3")
    s.page.keyboard.press("Enter")
    s.shows(".controls .epoch", "Epoch 2, step 3")
    assert s.page.input_value(".controls input[type=number]") == "3"


def test_keys_step_after_an_example_or_a_box(studio):
    s = studio()
    s.page.select_option(".tools select", "one-neuron")
    s.page.wait_for_function("() => document.querySelector('h1').textContent.includes('neuron')")
    title = s.text("h1")
    s.page.keyboard.press("Home")
    s.page.keyboard.press("ArrowRight")
    s.shows(".where", "step 1 of")
    assert s.text("h1") == title
    s.page.check("text=biases as units")
    s.page.keyboard.press("ArrowRight")
    s.shows(".where", "step 2 of")


def test_what_was_typed_stays_while_another_panel_is_looked_at(studio):
    s = studio()
    s.tab("exercise")
    s.page.fill("[id='f-v:z1']", "3.2")
    s.page.click(".exercise p button >> nth=0")
    s.page.wait_for_selector(".exercise .v-wrong")
    s.tab("working")
    s.tab("exercise")
    assert s.page.input_value("[id='f-v:z1']") == "3.2"
    assert s.page.locator(".exercise .v-wrong").count() == 1
    s.page.wait_for_timeout(400)
    other = studio("#" + s.page.url.split("#")[1])  # and in the address
    assert other.page.input_value("[id='f-v:z1']") == "3.2"


def test_the_activation_of_a_layer_is_changed(studio):
    s = studio()
    s.page.select_option(".tools select", "xor")
    s.page.wait_for_selector('.drawing text[data-k="v:a1[1]"]')
    s.page.click('.drawing text[data-k="v:a1[1]"]')
    s.page.select_option(".working select", "relu")
    s.shows(".drawing", "ReLU")
    assert s.page.locator(".fault").count() == 0


def test_letters_are_looked_at(studio):
    s = studio()
    s.page.select_option(".tools select", "three-neurons")
    s.page.wait_for_function("() => document.querySelectorAll('.controls .sides button').length === 2")
    s.page.click(".controls .sides button >> nth=1")
    s.page.click('.drawing text[data-k="d:w1"] >> nth=0')
    s.page.click(".working p button")
    s.page.wait_for_selector(".paths li")


def test_files_are_opened(studio, tmp_path):
    s = studio()
    s.tab("share")
    rows = "".join(f"{k},{k * k % 7},{'yes' if k % 3 else 'no'}\n" for k in range(12))
    (tmp_path / "rows.csv").write_text("size,age,sold\n" + rows)
    s.page.set_input_files("input[type=file]", tmp_path / "rows.csv")
    s.shows("h1", "rows")
    assert s.page.locator('.drawing text[data-k="v:size"]').count() == 1
    table = bh.train_table(str(tmp_path / "rows.csv"), target="sold", layers=(3,), epochs=2)
    table.model.save(tmp_path / "sold.bhm")
    s.tab("share")
    s.page.set_input_files("input[type=file]", tmp_path / "sold.bhm")
    s.shows(".fault", "drop the table that it is of, too")
    s.page.set_input_files("input[type=file]", tmp_path / "rows.csv")
    s.shows("h1", "sold, a trained model")
    assert s.number("v:W1[1,1]") == pytest.approx(float(table.model.parameters[0][0][0, 0]), rel=1e-4)


def test_an_exercise_is_marked_with_hints(studio):
    s = studio()
    s.tab("exercise")
    s.page.check(".exercise input[type=checkbox]")
    assert s.number("v:z1") is None
    assert s.number("v:w1") == 0.3
    s.page.fill("[id='f-v:z1']", "3.13")
    s.page.fill("[id='f-v:a1']", "3.13")
    s.page.fill("[id='f-v:z2']", "8.5")
    s.page.click(".exercise p button >> nth=0")
    s.page.wait_for_selector(".exercise .v-wrong")
    assert s.page.locator(".exercise .v-right").count() == 2
    assert "z2@1" in s.text(".verdict")
    s.page.fill("[id='f-v:z2']", "8.15")
    s.page.click("text=Backward >> nth=-1")
    s.page.fill("[id='f-d:a5']", "-112.1874")
    s.page.click(".exercise p button >> nth=0")
    s.shows(".verdict", "the factor 2 is left out")
    s.page.fill("[id='f-d:a5']", "")
    s.page.click("text=Forward >> nth=-1")
    s.page.fill("[id='f-v:z2']", "8.5")
    s.page.click(".exercise p button >> nth=0")
    s.page.wait_for_selector(".exercise .v-wrong")
    s.page.click("text=Hint")
    assert s.page.locator(".hint p").count() == 1
    s.page.click("text=Hint")
    assert s.page.locator(".hint p").count() == 2
    s.page.click("text=Hint")
    s.page.click("text=Hint")
    assert "8.15" in s.text(".hint")


def test_the_address_is_the_whole_state(studio):
    s = studio()
    s.page.click('.drawing text[data-k="v:w6"]')
    s.page.fill(".field input[type=text]", "4.5")
    s.page.keyboard.press("Enter")
    s.shows('.drawing text[data-k="v:w6"]', "= 4.5")
    s.page.wait_for_timeout(400)
    hash_ = "#" + s.page.url.split("#")[1]
    other = studio(hash_)
    assert other.number("v:w6") == 4.5
    assert other.page.locator("text.chosen").first.get_attribute("data-k") == "v:w6"
    for broken in ("#1.AAAA", "#9.x", "#1." + "A" * 300_000, "#%%%"):
        assert studio(broken).number("v:w6") == 4


def test_a_teachers_link_leaves_parts_out(studio):
    s = studio()
    s.tab("share")
    s.page.check("text=Numbers stay hidden")
    s.page.check(".share label:has-text('Sheet') input[type=checkbox]")
    s.page.click(".share button >> nth=-1")
    s.shows(".told-link", "Copied")
    link = s.page.evaluate("navigator.clipboard.readText()")
    student = studio("#" + link.split("#")[1])
    assert student.page.locator("#tab-sheet").count() == 0
    assert student.page.locator("header select").count() == 0
    assert student.number("v:z3") is None
    assert student.page.locator("#tab-working").count() == 1
    assert student.page.locator(".exercise input[type=checkbox]").is_disabled()
    told = student.page.eval_on_selector_all(".drawing title", "all => all.map((one) => one.textContent)")
    assert not any("35.104" in one for one in told)
    student.tab("views")
    student.page.wait_for_selector(".views .piece .mtable")
    assert "35.104" not in student.text(".views")
    student.page.click('.drawing text[data-k="v:w1"]')
    student.tab("working")
    assert student.page.locator(".working p button").count() == 0  # no paths with their numbers


def test_export_writes_files(studio, tmp_path):
    s = studio()
    s.tab("share")
    for ending, beginning in (("pdf", b"%PDF"), ("xlsx", b"PK"), ("md", b"# Price")):
        with s.page.expect_download() as caught:
            s.page.click(f".share .chips button:text-is('{ending}')")
        path = tmp_path / f"work.{ending}"
        caught.value.save_as(path)
        assert path.read_bytes().startswith(beginning)


@pytest.mark.parametrize(("width", "height", "dark"), [(1400, 900, False), (1400, 900, True), (390, 844, False)])
def test_accessible_on_every_screen(studio, width, height, dark):
    from conftest import AXE

    s = studio(width=width, height=height, dark=dark)
    assert s.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    for name in ("working", "sheet", "views", "epochs", "surface", "compare", "exercise", "share"):
        s.tab(name)
        s.page.wait_for_timeout(500)
        s.page.evaluate(AXE)
        run = "async () => (await axe.run({exclude: [['.katex']]}, {resultTypes: ['violations']})).violations"
        found = [(v["impact"], v["id"], v["nodes"][0]["html"][:140]) for v in s.page.evaluate(run)]
        assert found == [], name


def test_a_click_answers_at_once(studio):
    """The number itself is measured by `bench/studio.py`; here only that nothing is asked of the server."""
    s = studio()
    asked = []
    s.page.on("request", lambda request: asked.append(request.url))
    for key in ("v:z1", "v:a3", "v:w6", "own"):
        s.page.click(f'.drawing text[data-k="{key}"]')
    assert asked == []


def test_the_server_answers_json_to_others_too(address):
    request = urllib.request.Request(
        address + "ask/stage", json.dumps({"text": PRICE}).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as found:
        assert json.load(found)["schema"] == "backhand.studio/1"
