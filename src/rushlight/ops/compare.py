"""Comparisons, tests and logic: results are truth values or bits, and have no derivative."""

import numpy as np

from .. import kernels
from ..dtypes import of
from .batch_rules import aligned
from .declare import nondifferentiable
from .supported import INTEGRAL, INTEGRAL_OR_BOOL, supports

# -- order


@nondifferentiable(batch=aligned, promote="common")
def eq(x, y):
    return np.equal(x, y)


@nondifferentiable(batch=aligned, promote="common")
def ne(x, y):
    return np.not_equal(x, y)


@nondifferentiable(batch=aligned, promote="common")
def lt(x, y):
    supports(x, _ORDERED, "lt_cpu")
    return np.less(x, y)


@nondifferentiable(batch=aligned, promote="common")
def le(x, y):
    supports(x, _ORDERED, "le_cpu")
    return np.less_equal(x, y)


@nondifferentiable(batch=aligned, promote="common")
def gt(x, y):
    supports(x, _ORDERED, "gt_cpu")
    return np.greater(x, y)


@nondifferentiable(batch=aligned, promote="common")
def ge(x, y):
    supports(x, _ORDERED, "ge_cpu")
    return np.greater_equal(x, y)


_ORDERED = "biufV"

# -- closeness


def _one_dtype(x, y):
    if x.dtype != y.dtype:
        raise RuntimeError(f"{of(x.dtype).scalar_type} did not match {of(y.dtype).scalar_type}")


@nondifferentiable(batch=aligned, check=_one_dtype)
def isclose(x, y, *, rtol=1e-5, atol=1e-8, equal_nan=False):
    close = np.equal(x, y)
    if equal_nan and x.dtype.kind in "fcV":
        close = close | (np.isnan(x) & np.isnan(y))
    if rtol == 0 and atol == 0:
        return close
    if x.dtype.kind in "biu":
        x, y = x.astype(np.float64), y.astype(np.float64)
    distance = abs(x - y)
    return close | (np.isfinite(distance) & (distance <= atol + abs(rtol * y)))


# -- what kind of number


@nondifferentiable(batch=aligned)
def isnan(x):
    return np.isnan(x) if x.dtype.kind in "fcV" else np.zeros(x.shape, bool)


@nondifferentiable(batch=aligned)
def isinf(x):
    return np.isinf(x) if x.dtype.kind in "fcV" else np.zeros(x.shape, bool)


@nondifferentiable(batch=aligned)
def isfinite(x):
    return np.isfinite(x) if x.dtype.kind in "fcV" else np.ones(x.shape, bool)


def _not_complex(name):
    def check(x):
        if x.dtype.kind == "c":
            raise RuntimeError(f"{name} does not support complex inputs.")

    return check


@nondifferentiable(batch=aligned, check=_not_complex("isposinf"))
def isposinf(x):
    return np.equal(x, np.inf) if x.dtype.kind in "fV" else np.zeros(x.shape, bool)


@nondifferentiable(batch=aligned, check=_not_complex("isneginf"))
def isneginf(x):
    return np.equal(x, -np.inf) if x.dtype.kind in "fV" else np.zeros(x.shape, bool)


@nondifferentiable(batch=aligned)
def isreal(x):
    return np.equal(x.imag, 0) if x.dtype.kind == "c" else np.ones(x.shape, bool)


@nondifferentiable(batch=aligned)
def signbit(x):
    if x.dtype.kind == "c":
        raise NotImplementedError("signbit is not implemented for complex tensors.")
    return np.signbit(x) if x.dtype.kind in "fV" else np.less(x, 0)


# -- logic


@nondifferentiable(batch=aligned)
def logical_and(x, y):
    return np.logical_and(x, y)


@nondifferentiable(batch=aligned)
def logical_or(x, y):
    return np.logical_or(x, y)


@nondifferentiable(batch=aligned)
def logical_xor(x, y):
    return np.logical_xor(x, y)


@nondifferentiable(batch=aligned)
def logical_not(x):
    return np.logical_not(x)


# -- bits


@nondifferentiable(batch=aligned, promote="common")
def bitwise_and(x, y):
    supports(x, INTEGRAL_OR_BOOL, "bitwise_and_cpu")
    return np.bitwise_and(x, y)


@nondifferentiable(batch=aligned, promote="common")
def bitwise_or(x, y):
    supports(x, INTEGRAL_OR_BOOL, "bitwise_or_cpu")
    return np.bitwise_or(x, y)


@nondifferentiable(batch=aligned, promote="common")
def bitwise_xor(x, y):
    supports(x, INTEGRAL_OR_BOOL, "bitwise_xor_cpu")
    return np.bitwise_xor(x, y)


@nondifferentiable(batch=aligned)
def bitwise_not(x):
    supports(x, INTEGRAL_OR_BOOL, "bitwise_not_cpu")
    return np.invert(x)


@nondifferentiable(batch=aligned, promote="common")
def bitwise_left_shift(x, y):
    supports(x, INTEGRAL, "lshift_cpu")
    return np.left_shift(x, y)


@nondifferentiable(batch=aligned, promote="common")
def bitwise_right_shift(x, y):
    supports(x, INTEGRAL, "rshift_cpu")
    return np.right_shift(x, y)


# -- whole numbers


@nondifferentiable(batch=aligned, promote="common")
def gcd(x, y):
    supports(x, INTEGRAL, "gcd_cpu")
    return np.gcd(x, y)


@nondifferentiable(batch=aligned, promote="common")
def lcm(x, y):
    supports(x, INTEGRAL, "lcm_cpu")
    return np.lcm(x, y)


_fast, _ufuncs = kernels.load("elementwise"), kernels.load("ufuncs")
if _fast is not None:
    _ORDERS = {eq: np.equal, ne: np.not_equal, lt: np.less, le: np.less_equal, gt: np.greater, ge: np.greater_equal}
    for _op, _ufunc in _ORDERS.items():
        _op.accelerate(getattr(_fast, _op.name), otherwise=_ufuncs.Loop(_ufunc, "?bBhHiIlLqQ"))
    for _op, _ufunc in ((isnan, np.isnan), (isinf, np.isinf), (isfinite, np.isfinite), (signbit, np.signbit)):
        _op.accelerate(_ufuncs.Loop(_ufunc, "fd"))
    for _op in (logical_and, logical_or, logical_xor, logical_not):
        _op.accelerate(getattr(_fast, _op.name, None), otherwise=_ufuncs.Loop(getattr(np, _op.name)))
    for _op in (bitwise_and, bitwise_or, bitwise_xor, bitwise_not):
        _op.accelerate(_ufuncs.Loop(getattr(np, _op.name), "?bBhHiIlLqQ"))
    for _op, _ufunc in ((bitwise_left_shift, np.left_shift), (bitwise_right_shift, np.right_shift)):
        _op.accelerate(_ufuncs.Loop(_ufunc, "bBhHiIlLqQ"))
    for _op in (gcd, lcm):
        _op.accelerate(_ufuncs.Loop(getattr(np, _op.name), "bBhHiIlLqQ"))
