"""Functionals as they are called from the top of the package: PyTorch's native signatures.

A `reduction` is a number here (0 none, 1 mean, 2 sum), and little has a default.
"""

from ... import core, dtypes
from ...ops import norm as ops
from . import activation, classification, loss, norm, pool
from . import conv as convolutions
from . import grid as grids
from .arguments import check_flags, check_tensor, check_tensors
from .dropout import _alpha, _check, _dropped
from .embedding import _shorten, bookkeeping, check_rows
from .embedding import embedding_bag as summed_bags

_REDUCTIONS = ("none", "mean", "sum")
_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")
_BAGS = ("sum", "mean", "max")


def _reduction(number):
    if number not in (0, 1, 2):
        raise ValueError(f"{number} is not a valid value for reduction")
    return _REDUCTIONS[number]


# -- normalizations


def batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled):
    """The same as `nn.functional.batch_norm`; `cudnn_enabled` changes nothing."""
    check_flags("batch_norm", 9, cudnn_enabled=cudnn_enabled)
    return norm.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, cudnn_enabled):
    """The same as `nn.functional.instance_norm`; `cudnn_enabled` changes nothing."""
    check_flags("instance_norm", 9, cudnn_enabled=cudnn_enabled)
    return norm.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-05, cudnn_enabled=True):
    """The same as `nn.functional.group_norm`; `cudnn_enabled` changes nothing."""
    check_flags("group_norm", 6, cudnn_enabled=cudnn_enabled)
    return norm.group_norm(input, num_groups, weight, bias, eps)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05, cudnn_enable=True):
    """The same as `nn.functional.layer_norm`; `cudnn_enable` changes nothing."""
    check_flags("layer_norm", 6, cudnn_enable=cudnn_enable)
    return norm.layer_norm(input, normalized_shape, weight, bias, eps)


def native_layer_norm(input, normalized_shape, weight, bias, eps):
    """(layer_norm, mean, 1 / standard deviation), the last two with the normalized dimensions kept as ones."""
    check_tensor(input, "native_layer_norm")
    shape = norm._check_normalized(input, normalized_shape, weight, bias, "native_layer_norm", ", ")
    out, mean, var = ops.native_layer_norm(input, weight, bias, dims=len(shape), eps=eps)
    return out, mean, (var + eps).rsqrt()


def native_group_norm(input, weight, bias, N, C, HxW, group, eps):
    """(group_norm, mean, 1 / standard deviation) of an input of N samples, C channels and HxW places."""
    check_tensor(input, "native_group_norm")
    if C % group:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={group}"
        )
    flat = input.reshape(N, C, HxW)
    out, mean, var = ops.native_group_norm(flat, weight, bias, groups=group, eps=eps)
    return out.reshape(input.shape), mean.reshape(N, group), (var + eps).rsqrt().reshape(N, group)


def native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps):
    """(batch_norm, mean, 1 / standard deviation) by channel, the last two without a history; empty unless `training`."""
    check_tensor(input, "native_batch_norm")
    out, mean, var = norm.native(input, running_mean, running_var, weight, bias, training, momentum, eps)
    if not training:
        return out, input.new_empty(0), input.new_empty(0)
    return out, mean.detach().reshape(-1), (var.detach() + eps).rsqrt().reshape(-1)


def _native_batch_norm_legit(input, weight, bias, *rest):
    """native_batch_norm, with running statistics or without: (running_mean, running_var,) training, momentum, eps."""
    statistics = rest[:2] if len(rest) == 5 else (None, None)
    return native_batch_norm(input, weight, bias, *statistics, *rest[-3:])


def native_norm(input, p=2, dim=None, keepdim=False, dtype=None):
    """The p-norm of all elements, or along `dim`."""
    check_tensor(input, "native_norm")
    check_flags("native_norm", 4, keepdim=keepdim)
    return input.norm(p, dim, keepdim, dtype=dtype)


# -- dropout


def _dropout(name, drop, features):
    def function(input, p, train):
        _check(p, name, input, train, name)
        return drop(input, p, train, name.endswith("_"), features)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The same as nn.functional.{name.strip('_')}, with `train` given." + (
        " Written over its input." if name.endswith("_") else ""
    )
    return function


dropout, dropout_ = [_dropout(name, _dropped, False) for name in ("dropout", "dropout_")]
feature_dropout, feature_dropout_ = [_dropout(name, _dropped, True) for name in ("feature_dropout", "feature_dropout_")]
alpha_dropout, alpha_dropout_ = [_dropout(name, _alpha, False) for name in ("alpha_dropout", "alpha_dropout_")]
feature_alpha_dropout, feature_alpha_dropout_ = [
    _dropout(name, _alpha, True) for name in ("feature_alpha_dropout", "feature_alpha_dropout_")
]


def native_dropout(input, p, train):
    """(dropout, the mask of what stayed)."""
    _check(p, "native_dropout", input, train is not None and train, "native_dropout")
    if train is False or not input._array.size:
        return input.clone(), input.detach().new_ones(input.shape, dtype=dtypes.bool_)
    stays = input.detach().new_empty(input.shape).bernoulli_(1 - p)
    mask = stays != 0
    return input * stays.mul_(0.0 if p == 1 else 1 / (1 - p)), mask


def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, generator=None):
    """The same as `nn.functional.rrelu`, its slopes drawn from `generator`."""
    return activation.rrelu(input, lower, upper, training, generator=generator)


def rrelu_(input, lower=1.0 / 8, upper=1.0 / 3, training=False, generator=None):
    """`rrelu` written over its input."""
    return activation.rrelu(input, lower, upper, training, True, generator)


# -- losses


def binary_cross_entropy_with_logits(input, target, weight=None, pos_weight=None, reduction=1):
    """The same as `nn.functional.binary_cross_entropy_with_logits` with a number for `reduction`."""
    return loss.binary_cross_entropy_with_logits(
        input, target, weight, reduction=_reduction(reduction), pos_weight=pos_weight
    )


def kl_div(input, target, reduction=1, *, log_target=False):
    """The same as `nn.functional.kl_div` with a number for `reduction`."""
    check_tensor(input, "kl_div")
    check_flags("kl_div", None, log_target=log_target)
    return loss.kl_losses(input, target, _reduction(reduction), log_target)


def hinge_embedding_loss(input, target, margin=1.0, reduction=1):
    """The same as `nn.functional.hinge_embedding_loss` with a number for `reduction`."""
    return loss.hinge_embedding_loss(input, target, margin, reduction=_reduction(reduction))


def margin_ranking_loss(input1, input2, target, margin=0.0, reduction=1):
    """The same as `nn.functional.margin_ranking_loss` with a number for `reduction`."""
    return loss.margin_ranking_loss(input1, input2, target, margin, reduction=_reduction(reduction))


def poisson_nll_loss(input, target, log_input, full, eps, reduction):
    """The same as `nn.functional.poisson_nll_loss` with a number for `reduction`."""
    return loss.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=_reduction(reduction))


def cosine_embedding_loss(input1, input2, target, margin=0.0, reduction=1):
    """The same as `nn.functional.cosine_embedding_loss` with a number for `reduction`."""
    return classification.cosine_embedding_loss(input1, input2, target, margin, reduction=_reduction(reduction))


def triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2.0, eps=1e-06, swap=False, reduction=1):
    """The same as `nn.functional.triplet_margin_loss` with a number for `reduction`."""
    return classification.triplet_margin_loss(
        anchor, positive, negative, margin, p, eps, swap, reduction=_reduction(reduction)
    )


# -- convolutions, pooling, sampling


def convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    """A convolution over as many dimensions as `input` (N, C, *) has, or its transpose."""
    check_tensor(input, "convolution")
    check_tensor(weight, "convolution", 2, "weight")
    d = weight.ndim - 2
    if d not in (1, 2, 3):
        raise RuntimeError(f"convolution: expected a weight of 3 to 5 dimensions, but got {weight.ndim}")
    if transposed:
        function = getattr(convolutions, f"conv_transpose{d}d")
        return function(input, weight, bias, stride, padding, output_padding, groups, dilation)
    return getattr(convolutions, f"conv{d}d")(input, weight, bias, stride, padding, dilation, groups)


def max_pool1d_with_indices(input, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False):
    """(max_pool1d, the index of each maximum)."""
    return pool.max_pool1d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)


def grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners):
    """The same as `nn.functional.grid_sample` with numbers for the modes, in the order in which that lists them."""
    return grids.grid_sample(input, grid, _MODES[interpolation_mode], _PADDINGS[padding_mode], align_corners)


def grid_sampler_2d(input, grid, interpolation_mode, padding_mode, align_corners):
    """grid_sampler of images (N, C, H, W)."""
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def grid_sampler_3d(input, grid, interpolation_mode, padding_mode, align_corners):
    """grid_sampler of volumes (N, C, D, H, W)."""
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def affine_grid_generator(theta, size, align_corners):
    """The same as `nn.functional.affine_grid`."""
    return grids.affine_grid(theta, size, align_corners)


# -- tables


def embedding_renorm_(input, indices, max_norm, norm_type):
    """Scale the rows of `input` (n, m) that the int64 `indices` name down to the length `max_norm`, in place."""
    check_tensors("embedding_renorm_", input=input, indices=indices)
    check_rows(indices, input)
    _shorten(input, indices, max_norm, norm_type)
    return input


def embedding_bag(
    weight, indices, offsets, scale_grad_by_freq=False, mode=0, sparse=False, per_sample_weights=None,
    include_last_offset=False, padding_idx=None,
):  # fmt: skip
    """(nn.functional.embedding_bag, the bag of each index, the sizes of the bags, where the maxima are).

    `mode` is 0 (sum), 1 (mean) or 2 (max). For sums the second is empty and the others are zeros.
    """
    check_tensors("embedding_bag", weight=weight, indices=indices, offsets=offsets)
    out = summed_bags(
        indices, weight, offsets, None, 2, scale_grad_by_freq, _BAGS[mode], sparse, per_sample_weights,
        include_last_offset, padding_idx,
    )  # fmt: skip
    return (out, *map(core.wrap, bookkeeping(out, weight, indices, offsets, mode, include_last_offset, padding_idx)))
