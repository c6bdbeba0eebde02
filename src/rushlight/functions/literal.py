"""Tensors from what the program holds: numbers, nested lists, ndarrays, tensors, buffers."""

import warnings

import numpy as np

from .. import watching
from ..core import TensorBase, wrap
from ..device import check_cpu
from ..dtypes import COMPLEX, FLOATING, default_complex, get_default_dtype, int64, promote_types
from ..dtypes import bool_ as bool_dtype
from ..dtypes import of as dtype_of
from ..errors import coded
from ..kernels import load
from ..ops.hidden import Batched, values
from .options import check_place, finished, numpy_dtype, read_number, require_grad

_literals = load("literals")
_NUMBERS = frozenset((bool, int, float, complex))
_COPIED = (
    "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
    "sourceTensor.detach().clone().requires_grad_(True), rather than {}(sourceTensor)."
)

_SLOW = (
    "Creating a tensor from a list of numpy.ndarrays is extremely slow. Please consider converting the list to a "
    "single "
    "numpy.ndarray with numpy.array() before converting to a tensor."
)


def tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False):
    """A new tensor with a copy of `data`: a number, nested sequences of numbers, an ndarray or another tensor.

    The dtype is int64 for ints, the default dtype for floats, bool for bools; an ndarray keeps its own. Raises
    ValueError for sequences of unequal lengths, TypeError for data that is not numeric.

    >>> import rushlight
    >>> rushlight.tensor([[1.0, 2.0], [3.0, 4.0]])
    tensor([[1., 2.],
            [3., 4.]])
    """
    if device is not None or pin_memory:
        check_place("tensor", device, None, pin_memory)
    if dtype is not None:
        dtype = numpy_dtype(dtype, "tensor")
    if isinstance(data, TensorBase):
        warnings.warn(_COPIED.format("torch.tensor"), UserWarning, stacklevel=2)
    result = finished(copied(data, dtype), requires_grad)
    if watching.in_force and isinstance(data, TensorBase):
        watching.note("tensor", data, result)
    return result


def new_tensor(input, data, *, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False):
    """A new tensor with a copy of `data`, in the dtype of this tensor unless another is given."""
    check_place("new_tensor", device, layout, pin_memory)
    if isinstance(data, TensorBase):
        warnings.warn(_COPIED.format("tensor.new_tensor"), UserWarning, stacklevel=2)
    return finished(copied(data, numpy_dtype(dtype, "new_tensor", input._array.dtype)), requires_grad, "new_tensor")


def as_tensor(data, dtype=None, device=None):
    """`data` as a tensor, sharing its memory where it is a tensor or an ndarray of the wanted dtype.

    >>> import rushlight
    >>> x = rushlight.ones(2)
    >>> rushlight.as_tensor(x) is x
    True
    """
    if isinstance(data, TensorBase):
        return data.to(device=device, dtype=dtype) if dtype is not None or device is not None else data
    check_cpu(device, "as_tensor(): argument 'device'")
    wanted = None if dtype is None else numpy_dtype(dtype, "as_tensor")
    if isinstance(data, np.ndarray) and (wanted is None or data.dtype == wanted):
        return from_numpy(data)
    return wrap(copied(data, wanted))


def asarray(obj, *, dtype=None, device=None, copy=None, requires_grad=None):
    """`obj` as a tensor: shared where that is possible unless copy=True, never copied where copy=False.

    Raises ValueError where copy=False and a copy is needed.
    """
    check_cpu(device, "asarray(): argument 'device'")
    wanted = None if dtype is None else numpy_dtype(dtype, "asarray")
    if isinstance(obj, TensorBase):
        return _tensor_as(obj, wanted, copy, requires_grad)
    shared = _shared(obj, wanted)
    if shared is None:
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        return finished(copied(obj, wanted), bool(requires_grad), "asarray")
    array = shared
    if wanted is not None and array.dtype != wanted:
        _refuse_alias(copy, array.dtype, wanted)
        array = _cast(array, wanted)
    elif copy:
        array = array.copy()
    return finished(array, bool(requires_grad), "asarray")


def _tensor_as(x, wanted, copy, requires_grad):
    if wanted is not None and x._array.dtype != wanted:
        _refuse_alias(copy, x._array.dtype, wanted)
        x = x.to(dtype_of(wanted))
    elif copy:
        x = x.clone()
    if requires_grad is None:
        if x.requires_grad:
            warnings.warn(
                "torch.asarray: unspecified requires_grad now defaults to obj.requires_grad instead of False. Pass "
                "requires_grad=False explicitly to get the old behavior and silence this warning.",
                UserWarning,
                stacklevel=3,
            )
        return x
    if requires_grad and not x.requires_grad:
        return require_grad(x.detach(), True, "asarray")
    return x if requires_grad else x.detach()


def _refuse_alias(copy, own, wanted):
    if copy is False:
        raise ValueError(
            f"can't alias tensor with dtype '{dtype_of(own).scalar_type}' into dtype '{dtype_of(wanted).scalar_type}'."
        )


def _shared(obj, wanted):
    """An array over the memory of an ndarray or buffer; None for anything else."""
    if isinstance(obj, np.ndarray):
        _check_array(obj)
        return obj
    if isinstance(obj, (bytes, bytearray, memoryview)) and len(obj):
        return np.frombuffer(obj, get_default_dtype().numpy if wanted is None else wanted)
    return None


def from_numpy(ndarray):
    """A tensor over the memory of an ndarray: a write to one is seen in the other.

    Raises TypeError for anything but an ndarray of a dtype that tensors have, ValueError for negative strides and
    foreign byte orders; warns where the array is read-only.

    >>> import numpy, rushlight
    >>> rushlight.from_numpy(numpy.ones(2))
    tensor([1., 1.], dtype=rushlight.float64)
    """
    if not isinstance(ndarray, np.ndarray):
        name = type(ndarray).__name__
        raise TypeError(f"expected np.ndarray (got {f'numpy.{name}' if isinstance(ndarray, np.generic) else name})")
    _check_array(ndarray)
    if not ndarray.flags.writeable:
        warnings.warn(
            "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means "
            "writing "
            "to this tensor will result in undefined behavior. You may want to copy the array to protect its data or "
            "make "
            "it writable before converting it to a tensor.",
            UserWarning,
            stacklevel=2,
        )
    return wrap(np.asarray(ndarray))


def _check_array(array):
    dtype_of(array.dtype)
    for stride in array.strides:
        if stride < 0:
            raise ValueError(
                "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
                "currently supported. (You can probably work around this by making a copy of your array  with "
                "array.copy().) "
            )


def frombuffer(buffer, *, dtype, count=-1, offset=0, requires_grad=False):
    """A 1-D tensor over the memory of an object with Python's buffer interface.

    Raises ValueError where the buffer is empty, or shorter than `offset` and `count` ask for.
    """
    dtype = numpy_dtype(dtype, "frombuffer")
    view = memoryview(buffer).cast("B")
    if len(view) == 0 or count == 0:
        raise ValueError(f"both buffer length ({len(view)}) and count ({count}) must not be 0")
    if not 0 <= offset < len(view):
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({len(view)} bytes) "
            "minus 1"
        )
    if count < 0 and (len(view) - offset) % dtype.itemsize:
        raise ValueError(
            f"buffer length ({len(view) - offset} bytes) after offset ({offset} bytes) must be a multiple of element "
            "size "
            f"({dtype.itemsize})"
        )
    if count > 0 and offset + count * dtype.itemsize > len(view):
        raise ValueError(
            f"requested buffer length ({count} * {dtype.itemsize} bytes) after offset ({offset} bytes) must not be "
            "greater "
            f"than actual buffer length ({len(view)} bytes)"
        )
    return finished(np.frombuffer(view, dtype, count, offset), requires_grad, "frombuffer")


def scalar_tensor(s, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
    """A 0-dim tensor of one number, in the default dtype unless `dtype` is given."""
    check_place("scalar_tensor", device, layout, pin_memory)
    value = read_number(s, "scalar_tensor", "s", 1)
    return finished(copied(value, numpy_dtype(dtype, "scalar_tensor")), requires_grad, "scalar_tensor")


# -- reading data


def copied(data, dtype):
    """A new array of `data`, in the NumPy dtype given or else the one inferred."""
    kind = type(data)
    if kind is list and _literals is not None:
        out = _literals.floats(data, get_default_dtype().numpy if dtype is None else dtype)
        if out is not NotImplemented:
            return out
    if kind in _NUMBERS:
        return _of_numbers(data, dtype, _scalar_dtype({kind}))
    if kind is list and data and _NUMBERS.issuperset(kinds := set(map(type, data))):
        return _of_numbers(data, dtype, _scalar_dtype(kinds))
    if isinstance(data, TensorBase):
        if type(data._array) is Batched:
            copy = data.detach().clone()
            return (copy if dtype is None else copy.to(dtype_of(dtype)))._array
        return _cast(data._array, dtype)
    if isinstance(data, np.ndarray):
        _check_array(data)
        return _cast(data, dtype)
    if isinstance(data, (str, bytes)):
        raise coded("RL334", TypeError(f"new(): invalid data type '{kind.__name__}'"))
    if isinstance(data, np.generic):
        return _cast(np.asarray(data), dtype)
    if hasattr(data, "__array__") or hasattr(data, "__array_interface__"):
        return _cast(np.asarray(data), dtype)
    if hasattr(data, "__dlpack__"):
        return _cast(np.from_dlpack(data), dtype)
    if not _is_sequence(data):
        if hasattr(data, "__index__") or hasattr(data, "__float__"):
            return _of_numbers(_plain_number(data), dtype, None)
        raise coded("RL334", RuntimeError(f"Could not infer dtype of {kind.__name__}"))
    return _of_sequence(data, dtype)


def _cast(array, dtype):
    dtype_of(array.dtype if dtype is None else dtype)
    if dtype is None or dtype == array.dtype:
        return np.array(array, order="K", subok=False)
    if array.dtype.kind == "c" and dtype.kind != "c":
        array = array.real
    with np.errstate(all="ignore"):
        return array.astype(dtype)


def _is_sequence(data):
    return type(data) is list or (
        hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, (dict, set))
    )


def _plain_number(data):
    return data.__index__() if hasattr(data, "__index__") else data.__float__()


def _of_sequence(data, dtype):
    if len(data) and isinstance(data[0], np.ndarray) and data[0].ndim and set(map(type, data)) == {np.ndarray}:
        warnings.warn(_SLOW, UserWarning, stacklevel=4)
        if len({part.shape for part in data}) == 1:
            return _cast(np.array(data), dtype)
    shape = _shape_of(data)
    if len(shape) > 64:
        raise coded("RL334", ValueError(f"too many dimensions '{type(data).__name__}'"))
    kinds = set()
    leaves = [data]
    for axis, n in enumerate(shape):
        inner = []
        for part in leaves:
            if not _is_sequence(part):
                raise TypeError("not a sequence")
            if len(part) != n:
                raise coded("RL333", ValueError(f"expected sequence of length {n} at dim {axis} (got {len(part)})"))
            inner.append(part)
        if axis < len(shape) - 1:
            leaves = [entry for part in inner for entry in part]
    for part in leaves:
        kinds.update(map(type, part))
    if not kinds:
        return np.empty(shape, get_default_dtype().numpy if dtype is None else dtype)
    if kinds <= _NUMBERS:
        return _of_numbers(data, dtype, _scalar_dtype(kinds))
    return _of_mixed(leaves, shape, dtype)


def _shape_of(data):
    """The shape that the first entries of nested sequences have."""
    shape = []
    while _is_sequence(data) and not isinstance(data, TensorBase):
        if isinstance(data, (str, bytes)):
            raise coded("RL334", ValueError(f"too many dimensions '{type(data).__name__}'"))
        if isinstance(data, np.ndarray):
            return (*shape, *data.shape)
        shape.append(len(data))
        if not shape[-1]:
            break
        if len(shape) > 128:
            raise coded("RL334", ValueError(f"too many dimensions '{type(data).__name__}'"))
        data = data[0]
    return tuple(shape)


def _scalar_dtype(kinds):
    if complex in kinds:
        return default_complex()
    if float in kinds:
        return get_default_dtype()
    return int64 if int in kinds else bool_dtype


def _of_numbers(data, dtype, inferred):
    """An array of Python numbers and nested lists of nothing else."""
    if inferred is None:
        inferred = _scalar_dtype({type(data)})
    target = inferred.numpy if dtype is None else dtype
    if inferred.category == COMPLEX and target.kind != "c":
        raise TypeError("must be real number, not complex")
    try:
        if inferred.category == FLOATING and target.kind in "iu":
            return _truncated(np.array(data, np.float64), target)
        if target.itemsize < 4 or target.kind == "c":
            return _by_way_of_wide(data, inferred, target)
        with np.errstate(all="ignore"):
            return np.array(data, target)
    except OverflowError:
        if inferred is int64 and dtype is not None and target.kind in "iu" and target.itemsize < 8:
            raise _beyond(target) from None
        raise ValueError("Overflow when unpacking long long") from None


def _by_way_of_wide(data, inferred, target):
    """The same for dtypes into which NumPy does not round or wrap Python's numbers as PyTorch does."""
    if inferred is int64:
        wide = np.array(data, np.int64)
        if target.kind in "iu":
            limit = 2 ** (8 * target.itemsize)
            high = limit - 1 if target.kind == "u" else limit // 2 - 1
            if wide.size and (wide.max() > high or wide.min() < -high - (target.kind == "i")):
                raise _beyond(target)
    else:
        wide = np.array(data)
    with np.errstate(all="ignore"):
        return wide.astype(target)


def _truncated(values, target):
    limit = 2.0 ** (8 * target.itemsize - (target.kind == "i"))
    # Of 64 bits the greatest number is no double: the nearest one is the limit itself.
    high = np.nextafter(limit, 0) if target.itemsize == 8 else limit - 1
    if not ((values >= (0 if target.kind == "u" else -limit)) & (values <= high)).all():
        raise _beyond(target)
    return values.astype(np.int64).astype(target)


def _beyond(target):
    return RuntimeError(f"value cannot be converted to type {dtype_of(target).name} without overflow")


def _of_mixed(leaves, shape, dtype):
    """An array of sequences that hold tensors, ndarrays or NumPy numbers too."""
    arrays, found = [], None
    for part in leaves:
        for entry in part:
            array, own = _entry(entry)
            found = own if found is None else promote_types(found, own)
            arrays.append(array)
    target = found.numpy if dtype is None else dtype
    return np.array([_cast(array, target) for array in arrays], target).reshape(shape)


def _entry(entry):
    """(array, dtype) of one entry of a list."""
    if isinstance(entry, TensorBase):
        if entry._array.size != 1:
            raise coded("RL343", ValueError("only one element tensors can be converted to Python scalars"))
        return values(entry._array).reshape(()), entry.dtype
    if isinstance(entry, (np.ndarray, np.generic)):
        return np.asarray(entry), dtype_of(entry.dtype)
    if type(entry) in _NUMBERS:
        return np.asarray(entry), _scalar_dtype({type(entry)})
    if isinstance(entry, (str, bytes)):
        raise coded("RL334", ValueError(f"too many dimensions '{type(entry).__name__}'"))
    if _is_sequence(entry):
        raise TypeError(f"'{type(entry).__name__}' object cannot be interpreted as an integer")
    if hasattr(entry, "__index__") or hasattr(entry, "__float__"):
        return _entry(_plain_number(entry))
    raise coded("RL334", RuntimeError(f"Could not infer dtype of {type(entry).__name__}"))


FUNCTIONS = ("as_tensor", "asarray", "from_numpy", "frombuffer", "scalar_tensor", "tensor")
METHODS = ("new_tensor",)
INPLACE = {}
