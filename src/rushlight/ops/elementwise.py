"""Arithmetic, element by element."""

import numpy as np

from .. import kernels
from .declare import elementwise


@elementwise(x=lambda g: g, y=lambda g: g)
def add(x, y):
    return np.add(x, y)


@elementwise(x=lambda g: g, y=lambda g: -g)
def sub(x, y):
    return np.subtract(x, y)


@elementwise(x=lambda g, y: g * y, y=lambda g, x: g * x)
def mul(x, y):
    return np.multiply(x, y)


@elementwise(promote="float", x=lambda g, y: g / y, y=lambda g, x, y: -g * x / (y * y))
def div(x, y):
    return np.true_divide(x, y)


@elementwise(x=lambda g: -g)
def neg(x):
    return np.negative(x)


_fast = kernels.load("elementwise")
if _fast is not None:
    add.accelerate(_fast.add)
    sub.accelerate(_fast.sub)
    mul.accelerate(_fast.mul)
    div.accelerate(_fast.div)
    neg.accelerate(_fast.neg)
