"""Matrices: products, equations, decompositions and norms; one matrix of n numbers, and many of 10 by 10."""

import numpy as np

from .row import Timed, matrix, row, side, uniform, value, vector


def square(n, random):
    """A matrix far from singular."""
    k = side(n)
    return random.standard_normal((k, k)) / np.sqrt(k) + 1.5 * np.eye(k)


def squares(n, random):
    return random.standard_normal((max(1, n // 100), 10, 10)) / np.sqrt(10) + 1.5 * np.eye(10)


def hundreds(n, random):
    return random.standard_normal((max(1, n // 10_000), 100, 100)) / 10 + 1.5 * np.eye(100)


def definite(make):
    def maker(n, random):
        x = make(n, random)
        return x @ np.swapaxes(x, -2, -1) + np.eye(x.shape[-1])

    return maker


def lower(make):
    return lambda n, random: np.tril(make(n, random))


def of_rows(make):
    return lambda n, random: make(n, random)[..., 0].copy()


def first(x):
    return x[0] if isinstance(x, tuple) else x


def each(name, *makers, call=None, **options):
    """The row for one matrix, for many of 10 by 10 and for some of 100 by 100."""
    shapes = (("", square), (" of 10 by 10", squares), (" of 100 by 100", hundreds))
    return [
        Timed(name + words, *[maker(shape) for maker in makers], call=call or _named(name), **options)
        for words, shape in shapes
    ]


def _named(name):
    def call(m, *inputs):
        for part in name.split("."):
            m = getattr(m, part)
        return first(m(*inputs))

    return call


def plain(make):
    return make


def lu_solve(m, a, b):
    return m.linalg.lu_solve(*m.linalg.lu_factor(a), b)


def ldl_solve(m, a, b):
    return m.linalg.ldl_solve(*m.linalg.ldl_factor(a), b)


def packed_product(m, a):
    return m.linalg.householder_product(*m.geqrf(a.detach()))


def packed_apply(m, a, b):
    return m.ormqr(*m.geqrf(a.detach()), b)


def vectors(n, random):
    return random.standard_normal((max(1, n // 3), 3))


def thin(n, random):
    return random.standard_normal((side(n), 5))


def root(n, random):
    return random.standard_normal((side(side(n)), side(side(n))))


PRODUCTS = [
    Timed("mm", matrix, matrix, ops=("mm_nt", "mm_tn")),
    Timed("bmm", squares, squares),
    Timed("bmm of 100 by 100", hundreds, hundreds, call=lambda m, a, b: m.bmm(a, b)),
    Timed("matmul", squares, squares, ops=("matmul",)),
    Timed("matmul of a transpose", matrix, matrix, call=lambda m, a, b: a.mT @ b),
    Timed("mv", matrix, row),
    Timed("dot", vector, vector),
    Timed("vdot", vector, vector),
    Timed("linalg.vecdot", matrix, matrix, ops=("vecdot",)),
    Timed("outer", row, row),
    Timed("inner", matrix, matrix),
    Timed("addmm", matrix, matrix, matrix),
    Timed("nn.functional.linear", matrix, matrix, row, ops=("addmm_nt",)),
    Timed("vector @ matrix", row, matrix, call=lambda m, x, a: x @ a, ops=("vm",)),
    Timed("addmv", row, matrix, row),
    Timed("addr", matrix, row, row),
    Timed("addbmm", uniform(shape=lambda n: (10, 10)), squares, squares),
    Timed("baddbmm", squares, squares, squares),
    Timed("kron", root, root),
    Timed("tensordot", matrix, matrix, value(1)),
    Timed("einsum of a product", squares, squares, call=lambda m, a, b: m.einsum("bij,bjk->bik", a, b)),
    Timed("einsum of a sum", matrix, matrix, call=lambda m, a, b: m.einsum("ij,ij->i", a, b)),
    Timed("einsum of three", matrix, matrix, row, call=lambda m, a, b, c: m.einsum("ij,jk,k->i", a, b, c)),
    Timed("linalg.multi_dot", matrix, matrix, thin, call=lambda m, *parts: m.linalg.multi_dot(parts)),
    Timed("linalg.cross", vectors, vectors, ops=("cross",)),
    Timed("linalg.vander", row),
    *each("linalg.matrix_power", plain, call=lambda m, a: m.linalg.matrix_power(a, 5)),
    *each("linalg.matrix_exp", plain, ops=("matrix_exp",)),
]

EQUATIONS = [
    *each("linalg.inv", plain, ops=("inv",)),
    *each("linalg.det", plain, ops=("det", "cofactor", "singular_shift")),
    *each("linalg.slogdet", plain, call=lambda m, a: m.linalg.slogdet(a)[1], ops=("slogdet",)),
    *each("logdet", definite),
    *each("linalg.solve", plain, plain, ops=("solve",)),
    *each(
        "linalg.solve_triangular", lower, plain,
        call=lambda m, a, b: m.linalg.solve_triangular(a, b, upper=False), ops=("solve_triangular",),
    ),
    *each("linalg.lu_factor", plain, ops=("lu_factor", "row_order", "taken_rows", "unit_lower")),
    *each("linalg.lu", plain, call=lambda m, a: m.linalg.lu(a)[2], ops=("lu",)),
    *each("linalg.lu_solve", plain, plain, call=lu_solve, ops=("lu_solve",)),
    *each("linalg.ldl_solve", definite, plain, call=ldl_solve, ops=("ldl_factor", "ldl_layout", "in_columns"), grad=False),
    *each("linalg.cholesky", definite, ops=("cholesky",)),
    *each("cholesky_solve", plain, lower),
    *each("cholesky_inverse", lower),
    *each("linalg.pinv", plain, ops=("pinv",)),
    *each("linalg.lstsq", plain, plain, ops=("lstsq",)),
    *each("linalg.matrix_rank", plain, ops=("matrix_rank",)),
]  # fmt: skip

DECOMPOSITIONS = [
    *each("geqrf", plain, grad=False, ops=("geqrf",)),
    *each("linalg.householder_product", plain, call=packed_product, grad=False),
    *each("ormqr", plain, plain, call=packed_apply),
    *each("linalg.qr", plain, ops=("qr",)),
    *each("linalg.svd", plain, call=lambda m, a: m.linalg.svd(a, full_matrices=False)[1], ops=("svd",)),
    *each("linalg.svdvals", plain, ops=("svdvals",)),
    *each("linalg.eigh", definite, ops=("eigh",)),
    *each("linalg.eigvalsh", definite, ops=("eigvalsh",)),
    *each("linalg.eig", plain, call=lambda m, a: m.linalg.eig(a)[0].abs(), ops=("eig",)),
    *each("linalg.eigvals", plain, call=lambda m, a: m.linalg.eigvals(a).abs(), ops=("eigvals",)),
]

NORMS = [
    *each("linalg.matrix_norm", plain),
    *each("linalg.matrix_norm by columns", plain, call=lambda m, a: m.linalg.matrix_norm(a, 1)),
    *each("linalg.matrix_norm by singular values", plain, call=lambda m, a: m.linalg.matrix_norm(a, 2)),
    Timed("linalg.vector_norm of 3", matrix, call=lambda m, x: m.linalg.vector_norm(x, 3)),
    Timed("linalg.vector_norm of rows", matrix, call=lambda m, a: m.linalg.vector_norm(a, 2, -1)),
    Timed("norm_except_dim", matrix),
]

ROWS = PRODUCTS + EQUATIONS + DECOMPOSITIONS + NORMS
