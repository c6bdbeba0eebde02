"""Matrices as products of simpler ones."""

import math

import numpy as np

from ..core import wrap
from ..functions import return_types
from ..functions.arguments import accepts_out, check_tensor
from ..functions.matrix import broadcast_batches
from ..ops import decompose
from ..ops import linalg as ops
from ..ops.hidden import every
from ..ops.matrix import mH
from ..ops.matrix_checks import kind
from .checks import check_equations, check_inexact, check_matrix, check_square
from .solvers import info_of, solve_triangular


@accepts_out
def cholesky(A, *, upper=False):
    """The lower triangular L of A = L @ L.mH (the upper triangular of A = U.mH @ U); LinAlgError where there is none.

    >>> import rushlight
    >>> rushlight.linalg.cholesky(4 * rushlight.eye(2))
    tensor([[2., 0.],
            [0., 2.]])
    """
    return factor(A, upper, "linalg.cholesky", "linalg.cholesky")


def factor(A, upper, function, asker):
    """The Cholesky factor; what is refused is told in the name of `function`, or of `asker` for bad numbers."""
    check_square(A, function)
    check_inexact(A, function)
    lower = ops.cholesky(mH(A) if upper else A, asker=asker)
    return mH(lower) if upper else lower


@accepts_out
def cholesky_ex(A, *, upper=False, check_errors=False):
    """(L, info): info is 0, or the order of the leading minor that is not positive-definite."""
    lower = factor(A, upper, "linalg.cholesky", "linalg.cholesky_ex" if check_errors else "")
    return return_types.linalg_cholesky_ex(lower, info_of(lower, A, ops.bad_minors))


@accepts_out
def qr(A, mode="reduced"):
    """(Q, R): Q has orthonormal columns, R is upper triangular; `mode` is "reduced", "complete" or "r" (no Q)."""
    check_matrix(A, "linalg.qr")
    check_inexact(A, "linalg.qr")
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    return return_types.linalg_qr(decompose.qr(A, mode=mode))


@accepts_out
def svd(A, full_matrices=True, *, driver=None):
    """(U, S, Vh) of A = U @ diag(S) @ Vh, the singular values S from the largest to the smallest.

    Gradients are those of losses that do not depend on signs (phases) of the vectors; repeated singular values make
    them infinite.
    """
    check_matrix(A, "linalg.svd")
    check_inexact(A, "linalg.svd")
    _check_driver(driver)
    return return_types.linalg_svd(decompose.svd(A, full_matrices=bool(full_matrices)))


def _check_driver(driver):
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."
        )


@accepts_out
def svdvals(A, *, driver=None):
    """The singular values, from the largest to the smallest."""
    return svd(A, False, driver=driver).S


@accepts_out
def eigh(A, UPLO="L"):
    """(eigenvalues, eigenvectors) of Hermitian matrices, in ascending order; only one triangle is read."""
    return return_types.linalg_eigh(_hermitian(A, UPLO))


def _hermitian(A, UPLO):
    check_square(A, "linalg.eigh")
    if str(UPLO).upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    if A._array.dtype.kind not in "fc" or A._array.dtype.itemsize == 2:
        raise NotImplementedError(f"\"linalg_eigh_cpu\" not implemented for '{kind(A._array)}'")
    return decompose.eigh(A, UPLO=UPLO.upper())


@accepts_out
def eigvalsh(A, UPLO="L"):
    """The eigenvalues of Hermitian matrices, in ascending order."""
    return _hermitian(A, UPLO)[0]


@accepts_out
def eig(A):
    """(eigenvalues, eigenvectors) of square matrices, always complex, in no order."""
    check_square(A, "linalg.eig")
    if A._array.dtype.kind not in "fc":
        raise RuntimeError(f"Unknown Complex ScalarType for {kind(A._array)}")
    return return_types.linalg_eig(decompose.eig(A))


@accepts_out
def eigvals(A):
    """The eigenvalues of square matrices, always complex, in no order."""
    return eig(A).eigenvalues


# -- LU


def _check_lu(A, function, pivot):
    check_tensor(A, function.replace(".", "_"))
    if A._array.ndim < 2:
        raise RuntimeError(
            f"{function}: Expected tensor with 2 or more dimensions. Got size: {list(A._array.shape)} instead"
        )
    check_inexact(A, function)
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")


@accepts_out
def lu(A, *, pivot=True):
    """(P, L, U) of A = P @ L @ U: a permutation, unit lower triangular and upper triangular."""
    _check_lu(A, "linalg.lu", pivot)
    P, L, U = decompose.lu(A)
    return return_types.linalg_lu(P.detach(), L, U)


def _packed(A):
    """L (without its diagonal) and U in one matrix, and the pivots and info."""
    _, lower, upper = decompose.lu(A)
    rows, columns = A._array.shape[-2:]
    pivots, info = decompose.pivots(A)
    k = min(rows, columns)
    below = lower - np.eye(rows, k, dtype=lower._array.dtype)
    if rows > columns:
        upper = _padded(upper, rows - k, -2)
    if columns > rows:
        below = _padded(below, columns - k, -1)
    return below + upper, pivots, info


def _padded(x, n, dim):
    shape = list(x._array.shape)
    shape[dim] = n
    zeros = wrap(np.zeros(shape, x._array.dtype))
    return decompose.above(x, zeros) if dim == -2 else decompose.beside(x, zeros)


@accepts_out
def lu_factor(A, *, pivot=True):
    """(LU, pivots) for lu_solve; RuntimeError where U is singular."""
    _check_lu(A, "torch.lu_factor", pivot)
    packed, pivots, info = _packed(A)
    if every(info._array).any():
        position, k = ops.first_failure(every(info._array))
        raise RuntimeError(
            f"{ops.element(position, A._array.ndim > 2)}torch.linalg.lu_factor: U[{k},{k}] is zero and using it "
            "on lu_solve "
            "would result in a division by zero. If you still want to perform the factorization, consider calling "
            "linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
        )
    return return_types.linalg_lu_factor(packed, pivots)


@accepts_out
def lu_factor_ex(A, *, pivot=True, check_errors=False):
    """(LU, pivots, info): info is 0, or the position of the first zero on U's diagonal."""
    if check_errors:
        return return_types.linalg_lu_factor_ex(
            *lu_factor(A, pivot=pivot), wrap(np.zeros(A._array.shape[:-2], np.int32))
        )
    _check_lu(A, "torch.lu_factor_ex", pivot)
    return return_types.linalg_lu_factor_ex(_packed(A))


@accepts_out
def lu_solve(LU, pivots, B, *, left=True, adjoint=False):
    """The X of A @ X = B (X @ A = B), A given by its lu_factor; of A.mH with adjoint=True."""
    check_square(LU, "linalg.lu_solve", "LU")
    check_matrix(B, "linalg.lu_solve", "B")
    if pivots._array.dtype != np.int32:
        raise RuntimeError("linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32")
    check_equations(LU._array, B._array, "linalg.lu_solve", left)
    broadcast_batches(B._array.shape[:-2], LU._array.shape[:-2])
    # X @ A = B is A.mH @ X.mH = B.mH.
    if not left:
        return mH(lu_solve(LU, pivots, mH(B), adjoint=not adjoint))
    permutation = wrap(matrix_of_pivots(pivots._array, LU._array.shape[-1], LU._array.dtype))
    if adjoint:
        inner = solve_triangular(mH(LU), B, upper=False)
        return permutation @ solve_triangular(mH(LU), inner, upper=True, unitriangular=True)
    inner = solve_triangular(LU, mH(permutation) @ B, upper=False, unitriangular=True)
    return solve_triangular(LU, inner, upper=True)


def matrix_of_pivots(pivots, rows, dtype):
    """The permutation matrix that the exchanges of rows make."""
    count = math.prod(pivots.shape[:-1])
    flat = pivots.reshape(count, pivots.shape[-1])
    order = np.tile(np.arange(rows), (count, 1))
    batch = np.arange(count)
    for k in range(flat.shape[1]):
        p = flat[:, k] - 1
        order[batch, k], order[batch, p] = order[batch, p], order[batch, k].copy()
    return decompose.permutation(order.reshape(*pivots.shape[:-1], rows), dtype)


# -- Householder


@accepts_out
def householder_product(A, tau):
    """The first columns of the product of the reflections 1 - tau[i] * v @ v.mH, v below the diagonal of column i."""
    _check_householder(A._array, tau._array)
    rows, columns = A._array.shape[-2:]
    dtype = A._array.dtype
    vectors = ops.masked(A, np.tril(np.ones((rows, columns)), -1)) + np.eye(rows, columns, dtype=dtype)
    out = vectors * 0 + np.eye(rows, columns, dtype=dtype)
    for i in reversed(range(tau._array.shape[-1])):
        v = vectors[..., i : i + 1]
        out = out - tau[..., i, None, None] * (v @ (mH(v) @ out))
    return out


def _check_householder(a, tau):
    function = "torch.linalg.householder_product"
    if a.ndim < 2:
        raise RuntimeError(f"{function}: input must have at least 2 dimensions.")
    if a.shape[-2] < a.shape[-1]:
        raise RuntimeError(f"{function}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if a.shape[-1] < tau.shape[-1]:
        raise RuntimeError(f"{function}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if a.ndim - tau.ndim != 1:
        raise RuntimeError(
            f"{function}: Expected tau to have one dimension less than input, but got tau.ndim equal to "
            f"{tau.ndim} and "
            f"input.ndim is equal to {a.ndim}"
        )
    if a.shape[:-2] != tau.shape[:-1]:
        raise RuntimeError(
            f"{function}: Expected batch dimensions of tau to be equal to input.shape[:-2], but got "
            f"{list(tau.shape[:-1])}"
        )
    if a.dtype != tau.dtype:
        raise RuntimeError(f"{function}: tau dtype {kind(tau)} does not match input dtype {kind(a)}")
