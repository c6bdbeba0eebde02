"""Images brought to other sizes."""

import math
import warnings

from ...allocation import checked
from ...functions.arguments import check_number
from ...ops.resample import UPSAMPLE
from .arguments import check_flags, check_implemented, check_tensor, scalar_type, shape_of
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
    if align_corners is None:
        align_corners = False
    check_flags(f"{'_' * bool(antialias)}upsample_{mode}{d}d{'_aa' * bool(antialias)}", 3, align_corners=align_corners)
    return _resampled(input, size, factors, mode, align_corners, antialias)


def _sizes(input, d, size, scale_factor):
    """The wanted sizes or the factors, one of which is None."""
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    spatial = list(input.shape[2:])
    if size is not None:
        if not isinstance(size, (list, tuple)):
            check_number(size, "interpolate", 2, "size")
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
        check_number(scale_factor, "interpolate", 3, "scale_factor")
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
    checked(size, 8)
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
