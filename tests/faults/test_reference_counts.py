"""A thousand refused calls of each of the functions that are used most hold on to nothing that they were given."""

import gc
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import rushlight as rl
from rushlight import autograd, linalg

F = rl.nn.functional
CALLS = 1000
REFUSALS = (ValueError, RuntimeError, IndexError, TypeError)


def arguments():
    """Tensors that the calls below share: what they hold on to shows in the reference counts of these."""
    rl.manual_seed(0)
    return SimpleNamespace(
        x=rl.randn(2, 3, requires_grad=True),
        y=rl.randn(4, 5, requires_grad=True),
        whole=rl.ones(2, 3, dtype=rl.int64),
        i=rl.tensor([0, 1, 9]),
        image=rl.randn(1, 3, 4, 4, requires_grad=True),
        weight=rl.randn(2, 2, 3, 3, requires_grad=True),
        square=rl.zeros(3, 3, requires_grad=True),
        three=rl.randn(3, requires_grad=True),
        far=rl.tensor([0, 7]),
        mask=rl.ones(3, dtype=rl.bool),
        size=(7, 7),
        text="an argument",
    )


CALLS_REFUSED = {
    # elementwise
    "add": lambda a: a.x + a.y,
    "sub": lambda a: a.x - a.y,
    "mul": lambda a: a.x * a.y,
    "div": lambda a: a.x / a.y,
    "pow": lambda a: a.x**a.y,
    "a number": lambda a: a.x + a.text,
    "mul_": lambda a: a.x.mul_(2),
    "add_ by a larger": lambda a: a.three.detach().add_(a.y),
    "maximum": lambda a: rl.maximum(a.x, a.y),
    "where": lambda a: rl.where(a.mask, a.x, a.y),
    "clamp": lambda a: a.x.clamp(),
    "lerp": lambda a: rl.lerp(a.x, a.y, 0.5),
    "addcmul": lambda a: rl.addcmul(a.x, a.y, a.x),
    "eq": lambda a: rl.eq(a.x, a.y),
    # shapes
    "reshape": lambda a: a.x.reshape(a.size),
    "view": lambda a: a.x.view(7),
    "transpose": lambda a: a.x.transpose(0, 5),
    "permute": lambda a: a.x.permute(0, 0),
    "unsqueeze": lambda a: a.x.unsqueeze(9),
    "squeeze": lambda a: a.x.squeeze(9),
    "expand": lambda a: a.x.expand(a.size),
    "flatten": lambda a: a.x.flatten(3),
    "cat": lambda a: rl.cat([a.x, a.y]),
    "stack": lambda a: rl.stack([a.x, a.y]),
    "split": lambda a: a.x.split([1, 7]),
    "chunk": lambda a: a.x.chunk(0),
    "narrow": lambda a: a.x.narrow(0, 1, 9),
    "repeat": lambda a: a.x.repeat(2),
    "flip": lambda a: a.x.flip(5),
    "roll": lambda a: a.x.roll((1, 2), (0,)),
    "pad": lambda a: F.pad(a.x, (1,)),
    "tril": lambda a: a.three.tril(),
    # indices
    "index": lambda a: a.x[a.i],
    "item": lambda a: a.x.item(),
    "setitem": lambda a: a.x.detach().__setitem__(a.i, 1.0),
    "setitem of a larger": lambda a: a.x.detach().__setitem__(0, a.y),
    "gather": lambda a: a.x.gather(1, a.i.unsqueeze(0)),
    "scatter": lambda a: a.x.scatter(1, a.i.unsqueeze(0), 1.0),
    "index_select": lambda a: a.x.index_select(0, a.i),
    "index_add": lambda a: a.x.index_add(0, a.i, a.square),
    "masked_fill": lambda a: a.x.masked_fill(a.whole, 1.0),
    "take": lambda a: a.x.take(a.i),
    "one_hot": lambda a: F.one_hot(a.i, 3),
    "embedding": lambda a: F.embedding(a.i, a.y),
    # reductions and orders
    "sum": lambda a: a.x.sum(5),
    "mean": lambda a: a.whole.mean(),
    "var": lambda a: a.x.var(5),
    "max": lambda a: a.x.max(5),
    "argmax": lambda a: a.x.argmax(5),
    "norm": lambda a: linalg.norm(a.x, "what"),
    "softmax": lambda a: a.x.softmax(5),
    "log_softmax": lambda a: a.x.log_softmax(5),
    "logsumexp": lambda a: a.x.logsumexp(5),
    "cumsum": lambda a: a.x.cumsum(5),
    "sort": lambda a: a.x.sort(5),
    "topk": lambda a: a.x.topk(9),
    # products and factors
    "matmul": lambda a: a.x @ a.y,
    "mm": lambda a: rl.mm(a.x, a.three),
    "bmm": lambda a: rl.bmm(a.x, a.y),
    "addmm": lambda a: rl.addmm(a.three, a.x, a.y),
    "dot": lambda a: rl.dot(a.x, a.y),
    "einsum": lambda a: rl.einsum("ij,jk->ik", a.x, a.y),
    "inverse": lambda a: linalg.inv(a.square),
    "cholesky": lambda a: linalg.cholesky(a.square),
    "solve": lambda a: linalg.solve(a.square, a.three),
    # networks
    "linear": lambda a: F.linear(a.x, a.y),
    "conv2d": lambda a: F.conv2d(a.image, a.weight),
    "conv_transpose2d": lambda a: F.conv_transpose2d(a.image, a.weight),
    "max_pool2d": lambda a: F.max_pool2d(a.image, 9),
    "avg_pool2d": lambda a: F.avg_pool2d(a.image, 9),
    "interpolate": lambda a: F.interpolate(a.image, a.text),
    "batch_norm": lambda a: F.batch_norm(a.image, a.y, a.y),
    "layer_norm": lambda a: F.layer_norm(a.x, (5,)),
    "group_norm": lambda a: F.group_norm(a.image, 2),
    "dropout": lambda a: F.dropout(a.x, 2.0),
    "cross_entropy": lambda a: F.cross_entropy(a.x, a.far),
    "nll_loss": lambda a: F.nll_loss(a.x, a.far),
    "binary_cross_entropy": lambda a: F.binary_cross_entropy(a.x, a.y),
    "scaled_dot_product_attention": lambda a: F.scaled_dot_product_attention(a.x, a.y, a.y),
    # gradients
    "backward": lambda a: (a.x * 2).backward(),
    "backward of nothing": lambda a: a.whole.sum().backward(),
    "backward beside": lambda a: (a.x * 2).backward(a.y),
    "grad": lambda a: autograd.grad(a.x.sum(), a.y),
    "a write between": lambda a: written_between(a.x),
    "requires_grad_": lambda a: a.whole.requires_grad_(),
    "numpy": lambda a: a.x.numpy(),
    # makers
    "tensor": lambda a: rl.tensor([[1.0], a.text]),
    "zeros": lambda a: rl.zeros(-1),
    "arange": lambda a: rl.arange(0, 1, 0),
    "full": lambda a: rl.full(a.size, a.text),
}


def written_between(x):
    y = x.exp()
    y.mul_(2)
    y.sum().backward()


@pytest.fixture(scope="module", autouse=True)
def only_ours_are_counted():
    """What was there before is left out of every count, and of every search for cycles."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


def refused(call, given, times):
    for _ in range(times):
        try:
            call(given)
        except REFUSALS:
            continue
        raise AssertionError("this call is not refused")


def counts(given):
    """The references to each argument and its array, to dtypes, and how many objects there are."""
    gc.collect()
    tensors = [value for value in vars(given).values() if isinstance(value, rl.Tensor)]
    watched = [*vars(given).values(), *(t._array for t in tensors), *map(np.dtype, "fdlb?")]
    references = [sys.getrefcount(each) for each in watched]
    return references, len(gc.get_objects()), sys.getallocatedblocks()


@pytest.mark.parametrize("call", CALLS_REFUSED.values(), ids=CALLS_REFUSED)
def test_refused_calls_hold_on_to_nothing(call):
    given = arguments()
    # What is made once and kept is made now.
    refused(call, given, 3)
    references, objects, blocks = counts(given)
    refused(call, given, CALLS)
    now, objects_now, blocks_now = counts(given)
    assert now == references
    assert objects_now - objects < CALLS // 2
    # Pools of nodes and the like grow by some hundreds, and then no more.
    assert blocks_now - blocks < CALLS // 2
