"""Losses in ONNX, written out in elementwise operations: its own two know no reduction over nothing but ignored targets."""

import numpy as np

from .elementwise import maps, same


def _reduced(graph, losses, reduction):
    if reduction == "none":
        return losses
    return graph.reduce("ReduceSum" if reduction == "sum" else "ReduceMean", losses, [], False)


def _ops(graph, dtype):
    """graph(kind, ...) whose numbers are of that dtype."""
    return lambda kind, *inputs: graph(kind, *inputs, like=dtype)


@maps("mse_loss")
def mse_loss(graph, call, reduction):
    away = graph("Sub", *same(graph, call, *call.inputs))
    return _reduced(graph, graph("Mul", away, away), reduction)


@maps("smooth_l1_loss", "huber_loss")
def huber_loss(graph, call, reduction, beta=None, delta=None):
    """Half the square within the bend, a line beyond it; smooth_l1_loss is huber_loss divided by the bend."""
    o, bend = _ops(graph, call.outputs[0].dtype), delta if beta is None else beta
    away = graph("Abs", graph("Sub", *same(graph, call, *call.inputs)))
    if bend == 0:
        return _reduced(graph, away, reduction)
    square = o("Mul", o("Mul", away, away), 0.5)
    line = o("Mul", o("Sub", away, bend / 2), float(bend))
    losses = graph("Where", o("Less", away, bend), square, line)
    return _reduced(graph, losses if beta is None else o("Div", losses, beta), reduction)


@maps("binary_cross_entropy")
def binary_cross_entropy(graph, call, reduction):
    x, y, *weight = same(graph, call, *[v for v in call.inputs if v is not None])
    o = _ops(graph, call.outputs[0].dtype)
    yes = graph("Mul", y, o("Max", graph("Log", x), -100.0))
    no = graph("Mul", o("Sub", 1.0, y), o("Max", graph("Log", o("Sub", 1.0, x)), -100.0))
    losses = graph("Neg", graph("Add", yes, no))
    return _reduced(graph, graph("Mul", losses, weight[0]) if weight else losses, reduction)


@maps("binary_cross_entropy_with_logits")
def binary_cross_entropy_with_logits(graph, call, reduction):
    """(1 - y) x + (1 + (pos_weight - 1) y) softplus(-x)"""
    x, y, weight, pos = call.inputs
    x, y, *more = same(graph, call, *[v for v in call.inputs if v is not None])
    pos = more.pop() if pos is not None else None
    o = _ops(graph, call.outputs[0].dtype)
    # softplus(-x), which ONNX's own does not keep from overflowing everywhere
    soft = graph("Add", graph("Max", graph("Neg", x), np.asarray(0, call.outputs[0].dtype)), _bent(graph, o, x))
    if pos is not None:
        soft = graph("Mul", soft, o("Add", graph("Mul", o("Sub", pos, 1.0), y), 1.0))
    losses = graph("Add", graph("Mul", o("Sub", 1.0, y), x), soft)
    return _reduced(graph, graph("Mul", losses, more[0]) if weight is not None else losses, reduction)


def _bent(graph, o, x):
    """log(1 + exp(-|x|))"""
    return graph("Log", o("Add", graph("Exp", graph("Neg", graph("Abs", x))), 1.0))


@maps("soft_margin_loss")
def soft_margin_loss(graph, call, reduction):
    o = _ops(graph, call.outputs[0].dtype)
    x, y = same(graph, call, *call.inputs)
    return _reduced(graph, graph("Log", o("Add", graph("Exp", graph("Neg", graph("Mul", x, y))), 1.0)), reduction)


@maps("nll_loss", "cross_entropy_indices")
def nll_loss(graph, call, ignore_index, reduction):
    """-weight[target] * x at its target, where that is not the ignored one."""
    x, target, weight = call.inputs
    axis = 1 if len(x.shape) > 1 else 0
    scores = graph("LogSoftmax", x, axis=axis) if call.op[0] == "c" else x
    return _of_classes(graph, scores, target, weight, axis, x.dtype, ignore_index, reduction)


@maps("linear_cross_entropy")
def linear_cross_entropy(graph, call, ignore_index, reduction, rows):
    x, matrix, bias, target, weight = call.inputs
    scores = graph("LogSoftmax", graph("Gemm", x, matrix, bias, transB=1), axis=1)
    return _of_classes(graph, scores, target, weight, 1, x.dtype, ignore_index, reduction)


def _of_classes(graph, scores, target, weight, axis, dtype, ignore_index, reduction):
    counts = graph("Not", graph("Equal", target, np.asarray(ignore_index, target.dtype)))
    there = graph("Where", counts, target, np.asarray(0, target.dtype))
    picked = graph("GatherElements", scores, graph("Unsqueeze", there, graph.ints([axis])), axis=axis)
    weights = graph.cast(counts, dtype)
    if weight is not None:
        weights = graph("Where", counts, graph("Gather", weight, there, axis=0), np.asarray(0, dtype))
    picked = graph("Squeeze", picked, graph.ints([axis]))
    zero = np.asarray(0, dtype)
    losses = graph("Neg", graph("Where", counts, graph("Mul", weights, picked), zero))
    if reduction != "mean":
        return _reduced(graph, losses, reduction)
    return graph("Div", _reduced(graph, losses, "sum"), _reduced(graph, weights, "sum"))


@maps("multi_margin_loss")
def multi_margin_loss(graph, call, p, margin):
    """The mean over classes, but the target, of max(0, margin - x[target] + x)^p for each row: (N, C) and (N,)."""
    x, target = call.inputs
    o, classes = _ops(graph, x.dtype), x.size(-1)
    place = graph("Unsqueeze", target, graph.ints([1]))
    picked = graph("GatherElements", x, place, axis=1)
    over = o("Max", o("Add", graph("Sub", x, picked), float(margin)), 0.0)
    over = graph("Mul", over, over) if p == 2 else over
    others = graph("Not", graph("Equal", graph.ints(range(classes)), place))
    kept = graph("Where", others, over, np.asarray(0, x.dtype))
    return o("Div", graph.reduce("ReduceSum", kept, [1], False), float(classes))
