"""What creation functions share: sizes, dtypes and devices as arguments, memory, numbers that must fit a dtype."""

import math
from operator import index

import numpy as np

from ..allocation import checked, out_of_memory
from ..bounds import LIMITS
from ..core import TensorBase, transforms_entered, wrap
from ..device import check_cpu, strided
from ..dtypes import (
    BOOL,
    COMPLEX,
    FLOATING,
    as_dtype,
    default_complex,
    float32,
    get_default_dtype,
    int64,
    result_dtype,
    scalar_category,
)
from ..dtypes import bool_ as bool_dtype
from ..dtypes import of as dtype_of
from ..errors import not_floating
from ..ops.batching import leaf_made
from .arguments import check_flags, check_number, check_out, check_tensor_out, refuse_histories, write_out

_INTS = frozenset((int,))


def read_size(args, size, function):
    """A tuple of ints from `f(2, 3)`, `f((2, 3))` or `f(size=(2, 3))`; TypeError in PyTorch's words otherwise."""
    if size is not None:
        if args:
            raise TypeError(f"{function}() got multiple values for argument 'size'")
        args = (size,)
    elif not args:
        raise TypeError(f'{function}() missing 1 required positional arguments: "size"')
    if _INTS.issuperset(map(type, args)):
        return args
    if isinstance(args[0], (tuple, list)):
        if len(args) > 1:
            raise TypeError(f"{function}() takes 1 positional argument but {len(args)} were given")
        return listed_size(args[0], function)
    return _indices(args, function, lambda n: f"(position 1) must be tuple of ints, not {n}")


def listed_size(size, function, name="size"):
    """A tuple of ints from a tuple or list of them; TypeError in PyTorch's words otherwise."""
    if not isinstance(size, (tuple, list)):
        raise TypeError(
            f"{function}(): argument '{name}' (position 1) must be tuple of ints, not {type(size).__name__}"
        )
    if _INTS.issuperset(map(type, size)):
        return tuple(size)
    return _indices(
        size,
        function,
        lambda n: f"(position 1) must be tuple of ints, but found element of type {n} at pos 0",
        name,
    )


def _indices(values, function, wrong, name="size"):
    found = []
    for value in values:
        if type(value) is bool or not hasattr(value, "__index__"):
            raise TypeError(f"{function}(): argument '{name}' {wrong(type(value).__name__)}")
        found.append(index(value))
    return tuple(found)


def allocate(make, size, dtype, function=None):
    """make(size, dtype) of NumPy, with PyTorch's words for sizes that are negative or too large."""
    total = checked(size, dtype.itemsize, "zeros" if function == "zeros" else None)
    if len(size) > 64:
        raise RuntimeError(f"a tensor may have at most 64 dimensions, but {len(size)} were asked for")
    try:
        return make(size, dtype)
    except MemoryError:
        raise out_of_memory(size, total) from None


def numpy_dtype(dtype, function, default=None):
    """The NumPy dtype of a `dtype=` argument; `default`, or the default dtype's, for None."""
    if dtype is None:
        return get_default_dtype().numpy if default is None else default
    return as_dtype(dtype, f"{function}(): argument 'dtype'").numpy


def check_place(function, device, layout, pin_memory):
    """Refuse devices, layouts and memory that there are none of."""
    if device is not None:
        check_cpu(device, f"{function}(): argument 'device'")
    if layout is not None and layout is not strided:
        raise TypeError(f"{function}(): argument 'layout' must be {strided!r}, not {layout!r}")
    if pin_memory is None or pin_memory is False:
        return
    check_flags(function, None, pin_memory=pin_memory)
    raise RuntimeError(
        "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is available on "
        "this system."
    )


def finished(array, requires_grad=False, function="tensor", out=None):
    """A fresh tensor (over `array` where it is none yet), or `out` filled with it."""
    result = array if isinstance(array, TensorBase) else wrap(array)
    if out is not None:
        check_tensor_out(out, function)
        refuse_histories(function, (out,))
        check_out(out, result)
        write_out(out, result, warns=False)
        result = out
    if requires_grad is False or requires_grad is None:
        return result
    return require_grad(result, requires_grad, function)


def require_grad(tensor, requires_grad, function="tensor"):
    """Switch recording on for a fresh tensor."""
    check_flags(function, None, requires_grad=requires_grad)
    if requires_grad:
        if tensor._array.dtype.kind not in "fcV":
            raise not_floating("Only Tensors of floating point and complex dtype can require gradients")
        tensor._requires_grad = True
        if transforms_entered(0):
            leaf_made()
    return tensor


def read_number(value, function, name, position):
    """A Python number from a number or a 0-dim tensor without history."""
    if isinstance(value, TensorBase):
        if value._array.ndim == 0 and not value.requires_grad:
            return value._array.item()
    elif scalar_category(value) is not None:
        if type(value) is int:
            check_countable(value)
        return value.item() if isinstance(value, np.generic) else value
    raise TypeError(f"{function}(): argument '{name}' (position {position}) must be Number, not {type(value).__name__}")


def number_dtype(value):
    """The dtype of a tensor made of one Python number."""
    category = scalar_category(value)
    if category == BOOL:
        return bool_dtype
    if category == FLOATING:
        return get_default_dtype()
    return default_complex() if category == COMPLEX else int64


_C_NAMES = {
    "uint8": "uint8_t",
    "int8": "int8_t",
    "int16": "int16_t",
    "int32": "int",
    "int64": "int64_t",
    "float16": "c10::Half",
    "bfloat16": "c10::BFloat16",
    "float32": "float",
    "float64": "double",
    "complex64": "c10::complex<float>",
}


def check_fits(value, np_dtype):
    """The number, if a tensor of the dtype can hold it; RuntimeError in PyTorch's words if not."""
    dtype = dtype_of(np_dtype)
    if dtype.category == BOOL:
        return value
    if isinstance(value, int):
        check_countable(value)
    if dtype.category == COMPLEX:
        if dtype.name == "complex128" or (_within(value.real, float32) and _within(value.imag, float32)):
            return value
    elif value.imag == 0 and _within(value.real, dtype):
        return value.real
    raise beyond(dtype)


def check_countable(value):
    """OverflowError in PyTorch's words for an integer that no dtype holds."""
    if not -(1 << 63) <= value < 1 << 64:
        raise OverflowError("int too big to convert")


# Every floating dtype holds it.
SURE = 65504


def check_held(value, input):
    """Refuse a number, in PyTorch's words, that the dtype of a tensor beside it cannot hold."""
    if isinstance(value, TensorBase):
        return
    array = input._array
    if array.dtype.kind != "f" or isinstance(value, complex) or not -SURE <= value <= SURE:
        check_fits(value, result_dtype([array, value]).numpy)


def check_factors(function, beta, alpha, input):
    """The same for the two factors of a sum, which must be numbers."""
    if type(beta) is int and type(alpha) is int and beta == alpha == 1:
        return
    for name, factor in (("beta", beta), ("alpha", alpha)):
        check_number(factor, function, None, name)
        check_held(factor, input)


def beyond(dtype):
    return RuntimeError(f"value cannot be converted to type {_C_NAMES[dtype.name]} without overflow")


def _within(real, dtype):
    low, high = LIMITS[dtype.name]
    if dtype.category == FLOATING:
        return not math.isfinite(real) or low <= real <= high
    # Negative whole numbers wrap around in unsigned dtypes, as in C.
    return (-high if low == 0 and not isinstance(real, float) else low) <= real <= high
