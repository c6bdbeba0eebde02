"""Neural networks: Module and its layers, Parameter, functional forms, and starting values."""

# ruff: noqa: F401, F403
from importlib import import_module as _import_module

from ..missing import of_module as _of_module
from . import functional, init, modules, utils
from .factory import factory_kwargs
from .functional import LinearCrossEntropyOptions
from .modules import *
from .modules import Module
from .parallel import DataParallel
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

# Imported when first named.
_MODULES = ("attention", "common_types", "grad", "parallel")


def __getattr__(name):
    if name in _MODULES:
        return _import_module(f".{name}", __name__)
    return _of_module(__name__)(name)


def __dir__():
    return sorted({*globals(), *_MODULES})
