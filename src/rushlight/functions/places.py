"""Indices as numbers: unravel_index, nonzero_static, and indexing in which a mask says which entries count."""

from ..core import TensorBase
from ..ops import select
from ..spelling import spell
from .arguments import accepts_out, check_tensor
from .indexing import index_put


def unravel_index(indices, shape):
    """The coordinates, a tensor for each dimension, of entries of a tensor of that shape counted in a row.

    TypeError for indices that are not integers, ValueError for negative sizes.

    >>> import rushlight
    >>> rushlight.unravel_index(rushlight.tensor([3, 7]), (2, 4))
    (tensor([0, 1]), tensor([3, 3]))
    """
    check_tensor(indices, "unravel_index", name="indices")
    if indices._array.dtype.kind not in "iu":
        raise TypeError(f"expected 'indices' to be integer dtype, but got {spell(indices.dtype.name)}")
    shape = (shape,) if isinstance(shape, int) else shape
    if not isinstance(shape, (tuple, list)):
        raise TypeError(f"expected 'shape' sequence to only contain ints, but got {type(shape)}")
    for n in shape:
        if not hasattr(n, "__index__"):
            raise TypeError(f"expected 'shape' sequence to only contain ints, but got {type(n)}")
    shape = tuple([n.__index__() for n in shape])
    if any([n < 0 for n in shape]):
        raise ValueError(f"'shape' cannot have negative values, but got {shape}")
    found = []
    for n in reversed(shape):
        found.append(indices % n if n else indices)
        indices = indices.div(n, rounding_mode="floor") if n else indices
    return tuple(reversed(found))


@accepts_out
def nonzero_static(input, *, size, fill_value=-1):
    """The indices of the first `size` elements that are not zero, one row each; missing rows are `fill_value`.

    >>> import rushlight
    >>> rushlight.nonzero_static(rushlight.tensor([0, 5]), size=2)
    tensor([[ 1],
            [-1]])
    """
    check_tensor(input, "nonzero_static")
    for name, value in (("size", size), ("fill_value", fill_value)):
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise TypeError(f"nonzero_static(): argument '{name}' must be int, not {type(value).__name__}")
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    return select.nonzero_static(input, size=size, fill_value=fill_value)


def _masked_places(input, mask, indices, function):
    """The index tensors; where the mask is false they may be anything, so they are brought inside."""
    check_tensor(input, function)
    check_tensor(mask, function, 2, "mask")
    if any([not isinstance(index, TensorBase) for index in indices]):
        wrong = next(k for k, index in enumerate(indices) if not isinstance(index, TensorBase))
        raise TypeError(f"expected Tensor as element {wrong} in argument 2, but got {type(indices[wrong]).__name__}")
    return tuple([index.clamp(-n, n - 1) for index, n in zip(indices, input._array.shape)])


def _unsafe_masked_index(input, mask, indices, fill):
    """input[indices] where `mask` is true, and the number `fill` where it is not: there indices may lie outside."""
    picked = input[_masked_places(input, mask, indices, "_unsafe_masked_index")]
    return picked.masked_fill(~mask, fill)


def _unsafe_masked_index_put_accumulate(input, mask, indices, values):
    """A copy of `input` with `values` added at `indices` where `mask` is true."""
    places = _masked_places(input, mask, indices, "_unsafe_masked_index_put_accumulate")
    return index_put(input, places, values.masked_fill(~mask, 0), True)


FUNCTIONS = ("_unsafe_masked_index", "_unsafe_masked_index_put_accumulate", "nonzero_static", "unravel_index")
METHODS = ("nonzero_static",)
INPLACE = {}
