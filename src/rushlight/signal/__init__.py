"""Signals, under the names of torch.signal: windows."""

from ..missing import of_module as _of_module
from . import windows

__all__ = ["windows"]

__getattr__ = _of_module(__name__)
