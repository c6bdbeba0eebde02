"""Matrices as products of simpler ones."""

from ..functions import return_types
from ..functions.arguments import check_flags, widening
from ..modes import grad_enabled
from ..ops import decompose
from ..ops import linalg as ops
from ..ops.matrix import mH
from ..ops.matrix_checks import kind
from .checks import check_inexact, check_matrix, check_square
from .solvers import info_of


@widening
def cholesky(A, *, upper=False):
    """The lower triangular L of A = L @ L.mH (the upper triangular of A = U.mH @ U); LinAlgError where there is none.

    >>> import rushlight
    >>> rushlight.linalg.cholesky(4 * rushlight.eye(2))
    tensor([[2., 0.],
            [0., 2.]])
    """
    check_flags("linalg_cholesky", None, upper=upper)
    return factor(A, upper, "linalg.cholesky", "linalg.cholesky")


def factor(A, upper, function, asker):
    """The Cholesky factor; what is refused is told in the name of `function`, or of `asker` for bad numbers."""
    check_square(A, function)
    check_inexact(A, function)
    lower = ops.cholesky(mH(A) if upper else A, asker=asker)
    return mH(lower) if upper else lower


@widening
def cholesky_ex(A, *, upper=False, check_errors=False):
    """(L, info): info is 0, or the order of the leading minor that is not positive-definite."""
    check_flags("linalg_cholesky_ex", None, upper=upper, check_errors=check_errors)
    lower = factor(A, upper, "linalg.cholesky", "linalg.cholesky_ex" if check_errors else "")
    return return_types.linalg_cholesky_ex(lower, info_of(lower, A, ops.bad_minors))


@widening
def qr(A, mode="reduced"):
    """(Q, R): Q has orthonormal columns, R is upper triangular; `mode` is "reduced", "complete" or "r" (no Q)."""
    check_matrix(A, "linalg.qr")
    check_inexact(A, "linalg.qr")
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    return return_types.linalg_qr(decompose.qr(A, mode=mode))


@widening
def svd(A, full_matrices=True, *, driver=None):
    """(U, S, Vh) of A = U @ diag(S) @ Vh, the singular values S from the largest to the smallest.

    Gradients are those of losses that do not depend on signs (phases) of the vectors; repeated singular values make
    them infinite.
    """
    check_matrix(A, "linalg.svd")
    check_flags("linalg_svd", 2, full_matrices=full_matrices)
    check_inexact(A, "linalg.svd")
    _check_driver(driver)
    return return_types.linalg_svd(decompose.svd(A, full_matrices=full_matrices))


def _check_driver(driver):
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."
        )


def _recorded(A):
    """Whether a derivative may be asked for soon: vectors that it needs are then found at once."""
    return grad_enabled() and A.requires_grad


@widening
def svdvals(A, *, driver=None):
    """The singular values, from the largest to the smallest."""
    check_matrix(A, "linalg.svd")
    check_inexact(A, "linalg.svd")
    _check_driver(driver)
    return decompose.svd(A, full_matrices=False)[1] if _recorded(A) else decompose.svdvals(A)


@widening
def eigh(A, UPLO="L"):
    """(eigenvalues, eigenvectors) of Hermitian matrices, in ascending order; only one triangle is read."""
    return return_types.linalg_eigh(decompose.eigh(A, UPLO=_triangle(A, UPLO)))


def _triangle(A, UPLO):
    """The triangle that is read, of what may be decomposed."""
    check_square(A, "linalg.eigh")
    if str(UPLO).upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    if A._array.dtype.kind not in "fc" or A._array.dtype.itemsize == 2:
        raise NotImplementedError(f"\"linalg_eigh_cpu\" not implemented for '{kind(A._array)}'")
    return UPLO.upper()


@widening
def eigvalsh(A, UPLO="L"):
    """The eigenvalues of Hermitian matrices, in ascending order."""
    triangle = _triangle(A, UPLO)
    return decompose.eigh(A, UPLO=triangle)[0] if _recorded(A) else decompose.eigvalsh(A, UPLO=triangle)


@widening
def eig(A):
    """(eigenvalues, eigenvectors) of square matrices, always complex, in no order."""
    _check_eig(A)
    return return_types.linalg_eig(decompose.eig(A))


def _check_eig(A):
    check_square(A, "linalg.eig")
    if A._array.dtype.kind not in "fc":
        raise RuntimeError(f"Unknown Complex ScalarType for {kind(A._array)}")


@widening
def eigvals(A):
    """The eigenvalues of square matrices, always complex, in no order."""
    _check_eig(A)
    return decompose.eig(A)[0] if _recorded(A) else decompose.eigvals(A)
