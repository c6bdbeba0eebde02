"""Compositions of real and complex operations, for the tests of complex derivatives.

A case is a name, a function of the library `t` and its inputs, and the inputs: "c23" is complex of shape (2, 3), "r3"
real of shape (3,), "s22" a complex matrix far from a singular one, "h33" a Hermitian positive-definite one, "c" 0-dim.
The functions are written for both libraries.
"""

import numpy as np


class Case:
    def __init__(self, name, func, inputs):
        self.name, self.func, self.inputs = name, func, inputs.split()

    def __repr__(self):
        return self.name

    def arrays(self, wide=True):
        """The inputs as arrays, of double precision where `wide`."""
        generator = np.random.default_rng(len(self.name))
        found = [_made(spec, generator) for spec in self.inputs]
        if wide:
            return found
        return [x.astype(np.complex64 if x.dtype.kind == "c" else np.float32) for x in found]


def _made(spec, generator):
    kind, shape = spec[0], tuple([int(n) for n in spec[1:]])
    x = generator.uniform(0.3, 1.5, shape) * generator.choice([-1, 1], shape)
    if kind == "p":
        return np.abs(x)
    if kind != "r":
        x = x + 1j * generator.uniform(0.3, 1.5, shape) * generator.choice([-1, 1], shape)
    if kind in "sh":
        diagonal = np.arange(min(shape))
        x[diagonal, diagonal] += 2 * (diagonal + 1)
    if kind == "h":
        x = x @ np.swapaxes(x, -1, -2).conj() + np.eye(shape[-1])
    return np.asarray(x)


def _unary(*names):
    return [Case(name, lambda t, z, name=name: getattr(t, name)(z), "c23") for name in names]


def _hermitian(a):
    return (a + a.mH) / 2


ELEMENTWISE = [
    *_unary(
        "abs",
        "angle",
        "real",
        "imag",
        "conj",
        "sgn",
        "exp",
        "log",
        "log2",
        "log10",
        "log1p",
        "expm1",
        "sqrt",
        "rsqrt",
        "reciprocal",
        "square",
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "sinh",
        "cosh",
        "tanh",
        "asinh",
        "acosh",
        "atanh",
        "sigmoid",
        "neg",
        "exp2",
        "sinc",
        "positive",
        "conj_physical",
        "resolve_conj",
        "resolve_neg",
    ),
    Case("add", lambda t, a, b: t.add(a, b, alpha=2 - 1j), "c23 c3"),
    Case("sub real from complex", lambda t, a, b: a - b, "c23 r3"),
    Case("complex from real", lambda t, a, b: a - b, "r3 c23"),
    Case("mul", lambda t, a, b: a * b, "c23 c3"),
    Case("mul real by complex", lambda t, a, b: a * b, "r23 c3"),
    Case("mul real by a complex number", lambda t, a: a * (1 - 2j), "r23"),
    Case("mul 0-dim", lambda t, a, b: a * b, "r23 c"),
    Case("div", lambda t, a, b: a / b, "c23 c3"),
    Case("div real by complex", lambda t, a, b: a / b, "r23 c3"),
    Case("div complex by real", lambda t, a, b: a / b, "c23 r3"),
    Case("number over complex", lambda t, a: (2 - 1j) / a, "c23"),
    Case("pow", lambda t, a, b: a**b, "c23 c3"),
    Case("pow real to complex", lambda t, a, b: a**b, "p23 c3"),
    Case("pow complex to real", lambda t, a, b: a**b, "c23 r3"),
    Case("pow complex number", lambda t, a: a ** (1 - 2j), "c23"),
    Case("pow of a number", lambda t, a: (1 - 2j) ** a, "c23"),
    Case("pow 2", lambda t, a: a**2, "c23"),
    Case("pow 0", lambda t, a: a**0, "c23"),
    Case("float_power", lambda t, a: t.float_power(a, 3), "c23"),
    Case("xlogy-like", lambda t, a, b: a * t.log(b), "r3 c3"),
    Case("addcmul", lambda t, a, b, c: t.addcmul(a, b, c, value=2 + 1j), "c3 c23 c3"),
    Case("addcdiv", lambda t, a, b, c: t.addcdiv(a, b, c, value=2 + 1j), "c3 c23 c3"),
    Case("lerp", lambda t, a, b: t.lerp(a, b, 0.3), "c3 c3"),
    Case("lerp weight", lambda t, a, b, w: t.lerp(a, b, w), "c3 c3 c3"),
    Case("where", lambda t, a, b: t.where(a.real > 0, a, b), "c23 c3"),
    Case("where of real and complex", lambda t, a, b: t.where(b.real > 0, a, b), "r3 c3"),
    Case("masked_fill", lambda t, a: a.masked_fill(a.real > 0, 1j), "c23"),
    Case("complex", lambda t, a, b: t.complex(a, b), "r23 r23"),
    Case("polar", lambda t, a, b: t.polar(a, b), "p23 r23"),
    Case("view_as_real", lambda t, a: t.view_as_real(a * 1), "c23"),
    Case("view_as_complex", lambda t, a: t.view_as_complex(a * 1), "r32"),
    Case("real of a product", lambda t, a, b: (a * b).real, "c23 c3"),
    Case("imag of a product with real", lambda t, a, b: (a * b).imag, "r23 c3"),
    Case("abs squared", lambda t, a: a.abs() ** 2, "c23"),
    Case("a times its conjugate", lambda t, a: a * a.conj(), "c23"),
    Case("abs of real part", lambda t, a: a.real.abs() + a.imag.abs(), "c23"),
    Case("angle of a product", lambda t, a, b: (a * b).angle(), "c3 c3"),
    Case("angle of real", lambda t, a: t.angle(a), "r3"),
    Case("sgn of real", lambda t, a: t.sgn(a), "r3"),
    Case("exp of i x", lambda t, a: t.exp(1j * a), "r3"),
    Case("to complex and back", lambda t, a: (a.to(t.complex128) * (1 + 1j)).imag, "r3"),
    Case("softplus by hand", lambda t, a: t.log(1 + t.exp(a)), "c3"),
    Case("tanh network", lambda t, w, b, x: t.tanh(w @ x + b).abs(), "c23 c2 c3"),
]

LINALG = [
    Case("matmul", lambda t, a, b: a @ b, "c23 c32"),
    Case("matmul batch", lambda t, a, b: a @ b, "c223 c32"),
    Case("mv", lambda t, a, b: t.mv(a, b), "c23 c3"),
    Case("dot", lambda t, a, b: t.dot(a, b), "c3 c3"),
    Case("vdot", lambda t, a, b: t.vdot(a, b), "c3 c3"),
    Case("vecdot", lambda t, a, b: t.linalg.vecdot(a, b), "c23 c23"),
    Case("inner", lambda t, a, b: t.inner(a, b), "c23 c3"),
    Case("outer", lambda t, a, b: t.outer(a, b), "c2 c3"),
    Case("outer of real and complex", lambda t, a, b: t.outer(a, b), "r2 c3"),
    Case("bmm", lambda t, a, b: t.bmm(a, b), "c223 c232"),
    Case("addmm", lambda t, a, b, c: t.addmm(a, b, c, beta=1j, alpha=2 - 1j), "c22 c23 c32"),
    Case("addmv", lambda t, a, b, c: t.addmv(a, b, c, beta=1j, alpha=2 - 1j), "c2 c23 c3"),
    Case("addr", lambda t, a, b, c: t.addr(a, b, c, beta=1j, alpha=2 - 1j), "c23 c2 c3"),
    Case("baddbmm", lambda t, a, b, c: t.baddbmm(a, b, c, beta=1j, alpha=2 - 1j), "c222 c223 c232"),
    Case("einsum", lambda t, a, b: t.einsum("ij,kj->ik", a, b.conj()), "c23 c23"),
    Case("einsum of real and complex", lambda t, a, b: t.einsum("ij,jk->ik", a + 0j, b), "r23 c32"),
    Case("tensordot", lambda t, a, b: t.tensordot(a, b, 1), "c23 c32"),
    Case("kron", lambda t, a, b: t.kron(a, b), "c22 c22"),
    Case("cross", lambda t, a, b: t.linalg.cross(a, b), "c23 c23"),
    Case("H", lambda t, a: a.H @ a, "c23"),
    Case("mH", lambda t, a: a.mH @ a, "c223"),
    Case("adjoint", lambda t, a: a.adjoint(), "c223"),
    Case("inv", lambda t, a: t.linalg.inv(a), "s33"),
    Case("inverse times", lambda t, a, b: t.linalg.inv(a) @ b, "s33 c32"),
    Case("det", lambda t, a: t.linalg.det(a), "s33"),
    Case("slogdet", lambda t, a: t.linalg.slogdet(a), "s33"),
    Case("logdet of a product", lambda t, a: t.linalg.slogdet(a @ a.mH)[1], "s33"),
    Case("solve", lambda t, a, b: t.linalg.solve(a, b), "s33 c32"),
    Case("solve left=False", lambda t, a, b: t.linalg.solve(a, b, left=False), "s33 c23"),
    Case("solve vector", lambda t, a, b: t.linalg.solve(a, b), "s33 c3"),
    Case("solve_triangular", lambda t, a, b: t.linalg.solve_triangular(a.triu(), b, upper=True), "s33 c32"),
    Case("cholesky", lambda t, a: t.linalg.cholesky(_hermitian(a)), "h33"),
    Case("cholesky_solve", lambda t, a, b: t.cholesky_solve(b, t.linalg.cholesky(_hermitian(a))), "h33 c32"),
    Case("cholesky_inverse", lambda t, a: t.cholesky_inverse(t.linalg.cholesky(_hermitian(a))), "h33"),
    Case("qr", lambda t, a: t.linalg.qr(a), "s33"),
    Case("qr tall", lambda t, a: t.linalg.qr(a), "s43"),
    Case("qr wide", lambda t, a: t.linalg.qr(a)[1], "s34"),
    Case("lu", lambda t, a: t.linalg.lu(a), "s33"),
    Case("svdvals", lambda t, a: t.linalg.svdvals(a), "s34"),
    Case("svd sizes", lambda t, a: _sizes(t.linalg.svd(a, full_matrices=False)), "s34"),
    Case("svd projector", lambda t, a: _projector(t.linalg.svd(a, full_matrices=False)), "s34"),
    Case("svd tall projector", lambda t, a: _projector(t.linalg.svd(a, full_matrices=False)), "s43"),
    Case("eigvalsh", lambda t, a: t.linalg.eigvalsh(_hermitian(a)), "h33"),
    Case("eigh sizes", lambda t, a: t.linalg.eigh(_hermitian(a))[1].abs(), "h33"),
    Case("eigh projector", lambda t, a: _outer(t.linalg.eigh(_hermitian(a))[1][:, 0]), "h33"),
    Case("eigvals", lambda t, a: t.linalg.eigvals(a).sum(), "s33"),
    Case("eigvals of real", lambda t, a: (t.linalg.eigvals(a) ** 3).sum(), "r33"),
    Case("eig sizes", lambda t, a: _by_size(t, t.linalg.eig(a)), "s33"),
    Case("pinv", lambda t, a: t.linalg.pinv(a), "s34"),
    Case("matrix_exp", lambda t, a: t.linalg.matrix_exp(a), "c33"),
    Case("matrix_power", lambda t, a: t.linalg.matrix_power(a, 3), "c33"),
    Case("matrix_power negative", lambda t, a: t.linalg.matrix_power(a, -2), "s33"),
    Case("multi_dot", lambda t, a, b, c: t.linalg.multi_dot([a, b, c]), "c23 c32 c23"),
    Case("lstsq", lambda t, a, b: t.linalg.lstsq(a, b).solution, "s43 c42"),
    Case("trace", lambda t, a: t.trace(a @ a), "c33"),
    Case("householder_product", lambda t, a, b: t.linalg.householder_product(a, b), "c43 c3"),
    Case("cov", lambda t, a: t.cov(a), "c34"),
    Case("corrcoef", lambda t, a: t.corrcoef(a), "c34"),
    Case("vander", lambda t, a: t.linalg.vander(a), "c3"),
    *[
        Case(f"vector_norm {ord}", lambda t, a, ord=ord: t.linalg.vector_norm(a, ord, dim=1), "c23")
        for ord in (0, 0.5, 1, 2, 3, float("inf"), float("-inf"))
    ],
    *[
        Case(f"matrix_norm {ord}", lambda t, a, ord=ord: t.linalg.matrix_norm(a, ord), "s33")
        for ord in ("fro", "nuc", 1, -1, 2, -2, float("inf"), float("-inf"))
    ],
    Case("norm", lambda t, a: t.linalg.norm(a), "c23"),
    Case("norm p=1", lambda t, a: t.norm(a, p=1, dim=0), "c23"),
    Case("cond", lambda t, a: t.linalg.cond(a), "s33"),
    Case("dist", lambda t, a, b: t.dist(a, b), "c3 c3"),
]

SHAPES = [
    Case("sum", lambda t, a: a.sum(1), "c23"),
    Case("mean", lambda t, a: a.mean(0, keepdim=True), "c23"),
    Case("prod", lambda t, a: a.prod(), "c23"),
    Case("prod dim", lambda t, a: a.prod(1), "c23"),
    Case("prod with a zero", lambda t, a: (a * t.tensor([1.0, 0.0, 1.0])).prod(1), "c23"),
    Case("cumsum", lambda t, a: a.cumsum(1), "c23"),
    Case("cumprod", lambda t, a: a.cumprod(1), "c23"),
    Case("cumprod with a zero", lambda t, a: (a * t.tensor([1.0, 0.0, 1.0])).cumprod(1), "c23"),
    Case("logcumsumexp", lambda t, a: a.logcumsumexp(1), "c23"),
    Case("var", lambda t, a: a.var(1), "c23"),
    Case("std", lambda t, a: a.std(), "c23"),
    Case("std correction", lambda t, a: a.std(1, correction=0), "c23"),
    Case("var_mean", lambda t, a: t.var_mean(a, 0), "c23"),
    Case("nansum-like", lambda t, a: a[a.real > 0].sum(), "c23"),
    Case("index", lambda t, a: a[:, [0, 0, 2]], "c23"),
    Case("index by mask", lambda t, a: a[a.imag > 0], "c23"),
    Case("index_select", lambda t, a: a.index_select(1, t.tensor([2, 0, 0])), "c23"),
    Case("gather", lambda t, a: a.gather(1, t.tensor([[0, 2], [1, 1]])), "c23"),
    Case("scatter_add", lambda t, a, b: a.scatter_add(1, t.tensor([[0, 2], [1, 1]]), b), "c23 c22"),
    Case("index_add", lambda t, a, b: a.index_add(1, t.tensor([2, 2]), b, alpha=1j), "c23 c22"),
    Case("index_put", lambda t, a, b: a.index_put((t.tensor([0, 1]),), b), "c23 c23"),
    Case("cat", lambda t, a, b: t.cat([a, b]), "c23 c13"),
    Case("cat of real and complex", lambda t, a, b: t.cat([a, b]), "r23 c13"),
    Case("stack of real and complex", lambda t, a, b: t.stack([a, b]), "r3 c3"),
    Case("pad", lambda t, a: t.nn.functional.pad(a, (1, 2), value=1.0), "c23"),
    Case("flip and roll", lambda t, a: a.flip(0).roll(1, 1), "c23"),
    Case("diag", lambda t, a: t.diag(a) + t.diag_embed(a), "c3"),
    Case("tril", lambda t, a: a.tril() + a.triu(1).mT, "c33"),
    Case("repeat", lambda t, a: a.repeat(2, 2) * a.expand(2, 2, 3).reshape(4, 3).repeat(1, 2), "c23"),
    Case("unfold", lambda t, a: a.unfold(1, 2, 1), "c23"),
    Case("trapezoid", lambda t, a: t.trapezoid(a, dim=1), "c23"),
    Case("diff", lambda t, a: t.diff(a), "c23"),
    Case("linear", lambda t, x, w, b: t.nn.functional.linear(x, w, b), "c23 c43 c4"),
    Case("conv1d", lambda t, x, w, b: t.nn.functional.conv1d(x, w, b), "c125 c322 c3"),
    Case("conv2d", lambda t, x, w: t.nn.functional.conv2d(x, w, stride=2, padding=1), "c1244 c2222"),
    Case("conv_transpose1d", lambda t, x, w: t.nn.functional.conv_transpose1d(x, w, stride=2), "c123 c232"),
    Case("mse of sizes", lambda t, a, b: t.nn.functional.mse_loss(a.abs(), b), "c23 p23"),
    Case("l1_loss", lambda t, a, b: t.nn.functional.l1_loss(a, b), "c23 c23"),
    Case("normalize", lambda t, a: t.nn.functional.normalize(a, dim=1), "c23"),
]


def _sizes(usv):
    u, s, vh = usv
    return u.abs(), s, vh.abs()


def _projector(usv):
    u, s, vh = usv
    return u @ vh, (u[:, :1] * s[:1]) @ vh[:1]


def _outer(v):
    return v[:, None] * v[None, :].conj()


def _by_size(t, eig):
    """Eigenvalues and sizes of eigenvectors, in an order that both libraries agree on."""
    values, vectors = eig
    order = t.argsort(values.detach().real)
    return values[order], vectors.abs()[:, order]


CASES = [*ELEMENTWISE, *LINALG, *SHAPES]
