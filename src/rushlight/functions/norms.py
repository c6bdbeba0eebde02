"""Norms of tensors taken as vectors, as people call them."""

import math

from ..core import inplace
from ..dtypes import as_dtype, float32
from ..ops import reduce
from ..ops.copying import copy
from ..ops.selection import where
from .arguments import accepts_out, check_flags, check_number, check_tensor, wrap_dim, wrap_dims
from .options import read_number
from .reduction import cast, scalar_type


def vector_norm(input, ord=2, dim=None, keepdim=False, *, dtype=None, function="linalg.vector_norm"):
    """The checked call of the operation: linalg.vector_norm and norm share it."""
    check_tensor(input, function)
    if keepdim is not False:
        check_flags(function.replace(".", "_"), 4, keepdim=keepdim)
    if not isinstance(ord, (int, float)):
        raise TypeError(f"linalg_vector_norm(): argument 'ord' (position 2) must be Number, not {type(ord).__name__}")
    if input._array.dtype.kind in "bui":
        raise RuntimeError(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {scalar_type(input)}"
        )
    if dtype is not None:
        _check_norm_dtype(input, as_dtype(dtype))
    dims = wrap_dims(dim, input._array.ndim)
    if ord < 0 or ord == math.inf:
        _check_norm_of_none(input, ord, dim, dims)
    return reduce.vector_norm(cast(input, dtype), ord=ord, dim=dims, keepdim=keepdim)


def _check_norm_dtype(input, dtype):
    if not (dtype.is_floating_point or dtype.is_complex):
        raise RuntimeError(
            f"linalg.vector_norm: dtype should be floating point or complex, but got {dtype.scalar_type}"
        )
    for kind, takes in (("complex", dtype.is_complex), ("real", not dtype.is_complex)):
        if (input._array.dtype.kind == "c") == (kind == "complex") and not takes:
            raise RuntimeError(
                f"linalg.vector_norm: dtype should be {kind} for {kind} inputs, but got {dtype.scalar_type}"
            )


def _check_norm_of_none(input, ord, dim, dims):
    shown = "inf" if ord == math.inf else "-inf" if ord == -math.inf else f"{ord:g}"
    if input._array.size and input._array.shape:
        return
    if dim is None and input._array.size == 0:
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {shown} norm on an empty tensor because the operation does not "
            "have an identity"
        )
    for d in dims:
        if input._array.shape[d] == 0:
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {shown} norm on the dimension {d}because this dimension is "
                "empty and the operation does not have an identity"
            )


@accepts_out
def norm(input, p="fro", dim=None, keepdim=False, *, dtype=None):
    """The norm of all elements taken as one vector, or over `dim`; p is a number, "fro" or "nuc".

    >>> import rushlight
    >>> rushlight.tensor([3.0, 4.0]).norm()
    tensor(5.)
    """
    check_tensor(input, "norm")
    if keepdim is not False:
        check_flags("linalg_vector_norm", 4, keepdim=keepdim)
    if p is None or (p == "fro" and (dim is None or isinstance(dim, int) or len(dim) <= 2)):
        return vector_norm(input, 2, dim, keepdim, dtype=dtype, function="norm")
    if not isinstance(p, str):
        return vector_norm(input, p, dim, keepdim, dtype=dtype, function="norm")
    from .linalg import matrix_norm

    dims = tuple(range(input._array.ndim)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if p not in ("fro", "nuc"):
        raise RuntimeError(f"linalg.matrix_norm: Order {p} not supported.")
    if len(dims) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {' '.join(map(str, dims))}")
    return matrix_norm(input, p, dims, keepdim, dtype=dtype)


def dist(input, other, p=2):
    """The p-norm of input - other.

    >>> import rushlight
    >>> rushlight.dist(rushlight.tensor([1.0, 1.0]), rushlight.tensor([4.0, 5.0]))
    tensor(5.)
    """
    check_tensor(input, "dist")
    check_tensor(other, "dist", 2, "other")
    check_number(p, "dist", 3, "p")
    difference = input - other
    if difference._array.dtype.kind in "bui":
        raise RuntimeError(
            f"norm(): input dtype should be either floating point or complex. Got {scalar_type(difference)} instead."
        )
    return reduce.dist(difference, ord=p)


# What renorm adds to norms that it divides by.
_RENORM_EPSILON = 1e-7


@accepts_out
def renorm(input, p, dim, maxnorm):
    """Each slice along `dim` whose p-norm is above maxnorm, scaled down to it.

    RuntimeError for tensors of fewer than 2 dimensions, for p <= 0 and for a negative maxnorm.

    >>> import rushlight
    >>> rushlight.renorm(rushlight.tensor([[3.0, 4.0], [0.0, 1.0]]), 2, 0, 2.5)
    tensor([[1.5000, 2.0000],
            [0.0000, 1.0000]])
    """
    check_tensor(input, "renorm")
    p, maxnorm = read_number(p, "renorm", "p", 2), read_number(maxnorm, "renorm", "maxnorm", 4)
    ndim = input._array.ndim
    if isinstance(p, complex):
        raise RuntimeError("renorm: p must be real-valued")
    if not p > 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if isinstance(maxnorm, complex):
        raise RuntimeError("renorm: maxnorm must be real-valued")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    if ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {ndim} dimensions")
    dim = wrap_dim(dim, ndim)
    wide = float32 if input._array.dtype.itemsize == 2 else None
    norms = vector_norm(input, p, [d for d in range(ndim) if d != dim], True, dtype=wide)
    scale = where(norms > maxnorm, maxnorm / (norms + _RENORM_EPSILON), 1.0)
    return input * cast(scale, input.dtype)


def renorm_(input, p, dim, maxnorm):
    """`renorm` written over this tensor, which is returned."""
    return inplace(copy, input, (renorm(input.clone(), p, dim, maxnorm),), {})


@accepts_out
def frobenius_norm(input, dim, keepdim=False):
    """The 2-norm over one dimension or two, an older name of linalg.vector_norm.

    >>> import rushlight
    >>> rushlight.frobenius_norm(rushlight.tensor([[3.0, 4.0]]), dim=1)
    tensor([5.])
    """
    check_flags("frobenius_norm", 3, keepdim=keepdim)
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    if len(dims) > 2:
        raise RuntimeError(f"Expected at most 2 dimensions, but got {len(dims)} dimensions instead.")
    return vector_norm(input, 2, dims, keepdim, function="frobenius_norm")


@accepts_out
def nuclear_norm(input, dim=(-2, -1), keepdim=False):
    """The sums of the singular values, an older name of linalg.matrix_norm(input, "nuc").

    >>> import rushlight
    >>> rushlight.nuclear_norm(2 * rushlight.eye(2))
    tensor(4.)
    """
    from .linalg import matrix_norm

    return matrix_norm(input, "nuc", dim, keepdim)


def norm_except_dim(v, pow=2, dim=0):
    """The norms of the slices of v along `dim`, in a tensor of v's dimensions; of all of v where dim is -1.

    >>> import rushlight
    >>> rushlight.norm_except_dim(rushlight.tensor([[3.0, 4.0], [6.0, 8.0]]), 2, 0)
    tensor([[ 5.],
            [10.]])
    """
    check_tensor(v, "norm_except_dim", name="v")
    if dim == -1:
        return norm(v, pow)
    dim = wrap_dim(dim, v._array.ndim)
    others = tuple([d for d in range(v._array.ndim) if d != dim])
    return norm(v, pow, others, True) if others else v.abs()


METHODS = ("dist", "norm", "renorm")
FUNCTIONS = (*METHODS, "frobenius_norm", "nuclear_norm", "norm_except_dim")
INPLACE = {"renorm_": renorm_}
