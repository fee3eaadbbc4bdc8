"""Every printed line certifies itself.

At full digits the text of every numeric part is worth exactly its result, as tests/evaluator.py works it out
from the text alone; at fewer digits `=` stands where that holds for the printed numbers, and `≈` where it does
not. Parts in letters are worth their result with the numbers that the JSON has for their names.
"""

import json
import re
from itertools import cycle
from pathlib import Path
from random import Random

import pytest
from certify import Run, Tally, certify, lookups, substitution, substitution_of_why, working
from certify_sheets import SHEETS
from evaluator import difference, evaluate, flat, is_numeric, parts_of
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st
from random_sheets import Layered, Scalars

import backhand as bh
from backhand.document.parts import Formula
from backhand.errors import BackhandError
from backhand.explain.names import SCHEMES
from backhand.explain.views import VIEWS
from backhand.network.layers import layer_view
from backhand.notation.expr import Num, Ref, leaves
from backhand.notation.numbers import Digits
from backhand.render.files import as_text

FOLDER = Path(bh.__file__).parent / "examples"
SHIPPED = sorted(path.stem for path in FOLDER.glob("*.bh"))
DIGITS = (None, 3, 6)  # None: all
LAST_DIGIT = {"vectors": 1e-12, "matrices": 1e-12}  # they add up in the order of their columns
GRAINS = ("neurons", "layers", "inner")

# How many lines of working each sheet has at least, in all its views and derivations (so that none is skipped unseen).
LEAST = {"penguins": 100, "no rate": 20, "no data": 60, "line": 100}
USUAL = 100


def sheet_of(name):
    return bh.read(FOLDER / f"{name}.bh") if name in SHIPPED else bh.read(SHEETS[name])


def constants(sheet):
    return {n.name: n.value.tolist() for n in sheet.network.nodes.values() if n.role.name == "CONST"}


def letters(sheet):
    """What a row's own cost is called, alone and beside others: C where it is its share of C, else L."""
    cost = sheet.network.cost
    return cost.name if cost.penalty is None else cost.own_name, cost.own_name


def page(document, digits):
    return as_text(document, None, "text", Digits(digits))


def plain(result):
    """A result as its JSON reads."""
    return json.loads(as_text(result.document(), result.to_dict(), "json", Digits(None)))


def pages(document, digits=DIGITS, may_cut=False):
    """A document at some digits, each line of it certified."""
    steps = sum(1 for _ in document.steps())
    steps += sum(isinstance(p, Formula) and isinstance(p.right, Num) for p in document.parts)  # ∂z/∂b = 1, in letters
    tally = Tally()
    for count in digits:
        tally.add(certify(page(document, count), steps, count, may_cut))
    return tally


def entry_name(ref):
    return ref.name + (f"[{','.join(map(str, ref.index))}]" if ref.index else "")


def report(tally, name, least):
    print(f"{name}: {tally.steps} lines, {tally.links} numeric parts, {tally.letters} in letters, {tally.cut} cut")
    assert tally.complaints == []
    assert tally.steps >= least, f"only {tally.steps} lines of working were looked at"


# --- show -----------------------------------------------------------------------------------------------------


def shown(sheet, view, names="own", **choices):
    """A sheet worked out in a view; None where the network does not have it."""
    try:
        work = sheet.show(view=view, names=names, **choices)
        work.document()
    except BackhandError:
        return None
    return work


@pytest.mark.parametrize("name", [*SHIPPED, *SHEETS])
def test_show(name):
    """All views, one to three epochs, questions, and the naming schemes."""
    sheet = sheet_of(name)
    tally, views = Tally(), 0
    epochs = {"own": 3 if "update" in sheet.write() else 2, "neurons": 2}
    for view in VIEWS:
        work = shown(sheet, view, epochs=epochs.get(view, 1), questions=view == "own")
        if work is None:
            assert view not in ("own", "neurons")
            continue
        views += 1
        document, many_rows = work.document(), view == "batch" and name == "penguins"
        tally.add(pages(document, {"own": (None, 3, 6), "neurons": (None, 1, 6)}.get(view, (None, 3)), many_rows))
        data = plain(work)
        if not data["steps"] or not sheet.network.cost:
            continue
        text, run = page(document, None), Run(data, letters(sheet), constants(sheet))
        tally.add(lookups(text, run))
        if view == "batch":
            tally.add(weights_in_batches(sheet, document, data))
        else:
            tally.add(substitution(text, run, LAST_DIGIT.get(view, 0.0)))
    for view, names in zip(cycle(VIEWS), SCHEMES[1:] * 2, strict=False):
        work = shown(sheet, view, names)
        if work is not None:
            tally.add(pages(work.document(), (None,), view == "batch" and name == "penguins"))
    if sheet.network.in_letters:
        assert (tally.steps, views, tally.complaints) == (0, len(VIEWS), [])
        return
    report(tally, name, LEAST.get(name, USUAL))
    assert tally.links > tally.steps / 2
    if sheet.network.cost:
        assert tally.letters > tally.steps / 10
        assert tally.looked_up > 5


def weights_in_batches(sheet, document, data):
    """∂C/∂W^(l) of the batch form, entry by entry against the JSON (its sums run in another order)."""
    tally, network = Tally(), sheet.network
    text = [parts_of(line) for line in working(page(document, None))]
    layers = layer_view(network).layers
    refs = [ref for layer in layers for ref in layer.parameters()]
    if network.cost.penalty is not None or len({r.name for r in refs}) < len({p.name for p in network.parameters}):
        return tally
    beside = {leaf.name for leaf in leaves(network.cost.own) if isinstance(leaf, Ref)}
    if any(refs.count(ref) > 1 or ref.name in beside for ref in refs):
        return tally  # the form has one layer's part alone, and says so
    for layer in layers:
        rows = [
            [*row, unit.bias] if layer.has_bias else row for row, unit in zip(layer.weights(), layer.units, strict=True)
        ]
        names = data["steps"][0]["gradients"]
        expected = [[evaluate(entry_name(ref), names) if ref else 0.0 for ref in row] for row in rows]
        letter = "W_+" if layer.has_bias else "W"
        found = [parts for left, parts in text if left == f"∂{network.cost.name}/∂{letter}^({layer.number})"]
        tally.looked_up += 1
        if not found or apart(evaluate(found[0][-1][1]), expected) > 1e-12:
            tally.complain(f"∂/∂W^({layer.number}) should be {expected}", str(found[:1]))
    return tally


def apart(one, other):
    """The largest difference between two matrices."""
    return max(abs(a - b) for a, b in zip(flat(one), flat(other), strict=True))


# --- why ------------------------------------------------------------------------------------------------------


def targets(sheet):
    """Every parameter, node and input, whole and entry by entry."""
    network = sheet.network
    found = []
    for node in (*network.parameters, *network.equations, *network.inputs):
        entries = [entry_name(ref) for ref in node.entries()]
        found += [node.name, *(e for e in entries if e != node.name)]
    return found


@pytest.mark.parametrize("name", [*SHIPPED, *SHEETS])
def test_why(name):
    """Every name and entry, for the first row, the last and all of them, in three grains; and of one node each."""
    sheet = sheet_of(name)
    if sheet.network.in_letters:
        assert all(sheet.why(p.name).value is None for p in sheet.network.parameters)
        return
    rows = sheet.problem.table.rows if sheet.problem.table else 1
    nodes = [entry_name(ref) for node in sheet.network.equations for ref in node.entries()]
    data = plain(sheet.show()) if rows < 50 else None
    rows_shown = (None, 1, rows) if 1 < rows < 50 else (None, 1)
    ways = [(row, grain) for grain in GRAINS for row in rows_shown]
    of_ways = cycle(ways)
    tally = Tally()
    names = targets(sheet)
    for number, target in enumerate(names):
        for row, grain in ways:
            why = sheet.why(target, row, grain=grain)
            tally.add(pages(why.document(), (None, 3)))
            batch = data and len(data["steps"][0]["rows"]) == rows
            if batch and grain != "inner" and why.derivation.complete:
                run = Run(data, letters(sheet), constants(sheet))
                text = page(why.document(), None)
                tally.add(substitution_of_why(text, plain(why), run, row or 1))
        row, grain = next(of_ways)
        of = nodes[number % len(nodes)]
        tally.add(pages(sheet.why(target, row, of=of, grain=grain).document(), (None, 3)))
    later = sheet.why(names[0], epoch=2) if sheet.problem.plan.rate is not None else None
    if later is not None:
        tally.add(pages(later.document()))
    report(tally, name, 20)
    if data and rows == len(data["steps"][0]["rows"]):
        assert tally.letters > 3


# --- random sheets --------------------------------------------------------------------------------------------


@given(st.integers(0, 2**32), st.sampled_from([Scalars, Layered]), st.sampled_from(GRAINS))
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_random_sheets(seed, kind, grain):
    """Sheets with any operations and functions: all views, and one derivation."""
    random = Random(seed)
    text = kind(random).sheet()
    note(text)
    try:
        sheet = bh.read(text)
        works = [shown(sheet, view, epochs=1) for view in VIEWS]
        target = random.choice(targets(sheet))
        why = sheet.why(target, random.choice([None, 1]), grain=grain)
        why.document()
    except BackhandError:
        assume(False)
    tally = Tally()
    for view, work in zip(VIEWS, works, strict=True):
        if work is None:
            continue
        document, data = work.document(), plain(work)
        tally.add(pages(document, (None, 3)))
        if view != "batch":
            run = Run(data, letters(sheet), constants(sheet))
            tally.add(substitution(page(document, None), run, LAST_DIGIT.get(view, 0.0)))
    tally.add(pages(why.document(), (None, 3)))
    assert tally.complaints == []
    assert tally.steps > 4


# --- the evaluator itself -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "worth"),
    [
        ("0.3·3.5 + 0.4·0.2 + 2", 0.3 * 3.5 + 0.4 * 0.2 + 2),
        ("2 - 1e-6·(-486.4)", 2 - 1e-6 * -486.4),
        ("8/2/2·3", 6.0),
        ("-3²", -9.0),
        ("(-3)²", 9.0),
        ("2^3^2", 512.0),
        ("2^-1", 0.5),
        ("2^3²", 512.0),
        ("[[1, 2], [3, 4]] @ [5, 6] + [1, 1]", [18.0, 40.0]),
        ("[[1, 2], [3, 4]]ᵀ @ [5, 6]", [23.0, 34.0]),
        ("[1, 2] ⊗ [3, 4]", [[3.0, 4.0], [6.0, 8.0]]),
        ("([1, 2] ⊗ 3) ⊙ [[1], [0]]", [[3.0], [0.0]]),
        ("[[2]] @ 3", [6.0]),
        ("[1, 2, 3] @ [4, 5, 6]", 32.0),
        ("2·[1, 2]/4", [0.5, 1.0]),
        ("relu'(0) + relu'(1e-9) + leaky'(0, 0.1) + abs'(-2)", 0.0 + 1.0 + 0.1 - 1.0),
        ("leaky'2([-2, 3], 0.1)", [-2.0, 0.0]),
        ("max'2([1, 5], 3) + max(1, 4, 2)", [5.0, 4.0]),
        ("min'(2, 2) - min'2(2, 2)", 1.0),
        ("softmax([1, 1])[2] + total([[1, 2], [3, 4]])", 10.5),
        ("huber_of(3, 1) + huber_of'(3, 1) + huber_of'2(3, 1)", 2.5 + 1 + 2),
        ("(-1·[2, 3])[2]", -3.0),
    ],
)
def test_evaluator(text, worth):
    assert evaluate(text) == worth
    assert is_numeric(text)


@pytest.mark.parametrize(
    "text", ["w1·2", "2 +", "[1, 2] + [1, 2, 3]", "relu 2", "2 3", "x(3)", "(2", "a'(2)", "2²²", "1 = 1"]
)
def test_evaluator_refuses(text):
    with pytest.raises(Exception, match=r"."):
        evaluate(text)


def test_evaluator_knows_names():
    names = {"w1": 2.0, "w11": 3.0, "∂C/∂z(h)": [1.0, 5.0], "W": [[1.0, 2.0]], "L@2": 7.0}
    assert evaluate("w1·w11 + ∂C/∂z(h)[2] - W[1,2]·L@2", names) == 2 * 3 + 5 - 14
    assert evaluate("sum(L)/N", {"N": 2.0}, [{"L": 1.0}, {"L": 4.0}]) == 2.5
    assert evaluate("W[1] @ [3, 4]", names) == 11.0


def test_lines_are_cut_at_their_signs():
    line = "  ∂C/∂w5 = ∂C/∂z3·a1 = -201.9373·3.13 ≈ -632.0638   row 1"
    assert parts_of(line) == (
        "∂C/∂w5",
        [("=", "∂C/∂z3·a1"), ("=", "-201.9373·3.13"), ("≈", "-632.0638")],
    )
    assert parts_of("  w ← w - η·g = 1 - 2 = -1")[1][0] == ("←", "w - η·g")


@pytest.mark.parametrize(
    ("line", "digits", "complaint"),
    [
        ("  a = w·x = 2·3 = 7", None, "worth 6"),
        ("  a = w·x = 2·3 ≈ 6", None, "at full digits"),
        ("  a = w·x = 2·3.001 = 6", 3, "= between"),
        ("  a = w·x = 2·3 ≈ 6", 3, "≈ between"),
        ("  a = 6 = 6", None, "the same twice"),
        ("  a = 2·3 = w·x = 6", None, "letters after numbers"),
        ("  a = w·x = 2·3) = 6", None, "unreadable"),
    ],
)
def test_certify_complains(line, digits, complaint):
    assert complaint in certify(line, 1, digits).complaints[0]
    assert certify("  a = w·x = 2·3 = 6", 1, digits).complaints == []


def test_differences():
    assert difference([1.0, 2.0], [1.0, 2.0]) == 0
    assert difference([1.0], 1.0) == float("inf")
    assert re.fullmatch(r"5\.\d+e-1\d", f"{difference(1.0, 1.0 + 5.1e-16):e}") or difference(1.0, 1.0 + 5e-16) < 1e-15
