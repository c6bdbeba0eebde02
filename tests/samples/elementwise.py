"""Samples of the elementwise operations: arithmetic, comparison, selection, exponentials, trigonometry, rounding."""

import numpy as np

from .row import Row

STEPS = "a step function: no finite differences across its steps"
TIES = "has a kink where the operands meet"


def unary(name, *, low=-1.0, high=1.0, **named):
    return Row(name, lambda r: (r(2, 3, low=low, high=high),), **named)


def made(r, values):
    """An array that is differentiated, of these values."""
    x = r(len(values))
    x[...] = values
    return x


def binary(name, *, low=-1.0, high=1.0, **named):
    """A matrix against a row: broadcasting is undone for the second operand."""
    return Row(name, lambda r: (r(2, 3, low=low, high=high), r(3, low=low, high=high)), **named)


def whole(*values):
    return np.array(values)


TRUTH = np.array([[True, False, True], [False, False, True]])

ARITHMETIC = [
    binary("add"),
    Row("add", lambda r: (r(2, 3), 2.5)),
    binary("add_scaled", params={"alpha": 2.5}),
    binary("sub"),
    binary("sub_scaled", params={"alpha": -2}),
    binary("rsub"),
    binary("mul"),
    Row("mul", lambda r: (r(2, 3), 3)),
    binary("div", low=0.5, high=2.0),
    Row("div", lambda r: (r(2, 3), 4)),
    unary("neg"),
    unary("reciprocal", low=0.5, high=2.0),
    binary("div_rounded", low=0.5, high=2.0, params={"rounding_mode": "floor"}, note=STEPS),
    binary("div_rounded", low=0.5, high=2.0, params={"rounding_mode": "trunc"}, note=STEPS),
    Row("floor_divide", lambda r: (whole(7, -7, 5), whole(2, 2, -3))),
    Row("remainder", lambda r: (r(2, 3, low=3.5, high=5.5), made(r, [1.5, 2.5, -3.3]))),
    Row("fmod", lambda r: (r(2, 3, low=3.5, high=4.5), made(r, [1.5, 2.7, -3.3]))),
    Row("lerp", lambda r: (r(2, 3), r(3), r(2, 1, low=0.1, high=0.9))),
    binary("lerp_number", params={"weight": 0.75}),
    binary("lerp_number", params={"weight": 0.25}),
    Row("addcmul", lambda r: (r(2, 3), r(3), r(2, 1)), {"value": 0.5}),
    Row("addcdiv", lambda r: (r(2, 3), r(3), r(2, 1, positive=True)), {"value": 0.5}),
    Row("copysign", lambda r: (r(2, 3, low=0.5, high=1.5), made(r, [1.0, -1.0, 2.0]))),
    Row("nextafter", lambda r: (made(r, [1.0, 2.0]), made(r, [2.0, 1.0]))),
]

EXPONENTIAL = [
    unary("exp"),
    unary("exp2"),
    unary("expm1"),
    unary("log", low=0.5, high=2.0),
    unary("log2", low=0.5, high=2.0),
    unary("log10", low=0.5, high=2.0),
    unary("log1p", low=-0.5, high=2.0),
    binary("logaddexp"),
    binary("logaddexp2"),
    Row("frexp", lambda r: (r(2, 3),)),
    unary("sqrt", low=0.5, high=2.0),
    unary("rsqrt", low=0.5, high=2.0),
    unary("square"),
    binary("pow", low=0.5, high=2.0),
    Row("pow", lambda r: (r(2, 3), 3)),
    Row("pow", lambda r: (r(2, 3), 2)),
    Row("pow", lambda r: (2.0, r(2, 3))),
]

TRIGONOMETRIC = [
    Row("tanh_backward", lambda r: (r(2, 3), r(2, 3))),
    Row("sigmoid_backward", lambda r: (r(2, 3), r(3))),
    Row("tanh_bend", lambda r: (r(2, 3), r(2, 3), r(2, 3))),
    Row("sigmoid_bend", lambda r: (r(2, 3), r(3), r(2, 1))),
    Row("sigmoid_bend", lambda r: (r(2, 3), r(2, 3), r(2, 3))),
    *[unary(name) for name in ("sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "asinh", "deg2rad", "rad2deg")],
    *[unary(name, low=-0.8, high=0.8) for name in ("asin", "acos", "atanh")],
    unary("acosh", low=1.5, high=3.0),
    unary("sinc", low=0.2, high=0.8),
    binary("atan2", low=0.5, high=2.0),
    binary("hypot", low=0.5, high=2.0),
]

ROUNDING = [
    *[unary(name, low=0.1, high=0.4, note=STEPS) for name in ("floor", "ceil", "trunc", "round", "sign")],
    unary("frac", low=0.1, high=0.9),
]

COMPARE = [
    *[Row(name, lambda r: (whole(1, 2, 3), whole(3, 2, 1))) for name in ("eq", "ne", "lt", "le", "gt", "ge")],
    *[Row(name, lambda r: (TRUTH, TRUTH[0])) for name in ("logical_and", "logical_or", "logical_xor")],
    Row("logical_not", lambda r: (TRUTH,)),
    *[
        Row(name, lambda r: (whole(5, 6, 7), whole(1, 2, 3)))
        for name in (
            "bitwise_and",
            "bitwise_or",
            "bitwise_xor",
            "bitwise_left_shift",
            "bitwise_right_shift",
            "gcd",
            "lcm",
        )
    ],
    Row("bitwise_not", lambda r: (whole(5, 6),)),
    *[
        Row(name, lambda r: (np.array([1.0, np.inf, -np.inf, np.nan]),))
        for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "isreal", "signbit")
    ],
    Row("isclose", lambda r: (np.array([1.0, 2.0]), np.array([1.0, 2.1]))),
]

SELECTION = [
    Row("where", lambda r: (TRUTH, r(2, 3), r(3))),
    Row("where", lambda r: (TRUTH, r(2, 3), 0)),
    Row("masked_scale", lambda r: (r(2, 3), TRUTH), {"scale": 1.25}),
    *[
        Row(name, lambda r: (r(2, 3, low=0.0, high=1.0), made(r, [0.2, 0.5, 0.8])), note=TIES)
        for name in ("maximum", "minimum", "fmax", "fmin")
    ],
    Row("clamp", lambda r: (r(2, 3), -0.3, 0.4), note=TIES),
    Row("clamp", lambda r: (r(2, 3), r(3, low=-0.4, high=-0.2), r(3, low=0.2, high=0.4)), note=TIES),
    unary("clamp_numbers", params={"low": -0.3, "high": 0.4}, note=TIES),
    Row("clamp_min", lambda r: (r(2, 3), made(r, [0.1, -0.2, 0.3])), note=TIES),
    Row("clamp_max", lambda r: (r(2, 3), made(r, [0.1, -0.2, 0.3])), note=TIES),
    unary("nan_to_num"),
    Row("heaviside", lambda r: (np.array([-1.0, 0.0, 2.0]), np.array([0.5]))),
]

ROWS = [*ARITHMETIC, *EXPONENTIAL, *TRIGONOMETRIC, *ROUNDING, *COMPARE, *SELECTION]
