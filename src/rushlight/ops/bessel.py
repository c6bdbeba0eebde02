"""Bessel and Airy functions. Derivatives: Abramowitz and Stegun 9.1.28, 9.6.27 and 10.4.1."""

import math

import numpy as np

from .. import kernels
from ..kernels import series
from .complex import sgn
from .declare import elementwise
from .selection import where
from .special import accelerate, of_any_layout, precise, wide

# -- J and I over a power of x


@elementwise(
    promote="float",
    x=lambda g, x, order, sign: g * (x * clifford(x, order=order + 1, sign=sign) * (sign / (2 * (order + 1)))),
)
def clifford(x, *, order, sign):
    """The sum of (sign * x**2 / 4)**k / (k! (order + 1) ... (order + k)), 1 at 0 (A&S 9.1.69, 9.6.47).

    It is gamma(order + 1) (2 / x)**order times J, or I where `sign` is 1; by it J1 / x has derivatives at 0.
    """
    return wide(x, "bessel_cpu", lambda x: series.clifford(x, order, sign))


# -- modified Bessel functions


@elementwise(promote="float", x=lambda g, x: g * i1(x))
def i0(x):
    return wide(x, "i0_vml_cpu", lambda x: series.bessel(0, x, False))


@elementwise(promote="float", backward="SpecialI0EBackward0", x=lambda g, x, out: g * (i1e(x) - sgn(x) * out))
def i0e(x):
    return wide(x, "i0e_cpu", lambda x: series.bessel(0, x, True))


@elementwise(
    promote="float", backward="SpecialI1Backward0", x=lambda g, x: g * (i0(x) - clifford(x, order=1, sign=1) / 2)
)
def i1(x):
    return wide(x, "i1_cpu", lambda x: series.bessel(1, x, False))


def _over(out, x):
    """out / x for the odd function `out`, whose slope at 0 is a half."""
    return where(x == 0, 0.5, out / where(x == 0, 1, x))


@elementwise(
    promote="float",
    backward="SpecialI1EBackward0",
    x=lambda g, x, out: g * (i0e(x) - out * sgn(x) - _over(out, x)),
)
def i1e(x):
    return wide(x, "i1e_cpu", lambda x: series.bessel(1, x, True))


@elementwise(promote="float", backward="SpecialModifiedBesselI0Backward0", x=lambda g, x: g * i1(x))
def modified_bessel_i0(x):
    return precise(x, "modified_bessel_i0_cpu", lambda x: series.bessel(0, x, False))


@elementwise(
    promote="float",
    backward="SpecialModifiedBesselI1Backward0",
    x=lambda g, x: g * (i0(x) - clifford(x, order=1, sign=1) / 2),
)
def modified_bessel_i1(x):
    return precise(x, "modified_bessel_i1_cpu", lambda x: series.bessel(1, x, False))


@elementwise(promote="float", backward="SpecialModifiedBesselK0Backward0", x=lambda g, x: -g * modified_bessel_k1(x))
def modified_bessel_k0(x):
    return precise(x, "modified_bessel_k0_cpu", series.from_scipy("k0"))


@elementwise(
    promote="float",
    backward="SpecialModifiedBesselK1Backward0",
    x=lambda g, x, out: -g * (modified_bessel_k0(x) + out / x),
)
def modified_bessel_k1(x):
    return precise(x, "modified_bessel_k1_cpu", series.from_scipy("k1"))


@elementwise(
    promote="float",
    backward="SpecialScaledModifiedBesselK0Backward0",
    x=lambda g, x, out: g * (out - scaled_modified_bessel_k1(x)),
)
def scaled_modified_bessel_k0(x):
    return precise(x, "scaled_modified_bessel_k0_cpu", series.from_scipy("k0e"))


@elementwise(
    promote="float",
    backward="SpecialScaledModifiedBesselK1Backward0",
    x=lambda g, x, out: g * (out - scaled_modified_bessel_k0(x) - out / x),
)
def scaled_modified_bessel_k1(x):
    return precise(x, "scaled_modified_bessel_k1_cpu", series.from_scipy("k1e"))


# -- Bessel functions of the first and second kind


@elementwise(promote="float", backward="SpecialBesselJ0Backward0", x=lambda g, x: -g * bessel_j1(x))
def bessel_j0(x):
    return precise(x, "bessel_j0_cpu", series.from_scipy("j0"))


@elementwise(
    promote="float",
    backward="SpecialBesselJ1Backward0",
    x=lambda g, x: g * (bessel_j0(x) - clifford(x, order=1, sign=-1) / 2),
)
def bessel_j1(x):
    return precise(x, "bessel_j1_cpu", series.from_scipy("j1"))


@elementwise(promote="float", backward="SpecialBesselY0Backward0", x=lambda g, x: -g * bessel_y1(x))
def bessel_y0(x):
    return precise(x, "bessel_y0_cpu", series.from_scipy("y0"))


@elementwise(promote="float", backward="SpecialBesselY1Backward0", x=lambda g, x, out: g * (bessel_y0(x) - out / x))
def bessel_y1(x):
    return precise(x, "bessel_y1_cpu", series.from_scipy("y1"))


@elementwise(
    promote="float",
    backward="SpecialSphericalBesselJ0Backward0",
    x=lambda g, x: g * (x * clifford(x, order=1.5, sign=-1) * (-1 / 3)),
)
def spherical_bessel_j0(x):
    """sin(x) / x, 1 at 0."""
    return precise(x, "spherical_bessel_j0_cpu", lambda x: np.sinc(x / math.pi))


# -- Airy's function


@elementwise(promote="float", backward="SpecialAiryAiBackward0", x=lambda g, x: g * airy_slope(x))
def airy_ai(x):
    return precise(x, "airy_ai_cpu", lambda x: series.from_scipy("airy")(x)[0])


@elementwise(promote="float", x=lambda g, x: g * (x * airy_ai(x)))
def airy_slope(x):
    """The derivative of Airy's function, which solves y'' = x y."""
    return precise(x, "airy_ai_cpu", lambda x: series.from_scipy("airy")(x)[1])


_fast = kernels.load("special")
if _fast is not None:
    for _op, _kernel in (i0, _fast.i0), (i0e, _fast.i0e), (i1, _fast.i1), (i1e, _fast.i1e):
        accelerate(_op, _kernel)
    for _op, _kernel in (
        (modified_bessel_i0, _fast.i0), (modified_bessel_i1, _fast.i1), (modified_bessel_k0, _fast.k0),
        (modified_bessel_k1, _fast.k1), (scaled_modified_bessel_k0, _fast.k0e), (scaled_modified_bessel_k1, _fast.k1e),
        (bessel_j0, _fast.j0), (bessel_j1, _fast.j1), (bessel_y0, _fast.y0), (bessel_y1, _fast.y1),
        (spherical_bessel_j0, _fast.spherical_j0), (airy_ai, _fast.airy), (airy_slope, _fast.airy_slope),
    ):  # fmt: skip
        accelerate(_op, _kernel, dtypes="fd")
    clifford.accelerate(lambda x, order, sign: of_any_layout(_fast.clifford_of(order, sign))(x))
    for _op, _kernel in (
        (i0, _fast.through_i0), (modified_bessel_i0, _fast.through_i0), (i1, _fast.through_i1),
        (modified_bessel_i1, _fast.through_i1), (bessel_j1, _fast.through_j1),
        (spherical_bessel_j0, _fast.through_spherical_j0),
    ):  # fmt: skip
        _op.accelerate(x=_kernel)
    i0e.accelerate(x=lambda g, x, out: _fast.through_i0e(g, x))
    i1e.accelerate(x=lambda g, x, out: _fast.through_i1e(g, x))
