"""Decompositions in packed form (LU, LDL, QR), what is made of them, and LAPACK's answers beside NumPy's."""

import warnings
from importlib.util import find_spec

import numpy as np
import pytest

import rushlight
from rushlight import autograd, linalg
from rushlight.kernels import load
from rushlight.ops.declare import REGISTRY

random = np.random.default_rng(0)
DTYPES = ("float32", "float64", "complex64", "complex128")


needs_lapack = pytest.mark.skipif(
    load("solve") is None and find_spec("scipy") is None, reason="LDL decompositions need the kernels, or SciPy"
)


def array(*shape, dtype="float64"):
    x = random.standard_normal(shape)
    if dtype.startswith("complex"):
        x = x + 1j * random.standard_normal(shape)
    return x.astype(dtype)


def tensor(*shape, dtype="float64"):
    return rushlight.from_numpy(array(*shape, dtype=dtype))


def near(a, b, dtype="float64"):
    a, b = (x.detach().numpy() if hasattr(x, "detach") else x for x in (a, b))
    allowed = 1e-3 if dtype in ("float32", "complex64") else 1e-9
    np.testing.assert_allclose(a, b, atol=allowed, rtol=allowed)


def regular(*shape, dtype="float64"):
    return array(*shape, dtype=dtype) + 3 * np.eye(shape[-1], dtype=dtype)


# -- against NumPy, in sizes that our own loops and LAPACK take


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [3, 70])
@pytest.mark.parametrize("order", ["C", "F"])
def test_equations_of_any_size_dtype_and_layout(dtype, n, order):
    a, b = regular(2, n, n, dtype=dtype) * 3, array(2, n, 2, dtype=dtype)
    laid = a if order == "C" else np.swapaxes(np.swapaxes(a, -1, -2).copy(), -1, -2)
    A, B = rushlight.from_numpy(laid), rushlight.from_numpy(b)
    near(linalg.solve(A, B), np.linalg.solve(a, b), dtype)
    near(linalg.solve(A[0], B), np.linalg.solve(a[:1], b), dtype)
    near(linalg.solve(A, B.mT, left=False).mT, np.linalg.solve(np.swapaxes(a, -1, -2), b), dtype)
    near(linalg.inv(A) @ A, np.broadcast_to(np.eye(n), a.shape), dtype)
    if n == 3:
        near(linalg.det(A), np.linalg.det(a), dtype)
    near(linalg.slogdet(A)[1], np.linalg.slogdet(a)[1], dtype)
    factors = linalg.lu_factor(A)
    near(linalg.lu_solve(*factors, B), np.linalg.solve(a, b), dtype)
    near(linalg.lu_solve(*factors, B, adjoint=True), np.linalg.solve(np.conj(np.swapaxes(a, -1, -2)), b), dtype)
    for upper in True, False:
        kept = np.triu(a) if upper else np.tril(a)
        near(linalg.solve_triangular(A, B, upper=upper), np.linalg.solve(kept, b), dtype)


@pytest.mark.parametrize("n", [3, 70])
def test_singular_matrices_are_refused_whoever_decomposes(n):
    with pytest.raises(linalg.LinAlgError, match="singular"):
        linalg.inv(rushlight.ones(n, n))
    with pytest.raises(linalg.LinAlgError, match="singular"):
        linalg.solve(rushlight.zeros(n, n), rushlight.ones(n))
    assert linalg.lu_factor_ex(rushlight.zeros(n, n)).info == 1


def test_the_gradient_of_a_determinant_where_it_is_zero():
    x = rushlight.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=rushlight.float64, requires_grad=True)
    linalg.det(x).backward()
    near(x.grad, [[4.0, -2.0], [-2.0, 1.0]])


@pytest.mark.skipif(load("solve") is None, reason="needs the compiled kernels")
def test_no_kernel_reads_what_it_does_not_handle():
    solve = load("solve")
    whole = np.eye(3, dtype=np.int64)
    for declined in (solve.lu_factor(whole), solve.solve(whole, whole), solve.det(np.empty((2, 0, 0)))):
        assert declined is NotImplemented
    assert solve.solve_triangular(np.eye(2), np.eye(2, dtype=np.float32), True) is NotImplemented


# -- LU


def test_lu_as_a_pair_and_with_infos():
    x = tensor(2, 3, 3)
    packed, pivots = rushlight.lu(x)
    P, L, U = rushlight.lu_unpack(packed, pivots)
    near(P @ L @ U, x)
    assert type(rushlight.lu(x)) is tuple
    assert rushlight.lu(x, get_infos=True).info.tolist() == [0, 0]
    assert x.lu()[1].tolist() == pivots.tolist()


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_lu_factor_has_derivatives(shape, dtype):
    x = rushlight.from_numpy(array(*shape, dtype=dtype)).requires_grad_()
    assert autograd.gradcheck(lambda x: linalg.lu_factor(x)[0], x, check_forward_ad=True)
    assert autograd.gradgradcheck(lambda x: linalg.lu_factor(x)[0], x)


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("adjoint", [True, False])
def test_lu_solve_has_derivatives(left, adjoint):
    a = rushlight.from_numpy(regular(2, 3, 3, dtype="complex128")).requires_grad_()
    b = tensor(2, 3, 3, dtype="complex128").requires_grad_()

    def solved(a, b):
        return linalg.lu_solve(*linalg.lu_factor(a), b, left=left, adjoint=adjoint)

    matrix = a.mH if adjoint else a
    near(matrix @ solved(a, b) if left else solved(a, b) @ matrix, b)
    assert autograd.gradcheck(solved, (a, b), check_forward_ad=True)
    assert autograd.gradgradcheck(solved, (a, b))


# -- LDL


def symmetric(x, hermitian):
    return x + (x.mH if hermitian else x.mT)


@needs_lapack
@pytest.mark.parametrize("dtype, hermitian", [("float64", False), ("complex128", False), ("complex128", True)])
@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_ldl_solves_indefinite_equations(dtype, hermitian, n):
    a = symmetric(tensor(3, n, n, dtype=dtype), hermitian)
    # Zeros on the diagonal ask for blocks of two.
    a = a * rushlight.from_numpy(1 - np.eye(n)) if n > 1 else a
    b = tensor(n, 2, dtype=dtype)
    factors = linalg.ldl_factor(a, hermitian=hermitian)
    assert factors.pivots.dtype == rushlight.int32 and (n == 1 or (factors.pivots < 0).any())
    near(a @ linalg.ldl_solve(*factors, b, hermitian=hermitian), b.expand(3, n, 2))
    # A right-hand side for each matrix, at once where nothing is recorded, and by parts where it is.
    b = b.expand(3, n, 2) * rushlight.arange(1, 4).to(b.dtype)[:, None, None]
    at_once = linalg.ldl_solve(*factors, b, hermitian=hermitian)
    near(a @ at_once, b)
    near(at_once, linalg.ldl_solve(*factors, b.requires_grad_(), hermitian=hermitian))


@needs_lapack
@pytest.mark.parametrize("dtype, hermitian", [("float64", False), ("complex128", False), ("complex128", True)])
def test_ldl_has_derivatives_that_pytorch_has_not(dtype, hermitian):
    x, b = tensor(4, 4, dtype=dtype).requires_grad_(), tensor(4, 2, dtype=dtype).requires_grad_()

    def solved(x, b):
        return linalg.ldl_solve(
            *linalg.ldl_factor(symmetric(x, hermitian), hermitian=hermitian), b, hermitian=hermitian
        )

    assert autograd.gradcheck(solved, (x, b), check_forward_ad=True)
    assert autograd.gradgradcheck(solved, (x, b))


@needs_lapack
def test_ldl_tells_where_d_is_zero():
    assert linalg.ldl_factor_ex(rushlight.zeros(2, 3, 3)).info.tolist() == [1, 1]
    with pytest.raises(linalg.LinAlgError, match=r"Batch element 0\): D\[1,1\] is zero"):
        linalg.ldl_factor(rushlight.zeros(2, 3, 3))


def test_ldl_without_lapack_asks_scipy():
    pytest.importorskip("scipy")
    x = array(2, 5, 5) * (1 - np.eye(5))
    x = x + np.swapaxes(x, -1, -2)
    packed, pivots, info = REGISTRY["ldl_factor"].forward(x)
    found = linalg.ldl_factor_ex(rushlight.from_numpy(x))
    near(found.LD, packed)
    assert found.pivots.tolist() == pivots.tolist() and found.info.tolist() == info.tolist()


# -- QR


@pytest.mark.parametrize("shape", [(4, 3), (3, 3), (2, 4), (5, 1)])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_geqrf_is_qr_in_packed_form_with_derivatives(shape, dtype):
    x = tensor(*shape, dtype=dtype).requires_grad_()
    a, tau = rushlight.geqrf(x)
    k = min(shape)
    Q = rushlight.orgqr(a[:, :k], tau)
    near(Q @ a.triu()[:k], x)
    near(rushlight.ormqr(a, tau, rushlight.eye(shape[0], k, dtype=x.dtype)), Q)
    assert autograd.gradcheck(lambda x: tuple(rushlight.geqrf(x)), x, check_forward_ad=True)
    assert autograd.gradgradcheck(lambda x: tuple(rushlight.geqrf(x)), x)


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("transpose", [True, False])
def test_ormqr_multiplies_by_the_square_q(left, transpose):
    a, tau = rushlight.geqrf(tensor(2, 4, 3, dtype="complex128"))
    other = tensor(2, 4, 5, dtype="complex128") if left else tensor(2, 5, 4, dtype="complex128")
    Q = rushlight.ormqr(a, tau, rushlight.eye(4, dtype=a.dtype).expand(2, 4, 4))
    Q = Q.mH if transpose else Q
    near(rushlight.ormqr(a, tau, other, left=left, transpose=transpose), Q @ other if left else other @ Q)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_householder_product_has_derivatives(dtype):
    a, tau = tensor(2, 4, 3, dtype=dtype).requires_grad_(), tensor(2, 2, dtype=dtype).requires_grad_()
    assert autograd.gradcheck(linalg.householder_product, (a, tau), check_forward_ad=True)
    assert autograd.gradgradcheck(linalg.householder_product, (a, tau))


# -- low rank


def test_low_rank_decompositions_find_the_largest():
    x = tensor(2, 8, 3) @ tensor(2, 3, 6)
    U, S, V = rushlight.svd_lowrank(x, 3)
    near(U @ rushlight.diag_embed(S) @ V.mT, x)
    near(S, linalg.svdvals(x)[:, :3])
    near(rushlight.svd_lowrank(x, 3, M=x)[1], np.zeros((2, 3)))
    near(rushlight.pca_lowrank(x, 3)[1], linalg.svdvals(x - x.mean(-2, keepdim=True))[:, :3])
    with pytest.raises(ValueError, match=r"q\(=9\) must be non-negative integer"):
        rushlight.pca_lowrank(x, 9)


def test_lobpcg_solves_the_general_problem():
    x, y = tensor(7, 7), tensor(7, 7)
    A, B = x + x.mT, y @ y.mT + rushlight.eye(7, dtype=y.dtype)
    for largest in True, False:
        values, vectors = rushlight.lobpcg(A, k=2, B=B, largest=largest)
        near(A @ vectors, B @ vectors * values)
        near(vectors.mT @ B @ vectors, np.eye(2))
    with pytest.raises(ValueError, match="LOBPCG algorithm is not applicable"):
        rushlight.lobpcg(A, k=3)


# -- older names


@pytest.mark.parametrize("name", ["eig", "symeig", "solve", "lstsq", "matrix_rank"])
def test_removed_names_say_so(name):
    with pytest.raises(RuntimeError, match=r"deprecated since version 1\.9 and is now removed"):
        getattr(rushlight, name)(rushlight.eye(2))


def test_older_norms():
    x = rushlight.tensor([[3.0, 4.0], [6.0, 8.0]])
    assert rushlight.frobenius_norm(x, 1).tolist() == [5.0, 10.0]
    near(rushlight.nuclear_norm(x), 125**0.5, "float32")
    assert rushlight.norm_except_dim(x, 2, 0).tolist() == [[5.0], [10.0]]
    near(rushlight.norm_except_dim(x, 2, -1), 125**0.5, "float32")


def test_products_of_infinite_numbers_are_quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in 3, 70:
            x = rushlight.full((2, n, n), float("inf"))
            assert (x @ -x).isinf().all()
            assert (x[0] - x[0] @ x[0]).isnan().all()
            assert (x[0] @ x[0, 0]).isinf().all()


@pytest.mark.parametrize(
    "written, message",
    [
        (lambda x: x(1).addmm_(x(2, 2), x(2, 3)), r"Bad in-place call: input tensor size \[1\]"),
        (lambda x: x(1, 1, 1).baddbmm_(x(2, 2, 2), x(2, 2, 2)), "Bad in-place call"),
        (lambda x: x(1).addr_(x(2), x(3)), "2D tensor expected, got 1D tensor for input"),
        (lambda x: x(1, 3).addr_(x(2), x(3)), r"size mismatch, input: \[1, 3\], v1: \[2\], v2: \[3\]"),
    ],
)
def test_products_are_not_written_over_other_sizes(written, message):
    with pytest.raises(RuntimeError, match=message):
        written(rushlight.ones)


@needs_lapack
@pytest.mark.parity
def test_refusals_are_pytorchs():
    torch = pytest.importorskip("torch")
    calls = [
        lambda m, z: m.ormqr(z(3), z(3), z(3, 3)),
        lambda m, z: m.ormqr(z(4, 3), z(3), z(2, 2)),
        lambda m, z: m.ormqr(z(4, 2), z(3), z(4, 2)),
        lambda m, z: m.ormqr(z(4, 3), z(3), z(4, 2).double()),
        lambda m, z: m.geqrf(z(3)),
        lambda m, z: m.geqrf(z(3, 3).int()),
        lambda m, z: m.linalg.ldl_factor(z(3, 2)),
        lambda m, z: m.linalg.ldl_factor(z(3, 3).half()),
        lambda m, z: m.linalg.ldl_solve(z(3, 3), z(3).int(), z(2, 1)),
        lambda m, z: m.linalg.ldl_solve(z(3, 3), z(2).int(), z(3, 1)),
        lambda m, z: m.linalg.ldl_solve(z(3, 3), z(3), z(3, 1)),
        lambda m, z: m.lu(z(3)),
    ]
    for call in calls:
        with pytest.raises((RuntimeError, NotImplementedError)) as theirs:
            call(torch, torch.zeros)
        with pytest.raises(type(theirs.value)) as ours:
            call(rushlight, rushlight.zeros)
        assert str(ours.value) == str(theirs.value)
