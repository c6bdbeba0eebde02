"""The same values under another tensor."""

from .batch_rules import as_it_is
from .declare import linear


@linear(batch=as_it_is, view=True, x=lambda g: g)
def alias(x):
    """A view of all of x."""
    return x[...]
