"""Neural networks: Module and its layers, Parameter, functional forms, and starting values."""

# ruff: noqa: F401, F403
from ..missing import with_modules as _with_modules
from . import functional, init, modules, utils
from .factory import factory_kwargs
from .functional import LinearCrossEntropyOptions
from .modules import *
from .modules import Module
from .parallel import DataParallel
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

# Imported when first named.
_MODULES = ("attention", "common_types", "grad", "parallel")


__getattr__, __dir__ = _with_modules(__name__, _MODULES)
