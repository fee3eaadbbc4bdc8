"""TABLE TARGET LIMIT MODEL: trains until the cost of the rows held out is at most LIMIT, as a user would write it."""

import sys

import numpy as np
import pandas as pd
import torch

path, target, limit, place = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
torch.manual_seed(0)
table = pd.read_csv(path)
y = table.pop(target)
classes = y.dtype == object or y.dtype.name.startswith("str")
x = pd.get_dummies(table).to_numpy(np.float32)
order = np.random.default_rng(0).permutation(len(x))
held, rows = order[: len(x) // 5], order[len(x) // 5 :]
x = (x - x[rows].mean(0)) / np.where(x[rows].std(0) > 0, x[rows].std(0), 1)
if classes:
    names, t = np.unique(y, return_inverse=True)
    y = torch.from_numpy(t)
    outputs, cost_of = len(names), torch.nn.functional.cross_entropy
else:
    t = y.to_numpy(np.float32)
    y = torch.from_numpy((t - t[rows].mean()) / t[rows].std())[:, None]
    outputs, cost_of = 1, torch.nn.functional.mse_loss
x = torch.from_numpy(x)
a, b, ya, yb = x[rows], x[held], y[rows], y[held]
layers = [torch.nn.Linear(x.shape[1], 64), torch.nn.ReLU(), torch.nn.Linear(64, 64), torch.nn.ReLU()]
net = torch.nn.Sequential(*layers, torch.nn.Linear(64, outputs))
rule = torch.optim.Adam(net.parameters(), lr=1e-3)
epoch, cost = 0, np.inf
while cost > limit and epoch < 40:
    epoch += 1
    for batch in torch.randperm(len(a)).split(32):
        rule.zero_grad()
        cost_of(net(a[batch]), ya[batch]).backward()
        rule.step()
    with torch.inference_mode():
        cost = cost_of(net(b), yb).item()
torch.save(net.state_dict(), place)
print(f"{epoch} epochs, {cost:.4f}")
