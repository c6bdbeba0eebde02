"""Counting and looking up: nothing here has a derivative but the weights of what is counted."""

from math import prod

import numpy as np

from ..core import apply
from ..kernels import load
from .batch_rules import all_full, each, reshape
from .declare import general, linear, nondifferentiable
from .index import index_select
from .supported import without_derivative


def search_samples(op, size, inputs, batched, params):
    boundaries, x = inputs
    if not batched[0] and boundaries._array.ndim == 1:
        return apply(op, (boundaries, x), params)
    boundaries, x = all_full(size, inputs, batched)
    if boundaries._array.ndim > 2:
        return apply(op, (boundaries, x), params)
    row = reshape(x, (size, x._array.size // max(size, 1)))
    return reshape(apply(op, (boundaries, row), params), x._array.shape)


@nondifferentiable(batch=search_samples)
def searchsorted(boundaries, x, *, right=False):
    """Where each x belongs among the boundaries, sorted along the last dimension; one row of them may serve all x."""
    side = "right" if right else "left"
    if boundaries.ndim == 1:
        return np.asarray(boundaries.searchsorted(x, side))
    out = np.zeros(x.shape, np.int64)
    if x.size == 0:
        return out
    rows = boundaries.reshape(prod(boundaries.shape[:-1]), boundaries.shape[-1])
    for row, values, places in zip(rows, x.reshape(len(rows), -1), out.reshape(len(rows), -1)):
        places[...] = row.searchsorted(values, side)
    return out


@nondifferentiable(batch=each)
def isin(x, candidates, *, assume_unique=False, invert=False):
    """Whether each x is among the candidates (is not, with `invert`); nan is equal to nothing."""
    dtype = np.result_type(x, candidates)
    x, candidates = (x.astype(dtype, copy=False), candidates.astype(dtype, copy=False).reshape(-1))
    if candidates.size == 0:
        return np.full(x.shape, invert)
    candidates = np.sort(candidates)
    places = searchsorted.compute([candidates, x], {"right": False})
    np.minimum(places, candidates.size - 1, out=places)
    found = candidates.take(places)
    return np.asarray(found != x if invert else found == x)


@linear(batch=each, weights=lambda g, x: index_select(g, x, dim=0))
def bincount(x, weights, *, minlength=0):
    if x.size == 0:
        return np.zeros(minlength, np.int64 if weights is None else _weight_dtype(weights))
    if weights is None:
        return np.bincount(x, None, minlength)
    counts = NotImplemented
    # The kernel trusts both: NumPy refuses what is amiss.
    if _rows is not None and weights.shape == x.shape and x.min() >= 0:
        counts = _rows.weighed(x, weights, max(minlength, int(x.max()) + 1))
    if counts is NotImplemented:
        counts = np.bincount(x, weights, minlength)
    return counts.astype(_weight_dtype(weights))


_rows = load("index")


def _weight_dtype(weights):
    return weights.dtype if weights.dtype == np.float32 else np.float64


@nondifferentiable(batch=each)
def histc(x, *, bins, low, high):
    inside = (x >= low) & (x <= high)
    x = x.reshape(-1) if inside.all() else x[inside]
    places = x - low
    places *= bins / (high - low)
    places = places.astype(np.int64)
    return np.bincount(np.minimum(places, bins - 1, out=places), minlength=bins).astype(x.dtype)


@nondifferentiable(batch=each)
def cell(points, *edges):
    """For each row of `points` the number of its cell in the grid of these edges; the count of cells where it is outside.

    A cell has its left edge, the last one of each dimension both.
    """
    place, inside = 0, True
    for column, e in zip(points.T, edges):
        at, within = _bins(column, e)
        place, inside = place * (len(e) - 1) + at, within & inside
    return np.where(inside, place, prod([len(e) - 1 for e in edges]))


def _bins(x, edges):
    """(the number of the bin, whether there is one) of each x; the last bin has its right edge too."""
    n, low, high = len(edges) - 1, edges[0], edges[-1]
    inside = (x >= low) & (x <= high)
    step = (high - low) / n
    if not np.abs(edges - np.linspace(low, high, n + 1)).max() < step / 4:
        return np.minimum(edges.searchsorted(x, "right") - 1, n - 1), inside
    # Of bins of one width the number follows from the place, but for one to either side.
    at = np.where(inside, (x - low) / step, 0).astype(np.int64)
    np.minimum(at, n - 1, out=at)
    at -= x < edges.take(at)
    np.maximum(at, 0, out=at)
    at += (x >= edges.take(at + 1)) & (at < n - 1)
    return at, inside


_UNIQUE = ("values", "inverse", "counts")


@general(batch=each, outputs=_UNIQUE, backward="Unique2Backward0", x=without_derivative("_unique2"))
def unique(x, *, inverse=True, counts=True):
    """The distinct elements in order; without `inverse` or `counts` those are left empty where that saves work."""
    values, places, often = np.unique(x, return_inverse=True, return_counts=True, equal_nan=False)
    return values, places.reshape(x.shape), often


@general(batch=each, outputs=_UNIQUE, x=without_derivative("unique_dim"))
def unique_dim(x, *, dim):
    if x.shape[dim] == 0:
        return x.copy(), np.zeros(0, np.int64), np.zeros(0, np.int64)
    found = _unique_rows(x, dim)
    if found is not NotImplemented:
        return found
    values, inverse, counts = np.unique(x, axis=dim, return_inverse=True, return_counts=True)
    return values, inverse.reshape(-1), counts


def _unique_rows(x, dim):
    """The same by a compiled order; NotImplemented where there is none."""
    if _searches is None:
        return NotImplemented
    n = x.shape[dim]
    entries = np.moveaxis(x, dim, 0)
    found = _searches.rows(np.ascontiguousarray(entries.reshape(n, -1)))
    if found is NotImplemented:
        return NotImplemented
    order, differs = found
    inverse = np.empty(n, np.int64)
    inverse[order] = differs.cumsum() - 1
    begins = differs.nonzero()[0]
    values = np.moveaxis(entries.take(order[begins], axis=0), 0, dim)
    return values, inverse, np.diff(begins, append=n)


@general(batch=each, outputs=_UNIQUE, x=without_derivative("unique_consecutive"))
def unique_consecutive(x, *, dim=None, inverse=True):
    """The elements (entries along `dim`) that differ from those before them; without `inverse` that is left empty."""
    lanes = x.reshape(-1) if dim is None else np.moveaxis(x, dim, 0)
    n = len(lanes)
    shape = x.shape if dim is None else (n,)
    if n == 0:
        return ((x.reshape(-1) if dim is None else x).copy(), np.zeros(shape, np.int64), np.zeros(0, np.int64))
    begins = runs(lanes)
    lengths = np.empty_like(begins)
    np.subtract(begins[1:], begins[:-1], out=lengths[:-1])
    lengths[-1] = n - begins[-1]
    values = lanes.take(begins, axis=0)
    places = np.arange(len(begins)).repeat(lengths).reshape(shape) if inverse else np.zeros(0, np.int64)
    return values if dim is None else np.moveaxis(values, 0, dim), places, lengths


def runs(lanes):
    """Where the runs of equal entries begin, of at least one."""
    found = NotImplemented if _searches is None else _searches.runs(lanes)
    if found is not NotImplemented:
        return found
    n = len(lanes)
    begins = np.ones(n, bool)
    begins[1:] = (lanes[1:] != lanes[:-1]).any(axis=tuple(range(1, lanes.ndim)))
    return begins.nonzero()[0]


_searches = load("search")
if _searches is not None:
    searchsorted.accelerate(_searches.searchsorted)
    cell.accelerate(_searches.cell)

_sorts = load("sort")
if _sorts is not None:
    unique.accelerate(_sorts.unique)
