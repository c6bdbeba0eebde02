"""The short way of a call `module(x)`, compiled: no hooks, no keywords, and nothing searched for by name."""

try:
    import cython
except ImportError:
    from ... import uncompiled as cython

from .mismatch import tell_module

# What a wrong input raises; other exceptions may be a program's way to leave a model.
OF_INPUTS = (RuntimeError, ValueError, TypeError, IndexError, AssertionError, NotImplementedError)
# Module.__call__, which knows every case.
_long_way = None


def called(module, args, named):
    """module(*args, **named), for a class whose `__call__` is Module's."""
    if named or module._hooked:
        return _long_way(module, *args, **(named or {}))
    try:
        return forward(module, args)
    except OF_INPUTS as error:
        tell_module(error, module, args, {})
        raise


def quicken(cls, base):
    """Have instances of `cls`, a class derived from `base`, take the short way where the methods are those of `base`."""
    global _long_way
    if not cython.compiled:
        return
    if cls is base:
        _long_way = base.__call__
    calls = cls.__call__ is _long_way
    asks = cls.__getattr__ is base.__getattr__ and cls.__getattribute__ is object.__getattribute__
    rl_quicken(cls, calls, asks, called)


if not cython.compiled:

    def forward(module, args):
        return module.forward(*args)
