"""Where tensors came from, also those without history: remembered while a recording is in force.

Each tensor has an Origin, which holds the origins of what it was made of, but no tensor: it lives as long as something
made from it.
"""

import weakref
from collections import deque

import numpy as np

from ... import core, modes
from ...core import TensorBase
from ...ops.hidden import Batched, every
from ...watching import Watcher
from ..rules import floating

# id of a tensor: (a weak reference to it, its origin). Tensors are no keys, since == compares their elements.
_origins = {}
# Values that left the graph as Python numbers, lists and arrays, of the last recording.
exits = deque(maxlen=1000)


class Origin:
    """How a tensor came about: `name` of the operation or method, its line, and (origin, required a gradient) of each input.

    `cut` says why it has no history though an input had one, None otherwise.
    """

    def __init__(self, name, inputs=(), cut=None, line=None):
        self.name = name
        self.inputs = inputs
        self.cut = cut
        self.line = line
        self.finite, self.nan = True, False
        self.written = False
        # Of a leaf: the lines where a backward pass last gave it a gradient, and where zero_grad last took it.
        self.reached = self.dropped = None

    def where(self):
        return "an unknown line" if self.line is None else self.line.describe()


def here():
    """The line of the user's program that is running."""
    mark = core.wrap(np.zeros(0))
    core.written(mark)
    return mark.versions


def innermost(tensor):
    """The tensor that has the history: under vmap that of all samples."""
    while type(tensor._array) is Batched and not tensor.requires_grad:
        tensor = tensor._array.hidden
    return tensor


def tracked(tensor):
    """Whether a tensor requires a gradient, or the batch does that it is a sample of."""
    return innermost(tensor).requires_grad


def origin_of(tensor):
    """What is remembered of a tensor, None where nothing is."""
    found = _origins.get(id(tensor))
    return found[1] if found is not None and found[0]() is tensor else None


def put(tensor, origin):
    key = id(tensor)

    def forget(reference):
        if key in _origins and _origins[key][0] is reference:
            del _origins[key]

    _origins[key] = weakref.ref(tensor, forget), origin
    return origin


def known(tensor):
    """The origin of a tensor that is used now; one not seen before begins here."""
    own = origin_of(tensor)
    base = None if tensor.view_of is None else origin_of(tensor.view_of.base)
    if (
        base is not None
        and base.written
        and base is not own
        and (own is None or base not in [o for o, _ in own.inputs])
    ):
        # The base was written to after the view was made.
        return put(tensor, Origin("view", [(o, True) for o in (own, base) if o is not None], line=base.line))
    if own is None and type(tensor._array) is Batched:
        hidden = tensor._array.hidden
        return put(tensor, Origin("vmap", [(known(hidden), tracked(hidden))], line=here()))
    return own or put(tensor, Origin(None))


class Recorder(Watcher):
    """Remembers the origin of every result."""

    def __init__(self):
        self._backward = 0

    def called(self, op, inputs, params, in_place, proceed):
        before = [(known(x), tracked(x)) for x in inputs if isinstance(x, TensorBase)]
        out = proceed()
        line = here()
        for x in out if isinstance(out, tuple) else (out,):
            if isinstance(x, TensorBase):
                self._made(op, x, before, in_place, line)
        return out

    def _made(self, op, x, before, in_place, line):
        if in_place and x.requires_grad and x.grad_fn is None:
            return  # A leaf that was written to without a record stays what it is.
        name = op.name.removesuffix("Backward") if op.custom is not None else op.name
        if name == "to_dtype":
            name = f"to({x.dtype})"
        cut = any(was for _, was in before) and innermost(x).is_leaf
        origin = put(x, Origin(name, before, self._cut(op, x) if cut else None, line))
        if floating(x):
            origin.finite = bool(np.isfinite(every(x._array)).all())
            origin.nan = not origin.finite and bool(np.isnan(every(x._array)).any())
        origin.written = in_place
        if type(x._array) is Batched:
            put(x._array.hidden, origin)
        if in_place and x.view_of is not None:
            base = x.view_of.base
            written = put(base, Origin(name, [(known(base), True), (origin, True)], line=line))
            written.written = True

    def _cut(self, op, x):
        """Why a result has no history though an input has one."""
        if self._backward:
            return "backward"
        if modes.inference_enabled():
            return "inference"
        if not modes.grad_enabled():
            return "no_grad"
        if not floating(x) and op.name == "to_dtype":
            return "cast"
        return "constant" if op.custom is not None else "nondifferentiable"

    def pulled(self, node, g, proceed):
        self._backward += 1
        try:
            results = proceed()
        finally:
            self._backward -= 1
        line = here()
        for i in range(node.count):
            edge, result = node.edge_at(i), results[i]
            if result is None:
                continue
            if isinstance(edge, TensorBase):
                leaf = known(edge)
                leaf.reached, leaf.dropped = line, None
            if not result.requires_grad and origin_of(result) is None:
                sources = [g] if isinstance(g, TensorBase) else [part for part in g if part is not None]
                sources = [(known(part), True) for part in sources]
                if isinstance(edge, TensorBase):
                    sources.append((known(edge), True))
                put(result, Origin("backward", sources, "backward", line))
        return results

    def noted(self, kind, source, result):
        if kind == "zero_grad":
            known(source).dropped = here()
            return
        origin = Origin(kind, [(known(source), tracked(source))], line=here())
        if result is None:
            exits.append(origin)
            return
        origin.cut = kind if tracked(source) else None
        put(result, origin)
        if type(result._array) is Batched:
            put(result._array.hidden, origin)


def leading_to(origin, target):
    """The set of origins, `origin` perhaps among them, that were made from `target` (with the target itself)."""
    order, seen, stack = [], {origin}, [origin]
    while stack:
        found = stack.pop()
        order.append(found)
        for source, _ in found.inputs:
            if source not in seen:
                seen.add(source)
                stack.append(source)
    users = {}
    for found in order:
        for source, _ in found.inputs:
            users.setdefault(source, []).append(found)
    if target not in seen:
        return set()
    reaching, stack = {target}, [target]
    while stack:
        for user in users.get(stack.pop(), ()):
            if user not in reaching:
                reaching.add(user)
                stack.append(user)
    return reaching


def ancestors(origin):
    """All origins that this one was made of, itself included."""
    seen, stack = {origin}, [origin]
    while stack:
        for source, _ in stack.pop().inputs:
            if source not in seen:
                seen.add(source)
                stack.append(source)
    return seen
