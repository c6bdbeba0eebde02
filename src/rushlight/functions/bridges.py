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
    "arctan2": "atan2", "arctanh": "atanh", "conjugate": "conj", "degrees": "rad2deg", "divide": "div", "equal": "eq",
    "greater": "gt", "greater_equal": "ge", "invert": "bitwise_not", "left_shift": "bitwise_left_shift", "less": "lt",
    "less_equal": "le", "multiply": "mul", "negative": "neg", "not_equal": "ne", "power": "pow", "radians": "deg2rad",
    "right_shift": "bitwise_right_shift", "rint": "round", "subtract": "sub",
}  # fmt: skip
_REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "amax", "minimum": "amin"}
# Those of two tensors here; NumPy's take a number too.
_OF_TENSORS = {
    "atan2", "fmax", "fmin", "gcd", "heaviside", "hypot", "lcm", "ldexp", "logaddexp", "logaddexp2", "logical_and", "logical_or",
    "logical_xor", "maximum", "minimum", "nextafter",
}  # fmt: skip
# NumPy's functions by name: rushlight's name, and what its keywords are called here.
_FUNCTIONS = {
    "sum": "sum", "mean": "mean", "std": "std", "var": "var", "argmax": "argmax", "argmin": "argmin", "cumsum": "cumsum",
    "cumprod": "cumprod", "stack": "stack", "vstack": "vstack", "hstack": "hstack", "reshape": "reshape",
    "squeeze": "squeeze", "transpose": "permute", "swapaxes": "swapaxes", "moveaxis": "moveaxis", "ravel": "ravel",
    "broadcast_to": "broadcast_to", "dot": "matmul", "outer": "outer", "einsum": "einsum", "trace": "trace", "tril": "tril",
    "triu": "triu", "where": "where", "clip": "clip", "sort": "sort", "zeros_like": "zeros_like",
    "ones_like": "ones_like", "full_like": "full_like", "copy": "clone", "allclose": "allclose", "isclose": "isclose",
    "diagonal": "diagonal", "diag": "diag", "take_along_axis": "take_along_dim",
}  # fmt: skip
# Those whose arguments are the array API standard's, by its names.
_STANDARD = {
    "amax": "max", "amin": "min", "concatenate": "concat", "expand_dims": "expand_dims", "flip": "flip", "max": "max",
    "min": "min", "prod": "prod", "roll": "roll", "tensordot": "tensordot",
}  # fmt: skip
_KEYWORDS = {
    "axis": "dim", "keepdims": "keepdim", "ddof": "correction", "a_min": "min", "a_max": "max", "k": "diagonal",
    "axis1": "dim1", "axis2": "dim2",
}  # fmt: skip


def __array_ufunc__(input, ufunc, method, *operands, out=None, **named):
    """np.sin(t), np.add(array, t), np.add.reduce(t), scipy.special.gammaln(t): a tensor, recorded where rushlight has it too."""
    import rushlight

    if out is not None or named.get("where", True) is not True:
        return _on_arrays(getattr(ufunc, method), operands, {**named, "out": out} if out is not None else named)
    operands = [_tensor(o) for o in operands]
    if method == "__call__" and not named:
        name = _UFUNCS.get(ufunc.__name__, ufunc.__name__)
        function = getattr(rushlight, name, None) or getattr(rushlight.special, name, None)
        if function is not None:
            return function(*_numbers(operands, name in _OF_TENSORS))
    if method == "reduce" and ufunc.__name__ in _REDUCTIONS:
        named = {_KEYWORDS.get(k, k): v for k, v in named.items()}
        named.setdefault("dim", 0)
        return getattr(rushlight, _REDUCTIONS[ufunc.__name__])(operands[0], **named)
    return _wrapped(_on_arrays(getattr(ufunc, method), operands, named))


def __array_function__(input, function, types, args, kwargs):
    """np.sum(t), np.concatenate([t, u]) and the like: recorded, and a tensor."""
    ours = function.__module__ == "numpy" and kwargs.get("out") is None
    named = _named(function.__name__, args, kwargs) if ours else None
    if named is None:
        return _on_arrays(function, args, kwargs)
    call, args, named = named
    try:
        result = call(*[_tensors(a) for a in args], **named)
    except TypeError:
        # Arguments that rushlight's function has not: `initial`, `where`, `order`, a number for a tensor.
        if _recorded(args):
            raise
        return _on_arrays(function, args, kwargs)
    return result.values if function.__name__ == "sort" else result


def _named(name, args, kwargs):
    """(rushlight's function, arguments, keywords) for a call of NumPy's, or None where there is none."""
    import rushlight

    if name in _STANDARD:
        return getattr(rushlight.array_api, _STANDARD[name]), *_standard(name, args, kwargs)
    if name not in _FUNCTIONS:
        return None
    kwargs = {_KEYWORDS.get(k, k): v for k, v in kwargs.items()}
    if name in ("std", "var"):
        kwargs.setdefault("correction", 0)
    if name in ("cumsum", "cumprod") and len(args) == 1 and kwargs.get("dim") is None:
        args, kwargs["dim"] = (args[0].reshape(-1),), 0
    if name == "transpose":
        axes = args[1] if len(args) > 1 else kwargs.pop("axes", None)
        args = (args[0], tuple(range(args[0].ndim))[::-1] if axes is None else axes)
    return getattr(rushlight, _FUNCTIONS[name]), args, kwargs


def _standard(name, args, kwargs):
    """NumPy's arguments as the standard has them, where axes are keywords."""
    first = 2 if name in ("expand_dims", "roll", "tensordot") else 1
    if len(args) == first + 1:
        args, kwargs = args[:first], {**kwargs, "axes" if name == "tensordot" else "axis": args[first]}
    return args, kwargs


def _tensor(value):
    if isinstance(value, (list, tuple)):
        value = np.asarray(value)
    return core.wrap(value) if isinstance(value, np.ndarray) else value


def _numbers(operands, all):
    """Functions take a tensor first, some of them in all places: a number there becomes one, of the dtype it leaves the other."""
    import rushlight

    tensor = next(o for o in operands if isinstance(o, TensorBase))
    found = []
    for i, value in enumerate(operands):
        if (all or i == 0) and not isinstance(value, TensorBase):
            value = value.item() if isinstance(value, np.generic) else value
            value = rushlight.tensor(value, dtype=rushlight.result_type(tensor, value))
        found.append(value)
    return found


def _tensors(value):
    if isinstance(value, (tuple, list)) and any(isinstance(v, (TensorBase, np.ndarray)) for v in value):
        return [_tensor(v) for v in value]
    return _tensor(value) if isinstance(value, np.ndarray) else value


def _recorded(value):
    if isinstance(value, (tuple, list)):
        return any(_recorded(v) for v in value)
    return isinstance(value, TensorBase) and value.requires_grad


def _wrapped(result):
    """What a ufunc found, as tensors; objects stay an array."""
    if isinstance(result, tuple):
        return tuple(_wrapped(r) for r in result)
    if not isinstance(result, (np.ndarray, np.generic)) or result.dtype.kind not in "biufc":
        return result
    return core.wrap(np.asarray(result))


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
