"""Pages as text, Markdown and LaTeX: goldens of three systems, and what holds for every formula and table.

`UPDATE_GOLDENS=1 ./dev test tests/test_render.py` writes the goldens anew; read what changed, then keep it.
"""

import os
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import backhand as bh
from backhand.cli.examples import example_names
from backhand.document.parts import Formula, Page, Table, Text
from backhand.errors import UsageError
from backhand.explain.general import general_document
from backhand.explain.names import SCHEMES
from backhand.explain.views import VIEWS
from backhand.notation.expr import Arr, Call, Num, Partial, Ref, add, call, mul, power
from backhand.notation.latex import LatexPrinter
from backhand.notation.names import latex_name
from backhand.notation.numbers import Digits
from backhand.ops.vocabulary import LATEX, VOCABULARY
from backhand.render.files import as_text
from backhand.render.latex import to_latex
from backhand.render.lines import ROOM
from backhand.render.markdown import to_markdown
from backhand.render.width import width

EXAMPLES = Path(bh.__file__).parent / "examples"
GOLDENS = Path(__file__).parent / "goldens"
FORMS = {"text": ".txt", "markdown": ".md", "latex": ".tex"}


@cache
def sheet(name):
    return bh.read(EXAMPLES / f"{name}.bh")


# --- goldens -------------------------------------------------------------------------------------------


GOLDEN = {
    "price": lambda: sheet("price").show(),
    "price-why-w1": lambda: sheet("price").why("w1"),
    "two-weights": lambda: sheet("two-weights").show(questions=True),
    "three-neurons": lambda: sheet("three-neurons").show(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", GOLDEN)
def test_goldens(name, form):
    text = as_text(GOLDEN[name]().document(), None, form, Digits())
    golden = GOLDENS / f"{name}{FORMS[form]}"
    if os.environ.get("UPDATE_GOLDENS"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8")


def test_there_are_no_other_goldens():
    assert {p.name for p in GOLDENS.iterdir()} == {f"{name}{end}" for name in GOLDEN for end in FORMS.values()}


# --- what a formula is made of -------------------------------------------------------------------------


TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|\s+|.", re.DOTALL)
# every command here is known to amsmath and to what GitHub and notebooks draw Markdown with
WORDS = """
    frac cdot left right begin end partial sum text operatorname mathit mathrm hat sqrt approx leftarrow odot
    times top quad qquad cdots vdots sim sigma tanh exp log max min delta eta beta varepsilon mu lambda rho
    alpha theta nabla le ge bigl bigr Biggl Biggr Phi pi backslash acute
"""
COMMANDS = {f"\\{word}" for word in [*WORDS.split(), "ldots", "\\", ",", "_", "%", "{", "}"]}
NESTED = {"\\left": "\\right"}


def problems(formula):
    """What LaTeX would stumble over."""
    found = []
    stack, scripts, cells, previous = [], set(), 0, ""
    tokens = [t for t in TOKEN.findall(formula) if not t.isspace()]
    for at, token in enumerate(tokens):
        if token in ("^", "_"):
            if token in scripts:
                found.append(f"two {token} on one thing")
            scripts.add(token)
            if at + 1 == len(tokens) or tokens[at + 1] in "}^_&":
                found.append(f"nothing behind {token}")
        elif token != "{" or previous not in ("^", "_"):
            scripts = set()
        if token in ("{", *NESTED, "\\begin"):
            stack.append((token, scripts))
            scripts = set()
        elif token in ("}", *NESTED.values(), "\\end"):
            opened, before = stack.pop() if stack else ("nothing", set())
            if {"{": "}", "\\begin": "\\end", **NESTED}.get(opened) != token:
                found.append(f"{token} closes {opened}")
            scripts = before if token == "}" else set()
        elif token == "&" or token == "\\\\":
            cells += 1
            if not any(opened == "\\begin" for opened, _ in stack):
                found.append(f"{token} outside of a table")
        elif token in "$#%~":
            found.append(f"a bare {token}")
        if token.startswith("\\") and token not in COMMANDS:
            found.append(f"unknown {token}")
        previous = token
    if stack:
        found.append(f"{stack[-1][0]} is never closed")
    for size in ("big", "Bigg"):  # these may stand on two lines
        if tokens.count(f"\\{size}l") != tokens.count(f"\\{size}r"):
            found.append(f"{size} brackets without a partner")
    if not re.sub(r"\\text\{[^{}]*\}", "", formula).isascii():
        found.append("raw letters")
    return found


@pytest.mark.parametrize(
    ("formula", "complaint"),
    [
        ("\\frac{1}{2", "never closed"), ("1}", "closes nothing"), ("\\left(x", "never closed"),
        ("\\left(x}\\right)", "closes"), ("10^{3}^{2}", "two ^"), ("w_{1}_{2}", "two _"),
        ("a & b", "outside"),
        ("∂", "raw"), ("\\nonsense{x}", "unknown"), ("x^", "nothing behind"), ("\\begin{a} 1 }", "closes"),
    ],
)  # fmt: skip
def test_the_checker_sees_what_it_is_for(formula, complaint):
    assert complaint in " ".join(problems(formula))


@pytest.mark.parametrize(
    "formula", ["w_{1}^{2} + x_{a_{b}}", "{w^{(1)}}^{\\top}", "f'\\left(x\\right)^{2}", "\\text{é}"]
)
def test_the_checker_passes_what_is_right(formula):
    assert problems(formula) == []


def markdown_formulas(text):
    return [a or b for a, b in re.findall(r"\$\$\n(.*?)\n\$\$|\$`([^`]*)`\$", text, re.DOTALL)]


def latex_formulas(text):
    """Displays, as a table of what stands between & and \\\\, and what stands between two $."""
    body = text.split("\\begin{document}")[1]
    displays = re.findall(r"(\\begin\{align\*\}.*?\\end\{align\*\})", body, re.DOTALL)
    body = re.sub(r"\\begin\{align\*\}.*?\\end\{align\*\}", "", body, flags=re.DOTALL)
    inline = re.findall(r"(?<!\\)\$(.*?)(?<!\\)\$", body, re.DOTALL)
    fits = re.compile(r"\\fit\{0\.\d\d\}")
    displays = [d.replace("align*", "aligned").replace("\\\\*", "\\\\") for d in displays]
    return [fits.sub("", f) for f in [*displays, *inline]]


def pages():
    """(id, document) of every sheet in every view, and of derivations and questions of every kind."""
    for name in example_names():
        for view in VIEWS:
            yield f"{name}-{view}-own", lambda n=name, v=view: sheet(n).show(view=v)
        for names in SCHEMES[1:] if name in ("price", "two-three-one") else ():
            yield f"{name}-own-{names}", lambda n=name, s=names: sheet(n).show(names=s)
        yield f"{name}-questions", lambda n=name: sheet(n).show(2, questions=True)
        network = sheet(name).network
        for node in [*network.parameters[:2], *network.equations[-1:], *network.inputs[:1]]:
            yield f"{name}-why-{node.name}", lambda n=name, m=node.name: sheet(n).why(m)
            if node.shape:
                entry = f"{node.name}[{','.join('1' for _ in node.shape)}]"
                yield f"{name}-why-{entry}", lambda n=name, m=entry: sheet(n).why(m, grain="layers")
        if name not in ("three-neurons", "curve", "penguins"):
            yield f"{name}-gradcheck", lambda n=name: sheet(n).gradcheck()
    for layer in ("L", "L-1", "L-3"):
        yield f"general-{layer}", lambda w=layer: general_document(w)


PAGES = dict(pages())


@cache
def document(page):
    try:
        made = PAGES[page]()
        return made.document() if hasattr(made, "document") else made
    except UsageError:  # a network that forms no layers has no such view
        return None


def test_every_shipped_network_has_every_view():
    assert {page for page in PAGES if document(page) is None} == set()


@pytest.mark.parametrize("name", [*example_names(), "general"])
def test_every_formula_can_be_drawn_and_none_runs_off_the_page(name):
    """Braces, brackets, scripts, letters and commands; and every line of working is broken or set to fit."""
    checked, seen = 0, set()
    for page in PAGES:
        if not page.startswith(f"{name}-") or document(page) is None:
            continue
        latex = to_latex(document(page), Digits())
        formulas = markdown_formulas(to_markdown(document(page), Digits())) + latex_formulas(latex)
        assert formulas
        checked += len(formulas)
        for formula in set(formulas) - seen:
            assert problems(formula) == [], (page, formula)
        seen.update(formulas)
        for display in re.findall(r"\\begin\{align\*\}\n(.*?)\n\\end\{align\*\}", latex, re.DOTALL):
            for line in re.split(r"\\\\\*?\n", display):
                assert "\\fit{" in line or width(line) <= ROOM + 3, (page, line)
    assert checked > 50


# --- tables, headings, words ---------------------------------------------------------------------------


def cells(line):
    """The cells of a Markdown table's line; a bar in a formula or behind a backslash parts nothing."""
    return re.split(r"(?<!\\)\|", re.sub(r"\$`[^`]*`\$", "formula", line).strip().strip("|"))


@pytest.mark.parametrize("name", example_names())
def test_tables_have_as_many_cells_in_every_line(name):
    tables = 0
    for page in (f"{name}-own-own", f"{name}-matrices-own", f"{name}-questions", f"{name}-gradcheck"):
        if PAGES.get(page) is None or document(page) is None:
            continue
        markdown, latex = to_markdown(document(page), Digits()), to_latex(document(page), Digits())
        parts = [p for p in document(page).parts if isinstance(p, Table)]
        blocks = re.findall(r"^\|.*(?:\n\|.*)*", markdown, re.MULTILINE)
        assert len(blocks) == len(parts)
        for block, part in zip(blocks, parts, strict=True):
            head, rule, *rows = block.splitlines()
            assert {len(cells(line)) for line in (head, rule, *rows)} == {len(part.columns)}
            assert len(rows) == len(part.rows)
            assert set(cells(rule)) <= {"---", "---:"}
        drawn = re.findall(r"\\begin\{(tabular|longtable)\}\{([^\n]*)\}\n(.*?)\n\\end\{\1\}", latex, re.DOTALL)
        assert len(drawn) >= len(parts)
        for _, columns, body in drawn:
            wanted = len(re.sub(r">\{[^{}]*\}|\{[^{}]*\}", "", columns))
            body = re.sub(r"\\begin\{(cases|bmatrix)\}.*?\\end\{\1\}", "", body, flags=re.DOTALL)
            for line in re.split(r"\\\\\*?", body.replace("\\hline", "").replace("\\endhead", "")):
                if line.strip():
                    assert len(re.split(r"(?<!\\)&", line)) == wanted, line
        tables += len(parts)
    assert tables or name == "three-neurons"


def test_headings():
    markdown = to_markdown(document("price-own-own"), Digits())
    latex = to_latex(document("price-own-own"), Digits())
    found = re.findall(r"^(#+) (.*)$", markdown, re.MULTILINE)
    assert found[0] == ("#", "Price of a stay from its rating and its distance")
    assert [text for level, text in found if level == "##"] == [
        "The network", "The cost", "Epoch 1", "After epoch 1: forward again",
        "What stands out, at the starting values",
    ]  # fmt: skip
    assert {len(level) for level, _ in found} == {1, 2, 3}
    assert re.findall(r"\\section\*\{(.*)\}", latex) == [found[0][1]]
    assert re.findall(r"\\subsection\*\{(.*)\}", latex) == [t for level, t in found if level == "##"]
    assert re.findall(r"\\paragraph\*\{(.*)\}\\mbox", latex) == [t for level, t in found if level == "###"]


def test_a_latex_document_is_whole_and_plain():
    for page in ("price-own-own", "cache-batch-own", "price-gradcheck"):
        text = to_latex(document(page), Digits())
        assert text.startswith("\\documentclass")
        assert text.endswith("\\end{document}\n")
        opened, closed = re.findall(r"\\begin\{(.*?)\}", text), re.findall(r"\\end\{(.*?)\}", text)
        assert sorted(opened) == sorted(closed)
        assert all(ord(c) < 0x180 for c in text)  # letters that every T1 font has


HARD = 'title "50% of $x_1 & #2 ~ ^ \\\\ {a} | <b> *c* `d` — 价 θ ½"\n'


def test_plain_words_are_plain_words():
    page = bh.read(HARD + "y = w^2\ncost C = y\nw = 1\nrate 0.1").show().document()
    (title,) = re.findall(r"\\section\*\{(.*)\}", to_latex(page, Digits()))
    for written in (
        "50\\% of \\$x\\_1 \\& \\#2",
        "\\textasciitilde{}",
        "\\^{}",
        "\\textbackslash{}",
        "\\{a\\}",
    ):
        assert written in title
    assert "\\texttt{U+4EF7} $\\theta$ $\\frac{1}{2}$" in title
    assert "\\texttt{d}" in title
    heading = to_markdown(page, Digits()).splitlines()[0]
    for written in ("\\$x\\_1 \\& \\#2 \\~", "\\*c\\*", "\\<b\\>", "\\|", "`d`"):
        assert written in heading


def test_markdown_takes_nothing_for_its_own():
    page = Page("T")
    page.text("2. not a list")
    page.text("- nor this")
    page.text("W1~_1 and W2~_1 are not struck out, a`b is no code", kind="note")
    page.note(" ")
    page.add(Table(("a|b", Ref("w")), (("x|y", 1.5), ("z", Call("abs", (Ref("w"),)))), "A *table*"))
    text = to_markdown(page.done(), Digits())
    assert "2\\. not a list" in text
    assert "\\- nor this" in text
    assert "*W1\\~\\_1 and W2\\~\\_1 are not struck out, a\\`b is no code*" in text
    assert "*A \\*table\\**" in text
    assert "| a\\|b | $`w`$ |" in text
    assert "\\left\\vert w\\right\\vert" in text
    assert [len(cells(line)) for line in text.splitlines() if line.startswith("|")] == [2, 2, 2, 2]


def test_remarks_stand_in_maths():
    page = Page("T")
    page.add(Formula(Ref("y"), Ref("w_1"), "each ∂ on the right is 50% known"))
    for text in (to_markdown(page.done(), Digits()), to_latex(page.done(), Digits())):
        assert "w_{1} \\qquad \\text{each }\\partial \\text{ on the right is 50\\% known}" in text


# --- names and formulas --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("w10", "w_{10}"), ("w_1", "w_{1}"), ("W1~_1", "W_{1\\sim_{1}}"), ("W12_2", "W_{12_{2}}"),
        ("w_{11}^{(2)}", "w_{11}^{(2)}"), ("b_1^(2)", "b_{1}^{(2)}"), ("δ_j^(L-1)", "\\delta_{j}^{(L-1)}"),
        ("ŷ", "\\hat{y}"), ("ŷ1", "\\hat{y}_{1}"), ("yhat", "\\mathit{yhat}"), ("σ", "\\sigma"),
        ("θ_0", "\\theta_{0}"),
        ("Price", "\\mathit{Price}"), ("u_H1", "u_{H1}"), ("x_in", "x_{\\mathit{in}}"),
        ("αβ", "\\mathit{\\alpha \\beta }"),
        ("z(y)", "z_{(y)}"), ("m̂(w_1)", "\\hat{m}_{(w_{1})}"), ("v(W1[2,1])", "v_{(W_{1}[2,1])}"),
        ("x_a_b_c", "x_{a_{b_{c}}}"), ("é", "\\acute{e}"), ("ẑ1", "\\hat{z}_{1}"), ("Ж1", "\\text{Ж}_{1}"),
        ("w_{50%}", "w_{50\\%}"), ("w_{\\alpha}", "w_{\\alpha }"), ("z₁", "z_{1}"),
        ("A^(1)_+", "A_{+}^{(1)}"),
    ],
)  # fmt: skip
def test_names(name, latex):
    assert latex_name(name).replace(" }", "}") == latex.replace(" }", "}")
    assert problems(latex_name(name)) == []


W, V = Ref("w"), Ref("w_{1}^{(2)}")


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        (power(W, 2), "w^{2}"),
        (power(V, 2), "\\left(w_{1}^{(2)}\\right)^{2}"),
        (power(Num(5e-20), 2), "\\left(5\\cdot 10^{-20}\\right)^{2}"),
        (power(Num(-2.0), 2), "\\left(-2\\right)^{2}"),
        (power(call("exp", W), 2), "\\left(e^{w}\\right)^{2}"),
        (power(Partial(Ref("C"), W), 2), "\\left(\\frac{\\partial C}{\\partial w}\\right)^{2}"),
        (power(call("sigmoid", W, prime=1), 2), "\\sigma'\\left(w\\right)^{2}"),
        (power(W, power(W, 2)), "w^{w^{2}}"),
        (call("relu", W, prime=1), "\\operatorname{ReLU}'\\left(w\\right)"),
        (call("g", Ref("z1")), "g\\left(z_{1}\\right)"),
        (call("act_2", Ref("z1"), prime=1), "\\operatorname{act}_{2}'\\left(z_{1}\\right)"),
        (Call("sum", (power(W, 2),)), "\\sum_{i=1}^{N} w^{2}"),
        (Call("mean", (add(W, V),)), "\\frac{1}{N}\\sum_{i=1}^{N} \\left(w + w_{1}^{(2)}\\right)"),
        (mul(Call("sum_m", (W,)), V), "\\left(\\sum_{m} w\\right) \\cdot w_{1}^{(2)}"),
        (mul(V, Call("sum_m", (W,))), "w_{1}^{(2)} \\cdot \\sum_{m} w"),
        (Ref("C@2"), "C@2"),
        (Partial(Ref("C"), Ref("W1@2", (2, 1))), "\\frac{\\partial C}{\\partial W_{1}[2,1]@2}"),
        (add(W, Num(-2.0), mul(-1.0, V)), "w - 2 - w_{1}^{(2)}"),
        (Call("transpose", (Ref("W^(2)"),)), "{W^{(2)}}^{\\top}"),
    ],
)  # fmt: skip
def test_formulas(formula, latex):
    assert LatexPrinter(functions=LATEX)(formula) == latex
    assert problems(latex) == []


def test_every_operation_can_be_drawn():
    """Each with its derivative; a new one cannot be forgotten."""
    for name, op in VOCABULARY.items():
        printer = LatexPrinter(functions=LATEX)
        args = tuple(Ref(letter) for letter in ("x", "y", "a")[: max(op.arguments[0], 1)])
        shown = [printer(Call(name, args, index=(1,)))]
        shown += [printer(f) for f in (op.formula, *op.derivative) if f is not None]
        shown += [printer(Call(name, args, prime=k + 1)) for k in range(len(op.slope))]
        assert [problems(s) for s in shown if problems(s)] == [], name


def test_partials_in_a_line_of_text_have_a_slash():
    page = Page("T")
    page.text("see ", Partial(Ref("C"), Ref("w1")))
    assert "$`\\partial C/\\partial w_{1}`$" in to_markdown(page.done(), Digits())
    assert "$\\partial C/\\partial w_{1}$" in to_latex(page.done(), Digits())
    assert isinstance(page.parts[0], Text)


def test_a_long_sum_is_broken_before_a_sign():
    page = Page("T")
    page.add(Formula(Ref("y"), add(*(mul(Ref(f"w_{k}"), Ref(f"x_{k}"), Ref(f"v_{k}")) for k in range(1, 16)))))
    for text in (to_markdown(page.done(), Digits()), to_latex(page.done(), Digits())):
        (formula,) = re.findall(r"y &.*?\n\\end", text, re.DOTALL)
        first, *others = re.split(r"\\\\\*?\n", formula)
        assert "w_{1} \\cdot x_{1} \\cdot v_{1} + w_{2}" in first
        assert others
        assert all(re.match(r" &(\\fit\{0\.\d+\}\{)?\\quad \{\} [+-] ", line) for line in others)
        assert text.count("w_{15}") == 1


@pytest.mark.parametrize(
    ("left", "latex"),
    [
        (Arr(np.array([1.0, -2.0])), "\\begin{bmatrix} 1 & -2 \\end{bmatrix}\\, x"),
        (Call("stack", (Ref("w1"), Ref("w2"))), "\\begin{bmatrix} w_{1} & w_{2} \\end{bmatrix}\\, x"),
        (Arr(np.array([[1.0], [2.0]])), "\\begin{bmatrix} 1 \\\\ 2 \\end{bmatrix}\\, x"),
    ],
)
def test_a_list_from_the_left_is_a_row(left, latex):
    shown = LatexPrinter()(Call("matmul", (left, Ref("x"))))
    assert re.sub(r"\s*\\, ", "\\, ", shown) == latex
    assert LatexPrinter()(Arr(np.array([1.0, -2.0]))) == "\\begin{bmatrix} 1 \\\\ -2 \\end{bmatrix}"


def test_an_outer_product_with_a_number_is_a_product():
    column = Arr(np.array([1.0, 2.0]))
    assert LatexPrinter()(Call("outer", (column, Num(-3.0)))).endswith("\\end{bmatrix} \\cdot \\left(-3\\right)")
    assert LatexPrinter()(Call("outer", (Ref("δ"), Ref("x")))) == "\\delta {x}^{\\top}"
