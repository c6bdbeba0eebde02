"""Corners of vmap and of the transforms: each test is a program that once went wrong."""

import gc

import numpy as np

import rushlight as rl
from rushlight import func
from rushlight.func import grad, vmap


def drawn(*shape, seed=0):
    return rl.from_numpy(np.random.default_rng(seed).uniform(-1, 1, shape))


def close(a, b):
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-9)


def loop(f, *batches):
    return rl.stack([f(*[x[k] for x in batches]) for k in range(len(batches[0]))])


# -- memory


def test_a_write_to_a_part_of_what_has_gaps_between_its_elements():
    base = rl.from_numpy(np.arange(10.0)[::2])
    scale = rl.full((2,), 3.0, dtype=rl.float64, requires_grad=True)
    base[3:].mul_(scale)
    base.square().sum().backward()
    assert base.tolist() == [0.0, 2.0, 4.0, 18.0, 24.0]
    assert scale.grad.tolist() == [2 * 18.0 * 6.0, 2 * 24.0 * 8.0]


def test_gradients_of_writes_to_parts_of_samples_that_lie_between_one_another():
    def f(a, b):
        t = (a * b).clone()
        t[..., 0] = (b * a).sum()
        return t.sin().sum()

    x, y = drawn(3, 3, 3).requires_grad_(), drawn(3, 2, 1, 3, seed=1)
    found = vmap(grad(f, 1), in_dims=(1, 0))(x, y)
    gc.collect()
    close(found, loop(grad(f, 1), x.movedim(1, 0), y))


# -- views


def test_the_transpose_of_a_sample_without_dimensions_is_a_view():
    def f(a):
        t = a.clone()
        t.t().add_(1)
        return t

    close(vmap(f)(drawn(3)), loop(f, drawn(3)))


def test_a_view_made_under_no_grad_leaves_without_history():
    def f(a):
        with rl.no_grad():
            part = a[..., :1]
        return part, a * 2

    x = drawn(2, 2)
    for out in (func.linearize(f, x)[0], func.vjp(f, x)[0]):
        assert [part.requires_grad for part in out] == [False, False]
