"""A row of the sweep: how one operation is called with about n numbers, the same way in PyTorch and in Rushlight."""

import math

import numpy as np


class Timed:
    """`inputs` are makers, each a function of (n, random) that gives an array (made a tensor) or a plain value.

    `call(m, *inputs)` gets the module and the tensors; without it m.<name> is called, a name as "linalg.inv". `ops`
    are further operations of the registry that this row times (those its rules call, say). Floating inputs are
    differentiated, unless grad=False. `most` bounds n for what does not grow as its input does. `finish` is done with
    each gradient before the clock stops.
    """

    def __init__(self, name, *inputs, call=None, ops=(), grad=True, most=1_000_000, note="", finish=None):
        self.name, self.inputs, self.call, self.grad, self.most, self.note = name, inputs, call, grad, most, note
        self.ops, self.finish = ops, finish

    def function(self, m):
        """What is timed, as a function of tensors."""
        if self.call is not None:
            return lambda *tensors: self.call(m, *tensors)
        for part in self.name.split("."):
            m = getattr(m, part)
        return m


def uniform(low=-1.0, high=1.0, shape=lambda n: (n,)):
    return lambda n, random: random.uniform(low, high, shape(n))


def side(n):
    """The side of a square of n numbers."""
    return max(1, round(math.sqrt(n)))


vector = uniform()
other = uniform(0.5, 1.5)
positive = uniform(0.1, 2.0)
unit = uniform(0.01, 0.99)
matrix = uniform(shape=lambda n: (side(n), side(n)))
row = uniform(shape=lambda n: (side(n),))


def integers(low=0, high=100, shape=lambda n: (n,)):
    return lambda n, random: random.integers(low, high, shape(n))


def below(shape=lambda n: (n,), limit=lambda n: n):
    """Indices into what has limit(n) entries."""
    return lambda n, random: random.integers(0, limit(n), shape(n))


def booleans(n, random):
    return random.random(n) < 0.5


def complexes(n, random):
    return random.uniform(-1, 1, n) + 1j * random.uniform(-1, 1, n)


def value(x):
    """The same plain value at every size."""
    return lambda n, random: x


def as_dtype(array, dtype):
    """Floating and complex numbers in single precision where `dtype` is float32."""
    if array.dtype.kind == "f":
        return array.astype(dtype)
    if array.dtype.kind == "c":
        return array.astype(np.complex64 if dtype == "float32" else np.complex128)
    return array
