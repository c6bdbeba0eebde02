"""Writes to tensors that are saved for backward: the old values are copied just before the write."""

from contextlib import contextmanager
from contextvars import ContextVar
from weakref import WeakSet

from .. import modes, saving
from ..watching import Watcher

_current = ContextVar("rushlight_mutation", default=None)


class Mutations(Watcher):
    """What is saved in one block of `allow_mutation_on_saved_tensors`, by the version counter of its storage."""

    def __init__(self):
        self.saved = {}
        self.ended = False

    def clear(self):
        self.saved = {}

    def pack(self, tensor):
        saved = saving.Unwritten(tensor)
        self.saved.setdefault(tensor.versions, WeakSet()).add(saved)
        return saved

    def unpack(self, saved):
        if self.ended:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' contextin which the graph was "
                "originally recorded."
            )
        return saved.tensor()

    def called(self, op, inputs, params, in_place, proceed):
        if in_place:
            self.copy_before_write(inputs[0])
        return proceed()

    def noted(self, kind, source, result):
        if kind == "out":
            self.copy_before_write(source)

    def copy_before_write(self, x):
        """Copy what was saved of the storage of x; equal views of it are copied once."""
        copies = {}
        for saved in self.saved.pop(x.versions, ()):
            if not saved.is_as_it_was():
                continue
            tensor = saved.tensor()
            place = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
            if place not in copies:
                before = modes.put_grad(False)
                copies[place] = tensor.clone()
                modes.put_grad(before & 1)
            saved.replace(copies[place])


@contextmanager
def allow_mutation_on_saved_tensors():
    """In the block, tensors that are saved for backward may be written in place: backward uses the old values.

    These are copied when such a write comes, and only then. Backward must run within the block.

    >>> import rushlight
    >>> x = rushlight.ones(2, requires_grad=True)
    >>> with rushlight.autograd.graph.allow_mutation_on_saved_tensors():
    ...     y = x.clone()
    ...     z = y**2
    ...     _ = y.mul_(5)
    ...     z.sum().backward()
    >>> x.grad
    tensor([2., 2.])
    """
    if _current.get() is not None:
        raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
    mutations = Mutations()
    token = _current.set(mutations)
    saving.enter(mutations.pack, mutations.unpack)
    try:
        with mutations:
            yield mutations
    finally:
        mutations.ended = True
        mutations.clear()
        saving.leave()
        _current.reset(token)
