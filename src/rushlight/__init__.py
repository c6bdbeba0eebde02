"""Rushlight: a torch that is light and quick."""

from . import autograd, binding, dtypes, spelling
from .autograd import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .device import contiguous_format, channels_last, channels_last_3d, device, layout, memory_format, preserve_format, strided
from .dtypes import dtype, finfo, iinfo, get_default_dtype, set_default_dtype, promote_types, can_cast
from .generator import Generator
from .size import Size
from .tensor import Tensor, offer

FAMILIES = ("creation", "literal", "ranges", "conversion")


def _offer():
    from importlib import import_module

    for family in FAMILIES:
        module = import_module(f".functions.{family}", __name__)
        offer(module)
        for name in module.FUNCTIONS:
            globals()[name] = getattr(module, name)
    for entry in dtypes.DTYPES:
        globals()[entry.name] = entry
    globals().update(dtypes.ALIASES)


_offer()
