"""The graph as an object: its nodes, and edges to tensors that need not be kept."""

from collections import namedtuple

from .. import core
from ..core import Node, TensorBase
from ..errors import coded
from ..node import accumulator

__all__ = ["GradientEdge", "Node", "get_gradient_edge", "increment_version"]


class GradientEdge(namedtuple("GradientEdge", ("node", "output_nr", "ownership_token"), defaults=(None,))):
    """An output of a node: stands for a tensor in `backward(inputs=...)` and `grad` without keeping its values."""

    __slots__ = ()


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
    return GradientEdge(accumulator(tensor) if node is None else node, tensor.output_nr)


def increment_version(tensor):
    """Count a write that went past the tensors, so that saved values are known to be spoiled."""
    for each in (tensor,) if isinstance(tensor, TensorBase) else tensor:
        core.written(each)
