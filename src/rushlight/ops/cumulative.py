"""Running sums, products and extrema along a dimension."""

import math

import numpy as np

from ..kernels import load, meaning
from .batch_rules import along
from .declare import general, linear
from .exponential import exp
from .hidden import may_hold
from .scan import products_before, recurrence, shift
from .selection import where
from .sort import picks


def accumulated(accumulate, x, dim):
    """A running ufunc in the accumulator's dtype."""
    integers = x.dtype.kind in "biu"
    if x.ndim == 0:
        return x.astype(np.int64) if integers else x.copy()
    out = accumulate(x, axis=dim, dtype=meaning.accumulator(x.dtype))
    with np.errstate(over="ignore"):
        return out if integers else out.astype(x.dtype, copy=False)


@linear(batch=along("dim"), holomorphic=False, x=lambda g, dim, reverse: cumsum(g, dim=dim, reverse=not reverse))
def cumsum(x, *, dim, reverse=False):
    if not reverse or x.ndim == 0:
        return accumulated(np.add.accumulate, x, dim)
    return np.flip(accumulated(np.add.accumulate, np.flip(x, dim), dim), dim)


def through_cumprod(g, x, out, dim):
    if x._array.ndim == 0:
        return g
    if not may_hold(x, 0):
        return cumsum(g * out, dim=dim, reverse=True) / x
    return products_before(x, dim, False) * recurrence(shift(x, dim=dim, by=-1), g, dim, reverse=True)


def push_cumprod(x_t, x, dim):
    return x_t if x._array.ndim == 0 else recurrence(x, products_before(x, dim, False) * x_t, dim)


@general(batch=along("dim"), x=through_cumprod, push=push_cumprod)
def cumprod(x, *, dim):
    return accumulated(np.multiply.accumulate, x, dim)


def share(x, out):
    """exp(x - out), 0 where out is -inf."""
    return where(out == -math.inf, 0.0, exp(x - out))


def share_of_next(out, following):
    """The share of a running sum in the next one: all of it where it is infinite already."""
    return where(out == math.inf, 1.0, share(out, following))


def through_logcumsumexp(g, x, out, dim):
    if x._array.ndim == 0:
        return g
    following = shift(out, dim=dim, by=-1, fill=math.inf)
    return share(x, out) * recurrence(share_of_next(out, following), g, dim, reverse=True)


def push_logcumsumexp(x_t, x, out, dim):
    if x._array.ndim == 0:
        return x_t
    return recurrence(share_of_next(shift(out, dim=dim, by=1, fill=-math.inf), out), share(x, out) * x_t, dim)


@general(batch=along("dim"), x=through_logcumsumexp, push=push_logcumsumexp)
def logcumsumexp(x, *, dim):
    if x.ndim == 0 or x.size == 0:
        return x.copy()
    wide = x.astype(meaning.accumulator(x.dtype))
    if wide.dtype.kind == "c":
        return _complex_logcumsumexp(wide, dim).astype(x.dtype)
    return np.logaddexp.accumulate(wide, axis=dim).astype(x.dtype)


def _complex_logcumsumexp(x, dim):
    """One element after the other, so that the imaginary part follows the running sum as in PyTorch."""
    lanes = np.moveaxis(x, dim, 0)
    out = np.empty_like(lanes)
    total = lanes[0]
    out[0] = total
    for i in range(1, len(lanes)):
        larger = lanes[i].real > total.real
        high, low = np.where(larger, lanes[i], total), np.where(larger, total, lanes[i])
        total = np.where(np.isneginf(high.real), high, np.log(1 + np.exp(low - high)) + high)
        out[i] = total
    return np.moveaxis(out, 0, dim)


def _running(x, dim, accumulate):
    """The running extremum, and the last index at which it was attained (again)."""
    if x.ndim == 0:
        return x.copy(), np.zeros((), np.int64)
    values = accumulate(x, axis=dim)
    places = np.arange(x.shape[dim]).reshape([-1 if k == dim % x.ndim else 1 for k in range(x.ndim)])
    attained = np.where((x == values) | (x != x), places, 0)
    return values, np.maximum.accumulate(attained, axis=dim)


@general(batch=along("dim"), **picks)
def cummax(x, *, dim):
    return _running(x, dim, np.maximum.accumulate)


@general(batch=along("dim"), **picks)
def cummin(x, *, dim):
    return _running(x, dim, np.minimum.accumulate)


_kernels = load("scan")
if _kernels is not None:
    for _op in (cumsum, cumprod, logcumsumexp, cummax, cummin):
        _op.accelerate(getattr(_kernels, _op.name))
