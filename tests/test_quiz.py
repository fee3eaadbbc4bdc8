"""Exercises: the same for a seed, worked from their own text, friendly, and no slip gives the right answers."""

import csv
import io
import json
import re

import numpy as np
import pytest

import backhand as bh
from backhand.check.book import Book, Circular, Working
from backhand.check.library import Library
from backhand.cli.examples import example_text
from backhand.errors import UsageError
from backhand.explain.ledger import GIVEN, Ledger
from backhand.quiz.exercise import LEAST, tolerance
from backhand.quiz.names import LEVELS
from backhand.quiz.page import fields, key_lines, template
from backhand.quiz.telling import Asked, Telling

LAYERS = [
    {"sizes": (2, 2, 1), "activations": ("sigmoid",)},
    {"sizes": (2, 2, 1), "activations": ("relu",)},
    {"sizes": (1, 2, 1), "activations": ("tanh",), "cost": "half", "difficulty": "hard"},
    {"sizes": (2, 2, 2), "activations": ("sigmoid",), "output": "sigmoid", "cost": "sse"},
]


def ids(wish):
    return "-".join(map(str, wish["sizes"])) + wish["activations"][0]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("wish", LAYERS, ids=ids)
def test_every_level_of_every_network(wish, level):
    found = bh.exercises(level=level, seed=5, **wish)
    (first,) = found.exercises
    for exercise in found.exercises:
        sheet = bh.read(exercise.text)  # its own text is all that is needed
        assert sheet.network.cost is not None
        if level == "letters":
            assert sheet.network.in_letters
            assert exercise.derive is not None
            continue
        assert exercise.items
        marked = sheet.check(key_lines(exercise))  # the engine's own numbers, by another road
        assert set(marked.verdicts.values()) == {"right"}
        for item in exercise.items:
            assert item.value == 0 or LEAST <= abs(item.value) <= 1e5
            assert item.asked == 0 or abs(item.asked) >= 0.01
            assert item.tolerance >= 5e-5
    again = bh.exercises(level=level, seed=5, **wish)
    assert [e.text for e in again.exercises] == [e.text for e in found.exercises]
    other = bh.exercises(level=level, variants=1, seed=6, **wish)
    assert level == "letters" or other.exercises[0].text != first.text


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_no_slip_gives_all_the_right_answers(activation):
    """Slip by slip through the marking library's own book, not by the lanes of `telling`."""
    found = bh.exercises(level="partials", variants=2, seed=2, activations=(activation,)).exercises
    same = [same_answers(exercise) for exercise in found]
    harmless = set.intersection(*same)  # a factor 1 left out, σ' written otherwise: no slips at all
    assert len(harmless) <= 15
    for exercise, slips in zip(found, same, strict=True):
        assert len(slips - harmless) == exercise.vacuous == 0
        assert exercise.slips > 400


def same_answers(exercise):
    """The slips that give all the right answers, each made in one step."""
    sheet = bh.read(exercise.text)
    ledger = Ledger(sheet.problem, sheet.show().run.steps[0])
    book = Book(ledger, Working(), sharp=True)
    refs = [ref for node in sheet.network.parameters for ref in node.entries()]
    totals = {ledger.total(ref): float(ledger.exact(ledger.total(ref))[0]) for ref in refs}
    same = set()
    for key in Telling(ledger, None, [Asked(key) for key in totals], tolerance).order:
        for variant in Library(book).variants(key) if ledger[key].kind != GIVEN else ():
            wrong = book.with_edits({key: variant.flat})
            try:
                numbers = {k: float(wrong.number(k).numbers[0]) for k in totals}
                idle = np.array_equal(wrong.number(key).numbers, ledger.exact(key))
            except Circular:
                continue
            if idle and variant.slip in ("row left out", "path left out", "term left out"):
                continue  # what is left out is exactly 0: the row of a silent unit
            if all(abs(numbers[k] - right) <= tolerance(right) for k, right in totals.items()):
                same.add((key, variant.slip, repr(variant.flat)))
    return same


def test_a_relu_is_silent_somewhere_and_dead_nowhere():
    for exercise in bh.exercises(level="partials", variants=4, seed=1, activations=("relu",)).exercises:
        work = bh.read(exercise.text).show()
        rows = [(row.values["z1"] > 0, row.values["z2"] > 0) for row in work.rows]
        assert len(rows) == 3
        assert all(any(unit) for unit in zip(*rows, strict=True))
        assert not all(a and b for a, b in rows)
        assert exercise.vacuous == 0


def test_a_planted_slip_is_the_first_wrong_line():
    for exercise in bh.exercises(level="mistake", variants=6, seed=9).exercises:
        plant = exercise.plant
        shown = [(item, value) for item, value in plant.shown]
        wrong = [k for k, (item, value) in enumerate(shown, 1) if abs(value - item.value) > 1e-9 * abs(item.value)]
        assert wrong[0] == plant.line
        marked = bh.read(exercise.text).check("\n".join(f"{item.name} = {value!r}" for item, value in shown))
        assert marked.first_wrong.name == shown[plant.line - 1][0].name
        assert list(marked.verdicts.values()).count("wrong") == 1  # what comes after it follows
        line, right = fields(exercise)
        assert line.value == plant.line
        assert right.value == pytest.approx(shown[plant.line - 1][0].value)


@pytest.mark.parametrize(
    "name", ["price", "two-weights", "two-outputs", "two-three-one", "hidden-units", "bias-neurons"]
)
def test_exercises_from_a_sheet_keep_its_form(name):
    sheet = bh.read(example_text(name)[0])
    found = sheet.quiz("partials", 2, seed=3)
    for exercise in found.exercises:
        made = bh.read(exercise.text)
        assert [n.name for n in made.network.equations] == [n.name for n in sheet.network.equations]
        assert [str(n.formula) for n in made.network.equations] == [str(n.formula) for n in sheet.network.equations]
        assert made.problem.plan == sheet.problem.plan
        values = [n.value.tolist() for n in made.network.parameters]
        assert values != [n.value.tolist() for n in sheet.network.parameters]
        assert made.check(key_lines(exercise)).all_right


def test_a_sheet_in_letters_gets_numbers_and_one_of_matrices_says_their_sizes():
    letters = "input x1, x2\ntarget t\na = sigmoid(w1*x1 + w2*x2 + b)\ncost C = (a - t)^2"
    (exercise,) = bh.read(letters).quiz("partials").exercises
    made = bh.read(exercise.text)
    assert made.check(key_lines(exercise)).all_right
    assert made.problem.table.rows == 1
    matrices = bh.read(example_text("two-three-one")[0]).quiz("letters")
    (asked,) = matrices.exercises
    assert bh.read(asked.text).network.nodes["W1"].shape == (3, 2)
    assert "W1 is 3 × 2, b1 has 3 entries" in str(matrices)


def test_a_sheets_rate_can_be_another():
    sheet = bh.read(example_text("price")[0])
    with pytest.raises(UsageError, match="`bias not updated` makes no difference"):
        sheet.quiz("update")
    (exercise,) = bh.exercises(sheet, level="update", rate=0.01).exercises
    assert bh.read(exercise.text).problem.plan.rate == 0.01


def test_numbers_of_a_seeded_sheet_are_friendly():
    text = "input x\ntarget t\ny = tanh(w*x + b)\ncost C = (y - t)^2\nstart normal seed 3\ndata\nx, t\n0.5, 0.25"
    for exercise in bh.read(text).quiz("forward", 3).exercises:
        for name in ("w", "b"):
            value = float(bh.read(exercise.text).network.nodes[name].value)
            assert value == float(f"{value:.2g}")


def test_the_key_of_one_partial_is_the_way_to_it():
    found = bh.exercises(level="partial", seed=3)
    (exercise,) = found.exercises
    asked = exercise.items[0].left.by.name
    assert f"Why ∂C/∂{asked} is what it is" not in str(found)
    said = str(found.keys)
    assert f"∂C/∂{asked}" in said
    assert len(said) < len(str(bh.exercises(level="partials", seed=3).keys)) / 2


def test_small_answers_are_asked_for_in_thousandths():
    found = bh.read(example_text("chain")[0].replace("-0.8", "-0.1")).quiz("partials", 4, seed=4)
    small = [item for e in found.exercises for item in e.items if abs(item.value) < 0.01]
    assert small
    assert all(item.asked == item.value * 1000 for item in small)
    assert "1000·∂J/∂" not in str(found)  # on paper as it is; platforms round
    from backhand.quiz.moodle import moodle_cloze

    assert "1000 \\cdot \\partial J" in moodle_cloze(found.exercises, "x")


def test_what_makes_no_exercise_is_said():
    for wish, said in (
        ({"sizes": (2,)}, "is no network"), ({"activations": ("relu", "relu")}, "2 activations for 1 hidden"),
        ({"activations": ("step",)}, "no activation `step`"), ({"cost": "mae"}, "no cost `mae`"),
        ({"difficulty": "odd"}, "no difficulty"), ({"level": "hardest"}, "no level"),
        ({"output": "softmax"}, "cross-entropy"), ({"activations": ("relu",), "rows": 1}, "no numbers"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=said):
            bh.exercises(**wish)
    with pytest.raises(UsageError, match="nothing says what `g` does"):
        bh.read(example_text("three-neurons")[0]).quiz()
    assert "Derive" in str(bh.read(example_text("three-neurons")[0]).quiz("letters"))
    with pytest.raises(UsageError, match="a sheet has its own sizes"):
        bh.exercises(bh.read(example_text("price")[0]), sizes=(2, 2, 1))
    with pytest.raises(UsageError, match="all rows at once"):
        bh.read(example_text("price")[0].replace("rate 0.000001", "rate 0.000001\nmode online")).quiz()
    with pytest.raises(UsageError, match="needs a cost"):
        bh.read("const x = 2; y = w*x; w = 1").quiz()


def test_pages_templates_and_json():
    found = bh.exercises(level="update", variants=2, seed=1)
    page = str(found)
    assert "by sgd (w ← w - η·g; g is the partial, η = 0.5)" in page
    assert "w1 after the update" in page
    assert "C in epoch 2" in page
    first = found.exercises[0]
    assert "C#2 = " in template(first)
    assert str(first.items[0].value)[:6] not in page  # no key on the page
    assert "Answers" in str(found.keys)
    told = found.to_dict()
    json.dumps(told, allow_nan=False)
    assert told["schema"] == "backhand.quiz/1"
    assert bh.read(told["exercises"][0]["sheet"]).title == "Exercise 1"
    assert found.to_html().count("<h1>") == 2
    assert found.to_pdf().startswith(b"%PDF")


def test_a_folder_of_everything(tmp_path):
    found = bh.exercises(level="partial", variants=2, seed=1)
    written = found.write(tmp_path, ["html", "pdf", "markdown", "latex", "typst", "text", "sheets", "xlsx", "csv"])
    names = {p.relative_to(tmp_path).as_posix() for p in written}
    assert names >= {
        "tasks.html", "keys.html", "tasks.pdf", "keys.pdf", "tasks.md", "sheets/exercise-001.bh", "variants.csv",
        "templates/exercise-002.txt", "worksheets/exercise-001.xlsx", "workbooks/exercise-002.xlsx",
    }  # fmt: skip
    sheet = bh.read(tmp_path / "sheets" / "exercise-001.bh")
    assert sheet.check(tmp_path / "keys" / "exercise-001.txt").all_right
    rows = list(csv.DictReader(io.StringIO((tmp_path / "variants.csv").read_text("utf-8"))))
    assert [row["number"] for row in rows] == ["1", "2"]
    name = next(head for head in rows[0] if head.startswith("answer "))
    assert float(rows[0][name]) == pytest.approx(found.exercises[0].items[0].asked, rel=1e-9)
    again = bh.exercises(level="partial", variants=2, seed=1)
    for path in written:
        other = dict(again_files(again))[path.relative_to(tmp_path).as_posix()]
        assert path.read_bytes() == other, path
    with pytest.raises(UsageError, match="did you mean `moodle`"):
        found.write(tmp_path, ["moodel"])


def again_files(found):
    from backhand.quiz.files import quiz_files

    targets = ["html", "pdf", "markdown", "latex", "typst", "text", "sheets", "xlsx", "csv"]
    for place, content in quiz_files(found.exercises, found.title, targets):
        yield place.as_posix(), content if isinstance(content, bytes) else content.encode()


def test_no_number_is_written_with_too_many_digits():
    for exercise in bh.exercises(level="forward", variants=5, seed=8, difficulty="easy").exercises:
        numbers = re.findall(r"-?\d+\.?\d*", exercise.text.partition("rate")[2])
        assert all(len(n.lstrip("-").replace(".", "")) <= 2 for n in numbers[1:]), exercise.text


def test_a_sheet_as_a_worksheet_for_paper(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from backhand.cli.main import backhand

    monkeypatch.chdir(tmp_path)
    for ending in ("html", "md", "pdf"):
        assert CliRunner().invoke(backhand, ["show", "price", "--blank", "-o", f"w.{ending}"]).exit_code == 0
        assert (tmp_path / f"w-key.{ending}").exists()
    task, key = (tmp_path / "w.md").read_text("utf-8"), (tmp_path / "w-key.md").read_text("utf-8")
    assert "35.104" not in task
    assert "35.104" in key
    assert "| $`\\partial C/\\partial w_{5}`$ |" in task
    with pytest.raises(UsageError, match="a worksheet to fill in"):
        CliRunner().invoke(backhand, ["show", "price", "--blank"], catch_exceptions=False)
