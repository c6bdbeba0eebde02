"""The same values under another tensor."""

from .batch_rules import as_it_is
from .declare import linear


@linear(batch=as_it_is, view=True, x=lambda g: g)
def alias(x):
    """A view of all of x."""
    return x[...]


def through_boundary(g):
    return tuple(g) if isinstance(g, list) else (g,)


@linear(batch=as_it_is, many=True, jointly=True, joint=through_boundary, backward="BackwardHookFunctionBackward")
def boundary(*xs):
    """The same values, as the outputs of one node: hooks on it see the gradients of all together."""
    return xs
