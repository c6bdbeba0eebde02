"""Hooks of nodes and leaves, and the handles that remove them."""

import itertools
import os
import weakref
from _thread import RLock

from . import errors
from .core import TensorBase

_numbers = itertools.count(1)
# For whoever takes a number, changes the hooks of a module, or makes the Extras of a node or leaf; a child of `fork`
# must not inherit it from another thread.
_making = RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_making.acquire, after_in_parent=_making.release, after_in_child=_making.release)


def next_number():
    """Larger than all before, in any thread."""
    with _making:
        return next(_numbers)


def numbered(hooks):
    """[(number, hook), ...] as they are now: an OrderedDict may not change while it is gone through."""
    with _making:
        return list(hooks.items())


def move_first(hooks, number):
    """Let the hook of this number be called before all others."""
    with _making:
        hooks.move_to_end(number, last=False)


def listed(*places):
    """The hooks of several dicts as they are now."""
    with _making:
        return [hook for hooks in places for hook in hooks.values()]


class RemovableHandle:
    """Takes a hook out again: handle.remove(), or leaving a `with` block.

    The hook is in `hooks_dict` under `handle.id`, and so may more be in `extra_dict`, a dict or a list of them.
    """

    def __init__(self, hooks_dict, hook=None, *, extra_dict=None):
        self.id = next_number()
        extra = extra_dict if isinstance(extra_dict, list) else [extra_dict]
        self._places = (hooks_dict, *[place for place in extra if place is not None])
        if hook is not None:
            with _making:
                hooks_dict[self.id] = hook

    def remove(self):
        for place in self._places:
            with _making:
                place.pop(self.id, None)

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
        # The dtype that gradients of a leaf are cast to, where one was set; None leaves them as they come.
        self.has_grad_dtype, self.grad_dtype = False, None
        # Whether the node has saved tensors that hooks have packed: see saving.py.
        self.packs = False

    def known(self, g, run):
        """The gradient `g` (a list for several outputs) after the hooks of tensors: what the gradient is taken to be."""
        if self.grad_dtype is not None and g is not None and g.dtype != self.grad_dtype:
            g = g.to(self.grad_dtype)
        if not self.tensor_hooks:
            return g
        single = not isinstance(g, list)
        gs = [g] if single else list(g)
        for number, hook in list(self.tensor_hooks.values()):
            if isinstance(hook, OneOfSeveral):
                hook.received(gs[number], run)
                continue
            gs[number] = _checked(hook, gs[number], hook(gs[number]))
        return gs[0] if single else gs

    def before(self, g):
        """The same after the hooks that run before the rules, and do so only where the rules do."""
        if not self.before_hooks:
            return g
        single = not isinstance(g, list)
        gs = [g] if single else list(g)
        for hook in list(self.before_hooks.values()):
            gs = _replaced(hook, gs, hook(tuple(gs)))
        return gs[0] if single else gs

    def watched(self):
        """Whether the engine must have all results of the node at hand."""
        return self.packs or len(self.after_hooks) != 0

    def after(self, results, g):
        """The gradients of the inputs after the hooks that run behind the rules."""
        outputs = tuple(g) if isinstance(g, list) else (g,)
        for hook in list(self.after_hooks.values()):
            results = _replaced(hook, results, hook(tuple(results), outputs))
        return results

    def accumulated(self, leaf):
        """Call the hooks that wait for leaf.grad to be complete. Without any, no memory is asked for: none can be short."""
        if self.accumulated_hooks:
            for hook in list(self.accumulated_hooks.values()):
                returned = hook(leaf)
                if returned is not None:
                    _check_is_tensor(returned)
                    raise errors.coded("RL126", RuntimeError("Tensor post accumulate grad hooks should return None."))
        if self.after_hooks:
            for hook in list(self.after_hooks.values()):
                _replaced(hook, (), hook((), (leaf.grad,)))

    def retain(self, tensor, number):
        """Keep the gradient of output `number` in tensor.grad from now on."""
        if not any(reference() is tensor for _, reference in self.retained):
            self.retained.append((number, weakref.ref(tensor)))

    def retained_now(self, g):
        """[(tensor, gradient), ...] to be kept when the pass has succeeded: copies, since hooks may still write."""
        found = []
        for number, reference in self.retained:
            tensor, part = reference(), g[number] if isinstance(g, list) else g
            if tensor is not None and part is not None:
                found.append((tensor, part.clone()))
        return found

    def move_retained(self, tensor, node, number=0):
        """A write made output `number` of `node` the history of `tensor`: its gradient is retained from now on."""
        if any(reference() is tensor for _, reference in self.retained):
            self.retained = [(n, reference) for n, reference in self.retained if reference() is not tensor]
            extras_of(node).retain(tensor, number)


def extras_of(node):
    """The Extras of a node, made where it has none."""
    with _making:
        if node.extras is None:
            node.extras = Extras()
    return node.extras


def extras_of_leaf(leaf):
    """The Extras of a leaf, made where it has none."""
    with _making:
        if leaf.hooks is None:
            leaf.hooks = Extras()
    return leaf.hooks


class Gathering:
    """A hook that waits for the gradients of several tensors, or only for the first of them, in each backward pass."""

    def __init__(self, count, hook, first):
        self.count = count
        self.hook = hook
        self.first = first

    def received(self, position, g, run):
        if run.gathered is None:
            run.gathered = {}
        if self.first:
            if self not in run.gathered:
                run.gathered[self] = None
                self.hook(g)
            return
        waiting = run.gathered.setdefault(self, {})
        waiting[position] = g
        if len(waiting) == self.count:
            self.complete(run)

    def complete(self, run):
        """Call the hook with what has arrived, None for the others."""
        waiting = run.gathered[self]
        if waiting is None:
            return
        run.gathered[self] = None
        self.hook([waiting.get(position) for position in range(self.count)])


class OneOfSeveral:
    """The part of a Gathering that hangs on one tensor."""

    def __init__(self, gathering, position):
        self.gathering = gathering
        self.position = position

    def received(self, g, run):
        self.gathering.received(self.position, g, run)


def call_gathered(run):
    """The walk is over: call the hooks of several tensors for which some have no gradient."""
    for gathering in list(run.gathered):
        gathering.complete(run)


def retained_totals(found):
    """[(tensor, what its .grad is to be), ...] of retained gradients."""
    return [(tensor, g if tensor.grad is None else tensor.grad + g) for tensor, g in found]


def _check_is_tensor(returned):
    """TypeError for anything else that a hook returned."""
    if not isinstance(returned, TensorBase):
        raise errors.coded("RL125", TypeError(f"expected Variable, but hook returned '{type(returned).__name__}'"))


def _checked(hook, g, replaced):
    """The gradient after one hook; what it returned must be a gradient of the same kind."""
    if replaced is None:
        return g
    if g is None:
        raise errors.coded("RL126", RuntimeError("can't replace a None gradient with a non-None value"))
    _check_is_tensor(replaced)
    before, after = g._array, replaced._array
    if before.dtype != after.dtype:
        raise errors.coded(
            "RL126",
            RuntimeError(
                f"hook '{_name(hook)}' has changed the type of value (was {errors.tensor_type(before)} got "
                f"{errors.tensor_type(after)})"
            ),
        )
    if before.shape != after.shape:
        raise errors.coded(
            "RL126",
            RuntimeError(f"hook '{_name(hook)}' has changed the size of value"),
            before=list(before.shape),
            after=list(after.shape),
        )
    return replaced


def _replaced(hook, values, replaced):
    """All gradients of a node after one hook of the node: as many as there were."""
    if replaced is None:
        return values
    if not isinstance(replaced, tuple):
        raise errors.coded("RL125", TypeError(f"expected tuple, but hook returned '{type(replaced).__name__}'"))
    if len(replaced) != len(values):
        raise errors.coded(
            "RL126",
            RuntimeError(
                f"hook '{_name(hook)}' has returned an incorrect number of values (got {len(replaced)}, but expected "
                f"{len(values)})"
            ),
        )
    return [None if new is None else _checked(hook, old, new) for old, new in zip(values, replaced)]


def _name(hook):
    return getattr(hook, "__name__", "<unknown>")
