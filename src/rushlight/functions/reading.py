"""x[index] and x[index] = value the short way, compiled: where the index is made of integers, slices, None and Ellipsis,
or of tensors of int64, and what is written is a number or a tensor of the same dtype.

Everything else goes the long way, through `indexing`: so does what is wrong, to be refused there.
"""

import numpy as np

try:
    import cython
except ImportError:
    from .. import uncompiled as cython

from ..core import TensorBase, indexed, inplace, record, transforms_entered, wrap, written
from ..kernels import load
from ..modes import grad_enabled
from ..ops import index as ops
from ..ops.copying import copy

if not cython.compiled:
    from ..core import plain
    from ..kernels.compare import plain as one_piece
    from ..kernels.compare import same_kind

ALIAS, SELECT, SLICE, UNSQUEEZE, INDEX, COPY = ops.alias, ops.select, ops.getitem, ops.unsqueeze, ops.index, copy
_INT64 = np.dtype(np.int64)
_kernels = load("index")
_long_way = _long_write = _translated = None
# Elements from which on a compiled copy is quicker than NumPy's.
_LONG = 1 << 15


def getitem(x, index):
    """x[index]: a view for integers, slices, None and Ellipsis, a copy where arrays or masks are among them."""
    if isinstance(index, TensorBase) or (type(index) is tuple and index and isinstance(index[0], TensorBase)):
        found = gathered(x, index)
        return _long_way(x, index) if found is None else found
    op = last_applied(index)
    if op is None:
        return _long_way(x, index)
    key = basic_key(index)
    try:
        return indexed(op, x, key)
    except (IndexError, ValueError, OverflowError) as error:
        raise _translated(error, x._array, index) from None


def gathered(x, index):
    """x[index] by a kernel for tensors of int64 alone; None where it is not that, or an index is outside."""
    if _kernels is None or transforms_entered(0) != 0 or not plain(x):
        return None
    key = key_of(index)
    if key is None:
        return None
    out = _kernels.read(x._array, 0, key)
    if out is NotImplemented:
        return None
    tensor = wrap(out)
    if x.tracked() and grad_enabled():
        # What backward needs is the index as it is now.
        key = tuple([part.copy() for part in key])
        record(INDEX, (x,), {"key": key}, [tensor])
    return tensor


def key_of(index):
    """The arrays of a tensor of int64, or of a tuple of such tensors; None for another index."""
    if isinstance(index, TensorBase):
        index = (index,)
    key = []
    for part in index:
        if not isinstance(part, TensorBase):
            return None
        tensor = part
        array = tensor._array
        if array.dtype is not _INT64 or array.ndim == 0:
            return None
        key.append(array)
    return tuple(key)


def setitem(x, index, value):
    """x[index] = value: `value` is a number, a tensor or an array, and is broadcast to what x[index] is."""
    if not written_shortly(x, index, value):
        _long_write(x, index, value)


def written_shortly(x, index, value):
    """Write what is common; whether it was that."""
    if transforms_entered(0) != 0 or x.inference:
        return False
    array, source, traced = x._array, value, x.tracked()
    if isinstance(value, TensorBase):
        tensor = value
        source, traced = tensor._array, traced or tensor.tracked()
        if source.dtype is not array.dtype:
            return False
    elif type(value) is not float or array.dtype.kind != "f" or not -1e4 < value < 1e4:
        return False
    if traced and grad_enabled():
        return source is not value and written_with_history(x, index, value)
    if not one_piece(array):
        return False
    if isinstance(index, TensorBase) or (type(index) is tuple and index and isinstance(index[0], TensorBase)):
        if _kernels is None or source is value:
            return False
        key = key_of(index)
        if key is None or not _kernels.write(array, 0, key, source, True):
            return False
    else:
        if last_applied(index) is None or not copied_to(array, index, source):
            return False
    written(x)
    return True


def copied_to(array, index, source):
    """Write an array or a number where a basic index points; False where that is long, or wrong."""
    try:
        if array.size < _LONG:
            array[index] = source
            return True
        part = array[basic_key(index)]
        if part.size >= _LONG:
            return False
        part[...] = source
    except (IndexError, ValueError, OverflowError):
        return False
    return True


def written_with_history(x, index, value):
    """Write a tensor of the shape of the view that a basic index makes, and record it; whether it was that."""
    op = last_applied(index)
    if op is None or op is ALIAS or value._array.ndim == 0 or not plain(x):
        return False
    try:
        view = indexed(op, x, basic_key(index))
    except (IndexError, ValueError, OverflowError):
        return False
    if not same_kind(view._array, value._array):
        return False
    inplace(COPY, view, (value,), COPY.defaults)
    return True


def last_applied(index):
    """The operation that PyTorch's graph shows for a basic index: that of its last entry which matters.

    None for an index that goes the long way.
    """
    if type(index) is not tuple:
        return entry(index, SLICE)
    op, dots = ALIAS, 0
    for part in index:
        found = entry(part, op if whole(part) else SLICE)
        if found is None:
            return None
        if part is ...:
            dots += 1
        else:
            op = found
    return op if dots < 2 else None


def entry(part, for_slice):
    """The operation of one entry, `for_slice` where it is a slice; None for one that goes the long way."""
    if type(part) is int:
        return SELECT
    if part is None:
        return UNSQUEEZE
    if part is ...:
        return ALIAS
    return for_slice if type(part) is slice and lasting(part) else None


def whole(part):
    return type(part) is slice and part.start is None and part.stop is None and part.step is None


def lasting(part):
    """Whether a slice goes forward by plain numbers, which no one can change before backward."""
    return (
        number(part.start) and number(part.stop) and (part.step is None or (type(part.step) is int and part.step > 0))
    )


def number(n):
    return n is None or type(n) is int


def basic_key(index):
    """The index as NumPy makes a view of it, also where no dimension is left."""
    if type(index) is not tuple:
        return (index, ...) if index is not ... else (...,)
    for part in index:
        if part is ...:
            return index
    return (*index, ...)


def bind(long_way, long_write, translated):
    """Give this module what it may not import: the long ways, and how NumPy's errors read in PyTorch's words."""
    global _long_way, _long_write, _translated
    _long_way, _long_write, _translated = long_way, long_write, translated
