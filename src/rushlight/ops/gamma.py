"""Gamma functions: the logarithm of gamma, its derivatives, Hurwitz's zeta, and the incomplete gamma functions."""

import math

import numpy as np

from .. import kernels
from ..kernels import incomplete, series
from .declare import elementwise
from .exponential import exp, log
from .special import accelerate, of_any_layout, wide, xlogy
from .supported import FLOATING, supports


@elementwise(promote="float", x=lambda g, x: g * digamma(x))
def lgamma(x):
    """log |gamma(x)|."""
    return wide(x, "lgamma_vml_cpu", series.lgamma)


@elementwise(promote="float", x=lambda g, x: g * polygamma(x, n=1))
def digamma(x):
    return wide(x, "digamma", series.digamma)


@elementwise(promote="float", x=lambda g, x, n: g * polygamma(x, n=n + 1))
def polygamma(x, *, n):
    """The n-th derivative of digamma, n >= 1."""
    return wide(x, "polygamma", lambda x: series.polygamma(n, x))


@elementwise(
    promote="float",
    backward="SpecialZetaBackward0",
    x=lambda g, x, y: g * zeta_slope(x, y, n=1),
    y=lambda g, x, y: g * (-x * zeta(x + 1, y)),
)
def zeta(x, y):
    """Hurwitz's zeta: the sum of (y + k)**-x."""
    supports(x, FLOATING, "zeta_cpu")
    return series.zeta(x, y).astype(x.dtype)


@elementwise(
    promote="float",
    x=lambda g, x, y, n: g * zeta_slope(x, y, n=n + 1),
    y=lambda g, x, y, n: -g * (x * zeta_slope(x + 1, y, n=n) + (n * zeta_slope(x + 1, y, n=n - 1) if n else 0)),
)
def zeta_slope(x, y, *, n):
    """The n-th derivative of zeta by its first argument."""
    return series.zeta_slope(x, y, n).astype(x.dtype)


# -- incomplete gamma functions: x is their order, y where the integral is divided


def _density(x, y):
    """The derivative of igamma by y: y**(x - 1) exp(-y) / gamma(x)."""
    return exp(xlogy(x - 1, y) - y - lgamma(x))


def _density_slope(x, y, n):
    """Its n-th derivative by x: the first is it times log y - digamma(x), the others follow by Leibniz's rule."""
    out, steep = [_density(x, y)], [log(y) - digamma(x)]
    for m in range(n):
        out.append(sum(math.comb(m, k) * out[m - k] * steep[k] for k in range(m + 1)))
        steep.append(-polygamma(x, n=m + 1))
    return out[n]


@elementwise(promote="float", x=lambda g, x, y: g * igamma_slope(x, y, n=1), y=lambda g, x, y: g * _density(x, y))
def igamma(x, y):
    """The lower of the two, divided by gamma(x)."""
    supports(x, FLOATING, "igamma_cpu")
    return incomplete.gammainc(x.astype(np.float64), y.astype(np.float64)).astype(x.dtype)


@elementwise(promote="float", x=lambda g, x, y: -g * igamma_slope(x, y, n=1), y=lambda g, x, y: -g * _density(x, y))
def igammac(x, y):
    """The upper one, divided by gamma(x)."""
    supports(x, FLOATING, "igammac_cpu")
    return incomplete.gammaincc(x.astype(np.float64), y.astype(np.float64)).astype(x.dtype)


@elementwise(
    promote="float",
    x=lambda g, x, y, n: g * igamma_slope(x, y, n=n + 1),
    y=lambda g, x, y, n: g * _density_slope(x, y, n),
)
def igamma_slope(x, y, *, n):
    """The n-th derivative of igamma by x, for which there is no closed form."""
    x64, y64 = x.astype(np.float64), y.astype(np.float64)
    slope = incomplete.gammainc_slope(x64, y64) if n == 1 else incomplete.gammainc_slopes(x64, y64, n)
    return slope.astype(x.dtype)


def _polygamma(x, n):
    kernel = _fast.trigamma if n == 1 else _fast.polygamma_of(n, (-1.0) ** (n + 1) * math.gamma(n + 1))
    return of_any_layout(kernel)(x)


def _of_first_order(kernel):
    """A kernel of first derivatives; those of higher order are computed by the Python meaning."""
    layouts = of_any_layout(kernel)

    def apply(x, y, n):
        if n != 1:
            return NotImplemented
        out = kernel(x, y)
        return layouts(x, y) if out is NotImplemented else out

    return apply


_fast = kernels.load("special")
if _fast is not None:
    accelerate(lgamma, _fast.lgamma, x=_fast.through_lgamma)
    accelerate(digamma, _fast.digamma, x=_fast.through_digamma)
    polygamma.accelerate(_polygamma)
    accelerate(zeta, _fast.zeta)
    zeta_slope.accelerate(_of_first_order(_fast.zeta_slope))
    accelerate(igamma, _fast.gammainc)
    accelerate(igammac, _fast.gammaincc)
    igamma_slope.accelerate(_of_first_order(_fast.gammainc_slope))
