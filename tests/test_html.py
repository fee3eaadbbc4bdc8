"""Pages in HTML: one file that asks for nothing, readable without scripts, with every formula as MathML too."""

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

import backhand as bh
from backhand.cli.examples import example_names
from backhand.document.parts import Chart, Diagram, Formula, Histogram, Page, Series, Step, Table
from backhand.errors import UsageError
from backhand.explain.names import SCHEMES
from backhand.explain.views import VIEWS
from backhand.notation.expr import Call, Num, Partial, Ref
from backhand.notation.latex import LatexPrinter
from backhand.notation.numbers import Digits
from backhand.ops.vocabulary import LATEX, VOCABULARY
from backhand.render.boxes import UnknownLatex, boxes
from backhand.render.html import to_fragment, to_html
from backhand.render.labels import svg_text
from backhand.render.lines import working
from backhand.render.mathml import mathml
from backhand.render.pictures import picture_svg

EXAMPLES = Path(bh.__file__).parent / "examples"
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Tree(HTMLParser):
    """Reads a page, holds that every element is closed where it was opened, and keeps what a reader would meet."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.ids, self.asked, self.text = [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if "id" in attributes:
            self.ids.append(attributes["id"])
        for name in ("src", "href", "action", "data", "srcset", "poster"):
            if name in attributes and not attributes[name].startswith(("#", "data:")):
                self.asked.append((tag, attributes[name]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if "script" not in self.open and "style" not in self.open:
            self.text.append(data)

    def count(self, tag):
        return sum(found == tag for found, _ in self.tags)


def pages():
    for name in example_names():
        yield name, bh.read(EXAMPLES / f"{name}.bh").show()


@pytest.mark.parametrize("name", example_names())
def test_every_sheet_is_a_page_that_asks_for_nothing(name):
    work = bh.read(EXAMPLES / f"{name}.bh").show(epochs=1)
    text = work.to_html()
    tree = Tree(text)
    assert len(text.encode()) < 1_200_000
    assert not tree.asked
    assert len(tree.ids) == len(set(tree.ids))
    assert "default-src 'none'" in text
    assert "url(fonts/" not in text  # every font is in the file, or left out
    assert tree.count("h1") == 1
    assert tree.count("math") > 5
    drawn = [attributes for tag, attributes in tree.tags if "data-t" in attributes]
    assert len(drawn) == tree.count("math")  # what KaTeX draws has MathML beside it
    assert len([p for p in work.document().parts if isinstance(p, Diagram)]) == tree.count("svg")
    for tag, attributes in tree.tags:
        if tag == "svg":
            assert attributes["role"] == "img"
            assert set(attributes["aria-labelledby"].split()) <= set(tree.ids)


def test_the_steps_of_a_page_are_the_steps_of_the_document():
    work = bh.read(EXAMPLES / "price.bh").show()
    tree = Tree(work.to_html())
    steps = sum(1 for _ in work.document().steps())
    lines = [a for _, a in tree.tags if a.get("class") == "step"]
    formulas = sum(isinstance(p, Formula) for p in work.document().parts)
    assert len(lines) == steps + formulas
    said = "".join(tree.text)
    assert "35.104" in said
    assert "12586.0127" in said


def test_titles_and_names_are_words_and_never_markup():
    sheet = bh.read(
        'title "<script>alert(1)</script> & </title>"\ninput x "<b>"\ny = w*x\ncost C = y^2\nw = 1\ndata\nx\n2'
    )
    text = sheet.show().to_html()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    Tree(text)


def test_a_piece_for_a_notebook_needs_no_script():
    text = bh.read(EXAMPLES / "price.bh").show()._repr_mimebundle_()["text/html"]
    tree = Tree(text)
    assert tree.count("script") == 0
    assert tree.count("math") > 50
    assert not tree.asked
    assert "data-t" not in text
    assert len(text) < 300_000
    selectors = re.findall(r"(?m)^\s*([^@{}\n]+)\{", re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1])
    assert selectors
    assert all(part.strip().startswith(".backhand-page") for s in selectors for part in s.split(","))


def test_later_parts_are_folded_and_can_be_unfolded():
    text = bh.read(EXAMPLES / "price.bh").show(epochs=4).to_html()
    tree = Tree(text)
    parts = [a for tag, a in tree.tags if tag == "details" and a.get("class") == "part"]
    assert "open" in parts[0]
    assert "open" not in parts[-1]
    assert "details::details-content" in text  # printed all the same
    assert "Unfold all" in text


# --- formulas as MathML ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", example_names())
def test_all_our_latex_can_be_read_into_boxes(name):
    sheet = bh.read(EXAMPLES / f"{name}.bh")
    printer, inline = LatexPrinter(Digits(), LATEX), LatexPrinter(Digits(), LATEX, inline=True)
    for view in VIEWS:
        for scheme in SCHEMES:
            try:
                document = sheet.show(view=view, names=scheme).document()
            except UsageError:
                continue
            for part in document.parts:
                if isinstance(part, Formula | Step):
                    for left, rest in working(part, printer):
                        ElementTree.fromstring(mathml(f"{left} {rest}"))
                if isinstance(part, Table):
                    for cell in (*part.columns, *(c for row in part.rows for c in row)):
                        if not isinstance(cell, str | float | int | None):
                            ElementTree.fromstring(f"<text>{svg_text(inline(cell))}</text>")


def test_every_operation_has_boxes():
    printer = LatexPrinter(Digits(), LATEX)
    for op in VOCABULARY.values():
        args = tuple(Ref(letter) for letter in "xabc"[: max(1, len(op.letters))])
        for call in [Call(op.name, args), *([Call(op.name, args, prime=1)] if op.written else [])]:
            try:
                latex = printer(call)
            except (ValueError, IndexError, TypeError):
                continue  # it takes more arguments
            ElementTree.fromstring(mathml(latex))


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (Ref("w10"), "<math><msub><mi>w</mi><mn>10</mn></msub></math>"),
        (Ref("ŷ"), '<math><mover accent="true"><mi>y</mi><mo stretchy="false">^</mo></mover></math>'),
        (Num(-0.5), "<math><mo>−</mo><mn>0.5</mn></math>"),
        (Num(1e-7), "<math><msup><mn>10</mn><mrow><mo>−</mo><mn>7</mn></mrow></msup></math>"),
        (Call("sigmoid", (Ref("z"),), prime=1),
         "<math><msup><mi>σ</mi><mo>′</mo></msup><mrow><mo>(</mo><mi>z</mi><mo>)</mo></mrow></math>"),
        (Partial(Ref("C"), Ref("Price")),
         '<math><mfrac><mrow><mo>∂</mo><mi>C</mi></mrow><mrow><mo>∂</mo><mi style="font-style:italic">Price</mi></mrow>'
         "</mfrac></math>"),
    ],
)  # fmt: skip
def test_mathml(expr, text):
    assert mathml(LatexPrinter(Digits(), LATEX)(expr)) == text


@pytest.mark.parametrize("latex", ["\\newcommand", "\\frac{1}", "{x", "x}", "\\begin{array}x\\end{array}", "\\left(x"])
def test_other_latex_is_refused(latex):
    with pytest.raises(UnknownLatex):
        boxes(latex)


# --- pictures ---------------------------------------------------------------------------------------------


def test_the_diagram_has_every_weight_and_value():
    sheet = bh.read(EXAMPLES / "price.bh")
    found = next(p for p in sheet.show().document().parts if isinstance(p, Diagram))
    labels = {str(a.label[0].name): a.label[1] for a in found.arrows if a.label[0] is not None}
    assert labels == {
        "w1": 0.3,
        "w2": 0.4,
        "w3": 0.5,
        "w4": 2,
        "w5": 0.8,
        "w6": 4,
        "w7": 0.1,
        "w8": 0.4,
        "w9": 0.9,
        "w10": 3,
    }
    inside = {str(name.name): value for d in found.dots for name, value in d.inside}
    assert inside["z3"] == pytest.approx(35.104)
    assert inside["R"] == 3.5
    ElementTree.fromstring(picture_svg(found, Digits()))
    words = "".join(str(run) if isinstance(run, str) else "" for line in found.words for run in line)
    assert "from " in words


def test_biases_are_drawn_as_weights_of_a_unit_that_is_1():
    (drawn,) = bh.read(EXAMPLES / "price.bh").draw(biases=True).pictures
    ones = [dot for dot in drawn.dots if dot.kind == "bias"]
    assert [(dot.column, dot.inside) for dot in ones] == [(k, ((None, 1.0),)) for k in range(3)]
    from_ones = {a.label[0].name: (a.start, a.end, a.label[1]) for a in drawn.arrows if a.start.startswith("bias")}
    assert from_ones == {
        "b1": ("bias 1", "a1", 2.0), "b2": ("bias 1", "a2", 6.0), "b3": ("bias 2", "a3", 0.0),
        "b4": ("bias 2", "a4", 0.5), "b5": ("bias 3", "a5", 1.0),
    }  # fmt: skip
    assert not any(getattr(run, "name", "").startswith("b") for dot in drawn.dots for run in dot.below)
    assert ", 1 by " in "".join(str(run) if isinstance(run, str) else "" for run in drawn.words[2])
    ElementTree.fromstring(picture_svg(drawn, Digits()))
    back = bh.read(EXAMPLES / "price.bh").draw("backward", biases=True).pictures[0]
    assert sum(a.start.startswith("bias") and isinstance(a.label[0], Partial) for a in back.arrows) == 5


def test_a_diagram_of_matrices_skips_and_long_chains():
    deep = "input x; target y\n" + "\n".join(
        f"a{i} = tanh(w{i}*{'x' if i == 1 else f'a{i - 1}'})" for i in range(1, 41)
    )
    deep += (
        "\ncost C = (a40 + s*x - y)^2\n" + "".join(f"w{i} = 0.9\n" for i in range(1, 41)) + "s = 1\ndata\nx, y\n1, 2"
    )
    for text in (
        deep,
        "input x[3]; target y[2]\nlayers x -> 3 relu -> 2 softmax as p\ncost C = cross_entropy(p, y)\nstart he",
    ):
        for part in bh.read(text).show().document().parts:
            if isinstance(part, Diagram):
                drawn = picture_svg(part, Digits())
                ElementTree.fromstring(drawn)
                assert len(drawn) < 60_000
                keys = {d.key for d in part.dots}
                assert all(a.start in keys and a.end in keys for a in part.arrows)


def test_surfaces_name_what_is_wrong():
    line = "input x; target y\nz = w*x + b\ncost J = mean((z - y)^2)\nw = 0; b = 0\nrate 0.1\ndata\nx, y\n1, 2\n2, 3"
    sheet = bh.read(line)
    page = sheet.show(epochs=20, surface="w,b").document()
    found = next(p for p in page.parts if type(p).__name__ == "Surface")
    assert len(found.path) == 21
    assert found.path[0] == (0.0, 0.0)
    i, j = 7, 11  # the height is the cost at these weights, from another road
    at = bh.read(line.replace("w = 0; b = 0", f"w = {found.xs[j]!r}; b = {found.ys[i]!r}")).show().cost
    assert found.heights[i, j] == pytest.approx(at, rel=1e-14)
    ElementTree.fromstring(picture_svg(found, Digits()))
    for text, said in {
        "w": "does not name two parameters", "w,w": "does not name two parameters", "w,z": "is no parameter",
        "w,q": "has no `q`", "w=2..1,b": "gives no limits", "w=1..nan,b": "gives no limits",
    }.items():  # fmt: skip
        with pytest.raises(bh.BackhandError, match=re.escape(said)):
            sheet.show(surface=text).document()
    limited = sheet.show(surface="w=-1..3,b=0..2").document()
    found = next(p for p in limited.parts if type(p).__name__ == "Surface")
    assert (found.xs[0], found.xs[-1], found.ys[0], found.ys[-1]) == (-1, 3, 0, 2)


def test_charts_and_histograms_say_what_they_show():
    page = Page("Pictures")
    page.add(Chart("Course", "epoch", "C", (Series("C", (1.0, 2.0), (4.0, 1.0)),)))
    page.add(Histogram("Activations", "a1", (0.0, 0.5, 1.0), (3, 1)))
    for text in (to_html(page.done(), Digits()), to_fragment(page.done(), Digits())):
        said = "".join(Tree(text).text)
        assert "C from 4 at 1 to 1 at 2" in said
        assert "4 in 2 bins" in said


# --- size -------------------------------------------------------------------------------------------------


def test_a_large_network_says_what_it_leaves_out():
    sheet = bh.read(
        "input x[784]; target t[10]\nlayers x -> 256 relu -> 128 relu -> 10 linear as z\n"
        "cost C = softmax_cross_entropy(z, t)\nstart he seed 1\nrate 0.1\n"
        "data\n" + ", ".join([*(f"x[{i}]" for i in range(1, 785)), *(f"t[{i}]" for i in range(1, 11))])
        + "\n" + ", ".join(["0.5"] * 784 + ["1"] + ["0"] * 9) + "\n"
    )  # fmt: skip
    work = sheet.show()
    page, notes = work.to_html(), work.to_markdown()
    assert len(page.encode()) < 2_000_000
    assert len(notes.encode()) < 2_000_000
    for text in (page, notes):
        assert "of 1572 columns shown" in text
        assert "of 235146 columns shown" in text
    for text in ("⋮ 775 more", "⋮ 247 more", "⋮ 119 more"):  # units that the diagram leaves out
        assert text in "".join(Tree(page).text).replace("\u00a0", " ")
