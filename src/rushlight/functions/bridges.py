"""NumPy functions on tensors, DLPack: how tensors meet other libraries' arrays without copies."""

import numpy as np

from .. import core
from ..core import TensorBase
from ..device import check_cpu

FUNCTIONS = ("from_dlpack",)
METHODS = (
    "__array_ufunc__", "__array_function__", "__array_namespace__", "__dlpack__", "__dlpack_device__", "__buffer__", "to_device",
)  # fmt: skip
INPLACE = {}

# NumPy's name for a ufunc, where rushlight's differs.
_UFUNCS = {
    "absolute": "abs", "arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan",
    "arctan2": "atan2", "arctanh": "atanh", "conjugate": "conj", "divide": "div", "equal": "eq", "greater": "gt",
    "greater_equal": "ge", "invert": "bitwise_not", "left_shift": "bitwise_left_shift", "less": "lt",
    "less_equal": "le", "multiply": "mul", "negative": "neg", "not_equal": "ne", "power": "pow",
    "right_shift": "bitwise_right_shift", "rint": "round", "subtract": "sub",
}  # fmt: skip
_REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "amax", "minimum": "amin"}
# NumPy's functions by name: rushlight's name, and what its keywords are called here.
_FUNCTIONS = {
    "sum": "sum", "mean": "mean", "prod": "prod", "amax": "amax", "max": "amax", "amin": "amin", "min": "amin",
    "std": "std", "var": "var", "argmax": "argmax", "argmin": "argmin", "cumsum": "cumsum", "cumprod": "cumprod",
    "concatenate": "cat", "stack": "stack", "vstack": "vstack", "hstack": "hstack", "reshape": "reshape",
    "squeeze": "squeeze", "expand_dims": "unsqueeze", "transpose": "permute", "swapaxes": "swapaxes",
    "moveaxis": "moveaxis", "ravel": "ravel", "broadcast_to": "broadcast_to", "flip": "flip", "roll": "roll",
    "dot": "matmul", "outer": "outer", "tensordot": "tensordot", "einsum": "einsum", "trace": "trace", "tril": "tril",
    "triu": "triu", "where": "where", "clip": "clip", "sort": "sort", "zeros_like": "zeros_like",
    "ones_like": "ones_like", "full_like": "full_like", "copy": "clone", "allclose": "allclose", "isclose": "isclose",
    "diagonal": "diagonal", "diag": "diag", "take_along_axis": "take_along_dim",
}  # fmt: skip
_KEYWORDS = {"axis": "dim", "keepdims": "keepdim", "ddof": "correction", "a_min": "min", "a_max": "max"}


def __array_ufunc__(input, ufunc, method, *operands, out=None, **named):
    """np.sin(t), np.add(array, t), np.add.reduce(t): recorded, and a tensor."""
    import rushlight

    if out is not None or named.get("where", True) is not True:
        return _on_arrays(getattr(ufunc, method), operands, {**named, "out": out} if out is not None else named)
    operands = [_tensor(o) for o in operands]
    if method == "__call__":
        function = getattr(rushlight, _UFUNCS.get(ufunc.__name__, ufunc.__name__), None)
        if function is not None and not named:
            return function(*_tensor_first(operands))
    if method == "reduce" and ufunc.__name__ in _REDUCTIONS:
        named = {_KEYWORDS.get(k, k): v for k, v in named.items()}
        named.setdefault("dim", 0)
        return getattr(rushlight, _REDUCTIONS[ufunc.__name__])(operands[0], **named)
    return _on_arrays(getattr(ufunc, method), operands, named)


def __array_function__(input, function, types, args, kwargs):
    """np.sum(t), np.concatenate([t, u]) and the like: recorded, and a tensor."""
    import rushlight

    name = _FUNCTIONS.get(function.__name__)
    if name is None or function.__module__ != "numpy" or kwargs.get("out") is not None:
        return _on_arrays(function, args, kwargs)
    kwargs = {_KEYWORDS.get(k, k): v for k, v in kwargs.items()}
    if name in ("std", "var"):
        kwargs.setdefault("correction", 0)
    if name == "permute" and len(args) == 1 and not kwargs:
        return args[0].permute(*range(args[0].ndim - 1, -1, -1))
    if name == "permute" and "axes" in kwargs:
        return args[0].permute(kwargs["axes"])
    result = getattr(rushlight, name)(*[_tensors(a) for a in args], **kwargs)
    return result.values if name == "sort" else result


def _tensor(value):
    return core.wrap(value) if isinstance(value, np.ndarray) else value


def _tensor_first(operands):
    """Functions take a tensor first; a number there becomes one of no dimensions."""
    if isinstance(operands[0], TensorBase):
        return operands
    return [core.wrap(np.asarray(operands[0])), *operands[1:]]


def _tensors(value):
    if isinstance(value, (tuple, list)) and any(isinstance(v, (TensorBase, np.ndarray)) for v in value):
        return [_tensor(v) for v in value]
    return _tensor(value)


def _on_arrays(function, args, kwargs):
    """What rushlight has no name for runs on the arrays, unless that would lose a history."""

    def array(value):
        if isinstance(value, TensorBase):
            return value.numpy()
        if isinstance(value, (tuple, list)):
            return type(value)([array(v) for v in value])
        return value

    return function(*[array(a) for a in args], **{k: array(v) for k, v in kwargs.items()})


def __array_namespace__(input, *, api_version=None):
    """rushlight.array_api: the functions of the array API standard. ValueError for a version that is not there.

    >>> import rushlight
    >>> x = rushlight.arange(3.0)
    >>> x.__array_namespace__().sum(x)
    tensor(3.)
    """
    from .. import array_api

    if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12"):
        raise ValueError(f"there is no version {api_version!r} of the array API standard here; the newest is 2024.12")
    return array_api


def to_device(input, device, /, *, stream=None):
    """The array API standard's `to`: the tensor itself, on the only device there is."""
    check_cpu(device, "to_device(): argument 'device'")
    return input


def __buffer__(input, flags):
    """memoryview(t): the tensor's own memory."""
    return memoryview(input.numpy())


def __dlpack__(input, *, stream=None, max_version=None, dl_device=None, copy=None):
    """A DLPack capsule over the tensor's own memory."""
    if input.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    return input._array.__dlpack__(stream=stream, max_version=max_version, dl_device=dl_device, copy=copy)


def __dlpack_device__(input):
    return input._array.__dlpack_device__()


def from_dlpack(ext_tensor, *, device=None, copy=None):
    """A tensor over the memory of any array that speaks DLPack; nothing is copied, unless copy=True asks for it.

    A capsule is taken too, once; RuntimeError for one that was taken before.

    >>> import numpy, rushlight
    >>> rushlight.from_dlpack(numpy.arange(3.0))
    tensor([0., 1., 2.], dtype=rushlight.float64)
    """
    if device is not None:
        check_cpu(device, "from_dlpack(): argument 'device'")
    if isinstance(ext_tensor, TensorBase):
        seen = ext_tensor.detach()
    elif not hasattr(ext_tensor, "__dlpack__") and type(ext_tensor).__name__ != "PyCapsule":
        raise RuntimeError(
            "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so you might "
            "have already constructed a tensor from it once."
        )
    elif type(ext_tensor).__name__ == "PyCapsule":
        seen = core.wrap(_array_of_capsule(ext_tensor))
    else:
        seen = core.wrap(np.from_dlpack(ext_tensor))
    return seen.clone() if copy else seen


def _array_of_capsule(capsule):
    # A capsule that was taken has another name.
    name = repr(capsule).partition('"')[2].partition('"')[0]
    if name not in ("dltensor", "dltensor_versioned"):
        raise RuntimeError(
            "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so you might "
            "have already constructed a tensor from it once."
        )
    array = np.from_dlpack(_Capsule(capsule))
    # Capsules of the first kind cannot say whether they may be written, and NumPy supposes that they may not.
    return array if name == "dltensor_versioned" else np.asarray(_Writable(array))


class _Writable:
    """An array by its address, to be written."""

    def __init__(self, array):
        self.array = array
        self.__array_interface__ = {**array.__array_interface__, "data": (array.ctypes.data, False)}


class _Capsule:
    """What NumPy asks for a capsule."""

    def __init__(self, capsule):
        self.capsule = capsule

    def __dlpack__(self, **_):
        return self.capsule

    def __dlpack_device__(self):
        return (1, 0)
