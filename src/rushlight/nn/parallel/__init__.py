"""Modules on several devices: there is one, the CPU, so a module is called as it is."""

from ...missing import of_module as _of_module
from .data_parallel import DataParallel, data_parallel

__all__ = ["DataParallel", "data_parallel"]

__getattr__ = _of_module(__name__)
