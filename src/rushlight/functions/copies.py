"""The functions of views once more, giving tensors with a memory of their own; and writes through views as copies."""

import functools

from ..errors import coded
from ..ops import copying
from ..ops import index as indexing
from ..ops.declare import renamed
from ..ops.strided import extent, strided_scatter
from .arguments import accepts_out, check_flags, check_tensor, wrap_dim
from .broadcasting import expand
from .complex import view_as_complex, view_as_real
from .joining import cat
from .options import listed_size
from .shape import as_strided, check_strides, permute, reshape, squeeze, t, transpose, unfold, unsqueeze, view
from .splitting import chunk, narrow, select, split_by_size, split_with_sizes, unbind

_strided_scatter = renamed(strided_scatter, "AsStridedScatterBackward0")

# -- views, copied


def _copying(name, viewing, node):
    """function(input, ..., *, out=None): what `viewing` shows, copied; `node` is its name in the graph."""
    clone = renamed(copying.clone, node)

    @functools.wraps(viewing)
    def function(input, *args, **named):
        check_tensor(input, name)
        views = viewing(input, *args, **named)
        return tuple([clone(x, order="C") for x in views]) if isinstance(views, tuple) else clone(views, order="C")

    function.__name__ = function.__qualname__ = name
    function.__module__ = __name__
    function.__doc__ = f"What `{name.removesuffix('_copy')}` shows, in memory of its own. Takes `out=`."
    return accepts_out(function)


def _alias(input):
    return indexing.alias(input, index=...)


def _detach(input):
    return input.detach()


def _diagonal(input, offset=0, dim1=0, dim2=1):
    return input.diagonal(offset, dim1, dim2)


def _sliced(input, dim=0, start=None, end=None, step=1):
    return indexing.getitem(input, index=_place(input, dim, start, end, step))


def _place(input, dim, start, end, step):
    """The index of a slice along a dimension."""
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    if not input._array.ndim:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    return (slice(None),) * wrap_dim(dim, input._array.ndim) + (slice(start, end, step), ...)


def _in_shape(input, size=None, dtype=None):
    """`view`, by a copy where the strides do not allow one."""
    if dtype is not None or not isinstance(size, (tuple, list, int)):
        return view(input, size if dtype is None else dtype)
    return reshape(input, size)


def _narrow(input, dim, start, length):
    if input._array.ndim and length < 0:
        n = input._array.shape[wrap_dim(dim, input._array.ndim)]
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return narrow(input, dim, start, length)


def _expand(input, size, *, implicit=False):
    check_flags("expand_copy", None, implicit=implicit)
    return expand(input, size)


_VIEWS = {
    "alias_copy": (_alias, "AliasBackward0_copy"),
    "as_strided_copy": (as_strided, "AsStridedBackward0_copy"),
    "detach_copy": (_detach, "DetachBackward0_copy"),
    "diagonal_copy": (_diagonal, "DiagonalBackward0_copy"),
    "expand_copy": (_expand, "ExpandBackward0_copy"),
    "narrow_copy": (_narrow, "NarrowCopyBackward0"),
    "permute_copy": (permute, "PermuteBackward0_copy"),
    "select_copy": (select, "SelectBackward0_copy"),
    "slice_copy": (_sliced, "SliceBackward0_copy"),
    "split_copy": (split_by_size, "SplitBackward0_copy"),
    "split_with_sizes_copy": (split_with_sizes, "SplitWithSizesBackward0_copy"),
    "squeeze_copy": (squeeze, "SqueezeBackward0_copy"),
    "t_copy": (t, "TBackward0_copy"),
    "transpose_copy": (transpose, "TransposeBackward0_copy"),
    "unbind_copy": (unbind, "UnbindBackward0_copy"),
    "unfold_copy": (unfold, "UnfoldBackward0_copy"),
    "unsqueeze_copy": (unsqueeze, "UnsqueezeBackward0_copy"),
    "view_as_complex_copy": (view_as_complex, "ViewAsComplexBackward0_copy"),
    "view_as_real_copy": (view_as_real, "ViewAsRealBackward0_copy"),
    "view_copy": (_in_shape, "ViewBackward0_copy"),
}
_MADE = {name: _copying(name, *of) for name, of in _VIEWS.items()}
globals().update(_MADE)


# -- parts that nobody will write to: PyTorch's saves it from keeping count of views


def _unsafe(name, function):
    made = functools.wraps(function)(lambda input, *args, **named: function(input, *args, **named))
    made.__name__ = made.__qualname__ = name
    made.__module__ = __name__
    made.__doc__ = f"The same as `{name.removeprefix('unsafe_')}`, which costs no more here."
    return made


unsafe_chunk = _unsafe("unsafe_chunk", chunk)
unsafe_split = _unsafe("unsafe_split", split_by_size)
unsafe_split_with_sizes = _unsafe("unsafe_split_with_sizes", split_with_sizes)


# -- writes through views, as copies


def as_strided_scatter(input, src, size, stride, storage_offset=None):
    """A copy of the tensor with `src` where `as_strided` would show that size, stride and offset of its storage.

    Raises RuntimeError where `src` has another size, and where the place reaches beyond the tensor.

    >>> import rushlight
    >>> rushlight.as_strided_scatter(rushlight.zeros(4), rushlight.ones(2), (2,), (2,))
    tensor([1., 0., 1., 0.])
    """
    check_tensor(input, "as_strided_scatter")
    check_tensor(src, "as_strided_scatter", 2, "src")
    size = listed_size(size, "as_strided_scatter")
    stride = listed_size(stride, "as_strided_scatter", "stride")
    base, own, base_stride = input, 0, None
    if input.view_of is not None:
        base, own = input.view_of.base, input.storage_offset()
    offset = own if storage_offset is None else storage_offset
    check_strides(base._array, size, stride, offset)
    if src._array.shape != size:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = {list(src._array.shape)}, slice size = "
            f"{list(size)}"
        )
    if not input._array.flags.c_contiguous:
        base_stride = input.stride()
    if base is not input and (
        offset < own or extent(size, stride, offset - own) > extent(input._array.shape, input.stride())
    ):
        raise RuntimeError(
            "as_strided_scatter: the place reaches beyond the elements of a view; clone() the view first"
        )
    place = {"size": size, "stride": stride, "storage_offset": offset - own, "base_stride": base_stride}
    return _strided_scatter(input, src, **place)


def slice_inverse(input, src, dim=0, start=None, end=None, step=1):
    """What `src` shows of its storage, in the storage of `input`, a slice of such a tensor; a view.

    Raises RuntimeError where the storage of `input` does not hold as much.
    """
    check_tensor(input, "slice_inverse")
    check_tensor(src, "slice_inverse", 2, "src")
    _place(src, dim, start, end, step)
    return as_strided(input, src.shape, src.stride(), src.storage_offset())


# -- chunks of several tensors


@accepts_out
def _chunk_cat(tensors, dim, num_chunks):
    """Each tensor padded with zeros along `dim` to a multiple of `num_chunks`, cut into so many chunks, and the
    flattened chunks of all tensors put side by side: (*leading sizes, num_chunks, entries)."""
    dim = _check_chunks(tensors, dim, num_chunks)
    lead = tensors[0]._array.shape[:dim]
    rows = []
    for x in tensors:
        shape = x._array.shape
        missing = -shape[dim] % num_chunks
        if missing:
            x = cat([x, x.new_zeros((*shape[:dim], missing, *shape[dim + 1 :]))], dim)
        rows.append(reshape(x, (*lead, num_chunks, -1)))
    return cat(rows, dim + 1)


def _check_chunks(tensors, dim, num_chunks):
    """The dimension, counted from the front."""
    if not tensors:
        raise coded("RL314", RuntimeError("_chunk_cat expects a non-empty input tensor list"))
    if num_chunks <= 0:
        raise RuntimeError("_chunk_cat expects positive num_chunks")
    shapes = [x._array.shape for x in tensors]
    if dim < 0:
        if len({len(shape) for shape in shapes}) > 1:
            raise RuntimeError("_chunk_cat expects non-negative dim when input tensors have different ndims")
        dim = wrap_dim(dim, len(shapes[0]))
    if any([x._array.dtype != tensors[0]._array.dtype for x in tensors]):
        raise RuntimeError("_chunk_cat expects all input tensors with the same dtype")
    if not all([x._array.size for x in tensors]):
        raise RuntimeError("_chunk_cat expects non-empty tensor")
    wrap_dim(dim, len(shapes[0]))
    if any([dim >= len(shape) for shape in shapes]):
        raise RuntimeError("_chunk_cat expects dim < ndim for all input tensors")
    if any([shape[:dim] != shapes[0][:dim] for shape in shapes]):
        raise RuntimeError("_chunk_cat expects same sizes of 0,...,dim-1 dimensions for all tensors")
    return dim


FUNCTIONS = (
    *_MADE, "_chunk_cat", "as_strided_scatter", "slice_inverse", "unsafe_chunk", "unsafe_split",
    "unsafe_split_with_sizes",
)  # fmt: skip
METHODS = (
    "as_strided_scatter", "narrow_copy", "slice_inverse", "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes",
)  # fmt: skip
INPLACE = {}
