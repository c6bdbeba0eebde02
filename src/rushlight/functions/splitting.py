"""Parts of a tensor: narrow, select, split, chunk, unbind; and copies with a part replaced."""

import itertools

import numpy as np

from ..core import TensorBase, apply
from ..dtypes import of as dtype_of
from ..ops import index as indexing
from ..ops import join as ops
from ..ops import triangle
from ..ops.declare import renamed
from .arguments import accepts_out, check_tensor, wrap_dim
from .options import allocate

_select_scatter = renamed(triangle.slice_scatter, "SelectScatterBackward0")


# -- one part


def _whole_number(value, function, name, position):
    if isinstance(value, TensorBase) and value._array.ndim == 0 and value._array.dtype.kind in "iu":
        return value.item()
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be int, not {type(value).__name__}"
        )
    return int(value)


def narrow(input, dim, start, length):
    """The entries from `start` on, `length` of them, along a dimension; a view.

    Raises RuntimeError where they reach beyond the dimension.
    """
    check_tensor(input, "narrow")
    shape = input._array.shape
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if isinstance(start, TensorBase) and (start._array.ndim or start._array.dtype.kind not in "iu"):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    start = _whole_number(start, "narrow", "start", 3)
    length = _whole_number(length, "narrow", "length", 4)
    dim = wrap_dim(dim, len(shape))
    n = shape[dim]
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -n <= start <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {start})")
    start += n if start < 0 else 0
    if start + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return ops.part_of(input, dim, start, start + length)


def select(input, dim, index):
    """Entry `index` along a dimension, which is dropped; a view."""
    check_tensor(input, "select")
    shape = input._array.shape
    if type(dim) is int and type(index) is int and 0 <= dim < len(shape) and -shape[dim] <= index < shape[dim]:
        return apply(indexing.select, (input,), {"index": (slice(None),) * dim + (index, ...)})
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, len(shape))
    index = _whole_number(index, "select", "index", 3)
    if not -shape[dim] <= index < shape[dim]:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(shape)} at dimension {dim}")
    return apply(indexing.select, (input,), {"index": (slice(None),) * dim + (index, ...)})


def _checked_source(input, src, index):
    want = input._array[index].shape
    if src._array.shape != want:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = {list(src._array.shape)}, slice size "
            "= "
            f"{list(want)}"
        )
    return src


def select_scatter(input, src, dim, index):
    """A copy of the tensor with `src` in the place of entry `index` along a dimension."""
    check_tensor(input, "select_scatter")
    check_tensor(src, "select_scatter", 2, "src")
    shape = input._array.shape
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, len(shape))
    if not -shape[dim] <= index < shape[dim]:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(shape)} at dimension {dim}")
    place = (slice(None),) * dim + (index, ...)
    return _select_scatter(input, _checked_source(input, src, place), index=place)


@accepts_out
def slice_scatter(input, src, dim=0, start=None, end=None, step=1):
    """A copy of the tensor with `src` in the place of a slice along a dimension."""
    check_tensor(input, "slice_scatter")
    check_tensor(src, "slice_scatter", 2, "src")
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    place = (slice(None),) * wrap_dim(dim, input._array.ndim) + (slice(start, end, step), ...)
    return triangle.slice_scatter(input, _checked_source(input, src, place), index=place)


# -- several parts


def split(tensor, split_size_or_sections, dim=0):
    """Views of `split_size` entries each (the last may be smaller), or of the given sizes.

    >>> import rushlight
    >>> rushlight.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    check_tensor(tensor, "split", name="tensor")
    input = tensor
    if isinstance(split_size_or_sections, (tuple, list)):
        return split_with_sizes(input, split_size_or_sections, dim)
    size = _whole_number(split_size_or_sections, "split", "split_size", 1)
    shape = input._array.shape
    if not shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = wrap_dim(dim, len(shape))
    n = shape[dim]
    if size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
    if size == 0:
        if n:
            raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
        return ops.split(input, sizes=(0,), dim=dim)
    count = max(-(-n // size), 1)
    sizes = (size,) * (count - 1) + (n - size * (count - 1),)
    return ops.split(input, sizes=sizes, dim=dim)


def split_by_size(input, split_size, dim=0):
    """Views of `split_size` entries each (the last may be smaller), or of the given sizes."""
    return split(input, split_size, dim)


def split_with_sizes(input, split_sizes, dim=0):
    """Views of the given sizes along a dimension, which they must add up to."""
    check_tensor(input, "split_with_sizes")
    shape = input._array.shape
    if not shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = wrap_dim(dim, len(shape))
    sizes = tuple([_whole_number(n, "split_with_sizes", "split_sizes", 1) for n in split_sizes])
    if any(n < 0 for n in sizes):
        raise RuntimeError(
            f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={list(sizes)}"
        )
    if sum(sizes) != shape[dim]:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {shape[dim]} (input tensor's size at dimension "
            f"{dim}), "
            f"but got split_sizes={list(sizes)}"
        )
    return ops.split_with_sizes(input, sizes=sizes, dim=dim)


def chunk(input, chunks, dim=0):
    """At most `chunks` views of equal size along a dimension; the last may be smaller."""
    check_tensor(input, "chunk")
    if not input._array.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    dim = wrap_dim(dim, input._array.ndim)
    n = input._array.shape[dim]
    if not n:
        return ops.split_with_sizes(input, sizes=(0,) * chunks, dim=dim)
    return split(input, -(-n // chunks), dim)


def tensor_split(
    input, indices_or_sections=None, dim=0, *, indices=None, sections=None, tensor_indices_or_sections=None
):  # fmt: skip
    """Views of a dimension cut into a number of parts, or at the given indices.

    >>> import rushlight
    >>> rushlight.arange(5).tensor_split(2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    check_tensor(input, "tensor_split")
    shape = input._array.shape
    if not shape:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    dim = wrap_dim(dim, len(shape))
    named = tensor_indices_or_sections if indices is None else indices
    cuts = _cuts("tensor_split", indices_or_sections, named, sections)
    if isinstance(cuts, TensorBase):
        if cuts._array.dtype != np.int64:
            raise RuntimeError("tensor_split expected tensor_indices_or_sections to have dtype of long, but got "
                               f"{dtype_of(cuts._array.dtype).scalar_type}")  # fmt: skip
        if cuts._array.ndim > 1:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, "
                "but "
                f"got a tensor with {cuts._array.ndim} dims"
            )
        cuts = cuts.tolist()
    n = shape[dim]
    if isinstance(cuts, (tuple, list)):
        ends = [0, *cuts, n]
        return tuple([_slice(input, dim, a, b) for a, b in itertools.pairwise(ends)])
    sections = _whole_number(cuts, "tensor_split", "sections", 1)
    if sections <= 0:
        raise RuntimeError(f"number of sections must be larger than 0, got {sections}")
    parts = allocate(lambda size, _: [None] * size[0], (sections,), np.dtype(np.int64))
    small, larger = divmod(n, sections)
    for i in range(sections):
        start = small * i + min(i, larger)
        parts[i] = ops.part_of(input, dim, start, start + small + (i < larger))
    return tuple(parts)


def _cuts(function, *given):
    """What one of several parameters was given."""
    found = [x for x in given if x is not None]
    if len(found) != 1:
        raise TypeError(f"{function}() takes either indices or sections")
    return found[0]


def _slice(input, dim, start, stop):
    start, stop, _ = slice(start, stop).indices(input._array.shape[dim])
    return ops.part_of(input, dim, start, max(start, stop))


def _split_along(function, input, sections, dim, least):
    check_tensor(input, function)
    ndim = input._array.ndim
    if ndim < least:
        raise RuntimeError(
            f"torch.{function} requires a tensor with at least {least} dimension, but got a tensor with {ndim} "
            "dimensions!"
        )
    if isinstance(sections, int):
        n = input._array.shape[dim]
        if sections == 0 or n % sections:
            raise RuntimeError(
                f"torch.{function} attempted to split along dimension {dim}, but the size of the dimension {n} is not "
                f"divisible by the split_size {sections}!"
            )
    return tensor_split(input, sections, dim)


def hsplit(input, indices_or_sections=None, *, indices=None, sections=None):
    """Views of the columns (of the entries of a 1-D tensor), cut in parts or at indices."""
    dim = 0 if isinstance(input, TensorBase) and input._array.ndim == 1 else 1
    return _split_along("hsplit", input, _cuts("hsplit", indices_or_sections, indices, sections), dim, 1)


def vsplit(input, indices_or_sections=None, *, indices=None, sections=None):
    """Views of the rows, cut in parts or at indices: `tensor_split` along dimension 0 of (n, *), 2-D at least."""
    return _split_along("vsplit", input, _cuts("vsplit", indices_or_sections, indices, sections), 0, 2)


def dsplit(input, indices_or_sections=None, *, indices=None, sections=None):
    """Views along dimension 2, cut in parts or at indices."""
    return _split_along("dsplit", input, _cuts("dsplit", indices_or_sections, indices, sections), 2, 3)


def unbind(input, dim=0):
    """Views of all entries along a dimension, which is dropped.

    >>> import rushlight
    >>> rushlight.arange(2).unbind()
    (tensor(0), tensor(1))
    """
    check_tensor(input, "unbind")
    ndim = input._array.ndim
    if not ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    return apply(ops.unbind, (input,), {"dim": wrap_dim(dim, ndim)})


FUNCTIONS = (
    "chunk", "dsplit", "hsplit", "narrow", "select", "select_scatter", "slice_scatter", "split", "split_with_sizes",
    "tensor_split", "unbind", "vsplit",
)  # fmt: skip
split_by_size.__name__ = split_by_size.__qualname__ = "split"
METHODS = FUNCTIONS
INPLACE = {"split": split_by_size}
