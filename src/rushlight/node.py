"""What users see of a graph node: its name, its edges, what it saved, its hooks."""

import weakref

from .core import Node, TensorBase, adopt, detached
from .hooks import RemovableHandle, extras_of, extras_of_leaf
from .saving import SavedTensor
from .size import Size

_CLASSES = {}
_QUALIFIED = ("CopySlices", "CopyBackwards")


class GraphNode(Node):
    """A recorded operation, as `tensor.grad_fn` and `next_functions` show it."""

    __slots__ = ()

    def __repr__(self):
        return f"<{type(self).__name__} object at {hex(id(self))}>"

    def name(self):
        """PyTorch's name for it: qualified where PyTorch qualifies it."""
        name = type(self).__name__
        return f"torch::autograd::{name}" if name in _QUALIFIED else name

    def as_shown(self):
        """This node, written anew where it stands for several that PyTorch has: see ops/shown.py."""
        if self.op is not None and self.op.shown is not None:
            self.op.shown(self)
        return self

    @property
    def next_functions(self):
        """((node, output number), ...) of the inputs; (None, 0) for a constant."""
        node = self.as_shown()
        return tuple(_shown(node.edge_at(i), node.number_at(i)) for i in range(node.count))

    @property
    def metadata(self):
        """A dict for whatever the user wants to remember with this node."""
        return extras_of(self).metadata

    def register_hook(self, hook):
        """Call hook(grad_inputs, grad_outputs) after the node has run; what it returns replaces grad_inputs."""
        return RemovableHandle(extras_of(self.as_shown()).after_hooks, hook)

    def register_prehook(self, hook):
        """Call hook(grad_outputs) before the node runs; what it returns replaces grad_outputs."""
        return RemovableHandle(extras_of(self).before_hooks, hook)

    @property
    def requires_grad(self):
        return True

    def _sequence_nr(self):
        """Larger than those of all nodes that this one came from."""
        return self.sequence

    def __getattr__(self, name):
        if name.startswith("_saved_"):
            return _saved(self.as_shown(), name[7:])
        if name.startswith("_raw_saved_"):
            return SavedTensor(self, _place(self.as_shown(), "_raw_saved_", name[11:]))
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")


class AccumulateGrad:
    """The end of the graph at a leaf, whose gradient is accumulated into `variable.grad`."""

    def __init__(self, variable):
        self.variable = variable

    def __repr__(self):
        return f"<AccumulateGrad object at {hex(id(self))}>"

    next_functions = ()

    def name(self):
        return "torch::autograd::AccumulateGrad"

    @property
    def metadata(self):
        return extras_of_leaf(self.variable).metadata

    def register_hook(self, hook):
        """Call hook(grad_inputs, grad_outputs) after the gradient was accumulated."""
        return RemovableHandle(extras_of_leaf(self.variable).after_hooks, hook)

    def register_prehook(self, hook):
        """Call hook(grad_outputs) before the gradient is accumulated; what it returns replaces it."""
        return RemovableHandle(extras_of_leaf(self.variable).before_hooks, hook)


def node_class(name):
    """The class of nodes of that name, made once."""
    if name not in _CLASSES:
        _CLASSES[name] = adopt(type(name, (GraphNode,), {"__slots__": (), "__module__": "rushlight.graph"}))
    return _CLASSES[name]


def accumulator(leaf):
    """The AccumulateGrad of a leaf: the same one for as long as someone holds it."""
    extras = extras_of_leaf(leaf)
    found = extras.accumulator and extras.accumulator()
    if found is None:
        found = AccumulateGrad(leaf)
        extras.accumulator = weakref.ref(found)
    return found


def _shown(edge, number):
    if edge is None:
        return None, 0
    return (accumulator(edge), 0) if isinstance(edge, TensorBase) else (edge, number)


def _saved(node, name):
    """What the node kept under PyTorch's name for it."""
    op = node.op
    if name.endswith("_sym_sizes") and node.shapes is not None:
        return Size(node.shapes[_place(node, "_saved_", name, "_sym_sizes")])
    for own in op.defaults:
        if op.aliases.get(own, own) == name:
            return node.params[own]
    place = _place(node, "_saved_", name)
    value = node.saved_at(place) if place >= 0 else node.saved_out_at(-1 - place)
    # Indices come from the node as well, but have no gradient.
    differentiable = not isinstance(value, TensorBase) or value._array.dtype.kind in "fcV"
    return value if differentiable else detached(value, True)


def _place(node, prefix, name, ending=""):
    """Where a node keeps it: the number of an input, or -1 - the number of an output."""
    op = node.op
    for i, own in enumerate(op.inputs):
        if op.aliases.get(own, own) + ending == name:
            return i
    for k, own in enumerate(op.outputs or ("out",)):
        if op.aliases.get(own, own) == name:
            return -1 - k
    raise AttributeError(f"'{type(node).__name__}' object has no attribute '{prefix}{name}'")
