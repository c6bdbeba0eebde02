"""Gradients of large sums: one number for all elements, of which there is no array until somebody wants one."""

import numpy as np
import pytest

import rushlight as rl
from rushlight.nn import functional as F

# From where on kernels write no array.
MANY = 40_000
UNARY = ["neg", "exp", "sin", "tanh", "sigmoid", "abs", "sqrt", "square", "log1p", "reciprocal", "relu", "clone"]
FUNCTIONS = {
    **{name: lambda x, y, name=name: getattr(x, name)() for name in UNARY},
    "add": lambda x, y: x + y,
    "mul": lambda x, y: x * y + x,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**3 + x**y,
    "where": lambda x, y: rl.where(x > y, x, 0.1 * y),
    "maximum": lambda x, y: rl.maximum(x, y) + rl.minimum(x, 2 * y),
    "clamp": lambda x, y: x.clamp(0.3, 0.6),
    "leaky_relu": lambda x, y: F.leaky_relu(x - y),
    "gelu": lambda x, y: F.gelu(x) + F.silu(y) + F.softplus(x) + F.elu(y),
    "view": lambda x, y: x.view(100, -1).t() * y.view(-1, 100),
    "slices": lambda x, y: x[1:] * y[:-1],
    "row and column": lambda x, y: x.view(200, -1) * y[:200] + y[:200].view(-1, 1),
    "product": lambda x, y: x.view(400, 100) @ y.view(100, 400),
    "softmax": lambda x, y: x.view(200, -1).softmax(1) * y.view(200, -1),
    "layer_norm": lambda x, y: F.layer_norm(x.view(200, -1), (200,)) * y.view(200, -1),
    "cat": lambda x, y: rl.cat([x, y]),
    "unbind": lambda x, y: rl.stack([x, y]).unbind(0)[1],
    "cumsum": lambda x, y: x.cumsum(0) / MANY,
    "double": lambda x, y: x.double() * y,
    "expand": lambda x, y: x[:1].expand(MANY) * y,
}


def leaves(n=MANY):
    rng = np.random.default_rng(0)
    return [rl.from_numpy(rng.uniform(0.1, 0.9, n).astype(np.float32)).requires_grad_() for _ in range(2)]


def gradients(function, of_ones, mean=False):
    """Of the sum, or of the outputs with an array of ones or parts for gradient."""
    x, y = leaves()
    out = function(x, y)
    if of_ones:
        out.backward(rl.full_like(out, 1 / out.numel() if mean else 1))
    else:
        (out.mean() if mean else out.sum()).backward()
    return [leaf.grad for leaf in (x, y) if leaf.grad is not None]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("mean", [False, True], ids=["sum", "mean"])
def test_it_is_as_if_there_were_an_array(name, mean):
    for ours, wanted in zip(*(gradients(FUNCTIONS[name], of_ones, mean) for of_ones in (False, True)), strict=True):
        np.testing.assert_allclose(ours.numpy(), wanted.numpy(), rtol=1e-5, atol=1e-6 / (MANY if mean else 1))
        assert ours.is_contiguous()


def test_leaves_have_gradients_of_their_own():
    x, y = leaves()
    (x + y).sum().backward()
    x.grad.mul_(2)
    assert (x.grad == 2).all() and (y.grad == 1).all()
    (x + y).sum().backward()
    assert (x.grad == 3).all() and (y.grad == 2).all()


def test_hooks_and_callers_may_write_to_it():
    x, y = leaves()
    z = x * 1
    z.register_hook(lambda g: g.mul_(2))
    x.register_hook(lambda g: g.add_(1))
    z.retain_grad()
    z.sum().backward()
    assert (x.grad == 3).all()
    z.grad.add_(1)
    (g,) = rl.autograd.grad((y * 1).sum() + y.sum(), y)
    assert (g.add_(1) == 3).all()
    z = y * 1
    (g,) = rl.autograd.grad(z.sum(), z)
    assert (g.add_(1) == 2).all()


def test_functions_may_write_to_it():
    class Twice(rl.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g.mul_(2)

    x, _ = leaves()
    Twice.apply(x).sum().backward()
    assert (x.grad == 2).all()


def test_a_second_derivative():
    x, y = leaves()
    (g,) = rl.autograd.grad((x * x * y).sum(), x, create_graph=True)
    g.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * y.detach().numpy(), rtol=1e-6)
    np.testing.assert_allclose(y.grad.numpy(), 2 * x.detach().numpy(), rtol=1e-6)
