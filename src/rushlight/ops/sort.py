"""Sorting, and everything that picks elements along a dimension and says which."""

import numpy as np

from ..kernels import load
from .batch_rules import along
from .declare import general, nondifferentiable
from .reduce import kept, sum
from .scatter import gather, gather_backward, grid

picks = {
    "outputs": ("values", "indices"),
    "x": lambda g, x_shape, indices, dim: gather_backward(
        kept(g[0], x_shape, dim), kept(indices, x_shape, dim), dim=dim, shape=x_shape
    ),
    "push": lambda x_t, x_shape, values, indices, dim: (picked(x_t, x_shape, values, indices, dim), None),
}


def picked(x, x_shape, values, indices, dim):
    """What stands in x where the values were found."""
    out = gather(x, kept(indices, x_shape, dim), dim=dim)
    return out if out._array.shape == values._array.shape else sum(out, dim=dim)


def _order(x, dim, descending=False):
    """The stable order along a dimension, nan above all numbers."""
    if not descending:
        return x.argsort(axis=dim, kind="stable")
    backward = np.flip(x, dim).argsort(axis=dim, kind="stable")
    return np.flip(x.shape[dim] - 1 - backward, dim)


def _picked(x, index, dim, keepdim):
    """The elements at one index per lane, and the index."""
    values = x[grid(index, dim, x.shape)]
    if keepdim:
        return values, index
    shape = x.shape[: dim % x.ndim] + x.shape[dim % x.ndim + 1 :]
    return values.reshape(shape), index.reshape(shape)


def _alone(x):
    """A 0-dim tensor, and its index."""
    return x.copy(), np.zeros((), np.int64)


@general(batch=along("dim"), **picks)
def sort(x, *, dim, descending=False, stable=False):
    if x.ndim == 0:
        return _alone(x)
    order = _order(x, dim, descending)
    return x[grid(order, dim, x.shape)], order


@nondifferentiable(batch=along("dim"))
def argsort(x, *, dim, descending=False, stable=False):
    return _order(x, dim, descending) if x.ndim else np.zeros((), np.int64)


@general(batch=along("dim"), **picks)
def topk(x, *, k, dim, largest=True, sorted=True):
    if x.ndim == 0:
        return _alone(x)
    first = (slice(None),) * (dim % x.ndim) + (slice(k),)
    order = _order(x, dim, largest)[first]
    return x[grid(order, dim, x.shape)], order


def _numbers(x, dim):
    """How many elements of each lane are not nan."""
    return np.add.reduce(x == x, axis=dim, dtype=np.int64, keepdims=True)


@general(batch=along("dim"), **picks)
def kthvalue(x, *, k, dim, keepdim=False):
    if x.ndim == 0:
        return _alone(x)
    return _picked(x, _order(x, dim).take([k - 1], axis=dim), dim, keepdim)


@general(batch=along("dim"), backward="MedianBackward1", **picks)
def median_dim(x, *, dim, keepdim=False):
    """The lower median of each lane; its first nan where it has one."""
    if x.ndim == 0:
        return _alone(x)
    n, numbers = x.shape[dim], _numbers(x, dim)
    rank = np.where(numbers < n, numbers, (n - 1) // 2)
    return _picked(x, np.take_along_axis(_order(x, dim), rank, dim), dim, keepdim)


@general(batch=along("dim"), backward="NanmedianBackward1", **picks)
def nanmedian_dim(x, *, dim, keepdim=False):
    """The lower median of the numbers of each lane; nan where it has none."""
    if x.ndim == 0:
        return _alone(x)
    rank = np.maximum(_numbers(x, dim) - 1, 0) // 2
    return _picked(x, np.take_along_axis(_order(x, dim), rank, dim), dim, keepdim)


@general(batch=along("dim"), **picks)
def mode(x, *, dim, keepdim=False):
    """The most frequent value of each lane, the smallest of several, and where it is last."""
    if x.ndim == 0:
        return _alone(x)
    order = _order(x, dim)
    lanes = np.moveaxis(x[grid(order, dim, x.shape)], dim, -1)
    places = np.arange(lanes.shape[-1])
    changes = np.concatenate([np.ones_like(lanes[..., :1], bool), lanes[..., 1:] != lanes[..., :-1]], -1)
    begins = np.where(changes, places, 0)
    length = places - np.maximum.accumulate(begins, axis=-1)
    last = np.moveaxis(length.argmax(axis=-1, keepdims=True), -1, dim)
    return _picked(x, np.take_along_axis(order, last, dim), dim, keepdim)


def _extremum(x, dim, keepdim, reduce, arg):
    if x.ndim == 0:
        return _alone(x)
    return reduce(x, axis=dim, keepdims=keepdim), arg(axis=dim, keepdims=keepdim)


@general(batch=along("dim"), backward="MaxBackward0", **picks)
def max_dim(x, *, dim, keepdim=False):
    """The largest of each lane (nan where it has one), and where it is first."""
    return _extremum(x, dim, keepdim, np.maximum.reduce, x.argmax)


@general(batch=along("dim"), backward="MinBackward0", **picks)
def min_dim(x, *, dim, keepdim=False):
    """The smallest of each lane (nan where it has one), and where it is first."""
    return _extremum(x, dim, keepdim, np.minimum.reduce, x.argmin)


_kernels = load("extremes")
if _kernels is not None:
    max_dim.accelerate(_kernels.max_dim)
    min_dim.accelerate(_kernels.min_dim)

_lanes = load("sort")
if _lanes is not None:
    for _op in (sort, argsort, topk, kthvalue, median_dim, nanmedian_dim, mode):
        _op.accelerate(getattr(_lanes, _op.name))
