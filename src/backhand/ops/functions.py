"""Functions and activations. One entry each: value, derivative, both in letters, source.

To add an activation, add an entry here; tests/test_vocabulary.py then asks by name for what is missing.
"""

from __future__ import annotations

import math

import numpy as np

from ..notation.expr import ONE, ZERO, Call, Expr, Num, Ref, call, div, mul, power
from .arithmetic import align, each, in_order
from .entry import A, Array, Op, X, prime


def _cases(value: Expr, test: Expr, otherwise: Expr) -> Expr:
    return Call("cases", (value, test, otherwise))


def _sigmoid(x: float) -> float:
    """1/(1 + e^-x) in the form that cannot overflow: e^x/(1 + e^x) for negative x."""
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    grown = math.exp(x)
    return grown / (1 + grown)


def _sigmoid_slope(x: float) -> float:
    s = _sigmoid(x)
    return s * (1 - s)


def _tanh_slope(x: float) -> float:
    t = math.tanh(x)
    return 1 - t * t


def _softplus(x: float) -> float:
    """log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), which cannot overflow."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _log(x: float) -> float:
    return math.log(x) if x else -math.inf


def _normal_cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))  # 1 + erf would lose the small numbers of the left tail


def _gelu(x: float) -> float:
    return x * _normal_cdf(x)


def _gelu_slope(x: float) -> float:
    return _normal_cdf(x) + x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _silu(x: float) -> float:
    return x * _sigmoid(x)


def _silu_slope(x: float) -> float:
    s = _sigmoid(x)
    return s * (1 + x * (1 - s))


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def _selu(x: float) -> float:
    return SELU_SCALE * x if x > 0 else SELU_SCALE * (SELU_ALPHA * math.expm1(x))


def _selu_slope(x: float) -> float:
    return SELU_SCALE if x > 0 else SELU_SCALE * (SELU_ALPHA * math.exp(x))


def _expm1(x: Array) -> Array:
    return each(math.expm1)(np.minimum(x, 0))


def _leaky(x: Array, a: Array) -> Array:
    x, a = align(x, a)
    return np.where(x > 0, x, a * x)


def _leaky_slope(x: Array, a: Array) -> Array:
    x, a = align(x, a)
    return np.where(x > 0, 1.0, a)


def _leaky_slope_a(x: Array, a: Array) -> Array:
    x, a = np.broadcast_arrays(*align(x, a))
    return np.where(x > 0, 0.0, x)


def _elu(x: Array, a: Array) -> Array:
    x, a = align(x, a)
    return np.where(x > 0, x, a * _expm1(x))


def _elu_slope(x: Array, a: Array) -> Array:
    x, a = align(x, a)
    return np.asarray(np.where(x > 0, 1.0, a * each(math.exp)(np.minimum(x, 0))))


def _elu_slope_a(x: Array, a: Array) -> Array:
    x, a = np.broadcast_arrays(*align(x, a))
    return np.where(x > 0, 0.0, _expm1(x))


def _huber(e: Array, d: Array) -> Array:
    e, d = align(e, d)
    size = np.abs(e)
    return np.asarray(np.where(size <= d, e * e / 2, d * (size - d / 2)))


def _huber_slope(e: Array, d: Array) -> Array:
    e, d = align(e, d)
    return np.where(np.abs(e) <= d, e, d * np.sign(e))


def _huber_slope_d(e: Array, d: Array) -> Array:
    e, d = align(e, d)
    size = np.abs(e)
    return np.where(size <= d, 0.0, size - d)


def softmax(z: Array) -> Array:
    """e^z_j / Σ e^z_k, worked as e^(z_j - max z) / Σ e^(z_k - max z), which cannot overflow."""
    raised = each(math.exp)(z - z.max(axis=1, keepdims=True))
    return np.asarray(raised / in_order(raised, 1)[:, None])


def logsumexp(z: Array) -> Array:
    """log Σ e^z_k = max z + log Σ e^(z_k - max z)."""
    top = z.max(axis=1)
    return np.asarray(top + each(math.log)(in_order(each(math.exp)(z - top[:, None]), 1)))


_EXP, _DOWN = call("exp", X), call("exp", -X)
_SIG, _PHI, _ROOT, _SIZE = call("sigmoid", X), call("normal_cdf", X, shown="Φ"), call("sqrt", X), call("abs", X)
_POSITIVE, _SMALL = call("gt", X, 0.0), call("le", call("abs", X), A)
_CHAR = div(1.0, 1.0 + _DOWN)


def _constant(args: tuple[Expr, ...], k: int) -> Expr:
    return ONE


ACTIVATIONS = (
    Op("linear", lambda x: x, _constant, (), X, (ONE,), latex="\\operatorname{linear}", activation=True,
       summary="z itself", source="the identity"),
    Op("sigmoid", each(_sigmoid), prime("sigmoid"), (each(_sigmoid_slope),), _CHAR, (_SIG * (1.0 - _SIG),),
       latex="\\sigma", activation=True, summary="the logistic function σ",
       source="Rumelhart, Hinton & Williams 1986"),
    Op("relu", lambda x: np.where(x <= 0, 0.0, x), prime("relu"), (lambda x: np.where(x > 0, 1.0, 0.0),),
       call("max", X, 0.0), (_cases(ONE, _POSITIVE, ZERO),), latex="\\operatorname{ReLU}", activation=True,
       summary="max(z, 0); its derivative at 0 is taken as 0",
       source="Nair & Hinton 2010; ReLU'(0) = 0 by convention"),
    Op("leaky", _leaky, prime("leaky"), (_leaky_slope, _leaky_slope_a), _cases(X, _POSITIVE, A * X),
       (_cases(ONE, _POSITIVE, A), _cases(ZERO, _POSITIVE, X)), (2, 2),
       latex="\\operatorname{leaky}", activation=True, letters=("x", "a"),
       summary="z, or a·z where z is not above 0; at 0 the left slope a", source="Maas, Hannun & Ng 2013"),
    Op("elu", _elu, prime("elu"), (_elu_slope, _elu_slope_a), _cases(X, _POSITIVE, A * (_EXP - 1.0)),
       (_cases(ONE, _POSITIVE, A * _EXP), _cases(ZERO, _POSITIVE, _EXP - 1.0)), (2, 2),
       latex="\\operatorname{elu}", activation=True, letters=("x", "a"),
       summary="z, or a·(e^z - 1) where z is not above 0", source="Clevert, Unterthiner & Hochreiter 2016"),
    Op("selu", each(_selu), prime("selu"), (each(_selu_slope),),
       _cases(SELU_SCALE * X, _POSITIVE, Num(SELU_SCALE) * (SELU_ALPHA * (_EXP - 1.0))),
       (_cases(Num(SELU_SCALE), _POSITIVE, Num(SELU_SCALE) * (SELU_ALPHA * _EXP)),),
       latex="\\operatorname{selu}", activation=True, summary="the self-normalising elu",
       source="Klambauer et al. 2017, λ = 1.0507…, α = 1.6732…"),
    Op("gelu", each(_gelu), prime("gelu"), (each(_gelu_slope),), X * _PHI,
       (_PHI + div(mul(X, call("exp", -div(power(X, 2), 2.0))), call("sqrt", mul(2.0, Ref("π")))),),
       latex="\\operatorname{gelu}", activation=True, summary="z·Φ(z), with the exact normal distribution Φ",
       source="Hendrycks & Gimpel 2016 (the exact form, not the tanh one)"),
    Op("silu", each(_silu), prime("silu"), (each(_silu_slope),), X * _SIG, (_SIG * (1.0 + X * (1.0 - _SIG)),),
       latex="\\operatorname{silu}", activation=True, summary="z·σ(z), also called swish",
       source="Elfwing, Uchibe & Doya 2018"),
    Op("tanh", each(math.tanh), prime("tanh"), (each(_tanh_slope),), div(_EXP - _DOWN, _EXP + _DOWN),
       (1.0 - power(call("tanh", X), 2),), latex="\\tanh", activation=True, summary="the hyperbolic tangent",
       source="LeCun et al. 1998"),
    Op("softplus", each(_softplus), prime("softplus"), (each(_sigmoid),), call("log", 1.0 + _EXP), (_SIG,),
       latex="\\operatorname{softplus}", activation=True, summary="log(1 + e^z)", source="Dugas et al. 2001"),
    Op("step", lambda x: np.heaviside(x, 0.0), prime("step"), (np.zeros_like,),
       _cases(ONE, _POSITIVE, ZERO), (ZERO,), latex="\\operatorname{step}", activation=True,
       summary="a threshold logic unit: 1 above 0, else 0; its derivative is 0 everywhere: it cannot learn",
       source="McCulloch & Pitts 1943; step' = 0 by convention"),
    Op("softmax", softmax, None, formula=div(_EXP, call("total", _EXP)), latex="\\operatorname{softmax}",
       activation=True, structural=True, summary="e^z_j divided by the sum of all e^z_k",
       source="Bridle 1990; worked with max z taken off first"),
)  # fmt: skip

FUNCTIONS = (
    Op("exp", each(math.exp), lambda args, k: call("exp", *args), (), _EXP, (_EXP,), latex="\\exp",
       summary="e to the power x"),
    Op("log", each(_log), lambda args, k: div(1.0, args[0]), (), call("log", X), (div(1.0, X),),
       latex="\\log", summary="the natural logarithm"),
    Op("sqrt", each(math.sqrt), lambda args, k: div(1.0, mul(2.0, call("sqrt", *args))), (), _ROOT,
       (div(1.0, 2.0 * _ROOT),), latex="\\operatorname{sqrt}", summary="the square root"),
    Op("abs", np.abs, prime("abs"), (np.sign,), _SIZE,
       (Call("cases", (ONE, _POSITIVE, Num(-1.0), call("lt", X, 0.0), ZERO)),),
       latex="\\operatorname{abs}", summary="the size; its derivative at 0 is taken as 0"),
    Op("logsumexp", logsumexp, None, structural=True, written=False, formula=call("log", call("total", _EXP)),
       latex="\\operatorname{logsumexp}", summary="log Σ e^z_k, worked with max z taken off first"),
    Op("huber_of", _huber, prime("huber_of"), (_huber_slope, _huber_slope_d),
       _cases(div(power(X, 2), 2.0), _SMALL, A * (_SIZE - div(A, 2.0))),
       (_cases(X, _SMALL, A * div(X, _SIZE)), _cases(ZERO, _SMALL, _SIZE - A)), (2, 2),
       latex="\\operatorname{huber}", letters=("x", "a"), written=False,
       summary="x²/2 up to |x| = a, then a·(|x| - a/2)", source="Huber 1964"),
    Op("normal_cdf", each(_normal_cdf), None, formula=None, written=False, latex="\\Phi",
       summary="the normal distribution function Φ"),
)  # fmt: skip
