"""Neural networks: Module and its layers, Parameter, functional forms, and starting values."""

# ruff: noqa: F401, F403
from . import functional, init, modules, utils
from .modules import *
from .modules import Module
from .parameter import Buffer, Parameter
