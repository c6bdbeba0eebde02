"""Settings for all checkpoints in a `with` block."""

from contextlib import contextmanager
from contextvars import ContextVar

_early_stop = ContextVar("rushlight_checkpoint_early_stop", default=None)
_debug = ContextVar("rushlight_checkpoint_debug", default=None)


@contextmanager
def _within(variable, value):
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


def set_checkpoint_early_stop(enable):
    """In the block, whether recomputation ends as soon as all saved values are there, whatever checkpoint() is told.

    >>> import rushlight
    >>> from rushlight.utils.checkpoint import checkpoint, set_checkpoint_early_stop
    >>> x = rushlight.ones(2, requires_grad=True)
    >>> with set_checkpoint_early_stop(False):
    ...     y = checkpoint(rushlight.exp, x, use_reentrant=False)
    """
    return _within(_early_stop, enable)


def set_checkpoint_debug_enabled(enabled):
    """In the block, whether errors of checkpoints list the operations, whatever checkpoint() is told; None: as told."""
    return _within(_debug, enabled)


def early_stop(told):
    """Whether a checkpoint that was told so ends early."""
    return told if _early_stop.get() is None else _early_stop.get()


def debug(told):
    """Whether a checkpoint that was told so lists its operations."""
    return told if _debug.get() is None else _debug.get()
