"""Norms of many gradients and their scaling: the compiled loops against what they mean."""

import numpy as np
import pytest

import rushlight as rl
from rushlight.kernels import load
from rushlight.nn import utils
from rushlight.nn.utils import clip_grad

random = np.random.default_rng(0)
SHAPES = [(), (3,), (2, 5), (0,), (100, 7)]


def parameters(dtype):
    made = []
    for shape in SHAPES:
        p = rl.zeros(shape, dtype=getattr(rl, dtype), requires_grad=True)
        p.grad = rl.from_numpy(np.asarray(random.normal(size=shape), dtype))
        made.append(p)
    return made


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_norm_is_that_of_one_vector(dtype):
    given = parameters(dtype)
    before = [p.grad.numpy().copy() for p in given]
    norm = np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in before))
    versions = [p.grad._version for p in given]
    total = utils.clip_grad_norm_(given, 0.5)
    assert total.dtype is getattr(rl, dtype)
    tolerance = 1e-6 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(total.item(), norm, rtol=tolerance)
    for p, g, version in zip(given, before, versions):
        np.testing.assert_allclose(p.grad.numpy(), g * (0.5 / (norm + 1e-6)), rtol=4 * tolerance)
        assert p.grad._version == version + 1


@pytest.mark.skipif(load("clip") is None, reason="not compiled")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kernels_do_what_numpy_does(dtype, monkeypatch):
    kernels = load("clip")
    arrays = [p.grad.numpy() for p in parameters(dtype)]
    monkeypatch.setattr(clip_grad, "_kernels", None)
    tolerance = 1e-6 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(kernels.norm(arrays), clip_grad._total(arrays, 2.0), rtol=tolerance)
    wanted = [np.multiply(a, 0.3) for a in arrays]
    assert kernels.scale(arrays, 0.3) is None
    for got, want in zip(arrays, wanted):
        assert np.array_equal(got, want)


@pytest.mark.skipif(load("clip") is None, reason="not compiled")
def test_what_the_kernels_leave_to_numpy():
    kernels = load("clip")
    plain, fixed = np.ones(3), np.ones(3)
    fixed.flags.writeable = False
    for other in (np.ones(3, np.float32), np.ones((3, 2)).T, np.ones(kernels.MOST + 1), np.ones(3, np.float16), [1.0]):
        assert kernels.norm([plain, other]) is NotImplemented
        assert kernels.scale([plain, other], 2.0) is NotImplemented
    assert kernels.scale([plain, fixed], 2.0) is NotImplemented
    assert (plain == 1).all()
    assert kernels.norm([]) is NotImplemented
    for value in (np.nan, np.inf, 1e-300, 5e-324):
        with np.errstate(all="ignore"):
            assert np.array_equal(kernels.norm([np.array([value, 0.0])]), np.sqrt(np.square(value)), equal_nan=True)
