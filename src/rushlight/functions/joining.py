"""Joining tensors into one, and taking one apart: cat, stack, split, chunk, unbind, narrow, select."""

import itertools

import numpy as np

from ..core import TensorBase, apply, wrap
from ..dtypes import of as dtype_of
from ..ops import index as indexing
from ..ops import join as ops
from ..ops import triangle
from ..ops.declare import renamed
from .arguments import accepts_out, check_tensor, wrap_dim
from .shape import expand, reshape, unsqueeze

_select_scatter = renamed(triangle.slice_scatter, "SelectScatterBackward0")


def _tensors(tensors, function, name="tensors"):
    """A sequence of tensors; TypeError in PyTorch's words for anything else."""
    if not isinstance(tensors, (tuple, list)):
        raise TypeError(
            f"{function}(): argument '{name}' (position 1) must be tuple of Tensors, not {type(tensors).__name__}"
        )
    for place, x in enumerate(tensors):
        if not isinstance(x, TensorBase):
            raise TypeError(f"expected Tensor as element {place} in argument 0, but got {type(x).__name__}")
    return tensors


def cat(tensors, dim=0, *, axis=None, out=None):
    """The tensors end to end along a dimension, in their common dtype; empty 1-D ones are left out.

    Raises RuntimeError where the other sizes differ, ValueError for no tensors.

    >>> import rushlight
    >>> rushlight.cat([rushlight.ones(2), rushlight.zeros(1)])
    tensor([1., 1., 0.])
    """
    tensors = _tensors(tensors, "cat")
    dim = dim if axis is None else axis
    if out is None:
        return _cat(tensors, dim)
    for x in tensors:
        if x is out or np.may_share_memory(x._array, out._array):
            raise RuntimeError(
                "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
                "memory location. Please clone() the tensor before performing the operation."
            )
    return _cat_into(tensors, dim, out=out)


def _cat(tensors, dim):
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    shapes = [x._array.shape for x in tensors]
    model = next((shape for shape in shapes if shape != (0,)), (0,))
    for place, shape in enumerate(shapes):
        if not shape:
            raise RuntimeError(f"zero-dimensional tensor (at position {place}) cannot be concatenated")
    dim = wrap_dim(dim, len(model))
    sizes = tuple([_size_along(shape, model, dim, place) for place, shape in enumerate(shapes)])
    if model == (0,):
        sizes = (0,) * len(sizes)
    return apply(ops.cat, tuple(tensors), {"dim": dim, "sizes": sizes})


_cat_into = accepts_out(_cat)


def _size_along(shape, model, dim, place):
    """The size of one part along the dimension of a cat, None for an empty part that is left out."""
    if shape == (0,):
        return None
    if len(shape) != len(model):
        raise RuntimeError(f"Tensors must have same number of dimensions: got {len(model)} and {len(shape)}")
    if shape[:dim] != model[:dim] or shape[dim + 1 :] != model[dim + 1 :]:
        other = next(d for d in range(len(shape)) if d != dim and shape[d] != model[d])
        raise RuntimeError(
            f"Sizes of tensors must match except in dimension {dim}. Expected size {model[other]} but got size {shape[other]} "
            f"for tensor number {place} in the list."
        )
    return shape[dim]


def concat(tensors, dim=0, *, axis=None, out=None):
    """The same as cat."""
    return cat(tensors, dim if axis is None else axis, out=out)


def concatenate(tensors, dim=0, *, axis=None, out=None):
    """The same as cat."""
    return cat(tensors, dim if axis is None else axis, out=out)


@accepts_out
def stack(tensors, dim=0):
    """The tensors, all of one shape, side by side along a new dimension.

    >>> import rushlight
    >>> rushlight.stack([rushlight.ones(2), rushlight.zeros(2)])
    tensor([[1., 1.],
            [0., 0.]])
    """
    tensors = _tensors(tensors, "stack")
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = tensors[0]._array.shape
    dim = wrap_dim(dim, len(shape) + 1)
    for place, x in enumerate(tensors):
        if x._array.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(x._array.shape)} at entry {place}"
            )
    return apply(ops.stack, tuple(tensors), {"dim": dim})


def _joined(function, tensors, prepare, dim):
    tensors = _tensors(tensors, function)
    if not tensors:
        raise RuntimeError(f"{function} expects a non-empty TensorList")
    return cat([prepare(x) for x in tensors], dim)


@accepts_out
def hstack(tensors):
    """The tensors side by side: along dimension 1, along 0 where they have only one."""
    tensors = [atleast_1d(x) for x in _tensors(tensors, "hstack")]
    return _joined("hstack", tensors, _itself, 0 if tensors and tensors[0]._array.ndim == 1 else 1)


def _itself(x):
    return x


@accepts_out
def vstack(tensors):
    """The tensors on top of each other, 1-D ones as rows."""
    return _joined("vstack", tensors, atleast_2d, 0)


@accepts_out
def row_stack(tensors):
    """The same as vstack."""
    return _joined("vstack", tensors, atleast_2d, 0)


@accepts_out
def dstack(tensors):
    """The tensors behind each other, along dimension 2."""
    return _joined("dstack", tensors, atleast_3d, 2)


@accepts_out
def column_stack(tensors):
    """The tensors side by side, 1-D ones as columns."""
    return _joined(
        "column_stack", tensors, lambda x: reshape(x, (x.numel(), 1)) if x._array.ndim < 2 else x, 1
    )


def _each(tensors, change):
    if len(tensors) == 1:
        if not isinstance(tensors[0], (tuple, list)):
            return change(tensors[0])
        tensors = tensors[0]
    return tuple([change(x) for x in _tensors(tuple(tensors), "atleast")])


def atleast_1d(*tensors):
    """The tensors, 0-dim ones with one dimension; a tuple for several."""
    return _each(tensors, lambda x: reshape(x, (1,)) if x.dim() == 0 else x)


def atleast_2d(*tensors):
    """The tensors, those of fewer dimensions with two; a tuple for several."""
    return _each(tensors, _as_rows)


def _as_rows(x):
    return reshape(x, (1, 1)) if x.dim() == 0 else unsqueeze(x, 0) if x.dim() == 1 else x


def atleast_3d(*tensors):
    """The tensors, those of fewer dimensions with three; a tuple for several."""
    return _each(tensors, lambda x: unsqueeze(_as_rows(x), -1) if x.dim() < 3 else x)


# -- one part


def _whole_number(value, function, name, position):
    if isinstance(value, TensorBase) and value._array.ndim == 0 and value._array.dtype.kind in "iu":
        return value.item()
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{function}(): argument '{name}' (position {position}) must be int, not {type(value).__name__}")
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
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, len(shape))
    index = _whole_number(index, "select", "index", 3)
    if not -shape[dim] <= index < shape[dim]:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(shape)} at dimension {dim}"
        )
    return apply(indexing.select, (input,), {"index": (slice(None),) * dim + (index, ...)})


def _checked_source(input, src, index):
    want = input._array[index].shape
    if src._array.shape != want:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = {list(src._array.shape)}, slice size = "
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
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(shape)} at dimension {dim}"
        )
    place = (slice(None),) * dim + (index, ...)
    return _select_scatter(input, _checked_source(input, src, place), index=place)


def slice_scatter(input, src, dim=0, start=None, end=None, step=1):
    """A copy of the tensor with `src` in the place of a slice along a dimension."""
    check_tensor(input, "slice_scatter")
    check_tensor(src, "slice_scatter", 2, "src")
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    place = (slice(None),) * wrap_dim(dim, input._array.ndim) + (slice(start, end, step), ...)
    return triangle.slice_scatter(input, _checked_source(input, src, place), index=place)


# -- several parts


def split(input, split_size_or_sections, dim=0):
    """Views of `split_size` entries each (the last may be smaller), or of the given sizes.

    >>> import rushlight
    >>> rushlight.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    check_tensor(input, "split")
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
            raise RuntimeError(
                f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}"
            )
        return ops.split(input, sizes=(0,), dim=dim)
    count = max(-(-n // size), 1)
    sizes = (size,) * (count - 1) + (n - size * (count - 1),)
    return ops.split(input, sizes=sizes, dim=dim)


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
            f"split_with_sizes expects split_sizes to sum exactly to {shape[dim]} (input tensor's size at dimension {dim}), "
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


def tensor_split(input, indices_or_sections, dim=0):
    """Views of a dimension cut into a number of parts, or at the given indices.

    >>> import rushlight
    >>> rushlight.arange(5).tensor_split(2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    check_tensor(input, "tensor_split")
    shape = input._array.shape
    if not shape:
        raise RuntimeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    dim = wrap_dim(dim, len(shape))
    cuts = indices_or_sections
    if isinstance(cuts, TensorBase):
        if cuts._array.dtype != np.int64:
            raise RuntimeError("tensor_split expected tensor_indices_or_sections to have dtype of long, but got "
                               f"{dtype_of(cuts._array.dtype).scalar_type}")  # fmt: skip
        if cuts._array.ndim > 1:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, but "
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
    small, larger = divmod(n, sections)
    ends = [small * i + min(i, larger) for i in range(sections + 1)]
    return tuple([_slice(input, dim, a, b) for a, b in itertools.pairwise(ends)])


def _slice(input, dim, start, stop):
    start, stop, _ = slice(start, stop).indices(input._array.shape[dim])
    return ops.part_of(input, dim, start, max(start, stop))


def _split_along(function, input, sections, dim, least):
    check_tensor(input, function)
    ndim = input._array.ndim
    if ndim < least:
        raise RuntimeError(
            f"torch.{function} requires a tensor with at least {least} dimension, but got a tensor with {ndim} dimensions!"
        )
    if isinstance(sections, int):
        n = input._array.shape[dim]
        if sections == 0 or n % sections:
            raise RuntimeError(
                f"torch.{function} attempted to split along dimension {dim}, but the size of the dimension {n} is not "
                f"divisible by the split_size {sections}!"
            )
    return tensor_split(input, sections, dim)


def hsplit(input, indices_or_sections):
    """Views of the columns (of the entries of a 1-D tensor), cut in parts or at indices."""
    dim = 0 if isinstance(input, TensorBase) and input._array.ndim == 1 else 1
    return _split_along("hsplit", input, indices_or_sections, dim, 1)


def vsplit(input, indices_or_sections):
    """Views of the rows, cut in parts or at indices."""
    return _split_along("vsplit", input, indices_or_sections, 0, 2)


def dsplit(input, indices_or_sections):
    """Views along dimension 2, cut in parts or at indices."""
    return _split_along("dsplit", input, indices_or_sections, 2, 3)


def unbind(input, dim=0):
    """Views of all entries along a dimension, which is dropped.

    >>> import rushlight
    >>> rushlight.arange(2).unbind()
    (tensor(0), tensor(1))
    """
    check_tensor(input, "unbind")
    ndim = input._array.ndim
    if not ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return apply(ops.unbind, (input,), {"dim": wrap_dim(dim, ndim)})


# -- grids and blocks


def meshgrid(*tensors, indexing=None):
    """Each 1-D tensor spread over the grid that they all span, as views; `indexing` is "ij" or "xy".

    >>> import rushlight
    >>> x, y = rushlight.meshgrid(rushlight.arange(2), rushlight.arange(3), indexing="ij")
    >>> x
    tensor([[0, 0, 0],
            [1, 1, 1]])
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    _tensors(tensors, "meshgrid")
    if indexing is None:
        import warnings

        warnings.warn(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.",
            UserWarning,
            stacklevel=2,
        )
    elif indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for x in tensors:
        if x._array.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {x}")
        if x._array.dtype != tensors[0]._array.dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    swaps = indexing == "xy" and len(tensors) >= 2
    if swaps:
        tensors = (tensors[1], tensors[0], *tensors[2:])
    shape = tuple([x._array.size for x in tensors])
    grids = []
    for place, x in enumerate(tensors):
        own = [1] * len(shape)
        own[place] = shape[place]
        grids.append(expand(reshape(x, own), shape))
    if swaps:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def cartesian_prod(*tensors):
    """All combinations of one entry of each 1-D tensor, as rows."""
    for x in _tensors(tensors, "cartesian_prod"):
        if x._array.ndim != 1:
            raise RuntimeError("Expect a 1D vector, but got shape " + str(list(x._array.shape)))
    if len(tensors) == 1:
        return tensors[0]
    return stack([reshape(x, (-1,)) for x in meshgrid(*tensors, indexing="ij")], 1)


def combinations(input, r=2, with_replacement=False):
    """All choices of r entries of a 1-D tensor, as rows in order."""
    check_tensor(input, "combinations")
    if input._array.ndim != 1:
        raise RuntimeError("Expect a 1D vector, but got shape " + str(list(input._array.shape)))
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty((0,))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    chosen = list(choose(range(input._array.size), r))
    places = np.array(chosen, np.int64).reshape(-1)
    return reshape(indexing.index_select(input, wrap(places), dim=0), (len(chosen), r))


def block_diag(*tensors):
    """The matrices (rows for fewer dimensions) one after the other on the diagonal of zeros."""
    for place, x in enumerate(_tensors(tensors, "block_diag")):
        if x._array.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {place} has {x._array.ndim} dimensions"
            )
    blocks = [atleast_2d(x) for x in tensors]
    if not blocks:
        from .creation import empty

        return empty(1, 0)
    return ops.block_diag(*blocks, sizes=tuple([x._array.shape for x in blocks]))


FUNCTIONS = (
    "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "cartesian_prod", "cat", "chunk", "column_stack",
    "combinations", "concat", "concatenate", "dsplit", "dstack", "hsplit", "hstack", "meshgrid", "narrow", "row_stack",
    "select", "select_scatter", "slice_scatter", "split", "split_with_sizes", "stack", "tensor_split", "unbind", "vsplit",
    "vstack",
)  # fmt: skip
METHODS = (
    "chunk", "dsplit", "hsplit", "narrow", "select", "select_scatter", "slice_scatter", "split", "split_with_sizes",
    "tensor_split", "unbind", "vsplit",
)  # fmt: skip
INPLACE = {}
