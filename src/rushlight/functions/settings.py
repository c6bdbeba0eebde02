"""Settings of the process that scripts make. Most change nothing here: what they would choose between is one thing."""

import warnings

from .. import dtypes
from ..device import check_cpu, cpu
from ..kernels import load

_threads = load("parallel")

# -- where tensors are made, and as what


def get_default_device():
    """The device on which tensors are made: the CPU."""
    return cpu


def set_default_device(device):
    """Nothing for the CPU and None; PyTorch's error for a device that there is not."""
    if device is not None:
        check_cpu(device, "set_default_device(): argument 'device'")


def set_default_tensor_type(t, /):
    """Make the dtype of a constructor, `rushlight.DoubleTensor` or its name, the default one. Deprecated; it warns.

    TypeError for types that are not floating.
    """
    name = t if isinstance(t, str) else getattr(t, "__name__", "")
    scalar_type = name.rpartition(".")[2].removesuffix("Tensor")
    found = [d for d in dtypes.DTYPES if d.scalar_type == scalar_type]
    if not found:
        raise TypeError("invalid type object: only floating-point types are supported as the default type")
    if not found[0].is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    warnings.warn(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and "
        "torch.set_default_device() as alternatives.",
        UserWarning,
        stacklevel=2,
    )
    dtypes.set_default_dtype(found[0])


# -- how numbers are computed: kept, so that they can be asked for


_state = {"precision": "highest", "deterministic": 0, "warns_always": False}
_PRECISIONS = ("highest", "high", "medium")
_DEBUG_MODES = ("default", "warn", "error")


def get_float32_matmul_precision():
    """What set_float32_matmul_precision was told last, "highest" at first."""
    return _state["precision"]


def set_float32_matmul_precision(precision):
    """Keep "highest", "high" or "medium"; products of float32 matrices have the highest precision in any case."""
    if precision not in _PRECISIONS:
        warnings.warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current setFloat32MatmulPrecision call has no "
            "effect.",
            UserWarning,
            stacklevel=2,
        )
        return
    _state["precision"] = precision


def use_deterministic_algorithms(mode, *, warn_only=False):
    """Keep whether only deterministic algorithms are wanted: there are no others."""
    for position, (name, value) in enumerate((("mode", mode), ("warn_only", warn_only)), 1):
        if not isinstance(value, bool):
            raise TypeError(
                f"_set_deterministic_algorithms(): argument '{name}' (position {position}) must be bool, not "
                f"{type(value).__name__}"
            )
    _state["deterministic"] = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled():
    """Whether use_deterministic_algorithms was asked for."""
    return _state["deterministic"] > 0


def is_deterministic_algorithms_warn_only_enabled():
    """Whether it was asked for with warn_only."""
    return _state["deterministic"] == 1


def get_deterministic_debug_mode():
    """0, 1 or 2 for "default", "warn" and "error"."""
    return _state["deterministic"]


def set_deterministic_debug_mode(debug_mode):
    """use_deterministic_algorithms by a number or a name: 0 or "default", 1 or "warn", 2 or "error"."""
    if isinstance(debug_mode, str):
        if debug_mode not in _DEBUG_MODES:
            raise RuntimeError(
                f"invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got {debug_mode}"
            )
        debug_mode = _DEBUG_MODES.index(debug_mode)
    if not isinstance(debug_mode, int):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    _state["deterministic"] = int(debug_mode)


def set_flush_denormal(mode):
    """Let the processor take denormal numbers for zero, in this thread, those that it starts, and those that share its loops.

    Whether it can: x86-64 and 64-bit Arm can, where the kernels are compiled. Matrix products that NumPy's BLAS divides
    among threads of its own are as they were. RuntimeError for anything but a bool.

    >>> import rushlight
    >>> rushlight.set_flush_denormal(False) in (True, False)
    True
    """
    if not isinstance(mode, bool):
        raise RuntimeError(f"flush_denormal expects a bool, but got {type(mode).__name__}")
    return _threads is not None and _threads.flush_denormals(mode)


# -- threads


def get_num_threads():
    """How many threads share a long loop."""
    return 1 if _threads is None else _threads.threads()


def set_num_threads(num, /):
    """Let so many threads share a long loop. At most 64; RuntimeError for anything but a positive int."""
    _check_count("set_num_threads", num)
    if _threads is not None:
        _threads.set_threads(num)


def get_num_interop_threads():
    """How many operations run at a time: one."""
    return 1


def set_num_interop_threads(num, /):
    """Nothing: one operation runs at a time."""
    _check_count("set_num_interop_threads", num)


def _check_count(function, n):
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise RuntimeError(f"{function} expects an int, but got {type(n).__name__}")
    if n <= 0:
        raise RuntimeError(f"{function} expects a positive integer")
    if n >= 1 << 31:
        raise ValueError("Overflow when unpacking long")


# -- warnings


def set_warn_always(b, /):
    """Keep whether each warning shall come every time: Python's `warnings` decides that."""
    if not isinstance(b, bool):
        raise RuntimeError(f"setWarnOnlyOnce expects a bool, but got {type(b).__name__}")
    _state["warns_always"] = b


def is_warn_always_enabled():
    """What set_warn_always was told last."""
    return _state["warns_always"]


FUNCTIONS = (
    "are_deterministic_algorithms_enabled", "get_default_device", "get_deterministic_debug_mode",
    "get_float32_matmul_precision", "get_num_interop_threads", "get_num_threads",
    "is_deterministic_algorithms_warn_only_enabled", "is_warn_always_enabled", "set_default_device", "set_default_tensor_type",
    "set_deterministic_debug_mode", "set_float32_matmul_precision", "set_flush_denormal", "set_num_interop_threads",
    "set_num_threads", "set_warn_always", "use_deterministic_algorithms",
)  # fmt: skip
METHODS = ()
INPLACE = {}
