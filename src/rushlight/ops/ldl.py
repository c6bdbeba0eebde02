"""LDL decompositions of symmetric and Hermitian matrices, by diagonal pivoting with blocks of 1 and 2 (Bunch and
Kaufman, "Some stable methods for calculating inertia and solving symmetric linear systems", 1977).

The packed form is LAPACK's: D on the diagonal (and below it in a block of 2), L below, where exchanges of rows have not
been made in the columns before them. Pivots count from 1. A positive one is the row exchanged with its own; a block of
2 has the same negative one twice, for its second row.
"""

import math

import numpy as np

from .. import kernels
from ..core import transforms_entered, wrap
from .batch_rules import all_full, as_it_is
from .copying import conj
from .declare import general, linear, nondifferentiable
from .linalg import solve, solve_triangular
from .lu import below_diagonal, taken_rows
from .matrix import matmul, mH, mT

_fast = kernels.load("solve")


@nondifferentiable(batch=as_it_is, outputs=("order", "source", "block", "below"))
def ldl_layout(pivots):
    """The order of rows at last; where each element of L in that order lies packed, by columns; what belongs to the
    lower triangle of D, and what to L below its diagonal."""
    lead, n = pivots.shape[:-1], pivots.shape[-1]
    parts = [_layout(row) for row in pivots.reshape(math.prod(lead), n)]
    orders, sources, partners = (
        np.array([part[i] for part in parts], np.int64).reshape(-1, *shape)
        if n
        else np.empty((len(parts), *shape), int)
        for i, shape in enumerate([(n,), (n, n), (n,)])
    )
    own = np.arange(n)
    block = np.tril((own[:, None] == own) | (partners[:, :, None] == own))
    below = np.tril(~block, -1)
    square = (*lead, n, n)
    return orders.reshape(pivots.shape), sources.reshape(square), block.reshape(square), below.reshape(square)


def _layout(pivots):
    n = len(pivots)
    order, partner = np.arange(n), np.arange(n)
    source = np.tile(np.arange(n)[:, None], (1, n))
    k = 0
    while k < n:
        last = k + int(pivots[k] < 0)
        partner[k], partner[last] = last, k
        p = abs(int(pivots[k])) - 1
        if p != last:
            order[[last, p]] = order[[p, last]]
            source[[last, p], :k] = source[[p, last], :k]
        k = last + 1
    return order, source, partner


@linear(
    batch=lambda op, size, inputs, batched, params: op(*all_full(size, inputs, batched), **params),
    x=lambda g, source, back: in_columns(g, source, back=not back),
)
def in_columns(x, source, *, back=False):
    """Element (i, j) of the result is (source[i, j], j) of x; or with `back` the other way around."""
    if not back:
        return np.take_along_axis(x, source, -2)
    out = np.empty_like(x, order="C")
    np.put_along_axis(out, source, x, -2)
    return out


def unpacked(packed, pivots, hermitian):
    """(L, D, order) of P @ A @ P.T = L @ D @ L.mH (L.mT)."""
    order, source, block, below = ldl_layout(pivots)
    moved = in_columns(packed, source)
    L = moved * below + np.eye(packed._array.shape[-1], dtype=packed._array.dtype)
    half = moved * block
    return L, half + flipped(below_diagonal(half), hermitian), order


def flipped(x, hermitian):
    return mH(x) if hermitian else mT(x)


def both_sides(x, order, back=False):
    """P @ x @ P.T, or P.T @ x @ P."""
    return mT(taken_rows(mT(taken_rows(x, order, back=back)), order, back=back))


def _through_ldl(g, LD, pivots, hermitian):
    if g[0] is None:
        return None
    L, D, order = unpacked(LD, pivots, hermitian)
    _, source, block, below = ldl_layout(pivots)
    g = in_columns(g[0], source)
    to_l = solve(mH(D), matmul(mH(L), g * below), left=False, asker="") * below
    left = solve_triangular(mH(L), to_l + g * block, upper=True, unitriangular=True)
    right = L if hermitian else conj(L)
    g = both_sides(solve_triangular(right, left, upper=False, left=False, unitriangular=True), order, back=True)
    return (g + flipped(g, hermitian)) * 0.5


def _push_ldl(x_t, LD, pivots, hermitian):
    L, D, order = unpacked(LD, pivots, hermitian)
    _, source, block, below = ldl_layout(pivots)
    moved = both_sides((x_t + flipped(x_t, hermitian)) * 0.5, order)
    left = solve_triangular(L, moved, upper=False, unitriangular=True)
    inner = solve_triangular(flipped(L, hermitian), left, upper=True, left=False, unitriangular=True)
    l_t = matmul(L, solve(D, inner * below, left=False, asker=""))
    return in_columns(l_t + inner * block, source, back=True), None, None


@general(
    batch=as_it_is,
    backward="LinalgLdlFactorExBackward0",
    outputs=("LD", "pivots", "info"),
    holomorphic=False,
    x=_through_ldl,
    push=_push_ldl,
)
def ldl_factor(x, *, hermitian=False):
    """The packed decomposition of the lower triangle, its pivots, and the first zero block, or 0."""
    try:
        from scipy.linalg import lapack
    except ImportError:
        raise ImportError(
            "linalg.ldl_factor needs SciPy where NumPy's own LAPACK cannot be reached: pip install scipy"
        ) from None
    rows, columns = x.shape[-2:]
    if rows != columns:
        # LAPACK would write behind the end of what is higher than wide.
        raise RuntimeError(
            f"linalg.ldl_factor: A must be batches of square matrices, but they are {rows} by {columns} matrices"
        )
    letter = {"f": "s", "d": "d", "F": "c", "D": "z"}[x.dtype.char]
    factor = getattr(lapack, letter + ("hetrf" if hermitian and letter in "cz" else "sytrf"))
    packed, pivots = np.empty_like(x), np.empty(x.shape[:-1], np.int32)
    info = np.zeros(x.shape[:-2], np.int32)
    for place in np.ndindex(x.shape[:-2] if x.size else 0):
        packed[place], pivots[place], info[place] = factor(x[place], lower=1)
    return np.tril(packed), pivots, info


def solved(packed, pivots, b, hermitian):
    """The x of a @ x = b, a given by its decomposition."""
    if _fast is not None and not transforms_entered(0) and not (packed.requires_grad or b.requires_grad):
        out = _fast.ldl_solve(packed._array, pivots._array, b._array, hermitian)
        if out is not NotImplemented:
            return wrap(out)
    L, D, order = unpacked(packed, pivots, hermitian)
    inner = solve(D, solve_triangular(L, taken_rows(b, order), upper=False, unitriangular=True), asker="")
    outer = solve_triangular(flipped(L, hermitian), inner, upper=True, unitriangular=True)
    return taken_rows(outer, order, back=True)


if _fast is not None:
    ldl_factor.accelerate(_fast.ldl_factor)
    ldl_layout.accelerate(_fast.ldl_layout)
