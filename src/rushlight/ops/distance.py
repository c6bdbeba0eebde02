"""Distances between rows, of two tables or of one.

Where two rows coincide there is no derivative, and PyTorch's convention holds: zero. With ord = inf each of several
largest differences gets the whole gradient, unlike in `vector_norm`, which shares it out.
"""

import functools
import math

import numpy as np

from .. import core
from ..kernels import load
from .batch_rules import as_it_is, each
from .complex import sgn
from .declare import general
from .index import index_select, index_select_backward
from .selection import where

# Differences are made for so many numbers at a time.
BLOCK = 1 << 20


def norms(away, ord):
    """The norms of an array's differences along the last axis."""
    size = np.abs(away)
    if ord == 2:
        return np.sqrt(np.add.reduce(size * size, axis=-1))
    if ord == 0:
        return np.add.reduce(size != 0, axis=-1).astype(away.dtype)
    if ord == 1:
        return np.add.reduce(size, axis=-1)
    if math.isinf(ord):
        return np.maximum.reduce(size, axis=-1, initial=0)
    return np.add.reduce(size**ord, axis=-1) ** (1 / ord)


def slope(away, norm, ord):
    """The derivative of the norm by each difference; `norm` has the last dimension kept."""
    if ord == 0:
        return away * 0
    sign = sgn(away)
    if ord == 1:
        return sign
    if math.isinf(ord):
        return sign * (abs(away) == norm)
    together = norm == 0
    length = where(together, 1.0, norm)
    if ord == 2:
        return where(together, 0.0, away) / length
    still = away == 0 if ord < 2 else together
    ratio = where(still, 1.0, abs(away)) / length
    return where(still, 0.0, sign * ratio ** (ord - 1))


def between(x1, x2):
    """The differences of each row of x1 (*, P, M) and each of x2 (*, R, M): (*, P, R, M)."""
    return x1.unsqueeze(-2) - x2.unsqueeze(-3)


def moved(x1_t, x2_t):
    """The tangent of the differences."""
    if x1_t is not None and x2_t is not None:
        return between(x1_t, x2_t)
    return x1_t.unsqueeze(-2) if x2_t is None else -x2_t.unsqueeze(-3)


def weighed(g, x1, x2, out, ord):
    return g.unsqueeze(-1) * slope(between(x1, x2), out.unsqueeze(-1), ord)


@general(
    batch=as_it_is,
    x1=lambda g, x1, x2, out, ord: weighed(g, x1, x2, out, ord).sum(-2),
    x2=lambda g, x1, x2, out, ord: -weighed(g, x1, x2, out, ord).sum(-3),
    push=lambda x1_t, x2_t, x1, x2, out, ord: (slope(between(x1, x2), out.unsqueeze(-1), ord) * moved(x1_t, x2_t)).sum(
        -1
    ),
    aliases={"ord": "p"},
)
def cdist(x1, x2, *, ord):
    """The distance of each row of x1 (*, P, M) to each of x2 (*, R, M): (*, P, R)."""
    count = x1.shape[-2]
    step = max(1, BLOCK // max(1, x2.size))
    parts = [
        norms(x1[..., start : start + step, None, :] - x2[..., None, :, :], ord) for start in range(0, count, step)
    ]
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts, -2) if parts else np.zeros((*x1.shape[:-1], x2.shape[-2]), x1.dtype)


def over(g, out):
    """g / out, zero where out is."""
    together = out == 0
    return where(together, 0.0, g) / where(together, 1.0, out)


def drawn(ratio, x, y):
    """What rows of x get from their differences to rows of y, each times its ratio."""
    return x * ratio.sum(-1, True) - ratio.matmul(y)


def push_euclidean(x1_t, x2_t, x1, x2, out):
    half = 0
    if x1_t is not None:
        half = (x1 * x1_t).sum(-1, True) - x1_t.matmul(x2.mT)
    if x2_t is not None:
        half = half + (x2 * x2_t).sum(-1).unsqueeze(-2) - x1.matmul(x2_t.mT)
    return over(half, out)


@general(
    batch=as_it_is,
    x1=lambda g, x1, x2, out: drawn(over(g, out), x1, x2),
    x2=lambda g, x1, x2, out: drawn(over(g, out).mT, x2, x1),
    push=push_euclidean,
)
def euclidean_dist(x1, x2):
    """cdist with ord = 2 by one matrix product; its kernel takes differences, which is as quick and more exact."""
    wide = [np.asarray(x, np.float64) for x in (x1, x2)]
    squares = [np.add.reduce(x * x, axis=-1) for x in wide]
    squared = np.matmul(wide[0], np.swapaxes(wide[1], -1, -2))
    squared *= -2
    squared += squares[0][..., :, None]
    squared += squares[1][..., None, :]
    return np.sqrt(np.maximum(squared, 0, out=squared), out=squared).astype(x1.dtype, copy=False)


@functools.lru_cache(maxsize=16)
def pairs(n):
    """The rows i and j of all pairs i < j, as arrays."""
    return np.triu_indices(n, 1)


def rows(n):
    return [core.wrap(index) for index in pairs(n)]


def apart(x):
    """The differences of the rows of a tensor, pair by pair."""
    first, second = rows(x.shape[0])
    return index_select(x, first, dim=0) - index_select(x, second, dim=0)


def through_pdist(g, x, out, ord):
    part = g.unsqueeze(-1) * slope(apart(x), out.unsqueeze(-1), ord)
    first, second = [index_select_backward(part, index, dim=0, shape=x.shape) for index in rows(x.shape[0])]
    return first - second


@general(
    batch=each,
    x=through_pdist,
    push=lambda x_t, x, out, ord: (slope(apart(x), out.unsqueeze(-1), ord) * apart(x_t)).sum(-1),
    aliases={"ord": "p"},
)
def pdist(x, *, ord):
    """The distances of the rows of x (N, M), pair by pair."""
    first, second = pairs(x.shape[0])
    return norms(x[first] - x[second], ord)


_kernels = load("distance")
if _kernels is not None:
    pdist.accelerate(_kernels.pdist, x=_kernels.through_pdist)
    cdist.accelerate(_kernels.cdist, x1=_kernels.through_first, x2=_kernels.through_second)
    euclidean_dist.accelerate(_kernels.cdist, x1=_kernels.through_first_euclidean, x2=_kernels.through_second_euclidean)
