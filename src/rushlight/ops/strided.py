"""Views by strides: as_strided, its adjoint, and what an in-place write through a view means for the base.

`size`, `stride` and `storage_offset` count elements of the storage that the input begins at, laid out by `base_stride`;
None is the row-major layout.
"""

import numpy as np
from numpy.lib import stride_tricks

from .. import core
from ..kernels import load
from .batch_rules import all_full
from .copying import clone, copied, write
from .declare import linear

_kernels, _copying = load("strided"), load("copying")


def contiguous_stride(shape):
    """The element strides of a row-major array."""
    stride, step = [], 1
    for n in reversed(shape):
        stride.append(step)
        step *= max(n, 1)
    return tuple(reversed(stride))


def extent(size, stride, storage_offset=0):
    """How many elements of storage such a view reaches over."""
    if 0 in size:
        return 0
    return 1 + storage_offset + sum([(n - 1) * s for n, s in zip(size, stride)])


# The same for the common case, told quickly; -1 otherwise.
reach = _kernels.reach if _kernels is not None else lambda size, stride, storage_offset: -1


def arranged(x, base_stride):
    """x laid out by `base_stride`: itself where it is so already, a copy otherwise."""
    if base_stride is None:
        if x.flags.c_contiguous:
            return x
        base_stride = contiguous_stride(x.shape)
    if all(n <= 1 or s == x.itemsize * b for n, s, b in zip(x.shape, x.strides, base_stride)):
        return x
    return laid_out(x, base_stride)


def laid_out(x, base_stride):
    """A copy of x, laid out by `base_stride`; zeros are in the gaps between its elements."""
    if base_stride is None or tuple(base_stride) == contiguous_stride(x.shape):
        return copied(x)
    reach = extent(x.shape, base_stride)
    storage = np.empty(reach, x.dtype) if reach == x.size else np.zeros(reach, x.dtype)
    laid = strided(storage, x.shape, base_stride, 0)
    write(laid, x)
    return laid


def strided(x, size, stride, storage_offset):
    """A view of the memory that x begins at; nothing is checked."""
    step = x.itemsize
    if _kernels is not None:
        return _kernels.strided(x, tuple(size), tuple(stride), storage_offset, step)
    return strided_bytes(x, tuple(size), tuple([s * step for s in stride]), storage_offset * step)


def strided_bytes(x, shape, strides, offset):
    """The same with strides and offset in bytes."""
    if _kernels is not None:
        return _kernels.strided(x, shape, strides, offset)
    skipped = offset // x.itemsize
    flat = stride_tricks.as_strided(x, (skipped + 1,), (x.itemsize,))[skipped:]
    return stride_tricks.as_strided(flat, shape, strides)


def _overlaps(size, stride):
    """Whether two indices of such a view may meet in one element (never wrongly no)."""
    reach = 0
    for s, n in sorted((s, n) for s, n in zip(stride, size) if n > 1):
        if s <= reach:
            return True
        reach += s * (n - 1)
    return False


def layout_of_samples(x, base_stride):
    """The element strides of the storage that x, batched, lies in, or is to be arranged in."""
    array = x._array
    if base_stride is None:
        base_stride = contiguous_stride(array.shape[1:])
    if all([n <= 1 or s == array.itemsize * b for n, s, b in zip(array.shape[1:], array.strides[1:], base_stride)]):
        step = array.strides[0] // array.itemsize
    else:
        step = extent(array.shape[1:], base_stride)
    return (step, *base_stride), step


def strided_samples(op, size, inputs, batched, params):
    (x,), base_stride = inputs, params["base_stride"]
    base_stride, step = layout_of_samples(x, base_stride)
    return as_strided(
        x, size=(size, *params["size"]), stride=(step, *params["stride"]), storage_offset=params["storage_offset"],
        base_stride=base_stride,
    )  # fmt: skip


def sum_strided_samples(op, size, inputs, batched, params):
    shape, offset = params["shape"], params["storage_offset"]
    base_stride = contiguous_stride(shape) if params["base_stride"] is None else params["base_stride"]
    step = max(extent(shape, base_stride), extent(params["size"], params["stride"], offset))
    return strided_sum(
        inputs[0], shape=(size, *shape), size=(size, *params["size"]), stride=(step, *params["stride"]),
        storage_offset=offset, base_stride=(step, *base_stride),
    )  # fmt: skip


def scatter_strided_samples(op, size, inputs, batched, params):
    x, y = all_full(size, inputs, batched)
    shape = x._array.shape[1:]
    base_stride = contiguous_stride(shape) if params["base_stride"] is None else params["base_stride"]
    step = extent(shape, base_stride)
    return strided_scatter(
        x, y, size=(size, *params["size"]), stride=(step, *params["stride"]), storage_offset=params["storage_offset"],
        base_stride=(step, *base_stride),
    )  # fmt: skip


@linear(
    batch=strided_samples,
    view=True,
    x=lambda g, x_shape, size, stride, storage_offset, base_stride: strided_sum(
        g, shape=x_shape, size=size, stride=stride, storage_offset=storage_offset, base_stride=base_stride
    ),
)
def as_strided(x, *, size, stride, storage_offset=0, base_stride=None):
    return strided(arranged(x, base_stride), size, stride, storage_offset)


@linear(
    batch=sum_strided_samples,
    x=lambda g, size, stride, storage_offset, base_stride: read_back(
        g, size=size, stride=stride, storage_offset=storage_offset, base_stride=base_stride
    ),
)
def strided_sum(x, *, shape, size, stride, storage_offset, base_stride=None):
    """Zeros of `shape`, x added where as_strided would have read it."""
    base_stride = contiguous_stride(shape) if base_stride is None else base_stride
    reach = max(extent(shape, base_stride), extent(size, stride, storage_offset))
    storage = np.zeros(reach, x.dtype)
    if not _overlaps(size, stride):
        strided(storage, size, stride, storage_offset)[...] = x
    elif _copying is not None and _copying.add_over(strided(storage, size, stride, storage_offset), x):
        pass
    elif x.size:
        index = np.full(size, storage_offset)
        for axis, (n, s) in enumerate(zip(size, stride)):
            index += (np.arange(n) * s).reshape([-1] + [1] * (len(size) - 1 - axis))
        np.add.at(storage, index, x)
    if _overlaps(shape, base_stride):
        # Each of the elements that share a place has its part of the gradient.
        storage /= np.maximum(_times(reach, shape, base_stride), 1)
    out = strided(storage, shape, base_stride, 0)
    whole = out.size == reach and out.flags.c_contiguous
    return storage.reshape(shape) if whole else np.array(out, order="C")


def _times(reach, size, stride):
    """How often such a view shows each element of a storage."""
    index = np.zeros(size, np.intp)
    for axis, (n, s) in enumerate(zip(size, stride)):
        index += (np.arange(n) * s).reshape([-1] + [1] * (len(size) - 1 - axis))
    return np.bincount(index.reshape(-1), minlength=reach)


@linear(
    batch=scatter_strided_samples,
    jointly=True,
    backward="CopySlices",
    x=lambda g, size, stride, storage_offset, base_stride: strided_scatter(
        g, g.new_zeros(size), size=size, stride=stride, storage_offset=storage_offset, base_stride=base_stride
    ),
    y=lambda g, size, stride, storage_offset, base_stride: read_back(
        g, size=size, stride=stride, storage_offset=storage_offset, base_stride=base_stride
    ).clone(),
)
def strided_scatter(x, y, *, size, stride, storage_offset, base_stride=None):
    """x with y written where as_strided would read it: what an in-place write through a view did to its base."""
    _check_held(x, size, stride, storage_offset, base_stride)
    out = laid_out(x, base_stride)
    write(strided(out, size, stride, storage_offset), y)
    return out


def read_back(g, size, stride, storage_offset, base_stride):
    """as_strided of a gradient: around its own elements there are zeros."""
    shape, far = tuple(g.shape), _far(size, stride, storage_offset)
    steps = contiguous_stride(shape) if base_stride is None else base_stride
    if far > _far(shape, steps, 0):
        g, base_stride = strided_sum(g, shape=(far,), size=shape, stride=steps, storage_offset=0), None
    return as_strided(g, size=size, stride=stride, storage_offset=storage_offset, base_stride=base_stride)


def _far(size, stride, storage_offset):
    far = reach(size, stride, storage_offset)
    return extent(size, stride, storage_offset) if far < 0 else far


def _check_held(x, size, stride, storage_offset, base_stride):
    """RuntimeError where such a view of x, laid out by `base_stride`, would reach beyond it."""
    steps = contiguous_stride(x.shape) if base_stride is None else base_stride
    if _far(size, stride, storage_offset) > _far(x.shape, steps, 0):
        raise RuntimeError(
            f"a gradient of size {list(x.shape)} for a tensor that had another size when it was written to"
        )


def cut_out(g, size, stride, storage_offset, base_stride):
    """The gradient of the elements that were not written over."""
    if _kernels is not None:
        out = _kernels.cut_out(g, size, stride, storage_offset, base_stride)
        if out is not NotImplemented:
            return out
    zero = np.zeros((), g.dtype)
    return strided_scatter.forward(
        g, zero, size=size, stride=stride, storage_offset=storage_offset, base_stride=base_stride
    )


def read_out(g, size, stride, storage_offset, base_stride):
    """The gradient of the elements that were written."""
    if _kernels is not None:
        out = _kernels.read_out(g, size, stride, storage_offset, base_stride)
        if out is not NotImplemented:
            return out
    if not any(g.strides):
        # One number everywhere, as the gradient of a sum is.
        return copied(strided_bytes(g, size, (0,) * len(size), 0))
    _check_held(g, size, stride, storage_offset, base_stride)
    return copied(strided(arranged(g, base_stride), size, stride, storage_offset))


if _kernels is not None:
    as_strided.accelerate(_kernels.as_strided)
strided_scatter.accelerate(x=cut_out, y=read_out)


def lies_as(array, like):
    """Whether the elements of an array (of each sample, where it has a dimension more) lie in memory as those of `like`."""
    lead = array.ndim - like.ndim
    return all([n <= 1 or s == t for n, s, t in zip(like.shape, array.strides[lead:], like.strides)])


def laid_as(x, like):
    """A copy of x that lies in memory as the array `like` does, so that views have the same geometry in both."""
    lead, stride = x._array.ndim - like.ndim, tuple([s // like.itemsize for s in like.strides])
    order = sorted(range(like.ndim), key=lambda d: -stride[d])
    out = clone(x, order=(*range(lead), *[d + lead for d in order]))
    if lies_as(out._array, like) or _overlaps(like.shape, stride):
        return out
    # There are gaps between the elements.
    step, shape = extent(like.shape, stride), x._array.shape
    stride = (*[step] * lead, *stride)
    storage = core.wrap(np.zeros(step * (shape[0] if lead else 1), x._array.dtype))
    storage = strided_scatter(storage, x, size=shape, stride=stride, storage_offset=0)
    return as_strided(storage, size=shape, stride=stride)
