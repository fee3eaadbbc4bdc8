"""Modules of PyTorch worked by Backhand: predictions, and every gradient as autograd has it (`./dev parity`)."""

import random

import numpy as np
import pytest
import torch
from torch import nn

import backhand as bh
from backhand.engine.reference import forward, starting_values
from backhand.errors import UsageError

ACTIVATIONS = [nn.ReLU, nn.Sigmoid, nn.Tanh, nn.SELU, nn.GELU, nn.SiLU, nn.Softplus, nn.Identity,
               lambda: nn.LeakyReLU(0.2), lambda: nn.ELU(0.7), lambda: nn.Dropout(0.3)]  # fmt: skip
LOSSES = [nn.MSELoss(), nn.MSELoss(reduction="sum"), nn.L1Loss(), nn.HuberLoss(delta=0.6), nn.CrossEntropyLoss(),
          nn.BCEWithLogitsLoss(), nn.BCEWithLogitsLoss(reduction="sum")]  # fmt: skip


class Skipping(nn.Module):
    """A module of its own, with a way round its middle layer."""

    def __init__(self, inputs, hidden, outputs, drawn):
        super().__init__()
        self.first, self.middle = nn.Linear(inputs, hidden), nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, outputs)
        self.act, self.minus = drawn.choice(ACTIVATIONS)(), drawn.random() < 0.3

    def forward(self, x):
        h = torch.tanh(self.first(x))
        g = self.act(self.middle(h))
        return self.last(h * g if self.minus else h + g)


def module_of(seed):
    drawn = random.Random(seed)
    torch.manual_seed(seed)
    inputs, outputs = drawn.randint(1, 5), drawn.randint(2, 4)
    if drawn.random() < 0.3:
        return Skipping(inputs, drawn.randint(1, 5), outputs, drawn), inputs, outputs, drawn
    layers, width = [], inputs
    for _ in range(drawn.randint(1, 3)):
        size = drawn.randint(1, 6)
        layers.append(nn.Linear(width, size, bias=drawn.random() < 0.8))
        if drawn.random() < 0.3:
            norm = nn.BatchNorm1d(size, affine=drawn.random() < 0.7)
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
            layers.append(norm)
        layers.append(drawn.choice(ACTIVATIONS)())
        width = size
    layers.append(nn.Linear(width, outputs))
    return nn.Sequential(*layers), inputs, outputs, drawn


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("seed", range(200))
def test_every_gradient_is_autograds(seed, dtype):
    module, inputs, outputs, drawn = module_of(seed)
    module = module.to(dtype).eval()
    rows = drawn.randint(1, 5)
    x = torch.randn(rows, inputs, dtype=dtype)
    loss = drawn.choice(LOSSES)
    if isinstance(loss, nn.CrossEntropyLoss):
        y = torch.randint(0, outputs, (rows,))
    else:
        y = torch.rand(rows, outputs, dtype=dtype)
    told = loss(module(x), y)
    told.backward()
    sheet = bh.from_torch(module, x, y, loss)
    near = {"rel": 1e-10, "abs": 1e-12} if dtype == torch.float64 else {"rel": 1e-4, "abs": 1e-5}
    step = sheet.show().run.steps[0]
    assert step.tape.cost == pytest.approx(told.item(), **near)
    by_name = dict(module.named_parameters())
    names = {line.split()[1]: line.split()[3] for line in sheet.statements.text.splitlines() if line.startswith("# ")}
    compared = 0
    for node in sheet.network.parameters:
        origin = names.get(node.name)
        if origin not in by_name:
            continue  # the weights of a norm that learns none
        wanted = by_name[origin].grad.double().numpy()
        scale = max(1.0, float(np.abs(wanted).max()))
        found = np.asarray(step.gradients.totals[node.name])
        assert np.abs(found - wanted).max() <= (1e-10 if dtype == torch.float64 else 1e-5) * scale, origin
        compared += 1
    assert compared == len(by_name)


def test_predictions_of_a_batch_norm_and_a_softmax():
    module = nn.Sequential(
        nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4, 3), nn.Softmax(dim=1)
    )
    module(torch.randn(50, 3) * 3)  # the norm's mean and variance
    module = module.double().eval()
    x = torch.randn(6, 3, dtype=torch.float64)
    sheet = bh.from_torch(module, x)
    tape = forward(sheet.network, starting_values(sheet.network), sheet.problem.table.columns)
    (output,) = sheet.network.outputs
    assert tape.values[output.name] == pytest.approx(module(x).detach().numpy(), rel=1e-12)


ONES = torch.ones(1, 3)


class ByValue(nn.Module):
    def __init__(self):
        super().__init__()
        self.line = nn.Linear(2, 1)

    def forward(self, x):
        return self.line(x) if x.sum() > 0 else self.line(-x)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: bh.from_torch(nn.Sequential(nn.Linear(2, 3), nn.Conv1d(1, 1, 1))), r"layer `1` \(Conv1d"),
        (lambda: bh.from_torch(ByValue()), "`forward` of ByValue cannot be followed"),
        (lambda: bh.from_torch(nn.Sequential(nn.ReLU())), "no linear layer"),
        (lambda: bh.from_torch(nn.Sequential(nn.Linear(2, 3), nn.GELU("tanh"))), r"layer `1` \(GELU"),
        (lambda: bh.from_torch(nn.Linear(2, 1), ONES[:, :2], ONES[:, :1], nn.KLDivLoss()), "the loss KLDivLoss"),
        (lambda: bh.from_torch(nn.Linear(2, 1), ONES[:, :2], ONES[:, :1]), "targets and a loss go together"),
        (lambda: bh.from_torch(nn.Linear(2, 1), ONES, ONES[:, :1], nn.MSELoss()), "takes 2 numbers, and 3 come in"),
    ],
)
def test_what_cannot_be_carried_is_named(make, said):
    with pytest.raises(UsageError, match=said):
        make()
