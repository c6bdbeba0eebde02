"""Which implementation of scaled dot-product attention to use: there is one, and every choice is it."""

from contextlib import contextmanager
from enum import Enum

from ..missing import of_module as _of_module

__all__ = ["WARN_FOR_UNFUSED_KERNELS", "SDPBackend", "sdpa_kernel"]

# PyTorch's switch for warnings about implementations that it cannot use.
WARN_FOR_UNFUSED_KERNELS = False


class SDPBackend(Enum):
    """PyTorch's names for its implementations."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4

    def __int__(self):
        return self.value

    def __repr__(self):
        return f"<SDPBackend.{self.name}: {self.value}>"

    def __str__(self):
        return f"SDPBackend.{self.name}"


@contextmanager
def sdpa_kernel(backends, set_priority=False):
    """A context, or decorator, that changes nothing. AssertionError for what is no SDPBackend or list of them.

    >>> import rushlight
    >>> from rushlight.nn.attention import SDPBackend, sdpa_kernel
    >>> q = rushlight.ones(1, 1, 2, 4)
    >>> with sdpa_kernel(SDPBackend.MATH):
    ...     out = rushlight.nn.functional.scaled_dot_product_attention(q, q, q)
    >>> tuple(out.shape)
    (1, 1, 2, 4)
    """
    if not isinstance(backends, (list, SDPBackend)):
        raise AssertionError(
            f"Backend must be an instance of SDPBackend or a list of SDPBackend instances, got {type(backends).__name__}"
        )
    yield {}


__getattr__ = _of_module(__name__)
