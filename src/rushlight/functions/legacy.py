"""The constructors of old scripts: Tensor(...), FloatTensor(...), LongTensor(...)."""

import math
import warnings

import numpy as np

from .. import core, dtypes
from ..core import TensorBase
from ..device import check_cpu
from ..size import Size
from .arguments import check_tensor
from .arguments import sizes as read_sizes
from .options import allocate
from .shape import reshape

METHODS = ("new", "resize", "resize_as")
INPLACE = {}


def legacy_array(data, dtype):
    """The array of `Tensor(*data)`: sizes, or one sequence (or tensor) of numbers. TypeError for anything else."""
    if not data:
        return np.empty(0, dtype.numpy)
    first = data[0]
    if len(data) == 1 and isinstance(first, TensorBase):
        if first._array.dtype != dtype.numpy:
            raise TypeError(f"expected {dtype.scalar_type} (got {dtypes.of(first._array.dtype).scalar_type})")
        return first._array
    if len(data) == 1 and isinstance(first, (list, tuple, np.ndarray)) and not isinstance(first, Size):
        return np.array(first, dtype.numpy)
    sizes = tuple(first) if len(data) == 1 and isinstance(first, Size) else data
    for size in sizes:
        if isinstance(size, str):
            raise TypeError(f"new(): invalid data type '{type(size).__name__}'")
        if not hasattr(size, "__index__"):
            raise TypeError(f"new(): data must be a sequence (got {type(size).__name__})")
    return allocate(np.empty, tuple([size.__index__() for size in sizes]), dtype.numpy)


def new(input, *data, device=None):
    """`Tensor(*data)` in this tensor's dtype: of a given shape and not filled, or of given numbers. Prefer new_tensor."""
    check_cpu(device)
    return core.wrap(legacy_array(data, dtypes.of(input._array.dtype)))


def resize(input, *sizes):
    """`reshape` to as many elements. Deprecated; it warns."""
    return _resized(input, read_sizes(sizes, "resize"), "resize")


def resize_as(input, tensor):
    """`reshape` to the shape of `tensor`, which has as many elements. Deprecated; it warns."""
    check_tensor(tensor, "resize_as", 1, "tensor")
    return _resized(input, tensor._array.shape, "resize_as")


def _resized(input, shape, name):
    warnings.warn(f"non-inplace {name} is deprecated", UserWarning, stacklevel=3)
    own = input._array.shape
    if math.prod(shape) != math.prod(own):
        raise RuntimeError(
            f"requested resize to {_joined(shape)} ({math.prod(shape)} elements in total), but the given tensor has a size "
            f"of {_joined(own)} ({math.prod(own)} elements). autograd's resize can only change the shape of a given tensor, "
            "while preserving the number of elements. "
        )
    return reshape(input, shape)


def _joined(shape):
    return "x".join(map(str, shape))


def _constructor(dtype):
    def make(*data):
        return core.wrap(legacy_array(data, dtype))

    make.__name__ = make.__qualname__ = f"{dtype.scalar_type}Tensor"
    make.__doc__ = (
        f"A {dtype.name} tensor of given numbers, or of a given shape and not filled. Prefer tensor(), empty()."
    )
    return make


_MADE = {f"{d.scalar_type}Tensor": _constructor(d) for d in dtypes.DTYPES if d.name != "bfloat16" and d.category < 3}
globals().update(_MADE)
FUNCTIONS = tuple(_MADE)
