"""Products, convolutions, pooling, norms, attention and gates in ONNX."""

import math

import numpy as np

from .elementwise import maps, same
from .shapes import reduced, shaped
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


@maps("mm", "mm_nt", "mm_tn")
def mm(graph, call, fortran=None):
    a, b = call.inputs
    if call.op == "mm" and getattr(b, "transposed", None) is None:
        return graph("MatMul", a, b)
    (a, first), (b, second) = _plain(graph, a), _plain(graph, b)
    return graph("Gemm", a, b, transA=first ^ (call.op == "mm_tn"), transB=second ^ (call.op == "mm_nt"))


@maps("bmm", "mv", "dot", "matmul")
def matmul(graph, call):
    return graph("MatMul", *same(graph, call, *call.inputs))


@maps("baddbmm")
def baddbmm(graph, call, beta, alpha):
    c, a, b = call.inputs
    dtype = call.outputs[0].dtype
    product = graph("Mul", graph("MatMul", a, b), alpha, like=dtype)
    return graph("Add", graph("Mul", c, beta, like=dtype), product)


@maps("bag_sum")
def bag_sum(graph, call):
    """Bags of one size, as a table of indices has them."""
    weight, factors, indices, offsets = call.inputs
    bags, count = offsets.shape[0], indices.shape[0]
    if offsets.array is None or count % bags or (offsets.array != np.arange(bags) * (count // bags)).any():
        raise NotImplementedError("bags of several sizes")
    rows = graph("Gather", weight, indices, axis=0)
    if factors is not None:
        rows = graph("Mul", rows, graph("Unsqueeze", factors, graph.ints([1])))
    table = graph("Reshape", rows, graph.ints([-1, count // bags, weight.shape[1]]))
    return reduced(graph, "ReduceSum", table, [1], False)


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


def _ends(call, kernel, stride, padding, dilation, size):
    """How much the windows reach over the end of each dimension."""
    plane = call.inputs[0].shape[-len(kernel) :]
    return [
        max(0, (o - 1) * s + d * (k - 1) + 1 - p - n)
        for n, k, s, p, d, o in zip(plane, kernel, stride, padding, dilation, size)
    ]


@maps("max_pool_values", "max_pool2d")
def max_pool(graph, call, kernel, stride, padding, dilation, size):
    ends = _ends(call, kernel, stride, padding, dilation, size)
    return graph(
        "MaxPool", call.inputs[0], kernel_shape=list(kernel), strides=list(stride), pads=[*padding, *ends],
        dilations=list(dilation),
    )  # fmt: skip


@maps("avg_pool2d")
def avg_pool(graph, call, kernel, stride, padding, size, count_include_pad, divisor):
    ends = _ends(call, kernel, stride, padding, (1,) * len(kernel), size)
    if any([end > p for end, p in zip(ends, padding)]) and (count_include_pad or divisor):
        raise NotImplementedError("an average over windows beyond the padding (ceil_mode)")
    out = graph(
        "AveragePool", call.inputs[0], kernel_shape=list(kernel), strides=list(stride), pads=[*padding, *ends],
        count_include_pad=int(bool(count_include_pad or divisor)),
    )  # fmt: skip
    return graph("Mul", out, math.prod(kernel) / divisor, like=call.outputs[0].dtype) if divisor else out


@maps("adaptive_max_pool2d")
def adaptive_max_pool(graph, call, size):
    """Maxima over windows of several sizes: of rows, then of columns."""
    x, lead = call.inputs[0], len(call.inputs[0].shape) - len(size)
    for axis, count in enumerate(size, lead):
        n, parts = call.inputs[0].shape[axis], []
        for i in range(count):
            ends = [i * n // count, -(-(i + 1) * n // count)]
            part = graph("Slice", x, graph.ints(ends[:1]), graph.ints(ends[1:]), graph.ints([axis]))
            parts.append(reduced(graph, "ReduceMax", part, [axis], True))
        x = graph("Concat", *parts, axis=axis)
    return x


@maps("resample")
def resample(graph, call, size, mode, scales, align_corners, antialias):
    """A product with a matrix for each dimension; what is nearest is picked."""
    from ..ops.resample import matrices, nearest

    x, ndim, dtype = call.inputs[0], len(call.inputs[0].shape), call.outputs[0].dtype
    plane = x.shape[ndim - len(size) :]
    if mode in ("nearest", "nearest-exact"):
        for i, (n, s, scale) in enumerate(zip(plane, size, scales), ndim - len(size)):
            x = graph("Gather", x, graph.ints(nearest(mode, n, s, scale)), axis=i)
        return x
    for i, matrix in enumerate(
        matrices(plane, size, mode, scales, align_corners, antialias, dtype.type), ndim - len(size)
    ):
        order = [*range(i), *range(i + 1, ndim), i]
        turned = graph("MatMul", graph("Transpose", x, perm=order), np.ascontiguousarray(np.asarray(matrix, dtype).T))
        x = graph("Transpose", turned, perm=[order.index(k) for k in range(ndim)])
    return x


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
    return graph(
        "Col2Im", call.inputs[0], graph.ints(size), graph.ints(kernel), dilations=list(dilation),
        pads=[*padding, *padding], strides=list(stride),
    )  # fmt: skip


# -- norms
def standardized(graph, x, axes, eps, dtype):
    """(x - mean) / sqrt(variance + eps) over axes."""
    away = graph("Sub", x, reduced(graph, "ReduceMean", x, axes, True))
    spread = reduced(graph, "ReduceMean", graph("Mul", away, away), axes, True)
    return graph("Div", away, graph("Sqrt", graph("Add", spread, eps, like=dtype)))


def _affine(graph, x, weight, bias, shape):
    for kind, parameter in (("Mul", weight), ("Add", bias)):
        if parameter is not None:
            x = graph(kind, x, graph("Reshape", parameter, graph.ints(shape)))
    return x


@maps("native_batch_norm")
def batch_norm(graph, call, training, eps):
    x, weight, bias, mean, variance = call.inputs
    channels, ndim, dtype = x.shape[1], len(x.shape), x.dtype
    if training:
        out = standardized(graph, x, [0, *range(2, ndim)], eps, dtype)
        return _affine(graph, out, weight, bias, (1, -1, *[1] * (ndim - 2)))
    weight = np.ones(channels, dtype) if weight is None else weight
    bias = np.zeros(channels, dtype) if bias is None else bias
    return graph("BatchNormalization", x, weight, bias, mean, variance, epsilon=float(eps))


@maps("native_layer_norm")
def layer_norm(graph, call, dims, eps):
    x, weight, bias = call.inputs
    weight = np.ones(x.shape[len(x.shape) - dims :], x.dtype) if weight is None else weight
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
    power = reduced(graph, "ReduceMean", graph("Mul", x, x), axes, True)
    out = graph("Div", x, graph("Sqrt", graph("Add", power, eps, like=x.dtype)))
    return out if weight is None else graph("Mul", out, weight)


# -- attention and gates
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
        later = np.triu(np.full((query.shape[-2], key.shape[-2]), -np.inf, dtype), 1)
        scores = graph("Add", scores, later)
    return graph("MatMul", graph("Softmax", scores, axis=-1), value)


def _gates(graph, x, count):
    return graph("Split", x, axis=-1, num_outputs=count, outputs=count)


@maps("lstm_gates")
def lstm_gates(graph, call):
    given, kept, c = call.inputs
    enter, forget, new, leave = _gates(graph, graph("Add", given, kept), 4)
    kept_part = graph("Mul", graph("Sigmoid", forget), c)
    following = graph("Add", kept_part, graph("Mul", graph("Sigmoid", enter), graph("Tanh", new)))
    return [graph("Mul", graph("Sigmoid", leave), graph("Tanh", following)), following]


@maps("gru_gates")
def gru_gates(graph, call):
    given, kept, h = call.inputs
    (a, b, c), (d, e, f) = _gates(graph, given, 3), _gates(graph, kept, 3)
    reset, keep = graph("Sigmoid", graph("Add", a, d)), graph("Sigmoid", graph("Add", b, e))
    new = graph("Tanh", graph("Add", c, graph("Mul", reset, f)))
    return graph("Add", new, graph("Mul", keep, graph("Sub", h, new)))
