"""Elementwise operations in ONNX."""

import math

import numpy as np

from .tracing import Value

MAPPINGS = {}


def maps(*names):
    def put(function):
        MAPPINGS.update(dict.fromkeys(names, function))
        return function

    return put


# The same operation under another name.
_UNARY = {
    "abs": "Abs", "acos": "Acos", "acosh": "Acosh", "asin": "Asin", "asinh": "Asinh", "atan": "Atan", "atanh": "Atanh",
    "ceil": "Ceil", "cos": "Cos", "cosh": "Cosh", "erf": "Erf", "exp": "Exp", "floor": "Floor", "isnan": "IsNaN",
    "isinf": "IsInf", "log": "Log", "logical_not": "Not", "neg": "Neg", "reciprocal": "Reciprocal", "relu": "Relu",
    "sigmoid": "Sigmoid", "sign": "Sign", "sin": "Sin", "sinh": "Sinh", "sqrt": "Sqrt", "tan": "Tan", "tanh": "Tanh",
    "clone": "Identity", "alias": "Identity",  "hardswish": "HardSwish",
}  # fmt: skip
_BINARY = {
    "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "pow": "Pow", "maximum": "Max", "minimum": "Min", "eq": "Equal",
    "lt": "Less", "le": "LessOrEqual", "gt": "Greater", "ge": "GreaterOrEqual", "clamp_min": "Max", "clamp_max": "Min",
}  # fmt: skip
_LOGICAL = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}


def same(graph, call, *inputs):
    """Inputs brought to the dtype that they have together; numbers become constants of it."""
    arrays = [x for x in inputs if isinstance(x, Value)]
    common = call.outputs[0].dtype
    if common.kind == "b":
        common = np.result_type(*[x.dtype for x in arrays if x.shape] or [x.dtype for x in arrays])
        if any(isinstance(x, float) for x in inputs) and common.kind in "biu":
            common = np.dtype(np.float32)
    return [
        (graph.cast(x, common) if x.dtype != common else x) if isinstance(x, Value) else np.asarray(x, common)
        for x in inputs
    ]


@maps(*_UNARY)
def unary(graph, call, order=None):
    return graph(_UNARY[call.op], *same(graph, call, call.inputs[0]))


@maps(*_BINARY)
def binary(graph, call):
    return graph(_BINARY[call.op], *same(graph, call, *call.inputs))


@maps(*_LOGICAL)
def logical(graph, call):
    return graph(_LOGICAL[call.op], *[graph.cast(x, bool) for x in call.inputs])


@maps("bitwise_and", "bitwise_or", "bitwise_xor")
def bitwise(graph, call):
    kind = call.op.removeprefix("bitwise_").capitalize()
    _check_bits(graph, call)
    return graph(kind if call.outputs[0].dtype == bool else f"Bitwise{kind}", *same_kind(graph, call))


def _check_bits(graph, call):
    if call.outputs[0].dtype != bool and graph.opset < 18:
        raise NotImplementedError("bits of whole numbers, which need opset_version=18 or later")


def same_kind(graph, call):
    dtype = call.outputs[0].dtype
    return [
        (x if x.dtype == dtype else graph.cast(x, dtype)) if isinstance(x, Value) else np.asarray(x, dtype)
        for x in call.inputs
    ]


@maps("bitwise_not")
def bitwise_not(graph, call):
    _check_bits(graph, call)
    return graph("Not" if call.outputs[0].dtype == bool else "BitwiseNot", call.inputs[0])


@maps("ne")
def ne(graph, call):
    return graph("Not", graph("Equal", *same(graph, call, *call.inputs)))


@maps("add_scaled", "sub_scaled")
def scaled(graph, call, alpha):
    x, y = same(graph, call, *call.inputs)
    return graph("Add" if call.op[0] == "a" else "Sub", x, graph("Mul", y, alpha, like=call.outputs[0].dtype))


@maps("rsub")
def rsub(graph, call):
    x, y = same(graph, call, *call.inputs)
    return graph("Sub", y, x)


@maps("square")
def square(graph, call):
    return graph("Mul", call.inputs[0], call.inputs[0])


@maps("rsqrt", "log1p", "expm1", "log2", "log10", "exp2", "erfc")
def composed(graph, call):
    (x,) = same(graph, call, call.inputs[0])
    dtype = call.outputs[0].dtype
    if call.op == "rsqrt":
        return graph("Reciprocal", graph("Sqrt", x))
    if call.op == "log1p":
        return graph("Log", graph("Add", x, 1, like=dtype))
    if call.op == "expm1":
        return graph("Sub", graph("Exp", x), 1, like=dtype)
    if call.op == "exp2":
        return graph("Pow", np.asarray(2, dtype), x)
    if call.op == "erfc":
        return graph("Sub", np.asarray(1, dtype), graph("Erf", x))
    return graph("Div", graph("Log", x), math.log(2 if call.op == "log2" else 10), like=dtype)


@maps("trunc")
def trunc(graph, call):
    return _towards_zero(graph, call.inputs[0])


@maps("round")
def rounded(graph, call, decimals):
    dtype = call.outputs[0].dtype
    if not decimals:
        return graph("Round", call.inputs[0])
    wide = graph("Round", graph("Mul", call.inputs[0], 10.0**decimals, like=dtype))
    return graph("Div", wide, 10.0**decimals, like=dtype)


@maps("div_rounded")
def div_rounded(graph, call, rounding_mode):
    if rounding_mode == "floor":
        return floored(graph, call)
    x, y = same(graph, call, *call.inputs)
    if call.outputs[0].dtype.kind in "iu":
        return graph("Div", x, y)
    return _towards_zero(graph, graph("Div", x, y))


def _towards_zero(graph, x):
    return graph("Mul", graph("Sign", x), graph("Floor", graph("Abs", x)))


@maps("fmod")
def fmod(graph, call):
    return graph("Mod", *same(graph, call, *call.inputs), fmod=1)


@maps("frac")
def frac(graph, call):
    return graph("Sub", call.inputs[0], _towards_zero(graph, call.inputs[0]))


@maps("deg2rad", "rad2deg")
def turned(graph, call):
    (x,) = same(graph, call, call.inputs[0])
    return graph("Mul", x, math.pi / 180 if call.op == "deg2rad" else 180 / math.pi, like=call.outputs[0].dtype)


@maps("isfinite", "isposinf", "isneginf")
def finite(graph, call):
    x = call.inputs[0]
    if x.dtype.kind != "f":
        raise NotImplementedError("whether whole numbers are infinite")
    if call.op == "isfinite":
        return graph("Not", graph("Or", graph("IsNaN", x), graph("IsInf", x)))
    up = int(call.op == "isposinf")
    return graph("IsInf", x, detect_positive=up, detect_negative=1 - up)


@maps("nan_to_num")
def nan_to_num(graph, call, nan, posinf, neginf):
    x, info = call.inputs[0], np.finfo(call.outputs[0].dtype)
    given = [
        (graph("IsNaN", x), nan or 0.0),
        (graph("IsInf", x, detect_negative=0), info.max if posinf is None else posinf),
        (graph("IsInf", x, detect_positive=0), info.min if neginf is None else neginf),
    ]
    for where, number in given:
        x = graph("Where", where, np.asarray(number, call.outputs[0].dtype), x)
    return x


@maps("sgn")
def sgn(graph, call):
    return graph("Sign", call.inputs[0])


@maps("fmax", "fmin")
def beside_nan(graph, call):
    x, y = same(graph, call, *call.inputs)
    both = graph("Max" if call.op == "fmax" else "Min", x, y)
    if call.outputs[0].dtype.kind != "f":
        return both
    return graph("Where", graph("IsNaN", x), y, graph("Where", graph("IsNaN", y), x, both))


@maps("logaddexp", "logaddexp2")
def logaddexp(graph, call):
    x, y = same(graph, call, *call.inputs)
    base, dtype = 1.0 if call.op == "logaddexp" else math.log(2), call.outputs[0].dtype
    away = graph("Mul", graph("Neg", graph("Abs", graph("Sub", x, y))), base, like=dtype)
    rest = graph("Log", graph("Add", graph("Exp", away), 1, like=dtype))
    return graph("Add", graph("Max", x, y), graph("Div", rest, base, like=dtype))


@maps("hypot")
def hypot(graph, call):
    x, y = same(graph, call, *call.inputs)
    return graph("Sqrt", graph("Add", graph("Mul", x, x), graph("Mul", y, y)))


@maps("atan2")
def atan2(graph, call):
    """The angle of (x, y), from atan(y / x) and the quadrant."""
    y, x = same(graph, call, *call.inputs)
    dtype = call.outputs[0].dtype
    zero, half = np.asarray(0, dtype), np.asarray(math.pi / 2, dtype)
    turn = graph("Where", graph("Less", y, zero), np.asarray(-math.pi, dtype), np.asarray(math.pi, dtype))
    plain = graph("Atan", graph("Div", y, graph("Where", graph("Equal", x, zero), np.asarray(1, dtype), x)))
    upright = graph("Mul", graph("Sign", y), half)
    there = graph("Where", graph("Less", x, zero), graph("Add", plain, turn), plain)
    return graph("Where", graph("Equal", x, zero), upright, there)


@maps("xlogy")
def xlogy(graph, call):
    x, y = same(graph, call, *call.inputs)
    zero = np.asarray(0, call.outputs[0].dtype)
    product = graph("Mul", x, graph("Log", y))
    return graph("Where", graph("And", graph("Equal", x, zero), graph("Not", graph("IsNaN", y))), zero, product)


@maps("logit")
def logit(graph, call, eps):
    (x,) = same(graph, call, call.inputs[0])
    dtype = call.outputs[0].dtype
    if eps is not None:
        x = graph("Clip", x, np.asarray(eps, dtype), np.asarray(1 - eps, dtype))
    return graph("Log", graph("Div", x, graph("Sub", np.asarray(1, dtype), x)))


@maps("isclose")
def isclose(graph, call, rtol, atol, equal_nan):
    x, y = same(graph, call, *call.inputs)
    dtype = x.dtype if isinstance(x, Value) else np.float32
    if dtype.kind != "f" or equal_nan:
        raise NotImplementedError("isclose of whole numbers or with equal_nan")
    room = graph("Add", graph("Mul", graph("Abs", y), rtol, like=dtype), atol, like=dtype)
    near = graph("LessOrEqual", graph("Abs", graph("Sub", x, y)), room)
    return graph("Or", graph("Equal", x, y), near)


@maps("heaviside")
def heaviside(graph, call):
    x, values = same(graph, call, *call.inputs)
    zero, dtype = np.asarray(0, call.outputs[0].dtype), call.outputs[0].dtype
    return graph("Where", graph("Equal", x, zero), values, graph.cast(graph("Greater", x, zero), dtype))


@maps("remainder", "floor_divide")
def floored(graph, call):
    x, y = same(graph, call, *call.inputs)
    if call.outputs[0].dtype.kind in "iu":
        left = graph("Mod", x, y)
        return left if call.op == "remainder" else graph("Div", graph("Sub", x, left), y)
    whole = graph("Floor", graph("Div", x, y))
    return whole if call.op != "remainder" else graph("Sub", x, graph("Mul", whole, y))


@maps("lerp", "lerp_number")
def lerp(graph, call, weight=None):
    start, end, *given = same(graph, call, *call.inputs)
    weight = given[0] if given else np.asarray(weight, call.outputs[0].dtype)
    return graph("Add", start, graph("Mul", weight, graph("Sub", end, start)))


@maps("addcmul", "addcdiv")
def combined(graph, call, value):
    x, one, two = same(graph, call, *call.inputs)
    product = graph("Mul" if call.op == "addcmul" else "Div", one, two)
    return graph("Add", x, graph("Mul", product, value, like=call.outputs[0].dtype))


@maps("to_dtype")
def to_dtype(graph, call, dtype):
    return graph.cast(call.inputs[0], call.outputs[0].dtype)


@maps("where")
def where(graph, call):
    return graph("Where", call.inputs[0], *same(graph, call, *call.inputs[1:]))


@maps("masked_fill")
def masked_fill(graph, call):
    x, mask, value = call.inputs
    x, value = same(graph, call, x, value)
    return graph("Where", mask, value, x)


@maps("masked_scale")
def masked_scale(graph, call, scale):
    """Dropout in training: what the mask leaves, made larger."""
    x, mask = same(graph, call, *call.inputs)
    return graph("Mul", graph("Mul", x, mask), scale, like=call.outputs[0].dtype)


@maps("clamp_numbers")
def clamp_numbers(graph, call, low, high):
    ends = [None if end is None else np.asarray(end, call.outputs[0].dtype) for end in (low, high)]
    return graph("Clip", *same(graph, call, call.inputs[0]), *ends)


@maps("clamp")
def clamp(graph, call):
    x, low, high = same(graph, call, *call.inputs)
    return graph("Min", graph("Max", x, low), high)
