import jax
import jax.numpy as jnp
import numpy as np

random = np.random.default_rng(0)
x, y = random.standard_normal((20_000, 8), dtype=np.float32), random.standard_normal((20_000, 1), dtype=np.float32)
p = [(jnp.array(random.standard_normal((k, n)) * 0.1), jnp.zeros(n)) for k, n in ((8, 64), (64, 64), (64, 1))]


def cost(p, x, y):
    for w, b in p[:-1]:
        x = jnp.maximum(x @ w + b, 0)
    return jnp.mean((x @ p[-1][0] + p[-1][1] - y) ** 2)


@jax.jit
def step(p, m, s, t, x, y):
    g, each = jax.grad(cost)(p, x, y), jax.tree_util.tree_map
    m, s = each(lambda a, b: 0.9 * a + 0.1 * b, m, g), each(lambda a, b: 0.999 * a + 0.001 * b * b, s, g)
    a, c = 1e-3 / (1 - 0.9**t), 1 / jnp.sqrt(1 - 0.999**t)
    return each(lambda w, u, v: w - a * u / (jnp.sqrt(v) * c + 1e-8), p, m, s), m, s


zeros = jax.tree_util.tree_map(jnp.zeros_like, p)
jax.block_until_ready(step(p, zeros, zeros, 1.0, x[:32], y[:32]))
