"""LU decompositions of batches of matrices, and what is solved with them."""

import numpy as np

from .. import kernels
from .batch_rules import all_full, as_it_is, in_line
from .copying import sum_to
from .declare import general, linear, nondifferentiable
from .elimination import factorized, permutation
from .elimination import row_order as ordered
from .join import above, beside
from .linalg import solve_triangular
from .matrix import added, matmul, mH
from .triangle import tril, triu, unit_lower


def below_diagonal(x):
    return tril(x, diagonal=-1)


def upper_triangle(x):
    return triu(x)


def lower_of(packed):
    """The L of an LU in one matrix."""
    m, n = packed._array.shape[-2:]
    return unit_lower(packed if n <= m else packed[..., :m])


def upper_of(packed):
    return upper_triangle(packed[..., : min(packed._array.shape[-2:]), :])


# -- exchanges of rows


@nondifferentiable(batch=as_it_is)
def row_order(exchanged, *, rows):
    """Where each row comes from, after the exchanges that a decomposition tells."""
    return ordered(exchanged, rows)


def take_samples(op, size, inputs, batched, params):
    x, order = all_full(size, inputs, batched)
    n = max(x._array.ndim, order._array.ndim + 1) - 1
    return op(in_line(x, n), in_line(order, n - 1), **params)


@linear(
    batch=take_samples,
    x=lambda g, order, x_shape, back: sum_to(taken_rows(g, order, back=not back), shape=x_shape),
)
def taken_rows(x, order, *, back=False):
    """The rows of each matrix in an order; `back` puts them where they came from."""
    lead = np.broadcast_shapes(x.shape[:-2], order.shape[:-1])
    x, order = np.broadcast_to(x, (*lead, *x.shape[-2:])), np.broadcast_to(order, (*lead, order.shape[-1]))
    if not back:
        return x[order] if order.ndim == 1 else np.take_along_axis(x, order[..., None], -2)
    out = np.empty_like(x, order="C")
    if order.ndim == 1:
        out[order] = x
    else:
        np.put_along_axis(out, order[..., None], x, -2)
    return out


# -- decomposition


def _inner(g_l, g_u, lower, upper):
    """tril(L.H g_L, -1) + triu(g_U U.H)"""
    parts = []
    if g_l is not None:
        parts.append(below_diagonal(matmul(mH(lower), g_l)))
    if g_u is not None:
        parts.append(upper_triangle(matmul(g_u, mH(upper))))
    return added(*parts)


def through_factors(g_l, g_u, L, U):
    """What L and U of L @ U send to the matrix."""
    m, n = L._array.shape[-2], U._array.shape[-1]
    k = min(m, n)
    lower, upper = L[..., :k, :], U[..., :k]
    rest = None
    if m > k and g_l is not None:
        # The rows below are L2 = B2 inv(U).
        rest = mH(solve_triangular(upper, mH(g_l[..., k:, :]), upper=True))
        g_u = added(g_u, -upper_triangle(matmul(mH(L[..., k:, :]), rest)))
        g_l = g_l[..., :k, :]
    if n > k and g_u is not None:
        # The columns to the right are U2 = inv(L) B2.
        rest = solve_triangular(mH(lower), g_u[..., k:], upper=True, unitriangular=True)
        g_l = added(g_l, -matmul(rest, mH(U[..., k:])))
        g_u = g_u[..., :k]
    left = solve_triangular(mH(lower), _inner(g_l, g_u, lower, upper), upper=True, unitriangular=True)
    first = mH(solve_triangular(upper, mH(left), upper=True))
    if m > k:
        first = above(first, L[..., k:, :] * 0 if rest is None else rest)
    if n > k:
        first = beside(first, U[..., k:] * 0 if rest is None else rest)
    return first


def push_factors(x_t, L, U):
    """The tangents of L and U, that of L @ U given."""
    m, n = L._array.shape[-2], U._array.shape[-1]
    k = min(m, n)
    lower, upper = L[..., :k, :], U[..., :k]
    left = solve_triangular(lower, x_t[..., :k, :k], upper=False, unitriangular=True)
    inner = mH(solve_triangular(mH(upper), mH(left), upper=False))
    l_t = matmul(lower, below_diagonal(inner))
    u_t = matmul(upper_triangle(inner), upper)
    if m > k:
        rest = x_t[..., k:, :] - matmul(L[..., k:, :], u_t)
        l_t = above(l_t, mH(solve_triangular(mH(upper), mH(rest), upper=False)))
    if n > k:
        rest = x_t[..., k:] - matmul(l_t, U[..., k:])
        u_t = beside(u_t, solve_triangular(lower, rest, upper=False, unitriangular=True))
    return l_t, u_t


def _through_lu(g, P, L, U):
    _, g_l, g_u = g
    if g_l is None and g_u is None:
        return None
    return matmul(P, through_factors(g_l, g_u, L, U))


@general(
    batch=as_it_is,
    backward="LinalgLuBackward0",
    outputs=("P", "L", "U"),
    holomorphic=False,
    x=_through_lu,
    push=lambda x_t, P, L, U: (None, *push_factors(matmul(mH(P), x_t), L, U)),
)
def lu(x):
    """x = P @ L @ U: a permutation, unit lower and upper triangular."""
    packed, exchanged, _ = factorized(x)
    m, n = x.shape[-2:]
    k = min(m, n)
    lower = np.tril(packed[..., :k], -1) + np.eye(m, k, dtype=x.dtype)
    return permutation(exchanged, m, x.dtype), lower, np.triu(packed[..., :k, :])


def _through_lu_factor(g, LU, pivots):
    if g[0] is None:
        return None
    m, n = LU._array.shape[-2:]
    k = min(m, n)
    first = through_factors(g[0][..., :k], g[0][..., :k, :], lower_of(LU), upper_of(LU))
    return taken_rows(first, row_order(pivots, rows=m), back=True)


def _push_lu_factor(x_t, LU, pivots):
    m, n = LU._array.shape[-2:]
    k = min(m, n)
    l_t, u_t = push_factors(taken_rows(x_t, row_order(pivots, rows=m)), lower_of(LU), upper_of(LU))
    if m > k:
        u_t = above(u_t, LU[..., k:, :] * 0)
    if n > k:
        l_t = beside(l_t, LU[..., k:] * 0)
    return l_t + u_t, None, None


@general(
    batch=as_it_is,
    backward="LinalgLuFactorExBackward0",
    outputs=("LU", "pivots", "info"),
    holomorphic=False,
    x=_through_lu_factor,
    push=_push_lu_factor,
)
def lu_factor(x):
    """L below U in one matrix, the row exchanged with each, counted from 1, and the first zero pivot or 0."""
    return factorized(x)


# -- solving


def _change(x, y, order, L, U):
    """What `x @ y` for the gradient of A = P @ L @ U is for that of L and U in one matrix."""
    inner = taken_rows(matmul(x, y), order)
    return below_diagonal(matmul(inner, mH(U))) + upper_triangle(matmul(mH(L), inner))


def _through_lu_solve(g, lu, exchanged, out, lu_shape, b_shape, adjoint, needs):
    to_b = lu_solve(lu, exchanged, g, adjoint=not adjoint)
    to_lu = None
    if needs[0]:
        x, y = (out, mH(to_b)) if adjoint else (to_b, mH(out))
        order = row_order(exchanged, rows=lu_shape[-1])
        to_lu = sum_to(-_change(x, y, order, lower_of(lu), upper_of(lu)), shape=lu_shape)
    return to_lu, None, sum_to(to_b, shape=b_shape) if needs[2] else None


def _push_lu_solve(lu, exchanged, lu_t, b_t, out, adjoint):
    parts = [] if b_t is None else [b_t]
    if lu_t is not None:
        moved = matmul(below_diagonal(lu_t), upper_of(lu)) + matmul(lower_of(lu), upper_triangle(lu_t))
        moved = taken_rows(moved, row_order(exchanged, rows=lu._array.shape[-1]), back=True)
        parts.append(-matmul(mH(moved) if adjoint else moved, out))
    return lu_solve(lu, exchanged, added(*parts), adjoint=adjoint)


def lu_solve_samples(op, size, inputs, batched, params):
    lu, exchanged, b = all_full(size, inputs, batched)
    n = max(lu._array.ndim, b._array.ndim) - 1
    return op(in_line(lu, n), in_line(exchanged, n - 1), in_line(b, n), **params)


@general(
    batch=lu_solve_samples,
    backward="LinalgLuSolveBackward0",
    holomorphic=False,
    joint=_through_lu_solve,
    push=_push_lu_solve,
    aliases={"lu": "LU", "exchanged": "pivots", "b": "B"},
)
def lu_solve(lu, exchanged, b, *, adjoint=False):
    """The x of a @ x = b (of a.mH @ x = b), a given by its lu_factor."""
    order = ordered(exchanged, lu.shape[-1])
    if not adjoint:
        inner = _substituted(lu, taken_rows.forward(b, order), upper=False, unitriangular=True)
        return _substituted(lu, inner, upper=True)
    turned = np.conjugate(np.swapaxes(lu, -2, -1))
    inner = _substituted(turned, _substituted(turned, b, upper=False), upper=True, unitriangular=True)
    return taken_rows.forward(inner, order, back=True)


_substituted = solve_triangular.forward

_fast = kernels.load("solve")
if _fast is not None:
    lu_factor.accelerate(_fast.lu_factor)
    lu_solve.accelerate(_fast.lu_solve)
