"""Products of matrices and vectors.

`matmul` multiplies batches that broadcast, for the rules of other operations; the functions people call are
made of the narrow operations before it, whose names their graph shows.
"""

import numpy as np

from .. import kernels
from ..kernels import meaning, onednn
from ..operation import in_dtype
from . import matrix_checks as check
from . import shape, shown
from .batch_rules import full, in_line, lined_up, merged, parted
from .copying import conj, expand, sum_to
from .declare import general, linear, renamed

_SINGLE = np.dtype(np.float32)


def is_narrow(x):
    """Whether an array is of 16-bit floats, which are computed in float32 and rounded once."""
    return x.dtype.itemsize == 2 and x.dtype.kind in "fV"


def product(a, b):
    """a @ b, half precision accumulated in float32."""
    if is_narrow(a):
        if a.size * b.size >= onednn.SMALLEST and onednn.enabled and _fast is not None:
            out = onednn.product(a, b)
            if out is not NotImplemented:
                return out
        return in_dtype(np.matmul(in_dtype(a, _SINGLE), in_dtype(b, _SINGLE)), a.dtype)
    if a.ndim > 2 and a.shape[-1] == 1 and a.dtype.kind in "fc":
        # Outer products of a batch: one loop, instead of a product of matrices for each.
        out = NotImplemented if _fast is None else _fast.outer(a, b)
        return np.multiply(a, b) if out is NotImplemented else out
    if a.ndim == 3 and a.shape[1] == 1 and b.shape[-1] == 1 and _fast is not None:
        out = _fast.dots(a, b)
        if out is not NotImplemented:
            return out
    if a.ndim == 3 == b.ndim and _fast is not None:
        out = _fast.bmm(a, b)
        if out is not NotImplemented:
            return out
    return np.matmul(a, b)


def wide_product(x, y):
    """x . y, accumulated in double precision."""
    if x.dtype.kind in "biu":
        return product(x, y)
    wide = meaning.accumulator(x.dtype)
    return np.matmul(x.astype(wide, copy=False), y.astype(wide, copy=False))[...].astype(x.dtype, copy=False)


def scaled(x, factor):
    """factor * x in the dtype of x; x itself for 1."""
    if factor == 1:
        return x
    if x.dtype.kind in "iu":
        factor = int(factor)
    return np.multiply(x, factor, dtype=x.dtype)


def scale(x, factor):
    """The same for a tensor."""
    return x if factor == 1 else x * factor


def added(*parts):
    """The sum of the tangents that there are."""
    parts = [part for part in parts if part is not None]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def mT(x):
    """The transpose of each matrix."""
    n = x._array.ndim
    return shape.t(x) if n == 2 else shape.transpose(x, dim0=n - 2, dim1=n - 1)


def column(x):
    """Each vector along the last dimension as a matrix of one column."""
    return shape.unsqueeze(x, dim=x._array.ndim)


def mH(x):
    """The adjoint of each matrix."""
    return mT(conj(x)) if x._array.dtype.kind == "c" else mT(x)


def multiply_samples(a, b, batched):
    """Matrix products of samples (n, k) and (k, m), either of which may be the same for all."""
    if batched[0] and not batched[1]:
        return parted(mm(merged(a), b), a._array.shape[0])
    return matmul(a, b)


def mm_samples(op, size, inputs, batched, params):
    return multiply_samples(*inputs, batched)


def mv_samples(op, size, inputs, batched, params):
    a, b = inputs
    if not batched[0]:
        return mm(b, mT(a))
    return (a * shape.unsqueeze(b, dim=b._array.ndim - 1)).sum(2)


def vm_samples(op, size, inputs, batched, params):
    a, b = inputs
    if not batched[1]:
        return mm(a, b)
    return (column(a) * b).sum(-2)


def dot_samples(op, size, inputs, batched, params):
    x, y = inputs
    return ((conj(x) if op is vdot else x) * y).sum(1)


def matmul_samples(op, size, inputs, batched, params):
    return matmul(*lined_up(inputs, batched))


def bmm_samples(op, size, inputs, batched, params):
    return matmul(*inputs)


def added_samples(multiply, multiply_all):
    """The rule of beta * c + alpha * multiply(a, b); `multiply_all` is for a or b that differ between samples."""

    def rule(op, size, inputs, batched, params):
        c, a, b = inputs
        differs = batched[1] or batched[2]
        out = scale(multiply_all(a, b, batched[1:]) if differs else multiply(a, b), params["alpha"])
        if params["beta"] == 0:
            return full(out, size, differs)
        if batched[0]:
            c = in_line(c, out._array.ndim - differs)
        return out + scale(c, params["beta"])

    return rule


def outer_samples(a, b, batched):
    return column(a) * shape.unsqueeze(b, dim=b._array.ndim - 1)


@linear(
    quiet=True,
    batch=mm_samples,
    a=lambda g, b: mm_nt(g, b),
    b=lambda g, a, fortran: mm_tn(a, g),
    aliases={"a": "self", "b": "mat2"},
)
def mm(a, b, *, fortran=False):
    """The product of two matrices. `fortran` says that b is column-major, and its gradient is to be so too."""
    check.mm(a, b)
    return product(a, b)


# The derivatives of a product are products with one matrix transposed, and theirs are so again.


@linear(
    quiet=True,
    batch=lambda op, size, inputs, batched, params: multiply_samples(inputs[0], mT(inputs[1]), batched),
    a=lambda g, b: mm(g, b),
    b=lambda g, a: mm_tn(g, a),
    backward="MmBackward0",
    aliases={"a": "self", "b": "mat2"},
)
def mm_nt(a, b):
    """a @ b.T"""
    return product(a, b.T)


@linear(
    quiet=True,
    batch=lambda op, size, inputs, batched, params: multiply_samples(mT(inputs[0]), inputs[1], batched),
    a=lambda g, b: mm_nt(b, g),
    b=lambda g, a: mm(a, g),
    backward="MmBackward0",
    aliases={"a": "self", "b": "mat2"},
)
def mm_tn(a, b):
    """a.T @ b"""
    return product(a.T, b)


@linear(
    quiet=True,
    batch=bmm_samples,
    a=lambda g, b: bmm(g, mT(b)),
    b=lambda g, a: bmm(mT(a), g),
    aliases={"a": "self", "b": "mat2"},
)
def bmm(a, b):
    check.bmm(a, b)
    return product(a, b)


@linear(
    quiet=True,
    batch=mv_samples,
    a=lambda g, b: column(g) * b,
    b=lambda g, a: vm(g, a),
    aliases={"a": "self", "b": "vec"},
)
def mv(a, b):
    check.mv(None, a, b)
    return product(a, b)


@linear(
    quiet=True,
    batch=vm_samples,
    a=lambda g, b: mv(b, g),
    b=lambda g, a: column(a) * g,
    backward="SqueezeBackward4",
)
def vm(a, b):
    """A vector times a matrix, in one node. Who looks at the node sees three: see shown.py."""
    check.mm(a[None], b)
    return product(a, b)


@linear(quiet=True, batch=dot_samples, x=lambda g, y: g * y, y=lambda g, x: g * x, aliases={"y": "tensor"})
def dot(x, y):
    check.dot(x, y)
    return wide_product(x, y)


@linear(quiet=True, batch=dot_samples, holomorphic=False, x=lambda g, y: conj(g) * y, y=lambda g, x: g * x)
def vdot(x, y):
    """conj(x) . y"""
    check.dot(x, y)
    return wide_product(np.conjugate(x), y)


def vecdot_samples(op, size, inputs, batched, params):
    x, y = inputs
    return (conj(x) * y if x._array.dtype.kind == "c" else x * y).sum(-1)


@linear(
    quiet=True,
    batch=vecdot_samples,
    holomorphic=False,
    backward="SumBackward1",
    x=lambda g, y: column(conj(g) if g._array.dtype.kind == "c" else g) * y,
    y=lambda g, x: column(g) * x,
)
def vecdot(x, y):
    """conj(x) . y for each of the vectors along the last dimension of arrays of one shape."""
    return np.vecdot(x, y)


@linear(
    quiet=True,
    batch=matmul_samples,
    a=lambda g, b, a_shape: sum_to(matmul(g, mT(b)), shape=a_shape),
    b=lambda g, a, b_shape: sum_to(matmul(mT(a), g), shape=b_shape),
    aliases={"a": "self", "b": "other"},
)
def matmul(a, b):
    """The products of two batches of matrices, whose batch dimensions broadcast."""
    return product(a, b)


# -- a product added to something


def fused(c, a, b, beta, alpha, multiply=product):
    """beta * c + alpha * multiply(a, b)."""
    if is_narrow(a):
        return fused(*[x.astype(np.float32) for x in (c, a, b)], beta, alpha, multiply).astype(a.dtype)
    prod = scaled(multiply(a, b), alpha)
    # What beta = 0 leaves out may be nan.
    return prod + scaled(c, beta) if beta != 0 else prod


def summed_product(a, b):
    return product(a, b).sum(axis=0, dtype=a.dtype)


def _tangent(c_t, prod_t, like, beta, alpha):
    """The tangent of beta * c + alpha * product in the shape of the result."""
    part = None if prod_t is None else scale(prod_t, alpha)
    if c_t is not None:
        c_t = scale(c_t, beta)
        part = expand(c_t, shape=tuple(like.shape)) if part is None else part + c_t
    return part


def _pushed(multiply):
    """The forward-mode rule of an operation that adds the bilinear `multiply` to its first input."""

    def push(a, b, c_t, a_t, b_t, out, beta, alpha):
        parts = []
        if a_t is not None:
            parts.append(multiply(a_t, b))
        if b_t is not None:
            parts.append(multiply(a, b_t))
        return _tangent(c_t, added(*parts) if parts else None, out, beta, alpha)

    return push


_NAMES = {"c": "self", "a": "mat1", "b": "mat2"}


def _to_bias(g, c_shape, beta):
    return scale(sum_to(g, shape=c_shape), beta)


@general(
    c=_to_bias,
    a=lambda g, b, alpha: mm_nt(g, b) if alpha == 1 else mm_nt(g, b) * alpha,
    b=lambda g, a, alpha, fortran: mm_tn(a, g) if alpha == 1 else mm_tn(a, g) * alpha,
    push=_pushed(lambda a, b: mm(a, b)),
    batch=added_samples(lambda a, b: mm(a, b), multiply_samples),
    aliases=_NAMES,
)
def addmm(c, a, b, *, beta=1, alpha=1, fortran=False):
    check.addmm(c, a, b)
    return fused(c, a, b, beta, alpha)


def _nt_samples(op, size, inputs, batched, params):
    rule = added_samples(lambda a, b: mm_nt(a, b), lambda a, b, batched: multiply_samples(a, mT(b), batched))
    return rule(op, size, inputs, batched, {"beta": 1, "alpha": 1})


@general(
    c=lambda g, c_shape: sum_to(g, shape=c_shape),
    a=lambda g, b: mm(g, b),
    b=lambda g, a: mm_tn(g, a),
    push=lambda a, b, c_t, a_t, b_t, out: _pushed(lambda a, b: mm_nt(a, b))(a, b, c_t, a_t, b_t, out, 1, 1),
    batch=_nt_samples,
    backward="AddmmBackward0",
    aliases=_NAMES,
)
def addmm_nt(c, a, b):
    """c + a @ b.T, as a layer computes it, in one node. Who looks at the node sees two: see shown.py."""
    check.addmm(c, a, b.T)
    return fused(c, a, b.T, 1, 1)


@general(
    c=_to_bias,
    a=lambda g, b, alpha: scale(column(g) * b, alpha),
    b=lambda g, a, alpha: scale(mv(mT(a), g), alpha),
    push=_pushed(lambda a, b: mv(a, b)),
    batch=added_samples(lambda a, b: mv(a, b), lambda a, b, batched: mv_samples(None, None, (a, b), batched, None)),
    aliases={"c": "self", "a": "mat", "b": "vec"},
)
def addmv(c, a, b, *, beta=1, alpha=1):
    check.mv(c, a, b)
    return fused(c, a, b, beta, alpha)


@general(
    c=_to_bias,
    a=lambda g, b, alpha: scale(mv(g, b), alpha),
    b=lambda g, a, alpha: scale(mv(mT(g), a), alpha),
    push=_pushed(lambda a, b: column(a) * b),
    batch=added_samples(lambda a, b: column(a) * b, outer_samples),
    aliases={"c": "self", "a": "vec1", "b": "vec2"},
)
def addr(c, a, b, *, beta=1, alpha=1):
    check.addr(c, a, b)
    if c.dtype.kind == "b":
        outer = np.multiply.outer(a, b) & bool(alpha)
        return outer | c if beta else outer
    return fused(c, a, b, beta, alpha, np.multiply.outer)


@general(
    c=_to_bias,
    a=lambda g, b, alpha: scale(matmul(g, mT(b)), alpha),
    b=lambda g, a, alpha: scale(matmul(mT(a), g), alpha),
    push=_pushed(lambda a, b: bmm(a, b).sum(0)),
    batch=added_samples(lambda a, b: bmm(a, b).sum(0), lambda a, b, batched: matmul(a, b).sum(-3)),
    aliases={"c": "self", "a": "batch1", "b": "batch2"},
)
def addbmm(c, a, b, *, beta=1, alpha=1):
    check.addbmm(c, a, b)
    return fused(c, a, b, beta, alpha, summed_product)


@general(
    c=_to_bias,
    a=lambda g, b, alpha: scale(bmm(g, mT(b)), alpha),
    b=lambda g, a, alpha: scale(bmm(mT(a), g), alpha),
    push=_pushed(lambda a, b: bmm(a, b)),
    batch=added_samples(lambda a, b: bmm(a, b), lambda a, b, batched: matmul(a, b)),
    aliases={"c": "self", "a": "batch1", "b": "batch2"},
)
def baddbmm(c, a, b, *, beta=1, alpha=1):
    check.baddbmm(c, a, b)
    return fused(c, a, b, beta, alpha)


linear_nt = renamed(mm_nt, "MmBackward0")
linear_nt.check = lambda a, b: check.mm(a, b.T)

_fast, _thin, _reduce = kernels.load("matrix"), kernels.load("thin"), kernels.load("reduce")
if _fast is not None:
    dot.accelerate(_fast.dot)
    vdot.accelerate(_fast.dot)
    addr.accelerate(_fast.addr)
    mv.accelerate(_fast.mv)
    mm.accelerate(_fast.mm, a=_fast.through_left, b=_fast.through_columns)
    mm_nt.accelerate(_fast.mm_nt, a=_fast.mm, b=_fast.mm_tn)
    mm_tn.accelerate(_fast.mm_tn, a=_fast.turned_nt, b=_fast.turned_mm)
    addmv.accelerate(_fast.addmv)
    addmm.accelerate(_fast.addmm, a=_fast.through_left, b=_fast.through_right)
# Of a matrix that lies by columns, as a transposed weight does, whose gradient is to lie so too.
mm_by_columns = renamed(mm, "MmBackward0", fortran=True)
if _thin is not None:
    addmm_nt.accelerate(_thin.affine, a=_fast.mm, b=_fast.mm_tn)
    linear_nt.accelerate(_thin.affine)
    vm.accelerate(_thin.vm, a=_thin.mv_turned, b=_thin.pairs_turned)
    mv.accelerate(a=_thin.pairs, b=_thin.vm)
if _reduce is not None:
    addmm_nt.accelerate(c=_reduce.sum_to)
    addmm.accelerate(c=lambda g, shape, beta: _reduce.sum_to(g, shape) if beta == 1 else NotImplemented)

# The same as parts of `matmul`, whose dtype autocast chooses for vectors too.
mv_in_matmul, dot_in_matmul = renamed(mv, "MvBackward0"), renamed(dot, "DotBackward0")

addmm_nt.shown = shown.with_turned_weight(renamed(addmm, "AddmmBackward0", fortran=True))
linear_nt.shown = shown.with_turned_right(mm_by_columns)
vm.shown = shown.with_row(mm)
# Asked for by what is shown alone.
vm.uses_shapes = True
