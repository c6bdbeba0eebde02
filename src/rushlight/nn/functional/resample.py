"""Images brought to other sizes, and sampled at the points of a grid."""

import math
import warnings

import numpy as np

from ... import core, spelling
from ...ops.resample import UPSAMPLE
from .arguments import check_implemented, check_tensor, kind_of, scalar_type, shape_of
from .pool import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d

_AREA = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}
_DIMS = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
_SMOOTH = ("linear", "bilinear", "bicubic", "trilinear")
_MODES = "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact"


def interpolate(
    input, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None,
    antialias=False,
):  # fmt: skip
    """Bring the spatial dimensions of `input` (N, C, *) to `size`, or to `scale_factor` times theirs.

    `mode`: "nearest", "nearest-exact", "linear" (3-D input), "bilinear" or "bicubic" (4-D), "trilinear" (5-D), "area".

    >>> import rushlight
    >>> rushlight.nn.functional.interpolate(rushlight.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    check_tensor(input, "interpolate")
    if mode not in _SMOOTH and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    d = input.ndim - 2
    size, factors = _sizes(input, d, size, scale_factor)
    if recompute_scale_factor and factors is None:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    if antialias and not (mode in ("bilinear", "bicubic") and input.ndim == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    if size is None:
        size = tuple([math.floor(n * f) for n, f in zip(input.shape[2:], factors)])
    _check_mode(input, d, mode)
    if mode == "area":
        return _AREA[d](input, size)
    if recompute_scale_factor:
        factors = None
    return _resampled(input, size, factors, mode, bool(align_corners), antialias)


def _sizes(input, d, size, scale_factor):
    """The wanted sizes or the factors, one of which is None."""
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    spatial = list(input.shape[2:])
    if size is not None:
        if not isinstance(size, (list, tuple)):
            return (int(size),) * d, None
        if len(size) != d:
            raise ValueError(
                "Input and output must have the same number of spatial dimensions, but got input with spatial "
                "dimensions of "
                f"{spatial} and output size of {size}. Please provide input tensor in (N, C, d1, d2, ...,dK) format "
                "and "
                "output size in (o1, o2, ...,oK) format."
            )
        if not all(hasattr(n, "__index__") for n in size):
            raise TypeError(
                "expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, int], but got "
                "size with "
                f"types {[type(n) for n in size]}"
            )
        return tuple([int(n) for n in size]), None
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if not isinstance(scale_factor, (list, tuple)):
        return None, (float(scale_factor),) * d
    if len(scale_factor) != d:
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, but got input with spatial "
            "dimensions "
            f"of {spatial} and scale_factor of shape {scale_factor}. Please provide input tensor in (N, C, d1, d2, "
            "...,dK) "
            "format and scale_factor in (s1, s2, ...,sK) format."
        )
    return None, tuple([float(f) for f in scale_factor])


def _check_mode(input, d, mode):
    if mode in ("linear", "bilinear", "trilinear") and d in (1, 2, 3) and d != _DIMS[mode]:
        raise NotImplementedError(f"Got {input.ndim}D input, but {mode} mode needs {_DIMS[mode] + 2}D input")
    known = mode in ("nearest", "nearest-exact", "area") or _DIMS.get(mode) == d
    if d not in (1, 2, 3) or not known:
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.ndim}D) for the modes: {_MODES} "
            f"(got {mode})"
        )


def _resampled(input, size, factors, mode, align_corners, antialias):
    d = len(size)
    plane = input.shape[2:]
    if min(size) <= 0 or min(plane) <= 0:
        axes = "DHW"[3 - d :]
        listed = [", ".join([f"{a}: {n}" for a, n in zip(axes, sizes)]) for sizes in (plane, size)]
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input ({listed[0]}) output ({listed[1]})"
        )
    if input.shape[1] == 0:
        raise RuntimeError(
            f"Non-empty {input.ndim}D data tensor expected but got a tensor with sizes {shape_of(input)}"
        )
    if not (scalar_type(input) == "Byte" and d == 2):
        check_implemented(input, f"upsample_{mode.replace('-', '_')}{d}d_channels_last")
    scales = []
    for axis in range(d):
        n, out = plane[axis], size[axis]
        if align_corners:
            scales.append((n - 1) / (out - 1) if out > 1 else 0.0)
        else:
            scales.append(1 / factors[axis] if factors is not None and factors[axis] > 0 else n / out)
    kind = {"bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    op = UPSAMPLE[f"{mode}{d}d" + ("_aa" if antialias else "")]
    return op(input, size=size, mode=kind, scales=tuple(scales), align_corners=align_corners, antialias=bool(antialias))


def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """`interpolate`, under its older name."""
    _warn_deprecated("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input, size=None, scale_factor=None):
    """`interpolate` with mode "nearest", under its older name."""
    _warn_deprecated("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input, size=None, scale_factor=None):
    """`interpolate` with mode "bilinear" and align_corners, under its older name."""
    _warn_deprecated("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


def _warn_deprecated(name):
    warnings.warn(
        f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.", UserWarning, stacklevel=3
    )


_ALIGN_CHANGED = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
    "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details."
)


def affine_grid(theta, size, align_corners=None):
    """The grid of points, in [-1, 1], that affine maps `theta` (N, d, d + 1) take the places of (N, C, *spatial) to.

    >>> import rushlight
    >>> theta = rushlight.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> rushlight.nn.functional.affine_grid(theta, (1, 1, 1, 2), align_corners=True)
    tensor([[[[-1.,  0.],
              [ 1.,  0.]]]])
    """
    check_tensor(theta, "affine_grid", 1, "theta")
    if align_corners is None:
        warnings.warn(_ALIGN_CHANGED, UserWarning, stacklevel=2)
        align_corners = False
    size = tuple(size)
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {spelling.spell(theta.dtype.name)}")
    d = len(size) - 2
    if d not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size "
            f"{size}."
        )
    if theta.ndim != 3 or theta.shape[1:] != (d, d + 1):
        raise ValueError(
            f"Expected a batch of {d}D affine matrices of shape Nx{d}x{d + 1} for size {size}. Got "
            f"{spelling.spell('Size')}({shape_of(theta)})."
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    dtype = theta._array.dtype
    axes = [np.linspace(-1, 1, n) * (1 if align_corners else (n - 1) / n) if n > 1 else np.zeros(1) for n in size[2:]]
    points = np.stack([*np.meshgrid(*axes, indexing="ij")[::-1], np.ones(size[2:])], -1).astype(dtype)
    grid = core.wrap(points.reshape(1, -1, d + 1)).matmul(theta.transpose(1, 2))
    return grid.reshape(size[0], *size[2:], d)


def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    """`input` (N, C, *spatial) read at the points `grid` (N, *out, d) of [-1, 1]^d, the last dimension's place first.

    `mode`: "bilinear", "nearest" or "bicubic" (4-D input); `padding_mode` says what is outside: "zeros", "border" or
    "reflection". `align_corners` puts -1 and 1 at the centres of the outermost elements, not at their edges.
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    if align_corners is None:
        warnings.warn(_ALIGN_CHANGED, UserWarning, stacklevel=2)
        align_corners = False
    _check_grid(input, grid, mode)
    d = input.ndim - 2
    plane = input.shape[2:]
    places = [_in_elements(grid.select(-1, d - 1 - axis), plane[axis], align_corners) for axis in range(d)]
    if mode != "bicubic":
        places = [_bounded(p, n, padding_mode, align_corners) for p, n in zip(places, plane)]
    if mode == "nearest":
        taps = [[(np.rint(p._array).astype(np.int64), p * 0 + 1)] for p in places]
        return _sampled(input, taps, padding_mode, align_corners)
    taps = [_linear_taps(p) if mode == "bilinear" else _cubic_taps(p) for p in places]
    return _sampled(input, taps, padding_mode, align_corners)


def _check_grid(input, grid, mode):
    check_tensor(input, "grid_sampler")
    check_tensor(grid, "grid_sampler", 2, "grid")
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(
            "grid_sampler(): expected grid and input to have same batch size, but got input with sizes "
            f"{shape_of(input)} and grid with sizes {shape_of(grid)}"
        )
    if grid.shape[-1] != input.ndim - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {input.ndim - 2} in last dimension, but got grid with sizes "
            f"{shape_of(grid)}"
        )
    for axis in range(2, input.ndim):
        if input.shape[axis] == 0:
            raise RuntimeError(
                "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
                f"{shape_of(input)} with dimension {axis} being empty"
            )
    if input.ndim not in (4, 5) or grid.ndim != input.ndim:
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with "
            "sizes "
            f"{shape_of(input)} and grid with sizes {shape_of(grid)}"
        )
    if input.ndim == 5 and mode == "bicubic":
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if input.dtype != grid.dtype:
        raise RuntimeError(
            "grid_sampler(): expected input and grid to have same dtype, but input has "
            f"{scalar_type(input).lower()} and grid has {scalar_type(grid).lower()}"
        )
    if kind_of(input) != "f":
        raise NotImplementedError(f"\"grid_sampler_2d_cpu\" not implemented for '{scalar_type(input)}'")


def _in_elements(place, n, align_corners):
    """A place of [-1, 1] as a place among n elements."""
    return (place + 1) * ((n - 1) / 2) if align_corners else ((place + 1) * n - 1) / 2


def _bounded(place, n, padding_mode, align_corners):
    """A place brought inside by the border or by reflection."""
    if padding_mode == "reflection":
        place = _reflected(place, *((0, 2 * (n - 1)) if align_corners else (-1, 2 * n - 1)))
    return place if padding_mode == "zeros" else place.clamp(0, n - 1)


def _reflected(place, twice_low, twice_high):
    if twice_low == twice_high:
        return place * 0
    low, span = twice_low / 2, (twice_high - twice_low) / 2
    away = (place - low).abs()
    turns = np.floor(away._array / span)
    rest = away - core.wrap(turns * span).to(place.dtype)
    return (rest + low).where(core.wrap(turns % 2 == 0), span - rest + low)


def _linear_taps(place):
    """The two neighbours of each place along one dimension: (index, weight) pairs."""
    low = np.floor(place._array)
    part = place - core.wrap(low)
    index = np.nan_to_num(low, nan=-1, posinf=-1, neginf=-1).astype(np.int64)
    return [(index, 1 - part), (index + 1, part)]


def _cubic_taps(place):
    low = np.floor(place._array)
    t = place - core.wrap(low)
    index = np.nan_to_num(low, nan=-2, posinf=-2, neginf=-2).astype(np.int64)
    return [(index + k, _keys(t + 1 if k < 0 else t if k == 0 else k - t, k in (0, 1))) for k in (-1, 0, 1, 2)]


def _keys(t, near, a=-0.75):
    if near:
        return ((a + 2) * t - (a + 3)) * t * t + 1
    return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a


def _inside(index, n, padding_mode, align_corners, cubic):
    """Indices of taps that may be outside, and where they count."""
    if cubic and padding_mode == "border":
        return np.clip(index, 0, n - 1), None
    if cubic and padding_mode == "reflection":
        place = _reflected(
            core.wrap(index.astype(np.float64)), *((0, 2 * (n - 1)) if align_corners else (-1, 2 * n - 1))
        )
        return np.clip(place._array, 0, n - 1).astype(np.int64), None
    return np.clip(index, 0, n - 1), (index >= 0) & (index < n)


def _sampled(input, taps, padding_mode, align_corners):
    """The sum over all combinations of taps of the input there, times the product of their weights."""
    n, channels, *plane = input.shape
    out_shape = taps[0][0][0].shape[1:]
    flat = input.reshape(n, channels, math.prod(plane))
    cubic = len(taps[0]) == 4
    total = None
    for choice in np.ndindex(*[len(t) for t in taps]):
        place, weight, counts = 0, None, True
        for axis, k in enumerate(choice):
            index, w = taps[axis][k]
            index, inside = _inside(index, plane[axis], padding_mode, align_corners, cubic)
            place = place * plane[axis] + index
            counts = counts if inside is None else counts & inside
            weight = w if weight is None else weight * w
        where = core.wrap(np.ascontiguousarray(np.broadcast_to(place.reshape(n, 1, -1), (n, channels, place[0].size))))
        part = flat.gather(2, where).reshape(n, channels, *out_shape)
        if weight is not None:
            part = part * weight.unsqueeze(1)
        if counts is not True:
            part = part.masked_fill(core.wrap(~counts[:, None]), 0)
        total = part if total is None else total + part
    return total
