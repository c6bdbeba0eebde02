"""Norms of vectors and matrices, and what follows from singular values: rank and condition."""

import math

import numpy as np

from ..core import TensorBase
from ..dtypes import as_dtype
from ..functions import norms
from ..functions.arguments import accepts_out, check_flags, check_number, check_tensor, widening, wrap_dim
from ..ops import linalg as ops
from ..ops.hidden import every
from .checks import check_inexact, check_matrix, check_square
from .decompositions import svdvals
from .solvers import tolerances


@accepts_out
def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None):
    """The norm of all elements taken as one vector, or of the vectors along `dim`; ord is any number.

    >>> import rushlight
    >>> rushlight.linalg.vector_norm(rushlight.tensor([3.0, 4.0]))
    tensor(5.)
    """
    return norms.vector_norm(x, ord, dim, keepdim, dtype=dtype)


@accepts_out
def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None):
    """The norms of matrices: "fro", "nuc", 2 and -2 (singular values), 1, -1, inf and -inf (sums of columns and rows).

    >>> import rushlight
    >>> rushlight.linalg.matrix_norm(rushlight.ones(2, 3), ord=1)
    tensor(2.)
    """
    function = "linalg.matrix_norm"
    check_matrix(A, function)
    check_inexact(A, function)
    check_flags("linalg_matrix_norm", 4, keepdim=keepdim)
    if isinstance(dim, int) or len(dim) != 2:
        shown = dim if isinstance(dim, int) else " ".join(map(str, dim))
        raise RuntimeError(f"{function}: dim must be a 2-tuple. Got {shown}")
    rows, columns = (wrap_dim(d, A._array.ndim) for d in dim)
    if rows == columns:
        raise RuntimeError(f"{function}: dims must be different. Got ({dim[0]}, {dim[1]})")
    if ord == "fro":
        return norms.vector_norm(A, 2, (rows, columns), keepdim, dtype=dtype)
    _check_order(ord, function)
    if dtype is not None:
        A = A.to(as_dtype(dtype))
    if ord == "nuc" or abs(ord) == 2:
        values = svdvals(A.permute(*_last(A._array.ndim, rows, columns)))
        out = values.sum(-1) if ord == "nuc" else _extreme(values, -1, ord > 0)
        return _restored(out, rows, columns) if keepdim else out
    along, across = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = norms.vector_norm(A, 1, along, True)
    out = _extreme(sums, across, ord > 0, keepdim=True)
    return out if keepdim else out.squeeze((rows, columns))


def _check_order(ord, function):
    if isinstance(ord, str):
        if ord != "nuc":
            raise RuntimeError(f"{function}: Order {ord} not supported.")
    elif abs(ord) not in (1, 2, math.inf):
        raise RuntimeError(f"{function}: Order {ord:g} not supported.")


def _last(n, rows, columns):
    return (*[d for d in range(n) if d not in (rows, columns)], rows, columns)


def _restored(out, rows, columns):
    """The two dimensions that were reduced, put back with size 1."""
    for dim in sorted((rows, columns)):
        out = out.unsqueeze(dim)
    return out


def _extreme(values, dim, largest, keepdim=False):
    """The largest or smallest of norms, 0 for the largest of none."""
    if values._array.shape[dim] == 0 and largest:
        return values.sum(dim, keepdim=keepdim)
    return values.amax(dim, keepdim) if largest else values.amin(dim, keepdim)


@accepts_out
def norm(A, ord=None, dim=None, keepdim=False, *, dtype=None):
    """A vector norm over one dimension, a matrix norm over two; without `ord` the 2-norm of all elements."""
    check_tensor(A, "linalg_norm", name="A")
    check_flags("linalg_norm", 4, keepdim=keepdim)
    n = A._array.ndim
    dims = (dim,) if isinstance(dim, int) else None if dim is None else tuple(dim)
    if ord is None:
        return norms.vector_norm(A, 2, dims, keepdim, dtype=dtype)
    if dims is not None and len(dims) not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dims)}")
    if dims is None and n not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {n}D.")
    if isinstance(ord, str) or (n if dims is None else len(dims)) == 2:
        return matrix_norm(A, ord, (-2, -1) if dims is None else dims, keepdim, dtype=dtype)
    return norms.vector_norm(A, ord, dims, keepdim, dtype=dtype)


@widening
def cond(A, p=None):
    """The condition number in the norm p; by default the ratio of the largest to the smallest singular value."""
    check_tensor(A, "linalg_cond")
    if A._array.ndim < 2:
        raise RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions.")
    if p is None or (not isinstance(p, str) and abs(p) == 2):
        values = svdvals(A)
        if values._array.shape[-1] == 0:
            return values.sum(-1)
        first, last = values[..., :1], values[..., -1:]
        return (last / first if p == -2 else first / last).squeeze(-1)
    if p not in ("fro", "nuc") and (isinstance(p, str) or abs(p) not in (1, math.inf)):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p if isinstance(p, str) else format(p, 'g')}")
    check_square(A, f"linalg.cond(ord={p if isinstance(p, str) else format(p, 'g')})")
    check_inexact(A, "linalg.inv")
    if A._array.shape[-1] == 0:
        return A.abs().sum((-2, -1))
    inverse = ops.inv(A, asker="")
    if not np.isnan(every(inverse._array)).any():
        return matrix_norm(A, p) * matrix_norm(inverse, p)
    singular = inverse.detach().isnan().any(-1).any(-1)
    inverse = inverse.masked_fill(singular[..., None, None], 0)
    return (matrix_norm(A, p) * matrix_norm(inverse, p)).masked_fill(singular, math.inf)


@widening
def matrix_rank(A, tol=None, hermitian=False, *, atol=None, rtol=None):
    """How many singular values are larger than max(atol, rtol * largest); `tol` is the older name of atol."""
    check_matrix(A, "torch.linalg.matrix_rank", "input")
    check_flags("linalg_matrix_rank", 3, hermitian=hermitian)
    if A._array.dtype.kind not in "fc":
        raise RuntimeError("This function doesn't handle types other than float and double")
    if hermitian:
        check_square(A, "linalg.eigh")
    if tol is not None:
        if not isinstance(tol, TensorBase):
            check_number(tol, "linalg_matrix_rank", 2, "tol", "float")
        atol, rtol = tol, 0.0
    atol, rtol = tolerances(A, atol, rtol)
    return ops.matrix_rank(A, atol, rtol, hermitian=hermitian)
