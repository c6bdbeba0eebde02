"""Short-time Fourier transforms: the spectrum of a signal from frame to frame, and back.

The inverse adds up what the frames give, weighted with the window, and divides by the sum of squared windows: the signal
with the least squared error (Griffin and Lim, "Signal estimation from modified short-time Fourier transform", 1984).
"""

from .. import casting
from ..core import TensorBase
from ..dtypes import of as dtype_of
from .arguments import check_flags, check_tensor


def stft(
    input, n_fft, hop_length=None, win_length=None, window=None, center=True, pad_mode="reflect", normalized=False,
    onesided=None, return_complex=None, align_to_window=None,
):  # fmt: skip
    """The Fourier transforms of frames of `n_fft` entries, `hop_length` (n_fft // 4) apart: (frequencies, frames).

    `input` is a signal, (time,) or (batch, time). Frames are multiplied by `window`, of `win_length` entries (n_fft),
    in their middle. With `center` the signal is padded so that frame t has its middle at t * hop_length. Real signals give
    one side of each transform, n_fft // 2 + 1 entries, unless `onesided` is False. `normalized` divides by
    sqrt(n_fft). RuntimeError for lengths that do not fit each other, and where `return_complex` is not said for real ones.

    >>> import rushlight
    >>> signal = rushlight.ones(8)
    >>> rushlight.stft(signal, 4, window=rushlight.ones(4), center=False, return_complex=True).real
    tensor([[4., 4., 4., 4., 4.],
            [0., 0., 0., 0., 0.],
            [0., 0., 0., 0., 0.]])
    """
    check_tensor(input, "stft")
    if window is not None:
        check_tensor(window, "stft", 5, "window")
    check_flags("stft", 8, normalized=normalized)
    if casting.in_force:
        input, window = casting.wide(input, window)
    for name, flag in (("onesided", onesided), ("return_complex", return_complex)):
        if flag is not None:
            check_flags("stft", None, **{name: flag})
    n_fft = _integer(n_fft, "stft", "n_fft", 2)
    hop = n_fft // 4 if hop_length is None else _integer(hop_length, "stft", "hop_length", 3)
    win = n_fft if win_length is None else _integer(win_length, "stft", "win_length", 4)
    if center and align_to_window is not None:
        raise RuntimeError("stft align_to_window should only be set when center = false")
    is_complex = "c" in (input._array.dtype.kind, None if window is None else window._array.dtype.kind)
    if center:
        input = _centred(input, n_fft, pad_mode)
    if return_complex is None and not is_complex:
        raise RuntimeError(
            "stft requires the return_complex parameter be given for real inputs, and will further require that "
            "return_complex=True in a future PyTorch release."
        )
    said = (
        f"stft(torch.{_tensor_name(input)}{_listed(input)}, n_fft={n_fft}, hop_length={hop}, win_length={win}, window="
    )
    said += "None" if window is None else f"torch.{_tensor_name(window)}{{{_listed(window)}}}"
    said += (
        f", normalized={int(normalized)}, onesided={_said(onesided)}, return_complex={_said(return_complex)}, "
        f"align_to_window={_said(align_to_window)}) "
    )
    _check_frames(input, n_fft, hop, win, window, said)
    if onesided and is_complex:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    out = _frames_transformed(input, n_fft, hop, win, window, normalized, is_complex, onesided, align_to_window)
    if return_complex or (return_complex is None and is_complex):
        return out
    from .complex import view_as_real

    return view_as_real(out)


def _integer(value, function, name, position):
    if type(value) is bool or isinstance(value, TensorBase) or not hasattr(value, "__index__"):
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be int, not {type(value).__name__}"
        )
    return value.__index__()


def _tensor_name(x):
    names = {"Float": "FloatTensor", "Double": "DoubleTensor"}
    scalar_type = dtype_of(x._array.dtype).scalar_type
    return names.get(scalar_type, scalar_type + "Tensor")


def _listed(x):
    return str(list(x._array.shape))


def _said(flag):
    return "None" if flag is None else int(flag)


def _centred(input, n_fft, pad_mode):
    """The signal with half a frame around it."""
    from ..nn.functional import pad

    shape = input._array.shape
    beside = n_fft // 2
    if not shape:
        input = input.view(1)
    extended = (
        input.view((1,) * (3 - input._array.ndim) + tuple(input._array.shape)) if input._array.ndim < 3 else input
    )
    padded = pad(extended, (beside, beside), pad_mode)
    return padded.view(padded._array.shape[3 - len(shape) :]) if len(shape) < 3 else padded


def _check_frames(input, n_fft, hop, win, window, said):
    array = input._array
    if array.dtype.kind not in "fcV":
        raise RuntimeError(said + ": expected a tensor of floating point or complex values")
    if not 1 <= array.ndim <= 2:
        raise RuntimeError(said + ": expected a 1D or 2D tensor")
    length = array.shape[-1]
    if not 0 < n_fft <= length:
        raise RuntimeError(said + f": expected 0 < n_fft < {length}, but got n_fft={n_fft}")
    if hop <= 0:
        raise RuntimeError(said + f": expected hop_length > 0, but got hop_length={hop}")
    if not 0 < win <= n_fft:
        raise RuntimeError(said + f": expected 0 < win_length <= n_fft, but got win_length={win}")
    if window is not None and window._array.shape != (win,):
        raise RuntimeError(
            said + f": expected a 1D window tensor of size equal to win_length={win}, but got window with size "
            f"{_listed(window)}"
        )


def _frames_transformed(input, n_fft, hop, win, window, normalized, is_complex, onesided, align_to_window):
    from ..ops import fft as ops

    batched = input._array.ndim == 2
    if not batched:
        input = input.unsqueeze(0)
    left = (n_fft - win) // 2
    size = n_fft
    if align_to_window:
        size, left = win, 0
    frames = input.unfold(-1, size, hop)
    if window is None and win < size:
        window = input.new_ones(win)
    if window is not None:
        frames = frames * _widened(window, size, left)
    if size < n_fft:
        frames = _widened(frames, n_fft, (n_fft - size) // 2)
    if frames._array.itemsize < 4:
        raise RuntimeError(f"MKL FFT doesn't support tensors of type: {dtype_of(frames._array.dtype).scalar_type}")
    normalization = ops.BY_ROOT if normalized else ops.NONE
    if is_complex:
        out = ops.fft_c2c(frames, dim=(2,), normalization=normalization, forward=True)
    else:
        out = ops.fft_r2c(frames, dim=(2,), normalization=normalization, onesided=onesided is not False)
    out = out.transpose(1, 2)
    return out if batched else out.squeeze(0)


def _widened(x, size, left):
    """x with zeros around it along its last dimension, `size` entries in all."""
    n = x._array.shape[-1]
    if n == size:
        return x
    from .arrange import constant_pad_nd

    return constant_pad_nd(x, (left, size - n - left))


# -- the inverse


def istft(
    input, n_fft, hop_length=None, win_length=None, window=None, center=True, normalized=False, onesided=None,
    length=None, return_complex=False,
):  # fmt: skip
    """The signal, (time,) or (batch, time), whose `stft` with the same arguments this is.

    Where frames were changed and overlap, it is the signal whose transform is nearest. `length` cuts it off or fills
    it up with zeros. RuntimeError where the windows leave a moment of the signal uncovered.

    >>> import rushlight
    >>> window = rushlight.hann_window(4)
    >>> frames = rushlight.stft(rushlight.arange(8.0), 4, window=window, return_complex=True)
    >>> signal = rushlight.istft(frames, 4, window=window, length=8)
    >>> rushlight.allclose(signal, rushlight.arange(8.0), atol=1e-5)
    True
    """
    check_tensor(input, "istft")
    check_flags("istft", 6, center=center, normalized=normalized)
    check_flags("istft", 10, return_complex=return_complex)
    if onesided is not None:
        check_flags("istft", 8, onesided=onesided)
    n_fft = _integer(n_fft, "istft", "n_fft", 2)
    hop = n_fft // 4 if hop_length is None else _integer(hop_length, "istft", "hop_length", 3)
    win = n_fft if win_length is None else _integer(win_length, "istft", "win_length", 4)
    if length is not None:
        length = _integer(length, "istft", "length", 9)
    if input._array.dtype.kind != "c":
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )
    said = f"istft({_variable_name(input)}{_listed(input)}, n_fft={n_fft}, hop_length={hop}, win_length={win}, window="
    said += "None" if window is None else f"torch.{_tensor_name(window)}{{{_listed(window)}}}"
    said += (
        f", center={int(center)}, normalized={int(normalized)}, onesided={_said(onesided)}, length={length}, "
        f"return_complex={int(return_complex)}) "
    )
    _check_spectrum(input, n_fft, hop, win, window, onesided, return_complex, said)
    batched = input._array.ndim == 3
    frames = (input if batched else input.unsqueeze(0)).transpose(1, 2)
    if window is None:
        window = input.new_ones(win, dtype=dtype_of(input._array.dtype).to_real())
    window = _widened(window, n_fft, (n_fft - win) // 2)
    frames = _frames_of(frames, n_fft, normalized, return_complex)
    out = _added_up(frames * window, window * window, n_fft, hop, center, length, said)
    out = out if batched else out.squeeze(0)
    return out if length is None or out._array.shape[-1] >= length else _filled_up(out, length)


def _variable_name(x):
    return f"CPU{dtype_of(x._array.dtype).scalar_type}Type"


def _check_spectrum(input, n_fft, hop, win, window, onesided, return_complex, said):
    shape = input._array.shape
    if input._array.size == 0:
        raise RuntimeError(said + ": input tensor cannot be empty.")
    if len(shape) not in (2, 3):
        if len(shape) == 1:
            raise IndexError("Dimension out of range (expected to be in range of [-2, 1], but got -3)")
        raise RuntimeError(said + f": expected a tensor with 3 or 4 dimensions, but got {len(shape) + 1}")
    one_side = shape[-2] != n_fft if onesided is None else onesided
    rows = n_fft // 2 + 1 if one_side else n_fft
    if shape[-2] != rows:
        matched = (
            f"n_fft / 2 + 1 when onesided={'True' if onesided else 'None'}" if one_side else "n_fft when onesided=False"
        )
        raise RuntimeError(
            said + f": expected the frequency dimension (3rd to the last) of the input tensor to match {matched}, but "
            f"got {shape[-2]}"
        )
    if not 0 < hop <= win:
        raise RuntimeError(said + ": expected 0 < hop_length <= win_length")
    if not 0 < win <= n_fft:
        raise RuntimeError(said + ": expected 0 < win_length <= n_fft")
    if window is not None and window._array.shape != (win,):
        raise RuntimeError(said + ": Invalid window shape. window has to be 1D and length of `win_length`")
    if not return_complex and window is not None and window._array.dtype.kind == "c":
        raise RuntimeError("Complex windows are incompatible with return_complex=False")
    if return_complex and one_side:
        raise RuntimeError("Cannot have onesided output if window or input is complex")


def _frames_of(frames, n_fft, normalized, return_complex):
    from ..ops import fft as ops

    normalization = ops.BY_ROOT if normalized else ops.BY_NUMBER
    if return_complex:
        return ops.fft_c2c(frames, dim=(2,), normalization=normalization, forward=False)
    rows = n_fft // 2 + 1
    if frames._array.shape[-1] != rows:
        frames = frames[..., :rows]
    return ops.fft_c2r(frames, dim=(2,), normalization=normalization, last_dim_size=n_fft)


def _added_up(frames, squares, n_fft, hop, center, length, said):
    """Frames (batch, frame, entry) laid over each other, over the sum of the squared windows."""
    from ..ops import shape as ops

    batch, count = frames._array.shape[:2]
    total = n_fft + hop * (count - 1)
    added = ops.unfold_backward(frames, shape=(batch, total), dim=1, size=n_fft, step=hop)
    weight = squares.expand(1, count, n_fft)
    weight = ops.unfold_backward(weight, shape=(1, total), dim=1, size=n_fft, step=hop)
    start = n_fft // 2 if center else 0
    end = total - (n_fft // 2 if center else 0)
    if length is not None:
        end = start + length if center else length
    added, weight = added[:, start:end], weight[:, start:end]
    least = abs(weight.detach()._array).min() if weight._array.size else None
    if least is None:
        raise RuntimeError(
            "min(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the "
            "'dim' argument."
        )
    if not least > 1e-11:
        raise RuntimeError(said + "window overlap add min: 1\n[ CPUBoolType{} ]")
    return added / weight


def _filled_up(out, length):
    """The signal with zeros behind it up to `length`."""
    import warnings

    warnings.warn(
        "The length of signal is shorter than the length parameter. Result is being padded with zeros in the tail. Please "
        "check your center and hop_length settings.",
        UserWarning,
        stacklevel=3,
    )
    return _widened(out, length, 0)


FUNCTIONS = METHODS = ("istft", "stft")
INPLACE = {}
