"""Resampling along the trailing dimensions: interpolation and adaptive averages, each dimension by its own matrix.

The entries of its rows that are not zero stand side by side: a band.
"""

import functools
import math

import numpy as np

from ..kernels import load
from .batch_rules import as_it_is
from .declare import linear, renamed
from .pool import adaptive_bounds


@functools.lru_cache(maxsize=256)
def band(mode, n, size, scale, align_corners, antialias):
    """How each of `size` results is weighted from n entries: (starts (size,), weights (size, taps)).

    `scale` is entries per result.
    """
    if mode == "adaptive":
        starts, ends = adaptive_bounds(n, size)
        counted = np.arange((ends - starts).max()) < (ends - starts)[:, None]
        return within(starts, counted / (ends - starts)[:, None], n)
    if mode in ("nearest", "nearest-exact"):
        return nearest(mode, n, size, scale), np.ones((size, 1))
    if antialias:
        return within(*antialiased(mode, n, size, scale, align_corners), n)
    place = np.arange(size) * scale if align_corners else (np.arange(size) + 0.5) * scale - 0.5
    if mode == "linear":
        place = np.clip(place, 0, n - 1)
    low = np.floor(place).astype(np.int64)
    weigh, taps = (hat, np.arange(2)) if mode == "linear" else (cubic, np.arange(-1, 3))
    # What lies outside is read at the border.
    entries = np.clip(low[:, None] + taps, 0, n - 1)
    starts = np.minimum(entries[:, 0], max(n - len(taps), 0))
    weights = np.zeros((size, min(len(taps), n)))
    for k, tap in enumerate(taps):
        weights[np.arange(size), entries[:, k] - starts] += weigh(place - low - tap)
    return starts, weights


def within(starts, weights, n):
    """A band moved so that none of its rows ends behind entry n."""
    taps = weights.shape[1]
    moved = np.minimum(starts, n - taps)
    out = np.zeros_like(weights)
    rows, columns = np.nonzero(weights)
    out[rows, columns + (starts - moved)[rows]] = weights[rows, columns]
    return moved, out


def turned(starts, weights, n):
    """The band of the transposed matrix, which has n rows."""
    size = len(weights)
    rows, k = np.nonzero(weights)
    columns = starts[rows] + k
    first, last = np.full(n, size), np.full(n, -1)
    np.minimum.at(first, columns, rows)
    np.maximum.at(last, columns, rows)
    width = max(int((last - first).max()) + 1, 1)
    first = np.minimum(first, size - width)
    out = np.zeros((n, width))
    out[columns, rows - first[columns]] = weights[rows, k]
    return first, out


# Of so few taps each is taken for all results at once.
_FEW = 8


@functools.lru_cache(maxsize=256)
def _band(dtype, adjoint, *parameters):
    """(starts, weights, whether these are by tap) of a band, or of its transpose, ready for the kernel."""
    starts, weights = band(*parameters)
    if adjoint:
        starts, weights = turned(starts, weights, parameters[1])
    by_tap = weights.shape[1] <= _FEW
    return starts.astype(np.int64), np.ascontiguousarray(weights.T if by_tap else weights, dtype), by_tap


def matrix(mode, n, size, scale, align_corners, antialias):
    """The same as a (size, n) matrix."""
    starts, weights = band(mode, n, size, scale, align_corners, antialias)
    out = np.zeros((size, n))
    np.add.at(out, (np.arange(size)[:, None], starts[:, None] + np.arange(weights.shape[1])), weights)
    return out


def nearest(mode, n, size, scale):
    """Which entry each result of nearest-neighbour interpolation is."""
    scale = np.float32(scale)
    place = np.arange(size, dtype=np.float32)
    place = (place + np.float32(0.5)) * scale if mode == "nearest-exact" else place * scale
    return np.minimum(np.floor(place).astype(np.int64), n - 1)


def hat(t):
    return np.maximum(0, 1 - np.abs(t))


def cubic(t, a=-0.75):
    """Keys' cubic convolution; a = -0.5 where it is antialiased."""
    t = np.abs(t)
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    return np.where(t <= 1, near, np.where(t < 2, far, 0))


def antialiased(mode, n, size, scale, align_corners):
    """The filter widened by the scale where the result is smaller, its weights summing to one."""
    width = max(scale, 1.0)
    support = (1 if mode == "linear" else 2) * width
    centre = np.arange(size) * scale + 0.5 if align_corners else (np.arange(size) + 0.5) * scale
    starts = np.maximum((centre - support + 0.5).astype(np.int64), 0)
    ends = np.minimum((centre + support + 0.5).astype(np.int64), n)
    taps = np.arange((ends - starts).max())
    t = (starts[:, None] + taps + 0.5 - centre[:, None]) / width
    weights = np.where(taps < (ends - starts)[:, None], hat(t) if mode == "linear" else cubic(t, -0.5), 0)
    return starts, weights / weights.sum(1, keepdims=True)


def matrices(sizes_from, sizes_to, mode, scales, align_corners, antialias, dtype):
    return [
        matrix(mode, n, size, scale, align_corners, antialias).astype(dtype)
        for n, size, scale in zip(sizes_from, sizes_to, scales)
    ]


def applied(x, by_dimension):
    """Each matrix multiplied onto its trailing dimension, the last one first."""
    d = len(by_dimension)
    wide = np.promote_types(x.dtype, np.float32) if x.dtype.kind in "fc" else np.dtype(np.float32)
    y = x.astype(wide, copy=False)
    for axis, m in zip(range(x.ndim - 1, x.ndim - 1 - d, -1), reversed(by_dimension)):
        if axis == x.ndim - 1:
            y = np.matmul(y, m.T)
            continue
        shape = y.shape
        flat = y.reshape(*shape[: axis + 1], math.prod(shape[axis + 1 :]))
        y = np.matmul(m, flat).reshape(*shape[:axis], m.shape[0], *shape[axis + 1 :])
    return y.astype(x.dtype, copy=False)


@linear(batch=as_it_is,
    backward="UpsampleBackward0",
    x=lambda g, x_shape, size, mode, scales, align_corners, antialias: resample_adjoint(
        g, size=x_shape[len(x_shape) - len(size) :], mode=mode, scales=scales, align_corners=align_corners,
        antialias=antialias,
    ),
)  # fmt: skip
def resample(x, *, size, mode, scales, align_corners=False, antialias=False):
    """x with its trailing dimensions brought to `size`."""
    plane = x.shape[x.ndim - len(size) :]
    if mode in ("nearest", "nearest-exact"):
        picks = [nearest(mode, n, s, scale) for n, s, scale in zip(plane, size, scales)]
        return x[(..., *np.ix_(*picks))]
    return applied(x, matrices(plane, size, mode, scales, align_corners, antialias, wide_of(x.dtype)))


def wide_of(dtype):
    return np.float64 if dtype == np.float64 or dtype == np.complex128 else np.float32


@linear(batch=as_it_is,
    backward="UpsampleBackwardBackward0",
    x=lambda g, x_shape, size, mode, scales, align_corners, antialias: resample(
        g, size=x_shape[len(x_shape) - len(size) :], mode=mode, scales=scales, align_corners=align_corners,
        antialias=antialias,
    ),
)  # fmt: skip
def resample_adjoint(x, *, size, mode, scales, align_corners=False, antialias=False):
    """The adjoint of resample: back to trailing dimensions `size`."""
    plane = x.shape[x.ndim - len(size) :]
    forward = matrices(size, plane, mode, scales, align_corners, antialias, wide_of(x.dtype))
    return applied(x, [m.T for m in forward])


def _banded(x, bands):
    first = x.ndim - len(bands)
    for axis in range(x.ndim - 1, first - 1, -1):
        x = _kernels.banded(x, axis, *bands[axis - first])
        if x is NotImplemented:
            return x
    return x


def _resample(x, size, mode, scales, align_corners, antialias):
    if x.dtype.char not in "fd" or not x.size:
        return NotImplemented
    plane = x.shape[x.ndim - len(size) :]
    return _banded(
        x, [_band(x.dtype, False, mode, *each, align_corners, antialias) for each in zip(plane, size, scales)]
    )


def _resample_adjoint(x, size, mode, scales, align_corners, antialias):
    if x.dtype.char not in "fd" or not x.size:
        return NotImplemented
    plane = x.shape[x.ndim - len(size) :]
    return _banded(
        x, [_band(x.dtype, True, mode, *each, align_corners, antialias) for each in zip(size, plane, scales)]
    )


_kernels = load("resample")
if _kernels is not None:
    resample.accelerate(_resample)
    resample_adjoint.accelerate(_resample_adjoint)

adaptive_avg_pool2d = renamed(resample, "AdaptiveAvgPool2DBackward0")
adaptive_avg_pool3d = renamed(resample, "AdaptiveAvgPool3DBackward0")
UPSAMPLE = {
    f"{name}{d}d{suffix}": renamed(resample, f"Upsample{camel}{d}D{suffix.strip('_').capitalize()}Backward0")
    for name, camel, dims, suffix in (
        ("nearest", "Nearest", (1, 2, 3), ""), ("nearest-exact", "NearestExact", (1, 2, 3), ""),
        ("linear", "Linear", (1,), ""), ("bilinear", "Bilinear", (2,), ""), ("bicubic", "Bicubic", (2,), ""),
        ("trilinear", "Trilinear", (3,), ""),
        ("bilinear", "Bilinear", (2,), "_aa"), ("bicubic", "Bicubic", (2,), "_aa"),
    )
    for d in dims
}  # fmt: skip
