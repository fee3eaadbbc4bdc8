"""Sheets whose source is held against the engine: every activation and cost, a penalty, names that Python lacks."""

from backhand.cli.examples import example_names, example_text
from backhand.ops.vocabulary import ACTIVATION_NAMES

ROWS = "\ndata\nx[1], x[2], t[1], t[2]\n0.5, -1, 1, 0\n2, 0.3, 0, 1\n-0.7, 0.9, 1, 0\n"


def layered(activation, cost, last="linear"):
    said = activation + {"leaky": " 0.3", "elu": " 0.8"}.get(activation, "")
    return (
        f"input x[2]; target t[2]\nlayers x -> 3 {said} -> 2 {last} as y\ncost C = {cost}\n"
        f"start normal seed 4\nrate 0.1{ROWS}"
    )


SOURCES = {name: example_text(name)[0] for name in example_names() if name not in ("three-neurons", "penguins")}
SOURCES |= {f"with {name}": layered(name, "mse(y, t)") for name in ACTIVATION_NAMES if name not in ("step", "softmax")}
SOURCES |= {
    "sse": layered("tanh", "sse(y, t)"),
    "mae": layered("tanh", "mae(y, t)"),
    "huber": layered("tanh", "huber(y, t, 0.4)"),
    "poisson": layered("tanh", "poisson(y, t)", "softplus"),
    "binary": layered("tanh", "binary_cross_entropy(y, t)", "sigmoid"),
    "shares": layered("tanh", "cross_entropy(y, t)", "softmax"),
    "logits": layered("tanh", "softmax_cross_entropy(y, t)"),
    "half": layered("tanh", "sum((y - t)^2)/(2*N)"),
    "a penalty": layered("tanh", "mse(y, t) + 0.05*W1[1,1]^2 + 0.1*b2[2]^2"),
    "odd names": (
        "input lambda, φ; target np\nrow = tanh(w_1^{(2)}*lambda + p*φ) + q/(lambda^2 + 1)\n"
        "cost C = mean((row - np)^2)\nw_1^{(2)} = 0.5; p = -0.2; q = 0.7\nrate 0.1\n"
        "data\nlambda, φ, np\n1, 2, 0\n0.5, -1, 1\n"
    ),
    "entries": (
        "input x[2]; target t\nW = [[0.1, 0.2], [0.3, -0.4]]\nv = [1, -2]\na = sigmoid(W@x)\ny = v@a + W[1,2]*a[2]\n"
        "cost C = mean((y - t)^2)\nrate 0.1\ndata\nx[1], x[2], t\n1, 2, 0\n0.5, -1, 1\n"
    ),
}  # fmt: skip
