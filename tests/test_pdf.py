"""PDFs by Typst: every page of every sheet is set, and the same document gives the same bytes."""

import re
from pathlib import Path

import pytest

import backhand as bh
from backhand.cli.examples import example_names
from backhand.document.parts import Chart, Formula, Histogram, Items, Page, Series, Step, Text
from backhand.errors import UsageError
from backhand.explain.names import SCHEMES
from backhand.explain.views import VIEWS
from backhand.notation.expr import Call, Num, Ref
from backhand.notation.latex import LatexPrinter
from backhand.notation.numbers import Digits
from backhand.ops.vocabulary import LATEX
from backhand.render.typst import to_pdf, to_typst
from backhand.render.typst_maths import typst_maths

EXAMPLES = Path(bh.__file__).parent / "examples"


def pages_of(pdf):
    """How many pages, and how large they are in points."""
    sizes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", pdf)
    return len(re.findall(rb"/Type\s*/Page\b", pdf)), {(round(float(w)), round(float(h))) for w, h in sizes}


@pytest.mark.parametrize("name", example_names())
def test_every_sheet_is_set_and_comes_out_the_same(name):
    work = bh.read(EXAMPLES / f"{name}.bh").show()
    pdf = work.to_pdf()
    assert pdf.startswith(b"%PDF-")
    assert pdf == work.to_pdf()
    count, sizes = pages_of(pdf)
    assert count >= 1
    assert sizes == {(595, 842)}
    assert pages_of(work.to_pdf(paper="letter"))[1] == {(612, 792)}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("names", SCHEMES)
def test_every_view_and_naming_is_set(view, names):
    for name in ("price", "two-three-one", "cache", "three-neurons"):
        try:
            document = bh.read(EXAMPLES / f"{name}.bh").show(view=view, names=names).document()
        except UsageError:
            continue
        assert to_pdf(document, Digits()).startswith(b"%PDF")


def test_other_results_are_set_too(tmp_path):
    sheet = bh.read(EXAMPLES / "price.bh")
    for result in (sheet.why("w1"), sheet.gradcheck(), sheet.check("z1 = 3.13\nz3 = 36")):
        assert result.to_pdf().startswith(b"%PDF")
        result.save(tmp_path / "x.pdf", paper="letter")
        assert pages_of((tmp_path / "x.pdf").read_bytes())[1] == {(612, 792)}
    sheet.show().save(tmp_path / "x.typ")
    assert (tmp_path / "x.typ").read_text("utf-8").startswith("#set page(")


def test_every_line_of_working_stands_in_it():
    document = bh.read(EXAMPLES / "price.bh").show().document()
    source = to_typst(document, Digits())
    lines = sum(isinstance(part, Step | Formula) for part in document.parts)
    assert source.count("#fit($ ") == lines
    assert source.count('format: "svg"') == 2  # forward and back


def test_words_are_never_markup():
    page = Page('a # "title" $x$')
    page.heading('#panic("no") = *x* \\', 1)
    page.text('$x$ #eval("1") `code $` _a_ <b> @c \n // d /* e')
    page.add(Items((Text(('"]#pagebreak()',)),)))
    page.add(Chart("<b>", "#x", "$y$", (Series("s", (1.0, 2.0), (3.0, 4.0)),)), Histogram("h", "x", (0.0, 1.0), (2,)))
    assert pages_of(to_pdf(page.done(), Digits()))[0] == 1


def test_an_unknown_paper():
    with pytest.raises(UsageError, match="no paper `a5`"):
        bh.read(EXAMPLES / "line.bh").show().to_pdf(paper="a5")


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (Ref("w10"), "attach(w, b: 10)"),
        (Ref("Price"), 'italic("Price")'),
        (Ref("ŷ"), "accent(y, hat)"),
        (Call("sigmoid", (Ref("z"),), prime=1), "attach(σ, t: primes(#1)) lr(\\( z \\))"),
        (Num(-1e-7), "− attach(10, t: − 7)"),
    ],
)
def test_formulas(expr, text):
    assert typst_maths(LatexPrinter(Digits(), LATEX)(expr)) == text
