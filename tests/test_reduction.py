"""Reductions: forms of their arguments, values at the edges, gradients at ties and zeros, refusals."""

import math

import numpy as np
import pytest

import rushlight as rl
from rushlight import autograd

NAN, INF = math.nan, math.inf


def leaf(values):
    return rl.tensor(values, dtype=rl.float64, requires_grad=True)


def gradient(y, x):
    return autograd.grad(y, x)[0].tolist()


MATRIX = [[3.0, 1.0, 2.0], [1.0, 5.0, 5.0]]


@pytest.mark.parametrize(
    ("reduced", "wanted"),
    [
        (lambda x: x.sum(), 17.0),
        (lambda x: x.sum(()), 17.0),
        (lambda x: x.sum(-1), [6.0, 11.0]),
        (lambda x: x.sum((0, 1), keepdim=True), [[17.0]]),
        (lambda x: x.sum(axis=0, keepdims=True), [[4.0, 6.0, 7.0]]),
        (lambda x: x.mean([0]), [2.0, 3.0, 3.5]),
        (lambda x: x.prod(1), [6.0, 25.0]),
        (lambda x: x.var(0, False), [1.0, 4.0, 2.25]),
        (lambda x: x.var(False), 2.8055555555555554),
        (lambda x: x.var(0, correction=3), [INF, INF, INF]),
        (lambda x: x.std(dim=0, correction=0), [1.0, 2.0, 1.5]),
        (lambda x: x.amax((0, 1)), 5.0),
        (lambda x: x.amin(1, True), [[1.0], [1.0]]),
        (lambda x: x.max(1).values, [3.0, 5.0]),
        (lambda x: x.max(1).indices, [0, 1]),
        (lambda x: x.min(0)[1], [1, 0, 0]),
        (lambda x: x.max(rl.tensor(2.0)), [[3.0, 2.0, 2.0], [2.0, 5.0, 5.0]]),
        (lambda x: x.argmax(), 4),
        (lambda x: x.argmax(keepdim=True), [[4]]),
        (lambda x: x.argmin(0), [1, 0, 0]),
        (lambda x: rl.aminmax(x, dim=1).max, [3.0, 5.0]),
        (lambda x: rl.count_nonzero(x - 1, dim=1), [2, 2]),
        (lambda x: x.any(1), [True, True]),
        (lambda x: (x > 1).all(dim=(0, 1)), False),
        (lambda x: (x > 1).any(dim=[]), [[True, False, True], [False, True, True]]),
        (lambda x: rl.norm(x - x + 2, 1), 12.0),
        (lambda x: x.norm(dim=0, p=INF), [3.0, 5.0, 5.0]),
        (lambda x: rl.dist(x, x + 3, 1), 18.0),
    ],
)
@pytest.mark.filterwarnings("ignore:.*degrees of freedom is <= 0")
def test_forms(reduced, wanted):
    out = reduced(rl.tensor(MATRIX, dtype=rl.float64))
    assert out.tolist() == wanted


def test_dtypes_of_sums():
    assert rl.ones(3, dtype=rl.uint8).sum().dtype == rl.int64
    assert rl.ones(3, dtype=rl.bool).prod(0).dtype == rl.int64
    assert rl.ones(3, dtype=rl.int64).sum(dtype=rl.float32).dtype == rl.float32
    assert rl.ones(3, dtype=rl.int64).sum(dtype=rl.int32).dtype == rl.int32
    assert rl.ones(3, dtype=rl.float16).mean().dtype == rl.float16
    assert rl.ones(3, dtype=rl.uint8).any().dtype == rl.uint8
    assert rl.ones(3, dtype=rl.complex64).var().dtype == rl.float32


def test_nothing_to_reduce():
    none = rl.zeros(2, 0)
    assert none.sum(1).tolist() == [0.0, 0.0]
    assert none.prod().item() == 1.0
    assert math.isnan(none.mean().item())
    assert none.logsumexp(1).tolist() == [-INF, -INF]
    assert none.max(0).values.tolist() == []
    assert none.softmax(1).shape == (2, 0)
    assert rl.tensor(2.0).sum(0).item() == 2.0
    assert rl.tensor(2.0).max(-1).indices.item() == 0


def test_nan_spreads_and_is_found():
    x = rl.tensor([1.0, NAN, 3.0, NAN])
    assert math.isnan(x.max().item()) and math.isnan(x.amin(0).item()) and math.isnan(x.max(0).values.item())
    assert x.argmax().item() == x.min(0).indices.item() == 1
    assert x.nansum().item() == 4.0 and x.nanmean().item() == 2.0
    assert rl.tensor([1.0, NAN]).nansum(dtype=rl.float64).dtype == rl.float64


def test_float32_over_a_leading_axis_is_accurate():
    x = np.random.default_rng(0).random((100_000, 3), np.float32) + 100
    wide = x.astype(np.float64)
    np.testing.assert_allclose(rl.from_numpy(x).var(0).numpy(), wide.var(0, ddof=1), rtol=2e-6)
    np.testing.assert_allclose(rl.from_numpy(x).mean(0).numpy(), wide.mean(0), rtol=2e-6)


def test_ties_share_a_gradient_and_indices_take_it():
    x = leaf([2.0, 5.0, 5.0])
    assert gradient(x.max(), x) == gradient(x.amax(0), x) == [0.0, 0.5, 0.5]
    assert gradient(x.max(0).values, x) == [0.0, 1.0, 0.0]
    assert gradient(rl.aminmax(x).min, x) == [1.0, 0.0, 0.0]
    thirds = leaf([5.0, 5.0, 5.0])
    assert gradient(thirds.amax(), thirds) == gradient(thirds.min(), thirds) == [1 / 3] * 3


@pytest.mark.parametrize(
    ("zeros", "wanted"),
    [([2.0, 3.0, 4.0], [12, 8, 6]), ([2.0, 0.0, 4.0], [0, 8, 0]), ([0.0, 0.0, 4.0], [0, 0, 0])],
)
def test_product_with_zeros(zeros, wanted):
    x = leaf(zeros)
    assert gradient(x.prod(), x) == gradient(x.prod(0), x) == wanted
    (g,) = autograd.grad(x.prod(), x, create_graph=True)
    assert gradient(g[0], x) == [0.0, zeros[2], zeros[1]]


def test_running_product_with_zeros():
    x = leaf([2.0, 0.0, 4.0, 5.0])
    assert gradient(x.cumprod(0).sum(), x) == [1.0, 2 + 8 + 40, 0.0, 0.0]


def test_norm_at_zero_has_gradient_zero():
    x = leaf([0.0, 0.0])
    for p in (1, 2, 3, INF, 0.5):
        assert gradient(x.norm(p), x) == [0.0, 0.0]
    assert gradient(leaf_norm := x.std(), x) == [0.0, 0.0] and leaf_norm.item() == 0.0


def test_names_in_the_graph():
    x = leaf(MATRIX)
    named = {
        "SumBackward0": x.sum(),
        "SumBackward1": x.sum(0),
        "MeanBackward0": x.mean(),
        "MeanBackward1": x.mean(0),
        "ProdBackward1": x.prod(0),
        "MaxBackward0": x.max(0).values,
        "MaxBackward1": x.max(),
        "VarMeanBackward0": rl.var_mean(x)[0],
        "LinalgVectorNormBackward0": x.norm(),
        "DistBackward0": rl.dist(x, x),
        "LogsumexpBackward0": x.logsumexp(0),
        "LogSoftmaxBackward0": x.log_softmax(0),
    }
    assert [y.grad_fn.name() for y in named.values()] == list(named)


def test_several_results_print_as_pytorch_prints_them():
    shown = repr(rl.tensor([1.0, 2.0]).max(0))
    assert shown == "rushlight.return_types.max(\nvalues=tensor(2.),\nindices=tensor(1))"
    values, indices = rl.return_types.max((1, 2))
    assert (values, indices) == (1, 2)
    with pytest.raises(TypeError, match="constructor requires a sequence"):
        rl.return_types.max(1)
    with pytest.raises(TypeError, match="takes a 2-sequence"):
        rl.return_types.max((1, 2, 3))


def test_softmax_is_stable_and_sums_to_one():
    x = rl.tensor([[1000.0, 1000.0, -1000.0], [0.0, 1.0, 2.0]])
    np.testing.assert_allclose(x.softmax(1).sum(1).numpy(), [1.0, 1.0], rtol=1e-6)
    assert x.log_softmax(1)[0].tolist() == pytest.approx([-math.log(2), -math.log(2), -2000.6931])
    assert x.softmax(0, dtype=rl.float64).dtype == rl.float64
    assert rl.logsumexp(x, 1)[0].item() == pytest.approx(1000.6931)


def test_out_takes_the_result():
    out = rl.empty(3)
    assert rl.sum(rl.ones(2, 3), 0, out=out) is out
    assert out.tolist() == [2.0, 2.0, 2.0]
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        rl.sum(rl.ones(2, 3, requires_grad=True), 0, out=out)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda x, i: i.mean(),
            RuntimeError,
            "mean(): could not infer output dtype. Input dtype must be either",
        ),
        (lambda x, i: x.mean(dtype=rl.int64), RuntimeError, "Optional dtype must be either a floating point"),
        (
            lambda x, i: x.sum(5),
            IndexError,
            "Dimension out of range (expected to be in range of [-2, 1], but got 5)",
        ),
        (lambda x, i: x.sum((0, 0)), RuntimeError, "dim 0 appears multiple times in the list of dims"),
        (lambda x, i: x.sum(size=3), TypeError, "unexpected keyword argument 'size'"),
        (
            lambda x, i: rl.sum([1.0]),
            TypeError,
            "sum(): argument 'input' (position 1) must be Tensor, not list",
        ),
        (lambda x, i: i.std(), RuntimeError, "std and var only support floating point and complex dtypes"),
        (
            lambda x, i: x[:0].max(),
            RuntimeError,
            "max(): Expected reduction dim to be specified for input.numel() == 0",
        ),
        (lambda x, i: x[:0].max(0), IndexError, "max(): Expected reduction dim 0 to have non-zero size."),
        (lambda x, i: x[:0].argmin(), IndexError, "argmin(): Expected reduction dim to be specified"),
        (lambda x, i: x.max((0, 1)), TypeError, "max(): argument 'dim' (position 2) must be int, not tuple"),
        (
            lambda x, i: i.softmax(0),
            NotImplementedError,
            "\"softmax_lastdim_kernel_impl\" not implemented for 'Long'",
        ),
        (
            lambda x, i: i.norm(),
            RuntimeError,
            "linalg.vector_norm: Expected a floating point or complex tensor as input",
        ),
        (
            lambda x, i: rl.ones(2, dtype=rl.complex64).max(0),
            RuntimeError,
            "max(): does not support complex input",
        ),
        (
            lambda x, i: x.logcumsumexp("a"),
            TypeError,
            "logcumsumexp(): argument 'dim' (position 1) must be int, not str",
        ),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error) as raised:
        call(rl.tensor(MATRIX), rl.arange(3))
    assert words in str(raised.value)


@pytest.mark.parity
def test_values_and_gradients_beside_pytorch():
    torch = pytest.importorskip("torch")
    data = np.random.default_rng(0).normal(size=(3, 4, 5))
    calls = [
        lambda m, x: m.std(x, (0, 2), keepdim=True),
        lambda m, x: m.var_mean(x, 1)[1],
        lambda m, x: m.logcumsumexp(x, 1),
        lambda m, x: m.cummax(x, 2)[0],
        lambda m, x: m.norm(x, 3, (0, 1)),
        lambda m, x: m.quantile(x, 0.3, 1, interpolation="midpoint"),
        lambda m, x: m.cov(x[0]),
        lambda m, x: m.corrcoef(x[0]),
        lambda m, x: m.trapezoid(x, dx=0.5),
        lambda m, x: m.diff(x, n=2, dim=0),
        lambda m, x: m.median(x, 1)[0],
    ]
    for call in calls:
        ours, theirs = rl.tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
        got, want = call(rl, ours), call(torch, theirs)
        np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), rtol=1e-12)
        (got * got).sum().backward()
        (want * want).sum().backward()
        np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-9, atol=1e-12)
