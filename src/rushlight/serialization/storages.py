"""Which memory a file has to hold: that of the tensors, once, however many of them share it."""

from bisect import bisect_right

import numpy as np

from ..functions.storage import UntypedStorage
from ..ops.hidden import values
from ..ops.strided import extent


class Kept:
    """A piece of memory that a file holds: `key` names it once something has asked for it."""

    __slots__ = ("begin", "dtype", "end", "key")

    def __init__(self, begin, end, dtype):
        self.begin, self.end, self.dtype, self.key = begin, end, dtype, None

    @property
    def numel(self):
        return (self.end - self.begin) // self.dtype.itemsize

    def array(self):
        """Its bytes; whoever owns them must be alive."""
        return (
            np.asarray(_Memory(self.begin, self.end - self.begin)) if self.end > self.begin else np.empty(0, np.uint8)
        )


class _Memory:
    """Bytes at an address, to be made an array of."""

    def __init__(self, address, count):
        self.__array_interface__ = {"data": (address, False), "shape": (count,), "typestr": "|u1", "version": 3}


class Storages:
    """The memory of tensors. What overlaps is one piece, so that views share it again when they are read.

    `grown` tells that a piece grew after it was named: what was written of it is wrong, and to be written again.
    """

    def __init__(self):
        self._pieces, self._begins = [], []
        self._alive = []
        self.start()

    def start(self):
        """Forget the names, but not the pieces."""
        for piece in self._pieces:
            piece.key = None
        self.named, self.grown = [], False

    def place(self, owner):
        """(the piece, the array, its offset in elements) of a tensor or storage."""
        array = _array(owner)
        self._alive.append(array)
        if not array.size:
            return self._name(Kept(0, 0, array.dtype)), array, 0
        begin, end = memory_of(array)
        base = getattr(owner, "view_of", None)
        # A view of the same bits in another dtype has nothing to say of its base.
        if base is not None and base.base._array.dtype == array.dtype:
            of_base = memory_of(base.base._array)
            begin, end = min(begin, of_base[0]), max(end, of_base[1])
        piece = self._name(self._piece(begin, end, array.dtype))
        return piece, array, (_address(array) - piece.begin) // array.itemsize

    def _name(self, piece):
        if piece.key is None:
            piece.key = str(len(self.named))
            self.named.append(piece)
        return piece

    def _piece(self, begin, end, dtype):
        """The piece that holds this memory: one that is there, a new one, or several grown together."""
        first = bisect_right(self._begins, begin)
        if first and self._pieces[first - 1].end > begin:
            first -= 1
        last = first
        while last < len(self._pieces) and self._pieces[last].begin < end:
            last += 1
        found = self._pieces[first:last]
        if any([piece.dtype != dtype or (piece.begin - begin) % dtype.itemsize for piece in found]):
            raise RuntimeError("Cannot save multiple tensors or storages that view the same data as different types")
        if len(found) == 1 and found[0].begin <= begin and end <= found[0].end:
            return found[0]
        whole = Kept(min([begin, *[p.begin for p in found]]), max([end, *[p.end for p in found]]), dtype)
        self._pieces[first:last] = [whole]
        self._begins[first:last] = [whole.begin]
        self.grown = self.grown or bool(found)
        return whole


def _array(owner):
    if isinstance(owner, UntypedStorage):
        return owner._array
    array = values(owner._array)
    # Strides that PyTorch does not have.
    return array.copy() if any([step < 0 or step % array.itemsize for step in array.strides]) else array


def memory_of(array):
    """Where the memory of an array begins and ends."""
    begin, step = _address(array), array.itemsize
    return begin, begin + step * extent(array.shape, [s // step for s in array.strides])


def _address(array):
    return array.__array_interface__["data"][0]
