"""Reductions in ONNX."""

import math

import numpy as np

from .elementwise import maps, same
from .shapes import shaped

_REDUCED = {
    "sum": "ReduceSum", "mean": "ReduceMean", "amax": "ReduceMax", "amin": "ReduceMin", "prod": "ReduceProd",
    "logsumexp": "ReduceLogSumExp",
}  # fmt: skip


def axes_of(call, dim):
    every = range(len(call.inputs[0].shape))
    return list(every) if dim is None or dim == () else [dim] if isinstance(dim, int) else list(dim)


@maps(*_REDUCED)
def reduction(graph, call, dim, keepdim):
    (x,) = same(graph, call, call.inputs[0])
    return graph.reduce(_REDUCED[call.op], x, axes_of(call, dim), keepdim)


@maps("vector_norm")
def vector_norm(graph, call, ord, dim, keepdim):
    return norm(graph, call.inputs[0], axes_of(call, dim), ord, keepdim, call.outputs[0].dtype)


def norm(graph, x, axes, ord, keepdim, dtype):
    if ord in (1, 2):
        return graph.reduce(f"ReduceL{int(ord)}", x, axes, keepdim)
    size = graph("Abs", x)
    if abs(ord) == math.inf:
        return graph.reduce("ReduceMax" if ord > 0 else "ReduceMin", size, axes, keepdim)
    if ord == 0:
        return graph.reduce("ReduceSum", graph("Sign", size), axes, keepdim)
    total = graph.reduce("ReduceSum", graph("Pow", size, np.asarray(ord, dtype)), axes, keepdim)
    return graph("Pow", total, np.asarray(1 / ord, dtype))


@maps("var", "std", "var_mean", "std_mean")
def var(graph, call, dim, correction, keepdim):
    x, axes, dtype = call.inputs[0], axes_of(call, dim), call.outputs[0].dtype
    away = graph("Sub", x, graph.reduce("ReduceMean", x, axes, True))
    total = graph.reduce("ReduceSum", graph("Mul", away, away), axes, keepdim)
    if any([x.sizes[i] == -1 for i in axes]):
        sizes = graph.cast(graph("Gather", graph("Shape", x), graph.ints([i % len(x.shape) for i in axes])), dtype)
        count = graph("Sub", graph.reduce("ReduceProd", sizes, [0], False), float(correction), like=dtype)
    else:
        count = np.asarray(max(math.prod([x.shape[i] for i in axes]) - correction, 0), dtype)
    out = graph("Div", total, count)
    out = graph("Sqrt", out) if call.op[0] == "s" else out
    return [out, graph.reduce("ReduceMean", x, axes, keepdim)] if call.op.endswith("mean") else out


@maps("any", "all")
def truth(graph, call, dim, keepdim):
    x = graph.cast(graph.cast(call.inputs[0], bool), np.int32)
    kind = "ReduceMax" if call.op == "any" else "ReduceMin"
    return graph.cast(graph.reduce(kind, x, axes_of(call, dim), keepdim), bool)


@maps("argmax", "argmin")
def argmax(graph, call, dim, keepdim):
    kind = "ArgMax" if call.op == "argmax" else "ArgMin"
    if dim is None:
        flat = graph("Reshape", call.inputs[0], graph.ints([-1]))
        return shaped(graph, graph(kind, flat, axis=0, keepdims=0), call.outputs[0])
    return graph(kind, call.inputs[0], axis=dim, keepdims=int(keepdim))


@maps("max_dim", "min_dim")
def extreme(graph, call, dim, keepdim):
    kind = call.op[:3].capitalize()
    values = graph.reduce(f"Reduce{kind}", call.inputs[0], [dim], keepdim)
    return [values, graph(f"Arg{kind}", call.inputs[0], axis=dim, keepdims=int(keepdim))]


@maps("softmax", "log_softmax")
def softmax(graph, call, dim):
    (x,) = same(graph, call, call.inputs[0])
    return graph("Softmax" if call.op == "softmax" else "LogSoftmax", x, axis=dim)


@maps("aminmax")
def aminmax(graph, call, dim, keepdim):
    return [graph.reduce(f"Reduce{kind}", call.inputs[0], axes_of(call, dim), keepdim) for kind in ("Min", "Max")]


@maps("count_nonzero")
def count_nonzero(graph, call, dim, keepdim=False):
    there = graph.cast(graph.cast(call.inputs[0], bool), np.int64)
    return graph.reduce("ReduceSum", there, axes_of(call, dim), keepdim)


@maps("nansum")
def nansum(graph, call, dim, keepdim):
    (x,) = same(graph, call, call.inputs[0])
    plain = graph("Where", graph("IsNaN", x), np.asarray(0, call.outputs[0].dtype), x)
    return graph.reduce("ReduceSum", plain, axes_of(call, dim), keepdim)
