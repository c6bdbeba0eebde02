"""Elementwise operations: values at the edges, promotion, refusals, ties, in-place forms, kernels and examples."""

import doctest
import math

import numpy as np
import pytest

import rushlight as rl
from rushlight import kernels
from rushlight.functions import (
    activation,
    arithmetic,
    compare,
    complex,
    exponential,
    rounding,
    selection,
    special,
    trigonometric,
)
from rushlight.ops.declare import REGISTRY

FAMILIES = (activation, arithmetic, compare, complex, exponential, rounding, selection, special, trigonometric)
INF, NAN = math.inf, math.nan


def grad_of(f, *values):
    leaves = [rl.tensor(v, requires_grad=True) for v in values]
    f(*leaves).sum().backward()
    return [leaf.grad.tolist() for leaf in leaves]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda m: m.__name__.rpartition(".")[2])
def test_examples_print_what_they_say(family):
    runner = doctest.DocTestRunner(verbose=False)
    finder = doctest.DocTestFinder()
    examined = 0
    for name, function in vars(family).items():
        if name.startswith("_") or not callable(function) or getattr(function, "__module__", "") != family.__name__:
            continue
        for case in finder.find(function, name, module=False, globs={"nan": NAN, "inf": INF}):
            runner.run(case)
            examined += len(case.examples)
    assert examined > 0
    assert runner.summarize(verbose=False).failed == 0


# -- promotion


@pytest.mark.parametrize(
    ("compute", "dtype"),
    [
        (lambda i, f: i + f, "float32"),
        (lambda i, f: i * 2.5, "float32"),
        (lambda i, f: i / i, "float32"),
        (lambda i, f: i // 2, "int64"),
        (lambda i, f: i**2, "int64"),
        (lambda i, f: rl.exp(i), "float32"),
        (lambda i, f: rl.square(i > 0), "int64"),
        (lambda i, f: f.double() + rl.tensor(1.0), "float64"),
        (lambda i, f: rl.where(i > 0, 1, 2.0), "float32"),
        (lambda i, f: f * 1j, "complex64"),
        (lambda i, f: abs(f * 1j), "float32"),
        (lambda i, f: i.clamp(0.5), "float32"),
        (lambda i, f: rl.float_power(i, 2), "float64"),
    ],
)
def test_result_dtype(compute, dtype):
    assert compute(rl.tensor([1, 2]), rl.tensor([0.5, 1.5])).dtype is getattr(rl, dtype)


@pytest.mark.parametrize(
    ("compute", "error", "words"),
    [
        (lambda b, i, f: b - b, RuntimeError, "with two bool tensors is not supported"),
        (lambda b, i, f: 1 - b, RuntimeError, "with a bool tensor is not supported"),
        (lambda b, i, f: -b, RuntimeError, "Negation, the `-` operator, on a bool tensor"),
        (lambda b, i, f: i**-1, RuntimeError, "Integers to negative integer powers are not allowed."),
        (lambda b, i, f: i // 0, RuntimeError, "ZeroDivisionError"),
        (lambda b, i, f: i.add(i, alpha=0.5), RuntimeError, "argument alpha must not be a floating point number"),
        (lambda b, i, f: i.exp_(), RuntimeError, "result type Float can't be cast to the desired output type Long"),
        (lambda b, i, f: f & 1, NotImplementedError, "\"bitwise_and_cpu\" not implemented for 'Float'"),
        (lambda b, i, f: ~f, TypeError, "only implemented on integer and Boolean-type tensors"),
        (lambda b, i, f: f + rl.ones(3), RuntimeError, r"size of tensor a \(2\) must match the size of tensor b \(3\)"),
        (lambda b, i, f: f.add_(rl.ones(3, 2)), RuntimeError, "doesn't match the broadcast shape"),
        (lambda b, i, f: f + "a", TypeError, "unsupported operand"),
        (lambda b, i, f: rl.exp(1.0), TypeError, r"exp\(\): argument 'input' \(position 1\) must be Tensor, not float"),
        (lambda b, i, f: rl.maximum(f, 2), TypeError, "argument 'other' .* must be Tensor, not int"),
        (lambda b, i, f: rl.add(f, np.ones(2)), TypeError, r"'other' \(position 2\) must be Tensor, not numpy.ndarray"),
        (lambda b, i, f: rl.clamp(f), RuntimeError, "At least one of 'min' or 'max' must not be None"),
        (lambda b, i, f: rl.where(i, f, f), RuntimeError, "expected condition to be a boolean tensor"),
    ],
)
def test_refusals(compute, error, words):
    with pytest.raises(error, match=words):
        compute(rl.tensor([True, False]), rl.tensor([1, 2]), rl.tensor([0.5, 1.5]))


def test_a_refused_write_changes_nothing():
    x = rl.tensor([1, 2])
    with pytest.raises(RuntimeError):
        x.mul_(1.5)
    assert x.tolist() == [1, 2]


def test_equality_with_what_is_no_number_is_left_to_python():
    x = rl.tensor([1.0])
    assert (x == None) is False  # noqa: E711
    assert (x != "a") is True


# -- derivatives at the edges


def test_the_larger_shares_its_gradient_in_a_tie():
    assert grad_of(rl.maximum, [1.0, 1.0, 2.0], [1.0, 2.0, 1.0]) == [[0.5, 0.0, 1.0], [0.5, 1.0, 0.0]]


def test_fmax_gives_a_tie_to_the_first():
    assert grad_of(rl.fmax, [1.0, NAN, 1.0], [1.0, 1.0, NAN]) == [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]


def test_clamp_passes_gradient_on_its_bounds():
    assert grad_of(lambda x: x.clamp(0.0, 1.0), [-1.0, 0.0, 0.5, 1.0, 2.0]) == [[0.0, 1.0, 1.0, 1.0, 0.0]]


def test_power_zero_has_no_slope_and_base_zero_no_logarithm():
    assert grad_of(lambda x: x**0, [0.0, 2.0]) == [[0.0, 0.0]]
    assert grad_of(lambda x, y: x**y, [0.0], [0.0]) == [[0.0], [0.0]]
    assert grad_of(lambda y: 0.0**y, [0.0, 1.0]) == [[0.0, 0.0]]


def test_masks_stop_gradients_that_are_not_finite():
    x = rl.tensor([-1.0, 1.0], requires_grad=True)
    (grad,) = rl.autograd.grad(x.relu(), x, rl.tensor([INF, INF]))
    assert grad.tolist() == [0.0, INF]


def test_size_of_a_complex_number():
    z = rl.tensor([3 + 4j, 0j], requires_grad=True)
    z.abs().sum().backward()
    assert z.grad.tolist() == [pytest.approx(0.6 + 0.8j), 0j]


def test_operations_without_a_derivative_say_so():
    x = rl.tensor([3.0], requires_grad=True)
    with pytest.raises(NotImplementedError, match="derivative for aten::floor_divide is not implemented"):
        (x // 2).backward()


# -- values at the edges


@pytest.mark.parametrize("size", [2, 1000])
@pytest.mark.parametrize("name", ["gelu", "silu", "mish", "hardswish"])
def test_activations_that_gate_are_zero_at_minus_infinity(name, size):
    out = getattr(activation, name)(rl.full((size,), -INF))
    assert (out == 0).all()
    assert rl.signbit(out).all()
    assert (getattr(activation, name)(rl.full((size,), INF)) == INF).all()


def test_powers_of_whole_numbers():
    assert (rl.tensor([1, -1, -1, 2]) ** rl.tensor([-1, -1, -2, -3])).tolist() == [1, -1, 1, 0]


@pytest.mark.parametrize("bounds", [(NAN, 1.0), (0.0, NAN), (2.0, 1.0), (0, 1)])
def test_clamp_is_the_smaller_of_the_larger(bounds):
    x = rl.tensor([-1.0, 0.5, 3.0, NAN])
    low, high = (rl.tensor(float(b)) for b in bounds)
    np.testing.assert_array_equal(x.clamp(*bounds), rl.minimum(rl.maximum(x, low), high))


def test_shifts_beyond_the_width_are_zero():
    assert (rl.tensor([1, 5]) << 64).tolist() == [0, 0]
    assert (rl.tensor([1, -5]) >> 64).tolist() == [0, -1]


def test_division_rounds_as_asked():
    x = rl.tensor([7, -7])
    assert rl.div(x, 2, rounding_mode="floor").tolist() == [3, -4]
    assert rl.div(x, 2, rounding_mode="trunc").tolist() == [3, -3]
    assert (x % 3).tolist() == [1, 2]
    assert rl.fmod(x, 3).tolist() == [1, -1]


# Values of the functions to 15 digits, from tables.
@pytest.mark.parametrize(
    ("function", "x", "value"),
    [
        (rl.special.erfinv, 0.5, 0.476936276204470),
        (rl.special.erfinv, 1 - 1e-10, 4.572824958544925),
        (rl.special.erfcx, 30.0, 0.018795888861416751),
        (rl.special.digamma, 1.0, -0.577215664901533),
        (rl.special.digamma, -0.5, 0.036489973978576521),
        (rl.special.gammaln, 0.5, 0.572364942924700),
        (rl.special.i0, 1.0, 1.266065877752008),
        (rl.special.i1, 1.0, 0.565159103992485),
        (rl.special.i0e, 100.0, 0.03994437929909668),
        (rl.special.ndtri, 0.975, 1.959963984540054),
        (rl.special.log_ndtr, -10.0, -53.23128515051247),
    ],
)
def test_special_values(function, x, value):
    assert function(rl.tensor(x, dtype=rl.float64)).item() == pytest.approx(value, rel=1e-13)


def test_polygamma_by_its_recurrence():
    x = rl.tensor([-1.5, 0.3, 2.0, 40.0], dtype=rl.float64)
    for n in (1, 2, 3):
        step = rl.polygamma(n, x + 1) - rl.polygamma(n, x)
        want = (-1) ** n * math.factorial(n) / x ** (n + 1)
        np.testing.assert_allclose(step.numpy(), want.numpy(), rtol=1e-8, atol=1e-12)


# -- in place


def test_comparison_in_place_cuts_the_gradient():
    x = rl.tensor([1.0, 3.0], requires_grad=True)
    y = x * 1
    y.lt_(2)
    (x + y).sum().backward()
    assert y.tolist() == [1.0, 0.0]
    assert x.grad.tolist() == [1.0, 1.0]


def test_operators_write_in_place():
    x = y = rl.tensor([7, 8])
    x += 1
    x //= 2
    x **= 2
    x %= 10
    x |= 8
    x ^= 1
    x <<= 1
    assert x is y
    assert x.tolist() == [30, 30]


def test_out_is_written_and_returned():
    out = rl.empty(2)
    assert rl.exp(rl.zeros(2), out=out) is out
    assert out.tolist() == [1.0, 1.0]


# -- names in the graph


@pytest.mark.parametrize(
    ("compute", "name"),
    [
        (lambda x: x**2, "PowBackward0"),
        (lambda x: x**x, "PowBackward1"),
        (lambda x: 2**x, "PowBackward2"),
        (lambda x: 2 - x, "RsubBackward1"),
        (lambda x: 2 / x, "MulBackward0"),
        (lambda x: x % 2, "RemainderBackward0"),
        (lambda x: x.clamp(0, 1), "ClampBackward1"),
        (lambda x: x.log1p(), "Log1PBackward0"),
        (lambda x: rl.selu(x), "EluBackward0"),
    ],
)
def test_graph_names(compute, name):
    assert compute(rl.tensor([0.5], requires_grad=True)).grad_fn.name() == name


# -- kernels


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "name", sorted(n for n, op in REGISTRY.items() if type(op.kernel).__name__ in ("Unary", "Binary", "Power"))
)
def test_kernels_agree_with_the_python_meaning(name, dtype):
    op = REGISTRY[name]
    random = np.random.default_rng(3)
    inputs = [random.uniform(0.1, 0.9, (4, 5)).astype(dtype) for _ in range(op.arity)]
    inputs[0][0] = [0.0, -0.0, INF, -INF, NAN]
    inputs[0][1] -= 1
    got = op.kernel(*inputs)
    fast, op.fast = op.fast, None
    try:
        want = op.compute(inputs, op.defaults)
    finally:
        op.fast = fast
    assert got.dtype == want.dtype
    np.testing.assert_allclose(
        got, want, rtol=1e-6 if dtype == "float32" else 1e-13, atol=1e-7 if dtype == "float32" else 1e-15
    )


RULES = [
    *[
        (name, {})
        for name in ("exp", "log", "square", "sqrt", "reciprocal", "abs", "sin", "cos", "tanh", "sigmoid", "relu")
    ],
    *[(name, {}) for name in ("silu", "gelu", "leaky_relu", "hardtanh")],
    ("threshold", {"threshold": 0.5, "value": 2.0}),
    ("clamp_numbers", {"low": 0.3, "high": 0.6}),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "params"), RULES, ids=lambda v: v if isinstance(v, str) else "")
def test_rules_agree_with_their_kernels(name, params, dtype):
    x = rl.tensor(np.random.default_rng(5).uniform(0.1, 0.9, (3, 4)).astype(dtype), requires_grad=True)
    g = rl.tensor(np.random.default_rng(6).uniform(-1, 1, (3, 4)).astype(dtype))
    out = REGISTRY[name](x, **params)
    (quick,) = rl.autograd.grad(out, x, g, retain_graph=True)
    (meant,) = rl.autograd.grad(out, x, g, create_graph=True)
    np.testing.assert_allclose(quick.numpy(), meant.detach().numpy(), rtol=1e-6 if dtype == "float32" else 1e-14)


@pytest.mark.skipif(kernels.load("elementwise") is None, reason="the kernels are not compiled")
@pytest.mark.parametrize("exponent", [2, 3, 0.5, -0.5, -1, 1, 2.5])
def test_powers_with_loops_of_their_own(exponent):
    x = np.array([0.25, 1.0, 4.0])
    np.testing.assert_allclose(REGISTRY["pow"].kernel(x, exponent), x**exponent, rtol=1e-15)


def test_a_power_that_is_a_truth_value_has_a_derivative():
    x = rl.tensor([2.0, 3.0], requires_grad=True)
    (slope,) = rl.autograd.grad((x ** rl.tensor([True, False])).sum(), x)
    assert slope.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("name", ["logaddexp", "logaddexp2"])
def test_truth_values_are_added_as_numbers(name):
    x = rl.tensor([0.5, -1.0], dtype=rl.float64, requires_grad=True)
    flags = rl.tensor([True, False])
    for given in ((x, flags), (flags, x)):
        numbers = [z.double() if z is flags else z for z in given]
        (found,) = rl.autograd.grad(getattr(rl, name)(*given).sum(), x)
        (wanted,) = rl.autograd.grad(getattr(rl, name)(*numbers).sum(), x)
        assert found.tolist() == wanted.tolist() and 0 < found[0] < 1
