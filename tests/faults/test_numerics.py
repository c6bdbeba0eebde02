"""Sums over every axis of every floating dtype, and gradients that are sums, beside the same in float64.

The measure: what is wrong, beyond the rounding of the result to its dtype, is at most 2e-6 of the sum of the sizes of
what was added (of a mean: their mean); of the result itself where nothing can cancel (variances, deviations, norms,
products); of the result or 1, whichever is larger, for logarithms of sums. `make numerics` does it with 10,000,000 elements.
"""

import os

import numpy as np
import pytest

import rushlight as rl
import rushlight.nn.functional as F

N = int(os.environ.get("NUMERICS", 160_000))
MOST = 2e-6
# Half a unit of the last place of each dtype, of 1, and at zero; float32's own is within MOST.
ROUNDING = {"float32": (0.0, 0.0), "float16": (2.0**-11, 2.0**-25), "bfloat16": (2.0**-8, 0.0)}
DTYPES = pytest.mark.parametrize("dtype", ROUNDING)


def wrong(got, exact, size, dtype):
    """What is wrong beyond the rounding, in units of `size`, at most."""
    relative, least = ROUNDING[dtype]
    got = got.detach().to(rl.float64).numpy()
    largest = {"float16": 65520.0, "float32": 3.4028235677973366e38, "bfloat16": 3.3961775292304957e38}[dtype]
    exact = np.where(np.abs(exact) >= largest, np.copysign(np.inf, exact), exact)
    with np.errstate(invalid="ignore"):
        off = np.where(got == exact, 0.0, np.abs(got - exact) - relative * np.abs(exact) - least)
    return float(np.max(np.maximum(off, 0) / np.maximum(size, 1e-300)))


# Tensors of N elements whose sum in float32, one by one, is wrong: equal ones, ones that cancel, ones far from zero,
# and a large one before many that vanish beside it.
def filled(kind, dtype):
    x = np.full(N, 0.1, np.float32)
    if kind == "normal":
        x = np.random.default_rng(0).standard_normal(N, dtype=np.float32)
    if kind == "far":
        x = 100 + np.random.default_rng(1).random(N, dtype=np.float32)
    if kind == "first":
        x = np.ones(N, np.float32)
        x[0] = 2.0**24
    scale = 1.0 if dtype != "float16" else 2.0**-20 if kind == "first" else 2.0**-8
    return rl.from_numpy(x * np.float32(scale)).to(getattr(rl, dtype))


LAYOUTS = {
    "flat": lambda x: (x, None),
    "columns": lambda x: (x.reshape(-1, 4), 0),
    "rows": lambda x: (x.reshape(4, -1), 1),
    "many columns": lambda x: (x.reshape(-1, 100), 0),
    "middle": lambda x: (x.reshape(5, -1, 4), 1),
    "first and last": lambda x: (x.reshape(-1, 10, 4), (0, 2)),
    "transposed": lambda x: (x.reshape(4, -1).t(), 0),
    "transposed rows": lambda x: (x.reshape(-1, 4).t(), 1),
    "strided": lambda x: (x[::2], 0),
    "strided columns": lambda x: (x.reshape(-1, 4)[::2, ::2], 0),
    "permuted": lambda x: (x.reshape(-1, 5, 4).permute(2, 0, 1), (1, 2)),
}


def dims(x, axes):
    return tuple(range(x.ndim)) if axes is None else axes


def norm(order):
    def exact(a, axes):
        size = np.abs(a)
        out = size.max(axes) if order == np.inf else np.sum(size**order, axes) ** (1 / order)
        return out, out

    return lambda x, axes: rl.linalg.vector_norm(x, order, axes), exact


def exact_spread(root):
    def exact(a, axes):
        out = np.var(a, axes, ddof=1) ** (0.5 if root else 1)
        return out, out

    return exact


def exact_logsumexp(a, axes):
    high = a.max(axes, keepdims=True)
    out = np.log(np.sum(np.exp(a - high), axes)) + np.squeeze(high, axes)
    return out, np.maximum(np.abs(out), 1)


def exact_cumsum(a, axes):
    axis = axes if isinstance(axes, int) else 0
    return np.cumsum(a, axis), np.cumsum(np.abs(a), axis)


# Ours, and the exact value with the size that the error is measured by.
REDUCTIONS = {
    "sum": (rl.sum, lambda a, axes: (a.sum(axes), np.abs(a).sum(axes))),
    "nansum": (rl.nansum, lambda a, axes: (a.sum(axes), np.abs(a).sum(axes))),
    "mean": (rl.mean, lambda a, axes: (a.mean(axes), np.abs(a).mean(axes))),
    "var": (rl.var, exact_spread(False)),
    "std": (rl.std, exact_spread(True)),
    "std_mean": (lambda x, axes: rl.std_mean(x, axes)[1], lambda a, axes: (a.mean(axes), np.abs(a).mean(axes))),
    "norm of order 1": norm(1),
    "norm of order 2": norm(2),
    "norm of order 3": norm(3),
    "norm of order inf": norm(np.inf),
    "logsumexp": (lambda x, axes: rl.logsumexp(x, dims(x, axes)), exact_logsumexp),
    "cumsum": (lambda x, axes: rl.cumsum(x, axes if isinstance(axes, int) else 0), exact_cumsum),
}


@DTYPES
@pytest.mark.parametrize("kind", ["equal", "normal", "far", "first"])
def test_reductions_over_every_axis(dtype, kind):
    base = filled(kind, dtype)
    double = base.to(rl.float64)
    faults = []
    for layout, laid_out in LAYOUTS.items():
        x, axes = laid_out(base)
        a = laid_out(double)[0].numpy()
        for name, (ours, exact) in REDUCTIONS.items():
            off = wrong(ours(x, axes), *exact(a, axes), dtype)
            if not off <= MOST:
                faults.append(f"{name} of {layout}: {off:.1e}")
    assert not faults


@DTYPES
@pytest.mark.parametrize("axis", [0, 1])
def test_products_of_many(dtype, axis):
    factors = rl.where(rl.arange(N) % 2 == 0, 1.0078125, 0.9921875).to(getattr(rl, dtype))
    x = factors.reshape(4, -1).t().contiguous() if axis == 0 else factors.reshape(4, -1)
    exact = np.prod(x.to(rl.float64).numpy(), axis)
    assert wrong(x.prod(axis), exact, np.abs(exact), dtype) <= MOST


@DTYPES
@pytest.mark.parametrize("kind", ["equal", "normal", "far", "first"])
@pytest.mark.parametrize("function", [rl.dot, rl.vdot])
def test_dot_products(function, dtype, kind):
    x = filled(kind, dtype)
    y = x.flip(0)
    a = x.to(rl.float64).numpy()
    assert wrong(function(x, y), np.sum(a * a[::-1]), np.sum(np.abs(a * a[::-1])), dtype) <= MOST
    assert wrong(function(x[::2], y[::2]), np.sum((a * a[::-1])[::2]), np.sum(np.abs(a * a[::-1])[::2]), dtype) <= MOST


# -- gradients that are sums


def through(y, parameter, g):
    return rl.autograd.grad(y, parameter, g, retain_graph=True)[0]


def broadcast(shape, ours):
    def gradient(dtype, step):
        b = rl.zeros(ours, dtype=dtype, requires_grad=True)
        return through(rl.zeros(shape, dtype=dtype) + b, b, rl.full(shape, step, dtype=dtype)).reshape(-1)[0]

    return gradient


def affine(layer, shape):
    """The gradient of the bias of a normalization, or of a convolution."""

    def gradient(dtype, step):
        w, b = (rl.ones(4, dtype=dtype, requires_grad=True) for _ in range(2))
        y = layer(rl.ones(shape, dtype=dtype), w, b)
        return through(y, b, rl.full(y.shape, step, dtype=dtype))[0]

    return gradient


def named(how, width=4):
    """A gradient or a sum for rows of which one is named by all indices."""

    def gradient(dtype, step):
        index = rl.zeros(N // width, dtype=rl.int64)
        table = rl.zeros(3, width, dtype=dtype, requires_grad=True)
        rows = rl.full((N // width, width), step, dtype=dtype)
        out = how(table, index, rows)
        if out.shape == table.shape:
            return out[0, 0]
        return through(out, table, rows)[0, 0]

    return gradient


def column(index, table):
    return index[:, None].expand(-1, table.shape[1])


SUMS_OF_N = {
    "rows": broadcast((N, 1), (1,)),
    "columns": broadcast((1, N), (1, 1)),
    "middle": broadcast((4, N // 4, 1), (1, 1, 1)),
}
SUMS_OF_A_QUARTER = {
    "bias": broadcast((N // 4, 4), (4,)),
    "bias of linear": affine(lambda x, w, b: F.linear(x, w[:, None], b), (N // 4, 1)),
    "layer_norm": affine(lambda x, w, b: F.layer_norm(x, (4,), w, b), (N // 4, 4)),
    "batch_norm": affine(lambda x, w, b: F.batch_norm(x, None, None, w, b, True), (N // 4, 4)),
    "group_norm": affine(lambda x, w, b: F.group_norm(x, 2, w, b), (N // 400, 4, 100)),
    "conv1d": affine(lambda x, w, b: F.conv1d(x, w[:, None, None], b), (4, 1, N // 16)),
    "embedding": named(lambda t, i, rows: F.embedding(i, t)),
    "a row taken": named(lambda t, i, rows: t[i]),
    "index_select": named(lambda t, i, rows: t.index_select(0, i)),
    "gather": named(lambda t, i, rows: t.gather(0, column(i, t))),
    "index_add": named(lambda t, i, rows: t.index_add(0, i, rows)),
    "index_add along columns": named(lambda t, i, rows: t.t().index_add(1, i, rows.t()).t()),
    "index_put": named(lambda t, i, rows: t.index_put((i,), rows, accumulate=True)),
    "scatter_add": named(lambda t, i, rows: t.scatter_add(0, column(i, t), rows)),
    "scatter_reduce": named(lambda t, i, rows: t.scatter_reduce(0, column(i, t), rows, "sum")),
    "embedding_bag": named(lambda t, i, rows: F.embedding_bag(i[:, None], t, mode="sum")),
}


@DTYPES
@pytest.mark.parametrize("name", [*SUMS_OF_N, *SUMS_OF_A_QUARTER])
def test_gradients_that_are_sums(name, dtype):
    step, own = (0.1 if dtype != "float16" else 2e-3), getattr(rl, dtype)
    count = N if name in SUMS_OF_N else N // 4
    exact = float(rl.tensor(step, dtype=own)) * count
    assert wrong((SUMS_OF_N | SUMS_OF_A_QUARTER)[name](own, step), exact, exact, dtype) <= MOST


@DTYPES
def test_rows_named_often_in_a_large_table(dtype):
    # The table is larger than what is added, so only a part of it is copied; other rows stay as they are.
    own, step = getattr(rl, dtype), 0.1
    table = rl.full((4000, 3), 7.0, dtype=own)
    index = rl.full((900,), 5, dtype=rl.int64)
    rows = rl.full((900, 3), step, dtype=own)
    exact = 7.0 + 900 * float(rl.tensor(step, dtype=own))
    for out in (table.index_add(0, index, rows), table.scatter_add(0, column(index, table), rows)):
        assert wrong(out[5], exact, exact, dtype) <= MOST
        assert (rl.cat([out[:5], out[6:]]) == 7).all()


@DTYPES
@pytest.mark.filterwarnings("ignore:index_reduce")
def test_means_of_what_meets(dtype):
    own = getattr(rl, dtype)
    index, rows = rl.zeros(N // 4, dtype=rl.int64), rl.full((N // 4, 4), 3.1, dtype=own)
    exact = float(rows[0, 0])
    zeros = rl.zeros(2, 4, dtype=own)
    for out in (
        zeros.scatter_reduce(0, column(index, zeros), rows, "mean", include_self=False),
        zeros.index_reduce(0, index, rows, "mean", include_self=False),
        F.embedding_bag(index[None], rows[:2], mode="mean"),
    ):
        assert wrong(out[0], exact, exact, dtype) <= MOST


@pytest.mark.parametrize("how", ["cumsum", "index_add", "scatter_add", "sum"])
def test_sums_beyond_half_precision_are_infinite(how):
    x, index, zero = (
        rl.full((80,), 1000.0, dtype=rl.float16),
        rl.zeros(80, dtype=rl.int64),
        rl.zeros(2, dtype=rl.float16),
    )
    out = {
        "cumsum": lambda: x.cumsum(0)[-1],
        "index_add": lambda: zero.index_add(0, index, x)[0],
        "scatter_add": lambda: zero.scatter_add(0, index, x)[0],
        "sum": lambda: x.sum(),
    }[how]()
    assert out.item() == np.inf


# -- statistics far from zero


@DTYPES
def test_variance_of_numbers_far_from_zero(dtype):
    far = {"float32": 1e4, "float16": 1000.0, "bfloat16": 256.0}[dtype]
    x = (far + rl.arange(N, dtype=rl.float32) % 16).to(getattr(rl, dtype))
    a = x.to(rl.float64).numpy()
    for axis, shape in ((0, (-1, 4)), (1, (4, -1))):
        exact = np.var(a.reshape(shape), axis, ddof=1)
        assert wrong(x.reshape(shape).var(axis), exact, exact, dtype) <= MOST


def test_batch_norm_far_from_zero():
    x = 1000 + filled("normal", "float32").reshape(-1, 4)
    a = x.numpy().astype(np.float64)
    mean, var = rl.zeros(4), rl.ones(4)
    y = F.batch_norm(x, mean, var, training=True, momentum=1.0)
    exact = (a - a.mean(0)) / np.sqrt(a.var(0) + 1e-5)
    # The mean is kept in float32, and what it lost there is in every value.
    assert wrong(y, exact, 1 + np.abs(exact), "float32") <= MOST + 1000 * 2.0**-24
    assert wrong(mean, a.mean(0), np.abs(a.mean(0)), "float32") <= MOST
    assert wrong(var, a.var(0, ddof=1), a.var(0, ddof=1), "float32") <= MOST
