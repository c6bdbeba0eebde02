"""Gradients cut down to a largest norm or value, in place."""

import math
import warnings

import numpy as np

from ...core import wrap, written
from ...errors import coded
from ...kernels import load
from ...spelling import spell
from ...tensor import Tensor

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]

_kernels = load("clip")


def _listed(tensors):
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _norm(array, norm_type):
    if norm_type == 2.0 and array.dtype.kind == "f":
        flat = array.reshape(-1)
        return math.sqrt(np.dot(flat, flat)) if flat.dtype.itemsize > 2 else _norm(flat.astype(np.float32), 2.0)
    if not array.size:
        return 0.0
    return float(np.linalg.norm(np.abs(array).reshape(-1), norm_type))


def _total(arrays, norm_type):
    if _kernels is not None and norm_type == 2.0 and len(arrays) > 1:
        total = _kernels.norm(arrays)
        if total is not NotImplemented:
            return total
    return _norm(np.array([_norm(a, norm_type) for a in arrays]), norm_type)


def get_total_norm(tensors, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """The norm of all tensors seen as one vector, a tensor without dimensions.

    Raises RuntimeError for a norm that is nan or infinite, with `error_if_nonfinite`.
    """
    arrays = [t._array for t in _listed(tensors)]
    norm_type = float(norm_type)
    if not arrays:
        return wrap(np.float32(0.0))
    total = _total(arrays, norm_type)
    if error_if_nonfinite and not math.isfinite(total):
        raise coded(
            "RL423",
            RuntimeError(
                f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot "
                "be clipped. "
                "To disable this error and scale the gradients by the non-finite norm anyway, set "
                "`error_if_nonfinite=False`"
            ),
        )
    return wrap(np.array(total, np.result_type(*{a.dtype for a in arrays}).type(0).real.dtype))


def clip_grads_with_norm_(parameters, max_norm, total_norm, foreach=None):
    """Scale the gradients by max_norm / total_norm where that is below 1."""
    factor = float(max_norm) / (float(total_norm) + 1e-6)
    if factor > 1.0:
        return
    grads = [p._grad for p in _listed(parameters) if p._grad is not None]
    if _kernels is None or _kernels.scale([g._array for g in grads], factor) is NotImplemented:
        for grad in grads:
            np.multiply(grad._array, factor, out=grad._array)
    for grad in grads:
        written(grad)


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Scale the gradients of all parameters together so that their norm is at most `max_norm`; returns the norm.

    >>> import rushlight
    >>> x = rushlight.ones(4, requires_grad=True)
    >>> x.sum().backward()
    >>> rushlight.nn.utils.clip_grad_norm_(x, 1.0)
    tensor(2.)
    """
    parameters = _listed(parameters)
    grads = [p._grad for p in parameters if p._grad is not None]
    total = get_total_norm(grads, norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(parameters, max_norm, total, foreach)
    return total


def clip_grad_norm(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """The former name of `clip_grad_norm_`; FutureWarning."""
    warnings.warn(
        f"`{spell('nn.utils.clip_grad_norm')}` is now deprecated in favor of `{spell('nn.utils.clip_grad_norm_')}`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters, clip_value, foreach=None):
    """Cut each element of the gradients off at -clip_value and clip_value."""
    clip_value = float(clip_value)
    for parameter in _listed(parameters):
        grad = parameter._grad
        if grad is not None:
            if grad.is_complex():
                raise NotImplementedError("clamp is not supported for complex types")
            np.clip(grad._array, -clip_value, clip_value, out=grad._array)
            written(grad)
