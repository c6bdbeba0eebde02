"""Sizes that no memory has: they are checked before anything is allocated, and these are the errors.

PyTorch raises RuntimeError for all of them, Python has names of its own; each error here is both.
"""

import math

import numpy as np

from .errors import coded
from .kernels import load

_copying = load("copying")
LARGEST = 2**63 - 1
_NO_MEMORY = "DefaultCPUAllocator: can't allocate memory"
# What NumPy says of sizes beyond an int64.
_TOO_LARGE = (
    "array is too big",
    "Maximum allowed",
    "negative dimensions are not allowed",
    "Python int too large",
    "maximum supported dimension",
    "iterator is too large",
)


class SizeError(ValueError, RuntimeError):
    """A negative size, or more bytes than an int64 counts."""


class OutOfMemoryError(MemoryError, RuntimeError):
    """There is not as much memory as was asked for."""


def dense(array):
    """A copy of an array in row-major order."""
    out = NotImplemented if _copying is None else _copying.clone(array, order="C")
    return np.array(array, order="C") if out is NotImplemented else out


def checked(size, itemsize, function=None):
    """The bytes of elements of that many bytes in that shape; SizeError where there can be no such array.

    An array without elements counts as if the sizes of zero were one, as NumPy has it.
    """
    total = itemsize
    for n in size:
        if n < 0:
            raise negative(size, n, function)
        total *= n or 1
    if total > LARGEST:
        raise SizeError(
            f"Storage size calculation overflowed with sizes={list(size)}: {total / 2**30:.3g} GiB are more than can be "
            "counted"
        )
    return total


def negative(size, n, function=None):
    """SizeError: the size `n` among the sizes is below zero."""
    sentence = f"Trying to create tensor with negative dimension {n}: {list(size)}"
    return coded("RL338", SizeError(f"{function}: Dimension size must be non-negative." if function else sentence))


def out_of_memory(size, total):
    """OutOfMemoryError: the system gave no memory for that shape."""
    return OutOfMemoryError(
        f"{_NO_MEMORY}: you tried to allocate {total} bytes. Error code 12 (Cannot allocate memory): {total / 2**30:.4g} GiB "
        f"for a tensor of shape {list(size)}"
    )


def of_memory(error):
    """OutOfMemoryError for a MemoryError of NumPy's or C's; None for one that speaks for itself."""
    shape = getattr(error, "shape", None)
    if shape is not None:
        return out_of_memory(shape, math.prod(shape) * error.dtype.itemsize)
    return None if error.args else OutOfMemoryError(_NO_MEMORY)


def given_back():
    """Whether memory that was kept for arrays to come went back to the system, so that trying again may help."""
    kernels = load("buffers")
    return kernels is not None and kernels.empty_cache() > 0


def refuse(op, error, arrays, params):
    """Raise SizeError or OutOfMemoryError for an error in an operation that came of a size; return for any other."""
    if isinstance(error, MemoryError):
        told = of_memory(error)
        if told is not None:
            raise told.with_traceback(error.__traceback__) from None
    elif str(error).startswith(_TOO_LARGE):
        shapes = ", ".join([str(list(a.shape)) for a in arrays if hasattr(a, "shape")])
        told = "".join(
            [f", {name}={value}" for name, value in params.items() if isinstance(value, (int, tuple, float))]
        )
        raise SizeError(
            f"Storage size calculation overflowed in {op.name} of shape {shapes}{told}: more GiB than can be counted ({error})"
        ) from None


def refuse_backward(error, node):
    """Tell a MemoryError in the backward of `node` so, as OutOfMemoryError; return for one that speaks for itself.

    What was kept goes back to the system, for whoever tries again.
    """
    given_back()
    told = error if isinstance(error, OutOfMemoryError) else of_memory(error)
    if told is None:
        return
    told.args = (f"{told}, in the backward of {node.op.name} ({node.name()}), which was recorded at {node.describe()}",)
    if told is not error:
        raise told.with_traceback(error.__traceback__) from None
