"""Products of matrices and vectors."""

import functools

from .. import core
from ..calls import ordinary
from ..core import TensorBase
from ..dtypes import of
from ..ops import matrix as ops
from ..ops.shape import unsafe_view
from .arguments import accepts_out, check_optional, check_tensor, check_tensors
from .options import check_factors
from .outputs import expected

FUNCTIONS = (
    "mm", "bmm", "mv", "dot", "vdot", "matmul", "addmm", "addmv", "addr", "addbmm", "baddbmm", "outer", "ger", "inner",
)  # fmt: skip
METHODS = FUNCTIONS


def column_major(y):
    """Whether a matrix lies in memory as the transpose of a contiguous one."""
    strides = y._array.strides
    return strides[0] == y._array.itemsize < strides[1]


def _both(x, y, function, name="other"):
    check_tensor(x, function)
    check_tensor(y, function, 2, name)


def times(x, y):
    """The product of two tensors that should be matrices."""
    by_columns = y._array.ndim == 2 and column_major(y)
    return core.call2(ops.mm_by_columns if by_columns else ops.mm, x, y)


def _same_dtype(out, result):
    own, given = of(result._array.dtype).scalar_type, of(out._array.dtype).scalar_type
    if own == given:
        return
    if result._array.ndim == 0:
        raise RuntimeError(f"result dtype {given} does not match input dtype {own}")
    expected(out, of(result._array.dtype))


_written_as_it_is = functools.partial(accepts_out, check=_same_dtype)


@_written_as_it_is
def mm(input, mat2):
    """The product of an (n, m) and an (m, p) matrix; RuntimeError where sizes or dtypes do not fit.

    >>> import rushlight
    >>> rushlight.mm(rushlight.ones(2, 3), rushlight.ones(3, 1))
    tensor([[3.],
            [3.]])
    """
    _both(input, mat2, "mm", "mat2")
    return times(input, mat2)


@_written_as_it_is
def bmm(input, mat2):
    """The products of the matrices in two batches: (b, n, m) by (b, m, p).

    >>> import rushlight
    >>> rushlight.bmm(rushlight.ones(5, 2, 3), rushlight.ones(5, 3, 4)).shape
    rushlight.Size([5, 2, 4])
    """
    _both(input, mat2, "bmm", "mat2")
    return ops.bmm(input, mat2)


@_written_as_it_is
def mv(input, vec):
    """The product of an (n, m) matrix and a vector of m.

    >>> import rushlight
    >>> rushlight.mv(rushlight.ones(2, 3), rushlight.ones(3))
    tensor([3., 3.])
    """
    _both(input, vec, "mv", "vec")
    return ops.mv(input, vec)


@_written_as_it_is
def dot(input, tensor):
    """The sum of the products of two vectors' elements.

    >>> import rushlight
    >>> rushlight.dot(rushlight.ones(3), rushlight.ones(3))
    tensor(3.)
    """
    _both(input, tensor, "dot", "tensor")
    return ops.dot(input, tensor)


@_written_as_it_is
def vdot(input, other):
    """The dot product of input's conjugate and other: two vectors (n,) of one dtype give a scalar."""
    _both(input, other, "vdot")
    return ops.vdot(input, other)


@_written_as_it_is
def matmul(input, other):
    """The matrix product of two tensors: of vectors, matrices, or batches of matrices that broadcast.

    A vector on the left counts as a row, one on the right as a column. RuntimeError where sizes or dtypes do not fit.

    >>> import rushlight
    >>> rushlight.matmul(rushlight.ones(5, 2, 3), rushlight.ones(3, 4)).shape
    rushlight.Size([5, 2, 4])
    """
    _both(input, other, "matmul")
    return multiplied(input, other)


def operator(x, y):
    """What `@` does."""
    if isinstance(x, TensorBase) and isinstance(y, TensorBase):
        return multiplied(x, y)
    return NotImplemented


def multiplied(x, y):
    n, m = x._array.ndim, y._array.ndim
    if n == 2 == m:
        return times(x, y)
    if n == 0 or m == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {n}D and {m}D")
    if m == 1:
        return _by_vector(x, y, n)
    if n == 1:
        return _vector_by(x, y, m)
    if m == 2:
        shape = x._array.shape
        rows = x.reshape(rows_of(shape), shape[-1])
        return unsafe_view(times(rows, y), shape=(*shape[:-1], y._array.shape[-1]))
    return _batched(x, y)


def rows_of(shape):
    """How many vectors lie along the last dimension."""
    count = 1
    for size in shape[:-1]:
        count *= size
    return count


def _by_vector(x, y, n):
    if n == 1:
        return ops.dot_in_matmul(x, y)
    if n == 2:
        return ops.mv_in_matmul(x, y)
    shape = x._array.shape
    return unsafe_view(ops.mv_in_matmul(x.reshape(rows_of(shape), shape[-1]), y), shape=shape[:-1])


def _vector_by(x, y, m):
    if m == 2:
        return core.call2(ops.vm, x, y) if ordinary(x) and ordinary(y) else times(x.unsqueeze(0), y).squeeze(0)
    # A row times each matrix is each transposed matrix times a column.
    if x._array.shape[0] != y._array.shape[-2]:
        return _batched(x.unsqueeze(0), y).squeeze(-2)
    return _by_vector(y.transpose(-2, -1), x, m)


def _batched(x, y):
    """The products of two batches of matrices, one of them of three dimensions or more."""
    a, b = x._array.shape, y._array.shape
    batch = broadcast_batches(a[:-2], b[:-2])
    count = 1
    for size in batch:
        count *= size
    left = _expanded(x, batch).reshape(count, *a[-2:])
    right = _expanded(y, batch).reshape(count, *b[-2:])
    return unsafe_view(ops.bmm(left, right), shape=(*batch, a[-2], b[-1]))


def _expanded(x, batch):
    shape = x._array.shape
    return x if shape[:-2] == batch else x.expand(*batch, *shape[-2:])


def broadcast_batches(a, b):
    """The shape that two batch shapes broadcast to."""
    if a == b:
        return a
    n = max(len(a), len(b))
    padded_a, padded_b = (1,) * (n - len(a)) + tuple(a), (1,) * (n - len(b)) + tuple(b)
    out = []
    for k, (i, j) in enumerate(zip(padded_a, padded_b)):
        if i != j and i != 1 and j != 1:
            raise RuntimeError(
                f"The size of tensor a ({i}) must match the size of tensor b ({j}) at non-singleton dimension {k}"
            )
        out.append(j if i == 1 else i)
    return tuple(out)


# -- a product added to something


@_written_as_it_is
def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    """beta * input + alpha * (mat1 @ mat2); input broadcasts to the product.

    >>> import rushlight
    >>> rushlight.addmm(rushlight.ones(2), rushlight.ones(1, 3), rushlight.ones(3, 2))
    tensor([[4., 4.]])
    """
    _three("addmm", input, mat1, "mat1", mat2, "mat2", beta, alpha)
    fortran = mat2._array.ndim == 2 and column_major(mat2)
    return ops.addmm(input, mat1, mat2, beta=beta, alpha=alpha, fortran=fortran)


def _three(function, input, first, first_name, second, second_name, beta, alpha):
    check_tensor(input, function)
    check_tensor(first, function, 2, first_name)
    check_tensor(second, function, 3, second_name)
    check_factors(function, beta, alpha, first)


@_written_as_it_is
def addmv(input, mat, vec, *, beta=1, alpha=1):
    """beta * input + alpha * (mat @ vec)."""
    _three("addmv", input, mat, "mat", vec, "vec", beta, alpha)
    return ops.addmv(input, mat, vec, beta=beta, alpha=alpha)


@accepts_out
def addr(input, vec1, vec2, *, beta=1, alpha=1):
    """beta * input + alpha * outer(vec1, vec2)."""
    _three("addr", input, vec1, "vec1", vec2, "vec2", beta, alpha)
    _check_factors(input, vec1, vec2, beta, alpha)
    return ops.addr(input, vec1, vec2, beta=beta, alpha=alpha)


def _check_factors(input, vec1, vec2, beta, alpha):
    kinds = {x._array.dtype.kind for x in (input, vec1, vec2)}
    if not kinds <= set("biu"):
        return
    for name, factor in ("beta", beta), ("alpha", alpha):
        if isinstance(factor, float):
            raise RuntimeError(f"For integral input tensors, argument {name} must not be a floating point number.")


@_written_as_it_is
def addbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta * input + alpha * the sum of the products of the matrices in two batches."""
    _three("addbmm", input, batch1, "batch1", batch2, "batch2", beta, alpha)
    return ops.addbmm(input, batch1, batch2, beta=beta, alpha=alpha)


@_written_as_it_is
def baddbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta * input + alpha * bmm(batch1, batch2)."""
    _three("baddbmm", input, batch1, "batch1", batch2, "batch2", beta, alpha)
    return ops.baddbmm(input, batch1, batch2, beta=beta, alpha=alpha)


def _check_target(input, x, y, shape):
    """Refuse to write a product of matrices that fit over a tensor of another size."""
    a, b, target = x._array, y._array, input._array
    if a.ndim + b.ndim > 2 and a.shape[-1] == b.shape[-2 if b.ndim > 1 else 0] and target.dtype == a.dtype == b.dtype:
        if target.shape != shape and target.ndim <= 3:
            raise RuntimeError(
                f"Bad in-place call: input tensor size {list(target.shape)} and output tensor size {list(shape)} "
                "should match"
            )


def addmm_(input, mat1, mat2, *, beta=1, alpha=1):
    """addmm, written over the tensor."""
    check_factors("addmm_", beta, alpha, input)
    if mat1._array.ndim == 2 == mat2._array.ndim:
        _check_target(input, mat1, mat2, (mat1._array.shape[0], mat2._array.shape[1]))
    return core.inplace(ops.addmm, input, (mat1, mat2), {"beta": beta, "alpha": alpha, "fortran": False})


def addmv_(input, mat, vec, *, beta=1, alpha=1):
    """addmv, written over the tensor."""
    check_tensors("addmv_", input=input, mat=mat, vec=vec)
    check_factors("addmv_", beta, alpha, input)
    if mat._array.ndim == 2 == vec._array.ndim + 1 and input._array.ndim < 2 and input._array.size == 1:
        _check_target(input, mat, vec, mat._array.shape[:1])
    return core.inplace(ops.addmv, input, (mat, vec), {"beta": beta, "alpha": alpha})


def addr_(input, vec1, vec2, *, beta=1, alpha=1):
    """addr, written over the tensor."""
    check_factors("addr_", beta, alpha, input)
    _check_factors(input, vec1, vec2, beta, alpha)
    target, a, b = input._array, vec1._array, vec2._array
    if a.ndim == 1 == b.ndim:
        if target.ndim != 2:
            raise RuntimeError(f"2D tensor expected, got {target.ndim}D tensor for input")
        if target.shape != (a.shape[0], b.shape[0]):
            raise RuntimeError(f"size mismatch, input: {list(target.shape)}, v1: {list(a.shape)}, v2: {list(b.shape)}")
    return core.inplace(ops.addr, input, (vec1, vec2), {"beta": beta, "alpha": alpha})


def addbmm_(input, batch1, batch2, *, beta=1, alpha=1):
    """addbmm, written over the tensor."""
    check_factors("addbmm_", beta, alpha, input)
    return core.inplace(ops.addbmm, input, (batch1, batch2), {"beta": beta, "alpha": alpha})


def baddbmm_(input, batch1, batch2, *, beta=1, alpha=1):
    """baddbmm, written over the tensor."""
    check_factors("baddbmm_", beta, alpha, input)
    a, b = batch1._array, batch2._array
    if a.ndim == 3 == b.ndim and a.shape[0] == b.shape[0]:
        shape = (*a.shape[:2], b.shape[2])
        if all([n in (1, m) for n, m in zip(input._array.shape[::-1], shape[::-1])]):
            _check_target(input, batch1, batch2, shape)
    return core.inplace(ops.baddbmm, input, (batch1, batch2), {"beta": beta, "alpha": alpha})


INPLACE = {"addmm_": addmm_, "addmv_": addmv_, "addr_": addr_, "addbmm_": addbmm_, "baddbmm_": baddbmm_}


# -- products of all pairs


@accepts_out
def outer(input, vec2):
    """All products of an element of one vector and one of the other: (n,) and (m,) give (n, m).

    >>> import rushlight
    >>> rushlight.outer(rushlight.ones(2), rushlight.arange(3))
    tensor([[0., 1., 2.],
            [0., 1., 2.]])
    """
    _both(input, vec2, "outer", "vec2")
    for name, vector in ("self", input), ("vec2", vec2):
        if vector._array.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {vector._array.ndim}-D")
    return input.reshape(-1, 1) * vec2


ger = outer


@accepts_out
def inner(input, other):
    """The dot products of all vectors along the last dimensions of two tensors.

    >>> import rushlight
    >>> rushlight.inner(rushlight.ones(2, 3), rushlight.ones(4, 3)).shape
    rushlight.Size([2, 4])
    """
    _both(input, other, "inner")
    a, b = input._array, other._array
    if a.ndim == 0 or b.ndim == 0:
        return input * other
    if a.shape[-1] != b.shape[-1]:
        raise RuntimeError(
            f"inner() the last dimension must match on both input tensors but got shapes {list(a.shape)} and "
            f"{list(b.shape)}"
        )
    if a.ndim == b.ndim == 2 and a.dtype == b.dtype:
        return times(input, other.permute(1, 0)).reshape(a.shape[0], b.shape[0])
    from .contraction import tensordot

    return tensordot(input, other, dims=([-1], [-1]))


# -- layers


def bilinear(input1, input2, weight, bias=None):
    """input1 @ weight[k] @ input2 for each k, plus bias: (..., a), (..., b) and (out, a, b) give (..., out)."""
    check_tensors("bilinear", input1=input1, input2=input2, weight=weight)
    check_optional(bias, "bilinear", 4, "bias")
    a, b, w = input1._array, input2._array, weight._array
    if a.ndim != b.ndim:
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {a.ndim} and {b.ndim}")
    for k in range(a.ndim - 1):
        if a.shape[k] != b.shape[k]:
            raise RuntimeError(
                f"bilinear(): input batch dimensions do not match at dim {k}: got {a.shape[k]} and {b.shape[k]}"
            )
    for k, x in (1, a), (2, b):
        if x.shape[-1] != w.shape[k]:
            raise RuntimeError(
                f"bilinear(): input{k} size does not match weight size: got {x.shape[-1]} but expected {w.shape[k]}"
            )
    if bias is not None and bias._array.shape[0] != w.shape[0]:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {bias._array.shape[0]} but expected {w.shape[0]}"
        )
    n, m = w.shape[1:]
    rows = rows_of(a.shape)
    # (rows, a) by (a, out * b), then the sum over b.
    partial = times(input1.reshape(rows, n), weight.permute(1, 0, 2).reshape(n, w.shape[0] * m))
    out = (partial.reshape(rows, w.shape[0], m) * input2.reshape(rows, 1, m)).sum(-1)
    out = out.reshape(*a.shape[:-1], w.shape[0])
    return out if bias is None else out + bias
