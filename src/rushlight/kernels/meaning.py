"""Sums, means and variances in NumPy: what the kernels of `reduce` mean, for every dtype and layout.

Arrays in, arrays out: a result is an array also where it has no axes left. `axes` is a tuple of non-negative
axes, () to reduce none. Floating inputs keep their dtype and are accumulated in float64, because NumPy's own
float32 loops are not accurate over a leading axis; complex ones in complex128, integers in int64.
"""

import numpy as np


def accumulator(dtype):
    if dtype.kind in "biu":
        return np.int64
    return np.complex128 if dtype.kind == "c" else np.float64


def count(x, axes):
    n = 1
    for axis in axes:
        n *= x.shape[axis]
    return n


def total(x, axes, keepdims):
    # [...] makes an array of the scalar that NumPy returns for a full reduction.
    return np.add.reduce(x, axis=axes, dtype=accumulator(x.dtype), keepdims=keepdims)[...]


def total_of_squares(wide, axes, keepdims):
    """Sum |wide|**2, overwriting `wide`, which is in the accumulator's dtype."""
    if wide.dtype.kind == "c":
        return total_of_squares(wide.real, axes, keepdims) + total_of_squares(wide.imag, axes, keepdims)
    np.multiply(wide, wide, out=wide)
    return total(wide, axes, keepdims)


@np.errstate(all="ignore")
def sum(x, axes, keepdims):
    """The sum over `axes`; int64 for integers and booleans."""
    return total(x, axes, keepdims).astype(np.int64 if x.dtype.kind in "biu" else x.dtype, copy=False)


@np.errstate(all="ignore")
def mean(x, axes, keepdims):
    """The mean over `axes` of a floating or complex `x`; nan over no elements."""
    return (total(x, axes, keepdims) / count(x, axes))[...].astype(x.dtype, copy=False)


def var(x, axes, correction, keepdims):
    """The squared distances from the mean, summed over `axes` and divided by max(n - correction, 0)."""
    return var_mean(x, axes, correction, keepdims)[0]


@np.errstate(all="ignore")
def var_mean(x, axes, correction, keepdims, root=False):
    """The variance (its square root), real also for a complex `x`, and the mean; over no elements both are nan."""
    n = count(x, axes)
    centre = (total(x, axes, True) / n)[...]
    distance = np.subtract(x, centre, dtype=centre.dtype)[...]
    spread = (total_of_squares(distance, axes, keepdims) / (max(n - correction, 0) if n else 0))[...]
    centre = centre.reshape(spread.shape)
    spread = np.sqrt(spread)[...] if root else spread
    return spread.astype(x.real.dtype, copy=False), centre.astype(x.dtype, copy=False)


@np.errstate(all="ignore")
def square_sum(x, axes, keepdims, root=False):
    """The sum of |x|**2 over `axes` (its square root), real also for a complex `x`."""
    out = total_of_squares(x.astype(accumulator(x.dtype)), axes, keepdims)
    return (np.sqrt(out) if root else out)[...].astype(x.real.dtype, copy=False)


@np.errstate(all="ignore")
def logsumexp(x, axes):
    """log(sum(exp(x))) over `axes`, which are kept; x has elements."""
    wide = x.astype(accumulator(x.dtype))
    high = np.maximum.reduce(wide.real, axis=axes, keepdims=True)
    high = np.where(np.isfinite(high), high, 0.0)
    return (np.log(total(np.exp(wide - high), axes, True)) + high).astype(x.dtype, copy=False)


def sum_to(g, shape):
    """Undo a broadcast from `shape`: `g` summed to exactly that shape, `g` itself where it has it already."""
    if g.shape == shape:
        return g
    lead = g.ndim - len(shape)
    axes = [lead + k for k, size in enumerate(shape) if size == 1]
    return sum(g, (*range(lead), *axes), False).reshape(shape)
