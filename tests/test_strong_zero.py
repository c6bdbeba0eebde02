"""Strong zero against mathematics: what is exactly zero stays zero, what is not stays as it was."""

import math

import numpy as np
import pytest

import rushlight as rl
from rushlight import autograd
from rushlight.autograd import forward_ad, strong_zero


def leaf(values):
    return rl.tensor(values, dtype=rl.float64, requires_grad=True)


def gradient(function, *values):
    """The gradients of function(*leaves).sum() under strong zero, as nested lists."""
    leaves = [leaf(v) for v in values]
    with strong_zero():
        function(*leaves).sum().backward()
    found = [x.grad.tolist() for x in leaves]
    return found[0] if len(found) == 1 else found


def guarded(function, fallback=0.0):
    """where(x > 0, function(x), fallback): a function whose derivative at and below 0 nobody asks for."""
    return lambda x: rl.where(x > 0, function(x), fallback)


# function, and its derivative where x > 0
GUARDED = [
    ("sqrt", rl.sqrt, lambda x: 0.5 / math.sqrt(x)),
    ("log", rl.log, lambda x: 1 / x),
    ("reciprocal", rl.reciprocal, lambda x: -1 / x**2),
    ("division", lambda x: 1 / x, lambda x: -1 / x**2),
    ("quotient", lambda x: x.sin() / x, lambda x: (x * math.cos(x) - math.sin(x)) / x**2),
    ("power", lambda x: x**0.5, lambda x: 0.5 / math.sqrt(x)),
    ("rsqrt", rl.rsqrt, lambda x: -0.5 * x**-1.5),
    ("chain", lambda x: rl.exp(1 / x), lambda x: -math.exp(1 / x) / x**2),
    ("xlogx", lambda x: x * rl.log(x), lambda x: math.log(x) + 1),
    ("atan2", lambda x: rl.atan2(x * 0, x), lambda x: 0.0),
    ("acosh", lambda x: rl.acosh(x + 1), lambda x: 1 / math.sqrt(x * (x + 2))),
]


@pytest.mark.parametrize(("function", "slope"), [row[1:] for row in GUARDED], ids=[row[0] for row in GUARDED])
def test_a_branch_not_taken_gives_zero(function, slope):
    found = gradient(guarded(function), [-1.0, 0.0, 0.5, 2.0])
    assert found == pytest.approx([0.0, 0.0, slope(0.5), slope(2.0)])


def test_without_it_the_gradient_is_nan():
    x = leaf([0.0, 4.0])
    guarded(rl.sqrt)(x).sum().backward()
    assert math.isnan(x.grad[0].item())
    assert x.grad[1].item() == 0.25


def test_only_backward_has_to_be_inside():
    x = leaf([0.0, 4.0])
    y = guarded(rl.sqrt)(x).sum()
    with strong_zero():
        y.backward()
    assert x.grad.tolist() == [0.0, 0.25]


def test_a_gradient_that_is_not_zero_keeps_its_infinity():
    assert gradient(rl.sqrt, [0.0, 4.0]) == [math.inf, 0.25]
    found = gradient(lambda x: x * math.nan, [1.0])
    assert math.isnan(found[0])


def test_finite_gradients_do_not_change():
    values = [0.3, -0.7, 1.1]
    x = leaf(values)
    (x.sin() * x.exp()).tanh().sum().backward()
    assert gradient(lambda x: (x.sin() * x.exp()).tanh(), values) == x.grad.tolist()


def test_broadcasting_is_undone_after_the_zeros():
    # d/ds of where(m, sqrt(s * x), 0) at x = [0, 4], s = 1: only x = 4 counts: 0.5 * sqrt(x / s) = 1.
    s, x = gradient(lambda s, x: rl.where(x > 0, rl.sqrt(s * x), 0), [1.0], [0.0, 4.0])
    assert s == [1.0]
    assert x == [0.0, 0.25]


def test_two_infinite_factors_of_one_operation():
    a, b = gradient(lambda a, b: rl.where(b > 0, a / b, 0), [1.0, 3.0], [0.0, 2.0])
    assert a == [0.0, 0.5]
    assert b == [0.0, -0.75]


def test_promotion_is_undone():
    x = rl.tensor([0.0, 4.0], requires_grad=True)
    with strong_zero():
        rl.where(x > 0, x.sqrt() * rl.ones(2, dtype=rl.float64), 0).sum().backward()
    assert x.grad.dtype == rl.float32
    assert x.grad.tolist() == [0.0, 0.25]


def test_complex():
    z = rl.tensor([0j, 4 + 0j], requires_grad=True)
    with strong_zero():
        (rl.where(z.abs() > 0, z.sqrt(), 0)).real.sum().backward()
    assert z.grad.tolist() == [0j, 0.25 + 0j]


# -- orders above the first
@pytest.mark.parametrize(
    ("function", "second"),
    [
        (rl.sqrt, lambda x: -0.25 * x**-1.5),
        (rl.log, lambda x: -1 / x**2),
        (lambda x: 1 / x, lambda x: 2 / x**3),
        (lambda x: x**1.5, lambda x: 0.75 / math.sqrt(x)),
        (lambda x: x**2.5, lambda x: 3.75 * math.sqrt(x)),
    ],
)
def test_second_derivatives(function, second):
    x = leaf([-1.0, 0.0, 2.0])
    with strong_zero():
        (g,) = autograd.grad(guarded(function)(x).sum(), x, create_graph=True)
        (h,) = autograd.grad(g.sum(), x)
    assert h.tolist() == pytest.approx([0.0, 0.0, second(2.0)])


def test_third_derivative():
    x = leaf([0.0, 2.0])
    with strong_zero():
        y = guarded(rl.log)(x).sum()
        for _ in range(3):
            (y,) = autograd.grad(y.sum(), x, create_graph=True)
    assert y.tolist() == [0.0, 0.25]


def test_results_have_a_history():
    x = leaf([0.0, 4.0])
    with strong_zero():
        (g,) = autograd.grad(guarded(rl.sqrt)(x).sum(), x, create_graph=True)
    assert g.requires_grad


# -- sums of products
def test_matmul_leaves_out_zero_times_infinity():
    a = leaf([[1.0, 2.0]])
    w = rl.tensor([[math.inf, 1.0], [3.0, math.nan]], dtype=rl.float64)
    seed = rl.tensor([[0.0, 5.0]], dtype=rl.float64)
    with strong_zero():
        (g,) = autograd.grad(a @ w, a, seed)
    # (0 * inf) + 5 * 1, and (0 * 3) + 5 * nan
    assert g[0, 0].item() == 5.0
    assert math.isnan(g[0, 1].item())


@pytest.mark.parametrize("product", [lambda a, w: rl.addmm(rl.zeros(1, dtype=rl.float64), a, w), rl.mm, rl.matmul])
def test_products_of_all_kinds(product):
    a = leaf([[1.0, 2.0]])
    w = rl.tensor([[math.inf, 1.0], [3.0, -math.inf]], dtype=rl.float64)
    with strong_zero():
        (g,) = autograd.grad(product(a, w), a, rl.tensor([[0.0, 5.0]], dtype=rl.float64))
    assert g.tolist() == [[5.0, -math.inf]]


def test_a_product_can_be_differentiated_again():
    a = leaf([[1.0, 2.0]])
    w = leaf([[math.inf, 1.0], [3.0, 2.0]])
    seed = leaf([[0.0, 5.0]])
    with strong_zero():
        (g,) = autograd.grad(a @ w, a, seed, create_graph=True)
        (again,) = autograd.grad(g.sum(), seed)
    assert g.tolist() == [[5.0, 10.0]]
    assert again[0, 1].item() == 3.0


# -- along dimensions
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.norm(dim=1),
        lambda x: x.norm(dim=1, keepdim=True).squeeze(1),
        lambda x: x.std(dim=1),
        lambda x: x.pow(2).sum(1).sqrt(),
    ],
)
def test_reductions_by_row(function):
    rows = [[0.0, 0.0], [3.0, 4.0]]
    x = leaf(rows)
    with strong_zero():
        y = function(x)
        rl.where(x[:, 0] > 0, y, 0).sum().backward()
    assert x.grad[0].tolist() == [0.0, 0.0]
    plain = leaf([rows[1]])
    function(plain).sum().backward()
    assert x.grad[1].tolist() == plain.grad[0].tolist()


@pytest.mark.parametrize("function", [rl.softmax, rl.log_softmax])
def test_slices_of_softmax(function):
    x = leaf([[-math.inf, -math.inf], [0.0, 1.0]])
    keep = rl.tensor([[False], [True]])
    with strong_zero():
        rl.where(keep, function(x, dim=1), 0)[:, 0].sum().backward()
    assert x.grad[0].tolist() == [0.0, 0.0]
    assert np.isfinite(x.grad[1].tolist()).all()
    assert x.grad[1, 0].item() != 0


def test_a_custom_function_whose_gradient_is_zero_throughout():
    class Infinite(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, g):
            return g * math.inf

    assert gradient(lambda x: Infinite.apply(x) * 0, [1.0, 2.0]) == [0.0, 0.0]
    found = gradient(lambda x: Infinite.apply(x) * rl.tensor([0.0, 1.0]), [1.0, 2.0])
    assert math.isnan(found[0])


def test_several_outputs_without_gradient():
    x = leaf([[0.0, 0.0], [0.0, 0.0]])
    with strong_zero():
        values, vectors = rl.linalg.eigh(x)
        ((values * 0).sum() + (vectors * 0).sum()).backward()
    assert x.grad.tolist() == [[0.0, 0.0], [0.0, 0.0]]


# -- forward mode
def push(function, values, tangents):
    with forward_ad.dual_level(), strong_zero():
        duals = [
            forward_ad.make_dual(rl.tensor(v, dtype=rl.float64), rl.tensor(t, dtype=rl.float64))
            for v, t in zip(values, tangents)
        ]
        return forward_ad.unpack_dual(function(*duals)).tangent.tolist()


def test_a_tangent_of_zero_stays_zero():
    assert push(rl.sqrt, [[0.0, 0.0, 4.0]], [[0.0, 1.0, 1.0]]) == [0.0, math.inf, 0.25]


def test_each_operand_counts_alone():
    assert push(lambda x, y: x * y, [[2.0], [math.inf]], [[0.0], [3.0]]) == [6.0]


def test_tangents_of_zero_throughout():
    assert push(lambda x: x.norm(), [[0.0, 0.0]], [[0.0, 0.0]]) == 0.0


def test_forward_over_reverse():
    with forward_ad.dual_level(), strong_zero():
        x = forward_ad.make_dual(leaf([0.0, 2.0]), rl.ones(2, dtype=rl.float64))
        (g,) = autograd.grad(guarded(rl.log)(x).sum(), x, create_graph=True)
        assert forward_ad.unpack_dual(g).tangent.tolist() == [0.0, -0.25]


# -- function transforms
def test_under_vmap_as_in_a_loop():
    rows = rl.tensor([[0.0, 4.0], [0.0, 0.0], [3.0, -1.0]], dtype=rl.float64)

    def lengths(row):
        length = row.square().sum().sqrt()
        return rl.where(length > 0, length, 1) + rl.where(row > 0, row.log(), 0).sum() + (row / 0 * 0 * 0).sum() * 0

    with strong_zero():
        together = rl.func.vmap(rl.func.grad(lengths))(rows)
        alone = [rl.func.grad(lengths)(row) for row in rows]
    assert np.isfinite(together.numpy()).all()
    np.testing.assert_allclose(together.numpy(), np.stack([g.numpy() for g in alone]))


@pytest.mark.parametrize("slope", [rl.func.jacfwd, rl.func.jacrev])
def test_transforms_of_transforms(slope):
    x = rl.tensor([0.0, 2.0], dtype=rl.float64)
    with strong_zero():
        found = slope(rl.func.grad(lambda x: guarded(rl.log)(x).sum()))(x)
    assert found.tolist() == [[0.0, 0.0], [0.0, -0.25]]


# -- the block itself
def test_it_ends_with_the_block_and_stays_in_its_thread():
    import threading

    found = []

    def other():
        x = leaf([0.0])
        guarded(rl.sqrt)(x).sum().backward()
        found.append(x.grad.item())

    with strong_zero():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    other()
    assert [math.isnan(value) for value in found] == [True, True]


def test_anomaly_detection_sees_what_strong_zero_leaves():
    x = leaf([0.0, 4.0])
    with strong_zero(), autograd.set_detect_anomaly(True):
        guarded(rl.sqrt)(x).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]


@pytest.mark.filterwarnings("ignore:Error detected")
def test_a_report_of_nan_mentions_it():
    x = leaf([0.0, 4.0])
    with (
        autograd.set_detect_anomaly(True),
        pytest.warns(UserWarning, match="Error detected in"),
        pytest.raises(RuntimeError, match="returned nan values") as caught,
    ):
        guarded(rl.sqrt)(x).sum().backward()
    assert any("strong_zero" in note for note in caught.value.__notes__)
