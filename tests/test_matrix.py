"""Products of matrices and vectors: shapes, refusals, graphs, einsum, and the compiled kernel."""

import itertools

import numpy as np
import pytest

import rushlight
from rushlight import core
from rushlight.functions.einsum import _cheapest
from rushlight.functions.linear import linear
from rushlight.functions.matrix import bilinear
from rushlight.kernels import load

kernel = load("matrix")
random = np.random.default_rng(0)


def tensor(*shape, dtype="float64", grad=False):
    array = random.normal(size=shape)
    if dtype.startswith("complex"):
        array = array + 1j * random.normal(size=shape)
    out = core.wrap(np.asarray(array, dtype=dtype))
    return out.requires_grad_() if grad else out


def names(node):
    """The graph as nested names, leaves as dots."""
    if node is None:
        return "-"
    if node.name().endswith("AccumulateGrad"):
        return "."
    return f"{node.name()}({','.join(names(n) for n, _ in node.next_functions)})"


# -- matmul


@pytest.mark.parametrize(
    "a, b",
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3,)),
        ((5, 2, 3), (3, 4)),
        ((3,), (5, 3, 4)),
        ((2, 3), (5, 3, 4)),
        ((5, 2, 3), (5, 3, 4)),
        ((6, 1, 2, 3), (5, 3, 4)),
        ((0, 2, 3), (3, 4)),
        ((2, 0), (0, 4)),
        ((5, 2, 0), (5, 0, 3)),
    ],
)
def test_matmul_has_numpys_shapes_and_values(a, b):
    x, y = tensor(*a), tensor(*b)
    out = x @ y
    want = x.numpy() @ y.numpy()
    assert out.shape == want.shape
    np.testing.assert_allclose(out.numpy(), want, atol=1e-13)


@pytest.mark.parametrize(
    "a, b, graph",
    [
        ((3,), (3,), "DotBackward0(.,.)"),
        ((2, 3), (3,), "MvBackward0(.,.)"),
        ((2, 3), (3, 2), "MmBackward0(.,.)"),
        ((5, 2, 3), (3, 2), "UnsafeViewBackward0(MmBackward0(ViewBackward0(.),.))"),
        ((5, 2, 3), (3,), "UnsafeViewBackward0(MvBackward0(ViewBackward0(.),.))"),
    ],
)
def test_matmul_chooses_the_narrowest_operation(a, b, graph):
    assert names((tensor(*a, grad=True) @ tensor(*b, grad=True)).grad_fn) == graph


def test_batched_matmul_ends_in_bmm():
    out = tensor(5, 2, 3, grad=True) @ tensor(5, 3, 2, grad=True)
    assert names(out.grad_fn).startswith("UnsafeViewBackward0(BmmBackward0(")


def test_gradients_of_broadcast_batches_have_the_inputs_shapes():
    x, y = tensor(6, 1, 2, 3, grad=True), tensor(5, 3, 4, grad=True)
    (x @ y).sum().backward()
    ones = np.ones((6, 5, 2, 4))
    np.testing.assert_allclose(x.grad.numpy(), (ones @ y.detach().numpy().swapaxes(-1, -2)).sum(1, keepdims=True))
    np.testing.assert_allclose(y.grad.numpy(), (x.detach().numpy().swapaxes(-1, -2) @ ones).sum(0))


def test_complex_gradient_conjugates():
    x, y = tensor(2, 3, dtype="complex128", grad=True), tensor(3, 2, dtype="complex128", grad=True)
    g = tensor(2, 2, dtype="complex128")
    (x @ y).backward(g)
    np.testing.assert_allclose(x.grad.numpy(), g.numpy() @ y.detach().numpy().conj().T)
    np.testing.assert_allclose(y.grad.numpy(), x.detach().numpy().conj().T @ g.numpy())


def test_half_precision_accumulates_in_float32():
    x = core.wrap(np.full((1, 4096), 1.0, np.float16))
    out = x @ core.wrap(np.full((4096, 1), 1.0, np.float16))
    assert out.dtype == rushlight.float16
    assert out.item() == 4096


def test_integers_multiply_exactly():
    x = core.wrap(np.full((1, 2), 2**40, np.int64))
    assert (x @ core.wrap(np.ones((2, 1), np.int64))).item() == 2**41


REFUSALS = [
    ("mm", (2, 4), (1, 3), "mat1 and mat2 shapes cannot be multiplied (2x4 and 1x3)"),
    ("mm", (2,), (1, 3), "self must be a matrix"),
    ("mm", (2, 3), (3,), "mat2 must be a matrix"),
    ("bmm", (2, 3), (2, 3, 4), "batch1 must be a 3D tensor"),
    (
        "bmm",
        (2, 3, 4),
        (2, 3, 2),
        "Expected size for first two dimensions of batch2 tensor to be: [2, 4] but got: [2, 3].",
    ),
    ("mv", (2, 3), (2,), "size mismatch, got input (2), mat (2x3), vec (2)"),
    ("mv", (2,), (2,), "vector + matrix @ vector expected, got 1, 1, 1"),
    ("dot", (2, 2), (2,), "1D tensors expected, but got 2D and 1D tensors"),
    (
        "dot",
        (2,),
        (3,),
        "inconsistent tensor size, expected tensor [2] and src [3] to have the same number of elements, but got 2 "
        "and 3 elements respectively",
    ),
    ("matmul", (), (2,), "both arguments to matmul need to be at least 1D, but they are 0D and 1D"),
    ("matmul", (2, 3, 4), (3,), "size mismatch, got input (6), mat (6x4), vec (3)"),
    (
        "matmul",
        (2, 3, 4),
        (3, 4, 5),
        "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0",
    ),
    ("outer", (2, 2), (3,), "outer: Expected 1-D argument self, but got 2-D"),
    (
        "inner",
        (2, 3),
        (2, 4),
        "inner() the last dimension must match on both input tensors but got shapes [2, 3] and [2, 4]",
    ),
]


@pytest.mark.parametrize("name, a, b, sentence", REFUSALS, ids=lambda v: v if isinstance(v, str) else str(v))
def test_sizes_that_do_not_fit_are_told(name, a, b, sentence):
    with pytest.raises(RuntimeError) as error:
        getattr(rushlight, name)(tensor(*a), tensor(*b))
    assert str(error.value) == sentence


def test_two_dtypes_are_refused():
    with pytest.raises(RuntimeError, match="expected m1 and m2 to have the same dtype, but got: float != double"):
        tensor(2, 2, dtype="float32") @ tensor(2, 2)


def test_booleans_are_refused():
    x = core.wrap(np.ones((2, 2), bool))
    with pytest.raises(NotImplementedError, match="\"addmm_impl_cpu_\" not implemented for 'Bool'"):
        x @ x


@pytest.mark.parametrize("operands", [(2, tensor(2)), (tensor(2), 2)], ids=["left", "right"])
def test_matmul_by_a_number_is_a_type_error(operands):
    with pytest.raises(TypeError, match="unsupported operand"):
        operands[0] @ operands[1]


# -- a product added to something


def test_addmm_leaves_out_what_beta_zero_excludes():
    nan = core.wrap(np.full((2, 2), np.nan))
    x = tensor(2, 2)
    np.testing.assert_allclose(rushlight.addmm(nan, x, x, beta=0, alpha=2).numpy(), 2 * x.numpy() @ x.numpy())


def test_addmm_in_place_keeps_history():
    c, a, b = tensor(2, 2, grad=True), tensor(2, 3, grad=True), tensor(3, 2)
    out = c * 1
    out.addmm_(a, b, beta=3, alpha=2)
    out.sum().backward()
    np.testing.assert_allclose(c.grad.numpy(), np.full((2, 2), 3.0))
    np.testing.assert_allclose(a.grad.numpy(), 2 * np.ones((2, 2)) @ b.numpy().T)


def test_what_is_added_must_broadcast():
    sentence = "The expanded size of the tensor (3) must match the existing size (5) at non-singleton dimension 1"
    with pytest.raises(RuntimeError) as error:
        rushlight.addmm(tensor(5), tensor(2, 4), tensor(4, 3))
    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize("lead", [(2,), (), (5, 2)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_linear(lead, with_bias):
    x, w = tensor(*lead, 3, grad=True), tensor(4, 3, grad=True)
    b = tensor(4, grad=True) if with_bias else None
    out = linear(x, w, b)
    want = x.detach().numpy() @ w.detach().numpy().T + (b.detach().numpy() if with_bias else 0)
    np.testing.assert_allclose(out.detach().numpy(), want)
    out.sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), np.tile(x.detach().numpy().reshape(-1, 3).sum(0), (4, 1)))
    assert w.grad.is_contiguous()
    if with_bias:
        np.testing.assert_allclose(b.grad.numpy(), np.full(4, out.numel() / 4))


def test_linear_is_one_addmm():
    out = linear(tensor(2, 3, grad=True), tensor(4, 3, grad=True), tensor(4, grad=True))
    assert names(out.grad_fn) == "AddmmBackward0(.,.,TBackward0(.))"


def test_bilinear():
    x, y, w, b = tensor(7, 3), tensor(7, 4), tensor(5, 3, 4), tensor(5)
    want = np.einsum("ni,kij,nj->nk", x.numpy(), w.numpy(), y.numpy()) + b.numpy()
    np.testing.assert_allclose(bilinear(x, y, w, b).numpy(), want)


# -- einsum


@pytest.mark.parametrize(
    "equation, shapes",
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("ij,jk", [(2, 3), (3, 4)]),
        ("bA,Ac", [(2, 3), (3, 4)]),
        ("ii", [(3, 3)]),
        ("ii->i", [(3, 3)]),
        ("iji->j", [(3, 2, 3)]),
        ("ij->", [(2, 3)]),
        ("i,j->ij", [(2,), (3,)]),
        ("bij,bjk->bik", [(5, 2, 3), (5, 3, 4)]),
        ("...ij,...jk->...ik", [(6, 1, 2, 3), (5, 3, 4)]),
        ("i...,i...", [(3, 2), (3, 2)]),
        ("ij,j,->i", [(2, 3), (3,), ()]),
        ("ij,jk,kl,lm->im", [(2, 3), (3, 4), (4, 5), (5, 6)]),
        ("ia,ib,ic->abc", [(4, 2), (4, 3), (4, 5)]),
        (" i j , j k -> i k ", [(2, 3), (3, 4)]),
        ("ij,jk->ki", [(2, 0), (0, 4)]),
    ],
)
def test_einsum_agrees_with_numpy(equation, shapes):
    operands = [tensor(*shape) for shape in shapes]
    want = np.einsum(equation.replace(" ", ""), *[x.numpy() for x in operands])
    np.testing.assert_allclose(rushlight.einsum(equation, *operands).numpy(), want, atol=1e-12)


def test_einsum_takes_lists_of_numbers():
    x, y = tensor(2, 3), tensor(3, 4)
    np.testing.assert_allclose(rushlight.einsum(x, [0, 1], y, [1, 2], [2, 0]).numpy(), (x.numpy() @ y.numpy()).T)
    np.testing.assert_allclose(rushlight.einsum(x, [..., 1], [...]).numpy(), x.numpy().sum(-1))


def test_einsum_sums_an_ellipsis_that_the_output_leaves_out():
    x = tensor(2, 3)
    np.testing.assert_allclose(rushlight.einsum("...i->i", x).numpy(), x.numpy().sum(0))


def test_einsum_multiplies_the_cheapest_pair_first():
    terms = ((("i", "j"), (100, 100)), (("j", "k"), (100, 100)), (("k", "l"), (100, 1)))
    assert _cheapest(terms, ("i", "l")) == (1, 2)


def test_einsum_differentiates_twice():
    x = tensor(3, 3, grad=True)
    out = rushlight.einsum("ij,jk,ki->", x, x, x)
    (grad,) = rushlight.autograd.grad(out, x, create_graph=True)
    np.testing.assert_allclose(grad.detach().numpy(), 3 * np.linalg.matrix_power(x.detach().numpy(), 2).T)
    (second,) = rushlight.autograd.grad(grad.sum(), x)
    ones, a = np.ones((3, 3)), x.detach().numpy()
    np.testing.assert_allclose(second.numpy(), 3 * (ones @ a + a @ ones).T, atol=1e-12)


@pytest.mark.parametrize(
    "equation, shapes, sentence",
    [
        ("ij,jk->ik", [(2, 3)], "fewer operands were provided than specified in the equation"),
        ("ij", [(2, 3), (3,)], "more operands were provided than specified in the equation"),
        (
            "ij,jk",
            [(2, 3), (4, 5)],
            "subscript j has size 4 for operand 1 which does not broadcast with previously seen size 3",
        ),
        ("ij->im", [(2, 3)], "output subscript m does not appear in the equation for any input operand"),
        ("ij->ii", [(2, 3)], "output subscript i appears more than once in the output"),
        ("ii", [(2, 3)], "subscript i is repeated for operand 0 but the sizes don't match, 3 != 2"),
        ("i.", [(2, 3)], "found '.' for operand 0 that is not part of any ellipsis"),
        (
            "1",
            [(2,)],
            "invalid subscript given at index 0 in the equation string, subscripts must be in [a-zA-Z]",
        ),
    ],
)
def test_einsum_refuses(equation, shapes, sentence):
    with pytest.raises(RuntimeError) as error:
        rushlight.einsum(equation, *[tensor(*shape) for shape in shapes])
    assert str(error.value) == f"einsum(): {sentence}"


# -- other products


def test_tensordot_agrees_with_numpy():
    x, y = tensor(2, 3, 4), tensor(4, 3, 5)
    want = np.tensordot(x.numpy(), y.numpy(), ([1, 2], [1, 0]))
    np.testing.assert_allclose(rushlight.tensordot(x, y, dims=([1, 2], [1, 0])).numpy(), want)
    np.testing.assert_allclose(rushlight.tensordot(x, y, dims=1).numpy(), np.tensordot(x.numpy(), y.numpy(), 1))


@pytest.mark.parametrize("a, b", [((2, 3), (4, 5)), ((2,), (3, 4)), ((2, 1, 3), (2, 2))])
def test_kron_agrees_with_numpy(a, b):
    x, y = tensor(*a), tensor(*b)
    np.testing.assert_allclose(rushlight.kron(x, y).numpy(), np.kron(x.numpy(), y.numpy()))


def test_a_chain_is_multiplied_in_the_cheapest_order():
    chain = [tensor(10, 100, grad=True), tensor(100, 5), tensor(5, 50)]
    out = rushlight.chain_matmul(*chain)
    want = chain[0].detach().numpy() @ chain[1].numpy() @ chain[2].numpy()
    np.testing.assert_allclose(out.detach().numpy(), want)
    assert names(out.grad_fn) == "MmBackward0(MmBackward0(.,-),-)"


# -- the kernel


def layouts(a):
    yield a
    yield np.asfortranarray(a)
    yield np.repeat(a, 2, axis=1)[:, ::2]
    yield a[::-1]
    yield np.pad(a, ((0, 0), (0, 3)))[:, :-3]


SIZES = [(1, 1, 1), (3, 5, 7), (4, 16, 16), (5, 1, 33), (1, 40, 17), (33, 64, 20), (2, 600, 3), (70, 70, 70)]
# By BLAS, in parts: long, wide, and of a row.
LARGE = [(517, 130, 77), (77, 130, 517), (1, 700, 600), (600, 700, 1)]


def check_any_layout(m, k, n, dtype):
    a, b = random.normal(size=(m, k)).astype(dtype), random.normal(size=(k, n)).astype(dtype)
    row = random.normal(size=n).astype(dtype)
    tolerance = 1e-5 * k if dtype == "float32" else 1e-14 * k
    for x, y in itertools.product(layouts(a), layouts(b)):
        want = x.astype("float64") @ y.astype("float64")
        np.testing.assert_allclose(kernel.mm(x, y), want, atol=tolerance)
        np.testing.assert_allclose(kernel.addmm(row, x, y), want + row, atol=tolerance)
        rows = want.astype(dtype)
        np.testing.assert_allclose(kernel.addmm(rows, x, y), want + rows, atol=tolerance)
        np.testing.assert_allclose(kernel.through_left(x, y.T.copy().T.T), want, atol=tolerance)
        for fortran in (False, True):
            out = kernel.through_right(y, x.T, fortran=fortran)
            np.testing.assert_allclose(out, want, atol=tolerance)


@pytest.mark.skipif(kernel is None, reason="not compiled")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("m, k, n", SIZES)
def test_kernel_multiplies_any_layout(family, m, k, n, dtype):
    check_any_layout(m, k, n, dtype)


@pytest.mark.skipif(kernel is None, reason="not compiled")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("m, k, n", LARGE)
def test_kernel_multiplies_large_matrices_of_any_layout(m, k, n, dtype):
    check_any_layout(m, k, n, dtype)


@pytest.mark.skipif(kernel is None, reason="not compiled")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("samples, m, k, n", [(1, 20, 30, 50), (3, 5, 7, 2), (2, 257, 128, 300), (40, 64, 8, 33)])
def test_kernel_multiplies_batches_of_any_layout(samples, m, k, n, dtype):
    a, b = random.normal(size=(samples, m, k)).astype(dtype), random.normal(size=(samples, k, n)).astype(dtype)
    tolerance = 1e-5 * k if dtype == "float32" else 1e-14 * k
    turned = (
        np.ascontiguousarray(a.swapaxes(1, 2)).swapaxes(1, 2),
        np.ascontiguousarray(b.swapaxes(1, 2)).swapaxes(1, 2),
    )
    beside = (
        np.ascontiguousarray(a.swapaxes(0, 1)).swapaxes(0, 1),
        np.ascontiguousarray(b.swapaxes(0, 1)).swapaxes(0, 1),
    )
    for x in (a, turned[0], beside[0], a[::-1], a[:1]):
        for y in (b, turned[1], beside[1], b[..., ::-1], b[:1]):
            want = x.astype("float64") @ y.astype("float64")
            np.testing.assert_allclose(kernel.bmm(x, y), want, atol=tolerance)


@pytest.mark.skipif(kernel is None, reason="not compiled")
def test_kernel_gives_a_column_major_gradient_where_asked():
    a, g = np.ones((8, 4), "float32"), np.ones((8, 6), "float32")
    assert kernel.through_right(g, a, fortran=True).flags.f_contiguous
    assert kernel.through_right(g, a).flags.c_contiguous


@pytest.mark.skipif(kernel is None, reason="not compiled")
@pytest.mark.parametrize(
    "x, y",
    [
        (np.ones((2, 2), int), np.ones((2, 2), int)),
        (np.ones((2, 2)), np.ones((2, 2), "float32")),
        (np.ones((2, 3)), np.ones((2, 3))),
        (np.ones(2), np.ones((2, 2))),
        (np.ones((2, 2)).astype(">f8"), np.ones((2, 2))),
    ],
    ids=["integers", "two dtypes", "sizes", "a vector", "byte order"],
)
def test_kernel_declines_the_rest(x, y):
    assert kernel.mm(x, y) is NotImplemented


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("m", "k", "n"), [(1, 3, 5), (2, 64, 64), (3, 17, 33), (4, 16, 1), (1, 512, 70), (2, 0, 3), (1, 100, 4)]
)
def test_a_few_rows_by_a_transposed_matrix(family, m, k, n, dtype):
    a, b = random.normal(size=(m, k)).astype(dtype), random.normal(size=(n, k)).astype(dtype)
    got = rushlight.nn.functional.linear(core.wrap(a), core.wrap(b)).numpy()
    # Sums of k products, in whatever order.
    np.testing.assert_allclose(
        got, a @ b.T, rtol=1e-12 if dtype == "float64" else 1e-4, atol=k * np.finfo(dtype).eps * 4
    )
    assert got.dtype == dtype


@pytest.mark.skipif(kernel is None, reason="not compiled")
def test_the_gradient_of_a_transposed_weight_lies_as_the_weight_does():
    x, weight = tensor(3, 4), tensor(2, 4, grad=True)
    for out in (linear(x, weight), x @ weight.T):
        (g,) = rushlight.autograd.grad(out.sum(), weight)
        assert g.is_contiguous()
        np.testing.assert_allclose(g.numpy(), np.tile(x.numpy().sum(0), (2, 1)))
        assert out.grad_fn.name() == "MmBackward0"


@pytest.mark.parametrize("n", [65, 1000, 16384, 40007])
def test_long_dot_products(family, n):
    a, b = random.normal(size=(2, n)).astype("float32")
    products = a.astype("float64") * b
    found = rushlight.dot(core.wrap(a), core.wrap(b)).item()
    assert abs(found - products.sum()) <= np.finfo("float32").eps * np.abs(products).sum()
