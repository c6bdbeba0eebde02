"""gather, scatter and their reductions: an index array as large as what is read or written.

`index` has as many dimensions as the tensor; element (i, j, k) of it says where along `dim` element (i, j, k) is read
or written. It may be smaller than the tensor in the other dimensions, which are then used from their beginning.
Functions check indices before they come here.
"""

import numpy as np

from ..kernels import load
from .declare import general, linear, renamed
from .index import add_along
from .select import masked_fill

_kernels = load("index")


def grid(index, dim, shape):
    """The key by which NumPy's advanced indexing does what gather and scatter do."""
    ndim = len(shape)
    key = [np.arange(n).reshape((-1,) + (1,) * (ndim - 1 - d)) for d, n in enumerate(index.shape)]
    key[dim] = index
    return tuple(key)


@linear(x=lambda g, index, x_shape, dim: gather_backward(g, index, dim=dim, shape=x_shape))
def gather(x, index, *, dim):
    """The elements of x at `index` along `dim`."""
    if x.ndim == 0 or index.ndim == 0:
        return x.reshape(-1).take(index)
    if _kernels is not None:
        out = _kernels.gather(x, dim, index)
        if out is not NotImplemented:
            return out
    return x[grid(index, dim, x.shape)]


@linear(x=lambda g, index, dim: gather(g, index, dim=dim))
def gather_backward(x, index, *, dim, shape):
    """Zeros of `shape`, x added at `index` along `dim`."""
    out = np.zeros(shape, x.dtype)
    write_scatter_add(out, index, x, dim=dim)
    return out


def write_scatter(out, index, src, *, dim):
    if index.size == 0:
        return
    if out.ndim == 0 or index.ndim == 0:
        out.reshape(-1)[index] = src
    else:
        out[grid(index, dim, out.shape)] = src


@linear(
    jointly=True,
    x=lambda g, index, dim: scatter(g, index, 0, dim=dim),
    src=lambda g, index, dim: gather(g, index, dim=dim),
)
def scatter(x, index, src, *, dim):
    """x with `src`, a number or of the shape of `index`, written at `index` along `dim`."""
    out = x.copy()
    write_scatter(out, index, src, dim=dim)
    return out


scatter_value = renamed(scatter, "ScatterBackward1")


def write_scatter_add(out, index, src, *, dim):
    if index.size == 0:
        return
    if out.ndim == 0 or index.ndim == 0:
        add_along(out, 0, index.reshape(-1), np.asarray(src).reshape(-1))
        return
    if out.dtype.itemsize == 2 and out.dtype.kind in "fV":
        wide = out.astype(np.float32)
        write_scatter_add(wide, index, src.astype(np.float32), dim=dim)
        out[...] = wide
        return
    if _kernels is None or not _kernels.scatter_add(out, dim, index, src):
        np.add.at(out, grid(index, dim, out.shape), src)


@linear(jointly=True, x=lambda g: g, src=lambda g, index, dim: gather(g, index, dim=dim))
def scatter_add(x, index, src, *, dim):
    """x with `src`, of the shape of `index`, added at `index` along `dim`."""
    out = x.copy()
    write_scatter_add(out, index, src, dim=dim)
    return out


_UFUNCS = {"sum": np.add, "mean": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum}


def _neutral(dtype, reduce):
    """What a reduction starts from where the tensor itself does not count."""
    if reduce in ("sum", "mean"):
        return 0
    if reduce == "prod":
        return 1
    if dtype.kind in "fV":
        return -np.inf if reduce == "amax" else np.inf
    if dtype.kind == "b":
        return reduce == "amin"
    limits = np.iinfo(dtype)
    return limits.min if reduce == "amax" else limits.max


def write_scatter_reduce(out, index, src, *, dim, reduce, include_self):
    if index.size == 0:
        return
    if out.ndim == 0 or index.ndim == 0:
        flat = out.reshape(-1)
        write_scatter_reduce(
            flat, index.reshape(-1), src.reshape(-1), dim=0, reduce=reduce, include_self=include_self
        )
        out[...] = flat.reshape(out.shape)
        return
    if not include_self:
        write_scatter(out, index, _neutral(out.dtype, reduce), dim=dim)
    if reduce in ("sum", "mean"):
        write_scatter_add(out, index, src, dim=dim)
    else:
        wide = out.astype(np.float32) if out.dtype.kind == "V" else out
        _UFUNCS[reduce].at(wide, grid(index, dim, out.shape), src.astype(wide.dtype, copy=False))
        if wide is not out:
            out[...] = wide
    if reduce == "mean":
        counts = counted(index, out.shape, dim, include_self)
        if out.dtype.kind in "iu":
            np.floor_divide(out, counts.astype(out.dtype), out=out)
        else:
            np.divide(out, counts.astype(out.real.dtype), out=out, casting="unsafe")


def counted(index, shape, dim, include_self):
    """How many values meet in each element; at least 1."""
    counts = np.full(shape, int(include_self))
    write_scatter_add(counts, index, np.ones(index.shape, counts.dtype), dim=dim)
    return np.maximum(counts, 1)


def shares(x, index, src, out, dim, reduce, include_self):
    """The derivatives of each result by the element of x, and by each element of src."""
    zeros = np.zeros(x._array.shape, x._array.dtype)
    if reduce == "mean":
        own = 1 / counted(index._array, x._array.shape, dim, include_self).astype(x._array.real.dtype)
        others = gather(own, index, dim=dim)
    elif reduce == "sum":
        own, others = zeros + 1, np.ones(src._array.shape, src._array.dtype)
    elif reduce == "prod":
        own, others = _product_shares(x, index, src, dim, include_self)
    else:
        out = out._array
        own = np.asarray(x._array == out, zeros.dtype)
        if not include_self:
            write_scatter(own, index._array, 0, dim=dim)
        best = np.asarray(src._array == gather.forward(out, index._array, dim=dim), zeros.dtype)
        count = own.copy()
        write_scatter_add(count, index._array, best, dim=dim)
        count = np.maximum(count, 1)
        own, others = own / count, gather.forward(1 / count, index._array, dim=dim) * best
    if not include_self:
        own = scatter(own, index, 0, dim=dim)
    return own, others


def _product_shares(x, index, src, dim, include_self):
    """The product of all other factors, also where some factors are zero."""
    x = x if include_self else scatter(x, index, 1, dim=dim)
    x_zero, src_zero = x._array == 0, src._array == 0
    nonzero = _product(_filled(x, x_zero), index, _filled(src, src_zero), dim)
    if not (x_zero.any() or src_zero.any()):
        return nonzero / x, gather(nonzero, index, dim=dim) / src
    zeros = x_zero.astype(np.int64)
    write_scatter_add(zeros, index._array, src_zero.astype(np.int64), dim=dim)
    _check_double(zeros)
    # The product of the factors that are zero: 0 where there are any, and differentiable.
    vanishing = _product(_filled(x, ~x_zero), index, _filled(src, ~src_zero), dim)
    alone = nonzero * (zeros == 1).astype(x._array.dtype)
    rest = nonzero * vanishing
    own = _chosen(x_zero, alone, rest / _filled(x, x_zero))
    others = _chosen(
        src_zero, gather(alone, index, dim=dim), gather(rest, index, dim=dim) / _filled(src, src_zero)
    )
    return own, others


def _check_double(zeros):
    from ..modes import grad_enabled

    if grad_enabled() and (zeros > 1).any():
        raise RuntimeError(
            "scatter_reduce(): Double backward is unsupported for src when >1 zeros in src are scattered to the same "
            "position in src"
        )


def _product(x, index, src, dim):
    return scatter_reduce(x, index, src, dim=dim, reduce="prod", include_self=True)


def _filled(x, mask):
    """x with 1 where the mask is true."""
    return masked_fill(x, mask, 1)


def _chosen(mask, a, b):
    return masked_fill(a, ~mask, 0) + masked_fill(b, mask, 0)


def through_reduce(g, x, index, src, out, dim, reduce, include_self):
    own, others = shares(x, index, src, out, dim, reduce, include_self)
    return g * own, None, gather(g, index, dim=dim) * others


def push_reduce(x_t, src_t, x, index, src, out, dim, reduce, include_self):
    own, others = shares(x, index, src, out, dim, reduce, include_self)
    total = np.zeros(x._array.shape, x._array.dtype) if x_t is None else x_t * own
    return total if src_t is None else scatter_add(total, index, src_t * others, dim=dim)


@general(joint=through_reduce, push=push_reduce)
def scatter_reduce(x, index, src, *, dim, reduce, include_self=True):
    """x with `src` reduced into it at `index` along `dim`: reduce is sum, prod, mean, amax or amin."""
    result = x.copy()
    write_scatter_reduce(result, index, src, dim=dim, reduce=reduce, include_self=include_self)
    return result


index_reduce = renamed(scatter_reduce, "IndexReduceBackward0")
