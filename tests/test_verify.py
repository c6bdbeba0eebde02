"""verify: wrong derivatives are found, wherever they are, and right ones are left alone."""

import importlib
import os
import sys
import warnings

import numpy as np
import pytest

import rushlight as rl
from rushlight import autograd, core
from rushlight.autograd import DerivativeError, verify
from rushlight.ops.declare import REGISTRY
from samples import ROWS
from test_registry import called, drawn, random_like, tensors


def here(offset):
    return f"{os.path.basename(__file__)}:{sys._getframe(1).f_lineno + offset}"


def leaf(values, dtype=rl.float64):
    return rl.tensor(values, dtype=dtype, requires_grad=True)


def custom(forward, backward):
    """A Function of one tensor from two functions of arrays of tensors."""

    class Custom(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return forward(x)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return backward(x, g)

    return Custom


# -- what is right
differentiable = [row for row in ROWS if REGISTRY[row.op].differentiable and "not differentiable" not in row.note]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("row", differentiable, ids=repr)
def test_every_operation_passes(row, dtype):
    inputs, at = drawn(row)
    inputs = [x.astype(dtype) if isinstance(x, np.ndarray) and x.dtype == np.float64 else x for x in inputs]
    with warnings.catch_warnings(), verify() as check:
        warnings.filterwarnings("ignore", "verify")
        given = tensors(inputs, at)
        outs = [o for o in called(row, given) if o.requires_grad]
        if not outs:
            return
        seeds = [
            core.wrap(np.asarray(v).astype(o._array.dtype))
            for v, o in zip(random_like([o._array for o in outs], 1), outs)
        ]
        autograd.grad(outs, [given[i] for i in at], seeds, allow_unused=True)
    assert check.skipped == {}
    assert check.checked or row.op in ("normal", "ctc_loss")


def network(x, w, b):
    h = rl.tanh(x @ w + b)
    h = rl.where(h > 0.1, h, 0.2 * h)
    y = h.reshape(-1)[::2].clone()
    y[1:3] *= 2
    y.add_(1)
    first, *_ = y.split(2)
    return rl.cat([y.softmax(0), first.cumsum(0)]).var() + h.norm() + rl.einsum("ij,kj->ik", h, h).max()


@pytest.mark.parametrize(("dtype", "least"), [(rl.float64, 25), (rl.float32, 25)])
def test_a_program_of_many_operations_passes(dtype, least):
    random = np.random.default_rng(3)
    x, w, b = [leaf(random.uniform(-1, 1, s), dtype) for s in ((3, 4), (4, 5), (5,))]
    with verify() as check:
        network(x, w, b).backward()
    assert check.checked >= least
    plain = [leaf(t.tolist(), dtype) for t in (x, w, b)]
    network(*plain).backward()
    for checked, other in zip((x, w, b), plain):
        np.testing.assert_allclose(checked.grad.numpy(), other.grad.numpy(), rtol=1e-4, atol=1e-6)


def test_derivatives_of_derivatives_are_checked():
    x = leaf([0.3, 0.7])
    with verify() as check:
        (g,) = autograd.grad((x.sin() * x.exp()).sum(), x, create_graph=True)
        first = check.checked
        g.sum().backward()
    assert check.checked > first


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.abs(),
        lambda x: x.relu(),
        lambda x: rl.maximum(x, rl.zeros(3, dtype=rl.float64)),
        lambda x: x.clamp(0, 1),
        lambda x: x.round(),
        lambda x: x.sign(),
        lambda x: x.amax(),
        lambda x: x.floor(),
        lambda x: rl.nn.functional.leaky_relu(x),
    ],
)
def test_kinks_and_steps_are_no_errors(function):
    x = leaf([0.0, 0.0, 1.0])
    with verify():
        function(x).sum().backward()


def test_extreme_values_are_no_errors():
    x = leaf([1e-12, 1e8, 1e-3])
    with verify() as check:
        (x.log() + x.sqrt() + 1 / x + x.square() + x).sum().backward()
    assert check.skipped == {}


def test_complex_operations_pass():
    z = rl.tensor([1 + 2j, -0.5 + 0.1j], dtype=rl.complex128, requires_grad=True)
    with verify() as check:
        (z.exp() * z.conj() / z.abs() + z.angle()).abs().sum().backward()
    assert check.checked >= 7


def test_a_function_with_random_numbers_is_left_out_and_draws_none():
    noisy = custom(lambda x: x * rl.rand(x.shape, dtype=x.dtype), lambda x, g: g)
    rl.manual_seed(5)
    after = [rl.rand(3, dtype=rl.float64), rl.rand(1)][1].item()
    rl.manual_seed(5)
    x = leaf([1.0, 2.0, 3.0])
    with verify() as check:
        (noisy.apply(x) * x).sum().backward()
    assert check.skipped == {"Custom": "its forward gives something else each time"}
    assert rl.rand(1).item() == after


def test_what_runs_under_vmap_is_left_out():
    with verify() as check:
        rl.func.vmap(rl.func.grad(lambda x: x.sin().sum()))(rl.ones(3, 2))
    assert check.skipped["sin"] == "it ran under vmap"


def test_values_that_are_not_finite_are_left_out():
    x = leaf([0.0, 4.0])
    with verify() as check:
        (x.sqrt() * x).sum().backward()
    assert check.skipped == {"sqrt": "there are values that are not finite; strong_zero() may help"}
    assert check.checked == 2
    with verify() as check:
        x.sqrt().sum().backward()
    assert check.skipped == {"sqrt": "there are values that are not finite"}
    with verify() as check, autograd.strong_zero():
        (x.sqrt() * x).sum().backward()


# -- what is wrong
def test_a_wrong_function_is_found_with_its_line():
    cube = custom(lambda x: x * x * x, lambda x, g: g * 2 * x * x)
    x = leaf([1.0, 2.0])
    with verify(), pytest.raises(DerivativeError) as caught:
        y = cube.apply(x)
        made = here(-1)
        y.sum().backward()
    message = str(caught.value)
    assert "The derivative of Custom with respect to argument 1 is wrong: <J'v, u> is" in message
    assert f"{made}, in test_a_wrong_function_is_found_with_its_line: y = cube.apply(x)" in message
    left, right = [float(message.split(part)[1].split()[0]) for part in ("<J'v, u> is ", "<v, J u> is ")]
    assert left / right == pytest.approx(2 / 3, rel=1e-4)
    assert isinstance(caught.value, RuntimeError)
    assert x.grad is None


WRONG = {
    "twice too large": (lambda x: x.sin(), lambda x, g: 2 * g * x.cos()),
    "wrong sign": (lambda x: x.cos(), lambda x, g: g * x.sin()),
    "one element": (lambda x: x * 2, lambda x, g: g * rl.tensor([2.0, 2.0, 2.5], dtype=g.dtype)),
    "transposed": (lambda x: x.roll(1), lambda x, g: g.roll(1)),
    "forgotten term": (lambda x: x / x.sum(), lambda x, g: g / x.sum()),
    "no gradient": (lambda x: x.exp(), lambda x, g: None),
    "not multiplied": (lambda x: x.exp(), lambda x, g: x.exp()),
}


@pytest.mark.parametrize("dtype", [rl.float64, rl.float32])
@pytest.mark.parametrize("name", WRONG)
def test_wrong_functions_are_found(name, dtype):
    function = custom(*WRONG[name])
    x = leaf([0.5, 1.0, 1.5], dtype)
    with verify(), pytest.raises(DerivativeError, match="Custom"):
        (function.apply(x) * rl.tensor([1.0, 2.0, 4.0], dtype=dtype)).sum().backward()


def test_the_wrong_argument_is_named():
    class Product(autograd.Function):
        @staticmethod
        def forward(ctx, a, scale, b):
            ctx.save_for_backward(a, b)
            ctx.scale = scale
            return a * b * scale

        @staticmethod
        def backward(ctx, g):
            a, b = ctx.saved_tensors
            return g * b * ctx.scale, None, g * a

    with verify(), pytest.raises(DerivativeError, match="with respect to argument 3 is wrong"):
        Product.apply(leaf([1.0, 2.0]), 3.0, leaf([4.0, 5.0])).sum().backward()


def test_a_function_of_named_arguments_and_several_outputs():
    class Both(autograd.Function):
        @staticmethod
        def forward(ctx, x, power=2, shift=0.0):
            ctx.save_for_backward(x)
            ctx.power = power
            return x**power + shift, x.argmax(), -x

        @staticmethod
        def backward(ctx, g, _, h):
            (x,) = ctx.saved_tensors
            return g * ctx.power * x ** (ctx.power - 1) - h, None, None

    x = leaf([1.0, 2.0])
    with verify() as check:
        y, _, z = Both.apply(x, shift=1.0, power=3)
        (y * z).sum().backward()
    assert check.checked == 3
    assert check.skipped == {}


def test_a_function_that_writes_in_place():
    def doubled(factor):
        class Doubled(autograd.Function):
            @staticmethod
            def forward(ctx, x):
                x.mul_(2)
                ctx.mark_dirty(x)
                return x

            @staticmethod
            def backward(ctx, g):
                return g * factor

        return Doubled

    with verify():
        doubled(2).apply(leaf([1.0, 2.0]) * 1).sum().backward()
    with verify(), pytest.raises(DerivativeError):
        doubled(3).apply(leaf([1.0, 2.0]) * 1).sum().backward()


@pytest.mark.parametrize(
    ("name", "position", "rule", "call"),
    [
        ("sin", 0, lambda g, x: g * x.sin(), lambda x: x.sin()),
        ("mul", 1, lambda g, x: g * x * 2, lambda x: (x + 1) * x),
        ("cumsum", 0, lambda g: g, lambda x: x.cumsum(0)),
        ("softmax", 0, lambda g, out: g * out, lambda x: x.softmax(0)),
        ("logsumexp", 0, lambda g, x, out: g * (x - out), lambda x: x.logsumexp(0)),
    ],
)
def test_a_wrong_rule_is_found(monkeypatch, name, position, rule, call):
    op = REGISTRY[name]
    module = importlib.import_module("rushlight.operation")
    names = list(rule.__code__.co_varnames[1 : rule.__code__.co_argcount])
    sources = {"x": 0, "out": 2000}
    wrong = module.Rule(rule, [sources[n] for n in names], names)
    rules = list(op.rules)
    rules[position] = wrong
    monkeypatch.setattr(op, "rules", rules)
    kept = op.keep1, op.keep2, op.keep3, op.out_mask
    op.settle()
    try:
        with verify(), pytest.raises(DerivativeError, match=f"The derivative of {name} with respect to input"):
            y = call(leaf([0.3, 0.9, 1.4]))
            (y * rl.tensor([1.0, 2.0, 5.0], dtype=rl.float64)).sum().backward()
    finally:
        op.keep1, op.keep2, op.keep3, op.out_mask = kept


def test_wrong_derivatives_in_the_second_order_are_found():
    class Square(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return Slope.apply(x, g)

    class Slope(autograd.Function):
        @staticmethod
        def forward(ctx, x, g):
            ctx.save_for_backward(x, g)
            return 2 * x * g

        @staticmethod
        def backward(ctx, h):
            x, g = ctx.saved_tensors
            return 3 * g * h, 2 * x * h

    x = leaf([1.0, 2.0])
    with verify():
        (g,) = autograd.grad(Square.apply(x).sum(), x, create_graph=True)
        with pytest.raises(DerivativeError, match="Slope with respect to argument 1"):
            g.sum().backward()


# -- options
def test_what_is_skipped_is_not_checked():
    rounded = custom(lambda x: x.round(), lambda x, g: g)
    rounded.__name__ = "StraightThrough"
    x = leaf([0.4, 1.3])
    with verify(skip="StraightThrough"):
        (rounded.apply(x) * x).sum().backward()
    with verify(), pytest.raises(DerivativeError, match="StraightThrough"):
        (rounded.apply(x) * x).sum().backward()


def test_tolerances():
    nearly = custom(lambda x: x * 2, lambda x, g: g * 2.002)
    x = leaf([0.4, 1.3])
    with verify(rtol=1e-2):
        nearly.apply(x).sum().backward()
    with verify(atol=1.0):
        nearly.apply(x).sum().backward()
    with verify(), pytest.raises(DerivativeError):
        nearly.apply(x).sum().backward()


def test_a_forward_pass_outside_of_the_block():
    x = leaf([0.4, 1.3])
    y = (x * x).sum()
    with verify() as check:
        y.backward()
    assert check.checked == 2
    wrong = custom(lambda x: x, lambda x, g: 2 * g).apply(x)
    with (
        pytest.warns(UserWarning, match="verify.. checked nothing. Custom: its inputs are not known"),
        verify() as check,
    ):
        wrong.backward(rl.ones(2, dtype=rl.float64))
    assert list(check.skipped) == ["Custom"]


def test_what_was_remembered_goes_with_the_graph():
    x = leaf([0.4, 1.3])
    with verify() as check:
        y = (x.sin() * x).sum()
        assert len(check._calls) == 3
        del y
        assert len(check._calls) == 0


def test_inputs_that_need_no_gradient_are_brought_to_double_precision_too():
    layer = rl.nn.Linear(3, 2)
    with verify() as check:
        layer(rl.ones(4, 3)).sum().backward()
    assert check.skipped == {} and check.checked >= 2


def test_one_wrong_element_of_a_thousand_is_found():
    twice = custom(lambda x: x * 2, lambda x, g: rl.cat([g[:1] * 3, g[1:] * 2]))
    x = rl.ones(1000, requires_grad=True)
    with pytest.raises(DerivativeError, match="Custom"), verify():
        twice.apply(x).sum().backward()


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "erf"])
def test_slopes_lost_by_rounding_are_no_mistakes(name):
    with verify() as check:
        getattr(rl.tensor([4.0, 9.1, 17.0, 17.3], requires_grad=True), name)().sum().backward()
    assert check.skipped == {}


def test_cholesky_reads_one_triangle():
    x = leaf([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]])
    with verify() as check:
        rl.linalg.cholesky(x).sum().backward()
    assert check.checked == 2


def test_a_cast_to_half_precision():
    rl.manual_seed(0)
    with verify() as check:
        (rl.randn(50, requires_grad=True).half() * 2).float().sum().backward()
    assert check.skipped == {}
