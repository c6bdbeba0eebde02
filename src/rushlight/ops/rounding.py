"""Rounding: steps, whose derivative is zero."""

import numpy as np

from .. import kernels
from .copying import zero
from .declare import elementwise, renamed
from .supported import FLOATING, REAL, in_float32, supports


def _complex_refused(name):
    def check(x):
        if x.dtype.kind == "c":
            raise NotImplementedError(f"{name} is not supported for complex inputs")

    return check


def _stepped(x, name, function):
    """Whole numbers as they are, others through `function`."""
    supports(x, REAL, f"{name}_vml_cpu")
    return x.copy() if x.dtype.kind in "iu" else function(x)


@elementwise(check=_complex_refused("floor"), x=lambda g: zero(g))
def floor(x):
    return _stepped(x, "floor", np.floor)


@elementwise(check=_complex_refused("ceil"), x=lambda g: zero(g))
def ceil(x):
    return _stepped(x, "ceil", np.ceil)


@elementwise(check=_complex_refused("trunc"), x=lambda g: zero(g))
def trunc(x):
    return _stepped(x, "trunc", np.trunc)


@elementwise(x=lambda g: zero(g))
def round(x, *, decimals=0):
    """To the nearest whole number, or multiple of 10**-decimals; halves to the even one."""
    if decimals == 0:
        return _stepped(x, "round", np.rint)
    supports(x, FLOATING, "round_cpu")
    scale = np.asarray(10.0 ** abs(decimals), x.dtype)
    return np.rint(x * scale) / scale if decimals > 0 else np.rint(x / scale) * scale


round_decimals = renamed(round, "RoundBackward1")


@elementwise(x=lambda g: g)
def frac(x):
    supports(x, FLOATING, "frac_cpu")
    return x - np.trunc(x)


@elementwise(x=lambda g: zero(g))
def sign(x):
    if x.dtype.kind == "c":
        raise NotImplementedError(
            "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead."
        )
    if x.dtype.kind == "b":
        return x.copy()
    # nan has no sign: PyTorch says 0.
    return np.subtract(np.greater(x, 0), np.less(x, 0), dtype=np.int8).astype(x.dtype)


in_float32(round, round_decimals, frac)

_formula, _ufuncs = kernels.load("formula"), kernels.load("ufuncs")
if _formula is not None:
    for _op in (floor, ceil, trunc):
        _op.accelerate(_ufuncs.Loop(getattr(np, _op.name), "fd"))
    _rint = _ufuncs.Loop(np.rint, "fd")
    round.accelerate(lambda x, decimals: _rint(x) if decimals == 0 else NotImplemented)
    frac.accelerate(_formula.frac)
    sign.accelerate(_formula.sign)
