"""The same bits whatever number of threads share a loop, in every kernel of ours (products of matrices are BLAS's own)."""

import numpy as np
import pytest

import rushlight as rl
from rushlight import nn

F = nn.functional
# Enough numbers that each loop wakes the threads.
N, SIDE = 300_000, 550


def numbers(*shape, seed=0, grad=True):
    values = np.random.default_rng(seed).uniform(-1, 1, shape or (N,)).astype(np.float32)
    return rl.from_numpy(values).requires_grad_(grad)


def places(*shape, below):
    return rl.from_numpy(np.random.default_rng(2).integers(0, below, shape))


def table():
    return numbers(SIDE, SIDE)


# (what is computed, its inputs): the gradients of all inputs are compared too.
CASES = {
    "sum": (lambda x: x.sum(), numbers),
    "sum of rows": (lambda x: x.sum(1), table),
    "sum of columns": (lambda x: x.sum(0), table),
    "mean": (lambda x: x.mean(), numbers),
    "var": (lambda x: x.var(), numbers),
    "var of columns": (lambda x: x.var(0), table),
    "prod": (lambda x: (x * 0.001 + 1).prod(), numbers),
    "norm": (lambda x: x.norm(3), numbers),
    "amax": (lambda x: x.amax(0), table),
    "logsumexp": (lambda x: x.logsumexp(0), table),
    "cumsum": (lambda x: x.cumsum(0), table),
    "broadcast": (lambda x: (x[:, :1] * x + x[0]).tanh(), table),
    "elementwise": (lambda x: x.exp() * x.sigmoid() + F.gelu(x), numbers),
    "transposed": (lambda x: (x.t() + x).sin(), table),
    "half": (lambda x: (x.half() * 2).float().sum(0), table),
    "softmax": (lambda x: x.softmax(1), table),
    "softmax of columns": (lambda x: x.softmax(0), table),
    "cross_entropy": (lambda x: F.cross_entropy(x, places(SIDE, below=SIDE)), table),
    "layer_norm": (lambda x: F.layer_norm(x, (SIDE,), x[0], x[1]), table),
    "batch_norm": (lambda x: F.batch_norm(x, None, None, x[0], x[1], training=True), table),
    "group_norm": (lambda x: F.group_norm(x, 4), lambda: numbers(50, 8, 30, 30)),
    "max_pool": (lambda x: F.max_pool2d(x, 3, 2), lambda: numbers(8, 8, 70, 70)),
    "avg_pool": (lambda x: F.avg_pool2d(x, 3, 2), lambda: numbers(8, 8, 70, 70)),
    "interpolate": (lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), lambda: numbers(4, 4, 70, 70)),
    "convolution": (lambda x: F.conv2d(x, x[:, :, :3, :3], padding=1), lambda: numbers(8, 8, 70, 70)),
    "convolution by steps": (lambda x: F.conv2d(x, x[:3, :, :3, :3], stride=2), lambda: numbers(8, 8, 70, 70)),
    "depthwise": (lambda x: F.conv2d(x, x[0, :, :3, :3].unsqueeze(1), groups=8), lambda: numbers(8, 8, 70, 70)),
    "sort": (lambda x: x.sort(1)[0], table),
    "topk": (lambda x: x.topk(9)[0], table),
    "take rows": (lambda x: x[places(900, below=SIDE)], table),
    "index_add": (lambda x: (x * 0).index_add(0, places(SIDE, below=9), x), table),
    "scatter_add": (lambda x: (x * 0).scatter_add(1, places(SIDE, SIDE, below=9), x), table),
    "scatter_reduce": (lambda x: x.scatter_reduce(1, places(SIDE, SIDE, below=9), x, "mean"), table),
    "gather": (lambda x: x.gather(1, places(SIDE, SIDE, below=9)), table),
    "embedding": (lambda x: F.embedding(places(N, below=9), x), lambda: numbers(9, 8)),
    "random": (lambda x: F.dropout(x) + rl.randn(N), numbers),
}


def results(case, threads):
    compute, inputs = case
    rl.set_num_threads(threads)
    rl.manual_seed(0)
    x = inputs()
    out = compute(x)
    out.backward(numbers(*out.shape, seed=1, grad=False) if out.ndim else None)
    return out.detach().numpy().tobytes(), x.grad.numpy().tobytes()


@pytest.fixture(autouse=True)
def as_many_as_before():
    before = rl.get_num_threads()
    yield
    rl.set_num_threads(before)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_same_bits(case):
    alone = results(case, 1)
    for threads in (2, 3, 8):
        assert results(case, threads) == alone


def test_optimizers_step_to_the_same_bits():
    def trained(threads):
        rl.set_num_threads(threads)
        x = numbers()
        for make in (rl.optim.SGD, rl.optim.Adam, rl.optim.AdamW, rl.optim.RMSprop):
            optimizer = make([x], lr=0.1)
            (x * x).sum().backward()
            optimizer.step()
        return x.detach().numpy().tobytes()

    assert trained(1) == trained(3) == trained(8)
