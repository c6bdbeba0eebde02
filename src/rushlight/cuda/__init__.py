"""torch.cuda as scripts ask it: there is no GPU here yet."""

from ..missing import with_modules as _with_modules


def is_available():
    """Whether a GPU can be used: no."""
    return False


def device_count():
    """The number of GPUs: 0."""
    return 0


def manual_seed(seed):
    """Nothing: there is no GPU whose stream to seed."""


manual_seed_all = manual_seed


def empty_cache():
    """Nothing: there is no GPU memory to give back."""


def current_device():
    """AssertionError in PyTorch's words: it is built without CUDA too."""
    raise AssertionError("Torch not compiled with CUDA enabled")


def synchronize(device=None):
    """AssertionError in PyTorch's words: there is no device to wait for."""
    current_device()


__getattr__, __dir__ = _with_modules(__name__, ("amp",))
