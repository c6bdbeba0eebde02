"""No empty cell: every operation has a rule for each input, forward mode, second derivatives and a batching rule.

tests/test_registry.py holds the cells to be right, row by row; here each must be there and be tried by a row, or have
a reason in mathematics.
"""

import numpy as np
import pytest

import rushlight
from rushlight import autograd
from rushlight.nn import functional as F
from rushlight.ops.declare import REGISTRY
from samples import ROWS
from test_registry import called, differentiable, drawn, tensors

# Inputs that have values, but no derivative by them.
NO_RULE = {
    ("drawn", "sample"): "the drawn numbers themselves, made and never differentiated",
    ("normal", "noise"): "the drawn numbers themselves, made and never differentiated",
    ("fractional_max_pool2d", "y"): "says where windows begin: a step function",
    ("pinv", "atol"): "says which singular values count: a step function",
    ("pinv", "rtol"): "says which singular values count: a step function",
    ("native_batch_norm", "running_mean"): "not used in training, and tried where it is",
}
# Operations whose rule refuses.
REFUSES = {
    "heaviside": "a step function, to which PyTorch refuses a derivative",
    "floor_divide": "a step function, to which PyTorch refuses a derivative",
    "unique": "which values are equal decides the size of the result",
    "unique_dim": "which values are equal decides the size of the result",
    "unique_consecutive": "which values are equal decides the size of the result",
}
# Inputs whose rule refuses, beside others that have one.
REFUSED = {("polynomial", "n"): "the degree is cut to a whole number, and PyTorch refuses a derivative"}
# Operations without a derivative that take floating numbers and give floating numbers.
STEPS = {
    "histc": "counts",
    "isclose": "a truth value",
    "one_hot": "an indicator",
    "singular_shift": "says which matrices are singular",
    "view_dtype": "reads bits as another type",
    "count_nonzero": "counts",
}
# Operations none of whose rows are compared with differences; the tests at the end of this file stand for them.
NO_ROW = {
    "cholesky": "reads one triangle: right for symmetric changes",
    "eigh": "reads one triangle: right for symmetric changes",
    "eigvalsh": "reads one triangle: right for symmetric changes",
    "ldl_factor": "reads one triangle: right for symmetric changes",
    "eig": "eigenvectors have a free phase",
    "normal": "a draw",
}

rows_of = {}
for row in ROWS:
    rows_of.setdefault(row.op, []).append(row)
operations = sorted(name for name, op in REGISTRY.items() if op.differentiable)


def refuses(op):
    return any(rule is not None and "without_derivative" in rule.fn.__qualname__ for rule in op.rules)


def tried(name):
    """The inputs that some row differentiates by."""
    op, found = REGISTRY[name], set()
    for row in rows_of[name]:
        _, at = drawn(row)
        found |= {op.inputs[min(i, len(op.inputs) - 1)] for i in at}
    return found


def floating(name, place):
    """Whether some row gives an array of floating numbers for an input."""
    for row in rows_of[name]:
        inputs, _ = drawn(row)
        if place < len(inputs) and isinstance(inputs[place], np.ndarray) and inputs[place].dtype.kind in "fc":
            return True
    return False


@pytest.mark.parametrize("name", operations)
def test_each_input_has_a_rule(name):
    op = REGISTRY[name]
    for place, (input, rule) in enumerate(zip(op.inputs, op.rules)):
        if rule is None and op.joint is None and floating(name, place):
            assert (name, input) in NO_RULE


@pytest.mark.parametrize("name", operations)
def test_each_rule_is_tried(name):
    op = REGISTRY[name]
    if refuses(op) or name in NO_ROW or op.variadic:
        return
    for place, (input, rule) in enumerate(zip(op.inputs, op.rules)):
        is_complex = any(np.iscomplexobj(drawn(row)[0][place]) for row in rows_of[name])
        if (name, input) in REFUSED:
            continue
        if (rule is not None or (op.joint is not None and floating(name, place))) and not is_complex:
            assert input in tried(name)


@pytest.mark.parametrize("name", operations)
def test_each_has_forward_mode(name):
    op = REGISTRY[name]
    assert op.kind in ("elementwise", "symmetric", "linear") or op.push is not None or name in REFUSES


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_each_has_a_batching_rule(name):
    op = REGISTRY[name]
    assert op.elementwise or op.batch is not None


@pytest.mark.parametrize("name", operations)
def test_each_has_rows_that_are_compared_with_differences(name):
    rows = [row for row in differentiable if row.op == name]
    assert rows or name in NO_ROW or name in REFUSES


@pytest.mark.parametrize("name", sorted(set(REGISTRY) - set(operations)))
def test_what_has_no_derivative_is_no_function_of_reals(name):
    for row in rows_of[name]:
        inputs, at = drawn(row)
        if at and called(row, tensors(inputs, at, grad=False)):
            assert name in STEPS


def test_the_reasons_are_needed():
    assert all(REGISTRY[name].rules[REGISTRY[name].inputs.index(input)] is not None for name, input in REFUSED)
    assert {name for name, _ in NO_RULE} | set(REFUSES) | set(STEPS) | set(NO_ROW) <= set(REGISTRY)
    assert {name for name in operations if refuses(REGISTRY[name])} == set(REFUSES)
    assert not any(REGISTRY[name].differentiable for name in STEPS)
    for name, input in NO_RULE:
        op = REGISTRY[name]
        assert op.joint is not None or op.rules[op.inputs.index(input)] is None


def test_a_refusal_is_loud():
    x = rushlight.tensor([1.0, 2.0], requires_grad=True)
    for out in (rushlight.unique(x), rushlight.heaviside(x, rushlight.ones(2))):
        with pytest.raises(NotImplementedError, match="is not implemented"):
            out.sum().backward()


# -- what rows cannot hold to differences


def uniform(*shape, seed=0):
    x = np.random.default_rng(seed).uniform(-1, 1, shape)
    return rushlight.from_numpy(x).requires_grad_()


def symmetric(x):
    return x + x.mT + 4 * rushlight.eye(x.shape[-1], dtype=x.dtype)


def projectors(x):
    values, vectors = rushlight.linalg.eigh(symmetric(x))
    return values, vectors.unsqueeze(-2) * vectors.unsqueeze(-3)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: rushlight.linalg.cholesky(symmetric(x)),
        projectors,
        lambda x: rushlight.linalg.eigvals(x).abs(),
        lambda x: rushlight.linalg.eig(x).eigenvectors.abs(),
    ],
)
def test_matrices_whose_derivative_needs_care(function):
    x = uniform(2, 3, 3)
    assert autograd.gradcheck(function, (x,), check_forward_ad=True)
    assert autograd.gradgradcheck(function, (x,))


# -- derivatives that PyTorch refuses, or drops

TARGETS = rushlight.tensor([0, 2, 1])


@pytest.mark.parametrize(
    "loss",
    [
        lambda w: F.binary_cross_entropy(uniform(3, 3).sigmoid().detach(), uniform(3, 3, seed=1).sigmoid().detach(), w),
        lambda w: F.binary_cross_entropy_with_logits(uniform(3, 3).detach(), uniform(3, 3, seed=1).detach(), w),
        lambda w: F.binary_cross_entropy_with_logits(uniform(3, 3).detach(), uniform(3, 3).detach(), pos_weight=w),
        lambda w: F.cross_entropy(uniform(3, 3).detach(), TARGETS, w),
        lambda w: F.nll_loss(uniform(3, 3).detach(), TARGETS, w, reduction="none"),
        lambda w: F.multi_margin_loss(uniform(3, 3).detach(), TARGETS, weight=w),
        lambda w: F.soft_margin_loss(uniform(3).detach(), w),
        lambda w: F.batch_norm(uniform(4, 3).detach(), w, w),
        lambda w: F.instance_norm(uniform(2, 3, 4).detach(), w, w, use_input_stats=False),
        lambda w: rushlight.bincount(TARGETS, w),
    ],
)
def test_weights_and_statistics_have_derivatives(loss):
    w = rushlight.tensor([0.5, 1.0, 2.0], dtype=rushlight.float64, requires_grad=True)
    assert autograd.gradcheck(loss, (w,), check_forward_ad=True)
    assert autograd.gradgradcheck(loss, (w,))


def test_statistics_that_move_after_evaluation_do_not_disturb_its_gradient():
    norm, x = rushlight.nn.BatchNorm1d(3).double(), uniform(5, 3)
    norm.eval()
    y = norm(x)
    norm.train()
    norm(x.detach())
    (y * y).sum().backward()
    np.testing.assert_allclose(x.grad, 2 * x.detach() / (1 + 1e-5), rtol=1e-12)


def test_norms_above_two_are_smooth_at_zero():
    x = rushlight.tensor([0.0, 1.0, -2.0], dtype=rushlight.float64, requires_grad=True)
    for ord in (2.5, 3.0, 3.5):
        (grad,) = autograd.grad(rushlight.linalg.vector_norm(x, ord), x, create_graph=True)
        (second,) = autograd.grad(grad.square().sum(), x)
        assert bool(second.isfinite().all())
        assert second[0].item() == 0


def test_entropy_at_zero_is_infinitely_steep_to_every_order():
    x = rushlight.zeros(1, requires_grad=True)
    (grad,) = autograd.grad(rushlight.special.entr(x), x, create_graph=True)
    assert grad.item() == np.inf
    assert autograd.grad(grad, x)[0].item() == -np.inf


def test_zeta_by_its_first_argument():
    s = rushlight.tensor([2.0, 3.5], dtype=rushlight.float64, requires_grad=True)
    (grad,) = autograd.grad(rushlight.special.zeta(s, rushlight.ones_like(s)).sum(), s)
    k = np.arange(2, 200001)
    rest = (np.log(200000.5) + 1) / 200000.5
    assert grad[0].item() == pytest.approx(-(np.log(k) / k**2.0).sum() - rest, rel=1e-9)
    assert grad[1].item() == pytest.approx(-(np.log(k) / k**3.5).sum(), rel=1e-9)
