"""Products of tensors over chosen dimensions, of chains of matrices, and of vectors in space."""

import functools
import math

from ..core import TensorBase
from ..dtypes import of
from ..ops import cross as ops
from ..ops.matrix_checks import kind, number
from . import matrix
from .arguments import accepts_out, check_tensor, wrap_dim, wrap_dims

FUNCTIONS = ("tensordot", "kron", "cross", "chain_matmul")
METHODS = ("kron", "cross")
INPLACE = {}


def _same_dtype(out, result):
    own, given = of(result._array.dtype).scalar_type, of(out._array.dtype).scalar_type
    if own != given:
        raise RuntimeError(
            f"tensordot: Expected the output tensor to have dtype {own}, but got an output tensor with dtype {given}"
        )


@functools.partial(accepts_out, check=_same_dtype)
def tensordot(a, b, dims=2):
    """The sum of products over `dims`: the last dimensions of a and the first of b, or two lists of dimensions.

    >>> import rushlight
    >>> rushlight.tensordot(rushlight.ones(2, 3, 4), rushlight.ones(4, 3, 5), dims=([1, 2], [1, 0])).shape
    rushlight.Size([2, 5])
    """
    check_tensor(a, "tensordot")
    check_tensor(b, "tensordot", 2, "other")
    first, second = _dimensions(a._array, b._array, dims)
    if a._array.dtype != b._array.dtype:
        raise RuntimeError("both inputs should have same dtype")
    if len(first) != len(second):
        raise RuntimeError("both dimension lists should have same length")
    n, m = a._array.ndim, b._array.ndim
    for d, e in zip(first, second):
        i, j = a._array.shape[wrap_dim(d, n)], b._array.shape[wrap_dim(e, m)]
        if i != j and i != 1 and j != 1:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {i} in dim {d} and second has size "
                f"{j} in dim {e}"
            )
        # A dimension of size 1 stands for as many equal ones.
        a = a.sum(d, keepdim=True, dtype=a.dtype) if j == 1 != i else a
        b = b.sum(e, keepdim=True, dtype=b.dtype) if i == 1 != j else b
    first = wrap_dims(first, n) if first else ()
    second = wrap_dims(second, m) if second else ()
    free = [d for d in range(n) if d not in first]
    other = [d for d in range(m) if d not in second]
    width = math.prod([a._array.shape[d] for d in first])
    shape = [a._array.shape[d] for d in free] + [b._array.shape[d] for d in other]
    left = _laid_out(a, (*free, *first), (math.prod(shape[: len(free)]), width))
    right = _laid_out(b, (*second, *other), (width, math.prod(shape[len(free) :])))
    return matrix.times(left, right).reshape(tuple(shape))


def _laid_out(x, order, shape):
    """x with its dimensions in that order, as a matrix."""
    if order != tuple(range(len(order))):
        x = x.permute(order)
    return x if x._array.shape == shape else x.reshape(shape)


def _dimensions(a, b, dims):
    """The two lists of dimensions to sum over."""
    if isinstance(dims, TensorBase):
        dims = dims.tolist()
    if isinstance(dims, (list, tuple)):
        first, second = dims
        for position, given in enumerate((first, second)):
            if not isinstance(given, (list, tuple)):
                raise TypeError(
                    f"tensordot(): argument 'dims_{('self', 'other')[position]}' (position {position + 3}) must "
                    "be tuple of "
                    f"ints, not {type(given).__name__}"
                )
        return list(first), list(second)
    if not isinstance(dims, int):
        raise RuntimeError(
            "tensordot expects dims to be int or tuple[list[int], list[int]] or list[list[int]] containing two "
            "lists, "
            f"but got dims={dims}"
        )
    if dims < 0:
        raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
    if dims > min(a.ndim, b.ndim):
        raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
    return list(range(-dims, 0)), list(range(dims))


@accepts_out
def kron(input, other):
    """The Kronecker product: other, times each element of input, laid out in blocks.

    >>> import rushlight
    >>> rushlight.kron(rushlight.eye(2), rushlight.ones(1, 2))
    tensor([[1., 1., 0., 0.],
            [0., 0., 1., 1.]])
    """
    check_tensor(input, "kron")
    check_tensor(other, "kron", 2, "other")
    a, b = input._array.shape, other._array.shape
    n = max(len(a), len(b))
    a, b = (1,) * (n - len(a)) + a, (1,) * (n - len(b)) + b
    left = input.reshape([size for s in a for size in (s, 1)])
    right = other.reshape([size for s in b for size in (1, s)])
    return (left * right).reshape([s * t for s, t in zip(a, b)])


@accepts_out
def cross(input, other, dim=None):
    """The cross product of vectors of 3 along `dim`, by default the first dimension of size 3."""
    check_tensor(input, "cross")
    check_tensor(other, "cross", 2, "other")
    if dim is None:
        threes = [k for k, size in enumerate(input._array.shape) if size == 3]
        if input._array.ndim == other._array.ndim and not threes:
            raise RuntimeError("no dimension of size 3 in input")
        dim = threes[0] if threes else -1
    return crossed(input, other, dim)


def crossed(x, y, dim):
    """The cross product along `dim`."""
    a, b = x._array, y._array
    if a.ndim != b.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    wrapped = wrap_dim(dim, a.ndim)
    if a.ndim == 0 or a.shape[wrapped] != 3 or b.shape[wrapped] != 3:
        sizes = (1, 1) if a.ndim == 0 else (a.shape[wrapped], b.shape[wrapped])
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {sizes[0]} and {sizes[1]}")
    matrix.broadcast_batches(a.shape, b.shape)
    if a.dtype != b.dtype:
        raise RuntimeError(f"expected scalar type {kind(a)} but found {kind(b)}")
    return ops.cross(x, y, dim=wrapped)


@accepts_out
def chain_matmul(*matrices):
    """The product of matrices, in the order of the fewest multiplications; multi_dot of the namespace linalg."""
    for x in matrices:
        if x._array.ndim != 2:
            raise RuntimeError(f"Tensor dimension is {x._array.ndim}, expected 2 instead.")
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    return matrices[0] if len(matrices) == 1 else chained(matrices)


@accepts_out
def multi_dot(tensors):
    """The product of two or more matrices (the first and the last may be vectors), in the cheapest order."""
    n = len(tensors)
    if n < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {n}")
    for k, x in enumerate(tensors):
        dims = x._array.ndim
        if k in (0, n - 1) and dims not in (1, 2):
            raise RuntimeError(
                f"multi_dot(): the {'first' if k == 0 else 'last'} tensor must be 1D or 2D but got {dims}D"
            )
        if 0 < k < n - 1 and dims != 2:
            raise RuntimeError(f"multi_dot(): tensor {k} must be 2D but got {dims}D")
    _check_chain(tensors)
    first, last = tensors[0], tensors[-1]
    shape = [*first._array.shape[:-1], *(last._array.shape[1:])]
    matrices = list(tensors)
    if first._array.ndim == 1:
        matrices[0] = first.unsqueeze(0)
    if last._array.ndim == 1:
        matrices[-1] = last.unsqueeze(-1)
    return chained(matrices).reshape(tuple(shape))


def _check_chain(tensors):
    for k in range(1, len(tensors)):
        before, x = tensors[k - 1]._array, tensors[k]._array
        if tensors[0]._array.dtype != x.dtype:
            raise RuntimeError(
                "multi_dot(): all tensors must have be the same dtype but tensor 0 is "
                f"{number(of(tensors[0]._array.dtype))} and tensor {k} {number(of(x.dtype))}"
            )
        if before.shape[-1] != x.shape[0]:
            raise RuntimeError(
                f"multi_dot(): tensors {k - 1} and {k} with shapes {list(before.shape)} and {list(x.shape)} "
                "cannot be "
                "multiplied"
            )


def chained(matrices):
    """The product of matrices, by dynamic programming over where to split."""
    n = len(matrices)
    sizes = [x._array.shape[0] for x in matrices] + [matrices[-1]._array.shape[1]]
    cost = [[0] * n for _ in range(n)]
    split = [[0] * n for _ in range(n)]
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i][j], split[i][j] = min(
                (cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )

    def product(i, j):
        if i == j:
            return matrices[i]
        k = split[i][j]
        return matrix.times(product(i, k), product(k + 1, j))

    return product(0, n - 1)
