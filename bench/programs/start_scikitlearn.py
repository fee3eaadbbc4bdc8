import numpy as np
from sklearn.neural_network import MLPRegressor

random = np.random.default_rng(0)
x, y = random.standard_normal((20_000, 8), dtype=np.float32), random.standard_normal((20_000, 1), dtype=np.float32)
MLPRegressor(hidden_layer_sizes=(64, 64), batch_size=32).partial_fit(x[:32], y[:32].ravel())
