"""The shapes and dtypes of results, found from what a graph holds: nothing of the forward is computed again.

A node keeps no result that no rule asks for. Its shape is then told by who uses it, or follows from its inputs.
"""

import math

import numpy as np

from ..core import TensorBase, array_of
from ..ops.hidden import Batched

# A view, a product or a sum of zeros is asked for its shape where its inputs have at most as many elements.
_CHEAP = 50_000
# What gives a dtype that its inputs do not have, and says so nowhere.
_OTHER_DTYPE = ("to_dtype", "real", "imag", "view_as_real", "view_as_complex", "view_dtype", "complex", "abs", "angle")


class Shapes:
    """`of[(node, k)]` is (shape, dtype) of output k of a node, None in place of what is not known."""

    def __init__(self, nodes, values):
        self.of = {}
        for key, array in values.items():
            self._learn(key, array.shape, array.dtype)
        for _ in range(2):
            for node in reversed(nodes):
                self._from_result(node)
            for node in nodes:
                self._from_inputs(node)

    def _learn(self, key, shape, dtype):
        before = self.of.get(key, (None, None))
        self.of[key] = (before[0] if shape is None else shape, before[1] if dtype is None else dtype)

    def _input(self, node, i):
        edge = node.edge_at(i)
        if edge is None:
            return None, None
        if isinstance(edge, TensorBase):
            return edge._array.shape, edge._array.dtype
        return self.of.get((edge, node.number_at(i)), (None, None))

    def _teach(self, node, i, shape, dtype):
        edge = node.edge_at(i)
        if edge is not None and not isinstance(edge, TensorBase):
            self._learn((edge, node.number_at(i)), shape, dtype)

    def _from_result(self, node):
        """What a node says of its inputs."""
        op = node.op
        if op.custom is not None:
            return
        shape, dtype = self.of.get((node, 0), (None, None))
        for i in range(node.count):
            if node.shapes is not None and i < len(node.shapes):
                self._teach(node, i, node.shapes[i], None)
            if op.kind == "nondifferentiable" or op.outputs or op.name in _OTHER_DTYPE:
                continue
            fit_shape, fit_dtype = (node.fits[i] if node.fits is not None else None) or (None, None)
            if op.elementwise:
                self._teach(node, i, fit_shape or shape, None)
            if op.promotion or op.is_view or fit_dtype is not None:
                self._teach(node, i, None, fit_dtype or dtype)

    def _from_inputs(self, node):
        """What follows for the result of a node."""
        op, known = node.op, self.of.get((node, 0), (None, None))
        if node.outputs != 1 and op.is_view:
            for k in range(node.outputs):
                self._learn((node, k), None, self._input(node, 0)[1])
        if op.custom is not None or None not in known or (node.outputs != 1 and not op.is_view):
            return
        inputs = [self._input(node, i) for i in range(node.count)]
        shape, dtype = known
        for i, (shape_i, dtype_i) in enumerate(inputs):
            if node.edge_at(i) is None or op.name in _OTHER_DTYPE:
                continue
            fit_shape, fit_dtype = (node.fits[i] if node.fits is not None else None) or (None, None)
            if op.elementwise and fit_shape is None and shape is None:
                shape = shape_i
            if fit_dtype is None and dtype is None:
                dtype = dtype_i
        if shape is None and op.name in _RULES:
            shape = _RULES[op.name]([_shape(node, i, s) for i, (s, _) in enumerate(inputs)])
        if shape is None and (op.is_view or op.kind in ("linear", "symmetric")):
            shape = _tried(node, inputs)
        self._learn((node, 0), shape, dtype)


def _shape(node, i, known):
    """The shape of an input, which may be one without history that is kept."""
    return np.shape(_constant(node, i)) if known is None and node.edge_at(i) is None else known


def _product(shapes):
    a, b = shapes[-2:]
    return (a[0], b[1]) if a and b else None


def _shape_or(position):
    return lambda shapes: shapes[position]


_RULES = {
    "addmm": _product,
    "mm": _product,
    "to_dtype": _shape_or(0), "clone": _shape_or(0), "alias": _shape_or(0), "softmax": _shape_or(0),
    "log_softmax": _shape_or(0), "native_layer_norm": _shape_or(0),
}  # fmt: skip


def _tried(node, inputs):
    """The shape of what the forward gives for zeros (of several, of the first), where that costs little; None elsewhere."""
    op, size = node.op, 0
    if op.variadic and any(shape is None for shape, _ in inputs):
        return None
    arrays = []
    for i, (shape, dtype) in enumerate(inputs):
        if shape is None:
            value = _constant(node, i)
            if value is None:
                return None
            arrays.append(value)
            continue
        size += math.prod(shape)
        arrays.append(np.broadcast_to(np.zeros((), dtype or np.float32), shape))
    if size > _CHEAP and not op.is_view:
        return None
    try:
        with np.errstate(all="ignore"):
            out = op.forward(*arrays, **node.params)
    except (ValueError, RuntimeError):
        # A zero that is repeated has no strides of its own: view_as_complex, for one, refuses it.
        return None
    return np.shape(out if node.outputs == 1 else out[0])


def _constant(node, i):
    """The value of an input without history that is kept."""
    from ..autograd.ledger import input_of

    value = None if node.freed else array_of(input_of(node, i))
    return None if type(value) is Batched or not isinstance(value, (np.ndarray, int, float)) else value
