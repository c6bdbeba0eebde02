"""Tensors as other dtypes, copies of them, and writes over all of their elements."""

import warnings

from .. import dtypes
from ..core import TensorBase, inplace
from ..device import as_device, channels_last, channels_last_3d, check_cpu, contiguous_format, preserve_format
from ..device import device as device_class
from ..dtypes import as_dtype
from ..ops import copying
from ..ops.declare import renamed
from ..spelling import spell
from .arguments import check_flags, check_tensor
from .creation import empty_as
from .options import check_fits, read_number


def to(input, *args, device=None, dtype=None, non_blocking=False, copy=False, memory_format=None, other=None):
    """This tensor in another dtype: `to(dtype)`, `to(device, dtype)` or `to(other)`; itself where nothing changes.

    `copy=True` makes a new tensor in any case. Raises as PyTorch does for devices that there are none of.

    >>> import rushlight
    >>> rushlight.ones(2).to(rushlight.int64)
    tensor([1, 1])
    """
    if len(args) == 1 and args[0].__class__ is dtypes.dtype and not copy and memory_format is None and device is None:
        return _converted(input, args[0].numpy)
    check_flags("to", None, non_blocking=non_blocking, copy=copy)
    for position, value in enumerate(args):
        if isinstance(value, TensorBase) and position == 0:
            other = value
        elif isinstance(value, bool):
            copy = copy or (value and any(isinstance(v, bool) for v in args[:position]))
        elif position == 0 and isinstance(value, (device_class, str, int)) and value not in dtypes.NAMES:
            device = value
        elif value is not None or position > 1:
            dtype = as_dtype(value, "to(): argument 'dtype'")
    if other is not None:
        dtype = other.dtype
    if device is not None:
        check_cpu(device, "to(): argument 'device'")
    target = input._array.dtype if dtype is None else as_dtype(dtype, "to(): argument 'dtype'").numpy
    return _converted(input, target, copy, memory_format)


def _converted(input, target, copy=False, memory_format=None):
    """`input` as the NumPy dtype `target`."""
    own = input._array.dtype
    if own == target and not copy:
        converted = input
    else:
        if own.kind == "c" and target.kind != "c":
            warn_imaginary()
        converted = copying.to_dtype(input, dtype=target)
    if memory_format is None or memory_format is preserve_format:
        return converted
    return contiguous(converted, memory_format=memory_format)


def warn_imaginary():
    warnings.warn("Casting complex values to real discards the imaginary part", UserWarning, stacklevel=4)


def _converter(name, dtype):
    def convert(input, memory_format=None):
        if input._array.dtype is dtype.numpy:
            return input
        return _converted(input, dtype.numpy, False, memory_format)

    convert.__name__ = convert.__qualname__ = name
    convert.__doc__ = f"This tensor as {dtype.name}; itself where it is so already."
    return convert


def type_(input, dtype=None, non_blocking=False):
    """The tensor's type as a string, or the tensor as another dtype."""
    check_flags("type", 3, non_blocking=non_blocking)
    if dtype is None:
        return spell(f"{input.dtype.scalar_type}Tensor")
    if isinstance(dtype, str) and dtype.endswith("Tensor"):
        return _converted(input, _named_type(dtype).numpy)
    return _converted(input, as_dtype(dtype, "type(): argument 'dtype'").numpy)


def _named_type(name):
    wanted = name.rpartition(".")[2].removesuffix("Tensor")
    for dtype in dtypes.DTYPES:
        if dtype.scalar_type == wanted:
            return dtype
    raise ValueError(f"invalid type: '{name}'")


def type_as(input, other):
    """This tensor in the dtype of `other`."""
    check_tensor(other, "type_as", 1, "other")
    return _converted(input, other._array.dtype)


def cpu(input, memory_format=None):
    """This tensor: it is on the CPU already."""
    return _converted(input, input._array.dtype, False, memory_format)


def cuda(input, device=None, non_blocking=False, memory_format=None):
    """Raises AssertionError: rushlight computes on the CPU."""
    check_cpu("cuda" if device is None else as_device(device))


def contiguous(input, memory_format=contiguous_format):
    """This tensor if its elements lie in row-major order, else a copy that does.

    >>> import rushlight
    >>> rushlight.ones(2, 3).t().contiguous().stride()
    (2, 1)
    """
    if memory_format is contiguous_format:
        return input if input._array.flags.c_contiguous else copying.clone(input, order="C")
    if memory_format is preserve_format:
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    model = empty_as(input._array, input._array.dtype, memory_format)
    if model.strides == input._array.strides:
        return input
    return clone(input, memory_format=memory_format)


# How the dimensions follow in memory.
_ORDERS = {channels_last: (0, 2, 3, 1), channels_last_3d: (0, 2, 3, 4, 1)}


def clone(input, *, memory_format=preserve_format):
    """A copy of the tensor, recorded: the gradient goes through to the original.

    >>> import rushlight
    >>> rushlight.ones(2).clone()
    tensor([1., 1.])
    """
    check_tensor(input, "clone")
    array = input._array
    if memory_format is None or memory_format is preserve_format:
        return copying.clone(input, order="C") if 0 in array.strides else copying.clone(input)
    if memory_format is contiguous_format:
        return copying.clone(input, order="C")
    order = _ORDERS.get(memory_format)
    if order is None or len(order) != array.ndim:
        # Raises, in the words that an allocation has for it.
        empty_as(array, array.dtype, memory_format)
    return copying.clone(input, order=order)


def copy_(input, other, non_blocking=False):
    """Write the elements of `other`, broadcast and cast, into this tensor."""
    if not isinstance(other, TensorBase):
        raise TypeError(f"copy_(): argument 'other' (position 1) must be Tensor, not {other.__class__.__name__}")
    if non_blocking is not False:
        check_flags("copy_", 3, non_blocking=non_blocking)
    if other._array.dtype.kind == "c" and input._array.dtype.kind in "iubfV":
        warn_imaginary()
    return inplace(copying.copy, input, (other,), {})


def fill_(input, value):
    """Write one number into every element."""
    if isinstance(value, TensorBase):
        if value._array.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with {value._array.ndim} dimensions."
            )
        return inplace(_fill_tensor_, input, (value,), {})
    value = read_number(value, "fill_", "value", 1)
    return inplace(_fill_, input, (check_fits(value, input._array.dtype),), {})


def fill(input, value):
    """A tensor of the shape and dtype of `input`, every element one number."""
    check_tensor(input, "fill")
    if isinstance(value, TensorBase):
        if value._array.ndim:
            raise RuntimeError(
                f"fill only supports 0-dimension value tensor but got tensor with {value._array.ndim} dimensions."
            )
        return _fill_tensor(input, value)
    return copying.fill(input, check_fits(read_number(value, "fill", "value", 2), input._array.dtype))


_fill_tensor = renamed(copying.fill, "FillBackward1")
_fill_, _fill_tensor_ = renamed(copying.fill, "FillBackward2"), renamed(copying.fill, "FillBackward3")


def zero_(input):
    """Write zero into every element."""
    return inplace(copying.zero, input, (), {})


_CONVERTERS = {
    "bfloat16": dtypes.bfloat16, "bool": dtypes.bool_, "byte": dtypes.uint8, "cdouble": dtypes.complex128,
    "cfloat": dtypes.complex64, "char": dtypes.int8, "double": dtypes.float64, "float": dtypes.float32,
    "half": dtypes.float16, "int": dtypes.int32, "long": dtypes.int64, "short": dtypes.int16,
}  # fmt: skip
FUNCTIONS = ("clone", "fill", "fill_", "zero_")
METHODS = ("clone", "contiguous", "cpu", "cuda", "to", "type_as")
INPLACE = {"copy_": copy_, "fill_": fill_, "type": type_, "zero_": zero_} | {
    name: _converter(name, dtype) for name, dtype in _CONVERTERS.items()
}
