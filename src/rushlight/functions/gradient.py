"""Derivatives of sampled functions by finite differences, as torch.gradient has them."""

from ..core import TensorBase
from ..dtypes import scalar_category
from .arguments import check_tensor, wrap_dim
from .joining import cat


def gradient(input, *, spacing=None, dim=None, edge_order=1):
    """A tensor for each dimension (or each of `dim`): the derivative along it of the function whose samples `input` holds.

    `spacing` is the distance of samples, a number or one for each dimension, or their coordinates, a 1-D tensor for each
    dimension. Inside, differences of second order; at the ends of the order `edge_order`, 1 or 2 (Fornberg,
    "Generation of finite difference formulas on arbitrarily spaced grids", 1988). RuntimeError where a dimension has
    fewer than edge_order + 1 samples.

    >>> import rushlight
    >>> rushlight.gradient(rushlight.tensor([0.0, 1.0, 4.0, 9.0]))
    (tensor([1., 2., 4., 5.]),)
    """
    check_tensor(input, "gradient")
    ndim = input._array.ndim
    dims = tuple(range(ndim)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    spacing = _spacings(spacing, len(dims), ndim, dim is not None)
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    dims = _checked_dims(dims, ndim)
    if input._array.dtype.kind == "u":
        raise RuntimeError("torch.gradient does not support uint8 input.")
    for d in dims:
        if input._array.shape[d] < edge_order + 1:
            raise RuntimeError(
                "torch.gradient expected each dimension size to be at least edge_order+1"
                + (f", but dimension {d} has {input._array.shape[d]}")
            )
    return tuple([_along(input, d, step, edge_order) for d, step in zip(dims, spacing)])


def _checked_dims(dims, ndim):
    wrapped = [wrap_dim(d, ndim) for d in dims]
    for d in wrapped:
        if wrapped.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return wrapped


def _spacings(spacing, count, ndim, has_dims):
    """A number or a tensor of coordinates for each dimension."""
    if spacing is None or scalar_category(spacing) is not None:
        return [1 if spacing is None else spacing] * count
    if isinstance(spacing, TensorBase):
        if spacing._array.ndim == 0:
            return [spacing.item()] * count
        raise TypeError("gradient() received an invalid combination of arguments: coordinates are given in a tuple")
    if len(spacing) != count:
        wanted = f"'dim' argument, which is {count}" if has_dims else f"'self.dim() = {ndim}'"
        why = "" if has_dims else ", since dim argument was not given"
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to "
            f"{wanted}{why}, but got a list of length {len(spacing)}"
        )
    for x in spacing:
        if isinstance(x, TensorBase) and x._array.ndim != 1:
            raise RuntimeError(
                "torch.gradient expected each element of spacing to have one dimension, but got an element with "
                f"{x._array.ndim} dimensions!"
            )
    return spacing


def _part(x, dim, start, stop):
    return x[(slice(None),) * dim + (slice(start, stop), ...)]


def _along(x, dim, spacing, edge_order):
    if isinstance(spacing, TensorBase):
        return _by_coordinates(x, dim, spacing, edge_order)
    n, h = x._array.shape[dim], spacing
    if edge_order == 1:
        first = (_part(x, dim, 1, 2) - _part(x, dim, 0, 1)) / h
        last = (_part(x, dim, n - 1, n) - _part(x, dim, n - 2, n - 1)) / h
    else:
        a, b, c = [_part(x, dim, k, k + 1) for k in range(3)]
        first = (b * 4 - a * 3 - c) / (h * 2)
        a, b, c = [_part(x, dim, n - k, n - k + 1) for k in (1, 2, 3)]
        last = (a * 3 - b * 4 + c) / (h * 2)
    inner = (_part(x, dim, 2, n) - _part(x, dim, 0, n - 2)) / (h * 2)
    return cat([first, inner, last], dim)


def _by_coordinates(x, dim, coordinates, edge_order):
    n = x._array.shape[dim]
    if coordinates._array.size != n:
        raise RuntimeError(
            "torch.gradient expected each element of spacing to have the size of its dimension, but got one of "
            f"{coordinates._array.size} elements for a dimension of size {n}"
        )
    h = coordinates[1:] - coordinates[:-1]
    h = h.reshape([-1 if d == dim else 1 for d in range(x._array.ndim)])
    before, after = _part(h, dim, 0, n - 2), _part(h, dim, 1, n - 1)
    # The parabola through a sample and its neighbours.
    left = -after / (before * (before + after))
    middle = (after - before) / (before * after)
    right = before / (after * (before + after))
    inner = left * _part(x, dim, 0, n - 2) + middle * _part(x, dim, 1, n - 1) + right * _part(x, dim, 2, n)
    first, last = [_end(x, dim, h, edge_order, at_end) for at_end in (False, True)]
    return cat([first, inner, last], dim)


def _end(x, dim, h, edge_order, at_end):
    """The derivative at the first or the last sample, in a dimension of size 1."""
    n = x._array.shape[dim]
    # The samples and their distances from the end inwards.
    a, b, *c = [_part(x, dim, n - 1 - k if at_end else k, n - k if at_end else k + 1) for k in range(edge_order + 1)]
    steps = [_part(h, dim, n - 2 - k if at_end else k, n - 1 - k if at_end else k + 1) for k in range(edge_order)]
    sign = -1 if at_end else 1
    if edge_order == 1:
        return (b - a) / (steps[0] * sign)
    p, q = steps
    inwards = -(p * 2 + q) / (p * (p + q)) * a + (p + q) / (p * q) * b - p / (q * (p + q)) * c[0]
    return inwards * sign


FUNCTIONS = ("gradient",)
METHODS = ()
INPLACE = {}
