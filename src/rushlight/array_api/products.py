"""Products of matrices and vectors."""

import rushlight

from .elementwise import together


def matmul(x1, x2, /):
    return rushlight.matmul(*together(x1, x2))


def matrix_transpose(x, /):
    if x.ndim < 2:
        raise ValueError(f"matrix_transpose needs at least 2 dimensions, got {x.ndim}")
    return x.mT


def tensordot(x1, x2, /, *, axes=2):
    return rushlight.tensordot(*together(x1, x2), dims=axes)


def vecdot(x1, x2, /, *, axis=-1):
    """The sum over an axis of conj(x1) * x2."""
    if x1.shape[axis] != x2.shape[axis]:
        raise ValueError(f"vecdot: sizes {x1.shape[axis]} and {x2.shape[axis]} of axis {axis} differ")
    x1, x2 = together(x1, x2)
    return (x1.conj() * x2).sum(axis, dtype=x1.dtype)
