"""Handles of hooks, and the mark of a hook that pickles may leave out."""

from ..functions.protocols import warn_of_hooks
from ..hooks import RemovableHandle

__all__ = ["RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]


def unserializable_hook(f):
    """Mark a hook of tensors: a pickle leaves it out without a warning. For use as a decorator.

    >>> import pickle, rushlight
    >>> @rushlight.utils.hooks.unserializable_hook
    ... def show(grad):
    ...     print(grad)
    >>> x = rushlight.ones(2, requires_grad=True)
    >>> handle = x.register_hook(show)
    >>> pickle.loads(pickle.dumps(x))
    tensor([1., 1.], requires_grad=True)
    """
    f.__torch_unserializable__ = True
    return f


def warn_if_has_hooks(tensor):
    """Warn of each hook of a tensor that a pickle would leave out, unless it is marked."""
    warn_of_hooks(tensor)
