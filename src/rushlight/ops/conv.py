"""Convolutions over any number of dimensions: one trilinear form, and its three partial derivatives.

With <convolution(x, weight), g> = T(x, weight, g), `convolution_transpose` is the derivative of T by x and
`convolution_weight` the one by weight; each is the others' derivative in turn. Shapes are (N, C, *spatial) for x and
(O, C / groups, *kernel) for weight. All three gather windows into columns and multiply matrices.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..core import apply
from ..kernels import load, onednn
from ..operation import in_dtype
from .batch_rules import channels_of_all, folded, full, merged, parted, reshape, samples_of_channels
from .copying import expand, sum_to
from .declare import general, linear

# Columns are made for as many samples at once as fit into this many bytes: they should stay in the cache.
_BLOCK = 1 << 20
_SINGLE = np.dtype(np.float32)


def padded(x, padding, fill=0):
    """x with `padding` entries of `fill` on both sides of each trailing dimension."""
    if not any(padding):
        return x
    lead = x.ndim - len(padding)
    out = np.full(x.shape[:lead] + tuple([n + 2 * p for n, p in zip(x.shape[lead:], padding)]), fill, x.dtype)
    out[(..., *[slice(p, p + n) for n, p in zip(x.shape[lead:], padding)])] = x
    return out


def windows(x, kernel, stride, dilation, size):
    """A view (*lead, *kernel, *size) of x: entry k of the window that begins at each of `size` positions."""
    steps = x.strides
    lead = x.ndim - len(kernel)
    for n, k, d, t, m in zip(x.shape[lead:], kernel, dilation, stride, size):
        if m > 0 and (k - 1) * d + (m - 1) * t >= n:
            raise ValueError(f"{m} windows of {k} entries do not fit into {n} places")
    spatial = steps[lead:]
    strides = (
        *steps[:lead], *[s * d for s, d in zip(spatial, dilation)], *[s * t for s, t in zip(spatial, stride)]
    )  # fmt: skip
    return as_strided(x, (*x.shape[:lead], *kernel, *size), strides)


def window_count(size, kernel, stride, padding, dilation):
    """How many windows fit along each dimension."""
    return tuple(
        [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in zip(size, kernel, stride, padding, dilation)]
    )


def window_slices(kernel, stride, dilation, size):
    """For each place in the kernel, the index of the entries of an array that it meets at `size` positions."""
    for place in np.ndindex(*kernel):
        yield place, (
            ..., *[slice(k * d, k * d + s * (n - 1) + 1, s) for k, d, s, n in zip(place, dilation, stride, size)]
        )  # fmt: skip


def column_blocks(x, kernel, stride, padding, dilation, groups, size):
    """(samples, columns) in turn: a slice of the batch, and its windows (b, groups, C / groups * taps, positions)."""
    x = padded(x, padding)
    n, channels = x.shape[:2]
    taps, positions = math.prod(kernel), math.prod(size)
    if taps == 1 and x.shape[2:] == size and x.flags.c_contiguous:
        yield slice(0, n), x.reshape(n, groups, channels // groups, positions)
        return
    view = windows(x, kernel, stride, dilation, size)
    step = max(1, _BLOCK // max(1, channels * taps * positions * x.itemsize))
    buffer = np.empty((min(step, n), *view.shape[1:]), x.dtype)
    for start in range(0, n, step):
        samples = slice(start, min(start + step, n))
        part = buffer[: samples.stop - start]
        np.copyto(part, view[samples])
        yield samples, part.reshape(part.shape[0], groups, channels // groups * taps, positions)


def by_group(weight, groups):
    return weight.reshape(groups, weight.shape[0] // groups, -1)


def added_bias(out, bias):
    if bias is not None:
        out += bias.reshape(-1, *[1] * (out.ndim - 2))
    return out


def in_single_precision(op, inputs, **params):
    """Half-precision products computed in float32."""
    wide = [x if x is None else in_dtype(x, _SINGLE) for x in inputs]
    return in_dtype(op.compute(wide, params), inputs[0].dtype)


def is_half(x):
    return x.dtype.itemsize == 2 and x.dtype.kind in "fV"


def bias_gradient(g, bias_shape):
    return sum_to(g, shape=(bias_shape[0], *[1] * (g.ndim - 2))).reshape(bias_shape)


def pushed(op, out, tangents, x, weight, **shared):
    """The tangent of a convolution: linear in the input, in the weight and in the bias."""
    x_t, weight_t, bias_t = tangents
    terms = []
    if x_t is not None:
        terms.append(op(x_t, weight, None, **shared))
    if weight_t is not None:
        terms.append(op(x, weight_t, None, **shared))
    if bias_t is not None:
        terms.append(expand(bias_t.reshape(-1, *[1] * (out.ndim - 2)), shape=out._array.shape))
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def push_convolution(x_t, weight_t, bias_t, x, weight, out, stride, padding, dilation, groups, size):
    return pushed(
        convolution, out, (x_t, weight_t, bias_t), x, weight, stride=stride, padding=padding, dilation=dilation,
        groups=groups, size=size,
    )  # fmt: skip


def push_transpose(x_t, weight_t, bias_t, x, weight, out, size, stride, padding, dilation, groups):
    return pushed(
        convolution_transpose, out, (x_t, weight_t, bias_t), x, weight, size=size, stride=stride, padding=padding,
        dilation=dilation, groups=groups,
    )  # fmt: skip


def convolve_samples(op, size, inputs, batched, params):
    """For samples with weights of their own: their channels become more groups."""
    x, weight, bias = inputs
    if batched[1]:
        x = channels_of_all(full(x, size, batched[0]))
        if bias is not None:
            bias = merged(full(bias, size, batched[2]))
        out = apply(op, (x, merged(weight), bias), {**params, "groups": params["groups"] * size})
        return samples_of_channels(out, size)
    if batched[2]:
        out = full(convolve_samples(op, size, (x, weight, None), (*batched[:2], False), params), size, batched[0])
        return out + reshape(bias, (size, 1, bias._array.shape[1], *[1] * (out._array.ndim - 3)))
    return (
        parted(apply(op, (merged(x), weight, bias), params), size) if batched[0] else apply(op, tuple(inputs), params)
    )


def convolve_samples_weight(op, size, inputs, batched, params):
    x, g = [channels_of_all(full(y, size, b)) for y, b in zip(inputs, batched)]
    return parted(apply(op, (x, g), {**params, "groups": params["groups"] * size}), size)


@general(
    batch=convolve_samples,
    backward="ConvolutionBackward0",
    aliases={"x": "input"},
    x=lambda g, x_shape, weight, stride, padding, dilation, groups: convolution_transpose(
        g, weight, None, size=x_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
    weight=lambda g, x, weight_shape, stride, padding, dilation, groups: convolution_weight(
        x, g, kernel=weight_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
    bias=bias_gradient,
    push=push_convolution,
)
def convolution(x, weight, bias, *, stride, padding, dilation, groups, size=None):
    """The cross-correlation of x with weight, in `groups` parts of the channels, at `size` places (or all)."""
    if is_half(x):
        return in_single_precision(
            convolution, (x, weight, bias), stride=stride, padding=padding, dilation=dilation, groups=groups,
            size=size,
        )  # fmt: skip
    kernel = weight.shape[2:]
    size = size or window_count(x.shape[2:], kernel, stride, padding, dilation)
    out = np.empty((x.shape[0], groups, weight.shape[0] // groups, math.prod(size)), x.dtype)
    matrices = by_group(weight, groups)
    for samples, columns in column_blocks(x, kernel, stride, padding, dilation, groups, size):
        np.matmul(matrices, columns, out=out[samples])
    return added_bias(out.reshape(x.shape[0], weight.shape[0], *size), bias)


@general(
    batch=convolve_samples,
    backward="ConvolutionBackward0",
    aliases={"x": "input"},
    x=lambda g, x_shape, weight, stride, padding, dilation, groups: convolution(
        g, weight, None, stride=stride, padding=padding, dilation=dilation, groups=groups, size=x_shape[2:]
    ),
    weight=lambda g, x, weight_shape, stride, padding, dilation, groups: convolution_weight(
        g, x, kernel=weight_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
    bias=bias_gradient,
    push=push_transpose,
)
def convolution_transpose(x, weight, bias, *, size, stride, padding, dilation, groups):
    """The adjoint of `convolution` in its input: x spread through weight into an array of spatial `size`."""
    if is_half(x):
        return in_single_precision(
            convolution_transpose, (x, weight, bias), size=size, stride=stride, padding=padding,
            dilation=dilation, groups=groups,
        )  # fmt: skip
    n, places, kernel = x.shape[0], x.shape[2:], weight.shape[2:]
    channels = weight.shape[1] * groups
    whole = np.zeros((n, channels, *[s + 2 * p for s, p in zip(size, padding)]), x.dtype)
    matrices = by_group(weight, groups).swapaxes(1, 2)
    grouped = x.reshape(n, groups, x.shape[1] // groups, math.prod(places))
    step = max(1, _BLOCK // max(1, channels * math.prod(kernel) * grouped.shape[3] * x.itemsize))
    for start in range(0, n, step):
        columns = np.matmul(matrices, grouped[start : start + step])
        columns = columns.reshape(-1, channels, *kernel, *places)
        part = whole[start : start + step]
        for place, index in window_slices(kernel, stride, dilation, places):
            part[index] += columns[(slice(None), slice(None), *place)]
    out = whole[(..., *[slice(p, p + s) for s, p in zip(size, padding)])] if any(padding) else whole
    return added_bias(np.ascontiguousarray(out), bias)


@linear(
    batch=convolve_samples_weight,
    backward="ConvolutionBackwardBackward0",
    x=lambda g, x_shape, y, stride, padding, dilation, groups: convolution_transpose(
        y, g, None, size=x_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
    y=lambda g, x, y_shape, stride, padding, dilation, groups: convolution(
        x, g, None, stride=stride, padding=padding, dilation=dilation, groups=groups, size=y_shape[2:]
    ),
)
def convolution_weight(x, y, *, kernel, stride, padding, dilation, groups):
    """The gradient of a weight with spatial shape `kernel`: x convolved with y, the gradient of the result."""
    if is_half(x):
        return in_single_precision(
            convolution_weight, (x, y), kernel=kernel, stride=stride, padding=padding, dilation=dilation,
            groups=groups,
        )  # fmt: skip
    n, out_channels, size = y.shape[0], y.shape[1], y.shape[2:]
    grouped = y.reshape(n, groups, out_channels // groups, math.prod(size)).swapaxes(2, 3)
    # Taps by channels: BLAS is quicker with the larger matrix on the left.
    total = np.zeros((groups, x.shape[1] // groups * math.prod(kernel), out_channels // groups), x.dtype)
    for samples, columns in column_blocks(x, kernel, stride, padding, dilation, groups, size):
        total += np.add.reduce(np.matmul(columns, grouped[samples]), axis=0)
    return total.swapaxes(1, 2).reshape(out_channels, x.shape[1] // groups, *kernel)


@linear(
    batch=folded,
    backward="Im2ColBackward0",
    x=lambda g, x_shape, kernel, dilation, padding, stride: col2im(
        g, size=x_shape[2:], kernel=kernel, dilation=dilation, padding=padding, stride=stride
    ),
)
def im2col(x, *, kernel, dilation, padding, stride):
    """The windows of x (N, C, *spatial) as columns: (N, C * taps, positions)."""
    size = window_count(x.shape[2:], kernel, stride, padding, dilation)
    view = windows(padded(x, padding), kernel, stride, dilation, size)
    return np.array(view).reshape(x.shape[0], x.shape[1] * math.prod(kernel), math.prod(size))


@linear(
    batch=folded,
    backward="Col2ImBackward0",
    x=lambda g, kernel, dilation, padding, stride: im2col(
        g, kernel=kernel, dilation=dilation, padding=padding, stride=stride
    ),
)
def col2im(x, *, size, kernel, dilation, padding, stride):
    """The adjoint of im2col: columns added up where their windows lay in an array of spatial `size`."""
    places = window_count(size, kernel, stride, padding, dilation)
    channels = x.shape[1] // math.prod(kernel)
    columns = x.reshape(x.shape[0], channels, *kernel, *places)
    whole = np.zeros((x.shape[0], channels, *[n + 2 * p for n, p in zip(size, padding)]), x.dtype)
    for place, index in window_slices(kernel, stride, dilation, places):
        whole[index] += columns[(slice(None), slice(None), *place)]
    return np.ascontiguousarray(whole[(..., *[slice(p, p + n) for n, p in zip(size, padding)])])


_columns = load("columns")
if _columns is not None:
    im2col.accelerate(_columns.im2col)
    col2im.accelerate(_columns.col2im)

_kernels = load("conv")


def _convolution_transpose(x, weight, bias, *, size, stride, padding, dilation, groups):
    out = _kernels.convolution_transpose(
        x, weight, bias, size=size, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    if out is not NotImplemented or is_half(x) or x.dtype != weight.dtype or not x.size or not weight.size:
        return out
    n, channels, positions = x.shape[0], weight.shape[1] * groups, math.prod(x.shape[2:])
    rows = channels * math.prod(weight.shape[2:])
    matrices = by_group(weight, groups).swapaxes(1, 2)
    grouped = x.reshape(n, groups, x.shape[1] // groups, positions)
    out = np.empty((n, channels, *size), x.dtype)
    step = max(1, _BLOCK // max(1, rows * positions * x.itemsize))
    for start in range(0, n, step):
        part = out[start : start + step]
        columns = np.matmul(matrices, grouped[start : start + step]).reshape(part.shape[0], rows, positions)
        added = _columns.col2im(
            columns, size=size, kernel=weight.shape[2:], dilation=dilation, padding=padding, stride=stride, into=part
        )
        if added is NotImplemented:
            return added
    return added_bias(out, bias)


def _asking_first(library, kernel):
    """A kernel that is asked for what oneDNN declines."""

    def choose(*arrays, **params):
        out = NotImplemented
        if arrays[0].size * arrays[1].size >= onednn.SMALLEST and onednn.enabled:
            out = library(*arrays, **params)
        return kernel(*arrays, **params) if out is NotImplemented else out

    return choose


if _kernels is not None:
    convolution.accelerate(_asking_first(onednn.convolution, _kernels.convolution))
    convolution_transpose.accelerate(_asking_first(onednn.convolution_transpose, _convolution_transpose))
    convolution_weight.accelerate(_asking_first(onednn.convolution_weight, _kernels.convolution_weight))
