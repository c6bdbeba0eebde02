"""Optimizers: they change parameters by their gradients."""

# ruff: noqa: F401
from ..missing import of_module as _of_module
from .adam import Adam, AdamW
from .optimizer import Optimizer
from .sgd import SGD

__getattr__ = _of_module(__name__)
