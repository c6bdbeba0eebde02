"""Sorting, ranks, look-ups, distinct values and histograms."""

import math

import numpy as np
import pytest

import rushlight as rl
from rushlight import autograd

NAN = math.nan


def test_sort_is_stable_and_puts_nan_above_all():
    x = rl.tensor([3.0, NAN, 1.0, 3.0, NAN])
    assert x.sort().indices.tolist() == [2, 0, 3, 1, 4]
    assert x.sort(descending=True).indices.tolist() == [1, 4, 0, 3, 2]
    assert x.argsort(0, True).tolist() == [1, 4, 0, 3, 2]
    assert x.topk(3).indices.tolist() == [1, 4, 0]
    assert x.topk(2, largest=False).values.tolist() == [1.0, 3.0]


def test_sort_along_dimensions():
    x = rl.tensor([[3, 1], [2, 4]])
    assert x.sort(0, True).values.tolist() == [[3, 4], [2, 1]]
    assert x.sort(axis=1).values.tolist() == [[1, 3], [2, 4]]
    assert rl.msort(x).tolist() == [[2, 1], [3, 4]]
    values, indices = rl.sort(rl.tensor(7))
    assert (values.item(), indices.item()) == (7, 0)


def test_ranks():
    x = rl.tensor([[5.0, 1.0, 4.0, 2.0], [NAN, 2.0, 2.0, 1.0]])
    assert x.median(1).indices.tolist() == [3, 0]
    assert x.nanmedian(1).values.tolist() == [2.0, 2.0]
    assert x[0].median().item() == 2.0 and x.nanmedian().item() == 2.0
    assert math.isnan(x.median().item())
    assert x.kthvalue(3).values.tolist() == [4.0, 2.0]
    assert x.mode().values.tolist() == [1.0, 2.0] and x.mode().indices.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("interpolation", "wanted"),
    [("linear", 2.2), ("lower", 2.0), ("higher", 3.0), ("midpoint", 2.5), ("nearest", 2.0)],
)
def test_quantiles(interpolation, wanted):
    x = rl.tensor([4.0, 3.0, 1.0, 2.0], dtype=rl.float64)
    assert rl.quantile(x, 0.4, interpolation=interpolation).item() == pytest.approx(wanted)


def test_quantiles_of_lanes():
    x = rl.tensor([[1.0, 3.0], [NAN, 5.0]])
    q = rl.tensor([0.0, 0.5])
    assert rl.nanquantile(x, q, dim=1).tolist() == [[1.0, 5.0], [2.0, 5.0]]
    assert rl.quantile(x, q, dim=1, keepdim=True).shape == (2, 2, 1)
    assert math.isnan(rl.quantile(x, 0.5, dim=1)[1].item())


def test_gradients_go_where_the_values_were():
    x = rl.tensor([3.0, 1.0, 2.0], requires_grad=True)
    weights = rl.tensor([1.0, 10.0, 100.0])
    for values in (x.sort().values, x.topk(3, largest=False).values):
        assert autograd.grad((values * weights).sum(), x)[0].tolist() == [100.0, 1.0, 10.0]
    assert autograd.grad(x.cummax(0).values.sum(), x)[0].tolist() == [3.0, 0.0, 0.0]
    assert autograd.grad(x.median(), x)[0].tolist() == [0.0, 0.0, 1.0]


def test_running_extrema_say_where_they_were_last():
    x = rl.tensor([1.0, 1.0, 0.0, 2.0, NAN, 3.0, NAN])
    assert x.cummax(0).indices.tolist() == [0, 1, 1, 3, 4, 4, 6]
    assert x[:4].cummin(0).indices.tolist() == [0, 1, 2, 2]


def test_look_ups():
    edges = rl.tensor([1.0, 3.0, 5.0])
    assert rl.searchsorted(edges, rl.tensor([3.0, NAN])).tolist() == [1, 3]
    assert rl.searchsorted(edges, 3, right=True).item() == 2
    assert rl.searchsorted(rl.tensor([[1, 2], [5, 6]]), rl.tensor([[2], [2]])).tolist() == [[1], [0]]
    assert rl.searchsorted(rl.tensor([5, 1, 3]), rl.tensor([3]), sorter=rl.tensor([1, 2, 0])).tolist() == [1]
    assert rl.bucketize(rl.tensor([0.0, 3.0]), edges, out_int32=True).dtype == rl.int32
    assert rl.isin(rl.tensor([1, 2]), 2, invert=True).tolist() == [True, False]


def test_distinct_values():
    x = rl.tensor([3, 1, 1, 3])
    values, inverse, counts = x.unique(return_inverse=True, return_counts=True)
    assert (values.tolist(), inverse.tolist(), counts.tolist()) == ([1, 3], [1, 0, 0, 1], [2, 2])
    assert x.unique_consecutive(return_counts=True)[1].tolist() == [1, 2, 1]
    assert rl.unique(rl.tensor([[1, 2, 1], [0, 5, 0]]), dim=1).tolist() == [[1, 2], [0, 5]]
    assert rl.unique_consecutive(rl.tensor([[1, 2], [1, 2], [0, 2]]), dim=0).tolist() == [[1, 2], [0, 2]]
    tracked = rl.tensor([1.0, 1.0], requires_grad=True).unique()
    with pytest.raises(NotImplementedError, match="derivative for aten::_unique2 is not implemented"):
        tracked.sum().backward()


def test_counts():
    assert rl.bincount(rl.tensor([0, 2, 2]), minlength=4).tolist() == [1, 0, 2, 0]
    assert rl.bincount(rl.tensor([1, 1]), rl.tensor([0.5, 1.0])).tolist() == [0.0, 1.5]
    assert rl.histc(rl.tensor([1.0, 2.0, 1.0, 9.0]), bins=4, min=0, max=3).tolist() == [0.0, 2.0, 1.0, 0.0]
    assert rl.histc(rl.tensor([1.0, 1.0]), bins=5).tolist() == [0.0, 0.0, 2.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: x.topk(4), RuntimeError, "selected index k out of range"),
        (lambda x: x.kthvalue(0), RuntimeError, "kthvalue(): selected number k out of range for dimension 0"),
        (lambda x: x[:0].mode(), IndexError, "mode(): Expected reduction dim 0 to have non-zero size."),
        (lambda x: (x > 1).median(), NotImplementedError, "\"median_cpu\" not implemented for 'Bool'"),
        (
            lambda x: rl.ones(2, dtype=rl.complex64).sort(),
            RuntimeError,
            "Sort does not support complex dtypes on CPU",
        ),
        (lambda x: rl.quantile(x, 1.5), RuntimeError, "quantile() q must be in the range [0, 1] but got 1.5"),
        (
            lambda x: rl.searchsorted(x, x, side="up"),
            RuntimeError,
            "side can only be 'left' or 'right' but got up",
        ),
        (lambda x: rl.bincount(x), NotImplementedError, "\"bincount_cpu\" not implemented for 'Float'"),
        (
            lambda x: rl.bincount(rl.tensor([-1])),
            RuntimeError,
            "bincount only supports 1-d non-negative integral inputs.",
        ),
        (lambda x: rl.histc(x, bins=0), RuntimeError, "bins must be > 0, but got 0 for dimension 0"),
        (
            lambda x: rl.cov(rl.ones(2, 2, 2)),
            RuntimeError,
            "cov(): expected input to have two or fewer dimensions",
        ),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error) as raised:
        call(rl.tensor([1.0, 2.0, 3.0]))
    assert words in str(raised.value)


@pytest.mark.parity
def test_beside_pytorch_on_random_data():
    torch = pytest.importorskip("torch")
    data = np.random.default_rng(1).normal(size=(4, 9))
    for call in (
        lambda m, x: m.sort(x, 0, True)[1],
        lambda m, x: m.topk(x, 4, largest=False)[1],
        lambda m, x: m.kthvalue(x, 3, 0)[1],
        lambda m, x: m.median(x, 0)[1],
        lambda m, x: m.argsort(x, 1),
        lambda m, x: m.histc(x, 7),
        lambda m, x: m.searchsorted(m.msort(x.reshape(-1)), x),
    ):
        assert call(rl, rl.tensor(data)).tolist() == call(torch, torch.tensor(data)).tolist()


def test_unique_consecutive_of_one_entry():
    values, counts = rl.unique_consecutive(rl.ones(2, 1, 3), return_counts=True, dim=1)
    assert values.shape == (2, 1, 3) and counts.tolist() == [1]
