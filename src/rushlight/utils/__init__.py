"""What PyTorch offers beside the library itself, each part imported when it is first named: `utils.checkpoint`, `utils.data`."""

from ..missing import with_modules as _with_modules

_MODULES = ("checkpoint", "data", "dlpack", "hooks", "tensorboard")


__getattr__, __dir__ = _with_modules(__name__, _MODULES)
