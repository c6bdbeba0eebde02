"""Recurrences along a dimension in log2(n) whole-tensor steps, which differentiate any number of times."""

import numpy as np

from .batch_rules import along
from .declare import general


def _along(dim, ndim, part):
    return (slice(None),) * (dim % ndim) + (part,)


@general(
    batch=along("dim"),
    x=lambda g, dim, by: shift(g, dim=dim, by=-by),
    push=lambda x_t, dim, by: shift(x_t, dim=dim, by=by),
)
def shift(x, *, dim, by, fill=0.0):
    """x moved `by` places along a dimension, with `fill` where nothing comes in."""
    out = np.full_like(x, fill)
    n = x.shape[dim]
    if abs(by) >= n:
        return out
    ahead, behind = slice(abs(by), None), slice(None, n - abs(by))
    to, source = (ahead, behind) if by > 0 else (behind, ahead)
    out[_along(dim, x.ndim, to)] = x[_along(dim, x.ndim, source)]
    return out


def recurrence(a, b, dim, reverse=False):
    """The s with s[i] = b[i] + a[i] * s[i - 1] (with s[i + 1] in reverse)."""
    by, n = 1, b._array.shape[dim]
    while by < n:
        step = -by if reverse else by
        b = b + a * shift(b, dim=dim, by=step)
        a = a * shift(a, dim=dim, by=step)
        by *= 2
    return b


def products_before(x, dim, reverse):
    """The product of all elements before each (after each in reverse)."""
    out = shift(x, dim=dim, by=-1 if reverse else 1, fill=1.0)
    by, n = 1, x._array.shape[dim]
    while by < n:
        out = out * shift(out, dim=dim, by=-by if reverse else by, fill=1.0)
        by *= 2
    return out
