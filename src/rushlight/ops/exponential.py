"""Exponentials, logarithms, roots and powers."""

import math

import numpy as np

from .. import kernels
from ..core import TensorBase, call2
from ..errors import coded
from ..modes import grad_enabled
from .batch_rules import as_it_is
from .compare import eq, ge, logical_and
from .copying import to_dtype, zero
from .declare import elementwise, general, renamed
from .selection import where
from .supported import supports

_LOG2, _LOG10 = math.log(2), math.log(10)


@elementwise(promote="float", x=lambda g, out: g * out)
def exp(x):
    return np.exp(x)


@elementwise(promote="float", x=lambda g, out: g * (out * _LOG2))
def exp2(x):
    return np.exp2(x)


@elementwise(promote="float", x=lambda g, out: g * (out + 1))
def expm1(x):
    return np.expm1(x)


@elementwise(promote="float", x=lambda g, x: g / x)
def log(x):
    return np.log(x)


@elementwise(promote="float", x=lambda g, x: g / (x * _LOG2))
def log2(x):
    return np.log2(x)


@elementwise(promote="float", x=lambda g, x: g / (x * _LOG10))
def log10(x):
    return np.log10(x)


@elementwise(promote="float", backward="Log1PBackward0", x=lambda g, x: g / (x + 1))
def log1p(x):
    return _complex_log1p(x) if x.dtype.kind == "c" else np.log1p(x)


def _complex_log1p(x):
    """NumPy's is log(1 + x), which loses the real part of a small x and the sign of an imaginary zero."""
    moved = np.array(x)
    moved.real += 1
    out = np.asarray(np.log(moved))
    small = np.absolute(x) < 0.5
    out.real = np.where(small, np.log1p(x.real * (x.real + 2) + x.imag * x.imag) / 2, out.real)
    return out


# The complex branch: NumPy's logaddexp is for real numbers.
def _log_add(x, y, exp, log, kernel):
    supports(x, "fcV", kernel)
    if x.dtype.kind != "c":
        return None
    larger = np.where(x.real >= y.real, x, y)
    return larger + log(exp(x - larger) + exp(y - larger))


def apart(x, y):
    """x - y; of truth values there is no difference, of the numbers that they stand for there is."""
    x, y = [z * 1 if z._array.dtype.kind == "b" else z for z in (x, y)]
    return x - y


@elementwise(x=lambda g, x, y: g / (1 + exp(apart(y, x))), y=lambda g, x, y: g / (1 + exp(apart(x, y))))
def logaddexp(x, y):
    out = _log_add(x, y, np.exp, np.log, "logaddexp_cpu")
    return np.logaddexp(x, y) if out is None else out


@elementwise(x=lambda g, x, y: g / (1 + exp2(apart(y, x))), y=lambda g, x, y: g / (1 + exp2(apart(x, y))))
def logaddexp2(x, y):
    supports(x, "fV", "logaddexp2_cpu")
    return np.logaddexp2(x, y)


# -- roots


@elementwise(promote="float", x=lambda g, out: g / (2 * out))
def sqrt(x):
    return np.sqrt(x)


@elementwise(promote="float", x=lambda g, out: g * (-0.5 * (out * out * out)))
def rsqrt(x):
    return np.true_divide(1, np.sqrt(x), dtype=x.dtype)


# -- powers


@elementwise(backward="PowBackward0", x=lambda g, x: g * (2 * x))
def square(x):
    return np.square(x.astype(np.int64) if x.dtype.kind == "b" else x)


def _check_power(x, y):
    if isinstance(y, np.ndarray):
        if y.dtype.kind == "b" and isinstance(x, np.ndarray) and x.dtype.kind == "b":
            raise NotImplementedError("\"pow\" not implemented for 'Bool'")
    elif isinstance(y, int) and y < 0 and isinstance(x, np.ndarray) and x.dtype.kind in "biu":
        raise coded("RL329", RuntimeError("Integers to negative integer powers are not allowed."))


def _through_base(g, x, y):
    """y * x**(y - 1), and 0 for the power 0 whatever x is."""
    # Where it is recorded the derivative is a function of x also where it is constant, as in PyTorch.
    if isinstance(y, int) and 0 < y < 3 and not grad_enabled():
        return g if y == 1 else g * (y * x)
    if not isinstance(y, TensorBase):
        return zero(g) if y == 0 else g * (y * power(x, y - 1))
    if y._array.dtype.kind == "b":
        y = to_dtype(y, dtype=g._array.dtype)
    return where(eq(y, 0), 0, g * (y * pow(x, y - 1)))


def _through_exponent(g, x, y, out):
    """x**y * log(x), and 0 for the base 0 where the power is 0 or 1 throughout."""
    slope = g * (out * (log(x) if isinstance(x, TensorBase) else _log_of(x)))
    if not isinstance(x, TensorBase) and x != 0:
        return slope
    settled = ge(_real(y), 0)
    return where(settled if not isinstance(x, TensorBase) else logical_and(eq(x, 0), settled), 0, slope)


def _log_of(number):
    import cmath

    if number == 0:
        return -math.inf
    return cmath.log(number) if isinstance(number, complex) else math.log(number) if number > 0 else math.nan


def _real(y):
    from .complex import real

    return real(y) if y._array.dtype.kind == "c" else y


@elementwise(
    check=_check_power,
    backward="PowBackward1",
    x=_through_base,
    y=_through_exponent,
    aliases={"y": "exponent"},
)
def pow(x, y):
    if x.dtype.kind in "iu":
        return _integer_power(x, y)
    if x.dtype.kind == "b":
        return x | ~y
    if x.dtype.kind == "c" and y.ndim == 0 and y.item() in _COMPLEX_POWERS:
        return _COMPLEX_POWERS[y.item()](x)
    return np.power(x, y)


# Powers that NumPy takes by way of the logarithm, which is neither exact nor defined everywhere.
_COMPLEX_POWERS = {
    2: np.square,
    3: lambda x: x * x * x,
    0.5: np.sqrt,
    -0.5: lambda x: 1 / np.sqrt(x),
    -1: np.reciprocal,
    -2: lambda x: np.reciprocal(x * x),
}


def _integer_power(x, y):
    """Whole powers; of a negative exponent only 1 and -1 have a whole one."""
    negative = y < 0
    if not negative.any():
        return np.power(x, y)
    of_unit = np.where(x == 1, 1, np.where(x == -1, np.where(y % 2 == 0, 1, -1), 0)).astype(x.dtype)
    return np.where(negative, of_unit, np.power(x, np.where(negative, 0, y)))


# The same for a number as the exponent or as the base.
pow_number, pow_of_number = renamed(pow, "PowBackward0"), renamed(pow, "PowBackward2")


def power(x, y):
    """x ** y of a tensor and a tensor or number."""
    return call2(pow if isinstance(y, TensorBase) else pow_number, x, y)


def _through_small_power(g, x, y):
    if type(y) is not int:
        return NotImplemented
    return g if y == 1 else _fast.through_square(g, x) if y == 2 else NotImplemented


_fast, _formula, _ufuncs = (kernels.load(name) for name in ("elementwise", "formula", "ufuncs"))
if _fast is not None:
    for _op in (exp, exp2, log2, log10, sqrt, square):
        _op.accelerate(otherwise=_ufuncs.Loop(getattr(np, _op.name), "fdFD"))
    log.accelerate(otherwise=_ufuncs.Loop(np.log, "FD"))
    for _op in (pow, pow_number):
        _op.accelerate(otherwise=_ufuncs.Loop(np.power, "fd"))
    for _op in (logaddexp, logaddexp2):
        _op.accelerate(getattr(_formula, _op.name))
    logaddexp.accelerate(x=_formula.through_logaddexp, y=lambda g, x, y: _formula.through_logaddexp(g, y, x))
    for _op in (exp, exp2, expm1, log, log1p, log2, log10, sqrt, rsqrt, square, pow):
        _op.accelerate(getattr(_fast, _op.name))
    pow_number.accelerate(_fast.pow)
    pow.accelerate(x=_through_small_power)
    exp.accelerate(x=_fast.mul)
    log.accelerate(x=_fast.div)
    sqrt.accelerate(x=_fast.through_sqrt)
    square.accelerate(x=_fast.through_square)


@general(
    batch=as_it_is,
    outputs=("mantissa", "exponent"),
    aliases={"mantissa": "mantissa", "exponent": "exponent"},
    x=lambda g, mantissa, exponent: g[0] / power_of_two(exponent, mantissa),
    push=lambda x_t, mantissa, exponent: (x_t / power_of_two(exponent, mantissa), None),
)
def frexp(x):
    """x as mantissa * 2**exponent, the mantissa from 0.5 up to 1 in size; the exponent is int32, 0 for 0, inf and nan."""
    if x.dtype.kind == "V":
        mantissa, exponent = np.frexp(x.astype(np.float32))
        return mantissa.astype(x.dtype), exponent
    return np.frexp(x)


def power_of_two(exponent, like):
    return exp2(to_dtype(exponent, dtype=like._array.dtype))
