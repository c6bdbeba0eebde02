"""Special functions: error functions, x log y, logit. Gamma and Bessel functions have files of their own."""

import math

import numpy as np

from .. import kernels
from ..kernels import series
from .compare import logical_and
from .declare import elementwise, renamed
from .exponential import exp, log, log1p
from .selection import masked, where
from .supported import FLOATING, supports
from .trigonometric import sinc

_TWO_BY_ROOT_PI = 2 / math.sqrt(math.pi)
_ROOT_HALF = math.sqrt(0.5)


def wide(x, kernel, function, *args):
    """A function of float64, applied to an array of any floating dtype."""
    supports(x, FLOATING, kernel)
    return np.asarray(function(x.astype(np.float64), *args)).astype(x.dtype)


def precise(x, kernel, function, *args):
    """The same where PyTorch takes float32 and float64 alone."""
    supports(x, FLOATING if x.dtype.char in "fd" else "", kernel)
    return wide(x, kernel, function, *args)


def of_any_layout(kernel, dtypes="efdE"):
    """A kernel for arrays of every layout, that broadcast; of a half precision it computes in float32."""

    def apply(*arrays):
        dtype = arrays[0].dtype
        if dtype.char not in dtypes:
            return NotImplemented
        working = dtype if dtype.char in "fd" else np.float32
        if len(arrays) > 1:
            try:
                arrays = np.broadcast_arrays(*arrays)
            except ValueError:
                return NotImplemented
        out = kernel(*[np.asarray(x, working, order="C") for x in arrays])
        return out if out is NotImplemented else out.astype(dtype, copy=False)

    return apply


def accelerate(op, kernel, *, dtypes="efdE", **rules):
    """Give an operation its kernel, for arrays that this takes as they are and for all others."""
    op.accelerate(kernel, **rules)
    op.accelerate(of_any_layout(kernel, dtypes))


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
    backward="SpecialNdtrBackward0",
    x=lambda g, x: g * (exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))),
)
def ndtr(x):
    """The normal distribution function."""
    return wide(x, "erfc_vml_cpu", lambda x: series.erfc(x * -_ROOT_HALF) / 2)


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


_fast, _elementary = kernels.load("special"), kernels.load("elementwise")
if _fast is not None:
    accelerate(erf, _elementary.erf, x=_fast.through_erf)
    accelerate(erfc, _elementary.erfc, x=_fast.through_erfc)
    accelerate(erfinv, _fast.erfinv, x=_fast.through_erfinv)
    accelerate(erfcx, _fast.erfcx, x=_fast.through_erfcx)
    accelerate(ndtr, _fast.ndtr, x=_fast.through_ndtr)
    accelerate(log_ndtr, _fast.log_ndtr, x=_fast.through_log_ndtr)
    accelerate(ndtri, _fast.ndtri, x=_fast.through_ndtri)
    for _op in (xlogy, xlogy_number, xlogy_of_number):
        accelerate(_op, _fast.xlogy, x=_fast.through_xlogy_x, y=_fast.through_xlogy_y)
    accelerate(xlog1py, _fast.xlog1py, x=_fast.through_xlog1py_x, y=_fast.through_xlog1py_y)
    accelerate(sinc, _fast.sinc, x=_fast.through_sinc)
    accelerate(entr, _fast.entr, x=_fast.through_entr)
    logit.accelerate(_fast.logit)
    logit.accelerate(x=lambda g, x, eps: _fast.through_logit(g, x) if eps is None else NotImplemented)
