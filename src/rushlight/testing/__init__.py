"""For tests of what is made with rushlight: `testing.strategies`, tensors for Hypothesis."""

from ..missing import with_modules as _with_modules

_MODULES = ("strategies",)

__getattr__, __dir__ = _with_modules(__name__, _MODULES)
