"""Products of Householder reflections 1 - tau * v @ v.mH, in the form that QR decompositions leave them in.

Together k reflections are 1 - V @ T @ V.mH with an upper triangular T (Schreiber and Van Loan, "A storage-efficient WY
representation for products of Householder transformations", 1989), and T = inv(1 + D @ S) @ D for the diagonal D of
tau and the part S of V.mH @ V above its diagonal (Joffrain et al., "Accumulating Householder transformations,
revisited", 2006). So all of it is products of matrices and one triangular system.
"""

import numpy as np

from .. import kernels
from .batch_rules import as_it_is
from .copying import conj
from .declare import general
from .decompose import push_qr, through_qr
from .join import above, beside
from .linalg import solve_triangular
from .lu import below_diagonal, push_factors, through_factors, upper_triangle
from .matrix import added, column, matmul, mH
from .triangle import triu, unit_lower


def vectors(packed, k):
    """The first k columns below the diagonal, with ones on it."""
    return unit_lower(packed if packed._array.shape[-1] == k else packed[..., :k])


def joined(V, adjoint, tau, right):
    """T @ right, where `adjoint` is that of V."""
    # What lies on and below the diagonal of the overlaps is not read.
    tau = column(tau)
    return solve_triangular(tau * matmul(adjoint, V), tau * right, upper=True, unitriangular=True)


def _through_joined(g, V, tau, right, needs):
    """What -V @ T @ right sends to (V, of which it is a function without `right`), to tau, and to mH(right)."""
    adjoint = mH(V)
    joint = joined(V, adjoint, tau, right)
    overlaps = triu(matmul(adjoint, V), diagonal=1)
    to_right = solve_triangular(mH(column(tau) * overlaps), -matmul(adjoint, g), upper=False, unitriangular=True)
    to_system = triu(-matmul(to_right, mH(joint)), diagonal=1)
    to_tau = (to_right * conj(right)).sum(-1) + (to_system * conj(overlaps)).sum(-1) if needs[1] else None
    if not needs[0]:
        return None, to_tau, None
    inner = column(conj(tau)) * to_system
    to_v = matmul(V, inner + mH(inner)) - matmul(g, mH(joint))
    return to_v, to_tau, mH(column(conj(tau)) * to_right)


def _as_packed(to_v, x, k):
    """What vectors(x, k) send to x."""
    to_x = below_diagonal(to_v)
    return beside(to_x, x[..., k:] * 0) if k < x._array.shape[-1] else to_x


def _through_product(g, x, tau, needs):
    k, (m, c) = tau._array.shape[-1], x._array.shape[-2:]
    V = vectors(x, k)
    to_v, to_tau, to_top = _through_joined(g, V, tau, mH(V)[..., :c], needs)
    if not needs[0]:
        return None, to_tau
    if c < m:
        to_top = above(to_top, V[..., c:, :] * 0)
    return _as_packed(to_v + to_top, x, k), to_tau


def _push_product(x, tau, x_t, tau_t):
    k = tau._array.shape[-1]
    V = vectors(x, k)
    c, adjoint = x._array.shape[-1], mH(V)
    joint = joined(V, adjoint, tau, adjoint[..., :c])
    overlaps = triu(matmul(adjoint, V), diagonal=1)
    parts, change = [], None
    if tau_t is not None:
        parts.append(column(tau_t) * (adjoint[..., :c] - matmul(overlaps, joint)))
    if x_t is not None:
        v_t = below_diagonal(x_t[..., :k])
        moved = triu(matmul(mH(v_t), V) + matmul(adjoint, v_t), diagonal=1)
        parts.append(column(tau) * (mH(v_t)[..., :c] - matmul(moved, joint)))
        change = -matmul(v_t, joint)
    joint_t = solve_triangular(column(tau) * overlaps, added(*parts), upper=True, unitriangular=True)
    return added(change, -matmul(V, joint_t))


@general(
    batch=as_it_is,
    backward="LinalgHouseholderProductBackward0",
    holomorphic=False,
    joint=_through_product,
    push=_push_product,
    aliases={"x": "input"},
)
def householder_product(x, tau):
    """The first columns of the product of reflections, one for each number in tau."""
    rows, columns = x.shape[-2:]
    k = tau.shape[-1]
    V = np.tril(x[..., :k], -1) + np.eye(rows, k, dtype=x.dtype)
    adjoint = np.conjugate(np.swapaxes(V, -2, -1))
    overlaps = tau[..., None] * np.triu(np.matmul(adjoint, V), 1)
    right = tau[..., None] * adjoint[..., :columns]
    joint = solve_triangular.forward(overlaps, right, upper=True, unitriangular=True)
    return np.eye(rows, columns, dtype=x.dtype) - np.matmul(V, joint)


def _through_ormqr(g, x, tau, other, transpose, needs):
    to_other = ormqr(x, tau, g, transpose=not transpose) if needs[2] else None
    if not (needs[0] or needs[1]):
        return None, None, to_other
    # <g, Q.mH @ other> is <Q @ g, other>.
    g, other = (other, g) if transpose else (g, other)
    k = tau._array.shape[-1]
    V = vectors(x, k)
    to_v, to_tau, to_within = _through_joined(g, V, tau, matmul(mH(V), other), needs)
    to_x = _as_packed(to_v + matmul(other, to_within), x, k) if needs[0] else None
    return to_x, to_tau, to_other


def _push_ormqr(x, tau, other, transpose, x_t, tau_t, other_t):
    parts = [ormqr(x, tau, other_t, transpose=transpose)] if other_t is not None else []
    if x_t is None and tau_t is None:
        return added(*parts)
    k = tau._array.shape[-1]
    V = vectors(x, k)
    adjoint = mH(V)
    diagonal = np.eye(k, dtype=tau._array.dtype)
    overlaps = triu(matmul(adjoint, V), diagonal=1)
    T = joined(V, adjoint, tau, diagonal)
    changes = []
    if tau_t is not None:
        changes.append(column(tau_t) * (diagonal - matmul(overlaps, T)))
    if x_t is not None:
        v_t = below_diagonal(x_t[..., :k])
        moved = triu(matmul(mH(v_t), V) + matmul(adjoint, v_t), diagonal=1)
        changes.append(-column(tau) * matmul(moved, T))
    T_t = solve_triangular(column(tau) * overlaps, added(*changes), upper=True, unitriangular=True)
    if transpose:
        T, T_t = mH(T), mH(T_t)
    within = matmul(adjoint, other)
    parts.append(-matmul(V, matmul(T_t, within)))
    if x_t is not None:
        parts += [-matmul(v_t, matmul(T, within)), -matmul(V, matmul(T, matmul(mH(v_t), other)))]
    return added(*parts)


@general(batch=as_it_is, holomorphic=False, joint=_through_ormqr, push=_push_ormqr, aliases={"x": "self"})
def ormqr(x, tau, other, *, transpose):
    """Q @ other for the product Q of reflections, one for each number in tau, or Q.mH @ other."""
    rows, k = x.shape[-2], tau.shape[-1]
    V = np.tril(x[..., :k], -1) + np.eye(rows, k, dtype=x.dtype)
    adjoint = np.conjugate(np.swapaxes(V, -2, -1))
    overlaps = tau[..., None] * np.triu(np.matmul(adjoint, V), 1)
    right = tau[..., None] * np.eye(k, dtype=x.dtype)
    T = solve_triangular.forward(overlaps, right, upper=True, unitriangular=True)
    if transpose:
        T = np.conjugate(np.swapaxes(T, -2, -1))
    return other - np.matmul(V, np.matmul(T, np.matmul(adjoint, other)))


# -- QR decompositions in packed form


def _parts(a, tau):
    """(Q, R, V, U): of the first columns of Q it holds that Q - 1 = V @ U, a decomposition without pivots."""
    m, n = a._array.shape[-2:]
    k = min(m, n)
    V = vectors(a, k)
    adjoint = mH(V)
    U = upper_triangle(-joined(V, adjoint, tau, adjoint[..., :k]))
    Q = matmul(V, U) + np.eye(m, k, dtype=a._array.dtype)
    return Q, upper_triangle(a[..., :k, :]), V, U


def _free(a):
    """How many reflections are not the identity for all matrices: of a real row of one number nothing is left."""
    m, n = a._array.shape[-2:]
    return m - 1 if m <= n and a._array.dtype.kind != "c" else min(m, n)


def _through_geqrf(g, x, a, tau):
    g_a, g_tau = g
    Q, R, V, U = _parts(a, tau)
    c, k = _free(a), tau._array.shape[-1]
    parts = [None, None]
    if g_a is not None:
        parts[0] = below_diagonal(g_a[..., :k])[..., :c]
    if g_tau is not None:
        parts[1] = -column(g_tau[..., :c]) * np.eye(c, dtype=a._array.dtype)
    g_q = through_factors(*parts, V[..., :c], U[..., :c, :c])
    if c < k:
        g_q = beside(g_q, Q[..., c:] * 0)
    return through_qr((g_q, None if g_a is None else upper_triangle(g_a[..., :k, :])), x, Q, R, "reduced")


def _push_geqrf(x, x_t, a, tau):
    Q, R, V, U = _parts(a, tau)
    m, n = a._array.shape[-2:]
    c, k = _free(a), tau._array.shape[-1]
    q_t, r_t = push_qr(x, x_t, Q, R, "reduced")
    v_t, u_t = push_factors(q_t[..., :c], V[..., :c], U[..., :c, :c])
    tau_t = -u_t.diagonal(0, -2, -1)
    if c < k:
        tau_t = beside(tau_t.unsqueeze(-2), (tau[..., c:] * 0).unsqueeze(-2)).squeeze(-2)
    if c < n:
        v_t = beside(v_t, a[..., c:] * 0)
    if k < m:
        r_t = above(r_t, a[..., k:, :] * 0)
    return v_t + upper_triangle(r_t), tau_t


@general(batch=as_it_is, outputs=("a", "tau"), holomorphic=False, x=_through_geqrf, push=_push_geqrf)
def geqrf(x):
    """R, and below it the vectors of the reflections that make Q, with their factors."""
    turned, tau = np.linalg.qr(x, mode="raw")
    return np.swapaxes(turned, -2, -1), tau


_fast = kernels.load("solve")
if _fast is not None:
    householder_product.accelerate(_fast.householder_product)
    geqrf.accelerate(_fast.geqrf)
    ormqr.accelerate(_fast.ormqr)
