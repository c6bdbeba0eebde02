"""Copies, conversions, broadcasting and its undoing: what the engine itself needs."""

import numpy as np

from ..kernels import load, meaning
from .declare import elementwise, linear


@linear(x=lambda g: g)
def clone(x, *, order="K"):
    return np.array(x, order=order)


@linear(x=lambda g: g, backward="CopyBackwards")
def copy_grad(x):
    """What becomes of a gradient that is put into .grad under create_graph."""
    return np.array(x, order="C")


@linear(x=lambda g: g, backward="ToCopyBackward0", holomorphic=False)
def to_dtype(x, *, dtype):
    """x as another dtype (a NumPy dtype); the engine brings the gradient back."""
    if x.dtype.kind == "c" and dtype.kind != "c":
        x = x.real
    return x.astype(dtype)


@elementwise(promote=None, x=None, y=lambda g: g, backward="CopyBackwards")
def copy(x, y):
    """y in the shape and dtype of x: what `x.copy_(y)` writes."""
    source = y.real if y.dtype.kind == "c" and x.dtype.kind != "c" else y
    return np.broadcast_to(source, x.shape).astype(x.dtype)


@linear(x=lambda g: conj(g), holomorphic=False)
def conj(x):
    return np.conjugate(x)


@linear(view=True, x=lambda g, x_shape: sum_to(g, shape=x_shape))
def expand(x, *, shape):
    out = np.broadcast_to(x, shape)
    out.flags.writeable = x.flags.writeable
    return out


@linear(x=lambda g, x_shape: expand(g, shape=x_shape))
def sum_to(x, *, shape):
    """x summed over the dimensions that broadcasting `shape` to x's added or stretched."""
    return meaning.sum_to(x, shape)


_reduce = load("reduce")
if _reduce is not None:
    sum_to.accelerate(lambda x, shape: _reduce.sum_to(x, shape))
