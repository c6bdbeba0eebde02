"""For every operation: a write to an input or output since either makes backward refuse, or changes no gradient."""

import numpy as np
import pytest

import rushlight as rl
from rushlight import autograd, core
from test_registry import REGISTRY, differentiable, drawn, tensors

SPOILED = "has been modified by an inplace operation"


def called(row):
    """(leaves, computed tensors that the operation gets, outputs) of one call, the same each time."""
    leaves = tensors(*drawn(row))
    inputs = [x * 1 if isinstance(x, rl.Tensor) and x.requires_grad else x for x in leaves]
    out = REGISTRY[row.op](*inputs, **row.params)
    return leaves, inputs, list(out) if isinstance(out, tuple) else [out]


def gradients(leaves, outs):
    outs = [out for out in outs if out.requires_grad]
    asked = [x for x in leaves if isinstance(x, rl.Tensor) and x.requires_grad]
    seeds = [rl.ones_like(out) for out in outs]
    return autograd.grad(outs, asked, seeds, allow_unused=True)


def spoil(x):
    """Write other values, unrecorded."""
    np.copyto(x._array, 77)
    core.written(x)


@pytest.mark.parametrize("row", differentiable, ids=str)
def test_a_write_is_noticed_or_harmless(row):
    leaves, inputs, outs = called(row)
    if not any(out.requires_grad for out in outs):
        pytest.skip("nothing to differentiate")
    want = gradients(leaves, outs)
    places = [("input", i) for i, x in enumerate(inputs) if isinstance(x, rl.Tensor) and x.requires_grad]
    places += [("output", k) for k, out in enumerate(outs) if out.requires_grad]
    for kind, k in places:
        leaves, inputs, outs = called(row)
        written = (inputs if kind == "input" else outs)[k]
        if not written._array.flags.writeable or 0 in written._array.strides:
            continue
        spoil(written)
        try:
            found = gradients(leaves, outs)
        except RuntimeError as error:
            assert SPOILED in str(error), (kind, k)
            continue
        for a, b in zip(want, found):
            assert (a is None) == (b is None), (kind, k)
            if a is not None:
                np.testing.assert_allclose(b.numpy(), a.numpy(), 1e-9, 1e-12, err_msg=f"{kind} {k}")
