"""Which axes of an array a `dim` means: an int, a tuple of them, or None for all; () means none."""

import math


def axes_of(dim, ndim):
    """`dim` as a tuple of axes counted from the front."""
    if dim is None:
        return tuple(range(ndim))
    if isinstance(dim, int):
        return (dim % ndim,) if ndim else ()
    return tuple([d % ndim for d in dim]) if ndim else ()


def count_of(shape, dim):
    """How many elements go into each result."""
    return math.prod([shape[axis] for axis in axes_of(dim, len(shape))])


def kept_shape(shape, dim):
    """The shape with the reduced dimensions kept as 1."""
    axes = axes_of(dim, len(shape))
    return tuple([1 if k in axes else size for k, size in enumerate(shape)])
