"""A step length that fulfils the strong Wolfe conditions."""

import math

import numpy as np

# How much of the slope the function must fall by, and how much flatter it must be where the step ends.
FALL, FLATTEN = 1e-4, 0.9


def strong_wolfe(measure, t, direction, f, g, slope, tolerance=1e-9, most=25):
    """From `t` on, the length of a step along `direction`: (f, gradient, t, how often `measure(t)` was asked for (f, g)).

    First lengths grow until a minimum is between two of them, then cubic interpolation narrows those. Nocedal and
    Wright, "Numerical optimization" (2006), algorithms 3.5 and 3.6; guarded as in Schmidt, "minFunc" (2005).
    """
    reach = abs(direction).max()
    new = _Point(t, *measure(t), direction)
    asked, tries = 1, 0
    start = old = _Point(0.0, f, g, direction, slope)
    ends = None
    while tries < most:
        if _too_high(new, f, slope) or (tries > 1 and new.f >= old.f):
            ends = [old, new]
            break
        if abs(new.slope) <= -FLATTEN * slope:
            return new.f, new.g, new.t, asked
        if new.slope >= 0:
            ends = [old, new]
            break
        bounds = new.t + 0.01 * (new.t - old.t), new.t * 10
        t = _cubic(old, new, bounds)
        old, new = new, _Point(t, *measure(t), direction)
        asked, tries = asked + 1, tries + 1
    if ends is None:
        ends = [start, new]
    low, high = (0, 1) if ends[0].f <= ends[1].f else (1, 0)
    stuck = False
    while tries < most:
        least, largest = min(ends[0].t, ends[1].t), max(ends[0].t, ends[1].t)
        if (largest - least) * reach < tolerance:
            break
        t = _cubic(*ends)
        margin = 0.1 * (largest - least)
        near = min(largest - t, t - least) < margin
        if near and (stuck or t >= largest or t <= least):
            # Twice near an end, or beyond: a tenth away from it.
            t = largest - margin if abs(t - largest) < abs(t - least) else least + margin
            near = False
        stuck = near
        new = _Point(t, *measure(t), direction)
        asked, tries = asked + 1, tries + 1
        if _too_high(new, f, slope) or new.f >= ends[low].f:
            ends[high] = new
            low, high = (0, 1) if ends[0].f <= ends[1].f else (1, 0)
            continue
        if abs(new.slope) <= -FLATTEN * slope:
            ends[low] = new
            break
        if new.slope * (ends[high].t - ends[low].t) >= 0:
            ends[high] = ends[low]
        ends[low] = new
    best = ends[low]
    return best.f, best.g, best.t, asked


class _Point:
    """A length, and the value, the gradient and the slope there."""

    def __init__(self, t, f, g, direction, slope=None):
        self.t, self.f, self.g = float(t), f, g
        self.slope = float(np.dot(g, direction)) if slope is None else slope


def _too_high(point, f, slope):
    return point.f > f + FALL * point.t * slope


def _cubic(a, b, bounds=None):
    """Where the cubic through both points, with their slopes, is least, within `bounds` (the points, unless given)."""
    if a.t > b.t:
        a, b = b, a
    least, largest = (a.t, b.t) if bounds is None else bounds
    d = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t) if a.t != b.t else math.nan
    square = d * d - a.slope * b.slope
    if not square >= 0:
        return (least + largest) / 2
    root = math.sqrt(square)
    t = b.t - (b.t - a.t) * ((b.slope + root - d) / (b.slope - a.slope + 2 * root))
    return min(max(t, least), largest)
