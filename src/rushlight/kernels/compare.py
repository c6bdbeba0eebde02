"""The Python meaning of what the compiled core asks the interpreter and NumPy in C."""

import numpy as np


def same_kind(a, b):
    """Whether two arrays agree in dtype and shape."""
    return a.shape == b.shape and a.dtype == b.dtype


def plain(array):
    """Whether an array lies in one piece, in order, and may be written."""
    return array.flags.carray


def differentiable(array):
    """Whether an array is of floats or complex numbers, those of 16 bits included."""
    return array.dtype.kind in "fcV"


def check_signals():
    """Uncompiled, the interpreter itself delivers Ctrl-C between two lines."""


def sole_owner(pending):
    """Uncompiled, reference counts say too little: a gradient is always copied into .grad."""
    return False


def alone(g):
    """The same of a gradient on its way: it is never written to."""
    return False


def one_number(array):
    """Whether the elements, of which there are several, are one number in memory: no kernel has made such a gradient."""
    return False


def shape_of(value):
    """The shape of an array; () for a number."""
    return getattr(value, "shape", ())


def bytes_of(value):
    """The bytes of the elements of an array; 0 for anything else."""
    return value.nbytes if isinstance(value, np.ndarray) else 0


def as_tensor(value):
    """`value` itself; compiled, a cast that is not checked."""
    return value


def one_like(array):
    """A scalar one of the same shape and dtype; None where the array is no scalar of float32 or float64."""
    if array.size != 1 or array.dtype.char not in "fd":
        return None
    return np.ones(array.shape, array.dtype)


def number_of(array):
    """NotImplemented: uncompiled, the array itself says what its element is."""
    return NotImplemented
