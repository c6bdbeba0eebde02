"""Losses against classes: cross-entropy, negative log-likelihood, margins."""

import math

import numpy as np

from ... import casting, core
from ...errors import coded
from ...functions.activation import logsigmoid
from ...functions.scattering import check_range
from ...ops import loss as ops
from ...ops.hidden import Batched, values
from ...ops.margin import multi_margin_loss as multi_margin
from .arguments import (
    check_flags,
    check_implemented,
    check_optional,
    check_tensor,
    check_tensors,
    reduced,
    reduction_of,
    scalar_type,
    shape_of,
)
from .distance import pairwise_distance


def cross_entropy(
    input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0
):
    """The negative log-likelihood of `target` under softmax(input), for input (N, C, *) or (C,).

    `target`: classes (N, *), or probabilities like `input`. `weight` (C,) weighs the classes; targets equal to
    `ignore_index` do not count; `label_smoothing` mixes the target with the uniform distribution.
    IndexError for a class out of range.

    >>> import rushlight
    >>> rushlight.nn.functional.cross_entropy(rushlight.zeros(2, 4), rushlight.tensor([0, 3]))
    tensor(1.3863)
    """
    check_tensor(input, "cross_entropy_loss")
    check_tensor(target, "cross_entropy_loss", 2, "target")
    if weight is not None:
        check_tensor(weight, "cross_entropy_loss", 3, "weight")
    reduction = reduction_of(reduction, size_average, reduce)
    if target._array.shape == input._array.shape and input._array.ndim:
        return _of_probabilities(input, target, weight, reduction, ignore_index, label_smoothing)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    check_implemented(input, "log_softmax_lastdim_kernel_impl")
    if label_smoothing:
        return _smoothed(input, target, weight, reduction, ignore_index, label_smoothing)
    _check_classes(input, target, weight)
    op = ops.cross_entropy_indices if input._array.ndim <= 2 else ops.cross_entropy_indices2d
    return _of_classes(op, input, target, weight, ignore_index, reduction)


def _of_classes(op, input, target, weight, ignore_index, reduction):
    try:
        return op(input, target, weight, ignore_index=ignore_index, reduction=reduction)
    except IndexError as error:
        # Kernels know nothing of codes.
        raise error if hasattr(error, "code") else coded("RL409", error) from None


def _of_probabilities(input, target, weight, reduction, ignore_index, label_smoothing):
    axis = 1 if input.ndim > 1 else 0
    if not target.is_floating_point():
        raise RuntimeError(
            f"Expected floating point type for target with class probabilities, got {scalar_type(target)}"
        )
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    if casting.in_force:
        input, target, weight = casting.wide(input, target, weight)
    classes = input.shape[axis]
    if weight is not None and shape_of(weight) != [classes]:
        raise RuntimeError(
            f"cross_entropy: weight tensor should be defined either for all {classes} classes or no classes but got "
            "weight "
            f"tensor of shape: {shape_of(weight)}"
        )
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    losses = input.log_softmax(axis) * target
    if weight is not None:
        losses = losses * weight.reshape(-1, *[1] * (input.ndim - 1 - axis))
    if reduction == "mean":
        return -losses.sum() / (input.numel() // max(classes, 1) or math.nan)
    return -losses.sum() if reduction == "sum" else -losses.sum(axis)


def _smoothed(input, target, weight, reduction, ignore_index, label_smoothing):
    if casting.in_force:
        input, weight = casting.wide(input, weight)
    axis = 1 if input.ndim > 1 else 0
    logs = input.log_softmax(axis)
    nll = nll_loss(logs, target, weight, ignore_index=ignore_index, reduction=reduction)
    spread = logs if weight is None else logs * weight.reshape(-1, *[1] * (input.ndim - 1 - axis))
    spread = (-spread.sum(axis)).masked_fill(target == ignore_index, 0)
    if reduction == "mean" and type(target._array) is Batched:
        spread = spread.sum() / ops.total_weights(target.reshape(1, -1), weight, ignore_index, input._array.dtype)[0]
    elif reduction == "mean":
        weights = ops.class_weights(
            target._array, None if weight is None else weight._array, ignore_index, input._array.dtype
        )
        spread = spread.sum() / float(target.numel() if weights is None else weights.sum())
    elif reduction == "sum":
        spread = spread.sum()
    return (1 - label_smoothing) * nll + label_smoothing / input.shape[axis] * spread


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """-weight[target] * input at the target's class, for log-probabilities (N, C, *) or (C,). See `cross_entropy`.

    >>> import rushlight
    >>> rushlight.nn.functional.nll_loss(rushlight.tensor([[-1.0, -2.0]]), rushlight.tensor([1]))
    tensor(2.)
    """
    check_tensor(input, "nll_loss_nd")
    check_tensor(target, "nll_loss_nd", 2, "target")
    check_optional(weight, "nll_loss_nd", 3, "weight")
    reduction = reduction_of(reduction, size_average, reduce)
    check_implemented(input, "nll_loss_out_frame")
    _check_classes(input, target, weight)
    op = ops.nll_loss if input.ndim <= 2 else ops.nll_loss2d
    return _of_classes(op, input, target, weight, ignore_index, reduction)


def _check_classes(input, target, weight):
    """Refuse class targets, and weights, that do not fit the input."""
    x, t = input._array, target._array
    _check_dims(x, t)
    if t.dtype != np.int64 and t.dtype != np.uint8:
        raise coded("RL410", RuntimeError(f"expected target dtype to be Long or Byte, but got {scalar_type(target)}"))
    if weight is not None:
        classes = x.shape[1 if x.ndim > 1 else 0]
        if shape_of(weight) != [classes]:
            raise RuntimeError(
                f"weight tensor should be defined either for all {classes} classes or no classes but got weight "
                "tensor of "
                f"shape: {shape_of(weight)}"
            )
        if weight._array.dtype != x.dtype:
            raise RuntimeError(f"expected scalar type {scalar_type(input)} but found {scalar_type(weight)}")


def _check_dims(x, t):
    if x.ndim == 2 and t.ndim == 1 and x.shape[0] == t.shape[0]:
        return
    if x.ndim == 0:
        raise ValueError(f"Expected 1 or more dimensions (got {x.ndim})")
    if x.ndim == 1 and t.ndim == 1 and t.shape[0] != 1:
        raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {t.shape[0]}")
    if x.ndim != 1 and x.shape[0] != (t.shape[0] if t.ndim else 0):
        raise coded(
            "RL411",
            ValueError(
                f"Expected input batch_size ({x.shape[0]}) to match target batch_size ({t.shape[0] if t.ndim else 0})."
            ),
        )
    if x.ndim <= 2:
        if t.ndim > 1:
            raise coded("RL425", RuntimeError("0D or 1D target tensor expected, multi-target not supported"))
        return
    if x.ndim == 4 and t.ndim != 3:
        raise RuntimeError(
            f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {t.ndim}"
        )
    if x.ndim == 4 and t.shape[1:] != x.shape[2:]:
        raise RuntimeError(f"size mismatch (got input: {list(x.shape)} , target: {list(t.shape)}")
    if t.shape[1:] != x.shape[2:]:
        raise RuntimeError(f"Expected target size {[x.shape[0], *x.shape[2:]]}, got {list(t.shape)}")


def multi_margin_loss(input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"):
    """The mean over the other classes of max(0, margin - input[target] + input[class]) ** p."""
    reduction = reduction_of(reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    check_tensors("multi_margin_loss", input=input, target=target)
    check_optional(weight, "multi_margin_loss", 5, "weight")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    if input.ndim > 2 or (input.ndim and input.shape[-1] == 0):
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {shape_of(input)}"
        )
    x = input.reshape(1, -1) if input.ndim < 2 else input
    n, classes = x.shape
    if target.ndim > 1 or target.numel() != n:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch "
            "size). "
            f"Expected target size [{n}], but got {shape_of(target)}. Input has shape {shape_of(input)}."
        )
    if weight is not None and weight.numel() != classes:
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {shape_of(weight)}")
    check_range(target, classes, RuntimeError, "target out of range")
    shape = target.shape
    target = target.reshape(-1)
    losses = multi_margin(x, target, p=p, margin=float(margin))
    if weight is not None:
        losses = losses * weight.index_select(0, target)
    return reduced(losses.reshape(shape) if input.ndim < 2 else losses, reduction)


def multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """The hinge losses between every target class and every other class, over the number of classes.

    `target` (N, C) or (C,) lists the classes of a sample, up to the first -1.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    check_tensors("multilabel_margin_loss", input=input, target=target)
    if input.ndim > 2 or (input.ndim and input.shape[-1] == 0):
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {shape_of(input)}"
        )
    if target.shape != input.shape and not (input.ndim < 2 and target.numel() == input.numel()):
        raise RuntimeError(f"inconsistent target size: {shape_of(target)} for input of size: {shape_of(input)}")
    if casting.in_force:
        (input,) = casting.wide(input)
    x = input.reshape(1, -1) if input.ndim < 2 else input
    n, classes = x.shape
    labels = values(target._array).reshape(n, classes)
    if ((labels < -1) | (labels >= classes)).any():
        raise RuntimeError("argument #2 'target' is out of range")
    listed = np.minimum.accumulate(labels >= 0, axis=1)
    place = np.where(listed, labels, 0)
    is_target = np.zeros((n, classes), bool)
    rows, columns = np.nonzero(listed)
    is_target[rows, place[rows, columns]] = True
    short = (1 - x.gather(1, core.wrap(place)).unsqueeze(2) + x.unsqueeze(1)).clamp_min(0)
    short = short.masked_fill(core.wrap(~(listed[:, :, None] & ~is_target[:, None, :])), 0)
    losses = short.sum((1, 2)) / classes
    return reduced(losses.reshape(()) if input.ndim < 2 else losses, reduction)


def multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """The binary cross-entropy of sigmoid(input) for each class, the mean over the classes."""
    reduction = reduction_of(reduction, size_average, reduce)
    losses = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        losses = losses * weight
    return reduced(losses.sum(input.ndim - 1) / input.shape[-1], reduction)


def triplet_margin_loss(
    anchor, positive, negative, margin=1.0, p=2, eps=1e-06, swap=False, size_average=None, reduce=None, reduction="mean"
):
    """max(0, d(anchor, positive) - d(anchor, negative) + margin) with the p-norm distance.

    `swap` takes the distance from positive to negative where that is smaller than from the anchor.
    """
    check_flags("triplet_margin_loss", 7, swap=swap)
    if casting.in_force:
        anchor, positive, negative = casting.wide(anchor, positive, negative)
    reduction = reduction_of(reduction, size_average, reduce)
    return _triplet(anchor, positive, negative, lambda a, b: pairwise_distance(a, b, p, eps), margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"
):
    """triplet_margin_loss with a distance of one's own (default: pairwise_distance)."""
    return _triplet(
        anchor, positive, negative, distance_function or pairwise_distance, margin, swap, reduction_of(reduction)
    )


def _triplet(anchor, positive, negative, distance, margin, swap, reduction):
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    check_tensors("triplet_margin_loss", anchor=anchor, positive=positive, negative=negative)
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but "
            "got: anchor "
            f"{anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D inputs"
        )
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    return reduced((margin + near - far).clamp_min(0), reduction)


def cosine_embedding_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    """1 - cos where target is 1, max(0, cos - margin) where it is -1, for the cosine of each pair of rows."""
    reduction = reduction_of(reduction, size_average, reduce)
    check_tensors("cosine_embedding_loss", input1=input1, input2=input2, target=target)
    if target.ndim not in (0, 1):
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    want = target.ndim + 1
    if input1.ndim != want or input2.ndim != want:
        raise RuntimeError(
            f"{want - 1}D target tensor expects {want}D input tensors, but found inputs with sizes "
            f"{shape_of(input1)} and "
            f"{shape_of(input2)}."
        )
    if casting.in_force:
        input1, input2, target = casting.wide(input1, input2, target)
    product = (input1 * input2).sum(target.ndim)
    squares = [(x * x).sum(target.ndim) + 1e-12 for x in (input1, input2)]
    cosine = product / (squares[0] * squares[1]).sqrt()
    zeros = cosine.detach() * 0
    losses = (1 - cosine).where(target == 1, zeros) + (cosine - margin).clamp_min(0).where(target == -1, zeros)
    return reduced(losses, reduction)
