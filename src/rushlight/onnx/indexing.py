"""Indices, scatters and orders in ONNX."""

import numpy as np

from .elementwise import maps, same
from .tracing import Open, Value


@maps("getitem")
def getitem(graph, call, index):
    """A basic index: slices, then the dimensions that numbers take away, then those that None adds."""
    x, ndim = call.inputs[0], len(call.inputs[0].shape)
    parts = list(index) if isinstance(index, tuple) else [index]
    used = len([p for p in parts if p is not None and p is not Ellipsis])
    i = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    parts[i : i + 1] = [slice(None)] * (ndim - used)
    starts, ends, axes, steps, gone, added = [], [], [], [], [], []
    axis = place = 0
    for part in parts:
        if part is None:
            added.append(place)
            place += 1
            continue
        if not isinstance(part, slice):
            gone.append(axis)
            starts.append(part)
            ends.append(_next(part))
        elif part != slice(None):
            starts.append(0 if part.start is None else part.start)
            ends.append(2**62 if part.stop is None else part.stop)
        if not isinstance(part, slice) or part != slice(None):
            axes.append(axis)
            steps.append(1 if not isinstance(part, slice) or part.step is None else part.step)
        place += isinstance(part, slice)
        axis += 1
    if axes:
        x = graph("Slice", x, graph.row(starts), graph.row(ends), graph.ints(axes), graph.ints(steps))
    x = graph("Squeeze", x, graph.ints(gone)) if gone else x
    x = graph("Unsqueeze", x, graph.ints(added)) if added else x
    return graph("Identity", x) if isinstance(x, Value) else x


def _next(number):
    if isinstance(number, Open):
        return Open((number.affine[0] + 1, number.affine[1]))
    return number + 1 if number != -1 else 2**62


# -- indices that tensors hold
def _arrays(call, key):
    """(dimensions, their indices) of an advanced key."""
    dims = [d for d, part in enumerate(key) if not isinstance(part, slice)]
    if any([isinstance(part, slice) and part != slice(None) for part in key]):
        raise NotImplementedError("an index of slices and tensors")
    arrays = [key[d] for d in dims]
    if any([np.ndim(part) == 0 for part in arrays if not isinstance(part, Value)]):
        raise NotImplementedError("an index of numbers and tensors")
    return dims, arrays


def _together(graph, arrays):
    """(their common number of dimensions, indices of one shape as the last dimension of one table)"""
    width = max([len(part.shape) for part in arrays])
    total = None
    for part in arrays if len(arrays) > 1 else []:
        nothing = graph("Mul", part, np.asarray(0))
        total = nothing if total is None else graph("Add", total, nothing)
    rows = [part if total is None else graph("Add", part, total) for part in arrays]
    return width, graph("Concat", *[graph("Unsqueeze", row, graph.ints([-1])) for row in rows], axis=-1)


def _to_front(call, dims):
    """The order of dimensions that has those of the arrays first."""
    return [*dims, *[d for d in range(len(call.inputs[0].shape)) if d not in dims]]


@maps("index")
def index(graph, call, key):
    x, (dims, arrays) = call.inputs[0], _arrays(call, key)
    if len(dims) == 1:
        return graph("Gather", x, arrays[0], axis=dims[0])
    width, table = _together(graph, arrays)
    order = _to_front(call, dims)
    out = graph("GatherND", graph("Transpose", x, perm=order), table)
    if dims[-1] - dims[0] != len(dims) - 1 or dims[0] == 0:
        return out
    # Arrays side by side leave their result where they are.
    first, ndim = dims[0], width + len(order) - len(dims)
    return graph("Transpose", out, perm=[*range(width, width + first), *range(width), *range(width + first, ndim)])


@maps("index_put")
def index_put(graph, call, key, accumulate):
    x, values = call.inputs[:2]
    dims, arrays = _arrays(call, key)
    if dims[0] != 0 and dims != list(range(dims[0], dims[-1] + 1)):
        raise NotImplementedError("a write to an index of slices between tensors")
    if dims[0] != 0 and isinstance(values, Value) and len(values.shape):
        raise NotImplementedError("a write of several values to an index that begins with a slice")
    _, table = _together(graph, arrays)
    order = _to_front(call, dims)
    turned = graph("Transpose", x, perm=order)
    (values,) = same(graph, call, values)
    updates = graph("Expand", values, graph("Shape", graph("GatherND", turned, table)))
    out = graph("ScatterND", turned, table, updates, reduction="add" if accumulate else "none")
    return graph("Transpose", out, perm=[order.index(d) for d in range(len(order))])


@maps("take")
def take(graph, call):
    return graph("Gather", graph("Reshape", call.inputs[0], graph.ints([-1])), call.inputs[1], axis=0)


_REDUCE = {"sum": "add", "prod": "mul", "amax": "max", "amin": "min"}


@maps("scatter", "scatter_add", "scatter_reduce")
def scatter(graph, call, dim, reduce=None, include_self=True):
    x, index, src = call.inputs
    (src,) = same(graph, call, src)
    if (not isinstance(src, Value) and not isinstance(src, str) and src.ndim == 0) or getattr(src, "shape", None) == ():
        src = graph("Expand", src, graph("Shape", index))
    if call.op == "scatter_add":
        reduce = "sum"
    if reduce is not None and (reduce not in _REDUCE or not include_self):
        raise NotImplementedError(f"reduce={reduce!r}, include_self={include_self}")
    if reduce in ("amax", "amin") and graph.opset < 18:
        raise NotImplementedError(f"reduce={reduce!r}, which needs opset_version=18 or later")
    return graph("ScatterElements", x, index, src, axis=dim, reduction=_REDUCE.get(reduce, "none"))


@maps("index_add", "index_copy", "index_fill")
def index_write(graph, call, dim, alpha=1):
    """Entries along `dim` written, or added to, at a row of indices."""
    x, index, source = call.inputs
    order = [dim, *[d for d in range(len(x.shape)) if d != dim % len(x.shape)]]
    order[0] %= len(x.shape)
    back = [order.index(d) for d in range(len(order))]
    turned = graph("Transpose", x, perm=order)
    index = graph("Reshape", index, graph.ints([-1, 1]))
    (source,) = same(graph, call, source)
    if call.op == "index_fill":
        source = graph("Expand", source, graph("Shape", graph("GatherND", turned, index)))
    else:
        source = graph("Transpose", source, perm=order)
    if call.op == "index_add" and alpha != 1:
        source = graph("Mul", source, alpha, like=x.dtype)
    out = graph("ScatterND", turned, index, source, reduction="add" if call.op == "index_add" else "none")
    return graph("Transpose", out, perm=back)


@maps("one_hot")
def one_hot(graph, call, num_classes):
    return graph("OneHot", call.inputs[0], np.asarray(num_classes), np.asarray([0, 1]), axis=-1)


# -- orders
@maps("sort", "argsort", "kthvalue", "median_dim")
def sort(graph, call, dim, descending=False, stable=False, k=None, keepdim=False):
    x = call.inputs[0]
    if call.op == "kthvalue":
        return _ranked(graph, x, k, dim, keepdim)
    if call.op == "median_dim":
        return _ranked(graph, x, (x.size(dim) + 1) // 2, dim, keepdim)
    whole = graph.size_of(x, dim)
    values, order = graph("TopK", x, whole, axis=dim, largest=int(descending), outputs=2)
    return order if call.op == "argsort" else [values, order]


@maps("median")
def median(graph, call, dim=None, keepdim=False):
    if dim is not None:
        raise NotImplementedError("a median along dimensions")
    count = np.prod([call.inputs[0].size(d) for d in range(len(call.inputs[0].shape))], dtype=int)
    flat = graph("Reshape", call.inputs[0], graph.ints([-1]))
    return _ranked(graph, flat, (int(count) + 1) // 2, 0, keepdim)[0]


def _ranked(graph, x, k, dim, keepdim):
    """(the k-th smallest along a dimension, its place)"""
    found = graph("TopK", x, graph.ints([k]), axis=dim, largest=0, outputs=2)
    last = [graph("Slice", out, graph.ints([k - 1]), graph.ints([k]), graph.ints([dim])) for out in found]
    return last if keepdim else [graph("Squeeze", out, graph.ints([dim])) for out in last]


@maps("searchsorted")
def searchsorted(graph, call, right):
    """How many boundaries are below each value."""
    boundaries, x = call.inputs
    if len(boundaries.shape) > 1:
        raise NotImplementedError("boundaries of several dimensions")
    kind = "LessOrEqual" if right else "Less"
    below = graph(kind, boundaries, graph("Unsqueeze", x, graph.ints([-1])))
    return graph.cast(graph.reduce("ReduceSum", graph.cast(below, np.int64), [-1], False), call.outputs[0].dtype)


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
