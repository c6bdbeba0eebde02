"""Decompositions of batches of matrices: QR, singular values, eigenvalues.

Gradients are those of functions that do not depend on what a decomposition leaves open: signs and phases.
"""

import numpy as np

from .. import kernels
from .batch_rules import as_it_is
from .copying import conj
from .declare import general
from .join import above, beside
from .linalg import LinAlgError, element, imaginary, masked, solve, solve_triangular
from .matrix import added, column, matmul, mH


def row(v):
    return v.unsqueeze(-2)


def _reciprocal_gaps(values):
    """1 / (v_j - v_i), and 0 on the diagonal."""
    n = values._array.shape[-1]
    eye = np.eye(n, dtype=values._array.real.dtype)
    return masked(1 / (row(values) - column(values) + eye), 1 - eye)


def _diagonal(x):
    return masked(x, np.eye(x._array.shape[-1]))


def _check_gauge(name, diagonal):
    """Refuse a loss that depends on the phase of complex vectors."""
    if np.abs(diagonal._array.imag).max(initial=0) > 1e-2:
        raise RuntimeError(
            f"{name}: The eigenvectors in the complex case are specified up to multiplication by e^{{i phi}}. "
            "The specified "
            "loss function depends on this quantity, so it is ill-defined."
        )


# -- QR


def _sums(upper):
    """upper + upper.H, its diagonal halved: what the triangle of a Hermitian matrix means."""
    n = upper._array.shape[-1]
    return masked(upper + mH(upper), np.ones((n, n)) - 0.5 * np.eye(n))


def _upper(x):
    m, n = x._array.shape[-2:]
    return masked(x, np.triu(np.ones((m, n))))


def _through_tall(g_q, g_r, q, r):
    parts = []
    if g_r is not None:
        parts.append(matmul(g_r, mH(r)))
    if g_q is not None:
        parts.append(-matmul(mH(q), g_q))
    inner = matmul(q, _sums(_upper(added(*parts))))
    if g_q is not None:
        inner = inner + g_q
    return mH(solve_triangular(r, mH(inner), upper=True))


def through_qr(g, x, Q, R, mode):
    g_q, g_r = g
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
            "linalg.qr(A, mode='reduced') if you are going to require gradients."
        )
    m, n = x._array.shape[-2:]
    if m >= n:
        if mode == "complete" and m > n:
            raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols")
        return _through_tall(g_q, g_r, Q, R)
    # The first m columns decide Q; the others are Q.H times theirs.
    rest = None if g_r is None else g_r[..., m:]
    if rest is not None:
        g_q = added(g_q, matmul(x[..., m:], mH(rest)))
        g_r = g_r[..., :m]
    first = _through_tall(g_q, g_r, Q, R[..., :m])
    return beside(first, x[..., m:] * 0 if rest is None else matmul(Q, rest))


def push_qr(x, x_t, Q, R, mode):
    if mode == "r":
        through_qr((None, None), x, Q, R, mode)
    m, n = x._array.shape[-2:]
    if m > n and mode == "complete":
        through_qr((None, None), x, Q, R, mode)
    k = min(m, n)
    square = R[..., :k]
    change = mH(solve_triangular(mH(square), mH(x_t[..., :k]), upper=False))
    inner = matmul(mH(Q), change)
    n_ones = np.ones((k, k))
    half = masked(inner + mH(inner), np.triu(n_ones) - 0.5 * np.eye(k))
    q_t = change - matmul(Q, half)
    r_t = matmul(half, square)
    if m < n:
        r_t = beside(r_t, matmul(mH(Q), x_t[..., k:]) + matmul(mH(q_t), x[..., k:]))
    return q_t, r_t


@general(
    batch=as_it_is, backward="LinalgQrBackward0", outputs=("Q", "R"), holomorphic=False, x=through_qr, push=push_qr
)
def qr(x, *, mode="reduced"):
    if mode == "r":
        return np.empty(0, x.dtype), np.linalg.qr(x, mode="r")
    return tuple(np.linalg.qr(x, mode=mode))


# -- singular values


def _through_svd(g, U, S, Vh):
    g_u, g_s, g_vh = g
    k = S._array.shape[-1]
    m, n = U._array.shape[-2], Vh._array.shape[-1]
    U, Vh = U[..., :k], Vh[..., :k, :]
    is_complex = U._array.dtype.kind == "c"
    if g_u is None and g_vh is None:
        return None if g_s is None else matmul(U * row(g_s), Vh)
    gaps = _reciprocal_gaps(S * S)
    parts = []
    if g_s is not None:
        parts.append(column(g_s) * np.eye(k, dtype=S._array.dtype))
    phase = None
    if g_u is not None:
        g_u = g_u[..., :k]
        to_u = matmul(mH(U), g_u)
        parts.append((to_u - mH(to_u)) * gaps * row(S))
        phase = to_u
        if is_complex:
            parts.append(_diagonal(imaginary(to_u)) / row(S))
    if g_vh is not None:
        g_vh = g_vh[..., :k, :]
        to_v = matmul(Vh, mH(g_vh))
        parts.append((to_v - mH(to_v)) * gaps * column(S))
        phase = to_v if phase is None else phase + to_v
    if is_complex:
        _check_svd_gauge(phase)
    out = matmul(matmul(U, added(*parts)), Vh)
    if g_u is not None and m > k:
        outside = g_u - matmul(U, matmul(mH(U), g_u))
        out = out + matmul(outside / row(S), Vh)
    if g_vh is not None and n > k:
        outside = g_vh - matmul(matmul(g_vh, mH(Vh)), Vh)
        out = out + matmul(U / row(S), outside)
    return out


def _check_svd_gauge(phase):
    if np.abs(np.diagonal(phase._array, axis1=-2, axis2=-1).imag).max(initial=0) > 1e-2:
        raise RuntimeError(
            "svd_backward: The singular vectors in the complex case are specified up to multiplication by "
            "e^{i phi}. The specified loss function depends on this phase term, making it ill-defined."
        )


def _push_svd(x_t, U, S, Vh):
    k = S._array.shape[-1]
    m, n = U._array.shape[-2], Vh._array.shape[-1]
    outer_u, outer_v = U[..., k:], Vh[..., k:, :]
    U, Vh = U[..., :k], Vh[..., :k, :]
    change = matmul(mH(U), matmul(x_t, mH(Vh)))
    # The part of `change` on the diagonal is real but for phases.
    s_t = ((change + mH(change)) * 0.5).diagonal(0, -2, -1)
    s_t = s_t.real if s_t._array.dtype.kind == "c" else s_t
    gaps = _reciprocal_gaps(S * S)
    scaled = change * row(S)
    u_t = matmul(U, (scaled + mH(scaled)) * gaps)
    scaled = column(S) * change
    v_inner = (scaled + mH(scaled)) * gaps
    if change._array.dtype.kind == "c":
        u_t = u_t + U * row((imaginary(change).diagonal(0, -2, -1)) / S)
    vh_t = matmul(mH(v_inner), Vh)
    if m > k:
        right = matmul(x_t, mH(Vh)) / row(S)
        u_t = u_t + right - matmul(U, matmul(mH(U), right))
    if n > k:
        left = matmul(mH(U), x_t) / column(S)
        vh_t = vh_t + left - matmul(matmul(left, mH(Vh)), Vh)
    # Vectors that complete a basis move only so far as to stay orthogonal to the others.
    if outer_u._array.shape[-1]:
        u_t = beside(u_t, -matmul(U, matmul(mH(u_t), outer_u)))
    if outer_v._array.shape[-2]:
        vh_t = above(vh_t, -matmul(matmul(outer_v, mH(vh_t)), Vh))
    return u_t, s_t, vh_t


@general(batch=as_it_is,
    backward="LinalgSvdBackward0", outputs=("U", "S", "Vh"), holomorphic=False, x=_through_svd, push=_push_svd,
    aliases={"x": "A"},
)  # fmt: skip
def svd(x, *, full_matrices=True):
    try:
        return tuple(np.linalg.svd(x, full_matrices=full_matrices))
    except np.linalg.LinAlgError:
        bad = ~np.isfinite(x).all((-2, -1))
    position = int(np.flatnonzero(bad)[0]) if bad.any() else 0
    raise LinAlgError(
        f"linalg.svd: {element(position, x.ndim > 2)}The algorithm failed to converge because the input matrix "
        "contained "
        "non-finite values."
    )


def _real(values):
    return values.real if values._array.dtype.kind == "c" else values


def _push_svdvals(x, x_t):
    U, _, Vh = svd(x, full_matrices=False)
    return _real(matmul(mH(U), matmul(x_t, mH(Vh))).diagonal(0, -2, -1))


def _through_svdvals(g, x):
    U, _, Vh = svd(x, full_matrices=False)
    return matmul(U * row(g), Vh)


@general(
    batch=as_it_is,
    backward="LinalgSvdBackward0",
    holomorphic=False,
    x=_through_svdvals,
    push=_push_svdvals,
    aliases={"x": "A"},
)
def svdvals(x):
    """The singular values; their vectors are found only where a derivative is asked for."""
    try:
        return np.linalg.svd(x, compute_uv=False)
    except np.linalg.LinAlgError:
        return svd.forward(x)[1]


# -- eigenvalues


def _through_eigh(g, eigenvalues, eigenvectors):
    g_l, g_v = g
    v = eigenvectors
    if g_v is None:
        return None if g_l is None else matmul(v * row(g_l), mH(v))
    inner = matmul(mH(v), g_v)
    if v._array.dtype.kind == "c":
        _check_gauge("linalg_eigh_backward", inner.diagonal(0, -2, -1))
    middle = inner * _reciprocal_gaps(eigenvalues)
    if g_l is not None:
        middle = middle + column(g_l) * np.eye(v._array.shape[-1], dtype=eigenvalues._array.dtype)
    return matmul(v, matmul(middle, mH(v)))


def _push_eigh(x_t, eigenvalues, eigenvectors):
    v = eigenvectors
    change = matmul(mH(v), matmul(x_t, v))
    return _real(change.diagonal(0, -2, -1)), matmul(v, change * _reciprocal_gaps(eigenvalues))


@general(batch=as_it_is,
    backward="LinalgEighBackward0", outputs=("eigenvalues", "eigenvectors"), holomorphic=False, x=_through_eigh,
    push=_push_eigh, aliases={"x": "A"},
)  # fmt: skip
def eigh(x, *, UPLO="L"):
    try:
        return tuple(np.linalg.eigh(x, UPLO))
    except np.linalg.LinAlgError:
        return np.full(x.shape[:-1], np.nan, x.real.dtype), np.full(x.shape, np.nan, x.dtype)


def _through_eigvalsh(g, x, UPLO):
    v = eigh(x, UPLO=UPLO)[1]
    return matmul(v * row(g), mH(v))


def _push_eigvalsh(x, x_t, UPLO):
    v = eigh(x, UPLO=UPLO)[1]
    return _real(matmul(mH(v), matmul(x_t, v)).diagonal(0, -2, -1))


@general(
    batch=as_it_is,
    backward="LinalgEighBackward0",
    holomorphic=False,
    x=_through_eigvalsh,
    push=_push_eigvalsh,
    aliases={"x": "A"},
)
def eigvalsh(x, *, UPLO="L"):
    try:
        return np.linalg.eigvalsh(x, UPLO)
    except np.linalg.LinAlgError:
        return np.full(x.shape[:-1], np.nan, x.real.dtype)


def _through_eig(g, eigenvalues, eigenvectors):
    g_l, g_v = g
    v = eigenvectors
    vh = mH(v)
    parts = []
    if g_v is not None:
        inner = matmul(vh, g_v)
        diagonal = inner.diagonal(0, -2, -1)
        _check_gauge("linalg_eig_backward", diagonal)
        real = (diagonal + conj(diagonal)) * 0.5
        inner = inner - matmul(vh, v * row(real))
        parts.append(matmul(inner * conj(_reciprocal_gaps(eigenvalues)), vh))
    if g_l is not None:
        parts.append(column(g_l) * vh)
    return solve(vh, added(*parts))


def _push_eig(x_t, eigenvalues, eigenvectors):
    v = eigenvectors
    if x_t._array.dtype.kind != "c":
        from .copying import to_dtype

        x_t = to_dtype(x_t, dtype=v._array.dtype)
    change = solve(v, matmul(x_t, v))
    v_t = matmul(v, change * _reciprocal_gaps(eigenvalues))
    along = (conj(v) * v_t).sum(-2)
    return change.diagonal(0, -2, -1), v_t - v * row((along + conj(along)) * 0.5)


def _wide(x):
    """The complex dtype of what eigenvalues are, of finite numbers."""
    if not np.isfinite(x).all():
        raise RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs.")
    return np.result_type(x.dtype, np.complex64)


# The loops behind numpy.linalg, whose functions take those of float64 for float32: twice the time.
_loops = getattr(np.linalg, "_umath_linalg", None)


def _in_single_precision(name, x):
    """What a loop gives for float32; None for other arrays, and where it does not converge."""
    if x.dtype != np.float32 or x.size == 0 or _loops is None:
        return None
    with np.errstate(all="ignore"):
        found = getattr(_loops, name)(x)
    values = found[0] if isinstance(found, tuple) else found
    return found if np.isfinite(values).all() else None


@general(batch=as_it_is,
    backward="LinalgEigBackward0", outputs=("eigenvalues", "eigenvectors"), holomorphic=False, x=_through_eig,
    push=_push_eig,
)  # fmt: skip
def eig(x):
    wide = _wide(x)
    values, vectors = _in_single_precision("eig", x) or np.linalg.eig(x)
    return values.astype(wide, copy=False), vectors.astype(wide, copy=False)


@general(
    batch=as_it_is,
    backward="LinalgEigBackward0",
    holomorphic=False,
    x=lambda g, x: _through_eig((g, None), *eig(x)),
    push=lambda x, x_t: _push_eig(x_t, *eig(x))[0],
)
def eigvals(x):
    wide = _wide(x)
    found = _in_single_precision("eigvals", x)
    return np.linalg.eigvals(x).astype(wide, copy=False) if found is None else found


_fast = kernels.load("solve")
if _fast is not None:
    qr.accelerate(_fast.qr)
