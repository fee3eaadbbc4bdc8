"""Those who are timed. Each has `steps(n)`, `epoch()`, `parameters()` and `predict()`; all in float32."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from work import Work, made


class Side:
    """What all sides share: the work's data, and steps through the epochs' one order.

    Each has `steps(n)`, `parameters()` and `predict()` of its own, and `rows()` where it has every row's gradients.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        self.x, self.y, self.start, self.order = made(work)
        self.at = 0

    def batches(self, n: int) -> Any:
        """The rows of the next n steps."""
        size, rows = self.work.batch, self.work.rows
        for _ in range(n):
            yield self.order[self.at : self.at + size]
            self.at = self.at + size if self.at + size < rows else 0

    def epoch(self) -> None:
        self.steps(-(-self.work.rows // self.work.batch))

    def pass_over(self) -> np.ndarray:
        """One pass: predictions, or each row's own gradients, [rows, anything]."""
        return self.rows() if self.work.kind == "rows" else self.predict()


class Backhand(Side):
    """The compiled engine; for full-batch steps of very small networks its tape."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        if work.kind == "steps":
            self._tape()
            return
        from backhand.engine.compiled import CompiledNet
        from backhand.engine.dense import DenseLayer, DensePlan

        layers = (*(DenseLayer(n, "relu") for n in work.sizes[1:-1]), DenseLayer(work.sizes[-1]))
        plan = DensePlan(work.sizes[0], layers, work.cost, rule=work.rule, rate=work.rate)
        self.net = CompiledNet(plan, threads=work.threads)
        self.net.put(self.start)

    def _tape(self) -> None:
        import backhand as bh
        from backhand.engine.graph import GraphNet

        names = [f"x[{i + 1}]" for i in range(self.work.sizes[0])]
        chain = " -> ".join(f"{n} relu" for n in self.work.sizes[1:-1]) + f" -> {self.work.sizes[-1]} as o"
        values = [
            f"W{k} = {w.astype(float).tolist()}\nb{k} = {b.astype(float).tolist()}"
            for k, (w, b) in enumerate(self.start, 1)
        ]
        rows = [", ".join(repr(float(v)) for v in (*a, *b)) for a, b in zip(self.x, self.y, strict=True)]
        text = "\n".join(
            [f"input x[{self.work.sizes[0]}]; target y", f"layers x -> {chain}", *values, "cost C = mse(o, y)",
             f"rate {self.work.rate}", "data", ", ".join([*names, "y"]), *rows]
        )  # fmt: skip
        self.tape = GraphNet(bh.read(text).problem, self.work.networks, threads=self.work.threads)

    def steps(self, n: int) -> None:
        if self.work.kind == "steps":
            self.tape.train(n)
            return
        size, done = self.work.batch, 0
        while done < n:
            rows = self.order[self.at : self.at + (n - done) * size]
            self.net.train(self.x, self.y, batch=size, order=rows)
            done += -(-len(rows) // size)
            self.at = self.at + len(rows) if self.at + len(rows) < self.work.rows else 0

    def parameters(self) -> list[np.ndarray]:
        if self.work.kind == "steps":
            found = self.tape.get()
            return [found[f"{letter}{k}"] for k in range(1, len(self.start) + 1) for letter in "Wb"]
        return [a for pair in self.net.get() for a in pair]

    def predict(self) -> np.ndarray:
        return self.net.predict(self.x)

    def rows(self) -> np.ndarray:
        own = self.net.row_gradients(self.x, self.y)
        if self.work.fresh:
            return own.write()
        self.own = own.write(getattr(self, "own", None))
        return self.own


class Torch(Side):
    """PyTorch eager with its default optimiser."""

    fused, whole = False, False

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        import torch

        torch.set_num_threads(work.threads)
        self.torch, layers = torch, []
        for number, (w, b) in enumerate(self.start, 1):
            layer = torch.nn.Linear(w.shape[1], w.shape[0])
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(w))
                layer.bias.copy_(torch.from_numpy(b))
            layers += [layer] if number == len(self.start) else [layer, torch.nn.ReLU()]
        self.net = torch.nn.Sequential(*layers)
        self.cost = torch.nn.MSELoss() if work.cost == "mse" else torch.nn.CrossEntropyLoss()
        kind = torch.optim.SGD if work.rule == "sgd" else torch.optim.Adam
        self.rule = kind(self.net.parameters(), lr=work.rate, **({"fused": True} if self.fused else {}))
        self.tx, self.ty = torch.from_numpy(self.x), torch.from_numpy(self.y)
        self.ty = self.ty if work.cost == "mse" else self.ty.long()
        self.torder = torch.from_numpy(self.order)
        forward = lambda x, y: self.cost(self.net(x), y)  # noqa: E731
        self.forward = torch.compile(forward, dynamic=False) if self.whole else forward

    def steps(self, n: int) -> None:
        size, rows = self.work.batch, self.work.rows
        for _ in range(n):
            index = self.torder[self.at : self.at + size]
            self.at = self.at + size if self.at + size < rows else 0
            x, y = (self.tx, self.ty) if self.work.kind == "steps" else (self.tx[index], self.ty[index])
            cost = self.forward(x, y)
            self.rule.zero_grad()
            cost.backward()
            self.rule.step()

    def parameters(self) -> list[np.ndarray]:
        return [p.detach().numpy() for p in self.net.parameters()]

    def predict(self) -> np.ndarray:
        with self.torch.inference_mode():
            if not self.fused:
                return self.net(self.tx).numpy()
            parts = [self.net(self.tx[i : i + 4096]) for i in range(0, len(self.tx), 4096)]
            return self.torch.cat(parts).numpy()

    def rows(self) -> np.ndarray:
        from torch.func import functional_call, grad, vmap

        if not hasattr(self, "own"):
            self.p = {name: p.detach() for name, p in self.net.named_parameters()}

            def cost(p: Any, x: Any, y: Any) -> Any:
                return ((functional_call(self.net, p, (x[None],))[0] - y) ** 2).mean()

            own = vmap(grad(cost), in_dims=(None, 0, 0))
            self.own = self.torch.compile(own) if self.whole else own
        found = self.own(self.p, self.tx, self.ty)
        return found["0.weight"].reshape(len(self.x), -1).numpy()


class TorchFused(Torch):
    """PyTorch with its fused optimiser; predictions in chunks of 4,096 rows, as a careful user does."""

    fused = True


class TorchCompiled(Torch):
    """torch.compile of forward feed and cost, with the fused optimiser."""

    fused, whole = True, True


class TorchWhole(Side):
    """PyTorch with the whole step in one compiled function: forward, gradient and update."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        import torch

        torch.set_num_threads(work.threads)
        self.torch, rate, adam = torch, work.rate, work.rule == "adam"
        self.p = [torch.from_numpy(a.copy()) for pair in self.start for a in pair]
        self.m, self.s = [torch.zeros_like(a) for a in self.p], [torch.zeros_like(a) for a in self.p]
        self.t = torch.zeros(())
        self.tx, self.ty, self.torder = torch.from_numpy(self.x), torch.from_numpy(self.y), torch.from_numpy(self.order)
        self.ty = self.ty if work.cost == "mse" else self.ty.long()

        def cost(p: Any, x: Any, y: Any) -> Any:
            for k in range(0, len(p), 2):
                x = torch.nn.functional.linear(x, p[k], p[k + 1])
                x = torch.relu(x) if k + 2 < len(p) else x
            f = torch.nn.functional
            return f.mse_loss(x, y) if work.cost == "mse" else f.cross_entropy(x, y)

        def step(p: Any, m: Any, s: Any, t: Any, x: Any, y: Any) -> Any:
            g = torch.func.grad(cost)(p, x, y)
            if not adam:
                return [a - rate * b for a, b in zip(p, g, strict=True)], m, s, t
            t = t + 1
            m = [0.9 * a + 0.1 * b for a, b in zip(m, g, strict=True)]
            s = [0.999 * a + 0.001 * b * b for a, b in zip(s, g, strict=True)]
            a, c = rate / (1 - 0.9**t), 1 / torch.sqrt(1 - 0.999**t)
            p = [w - a * u / (torch.sqrt(v) * c + 1e-8) for w, u, v in zip(p, m, s, strict=True)]
            return p, m, s, t

        self.step = torch.compile(step)

    def steps(self, n: int) -> None:
        size, rows = self.work.batch, self.work.rows
        with self.torch.no_grad():
            for _ in range(n):
                index = self.torder[self.at : self.at + size]
                self.at = self.at + size if self.at + size < rows else 0
                x, y = (self.tx, self.ty) if self.work.kind == "steps" else (self.tx[index], self.ty[index])
                self.p, self.m, self.s, self.t = self.step(self.p, self.m, self.s, self.t, x, y)

    def parameters(self) -> list[np.ndarray]:
        return [p.numpy() for p in self.p]


class Micrograd(Side):
    """micrograd: every number an object of its own."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        from micrograd.engine import Value

        self.p = [(np.vectorize(Value)(w.astype(float)), np.vectorize(Value)(b.astype(float))) for w, b in self.start]

    def steps(self, n: int) -> None:
        for _ in range(n):
            cost = 0.0
            for x, y in zip(self.x.tolist(), self.y.tolist(), strict=True):
                for k, (w, b) in enumerate(self.p):
                    z = [sum((u * v for u, v in zip(row, x, strict=True)), c) for row, c in zip(w, b, strict=True)]
                    x = [v.relu() for v in z] if k + 1 < len(self.p) else z
                cost = cost + (x[0] - y[0]) ** 2 * (1 / len(self.x))
            every = [v for pair in self.p for a in pair for v in a.ravel()]
            for v in every:
                v.grad = 0.0
            cost.backward()
            for v in every:
                v.data -= self.work.rate * v.grad

    def parameters(self) -> list[np.ndarray]:
        return [np.vectorize(lambda v: v.data)(a).astype(np.float32) for pair in self.p for a in pair]


class Jax(Side):
    """JAX: an epoch as one jitted scan."""

    def __init__(self, work: Work) -> None:
        if work.threads == 1:
            os.sched_setaffinity(0, {0})
        super().__init__(work)
        import jax
        import jax.numpy as jnp
        from jax import lax

        self.jax, self.jnp = jax, jnp
        count, rate, adam, size = len(self.start), work.rate, work.rule == "adam", work.batch

        def net(p: Any, x: Any) -> Any:
            for k, (w, b) in enumerate(p):
                x = x @ w.T + b
                x = jnp.maximum(x, 0) if k < count - 1 else x
            return x

        def cost(p: Any, x: Any, y: Any) -> Any:
            z = net(p, x)
            if work.cost == "mse":
                return jnp.mean((z - y) ** 2)
            return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1))

        each = jax.tree_util.tree_map

        def step(c: Any, x: Any, y: Any) -> Any:
            p, m, s, t = c
            g = jax.grad(cost)(p, x, y)
            if not adam:
                return each(lambda a, b: a - rate * b, p, g), m, s, t
            t = t + 1
            m = each(lambda a, b: 0.9 * a + 0.1 * b, m, g)
            s = each(lambda a, b: 0.999 * a + 0.001 * b * b, s, g)
            a, root = rate / (1 - 0.9**t), 1 / jnp.sqrt(1 - 0.999**t)
            return each(lambda w, u, v: w - a * u / (jnp.sqrt(v) * root + 1e-8), p, m, s), m, s, t

        def some(c: Any, x: Any, y: Any, order: Any) -> Any:
            whole = len(order) // size

            def body(c: Any, i: Any) -> Any:
                index = lax.dynamic_slice(order, (i * size,), (size,))
                return step(c, x[index], y[index]), None

            c, _ = lax.scan(body, c, jnp.arange(whole))
            if len(order) % size:
                index = order[whole * size :]
                c = step(c, x[index], y[index])
            return c

        def many(c: Any, x: Any, y: Any, n: Any) -> Any:
            return lax.fori_loop(0, n, lambda _, c: step(c, x, y), c)

        if work.networks > 1:
            many = jax.vmap(many, (0, None, None, None))
        self.some, self.many = jax.jit(some, donate_argnums=0), jax.jit(many, donate_argnums=0)
        self.net = jax.jit(net)
        self.own = jax.jit(jax.vmap(jax.grad(lambda p, x, y: jnp.mean((net(p, x) - y) ** 2)), (None, 0, 0)))
        p = [(jnp.array(w), jnp.array(b)) for w, b in self.start]
        zeros = each(jnp.zeros_like, p)
        self.c = (p, zeros, each(jnp.zeros_like, p), jnp.zeros((), jnp.float32))
        if work.networks > 1:
            self.c = each(lambda a: jnp.repeat(a[None], work.networks, 0), self.c)
        self.jx, self.jy, self.jorder = jnp.array(self.x), jnp.array(self.y), jnp.array(self.order.astype(np.int32))

    def steps(self, n: int) -> None:
        if self.work.kind == "steps":
            self.c = self.many(self.c, self.jx, self.jy, n)
        else:
            count = min(n * self.work.batch, self.work.rows)
            self.c = self.some(self.c, self.jx, self.jy, self.jorder[:count])
        self.jax.block_until_ready(self.c)

    def parameters(self) -> list[np.ndarray]:
        found = [np.array(a) for pair in self.c[0] for a in pair]
        return [a[0] for a in found] if self.work.networks > 1 else found

    def predict(self) -> np.ndarray:
        return np.asarray(self.net(self.c[0], self.jx))

    def rows(self) -> np.ndarray:
        found = self.jax.block_until_ready(self.own(self.c[0], self.jx, self.jy))
        return np.asarray(found[0][0]).reshape(len(self.x), -1)


class Sklearn(Side):
    """scikit-learn's multi-layer perceptron; its weights begin elsewhere, so they are not compared."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        kind = MLPRegressor if work.cost == "mse" else MLPClassifier
        self.net = kind(hidden_layer_sizes=work.sizes[1:-1], solver=work.rule, alpha=0.0, random_state=0,
                        batch_size=min(work.batch, work.rows), learning_rate_init=work.rate)  # fmt: skip
        self.classes = {} if work.cost == "mse" else {"classes": np.arange(work.sizes[-1])}
        self.epoch() if work.kind != "predict" else self.net.partial_fit(self.x[:1000], self.y[:1000].ravel())

    def epoch(self) -> None:
        self.net.partial_fit(self.x, self.y.ravel(), **self.classes)

    def predict(self) -> np.ndarray:
        return self.net.predict(self.x)


class Numpy(Side):
    """NumPy, as Backhand uses it where no compiler is at hand."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        from backhand.engine.dense import DenseLayer, DensePlan
        from backhand.engine.dense_numpy import NumpyNet

        layers = (*(DenseLayer(n, "relu") for n in work.sizes[1:-1]), DenseLayer(work.sizes[-1]))
        self.net = NumpyNet(DensePlan(work.sizes[0], layers, work.cost, rule=work.rule, rate=work.rate))
        self.net.put(self.start)

    def steps(self, n: int) -> None:
        for rows in self.batches(n):
            self.net.train(self.x, self.y, batch=len(rows), order=rows)

    def parameters(self) -> list[np.ndarray]:
        return [a for pair in self.net.get() for a in pair]

    def predict(self) -> np.ndarray:
        return self.net.predict(self.x)


SIDES = {
    "backhand": Backhand, "numpy": Numpy, "torch eager": Torch, "torch fused": TorchFused,
    "torch compiled": TorchCompiled, "torch whole step": TorchWhole, "micrograd": Micrograd, "jax": Jax,
    "scikit-learn": Sklearn,
}  # fmt: skip
