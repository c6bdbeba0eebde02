"""Products and functions of matrices and vectors."""

import numpy as np

from ..core import wrap
from ..functions.arguments import accepts_out, check_tensor
from ..functions.contraction import crossed
from ..functions.matrix import broadcast_batches
from ..ops import matrix as products
from ..ops import powers
from ..ops.matrix_checks import kind
from .checks import check_inexact, check_square
from .solvers import inv


@accepts_out
def cross(input, other, *, dim=-1):
    """The cross products of vectors of 3 along `dim`.

    >>> import rushlight
    >>> rushlight.linalg.cross(rushlight.tensor([1.0, 0, 0]), rushlight.tensor([0.0, 1, 0]))
    tensor([0., 0., 1.])
    """
    check_tensor(input, "linalg_cross")
    check_tensor(other, "linalg_cross", 2, "other")
    return crossed(input, other, dim)


@accepts_out
def vecdot(x, y, *, dim=-1):
    """The dot products of vectors along `dim`, the first conjugated."""
    check_tensor(x, "linalg_vecdot", name="x")
    check_tensor(y, "linalg_vecdot", 2, "y")
    if x._array.dtype != y._array.dtype:
        raise RuntimeError(
            f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type {kind(x._array)} and "
            "y of type "
            f"{kind(y._array)} instead"
        )
    if x._array.dtype.kind in "bui":
        raise RuntimeError(f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {kind(x._array)}")
    if x._array.ndim == 1 == y._array.ndim:
        return x.vdot(y)
    broadcast_batches(x._array.shape, y._array.shape)
    last = dim in (-1, x._array.ndim - 1)
    if last and x._array.shape == y._array.shape and x._array.dtype.kind in "fc" and x._array.itemsize > 2:
        return products.vecdot(x, y)
    return ((x.conj() if x._array.dtype.kind == "c" else x) * y).sum(dim)


@accepts_out
def matrix_power(A, n):
    """The n-th power of square matrices, for negative n of their inverses."""
    if not isinstance(n, int):
        raise TypeError(f"linalg_matrix_power(): argument 'n' (position 2) must be int, not {type(n).__name__}")
    check_square(A, "linalg.matrix_power")
    if n == 0:
        everywhere = wrap(np.ones(A._array.shape, bool))
        return A.masked_fill(everywhere, 0) + wrap(np.eye(A._array.shape[-1], dtype=A._array.dtype))
    if n < 0:
        A, n = inv(A), -n
    result = None
    while True:
        if n & 1:
            result = A if result is None else result @ A
        n >>= 1
        if n == 0:
            return result.clone() if result is A else result
        A = A @ A


@accepts_out
def matrix_exp(A):
    """The exponentials of square matrices.

    >>> import rushlight
    >>> rushlight.linalg.matrix_exp(rushlight.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    check_square(A, "linalg.matrix_exp")
    check_inexact(A, "linalg.matrix_exp")
    return powers.matrix_exp(A)


def diagonal(A, *, offset=0, dim1=-2, dim2=-1):
    """The diagonals of matrices, a view."""
    check_tensor(A, "linalg_diagonal", name="A")
    return A.diagonal(offset, dim1, dim2)


def vander(x, *, N=None):
    """The powers x ** 0, ..., x ** (N - 1) in a last dimension; N is by default the number of elements.

    >>> import rushlight
    >>> rushlight.linalg.vander(rushlight.tensor([2.0, 3.0]), N=3)
    tensor([[1., 2., 4.],
            [1., 3., 9.]])
    """
    check_tensor(x, "linalg_vander", name="x")
    if x._array.dtype.kind == "b":
        raise RuntimeError("linalg.vander supports floating point, complex, and integer tensors, but got Bool")
    if x._array.ndim == 0:
        x = x.unsqueeze(0)
    n = x._array.shape[-1] if N is None else N
    if n <= 1:
        raise RuntimeError("N must be greater than 1.")
    return powers.vander(x if x._array.dtype.kind in "fcV" else x.long(), n=n)
