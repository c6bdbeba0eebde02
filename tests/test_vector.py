"""The compiled elementary functions against exact values, in units of the last place; and what threads divide."""

import math
import os
import threading

import numpy as np
import pytest

import rushlight as rl
from rushlight import kernels

fast, formula, ufuncs, parallel = (kernels.load(name) for name in ("elementwise", "formula", "ufuncs", "parallel"))
pytestmark = pytest.mark.skipif(fast is None, reason="the kernels are not compiled")
# x86's long double has 64 bits of fraction: its functions are exact beside a double's 53.
exact_of_doubles = pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="long double is no wider than double")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.where(x > 20, x, np.log1p(np.exp(x)))


# Function, exact function, where, most units of the last place in float32 and float64 (what vector.h promises).
FUNCTIONS = [
    ("exp", np.exp, (-100, 88), 1.5),
    ("exp2", np.exp2, (-120, 120), 1.5),
    ("expm1", np.expm1, (-40, 88), 2.5),
    ("expm1", np.expm1, (-1e-3, 1e-3), 2.5),
    ("log", np.log, (1e-30, 1e30), 1.5),
    ("log", np.log, (0.5, 2), 1.5),
    ("log1p", np.log1p, (-0.999, 3), 2.5),
    ("log1p", np.log1p, (0, 1e20), 2.5),
    ("tanh", np.tanh, (-10, 10), 3.5),
    ("sigmoid", sigmoid, (-80, 80), 3.5),
    ("softplus", softplus, (-40, 40), 5),
]


def places(got, exact):
    """How many units of the last place of `got`'s dtype lie between it and the exact values, at most."""
    unit = np.spacing(np.abs(exact.astype(got.dtype))).astype(exact.dtype)
    return float(np.max(np.abs(got.astype(exact.dtype) - exact) / unit))


def drawn(low, high, dtype):
    return np.random.default_rng(0).uniform(low, high, 20011).astype(dtype)


@pytest.mark.parametrize("name, function, where, most", FUNCTIONS)
def test_float32_errors(name, function, where, most):
    x = drawn(*where, np.float32)
    assert places(getattr(fast, name)(x), function(x.astype(np.float64))) <= most


@exact_of_doubles
@pytest.mark.parametrize("name, function, where, most", FUNCTIONS)
def test_float64_errors(name, function, where, most):
    x = drawn(*where, np.float64)
    assert places(getattr(fast, name)(x), function(x.astype(np.longdouble))) <= most


@pytest.mark.parametrize("name, most", [("erf", 3), ("erfc", 7)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_error_functions(name, most, dtype):
    # The C library's are within one unit themselves.
    x = drawn(-6, 9, dtype)
    exact = np.array([getattr(math, name)(v) for v in x.tolist()])
    assert places(getattr(fast, name)(x), exact) <= most


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_powers(dtype):
    x, y = drawn(0.01, 30, dtype), drawn(-9, 9, dtype)
    exact = np.power(x.astype(np.longdouble), y.astype(np.longdouble))
    assert places(rl.pow(rl.from_numpy(x), rl.from_numpy(y)).numpy(), exact) <= 2


EDGES = [0.0, -0.0, math.inf, -math.inf, math.nan, 1e-45, -1e-45, 3e38, -3e38, 1.0, -1.0, 0.5, -2.0, 88.0, -104.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "tanh"])
def test_edges(name, dtype):
    x = np.array(EDGES, dtype)
    with np.errstate(all="ignore"):
        wanted = getattr(np, name)(x)
    got = getattr(fast, name)(x)
    np.testing.assert_allclose(got, wanted, rtol=4 * np.finfo(dtype).eps, atol=2 * np.finfo(dtype).smallest_subnormal)
    assert (np.signbit(got) == np.signbit(wanted))[~np.isnan(wanted)].all()


def test_powers_at_edges():
    x, y = np.meshgrid(np.array(EDGES, np.float32), np.array([*EDGES, 2, 3, -3, 0.5], np.float32))
    x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)
    with np.errstate(all="ignore"):
        wanted = np.power(x.astype(np.float64), y.astype(np.float64)).astype(np.float32)
    np.testing.assert_allclose(rl.pow(rl.from_numpy(x), rl.from_numpy(y)).numpy(), wanted, rtol=1e-6)


# -- quotients


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floored_quotients_are_those_of_exact_numbers(dtype):
    from fractions import Fraction

    random = np.random.default_rng(1)
    x = (random.integers(-50, 50, 3000) * random.choice([0.1, 1, 3, 1 / 3], 3000)).astype(dtype)
    y = (random.integers(1, 9, 3000) * random.choice([0.1, -1, 0.3, -1 / 3], 3000)).astype(dtype)
    wanted = [math.floor(Fraction(float(a)) / Fraction(float(b))) for a, b in zip(x, y)]
    assert formula.floored(x, y).tolist() == wanted


# -- threads


@pytest.fixture
def two_threads():
    before = parallel.threads()
    parallel.set_threads(2)
    yield
    parallel.set_threads(before)


def test_the_division_among_threads_changes_no_bit(two_threads):
    x = drawn(-5, 5, np.float32).repeat(60)
    together = [fast.exp(x), formula.elu(x, 1.0, 1.0, 1.0), ufuncs.Loop(np.sin)(x)]
    parallel.set_threads(1)
    alone = [fast.exp(x), formula.elu(x, 1.0, 1.0, 1.0), ufuncs.Loop(np.sin)(x)]
    for a, b in zip(together, alone):
        np.testing.assert_array_equal(a, b)


def test_several_callers_at_once(two_threads):
    x = np.arange(300_000, dtype=np.float64) / 3e5
    wanted, wrong = fast.exp(x), []

    def work():
        for _ in range(30):
            if not np.array_equal(fast.exp(x), wanted):
                wrong.append(1)

    callers = [threading.Thread(target=work) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_child_has_threads_of_its_own(two_threads):
    x = np.arange(300_000, dtype=np.float64) / 3e5
    wanted = fast.exp(x)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(fast.exp(x), wanted) and np.array_equal(fast.exp(x), wanted) else 1)
    assert os.waitpid(child, 0)[1] == 0


# -- NumPy's loops


@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "uint8", "float32", "complex64"])
def test_loops_of_numpy(dtype):
    x = (np.arange(100_000) % 3).astype(dtype)
    y = x[::-1].copy()
    np.testing.assert_array_equal(ufuncs.Loop(np.equal)(x, y), np.equal(x, y))
    np.testing.assert_array_equal(ufuncs.Loop(np.add)(x, y[:1].reshape(())), np.add(x, y[0]))


def test_loops_decline_what_they_do_not_take():
    loop, x = ufuncs.Loop(np.add, "d"), np.ones((4, 6))
    assert loop(x[:, ::2], x[:, ::2]) is NotImplemented
    assert loop(x, np.ones(6)) is NotImplemented
    assert loop(x.astype(np.int64), x.astype(np.int64)) is NotImplemented
    assert loop(x, 1.0) is NotImplemented


# -- in place


@pytest.mark.parametrize("operand", ["array", "number", "transposed", "itself", "shifted"])
def test_writes_in_place(operand):
    x = np.random.default_rng(2).standard_normal((40, 40))
    ours, theirs = rl.from_numpy(x.copy()), x.copy()
    if operand == "shifted":
        ours[1:].mul_(ours[:-1])
        theirs[1:] = theirs[1:] * theirs[:-1]
    else:
        of = {
            "array": lambda a: a * 0 + 2.5,
            "number": lambda a: 3.0,
            "transposed": lambda a: a.T,
            "itself": lambda a: a,
        }
        theirs = theirs * of[operand](theirs)
        ours.mul_(of[operand](ours))
    np.testing.assert_array_equal(ours.numpy(), theirs)
