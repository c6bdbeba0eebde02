"""Normalization by means and variances: batch, layer and group norm; by the mean square alone: RMS norm.

Each gives (out, mean, var), the statistics with their reduced dimensions kept. A rule uses these where nothing is
recorded; under create_graph it computes them again from the input, as functions of it.
"""

import functools
import math

import numpy as np

from ..core import TensorBase, apply
from ..kernels import load
from ..modes import grad_enabled
from .batch_rules import channels_of_all, full, in_line, merged, parted, reshape, samples_of_channels
from .copying import sum_to, to_dtype
from .declare import general
from .reduce import var_mean

_OUTPUTS = {"outputs": ("out", "mean", "var"), "aliases": {"x": "input", "out": "result0"}}


def statistics(x, axes, eps):
    """The mean of a tensor, and one over its standard deviation, differentiable."""
    mean = x.mean(axes, True)
    away = x - mean
    return mean, ((away * away).mean(axes, True) + eps) ** -0.5


def kept(mean, var, eps):
    """The same from the statistics that the forward kept: for rules that are not recorded."""
    return mean, (var + eps) ** -0.5


def standardized(x, mean, var, eps):
    """(x - mean) / sqrt(var + eps) in a new array."""
    out = np.subtract(x, mean, dtype=mean.dtype)
    out *= 1 / np.sqrt(var + mean.dtype.type(eps))
    return out


def affine(out, weight, bias, dtype):
    if weight is not None:
        out *= weight
    if bias is not None:
        out += bias
    return out.astype(dtype, copy=False)


def moments(x, axes):
    """Mean and variance; those of half-precision numbers in float32."""
    if x.dtype.itemsize == 2:
        x = x.astype(np.float32)
    var, mean = var_mean.compute((x,), {"dim": axes, "correction": 0, "keepdim": True})
    return mean, var


def by_channel(x, ndim):
    """A vector over channels, shaped to meet (N, C, *)."""
    return None if x is None else x.reshape(-1, *[1] * (ndim - 2))


def of_input(gx, xhat, rstd, axes):
    """The gradient of a standardized input: what moves mean and variance is taken out."""
    return rstd * (gx - gx.mean(axes, True) - xhat * (gx * xhat).mean(axes, True))


def zeros_for(g, x):
    """The gradient of `out`, zeros where only the statistics have one."""
    return x.detach() * 0 if g is None else g


def of_moments(gx, g, x, mean, axes):
    """gx and what the gradients of the outputs mean and var, if there are any, add to it."""
    count = math.prod([x.shape[axis] for axis in axes])
    if g[1] is not None:
        gx = gx + g[1] / count
    return gx if g[2] is None else gx + g[2] * (x - mean) * (2 / count)


def tangents_of_moments(x_t, x, mean, axes):
    if x_t is None:
        return None, None
    return x_t.mean(axes, True), 2 * ((x - mean) * x_t).mean(axes, True)


def batch_axes(ndim):
    return (0, *range(2, ndim))


def is_narrow(x):
    return x._array.dtype.itemsize == 2


def as_dtype(x, dtype):
    """A tensor in a dtype; anything else as it is."""
    return to_dtype(x, dtype=dtype) if isinstance(x, TensorBase) and x._array.dtype != dtype else x


def in_float32(rule, g, x, weight, *rest):
    """A joint rule for 16-bit floats: the gradients, rounded once to the dtypes of what they are for."""
    wide = [as_dtype(v, np.dtype(np.float32)) for v in (*g, x, weight, *rest)]
    gradients = rule(wide[: len(g)], *wide[len(g) :])
    own = x if weight is None else weight
    running = [v for v in rest[-2:] if isinstance(v, TensorBase)] or [x, x]
    return [as_dtype(part, v._array.dtype) for part, v in zip(gradients, (x, own, own, *running))]


def through_batch_norm(g, x, weight, bias_shape, mean, var, training, eps, needs, running_mean, running_var):
    if is_narrow(x):
        rest = (mean, var, training, eps, needs, running_mean, running_var)
        return in_float32(through_batch_norm, g, x, weight, bias_shape, *rest)
    gs, g, axes, ndim = g, zeros_for(g[0], x), batch_axes(x.ndim), x.ndim
    if training:
        mean, rstd = statistics(x, axes, eps) if grad_enabled() else kept(mean, var, eps)
    else:
        mean, rstd = by_channel(running_mean, ndim), (by_channel(running_var, ndim) + eps) ** -0.5
    xhat = (x - mean) * rstd if training or needs[1] or needs[4] else None
    gx = gw = gb = gmean = gvar = None
    if needs[0]:
        gx = g if weight is None else g * by_channel(weight, ndim)
        gx = of_moments(of_input(gx, xhat, rstd, axes), gs, x, mean, axes) if training else gx * rstd
    if needs[1]:
        gw = sum_to(g * xhat, shape=(x.shape[1], *[1] * (ndim - 2))).reshape(-1)
    if needs[2]:
        gb = sum_to(g, shape=(x.shape[1], *[1] * (ndim - 2))).reshape(bias_shape)
    if not training and (needs[3] or needs[4]):
        gmean, gvar = of_running(g if weight is None else g * by_channel(weight, ndim), gs, xhat, rstd, needs)
    return gx, gw, gb, gmean, gvar


def of_running(g, gs, xhat, rstd, needs):
    """The gradients of running_mean and running_var, which are also the outputs mean and var."""
    shape, out = (g.shape[1], *[1] * (g.ndim - 2)), [None, None]
    if needs[3]:
        out[0] = sum_to(-g * rstd, shape=shape).reshape(-1)
    if needs[4]:
        out[1] = sum_to(g * xhat * rstd * rstd * -0.5, shape=shape).reshape(-1)
    return [
        part if part is None or also is None else part + also.reshape(-1) for part, also in zip(out, (gs[1], gs[2]))
    ]


def push_batch_norm(
    x_t, weight_t, bias_t, running_mean_t, running_var_t, x, weight, running_mean, running_var, training, eps
):  # fmt: skip
    axes, ndim = batch_axes(x.ndim), x.ndim
    if training:
        mean, rstd = statistics(x, axes, eps)
    else:
        mean, rstd = by_channel(running_mean, ndim), (by_channel(running_var, ndim) + eps) ** -0.5
    xhat = (x - mean) * rstd
    if training:
        moments_t = tangents_of_moments(x_t, x, mean, axes)
        x_t = None if x_t is None else of_input(x_t, xhat, rstd, axes)
    else:
        moments_t = [None if t is None else by_channel(t, ndim)[None] for t in (running_mean_t, running_var_t)]
        x_t = push_evaluated(x_t, *moments_t, xhat, rstd)
    scale_t, shift_t = by_channel(weight_t, ndim), by_channel(bias_t, ndim)
    return pushed(x_t, scale_t, shift_t, xhat, by_channel(weight, ndim)), *moments_t


def push_evaluated(x_t, mean_t, var_t, xhat, rstd):
    """The tangent of (x - mean) * rstd."""
    parts = []
    if x_t is not None:
        parts.append(x_t * rstd)
    if mean_t is not None:
        parts.append(-mean_t * rstd)
    if var_t is not None:
        parts.append(xhat * rstd * rstd * var_t * -0.5)
    return functools.reduce(lambda a, b: a + b, parts) if parts else None


def pushed(xhat_t, weight_t, bias_t, xhat, weight):
    """The tangent of xhat * weight + bias."""
    total = xhat.detach() * 0 if xhat_t is None else xhat_t
    if xhat_t is not None and weight is not None:
        total = total * weight
    if weight_t is not None:
        total = total + xhat * weight_t
    return total if bias_t is None else total + bias_t


def batch_norm_of_samples(op, size, inputs, batched, params):
    inputs = [None if x is None else full(x, size, b) for x, b in zip(inputs, batched)]
    vectors = [None if v is None else merged(v) for v in inputs[1:]]
    out = apply(op, (channels_of_all(inputs[0]), *vectors), params)
    return tuple([samples_of_channels(part, size) for part in out])


def with_own_affine(op, size, x, inputs, batched, params, shaped):
    """The norm of x; scale and shift, where they differ between samples, are applied after it."""
    weight, bias = inputs[1:]
    if not (batched[1] or batched[2]):
        return apply(op, (x, weight, bias), params), None
    out, mean, var = apply(op, (x, None, None), params)
    scale, shift = [None if v is None else shaped(full(v, size, b)) for v, b in zip(inputs[1:], batched[1:])]
    return (out, mean, var), (scale, shift)


def moved(out, affinity):
    scale, shift = affinity
    if scale is not None:
        out = out * scale
    return out if shift is None else out + shift


def layer_norm_of_samples(op, size, inputs, batched, params):
    x = full(inputs[0], size, batched[0])
    (out, mean, var), own = with_own_affine(
        op, size, x, inputs, batched, params, lambda v: in_line(v, x._array.ndim - 1)
    )
    return (out if own is None else moved(out, own)), mean, var


def group_norm_of_samples(op, size, inputs, batched, params):
    x = full(inputs[0], size, batched[0])
    ones = (1,) * (x._array.ndim - 3)
    out, own = with_own_affine(
        op, size, merged(x), inputs, batched, params, lambda v: reshape(v, (size, 1, v._array.shape[1], *ones))
    )
    out, mean, var = [parted(part, size) for part in out]
    return (out if own is None else moved(out, own)), mean, var


@general(
    batch=batch_norm_of_samples,
    backward="NativeBatchNormBackward0",
    joint=through_batch_norm,
    push=push_batch_norm,
    **_OUTPUTS,
)
def native_batch_norm(x, weight, bias, running_mean, running_var, *, training, eps):
    """x (N, C, *) standardized channel by channel, by its own statistics when training, else by the running ones."""
    ndim = x.ndim
    if training:
        mean, var = moments(x, batch_axes(ndim))
    else:
        mean, var = by_channel(running_mean, ndim)[None], by_channel(running_var, ndim)[None]
        if x.dtype.itemsize == 2:
            mean, var = mean.astype(np.float32), var.astype(np.float32)
    out = standardized(x, mean, var, eps)
    return affine(out, by_channel(weight, ndim), by_channel(bias, ndim), x.dtype), mean, var


def through_layer_norm(g, x, weight, bias_shape, mean, var, dims, eps, needs):
    if is_narrow(x):
        return in_float32(through_layer_norm, g, x, weight, bias_shape, mean, var, dims, eps, needs)
    gs, g, axes = g, zeros_for(g[0], x), tuple(range(x.ndim - dims, x.ndim))
    mean, rstd = statistics(x, axes, eps) if grad_enabled() else kept(mean, var, eps)
    xhat = (x - mean) * rstd
    gx = None
    if needs[0]:
        gx = of_moments(of_input(g if weight is None else g * weight, xhat, rstd, axes), gs, x, mean, axes)
    gw = sum_to(g * xhat, shape=weight._array.shape) if needs[1] else None
    return gx, gw, sum_to(g, shape=bias_shape) if needs[2] else None


def push_layer_norm(x_t, weight_t, bias_t, x, weight, dims, eps):
    axes = tuple(range(x.ndim - dims, x.ndim))
    mean, rstd = statistics(x, axes, eps)
    xhat = (x - mean) * rstd
    moments_t = tangents_of_moments(x_t, x, mean, axes)
    x_t = None if x_t is None else of_input(x_t, xhat, rstd, axes)
    return pushed(x_t, weight_t, bias_t, xhat, weight), *moments_t


@general(
    batch=layer_norm_of_samples,
    backward="NativeLayerNormBackward0",
    joint=through_layer_norm,
    push=push_layer_norm,
    **_OUTPUTS,
)
def native_layer_norm(x, weight, bias, *, dims, eps):
    """x standardized over its trailing `dims` dimensions together."""
    mean, var = moments(x, tuple(range(x.ndim - dims, x.ndim)))
    return affine(standardized(x, mean, var, eps), weight, bias, x.dtype), mean, var


def scale_of(x, power, axes, eps):
    """One over the root mean square: of the kept power, or differentiable."""
    return ((x * x).mean(axes, True) if grad_enabled() else power).add(eps) ** -0.5


def through_rms_norm(g, x, weight, power, dims, eps, needs):
    gs, g, axes = g, zeros_for(g[0], x), tuple(range(x.ndim - dims, x.ndim))
    scale = scale_of(x, power, axes, eps)
    xhat = x * scale
    gx = None
    if needs[0]:
        gy = g if weight is None else g * weight
        gx = scale * (gy - xhat * (gy * xhat).mean(axes, True))
        if gs[1] is not None:
            gx = gx + gs[1] * x * (2 / math.prod([x.shape[axis] for axis in axes]))
    return gx, sum_to(g * xhat, shape=weight._array.shape) if needs[1] else None


def push_rms_norm(x_t, weight_t, x, weight, dims, eps):
    axes = tuple(range(x.ndim - dims, x.ndim))
    scale = ((x * x).mean(axes, True) + eps) ** -0.5
    xhat = x * scale
    power_t = None
    if x_t is not None:
        power_t = 2 * (x * x_t).mean(axes, True)
        x_t = scale * (x_t - xhat * (x_t * xhat).mean(axes, True))
    return pushed(x_t, weight_t, None, xhat, weight), power_t


def rms_norm_of_samples(op, size, inputs, batched, params):
    x = full(inputs[0], size, batched[0])
    if not batched[1]:
        return apply(op, (x, inputs[1]), params)
    out, power = apply(op, (x, None), params)
    return out * in_line(inputs[1], x._array.ndim - 1), power


@general(
    batch=rms_norm_of_samples,
    backward="FusedRmsNormBackward0",
    outputs=("out", "power"),
    aliases={"x": "input", "out": "result0"},
    joint=through_rms_norm,
    push=push_rms_norm,
)
def fused_rms_norm(x, weight, *, dims, eps):
    """x divided by the root of its mean square over its trailing `dims` dimensions together, and that mean."""
    axes = tuple(range(x.ndim - dims, x.ndim))
    count = max(1, math.prod([x.shape[axis] for axis in axes]))
    power = (np.add.reduce(x * x, axes, np.float64, keepdims=True) / count).astype(x.dtype)
    return affine(x / np.sqrt(power + x.dtype.type(eps)), weight, None, x.dtype), power


def grouped(x, groups):
    return x.reshape(x.shape[0], groups, math.prod(x.shape[1:]) // groups)


def through_group_norm(g, x, weight, bias_shape, mean, var, groups, eps, needs):
    if is_narrow(x):
        return in_float32(through_group_norm, g, x, weight, bias_shape, mean, var, groups, eps, needs)
    gs, g = g, zeros_for(g[0], x)
    shape, ndim, xg = x.shape, x.ndim, grouped(x, groups)
    mean, rstd = statistics(xg, (2,), eps) if grad_enabled() else kept(mean, var, eps)
    xhat = (xg - mean) * rstd
    gx = gw = gb = None
    if needs[0]:
        gx = g if weight is None else g * by_channel(weight, ndim)
        gx = of_moments(of_input(grouped(gx, groups), xhat, rstd, (2,)), gs, xg, mean, (2,)).reshape(shape)
    if needs[1]:
        gw = sum_to(g * xhat.reshape(shape), shape=(shape[1], *[1] * (ndim - 2))).reshape(-1)
    if needs[2]:
        gb = sum_to(g, shape=(shape[1], *[1] * (ndim - 2))).reshape(bias_shape)
    return gx, gw, gb


def push_group_norm(x_t, weight_t, bias_t, x, weight, groups, eps):
    shape, ndim, xg = x.shape, x.ndim, grouped(x, groups)
    mean, rstd = statistics(xg, (2,), eps)
    xhat = (xg - mean) * rstd
    x_t = None if x_t is None else grouped(x_t, groups)
    moments_t = tangents_of_moments(x_t, xg, mean, (2,))
    x_t = None if x_t is None else of_input(x_t, xhat, rstd, (2,)).reshape(shape)
    parts = [by_channel(part, ndim) for part in (weight_t, bias_t)]
    return pushed(x_t, *parts, xhat.reshape(shape), by_channel(weight, ndim)), *moments_t


@general(
    batch=group_norm_of_samples,
    backward="NativeGroupNormBackward0",
    joint=through_group_norm,
    push=push_group_norm,
    **_OUTPUTS,
)
def native_group_norm(x, weight, bias, *, groups, eps):
    """x (N, C, *) standardized over each of `groups` equal parts of its channels."""
    xg = grouped(x, groups)
    mean, var = moments(xg, (2,))
    out = standardized(xg, mean, var, eps).reshape(x.shape)
    return affine(out, by_channel(weight, x.ndim), by_channel(bias, x.ndim), x.dtype), mean, var


def _of_output(kernel):
    """The joint kernel of a norm, from the one that knows the gradient of `out` alone."""

    def through(g, *kept):
        if g[0] is None or any([part is not None for part in g[1:]]):
            return NotImplemented
        return kernel(g[0]._array, *kept)

    return through


def _of_input(kernel):
    """The joint kernel of batch norm, from the one that knows nothing of derivatives by running statistics."""

    def through(g, x, weight, bias_shape, mean, var, training, eps, needs, running_mean, running_var):
        if needs[3] or needs[4]:
            return NotImplemented
        return kernel(g, x, weight, bias_shape, mean, var, training, eps, needs)

    return through


def _accelerate(op, name, results, gradients):
    """Kernels that take 16-bit floats too: statistics stay in float32, gradients are of the dtypes of what they are for."""
    through = _halves.InSingle(getattr(_kernels, f"through_{name}"), gradients)
    through = _of_input(through) if op is native_batch_norm else through
    op.accelerate(_halves.InSingle(getattr(_kernels, name), results), joint=_of_output(through))


_kernels, _halves = load("norm"), load("halves")
if _kernels is not None and _halves is not None:
    _accelerate(native_batch_norm, "batch_norm", (0, None, None), (1, 2, 2, None, None))
    _accelerate(native_layer_norm, "layer_norm", (0, None, None), (1, 2, 2))
    _accelerate(fused_rms_norm, "rms_norm", (0, None), (1, 2))
    _accelerate(native_group_norm, "group_norm", (0, None, None), (1, 2, 2))
