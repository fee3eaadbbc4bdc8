"""Both engines against PyTorch and JAX: values that come from neither of us. `./dev parity` runs this."""

import itertools

import jax
import numpy as np
import pytest
import torch

from backhand.engine.compiled import CompiledNet, instruction_sets
from backhand.engine.dense import DenseLayer, DensePlan
from backhand.engine.dense_numpy import NumpyNet

jax.config.update("jax_enable_x64", True)
ENGINES = [*instruction_sets(), "numpy"]
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}  # of a tensor's largest entry
ACTIVATIONS = {
    "linear": (torch.nn.Identity(), lambda z: z),
    "sigmoid": (torch.nn.Sigmoid(), jax.nn.sigmoid),
    "tanh": (torch.nn.Tanh(), jax.numpy.tanh),
    "relu": (torch.nn.ReLU(), jax.nn.relu),
    "leaky": (torch.nn.LeakyReLU(0.01), lambda z: jax.nn.leaky_relu(z, 0.01)),
    "elu": (torch.nn.ELU(), jax.nn.elu),
    "selu": (torch.nn.SELU(), jax.nn.selu),
    "gelu": (torch.nn.GELU(), lambda z: jax.nn.gelu(z, approximate=False)),
    "silu": (torch.nn.SiLU(), jax.nn.silu),
    "softplus": (torch.nn.Softplus(threshold=1e9), jax.nn.softplus),
}
COSTS = {  # our cost: PyTorch's, what is before it, and the activation of the last layer
    "mse": (torch.nn.MSELoss(), 1.0, "linear"),
    "mae": (torch.nn.L1Loss(), 1.0, "tanh"),
    "huber": (torch.nn.HuberLoss(delta=0.7), 1.0, "linear"),
    "poisson": (torch.nn.PoissonNLLLoss(log_input=False, eps=0), 1.0, "softplus"),
    "binary_cross_entropy": (torch.nn.BCELoss(), 3.0, "sigmoid"),  # ours is a sum over the three outputs
    "softmax_cross_entropy": (torch.nn.CrossEntropyLoss(), 1.0, "linear"),
    "sse": (torch.nn.MSELoss(reduction="sum"), 1.0, "linear"),
}
RULES = {
    "sgd": (torch.optim.SGD, {}, ()),
    "momentum": (torch.optim.SGD, {"momentum": 0.9}, (0.9,)),
    "nesterov": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}, (0.9,)),
    "adagrad": (torch.optim.Adagrad, {"eps": 1e-10}, (1e-10,)),
    "rmsprop": (torch.optim.RMSprop, {"alpha": 0.9, "eps": 1e-8}, (0.9, 1e-8)),
    "adam": (torch.optim.Adam, {"betas": (0.9, 0.999), "eps": 1e-8}, (0.9, 0.999, 1e-8)),
    "adamw": (torch.optim.AdamW, {"weight_decay": 0.01, "betas": (0.9, 0.99), "eps": 1e-6}, (0.01, 0.9, 0.99, 1e-6)),
}


def plan_and_data(activation="tanh", cost="mse", last="linear", sizes=(5, 19, 7, 3), rows=37, **more):
    plan = DensePlan(sizes[0], (*(DenseLayer(n, activation) for n in sizes[1:-1]), DenseLayer(sizes[-1], last)), cost,
                     cost_setting=0.7 if cost == "huber" else 1.0, **more)  # fmt: skip
    random = np.random.default_rng(len(activation) + len(cost))
    parameters = [
        (random.normal(size=(n, k)) / np.sqrt(k), random.normal(size=n) * 0.3) for k, n in itertools.pairwise(sizes)
    ]
    x = random.normal(size=(rows, sizes[0]))
    targets = random.uniform(0, 1, size=(rows, sizes[-1]))
    if cost == "softmax_cross_entropy":
        targets /= targets.sum(1, keepdims=True)
    return plan, parameters, x, targets


def engine(name, plan, dtype):
    return NumpyNet(plan, dtype) if name == "numpy" else CompiledNet(plan, dtype, instruction_set=name)


def torch_net(plan, parameters):
    layers = []
    for layer, (w, b) in zip(plan.layers, parameters, strict=True):
        linear = torch.nn.Linear(w.shape[1], w.shape[0], dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(w))
            linear.bias.copy_(torch.from_numpy(b))
        layers += [linear, ACTIVATIONS[layer.activation][0]]
    return torch.nn.Sequential(*layers)


def same(found, expected, dtype):
    for ours, theirs in zip([a for pair in found for a in pair], expected, strict=True):
        assert np.abs(ours - theirs).max() <= TOLERANCE[dtype] * max(np.abs(theirs).max(), 1e-3)


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_each_activation_as_jax_differentiates_it(activation, name, dtype):
    plan, parameters, x, targets = plan_and_data(activation)
    f = ACTIVATIONS[activation][1]

    def cost(p):
        a = x
        for w, b in p[:-1]:
            a = f(a @ w.T + b)
        w, b = p[-1]
        return ((a @ w.T + b - targets) ** 2).mean()

    value, expected = jax.value_and_grad(cost)([(jax.numpy.array(w), jax.numpy.array(b)) for w, b in parameters])
    net = engine(name, plan, dtype)
    net.put(parameters)
    found, our_cost = net.gradients(x, targets)
    same(found, [np.asarray(a) for pair in expected for a in pair], dtype)
    assert our_cost == pytest.approx(float(value), rel=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("cost", list(COSTS))
def test_each_cost_as_pytorch_differentiates_it(cost, name, dtype):
    theirs, factor, last = COSTS[cost]
    plan, parameters, x, targets = plan_and_data("silu", cost, last)
    net = torch_net(plan, parameters)
    value = factor * theirs(net(torch.from_numpy(x)), torch.from_numpy(targets))
    value.backward()
    value = value.detach()
    ours = engine(name, plan, dtype)
    ours.put(parameters)
    found, our_cost = ours.gradients(x, targets)
    same(found, [p.grad.numpy() for p in net.parameters()], dtype)
    assert our_cost == pytest.approx(float(value), rel=TOLERANCE[dtype])


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("rule", list(RULES))
def test_steps_of_each_rule_as_pytorch_takes_them(rule, name):
    kind, options, settings = RULES[rule]
    plan, parameters, x, targets = plan_and_data("tanh", rule=rule, rate=0.01, settings=settings)
    net = torch_net(plan, parameters)
    optimiser = kind(net.parameters(), lr=0.01, **options)
    order = np.random.default_rng(4).permutation(len(x))
    ours = engine(name, plan, "float64")
    ours.put(parameters)
    for _ in range(3):
        for start in range(0, len(x), 8):
            rows = order[start : start + 8]
            optimiser.zero_grad()
            ((net(torch.from_numpy(x[rows])) - torch.from_numpy(targets[rows])) ** 2).mean().backward()
            optimiser.step()
        ours.train(x, targets, batch=8, order=order)
    for mine, p in zip([a for pair in ours.get() for a in pair], net.parameters(), strict=True):
        assert np.allclose(mine, p.detach().numpy(), rtol=0, atol=1e-9)
