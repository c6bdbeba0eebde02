"""Where values that are not finite begin: the first operation of the forward, and of the backward, that made one."""

from collections import namedtuple

import numpy as np

from ...core import Node, array_of
from .sums import described

# How many origins are remembered; the first ones matter.
_MOST = 100


class Origin(namedtuple("Origin", ("kind", "operation", "place"))):
    """An operation that made `kind` ("nan" or "inf") of inputs that held none, and the user's line that called it."""

    __slots__ = ()

    def __str__(self):
        return f"{self.kind} was first made by {self.operation} at {self.place}"


class Report:
    """What a debug() block has found so far: lists of Origin, in the order of time."""

    def __init__(self):
        self.forward = []
        self.backward = []

    def __str__(self):
        lines = [f"forward: {origin}" for origin in self.forward] + [f"backward: {origin}" for origin in self.backward]
        return "\n".join(lines) or "no value was made that is not finite"

    def add(self, found, origin):
        """Remember an origin in one of the two lists."""
        if len(found) < _MOST:
            found.append(origin)


def badness(value):
    """ "nan" or "inf" for what holds one, "" for what is finite or no array of numbers."""
    array = array_of(value)
    if type(array) is not np.ndarray or array.dtype.kind not in "fcV" or np.isfinite(array).all():
        return ""
    return "nan" if np.isnan(array).any() else "inf"


def worst(values):
    """The badness of several values."""
    found = [badness(value) for value in values]
    return "nan" if "nan" in found else "inf" if "inf" in found else ""


def is_origin(inputs, params, kind, bad_inputs):
    """Whether an operation made `kind` itself: no input held it, and no number that is not finite was given."""
    if kind in bad_inputs.values() or (bad_inputs and kind == "inf"):
        return False
    numbers = [x for x in (*inputs, *params.values()) if isinstance(x, float)]
    return all(-np.inf < x < np.inf for x in numbers)


def origin_of(kind, op, calls):
    return Origin(kind, _called(op), described(calls[0]) if calls else "an unknown line")


def trail(node, records, kind=None):
    """Sentences that tell how the result of a recorded operation came not to be finite."""
    makers = _makers([node], records, kind)
    if not makers:
        return []
    kind = kind or records[makers[0]].bad
    end = _earliest(makers, records, kind)
    bad_inputs = records[end].bad_inputs
    told = [f"In the forward, {_told(end, records[end], kind)}."]
    if kind == "nan" and "nan" not in bad_inputs.values() and bad_inputs:
        # It was made of infinities: inf - inf, 0 * inf.
        told += trail(end.edge_at(next(iter(bad_inputs))), records, "inf")
    return told


def _makers(edges, records, kind=None):
    """The recorded operations that made `kind` (or anything not finite) of what comes by these edges.

    Nodes that no operation of the user's has left behind, such as those of writes through views, are looked through.
    """
    found, seen, stack = [], set(), list(edges)
    while stack:
        node = stack.pop()
        if not isinstance(node, Node) or node in seen:
            continue
        seen.add(node)
        record = records.get(node)
        if record is None:
            stack += [node.edge_at(i) for i in range(node.count)]
        elif record.bad and kind in (None, record.bad):
            found.append(node)
    return found


def _earliest(makers, records, kind):
    """The first operation of those on all ways that `kind` has come."""
    ends, seen, stack = [], set(makers), list(makers)
    while stack:
        node = stack.pop()
        given = [node.edge_at(i) for i, bad in records[node].bad_inputs.items() if bad == kind]
        before = _makers(given, records, kind)
        if not before:
            ends.append(node)
        stack += [maker for maker in before if maker not in seen]
        seen.update(before)
    return min(ends, key=lambda node: node.sequence)


def _told(node, record, kind):
    if record.within is not None:
        return f"{record.within}, within the forward of {_called(node.op)} ({node.describe()})"
    given = [i for i, bad in record.bad_inputs.items() if bad == kind]
    if given:
        return (
            f"{kind} was in input {given[0]} of {_called(node.op)} at {node.describe()}, made by no recorded operation"
        )
    if not record.is_origin:
        return f"{kind} was given to {_called(node.op)} at {node.describe()}"
    return f"{kind} was first made by {_called(node.op)} at {node.describe()}"


def _called(op):
    """What people call an operation: mul, or the class of a custom Function."""
    return op.name if op.custom is None else op.name.removesuffix("Backward")
