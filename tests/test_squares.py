"""The product of a tensor and itself, whose two gradients are computed once."""

import numpy as np
import pytest

import rushlight as rl


def leaf(*shape, dtype="float64"):
    return rl.tensor(np.random.default_rng(3).standard_normal(shape).astype(dtype), requires_grad=True)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_the_gradient_is_that_of_two_factors(dtype, shape):
    x, y = leaf(*shape, dtype=dtype), leaf(*shape, dtype=dtype)
    weights = rl.ones(shape) * 3
    (x * x * weights).abs().sum().backward()
    (y * y.clone() * weights).abs().sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-6)


def test_an_incoming_gradient_stays_as_it_was():
    x, g = leaf(4), rl.ones(4, dtype=rl.float64)
    y = x * 1
    (y * y).backward(g)
    assert g.tolist() == [1.0] * 4
    np.testing.assert_allclose(x.grad.numpy(), 2 * x.detach().numpy())


def test_entries_of_one_node_are_told_apart():
    x = leaf(3)
    a, b, c = x.unbind()
    (a * b + b * b + c * a).backward()
    p, q, r = x.tolist()
    np.testing.assert_allclose(x.grad.numpy(), [q + r, p + 2 * q, p])


def test_a_factor_written_to_in_between():
    x = leaf(3)
    y = x * 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z = y * y
        y.add_(1)
        z.sum().backward()


def test_higher_derivatives_and_hooks():
    x, seen = leaf(3), []
    assert rl.autograd.gradgradcheck(lambda x: (x * x * x).sum(), (x,))
    y = x * 1
    out = y * y
    out.grad_fn.register_hook(lambda given, received: seen.append([g.tolist() for g in given]))
    y.register_hook(lambda g: seen.append(g.tolist()))
    out.sum().backward()
    assert seen == [[x.tolist(), x.tolist()], [2 * v for v in x.tolist()]]
