"""Other shapes for the same elements: reshape, transpose, expand and their kin. All are views where they can be."""

import math
import warnings

import numpy as np

from .. import errors
from ..core import TensorBase, apply, transforms_entered, view_by, written
from ..dtypes import NAMES, as_dtype, dtype
from ..dtypes import of as dtype_of
from ..inplace import storage_geometry
from ..modes import grad_enabled
from ..ops import copying, strided
from ..ops import shape as ops
from ..ops.batching import level_of
from .arguments import check_tensor, wrap_dim, wrap_dims
from .options import listed_size

_VIEW, _TRANSPOSE, _T, _PERMUTE, _UNSQUEEZE = ops.view, ops.transpose, ops.t, ops.permute, ops.unsqueeze


def given(args, named, function, name):
    """The sizes of `f(2, 3)`, `f((2, 3))` or `f(name=(2, 3))`, unchecked: NumPy refuses what are not."""
    if not args:
        if named is None:
            raise TypeError(f'{function}() missing 1 required positional arguments: "{name}"')
        return tuple(named)
    first = args[0]
    if isinstance(first, (tuple, list)) and len(args) == 1:
        return tuple(first)
    return args


def integers(sizes, function, name):
    """TypeError in PyTorch's words where `sizes` are not all integers."""
    for value in sizes:
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise TypeError(
                f"{function}(): argument '{name}' (position 1) must be tuple of ints, not {type(value).__name__}"
            )


def _bad_shape(array, shape, function, name="shape"):
    """The error for a shape that the elements do not fit."""
    integers(shape, function, name)
    listed = list(shape)
    for place, n in enumerate(shape):
        if n < -1:
            return RuntimeError(f"invalid shape dimension {n} at index {place} of shape {listed}")
    if listed.count(-1) > 1:
        return errors.coded("RL305", RuntimeError("only one dimension can be inferred"))
    if array.size == 0 and -1 in listed and 0 in listed:
        return errors.coded(
            "RL305",
            RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {listed} because the unspecified dimension size -1 can be "
                "any value and is ambiguous"
            ),
        )
    return errors.coded("RL305", RuntimeError(f"shape '{listed}' is invalid for input of size {array.size}"))


def _fits(array, shape):
    """Whether an array of that many elements can have the shape."""
    try:
        sizes = [n.__index__() for n in shape if n != -1]
    except AttributeError:
        return False
    count, known = math.prod(array.shape), math.prod(sizes)
    if min(sizes, default=0) < 0 or len(sizes) + 1 < len(shape):
        return False
    return known == count if len(sizes) == len(shape) else known != 0 and count % known == 0


def reshape(input, *args, shape=None):
    """The same elements in another shape, one size of which may be -1: a view where the strides allow, else a copy.

    Raises RuntimeError where the number of elements differs.

    >>> import rushlight
    >>> rushlight.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    if not args or type(args[0]) is not int:
        shape = given(args, shape, "reshape", "shape")
    else:
        shape = args
    try:
        return view_by(_VIEW, input, shape)
    except (ops.NoView, AttributeError, OverflowError):
        check_tensor(input, "reshape")
        if not _fits(input._array, shape):
            raise _bad_shape(input._array, shape, "reshape") from None
    return ops.unsafe_view(copying.clone(input, order="C"), shape=shape)


def view(input, *args, size=None, dtype=None):
    """The same memory in another shape, or seen as another dtype.

    Raises RuntimeError where the strides do not allow it: reshape copies then.
    """
    if args and type(args[0]) is int:
        shape = args
    elif _names_dtype(wanted := args[0] if len(args) == 1 else dtype):
        return _as_bits(input, wanted)
    elif not args and size is None:
        raise TypeError(
            "view() received an invalid combination of arguments - got (), but expected one of:\n * (torch.dtype "
            "dtype)\n"
            " * (tuple of ints size)\n"
        )
    else:
        shape = given(args, size, "view", "size")
    try:
        return view_by(_VIEW, input, shape)
    except (ops.NoView, OverflowError):
        if not _fits(input._array, shape):
            raise _bad_shape(input._array, shape, "view", "size") from None
    raise errors.coded(
        "RL306",
        RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        ),
    )


def _names_dtype(x):
    """Whether the argument of view() is a dtype and no size."""
    return type(x) is dtype or isinstance(x, (type, np.dtype)) or (isinstance(x, str) and x in NAMES)


def _as_bits(input, wanted):
    """The memory of a tensor as elements of another dtype."""
    target = wanted if type(wanted) is dtype else as_dtype(wanted, "view(): argument 'dtype'")
    array, new = input._array, target.numpy
    if array.itemsize != new.itemsize:
        _check_bits(array, target, new.itemsize, array.itemsize)
    return view_by(ops.view_dtype, input, new)


def _check_bits(array, target, wide, own):
    """RuntimeError where the memory of an array cannot be seen as elements of `wide` bytes instead of `own`."""
    if array.ndim == 0:
        raise RuntimeError(
            f"self.dim() cannot be 0 to view {dtype_of(array.dtype).scalar_type} as {target.scalar_type} (different "
            "element sizes)"
        )
    if wide > own and array.shape[-1] * own % wide:
        raise RuntimeError(
            f"self.size(-1) must be divisible by {wide // own} to view {dtype_of(array.dtype).scalar_type} as "
            f"{target.scalar_type} (different element sizes), but got {array.shape[-1]}"
        )
    if array.strides[-1] != own and array.size:
        raise RuntimeError(
            f"self.stride(-1) must be 1 to view {dtype_of(array.dtype).scalar_type} as {target.scalar_type} (different "
            f"element sizes), but got {array.strides[-1] // own}"
        )
    if wide > own and any(s % wide for s in array.strides[:-1]):
        raise RuntimeError(
            f"self.stride() must be divisible by {wide // own} for different element sizes (viewing "
            f"{dtype_of(array.dtype)!r} as {target!r})"
        )


def view_as(input, other):
    """This tensor's memory in the shape of `other`."""
    check_tensor(other, "view_as", 1, "other")
    return view(input, other._array.shape)


def reshape_as(input, other):
    """This tensor's elements in the shape of `other`."""
    check_tensor(other, "reshape_as", 1, "other")
    return reshape(input, other._array.shape)


def flatten(input, start_dim=0, end_dim=-1):
    """The dimensions from start_dim to end_dim as one.

    >>> import rushlight
    >>> rushlight.ones(2, 3, 4).flatten(1).shape
    rushlight.Size([2, 12])
    """
    check_tensor(input, "flatten")
    shape = input._array.shape
    if start_dim == 0 and end_dim == -1 and len(shape) > 1:
        return reshape(input, -1)
    start, end = wrap_dim(start_dim, len(shape)), wrap_dim(end_dim, len(shape))
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not shape:
        return reshape(input, (1,))
    if start == end:
        return input
    return reshape(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


def unflatten(input, dim, sizes):
    """One dimension as several, of which one size may be -1."""
    check_tensor(input, "unflatten")
    shape = input._array.shape
    dim = wrap_dim(dim, len(shape))
    if not shape:
        raise RuntimeError("unflatten got an unexpected error:\nDimension specified as 0 but tensor has no dimensions")
    sizes = listed_size(sizes, "unflatten", "sizes")
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    if sizes.count(-1) > 1:
        raise errors.coded("RL305", RuntimeError("only one dimension can be inferred"))
    known = math.prod([n for n in sizes if n != -1])
    n = shape[dim]
    if -1 in sizes and known and n % known == 0:
        sizes = tuple([n // known if s == -1 else s for s in sizes])
    if -1 in sizes or math.prod(sizes) != n:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({n}) in the input "
            "tensor"
        )
    return view(input, (*shape[:dim], *sizes, *shape[dim + 1 :]))


def ravel(input):
    """All elements in one dimension."""
    check_tensor(input, "ravel")
    return reshape(input, -1)


# -- dimensions of size 1


def squeeze(input, dim=None):
    """The tensor without its dimensions of size 1, or without those among `dim`.

    >>> import rushlight
    >>> rushlight.ones(1, 2, 1).squeeze(0).shape
    rushlight.Size([2, 1])
    """
    check_tensor(input, "squeeze")
    if dim is None:
        return apply(ops.squeeze, (input,), ops.squeeze.defaults)
    ndim = input._array.ndim
    if isinstance(dim, (tuple, list)):
        return ops.squeeze_dims(input, dim=wrap_dims(dim, ndim) if dim else ())
    return ops.squeeze_dim(input, dim=(wrap_dim(dim, ndim),))


def unsqueeze(input, dim):
    """The tensor with a new dimension of size 1 at place `dim`.

    >>> import rushlight
    >>> rushlight.ones(2).unsqueeze(-1).shape
    rushlight.Size([2, 1])
    """
    try:
        return view_by(_UNSQUEEZE, input, dim)
    except (IndexError, TypeError, AttributeError, OverflowError):
        check_tensor(input, "unsqueeze")
        if not hasattr(dim, "__index__"):
            name = type(dim).__name__
            raise TypeError(f"unsqueeze(): argument 'dim' (position 1) must be int, not {name}") from None
        dim = wrap_dim(dim, input._array.ndim + 1)
    return ops.unsqueeze(input, dim=dim)


# -- dimensions in another order


def transpose(input, dim0, dim1):
    """The tensor with two dimensions swapped.

    >>> import rushlight
    >>> rushlight.ones(2, 3).transpose(0, 1).shape
    rushlight.Size([3, 2])
    """
    try:
        return view_by(_TRANSPOSE, input, dim0, dim1)
    except (IndexError, AttributeError, TypeError, OverflowError):
        check_tensor(input, "transpose")
        wrap_dim(dim0, input._array.ndim)
        wrap_dim(dim1, input._array.ndim)
        return ops.view(input, shape=())


def swapaxes(input, axis0, axis1):
    """The tensor with two dimensions swapped."""
    return transpose(input, axis0, axis1)


def swapdims(input, dim0, dim1):
    """The tensor with two dimensions swapped."""
    return transpose(input, dim0, dim1)


def t(input):
    """The transpose of a matrix; a tensor of fewer dimensions as it is. Raises RuntimeError for more than two."""
    if not isinstance(input, TensorBase):
        check_tensor(input, "t")
    if input._array.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input._array.ndim}D")
    return view_by(_T, input)


def numpy_T(input):
    """The dimensions in reverse order; deprecated for tensors that are not matrices."""
    ndim = input._array.ndim
    if ndim != 2:
        warnings.warn(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will "
            "throw an "
            "error in a future release. Consider `x.mT` to transpose batches of matrices or "
            "`x.permute(*torch.arange(x.ndim "
            "- 1, -1, -1))` to reverse the dimensions of a tensor.",
            UserWarning,
            stacklevel=2,
        )
    return apply(ops.permute, (input,), {"dims": tuple(range(ndim - 1, -1, -1)) if ndim != 2 else (1, 0)})


def _matrix_transpose(input, name):
    if input._array.ndim == 0:
        instead = "This function is the identity in these cases." if name == "mT" else "Consider using x.conj()."
        warnings.warn(f"Tensor.{name} is deprecated on 0-D tensors. {instead}", UserWarning, stacklevel=3)
        return input
    if input._array.ndim < 2:
        raise RuntimeError(
            f"tensor.{name} is only supported on matrices or batches of matrices. Got {input._array.ndim}-D tensor."
        )
    return view_by(_TRANSPOSE, input, -2, -1)


def mT(input):
    """Each matrix transposed."""
    return _matrix_transpose(input, "mT")


def mH(input):
    """Each matrix transposed and conjugated."""
    return _conjugated(_matrix_transpose(input, "mH"))


def adjoint(input):
    """Each matrix transposed and conjugated."""
    check_tensor(input, "adjoint")
    if input._array.ndim == 0:
        text = "adjoint() is deprecated on 0-D tensors. Consider using x.conj()."
        warnings.warn(text, UserWarning, stacklevel=2)
        return _conjugated(input)
    if input._array.ndim < 2:
        raise RuntimeError(
            f"tensor.adjoint() is only supported on matrices or batches of matrices. Got {input._array.ndim}-D tensor."
        )
    return mH(input)


def H(input):
    """The matrix transposed and conjugated."""
    ndim = input._array.ndim
    if ndim not in (0, 2):
        more = "For batches of matrices, consider using tensor.mH" if ndim > 2 else ""
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {ndim}-D tensor. {more}".rstrip()
        )
    return mH(input) if ndim else _conjugated(ops.view(input, shape=()))


def _conjugated(x):
    return copying.conj(x) if x._array.dtype.kind == "c" else x


def permute(input, *args, dims=None):
    """The dimensions in the order given.

    >>> import rushlight
    >>> rushlight.ones(2, 3, 4).permute(2, 0, 1).shape
    rushlight.Size([4, 2, 3])
    """
    dims = args if args and type(args[0]) is int else given(args, dims, "permute", "dims")
    try:
        return view_by(_PERMUTE, input, dims)
    except (ValueError, TypeError, AttributeError, OverflowError):
        check_tensor(input, "permute")
        raise _bad_permutation(dims, input._array.ndim) from None


def _bad_permutation(dims, ndim):
    integers(dims, "permute", "dims")
    if len(dims) != ndim:
        return errors.coded(
            "RL340",
            RuntimeError(
                "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
                f"ordering of dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = {len(dims)}"
            ),
        )
    for place, d in enumerate(dims, 1):
        if not -(2**63) <= d < 2**63:
            return TypeError(
                f"permute(): argument 'dims' failed to unpack the object at pos {place} with error "
                '"Overflow when unpacking long long'
            )
        wrap_dim(d, ndim)
    return RuntimeError("permute(): duplicate dims are not allowed.")


def movedim(input, source, destination):
    """The dimensions of `source` moved to the places `destination`, the others in their order."""
    check_tensor(input, "movedim")
    ndim = input._array.ndim
    if ndim and type(source) is type(destination) is int:
        order, moved = list(range(ndim)), wrap_dim(source, ndim)
        order.insert(wrap_dim(destination, ndim), order.pop(moved))
        return view_by(_PERMUTE, input, tuple(order))
    if hasattr(source, "__index__") and hasattr(destination, "__index__"):
        source, destination = (source,), (destination,)
    elif not (isinstance(source, (tuple, list)) and isinstance(destination, (tuple, list))):
        given = f"Tensor, {type(source).__name__}, {type(destination).__name__}"
        raise TypeError(f"movedim() received an invalid combination of arguments - got ({given})")
    if len(source) != len(destination):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(source)} dims) should contain the same "
            "number of "
            f"dims as destination ({list(destination)} dims)"
        )
    taken, places = [wrap_dim(d, ndim) for d in source], [wrap_dim(d, ndim) for d in destination]
    for name, wrapped, given in (("source", taken, source), ("destination", places, destination)):
        if len(set(wrapped)) != len(wrapped):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({list(given)})")
    if not ndim:
        return ops.view(input, shape=())
    order = [d for d in range(ndim) if d not in taken]
    for place, d in sorted(zip(places, taken)):
        order.insert(place, d)
    return view_by(_PERMUTE, input, tuple(order))


def moveaxis(input, source, destination):
    """The same as `movedim`."""
    return movedim(input, source, destination)


# -- strides


def as_strided(input, size, stride, storage_offset=None):
    """A view of the storage with the given sizes, and strides and offset counted in elements; entries may overlap.

    Raises RuntimeError where the view would reach beyond the storage.
    """
    check_tensor(input, "as_strided")
    size, stride = listed_size(size, "as_strided"), listed_size(stride, "as_strided", "stride")
    if transforms_entered(0):
        level_of((input,))
    base, own = input, 0
    if input.view_of is not None:
        base = input.view_of.base
        own = storage_geometry(input._array, base._array)["storage_offset"]
    offset = own if storage_offset is None else storage_offset
    check_strides(base._array, size, stride, offset)
    if offset < own:
        input, own = base, 0
    array = input._array
    steps = None if array.flags.c_contiguous else tuple([s // array.itemsize for s in array.strides])
    params = {"size": size, "stride": stride, "storage_offset": offset - own, "base_stride": steps}
    return apply(strided.as_strided, (input,), params)


def check_strides(storage, size, stride, offset):
    """Raise where no such view of the memory of an array can be."""
    try:
        if storage.flags.c_contiguous and 0 <= strided.reach(size, stride, offset) <= storage.size:
            return
    except OverflowError:
        pass
    if len(size) == len(stride) and offset >= 0 and min(size, default=0) >= 0 and min(stride, default=0) >= 0:
        if storage.flags.c_contiguous and strided.extent(size, stride, offset) <= storage.size:
            return
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(s < 0 for s in stride):
        raise RuntimeError(f"as_strided: Negative strides are not supported at the moment, got strides: {list(stride)}")
    if any(n < 0 for n in size):
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(size)} and strides={list(stride)}")
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    step = storage.itemsize
    held = strided.extent(storage.shape, [s // step for s in storage.strides]) * step
    asked = strided.extent(size, stride, offset) * step
    if asked > held:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize {step} "
            "requiring a "
            f"storage size of {asked} are out of bounds for storage of size {held}"
        )


def unfold(input, dimension, size, step):
    """Windows of `size` entries along a dimension, `step` apart, as a new last dimension; a view."""
    shape = input._array.shape
    dim = wrap_dim(dimension, len(shape))
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    most = shape[dim] if shape else 1
    if size > most:
        raise RuntimeError(f"maximum size for tensor at dimension {dim} is {most} but size is {size}")
    return ops.unfold(input, dim=dim, size=size, step=step)


# -- in place: the tensor itself takes the other shape


def _becomes(input, made):
    """Give `input` the shape, and the history, of the view `made` of it."""
    errors.check_inference(input)
    recorded = grad_enabled() and input.requires_grad
    if recorded:
        errors.check_inplace(input)
        node = made.grad_fn
        input._grad_fn, input.output_nr, input._requires_grad = node, made.output_nr, True
    input._array = made._array
    written(input)
    if recorded and input.view_of is not None:
        input.view_of.version = input.versions.n
    return input


def squeeze_(input, dim=None):
    """Drop dimensions of size 1 in place."""
    return _becomes(input, squeeze(input, dim))


def unsqueeze_(input, dim):
    """Add a dimension of size 1 in place."""
    return _becomes(input, unsqueeze(input, dim))


def transpose_(input, dim0, dim1):
    """Swap two dimensions in place."""
    return _becomes(input, transpose(input, dim0, dim1))


def swapaxes_(input, axis0, axis1):
    """Swap two dimensions in place."""
    return transpose_(input, axis0, axis1)


def t_(input):
    """Transpose the matrix in place."""
    if input._array.ndim > 2:
        raise RuntimeError(f"t_() expects a tensor with <= 2 dimensions, but self is {input._array.ndim}D")
    return _becomes(input, t(input))


def as_strided_(input, size, stride, storage_offset=None):
    """Take other sizes and strides in place."""
    return _becomes(input, as_strided(input, size, stride, storage_offset))


def resolve_conj(input):
    """The tensor itself: conjugates are computed at once."""
    check_tensor(input, "resolve_conj")
    return input


def resolve_neg(input):
    """The tensor itself: negatives are computed at once."""
    check_tensor(input, "resolve_neg")
    return input


FUNCTIONS = (
    "adjoint", "as_strided", "flatten", "moveaxis", "movedim", "permute", "ravel", "reshape", "resolve_conj",
    "resolve_neg", "squeeze", "swapaxes", "swapdims", "t", "transpose", "unflatten", "unsqueeze",
)  # fmt: skip
METHODS = (*FUNCTIONS, "reshape_as", "unfold", "view", "view_as")
INPLACE = {
    "H": property(H), "T": property(numpy_T), "as_strided_": as_strided_, "mH": property(mH), "mT": property(mT),
    "squeeze_": squeeze_, "swapaxes_": swapaxes_, "swapdims_": transpose_, "t_": t_, "transpose_": transpose_,
    "unsqueeze_": unsqueeze_,
}  # fmt: skip
