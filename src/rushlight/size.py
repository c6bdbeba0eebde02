"""`Size`, the tuple of integers that a tensor's shape is."""

import math
from operator import index

from .spelling import spell


class Size(tuple):
    """A tuple of ints; slices, sums and multiples of it are Sizes too.

    Raises TypeError for an item that is no integer. Where the items are known to be ints,
    `tuple.__new__(Size, items)` makes the same without looking at them.

    >>> import rushlight
    >>> rushlight.Size([2, 3]).numel()
    6
    """

    __module__ = "rushlight"
    __slots__ = ()

    def __new__(cls, iterable=(), /):
        items = tuple(iterable)
        try:
            return tuple.__new__(cls, map(index, items))
        except TypeError:
            raise TypeError(_complaint(items)) from None

    def numel(self) -> int:
        """The number of elements of a tensor of this shape: the product, 1 for the empty Size."""
        return math.prod(self)

    def __getitem__(self, key):
        item = tuple.__getitem__(self, key)
        return tuple.__new__(Size, item) if isinstance(key, slice) else item

    def __add__(self, other):
        if not isinstance(other, tuple):
            raise TypeError(f"can only concatenate tuple (not {type(other).__name__}) to {spell('Size')}")
        return Size(tuple.__add__(self, other))

    def __radd__(self, other):
        return Size(tuple.__add__(other, self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times):
        if not hasattr(times, "__index__"):
            raise TypeError(f"can't multiply sequence by non-int of type '{type(times).__name__}'")
        return tuple.__new__(Size, tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __repr__(self):
        return f"{spell('Size')}([{', '.join(map(str, self))}])"

    def __reduce__(self):
        return Size, (tuple(self),)


def _complaint(items):
    position = next(i for i, item in enumerate(items) if not _is_index(item))
    got = type(items[position]).__name__
    return f"{spell('Size')}() takes an iterable of 'int' (item {position} is '{got}')"


def _is_index(item):
    try:
        index(item)
    except TypeError:
        return False
    return True
