"""LU decompositions, and equations solved with them."""

import numpy as np

from ..core import wrap
from ..functions import return_types
from ..functions.arguments import accepts_out, check_flags, check_tensor, widening
from ..functions.matrix import broadcast_batches
from ..ops import batching, elimination
from ..ops import linalg as ops
from ..ops import lu as lu_ops
from ..ops.hidden import every
from .checks import check_equations, check_inexact, check_matrix, check_square


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
    check_flags("linalg_lu", None, pivot=pivot)
    _check_lu(A, "linalg.lu", pivot)
    P, L, U = lu_ops.lu(A)
    return return_types.linalg_lu(P.detach(), L, U)


@widening
def lu_factor(A, *, pivot=True):
    """(LU, pivots) for lu_solve; RuntimeError where U is singular."""
    check_flags("linalg_lu_factor", None, pivot=pivot)
    _check_lu(A, "torch.lu_factor", pivot)
    packed, pivots, info = lu_ops.lu_factor(A)
    if every(info._array).any():
        position, k = ops.first_failure(every(info._array))
        raise RuntimeError(
            f"{ops.element(position, A._array.ndim > 2)}torch.linalg.lu_factor: U[{k},{k}] is zero and using it "
            "on lu_solve would result in a division by zero. If you still want to perform the factorization, "
            "consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
        )
    return return_types.linalg_lu_factor(packed, pivots)


@widening
def lu_factor_ex(A, *, pivot=True, check_errors=False):
    """(LU, pivots, info): info is 0, or the position of the first zero on U's diagonal."""
    check_flags("linalg_lu_factor_ex", None, pivot=pivot, check_errors=check_errors)
    if check_errors:
        return return_types.linalg_lu_factor_ex(
            *lu_factor(A, pivot=pivot), wrap(np.zeros(A._array.shape[:-2], np.int32))
        )
    _check_lu(A, "torch.lu_factor_ex", pivot)
    return return_types.linalg_lu_factor_ex(*lu_ops.lu_factor(A))


@widening
def lu_solve(LU, pivots, B, *, left=True, adjoint=False):
    """The X of A @ X = B (X @ A = B), A given by its lu_factor; of A.mH with adjoint=True."""
    check_square(LU, "linalg.lu_solve", "LU")
    check_matrix(B, "linalg.lu_solve", "B")
    check_tensor(pivots, "linalg_lu_solve", 2, "pivots")
    check_flags("linalg_lu_solve", None, left=left, adjoint=adjoint)
    if pivots._array.dtype != np.int32:
        raise RuntimeError("linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32")
    check_equations(LU._array, B._array, "linalg.lu_solve", left)
    broadcast_batches(B._array.shape[:-2], LU._array.shape[:-2])
    # X @ A = B is A.mH @ X.mH = B.mH.
    if not left:
        return lu_ops.lu_solve(LU, pivots, B.mH, adjoint=not adjoint).mH
    return lu_ops.lu_solve(LU, pivots, B, adjoint=adjoint)


def matrix_of_pivots(pivots, rows, dtype):
    """The permutation matrices that exchanges of rows make."""
    return batching.by_values(lambda exchanged: elimination.permutation(exchanged, rows, dtype), pivots)
