"""The graph as an object: its nodes, edges to tensors that need not be kept, and hooks of what is saved."""

from collections import namedtuple
from contextlib import contextmanager

from .. import core, saving
from ..core import TensorBase
from ..errors import coded
from ..hooks import Gathering, OneOfSeveral, RemovableHandle
from ..node import AccumulateGrad, GraphNode, accumulator, extras_of, extras_of_leaf
from .mutation import allow_mutation_on_saved_tensors

__all__ = [
    "GradientEdge", "Node", "allow_mutation_on_saved_tensors", "disable_saved_tensors_hooks", "get_gradient_edge",
    "increment_version", "register_multi_grad_hook", "save_on_cpu", "saved_tensors_hooks",
]  # fmt: skip


class _NodeType(type):
    """What is a node: of an operation, or the end of the graph at a leaf."""

    def __instancecheck__(cls, instance):
        return isinstance(instance, (GraphNode, AccumulateGrad))

    def __subclasscheck__(cls, subclass):
        return issubclass(subclass, (GraphNode, AccumulateGrad))


class Node(metaclass=_NodeType):
    """A node of the graph, as `tensor.grad_fn` and `node.next_functions` show it; for isinstance.

    >>> import rushlight
    >>> x = rushlight.ones(2, requires_grad=True)
    >>> isinstance((x * 2).grad_fn, rushlight.autograd.graph.Node)
    True
    """

    def __init__(self):
        raise TypeError("Can't instantiate abstract class Node")


class GradientEdge(namedtuple("GradientEdge", ("node", "output_nr", "ownership_token"), defaults=(None,))):
    """An output of a node: stands for a tensor in `backward(inputs=...)` and `grad` without keeping its values."""

    # The shape and dtype of the tensor, where they are known.
    like = None


def get_gradient_edge(tensor):
    """The edge of the graph that `tensor` is.

    >>> import rushlight
    >>> x = rushlight.tensor(3.0, requires_grad=True)
    >>> edge = rushlight.autograd.graph.get_gradient_edge(x * x)
    >>> edge.node.name(), edge.output_nr
    ('MulBackward0', 0)
    """
    if not tensor.requires_grad:
        raise coded(
            "RL115",
            RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients"),
        )
    node = tensor.grad_fn
    edge = GradientEdge(accumulator(tensor) if node is None else node, tensor.output_nr)
    edge.like = tensor._array.shape, tensor._array.dtype
    return edge


def increment_version(tensor):
    """Count a write that went past the tensors, so that saved values are known to be spoiled."""
    for each in (tensor,) if isinstance(tensor, TensorBase) else tensor:
        core.written(each)


class saved_tensors_hooks:
    """In the block, what operations save for backward is packed by a function, and unpacked when it is asked for.

    `pack_hook(tensor)` gets the values without history and may return anything; `unpack_hook` gets that and returns a
    tensor of the same values. Of nested blocks the innermost counts. Holds for this thread or asyncio task.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0, 2.0], requires_grad=True)
    >>> with rushlight.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), rushlight.tensor):
    ...     y = x * x
    >>> y.sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    def __init__(self, pack_hook, unpack_hook):
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self):
        saving.enter(self.pack_hook, self.unpack_hook)

    def __exit__(self, *_):
        saving.leave()


class save_on_cpu(saved_tensors_hooks):
    """In the block, saved tensors are kept in the CPU's memory, where they are already: nothing is copied.

    `pin_memory=True` keeps copies, which later writes do not touch.

    >>> import rushlight
    >>> x = rushlight.ones(2, requires_grad=True)
    >>> with rushlight.autograd.graph.save_on_cpu(pin_memory=True):
    ...     y = x * 1
    ...     z = y * y
    >>> _ = y.detach().zero_()
    >>> z.sum().backward()
    >>> x.grad
    tensor([2., 2.])
    """

    def __init__(self, pin_memory=False, device_type="cuda"):
        super().__init__(_copied if pin_memory else _itself, _itself)


def _itself(tensor):
    return tensor


def _copied(tensor):
    return tensor.clone()


@contextmanager
def disable_saved_tensors_hooks(error_message):
    """In the block, entering `saved_tensors_hooks` raises a RuntimeError with this message. Also a decorator.

    >>> import rushlight
    >>> graph = rushlight.autograd.graph
    >>> with graph.disable_saved_tensors_hooks("not in here"), graph.save_on_cpu():
    ...     pass
    Traceback (most recent call last):
      ...
    RuntimeError: not in here
    """
    before = saving.refuse(error_message)
    try:
        yield
    finally:
        saving.allow(before)


def register_multi_grad_hook(tensors, fn, *, mode="all"):
    """Call a hook once in each backward pass that computes gradients of these tensors.

    With mode "all" it is `fn(grads)`, when all gradients are there; None stands for tensors that this pass does not
    reach. With mode "any" it is `fn(grad)` with the first gradient. Returns a handle with `remove()`. `tensors` may
    also hold edges of `get_gradient_edge`. AssertionError for a tensor that does not require gradients.

    >>> import rushlight
    >>> a, b = rushlight.ones(1, requires_grad=True), rushlight.ones(1, requires_grad=True)
    >>> handle = rushlight.autograd.graph.register_multi_grad_hook([a, b], print)
    >>> (2 * a).backward()
    [tensor([2.]), None]
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    edges = [_edge(tensor) for tensor in tensors]
    gathering = Gathering(len(edges), fn, mode == "any")
    handles = []
    for position, (node, number) in enumerate(edges):
        leaf = isinstance(node, AccumulateGrad)
        extras = extras_of_leaf(node.variable) if leaf else extras_of(node)
        handles.append(RemovableHandle(extras.tensor_hooks, (number, OneOfSeveral(gathering, position))))
    return _Handles(handles)


def _edge(tensor):
    """(node, output number) of a tensor or an edge."""
    if isinstance(tensor, GradientEdge):
        return tensor[:2]
    if not tensor.requires_grad:
        raise coded("RL115", AssertionError("Expected gradient function to be set"))
    return get_gradient_edge(tensor)[:2]


class _Handles:
    """Several handles as one."""

    def __init__(self, handles):
        self._handles = handles

    def remove(self):
        for handle in self._handles:
            handle.remove()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()
