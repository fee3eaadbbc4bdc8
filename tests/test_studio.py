"""The studio's server: what the page asks is answered with the engine's numbers, and nothing else is let in."""

import base64
import json
import re
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from test_cli import command, good

import backhand as bh
from backhand.cli.common import open_sheet
from backhand.cli.examples import example_names, example_text
from backhand.engine.run import run
from backhand.errors import UsageError
from backhand.explain.ledger import key_of
from backhand.sheet import edit
from backhand.sheet.parse import parse
from backhand.studio import STATIC
from backhand.studio.alone import framed_page, live_part
from backhand.studio.answers import ANSWERS, answer
from backhand.studio.app import MOST_BYTES, answered, studio
from backhand.studio.text import whole_text
from backhand.train.sheets import SheetModel

SHEETS = [name for name in example_names() if name != "penguins"]
PRICE = example_text("price")[0]
PENGUINS = Path(bh.__file__).parent / "examples" / "penguins.csv"
MATRIX = """input x[2]; target y   # two of them
a = relu(W@x + b)   # hidden
y1 = leaky(V@a, 0.1)
cost C = (y1 - y)^2
W = [[1, -2], [3, 4]]; b = [-0.5, 1/2]; V = [1,2]
rate 0.1 # slow
update adam 0.9; mode batches of 3
data
x[1],x[2],y
1,2,3
# a remark
4,"5",6
"""


@pytest.fixture(scope="module")
def client():
    with TestClient(studio(PRICE, [("line", "A line", example_text("line")[0])]), base_url="http://localhost") as found:
        yield found


# --- the stage ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHEETS)
def test_every_line_of_the_stage_has_the_engines_number(name):
    text = example_text(name)[0]
    found = answer("stage", {"text": text})
    json.dumps(found, allow_nan=False)
    problem = bh.read(text).problem
    if found["letters"]:
        assert {line["phase"] for line in found["lines"]} == {"forward", "cost", "backward"}
        assert found["values"] == {}
        return
    (step, *_) = run(problem, 1).steps
    for node in problem.network.equations:
        for ref in node.entries():
            assert found["values"][f"v:{key_of(ref)}"] == float(step.tape.value(ref, 0))
    keys = [line["key"] for line in found["lines"]]
    assert len(keys) == len(set(keys))
    for node in problem.network.parameters:
        for ref in node.entries():
            total = found["values"].get(f"t:{key_of(ref)}", found["values"].get(f"d:{key_of(ref)}", 0.0))
            assert total == float(step.gradients.totals[ref.name][ref.place])
            if step.change is not None:
                assert found["values"][f"u:{key_of(ref)}"] == float(step.change.after[ref.name][ref.place])
    done = set()  # what a line takes was worked before it, or is given
    for line in found["lines"]:
        assert not {key for key in line["takes"] if key in keys} - done
        done.add(line["key"])
    phases = ["forward", "cost", "backward", "gradient", "update"]
    order = [phases.index(line["phase"]) for line in found["lines"]]
    assert order == sorted(order)


@pytest.mark.parametrize("name", [n for n in SHEETS if n != "three-neurons"])
def test_every_answer_name_of_the_stage_is_one_that_check_takes(name):
    text = example_text(name)[0]
    found = answer("stage", {"text": text})
    asked = [(line["answer"], found["values"][line["key"]]) for line in found["lines"] if line["answer"]]
    assert asked
    marked = answer("check", {"text": text, "answers": "\n".join(f"{name} = {value!r}" for name, value in asked)})
    assert {one["verdict"] for one in marked["marking"]["answers"]} == {"right"}


def test_a_later_moment_and_another_row():
    work = bh.read(PRICE).show(epochs=4)
    found = answer("stage", {"text": PRICE, "epochs": 4, "step": 3, "row": 2})
    assert found["moment"]["epoch"] == 3
    assert found["row"] == 2
    assert found["values"]["t:w5"] == work.steps[2].gradients["w5"]
    assert found["values"]["v:z3"] == work.steps[2].rows[1].values["z3"]
    assert [cost for _, _, _, cost in found["history"]] == [step.cost for step in work.steps]
    assert found["plan"]["formula"] == "sum((a5 - Price)^2)"


def test_the_paths_of_a_partial_add_up_to_it():
    found = answer("why", {"text": PRICE, "name": "w1", "row": 1})
    products = [np.prod([factor["value"] for factor in path["factors"]]) for path in found["paths"]]
    assert sum(products) == pytest.approx(bh.read(PRICE).why("w1", row=1).value, rel=1e-12)
    assert found["paths"][0]["factors"][-1]["by"] == "v:w1"
    assert "looked up" in found["page"]


def test_views_fits_surfaces_and_comparisons():
    curve = example_text("curve")[0]
    assert "\\begin{bmatrix}" in answer("view", {"text": PRICE, "view": "matrices"})["page"]
    assert "batch" in answer("view", {"text": example_text("three-neurons")[0], "view": "odd"})["error"]["expected"]
    fit = answer("fit", {"text": curve, "epochs": 3, "step": 3})
    at = fit["data"][0][0]
    nearest = int(np.argmin(np.abs(np.array(fit["axes"][0]) - at)))
    gives = bh.read(curve).show(epochs=3).steps[2].rows[0].values["y"]
    assert fit["values"][nearest] == pytest.approx(np.ravel(gives)[0], abs=0.1)
    plane = answer("fit", {"text": PRICE})
    assert len(plane["values"]) == len(plane["axes"][0]) * len(plane["axes"][1])
    surface = answer("surface", {"text": PRICE, "surface": "w5,w9=0..2"})
    assert surface["frame"]["low"] == 0
    assert surface["frame"]["high"] == 2
    solid = surface["solid"]
    assert len(solid["heights"]) == len(solid["ys"])
    assert min(map(min, solid["heights"])) >= 0
    line = example_text("line")[0]
    rates = answer("compare", {"text": line, "epochs": 200, "values": [0.01, 1000]})["courses"]
    assert rates[0]["ended"] is None
    assert "the cost J is ∞" in rates[1]["ended"]
    starts = answer("compare", {"text": PRICE, "epochs": 5, "what": "starts"})["courses"]
    assert [one["name"] for one in starts][:2] == ["as in the sheet", "all equal, 0.5"]


@pytest.mark.parametrize("form", ["html", "pdf", "xlsx", "markdown", "latex", "typst", "text"])
def test_exports_are_what_show_writes(form):
    found = base64.b64decode(answer("export", {"text": PRICE, "format": form})["content"])
    beginnings = {"html": b"<!DOCTYPE html>", "pdf": b"%PDF", "xlsx": b"PK", "latex": b"\\documentclass"}
    assert found.startswith(beginnings.get(form, b""))
    if form == "markdown":
        assert found.decode() == bh.read(PRICE).show().to_markdown()


# --- what was sent wrongly ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "asked", "said"),
    [
        ("stage", {}, "there is no sheet"),
        ("stage", {"text": "y = w*x +"}, "something is missing after `+`"),
        ("stage", {"text": PRICE, "epochs": 10**9}, "epochs is 1000000000"),
        ("stage", {"text": PRICE, "epochs": "many"}, "epochs is many"),
        ("stage", {"text": PRICE, "row": True}, "row is True"),
        ("stage", {"text": "#" * 500_000}, "more than 400,000 letters"),
        ("why", {"text": PRICE, "name": "w99"}, "w99"),
        ("why", {"text": PRICE, "name": "w1", "row": 9}, "there is no row 9"),
        ("edit", {"text": PRICE, "what": "value", "name": "w1", "value": "nan"}, "`nan` is no number"),
        ("edit", {"text": PRICE, "what": "cost", "value": "sum("}, "this `(` is never closed"),
        ("edit", {"text": PRICE, "what": "else"}, "nothing called `else`"),
        ("edit", {"text": PRICE, "what": "activation", "name": "a1", "value": "rm"}, "no activation `rm`"),
        ("edit", {"text": PRICE, "what": "cell", "name": "R", "row": 4, "value": 1}, "no R in row 4"),
        ("surface", {"text": PRICE, "surface": "w1"}, "does not name two parameters"),
        ("surface", {"text": PRICE, "surface": "w1=1:2,b1=0:0"}, "gives no limits"),
        ("compare", {"text": PRICE, "values": 5}, "a list of numbers"),
        ("export", {"text": PRICE, "format": "exe"}, "no format `exe`"),
        ("fit", {"text": example_text("three-neurons")[0]}, "one input or two"),
        ("compare", {"text": PRICE, "values": ["x"]}, "`x` is no number"),
    ],
)
def test_what_is_wrong_is_said(question, asked, said):
    assert said in answer(question, asked)["error"]["message"]


def test_a_sheet_of_the_page_reads_no_file(tmp_path):
    (tmp_path / "rows.csv").write_text("x, y\n1, 2\n")
    text = f'input x; target y\nz = w*x\ncost C = (z - y)^2\nw = 1\ndata from "{tmp_path}/rows.csv"'
    assert "reads no files" in answer("stage", {"text": text})["error"]["message"]


# --- changes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (("value", "W[1,2]", 0.25), "W = [[1, -2], [3, 4]]", "W = [[1, 0.25], [3, 4]]"),
        (("value", "b[2]", 3), "b = [-0.5, 1/2]", "b = [-0.5, 3]"),
        (("rate", "", 1e-6), "rate 0.1 # slow", "rate 1e-6 # slow"),
        (("rule", "", "sgd"), "update adam 0.9;", "update sgd;"),
        (("mode", "", "online"), "mode batches of 3", "mode online"),
        (("cost", "", "sum((y1 - y)^2)"), "cost C = (y1 - y)^2", "cost C = sum((y1 - y)^2)"),
        (("activation", "a", "tanh"), "a = relu(W@x + b)   # hidden", "a = tanh(W@x + b)   # hidden"),
        (("activation", "a", "linear"), "a = relu(W@x + b) ", "a = W@x + b "),
        (("activation", "y1", "elu"), "y1 = leaky(V@a, 0.1)", "y1 = elu(V@a, 1)"),
        (("cell", "x[2]", -1.5), '4,"5",6', "4,-1.5,6"),
    ],
)
def test_a_change_touches_nothing_else(change, before, after):
    what, name, value = change
    found = answer("edit", {"text": MATRIX, "what": what, "name": name, "value": value, "row": 2})
    assert found["text"] == MATRIX.replace(before, after)


def test_what_does_not_stand_there_is_put_before_the_data():
    text = "input x; target t\ny = w*x\ncost C = (y - t)^2\nstart he seed 3\n\ndata\nx, t\n1, 2\n"
    found = answer("edit", {"text": text, "what": "rate", "value": 0.1})["text"]
    assert found == text.replace("\n\ndata", "\nrate 0.1\n\ndata")
    found = answer("edit", {"text": text, "what": "value", "name": "w", "value": 2})["text"]
    assert bh.read(found).network.nodes["w"].value == 2
    with pytest.raises(UsageError, match="no equation for `z`"):
        edit.with_activation(parse(text), "z", "tanh", ("tanh",))


LAYERED = (
    "input x[2]; target t[2]\nlayers x -> 3 leaky 0.2 -> 4 -> 2 softmax as p\ncost C = cross_entropy(p, t)\nstart he\n"
)


@pytest.mark.parametrize(
    ("name", "value", "layers"),
    [
        ("a1[2]", "tanh", "x -> 3 tanh -> 4 -> 2 softmax as p"),
        ("z1", "elu", "x -> 3 elu 1 -> 4 -> 2 softmax as p"),
        ("a2", "relu", "x -> 3 leaky 0.2 -> 4 relu -> 2 softmax as p"),
        ("p[1]", "linear", "x -> 3 leaky 0.2 -> 4 -> 2 linear as p"),
    ],
)
def test_the_activation_of_a_layer(name, value, layers):
    found = answer("edit", {"text": LAYERED, "what": "activation", "name": name, "value": value})["text"]
    assert found == LAYERED.replace("x -> 3 leaky 0.2 -> 4 -> 2 softmax as p", layers)


def test_a_function_that_is_no_activation_stays():
    text = "input x; target t\nw = 1; v = 2\ny = max(w*x, v*x)\ncost C = (y - t)^2\ndata\nx, t\n1, 2\n"
    found = answer("edit", {"text": text, "what": "activation", "name": "y", "value": "tanh"})["text"]
    assert "y = tanh(max(w*x, v*x))" in found
    found = answer("edit", {"text": PRICE, "what": "activation", "name": "z1", "value": "tanh"})["text"]
    assert "a1 = tanh(w1*R" in found


@settings(max_examples=60, deadline=None)
@given(st.floats(-1e6, 1e6), st.integers(0, 14))
def test_any_number_put_in_is_read_back(value, which):
    names = [node.name for node in bh.read(PRICE).network.parameters]
    text = answer("edit", {"text": PRICE, "what": "value", "name": names[which], "value": value})["text"]
    assert float(bh.read(text).network.nodes[names[which]].value) == value


# --- the server ---------------------------------------------------------------------------------------------------


def test_the_page_and_its_policy(client):
    page = client.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "set-cookie" not in page.headers
    for path in ("/katex.css", "/katex.js", "/page.css", "/static/main.js", "/static/vendor/preact.mjs"):
        assert client.get(path).status_code == 200
    begun = client.get("/begin").json()
    assert begun["text"] == PRICE
    assert begun["examples"][0]["name"] == "line"
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/etc/passwd"):
        assert client.get(path).status_code == 404


def test_only_named_hosts_are_answered():
    with TestClient(studio(PRICE, hosts=["class.example"]), base_url="http://evil.example") as client:
        assert client.get("/").status_code == 400
        assert client.post("/ask/stage", json={"text": PRICE}).status_code == 400
        assert client.get("/", headers={"host": "class.example"}).status_code == 200


def test_questions_over_the_wire(client):
    found = client.post("/ask/stage", json={"text": PRICE})
    assert found.status_code == 200
    assert found.json()["values"]["v:z3"] == pytest.approx(35.104)
    wrong = client.post("/ask/stage", json={"text": "y = "})
    assert wrong.status_code == 200
    assert wrong.json()["error"]["place"]["line"] == 1
    assert client.post("/ask/other", json={}).status_code == 404
    assert client.get("/ask/stage").status_code == 405
    assert client.post("/ask/stage", content=b"{}").status_code == 415
    kind = {"content-type": "application/json"}
    for body in (b"[1]", b"{", b"[" * 100_000):
        assert "no JSON object" in client.post("/ask/stage", content=body, headers=kind).json()["error"]["message"]
    assert client.post("/ask/stage", content=b" " * (MOST_BYTES + 1), headers=kind).status_code == 413


def test_a_bug_is_said_and_ends_nothing(monkeypatch):
    monkeypatch.setitem(ANSWERS, "stage", lambda asked: {"value": float("nan")})
    assert "this is a bug in Backhand: ValueError" in json.loads(answered("stage", b"{}"))["error"]["message"]


def test_a_model_is_opened_with_its_weights_and_rows(tmp_path):
    table = bh.train_table(PENGUINS, target="species", missing="drop", layers=(4,), epochs=2)
    table.model.save(tmp_path / "species.bhm")
    model = open_sheet(str(tmp_path / "species.bhm"))
    text, _ = whole_text(model.statements, model.problem)
    found = answer("stage", {"text": text})
    assert found["moment"]["steps"] >= 1
    assert bh.read(text).problem.table.rows == 200
    assert found["values"]["v:W1[2,1]"] == model.network.nodes["W1"].value[1, 0]


def test_what_takes_too_long_is_stopped_and_the_next_is_answered():
    with TestClient(studio(PRICE, seconds=6.0), base_url="http://localhost") as client:
        client.post("/ask/stage", json={"text": example_text("line")[0]})  # a process is ready
        for _ in range(2):  # the second time it is not begun
            long = client.post("/ask/compare", json=SLOW)
            assert long.status_code == 503
            assert "stopped" in long.json()["error"]["message"]
        assert client.post("/ask/stage", json={"text": PRICE}).status_code == 200


SLOW = {"text": example_text("curve")[0], "epochs": 2000, "values": [0.01, 0.02, 0.03, 0.04, 0.05, 0.06]}
SLOW["text"] = SLOW["text"].replace("update adam", "update adam; mode online")


def test_long_questions_leave_a_process_for_others():
    """Whoever asks the same shares its answer, and its refusal."""
    with TestClient(studio(PRICE, processes=2, seconds=8.0), base_url="http://localhost") as client:
        client.post("/ask/stage", json={"text": example_text("line")[0]})
        with ThreadPoolExecutor(4) as pool:
            long = [pool.submit(client.post, "/ask/compare", json={**SLOW, "epochs": 2000 - k // 2}) for k in range(4)]
            time.sleep(0.5)
            assert client.post("/ask/stage", json={"text": PRICE}).status_code == 200
            assert not any(one.done() for one in long)
            assert [one.result().status_code for one in long] == [503] * 4


# --- long runs ----------------------------------------------------------------------------------------------------

MODES = ["mode batch", "mode online", "mode batches of 2", "update momentum 0.9", "update adam"]


@pytest.mark.parametrize("mode", MODES)
def test_moments_are_the_references_to_the_last_bit(mode):
    """Whichever moment was asked for before."""
    text = example_text("two-three-one")[0].replace("\ndata\n", f"\n{mode}\ndata\n", 1)
    done = run(bh.read(text).problem, 6)
    for at in (5, 2, 6, 1, len(done.steps)):
        found = answer("stage", {"text": text, "epochs": 6, "step": at, "row": 1})
        step = done.steps[at - 1]
        assert (found["moment"]["epoch"], found["moment"]["batch"]) == (step.epoch, step.batch)
        for node in step.tape.network.parameters:
            for ref in node.entries():
                assert found["values"][f"v:{key_of(ref)}"] == float(step.tape.parameters[node.name][ref.place])
                assert found["values"][f"u:{key_of(ref)}"] == float(step.change.after[node.name][ref.place])
        assert [tuple(one[1:]) for one in found["history"]] == list(done.history)
    further = answer("stage", {"text": text, "epochs": 7, "step": 1})["history"]
    assert [tuple(one[1:]) for one in further] == list(run(bh.read(text).problem, 7).history)


@pytest.mark.parametrize("mode", MODES)
def test_a_long_run_comes_by_the_fast_engine(mode):
    text = example_text("two-three-one")[0].replace("\ndata\n", f"\n{mode}\ndata\n", 1)
    epochs = 3000
    reference = run(bh.read(text).problem, epochs, keep=lambda count, epoch: False).history
    each = len(reference) // epochs
    found = answer("stage", {"text": text, "epochs": epochs, "step": 1200 * each})
    assert "fast engine" in found["moment"]["engine"]
    assert (found["moment"]["epoch"], found["moment"]["steps"]) == (1200, len(reference))
    assert len(found["history"]) <= 601
    for step, epoch, batch, cost in found["history"]:
        assert (epoch, batch) == reference[step - 1][:2]
        assert cost == pytest.approx(reference[step - 1][2], rel=1e-7, abs=1e-15)
    near = answer("history", {"text": text, "epochs": epochs, "from": 100 * each + 1, "to": 130 * each})["history"]
    assert [one[0] for one in near] == [epoch * each for epoch in range(101, 131)]


def test_a_run_that_runs_away_is_named():
    text = example_text("two-three-one")[0]
    for mode in ("", "mode online\n"):
        away = re.sub(r"rate .*", f"rate 500\n{mode}", text)
        end = {answer("stage", {"text": away, "epochs": e})["moment"]["epochs"] for e in (400, 350, 100_000)}
        assert len(end) == 1
        (end,) = end
        assert 1 < end < 350
        found = answer("stage", {"text": away, "epochs": 400, "step": 2})
        assert f"(epoch {end + 1}, step " in found["ended"]["message"]
        assert len(found["history"]) == found["moment"]["steps"] == end * found["moment"]["each"]
        assert answer("stage", {"text": away, "epochs": end})["ended"] is None
    first = "input x; target t\ny = log(w - 0.6)*x\ncost C = (y - t)^2\nw = 0.5\nrate 1\ndata\nx, t\n1, 2\n"
    assert "row 1" in answer("stage", {"text": first, "epochs": 3})["error"]["message"]
    starts = answer("compare", {"text": first.replace("0.5", "0.7"), "what": "starts", "epochs": 20})["courses"]
    assert any(one["history"] == [] for one in starts)
    assert all(one["history"] or one["ended"] for one in starts)


def test_parts_of_a_run_that_are_none():
    said = answer("history", {"text": PRICE, "epochs": 10, "from": 7, "to": 7})["error"]
    assert said["expected"] == "a first step, then a later one"


def test_a_surface_is_that_of_the_moment():
    """All parameters but two have the values of the moment, so the cost there is the moment's."""
    text = example_text("two-three-one")[0]
    moment = answer("stage", {"text": text, "epochs": 40, "step": 31})
    across, up = (moment["values"][key] for key in ("v:W1[1,1]", "v:W2[1,2]"))
    pair = f"W1[1,1]={across - 1}..{across + 1},W2[1,2]={up - 1}..{up + 1}"
    found = answer("surface", {"text": text, "surface": pair, "epochs": 40, "step": 31})
    solid = found["solid"]
    assert solid["heights"][15][15] == pytest.approx(moment["moment"]["cost"], rel=1e-9)
    assert (len(found["path"]), found["cut"]) == (41, None)
    assert answer("surface", {"text": text, "surface": pair, "epochs": 9000, "step": 1})["cut"] == 2000


def test_a_sheet_without_a_cost_goes_forward():
    text = "input x\ny = tanh(w*x + b)\nw = 2; b = 1\ndata\nx\n1\n2\n"
    found = answer("stage", {"text": text, "row": 2})
    assert [line["key"] for line in found["lines"]] == ["v:z(y)", "v:y"]
    assert (found["moment"]["cost"], found["plan"]["cost"], set(found["pictures"])) == (None, None, {"forward"})
    assert found["values"]["v:z(y)"] == 5
    assert "page" in answer("view", {"text": text, "view": "neurons"})
    assert "values" in answer("fit", {"text": text})


def test_letters_have_both_drawings():
    found = answer("stage", {"text": example_text("three-neurons")[0]})
    assert set(found["pictures"]) == {"forward", "backward"}
    assert 'data-k="d:' in found["pictures"]["backward"]
    assert 'data-k="v:' not in found["pictures"]["backward"]


# --- keys: what stands in more than one place ---------------------------------------------------------------------


@pytest.mark.parametrize("name", SHEETS)
def test_every_key_in_a_formula_is_of_a_number_or_of_a_whole(name):
    text = example_text(name)[0]
    found = answer("stage", {"text": text})
    lines = {line["key"] for line in found["lines"]}
    network = bh.read(text).network
    wholes = {f"{kind}:{node}" for kind in "vdt" for node in network.nodes} | {"v:N", "v:η", f"v:{network.cost.name}"}
    shown = [part for line in found["lines"] for part in line["parts"]]
    keys = set(re.findall(r"htmlData\{k=([^},]*)", " ".join(map(str, shown))))
    known = lines | set(found["values"]) | wholes
    assert keys
    if not found["letters"]:
        plain = {key.replace("|", ",") for key in keys}
        kept = {key for key in plain if re.fullmatch(r"v:([^(]+\(.*\)|β\d|ε|t)", key)}  # what a rule keeps: m(w1)
        assert plain - kept <= known | {"v:L"}


@pytest.mark.parametrize("view", ["neurons", "vectors", "matrices", "batch"])
def test_every_view_has_the_keys_of_the_same_entries(view):
    values = answer("stage", {"text": PRICE})["values"]
    page = answer("view", {"text": PRICE, "view": view})["page"]
    keys = {key.replace("|", ",") for key in re.findall(r"htmlData\{k=([^},]*)", page)}
    assert {f"v:{name}" for name in ("w1", "w10", "b5", "R", "z3", "a4")} <= keys
    assert {"d:z1", "d:z5"} <= keys
    assert "<mrow>" in page
    assert "htmlData" not in re.sub(r'data-t="[^"]*"', "", page)  # the MathML has none
    assert {key for key in keys if re.fullmatch(r"[vd]:[wbzaRD]\d*", key)} <= set(values)


def test_a_view_in_letters_has_no_numbers():
    page = answer("view", {"text": PRICE, "view": "matrices", "letters": True})["page"]
    assert "w_{1}" in page
    assert "35.104" not in page
    assert "3.5" not in page


# --- other places than a server -----------------------------------------------------------------------------------


def test_a_report_holds_its_answers_and_the_page():
    live = live_part(PRICE, 2)
    begin, modules = re.findall(r'<script type="application/json" id="\w+">(.*?)</script>', live.scripts, re.DOTALL)
    begin, modules = json.loads(begin), json.loads(modules)
    packed = json.loads(zlib.decompress(base64.b64decode(begin["answers"]), -15))
    asked = '["stage",["epochs",2],["row",2],["step",2]]'
    expected = answer("stage", {"text": PRICE, "epochs": 2, "step": 2, "row": 2})
    assert packed["answers"][packed["which"][asked]] == json.loads(json.dumps(expected))
    seen = set()
    for name, source in modules:  # each after those that it takes
        assert set(re.findall(r'\bfrom\s*"([^"]+)"', source)) <= seen
        seen.add(name)
    assert {path.name for path in (STATIC / ".").glob("*.js")} - {"loader.js", "widget.js"} == {
        name.removeprefix("./") for name in seen if name.startswith("./")
    }
    assert live.scripts.count("</script>") == 3


def test_text_cannot_end_the_script_it_stands_in():
    hostile = PRICE.replace("Price of a stay", "</script><script>alert(1)</script>")
    assert live_part(hostile, 1).scripts.count("</script>") == 3
    assert framed_page(hostile).count("<script>alert") == 0


def test_the_notebooks_page_asks_its_python():
    widget = bh.read(PRICE).studio(height=500)
    sent = []
    widget.send = sent.append
    widget._asked(widget, {"id": 7, "question": "stage", "body": {"text": PRICE}}, [])
    assert (sent[0]["id"], sent[0]["answer"]["title"]) == (7, "Price of a stay from its rating and its distance")
    for nothing in (None, "x", {"id": 1, "question": "nothing", "body": {}}, {"question": "stage", "body": 3}):
        widget._asked(widget, nothing, [])
    assert len(sent) == 1
    widget._asked(widget, {"text": PRICE.replace("w1 = 0.3", "w1 = 0.5")}, [])
    assert "w1 = 0.5" in widget.text
    assert (widget.height, "connect-src" in widget.page, "default-src 'none'" in widget.page) == (500, False, True)


def test_the_command_writes_it_into_a_report(tmp_path):
    good("show", "chain", "--studio", "-o", str(tmp_path / "work.html"))
    page = (tmp_path / "work.html").read_text("utf-8")
    assert '<section class="studio" id="app"' in page
    assert "script-src blob: 'unsafe-inline'" in page
    ended = command("show", "chain", "--studio")
    assert ended.code == 2
    assert "-o FILE.html" in ended.err


def test_a_seed_is_in_the_text():
    sheet = open_sheet("xor", 5)
    text, left = whole_text(sheet.statements, sheet.problem)
    assert ("seed 5" in text, left) == (True, "")


# --- tables and large networks ------------------------------------------------------------------------------------


def sent(content):
    return base64.b64encode(content if isinstance(content, bytes) else content.encode()).decode()


def test_a_table_becomes_a_sheet_that_learns_it():
    rows = "\n".join(f"{k};{k * k % 7},5;name{k};{'red' if k % 3 else 'blue'};{2 * k + k * k % 7}" for k in range(30))
    found = answer("table", {"table": sent(f"size;data;who;ink;Price\n{rows}\n"), "title": 'Houses "x"'})
    sheet = bh.read(found["text"])
    assert sheet.title == "Houses 'x'"
    assert [node.name for node in sheet.network.inputs] == ["size", "data_in", "ink_blue", "ink_red"]
    assert sheet.problem.table.rows == 30
    assert "# Left out: who" in found["text"]
    costs = [cost for _, _, _, cost in answer("stage", {"text": found["text"], "epochs": 60})["history"]]
    assert costs[-1] < costs[0] / 3


def test_names_of_a_table_do_not_meet():
    found = answer("table", {"table": sent("x_2,1st,größe,out\n1,2,3,4\n2,5,1,7\n3,1,2,2\n"), "title": ""})
    assert [node.name for node in bh.read(found["text"]).network.inputs] == ["x_2", "x_3", "größe"]
    assert answer("stage", {"text": found["text"]})["values"]["v:größe"] == pytest.approx(1.2247, abs=1e-4)


def test_a_table_of_classes():
    found = answer("table", {"table": sent(PENGUINS.read_bytes()), "title": "Penguins"})
    sheet = bh.read(found["text"])
    assert "200 of " in found["text"]
    assert sheet.problem.table.rows == 200
    kinds = "\n".join(f"{k},{'abc'[k % 3]}" for k in range(9))
    three = bh.read(answer("table", {"table": sent(f"x,kind\n{kinds}\n"), "title": ""})["text"])
    assert three.network.targets[0].shape == (3,)
    assert three.problem.table.columns["kind"].sum(axis=1).tolist() == [1.0] * 9
    two = bh.read(answer("table", {"table": sent("x,ok\n1,yes\n2,no\n3,no\n"), "title": ""})["text"])
    assert two.problem.table.columns["ok"].tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "the table is empty"),
        ("a,b\n", "no rows"),
        ("a\n1\n2\n", "no columns to learn from"),
        ("a,b\n1,2\n1,3\n", "no columns to learn from"),
        (bytes([0x1F, 0x8B]) + b"x", "is no text"),
        (zlib.compress(b"a,b\n" + b"1,2\n" * 10**5), "is no text"),
        ("\n".join(f"{k},c{k}" for k in range(40)), "39 classes"),
        ("\n".join(",".join(f"{'c' * (not r)}{k * r or k}" for k in range(40)) for r in range(3)), "38 inputs"),
    ],
)
def test_tables_that_are_none(table, said):
    error = answer("table", {"table": sent(table)})["error"]
    assert said in error["message"]
    assert "/" not in error["message"]


def test_a_model_is_opened_at_its_weights(tmp_path):
    trained = bh.train_table(PENGUINS, target="species", missing="drop", layers=(4,), epochs=2)
    trained.model.save(tmp_path / "species.bhm")
    model = sent((tmp_path / "species.bhm").read_bytes())
    assert "drop the table" in answer("model", {"model": model})["error"]["hint"]  # and reads none of this machine's
    found = bh.read(answer("model", {"model": model, "table": sent(PENGUINS.read_bytes())})["text"])
    assert np.array_equal(found.network.nodes["W1"].value, trained.model.parameters[0][0].astype(np.float64))
    values = {node.name: np.asarray(node.value) * 2 for node in bh.read(PRICE).network.parameters}
    SheetModel(PRICE, values, {}).save(tmp_path / "price.bhm")
    own = bh.read(answer("model", {"model": sent((tmp_path / "price.bhm").read_bytes())})["text"])
    assert {n.name: float(n.value) for n in own.network.parameters} == {k: float(v) for k, v in values.items()}
    assert own.problem.table.rows == 3
    elsewhere = PRICE.partition("data\n")[0] + 'data from "/etc/hostname"\n'
    SheetModel(elsewhere, values, {}).save(tmp_path / "price.bhm")
    own = bh.read(answer("model", {"model": sent((tmp_path / "price.bhm").read_bytes())})["text"])
    assert own.problem.table is None  # no file of this machine
    assert "not a model" in answer("model", {"model": sent(b"nothing of the kind")})["error"]["message"]


def test_a_large_network_is_summarised_and_any_weight_can_be_asked():
    heads = ", ".join([*(f"x[{k + 1}]" for k in range(64)), "t"])
    row = ", ".join([*(f"{k / 64}" for k in range(64)), "1"])
    text = "input x[64]; target t\nlayers x -> 40 relu -> 1 linear as y\ncost C = mse(y, t)\nrate 0.1\n"
    text += f"start he seed 1\ndata\n{heads}\n{row}\n"
    found = answer("stage", {"text": text})
    assert found["cut"]
    assert len(found["lines"]) < 300
    line = next(one for one in found["lines"] if one["key"] == "v:z1[1]")
    assert re.sub(r"\\htmlData\{[^}]*\}", "", line["parts"][0]["links"][0][1]) == "{W_{1}[1]} \\, {x} + {b_{1}[1]}"
    asked = answer("line", {"text": text, "name": "W1[17,33]"})
    assert [one["key"] for one in asked["lines"]] == ["d:W1[17,33]", "u:W1[17,33]"]
    gradients = bh.read(text).show().gradients["W1"]
    assert asked["values"]["d:W1[17,33]"] == gradients[16][32]
    assert "40 × 64 entries" in answer("line", {"text": text, "name": "W1"})["error"]["message"]
