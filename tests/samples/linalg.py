"""Inverses, solutions and decompositions of matrices."""

import numpy as np

from .row import Row

_SYMMETRIC = "not differentiable where only one of two mirrored elements moves: one triangle is read"


def spread(x):
    """x with a diagonal that keeps it away from singular matrices and from equal singular values."""
    n = min(x.shape[-2:])
    x[..., range(n), range(n)] += 3.0 * np.arange(1, n + 1)
    return x


def of_sizes(x):
    """x, its matrices of very different norms, in place."""
    x *= 9.0 ** np.arange(len(x))[:, None, None]
    return x


def definite(x):
    """A symmetric positive-definite matrix, in place."""
    x[...] = (x + np.swapaxes(x, -2, -1)) / 4
    return spread(x)


ROWS = [
    Row("inv", lambda r: (spread(r(2, 3, 3)),)),
    Row("det", lambda r: (spread(r(2, 3, 3)),)),
    Row("cofactor", lambda r: (spread(r(2, 3, 3)),)),
    Row("slogdet", lambda r: (spread(r(2, 3, 3)),)),
    Row("singular_shift", lambda r: (np.stack([np.ones((3, 3)), np.eye(3)]),)),
    Row("solve", lambda r: (spread(r(2, 3, 3)), r(3, 4))),
    Row("solve", lambda r: (spread(r(3, 3)), r(3)), {"vector": True}),
    Row("solve", lambda r: (spread(r(3, 3)), r(2, 4, 3)), {"left": False}),
    Row("solve_triangular", lambda r: (spread(r(3, 3)), r(2, 3, 4)), {"upper": True}),
    Row("solve_triangular", lambda r: (spread(r(3, 3)), r(4, 3)), {"upper": False, "left": False}),
    Row("solve_triangular", lambda r: (r(3, 3), r(3, 2)), {"upper": True, "unitriangular": True}),
    Row("cholesky", lambda r: (definite(r(2, 3, 3)),), note=_SYMMETRIC),
    Row("cholesky_inverse", lambda r: (spread(r(2, 3, 3)),), {"upper": False}),
    Row("cholesky_inverse", lambda r: (spread(r(3, 3)),), {"upper": True}),
    Row("pinv", lambda r: (spread(r(4, 3)), 0.0, 1e-12), {"hermitian": False}),
    Row("pinv", lambda r: (spread(r(2, 4)), 0.0, 1e-12), {"hermitian": False}),
    Row("matrix_exp", lambda r: (r(2, 3, 3),)),
    Row("matrix_exp", lambda r: (of_sizes(r(2, 3, 3)),)),
    Row("vander", lambda r: (r(2, 3),), {"n": 4}),
    Row("matrix_rank", lambda r: (spread(r(3, 4)), 0.0, 1e-12), {"hermitian": False}),
    Row("qr", lambda r: (spread(r(4, 3)),)),
    Row("qr", lambda r: (spread(r(2, 3, 5)),)),
    Row("svd", lambda r: (spread(r(3, 3)),)),
    Row("svd", lambda r: (spread(r(2, 4, 3)),), {"full_matrices": False}),
    Row("svd", lambda r: (spread(r(3, 5)),), {"full_matrices": False}),
    Row("eigh", lambda r: (definite(r(2, 3, 3)),), note=_SYMMETRIC),
    Row(
        "eig",
        lambda r: (definite(r(3, 3)),),
        note="not differentiable: the phases of complex vectors are free",
    ),
    Row("lu", lambda r: (spread(r(3, 3)),)),
    Row("lu", lambda r: (spread(r(2, 5, 3)),)),
    Row("lu", lambda r: (spread(r(3, 5)),)),
    Row("lu_factor", lambda r: (spread(r(2, 3, 3)),)),
    Row("lu_factor", lambda r: (spread(r(5, 3)),)),
    Row("lu_factor", lambda r: (spread(r(3, 5)),)),
    Row("lu_solve", lambda r: (spread(r(3, 3)), np.array([3, 2, 3], np.int32), r(2, 3, 4))),
    Row(
        "lu_solve",
        lambda r: (spread(r(2, 3, 3)), np.array([[3, 2, 3], [2, 3, 3]], np.int32), r(3, 4)),
        {"adjoint": True},
    ),
    Row("row_order", lambda r: (np.array([3, 2, 3], np.int32),), {"rows": 4}),
    Row("taken_rows", lambda r: (r(4, 2), np.array([2, 0, 1, 3]))),
    Row("taken_rows", lambda r: (r(3, 2), np.array([[2, 0, 1], [1, 2, 0]])), {"back": True}),
    Row("ldl_layout", lambda r: (np.array([[-3, -3, 3], [2, 3, 3]], np.int32),)),
    Row("in_columns", lambda r: (r(3, 3), np.array([[1, 0, 2], [0, 2, 1], [2, 1, 0]]))),
    Row("ldl_factor", lambda r: (definite(r(2, 3, 3)),), note=_SYMMETRIC),
    Row("svdvals", lambda r: (spread(r(2, 4, 3)),)),
    Row("eigvalsh", lambda r: (definite(r(2, 3, 3)),), note=_SYMMETRIC),
    Row("eigvals", lambda r: (definite(r(3, 3)),)),
    Row("lstsq", lambda r: (spread(r(2, 4, 3)), r(2, 4, 2)), {"rcond": 1e-12}),
    Row("lstsq", lambda r: (spread(r(2, 3)), r(2, 2)), {"rcond": 1e-12}),
    Row("householder_product", lambda r: (r(4, 3), r(2))),
    Row("householder_product", lambda r: (r(2, 3, 3), r(2, 3))),
    Row("ormqr", lambda r: (r(4, 3), r(2), r(4, 2)), {"transpose": False}),
    Row("ormqr", lambda r: (r(2, 3, 3), r(2, 3), r(2, 3, 2)), {"transpose": True}),
    Row("geqrf", lambda r: (spread(r(4, 3)),)),
    Row("geqrf", lambda r: (spread(r(2, 3, 3)),)),
    Row("geqrf", lambda r: (spread(r(2, 4)),)),
]
