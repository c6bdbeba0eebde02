"""The loops of two operands on arrays that broadcast or lie in other orders of memory, beside NumPy's."""

import numpy as np
import pytest

import rushlight as rl

elementwise = pytest.importorskip("rushlight.kernels.elementwise")

SIZES = [(1,), (7,), (70, 130), (3, 1, 90), (2, 3, 5, 4), (130, 1, 70, 2), (2, 70000), (300, 257)]


def arranged(random, shape, dtype):
    """An array of that shape, some of its axes repeated or left out, in any order of memory, with gaps or none."""
    sizes = [n if random.random() < 0.7 else 1 for n in shape]
    sizes = sizes[random.integers(0, len(sizes) + 1) if random.random() < 0.3 else 0 :]
    order = random.permutation(len(sizes)) if random.random() < 0.5 else np.arange(len(sizes))
    step = random.integers(1, 3)
    x = np.asarray(random.uniform(0.5, 2.0, [sizes[k] * step for k in order]), dtype)
    return x[(..., *[slice(None, None, step)] * len(sizes))].transpose(np.argsort(order))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_values_and_layout(shape, dtype):
    random = np.random.default_rng(0)
    for _ in range(40):
        x, y = arranged(random, shape, dtype), arranged(random, shape, dtype)
        for name, ufunc in (("sub", np.subtract), ("lt", np.less)):
            out, wanted = getattr(elementwise, name)(x, y), ufunc(x, y)
            assert out is not NotImplemented
            np.testing.assert_array_equal(out, wanted)
            assert out.dtype == wanted.dtype
            assert out.shape == wanted.shape
            steps = [(a, b) for n, a, b in zip(out.shape, out.strides, wanted.strides) if n > 1]
            assert all(a == b for a, b in steps)
        np.testing.assert_array_equal(elementwise.sub(x, 0.5), x - x.dtype.type(0.5))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_in_place(shape, dtype):
    random = np.random.default_rng(1)
    for _ in range(40):
        x, y = arranged(random, shape, dtype), arranged(random, shape, dtype)
        if np.broadcast_shapes(x.shape, y.shape) != x.shape:
            continue
        wanted = x - y
        rl.from_numpy(x).sub_(rl.from_numpy(y))
        np.testing.assert_array_equal(x, wanted)
        rl.from_numpy(x).sub_(0.5)
        np.testing.assert_array_equal(x, wanted - x.dtype.type(0.5))


def test_in_place_by_a_part_of_itself():
    x = np.arange(40000.0).reshape(200, 200)
    for part in (lambda x: x[3], lambda x: x[:, 7:8], lambda x: x.T, lambda x: x):
        for target in (lambda x: x, lambda x: x.T, lambda x: x[:, :200]):
            y = x.copy()
            wanted = target(y) - part(y)
            rl.from_numpy(target(y)).sub_(rl.from_numpy(part(y)))
            np.testing.assert_array_equal(target(y), wanted)
