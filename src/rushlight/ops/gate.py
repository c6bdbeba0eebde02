"""The gated linear unit."""

import numpy as np

from ..kernels import load
from .activation import sigmoid, sigmoid_backward
from .declare import general
from .join import cat
from .supported import in_float32


def halves(x, dim):
    n = x.shape[dim] // 2
    return x.narrow(dim, 0, n), x.narrow(dim, n, n)


def through_glu(g, x, dim):
    first, second = halves(x, dim)
    gate = sigmoid(second)
    return cat(g * gate, sigmoid_backward(g * first, gate), dim=dim, sizes=(first.shape[dim],) * 2)


def push_glu(x_t, x, dim):
    (first, second), (first_t, second_t) = halves(x, dim), halves(x_t, dim)
    gate = sigmoid(second)
    return first_t * gate + sigmoid_backward(second_t * first, gate)


def glu_samples(op, size, inputs, batched, params):
    return glu(inputs[0], dim=params["dim"] + 1)


@general(batch=glu_samples, x=through_glu, push=push_glu)
def glu(x, *, dim):
    """The first half of x along a dimension, counted from the front, times the sigmoid of the second."""
    first, second = np.split(x, 2, dim)
    return np.true_divide(first, 1 + np.exp(-second))


in_float32(glu)
_kernels = load("formula")
if _kernels is not None:
    glu.accelerate(_kernels.glu, x=_kernels.through_glu)
