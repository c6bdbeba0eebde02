"""Powers and exponentials: of numbers in the rows of a matrix, and of matrices."""

import numpy as np

from .batch_rules import as_it_is
from .cumulative import cumprod
from .declare import general
from .join import above, beside
from .matrix import matmul, mT


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
    reach, h = _REACH.get(x.dtype.char, _REACH_OF_SINGLE), x.shape[-1] // 2
    a, e = wide[..., :h, :h], wide[..., :h, h:]
    if 2 * h != x.shape[-1] or h < _LARGE or x[..., h:, :h].any() or not np.array_equal(a, wide[..., h:, h:]):
        return _exponential(wide[None], reach, _product)[0].astype(x.dtype, copy=False)
    # Derivatives ask for [a e; 0 a]: by a and e, three products of a quarter's size instead of eight.
    pair = _exponential(np.stack((a, e)), reach, _product_of_pairs)
    out = np.zeros_like(x)
    out[..., :h, :h] = out[..., h:, h:] = pair[0]
    out[..., :h, h:] = pair[1]
    return out


# The Taylor polynomial of degree 16 is exact for norms up to these: to double precision, and to 1e-9 of x, where that
# is rounded to 6e-8 itself.
_REACH = {"d": 0.75, "D": 0.75}
_REACH_OF_SINGLE = 2.2
_TERMS = 1 / np.cumprod([1.0, *range(1, 17)])
# A row for each four powers: what the first three of x count in it.
_THREE = _TERMS[:16].reshape(4, 4)[:, 1:].copy()
# From this size on pairs are worth the pieces that they are put in, and up to this norm x ** 4 is a number.
_LARGE, _MOST = 8, 1e70


def _product(x, y):
    return matmul.forward(x[0], y[0])[None]


def _product_of_pairs(x, y):
    """(a, e) stands for [a e; 0 a]."""
    return np.stack((matmul.forward(x[0], y[0]), matmul.forward(x[0], y[1]) + matmul.forward(x[1], y[0])))


def _norms(x):
    """The largest sum of a column, of each matrix."""
    return np.abs(x).sum((0, -2)).max(-1)


def _halve(x, count):
    """Divide each matrix by 2 as often as its count says."""
    if count.any():
        x *= np.ldexp(1.0, -count)[..., None, None]


def _exponential(x, reach, times):
    """The polynomial in steps of x ** 4 (Paterson and Stockmeyer, 1973): six products instead of sixteen.

    Halved as often as the roots of the norms of x ** 3 and x ** 4 ask for, which may be less than the norm of x does
    (Al-Mohy and Higham, "A new scaling and squaring algorithm for the matrix exponential", 2009).
    """
    norm = _norms(x)
    first = np.where(np.isfinite(norm) & (norm > _MOST), np.frexp(norm)[1], 0)
    powers = np.empty((4, *x.shape), x.dtype)
    powers[0] = x
    _halve(powers[0], first)
    with np.errstate(invalid="ignore"):
        for k in 1, 2, 3:
            powers[k] = times(powers[(k - 1) // 2], powers[k // 2])
    norm = np.minimum(np.ldexp(norm, -first), np.maximum(_norms(powers[2]) ** (1 / 3), _norms(powers[3]) ** (1 / 4)))
    with np.errstate(divide="ignore", invalid="ignore"):
        count = np.where(np.isfinite(norm), np.maximum(0, np.ceil(np.log2(norm / reach))), 0).astype(np.int64)
    for k in range(4):
        _halve(powers[k], count * (k + 1))
    parts = np.matmul(_THREE, powers[:3].reshape(3, -1)).reshape(powers.shape)
    each = range(x.shape[-1])
    for part, term in zip(parts, _TERMS[:16:4]):
        part[0][..., each, each] += term
    out = parts[3]
    out += _TERMS[16] * powers[3]
    for part in parts[2::-1]:
        out = times(out, powers[3])
        out += part
    return _squared(out, first + count, times)


def _squared(x, often, times):
    """x times itself, each matrix as often as it was halved."""
    for k in range(int(often.max())):
        if (often > k).all():
            x = times(x, x)
            continue
        left = often > k
        x[:, left] = times(x[:, left], x[:, left])
    return x
