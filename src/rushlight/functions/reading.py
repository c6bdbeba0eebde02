"""x[index] where the index is made of integers, slices, None and Ellipsis: the short way, compiled.

Every other index goes the long way, through `indexing`.
"""

from ..core import indexed
from ..ops import index as ops

ALIAS, SELECT, SLICE, UNSQUEEZE = ops.alias, ops.select, ops.getitem, ops.unsqueeze
_long_way = None
_translated = None


def getitem(x, index):
    """x[index]: a view for integers, slices, None and Ellipsis, a copy where arrays or masks are among them."""
    op = last_applied(index)
    if op is None:
        return _long_way(x, index)
    key = basic_key(index)
    try:
        return indexed(op, x, key)
    except (IndexError, ValueError, OverflowError) as error:
        raise _translated(error, x._array, index) from None


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


def bind(long_way, translated):
    """Give this module what it may not import: the long way, and how NumPy's errors read in PyTorch's words."""
    global _long_way, _translated
    _long_way, _translated = long_way, translated
