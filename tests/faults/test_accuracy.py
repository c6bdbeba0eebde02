"""Each elementwise kernel keeps to the error that docs/accuracy.md publishes for it, and to its values at the edges."""

import math
import os

import numpy as np
import pytest

import rushlight as rl
from rushlight import kernels

pytest.importorskip("scipy")
pytest.importorskip("mpmath")
errors = pytest.importorskip("benchmarks.errors")
pytestmark = pytest.mark.skipif(kernels.load("elementwise") is None, reason="the kernels are not compiled")

LONG = "NUMERICS" in os.environ
# Other processors round elsewhere, and other points are somewhat worse.
SPARE = 0.5
FUNCTIONS = {f.name: f for f in errors.functions()}
PUBLISHED = errors.published()
# What is asked of these, in either dtype.
HELD = ["exp", "log", "tanh", "sigmoid", "erf", "gelu", "silu", "softplus", "sin", "cos", "tan", "asin", "acos", "atan"]


def test_the_table_has_every_function():
    assert PUBLISHED.keys() == FUNCTIONS.keys()


@pytest.mark.parametrize("name", HELD)
def test_at_most_four_units(name):
    assert max(PUBLISHED[name]) <= 4


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_keeps_to_its_published_error(name):
    error, at = errors.error_of_singles(FUNCTIONS[name], 4096 if LONG else 262_144)
    assert error <= PUBLISHED[name][0] + SPARE, at


# Next to a zero of the function, the unit shrinks as far as the points come near.
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in ("lgamma", "digamma")])
def test_float64_keeps_to_its_published_error(name):
    error, at = errors.error_of_doubles(FUNCTIONS[name], 2000 if LONG else 60)
    assert error <= PUBLISHED[name][1] + SPARE, at


INF, NAN = math.inf, math.nan
# Values at inf, -inf and nan, and what becomes of zeros: "signed" where f(-0) is -0, or their value.
EDGES = {
    "exp": (INF, 0, 1), "exp2": (INF, 0, 1), "expm1": (INF, -1, "signed"), "log": (INF, NAN, -INF), "log2": (INF, NAN, -INF),
    "log10": (INF, NAN, -INF), "log1p": (INF, NAN, "signed"), "sqrt": (INF, NAN, "signed"), "sin": (NAN, NAN, "signed"),
    "cos": (NAN, NAN, 1), "tan": (NAN, NAN, "signed"), "asin": (NAN, NAN, "signed"), "acos": (NAN, NAN, math.pi / 2),
    "atan": (math.pi / 2, -math.pi / 2, "signed"), "sinh": (INF, -INF, "signed"), "cosh": (INF, INF, 1),
    "tanh": (1, -1, "signed"), "asinh": (INF, -INF, "signed"), "acosh": (INF, NAN, NAN), "atanh": (NAN, NAN, "signed"),
    "sigmoid": (1, 0, 0.5), "logsigmoid": (0, -INF, -math.log(2)), "softplus": (INF, 0, math.log(2)), "silu": (INF, 0, "signed"),
    "mish": (INF, 0, "signed"), "gelu": (INF, 0, "signed"), "erf": (1, -1, "signed"), "erfc": (0, 2, 1),
    "special.erfcx": (0, INF, 1), "erfinv": (NAN, NAN, "signed"), "special.ndtr": (1, 0, 0.5), "special.ndtri": (NAN, NAN, -INF),
    "lgamma": (INF, INF, INF), "special.i0": (INF, INF, 1), "special.i0e": (0, 0, 1),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", EDGES)
def test_edges(name, dtype):
    high, low, zero = EDGES[name]
    with np.errstate(all="ignore"):
        # Alone, as the rest of a vector, and among others.
        for n in (1, 3, 70):
            x = np.resize(np.array([INF, -INF, NAN, 0.0, -0.0], dtype), 5 * n)
            got = FUNCTIONS[name].ours(x)[-5:]
            wanted = [high, low, NAN, *([0, 0] if zero == "signed" else [zero, zero])]
            # log(2) is rounded, and so is the 1 of Bessel functions, of series.
            inexact = ("logsigmoid", "softplus", "special.i0", "special.i0e")
            np.testing.assert_allclose(got, np.array(wanted, dtype), rtol=np.finfo(dtype).eps if name in inexact else 0)
            if zero == "signed":
                assert np.signbit(got[3:]).tolist() == [False, True]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "name, slope",
    [("sin", 1), ("tan", 1), ("tanh", 1), ("expm1", 1), ("log1p", 1), ("asin", 1), ("atan", 1), ("sinh", 1), ("asinh", 1),
     ("erf", 2 / math.sqrt(math.pi)), ("silu", 0.5), ("gelu", 0.5), ("mish", 0.6)],
)  # fmt: skip
def test_denormal_numbers_are_not_lost(name, slope, dtype):
    least = np.finfo(dtype).smallest_subnormal
    x = np.resize(np.array([1, -1, 7, -1000, 40_000], np.float64), 80).astype(dtype) * least
    got = FUNCTIONS[name].ours(x).astype(np.longdouble)
    assert np.abs(got - slope * x.astype(np.longdouble)).max() <= 1.01 * least


def test_exponentials_end_in_denormal_numbers():
    x = np.array([-88.5, -95.0, -103.0, -104.5], np.float32)
    for name in ("exp", "sigmoid", "softplus"):
        np.testing.assert_allclose(FUNCTIONS[name].ours(x), np.exp(x.astype(np.float64)), rtol=0, atol=2.1e-45)
    assert rl.nn.functional.silu(rl.tensor([-1e4, -1e30, -math.inf])).tolist() == [0, 0, 0]
