"""Recurrent layers as the operators that ONNX has for them, bags of embeddings, and the gates of cells."""

import numpy as np

from ..core import TensorBase
from ..nn.modules.rnn import GRU, LSTM, RNN
from ..nn.modules.sparse import EmbeddingBag
from .elementwise import maps

# What PyTorch's rows of gates are called in the order of ONNX: i o f c of i f c o, z r h of r z h.
_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN_TANH": (0,), "RNN_RELU": (0,)}


def whole(module, args, kwargs):
    """(name of the call, inputs, parameters) for a call of a layer that is one operation in the graph; or None."""
    if type(module) in (LSTM, GRU, RNN):
        return _sequence(module, *args, **kwargs)
    if type(module) is EmbeddingBag and module.max_norm is None:
        return _bags(module, *args, **kwargs)
    return None


def _sequence(module, input, hx=None):
    ndim = getattr(input, "ndim", 0)
    # onnxruntime has these for float32 only; there are none for projections and packed sequences.
    if module.proj_size or ndim not in (2, 3) or str(input._array.dtype) != "float32":
        return None
    states = [] if hx is None else list(hx) if isinstance(hx, (tuple, list)) else [hx]
    return module.mode, [input, *states], {"module": module}


def _bags(module, input, offsets=None, per_sample_weights=None):
    name = "embedding_bag" if isinstance(input, TensorBase) and input.ndim == 2 else "embedding_bag_parted"
    return name, [module.weight, input, offsets, per_sample_weights], {"module": module}


@maps("LSTM", "GRU", "RNN_TANH", "RNN_RELU")
def sequence(graph, call, module):
    x, *states = call.inputs
    alone = len(x.shape) == 2
    x = graph("Unsqueeze", x, graph.ints([1])) if alone else x
    if module.batch_first and not alone:
        x = graph("Transpose", x, perm=[1, 0, 2])
    states = [graph("Unsqueeze", h, graph.ints([1])) if alone else h for h in states]
    directions, kinds = module._directions, ("H", "C")[: 1 + (call.op == "LSTM")]
    finals = []
    for layer in range(module.num_layers):
        rows = graph.ints([layer * directions]), graph.ints([(layer + 1) * directions]), graph.ints([0])
        start = [graph("Slice", h, *rows) if module.num_layers > 1 else h for h in states]
        y, *last = _layer(graph, module, layer, x, start, len(kinds))
        finals.append(last)
        # (T, directions, N, H) to (T, N, directions * H)
        x = graph("Reshape", graph("Transpose", y, perm=[0, 2, 1, 3]), graph.ints([0, 0, -1]))
    if module.batch_first and not alone:
        x = graph("Transpose", x, perm=[1, 0, 2])
    last = [graph("Concat", *parts, axis=0) if len(parts) > 1 else parts[0] for parts in zip(*finals)]
    return [graph("Squeeze", out, graph.ints([1])) for out in (x, *last)] if alone else [x, *last]


def _layer(graph, module, layer, x, start, count):
    order, hidden = _GATES[module.mode], module.hidden_size
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if module.bias else 2]
    parts = [[] for _ in names]
    for suffix in ("", "_reverse")[: module._directions]:
        for name, part in zip(names, parts):
            array = np.asarray(getattr(module, f"{name}_l{layer}{suffix}")._array)
            part.append(np.concatenate([array[k * hidden : (k + 1) * hidden] for k in order]))
    weights = [np.stack(part) for part in parts]
    bias = np.concatenate(weights[2:], 1) if module.bias else None
    options = {"linear_before_reset": 1} if module.mode == "GRU" else {}
    if module.mode == "RNN_RELU":
        options["activations"] = ["Relu"] * module._directions
    kind = module.mode.split("_")[0]
    direction = "bidirectional" if module.bidirectional else "forward"
    return graph(
        kind, x, *weights[:2], bias, None, *start, outputs=1 + count, hidden_size=hidden, direction=direction, **options
    )


# -- bags
@maps("embedding_bag")
def bags(graph, call, module):
    """Bags of one size, the rows of a table of indices."""
    weight, indices, _, factors = call.inputs
    rows = graph("Gather", weight, indices, axis=0)
    there = _counted(graph, module, indices)
    if module.mode == "max":
        return _largest(graph, rows, there, call)
    if factors is not None:
        rows = graph("Mul", rows, graph("Unsqueeze", factors, graph.ints([2])))
    if there is not None:
        rows = graph("Where", graph("Unsqueeze", there, graph.ints([2])), rows, np.asarray(0, weight.dtype))
    total = graph.reduce("ReduceSum", rows, [1], False)
    if module.mode == "sum":
        return total
    if there is None:
        return graph.reduce("ReduceMean", rows, [1], False)
    count = graph.reduce("ReduceSum", graph.cast(there, weight.dtype), [1], True)
    return graph("Div", total, graph("Max", count, np.asarray(1, weight.dtype)))


def _counted(graph, module, indices):
    """Where an index is not the padding; None where all count."""
    if module.padding_idx is None:
        return None
    return graph("Not", graph("Equal", indices, np.asarray(module.padding_idx, indices.dtype)))


def _largest(graph, rows, there, call):
    if there is None:
        return graph.reduce("ReduceMax", rows, [1], False)
    dtype = call.outputs[0].dtype
    rows = graph("Where", graph("Unsqueeze", there, graph.ints([2])), rows, np.asarray(-np.inf, dtype))
    most = graph.reduce("ReduceMax", rows, [1], False)
    return graph("Where", graph("IsInf", most), np.asarray(0, dtype), most)


@maps("embedding_bag_parted")
def parted(graph, call, module):
    """Bags from one offset to the next."""
    weight, indices, offsets, factors = call.inputs
    inside = _inside(graph, indices, graph.cast(offsets, np.int64), module.include_last_offset)
    counted = _counted(graph, module, indices)
    inside = inside if counted is None else graph("And", inside, counted)
    rows = graph("Gather", weight, indices, axis=0)
    if module.mode == "max":
        return _largest(graph, graph("Unsqueeze", rows, graph.ints([0])), inside, call)
    total, matrix = _added(graph, rows, inside, factors, weight.dtype)
    if module.mode == "sum":
        return total
    sizes = graph.reduce("ReduceSum", matrix, [1], True)
    return graph("Div", total, graph("Max", sizes, np.asarray(1, weight.dtype)))


@maps("bag_sum", "bag_max")
def bags_of_rows(graph, call):
    weight, *factors, indices, offsets = call.inputs
    inside, rows = _inside(graph, indices, offsets, False), graph("Gather", weight, indices, axis=0)
    if call.op == "bag_max":
        return [_largest(graph, graph("Unsqueeze", rows, graph.ints([0])), inside, call)]
    return _added(graph, rows, inside, factors[0], weight.dtype)[0]


def _inside(graph, indices, starts, ended):
    """Which of the indices (N,) are in which bag: truth values (B, N)."""
    first, rest = graph.ints([0]), graph.ints([1])
    count = graph("Shape", indices)
    places = graph("Range", np.asarray(0), graph("Squeeze", count, first), np.asarray(1))
    ends = graph("Slice", starts, rest, graph.ints([2**62]), first)
    if ended:
        starts = graph("Slice", starts, first, graph.ints([-1]), first)
    else:
        ends = graph("Concat", ends, count, axis=0)
    starts, ends = graph("Unsqueeze", starts, rest), graph("Unsqueeze", ends, rest)
    return graph("And", graph("LessOrEqual", starts, places), graph("Less", places, ends))


def _added(graph, rows, inside, factors, dtype):
    """(the sums of the rows of each bag, the matrix of ones that makes them)"""
    matrix = graph.cast(inside, dtype)
    if factors is not None:
        rows = graph("Mul", rows, graph("Unsqueeze", factors, graph.ints([1])))
    return graph("MatMul", matrix, rows), matrix


# -- gates
@maps("lstm_gates")
def lstm_gates(graph, call):
    given, kept, c = call.inputs
    enter, forget, new, leave = graph.split(graph("Add", given, kept), 4, -1)
    kept_part = graph("Mul", graph("Sigmoid", forget), c)
    following = graph("Add", kept_part, graph("Mul", graph("Sigmoid", enter), graph("Tanh", new)))
    return [graph("Mul", graph("Sigmoid", leave), graph("Tanh", following)), following]


@maps("gru_gates")
def gru_gates(graph, call):
    given, kept, h = call.inputs
    (a, b, c), (d, e, f) = graph.split(given, 3, -1), graph.split(kept, 3, -1)
    reset, keep = graph("Sigmoid", graph("Add", a, d)), graph("Sigmoid", graph("Add", b, e))
    new = graph("Tanh", graph("Add", c, graph("Mul", reset, f)))
    return graph("Add", new, graph("Mul", keep, graph("Sub", h, new)))
