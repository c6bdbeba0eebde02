"""Activations (from the families of functions), and those that draw random numbers or choose a dimension."""

import warnings

from ... import core
from ...functions.activation import (
    celu,
    celu_,
    elu,
    elu_,
    gelu,
    glu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    hardtanh_,
    leaky_relu,
    leaky_relu_,
    logsigmoid,
    mish,
    prelu,
    relu,
    relu6,
    relu_,
    selu,
    selu_,
    sigmoid,
    silu,
    softplus,
    softshrink,
    softsign,
    tanhshrink,
    threshold,
    threshold_,
)
from ...functions.trigonometric import tanh
from ...ops.activation import prelu as by_slope
from ...ops.declare import renamed
from .arguments import check_flags, check_implemented, check_tensor

_rrelu = renamed(by_slope, "RreluWithNoiseBackward0")

__all__ = [
    "celu", "celu_", "elu", "elu_", "gelu", "glu", "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish",
    "hardtanh",
    "hardtanh_", "leaky_relu", "leaky_relu_", "log_softmax", "logsigmoid", "mish", "prelu", "relu", "relu6", "relu_",
    "rrelu", "rrelu_", "selu", "selu_", "sigmoid", "silu", "softmax", "softmin", "softplus", "softshrink", "softsign",
    "tanh", "tanhshrink", "threshold", "threshold_",
]  # fmt: skip


def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, inplace=False, generator=None):
    """leaky_relu with a slope drawn between `lower` and `upper` for each element in training, their mean otherwise.

    >>> import rushlight
    >>> rushlight.nn.functional.rrelu(rushlight.tensor([1.0, -1.0]), 0.2, 0.4)
    tensor([ 1.0000, -0.3000])
    """
    check_tensor(input, "rrelu")
    if type(training) is not bool:
        check_flags("rrelu_" if inplace else "rrelu", 4, training=training)
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    check_implemented(input, "rrelu_out_cpu")
    slope = input.detach().new_empty(input.shape).uniform_(lower, upper, generator=generator)
    return core.inplace(_rrelu, input, (slope,), {}) if inplace else _rrelu(input, slope)


def rrelu_(input, lower=1.0 / 8, upper=1.0 / 3, training=False):
    """`rrelu` written over its input."""
    return rrelu(input, lower, upper, training, inplace=True)


def _implicit_dim(name, ndim):
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        UserWarning,
        stacklevel=3,
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmax(input, dim=None, _stacklevel=3, dtype=None):
    """exp(input) over its sum along `dim`; without a `dim` PyTorch's old choice, with a warning.

    >>> import rushlight
    >>> rushlight.nn.functional.softmax(rushlight.zeros(2), 0)
    tensor([0.5000, 0.5000])
    """
    if dim is None:
        dim = _implicit_dim("softmax", input.ndim)
    return input.softmax(dim) if dtype is None else input.softmax(dim, dtype=dtype)


def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """softmax of -input."""
    if dim is None:
        dim = _implicit_dim("softmin", input.ndim)
    return (-input).softmax(dim) if dtype is None else (-input).softmax(dim, dtype=dtype)


def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    """The logarithm of softmax, computed without underflow.

    >>> import rushlight
    >>> rushlight.nn.functional.log_softmax(rushlight.zeros(2), 0)
    tensor([-0.6931, -0.6931])
    """
    if dim is None:
        dim = _implicit_dim("log_softmax", input.ndim)
    return input.log_softmax(dim) if dtype is None else input.log_softmax(dim, dtype=dtype)


def gumbel_softmax(logits, tau=1, hard=False, eps=1e-10, dim=-1):
    """Samples from the Gumbel-softmax distribution: softmax((logits + noise) / tau).

    With `hard` they are one-hot, and differentiated as if they were not.
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", UserWarning, stacklevel=2)
    check_tensor(logits, "empty_like")
    gumbels = -logits.detach().new_empty(logits.shape).exponential_().log()
    soft = ((logits + gumbels) / tau).softmax(dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    one_hot = logits.detach().new_zeros(logits.shape).scatter_(dim, index, 1.0)
    return one_hot - soft.detach() + soft
