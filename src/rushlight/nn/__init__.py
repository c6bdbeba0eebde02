"""Neural networks: Module and its layers, Parameter, functional forms, and starting values."""

# ruff: noqa: F401, F403
from ..missing import of_module as _of_module
from . import functional, init, modules, utils
from .functional import LinearCrossEntropyOptions
from .modules import *
from .modules import Module
from .parameter import Buffer, Parameter

__getattr__ = _of_module(__name__)
