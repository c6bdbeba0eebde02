"""Optimizers: they change parameters by their gradients."""

from .adam import Adam, AdamW
from .optimizer import Optimizer
from .sgd import SGD

# Found when first asked for: the module of each.
LAZY = {
    "ASGD": "asgd",
    "Adadelta": "adadelta",
    "Adafactor": "adafactor",
    "Adagrad": "adagrad",
    "Adamax": "adamax",
    "LBFGS": "lbfgs",
    "Muon": "muon",
    "NAdam": "nadam",
    "RAdam": "radam",
    "RMSprop": "rmsprop",
    "Rprop": "rprop",
    "SparseAdam": "sparse_adam",
    "swap_in_optimizer_params_and_state": "swapping",
}
_MODULES = ("lr_scheduler", "swa_utils")

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", *LAZY, *_MODULES]


def __getattr__(name):
    from importlib import import_module

    if name in LAZY:
        return getattr(import_module(f".{LAZY[name]}", __name__), name)
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    from ..missing import of_module

    return of_module(__name__)(name)


def __dir__():
    return sorted({*globals(), *LAZY, *_MODULES})
