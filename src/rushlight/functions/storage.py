"""Storages: the memory that a tensor and its views share, to look at."""

import warnings

from ..device import cpu
from ..dtypes import of
from ..ops.strided import extent, strided
from ..spelling import spell


class UntypedStorage:
    """The bytes of the memory that a tensor shows, from the first element of its base to the last.

    >>> import rushlight
    >>> rushlight.ones(2, 3)[1].untyped_storage().nbytes()
    24
    """

    device = cpu
    is_cuda = False

    def __init__(self, array):
        self._array = array

    def data_ptr(self):
        """The address of the first byte."""
        return self._array.__array_interface__["data"][0]

    def nbytes(self):
        """How many bytes there are."""
        return self._array.nbytes

    def size(self):
        """How many elements there are; bytes, where they have no type."""
        return self._array.size

    def element_size(self):
        """Bytes of an element."""
        return self._array.itemsize

    def tolist(self):
        """The elements as numbers."""
        return self._array.tolist()

    def is_shared(self):
        """False: the memory is that of this process."""
        return False

    def __len__(self):
        return self._array.size

    def __getitem__(self, index):
        part = self._array[index]
        return type(self)(part) if isinstance(index, slice) else part.item()

    def __iter__(self):
        return iter(self.tolist())

    def __eq__(self, other):
        return type(other) is type(self) and (other.data_ptr(), other.nbytes()) == (self.data_ptr(), self.nbytes())

    def __hash__(self):
        return hash((self.data_ptr(), self.nbytes()))

    def __repr__(self):
        lines = "".join([f" {value}\n" for value in self])
        return f"{lines}[{spell('storage.' + type(self).__name__)}({self._described()}) of size {len(self)}]"

    def _described(self):
        return f"device={cpu}"


class TypedStorage(UntypedStorage):
    """The same memory as elements of the tensor's dtype."""

    @property
    def dtype(self):
        return of(self._array.dtype)

    def _described(self):
        return f"dtype={self.dtype!r}, device={cpu}"

    def untyped(self):
        """The bytes."""
        return UntypedStorage(self._array.view("uint8"))


def untyped_storage(input):
    """The bytes of the memory that this tensor and its views share."""
    return UntypedStorage(_memory(input).view("uint8"))


def storage(input):
    """The memory that this tensor and its views share, as elements of its dtype. Deprecated; it warns."""
    warnings.warn(
        "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage class. "
        "This should only matter to you if you are using storages directly.  To access UntypedStorage directly, use "
        "tensor.untyped_storage() instead of tensor.storage()",
        UserWarning,
        stacklevel=2,
    )
    return TypedStorage(_memory(input))


def _memory(input):
    """The memory of the tensor's base as a flat array of the tensor's dtype."""
    base = (input if input.view_of is None else input.view_of.base)._array
    steps = [step // base.itemsize for step in base.strides]
    return strided(base, (extent(base.shape, steps),), (1,), 0).view(input._array.dtype)


def is_storage(obj, /):
    """Whether obj is a storage.

    >>> import rushlight
    >>> rushlight.is_storage(rushlight.ones(2).untyped_storage())
    True
    """
    return isinstance(obj, UntypedStorage)


FUNCTIONS = ("TypedStorage", "UntypedStorage", "is_storage")
METHODS = ("storage", "untyped_storage")
INPLACE = {}
