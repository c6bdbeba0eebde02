"""Linear algebra: identities that decompositions satisfy, refusals, and gradients against differences."""

import numpy as np
import pytest

import rushlight
from rushlight import autograd, core, linalg
from rushlight.ops.declare import REGISTRY

random = np.random.default_rng(0)


def tensor(*shape, dtype="float64", grad=False):
    array = random.normal(size=shape)
    if dtype.startswith("complex"):
        array = array + 1j * random.normal(size=shape)
    out = core.wrap(np.asarray(array, dtype=dtype))
    return out.requires_grad_() if grad else out


def close(a, b, atol=1e-10):
    a, b = (x.detach().numpy() if isinstance(x, core.TensorBase) else x for x in (a, b))
    np.testing.assert_allclose(a, b, atol=atol)


def adjoint(x):
    return np.conjugate(np.swapaxes(x.detach().numpy(), -2, -1))


def definite(*shape, dtype="float64"):
    x = tensor(*shape, dtype=dtype).numpy()
    return core.wrap(x @ np.conjugate(np.swapaxes(x, -2, -1)) + np.eye(shape[-1]))


def check_gradient(function, x, hermitian=False):
    """The gradient of a real loss of function(x), to first and second order, against central differences."""
    shape, dtype = x.numpy().shape, x.numpy().dtype
    x = x.detach().clone().requires_grad_()
    (grad,) = autograd.grad(function(x), x, create_graph=True)
    t, w = tensor(*shape, dtype=dtype.name).numpy(), tensor(*shape, dtype=dtype.name).numpy()
    if hermitian:
        t, w = t + np.conjugate(np.swapaxes(t, -2, -1)), w + np.conjugate(np.swapaxes(w, -2, -1))

    def slope(value, step=1e-6):
        shifted = [core.wrap(x.detach().numpy() + s * step * t) for s in (1, -1)]
        up, down = (value(y.requires_grad_()) for y in shifted)
        return (up - down) / (2 * step)

    def first(y):
        return float(function(y).detach().numpy())

    def second(y):
        (g,) = autograd.grad(function(y), y)
        return float((np.conjugate(g.numpy()) * w).sum().real)

    assert float((np.conjugate(grad.detach().numpy()) * t).sum().real) == pytest.approx(
        slope(first), rel=1e-5, abs=1e-6
    )
    weighted = grad * core.wrap(np.conjugate(w))
    total = weighted.real.sum() if dtype.kind == "c" else weighted.sum()
    if total.requires_grad:
        (hessian,) = autograd.grad(total, x)
        got = float((np.conjugate(hessian.numpy()) * t).sum().real)
        assert got == pytest.approx(slope(second), rel=1e-4, abs=1e-5)


def weighed(*parts):
    """A real number that depends on every element of the parts, and not on the phases of their products' factors."""
    total = 0
    for part in parts:
        weight = np.random.default_rng(1).normal(size=part.shape)
        part = part * part.conj() if part.dtype.is_complex else part * part
        total = total + ((part.real if part.dtype.is_complex else part) * core.wrap(weight)).sum()
    return total


DTYPES = pytest.mark.parametrize("dtype", ["float64", "complex128"])

# -- identities


@DTYPES
@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3), (0, 0), (0, 3, 3)])
def test_inverse_and_solution(shape, dtype):
    a, b = tensor(*shape, dtype=dtype), tensor(*shape[:-1], 2, dtype=dtype)
    close(a @ linalg.inv(a), np.broadcast_to(np.eye(shape[-1]), shape))
    close(a @ linalg.solve(a, b), b)
    close(linalg.solve(a, adjoint_tensor(b), left=False) @ a, adjoint_tensor(b))


def adjoint_tensor(x):
    return core.wrap(adjoint(x).copy())


@DTYPES
@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("unitriangular", [True, False])
def test_triangular_solution_reads_one_triangle(upper, unitriangular, dtype):
    a, b = tensor(2, 4, 4, dtype=dtype), tensor(4, 3, dtype=dtype)
    triangle = (np.triu if upper else np.tril)(a.numpy())
    if unitriangular:
        triangle[:, range(4), range(4)] = 1
    out = linalg.solve_triangular(a, b, upper=upper, unitriangular=unitriangular)
    close(triangle @ out.numpy(), np.broadcast_to(b.numpy(), (2, 4, 3)))


def test_a_zero_on_a_triangles_diagonal_divides_by_zero():
    out = linalg.solve_triangular(rushlight.zeros(2, 2), rushlight.ones(2, 1), upper=True)
    assert not np.isfinite(out.numpy()).all()


@DTYPES
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (3, 3), (0, 3), (3, 0)])
def test_decompositions_multiply_back(shape, dtype):
    a = tensor(*shape, dtype=dtype)
    q, r = linalg.qr(a)
    close(q @ r, a)
    u, s, vh = linalg.svd(a, full_matrices=False)
    close(
        u * s.unsqueeze(-2) @ vh if dtype == "float64" else (u.numpy() * s.numpy()[..., None, :]) @ vh.numpy(),
        a,
    )
    p, lower, upper = linalg.lu(a)
    close(p @ lower @ upper, a)
    close(a @ linalg.pinv(a) @ a, a)


@DTYPES
def test_hermitian_decompositions_multiply_back(dtype):
    a = definite(2, 4, 4, dtype=dtype)
    lower = linalg.cholesky(a)
    close(lower.numpy() @ adjoint(lower), a)
    upper = linalg.cholesky(a, upper=True)
    close(adjoint(upper) @ upper.numpy(), a)
    values, vectors = linalg.eigh(a)
    close((vectors.numpy() * values.numpy()[..., None, :]) @ adjoint(vectors), a)
    b = tensor(4, 2, dtype=dtype)
    close(a @ rushlight.cholesky_solve(b, lower), np.broadcast_to(b.numpy(), (2, 4, 2)))


@DTYPES
def test_eigenvectors_are_stretched(dtype):
    a = tensor(2, 4, 4, dtype=dtype)
    values, vectors = linalg.eig(a)
    assert values.dtype == vectors.dtype == rushlight.complex128
    close(a.numpy() @ vectors.numpy(), vectors.numpy() * values.numpy()[..., None, :])


def test_eigenvalues_in_single_precision():
    a = core.wrap(np.random.default_rng(4).normal(size=(2, 6, 6)))
    single = a.float()
    values, vectors = linalg.eig(single)
    assert values.dtype == vectors.dtype == linalg.eigvals(single).dtype == rushlight.complex64
    np.testing.assert_allclose(
        single.numpy() @ vectors.numpy(), vectors.numpy() * values.numpy()[..., None, :], atol=1e-5
    )
    np.testing.assert_allclose(np.sort(linalg.eigvals(single).numpy()), np.sort(linalg.eigvals(a).numpy()), atol=1e-5)
    with pytest.raises(RuntimeError, match="should not contain infs or NaNs"):
        linalg.eig(single / 0)


@DTYPES
@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("adjoint_too", [True, False])
def test_lu_solve_solves_with_the_factor(left, adjoint_too, dtype):
    a, b = tensor(2, 3, 3, dtype=dtype), tensor(2, 3, 3, dtype=dtype)
    x = linalg.lu_solve(*linalg.lu_factor(a), b, left=left, adjoint=adjoint_too).numpy()
    system = adjoint(a) if adjoint_too else a.numpy()
    close(system @ x if left else x @ system, b)


def test_pivots_count_from_one_and_unpack():
    a = core.wrap(np.array([[1.0, 2.0], [3.0, 4.0]]))
    packed, pivots = linalg.lu_factor(a)
    assert pivots.tolist() == [2, 2]
    assert pivots.dtype == rushlight.int32
    p, lower, upper = rushlight.lu_unpack(packed, pivots)
    close(p @ lower @ upper, a)


def test_determinants():
    a = tensor(2, 3, 3)
    close(linalg.det(a), np.linalg.det(a.numpy()))
    sign, logabsdet = linalg.slogdet(a)
    close(sign.numpy() * np.exp(logabsdet.numpy()), np.linalg.det(a.numpy()))
    assert np.isnan(rushlight.logdet(core.wrap(-np.eye(3))).item())
    assert rushlight.logdet(rushlight.zeros(2, 2)).item() == -np.inf


def test_least_squares_of_low_rank_is_the_smallest():
    a = core.wrap(np.ones((3, 2)))
    out = linalg.lstsq(a, core.wrap(np.ones((3, 1))))
    close(out.solution, [[0.5], [0.5]])
    assert out.rank.item() == 1


def test_least_squares_gives_residuals_and_singular_values_by_driver():
    a, b = tensor(5, 2), tensor(5, 3)
    out = linalg.lstsq(a, b, driver="gelsd")
    want = np.linalg.lstsq(a.numpy(), b.numpy(), rcond=None)
    for got, expected in zip(out, want):
        close(got, expected)


def test_matrix_functions():
    a = tensor(2, 3, 3)
    close(linalg.matrix_power(a, 5), np.linalg.matrix_power(a.numpy(), 5))
    close(linalg.matrix_power(a, -2), np.linalg.matrix_power(a.numpy(), -2), atol=1e-8)
    close(linalg.matrix_power(a, 0), np.broadcast_to(np.eye(3), (2, 3, 3)))
    turn = core.wrap(np.array([[0.0, -1.0], [1.0, 0.0]]) * np.pi / 2)
    close(linalg.matrix_exp(turn), [[0, -1], [1, 0]])
    close(linalg.matrix_exp(core.wrap(np.diag([1.0, 10.0]))), np.diag(np.exp([1.0, 10.0])))
    assert linalg.matrix_rank(core.wrap(np.ones((3, 4)))).item() == 1
    close(linalg.vander(core.wrap(np.array([2.0, 3.0])), N=3), [[1, 2, 4], [1, 3, 9]])


@pytest.mark.parametrize("size", [0.1, 1.0, 2.2, 5.0, 17.5])
def test_exponentials_of_float32_are_as_exact_as_their_rounding(size):
    x = np.random.default_rng(0).uniform(0, 1, (4, 12, 12))
    x *= size / np.abs(x).sum(-2).max()
    short = x.astype(np.float32)
    want = linalg.matrix_exp(core.wrap(short.astype(np.float64)))._array
    found = linalg.matrix_exp(core.wrap(short))._array
    assert found.dtype == np.float32
    assert np.abs(found - want).max() <= 1e-7 * np.abs(want).max()


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_norms_and_conditions_agree_with_numpy(ord):
    a = tensor(3, 3)
    close(linalg.matrix_norm(a, ord), np.linalg.norm(a.numpy(), ord))
    close(linalg.norm(a, ord), np.linalg.norm(a.numpy(), ord))
    close(linalg.cond(a, ord), np.linalg.cond(a.numpy(), ord), atol=1e-8)
    kept = linalg.matrix_norm(tensor(3, 2, 4), ord, dim=(2, 0), keepdim=True)
    assert kept.shape == (1, 2, 1)


def test_the_condition_of_a_singular_matrix_is_infinite():
    assert linalg.cond(rushlight.ones(2, 2), "fro").item() == np.inf


def test_householder_reflections_make_q():
    a = tensor(4, 3).numpy()
    packed, tau = np.linalg.qr(a, mode="raw")
    close(linalg.householder_product(core.wrap(packed.T.copy()), core.wrap(tau)), np.linalg.qr(a)[0])


def test_tensors_as_maps():
    a, b = tensor(2, 3, 6), tensor(2, 3)
    x = linalg.tensorsolve(a, b)
    close(np.tensordot(a.numpy(), x.numpy(), x.ndim), b)
    close(np.tensordot(linalg.tensorinv(a).numpy(), b.numpy(), 2), x)


# -- gradients


CASES = {
    "inv": lambda x: weighed(linalg.inv(x)),
    "det": lambda x: weighed(linalg.det(x)),
    "slogdet": lambda x: weighed(linalg.slogdet(x).logabsdet),
    "solve": lambda x: weighed(linalg.solve(x, x[..., :2])),
    "solve_triangular": lambda x: weighed(linalg.solve_triangular(x, x, upper=True, left=False)),
    "pinv": lambda x: weighed(linalg.pinv(x[..., :2])),
    "matrix_exp": lambda x: weighed(linalg.matrix_exp(x)),
    "qr": lambda x: weighed(*linalg.qr(x)),
    "qr of a wide matrix": lambda x: weighed(*linalg.qr(x[..., :2, :])),
    "qr of a tall matrix": lambda x: weighed(*linalg.qr(x[..., :2])),
    "svd": lambda x: weighed(*linalg.svd(x)),
    "svd of a wide matrix": lambda x: weighed(*linalg.svd(x[..., :2, :], full_matrices=False)),
    "svd of a tall matrix": lambda x: weighed(*linalg.svd(x[..., :2], full_matrices=False)),
    "eig": lambda x: weighed(*linalg.eig(x)),
    "lu": lambda x: weighed(*linalg.lu(x)[1:]),
    "lu of a wide matrix": lambda x: weighed(*linalg.lu(x[..., :2, :])[1:]),
    "lu of a tall matrix": lambda x: weighed(*linalg.lu(x[..., :2])[1:]),
    "matrix_power": lambda x: weighed(linalg.matrix_power(x, -3)),
    "lstsq": lambda x: weighed(linalg.lstsq(x[..., :2], x[..., 2:]).solution),
}


@DTYPES
@pytest.mark.parametrize("name", CASES)
def test_gradients(name, dtype):
    x = tensor(3, 3, dtype=dtype).numpy()
    check_gradient(CASES[name], core.wrap(x + 3 * np.diag([1.0, 2.0, 3.0])))


@DTYPES
@pytest.mark.parametrize(
    "function",
    [
        lambda x: weighed(linalg.cholesky(x)),
        lambda x: weighed(linalg.cholesky(x, upper=True)),
        lambda x: weighed(*linalg.eigh(x)),
        lambda x: weighed(linalg.pinv(x, hermitian=True)),
    ],
    ids=["cholesky", "upper cholesky", "eigh", "pinv"],
)
def test_hermitian_gradients(function, dtype):
    check_gradient(function, definite(3, 3, dtype=dtype), hermitian=True)


def test_a_determinant_differentiates_at_a_singular_matrix():
    x = core.wrap(np.array([[1.0, 2.0], [2.0, 4.0]])).requires_grad_()
    linalg.det(x).backward()
    close(x.grad, [[4.0, -2.0], [-2.0, 1.0]])


# -- refusals


@pytest.mark.parametrize(
    "call, sentence",
    [
        (
            lambda: linalg.inv(rushlight.ones(2, 2)),
            "linalg.inv: The diagonal element 2 is zero, the inversion could not be completed because the input "
            "matrix is singular.",
        ),
        (
            lambda: linalg.inv(core.wrap(np.stack([np.eye(2), np.zeros((2, 2))]))),
            "linalg.inv: (Batch element 1): The diagonal element 1 is zero, the inversion could not be "
            "completed because "
            "the input matrix is singular.",
        ),
        (
            lambda: linalg.solve(rushlight.ones(2, 2), rushlight.ones(2)),
            "torch.linalg.solve: The solver failed because the input matrix is singular.",
        ),
        (
            lambda: linalg.cholesky(core.wrap(np.diag([1.0, -1.0]))),
            "linalg.cholesky: The factorization could not be completed because the input is not "
            "positive-definite (the "
            "leading minor of order 2 is not positive-definite).",
        ),
        (
            lambda: linalg.svd(core.wrap(np.full((2, 2), np.nan))),
            "linalg.svd: The algorithm failed to converge because the input matrix contained non-finite values.",
        ),
    ],
    ids=["inv", "batched inv", "solve", "cholesky", "svd"],
)
def test_numbers_that_do_not_allow_it(call, sentence):
    with pytest.raises(linalg.LinAlgError) as error:
        call()
    assert str(error.value) == sentence
    assert isinstance(error.value, RuntimeError)


@pytest.mark.parametrize(
    "call, kind, sentence",
    [
        (
            lambda: linalg.inv(rushlight.ones(2, 3)),
            RuntimeError,
            "linalg.inv: A must be batches of square matrices, but they are 2 by 3 matrices",
        ),
        (
            lambda: linalg.det(rushlight.ones(2)),
            RuntimeError,
            "linalg.det: The input tensor A must have at least 2 dimensions.",
        ),
        (
            lambda: linalg.inv(rushlight.ones(2, 2).long()),
            RuntimeError,
            "linalg.inv: Expected a floating point or complex tensor as input. Got Long",
        ),
        (
            lambda: linalg.inv(rushlight.ones(2, 2).half()),
            RuntimeError,
            "linalg.inv: Low precision dtypes not supported. Got Half",
        ),
        (
            lambda: linalg.solve(rushlight.eye(2), rushlight.ones(3)),
            RuntimeError,
            "linalg.solve: Incompatible shapes of A and B for the equation AX = B (2x2 and 3x1)",
        ),
        (
            lambda: linalg.qr(rushlight.ones(2, 2), "full"),
            RuntimeError,
            "qr received unrecognized mode 'full' but expected one of 'reduced' (default), 'r', or 'complete'",
        ),
        (
            lambda: linalg.matrix_norm(rushlight.ones(2, 2), 3),
            RuntimeError,
            "linalg.matrix_norm: Order 3 not supported.",
        ),
        (
            lambda: linalg.matrix_power(rushlight.eye(2), 0.5),
            TypeError,
            "linalg_matrix_power(): argument 'n' (position 2) must be int, not float",
        ),
    ],
    ids=["not square", "a vector", "integers", "half", "solve", "qr", "norm", "power"],
)
def test_wrong_arguments(call, kind, sentence):
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    "function, sentence",
    [
        (
            lambda x: linalg.qr(x[:, :2], mode="complete").R,
            "not differentiable when mode='complete' and nrows > ncols",
        ),
        (lambda x: linalg.qr(x, mode="r").R, "depends on Q, which is not computed when mode='r'"),
    ],
    ids=["complete", "r"],
)
def test_what_qr_cannot_differentiate(function, sentence):
    x = tensor(3, 3, grad=True)
    with pytest.raises(RuntimeError, match=sentence):
        function(x).sum().backward()


def test_losses_must_not_depend_on_phases():
    x = tensor(3, 3, dtype="complex128", grad=True)
    with pytest.raises(RuntimeError, match="specified up to multiplication by e"):
        linalg.svd(x).U.real.sum().backward()


def test_info_tells_which_matrix_failed():
    both = core.wrap(np.stack([np.eye(2), np.ones((2, 2))]))
    inverse, info = linalg.inv_ex(both)
    assert info.tolist() == [0, 2]
    close(inverse[0], np.eye(2))
    lower, info = linalg.cholesky_ex(core.wrap(np.stack([np.eye(2), -np.eye(2)])))
    assert info.tolist() == [0, 1]
    close(lower[0], np.eye(2))


def test_kernels_of_decompositions_as_their_meanings():
    from rushlight.ops import decompose, ldl, linalg

    random = np.random.default_rng(5)
    for shape in ((4, 3), (3, 4), (2, 5, 5)):
        x = random.standard_normal(shape)
        for mode in ("reduced", "complete", "r"):
            for found, expected in zip(
                decompose.qr.compute([x], {"mode": mode}), decompose.qr.forward(x, mode=mode), strict=True
            ):
                np.testing.assert_allclose(found, expected, atol=1e-12)
    x = random.standard_normal((6, 4, 4))
    x[1, 0], x[2, 1] = 0, x[2, 2]
    np.testing.assert_allclose(linalg.cofactor.compute([x], {}), linalg.cofactor.forward(x), atol=1e-9)
    # Exchanges of rows, a block of two among them.
    pivots = np.array([[3, -4, -4, 4, 5], [1, 2, 3, 4, 5]], np.int32)
    for found, expected in zip(ldl.ldl_layout.compute([pivots], {}), ldl.ldl_layout.forward(pivots), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_what_numpy_fails_at_is_not_taken_for_sizes():
    op = REGISTRY["lstsq"]
    kept = op.kernel, op.fast
    op.kernel = op.fast = None
    try:
        with pytest.raises(np.linalg.LinAlgError, match="converge"):
            op(rushlight.full((2, 2), float("nan")), rushlight.ones(2, 3), rcond=0.0)
    finally:
        op.kernel, op.fast = kept


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [1, 2, 7, 24, 25])
def test_cholesky_of_many_small_matrices(n, dtype):
    a = random.normal(size=(3, 5, n, n)).astype(dtype)
    x = a @ a.swapaxes(-1, -2) + np.eye(n, dtype=dtype) * n
    upper = np.triu(np.full((n, n), np.nan, dtype), 1)
    got = linalg.cholesky(core.wrap(x + np.where(np.isnan(upper), 99, 0).astype(dtype))).numpy()
    # Only the lower triangle is read.
    np.testing.assert_allclose(
        got, np.linalg.cholesky(x), rtol=1e-5 if dtype == "float32" else 1e-11, atol=1e-5 * (dtype == "float32")
    )
    assert not np.triu(got, 1).any()
    x[1, 2] = -x[1, 2]
    with pytest.raises(
        linalg.LinAlgError, match=r"linalg.cholesky: \(Batch element 7\): .* order 1 is not positive-definite"
    ):
        linalg.cholesky(core.wrap(x))
    _, info = linalg.cholesky_ex(core.wrap(x))
    assert info[1, 2] == 1
    assert info.sum() == 1


@pytest.mark.parametrize("dtype", [rushlight.float32, rushlight.float64])
@pytest.mark.parametrize("n", [320, 321, 700])
def test_large_cholesky_factors_and_inverses_are_those_of_lapack(n, dtype):
    """They go by rows and halves from 320 on; conditions of about 10 leave some units in the last place."""
    rushlight.manual_seed(n)
    x = rushlight.randn(n, n, dtype=rushlight.float64)
    x = x @ x.T / n + rushlight.eye(n, dtype=rushlight.float64)
    lower, inverse = np.linalg.cholesky(x.numpy()), np.linalg.inv(x.numpy())
    near = {"rtol": 0, "atol": 3e-6 if dtype is rushlight.float32 else 1e-14}
    factor = rushlight.linalg.cholesky(x.to(dtype) + rushlight.ones(n, n, dtype=dtype).triu(1))
    np.testing.assert_allclose(factor.numpy(), lower, **near)
    np.testing.assert_allclose(rushlight.cholesky_inverse(factor).numpy(), inverse, **near)
    np.testing.assert_allclose(rushlight.cholesky_inverse(factor.mT, upper=True).numpy(), inverse, **near)
    with pytest.raises(rushlight.linalg.LinAlgError, match=f"leading minor of order {n} is not positive-definite"):
        rushlight.linalg.cholesky(x - 10 * rushlight.eye(n)[-1:] * rushlight.eye(n)[-1:].mT)
