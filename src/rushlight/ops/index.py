"""Reading and writing by index: views by integers and slices, gathers by integer arrays, and their adjoints.

A basic `index` is a tuple of integers, slices, None and Ellipsis, as NumPy takes it. An advanced `key` is a tuple
of full slices and int64 arrays, one entry per leading dimension. Functions check indices before they come here.
"""

from math import prod

import numpy as np

from ..core import apply
from ..kernels import load, meaning
from .batch_rules import at_front, each, full, in_line, ops, reshape, sample_shape
from .compare import ne
from .copying import clone, copied, expand, sum_to, to_dtype, zero, zeros
from .declare import linear, renamed
from .selection import where

_kernels = load("index")

_FULL = slice(None)


@linear(
    batch=at_front(),
    view=True,
    backward="SliceBackward0",
    x=lambda g, x_shape, index: (
        slice_backward(g, shape=x_shape, index=index) if chooses(index) else reshape(g, x_shape)
    ),
)
def getitem(x, *, index):
    """The view x[index] for a basic index; one that ends in Ellipsis is a view also where it leaves no dimension."""
    return x[index]


def chooses(index):
    """Whether a basic index may leave elements out, or only has new dimensions."""
    for part in () if index is ... else index:
        if part is not None and part is not ... and part != _FULL:
            return True
    return False


select = renamed(getitem, "SelectBackward0")
unsqueeze = renamed(getitem, "UnsqueezeBackward0")
alias = renamed(getitem, "AliasBackward0")


@linear(batch=at_front("shape"), x=lambda g, index: clone(getitem(g, index=index)))
def slice_backward(x, *, shape, index):
    """Zeros of `shape` with x where the basic index points."""
    out = NotImplemented if _kernels is None else _kernels.put_in_zeros(x, shape, index)
    if out is not NotImplemented:
        return out
    out = zeros(shape, x.dtype)
    out[index] = x
    return out


if _kernels is not None:
    getitem.accelerate(
        x=lambda g, x_shape, index: (
            slice_backward.forward(g, shape=x_shape, index=index) if chooses(index) else g.reshape(x_shape)
        )
    )
    slice_backward.accelerate(x=lambda g, index: np.array(g[index]))


def in_a_run(key):
    """(first dimension, arrays of one shape) where the index arrays of a key lie side by side; else (0, ())."""
    if type(key[0]) is not slice and len(key) == 1:
        return 0, key
    first = 0
    while type(key[first]) is slice:
        first += 1
    arrays = key[first:]
    shape = None
    for part in arrays:
        if type(part) is slice or (shape is not None and part.shape != shape):
            return 0, ()
        shape = part.shape
    return first, arrays


def apart(key):
    """Whether the index arrays of a key have a slice between them; what they gather then comes first."""
    dims = [d for d, part in enumerate(key) if not isinstance(part, slice)]
    return dims[-1] - dims[0] != len(dims) - 1


def index_samples(op, size, inputs, batched, params):
    if apart(params["key"]):
        return each(op, size, inputs, batched, params)
    params = {**params, "key": (slice(None), *params["key"])}
    if "shape" in params:
        params["shape"] = (size, *params["shape"])
    return apply(op, tuple(inputs), params)


@linear(batch=index_samples, x=lambda g, x_shape, key: index_backward(g, shape=x_shape, key=key))
def index(x, *, key):
    """x[key] for an advanced key: a copy."""
    if _kernels is not None:
        dim, arrays = in_a_run(key)
        if arrays:
            out = _kernels.read(x, dim, arrays)
            if out is not NotImplemented:
                return out
    return x[key]


@linear(batch=index_samples, x=lambda g, key: index(g, key=key))
def index_backward(x, *, shape, key):
    """Zeros of `shape`, x added where the key points, as often as it points there."""
    if _kernels is not None:
        dim, arrays = in_a_run(key)
        if arrays:
            out = _kernels.add_new(shape, dim, arrays, x)
            if out is not NotImplemented:
                return out
    out = zeros(shape, x.dtype)
    add_at(out, key, x)
    return out


def index_put_samples(op, size, inputs, batched, params):
    (x, values), key = inputs, params["key"]
    if apart(key):
        return each(op, size, inputs, batched, params)
    x = full(x, size, batched[0])
    if batched[1]:
        values = in_line(values, len(shape_of(x._array.shape[1:], key)))
    return index_put(x, values, key=(slice(None), *key), accumulate=params["accumulate"])


@linear(
    batch=index_put_samples,
    jointly=True,
    x=lambda g, key, accumulate: g if accumulate else index_put(g, 0, key=key),
    values=lambda g, values_shape, key: sum_to(index(g, key=key), shape=values_shape),
)
def index_put(x, values, *, key, accumulate=False):
    """x with `values`, broadcast, written (or added) where the key points."""
    out = copied(x)
    write_put(out, values, key=key, accumulate=accumulate)
    return out


def write_put(out, values, *, key, accumulate):
    if accumulate:
        add_at(out, key, values)
    elif not _written(out, key, values):
        out[key] = values


def _written(out, key, values):
    """Whether a kernel did out[key] = values."""
    if _kernels is None:
        return False
    dim, arrays = in_a_run(key)
    if not arrays:
        return False
    if isinstance(values, np.ndarray) and values.ndim:
        return _kernels.write(out, dim, arrays, values)
    return _kernels.fill(out, dim, arrays, np.asarray(values, out.dtype))


def add_at(out, key, values):
    """out[key] += values, as often as the key names an element."""
    if _kernels is not None:
        dim, arrays = in_a_run(key)
        if arrays:
            shape = (*out.shape[:dim], *arrays[0].shape, *out.shape[dim + len(arrays) :])
            if _kernels.add(out, dim, arrays, _spread(values, shape)):
                return
    dims = [d for d, part in enumerate(key) if not isinstance(part, slice)]
    arrays = np.broadcast_arrays(*[key[d] for d in dims])
    shape = arrays[0].shape
    rest = [d for d in range(out.ndim) if d not in dims]
    before = dims[0] if dims[-1] - dims[0] == len(dims) - 1 else 0
    sizes = [out.shape[d] for d in rest]
    values = _spread(values, (*sizes[:before], *shape, *sizes[before:]))
    if values.size == 0:
        return
    if len(dims) == 1:
        values = values.reshape(out.shape[: dims[0]] + (-1,) + out.shape[dims[0] + 1 :])
        add_along(out, dims[0], arrays[0].reshape(-1), values)
        return
    flat = np.zeros(shape, np.int64)
    for part, d in zip(arrays, dims):
        flat = flat * out.shape[d] + np.where(part < 0, part + out.shape[d], part)
    values = np.moveaxis(values, range(before), range(len(shape), len(shape) + before))
    turned = out.transpose(dims + rest)
    table = turned.reshape(-1, *sizes)
    add_along(table, 0, flat.reshape(-1), values.reshape(-1, *sizes))
    if not np.may_share_memory(table, out):
        turned[...] = table.reshape(turned.shape)


def common_shape(shapes):
    """The shape that all broadcast to."""
    first = shapes[0]
    return first if all([shape == first for shape in shapes]) else np.broadcast_shapes(*shapes)


def shape_of(shape, key):
    """The shape of x[key] for x of `shape`."""
    if len(key) == 1:
        return key[0].shape + shape[1:]
    dims = [d for d, part in enumerate(key) if not isinstance(part, slice)]
    gathered = common_shape([key[d].shape for d in dims])
    at = dims[0] if dims[-1] - dims[0] == len(dims) - 1 else 0
    rest = [n for d, n in enumerate(shape) if d not in dims]
    return (*rest[:at], *gathered, *rest[at:])


def first_outside(index, low, high):
    """The flat position of the first index that is not in [low, high); -1 where there is none."""
    if index.size and 0 in index.strides:
        # What an expanded one repeats.
        own = index[(*[0 if step == 0 else _FULL for step in index.strides], ...)]
        if first_outside(own, low, high) < 0:
            return -1
    if _kernels is not None:
        return _kernels.first_outside(index, low, high)
    outside = ((index < low) | (index >= high)).reshape(-1)
    return int(outside.argmax()) if outside.any() else -1


def _spread(values, shape):
    return values if isinstance(values, np.ndarray) and values.shape == shape else np.broadcast_to(values, shape)


def add_wide(out, at, source):
    """np.add.at, in double precision: sums of many keep what float32 would lose."""
    if out.dtype.kind not in "fc":
        np.add.at(out, at, source)
        return
    wide = out.astype(meaning.accumulator(out.dtype))
    np.add.at(wide, at, source)
    out[...] = wide


def add_along(out, dim, index, source, alpha=1):
    """out[..., index[k], ...] += alpha * source[..., k, ...] along `dim`, for a vector of indices; negative ones count back."""
    if _kernels is not None and out.ndim and _kernels.add(out, dim, (index,), source, alpha):
        return
    if alpha != 1:
        source = (source * np.asarray(alpha).astype(out.dtype))[...]
    if out.dtype.itemsize == 2 and out.dtype.kind in "fV":
        # Half precision would lose most of a sum of many.
        wide = out.astype(np.float32)
        add_along(wide, dim, index, source.astype(np.float32))
        with np.errstate(over="ignore"):
            out[...] = wide
        return
    if out.ndim == 0:
        out, source = out.reshape(1), source.reshape(-1)
    if _kernels is not None and _kernels.add(out, dim, (index,), np.ascontiguousarray(source)):
        return
    add_wide(out, _at(dim, index), source)


def spread_index(index, shape, dim):
    """Indices (B, *) as `gather` wants them for samples of `shape` along `dim`: (B, 1, .., n, .., 1), expanded."""
    size = index._array.shape[0]
    n = index._array.size // max(size, 1)
    index = reshape(index, (size, *[1] * dim, n, *[1] * (len(shape) - dim - 1)))
    return expand(index, shape=(size, *shape[:dim], n, *shape[dim + 1 :]))


def from_front(index, n):
    """Indices that count from the front."""
    return where(index < 0, index + n, index)


def select_samples(op, size, inputs, batched, params):
    (x, index), dim = inputs, params["dim"]
    shape = sample_shape(x, batched[0])
    if not shape:
        return full(x, size, batched[0])
    if not batched[1]:
        return index_select(x, index, dim=dim + 1)
    found = ops.gather(full(x, size, batched[0]), spread_index(from_front(index, shape[dim]), shape, dim), dim=dim + 1)
    return reshape(found, (size, *shape[:dim], *index._array.shape[1:], *shape[dim + 1 :]))


def select_samples_backward(op, size, inputs, batched, params):
    (x, index), dim, shape = inputs, params["dim"], params["shape"]
    if not shape:
        return each(op, size, inputs, batched, params)
    x = full(x, size, batched[0])
    if not batched[1]:
        return index_select_backward(x, index, dim=dim + 1, shape=(size, *shape))
    index = spread_index(from_front(index, shape[dim]), shape, dim)
    return ops.gather_backward(reshape(x, index._array.shape), index, dim=dim + 1, shape=(size, *shape))


def rows_of(x, index, dim):
    """x.take(index, axis=dim); IndexError for an index outside."""
    if _kernels is not None:
        out = _kernels.read(x, dim, (index,))
        if out is not NotImplemented:
            return out
    if x.flags.c_contiguous:
        return x.take(index, axis=dim)
    # There `take` would copy the whole of x first, of which an expanded view may have any amount.
    return np.ascontiguousarray(x[(_FULL,) * dim + (index,)])


@linear(batch=select_samples, x=lambda g, index, x_shape, dim: index_select_backward(g, index, dim=dim, shape=x_shape))
def index_select(x, index, *, dim):
    """The entries of x along `dim` that a vector (or array) of indices names."""
    if x.ndim == 0:
        return x.copy()
    return rows_of(x, index, dim)


@linear(batch=select_samples_backward, x=lambda g, index, dim: index_select(g, index, dim=dim))
def index_select_backward(x, index, *, dim, shape):
    """Zeros of `shape`, x added to the entries along `dim` that the indices name."""
    if _kernels is not None and shape:
        out = _kernels.add_new(shape, dim, (index,), x)
        if out is not NotImplemented:
            return out
    out = zeros(shape, x.dtype)
    if index.ndim != 1 and shape:
        x = x.reshape(shape[:dim] + (index.size,) + shape[dim + 1 :])
    add_along(out, dim, index.reshape(-1), x)
    return out


def write_index_add(out, index, source, *, dim, alpha):
    add_along(out, dim, index if index.ndim == 1 else index.reshape(-1), source, alpha)


def index_write_samples(op, size, inputs, batched, params):
    """index_add, index_copy and index_fill: together where the indices and a number to fill with are shared."""
    x, index, source = inputs
    if batched[1] or x._array.ndim == batched[0] or (op.arity and op.inputs[2] == "value" and batched[2]):
        return each(op, size, inputs, batched, params)
    x = full(x, size, batched[0])
    if op.inputs[2] == "source":
        source = full(source, size, batched[2])
    return apply(op, (x, index, source), {**params, "dim": params["dim"] + 1})


@linear(
    batch=index_write_samples,
    jointly=True,
    x=lambda g: g,
    source=lambda g, index, source_shape, dim, alpha: scaled(_picked(g, index, source_shape, dim), alpha),
)
def index_add(x, index, source, *, dim, alpha=1):
    """x with alpha * source[..., k, ...] added to entry index[k] along `dim`."""
    out = copied(x)
    write_index_add(out, index, source, dim=dim, alpha=alpha)
    return out


def scaled(g, alpha):
    return g if alpha == 1 else g * alpha


def _picked(g, index, shape, dim):
    """g at the indices, in the shape of the source that was written there."""
    return index_select(g, index, dim=dim).reshape(shape)


def write_index_copy(out, index, source, *, dim):
    if out.ndim == 0:
        out[...] = source.reshape(())
        return
    index = index.reshape(-1)
    if _kernels is None or not _kernels.write(out, dim, (index,), np.ascontiguousarray(source)):
        out[_at(dim, index)] = source


@linear(
    batch=index_write_samples,
    jointly=True,
    x=lambda g, index, dim: index_fill(g, index, 0, dim=dim),
    source=lambda g, index, source_shape, dim: _picked(g, index, source_shape, dim),
)
def index_copy(x, index, source, *, dim):
    """x with entry index[k] along `dim` replaced by source[..., k, ...]."""
    out = copied(x)
    write_index_copy(out, index, source, dim=dim)
    return out


def write_index_fill(out, index, value, *, dim):
    if out.ndim == 0:
        if index.size:
            out[...] = value
        return
    index = index.reshape(-1)
    if _kernels is None or not _kernels.fill(out, dim, (index,), np.asarray(value, out.dtype)):
        out[_at(dim, index)] = value


@linear(
    batch=index_write_samples,
    jointly=True,
    backward="IndexFillBackward0",
    x=lambda g, index, dim: index_fill(g, index, 0, dim=dim),
    value=lambda g, index, dim: sum_to(g * index_fill(zero(g), index, 1, dim=dim), shape=()),
)
def index_fill(x, index, value, *, dim):
    """x with the entries along `dim` that the indices name filled with a number or a 0-dim tensor."""
    out = copied(x)
    write_index_fill(out, index, value, dim=dim)
    return out


index_fill_tensor = renamed(index_fill, "IndexFillBackward1")


def _at(dim, index):
    return (slice(None),) * dim + (index,)


def take_samples(op, size, inputs, batched, params):
    x, index = inputs
    if not batched[0]:
        return take(x, index)
    return select_samples(index_select, size, [in_a_row(x), index], batched, {"dim": 0})


def in_a_row(x):
    """x, batched, with the elements of each sample in a row."""
    size = x._array.shape[0]
    return reshape(x, (size, x._array.size // max(size, 1)))


def take_samples_backward(op, size, inputs, batched, params):
    x, index, shape = *inputs, params["shape"]
    row = {"dim": 0, "shape": (prod(shape),)}
    found = [
        in_a_row(full(x, size, batched[0])),
        in_a_row(index) if batched[1] else reshape(index, (index._array.size,)),
    ]
    return reshape(select_samples_backward(None, size, found, [True, batched[1]], row), (size, *shape))


@linear(batch=take_samples, x=lambda g, index, x_shape: take_backward(g, index, shape=x_shape))
def take(x, index):
    """The elements of the flattened x that the indices name, in the shape of the indices."""
    if x.flags.c_contiguous or x.size <= index.size:
        return rows_of(x.reshape(-1), index, 0)
    try:
        return x[np.unravel_index(index + x.size * (index < 0), x.shape)]
    except ValueError as error:
        raise IndexError(str(error)) from None


@linear(batch=take_samples_backward, x=lambda g, index: take(g, index))
def take_backward(x, index, *, shape):
    return index_select_backward.forward(x.reshape(-1), index.reshape(-1), dim=0, shape=(prod(shape),)).reshape(shape)


def write_flat(out, index, source, *, accumulate):
    flat = out.reshape(-1) if out.flags.c_contiguous else out.flatten()
    if accumulate:
        add_along(flat, 0, index.reshape(-1), source.reshape(-1))
    else:
        write_put(flat, source.reshape(-1), key=(index.reshape(-1),), accumulate=False)
    if not out.flags.c_contiguous:
        out[...] = flat.reshape(out.shape)


@linear(
    batch=each,
    jointly=True,
    x=lambda g, index, accumulate: g if accumulate else put(g, index, take_backward_zeros(g, index)),
    source=lambda g, index, source_shape: take(g, index).reshape(source_shape),
)
def put(x, index, source, *, accumulate=False):
    """x with the elements of `source` written (or added) at the indices of its flattened form."""
    out = copied(x)
    write_flat(out, index, source, accumulate=accumulate)
    return out


def take_backward_zeros(g, index):
    """Zeros in the shape of the indices: what blots out the places that `put` overwrote."""
    return np.zeros(index._array.shape, g._array.dtype)


def frequency_share(indices, dtype):
    """One over how often each of the indices is there."""
    counts = np.bincount(indices.reshape(-1), minlength=1)
    return np.asarray(1 / counts[indices], dtype)


def through_embedding(g, weight_shape, indices, padding_idx, scale_grad_by_freq):
    """Rows of the gradient added up where they were looked up; those of the padding row count for nothing."""
    if padding_idx >= 0 or scale_grad_by_freq:
        share = to_dtype(ne(indices, padding_idx), dtype=g._array.dtype)
        if scale_grad_by_freq:
            share = share * frequency_share(indices._array, g._array.dtype)
        g = g * share[..., None]
    return index_select_backward(g, indices, dim=0, shape=weight_shape)


def embed_samples(op, size, inputs, batched, params):
    weight, indices = inputs
    if params["scale_grad_by_freq"] or (batched[0] and params["padding_idx"] >= 0):
        return each(op, size, inputs, batched, params)
    if not batched[0]:
        return apply(op, (weight, indices), params)
    return select_samples(index_select, size, inputs, batched, {"dim": 0})


@linear(batch=embed_samples, weight=through_embedding)
def embedding(weight, indices, *, padding_idx=-1, scale_grad_by_freq=False):
    """The rows of `weight` that the indices name."""
    return rows_of(weight, indices, 0)
