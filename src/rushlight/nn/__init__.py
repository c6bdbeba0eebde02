"""Neural networks: Module and its layers, Parameter, functional forms, and starting values."""

from . import functional, init, utils
from .modules import *
from .modules import Module
from .parameter import Buffer, Parameter
