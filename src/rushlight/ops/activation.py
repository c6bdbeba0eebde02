"""Activations of neural networks."""

import math

import numpy as np

from .. import kernels
from .compare import logical_and, logical_or
from .declare import elementwise
from .exponential import exp
from .selection import where
from .special import contiguously, erf
from .supported import FLOATING, REAL, in_float32, supports
from .trigonometric import tanh, tanh_bend


def _lowest(x):
    """x with -inf made the lowest finite number, so that times zero it is zero."""
    return np.maximum(x, np.finfo(x.dtype).min) if x.dtype.kind == "f" else x


# -- sigmoids


@elementwise(promote="float", x=lambda g, out: sigmoid_backward(g, out))
def sigmoid(x):
    return np.true_divide(1, 1 + np.exp(-x), dtype=x.dtype)


@elementwise(
    backward="SigmoidBackwardBackward0",
    x=lambda g, y: sigmoid_backward(g, y),
    y=lambda g, x, y: sigmoid_bend(g, x, y),
)
def sigmoid_backward(x, y):
    """x * (1 - y) * y: the gradient x through a sigmoid of value y."""
    return x * (1 - y) * y


@elementwise(
    x=lambda g, y, z: sigmoid_bend(g, y, z),
    y=lambda g, x, z: sigmoid_bend(g, x, z),
    z=lambda g, x, y: tanh_bend(g, x, y),
)
def sigmoid_bend(x, y, z):
    """xy * (1 - 2z): what bends sigmoid_backward by its second input."""
    return x * y * (1 - z * 2)


@elementwise(promote=None, backward="LogSigmoidBackward0", x=lambda g, x: g * sigmoid(-x))
def logsigmoid(x):
    supports(x, FLOATING, "log_sigmoid_cpu")
    return np.minimum(x, 0) - np.log1p(np.exp(-abs(x)))


@elementwise(promote=None, x=lambda g, x, beta, threshold: where(x * beta > threshold, g, g * sigmoid(x * beta)))
def softplus(x, *, beta=1, threshold=20):
    """log(1 + exp(beta x)) / beta; x itself where beta x is above the threshold."""
    supports(x, FLOATING, "softplus_cpu")
    scaled = x * beta
    return np.where(scaled > threshold, x, np.log1p(np.exp(scaled)) / beta)


def _through_silu(g, x):
    s = sigmoid(x)
    return g * (s * (1 + x * (1 - s)))


@elementwise(promote=None, x=_through_silu)
def silu(x):
    supports(x, "fcV", "silu_cpu")
    return np.true_divide(_lowest(x), 1 + np.exp(-x))


def _through_mish(g, x):
    t = tanh(softplus(x))
    return g * (t + x * (sigmoid(x) * (1 - t * t)))


@elementwise(promote=None, x=_through_mish)
def mish(x):
    supports(x, FLOATING, "mish_cpu")
    return _lowest(x) * np.tanh(np.log1p(np.exp(-abs(x))) + np.maximum(x, 0))


_ROOT_HALF = math.sqrt(0.5)
_ROOT_TWO_BY_PI = math.sqrt(2 / math.pi)
_CUBIC = 0.044715


def _through_gelu(g, x, approximate):
    if approximate == "none":
        return g * (0.5 * (1 + erf(x * _ROOT_HALF)) + x * (exp(x * x * -0.5) * (_ROOT_TWO_BY_PI / 2)))
    t = tanh(_ROOT_TWO_BY_PI * (x + _CUBIC * (x * x * x)))
    slope = _ROOT_TWO_BY_PI * (1 + 3 * _CUBIC * (x * x))
    return g * (0.5 * (1 + t) + 0.5 * x * ((1 - t * t) * slope))


@elementwise(promote=None, x=_through_gelu)
def gelu(x, *, approximate="none"):
    """x times the normal distribution function, or an approximation of it by tanh."""
    supports(x, FLOATING, "GeluKernelImpl")
    if approximate == "none":
        return _lowest(x) * ((1 + erf.compute([x * x.dtype.type(_ROOT_HALF)], {})) / 2)
    return _lowest(x) * ((1 + np.tanh(_ROOT_TWO_BY_PI * (x + _CUBIC * (x * x * x)))) / 2)


# -- rectifiers


@elementwise(promote=None, x=lambda g, out: where(out <= 0, 0, g))
def relu(x):
    if x.dtype.kind == "b":
        raise RuntimeError("Boolean inputs not supported for relu")
    if x.dtype.kind == "c":
        raise NotImplementedError("clamp is not supported for complex types")
    return np.maximum(x, 0)


@elementwise(promote=None, x=lambda g, x, negative_slope: where(x > 0, g, g * negative_slope))
def leaky_relu(x, *, negative_slope=0.01):
    supports(x, FLOATING, "leaky_relu_cpu")
    return np.where(x > 0, x, x * negative_slope)


@elementwise(
    promote=None,
    backward="PreluKernelBackward0",
    x=lambda g, x, weight: where(x > 0, g, g * weight),
    weight=lambda g, x: where(x > 0, 0, g * x),
)
def prelu(x, weight):
    supports(x, FLOATING, "prelu_cpu")
    return np.where(x > 0, x, x * weight)


def _not_above_zero(x):
    """x, or zero without a slope: the exponential of what is above would overflow, and zero times it is nan."""
    return where(x >= 0, 0, x)


@elementwise(
    promote=None,
    x=lambda g, x, alpha, scale, input_scale: where(
        x > 0, g * scale, g * (exp(_not_above_zero(x) * input_scale) * (alpha * scale * input_scale))
    ),
)
def elu(x, *, alpha=1.0, scale=1.0, input_scale=1.0):
    """scale * x where positive, else scale * alpha * (exp(input_scale * x) - 1)."""
    supports(x, FLOATING, "elu_cpu")
    return np.where(x > 0, x * scale, np.expm1(x * input_scale) * (alpha * scale))


@elementwise(promote=None, x=lambda g, x, alpha: where(x > 0, g, g * exp(_not_above_zero(x) / alpha)))
def celu(x, *, alpha=1.0):
    supports(x, FLOATING, "elu_cpu")
    return np.where(x > 0, x, np.expm1(x / alpha) * alpha)


@elementwise(promote=None, x=lambda g, x, threshold: where(x <= threshold, 0, g))
def threshold(x, *, threshold, value):
    """x where above the threshold, else `value`."""
    supports(x, REAL, "threshold_cpu")
    return np.where(x <= threshold, np.asarray(value).astype(x.dtype), x)


# -- piecewise linear


@elementwise(promote=None, x=lambda g, x, min_val, max_val: where(logical_or(x <= min_val, x >= max_val), 0, g))
def hardtanh(x, *, min_val=-1.0, max_val=1.0):
    if x.dtype.kind == "c":
        raise NotImplementedError("clamp is not supported for complex types")
    return np.clip(x, *np.asarray([min_val, max_val]).astype(x.dtype))


@elementwise(promote=None, x=lambda g, x: where(logical_and(x > -3, x < 3), g / 6, 0))
def hardsigmoid(x):
    supports(x, FLOATING, "hardsigmoid_cpu")
    return np.clip(x + 3, 0, 6) / 6


@elementwise(promote=None, x=lambda g, x: where(x <= -3, 0, where(x < 3, g * (x / 3 + 0.5), g)))
def hardswish(x):
    supports(x, FLOATING, "hardswish_cpu")
    return _lowest(x) * (np.clip(x + 3, 0, 6) / 6)


@elementwise(promote=None, x=lambda g, x, lambd: where(logical_and(x >= -lambd, x <= lambd), 0, g))
def softshrink(x, *, lambd=0.5):
    supports(x, FLOATING, "softshrink_check")
    return np.where(x > lambd, x - lambd, np.where(x < -lambd, x + lambd, x * 0))


@elementwise(promote=None, x=lambda g, x, lambd: where(logical_and(x >= -lambd, x <= lambd), 0, g))
def hardshrink(x, *, lambd=0.5):
    supports(x, FLOATING, "hardshrink_cpu")
    return np.where((x >= -lambd) & (x <= lambd), np.zeros_like(x), x)


in_float32(sigmoid, logsigmoid, softplus, silu, mish, gelu, leaky_relu, prelu, elu, celu, hardsigmoid, hardswish)
in_float32(threshold, hardtanh, softshrink, hardshrink)

_fast, _formula = kernels.load("elementwise"), kernels.load("formula")
if _fast is not None:
    sigmoid.accelerate(_fast.sigmoid, x=_fast.through_sigmoid)
    sigmoid_backward.accelerate(_fast.through_sigmoid, x=_fast.through_sigmoid, y=_fast.sigmoid_bend)
    sigmoid_bend.accelerate(_fast.sigmoid_bend, x=_fast.sigmoid_bend, y=_fast.sigmoid_bend, z=_fast.tanh_bend)
    relu.accelerate(_fast.relu, x=_fast.through_relu)
    silu.accelerate(x=_fast.through_silu)
    gelu.accelerate(
        lambda x, approximate: contiguously(_fast.gelu)(x) if approximate == "none" else _formula.gelu_tanh(x),
        x=lambda g, x, approximate: (_fast.through_gelu if approximate == "none" else _formula.through_gelu_tanh)(g, x),
    )
    leaky_relu.accelerate(_formula.leaky, x=_formula.through_leaky)
    threshold.accelerate(_formula.threshold, x=_formula.through_threshold)
    hardtanh.accelerate(lambda x, min_val, max_val: _formula.clip(x, min_val, max_val), x=_formula.through_hardtanh)
    prelu.accelerate(_formula.prelu, x=_formula.through_prelu, weight=_formula.through_weight)
    elu.accelerate(_formula.elu, x=_formula.through_elu)
    celu.accelerate(_formula.celu, x=_formula.through_celu)
    softplus.accelerate(_formula.softplus, x=_formula.through_softplus)
    softshrink.accelerate(_formula.softshrink, x=_formula.through_shrink)
    hardshrink.accelerate(_formula.hardshrink, x=_formula.through_shrink)
    for _op in (logsigmoid, hardsigmoid, hardswish, mish):
        _op.accelerate(x=getattr(_formula, f"through_{_op.name}"))
    for _op in (silu, logsigmoid, softplus, gelu, leaky_relu, elu, celu, mish, hardswish, hardsigmoid):
        _op.accelerate(getattr(_fast, _op.name))
