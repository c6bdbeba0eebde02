"""Resampling along the trailing dimensions: interpolation and adaptive averages, each dimension by its own matrix."""

import functools
import math

import numpy as np

from .batch_rules import as_it_is
from .declare import linear, renamed
from .pool import adaptive_bounds


@functools.lru_cache(maxsize=256)
def matrix(mode, n, size, scale, align_corners, antialias):
    """The (size, n) matrix whose rows say how each result is weighted from n entries. `scale` is entries per result."""
    out = np.zeros((size, n))
    if mode == "adaptive":
        for row, (start, end) in enumerate(zip(*adaptive_bounds(n, size))):
            out[row, start:end] = 1 / (end - start)
        return out
    if mode in ("nearest", "nearest-exact"):
        out[np.arange(size), nearest(mode, n, size, scale)] = 1
        return out
    if antialias:
        return antialiased(mode, n, size, scale, align_corners)
    place = np.arange(size) * scale if align_corners else (np.arange(size) + 0.5) * scale - 0.5
    if mode == "linear":
        place = np.clip(place, 0, n - 1)
    low = np.floor(place).astype(np.int64)
    weigh, taps = (hat, range(2)) if mode == "linear" else (cubic, range(-1, 3))
    for tap in taps:
        np.add.at(out, (np.arange(size), np.clip(low + tap, 0, n - 1)), weigh(place - low - tap))
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
    out = np.zeros((size, n))
    width = max(scale, 1.0)
    support = (1 if mode == "linear" else 2) * width
    for row in range(size):
        centre = row * scale + 0.5 if align_corners else (row + 0.5) * scale
        start = max(int(centre - support + 0.5), 0)
        end = min(int(centre + support + 0.5), n)
        t = (np.arange(start, end) + 0.5 - centre) / width
        weights = hat(t) if mode == "linear" else cubic(t, -0.5)
        out[row, start:end] = weights / weights.sum()
    return out


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
