"""Choices between elements: where, the larger and the smaller, clamping."""

import numpy as np

from .. import kernels
from ..dtypes import of
from ..errors import coded
from .compare import isfinite, isnan, logical_and, logical_not, logical_or, lt
from .declare import elementwise, renamed
from .supported import has_kind, in_common_dtype, without_derivative


def _truth_values(mask, x, y):
    if mask.dtype.kind != "b" and mask.dtype != np.uint8:
        raise coded(
            "RL325",
            RuntimeError(
                f"where expected condition to be a boolean tensor, but got a tensor with dtype {of(mask.dtype).scalar_type}"
            ),
        )


@elementwise(
    promote=None,
    check=_truth_values,
    mask=None,
    x=lambda g, mask: where(mask, g, 0),
    y=lambda g, mask: where(mask, 0, g),
    aliases={"mask": "condition"},
)
def where(mask, x, y):
    x, y = in_common_dtype(x, y)
    return np.where(mask, x, y)


def masked(g, mask):
    """g where the mask holds, else zero (also where g is not finite)."""
    return where(mask, g, 0)


@elementwise(promote=None, backward="MulBackward0", x=lambda g, mask, scale: masked_scale(g, mask, scale=scale))
def masked_scale(x, mask, *, scale):
    """x times `scale` where the mask holds, times zero elsewhere: dropout, which keeps one byte for each element."""
    return np.multiply(x, mask.astype(x.dtype) * x.dtype.type(scale))


# -- the larger and the smaller


def _not_complex(name):
    def check(*operands):
        if has_kind(operands, "c"):
            raise RuntimeError(f"{name} not implemented for complex tensors.")

    return check


def _through_tie(g, x, y, loses):
    """A gradient that ties share, and the loser does not get."""
    return where(x == y, g / 2, where(loses(x, y), 0, g))


@elementwise(
    check=_not_complex("maximum"),
    x=lambda g, x, y: _through_tie(g, x, y, lt),
    y=lambda g, x, y: _through_tie(g, y, x, lt),
)
def maximum(x, y):
    return np.maximum(x, y)


@elementwise(
    check=_not_complex("minimum"),
    x=lambda g, x, y: _through_tie(g, x, y, _gt),
    y=lambda g, x, y: _through_tie(g, y, x, _gt),
)
def minimum(x, y):
    return np.minimum(x, y)


def _gt(x, y):
    return x > y


# In fmax and fmin the first operand wins ties, and any number wins against nan.
@elementwise(
    check=_not_complex("fmax"),
    x=lambda g, x, y: masked(g, logical_or(x >= y, isnan(y))),
    y=lambda g, x, y: masked(g, logical_not(logical_or(x >= y, isnan(y)))),
)
def fmax(x, y):
    return np.fmax(x, y)


@elementwise(
    check=_not_complex("fmin"),
    x=lambda g, x, y: masked(g, logical_or(x <= y, isnan(y))),
    y=lambda g, x, y: masked(g, logical_not(logical_or(x <= y, isnan(y)))),
)
def fmin(x, y):
    return np.fmin(x, y)


# -- clamping


def _clampable(*operands):
    if has_kind(operands, "c"):
        raise NotImplementedError("clamp is not supported for complex types")


@elementwise(
    check=_clampable,
    backward="ClampBackward0",
    x=lambda g, x, low, high: masked(g, logical_and(x >= low, x <= high)),
    low=lambda g, x, low, high: masked(g, logical_and(low < high, x < low)),
    high=lambda g, x, low, high: masked(g, logical_or(x > high, high < low)),
    aliases={"low": "min", "high": "max"},
)
def clamp(x, low, high):
    return np.minimum(np.maximum(x, low), high)


@elementwise(
    check=_clampable,
    backward="ClampMinBackward1",
    x=lambda g, x, low: masked(g, x >= low),
    low=lambda g, x, low: masked(g, x < low),
    aliases={"low": "min"},
)
def clamp_min(x, low):
    return np.maximum(x, low)


@elementwise(
    check=_clampable,
    backward="ClampMaxBackward1",
    x=lambda g, x, high: masked(g, x <= high),
    high=lambda g, x, high: masked(g, x > high),
    aliases={"high": "max"},
)
def clamp_max(x, high):
    return np.minimum(x, high)


@elementwise(
    promote=None,
    backward="ClampBackward1",
    x=lambda g, x, low, high: masked(g, logical_and(x >= low, x <= high)),
    aliases={"low": "min", "high": "max"},
)
def clamp_numbers(x, *, low, high):
    """The same between numbers that are of x's dtype."""
    return np.minimum(np.maximum(x, np.asarray(low, x.dtype)), np.asarray(high, x.dtype))


# The same between numbers of other dtypes, and as clamp() with one bound: PyTorch's graph names tell them apart.
clamp_between = renamed(clamp, "ClampBackward1")
clamp_from, clamp_to = renamed(clamp_min, "ClampBackward1"), renamed(clamp_max, "ClampBackward1")
clamp_from_tensor, clamp_to_tensor = renamed(clamp_min, "ClampBackward0"), renamed(clamp_max, "ClampBackward0")
clamp_min_number, clamp_max_number = renamed(clamp_min, "ClampMinBackward0"), renamed(clamp_max, "ClampMaxBackward0")


# -- repairs


@elementwise(promote=None, x=lambda g, x: masked(g, isfinite(x)))
def nan_to_num(x, *, nan=None, posinf=None, neginf=None):
    if x.dtype.kind in "biu":
        return x.copy()
    if x.dtype.kind == "V":
        # The largest bfloat16 is the largest float32 without its last 16 bits; NumPy knows no bfloat16.
        largest = np.asarray(0x7F7F0000, np.int32).view(np.float32)
        posinf, neginf = largest if posinf is None else posinf, -largest if neginf is None else neginf
        return nan_to_num.forward(x.astype(np.float32), nan=nan, posinf=posinf, neginf=neginf).astype(x.dtype)
    return np.nan_to_num(x, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


def _one_real_dtype(x, values):
    if has_kind((x, values), "c"):
        raise RuntimeError("heaviside is not yet implemented for complex tensors.")
    if x.dtype != values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")


@elementwise(check=_one_real_dtype, x=without_derivative("heaviside"), values=without_derivative("heaviside"))
def heaviside(x, values):
    return np.where(np.equal(x, 0), values, np.greater(x, 0).astype(x.dtype))


def _repaired(x, nan, posinf, neginf):
    if x.dtype.kind != "f":
        return NotImplemented
    of_x = np.finfo(x.dtype)
    posinf, neginf = of_x.max if posinf is None else posinf, of_x.min if neginf is None else neginf
    return _formula.nan_to_num(x, float(0 if nan is None else nan), float(posinf), float(neginf))


_fast, _choice, _formula = kernels.load("elementwise"), kernels.load("choice"), kernels.load("formula")
if _fast is not None:
    where.accelerate(_choice.where)
    masked_scale.accelerate(_choice.masked_scale, x=_choice.masked_scale)
    clamp_numbers.accelerate(_formula.clip, x=_formula.through_clip)
    nan_to_num.accelerate(_repaired, x=_formula.through_where_finite)
    for _op in (clamp, clamp_between):
        _op.accelerate(_formula.clamp)
    maximum.accelerate(_fast.maximum)
    minimum.accelerate(_fast.minimum)
    fmax.accelerate(_formula.fmax)
    fmin.accelerate(_formula.fmin)
    heaviside.accelerate(_formula.heaviside)
    for _op in (clamp_min, clamp_from, clamp_from_tensor, clamp_min_number):
        _op.accelerate(_fast.maximum, x=_formula.where_at_least)
    for _op in (clamp_max, clamp_to, clamp_to_tensor, clamp_max_number):
        _op.accelerate(_fast.minimum, x=_formula.where_at_most)
