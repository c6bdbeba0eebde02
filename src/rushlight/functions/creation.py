"""Tensors of given sizes: zeros, ones, full, empty, eye, their *_like and new_* forms."""

import numpy as np

from .. import errors
from ..allocation import LARGEST, SizeError, checked
from ..core import TensorBase, wrap, written
from ..device import channels_last, channels_last_3d, contiguous_format, preserve_format
from ..ops.copying import empty as kept
from ..ops.copying import write
from ..ops.copying import zeros as cleared
from ..ops.strided import reach, strided
from .arguments import check_tensor
from .options import (
    allocate,
    check_fits,
    check_place,
    finished,
    listed_size,
    number_dtype,
    numpy_dtype,
    read_number,
    read_size,
)


def zeros(
    *args, size=None, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False
):  # fmt: skip
    """A tensor of zeros of the given size, in the default dtype unless `dtype` is given.

    Raises RuntimeError for a negative size and one that memory cannot hold.

    >>> import rushlight
    >>> rushlight.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    size = read_size(args, size, "zeros")
    check_place("zeros", device, layout, pin_memory)
    array = allocate(cleared, size, dtype_beside(out, dtype, "zeros"), "zeros")
    return finished(array, requires_grad, "zeros", out)


def ones(*args, size=None, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """A tensor of ones of the given size.

    >>> import rushlight
    >>> rushlight.ones(2, dtype=rushlight.int64)
    tensor([1, 1])
    """
    size = read_size(args, size, "ones")
    check_place("ones", device, layout, pin_memory)
    array = _filled(size, 1, dtype_beside(out, dtype, "ones"))
    return finished(array, requires_grad, "ones", out)


def empty(
    *args, size=None, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False,
    memory_format=None,
):  # fmt: skip
    """A tensor of the given size whose elements are whatever the memory held.

    >>> import rushlight
    >>> rushlight.empty(2, 3).shape
    rushlight.Size([2, 3])
    """
    size = read_size(args, size, "empty")
    check_place("empty", device, layout, pin_memory)
    array = allocate(_maker(memory_format, size), size, dtype_beside(out, dtype, "empty"))
    return finished(array, requires_grad, "empty", out)


def full(
    size, fill_value, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False
):  # fmt: skip
    """A tensor of the given size filled with one number, in that number's dtype unless `dtype` is given.

    Raises RuntimeError where the dtype cannot hold the number.

    >>> import rushlight
    >>> rushlight.full((2,), 7)
    tensor([7, 7])
    """
    size = listed_size(size, "full")
    value = read_number(fill_value, "full", "fill_value", 2)
    check_place("full", device, layout, pin_memory)
    if dtype is None and out is None:
        dtype = number_dtype(value)
    return finished(_filled(size, value, dtype_beside(out, dtype, "full")), requires_grad, "full", out)


def eye(n, m=None, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """The identity matrix of n rows and m (or n) columns.

    >>> import rushlight
    >>> rushlight.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    for name, value in (("n", n), ("m", m)):
        if value is not None and (isinstance(value, bool) or not hasattr(value, "__index__")):
            raise TypeError(f"eye(): argument '{name}' (position 1) must be int, not {type(value).__name__}")
    m = n if m is None else m
    for name, value in (("n", n), ("m", m)):
        if value < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {value}")
    check_place("eye", device, layout, pin_memory)
    array = allocate(np.zeros, (int(n), int(m)), dtype_beside(out, dtype, "eye"))
    array.reshape(-1)[: min(n, m) * m : m + 1] = 1
    return finished(array, requires_grad, "eye", out)


def empty_strided(
    size, stride, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False
):  # fmt: skip
    """A tensor of unset elements with the given steps, counted in elements, along each dimension.

    >>> import rushlight
    >>> rushlight.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    size, stride = listed_size(size, "empty_strided"), listed_size(stride, "empty_strided", "stride")
    check_place("empty_strided", device, layout, pin_memory)
    return finished(strided_array(size, stride, numpy_dtype(dtype, "empty_strided")), requires_grad, "empty_strided")


def empty_permuted(
    size, physical_layout, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False
):  # fmt: skip
    """A tensor of unset elements whose dimensions lie in memory in the order of `physical_layout`."""
    size = listed_size(size, "empty_permuted")
    order = listed_size(physical_layout, "empty_permuted", "physical_layout")
    if len(order) != len(size):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
            f"{len(size)} "
            f"is not equal to len(physical_layout) = {len(order)}"
        )
    if sorted(order) != list(range(len(size))):
        raise RuntimeError(f"Duplicate dim not allowed, or dimension out of range, in physical_layout {list(order)}")
    check_place("empty_permuted", device, layout, pin_memory)
    laid = allocate(np.empty, tuple([size[d] for d in order]), numpy_dtype(dtype, "empty_permuted"))
    return finished(laid.transpose(np.argsort(order)), requires_grad, "empty_permuted")


def strided_array(size, stride, dtype):
    """An unset array of that shape whose strides, in elements, are as given."""
    try:
        held = reach(size, stride, 0)
    except OverflowError:
        held = -1
    if held >= 0:
        return strided(allocate(kept, (held,), dtype), size, stride, 0)
    if len(size) != len(stride):
        raise RuntimeError(
            f"dimensionality of sizes ({len(size)}) must match dimensionality of strides ({len(stride)})"
        )
    checked(size, dtype.itemsize)
    held = 0 if 0 in size else 1 + sum((n - 1) * s for n, s in zip(size, stride))
    if any(s < 0 for s in stride) or held * dtype.itemsize > LARGEST:
        raise SizeError(f"Storage size calculation overflowed with sizes={list(size)} and strides={list(stride)}")
    storage = allocate(kept, (held,), dtype)
    return strided(storage, size, stride, 0)


def zeros_like(
    input, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False, memory_format=None
):  # fmt: skip
    """Zeros in the shape, dtype and order in memory of `input`.

    >>> import rushlight
    >>> rushlight.zeros_like(rushlight.ones(2))
    tensor([0., 0.])
    """
    return finished(
        _like(input, "zeros_like", 0, dtype, layout, device, pin_memory, memory_format),
        requires_grad,
        "zeros_like",
    )


def ones_like(
    input, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False, memory_format=None
):  # fmt: skip
    """Ones in the shape, dtype and order in memory of `input`.

    >>> import rushlight
    >>> rushlight.ones_like(rushlight.zeros(2))
    tensor([1., 1.])
    """
    return finished(
        _like(input, "ones_like", 1, dtype, layout, device, pin_memory, memory_format),
        requires_grad,
        "ones_like",
    )


def full_like(
    input, fill_value, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False,
    memory_format=None,
):  # fmt: skip
    """One number in the shape, dtype and order in memory of `input`."""
    check_tensor(input, "full_like")
    value = read_number(fill_value, "full_like", "fill_value", 2)
    check_fits(value, numpy_dtype(dtype, "full_like", input._array.dtype))
    return finished(
        _like(input, "full_like", value, dtype, layout, device, pin_memory, memory_format),
        requires_grad,
        "full_like",
    )


def empty_like(
    input, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False, memory_format=None
):  # fmt: skip
    """Unset elements in the shape, dtype and order in memory of `input`."""
    return finished(
        _like(input, "empty_like", None, dtype, layout, device, pin_memory, memory_format),
        requires_grad,
        "empty_like",
    )


def new_zeros(
    input, *args, size=None, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False
):  # fmt: skip
    """Zeros of the given size in the dtype of this tensor."""
    size = read_size(args, size, "new_zeros")
    check_place("new_zeros", device, layout, pin_memory)
    dtype = input._array.dtype if dtype is None else numpy_dtype(dtype, "new_zeros")
    return finished(allocate(np.zeros, size, dtype), requires_grad, "new_zeros")


def new_ones(
    input, *args, size=None, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False
):  # fmt: skip
    """Ones of the given size in the dtype of this tensor."""
    size = read_size(args, size, "new_ones")
    check_place("new_ones", device, layout, pin_memory)
    return finished(_filled(size, 1, numpy_dtype(dtype, "new_ones", input._array.dtype)), requires_grad, "new_ones")


def new_empty(
    input, *args, size=None, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False
):  # fmt: skip
    """Unset elements of the given size in the dtype of this tensor."""
    size = read_size(args, size, "new_empty")
    check_place("new_empty", device, layout, pin_memory)
    array = allocate(kept, size, numpy_dtype(dtype, "new_empty", input._array.dtype))
    return finished(array, requires_grad, "new_empty")


def new_full(
    input, size, fill_value, *, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False
):  # fmt: skip
    """One number in the given size, in the dtype of this tensor."""
    size = listed_size(size, "new_full")
    value = read_number(fill_value, "new_full", "fill_value", 2)
    check_place("new_full", device, layout, pin_memory)
    array = _filled(size, value, numpy_dtype(dtype, "new_full", input._array.dtype))
    return finished(array, requires_grad, "new_full")


def new_empty_strided(
    input, size, stride, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False
):  # fmt: skip
    """Unset elements with the given steps along each dimension, in the dtype of this tensor."""
    size, stride = listed_size(size, "new_empty_strided"), listed_size(stride, "new_empty_strided", "stride")
    check_place("new_empty_strided", device, layout, pin_memory)
    array = strided_array(size, stride, numpy_dtype(dtype, "new_empty_strided", input._array.dtype))
    return finished(array, requires_grad, "new_empty_strided")


def resize_(input, *args, size=None, memory_format=None):
    """Give this tensor another size in place: elements are kept in order, new ones are unset."""
    size = read_size(args, size, "resize_")
    if input.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    if input._array.shape != size:
        errors.check_inference(input)
    old = input._array
    new = allocate(kept, size, old.dtype)
    both = min(old.size, new.size)
    if both:
        new.reshape(-1)[:both] = old.reshape(-1)[:both]
    if old.shape != new.shape:
        input._array = old.reshape(-1)[: new.size].reshape(size) if _shrinks(old, new) else new
    written(input)
    return input


def _shrinks(old, new):
    return new.size <= old.size and old.flags.c_contiguous


def resize_as_(input, the_template, *, memory_format=None):
    """Give this tensor the size of another, in place."""
    check_tensor(input, "resize_as_")
    check_tensor(the_template, "resize_as_", 1, "the_template")
    return resize_(input, the_template._array.shape)


def dtype_beside(out, dtype, function):
    if out is None:
        return numpy_dtype(dtype, function)
    if not isinstance(out, TensorBase):
        raise TypeError(f"{function}(): argument 'out' must be Tensor, not {type(out).__name__}")
    own = out._array.dtype
    if dtype is not None and numpy_dtype(dtype, function) != own:
        asked = wrap(np.empty(0, numpy_dtype(dtype, function))).dtype
        raise RuntimeError(f"dtype {asked.scalar_type} does not match dtype of out parameter ({out.dtype.scalar_type})")
    return own


def _filled(size, value, dtype):
    value = check_fits(value, dtype)
    array = allocate(kept, size, dtype)
    if dtype.kind != "f" or dtype.itemsize < 4 or array.size > _LONG:
        with np.errstate(all="ignore"):
            value = np.asarray(value).astype(dtype)
    if array.size > _LONG:
        write(array, value)
    else:
        array.fill(value)
    return array


# Elements that are worth the threads that `write` shares them among.
_LONG = 1 << 16


def _maker(memory_format, size):
    """What allocates in the order of memory that a `memory_format=` asks for."""
    if memory_format is None or memory_format is contiguous_format:
        return kept
    for asked, rank, name in ((channels_last, 4, "channels_last"), (channels_last_3d, 5, "channels_last_3d")):
        if memory_format is asked:
            if len(size) != rank:
                raise RuntimeError(f"required rank {rank} tensor to use {name} format")
            return _channels_last
    raise RuntimeError("unsupported memory format option preserve_format")


def _channels_last(size, dtype):
    return np.moveaxis(kept((size[0], *size[2:], size[1]), dtype), -1, 1)


def _like(input, function, value, dtype, layout, device, pin_memory, memory_format):
    check_tensor(input, function)
    check_place(function, device, layout, pin_memory)
    model = input._array
    array = empty_as(model, numpy_dtype(dtype, function, model.dtype), memory_format)
    if value is None:
        return array
    if array.size > _LONG:
        write(array, np.asarray(value).astype(array.dtype))
    else:
        array.fill(value)
    return array


def empty_as(model, dtype, memory_format=None):
    """An unset array in the shape of `model`, and in its order of memory unless a format is given."""
    if memory_format is None or memory_format is preserve_format:
        if model.flags.c_contiguous or 0 in model.strides:
            return kept(model.shape, dtype)
        return np.empty_like(model, dtype)
    return allocate(_maker(memory_format, model.shape), model.shape, dtype)


FUNCTIONS = (
    "resize_as_",
    "empty", "empty_like", "empty_permuted", "empty_strided", "eye", "full", "full_like", "ones", "ones_like", "zeros",
    "zeros_like",
)  # fmt: skip
METHODS = ("new_empty", "new_empty_strided", "new_full", "new_ones", "new_zeros")
INPLACE = {"resize_": resize_, "resize_as_": resize_as_}
