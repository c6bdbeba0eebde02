"""Gamma functions: the logarithm of gamma, its derivatives, Hurwitz's zeta, and the incomplete gamma functions."""

import math

import numpy as np

from .. import kernels
from ..errors import coded
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


def _bend(g):
    words = "the derivative for 'igamma: input' is not implemented. It is once, but not a second time."
    raise coded("RL129", NotImplementedError(words))


def _density(x, y):
    """The derivative of igamma by y: y**(x - 1) exp(-y) / gamma(x)."""
    return exp(xlogy(x - 1, y) - y - lgamma(x))


@elementwise(promote="float", x=lambda g, x, y: g * igamma_slope(x, y), y=lambda g, x, y: g * _density(x, y))
def igamma(x, y):
    """The lower of the two, divided by gamma(x)."""
    supports(x, FLOATING, "igamma_cpu")
    return incomplete.gammainc(x.astype(np.float64), y.astype(np.float64)).astype(x.dtype)


@elementwise(promote="float", x=lambda g, x, y: -g * igamma_slope(x, y), y=lambda g, x, y: -g * _density(x, y))
def igammac(x, y):
    """The upper one, divided by gamma(x)."""
    supports(x, FLOATING, "igammac_cpu")
    return incomplete.gammaincc(x.astype(np.float64), y.astype(np.float64)).astype(x.dtype)


@elementwise(
    promote="float",
    x=_bend,
    y=lambda g, x, y: g * _density(x, y) * (log(y) - digamma(x)),
)
def igamma_slope(x, y):
    """The derivative of igamma by x, for which there is no closed form."""
    return incomplete.gammainc_slope(x.astype(np.float64), y.astype(np.float64)).astype(x.dtype)


def _polygamma(x, n):
    kernel = _fast.trigamma if n == 1 else _fast.polygamma_of(n, (-1.0) ** (n + 1) * math.gamma(n + 1))
    return of_any_layout(kernel)(x)


def _zeta_slope(x, y, n):
    return of_any_layout(_fast.zeta_slope)(x, y) if n == 1 else NotImplemented


_fast = kernels.load("special")
if _fast is not None:
    accelerate(lgamma, _fast.lgamma, x=_fast.through_lgamma)
    accelerate(digamma, _fast.digamma, x=_fast.through_digamma)
    polygamma.accelerate(_polygamma)
    accelerate(zeta, _fast.zeta)
    zeta_slope.accelerate(_zeta_slope)
    accelerate(igamma, _fast.gammainc)
    accelerate(igammac, _fast.gammaincc)
    accelerate(igamma_slope, _fast.gammainc_slope)
