"""Whether vmap over a derivative gives what the derivative gives for one vector after the other."""

import numpy as np

from ...core import wrap
from ..backward import grad
from .analytical import push
from .subject import random_like

_FAILED = "\n\ngradcheck or gradgradcheck failed while testing batched gradient computation.\n{}"
_BACKWARD = (
    "The backward pass is run under vmap. Give the custom function a vmap staticmethod or write its backward in "
    "operations on tensors; check_batched_grad=False leaves this check out."
)
_FORWARD = (
    "Forward mode is run under vmap. Give the custom function a vmap staticmethod or write its jvp in operations on "
    "tensors; check_batched_forward_grad=False leaves this check out."
)
_COUNT = 2


def check_backward(subject, failed):
    """Backward of each output for several gradients at once."""
    for i in subject.differentiable:
        out = subject.outputs[i]

        def pull(v, out=out):
            return grad(out, subject.sources, v, retain_graph=True, allow_unused=True)

        for k, got, expected in _both(pull, out, failed, _BACKWARD):
            _compare(i, subject.positions[k], got, expected, failed, _BACKWARD)


def check_forward(subject, failed):
    """Forward mode along several tangents of each input at once."""
    for k in subject.positions:

        def pushed(t, k=k):
            return push(subject, {k: t})

        for i, got, expected in _both(pushed, subject.inputs[k], failed, _FORWARD):
            _compare(i, k, got, expected, failed, _FORWARD)


def _both(derivative, like, failed, advice):
    """(position, result under vmap, results one by one) of all results that there are."""
    from ...func import vmap

    generator = np.random.default_rng(0)
    vectors = [random_like(like, generator) for _ in range(_COUNT)]
    one_by_one = [derivative(v) for v in vectors]
    there = [k for k, result in enumerate(one_by_one[0]) if result is not None]
    if not there:
        return
    stacked = wrap(np.stack([v._array for v in vectors]))

    def batched(v):
        results = derivative(v)
        return tuple([results[k] for k in there])

    try:
        together = vmap(batched)(stacked)
    except Exception as error:
        raise failed(f"While computing batched gradients, got: {error}" + _FAILED.format(advice)) from error
    for k, got in zip(there, together):
        yield k, got._array, np.stack([results[k]._array for results in one_by_one])


def _compare(i, k, got, expected, failed, advice):
    if got.shape == expected.shape and np.allclose(got, expected, equal_nan=True):
        return
    raise failed(
        f"For output {i} and input {k}:\n\ngot:\n{wrap(got)}\n\nExpected:\n{wrap(expected)}" + _FAILED.format(advice)
    )
