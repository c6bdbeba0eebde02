"""Hooks of nodes and leaves, and the handles that remove them."""

import itertools
import weakref

_ids = itertools.count()


class RemovableHandle:
    """Takes a hook out again: handle.remove(), or leaving a `with` block."""

    def __init__(self, hooks, hook):
        self.id = next(_ids)
        self._hooks = hooks
        hooks[self.id] = hook

    def remove(self):
        self._hooks.pop(self.id, None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


class Extras:
    """What only few nodes and leaves have: hooks, retained gradients, metadata."""

    def __init__(self):
        self.tensor_hooks = {}
        self.before_hooks = {}
        self.after_hooks = {}
        self.accumulated_hooks = {}
        self.retained = []
        self.metadata = {}
        self.accumulator = None

    def before(self, owner, g):
        """The gradient `g` (a list for several outputs) after the hooks that run before the rules."""
        single = not isinstance(g, list)
        gs = [g] if single else list(g)
        for number, hook in list(self.tensor_hooks.values()):
            gs[number] = _called(hook, gs[number])
        for hook in list(self.before_hooks.values()):
            replaced = hook(tuple(gs))
            if replaced is not None:
                gs = list(replaced) if isinstance(replaced, (tuple, list)) else [replaced]
        for number, reference in self.retained:
            tensor = reference()
            if tensor is not None and gs[number] is not None:
                _retain(tensor, gs[number])
        return gs[0] if single else gs

    def after(self, results, g):
        """The gradients of the inputs after the hooks that run behind the rules."""
        outputs = tuple(g) if isinstance(g, list) else (g,)
        for hook in list(self.after_hooks.values()):
            replaced = hook(tuple(results), outputs)
            if replaced is not None:
                results = list(replaced) if isinstance(replaced, (tuple, list)) else [replaced]
        return results

    def accumulated(self, leaf):
        """Call the hooks that wait for leaf.grad to be complete."""
        for hook in list(self.after_hooks.values()):
            hook((), (leaf.grad,))
        for hook in list(self.accumulated_hooks.values()):
            hook(leaf)

    def retain(self, tensor, number):
        if not any(reference() is tensor for _, reference in self.retained):
            self.retained.append((number, weakref.ref(tensor)))


def _called(hook, g):
    """The gradient after one tensor hook; what it returns must be a gradient of the same kind."""
    replaced = hook(g)
    if replaced is None:
        return g
    if not isinstance(replaced, type(g).__mro__[-2]):
        raise TypeError(f"hook must return None or a Tensor, but it returned a '{type(replaced).__name__}'")
    if g is not None and replaced._array.shape != g._array.shape:
        raise RuntimeError(
            f"hook '{getattr(hook, '__name__', '<unknown>')}' has changed the size of value: from "
            f"{list(g._array.shape)} to {list(replaced._array.shape)}"
        )
    if g is not None and replaced._array.dtype != g._array.dtype:
        raise RuntimeError(
            f"hook '{getattr(hook, '__name__', '<unknown>')}' has changed the type of value: from "
            f"{g._array.dtype} to {replaced._array.dtype}"
        )
    return replaced


def _retain(tensor, g):
    tensor.grad = g.clone() if tensor._grad is None else tensor._grad + g
