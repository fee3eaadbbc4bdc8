"""The vocabulary is complete, and its numbers are those of its letters, of sympy, mpmath and differences.

To add an activation, add an entry in ops/ and its exact form to EXACT below; the tests say by name what is
missing.
"""

import math

import mpmath
import numpy as np
import pytest
import sympy
from mpmath import mpf

from backhand.network.derive import entry, entry_partial, indices, pull
from backhand.notation.expr import Arr, Call, Num, Partial, Ref, call, names
from backhand.notation.latex import LatexPrinter
from backhand.notation.text import PLAIN, SHEET_TEXT
from backhand.ops.evaluate import evaluate
from backhand.ops.vocabulary import ACTIVATION_NAMES, FUNCTION_NAMES, LATEX, VOCABULARY

WRITTEN = sorted({*ACTIVATION_NAMES, *FUNCTION_NAMES})
EVERY = sorted({*WRITTEN, "huber_of"})
ENTRYWISE = [name for name in EVERY if not VOCABULARY[name].structural]
SCALE, ALPHA = mpf("1.0507009873554805"), mpf("1.6732632423543772")

# The values, written again from the literature, for mpmath.
EXACT = {
    "linear": lambda x: x,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "relu": lambda x: x if x > 0 else mpf(0),
    "leaky": lambda x, a: x if x > 0 else a * x,
    "elu": lambda x, a: x if x > 0 else a * mpmath.expm1(x),
    "selu": lambda x: SCALE * (x if x > 0 else ALPHA * mpmath.expm1(x)),
    "gelu": lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "tanh": mpmath.tanh,
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "step": lambda x: mpf(x > 0),
    "exp": mpmath.exp,
    "log": mpmath.log,
    "sqrt": mpmath.sqrt,
    "abs": abs,
    "max": max,
    "min": min,
    "huber_of": lambda x, a: x**2 / 2 if abs(x) <= a else a * (abs(x) - a / 2),
}
MIDDLE = [-3.0, -1.5, -0.7, -0.1, 1e-3, 0.2, 0.8, 1.0, 1.7, 3.0, 6.5]
LARGE = [-1000.0, -745.2, -700.0, -80.0, -37.5, -20.0, 20.0, 37.5, 80.0, 700.0, 745.2, 1000.0]
POSITIVE = [1e-300, 1e-9, 0.3, 1.0, 2.5, 80.0, 1e9, 1e300]
OTHERS = {  # the second arguments to try
    "leaky": [0.01, 0.3, -0.5],
    "elu": [1.0, 0.3],
    "huber_of": [0.5, 2.0],
    "max": [0.25, -9.0],
    "min": [0.25, -9.0],
}


def points(name, large=True):
    """Arguments to try; none of them on a kink."""
    if name in ("log", "sqrt"):
        first = POSITIVE if large else [0.3, 1.0, 2.5, 80.0]
    elif name == "exp":
        first = MIDDLE + ([-1000.0, -745.0, -700.0, 80.0, 700.0, 709.0] if large else [])
    else:
        first = MIDDLE + (LARGE if large else [])
    return [(x, *rest) for x in first for rest in ([(a,) for a in OTHERS[name]] if name in OTHERS else [()])]


def letters(name):
    return VOCABULARY[name].letters


def number(expr, **known):
    """The value of a formula at numbers for its letters."""
    with np.errstate(all="ignore"):
        return float(evaluate(expr, lambda ref: np.array([{"π": math.pi, **known}[ref.name]]))[0])


def value(name, args):
    return float(VOCABULARY[name].value(*(np.array([float(a)]) for a in args))[0])


def slope(name, args, k=0):
    """The derivative by the k-th argument, as the engine works it."""
    refs = tuple(Ref(letter) for letter in letters(name))
    partial = VOCABULARY[name].partial(refs, k)
    return number(partial, **dict(zip(letters(name), map(float, args), strict=True)))


def exact_slope(name, args, k):
    """By mpmath's difference with 90 digits; the step is far smaller than the way to any kink."""
    with mpmath.workdps(90):
        args = [mpf(a) for a in args]
        step = abs(args[k]) * mpf(10) ** -25
        return mpmath.diff(lambda v: EXACT[name](*args[:k], v, *args[k + 1 :]), args[k], h=step)


def close(ours, exact, absolute=2e-16, relative=4e-15):
    return math.isfinite(ours) and abs(mpf(ours) - exact) <= absolute + relative * abs(exact)


# --- complete ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITTEN)
def test_every_function_says_all_that_is_asked(name):
    """Fails by name until summary, formula, derivative, LaTeX and source are there."""
    op = VOCABULARY[name]
    missing = [f for f in ("summary", "formula", "latex") if not getattr(op, f)]
    if op.activation and not op.source:
        missing.append("source")
    if not op.structural and len(op.derivative) != len(op.letters):
        missing.append(f"derivative: {len(op.letters)} in letters, one for each argument")
    if not op.structural and op.partial is None:
        missing.append("partial")
    if name not in EXACT and not op.structural:
        missing.append("an entry in EXACT of this test")
    assert not missing, f"`{name}` in ops/ lacks {missing}"
    assert set(names(op.formula)) <= set(op.letters)
    for derivative in op.derivative:
        assert set(names(derivative)) <= {*op.letters, "π"}
    least, most = op.arguments
    assert least <= len(op.letters) <= most


def test_activations_are_marked_and_can_be_written():
    assert {op.name for op in VOCABULARY.values() if op.activation} == set(ACTIVATION_NAMES)
    assert set(ACTIVATION_NAMES) <= set(FUNCTION_NAMES)


@pytest.mark.parametrize("name", sorted(VOCABULARY))
def test_every_entry_has_a_summary_of_one_line(name):
    op = VOCABULARY[name]
    assert op.name == name
    assert op.summary
    assert "\n" not in op.summary + op.source


@pytest.mark.parametrize("name", WRITTEN)
def test_every_function_prints(name):
    op = VOCABULARY[name]
    latex = LatexPrinter(functions=LATEX)
    refs = tuple(Ref(f"z{i}") for i in range(1, len(op.letters) + 1))
    shown = [op.formula, *op.derivative, Call(name, refs)]
    if op.slope:
        shown += [Call(name, refs, prime=k + 1) for k in range(len(refs))]
    for expr in shown:
        for text in (PLAIN(expr), SHEET_TEXT(expr), latex(expr)):
            assert text
            assert not any(odd in text for odd in ("Call(", "Ref(", "None", "Num("))
        assert latex(expr).count("{") == latex(expr).count("}")
        assert latex(expr).count("\\left") == latex(expr).count("\\right")
    assert name in PLAIN(Call(name, refs))
    if op.slope:
        assert f"{name}'(" in PLAIN(Call(name, refs, prime=1))
    unusual = {"sqrt": "\\sqrt{", "abs": "\\left|", "exp": "e^{"}
    assert unusual.get(name, op.latex) in latex(Call(name, refs))


# --- right ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ENTRYWISE)
def test_values_are_exact(name):
    """Against mpmath, from -1000 to 1000: no overflow, and the digits of small values are kept."""
    for args in points(name):
        with mpmath.workdps(60):
            exact = EXACT[name](*map(mpf, args))
        ours = value(name, args)
        lost = 1e-12 if name == "gelu" else 4e-15  # e^(-x²/2) is sensitive to the last digit of x
        assert close(ours, exact, 1e-300, lost), f"{name}{args} = {ours}, exactly {mpmath.nstr(exact, 17)}"


@pytest.mark.parametrize("name", ENTRYWISE)
def test_derivatives_are_exact(name):
    for args in points(name):
        for k in range(len(args)):
            ours, exact = slope(name, args, k), exact_slope(name, args, k)
            # s(1 - s) and its like lose digits only where they are next to nothing
            assert close(ours, exact, absolute=3e-16), f"{name}'{args} by argument {k + 1} = {ours}, {exact}"


@pytest.mark.parametrize("name", ENTRYWISE)
def test_derivatives_agree_with_central_differences(name):
    for args in points(name, large=False):
        for k in range(len(args)):
            h = 1e-5 * max(1.0, abs(args[k]))
            up, down = ([*args[:k], args[k] + by, *args[k + 1 :]] for by in (h, -h))
            difference = (value(name, up) - value(name, down)) / (2 * h)
            assert math.isclose(slope(name, args, k), difference, rel_tol=1e-6, abs_tol=1e-8), (name, args, k)


@pytest.mark.parametrize("name", ENTRYWISE)
def test_letters_and_numbers_agree(name):
    """Formula and derivative in letters, worked as they are printed, give the numbers of the engine."""
    op = VOCABULARY[name]
    for args in points(name, large=False):
        known = dict(zip(op.letters, args, strict=True))
        assert math.isclose(number(op.formula, **known), value(name, args), rel_tol=1e-12, abs_tol=1e-15)
        for k, derivative in enumerate(op.derivative):
            worked = number(derivative, **known)
            assert math.isclose(worked, slope(name, args, k), rel_tol=1e-12, abs_tol=1e-15), (name, args, k)


SYMPY = {
    "sigmoid": "1/(1 + exp(-x))", "tanh": "tanh(x)", "softplus": "log(1 + exp(x))", "silu": "x/(1 + exp(-x))",
    "gelu": "x*(1 + erf(x/sqrt(2)))/2", "exp": "exp(x)", "log": "log(x)", "sqrt": "sqrt(x)", "linear": "x",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(SYMPY))
def test_derivatives_agree_with_sympy(name):
    """The smooth ones, with sympy's own derivative of the textbook formula."""
    x = sympy.Symbol("x")
    derived = sympy.diff(sympy.sympify(SYMPY[name], locals={"x": x}), x)
    for (at,) in points(name, large=False):
        assert math.isclose(slope(name, (at,)), float(derived.subs(x, at)), rel_tol=1e-11, abs_tol=1e-15), at


def test_selu_has_the_published_constants():
    """Klambauer et al. 2017, equation 14: the fixed point at mean 0 and variance 1."""
    with mpmath.workdps(30):
        e, pi, sqrt = mpmath.e, mpmath.pi, mpmath.sqrt
        tail, far = mpmath.erfc(1 / sqrt(2)) * sqrt(e), mpmath.erfc(sqrt(2)) * e**2
        alpha = -sqrt(2 / pi) / (tail - 1)
        scale = (1 - tail) * sqrt(2 * pi) / sqrt(2 * far + pi * tail**2 - 2 * (2 + pi) * tail + pi + 2)
    assert math.isclose(value("selu", (1.0,)), scale, rel_tol=1e-15)
    assert math.isclose(value("selu", (-1e9,)), -scale * alpha, rel_tol=1e-15)


# --- conventions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "args", "k", "expected"),
    [
        ("relu", (0.0,), 0, 0.0),
        ("relu", (-0.0,), 0, 0.0),
        ("abs", (0.0,), 0, 0.0),
        ("step", (0.0,), 0, 0.0),
        ("step", (-2.0,), 0, 0.0),
        ("step", (2.0,), 0, 0.0),
        ("leaky", (0.0, 0.1), 0, 0.1),
        ("leaky", (0.0, 0.1), 1, 0.0),
        ("elu", (0.0, 0.3), 0, 0.3),
        ("elu", (0.0, 0.3), 1, 0.0),
        ("selu", (0.0,), 0, 1.0507009873554805 * 1.6732632423543772),
        ("max", (2.0, 2.0), 0, 1.0),
        ("max", (2.0, 2.0), 1, 0.0),
        ("max", (0.0, -0.0), 0, 1.0),
        ("min", (2.0, 2.0), 0, 1.0),
        ("min", (2.0, 2.0), 1, 0.0),
        ("huber_of", (0.5, 0.5), 0, 0.5),
        ("huber_of", (-0.5, 0.5), 0, -0.5),
        ("huber_of", (0.5, 0.5), 1, 0.0),
    ],
)
def test_at_a_kink_the_convention_of_the_design_holds(name, args, k, expected):
    assert slope(name, args, k) == expected
    op = VOCABULARY[name]
    known = dict(zip(op.letters, args, strict=True))
    assert math.isclose(number(op.derivative[k], **known), expected, abs_tol=0, rel_tol=1e-15)


@pytest.mark.parametrize("name", ["relu", "step", "abs", "leaky", "elu", "selu"])
def test_at_a_kink_the_value_is_0(name):
    rest = (0.3,) * (len(letters(name)) - 1)
    assert value(name, (0.0, *rest)) == value(name, (-0.0, *rest)) == 0.0


@pytest.mark.parametrize("name", ["max", "min"])
def test_of_several_equal_arguments_the_first_is_taken(name):
    entry = VOCABULARY[name]
    best, other = (3.0, 1.0) if name == "max" else (1.0, 3.0)
    args = [np.array([v]) for v in (other, best, best, other, best)]
    assert entry.value(*args)[0] == best
    assert [entry.slope[k](*args)[0] for k in range(5)] == [0, 1, 0, 0, 0]


@pytest.mark.parametrize("name", sorted({*WRITTEN} - {"softmax", "max", "min"}))
def test_no_function_makes_a_number_of_what_is_none(name):
    """NaN stays NaN, so that the log of a negative number cannot hide behind relu(log(x)).

    What is hidden by max, by a softmax or by a division the engine finds: tests/test_engine.py.
    """
    assert math.isnan(value(name, (math.nan, *([0.3] * (len(letters(name)) - 1)))))


@pytest.mark.parametrize("name", ENTRYWISE)
def test_vectors_and_numbers_go_together(name):
    """(rows, n) with (rows,): each row's number goes with every entry of that row, and so do the slopes."""
    op = VOCABULARY[name]
    x = np.array([[0.5, 1.5, 2.5], [0.2, 0.4, 3.0]])
    rest = [np.array([0.3, 1.1])] * (len(op.letters) - 1)
    functions = [op.value, *op.slope[: len(op.letters)]]
    for function in functions:
        found = function(x, *rest)
        assert found.shape == x.shape
        for r, c in np.ndindex(*x.shape):
            assert found[r, c] == function(x[r : r + 1, c], *(a[r : r + 1] for a in rest))[0]


@pytest.mark.parametrize(
    ("op", "args", "expected"),
    [
        ("pow", (0.0, 0.0), 1.0),
        ("pow", (-8.0, 3.0), -512.0),
        ("pow", (-2.0, -2.0), 0.25),
        ("pow", (0.0, -1.0), math.inf),
        ("pow", (10.0, 400.0), math.inf),
        ("pow", (-8.0, 1 / 3), math.nan),
        ("div", (1.0, 0.0), math.inf),
        ("log", (0.0,), -math.inf),
        ("log", (-1.0,), math.nan),
        ("sqrt", (-1.0,), math.nan),
        ("exp", (710.0,), math.inf),
        ("exp", (-1e308,), 0.0),
    ],
)
def test_where_there_is_no_number(op, args, expected):
    with np.errstate(all="ignore"):
        found = value(op, args)
    assert found == expected or (math.isnan(found) and math.isnan(expected))


# --- arithmetic: derivatives in letters -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "args", "expected"),
    [
        ("add", (2.0, 3.0, 5.0), (1, 1, 1)),
        ("neg", (2.0,), (-1,)),
        ("mul", (2.0, 3.0, 5.0), (15, 10, 6)),
        ("hadamard", (2.0, 3.0), (3, 2)),
        ("div", (2.0, 8.0), (1 / 8, -2 / 64)),
        ("pow", (2.0, 3.0), (12, 8 * math.log(2))),
        ("pow", (4.0, 0.5), (0.25, 2 * math.log(4))),
        ("pow", (0.5, -2.0), (-16, 4 * math.log(0.5))),
        ("gt", (2.0, 3.0), (0, 0)),
    ],
)
def test_arithmetic(op, args, expected):
    refs = tuple(Ref(f"x{i}") for i in range(len(args)))
    known = {r.name: v for r, v in zip(refs, args, strict=True)}
    worked = [number(VOCABULARY[op].partial(refs, k), **known) for k in range(len(args))]
    assert worked == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0])
def test_whole_powers_have_a_slope_at_0(exponent):
    partial = VOCABULARY["pow"].partial((Ref("x"), Num(exponent)), 0)
    assert number(partial, x=0.0) == (1.0 if exponent == 1 else 0.0)


# --- softmax, logsumexp and the other operations of vectors -----------------------------------------------

VECTORS = [
    [0.3, -1.2, 0.8],
    [1.0, 1.0],
    [2.5],
    [1000.0, 0.0, -1000.0],
    [-1000.0, -1001.0, -1002.0],
    [700.0, 710.0, 1e8],
    [745.0, -745.0],
]


def exact_softmax(z):
    grown = [mpmath.exp(mpf(v) - mpf(max(z))) for v in z]
    return [g / sum(grown) for g in grown]


def numbers_at(z):
    return lambda leaf: np.array([z])


@pytest.mark.parametrize("z", VECTORS, ids=str)
def test_softmax_and_logsumexp(z):
    array = np.array([z, z[::-1]])
    p, total = VOCABULARY["softmax"].value(array), VOCABULARY["logsumexp"].value(array)
    with mpmath.workdps(40):
        exact = exact_softmax(z)
        log_sum = mpf(max(z)) + mpmath.log(sum(mpmath.exp(mpf(v) - mpf(max(z))) for v in z))
    assert all(close(ours, theirs, 1e-300) for ours, theirs in zip(p[0], exact, strict=True))
    assert all(close(ours, theirs, 1e-300) for ours, theirs in zip(p[1], exact[::-1], strict=True))
    assert close(total[0], log_sum)
    assert close(total[1], log_sum)


@pytest.mark.parametrize("z", VECTORS, ids=str)
def test_the_jacobians_of_softmax_and_logsumexp(z):
    """∂p_j/∂z_k = p_j(δ_jk - p_k) and ∂logsumexp/∂z_k = p_k, entry by entry and all at once."""
    n = len(z)

    def shapes(name):
        return () if name == "s" else (n,)

    with mpmath.workdps(40):
        p = exact_softmax(z)
        jacobian = [[p[j] * ((j == k) - p[k]) for k in range(n)] for j in range(n)]
    soft, log_sum = call("softmax", Ref("z")), call("logsumexp", Ref("z"))
    for k in range(n):
        ours = float(evaluate(entry_partial(log_sum, (), "z", (k + 1,), shapes), numbers_at(z))[0])
        assert close(ours, p[k])
        for j in range(n):
            partial = entry_partial(soft, (j + 1,), "z", (k + 1,), shapes)
            ours = float(evaluate(partial, numbers_at(z))[0])
            assert close(ours, jacobian[j][k]), (j, k, ours, jacobian[j][k])
    for j in range(n):
        seed = Arr(np.eye(n)[j])
        row = evaluate(pull(soft, seed, shapes)[Ref("z")], numbers_at(z))[0]
        assert all(close(ours, exact) for ours, exact in zip(row, jacobian[j], strict=True))
    row = evaluate(pull(log_sum, Num(1.0), shapes)[Ref("z")], numbers_at(z))[0]
    assert all(close(ours, exact) for ours, exact in zip(row, p, strict=True))


SIZES = {"A": (2, 3), "B": (3, 2), "u": (3,), "v": (2,), "s": (), "o": (1,), "P": (3, 1)}
GENERATOR = np.random.default_rng(3)
GIVEN = {name: GENERATOR.normal(size=(2, *shape)) for name, shape in SIZES.items()}


def product(left, right):
    return Call("matmul", (Ref(left), Ref(right)))


def worked(formula, given):
    """The formula's value; a looked-up partial stands in `given` under its own text."""
    return evaluate(formula, lambda leaf: given["∂C/∂y" if isinstance(leaf, Partial) else leaf.name])


def moved_by(formula, name, at, h=1e-5):
    """∂(every entry of the formula)/∂(one entry), by central differences."""
    up, down = ({**GIVEN, name: GIVEN[name].copy()} for _ in range(2))
    up[name][at] += h
    down[name][at] -= h
    return (worked(formula, up) - worked(formula, down)) / (2 * h)


@pytest.mark.parametrize(
    ("formula", "shape"),
    [
        (product("A", "u"), (2,)),
        (product("v", "A"), (3,)),
        (product("u", "u"), ()),
        (product("A", "B"), (2, 2)),
        (product("P", "s"), (3,)),
        (product("o", "s"), ()),
        (product("P", "o"), (3,)),
        (Call("stack", (Ref("u"), product("v", "A"))), (2, 3)),
        (Call("stack", (Ref("s"), Ref("u", (2,)), Ref("A", (1, 3)))), (3,)),
        (Call("total", (Call("mul", (Ref("A"), Ref("s"), Ref("A"))),)), ()),
        (call("tanh", product("A", "u")), (2,)),
        (call("max", Ref("u"), Ref("s"), Ref("A", (2,))), (3,)),
        (call("softmax", Call("add", (Ref("u"), Ref("s"), Ref("u")))), (3,)),
        (Call("matmul", (Ref("A", (2,)), Ref("u"))), ()),
    ],
    ids=lambda part: PLAIN(part) if isinstance(part, Call) else "x".join(map(str, part)),
)
def test_pulling_back_is_the_transposed_jacobian(formula, shape):
    """For operations of vectors: Σ seed·∂out/∂leaf, against central differences of every entry."""

    rows = 2
    assert worked(formula, GIVEN).shape == (rows, *shape)
    seed = np.random.default_rng(4).normal(size=(rows, *shape))
    sizes = {**SIZES, "y": shape}
    received = {name: np.zeros((rows, *size)) for name, size in SIZES.items()}
    for ref, expr in pull(formula, Partial(Ref("C"), Ref("y")), sizes.get).items():
        place = (slice(None), *(i - 1 for i in ref.index))
        share = worked(expr, {**GIVEN, "∂C/∂y": seed})
        there = received[ref.name][place]
        there += share.reshape(share.shape + (1,) * (there.ndim - share.ndim))  # a number goes with every entry
    for name, size in SIZES.items():
        for index in indices(size):
            at = (slice(None), *(i - 1 for i in index))
            moved = moved_by(formula, name, at)
            expected = (seed * moved).reshape(rows, -1).sum(1)
            assert np.allclose(received[name][at], expected, rtol=1e-7, atol=1e-9), (name, index)
            for out in indices(shape):
                ours = worked(entry_partial(formula, out, name, index, SIZES.get), GIVEN)
                theirs = moved[(slice(None), *(i - 1 for i in out))]
                assert np.allclose(ours, theirs, rtol=1e-7, atol=1e-9), (out, name, index)


@pytest.mark.parametrize("formula", [product("A", "B"), call("tanh", product("v", "A")), product("P", "s")], ids=PLAIN)
def test_an_entry_written_out_is_the_same_double(formula):
    whole = worked(formula, GIVEN)
    for out in indices(whole.shape[1:]):
        written = worked(entry(formula, out, SIZES.get), GIVEN)
        assert (written == whole[(slice(None), *(i - 1 for i in out))]).all()
