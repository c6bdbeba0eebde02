"""Complex derivatives against PyTorch: values, both orders, forward mode; single and double precision."""

import numpy as np
import pytest

import rushlight as rl
from complex_cases import CASES

pytestmark = pytest.mark.parity
torch = pytest.importorskip("torch")


# Where PyTorch's derivative is wrong or fails; tests/test_complex.py holds these to differences.
WRONG_THERE = {
    ("reverse", "where of real and complex"),  # fails an internal assertion
    ("reverse", "index_add"),  # alpha is not conjugated
    ("forward", "pow real to complex"),  # the imaginary part of the tangent
    ("forward", "pow complex to real"),
    ("forward", "logcumsumexp"),  # nan
    ("forward", "cholesky_inverse"),  # a transpose that should be an adjoint
}


def cases(direction):
    return pytest.mark.parametrize("case", [c for c in CASES if (direction, c.name) not in WRONG_THERE], ids=repr)


def plain(tensor):
    return None if tensor is None else tensor.detach().resolve_conj().resolve_neg().numpy(force=True)


def outputs_of(case, t, inputs):
    outputs = case.func(t, *inputs)
    outputs = tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)
    return outputs


def inner(t, tensors, generator):
    """A real number that depends on all elements of the tensors, and on complex ones by both parts."""
    total = 0.0
    for x in tensors:
        if x is None or not (x.is_floating_point() or x.is_complex()):
            continue
        weight = generator.uniform(0.5, 1.5, tuple(x.shape))
        if x.is_complex():
            weight = weight - 1j * generator.uniform(0.5, 1.5, tuple(x.shape))
        weight = t.tensor(weight).to(x.dtype)
        total = total + ((x * weight).real if x.is_complex() else x * weight).sum()
    return total


def reverse(case, t, arrays, twice):
    """Everything that reverse mode gives: values, their dtypes, gradients, and gradients of those."""
    generator = np.random.default_rng(0)
    inputs = [t.tensor(x, requires_grad=True) for x in arrays]
    outputs = outputs_of(case, t, inputs)
    loss = inner(t, outputs, generator)
    if not (t.is_tensor(loss) and loss.requires_grad):
        return [plain(out) for out in outputs]
    grads = t.autograd.grad(loss, inputs, create_graph=twice, allow_unused=True)
    found = [plain(x) for x in (*outputs, *grads)]
    if twice:
        again = inner(t, grads, generator)
        second = [None] * len(inputs)
        if t.is_tensor(again) and again.requires_grad:
            second = t.autograd.grad(again, inputs, allow_unused=True)
        found += [np.zeros_like(x) if g is None else plain(g) for x, g in zip(arrays, second)]
    return found


def forward(case, t, arrays):
    generator = np.random.default_rng(1)
    with t.autograd.forward_ad.dual_level():
        duals = []
        for x in arrays:
            tangent = generator.uniform(-1, 1, x.shape) + 0j
            tangent += 1j * generator.uniform(-1, 1, x.shape)
            tangent = (tangent if x.dtype.kind == "c" else tangent.real).astype(x.dtype)
            duals.append(t.autograd.forward_ad.make_dual(t.tensor(x), t.tensor(tangent)))
        tangents = [t.autograd.forward_ad.unpack_dual(out).tangent for out in outputs_of(case, t, duals)]
        return [plain(tangent) for tangent in tangents]


def compare(got, expected, tolerance):
    assert len(got) == len(expected)
    for mine, theirs in zip(got, expected):
        if mine is None or theirs is None:
            # Zeros may be left out.
            there = theirs if mine is None else mine
            assert there is None or not there.any()
            continue
        assert mine.dtype == theirs.dtype
        np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
class TestParity:
    @cases("reverse")
    def test_reverse(self, case):
        arrays = case.arrays()
        compare(reverse(case, rl, arrays, True), reverse(case, torch, arrays, True), 1e-8)

    @cases("forward")
    def test_forward(self, case):
        arrays = case.arrays()
        compare(forward(case, rl, arrays), forward(case, torch, arrays), 1e-8)

    @cases("reverse")
    def test_single_precision(self, case):
        arrays = case.arrays(wide=False)
        compare(reverse(case, rl, arrays, False), reverse(case, torch, arrays, False), 2e-3)
