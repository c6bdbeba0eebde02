"""The loops of maxima against their meaning in Python: windows of two by two have one of their own."""

import numpy as np
import pytest

from rushlight.kernels import load
from rushlight.ops import pool

kernels = load("pool")
pytestmark = pytest.mark.skipif(kernels is None, reason="not compiled")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [2, 3, 7, 8, 9, 15, 16, 18, 31, 33])
@pytest.mark.parametrize("lead", [(3, 2, 5), (1, 2, 3, 4)], ids=["planes", "volumes"])
def test_pairs(lead, width, dtype):
    x = np.random.default_rng(width).integers(-3, 4, (*lead, width)).astype(dtype)  # many are equal
    x[x == 3] = np.nan
    x[0, 0, 0] = -np.inf
    kernel = (2, 2) if len(lead) == 3 else (1, 2, 2)
    size = tuple(n // k for n, k in zip(x.shape[2:], kernel))
    ones, zeros = (1,) * len(kernel), (0,) * len(kernel)
    window = {"kernel": kernel, "stride": kernel, "padding": zeros, "dilation": ones, "size": size}
    values, indices = pool.max_pool2d.forward(x, **window)
    found, at = kernels.max_pool(x, **window)
    assert np.array_equal(found, values, equal_nan=True) and np.array_equal(at, indices)
    assert np.array_equal(kernels.max_pool_values(x, **window), values, equal_nan=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [(3, 3), (5, 7), (19, 23)], ids=str)
@pytest.mark.parametrize("stride", [1, 2])
def test_windows_that_overlap(family, size, stride, dtype):
    x = np.random.default_rng(size[1]).integers(-3, 4, (2, 3, *size)).astype(dtype)
    x[x == 3] = np.nan
    x[0, 0] = -np.inf
    out = tuple((n - 1) // stride + 1 for n in size)
    window = {"kernel": (3, 3), "stride": (stride,) * 2, "padding": (1, 1), "dilation": (1, 1), "size": out}
    values, indices = pool.max_pool2d.forward(x, **window)
    found, at = kernels.max_pool(x, **window)
    assert np.array_equal(found, values, equal_nan=True) and np.array_equal(at, indices)
