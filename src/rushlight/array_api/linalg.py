"""The extension for linear algebra."""

from collections import namedtuple

import rushlight

from ..missing import of_module as _of_module
from .elementwise import together
from .products import matmul, matrix_transpose, tensordot, vecdot

__all__ = [
    "cholesky", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "matmul", "matrix_norm", "matrix_power",
    "matrix_rank", "matrix_transpose", "outer", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot", "trace",
    "vecdot", "vector_norm",
]  # fmt: skip

eigh_result = namedtuple("eigh_result", ("eigenvalues", "eigenvectors"))
qr_result = namedtuple("qr_result", ("Q", "R"))
slogdet_result = namedtuple("slogdet_result", ("sign", "logabsdet"))
svd_result = namedtuple("svd_result", ("U", "S", "Vh"))


def cholesky(x, /, *, upper=False):
    return rushlight.linalg.cholesky(x, upper=upper)


def cross(x1, x2, /, *, axis=-1):
    """The cross product of vectors of three; what lies before their axis is broadcast. `axis` counts from the end."""
    if axis >= 0:
        raise ValueError(f"cross: axis must count from the end, as -1 does, got {axis}")
    ndim = max(x1.ndim, x2.ndim)
    return rushlight.linalg.cross(*[_before(x, ndim) for x in together(x1, x2)], dim=axis)


def det(x, /):
    return rushlight.linalg.det(x)


def diagonal(x, /, *, offset=0):
    return rushlight.diagonal(x, offset, -2, -1)


def eigh(x, /):
    return eigh_result(*rushlight.linalg.eigh(x))


def eigvalsh(x, /):
    return rushlight.linalg.eigvalsh(x)


def inv(x, /):
    return rushlight.linalg.inv(x)


def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    return rushlight.linalg.matrix_norm(x, ord, keepdim=keepdims)


def matrix_power(x, n, /):
    return rushlight.linalg.matrix_power(x, n)


def matrix_rank(x, /, *, rtol=None):
    return rushlight.linalg.matrix_rank(x, rtol=rtol)


def outer(x1, x2, /):
    return rushlight.outer(*together(x1, x2))


def pinv(x, /, *, rtol=None):
    return rushlight.linalg.pinv(x, rtol=rtol)


def qr(x, /, *, mode="reduced"):
    return qr_result(*rushlight.linalg.qr(x, mode))


def slogdet(x, /):
    return slogdet_result(*rushlight.linalg.slogdet(x))


def solve(x1, x2, /):
    """x of x1 @ x = x2. x2 is a vector where it has one dimension, else a stack of matrices."""
    x1, x2 = together(x1, x2)
    # With as many dimensions it is not taken for a stack of vectors.
    found = rushlight.linalg.solve(x1, _before(x2[:, None] if x2.ndim == 1 else x2, x1.ndim))
    return found[..., 0] if x2.ndim == 1 else found


def _before(x, ndim):
    """x with as many dimensions, those of size 1 before its own."""
    return x.reshape((1,) * (ndim - x.ndim) + tuple(x.shape))


def svd(x, /, *, full_matrices=True):
    return svd_result(*rushlight.linalg.svd(x, full_matrices))


def svdvals(x, /):
    return rushlight.linalg.svdvals(x)


def trace(x, /, *, offset=0, dtype=None):
    return diagonal(x, offset=offset).sum(-1, dtype=dtype)


def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    # No axes would be all of them.
    return (
        rushlight.linalg.vector_norm(x[..., None], ord, -1)
        if axis == ()
        else rushlight.linalg.vector_norm(x, ord, axis, keepdims)
    )


__getattr__ = _of_module(__name__)
