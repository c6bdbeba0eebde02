"""Regions in which operations choose the dtype that they compute in, and custom Functions within them."""

import functools
import warnings

import numpy as np

from .. import casting, dtypes
from ..core import TensorBase
from ..device import device
from ..spelling import spell
from .settings import get_autocast_dtype, is_autocast_available, is_autocast_enabled

_SUPPORTED = (dtypes.bfloat16, dtypes.float16)


def _check_type(device_type):
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")


class autocast:
    """In a `with` block, or for a function that it decorates, operations choose the dtype that they compute in.

    Products of matrices and convolutions compute in `dtype`, bfloat16 or float16: they cast their float32 operands, and
    parameters once for the whole of the outermost block (unless `cache_enabled=False`). Losses and decompositions
    compute in float32, what adds or joins in the widest dtype of its operands, everything else in the dtype that it is
    given. `enabled=False` switches it off within. Gradients have the dtypes of what they are for.

    RuntimeError for a `device_type` that there is none of; a warning, and no effect, for other dtypes and for "cuda".

    >>> import rushlight
    >>> x = rushlight.ones(2, 2)
    >>> with rushlight.autocast("cpu", dtype=rushlight.float16):
    ...     y = x @ x
    ...     loss = rushlight.nn.functional.mse_loss(y, x)
    >>> y.dtype, loss.dtype
    (rushlight.float16, rushlight.float32)
    """

    def __init__(self, device_type, dtype=None, enabled=True, cache_enabled=None):
        _check_type(device_type)
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        if not is_autocast_available(device_type):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        self.device = device_type
        self._cache_enabled = casting.state().cache_enabled if cache_enabled is None else cache_enabled
        self._enabled = bool(enabled) and self._has_effect()
        # What the blocks return to: one object may be entered several times.
        self._entered = []

    def _has_effect(self):
        if self.device == "cuda":
            warnings.warn(
                "CUDA is not available or torch_xla is imported. Disabling autocast.", UserWarning, stacklevel=3
            )
            return False
        if self.fast_dtype in _SUPPORTED:
            return True
        name, both = self.device.upper(), ", ".join([spell(dtype.name) for dtype in _SUPPORTED])
        warnings.warn(
            f"In {name} autocast, but the target dtype is not supported. Disabling autocast.\n"
            f"{name} Autocast only supports dtypes of {both} currently.",
            UserWarning,
            stacklevel=3,
        )
        return False

    def _region(self):
        return casting.Region(device(self.device).type, self._enabled, self.fast_dtype, self._cache_enabled)

    def __enter__(self):
        region = self._region()
        region.__enter__()
        self._entered.append(region)
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        self._entered.pop().__exit__()
        return False

    def __call__(self, func):
        """The function, called within a region of its own."""
        if not callable(func):
            raise TypeError(
                f"autocast()(func) requires a callable, but got {type(func).__name__}. Did you mean to use autocast as a "
                "context manager? For example:\n    with torch.autocast(device_type=...):\n        output = model(input)"
            )

        @functools.wraps(func)
        def decorate_autocast(*args, **kwargs):
            with self._region():
                return func(*args, **kwargs)

        return decorate_autocast


def _cast(value, device_type, dtype):
    """Tensors of floats as `dtype`, within containers too; float64 stays."""
    if isinstance(value, TensorBase):
        eligible = value.is_floating_point() and value.device.type == device_type and value.dtype is not dtypes.float64
        return value.to(dtype) if eligible else value
    if isinstance(value, (str, bytes, np.ndarray)):
        return value
    if isinstance(value, dict):
        return {_cast(k, device_type, dtype): _cast(v, device_type, dtype) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([_cast(v, device_type, dtype) for v in value])
    return value


def custom_fwd(fwd=None, *, device_type, cast_inputs=None):
    """A decorator for `forward` of a custom Function: what it needs to know for a backward under `custom_bwd`.

    With `cast_inputs`, a forward that is called within a region gets its tensors in that dtype, and runs without autocast.
    """
    _check_type(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorate_fwd(*args, **kwargs):
        ctx, on = args[0], is_autocast_enabled(device_type)
        ctx._dtype = get_autocast_dtype(device_type)
        ctx._fwd_used_autocast = on and cast_inputs is None
        if cast_inputs is None or not on:
            return fwd(*args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(
                *[_cast(value, device_type, cast_inputs) for value in args], **_cast(kwargs, device_type, cast_inputs)
            )

    return decorate_fwd


def custom_bwd(bwd=None, *, device_type):
    """A decorator for `backward` of a custom Function: autocast is as it was in the forward, under `custom_fwd`."""
    _check_type(device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorate_bwd(*args, **kwargs):
        ctx = args[0]
        with autocast(device_type, enabled=ctx._fwd_used_autocast, dtype=ctx._dtype):
            return bwd(*args, **kwargs)

    return decorate_bwd
