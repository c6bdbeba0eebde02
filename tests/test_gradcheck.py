"""gradcheck and gradgradcheck find wrong derivatives and pass right ones."""

import pytest

import rushlight as rl
from rushlight.autograd import Function, gradcheck, gradgradcheck
from rushlight.autograd.gradcheck import GradcheckError


def made(forward, backward, **members):
    members.update(forward=staticmethod(forward), backward=staticmethod(backward))
    return type("Made", (Function,), members).apply


@pytest.fixture
def x():
    return rl.tensor([1.0, 1.5, 2.0], dtype=rl.float64, requires_grad=True)


@pytest.fixture
def z():
    return rl.tensor([1 + 2j, 3 - 1j], dtype=rl.complex128, requires_grad=True)


tripled = made(lambda ctx, x: x * 2, lambda ctx, g: g * 3)


class TestRight:
    def test_of_several_inputs_and_outputs(self, x):
        y = rl.tensor([[0.5], [2.0]], dtype=rl.float64, requires_grad=True)
        assert gradcheck(lambda x, y, k: (x * y, x.sum() * k), (x, y, 3))
        assert gradgradcheck(lambda x, y, k: (x * y, x.sum() * k), (x, y, 3))

    def test_strided_inputs(self):
        x = rl.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype=rl.float64).t().requires_grad_()
        assert gradcheck(lambda x: x * x, x)

    def test_complex(self, x, z):
        assert gradcheck(lambda z: z * z * (1 - 2j), z)
        assert gradcheck(lambda x: x * (1 + 2j), x)
        assert gradgradcheck(lambda z: z * z * z, z)

    def test_inputs_are_left_as_they_were(self, x):
        gradcheck(lambda x: x * x, x)
        assert x.tolist() == [1.0, 1.5, 2.0]
        assert x.grad is None
        assert x._version == 0

    def test_forward_mode(self, x, z):
        assert gradcheck(lambda x: (x * x, x / 2), x, check_forward_ad=True)
        assert gradcheck(lambda z: z * z, z, check_forward_ad=True, check_backward_ad=False)

    def test_constants_and_empty_outputs(self, x):
        assert gradcheck(lambda x: rl.ones(2, dtype=rl.float64), x)
        assert gradcheck(lambda x: x[:0], x)


class TestWrong:
    def test_says_which_and_shows_both(self, x):
        with pytest.raises(GradcheckError) as caught:
            gradcheck(lambda a, b: (a * b, tripled(b)), (x, x.detach().clone().requires_grad_()))
        assert str(caught.value).replace("torch.", "").replace("rushlight.", "") == (
            "Jacobian mismatch for output 1 with respect to input 1,\n"
            "numerical:tensor([[2.0000, 0.0000, 0.0000],\n"
            "        [0.0000, 2.0000, 0.0000],\n"
            "        [0.0000, 0.0000, 2.0000]], dtype=float64)\n"
            "analytical:tensor([[3., 0., 0.],\n"
            "        [0., 3., 0.],\n"
            "        [0., 0., 3.]], dtype=float64)\n"
        )

    def test_false_instead_of_an_error(self, x):
        assert gradcheck(tripled, x, raise_exception=False) is False

    def test_complex(self, z):
        unconjugated = made(lambda ctx, x: x * 2j, lambda ctx, g: g * 2j)
        with pytest.raises(GradcheckError, match="While considering the imaginary part of complex outputs only,"):
            gradcheck(unconjugated, z)

    def test_forward_mode(self, x):
        wrong = made(lambda ctx, x: x * 2, lambda ctx, g: g * 2, jvp=staticmethod(lambda ctx, t: t * 3))
        assert gradcheck(wrong, x)
        with pytest.raises(GradcheckError, match="Jacobian computed with forward mode mismatch for output 0"):
            gradcheck(wrong, x, check_forward_ad=True)

    def test_second_derivative(self, x):
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        cut = made(forward, lambda ctx, g: g * 2 * ctx.saved_tensors[0].detach())
        assert gradcheck(cut, x)
        with pytest.raises(GradcheckError, match="Jacobian mismatch for output 0 with respect to input 0"):
            gradgradcheck(cut, x)

    def test_a_history_that_is_cut(self, x):
        with pytest.raises(GradcheckError, match="Numerical gradient for function expected to be zero"):
            gradcheck(lambda x: x.detach() * 2, x)

    def test_not_reentrant(self, x):
        calls = [0]

        def backward(ctx, g):
            calls[0] += 1
            return g * (2 + calls[0] * 1e-9)

        with pytest.raises(GradcheckError, match="Backward is not reentrant"):
            gradcheck(made(lambda ctx, x: x * 2, backward), x)
        assert gradcheck(made(lambda ctx, x: x * 2, backward), x, nondet_tol=1e-3)

    def test_not_multiplied_by_the_gradient(self):
        x = rl.tensor([1.0], dtype=rl.float64, requires_grad=True)
        with pytest.raises(GradcheckError, match="backward not multiplied by grad_output"):
            gradcheck(made(lambda ctx, x: x * 2, lambda ctx, g: g * 0 + 2), x)

    def test_inputs(self, x):
        with pytest.raises(ValueError, match="expects at least one input tensor to require gradient"):
            gradcheck(lambda x: x * 2, rl.ones(2))
        with pytest.warns(UserWarning, match="Input #0 requires gradient and is not a double precision"):
            gradcheck(lambda x: x * 2, x.detach().float().requires_grad_(), eps=1e-2, atol=1e-2)
        with pytest.raises(RuntimeError, match="The 0th input has a dimension with stride 0"):
            gradcheck(lambda x: x * 2, x[:1].expand(3))
