"""Powers and exponentials: of numbers in the rows of a matrix, and of matrices."""

import numpy as np

from .batch_rules import as_it_is
from .cumulative import cumprod
from .declare import general
from .join import above, beside
from .matrix import mT


def _derivatives(out):
    """The derivative of each power, in its place."""
    return beside(out[..., :1] * 0, out[..., :-1] * np.arange(1, out._array.shape[-1]))


@general(
    batch=as_it_is,
    x=lambda g, out: (g * _derivatives(out)).sum(-1),
    push=lambda x_t, out: x_t.unsqueeze(-1) * _derivatives(out),
)
def vander(x, *, n):
    """x ** 0, ..., x ** (n - 1) in a last dimension."""
    factors = np.empty((*x.shape, n), x.dtype)
    factors[..., 0] = 1
    factors[..., 1:] = x[..., None]
    return cumprod.compute([factors], {"dim": x.ndim})


# -- the matrix exponential


def frechet(x, direction):
    """The derivative of the matrix exponential at x in a direction: a block of that of [x direction; 0 x]."""
    n = x._array.shape[-1]
    blocks = above(beside(x, direction), beside(x * 0, x))
    return matrix_exp(blocks)[..., :n, n:]


@general(
    batch=as_it_is,
    backward="LinalgMatrixExpBackward0",
    x=lambda g, x: frechet(mT(x), g),
    push=lambda x, x_t: frechet(x, x_t),
)
def matrix_exp(x):
    """The sum of x ** k / k!, in double precision, by scaling and squaring."""
    if x.size == 0:
        return x.copy()
    wide = x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
    norms = np.abs(wide).sum(-2).max(-1)
    reach = _REACH.get(x.dtype.char, _REACH_OF_SINGLE)
    with np.errstate(divide="ignore"):
        halvings = np.where(np.isfinite(norms), np.maximum(0, np.ceil(np.log2(norms / reach))), 0)
    groups = np.unique(halvings)
    if len(groups) == 1:
        return _exponential(wide, int(groups[0])).astype(x.dtype, copy=False)
    out = np.empty_like(x)
    for count in groups:
        chosen = halvings == count
        out[chosen] = _exponential(wide[chosen], int(count))
    return out


# The Taylor polynomial of degree 16 is exact for norms up to these: to double precision, and to 1e-9 of x, where that
# is rounded to 6e-8 itself.
_REACH = {"d": 0.75, "D": 0.75}
_REACH_OF_SINGLE = 2.2
_TERMS = 1 / np.cumprod([1.0, *range(1, 17)])
# A row for each four powers: what the first three of x count in it.
_THREE = _TERMS[:16].reshape(4, 4)[:, 1:].copy()


def _exponential(x, halvings):
    """The polynomial in steps of x ** 4 (Paterson and Stockmeyer, 1973): six products instead of sixteen."""
    powers = np.empty((4, *x.shape), x.dtype)
    np.multiply(x, 0.5**halvings, out=powers[0])
    for k in 1, 2, 3:
        np.matmul(powers[(k - 1) // 2], powers[k // 2], out=powers[k])
    parts = np.matmul(_THREE, powers[:3].reshape(3, -1)).reshape(powers.shape)
    each = range(x.shape[-1])
    for part, term in zip(parts, _TERMS[:16:4]):
        part[..., each, each] += term
    out = parts[3]
    out += _TERMS[16] * powers[3]
    for part in parts[2::-1]:
        out = np.matmul(out, powers[3])
        out += part
    for _ in range(halvings):
        out = np.matmul(out, out)
    return out
