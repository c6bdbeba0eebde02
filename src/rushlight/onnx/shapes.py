"""Shapes, joining and padding in ONNX."""

import math

import numpy as np

from .elementwise import maps, same


def shaped(graph, x, value):
    """x in the shape of `value`; of sizes that change, one need not be known."""
    if value.sizes.count(-1) < 2:
        return graph("Reshape", x, graph.ints(value.sizes))
    # A size that follows from others in no simple way is what is left.
    left = [dim for dim, size in value.open.items() if size == (0, {(value.name, dim): 1})][:1]
    dims = range(len(value.shape))
    return graph("Reshape", x, graph.joined([graph.ints([-1]) if d in left else graph.size_of(value, d) for d in dims]))


@maps("size")
def size(graph, call, size):
    value = call.outputs[0]
    number = graph.sum_of(size, value.dtype)
    return graph("Squeeze", number, graph.ints([0]))


@maps("filled")
def filled(graph, call):
    return graph("Expand", call.inputs[0], graph.sizes_of(call.outputs[0]))


@maps("row")
def row(graph, call, start, step):
    value = call.outputs[0]
    count = graph("Squeeze", graph.sizes_of(value), graph.ints([0]))
    numbers = graph("Range", np.asarray(0), count, np.asarray(1))
    if value.dtype != np.int64:
        numbers = graph.cast(numbers, value.dtype)
    return graph("Add", graph("Mul", numbers, np.asarray(step, value.dtype)), np.asarray(start, value.dtype))


@maps("random_uniform", "random_normal")
def random(graph, call):
    kind = "RandomUniformLike" if call.op.endswith("uniform") else "RandomNormalLike"
    value = call.outputs[0]
    return graph(kind, graph("Expand", np.zeros((1,) * len(value.shape), value.dtype), graph.sizes_of(value)))


@maps("view", "unsafe_view")
def view(graph, call, shape):
    return shaped(graph, call.inputs[0], call.outputs[0])


@maps("t")
def t(graph, call):
    return graph("Transpose", call.inputs[0]) if len(call.inputs[0].shape) == 2 else graph("Identity", call.inputs[0])


@maps("transpose")
def transpose(graph, call, dim0, dim1):
    if not call.inputs[0].shape:
        return graph("Identity", call.inputs[0])
    return transposed(graph, call, call.inputs[0], dim0, dim1)


@maps("permute")
def permute(graph, call, dims):
    return graph("Transpose", call.inputs[0], perm=[d % len(dims) for d in dims])


@maps("unsqueeze")
def unsqueeze(graph, call, dim):
    return graph("Unsqueeze", call.inputs[0], graph.ints([dim]))


@maps("squeeze")
def squeeze(graph, call, dim):
    shape = call.inputs[0].shape
    dims = range(len(shape)) if dim is None else [dim] if isinstance(dim, int) else dim
    dims = [d % len(shape) for d in dims if shape and shape[d] == 1]
    return graph("Squeeze", call.inputs[0], graph.ints(dims)) if dims else graph("Identity", call.inputs[0])


@maps("expand")
def expand(graph, call, shape):
    # A 1 leaves a size as it is, so one that changes need not be known where the input has it.
    x, value = call.inputs[0], call.outputs[0]
    source = (1,) * (len(shape) - len(x.shape)) + x.sizes
    wanted = [
        graph.ints([1]) if n == -1 == m else graph.size_of(value, i)
        for i, (n, m) in enumerate(zip(value.sizes, source))
    ]
    return graph("Expand", x, graph.joined(wanted))


@maps("repeat")
def repeat(graph, call, repeats):
    x = call.inputs[0]
    lead = len(repeats) - len(x.shape)
    x = graph("Unsqueeze", x, graph.ints(range(lead))) if lead else x
    return graph("Tile", x, graph.row(repeats))


@maps("shuffle")
def shuffle(graph, call, parts, order, shape):
    x = graph("Transpose", graph("Reshape", call.inputs[0], graph.row(parts)), perm=list(order))
    return shaped(graph, x, call.outputs[0])


@maps("flip")
def flip(graph, call, dims):
    n = len(dims)
    return graph("Slice", call.inputs[0], *[graph.ints(a) for a in ([-1] * n, [-(2**62)] * n, dims, [-1] * n)])


@maps("roll")
def roll(graph, call, shifts, dims):
    x = call.inputs[0]
    if not dims:
        x, dims = graph("Reshape", x, graph.ints([-1])), (0,)
    for shift, dim in zip(shifts, dims):
        axis = graph.ints([dim])
        n = math.prod(call.inputs[0].shape) if not call.params["dims"] else call.inputs[0].size(dim)
        cut = graph.ints([-shift % max(n, 1)])
        parts = graph("Slice", x, cut, graph.ints([2**62]), axis), graph("Slice", x, graph.ints([0]), cut, axis)
        x = graph("Concat", *parts, axis=dim)
    return shaped(graph, x, call.outputs[0])


@maps("rot90")
def rot90(graph, call, k, dims):
    k, x = k % 4, call.inputs[0]
    backwards = dims if k == 2 else (dims[k == 1],) if k else ()
    for dim in backwards:
        x = graph("Slice", x, *[graph.ints([n]) for n in (-1, -(2**62), dim, -1)])
    return transposed(graph, call, x, *dims) if k % 2 else graph("Identity", x)


def transposed(graph, call, x, dim0, dim1):
    order = list(range(len(call.inputs[0].shape)))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return graph("Transpose", x, perm=order)


@maps("diagonal", "diagonal_copy", "trace")
def diagonal(graph, call, offset=0, dim1=0, dim2=1):
    x, ndim = call.inputs[0], len(call.inputs[0].shape)
    dim1, dim2 = dim1 % ndim, dim2 % ndim
    order = [dim1, dim2, *[d for d in range(ndim) if d not in (dim1, dim2)]]
    rows, columns = x.size(dim1), x.size(dim2)
    there = [(i, i + offset) for i in range(rows) if 0 <= i + offset < columns]
    table = np.asarray(there, np.int64).reshape(-1, 2)
    out = graph("GatherND", graph("Transpose", x, perm=order), table)
    if call.op == "trace":
        return graph.reduce("ReduceSum", out, [0], False)
    return graph("Transpose", out, perm=[*range(1, ndim - 1), 0])


@maps("diag_embed")
def diag_embed(graph, call, offset, dim1, dim2):
    x, ndim = call.inputs[0], len(call.outputs[0].shape)
    if (dim1 % ndim, dim2 % ndim) != (ndim - 2, ndim - 1):
        raise NotImplementedError("a diagonal of other dimensions than the last two")
    n = x.size(-1)
    if x.dtype == bool:
        raise NotImplementedError("a diagonal of truth values")
    pads = [max(-offset, 0), max(offset, 0), max(offset, 0), max(-offset, 0)]
    square = graph("Mul", graph("Unsqueeze", x, graph.ints([-1])), np.eye(n, dtype=x.dtype))
    lead = [0] * (ndim - 2)
    return graph("Pad", square, graph.ints([*lead, *pads[:2], *lead, *pads[2:]])) if offset else square


@maps("unfold")
def unfold(graph, call, dim, size, step):
    """Windows along a dimension, as a new last one."""
    x, ndim = call.inputs[0], len(call.inputs[0].shape)
    dim %= ndim
    starts = np.arange(0, x.size(dim) - size + 1, step)
    out = graph("Gather", x, starts[:, None] + np.arange(size), axis=dim)
    return graph("Transpose", out, perm=[d for d in range(ndim + 1) if d != dim + 1] + [dim + 1])


@maps("repeat_interleave")
def repeat_interleave(graph, call, repeats, dim):
    x = call.inputs[0]
    if not isinstance(repeats, int):
        raise NotImplementedError("repeats that a tensor holds")
    ndim = len(x.shape)
    times = graph.ints([repeats if d == dim % ndim + 1 else 1 for d in range(ndim + 1)])
    out = graph("Tile", graph("Unsqueeze", x, graph.ints([dim % ndim + 1])), times)
    return shaped(graph, out, call.outputs[0])


@maps("copy", "fill", "zero")
def copy(graph, call):
    """Writes over the whole of a tensor."""
    x, value = call.inputs[0], call.inputs[1] if len(call.inputs) > 1 else 0
    (value,) = same(graph, call, value)
    return graph("Expand", value, graph("Shape", x))


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
    if call.inputs[0].sizes[dim] == -1:
        return _cut(graph, call, dim)
    return _split(graph, call, dim, sizes)


def _cut(graph, call, dim):
    """Parts one behind the other, whose sizes follow from one that is left open."""
    start, parts = graph.ints([0]), []
    for out in call.outputs:
        end = graph("Add", start, graph.size_of(out, dim))
        parts.append(graph("Slice", call.inputs[0], start, end, graph.ints([dim])))
        start = end
    return parts


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
            if low or high:
                n = call.inputs[0].size(axis)
                x = graph("Gather", x, graph.ints(np.arange(-low, n + high) % n), axis=axis)
        return x
    sides = graph.ints([low for low, _ in pairs] + [high for _, high in pairs])
    mode = {"replicate": "edge"}.get(mode, mode)
    fill = None if value is None else np.asarray(value, call.outputs[0].dtype)
    return graph("Pad", call.inputs[0], sides, fill, mode=mode)


@maps("tril", "triu")
def triangle(graph, call, diagonal):
    return graph("Trilu", call.inputs[0], np.asarray(diagonal, np.int64), upper=int(call.op == "triu"))
