"""Losses with PyTorch's `reduction`: "none", "mean" or "sum".

`slope` functions give the derivative of one element's loss by one of its arguments, as a tensor.
"""

import functools
import math

import numpy as np

from ..core import apply
from ..errors import coded
from ..kernels import load
from . import reduce, softmax
from .batch_rules import each, full, merged, ops, parted, reduced_loss, reshape
from .copying import sum_to
from .declare import general, renamed


def reduced(losses, reduction):
    """An array of losses, or their sum or mean."""
    if reduction == "none":
        return losses
    op = reduce.sum if reduction == "sum" else reduce.mean
    return op.compute((np.asarray(losses),), op.defaults)


def share(g, x_shape, reduction):
    """The gradient of each element's loss."""
    return g * (1 / (math.prod(x_shape) or math.nan)) if reduction == "mean" else g


def pushed(reduction, *terms):
    """The tangent of a reduced loss from (tangent, slope function) pairs."""
    total = None
    for tangent, slope in terms:
        if tangent is not None:
            part = tangent * slope()
            total = part if total is None else total + part
    return total if reduction == "none" else total.sum() if reduction == "sum" else total.mean()


def mse_slope(x, y):
    return 2 * (x - y)


@general(
    batch=reduced_loss,
    x=lambda g, x, y, x_shape, reduction: share(g, x_shape, reduction) * mse_slope(x, y),
    y=lambda g, x, y, x_shape, reduction: share(g, x_shape, reduction) * mse_slope(y, x),
    push=lambda x_t, y_t, x, y, reduction: pushed(
        reduction, (x_t, lambda: mse_slope(x, y)), (y_t, lambda: mse_slope(y, x))
    ),
    aliases={"y": "target"},
)
def mse_loss(x, y, *, reduction):
    away = np.subtract(x, y)
    return reduced(away * away, reduction)


def smooth_l1_slope(x, y, beta):
    return ((x - y) / beta).clamp(-1, 1)


@general(
    batch=reduced_loss,
    x=lambda g, x, y, x_shape, reduction, beta: share(g, x_shape, reduction) * smooth_l1_slope(x, y, beta),
    y=lambda g, x, y, x_shape, reduction, beta: share(g, x_shape, reduction) * smooth_l1_slope(y, x, beta),
    push=lambda x_t, y_t, x, y, reduction, beta: pushed(
        reduction, (x_t, lambda: smooth_l1_slope(x, y, beta)), (y_t, lambda: smooth_l1_slope(y, x, beta))
    ),
    aliases={"y": "target"},
)
def smooth_l1_loss(x, y, *, reduction, beta):
    away = np.abs(np.subtract(x, y))
    return reduced(np.where(away < beta, away * away * (0.5 / beta), away - 0.5 * beta), reduction)


def huber_slope(x, y, delta):
    return (x - y).clamp(-delta, delta)


@general(
    batch=reduced_loss,
    x=lambda g, x, y, x_shape, reduction, delta: share(g, x_shape, reduction) * huber_slope(x, y, delta),
    y=lambda g, x, y, x_shape, reduction, delta: share(g, x_shape, reduction) * huber_slope(y, x, delta),
    push=lambda x_t, y_t, x, y, reduction, delta: pushed(
        reduction, (x_t, lambda: huber_slope(x, y, delta)), (y_t, lambda: huber_slope(y, x, delta))
    ),
    aliases={"y": "target"},
)
def huber_loss(x, y, *, reduction, delta):
    away = np.abs(np.subtract(x, y))
    return reduced(np.where(away <= delta, away * away * 0.5, (away - 0.5 * delta) * delta), reduction)


def weighted(losses, weight):
    return losses if weight is None else losses * weight


def bce_slope(x, y, weight):
    return weighted((x - y) / (x * (1 - x)).clamp(min=1e-12), weight)


def bce_target_slope(x, weight):
    return weighted((1 - x).log().clamp(min=-100) - x.log().clamp(min=-100), weight)


def bce_losses(x, y):
    return (y - 1) * (1 - x).log().clamp(min=-100) - y * x.log().clamp(min=-100)


@general(
    batch=reduced_loss,
    x=lambda g, x, y, weight, x_shape, reduction: share(g, x_shape, reduction) * bce_slope(x, y, weight),
    y=lambda g, x, weight, x_shape, reduction: share(g, x_shape, reduction) * bce_target_slope(x, weight),
    weight=lambda g, x, y, x_shape, weight_shape, reduction: sum_to(
        share(g, x_shape, reduction) * bce_losses(x, y), shape=weight_shape
    ),
    push=lambda x_t, y_t, weight_t, x, y, weight, reduction: pushed(
        reduction,
        (x_t, lambda: bce_slope(x, y, weight)),
        (y_t, lambda: bce_target_slope(x, weight)),
        (weight_t, lambda: bce_losses(x, y)),
    ),
    aliases={"y": "target"},
)
def binary_cross_entropy(x, y, weight, *, reduction):
    log = np.maximum(np.log(x), x.dtype.type(-100))
    log_of_rest = np.maximum(np.log1p(-x), x.dtype.type(-100))
    return reduced(weighted((y - 1) * log_of_rest - y * log, weight), reduction)


def logits_slope(x, y, weight, pos_weight):
    if pos_weight is None:
        return weighted(x.sigmoid() - y, weight)
    positive = pos_weight * y
    return weighted((positive + 1 - y) * x.sigmoid() - positive, weight)


def logits_target_slope(x, weight, pos_weight):
    if pos_weight is None:
        return weighted(-x, weight)
    return weighted((pos_weight - 1) * softplus_of_minus(x) - x, weight)


def softplus_of_minus(x):
    """log(1 + exp(-x)) of a tensor, without overflow."""
    return (-x.abs()).exp().log1p() + (-x).clamp(min=0)


def logits_losses(x, y, pos_weight):
    softplus = softplus_of_minus(x)
    return (1 - y) * x + (softplus if pos_weight is None else softplus * ((pos_weight - 1) * y + 1))


def positive_losses(x, y, weight):
    """The derivative of the losses by pos_weight."""
    return weighted(y * softplus_of_minus(x), weight)


@general(
    batch=reduced_loss,
    x=lambda g, x, y, weight, pos_weight, x_shape, reduction: (
        share(g, x_shape, reduction) * logits_slope(x, y, weight, pos_weight)
    ),
    y=lambda g, x, weight, pos_weight, x_shape, reduction: (
        share(g, x_shape, reduction) * logits_target_slope(x, weight, pos_weight)
    ),
    weight=lambda g, x, y, pos_weight, x_shape, weight_shape, reduction: sum_to(
        share(g, x_shape, reduction) * logits_losses(x, y, pos_weight), shape=weight_shape
    ),
    pos_weight=lambda g, x, y, weight, x_shape, pos_weight_shape, reduction: sum_to(
        share(g, x_shape, reduction) * positive_losses(x, y, weight), shape=pos_weight_shape
    ),
    push=lambda x_t, y_t, weight_t, pos_weight_t, x, y, weight, pos_weight, reduction: pushed(
        reduction,
        (x_t, lambda: logits_slope(x, y, weight, pos_weight)),
        (y_t, lambda: logits_target_slope(x, weight, pos_weight)),
        (weight_t, lambda: logits_losses(x, y, pos_weight)),
        (pos_weight_t, lambda: positive_losses(x, y, weight)),
    ),
    aliases={"y": "target"},
)
def binary_cross_entropy_with_logits(x, y, weight, pos_weight, *, reduction):
    softplus = np.log1p(np.exp(-np.abs(x))) + np.maximum(-x, 0)
    if pos_weight is not None:
        softplus *= (pos_weight - 1) * y + 1
    return reduced(weighted((1 - y) * x + softplus, weight), reduction)


def margin_slope(x, y):
    return -y * (-y * x).sigmoid()


@general(
    batch=reduced_loss,
    x=lambda g, x, y, x_shape, reduction: share(g, x_shape, reduction) * margin_slope(x, y),
    y=lambda g, x, y, x_shape, reduction: share(g, x_shape, reduction) * margin_slope(y, x),
    push=lambda x_t, y_t, x, y, reduction: pushed(
        reduction, (x_t, lambda: margin_slope(x, y)), (y_t, lambda: margin_slope(y, x))
    ),
    aliases={"y": "target"},
)
def soft_margin_loss(x, y, *, reduction):
    return reduced(np.log1p(np.exp(-y * x)), reduction)


def check_classes(target, classes, ignore_index):
    """IndexError for a target that names no class."""
    if target.size == 0 or (
        np.minimum.reduce(target, axis=None) >= 0 and np.maximum.reduce(target, axis=None) < classes
    ):
        return
    wrong = target[((target < 0) | (target >= classes)) & (target != ignore_index)]
    if wrong.size:
        raise coded("RL409", IndexError(f"Target {wrong[0]} is out of bounds."))


def class_weights(target, weight, ignore_index, dtype):
    """The weight of each target's class, 0 for ignored ones; None where all are one."""
    ignored = target == ignore_index
    if weight is None:
        return np.asarray(~ignored, dtype) if ignored.any() else None
    return np.where(ignored, 0, weight[np.where(ignored, 0, target)]).astype(dtype, copy=False)


def class_axis(x):
    return 1 if x.ndim > 1 else 0


def total_weights(target, weight, ignore_index, dtype):
    """For targets (B, *) the sum of the weights of each sample, as a tensor (B,)."""
    counted = ops.ne(target, ignore_index)
    weights = ops.to_dtype(counted, dtype=dtype)
    if weight is not None:
        there = ops.where(counted, target, 0)
        weights = weights * reshape(
            ops.index_select(weight, reshape(there, (there._array.size,)), dim=0), there._array.shape
        )
    return ops.sum(weights, dim=tuple(range(1, target._array.ndim)))


def nll_of_samples(op, size, inputs, batched, params):
    x, target, weight = inputs
    if batched[2]:
        return each(op, size, inputs, batched, params)
    alone = x._array.ndim - batched[0] == 1
    scores, places = [full(x, size, batched[0]), full(target, size, batched[1])]
    if not alone:
        scores, places = merged(scores), merged(places)
    losses = apply(op, (scores, places, weight), {**params, "reduction": "none"})
    if not alone:
        losses = parted(losses, size)
    if params["reduction"] == "none":
        return losses
    total = ops.sum(losses, dim=tuple(range(1, losses._array.ndim)))
    if params["reduction"] == "sum":
        return total
    return total / total_weights(full(target, size, batched[1]), weight, params["ignore_index"], losses._array.dtype)


def nll_scatter_of_samples(op, size, inputs, batched, params):
    (g, target, weight), shape = inputs, params["size"]
    if batched[2]:
        return each(op, size, inputs, batched, params)
    g, target = full(g, size, batched[0]), full(target, size, batched[1])
    if params["reduction"] == "mean":
        g = g / total_weights(target, weight, params["ignore_index"], g._array.dtype)
    if params["reduction"] != "none":
        g = ops.expand(reshape(g, (size, *[1] * (target._array.ndim - 1))), shape=target._array.shape)
    params = {**params, "reduction": "none"}
    if len(shape) == 1:
        return apply(op, (g, target, weight), {**params, "size": (size, *shape)})
    whole = (size * shape[0], *shape[1:])
    return parted(apply(op, (merged(g), merged(target), weight), {**params, "size": whole}), size)


# -- how a loss moves with the weights of classes


def counted(target, ignore_index):
    """(where targets count, the class of each, 0 where it does not)."""
    counts = ops.ne(target, ignore_index)
    return counts, ops.where(counts, target, 0)


def of_targets(weight, target, ignore_index):
    """The weight of each target's class, as a tensor; 0 for ignored ones."""
    counts, there = counted(target, ignore_index)
    picked = ops.index_select(weight, there.reshape(-1), dim=0).reshape(target.shape)
    return ops.where(counts, picked, 0.0)


def to_classes(values, target, weight, ignore_index):
    """The values of targets summed by class: the adjoint of of_targets."""
    counts, there = counted(target, ignore_index)
    values = ops.where(counts, values, 0.0).reshape(-1)
    return ops.index_select_backward(values, there.reshape(-1), dim=0, shape=weight.shape)


def unweighted(x, target, ignore_index):
    return nll_loss(x, target, None, ignore_index=ignore_index, reduction="none")


def weight_slope(x, target, weight, out, ignore_index, reduction):
    """The derivative of the loss, or of each, by each target's weight."""
    losses = unweighted(x, target, ignore_index)
    return losses if reduction != "mean" else (losses - out) / of_targets(weight, target, ignore_index).sum()


def push_weight(weight_t, x, target, weight, out, ignore_index, reduction):
    moved = weight_slope(x, target, weight, out, ignore_index, reduction) * of_targets(weight_t, target, ignore_index)
    return moved if reduction == "none" else moved.sum()


def push_nll(x_t, weight_t, x, target, weight, out, ignore_index, reduction):
    parts = []
    if x_t is not None:
        parts.append(nll_loss(x_t, target, weight, ignore_index=ignore_index, reduction=reduction))
    if weight_t is not None:
        parts.append(push_weight(weight_t, x, target, weight, out, ignore_index, reduction))
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


@general(
    batch=nll_of_samples,
    backward="NllLossBackward0",
    x=lambda g, x_shape, target, weight, ignore_index, reduction: nll_scatter(
        g, target, weight, size=x_shape, ignore_index=ignore_index, reduction=reduction
    ),
    weight=lambda g, x, target, weight, out, ignore_index, reduction: to_classes(
        g * weight_slope(x, target, weight, out, ignore_index, reduction), target, weight, ignore_index
    ),
    push=push_nll,
)
def nll_loss(x, target, weight, *, ignore_index, reduction):
    """-weight[target] * x at its target class, for x (N, C, *) and target (N, *), or (C,) and ()."""
    axis = class_axis(x)
    check_classes(target, x.shape[axis], ignore_index)
    weights = class_weights(target, weight, ignore_index, x.dtype)
    there = target if weights is None else np.where(target == ignore_index, 0, target)
    picked = np.take_along_axis(x, np.expand_dims(there, axis), axis).reshape(target.shape)
    losses = np.negative(picked) if weights is None else np.where(weights == 0, 0, -weights * picked)
    if reduction != "mean" or weights is None:
        return reduced(losses, reduction).astype(x.dtype, copy=False)
    return np.asarray(reduced(losses, "sum") / reduced(weights, "sum"), x.dtype)


def scatter_weight(g, x, target, weight, ignore_index, reduction):
    values = unweighted(g, target, ignore_index) * x
    if reduction == "mean":
        weights = of_targets(weight, target, ignore_index)
        total = weights.sum()
        values = (values - (values * weights).sum() / total) / total
    return to_classes(values, target, weight, ignore_index)


def push_scatter(x_t, weight_t, x, target, weight, out, size, ignore_index, reduction):
    options = {"size": size, "ignore_index": ignore_index}
    parts = []
    if x_t is not None:
        parts.append(nll_scatter(x_t, target, weight, reduction=reduction, **options))
    if weight_t is not None and reduction == "mean":
        total = of_targets(weight, target, ignore_index).sum()
        parts.append(nll_scatter(x / total, target, weight_t, reduction="sum", **options))
        parts.append(out * (-of_targets(weight_t, target, ignore_index).sum() / total))
    elif weight_t is not None:
        parts.append(nll_scatter(x, target, weight_t, reduction=reduction, **options))
    return functools.reduce(lambda a, b: a + b, parts)


@general(
    batch=nll_scatter_of_samples,
    backward="NllLossBackwardBackward0",
    x=lambda g, target, weight, ignore_index, reduction: nll_loss(
        g, target, weight, ignore_index=ignore_index, reduction=reduction
    ),
    weight=scatter_weight,
    push=push_scatter,
)
def nll_scatter(x, target, weight, *, size, ignore_index, reduction):
    """The adjoint of nll_loss: gradients of the losses, put where these were taken from."""
    weights = class_weights(target, weight, ignore_index, x.dtype)
    there = target if weights is None else np.where(target == ignore_index, 0, target)
    values = -x if weights is None else -x * weights
    if reduction == "mean":
        values = values / (target.size if weights is None else weights.sum())
    out = np.zeros(size, x.dtype)
    axis = class_axis(out)
    values = np.broadcast_to(values, target.shape)
    np.put_along_axis(out, np.expand_dims(there, axis), np.expand_dims(values, axis), axis)
    return out


def through_cross_entropy(g, x, target, weight, ignore_index, reduction):
    size, axis = x._array.shape, class_axis(x)
    g = nll_scatter(g, target, weight, size=size, ignore_index=ignore_index, reduction=reduction)
    return g - x.softmax(axis) * g.sum(axis, True)


def push_cross_entropy(x_t, weight_t, x, target, weight, out, ignore_index, reduction):
    axis = class_axis(x)
    if x_t is not None:
        x_t = x_t - (x.softmax(axis) * x_t).sum(axis, True)
    scores = x if weight_t is None else x.log_softmax(axis)
    return push_nll(x_t, weight_t, scores, target, weight, out, ignore_index, reduction)


@general(
    batch=nll_of_samples,
    backward="NllLossBackward0",
    x=through_cross_entropy,
    weight=lambda g, x, target, weight, out, ignore_index, reduction: to_classes(
        g * weight_slope(x.log_softmax(class_axis(x)), target, weight, out, ignore_index, reduction),
        target,
        weight,
        ignore_index,
    ),
    push=push_cross_entropy,
)
def cross_entropy_indices(x, target, weight, *, ignore_index, reduction):
    """nll_loss of the log-softmax of x over its classes."""
    axis = class_axis(x)
    if x.dtype.itemsize == 2:
        # Rounded between the two, as PyTorch has it.
        scores = softmax.log_softmax.compute((x,), {"dim": axis})
        return nll_loss.compute((scores, target, weight), {"ignore_index": ignore_index, "reduction": reduction})
    shifted = x - np.maximum.reduce(x, axis=axis, keepdims=True)
    shifted -= np.log(reduce.sum.compute((np.exp(shifted),), {"dim": axis, "keepdim": True}))
    return nll_loss.forward(shifted, target, weight, ignore_index=ignore_index, reduction=reduction)


def _swapped(kernel):
    return lambda g, x, y, *rest: kernel(g, y, x, *rest)


_kernels, _halves = load("loss"), load("halves")
if _kernels is not None and _halves is not None:
    in_single = _halves.InSingle
    cross_entropy_indices.accelerate(_kernels.cross_entropy, x=in_single(_kernels.through_cross_entropy))
    nll_loss.accelerate(in_single(_kernels.nll_loss))
    nll_scatter.accelerate(in_single(_kernels.nll_scatter))
    # What the second input gets is what the first would get in its place. PyTorch rounds the distances of 16-bit floats
    # before it squares them.
    _through = _kernels.through_mse_loss
    mse_loss.accelerate(_kernels.mse_loss, x=_through, y=_swapped(_through))
    for _op in (smooth_l1_loss, huber_loss):
        _through = in_single(getattr(_kernels, f"through_{_op.name}"))
        _op.accelerate(in_single(getattr(_kernels, _op.name)), x=_through, y=_swapped(_through))
    binary_cross_entropy_with_logits.accelerate(_kernels.binary_cross_entropy_with_logits, x=_kernels.through_logits)

nll_loss2d = renamed(nll_loss, "NllLoss2DBackward0")
cross_entropy_indices2d = renamed(cross_entropy_indices, "NllLoss2DBackward0")
