"""backward and grad, the switches for recording, and (imported on use) everything around them."""

from importlib import import_module

from ..missing import of_module as _of_module
from .backward import backward, grad
from .grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .gradcheck import gradcheck, gradgradcheck

# The module of each name that is imported when someone first asks for it.
_LATER = {
    "DerivativeError": "verification",
    "Function": "function",
    "Variable": "variable",
    "detect_anomaly": "anomaly",
    "enforce_grad_layout_policy": "switches",
    "graphs_alive": "ledger",
    "saved": "ledger",
    "is_multithreading_enabled": "switches",
    "set_detect_anomaly": "anomaly",
    "set_multithreading_enabled": "switches",
    "strong_zero": "strong_zeros",
    "verify": "verification",
}
_MODULES = ("anomaly", "forward_ad", "function", "functional", "graph", "profiler", "variable")

__all__ = [
    "DerivativeError", "Function", "Variable", "backward", "detect_anomaly", "enable_grad", "enforce_grad_layout_policy", "grad",
    "gradcheck", "gradgradcheck", "graphs_alive", "inference_mode", "is_grad_enabled", "is_inference_mode_enabled",
    "is_multithreading_enabled", "no_grad", "saved", "set_detect_anomaly", "set_grad_enabled",
    "set_multithreading_enabled", "strong_zero",
    "verify",
]  # fmt: skip


def __getattr__(name):
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if name not in _LATER:
        return _of_module(__name__)(name)
    value = globals()[name] = getattr(import_module(f".{_LATER[name]}", __name__), name)
    return value


def __dir__():
    return sorted({*globals(), *_LATER, *_MODULES})
