"""What a function is differentiated by: fresh tensors in the place of its arguments, and what may leave with a history.

There are no wrappers. An argument that the caller's program records becomes an alias of it, so that the caller's graph
goes on; any other becomes a leaf. A result keeps its history only where that leads back to something besides
those leaves, which nobody outside can name.
"""

from weakref import WeakValueDictionary

from .. import core, modes
from ..core import TensorBase
from ..ops import batching
from ..ops.forward import put_tangent
from ..ops.identity import alias

# Leaves made here that results with a history still lead to, by id.
_own = WeakValueDictionary()


def fresh(x):
    """A tensor of the values of x to differentiate by; made while recording is on."""
    if not isinstance(x, TensorBase):
        raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")
    if x._array.dtype.kind not in "fcV":
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    leaf = batching.lifted(x)
    if leaf is not x:
        inner = {level: t for level, t in (x.tangent or {}).items() if level.number > leaf._array.level.number}
        _put_tangents(leaf, inner)
    elif x.requires_grad:
        argument = alias(x)
        # It counts as a leaf: a write would be one to the caller's tensor.
        argument.view_of.creation = "argument"
        return argument
    else:
        leaf = _same(x, x.tangent)
    leaf._requires_grad, leaf.inference = True, False
    return leaf


def _same(x, tangents):
    """A tensor over the same memory, without history at its own level, and with these tangents."""
    if batching.level_of((x,)) is None:
        out = core.detached(x, True)
    else:
        out = core.restore(x._array, None, 0, x.versions)
    if tangents:
        _put_tangents(out, tangents)
    return out


def _put_tangents(x, tangents):
    for level, tangent in tangents.items():
        if level.open:
            put_tangent(x, level, tangent)


def bare(x):
    """x without history at its own level, nor has any of its tangents one."""
    return _same(x, x.tangent and {level: bare(tangent) for level, tangent in x.tangent.items()})


class History:
    """Whether results that come from `ys`, made by `fresh`, are to have a history."""

    def __init__(self, ys, recording):
        """`recording`: whether the caller's program is recorded."""
        self.leaves = [y for y in ys if y._grad_fn is None]
        self.recording = recording
        self.goes_on = recording and len(self.leaves) < len(ys)

    def wanted(self, *xs):
        """Whether one of xs depends on anything recorded besides the leaves of our own."""
        if not self.recording:
            return False
        if not self.goes_on and not _lead_beyond(xs, self.leaves):
            return False
        _own.update([(id(leaf), leaf) for leaf in self.leaves])
        return True

    def settled(self, x):
        """x as it may leave: with its history where that is wanted."""
        if (x.requires_grad or x.tangent) and not self.wanted(x):
            return bare(x)
        return x


def _lead_beyond(xs, leaves):
    """Whether something recorded besides `leaves` is behind one of xs: at its level, below it, or by a tangent."""
    if _graph_leads_beyond(xs, leaves):
        return True
    for x in xs:
        if batching.tracked_below(x):
            return True
        if x.tangent and _lead_beyond([t for level, t in x.tangent.items() if level.open], leaves):
            return True
    return False


def _graph_leads_beyond(xs, leaves):
    """Whether the graph of xs has a leaf that is neither among `leaves` nor one that was made here."""
    seen = {_edge(x) for x in xs if x.requires_grad}
    todo = list(seen)
    while todo:
        edge = todo.pop()
        if isinstance(edge, TensorBase):
            if _own.get(id(edge)) is not edge and not any([edge is leaf for leaf in leaves]):
                return True
            continue
        for i in range(edge.count):
            below = edge.edge_at(i)
            if below is not None and below not in seen:
                seen.add(below)
                todo.append(below)
    return False


def _edge(x):
    """What x comes from; a view that was made under no_grad counts with its base."""
    node = x.grad_fn
    if node is None and x.view_of is not None:
        x = x.view_of.base
        node = x.grad_fn
    return x if node is None else node


class recorded:
    """`with recorded() as recording:` operations are recorded within; `recording` says whether they were before."""

    def __enter__(self):
        self._inference = modes.inference_enabled()
        self._before = modes.put_inference(False) if self._inference else modes.put_grad(True)
        return bool(self._before & 1)

    def __exit__(self, *_):
        if self._inference:
            modes.put_inference(True)
        modes.put_grad(self._before & 1)
