"""Dropout: elements, or whole channels, set to zero at random in training."""

import math
import warnings

import numpy as np

from ...dtypes import bool_
from ...errors import coded
from ...ops.selection import masked_scale
from .arguments import check_flags, check_tensor


def dropout(input, p=0.5, training=True, inplace=False):
    """Set each element to zero with probability p and divide the others by 1 - p; nothing when not training.

    ValueError for p outside of [0, 1].

    >>> import rushlight
    >>> rushlight.nn.functional.dropout(rushlight.ones(3), training=False)
    tensor([1., 1., 1.])
    """
    _check(p, "dropout", input, training, "dropout_" if inplace else "dropout")
    return _dropped(input, p, training, inplace, False)


def dropout1d(input, p=0.5, training=True, inplace=False):
    """Set whole channels of (N, C, L) or (C, L) to zero with probability p."""
    _check(p, "dropout1d", input, training, "feature_dropout_" if inplace else "feature_dropout")
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input. Note that dropout1d exists to "
            "provide "
            "channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch "
            "dimension "
            "(i.e. 2D or 3D inputs)."
        )
    return _by_channel(input, p, training, inplace, input.ndim == 2)


def dropout2d(input, p=0.5, training=True, inplace=False):
    """Set whole channels of (N, C, H, W) to zero with probability p."""
    _check(p, "dropout2d", input, training, "feature_dropout_" if inplace else "feature_dropout")
    if input.ndim not in (3, 4):
        _warn_ndim("dropout2d", input.ndim, 2)
    if input.ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is "
            "desired - "
            "input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a "
            "future "
            "release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain the "
            "1D "
            "channel-wise dropout behavior, please switch to using dropout1d instead.",
            UserWarning,
            stacklevel=2,
        )
    return _by_channel(input, p, training, inplace, False)


def dropout3d(input, p=0.5, training=True, inplace=False):
    """Set whole channels of (N, C, D, H, W) or (C, D, H, W) to zero with probability p."""
    _check(p, "dropout3d", input, training, "feature_dropout_" if inplace else "feature_dropout")
    if input.ndim not in (4, 5):
        _warn_ndim("dropout3d", input.ndim, 3)
    return _by_channel(input, p, training, inplace, input.ndim != 5)


def alpha_dropout(input, p=0.5, training=False, inplace=False):
    """Set elements to SELU's lower limit with probability p, keeping mean and variance."""
    _check(p, "alpha_dropout", input, training, "alpha_dropout_" if inplace else "alpha_dropout")
    return _alpha(input, p, training, inplace, False)


def feature_alpha_dropout(input, p=0.5, training=False, inplace=False):
    """alpha_dropout of whole channels of (N, C, *)."""
    _check(
        p, "feature_alpha_dropout", input, training, "feature_alpha_dropout_" if inplace else "feature_alpha_dropout"
    )
    return _alpha(input, p, training, inplace, True)


def _check(p, function, input, train, kernel):
    check_tensor(input, function)
    if not 0 <= p <= 1:
        raise coded("RL416", ValueError(f"dropout probability has to be between 0 and 1, but got {p}"))
    if type(train) is not bool:
        check_flags(kernel, 3, train=train)


def _warn_ndim(name, ndim, d):
    warnings.warn(
        f"{name}: Received a {ndim}-D input to {name}, which is deprecated and will result in an error in a future "
        "release. "
        f"To retain the behavior and silence this warning, please use dropout instead. Note that {name} exists to "
        "provide "
        f"channel-wise dropout on inputs with {d} spatial dimensions, a channel dimension, and an optional batch "
        "dimension "
        f"(i.e. {d + 1}D or {d + 2}D inputs).",
        UserWarning,
        stacklevel=3,
    )


def _by_channel(input, p, training, inplace, unbatched):
    if not unbatched:
        return _dropped(input, p, training, inplace, True)
    out = _dropped(input.unsqueeze(0), p, training, inplace, True)
    return input if inplace else out.squeeze(0)


def _draws(input, features):
    """What ones and zeros are drawn into: one for each channel with `features`."""
    if not features:
        return input.shape
    if input.ndim < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return (*input.shape[:2], *[1] * (input.ndim - 2))


def _noise(input, p, features):
    """Ones with probability 1 - p, zeros otherwise."""
    return input.detach().new_empty(_draws(input, features)).bernoulli_(1 - p)


def _dropped(input, p, training, inplace, features):
    if p == 0 or not training or not input._array.size:
        return input
    if p == 1:
        noise = input.detach().new_zeros(())
    elif input._array.dtype.kind in "fV" and not inplace:
        stays = input.detach().new_empty(_draws(input, features), dtype=bool_).bernoulli_(1 - p)
        return masked_scale(input, stays, scale=_scale(input._array.dtype, p))
    else:
        noise = _noise(input, p, features).div_(1 - p)
    return input.mul_(noise) if inplace else input * noise


def _scale(dtype, p):
    """1 / (1 - p), computed and rounded as a tensor of the dtype divided by 1 - p is."""
    wide = np.float64 if dtype == np.float64 else np.float32
    return float(dtype.type(wide(1) / wide(1 - p)))


def _alpha(input, p, training, inplace, features):
    if p == 0 or not training or not input._array.size:
        return input
    if p == 1:
        zero = input.detach().new_zeros(())
        return input.mul_(zero) if inplace else input * zero
    lowest = 1.7580993408473766
    noise = _noise(input, p, features)
    a = 1 / math.sqrt((lowest * lowest * p + 1) * (1 - p))
    shift = (noise - 1).mul_(lowest * a).add_(lowest * a * p)
    noise = noise.mul_(a)
    return input.mul_(noise).add_(shift) if inplace else input * noise + shift
