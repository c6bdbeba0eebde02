"""Normalizations: batch, layer, group, instance, root mean square, local response."""

import math

import numpy as np

from ... import dtypes, spelling
from ...core import transforms_entered, written
from ...errors import coded
from ...modes import grad_enabled
from ...ops import norm as ops
from ...ops.hidden import Batched
from .arguments import (
    check_flags,
    check_implemented,
    check_optional,
    check_tensor,
    ints,
    scalar_type,
    shape_of,
    type_name,
)
from .pad import pad
from .pool import avg_pool2d, avg_pool3d


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-05):
    """Standardize `input` (N, C, *) channel by channel, then multiply by `weight` and add `bias` (C,).

    Training uses the batch's own mean and variance, and moves the running ones towards them by `momentum`, in place;
    otherwise the running ones are used. ValueError for a single value per channel in training.

    >>> import rushlight
    >>> x = rushlight.tensor([[1.0], [3.0]])
    >>> rushlight.nn.functional.batch_norm(x, None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    check_tensor(input, "batch_norm")
    if type(training) is not bool:
        check_flags("batch_norm", 6, training=training)
    if training and input.ndim > 1 and input._array.size == input.shape[1] and input._array.size:
        raise coded(
            "RL407",
            ValueError(f"Expected more than 1 value per channel when training, got input size {_size(input.shape)}"),
        )
    if eps < 0 or (training and eps == 0):
        wanted = "positive during training" if training else "non-negative"
        raise ValueError(f"batch_norm eps must be {wanted}, but got {eps}")
    return native(input, running_mean, running_var, weight, bias, training, momentum, eps)[0]


def _size(shape):
    return f"{spelling.spell('Size')}({list(shape)})"


_POSITIONS = {"weight": 2, "bias": 3, "running_mean": 4, "running_var": 5}


def native(input, running_mean, running_var, weight, bias, training, momentum, eps):
    """(batch_norm, mean, variance), the running statistics moved."""
    for name, running in (("running_mean", running_mean), ("running_var", running_var)):
        if running is None and not training:
            raise RuntimeError(f"{name} must be defined in evaluation mode")
    channels = input.shape[1] if input.ndim > 1 else 0
    given = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    for name, x in given.items():
        check_optional(x, "batch_norm", _POSITIONS[name], name)
        if x is not None and x._array.size != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {x._array.size}")
    check_implemented(input, "batch_norm")
    for x in given.values():
        if x is not None and x.dtype != input.dtype and not (input.element_size() == 2 and x.dtype == dtypes.float32):
            raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")
    if input._array.size == 0:
        return input.clone(), input.new_empty(channels), input.new_empty(channels)
    used = (None, None) if training else _as_they_are(running_mean, running_var)
    out, mean, var = ops.native_batch_norm(input, weight, bias, *used, training=training, eps=eps)
    if training:
        count = input._array.size // channels
        _move(running_mean, mean, momentum)
        _move(running_var, var * (count / max(count - 1, 1)), momentum)
    return out, mean, var


def _as_they_are(*running):
    """The running statistics; copies where backward will need them, since the next step of training moves them."""
    return [x.clone() for x in running] if grad_enabled() else running


def _move(running, value, momentum):
    """running += momentum * (value - running), in place."""
    if running is None:
        return
    array, value = running._array, value.detach().reshape(running._array.shape)
    if transforms_entered(0):
        _check_batches(running, value)
        running.detach().copy_(running.detach() * (1 - momentum) + value * momentum)
        return
    np.copyto(array, (1 - momentum) * array + momentum * value._array, casting="same_kind")
    written(running)


def _check_batches(running, value):
    """Refuse to update statistics that all samples share with those of one sample."""
    if (
        type(value._array) is Batched
        and value._array.batched
        and not (type(running._array) is Batched and running._array.batched)
    ):
        raise RuntimeError(
            "Batch norm got a batched tensor as input while the running_mean or running_var, which will be updated in "
            "place, were not batched.\nIf you are using a module and do not need eval mode, please set "
            "`track_running_stats` to be False."
        )


def instance_norm(
    input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-05
):
    """Standardize each channel of each sample of `input` (N, C, *) by itself.

    >>> import rushlight
    >>> rushlight.nn.functional.instance_norm(rushlight.tensor([[[1.0, 3.0]]]))
    tensor([[[-1.0000,  1.0000]]])
    """
    check_tensor(input, "instance_norm")
    if type(use_input_stats) is not bool:
        check_flags("instance_norm", 6, use_input_stats=use_input_stats)
    for name, x in {"weight": weight, "bias": bias, "running_mean": running_mean, "running_var": running_var}.items():
        check_optional(x, "instance_norm", _POSITIONS[name], name)
    if use_input_stats and math.prod(input.shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {_size(input.shape)}")
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
    n, channels = input.shape[:2]
    for name, x in (("weight", weight), ("bias", bias)):
        if x is not None and x._array.size != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {x._array.size}")
    given = [r.detach() if use_input_stats and r is not None else r for r in (running_mean, running_var)]
    statistics = [None if r is None else r.repeat(n) for r in given]
    scales = [None if s is None else s.repeat(n) for s in (weight, bias)]
    flat = input.contiguous().view(1, n * channels, *input.shape[2:])
    out = native(flat, *statistics, *scales, use_input_stats, momentum, eps)[0]
    if use_input_stats:
        for running, moved in zip((running_mean, running_var), statistics):
            if running is not None:
                running.detach().copy_(moved.reshape(n, channels).mean(0))
    return out.view(input.shape)


def _check_normalized(input, normalized_shape, weight, bias, function, star):
    shape = ints(normalized_shape, function, "normalized_shape") if not hasattr(
        normalized_shape, "__index__") else None  # fmt: skip
    if shape is None:
        raise TypeError(
            f"{function}(): argument 'normalized_shape' (position 2) must be tuple of ints, not "
            f"{type_name(normalized_shape)}"
        )
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []"
        )
    for name, x in (("weight", weight), ("bias", bias)):
        if x is not None and tuple(x.shape) != shape:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape {shape_of(x)} and "
                f"normalized_shape = {list(shape)}"
            )
    if tuple(input.shape[max(input.ndim - len(shape), 0) :]) != shape:
        listed = ", ".join(map(str, shape))
        raise coded(
            "RL415",
            RuntimeError(
                f"Given normalized_shape={list(shape)}, expected input with shape [*{star}{listed}], but got input of "
                f"size{shape_of(input)}"
            ),
        )
    return shape


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05):
    """Standardize `input` over its trailing dimensions, which are `normalized_shape`; then `weight` and `bias`.

    >>> import rushlight
    >>> rushlight.nn.functional.layer_norm(rushlight.tensor([1.0, 3.0]), (2,))
    tensor([-1.0000,  1.0000])
    """
    check_tensor(input, "layer_norm")
    shape = _check_normalized(input, normalized_shape, weight, bias, "layer_norm", ", ")
    check_implemented(input, "LayerNormKernelImpl")
    for x in (weight, bias):
        if x is not None and x.dtype != input.dtype and not (input.element_size() == 2 and x.dtype == dtypes.float32):
            raise RuntimeError(
                "mixed dtype (CPU): expect parameter to have scalar type of "
                f"{'Float' if input.element_size() != 8 else scalar_type(input)}"
            )
    return ops.native_layer_norm(input, weight, bias, dims=len(shape), eps=eps)[0]


def rms_norm(input, normalized_shape, weight=None, eps=None):
    """`input` divided by its root mean square over the trailing dimensions `normalized_shape`.

    `eps` is the dtype's machine epsilon where it is None.

    >>> import rushlight
    >>> rushlight.nn.functional.rms_norm(rushlight.tensor([3.0, 4.0]), (2,))
    tensor([0.8485, 1.1314])
    """
    check_tensor(input, "rms_norm")
    shape = _check_normalized(input, normalized_shape, weight, None, "rms_norm", "")
    if not input.is_floating_point() and not input.is_complex():
        raise NotImplementedError(f"\"rms_norm\" not implemented for '{scalar_type(input)}'")
    wide = input.float() if input.element_size() == 2 else input
    if eps is None:
        eps = dtypes.finfo(wide.dtype).eps
    own = None if weight is None or weight.dtype != wide.dtype else weight
    if wide.is_complex():
        own, out = None, wide * ((wide * wide).mean(tuple(range(-len(shape), 0)), True) + eps).rsqrt()
    else:
        out = ops.fused_rms_norm(wide, own, dims=len(shape), eps=eps)[0]
    if weight is not own:
        out = out * weight
    return out if out.dtype == input.dtype else out.to(input.dtype)


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-05):
    """Standardize each of `num_groups` equal parts of the channels of `input` (N, C, *).

    >>> import rushlight
    >>> rushlight.nn.functional.group_norm(rushlight.tensor([[1.0, 3.0, 10.0, 30.0]]), 2)
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """
    check_tensor(input, "group_norm")
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    n, channels = input.shape[:2]
    if n * channels // num_groups * math.prod(input.shape[2:]) == 1:
        raise coded(
            "RL407",
            ValueError(f"Expected more than 1 value per channel when training, got input size {shape_of(input)}"),
        )
    if num_groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    if channels % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{shape_of(input)} "
            f"and num_groups={num_groups}"
        )
    for name, x in (("weight", weight), ("bias", bias)):
        if x is not None and shape_of(x) != [channels]:
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} "
                "of shape "
                f"{shape_of(x)} and input of shape {shape_of(input)}"
            )
    check_implemented(input, "GroupNormKernelImpl")
    return ops.native_group_norm(input, weight, bias, groups=num_groups, eps=eps)[0]


def local_response_norm(input, size, alpha=0.0001, beta=0.75, k=1.0):
    """Divide `input` (N, C, *) by a power of the mean square of `size` neighbouring channels."""
    check_tensor(input, "local_response_norm")
    if input.ndim < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality                          input (got {input.ndim} dimensions)"
        )
    if input._array.size == 0:
        return input
    square = input.mul(input)
    if input.ndim == 3:
        square = pad(square.unsqueeze(1), (0, 0, size // 2, (size - 1) // 2))
        square = avg_pool2d(square, (size, 1), stride=1).squeeze(1)
    else:
        shape = input.shape
        square = square.view(shape[0], 1, shape[1], shape[2], -1)
        square = pad(square, (0, 0, 0, 0, size // 2, (size - 1) // 2))
        square = avg_pool3d(square, (size, 1, 1), stride=1).squeeze(1).view(shape)
    return input / square.mul(alpha).add(k).pow(beta)
