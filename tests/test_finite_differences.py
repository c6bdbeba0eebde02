"""torch.gradient, frexp and renorm."""

import math

import numpy as np
import pytest

import rushlight as rl

RANDOM = np.random.default_rng(4)
SAMPLES = RANDOM.normal(size=(5, 6))
COORDINATES = [np.sort(RANDOM.normal(size=n)) for n in SAMPLES.shape]


@pytest.mark.parametrize("edge_order", [1, 2])
@pytest.mark.parametrize("spacing", [(), (2.0,), (1.0, 0.5), COORDINATES], ids=["none", "one", "two", "coordinates"])
def test_as_numpy_has_them(spacing, edge_order):
    expected = np.gradient(SAMPLES, *spacing, edge_order=edge_order)
    given = {"spacing": [rl.tensor(s) if isinstance(s, np.ndarray) else s for s in spacing]} if spacing else {}
    given = {"spacing": spacing[0]} if len(spacing) == 1 else given
    for ours, wanted in zip(rl.gradient(rl.tensor(SAMPLES), edge_order=edge_order, **given), expected, strict=True):
        np.testing.assert_allclose(ours.numpy(), wanted, rtol=1e-10)


@pytest.mark.parametrize("edge_order", [1, 2])
def test_a_parabola_has_its_slope(edge_order):
    x = rl.tensor([0.0, 0.5, 2.0, 3.0], dtype=rl.float64)
    (slope,) = rl.gradient(x * x, spacing=(x,), edge_order=edge_order)
    inner = slice(None) if edge_order == 2 else slice(1, -1)
    np.testing.assert_allclose(slope[inner].numpy(), 2 * x[inner].numpy(), rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2])
def test_derivatives_by_samples_and_by_coordinates(order):
    x = rl.tensor(SAMPLES, requires_grad=True)
    c = rl.tensor(COORDINATES[1], requires_grad=True)

    def along(x, c):
        return rl.gradient(x, spacing=(c,), dim=1, edge_order=order)

    assert rl.autograd.gradcheck(along, (x, c))
    assert rl.autograd.gradgradcheck(along, (x, c))


def test_dimensions_and_whole_numbers():
    x = rl.tensor([[0, 1, 4], [1, 3, 9]])
    assert [g.tolist() for g in rl.gradient(x, dim=-1)] == [[[1, 2, 3], [2, 4, 6]]]
    assert [g.shape for g in rl.gradient(x, dim=(1, 0))] == [(2, 3), (2, 3)]
    assert rl.gradient(rl.tensor(1.0)) == ()


@pytest.mark.parametrize(
    "named, error, words",
    [
        ({"spacing": [0.1], "dim": (1, 0)}, RuntimeError, "expected spacing to be unspecified, a scalar or"),
        (
            {"spacing": [0.1]},
            RuntimeError,
            "list of length equal to 'self.dim() = 2', since dim argument was not given",
        ),
        ({"edge_order": 3}, RuntimeError, "torch.gradient only supports edge_order=1 and edge_order=2."),
        ({"dim": (1, 1)}, RuntimeError, "dim 1 appears multiple times in the list of dims"),
        ({"dim": 3}, IndexError, "Dimension out of range (expected to be in range of [-2, 1], but got 3)"),
        ({"edge_order": 2}, RuntimeError, "torch.gradient expected each dimension size to be at least edge_order+1"),
        ({"spacing": [rl.ones(1, 2)], "dim": 0}, RuntimeError, "to have one dimension, but got an element with 2"),
        ({"spacing": [rl.ones(3)], "dim": 0}, RuntimeError, "3 elements for a dimension of size 2"),
    ],
)
def test_refused(named, error, words):
    with pytest.raises(error) as caught:
        rl.gradient(rl.ones(2, 3), **named)
    assert words.replace("scalar or", "scalar, or") in str(caught.value)


# -- mantissa and exponent


def test_frexp():
    x = rl.tensor([math.inf, -math.inf, 0.0, -0.0, 3.0, 1e-40])
    mantissa, exponent = rl.frexp(x)
    assert mantissa.tolist()[:5] == [math.inf, -math.inf, 0.0, -0.0, 0.75]
    assert exponent.dtype is rl.int32 and exponent.tolist() == [0, 0, 0, 0, 2, -132]
    half = rl.tensor([1.0], dtype=rl.float16).frexp()
    assert half.mantissa.dtype is rl.float16 and half.mantissa.item() == 0.5
    for wrong in (rl.ones(1).long(), rl.tensor([1j])):
        with pytest.raises(RuntimeError, match="only supports floating-point dtypes"):
            rl.frexp(wrong)


def test_frexp_gives_each_part_its_gradient():
    x = rl.tensor([3.0, -0.3], requires_grad=True)
    mantissa, exponent = rl.frexp(x)
    assert mantissa.requires_grad and not exponent.requires_grad
    mantissa.sum().backward()
    assert x.grad.tolist() == [0.25, 2.0]


# -- renorm


def test_renorm():
    x = rl.tensor([[3.0, 4.0], [0.0, 1.0]])
    np.testing.assert_allclose(rl.renorm(x, 2, 0, 2.5).numpy(), [[1.5, 2], [0, 1]], rtol=1e-6)
    np.testing.assert_allclose(rl.renorm(x, math.inf, 1, 2).numpy(), [[2, 2], [0, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(rl.renorm(x, 1, -1, 2.5).numpy(), [[2.5, 2], [0, 0.5]], rtol=1e-6)
    y = x.clone()
    assert y.renorm_(2, 0, 2.5) is y and y.tolist() == rl.renorm(x, 2, 0, 2.5).tolist()
    assert rl.renorm(x.half(), 2, 0, 2.5).dtype is rl.float16


def test_gradients_of_renorm():
    x = rl.tensor(SAMPLES, requires_grad=True)
    assert rl.autograd.gradcheck(lambda x: rl.renorm(x, 3, 0, 1.7), (x,))
    assert rl.autograd.gradcheck(lambda x: x.clone().renorm_(3, 0, 1.7), (x,))
    assert rl.autograd.gradgradcheck(lambda x: rl.renorm(x, 2, 1, 1.7), (x,))


@pytest.mark.parametrize(
    "args, words",
    [
        ((0, 0, 1), "renorm: non-positive-norm not supported"),
        ((1j, 0, 1), "renorm: p must be real-valued"),
        ((2, 0, -1), "renorm: expected maxnorm to be >= 0 but got -1"),
        ((2, 0, 1j), "renorm: maxnorm must be real-valued"),
    ],
)
def test_renorm_refuses(args, words):
    with pytest.raises(RuntimeError) as caught:
        rl.renorm(rl.ones(2, 2), *args)
    assert words in str(caught.value)
    with pytest.raises(RuntimeError, match="renorm: input needs at least 2 dimensions, got 1 dimensions"):
        rl.renorm(rl.ones(2), 2, 0, 1)
