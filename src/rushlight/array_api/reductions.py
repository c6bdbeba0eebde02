"""Statistics and other functions that take an axis, several, or all of them."""

import rushlight

from .types import is_kind


def _axes(x, axis):
    if axis is None:
        return tuple(range(x.ndim))
    return (axis,) if isinstance(axis, int) else tuple(axis)


def _at_once(function, x, axis, keepdims, **options):
    """A function of several axes at once, for which no axes are all of them: here they are one of size 1."""
    axes = _axes(x, axis)
    return function(x, axes, keepdims, **options) if axes else function(x[..., None], (-1,), False, **options)


def _one_by_one(function, x, axis, keepdims):
    """A function of one axis at a time, over several."""
    for i in sorted([i % x.ndim for i in _axes(x, axis)], reverse=True):
        x = function(x, i, keepdims)
    return x


def all(x, /, *, axis=None, keepdims=False):
    return _one_by_one(lambda x, i, keep: rushlight.all(x, i, keep), x != 0, axis, keepdims)


def any(x, /, *, axis=None, keepdims=False):
    return _one_by_one(lambda x, i, keep: rushlight.any(x, i, keep), x != 0, axis, keepdims)


def argmax(x, /, *, axis=None, keepdims=False):
    return _index(rushlight.argmax, x, axis, keepdims)


def argmin(x, /, *, axis=None, keepdims=False):
    return _index(rushlight.argmin, x, axis, keepdims)


def _index(function, x, axis, keepdims):
    if axis is not None:
        return function(x, axis, keepdims)
    found = function(x)
    return found.reshape((1,) * x.ndim) if keepdims else found


def count_nonzero(x, /, *, axis=None, keepdims=False):
    return sum(x != 0, axis=axis, keepdims=keepdims)


def cumulative_prod(x, /, *, axis=None, dtype=None, include_initial=False):
    return _cumulative(rushlight.cumprod, rushlight.ones, x, axis, dtype, include_initial)


def cumulative_sum(x, /, *, axis=None, dtype=None, include_initial=False):
    return _cumulative(rushlight.cumsum, rushlight.zeros, x, axis, dtype, include_initial)


def _cumulative(function, first, x, axis, dtype, include_initial):
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"an axis must be given for an array of {x.ndim} dimensions")
        axis = 0
    out = function(x, axis, dtype=dtype)
    if not include_initial:
        return out
    shape = list(out.shape)
    shape[axis] = 1
    return rushlight.cat([first(shape, dtype=out.dtype), out], axis)


def diff(x, /, *, axis=-1, n=1, prepend=None, append=None):
    return rushlight.diff(x, n, axis, prepend, append)


def max(x, /, *, axis=None, keepdims=False):
    return _at_once(rushlight.amax, x, axis, keepdims)


def min(x, /, *, axis=None, keepdims=False):
    return _at_once(rushlight.amin, x, axis, keepdims)


def mean(x, /, *, axis=None, keepdims=False):
    return _at_once(rushlight.mean, x, axis, keepdims)


def prod(x, /, *, axis=None, dtype=None, keepdims=False):
    x = x.to(dtype or _summed(x.dtype))
    return _one_by_one(lambda x, i, keep: rushlight.prod(x, i, keep), x, axis, keepdims)


def std(x, /, *, axis=None, correction=0.0, keepdims=False):
    return _at_once(_of_spread(rushlight.std), x, axis, keepdims, correction=correction)


def sum(x, /, *, axis=None, dtype=None, keepdims=False):
    """The sum; of integers as int64, whatever they are."""
    return _at_once(rushlight.sum, x, axis, keepdims, dtype=dtype or _summed(x.dtype))


def _summed(dtype):
    return rushlight.int64 if is_kind(dtype, "integral") or is_kind(dtype, "bool") else dtype


def var(x, /, *, axis=None, correction=0.0, keepdims=False):
    return _at_once(_of_spread(rushlight.var), x, axis, keepdims, correction=correction)


def _of_spread(function):
    return lambda x, axes, keepdims, correction: function(x, axes, keepdim=keepdims, correction=correction)
