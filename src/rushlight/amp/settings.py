"""What can be asked of autocast and set, for this thread, outside of `with autocast(...)`."""

import warnings

from .. import casting, dtypes
from ..device import device
from ..spelling import spell

# Types of devices that PyTorch casts for.
_AVAILABLE = frozenset(casting.state().dtypes) - {"hip"}


def kind_of(function, device_type, position=1):
    """The type of devices that a string names. TypeError and RuntimeError in PyTorch's words where it is none."""
    if not isinstance(device_type, str):
        raise TypeError(
            f"{function}(): argument 'device_type' (position {position}) must be str, not {type(device_type).__name__}"
        )
    return device(device_type).type


def _castable(function, device_type):
    kind = kind_of(function, device_type)
    if kind not in _AVAILABLE:
        raise RuntimeError("unknown device type for autocast in get_autocast_dispatch_key_from_device_type")
    return kind


def is_autocast_available(device_type):
    """Whether PyTorch has autocast for a type of devices. Here it casts on the CPU alone.

    >>> import rushlight
    >>> rushlight.amp.is_autocast_available("cpu")
    True
    """
    return kind_of("_is_autocast_available", device_type) in _AVAILABLE


def is_autocast_enabled(device_type="cuda", /):
    """Whether autocast is on in this thread for a type of devices, "cuda" where none is given.

    >>> import rushlight
    >>> with rushlight.autocast("cpu"):
    ...     rushlight.is_autocast_enabled("cpu")
    True
    """
    return casting.enabled(_castable("is_autocast_enabled", device_type))


def set_autocast_enabled(*args):
    """set_autocast_enabled(device_type, enabled): switch autocast in this thread; "cuda" where no type is given."""
    if not args or len(args) > 2:
        given = ", ".join([type(value).__name__ for value in args])
        raise TypeError(
            f"set_autocast_enabled() received an invalid combination of arguments - got ({given}), but expected one of:\n"
            " * (str device_type, bool enabled)\n * (bool enabled)\n"
        )
    enabled = args[-1]
    if type(enabled) is not bool:
        raise TypeError(
            f"set_autocast_enabled(): argument 'enabled' (position {len(args)}) must be bool, not {type(enabled).__name__}"
        )
    casting.put_enabled(_castable("set_autocast_enabled", args[0] if len(args) == 2 else "cuda"), enabled)


def get_autocast_dtype(device_type):
    """The dtype of regions that are given none: bfloat16 on the CPU, until it is set.

    >>> import rushlight
    >>> rushlight.get_autocast_dtype("cpu")
    rushlight.bfloat16
    """
    found = casting.state().dtypes.get(kind_of("get_autocast_dtype", device_type))
    if found is None:
        raise RuntimeError("unsupported scalarType")
    return found


def set_autocast_dtype(device_type, dtype):
    """Set the dtype of regions that are given none, in this thread."""
    kind = kind_of("set_autocast_dtype", device_type)
    if type(dtype) is not dtypes.dtype:
        raise TypeError(
            f"set_autocast_dtype(): argument 'dtype' (position 2) must be {spell('dtype')}, not {type(dtype).__name__}"
        )
    casting.put(dtypes={**casting.state().dtypes, kind: dtype})


def is_autocast_cache_enabled():
    """Whether casts of parameters are kept until the outermost region ends."""
    return casting.state().cache_enabled


def set_autocast_cache_enabled(enabled, /):
    """Say whether casts of parameters are kept."""
    if type(enabled) is not bool:
        raise TypeError(f"enabled must be a bool (got {type(enabled).__name__})")
    casting.put(cache_enabled=enabled)


def clear_autocast_cache():
    """Forget the casts of parameters."""
    casting.clear_cache()


def autocast_increment_nesting():
    """A region begins in this thread; returns how many there are."""
    return casting.increment_nesting()


def autocast_decrement_nesting():
    """A region ends; returns how many are left."""
    return casting.decrement_nesting()


# -- the names from before there were several types of devices


def _deprecated(name, instead):
    warnings.warn(f"torch.{name} is deprecated. Please use torch.{instead} instead.", DeprecationWarning, stacklevel=3)


def is_autocast_cpu_enabled():
    """Deprecated: is_autocast_enabled("cpu")."""
    _deprecated("is_autocast_cpu_enabled()", "is_autocast_enabled('cpu')")
    return is_autocast_enabled("cpu")


def set_autocast_cpu_enabled(enabled, /):
    """Deprecated: set_autocast_enabled("cpu", enabled)."""
    _deprecated("set_autocast_cpu_enabled(enabled)", "set_autocast_enabled('cpu', enabled)")
    set_autocast_enabled("cpu", enabled)


def get_autocast_cpu_dtype():
    """Deprecated: get_autocast_dtype("cpu")."""
    _deprecated("get_autocast_cpu_dtype()", "get_autocast_dtype('cpu')")
    return get_autocast_dtype("cpu")


def set_autocast_cpu_dtype(dtype, /):
    """Deprecated: set_autocast_dtype("cpu", dtype)."""
    _deprecated("set_autocast_cpu_dtype(dtype)", "set_autocast_dtype('cpu', dtype)")
    set_autocast_dtype("cpu", dtype)


def get_autocast_gpu_dtype():
    """Deprecated: get_autocast_dtype("cuda")."""
    _deprecated("get_autocast_gpu_dtype()", "get_autocast_dtype('cuda')")
    return get_autocast_dtype("cuda")


def set_autocast_gpu_dtype(dtype, /):
    """Deprecated: set_autocast_dtype("cuda", dtype)."""
    _deprecated("set_autocast_gpu_dtype(dtype)", "set_autocast_dtype('cuda', dtype)")
    set_autocast_dtype("cuda", dtype)
