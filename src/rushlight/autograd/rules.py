"""The rules of one recorded operation, called apart from a backward pass: for what explains, repairs or checks it."""

from ..core import TensorBase, array_of
from ..ops.copying import conj, sum_to, to_dtype

_SHAPE, _OUT, _PARAM, _NEEDS = 1000, 2000, 3000, 4000


def rule_of(node, i):
    """The rule for input i alone; None where there is none, or one for all inputs together."""
    rules = node.op.rules
    return rules[i] if i < len(rules) else None


def argument(node, rule, k):
    """What argument k of a rule is for this node; RuntimeError where it was freed or overwritten."""
    source = rule.sources[k]
    if source < _SHAPE:
        return node.saved_at(source)
    if source < _OUT:
        return node.shapes[source - _SHAPE]
    if source < _PARAM:
        return node.saved_out_at(source - _OUT)
    if source < _NEEDS:
        return node.params[rule.names[k]]
    return tuple([node.edge_at(j) is not None for j in range(node.count)])


def arguments(node, rule):
    return [argument(node, rule, k) for k in range(rule.count)]


def through(node, rule, g, given):
    """The rule on the gradient `g` and the arguments `given`; broadcasting and promotion are not undone yet."""
    if not node.conjugate:
        return rule.fn(g, *given)
    return conj(rule.fn(conj(g), *given))


def fitted(node, i, g):
    """A gradient in the shape and dtype of input i."""
    want = None if node.fits is None else node.fits[i]
    if want is None:
        return g
    shape, dtype = want
    if shape is not None and g._array.shape != shape:
        g = sum_to(g, shape=shape)
    if dtype is not None and g._array.dtype != dtype:
        g = to_dtype(g, dtype=dtype)
    return g


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
