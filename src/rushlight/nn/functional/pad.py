"""Padding, and moving channels into space and back."""

from ...allocation import checked
from ...functions.options import check_fits, check_held
from ...ops import shuffle
from ...ops.pad import PADS, constant_pad_nd
from .arguments import check_tensor, is_int, shape_of, type_name


def pad(input, pad, mode="constant", value=None):
    """Make `input` larger at the ends of its last dimensions: pad = (low, high) of the last, then of the one before ...

    `mode`: "constant" (with `value`, 0 by default; negative sizes crop), "reflect", "replicate" or "circular".

    >>> import rushlight
    >>> rushlight.nn.functional.pad(rushlight.tensor([[1.0, 2.0]]), (1, 2), value=7.0)
    tensor([[7., 1., 2., 7., 7.]])
    """
    check_tensor(input, "pad")
    if not isinstance(pad, (tuple, list)) or not all([is_int(p) for p in pad]):
        raise TypeError(f"pad(): argument 'pad' (position 2) must be tuple of ints, not {type_name(pad)}")
    if value is not None and not isinstance(value, (int, float, complex)) and not hasattr(value, "__float__"):
        raise TypeError(f"pad(): argument 'value' (position 4) must be float, not {type_name(value)}")
    pad = tuple([int(p) for p in pad])
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) > 2 * input.ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(pad)} and input of dimension {input.ndim}"
        )
    if mode == "constant":
        if value is not None and input._array.dtype.kind in "iu":
            # The argument is a float, and floats do not wrap around.
            value = check_fits(float(value), input._array.dtype)
        elif value is not None:
            check_held(value, input)
        return _constant(input, pad, 0 if value is None else value)
    if value not in (None, 0):
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    d = len(pad) // 2
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if d not in (1, 2, 3) or input.ndim not in (d + 1, d + 2):
        raise NotImplementedError(
            f"Padding size {len(pad)} is not supported for {input.ndim}D input tensor.\n"
            "Supported combinations for non-constant padding:\n"
            "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
            "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
            "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    _check_by(input._array, pad, mode, d)
    return PADS[mode, d](input, pad=pad, mode=mode)


def _constant(input, pad, value):
    if len(pad) == 0:
        return input.clone()
    for axis in range(len(pad) // 2):
        n, low, high = input.shape[-1 - axis], pad[2 * axis], pad[2 * axis + 1]
        if n + min(low, 0) + min(high, 0) < 0:
            raise RuntimeError("narrow(): length must be non-negative.")
    return constant_pad_nd(input, pad=pad, value=value)


def _check_by(x, pad, mode, d):
    shape = x.shape
    if mode != "circular" and 0 in shape[-d - 1 :]:
        raise RuntimeError(
            f"Expected {d + 1}D or {d + 2}D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(shape)}"
        )
    checked([shape[-1 - axis] + max(0, pad[2 * axis] + pad[2 * axis + 1]) for axis in range(d)], x.itemsize)
    for axis in range(d):
        n, low, high = shape[-1 - axis], pad[2 * axis], pad[2 * axis + 1]
        if mode == "reflect" and (low >= n or high >= n):
            raise RuntimeError(
                f"Argument #{2 * axis + 4}: Padding size should be less than the corresponding input dimension, but "
                f"got: padding ({low}, {high}) at dimension {x.ndim - 1 - axis} of input {list(shape)}"
            )
        if mode == "circular":
            if low > n or high > n:
                raise RuntimeError("Padding value causes wrapping around more than once.")
            if n + low + high <= 0:
                raise RuntimeError("Negative padding value is resulting in an empty dimension")
        if n + low + high < 1:
            raise RuntimeError(
                f"input ({'WHD'[axis]}: {n}) is too small. Calculated output {'WHD'[axis]}: {n + low + high}"
            )


def pixel_shuffle(input, upscale_factor):
    """(*, C * r * r, H, W) to (*, C, H * r, W * r).

    >>> import rushlight
    >>> rushlight.nn.functional.pixel_shuffle(rushlight.arange(4.0).reshape(1, 4, 1, 1), 2)
    tensor([[[[0., 1.],
              [2., 3.]]]])
    """
    r = upscale_factor
    _check_pixels(input, "pixel_shuffle", "upscale_factor", r)
    *lead, channels, height, width = input._array.shape
    if channels % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            "but "
            f"input.size(-3)={channels} is not divisible by {r * r}"
        )
    n = len(lead)
    parts = (*lead, channels // (r * r), r, r, height, width)
    order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    shape = (*lead, channels // (r * r), height * r, width * r)
    return shuffle.pixel_shuffle(input, parts=parts, order=order, shape=shape)


def pixel_unshuffle(input, downscale_factor):
    """(*, C, H * r, W * r) to (*, C * r * r, H, W)."""
    r = downscale_factor
    _check_pixels(input, "pixel_unshuffle", "downscale_factor", r)
    *lead, channels, height, width = input._array.shape
    for name, size, axis in (("height", height, -2), ("width", width, -1)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({axis})={size} "
                "is not "
                f"divisible by {r}"
            )
    n = len(lead)
    parts = (*lead, channels, height // r, r, width // r, r)
    order = (*range(n), n, n + 2, n + 4, n + 1, n + 3)
    shape = (*lead, channels * r * r, height // r, width // r)
    return shuffle.pixel_unshuffle(input, parts=parts, order=order, shape=shape)


def _check_pixels(input, name, parameter, factor):
    check_tensor(input, name)
    if input._array.ndim < 3:
        raise RuntimeError(
            f"{name} expects input to have at least 3 dimensions, but got input with {input.ndim} dimension(s)"
        )
    if factor <= 0:
        raise RuntimeError(f"{name} expects a positive {parameter}, but got {factor}")


def channel_shuffle(input, groups):
    """Deal the channels of (N, C, *) out: the first of each of `groups` parts, then the second of each ..."""
    check_tensor(input, "channel_shuffle")
    if input.ndim <= 2:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {shape_of(input)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    n, channels, *rest = input.shape
    if channels % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {channels} channels and {groups} groups."
        )
    parts = (n, groups, channels // groups, *rest)
    order = (0, 2, 1, *range(3, len(parts)))
    return shuffle.channel_shuffle(input, parts=parts, order=order, shape=tuple(input.shape))


native_channel_shuffle = channel_shuffle
