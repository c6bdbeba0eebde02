"""Products, convolutions, pooling, norms, attention and gates in ONNX."""

import functools
import math

import numpy as np

from .elementwise import maps, same
from .reductions import norm
from .shapes import shaped
from .tracing import Value


# -- products
def _plain(graph, x):
    """(name, 1 where it is to be transposed): of the transpose of a parameter, the parameter."""
    twin = x.transposed if isinstance(x, Value) else None
    return (x, 0) if twin is None else (twin, 1)


@maps("addmm")
def addmm(graph, call, beta, alpha, fortran):
    c, a, b = call.inputs
    (a, first), (b, second) = _plain(graph, a), _plain(graph, b)
    return graph("Gemm", a, b, c, alpha=float(alpha), beta=float(beta), transA=first, transB=second)


@maps("mm")
def mm(graph, call, fortran=None):
    a, b = call.inputs
    if getattr(b, "transposed", None) is None:
        return graph("MatMul", a, b)
    (a, first), (b, second) = _plain(graph, a), _plain(graph, b)
    return graph("Gemm", a, b, transA=first, transB=second)


@maps("bmm", "mv", "dot", "vdot")
def matmul(graph, call):
    return graph("MatMul", *same(graph, call, *call.inputs))


@maps("baddbmm")
def baddbmm(graph, call, beta, alpha):
    c, a, b = call.inputs
    dtype = call.outputs[0].dtype
    product = graph("Mul", graph("MatMul", a, b), alpha, like=dtype)
    return graph("Add", graph("Mul", c, beta, like=dtype), product)


@maps("vecdot")
def vecdot(graph, call):
    return graph.reduce("ReduceSum", graph("Mul", *same(graph, call, *call.inputs)), [-1], False)


@maps("addmv", "addr", "addbmm")
def added_product(graph, call, beta, alpha):
    c, a, b = call.inputs
    o = functools.partial(graph, like=call.outputs[0].dtype)
    if call.op == "addr":
        product = graph("Mul", graph("Unsqueeze", a, graph.ints([1])), graph("Unsqueeze", b, graph.ints([0])))
    else:
        product = graph("MatMul", a, b)
    if call.op == "addbmm":
        product = graph.reduce("ReduceSum", product, [0], False)
    return graph("Add", o("Mul", c, beta), o("Mul", product, alpha))


@maps("cdist", "euclidean_dist")
def cdist(graph, call, ord=2.0):
    """Distances between the rows of (*, N, D) and (*, M, D)."""
    x, y = call.inputs
    away = graph("Sub", graph("Unsqueeze", x, graph.ints([-2])), graph("Unsqueeze", y, graph.ints([-3])))
    return norm(graph, away, [-1], ord, False, call.outputs[0].dtype)


@maps("det")
def det(graph, call):
    return graph("Det", call.inputs[0])


@maps("cross")
def cross(graph, call, dim):
    x, y = same(graph, call, *call.inputs)

    def turned(value, by):
        return graph("Gather", value, graph.ints(np.roll([0, 1, 2], by)), axis=dim)

    return graph(
        "Sub", graph("Mul", turned(x, -1), turned(y, 1)), graph("Mul", turned(x, 1), turned(y, -1)),
    )  # fmt: skip


# -- convolutions and pooling
@maps("convolution")
def convolution(graph, call, stride, padding, dilation, groups, size):
    if size is not None:
        raise NotImplementedError("a convolution at some of its places")
    return graph(
        "Conv", *call.inputs, strides=list(stride), pads=[*padding, *padding], dilations=list(dilation), group=groups
    )


@maps("convolution_transpose")
def convolution_transpose(graph, call, size, stride, padding, dilation, groups):
    x, weight = call.inputs[:2]
    kernel = weight.shape[2:]
    least = [
        (n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in zip(x.shape[2:], stride, padding, dilation, kernel)
    ]
    return graph(
        "ConvTranspose", *call.inputs, strides=list(stride), pads=[*padding, *padding], dilations=list(dilation),
        group=groups, output_padding=[n - m for n, m in zip(size, least)],
    )  # fmt: skip


@maps("im2col")
def im2col(graph, call, kernel, dilation, padding, stride):
    """A convolution whose kernels have a single one each."""
    channels, count = call.inputs[0].shape[1], math.prod(kernel)
    one = np.tile(
        np.eye(count, dtype=call.outputs[0].dtype).reshape(count, 1, *kernel), (channels, *[1] * (len(kernel) + 1))
    )
    out = graph(
        "Conv",
        call.inputs[0],
        one,
        strides=list(stride),
        pads=[*padding, *padding],
        dilations=list(dilation),
        group=channels,
    )
    return graph("Reshape", out, graph.ints([0, channels * count, -1]))


@maps("col2im")
def col2im(graph, call, size, kernel, dilation, padding, stride):
    """A transposed convolution whose kernels have a single one each."""
    x, count = call.inputs[0], math.prod(kernel)
    channels = x.size(-2) // count
    places = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, d, p, s in zip(size, kernel, dilation, padding, stride)]
    least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in zip(places, stride, padding, dilation, kernel)]
    lead = graph.ints([0]) if len(x.shape) == 3 else graph.ints([1])
    one = np.tile(np.eye(count, dtype=x.dtype).reshape(count, 1, *kernel), (channels, *[1] * (len(kernel) + 1)))
    x = graph("Reshape", x, np.concatenate([lead, graph.ints([channels * count, *places])]))
    out = graph(
        "ConvTranspose", x, one, strides=list(stride), pads=[*padding, *padding], dilations=list(dilation), group=channels,
        output_padding=[n - m for n, m in zip(size, least)],
    )  # fmt: skip
    return shaped(graph, out, call.outputs[0])


@maps("grid_sampler")
def grid_sampler(graph, call, mode, padding, align_corners):
    kind = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode) if graph.opset >= 20 else mode
    if len(call.inputs[0].shape) == 5 and graph.opset < 20:
        raise NotImplementedError("samples of volumes, which need opset_version=20 or later")
    return graph("GridSample", *call.inputs, mode=kind, padding_mode=padding, align_corners=int(align_corners))


# -- norms
def standardized(graph, x, axes, eps, dtype):
    """(x - mean) / sqrt(variance + eps) over axes."""
    away = graph("Sub", x, graph.reduce("ReduceMean", x, axes, True))
    spread = graph.reduce("ReduceMean", graph("Mul", away, away), axes, True)
    return graph("Div", away, graph("Sqrt", graph("Add", spread, eps, like=dtype)))


def _affine(graph, x, weight, bias, shape):
    for kind, parameter in (("Mul", weight), ("Add", bias)):
        if parameter is not None:
            x = graph(kind, x, graph("Reshape", parameter, graph.ints(shape)))
    return x


@maps("native_batch_norm")
def batch_norm(graph, call, training, eps):
    x, weight, bias, mean, variance = call.inputs
    channels, ndim, dtype = x.sizes[1], len(x.shape), x.dtype
    shape = (1, -1, *[1] * (ndim - 2))
    if training:
        out = standardized(graph, x, [0, *range(2, ndim)], eps, dtype)
        return _affine(graph, out, weight, bias, shape)
    if channels == -1:
        spread = graph("Sqrt", graph("Add", graph("Reshape", variance, graph.ints(shape)), eps, like=dtype))
        out = graph("Div", graph("Sub", x, graph("Reshape", mean, graph.ints(shape))), spread)
        return _affine(graph, out, weight, bias, shape)
    weight = np.ones(channels, dtype) if weight is None else weight
    bias = np.zeros(channels, dtype) if bias is None else bias
    return graph("BatchNormalization", x, weight, bias, mean, variance, epsilon=float(eps))


@maps("native_layer_norm")
def layer_norm(graph, call, dims, eps):
    x, weight, bias = call.inputs
    weight = np.ones([x.size(i) for i in range(-dims, 0)], x.dtype) if weight is None else weight
    return graph("LayerNormalization", x, weight, bias, axis=-dims, epsilon=float(eps))


@maps("native_group_norm")
def group_norm(graph, call, groups, eps):
    x, weight, bias = call.inputs
    parts = graph("Reshape", x, graph.ints([0, groups, -1]))
    out = shaped(graph, standardized(graph, parts, [2], eps, x.dtype), call.outputs[0])
    return _affine(graph, out, weight, bias, (1, -1, *[1] * (len(x.shape) - 2)))


@maps("fused_rms_norm")
def rms_norm(graph, call, dims, eps):
    x, weight = call.inputs
    axes = list(range(len(x.shape) - dims, len(x.shape)))
    power = graph.reduce("ReduceMean", graph("Mul", x, x), axes, True)
    out = graph("Div", x, graph("Sqrt", graph("Add", power, eps, like=x.dtype)))
    return out if weight is None else graph("Mul", out, weight)


# -- attention
@maps("attention")
def attention(graph, call, factor, causal):
    query, key, value, mask = call.inputs
    dtype, ndim = call.outputs[0].dtype, len(key.shape)
    turned = graph("Transpose", key, perm=[*range(ndim - 2), ndim - 1, ndim - 2])
    scores = graph("MatMul", graph("Mul", query, factor, like=dtype), turned)
    if mask is not None and mask.dtype == bool:
        scores = graph("Where", mask, scores, np.asarray(-np.inf, dtype))
    elif mask is not None:
        scores = graph("Add", scores, mask)
    if causal:
        rows = graph.joined([graph.size_of(query, -2), graph.size_of(key, -2)])
        ones = graph("Expand", np.ones((1, 1), dtype), rows)
        # Of what is later minus infinity, which 0 times infinity would not be.
        later = graph("Not", graph.cast(graph("Trilu", ones, np.asarray(0), upper=0), bool))
        scores = graph("Where", later, np.asarray(-np.inf, dtype), scores)
    return graph("MatMul", graph("Softmax", scores, axis=-1), value)
