"""Running sums and products, differences, and integrals by the trapezoidal rule, as people call them."""

import functools

import numpy as np

from ..core import TensorBase, inplace, wrap
from ..ops import cumulative
from . import return_types
from .arguments import accepts_out, check_optional, check_tensor, numpy_names, wrap_dim
from .reduction import cast, refuse


def _along(function, input, dim):
    check_tensor(input, function)
    if not isinstance(dim, int) and not hasattr(dim, "__index__"):
        raise TypeError(f"{function}(): argument 'dim' (position 1) must be int, not {type(dim).__name__}")
    return wrap_dim(dim, input._array.ndim)


def _running(op, input, dim, dtype, named):
    if named:
        dim, _ = numpy_names(op.name, named, dim, False)
    if dim is None:
        raise TypeError(f'{op.name}() missing 1 required positional arguments: "dim"')
    dim = _along(op.name, input, dim)
    given = cast(input, dtype)
    if dtype is not None:
        refuse(given, "b", f"{op.name}_out_cpu")
    return cast(op(given, dim=dim), dtype)


_accumulates = functools.partial(accepts_out, accumulates=True)


@_accumulates
def cumsum(input, dim=None, *, dtype=None, **named):
    """The sums of all elements up to each along `dim`; int64 for integers and bools.

    >>> import rushlight
    >>> rushlight.tensor([1.0, 2.0, 3.0]).cumsum(0)
    tensor([1., 3., 6.])
    """
    return _running(cumulative.cumsum, input, dim, dtype, named)


@_accumulates
def cumprod(input, dim=None, *, dtype=None, **named):
    """The products of all elements up to each along `dim`; int64 for integers and bools.

    >>> import rushlight
    >>> rushlight.tensor([1, 2, 3]).cumprod(0)
    tensor([1, 2, 6])
    """
    return _running(cumulative.cumprod, input, dim, dtype, named)


@accepts_out
def logcumsumexp(input, dim):
    """log(cumsum(exp(input))) along `dim`, without overflow.

    >>> import rushlight
    >>> rushlight.logcumsumexp(rushlight.zeros(2), 0)
    tensor([0.0000, 0.6931])
    """
    dim = _along("logcumsumexp", input, dim)
    refuse(input, "bui", "logcumsumexp_out_cpu")
    return cumulative.logcumsumexp(input, dim=dim)


@accepts_out
def cummax(input, dim):
    """(values, indices) of the largest element up to each along `dim`, the last of several.

    >>> import rushlight
    >>> rushlight.tensor([1, 3, 2]).cummax(0).values
    tensor([1, 3, 3])
    """
    dim = _along("cummax", input, dim)
    refuse(input, "c", "cummax_cpu")
    return return_types.cummax(cumulative.cummax(input, dim=dim))


@accepts_out
def cummin(input, dim):
    """(values, indices) of the smallest element up to each along `dim`, the last of several.

    >>> import rushlight
    >>> rushlight.tensor([2, 3, 1]).cummin(0).values
    tensor([2, 2, 1])
    """
    dim = _along("cummin", input, dim)
    refuse(input, "c", "cummin_cpu")
    return return_types.cummin(cumulative.cummin(input, dim=dim))


# ---- differences and integrals


def _between(input, dim, start, stop):
    return input[(slice(None),) * dim + (slice(start, stop),)]


@accepts_out
def diff(input, n=1, dim=-1, prepend=None, append=None):
    """The n-th differences of neighbours along `dim`, what is to be prepended and appended included.

    >>> import rushlight
    >>> rushlight.diff(rushlight.tensor([1, 3, 6]))
    tensor([2, 3])
    """
    check_tensor(input, "diff")
    check_optional(prepend, "diff", 4, "prepend")
    check_optional(append, "diff", 5, "append")
    if input._array.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    dim = wrap_dim(dim, input._array.ndim)
    parts = [part for part in (prepend, input, append) if part is not None]
    if len(parts) > 1:
        from .joining import cat

        for part in parts:
            _check_joins(input, part, dim)
        input = cat(parts, dim) if n else input
    if n == 0:
        return input.clone()
    for _ in range(min(n, input._array.shape[dim])):
        later, earlier = _between(input, dim, 1, None), _between(input, dim, None, -1)
        input = later != earlier if input._array.dtype.kind == "b" else later - earlier
    return input


def _check_joins(input, part, dim):
    if part._array.ndim != input._array.ndim:
        raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    for d, (n, m) in enumerate(zip(input._array.shape, part._array.shape)):
        if d != dim and n != m:
            raise RuntimeError(
                "diff expects the shape of tensor to prepend or append to match that of input except along the "
                f"differencing dimension; input.size({d}) = {n}, but got tensor.size({d}) = {m}"
            )


def _panels(y, dim):
    """The sums of neighbouring samples."""
    return _between(y, dim, 1, None) + _between(y, dim, None, -1)


def _steps(name, y, x, dx, dim):
    """How far samples are apart, a number or a tensor; and the dimension along which they lie."""
    check_tensor(y, name, name="y")
    if x is not None and dx is not None:
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got (Tensor, dx={type(dx).__name__}, x=Tensor)"
        )
    ndim = y._array.ndim
    if ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    dim = wrap_dim(dim, ndim)
    given, names = ([x, y], "`x` or `y`") if isinstance(x, TensorBase) else ([y], "`y`")
    if [samples for samples in given if samples._array.dtype.kind == "b"]:
        raise RuntimeError(f"{name}: received a bool input for {names}, but bool is not supported")
    if len(given) == 1:
        return 1 if dx is None and x is None else dx if x is None else x, dim
    along = x._array.ndim - ndim + dim if x._array.ndim > 1 else 0
    if x._array.shape[along] != y._array.shape[dim]:
        raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
    if x._array.ndim == 1:
        x = x.reshape([-1 if d == dim else 1 for d in range(ndim)])
    elif x._array.ndim < ndim:
        x = x.reshape((1,) * (ndim - x._array.ndim) + x._array.shape)
    return diff(x, dim=dim), dim


def trapezoid(y, x=None, *, dx=None, dim=-1):
    """The integral of samples y along `dim`, at the places x or `dx` apart, by the trapezoidal rule.

    >>> import rushlight
    >>> rushlight.trapezoid(rushlight.tensor([1.0, 2.0, 3.0]))
    tensor(4.)
    """
    steps, dim = _steps("trapezoid", y, x, dx, dim)
    if isinstance(steps, TensorBase):
        return (_panels(y, dim) * steps).sum(dim) / 2.0
    if y._array.shape[dim] == 0:
        return y.sum(dim, dtype=y.dtype)
    if y.requires_grad:
        # The gradient is then one product with the weights, instead of three tensors of y's size that are added.
        weights = np.ones(y._array.shape[dim], y._array.dtype)
        weights[0] -= 0.5
        weights[-1] -= 0.5
        return (y * wrap(weights.reshape(-1, *(1,) * (y._array.ndim - 1 - dim)))).sum(dim) * steps
    ends = y.select(dim, 0) + y.select(dim, -1)
    return (y.sum(dim) - ends / 2.0) * steps


def cumulative_trapezoid(y, x=None, *, dx=None, dim=-1):
    """The integrals of y up to each sample but the first, by the trapezoidal rule.

    >>> import rushlight
    >>> rushlight.cumulative_trapezoid(rushlight.tensor([1.0, 2.0, 3.0]))
    tensor([1.5000, 4.0000])
    """
    steps, dim = _steps("cumulative_trapezoid", y, x, dx, dim)
    if isinstance(steps, TensorBase):
        return (_panels(y, dim) * steps).cumsum(dim) / 2.0
    return _panels(y, dim).cumsum(dim) * (steps / 2.0)


trapz = trapezoid


def cumsum_(input, dim, *, dtype=None):
    """`cumsum`, written over the tensor."""
    return inplace(cumulative.cumsum, input, (), {"dim": _along("cumsum_", input, dim), "reverse": False})


def cumprod_(input, dim, *, dtype=None):
    """`cumprod`, written over the tensor."""
    return inplace(cumulative.cumprod, input, (), {"dim": _along("cumprod_", input, dim)})


METHODS = ("cummax", "cummin", "cumprod", "cumsum", "diff", "logcumsumexp")
FUNCTIONS = (*METHODS, "cumulative_trapezoid", "trapezoid", "trapz")
INPLACE = {"cumprod_": cumprod_, "cumsum_": cumsum_}
