"""TABLE TARGET LIMIT MODEL: trains until the cost of the rows held out is at most LIMIT, as a user would write it."""

import sys

import joblib
import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

path, target, limit, place = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
table = pd.read_csv(path)
y = table.pop(target)
classes = y.dtype == object or y.dtype.name.startswith("str")
x = pd.get_dummies(table).to_numpy(np.float32)
parts = train_test_split(x, y.to_numpy(), test_size=0.2, random_state=0, stratify=y if classes else None)
a, b, ya, yb = parts
scale = StandardScaler().fit(a)
a, b = scale.transform(a), scale.transform(b)
given = {"hidden_layer_sizes": (64, 64), "batch_size": 32, "alpha": 0, "random_state": 0}
net = MLPClassifier(**given) if classes else MLPRegressor(**given)
if not classes:
    middle, wide = ya.mean(), ya.std()
    ya, yb = (ya - middle) / wide, (yb - middle) / wide
epoch, cost = 0, np.inf
while cost > limit and epoch < 40:
    epoch += 1
    net.partial_fit(a, ya, **({"classes": np.unique(y)} if classes else {}))
    cost = log_loss(yb, net.predict_proba(b)) if classes else mean_squared_error(yb, net.predict(b))
joblib.dump((scale, net), place)
print(f"{epoch} epochs, {cost:.4f}")
