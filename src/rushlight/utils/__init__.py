"""What PyTorch offers beside the library itself, each part imported when it is first named: `utils.checkpoint`, `utils.data`."""

from importlib import import_module

from ..missing import of_module as _of_module

_MODULES = ("checkpoint", "data", "dlpack", "hooks")


def __getattr__(name):
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    return _of_module(__name__)(name)


def __dir__():
    return sorted({*globals(), *_MODULES})
