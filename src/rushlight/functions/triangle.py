"""Diagonals and triangles of matrices."""

import numpy as np

from ..core import apply, inplace
from ..dtypes import int64
from ..ops import shape as views
from ..ops import triangle as ops
from .arguments import accepts_out, check_index, check_tensor, wrap_dim
from .options import allocate, check_place, finished, numpy_dtype
from .reduction import refuse
from .shape import flatten


def _planes(offset, dim1, dim2, ndim):
    first, second = wrap_dim(dim1, ndim), wrap_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return {"offset": offset, "dim1": first, "dim2": second}


def diagonal(input, offset=0, dim1=0, dim2=1):
    """A view of the diagonal of two dimensions, as a new last one.

    >>> import rushlight
    >>> rushlight.eye(2).diagonal()
    tensor([1., 1.])
    """
    check_tensor(input, "diagonal")
    if dim1 == 0 and dim2 == 1 and input._array.ndim > 1:
        return apply(views.diagonal, (input,), {"offset": offset, "dim1": 0, "dim2": 1})
    return apply(views.diagonal, (input,), _planes(offset, dim1, dim2, input._array.ndim))


@accepts_out
def diag(input, diagonal=0):
    """The diagonal of a matrix as a copy; the matrix with a vector on its diagonal.

    >>> import rushlight
    >>> rushlight.tensor([1, 2]).diag()
    tensor([[1, 0],
            [0, 2]])
    """
    check_tensor(input, "diag")
    ndim = input._array.ndim
    if ndim == 1:
        return ops.diag_embed(input, offset=diagonal, dim1=0, dim2=1)
    if ndim == 2:
        return views.diagonal_copy(input, offset=diagonal, dim1=0, dim2=1)
    raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {ndim}D")


def diag_embed(input, offset=0, dim1=-2, dim2=-1):
    """The last dimension on the diagonal of two new ones, zeros elsewhere."""
    check_tensor(input, "diag_embed")
    ndim = input._array.ndim
    return ops.diag_embed(input, **_planes(offset, dim1, dim2, ndim + 1))


def diagflat(input, offset=0):
    """A matrix with all elements of the tensor on its diagonal."""
    check_tensor(input, "diagflat")
    return ops.diag_embed(flatten(input), offset=offset, dim1=0, dim2=1)


def diagonal_scatter(input, src, offset=0, dim1=0, dim2=1):
    """A copy of the tensor with `src` on a diagonal."""
    check_tensor(input, "diagonal_scatter")
    check_tensor(src, "diagonal_scatter", 2, "src")
    planes = _planes(offset, dim1, dim2, input._array.ndim)
    want = input._array.diagonal(offset, planes["dim1"], planes["dim2"]).shape
    if src._array.shape != want:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = {list(src._array.shape)}, slice size "
            "= "
            f"{list(want)}"
        )
    return ops.diagonal_scatter(input, src, **planes)


def trace(input):
    """The sum of a matrix's diagonal."""
    check_tensor(input, "trace")
    if input._array.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input._array.ndim}")
    refuse(input, "b", "trace")
    return ops.trace(input)


def _matrix(input, function):
    check_tensor(input, function)
    if input._array.ndim < 2:
        raise RuntimeError(f"{function}: input tensor must have at least 2 dimensions")


@accepts_out
def tril(input, diagonal=0):
    """A copy of each matrix with zeros above a diagonal.

    >>> import rushlight
    >>> rushlight.ones(2, 2).tril()
    tensor([[1., 0.],
            [1., 1.]])
    """
    _matrix(input, "tril")
    return ops.tril(input, diagonal=check_index(diagonal, "tril", 2, "diagonal"))


@accepts_out
def triu(input, diagonal=0):
    """A copy of each matrix with zeros below a diagonal."""
    _matrix(input, "triu")
    return ops.triu(input, diagonal=check_index(diagonal, "triu", 2, "diagonal"))


def tril_(input, diagonal=0):
    """Write zeros above a diagonal of each matrix (*, n, m)."""
    _matrix(input, "tril")
    return inplace(ops.tril, input, (), {"diagonal": diagonal})


def triu_(input, diagonal=0):
    """Write zeros below a diagonal of each matrix (*, n, m)."""
    _matrix(input, "triu")
    return inplace(ops.triu, input, (), {"diagonal": diagonal})


def tril_indices(
    row, col, offset=0, *, dtype=int64, device="cpu", layout=None, pin_memory=False, requires_grad=False
):  # fmt: skip
    """The indices of the entries on and below a diagonal: a (2, n) tensor of rows and columns."""
    return _triangle("tril_indices", row, col, offset, dtype, device, layout, pin_memory, requires_grad)


def triu_indices(
    row, col, offset=0, *, dtype=int64, device="cpu", layout=None, pin_memory=False, requires_grad=False
):  # fmt: skip
    """The indices of the entries on and above a diagonal: a (2, n) tensor of rows and columns."""
    return _triangle("triu_indices", row, col, offset, dtype, device, layout, pin_memory, requires_grad)


def _triangle(function, row, col, offset, dtype, device, layout, pin_memory, requires_grad):
    for name, n in (("row", row), ("col", col)):
        if n < 0:
            raise RuntimeError(f"{name} must be non-negative, got{n}")
    check_place(function, device, layout, pin_memory)
    target = numpy_dtype(dtype, function)
    if target.kind not in "iu" and target.kind != "f":
        raise NotImplementedError(f"\"{function}\" not implemented for '{target}'")
    upper = function == "triu_indices"
    count = row * col - _below(row, col, offset - 1) if upper else _below(row, col, offset)
    if count == 0 or count > _MANY:
        # The rows are walked through to find the entries: refused at once where their places have no room.
        places = allocate(np.empty, (2, count), np.dtype(np.int64))
    if count:
        places = ops.indices(row, col, offset, upper)
    return finished(places.astype(target, copy=False), requires_grad, function)


def _below(row, col, offset):
    """How many entries are on and below a diagonal: rows get longer one by one until they are whole."""
    first = min(max(-offset, 0), row)
    whole = min(max(col - 1 - offset, first), row)
    return (whole - first) * (first + whole + 1 + 2 * offset) // 2 + (row - whole) * col


_MANY = 1 << 27

FUNCTIONS = (
    "diag", "diag_embed", "diagflat", "diagonal", "diagonal_scatter", "trace", "tril", "tril_indices", "triu",
    "triu_indices",
)  # fmt: skip
METHODS = ("diag", "diag_embed", "diagflat", "diagonal", "diagonal_scatter", "trace", "tril", "triu")
INPLACE = {"tril_": tril_, "triu_": triu_}
