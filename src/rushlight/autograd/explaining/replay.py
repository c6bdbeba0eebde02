"""A backward pass run again, without hooks and without touching any .grad, to see where a gradient changed its kind."""

from contextlib import contextmanager

import numpy as np

from ...core import TensorBase, array_of, wrap
from ...watching import Watcher
from ..backward import grad
from ..rules import arguments, is_zero, kept, rule_of, through

_HOOKS = ("tensor_hooks", "before_hooks", "after_hooks", "retained")
_STEPS = ("round", "floor", "ceil", "trunc", "sign", "sgn", "div_rounded")
_OVERWRITTEN = ("zero", "fill", "copy", "masked_fill", "drawn")
_SATURATING = ("sigmoid", "tanh", "erf", "hardtanh", "hardsigmoid")
# The inputs that are multiplied with each other.
_PRODUCTS = {
    **dict.fromkeys(("mul", "dot"), ("x", "y")),
    **dict.fromkeys(
        ("mm", "mv", "vm", "bmm", "matmul", "addmm", "addmm_nt", "addmv", "baddbmm", "addbmm", "addr"), ("a", "b")
    ),
    "addcmul": ("tensor1", "tensor2"),
}
_CHOICES = ("maximum", "minimum", "fmax", "fmin")


@contextmanager
def silenced(several):
    """Without the hooks of these nodes and leaves, and without retain_grad()."""
    before = [{name: getattr(extras, name) for name in _HOOKS} for extras in several]
    try:
        for extras in several:
            extras.tensor_hooks, extras.before_hooks, extras.after_hooks, extras.retained = {}, {}, {}, []
        yield
    finally:
        for extras, hooks in zip(several, before):
            for name, value in hooks.items():
                setattr(extras, name, value)


class Replay(Watcher):
    """Watches a pass over the nodes that lead to one target."""

    watches_calls = False

    def __init__(self, ways, target):
        self.vanished = []
        self.broken = []
        self.cancelled = []
        self._ways, self._target = ways, target
        self._sent = {}

    def run(self, loss, t):
        """The gradient of `t`, as backward would compute it but for hooks."""
        target = self._target
        own = target.hooks if isinstance(target, TensorBase) else target.extras
        several = [extras for extras in [own, *[node.extras for node in self._ways]] if extras is not None]
        with silenced(several), self, np.errstate(all="ignore"):
            (g,) = grad(loss, t, retain_graph=True, allow_unused=True)
        if g is not None and not g._array.any() and self._sent.get(id(target), 0) > 1:
            self.cancelled.append(None)
        return g

    def pulled(self, node, g, proceed):
        results = proceed()
        zero = is_zero(g)
        if zero and self._sent.get(id(node), 0) > 1:
            self.cancelled.append(node)
        finite = all(part is None or np.isfinite(part._array).all() for part in (g if isinstance(g, list) else [g]))
        for i in range(node.count):
            edge = node.edge_at(i)
            if edge is not self._target and edge not in self._ways:
                continue
            r = results[i]
            if r is None or not r._array.any():
                if not zero:
                    self.vanished.append((node, why_zero(node, i, g, r)))
                continue
            self._sent[id(edge)] = self._sent.get(id(edge), 0) + 1
            if finite and not np.isfinite(r._array).all():
                self.broken.append((node, *why_not_finite(node, i, g, r)))
        return results


def why_zero(node, i, g, r):
    """What follows 'wherever a gradient arrives, `name` ...' for a node that gives zero; said only where it is so."""
    op, rule = node.op, rule_of(node, i)
    if r is None:
        return (
            "has no derivative in this input" if op.custom is None else "returned None for this input from its backward"
        )
    if op.custom is not None:
        return "returned zero from its backward"
    if op.name in _STEPS:
        return "is constant between its steps, so its derivative is zero"
    if op.name in _OVERWRITTEN and op.inputs[i] == "x":
        return "writes other values over it"
    held = kept(node)
    factors, own = _PRODUCTS.get(op.name, ()), None if op.variadic else op.inputs[i]
    if own in factors and any(name in held and not np.any(held[name]) for name in factors if name != own):
        return "multiplies by zero"
    if rule is None or isinstance(g, list):
        return "takes nothing from this input there" if op.kind == "linear" else "gives zero: what it adds up cancels"
    if op.kind == "elementwise":
        return _elementwise_zero(node, i, rule, g, held)
    if op.kind == "linear" and not held:
        positive = through(node, rule, wrap(np.abs(g._array)), arguments(node, rule))
        return "adds up to zero" if positive._array.any() else "takes nothing from this input there"
    return "gives zero: its derivative there is zero, or what it adds up cancels"


def _elementwise_zero(node, i, rule, g, held):
    name, own = node.op.name, node.op.inputs[i]
    met, given = g._array != 0, arguments(node, rule)
    if through(node, rule, g, given)._array.any():
        return "adds up to zero over the elements that broadcasting repeated"
    slope = through(node, rule, wrap(np.ones_like(g._array)), given)._array
    if np.broadcast_to(slope, met.shape)[met].any():
        return "gives a product too small for its dtype"
    if name == "relu":
        return "has an input that is not positive"
    if name == "where":
        return "takes the other branch"
    if name.startswith("clamp") and own == "x":
        return "is saturated: its input lies outside of the bounds"
    if name in _CHOICES:
        return "takes the other operand"
    if name in ("mul", "addcmul"):
        return "multiplies by zero"
    if name == "div" and own == "y":
        return "divides zero, which stays zero whatever the divisor"
    if name in _SATURATING:
        return "is saturated: its derivative is zero"
    x = held.get(own)
    value = "" if not isinstance(x, np.ndarray) else _only(np.broadcast_to(x, met.shape)[met])
    return f"has the derivative zero{value}"


def _only(values):
    """' at 0.0' where all values are the same."""
    return f" at {_number(values[0].item())}" if (values == values[0]).all() else ""


def why_not_finite(node, i, g, r):
    """(kind of value, sentence about it or None, whether a zero gradient met it) of a result that is not finite."""
    kind = "nan" if np.isnan(r._array).any() else "infinite"
    rule = rule_of(node, i)
    if node.op.custom is not None or node.op.kind != "elementwise" or rule is None or isinstance(g, list):
        return kind, None, is_zero(g)
    given = arguments(node, rule)
    raw = through(node, rule, g, given)._array
    slope = through(node, rule, wrap(np.ones_like(g._array)), given)._array
    at = np.argwhere(np.isnan(raw) if kind == "nan" else ~np.isfinite(raw))
    if not len(at):
        return kind, "the sum over the elements that broadcasting repeated overflows", False
    at = tuple(at[0])
    value = _value(node, i, at, raw.shape)
    met, slope = g._array[at].item(), np.broadcast_to(slope, raw.shape)[at].item()
    if np.isfinite(slope):
        return (
            kind,
            f"the derivative{value} is {_number(slope)}, and its product with the gradient {_number(met)} overflows",
            False,
        )
    sentence = f"the derivative{value} is {_number(slope)}, and the gradient that came in was {_number(met)}"
    return kind, f"{sentence}: {_number(slope)} times {_number(met)} is nan" if met == 0 else sentence, met == 0


def _value(node, i, at, shape):
    """' at -0.0' for the input where it is held, ' where its result is 0.0' for the result."""
    held, name, edge = kept(node), node.op.inputs[i], node.edge_at(i)
    if name not in held and isinstance(edge, TensorBase) and edge._version == 0:
        held[name] = array_of(edge)
    for key, words in ((name, "at"), ("out", "where its result is")):
        value = held.get(key)
        if isinstance(value, np.ndarray):
            return f" {words} {_number(np.broadcast_to(value, shape)[at].item())}"
    return ""


def _number(x):
    return str(float(f"{x:.6g}")) if isinstance(x, float) else str(x)
