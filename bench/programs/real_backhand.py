import sys

import numpy as np

from backhand.engine.compiled import CompiledNet
from backhand.engine.dense import DenseLayer, DensePlan

table = np.loadtxt(sys.argv[1], delimiter=",")
x, y = (table[:, :-1] / 16).astype(np.float32), table[:, -1].astype(int)
random = np.random.default_rng(0)
layers = (DenseLayer(64, "relu"), DenseLayer(10))
net = CompiledNet(DensePlan(64, layers, "softmax_cross_entropy", rule="adam", rate=1e-3))
net.put([(random.standard_normal((n, k)) * (2 / k) ** 0.5, np.zeros(n)) for k, n in ((64, 64), (64, 10))])
epoch, error = 0, 1.0
while error > 0.03 and epoch < 300:
    epoch += 1
    net.train(x[:1437], y[:1437], batch=32, order=random.permutation(1437))
    error = (net.predict(x[1437:]).argmax(1) != y[1437:]).mean()
print(f"{epoch} epochs, {error:.1%} misread")
