"""Images and volumes read at the points of a grid.

What is read is a sum over the neighbours of each point, each with a product of weights, one along each dimension. A
rule needs besides how each weight moves with the point (`slope`).
"""

import itertools
import math
from types import SimpleNamespace

from .. import core
from ..dtypes import int64
from ..kernels import load
from .batch_rules import full, merged, parted
from .declare import general, renamed


def in_elements(place, n, align_corners):
    """A place of [-1, 1] as a place among n elements."""
    return (place + 1) * ((n - 1) / 2) if align_corners else ((place + 1) * n - 1) / 2


def brought_in(place, n, padding, align_corners):
    """(a place among n elements brought inside, how it moves with the place)."""
    if padding == "zeros":
        return place, 1
    turn = 1
    if padding == "reflection":
        low, span = (0, n - 1) if align_corners else (-0.5, n)
        if span == 0:
            return place * 0, 0
        away = place - low
        sign = (away >= 0) * 2 - 1
        away = away.abs()
        turns = (away.detach() / span).floor()
        rest = away - turns * span
        even = turns % 2 == 0
        place = (rest + low).where(even, span - rest + low)
        turn = sign * (even * 2 - 1)
    return place.clamp(0, n - 1), turn * ((place >= 0) & (place <= n - 1))


def tap(index, n, weight, slope):
    """One neighbour along a dimension: its index as if it were inside, whether it is, its weight and its slope.

    That of a nan counts, so that its weight, which is nan, is seen.
    """
    inside = ((index < 0) | (index >= n)).logical_not()
    return SimpleNamespace(
        index=index.nan_to_num(nan=0.0).clamp(0, n - 1).to(int64), inside=inside, weight=weight, slope=slope
    )


def keys(t, near, a=-0.75):
    """Keys' cubic convolution at distance t, which is at most 1 for the near ones (Keys, 1981)."""
    if near:
        return ((a + 2) * t - (a + 3)) * t * t + 1
    return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a


def keys_slope(t, near, a=-0.75):
    return (3 * (a + 2) * t - 2 * (a + 3)) * t if near else (3 * a * t - 10 * a) * t + 8 * a


def neighbours(place, n, mode, padding, align_corners):
    """The taps of places, of [-1, 1], along one dimension of size n."""
    scale = (n - 1) / 2 if align_corners else n / 2
    place = in_elements(place, n, align_corners)
    if mode == "bicubic":
        low = place.detach().floor()
        t = place - low
        return [
            tap(
                brought_in(low + k, n, padding, align_corners)[0],
                n,
                keys(away, near),
                keys_slope(away, near) * (scale * way),
            )
            for k, away, near, way in (
                (-1, t + 1, False, 1),
                (0, t, True, 1),
                (1, 1 - t, True, -1),
                (2, 2 - t, False, -1),
            )
        ]
    place, turn = brought_in(place, n, padding, align_corners)
    if mode == "nearest":
        return [tap(place.detach().round(), n, place * 0 + 1, place.new_zeros(place.shape))]
    low = place.detach().floor()
    part = place - low
    slope = place.new_full(place.shape, scale).where(place == place, place) * turn
    return [tap(low, n, 1 - part, -slope), tap(low + 1, n, part, slope)]


def choices(grid, plane, mode, padding, align_corners):
    """All combinations of taps, as (where in the plane, whether it counts, the taps of each dimension)."""
    d = len(plane)
    along = [neighbours(grid.select(-1, d - 1 - k), n, mode, padding, align_corners) for k, n in enumerate(plane)]
    for taps in itertools.product(*along):
        where, counts = taps[0].index, taps[0].inside
        for t, n in zip(taps[1:], plane[1:]):
            where, counts = where * n + t.index, counts & t.inside
        yield where, counts, taps


def product(parts):
    total = parts[0]
    for part in parts[1:]:
        total = total * part
    return total


def weight_of(taps):
    return product([t.weight for t in taps])


def slope_of(taps, axis):
    """How the weight moves with the point along an axis."""
    return product([t.slope if k == axis else t.weight for k, t in enumerate(taps)])


def read(x, where, counts):
    """The elements of x (N, C, *) at one place for each point: (N, C, *out), zeros where they do not count."""
    n, channels, *plane = x.shape
    points = math.prod(where.shape[1:])
    places = where.reshape(n, 1, points).expand(n, channels, points)
    part = x.reshape(n, channels, math.prod(plane)).gather(2, places).reshape(n, channels, *where.shape[1:])
    return part.masked_fill(counts.logical_not().unsqueeze(1), 0)


def sampled(x, grid, mode, padding, align_corners):
    """grid_sampler of tensors, by operations."""
    total = None
    for where, counts, taps in choices(grid, x.shape[2:], mode, padding, align_corners):
        part = read(x, where, counts) * weight_of(taps).masked_fill(counts.logical_not(), 0).unsqueeze(1)
        total = part if total is None else total + part
    return total


def of_input(g, grid, x_shape, mode, padding, align_corners):
    n, channels, *plane = x_shape
    total = g.new_zeros((n, channels, math.prod(plane)))
    for where, counts, taps in choices(grid, plane, mode, padding, align_corners):
        weight = weight_of(taps)
        # What was read at nan is no element in particular.
        part = g * weight.masked_fill(counts.logical_and(weight == weight).logical_not(), 0).unsqueeze(1)
        points = math.prod(where.shape[1:])
        places = where.reshape(n, 1, points).expand(n, channels, points)
        total = total.scatter_add(2, places, part.reshape(n, channels, points))
    return total.reshape(x_shape)


def of_grid(g, x, grid, mode, padding, align_corners):
    d = x.ndim - 2
    totals = [None] * d
    for where, counts, taps in choices(grid, x.shape[2:], mode, padding, align_corners):
        drawn = (g * read(x, where, counts)).sum(1)
        for axis in range(d):
            part = drawn * slope_of(taps, axis)
            totals[axis] = part if totals[axis] is None else totals[axis] + part
    return beside(totals)


def beside(parts):
    """Tensors, the last dimension's first, side by side along a new last dimension."""
    total = None
    for k, part in enumerate(reversed(parts)):
        unit = [0.0] * len(parts)
        unit[k] = 1.0
        placed = part.unsqueeze(-1) * part.new_tensor(unit)
        total = placed if total is None else total + placed
    return total


def through_grid(g, x, grid, mode, padding, align_corners, needs):
    gx = of_input(g, grid, x.shape, mode, padding, align_corners) if needs[0] else None
    return gx, of_grid(g, x, grid, mode, padding, align_corners) if needs[1] else None


def push_grid(x_t, grid_t, x, grid, mode, padding, align_corners):
    total = None
    if x_t is not None:
        total = grid_sampler(x_t, grid, mode=mode, padding=padding, align_corners=align_corners)
    if grid_t is None:
        return total
    d = x.ndim - 2
    for where, counts, taps in choices(grid, x.shape[2:], mode, padding, align_corners):
        moved = None
        for axis in range(d):
            part = slope_of(taps, axis) * grid_t.select(-1, d - 1 - axis)
            moved = part if moved is None else moved + part
        part = read(x, where, counts) * moved.unsqueeze(1)
        total = part if total is None else total + part
    return total


def grids_of_samples(op, size, inputs, batched, params):
    x, grid = [merged(full(y, size, b)) for y, b in zip(inputs, batched)]
    return parted(op(x, grid, **params), size)


@general(
    batch=grids_of_samples,
    backward="GridSampler2DBackward0",
    aliases={"x": "input"},
    joint=through_grid,
    push=push_grid,
)
def grid_sampler(x, grid, *, mode, padding, align_corners):
    """x (N, C, *spatial) read at the points grid (N, *out, d) of [-1, 1]^d: (N, C, *out)."""
    return sampled(core.wrap(x), core.wrap(grid), mode, padding, align_corners)._array


_kernels = load("grid")
if _kernels is not None:
    grid_sampler.accelerate(_kernels.grid_sampler, joint=_kernels.through_grid_sampler)

grid_sampler_3d = renamed(grid_sampler, "GridSampler3DBackward0")
