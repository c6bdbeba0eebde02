"""What holds for every operation: its rules are right in both directions, to second order, and so are its kernels.

<u, J t> = <J' u, t> ties reverse to forward mode without step sizes; one finite difference ties the pair to the forward.
"""

import importlib
import pkgutil
import warnings

import numpy as np
import pytest

import rushlight
from rushlight import autograd, core, ops
from rushlight.autograd import forward_ad
from rushlight.ops.declare import REGISTRY
from samples import ROWS

for _module in pkgutil.iter_modules(ops.__path__):
    importlib.import_module(f"rushlight.ops.{_module.name}")

# Two evaluations of a float64 derivative differ by rounding alone; sums of a few hundred products stay below this.
EXACT = 1e-9
# A central difference with step 1e-6 of a function of order one is right to about 1e-9 / 1e-6, and truncation 1e-12.
DIFFERENCE = 2e-6
STEP = 1e-6

differentiable = [row for row in ROWS if REGISTRY[row.op].differentiable and "not differentiable" not in row.note]


class Maker:
    """Makes the float64 arrays of a row and remembers which they are."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.made = []

    def __call__(self, *shape, positive=False, low=-1.0, high=1.0, dtype="float64"):
        if positive:
            low, high = 0.3, 1.7
        array = np.asarray(self.random.uniform(low, high, shape), dtype=dtype)
        self.made.append(array)
        return array


def drawn(row):
    """(inputs, positions of those that are differentiated)."""
    make = Maker(7)
    inputs = row.inputs(make)
    inputs = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    at = [i for i, x in enumerate(inputs) if any(x is made for made in make.made)]
    return inputs, at


def tensors(inputs, at, grad=True):
    out = []
    for i, x in enumerate(inputs):
        if isinstance(x, np.ndarray):
            x = core.wrap(x.copy())
            if grad and i in at:
                x.requires_grad_()
        out.append(x)
    return out


def called(row, inputs):
    """The float outputs of the operation, as a list."""
    out = REGISTRY[row.op](*inputs, **row.params)
    outs = out if isinstance(out, tuple) else (out,)
    return [o for o in outs if o.dtype.is_floating_point]


def random_like(arrays, seed):
    random = np.random.default_rng(seed)
    return [random.uniform(-1, 1, a.shape) for a in arrays]


def inner(a, b):
    return sum(float((x * y).sum()) for x, y in zip(a, b) if x is not None and y is not None)


def pulled(row, inputs, at, u, create_graph=False):
    """(leaves, J' u)."""
    given = tensors(inputs, at)
    outs = called(row, given)
    tracked = [(o, core.wrap(v)) for o, v in zip(outs, u) if o.requires_grad]
    leaves = [given[i] for i in at]
    if not tracked:
        return leaves, [None] * len(at)
    grads = autograd.grad(
        [o for o, _ in tracked], leaves, [v for _, v in tracked], create_graph=create_graph, allow_unused=True
    )
    return leaves, list(grads)


def pushed(row, inputs, at, t):
    """J t, zeros where an output does not move."""
    with forward_ad.dual_level():
        given = tensors(inputs, at, grad=False)
        for i, tangent in zip(at, t):
            given[i] = forward_ad.make_dual(given[i], core.wrap(tangent))
        duals = [forward_ad.unpack_dual(o) for o in called(row, given)]
        return [np.zeros(d.primal.shape) if d.tangent is None else d.tangent.detach().numpy().copy() for d in duals]


def arrays(grads, inputs, at):
    return [np.zeros_like(inputs[i]) if g is None else g.detach().numpy() for g, i in zip(grads, at)]


def test_every_operation_has_a_row():
    assert {row.op for row in ROWS} == set(REGISTRY)


@pytest.mark.parametrize("row", differentiable, ids=repr)
def test_reverse_agrees_with_forward_mode(row):
    inputs, at = drawn(row)
    outs = called(row, tensors(inputs, at, grad=False))
    u, t = random_like([o.numpy() for o in outs], 1), random_like([inputs[i] for i in at], 2)
    _, grads = pulled(row, inputs, at, u)
    grads = arrays(grads, inputs, at)
    for grad, i in zip(grads, at):
        assert grad.shape == inputs[i].shape
    left, right = inner(u, pushed(row, inputs, at, t)), inner(grads, t)
    assert left == pytest.approx(right, rel=EXACT, abs=EXACT)


# A row noted "normalized" has the derivative of numbers whose softmax they are: the op's own test goes through one.
unconstrained = [row for row in differentiable if "normalized" not in row.note]


@pytest.mark.parametrize("row", unconstrained, ids=repr)
def test_forward_mode_agrees_with_a_difference(row):
    inputs, at = drawn(row)
    t = random_like([inputs[i] for i in at], 2)

    def moved(step):
        shifted = [np.asarray(x + step * t[at.index(i)]) if i in at else x for i, x in enumerate(inputs)]
        return [o.numpy().copy() for o in called(row, tensors(shifted, at, grad=False))]

    for slope, up, down in zip(pushed(row, inputs, at, t), moved(STEP), moved(-STEP)):
        np.testing.assert_allclose(slope, (up - down) / (2 * STEP), rtol=DIFFERENCE, atol=DIFFERENCE)


@pytest.mark.parametrize("row", differentiable, ids=repr)
def test_second_derivative_agrees_with_a_difference(row):
    inputs, at = drawn(row)
    outs = called(row, tensors(inputs, at, grad=False))
    u, w = random_like([o.numpy() for o in outs], 1), random_like([inputs[i] for i in at], 3)
    t = random_like([inputs[i] for i in at], 2)
    leaves, grads = pulled(row, inputs, at, u, create_graph=True)
    kept = [(g, core.wrap(v)) for g, v in zip(grads, w) if g is not None and g.requires_grad]
    second = [None] * len(at)
    if kept:
        second = autograd.grad([g for g, _ in kept], leaves, [v for _, v in kept], allow_unused=True)

    def gradient_at(step):
        shifted = [np.asarray(x + step * t[at.index(i)]) if i in at else x for i, x in enumerate(inputs)]
        return inner(arrays(pulled(row, shifted, at, u)[1], inputs, at), w)

    slope = (gradient_at(STEP) - gradient_at(-STEP)) / (2 * STEP)
    assert inner(arrays(second, inputs, at), t) == pytest.approx(slope, rel=2e-5, abs=2e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", [r for r in ROWS if REGISTRY[r.op].kernel or REGISTRY[r.op].fast], ids=repr)
def test_kernel_agrees_with_its_meaning(row, dtype, monkeypatch):
    inputs, at = drawn(row)
    inputs = [x.astype(dtype) if i in at else x for i, x in enumerate(inputs)]
    op = REGISTRY[row.op]
    given = tensors(inputs, at, grad=False)
    with_kernel = op(*given, **row.params)
    kernel, fast = op.kernel, op.fast
    op.kernel, op.fast = None, None
    try:
        meaning = op(*given, **row.params)
    finally:
        op.kernel, op.fast = kernel, fast
    both = [x if isinstance(x, tuple) else (x,) for x in (with_kernel, meaning)]
    tolerance = 3e-6 if dtype == "float32" else 1e-13
    for got, want in zip(*both):
        assert got.dtype == want.dtype
        assert got.shape == want.shape
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("row", differentiable, ids=repr)
def test_only_what_the_rules_ask_for_is_kept(row):
    inputs, at = drawn(row)
    given = tensors(inputs, at)
    op = REGISTRY[row.op]
    out = op(*given, **row.params)
    node = next((o.grad_fn for o in (out if isinstance(out, tuple) else (out,)) if o.grad_fn is not None), None)
    if node is None or op.variadic:
        return
    needed = sum(1 << i for i in at)
    mask = op.asked(needed)
    kept = [node.saved0, node.saved1, *[entry[2] for entry in node.more or ()]]
    for i, value in enumerate(kept[: len(given)]):
        assert (value is not None) == bool(mask >> i & 1) or given[i] is None


def test_rules_and_samples_need_no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rushlight.tensor([0.0, -1.0]).log()
