"""gather, scatter and their reductions: an index array as large as what is read or written.

`index` has as many dimensions as the tensor; element (i, j, k) of it says where along `dim` element (i, j, k) is read
or written. It may be smaller than the tensor in the other dimensions, which are then used from their beginning.
An IndexError says that an index is outside; functions that write in place look before.
"""

import numpy as np

from ..kernels import load
from .batch_rules import along
from .compare import eq, logical_not
from .complex import real
from .copying import copied, to_dtype, zero, zeros
from .declare import general, linear, renamed
from .hidden import may_hold
from .index import add_along, add_wide, first_outside
from .reduce import attained
from .select import masked_fill
from .selection import maximum, where
from .supported import REAL_OR_BOOL, supports

_kernels, _rows = load("scatter"), load("index")


def grid(index, dim, shape):
    """The key by which NumPy's advanced indexing does what gather and scatter do; IndexError for an index outside."""
    refuse_outside(index, shape[dim], dim)
    ndim = len(shape)
    key = [np.arange(n).reshape((-1,) + (1,) * (ndim - 1 - d)) for d, n in enumerate(index.shape)]
    key[dim] = index
    return tuple(key)


def refuse_outside(index, n, dim=0):
    at = first_outside(index, 0, n)
    if at >= 0:
        raise IndexError(f"index {index.reshape(-1)[at]} is out of bounds for dimension {dim} with size {n}")


def whole_rows(index, dim, shape):
    """The vector that an index is or repeats, where it names whole rows of an array of that shape; else None."""
    if index.ndim != len(shape) or _rows is None:
        return None
    if index.ndim == 1:
        return index
    if index.flags.c_contiguous:
        return None
    for d, (n, step) in enumerate(zip(index.shape, index.strides)):
        if d != dim and ((step and n != 1) or n != shape[d]):
            return None
    return index[(0,) * dim + (slice(None),) + (0,) * (index.ndim - dim - 1)] if index.size else None


@linear(batch=along("dim"), x=lambda g, index, x_shape, dim: gather_backward(g, index, dim=dim, shape=x_shape))
def gather(x, index, *, dim):
    """The elements of x at `index` along `dim`; IndexError for one that there is not."""
    if _kernels is not None:
        rows = whole_rows(index, dim, x.shape)
        out = _kernels.gather(x, dim, index) if rows is None else _rows.read(x, dim, (rows,), True)
        if out is not NotImplemented:
            return out
    if index.size == 0:
        return np.empty(index.shape, x.dtype)
    if x.ndim == 0 or index.ndim == 0:
        refuse_outside(index, x.size)
        return x.reshape(-1).take(index)
    return x[grid(index, dim, x.shape)]


@linear(batch=along("dim", shapes=("shape",)), x=lambda g, index, dim: gather(g, index, dim=dim))
def gather_backward(x, index, *, dim, shape):
    """Zeros of `shape`, x added at `index` along `dim`."""
    if _kernels is not None and shape:
        rows = whole_rows(index, dim, shape)
        if rows is None:
            out = _kernels.sum_new(shape, dim, index, x)
        else:
            out = _rows.add_new(shape, dim, (rows,), x, True)
        if out is not NotImplemented:
            return out
    out = zeros(shape, x.dtype)
    write_scatter_add(out, index, x, dim=dim)
    return out


def write_scatter(out, index, src, *, dim):
    if index.size == 0:
        return
    if out.ndim == 0 or index.ndim == 0:
        refuse_outside(index, out.size)
        out.reshape(-1)[index] = src
    elif _kernels is None or not _kernels.scatter(out, dim, index, np.asarray(src, out.dtype)):
        out[grid(index, dim, out.shape)] = src


@linear(
    batch=along("dim"),
    jointly=True,
    x=lambda g, index, dim: scatter(g, index, 0, dim=dim),
    src=lambda g, index, dim: gather(g, index, dim=dim),
)
def scatter(x, index, src, *, dim):
    """x with `src`, a number or of the shape of `index`, written at `index` along `dim`."""
    out = copied(x)
    write_scatter(out, index, src, dim=dim)
    return out


scatter_value = renamed(scatter, "ScatterBackward1")


def write_scatter_add(out, index, src, *, dim):
    if index.size == 0:
        return
    if out.ndim == 0 or index.ndim == 0:
        refuse_outside(index, out.size)
        add_along(out, 0, index.reshape(-1), np.asarray(src).reshape(-1))
        return
    if out.dtype.itemsize == 2 and out.dtype.kind in "fV":
        wide = out.astype(np.float32)
        write_scatter_add(wide, index, src.astype(np.float32), dim=dim)
        with np.errstate(over="ignore"):
            out[...] = wide
        return
    if _kernels is not None:
        rows = whole_rows(index, dim, out.shape)
        if rows is not None and _rows.add(out, dim, (rows,), src, 1, True):
            return
        if _kernels.reduce(out, dim, index, src, "sum"):
            return
    add_wide(out, grid(index, dim, out.shape), src)


@linear(batch=along("dim"), jointly=True, x=lambda g: g, src=lambda g, index, dim: gather(g, index, dim=dim))
def scatter_add(x, index, src, *, dim):
    """x with `src`, of the shape of `index`, added at `index` along `dim`."""
    out = copied(x)
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
        write_scatter_reduce(flat, index.reshape(-1), src.reshape(-1), dim=0, reduce=reduce, include_self=include_self)
        out[...] = flat.reshape(out.shape)
        return
    if reduce == "mean" and out.dtype.itemsize == 2 and out.dtype.kind in "fV":
        # The sum may be beyond what half precision holds.
        wide, src = out.astype(np.float32), src.astype(np.float32)
        write_scatter_reduce(wide, index, src, dim=dim, reduce=reduce, include_self=include_self)
        out[...] = wide
        return
    if not include_self:
        write_scatter(out, index, _neutral(out.dtype, reduce), dim=dim)
    if reduce in ("sum", "mean"):
        write_scatter_add(out, index, src, dim=dim)
    elif _kernels is None or not _kernels.reduce(out, dim, index, src, reduce):
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
    if _kernels is None or not _kernels.count(counts, dim, index):
        np.add.at(counts, grid(index, dim, shape), 1)
    return np.maximum(counts, 1)


def shares(x, index, src, out, dim, reduce, include_self):
    """The derivatives of each result by the element of x, and by each element of src."""
    dtype, shape = x._array.dtype, x._array.shape
    if reduce == "prod":
        own, others = _product_shares(x, index, src, dim, include_self)
    elif reduce == "sum":
        own, others = np.ones(shape, dtype), np.ones(src._array.shape, dtype)
    elif reduce == "mean":
        own = to_dtype(1 / counts(x, index, dim, include_self), dtype=dtype)
        others = gather(own, index, dim=dim)
    else:
        own, others = _winners(x, index, src, out, dim, include_self)
    return own if include_self else scatter(own, index, 0, dim=dim), others


def counts(x, index, dim, include_self):
    """`counted` for the shape of a tensor x, as a tensor in its dtype, or in that of its real part."""
    own = zero(x) + int(include_self)
    if own._array.dtype.kind == "c":
        own = real(own)
    return maximum(scatter_add(own, index, ones_for(index, own), dim=dim), 1)


def ones_for(index, x):
    """Ones in the shape of the indices and the dtype of x."""
    return to_dtype(zero(index), dtype=x._array.dtype) + 1


def _winners(x, index, src, out, dim, include_self):
    """Which elements are the largest (or smallest) of those they met; elements that tie share evenly."""
    dtype = x._array.dtype
    own = to_dtype(attained(x, out), dtype=dtype)
    if not include_self:
        own = scatter(own, index, 0, dim=dim)
    best = to_dtype(attained(src, gather(out, index, dim=dim)), dtype=dtype)
    count = maximum(scatter_add(own, index, best, dim=dim), 1)
    return own / count, best / gather(count, index, dim=dim)


def _product_shares(x, index, src, dim, include_self):
    """The product of all other factors, also where some factors are zero; exact in its own first derivatives."""
    x = x if include_self else scatter(x, index, 1, dim=dim)
    x_zero, src_zero = eq(x, 0), eq(src, 0)
    nonzero = _product(masked_fill(x, x_zero, 1), index, masked_fill(src, src_zero, 1), dim)
    if not (may_hold(x, 0) or may_hold(src, 0)):
        return nonzero / x, gather(nonzero, index, dim=dim) / src
    x_other, src_other = logical_not(x_zero), logical_not(src_zero)
    dtype = x._array.dtype
    count = scatter_add(to_dtype(x_zero, dtype=dtype), index, to_dtype(src_zero, dtype=dtype), dim=dim)
    # Factors that are zero, as tensors with a history: another factor's share is their product, which is 0 where there
    # are any. The share of a zero is 1 where it stands alone, and the other one where there are two.
    vanishing = _product(masked_fill(x, x_other, 1), index, masked_fill(src, src_other, 1), dim)
    x_null, src_null = masked_fill(x, x_other, 0), masked_fill(src, src_other, 0)
    sums = scatter_add(x_null, index, src_null, dim=dim)
    alone, paired = [nonzero * to_dtype(eq(count, n), dtype=dtype) for n in (1, 2)]
    rest = nonzero * vanishing
    own = where(x_zero, alone + paired * (sums - x_null), rest / masked_fill(x, x_zero, 1))
    alone, paired, sums, rest = [gather(t, index, dim=dim) for t in (alone, paired, sums, rest)]
    others = where(src_zero, alone + paired * (sums - src_null), rest / masked_fill(src, src_zero, 1))
    return own, others


def _product(x, index, src, dim):
    return scatter_reduce(x, index, src, dim=dim, reduce="prod", include_self=True)


def through_reduce(g, x, index, src, out, dim, reduce, include_self):
    own, others = shares(x, index, src, out, dim, reduce, include_self)
    return g * own, None, gather(g, index, dim=dim) * others


def push_reduce(x_t, src_t, x, index, src, out, dim, reduce, include_self):
    own, others = shares(x, index, src, out, dim, reduce, include_self)
    total = np.zeros(x._array.shape, x._array.dtype) if x_t is None else x_t * own
    return total if src_t is None else scatter_add(total, index, src_t * others, dim=dim)


@general(batch=along("dim"), joint=through_reduce, push=push_reduce)
def scatter_reduce(x, index, src, *, dim, reduce, include_self=True):
    """x with `src` reduced into it at `index` along `dim`: reduce is sum, prod, mean, amax or amin."""
    if reduce in ("amax", "amin"):
        supports(x, REAL_OR_BOOL, f"scatter_gather_tensor_cpu_reduce_{reduce}")
    result = copied(x)
    write_scatter_reduce(result, index, src, dim=dim, reduce=reduce, include_self=include_self)
    return result


index_reduce = renamed(scatter_reduce, "IndexReduceBackward0")
