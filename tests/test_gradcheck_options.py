"""Every option of gradcheck and gradgradcheck finds what it is for, and nothing finds it without the option."""

import itertools
import warnings

import pytest

import rushlight as rl
from rushlight.autograd import gradcheck, gradgradcheck
from rushlight.autograd.gradcheck import (
    GradcheckError,
    get_analytical_jacobian,
    get_numerical_jacobian,
    get_numerical_jacobian_wrt_specific_input,
)
from test_gradcheck import made


def x():
    return rl.tensor([1.0, 1.5, 2.0], dtype=rl.float64, requires_grad=True)


def z():
    return rl.tensor([1 + 2j, 3 - 1j], dtype=rl.complex128, requires_grad=True)


RIGHT = [
    (lambda x: x * x, (x,)),
    (lambda z: z * z * (1 - 2j), (z,)),
    (lambda x: x * (1 + 2j), (x,)),
    (lambda z: z.abs(), (z,)),
    (lambda x, z: (x[:2] * z, x.sum(), z.real * 2), (x, z)),
]


def doubled(ctx, x):
    return x * 2


def halves(ctx, x):
    """Two outputs, whose backward is told about gradients that are not there."""
    ctx.set_materialize_grads(False)
    return x * 2, x * 3


def unmaterialized(ctx, x):
    ctx.set_materialize_grads(False)
    return x * 2


def only_with(option, func, inputs, message, **always):
    """func passes gradcheck but for this option."""
    assert gradcheck(func, inputs, **{**always, option: False})
    with pytest.raises(GradcheckError, match=message):
        gradcheck(func, inputs, **{**always, option: True})


class TestFastMode:
    @pytest.mark.parametrize("func,makers", RIGHT)
    def test_right(self, func, makers):
        inputs = tuple([maker() for maker in makers])
        assert gradcheck(func, inputs, fast_mode=True, check_forward_ad=True)
        assert gradgradcheck(func, inputs, fast_mode=True, check_fwd_over_rev=True)

    def test_runs_the_function_fewer_times(self):
        def calls(fast_mode):
            count = itertools.count()

            def func(x):
                next(count)
                return x * x

            gradcheck(func, rl.ones(50, dtype=rl.float64, requires_grad=True), fast_mode=fast_mode)
            return next(count)

        assert calls(False) > 100
        assert calls(True) < 10

    def test_wrong_shows_both(self):
        wrong = made(doubled, lambda ctx, g: g * 3)
        with pytest.raises(GradcheckError) as caught:
            gradcheck(wrong, x(), fast_mode=True)
        text = str(caught.value)
        assert text.startswith("Jacobian mismatch for output 0 with respect to input 0,\nnumerical:")
        assert "The max per-element difference (slow mode) is: 1.0" in text
        assert "[0., 3., 0.]" in text

    def test_one_wrong_element_is_found(self):
        with pytest.raises(GradcheckError):
            gradcheck(made(doubled, lambda ctx, g: g * rl.tensor([2.0, 2.01, 2.0])), x(), fast_mode=True)

    def test_complex_parts(self):
        wrong = made(lambda ctx, z: z * 2j, lambda ctx, g: g * 2j)
        with pytest.raises(GradcheckError, match="While considering the imaginary part of complex outputs only, Jac"):
            gradcheck(wrong, z(), fast_mode=True)

    def test_forward_mode(self):
        wrong = made(doubled, lambda ctx, g: g * 2, jvp=staticmethod(lambda ctx, t: t * 3))
        assert gradcheck(wrong, x(), fast_mode=True)
        with pytest.raises(GradcheckError, match="Jacobian computed with forward mode mismatch for output 0"):
            gradcheck(wrong, x(), fast_mode=True, check_forward_ad=True)

    def test_says_when_the_whole_jacobian_passes(self):
        ones = rl.ones(50, dtype=rl.float64, requires_grad=True)
        with pytest.raises(GradcheckError, match="Fast gradcheck failed but element-wise differences are small"):
            gradcheck(lambda x: x * x * 1e6, ones, fast_mode=True, atol=0, rtol=1e-13)

    def test_cut_history(self):
        with pytest.raises(GradcheckError, match="Numerical gradient for function expected to be zero"):
            gradcheck(lambda x: x.detach() * 2, x(), fast_mode=True)

    def test_empty(self):
        assert gradcheck(lambda x: x * 2, rl.ones(0, dtype=rl.float64, requires_grad=True), fast_mode=True)


class TestForwardMode:
    def test_complex_parts_are_told(self):
        wrong = made(lambda ctx, z: z * 2j, lambda ctx, g: g * -2j, jvp=staticmethod(lambda ctx, t: t * 3))
        message = (
            "While considering the imaginary part of complex inputs only, Jacobian computed with forward mode mismatch "
            "for output 0 with respect to input 0,"
        )
        with pytest.raises(GradcheckError, match=message):
            gradcheck(wrong, z(), check_forward_ad=True)

    def test_only_forward(self):
        wrong = made(doubled, lambda ctx, g: g * 3, jvp=staticmethod(lambda ctx, t: t * 2))
        assert gradcheck(wrong, x(), check_forward_ad=True, check_backward_ad=False)
        with pytest.raises(GradcheckError, match=r"^Jacobian mismatch"):
            gradcheck(wrong, x(), check_forward_ad=True)

    def test_over_reverse(self):
        """The derivative of a custom backward is right in reverse and wrong in forward mode."""
        slope = made(
            lambda ctx, x: (ctx.save_for_backward(x), x * x)[1],
            lambda ctx, g: g * 2 * ctx.saved_tensors[0],
            jvp=staticmethod(lambda ctx, t: t * 5),
        )

        def backward(ctx, g):
            return g * 3 * slope(ctx.saved_tensors[0])

        cube = made(lambda ctx, x: (ctx.save_for_backward(x), x * x * x)[1], backward)

        def func(x):
            return cube(x)

        assert gradgradcheck(func, x())
        with pytest.raises(NotImplementedError, match="You must implement the jvp function"):
            gradgradcheck(func, x(), check_fwd_over_rev=True)
        cube_in_forward = made(
            lambda ctx, x: (ctx.save_for_backward(x), x * x * x)[1], backward, jvp=staticmethod(lambda ctx, t: t)
        )
        with pytest.raises(GradcheckError, match="forward mode mismatch"):
            gradgradcheck(cube_in_forward, x(), check_fwd_over_rev=True)


class TestUndefined:
    def test_a_backward_that_cannot_take_none(self):
        func = made(unmaterialized, lambda ctx, g: g * 2)
        only_with("check_undefined_grad", func, x(), "^Expected backward function to handle undefined output grads.")

    def test_a_backward_that_makes_something_of_nothing(self):
        func = made(unmaterialized, lambda ctx, g: rl.ones(3) if g is None else g * 2)
        only_with(
            "check_undefined_grad", func, x(), "^Expected all input grads to be undefined or zero when all output"
        )

    def test_inside_of_other_operations(self):
        inner = made(unmaterialized, lambda ctx, g: rl.ones(3) if g is None else g * 2)
        only_with("check_undefined_grad", lambda x: (inner(x * 3) * x).sin(), x(), "^Expected all input grads to be")

    def test_both_of_two(self):
        def backward(ctx, a, b):
            if a is None and b is None:
                return rl.ones(3)
            return (0 if a is None else a * 2) + (0 if b is None else b * 3)

        only_with("check_undefined_grad", made(halves, backward), x(), "^Expected all input grads to be undefined")

    def test_right(self):
        def backward(ctx, a, b):
            found = [g * k for g, k in ((a, 2), (b, 3)) if g is not None]
            return sum(found[1:], found[0]) if found else None

        assert gradcheck(made(halves, backward), x())
        assert gradcheck(lambda x: x.unbind(), x())

    def test_forward(self):
        def forward(ctx, a, b, c):
            ctx.set_materialize_grads(False)
            return a + b + c

        def jvp(ctx, *tangents):
            there = [t for t in tangents if t is not None]
            return sum(there[1:], there[0]) * (2 if len(there) == 2 else 1)

        func = made(forward, lambda ctx, g: (g, g, g), jvp=staticmethod(jvp))
        inputs = (x(), x(), x())
        message = r"^Mismatch in tangent values for output with index: 0 when input: tensor\(\[1.0000, 1.5000, 2.0000\]"
        options = {"check_forward_ad": True, "check_backward_ad": False}
        only_with("check_undefined_grad", func, inputs, message, **options)


class TestNondeterminism:
    def backward(self, step):
        count = itertools.count()
        return made(doubled, lambda ctx, g: g * (2 + next(count) * step))

    @pytest.mark.parametrize("fast_mode", [False, True])
    def test_tolerance(self, fast_mode):
        message = r"^Backward is not reentrant.*The tolerance for nondeterminism was 0.0\."
        with pytest.raises(GradcheckError, match=message):
            gradcheck(self.backward(1e-9), x(), fast_mode=fast_mode)
        assert gradcheck(self.backward(1e-9), x(), fast_mode=fast_mode, nondet_tol=1e-6)
        with pytest.raises(GradcheckError, match="The tolerance for nondeterminism was 1e-12"):
            gradcheck(self.backward(1e-9), x(), fast_mode=fast_mode, nondet_tol=1e-12)

    def test_a_gate_that_changes_every_time(self):
        with pytest.raises(GradcheckError, match="Jacobian mismatch"):
            gradcheck(lambda x: x * rl.rand(()), x())


class TestDtypes:
    def test_of_tangents(self):
        func = made(doubled, lambda ctx, g: g * 2, jvp=staticmethod(lambda ctx, t: (t * 2).float()))
        only_with("check_grad_dtypes", func, x(), "^Gradient has dtype mismatch", check_forward_ad=True)

    def test_right(self):
        assert gradcheck(lambda x: x.float() * 2, x(), check_grad_dtypes=True, eps=1e-2, atol=1e-2)


class TestRefusals:
    def test_options_that_go_together(self):
        with pytest.raises(AssertionError, match="Expected at least one of check_forward_ad or check_backward_ad"):
            gradcheck(lambda x: x, x(), check_backward_ad=False)
        with pytest.raises(AssertionError, match="check_batched_forward_grad=True requires check_forward_ad"):
            gradcheck(lambda x: x, x(), check_batched_forward_grad=True)
        with pytest.raises(AssertionError, match="check_batched_grad=True requires check_backward_ad"):
            gradcheck(lambda x: x, x(), check_batched_grad=True, check_backward_ad=False, check_forward_ad=True)
        with pytest.raises(AssertionError, match="Expected at least one of check_fwd_over_rev or check_rev_over_rev"):
            gradgradcheck(lambda x: x, x(), check_rev_over_rev=False)

    def test_no_exception_means_false_for_what_was_found_only(self):
        assert gradcheck(made(doubled, lambda ctx, g: g * 3), x(), raise_exception=False) is False
        assert gradgradcheck(made(doubled, lambda ctx, g: g.detach() * 2), x(), raise_exception=False) is False
        with pytest.raises(ZeroDivisionError):
            gradcheck(made(doubled, lambda ctx, g: 1 / 0), x(), raise_exception=False)
        with pytest.raises(ValueError, match="expects at least one input tensor to require gradient"):
            gradcheck(lambda x: x, rl.ones(2), raise_exception=False)

    def test_masked_is_taken(self):
        assert gradcheck(lambda x: x * 2, x(), masked=True)

    def test_outputs_that_are_no_tensors(self):
        with pytest.raises(AttributeError, match="'int' object has no attribute 'requires_grad'"):
            gradcheck(lambda x: (x * 2, 3), x())
        assert gradcheck(lambda x: (x * 2, x.long()), x())
        assert gradcheck(lambda x: x.long(), x())


class TestSecondOrder:
    def test_given_gradients(self):
        cubed = made(
            lambda ctx, x: (ctx.save_for_backward(x), x * x * x)[1],
            lambda ctx, g: rl.where(
                g > 0, g * 3 * ctx.saved_tensors[0] ** 2, g.detach() * 3 * ctx.saved_tensors[0] ** 2
            ),
        )
        assert gradgradcheck(cubed, x(), rl.ones(3, dtype=rl.float64, requires_grad=True))
        with pytest.raises(GradcheckError):
            gradgradcheck(cubed, x(), -rl.ones(3, dtype=rl.float64).requires_grad_())

    @pytest.mark.parametrize("strided", [False, True])
    def test_strided_gradients(self, strided):
        seen = set()

        def backward(ctx, g):
            seen.add(g.stride())
            return g * 2

        inputs = rl.ones(2, 3, dtype=rl.float64, requires_grad=True)
        assert gradgradcheck(made(doubled, backward), inputs, gen_non_contig_grad_outputs=strided)
        assert ((6, 2) in seen) is strided

    def test_options_reach_the_second_derivative(self):
        steps = itertools.count()
        inner = made(doubled, lambda ctx, g: g * (2 + next(steps) * 1e-9))
        func = made(doubled, lambda ctx, g: inner(g))
        with pytest.raises(GradcheckError, match="Backward is not reentrant"):
            gradgradcheck(func, x())
        assert gradgradcheck(func, x(), nondet_tol=1e-3)
        picky = made(unmaterialized, lambda ctx, g: g * 2)
        func = made(doubled, lambda ctx, g: picky(g))
        assert gradgradcheck(func, x(), check_undefined_grad=False)
        with pytest.raises(GradcheckError, match="Expected backward function to handle undefined"):
            gradgradcheck(func, x())


class TestHelpers:
    def quietly(self, function, *args, **named):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return function(*args, **named)

    def test_numerical(self):
        (found,) = self.quietly(get_numerical_jacobian, lambda inputs: inputs[0] * inputs[0], (x(),))
        assert rl.allclose(found, rl.diag(2 * x().detach()))
        with pytest.warns(FutureWarning, match="`get_numerical_jacobian` was part of PyTorch's private API"):
            get_numerical_jacobian(lambda inputs: inputs[0], (x(),))
        with pytest.raises(ValueError, match=r"Expected grad_out to be 1.0. get_numerical_jacobian no longer supports"):
            self.quietly(get_numerical_jacobian, lambda inputs: inputs[0], (x(),), grad_out=2.0)
        with pytest.raises(ValueError, match=r"Expected output to be non-complex. get_numerical_jacobian no longer"):
            self.quietly(get_numerical_jacobian, lambda inputs: inputs[0], (z(),))

    def test_analytical(self):
        a = x()
        (found,), agree, sizes, dtypes = self.quietly(get_analytical_jacobian, (a,), a * a)
        assert rl.equal(found, rl.diag(2 * a.detach()))
        assert (agree, sizes, dtypes) == (True, True, True)
        steps = itertools.count()
        unsteady = made(doubled, lambda ctx, g: g * (2 + next(steps) * 1e-9))
        assert self.quietly(get_analytical_jacobian, (a,), unsteady(a))[1] is False
        assert self.quietly(get_analytical_jacobian, (a,), unsteady(a), nondet_tol=1e-3)[1] is True
        with pytest.raises(ValueError, match="Expected output to be non-complex"):
            self.quietly(get_analytical_jacobian, (a,), a * 1j)

    def test_one_input(self):
        a, b = x(), x()
        outputs = (a * b, b.sum())
        first, second = get_numerical_jacobian_wrt_specific_input(
            lambda a, b: (a * b, b.sum()), 1, (a, b), outputs, 1e-6
        )
        assert rl.allclose(first, rl.diag(a.detach()))
        assert rl.allclose(second, rl.ones(3, 1, dtype=rl.float64))
        with pytest.raises(AssertionError, match="Expected ds_dx to be real-valued, not complex"):
            get_numerical_jacobian_wrt_specific_input(lambda z: z, 0, (z(),), (z(),), 1e-6)


def of_a_batch(g):
    return type(g._array).__name__ == "Batched"


class TestBatched:
    @pytest.mark.parametrize("fast_mode", [False, True])
    def test_right(self, fast_mode):
        options = {"check_batched_grad": True, "check_forward_ad": True, "check_batched_forward_grad": True}
        assert gradcheck(lambda x: (x * x, x.sum()), x(), fast_mode=fast_mode, **options)
        assert gradcheck(lambda z: (z * z, z.abs()), z(), fast_mode=fast_mode, **options)
        assert gradgradcheck(lambda x: x * x * x, x(), check_batched_grad=True, fast_mode=fast_mode)

    def test_backward(self):
        func = made(doubled, lambda ctx, g: g * (3 if of_a_batch(g) else 2))
        only_with("check_batched_grad", func, x(), "^For output 0 and input 0")

    def test_forward(self):
        func = made(doubled, lambda ctx, g: g * 2, jvp=staticmethod(lambda ctx, t: t * (3 if of_a_batch(t) else 2)))
        only_with("check_batched_forward_grad", func, x(), "^For output 0 and input 0", check_forward_ad=True)

    def test_what_vmap_refuses(self):
        func = made(doubled, lambda ctx, g: g * 2 + rl.rand(3) * 0)
        message = (
            "^While computing batched gradients, got: vmap: called random operation while in randomness error mode"
        )
        only_with("check_batched_grad", func, x(), message)

    def test_of_the_second_order(self):
        inner = made(doubled, lambda ctx, g: g * (3 if of_a_batch(g) else 2))
        func = made(doubled, lambda ctx, g: inner(g))
        assert gradgradcheck(func, x())
        with pytest.raises(GradcheckError, match=r"^For output 0 and input 1"):
            gradgradcheck(func, x(), check_batched_grad=True)
