"""Switches of PyTorch's backward pass that change nothing here: it runs in one thread, and gradients lie row by row."""

from contextvars import ContextVar


class _Switch:
    """Set when it is made, and set back at the end of its `with` block."""

    def __init__(self, mode):
        self.before = self.state.get()
        self.mode = bool(mode)
        self.state.set(self.mode)

    def __enter__(self):
        self.state.set(self.mode)

    def __exit__(self, *_):
        self.state.set(self.before)


class set_multithreading_enabled(_Switch):
    """Whether a backward pass may use several threads; it never does."""

    state = ContextVar("rushlight_multithreading", default=True)


class enforce_grad_layout_policy(_Switch):
    """Whether gradients take the strides of their tensors; they are always laid out row by row."""

    state = ContextVar("rushlight_grad_layout", default=True)

    def __init__(self, enable=True):
        super().__init__(enable)


def is_multithreading_enabled():
    """What `set_multithreading_enabled` was last told."""
    return set_multithreading_enabled.state.get()
