"""Histograms of one and of several dimensions."""

import math

import numpy as np

from ..core import TensorBase
from ..dtypes import of
from ..ops import search
from ..ops.copying import to_dtype
from ..ops.hidden import values
from . import return_types
from .arguments import accepts_out, check_flags, check_tensor
from .reduction import scalar_type
from .shape import reshape


@accepts_out
def histogram(input, bins, *, range=None, weight=None, density=False):
    """(hist, bin_edges): how many elements lie in each of `bins` equal bins, or between edges given by a 1-D tensor.

    A bin has its left edge, the last one both. `range` is (min, max) of the bins, of the data without it; elements
    outside count nowhere. `weight`, of the shape of `input`, says how much each element counts. With density=True the
    histogram has the integral 1. Differentiable by `weight`.

    >>> import rushlight
    >>> rushlight.histogram(rushlight.tensor([1.0, 2.0, 1.0]), 2, range=(0.0, 3.0)).hist
    tensor([2., 1.])
    """
    check_tensor(input, "histogram")
    check_flags("histogram", None, density=density)
    if not isinstance(bins, TensorBase) and (isinstance(bins, bool) or not hasattr(bins, "__index__")):
        raise TypeError(
            f"histogram() received an invalid combination of arguments - got (Tensor, {type(bins).__name__})"
        )
    flat = None if weight is None else reshape(weight, -1)
    hist, edges = _histogram(reshape(input, (-1, 1)), [bins], range, flat, density, weight)
    return return_types.histogram(hist, edges[0])


@accepts_out
def histogramdd(input, bins, *, range=None, weight=None, density=False):
    """(hist, bin_edges): how many points, rows of the last dimension, lie in each cell of a grid; bin_edges is a tuple.

    `bins` is a number of bins for all dimensions, or one for each, or a 1-D tensor of edges for each; `range` is
    min and max of each dimension in a row. The rest is as for `histogram`.

    >>> import rushlight
    >>> rushlight.histogramdd(rushlight.tensor([[0.0, 1.0], [1.0, 0.0]]), [2, 2]).hist
    tensor([[0., 1.],
            [1., 0.]])
    """
    check_tensor(input, "histogramdd")
    check_flags("histogramdd", None, density=density)
    if input._array.ndim < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    n = input._array.shape[-1]
    bins = [bins] * n if isinstance(bins, (int, TensorBase)) else list(bins)
    if len(bins) != n:
        raise RuntimeError("histogramdd: The size of bins must be equal to the innermost dimension of the input.")
    flat = weight
    if weight is not None and weight._array.shape == input._array.shape[:-1]:
        flat = reshape(weight, -1)
    hist, edges = _histogram(reshape(input, (-1, n)), bins, range, flat, density, weight, input._array.shape)
    return return_types.histogramdd(hist, tuple(edges))


def _histogram(points, bins, range, weight, density, given, shape=None):
    """(hist, [edges of a dimension, ...]) of the rows of `points`."""
    _check_weight(points, weight, given, shape)
    columns = [points[:, d] for d, _ in enumerate(bins)]
    edges = [_given_edges(points, b, d) for d, b in enumerate(bins)]
    if points.dtype not in (of(np.dtype("float32")), of(np.dtype("float64"))):
        raise NotImplementedError(f"\"histogramdd\" not implemented for '{scalar_type(points)}'")
    ends = _ends(columns, range)
    edges = [
        _equal_edges(*ends[d], int(b), points.dtype.numpy) if e is None else e
        for d, (b, e) in enumerate(zip(bins, edges))
    ]
    sizes = [e._array.size - 1 for e in edges]
    places = search.cell(points, *edges)
    hist = search.bincount(places, weight, minlength=math.prod(sizes) + 1)[:-1].reshape(sizes)
    hist = to_dtype(hist, dtype=points._array.dtype)
    if density:
        hist = _as_density(hist, edges)
    return hist, edges


def _check_weight(points, weight, given, shape):
    if weight is None:
        return
    check_tensor(given, "histogram", 4, "weight")
    shape = tuple(points._array.shape) if shape is None else shape
    if weight._array.ndim != 1 or weight._array.size != points._array.shape[0]:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor excluding "
            f"its innermost dimension, but got input with shape {list(shape)} and weight with shape "
            f"{list(given._array.shape)}"
        )
    if weight._array.dtype != points._array.dtype:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should have the same dtype, "
            f"but got input({_c_name(points)}), and weight({_c_name(weight)})"
        )


def _c_name(x):
    return {"float32": "float", "float64": "double"}.get(x.dtype.name, x.dtype.name)


def _given_edges(points, bins, d):
    """The tensor of edges of dimension d, or None where they are equal; refused where they are neither."""
    if not isinstance(bins, TensorBase):
        if bins <= 0:
            raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension {d}")
        return None
    if bins._array.ndim != 1:
        raise RuntimeError(
            f"torch.histogramdd: bins tensor should have one dimension, but got {bins._array.ndim} dimensions in the bins "
            f"tensor for dimension {d}"
        )
    if bins._array.dtype != points._array.dtype:
        raise RuntimeError(
            "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with dtype "
            f"{_c_name(points)} and bins for dimension {d} with dtype {_c_name(bins)}"
        )
    if bins._array.size == 0:
        raise RuntimeError(
            "torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements in the bins tensor for "
            f"dimension {d}"
        )
    if bins._array.size == 1:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got 0 for dimension {d}")
    return bins


def _ends(columns, range):
    """(min, max) of the bins of each dimension."""
    if range is not None:
        if len(range) != 2 * len(columns):
            raise RuntimeError(
                f"torch.histogramdd: for a {len(columns)}-dimensional histogram range should have {2 * len(columns)} "
                f"elements, but got {len(range)}"
            )
        found = [(float(low), float(high)) for low, high in zip(range[::2], range[1::2])]
    else:
        arrays = [values(x._array) for x in columns]
        found = [(float(a.min()), float(a.max())) if a.size else (0.0, 1.0) for a in arrays]
    for d, (low, high) in enumerate(found):
        if not (math.isfinite(low) and math.isfinite(high)):
            raise RuntimeError(f"torch.histogramdd: dimension {d}'s range [{low:g}, {high:g}] is not finite")
        if low > high:
            raise RuntimeError(
                f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for dimension {d}"
            )
    return [(low - 0.5, high + 0.5) if low == high else (low, high) for low, high in found]


def _equal_edges(low, high, bins, dtype):
    from .ranges import linspace

    return linspace(low, high, bins + 1, dtype=of(dtype))


def _as_density(hist, edges):
    hist = hist / hist.sum()
    for d, e in enumerate(edges):
        hist = hist / (e[1:] - e[:-1]).reshape([-1 if k == d else 1 for k, _ in enumerate(edges)])
    return hist


METHODS = ("histogram",)
FUNCTIONS = (*METHODS, "histogramdd")
INPLACE = {}
