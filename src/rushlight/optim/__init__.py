"""Optimizers: they change parameters by their gradients."""

# ruff: noqa: F401
from .adam import Adam, AdamW
from .optimizer import Optimizer
from .sgd import SGD
