"""grid_sample, affine_grid, embedding_bag and attention: derivatives of both orders, forward mode, batches by vmap."""

import itertools

import numpy as np
import pytest

import rushlight
from rushlight import autograd
from rushlight.nn import functional as F


def uniform(*shape, seed=0, low=-1.0, high=1.0):
    return rushlight.from_numpy(np.random.default_rng(seed).uniform(low, high, shape)).requires_grad_()


def check(function, *inputs):
    """Reverse, forward and second derivatives, and a batch against its samples one by one."""
    assert autograd.gradcheck(function, inputs, check_forward_ad=True)
    assert autograd.gradgradcheck(function, inputs)
    stacked = [rushlight.stack([x.detach(), x.detach() * 0.9]) for x in inputs]
    together = rushlight.func.vmap(function)(*stacked)
    for i in range(2):
        np.testing.assert_allclose(together[i], function(*[x[i] for x in stacked]), rtol=1e-9, atol=1e-12)


PADDINGS = ["zeros", "border", "reflection"]


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize(("mode", "padding"), list(itertools.product(["bilinear", "nearest", "bicubic"], PADDINGS)))
def test_grid_sample_of_images(mode, padding, align_corners):
    grid = uniform(2, 3, 2, 2, seed=1, low=-1.3, high=1.3)
    check(lambda x, g: F.grid_sample(x, g, mode, padding, align_corners), uniform(2, 2, 3, 4), grid)


@pytest.mark.parametrize(("mode", "padding"), list(itertools.product(["bilinear", "nearest"], PADDINGS)))
def test_grid_sample_of_volumes(mode, padding):
    grid = uniform(1, 2, 1, 2, 3, seed=1, low=-1.3, high=1.3)
    check(lambda x, g: F.grid_sample(x, g, mode, padding, False), uniform(1, 2, 3, 2, 2), grid)


def test_grid_sample_far_outside():
    x = rushlight.ones(1, 1, 2, 2)
    grid = rushlight.tensor([[[[1e30, 0.0], [float("inf"), 0.0], [0.0, 0.0]]]])
    assert F.grid_sample(x, grid, align_corners=False).tolist() == [[[[0.0, 0.0, 1.0]]]]


@pytest.mark.parametrize("align_corners", [False, True])
def test_affine_grid(align_corners):
    check(lambda theta: F.affine_grid(theta, (2, 1, 3, 2), align_corners), uniform(2, 2, 3))
    check(lambda theta: F.affine_grid(theta, (2, 1, 2, 3, 2), align_corners), uniform(2, 3, 4))


@pytest.mark.parametrize("options", [{}, {"padding_idx": 1}, {"include_last_offset": True}])
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_embedding_bag(mode, options):
    indices, offsets = rushlight.tensor([1, 2, 0, 3, 1, 1, 3]), rushlight.tensor([0, 2, 2, 5])
    check(lambda table: F.embedding_bag(indices, table, offsets, mode=mode, **options), uniform(4, 3))


@pytest.mark.parametrize("padding_idx", [None, 1])
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_of_samples_with_their_own_indices(mode, padding_idx):
    table, indices = uniform(4, 3).detach(), rushlight.tensor([[[0, 1], [2, 3]], [[1, 1], [3, 0]]])

    def bags(indices):
        return F.embedding_bag(indices, table, mode=mode, padding_idx=padding_idx)

    together = rushlight.func.vmap(bags)(indices)
    for i in range(2):
        np.testing.assert_allclose(together[i], bags(indices[i]), rtol=1e-12)


def test_embedding_bag_with_weights():
    indices = rushlight.tensor([[1, 2], [0, 3], [1, 1]])

    def bags(table, weights):
        return F.embedding_bag(indices, table, mode="sum", per_sample_weights=weights, padding_idx=2)

    check(bags, uniform(4, 3), uniform(3, 2))


def test_an_empty_bag_and_ties_of_the_largest():
    table = rushlight.tensor([[1.0, 2.0], [1.0, 0.0]], requires_grad=True)
    out = F.embedding_bag(rushlight.tensor([0, 1]), table, rushlight.tensor([0, 2]), mode="max")
    assert out.tolist() == [[1.0, 2.0], [0.0, 0.0]]
    out.sum().backward()
    assert table.grad.tolist() == [[1.0, 1.0], [0.0, 0.0]]


MASK = [[False] * 5, [True, False, True, True, False], [False, False, False, False, True]]


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"attn_mask": MASK}, {"scale": 0.3}, {"scale": -0.5}])
def test_attention(options):
    if "attn_mask" in options:
        options = {"attn_mask": rushlight.tensor(MASK)}
    inputs = uniform(2, 3, 4), uniform(2, 5, 4, seed=1), uniform(2, 5, 3, seed=2)
    check(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **options), *inputs)


def test_attention_with_a_floating_mask_and_shared_heads():
    inputs = uniform(2, 3, 4), uniform(2, 5, 4, seed=1), uniform(2, 5, 3, seed=2), uniform(3, 5, seed=3)
    check(F.scaled_dot_product_attention, *inputs)
    heads = uniform(1, 4, 3, 2), uniform(1, 2, 3, 2, seed=1), uniform(1, 2, 3, 2, seed=2)
    check(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True), *heads)


@pytest.mark.parametrize(
    ("name", "words"),
    [("gather", "out of bounds"), ("index_select", "out of range"), ("take_along_dim", "out of bounds")],
)
def test_indices_of_every_sample_are_checked(name, words):
    x, indices = rushlight.zeros(2, 3), rushlight.tensor([[0, 1], [2, 7]])
    with pytest.raises((RuntimeError, IndexError), match=words):
        rushlight.func.vmap(lambda x, i: getattr(rushlight, name)(x, *((i, 0) if "along" in name else (0, i))))(
            x, indices
        )


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode, d", [("bilinear", 2), ("nearest", 2), ("bicubic", 2), ("bilinear", 3), ("nearest", 3)])
def test_a_point_that_is_nan_reads_nan(mode, d, padding):
    """No element, and not zero; no element gets a gradient of it, and the other points are as ever."""
    x = rushlight.arange(2.0 * 3**d).reshape(1, 2, *[3] * d).requires_grad_()
    place = [0.0] * d
    points = [[np.nan, *place[1:]], [*place[1:], np.nan], place]
    grid = rushlight.tensor(points).reshape(1, *[1] * (d - 1), 3, d).requires_grad_()
    out = F.grid_sample(x, grid, mode=mode, padding_mode=padding, align_corners=True).reshape(2, 3)
    assert out.isnan().tolist() == [[True, True, False]] * 2
    assert out[0, 2] == x[0, 0].mean()
    out.sum().backward()
    wanted = rushlight.zeros_like(x)
    wanted[(0, slice(None), *[1] * d)] = 1
    assert rushlight.equal(x.grad, wanted)
    assert bool(grid.grad.reshape(3, d)[2].isfinite().all())
