"""Special functions: error functions, gamma functions, Bessel functions, and x log y."""

import math

import numpy as np

from .. import kernels
from ..kernels import series
from .compare import logical_and
from .complex import sgn
from .declare import elementwise, renamed
from .exponential import exp, log, log1p
from .selection import masked, where
from .supported import FLOATING, supports

_TWO_BY_ROOT_PI = 2 / math.sqrt(math.pi)
_ROOT_HALF = math.sqrt(0.5)


def wide(x, kernel, function, *args):
    """A function of float64, applied to an array of any floating dtype."""
    supports(x, FLOATING, kernel)
    return np.asarray(function(x.astype(np.float64), *args)).astype(x.dtype)


# -- error functions


@elementwise(promote="float", x=lambda g, x: g * (exp(-(x * x)) * _TWO_BY_ROOT_PI))
def erf(x):
    return wide(x, "erf_vml_cpu", series.erf)


@elementwise(promote="float", x=lambda g, x: g * (exp(-(x * x)) * -_TWO_BY_ROOT_PI))
def erfc(x):
    return wide(x, "erfc_vml_cpu", series.erfc)


@elementwise(promote="float", x=lambda g, out: g * (exp(out * out) * (1 / _TWO_BY_ROOT_PI)))
def erfinv(x):
    return wide(x, "erfinv_vml_cpu", series.erfinv)


@elementwise(promote="float", backward="SpecialErfcxBackward0", x=lambda g, x, out: g * (2 * x * out - _TWO_BY_ROOT_PI))
def erfcx(x):
    return wide(x, "erfcx_cpu", series.erfcx)


def _log_ndtr(x):
    low = x < -1
    z = np.where(low, -x, 1) * _ROOT_HALF
    return np.where(low, np.log(series.erfcx(z) / 2) - z * z, np.log1p(-series.erfc(x * _ROOT_HALF) / 2))


@elementwise(
    promote="float",
    backward="SpecialLogNdtrBackward0",
    x=lambda g, x: g * (math.sqrt(2 / math.pi) / erfcx(x * -_ROOT_HALF)),
)
def log_ndtr(x):
    """The logarithm of the normal distribution function."""
    return wide(x, "log_ndtr_cpu", _log_ndtr)


def _ndtri(p):
    return np.where(p < 0.5, 1, -1) * -math.sqrt(2) * series.erfinv(1 - 2 * np.minimum(p, 1 - p))


@elementwise(
    promote="float",
    backward="SpecialNdtriBackward0",
    x=lambda g, out: g * (math.sqrt(2 * math.pi) * exp(out * out / 2)),
)
def ndtri(x):
    """The inverse of the normal distribution function."""
    return wide(x, "ndtri_cpu", _ndtri)


# -- gamma functions


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


# -- Bessel functions


@elementwise(promote="float", x=lambda g, x: g * i1(x))
def i0(x):
    return wide(x, "i0_vml_cpu", lambda x: series.bessel(0, x, False))


@elementwise(promote="float", backward="SpecialI0EBackward0", x=lambda g, x, out: g * (i1e(x) - sgn(x) * out))
def i0e(x):
    return wide(x, "i0e_cpu", lambda x: series.bessel(0, x, True))


def _over(out, x):
    """out / x for the odd function `out`, whose slope at 0 is a half."""
    return where(x == 0, 0.5, out / where(x == 0, 1, x))


@elementwise(promote="float", backward="SpecialI1Backward0", x=lambda g, x, out: g * (i0(x) - _over(out, x)))
def i1(x):
    return wide(x, "i1_cpu", lambda x: series.bessel(1, x, False))


@elementwise(
    promote="float",
    backward="SpecialI1EBackward0",
    x=lambda g, x, out: g * (i0e(x) - out * sgn(x) - _over(out, x)),
)
def i1e(x):
    return wide(x, "i1e_cpu", lambda x: series.bessel(1, x, True))


# -- x log y


@elementwise(
    promote="float",
    x=lambda g, x, y: where(logical_and(x == 0, y <= 0), 0, g * log(y)),
    y=lambda g, x, y: g * x / y,
)
def xlogy(x, y):
    """x log y, 0 where x is."""
    supports(x, FLOATING, "xlogy_cpu")
    return np.where(np.isnan(y), y, np.where(x == 0, np.zeros_like(x), x * np.log(y)))


xlogy_number, xlogy_of_number = renamed(xlogy, "XlogyBackward2"), renamed(xlogy, "XlogyBackward1")


@elementwise(
    promote="float",
    backward="SpecialXlog1PyBackward0",
    x=lambda g, x, y: where(logical_and(x == 0, y <= -1), 0, g * log1p(y)),
    y=lambda g, x, y: g * x / (y + 1),
)
def xlog1py(x, y):
    """x log(1 + y), 0 where x is."""
    supports(x, FLOATING, "xlog1py_cpu")
    return np.where(np.isnan(y), y, np.where(x == 0, np.zeros_like(x), x * np.log1p(y)))


@elementwise(promote="float", backward="SpecialEntrBackward0", x=lambda g, x: g * (-log(x) - 1))
def entr(x):
    """-x log x, 0 at 0, -inf below."""
    supports(x, FLOATING, "entr")
    return np.where(x > 0, -x * np.log(x), np.where(x == 0, np.zeros_like(x), np.where(np.isnan(x), x, -np.inf)))


# -- sigmoid's inverse


def _through_logit(g, x, eps):
    slope = g / (x * (1 - x))
    if eps is None:
        return where(logical_and(x >= 0, x <= 1), slope, math.nan)
    return masked(slope, logical_and(x >= eps, x <= 1 - eps))


@elementwise(promote="float", x=_through_logit)
def logit(x, *, eps=None):
    """log(x / (1 - x)), x clamped to [eps, 1 - eps]."""
    supports(x, FLOATING, "logit_cpu")
    if eps is not None:
        x = np.where(x < eps, eps, np.where(x > 1 - eps, 1 - eps, x)).astype(x.dtype)
    return np.log(x / (1 - x))


def contiguously(kernel):
    """A kernel for every layout: the Python meaning goes element by element."""
    return lambda x: kernel(np.array(x, order="C"))


_fast = kernels.load("special")
if _fast is not None:
    for _op in (erf, erfc, erfinv, erfcx, log_ndtr, ndtri, lgamma, digamma, i0, i0e, i1, i1e, entr):
        _op.accelerate(getattr(_fast, _op.name))
        _op.accelerate(contiguously(_op.kernel))
