"""Selection by masks and values: masked_fill, masked_select, masked_scatter, nonzero, one_hot."""

import numpy as np

from ..kernels import load
from .batch_rules import as_it_is, each, like_first
from .compare import logical_not
from .copying import copied, zeros
from .declare import elementwise, linear, nondifferentiable, renamed
from .index import common_shape, slice_backward

_kernels = load("masks")


@elementwise(
    batch=like_first,
    promote=None,
    backward="MaskedFillBackward0",
    x=lambda g, mask: masked_fill(g, mask, 0),
    mask=None,
    value=lambda g, mask: masked_fill(g, logical_not(mask), 0),
)
def masked_fill(x, mask, value):
    """x with `value`, a number or a 0-dim tensor, where the mask is true."""
    out = _filled(x, mask, value)
    if out is not NotImplemented:
        return out
    shape = common_shape((x.shape, mask.shape))
    out = x.copy(order="K") if shape == x.shape else np.array(np.broadcast_to(x, shape))
    np.copyto(out, value, where=mask, casting="unsafe")
    return out


def _filled(x, mask, value, inplace=False):
    """`masked_fill` by a kernel; NotImplemented where it declines."""
    if _kernels is None:
        return NotImplemented
    return _kernels.fill(x, mask, np.asarray(value).astype(x.dtype, copy=False), inplace)


def write_masked_fill(out, mask, value):
    if _filled(out, mask, value, True) is NotImplemented:
        np.copyto(out, value, where=mask, casting="unsafe")


masked_fill_tensor = renamed(masked_fill, "MaskedFillBackward1")


@linear(batch=each, x=lambda g, x_shape, mask: masked_select_backward(g, mask, shape=x_shape))
def masked_select(x, mask):
    """The elements of x where the mask, of the same shape, is true."""
    out = NotImplemented if _kernels is None else _kernels.select(x, mask)
    return x[mask] if out is NotImplemented else out


@linear(batch=each, x=lambda g, mask: masked_select(g, mask))
def masked_select_backward(x, mask, *, shape):
    out = zeros(shape, x.dtype)
    write_masked_scatter(out, mask, x)
    return out


def write_masked_scatter(out, mask, source):
    if _kernels is None or not _kernels.put(out, mask, source):
        out[mask] = source.reshape(-1)[: np.count_nonzero(mask)]


def _front(g, mask, shape):
    """The gradient of the elements of a source that masked_scatter used; zeros behind them."""
    used = masked_select(g, mask)
    n = 1
    for size in shape:
        n *= size
    return slice_backward(used, shape=(n,), index=(slice(used._array.size),)).reshape(shape)


@linear(
    batch=each,
    jointly=True,
    x=lambda g, mask: masked_fill(g, mask, 0),
    source=lambda g, mask, source_shape: _front(g, mask, source_shape),
)
def masked_scatter(x, mask, source):
    """x with the elements of `source`, in order, where the mask of x's shape is true."""
    out = copied(x)
    write_masked_scatter(out, mask, source)
    return out


@nondifferentiable(batch=each)
def nonzero(x):
    """The indices of the elements that are not zero, one row each."""
    if x.ndim == 0:
        return np.empty((int(x != 0), 0), np.int64)
    out = NotImplemented if _kernels is None else _kernels.nonzero(x)
    return np.stack(x.nonzero(), axis=1) if out is NotImplemented else out


def places(x):
    """The indices of the elements that are not zero, one array for each dimension."""
    out = NotImplemented if _kernels is None else _kernels.nonzero(x, True)
    return x.nonzero() if out is NotImplemented else tuple(out)


@nondifferentiable(batch=each)
def nonzero_static(x, *, size, fill_value):
    """The first `size` rows of nonzero, filled up with `fill_value`."""
    out = np.full((size, x.ndim), fill_value, np.int64)
    found = nonzero.forward(x)[:size]
    out[: len(found)] = found
    return out


@nondifferentiable(batch=as_it_is)
def one_hot(x, *, num_classes):
    out = np.zeros((x.size, num_classes), np.int64)
    out[np.arange(x.size), x.reshape(-1)] = 1
    return out.reshape(*x.shape, num_classes)
