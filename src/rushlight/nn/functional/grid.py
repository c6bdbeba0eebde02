"""Images sampled at the points of a grid, and the grids of affine maps."""

import itertools
import math
import warnings

import numpy as np

from ... import core, spelling
from ...dtypes import int64
from .arguments import check_tensor, kind_of, scalar_type, shape_of

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
    outside = _Outside(padding_mode, align_corners)
    if mode == "bicubic":
        return _sampled(input, [_cubic_taps(p, n, outside) for p, n in zip(places, plane)])
    places = [outside.brought_in(p, n) for p, n in zip(places, plane)]
    taps = _nearest_taps if mode == "nearest" else _linear_taps
    return _sampled(input, [taps(p, n) for p, n in zip(places, plane)])


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


class _Outside:
    """What is read outside of the input: zeros, its border, or its reflection."""

    def __init__(self, padding_mode, align_corners):
        self.padding_mode = padding_mode
        self.align_corners = align_corners

    def brought_in(self, place, n):
        """A place among n elements, inside unless zeros are read outside."""
        if self.padding_mode == "zeros":
            return place
        if self.padding_mode == "reflection":
            place = self._reflected(place, n)
        return place.clamp(0, n - 1)

    def _reflected(self, place, n):
        low, span = (0, n - 1) if self.align_corners else (-0.5, n)
        if span == 0:
            return place * 0
        away = (place - low).abs()
        turns = (away.detach() / span).floor()
        rest = away - turns * span
        return (rest + low).where(turns % 2 == 0, span - rest + low)

    def tap(self, index, n):
        """(index, whether it counts) of an index, as a floating tensor, that may be outside."""
        return _tap(self.brought_in(index, n), n)


def _tap(index, n):
    """(index inside, whether it was inside) of a floating tensor of indices; nan is outside."""
    inside = (index >= 0) & (index < n)
    return index.nan_to_num(nan=0.0).clamp(0, n - 1).to(int64), inside


# The neighbours of each place along one dimension: (index, whether it counts, weight) of each.


def _nearest_taps(place, n):
    # The weight is one, and has a gradient by the grid: zero.
    return [(*_tap(place.detach().round(), n), place * 0 + 1)]


def _linear_taps(place, n):
    low = place.detach().floor()
    part = place - low
    return [(*_tap(low, n), 1 - part), (*_tap(low + 1, n), part)]


def _cubic_taps(place, n, outside):
    low = place.detach().floor()
    t = place - low
    weights = [_keys(t + 1, False), _keys(t, True), _keys(1 - t, True), _keys(2 - t, False)]
    return [(*outside.tap(low + k, n), weight) for k, weight in zip((-1, 0, 1, 2), weights)]


def _keys(t, near, a=-0.75):
    """Keys' cubic convolution at distance t, which is at most 1 for the near ones."""
    if near:
        return ((a + 2) * t - (a + 3)) * t * t + 1
    return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a


def _sampled(input, taps):
    """The sum over all combinations of taps of the input there, times the product of their weights."""
    n, channels, *plane = input.shape
    flat = input.reshape(n, channels, math.prod(plane))
    total = None
    for choice in itertools.product(*taps):
        place, counts, weight = choice[0]
        for (index, inside, w), size in zip(choice[1:], plane[1:]):
            place = place * size + index
            counts = counts & inside
            weight = weight * w
        where = place.reshape(n, 1, place[0].numel()).expand(n, channels, place[0].numel())
        part = flat.gather(2, where).reshape(n, channels, *place.shape[1:]) * weight.unsqueeze(1)
        part = part.masked_fill(counts.logical_not().unsqueeze(1), 0)
        total = part if total is None else total + part
    return total
