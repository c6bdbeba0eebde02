"""torch.cpu as scripts ask it: the one device that there is."""

from ..missing import with_modules as _with_modules


def is_available():
    """Whether the CPU can be used: yes."""
    return True


def is_initialized():
    """Whether the CPU can be used already: yes."""
    return True


def device_count():
    """The number of CPUs as devices: 1."""
    return 1


def current_device():
    """The device that is computed on: "cpu"."""
    return "cpu"


def set_device(device):
    """Nothing: there is one device."""


def synchronize(device=None):
    """Nothing: operations are done when they return."""


__getattr__, __dir__ = _with_modules(__name__, ("amp",))
