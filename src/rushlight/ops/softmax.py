"""Softmax and its logarithm."""

import numpy as np

from ..kernels import load
from .batch_rules import along
from .declare import general, symmetric
from .exponential import exp
from .reduce import sum


def _exponentials(x, dim):
    """exp(x - max), its sum, and x - max; half precision is computed in single."""
    wide = x.astype(np.float32) if x.dtype.itemsize == 2 else x
    shifted = wide - np.maximum.reduce(wide, axis=dim, keepdims=True)
    powers = np.exp(shifted)
    return (
        powers,
        np.add.reduce(powers, axis=dim, dtype=np.float64, keepdims=True).astype(wide.dtype),
        shifted,
    )


def through_softmax(g, out, dim):
    gy = g * out
    return gy - out * sum(gy, dim=dim, keepdim=True)


@symmetric(batch=along("dim"), x=through_softmax)
def softmax(x, *, dim):
    if x.size == 0 or x.ndim == 0:
        return x - x + 1
    powers, total, _ = _exponentials(x, dim)
    return np.divide(powers, total, out=powers).astype(x.dtype, copy=False)


@general(
    batch=along("dim"),
    x=lambda g, out, dim: g - exp(out) * sum(g, dim=dim, keepdim=True),
    push=lambda x_t, out, dim: x_t - sum(exp(out) * x_t, dim=dim, keepdim=True),
)
def log_softmax(x, *, dim):
    if x.size == 0 or x.ndim == 0:
        return x - x
    _, total, shifted = _exponentials(x, dim)
    return np.subtract(shifted, np.log(total), out=shifted).astype(x.dtype, copy=False)


_kernels, _halves = load("softmax"), load("halves")
if _kernels is not None and _halves is not None:
    in_single = _halves.InSingle
    for _op in (softmax, log_softmax):
        _op.accelerate(getattr(_kernels, f"{_op.name}_along"), otherwise=in_single(getattr(_kernels, _op.name)))
        _op.accelerate(x=in_single(getattr(_kernels, f"through_{_op.name}")))
