"""Batch norm in evaluation taken into the linear map before it, which saves a pass over the data."""

import copy

from ..parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]


def fuse_conv_bn_eval(conv, bn, transpose=False):
    """A copy of the convolution that does what `conv` and then `bn` do; AssertionError unless both evaluate.

    `transpose=True` for a transposed convolution.
    """
    if conv.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(*_parts(fused, bn), transpose)
    return fused


def fuse_conv_bn_weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, transpose=False):
    """The weight and bias of the fused convolution, as Parameters."""
    ones = [1] * (conv_w.ndim - 1)
    return _fused(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, [1, -1, *ones[1:]] if transpose else [-1, *ones])


def fuse_linear_bn_eval(linear, bn):
    """A copy of the linear layer that does what `linear` and then `bn` do; AssertionError unless both evaluate.

    >>> from rushlight import nn
    >>> fuse_linear_bn_eval(nn.Linear(3, 2).eval(), nn.BatchNorm1d(2).eval())
    Linear(in_features=3, out_features=2, bias=True)
    """
    if linear.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
            f"linear.out_features={linear.out_features} and bn.num_features={bn.num_features}"
        )
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(*_parts(fused, bn))
    return fused


def fuse_linear_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b):
    """The weight and bias of the fused linear layer, as Parameters."""
    return _fused(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, [-1, 1])


def _parts(layer, bn):
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
    return layer.weight, layer.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias


def _fused(weight, bias, mean, var, eps, scale, shift, shape):
    """(W * s, (b - mean) * s + shift) for s = scale / sqrt(var + eps), which `shape` lines up with the weight."""
    rate = (var.detach() + eps).rsqrt()
    if scale is not None:
        rate = rate * scale.detach()
    moved = -mean.detach() if bias is None else bias.detach() - mean.detach()
    moved = moved * rate
    if shift is not None:
        moved = moved + shift.detach()
    fused = (weight.detach() * rate.reshape(shape)).to(weight.dtype)
    trained = bias is not None and bias.requires_grad
    return Parameter(fused, weight.requires_grad), Parameter(moved.to(weight.dtype), trained)
