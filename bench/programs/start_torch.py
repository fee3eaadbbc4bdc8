import numpy as np
import torch

random = np.random.default_rng(0)
x, y = random.standard_normal((20_000, 8), dtype=np.float32), random.standard_normal((20_000, 1), dtype=np.float32)
x, y = torch.from_numpy(x), torch.from_numpy(y)
net = torch.nn.Sequential(
    torch.nn.Linear(8, 64), torch.nn.ReLU(), torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1)
)
rule = torch.optim.Adam(net.parameters(), lr=1e-3)
torch.nn.functional.mse_loss(net(x[:32]), y[:32]).backward()
rule.step()
