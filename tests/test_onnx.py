"""ONNX files: what is written is loaded by onnxruntime and gives the same; what is read gives the same, and is refused
by name where it cannot be carried."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from test_cli import command, good

import backhand as bh
from backhand.cli.examples import example_names, example_text
from backhand.engine.reference import forward, starting_values
from backhand.errors import DataError, UsageError
from backhand.ops.vocabulary import ACTIVATION_NAMES

RANDOM = np.random.default_rng(3)
SHEETS = [name for name in example_names() if name not in ("three-neurons", "penguins")]
ACTIVATIONS = [name for name in ACTIVATION_NAMES if name not in ("softmax", "step")]


def values_of(sheet, columns):
    return forward(sheet.network, starting_values(sheet.network), columns).values


def ran(content, columns):
    """By onnxruntime, in float32."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    rows = {name: np.asarray(v, np.float32).reshape(len(v), -1) for name, v in columns.items()}
    names = [one.name for one in session.get_inputs()]
    found = session.run(None, {name: rows[name] for name in names})
    return dict(zip([one.name for one in session.get_outputs()], found, strict=True))


def same(found, right):
    right = np.asarray(right)
    right = right.reshape(len(right), -1)
    assert found.shape == right.shape
    assert np.abs(found - right).max() <= 2e-6 * max(1.0, np.abs(right).max())


@pytest.mark.parametrize("name", SHEETS)
def test_every_sheet_runs_elsewhere(name):
    sheet = bh.read(example_text(name)[0])
    columns = sheet.problem.table.columns
    right = values_of(sheet, columns)
    for output, found in ran(bh.to_onnx(sheet), columns).items():
        same(found, right[output])


def sheet_of(activation):
    said = activation + {"leaky": " 0.3", "elu": " 0.8"}.get(activation, "")
    return bh.read(f"input x[3]\nlayers x -> 4 {said} -> 2 softmax as p\nstart normal seed 4\n")


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_runs_elsewhere(activation):
    sheet, rows = sheet_of(activation), {"x": RANDOM.normal(size=(7, 3)) * 2}
    same(ran(bh.to_onnx(sheet), rows)["p"], values_of(sheet, rows)["p"])


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "gelu"])  # erf is not read
def test_every_activation_comes_back(activation, tmp_path):
    sheet, rows = sheet_of(activation), {"x": RANDOM.normal(size=(7, 3)) * 2}
    right = values_of(sheet, rows)["p"]
    (tmp_path / "net.onnx").write_bytes(bh.to_onnx(sheet))
    back = bh.from_onnx(tmp_path / "net.onnx", rows["x"])
    (output,) = back.network.outputs
    same(values_of(back, back.problem.table.columns)[output.name], right)


def written(tmp_path, nodes, weights, inputs=("rows", 3), output="y"):
    kept = [numpy_helper.from_array(np.asarray(v, np.float32), n) for n, v in weights.items()]
    told = [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(inputs))]
    gives = [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "net", told, gives, kept)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


WEIGHTS = {
    "fc1.weight": RANDOM.normal(size=(4, 3)), "fc1.bias": RANDOM.normal(size=4), "kernel": RANDOM.normal(size=(4, 4)),
    "shift": RANDOM.normal(size=4), "scale": RANDOM.uniform(1, 2, 4), "mean": RANDOM.normal(size=4),
    "var": RANDOM.uniform(1, 2, 4), "out.weight": RANDOM.normal(size=(2, 4)), "half": np.array([0.5]),
}  # fmt: skip


def graph_of(tmp_path):
    """A graph as exporters write them: Gemm, MatMul with Add, a norm, a skip, a factor, dropout."""
    make = helper.make_node
    nodes = [
        make("Gemm", ["x", "fc1.weight", "fc1.bias"], ["z"], transB=1),
        make("BatchNormalization", ["z", "scale", "shift", "mean", "var"], ["n"], epsilon=1e-3),
        make("LeakyRelu", ["n"], ["h"], alpha=0.2),
        make("Dropout", ["h"], ["d"]),
        make("MatMul", ["d", "kernel"], ["m"]),
        make("Add", ["shift", "m"], ["g"]),
        make("Tanh", ["g"], ["t"]),
        make("Add", ["h", "t"], ["s"]),
        make("Mul", ["half", "s"], ["f"]),
        make("Gemm", ["f", "out.weight"], ["y"], transB=1),
    ]
    return written(tmp_path, nodes, WEIGHTS)


def test_a_graph_of_others(tmp_path):
    path, x = graph_of(tmp_path), RANDOM.normal(size=(5, 3))
    right = onnxruntime.InferenceSession(path.read_bytes()).run(None, {"x": x.astype(np.float32)})[0]
    sheet = bh.from_onnx(path, x)
    (output,) = sheet.network.outputs
    same(values_of(sheet, sheet.problem.table.columns)[output.name], right)
    assert "# W_fc1 is fc1.weight" in sheet.statements.text
    assert "# W_kernel is kernel, transposed" in sheet.statements.text
    worked = bh.from_onnx(path, x, np.array([0, 1, 1, 0, 1]), "softmax_cross_entropy", rate=0.1)
    assert worked.gradcheck().agrees


@pytest.mark.parametrize(
    ("nodes", "inputs", "said"),
    [
        ([("Conv", ["x", "kernel"], ["y"], {})], ("rows", 3), r"\(Conv\) cannot be carried"),
        ([("Softmax", ["x"], ["y"], {"axis": 0})], ("rows", 3), r"\(Softmax\) cannot be carried"),
        ([("Relu", ["x"], ["y"], {})], ("rows", "k"), "takes 1 inputs"),
        ([("MatMul", ["x", "x"], ["y"], {})], ("rows", 3), "`x` is worked out, not given"),
        ([("Gemm", ["x", "fc1.weight"], ["y"], {"transB": 1, "alpha": 2.0})], ("rows", 3), "is no dense layer"),
        ([("Gemm", ["x", "out.weight"], ["y"], {"transB": 1})], ("rows", 3), "takes 4 numbers, and 3 come in"),
        ([("Add", ["x", "shift"], ["y"], {})], ("rows", 3), "`shift` has 4 numbers, and goes with 3"),
        ([("Relu", ["u"], ["y"], {})], ("rows", 3), "`u` is used and never made"),
    ],
)
def test_what_cannot_be_carried_is_named(tmp_path, nodes, inputs, said):
    made = [helper.make_node(kind, given, gives, **more) for kind, given, gives, more in nodes]
    path = written(tmp_path, made, WEIGHTS, inputs)
    with pytest.raises((UsageError, DataError), match=said):
        bh.from_onnx(path)


def test_files_that_are_none(tmp_path):
    path = tmp_path / "net.onnx"
    for content in (b"", b"nothing of the kind", b"\x08\x0a" * 40):
        path.write_bytes(content)
        with pytest.raises((UsageError, DataError), match=r"net\.onnx"):
            bh.from_onnx(path)
    with pytest.raises(UsageError, match="cannot read"):
        bh.from_onnx(tmp_path / "nowhere.onnx")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (example_text("three-neurons")[0], "the sheet is in letters"),
        ("input x[2]\nW = [[1, 2], [3, 4]]\nb = 1\ny = step(W@x)\n", "`step"),
        ("input x\nw = 2\nv = [1, w]\n", "has no form in ONNX here"),
    ],
)
def test_what_onnx_has_no_form_for(text, said):
    with pytest.raises(UsageError, match=said):
        bh.to_onnx(bh.read(text))


def test_the_commands(tmp_path):
    assert good("export", "price", "-o", str(tmp_path / "price.onnx")) == ""
    good("export", "curve", "-o", str(tmp_path / "curve.onnx"))
    (tmp_path / "rows.csv").write_text("x,name\n0.5,a\n-2,b\n")
    shown = good("show", str(tmp_path / "curve.onnx"), "--data", str(tmp_path / "rows.csv"), "--row", "2")
    assert "x = [-2]" in shown
    refused = command("export", "price", "-o", str(tmp_path / "price.pt"))
    assert (refused.code, "a name ending in .onnx or .py" in refused.err) == (2, True)
    refused = command("show", str(tmp_path / "price.onnx"))
    assert (refused.code, "takes 2 inputs" in refused.err) == (2, True)


def test_it_is_what_current_runtimes_load():
    model = onnx.load_from_string(bh.to_onnx(bh.read(example_text("price")[0])))
    assert (model.ir_version, model.opset_import[0].version) == (10, 17)
    assert [one.name for one in model.graph.input] == ["R", "D"]
    assert {"w1", "b5"} <= {one.name for one in model.graph.initializer}
