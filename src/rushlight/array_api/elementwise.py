"""Functions of one or two arrays, element by element; one of two may be a Python number."""

import math

import rushlight

from ..core import TensorBase

_UNARY = (
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "bitwise_invert", "ceil", "conj", "cos", "cosh", "exp",
    "expm1", "floor", "imag", "isfinite", "isinf", "isnan", "log", "log1p", "log2", "log10", "logical_not", "negative",
    "positive", "real", "reciprocal", "signbit", "sin", "sinh", "sqrt", "square", "tan", "tanh", "trunc",
)  # fmt: skip
_BINARY = (
    "add", "atan2", "bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "copysign",
    "divide", "floor_divide", "hypot", "logaddexp", "logical_and", "logical_or", "logical_xor", "maximum", "minimum",
    "multiply", "nextafter", "pow", "subtract",
)  # fmt: skip
_CALLED = {"bitwise_invert": "bitwise_not"}  # Under another name here.
_COMPARISONS = {
    "equal": "eq", "not_equal": "ne", "less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge",
}  # fmt: skip

__all__ = [*_UNARY, *_BINARY, *_COMPARISONS, "clip", "remainder", "round", "sign", "where"]


def together(x1, x2):
    """Two arrays of one dtype. A number takes the dtype of the array, and arrays without dimensions count like others."""
    if not isinstance(x1, TensorBase) and not isinstance(x2, TensorBase):
        raise TypeError(f"one of the two must be an array, got {type(x1).__name__} and {type(x2).__name__}")
    if not isinstance(x1, TensorBase):
        return _like(x1, x2), x2
    if not isinstance(x2, TensorBase):
        return x1, _like(x2, x1)
    if x1.dtype == x2.dtype:
        return x1, x2
    dtype = rushlight.promote_types(x1.dtype, x2.dtype)
    return x1.to(dtype), x2.to(dtype)


def _like(number, array):
    return rushlight.tensor(number, dtype=rushlight.result_type(array, number))


def _unary(name, called):
    def function(x, /):
        return getattr(rushlight, called)(x)

    return _named(function, name, called)


def _binary(name, called):
    def function(x1, x2, /):
        return getattr(rushlight, called)(*together(x1, x2))

    return _named(function, name, called)


def _named(function, name, called):
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"rushlight.{called}, as the standard has it."
    return function


for _name in _UNARY:
    globals()[_name] = _unary(_name, _CALLED.get(_name, _name))
for _name, _called in {**{n: n for n in _BINARY}, **_COMPARISONS}.items():
    globals()[_name] = _binary(_name, _called)


def clip(x, /, min=None, max=None):
    """x between `min` and `max`, each a number or an array, in the dtype of x."""
    ends = [end if end is None else _end(end, x) for end in (min, max)]
    if ends == [None, None]:
        return x.clone()
    return rushlight.clip(x, *ends)


def _end(end, x):
    if isinstance(end, TensorBase):
        return end.to(x.dtype)
    if not x.is_floating_point() and x.dtype != rushlight.bool:
        # A number that the dtype has not would come round at its other end.
        limits = rushlight.iinfo(x.dtype)
        end = max(limits.min, min(limits.max, end))
    return rushlight.tensor(end, dtype=x.dtype)


def remainder(x1, x2, /):
    """What is left of x1 after whole x2's, with the sign of x2; a zero has it too."""
    x1, x2 = together(x1, x2)
    out = rushlight.remainder(x1, x2)
    if out.is_floating_point():
        # Under the history: its derivatives are those of other remainders.
        values = out.detach()
        values.copy_(rushlight.where(values == 0, rushlight.copysign(values, x2.detach()), values))
    return out


def round(x, /):
    """The nearest whole number, the even one of two; of a complex number for its parts."""
    if not x.is_complex():
        return rushlight.round(x)
    return rushlight.complex(rushlight.round(x.real), rushlight.round(x.imag))


def sign(x, /):
    """-1, 0 or 1; of a complex number its direction, of nan nan."""
    found = rushlight.sgn(x)
    return rushlight.where(x.isnan(), math.nan, found) if x.is_floating_point() else found


def where(condition, x1, x2, /):
    """x1 where the condition is true, else x2."""
    return rushlight.where(condition, *together(x1, x2))
