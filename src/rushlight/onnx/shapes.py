"""Shapes, joining, choosing and reducing in ONNX."""

import numpy as np

from .elementwise import maps, same


def shaped(graph, x, value):
    """x in the shape of `value`, of whose sizes one may change."""
    if value.sizes.count(-1) > 1:
        raise NotImplementedError("a shape of which two sizes change")
    return graph("Reshape", x, graph.ints(value.sizes))


@maps("view", "unsafe_view")
def view(graph, call, shape):
    return shaped(graph, call.inputs[0], call.outputs[0])


@maps("t")
def t(graph, call):
    return graph("Transpose", call.inputs[0]) if len(call.inputs[0].shape) == 2 else graph("Identity", call.inputs[0])


@maps("transpose")
def transpose(graph, call, dim0, dim1):
    order = list(range(len(call.inputs[0].shape)))
    if order:
        order[dim0], order[dim1] = order[dim1], order[dim0]
    return graph("Transpose", call.inputs[0], perm=order)


@maps("permute")
def permute(graph, call, dims):
    return graph("Transpose", call.inputs[0], perm=[d % len(dims) for d in dims])


@maps("squeeze", "unsqueeze")
def squeeze(graph, call, dim):
    if len(call.inputs[0].shape) == len(call.outputs[0].shape):
        return graph("Identity", call.inputs[0])
    return shaped(graph, call.inputs[0], call.outputs[0])


@maps("expand")
def expand(graph, call, shape):
    # A 1 leaves a size as it is, so one that changes need not be known where the input has it.
    source = (1,) * (len(shape) - len(call.inputs[0].shape)) + call.inputs[0].sizes
    if any([n == -1 and m != -1 for n, m in zip(call.outputs[0].sizes, source)]):
        raise NotImplementedError("an expand to a size that changes")
    return graph("Expand", call.inputs[0], graph.ints([1 if n == -1 else n for n in call.outputs[0].sizes]))


@maps("repeat")
def repeat(graph, call, repeats):
    shape = call.inputs[0].sizes
    x = graph("Reshape", call.inputs[0], graph.ints((1,) * (len(repeats) - len(shape)) + shape))
    return graph("Tile", x, graph.ints(repeats))


@maps("shuffle")
def shuffle(graph, call, parts, order, shape):
    if -1 in call.inputs[0].sizes:
        parts = (-1, *parts[1:])
    x = graph("Transpose", graph("Reshape", call.inputs[0], graph.ints(parts)), perm=list(order))
    return shaped(graph, x, call.outputs[0])


@maps("flip")
def flip(graph, call, dims):
    n = len(dims)
    return graph("Slice", call.inputs[0], *[graph.ints(a) for a in ([-1] * n, [-(2**62)] * n, dims, [-1] * n)])


@maps("getitem")
def getitem(graph, call, index):
    """A basic index: slices, then the dimensions that numbers take away and None adds, by a reshape."""
    x, ndim = call.inputs[0], len(call.inputs[0].shape)
    parts = list(index) if isinstance(index, tuple) else [index]
    used = len([p for p in parts if p is not None and p is not Ellipsis])
    if Ellipsis in parts:
        i = parts.index(Ellipsis)
        parts[i : i + 1] = [slice(None)] * (ndim - used)
    steps, axis = [], 0
    for part in parts:
        if part is None:
            continue
        if not isinstance(part, slice):
            steps.append((part, part + 1 if part != -1 else 2**62, axis, 1))
        elif part != slice(None):
            step = 1 if part.step is None else part.step
            end = 2**62 if part.stop is None else part.stop
            steps.append((part.start or 0, end, axis, step))
        axis += 1
    if steps:
        x = graph("Slice", x, *[graph.ints(column) for column in zip(*steps)])
    plain = all([isinstance(part, slice) for part in parts])
    return (x if steps else graph("Identity", x)) if plain else shaped(graph, x, call.outputs[0])


@maps("cat")
def cat(graph, call, dim, sizes):
    return graph("Concat", *same(graph, call, *call.inputs), axis=dim)


@maps("stack")
def stack(graph, call, dim):
    axis = dim % len(call.outputs[0].shape)
    return graph(
        "Concat", *[graph("Unsqueeze", x, graph.ints([axis])) for x in same(graph, call, *call.inputs)], axis=axis
    )


@maps("unbind")
def unbind(graph, call, dim):
    parts = _split(graph, call, dim, [1] * len(call.outputs))
    return [graph("Squeeze", part, graph.ints([dim])) for part in parts]


@maps("split_with_sizes")
def split(graph, call, sizes, dim):
    return _split(graph, call, dim, sizes)


def _split(graph, call, dim, sizes):
    if len(sizes) == 1:
        return [graph("Identity", call.inputs[0])]
    return graph("Split", call.inputs[0], graph.ints(sizes), axis=dim, outputs=len(sizes))


@maps("constant_pad_nd", "pad_by")
def pad(graph, call, pad, value=None, mode="constant"):
    ndim = len(call.inputs[0].shape)
    pairs = [(0, 0)] * (ndim - len(pad) // 2) + list(zip(pad[::2], pad[1::2]))[::-1]
    if mode == "circular":
        # Mode "wrap" came with opset 19.
        x = call.inputs[0]
        for axis, (low, high) in enumerate(pairs):
            n = call.inputs[0].shape[axis]
            if low or high:
                x = graph("Gather", x, graph.ints(np.arange(-low, n + high) % n), axis=axis)
        return x
    sides = graph.ints([low for low, _ in pairs] + [high for _, high in pairs])
    mode = {"replicate": "edge"}.get(mode, mode)
    fill = None if value is None else np.asarray(value, call.outputs[0].dtype)
    return graph("Pad", call.inputs[0], sides, fill, mode=mode)


@maps("tril", "triu")
def triangle(graph, call, diagonal):
    return graph("Trilu", call.inputs[0], np.asarray(diagonal, np.int64), upper=int(call.op == "triu"))


@maps("embedding")
def embedding(graph, call, padding_idx, scale_grad_by_freq):
    return graph("Gather", *call.inputs, axis=0)


@maps("index_select")
def index_select(graph, call, dim):
    return graph("Gather", *call.inputs, axis=dim)


@maps("gather")
def gather(graph, call, dim):
    return graph("GatherElements", *call.inputs, axis=dim)


@maps("topk")
def topk(graph, call, k, dim, largest, sorted):
    return graph("TopK", call.inputs[0], graph.ints([k]), axis=dim, largest=int(largest), sorted=int(sorted), outputs=2)


@maps("cumsum")
def cumsum(graph, call, dim, reverse):
    (x,) = same(graph, call, call.inputs[0])
    return graph("CumSum", x, np.asarray(dim, np.int64), reverse=int(reverse))


# -- reductions
_REDUCED = {
    "sum": "ReduceSum", "mean": "ReduceMean", "amax": "ReduceMax", "amin": "ReduceMin", "prod": "ReduceProd",
    "logsumexp": "ReduceLogSumExp",
}  # fmt: skip


def axes_of(call, dim):
    every = range(len(call.inputs[0].shape))
    return list(every) if dim is None or dim == () else [dim] if isinstance(dim, int) else list(dim)


def reduced(graph, kind, x, axes, keepdim):
    return graph(kind, x, graph.ints(axes), keepdims=int(keepdim))


@maps(*_REDUCED)
def reduction(graph, call, dim, keepdim):
    (x,) = same(graph, call, call.inputs[0])
    return reduced(graph, _REDUCED[call.op], x, axes_of(call, dim), keepdim)


@maps("vector_norm")
def vector_norm(graph, call, ord, dim, keepdim):
    if ord not in (1, 2):
        raise NotImplementedError(f"a norm of order {ord}")
    return reduced(graph, f"ReduceL{int(ord)}", call.inputs[0], axes_of(call, dim), keepdim)


@maps("var", "std", "var_mean", "std_mean")
def var(graph, call, dim, correction, keepdim):
    x, axes, dtype = call.inputs[0], axes_of(call, dim), call.outputs[0].dtype
    count = np.prod([x.shape[i] for i in axes])
    if any([x.sizes[i] == -1 for i in axes]):
        raise NotImplementedError("a variance over a size that changes")
    away = graph("Sub", x, reduced(graph, "ReduceMean", x, axes, True))
    total = reduced(graph, "ReduceSum", graph("Mul", away, away), axes, keepdim)
    out = graph("Div", total, float(max(count - correction, 0)), like=dtype)
    out = graph("Sqrt", out) if call.op[0] == "s" else out
    return [out, reduced(graph, "ReduceMean", x, axes, keepdim)] if call.op.endswith("mean") else out


@maps("any", "all")
def truth(graph, call, dim, keepdim):
    x = graph.cast(graph.cast(call.inputs[0], bool), np.int32)
    kind = "ReduceMax" if call.op == "any" else "ReduceMin"
    return graph.cast(reduced(graph, kind, x, axes_of(call, dim), keepdim), bool)


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
    values = reduced(graph, f"Reduce{kind}", call.inputs[0], [dim], keepdim)
    return [values, graph(f"Arg{kind}", call.inputs[0], axis=dim, keepdims=int(keepdim))]


@maps("softmax", "log_softmax")
def softmax(graph, call, dim):
    (x,) = same(graph, call, call.inputs[0])
    return graph("Softmax" if call.op == "softmax" else "LogSoftmax", x, axis=dim)
