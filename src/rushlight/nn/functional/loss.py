"""Losses between two tensors, element by element."""

import math
import warnings

from ... import casting, spelling
from ...core import TensorBase
from ...errors import coded, coded_sentence
from ...functions.broadcasting import broadcast_tensors
from ...ops import loss as ops
from ...ops.hidden import every
from .arguments import (
    check_flags,
    check_implemented,
    check_optional,
    check_tensor,
    check_tensors,
    legacy_reduction,
    reduced,
    reduction_of,
    scalar_type,
    shape_of,
    type_name,
)


def _size(x):
    return f"{spelling.spell('Size')}({shape_of(x)})"


def _checked(input, target, function, size_average=None, reduce=None, reduction="mean", warn=True):
    """Both broadcast to one shape (with PyTorch's warning where they differ), and the reduction."""
    check_tensor(input, function)
    check_tensor(target, function, 2, "target")
    if warn and input.shape != target.shape:
        sentence = (
            f"Using a target size ({_size(target)}) that is different to the input size ({_size(input)}). This will "
            "likely lead to incorrect results due to broadcasting. Please ensure they have the same size."
        )
        warnings.warn(coded_sentence("RL408", sentence), UserWarning, stacklevel=3)
    reduction = reduction_of(reduction, size_average, reduce)
    if input.shape != target.shape:
        input, target = broadcast_tensors(input, target)
    return input, target, reduction


def _same_dtype(input, target):
    """Both in their common dtype: the operations on pairs want one."""
    if input.dtype == target.dtype:
        return input, target
    from ... import promote_types

    common = promote_types(input.dtype, target.dtype)
    return input.to(common), target.to(common)


def _weighted(losses, weight, input, reduction):
    """Losses times weights; their mean is divided by the sum of the weights."""
    if weight.shape != input.shape:
        raise ValueError("Weights and input must have the same size.")
    losses = losses * weight
    return losses.sum() / weight.sum() if reduction == "mean" else reduced(losses, reduction)


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """The squared differences, their mean or sum.

    UserWarning where the shapes differ and are broadcast; ValueError for an unknown reduction.

    >>> import rushlight
    >>> rushlight.nn.functional.mse_loss(rushlight.tensor([1.0, 3.0]), rushlight.zeros(2))
    tensor(5.)
    """
    input, target, reduction = _checked(input, target, "mse_loss", size_average, reduce, reduction)
    if weight is not None:
        input, target = casting.wide(input, target)
        return _weighted((input - target).pow(2), weight, input, reduction)
    input, target = _same_dtype(input, target)
    check_implemented(input, "mse_cpu")
    return ops.mse_loss(input, target, reduction=reduction)


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """The absolute differences, their mean or sum.

    >>> import rushlight
    >>> rushlight.nn.functional.l1_loss(rushlight.tensor([1.0, -3.0]), rushlight.zeros(2))
    tensor(2.)
    """
    input, target, reduction = _checked(input, target, "l1_loss", size_average, reduce, reduction)
    if casting.in_force:
        input, target = casting.wide(input, target)
    away = (input - target).abs()
    return reduced(away, reduction) if weight is None else _weighted(away, weight, input, reduction)


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """Half the squared difference over beta where it is below beta, the absolute difference less beta / 2 beyond.

    >>> import rushlight
    >>> rushlight.nn.functional.smooth_l1_loss(rushlight.tensor([1.0, -3.0]), rushlight.zeros(2), reduction="none")
    tensor([0.5000, 2.5000])
    """
    input, target, reduction = _checked(input, target, "smooth_l1_loss", size_average, reduce, reduction)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    input, target = _same_dtype(input, target)
    check_implemented(input, "smooth_l1_cpu")
    return ops.smooth_l1_loss(input, target, reduction=reduction, beta=beta)


def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """Half the squared difference where it is below delta, delta times (the difference less delta / 2) beyond.

    >>> import rushlight
    >>> rushlight.nn.functional.huber_loss(rushlight.tensor([1.0, -3.0]), rushlight.zeros(2), reduction="none")
    tensor([0.5000, 2.5000])
    """
    input, target, reduction = _checked(input, target, "huber_loss", reduction=reduction)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    input, target = _same_dtype(input, target)
    check_implemented(input, "huber_cpu")
    if weight is None:
        return ops.huber_loss(input, target, reduction=reduction, delta=delta)
    if weight.shape != input.shape:
        raise ValueError("Weights and input must have the same size.")
    return reduced(ops.huber_loss(input, target, reduction="none", delta=delta) * weight, reduction)


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """-(target * log(input) + (1 - target) * log(1 - input)), each logarithm at least -100.

    ValueError where the sizes differ; RuntimeError for values outside of [0, 1].

    >>> import rushlight
    >>> rushlight.nn.functional.binary_cross_entropy(rushlight.tensor([0.5]), rushlight.tensor([1.0]))
    tensor(0.6931)
    """
    check_tensor(input, "binary_cross_entropy")
    check_tensor(target, "binary_cross_entropy", 2, "target")
    check_optional(weight, "binary_cross_entropy", 3, "weight")
    reduction = reduction_of(reduction, size_average, reduce)
    if target.shape != input.shape:
        raise coded(
            "RL412",
            ValueError(
                f"Using a target size ({_size(target)}) that is different to the input size ({_size(input)}) is "
                "deprecated. "
                "Please ensure they have the same size."
            ),
        )
    check_implemented(input, "binary_cross_entropy")
    if weight is not None:
        weight = _expanded(weight, input)
    if target.dtype != input.dtype:
        input, target = casting.wide(input, target)
    if target.dtype != input.dtype:
        sentence = f"Found dtype {scalar_type(target)} but expected {scalar_type(input)}"
        raise coded("RL410", RuntimeError(sentence))
    for name, x in (("input", input), ("target", target)):
        array = every(x._array)
        if array.size and not ((array >= 0) & (array <= 1) | (array != array)).all():
            raise coded("RL413", RuntimeError(f"all elements of {name} should be between 0 and 1"))
    return ops.binary_cross_entropy(input, target, weight, reduction=reduction)


def _expanded(weight, input):
    """A weight broadcast to the shape of the input."""
    lead = input.ndim - weight.ndim
    for axis in range(weight.ndim - 1, -1, -1):
        n = weight.shape[axis]
        if n != 1 and (lead < 0 or n != input.shape[lead + axis]):
            raise RuntimeError(
                f"Attempting to broadcast a dimension of length {n} at {axis - weight.ndim}! Mismatching argument "
                "at index 1 "
                f"had {_size(weight)}; but expected shape should be broadcastable to {shape_of(input)}"
            )
    return weight.expand(input.shape)


def binary_cross_entropy_with_logits(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
):
    """binary_cross_entropy of sigmoid(input), computed without overflow; `pos_weight` weighs the positive part.

    >>> import rushlight
    >>> rushlight.nn.functional.binary_cross_entropy_with_logits(rushlight.tensor([0.0]), rushlight.tensor([1.0]))
    tensor(0.6931)
    """
    check_tensor(input, "binary_cross_entropy_with_logits")
    check_tensor(target, "binary_cross_entropy_with_logits", 2, "target")
    check_optional(weight, "binary_cross_entropy_with_logits", 3, "weight")
    check_optional(pos_weight, "binary_cross_entropy_with_logits", 4, "pos_weight")
    reduction = reduction_of(reduction, size_average, reduce)
    if target.shape != input.shape:
        raise coded(
            "RL412", ValueError(f"Target size ({_size(target)}) must be the same as input size ({_size(input)})")
        )
    for first, second in ((pos_weight, target), (input, weight)):
        if first is not None and second is not None and first.shape != second.shape:
            broadcast_tensors(first, second)
    input, target = _same_dtype(input, target)
    check_implemented(input, "log_sigmoid_cpu")
    return ops.binary_cross_entropy_with_logits(input, target, weight, pos_weight, reduction=reduction)


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """target * (log(target) - input): the divergence of the distribution exp(input) from `target`.

    `log_target` says that `target` holds logarithms. reduction="batchmean" divides the sum by the batch size.

    >>> import rushlight
    >>> F = rushlight.nn.functional
    >>> F.kl_div(rushlight.tensor([[0.5, 0.5]]).log(), rushlight.tensor([[0.25, 0.75]]), reduction="batchmean")
    tensor(0.1308)
    """
    check_tensor(input, "kl_div")
    check_flags("kl_div", None, log_target=log_target)
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    elif reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' "
            "divides only "
            "by the batch size, and aligns with the KL div math definition.'mean' will be changed to behave the "
            "same as "
            "'batchmean' in the next major release.",
            UserWarning,
            stacklevel=2,
        )
    if reduction != "batchmean":
        return kl_losses(input, target, reduction_of(reduction), log_target)
    total = kl_losses(input, target, "sum", log_target)
    return total / input.shape[0] if input.ndim else total


def kl_losses(input, target, reduction, log_target):
    """kl_div for a reduction of every loss: none, mean or sum."""
    check_tensor(target, "kl_div", 2, "target")
    if input.is_complex() or target.is_complex():
        raise RuntimeError("kl_div: Complex inputs not supported.")
    if casting.in_force:
        input, target = casting.wide(input, target)
    losses = target.exp() * (target - input) if log_target else target.xlogy(target) - target * input
    return reduced(losses, reduction)


def poisson_nll_loss(
    input, target, log_input=True, full=False, size_average=None, eps=1e-08, reduce=None, reduction="mean"
):
    """exp(input) - target * input, or input - target * log(input + eps) without `log_input`.

    `full` adds Stirling's approximation of log(target!) for targets above one.
    """
    check_tensors("poisson_nll_loss", input=input, target=target)
    check_flags("poisson_nll_loss", 3, log_input=log_input, full=full)
    reduction = reduction_of(reduction, size_average, reduce)
    if casting.in_force:
        input, target = casting.wide(input, target)
    losses = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        losses = losses + stirling.masked_fill(target <= 1, 0)
    return reduced(losses, reduction)


def gaussian_nll_loss(input, target, var, full=False, eps=1e-06, reduction="mean"):
    """(log(var) + (input - target)^2 / var) / 2, var at least eps; `full` adds the constant.

    `var`: a number, or a tensor like `input`, perhaps without its last dimension. ValueError for a negative one.
    """
    check_tensors("gaussian_nll_loss", input=input, target=target)
    if isinstance(var, (int, float)):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = var * input.detach().new_ones(input.shape)
    elif not isinstance(var, TensorBase):
        raise TypeError(f"'<' not supported between instances of '{type_name(var)}' and 'int'")
    elif (every(var._array) < 0).any():
        raise ValueError("var has negative entry/entries")
    if var.shape != input.shape:
        if input.shape[:-1] == var.shape:
            var = var.unsqueeze(-1)
        elif not (input.ndim == var.ndim and all(n in (1, m) for n, m in zip(var.shape, input.shape))):
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    clamped = var.clone()
    clamped.detach().clamp_(min=eps)
    losses = 0.5 * (clamped.log() + (input - target) ** 2 / clamped)
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
    """`input` where target is 1, max(0, margin - input) where it is -1."""
    check_tensors("hinge_embedding_loss", input=input, target=target)
    reduction = reduction_of(reduction, size_average, reduce)
    if casting.in_force:
        input, target = casting.wide(input, target)
    zeros = (input.detach() + target.detach()) * 0
    beyond = (margin - input).clamp_min(0).where(target != 1, zeros)
    return reduced(beyond + input.where(target != -1, zeros), reduction)


def margin_ranking_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    """max(0, -target * (input1 - input2) + margin): target 1 says that input1 ranks higher."""
    check_tensors("margin_ranking_loss", input1=input1, input2=input2, target=target)
    reduction = reduction_of(reduction, size_average, reduce)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {_size(input1)}, input2: {_size(input2)}, target: {_size(target)} "
        )
    if casting.in_force:
        input1, input2, target = casting.wide(input1, input2, target)
    return reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction)


def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """log(1 + exp(-target * input)).

    >>> import rushlight
    >>> rushlight.nn.functional.soft_margin_loss(rushlight.tensor([0.0]), rushlight.tensor([1.0]))
    tensor(0.6931)
    """
    input, target, reduction = _checked(input, target, "soft_margin_loss", size_average, reduce, reduction, warn=False)
    return ops.soft_margin_loss(*_same_dtype(input, target), reduction=reduction)
