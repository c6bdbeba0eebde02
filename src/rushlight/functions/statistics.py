"""Quantiles, covariances and histograms as people call them."""

import math

import numpy as np

from ..core import TensorBase, wrap
from ..ops import search
from ..ops.copying import to_dtype
from ..ops.hidden import every, values
from ..ops.scatter import gather
from ..ops.selection import where
from .arguments import accepts_out, check_flags, check_index, check_number, check_tensor, widening, wrap_dim
from .reduction import refuse, scalar_type
from .sorting import sort

# ---- quantiles

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


@widening
def quantile(input, q, dim=None, keepdim=False, *, interpolation="linear"):
    """The q-quantiles of all elements or along `dim`; nan where there is a nan. A 1-D q gives a new first dimension.

    >>> import rushlight
    >>> rushlight.quantile(rushlight.tensor([1.0, 2.0, 4.0]), 0.5)
    tensor(2.)
    """
    return _quantiles("quantile", input, q, dim, keepdim, interpolation)


@widening
def nanquantile(input, q, dim=None, keepdim=False, *, interpolation="linear"):
    """The q-quantiles of the elements that are not nan.

    >>> import rushlight
    >>> rushlight.nanquantile(rushlight.tensor([1.0, 2.0, float("nan")]), 0.5)
    tensor(1.5000)
    """
    return _quantiles("nanquantile", input, q, dim, keepdim, interpolation)


def _fractions(name, input, q):
    """q as a tensor of the input's dtype, checked."""
    if not isinstance(q, TensorBase):
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q:g}")
        return wrap(np.asarray(q, input._array.dtype))
    if q._array.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if q._array.dtype != input._array.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    fractions = every(q._array)
    if not ((fractions >= 0) & (fractions <= 1)).all():
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
    return q


def _quantiles(name, input, q, dim, keepdim, interpolation):
    check_tensor(input, name)
    if keepdim is not False:
        check_flags(name, 4, keepdim=keepdim)
    if scalar_type(input) not in ("Float", "Double"):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    q = _fractions(name, input, q)
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    if input._array.size == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    ndim = input._array.ndim
    if dim is None:
        out = _along(name, input.reshape(-1), q.reshape(-1), 0, interpolation)
        return out.reshape((*q._array.shape, *((1,) * ndim if keepdim else ())))
    dim = wrap_dim(dim, ndim)
    out = _along(name, input.reshape(-1) if ndim == 0 else input, q.reshape(-1), dim, interpolation).movedim(dim, 0)
    if keepdim and ndim:
        out = out.unsqueeze(dim + 1)
    return out if q._array.ndim else out.squeeze(0)


def _along(name, input, q, dim, interpolation):
    """The quantiles of the lanes along `dim`, one beside the other in that dimension."""
    values = sort(input, dim)[0]
    rank = _ranks(name, values, q.reshape([-1 if d == dim else 1 for d in range(values._array.ndim)]), dim)
    if interpolation in ("lower", "higher", "nearest"):
        nearest = {"lower": "floor", "higher": "ceil", "nearest": "round"}[interpolation]
        return _at(values, getattr(rank.detach(), nearest)(), dim)
    below = rank.detach().floor()
    weight = rank - below if interpolation == "linear" else below * 0 + 0.5
    return _at(values, below, dim).lerp(_at(values, rank.detach().ceil(), dim), weight)


def _ranks(name, values, q, dim):
    """Where the quantiles lie in the sorted lanes; a nan, which comes last, takes the whole lane of a quantile."""
    n, dtype = values._array.shape[dim], values._array.dtype
    values = values.detach()
    numbers = to_dtype((values == values).sum(dim, True), dtype=dtype)
    if name == "nanquantile":
        return q * (numbers - 1).clamp(min=0)
    rank = q * (numbers * 0 + (n - 1))
    return where(numbers < n, float(n - 1), rank)


def _at(values, rank, dim):
    return gather(values, to_dtype(rank, dtype=np.dtype(np.int64)), dim=dim)


# ---- covariances


def _check_matrix(name, input):
    if input._array.ndim > 2:
        raise RuntimeError(
            f"{name}(): expected input to have two or fewer dimensions but got an input with {input._array.ndim} "
            "dimensions"
        )


def _check_weights(name, weights, floating, observations):
    kind = "floating point" if floating else "integral"
    if weights._array.ndim > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with {weights._array.ndim} "
            "dimensions"
        )
    if (weights._array.dtype.kind in "fV") != floating or weights._array.dtype.kind in "bc":
        raise RuntimeError(
            f"cov(): expected {name} to have {kind} dtype but got {name} with {scalar_type(weights)} dtype"
        )
    if weights._array.size != observations:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the input but got "
            f"{weights._array.size} != {observations}"
        )
    if weights._array.size and (weights._array < 0).any():
        raise RuntimeError(f"cov(): {name} cannot be negative")


def cov(input, *, correction=1, fweights=None, aweights=None):
    """The covariance matrix of variables (rows) over observations (columns), these weighted if wanted.

    >>> import rushlight
    >>> rushlight.cov(rushlight.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    check_tensor(input, "cov")
    _check_matrix("cov", input)
    if input._array.dtype.kind == "b":
        raise RuntimeError("cov(): bool dtype is not supported for input")
    rows = input if input._array.ndim == 2 else input.reshape(1, -1)
    observations = rows._array.shape[1]
    weights = None
    for name, given, floating in (("fweights", fweights, False), ("aweights", aweights, True)):
        if given is not None:
            _check_weights(name, given, floating, observations)
            weights = given if weights is None else weights * given
    if weights is not None and observations and (every(weights._array).sum(-1) == 0).any():
        raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    return _covariance(rows, correction, weights, fweights, aweights).squeeze()


def _covariance(rows, correction, weights, fweights, aweights):
    total = rows._array.shape[1] if weights is None else weights.sum()
    if weights is None:
        mean = rows.sum(1, True) / total
    else:
        mean = (rows * weights).sum(1, True) / total
    divisor = total
    if aweights is not None and correction != 0:
        squared = (weights * aweights).sum() / total
        divisor = total - correction * squared
    elif correction != 0:
        divisor = total - correction
    if not isinstance(divisor, TensorBase):
        divisor = wrap(np.asarray(divisor, np.int64))
    divisors = every(divisor._array)
    if (divisors <= 0).any():
        import warnings

        warnings.warn(
            "cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations.",
            stacklevel=3,
        )
        divisor = divisor.clamp(min=0)
    centred = rows - mean
    weighted = centred if weights is None else centred * weights
    return (centred @ weighted.t().conj()) / divisor


def corrcoef(input):
    """The correlation coefficients of variables (rows) over observations (columns).

    >>> import rushlight
    >>> rushlight.corrcoef(rushlight.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    check_tensor(input, "corrcoef")
    _check_matrix("corrcoef", input)
    c = cov(input)
    if c._array.ndim == 0:
        return c / c
    spread = c.diagonal()
    if spread._array.dtype.kind == "c":
        spread = spread.real
    spread = spread.sqrt()
    c = c / spread.unsqueeze(1) / spread.unsqueeze(0)
    if c._array.dtype.kind != "c":
        return c.clamp(-1, 1)
    from ..ops.complex import complex

    return complex(c.real.clamp(-1, 1), c.imag.clamp(-1, 1))


# ---- histograms


@accepts_out
def histc(input, bins=100, min=0, max=0):
    """How many elements fall into each of `bins` equal bins from min to max (of the data, where these are equal).

    >>> import rushlight
    >>> rushlight.histc(rushlight.tensor([1.0, 2.0, 1.0]), bins=2, min=0, max=3)
    tensor([2., 1.])
    """
    check_tensor(input, "histc")
    bins = check_index(bins, "histc", 2, "bins")
    check_number(min, "histc", 3, "min")
    check_number(max, "histc", 4, "max")
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    refuse(input, "buic", "histogram_cpu")
    low, high = float(min), float(max)
    if low == high and input._array.size:
        found = values(input._array)
        low, high = float(found.min()), float(found.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"torch.histc: range of [{low:g}, {high:g}] is not finite")
    if low > high:
        raise RuntimeError("torch.histc: max must be larger than min")
    if low == high:
        low, high = low - 1, high + 1
    return search.histc(input, bins=bins, low=low, high=high)


def bincount(input, weights=None, minlength=0):
    """How often each non-negative integer occurs, or the sum of its weights.

    >>> import rushlight
    >>> rushlight.bincount(rushlight.tensor([0, 2, 2]))
    tensor([1, 0, 2])
    """
    check_tensor(input, "bincount")
    refuse(input, "fcVb", "bincount_cpu")
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    array = input._array
    if array.ndim != 1 or (array.size and every(array).min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is not None and weights._array.shape != array.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    return search.bincount(input, weights, minlength=minlength)


METHODS = ("bincount", "corrcoef", "cov", "histc", "nanquantile", "quantile")
FUNCTIONS = METHODS
INPLACE = {}
