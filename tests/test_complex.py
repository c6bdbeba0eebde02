"""Complex tensors: derivatives against differences, what may be mixed with what, and what is refused."""

import warnings

import numpy as np
import pytest

import rushlight as rl
from complex_cases import CASES
from rushlight.autograd import grad, gradcheck, gradgradcheck


@pytest.fixture
def x():
    return rl.tensor([1.0, 1.5, 2.0], dtype=rl.float64, requires_grad=True)


@pytest.fixture
def z():
    return rl.tensor([1 + 2j, 3 - 1j, 0.5 + 0.5j], dtype=rl.complex128, requires_grad=True)


@pytest.mark.parametrize("case", CASES, ids=repr)
class TestAgainstDifferences:
    def of(self, case):
        def func(*inputs):
            out = case.func(rl, *inputs)
            return tuple(out) if isinstance(out, (tuple, list)) else out

        return func, tuple([rl.tensor(array, requires_grad=True) for array in case.arrays()])

    def test_first_order(self, case):
        func, inputs = self.of(case)
        assert gradcheck(func, inputs, check_forward_ad=True)

    def test_second_order(self, case):
        func, inputs = self.of(case)
        outputs = func(*inputs)
        if any(out.requires_grad for out in (outputs if isinstance(outputs, tuple) else (outputs,))):
            assert gradgradcheck(func, inputs, fast_mode=True, check_fwd_over_rev=True)


class TestConvention:
    """The gradient of a real number by z = x + iy is d/dx + i d/dy."""

    def test_of_a_real_function(self, z):
        (z.abs() ** 2).sum().backward()
        assert rl.allclose(z.grad, 2 * z.detach())

    def test_descends(self, z):
        for _ in range(200):
            (g,) = grad(((z - (1 + 1j)).abs() ** 2).sum(), z)
            z = (z - 0.1 * g).detach().requires_grad_()
        assert rl.allclose(z.detach(), rl.full_like(z.detach(), 1 + 1j))

    def test_of_a_holomorphic_function_it_is_the_conjugate(self, z):
        (g,) = grad((z**3).sum(), z, rl.tensor(1 + 0j, dtype=rl.complex128))
        assert rl.allclose(g, (3 * z**2).conj())

    def test_forward_mode_does_not_conjugate(self, z):
        fw = rl.autograd.forward_ad
        with fw.dual_level():
            out = fw.make_dual(z.detach(), rl.full_like(z.detach(), 1j)) ** 2
            assert rl.allclose(fw.unpack_dual(out).tangent, 2j * z.detach())

    def test_real_operands_have_real_gradients(self, x, z):
        (x * z).sum().backward(rl.tensor(1 + 0j, dtype=rl.complex128))
        assert x.grad.dtype is rl.float64
        assert rl.allclose(x.grad, z.detach().real)
        assert z.grad.dtype is rl.complex128
        assert rl.allclose(z.grad, x.detach() + 0j)

    def test_narrower_operands_too(self, z):
        w = rl.tensor([1j, 2, 3], dtype=rl.complex64, requires_grad=True)
        (w * z).abs().sum().backward()
        assert w.grad.dtype is rl.complex64

    def test_zero_has_a_gradient_of_zero(self):
        zero = rl.zeros(1, dtype=rl.complex128, requires_grad=True)
        for function in (rl.abs, rl.angle, rl.sgn, rl.linalg.vector_norm):
            (g,) = grad(function(zero).sum().abs(), zero)
            assert g.item() == 0

    def test_no_minus_before_zero(self, z):
        (z * 2)[0].backward(rl.tensor(1 + 0j, dtype=rl.complex128))
        assert not np.signbit(z.grad.numpy().imag).any()
        assert str(z.grad).startswith("tensor([2.+0.j, 0.+0.j, 0.+0.j]")

    def test_hooks_see_the_same(self, z):
        z.register_hook(lambda g: g * 1j)
        (z * 2).real.sum().backward()
        assert z.grad.tolist() == [2j, 2j, 2j]


class TestRefusals:
    def test_complex_outputs_need_a_gradient(self, z):
        message = r"^grad can be implicitly created only for real scalar outputs but got rushlight\.complex128"
        with pytest.raises(RuntimeError, match=message):
            z.sum().backward()
        with pytest.raises(RuntimeError, match=message):
            grad(z.sum(), z)
        with pytest.raises(RuntimeError, match=r"rushlight\.complex64"):
            rl.ones(1, dtype=rl.complex64, requires_grad=True).backward()
        with pytest.raises(RuntimeError, match=r"^grad can be implicitly created only for scalar outputs"):
            z.backward()

    def test_gradients_of_another_kind(self, x, z):
        with pytest.raises(
            RuntimeError, match=r"^For complex Tensors, both grad_output and output are required to have"
        ):
            z.backward(rl.ones(3, dtype=rl.float64))
        with pytest.raises(
            RuntimeError, match=r"^For complex Tensors, both grad_output and output are required to have"
        ):
            x.backward(rl.ones(3, dtype=rl.complex128))
        with pytest.raises(
            RuntimeError, match=r"^attempting to assign a gradient with dtype 'float' to a tensor with grad"
        ):
            z.grad = rl.ones(3)
        z.backward(rl.ones(3, dtype=rl.complex64))
        assert z.grad.dtype is rl.complex128

    @pytest.mark.parametrize("function", ["jacobian", "hessian", "vjp"])
    def test_jacobians_of_complex_outputs(self, function, z):
        with pytest.raises(RuntimeError, match=r"^grad can be implicitly created only for real scalar outputs but got"):
            getattr(rl.autograd.functional, function)(lambda z: (z * z).sum(), z)

    def test_custom_functions(self, x, z):
        class Real(rl.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def backward(ctx, g):
                return g.real

        Real.apply(z).abs().sum().backward()
        assert z.grad.dtype is rl.complex128
        assert not z.grad.imag.any()

        class Complex(Real):
            @staticmethod
            def backward(ctx, g):
                return g * 1j

        with pytest.raises(RuntimeError, match="returned an invalid gradient at index 0"):
            Complex.apply(x).sum().backward()

    @pytest.mark.parametrize(
        "call",
        [
            lambda z: z < z, lambda z: z.max(), lambda z: z.sort(), lambda z: z.floor(), lambda z: z.clamp(0, 1),
            lambda z: rl.relu(z), lambda z: z.sign(), lambda z: z.median(), lambda z: z.topk(1), lambda z: z.abs_(),
            lambda z: rl.softmax(z, 0), lambda z: rl.nn.functional.relu6(z), lambda z: rl.threshold(z, 0, 1),
            lambda z: rl.nn.functional.hardtanh(z), lambda z: rl.nn.functional.mse_loss(z, z), lambda z: rl.fmod(z, z),
            lambda z: rl.nn.functional.kl_div(z, z, reduction="sum"), lambda z: rl.maximum(z, z), lambda z: float(z[0]),
            lambda z: rl.nn.functional.binary_cross_entropy_with_logits(z, z), lambda z: rl.atan2(z, z),
            lambda z: z.scatter_reduce(0, rl.zeros(3, dtype=rl.int64), z, "amax"), lambda z: int(z[0]),
            lambda z: rl.nn.functional.layer_norm(z, (3,)), lambda z: rl.view_as_complex(z), lambda z: rl.complex(z, z),
            lambda z: rl.ones(3).mul_(z), lambda z: rl.ones(3).fill_(1j), lambda z: rl.ones(3).imag, lambda z: z.erf(),
        ],
    )  # fmt: skip
    def test_what_needs_an_order(self, call, z):
        with pytest.raises((RuntimeError, NotImplementedError)):
            call(z.detach())


class TestGauge:
    """Vectors are known up to a phase; a loss that depends on it has no gradient."""

    matrix = np.random.default_rng(0).normal(size=(3, 3)) + 1j * np.random.default_rng(1).normal(size=(3, 3))

    @pytest.mark.parametrize(
        ("loss", "name"),
        [
            (lambda a: rl.linalg.eig(a)[1].sum().abs(), "linalg_eig_backward: The eigenvectors"),
            (lambda a: rl.linalg.eigh(a)[1].real.sum(), "linalg_eigh_backward: The eigenvectors"),
            (lambda a: rl.linalg.svd(a)[0].real.sum(), "svd_backward: The singular vectors"),
        ],
    )
    def test_told(self, loss, name):
        a = rl.tensor(self.matrix, requires_grad=True)
        with pytest.raises(RuntimeError, match=f"^{name} in the complex case are specified up to multiplication by e"):
            loss(a).backward()


class TestViews:
    def test_conjugation_is_done_at_once(self, z):
        assert not z.conj().is_conj()
        assert z.conj().resolve_conj().tolist() == [1 - 2j, 3 + 1j, 0.5 - 0.5j]
        assert rl.ones(2).conj().tolist() == [1, 1]
        (z.conj() * 1j).real.sum().backward()
        assert z.grad.tolist() == [1j, 1j, 1j]

    def test_transposes(self):
        a = rl.tensor([[1j, 2.0], [3.0, 4j]], requires_grad=True)
        assert a.H.tolist() == a.mH.tolist() == a.adjoint().tolist() == [[-1j, 3], [2, -4j]]
        (a.H[0, 1] * 1j).real.backward()
        assert a.grad.tolist() == [[0, 0], [1j, 0]]
        with pytest.raises(RuntimeError):
            rl.ones(2, 2, 2).H  # noqa: B018

    def test_parts_are_views(self, z):
        a = z.detach().clone()
        a.real.add_(1)
        a.imag[0] = 7
        assert a.tolist() == [2 + 7j, 4 - 1j, 1.5 + 0.5j]
        assert a.real._base is a
        real = rl.ones(2)
        assert real.real is real
        with pytest.raises(RuntimeError, match=r"^imag is not implemented for tensors with non-complex dtypes"):
            real.imag  # noqa: B018

    def test_parts_may_be_set(self):
        a = rl.zeros(2, dtype=rl.complex64)
        a.real = rl.tensor([1.0, 2.0])
        a.imag = 3
        assert a.tolist() == [1 + 3j, 2 + 3j]
        with pytest.raises(RuntimeError, match=r"^imag is not implemented for tensors with non-complex dtypes"):
            rl.ones(2).imag = rl.ones(2)

    def test_setting_a_part_is_recorded(self, z):
        real = rl.tensor([5.0, 6.0, 7.0], dtype=rl.float64, requires_grad=True)
        y = z * 1
        y.real = real * real
        (y * y).real.sum().backward()
        assert rl.allclose(real.grad, 4 * real.detach() ** 3)
        assert rl.allclose(z.grad, -2j * z.detach().imag)

    def test_leaves_refuse_it(self, z):
        with pytest.raises(
            RuntimeError, match="a view of a leaf Variable that requires grad is being used in an in-place"
        ):
            z.real = rl.zeros(3)


class TestInPlace:
    def test_real_into_complex(self, z):
        y = z * 1
        y += rl.ones(3)
        y.mul_(2j)
        y[0] = 1j
        y[1:2] = rl.ones(1)
        y.abs().sum().backward()
        last = (z.detach()[2] + 1) * 2j
        assert rl.allclose(z.grad[2], last / last.abs() * -2j)
        assert z.grad[:2].tolist() == [0, 0]

    def test_complex_into_real(self, x, z):
        with pytest.raises(RuntimeError, match=r"^result type Complex"):
            rl.ones(3).add_(z.detach())
        real = rl.zeros(3, dtype=rl.float64)
        with pytest.warns(UserWarning, match="Casting complex values to real discards the imaginary part"):
            real.copy_(z)
        (real * 2).sum().backward()
        assert z.grad.tolist() == [2, 2, 2]

    def test_conversion(self, x, z):
        with pytest.warns(UserWarning, match="discards the imaginary part"):
            z.to(rl.float64).sum().backward()
        assert z.grad.tolist() == [1, 1, 1]
        (x.to(rl.complex128) * 2j).imag.sum().backward()
        assert x.grad.tolist() == [2, 2, 2]

    def test_numbers(self):
        assert complex(rl.tensor(1 + 2j)) == 1 + 2j
        assert float(rl.tensor(2 + 0j)) == 2
        assert int(rl.tensor(2 + 0j)) == 2
        with pytest.raises(RuntimeError, match=r"^value cannot be converted to type double without overflow"):
            float(rl.tensor(1 + 2j))


class TestAccuracy:
    def test_small_numbers(self):
        small = rl.tensor([1e-10 + 1e-12j, -1e-9 + 1e-9j], dtype=rl.complex128)
        assert np.allclose(rl.log1p(small).numpy(), small.numpy() - small.numpy() ** 2 / 2, rtol=1e-12)

    def test_whole_and_half_powers(self):
        z = rl.tensor([-1, -4, 1j], dtype=rl.complex128)
        assert (z**0.5)[:2].tolist() == [1j, 2j]
        assert (z**2).tolist() == [1, 16, -1]
        assert (z**-1).tolist() == [-1, -0.25, -1j]


OPTIMIZERS = [
    ("SGD", {}), ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}), ("SGD", {"maximize": True}),
    ("Adam", {}), ("Adam", {"amsgrad": True, "weight_decay": 0.1}), ("AdamW", {}),
]  # fmt: skip


def descended(t, name, options, dtype):
    z = t.tensor([1 + 2j, 3 - 1j], dtype=dtype, requires_grad=True)
    optimizer = getattr(t.optim, name)([z], lr=0.1, **options)
    for _ in range(5):
        optimizer.zero_grad()
        ((z * z).abs().sum() + z.angle().sum()).backward()
        optimizer.step()
    return z.detach().numpy()


class TestOptimizers:
    @pytest.mark.parametrize(("name", "options"), OPTIMIZERS)
    def test_as_if_the_parts_were_parameters(self, name, options):
        z = rl.tensor([1 + 2j, 3 - 1j], dtype=rl.complex128)
        parts = rl.view_as_real(z.clone()).requires_grad_()
        optimizer = getattr(rl.optim, name)([parts], lr=0.1, **options)
        for _ in range(5):
            optimizer.zero_grad()
            w = rl.view_as_complex(parts)
            ((w * w).abs().sum() + w.angle().sum()).backward()
            optimizer.step()
        found = descended(rl, name, options, rl.complex128)
        assert np.allclose(found, rl.view_as_complex(parts.detach()).numpy())

    @pytest.mark.parity
    @pytest.mark.parametrize(("name", "options"), OPTIMIZERS)
    def test_parity(self, name, options):
        torch = pytest.importorskip("torch")
        expected = descended(torch, name, options, torch.complex128)
        assert np.allclose(descended(rl, name, options, rl.complex128), expected, rtol=1e-10)


def messages(t):
    """What each of these says, up to the names of the libraries."""
    z = t.tensor([1 + 2j, 3 - 1j], requires_grad=True)
    x = t.ones(2, requires_grad=True)
    calls = [
        lambda: z.sum().backward(), lambda: z.backward(), lambda: z.backward(t.ones(2)), lambda: x.imag,
        lambda: x.backward(t.ones(2, dtype=t.complex64)), lambda: z < z, lambda: z.detach().max(),
        lambda: z.detach().abs_(), lambda: t.relu(z), lambda: z.sign(), lambda: z.floor(), lambda: float(z[0].detach()),
        lambda: t.view_as_real(t.ones(2)), lambda: t.view_as_complex(t.ones(2, 3)), lambda: t.nn.functional.relu6(z),
        lambda: t.complex(t.ones(2), t.ones(2, dtype=t.float64)), lambda: t.ones(2).add_(z.detach()),
        lambda: t.autograd.functional.jacobian(lambda z: z * z, z), lambda: t.nn.functional.mse_loss(z, z),
        lambda: t.threshold(z, 0, 1), lambda: t.nn.functional.kl_div(z, z, reduction="sum"), lambda: x @ z.detach(),
        lambda: z.detach().scatter_reduce(0, t.tensor([0, 0]), z.detach(), "amax"), lambda: t.ones(2).fill_(1j),
    ]  # fmt: skip
    found = []
    for call in calls:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                call()
                found.append(None)
            except Exception as error:
                found.append(f"{type(error).__name__}: {error}".replace("rushlight.", "torch."))
    return found


@pytest.mark.parity
def test_messages():
    torch = pytest.importorskip("torch")
    for mine, theirs in zip(messages(rl), messages(torch)):
        assert mine is not None
        assert mine.startswith(theirs.removesuffix("."))
