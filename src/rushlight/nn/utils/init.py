"""Modules whose parameters are not drawn."""

from ...device import check_cpu
from ...generator import default_generator
from ..modules.module import Module

__all__ = ["skip_init"]


def skip_init(module_cls, *args, **kwargs):
    """A module of a class, its parameters unset: the random numbers that are drawn next are the same as without it.

    RuntimeError for what is no class of modules with a `device` argument.
    """
    from inspect import signature

    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    check_cpu(kwargs.pop("device", "cpu"))
    state = default_generator.get_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        default_generator.set_state(state)
