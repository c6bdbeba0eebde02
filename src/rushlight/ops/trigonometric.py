"""Trigonometric and hyperbolic functions and their inverses."""

import math

import numpy as np

from .. import kernels
from .declare import elementwise
from .exponential import rsqrt
from .selection import where
from .supported import FLOATING, in_float32, supports


@elementwise(promote="float", x=lambda g, x: g * cos(x))
def sin(x):
    return np.sin(x)


@elementwise(promote="float", x=lambda g, x: -g * sin(x))
def cos(x):
    return np.cos(x)


@elementwise(promote="float", x=lambda g, out: g * (1 + out * out))
def tan(x):
    return np.tan(x)


@elementwise(promote="float", x=lambda g, x: g * rsqrt(1 - x * x))
def asin(x):
    return np.arcsin(x)


@elementwise(promote="float", x=lambda g, x: -g * rsqrt(1 - x * x))
def acos(x):
    return np.arccos(x)


@elementwise(promote="float", x=lambda g, x: g / (x * x + 1))
def atan(x):
    return np.arctan(x)


@elementwise(promote="float", x=lambda g, x: g * cosh(x))
def sinh(x):
    return np.sinh(x)


@elementwise(promote="float", x=lambda g, x: g * sinh(x))
def cosh(x):
    return np.cosh(x)


@elementwise(promote="float", x=lambda g, out: tanh_backward(g, out))
def tanh(x):
    return np.tanh(x)


@elementwise(
    backward="TanhBackwardBackward0",
    x=lambda g, y: tanh_backward(g, y),
    y=lambda g, x, y: tanh_bend(g, x, y),
)
def tanh_backward(x, y):
    """x * (1 - y**2): the gradient x through a hyperbolic tangent of value y."""
    return x * (1 - y * y)


@elementwise(
    x=lambda g, y, z: tanh_bend(g, y, z),
    y=lambda g, x, z: tanh_bend(g, x, z),
    z=lambda g, x, y: tanh_bend(g, x, y),
)
def tanh_bend(x, y, z):
    """-2xyz: what bends tanh_backward by its second input, and is bent by its own inputs."""
    return x * y * z * -2


@elementwise(promote="float", x=lambda g, x: g * rsqrt(x * x + 1))
def asinh(x):
    return np.arcsinh(x)


# Two roots, not one of the product: so the branch cut is right for complex numbers too.
@elementwise(
    promote="float",
    x=lambda g, x: g * (rsqrt(x - 1) * rsqrt(x + 1) if x.is_complex() else rsqrt(x * x - 1)),
)
def acosh(x):
    return np.arccosh(x)


@elementwise(promote="float", x=lambda g, x: g / (1 - x * x))
def atanh(x):
    return np.arctanh(x)


def _by_squares(x, y):
    """1 / (x x + y y); 0 at the origin, which is in no direction."""
    inverse = 1 / (x * x + y * y)
    return where(inverse == math.inf, 0, inverse)


@elementwise(
    promote="float",
    x=lambda g, x, y: g * (y * _by_squares(x, y)),
    y=lambda g, x, y: -(g * (x * _by_squares(x, y))),
)
def atan2(x, y):
    """The angle of the point with height x over y."""
    supports(x, FLOATING, "atan2_cpu")
    return np.arctan2(x, y)


@elementwise(x=lambda g, x, out: g * (x / out), y=lambda g, y, out: g * (y / out))
def hypot(x, y):
    supports(x, FLOATING, "hypot_cpu")
    return np.hypot(x, y)


def _through_sinc(g, x):
    t = x * math.pi
    return where(x == 0, 0, g * ((t * cos(t) - sin(t)) / (t * x)))


@elementwise(promote="float", x=_through_sinc)
def sinc(x):
    """sin(pi x) / (pi x), 1 at 0."""
    t = x * np.asarray(math.pi, x.dtype)
    return np.where(x == 0, np.ones_like(x), np.sin(t) / t)


def _not_complex(name):
    def check(x):
        if x.dtype.kind == "c":
            raise RuntimeError(f"{name} is not supported for complex tensors.")

    return check


@elementwise(
    promote="float", check=_not_complex("deg2rad"), backward="Deg2RadBackward0", x=lambda g: g * (math.pi / 180)
)
def deg2rad(x):
    return np.multiply(x, math.pi / 180, dtype=x.dtype)


@elementwise(
    promote="float", check=_not_complex("rad2deg"), backward="Rad2DegBackward0", x=lambda g: g * (180 / math.pi)
)
def rad2deg(x):
    return np.multiply(x, 180 / math.pi, dtype=x.dtype)


def _product(g, slope, negative=False):
    if slope is NotImplemented:
        return slope
    return _fast.mul(_fast.neg(g) if negative else g, slope)


in_float32(deg2rad, rad2deg)

_fast, _formula, _ufuncs = (kernels.load(name) for name in ("elementwise", "formula", "ufuncs"))
if _fast is not None:
    _NUMPYS = {
        sin: np.sin, cos: np.cos, tan: np.tan, sinh: np.sinh, cosh: np.cosh, tanh: np.tanh, asin: np.arcsin,
        acos: np.arccos, atan: np.arctan, asinh: np.arcsinh, acosh: np.arccosh, atanh: np.arctanh,
    }  # fmt: skip
    for _op, _ufunc in _NUMPYS.items():
        _op.accelerate(getattr(_fast, _op.name, None), otherwise=_ufuncs.Loop(_ufunc, "fdFD"))
    atan2.accelerate(_ufuncs.Loop(np.arctan2, "fd"), x=_formula.through_height, y=_formula.through_width)
    hypot.accelerate(_formula.hypot, x=_formula.through_hypot, y=_formula.through_hypot)
    for _op in (deg2rad, rad2deg):
        _op.accelerate(getattr(_formula, _op.name))
    sin.accelerate(x=_fast.through_sin)
    cos.accelerate(x=_fast.through_cos)
    # Where those decline.
    sin.accelerate(x=lambda g, x: _product(g, cos.fast(x)))
    cos.accelerate(x=lambda g, x: _product(g, sin.fast(x), negative=True))
    tanh.accelerate(x=_fast.through_tanh)
    tanh_backward.accelerate(_fast.through_tanh, x=_fast.through_tanh, y=_fast.tanh_bend)
    tanh_bend.accelerate(_fast.tanh_bend, x=_fast.tanh_bend, y=_fast.tanh_bend, z=_fast.tanh_bend)
