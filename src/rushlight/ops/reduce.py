"""Reductions: sums, means, products, extrema, variances, norms.

`dim` is an int, a tuple of them, or None for all dimensions; () reduces none.
"""

import math

import numpy as np

from ..dtypes import of
from ..errors import coded, not_tensor
from ..kernels import load, meaning
from .axes import axes_of, count_of, kept_shape
from .batch_rules import each, reducing, searching, shifted
from .compare import isnan, logical_and, logical_or
from .complex import abs, sgn
from .copying import conj, to_dtype
from .declare import general, linear, nondifferentiable, renamed
from .exponential import exp
from .hidden import may_hold
from .scan import products_before
from .selection import where


def spread_samples(op, size, inputs, batched, params):
    dim, shape = params["dim"], params["shape"]
    dim = tuple(range(1, len(shape) + 1)) if dim is None or not shape else shifted(dim)
    return spread(inputs[0], dim=dim, shape=(size, *shape))


@linear(
    batch=spread_samples,
    holomorphic=False,
    x=lambda g, x_shape, dim, shape: sum(g, dim=dim, keepdim=len(x_shape) == len(shape)),
)
def spread(x, *, dim, shape):
    """A reduced x, its reduced dimensions kept or not, repeated along them to `shape`."""
    out = np.empty(shape, x.dtype)
    out[...] = x.reshape(kept_shape(shape, dim))
    return out


def kept(g, shape, dim):
    """A reduced tensor with its reduced dimensions kept as 1, to stand beside one of `shape`."""
    if g._array.ndim == len(shape):
        return g
    return spread(g, dim=axes_of(dim, len(shape)), shape=kept_shape(shape, dim))


def inner(a, b, dim, keepdim):
    """The sum of a * b over dimensions; of the real part of conj(a) * b for complex ones."""
    if a._array.dtype.kind != "c":
        return sum(a * b, dim=dim, keepdim=keepdim)
    product = conj(a) * b
    return sum(to_dtype(product, dtype=product._array.real.dtype), dim=dim, keepdim=keepdim)


# ---- sums and means


def _check_sum(x):
    if not isinstance(x, np.ndarray):
        raise not_tensor(x, "sum")


def _check_mean(x):
    if not isinstance(x, np.ndarray):
        raise not_tensor(x, "mean")
    if x.dtype.kind in "bui":
        raise coded(
            "RL323",
            RuntimeError(
                "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
                f"Got: {of(x.dtype).scalar_type}"
            ),
        )


@linear(
    batch=reducing, check=_check_sum, holomorphic=False, x=lambda g, x_shape, dim: spread(g, dim=dim, shape=x_shape)
)
def sum(x, *, dim=None, keepdim=False):
    return meaning.sum(x, axes_of(dim, x.ndim), keepdim)


@linear(batch=reducing, check=_check_mean, holomorphic=False, x=lambda g, x_shape, dim: through_mean(g, x_shape, dim))
def mean(x, *, dim=None, keepdim=False):
    return meaning.mean(x, axes_of(dim, x.ndim), keepdim)


@general(
    batch=reducing,
    x=lambda g, x, dim: spread(g, dim=dim, shape=x.shape) * (x == x),
    push=lambda x_t, x, dim, keepdim: sum(x_t * (x == x), dim=dim, keepdim=keepdim),
)
def nansum(x, *, dim=None, keepdim=False):
    return meaning.sum(np.where(x == x, x, x.dtype.type(0)), axes_of(dim, x.ndim), keepdim)


# ---- variance


def spread_slope(x, dim, correction):
    """The derivative of the variance by each element: twice its distance from the mean, over the divisor."""
    divisor = count_of(x.shape, dim) - correction
    if divisor < 0 and not x.shape:
        divisor = 0
    return (x - mean(x, dim=dim, keepdim=True)) * (2 / divisor if divisor else math.inf)


def through_var(g, x, dim, correction):
    return kept(g, x.shape, dim) * spread_slope(x, dim, correction)


def push_var(x_t, x, dim, correction, keepdim):
    return inner(spread_slope(x, dim, correction), x_t, dim, keepdim)


def half_over(g, root):
    """The gradient of a square root; 0 where the root is."""
    return where(root == 0, 0.0, g / (root * 2))


@general(batch=reducing, holomorphic=False, x=through_var, push=push_var)
def var(x, *, dim=None, correction=1, keepdim=False):
    return meaning.var(x, axes_of(dim, x.ndim), correction, keepdim)


@general(
    batch=reducing,
    holomorphic=False,
    x=lambda g, x, out, dim, correction: through_var(half_over(g, out), x, dim, correction),
    push=lambda x_t, x, out, dim, correction, keepdim: half_over(push_var(x_t, x, dim, correction, keepdim), out),
)
def std(x, *, dim=None, correction=1, keepdim=False):
    return meaning.var_mean(x, axes_of(dim, x.ndim), correction, keepdim, root=True)[0]


def added(a, b):
    """The sum of two gradients, either of which may be None."""
    return b if a is None else a if b is None else a + b


def through_mean(g, x_shape, dim):
    return spread(g / max(count_of(x_shape, dim), 1), dim=dim, shape=x_shape)


@general(
    batch=reducing,
    outputs=("var", "mean"),
    holomorphic=False,
    x=lambda g, x, dim, correction: added(
        None if g[0] is None else through_var(g[0], x, dim, correction),
        None if g[1] is None else through_mean(g[1], x.shape, dim),
    ),
    push=lambda x_t, x, dim, correction, keepdim: (
        push_var(x_t, x, dim, correction, keepdim),
        mean(x_t, dim=dim, keepdim=keepdim),
    ),
)
def var_mean(x, *, dim=None, correction=1, keepdim=False):
    return meaning.var_mean(x, axes_of(dim, x.ndim), correction, keepdim)


@general(
    batch=reducing,
    outputs=("std", "mean"),
    holomorphic=False,
    x=lambda g, x, std, dim, correction: added(
        None if g[0] is None else through_var(half_over(g[0], std), x, dim, correction),
        None if g[1] is None else through_mean(g[1], x.shape, dim),
    ),
    push=lambda x_t, x, std, dim, correction, keepdim: (
        half_over(push_var(x_t, x, dim, correction, keepdim), std),
        mean(x_t, dim=dim, keepdim=keepdim),
    ),
)
def std_mean(x, *, dim=None, correction=1, keepdim=False):
    return meaning.var_mean(x, axes_of(dim, x.ndim), correction, keepdim, root=True)


# ---- norms


def attained(x, extremum):
    """Where x is the extremum; nan counts as equal to nan."""
    return logical_or(x == extremum, logical_and(isnan(x), isnan(extremum)))


def norm_slope(x, norm, ord, dim):
    """The derivative of the norm by each element, 0 where there is none; `norm` has its dimensions kept."""
    if ord == 2:
        return where(norm == 0, 0.0, x / norm)
    sign, size = sgn(x), abs(x)
    if ord == 0:
        return sign * 0
    if ord == 1:
        return sign
    if math.isinf(ord):
        hits = attained(size, norm)
        return sign * hits / sum(hits, dim=dim, keepdim=True)
    if ord < 2:
        return where(x == 0, 0.0, sign * size ** (ord - 1)) * where(norm == 0, 0.0, norm ** (1 - ord))
    # Powers of numbers that are not zero, so that second derivatives are none of 0 * inf.
    nothing, together = x == 0, norm == 0
    power = where(nothing, 1.0, size) ** (ord - 2)
    return where(nothing, 0.0, x * power) * where(together, 0.0, where(together, 1.0, norm) ** (1 - ord))


def through_norm(g, x, out, ord, dim):
    if ord == 0:
        return spread(g * 0, dim=dim, shape=x.shape)
    g, norm = kept(g, x.shape, dim), kept(out, x.shape, dim)
    if ord == 2:
        # What is one number for each norm first.
        return x * (g * where(norm == 0, 0.0, 1.0 / norm))
    return g * norm_slope(x, norm, ord, dim)


@general(
    batch=reducing,
    holomorphic=False,
    backward="LinalgVectorNormBackward0",
    x=lambda g, x, out, ord, dim: through_norm(g, x, out, ord, dim),
    push=lambda x_t, x, out, ord, dim, keepdim: inner(
        norm_slope(x, kept(out, x.shape, dim), ord, dim), x_t, dim, keepdim
    ),
)
def vector_norm(x, *, ord=2, dim=None, keepdim=False):
    axes = axes_of(dim, x.ndim)
    if ord == 2:
        return meaning.square_sum(x, axes, keepdim, root=True)
    if ord == 0:
        # NumPy counts all of an array by a loop of its own.
        together = None if len(axes) == x.ndim and not keepdim else axes
        count = np.count_nonzero(x, together, keepdims=keepdim)
        return np.asarray(count, x.real.dtype)
    size = np.abs(x)
    if ord == math.inf:
        return np.maximum.reduce(size, axis=axes, keepdims=keepdim)[...]
    if ord == -math.inf:
        return np.minimum.reduce(size, axis=axes, keepdims=keepdim)[...]
    if ord == 1:
        return meaning.sum(size, axes, keepdim)
    wide = np.add.reduce(size.astype(np.float64) ** ord, axis=axes, keepdims=keepdim)
    return (wide ** (1 / ord))[...].astype(size.dtype)


dist = renamed(vector_norm, "DistBackward0")


# ---- products


@general(
    batch=reducing,
    x=lambda g, x, out, dim: through_prod(g, x, out, dim),
    push=lambda x_t, x, dim, keepdim: sum(products_of_others(x, dim) * x_t, dim=dim, keepdim=keepdim),
)
def prod(x, *, dim=None, keepdim=False):
    wide = np.int64 if x.dtype.kind in "biu" else meaning.accumulator(x.dtype)
    out = np.multiply.reduce(x, axis=axes_of(dim, x.ndim), dtype=wide, keepdims=keepdim)
    return out[...].astype(np.int64 if x.dtype.kind in "biu" else x.dtype, copy=False)


def through_prod(g, x, out, dim):
    if x._array.ndim == 0:
        return g
    if may_hold(x, 0):
        return kept(g, x.shape, dim) * products_of_others(x, dim)
    return kept(g * out, x.shape, dim) / x


def products_of_others(x, dim):
    """For each element the product of the others along the dimensions, right also where some are 0."""
    others = None
    for axis in axes_of(dim, x._array.ndim):
        along = products_before(x, axis, False) * products_before(x, axis, True)
        others = along if others is None else others * along
        x = prod(x, dim=axis, keepdim=True)
    return x**0 if others is None else others


# ---- extrema


def _hits(x, out, dim):
    """Which elements attain the extremum, and how many there are."""
    hits = attained(x, kept(out, x.shape, dim))
    return hits, sum(to_dtype(hits, dtype=x._array.dtype), dim=dim, keepdim=True)


def _to_hits(g, x, out, dim):
    """Divided among the elements that attain the extremum; the others have no part in it, were it nan."""
    hits, count = _hits(x, out, dim)
    return where(hits, kept(g, x.shape, dim) / count, 0)


def _of_hits(x_t, x, out, dim, keepdim):
    hits, count = _hits(x, out, dim)
    return sum(where(hits, x_t / count, 0), dim=dim, keepdim=keepdim)


_shared = {"x": _to_hits, "push": _of_hits}


@general(batch=reducing, **_shared)
def amax(x, *, dim=None, keepdim=False):
    return np.maximum.reduce(x, axis=axes_of(dim, x.ndim), keepdims=keepdim)[...]


@general(batch=reducing, **_shared)
def amin(x, *, dim=None, keepdim=False):
    return np.minimum.reduce(x, axis=axes_of(dim, x.ndim), keepdims=keepdim)[...]


@general(
    batch=reducing,
    outputs=("min", "max"),
    x=lambda g, x, min, max, dim: added(
        None if g[0] is None else _shared["x"](g[0], x, min, dim),
        None if g[1] is None else _shared["x"](g[1], x, max, dim),
    ),
    push=lambda x_t, x, min, max, dim, keepdim: (
        _shared["push"](x_t, x, min, dim, keepdim),
        _shared["push"](x_t, x, max, dim, keepdim),
    ),
)
def aminmax(x, *, dim=None, keepdim=False):
    return amin.forward(x, dim=dim, keepdim=keepdim), amax.forward(x, dim=dim, keepdim=keepdim)


def _middle(x):
    """The lower median of all elements; nan where one is nan or there is none."""
    n = x.size
    if n == 0:
        return np.full((), np.nan if x.dtype.kind in "fV" else np.iinfo(x.dtype).min, x.dtype)
    middle = np.partition(x, [(n - 1) // 2, n - 1], axis=None)
    return middle[n - 1 if middle[n - 1] != middle[n - 1] else (n - 1) // 2][...]


@general(batch=each, **_shared)
def median(x, *, dim=None, keepdim=False):
    return _middle(x)


@general(batch=each, **_shared)
def nanmedian(x, *, dim=None, keepdim=False):
    numbers = x[x == x]
    return _middle(numbers if numbers.size else x)


def _median(x, dim, keepdim):
    found = _lanes.median_dim(x.reshape(-1), 0)
    return found if found is NotImplemented else found[0]


def _nanmedian(x, dim, keepdim):
    found = _lanes.nanmedian_dim(x.reshape(-1), 0)
    return found if found is NotImplemented else found[0]


_lanes = load("sort")
if _lanes is not None:
    median.accelerate(_median)
    nanmedian.accelerate(_nanmedian)


@general(
    batch=reducing,
    x=lambda g, x, out, dim: kept(g, x.shape, dim) * shares_of_sum(x, out, dim),
    push=lambda x_t, x, out, dim, keepdim: sum(shares_of_sum(x, out, dim) * x_t, dim=dim, keepdim=keepdim),
)
def logsumexp(x, *, dim=None, keepdim=False):
    axes = axes_of(dim, x.ndim)
    if x.size == 0:
        return np.log(np.add.reduce(x, axis=axes, keepdims=keepdim))[...]
    out = meaning.logsumexp(x, axes)
    return out if keepdim else out.reshape(np.delete(x.shape, axes))


def shares_of_sum(x, out, dim):
    """The softmax of x by its logsumexp; 0 where all that was summed is -inf."""
    out = kept(out, x.shape, dim)
    return exp(x - where(out == -math.inf, 0.0, out))


# ---- truth and counts


@nondifferentiable(batch=reducing)
def any(x, *, dim=None, keepdim=False):
    return np.logical_or.reduce(x, axis=axes_of(dim, x.ndim), keepdims=keepdim)[...]


@nondifferentiable(batch=reducing)
def all(x, *, dim=None, keepdim=False):
    return np.logical_and.reduce(x, axis=axes_of(dim, x.ndim), keepdims=keepdim)[...]


@nondifferentiable(batch=reducing)
def count_nonzero(x, *, dim=None, keepdim=False):
    return np.add.reduce(x != 0, axis=axes_of(dim, x.ndim), dtype=np.int64, keepdims=keepdim)[...]


@nondifferentiable(batch=searching)
def argmax(x, *, dim=None, keepdim=False):
    return np.asarray(x.argmax(axis=dim, keepdims=keepdim))


@nondifferentiable(batch=searching)
def argmin(x, *, dim=None, keepdim=False):
    return np.asarray(x.argmin(axis=dim, keepdims=keepdim))


# The overloads that PyTorch numbers differently: over all elements, or along given dimensions.
sum_dim = renamed(sum, "SumBackward1")
mean_dim = renamed(mean, "MeanBackward1")
prod_dim = renamed(prod, "ProdBackward1")
max_all = renamed(amax, "MaxBackward1")
min_all = renamed(amin, "MinBackward1")


def _logsumexp(x, dim, keepdim):
    high = _extremes.amax(x, dim, keepdim)
    return high if high is NotImplemented else _kernels.logsumexp(x, high, dim, keepdim)


_kernels, _extremes, _halves = load("reduce"), load("extremes"), load("halves")
if _kernels is not None and _extremes is not None and _halves is not None:
    in_single = _halves.InSingle
    sum.accelerate(_kernels.sum_whole, x=_kernels.through_sum)
    mean.accelerate(_kernels.mean_whole, x=_kernels.through_mean)
    nansum.accelerate(_kernels.nansum_whole)
    prod.accelerate(_kernels.prod_whole)
    vector_norm.accelerate(_kernels.norm_whole)
    spread.accelerate(_kernels.spread)
    max_all.accelerate(_extremes.max_whole)
    min_all.accelerate(_extremes.min_whole)
    for _op in (nansum, var, std, var_mean, std_mean, vector_norm, any, all, count_nonzero):
        _op.accelerate(in_single(getattr(_kernels, _op.name)))
    for _op in (sum, sum_dim):
        _op.accelerate(in_single(_kernels.sum), x=_kernels.through_sum)
    for _op in (mean, mean_dim):
        _op.accelerate(in_single(_kernels.mean), x=_kernels.through_mean)
    for _op in (prod, prod_dim):
        _op.accelerate(in_single(_kernels.prod))
    dist.accelerate(in_single(_kernels.vector_norm))
    logsumexp.accelerate(in_single(_logsumexp))
    for _op in (amax, amin, aminmax, argmax, argmin):
        _op.accelerate(in_single(getattr(_extremes, _op.name)))
    argmax.accelerate(_extremes.argmax_whole)
    argmin.accelerate(_extremes.argmin_whole)
