"""Whether derivatives take a gradient or tangent that is not there for zero."""

import numpy as np

from ... import modes
from ...node import GraphNode
from ..backward import grad
from .analytical import push
from .subject import random_like, zeros_like

_NOT_HANDLED = (
    'Expected backward function to handle undefined output grads. Please look at "Notes about undefined output '
    'gradients" in "tools/autograd/derivatives.yaml"'
)
_NOT_ZERO = (
    "Expected all input grads to be undefined or zero when all output grads are undefined or zero. Please look at "
    '"Notes about undefined output gradients" in "tools/autograd/derivatives.yaml"'
)
_MISMATCH = (
    "Mismatch in tangent values for output with index: {} when input: {} has an undefined tangent value. Got: {} but "
    "expected: {}"
)


def check_backward(subject, failed):
    """Undefined gradients must come back undefined or as zeros.

    The engine never runs a node without any gradient; PyTorch's does, so custom functions are called that way here.
    """
    outputs = [subject.outputs[i] for i in subject.differentiable]
    for node in _functions([out.grad_fn for out in outputs]):
        _expect_zero(lambda node=node: _run_undefined(node), failed)
    for left_out in range(len(outputs) if len(outputs) > 1 else 0):
        kept = [out for i, out in enumerate(outputs) if i != left_out]
        zeros = [zeros_like(out) for out in kept]
        _expect_zero(lambda kept=kept, zeros=zeros: _grad(kept, subject.sources, zeros), failed)


def check_forward(subject, failed):
    """An input without a tangent must count as one whose tangent is zero."""
    if len(subject.positions) < 2:
        return
    generator = np.random.default_rng(0)
    tangents = {k: random_like(subject.inputs[k], generator) for k in subject.positions}
    for k in subject.positions:
        zeros = push(subject, {**tangents, k: zeros_like(subject.inputs[k])})
        missing = push(subject, {j: t for j, t in tangents.items() if j != k})
        for i, (expected, got) in enumerate(zip(zeros, missing)):
            if not np.allclose(_values(expected), _values(got)):
                raise failed(_MISMATCH.format(i, subject.inputs[k], got, expected))


def _values(tangent):
    return 0.0 if tangent is None else tangent._array


def _grad(outputs, sources, grads):
    return grad(outputs, sources, grads, retain_graph=True, allow_unused=True)


def _expect_zero(run, failed):
    try:
        found = run()
    except Exception as error:
        raise failed(_NOT_HANDLED) from error
    if any(g is not None and np.any(g._array != 0) for g in found):
        raise failed(_NOT_ZERO)


def _functions(nodes):
    """The nodes of custom functions that the given ones come from."""
    seen, stack = set(), list(nodes)
    while stack:
        node = stack.pop()
        if not isinstance(node, GraphNode) or node in seen:
            continue
        seen.add(node)
        stack += [node.edge_at(i) for i in range(node.count)]
        if hasattr(type(node), "_function"):
            yield node


def _run_undefined(node):
    before = modes.put_grad(False)
    try:
        return node.op.custom(node, None if node.outputs == 1 else [None] * node.outputs)
    finally:
        modes.put_grad(before & 1)
