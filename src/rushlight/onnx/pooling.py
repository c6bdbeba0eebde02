"""Pooling and resizing in ONNX."""

import math

import numpy as np

from .elementwise import maps


def _ends(call, kernel, stride, padding, dilation):
    """How much the windows reach over the end of each dimension, and whether this hangs on sizes that are left open."""
    found = [
        [
            max(0, (o - 1) * s + d * (k - 1) + 1 - p - n)
            for n, k, s, p, d, o in zip(
                c.inputs[0].shape[-len(kernel) :], kernel, stride, padding, dilation, c.params["size"]
            )
        ]
        for c in (call, *call.again)
    ]
    if len(call.again) and -1 in call.inputs[0].sizes[-len(kernel) :]:
        beyond = any([end > p for ends in found for end, p in zip(ends, padding)])
        return list(padding), int(beyond)
    return found[0], 0


@maps("max_pool_values", "max_pool2d")
def max_pool(graph, call, kernel, stride, padding, dilation, size):
    ends, ceil = _ends(call, kernel, stride, padding, dilation)
    options = {
        "kernel_shape": list(kernel), "strides": list(stride), "pads": [*padding, *ends], "dilations": list(dilation),
        "ceil_mode": ceil,
    }  # fmt: skip
    lead = len(call.inputs[0].shape) - len(kernel)
    x = call.inputs[0] if lead == 2 else graph("Unsqueeze", call.inputs[0], graph.ints([0]))
    if call.op == "max_pool_values":
        out = graph("MaxPool", x, **options)
        return out if lead == 2 else graph("Squeeze", out, graph.ints([0]))
    values, places = graph("MaxPool", x, outputs=2, **options)
    # Places within their plane, where ONNX counts on through all planes.
    plane = graph("Shape", x)
    plane = graph("Slice", plane, graph.ints([2]), graph.ints([2**62]), graph.ints([0]))
    places = graph("Mod", places, graph.reduce("ReduceProd", plane, [0], False))
    made = [values, places]
    return made if lead == 2 else [graph("Squeeze", out, graph.ints([0])) for out in made]


@maps("avg_pool2d")
def avg_pool(graph, call, kernel, stride, padding, size, count_include_pad, divisor):
    ends, ceil = _ends(call, kernel, stride, padding, (1,) * len(kernel))
    if (ceil or any([end > p for end, p in zip(ends, padding)])) and (count_include_pad or divisor):
        raise NotImplementedError("an average over windows beyond the padding (ceil_mode)")
    lead = len(call.inputs[0].shape) - len(kernel)
    x = call.inputs[0] if lead == 2 else graph("Unsqueeze", call.inputs[0], graph.ints([0]))
    out = graph(
        "AveragePool", x, kernel_shape=list(kernel), strides=list(stride), pads=[*padding, *ends],
        count_include_pad=int(bool(count_include_pad or divisor)), ceil_mode=ceil,
    )  # fmt: skip
    out = graph("Mul", out, math.prod(kernel) / divisor, like=call.outputs[0].dtype) if divisor else out
    return out if lead == 2 else graph("Squeeze", out, graph.ints([0]))


@maps("adaptive_max_pool2d")
def adaptive_max_pool(graph, call, size):
    """Maxima over windows of several sizes: of rows, then of columns."""
    x, lead = call.inputs[0], len(call.inputs[0].shape) - len(size)
    for axis, count in enumerate(size, lead):
        n, parts = call.inputs[0].size(axis), []
        for i in range(count):
            ends = [i * n // count, -(-(i + 1) * n // count)]
            part = graph("Slice", x, graph.ints(ends[:1]), graph.ints(ends[1:]), graph.ints([axis]))
            parts.append(graph.reduce("ReduceMax", part, [axis], True))
        x = graph("Concat", *parts, axis=axis)
    return x


@maps("resample")
def resample(graph, call, size, mode, scales, align_corners, antialias):
    """A product with a matrix for each dimension; what is nearest is picked."""
    from ..ops.resample import matrices, nearest

    x, ndim, dtype = call.inputs[0], len(call.inputs[0].shape), call.outputs[0].dtype
    if -1 in x.sizes[ndim - len(size) :]:
        return _resize(graph, call, size, mode, scales, align_corners, antialias)
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


def _resize(graph, call, size, mode, scales, align_corners, antialias):
    """The operator of ONNX, for planes whose sizes are left open: the way to say factors instead of sizes."""
    x, lead = call.inputs[0], len(call.inputs[0].shape) - len(size)
    planes = [(x.shape[lead:], size), *[(c.inputs[0].shape[lead:], c.params["size"]) for c in call.again]]
    factors = [s / n if align_corners else 1 / scale for n, s, scale in zip(*planes[0], scales)]
    if mode == "adaptive" or antialias or mode == "nearest-exact":
        raise NotImplementedError(f"{mode} from a size that is left open")
    if any([math.floor(n * f) != s for plane, sizes in planes for n, f, s in zip(plane, factors, sizes)]):
        raise NotImplementedError("a resize to a fixed size from one that is left open: give a scale_factor")
    kind = {"nearest": "nearest", "linear": "linear", "cubic": "cubic"}[mode]
    options = {"nearest_mode": "floor"} if kind == "nearest" else {}
    if kind == "cubic":
        options = {"cubic_coeff_a": -0.75}
    turn = "asymmetric" if kind == "nearest" else "align_corners" if align_corners else "half_pixel"
    if kind != "nearest" and not align_corners and 1 in size:
        turn = "pytorch_half_pixel"
    given = np.asarray([1.0] * lead + factors, np.float32)
    return graph("Resize", x, None, given, mode=kind, coordinate_transformation_mode=turn, **options)


@maps("max_unpool2d")
def max_unpool(graph, call, size):
    x, places = call.inputs
    lead, out = len(x.shape) - len(size), call.outputs[0]
    plane = graph.ints([math.prod([out.size(d) for d in range(lead, len(out.shape))])])
    rows = graph.joined([*[graph.size_of(x, d) for d in range(lead)], graph.ints([-1])])
    empty = graph.joined([*[graph.size_of(x, d) for d in range(lead)], plane])
    x, places = graph("Reshape", x, rows), graph("Reshape", places, rows)
    flat = graph("ScatterElements", graph("Expand", np.asarray(0, out.dtype), empty), places, x, axis=lead)
    return graph("Reshape", flat, graph.sizes_of(out))
