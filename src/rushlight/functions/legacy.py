"""The constructors of old scripts: Tensor(...), FloatTensor(...), LongTensor(...)."""

import numpy as np

from .. import core, dtypes
from ..core import TensorBase
from ..errors import coded
from ..size import Size

METHODS = ()
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
        if size < 0:
            raise coded("RL338", RuntimeError(f"Trying to create tensor with negative dimension {size}: {list(sizes)}"))
    return np.empty(tuple([size.__index__() for size in sizes]), dtype.numpy)


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
