"""Losses, activations and norms at extremes: values and gradients are finite where the mathematics is, and right."""

import math

import numpy as np
import pytest

import rushlight as rl
import rushlight.nn.functional as F

INF = math.inf
TOLERANCE = {"float64": 1e-12, "float32": 2e-6, "float16": 2e-3, "bfloat16": 1.6e-2}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE)


def close(got, exact, dtype):
    np.testing.assert_allclose(got.detach().to(rl.float64).numpy(), exact, rtol=TOLERANCE[dtype], atol=1e-30)


def made(values, dtype, grad=True):
    return rl.tensor(values, dtype=getattr(rl, dtype), requires_grad=grad)


# Function, where, its values and its slopes there: worked out by hand.
CURVES = {
    "sigmoid": (rl.sigmoid, [-1e4, 1e4, -INF, INF], [0, 1, 0, 1], [0, 0, 0, 0]),
    "logsigmoid": (F.logsigmoid, [-1e4, 1e4, INF], [-1e4, 0, 0], [1, 0, 0]),
    "softplus": (F.softplus, [-1e4, 1e4, -INF, INF], [0, 1e4, 0, INF], [0, 1, 0, 1]),
    "tanh": (rl.tanh, [-1e4, 1e4, -INF, INF], [-1, 1, -1, 1], [0, 0, 0, 0]),
    "silu": (F.silu, [-1e4, 1e4], [0, 1e4], [0, 1]),
    "mish": (F.mish, [-1e4, 1e4], [0, 1e4], [0, 1]),
    "gelu": (F.gelu, [-1e4, 1e4], [0, 1e4], [0, 1]),
    "erf": (rl.erf, [-1e4, 1e4, -INF, INF], [-1, 1, -1, 1], [0, 0, 0, 0]),
}


@DTYPES
@pytest.mark.parametrize("name", CURVES)
def test_activations(name, dtype):
    function, where, values, slopes = CURVES[name]
    x = made(where, dtype)
    y = function(x)
    close(y, values, dtype)
    y.backward(rl.ones_like(y))
    close(x.grad, slopes, dtype)


@DTYPES
@pytest.mark.parametrize("far", [1e4, 3e4, 1e30])
def test_softmax_and_cross_entropy(dtype, far):
    if dtype == "float16" and far > 6e4:
        pytest.skip("float16 has no such numbers")
    x = made([[far, 0.0, -far]], dtype)
    exact = float(x.detach()[0, 0])
    close(F.softmax(x, 1), [[1, 0, 0]], dtype)
    close(
        F.log_softmax(x, 1),
        [[0, -exact, -2 * exact]] if dtype != "float16" or far < 3e4 else [[0, -exact, -exact * 2]],
        dtype,
    )
    close(rl.logsumexp(x, 1), [exact], dtype)
    close(rl.logcumsumexp(x, 1), [[exact] * 3], dtype)
    loss = F.cross_entropy(x, rl.tensor([1]))
    close(loss, exact, dtype)
    loss.backward()
    close(x.grad, [[1, -1, 0]], dtype)


@DTYPES
def test_infinite_scores_have_no_share(dtype):
    x = made([[0.0, -INF, 0.0]], dtype)
    close(F.softmax(x, 1), [[0.5, 0, 0.5]], dtype)
    loss = F.cross_entropy(x, rl.tensor([0]))
    close(loss, math.log(2), dtype)
    loss.backward()
    close(x.grad, [[-0.5, 0, 0.5]], dtype)
    nothing = made([-INF, -INF], dtype)
    assert rl.logsumexp(nothing, 0).item() == -INF
    assert rl.logaddexp(nothing, nothing).tolist() == [-INF, -INF]
    assert rl.logcumsumexp(nothing, 0).tolist() == [-INF, -INF]


@DTYPES
@pytest.mark.parametrize("far", [1e4, 1e30])
def test_binary_cross_entropy_with_logits(dtype, far):
    if dtype == "float16" and far > 6e4:
        pytest.skip("float16 has no such numbers")
    x = made([far, far, -far, -far], dtype)
    exact = float(x.detach()[0])
    loss = F.binary_cross_entropy_with_logits(x, made([1.0, 0.0, 1.0, 0.0], dtype, False), reduction="none")
    close(loss, [0, exact, exact, 0], dtype)
    loss.backward(rl.ones_like(loss))
    close(x.grad, [0, 1, -1, 0], dtype)


@DTYPES
def test_binary_cross_entropy_at_its_ends(dtype):
    p = made([0.0, 1.0, 0.0, 1.0], dtype)
    loss = F.binary_cross_entropy(p, made([0.0, 1.0, 1.0, 0.0], dtype, False), reduction="none")
    close(loss, [0, 0, 100, 100], dtype)
    loss.sum().backward()
    # In float16 what keeps the divisor from zero is zero itself, as in PyTorch.
    assert dtype == "float16" or p.grad[:2].tolist() == [0, 0]


@DTYPES
def test_divergences(dtype):
    target = made([0.0, 1.0], dtype, False)
    x = made([-1e4, 0.0], dtype)
    loss = F.kl_div(x, target, reduction="none")
    close(loss, [0, 0], dtype)
    loss.sum().backward()
    close(x.grad, [0, -1], dtype)
    y = made([-1e4, 0.0], dtype)
    loss = F.poisson_nll_loss(y, made([0.0, 1.0], dtype, False), reduction="none")
    close(loss, [0, 1], dtype)
    var = made([0.0, 1.0], dtype)
    loss = F.gaussian_nll_loss(made([1.0, 1.0], dtype), made([1.0, 2.0], dtype, False), var, reduction="none", eps=1e-3)
    close(loss, [math.log(1e-3) / 2, 0.5], dtype)


@pytest.mark.parametrize(
    "dtype, sizes", [("float32", [1e30, 1e-30, 1e38, 1e-38]), ("bfloat16", [1e30, 1e-30]), ("float16", [3e4, 1e-4])]
)
def test_squares_that_leave_the_range(dtype, sizes):
    for size in sizes:
        x = made([size, size], dtype)
        exact = float(x.detach()[0])
        for y in (rl.linalg.vector_norm(x), x.norm(), rl.hypot(x[0], x[1])):
            close(y, exact * math.sqrt(2), dtype)
            (grad,) = rl.autograd.grad(y, x)
            close(grad, [math.sqrt(0.5)] * 2, dtype)
        close(rl.linalg.vector_norm(x, 3), exact * 2 ** (1 / 3), dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_directions_of_what_is_nothing(dtype):
    x = made([[0.0, 0.0], [3.0, 4.0]], dtype)
    y = F.normalize(x)
    close(y, [[0, 0], [0.6, 0.8]], dtype)
    y.sum().backward()
    assert x.grad.isfinite().all()
    a, b = made([[0.0, 0.0]], dtype), made([[1.0, 0.0]], dtype)
    close(F.cosine_similarity(a, b), [0], dtype)
    F.cosine_similarity(a, b).sum().backward()
    assert a.grad.isfinite().all()
    zero = made([0.0, 0.0], dtype)
    rl.linalg.vector_norm(zero).backward()
    close(zero.grad, [0, 0], dtype)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_sums_of_exponentials_of_sums(dtype):
    x, y = made([1e30, -1e30, 100.0], dtype), made([-1e30, -1e30, 100.0], dtype)
    out = rl.logaddexp(x, y)
    exact = float(x.detach()[0])
    close(out, [exact, -exact, 100 + math.log(2)], dtype)
    out.sum().backward()
    close(x.grad, [1, 0.5, 0.5], dtype)
    close(y.grad, [0, 0.5, 0.5], dtype)


# Numbers and single values that are taken in a dtype which has none as large.
TOO_WIDE = {
    "half and number": lambda: rl.ones(2, dtype=rl.float16) + 1e5,
    "bfloat16 and number": lambda: rl.ones(2, dtype=rl.bfloat16) + 1e40,
    "ints and number": lambda: rl.ones(2, dtype=rl.int64) + 1e40,
    "written": lambda: rl.ones(2, dtype=rl.float16).add_(1e5),
    "double": lambda: rl.maximum(rl.ones(2), rl.tensor(1e40, dtype=rl.float64)),
}


@pytest.mark.parametrize("name", TOO_WIDE)
def test_what_is_too_wide_is_infinite_without_a_warning(name):
    assert TOO_WIDE[name]().tolist() == [INF, INF]
