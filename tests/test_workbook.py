"""Workbooks: recalculated by an independent evaluator, they have the engine's numbers, also for other weights."""

import io
import re
import zipfile
from pathlib import Path

import ironcalc
import pytest

import backhand as bh
from backhand.check.worksheet import worksheet_answers
from backhand.cli.examples import example_names, example_text
from backhand.errors import DataError, UsageError
from backhand.notation.expr import Call, Num, Ref, add, call, mul, neg, power
from backhand.notation.spreadsheet import SpreadsheetPrinter, column_name
from backhand.ops.functions import ACTIVATIONS
from backhand.render.cells import DATA, NAMES_SHEET, NETWORK, questions
from backhand.render.workbook import plan_workbook
from backhand.render.workbook_step import spelt_for_cells

EXAMPLES = Path(bh.__file__).parent / "examples"
WORKED = [n for n in example_names() if n != "three-neurons"]  # that one is in letters
NOISE = 1e-12  # a partial below this is rounding, and Adam makes steps of any size of it


def text_of(name):
    return (EXAMPLES / f"{name}.bh").read_text("utf-8")


def opened(data, place):
    place.write_bytes(data)
    model = ironcalc.load_from_xlsx(str(place))
    names = [p.name if hasattr(p, "name") else p["name"] for p in model.get_worksheets_properties()]
    return model, names


def agrees(model, names, plan, sheet):
    """Every formula's value beside the engine's."""
    model.evaluate()
    count = 0
    for page, cells in plan.sheets.items():
        for (row, column), entry in cells.items():
            if entry.formula is None:
                continue
            found = model.get_cell_value(names.index(page), row + 1, column + 1)
            count += 1
            assert isinstance(found, float | int), (page, row, column, entry.formula, found)
            if abs(found - entry.value) > 1e-9 * max(1, abs(entry.value)):
                where = f"{page} {column_name(column)}{row + 1}"
                assert sheet.problem.plan.rule in ("adam", "adamw"), (where, entry.formula, found, entry.value)
                gradients = [abs(g) for s in sheet.show(epochs=2).steps for v in s.gradients.values() for g in _flat(v)]
                assert min(g for g in gradients if g) < NOISE, (where, entry.formula, found, entry.value)
    return count


def _flat(value):
    return [v for part in value for v in _flat(part)] if isinstance(value, list | tuple) else [value]


@pytest.mark.parametrize("name", WORKED)
def test_recalculated_it_has_the_engines_numbers(name, tmp_path):
    sheet = bh.read(EXAMPLES / f"{name}.bh")
    work = sheet.show(epochs=2)
    plan = plan_workbook(sheet.problem, work.run)
    model, names = opened(work.to_xlsx(), tmp_path / "work.xlsx")
    assert agrees(model, names, plan, sheet) > 30


def test_five_epochs_of_price_with_other_weights_data_and_rate(tmp_path):
    sheet = bh.read(EXAMPLES / "price.bh")
    work = sheet.show(epochs=5)
    plan = plan_workbook(sheet.problem, work.run)
    model, names = opened(work.to_xlsx(), tmp_path / "work.xlsx")
    assert agrees(model, names, plan, sheet) > 800
    changed = text_of("price")
    for old, new in (
        ("w1 = 0.3", "w1 = -0.7"), ("w9 = 0.9", "w9 = 1.25"), ("b5 = 1", "b5 = -3"),
        ("rate 0.000001", "rate 0.000003"), ("2.4, 6.5, 92", "2.4, 6.5, 120"), ("3.5, 0.2", "4.5, 0.2"),
    ):  # fmt: skip
        assert old in changed
        changed = changed.replace(old, new)
    other = bh.read(changed)
    after = plan_workbook(other.problem, other.show(epochs=5).run)
    moved = 0
    for page in (NETWORK, DATA):
        for place, entry in after.sheets[page].items():
            if entry.kind == "input" and entry.value != plan.sheets[page][place].value:
                model.update_cell_with_number(names.index(page), place[0] + 1, place[1] + 1, entry.value)
                moved += 1
    assert moved == 6
    assert agrees(model, names, after, other) > 800


@pytest.mark.parametrize("rule", ["sgd", "momentum 0.9", "nesterov 0.8", "adagrad", "rmsprop", "adam", "adamw 0.02"])
@pytest.mark.parametrize("mode", ["batch", "online", "batches of 2"])
def test_every_rule_and_mode(rule, mode, tmp_path):
    sheet = bh.read(
        "input x[2]; target t\nlayers x -> 3 tanh -> 1 linear as y\ncost C = mean((y - t)^2) + 0.1*W1^2\n"
        "start he seed 3\n"
        f"rate 0.05\nupdate {rule}\nmode {mode}\ndata\nx[1], x[2], t\n1, 2, 1\n0.5, -1, 0\n2, 1, 3"
    )
    work = sheet.show(epochs=3)
    model, names = opened(work.to_xlsx(), tmp_path / "work.xlsx")
    assert agrees(model, names, plan_workbook(sheet.problem, work.run), sheet) > 300


@pytest.mark.parametrize("op", [op.name for op in ACTIVATIONS] + ["exp", "log", "sqrt", "abs", "max", "min"])
def test_every_function_and_its_slope(op, tmp_path):
    arguments = {"leaky": ", 0.1", "elu": ", 1.5", "max": ", 0.2, w", "min": ", w"}.get(op, "")
    if op == "softmax":
        text = "input x[2]; target t[3]\nlayers x -> 3 softmax as p\ncost C = cross_entropy(p, t)\nstart he seed 2\n"
        text += "rate 0.1\ndata\nx[1], x[2], t[1], t[2], t[3]\n1, 2, 0, 1, 0\n-1, 0.5, 1, 0, 0"
    else:
        text = f"input x; target t\na = {op}(w*x^2 + b{arguments})\nu = 3*{op}(v*x^2 + 1{arguments})/x - -2^2*a\n"
        text += "cost C = sum((a*u - t)^2)/(2*N)\nw = 0.5; b = 0.3; v = 0.25\nrate 0.001\ndata\nx, t\n1, 2\n2, -1"
    sheet = bh.read(text)
    work = sheet.show(epochs=2)
    model, names = opened(work.to_xlsx(), tmp_path / "work.xlsx")
    assert agrees(model, names, plan_workbook(sheet.problem, work.run), sheet) > 30


@pytest.mark.parametrize(
    "cost", ["sse(y, t)", "mse(y, t)", "mae(y, t)", "huber(y, t, 0.5)", "softmax_cross_entropy(y, t)"]
)
def test_every_cost(cost, tmp_path):
    text = f"input x[3]; target t[2]\nlayers x -> 3 relu -> 2 linear as y\ncost C = {cost}\nstart he seed 1\nrate 0.1\n"
    sheet = bh.read(text + "data\nx[1],x[2],x[3],t[1],t[2]\n1,2,3,0,1\n3,2,1,1,0\n0,1,0,1,0")
    work = sheet.show(epochs=2)
    model, names = opened(work.to_xlsx(), tmp_path / "work.xlsx")
    assert agrees(model, names, plan_workbook(sheet.problem, work.run), sheet) > 100


def parts(data):
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return {name: book.read(name).decode("utf-8", "replace") for name in book.namelist()}


def test_only_plain_formulas_with_their_values_and_the_same_bytes():
    work = bh.read(EXAMPLES / "two-three-one.bh").show(epochs=3)
    data = work.to_xlsx()
    assert data == work.to_xlsx()
    found = parts(data)
    sheets = "".join(text for name, text in found.items() if "worksheets/sheet" in name)
    formulas = re.findall(r"<f>(.*?)</f><v>(.*?)</v>", sheets)
    assert len(formulas) == sheets.count("<f>")
    assert "<f t=" not in sheets  # no array formulas
    defined = re.findall(r'definedName name="([^"]*)"', found["xl/workbook.xml"])
    assert set(defined) <= {"_xlnm.Print_Area"}  # none that a formula uses
    functions = {f for text, _ in formulas for f in re.findall(r"([A-Z][A-Z0-9.]*)\(", text)}
    assert functions <= {"SUM", "SUMPRODUCT", "EXP", "MAX", "ROUND"}
    assert "SUMPRODUCT" in functions
    assert sum("sheetProtection" in text for name, text in found.items() if "worksheets/sheet" in name) >= 5


def test_words_are_never_formulas(tmp_path):
    text = 'title "=1+1"\ninput x "=2+2"\ntarget t\ny = w*x\ncost C = (y - t)^2\nw = 1\nrate 0.1\ndata\nx, t\n1, 2'
    data = bh.read(text).show().to_xlsx()
    model, names = opened(data, tmp_path / "work.xlsx")
    model.evaluate()
    assert model.get_cell_value(names.index(NETWORK), 1, 1) == "=1+1"
    assert "<f>1+1" not in "".join(parts(data).values())
    assert "<f>2+2" not in "".join(parts(data).values())


# --- worksheets -------------------------------------------------------------------------------------------


def filled(sheet, epochs, place, change=lambda name, value: value):
    """A worksheet filled in with right numbers, or what `change` makes of them."""
    work = sheet.show(epochs=epochs)
    plan = plan_workbook(sheet.problem, work.run)
    model, names = opened(work.to_xlsx(blank=True), place)
    for page, row, column, name in questions(plan):
        value = change(name, plan.sheets[page][row, column].value)
        if isinstance(value, str):
            model.update_cell_with_text(names.index(page), row + 1, column + 1, value)
        elif value is not None:
            model.update_cell_with_number(names.index(page), row + 1, column + 1, value)
    place.unlink()
    model.save_to_xlsx(str(place))
    return place


def test_a_worksheet_holds_no_key():
    sheet = bh.read(EXAMPLES / "price.bh")
    work = sheet.show(epochs=2)
    found = parts(work.to_xlsx(blank=True))
    everything = "".join(found.values())
    assert "<f>" not in everything
    given = {0.0, *(float(row) for row in range(40))}
    values = {
        e.value for cells in plan_workbook(sheet.problem, work.run).sheets.values() for e in cells.values() if e.asks
    }
    shown = {float(v) for text in found.values() for v in re.findall(r"<v>([-\d.eE+]+)</v>", text)}
    weights = {0.3, 0.4, 0.5, 2, 0.8, 4, 0.1, 0.9, 3, 6, 1, 1e-6, 3.5, 0.2, 157, 2.4, 6.5, 92, 3.6, 19.8, 207}
    numbers = {round(v, 9) for v in values} - {round(v, 9) for v in given | weights}
    sheets = "".join(text for name, text in found.items() if "worksheets/sheet" in name)
    plain = {round(float(v), 9) for v in re.findall(r'<c r="[A-Z]+\d+"(?: s="\d+")?><v>([-\d.eE+]+)</v>', sheets)}
    assert shown
    assert len(numbers) > 60
    assert not numbers & plain


@pytest.mark.parametrize("name", ["price", "bias-neurons", "two-three-one", "cache", "two-weights", "hidden-units"])
def test_a_worksheet_filled_in_is_read_back_and_right(name, tmp_path):
    sheet = bh.read(EXAMPLES / f"{name}.bh")
    place = filled(sheet, 2, tmp_path / "anna.xlsx")
    marked = sheet.check(place)
    assert set(marked.verdicts.values()) == {"right"}, marked.verdicts
    assert len(marked.verdicts) == len(worksheet_answers(place)) > 10


def test_modes_with_several_steps_are_read_back_too(tmp_path):
    for mode in ("online", "batches of 2"):
        text = text_of("price").replace("rate 0.000001", f"rate 0.000001\nmode {mode}")
        sheet = bh.read(text)
        marked = sheet.check(filled(sheet, 2, tmp_path / "anna.xlsx"))
        assert set(marked.verdicts.values()) == {"right"}, marked.verdicts


def test_a_slip_on_a_worksheet_is_found_and_a_folder_of_them_marked(tmp_path):
    sheet = bh.read(EXAMPLES / "price.bh")

    def slip(name, value):
        return {"z3@1": 36.0, "a1@2": None, "C": "about 14000"}.get(name, value)

    filled(sheet, 1, tmp_path / "anna.xlsx")
    marked = sheet.check(filled(sheet, 1, tmp_path / "ben.xlsx", slip))
    verdicts = marked.verdicts
    assert verdicts["z3@1"] == "wrong"
    assert verdicts["a1@2"] == "blank"
    assert verdicts["C"] == "invalid"
    assert marked.first_wrong.name == "z3@1"
    (tmp_path / "~$ben.xlsx").write_bytes(b"a lock file")
    group = sheet.check_all(tmp_path)
    assert [p.name for p in group.group.persons] == ["anna", "ben"]


def test_files_that_are_no_worksheets(tmp_path):
    sheet = bh.read(EXAMPLES / "price.bh")
    place = tmp_path / "x.xlsx"
    for content, said in ((b"", "no workbook"), (b"PK\x03\x04 nonsense", "no workbook"), (b"z1 = 3", "no workbook")):
        place.write_bytes(content)
        with pytest.raises(DataError, match=said):
            sheet.check(place)
    place.write_bytes(sheet.show().to_xlsx())
    with pytest.raises(DataError, match="no worksheet of Backhand's"):
        sheet.check(place)
    with pytest.raises(UsageError, match="cannot read"):
        sheet.check(tmp_path / "none.xlsx")
    from xlsxwriter import Workbook

    with Workbook(place) as book:  # a cell in the farthest corner would fill the memory
        page = book.add_worksheet(NAMES_SHEET)
        page.write_number(0, 0, 1)
        page.write_number(1_048_575, 16_383, 1)
    with pytest.raises(DataError, match="cells"):
        sheet.check(place)


def test_what_no_workbook_holds_is_refused():
    letters = bh.read(EXAMPLES / "three-neurons.bh").show()
    with pytest.raises(UsageError, match="in letters"):
        letters.to_xlsx()
    heads = ", ".join([*(f"x[{i}]" for i in range(1, 785)), "t"])
    large = bh.read(
        "input x[784]; target t\nlayers x -> 256 relu -> 1 linear as y\ncost C = (y - t)^2\nstart he\nrate 0.1\n"
        f"data\n{heads}\n" + ", ".join(["1"] * 785)
    )
    with pytest.raises(UsageError, match="cells"):
        large.show().to_xlsx()
    with pytest.raises(UsageError, match="at most 200 steps"):
        bh.read(EXAMPLES / "line.bh").show(epochs=201).to_xlsx()
    with pytest.raises(UsageError, match="only the working"):
        bh.read(EXAMPLES / "line.bh").why("w").to_xlsx()


# --- the notation -----------------------------------------------------------------------------------------

X, Y = Ref("x"), Ref("y")


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (neg(power(X, 2)), "-1*A1^2"),
        (power(neg(X), 2), "(-A1)^2"),
        (power(X, power(Y, 2)), "A1^(B1^2)"),
        (power(Num(-2.0), 2), "(-2)^2"),
        (add(X, neg(add(X, Y))), "A1-(A1+B1)"),
        (mul(X, neg(Y), 0.5), "-1*(A1*B1*0.5)"),
        (call("sigmoid", add(X, 1.0)), "(1/(1+EXP(-(A1+1))))"),
        (Call("relu", (X,), prime=1), "IF(A1>0,1,0)"),
        (Num(1e-20), "1e-20"),
    ],
)
def test_formulas_in_a_spreadsheets_notation(expr, text):
    places = {"x": ("", 0, 0), "y": ("", 0, 1)}
    printer = SpreadsheetPrinter(lambda ref: places[ref.name], spelt_for_cells)
    assert printer(expr) == text


def test_an_empty_worksheet_is_not_praised(tmp_path):
    sheet = bh.read(EXAMPLES / "price.bh")
    place = tmp_path / "empty.xlsx"
    place.write_bytes(sheet.show().to_xlsx(blank=True))
    said = str(sheet.check(place))
    assert "Nothing is filled in." in said
    assert "is right" not in said


def test_a_worksheet_of_another_sheet_is_refused_in_words(tmp_path):
    for name in ("price", "line"):
        (tmp_path / f"{name}.xlsx").write_bytes(bh.read(example_text(name)[0]).show().to_xlsx(blank=True))
    line = bh.read(example_text("line")[0])
    with pytest.raises(DataError, match="is a worksheet of another sheet, called Price of a stay"):
        line.check(tmp_path / "price.xlsx")
    assert line.check(tmp_path / "line.xlsx").verdicts
    with pytest.raises(DataError, match="of another sheet"):
        bh.read(example_text("line")[0].replace("w = 0\n", "w = 0.1\n")).check(tmp_path / "line.xlsx")
