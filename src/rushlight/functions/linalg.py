"""Linear algebra under its older names, outside the namespace `linalg`."""

import numpy as np

from .. import casting, linalg
from ..core import TensorBase, wrap
from ..linalg import decompositions, solvers
from ..linalg.householder import geqrf as geqrf
from ..linalg.householder import householder_product
from ..linalg.householder import ormqr as ormqr
from ..linalg.lu import matrix_of_pivots
from ..linalg.norms import matrix_norm as matrix_norm
from ..ops import linalg as ops
from ..ops.matrix import mH
from ..ops.matrix_checks import kind
from . import return_types
from .arguments import accepts_out, check_flags, check_number, check_tensor, check_tensors, widening

FUNCTIONS = (
    "inverse", "det", "logdet", "slogdet", "cholesky", "cholesky_solve", "cholesky_inverse", "qr", "svd", "pinverse",
    "matrix_power", "matrix_exp", "lu", "lu_solve", "lu_unpack", "triangular_solve", "geqrf", "orgqr", "ormqr",
)  # fmt: skip
METHODS = tuple([name for name in FUNCTIONS if name != "lu_unpack"])
REMOVED = {
    "eig": "linalg.eig returns complex tensors; linalg.eigvals has no eigenvectors.",
    "lstsq": "linalg.lstsq takes A first; linalg.qr is the decomposition.",
    "matrix_rank": "Please use the `torch.linalg.matrix_rank` function instead.",
    "solve": "linalg.solve takes A first; linalg.lu_factor is the decomposition.",
    "symeig": "linalg.eigh and linalg.eigvalsh read the lower triangle where UPLO is not 'U'.",
}
INPLACE = {}


def _removed(name):
    def function(*args, **named):
        raise RuntimeError(f"This function was deprecated since version 1.9 and is now removed. {REMOVED[name]}")

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"No longer there: {REMOVED[name]}"
    return function


eig, lstsq, matrix_rank, solve, symeig = map(_removed, REMOVED)
METHODS += tuple([name for name in REMOVED if name != "matrix_rank"])
FUNCTIONS += tuple(REMOVED)


@widening
def inverse(input):
    """The same as `linalg.inv`."""
    return solvers.inv(input)


def det(input):
    """The same as `linalg.det`."""
    return solvers.det(input)


def logdet(input):
    """The logarithms of the determinants: nan for a negative one, -inf for zero.

    >>> import rushlight
    >>> rushlight.logdet(rushlight.eye(2))
    tensor(0.)
    """
    solvers.check_square(input, "logdet")
    solvers.check_inexact(input, "logdet")
    sign, logabsdet = ops.slogdet(input)
    if sign._array.dtype.kind == "c":
        return sign.log() + logabsdet
    return logabsdet.masked_fill(sign == -1, float("nan"))


@accepts_out
def slogdet(input):
    """The same as `linalg.slogdet`."""
    return return_types.slogdet(*solvers.slogdet(input))


@widening
def cholesky(input, upper=False):
    """The same as `linalg.cholesky`."""
    check_flags("cholesky", 2, upper=upper)
    return decompositions.factor(input, upper, "linalg.cholesky", "cholesky")


@widening
def cholesky_solve(B, L, upper=False):
    """The X (*, n, k) of A @ X = B (*, n, k), A given by its Cholesky factor (*, n, n)."""
    check_tensor(B, "cholesky_solve", 1, "B")
    check_tensor(L, "cholesky_solve", 2, "L")
    check_flags("cholesky_solve", 3, upper=upper)
    b, a = B._array, L._array
    for name, array in ("b", b), ("u", a):
        if array.ndim < 2:
            raise RuntimeError(f"{name} should have at least 2 dimensions, but has {array.ndim} dimensions instead")
    if a.shape[-2] != a.shape[-1]:
        raise RuntimeError(
            f"A must be batches of square matrices, but they are {a.shape[-2]} by {a.shape[-1]} matrices"
        )
    if a.shape[-1] != b.shape[-2]:
        raise RuntimeError(
            f"Incompatible matrix sizes for cholesky_solve: each A matrix is {a.shape[-1]} by {a.shape[-1]} but "
            "each b "
            f"matrix is {b.shape[-2]} by {b.shape[-1]}"
        )
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {kind(b)} and A of type {kind(a)} instead."
        )
    lower = mH(L) if upper else L
    inner = linalg.solve_triangular(lower, B, upper=False)
    return linalg.solve_triangular(mH(lower), inner, upper=True)


@widening
def cholesky_inverse(L, upper=False):
    """The inverse of the matrix whose Cholesky factor is L."""
    check_flags("cholesky_inverse", 2, upper=upper)
    solvers.check_square(L, "cholesky_inverse")
    return ops.cholesky_inverse(L, upper=upper)


@widening
def qr(input, some=True):
    """The same as `linalg.qr`."""
    check_flags("qr", 2, some=some)
    return return_types.qr(*decompositions.qr(input, "reduced" if some else "complete"))


@widening
def svd(input, some=True, compute_uv=True):
    """(U, S, V): as linalg.svd, but V instead of its adjoint; zeros for both without compute_uv."""
    check_flags("svd", 2, some=some, compute_uv=compute_uv)
    if not compute_uv:
        values = decompositions.svdvals(input)
        *batch, rows, columns = input._array.shape
        zeros = [input.new_zeros((*batch, n, n)) for n in (rows, columns)]
        return return_types.svd(zeros[0], values, zeros[1])
    u, s, vh = decompositions.svd(input, not some)
    return return_types.svd(u, s, mH(vh))


def pinverse(input, rcond=1e-15):
    """The same as `linalg.pinv` with an older default for the singular values that count as zero."""
    if not isinstance(rcond, TensorBase):
        check_number(rcond, "pinverse", 2, "rcond", "float")
    return casting.call_wide(solvers.pinv, (input,), {"rtol": rcond})


@accepts_out
def matrix_power(input, n):
    """The same as `linalg.matrix_power`."""
    return linalg.matrix_power(input, n)


def matrix_exp(input):
    """The same as `linalg.matrix_exp`."""
    return linalg.matrix_exp(input)


orgqr = householder_product


def lu(A, pivot=True, get_infos=False, out=None):
    """(LU, pivots) of linalg.lu_factor for lu_solve and lu_unpack; with get_infos also info, and no error.

    >>> import rushlight
    >>> rushlight.lu(2 * rushlight.eye(2))[1]
    tensor([1, 2], dtype=rushlight.int32)
    """
    check_tensor(A, "_lu_with_info")
    check_flags("_lu_with_info", None, pivot=pivot)
    if not get_infos:
        return tuple(linalg.lu_factor(A, pivot=pivot, out=out))
    return return_types._lu_with_info(*linalg.lu_factor_ex(A, pivot=pivot, out=out))


@widening
def lu_solve(b, LU_data, LU_pivots):
    """The same as `linalg.lu_solve`, its arguments in another order."""
    check_tensors("lu_solve", b=b, LU_data=LU_data, LU_pivots=LU_pivots)
    return linalg.lu_solve(LU_data, LU_pivots, b)


@accepts_out
def lu_unpack(LU_data, LU_pivots, unpack_data=True, unpack_pivots=True):
    """(P, L, U) from what linalg.lu_factor gives; empty tensors for what is not unpacked."""
    check_tensors("lu_unpack", LU_data=LU_data, LU_pivots=LU_pivots)
    check_flags("lu_unpack", 3, unpack_data=unpack_data, unpack_pivots=unpack_pivots)
    rows, columns = LU_data._array.shape[-2:]
    k, dtype = min(rows, columns), LU_data._array.dtype
    empty = wrap(np.empty(0, dtype))
    P, L, U = empty, empty, empty
    if unpack_data:
        left, right = LU_data[..., :k], LU_data[..., :k, :]
        L = ops.masked(left, np.tril(np.ones((rows, k)), -1)) + np.eye(rows, k, dtype=dtype)
        U = ops.masked(right, np.triu(np.ones((k, columns))))
    if unpack_pivots:
        if LU_pivots._array.dtype != np.int32:
            raise RuntimeError(
                "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype. Note: "
                "this function "
                "is intended to be used with the output produced by torch.linalg.lu_factor"
            )
        P = matrix_of_pivots(LU_pivots, rows, dtype)
    return return_types.lu_unpack(P, L, U)


@widening
def triangular_solve(b, A, upper=True, transpose=False, unitriangular=False):
    """The same as `linalg.solve_triangular` under its older name and order of arguments."""
    check_tensor(A, "triangular_solve", 2, "A")
    check_flags("triangular_solve", 3, upper=upper, transpose=transpose, unitriangular=unitriangular)
    system = A.transpose(-2, -1) if transpose else A
    solution = linalg.solve_triangular(system, b, upper=upper != transpose, unitriangular=unitriangular)
    return return_types.triangular_solve(solution, A.clone())
