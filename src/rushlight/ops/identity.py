"""The same values under another tensor."""

from .declare import linear


@linear(view=True, x=lambda g: g)
def alias(x):
    """A view of all of x."""
    return x[...]
