"""Shapes that broadcasting makes: expand, broadcast_tensors, and the way back."""

import numpy as np

from ..allocation import checked
from ..core import TensorBase, apply
from ..errors import coded
from ..ops import copying
from ..size import Size
from .arguments import check_flags, check_tensor
from .shape import given, integers


def expand(input, *args, size=None, implicit=False):
    """The tensor with dimensions of size 1 repeated, and new ones before them, without a copy; -1 keeps a size.

    >>> import rushlight
    >>> rushlight.ones(2, 1).expand(-1, 3).shape
    rushlight.Size([2, 3])
    """
    if implicit is not False:
        check_flags("expand", None, implicit=implicit)
    size = args if args and type(args[0]) is int else given(args, size, "expand", "size")
    if -1 in size:
        size = _kept_sizes(input._array.shape, size)
    try:
        return apply(copying.expand, (input,), {"shape": size})
    except (ValueError, TypeError, RuntimeError):
        integers(size, "expand", "size")
        raise _bad_expansion(input, input._array.shape, size) from None


def _kept_sizes(shape, size):
    offset = len(size) - len(shape)
    kept = list(size)
    for place, n in enumerate(size):
        if n != -1:
            continue
        if place < offset:
            raise coded(
                "RL307",
                RuntimeError(
                    f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension {place}"
                ),
            )
        if offset >= 0:
            kept[place] = shape[place - offset]
    return tuple(kept)


def _bad_expansion(input, shape, size):
    if len(size) < len(shape):
        return coded(
            "RL307",
            RuntimeError(
                f"expand(torch.{input.dtype.scalar_type}Tensor{{{list(shape)}}}, size={list(size)}): the number of sizes "
                "provided "
                f"({len(size)}) must be greater or equal to the number of dimensions in the tensor ({len(shape)})"
            ),
        )
    offset = len(size) - len(shape)
    for place in range(len(size) - 1, offset - 1, -1):
        own = shape[place - offset]
        if own not in (1, size[place]):
            return coded(
                "RL307",
                RuntimeError(
                    f"The expanded size of the tensor ({size[place]}) must match the existing size ({own}) at "
                    "non-singleton "
                    f"dimension {place}.  Target sizes: {list(size)}.  Tensor sizes: {list(shape)}"
                ),
            )
    checked(size, input._array.itemsize)
    return RuntimeError(f"expand: no tensor of shape {list(shape)} has size {list(size)}")


def expand_as(input, other):
    """The tensor expanded to the shape of `other`."""
    check_tensor(other, "expand_as", 1, "other")
    return expand(input, other._array.shape)


def broadcast_to(input, *args, size=None):
    """The tensor expanded to a shape."""
    check_tensor(input, "broadcast_to")
    return expand(input, *args, size=size)


def broadcast_shapes(*shapes):
    """The shape that tensors of these shapes broadcast to, as a Size; no tensors are made.

    >>> import rushlight
    >>> rushlight.broadcast_shapes((2, 1), (3,))
    rushlight.Size([2, 3])
    """
    result = []
    for number, shape in enumerate(shapes):
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        result = [1] * (len(shape) - len(result)) + result
        for back in range(1, len(shape) + 1):
            n = shape[-back]
            if n < 0:
                raise coded(
                    "RL338",
                    RuntimeError(
                        f"Trying to create tensor with negative dimension ({n}): ({', '.join(map(str, shape))})"
                    ),
                )
            if n == 1 or n == result[-back]:
                continue
            if result[-back] != 1:
                raise coded(
                    "RL301",
                    RuntimeError(
                        f"Attempting to broadcast a dimension of length {n} at -{back}! Mismatching argument at index "
                        f"{number} had "
                        f"{shape}; but expected shape should be broadcastable to {result}"
                    ),
                )
            result[-back] = n
    return Size(result)


def broadcast_tensors(*tensors):
    """The tensors expanded to their common shape."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    for place, x in enumerate(tensors):
        if not isinstance(x, TensorBase):
            raise TypeError(f"expected Tensor as element {place} in argument 0, but got {type(x).__name__}")
    shape = common_shape(tensors)
    return tuple([x if x._array.shape == shape else expand(x, shape) for x in tensors])


def common_shape(tensors):
    """The shape that tensors broadcast to; RuntimeError in PyTorch's words where there is none."""
    shape = ()
    for x in tensors:
        try:
            shape = np.broadcast_shapes(shape, x._array.shape)
        except ValueError:
            raise _misfit(shape, x._array.shape) from None
    return shape


def _misfit(a, b):
    for back in range(1, min(len(a), len(b)) + 1):
        if a[-back] != b[-back] and 1 not in (a[-back], b[-back]):
            break
    return RuntimeError(
        f"The size of tensor a ({a[-back]}) must match the size of tensor b ({b[-back]}) at non-singleton dimension "
        f"{max(len(a), len(b)) - back}"
    )


def sum_to_size(input, *args, size=None):
    """The tensor summed over the dimensions that broadcasting from `size` would have added."""
    size = given(args, size, "sum_to_size", "size")
    integers(size, "sum_to_size", "size")
    shape = input._array.shape
    offset = len(shape) - len(size)
    if offset < 0 or any(n not in (1, shape[offset + i]) for i, n in enumerate(size)):
        raise RuntimeError(f"size {{{list(size)}}} is not expandable to size {{{list(shape)}}}.")
    if size == shape and size:
        return input
    summed = input.long() if input._array.dtype.kind in "biu" else input
    return summed if size == shape else copying.sum_to(summed, shape=size)


FUNCTIONS = ("broadcast_shapes", "broadcast_tensors", "broadcast_to")
METHODS = ("broadcast_to", "expand", "expand_as", "sum_to_size")
INPLACE = {}
