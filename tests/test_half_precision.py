"""float16 and bfloat16 compute in float32: the result is that of float32, rounded once."""

import numpy as np
import pytest

import rushlight as rl
from rushlight import nn

F = nn.functional


@pytest.fixture(params=["float16", "bfloat16"])
def dtype(request):
    if request.param == "bfloat16":
        pytest.importorskip("ml_dtypes")
    return getattr(rl, request.param)


def made(dtype, *shape):
    numbers = np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)
    return rl.tensor(numbers).to(dtype)


FUNCTIONS = {
    "mul": (lambda x: x * x * 1.1, (50, 40), 1),
    "exp": (lambda x: x.exp(), (50, 40), 0),
    "gelu": (F.gelu, (50, 40), 1),
    "glu": (F.glu, (50, 40), 0),
    "lerp": (lambda x: x.lerp(x.flip(0), 0.3), (50, 40), 1),
    "sum": (lambda x: x.sum(), (300, 200), 0),
    "sum of columns": (lambda x: x.abs().sum(0), (3000, 20), 0),
    "mean": (lambda x: x.abs().mean(), (300, 200), 0),
    "var": (lambda x: (x + 8).to(x.dtype).var(0), (300, 20), 0),
    "cumsum": (lambda x: x.cumsum(0), (300, 20), 0),
    "norm": (lambda x: x.norm(), (300, 200), 0),
    "logsumexp": (lambda x: x.logsumexp(0), (300, 20), 0),
    "trace": (lambda x: x.trace(), (300, 300), 0),
    "softmax": (lambda x: x.softmax(-1), (30, 200), 1),
    "log_softmax": (lambda x: x.log_softmax(-1), (30, 200), 0),
    "mm": (lambda x: x @ x, (64, 64), 0),
    "mv": (lambda x: x @ x[0], (64, 64), 0),
    "addmm": (lambda x: rl.addmm(x, x, x, beta=0.3, alpha=1.7), (64, 64), 0),
    "addmv": (lambda x: rl.addmv(x[0], x, x[1], alpha=0.7), (64, 64), 0),
    "addbmm": (lambda x: rl.addbmm(x[0], x, x, beta=2), (8, 16, 16), 0),
    "baddbmm": (lambda x: rl.baddbmm(x, x, x, alpha=3), (8, 16, 16), 0),
    "linear": (lambda x: F.linear(x, x, x[0]), (64, 64), 0),
    "conv2d": (lambda x: F.conv2d(x, x[:2, :, :3, :3], x[0, 0, 0, :2]), (4, 3, 12, 12), 0),
    "layer_norm": (lambda x: F.layer_norm(x, (40,), x[0], x[1]), (50, 40), 0),
    "group_norm": (lambda x: F.group_norm(x, 4, x[0], x[1]), (50, 40), 0),
    "batch_norm": (lambda x: F.batch_norm(x, None, None, x[0], x[1], True), (50, 40), 1),
    "batch_norm in evaluation": (lambda x: F.batch_norm(x, x[0], x[1].abs() + 1, x[2], x[3]), (50, 40), 1),
    "attention": (lambda x: F.scaled_dot_product_attention(x, x, x), (2, 20, 8), 0),
    "causal attention": (lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True), (2, 20, 8), 0),
    "attention with a mask": (lambda x: F.scaled_dot_product_attention(x, x, x, x[:, :, :20]), (2, 20, 20), 0),
}


def unlike(a, b):
    """By how many numbers of the dtype two results are apart, at most."""
    bits = [t._array.view(np.int16).astype(np.int64) for t in (a, b)]
    ordered = [np.where(n < 0, -32768 - n, n) for n in bits]
    return int(np.abs(ordered[0] - ordered[1]).max())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_result_is_that_of_float32_rounded_once(name, dtype):
    function, shape, apart = FUNCTIONS[name]
    x = made(dtype, *shape)
    out = function(x)
    if name == "mul":
        wide = (x.float() * x.float()).to(dtype).float() * 1.1
    elif name == "sum of columns":
        wide = x.float().abs().sum(0)
    elif name == "var":
        wide = (x.float() + 8).to(dtype).float().var(0)
    elif name == "batch_norm in evaluation":
        s = x.float()
        wide = F.batch_norm(s, s[0], (x[1].abs() + 1).float(), s[2], s[3])
    else:
        wide = function(x.float())
    assert out.dtype is dtype and unlike(out, wide.to(dtype)) <= apart


@pytest.mark.parametrize("name", ["linear", "layer_norm", "conv2d", "softmax", "attention with a mask", "glu", "addmm"])
def test_gradients_are_in_the_dtype_and_near_those_of_float32(name, dtype):
    function, shape, _ = FUNCTIONS[name]
    x = made(dtype, *shape).requires_grad_()
    wide = x.detach().float().requires_grad_()
    (g,) = rl.autograd.grad(function(x).float().square().sum(), x)
    (expected,) = rl.autograd.grad(function(wide).square().sum(), wide)
    near = 8 * rl.finfo(dtype).eps * expected.abs().max().item()
    assert g.dtype is dtype and rl.allclose(g.float(), expected, rtol=0, atol=near)
