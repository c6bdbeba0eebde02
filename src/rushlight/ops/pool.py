"""Pooling over windows of the trailing dimensions: maxima with their places, and averages.

A maximum's index counts the elements of its plane (all pooled dimensions together) in row-major order.
"""

import math
from functools import lru_cache

import numpy as np

from ..kernels import load
from .batch_rules import as_it_is, folded
from .conv import window_slices
from .declare import general, linear, renamed
from .supported import FLOATING, supports


def covered(x, kernel, stride, padding, dilation, size, fill):
    """x with as much `fill` around it as windows at `size` positions reach over."""
    lead = x.ndim - len(kernel)
    spatial = x.shape[lead:]
    ends = [
        max(0, (o - 1) * s + d * (k - 1) + 1 - p - n)
        for n, k, s, p, d, o in zip(spatial, kernel, stride, padding, dilation, size)
    ]
    if not any(padding) and not any(ends):
        return x
    out = np.full((*x.shape[:lead], *[p + n + e for n, p, e in zip(spatial, padding, ends)]), fill, x.dtype)
    out[(..., *[slice(p, p + n) for n, p in zip(spatial, padding)])] = x
    return out


def lowest(dtype):
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


def plane_index(coordinates, shape):
    """The row-major index in `shape` of an outer product of coordinates, one array per dimension."""
    total = np.zeros((), np.int64)
    for c, n in zip(coordinates, shape):
        total = total[..., None] * n + c
    return total


def push_max(x_t, indices, kernel):
    return plane_take(x_t, indices, dims=len(kernel)), None


@general(
    batch=as_it_is,
    outputs=("values", "indices"),
    backward="MaxPool2DWithIndicesBackward0",
    aliases={"values": "result0", "indices": "result1"},
    x=lambda g, indices, x_shape, kernel: plane_put(g[0], indices, size=x_shape[-len(kernel) :]),
    push=push_max,
)
def max_pool2d(x, *, kernel, stride, padding, dilation, size):
    """The largest entry of each window, and where it is."""
    plane = x.shape[x.ndim - len(kernel) :]
    whole = covered(x, kernel, stride, padding, dilation, size, lowest(x.dtype))
    origins = [np.arange(o) * s - p for o, s, p in zip(size, stride, padding)]
    first = [np.where(o < 0, o + -(o // d) * d, o) for o, d in zip(origins, dilation)]
    values = np.full((*x.shape[: x.ndim - len(kernel)], *size), lowest(x.dtype), x.dtype)
    indices = np.empty(values.shape, np.int64)
    indices[...] = plane_index(first, plane)
    for place, window in window_slices(kernel, stride, dilation, size):
        part = whole[window]
        better = part > values
        if x.dtype.kind not in "iu":
            better |= part != part
        np.copyto(values, part, where=better)
        here = plane_index([o + k * d for o, k, d in zip(origins, place, dilation)], plane)
        np.copyto(indices, here, where=better)
    return values, indices


_kernels = load("pool")
if _kernels is not None:
    max_pool2d.accelerate(
        _kernels.max_pool,
        x=lambda g, indices, x_shape, kernel: _kernels.put(g[0]._array, indices, size=x_shape[-len(kernel) :]),
    )

max_pool3d = renamed(max_pool2d, "MaxPool3DWithIndicesBackward0")


def places_of(x, **window):
    """Where the largest entry of each window is."""
    return max_pool2d(x.detach(), **window)[1]


@general(
    batch=as_it_is,
    backward="MaxPool2DWithIndicesBackward0",
    x=lambda g, x, kernel, stride, padding, dilation, size: plane_put(
        g, places_of(x, kernel=kernel, stride=stride, padding=padding, dilation=dilation, size=size),
        size=x._array.shape[-len(kernel) :],
    ),
    push=lambda x_t, x, kernel, stride, padding, dilation, size: plane_take(
        x_t, places_of(x, kernel=kernel, stride=stride, padding=padding, dilation=dilation, size=size), dims=len(kernel)
    ),
)  # fmt: skip
def max_pool_values(x, *, kernel, stride, padding, dilation, size):
    """The largest entry of each window, without where it is: for inputs that will not be differentiated."""
    return max_pool2d.forward(x, kernel=kernel, stride=stride, padding=padding, dilation=dilation, size=size)[0]


if _kernels is not None:
    max_pool_values.accelerate(_kernels.max_pool_values)


def largest_of(x, picks):
    """The largest of the entries of x at the outer products of picks, one (positions, taps) array per dimension."""
    d = len(picks)
    lead, plane = x.shape[: x.ndim - d], x.shape[x.ndim - d :]
    where = np.ix_(*[p.ravel() for p in picks])
    shape = [n for p in picks for n in p.shape]
    order = [*range(0, 2 * d, 2), *range(1, 2 * d, 2)]
    size = tuple([p.shape[0] for p in picks])
    taken = x[(..., *where)].reshape(*lead, *shape)
    taken = taken.transpose(*range(len(lead)), *[len(lead) + k for k in order]).reshape(*lead, *size, -1)
    numbers = plane_index([p.ravel() for p in picks], plane).reshape(shape).transpose(order).reshape(*size, -1)
    best = taken.argmax(-1)[..., None]
    values = np.take_along_axis(taken, best, -1)[..., 0]
    return values, np.take_along_axis(np.broadcast_to(numbers, taken.shape), best, -1)[..., 0]


def adaptive_bounds(n, size):
    """Where the windows of adaptive pooling begin and end."""
    position = np.arange(size)
    return position * n // max(size, 1), -((position + 1) * -n // max(size, 1))


def adaptive_picks(n, size):
    """The entries of each adaptive window, a short window filled up with its last."""
    start, end = adaptive_bounds(n, size)
    taps = int((end - start).max()) if size else 1
    return np.minimum(start[:, None] + np.arange(taps), end[:, None] - 1)


@general(
    batch=as_it_is,
    outputs=("values", "indices"),
    backward="AdaptiveMaxPool2DBackward0",
    aliases={"values": "result0", "indices": "result1"},
    x=lambda g, indices, x_shape, size: plane_put(g[0], indices, size=x_shape[-len(size) :]),
    push=lambda x_t, indices, size: (plane_take(x_t, indices, dims=len(size)), None),
)
def adaptive_max_pool2d(x, *, size):
    """The largest entry of each of `size` windows that share the input among them, and where it is."""
    return largest_of(x, [adaptive_picks(n, s) for n, s in zip(x.shape[x.ndim - len(size) :], size)])


@lru_cache(64)
def _adaptive_bounds(spatial, size):
    """All beginnings and all ends, axis after axis, of three axes."""
    fewer = 3 - len(size)
    bounds = [adaptive_bounds(n, s) for n, s in zip((1,) * fewer + spatial, (1,) * fewer + size)]
    return [np.concatenate(part).astype(np.int64) for part in zip(*bounds)]


def _adaptive_max_pool(x, size):
    if 0 in size:
        return NotImplemented
    starts, ends = _adaptive_bounds(x.shape[x.ndim - len(size) :], size)
    return _kernels.uneven_max_pool(x, starts, ends, False, size=size)


if _kernels is not None:
    adaptive_max_pool2d.accelerate(_adaptive_max_pool)

adaptive_max_pool3d = renamed(adaptive_max_pool2d, "AdaptiveMaxPool3DBackward0")


def fractional_starts(samples, length, size, kernel):
    """The beginnings of `size` windows, spaced by pseudo-random steps that depend on a sample of [0, 1): a row for each."""
    if size == 1:
        return np.full((len(samples), 1), length - kernel)
    alpha = samples.dtype.type(length - kernel) / samples.dtype.type(size - 1)
    column = samples[:, None]
    starts = ((np.arange(size, dtype=samples.dtype) + column) * alpha).astype(np.int64) - (column * alpha).astype(
        np.int64
    )
    starts[:, -1] = length - kernel
    return starts


@general(
    batch=folded,
    outputs=("values", "indices"),
    backward="FractionalMaxPool2DBackward0",
    aliases={"values": "result0", "indices": "result1"},
    x=lambda g, indices, x_shape, kernel: plane_put(g[0], indices, size=x_shape[-len(kernel) :]),
    push=push_max,
)
def fractional_max_pool2d(x, y, *, kernel, size):
    """The largest entry of windows at pseudo-random places; y (N, C, dimensions) holds the samples that place them."""
    supports(x, FLOATING, f"fractional_max_pool{len(kernel)}d_out_frame")
    values = np.empty((*x.shape[: x.ndim - len(kernel)], *size), x.dtype)
    indices = np.empty(values.shape, np.int64)
    for n, c in np.ndindex(*x.shape[:2]):
        picks = [
            fractional_starts(sample[None], length, o, k)[0][:, None] + np.arange(k)
            for sample, length, o, k in zip(y[n, c][::-1] if len(kernel) == 2 else y[n, c], x.shape[2:], size, kernel)
        ]
        values[n, c], indices[n, c] = largest_of(x[n, c], picks)
    return values, indices


def _fractional_max_pool(x, y, kernel, size):
    if x.ndim != len(kernel) + 2 or x.dtype != y.dtype or not x.size:
        return NotImplemented
    windows = _kernels.fractional_windows(y, x.shape[2:], size, kernel)
    return windows if windows is NotImplemented else _kernels.uneven_max_pool(x, *windows, True, size=size)


if _kernels is not None:
    fractional_max_pool2d.accelerate(_fractional_max_pool)

fractional_max_pool3d = renamed(fractional_max_pool2d, "FractionalMaxPool3DBackward0")


@linear(batch=as_it_is, x=lambda g, y, size: plane_take(g, y, dims=len(size)))
def plane_put(x, y, *, size):
    """Zeros with trailing dimensions `size`, each entry of x added at its index in y."""
    lead = x.shape[: x.ndim - len(size)]
    planes, cells = math.prod(lead), math.prod(size)
    if not planes or not cells:
        return np.zeros((*lead, *size), x.dtype)
    where = y.reshape(planes, -1) + np.arange(0, planes * cells, cells)[:, None]
    total = np.bincount(where.ravel(), x.ravel(), planes * cells)
    return total.astype(x.dtype).reshape(*lead, *size)


if _kernels is not None:
    plane_put.accelerate(_kernels.put)


@linear(batch=as_it_is, x=lambda g, y, x_shape, dims: plane_put(g, y, size=x_shape[len(x_shape) - dims :]))
def plane_take(x, y, *, dims):
    """The entries of x at the indices y, in planes of the trailing `dims` dimensions."""
    lead = x.shape[: x.ndim - dims]
    flat = x.reshape(*lead, math.prod(x.shape[x.ndim - dims :]))
    return np.take_along_axis(flat, y.reshape(*lead, math.prod(y.shape[y.ndim - dims :])), -1).reshape(y.shape)


if _kernels is not None:
    plane_take.accelerate(_kernels.take)


@linear(
    batch=as_it_is,
    backward="MaxUnpool2DBackward0",
    x=lambda g, y, size: plane_take(g, y, dims=len(size)),
)
def max_unpool2d(x, y, *, size):
    """Zeros with trailing dimensions `size`, each entry of x written at its index in y."""
    lead = x.shape[: x.ndim - len(size)]
    out = np.zeros((*lead, math.prod(size)), x.dtype)
    places = (*lead, math.prod(x.shape[x.ndim - len(size) :]))
    np.put_along_axis(out, y.reshape(places), x.reshape(places), -1)
    return out.reshape(*lead, *size)


if _kernels is not None:
    max_unpool2d.accelerate(_kernels.write)

max_unpool3d = renamed(max_unpool2d, "MaxUnpool3DBackward0")


def divisors(spatial, size, kernel, stride, padding, count_include_pad, divisor):
    """How many entries each average counts: `divisor`, or an array of shape `size`."""
    if divisor is not None:
        return divisor
    total = np.ones((), np.int64)
    for n, o, k, s, p in zip(spatial, size, kernel, stride, padding):
        start = np.arange(o) * s - p
        end = np.minimum(start + k, n + p)
        if not count_include_pad:
            start, end = np.maximum(start, 0), np.minimum(end, n)
        total = total[..., None] * (end - start)
    return total


def averaged(total, count, dtype):
    if dtype.kind in "iu":
        return np.trunc(total / count).astype(dtype)
    return (total / count).astype(dtype, copy=False)


@linear(batch=as_it_is,
    backward="AvgPool2DBackward0",
    x=lambda g, x_shape, kernel, stride, padding, size, count_include_pad, divisor: avg_unpool(
        g, plane=x_shape[len(x_shape) - len(size) :], kernel=kernel, stride=stride, padding=padding,
        count_include_pad=count_include_pad, divisor=divisor,
    ),
)  # fmt: skip
def avg_pool2d(x, *, kernel, stride, padding, size, count_include_pad, divisor):
    """The sum over each window, divided by its number of entries or by `divisor`."""
    ones = (1,) * len(kernel)
    whole = covered(x, kernel, stride, padding, ones, size, 0)
    wide = np.float64 if x.dtype.kind in "fV" else x.dtype
    total = np.zeros((*x.shape[: x.ndim - len(kernel)], *size), wide)
    for _, window in window_slices(kernel, stride, ones, size):
        total += whole[window]
    plane = x.shape[x.ndim - len(kernel) :]
    return averaged(total, divisors(plane, size, kernel, stride, padding, count_include_pad, divisor), x.dtype)


@lru_cache(64)
def _counts(dtype, *windows):
    """What `divisors` gives, as an array of one entry, or of one for each window where they differ."""
    counts = np.reshape(divisors(*windows), -1).astype(dtype)
    return counts[:1] if (counts == counts[:1]).all() else counts


def _avg_pool(x, kernel, stride, padding, size, count_include_pad, divisor):
    plane = x.shape[x.ndim - len(kernel) :]
    counts = _counts(x.dtype, plane, size, kernel, stride, padding, count_include_pad, divisor)
    return _kernels.avg_pool(x, counts, kernel=kernel, stride=stride, padding=padding, size=size)


def _avg_unpool(x, plane, kernel, stride, padding, count_include_pad, divisor):
    size = x.shape[x.ndim - len(kernel) :]
    counts = _counts(x.dtype, plane, size, kernel, stride, padding, count_include_pad, divisor)
    return _kernels.avg_unpool(x, counts, plane=plane, kernel=kernel, stride=stride, padding=padding)


if _kernels is not None:
    avg_pool2d.accelerate(_avg_pool)

avg_pool3d = renamed(avg_pool2d, "AvgPool3DBackward0")


@linear(batch=as_it_is,
    backward="AvgPool2DBackwardBackward0",
    x=lambda g, x_shape, kernel, stride, padding, count_include_pad, divisor: avg_pool2d(
        g, kernel=kernel, stride=stride, padding=padding, size=x_shape[len(x_shape) - len(kernel) :],
        count_include_pad=count_include_pad, divisor=divisor,
    ),
)  # fmt: skip
def avg_unpool(x, *, plane, kernel, stride, padding, count_include_pad, divisor):
    """The adjoint of avg_pool2d: each entry of x spread evenly over its window."""
    d = len(kernel)
    lead, size = x.shape[: x.ndim - d], x.shape[x.ndim - d :]
    share = averaged(x, divisors(plane, size, kernel, stride, padding, count_include_pad, divisor), x.dtype)
    reach = [max(p + n + p, (o - 1) * s + k) for n, p, o, s, k in zip(plane, padding, size, stride, kernel)]
    whole = np.zeros((*lead, *reach), x.dtype)
    for _, window in window_slices(kernel, stride, (1,) * d, size):
        whole[window] += share
    return np.ascontiguousarray(whole[(..., *[slice(p, p + n) for n, p in zip(plane, padding)])])


if _kernels is not None:
    avg_unpool.accelerate(_avg_unpool)
