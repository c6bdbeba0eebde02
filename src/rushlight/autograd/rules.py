"""The rules of one recorded operation, called apart from a backward pass: for what explains, repairs or checks it."""

from .. import engine
from ..core import TensorBase, array_of


def rule_of(node, i):
    """The rule for input i alone; None where there is none, or one for all inputs together."""
    rules = node.op.rules
    return rules[i] if i < len(rules) else None


def argument(node, rule, k):
    """What argument k of a rule is for this node; RuntimeError where it was freed or overwritten."""
    return engine.fetch(node, rule, k, rule.sources[k])


def arguments(node, rule):
    return [argument(node, rule, k) for k in range(rule.count)]


def through(node, rule, g, given):
    """The rule on the gradient `g` and the arguments `given`; broadcasting and promotion are not undone yet."""
    if not node.conjugate:
        return rule.fn(g, *given)
    return engine.conj(rule.fn(engine.conj(g), *given))


def fitted(node, i, g):
    """A gradient in the shape and dtype of input i."""
    return g if node.fits is None else engine.fit(g, node.fits[i])


def kept(node):
    """{name: array or number} of the inputs and outputs that the node holds and that are still what they were."""
    if node.freed or node.op.custom is not None:
        return {}
    op, found = node.op, {}
    values = [(op.inputs[i], lambda i=i: node.saved_at(i)) for i in range(min(node.count, len(op.inputs)))]
    values += [
        (op.outputs[k] if op.outputs else "out", lambda k=k: node.saved_out_at(k)) for k in range(len(node.outs or ()))
    ]
    for name, value in values:
        try:
            found[name] = array_of(value())
        except RuntimeError:
            continue
    return {name: value for name, value in found.items() if value is not None}


def is_zero(g):
    """Whether a gradient, one tensor or a list with None, is exactly zero."""
    parts = g if isinstance(g, list) else [g]
    return all(part is None or not part._array.any() for part in parts)


def floating(x):
    return isinstance(x, TensorBase) and x._array.dtype.kind in "fcV"
