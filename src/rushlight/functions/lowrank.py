"""The largest singular values and eigenvalues of matrices, without all the others."""

from ..ops.matrix import mH
from .arguments import check_tensor


def svd_lowrank(A, q=6, niter=2, M=None):
    """(U, S, V): about the q largest singular values of A (of A - M) and their vectors, by random projections.

    A is (..., m, n); U is (..., m, q), S is (..., q), V is (..., n, q). Each of `niter` iterations sharpens the
    result where singular values decay slowly (Halko, Martinsson and Tropp, "Finding structure with randomness", 2009).

    >>> import rushlight
    >>> U, S, V = rushlight.svd_lowrank(rushlight.diag(rushlight.tensor([5.0, 2.0, 0.0])), q=2)
    >>> [round(s, 4) for s in S.tolist()]
    [5.0, 2.0]
    """
    check_tensor(A, "svd_lowrank", name="A")
    _check_matrix(A, q, niter)
    if M is not None:
        A = A - M
    wide = A._array.shape[-2] < A._array.shape[-1]
    matrix = mH(A) if wide else A
    Q = _range(matrix, q, niter)
    from .. import linalg

    inner, S, Vh = linalg.svd(mH(Q) @ matrix, full_matrices=False)
    U, V = Q @ inner, mH(Vh)
    return (V, S, U) if wide else (U, S, V)


def _check_matrix(A, q, niter):
    m, n = A._array.shape[-2:]
    if not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")


def _range(A, q, niter):
    """Orthonormal columns that about span what A maps to."""
    from .. import linalg
    from .random import randn

    Q = linalg.qr(A @ randn(A._array.shape[-1], q, dtype=A.dtype)).Q
    for _ in range(niter):
        Q = linalg.qr(mH(A) @ Q).Q
        Q = linalg.qr(A @ Q).Q
    return Q


def pca_lowrank(A, q=None, center=True, niter=2):
    """svd_lowrank of A (..., m, n) with the mean of its rows taken away: V are the principal directions.

    q is by default 6, or the smaller of m and n.

    >>> import rushlight
    >>> U, S, V = rushlight.pca_lowrank(rushlight.tensor([[1.0, 1.0], [3.0, 3.0]]), q=1)
    >>> round(S.item(), 4)
    2.0
    """
    check_tensor(A, "pca_lowrank", name="A")
    if q is None:
        q = min(6, *A._array.shape[-2:])
    _check_matrix(A, q, niter)
    if center:
        A = A - A.mean((-2,), keepdim=True)
    return svd_lowrank(A, q, niter=niter)


def lobpcg(
    A, k=None, B=None, X=None, n=None, iK=None, niter=None, tol=None, largest=None, method=None, tracker=None,
    ortho_iparams=None, ortho_fparams=None, ortho_bparams=None,
):  # fmt: skip
    """(eigenvalues, eigenvectors): the k largest, or smallest, of A @ x = value * B @ x, with X.mT @ B @ X = 1.

    A is a symmetric and B a symmetric positive definite (..., m, m). All eigenvalues are computed, so the arguments
    that guide PyTorch's iteration (X gives the number of eigenvectors, iK, niter, tol, method, tracker and ortho_*) have no effect
    otherwise.

    >>> import rushlight
    >>> rushlight.lobpcg(rushlight.diag(rushlight.arange(1.0, 10.0)), k=2)[0]
    tensor([9., 8.])
    """
    check_tensor(A, "lobpcg", name="A")
    m = A._array.shape[-1]
    count = n if n is not None else k if k is not None else 1 if X is None else X._array.shape[-1]
    if m < 3 * count:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={m}) is smaller than 3 x the number of "
            f"requested eigenpairs (={count})"
        )
    from .. import linalg

    k = count if k is None else k
    if B is not None:
        L = linalg.cholesky(B)
        A = linalg.solve_triangular(mH(L), linalg.solve_triangular(L, A, upper=False), upper=True, left=False)
    values, vectors = linalg.eigh((A + mH(A)) / 2)
    chosen = list(range(m - 1, m - 1 - k, -1)) if largest is None or largest else list(range(k))
    values, vectors = values[..., chosen], vectors[..., chosen]
    return values, vectors if B is None else linalg.solve_triangular(mH(L), vectors, upper=True)
