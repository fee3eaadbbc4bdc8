"""Update rules as data: each line is a formula in letters, worked by the engine and printed by the explainer.

Every rule is taken at the old weights: g is the gradient before the update, and all parameters change
together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..notation.expr import Expr, Ref, call, div, mul, power

W, G, V, S, M, T = Ref("w"), Ref("g"), Ref("v"), Ref("s"), Ref("m"), Ref("t")
ETA, MU, EPS, RHO = Ref("η"), Ref("μ"), Ref("ε"), Ref("ρ")
BETA1, BETA2, LAMBDA = Ref("β1"), Ref("β2"), Ref("λ")
M_HAT, S_HAT = Ref("m̂"), Ref("ŝ")


@dataclass(frozen=True)
class Rule:
    """One update rule.

    Attributes:
        settings: names and defaults of its numbers, in the order in which a sheet writes them.
        state: which quantities each parameter keeps from step to step, 0 at first.
        lines: (what changes, its formula), in the order of work; later lines see what earlier ones gave.
        source: where the formula was published.
    """

    name: str
    settings: tuple[tuple[str, float], ...]
    state: tuple[str, ...]
    lines: tuple[tuple[str, Expr], ...]
    source: str
    counts: bool = False  # whether it needs t, the number of updates so far


_DOWN = ("w", W - ETA * G)
_MOMENTS = (
    ("m", BETA1 * M + (1.0 - BETA1) * G),
    ("s", BETA2 * S + (1.0 - BETA2) * power(G, 2)),
    ("m̂", div(M, 1.0 - power(BETA1, T))),
    ("ŝ", div(S, 1.0 - power(BETA2, T))),
)
_BY_ROOT = ("w", W - div(ETA * G, call("sqrt", S) + EPS))
_ADAM_STEP = div(mul(ETA, M_HAT), call("sqrt", S_HAT) + EPS)
_ADAM = (("β1", 0.9), ("β2", 0.999), ("ε", 1e-8))

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.name: rule
        for rule in (
            Rule("sgd", (), (), (_DOWN,), "Cauchy 1847; Robbins & Monro 1951"),
            Rule("momentum", (("μ", 0.9),), ("v",), (("v", MU * V - ETA * G), ("w", W + V)), "Polyak 1964"),
            Rule(
                "nesterov", (("μ", 0.9),), ("v",), (("v", MU * V - ETA * G), ("w", W + MU * V - ETA * G)),
                "Nesterov 1983, in the form of Sutskever et al. 2013 and Bengio et al. 2013",
            ),
            Rule(
                "adagrad", (("ε", 1e-10),), ("s",), (("s", S + power(G, 2)), _BY_ROOT),
                "Duchi, Hazan & Singer 2011",
            ),
            Rule(
                "rmsprop", (("ρ", 0.9), ("ε", 1e-8)), ("s",),
                (("s", RHO * S + (1.0 - RHO) * power(G, 2)), _BY_ROOT),
                "Tieleman & Hinton 2012",
            ),
            Rule("adam", _ADAM, ("m", "s"), (*_MOMENTS, ("w", W - _ADAM_STEP)), "Kingma & Ba 2015", True),
            Rule(
                "adamw", (("λ", 0.01), *_ADAM), ("m", "s"),
                (*_MOMENTS, ("w", W - _ADAM_STEP - ETA * LAMBDA * W)), "Loshchilov & Hutter 2019",
                True,
            ),
        )
    }
)  # fmt: skip
