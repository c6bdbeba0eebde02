"""What holds for every operation: a tangent goes through its backward pass as through any other program.

The rules of a backward pass that is not recorded may take another way than those of one that is; forward mode over the
first must give what reverse mode over the second gives.
"""

import numpy as np
import pytest

import rushlight as rl
from rushlight import func
from test_registry import called, differentiable, drawn, random_like, tensors

EXACT = 1e-8


@pytest.mark.parametrize("row", differentiable, ids=repr)
def test_forward_over_reverse_is_reverse_over_reverse(row):
    inputs, at = drawn(row)
    given = tensors(inputs, at, grad=False)
    if not at or not called(row, given):
        pytest.skip("no real number to differentiate, or by")
    weights = random_like([o._array for o in called(row, given)], 1)
    along = tuple([rl.tensor(t) for t in random_like([inputs[i] for i in at], 2)])

    def total(*chosen):
        arguments = list(given)
        for i, x in zip(at, chosen):
            arguments[i] = x
        return sum([(out * rl.tensor(w)).sum() for out, w in zip(called(row, arguments), weights)])

    gradient = func.grad(total, tuple(range(len(at))))
    chosen = tuple([given[i] for i in at])
    _, forward = func.jvp(gradient, chosen, along)
    backward = func.grad(lambda *xs: sum([(g * t).sum() for g, t in zip(gradient(*xs), along)]), tuple(range(len(at))))(
        *chosen
    )
    for found, wanted in zip(forward, backward):
        np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=EXACT, atol=EXACT)
