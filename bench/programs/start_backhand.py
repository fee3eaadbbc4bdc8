import numpy as np

from backhand.engine.compiled import CompiledNet
from backhand.engine.dense import DenseLayer, DensePlan

random = np.random.default_rng(0)
x, y = random.standard_normal((20_000, 8), dtype=np.float32), random.standard_normal((20_000, 1), dtype=np.float32)
net = CompiledNet(DensePlan(8, (DenseLayer(64, "relu"), DenseLayer(64, "relu"), DenseLayer(1)), rule="adam", rate=1e-3))
net.train(x, y, batch=32, order=np.arange(32))
