"""Written by tools/stubs.py."""

from .modules import *
from . import attention as attention, common_types as common_types, factory as factory, functional as functional, grad as grad, init as init, modules as modules, parallel as parallel, parameter as parameter, utils as utils
from .factory import factory_kwargs as factory_kwargs
from .functional.linear_cross_entropy import LinearCrossEntropyOptions as LinearCrossEntropyOptions
from .modules.module import Module as Module
from .parallel.data_parallel import DataParallel as DataParallel
from .parameter import Buffer as Buffer, Parameter as Parameter, UninitializedBuffer as UninitializedBuffer, UninitializedParameter as UninitializedParameter
