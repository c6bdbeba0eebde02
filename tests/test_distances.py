"""cdist and pdist: values, conventions where points coincide, derivatives of both orders, and PyTorch's words."""

import math

import numpy as np
import pytest

import rushlight
from rushlight import autograd
from rushlight.nn.functional import pdist

ORDERS = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, math.inf]
POINTS = [[1.0, 2.0], [0.0, 3.0], [1.0, 2.0], [1.0, 3.5]]


def points(rows=POINTS, **options):
    return rushlight.tensor(rows, dtype=rushlight.float64, **options)


def random_points(*shape, seed=0):
    x = np.random.default_rng(seed).uniform(-1, 1, shape)
    return rushlight.from_numpy(x).requires_grad_()


def test_values():
    x1, x2 = points([[0.0, 0.0], [3.0, 0.0]]), points([[0.0, 4.0]])
    assert rushlight.cdist(x1, x2).tolist() == [[4.0], [5.0]]
    assert rushlight.cdist(x1, x2, p=1).tolist() == [[4.0], [7.0]]
    assert rushlight.cdist(x1, x2, p=math.inf).tolist() == [[4.0], [4.0]]
    assert rushlight.cdist(x1, x2, p=0).tolist() == [[1.0], [2.0]]


def test_both_ways_to_euclidean_distances_agree():
    x1, x2 = random_points(2, 30, 5), random_points(2, 4, 5, seed=1)
    by_product = rushlight.cdist(x1, x2)
    one_by_one = rushlight.cdist(x1, x2, compute_mode="donot_use_mm_for_euclid_dist")
    np.testing.assert_allclose(by_product.detach(), one_by_one.detach(), rtol=1e-12)
    grads = [autograd.grad(d.square().sum(), (x1, x2)) for d in (by_product, one_by_one)]
    for a, b in zip(*grads):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_long_tables_are_done_in_blocks(monkeypatch):
    from rushlight.ops import distance

    x1, x2 = random_points(7, 3), random_points(5, 3, seed=1)
    whole = rushlight.cdist(x1, x2, p=3.0)
    monkeypatch.setattr(distance, "BLOCK", 30)
    assert rushlight.cdist(x1, x2, p=3.0).tolist() == whole.tolist()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("p", ORDERS)
@pytest.mark.parametrize(
    "shape", [((33, 5), (40, 5)), ((2, 3, 17, 70), (2, 3, 65, 70)), ((1, 1), (130, 1)), ((3, 0), (2, 0))]
)
def test_kernels_find_what_the_python_meaning_finds(shape, p, dtype):
    from rushlight import core
    from rushlight.ops import distance

    if dtype == "float32" and p not in (0, 1, 2):
        p = 3.0
    random = np.random.default_rng(0)
    x1, x2 = [random.uniform(-1, 1, s).astype(dtype) for s in shape]
    g = random.uniform(-1, 1, (*x1.shape[:-1], x2.shape[-2])).astype(dtype)
    few = 1e-12 if dtype == "float64" else 1e-5
    # Where points coincide the product that is the meaning of euclidean_dist leaves its rounding: they are for the last.
    ops = [(distance.euclidean_dist, {})] * (p == 2) + [(distance.cdist, {"ord": p})]
    for op, params in ops:
        if op is distance.cdist and x1.shape[-1] > 1:
            x1[..., 0, :] = x2[..., 1, :]
        found = op(core.wrap(x1), core.wrap(x2), **params)
        meant = op.forward(x1, x2, **params)
        np.testing.assert_allclose(found, meant, rtol=few, atol=few)
        a, b = [rushlight.from_numpy(x).requires_grad_() for x in (x1, x2)]
        out = op(a, b, **params)
        quick = autograd.grad(out, (a, b), rushlight.from_numpy(g), retain_graph=True)
        slow = autograd.grad(out, (a, b), rushlight.from_numpy(g), create_graph=True)
        for one, other in zip(quick, slow):
            np.testing.assert_allclose(one, other.detach(), rtol=few, atol=20 * few)


def test_float32_points_that_are_close_stay_apart():
    x = rushlight.full((30, 8), 100.0)
    y = x.clone()
    y[0, 0] += 0.01
    assert float(rushlight.cdist(x, y)[0, 0]) == pytest.approx(0.01, rel=1e-2)
    assert float(rushlight.cdist(x, y)[1, 1]) == 0.0


@pytest.mark.parametrize("p", ORDERS)
def test_coincident_points_give_finite_derivatives_of_both_orders(p):
    x = points(requires_grad=True)
    for distances in (rushlight.cdist(x, x, p=p), pdist(x, p=p)):
        (grad,) = autograd.grad(distances.sum(), x, create_graph=True)
        assert bool(grad.isfinite().all())
        if grad.requires_grad:
            (second,) = autograd.grad(grad.square().sum(), x, allow_unused=True, materialize_grads=True)
            assert bool(second.isfinite().all())


@pytest.mark.parametrize("p", ORDERS)
def test_derivatives(p):
    x1, x2 = random_points(4, 3), random_points(2, 5, 3, seed=1)
    assert autograd.gradcheck(lambda a, b: rushlight.cdist(a, b, p=p), (x1, x2), check_forward_ad=True)
    assert autograd.gradgradcheck(lambda a, b: rushlight.cdist(a, b, p=p), (x1, x2))
    assert autograd.gradcheck(lambda a: pdist(a, p=p), (x1,), check_forward_ad=True)
    assert autograd.gradgradcheck(lambda a: pdist(a, p=p), (x1,))


def test_derivatives_by_product():
    def distances(a, b):
        return rushlight.cdist(a, b, compute_mode="use_mm_for_euclid_dist")

    x1, x2 = random_points(4, 3), random_points(2, 5, 3, seed=1)
    assert autograd.gradcheck(distances, (x1, x2), check_forward_ad=True)
    assert autograd.gradgradcheck(distances, (x1, x2))


@pytest.mark.parametrize("p", [1.5, 2.0])
def test_batches_by_vmap(p):
    x, y = random_points(3, 4, 2).detach(), random_points(5, 2, seed=1).detach()
    vmap, grad = rushlight.func.vmap, rushlight.func.grad

    def total(x):
        return rushlight.cdist(x, y, p=p).sum() + pdist(x, p=p).square().sum()

    together = vmap(grad(total))(x)
    for n in range(3):
        np.testing.assert_allclose(together[n], grad(total)(x[n]), rtol=1e-12)
    assert vmap(lambda x: rushlight.cdist(x, y, compute_mode="use_mm_for_euclid_dist"))(x).shape == (3, 4, 5)


def test_nothing_to_measure():
    assert rushlight.cdist(rushlight.zeros(0, 4), rushlight.zeros(3, 4)).shape == (0, 3)
    assert rushlight.cdist(rushlight.zeros(2, 0), rushlight.zeros(3, 0)).tolist() == [[0.0] * 3] * 2
    assert rushlight.cdist(rushlight.zeros(2, 0), rushlight.zeros(3, 0), p=math.inf).tolist() == [[0.0] * 3] * 2
    assert pdist(rushlight.zeros(1, 4)).shape == (0,)


CALLS = [
    lambda lib: lib.cdist(lib.zeros(3, 4), lib.zeros(5, 4), compute_mode="foo"),
    lambda lib: lib.cdist(lib.zeros(3, 4), lib.zeros(5, 4), p=-1),
    lambda lib: lib.cdist(lib.zeros(3, 4), lib.zeros(5, 3)),
    lambda lib: lib.cdist(lib.zeros(3, 4), lib.zeros(5)),
    lambda lib: lib.cdist(lib.zeros(4), lib.zeros(3, 4)),
    lambda lib: lib.cdist(lib.zeros(3, 4), lib.zeros(5, 4, dtype=lib.float64)),
    lambda lib: lib.cdist(lib.zeros(3, 4, dtype=lib.int64), lib.zeros(5, 4)),
    lambda lib: lib.cdist(lib.zeros(3, 4), lib.zeros(5, 4, dtype=lib.int64)),
    lambda lib: lib.cdist(lib.zeros(2, 3, 4), lib.zeros(3, 5, 4)),
    lambda lib: lib.cdist(3, lib.zeros(5, 4)),
    lambda lib: lib.cdist(lib.zeros(3, 4), lib.zeros(5, 4), p="a"),
    lambda lib: lib.cdist(lib.zeros(3, 4, dtype=lib.float16), lib.zeros(5, 4, dtype=lib.float16)),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", CALLS)
def test_refusals_are_pytorchs(call):
    torch = pytest.importorskip("torch")
    with pytest.raises(Exception) as theirs:
        call(torch)
    with pytest.raises(theirs.type) as ours:
        call(rushlight)
    assert str(ours.value).split("\n")[0] == str(theirs.value).split("\n")[0]


@pytest.mark.parity
@pytest.mark.parametrize("p", ORDERS)
def test_gradients_at_coincident_points_are_pytorchs(p):
    torch = pytest.importorskip("torch")
    found = []
    for lib in (rushlight, torch):
        x = lib.tensor(POINTS, dtype=lib.float64, requires_grad=True)
        y = lib.tensor(POINTS[1:], dtype=lib.float64, requires_grad=True)
        d, e = lib.cdist(x, y, p=p), lib.pdist(x, p=p)
        ((d * d).sum() + d.sum() + e.sum()).backward()
        found.append([d.tolist(), e.tolist(), x.grad.tolist(), y.grad.tolist()])
    for ours, theirs in zip(*found):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
