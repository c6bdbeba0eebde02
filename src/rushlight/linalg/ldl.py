"""LDL decompositions of symmetric and Hermitian matrices, and equations solved with them."""

from ..functions import return_types
from ..functions.arguments import accepts_out, check_flags, check_tensor
from ..functions.matrix import broadcast_batches
from ..ops import ldl
from ..ops import linalg as ops
from ..ops.hidden import every
from ..ops.matrix_checks import kind
from .checks import check_inexact, check_matrix, check_square


def _factored(A, hermitian, asker):
    check_square(A, "torch.linalg.ldl_factor_ex")
    if A._array.dtype.itemsize == 2 and A._array.dtype.kind in "fV":
        raise NotImplementedError(f"\"ldl_factor_kernel_cpu\" not implemented for '{kind(A._array)}'")
    check_inexact(A, "torch.linalg.ldl_factor_ex")
    LD, pivots, info = ldl.ldl_factor(A, hermitian=hermitian)
    if asker and every(info._array).any():
        position, block = ops.first_failure(every(info._array))
        raise ops.LinAlgError(
            f"{asker}: {ops.element(position, A._array.ndim > 2)}D[{block},{block}] is zero, and using the "
            "factorization on ldl_solve would result in a division by zero."
        )
    return LD, pivots, info


@accepts_out
def ldl_factor(A, *, hermitian=False):
    """(LD, pivots) of symmetric or Hermitian matrices, for ldl_solve; only the lower triangle is read.

    >>> import rushlight
    >>> rushlight.linalg.ldl_factor(rushlight.tensor([[4.0, 0.0], [2.0, 9.0]])).LD
    tensor([[4.0000, 0.0000],
            [0.5000, 8.0000]])
    """
    check_flags("linalg_ldl_factor", None, hermitian=hermitian)
    return return_types.linalg_ldl_factor(*_factored(A, hermitian, "torch.linalg.ldl_factor")[:2])


@accepts_out
def ldl_factor_ex(A, *, hermitian=False, check_errors=False):
    """(LD, pivots, info): info is 0, or the position of the first block of D that is zero."""
    check_flags("linalg_ldl_factor_ex", None, hermitian=hermitian, check_errors=check_errors)
    asker = "torch.linalg.ldl_factor_ex" if check_errors else ""
    return return_types.linalg_ldl_factor_ex(*_factored(A, hermitian, asker))


@accepts_out
def ldl_solve(LD, pivots, B, *, hermitian=False):
    """The X of A @ X = B, A given by its ldl_factor.

    >>> import rushlight
    >>> LD, pivots = rushlight.linalg.ldl_factor(2 * rushlight.eye(2))
    >>> rushlight.linalg.ldl_solve(LD, pivots, rushlight.ones(2, 1))
    tensor([[0.5000],
            [0.5000]])
    """
    check_flags("linalg_ldl_solve", None, hermitian=hermitian)
    function = "torch.linalg.ldl_solve"
    check_square(LD, function)
    check_tensor(B, "linalg_ldl_solve", 3, "B")
    check_matrix(B, function, "B")
    if LD._array.shape[-1] != B._array.shape[-2]:
        n, (rows, columns) = LD._array.shape[-1], B._array.shape[-2:]
        raise RuntimeError(
            f"Incompatible matrix sizes for {function}: each A matrix is {n} by {n} but each b matrix is {rows} by "
            f"{columns}"
        )
    check_tensor(pivots, "linalg_ldl_solve", 2, "pivots")
    if pivots._array.dtype.kind not in "iu":
        raise RuntimeError(f"{function}: Expected pivots to be integers. Got {kind(pivots._array)}")
    if LD._array.dtype.kind not in "fc":
        raise RuntimeError(f"{function}: Expected a floating point or complex tensor as input. Got {kind(LD._array)}")
    if LD._array.shape[:-1] != pivots._array.shape:
        raise RuntimeError(
            f"{function}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{list(pivots._array.shape)} instead"
        )
    if LD._array.dtype != B._array.dtype:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {kind(B._array)} and A of type "
            f"{kind(LD._array)} instead."
        )
    broadcast_batches(B._array.shape[:-2], LD._array.shape[:-2])
    return ldl.solved(LD, pivots, B, hermitian)
