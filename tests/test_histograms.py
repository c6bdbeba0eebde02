"""Histograms of one and of several dimensions."""

import numpy as np
import pytest

import rushlight as rl

RANDOM = np.random.default_rng(3)
POINTS, WEIGHTS = RANDOM.normal(size=(50, 2)), RANDOM.uniform(size=50)


def test_bins_have_their_left_edge_and_the_last_one_both():
    x = rl.tensor([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, float("nan")])
    hist, edges = rl.histogram(x, 2, range=(1.0, 3.0))
    assert hist.tolist() == [1, 2] and edges.tolist() == [1, 2, 3]
    hist, edges = x[:6].histogram(rl.tensor([0.0, 2.0, 4.0]))
    assert hist.tolist() == [2, 3] and edges.tolist() == [0, 2, 4]


def test_ranges_without_a_width():
    assert rl.histogram(rl.ones(3), 3).bin_edges.tolist() == pytest.approx([0.5, 5 / 6, 7 / 6, 1.5])
    assert rl.histogram(rl.ones(0), 2).bin_edges.tolist() == [0, 0.5, 1]
    assert rl.histogram(rl.ones(3), 3, range=(2.0, 2.0)).hist.tolist() == [0, 0, 0]


@pytest.mark.parametrize("density", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_as_numpy_has_them(density, weighted):
    weight = {"weights": WEIGHTS} if weighted else {}
    ours = {"weight": rl.tensor(WEIGHTS)} if weighted else {}
    expected, edges = np.histogramdd(POINTS, [3, 5], density=density, **weight)
    hist, bin_edges = rl.histogramdd(rl.tensor(POINTS), [3, 5], density=density, **ours)
    np.testing.assert_allclose(hist.numpy(), expected, rtol=1e-12)
    assert len(bin_edges) == 2
    for a, b in zip(bin_edges, edges):
        np.testing.assert_allclose(a.numpy(), b, rtol=1e-12)
    expected, _ = np.histogram(POINTS[:, 0], 7, density=density, **weight)
    np.testing.assert_allclose(rl.histogram(rl.tensor(POINTS[:, 0]), 7, density=density, **ours)[0].numpy(), expected)


def test_the_gradient_of_a_weight_is_that_of_its_bin():
    weight = rl.ones(4, requires_grad=True)
    hist = rl.histogram(rl.tensor([0.0, 1.0, 1.5, 9.0]), 2, range=(0.0, 2.0), weight=weight).hist
    (hist * rl.tensor([2.0, 3.0])).sum().backward()
    assert weight.grad.tolist() == [2, 3, 3, 0]


def test_the_range_of_each_dimension_and_edges():
    x = rl.tensor([[0.0, 3.0], [1.0, 4.0]])
    hist = rl.histogramdd(x, 2, range=[0.0, 2.0, 3.0, 5.0]).hist
    assert hist.tolist() == [[1, 0], [0, 1]]
    hist, edges = rl.histogramdd(x, [rl.tensor([0.0, 2.0]), rl.tensor([3.0, 3.5, 4.0])])
    assert hist.tolist() == [[1, 1]]
    assert edges[1].tolist() == [3, 3.5, 4]


X = rl.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: rl.histogram(X, 0), RuntimeError, "torch.histogram(): bins must be > 0, but got 0 for dimension 0"),
        (lambda: rl.histogram(X, 2.5), TypeError, "histogram() received an invalid combination of arguments"),
        (lambda: rl.histogram(X.long(), 3), NotImplementedError, "\"histogramdd\" not implemented for 'Long'"),
        (lambda: rl.histogram(X, 3, range=(4, 0)), RuntimeError, "min should not exceed max, but got min 4 max 0"),
        (
            lambda: rl.histogram(X, 3, range=(0, float("inf"))),
            RuntimeError,
            "dimension 0's range [0, inf] is not finite",
        ),
        (
            lambda: rl.histogram(X, 3, range=(0, 1, 2)),
            RuntimeError,
            "histogram range should have 2 elements, but got 3",
        ),
        (lambda: rl.histogram(X, rl.ones(1, 2)), RuntimeError, "bins tensor should have one dimension, but got 2"),
        (
            lambda: rl.histogram(X, rl.ones(2).double()),
            RuntimeError,
            "input tensor and bins tensors should have the same",
        ),
        (lambda: rl.histogram(X, rl.ones(0)), RuntimeError, "bins tensor should have at least 1 element, but got 0"),
        (
            lambda: rl.histogram(X, 3, weight=rl.ones(3)),
            RuntimeError,
            "but got input with shape [6, 1] and weight with shape [3]",
        ),
        (
            lambda: rl.histogram(X, 3, weight=rl.ones(2, 3).double()),
            RuntimeError,
            "but got input(float), and weight(double)",
        ),
        (lambda: rl.histogramdd(X, [2, 2]), RuntimeError, "bins must be equal to the innermost dimension of the input"),
        (lambda: rl.histogramdd(X[0], [2]), RuntimeError, "input tensor should have at least 2 dimensions"),
    ],
)
def test_refused(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_kernel_finds_the_cells_that_the_meaning_finds(dtype):
    from rushlight.ops import search

    points = RANDOM.normal(size=(400, 2)).astype(dtype)
    points[:5, 0] = [np.nan, np.inf, -np.inf, 0.1, 0.2]
    even, uneven = np.linspace(-2, 2, 41).astype(dtype), np.array([-1, 0.1, 0.1, 0.2, 3], dtype)
    points[5:46, 1] = even
    for edges in ((even, uneven), (uneven, even), (even[:2], even[:2])):
        expected = search.cell.forward(points, *edges)
        np.testing.assert_array_equal(search.cell.compute([points, *edges], {}), expected)
