"""Images sampled at the points of a grid, and the grids of affine maps."""

import warnings

import numpy as np

from ... import core, spelling
from ...allocation import checked
from ...ops import grid as ops
from .arguments import check_flags, check_tensor, kind_of, scalar_type, shape_of

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
    check_flags("affine_grid_generator", 3, align_corners=align_corners)
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
    checked(size, 8)
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
    check_flags("grid_sampler", 5, align_corners=align_corners)
    _check_grid(input, grid, mode)
    op = ops.grid_sampler if input.ndim == 4 else ops.grid_sampler_3d
    return op(input, grid, mode=mode, padding=padding_mode, align_corners=align_corners)


def _check_grid(input, grid, mode):
    check_tensor(input, "grid_sampler")
    check_tensor(grid, "grid_sampler", 2, "grid")
    shape, points = input._array.shape, grid._array.shape
    if shape[0] != points[0]:
        raise RuntimeError(
            "grid_sampler(): expected grid and input to have same batch size, but got input with sizes "
            f"{shape_of(input)} and grid with sizes {shape_of(grid)}"
        )
    if points[-1] != len(shape) - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {len(shape) - 2} in last dimension, but got grid with sizes "
            f"{shape_of(grid)}"
        )
    for axis in range(2, len(shape)):
        if shape[axis] == 0:
            raise RuntimeError(
                "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
                f"{shape_of(input)} with dimension {axis} being empty"
            )
    if len(shape) not in (4, 5) or len(points) != len(shape):
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with "
            "sizes "
            f"{shape_of(input)} and grid with sizes {shape_of(grid)}"
        )
    if len(shape) == 5 and mode == "bicubic":
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if input._array.dtype != grid._array.dtype:
        raise RuntimeError(
            "grid_sampler(): expected input and grid to have same dtype, but input has "
            f"{scalar_type(input).lower()} and grid has {scalar_type(grid).lower()}"
        )
    if kind_of(input) != "f":
        raise NotImplementedError(f"\"grid_sampler_2d_cpu\" not implemented for '{scalar_type(input)}'")
